/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h - forks that a replica found: proof that keys of the origin signed two histories. Both statements are kept, so
 * that people can check and show them; no relay could have made them.
 *
 * They are kept in memory, and where there is a directory also there: each statement as signed-object file (the object, then its
 * signature), named <position>-<hash of the commit there>.signed. Both are bounded: the first forks say all there is to say.
 *
 * Threads: alto_evidence_add in one thread, the rest in any. */
#ifndef ALTO_EVIDENCE_H
#define ALTO_EVIDENCE_H

#include "core/replica.h"

#define ALTO_MAX_FORKS 8 /* kept; the replica counts them all */

typedef struct alto_evidence alto_evidence;

typedef struct {
    alto_position position;
    alto_hash hashes[2];       /* as in alto_fork: held, other */
    alto_buffer statements[2]; /* signed-object files that say so */
} alto_kept_fork;

/* directory  copied; made when the first fork is kept. What lies there already is told to the log. NULL: memory alone
 * label      begins the fields of its log lines: "", or "origin=isp-a "; must outlive it
 * NULL: out of memory. */
alto_evidence *alto_evidence_new(const char *directory, const char *label);
void alto_evidence_destroy(alto_evidence **self);

/* Keep a fork, write its files and tell the log; waits for the disk, since forks are few. One that is kept already, or one
 * too many, changes nothing and is not told. */
void alto_evidence_add(alto_evidence *self, const alto_fork *fork);

/* How many are kept, and each of them, which stays as it is. */
size_t alto_evidence_count(const alto_evidence *self);
const alto_kept_fork *alto_evidence_at(const alto_evidence *self, size_t index);

#endif
