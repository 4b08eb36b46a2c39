/* SPDX-License-Identifier: Apache-2.0 */
/* The trie against a list of prefixes, over random edits; older tries must not see the edits of newer ones. */
#include "core/lpm_trie.h"

#include "cmocka_all.h"
#include "random.h"

#include <stdlib.h>

enum { PREFIXES = 400, EDITS = 4000, KEPT = 5 };

typedef struct {
    alto_trie_key bits;
    unsigned length;
    uint32_t number;
} entry;

typedef struct {
    size_t count;
    entry entries[PREFIXES];
} model;

static alto_trie_key mask(alto_trie_key bits, unsigned length)
{
    uint64_t high = length == 0 ? 0 : length >= 64 ? UINT64_MAX : UINT64_MAX << (64 - length);
    uint64_t low = length <= 64 ? 0 : UINT64_MAX << (128 - length);
    return (alto_trie_key){bits.high & high, bits.low & low};
}

static bool same_bits(alto_trie_key a, alto_trie_key b)
{
    return a.high == b.high && a.low == b.low;
}

static entry *find(model *self, alto_trie_key bits, unsigned length)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->entries[i].length == length && same_bits(self->entries[i].bits, bits))
            return &self->entries[i];
    return NULL;
}

static const entry *match(const model *self, alto_trie_key address)
{
    const entry *best = NULL;
    for (size_t i = 0; i < self->count; i++) {
        const entry *each = &self->entries[i];
        if (same_bits(mask(address, each->length), each->bits) && (!best || each->length > best->length))
            best = each;
    }
    return best;
}

/* Bits near those of others: few different ones, at few places, so that prefixes nest and share levels. */
static alto_trie_key random_bits(test_random *random)
{
    alto_trie_key bits = {0, 0};
    for (uint64_t i = test_random_below(random, 5); i > 0; i--) {
        uint64_t place = test_random_below(random, 128);
        *(place < 64 ? &bits.high : &bits.low) ^= UINT64_C(1) << (63 - place % 64);
    }
    if (test_random_below(random, 4) == 0)
        bits = (alto_trie_key){test_random_next(random), test_random_next(random)};
    return bits;
}

static void edit(test_random *random, alto_trie **trie, model *expected)
{
    bool drop = expected->count == PREFIXES || (expected->count > 0 && test_random_below(random, 5) < 2);
    if (drop) {
        entry *gone = &expected->entries[test_random_below(random, expected->count)];
        assert_int_equal(alto_trie_drop(trie, gone->bits, gone->length), ALTO_OK);
        *gone = expected->entries[--expected->count];
        return;
    }
    unsigned length = (unsigned)test_random_below(random, 129);
    entry put = {mask(random_bits(random), length), length, (uint32_t)test_random_next(random)};
    if (test_random_below(random, 4) == 0 && expected->count > 0) { /* another number, or one inside it */
        const entry *known = &expected->entries[test_random_below(random, expected->count)];
        put =
            (entry){known->bits, known->length + (unsigned)test_random_below(random, 129 - known->length), put.number};
    }
    assert_int_equal(alto_trie_put(trie, put.bits, put.length, put.number), ALTO_OK);
    entry *there = find(expected, put.bits, put.length);
    if (!there)
        there = &expected->entries[expected->count++];
    *there = put;
}

static void assert_matches(const alto_trie *trie, const model *expected, alto_trie_key address)
{
    const entry *best = match(expected, address);
    alto_trie_search search = {.trie = trie, .address = address};
    alto_trie_match(&search, 1);
    assert_int_equal(search.found, best != NULL);
    if (best)
        assert_int_equal(search.number, best->number);
}

