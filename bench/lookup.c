/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.c - which PID an address belongs to, and what it costs from one address to another, on one core: over a
 * million prefixes of both families, of lengths as the Internet has them. And making that anew after a change. */
#include "core/lpm_costs.h"
#include "prefixes.h"

#include <stdlib.h>

enum {
    PIDS = 3000,
    PREFIXES = 1080000, /* drawn at random; some 7 % are drawn twice */
    ADDRESSES = 1 << 20,
    DESTINATIONS = 63, /* besides the source: as many peers as a tracker has to choose from */
    ROUNDS = 9,
    QUICK_ROUNDS = 2,
    MOVES = 200
};

static const double most_cost_ns = 500; /* two million a second on one core */
static const double most_move_us = 500;

typedef struct {
    alto_pool *pool;
    alto_version *network, *costs;
    alto_lpm *lpm;
    alto_endpoint *addresses; /* ADDRESSES of them, each in a prefix drawn at random */
    bench_prefix *prefixes;   /* of the map */
    size_t prefix_count;
    sim_random random;
} subject;

/* ---- lookups ---- */

static double pid_ns(const subject *self)
{
    double begin_us = bench_thread_us();
    size_t found = 0;
    for (size_t i = 0; i < ADDRESSES; i++)
        found += alto_lpm_pid(self->lpm, &self->addresses[i]) != NULL;
    double ns = (bench_thread_us() - begin_us) * 1000 / (double)ADDRESSES;
    if (found != ADDRESSES)
        bench_die("an address in a prefix was not found");
    return ns;
}

static double cost_ns(const subject *self)
{
    double begin_us = bench_thread_us();
    size_t found = 0;
    for (size_t i = 0; i < ADDRESSES; i += 2) {
        const alto_pid *pids[2];
        const alto_tree *row;
        double cost;
        alto_lpm_pids(self->lpm, &self->addresses[i], 2, pids);
        found += pids[0] && pids[1] && alto_pid_row(pids[0], self->costs, &row) && alto_pid_cell(pids[1], row, &cost);
    }
    double ns = (bench_thread_us() - begin_us) * 2000 / (double)ADDRESSES;
    if (found != ADDRESSES / 2)
        bench_die("a cost was not found");
    return ns;
}

/* Each cost of many pairs, asked for together. */
static double pair_ns(const subject *self, double *costs)
{
    const size_t count = ADDRESSES / 2;
    double begin_us = bench_thread_us();
    alto_lpm_costs(self->lpm, self->costs, self->addresses, self->addresses + count, count, costs);
    double ns = (bench_thread_us() - begin_us) * 1000 / (double)count;
    for (size_t i = 0; i < count; i++)
        if (!(costs[i] >= 0))
            bench_die("a cost was not found");
    return ns;
}

/* Each cost of those from one address to many. */
static double cost_to_many_ns(const subject *self)
{
    double begin_us = bench_thread_us();
    size_t found = 0;
    for (size_t i = 0; i < ADDRESSES; i += 1 + DESTINATIONS) {
        const alto_pid *pids[1 + DESTINATIONS];
        const alto_tree *row = NULL;
        double cost;
        alto_lpm_pids(self->lpm, &self->addresses[i], 1 + DESTINATIONS, pids);
        if (!pids[0] || !alto_pid_row(pids[0], self->costs, &row))
            bench_die("a PID has no costs");
        for (size_t k = 1; k <= DESTINATIONS; k++)
            found += pids[k] && alto_pid_cell(pids[k], row, &cost);
    }
    const size_t costs = ADDRESSES / (1 + DESTINATIONS) * DESTINATIONS;
    if (found != costs)
        bench_die("a cost was not found");
    return (bench_thread_us() - begin_us) * 1000 / (double)costs;
}

/* ---- a change ---- */

/* Some prefix goes to another PID. */
static void move_one(subject *self)
{
    bench_prefix *moved = &self->prefixes[sim_random_below(&self->random, self->prefix_count)];
    uint32_t to = (moved->pid + 1 + (uint32_t)sim_random_below(&self->random, PIDS - 1)) % PIDS;
    uint32_t pids[2] = {moved->pid < to ? moved->pid : to, moved->pid < to ? to : moved->pid};
    alto_row_key keys[2];
    alto_row_edit rows[2];
    alto_edit edits[2];
    for (int i = 0; i < 2; i++) {
        char name[BENCH_PID_TEXT];
        bench_pid_name(pids[i], name);
        keys[i] = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(name));
        edits[i] =
            (alto_edit){.key = alto_slice_of(moved->key.bytes, moved->key.size), .remove = pids[i] == moved->pid};
        rows[i] = (alto_row_edit){.row = alto_row_key_slice(&keys[i]), .edits = &edits[i], .count = 1};
    }
    alto_version *next = NULL;
    bench_must(alto_version_edit(self->pool, ALTO_NETWORK_MAP, self->network, rows, 2, &next), "edit");
    alto_version_release(self->network);
    self->network = next;
    moved->pid = to;
}

