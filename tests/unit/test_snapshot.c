/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: whole versions come back however their bytes are cut, and bytes from outside do no harm. */
#include "cmocka_all.h"
#include "core/compress.h"
#include "core/limits.h"
#include "core/render.h"
#include "core/snapshot.h"
#include "random.h"
#include "versions.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEADER = 20 }; /* magic and kind */

static int set_up(void **state)
{
    (void)state;
    return alto_crypto_init() == ALTO_OK ? 0 : -1;
}

static alto_buffer encode(const alto_version *version)
{
    alto_buffer out = alto_buffer_make(1u << 30);
    assert_int_equal(alto_snapshot_encode(version, &out), ALTO_OK);
    return out;
}

/* Read `bytes` in pieces of up to `most` bytes, in a pool of its own; what came of it. */
static alto_status read_cut(test_random *random, const alto_version *version, alto_slice bytes, size_t most)
{
    alto_pool *pool = alto_pool_new();
    alto_snapshot_reader *reader =
        alto_snapshot_reader_new(pool, alto_version_kind(version), alto_version_root(version));
    uint64_t text_size;
    assert_int_equal(alto_render_size(version, &text_size), ALTO_OK);
    alto_snapshot_reader_limit(reader, text_size);
    alto_version *got = NULL;
    alto_status status = ALTO_OK;
    for (size_t at = 0; at < bytes.size && status == ALTO_OK;) {
        size_t size = 1 + test_random_below(random, most);
        size = size < bytes.size - at ? size : bytes.size - at;
        uint8_t *exact = malloc(size); /* so that a sanitizer sees the end */
        memcpy(exact, bytes.data + at, size);
        status = alto_snapshot_read(reader, alto_slice_of(exact, size));
        free(exact);
        at += size;
    }
    if (status == ALTO_OK)
        status = alto_snapshot_finish(reader, &got);
    else
        assert_int_equal(alto_snapshot_finish(reader, &got), status);
    assert_true((status == ALTO_OK) == (got != NULL));
    if (got) {
        assert_true(alto_hash_equal(alto_version_root(got), alto_version_root(version)));
        assert_true(alto_tree_equal(alto_version_tree(got), alto_version_tree(version)));
    }
    alto_version_release(got);
    alto_snapshot_reader_destroy(&reader);
    alto_pool_destroy(&pool);
    return status;
}

static void every_version_comes_back_however_it_is_cut(void **state)
{
    (void)state;
    test_random random = test_random_make(1);
    for (unsigned round = 0; round < 30; round++) {
        alto_pool *pool = alto_pool_new();
        alto_version *at = test_version(pool, (alto_kind)(1 + round % 3));
        for (unsigned step = 0; step < 4; step++) {
            alto_buffer bytes = encode(at);
            size_t most = step % 2 ? 1 << 20 : 1 + test_random_below(&random, 50);
            assert_int_equal(read_cut(&random, at, alto_buffer_slice(&bytes), most), ALTO_OK);
            alto_buffer_fini(&bytes);
            alto_version *next = test_version_step(&random, pool, at);
            alto_version_release(at);
            at = next;
        }
        alto_version_release(at);
        alto_pool_destroy(&pool);
    }
}

