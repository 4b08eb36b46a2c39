/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - the state directory of a publisher or replica (store.c: the queue and its thread; store_book.c: what lies
 * where; store_disk.c: the only file that knows LMDB).
 *
 * Holds: a format number, the name of the origin, the last chain number a publisher used, the newest manifest, the list of
 * root sets, and for each resource
 * a snapshot (in blocks, snapshot.h) with the log of commits and deltas after it (as a zone file and its
 * journal). A commit is handed over in memory and written by a thread of the store, in groups; nobody waits for a disk. A snapshot
 * is written anew when the log behind it has grown beyond half its size (and at least 1 MiB), or 4,096 deltas.
 *
 * Threads: all functions from the owner's thread; writing happens in a thread of the store's own. */
#ifndef ALTO_STORE_H
#define ALTO_STORE_H

#include "core/wire.h"

typedef struct alto_store alto_store;

/* A version that the log led through. */
typedef struct {
    const alto_version *version; /* owned by the state */
    uint64_t delta_bytes;        /* of the way from it to the next one */
} alto_stored_older;
#define ALTO_STORED_OLDER 64 /* most of them for a resource */

/* What the directory holds of one resource after reading. */
typedef struct {
    alto_slice catalog_key;      /* borrowed from the state's catalog */
    const alto_version *version; /* owned by the state */
    size_t older_count;
    alto_stored_older *older; /* owned by the state; the last one led to `version` */
} alto_stored_resource;

/* The last durable state. */
typedef struct {
    bool has_statement;     /* then: */
    alto_buffer statement;  /* signed file of the newest commit or head of that state; who signed it is not checked */
    alto_position position; /* of it */
    uint64_t issued_at_ms;
    alto_buffer manifest; /* manifest file; empty when none */
    alto_buffer roots;    /* list of root sets (roots.h); empty when none */
    alto_tree *catalog;   /* owned */
    size_t count;
    alto_stored_resource *resources; /* one for each entry of the catalog that was held */
} alto_stored_state;
void alto_stored_state_fini(alto_stored_state *state);

/* Open or create the directory for `origin`. One process at a time (flock on DIR/lock). A torn last write is undone, and a file that
 * is damaged beyond that is put aside (data.mdb.damaged) and begun anew; each is one line of log.
 * Errors, each with what to do in error: ALTO_BUSY (in use), ALTO_CONFIG (another origin, or a newer format),
 * ALTO_IO (cannot create, read or write; disk full). */
alto_status alto_store_open(const char *directory, const alto_origin *origin, alto_store **out, alto_error *error);
/* Writes what is still queued, then closes. A disk that does not answer is waited for 2 s; then it stays open until the process ends. What
 * could not be written is logged. */
void alto_store_close(alto_store **self);

/* Read the last durable state: snapshots, then the log behind them; every version is checked against the root in the catalog, and
 * the catalog against the statement; what does not fit is dropped (and logged). An empty directory gives an empty state and ALTO_OK. */
alto_status alto_store_load(alto_store *self, alto_pool *pool, alto_stored_state *state);

/* The next chain number: max(stored + 1, now_ms), durable when this returns. Errors: ALTO_IO. */
alto_status alto_store_next_chain(alto_store *self, uint64_t now_ms, uint64_t *chain);

/* One resource as it is after a commit. */
typedef struct {
    alto_slice catalog_key;      /* copied */
    const alto_version *version; /* retained while queued; NULL: withdrawn */
    bool has_from;
    alto_hash from_root;                           /* of the delta */
    alto_slice delta;                              /* copied; empty: there is none, so a snapshot is written */
    alto_slice implied_vtag, implied_dependencies; /* copied: what alto_delta_apply needs with the delta */
} alto_stored_change;

/* Queue one step: the signed statement, the catalog after it (retained), and what changed. Never waits for a disk. A queue of
 * more than 64 MiB is replaced by the newest state, to be written through snapshots. A failing disk is logged once, counted, and tried again.
 * Errors: ALTO_NO_MEMORY. */
alto_status alto_store_commit(alto_store *self, alto_slice statement_file, const alto_tree *catalog,
                              const alto_stored_change *changes, size_t count);
/* Queue a new manifest, and the list of root sets that it needs. */
alto_status alto_store_manifest(alto_store *self, alto_slice manifest_file, alto_slice roots);

typedef struct {
    uint64_t commits_durable, commits_queued, bytes_written, failures;
} alto_store_counts;
alto_store_counts alto_store_counts_now(alto_store *self);

#endif
