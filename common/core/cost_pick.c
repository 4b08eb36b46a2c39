/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cost_pick.h"

#include "core/limits.h"
#include "core/tree_guess.h"
#include "core/tree_node.h"

#include <stdlib.h>

enum { FIRST_VISITS = 64 }; /* room for so many at first */

static const uint32_t nowhere = UINT32_MAX; /* the place of a column that the row does not have */

/* One node of a row on the way to columns. They are in the order of a walk that takes the columns one by one: parents before
 * children, and a node again when the columns are in no order. */
struct alto_pick_visit {
    const alto_run *keys; /* of the node that this is about */
    uint32_t child;       /* where it stands in its parent */
    uint32_t level;
    size_t end; /* the first column that is not taken here */
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

void alto_cost_pick_found(alto_cost_pick *self, const alto_tree *row, const uint64_t *places)
{
    self->row = row;
    self->places = places;
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
        const struct alto_pick_visit visit = {.keys = node->keys, .child = child, .level = level};
        if (place >> above != before >> above && !add_visit(self, &visit))
            return false;
    }
    return true;
}

/* Is there such a column in a row? *place: where it is, or would be; 0: nowhere. */
static bool find_column(const alto_cost_pick *self, const alto_tree *items, size_t column, uint64_t *place)
{
    alto_value value;
    *place = self->row == items ? self->places[column] : 0;
    return self->row == items ||
           (self->names[column].size > 0 && alto_tree_find_again(items, self->names[column], place, &value));
}

static bool find_columns(alto_cost_pick *self, const alto_tree *items)
{
    const struct alto_pick_visit top = {.keys = items->keys, .level = items->level};
    uint64_t place, before = 0;
    self->known = false;
    self->visit_count = 0;
    if (!add_visit(self, &top))
        return false;
    for (size_t i = 0; i < self->count; i++) {
        bool found = find_column(self, items, i, &place);
        /* Where it would be is gone by too: the next row may have it. What is behind the last key of all, the top tells. */
        if (place && !add_visits(self, items, place, before))
            return false;
        before = place ? place : before;
        self->columns[i] = found ? alto_place_index(place, 0) : nowhere;
        self->visits[self->visit_count - 1].end = i + 1;
    }
    self->known = true;
    return true;
}

/* ---- taking the costs ---- */

/* Go where the columns were in the row before; false when this one has other keys somewhere. */
static bool take_again(const alto_cost_pick *self, const alto_tree *items, double *costs)
{
    const alto_tree *path[ALTO_TREE_MAX_LEVEL + 2];
    const uint32_t *columns = self->columns;
    size_t column = 0;
    if (!self->known || self->visits[0].level != items->level)
        return false;
    path[items->level + 1] = NULL;
    for (size_t i = 0; i < self->visit_count; i++) {
        const struct alto_pick_visit *visit = &self->visits[i];
        const alto_tree *parent = path[visit->level + 1], *node = parent ? alto_links_of(parent)[visit->child] : items;
        const double *held = alto_costs_of(node);
        if (node->keys != visit->keys)
            return false;
        path[visit->level] = node;
        for (; column < visit->end; column++)
            costs[column] = columns[column] == nowhere ? NAN : held[columns[column]];
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
    if (take_again(self, items, costs))
        return ALTO_OK;
    if (!find_columns(self, items))
        return ALTO_NO_MEMORY;
    take_again(self, items, costs);
    return ALTO_OK;
}