/* A PID with many prefixes: more than a block. */
static alto_version *long_row(alto_pool *pool, size_t count)
{
    alto_edit *edits = calloc(count, sizeof *edits);
    uint8_t(*keys)[6] = calloc(count, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        uint32_t address = (uint32_t)(i * 9000 + i % 3);
        uint8_t key[6] = {
            4, (uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address, 32};
        memcpy(keys[i], key, sizeof key);
        edits[i] = (alto_edit){.key = {keys[i], sizeof key}};
    }
    alto_version *made = test_version_row(pool, test_version(pool, ALTO_NETWORK_MAP), "big", edits, count);
    free(keys);
    free(edits);
    return made;
}

/* Sources with more destinations than a piece of a snapshot holds: the same ones, and nearly the same. */
static alto_version *long_rows(alto_pool *pool, size_t count)
{
    alto_edit *edits = calloc(count, sizeof *edits);
    char(*names)[32] = calloc(count, sizeof *names);
    alto_version *made = test_version(pool, ALTO_COST_MAP);
    for (unsigned i = 0; i < count; i++) {
        snprintf(names[i], sizeof *names, "pid%06u", i);
        edits[i] = (alto_edit){.key = alto_slice_text(names[i]), .value.cost = i};
    }
    made = test_version_row(pool, made, "a", edits, count);
    made = test_version_row(pool, made, "b", edits, count);
    made = test_version_row(pool, made, "c", edits + 1, count - 2);
    made = test_version_row(pool, made, "d", edits, count - 1);
    free(names);
    free(edits);
    return made;
}

static void rows_and_texts_longer_than_a_block_come_back(void **state)
{
    (void)state;
    test_random random = test_random_make(2);
    alto_pool *pool = alto_pool_new();
    alto_version *versions[] = {long_row(pool, 360000), NULL, long_rows(pool, 9000)};
    size_t size = 3 * ALTO_SNAPSHOT_BLOCK;
    char *text = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + test_random_below(&random, 26));
    text[size] = 0;
    alto_version *empty = test_version(pool, ALTO_DOCUMENT);
    alto_version *with_text = test_version_text(pool, empty, "object", "long", text);
    versions[1] = test_version_text(pool, with_text, "object", "short", "1");
    for (size_t i = 0; i < countof(versions); i++) {
        alto_buffer bytes = encode(versions[i]);
        assert_int_equal(read_cut(&random, versions[i], alto_buffer_slice(&bytes), 100000), ALTO_OK);
        alto_buffer_fini(&bytes);
        alto_version_release(versions[i]);
    }
    alto_version_release(empty);
    alto_version_release(with_text);
    free(text);
    alto_pool_destroy(&pool);
}

static void the_writer_hands_out_a_block_at_a_time(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    alto_version *version = long_row(pool, 360000);
    alto_snapshot_writer *writer = alto_snapshot_writer_new(version);
    size_t pieces = 0;
    for (bool done = false; !done; pieces++) {
        alto_buffer out = alto_buffer_make(ALTO_SNAPSHOT_BLOCK + 64);
        assert_int_equal(alto_snapshot_write(writer, &out, &done), ALTO_OK);
        alto_buffer_fini(&out);
    }
    assert_true(pieces >= 4); /* header, blocks, end */
    alto_snapshot_writer_destroy(&writer);
    alto_version_release(version);
    alto_pool_destroy(&pool);
}

/* A matrix without its diagonal. */
static void rows_with_nearly_the_same_keys_cost_little_beyond_their_values(void **state)
{
    (void)state;
    enum { SIDE = 150 };
    static char names[SIDE][16];
    static alto_edit edits[SIDE];
    alto_pool *pool = alto_pool_new();
    alto_version *version = test_version(pool, ALTO_COST_MAP);
    test_random random = test_random_make(3);
    for (unsigned i = 0; i < SIDE; i++)
        snprintf(names[i], sizeof names[i], "destination-%03u", i);
    for (size_t row = 0; row < SIDE; row++) {
        size_t count = 0;
        for (size_t column = 0; column < SIDE; column++)
            if (column != row)
                edits[count++] = (alto_edit){.key = alto_slice_text(names[column]),
                                             .value.cost = (double)test_random_below(&random, 100) / 10};
        version = test_version_row(pool, version, names[row], edits, count);
    }
    alto_buffer bytes = encode(version);
    print_message("  %zu cells in %zu bytes\n", (size_t)SIDE * (SIDE - 1), bytes.size);
    assert_true(bytes.size < SIDE * SIDE + SIDE * 30);
    assert_int_equal(read_cut(&random, version, alto_buffer_slice(&bytes), 1000), ALTO_OK);
    alto_buffer_fini(&bytes);
    alto_version_release(version);
    alto_pool_destroy(&pool);
}

