/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lpm_trie.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { STRIDE = 6, FANOUT = 64, MAX_SKIP = 10 }; /* skipped levels fit into 64 bits */

struct alto_trie {
    atomic_uint refs;
    uint8_t skip;      /* levels before its own six bits that have one way only; 0 at the top */
    uint64_t path;     /* the bits of these levels, the last level lowest */
    uint64_t children; /* bit c: a child for the six bits c */
    uint64_t whole;    /* bit c: a prefix that ends with the six bits c */
    uint64_t shorter;  /* bit 1 << n | b: a prefix that ends with n < 6 bits b; n is 0 at the top only */
    alto_trie *child[];
    /* numbers (uint32_t) of the prefixes follow: of `whole`, then of `shorter` */
};

/* So that they are compiled for the processor of who calls them. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* One prefix's place in a node: a bit of one of the two maps. */
typedef struct {
    bool whole;
    unsigned bit;
} place;

ALWAYS_INLINE unsigned ones(uint64_t bits)
{
    return (unsigned)__builtin_popcountll(bits);
}

ALWAYS_INLINE unsigned ones_below(uint64_t bits, unsigned bit)
{
    return ones(bits & ((UINT64_C(1) << bit) - 1));
}

static bool has(uint64_t bits, unsigned bit)
{
    return bits >> bit & 1;
}

ALWAYS_INLINE uint32_t *numbers_of(const alto_trie *node)
{
    return (uint32_t *)(uintptr_t)(node->child + ones(node->children));
}

static unsigned number_count(const alto_trie *node)
{
    return ones(node->whole) + ones(node->shorter);
}

ALWAYS_INLINE unsigned rank_of(const alto_trie *node, place at)
{
    return at.whole ? ones_below(node->whole, at.bit) : ones(node->whole) + ones_below(node->shorter, at.bit);
}

/* ---- bits of a key ---- */

/* The key from bit `at` on, as many bits as there is room for. */
static uint64_t bits_from(alto_trie_key key, unsigned at)
{
    if (at >= 64)
        return key.low << (at - 64);
    return at == 0 ? key.high : key.high << at | key.low >> (64 - at);
}

static unsigned six_bits(alto_trie_key key, unsigned at)
{
    return (unsigned)(bits_from(key, at) >> (64 - STRIDE));
}

/* The bits of `levels` levels, at least one. */
static uint64_t level_bits(alto_trie_key key, unsigned at, unsigned levels)
{
    return bits_from(key, at) >> (64 - STRIDE * levels);
}

/* Where a prefix belongs that has `left` (0 to 6) bits in a node, the first of `six`. */
static place place_of(unsigned six, unsigned left)
{
    if (left == STRIDE)
        return (place){.whole = true, .bit = six};
    return (place){.bit = 1U << left | six >> (STRIDE - left)};
}

/* The bits in `shorter` of all prefixes that match. */
static uint64_t matching_shorter(unsigned six)
{
    return UINT64_C(1) << (32 | six >> 1) | UINT64_C(1) << (16 | six >> 2) | UINT64_C(1) << (8 | six >> 3) |
           UINT64_C(1) << (4 | six >> 4) | UINT64_C(1) << (2 | six >> 5) | UINT64_C(1) << 1;
}

/* ---- owners ---- */

alto_trie *alto_trie_retain(const alto_trie *trie)
{
    alto_trie *node = (alto_trie *)(uintptr_t)trie;
    if (node)
        atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    return node;
}

void alto_trie_release(const alto_trie *trie)
{
    alto_trie *node = (alto_trie *)(uintptr_t)trie;
    if (!node || atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < ones(node->children); i++)
        alto_trie_release(node->child[i]);
    free(node);
}

/* ---- looking ---- */

/* One search on its way down. */
typedef struct {
    const alto_trie *node; /* to look at next; NULL: at the end */
    alto_trie_key address;
    unsigned at;           /* its bits before the node */
    const alto_trie *best; /* node of the longest match so far; NULL: none */
    place best_at;
} walk;

