/* SPDX-License-Identifier: Apache-2.0 */
/* Deltas as a property: whatever two versions, encode and apply lead from one to the other; whatever
 * bytes, nothing but the right version ever comes out. */
#include "cmocka_all.h"
#include "core/delta.h"
#include "core/render.h"
#include "random.h"
#include "versions.h"

#include <stdio.h>
#include <stdlib.h>

static int set_up(void **state)
{
    (void)state;
    return alto_crypto_init() == ALTO_OK ? 0 : -1;
}

static alto_buffer encode(const alto_version *from, const alto_version *to, const alto_implied *implied)
{
    alto_buffer out = alto_buffer_make(ALTO_MAX_PAYLOAD);
    uint64_t raw_size = 0;
    assert_int_equal(alto_delta_encode(from, to, implied, &out, &raw_size), ALTO_OK);
    assert_int_equal(out.status, ALTO_OK);
    assert_true(raw_size > 0 || out.size == 1);
    return out;
}

/* What the catalog says of the sizes, too. */
static alto_implied with_sizes(const alto_implied *implied, const alto_version *from, const alto_version *to)
{
    alto_implied all = implied ? *implied : (alto_implied){.text_size = 0};
    assert_int_equal(alto_render_size(to, &all.text_size), ALTO_OK);
    if (from)
        assert_int_equal(alto_render_size(from, &all.from_text_size), ALTO_OK);
    return all;
}

/* Apply what encode made, and compare. */
static size_t lead(alto_pool *pool, const alto_version *from, const alto_version *to, const alto_implied *implied)
{
    alto_buffer delta = encode(from, to, implied);
    alto_version *got = NULL;
    alto_hash before = from ? *alto_version_root(from) : (alto_hash){{0}};
    alto_implied all = with_sizes(implied, from, to);
    assert_true(delta.size <= alto_delta_bound(all.text_size, all.from_text_size));
    assert_int_equal(alto_delta_apply(pool, alto_version_kind(to), from, alto_buffer_slice(&delta), &all,
                                      alto_version_root(to), &got),
                     ALTO_OK);
    assert_true(alto_hash_equal(alto_version_root(got), alto_version_root(to)));
    if (from)
        assert_true(alto_hash_equal(alto_version_root(from), &before));
    alto_version_release(got);
    size_t size = delta.size;
    alto_buffer_fini(&delta);
    return size;
}

static void any_version_leads_to_any_other(void **state)
{
    (void)state;
    test_random random = test_random_make(1);
    for (unsigned round = 0; round < 60; round++) {
        alto_kind kind = (alto_kind)(1 + round % 3);
        alto_pool *pool = alto_pool_new();
        alto_version *at = test_version(pool, kind), *empty = test_version(pool, kind);
        for (unsigned step = 0; step < 6; step++) {
            alto_version *next = test_version_step(&random, pool, at);
            lead(pool, at, next, NULL);
            lead(pool, next, at, NULL);
            lead(pool, NULL, next, NULL);
            lead(pool, next, empty, NULL);
            lead(pool, next, next, NULL);
            alto_version_release(at);
            at = next;
        }
        alto_version_release(at);
        alto_version_release(empty);
        alto_pool_destroy(&pool);
    }
}

static void what_the_catalog_tells_is_not_repeated(void **state)
{
    (void)state;
    static const char *const tags[] = {"{\"resource-id\":\"m\",\"tag\":\"0123456789abcdef0123456789abcdef\"}",
                                       "{\"resource-id\":\"m\",\"tag\":\"fedcba98765432100123456789abcdef\"}"};
    static const char *const others[] = {"[{\"resource-id\":\"x\",\"tag\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]",
                                         "[{\"resource-id\":\"x\",\"tag\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}]"};
    alto_pool *pool = alto_pool_new();
    alto_version *versions[2], *empty = test_version(pool, ALTO_NETWORK_MAP);
    for (size_t i = 0; i < 2; i++) {
        alto_version *half = test_version_text(pool, empty, "meta", "vtag", tags[i]);
        versions[i] = test_version_text(pool, half, "meta", "dependent-vtags", others[i]);
        alto_version_release(half);
    }
    alto_implied implied = {.vtag = alto_slice_text(tags[1]), .dependencies = alto_slice_text(others[1])};
    assert_int_equal(lead(pool, versions[0], versions[1], &implied), 1);
    assert_int_equal(lead(pool, NULL, versions[1], &implied), 1);
    assert_int_equal(lead(pool, empty, versions[1], &implied), 1);
    alto_implied half = {.vtag = alto_slice_text(tags[1])};
    alto_implied wrong = {.vtag = alto_slice_text(tags[0]), .dependencies = alto_slice_text("[]")};
    assert_true(lead(pool, versions[0], versions[1], &half) > 1);
    assert_true(lead(pool, versions[0], versions[1], &wrong) > 1);

    alto_buffer delta = encode(versions[0], versions[1], &implied);
    alto_version *got = NULL;
    assert_int_equal(alto_delta_apply(pool, ALTO_NETWORK_MAP, versions[0], alto_buffer_slice(&delta), &wrong,
                                      alto_version_root(versions[1]), &got),
                     ALTO_ROOT_MISMATCH);
    assert_int_equal(alto_delta_apply(pool, ALTO_NETWORK_MAP, versions[0], alto_buffer_slice(&delta), NULL,
                                      alto_version_root(versions[1]), &got),
                     ALTO_MALFORMED);
    assert_null(got);
    alto_buffer_fini(&delta);
    alto_version_release(versions[0]);
    alto_version_release(versions[1]);
    alto_version_release(empty);
    alto_pool_destroy(&pool);
}

