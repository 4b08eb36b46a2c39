/* SPDX-License-Identifier: Apache-2.0 */
/* lpm_pids.h - the PIDs of a network map under small numbers that stay the same from one lpm to the next.
 *
 * A table in blocks that are reference-counted and shared between copies: adding or removing a PID copies the
 * block it is in, and one pointer for each block.
 *
 * A PID remembers where in a cost map it was found last, and looks there first: costs are found by comparing two names
 * instead of some twenty. What it remembers is a guess that is checked, so any PID may be used with any cost map.
 *
 * Threads: a table that is not edited, and its PIDs, may be used and copied in any thread. */
#ifndef ALTO_LPM_PIDS_H
#define ALTO_LPM_PIDS_H

#include "core/version.h"

typedef struct alto_pid alto_pid;

/* Borrowed from the table and its copies; a NUL follows. */
alto_slice alto_pid_name(const alto_pid *self);
/* The costs from a PID; false when the cost map has no such row. Borrowed from the version. */
bool alto_pid_row(const alto_pid *self, const alto_version *costs, const alto_tree **row);
/* The cost to a PID in the row of another; false when it is not defined. */
bool alto_pid_cell(const alto_pid *self, const alto_tree *row, double *cost);
/* That cost is about to be asked for: let the memory bring what it takes meanwhile, first where the row begins, and when that is there
 * the cell. */
typedef enum { ALTO_EXPECT_ROW, ALTO_EXPECT_CELL } alto_pid_expected;
void alto_pid_expect(const alto_pid *self, const alto_tree *row, alto_pid_expected what);

#define ALTO_PIDS_BLOCK 256 /* PIDs */

typedef struct alto_pids_block alto_pids_block;

typedef struct {
    alto_pids_block **blocks; /* owned references */
    size_t count;
} alto_pids;

/* A table with the same PIDs. An empty one is all zeros.
 * Errors: ALTO_NO_MEMORY; *out is empty then. */
alto_status alto_pids_copy(const alto_pids *from, alto_pids *out);
void alto_pids_fini(alto_pids *self);

/* Add a PID; *number gets one that is free.
 * Errors: ALTO_NO_MEMORY: as before. */
alto_status alto_pids_add(alto_pids *self, alto_slice name, uint32_t *number);
/* Remove the PID with that number, which is there.
 * Errors: ALTO_NO_MEMORY: as before. */
alto_status alto_pids_remove(alto_pids *self, uint32_t number);
/* The PID with that number, which is there. Borrowed from the table and its copies. */
const alto_pid *alto_pids_get(const alto_pids *self, uint32_t number);

#endif
