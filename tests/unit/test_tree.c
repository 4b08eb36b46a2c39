/* SPDX-License-Identifier: Apache-2.0 */
/* The tree against a plain array, and the properties that everything else rests on. */
#include "cmocka_all.h"
#include "core/tree.h"
#include "core/tree_guess.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

enum { UNIVERSE = 3000, KEY_SIZE = 12 };

/* The model: which of UNIVERSE keys are there, and with which cost. */
typedef struct {
    bool present[UNIVERSE];
    double cost[UNIVERSE];
} model;

static char names[UNIVERSE][KEY_SIZE];

static alto_slice key_of(size_t index)
{
    return alto_slice_text(names[index]);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIVERSE; i++)
        snprintf(names[i], KEY_SIZE, "k%05zu", i);
    return alto_crypto_init() == ALTO_OK ? 0 : -1;
}

static alto_tree *edit(alto_pool *pool, const alto_tree *base, const alto_edit *edits, size_t count)
{
    alto_tree *made = NULL;
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_COST, base, edits, count, &made), ALTO_OK);
    return made;
}

static alto_tree *tree_of(alto_pool *pool, const model *content)
{
    static alto_edit edits[UNIVERSE];
    size_t count = 0;
    for (size_t i = 0; i < UNIVERSE; i++)
        if (content->present[i])
            edits[count++] = (alto_edit){.key = key_of(i), .value.cost = content->cost[i]};
    return edit(pool, NULL, edits, count);
}

/* A random batch of edits, applied to the model and to the tree. */
static alto_tree *random_step(test_random *random, alto_pool *pool, const alto_tree *base, model *content)
{
    static alto_edit edits[UNIVERSE];
    size_t count = 0;
    uint64_t density = 1 + test_random_below(random, test_random_below(random, 2) ? 2 : 400);
    size_t from = test_random_below(random, UNIVERSE), to = test_random_below(random, 2) ? UNIVERSE : from + 40;
    for (size_t i = from; i < to && i < UNIVERSE; i++) {
        if (test_random_below(random, density))
            continue;
        bool remove = test_random_below(random, 3) == 0;
        double cost = (double)test_random_below(random, 1000) / 8;
        edits[count++] = (alto_edit){.key = key_of(i), .value.cost = cost, .remove = remove};
        content->present[i] = !remove;
        content->cost[i] = cost;
    }
    return edit(pool, base, edits, count);
}

static void assert_same_content(const alto_tree *tree, const model *content)
{
    alto_cursor cursor;
    uint64_t rank = 0;
    alto_cursor_first(&cursor, tree);
    for (size_t i = 0; i < UNIVERSE; i++) {
        bool found;
        assert_int_equal(alto_tree_rank(tree, key_of(i), &found), rank);
        assert_int_equal(found, content->present[i]);
        if (!content->present[i])
            continue;
        assert_true(alto_cursor_valid(&cursor));
        assert_true(alto_slice_equal(alto_cursor_key(&cursor), key_of(i)));
        assert_true(alto_cursor_value(&cursor).cost == content->cost[i]);
        assert_int_equal(cursor.rank, rank);
        alto_cursor other;
        alto_cursor_seek_rank(&other, tree, rank);
        assert_true(alto_slice_equal(alto_cursor_key(&other), key_of(i)));
        alto_cursor_next(&cursor);
        rank++;
    }
    assert_false(alto_cursor_valid(&cursor));
    assert_int_equal(alto_tree_entries(tree), rank);
}

/* At places where keys were found in this tree and others, right or wrong ones, and wherever else. */
static void assert_found_from(test_random *random, const alto_tree *tree, const model *content, uint64_t *places)
{
    uint64_t before = 0;
    for (size_t i = 0; i < UNIVERSE; i++) {
        alto_value value = {.cost = -1};
        uint64_t guess = places[test_random_below(random, 8) ? i : test_random_below(random, UNIVERSE)], place;
        assert_true(!alto_tree_find_at(tree, key_of(i), guess, &value) ||
                    (content->present[i] && value.cost == content->cost[i]));
        value.cost = -1;
        assert_int_equal(alto_tree_find_place(tree, key_of(i), &place, &value), content->present[i]);
        assert_true(place == 0 || place >= before); /* 0: behind all keys */
        if (content->present[i]) {
            assert_true(place && value.cost == content->cost[i]);
            assert_true(alto_tree_find_at(tree, key_of(i), place, &value));
            before = place + 1; /* that of the next key, at least */
            places[i] = place;
        }
        value.cost = -1;
        assert_int_equal(alto_tree_find_again(tree, key_of(i), &guess, &value), content->present[i]);
        assert_true(guess == place && (!content->present[i] || value.cost == content->cost[i]));
    }
}

