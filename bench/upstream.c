/* SPDX-License-Identifier: Apache-2.0 */
#include "upstream.h"

#include "io/loop.h"
#include "io/site.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 2, DIFFERENT_MOST = 64 };

static const char resource_id[] = "my-cost-map";

struct bench_asked {
    pthread_mutex_t lock; /* of both processes */
    char paths[BENCH_ASKED_MOST][BENCH_PATH];
    size_t count, snapshots, different;
    uint64_t bytes;
    const uint8_t *bodies[DIFFERENT_MOST]; /* of snapshots: where they are in the upstream's memory */
};

/* The upstream, in its process. */
typedef struct {
    bench_origin *origin;
    size_t pids;
    alto_loop *loop;
    alto_archive *archive;
    alto_site *site;
    alto_http_server *http;
    alto_version *version; /* the newest */
    sim_random random;
    bench_asked *asked;
    int commands, answers;
} server;

/* ---- what it is asked for ---- */

static void note_snapshot(bench_asked *asked, const uint8_t *body)
{
    asked->snapshots++;
    for (size_t i = 0; i < asked->different; i++)
        if (asked->bodies[i] == body)
            return;
    if (asked->different == DIFFERENT_MOST)
        bench_die("upstream: more snapshots than room to count them");
    asked->bodies[asked->different++] = body;
}

static bool is_noted(const bench_asked *asked, const char *path)
{
    for (size_t i = 0; i < asked->count; i++)
        if (strcmp(asked->paths[i], path) == 0)
            return true;
    return false;
}

static void note(bench_asked *asked, const char *path, const alto_http_answer *answer)
{
    pthread_mutex_lock(&asked->lock);
    if (!is_noted(asked, path) && asked->count < BENCH_ASKED_MOST) {
        snprintf(asked->paths[asked->count++], BENCH_PATH, "%s", path);
        asked->bytes += answer->size;
    }
    if (strstr(path, "/snapshots/"))
        note_snapshot(asked, answer->piece(answer->owner, 0).data);
    pthread_mutex_unlock(&asked->lock);
}

static void on_request(void *context, const alto_http_request *request, alto_http_answer *answer)
{
    const server *self = context;
    alto_site_answer(self->site, request, answer);
    if (answer->status == 200)
        note(self->asked, request->path, answer);
}

/* ---- commits ---- */

static void on_commit(void *context, const alto_applied *applied)
{
    const server *self = context;
    bench_must(alto_archive_step(self->archive, applied), "upstream: step");
}

/* Another cost of one cell. */
static void commit_once(server *self)
{
    char source[BENCH_PID_TEXT], destination[BENCH_PID_TEXT];
    bench_pid_name(sim_random_below(&self->random, self->pids), source);
    bench_pid_name(sim_random_below(&self->random, self->pids), destination);
    double cost = 0;
    alto_version_cost(self->version, alto_slice_text(source), alto_slice_text(destination), &cost);
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(source));
    alto_edit cell = {.key = alto_slice_text(destination), .value.cost = cost + 1};
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_ITEMS, .edits = &cell, .count = 1};
    alto_version *next = NULL;
    bench_must(alto_version_edit(self->origin->pool, ALTO_COST_MAP, self->version, &row, 1, &next), "upstream: edit");
    alto_version_release(self->version);
    self->version = next;
    bench_origin_commit(self->origin, resource_id, next);
}

static void tell_position(const server *self)
{
    const alto_position *position = &alto_committer_view(self->origin->committer)->position;
    if (write(self->answers, position, sizeof *position) != sizeof *position)
        bench_die("upstream: %s", strerror(errno));
}

static void on_command(void *context)
{
    server *self = context;
    size_t count;
    if (read(self->commands, &count, sizeof count) != sizeof count)
        _exit(0);
    while (count-- > 0)
        commit_once(self);
    tell_position(self);
}

/* ---- its life ---- */

static void listen_at(server *self, unsigned port)
{
    static const alto_counts counts;
    alto_site_options serve = {.counts = &counts};
    alto_front *front;
    char address[32];
    const alto_http_options http = {.address = address, .threads = THREADS};
    alto_error error = {.why = "out of memory"};
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    self->loop = alto_loop_new();
    self->site = alto_site_new(NULL, 0, NULL);
    if (!self->loop || !self->site || alto_site_add(self->site, self->archive, &serve, &front, &error) != ALTO_OK ||
        alto_loop_watch(self->loop, self->commands, on_command, self) != ALTO_OK ||
        alto_http_server_new(&http, on_request, self, &self->http, &error) != ALTO_OK)
        bench_die("upstream: %s", error.why);
}

