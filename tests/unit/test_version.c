/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "core/mapjson.h"
#include "versions.h"

#include <stdio.h>

static alto_edit cost_edit(const char *to, double cost)
{
    return (alto_edit){.key = alto_slice_text(to), .value.cost = cost};
}

/* {"A":{"A":0,"B":1.5},"B":{"A":2}} */
static alto_version *small_cost_map(alto_pool *pool)
{
    alto_edit a[] = {cost_edit("A", 0), cost_edit("B", 1.5)}, b[] = {cost_edit("A", 2)};
    alto_version *made = test_version_row(pool, test_version(pool, ALTO_COST_MAP), "A", a, 2);
    return test_version_row(pool, made, "B", b, 1);
}

static alto_version *edited(alto_pool *pool, const alto_version *base, const char *pid, alto_row_edit edit)
{
    alto_version *made = NULL;
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(pid));
    edit.row = alto_row_key_slice(&key);
    assert_int_equal(alto_version_edit(pool, alto_version_kind(base), base, &edit, 1, &made), ALTO_OK);
    return made;
}

static bool same_root(const alto_version *a, const alto_version *b)
{
    return alto_hash_equal(alto_version_root(a), alto_version_root(b));
}

static void costs_are_found_by_source_and_destination(void **state)
{
    static const struct {
        const char *from, *to;
        bool found;
        double cost;
    } cases[] = {{"A", "A", true, 0},  {"A", "B", true, 1.5}, {"B", "A", true, 2},
                 {"B", "B", false, 0}, {"A", "C", false, 0},  {"C", "A", false, 0},
                 {"", "A", false, 0},  {"A", "", false, 0},   {"meta", "vtag", false, 0}};
    alto_version *map = small_cost_map(*state);
    alto_version *tagged = test_version_text(*state, map, "meta", "vtag", "7");
    for (size_t i = 0; i < countof(cases); i++) {
        double cost = 0;
        bool found = alto_version_cost(tagged, alto_slice_text(cases[i].from), alto_slice_text(cases[i].to), &cost);
        assert_int_equal(found, cases[i].found);
        assert_true(cost == cases[i].cost);
    }
    double cost;
    alto_version *document = test_version(*state, ALTO_DOCUMENT);
    assert_false(alto_version_cost(document, alto_slice_text("A"), alto_slice_text("A"), &cost));
    char longest[300];
    memset(longest, 'x', sizeof longest);
    assert_false(alto_version_cost(map, alto_slice_of(longest, sizeof longest), alto_slice_text("A"), &cost));
    alto_version_release(document);
    alto_version_release(tagged);
    alto_version_release(map);
}

static void rows_and_items_are_counted_over_all_classes(void **state)
{
    alto_version *map = small_cost_map(*state);
    assert_int_equal(alto_version_rows(map), 2);
    assert_int_equal(alto_version_items(map), 3);
    alto_version *tagged = test_version_text(*state, map, "meta", "vtag", "7");
    assert_int_equal(alto_version_rows(tagged), 3);
    assert_int_equal(alto_version_items(tagged), 4);
    alto_slice text;
    assert_true(alto_version_member(tagged, "meta", "vtag", &text));
    assert_true(alto_slice_equal(text, alto_slice_text("7")));
    assert_false(alto_version_member(tagged, "meta", "tag", &text));
    assert_false(alto_version_member(map, "meta", "vtag", &text));
    alto_version_release(tagged);
    alto_version_release(map);
}

static void the_root_is_of_the_content_and_the_kind(void **state)
{
    alto_version *empty[] = {test_version(*state, ALTO_NETWORK_MAP), test_version(*state, ALTO_COST_MAP),
                             test_version(*state, ALTO_DOCUMENT)};
    assert_false(same_root(empty[0], empty[1]) || same_root(empty[1], empty[2]) || same_root(empty[0], empty[2]));
    alto_version *tagged = test_version_text(*state, empty[2], "a", "b", "1");
    alto_version *same = test_version_text(*state, empty[2], "a", "b", "1");
    alto_version *other = test_version_text(*state, empty[2], "ab", "", "1"); /* where one name ends counts */
    assert_true(same_root(tagged, same));
    assert_false(same_root(tagged, other));
    alto_version *as_cost_map = test_version_text(*state, empty[1], "a", "b", "1");
    assert_false(same_root(tagged, as_cost_map));
    alto_version *all[] = {empty[0], empty[1], empty[2], tagged, same, other, as_cost_map};
    for (size_t i = 0; i < countof(all); i++)
        alto_version_release(all[i]);
}

