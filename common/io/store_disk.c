/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_disk.h"

#include "io/log.h"
#include "io/store_check.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Address space, not memory and not disk. Where so much cannot be had, less is tried. */
static const size_t most_map = sizeof(size_t) > 4 ? (size_t)1 << 36 : (size_t)1 << 29;
static const size_t least_map = (size_t)1 << 28;

enum { FULL_BELOW_BYTES = 65536 };

static const char *const table_names[ALTO_DISK_TABLES] = {"meta", "entries", "heads", "pieces", "log"};

struct alto_disk {
    char *directory;
    int lock_fd; /* holds the flock; -1 when not */
    size_t map_size;
    MDB_env *env; /* NULL when not open */
    MDB_dbi tables[ALTO_DISK_TABLES];
    MDB_txn *txn; /* NULL outside of a transaction */
    bool writing;
    alto_status status; /* first error of the transaction */
    int failure;        /* last error of LMDB or the system; 0: none */
    uint64_t put_bytes;
};

static alto_status status_of(int failure)
{
    return failure == 0 ? ALTO_OK : failure == ENOMEM ? ALTO_NO_MEMORY : ALTO_IO;
}

/* LMDB calls it EIO when a write is cut short, which is how a disk gets full. */
static int cause_of(const alto_disk *self, int failure)
{
    struct statvfs disk;
    bool full =
        failure == EIO && statvfs(self->directory, &disk) == 0 && disk.f_bavail * disk.f_frsize < FULL_BELOW_BYTES;
    return full ? ENOSPC : failure;
}

static void note(alto_disk *self, int failure)
{
    if (failure == 0 || self->status != ALTO_OK)
        return;
    self->status = status_of(failure);
    self->failure = cause_of(self, failure);
}

/* ---- opening ---- */

static char *path_in(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", directory, name);
    return path;
}

static int open_tables(alto_disk *self)
{
    MDB_txn *txn = NULL;
    int failure = mdb_txn_begin(self->env, NULL, 0, &txn);
    for (int i = 0; failure == 0 && i < ALTO_DISK_TABLES; i++)
        failure = mdb_dbi_open(txn, table_names[i], MDB_CREATE, &self->tables[i]);
    if (failure == 0)
        return mdb_txn_commit(txn);
    if (txn)
        mdb_txn_abort(txn);
    return failure;
}

static void close_env(alto_disk *self)
{
    if (self->env)
        mdb_env_close(self->env);
    self->env = NULL;
}

static int open_env_of_size(alto_disk *self, const char *path, size_t map_size)
{
    int failure = mdb_env_create(&self->env);
    if (failure == 0)
        failure = mdb_env_set_mapsize(self->env, map_size);
    if (failure == 0)
        failure = mdb_env_set_maxdbs(self->env, ALTO_DISK_TABLES);
    /* No lock file: the flock keeps other processes out, and there is one transaction at a time. */
    if (failure == 0)
        failure = mdb_env_open(self->env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS, S_IRUSR | S_IWUSR);
    if (failure == 0)
        failure = open_tables(self);
    if (failure != 0)
        close_env(self);
    return failure;
}

/* LMDB is only shown a file that is sound. */
static int check_file(const alto_disk *self, const char *path)
{
    alto_check_verdict verdict;
    int failure = alto_store_check(path, &verdict);
    if (failure == 0 && verdict == ALTO_CHECK_CUT_BACK)
        alto_log(ALTO_LOG_WARN, "state-dropped",
                 "directory=%s why=\"the last write is torn\" next=\"go on from the one before\"", self->directory);
    return failure == 0 && verdict == ALTO_CHECK_DAMAGED ? MDB_CORRUPTED : failure;
}

static int open_env(alto_disk *self, size_t map_size)
{
    char *path = path_in(self->directory, "data.mdb");
    int failure = path ? check_file(self, path) : ENOMEM;
    for (bool too_large = failure == 0; too_large; map_size /= 2) {
        failure = open_env_of_size(self, path, map_size);
        self->map_size = map_size;
        too_large = failure == ENOMEM && map_size / 2 >= least_map;
    }
    free(path);
    return failure;
}

/* Put a file that nothing can be read from out of the way, for whoever wants to look at it. */
static int set_aside(const alto_disk *self)
{
    char *from = path_in(self->directory, "data.mdb"), *to = path_in(self->directory, "data.mdb.damaged");
    int failure = !from || !to ? ENOMEM : rename(from, to) < 0 ? errno : 0;
    if (failure == 0)
        alto_log(ALTO_LOG_WARN, "state-dropped",
                 "directory=%s why=\"data.mdb is damaged\" next=\"kept as data.mdb.damaged; begin anew\"",
                 self->directory);
    free(from);
    free(to);
    return failure;
}

