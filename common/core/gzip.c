/* SPDX-License-Identifier: Apache-2.0 */
#include "core/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    LEVEL = 5,         /* measured on maps: the ratio of 6 at nearly twice its speed */
    RAW_WINDOW = -15,  /* no zlib header, the largest window */
    GZIP_WINDOW = 31,  /* the same window, with header and end of gzip */
    MEMORY_LEVEL = 8,  /* zlib's default */
    ROOM = 16384,      /* bytes of output asked for at a time */
    PORTION = 1 << 30, /* bytes of input handed over at a time: zlib counts in 32 bits */
    STORED_MAX = 65535
};

struct alto_deflater {
    z_stream stream;
};

alto_deflater *alto_deflater_new(void)
{
    alto_deflater *self = calloc(1, sizeof *self);
    if (self && deflateInit2(&self->stream, LEVEL, Z_DEFLATED, RAW_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(self);
        return NULL;
    }
    return self;
}

void alto_deflater_destroy(alto_deflater **self)
{
    if (!*self)
        return;
    deflateEnd(&(*self)->stream);
    free(*self);
    *self = NULL;
}

/* Deflate what the stream was given until it wants no more room. */
static void drain(z_stream *stream, int flush, alto_buffer *out)
{
    do {
        size_t left = out->max_size - out->size, room = left > ROOM ? ROOM : left ? left : 1;
        stream->next_out = alto_buffer_grow(out, room);
        stream->avail_out = (uInt)room;
        if (!stream->next_out)
            return;
        deflate(stream, flush); /* cannot fail: the stream is sound and has room */
        out->size -= stream->avail_out;
    } while (stream->avail_out == 0);
}

/* Hand over all of `text`, the last of it with that flush. */
static alto_status feed(z_stream *stream, alto_slice text, int flush, alto_buffer *out)
{
    while (text.size > 0 && out->status == ALTO_OK) {
        size_t part = text.size < PORTION ? text.size : PORTION;
        stream->next_in = (Bytef *)(uintptr_t)text.data;
        stream->avail_in = (uInt)part;
        text.data += part;
        text.size -= part;
        drain(stream, text.size ? Z_NO_FLUSH : flush, out);
    }
    return out->status;
}

alto_status alto_deflate(alto_deflater *self, alto_slice text, alto_buffer *out)
{
    deflateReset(&self->stream);
    return feed(&self->stream, text, Z_FULL_FLUSH, out);
}

alto_status alto_gzip(alto_slice text, int level, alto_buffer *out)
{
    z_stream stream = {.next_in = NULL};
    if (deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return ALTO_NO_MEMORY;
    if (text.size == 0)
        drain(&stream, Z_FINISH, out);
    feed(&stream, text, Z_FINISH, out);
    deflateEnd(&stream);
    return out->status;
}

void alto_gzip_store(alto_buffer *out, alto_slice text)
{
    while (text.size > 0) {
        size_t part = text.size < STORED_MAX ? text.size : STORED_MAX;
        uint8_t low = (uint8_t)part, high = (uint8_t)(part >> 8);
        uint8_t head[ALTO_GZIP_STORED] = {0, low, high, (uint8_t)~low, (uint8_t)~high};
        alto_buffer_add(out, head, sizeof head);
        alto_buffer_add(out, text.data, part);
        text.data += part;
        text.size -= part;
    }
}

void alto_gzip_begin(alto_buffer *out)
{
    /* magic, deflate, no flags, no time, no hint, unknown system */
    static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    alto_buffer_add(out, header, sizeof header);
}

void alto_gzip_end(alto_buffer *out, uint32_t crc, uint64_t size)
{
    /* the last block, which is empty; then both numbers, least significant byte first */
    uint8_t end[10] = {3, 0};
    for (unsigned i = 0; i < 4; i++) {
        end[2 + i] = (uint8_t)(crc >> 8 * i);
        end[6 + i] = (uint8_t)(size >> 8 * i);
    }
    alto_buffer_add(out, end, sizeof end);
}

uint32_t alto_crc_add(uint32_t crc, alto_slice text)
{
    return text.size ? (uint32_t)crc32_z(crc, text.data, text.size) : crc;
}

uint32_t alto_crc_shift(uint64_t size)
{
    return (uint32_t)crc32_combine_gen((z_off_t)size);
}

uint32_t alto_crc_join(uint32_t before, uint32_t after, uint32_t shift)
{
    return (uint32_t)crc32_combine_op(before, after, shift);
}