ALWAYS_INLINE void walk_on(walk *self)
{
    const alto_trie *node = self->node;
    self->node = NULL;
    if (node->skip) {
        if (level_bits(self->address, self->at, node->skip) != node->path)
            return;
        self->at += STRIDE * node->skip;
    }
    unsigned six = six_bits(self->address, self->at);
    if (has(node->children, six)) {
        self->node = node->child[ones_below(node->children, six)];
        __builtin_prefetch(self->node);
        self->at += STRIDE;
    }
    uint64_t matching = node->shorter & matching_shorter(six);
    if (has(node->whole, six)) {
        self->best = node;
        self->best_at = (place){.whole = true, .bit = six};
    } else if (matching) {
        self->best = node;
        self->best_at = (place){.bit = 63U - (unsigned)__builtin_clzll(matching)};
    }
}

ALWAYS_INLINE void match_all(alto_trie_search *searches, size_t count)
{
    walk walks[ALTO_TRIE_AT_ONCE];
    for (size_t i = 0; i < count; i++)
        walks[i] = (walk){.node = searches[i].trie, .address = searches[i].address};
    for (bool going = true; going;) {
        going = false;
        for (size_t i = 0; i < count; i++)
            if (walks[i].node) {
                walk_on(&walks[i]);
                going = true;
            }
    }
    for (size_t i = 0; i < count; i++) {
        const alto_trie *best = walks[i].best;
        searches[i].found = best != NULL;
        if (best)
            searches[i].number = numbers_of(best)[rank_of(best, walks[i].best_at)];
    }
}

#ifdef __x86_64__
/* Counting bits is half of the work, and not every processor of this kind has an instruction for it. */
__attribute__((target("popcnt"))) static void match_counting(alto_trie_search *searches, size_t count)
{
    match_all(searches, count);
}
#endif

void alto_trie_match(alto_trie_search *searches, size_t count)
{
    assert(count <= ALTO_TRIE_AT_ONCE);
#ifdef __x86_64__
    if (__builtin_cpu_supports("popcnt")) {
        match_counting(searches, count);
        return;
    }
#endif
    match_all(searches, count);
}

bool alto_trie_get(const alto_trie *trie, alto_trie_key prefix, unsigned length, uint32_t *number)
{
    unsigned at = 0;
    for (const alto_trie *node = trie; node; at += STRIDE) {
        if (at + STRIDE * node->skip > length || (node->skip && level_bits(prefix, at, node->skip) != node->path))
            return false;
        at += STRIDE * node->skip;
        unsigned six = six_bits(prefix, at);
        if (length - at <= STRIDE) {
            place found = place_of(six, length - at);
            if (!has(found.whole ? node->whole : node->shorter, found.bit))
                return false;
            *number = numbers_of(node)[rank_of(node, found)];
            return true;
        }
        node = has(node->children, six) ? node->child[ones_below(node->children, six)] : NULL;
    }
    return false;
}

/* ---- nodes that nobody else owns ---- */

static size_t size_of(unsigned children, unsigned numbers)
{
    return sizeof(alto_trie) + children * sizeof(alto_trie *) + numbers * sizeof(uint32_t);
}

static alto_trie *node_new(unsigned skip, uint64_t path)
{
    alto_trie *made = calloc(1, size_of(0, 0));
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    made->skip = (uint8_t)skip;
    made->path = path;
    return made;
}

static alto_trie *copy_of(const alto_trie *node)
{
    unsigned children = ones(node->children);
    size_t size = size_of(children, number_count(node));
    alto_trie *made = malloc(size);
    if (!made)
        return NULL;
    memcpy((void *)made, (const void *)node, size);
    atomic_init(&made->refs, 1);
    for (unsigned i = 0; i < children; i++)
        __builtin_prefetch(node->child[i], 1);
    for (unsigned i = 0; i < children; i++)
        alto_trie_retain(node->child[i]);
    return made;
}

