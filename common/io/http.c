/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http.h"

#include "io/http_engine.h"
#include "io/http_lane.h"
#include "io/http_listen.h"
#include "io/loop.h"
#include "io/thread.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    MAX_WORKERS = 64,
    FIRST_MS = 10000, /* the defaults of alto_http_times */
    IDLE_MS = 30000,
    BODY_MS = 30000,
    PATIENCE_MS = 4000, /* for what is being made: less than clients have for a server that hangs */
};

typedef struct {
    alto_http_server *server;
    alto_http_lane *lane;       /* where connections begin */
    alto_http_engines *engines; /* where those go whose requests are not plain, and those with TLS */
    int listener, tls_listener; /* -1 when closed */
    int wake; /* eventfd, readable once requests that wait are to be put again, or an engine is offered; -1: none */
    pthread_t thread;
    bool running; /* the thread was started */
    bool stopped; /* this thread has stopped listening */
} worker;

struct alto_http_server {
    alto_http_fn *handler;
    void *context;
    int stop; /* eventfd, readable once the workers are to end */
    atomic_bool stopping;
    uint64_t stop_by_ms;                   /* monotonic; set before `stopping` */
    alto_http_limits *limits, *own_limits; /* in use; destroyed with the server */
    alto_http_times times;
    char address[ALTO_HTTP_PEER_TEXT], tls_address[ALTO_HTTP_PEER_TEXT]; /* "": none */
    unsigned count;
    worker *workers;
};

/* ---- workers ---- */

/* How long the worker may sleep: -1 for ever. */
static int sleep_ms(const worker *self)
{
    int wait = alto_http_engines_sleep_ms(self->engines);
    if (!self->stopped)
        return wait;
    uint64_t now = alto_monotonic_ms();
    int left = now >= self->server->stop_by_ms ? 0 : (int)(self->server->stop_by_ms - now);
    return wait < 0 || left < wait ? left : wait;
}

static bool is_answering(const worker *self)
{
    return alto_http_engines_answering(self->engines) > 0 || alto_http_lane_answering(self->lane) > 0;
}

static bool finished(const worker *self)
{
    return self->stopped && (!is_answering(self) || alto_monotonic_ms() >= self->server->stop_by_ms);
}

/* Once stopping is known its descriptor is left out: it stays readable. */
static void stop_listening(worker *self)
{
    alto_http_lane_unwatch(self->lane, self->server->stop);
    alto_http_lane_stop(self->lane);
    alto_http_engines_stop(self->engines);
    self->stopped = true;
}

static bool woken(const worker *self)
{
    uint64_t times;
    return read(self->wake, &times, sizeof times) == sizeof times;
}

static void on_wake(worker *self)
{
    alto_http_engines_wake(self->engines);
    alto_http_lane_wake(self->lane);
}

static void *run_worker(void *context)
{
    worker *self = context;
    while (!finished(self)) {
        int wait = sleep_ms(self);
        bool news = alto_http_lane_run(self->lane, wait), due = wait >= 0 && wait <= ALTO_HTTP_ENGINES_PAUSE_MS;
        if ((news || due) && woken(self))
            on_wake(self);
        if (news || due)
            alto_http_engines_run(self->engines, news);
        alto_http_engines_end_late(self->engines);
        if (!self->stopped && atomic_load(&self->server->stopping))
            stop_listening(self);
    }
    return NULL;
}

static void hand_over(void *owner, const alto_http_arrival *arrival)
{
    const worker *self = owner;
    alto_http_engines_take(self->engines, arrival);
}

static bool make_room(void *owner, alto_http_limit why, uint64_t before_ms, uint64_t now_ms)
{
    const worker *self = owner;
    return alto_http_engines_make_room(self->engines, why, before_ms, now_ms);
}

/* Connections of one worker. */
static size_t max_connections(const alto_http_server *self)
{
    return alto_http_limits_connections(self->limits) / self->count + 1;
}

static bool start_lane(worker *self)
{
    const alto_http_lane_options options = {.handler = self->server->handler,
                                            .context = self->server->context,
                                            .hand_over = hand_over,
                                            .make_room = make_room,
                                            .owner = self,
                                            .limits = self->server->limits,
                                            .max_connections = max_connections(self->server),
                                            .idle_ms = self->server->times.idle_ms,
                                            .patience_ms = PATIENCE_MS};
    self->lane = alto_http_lane_new(self->listener, self->tls_listener, &options);
    return self->lane && alto_http_lane_watch(self->lane, self->wake) == ALTO_OK &&
           alto_http_lane_watch(self->lane, self->server->stop) == ALTO_OK;
}

static bool start_engine(worker *self, const alto_tls *tls)
{
    alto_http_engine *made = alto_http_engine_new(self->engines, tls);
    return made && alto_http_engines_use(self->engines, made);
}

static bool start_engines(worker *self, const alto_http_options *options)
{
    const alto_http_engines_options engines = {.handler = self->server->handler,
                                               .context = self->server->context,
                                               .lane = self->lane,
                                               .limits = self->server->limits,
                                               .times = self->server->times,
                                               .max_connections = max_connections(self->server)};
    self->engines = alto_http_engines_new(&engines);
    return self->engines && (!options->address || start_engine(self, NULL)) &&
           (!options->tls_address || start_engine(self, options->tls));
}

static int start_thread(worker *self)
{
    int error = alto_thread_start(&self->thread, run_worker, self);
    self->running = error == 0;
    return error;
}

/* ---- the server ---- */

