/* SPDX-License-Identifier: Apache-2.0 */
#include "source_dir.h"

#include "core/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_EVERY_MS = 1000,
    STILL_S = 2, /* a file that nobody touched for so long is not being written, whatever inotify said */
    MAX_FILES = ALTO_MAX_RESOURCES
};

/* How a file looked when it was read last. */
typedef struct {
    char name[256]; /* without ".json" */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed; /* content; anything about it, such as permissions */
    bool seen, dirty;
    bool told; /* something was said of it */
} file;

struct source_dir {
    alto_loop *loop;
    source_events events;
    char *path;
    uint64_t quiet_ms, max_quiet_ms;
    int inotify, watch; /* -1: none */
    dev_t watched_device;
    ino_t watched_inode; /* of the directory that `watch` is about */
    alto_timer *quiet, *look;
    uint64_t first_event_ms; /* monotonic; 0: nothing pending */
    bool trusting;           /* inotify has been watching since the last look: what it did not name is unfinished */
    bool told_full;
    file *files;
    size_t count;
    size_t expected; /* index of the file that is likely to be asked for next: directories keep their order */
};

/* "x.json" -> "x"; false for what is not ours. */
static bool document_name(const char *entry, char name[256])
{
    static const char suffix[] = ".json";
    size_t length = strlen(entry), tail = sizeof suffix - 1;
    if (entry[0] == '.' || length <= tail || length - tail > 255 || strcmp(entry + length - tail, suffix) != 0)
        return false;
    memcpy(name, entry, length - tail);
    name[length - tail] = 0;
    return true;
}

static file *find_file(source_dir *self, const char *name)
{
    for (size_t step = 0; step < self->count; step++) {
        size_t i = (self->expected + step) % self->count;
        if (strcmp(self->files[i].name, name) != 0)
            continue;
        self->expected = i + 1;
        return &self->files[i];
    }
    return NULL;
}

static file *obtain_file(source_dir *self, const char *name)
{
    file *at = find_file(self, name);
    if (at || self->count == MAX_FILES)
        return at;
    file *larger = realloc(self->files, (self->count + 1) * sizeof *larger);
    if (!larger)
        return NULL;
    self->files = larger;
    at = &self->files[self->count++];
    *at = (file){.dirty = false};
    snprintf(at->name, sizeof at->name, "%s", name);
    return at;
}

/* ---- reading ---- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_look(const file *at, const struct stat *now)
{
    return at->device == now->st_dev && at->inode == now->st_ino && at->size == now->st_size &&
           same_time(&at->modified, &now->st_mtim) && same_time(&at->changed, &now->st_ctim);
}

static void remember_look(file *at, const struct stat *now)
{
    at->device = now->st_dev;
    at->inode = now->st_ino;
    at->size = now->st_size;
    at->modified = now->st_mtim;
    at->changed = now->st_ctim;
}

static bool read_all(int fd, uint8_t *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, bytes + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static void tell_unreadable(source_dir *self, const char *name, const char *why)
{
    alto_error error;
    alto_fail(&error, ALTO_IO, "", "%s", why);
    self->events.unreadable(self->events.context, name, &error);
}

static void unreadable(source_dir *self, file *at, const char *why)
{
    at->told = true;
    tell_unreadable(self, at->name, why);
}

/* Read an open file and hand it on. A file that changes under the reading stays dirty; its writer will close it. */
static void read_open(source_dir *self, file *at, int fd)
{
    struct stat before, after;
    if (fstat(fd, &before) != 0)
        return;
    remember_look(at, &before);
    if (!S_ISREG(before.st_mode) || before.st_size > ALTO_MAX_DOCUMENT) {
        unreadable(self, at, S_ISREG(before.st_mode) ? "larger than 2 GiB" : "not a regular file");
        return;
    }
    size_t size = (size_t)before.st_size;
    uint8_t *bytes = malloc(size + 1);
    if (!bytes) {
        at->dirty = true; /* again with the next look */
        unreadable(self, at, "out of memory");
        return;
    }
    bool whole = read_all(fd, bytes, size) && fstat(fd, &after) == 0 && same_look(at, &after);
    at->told = at->told || whole;
    if (whole)
        self->events.changed(self->events.context, at->name, NULL, alto_slice_of(bytes, size));
    else
        at->dirty = true;
    free(bytes);
}

