/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - what it costs a replica of a big map to take in a signed commit of one cell, and to refuse what is none: whatever
 * costs a peer nothing to send has to cost less to refuse. */
#include "io/loop.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PIDS = 3000,
    COMMITS = 4000,
    QUICK_COMMITS = 800,
    AT_A_TIME = 100, /* measured together: one takes less than a clock tells */
    ROUNDS = 40
};

static const double most_accept_us = 200; /* 5,000 in a second of one core */
static const double most_refuse_ratio = 0.1;
static const char resource_id[] = "my-cost-map-1", peer[] = "taking in a good one";

/* A commit as it is pushed. */
typedef struct {
    uint8_t *object, *payload; /* owned */
    size_t object_size, payload_size;
    alto_signature signature;
} pushed;

typedef struct {
    bench_origin origin;
    alto_replica *replica;
    pushed *commits;
    size_t count;
    double accept_us;
} subject;

static uint8_t *copy_of(alto_slice bytes)
{
    uint8_t *copy = bench_alloc(bytes.size);
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

static void on_commit(void *context, const alto_applied *applied)
{
    subject *self = context;
    if (applied->change_count != 1)
        bench_die("a commit of one cell changes %zu resources", applied->change_count);
    alto_slice payload = applied->changes[0].payload;
    self->commits[self->count++] = (pushed){.object = copy_of(applied->object),
                                            .object_size = applied->object.size,
                                            .payload = copy_of(payload),
                                            .payload_size = payload.size,
                                            .signature = applied->signature};
}

/* The map with another cost in one cell. */
static alto_version *next_version(const subject *self, const alto_version *version, sim_random *random)
{
    char row_name[BENCH_PID_TEXT], cell_name[BENCH_PID_TEXT];
    bench_pid_name(sim_random_below(random, PIDS), row_name);
    bench_pid_name(sim_random_below(random, PIDS), cell_name);
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(row_name));
    alto_edit cell = {.key = alto_slice_text(cell_name), .value.cost = (double)sim_random_below(random, 1000) + 200};
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_ITEMS, .edits = &cell, .count = 1};
    alto_version *next = NULL;
    bench_must(alto_version_edit(self->origin.pool, ALTO_COST_MAP, version, &row, 1, &next), "edit");
    return next;
}

static void begin(subject *self, size_t count)
{
    sim_random random = {17};
    *self = (subject){.commits = bench_alloc(count * sizeof *self->commits)};
    bench_origin_init(&self->origin);
    self->origin.archived = true;
    alto_version *version = bench_cost_map(self->origin.pool, PIDS, &random);
    bench_origin_commit(&self->origin, resource_id, version);
    self->replica = bench_replica_new(&self->origin, &(alto_replica_events){0});
    bench_replica_sync(self->replica, &self->origin);
    self->origin.archived = false; /* from now on the core alone */
    self->origin.applied = on_commit;
    self->origin.context = self;
    while (self->count < count) {
        alto_version *next = next_version(self, version, &random);
        bench_origin_commit(&self->origin, resource_id, next);
        alto_version_release(version);
        version = next;
    }
    alto_version_release(version);
}

static void end(subject *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->commits[i].object);
        free(self->commits[i].payload);
    }
    free(self->commits);
    alto_replica_destroy(&self->replica);
    bench_origin_fini(&self->origin);
}

static void take(subject *self, const pushed *commit)
{
    alto_slice object = alto_slice_of(commit->object, commit->object_size);
    alto_hash hash = alto_commit_hash(object);
    bench_must(alto_replica_on_statement(self->replica, object, &commit->signature, alto_clock_ms()), "commit");
    bench_must(alto_replica_on_payload(self->replica, &hash, 0, alto_slice_of(commit->payload, commit->payload_size)),
               "payload");
}

/* All but the last one, which is there to be altered. */
static void measure_accepting(subject *self)
{
    bench_series series = {0};
    size_t next = 0;
    while (next + AT_A_TIME < self->count) {
        double begin_us = bench_thread_us();
        for (size_t i = 0; i < AT_A_TIME; i++)
            take(self, &self->commits[next++]);
        bench_series_add(&series, (bench_thread_us() - begin_us) / (double)AT_A_TIME);
    }
    while (next + 1 < self->count)
        take(self, &self->commits[next++]);
    uint64_t seq = alto_replica_view(self->replica)->position.seq;
    if (seq != self->count)
        bench_die("the replica is at %llu instead of %zu", (unsigned long long)seq, self->count);
    self->accept_us = bench_median(&series);
    bench_series_fini(&series);
    bench_add(&(bench_row){.name = "verify: a commit of one cell of 9,000,000, until it is visible",
                           .unit = "us",
                           .value = self->accept_us,
                           .bar_of = BENCH_VALUE,
                           .bar = most_accept_us});
}

static void measure_refusing(subject *self, const char *what, alto_slice object, const alto_signature *signature,
                             alto_status wanted, bool barred)
{
    char name[120];
    bench_series series = {0};
    for (size_t round = 0; round < ROUNDS; round++) {
        double begin_us = bench_thread_us();
        for (size_t i = 0; i < AT_A_TIME; i++)
            if (alto_replica_on_statement(self->replica, object, signature, alto_clock_ms()) != wanted)
                bench_die("%s is not refused as %s", what, alto_status_name(wanted));
        bench_series_add(&series, (bench_thread_us() - begin_us) / (double)AT_A_TIME);
    }
    snprintf(name, sizeof name, "verify: refusing %s", what);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(&series),
                           .peer = peer,
                           .peer_value = self->accept_us,
                           .bar_of = barred ? BENCH_RATIO : BENCH_NO_BAR,
                           .bar = most_refuse_ratio});
    bench_series_fini(&series);
}

/* The next commit, altered where a field stands: after array, type and their headers come the origin and the key id. */
static void measure_altered(subject *self)
{
    enum { ORIGIN_AT = 1 + 18 + 2, KEY_AT = ORIGIN_AT + ALTO_HASH_SIZE + 2 };
    const pushed *last = &self->commits[self->count - 1], *held = &self->commits[self->count - 2];
    const pushed *older = &self->commits[0];
    uint8_t *bytes = last->object;
    alto_slice whole = alto_slice_of(bytes, last->object_size), half = alto_slice_of(bytes, last->object_size / 2);
    measure_refusing(self, "one that is cut in half (malformed)", half, &last->signature, ALTO_MALFORMED, true);
    measure_refusing(self, "one whose first byte is wrong (malformed)", alto_slice_of(bytes + 1, whole.size - 1),
                     &last->signature, ALTO_MALFORMED, true);
    bytes[ORIGIN_AT]++;
    measure_refusing(self, "one of another origin", whole, &last->signature, ALTO_WRONG_ORIGIN, true);
    bytes[ORIGIN_AT]--;
    measure_refusing(self, "an old one", alto_slice_of(older->object, older->object_size), &older->signature,
                     ALTO_REPLAYED, true);
    bytes[KEY_AT]++;
    measure_refusing(self, "one by an unknown key", whole, &last->signature, ALTO_UNKNOWN_KEY, true);
    bytes[KEY_AT]--;
    measure_refusing(self, "one that is badly signed (three of them part us from a peer)", whole, &held->signature,
                     ALTO_BAD_SIGNATURE, false);
    take(self, last);
}

void bench_verify(const bench_options *options)
{
    subject self;
    begin(&self, options->quick ? QUICK_COMMITS : COMMITS);
    measure_accepting(&self);
    measure_altered(&self);
    end(&self);
}
