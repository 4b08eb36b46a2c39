/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_parse.h"

#include "core/limits.h"

#include <setjmp.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

/* A place in a ring. */
typedef struct ring {
    struct ring *next, *previous;
} ring;

/* A piece of memory that YAJL holds, in a ring with all others, so that they can be freed. */
typedef struct {
    ring ring; /* first, so that a ring is a block */
    _Alignas(16) unsigned char bytes[];
} block;

typedef struct {
    alto_json_handler *handler; /* or NULL */
    void *context;
    unsigned depth;     /* open arrays and objects */
    alto_status status; /* why a callback stopped the parse */
    ring blocks;        /* head of the ring of all blocks */
    jmp_buf out_of_memory;
} parser;

/* ---- memory: YAJL does not look whether it got any, so that it is left by a jump when there is none ---- */

static block *block_of(void *bytes)
{
    return (block *)(void *)((unsigned char *)bytes - offsetof(block, bytes));
}

static void link_block(parser *self, block *made)
{
    made->ring = (ring){.next = self->blocks.next, .previous = &self->blocks};
    made->ring.next->previous = &made->ring;
    self->blocks.next = &made->ring;
}

static void unlink_block(block *old)
{
    old->ring.next->previous = old->ring.previous;
    old->ring.previous->next = old->ring.next;
}

static void *resize_block(void *context, void *bytes, size_t size)
{
    parser *self = context;
    block *old = bytes ? block_of(bytes) : NULL;
    if (old)
        unlink_block(old);
    block *made = size < SIZE_MAX - sizeof *made ? realloc(old, sizeof *made + size) : NULL;
    if (!made) {
        if (old)
            link_block(self, old);
        longjmp(self->out_of_memory, 1);
    }
    link_block(self, made);
    return made->bytes;
}

static void *take_block(void *context, size_t size)
{
    return resize_block(context, NULL, size);
}

static void free_block(void *context, void *bytes)
{
    (void)context;
    if (!bytes)
        return;
    unlink_block(block_of(bytes));
    free(block_of(bytes));
}

static void free_all_blocks(parser *self)
{
    for (ring *at = self->blocks.next, *next; at != &self->blocks; at = next) {
        next = at->next;
        free(at);
    }
    self->blocks.next = self->blocks.previous = &self->blocks;
}

/* ---- events ---- */

static int emit(parser *self, alto_json_event event, const void *text, size_t size)
{
    if (self->handler)
        self->status = self->handler(self->context, event, alto_slice_of(text, size));
    return self->status == ALTO_OK;
}

static int emit_begin(parser *self, alto_json_event event)
{
    if (self->depth++ == ALTO_MAX_JSON_DEPTH) {
        self->status = ALTO_TOO_LARGE;
        return 0;
    }
    return emit(self, event, NULL, 0);
}

static int emit_end(parser *self, alto_json_event event)
{
    self->depth--;
    return emit(self, event, NULL, 0);
}

static int on_null(void *self)
{
    return emit(self, ALTO_JSON_NULL, NULL, 0);
}

static int on_boolean(void *self, int value)
{
    return emit(self, value ? ALTO_JSON_TRUE : ALTO_JSON_FALSE, NULL, 0);
}

static int on_number(void *self, const char *text, size_t size)
{
    return emit(self, ALTO_JSON_NUMBER, text, size);
}

static int on_string(void *self, const unsigned char *text, size_t size)
{
    return emit(self, ALTO_JSON_STRING, text, size);
}

static int on_key(void *self, const unsigned char *text, size_t size)
{
    return emit(self, ALTO_JSON_KEY, text, size);
}

static int on_object(void *self)
{
    return emit_begin(self, ALTO_JSON_OBJECT);
}

static int on_object_end(void *self)
{
    return emit_end(self, ALTO_JSON_OBJECT_END);
}

static int on_array(void *self)
{
    return emit_begin(self, ALTO_JSON_ARRAY);
}

static int on_array_end(void *self)
{
    return emit_end(self, ALTO_JSON_ARRAY_END);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_map_key = on_key,
    .yajl_start_map = on_object,
    .yajl_end_map = on_object_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_array_end,
};

/* YAJL's own words for what is wrong at `at`, without the line feed at their end. */
static alto_status explain(yajl_handle handle, const uint8_t *at, const alto_json_place *place)
{
    unsigned char *words = yajl_get_error(handle, 0, NULL, 0);
    words[strcspn((char *)words, "\n")] = 0;
    alto_status status = alto_json_refuse(place, at, ALTO_SYNTAX, (char *)words);
    yajl_free_error(handle, words);
    return status;
}

static alto_status run(parser *self, alto_slice text, const alto_json_place *place)
{
    yajl_alloc_funcs memory = {.malloc = take_block, .realloc = resize_block, .free = free_block, .ctx = self};
    if (setjmp(self->out_of_memory)) {
        free_all_blocks(self);
        return alto_fail(place->error, ALTO_NO_MEMORY, place->path, "out of memory while reading JSON");
    }
    yajl_handle handle = yajl_alloc(&callbacks, &memory, self);
    /* Its check of UTF-8 lets overlong forms pass; ours has been made before. */
    yajl_config(handle, yajl_dont_validate_strings, 1);
    yajl_status status = yajl_parse(handle, text.data, text.size);
    const uint8_t *at = text.data + yajl_get_bytes_consumed(handle);
    if (status == yajl_status_ok) {
        status = yajl_complete_parse(handle);
        at = text.data + text.size;
    }
    /* Behind the value it overlooks a string without an end; ended by this, it is garbage to it. */
    if (status == yajl_status_ok)
        status = yajl_parse(handle, (const unsigned char *)"\"", 1);
    if (status == yajl_status_error)
        self->status = explain(handle, at, place);
    else if (self->depth > ALTO_MAX_JSON_DEPTH)
        alto_json_refuse(place, at, self->status, "nested too deeply");
    yajl_free(handle);
    return self->status;
}

alto_status alto_json_parse(alto_slice text, alto_json_handler *handler, void *context, const alto_json_place *place)
{
    parser self = {.handler = handler, .context = context, .status = ALTO_OK};
    self.blocks.next = self.blocks.previous = &self.blocks;
    return run(&self, text, place);
}