/* Texts and keys of a document, `count` of them, with `size` bytes each of which 255 are those of the one before. */
static alto_version *long_keys(alto_pool *pool, size_t count, size_t size)
{
    alto_edit *edits = calloc(count, sizeof *edits);
    char *keys = malloc(count * (size + 1));
    assert_true(edits && keys);
    for (size_t i = 0; i < count; i++) {
        snprintf(keys + i * (size + 1), size + 1, "%0*zu", (int)size, i);
        edits[i] = (alto_edit){.key = alto_slice_of(keys + i * (size + 1), size), .value.text = alto_slice_text("1")};
    }
    alto_row_key key = alto_row_key_make(ALTO_ROW_MEMBER, alto_slice_text("x"));
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_ITEMS, .edits = edits, .count = count};
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, ALTO_DOCUMENT, NULL, &row, 1, &made), ALTO_OK);
    free(edits);
    free(keys);
    return made;
}

/* Few bytes that say much, where the signed entry says that there is little. */
static void what_expands_beyond_what_was_signed_is_refused(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    alto_version *large = long_keys(pool, 20000, 300), *huge = long_keys(pool, 4000, 3000), *got = NULL;
    const alto_version *const bombs[] = {large, huge}; /* by keys that take over, by a blob */
    for (size_t i = 0; i < countof(bombs); i++) {
        alto_buffer delta = encode(NULL, bombs[i], NULL);
        alto_implied known = with_sizes(NULL, NULL, bombs[i]);
        for (uint64_t size = known.text_size / 10; size > 1; size /= 10) {
            alto_implied little = {.text_size = size};
            alto_status status = alto_delta_apply(pool, ALTO_DOCUMENT, NULL, alto_buffer_slice(&delta), &little,
                                                  alto_version_root(bombs[i]), &got);
            assert_string_equal(alto_status_name(status), "bomb");
        }
        assert_null(got);
        assert_int_equal(alto_delta_apply(pool, ALTO_DOCUMENT, NULL, alto_buffer_slice(&delta), &known,
                                          alto_version_root(bombs[i]), &got),
                         ALTO_OK);
        alto_version_release(got);
        got = NULL;
        alto_buffer_fini(&delta);
    }
    alto_version_release(large);
    alto_version_release(huge);
    alto_pool_destroy(&pool);
}

/* What is done to a cost map of SIDE x SIDE. */
enum { SIDE = 200, MOVED = 90 };
typedef enum { ONE_CELL, ALL_CELLS, NEW_PID, NEW_ROW, COLUMN_GONE, ROW_GONE } deed;

static double cost_at(size_t row, size_t column)
{
    return (double)((row * 31 + column * 17) % 97) / 10;
}

static alto_version *matrix(alto_pool *pool, size_t rows, size_t columns, size_t row_gone, size_t column_gone,
                            double more)
{
    alto_version *made = test_version(pool, ALTO_COST_MAP);
    alto_edit *edits = calloc(columns, sizeof *edits);
    char(*names)[32] = calloc(columns > rows ? columns : rows, sizeof *names);
    for (size_t i = 0; i < (columns > rows ? columns : rows); i++)
        snprintf(names[i], sizeof *names, "pid-%05zu", i);
    for (size_t row = 0; row < rows; row++) {
        size_t count = 0;
        for (size_t column = 0; column < columns; column++) {
            double cost = cost_at(row, column) + (more < 1000 || (row == 7 && column == MOVED) ? more : 0);
            if (column != column_gone)
                edits[count++] = (alto_edit){.key = alto_slice_text(names[column]), .value.cost = cost};
        }
        if (row != row_gone)
            made = test_version_row(pool, made, names[row], edits, count);
    }
    free(names);
    free(edits);
    return made;
}

