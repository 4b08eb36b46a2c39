/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cost_pick.h"

#include "core/limits.h"

#include <stdlib.h>

enum { NOWHERE = UINT16_MAX, FIRST_VISITS = 64 };

_Static_assert(ALTO_TREE_CAP < NOWHERE, "places are 16 bits");

/* One node of a row in which columns lie. They are in the order in which a walk comes by, parents before children. */
struct alto_pick_visit {
    const alto_tree *seen; /* a node with the keys that this is about */
    uint32_t child;        /* where it stands in its parent */
    uint32_t level;
    size_t from, to; /* its columns */
};

alto_status alto_cost_pick_init(alto_cost_pick *self, const alto_slice *columns, size_t count)
{
    *self = (alto_cost_pick){.columns = columns, .count = count};
    self->places = malloc((count + 1) * sizeof *self->places);
    return self->places ? ALTO_OK : ALTO_NO_MEMORY;
}

void alto_cost_pick_fini(alto_cost_pick *self)
{
    free(self->visits);
    free(self->places);
    *self = (alto_cost_pick){.columns = NULL};
}

/* ---- finding the columns ---- */

static bool add_visit(alto_cost_pick *self, const struct alto_pick_visit *added)
{
    if (self->visit_count == self->visit_room) {
        size_t room = self->visit_room ? 2 * self->visit_room : FIRST_VISITS;
        struct alto_pick_visit *grown = realloc(self->visits, room * sizeof *grown);
        if (!grown)
            return false;
        self->visits = grown;
        self->visit_room = room;
    }
    self->visits[self->visit_count++] = *added;
    return true;
}

/* The first key of a node from `first` on that is not less than `key`. */
static uint32_t lower_bound(const alto_tree *node, uint32_t first, uint32_t count, alto_slice key)
{
    uint32_t end = count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (alto_slice_compare(alto_node_key(node, middle), key) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static void find_in_leaf(alto_cost_pick *self, const struct alto_pick_visit *leaf, uint32_t count)
{
    uint32_t at = 0;
    for (size_t i = leaf->from; i < leaf->to; i++) {
        at = lower_bound(leaf->seen, at, count, self->columns[i]);
        bool found = at < count && alto_slice_equal(alto_node_key(leaf->seen, at), self->columns[i]);
        self->places[i] = found ? (uint16_t)at : NOWHERE;
    }
}

/* Note the node and all below it in which columns lie. Columns behind the last key belong to no child. */
static bool find_in_node(alto_cost_pick *self, const struct alto_pick_visit *node)
{
    alto_node_info info = alto_node_look(node->seen);
    if (!add_visit(self, node))
        return false;
    if (info.level == 0) {
        find_in_leaf(self, node, info.count);
        return true;
    }
    uint32_t child = 0;
    for (size_t i = node->from, next; i < node->to; i = next) {
        child = lower_bound(node->seen, child, info.count, self->columns[i]);
        if (child == info.count)
            break;
        alto_slice last = alto_node_key(node->seen, child);
        for (next = i + 1; next < node->to && alto_slice_compare(self->columns[next], last) <= 0;)
            next++;
        const struct alto_pick_visit below = {
            .seen = alto_node_child(node->seen, child), .child = child, .level = info.level - 1, .from = i, .to = next};
        if (!find_in_node(self, &below))
            return false;
    }
    return true;
}

static bool find_columns(alto_cost_pick *self, const alto_tree *items)
{
    self->visit_count = 0;
    self->height = alto_node_look(items).level + 1;
    for (size_t i = 0; i < self->count; i++)
        self->places[i] = NOWHERE;
    const struct alto_pick_visit top = {.seen = items, .level = self->height - 1, .to = self->count};
    self->known = find_in_node(self, &top);
    return self->known;
}

/* ---- taking the costs ---- */

/* What is done at each leaf in which columns lie; false ends the walk. */
typedef bool leaf_fn(const alto_cost_pick *self, const struct alto_pick_visit *visit, const alto_tree *leaf,
                     double *costs);

static bool expect_leaf(const alto_cost_pick *self, const struct alto_pick_visit *visit, const alto_tree *leaf,
                        double *costs) /* NOLINT(readability-non-const-parameter): a leaf_fn */
{
    (void)costs;
    const double *held = alto_node_costs(leaf);
    __builtin_prefetch(leaf);
    for (size_t i = visit->from; i < visit->to; i++)
        if (self->places[i] != NOWHERE)
            __builtin_prefetch(&held[self->places[i]]);
    return true;
}

static bool take_leaf(const alto_cost_pick *self, const struct alto_pick_visit *visit, const alto_tree *leaf,
                      double *costs)
{
    if (!alto_node_same_keys(leaf, visit->seen))
        return false;
    const double *held = alto_node_costs(leaf);
    for (size_t i = visit->from; i < visit->to; i++)
        if (self->places[i] != NOWHERE)
            costs[i] = held[self->places[i]];
    return true;
}

/* Go where the columns were in the row before; false when this one has other keys somewhere. */
static inline bool walk_known(const alto_cost_pick *self, const alto_tree *items, leaf_fn *leaf, double *costs)
{
    const alto_tree *path[ALTO_TREE_MAX_LEVEL + 1];
    if (!self->known || alto_node_look(items).level + 1 != self->height)
        return false;
    for (size_t i = 0; i < self->visit_count; i++) {
        const struct alto_pick_visit *visit = &self->visits[i];
        const alto_tree *node = i ? alto_node_child(path[visit->level + 1], visit->child) : items;
        if (visit->level == 0 ? !leaf(self, visit, node, costs) : !alto_node_same_keys(node, visit->seen))
            return false;
        path[visit->level] = node;
    }
    return true;
}

void alto_cost_pick_expect(const alto_cost_pick *self, const alto_tree *items)
{
    if (items)
        walk_known(self, items, expect_leaf, NULL);
}

alto_status alto_cost_pick_row(alto_cost_pick *self, const alto_tree *items, double *costs)
{
    for (size_t i = 0; i < self->count; i++)
        costs[i] = NAN;
    if (!items || walk_known(self, items, take_leaf, costs))
        return ALTO_OK;
    if (!find_columns(self, items))
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->count; i++)
        costs[i] = NAN;
    walk_known(self, items, take_leaf, costs);
    return ALTO_OK;
}
