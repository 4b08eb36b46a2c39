/* SPDX-License-Identifier: Apache-2.0 */
/* flood.c - from a change handed in to the verified state at a follower, while somebody sends 10,000 messages of 300 bytes a
 * second that are none: to the publisher's push port, or as a second upstream of the follower. Beside the same without. Whoever
 * is cut off comes again at once; it is a process of its own and knows no libzmq. */
#include "child.h"
#include "io/follower.h"
#include "io/outlet.h"
#include "origin.h"
#include "processors.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PIDS = 300,
    FLOOD_MS = 10000,
    QUICK_FLOOD_MS = 1500,
    PAUSE_US = 1500, /* between changes */
    PATIENCE_MS = 20000,
    WARM_UP = 20,    /* changes that came by push, one after the other */
    PER_MS = 10,     /* messages */
    MOST_LATE = 100, /* messages that are sent at once after the flood was held up */
    MESSAGES = 1000, /* different ones */
    BODY = 300,
    MESSAGE_ROOM = 1024,
    GREETING = 64 /* bytes of ZMTP */
};

static const double most_ratio = 2;
static const char resource_id[] = "my-cost-map-1";

/* ---- who floods ---- */

typedef struct {
    const char *title;
    bool by_publisher; /* it is the follower's second upstream; else a subscriber */
    uint8_t first;     /* byte of the body, or of the topic */
} kind;

typedef struct {
    int listener;                         /* of a publisher; -1 */
    in_port_t port;                       /* to connect to, network byte order */
    uint8_t *bytes;                       /* messages as they are on the wire, one after the other */
    size_t size, one;                     /* of all, of each */
    _Atomic uint64_t *sent, *connections; /* shared with whoever looks on */
} flooder;

static int connect_to(in_port_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Wait until the other end has greeted too: before that it takes no message. */
static bool hear_greeting(int fd)
{
    uint8_t heard[GREETING + 2 + UINT8_MAX];
    const struct timeval patience = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return recv(fd, heard, GREETING + 2, MSG_WAITALL) == GREETING + 2 &&
           recv(fd, heard, heard[GREETING + 1], MSG_WAITALL) == heard[GREETING + 1];
}

/* Begin ZMTP 3.0 as a SUB or PUB without keys; -1: there is nobody. */
static int greet(const flooder *self)
{
    static const uint8_t greeting[GREETING] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    static const char subscriber[] = "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB";
    static const char publisher[] = "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB";
    const char *ready = self->listener < 0 ? subscriber : publisher;
    int one = 1, fd = self->listener < 0 ? connect_to(self->port) : accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    send(fd, greeting, sizeof greeting, MSG_NOSIGNAL);
    send(fd, ready, sizeof subscriber - 1, MSG_NOSIGNAL);
    atomic_fetch_add(self->connections, 1);
    if (hear_greeting(fd))
        return fd;
    close(fd);
    return -1;
}

/* Send some messages, from the one after the last; false: it was cut off. */
static bool send_some(const flooder *self, int fd, uint64_t from, uint64_t count)
{
    uint8_t heard[4096];
    while (recv(fd, heard, sizeof heard, MSG_DONTWAIT) > 0)
        ;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *message = self->bytes + (from + i) % MESSAGES * self->one;
        if (send(fd, message, self->one, MSG_NOSIGNAL) != (ssize_t)self->one)
            return false;
    }
    return true;
}

static _Noreturn void flood(const flooder *self)
{
    uint64_t begin_ms = alto_monotonic_ms(), owed_from = 0;
    for (int fd = -1;;) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        uint64_t wanted = (alto_monotonic_ms() - begin_ms) * PER_MS;
        if (fd < 0 && (fd = greet(self)) < 0)
            continue;
        if (wanted - owed_from > MOST_LATE)
            owed_from = wanted - MOST_LATE;
        if (send_some(self, fd, owed_from, wanted - owed_from)) {
            atomic_fetch_add(self->sent, wanted - owed_from);
        } else {
            close(fd);
            fd = -1;
        }
        owed_from = wanted;
    }
}

/* ---- what it sends ---- */

/* A commit of the origin that is lied about. */
typedef struct {
    const alto_origin *origin;
    alto_slice object;
    size_t chain; /* where the number of its chain begins */
} genuine;

static uint8_t *add_frame(uint8_t *at, bool more, const uint8_t *body, size_t size)
{
    uint64_t length = size;
    *at++ = more ? 3 : 2; /* with 8 bytes of length */
    for (int i = 7; i >= 0; i--)
        *at++ = (uint8_t)(length >> (8 * i));
    memcpy(at, body, size);
    return at + size;
}

static void fill(sim_random *random, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)sim_random_next(random);
}