static void large_regular_changes_cost_few_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        deed what;
        size_t most; /* bytes */
    } cases[] = {{"one cell", ONE_CELL, 10},
                 {"a new PID as row and column: its values", NEW_PID, 2 * SIDE + 40},
                 {"a new row: its values", NEW_ROW, SIDE + 40},
                 {"a column gone", COLUMN_GONE, 12},
                 {"a row gone", ROW_GONE, 6}};
    alto_pool *pool = alto_pool_new();
    alto_version *base = matrix(pool, SIDE, SIDE, SIDE, SIDE, 0);
    for (size_t i = 0; i < countof(cases); i++) {
        size_t rows = (size_t)SIDE + (cases[i].what == NEW_PID || cases[i].what == NEW_ROW ? 1u : 0u);
        size_t columns = (size_t)SIDE + (cases[i].what == NEW_PID ? 1u : 0u);
        alto_version *next = matrix(pool, rows, columns, cases[i].what == ROW_GONE ? 5 : SIDE + 5,
                                    cases[i].what == COLUMN_GONE ? 5 : SIDE + 5, cases[i].what == ONE_CELL ? 1000 : 0);
        size_t size = lead(pool, base, next, NULL);
        print_message("  case: %s, %zu bytes\n", cases[i].label, size);
        assert_true(size <= cases[i].most);
        lead(pool, next, base, NULL);
        alto_version_release(next);
    }
    alto_version_release(base);
    alto_pool_destroy(&pool);
}

static void costs_of_every_kind_come_back(void **state)
{
    (void)state;
    static const double before[] = {1, 6.5, 1e-7, 1e300, 0.1, -3, 1e15, 0, 5e-324, 1.5, 9007199254740991.0, 3};
    static const double after[] = {6.5, 1e-7, 1e300, 1, 1.0 / 3, 3, -1e15, 1e-300, 0, 1.25, 9007199254740992.0, 4};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
    alto_pool *pool = alto_pool_new();
    alto_edit old[countof(before)], new[countof(before)];
    for (size_t i = 0; i < countof(before); i++) {
        old[i] = (alto_edit){.key = alto_slice_text(names[i]), .value.cost = before[i]};
        new[i] = (alto_edit){.key = alto_slice_text(names[i]), .value.cost = after[i]};
    }
    for (size_t first = 0; first < countof(before); first++)
        for (size_t count = 1; count <= countof(before) - first; count++) {
            alto_version *empty = test_version(pool, ALTO_COST_MAP), *from, *to;
            from = test_version_row(pool, empty, "source", old + first, count);
            to = test_version_row(pool, alto_version_retain(from), "source", new + first, count);
            lead(pool, from, to, NULL);
            lead(pool, to, from, NULL);
            lead(pool, NULL, to, NULL);
            alto_version_release(from);
            alto_version_release(to);
        }
    alto_pool_destroy(&pool);
}

static void prefixes_at_the_edges_of_address_space_come_back(void **state)
{
    (void)state;
    static const struct {
        int family;
        uint8_t first, last; /* bytes of the address */
        uint8_t length;
    } cases[] = {{4, 0, 0, 0},      {4, 0, 0, 32},   {4, 128, 0, 1},      {4, 255, 255, 32},
                 {6, 0, 0, 0},      {6, 0, 0, 128},  {6, 0, 0x64, 128},   {6, 0x20, 0, 3},
                 {6, 0x20, 1, 128}, {6, 0xfe, 0, 7}, {6, 0xff, 0xff, 128}};
    alto_pool *pool = alto_pool_new();
    alto_version *at = test_version(pool, ALTO_NETWORK_MAP);
    for (size_t i = 0; i < countof(cases); i++) {
        uint8_t key[18] = {(uint8_t)cases[i].family, cases[i].first};
        size_t size = cases[i].family == 4 ? 6 : 18;
        key[size - 2] = cases[i].length == 32 || cases[i].length == 128 ? cases[i].last : key[size - 2];
        key[size - 1] = cases[i].length;
        alto_edit edit = {.key = {key, size}};
        alto_version *next = test_version_row(pool, alto_version_retain(at), i % 2 ? "odd" : "even", &edit, 1);
        lead(pool, at, next, NULL);
        lead(pool, next, at, NULL);
        lead(pool, NULL, next, NULL);
        alto_version_release(at);
        at = next;
    }
    alto_version_release(at);
    alto_pool_destroy(&pool);
}

