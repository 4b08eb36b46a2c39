/* SPDX-License-Identifier: Apache-2.0 */
/* view.h - all resources of one origin at one signed commit.
 *
 * A view is immutable: whoever holds one reads it without locks while newer ones come.
 *
 * Threads: views and resources may be read, retained and released in any thread. */
#ifndef ALTO_VIEW_H
#define ALTO_VIEW_H

#include "core/delta.h"
#include "core/lpm.h"
#include "core/wire.h"

/* One resource in a view; shared between views while it does not change. */
typedef struct {
    alto_slice key;          /* in the catalog tree: ID, NUL, input */
    alto_resource_name name; /* borrowed from key */
    alto_entry entry;
    const alto_version *version; /* NULL when this replica does not follow the resource */
} alto_resource;

/* A new resource with one reference; retains version. NULL: out of memory. */
alto_resource *alto_resource_new(alto_slice key, const alto_entry *entry, const alto_version *version);
alto_resource *alto_resource_retain(const alto_resource *resource);
void alto_resource_release(const alto_resource *resource);

/* May it be shown: held, and not withheld until its network map fits? */
static inline bool alto_resource_shown(const alto_resource *resource)
{
    return resource->version && !(resource->entry.flags & ALTO_ENTRY_WITHHELD);
}

/* Which PID an address belongs to in a network map that is held. It is made when it is first asked for, from that of the
 * resource that this one followed in a view, and then stays with the resource, which lends it. Two threads that ask first at once
 * both make it.
 * Errors: ALTO_NO_MEMORY. */
alto_status alto_resource_lpm(const alto_resource *network_map, const alto_lpm **out);
/* The same if it is made already; NULL: not yet. */
const alto_lpm *alto_resource_lpm_made(const alto_resource *network_map);

typedef struct {
    alto_origin origin;
    alto_position position;
    alto_hash commit_hash, state_root;
    alto_tree *catalog; /* all resources, followed or not */
    size_t count;
    const alto_resource *const *resources; /* ascending by key */
} alto_view;

/* A view of `count` resources, ascending by key, each retained. The catalog is retained. NULL: out of memory. */
alto_view *alto_view_new(const alto_origin *origin, const alto_position *position, const alto_hash *commit_hash,
                         const alto_hash *state_root, const alto_tree *catalog, const alto_resource *const *resources,
                         size_t count);
/* One resource of a view as it becomes. */
typedef struct {
    alto_slice key;
    const alto_resource *after; /* lent; NULL: withdrawn */
} alto_view_change;

/* The view that follows `before` (NULL: none), at another commit and with these changes, ascending by key; all else
 * is shared with it. A network map that follows another keeps hold of what was made of that for alto_resource_lpm, if
 * anything was. NULL: out of memory. */
alto_view *alto_view_next(const alto_view *before, const alto_origin *origin, const alto_position *position,
                          const alto_hash *commit_hash, const alto_hash *state_root, const alto_tree *catalog,
                          const alto_view_change *changes, size_t count);
alto_view *alto_view_retain(const alto_view *view);
void alto_view_release(const alto_view *view); /* NULL is accepted */

/* The resource with that catalog key, or that ID and no input; NULL when there is none. Borrowed from the view. */
const alto_resource *alto_view_by_key(const alto_view *view, alto_slice key);
const alto_resource *alto_view_by_id(const alto_view *view, const char *id);

/* What an entry tells of meta, as a delta needs it (delta.h). The slices point into `bytes`. */
typedef struct {
    alto_implied implied;
    alto_buffer bytes;
} alto_entry_texts;
/* Errors: ALTO_NO_MEMORY. End with alto_entry_texts_fini, also after an error. */
alto_status alto_entry_texts_make(const alto_resource_name *name, const alto_entry *entry, alto_entry_texts *out);
void alto_entry_texts_fini(alto_entry_texts *texts);

#endif
