/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tree_run.h"

struct alto_pool {
    alto_run **slots; /* open addressing by run hash; each slot owns one reference */
    size_t capacity, count, sweep_at;
};

enum { POOL_FIRST = 256 };

alto_pool *alto_pool_new(void)
{
    alto_pool *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->slots = calloc(POOL_FIRST, sizeof(alto_run *));
    if (!self->slots) {
        free(self);
        return NULL;
    }
    self->capacity = POOL_FIRST;
    self->sweep_at = POOL_FIRST / 2;
    return self;
}

void alto_pool_destroy(alto_pool **self)
{
    if (!*self)
        return;
    for (size_t i = 0; i < (*self)->capacity; i++)
        if ((*self)->slots[i])
            alto_run_release((*self)->slots[i]);
    free((*self)->slots);
    free(*self);
    *self = NULL;
}

/* Keyed at random, so that nobody can choose names whose runs collide. */
static size_t slot_of(const alto_hash *hash, size_t capacity)
{
    return (size_t)alto_fingerprint_of(alto_slice_of(hash->bytes, ALTO_HASH_SIZE)).low & (capacity - 1);
}

static void place(alto_run **slots, size_t capacity, alto_run *keys)
{
    size_t at = slot_of(&keys->hash, capacity);
    while (slots[at])
        at = (at + 1) & (capacity - 1);
    slots[at] = keys;
}

/* Drop the runs that only the pool still owns, into a table that fits the rest.
 * Only the pool's thread takes runs out of it, so a count of one cannot rise. */
static void pool_sweep(alto_pool *self)
{
    size_t live = 0;
    for (size_t i = 0; i < self->capacity; i++)
        if (self->slots[i] && atomic_load_explicit(&self->slots[i]->refs, memory_order_acquire) > 1)
            live++;
    size_t capacity = POOL_FIRST;
    while (capacity < 4 * (live + 1))
        capacity *= 2;
    alto_run **slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return; /* goes on with the old table, which still has room */
    self->count = 0;
    for (size_t i = 0; i < self->capacity; i++) {
        alto_run *keys = self->slots[i];
        if (!keys)
            continue;
        if (self->count < capacity / 2 && atomic_load_explicit(&keys->refs, memory_order_acquire) > 1) {
            place(slots, capacity, keys);
            self->count++;
        } else {
            alto_run_release(keys);
        }
    }
    free(self->slots);
    self->slots = slots;
    self->capacity = capacity;
    self->sweep_at = capacity / 2;
}

static alto_run *pool_find(const alto_pool *self, const alto_hash *hash)
{
    for (size_t at = slot_of(hash, self->capacity); self->slots[at]; at = (at + 1) & (self->capacity - 1))
        if (alto_hash_equal(&self->slots[at]->hash, hash))
            return self->slots[at];
    return NULL;
}

static void pool_add(alto_pool *self, alto_run *keys)
{
    if (self->count >= self->sweep_at)
        pool_sweep(self);
    if (self->count + 1 >= self->capacity - self->capacity / 8)
        return; /* sharing is lost, nothing else */
    place(self->slots, self->capacity, alto_run_retain(keys));
    self->count++;
}

static bool run_has_keys(const alto_run *keys, const alto_slice *wanted, uint32_t count)
{
    if (keys->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        alto_slice key = alto_run_key(keys, i);
        if (key.size != wanted[i].size)
            return false;
        if (key.data != wanted[i].data && memcmp(key.data, wanted[i].data, key.size) != 0)
            return false;
    }
    return true;
}

static alto_hash hash_of_keys(const alto_slice *keys, uint32_t count)
{
    alto_hasher hasher;
    alto_hasher_init(&hasher, "altocast-run-1");
    alto_hasher_add_u32(&hasher, count);
    for (uint32_t i = 0; i < count; i++) {
        alto_hasher_add_u32(&hasher, (uint32_t)keys[i].size);
        alto_hasher_add(&hasher, keys[i].data, keys[i].size);
    }
    return alto_hasher_end(&hasher);
}

alto_run *alto_run_make(alto_pool *pool, const alto_run *hint, const alto_slice *keys, uint32_t count)
{
    if (hint && run_has_keys(hint, keys, count))
        return alto_run_retain((alto_run *)(uintptr_t)hint);
    alto_hash hash = hash_of_keys(keys, count);
    alto_run *found = pool ? pool_find(pool, &hash) : NULL;
    if (found)
        return alto_run_retain(found);
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += keys[i].size;
    alto_run *made = malloc(sizeof *made + count * sizeof made->ends[0] + bytes);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    made->count = count;
    made->hash = hash;
    uint8_t *at = (uint8_t *)(made->ends + count);
    uint32_t end = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i].size)
            memcpy(at + end, keys[i].data, keys[i].size);
        end += (uint32_t)keys[i].size;
        made->ends[i] = end;
    }
    if (pool)
        pool_add(pool, made);
    return made;
}
