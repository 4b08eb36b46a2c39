/* SPDX-License-Identifier: Apache-2.0 */
#include "core/compress.h"

#include <assert.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { STORED_MAX = 1024 }; /* bytes of a block in the least window */

/* What a failed call of the library means to us. */
static alto_status compress_failure(size_t code)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_dstSize_tooSmall:
        return ALTO_TOO_LARGE;
    default: /* the parameters are ours and the input cannot be wrong */
        return ALTO_NO_MEMORY;
    }
}

alto_status alto_compress(alto_slice raw, int level, alto_buffer *out)
{
    assert(level >= 1 && level <= 19);
    if (out->status != ALTO_OK)
        return out->status;
    size_t before = out->size, room = ZSTD_compressBound(raw.size);
    if (room > out->max_size - before)
        room = out->max_size - before;
    uint8_t *space = alto_buffer_grow(out, room);
    ZSTD_CCtx *context = space ? ZSTD_createCCtx() : NULL;
    size_t size = 0;
    if (context) {
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0);
        size = ZSTD_compress2(context, space, room, raw.data, raw.size);
        ZSTD_freeCCtx(context);
    }
    bool good = context && !ZSTD_isError(size);
    out->size = before + (good ? size : 0);
    if (good)
        return ALTO_OK;
    return context ? compress_failure(size) : out->status != ALTO_OK ? out->status : ALTO_NO_MEMORY;
}

void alto_frame_store(alto_buffer *out, alto_slice raw)
{
    while (raw.size > 0) {
        size_t part = raw.size < STORED_MAX ? raw.size : STORED_MAX;
        unsigned block = 1 | (unsigned)part << 3; /* the last one; raw */
        /* magic, no flags, window of 1 KB */
        uint8_t head[ALTO_FRAME_STORED] = {0x28, 0xb5, 0x2f, 0xfd, 0, 0, (uint8_t)block, (uint8_t)(block >> 8), 0};
        alto_buffer_add(out, head, sizeof head);
        alto_buffer_add(out, raw.data, part);
        raw.data += part;
        raw.size -= part;
    }
}

static alto_status decompress_failure(size_t code)
{
    return ZSTD_getErrorCode(code) == ZSTD_error_dstSize_tooSmall ? ALTO_BOMB : ALTO_MALFORMED;
}

alto_status alto_decompress(alto_slice packed, size_t raw_size, alto_buffer *out)
{
    if (out->status != ALTO_OK)
        return out->status;
    /* One frame and nothing behind it: the library itself would go on with the next. */
    if (ZSTD_findFrameCompressedSize(packed.data, packed.size) != packed.size || !packed.size)
        return ALTO_MALFORMED;
    size_t before = out->size;
    uint8_t *space = alto_buffer_grow(out, raw_size);
    if (!space && raw_size)
        return out->status;
    uint8_t nothing = 0;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    size_t size =
        context ? ZSTD_decompressDCtx(context, space ? space : &nothing, raw_size, packed.data, packed.size) : 0;
    bool good = context && !ZSTD_isError(size) && size == raw_size;
    ZSTD_freeDCtx(context);
    if (!good)
        out->size = before;
    return good ? ALTO_OK : context ? decompress_failure(size) : ALTO_NO_MEMORY;
}