/* For the publisher: 300 bytes of anything, or a subscription to them. */
static uint8_t *add_to_publisher(uint8_t *at, const kind *of, sim_random *random)
{
    uint8_t body[BODY];
    fill(random, body, sizeof body);
    body[0] = of->first;
    return add_frame(at, false, body, sizeof body);
}

/* A commit far ahead, so that it has to be verified: `chain` is where the number of its chain begins. */
static uint8_t *add_commit(uint8_t *at, alto_slice commit, size_t chain, sim_random *random)
{
    uint8_t object[ALTO_MAX_STATEMENT], signature[ALTO_SIGNATURE_SIZE];
    memcpy(object, commit.data, commit.size);
    object[chain + 2] = 0x7f; /* of eight, big-endian; a number stays below 2^53 */
    fill(random, object + chain + 3, 5);
    fill(random, signature, sizeof signature);
    at = add_frame(at, true, object, commit.size);
    return add_frame(at, false, signature, sizeof signature);
}

/* A payload that belongs to no commit. */
static uint8_t *add_payload(uint8_t *at, sim_random *random)
{
    uint8_t body[BODY], hash[ALTO_HASH_SIZE], index = 0;
    fill(random, body, sizeof body);
    fill(random, hash, sizeof hash);
    at = add_frame(at, true, hash, sizeof hash);
    at = add_frame(at, true, &index, sizeof index);
    return add_frame(at, false, body, sizeof body);
}

/* Where the bytes of the chain's number begin in a signed commit: behind the mark of a 64-bit number. */
static size_t find_chain(alto_slice commit, uint64_t chain)
{
    alto_buffer wanted = alto_buffer_make(9);
    alto_buffer_add_u8(&wanted, 0xcf);
    alto_buffer_add_u64(&wanted, chain);
    const uint8_t *found = memmem(commit.data, commit.size, wanted.data, wanted.size);
    alto_buffer_fini(&wanted);
    if (!found)
        bench_die("a commit without its chain");
    return (size_t)(found + 1 - commit.data);
}

/* For the follower, on its topics. */
static uint8_t *add_to_follower(uint8_t *at, const kind *of, sim_random *random, const genuine *commit)
{
    uint8_t topic[ALTO_TOPIC_SIZE];
    alto_topic(topic, (char)of->first, commit->origin, NULL);
    at = add_frame(at, true, topic, sizeof topic);
    return of->first == 'h' ? add_commit(at, commit->object, commit->chain, random) : add_payload(at, random);
}

static void make_messages(flooder *self, const kind *of, const genuine *commit)
{
    sim_random random = {of->first};
    self->bytes = bench_alloc((size_t)MESSAGES * MESSAGE_ROOM);
    uint8_t *at = self->bytes;
    for (int i = 0; i < MESSAGES; i++) {
        at = of->by_publisher ? add_to_follower(at, of, &random, commit) : add_to_publisher(at, of, &random);
        self->one = i == 0 ? (size_t)(at - self->bytes) : self->one;
    }
    self->size = (size_t)(at - self->bytes);
    if (self->one > MESSAGE_ROOM || self->size != MESSAGES * self->one)
        bench_die("messages of a flood are not alike");
}

