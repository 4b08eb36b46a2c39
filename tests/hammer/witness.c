/* SPDX-License-Identifier: Apache-2.0 */
/* alto-witness: several subscribers in one process, and a reader that looks at what they hold all the time.
 *
 * On standard output, one line each:
 *
 *     commit NAME EPOCH CHAIN SEQ HASH STATE_ROOT     the view of subscriber NAME moved
 *     state NAME empty|syncing|live|stale
 *     wrong NAME WHY                                  something that must never be seen
 *
 * What is wrong: a view whose position is not after the one before; a catalog that does not have the state
 * root; a version that does not have the root of its entry, or whose JSON, read again, does not; a cost map that is shown
 * without the very network map that it names. */
#include "altocast.h"

#include "core/mapjson.h"
#include "core/view.h"
#include "io/options.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char about[] = "Follows with several subscribers and reports whatever they hold that they must not.";

enum {
    POLL_MS = 100, /* how often states are looked at when nothing comes */
    READER_PAUSE_US = 2000,
    MOST_UPSTREAMS = 4,   /* of one subscriber */
    READ_AGAIN_EVERY = 32 /* views of which one is written as JSON and read again */
};

typedef struct {
    char name[32];
    bool follows_some; /* not all resources */
    altocast *maps;
    altocast_state state;
    alto_position reported; /* by on_commit */
    alto_position read;     /* by the reader */
    unsigned views;         /* that the reader has seen */
} subscriber;

static subscriber subscribers[ALTO_LIST_MAX];
static size_t subscriber_count;
static atomic_bool over;
static _Thread_local const char *at_work = "-"; /* whose log lines come now */

static void wrong(const subscriber *self, const alto_view *view, const char *why, const char *resource_id)
{
    printf("wrong %s at %u.%llu.%llu: %s %s\n", self->name, view->position.epoch,
           (unsigned long long)view->position.chain, (unsigned long long)view->position.seq, why, resource_id);
    fflush(stdout);
}

/* ---- what a view must be ---- */

/* The public view is the internal one under another name (altocast.c). */
static const alto_view *inner(const altocast_view *view)
{
    return (const alto_view *)(const void *)view;
}

static const char *id_of(const alto_resource *resource, char id[ALTO_MAX_NAME + 2])
{
    snprintf(id, ALTO_MAX_NAME + 2, "%.*s", (int)resource->name.id.size, (const char *)resource->name.id.data);
    return id;
}

/* Does the view show the network map with the tag that a cost map depends on? */
static bool has_network(const alto_view *view, const alto_vtag *wanted)
{
    const alto_resource *network = alto_view_by_id(view, wanted->resource_id);
    alto_vtag held;
    return network && alto_resource_shown(network) && alto_version_vtag(network->version, &held) == ALTO_OK &&
           strcmp(held.tag, wanted->tag) == 0;
}

/* NULL, or what is wrong with this resource of the view. */
static const char *fault_of(const subscriber *self, const alto_view *view, const alto_resource *resource)
{
    alto_vtag wanted[ALTO_MAX_DEPENDENCIES];
    size_t count;
    if (!resource->version)
        return self->follows_some ? NULL : "not held";
    if (!alto_hash_equal(alto_version_root(resource->version), &resource->entry.root))
        return "does not have the root of its entry";
    if (resource->entry.kind != ALTO_COST_MAP || !alto_resource_shown(resource))
        return NULL;
    if (alto_version_dependencies(resource->version, wanted, &count) != ALTO_OK)
        return "has dependencies that cannot be read";
    for (size_t i = 0; i < count; i++)
        if (!has_network(view, &wanted[i]))
            return "is shown beside a foreign network map";
    return NULL;
}

static bool append(void *context, const void *bytes, size_t size)
{
    alto_buffer_add(context, bytes, size);
    return true;
}

/* Written through the public interface and read again, is it still what was signed? */
static bool reads_again(const alto_resource *resource, alto_pool *pool)
{
    alto_buffer text = alto_buffer_make(ALTO_MAX_DOCUMENT);
    alto_version *again = NULL;
    alto_error error;
    bool same = altocast_write_json((const altocast_resource *)(const void *)resource, append, &text) == ALTOCAST_OK &&
                alto_map_read(pool, alto_buffer_slice(&text), NULL, NULL, &again, &error) == ALTO_OK &&
                alto_hash_equal(alto_version_root(again), &resource->entry.root);
    alto_version_release(again);
    alto_buffer_fini(&text);
    return same;
}

static void judge(const subscriber *self, const alto_view *view, alto_pool *read_with)
{
    char id[ALTO_MAX_NAME + 2];
    alto_hash root = alto_state_root(view->catalog);
    if (!alto_hash_equal(&root, &view->state_root))
        wrong(self, view, "the catalog does not have the state root", "");
    for (size_t i = 0; i < view->count; i++) {
        const alto_resource *resource = view->resources[i];
        const char *why = fault_of(self, view, resource);
        if (!why && read_with && alto_resource_shown(resource) && !reads_again(resource, read_with))
            why = "read again does not have its root";
        if (why)
            wrong(self, view, why, id_of(resource, id));
    }
}

/* ---- the reader: any thread may look at any time ---- */

static void look_at(subscriber *self, alto_pool *pool)
{
    altocast_view *held = altocast_acquire(self->maps);
    if (!held)
        return;
    const alto_view *view = inner(held);
    int order = self->views ? alto_position_compare(&view->position, &self->read) : 1;
    if (order < 0)
        wrong(self, view, "a reader sees an older view", "");
    if (order > 0) {
        self->read = view->position;
        judge(self, view, self->views++ % READ_AGAIN_EVERY ? NULL : pool);
    }
    altocast_release(held);
}

