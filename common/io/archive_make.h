/* SPDX-License-Identifier: Apache-2.0 */
/* archive_make.h - what can be made of a history when somebody asks for its path: catalogs, snapshots, deltas, bundles.
 * Finding the material needs the history and so its lock; making it needs neither.
 *
 * Threads: material belongs to one thread at a time. */
#ifndef ALTO_ARCHIVE_MAKE_H
#define ALTO_ARCHIVE_MAKE_H

#include "io/archive_history.h"
#include "io/archive_made.h"

#include <stdatomic.h>

typedef enum {
    ALTO_MAKE_CATALOG,
    ALTO_MAKE_SNAPSHOT,
    ALTO_MAKE_DELTA,
    ALTO_MAKE_BUNDLE,
    ALTO_MAKE_COUNT
} alto_make_kind;

/* An item of a bundle. */
typedef struct {
    const alto_blob *blob; /* retained */
    bool is_payload;
    uint16_t index; /* of a payload */
} alto_bundle_item;

/* What is needed to make one thing. */
typedef struct alto_material {
    alto_make_kind kind;
    alto_origin origin;
    alto_tree *catalog;       /* retained */
    alto_resource *from, *to; /* retained */
    size_t item_count;
    alto_bundle_item *items; /* owned */
    uint64_t work;           /* bytes that have to be looked at, roughly */
    struct alto_material *next;
    char path[ALTO_MADE_PATH];
} alto_material;

/* What is needed for `path`. Errors: ALTO_NOT_FOUND; ALTO_OLD (a bundle that begins too early, or would be beyond
 * its limits); ALTO_NO_MEMORY. End with alto_material_destroy. */
alto_status alto_material_find(const alto_history *history, const alto_origin *origin, const char *path,
                               alto_material **out);
void alto_material_destroy(alto_material **self);

/* Make it. stop: set by another thread when nobody wants it any more. NULL with a status: ALTO_NO_MEMORY, ALTO_TOO_LARGE,
 * ALTO_BUSY (stopped). */
const alto_blob *alto_material_make(const alto_material *self, const atomic_bool *stop, alto_status *status);

#endif
