/* SPDX-License-Identifier: Apache-2.0 */
/* render.h - a version as ALTO JSON, in pieces that are kept with the nodes they
 * were made from.
 *
 * The text is compact JSON: "meta" first, then other members in name order, then the data member; PIDs in name order,
 * prefixes in address order, costs as alto_number_format. A piece covers whole
 * nodes of the tree, of some thousand items, and is made on first use; after a change only the
 * pieces of changed nodes are made anew. The gzip form is one member: deflate
 * pieces ending in a full flush, with the CRC combined. The zstd form is one frame after another, each complete in itself.
 * All forms are functions of the version's content (and of the zlib or libzstd in use): however a version came to be,
 * its bytes are the same. Each form is made and kept when it is first wanted, apart from the others.
 *
 * Threads: all functions may run in several threads at once, also on one version; a
 * rendering is immutable and may be read in any thread. */
#ifndef ALTO_RENDER_H
#define ALTO_RENDER_H

#include "core/coding.h"
#include "core/version.h"

/* The body of an answer: a list of borrowed pieces. */
typedef struct alto_rendering alto_rendering;

/* Make the body of `version`. The rendering keeps the pieces that it needs, not the version.
 * Errors: ALTO_NO_MEMORY. */
alto_status alto_render(const alto_version *version, alto_coding coding, alto_rendering **out);
alto_rendering *alto_rendering_retain(alto_rendering *self);
void alto_rendering_release(alto_rendering *self); /* NULL is accepted */

uint64_t alto_rendering_size(const alto_rendering *self); /* bytes in all: Content-Length */
size_t alto_rendering_pieces(const alto_rendering *self);
alto_slice alto_rendering_piece(const alto_rendering *self, size_t index); /* borrowed, never empty */

/* Length in bytes of the identity text, without keeping it. Cached with the nodes; after a change costs the change.
 * Errors: ALTO_NO_MEMORY. */
alto_status alto_render_size(const alto_version *version, uint64_t *bytes);
/* The same for a version that follows `before`, of the same kind, whose text has `bytes_before`: costs what differs. */
alto_status alto_render_size_after(const alto_version *before, uint64_t bytes_before, const alto_version *version,
                                   uint64_t *bytes);

/* Append the whole identity text; nothing is kept. For command lines and tests. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_render_text(const alto_version *version, alto_buffer *out);

#endif
