/* SPDX-License-Identifier: Apache-2.0 */
/* Root sets: who may say who comes next, and that nobody else can. */
#include "cmocka_all.h"
#include "core/roots.h"
#include "files.h"

#include <stdlib.h>

#define NOW_MS UINT64_C(1760000000000)

enum { KEYS = 5 };

static alto_signing_key *keys[KEYS];

static int set_up(void **state)
{
    (void)state;
    if (alto_crypto_init() != ALTO_OK)
        return -1;
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = test_key((uint8_t)(i + 1));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        alto_signing_key_destroy(&keys[i]);
    return 0;
}

/* Sets, signers: characters '0'..'4', indices of keys. */
static size_t keys_of(const char *set, alto_public_key out[KEYS])
{
    size_t count = strlen(set);
    for (size_t i = 0; i < count; i++)
        out[i] = alto_signing_key_public(keys[set[i] - '0']);
    return count;
}

static alto_anchor first_set(void)
{
    alto_anchor anchor = {.threshold = 1};
    anchor.root_count = keys_of("0", anchor.roots);
    anchor.origin = alto_origin_of(1, anchor.roots, 1);
    return anchor;
}

typedef struct {
    alto_manifest manifest;
    alto_buffer file;
} made;

static made make(uint32_t version, unsigned threshold, const char *set, const char *signers)
{
    const alto_signing_key *chosen[KEYS];
    made it = {.manifest = {.origin = first_set().origin,
                            .epoch = 1,
                            .version = version,
                            .issued_at_ms = NOW_MS - 1000,
                            .not_after_ms = NOW_MS + 1000,
                            .threshold = threshold},
               .file = alto_buffer_make(ALTO_MAX_MANIFEST)};
    it.manifest.root_count = keys_of(set, it.manifest.roots);
    for (size_t i = 0; signers[i]; i++)
        chosen[i] = keys[signers[i] - '0'];
    assert_int_equal(alto_manifest_sign(&it.manifest, chosen, strlen(signers), &it.file), ALTO_OK);
    return it;
}

static void add(alto_buffer *list, made *it)
{
    alto_buffer_add_u32(list, (uint32_t)it->file.size);
    alto_buffer_add_slice(list, alto_buffer_slice(&it->file));
    alto_buffer_fini(&it->file);
}

/* Walk from the anchor along a list of these. */
typedef struct {
    uint32_t version;
    unsigned threshold;
    const char *set, *signers;
} entry;

static alto_status walk_at(alto_roots *roots, const entry *entries, size_t count, uint64_t now_ms)
{
    alto_buffer list = alto_buffer_make(1 << 20);
    for (size_t i = 0; i < count; i++) {
        made it = make(entries[i].version, entries[i].threshold, entries[i].set, entries[i].signers);
        add(&list, &it);
    }
    alto_status status = alto_roots_walk(roots, alto_buffer_slice(&list), now_ms);
    alto_buffer_fini(&list);
    return status;
}