static void *read_all_the_time(void *unused)
{
    const struct timespec pause = {.tv_nsec = READER_PAUSE_US * 1000L};
    alto_pool *pool = alto_pool_new();
    while (pool && !atomic_load(&over)) {
        for (size_t i = 0; i < subscriber_count; i++)
            look_at(&subscribers[i], pool);
        nanosleep(&pause, NULL);
    }
    alto_pool_destroy(&pool);
    return unused;
}

/* ---- following ---- */

static void on_commit(void *context, const altocast_commit *commit)
{
    subscriber *self = context;
    char hash[2 * ALTO_HASH_SIZE + 1], root[2 * ALTO_HASH_SIZE + 1];
    altocast_view *held = altocast_acquire(self->maps);
    const alto_view *view = inner(held);
    const alto_position position = {commit->epoch, commit->chain, commit->seq};
    if (alto_position_compare(&position, &view->position) != 0)
        wrong(self, view, "the view is not of the commit that was told", "");
    if (alto_position_compare(&position, &self->reported) <= 0)
        wrong(self, view, "a commit comes that is not after the one before", "");
    self->reported = position;
    alto_hex(hash, view->commit_hash.bytes, ALTO_HASH_SIZE);
    alto_hex(root, view->state_root.bytes, ALTO_HASH_SIZE);
    printf("commit %s %u %llu %llu %s %s\n", self->name, position.epoch, (unsigned long long)position.chain,
           (unsigned long long)position.seq, hash, root);
    altocast_release(held);
}

static void tell_state(subscriber *self)
{
    static const char *const names[] = {"empty", "syncing", "live", "stale"};
    altocast_status status;
    altocast_get_status(self->maps, &status);
    if (status.state == self->state)
        return;
    self->state = status.state;
    printf("state %s %s\n", self->name, names[status.state]);
}

/* 0, or 1 when the system refuses to wait. */
static int follow(void)
{
    struct pollfd waits[ALTO_LIST_MAX];
    for (size_t i = 0; i < subscriber_count; i++)
        waits[i] = (struct pollfd){.fd = altocast_fd(subscribers[i].maps), .events = POLLIN};
    while (!atomic_load(&over)) {
        (void)poll(waits, subscriber_count, POLL_MS); /* a signal ends it early, which is right */
        for (size_t i = 0; i < subscriber_count; i++) {
            at_work = subscribers[i].name;
            if (altocast_process(subscribers[i].maps, 0) != 0)
                return 1;
            tell_state(&subscribers[i]);
        }
        fflush(stdout);
    }
    return 0;
}

/* Divide "URL,URL..." in place. */
static size_t split_urls(char *words, const char *urls[MOST_UPSTREAMS])
{
    size_t count = 0;
    char *rest;
    for (char *url = strtok_r(words, ",", &rest); url && count < MOST_UPSTREAMS; url = strtok_r(NULL, ",", &rest))
        urls[count++] = url;
    return count;
}

/* "NAME=MODE=URL[,URL...]" */
static bool open_one(subscriber *self, const char *words, const char *root_key)
{
    static const char *const some[] = {"net", "cost-a"};
    const char *upstreams[MOST_UPSTREAMS];
    char error[512] = "not NAME=all|some|poll=URL", mode[8], urls[1024];
    if (sscanf(words, "%31[^=]=%7[a-z]=%1023s", self->name, mode, urls) == 3) {
        self->follows_some = strcmp(mode, "some") == 0;
        size_t count = split_urls(urls, upstreams);
        altocast_options options = {.upstream = count ? upstreams[0] : NULL,
                                    .upstreams = upstreams + 1,
                                    .upstream_count = count ? count - 1 : 0,
                                    .root_key_file = root_key,
                                    .resources = self->follows_some ? some : NULL,
                                    .resource_count = self->follows_some ? 2 : 0,
                                    .no_push = strcmp(mode, "poll") == 0,
                                    .on_commit = on_commit,
                                    .context = self};
        self->maps = altocast_open(&options, error, sizeof error);
    }
    if (!self->maps)
        fprintf(stderr, "alto-witness: %s: %s\n", words, error);
    return self->maps != NULL;
}

static void on_signal(int number)
{
    (void)number;
    atomic_store(&over, true);
}

static void log_line(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s %s\n", at_work, line);
}

int main(int argc, char **argv)
{
    alto_list wanted = {0};
    const char *root_key = NULL;
    const alto_option table[] = {
        {"subscriber", ALTO_OPTION_LIST, &wanted, "NAME=MODE=URL[,URL...]",
         .help = "one that follows URL: all, some (net and cost-a), or all by polling (poll); may be repeated",
         .required = true},
        {"root-key", ALTO_OPTION_TEXT, &root_key, "FILE", .help = "root.pub.pem", .required = true},
        {.name = NULL}};
    int operands;
    alto_options_parse(argc, argv, table, "--root-key FILE --subscriber NAME=MODE=URL[,URL...]...", about, &operands);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    altocast_set_log(log_line, NULL);
    int code = 0;
    while (code == 0 && subscriber_count < wanted.count)
        if (open_one(&subscribers[subscriber_count], wanted.items[subscriber_count], root_key))
            subscriber_count++;
        else
            code = 1;
    pthread_t reader;
    if (code == 0 && pthread_create(&reader, NULL, read_all_the_time, NULL) == 0) {
        code = follow();
        atomic_store(&over, true);
        pthread_join(reader, NULL);
    }
    for (size_t i = 0; i < subscriber_count; i++)
        altocast_close(subscribers[i].maps);
    return code;
}
