/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h - borrowed bytes, a growing buffer with a maximum, and a read cursor
 * whose first error sticks.
 *
 * Integers are big-endian; varints are LEB128 (7 bits a byte, least significant
 * first, at most 10 bytes, shortest form required when read).
 *
 * Threads: none inside. */
#ifndef ALTO_BYTES_H
#define ALTO_BYTES_H

#include "core/status.h"

#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns. data may be NULL when size is 0. */
typedef struct {
    const uint8_t *data;
    size_t size;
} alto_slice;

static inline alto_slice alto_slice_of(const void *data, size_t size)
{
    return (alto_slice){data, size};
}

/* The characters of a C string, without its NUL. */
static inline alto_slice alto_slice_text(const char *text)
{
    return (alto_slice){(const uint8_t *)text, strlen(text)};
}

/* The order of 4 or 8 bytes is that of the big-endian numbers that they are. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ALTO_IN_BYTE_ORDER(bits, word) __builtin_bswap##bits(word)
#else
#define ALTO_IN_BYTE_ORDER(bits, word) (word)
#endif

/* Order by bytes, the shorter first where one begins the other: <0, 0, >0. */
static inline int alto_slice_compare(alto_slice a, alto_slice b)
{
    size_t common = a.size < b.size ? a.size : b.size, at = 0;
    for (; at + 8 <= common; at += 8) { /* keys are short: quicker than a call */
        uint64_t x, y;
        memcpy(&x, a.data + at, 8);
        memcpy(&y, b.data + at, 8);
        if (x != y)
            return ALTO_IN_BYTE_ORDER(64, x) < ALTO_IN_BYTE_ORDER(64, y) ? -1 : 1;
    }
    if (at + 4 <= common) {
        uint32_t x, y;
        memcpy(&x, a.data + at, 4);
        memcpy(&y, b.data + at, 4);
        if (x != y)
            return ALTO_IN_BYTE_ORDER(32, x) < ALTO_IN_BYTE_ORDER(32, y) ? -1 : 1;
        at += 4;
    }
    for (; at < common; at++)
        if (a.data[at] != b.data[at])
            return a.data[at] < b.data[at] ? -1 : 1;
    return (a.size > b.size) - (a.size < b.size);
}

static inline bool alto_slice_equal(alto_slice a, alto_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* A buffer that grows up to max_size. Its first failure sticks in `status`
 * (ALTO_NO_MEMORY or ALTO_TOO_LARGE); appends after it do nothing. */
typedef struct {
    uint8_t *data; /* owned */
    size_t size, capacity, max_size;
    alto_status status;
} alto_buffer;

/* An empty buffer; allocates nothing yet. */
alto_buffer alto_buffer_make(size_t max_size);
/* Free what it holds and make it empty again; safe on an empty one. */
void alto_buffer_fini(alto_buffer *self);
/* Make it empty but keep the memory and clear the status. */
void alto_buffer_clear(alto_buffer *self);

/* Make it empty but keep the memory and the status, for who looks at that once, at the end. */
static inline void alto_buffer_empty(alto_buffer *self)
{
    self->size = 0;
}

/* It will have about so many bytes: take the memory for them at once. No more than a hint, without errors. */
void alto_buffer_expect(alto_buffer *self, size_t size);
/* Append `size` bytes and return where they are to be written, or NULL. */
uint8_t *alto_buffer_grow(alto_buffer *self, size_t size);
void alto_buffer_add(alto_buffer *self, const void *data, size_t size);
void alto_buffer_add_slice(alto_buffer *self, alto_slice slice);
void alto_buffer_add_text(alto_buffer *self, const char *text);
void alto_buffer_add_u8(alto_buffer *self, uint8_t value);
void alto_buffer_add_u32(alto_buffer *self, uint32_t value);
void alto_buffer_add_u64(alto_buffer *self, uint64_t value);
void alto_buffer_add_varint(alto_buffer *self, uint64_t value);
/* printf into the buffer. */
void alto_buffer_print(alto_buffer *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline alto_slice alto_buffer_slice(const alto_buffer *self)
{
    return (alto_slice){self->data, self->size};
}

/* Append one byte at the cost of a compare, for inner loops. */
static inline void alto_buffer_put(alto_buffer *self, uint8_t byte)
{
    if (self->size < self->capacity && self->status == ALTO_OK)
        self->data[self->size++] = byte;
    else
        alto_buffer_add_u8(self, byte);
}

/* A cursor over bytes from outside. After the first error every read gives
 * zeros or an empty slice; `status` is looked at once, at the end. */
typedef struct {
    const uint8_t *at, *end;
    alto_status status;
} alto_reader;

alto_reader alto_reader_make(alto_slice bytes);
static inline size_t alto_reader_left(const alto_reader *self)
{
    return (size_t)(self->end - self->at);
}
uint8_t alto_reader_u8(alto_reader *self);
uint32_t alto_reader_u32(alto_reader *self);
uint64_t alto_reader_u64(alto_reader *self);
/* A big-endian integer of `size` bytes, at most 8. */
uint64_t alto_reader_uint(alto_reader *self, size_t size);
uint64_t alto_reader_varint(alto_reader *self);
/* A varint that must not exceed max; ALTO_TOO_LARGE otherwise. */
uint64_t alto_reader_bounded(alto_reader *self, uint64_t max);
/* The next `size` bytes, borrowed. */
alto_slice alto_reader_slice(alto_reader *self, size_t size);
/* Record an error of the caller's finding, unless there is one already. */
void alto_reader_fail(alto_reader *self, alto_status status);
/* ALTO_OK when all was read and nothing is left, else the first error (ALTO_MALFORMED for a rest). */
alto_status alto_reader_finish(const alto_reader *self);

/* Map signed to unsigned so that small magnitudes stay small. */
static inline uint64_t alto_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}
static inline int64_t alto_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Lower-case hexadecimal with NUL: `text` has room for 2 * size + 1. */
void alto_hex(char *text, const void *data, size_t size);
/* Exactly 2 * size hexadecimal digits into `data`; false otherwise. */
bool alto_unhex(void *data, size_t size, alto_slice text);

#endif
