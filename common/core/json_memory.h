/* SPDX-License-Identifier: Apache-2.0 */
/* json_memory.h - what is remembered of the last text of a resource: the inside of an alto_map_memory.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_MEMORY_H
#define ALTO_JSON_MEMORY_H

#include "core/mapjson.h"

/* A set of fingerprints of texts. Made with {0}. */
typedef struct {
    alto_fingerprint *slots; /* owned; all zeros: free */
    size_t count, capacity;
} alto_print_set;

void alto_print_set_fini(alto_print_set *self);
/* Room for `count` prints in all; adding cannot fail then. Errors: ALTO_NO_MEMORY. */
alto_status alto_print_set_reserve(alto_print_set *self, size_t count);
void alto_print_set_add(alto_print_set *self, alto_fingerprint print);
bool alto_print_set_has(const alto_print_set *self, alto_fingerprint print);

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
    alto_print_set prints;    /* of the rows' texts, names included */
    alto_prefix_set prefixes; /* of all PIDs of a network map */
};

/* Empty it. */
void alto_map_memory_fini(alto_map_memory *self);

#endif