/* Until it is killed. */
_Noreturn static void serve(server *self, unsigned port)
{
    bench_origin *origin = self->origin;
    bench_origin_restart(origin);
    origin->applied = on_commit;
    origin->context = self;
    self->random.state = alto_clock_ms(); /* no two upstreams have the same map */
    self->archive = alto_archive_new(&origin->anchor.origin);
    if (!self->archive)
        bench_die("upstream: out of memory");
    bench_must(alto_archive_manifest(self->archive, alto_buffer_slice(&origin->manifest_file), origin->manifest.epoch,
                                     origin->manifest.version),
               "upstream: manifest");
    self->version = bench_cost_map(origin->pool, self->pids, &self->random);
    bench_origin_commit(origin, resource_id, self->version);
    commit_once(self); /* the payload of the first one holds the whole map: nobody is to have that for a snapshot */
    listen_at(self, port);
    unsigned bound = (unsigned)strtoul(strrchr(alto_http_server_address(self->http), ':') + 1, NULL, 10);
    if (write(self->answers, &bound, sizeof bound) != sizeof bound)
        bench_die("upstream: %s", strerror(errno));
    alto_loop_run(self->loop);
    _exit(0);
}

static bench_asked *asked_new(void)
{
    bench_asked *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t shared;
    if (made == MAP_FAILED || pthread_mutexattr_init(&shared) != 0 ||
        pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED) != 0 ||
        pthread_mutex_init(&made->lock, &shared) != 0)
        bench_die("no memory to share: %s", strerror(errno));
    pthread_mutexattr_destroy(&shared);
    return made;
}

bench_upstream bench_upstream_start(bench_origin *origin, size_t pids, unsigned port)
{
    int commands[2], answers[2];
    bench_upstream made = {.asked = asked_new()};
    if (pipe2(commands, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
        bench_die("no pipe: %s", strerror(errno));
    made.process = bench_child_start();
    if (made.process == 0)
        serve(
            &(server){
                .origin = origin, .pids = pids, .asked = made.asked, .commands = commands[0], .answers = answers[1]},
            port);
    close(commands[0]);
    close(answers[1]);
    made.commands = commands[1];
    made.answers = answers[0];
    if (read(made.answers, &made.port, sizeof made.port) != sizeof made.port)
        bench_die("an upstream did not start");
    return made;
}

void bench_upstream_stop(bench_upstream *self)
{
    bench_child_stop(self->process);
    close(self->commands);
    close(self->answers);
    munmap(self->asked, sizeof *self->asked);
}

alto_position bench_upstream_commit(const bench_upstream *self, size_t count)
{
    alto_position position;
    if (write(self->commands, &count, sizeof count) != sizeof count ||
        read(self->answers, &position, sizeof position) != sizeof position)
        bench_die("an upstream is gone");
    return position;
}

/* ---- what was asked for, seen from outside ---- */

void bench_upstream_forget(const bench_upstream *self)
{
    pthread_mutex_lock(&self->asked->lock);
    self->asked->count = self->asked->snapshots = self->asked->different = 0;
    self->asked->bytes = 0;
    pthread_mutex_unlock(&self->asked->lock);
}

size_t bench_upstream_asked(const bench_upstream *self)
{
    pthread_mutex_lock(&self->asked->lock);
    size_t count = self->asked->count;
    pthread_mutex_unlock(&self->asked->lock);
    return count;
}

const char *bench_upstream_path(const bench_upstream *self, size_t index)
{
    return self->asked->paths[index];
}

uint64_t bench_upstream_bytes(const bench_upstream *self)
{
    pthread_mutex_lock(&self->asked->lock);
    uint64_t bytes = self->asked->bytes;
    pthread_mutex_unlock(&self->asked->lock);
    return bytes;
}

size_t bench_upstream_snapshots(const bench_upstream *self, size_t *different)
{
    pthread_mutex_lock(&self->asked->lock);
    size_t count = self->asked->snapshots;
    *different = self->asked->different;
    pthread_mutex_unlock(&self->asked->lock);
    return count;
}
