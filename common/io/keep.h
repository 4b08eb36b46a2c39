/* SPDX-License-Identifier: Apache-2.0 */
/* keep.h - views to the state directory and back; origin and relay use it alike.
 * Threads: as store.h. */
#ifndef ALTO_KEEP_H
#define ALTO_KEEP_H

#include "core/replica.h"
#include "io/store.h"

/* Queue a step that was taken for the disk. Errors: ALTO_NO_MEMORY. */
alto_status alto_keep_step(alto_store *store, const alto_applied *applied);

/* The resources of a state that was loaded, ascending by key, each with one reference for the caller; those whose version was not
 * held or was dropped are left out. Free with alto_keep_free. Errors: ALTO_NO_MEMORY, ALTO_MALFORMED. */
alto_status alto_keep_resources(const alto_stored_state *state, const alto_resource ***resources, size_t *count);
void alto_keep_free(const alto_resource **resources, size_t count);

#endif
