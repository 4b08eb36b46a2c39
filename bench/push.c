/* SPDX-License-Identifier: Apache-2.0 */
/* push.c - from a change handed in to the verified state at a subscriber over TCP, beside plain libzmq with the same
 * bytes. The publisher is in one thread, the subscriber in another, each with its loop, as in two processes: the
 * publisher has one processor, all other threads share another, of ours and of plain libzmq's alike. */
#include "io/outlet.h"

#include "bare.h"
#include "io/loop.h"
#include "origin.h"
#include "processors.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 600, QUICK_ROUNDS = 100, WARM_UP = 20, PAUSE_US = 1500, MAX_PIDS = 2000, MAX_CELLS = 4096 };

static const char resource_id[] = "my-cost-map-0001";
static const char push_endpoint[] = "tcp://127.0.0.1:*";
static const double wanted_payload = 2048, most_ratio = 3;

/* The other end. */
typedef struct {
    alto_loop *loop;
    alto_push_receiver *receiver;
    alto_replica *replica;
    pthread_t thread;
    sem_t applied;
    _Atomic uint64_t applied_ns;
    atomic_ulong heads; /* heads and commits that came */
} subscriber;

/* Sources behind a link whose costs to destinations behind it change. */
typedef struct {
    const char *title;
    bool barred;
    size_t pids, sources, destinations;
} shape;

typedef struct {
    alto_row_key keys[MAX_PIDS];
    alto_row_edit rows[MAX_PIDS];
    alto_edit cells[MAX_CELLS];
    char names[MAX_PIDS][BENCH_PID_TEXT];
    size_t count;
} change;

typedef struct {
    bench_origin origin;
    alto_loop *loop;
    alto_outlet *outlet;
    alto_publisher *publisher; /* the outlet's */
    subscriber subscriber;
    alto_version *version; /* owned: the newest */
    size_t pids;
    change *planned; /* the next one */
    sim_random random;
    bench_bare *bare;
    bench_message sent[2]; /* what the last commit was sent as; points into the buffers */
    alto_buffer object, payload;
    uint8_t topics[2][ALTO_TOPIC_SIZE];
    alto_signature signature;
    alto_hash commit_hash;
    uint8_t index;
    bench_series own, peer, beyond, size, sign, verify;
} path;

/* ---- the subscriber ---- */

static void on_applied(void *context, const alto_applied *applied)
{
    subscriber *self = context;
    (void)applied;
    atomic_store(&self->applied_ns, alto_monotonic_ns());
    sem_post(&self->applied);
}

static void on_message(void *context, const alto_slice *frames, size_t count)
{
    subscriber *self = context;
    if (count == 3 && frames[0].data[0] == 'h' && frames[2].size == ALTO_SIGNATURE_SIZE) {
        alto_signature signature;
        memcpy(signature.bytes, frames[2].data, sizeof signature.bytes);
        alto_replica_on_statement(self->replica, frames[1], &signature, alto_clock_ms());
        atomic_fetch_add(&self->heads, 1);
    } else if (count == 4 && frames[1].size == ALTO_HASH_SIZE && frames[2].size == 1) {
        alto_hash hash;
        memcpy(hash.bytes, frames[1].data, sizeof hash.bytes);
        alto_replica_on_payload(self->replica, &hash, frames[2].data[0], frames[3]);
    }
}

static void *run_subscriber(void *context)
{
    subscriber *self = context;
    alto_loop_run(self->loop);
    return NULL;
}

