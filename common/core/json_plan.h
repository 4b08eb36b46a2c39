/* SPDX-License-Identifier: Apache-2.0 */
/* json_plan.h - the columns that rows of a cost map have in common, and reading rows by them.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_PLAN_H
#define ALTO_JSON_PLAN_H

#include "core/json_items.h"

/* Made with {0}. */
typedef struct {
    size_t count, capacity;
    alto_slice *names; /* owned; in document order; the names are borrowed from the document and have no escapes */
    alto_slice *keys;  /* owned; the same, sorted */
    uint32_t *places;  /* owned; names[i] is keys[places[i]] */
    double *costs;     /* owned; of the row read last, by place; NaN where it has no such column */
    size_t missing;    /* how many columns it lacks */
    alto_tree *shape;  /* owned: a tree with all the keys; made when needed */
} alto_plan;

void alto_plan_fini(alto_plan *self);

/* Take the columns of a row that was read in the ordinary way into the plan.
 * names   in document order, borrowed from the document, without escapes
 * sorted  the row's items, sorted and unique
 * Errors: ALTO_NO_MEMORY; the plan is empty then. */
alto_status alto_plan_learn(alto_plan *self, const alto_slice *names, const alto_items *sorted);

/* Does `text`, a JSON object, follow the plan, but for columns that it leaves out? Then self->costs and self->missing
 * are set. False means nothing but that it has to be read in the ordinary way. */
bool alto_plan_read(alto_plan *self, alto_slice text);

/* What was read, as a tree that shares with `before` (may be NULL) what is the same. `items` is scratch memory. */
alto_status alto_plan_tree(alto_plan *self, alto_pool *pool, alto_items *items, const alto_tree *before,
                           alto_tree **out);

#endif