static void a_key_is_found_from_wherever_it_is_looked_for(void **state)
{
    (void)state;
    test_random random = test_random_make(5);
    alto_pool *pool = alto_pool_new();
    static model content;
    static uint64_t places[UNIVERSE];
    alto_tree *tree = NULL;
    for (int step = 0; step < 40; step++) {
        assert_found_from(&random, tree, &content, places);
        alto_tree *next = random_step(&random, pool, tree, &content);
        alto_tree_release(tree);
        tree = next;
    }
    alto_tree_release(tree);
    alto_pool_destroy(&pool);
}

static void any_sequence_of_edits_to_the_same_content_gives_the_same_tree(void **state)
{
    (void)state;
    test_random random = test_random_make(1);
    alto_pool *pool = alto_pool_new();
    static model content;
    for (int round = 0; round < 6; round++) {
        content = (model){0};
        alto_tree *tree = NULL;
        for (int step = 0; step < 25; step++) {
            alto_tree *next = random_step(&random, pool, tree, &content);
            alto_tree_release(tree);
            tree = next;
            alto_tree *fresh = tree_of(step % 2 ? pool : NULL, &content);
            assert_true(alto_tree_equal(tree, fresh));
            alto_tree_release(fresh);
        }
        assert_same_content(tree, &content);
        alto_tree_release(tree);
    }
    alto_pool_destroy(&pool);
}

typedef struct {
    const model *before, *after;
    size_t next; /* every key below it has been accounted for */
    uint64_t rank_before, rank_after;
    size_t reported;
} expectation;

static bool differs(const expectation *self, size_t i)
{
    bool old = self->before->present[i], new = self->after->present[i];
    return old != new || (old && self->before->cost[i] != self->after->cost[i]);
}

static alto_status check_difference(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                                    uint64_t rank_before, uint64_t rank_after)
{
    expectation *self = context;
    while (self->next < UNIVERSE && !differs(self, self->next)) {
        self->rank_before += self->before->present[self->next];
        self->rank_after += self->after->present[self->next];
        self->next++;
    }
    assert_true(self->next < UNIVERSE);
    size_t i = self->next++;
    assert_true(alto_slice_equal(key, key_of(i)));
    assert_int_equal(before != NULL, self->before->present[i]);
    assert_int_equal(after != NULL, self->after->present[i]);
    if (before)
        assert_true(before->cost == self->before->cost[i]);
    if (after)
        assert_true(after->cost == self->after->cost[i]);
    assert_int_equal(rank_before, self->rank_before);
    assert_int_equal(rank_after, self->rank_after);
    self->rank_before += before != NULL;
    self->rank_after += after != NULL;
    self->reported++;
    return ALTO_OK;
}

static void a_difference_names_each_changed_key_once_with_its_ranks(void **state)
{
    (void)state;
    test_random random = test_random_make(2);
    alto_pool *pool = alto_pool_new();
    static model before, after;
    before = (model){0};
    alto_tree *old = NULL;
    for (int round = 0; round < 60; round++) {
        after = before;
        alto_tree *new = random_step(&random, pool, old, &after);
        expectation expected = {.before = &before, .after = &after};
        assert_int_equal(alto_tree_diff(old, new, check_difference, &expected), ALTO_OK);
        while (expected.next < UNIVERSE)
            assert_false(differs(&expected, expected.next++));
        alto_tree_release(old);
        old = new;
        before = after;
    }
    alto_tree_release(old);
    alto_pool_destroy(&pool);
}

