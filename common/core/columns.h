/* SPDX-License-Identifier: Apache-2.0 */
/* columns.h - a stream of bits, and columns of whole numbers in the smallest of
 * several codings.
 *
 * Bits go from the most significant of a byte to the least. A *number* is an
 * exponential Golomb code of order k: z zeros, then the z + 1 bits of (value >> k) + 1, then the k
 * low bits of value. A *column* of n numbers (n is known to both sides and not written):
 *
 *   n = 0   nothing
 *   n = 1   the number of order 3
 *   n > 1   3 bits of mode, then
 *     CONSTANT  the value, order 3
 *     RICE      5 bits k; each value: value >> k ones and a zero, then k bits. From 24 ones on:
 *               24 ones, 6 bits width - 1, width bits of value
 *     GOLOMB    6 bits k; each value as a number of order k
 *     CLASS0, CLASS1, CLASS2
 *               m = 0, 1, 2 leading bits after the first one make, with the width, the class of a value; the rest
 *               are raw bits. Classes have a canonical Huffman code of at most 12 bits, described before the values
 *     RUNS      number of runs - 1 (order 3), then two columns: their values, their lengths - 1. Not inside of RUNS
 *     PACKED    size of the varints (order 8), size of the zstd frame (order 8), zero bits up to a whole byte, the
 *               zstd frame of the values as varints
 *
 * All values are less than 2^63.
 *
 * Threads: none inside. */
#ifndef ALTO_COLUMNS_H
#define ALTO_COLUMNS_H

#include "core/bytes.h"

#define ALTO_COLUMN_MAX ((UINT64_C(1) << 63) - 1) /* the greatest value of a column */

/* Writes bits behind whatever is in a buffer; that buffer's status tells of failures. */
typedef struct {
    alto_buffer *out;
    uint64_t pending; /* the low `used` bits are not written yet */
    unsigned used;    /* less than 32 */
} alto_bit_writer;

alto_bit_writer alto_bit_writer_make(alto_buffer *out);
/* The low `count` (0 to 32) bits of value; the others must be zero. */
static inline void alto_bits_put(alto_bit_writer *self, uint64_t value, unsigned count);
/* The same with count 0 to 64. */
void alto_bits_put_wide(alto_bit_writer *self, uint64_t value, unsigned count);
/* An exponential Golomb code; value at most ALTO_COLUMN_MAX, k at most 62. */
void alto_bits_put_number(alto_bit_writer *self, uint64_t value, unsigned k);
/* Zero bits up to the next whole byte, and all that is pending to the buffer. */
void alto_bits_align(alto_bit_writer *self);
/* Whole bytes, after alto_bits_align. */
void alto_bits_put_bytes(alto_bit_writer *self, alto_slice bytes);

/* Reads bits from outside. After the first error it gives zeros; past the end, too, and
 * alto_bits_check tells so. */
typedef struct {
    const uint8_t *data;
    size_t size; /* bytes */
    size_t at;   /* bits read */
    alto_status status;
} alto_bit_reader;

alto_bit_reader alto_bit_reader_make(alto_slice bytes);
uint64_t alto_bits_take(alto_bit_reader *self, unsigned count); /* 0 to 64 */
uint64_t alto_bits_take_number(alto_bit_reader *self, unsigned k);
/* A number that must not exceed max: ALTO_MALFORMED otherwise. */
uint64_t alto_bits_take_bounded(alto_bit_reader *self, unsigned k, uint64_t max);
/* Skip to the next whole byte (ALTO_MALFORMED unless the bits skipped are zero), and borrow `size` bytes. */
alto_slice alto_bits_take_bytes(alto_bit_reader *self, uint64_t size);
void alto_bits_fail(alto_bit_reader *self, alto_status status);
/* The first error, or ALTO_MALFORMED when more was read than there is, or ALTO_OK. */
alto_status alto_bits_check(alto_bit_reader *self);
/* Whole bytes not touched yet. */
size_t alto_bits_left(const alto_bit_reader *self);

/* Write a column; values at most ALTO_COLUMN_MAX. Errors (also in the buffer): ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_column_write(alto_bit_writer *self, const uint64_t *values, size_t count);
/* About how many bits alto_column_write would need (PACKED is not tried), for a choice between two forms. */
uint64_t alto_column_bits(const uint64_t *values, size_t count);
/* Read a column of `count` values, for which the caller has room. Errors stick in the reader. */
void alto_column_read(alto_bit_reader *self, uint64_t *values, size_t count);

static inline void alto_bits_put(alto_bit_writer *self, uint64_t value, unsigned count)
{
    self->pending = self->pending << count | value;
    self->used += count;
    if (self->used < 32)
        return;
    self->used -= 32;
    uint32_t word = __builtin_bswap32((uint32_t)(self->pending >> self->used));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    alto_buffer *out = self->out;
    if (out->capacity - out->size >= sizeof word && out->status == ALTO_OK) {
        memcpy(out->data + out->size, &word, sizeof word);
        out->size += sizeof word;
    } else {
        alto_buffer_add(out, &word, sizeof word);
    }
}

#endif
