/* SPDX-License-Identifier: Apache-2.0 */
/* cost_rows.h - the rows of an answer with costs, written source by source: {"FROM":{"TO":1,"TO":2.5},"FROM":{...}}, with several costs
 * at a time {"TO":[1,null]}. What filtered cost map and endpoint cost have in common.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_COST_ROWS_H
#define ALTO_COST_ROWS_H

#include "core/query_cost.h"
#include "core/tree.h"

typedef struct alto_cost_rows alto_cost_rows;

/* Begin.
 * wish       lent until the end
 * texts      of the destinations, as they are written, which need no escapes; lent for the call
 * Returns    NULL when out of memory */
alto_cost_rows *alto_cost_rows_new(const alto_cost_wish *wish, const alto_slice *texts, size_t count);
void alto_cost_rows_destroy(alto_cost_rows **self); /* NULL is accepted */

/* What the destinations are called in one map of the wish; once for each map, before the first row.
 * names      lent until the end; an empty one: there are no costs to it
 * Errors     ALTO_NO_MEMORY */
alto_status alto_cost_rows_name(alto_cost_rows *self, size_t map, const alto_slice *names);

/* All destinations were found before in one row of that map, as alto_cost_pick_found says. */
void alto_cost_rows_found(alto_cost_rows *self, size_t map, const alto_tree *row, const uint64_t *places);

/* Append the row of a source, or nothing when none of its costs is to be answered.
 * rows       of the source in each map of the wish, NULL where it has none
 * text       of the source, which needs no escapes
 * Errors     ALTO_NO_MEMORY; ALTO_TOO_LARGE, the row does not fit into `out` */
alto_status alto_cost_rows_add(alto_cost_rows *self, const alto_tree *const *rows, alto_slice text, alto_buffer *out);
/* Append what ends them. */
void alto_cost_rows_end(const alto_cost_rows *self, alto_buffer *out);

#endif