/* Make *slot a node that only this trie owns. NULL: out of memory. */
static alto_trie *own(alto_trie **slot)
{
    if (atomic_load_explicit(&(*slot)->refs, memory_order_acquire) == 1)
        return *slot;
    alto_trie *made = copy_of(*slot);
    if (!made)
        return NULL;
    alto_trie_release(*slot);
    return *slot = made;
}

/* Room in *slot, which is owned, for one more child or number. NULL: out of memory. */
static alto_trie *widen(alto_trie **slot, size_t by)
{
    alto_trie *made = realloc(*slot, size_of(ones((*slot)->children), number_count(*slot)) + by);
    return made ? (*slot = made) : NULL;
}

/* Takes over `child` on ALTO_OK. */
static alto_status add_child(alto_trie **slot, unsigned six, alto_trie *child)
{
    alto_trie *node = widen(slot, sizeof child);
    if (!node)
        return ALTO_NO_MEMORY;
    unsigned rank = ones_below(node->children, six), count = ones(node->children);
    size_t behind = size_of(count, number_count(node)) - size_of(rank, 0);
    memmove(node->child + rank + 1, node->child + rank, behind);
    node->child[rank] = child;
    node->children |= UINT64_C(1) << six;
    return ALTO_OK;
}

static void remove_child(alto_trie *node, unsigned six)
{
    unsigned rank = ones_below(node->children, six), count = ones(node->children);
    size_t behind = size_of(count, number_count(node)) - size_of(rank + 1, 0);
    memmove(node->child + rank, node->child + rank + 1, behind);
    node->children &= ~(UINT64_C(1) << six);
}

static alto_status set_number(alto_trie **slot, place at, uint32_t number)
{
    alto_trie *node = *slot;
    unsigned rank = rank_of(node, at);
    if (!has(at.whole ? node->whole : node->shorter, at.bit)) {
        node = widen(slot, sizeof number);
        if (!node)
            return ALTO_NO_MEMORY;
        uint32_t *numbers = numbers_of(node);
        memmove(numbers + rank + 1, numbers + rank, (number_count(node) - rank) * sizeof *numbers);
        *(at.whole ? &node->whole : &node->shorter) |= UINT64_C(1) << at.bit;
    }
    numbers_of(node)[rank] = number;
    return ALTO_OK;
}

static void clear_number(alto_trie *node, place at)
{
    uint32_t *numbers = numbers_of(node);
    unsigned rank = rank_of(node, at);
    memmove(numbers + rank, numbers + rank + 1, (number_count(node) - rank - 1) * sizeof *numbers);
    *(at.whole ? &node->whole : &node->shorter) &= ~(UINT64_C(1) << at.bit);
}

/* ---- putting ---- */

/* How many of the levels that `node` skips a prefix follows before it ends or goes another way. */
static unsigned levels_followed(const alto_trie *node, alto_trie_key prefix, unsigned at, unsigned length)
{
    unsigned most = (length - at - 1) / STRIDE, levels = node->skip;
    uint64_t differing = level_bits(prefix, at, levels) ^ node->path;
    if (differing)
        levels = (STRIDE * levels - 1 - (63U - (unsigned)__builtin_clzll(differing))) / STRIDE;
    return levels < most ? levels : most;
}

/* A node of its own after the first `levels` of those that *slot, which is owned, skips. */
static alto_status split(alto_trie **slot, unsigned levels)
{
    alto_trie *lower = *slot;
    unsigned rest = lower->skip - levels - 1;
    unsigned six = (unsigned)(lower->path >> STRIDE * rest) & (FANOUT - 1);
    alto_trie *upper = node_new(levels, lower->path >> STRIDE * (rest + 1));
    if (!upper || add_child(&upper, six, lower) != ALTO_OK) {
        alto_trie_release(upper);
        return ALTO_NO_MEMORY;
    }
    lower->skip = (uint8_t)rest;
    lower->path &= (UINT64_C(1) << STRIDE * rest) - 1;
    *slot = upper;
    return ALTO_OK;
}