static void damaged_snapshots_are_refused(void **state)
{
    (void)state;
    test_random random = test_random_make(4);
    for (unsigned round = 0; round < 24; round++) {
        alto_pool *pool = alto_pool_new();
        alto_version *empty = test_version(pool, (alto_kind)(1 + round % 3));
        alto_version *version = test_version_step(&random, pool, empty);
        alto_buffer bytes = encode(version);
        for (unsigned trial = 0; trial < 30; trial++) {
            uint8_t *copy = malloc(bytes.size);
            memcpy(copy, bytes.data, bytes.size);
            size_t size = trial % 3 ? bytes.size : test_random_below(&random, bytes.size);
            if (trial % 3)
                copy[test_random_below(&random, bytes.size)] ^= (uint8_t)(1 + test_random_below(&random, 255));
            alto_status status = read_cut(&random, version, alto_slice_of(copy, size), 500);
            assert_true(status == ALTO_MALFORMED || status == ALTO_TOO_LARGE || status == ALTO_BOMB ||
                        status == ALTO_ROOT_MISMATCH ||
                        (trial % 3 && status == ALTO_OK)); /* a bit of a frame that means nothing */
            free(copy);
        }
        alto_buffer_fini(&bytes);
        alto_version_release(empty);
        alto_version_release(version);
        alto_pool_destroy(&pool);
    }
}

/* Raw pieces are not compressed here, so that damage reaches the reader of rows. */
static void damaged_pieces_do_no_harm(void **state)
{
    (void)state;
    test_random random = test_random_make(5);
    alto_pool *pool = alto_pool_new();
    for (unsigned round = 0; round < 3000; round++) {
        alto_version *empty = test_version(pool, (alto_kind)(1 + round % 3));
        uint8_t raw[120];
        size_t size = 2 + test_random_below(&random, sizeof raw - 2);
        for (size_t i = 0; i < size; i++)
            raw[i] = (uint8_t)test_random_below(&random, round % 2 ? 256 : 4);
        raw[0] = (uint8_t)(size - 1);
        raw[1] = 0;
        if (size > 6) { /* a row key that makes sense */
            raw[2] = 0;
            raw[3] = 2;
            raw[4] = (uint8_t)(1 + round / 3 % 3);
            raw[5] = 'x';
        }
        alto_buffer bytes = alto_buffer_make(1000);
        alto_buffer_add_text(&bytes, "altocast-snapshot-1");
        alto_buffer_add_u8(&bytes, (uint8_t)alto_version_kind(empty));
        alto_buffer_add_u32(&bytes, (uint32_t)size);
        alto_buffer_add_u32(&bytes, (uint32_t)size);
        alto_buffer_add(&bytes, raw, size);
        alto_buffer_add_u64(&bytes, 0);
        assert_int_not_equal(read_cut(&random, empty, alto_buffer_slice(&bytes), 200), ALTO_OK);
        alto_buffer_fini(&bytes);
        alto_version_release(empty);
    }
    alto_pool_destroy(&pool);
}