static size_t count_nodes(const alto_tree *node, const alto_tree *shared_with)
{
    alto_node_info info = alto_node_look(node);
    alto_value value;
    size_t count = 1;
    /* A node is shared when the other tree holds the same node at the same place. */
    for (const alto_tree *other = shared_with; other;) {
        if (other == node)
            return 0;
        alto_node_info there = alto_node_look(other);
        uint32_t i = 0;
        while (i < there.count && alto_slice_compare(alto_node_key(other, i), alto_node_key(node, info.count - 1)) < 0)
            i++;
        other = there.level && i < there.count ? alto_node_child(other, i) : NULL;
    }
    (void)value;
    for (uint32_t i = 0; info.level && i < info.count; i++)
        count += count_nodes(alto_node_child(node, i), shared_with);
    return count;
}

static void a_version_costs_memory_in_proportion_to_what_it_changed(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    enum { MANY = 200000 };
    alto_edit *edits = calloc(MANY, sizeof *edits);
    char(*keys)[16] = calloc(MANY, sizeof *keys);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof keys[i], "%08zu", i);
        edits[i] = (alto_edit){.key = alto_slice_text(keys[i]), .value.cost = 1};
    }
    alto_tree *base = edit(pool, NULL, edits, MANY);
    size_t all = count_nodes(base, NULL);
    assert_in_range(all, MANY / 100, MANY / 30);
    static const struct {
        const char *label, *key;
        bool remove;
    } cases[] = {
        {"change one", "00100000", false},
        {"remove one", "00100001", true},
        {"insert in the middle", "0010000a", false},
        {"insert before all", "", false},
        {"append", "99999999", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_edit one = {.key = alto_slice_text(cases[i].key), .value.cost = 2, .remove = cases[i].remove};
        alto_tree *next = edit(pool, base, &one, 1);
        assert_in_range(count_nodes(next, base), 1, 12);
        alto_tree_release(next);
    }
    alto_tree_release(base);
    free(edits);
    free(keys);
    alto_pool_destroy(&pool);
}

static void new_costs_under_old_keys_share_keys_and_equal_leaves(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    static model content;
    double costs[UNIVERSE];
    for (size_t i = 0; i < UNIVERSE; i++) {
        content.present[i] = true;
        content.cost[i] = costs[i] = (double)i;
    }
    alto_tree *shape = tree_of(pool, &content), *made = NULL;
    assert_int_equal(alto_tree_with_costs(shape, costs, &made), ALTO_OK);
    assert_ptr_equal(made, shape);
    alto_tree_release(made);
    content.cost[1234] = costs[1234] = -7.5;
    assert_int_equal(alto_tree_with_costs(shape, costs, &made), ALTO_OK);
    alto_tree *fresh = tree_of(NULL, &content);
    assert_true(alto_tree_equal(made, fresh));
    assert_true(alto_node_same_keys(made, shape));
    assert_in_range(count_nodes(made, shape), 1, 3);
    alto_tree_release(made);
    alto_tree_release(fresh);
    alto_tree_release(shape);
    alto_pool_destroy(&pool);
}

static void equal_rows_of_keys_are_held_once_in_a_pool(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    static model content;
    for (size_t i = 0; i < UNIVERSE; i++)
        content.present[i] = i % 3 != 0;
    alto_tree *one = tree_of(pool, &content);
    content.cost[1] = 5;
    alto_tree *two = tree_of(pool, &content);
    assert_false(alto_tree_equal(one, two));
    assert_true(alto_node_same_keys(one, two));
    alto_tree_release(one);
    alto_tree_release(two);
    alto_pool_destroy(&pool);
}

static void texts_and_rows_are_values_like_any_other(void **state)
{
    (void)state;
    alto_pool *pool = alto_pool_new();
    alto_edit texts[] = {{.key = alto_slice_text("a"), .value.text = alto_slice_text("")},
                         {.key = alto_slice_text("b"), .value.text = alto_slice_text("{\"x\":1}")}};
    alto_tree *items = NULL, *rows = NULL, *again = NULL;
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_TEXT, NULL, texts, 2, &items), ALTO_OK);
    alto_edit of_rows[] = {{.key = alto_slice_text("empty"), .value.row = NULL},
                           {.key = alto_slice_text("full"), .value.row = items}};
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_ROW, NULL, of_rows, 2, &rows), ALTO_OK);
    assert_int_equal(alto_tree_entries(rows), 2);
    assert_int_equal(alto_tree_items(rows), 2);
    alto_value value;
    assert_true(alto_tree_find(rows, alto_slice_text("full"), &value));
    assert_ptr_equal(value.row, items);
    assert_true(alto_tree_find(value.row, alto_slice_text("b"), &value));
    assert_true(alto_slice_equal(value.text, alto_slice_text("{\"x\":1}")));
    assert_int_equal(alto_tree_edit(pool, ALTO_VALUE_ROW, rows, of_rows, 2, &again), ALTO_OK);
    assert_ptr_equal(again, rows);
    alto_tree_release(again);
    alto_tree_release(rows);
    alto_tree_release(items);
    alto_pool_destroy(&pool);
}

