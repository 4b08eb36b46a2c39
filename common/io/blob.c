/* SPDX-License-Identifier: Apache-2.0 */
#include "io/blob.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    atomic_uint refs;
    uint8_t *owned; /* freed with it; NULL: the bytes follow */
    alto_blob seen;
    uint8_t bytes[];
} box;

#define BOX(pointer) ((box *)(uintptr_t)((const char *)(pointer)-offsetof(box, seen)))

static _Atomic uint64_t taken;

static box *box_new(size_t room)
{
    box *made = malloc(sizeof *made + room);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    made->owned = NULL;
    return made;
}

static const alto_blob *finish(box *self, const uint8_t *data, size_t size)
{
    char hex[ALTO_HASH_SIZE + 1];
    self->seen = (alto_blob){.size = size, .data = data};
    alto_hash hash = alto_hash_of("altocast-etag-1", alto_slice_of(data, size));
    alto_hex(hex, hash.bytes, ALTO_HASH_SIZE / 2);
    snprintf(self->seen.etag, sizeof self->seen.etag, "\"%s\"", hex);
    return &self->seen;
}

const alto_blob *alto_blob_new(alto_slice bytes, alto_slice more)
{
    box *made = box_new(bytes.size + more.size);
    if (!made)
        return NULL;
    if (bytes.size)
        memcpy(made->bytes, bytes.data, bytes.size);
    if (more.size)
        memcpy(made->bytes + bytes.size, more.data, more.size);
    return finish(made, made->bytes, bytes.size + more.size);
}

const alto_blob *alto_blob_take(alto_buffer *bytes)
{
    box *made = box_new(0);
    if (!made) {
        alto_buffer_fini(bytes);
        return NULL;
    }
    uint8_t *fitted = bytes->size ? realloc(bytes->data, bytes->size) : NULL;
    made->owned = fitted ? fitted : bytes->data;
    size_t size = bytes->size;
    *bytes = alto_buffer_make(bytes->max_size);
    atomic_fetch_add_explicit(&taken, size, memory_order_relaxed);
    return finish(made, made->owned, size);
}

const alto_blob *alto_blob_retain(const alto_blob *blob)
{
    if (blob)
        atomic_fetch_add_explicit(&BOX(blob)->refs, 1, memory_order_relaxed);
    return blob;
}

void alto_blob_release(const alto_blob *blob)
{
    if (!blob || atomic_fetch_sub_explicit(&BOX(blob)->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (BOX(blob)->owned)
        atomic_fetch_sub_explicit(&taken, blob->size, memory_order_relaxed);
    free(BOX(blob)->owned);
    free(BOX(blob));
}

uint64_t alto_blob_bytes_taken(void)
{
    return atomic_load_explicit(&taken, memory_order_relaxed);
}
