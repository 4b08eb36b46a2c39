/* SPDX-License-Identifier: Apache-2.0 */
/* lpm_names.h - names of PIDs under small numbers that stay the same from one lpm to the next.
 *
 * A table in blocks that are reference-counted and shared between copies: adding or removing a name copies the
 * block it is in, and one pointer for each block.
 *
 * Threads: a table that is not edited may be read and copied in any thread. */
#ifndef ALTO_LPM_NAMES_H
#define ALTO_LPM_NAMES_H

#include "core/bytes.h"

#define ALTO_NAMES_BLOCK 256 /* names */

typedef struct alto_names_block alto_names_block;

typedef struct {
    alto_names_block **blocks; /* owned references */
    size_t count;
} alto_names;

/* A table with the same names. An empty one is all zeros.
 * Errors: ALTO_NO_MEMORY; *out is empty then. */
alto_status alto_names_copy(const alto_names *from, alto_names *out);
void alto_names_fini(alto_names *self);

/* Add a name; *number gets one that is free.
 * Errors: ALTO_NO_MEMORY: as before. */
alto_status alto_names_add(alto_names *self, alto_slice name, uint32_t *number);
/* Remove the name with that number, which is there.
 * Errors: ALTO_NO_MEMORY: as before. */
alto_status alto_names_remove(alto_names *self, uint32_t number);
/* The name with that number, which is there. Borrowed from the table and its copies. */
alto_slice alto_names_get(const alto_names *self, uint32_t number);

#endif
