/* SPDX-License-Identifier: Apache-2.0 */
/* render_text.h - nodes of a version as compact JSON; for render.c and render_piece.c.
 *
 * A node's own text runs from its first item to its last. What comes before, between and after
 * nodes ("glue") depends on the items on both sides alone, so the text of a node never depends on where it stands.
 *
 * Threads: may be called in any thread. */
#ifndef ALTO_RENDER_TEXT_H
#define ALTO_RENDER_TEXT_H

#include "core/version.h"

/* How the entries of a node are written. */
typedef enum {
    ALTO_FORM_ADDRESSES,    /* items of a PID:       "ipv4":["192.0.2.0/24"],"ipv6":[] */
    ALTO_FORM_COSTS,        /* items of a PID:       "PID1":1,"PID2":6.5 */
    ALTO_FORM_MEMBERS,      /* items of an object:   "name":value */
    ALTO_FORM_VALUE,        /* the one item:         value */
    ALTO_FORM_ADDRESS_ROWS, /* payload rows:      "PID1":{"ipv4":["192.0.2.0/24"]} */
    ALTO_FORM_COST_ROWS     /* payload rows:         "PID1":{"PID1":0} */
} alto_form;

static inline bool alto_form_is_rows(alto_form form)
{
    return form >= ALTO_FORM_ADDRESS_ROWS;
}

/* Of the items in rows of this class. */
alto_form alto_item_form(alto_kind kind, uint8_t row_class);
/* 0 for an empty key, which no version has. */
static inline uint8_t alto_row_class(alto_slice row_key)
{
    return row_key.size ? row_key.data[0] : 0;
}

/* The first and the last key below a node. */
alto_slice alto_first_key(const alto_tree *node);
alto_slice alto_last_key(const alto_tree *node);

/* Append the own text of nodes that follow each other under one parent, or of one. Of rows only those of the payload are
 * written. */
void alto_text_nodes(alto_buffer *out, alto_form form, const alto_tree *const *nodes, size_t count);
/* Append what stands between two entries that follow each other. before NULL: what opens the
 * row; after NULL: what closes it; both NULL: an empty row. */
void alto_text_between(alto_buffer *out, alto_form form, const alto_slice *before, const alto_slice *after);
/* Append "name": of a row. */
void alto_text_row_name(alto_buffer *out, alto_slice row_key);
/* Append one item of a PID, without what stands around it. */
void alto_text_address(alto_buffer *out, alto_slice item);
/* The address type that an item of a PID belongs to, borrowed: "ipv4", "ipv6", another name. */
alto_slice alto_address_type(alto_slice item);
/* Append a whole row: name and items. */
void alto_text_row(alto_buffer *out, alto_kind kind, alto_slice row_key, const alto_tree *items);

/* Length of all keys of a node as JSON strings. scratch: room to work in. */
uint64_t alto_text_names_size(const alto_tree *node, alto_buffer *scratch);

#endif
