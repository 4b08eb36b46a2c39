/* SPDX-License-Identifier: Apache-2.0 */
/* json_memory.h - what is remembered of the last text of a resource: the inside of an alto_map_memory.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_MEMORY_H
#define ALTO_JSON_MEMORY_H

#include "core/mapjson.h"

/* What is remembered of a row's text. */
typedef struct {
    uint64_t name;           /* fingerprint of class and name */
    alto_fingerprint member; /* of name and value as they stand in the text */
    size_t size;             /* bytes of these; 0: no row */
} alto_row_print;

/* The prints of rows, found by name. Made with {0}. */
typedef struct {
    alto_row_print *slots; /* owned */
    size_t capacity;
} alto_row_prints;

void alto_row_prints_fini(alto_row_prints *self);
/* Empty it and make room for `count` rows: adding cannot fail then. Errors: ALTO_NO_MEMORY, then it is empty and has no room. */
alto_status alto_row_prints_begin(alto_row_prints *self, size_t count);
void alto_row_prints_add(alto_row_prints *self, const alto_row_print *print);
/* NULL when there is none. */
const alto_row_print *alto_row_prints_find(const alto_row_prints *self, uint64_t name);

/* A set of prefix keys (version.h). Made with {0}. */
typedef struct {
    struct alto_prefix_slot *slots; /* owned */
    size_t count, capacity;
} alto_prefix_set;

void alto_prefix_set_fini(alto_prefix_set *self);
/* Errors: ALTO_DUPLICATE when it is there already; ALTO_NO_MEMORY, but not when as many were there before. */
alto_status alto_prefix_set_add(alto_prefix_set *self, alto_slice key);
/* Absent already is no error. */
void alto_prefix_set_remove(alto_prefix_set *self, alto_slice key);

struct alto_map_memory {
    bool ready;               /* does it describe anything yet? */
    alto_hash root;           /* of the version that it describes */
    alto_row_prints prints;   /* of the rows' texts */
    alto_prefix_set prefixes; /* of all PIDs of a network map */
};

/* Empty it. */
void alto_map_memory_fini(alto_map_memory *self);

#endif
