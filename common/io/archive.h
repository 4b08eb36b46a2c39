/* SPDX-License-Identifier: Apache-2.0 */
/* archive.h - what a publisher or relay can be asked for over HTTP: the current view, the signed objects and payloads of
 * recent commits, and what is made of the versions that it still holds: snapshots, deltas, catalogs and bundles of
 * commits, each made when first asked for and shared by all who ask.
 *
 * What is superseded stays ALTO_KEEP_MS, within bounds on its memory (archive_history.h, archive_made.h); the newest always stays.
 * What is small is made at once. What needs more than ALTO_MAKE_AT_ONCE bytes of work is made by a thread of the archive, one
 * thing after the other, while whoever asks is told to come again: no thread waits for it. At most ALTO_MAKE_WAITING things wait
 * to be made, and none is ordered while ALTO_MADE_ALIVE bytes of things made are in memory, those that slow readers still hold included.
 *
 * Threads: alto_archive_step, _head, _roots and _manifest belong to one thread; all else may be called in any. */
#ifndef ALTO_ARCHIVE_H
#define ALTO_ARCHIVE_H

#include "io/archive_history.h"

#define ALTO_MAKE_AT_ONCE 2097152  /* bytes of versions to look at: some 20 ms */
#define ALTO_MAKE_WAITING 16       /* things */
#define ALTO_MADE_ALIVE 1073741824 /* bytes, of all archives of this process */

typedef struct alto_archive alto_archive;

/* NULL: out of memory or threads. */
alto_archive *alto_archive_new(const alto_origin *origin);
void alto_archive_destroy(alto_archive **self);
const alto_origin *alto_archive_origin(const alto_archive *self);

/* A step was taken: its view becomes the current one. Errors: ALTO_NO_MEMORY (then the view is current all the same, but something of
 * the step cannot be asked for). */
alto_status alto_archive_step(alto_archive *self, const alto_applied *applied);
/* A version that `current`, a resource of the current view, had in an earlier life, with the bytes of the deltas between them: deltas from
 * it can be asked for. It stays as long as what the current view has. Errors: ALTO_NO_MEMORY, ALTO_NOT_FOUND. */
alto_status alto_archive_remember(alto_archive *self, const alto_resource *current, const alto_version *older,
                                  uint64_t delta_bytes);
/* A newer head for the current view. Errors: ALTO_NO_MEMORY. */
alto_status alto_archive_head(alto_archive *self, alto_slice object, const alto_signature *signature);
/* The list of root sets (roots.h); empty: there is none to serve. Before the manifest that needs it. Errors: ALTO_NO_MEMORY. */
alto_status alto_archive_roots(alto_archive *self, alto_slice list);
/* The newest manifest file. Errors: ALTO_NO_MEMORY. */
alto_status alto_archive_manifest(alto_archive *self, alto_slice file, uint32_t epoch, uint32_t version);

/* The current view, retained; NULL while there is none. */
alto_view *alto_archive_view(alto_archive *self);

/* What stands at a path below ".../<origin>/" (docs/wire-format.md), retained; *lasting says whether it can never change.
 * NULL and a status: ALTO_NOT_FOUND, ALTO_OLD (no longer held: alto_archive_where says where to go on), ALTO_BUSY (it is
 * being made, or there is too much to do: come again), ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
const alto_blob *alto_archive_get(alto_archive *self, const char *path, bool *lasting, alto_status *status);

/* The answer to "since/<position>": which ways lead from there to the newest state. JSON, appended to `out`.
 * Errors: ALTO_NOT_FOUND (no position), ALTO_OLD (not held), ALTO_BUSY (nothing is held), ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_archive_since(alto_archive *self, const char *position, alto_buffer *out);
/* The positions of the newest state and of the oldest that alto_archive_since answers. JSON, appended; nothing while
 * nothing is held. */
void alto_archive_where(alto_archive *self, alto_buffer *out);

/* How many of each were made so far. */
typedef struct {
    uint64_t snapshots, deltas, bundles;
} alto_archive_made;
alto_archive_made alto_archive_made_so_far(alto_archive *self);

#endif
