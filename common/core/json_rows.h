/* SPDX-License-Identifier: Apache-2.0 */
/* json_rows.h - the rows of maps and documents, from JSON text to trees of items.
 *
 * The rows of a cost map nearly always name the same destinations in the same
 * order. A reader remembers that order (its plan): a row that follows it is read without
 * sorting, and its tree takes the keys from the plan's. All rows read by one
 * reader are parts of one document, which stays in memory meanwhile.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_ROWS_H
#define ALTO_JSON_ROWS_H

#include "core/json_text.h"
#include "core/tree.h"

typedef struct alto_row_reader alto_row_reader;
/* many_rows: is it worth while to remember columns? Returns NULL when out of memory. */
alto_row_reader *alto_row_reader_new(alto_pool *pool, bool many_rows);
void alto_row_reader_destroy(alto_row_reader **self); /* NULL is accepted */

/* Each reads the JSON value `text` (whose bytes have passed alto_json_bytes_valid()) to a tree of items.
 * before  the row so far (may be NULL): what is the same is shared with it
 * path    of the row, e.g. "/cost-map/PID1"
 * *out    owned by the caller; NULL for an empty row
 * Errors: explained by way of `place`. */

/* A row of a cost map. ALTO_WRONG_TYPE: some cell is no number. That comes before any other fault of the cells,
 * so that it does not depend on their order whether the whole is a cost map. */
alto_status alto_row_read_costs(alto_row_reader *self, alto_slice text, const alto_tree *before, const char *path,
                                const alto_json_place *place, alto_tree **out);
/* A row of a network map. */
alto_status alto_row_read_prefixes(alto_row_reader *self, alto_slice text, const alto_tree *before, const char *path,
                                   const alto_json_place *place, alto_tree **out);
/* The members of an object, each as canonical text. */
alto_status alto_row_read_members(alto_row_reader *self, alto_slice text, const alto_tree *before, const char *path,
                                  const alto_json_place *place, alto_tree **out);
/* A value of another type: one item with an empty key. */
alto_status alto_row_read_value(alto_row_reader *self, alto_slice text, const alto_tree *before, const char *path,
                                const alto_json_place *place, alto_tree **out);

#endif
