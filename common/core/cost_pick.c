/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cost_pick.h"

#include "core/limits.h"
#include "core/tree_node.h"

#include <stdlib.h>

enum { NOWHERE = UINT16_MAX, FIRST_VISITS = 64 };

_Static_assert(ALTO_TREE_CAP < NOWHERE, "places are 16 bits");

/* One node of a row in which columns lie. They are in the order in which a walk comes by, parents before children. */
struct alto_pick_visit {
    const alto_run *keys; /* of the node that this is about */
    uint32_t child;       /* where it stands in its parent */
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

/* The first key from `first` on that is not less than `key`; it is near, for columns are many. */
static uint32_t lower_bound(const alto_run *keys, uint32_t first, alto_slice key)
{
    uint32_t end = first, step = 1;
    while (end < keys->count && alto_slice_compare(alto_run_key(keys, end), key) < 0) {
        first = end + 1;
        end += step;
        step *= 2;
    }
    end = end < keys->count ? end : keys->count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (alto_slice_compare(alto_run_key(keys, middle), key) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static void find_in_leaf(alto_cost_pick *self, const struct alto_pick_visit *leaf)
{
    uint32_t at = 0;
    for (size_t i = leaf->from; i < leaf->to; i++) {
        at = lower_bound(leaf->keys, at, self->columns[i]);
        bool found = at < leaf->keys->count && alto_slice_equal(alto_run_key(leaf->keys, at), self->columns[i]);
        self->places[i] = found ? (uint16_t)at : NOWHERE;
    }
}

/* Note the node and all below it in which columns lie. Columns behind the last key belong to no child. */
static bool find_in_node(alto_cost_pick *self, const alto_tree *node, uint32_t place, size_t from, size_t to)
{
    const struct alto_pick_visit visit = {
        .keys = node->keys, .child = place, .level = node->level, .from = from, .to = to};
    if (!add_visit(self, &visit))
        return false;
    if (node->level == 0) {
        find_in_leaf(self, &visit);
        return true;
    }
    uint32_t child = 0;
    for (size_t i = from, next; i < to; i = next) {
        child = lower_bound(node->keys, child, self->columns[i]);
        if (child == node->count)
            break;
        alto_slice last = alto_run_key(node->keys, child);
        for (next = i + 1; next < to && alto_slice_compare(self->columns[next], last) <= 0;)
            next++;
        if (!find_in_node(self, alto_links_of(node)[child], child, i, next))
            return false;
    }
    return true;
}

static bool find_columns(alto_cost_pick *self, const alto_tree *items)
{
    self->visit_count = 0;
    for (size_t i = 0; i < self->count; i++)
        self->places[i] = NOWHERE;
    self->height = items->level + 1;
    self->known = find_in_node(self, items, 0, 0, self->count);
    return self->known;
}

/* ---- taking the costs ---- */

static void take_leaf(const alto_cost_pick *self, const struct alto_pick_visit *visit, const alto_tree *leaf,
                      double *costs)
{
    const double *held = alto_costs_of(leaf);
    for (size_t i = visit->from; i < visit->to; i++)
        if (self->places[i] != NOWHERE)
            costs[i] = held[self->places[i]];
}

/* Go where the columns were in the row before; false when this one has other keys somewhere. */
static bool take_known(const alto_cost_pick *self, const alto_tree *items, double *costs)
{
    const alto_tree *path[ALTO_TREE_MAX_LEVEL + 2];
    const struct alto_pick_visit *visit = self->visits, *end = visit + self->visit_count;
    if (!self->known || items->level + 1U != self->height || items->keys != visit->keys)
        return false;
    path[items->level] = items;
    if (items->level == 0)
        take_leaf(self, visit, items, costs);
    while (++visit < end) {
        const alto_tree *node = alto_links_of(path[visit->level + 1])[visit->child];
        if (node->keys != visit->keys)
            return false;
        path[visit->level] = node;
        if (visit->level == 0)
            take_leaf(self, visit, node, costs);
    }
    return true;
}

alto_status alto_cost_pick_row(alto_cost_pick *self, const alto_tree *items, double *costs)
{
    for (size_t i = 0; i < self->count; i++)
        costs[i] = NAN;
    if (!items || take_known(self, items, costs))
        return ALTO_OK;
    if (!find_columns(self, items))
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->count; i++)
        costs[i] = NAN;
    take_known(self, items, costs);
    return ALTO_OK;
}
