/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tree_guess.h"

#include <stdatomic.h>

enum { WAYS = 2, SET_BITS = 14 };

/* Places by hash of the key, those of the last two keys with the same. Only guesses: what is there is compared before it is believed. */
static atomic_uint_least64_t guesses[1 << SET_BITS][WAYS];

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Quick rather than good: what else has the same is only in the way. */
static size_t set_of(alto_slice key)
{
    uint64_t hash = key.size, word = 0;
    for (size_t at = 0; at + sizeof word < key.size; at += sizeof word) {
        memcpy(&word, key.data + at, sizeof word);
        hash = mix(hash, word);
    }
    if (key.size >= sizeof word)
        memcpy(&word, key.data + key.size - sizeof word, sizeof word);
    else
        for (size_t i = 0; i < key.size; i++)
            word = word << 8 | key.data[i];
    return (size_t)(mix(hash, word) >> (64 - SET_BITS));
}

bool alto_tree_find_again(const alto_tree *tree, alto_slice key, uint64_t *place, alto_value *value)
{
    atomic_uint_least64_t *set = guesses[set_of(key)];
    for (int i = 0; i < WAYS; i++) {
        *place = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (alto_tree_find_at(tree, key, *place, value))
            return true;
    }
    bool found = alto_tree_find_place(tree, key, place, value);
    if (found) {
        atomic_store_explicit(&set[1], atomic_load_explicit(&set[0], memory_order_relaxed), memory_order_relaxed);
        atomic_store_explicit(&set[0], *place, memory_order_relaxed);
    }
    return found;
}
