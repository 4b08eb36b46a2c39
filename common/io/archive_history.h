/* SPDX-License-Identifier: Apache-2.0 */
/* archive_history.h - the states that an archive still holds, oldest first, and what led from each to the next: found by
 * position, by state root, by root and by digest without a search.
 *
 * A step is the state at one position together with the commit and the payloads that led to it. When the
 * next one comes, the resources that it replaced stay with the step that they belonged to. The newest step always stays whole; older
 * ones stay for a time unless a bound is hit, and then go oldest first.
 *
 * Threads: none inside; its owner locks. */
#ifndef ALTO_ARCHIVE_HISTORY_H
#define ALTO_ARCHIVE_HISTORY_H

#include "core/replica.h"
#include "io/blob.h"

#define ALTO_KEEP_MS 300000
#define ALTO_KEEP_STEPS 65536
#define ALTO_KEEP_OBJECTS 268435456
#define ALTO_KEEP_VERSIONS 268435456

/* How much of what was superseded is kept. */
typedef struct {
    uint64_t keep_ms;      /* after it was superseded */
    size_t steps;          /* the newest included; at least 2 */
    uint64_t object_bytes; /* of commits and payloads */
    uint64_t
        version_bytes; /* that versions and catalogs cost besides the newest (an estimate: core/weight.h); beyond it
                               they go, while commits and payloads stay */
} alto_history_limits;

/* A resource at one version, as long as some held state has it. */
typedef struct alto_held {
    const alto_resource *resource; /* retained */
    struct alto_held *next_in_slot, *next_replaced;
    uint64_t line;  /* the same for all that followed one another under one name */
    uint64_t spent; /* bytes of the deltas since the line began: two of one line differ by what lies between them */
    uint64_t moved; /* bytes of the nodes that those replaced, likewise */
} alto_held;

/* A payload of the commit that led to a step. */
typedef struct alto_held_payload {
    const alto_blob *blob; /* retained */
    alto_hash digest;
    uint16_t index; /* in the commit's changes */
    struct alto_held_payload *next_in_slot;
} alto_held_payload;

typedef struct alto_arriving alto_arriving;

typedef struct alto_step {
    alto_position position;
    alto_hash state_root;
    alto_tree *catalog;      /* retained; NULL once versions went */
    const alto_blob *commit; /* signed-object file; NULL: a head led here */
    size_t payload_count;
    alto_held_payload *payloads; /* owned */
    alto_held *replaced;         /* by the next step; owned */
    uint64_t superseded_ms;      /* monotonic; 0: it is the newest */
    bool anew;                   /* it has nothing to do with what came before */
    bool complete;               /* its commit and all payloads of that are held */
    uint64_t run;                /* the same for steps that lead from one to the next and are complete */
    uint64_t run_bytes;          /* of a bundle from the beginning of the run */
    uint64_t object_bytes, version_bytes;
    struct alto_step *newer;        /* the next one; NULL: this is the newest */
    struct alto_step *next_in_slot; /* by state root */
    struct alto_step *next_dead;
    size_t arriving_count;   /* until it is added */
    alto_arriving *arriving; /* owned; the resources that it brings and replaces */
} alto_step;

/* What went out of the bounds, to be freed outside of the lock. */
typedef struct {
    alto_step *steps;
    alto_held *held;
} alto_dead;
void alto_dead_free(alto_dead *dead);

typedef struct alto_history alto_history;

alto_history *alto_history_new(const alto_history_limits *limits); /* NULL: out of memory */
void alto_history_destroy(alto_history **self);

/* A step to be added, which led from `before` to applied->after: all that can be done outside of the lock.
 * before  the view of the newest step, to stay until this one was added; NULL begins the history anew
 * *out is NULL only when there is no memory for anything. Errors: ALTO_NO_MEMORY (*out, when it is there, lacks something). */
alto_status alto_step_make(const alto_view *before, const alto_applied *applied, alto_step **out);

/* Add a step, which is taken over; its position is greater than that of the newest, unless it begins anew. */
alto_dead alto_history_add(alto_history *self, alto_step *added, uint64_t now_ms);
/* A version that `current`, a resource of the newest step, had in an earlier life of this process; `delta_bytes` is what lies between them.
 * `older` is retained; it stays as long as what the newest step has. Errors: ALTO_NO_MEMORY, ALTO_NOT_FOUND (no such current one). */
alto_status alto_history_remember(alto_history *self, const alto_resource *current, const alto_resource *older,
                                  uint64_t delta_bytes);
/* Let go of what has become too old. */
alto_dead alto_history_forget(alto_history *self, uint64_t now_ms);

/* All below: borrowed until the history is changed; NULL: not held. */
const alto_step *alto_history_newest(const alto_history *self);
const alto_step *alto_history_oldest(const alto_history *self);
const alto_step *alto_history_at(const alto_history *self, const alto_position *position);
/* One with that state root and its catalog. */
const alto_step *alto_history_state(const alto_history *self, const alto_hash *state_root);
const alto_blob *alto_history_payload(const alto_history *self, const alto_hash *digest);
/* A version with that root. key: which one is best, where several resources have the same content (NULL: all the same). */
const alto_held *alto_history_version(const alto_history *self, const alto_hash *root, const alto_slice *key);

/* Can every commit after `from` up to `to` be given in one bundle, with all their payloads? */
bool alto_history_bundled(const alto_step *from, const alto_step *to);

#endif
