/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into a tree: keys, places, positions. */
#include "core/tree_node.h"

#include <assert.h>

/* The first index whose key is not less than `key`; count when there is none. */
static uint32_t lower_bound(const alto_tree *node, alto_slice key, bool *equal)
{
    uint32_t low = 0, high = node->count;
    *equal = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = alto_slice_compare(alto_run_key(node->keys, middle), key);
        if (order < 0) {
            low = middle + 1;
        } else {
            *equal = *equal || order == 0;
            high = middle;
        }
    }
    return low;
}

bool alto_tree_find(const alto_tree *tree, alto_slice key, alto_value *value)
{
    for (const alto_tree *node = tree; node;) {
        bool equal;
        uint32_t index = lower_bound(node, key, &equal);
        if (index == node->count)
            return false;
        if (node->level > 0) {
            node = alto_links_of(node)[index];
            continue;
        }
        if (equal && value)
            *value = alto_value_at(node, index);
        return equal;
    }
    return false;
}

bool alto_tree_find_at(const alto_tree *tree, alto_slice key, uint64_t place, alto_value *value)
{
    const alto_tree *node = tree;
    if (!node || place >> ALTO_PLACE_COUNT_SHIFT != node->level + UINT64_C(1))
        return false;
    for (unsigned level = node->level;; level--) {
        uint32_t index = alto_place_index(place, level);
        if (index >= node->count)
            return false;
        if (level > 0) {
            node = alto_links_of(node)[index];
            continue;
        }
        if (alto_slice_compare(alto_run_key(node->keys, index), key) != 0) /* no call, other than alto_slice_equal */
            return false;
        *value = alto_value_at(node, index);
        return true;
    }
}

bool alto_tree_find_place(const alto_tree *tree, alto_slice key, uint64_t *place, alto_value *value)
{
    *place = 0;
    if (!tree || tree->level >= ALTO_PLACE_LEVELS)
        return alto_tree_find(tree, key, value);
    uint64_t way = (tree->level + UINT64_C(1)) << ALTO_PLACE_COUNT_SHIFT;
    for (const alto_tree *node = tree;;) {
        bool equal;
        uint32_t index = lower_bound(node, key, &equal);
        if (index == node->count)
            return false;
        way |= (uint64_t)index << ALTO_PLACE_BITS * node->level;
        if (node->level > 0) {
            node = alto_links_of(node)[index];
            continue;
        }
        *place = way;
        if (equal)
            *value = alto_value_at(node, index);
        return equal;
    }
}

void alto_cursor_seek_key(alto_cursor *self, const alto_tree *tree, alto_slice key)
{
    self->height = tree ? tree->level + 1u : 0;
    self->rank = 0;
    for (const alto_tree *node = tree; node;) {
        bool equal;
        uint32_t index = lower_bound(node, key, &equal);
        if (index == node->count) { /* only at the top: elsewhere the parent's key said that it is here */
            self->rank = alto_tree_entries(tree);
            self->height = 0;
            return;
        }
        self->path[node->level].node = node;
        self->path[node->level].index = index;
        if (node->level == 0) {
            self->rank += index;
            return;
        }
        for (uint32_t i = 0; i < index; i++)
            self->rank += alto_entries_of(alto_links_of(node)[i]);
        node = alto_links_of(node)[index];
    }
}

uint64_t alto_tree_rank(const alto_tree *tree, alto_slice key, bool *found)
{
    alto_cursor cursor;
    alto_cursor_seek_key(&cursor, tree, key);
    if (found)
        *found = alto_cursor_valid(&cursor) && alto_slice_equal(alto_cursor_key(&cursor), key);
    return cursor.rank;
}

void alto_cursor_seek_rank(alto_cursor *self, const alto_tree *tree, uint64_t rank)
{
    uint64_t entries = alto_tree_entries(tree);
    if (rank >= entries) {
        self->height = 0;
        self->rank = entries;
        return;
    }
    self->height = tree->level + 1u;
    self->rank = rank;
    for (const alto_tree *node = tree;;) {
        uint32_t index = 0;
        if (node->level == 0) {
            self->path[0].node = node;
            self->path[0].index = (uint32_t)rank;
            return;
        }
        while (rank >= alto_entries_of(alto_links_of(node)[index]))
            rank -= alto_entries_of(alto_links_of(node)[index++]);
        self->path[node->level].node = node;
        self->path[node->level].index = index;
        node = alto_links_of(node)[index];
    }
}

void alto_cursor_first(alto_cursor *self, const alto_tree *tree)
{
    alto_cursor_seek_rank(self, tree, 0);
}

void alto_cursor_next(alto_cursor *self)
{
    assert(self->height > 0);
    self->rank++;
    unsigned level = 0;
    while (level < self->height && ++self->path[level].index == self->path[level].node->count)
        level++;
    if (level == self->height) {
        self->height = 0;
        return;
    }
    while (level-- > 0) {
        self->path[level].node = alto_links_of(self->path[level + 1].node)[self->path[level + 1].index];
        self->path[level].index = 0;
    }
}

alto_slice alto_cursor_key(const alto_cursor *self)
{
    return alto_run_key(self->path[0].node->keys, self->path[0].index);
}

alto_value alto_cursor_value(const alto_cursor *self)
{
    return alto_value_at(self->path[0].node, self->path[0].index);
}
