/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of every kind: cut anywhere they are the same; any bytes are refused, or are a version that is as good as one
 * made from nothing.
 *
 * Longest input: 4096. Dictionary: pack. */
#include "core/snapshot.h"
#include "core/snapshot_format.h"
#include "versions_made.h"

enum { LARGEST = 1 << 20, READER = 1 << 20 }; /* READER: bytes that a reader has whatever it reads */

/* Refused, or of that root; in any case within bounds, which those of the blocks that are there give. */
static alto_version *decode(alto_pool *pool, alto_kind kind, alto_slice bytes, const alto_hash *root)
{
    alto_version *made = NULL;
    fuzz_memory_begin();
    alto_status status = alto_snapshot_decode(pool, kind, root, bytes, &made);
    fuzz_check(fuzz_memory_most() <= READER + 4 * (size_t)ALTO_SNAPSHOT_BLOCK * (1 + bytes.size / 16));
    if (status == ALTO_OK)
        fuzz_check(alto_hash_equal(alto_version_root(made), root) && alto_version_kind(made) == kind);
    else
        fuzz_check(!made);
    return made;
}

/* The same in two parts. */
static void check_cut(alto_pool *pool, const alto_version *version, alto_slice bytes, size_t cut)
{
    alto_version *made = NULL;
    alto_snapshot_reader *reader =
        alto_snapshot_reader_new(pool, alto_version_kind(version), alto_version_root(version));
    fuzz_check(reader);
    fuzz_check(alto_snapshot_read(reader, alto_slice_of(bytes.data, cut)) == ALTO_OK);
    fuzz_check(alto_snapshot_read(reader, alto_slice_of(bytes.data + cut, bytes.size - cut)) == ALTO_OK);
    fuzz_check(alto_snapshot_finish(reader, &made) == ALTO_OK && fuzz_same_root(made, version));
    alto_version_release(made);
    alto_snapshot_reader_destroy(&reader);
}

static void check_bytes(alto_pool *pool, alto_kind kind, alto_slice bytes, size_t cut)
{
    alto_hash root = {{0}};
    fuzz_last_root(&root);
    fuzz_check(!decode(pool, kind, bytes, &(alto_hash){{0}}));
    if (!fuzz_last_root(&root))
        return;
    alto_version *made = decode(pool, kind, bytes, &root);
    fuzz_check(made);
    check_cut(pool, made, bytes, cut % (bytes.size + 1));
    fuzz_check_version(made);
    alto_version_release(made);
}

static void add_block(alto_buffer *out, alto_slice raw)
{
    alto_buffer_add_u32(out, (uint32_t)raw.size);
    alto_buffer_add_u32(out, (uint32_t)raw.size);
    alto_buffer_add_slice(out, raw);
}

/* The pieces of a snapshot, which is put around them: their sizes, a header, blocks, an end. */
static void wrap_pieces(alto_reader *in, alto_kind kind, alto_buffer *out)
{
    alto_buffer raw = alto_buffer_make(LARGEST);
    while (alto_reader_left(in) > 0) {
        alto_slice piece = fuzz_part(in);
        alto_buffer_add_varint(&raw, piece.size);
        alto_buffer_add_slice(&raw, piece);
    }
    size_t half = raw.size / 2;
    alto_buffer_add_text(out, ALTO_SNAPSHOT_MAGIC);
    alto_buffer_add_u8(out, (uint8_t)kind);
    if (half > 0)
        add_block(out, alto_slice_of(raw.data, half));
    if (raw.size > half)
        add_block(out, alto_slice_of(raw.data + half, raw.size - half));
    add_block(out, (alto_slice){NULL, 0});
    alto_buffer_fini(&raw);
}

static void encode(alto_reader *in, alto_pool *pool, alto_kind kind, alto_buffer *out)
{
    alto_version *version = fuzz_version(in, pool, kind, NULL);
    fuzz_check(alto_snapshot_encode(version, out) == ALTO_OK);
    alto_version_release(version);
    for (unsigned count = fuzz_below(in, 4); count > 0; count--) {
        size_t at = fuzz_below(in, 65536) % out->size;
        out->data[at] ^= alto_reader_u8(in);
    }
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    unsigned way = fuzz_below(&in, 3);
    alto_kind kind = fuzz_kind(&in);
    size_t cut = fuzz_below(&in, 65536);
    alto_buffer bytes = alto_buffer_make(LARGEST);
    alto_pool *pool = alto_pool_new();
    fuzz_check(pool);
    if (way == 0)
        alto_buffer_add_slice(&bytes, fuzz_rest(&in));
    else if (way == 1)
        wrap_pieces(&in, kind, &bytes);
    else
        encode(&in, pool, kind, &bytes);
    check_bytes(pool, kind, alto_buffer_slice(&bytes), cut);
    alto_buffer_fini(&bytes);
    alto_pool_destroy(&pool);
}
