/* SPDX-License-Identifier: Apache-2.0 */
/* archive_since.h - the ways from an older state to the newest, and what each costs: advice for a follower, which a
 * lie could cost bytes but never truth. Only what was made already has an exact size; nothing is made for an answer.
 *
 * Used in this order: begin (under the lock of the history), compare, cost (under the lock), write; fini in any case.
 *
 * Threads: none inside. */
#ifndef ALTO_ARCHIVE_SINCE_H
#define ALTO_ARCHIVE_SINCE_H

#include "io/archive_history.h"
#include "io/archive_made.h"

/* One resource that differs between the two states. */
typedef struct {
    alto_resource_name name; /* borrowed from the newer catalog */
    alto_slice key;
    bool has_from;
    alto_hash from, to;
    uint64_t text_size;
    bool held;               /* the newer version */
    uint64_t delta_bytes;    /* 0: there is no delta to be had */
    uint64_t snapshot_bytes; /* at least 1 */
} alto_way;

typedef struct {
    alto_position head;
    alto_hash state_root;     /* of the newest state */
    alto_tree *older, *newer; /* catalogs, retained; older NULL: not known, so all of the newer is told */
    bool bundled;
    uint64_t commits, bundle_bytes;
    size_t count, room;
    alto_way *ways; /* owned */
} alto_ways;

/* Errors: ALTO_OLD (the position is not held), ALTO_BUSY (nothing is). */
alto_status alto_ways_begin(const alto_history *history, const alto_position *position, alto_ways *out);
/* Errors: ALTO_NO_MEMORY, and those of alto_entry_decode. */
alto_status alto_ways_compare(alto_ways *self);
void alto_ways_cost(alto_ways *self, const alto_history *history, const alto_made *made);
void alto_ways_write(const alto_ways *self, uint64_t catalog_bytes, alto_buffer *out);
void alto_ways_fini(alto_ways *self);

#endif
