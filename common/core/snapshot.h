/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - a whole version as bytes: rows in order, in blocks of at most
 * ALTO_SNAPSHOT_BLOCK raw bytes, each block compressed on its own (zstd).
 *
 * Written and read block by block, so neither side holds it whole. Needs no trust: the reader compares the root
 * (docs/wire-format.md has every byte).
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_SNAPSHOT_H
#define ALTO_SNAPSHOT_H

#include "core/version.h"

typedef struct alto_snapshot_writer alto_snapshot_writer;

/* Begin to write `version` (retained). NULL: out of memory. */
alto_snapshot_writer *alto_snapshot_writer_new(const alto_version *version);
void alto_snapshot_writer_destroy(alto_snapshot_writer **self);
/* Append the next piece (the header, a block, or the end mark; each at most ALTO_SNAPSHOT_BLOCK raw bytes and a bit) to `out`.
 * *done is set with the last one. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_snapshot_write(alto_snapshot_writer *self, alto_buffer *out, bool *done);

typedef struct alto_snapshot_reader alto_snapshot_reader;

/* Begin to read a snapshot of a version of `kind` with `root` (NULL: whatever root it has). NULL: out of memory. */
alto_snapshot_reader *alto_snapshot_reader_new(alto_pool *pool, alto_kind kind, const alto_hash *root);
void alto_snapshot_reader_destroy(alto_snapshot_reader **self);
/* The version has compact JSON of so many bytes, as is known from its signed entry: no more is made of what claims to be it.
 * Before anything is read. */
void alto_snapshot_reader_limit(alto_snapshot_reader *self, uint64_t text_size);
/* Bytes that a snapshot of it may have then. */
static inline uint64_t alto_snapshot_bound(uint64_t text_size)
{
    return 65536 + 8 * text_size;
}
/* Take the next bytes, cut anywhere. Errors: ALTO_MALFORMED, ALTO_TOO_LARGE, ALTO_BOMB, ALTO_NO_MEMORY; sticky. */
alto_status alto_snapshot_read(alto_snapshot_reader *self, alto_slice bytes);
/* All was read: the version. Errors: ALTO_MALFORMED (too short), ALTO_ROOT_MISMATCH, or the sticky one. */
alto_status alto_snapshot_finish(alto_snapshot_reader *self, alto_version **out);

/* Both for a snapshot that is in memory whole. */
alto_status alto_snapshot_encode(const alto_version *version, alto_buffer *out);
alto_status alto_snapshot_decode(alto_pool *pool, alto_kind kind, const alto_hash *root, alto_slice bytes,
                                 alto_version **out);

#endif
