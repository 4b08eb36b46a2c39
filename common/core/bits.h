/* SPDX-License-Identifier: Apache-2.0 */
/* bits.h - a stream of bits and numbers in it: for columns.h.
 *
 * Bits go from the most significant of a byte to the least. A *number* is an exponential Golomb code of order k: z zeros, then the
 * z + 1 bits of (value >> k) + 1, then the k low bits of value.
 *
 * Threads: none inside. */
#ifndef ALTO_BITS_H
#define ALTO_BITS_H

#include "core/bytes.h"

#define ALTO_BITS_NUMBER_MAX ((UINT64_C(1) << 63) - 1) /* the greatest number */
enum { ALTO_BITS_PEEKED = 57 };                        /* bits that are looked at together, at least */

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
/* An exponential Golomb code; value at most ALTO_BITS_NUMBER_MAX, k at most 62. */
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

/* Bits from the first one of a value on; 0 for 0. */
static inline unsigned alto_bits_width(uint64_t value)
{
    return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* Bits of a number. */
static inline unsigned alto_bits_of_number(uint64_t value, unsigned k)
{
    return 2 * alto_bits_width((value >> k) + 1) - 1 + k;
}

/* The next bits at the top of a word, at least ALTO_BITS_PEEKED of them; zeros past the end. */
static inline uint64_t alto_bits_peek(const alto_bit_reader *self)
{
    size_t byte = self->at >> 3;
    uint64_t word = 0;
    if (byte + sizeof word <= self->size) {
        memcpy(&word, self->data + byte, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        word = __builtin_bswap64(word);
#endif
    } else {
        for (size_t i = 0; byte + i < self->size; i++)
            word |= (uint64_t)self->data[byte + i] << (56 - 8 * i);
    }
    return word << (self->at & 7);
}

/* 1 to ALTO_BITS_PEEKED bits. */
static inline uint64_t alto_bits_take_some(alto_bit_reader *self, unsigned count)
{
    uint64_t value = alto_bits_peek(self) >> (64 - count);
    self->at += count;
    return value;
}

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