static alto_status open_listeners(alto_http_server *self, const alto_http_options *options, alto_error *error)
{
    int plain[MAX_WORKERS], secure[MAX_WORKERS];
    memset(plain, -1, sizeof plain);
    memset(secure, -1, sizeof secure);
    alto_status status = ALTO_OK;
    if (options->address)
        status = alto_http_listen(options->address, plain, self->count, self->address, error);
    if (status == ALTO_OK && options->tls_address)
        status = alto_http_listen(options->tls_address, secure, self->count, self->tls_address, error);
    for (unsigned i = 0; i < self->count; i++) {
        self->workers[i].listener = plain[i];
        self->workers[i].tls_listener = secure[i];
    }
    return status;
}

static alto_status start_workers(alto_http_server *self, const alto_http_options *options, alto_error *error)
{
    const char *address = options->address ? options->address : options->tls_address;
    for (unsigned i = 0; i < self->count; i++) {
        worker *one = &self->workers[i];
        errno = 0;
        if (one->wake < 0 || !start_lane(one) || !start_engines(one, options))
            return alto_fail(error, ALTO_IO, address, "cannot start libmicrohttpd%s: %s",
                             options->tls_address ? " (is it one with TLS?)" : "", strerror(errno));
        int number = start_thread(one);
        if (number)
            return alto_fail(error, ALTO_IO, address, "cannot start a thread: %s", strerror(number));
    }
    return ALTO_OK;
}

static bool make_workers(alto_http_server *self)
{
    self->workers = calloc(self->count, sizeof *self->workers);
    for (unsigned i = 0; self->workers && i < self->count; i++) {
        worker *one = &self->workers[i];
        one->server = self;
        one->listener = one->tls_listener = -1;
        one->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    self->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return self->workers && self->stop >= 0;
}

static alto_status take_limits(alto_http_server *self, alto_http_limits *given, alto_error *error)
{
    static const alto_http_limits_options defaults = {ALTO_HTTP_LIMITS_DEFAULTS};
    alto_status status = given ? ALTO_OK : alto_http_limits_new(&defaults, &self->own_limits, error);
    self->limits = given ? given : self->own_limits;
    return status;
}

alto_status alto_http_server_new(const alto_http_options *options, alto_http_fn *handler, void *context,
                                 alto_http_server **out, alto_error *error)
{
    assert(options->threads > 0 && handler && (options->address || options->tls_address));
    assert(!options->tls_address || options->tls);
    alto_http_server *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "http", "out of memory");
    self->stop = -1;
    self->times = (alto_http_times){.first_ms = options->times.first_ms ? options->times.first_ms : FIRST_MS,
                                    .idle_ms = options->times.idle_ms ? options->times.idle_ms : IDLE_MS,
                                    .body_ms = options->times.body_ms ? options->times.body_ms : BODY_MS};
    self->handler = handler;
    self->context = context;
    self->count = options->threads < MAX_WORKERS ? options->threads : MAX_WORKERS;
    alto_status status = take_limits(self, options->limits, error);
    if (status == ALTO_OK && !make_workers(self))
        status = alto_fail(error, ALTO_NO_MEMORY, "http", "out of memory or descriptors");
    if (status == ALTO_OK)
        status = open_listeners(self, options, error);
    if (status == ALTO_OK)
        status = start_workers(self, options, error);
    if (status == ALTO_OK)
        *out = self;
    else
        alto_http_server_destroy(&self, 0);
    return status;
}

/* An eventfd that cannot be written to is readable already. */
static void make_readable(int event)
{
    uint64_t one = 1;
    if (event >= 0 && write(event, &one, sizeof one) < 0)
        assert(errno == EAGAIN);
}

void alto_http_server_wake(alto_http_server *self)
{
    for (unsigned i = 0; i < self->count; i++)
        make_readable(self->workers[i].wake);
}

alto_status alto_http_server_set_tls(alto_http_server *self, const alto_tls *tls, alto_error *error)
{
    alto_http_engine *fresh[MAX_WORKERS];
    for (unsigned i = 0; i < self->count; i++) {
        fresh[i] = alto_http_engine_new(self->workers[i].engines, tls);
        if (fresh[i])
            continue;
        while (i > 0)
            alto_http_engine_destroy(&fresh[--i]);
        return alto_fail(error, ALTO_IO, self->tls_address, "libmicrohttpd does not take the new certificate");
    }
    for (unsigned i = 0; i < self->count; i++) {
        alto_http_engines_offer(self->workers[i].engines, fresh[i]);
        make_readable(self->workers[i].wake);
    }
    return ALTO_OK;
}

static void stop_threads(alto_http_server *self, unsigned grace_ms)
{
    self->stop_by_ms = alto_monotonic_ms() + grace_ms;
    atomic_store(&self->stopping, true);
    make_readable(self->stop);
    for (unsigned i = 0; i < self->count; i++)
        if (self->workers[i].running)
            pthread_join(self->workers[i].thread, NULL);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void worker_fini(worker *self)
{
    alto_http_engines_destroy(&self->engines);
    alto_http_lane_destroy(&self->lane);
    close_fd(self->listener);
    close_fd(self->tls_listener);
    close_fd(self->wake);
}

void alto_http_server_destroy(alto_http_server **self, unsigned grace_ms)
{
    alto_http_server *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    if (gone->workers)
        stop_threads(gone, grace_ms);
    for (unsigned i = 0; gone->workers && i < gone->count; i++)
        worker_fini(&gone->workers[i]);
    close_fd(gone->stop);
    alto_http_limits_destroy(&gone->own_limits);
    free(gone->workers);
    free(gone);
}

const char *alto_http_server_address(const alto_http_server *self)
{
    return self->address[0] ? self->address : NULL;
}

const char *alto_http_server_tls_address(const alto_http_server *self)
{
    return self->tls_address[0] ? self->tls_address : NULL;
}
