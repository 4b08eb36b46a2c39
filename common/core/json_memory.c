/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_memory.h"

#include "core/prefix.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

/* ---- prints of rows ---- */

void alto_row_prints_fini(alto_row_prints *self)
{
    free(self->slots);
    *self = (alto_row_prints){0};
}

alto_status alto_row_prints_begin(alto_row_prints *self, size_t count)
{
    size_t capacity = FIRST_CAPACITY;
    while (capacity / 2 < count)
        capacity *= 2;
    alto_row_prints_fini(self);
    self->slots = calloc(capacity, sizeof *self->slots);
    if (!self->slots)
        return ALTO_NO_MEMORY;
    self->capacity = capacity;
    return ALTO_OK;
}

/* Where the print is, or the free slot where it belongs. */
static alto_row_print *find_print(const alto_row_prints *self, uint64_t name)
{
    size_t at = (size_t)name & (self->capacity - 1);
    while (self->slots[at].size > 0 && self->slots[at].name != name)
        at = (at + 1) & (self->capacity - 1);
    return &self->slots[at];
}

void alto_row_prints_add(alto_row_prints *self, const alto_row_print *print)
{
    *find_print(self, print->name) = *print;
}

const alto_row_print *alto_row_prints_find(const alto_row_prints *self, uint64_t name)
{
    const alto_row_print *found = self->capacity > 0 ? find_print(self, name) : NULL;
    return found && found->size > 0 ? found : NULL;
}

/* ---- prefixes ---- */

struct alto_prefix_slot {
    uint8_t key[ALTO_PREFIX_KEY];
    uint8_t size; /* 0: free */
};

void alto_prefix_set_fini(alto_prefix_set *self)
{
    free(self->slots);
    *self = (alto_prefix_set){0};
}

/* Keyed at random, so that nobody can choose prefixes that collide. */
static size_t home_of(const alto_prefix_set *self, alto_slice key)
{
    return (size_t)alto_fingerprint_of(key).low & (self->capacity - 1);
}

static alto_slice key_of(const struct alto_prefix_slot *slot)
{
    return alto_slice_of(slot->key, slot->size);
}

static struct alto_prefix_slot *find_prefix(const alto_prefix_set *self, alto_slice key)
{
    size_t at = home_of(self, key);
    while (self->slots[at].size > 0 && !alto_slice_equal(key_of(&self->slots[at]), key))
        at = (at + 1) & (self->capacity - 1);
    return &self->slots[at];
}

static alto_status grow_prefixes(alto_prefix_set *self)
{
    size_t capacity = self->capacity ? self->capacity * 2 : FIRST_CAPACITY;
    alto_prefix_set made = {.slots = calloc(capacity, sizeof *made.slots), .count = self->count, .capacity = capacity};
    if (!made.slots)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->capacity; i++)
        if (self->slots[i].size > 0)
            *find_prefix(&made, key_of(&self->slots[i])) = self->slots[i];
    free(self->slots);
    *self = made;
    return ALTO_OK;
}

alto_status alto_prefix_set_add(alto_prefix_set *self, alto_slice key)
{
    if (self->count >= self->capacity - self->capacity / 4) {
        alto_status status = grow_prefixes(self);
        if (status != ALTO_OK)
            return status;
    }
    struct alto_prefix_slot *slot = find_prefix(self, key);
    if (slot->size > 0)
        return ALTO_DUPLICATE;
    memcpy(slot->key, key.data, key.size);
    slot->size = (uint8_t)key.size;
    self->count++;
    return ALTO_OK;
}

void alto_prefix_set_remove(alto_prefix_set *self, alto_slice key)
{
    struct alto_prefix_slot *hole = self->count > 0 ? find_prefix(self, key) : NULL;
    if (!hole || hole->size == 0)
        return;
    self->count--;
    size_t mask = self->capacity - 1, at = (size_t)(hole - self->slots), next = at;
    /* Later ones of the cluster move up when the hole lies between their home and them. */
    while (self->slots[next = (next + 1) & mask].size > 0) {
        size_t home = home_of(self, key_of(&self->slots[next]));
        if (((next - home) & mask) >= ((next - at) & mask)) {
            self->slots[at] = self->slots[next];
            at = next;
        }
    }
    self->slots[at].size = 0;
}

/* ---- both ---- */

alto_map_memory *alto_map_memory_new(void)
{
    return calloc(1, sizeof(alto_map_memory));
}

void alto_map_memory_fini(alto_map_memory *self)
{
    alto_row_prints_fini(&self->prints);
    alto_prefix_set_fini(&self->prefixes);
    self->ready = false;
}

void alto_map_memory_destroy(alto_map_memory **self)
{
    if (!*self)
        return;
    alto_map_memory_fini(*self);
    free(*self);
    *self = NULL;
}
