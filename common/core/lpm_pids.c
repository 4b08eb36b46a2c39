/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lpm_pids.h"

#include "core/tree_node.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct alto_pid {
    atomic_uint refs;
    uint32_t size;                 /* of key */
    atomic_uint_least64_t row_at;  /* places (tree.h): among the rows of a cost map ... */
    atomic_uint_least64_t item_at; /* ... and among the items of a row */
    uint8_t key[];                 /* of its row: class, name; then a NUL */
};

struct alto_pids_block {
    atomic_uint refs;
    unsigned used;
    alto_pid *pids[ALTO_PIDS_BLOCK]; /* owned references; NULL: the number is free */
};

static void pid_release(alto_pid *self)
{
    if (self && atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) == 1)
        free(self);
}

static void block_release(alto_pids_block *self)
{
    if (!self || atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < ALTO_PIDS_BLOCK; i++)
        pid_release(self->pids[i]);
    free(self);
}

static alto_pids_block *block_copy(const alto_pids_block *self)
{
    alto_pids_block *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    made->used = self->used;
    for (size_t i = 0; i < ALTO_PIDS_BLOCK; i++) {
        made->pids[i] = self->pids[i];
        if (made->pids[i])
            atomic_fetch_add_explicit(&made->pids[i]->refs, 1, memory_order_relaxed);
    }
    return made;
}

/* Make *slot a block that only this table owns. NULL: out of memory. */
static alto_pids_block *own(alto_pids_block **slot)
{
    if (atomic_load_explicit(&(*slot)->refs, memory_order_acquire) == 1)
        return *slot;
    alto_pids_block *made = block_copy(*slot);
    if (!made)
        return NULL;
    block_release(*slot);
    return *slot = made;
}

alto_status alto_pids_copy(const alto_pids *from, alto_pids *out)
{
    *out = (alto_pids){.count = 0};
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

void alto_pids_fini(alto_pids *self)
{
    while (self->count > 0)
        block_release(self->blocks[--self->count]);
    free(self->blocks);
    *self = (alto_pids){.count = 0};
}

/* A block with a free number, which may be a new one; NULL: out of memory. */
static alto_pids_block **roomy_block(alto_pids *self)
{
    for (size_t i = self->count; i-- > 0;) /* while names are only added, the last has room */
        if (self->blocks[i]->used < ALTO_PIDS_BLOCK)
            return &self->blocks[i];
    alto_pids_block **grown = realloc(self->blocks, (self->count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    self->blocks = grown;
    alto_pids_block *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    grown[self->count] = made;
    return &grown[self->count++];
}

static alto_pid *pid_new(alto_slice name)
{
    alto_pid *made = calloc(1, sizeof *made + 2 + name.size);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    made->size = (uint32_t)(1 + name.size);
    made->key[0] = ALTO_ROW_PAYLOAD;
    if (name.size)
        memcpy(made->key + 1, name.data, name.size);
    return made;
}

alto_status alto_pids_add(alto_pids *self, alto_slice name, uint32_t *number)
{
    alto_pids_block **slot = roomy_block(self);
    alto_pids_block *block = slot ? own(slot) : NULL;
    alto_pid *made = block ? pid_new(name) : NULL;
    if (!made)
        return ALTO_NO_MEMORY;
    uint32_t place = 0;
    while (block->pids[place])
        place++;
    block->pids[place] = made;
    block->used++;
    *number = (uint32_t)(slot - self->blocks) * ALTO_PIDS_BLOCK + place;
    return ALTO_OK;
}

alto_status alto_pids_remove(alto_pids *self, uint32_t number)
{
    alto_pids_block *block = own(&self->blocks[number / ALTO_PIDS_BLOCK]);
    if (!block)
        return ALTO_NO_MEMORY;
    alto_pid **slot = &block->pids[number % ALTO_PIDS_BLOCK];
    assert(*slot);
    pid_release(*slot);
    *slot = NULL;
    block->used--;
    return ALTO_OK;
}

const alto_pid *alto_pids_get(const alto_pids *self, uint32_t number)
{
    return self->blocks[number / ALTO_PIDS_BLOCK]->pids[number % ALTO_PIDS_BLOCK];
}

/* ---- one PID ---- */

alto_slice alto_pid_name(const alto_pid *self)
{
    return alto_slice_of(self->key + 1, self->size - 1);
}

/* Look first where it was found last. */
static bool find(const alto_tree *tree, alto_slice key, atomic_uint_least64_t *at, alto_value *value)
{
    uint64_t place = atomic_load_explicit(at, memory_order_relaxed);
    if (alto_tree_find_at(tree, key, place, value))
        return true;
    bool found = alto_tree_find_place(tree, key, &place, value);
    if (found)
        atomic_store_explicit(at, place, memory_order_relaxed);
    return found;
}

bool alto_pid_row(const alto_pid *self, const alto_version *costs, const alto_tree **row)
{
    alto_value value;
    alto_pid *pid = (alto_pid *)(uintptr_t)self;
    if (alto_version_kind(costs) != ALTO_COST_MAP ||
        !find(alto_version_tree(costs), alto_slice_of(self->key, self->size), &pid->row_at, &value))
        return false;
    *row = value.row;
    return true;
}

bool alto_pid_cell(const alto_pid *self, const alto_tree *row, double *cost)
{
    alto_value value;
    alto_pid *pid = (alto_pid *)(uintptr_t)self;
    if (!find(row, alto_pid_name(self), &pid->item_at, &value))
        return false;
    *cost = value.cost;
    return true;
}

void alto_pid_expect(const alto_pid *self, const alto_tree *row, alto_pid_expected what)
{
    uint64_t place = atomic_load_explicit(&((alto_pid *)(uintptr_t)self)->item_at, memory_order_relaxed);
    if (what == ALTO_EXPECT_ROW) {
        __builtin_prefetch(row);
        __builtin_prefetch(&alto_links_of(row)[alto_place_index(place, 1)]);
    } else if (row->level == 1 && alto_place_index(place, 1) < row->count) {
        const alto_tree *leaf = alto_links_of(row)[alto_place_index(place, 1)];
        __builtin_prefetch(leaf);
        __builtin_prefetch(&alto_costs_of(leaf)[alto_place_index(place, 0)]);
    }
}
