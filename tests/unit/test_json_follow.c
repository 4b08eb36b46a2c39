/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_follow.h"

#include "core/prefix.h"
#include "core/version.h"

#include "cmocka_all.h"
#include "random.h"

#include <stdlib.h>

enum { UNIVERSE = 400, FIRST_IPV6 = 250 };

static alto_pool *pool;
static alto_items items;

static int setup(void **state)
{
    (void)state;
    pool = alto_pool_new();
    return pool && alto_crypto_init() == ALTO_OK ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    alto_items_fini(&items);
    alto_pool_destroy(&pool);
    return 0;
}

/* Prefix number `i`: ascending keys, IPv4 then IPv6. */
static void add_prefix(alto_buffer *text, unsigned i)
{
    if (i < FIRST_IPV6)
        alto_buffer_print(text, "\"10.%u.0.0/%u\"", i, 16 + i % 3);
    else
        alto_buffer_print(text, "\"2001:db8:%x::/48\"", i);
}

/* The row with those prefixes, as text. */
static void write_row(const bool *there, alto_buffer *text)
{
    static const char *const names[] = {"\"ipv4\":[", "\"ipv6\":["};
    const char *separator = "{";
    alto_buffer_clear(text);
    for (unsigned i = 0, open = 2; i < UNIVERSE; i++) {
        if (!there[i])
            continue;
        unsigned family = i >= FIRST_IPV6;
        if (open != family)
            alto_buffer_print(text, "%s%s%s", open == 2 ? "" : "]", *separator == '{' ? "{" : ",", names[family]);
        else
            alto_buffer_add_text(text, ", ");
        open = family;
        separator = ",";
        add_prefix(text, i);
    }
    alto_buffer_add_text(text, *separator == '{' ? "{}" : "] } ");
}

static alto_tree *follow(const alto_buffer *text, const alto_tree *before)
{
    alto_tree *made = NULL;
    assert_true(alto_follow_prefixes(&items, alto_buffer_slice(text), before));
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_NONE, before, items.edits, items.edit_count, &made), ALTO_OK);
    return made;
}

static void check_row(const alto_tree *row, const bool *there)
{
    alto_cursor at;
    alto_cursor_first(&at, row);
    for (unsigned i = 0; i < UNIVERSE; i++) {
        alto_buffer text = alto_buffer_make(64);
        alto_prefix_key key;
        if (!there[i])
            continue;
        add_prefix(&text, i);
        assert_int_equal(alto_prefix_parse(i < FIRST_IPV6 ? 4 : 6, alto_slice_of(text.data + 1, text.size - 2), &key),
                         ALTO_OK);
        assert_true(alto_cursor_valid(&at));
        assert_true(alto_slice_equal(alto_cursor_key(&at), alto_slice_of(key.bytes, key.size)));
        alto_cursor_next(&at);
        alto_buffer_fini(&text);
    }
    assert_false(alto_cursor_valid(&at));
}

static void a_row_becomes_what_its_text_says(void **state)
{
    (void)state;
    test_random random = test_random_make(11);
    alto_buffer text = alto_buffer_make(1 << 20);
    alto_tree *row = NULL;
    bool there[UNIVERSE] = {false};
    for (unsigned round = 0; round < 400; round++) {
        uint64_t changes = test_random_below(&random, round % 20 ? 4 : UNIVERSE);
        for (uint64_t i = 0; i < changes; i++)
            there[test_random_below(&random, UNIVERSE)] ^= true;
        if (round % 50 == 49) /* none, or none of a family */
            memset(there + (round % 100 == 99 ? FIRST_IPV6 : 0), 0, sizeof there - FIRST_IPV6);
        write_row(there, &text);
        alto_tree *next = follow(&text, row);
        check_row(next, there);
        alto_tree_release(row);
        row = next;
    }
    alto_tree_release(row);
    alto_buffer_fini(&text);
}

static void what_is_there_already_is_no_edit(void **state)
{
    (void)state;
    alto_buffer text = alto_buffer_make(1 << 20);
    bool there[UNIVERSE];
    memset(there, true, sizeof there);
    write_row(there, &text);
    alto_tree *row = follow(&text, NULL);
    assert_true(alto_follow_prefixes(&items, alto_buffer_slice(&text), row));
    assert_int_equal(items.edit_count, 0);
    there[7] = false;
    write_row(there, &text);
    assert_true(alto_follow_prefixes(&items, alto_buffer_slice(&text), row));
    assert_int_equal(items.edit_count, 1);
    assert_true(items.edits[0].remove);
    alto_tree_release(row);
    alto_buffer_fini(&text);
}

static void anything_else_is_left_to_others(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{\"ipv4\":[]}",
        "{\"ipv4\":[\"10.0.0.0/8\"]",
        "{\"ipv4\":[\"10.0.0.0/8\"]}}",
        "{\"ipv4\":[\"10.0.0.0/8\" \"11.0.0.0/8\"]}",
        "{\"ipv4\":[\"10.0.0.0/8",
        "{\"ipv4\":[\"10.0.0.0/8 \"]}",
        "{\"ipv4\":[\"10.0.0.0\\/8\"]}",
        "{\"ipv4\":[\"10.0.0.0/8\",8]}",
        "{\"ipv4\":[\"10.0.0.0/33\"]}",
        "{\"ipv4\":[\"::/0\"]}",
        "{\"ipv4\":[\"11.0.0.0/8\",\"10.0.0.0/8\"]}",
        "{\"ipv4\":[\"10.0.0.0/8\",\"10.1.2.3/8\"]}",
        "{\"ipv4\":[\"10.0.0.0/8\"],\"ipv4\":[\"10.0.0.0/8\"]}",
        "{\"ipv6\":[\"::/0\"],\"ipv4\":[\"10.0.0.0/8\"]}",
        "{\"ipv4\":[\"10.0.0.0/8\"],\"mac\":[]}",
        "{\"ipv4\":{\"10.0.0.0/8\":1}}",
    };
    alto_tree *row = NULL;
    uint8_t key[] = {ALTO_ITEM_IPV4, 10, 0, 0, 0, 8};
    alto_edit edit = {.key = alto_slice_of(key, sizeof key)};
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_NONE, NULL, &edit, 1, &row), ALTO_OK);
    for (size_t i = 0; i < countof(texts); i++) {
        print_message("  case: %s\n", texts[i]);
        assert_false(alto_follow_prefixes(&items, alto_slice_text(texts[i]), NULL));
        assert_false(alto_follow_prefixes(&items, alto_slice_text(texts[i]), row));
    }
    alto_tree_release(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_what_its_text_says),
        cmocka_unit_test(what_is_there_already_is_no_edit),
        cmocka_unit_test(anything_else_is_left_to_others),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
