/* SPDX-License-Identifier: Apache-2.0 */
/* delta_generic.h - the rows of a delta that are no payload, as bytes: meta, and whatever else a document has. For delta_encode.c and
 * delta_apply.c alone.
 *
 * Texts that the catalog entry implies are told by two flags of the delta and not written.
 *
 * Threads: none inside. */
#ifndef ALTO_DELTA_GENERIC_H
#define ALTO_DELTA_GENERIC_H

#include "core/delta.h"
#include "core/delta_format.h"

typedef struct {
    const alto_implied *implied; /* borrowed; NULL: nothing */
    alto_buffer bytes;           /* the rows as written */
    uint64_t rows;               /* how many */
    uint64_t next;               /* rank of the next existing one if none is skipped */
    unsigned flags;              /* ALTO_DELTA_VTAG, ALTO_DELTA_DEPENDENCIES */
} alto_generic_writer;

/* A row that differs; they come in order. rank: of the row before. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_generic_write(alto_generic_writer *self, alto_slice key, const alto_value *before,
                               const alto_value *after, uint64_t rank);

/* What a row becomes: `before`, which may be NULL, with these edits, not in order yet and lent; or removed. */
typedef alto_status alto_generic_fn(void *context, alto_slice key, const alto_tree *before, alto_edit *edits,
                                    size_t count, bool remove);

typedef struct {
    const alto_tree *from; /* of rows; borrowed */
    uint64_t end;          /* how many of them are no payload: these */
    const alto_implied *implied;
    unsigned flags;     /* of the delta */
    uint64_t text_left; /* bytes that texts and their keys may still have */
    alto_generic_fn *row;
    void *context;
} alto_generic_reader;

/* Read so many rows, which must be all of `bytes`, and tell of them and of what the flags say, in order. Errors: ALTO_MALFORMED,
 * ALTO_TOO_LARGE, ALTO_BOMB (text_left), ALTO_NO_MEMORY, and what `row` says. */
alto_status alto_generic_read(const alto_generic_reader *options, alto_slice bytes, uint64_t rows);

#endif
