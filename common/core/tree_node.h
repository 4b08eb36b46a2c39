/* SPDX-License-Identifier: Apache-2.0 */
/* tree_node.h - how a node of a tree lies in memory: for tree.c, tree_look.c and tree_diff.c, and for loops so short that its calls would be most of them.
 *
 * Threads: as tree.h says. */
#ifndef ALTO_TREE_NODE_H
#define ALTO_TREE_NODE_H

#include "core/tree.h"

#include <stdatomic.h>

/* The keys of a node: `count` of them, `ends[i]` is where key i ends in `bytes`. */
typedef struct {
    atomic_uint refs;
    uint32_t count;
    alto_hash hash;
    uint32_t ends[];
    /* the bytes of all keys follow */
} alto_run;

/* Number of leaf entries and of row items below a node that stores children or rows. */
typedef struct {
    uint64_t entries, items;
} alto_sums;

struct alto_tree {
    atomic_uint refs;
    uint8_t type;
    uint8_t level;
    uint16_t count;
    alto_run *keys;
    _Atomic(alto_derived *) derived;
    alto_hash hash;
    /* What follows depends on the node:
     *   level > 0          sums, then `count` owned children
     *   leaf of rows       sums, then `count` owned trees of items (NULL: empty)
     *   leaf of costs      `count` doubles
     *   leaf of texts      `count` ends (uint32_t), then the bytes
     *   leaf of nothing    nothing */
    _Alignas(8) unsigned char payload[];
};

static inline alto_slice alto_run_key(const alto_run *keys, uint32_t index)
{
    uint32_t begin = index ? keys->ends[index - 1] : 0;
    const uint8_t *bytes = (const uint8_t *)(keys->ends + keys->count);
    return alto_slice_of(bytes + begin, keys->ends[index] - begin);
}

static inline bool alto_has_sums(const alto_tree *node)
{
    return node->level > 0 || node->type == ALTO_VALUE_ROW;
}

static inline alto_sums *alto_sums_of(const alto_tree *node)
{
    return (alto_sums *)(uintptr_t)node->payload;
}

/* Leaf entries below a node. */
static inline uint64_t alto_entries_of(const alto_tree *node)
{
    return alto_has_sums(node) ? alto_sums_of(node)->entries : node->count;
}

/* Children of an inner node, or rows of a leaf of rows. */
static inline alto_tree **alto_links_of(const alto_tree *node)
{
    return (alto_tree **)(uintptr_t)(node->payload + sizeof(alto_sums));
}

static inline double *alto_costs_of(const alto_tree *node)
{
    return (double *)(uintptr_t)node->payload;
}

static inline uint32_t *alto_text_ends_of(const alto_tree *node)
{
    return (uint32_t *)(uintptr_t)node->payload;
}

static inline alto_slice alto_text_at(const alto_tree *node, uint32_t index)
{
    const uint32_t *ends = alto_text_ends_of(node);
    uint32_t begin = index ? ends[index - 1] : 0;
    return alto_slice_of((const uint8_t *)(ends + node->count) + begin, ends[index] - begin);
}

static inline alto_value alto_value_at(const alto_tree *leaf, uint32_t index)
{
    switch ((alto_value_type)leaf->type) {
    case ALTO_VALUE_COST:
        return (alto_value){.cost = alto_costs_of(leaf)[index]};
    case ALTO_VALUE_TEXT:
        return (alto_value){.text = alto_text_at(leaf, index)};
    case ALTO_VALUE_ROW:
        return (alto_value){.row = alto_links_of(leaf)[index]};
    case ALTO_VALUE_NONE:
        break;
    }
    return (alto_value){.cost = 0};
}

/* A place in a tree: the index in the node of each level, that in the leaf lowest; above them the number of levels. So the places of
 * a tree are in the order of its keys. Trees of more levels have no places. */
enum { ALTO_PLACE_BITS = 8, ALTO_PLACE_LEVELS = 7, ALTO_PLACE_COUNT_SHIFT = 56 };
_Static_assert(ALTO_TREE_CAP <= 1 << ALTO_PLACE_BITS, "an index in a node fits");

static inline uint32_t alto_place_index(uint64_t place, unsigned level)
{
    return place >> ALTO_PLACE_BITS * level & ((1U << ALTO_PLACE_BITS) - 1);
}

#endif
