/* SPDX-License-Identifier: Apache-2.0 */
/* Coming back from disk alone: how long until the verified copy is there, beside what cannot be saved: reading the same
 * file, and hashing each cell once. */
#include "bench.h"
#include "io/keep.h"
#include "io/loop.h"
#include "io/store.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIDS = 3000, BLOCK = 1 << 20, DURABLE_MS = 60000 };

static char directory[] = "/tmp/altocast-bench-start-XXXXXX";

static alto_store *open_store(const bench_origin *origin)
{
    alto_store *store = NULL;
    alto_error error;
    if (alto_store_open(directory, &origin->anchor.origin, &store, &error) != ALTO_OK)
        bench_die("state directory: %s", error.why);
    return store;
}

static void on_applied(void *context, const alto_applied *applied)
{
    bench_must(alto_keep_step(context, applied), "queueing for the disk");
}

/* Leave a cost map of PIDS x PIDS behind, as a publisher would. */
static void write_state(bench_origin *origin)
{
    sim_random random = {.state = 1};
    alto_version *map = bench_cost_map(origin->pool, PIDS, &random);
    alto_store *store = open_store(origin);
    origin->applied = on_applied;
    origin->context = store;
    bench_origin_commit(origin, "cost", map);
    uint64_t end_ms = alto_monotonic_ms() + DURABLE_MS;
    while (alto_store_counts_now(store).commits_queued && alto_monotonic_ms() < end_ms)
        usleep(10000);
    alto_store_close(&store);
    alto_version_release(map);
}

static double load_ms(const bench_origin *origin)
{
    alto_pool *pool = alto_pool_new();
    alto_stored_state state;
    uint64_t begin_ns = alto_monotonic_ns();
    alto_store *store = open_store(origin);
    bench_must(alto_store_load(store, pool, &state), "loading");
    double took = bench_us_since(begin_ns) / 1000;
    if (state.count != 1 || alto_version_items(state.resources[0].version) < (uint64_t)PIDS * PIDS)
        bench_die("not all came back from disk");
    alto_stored_state_fini(&state);
    alto_store_close(&store);
    alto_pool_destroy(&pool);
    return took;
}

static double floor_ms(uint8_t *block)
{
    char path[sizeof directory + 16];
    snprintf(path, sizeof path, "%s/data.mdb", directory);
    uint64_t begin_ns = alto_monotonic_ns();
    FILE *file = fopen(path, "rb");
    while (file && fread(block, 1, BLOCK, file) == BLOCK)
        ;
    if (!file || fclose(file) != 0)
        bench_die("cannot read %s", path);
    for (size_t left = (size_t)PIDS * PIDS * sizeof(double); left; left -= left < BLOCK ? left : BLOCK)
        (void)alto_hash_of("bench", alto_slice_of(block, left < BLOCK ? left : BLOCK));
    return bench_us_since(begin_ns) / 1000;
}

static void remove_state(void)
{
    static const char *const names[] = {"data.mdb", "lock"};
    char path[sizeof directory + 16];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

void bench_start(const bench_options *options)
{
    bench_origin origin;
    bench_series own = {0}, bare = {0};
    uint8_t *block = bench_alloc(BLOCK);
    memset(block, 1, BLOCK);
    if (!mkdtemp(directory))
        bench_die("cannot make %s", directory);
    bench_origin_init(&origin);
    write_state(&origin);
    for (int i = 0; i < (options->quick ? 3 : 9); i++) {
        bench_series_add(&own, load_ms(&origin));
        bench_series_add(&bare, floor_ms(block));
    }
    bench_add(&(bench_row){.name = "start from disk, 9 million cells",
                           .unit = "ms",
                           .value = bench_median(&own),
                           .peer = "reading the file, hashing the cells",
                           .peer_value = bench_median(&bare),
                           .bar_of = BENCH_RATIO,
                           .bar = 4});
    bench_series_fini(&own);
    bench_series_fini(&bare);
    bench_origin_fini(&origin);
    remove_state();
    free(block);
}
