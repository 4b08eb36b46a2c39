/* SPDX-License-Identifier: Apache-2.0 */
/* json_items.h - the entries of a row, gathered in any order, sorted, and made a tree.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_ITEMS_H
#define ALTO_JSON_ITEMS_H

#include "core/tree.h"

typedef struct {
    alto_slice key;
    alto_value value;
} alto_item;

/* Made with {0}. The memory is kept from one row to the next. */
typedef struct {
    alto_item *at; /* owned */
    size_t count, capacity;
    alto_item *spare; /* owned; as many, while sorting */
    double *costs;    /* owned; as many */
    alto_edit *edits; /* owned; towards a tree */
    size_t edit_count, edit_capacity;
    struct alto_chunk *chunks; /* owned; the newest first */
} alto_items;

void alto_items_fini(alto_items *self);
/* Forget all items and edits, and what was copied. */
void alto_items_clear(alto_items *self);
/* Append; key and value are borrowed. Errors: ALTO_NO_MEMORY. */
alto_status alto_items_add(alto_items *self, alto_slice key, alto_value value);
/* Room for `size` bytes until the next clear; NULL when out of memory. */
uint8_t *alto_items_room(alto_items *self, size_t size);
/* A copy of `bytes` there; false when out of memory. */
bool alto_items_copy(alto_items *self, alto_slice bytes, alto_slice *copy);

/* Sort by key; equal keys keep their order. Linear when they are sorted already, or in a few ascending
 * pieces. Errors: ALTO_NO_MEMORY. */
alto_status alto_items_sort(alto_items *self);
/* The first item of sorted ones that has the key of the one before it, or NULL. */
const alto_item *alto_items_twice(const alto_items *self);

/* Note something to be done to a row; key and value are borrowed until the next clear. Keys must ascend. false when out
 * of memory. */
bool alto_items_edit(alto_items *self, alto_slice key, alto_value value, bool remove);

/* A tree of the items, which are sorted and unique, that shares with `before` (may be NULL) what is the same.
 * Equal content gives `before` itself, retained. Errors: as alto_tree_edit. */
alto_status alto_items_tree(alto_items *self, alto_pool *pool, alto_value_type type, const alto_tree *before,
                            alto_tree **out);

#endif
