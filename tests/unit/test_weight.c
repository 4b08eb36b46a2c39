/* SPDX-License-Identifier: Apache-2.0 */
/* That what is shared weighs nothing, and what is not weighs about what it takes. */
#include "cmocka_all.h"
#include "core/weight.h"
#include "versions.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 300, COLUMNS = 500 };

static alto_tree *edit(alto_pool *pool, alto_value_type type, const alto_tree *base, const char *key, alto_value value)
{
    alto_edit change = {.key = alto_slice_text(key), .value = value};
    alto_tree *made = NULL;
    assert_int_equal(alto_tree_edit(pool, type, base, &change, 1, &made), ALTO_OK);
    return made;
}

/* A tree of rows, all of the same columns. */
static alto_tree *matrix(alto_pool *pool)
{
    alto_edit *columns = calloc(COLUMNS, sizeof *columns), *rows = calloc(ROWS, sizeof *rows);
    char(*names)[8] = calloc(COLUMNS, sizeof *names);
    alto_tree *row = NULL, *made = NULL;
    for (unsigned i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof names[i], "p%04u", i);
        columns[i] = (alto_edit){.key = alto_slice_text(names[i]), .value = {.cost = i}};
    }
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_COST, NULL, columns, COLUMNS, &row), ALTO_OK);
    for (unsigned i = 0; i < ROWS; i++) {
        alto_edit change = {.key = alto_slice_text(names[0]), .value = {.cost = 1000 + i}};
        alto_tree *own = NULL;
        assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_COST, row, &change, 1, &own), ALTO_OK);
        rows[i] = (alto_edit){.key = alto_slice_text(names[i]), .value = {.row = own}};
    }
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_ROW, NULL, rows, ROWS, &made), ALTO_OK);
    for (unsigned i = 0; i < ROWS; i++)
        alto_tree_release(rows[i].value.row);
    alto_tree_release(row);
    free(columns);
    free(rows);
    free(names);
    return made;
}

static void what_is_the_same_weighs_nothing(void **state)
{
    alto_tree *tree = matrix(*state);
    assert_int_equal(alto_tree_weight(NULL, NULL), 0);
    assert_int_equal(alto_tree_weight(NULL, tree), 0);
    assert_int_equal(alto_tree_weight(tree, tree), 0);
    alto_tree_release(tree);
}

static void a_whole_tree_weighs_at_least_its_cells(void **state)
{
    alto_tree *tree = matrix(*state);
    uint64_t weight = alto_tree_weight(tree, NULL);
    assert_true(weight >= 8 * COLUMNS); /* the rows share the rest of their leaves */
    assert_true(weight < 100 * ROWS * COLUMNS);
    alto_tree_release(tree);
}

/* One cell: a leaf, its way up in the row, and the way up among the rows. */
static void one_changed_cell_weighs_a_path(void **state)
{
    alto_tree *first = matrix(*state);
    alto_value row;
    assert_true(alto_tree_find(first, alto_slice_text("p0150"), &row));
    alto_tree *changed = edit(*state, ALTO_VALUE_COST, row.row, "p0300", (alto_value){.cost = 7});
    alto_tree *second = edit(*state, ALTO_VALUE_ROW, first, "p0150", (alto_value){.row = changed});
    uint64_t weight = alto_tree_weight(first, second);
    assert_true(weight > 0);
    assert_true(weight <= 4 * (96 + (8 + 16) * ALTO_TREE_CAP)); /* four nodes of the greatest size at most */
    assert_int_equal(alto_tree_weight(second, first), weight);
    alto_tree_release(second);
    alto_tree_release(changed);
    alto_tree_release(first);
}

static void an_added_row_does_not_make_the_others_heavy(void **state)
{
    alto_tree *tree = matrix(*state);
    alto_value row;
    assert_true(alto_tree_find(tree, alto_slice_text("p0000"), &row));
    uint64_t whole = alto_tree_weight(tree, NULL);
    alto_tree *after = edit(*state, ALTO_VALUE_ROW, tree, "p0150+", row);
    assert_true(alto_tree_weight(tree, after) < whole / 2);
    alto_tree_release(after);
    alto_tree_release(tree);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, test_pool_set_up, test_pool_tear_down)
    const struct CMUnitTest tests[] = {
        T(what_is_the_same_weighs_nothing),
        T(a_whole_tree_weighs_at_least_its_cells),
        T(one_changed_cell_weighs_a_path),
        T(an_added_row_does_not_make_the_others_heavy),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