static void read_file(source_dir *self, file *at)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.json", self->path, at->name);
    at->dirty = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int why = errno;
        struct stat now;
        if (why == ENOENT || stat(path, &now) != 0)
            return;
        remember_look(at, &now); /* said once, and again when it changes: permissions do */
        unreadable(self, at, strerror(why));
        return;
    }
    read_open(self, at, fd);
    close(fd);
}

/* ---- looking at the directory ---- */

static void unwatch_directory(source_dir *self)
{
    if (self->watch >= 0)
        inotify_rm_watch(self->inotify, self->watch);
    self->watch = -1;
    self->trusting = false;
}

/* Watch the directory that the path leads to now; it may be another one than before. */
static void watch_directory(source_dir *self)
{
    struct stat now;
    if (stat(self->path, &now) != 0)
        return;
    if (self->watch >= 0 && self->watched_device == now.st_dev && self->watched_inode == now.st_ino)
        return;
    unwatch_directory(self);
    self->watched_device = now.st_dev;
    self->watched_inode = now.st_ino;
    self->watch = inotify_add_watch(self->inotify, self->path,
                                    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |
                                        IN_MOVE_SELF | IN_ONLYDIR);
}

/* Mark what is new or looks different as dirty, and what is still there as seen. */
static void look_at_entry(source_dir *self, int directory, const char *entry)
{
    char name[256];
    struct stat now;
    if (!document_name(entry, name))
        return;
    bool there = fstatat(directory, entry, &now, 0) == 0;
    file *at = there ? obtain_file(self, name) : errno != ENOENT ? find_file(self, name) : NULL;
    if (there && !at && !self->told_full) {
        self->told_full = true;
        tell_unreadable(self, name, "more documents than there can be resources");
    }
    if (at)
        at->seen = true; /* also when nothing can be learned about it just now */
    if (!there || !at)
        return;
    bool still = !self->trusting || now.st_mtim.tv_sec + STILL_S < time(NULL);
    if (!same_look(at, &now) && still)
        at->dirty = true;
}

/* false: the directory cannot be read just now, which says nothing about its files. */
static bool look(source_dir *self)
{
    DIR *directory = opendir(self->path);
    if (!directory)
        return false;
    for (size_t i = 0; i < self->count; i++)
        self->files[i].seen = false;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(directory)))
        look_at_entry(self, dirfd(directory), entry->d_name);
    bool whole = errno == 0;
    closedir(directory);
    return whole;
}

static void drop_unseen(source_dir *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++)
        if (!self->files[i].seen && self->files[i].told)
            self->events.removed(self->events.context, self->files[i].name);
    for (size_t i = 0; i < self->count; i++)
        if (self->files[i].seen)
            self->files[kept++] = self->files[i];
    if (kept < self->count)
        self->told_full = false;
    self->count = kept;
}

/* Report all that happened since the last time. */
static void report(source_dir *self)
{
    self->first_event_ms = 0;
    watch_directory(self);
    if (!look(self))
        return;
    self->trusting = self->watch >= 0;
    drop_unseen(self);
    for (size_t i = 0; i < self->count; i++)
        if (self->files[i].dirty)
            read_file(self, &self->files[i]);
    self->events.settled(self->events.context);
}