static void start_subscriber(path *self)
{
    subscriber *other = &self->subscriber;
    alto_error error = {.why = ""};
    uint8_t topic[ALTO_TOPIC_SIZE];
    other->replica = bench_replica_new(&self->origin, &(alto_replica_events){.applied = on_applied, .context = other});
    sem_init(&other->applied, 0, 0);
    bench_replica_sync(other->replica, &self->origin);
    sem_wait(&other->applied);
    other->loop = alto_loop_new();
    if (!other->loop || alto_push_receiver_new(other->loop, alto_outlet_push_endpoint(self->outlet, 0), NULL,
                                               on_message, other, &other->receiver, &error) != ALTO_OK)
        bench_die("subscriber: %s", error.why);
    for (int i = 0; i < 2; i++) {
        alto_topic(topic, "hp"[i], &self -> origin.anchor.origin, NULL);
        bench_must(alto_push_subscribe(other->receiver, alto_slice_of(topic, i == 0 ? sizeof topic : 9)), "subscribe");
    }
    if (pthread_create(&other->thread, NULL, run_subscriber, other) != 0)
        bench_die("cannot start a thread");
}

static void stop_subscriber(subscriber *self)
{
    alto_loop_stop(self->loop);
    pthread_join(self->thread, NULL);
    alto_push_receiver_destroy(&self->receiver);
    alto_loop_destroy(&self->loop);
    alto_replica_destroy(&self->replica);
    sem_destroy(&self->applied);
}

/* ---- the publisher ---- */

/* What the publisher sends, kept for the peer. */
static void keep_messages(path *self, const alto_applied *applied)
{
    const alto_statement *commit = applied->statement;
    alto_buffer_clear(&self->object);
    alto_buffer_clear(&self->payload);
    alto_buffer_add_slice(&self->object, applied->object);
    alto_buffer_add_slice(&self->payload, applied->changes[0].payload);
    self->signature = applied->signature;
    self->commit_hash = commit->commit_hash;
    self->index = 0;
    alto_topic(self->topics[0], 'h', &commit->origin, NULL);
    alto_topic(self->topics[1], 'p', &commit->origin, &commit->changes[0].name);
    self->sent[0] =
        (bench_message){.frames = {alto_slice_of(self->topics[0], ALTO_TOPIC_SIZE), alto_buffer_slice(&self->object),
                                   alto_slice_of(self->signature.bytes, ALTO_SIGNATURE_SIZE)},
                        .count = 3};
    self->sent[1] = (bench_message){.frames = {alto_slice_of(self->topics[1], ALTO_TOPIC_SIZE),
                                               alto_slice_of(self->commit_hash.bytes, ALTO_HASH_SIZE),
                                               alto_slice_of(&self->index, 1), alto_buffer_slice(&self->payload)},
                                    .count = 4};
}

static void on_commit(void *context, const alto_applied *applied)
{
    path *self = context;
    if (self->publisher)
        alto_publisher_step(self->publisher, applied, ALTO_MAX_PUSHED_PAYLOAD);
    if (applied->change_count == 1 && applied->changes[0].payload.size)
        keep_messages(self, applied);
}

static void wait_for_subscriber(path *self)
{
    alto_buffer head = alto_buffer_make(ALTO_MAX_STATEMENT);
    alto_signature signature;
    for (int i = 0; i < 500 && atomic_load(&self->subscriber.heads) == 0; i++) {
        alto_buffer_clear(&head);
        bench_must(alto_committer_head(self->origin.committer, alto_clock_ms(), &head, &signature), "head");
        alto_publisher_head(self->publisher, alto_buffer_slice(&head), &signature);
        alto_loop_step(self->loop, 10);
    }
    if (atomic_load(&self->subscriber.heads) == 0)
        bench_die("nothing comes through to the subscriber");
    alto_buffer_fini(&head);
}

