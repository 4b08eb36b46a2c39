/* SPDX-License-Identifier: Apache-2.0 */
/* lpm.h - which PID an address belongs to: longest-prefix match over a version of a network map (RFC 7285 11.2.2).
 *
 * An lpm is immutable and made from that of an earlier version in proportion to what changed since; the two share the
 * rest. It is a function of the version alone, also where that has one prefix in several PIDs, which RFC 7285 forbids:
 * then the PID whose name is least has it.
 *
 * Memory: for a prefix 4 bytes where its neighbours are in the map too, and at most three nodes of about 50 bytes
 * where it is far from all others.
 *
 * Threads: may be read, retained and released in any thread. Reading takes no locks. */
#ifndef ALTO_LPM_H
#define ALTO_LPM_H

#include "core/lpm_pids.h"
#include "core/prefix.h"

typedef struct alto_lpm alto_lpm;

/* Make the lpm of a network map version.
 * before     that of another version of the map, or NULL: what they share is not made again
 * *out       owned by the caller; retains `map`
 * Errors     ALTO_NO_MEMORY */
alto_status alto_lpm_make(const alto_lpm *before, const alto_version *map, alto_lpm **out);
alto_lpm *alto_lpm_retain(const alto_lpm *self);
void alto_lpm_release(const alto_lpm *self); /* NULL is accepted */

/* The version it was made of. Borrowed. */
const alto_version *alto_lpm_map(const alto_lpm *self);
/* How many prefixes it holds, of both families; one that is in several PIDs counts once. */
uint64_t alto_lpm_prefixes(const alto_lpm *self);

/* The PID that the address belongs to; NULL when no prefix covers it. Borrowed from the lpm. */
const alto_pid *alto_lpm_pid(const alto_lpm *self, const alto_endpoint *address);
/* The same for several addresses, which takes less time than one by one. */
void alto_lpm_pids(const alto_lpm *self, const alto_endpoint *addresses, size_t count, const alto_pid **pids);

#endif