/* Something happened: report it when it has been quiet for a while. */
static void expect_more(source_dir *self)
{
    uint64_t now_ms = alto_monotonic_ms(), delay = self->quiet_ms;
    if (self->first_event_ms == 0)
        self->first_event_ms = now_ms;
    uint64_t latest = self->first_event_ms + self->max_quiet_ms;
    if (now_ms + delay > latest)
        delay = latest > now_ms ? latest - now_ms : 0;
    alto_timer_arm(self->quiet, delay);
}

static bool take_event(source_dir *self, const struct inotify_event *event)
{
    char name[256];
    if (event->mask & IN_Q_OVERFLOW) {
        self->trusting = false;
        return true;
    }
    if (event->wd != self->watch)
        return false; /* the last words of a directory that was watched before */
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
        unwatch_directory(self);
        return true;
    }
    if (event->len == 0 || !document_name(event->name, name))
        return false;
    file *at = event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO) ? obtain_file(self, name) : NULL;
    if (at)
        at->dirty = true;
    return true;
}

static void on_inotify(void *context)
{
    source_dir *self = context;
    _Alignas(struct inotify_event) char bytes[16384];
    bool ours = false;
    for (;;) {
        ssize_t got = read(self->inotify, bytes, sizeof bytes);
        if (got <= 0)
            break;
        for (char *at = bytes; at < bytes + got;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)at;
            ours = take_event(self, event) || ours;
            at += sizeof *event + event->len;
        }
    }
    if (ours)
        expect_more(self);
}

static void on_quiet(void *context)
{
    report(context);
}

/* A directory that changed without inotify saying so. */
static bool looks_different(source_dir *self)
{
    if (!look(self))
        return false;
    for (size_t i = 0; i < self->count; i++)
        if (self->files[i].dirty || !self->files[i].seen)
            return true;
    return false;
}

static void on_look(void *context)
{
    source_dir *self = context;
    watch_directory(self);
    if (self->first_event_ms == 0 && looks_different(self))
        expect_more(self);
    alto_timer_arm(self->look, LOOK_EVERY_MS);
}

/* ---- life ---- */

alto_status source_dir_new(alto_loop *loop, const char *path, uint64_t quiet_ms, uint64_t max_quiet_ms,
                           const source_events *events, source_dir **out, alto_error *error)
{
    struct stat there;
    if (stat(path, &there) != 0 || !S_ISDIR(there.st_mode))
        return alto_fail(error, ALTO_IO, path,
                         "not a directory that can be read; make it, or name another with --maps");
    source_dir *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, path, "out of memory");
    self->loop = loop;
    self->events = *events;
    self->quiet_ms = quiet_ms;
    self->max_quiet_ms = max_quiet_ms;
    self->watch = -1;
    self->path = strdup(path);
    self->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    self->quiet = alto_timer_new(loop, on_quiet, self);
    self->look = alto_timer_new(loop, on_look, self);
    if (!self->path || self->inotify < 0 || !self->quiet || !self->look ||
        alto_loop_watch(loop, self->inotify, on_inotify, self) != ALTO_OK) {
        source_dir_destroy(&self);
        return alto_fail(error, ALTO_IO, path, "cannot watch it: %s", strerror(errno));
    }
    watch_directory(self);
    alto_timer_arm(self->quiet, 0);
    alto_timer_arm(self->look, LOOK_EVERY_MS);
    *out = self;
    return ALTO_OK;
}

void source_dir_destroy(source_dir **self)
{
    source_dir *dying = *self;
    if (!dying)
        return;
    alto_timer_destroy(&dying->quiet);
    alto_timer_destroy(&dying->look);
    if (dying->inotify >= 0) {
        alto_loop_unwatch(dying->loop, dying->inotify);
        close(dying->inotify);
    }
    free(dying->files);
    free(dying->path);
    free(dying);
    *self = NULL;
}

void source_dir_again(source_dir *self, const char *name)
{
    file *at = find_file(self, name);
    if (!at)
        return;
    at->dirty = true;
    if (self->first_event_ms == 0)
        expect_more(self);
}
