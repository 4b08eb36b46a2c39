/* SPDX-License-Identifier: Apache-2.0 */
/* recovery.c - from the end of a fault to live again, beside a plain download of what was pulled for it; and 500
 * followers that lose their upstream together. The upstream is a process of its own; followers poll, so that what is
 * measured begins when they hear of the newest commit and not when push comes back. */
#include "io/follower.h"
#include "io/loop.h"
#include "io/pull.h"
#include "upstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    SHORT_POLL_MS = 5,
    USUAL_POLL_MS = 1000, /* as followers do by themselves */
    GAP_PIDS = 300,
    LARGE_PIDS = 3000, /* 9 million cells */
    HERD = 500,
    QUICK_HERD = 50,
    HERD_PIDS = 100,
    STEP_MS = 100,
    PATIENCE_S = 120
};

static const char peer_name[] = "libcurl, the same URLs one after another";

/* ---- followers ---- */

static alto_follower *new_follower(alto_loop *loop, const bench_origin *origin, const bench_upstream *upstream,
                                   uint64_t poll_ms)
{
    static const alto_follower_events events;
    char url[64];
    const char *const urls[] = {url};
    alto_error error = {.why = ""};
    alto_follower *made = NULL;
    alto_follower_options options = {
        .upstreams = urls, .upstream_count = 1, .no_push = true, .poll_ms = poll_ms, .anchor = &origin->anchor};
    snprintf(url, sizeof url, "http://127.0.0.1:%u", upstream->port);
    if (alto_follower_new(loop, &options, &events, &made, &error) != ALTO_OK)
        bench_die("follower: %s", error.why);
    alto_follower_start(made);
    return made;
}

static bool is_live(alto_follower *follower, const alto_position *wanted)
{
    const alto_replica *replica = alto_follower_replica(follower);
    const alto_view *view = alto_replica_view(replica);
    return view && alto_position_compare(&view->position, wanted) == 0 &&
           alto_replica_state_now(replica, alto_clock_ms()) == ALTO_REPLICA_LIVE;
}

static void check_patience(uint64_t begin_ns, const char *what)
{
    if (bench_us_since(begin_ns) > (double)PATIENCE_S * 1e6)
        bench_die("%s: not within %d s", what, PATIENCE_S);
}

/* Microseconds from now until the follower is live there. */
static double time_to_live(alto_loop *loop, alto_follower *follower, const alto_position *wanted)
{
    uint64_t begin_ns = alto_monotonic_ns();
    while (!is_live(follower, wanted)) {
        bench_must(alto_loop_step(loop, STEP_MS), "loop");
        check_patience(begin_ns, "a follower is live");
    }
    return bench_us_since(begin_ns);
}

/* ---- the peer ---- */

typedef struct {
    bool done;
    alto_status status;
} download;

static alto_status drop_bytes(void *context, alto_slice bytes)
{
    (void)context, (void)bytes;
    return ALTO_OK;
}

static void on_downloaded(void *context, const alto_pull_result *result)
{
    *(download *)context = (download){true, result->status};
}

static void get(alto_loop *loop, alto_puller *puller, const bench_upstream *upstream, const char *path)
{
    char url[BENCH_PATH + 64];
    download going = {.done = false};
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", upstream->port, path);
    if (!alto_pull_get(puller, url, ALTO_MAX_PAYLOAD, false, drop_bytes, on_downloaded, &going))
        bench_die("curl: out of memory");
    while (!going.done)
        bench_must(alto_loop_step(loop, STEP_MS), "loop");
    bench_must(going.status, path);
}

