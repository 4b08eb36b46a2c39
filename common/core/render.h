/* SPDX-License-Identifier: Apache-2.0 */
/* render.h - a version as ALTO JSON, in pieces that are kept with the nodes they
 * were made from; render.c is the only file that knows zlib.
 *
 * The text is compact JSON: "meta" first, then other members, then the data member; PIDs in name order,
 * prefixes in address order, costs as alto_number_format. A piece covers a whole
 * node of the tree, of some thousand items, and is made on first use; after a change only the
 * pieces of changed nodes are made anew. The gzip form is one member: deflate
 * pieces ending in a full flush, with the CRC combined.
 *
 * Threads: alto_render may run in several threads at once on one version; a
 * rendering is immutable and may be read in any thread. */
#ifndef ALTO_RENDER_H
#define ALTO_RENDER_H

#include "core/version.h"

typedef enum { ALTO_IDENTITY, ALTO_GZIP } alto_coding;

/* The body of an answer: a list of borrowed pieces. */
typedef struct alto_rendering alto_rendering;

/* Make the body of `version` (retained by the rendering, which lives as long as it is retained).
 * Errors: ALTO_NO_MEMORY. */
alto_status alto_render(const alto_version *version, alto_coding coding, alto_rendering **out);
alto_rendering *alto_rendering_retain(alto_rendering *self);
void alto_rendering_release(alto_rendering *self); /* NULL is accepted */

uint64_t alto_rendering_size(const alto_rendering *self); /* bytes in all: Content-Length */
size_t alto_rendering_pieces(const alto_rendering *self);
alto_slice alto_rendering_piece(const alto_rendering *self, size_t index); /* borrowed */

/* Length in bytes of the identity text, without keeping it. Cached with the nodes; after a change costs the change.
 * Errors: ALTO_NO_MEMORY. */
alto_status alto_render_size(const alto_version *version, uint64_t *bytes);

/* The whole identity text in one buffer: for command lines and tests. */
alto_status alto_render_text(const alto_version *version, alto_buffer *out);

#endif