/* A child of *slot for a prefix that has `length` bits and goes beyond the six at `at`. */
static alto_status grow_child(alto_trie **slot, alto_trie_key prefix, unsigned at, unsigned length)
{
    unsigned skip = (length - at - STRIDE - 1) / STRIDE;
    if (skip > MAX_SKIP)
        skip = MAX_SKIP;
    alto_trie *child = node_new(skip, skip ? level_bits(prefix, at + STRIDE, skip) : 0);
    if (!child)
        return ALTO_NO_MEMORY;
    alto_status status = add_child(slot, six_bits(prefix, at), child);
    if (status != ALTO_OK)
        alto_trie_release(child);
    return status;
}

/* Put below *slot, which is there and at bit `at`, all that comes before it being owned. */
static alto_status put_at(alto_trie **slot, alto_trie_key prefix, unsigned length, uint32_t number)
{
    for (unsigned at = 0;; at += STRIDE) {
        alto_trie *node = own(slot);
        if (!node)
            return ALTO_NO_MEMORY;
        unsigned followed = node->skip ? levels_followed(node, prefix, at, length) : 0;
        if (followed < node->skip && split(slot, followed) != ALTO_OK)
            return ALTO_NO_MEMORY;
        at += STRIDE * followed;
        unsigned six = six_bits(prefix, at);
        if (length - at <= STRIDE)
            return set_number(slot, place_of(six, length - at), number);
        if (!has((*slot)->children, six) && grow_child(slot, prefix, at, length) != ALTO_OK)
            return ALTO_NO_MEMORY;
        slot = &(*slot)->child[ones_below((*slot)->children, six)];
    }
}

alto_status alto_trie_put(alto_trie **trie, alto_trie_key prefix, unsigned length, uint32_t number)
{
    assert(length <= 128);
    if (!*trie)
        *trie = node_new(0, 0);
    return *trie ? put_at(trie, prefix, length, number) : ALTO_NO_MEMORY;
}

/* ---- dropping ---- */

/* Let *slot, which holds no prefix and has one child, be skipped on the way to that child. */
static alto_status merge(alto_trie **slot)
{
    alto_trie *upper = *slot;
    unsigned skip = upper->skip + 1U + upper->child[0]->skip;
    if (skip > MAX_SKIP)
        return ALTO_OK;
    alto_trie *lower = own(&upper->child[0]);
    if (!lower)
        return ALTO_NO_MEMORY;
    uint64_t six = (uint64_t)__builtin_ctzll(upper->children);
    lower->path |= (upper->path << STRIDE | six) << STRIDE * lower->skip;
    lower->skip = (uint8_t)skip;
    *slot = lower;
    free(upper);
    return ALTO_OK;
}

static alto_status drop_at(alto_trie **slot, alto_trie_key prefix, unsigned at, unsigned length)
{
    alto_trie *node = own(slot);
    if (!node)
        return ALTO_NO_MEMORY;
    bool top = at == 0;
    at += STRIDE * node->skip;
    unsigned six = six_bits(prefix, at);
    if (length - at <= STRIDE) {
        clear_number(node, place_of(six, length - at));
    } else {
        alto_trie **child = &node->child[ones_below(node->children, six)];
        alto_status status = drop_at(child, prefix, at + STRIDE, length);
        if (status != ALTO_OK)
            return status;
        if (!*child)
            remove_child(node, six);
    }
    if (node->whole || node->shorter || (node->children & (node->children - 1)))
        return ALTO_OK;
    if (node->children)
        return top ? ALTO_OK : merge(slot);
    free(node);
    *slot = NULL;
    return ALTO_OK;
}

alto_status alto_trie_drop(alto_trie **trie, alto_trie_key prefix, unsigned length)
{
    assert(length <= 128);
    return drop_at(trie, prefix, 0, length);
}
