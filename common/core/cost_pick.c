/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cost_pick.h"

#include "core/limits.h"
#include "core/tree_guess.h"
#include "core/tree_node.h"

#include <stdlib.h>

enum { NOWHERE, TOP, FIRST_VISITS = 64 }; /* the first two visits, and how many there is room for at first */

/* One node of a row in which columns lie. They are in the order in which a walk comes by, parents before children. */
struct alto_pick_visit {
    const alto_run *keys; /* of the node that this is about */
    const double *costs;  /* of the node in the row at hand */
    uint32_t child;       /* where it stands in its parent */
    uint32_t level;
};

/* Where a column is. */
struct alto_pick_column {
    uint32_t visit; /* of its leaf; NOWHERE: it is in none */
    uint32_t place; /* in there */
};

alto_status alto_cost_pick_init(alto_cost_pick *self, const alto_slice *names, size_t count)
{
    *self = (alto_cost_pick){.names = names, .count = count};
    self->columns = malloc((count + 1) * sizeof *self->columns);
    return self->columns ? ALTO_OK : ALTO_NO_MEMORY;
}

void alto_cost_pick_fini(alto_cost_pick *self)
{
    free(self->visits);
    free(self->columns);
    *self = (alto_cost_pick){.names = NULL};
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

/* Add the nodes on the way to a place that are not on the way to the place before. */
static bool add_visits(alto_cost_pick *self, const alto_tree *items, uint64_t place, uint64_t before)
{
    const alto_tree *node = items;
    for (unsigned level = items->level; level-- > 0;) {
        uint32_t child = alto_place_index(place, level + 1);
        unsigned above = ALTO_PLACE_BITS * (level + 1);
        node = alto_links_of(node)[child];
        const struct alto_pick_visit visit = {
            .keys = node->keys, .costs = alto_costs_of(node), .child = child, .level = level};
        if (place >> above != before >> above && !add_visit(self, &visit))
            return false;
    }
    return true;
}

static bool find_columns(alto_cost_pick *self, const alto_tree *items)
{
    static const double none = NAN;
    const struct alto_pick_visit nowhere = {.costs = &none},
                                 top = {.keys = items->keys, .costs = alto_costs_of(items), .level = items->level};
    uint64_t place, before = 0;
    alto_value value;
    self->known = false;
    self->visit_count = 0;
    if (!add_visit(self, &nowhere) || !add_visit(self, &top))
        return false;
    for (size_t i = 0; i < self->count; i++) {
        bool named = self->names[i].size > 0;
        bool found = named && alto_tree_find_again(items, self->names[i], &place, &value);
        place = named ? place : 0;
        /* Where it would be is gone by too: the next row may have it. What is behind the last key of all, the top tells. */
        if (place && !add_visits(self, items, place, before))
            return false;
        before = place ? place : before;
        self->columns[i] = found
                               ? (struct alto_pick_column){(uint32_t)self->visit_count - 1, alto_place_index(place, 0)}
                               : (struct alto_pick_column){.visit = NOWHERE};
    }
    self->known = true;
    return true;
}

/* ---- taking the costs ---- */

/* Go where the columns were in the row before; false when this one has other keys somewhere. */
static bool visit_again(const alto_cost_pick *self, const alto_tree *items)
{
    const alto_tree *path[ALTO_TREE_MAX_LEVEL + 2];
    if (!self->known || self->visits[TOP].level != items->level)
        return false;
    path[items->level + 1] = NULL;
    for (size_t i = TOP; i < self->visit_count; i++) {
        struct alto_pick_visit *visit = &self->visits[i];
        const alto_tree *parent = path[visit->level + 1], *node = parent ? alto_links_of(parent)[visit->child] : items;
        if (node->keys != visit->keys)
            return false;
        visit->costs = alto_costs_of(node);
        path[visit->level] = node;
    }
    return true;
}

/* Where nothing has a place. */
static void take_one_by_one(const alto_cost_pick *self, const alto_tree *items, double *costs)
{
    alto_value value;
    for (size_t i = 0; i < self->count; i++)
        costs[i] = self->names[i].size > 0 && alto_tree_find(items, self->names[i], &value) ? value.cost : NAN;
}

alto_status alto_cost_pick_row(alto_cost_pick *self, const alto_tree *items, double *costs)
{
    if (!items || items->level >= ALTO_PLACE_LEVELS) {
        take_one_by_one(self, items, costs);
        return ALTO_OK;
    }
    if (!visit_again(self, items) && !find_columns(self, items))
        return ALTO_NO_MEMORY;
    const struct alto_pick_visit *visits = self->visits;
    const struct alto_pick_column *columns = self->columns;
    for (size_t i = 0, count = self->count; i < count; i++)
        costs[i] = visits[columns[i].visit].costs[columns[i].place];
    return ALTO_OK;
}
