/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lpm_names.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct {
    atomic_uint refs;
    size_t size;
    uint8_t bytes[];
} name;

struct alto_names_block {
    atomic_uint refs;
    unsigned used;
    name *names[ALTO_NAMES_BLOCK]; /* owned references; NULL: the number is free */
};

static void name_release(name *self)
{
    if (self && atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) == 1)
        free(self);
}

static void block_release(alto_names_block *self)
{
    if (!self || atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < ALTO_NAMES_BLOCK; i++)
        name_release(self->names[i]);
    free(self);
}

static alto_names_block *block_copy(const alto_names_block *self)
{
    alto_names_block *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    made->used = self->used;
    for (size_t i = 0; i < ALTO_NAMES_BLOCK; i++) {
        made->names[i] = self->names[i];
        if (made->names[i])
            atomic_fetch_add_explicit(&made->names[i]->refs, 1, memory_order_relaxed);
    }
    return made;
}

/* Make *slot a block that only this table owns. NULL: out of memory. */
static alto_names_block *own(alto_names_block **slot)
{
    if (atomic_load_explicit(&(*slot)->refs, memory_order_acquire) == 1)
        return *slot;
    alto_names_block *made = block_copy(*slot);
    if (!made)
        return NULL;
    block_release(*slot);
    return *slot = made;
}

alto_status alto_names_copy(const alto_names *from, alto_names *out)
{
    *out = (alto_names){.count = 0};
    if (from->count == 0)
        return ALTO_OK;
    out->blocks = malloc(from->count * sizeof *out->blocks);
    if (!out->blocks)
        return ALTO_NO_MEMORY;
    for (; out->count < from->count; out->count++) {
        out->blocks[out->count] = from->blocks[out->count];
        atomic_fetch_add_explicit(&out->blocks[out->count]->refs, 1, memory_order_relaxed);
    }
    return ALTO_OK;
}

void alto_names_fini(alto_names *self)
{
    while (self->count > 0)
        block_release(self->blocks[--self->count]);
    free(self->blocks);
    *self = (alto_names){.count = 0};
}

/* A block with a free number, which may be a new one; NULL: out of memory. */
static alto_names_block **roomy_block(alto_names *self)
{
    for (size_t i = self->count; i-- > 0;) /* while names are only added, the last has room */
        if (self->blocks[i]->used < ALTO_NAMES_BLOCK)
            return &self->blocks[i];
    alto_names_block **grown = realloc(self->blocks, (self->count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    self->blocks = grown;
    alto_names_block *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    grown[self->count] = made;
    return &grown[self->count++];
}

static name *name_new(alto_slice text)
{
    name *made = malloc(sizeof *made + text.size);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    made->size = text.size;
    if (text.size)
        memcpy(made->bytes, text.data, text.size);
    return made;
}

alto_status alto_names_add(alto_names *self, alto_slice text, uint32_t *number)
{
    alto_names_block **slot = roomy_block(self);
    alto_names_block *block = slot ? own(slot) : NULL;
    name *made = block ? name_new(text) : NULL;
    if (!made)
        return ALTO_NO_MEMORY;
    uint32_t place = 0;
    while (block->names[place])
        place++;
    block->names[place] = made;
    block->used++;
    *number = (uint32_t)(slot - self->blocks) * ALTO_NAMES_BLOCK + place;
    return ALTO_OK;
}

alto_status alto_names_remove(alto_names *self, uint32_t number)
{
    alto_names_block *block = own(&self->blocks[number / ALTO_NAMES_BLOCK]);
    if (!block)
        return ALTO_NO_MEMORY;
    name **slot = &block->names[number % ALTO_NAMES_BLOCK];
    assert(*slot);
    name_release(*slot);
    *slot = NULL;
    block->used--;
    return ALTO_OK;
}

alto_slice alto_names_get(const alto_names *self, uint32_t number)
{
    const name *found = self->blocks[number / ALTO_NAMES_BLOCK]->names[number % ALTO_NAMES_BLOCK];
    return alto_slice_of(found->bytes, found->size);
}