static void start(path *self, size_t pids)
{
    const char *const endpoints[] = {push_endpoint};
    static const alto_counts counts;
    alto_outlet_options options = {.push = endpoints, .push_count = 1};
    alto_site_options serve = {.counts = &counts};
    alto_error error = {.why = ""};
    *self = (path){.pids = pids, .random = {pids}, .planned = bench_alloc(sizeof *self->planned)};
    self->object = self->payload = alto_buffer_make(ALTO_MAX_STATEMENT);
    bench_origin_init(&self->origin);
    self->origin.archived = true;
    self->version = bench_cost_map(self->origin.pool, pids, &self->random);
    bench_origin_commit(&self->origin, resource_id, self->version);
    self->loop = alto_loop_new();
    if (!self->loop || alto_outlet_new(self->loop, &options, &self->outlet, &error) != ALTO_OK ||
        alto_outlet_publish(self->outlet, &self->origin.anchor.origin, &serve, &self->publisher, &error) != ALTO_OK)
        bench_die("publisher: %s", error.why);
    start_subscriber(self);
    self->origin.archived = false; /* the publisher has its own */
    self->origin.applied = on_commit;
    self->origin.context = self;
    wait_for_subscriber(self);
    self->bare = bench_bare_new();
}

static void stop(path *self)
{
    bench_series *const all[] = {&self->own, &self->peer, &self->beyond, &self->size, &self->sign, &self->verify};
    bench_bare_destroy(&self->bare);
    stop_subscriber(&self->subscriber);
    alto_outlet_destroy(&self->outlet);
    alto_loop_destroy(&self->loop);
    alto_version_release(self->version);
    bench_origin_fini(&self->origin);
    alto_buffer_fini(&self->object);
    alto_buffer_fini(&self->payload);
    free(self->planned);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        bench_series_fini(all[i]);
}

/* ---- a change ---- */

/* `wanted` of the PIDs, ascending. */
static void choose_pids(path *self, size_t *chosen, size_t wanted)
{
    size_t taken = 0;
    for (size_t i = 0; i < self->pids; i++)
        if (sim_random_below(&self->random, self->pids - i) < wanted - taken)
            chosen[taken++] = i;
}

/* New costs from some sources to some destinations, as when a link between them changes. */
static void plan(path *self, change *planned, const shape *of)
{
    size_t sources[MAX_PIDS] = {0}, destinations[MAX_PIDS] = {0}, used = 0;
    choose_pids(self, sources, of->sources);
    choose_pids(self, destinations, of->destinations);
    for (size_t i = 0; i < self->pids; i++)
        bench_pid_name(i, planned->names[i]);
    planned->count = of->sources;
    for (size_t i = 0; i < of->sources; i++) {
        planned->keys[i] = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(planned->names[sources[i]]));
        planned->rows[i] = (alto_row_edit){.row = alto_row_key_slice(&planned->keys[i]),
                                           .what = ALTO_ROW_ITEMS,
                                           .edits = &planned->cells[used],
                                           .count = of->destinations};
        for (size_t k = 0; k < of->destinations; k++, used++) {
            alto_slice destination = alto_slice_text(planned->names[destinations[k]]);
            double cost = 0;
            alto_version_cost(self->version, alto_slice_text(planned->names[sources[i]]), destination, &cost);
            double moved = (double)sim_random_below(&self->random, 2000) / 100 - 10;
            cost = (double)(long)((cost + moved < 0 ? cost - moved : cost + moved) * 100) / 100;
            planned->cells[used] = (alto_edit){.key = destination, .value.cost = cost + 0};
        }
    }
}

static double push_change(path *self, const change *planned)
{
    alto_version *next = NULL;
    uint64_t begin_ns = alto_monotonic_ns();
    bench_must(alto_version_edit(self->origin.pool, ALTO_COST_MAP, self->version, planned->rows, planned->count, &next),
               "edit");
    bench_origin_commit(&self->origin, resource_id, next);
    alto_loop_step(self->loop, 0);
    while (sem_wait(&self->subscriber.applied) != 0)
        ;
    double us = (double)(atomic_load(&self->subscriber.applied_ns) - begin_ns) / 1000;
    alto_version_release(self->version);
    self->version = next;
    return us;
}

static void pause_a_bit(path *self)
{
    alto_loop_step(self->loop, 0);
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_US * 1000}, NULL);
}

