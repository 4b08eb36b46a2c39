/* SPDX-License-Identifier: Apache-2.0 */
/* roots.h - the root key sets of an origin, from the first one, the anchor, to the newest: each came with a manifest that the
 * set before it signed, and it itself. Those manifests in order are the *list*: who holds an old set goes along it,
 * signature by signature, so nobody has to be trusted for it.
 *
 *   list: for each change of the root set: u32 size of the manifest file, the file
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_ROOTS_H
#define ALTO_ROOTS_H

#include "core/manifest.h"

#define ALTO_MAX_ROOT_SETS 64     /* changes in the life of an origin */
#define ALTO_MAX_ROOT_LIST 262144 /* bytes of a list: 64 manifests, each with some 30 keys and signatures */

typedef struct {
    alto_anchor reached;     /* the newest set, under the name of the origin */
    uint32_t epoch, version; /* of the manifest that it came with; 0.0: none, it is the anchor */
    size_t count;            /* of changes */
    alto_buffer list;
} alto_roots;

void alto_roots_init(alto_roots *self, const alto_anchor *anchor);
void alto_roots_fini(alto_roots *self);

/* A manifest was accepted against the set reached (alto_manifest_open): when it has another root set, that is reached now.
 * Errors: ALTO_TOO_LARGE, ALTO_NO_MEMORY; nothing changes then. */
alto_status alto_roots_take(alto_roots *self, alto_slice file, const alto_manifest *manifest);

/* Go along somebody's list as far as signatures lead. What lies behind is passed over: a set that was replaced has no say
 * any more. A manifest that has expired still says who came after.
 * ALTO_OK       another set was reached
 * ALTO_KNOWN    there is nothing new in it
 * otherwise     ALTO_MALFORMED, ALTO_TOO_LARGE, ALTO_NO_MEMORY and what alto_manifest_open says of the first manifest that
 *               is not accepted; what came before it counts all the same */
alto_status alto_roots_walk(alto_roots *self, alto_slice list, uint64_t now_ms);

#endif
