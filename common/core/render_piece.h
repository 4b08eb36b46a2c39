/* SPDX-License-Identifier: Apache-2.0 */
/* render_piece.h - what a rendering keeps with the nodes of a tree: the length of
 * a node's text, and pieces; for render.c.
 *
 * A piece is the text of a node, or of some nodes that follow each other under one parent, kept with the last of them. Its
 * identity is the digest of their content: after a change of an earlier one the piece kept is no longer
 * found and is replaced. Whoever found a piece holds a reference to it.
 *
 * A piece has up to one block for each coding, made when first wanted: the text, as a piece of a gzip member, as a zstd
 * frame. A block begins with its
 * "lead", the glue that stood before the piece when the block was made: where the same glue
 * is wanted again, lead and body are one slice.
 *
 * Threads: any. */
#ifndef ALTO_RENDER_PIECE_H
#define ALTO_RENDER_PIECE_H

#include "core/gzip.h"
#include "core/render.h"
#include "core/render_text.h"

typedef struct {
    size_t lead;         /* bytes of `data` before the body */
    size_t size;         /* bytes of `data` */
    uint32_t crc, shift; /* gzip: of the body's text */
    uint8_t data[];
} alto_block;

typedef struct alto_piece alto_piece;

/* The digest of a run of nodes. */
alto_hash alto_piece_identity(const alto_tree *const *nodes, size_t count);
/* The piece kept with `holder` when it is this one: a reference, or NULL. */
alto_piece *alto_piece_find(const alto_tree *holder, alto_form form, const alto_hash *identity);
/* Make a piece of `size` bytes of text and keep it with `holder`. Returns a reference to it, or to the same piece if
 * another thread was faster; NULL: out of memory. */
alto_piece *alto_piece_keep(const alto_tree *holder, alto_form form, const alto_hash *identity, uint64_t size);
void alto_piece_release(alto_piece *self);

/* Bytes of memory that `holder` keeps for rendering, by now. */
uint64_t alto_piece_bytes(const alto_tree *holder);

uint64_t alto_piece_text_size(const alto_piece *self);
/* The block made for `coding`, borrowed, or NULL. */
const alto_block *alto_piece_block(const alto_piece *self, alto_coding coding);
/* Hand over a block from malloc; returns the block that the piece has then. */
const alto_block *alto_piece_add_block(alto_piece *self, alto_coding coding, alto_block *made);

/* The glue that the block begins with; empty for none. */
alto_slice alto_block_lead(const alto_block *self, alto_coding coding);

/* Length in bytes of a node's own text, all its rows included whatever their class. Kept with the node and all below it.
 * scratch is cleared. Errors: ALTO_NO_MEMORY. */
alto_status alto_text_size(alto_kind kind, alto_form form, const alto_tree *node, alto_buffer *scratch, uint64_t *size);
/* How much longer the one is than the other, without looking at what they share; nothing is kept where they have the same keys. */
alto_status alto_text_change(alto_kind kind, alto_form form, const alto_tree *before, const alto_tree *after,
                             alto_buffer *scratch, int64_t *change);

#endif