enum { FLOOD = 2000, FLOOD_NAME = 24 };

/* Names that whoever knows the fixed key of the short hash has sought: its low bits are as he likes. */
static void seek_names(char (*found)[FLOOD_NAME], uint64_t mask, bool zero)
{
    uint64_t number = 0;
    for (size_t i = 0; i < FLOOD; number++) {
        snprintf(found[i], FLOOD_NAME, "k%020llu", (unsigned long long)number);
        i += ((alto_short_hash(alto_slice_text(found[i])) & mask) == 0) == zero;
    }
}

static size_t nodes_of(const alto_tree *node)
{
    alto_node_info info = alto_node_look(node);
    size_t count = 1;
    for (uint32_t i = 0; info.level > 0 && i < info.count; i++)
        count += nodes_of(alto_node_child(node, i));
    return count;
}

/* Chunks that all end after one key, on two levels, or never before they are full: a tree of few nodes for each key all the
 * same, and no higher than it may be. Keys found so far are few for each bit more. */
static void names_that_were_sought_make_no_more_than_a_few_nodes_each(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        uint64_t mask;
        bool zero;
        size_t nodes;
    } cases[] = {{"each ends a leaf and the node above", 0xfff, true, 2 * FLOOD + FLOOD / 16},
                 {"each ends a leaf", 0x3f, true, FLOOD + FLOOD / 16},
                 {"none ends a leaf", 0x3f, false, FLOOD / ALTO_TREE_CAP + 2}};
    static char found[FLOOD][FLOOD_NAME];
    static alto_edit edits[FLOOD];
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_pool *pool = alto_pool_new();
        seek_names(found, cases[i].mask, cases[i].zero);
        for (size_t at = 0; at < FLOOD; at++)
            edits[at] = (alto_edit){.key = alto_slice_text(found[at]), .value.cost = 1};
        alto_tree *whole = edit(pool, NULL, edits, FLOOD), *rest = edit(pool, NULL, edits + 1, FLOOD - 1);
        assert_int_equal(alto_tree_entries(whole), FLOOD);
        assert_true(nodes_of(whole) <= cases[i].nodes);
        assert_true(alto_node_look(whole).level <= ALTO_TREE_MAX_LEVEL);
        alto_tree *grown = edit(pool, rest, edits, 1); /* in front of all, so that full leaves all move by one */
        assert_true(alto_tree_equal(grown, whole));
        alto_tree_release(grown);
        alto_tree_release(rest);
        alto_tree_release(whole);
        alto_pool_destroy(&pool);
    }
}

static void a_key_beyond_the_limit_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    char *large = calloc(1, ALTO_MAX_ITEM_KEY + 1);
    alto_edit edits[] = {{.key = alto_slice_of(large, ALTO_MAX_ITEM_KEY + 1)}};
    alto_tree *made = NULL;
    assert_int_equal(alto_tree_edit(NULL, ALTO_VALUE_NONE, NULL, edits, 1, &made), ALTO_TOO_LARGE);
    assert_null(made);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_from_wherever_it_is_looked_for),
        cmocka_unit_test(any_sequence_of_edits_to_the_same_content_gives_the_same_tree),
        cmocka_unit_test(a_difference_names_each_changed_key_once_with_its_ranks),
        cmocka_unit_test(a_version_costs_memory_in_proportion_to_what_it_changed),
        cmocka_unit_test(new_costs_under_old_keys_share_keys_and_equal_leaves),
        cmocka_unit_test(equal_rows_of_keys_are_held_once_in_a_pool),
        cmocka_unit_test(texts_and_rows_are_values_like_any_other),
        cmocka_unit_test(names_that_were_sought_make_no_more_than_a_few_nodes_each),
        cmocka_unit_test(a_key_beyond_the_limit_is_refused_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