static void claims_of_size_are_checked_before_anything_is_made(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        uint32_t raw, packed;
        alto_status status;
    } cases[] = {
        {"a raw block of 4 GiB", UINT32_MAX, 100, ALTO_TOO_LARGE},
        {"a raw block just too large", ALTO_SNAPSHOT_BLOCK + 1, 100, ALTO_TOO_LARGE},
        {"a packed block of 4 GiB", ALTO_SNAPSHOT_BLOCK, UINT32_MAX, ALTO_MALFORMED},
        {"packed larger than raw", 10, 11, ALTO_MALFORMED},
        {"packed to nothing", 10, 0, ALTO_MALFORMED},
        {"nothing, packed", 0, 1, ALTO_MALFORMED},
    };
    alto_pool *pool = alto_pool_new();
    alto_version *empty = test_version(pool, ALTO_COST_MAP);
    test_random random = test_random_make(6);
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer bytes = alto_buffer_make(1000);
        alto_buffer_add_text(&bytes, "altocast-snapshot-1");
        alto_buffer_add_u8(&bytes, ALTO_COST_MAP);
        assert_int_equal(bytes.size, HEADER);
        alto_buffer_add_u32(&bytes, cases[i].raw);
        alto_buffer_add_u32(&bytes, cases[i].packed);
        print_message("  case: %s\n", cases[i].label);
        assert_int_equal(read_cut(&random, empty, alto_buffer_slice(&bytes), 100), cases[i].status);
        alto_buffer_fini(&bytes);
    }
    alto_version_release(empty);
    alto_pool_destroy(&pool);
}

static void add_block(alto_buffer *out, alto_slice raw)
{
    alto_buffer packed = alto_buffer_make(ALTO_SNAPSHOT_BLOCK);
    assert_int_equal(alto_compress(raw, 3, &packed), ALTO_OK);
    alto_buffer_add_u32(out, (uint32_t)raw.size);
    alto_buffer_add_u32(out, (uint32_t)packed.size);
    alto_buffer_add_slice(out, alto_buffer_slice(&packed));
    alto_buffer_fini(&packed);
}

enum { BOMB_TEXT = 4000, BOMB_ITEMS = 4000 }; /* bytes of JSON of what it claims to be */

/* Text that is much in memory and little on the way. */
static void add_zeros(alto_buffer *out)
{
    uint8_t *zeros = calloc(1, ALTO_SNAPSHOT_BLOCK);
    for (int i = 0; i < 1000; i++)
        add_block(out, alto_slice_of(zeros, ALTO_SNAPSHOT_BLOCK));
    free(zeros);
}

/* One piece, a row "x" of members, in a block. */
static void add_members(alto_buffer *out, size_t count, alto_slice items)
{
    alto_buffer piece = alto_buffer_make(ALTO_SNAPSHOT_BLOCK), raw = alto_buffer_make(ALTO_SNAPSHOT_BLOCK);
    static const uint8_t begin[] = {0, 0, 2, ALTO_ROW_MEMBER, 'x'};
    alto_buffer_add(&piece, begin, sizeof begin);
    alto_buffer_add_varint(&piece, count);
    alto_buffer_add_slice(&piece, items);
    alto_buffer_add_varint(&raw, piece.size);
    alto_buffer_add_slice(&raw, alto_buffer_slice(&piece));
    add_block(out, alto_buffer_slice(&raw));
    alto_buffer_fini(&piece);
    alto_buffer_fini(&raw);
}

/* Keys that each take over 255 bytes of the one before and cost six bytes themselves. */
static void add_long_keys(alto_buffer *out)
{
    alto_buffer items = alto_buffer_make(ALTO_SNAPSHOT_BLOCK);
    for (uint32_t i = 0; i < BOMB_ITEMS; i++) {
        uint8_t rest[258];
        memset(rest, 'k', sizeof rest);
        rest[256] = (uint8_t)(i >> 8);
        rest[257] = (uint8_t)i;
        size_t shared = i ? 255 : 0;
        alto_buffer_add_varint(&items, shared);
        alto_buffer_add_varint(&items, sizeof rest - shared);
        alto_buffer_add(&items, rest + shared, sizeof rest - shared);
        alto_buffer_add_varint(&items, 1);
        alto_buffer_add_u8(&items, '1');
    }
    add_members(out, BOMB_ITEMS, alto_buffer_slice(&items));
    alto_buffer_fini(&items);
}

