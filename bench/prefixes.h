/* SPDX-License-Identifier: Apache-2.0 */
/* prefixes.h - network maps with prefixes of both families, of lengths as the Internet has them, and addresses in them.
 *
 * Threads: none inside. */
#ifndef BENCH_PREFIXES_H
#define BENCH_PREFIXES_H

#include "core/prefix.h"
#include "origin.h"

/* A prefix and the PID that it is in. */
typedef struct {
    alto_prefix_key key;
    uint32_t pid;
} bench_prefix;

/* Draw `count` prefixes (some 7 % of a million are drawn twice) and deal them to `pids` PIDs; each once, PID after PID, into `out`. Returns
 * how many there are. */
size_t bench_prefixes_draw(sim_random *random, size_t count, uint32_t pids, bench_prefix *out);
/* The network map of these; its version tag is the one that bench_cost_map() depends on. */
alto_version *bench_prefixes_map(alto_pool *pool, const bench_prefix *prefixes, size_t count, size_t pids);
/* Some address in one of them. */
alto_endpoint bench_address(sim_random *random, const bench_prefix *prefixes, size_t count);

#endif