/* Apply bytes from an attacker; the only version that may come out is `to`. */
static void attack(alto_pool *pool, const alto_version *from, const alto_version *to, alto_slice bytes)
{
    uint8_t *exact = malloc(bytes.size + 1); /* so that a sanitizer sees the end */
    if (bytes.size)
        memcpy(exact, bytes.data, bytes.size);
    alto_hash before = *alto_version_root(from);
    alto_version *got = NULL;
    alto_implied sizes = with_sizes(NULL, from, to);
    alto_status status = alto_delta_apply(pool, alto_version_kind(to), from, alto_slice_of(exact, bytes.size), &sizes,
                                          alto_version_root(to), &got);
    assert_true(status == ALTO_OK || status == ALTO_MALFORMED || status == ALTO_TOO_LARGE || status == ALTO_BOMB ||
                status == ALTO_ROOT_MISMATCH);
    assert_true((status == ALTO_OK) == (got != NULL));
    if (got)
        assert_true(alto_hash_equal(alto_version_root(got), alto_version_root(to)));
    assert_true(alto_hash_equal(alto_version_root(from), &before));
    alto_version_release(got);
    free(exact);
}

static void damaged_and_invented_deltas_do_no_harm(void **state)
{
    (void)state;
    test_random random = test_random_make(2);
    for (unsigned round = 0; round < 36; round++) {
        alto_pool *pool = alto_pool_new();
        alto_version *first = test_version(pool, (alto_kind)(1 + round % 3));
        alto_version *from = test_version_step(&random, pool, first), *to = test_version_step(&random, pool, from);
        alto_buffer delta = encode(from, to, NULL);
        for (unsigned trial = 0; trial < 60; trial++) {
            uint8_t *copy = malloc(delta.size);
            size_t size = trial % 4 == 0 ? test_random_below(&random, delta.size) : delta.size;
            size_t span = trial % 2 ? delta.size : delta.size < 40 ? delta.size : 40;
            memcpy(copy, delta.data, delta.size);
            for (unsigned i = 0; i < trial % 5; i++)
                copy[test_random_below(&random, span)] ^= (uint8_t)(1u << test_random_below(&random, 8));
            attack(pool, from, to, alto_slice_of(copy, size));
            for (size_t i = 0; i < size; i++) /* and pure noise behind plausible flags */
                copy[i] = (uint8_t)(i ? test_random_next(&random) : copy[0]);
            attack(pool, from, to, alto_slice_of(copy, size));
            free(copy);
        }
        alto_buffer_fini(&delta);
        alto_version_release(first);
        alto_version_release(from);
        alto_version_release(to);
        alto_pool_destroy(&pool);
    }
}

static void a_wrong_root_is_refused(void **state)
{
    (void)state;
    test_random random = test_random_make(3);
    alto_pool *pool = alto_pool_new();
    alto_version *empty = test_version(pool, ALTO_COST_MAP), *from = test_version_step(&random, pool, empty);
    alto_version *to = test_version_step(&random, pool, from), *got = NULL;
    alto_buffer delta = encode(from, to, NULL);
    assert_int_equal(
        alto_delta_apply(pool, ALTO_COST_MAP, from, alto_buffer_slice(&delta), NULL, alto_version_root(from), &got),
        ALTO_ROOT_MISMATCH);
    alto_buffer_add_u8(&delta, 0); /* zero bytes behind are allowed, others not */
    assert_int_equal(
        alto_delta_apply(pool, ALTO_COST_MAP, from, alto_buffer_slice(&delta), NULL, alto_version_root(to), &got),
        ALTO_OK);
    alto_version_release(got);
    got = NULL;
    alto_buffer_add_u8(&delta, 1);
    assert_int_equal(
        alto_delta_apply(pool, ALTO_COST_MAP, from, alto_buffer_slice(&delta), NULL, alto_version_root(to), &got),
        ALTO_MALFORMED);
    assert_null(got);
    alto_buffer_fini(&delta);
    alto_version_release(empty);
    alto_version_release(from);
    alto_version_release(to);
    alto_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_version_leads_to_any_other),
        cmocka_unit_test(what_expands_beyond_what_was_signed_is_refused),
        cmocka_unit_test(what_the_catalog_tells_is_not_repeated),
        cmocka_unit_test(large_regular_changes_cost_few_bytes),
        cmocka_unit_test(costs_of_every_kind_come_back),
        cmocka_unit_test(prefixes_at_the_edges_of_address_space_come_back),
        cmocka_unit_test(damaged_and_invented_deltas_do_no_harm),
        cmocka_unit_test(a_wrong_root_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
