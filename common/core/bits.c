/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bits.h"

#include <assert.h>

alto_bit_writer alto_bit_writer_make(alto_buffer *out)
{
    return (alto_bit_writer){.out = out};
}

void alto_bits_put_wide(alto_bit_writer *self, uint64_t value, unsigned count)
{
    if (count > 32)
        alto_bits_put(self, value >> 32, count - 32);
    alto_bits_put(self, value & UINT32_MAX, count > 32 ? 32 : count);
}

void alto_bits_put_number(alto_bit_writer *self, uint64_t value, unsigned k)
{
    uint64_t high = (value >> k) + 1;
    unsigned width = alto_bits_width(high);
    alto_bits_put_wide(self, 0, width - 1);
    alto_bits_put_wide(self, high, width);
    alto_bits_put_wide(self, value & ((UINT64_C(1) << k) - 1), k);
}

void alto_bits_align(alto_bit_writer *self)
{
    alto_bits_put(self, 0, (8 - self->used % 8) % 8);
    while (self->used) {
        self->used -= 8;
        alto_buffer_put(self->out, (uint8_t)(self->pending >> self->used));
    }
}

void alto_bits_put_bytes(alto_bit_writer *self, alto_slice bytes)
{
    assert(self->used == 0);
    alto_buffer_add_slice(self->out, bytes);
}

alto_bit_reader alto_bit_reader_make(alto_slice bytes)
{
    return (alto_bit_reader){.data = bytes.data, .size = bytes.size, .status = ALTO_OK};
}

void alto_bits_fail(alto_bit_reader *self, alto_status status)
{
    if (self->status == ALTO_OK)
        self->status = status;
    self->at = self->size * 8;
}

alto_status alto_bits_check(alto_bit_reader *self)
{
    if (self->at > self->size * 8)
        alto_bits_fail(self, ALTO_MALFORMED);
    return self->status;
}

size_t alto_bits_left(const alto_bit_reader *self)
{
    size_t touched = (self->at + 7) / 8;
    return touched < self->size ? self->size - touched : 0;
}

uint64_t alto_bits_take(alto_bit_reader *self, unsigned count)
{
    uint64_t value = 0;
    if (count > 32)
        value = alto_bits_take_some(self, count - 32) << 32;
    unsigned low = count > 32 ? 32 : count;
    return low ? value | alto_bits_take_some(self, low) : value;
}

uint64_t alto_bits_take_number(alto_bit_reader *self, unsigned k)
{
    unsigned zeros = 0;
    uint64_t word;
    while (!(word = alto_bits_peek(self) >> 32)) {
        zeros += 32;
        self->at += 32;
        if (zeros > 63) {
            alto_bits_fail(self, ALTO_MALFORMED);
            return 0;
        }
    }
    unsigned rest = 32 - alto_bits_width(word);
    zeros += rest;
    self->at += rest;
    uint64_t high = zeros > 63 ? 0 : alto_bits_take(self, zeros + 1) - 1;
    if (zeros > 63 || high > ALTO_BITS_NUMBER_MAX >> k) {
        alto_bits_fail(self, ALTO_MALFORMED);
        return 0;
    }
    return high << k | alto_bits_take(self, k);
}

uint64_t alto_bits_take_bounded(alto_bit_reader *self, unsigned k, uint64_t max)
{
    uint64_t value = alto_bits_take_number(self, k);
    if (value <= max)
        return value;
    alto_bits_fail(self, ALTO_MALFORMED);
    return 0;
}

alto_slice alto_bits_take_bytes(alto_bit_reader *self, uint64_t size)
{
    if (alto_bits_take(self, (8 - self->at % 8) % 8) || size > alto_bits_left(self) ||
        alto_bits_check(self) != ALTO_OK) {
        alto_bits_fail(self, ALTO_MALFORMED);
        return (alto_slice){0};
    }
    alto_slice bytes = {self->data + self->at / 8, (size_t)size};
    self->at += bytes.size * 8;
    return bytes;
}
