/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - a whole origin and a replica of it in one process, and maps to put in: what the groups measure with.
 * All functions end the program rather than fail.
 *
 * Threads: each object belongs to one thread. */
#ifndef BENCH_ORIGIN_H
#define BENCH_ORIGIN_H

#include "bench.h"
#include "core/committer.h"
#include "io/archive.h"

typedef struct {
    alto_signing_key *root, *online;
    alto_manifest manifest;
    alto_buffer manifest_file;
    alto_anchor anchor;
    alto_pool *pool;
    alto_archive *archive;
    alto_committer *committer;
    /* Called for each commit, after the archive has it where `archived`; may be NULL. */
    void (*applied)(void *context, const alto_applied *applied);
    void *context;
    bool archived;
} bench_origin;

/* An origin with new keys; its address must not change. */
void bench_origin_init(bench_origin *self);
void bench_origin_fini(bench_origin *self);
/* Go on in a new chain without any state, as a publisher that lost it. Not twice in a millisecond. */
void bench_origin_restart(bench_origin *self);
/* Commit a new version of resource `id`. */
void bench_origin_commit(bench_origin *self, const char *id, const alto_version *version);

/* A replica that trusts `origin` and has its manifest. */
alto_replica *bench_replica_new(const bench_origin *origin, const alto_replica_events *events);
/* Pull from the origin's archive until nothing is missing; it ends at the origin's commit. */
void bench_replica_sync(alto_replica *replica, const bench_origin *origin);
/* Hand a commit and its payloads to a replica, as push would. */
void bench_replica_feed(alto_replica *replica, const alto_applied *applied);
/* End the program unless the replica holds the version of `id` with that root. */
void bench_replica_check(const alto_replica *replica, const char *id, const alto_version *version);

/* ---- maps ---- */

#define BENCH_PID_TEXT 16
/* "pid-00017" */
void bench_pid_name(size_t index, char out[BENCH_PID_TEXT]);

/* A row edit that sets one member of "meta"; it borrows from `text` and, like `key` and `edit`, must stay. */
alto_row_edit bench_meta_edit(const char *member, const char *text, alto_row_key *key, alto_edit *edit);

/* A cost map of pids x pids random costs from 0 to 199.99, with meta. It belongs to the network map of this version tag. */
#define BENCH_COSTS_DEPEND_ON "{\"resource-id\":\"my-network-map-1\",\"tag\":\"0123456789abcdef0123456789abcdef\"}"
alto_version *bench_cost_map(alto_pool *pool, size_t pids, sim_random *random);

/* Commit three maps at once, and take them over: a cost map "cost", the network map that it belongs to, and "small", to compare with. */
void bench_commit_maps(bench_origin *origin, alto_version *costs, alto_version *network, alto_version *small);

/* The item of the IPv4 prefix number `index`, 1.0.0.0/24 + index. */
#define BENCH_PREFIX_SIZE 6
void bench_prefix_item(size_t index, uint8_t item[BENCH_PREFIX_SIZE]);
/* A network map of `pids`, PID i with sizes[i] prefixes, dealt one by one in turns, so that PIDs interleave; with meta.
 * owner: for each prefix its PID; the caller's, room for all. */
alto_version *bench_network_map(alto_pool *pool, const char *id, size_t pids, const size_t *sizes, uint32_t *owner);
/* meta.vtag of resource `id` with a 32-character tag made of `number`. */
#define BENCH_VTAG_TEXT 160
void bench_vtag(const char *id, uint64_t number, char out[BENCH_VTAG_TEXT]);

#endif