static void assert_reached(const alto_roots *roots, uint32_t version, unsigned threshold, const char *set)
{
    alto_public_key wanted[KEYS];
    size_t count = keys_of(set, wanted), found = 0;
    assert_int_equal(roots->version, version);
    assert_int_equal(roots->reached.threshold, threshold);
    assert_int_equal(roots->reached.root_count, count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            found += memcmp(&wanted[i], &roots->reached.roots[j], sizeof *wanted) == 0;
    assert_int_equal(found, count);
    alto_anchor first = first_set();
    assert_true(alto_hash_equal(&roots->reached.origin, &first.origin));
}

static void a_list_is_followed_as_far_as_signatures_lead(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        entry entries[3];
        size_t count;
        alto_status status;
        uint32_t version;
        unsigned threshold;
        const char *set;
    } cases[] = {
        {"nothing", {{0}}, 0, ALTO_KNOWN, 0, 1, "0"},
        {"one change", {{2, 1, "1", "01"}}, 1, ALTO_OK, 2, 1, "1"},
        {"two changes", {{2, 1, "1", "01"}, {5, 2, "123", "123"}}, 2, ALTO_OK, 5, 2, "123"},
        {"the same set", {{2, 1, "0", "0"}}, 1, ALTO_KNOWN, 0, 1, "0"},
        {"without the old set", {{2, 1, "1", "1"}}, 1, ALTO_UNKNOWN_KEY, 0, 1, "0"},
        {"without the new set", {{2, 1, "1", "0"}}, 1, ALTO_UNKNOWN_KEY, 0, 1, "0"},
        {"too few of the new set", {{2, 2, "123", "01"}}, 1, ALTO_UNKNOWN_KEY, 0, 1, "0"},
        {"a stranger between",
         {{2, 1, "1", "01"}, {3, 1, "4", "4"}, {4, 1, "2", "12"}},
         3,
         ALTO_UNKNOWN_KEY,
         2,
         1,
         "1"},
        {"the replaced set goes on", {{2, 1, "1", "01"}, {3, 1, "2", "02"}}, 2, ALTO_UNKNOWN_KEY, 2, 1, "1"},
        {"back to what was before", {{2, 1, "1", "01"}, {3, 1, "0", "01"}}, 2, ALTO_OK, 3, 1, "0"},
        {"out of order", {{5, 1, "1", "01"}, {3, 1, "2", "12"}}, 2, ALTO_OK, 5, 1, "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_roots roots;
        alto_anchor anchor = first_set();
        alto_roots_init(&roots, &anchor);
        assert_int_equal(walk_at(&roots, cases[i].entries, cases[i].count, NOW_MS), cases[i].status);
        assert_reached(&roots, cases[i].version, cases[i].threshold, cases[i].set);
        alto_roots_fini(&roots);
    }
}

static void manifests_that_have_expired_still_lead_on(void **state)
{
    (void)state;
    static const entry entries[] = {{2, 1, "1", "01"}, {3, 1, "2", "12"}};
    alto_roots roots;
    alto_anchor anchor = first_set();
    alto_roots_init(&roots, &anchor);
    assert_int_equal(walk_at(&roots, entries, 2, NOW_MS - 1000000), ALTO_FUTURE);
    assert_reached(&roots, 0, 1, "0");
    assert_int_equal(walk_at(&roots, entries, 2, NOW_MS + 1000000), ALTO_OK);
    assert_reached(&roots, 3, 1, "2");
    alto_roots_fini(&roots);
}

static void what_was_walked_can_be_walked_by_others(void **state)
{
    (void)state;
    static const entry entries[] = {{2, 1, "1", "01"}, {3, 1, "2", "12"}};
    alto_roots one, other;
    alto_anchor anchor = first_set();
    alto_roots_init(&one, &anchor);
    alto_roots_init(&other, &anchor);
    assert_int_equal(walk_at(&one, entries, 2, NOW_MS), ALTO_OK);
    assert_int_equal(alto_roots_walk(&other, alto_buffer_slice(&one.list), NOW_MS), ALTO_OK);
    assert_reached(&other, 3, 1, "2");
    assert_int_equal(alto_roots_walk(&other, alto_buffer_slice(&one.list), NOW_MS), ALTO_KNOWN);
    /* And on: a manifest of another set, which had been accepted. */
    made next = make(4, 2, "34", "234");
    assert_int_equal(alto_roots_take(&one, alto_buffer_slice(&next.file), &next.manifest), ALTO_OK);
    alto_buffer_fini(&next.file);
    assert_reached(&one, 4, 2, "34");
    assert_int_equal(alto_roots_walk(&other, alto_buffer_slice(&one.list), NOW_MS), ALTO_OK);
    assert_reached(&other, 4, 2, "34");
    alto_roots_fini(&one);
    alto_roots_fini(&other);
}

/* A life with as many changes as there may be, and one more. */
static void the_number_of_changes_is_bounded(void **state)
{
    (void)state;
    alto_roots roots;
    alto_anchor anchor = first_set();
    alto_roots_init(&roots, &anchor);
    alto_buffer list = alto_buffer_make(1 << 20);
    for (uint32_t i = 0; i <= ALTO_MAX_ROOT_SETS; i++) {
        made it = make(i + 1, 1, i % 2 ? "0" : "1", "01");
        add(&list, &it);
    }
    assert_int_equal(alto_roots_walk(&roots, alto_buffer_slice(&list), NOW_MS), ALTO_TOO_LARGE);
    assert_int_equal(roots.count, ALTO_MAX_ROOT_SETS);
    assert_int_equal(roots.version, ALTO_MAX_ROOT_SETS);
    made more = make(100, 1, "2", "02");
    assert_int_equal(alto_roots_take(&roots, alto_buffer_slice(&more.file), &more.manifest), ALTO_TOO_LARGE);
    assert_int_equal(roots.version, ALTO_MAX_ROOT_SETS);
    alto_buffer_fini(&more.file);
    alto_buffer_fini(&list);
    alto_roots_fini(&roots);
}

static void bytes_that_are_no_list_are_refused(void **state)
{
    (void)state;
    static const entry entries[] = {{2, 1, "1", "01"}};
    alto_roots roots;
    alto_anchor anchor = first_set();
    alto_roots_init(&roots, &anchor);
    made it = make(2, 1, "1", "01");
    alto_buffer list = alto_buffer_make(2 << 20);
    add(&list, &it);
    for (size_t size = 1; size < list.size; size++)
        assert_int_equal(alto_roots_walk(&roots, alto_slice_of(list.data, size), NOW_MS), ALTO_MALFORMED);
    list.data[20] ^= 1; /* in the object */
    assert_int_not_equal(alto_roots_walk(&roots, alto_buffer_slice(&list), NOW_MS), ALTO_OK);
    while (list.size <= ALTO_MAX_ROOT_LIST)
        alto_buffer_add_u8(&list, 0);
    assert_int_equal(alto_roots_walk(&roots, alto_buffer_slice(&list), NOW_MS), ALTO_TOO_LARGE);
    assert_reached(&roots, 0, 1, "0");
    assert_int_equal(walk_at(&roots, entries, 1, NOW_MS), ALTO_OK);
    alto_buffer_fini(&list);
    alto_roots_fini(&roots);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_followed_as_far_as_signatures_lead),
        cmocka_unit_test(manifests_that_have_expired_still_lead_on),
        cmocka_unit_test(what_was_walked_can_be_walked_by_others),
        cmocka_unit_test(the_number_of_changes_is_bounded),
        cmocka_unit_test(bytes_that_are_no_list_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
