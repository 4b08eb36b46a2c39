/* SPDX-License-Identifier: Apache-2.0 */
/* replica_state.h - the inside of a replica, for the files that make it: replica.c (life, looking, disk),
 * replica_manifest.c (who may sign), replica_statement.c (verifying, the queue), replica_step.c (work on the first statement) and replica_pull.c (questions
 * and answers). Nobody else includes it.
 *
 * Threads: as replica.h. */
#ifndef ALTO_REPLICA_STATE_H
#define ALTO_REPLICA_STATE_H

#include "core/replica.h"
#include "core/roots.h"

enum { ALTO_MAX_WAITING = 256 }; /* statements that wait; beyond that only the first and the newest are kept */

/* A verified statement that waits to be applied. */
typedef struct {
    uint8_t *object; /* owned; `decoded` borrows from it */
    size_t object_size;
    alto_signature signature;
    alto_statement decoded;
    alto_slice *payloads; /* one for each change; data owned, NULL: not here */
    uint64_t arrived_ms;
    uint64_t payload_bytes;
    bool pulled; /* it, or a payload of it */
} alto_waiting;

/* How far the question is which way leads to the first statement. */
typedef enum { WAY_OPEN, WAY_ASKED, WAY_BUNDLE, WAY_BUNDLE_ASKED, WAY_STATE } alto_search;

/* The next way to get a version, best first. */
typedef enum { BY_PAYLOAD, BY_DELTA, BY_SNAPSHOT, NO_WAY } alto_way;

/* A resource whose entry differs between the view and the state aimed at. */
typedef struct {
    alto_resource *resource; /* what it becomes; NULL: withdrawn. Its version is set when known */
    const alto_resource *before;
    alto_slice key;          /* in one of the catalogs */
    alto_version *version;   /* owned; NULL: not known yet */
    alto_slice payload;      /* the signed payload that gave the version, borrowed from the statement */
    uint8_t *pulled_payload; /* owned: the same when it was pulled */
    size_t index;            /* of the commit's change; SIZE_MAX: none */
    alto_way way;
    bool needed, asked;
    bool doubted; /* a wrong answer came once */
} alto_need;

struct alto_replica {
    alto_anchor anchor;
    alto_replica_events events;
    alto_pool *pool;
    char (*follow)[ALTO_MAX_NAME + 1];
    size_t follow_count;

    bool has_manifest;
    alto_manifest manifest;
    alto_buffer manifest_file;
    uint32_t least_epoch, least_version; /* no manifest before this one counts */
    bool manifest_wanted, manifest_asked;
    uint64_t manifest_looked_ms;
    alto_roots roots; /* from the anchor to those that signed the manifest */
    bool roots_wanted, roots_asked;

    alto_view *view; /* NULL: empty */
    uint8_t *head;   /* newest statement for the view; `head_decoded` borrows from it */
    size_t head_size;
    alto_signature head_signature;
    alto_statement head_decoded;
    uint64_t heard_ms;    /* when something newly issued came last */
    uint64_t issued_ms;   /* the latest issue date of what was taken */
    alto_position newest; /* the latest position of what was taken, whether or not it could be reached */
    uint32_t interval_ms; /* between heads, as the last one said */
    bool head_wanted, head_asked;

    alto_waiting queue[ALTO_MAX_WAITING];
    size_t queued;
    uint64_t queued_bytes;
    uint64_t gap_patience_ms;

    /* Work on queue[0]. */
    alto_tree *catalog; /* aimed at; owned. catalog_known: it may be NULL and known (no resources) */
    bool catalog_known, catalog_asked, derived; /* derived: tried to make it from the commit */
    alto_need *needs;                           /* NULL until the catalog is known */
    size_t need_count;
    uint64_t work_bytes;
    alto_route route;
    alto_search search;
    bool doubted;             /* the search, or the catalog: a wrong answer came once */
    alto_position bundle_end; /* while WAY_BUNDLE */
    alto_hash *whole;         /* owned: roots whose snapshots are fewer bytes than the deltas to them */
    size_t whole_count;