static void flooder_init(flooder *self)
{
    void *shared = mmap(NULL, 2 * sizeof *self->sent, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    *self = (flooder){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (shared == MAP_FAILED || bind(self->listener, (struct sockaddr *)&address, size) < 0 ||
        listen(self->listener, 16) < 0 || getsockname(self->listener, (struct sockaddr *)&address, &size) < 0)
        bench_die("cannot listen: %s", strerror(errno));
    self->sent = shared;
    self->connections = self->sent + 1;
    self->port = address.sin_port;
}

static void flooder_fini(flooder *self)
{
    if (self->listener >= 0)
        close(self->listener);
    munmap((void *)self->sent, 2 * sizeof *self->sent);
    free(self->bytes);
}

/* ---- whom it floods ---- */

typedef struct {
    bench_origin origin;
    alto_loop *loop;
    alto_outlet *outlet;
    alto_publisher *publisher; /* the outlet's */
    alto_version *version;     /* owned: the newest */
    sim_random random;
    alto_buffer commit; /* the last one, as it was signed */
    alto_loop *follower_loop;
    alto_follower *follower;
    pthread_t thread;
    _Atomic uint64_t applied_seq, applied_ns; /* what the follower applied last, and when */
    atomic_bool by_push;
} path;

static void on_commit(void *context, const alto_applied *applied)
{
    path *self = context;
    alto_publisher_step(self->publisher, applied, ALTO_MAX_PUSHED_PAYLOAD);
    alto_buffer_clear(&self->commit);
    alto_buffer_add_slice(&self->commit, applied->object);
}

static void on_applied(void *context, const alto_applied *applied)
{
    path *self = context;
    atomic_store(&self->applied_ns, alto_monotonic_ns());
    atomic_store(&self->by_push, applied->route == ALTO_ROUTE_PUSH);
    atomic_store(&self->applied_seq, applied->after->position.seq);
    alto_loop_wake(self->loop);
}

static void *run_follower(void *context)
{
    path *self = context;
    alto_loop_run(self->follower_loop);
    return NULL;
}

static void start_publisher(path *self)
{
    static const alto_counts counts;
    static const char *const endpoints[] = {"tcp://127.0.0.1:*"};
    const alto_http_side_options http = {.http = "127.0.0.1:0", .threads = 1};
    alto_outlet_options options = {.push = endpoints, .push_count = 1, .http = &http};
    alto_site_options serve = {.counts = &counts};
    alto_error error = {.why = "out of memory"};
    self->loop = alto_loop_new();
    if (!self->loop || alto_outlet_new(self->loop, &options, &self->outlet, &error) != ALTO_OK ||
        alto_outlet_publish(self->outlet, &self->origin.anchor.origin, &serve, &self->publisher, &error) != ALTO_OK ||
        alto_outlet_open(self->outlet, &error) != ALTO_OK)
        bench_die("publisher: %s", error.why);
    alto_publisher_manifest(self->publisher, alto_buffer_slice(&self->origin.manifest_file), 1, 1,
                            alto_slice_of(NULL, 0));
    self->origin.applied = on_commit;
    self->origin.context = self;
    self->version = bench_cost_map(self->origin.pool, PIDS, &self->random);
    bench_origin_commit(&self->origin, resource_id, self->version);
}

/* The follower has the publisher for an upstream, and where somebody else listens, that one's push for a second. */
static void start_follower(path *self, const flooder *other)
{
    char url[80], push[80];
    const char *const urls[] = {url, url};
    const char *const pushes[] = {alto_outlet_push_endpoint(self->outlet, 0), push};
    size_t count = other->listener < 0 ? 1 : 2;
    alto_error error = {.why = "out of memory"};
    alto_follower_options options = {.upstreams = urls,
                                     .upstream_count = count,
                                     .upstream_push = pushes,
                                     .upstream_push_count = count,
                                     .anchor = &self->origin.anchor};
    alto_follower_events events = {.replica = {.applied = on_applied, .context = self}};
    snprintf(url, sizeof url, "http://%s", alto_outlet_http_address(self->outlet));
    snprintf(push, sizeof push, "tcp://127.0.0.1:%u", ntohs(other->port));
    self->follower_loop = alto_loop_new();
    if (!self->follower_loop ||
        alto_follower_new(self->follower_loop, &options, &events, &self->follower, &error) != ALTO_OK)
        bench_die("follower: %s", error.why);
    alto_follower_start(self->follower);
    if (pthread_create(&self->thread, NULL, run_follower, self) != 0)
        bench_die("cannot start a thread");
}

static void stop(path *self)
{
    alto_loop_stop(self->follower_loop);
    pthread_join(self->thread, NULL);
    alto_follower_destroy(&self->follower);
    alto_loop_destroy(&self->follower_loop);
    alto_outlet_destroy(&self->outlet);
    alto_loop_destroy(&self->loop);
    alto_version_release(self->version);
    bench_origin_fini(&self->origin);
    alto_buffer_fini(&self->commit);
}

/* ---- a change ---- */

/* Let the publisher handle what comes, for so long. */
static void pause_for(path *self, uint64_t us)
{
    uint64_t until_ns = alto_monotonic_ns() + us * 1000;
    while (alto_monotonic_ns() < until_ns)
        alto_loop_step(self->loop, 1);
}

static void change_one_cell(path *self)
{
    char from[BENCH_PID_TEXT], to[BENCH_PID_TEXT];
    bench_pid_name(sim_random_below(&self->random, PIDS), from);
    bench_pid_name(sim_random_below(&self->random, PIDS), to);
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(from));
    alto_edit cell = {.key = alto_slice_text(to),
                      .value.cost = 1000 + (double)sim_random_below(&self->random, 1000000)};
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_ITEMS, .edits = &cell, .count = 1};
    alto_version *next = NULL;
    bench_must(alto_version_edit(self->origin.pool, ALTO_COST_MAP, self->version, &row, 1, &next), "edit");
    bench_origin_commit(&self->origin, resource_id, next);
    alto_version_release(self->version);
    self->version = next;
}

/* Microseconds until the follower has it. */
static double push_change(path *self)
{
    uint64_t begin_ns = alto_monotonic_ns();
    change_one_cell(self);
    uint64_t seq = alto_committer_view(self->origin.committer)->position.seq;
    while (atomic_load(&self->applied_seq) < seq) {
        alto_loop_step(self->loop, 100);
        if (bench_us_since(begin_ns) > 1000 * (double)PATIENCE_MS)
            bench_die("a change does not reach the follower");
    }
    return (double)(atomic_load(&self->applied_ns) - begin_ns) / 1000;
}

