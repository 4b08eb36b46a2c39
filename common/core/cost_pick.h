/* SPDX-License-Identifier: Apache-2.0 */
/* cost_pick.h - some columns of a cost map, row by row.
 *
 * The rows of a cost map have mostly the same keys, and share them. So it is found once in which leaves, and where in
 * them, the columns are, and found again only at a row whose keys are others.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_COST_PICK_H
#define ALTO_COST_PICK_H

#include "core/tree.h"

#include <math.h>

typedef struct {
    const alto_slice *names; /* of the columns; lent until the end */
    size_t count;
    uint32_t *columns;              /* owned; where each is in its leaf */
    struct alto_pick_visit *visits; /* owned */
    size_t visit_count, visit_room;
    bool known;             /* where the columns are */
    const alto_tree *row;   /* in which they were found before; NULL: in none */
    const uint64_t *places; /* there */
} alto_cost_pick;

/* names      of the columns in any order, also twice; the more of them are neighbours that are so in the map, the quicker. An empty one
 *            is of a column that no row has
 * Errors     ALTO_NO_MEMORY. End with alto_cost_pick_fini, also after an error. */
alto_status alto_cost_pick_init(alto_cost_pick *self, const alto_slice *names, size_t count);
void alto_cost_pick_fini(alto_cost_pick *self);

/* All columns were found in a row before, at places (tree.h): they need not be looked for again there. Lent until the end. */
void alto_cost_pick_found(alto_cost_pick *self, const alto_tree *row, const uint64_t *places);

/* The costs of a row (NULL: an empty one) in the columns; NaN where there is none, which no cost is. The rows picked
 * before must still be held. Errors: ALTO_NO_MEMORY. */
alto_status alto_cost_pick_row(alto_cost_pick *self, const alto_tree *items, double *costs);
static inline bool alto_cost_none(double cost)
{
    return isnan(cost);
}

#endif
