/* SPDX-License-Identifier: Apache-2.0 */
/* delta.h - how to get from one version to another, in few bytes.
 *
 * A delta is column-wise: positions as gaps, values as differences, names as
 * ranks in the version that both sides have; each column is written by columns.h in the smallest of its codings.
 * It needs no trust: whoever applies it compares the root (docs/wire-format.md has every byte).
 *
 * What the signed catalog entry of the new version says anyway, the vtag and
 * the dependent-vtags, is not repeated in the delta: see alto_implied.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_DELTA_H
#define ALTO_DELTA_H

#include "core/mapjson.h"

/* What the catalog entry of the new version tells. A delta refers to the two texts
 * instead of carrying them, when the version has exactly them as meta.vtag and meta.dependent-vtags. The sizes bound what a
 * delta from outside may make of few bytes: whatever is in a version stands in its JSON. */
typedef struct {
    alto_slice vtag;         /* canonical JSON of meta.vtag, empty when there is none */
    alto_slice dependencies; /* canonical JSON of meta.dependent-vtags, empty when there are none */
    uint64_t text_size;      /* bytes of its compact JSON; 0: not known, nothing is bounded */
    uint64_t from_text_size; /* of the version that the delta starts at; 0: not known, or there is none */
} alto_implied;

/* Bytes that a delta between versions of such sizes may have, as long as they are known. */
static inline uint64_t alto_delta_bound(uint64_t text_size, uint64_t from_text_size)
{
    return 65536 + 8 * (text_size + from_text_size);
}

/* Append the delta from `from` (NULL: from nothing) to `to`, two versions of one kind.
 * Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE (beyond the buffer's maximum). *raw_size (may be NULL): bytes before
 * any coding of columns, for reports. Costs in proportion to the change. */
alto_status alto_delta_encode(const alto_version *from, const alto_version *to, const alto_implied *implied,
                              alto_buffer *out, uint64_t *raw_size);

/* Apply a delta from outside.
 * from     the version it starts at (NULL: nothing); never changed
 * kind     of the result
 * root     what the result must have
 * *out     the new version; unset on failure
 * Errors   ALTO_MALFORMED, ALTO_TOO_LARGE, ALTO_BOMB, ALTO_ROOT_MISMATCH, ALTO_NO_MEMORY. */
alto_status alto_delta_apply(alto_pool *pool, alto_kind kind, const alto_version *from, alto_slice delta,
                             const alto_implied *implied, const alto_hash *root, alto_version **out);

#endif
