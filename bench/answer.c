/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - what the next GET of a full map costs after a change: CPU time until its first byte could be sent, beside
 * making the body from nothing. */
#include "core/render.h"
#include "origin.h"

#include <stdio.h>
#include <time.h>

enum { PIDS = 3000, CHANGED = PIDS / 100, CHANGES = 9, QUICK_CHANGES = 3, SCRATCHES = 3 };

static const double most_ratio = 1.0 / 20;

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double render_us(const alto_version *version, alto_coding coding)
{
    alto_rendering *made = NULL;
    double before = cpu_us();
    bench_must(alto_render(version, coding, &made), "rendering");
    double us = cpu_us() - before;
    alto_rendering_release(made);
    return us;
}

/* A map that nothing has been made from yet, and what making the body costs. */
static alto_version *from_nothing(alto_pool *pool, alto_coding coding, bench_series *us)
{
    sim_random random = {PIDS};
    alto_version *version = bench_cost_map(pool, PIDS, &random);
    bench_series_add(us, render_us(version, coding));
    return version;
}

/* All cells of some rows, chosen at random, become others. */
static alto_version *change_rows(alto_pool *pool, const alto_version *before, sim_random *random)
{
    alto_row_edit edits[CHANGED];
    alto_row_key keys[CHANGED];
    alto_tree *rows[CHANGED];
    static double costs[PIDS];
    alto_version *after = NULL;
    for (size_t i = 0; i < CHANGED; i++) {
        char name[BENCH_PID_TEXT];
        const alto_tree *row;
        bench_pid_name(i * (PIDS / CHANGED) + sim_random_below(random, PIDS / CHANGED), name);
        keys[i] = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(name));
        if (!alto_version_row(before, ALTO_ROW_PAYLOAD, alto_slice_text(name), &row))
            bench_die("PID %s is gone", name);
        for (size_t k = 0; k < PIDS; k++)
            costs[k] = (double)sim_random_below(random, 20000) / 100;
        bench_must(alto_tree_with_costs(row, costs, &rows[i]), "row");
        edits[i] = (alto_row_edit){.row = alto_row_key_slice(&keys[i]), .what = ALTO_ROW_REPLACE, .items = rows[i]};
    }
    bench_must(alto_version_edit(pool, ALTO_COST_MAP, before, edits, CHANGED, &after), "edit");
    for (size_t i = 0; i < CHANGED; i++)
        alto_tree_release(rows[i]);
    return after;
}

static void measure(alto_coding coding, const char *name, int changes)
{
    alto_pool *pool = alto_pool_new();
    bench_series scratch = {0}, next = {0};
    sim_random random = {1};
    alto_version *version = NULL;
    if (!pool)
        bench_die("out of memory");
    for (int i = 0; i < SCRATCHES; i++) {
        alto_version_release(version);
        version = from_nothing(pool, coding, &scratch);
    }
    for (int i = 0; i < changes; i++) {
        alto_version *after = change_rows(pool, version, &random);
        bench_series_add(&next, render_us(after, coding));
        alto_version_release(version);
        version = after;
    }
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(&next),
                           .peer = "the body from nothing",
                           .peer_value = bench_median(&scratch),
                           .bar_of = BENCH_RATIO,
                           .bar = most_ratio});
    alto_version_release(version);
    alto_pool_destroy(&pool);
    bench_series_fini(&scratch);
    bench_series_fini(&next);
}

void bench_answer(const bench_options *options)
{
    int changes = options->quick ? QUICK_CHANGES : CHANGES;
    measure(ALTO_IDENTITY, "answer: 1 % of the rows of 9 million cells changed, next full GET, identity", changes);
    measure(ALTO_GZIP, "answer: 1 % of the rows of 9 million cells changed, next full GET, gzip", changes);
    measure(ALTO_ZSTD, "answer: 1 % of the rows of 9 million cells changed, next full GET, zstd", changes);
}