static bool is_damage(int failure)
{
    return failure == MDB_CORRUPTED || failure == MDB_INVALID || failure == MDB_PAGE_NOTFOUND;
}

static int open_env_or_begin_anew(alto_disk *self)
{
    int failure = open_env(self, most_map);
    if (!is_damage(failure))
        return failure;
    failure = set_aside(self);
    return failure ? failure : open_env(self, most_map);
}

static const char *words_for(int failure)
{
    switch (failure) {
    case ENOSPC:
    case EDQUOT:
    case MDB_MAP_FULL:
        return "the disk is full; make room";
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return "the file data.mdb is damaged; restart to begin anew";
    case MDB_VERSION_MISMATCH:
        return "the file data.mdb is of another version of LMDB; choose another directory with --state";
    case EACCES:
    case EPERM:
        return "not permitted; give it to this user, or choose another with --state";
    case EROFS:
        return "the file system is read-only; choose another with --state";
    case ENOENT:
        return "its parent directory does not exist";
    default:
        return mdb_strerror(failure);
    }
}

static alto_status refuse(alto_error *error, const char *where, const char *what, int failure)
{
    return alto_fail(error, status_of(failure), where, "cannot %s: %s", what, words_for(failure));
}

static alto_status make_directory(const char *directory, alto_error *error)
{
    struct stat found;
    if (mkdir(directory, S_IRWXU) < 0 && errno != EEXIST)
        return refuse(error, directory, "create the directory", errno);
    if (stat(directory, &found) < 0)
        return refuse(error, directory, "look at it", errno);
    return S_ISDIR(found.st_mode) ? ALTO_OK : alto_fail(error, ALTO_IO, directory, "this is not a directory");
}

static alto_status lock_directory(alto_disk *self, alto_error *error)
{
    char *path = path_in(self->directory, "lock");
    if (!path)
        return alto_fail(error, ALTO_NO_MEMORY, self->directory, "out of memory");
    self->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    int failure = self->lock_fd < 0 ? errno : 0;
    free(path);
    if (failure)
        return refuse(error, self->directory, "write to it", failure);
    while (flock(self->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EINTR)
            continue;
        if (errno == EWOULDBLOCK)
            return alto_fail(error, ALTO_BUSY, self->directory,
                             "another process uses it; stop that one, or choose another with --state");
        return refuse(error, self->directory, "lock it", errno);
    }
    return ALTO_OK;
}

/* The names of new files are durable only when their directory is. */
static void sync_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

alto_status alto_disk_open(const char *directory, alto_disk **out, alto_error *error)
{
    alto_disk *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, directory, "out of memory");
    self->lock_fd = -1;
    self->directory = strdup(directory);
    if (!self->directory) {
        free(self);
        return alto_fail(error, ALTO_NO_MEMORY, directory, "out of memory");
    }
    alto_status status = make_directory(directory, error);
    if (status == ALTO_OK)
        status = lock_directory(self, error);
    if (status == ALTO_OK) {
        int failure = open_env_or_begin_anew(self);
        if (failure != 0)
            status = refuse(error, directory, "open it", failure);
    }
    if (status != ALTO_OK) {
        alto_disk_close(&self);
        return status;
    }
    sync_directory(directory);
    *out = self;
    return ALTO_OK;
}

void alto_disk_close(alto_disk **self)
{
    if (!*self)
        return;
    alto_disk *disk = *self;
    assert(!disk->txn);
    close_env(disk);
    if (disk->lock_fd >= 0)
        close(disk->lock_fd);
    free(disk->directory);
    free(disk);
    *self = NULL;
}

alto_status alto_disk_reopen(alto_disk *self)
{
    assert(!self->txn);
    bool grow = self->failure == MDB_MAP_FULL && self->map_size < most_map;
    close_env(self);
    int failure = open_env(self, grow ? 2 * self->map_size : self->map_size);
    if (failure)
        self->failure = failure;
    return status_of(failure);
}

alto_status alto_disk_begin_anew(alto_disk *self)
{
    assert(!self->txn);
    close_env(self);
    int failure = set_aside(self);
    if (failure == 0)
        failure = open_env(self, most_map);
    if (failure)
        self->failure = failure;
    return status_of(failure);
}