/* Microseconds to get all that the upstream was asked for, over a connection that is there already. */
static double time_to_get_again(const bench_upstream *upstream)
{
    size_t count = bench_upstream_asked(upstream);
    alto_loop *loop = alto_loop_new();
    alto_puller *puller = loop ? alto_puller_new(loop) : NULL;
    if (!puller || count == 0 || count == BENCH_ASKED_MOST)
        bench_die("nothing to get again, or too much");
    get(loop, puller, upstream, bench_upstream_path(upstream, 0));
    uint64_t begin_ns = alto_monotonic_ns();
    for (size_t i = 0; i < count; i++)
        get(loop, puller, upstream, bench_upstream_path(upstream, i));
    double us = bench_us_since(begin_ns);
    alto_puller_destroy(&puller);
    alto_loop_destroy(&loop);
    return us;
}

/* ---- gaps and snapshots ---- */

typedef struct {
    bench_series own, peer, bytes;
} figures;

static void report(figures *self, const char *what)
{
    char name[96];
    snprintf(name, sizeof name, "recovery: %s, fault end to live", what);
    bench_add(&(bench_row){.name = name,
                           .unit = "ms",
                           .value = bench_median(&self->own) / 1000,
                           .peer = peer_name,
                           .peer_value = bench_median(&self->peer) / 1000});
    snprintf(name, sizeof name, "recovery: %s, pulled", what);
    bench_add(&(bench_row){.name = name, .unit = "bytes", .value = bench_median(&self->bytes)});
    bench_series_fini(&self->own);
    bench_series_fini(&self->peer);
    bench_series_fini(&self->bytes);
}

/* Take down what the upstream was asked for until now, then ask for it again. */
static void add_round(figures *self, const bench_upstream *upstream, double us)
{
    bench_series_add(&self->own, us);
    bench_series_add(&self->bytes, (double)bench_upstream_bytes(upstream));
    bench_series_add(&self->peer, time_to_get_again(upstream));
}

/* A follower hears nothing, its loop standing still, while the upstream commits. */
static void measure_gap(bench_origin *origin, const bench_upstream *upstream, size_t commits, size_t rounds)
{
    char what[64];
    figures taken = {{0}, {0}, {0}};
    alto_loop *loop = alto_loop_new();
    alto_follower *follower = new_follower(loop, origin, upstream, SHORT_POLL_MS);
    alto_position newest = bench_upstream_commit(upstream, 0);
    time_to_live(loop, follower, &newest);
    for (size_t i = 0; i < rounds; i++) {
        newest = bench_upstream_commit(upstream, commits);
        nanosleep(&(struct timespec){.tv_nsec = SHORT_POLL_MS * 2000000}, NULL); /* its next turn is to ask at once */
        bench_upstream_forget(upstream);
        add_round(&taken, upstream, time_to_live(loop, follower, &newest));
    }
    alto_follower_destroy(&follower);
    alto_loop_destroy(&loop);
    snprintf(what, sizeof what, "gap of %zu commit%s", commits, commits == 1 ? "" : "s");
    report(&taken, what);
}

static void measure_gaps(bench_origin *origin, bool quick)
{
    bench_upstream upstream = bench_upstream_start(origin, GAP_PIDS, 0);
    measure_gap(origin, &upstream, 1, quick ? 5 : 25);
    measure_gap(origin, &upstream, 100, quick ? 3 : 15);
    measure_gap(origin, &upstream, 10000, quick ? 1 : 3);
    bench_upstream_stop(&upstream);
}

/* A follower without anything; the snapshot was made for another one before. */
static void measure_snapshot(bench_origin *origin, bool quick)
{
    figures taken = {{0}, {0}, {0}};
    alto_loop *loop = alto_loop_new();
    bench_upstream upstream = bench_upstream_start(origin, LARGE_PIDS, 0);
    alto_position newest = bench_upstream_commit(&upstream, 0);
    size_t rounds = quick ? 1 : 3;
    for (size_t i = 0; i <= rounds; i++) {
        bench_upstream_forget(&upstream);
        alto_follower *follower = new_follower(loop, origin, &upstream, USUAL_POLL_MS);
        double us = time_to_live(loop, follower, &newest);
        if (i > 0)
            add_round(&taken, &upstream, us);
        alto_follower_destroy(&follower);
    }
    bench_upstream_stop(&upstream);
    alto_loop_destroy(&loop);
    report(&taken, "snapshot of 9 million cells");
}

