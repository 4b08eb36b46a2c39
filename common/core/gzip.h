/* SPDX-License-Identifier: Apache-2.0 */
/* gzip.h - gzip members, made at once or put together from pieces; gzip.c is the only file that knows zlib.
 *
 * A member (RFC 1952) is: header, any number of pieces, end. A piece is raw
 * deflate (RFC 1951) that begins and ends at a whole byte and refers to nothing before
 * it, so that it can be made alone and stand anywhere. The checksum of the whole is joined from those of the pieces.
 * Equal texts give equal pieces.
 *
 * Threads: a deflater belongs to one thread at a time; the rest may run in any thread. */
#ifndef ALTO_GZIP_H
#define ALTO_GZIP_H

#include "core/bytes.h"

#define ALTO_GZIP_STORED 5 /* bytes of a stored block beside its text, of at most 65535 bytes */

/* Append a whole member: `text` compressed, level 1 to 9. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE (beyond the buffer's maximum). */
alto_status alto_gzip(alto_slice text, int level, alto_buffer *out);

/* What compresses one piece after another. */
typedef struct alto_deflater alto_deflater;
alto_deflater *alto_deflater_new(void); /* NULL: out of memory */
void alto_deflater_destroy(alto_deflater **self);
/* Append a piece: `text` compressed (nothing for an empty one). Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE (beyond the buffer's maximum). */
alto_status alto_deflate(alto_deflater *self, alto_slice text, alto_buffer *out);

/* Append a piece: `text` as it is. */
void alto_gzip_store(alto_buffer *out, alto_slice text);
void alto_gzip_begin(alto_buffer *out);
/* crc and size of all the text. */
void alto_gzip_end(alto_buffer *out, uint32_t crc, uint64_t size);

/* The checksum of what had `crc` followed by `text`; 0 for nothing. */
uint32_t alto_crc_add(uint32_t crc, alto_slice text);
/* The checksum of what had `before` followed by a text of `size` bytes that has `after` alone:
 * alto_crc_join(before, after, alto_crc_shift(size)). Joining is much cheaper than finding the shift. */
uint32_t alto_crc_shift(uint64_t size);
uint32_t alto_crc_join(uint32_t before, uint32_t after, uint32_t shift);

#endif