    const alto_resource **spare; /* from disk, until there is a view; each retained */
    size_t spare_count;

    alto_counts counts;
};

/* Count a status and give it back. */
static inline alto_status alto_replica_counted(alto_replica *self, alto_status status)
{
    alto_counts_add(&self->counts, status);
    return status;
}

/* Have `ms` gone by since then? A clock that was set back counts as yes, rather than stopping everything for as long. */
static inline bool alto_elapsed(uint64_t since_ms, uint64_t ms, uint64_t now_ms)
{
    return now_ms < since_ms || now_ms - since_ms >= ms;
}

/* Is a statement still good? (wire.h bounds both numbers, so that this cannot wrap.) */
static inline bool alto_still_valid(const alto_statement *statement, uint64_t now_ms)
{
    return now_ms < statement->issued_at_ms + statement->valid_for_s * 1000;
}

/* ---- replica.c ---- */

bool alto_replica_follows(const alto_replica *self, const alto_resource_name *name);

/* ---- replica_manifest.c ---- */

/* A manifest from anywhere; errors as alto_replica_on_manifest, not counted. */
alto_status alto_replica_take_manifest(alto_replica *self, alto_slice file, uint64_t now_ms);
/* A list of root sets from anywhere; as alto_replica_on_roots, not counted. */
alto_status alto_replica_take_roots(alto_replica *self, alto_slice list, uint64_t now_ms);

/* ---- replica_statement.c ---- */

/* How a statement came. */
typedef enum { FROM_PUSH, FROM_PULL, FROM_DISK } alto_channel;
/* Verify a statement and put it into the queue; goes as far as it can. Errors as alto_replica_on_statement, not counted. */
alto_status alto_queue_take(alto_replica *self, alto_slice object, const alto_signature *signature, uint64_t now_ms,
                            alto_channel from);
void alto_queue_drop_first(alto_replica *self); /* and the work on it */
void alto_queue_drop_all(alto_replica *self);
/* Is it the very commit after this one in its chain? */
bool alto_queue_follows(const alto_statement *statement, const alto_statement *before);
/* A payload from anywhere. Errors as alto_replica_on_payload, not counted. */
alto_status alto_queue_take_payload(alto_replica *self, const alto_hash *commit_hash, size_t index, alto_slice payload,
                                    alto_channel from);
/* Is this the very payload that the change was signed for? */
bool alto_has_digest(alto_slice payload, const alto_commit_change *change);

/* ---- replica_step.c ---- */

/* Go as far as what is at hand allows. Errors: ALTO_NO_MEMORY and what decoding a catalog's entries says; then it is as
 * after alto_work_start_over. */
alto_status alto_work_advance(alto_replica *self);
/* Nothing leads to the state aimed at any more: forget what waits, look for a newer one. */
void alto_work_start_over(alto_replica *self);
void alto_work_drop(alto_replica *self);
void alto_work_drop_spare(alto_replica *self);
/* What is at hand from which the version of this need can be made; NULL: nothing of its kind. */
const alto_resource *alto_work_base(const alto_replica *self, const alto_need *wanted);
/* Apply a delta for a need. Errors: alto_delta_apply's. */
alto_status alto_work_apply_delta(alto_replica *self, alto_need *wanted, alto_slice delta, bool from_nothing);
/* Use the signed payload of a need, which has the right digest; when it leads nowhere the need takes its next way. */
alto_status alto_work_use_payload(alto_replica *self, alto_need *wanted, alto_slice payload);
/* Something for the work on the first statement was pulled. */
static inline void alto_work_took(alto_replica *self, alto_route route, uint64_t bytes)
{
    self->work_bytes += bytes;
    if (route > self->route)
        self->route = route;
}
/* The way to try after the one that a need is at. */
alto_way alto_work_next_way(const alto_replica *self, const alto_need *wanted);
bool alto_has_state_root(const alto_tree *catalog, const alto_hash *wanted);
/* The statement becomes that of the view; its object and what was decoded move. */
void alto_work_set_head(alto_replica *self, alto_waiting *from);

#endif
