/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.h - an upstream in a process of its own that serves one cost map over HTTP, commits when told to, and tells
 * what it was asked for.
 *
 * Threads: none inside; in the upstream, its own. */
#ifndef BENCH_UPSTREAM_H
#define BENCH_UPSTREAM_H

#include "child.h"
#include "origin.h"

enum { BENCH_ASKED_MOST = 64, BENCH_PATH = 512 };

/* What it answered with 200 since bench_upstream_forget. */
typedef struct bench_asked bench_asked;

typedef struct {
    pid_t process;
    unsigned port;
    int commands, answers; /* pipes */
    bench_asked *asked;    /* shared with the process */
} bench_upstream;

/* Serve a map of pids x pids costs, as a new chain of `origin` without any state. The origin's committer is not to be
 * used here. port: 0 for a free one. Returns once it listens and has committed. */
bench_upstream bench_upstream_start(bench_origin *origin, size_t pids, unsigned port);
/* Kill it. */
void bench_upstream_stop(bench_upstream *self);
/* Commit `count` times, each time another cost of one cell. The newest position. */
alto_position bench_upstream_commit(const bench_upstream *self, size_t count);

void bench_upstream_forget(const bench_upstream *self);
/* The paths that it was asked for, each once, up to BENCH_ASKED_MOST of them, in order. */
size_t bench_upstream_asked(const bench_upstream *self);
const char *bench_upstream_path(const bench_upstream *self, size_t index);
/* Bytes of their bodies; how many snapshots were given, and how many different bodies those were. */
uint64_t bench_upstream_bytes(const bench_upstream *self);
size_t bench_upstream_snapshots(const bench_upstream *self, size_t *different);

#endif