static void assert_matches_at_once(test_random *random, const alto_trie *trie, const model *expected)
{
    alto_trie_search searches[ALTO_TRIE_AT_ONCE];
    for (size_t i = 0; i < ALTO_TRIE_AT_ONCE; i++)
        searches[i] = (alto_trie_search){.trie = i % 5 ? trie : NULL, .address = random_bits(random)};
    alto_trie_match(searches, ALTO_TRIE_AT_ONCE);
    for (size_t i = 0; i < ALTO_TRIE_AT_ONCE; i++) {
        const entry *best = i % 5 ? match(expected, searches[i].address) : NULL;
        assert_int_equal(searches[i].found, best != NULL);
        if (best)
            assert_int_equal(searches[i].number, best->number);
    }
}

/* Every prefix, its first and last address and what is next to it, and random addresses. */
static void assert_agrees(test_random *random, const alto_trie *trie, model *expected)
{
    for (size_t i = 0; i < expected->count; i++) {
        const entry *each = &expected->entries[i];
        uint32_t number = 0;
        assert_true(alto_trie_get(trie, each->bits, each->length, &number));
        assert_int_equal(number, each->number);
        alto_trie_key wild = mask((alto_trie_key){UINT64_MAX, UINT64_MAX}, each->length);
        alto_trie_key last = {each->bits.high | ~wild.high, each->bits.low | ~wild.low};
        assert_matches(trie, expected, each->bits);
        assert_matches(trie, expected, last);
        assert_matches(trie, expected, (alto_trie_key){last.high + (last.low == UINT64_MAX), last.low + 1});
    }
    assert_matches_at_once(random, trie, expected);
    for (int i = 0; i < 50; i++) {
        alto_trie_key address = random_bits(random);
        unsigned length = (unsigned)test_random_below(random, 129);
        uint32_t number;
        assert_matches(trie, expected, address);
        alto_trie_key bits = mask(address, length);
        assert_int_equal(alto_trie_get(trie, bits, length, &number), find(expected, bits, length) != NULL);
    }
}

static void any_way_of_edits_matches_as_the_list_of_prefixes_does(void **state)
{
    (void)state;
    test_random random = test_random_make(11);
    model *expected = calloc(KEPT + 1, sizeof *expected), *now = &expected[KEPT];
    alto_trie *kept[KEPT] = {NULL}, *trie = NULL;
    for (size_t i = 0; i < EDITS; i++) {
        edit(&random, &trie, now);
        if (i % 37 == 0)
            assert_agrees(&random, trie, now);
        if (i % 97 == 0) { /* an older trie, which shares nodes, must not have seen what came since */
            size_t slot = i / 97 % KEPT;
            assert_agrees(&random, kept[slot], &expected[slot]);
            alto_trie_release(kept[slot]);
            kept[slot] = alto_trie_retain(trie);
            expected[slot] = *now;
        }
    }
    while (now->count > 0) {
        const entry *gone = &now->entries[now->count - 1];
        assert_int_equal(alto_trie_drop(&trie, gone->bits, gone->length), ALTO_OK);
        now->count--;
    }
    assert_null(trie);
    for (size_t i = 0; i < KEPT; i++) {
        assert_agrees(&random, kept[i], &expected[i]);
        alto_trie_release(kept[i]);
    }
    free(expected);
}

static void the_ends_of_the_space_are_found(void **state)
{
    (void)state;
    static const alto_trie_key zero = {0, 0}, last = {UINT64_MAX, UINT64_MAX};
    alto_trie *trie = NULL;
    uint32_t number;
    model expected = {.count = 2, .entries = {{zero, 0, 7}, {last, 128, 8}}};
    assert_false(alto_trie_get(trie, zero, 0, &number));
    assert_int_equal(alto_trie_put(&trie, zero, 0, 7), ALTO_OK);
    assert_int_equal(alto_trie_put(&trie, last, 128, 8), ALTO_OK);
    assert_matches(trie, &expected, zero);
    assert_matches(trie, &expected, last);
    assert_matches(trie, &expected, (alto_trie_key){UINT64_MAX, UINT64_MAX - 1});
    assert_false(alto_trie_get(trie, last, 127, &number));
    alto_trie_release(trie);
    alto_trie_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_way_of_edits_matches_as_the_list_of_prefixes_does),
        cmocka_unit_test(the_ends_of_the_space_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