static void make_again(subject *self, bench_series *us)
{
    alto_lpm *next = NULL;
    double begin_us = bench_thread_us();
    bench_must(alto_lpm_make(self->lpm, self->network, &next), "lpm");
    bench_series_add(us, bench_thread_us() - begin_us);
    alto_lpm_release(self->lpm);
    self->lpm = next;
}

/* ---- all of it ---- */

static void subject_init(subject *self)
{
    *self = (subject){.random = {7}, .pool = alto_pool_new()};
    self->prefixes = bench_alloc(PREFIXES * sizeof *self->prefixes);
    self->prefix_count = bench_prefixes_draw(&self->random, PREFIXES, PIDS, self->prefixes);
    self->network = bench_prefixes_map(self->pool, self->prefixes, self->prefix_count, PIDS);
    self->costs = bench_cost_map(self->pool, PIDS, &self->random);
    self->addresses = bench_alloc(ADDRESSES * sizeof *self->addresses);
    for (size_t i = 0; i < ADDRESSES; i++)
        self->addresses[i] = bench_address(&self->random, self->prefixes, self->prefix_count);
}

static void subject_fini(subject *self)
{
    alto_lpm_release(self->lpm);
    alto_version_release(self->network);
    alto_version_release(self->costs);
    alto_pool_destroy(&self->pool);
    free(self->prefixes);
    free(self->addresses);
}

/* What the lpm weighs, and what it takes to make it. */
static void measure_making(subject *self)
{
    bench_series moved = {0};
    uint64_t before = bench_resident();
    double begin_us = bench_thread_us();
    bench_must(alto_lpm_make(NULL, self->network, &self->lpm), "lpm");
    double make_us = bench_thread_us() - begin_us;
    double bytes = (double)(bench_resident() - before) / (double)alto_lpm_prefixes(self->lpm);
    if (alto_lpm_prefixes(self->lpm) < 1000000)
        bench_die("less than a million prefixes");
    for (int i = 0; i < MOVES; i++) {
        move_one(self);
        make_again(self, &moved);
    }
    bench_add(&(bench_row){.name = "lookup: CPU to have a prefix of a million moved",
                           .unit = "us",
                           .value = bench_median(&moved),
                           .peer = "the same, made from nothing",
                           .peer_value = make_us,
                           .bar_of = BENCH_VALUE,
                           .bar = most_move_us});
    bench_add(&(bench_row){.name = "lookup: memory of a prefix", .unit = "B", .value = bytes});
    bench_series_fini(&moved);
}

void bench_lookup(const bench_options *options)
{
    subject self;
    bench_series pids = {0}, costs = {0}, pairs = {0}, many = {0};
    double *found = bench_alloc(ADDRESSES / 2 * sizeof *found);
    subject_init(&self);
    measure_making(&self);
    for (int i = 0; i < (options->quick ? QUICK_ROUNDS : ROUNDS); i++) {
        bench_series_add(&pids, pid_ns(&self));
        bench_series_add(&costs, cost_ns(&self));
        bench_series_add(&pairs, pair_ns(&self, found));
        bench_series_add(&many, cost_to_many_ns(&self));
    }
    bench_add(&(bench_row){
        .name = "lookup: CPU for the PID of an address, one by one", .unit = "ns", .value = bench_median(&pids)});
    bench_add(&(bench_row){.name = "lookup: CPU for the cost from an address to another, one by one",
                           .unit = "ns",
                           .value = bench_median(&costs)});
    bench_add(&(bench_row){.name = "lookup: CPU for the cost from an address to another, many pairs together",
                           .unit = "ns",
                           .value = bench_median(&pairs),
                           .bar_of = BENCH_VALUE,
                           .bar = most_cost_ns});
    bench_add(&(bench_row){.name = "lookup: CPU for each cost from an address to 63 others",
                           .unit = "ns",
                           .value = bench_median(&many),
                           .bar_of = BENCH_VALUE,
                           .bar = most_cost_ns});
    bench_series_fini(&pids);
    bench_series_fini(&costs);
    bench_series_fini(&pairs);
    bench_series_fini(&many);
    free(found);
    subject_fini(&self);
}
