/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - msgpack with bounds; pack.c is the only file that knows msgpack-c.
 *
 * Only what altocast's objects are made of: arrays, nil, unsigned integers, byte strings, texts, and maps to pass over.
 * Everything is written in its shortest form, and only the shortest form is read, so
 * that equal values have equal bytes.
 *
 * Writing is msgpack-c's. Reading goes value by value through an alto_reader, whose first error sticks, and keeps no
 * memory: msgpack-c believes the element count of an array before it has seen the elements, and wants a zone of memory
 * for each value that it is shown.
 *
 * Threads: none inside. */
#ifndef ALTO_PACK_H
#define ALTO_PACK_H

#include "core/bytes.h"

#define ALTO_PACK_MAX_DEPTH 16 /* nested arrays and maps in what is passed over */

/* Numbers are below 2^53: exact in JSON too, and sums of a few cannot overflow. */
#define ALTO_PACK_MAX_NUMBER ((UINT64_C(1) << 53) - 1)
#define ALTO_PACK_MAX_EXT 4096 /* bytes of the ext map that ends a signed object */

/* Append one value, or the beginning of an array or map of `count` elements or pairs that are to follow. */
void alto_pack_array(alto_buffer *out, size_t count);
void alto_pack_map(alto_buffer *out, size_t count);
void alto_pack_nil(alto_buffer *out);
void alto_pack_uint(alto_buffer *out, uint64_t value);
void alto_pack_bytes(alto_buffer *out, alto_slice bytes); /* msgpack bin */
void alto_pack_text(alto_buffer *out, alto_slice text);   /* msgpack str */

/* Read the beginning of an array; returns the number of its elements, which is not more than the bytes that are left.
 * Another type, or more elements than bytes: ALTO_MALFORMED. */
size_t alto_unpack_array(alto_reader *in);
/* Read the beginning of an array that must have exactly `count` elements. */
void alto_unpack_tuple(alto_reader *in, size_t count);
/* true, and past it, when nil comes next. */
bool alto_unpack_nil(alto_reader *in);
/* Beyond max: ALTO_TOO_LARGE. */
uint64_t alto_unpack_uint(alto_reader *in, uint64_t max);
/* Borrowed from what is read. More than max bytes: ALTO_TOO_LARGE. */
alto_slice alto_unpack_bytes(alto_reader *in, size_t max);
alto_slice alto_unpack_text(alto_reader *in, size_t max);
/* A byte string of exactly `size` bytes, copied to `to`, which is zeroed on failure. */
void alto_unpack_fixed(alto_reader *in, void *to, size_t size);
/* Pass over a map, whatever is in it, in any form, as long as it is well-formed and has at most max bytes. */
void alto_unpack_skip_map(alto_reader *in, size_t max);

/* A signed object: [type, ..., ext]. Read its beginning: returns the type, borrowed, and how many
 * elements the array has, type and ext included. */
alto_slice alto_unpack_begin(alto_reader *in, size_t *count);
/* Pass over ext; ALTO_OK when nothing follows it, else the first error. */
alto_status alto_unpack_end(alto_reader *in);

#endif