static void warm_up(path *self)
{
    uint64_t begin_ns = alto_monotonic_ns();
    for (int in_row = 0; in_row < WARM_UP; in_row = atomic_load(&self->by_push) ? in_row + 1 : 0) {
        pause_for(self, 10 * PAUSE_US);
        push_change(self);
        if (bench_us_since(begin_ns) > 1000 * (double)PATIENCE_MS)
            bench_die("push does not come up");
    }
}

static void measure(path *self, bench_series *into, uint64_t ms)
{
    uint64_t begin_ms = alto_monotonic_ms();
    while (alto_monotonic_ms() - begin_ms < ms) {
        pause_for(self, PAUSE_US);
        bench_series_add(into, push_change(self));
    }
}

/* ---- figures ---- */

static void report(const kind *of, const char *what, double flooded, double quiet)
{
    char name[128];
    snprintf(name, sizeof name, "flood: commit to applied, %s, %s", of->title, what);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = flooded,
                           .peer = "the same, quiet",
                           .peer_value = quiet,
                           .bar_of = BENCH_RATIO,
                           .bar = most_ratio});
}

/* Of a series whose median was asked for, so that it is sorted. */
static double percentile_99(const bench_series *sorted)
{
    return sorted->count ? sorted->values[sorted->count * 99 / 100] : 0;
}

static void report_sent(const kind *of, const flooder *by)
{
    char name[128];
    snprintf(name, sizeof name, "flood: %s, messages that got through", of->title);
    bench_add(&(bench_row){.name = name, .unit = "messages", .value = (double)atomic_load(by->sent)});
    snprintf(name, sizeof name, "flood: %s, connections", of->title);
    bench_add(&(bench_row){.name = name, .unit = "", .value = (double)atomic_load(by->connections)});
}

/* The port of "tcp://127.0.0.1:PORT". */
static in_port_t port_of(const char *endpoint)
{
    return htons((in_port_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10));
}

/* Whom to flood, and how: as the kind says. */
static void start(path *self, flooder *by, const kind *of)
{
    flooder_init(by);
    *self = (path){.random = {1}, .commit = alto_buffer_make(ALTO_MAX_STATEMENT)};
    bench_origin_init(&self->origin);
    start_publisher(self);
    if (!of->by_publisher) {
        close(by->listener);
        by->listener = -1;
        by->port = port_of(alto_outlet_push_endpoint(self->outlet, 0));
    }
    start_follower(self, by);
}

/* Half of the quiet before, half of it after. */
static void compare(path *self, const flooder *by, const bench_processors *processors, uint64_t flood_ms,
                    bench_series *quiet, bench_series *flooded)
{
    measure(self, quiet, flood_ms / 2);
    bench_run_on(&processors->all);
    pid_t child = bench_child_start();
    if (child == 0)
        flood(by);
    bench_run_on(&processors->one);
    measure(self, flooded, flood_ms);
    bench_child_stop(child);
    measure(self, quiet, flood_ms / 2);
}

static void run(const bench_options *options, const kind *of)
{
    path *self = bench_alloc(sizeof *self);
    bench_series quiet = {0}, flooded = {0};
    flooder by;
    bench_processors processors = bench_processors_divide();
    bench_run_on(&processors.other);
    start(self, &by, of);
    bench_run_on(&processors.one);
    warm_up(self);
    genuine commit = {.origin = &self->origin.anchor.origin, .object = alto_buffer_slice(&self->commit)};
    commit.chain = find_chain(commit.object, alto_committer_view(self->origin.committer)->position.chain);
    make_messages(&by, of, &commit);
    compare(self, &by, &processors, options->quick ? QUICK_FLOOD_MS : FLOOD_MS, &quiet, &flooded);
    double quiet_median = bench_median(&quiet), flooded_median = bench_median(&flooded);
    report(of, "median", flooded_median, quiet_median);
    report(of, "99th percentile", percentile_99(&flooded), percentile_99(&quiet));
    report_sent(of, &by);
    bench_run_on(&processors.all);
    stop(self);
    flooder_fini(&by);
    bench_series_fini(&quiet);
    bench_series_fini(&flooded);
    free(self);
}

void bench_flood(const bench_options *options)
{
    static const kind kinds[] = {{"rubbish at the push port", false, 'x'},
                                 {"subscriptions at the push port", false, 1},
                                 {"bad signatures of a second upstream", true, 'h'},
                                 {"idle payloads of a second upstream", true, 'p'}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        run(options, &kinds[i]);
}