static void add_a_long_text(alto_buffer *out)
{
    alto_buffer items = alto_buffer_make(ALTO_SNAPSHOT_BLOCK);
    alto_buffer_add_varint(&items, 0);
    alto_buffer_add_varint(&items, 1);
    alto_buffer_add_u8(&items, 'k');
    alto_buffer_add_varint(&items, BOMB_TEXT);
    for (size_t i = 0; i < BOMB_TEXT; i++)
        alto_buffer_add_u8(&items, '1');
    add_members(out, 1, alto_buffer_slice(&items));
    alto_buffer_fini(&items);
}

/* Well-formed, but more than what its size is signed to be: without that size, only the root would tell, in the end. */
static void what_expands_beyond_what_was_signed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        void (*add)(alto_buffer *out);
        alto_status unbounded;
    } cases[] = {{"blocks of zeros", add_zeros, ALTO_MALFORMED},
                 {"keys that take over", add_long_keys, ALTO_ROOT_MISMATCH},
                 {"a text", add_a_long_text, ALTO_ROOT_MISMATCH}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_buffer bytes = alto_buffer_make(1u << 20);
        alto_buffer_add_text(&bytes, "altocast-snapshot-1");
        alto_buffer_add_u8(&bytes, ALTO_DOCUMENT);
        cases[i].add(&bytes);
        alto_buffer_add_u64(&bytes, 0);
        for (int limited = 0; limited < 2; limited++) {
            alto_pool *pool = alto_pool_new();
            alto_hash root = {{1}};
            alto_version *got = NULL;
            alto_snapshot_reader *reader = alto_snapshot_reader_new(pool, ALTO_DOCUMENT, &root);
            if (limited)
                alto_snapshot_reader_limit(reader, BOMB_TEXT);
            alto_status status = alto_snapshot_read(reader, alto_buffer_slice(&bytes));
            if (status == ALTO_OK)
                status = alto_snapshot_finish(reader, &got);
            assert_string_equal(alto_status_name(status), alto_status_name(limited ? ALTO_BOMB : cases[i].unbounded));
            alto_snapshot_reader_destroy(&reader);
            alto_pool_destroy(&pool);
        }
        alto_buffer_fini(&bytes);
    }
}

static void the_wrong_kind_root_or_length_is_refused(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    test_random random = test_random_make(7);
    alto_version *empty = test_version(pool, ALTO_COST_MAP), *got = NULL;
    alto_version *version = test_version_step(&random, pool, empty);
    alto_buffer bytes = encode(version);
    alto_slice all = alto_buffer_slice(&bytes);
    assert_int_equal(alto_snapshot_decode(pool, ALTO_NETWORK_MAP, alto_version_root(version), all, &got),
                     ALTO_MALFORMED);
    assert_int_equal(alto_snapshot_decode(pool, ALTO_COST_MAP, alto_version_root(empty), all, &got),
                     ALTO_ROOT_MISMATCH);
    alto_slice cut = {all.data, all.size - 1};
    assert_int_equal(alto_snapshot_decode(pool, ALTO_COST_MAP, alto_version_root(version), cut, &got), ALTO_MALFORMED);
    alto_buffer_add_u8(&bytes, 0);
    assert_int_equal(
        alto_snapshot_decode(pool, ALTO_COST_MAP, alto_version_root(version), alto_buffer_slice(&bytes), &got),
        ALTO_MALFORMED);
    assert_null(got);
    alto_buffer_fini(&bytes);
    alto_version_release(empty);
    alto_version_release(version);
    alto_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_comes_back_however_it_is_cut),
        cmocka_unit_test(rows_and_texts_longer_than_a_block_come_back),
        cmocka_unit_test(the_writer_hands_out_a_block_at_a_time),
        cmocka_unit_test(rows_with_nearly_the_same_keys_cost_little_beyond_their_values),
        cmocka_unit_test(damaged_snapshots_are_refused),
        cmocka_unit_test(damaged_pieces_do_no_harm),
        cmocka_unit_test(claims_of_size_are_checked_before_anything_is_made),
        cmocka_unit_test(what_expands_beyond_what_was_signed_is_refused),
        cmocka_unit_test(the_wrong_kind_root_or_length_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
