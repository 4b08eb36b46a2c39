/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "versions.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIDS = 60, NAME = 24, ITEMS = 400, TEXT = 160 };

int test_pool_set_up(void **state)
{
    *state = alto_pool_new();
    return alto_crypto_init() == ALTO_OK && *state ? 0 : -1;
}

int test_pool_tear_down(void **state)
{
    alto_pool *pool = *state;
    alto_pool_destroy(&pool);
    return 0;
}

alto_version *test_version(alto_pool *pool, alto_kind kind)
{
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, kind, NULL, NULL, 0, &made), ALTO_OK);
    return made;
}

alto_version *test_version_row(alto_pool *pool, alto_version *base, const char *pid, const alto_edit *edits,
                               size_t count)
{
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(pid));
    alto_row_edit row = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_ITEMS, .edits = edits, .count = count};
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, alto_version_kind(base), base, &row, 1, &made), ALTO_OK);
    alto_version_release(base);
    return made;
}

alto_version *test_version_text(alto_pool *pool, const alto_version *base, const char *row, const char *member,
                                const char *text)
{
    alto_row_key key = alto_row_key_make(ALTO_ROW_MEMBER, alto_slice_text(row));
    alto_edit edit = {.key = alto_slice_text(member)};
    edit.value.text = alto_slice_text(text);
    alto_row_edit row_edit = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_ITEMS, .edits = &edit, .count = 1};
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, alto_version_kind(base), base, &row_edit, 1, &made), ALTO_OK);
    return made;
}

/* Items of one row to be, with memory of their own. */
typedef struct {
    alto_edit edits[ITEMS];
    uint8_t keys[ITEMS][NAME];
    char texts[ITEMS][TEXT];
    size_t count;
} item_edits;

static double random_cost(test_random *random)
{
    static const double odd[] = {6.5, 1e-7, 1e300, 0, 1.0 / 3, -2.5, 5e-324, 9007199254740993.0};
    uint64_t shape = test_random_below(random, 40);
    if (shape < countof(odd))
        return odd[shape];
    return (double)test_random_below(random, 10000) / (shape < 30 ? 100 : 1);
}

static size_t cost_key(test_random *random, uint8_t *key)
{
    return (size_t)snprintf((char *)key, NAME, "pid%llu", (unsigned long long)test_random_below(random, PIDS));
}

static size_t prefix_key(test_random *random, uint8_t *key)
{
    bool ipv6 = test_random_below(random, 3) == 0;
    unsigned bits = ipv6 ? 128 : 32;
    unsigned length = test_random_below(random, 4) ? bits * 3 / 4 : (unsigned)test_random_below(random, bits + 1);
    key[0] = ipv6 ? ALTO_ITEM_IPV6 : ALTO_ITEM_IPV4;
    for (unsigned i = 0; i < bits / 8; i++) {
        uint8_t byte = (uint8_t)test_random_below(random, i < 2 ? 3 : i < bits / 8 - 1 ? 2 : 256);
        unsigned kept = length > i * 8 ? length - i * 8 : 0;
        key[1 + i] = (uint8_t)(byte & (0xff00u >> (kept < 8 ? kept : 8)));
    }
    key[1 + bits / 8] = (uint8_t)length;
    return bits / 8 + 2;
}

static size_t network_key(test_random *random, uint8_t *key)
{
    switch (test_random_below(random, 20)) {
    case 0:
        key[0] = test_random_below(random, 2) ? ALTO_ITEM_IPV4 : ALTO_ITEM_IPV6;
        return 1;
    case 1:
        key[0] = ALTO_ITEM_OTHER;
        return 1 + (size_t)snprintf((char *)key + 1, NAME - 1, "mac%c[%llu]", 0,
                                    (unsigned long long)test_random_below(random, 9));
    default:
        return prefix_key(random, key);
    }
}

static size_t text_key(test_random *random, uint8_t *key)
{
    return (size_t)snprintf((char *)key, NAME, "member-%llu", (unsigned long long)test_random_below(random, 300));
}

static void random_text(test_random *random, char *text)
{
    size_t size = test_random_below(random, TEXT - 10);
    text[0] = '"';
    for (size_t i = 0; i < size; i++)
        text[1 + i] = (char)('a' + test_random_below(random, i % 20 ? 2 : 20));
    text[1 + size] = '"';
    text[2 + size] = 0;
}

static int compare(const void *a, const void *b)
{
    const alto_edit *x = a, *y = b;
    return alto_slice_compare(x->key, y->key);
}

static void drop_repeated(item_edits *items)
{
    qsort(items->edits, items->count, sizeof *items->edits, compare);
    size_t kept = 0;
    for (size_t i = 0; i < items->count; i++)
        if (!kept || !alto_slice_equal(items->edits[kept - 1].key, items->edits[i].key))
            items->edits[kept++] = items->edits[i];
    items->count = kept;
}

static void random_items(test_random *random, alto_value_type type, item_edits *items)
{
    items->count = test_random_below(random, test_random_below(random, 4) ? 8 : ITEMS);
    for (size_t i = 0; i < items->count; i++) {
        uint8_t *key = items->keys[i];
        alto_edit *edit = &items->edits[i];
        *edit = (alto_edit){.remove = test_random_below(random, 3) == 0};
        if (type == ALTO_VALUE_COST) {
            edit->key = alto_slice_of(key, cost_key(random, key));
            edit->value.cost = random_cost(random);
        } else if (type == ALTO_VALUE_NONE) {
            edit->key = alto_slice_of(key, network_key(random, key));
        } else {
            edit->key = alto_slice_of(key, text_key(random, key));
            random_text(random, items->texts[i]);
            edit->value.text = alto_slice_text(items->texts[i]);
        }
    }
    drop_repeated(items);
}

static void keep_one_without_key(item_edits *items)
{
    items->count = items->count > 0;
    items->edits[0].key.size = 0;
}

static alto_version *step_row(test_random *random, alto_pool *pool, const alto_version *base, item_edits *items)
{
    alto_kind kind = alto_version_kind(base);
    uint8_t class = (uint8_t)(kind == ALTO_DOCUMENT || !test_random_below(random, 5) ? 1 + test_random_below(random, 2)
                                                                                     : ALTO_ROW_PAYLOAD);
    char name[NAME];
    snprintf(name, sizeof name, "pid%llu", (unsigned long long)test_random_below(random, PIDS));
    alto_row_key key = alto_row_key_make(class, alto_slice_text(test_random_below(random, 6) ? name : "meta"));
    random_items(random, alto_item_type(kind, class), items);
    if (class == ALTO_ROW_VALUE) /* the row is the value of its name */
        keep_one_without_key(items);
    alto_row_edit row = {.row = alto_row_key_slice(&key),
                         .what = test_random_below(random, 8) ? ALTO_ROW_ITEMS : ALTO_ROW_REMOVE,
                         .edits = items->edits,
                         .count = items->count};
    if (!test_random_below(random, 10))
        row.what = ALTO_ROW_REPLACE; /* by nothing */
    alto_version *made = NULL;
    assert_int_equal(alto_version_edit(pool, kind, base, &row, 1, &made), ALTO_OK);
    return made;
}

alto_version *test_version_step(test_random *random, alto_pool *pool, const alto_version *base)
{
    item_edits *items = malloc(sizeof *items);
    alto_version *at = alto_version_retain(base);
    for (uint64_t rows = 1 + test_random_below(random, 25); rows > 0; rows--) {
        alto_version *next = step_row(random, pool, at, items);
        alto_version_release(at);
        at = next;
    }
    free(items);
    return at;
}
