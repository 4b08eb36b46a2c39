/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas of every kind: a delta leads from one version to the other and to nothing else; any bytes are refused, or lead to a version
 * that is as good as one made from nothing; and what they start at stays as it was.
 *
 * Longest input: 4096. */
#include "core/delta.h"
#include "versions_made.h"

static const alto_implied implied = {
    .vtag = {(const uint8_t *)"{\"resource-id\":\"a\",\"tag\":\"b\"}", 30},
    .dependencies = {(const uint8_t *)"[{\"resource-id\":\"a\",\"tag\":\"b\"}]", 32},
};

/* Refused, or of that root; in any case within bounds. */
static alto_version *apply(alto_pool *pool, alto_kind kind, const alto_version *from, alto_slice delta,
                           const alto_hash *root)
{
    alto_version *made = NULL;
    alto_hash before = from ? *alto_version_root(from) : (alto_hash){{0}};
    fuzz_memory_begin();
    alto_status status = alto_delta_apply(pool, kind, from, delta, &implied, root, &made);
    fuzz_check(fuzz_memory_most() <= (32 << 20) + 32768 * delta.size);
    if (from)
        fuzz_check(alto_hash_equal(&before, alto_version_root(from)));
    if (status == ALTO_OK)
        fuzz_check(alto_hash_equal(alto_version_root(made), root) && alto_version_kind(made) == kind);
    else
        fuzz_check(!made);
    return made;
}

/* What `delta` would lead to if somebody signed it. */
static void check_bytes(alto_pool *pool, alto_kind kind, const alto_version *from, alto_slice delta)
{
    alto_hash root = {{0}};
    fuzz_last_root(&root);
    fuzz_check(!apply(pool, kind, from, delta, &(alto_hash){{0}}));
    if (!fuzz_last_root(&root))
        return;
    alto_version *made = apply(pool, kind, from, delta, &root);
    fuzz_check(made);
    fuzz_check_version(made);
    alto_version_release(made);
}

static void damage(alto_reader *in, alto_buffer *delta)
{
    for (unsigned count = fuzz_below(in, 4); count > 0 && delta->size > 0; count--) {
        size_t at = fuzz_below(in, 65536) % delta->size;
        delta->data[at] ^= alto_reader_u8(in);
    }
}

static void check_between(alto_reader *in, alto_pool *pool, const alto_version *from, alto_kind kind)
{
    alto_version *to = fuzz_version(in, pool, kind, from);
    alto_buffer delta = alto_buffer_make(ALTO_MAX_PAYLOAD);
    uint64_t raw_size = 0;
    fuzz_check(alto_delta_encode(from, to, &implied, &delta, &raw_size) == ALTO_OK);
    alto_version *made = apply(pool, kind, from, alto_buffer_slice(&delta), alto_version_root(to));
    fuzz_check(made);
    fuzz_check_version(made);
    alto_version_release(made);
    damage(in, &delta);
    check_bytes(pool, kind, from, alto_buffer_slice(&delta));
    alto_buffer_fini(&delta);
    alto_version_release(to);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    unsigned way = fuzz_below(&in, 3);
    alto_kind kind = fuzz_kind(&in);
    alto_pool *pool = alto_pool_new();
    fuzz_check(pool);
    alto_version *from = way > 0 ? fuzz_version(&in, pool, kind, NULL) : NULL;
    if (way == 2)
        check_between(&in, pool, from, kind);
    else
        check_bytes(pool, kind, from, fuzz_rest(&in));
    alto_version_release(from);
    alto_pool_destroy(&pool);
}