/* ---- transactions ---- */

alto_status alto_disk_begin(alto_disk *self, bool write)
{
    assert(!self->txn);
    if (!self->env)
        return ALTO_IO;
    int failure = mdb_txn_begin(self->env, NULL, write ? 0 : MDB_RDONLY, &self->txn);
    self->writing = write;
    self->status = ALTO_OK;
    self->put_bytes = 0;
    if (failure) {
        self->txn = NULL;
        self->failure = failure;
    }
    return status_of(failure);
}

alto_status alto_disk_end(alto_disk *self)
{
    if (self->status != ALTO_OK || !self->writing) {
        alto_disk_abort(self);
        return self->status;
    }
    note(self, mdb_txn_commit(self->txn));
    self->txn = NULL;
    return self->status;
}

void alto_disk_abort(alto_disk *self)
{
    if (self->txn)
        mdb_txn_abort(self->txn);
    self->txn = NULL;
}

void alto_disk_fail(alto_disk *self, alto_status status)
{
    if (self->status == ALTO_OK)
        self->status = status;
}

static MDB_val val_of(alto_slice slice)
{
    return (MDB_val){slice.size, (void *)(uintptr_t)slice.data};
}

bool alto_disk_get(alto_disk *self, alto_disk_table table, alto_slice key, alto_slice *value)
{
    if (self->status != ALTO_OK)
        return false;
    MDB_val wanted = val_of(key), found;
    int failure = mdb_get(self->txn, self->tables[table], &wanted, &found);
    if (failure != MDB_NOTFOUND)
        note(self, failure);
    if (failure)
        return false;
    *value = alto_slice_of(found.mv_data, found.mv_size);
    return true;
}

void alto_disk_put(alto_disk *self, alto_disk_table table, alto_slice key, alto_slice value)
{
    if (self->status != ALTO_OK)
        return;
    MDB_val at = val_of(key), bytes = val_of(value);
    note(self, mdb_put(self->txn, self->tables[table], &at, &bytes, 0));
    self->put_bytes += key.size + value.size;
}

void alto_disk_delete(alto_disk *self, alto_disk_table table, alto_slice key)
{
    if (self->status != ALTO_OK)
        return;
    MDB_val at = val_of(key);
    int failure = mdb_del(self->txn, self->tables[table], &at, NULL);
    if (failure != MDB_NOTFOUND)
        note(self, failure);
}

void alto_disk_delete_range(alto_disk *self, alto_disk_table table, alto_slice first, alto_slice last)
{
    MDB_cursor *cursor = NULL;
    if (self->status == ALTO_OK)
        note(self, mdb_cursor_open(self->txn, self->tables[table], &cursor));
    while (self->status == ALTO_OK) {
        MDB_val key = val_of(first), value;
        int failure = mdb_cursor_get(cursor, &key, &value, first.size ? MDB_SET_RANGE : MDB_FIRST);
        if (failure == MDB_NOTFOUND ||
            (failure == 0 && alto_slice_compare(alto_slice_of(key.mv_data, key.mv_size), last) > 0))
            break;
        note(self, failure ? failure : mdb_cursor_del(cursor, 0));
    }
    if (cursor)
        mdb_cursor_close(cursor);
}

void alto_disk_walk(alto_disk *self, alto_disk_table table, alto_slice prefix, alto_disk_fn *found, void *context)
{
    MDB_cursor *cursor = NULL;
    if (self->status == ALTO_OK)
        note(self, mdb_cursor_open(self->txn, self->tables[table], &cursor));
    MDB_val key = val_of(prefix), value;
    MDB_cursor_op step = prefix.size ? MDB_SET_RANGE : MDB_FIRST;
    while (self->status == ALTO_OK) {
        int failure = mdb_cursor_get(cursor, &key, &value, step);
        step = MDB_NEXT;
        if (failure == MDB_NOTFOUND)
            break;
        note(self, failure);
        if (failure || key.mv_size < prefix.size ||
            (prefix.size && memcmp(key.mv_data, prefix.data, prefix.size) != 0) ||
            !found(context, alto_slice_of(key.mv_data, key.mv_size), alto_slice_of(value.mv_data, value.mv_size)))
            break;
    }
    if (cursor)
        mdb_cursor_close(cursor);
}

uint64_t alto_disk_put_bytes(const alto_disk *self)
{
    return self->put_bytes;
}

const char *alto_disk_why(const alto_disk *self)
{
    return self->failure ? words_for(self->failure) : "no failure";
}