/* ---- the herd ---- */

static size_t count_live(alto_follower **followers, size_t count, const alto_position *wanted)
{
    size_t live = 0;
    for (size_t i = 0; i < count; i++)
        live += is_live(followers[i], wanted);
    return live;
}

/* Microseconds until half of them are live, and until all are. */
static double herd_to_live(alto_loop *loop, alto_follower **followers, size_t count, const alto_position *wanted,
                           double *half_us)
{
    uint64_t begin_ns = alto_monotonic_ns();
    size_t live = 0;
    *half_us = 0;
    while ((live = count_live(followers, count, wanted)) < count) {
        if (*half_us == 0 && 2 * live >= count)
            *half_us = bench_us_since(begin_ns);
        bench_must(alto_loop_step(loop, STEP_MS), "loop");
        check_patience(begin_ns, "a herd is live");
    }
    return bench_us_since(begin_ns);
}

static void wait_for_loss(alto_loop *loop, alto_follower **followers, size_t count)
{
    uint64_t begin_ns = alto_monotonic_ns();
    for (size_t i = 0; i < count; i++)
        while (!alto_follower_trouble(followers[i])[0]) {
            bench_must(alto_loop_step(loop, STEP_MS), "loop");
            check_patience(begin_ns, "a herd sees that its upstream is gone");
        }
}

static void report_herd(const bench_upstream *upstream, size_t count, double half_us, double all_us)
{
    char name[96];
    size_t different, given = bench_upstream_snapshots(upstream, &different);
    snprintf(name, sizeof name, "recovery: herd of %zu, upstream back without its state, to half of them live", count);
    bench_add(&(bench_row){.name = name, .unit = "ms", .value = half_us / 1000});
    snprintf(name, sizeof name, "recovery: herd of %zu, to all of them live", count);
    bench_add(&(bench_row){.name = name, .unit = "ms", .value = all_us / 1000});
    snprintf(name, sizeof name, "recovery: herd of %zu, snapshots given", count);
    bench_add(&(bench_row){.name = name, .unit = "count", .value = (double)given});
    snprintf(name, sizeof name, "recovery: herd of %zu, snapshots made for one version", count);
    bench_add(&(bench_row){.name = name, .unit = "count", .value = (double)different, .bar_of = BENCH_VALUE, .bar = 1});
}

static void measure_herd(bench_origin *origin, bool quick)
{
    size_t count = quick ? QUICK_HERD : HERD;
    alto_loop *loop = alto_loop_new();
    alto_follower **followers = bench_alloc(count * sizeof *followers);
    bench_upstream upstream = bench_upstream_start(origin, HERD_PIDS, 0);
    alto_position newest = bench_upstream_commit(&upstream, 0);
    double half_us;
    for (size_t i = 0; i < count; i++)
        followers[i] = new_follower(loop, origin, &upstream, USUAL_POLL_MS);
    herd_to_live(loop, followers, count, &newest, &half_us);
    unsigned port = upstream.port;
    bench_upstream_stop(&upstream);
    wait_for_loss(loop, followers, count);
    upstream = bench_upstream_start(origin, HERD_PIDS, port);
    newest = bench_upstream_commit(&upstream, 0);
    double all_us = herd_to_live(loop, followers, count, &newest, &half_us);
    report_herd(&upstream, count, half_us, all_us);
    bench_upstream_stop(&upstream);
    for (size_t i = 0; i < count; i++)
        alto_follower_destroy(&followers[i]);
    free(followers);
    alto_loop_destroy(&loop);
}

void bench_recovery(const bench_options *options)
{
    bench_origin origin;
    bench_origin_init(&origin);
    measure_gaps(&origin, options->quick);
    measure_snapshot(&origin, options->quick);
    measure_herd(&origin, options->quick);
    bench_origin_fini(&origin);
}