static void an_edit_that_changes_nothing_gives_the_base(void **state)
{
    alto_version *map = small_cost_map(*state), *made = NULL;
    alto_edit same = cost_edit("B", 1.5), absent = {.key = alto_slice_text("Z"), .remove = true};
    const struct {
        const char *pid;
        alto_row_edit edit;
    } cases[] = {{"A", {.what = ALTO_ROW_ITEMS, .edits = &same, .count = 1}},
                 {"A", {.what = ALTO_ROW_ITEMS, .edits = &absent, .count = 1}},
                 {"A", {.what = ALTO_ROW_ITEMS}},
                 {"Z", {.what = ALTO_ROW_REMOVE}}};
    for (size_t i = 0; i < countof(cases); i++) {
        made = edited(*state, map, cases[i].pid, cases[i].edit);
        assert_ptr_equal(made, map);
        alto_version_release(made);
    }
    assert_int_equal(alto_version_edit(*state, ALTO_COST_MAP, map, NULL, 0, &made), ALTO_OK);
    assert_ptr_equal(made, map);
    alto_version_release(made);
    alto_version_release(map);
}

static void a_row_may_be_empty_and_is_not_the_same_as_none(void **state)
{
    alto_version *map = small_cost_map(*state);
    alto_edit gone = {.key = alto_slice_text("A"), .remove = true};
    alto_version *emptied =
        edited(*state, map, "B", (alto_row_edit){.what = ALTO_ROW_ITEMS, .edits = &gone, .count = 1});
    alto_version *removed = edited(*state, map, "B", (alto_row_edit){.what = ALTO_ROW_REMOVE});
    alto_version *replaced = edited(*state, map, "B", (alto_row_edit){.what = ALTO_ROW_REPLACE});
    alto_version *added = edited(*state, removed, "B", (alto_row_edit){.what = ALTO_ROW_ITEMS});
    const alto_tree *items;
    assert_int_equal(alto_version_rows(emptied), 2);
    assert_int_equal(alto_version_rows(removed), 1);
    assert_true(alto_version_row(emptied, ALTO_ROW_PAYLOAD, alto_slice_text("B"), &items));
    assert_null(items);
    assert_false(alto_version_row(removed, ALTO_ROW_PAYLOAD, alto_slice_text("B"), &items));
    assert_false(same_root(emptied, removed));
    assert_true(same_root(emptied, replaced));
    assert_true(same_root(emptied, added));
    alto_version *all[] = {map, emptied, removed, replaced, added};
    for (size_t i = 0; i < countof(all); i++)
        alto_version_release(all[i]);
}

static void a_row_can_be_lent_to_another_version(void **state)
{
    alto_version *map = small_cost_map(*state);
    const alto_tree *items;
    assert_true(alto_version_row(map, ALTO_ROW_PAYLOAD, alto_slice_text("A"), &items));
    alto_version *copied = edited(*state, map, "C", (alto_row_edit){.what = ALTO_ROW_REPLACE, .items = items});
    alto_version_release(map);
    double cost = 0;
    assert_true(alto_version_cost(copied, alto_slice_text("C"), alto_slice_text("B"), &cost));
    assert_true(cost == 1.5);
    assert_int_equal(alto_version_items(copied), 5);
    alto_version_release(copied);
}

static void a_comparison_counts_rows_items_and_members(void **state)
{
    alto_version *before = small_cost_map(*state), *after;
    alto_edit a[] = {cost_edit("A", 9), {.key = alto_slice_text("B"), .remove = true}, cost_edit("C", 1)};
    alto_edit c[] = {cost_edit("A", 1), cost_edit("B", 1)};
    alto_change_counts counts;
    after = test_version_row(*state, alto_version_retain(before), "A", a, 3);
    after = test_version_row(*state, after, "C", c, 2);
    alto_version *without_b = edited(*state, after, "B", (alto_row_edit){.what = ALTO_ROW_REMOVE});
    alto_version *tagged = test_version_text(*state, without_b, "meta", "vtag", "1");
    alto_version_compare(before, tagged, &counts);
    alto_change_counts wanted = {.rows_added = 1,
                                 .rows_removed = 1,
                                 .rows_changed = 1,
                                 .items_added = 3,
                                 .items_removed = 2,
                                 .items_changed = 1,
                                 .members_changed = 1};
    assert_memory_equal(&counts, &wanted, sizeof wanted);
    alto_version_compare(tagged, tagged, &counts);
    wanted = (alto_change_counts){0};
    assert_memory_equal(&counts, &wanted, sizeof wanted);
    alto_version_compare(NULL, before, &counts);
    wanted = (alto_change_counts){.rows_added = 2, .items_added = 3};
    assert_memory_equal(&counts, &wanted, sizeof wanted);
    alto_version *all[] = {before, after, without_b, tagged};
    for (size_t i = 0; i < countof(all); i++)
        alto_version_release(all[i]);
}

