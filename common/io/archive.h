/* SPDX-License-Identifier: Apache-2.0 */
/* archive.h - what a publisher or relay can be asked for over HTTP: the current
 * view, the signed objects and payloads of recent commits, and snapshots and
 * deltas of the versions it still holds, made when first asked for and shared by all who ask.
 *
 * Superseded objects stay ALTO_KEEP_MS, within bounds on their bytes and number; the newest always stay.
 *
 * Threads: every function may be called in any thread. */
#ifndef ALTO_ARCHIVE_H
#define ALTO_ARCHIVE_H

#include "core/replica.h"

#define ALTO_KEEP_MS 300000       /* superseded objects, at least, unless the bounds are hit */
#define ALTO_KEEP_BYTES 268435456 /* most bytes of superseded objects and things made of them */
#define ALTO_KEEP_OBJECTS 262144  /* most of them */
#define ALTO_KEEP_VIEWS 1024      /* most superseded views, whose catalogs and versions can be asked for */

typedef struct alto_archive alto_archive;

/* Bytes with one or more owners. */
typedef struct {
    size_t size;
    const uint8_t *data;
    char etag[ALTO_HASH_SIZE + 3]; /* strong entity tag over these very bytes, with its quotes */
} alto_blob;
void alto_blob_release(const alto_blob *blob); /* NULL is accepted */

alto_archive *alto_archive_new(const alto_origin *origin); /* NULL: out of memory */
void alto_archive_destroy(alto_archive **self);
const alto_origin *alto_archive_origin(const alto_archive *self);

/* A step was taken: its view becomes the current one. Errors: ALTO_NO_MEMORY (then the view is current all the same, but something of
 * the step cannot be asked for). */
alto_status alto_archive_step(alto_archive *self, const alto_applied *applied);
/* A newer head for the current view. */
alto_status alto_archive_head(alto_archive *self, alto_slice object, const alto_signature *signature);
alto_status alto_archive_manifest(alto_archive *self, alto_slice file, uint32_t epoch, uint32_t version);

/* The current view, retained; NULL while there is none. */
alto_view *alto_archive_view(alto_archive *self);

/* What stands at a path below ".../<origin>/" (docs/wire-format.md); *lasting says whether it can never change.
 * NULL and a status: ALTO_NOT_FOUND, ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
const alto_blob *alto_archive_get(alto_archive *self, const char *path, bool *lasting, alto_status *status);

#endif
