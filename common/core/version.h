/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - one immutable state of one resource: (row, item) -> value.
 *
 * A version is a tree of rows; the value of a row is a tree of items. The first
 * byte of a row key is its class, the rest its name:
 *
 *   class               row name             items                               value
 *   ALTO_ROW_MEMBER     top-level name       member name of that object          canonical JSON text
 *   ALTO_ROW_VALUE      top-level name       one, with the empty key             canonical JSON text
 *   ALTO_ROW_PAYLOAD    PID                  network map: address item (below)   none
 *                       source PID           cost map: destination PID           cost
 *
 * So "meta" is a MEMBER row, unknown members at top level survive as MEMBER (objects) or VALUE
 * (anything else), and no PID called "meta" collides. A document has no payload rows.
 * "network-map"/"cost-map" itself is not a row: it is implied by the kind.
 *
 * An address item of a network map is
 *   4, four bytes of the address (masked), prefix length      an IPv4 prefix
 *   6, sixteen bytes of the address (masked), prefix length   an IPv6 prefix
 *   4 or 6 alone                                              the array is there, but empty
 *   0x80, address type, 0, canonical JSON text                a member of another name, whole
 * Byte order of the keys is address order. "There, but empty" is present only
 * when no prefix of that family is.
 *
 * The root is H("altocast-root-1", kind, rows, items, hash of the tree of rows).
 *
 * Threads: versions may be read, retained and released in any thread. */
#ifndef ALTO_VERSION_H
#define ALTO_VERSION_H

#include "core/tree.h"

typedef enum { ALTO_NETWORK_MAP = 1, ALTO_COST_MAP = 2, ALTO_DOCUMENT = 3 } alto_kind;

enum { ALTO_ROW_MEMBER = 1, ALTO_ROW_VALUE = 2, ALTO_ROW_PAYLOAD = 3 };

enum { ALTO_ITEM_IPV4 = 4, ALTO_ITEM_IPV6 = 6, ALTO_ITEM_OTHER = 0x80 };

/* "network map", "cost map", "document". */
const char *alto_kind_name(alto_kind kind);
/* The data member the kind implies ("network-map", "cost-map"), or NULL. */
const char *alto_kind_member(alto_kind kind);
/* Type of the item values in rows of this class. */
alto_value_type alto_item_type(alto_kind kind, uint8_t row_class);

typedef struct alto_version alto_version;

alto_version *alto_version_retain(const alto_version *self);
void alto_version_release(const alto_version *self); /* NULL is accepted */

alto_kind alto_version_kind(const alto_version *self);
const alto_hash *alto_version_root(const alto_version *self);
uint64_t alto_version_rows(const alto_version *self);         /* rows of all classes */
uint64_t alto_version_items(const alto_version *self);        /* items of all rows */
const alto_tree *alto_version_tree(const alto_version *self); /* tree of rows, borrowed; NULL when empty */

/* A version of `kind` around a tree of rows. Takes over `rows` (even on failure).
 * Errors: ALTO_NO_MEMORY. */
alto_status alto_version_make(alto_kind kind, alto_tree *rows, alto_version **out);

/* A row key: class and name, in memory of its own. */
typedef struct {
    uint8_t bytes[1 + 255];
    uint16_t size;
} alto_row_key;
/* name.size up to 255 (PIDs have 64; top-level names of documents are refused beyond). */
alto_row_key alto_row_key_make(uint8_t row_class, alto_slice name);
static inline alto_slice alto_row_key_slice(const alto_row_key *key)
{
    return (alto_slice){key->bytes, key->size};
}

/* One change of one row. */
typedef struct {
    alto_slice row; /* row key: class, name */
    enum {
        ALTO_ROW_ITEMS,   /* apply `edits` to it; the row is made when absent and stays when it becomes empty */
        ALTO_ROW_REPLACE, /* its items become `items`, which is lent */
        ALTO_ROW_REMOVE   /* the row and all its items go; absent already is no error */
    } what;
    const alto_edit *edits; /* ascending by key */
    size_t count;
    const alto_tree *items;
} alto_row_edit;

/* A new version: `base` (NULL: empty, of `kind`) with the row edits applied, which are strictly ascending by row.
 * Returns an equal version as a new reference to base when nothing changed.
 * Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_version_edit(alto_pool *pool, alto_kind kind, const alto_version *base, const alto_row_edit *edits,
                              size_t count, alto_version **out);

/* The items of a row: false when there is no such row. *items NULL: an empty row. Borrowed. */
bool alto_version_row(const alto_version *self, uint8_t row_class, alto_slice name, const alto_tree **items);
/* The same, and its place among the rows (alto_tree_find_again). */
bool alto_version_place(const alto_version *self, uint8_t row_class, alto_slice name, uint64_t *place,
                        const alto_tree **items);
/* The JSON text of a member of a top-level object, e.g. ("meta", "vtag"); false when absent. Borrowed. */
bool alto_version_member(const alto_version *self, const char *row, const char *member, alto_slice *text);
/* Cost from one PID to another; false when it is not defined (which is not 0). O(log). */
bool alto_version_cost(const alto_version *self, alto_slice source, alto_slice destination, double *cost);

/* What changed between two versions of one resource, in numbers and for people. */
typedef struct {
    uint64_t rows_added, rows_removed, rows_changed; /* PIDs */
    uint64_t items_added, items_removed,
        items_changed;        /* cells, or prefixes (a moved one counts as removed and added) */
    uint64_t members_changed; /* members of meta and of anything else */
} alto_change_counts;
/* before may be NULL: all is added. Costs in proportion to the change. */
void alto_version_compare(const alto_version *before, const alto_version *after, alto_change_counts *counts);

#endif
