/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 256, VARINT_MAX = 10, SHORT_PRINT = 256 };

alto_buffer alto_buffer_make(size_t max_size)
{
    return (alto_buffer){.max_size = max_size, .status = ALTO_OK};
}

void alto_buffer_fini(alto_buffer *self)
{
    free(self->data);
    *self = alto_buffer_make(self->max_size);
}

void alto_buffer_clear(alto_buffer *self)
{
    self->size = 0;
    self->status = ALTO_OK;
}

static bool reserve(alto_buffer *self, size_t size)
{
    if (self->status != ALTO_OK)
        return false;
    if (size > self->max_size - self->size) {
        self->status = ALTO_TOO_LARGE;
        return false;
    }
    size_t needed = self->size + size;
    if (needed <= self->capacity)
        return true;
    size_t capacity = self->capacity ? self->capacity : FIRST_CAPACITY;
    if (capacity > self->max_size) /* who writes straight into the room that is left need not look at the maximum */
        capacity = self->max_size;
    while (capacity < needed)
        capacity = capacity > self->max_size / 2 ? self->max_size : capacity * 2;
    uint8_t *data = realloc(self->data, capacity);
    if (!data) {
        self->status = ALTO_NO_MEMORY;
        return false;
    }
    self->data = data;
    self->capacity = capacity;
    return true;
}

uint8_t *alto_buffer_grow(alto_buffer *self, size_t size)
{
    if (!reserve(self, size))
        return NULL;
    uint8_t *at = self->data ? self->data + self->size : NULL; /* NULL: nothing was asked for, and nothing is there */
    self->size += size;
    return at;
}

void alto_buffer_expect(alto_buffer *self, size_t size)
{
    uint8_t *data =
        self->status == ALTO_OK && size > self->capacity && size <= self->max_size ? realloc(self->data, size) : NULL;
    if (!data)
        return;
    self->data = data;
    self->capacity = size;
}

void alto_buffer_add(alto_buffer *self, const void *data, size_t size)
{
    if (size == 0)
        return;
    uint8_t *at = alto_buffer_grow(self, size);
    if (at)
        memcpy(at, data, size);
}

void alto_buffer_add_slice(alto_buffer *self, alto_slice slice)
{
    alto_buffer_add(self, slice.data, slice.size);
}

void alto_buffer_add_text(alto_buffer *self, const char *text)
{
    alto_buffer_add(self, text, strlen(text));
}

void alto_buffer_add_u8(alto_buffer *self, uint8_t value)
{
    uint8_t *at = alto_buffer_grow(self, 1);
    if (at)
        *at = value;
}

static void store_big_endian(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

void alto_buffer_add_u32(alto_buffer *self, uint32_t value)
{
    uint8_t *at = alto_buffer_grow(self, sizeof value);
    if (at)
        store_big_endian(at, value, sizeof value);
}

void alto_buffer_add_u64(alto_buffer *self, uint64_t value)
{
    uint8_t *at = alto_buffer_grow(self, sizeof value);
    if (at)
        store_big_endian(at, value, sizeof value);
}

void alto_buffer_add_varint(alto_buffer *self, uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    alto_buffer_add(self, bytes, size);
}

void alto_buffer_print(alto_buffer *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    char text[SHORT_PRINT], *longer = NULL; /* not in place: there may be no room for the NUL */
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length >= (int)sizeof text && (length = vasprintf(&longer, format, again)) < 0)
        longer = NULL;
    if (length >= 0)
        alto_buffer_add(self, longer ? longer : text, (size_t)length);
    else if (self->status == ALTO_OK)
        self->status = ALTO_NO_MEMORY;
    free(longer);
    va_end(again);
    va_end(arguments);
}

alto_reader alto_reader_make(alto_slice bytes)
{
    static const uint8_t nothing[1];
    const uint8_t *at = bytes.data ? bytes.data : nothing;
    return (alto_reader){.at = at, .end = at + bytes.size, .status = ALTO_OK};
}

void alto_reader_fail(alto_reader *self, alto_status status)
{
    if (self->status == ALTO_OK)
        self->status = status;
    self->at = self->end;
}

alto_slice alto_reader_slice(alto_reader *self, size_t size)
{
    if (size > alto_reader_left(self)) {
        alto_reader_fail(self, ALTO_MALFORMED);
        return (alto_slice){NULL, 0};
    }
    alto_slice slice = {self->at, size};
    self->at += size;
    return slice;
}

uint64_t alto_reader_uint(alto_reader *self, size_t size)
{
    alto_slice bytes = alto_reader_slice(self, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

uint8_t alto_reader_u8(alto_reader *self)
{
    return (uint8_t)alto_reader_uint(self, 1);
}

uint32_t alto_reader_u32(alto_reader *self)
{
    return (uint32_t)alto_reader_uint(self, sizeof(uint32_t));
}

uint64_t alto_reader_u64(alto_reader *self)
{
    return alto_reader_uint(self, sizeof(uint64_t));
}

uint64_t alto_reader_varint(alto_reader *self)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (self->at == self->end)
            break;
        uint8_t byte = *self->at++;
        if (shift == 63 && byte > 1)
            break; /* more than 64 bits */
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (byte == 0 && shift > 0)
                break; /* not the shortest form */
            return value;
        }
    }
    alto_reader_fail(self, ALTO_MALFORMED);
    return 0;
}

uint64_t alto_reader_bounded(alto_reader *self, uint64_t max)
{
    uint64_t value = alto_reader_varint(self);
    if (value <= max)
        return value;
    alto_reader_fail(self, ALTO_TOO_LARGE);
    return 0;
}

alto_status alto_reader_finish(const alto_reader *self)
{
    if (self->status != ALTO_OK)
        return self->status;
    return self->at == self->end ? ALTO_OK : ALTO_MALFORMED;
}

void alto_hex(char *text, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = 0;
}

static int digit_of(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

bool alto_unhex(void *data, size_t size, alto_slice text)
{
    if (text.size != 2 * size)
        return false;
    uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        int high = digit_of(text.data[2 * i]), low = digit_of(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
