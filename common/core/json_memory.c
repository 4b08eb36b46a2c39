/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_memory.h"

#include "core/prefix.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

/* ---- fingerprints ---- */

void alto_print_set_fini(alto_print_set *self)
{
    free(self->slots);
    *self = (alto_print_set){0};
}

static bool is_free(const alto_fingerprint *slot)
{
    return slot->low == 0 && slot->high == 0;
}

/* Where the print is, or the free slot where it belongs. */
static alto_fingerprint *find_print(const alto_print_set *self, alto_fingerprint print)
{
    size_t at = (size_t)print.low & (self->capacity - 1);
    while (!is_free(&self->slots[at]) && (self->slots[at].low != print.low || self->slots[at].high != print.high))
        at = (at + 1) & (self->capacity - 1);
    return &self->slots[at];
}

alto_status alto_print_set_reserve(alto_print_set *self, size_t count)
{
    size_t capacity = FIRST_CAPACITY;
    while (capacity / 2 < count)
        capacity *= 2;
    if (capacity <= self->capacity)
        return ALTO_OK;
    alto_print_set made = {.slots = calloc(capacity, sizeof *made.slots), .capacity = capacity};
    if (!made.slots)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->capacity; i++)
        if (!is_free(&self->slots[i]))
            alto_print_set_add(&made, self->slots[i]);
    free(self->slots);
    *self = made;
    return ALTO_OK;
}

void alto_print_set_add(alto_print_set *self, alto_fingerprint print)
{
    alto_fingerprint *slot = find_print(self, print);
    self->count += is_free(slot);
    *slot = print;
}

bool alto_print_set_has(const alto_print_set *self, alto_fingerprint print)
{
    return self->capacity > 0 && !is_free(&print) && !is_free(find_print(self, print));
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
    alto_print_set_fini(&self->prints);
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