static void every_kind_has_its_words(void **state)
{
    (void)state;
    assert_string_equal(alto_kind_name(ALTO_NETWORK_MAP), "network map");
    assert_string_equal(alto_kind_name(ALTO_COST_MAP), "cost map");
    assert_string_equal(alto_kind_name(ALTO_DOCUMENT), "document");
    assert_string_equal(alto_kind_member(ALTO_NETWORK_MAP), "network-map");
    assert_string_equal(alto_kind_member(ALTO_COST_MAP), "cost-map");
    assert_null(alto_kind_member(ALTO_DOCUMENT));
    assert_int_equal(alto_item_type(ALTO_NETWORK_MAP, ALTO_ROW_PAYLOAD), ALTO_VALUE_NONE);
    assert_int_equal(alto_item_type(ALTO_COST_MAP, ALTO_ROW_PAYLOAD), ALTO_VALUE_COST);
    assert_int_equal(alto_item_type(ALTO_COST_MAP, ALTO_ROW_MEMBER), ALTO_VALUE_TEXT);
    assert_int_equal(alto_item_type(ALTO_DOCUMENT, ALTO_ROW_VALUE), ALTO_VALUE_TEXT);
}

static void the_longest_name_fits_a_row_key(void **state)
{
    char name[255];
    memset(name, 'n', sizeof name);
    alto_row_key key = alto_row_key_make(ALTO_ROW_MEMBER, alto_slice_of(name, sizeof name));
    assert_int_equal(key.size, 256);
    assert_int_equal(key.bytes[0], ALTO_ROW_MEMBER);
    alto_version *empty = test_version(*state, ALTO_DOCUMENT), *made = NULL;
    alto_edit edit = {.key = alto_slice_text("m"), .value.text = alto_slice_text("1")};
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_ITEMS, .edits = &edit, .count = 1};
    assert_int_equal(alto_version_edit(*state, ALTO_DOCUMENT, empty, &row, 1, &made), ALTO_OK);
    const alto_tree *items;
    assert_true(alto_version_row(made, ALTO_ROW_MEMBER, alto_slice_of(name, sizeof name), &items));
    assert_false(alto_version_row(made, ALTO_ROW_MEMBER, alto_slice_of(name, sizeof name - 1), &items));
    alto_version_release(made);
    alto_version_release(empty);
}

/* However a version came to be: edited step by step, or built in one go from its rows. */
static void the_root_does_not_depend_on_the_way(void **state)
{
    test_random random = test_random_make(4);
    for (int kind = ALTO_NETWORK_MAP; kind <= ALTO_DOCUMENT; kind++) {
        alto_version *walked = test_version(*state, (alto_kind)kind);
        for (int step = 0; step < 12; step++) {
            alto_version *next = test_version_step(&random, *state, walked);
            alto_version_release(walked);
            walked = next;
        }
        alto_version *built = test_version(*state, (alto_kind)kind);
        alto_cursor cursor;
        alto_cursor_first(&cursor, alto_version_tree(walked));
        for (; alto_cursor_valid(&cursor); alto_cursor_next(&cursor)) {
            alto_row_edit row = {
                .row = alto_cursor_key(&cursor), .what = ALTO_ROW_REPLACE, .items = alto_cursor_value(&cursor).row};
            alto_version *next = NULL;
            assert_int_equal(alto_version_edit(*state, (alto_kind)kind, built, &row, 1, &next), ALTO_OK);
            alto_version_release(built);
            built = next;
        }
        assert_true(same_root(walked, built));
        assert_int_equal(alto_version_items(walked), alto_version_items(built));
        alto_version_release(walked);
        alto_version_release(built);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, test_pool_set_up, test_pool_tear_down)
    const struct CMUnitTest tests[] = {
        T(costs_are_found_by_source_and_destination),
        T(rows_and_items_are_counted_over_all_classes),
        T(the_root_is_of_the_content_and_the_kind),
        T(an_edit_that_changes_nothing_gives_the_base),
        T(a_row_may_be_empty_and_is_not_the_same_as_none),
        T(a_row_can_be_lent_to_another_version),
        T(a_comparison_counts_rows_items_and_members),
        T(every_kind_has_its_words),
        T(the_longest_name_fits_a_row_key),
        T(the_root_does_not_depend_on_the_way),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