static double sign_us(const path *self)
{
    uint64_t begin_ns = alto_monotonic_ns();
    alto_signature signature = alto_sign(self->origin.online, alto_buffer_slice(&self->object));
    double us = bench_us_since(begin_ns);
    if (memcmp(signature.bytes, self->signature.bytes, sizeof signature.bytes) != 0)
        bench_die("another signature");
    return us;
}

static double verify_us(const path *self)
{
    alto_public_key key = alto_signing_key_public(self->origin.online);
    uint64_t begin_ns = alto_monotonic_ns();
    bool fits = alto_verify(&key, alto_buffer_slice(&self->object), &self->signature);
    double us = bench_us_since(begin_ns);
    if (!fits)
        bench_die("the signature does not fit");
    return us;
}

static void round_trip(path *self, const shape *of, bool counts)
{
    plan(self, self->planned, of);
    pause_a_bit(self);
    double own = push_change(self, self->planned);
    pause_a_bit(self); /* each is measured as it happens there: after a pause */
    double signing = sign_us(self);
    pause_a_bit(self);
    double verifying = verify_us(self);
    pause_a_bit(self);
    double peer = bench_bare_send(self->bare, self->sent, 2);
    if (!counts)
        return;
    bench_series_add(&self->own, own);
    bench_series_add(&self->peer, peer);
    bench_series_add(&self->sign, signing);
    bench_series_add(&self->verify, verifying);
    bench_series_add(&self->beyond, own - signing - verifying);
    bench_series_add(&self->size, (double)self->payload.size);
}

/* As many destinations as make a payload of the size wanted. */
static void fit(path *self, shape *of)
{
    for (int i = 0; i < 6; i++) {
        round_trip(self, of, false);
        double factor = wanted_payload / (double)self->payload.size;
        double destinations = (double)of->destinations * factor + 0.5;
        of->destinations = destinations < 1 ? 1 : (size_t)destinations;
        if (of->destinations > self->pids)
            of->destinations = self->pids;
    }
    if (of->sources * of->destinations > MAX_CELLS)
        bench_die("more cells than room for them");
}

static void measure(const bench_options *options, shape of)
{
    static const char peer[] = "plain libzmq PUB/SUB, the same bytes";
    path *self = bench_alloc(sizeof *self);
    bench_processors processors = bench_processors_divide();
    char name[128], label[80];
    bench_run_on(&processors.other);
    start(self, of.pids);
    bench_run_on(&processors.one);
    fit(self, &of);
    for (int i = 0; i < WARM_UP + (options->quick ? QUICK_ROUNDS : ROUNDS); i++)
        round_trip(self, &of, i >= WARM_UP);
    snprintf(label, sizeof label, "2 KB delta, %s to %zu of %zu", of.title, of.destinations, of.pids);
    snprintf(name, sizeof name, "push: %s, beyond sign and verify", label);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(&self->beyond),
                           .peer = peer,
                           .peer_value = bench_median(&self->peer),
                           .bar_of = of.barred ? BENCH_RATIO : BENCH_NO_BAR,
                           .bar = most_ratio});
    snprintf(name, sizeof name, "push: %s, change handed in to applied", label);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(&self->own),
                           .peer = peer,
                           .peer_value = bench_median(&self->peer)});
    if (of.barred) {
        bench_add(&(bench_row){.name = "push: one signature", .unit = "us", .value = bench_median(&self->sign)});
        bench_add(&(bench_row){.name = "push: one verification", .unit = "us", .value = bench_median(&self->verify)});
    }
    snprintf(name, sizeof name, "push: %s, payload", label);
    bench_add(&(bench_row){.name = name, .unit = "bytes", .value = bench_median(&self->size)});
    bench_run_on(&processors.all);
    stop(self);
    free(self);
}

void bench_push(const bench_options *options)
{
    measure(options, (shape){"costs from 1 PID", true, 1400, 1, 1200});
    measure(options, (shape){"costs from 12 PIDs", false, 300, 12, 100});
    measure(options, (shape){"costs from all PIDs", false, 100, 100, 12});
}
