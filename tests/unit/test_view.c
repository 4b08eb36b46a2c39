/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "core/view.h"
#include "versions.h"

#include <stdio.h>

enum { MANY = 300 };

static alto_resource *resource_of(const char *id, const char *input, const alto_version *version, uint32_t flags)
{
    alto_buffer key = alto_buffer_make(8192);
    alto_resource_name name = {.id = alto_slice_text(id), .input = alto_slice_text(input)};
    alto_entry entry = {.kind = ALTO_DOCUMENT, .flags = flags};
    alto_catalog_key(&name, &key);
    alto_resource *made = alto_resource_new(alto_buffer_slice(&key), &entry, version);
    assert_non_null(made);
    alto_buffer_fini(&key);
    return made;
}

static alto_view *view_of(const alto_resource *const *resources, size_t count)
{
    static const alto_origin origin = {{1}};
    static const alto_position position = {1, 2, 3};
    static const alto_hash commit = {{4}}, root = {{5}};
    alto_view *made = alto_view_new(&origin, &position, &commit, &root, NULL, resources, count);
    assert_non_null(made);
    return made;
}

static void resources_keep_their_key_and_their_version(void **state)
{
    alto_version *version = test_version(*state, ALTO_DOCUMENT);
    alto_resource *resource = resource_of("id", "{\"a\":1}", version, 0);
    alto_version_release(version);
    assert_true(alto_slice_equal(resource->name.id, alto_slice_text("id")));
    assert_true(alto_slice_equal(resource->name.input, alto_slice_text("{\"a\":1}")));
    assert_int_equal(alto_version_kind(resource->version), ALTO_DOCUMENT);
    assert_ptr_equal(alto_resource_retain(resource), resource);
    alto_resource_release(resource);
    assert_int_equal(alto_version_rows(resource->version), 0);
    alto_resource_release(resource);
    alto_resource_release(NULL);
}

static void only_what_is_held_and_fits_is_shown(void **state)
{
    static const struct {
        bool held;
        uint32_t flags;
        bool shown;
    } cases[] = {{true, 0, true},
                 {true, ALTO_ENTRY_REDISTRIBUTABLE, true},
                 {true, ALTO_ENTRY_WITHHELD, false},
                 {true, ALTO_ENTRY_REDISTRIBUTABLE | ALTO_ENTRY_WITHHELD, false},
                 {true, 0xfffffffd, true},
                 {false, 0, false}};
    alto_version *version = test_version(*state, ALTO_DOCUMENT);
    for (size_t i = 0; i < countof(cases); i++) {
        alto_resource *resource = resource_of("id", "", cases[i].held ? version : NULL, cases[i].flags);
        assert_int_equal(alto_resource_shown(resource), cases[i].shown);
        alto_resource_release(resource);
    }
    alto_version_release(version);
}

static void a_view_finds_each_of_many(void **state)
{
    (void)state;
    const alto_resource *resources[MANY];
    char id[20];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "r%03u", i);
        resources[i] = resource_of(id, "", NULL, 0);
    }
    for (size_t count = 0; count <= MANY; count += count < 5 ? 1 : 59) {
        alto_view *view = view_of(resources, count);
        for (unsigned i = 0; i < MANY; i++) {
            snprintf(id, sizeof id, "r%03u", i);
            assert_ptr_equal(alto_view_by_id(view, id), i < count ? resources[i] : NULL);
            assert_ptr_equal(alto_view_by_key(view, resources[i]->key), i < count ? resources[i] : NULL);
        }
        static const char *const absent[] = {"",
                                             "a",
                                             "r",
                                             "r0000",
                                             "s",
                                             "r00",
                                             "r1234567890123456789012345678901234567890123456789012345678901234567890"};
        for (size_t i = 0; i < countof(absent); i++)
            assert_null(alto_view_by_id(view, absent[i]));
        alto_view_release(view);
    }
    for (unsigned i = 0; i < MANY; i++)
        alto_resource_release(resources[i]);
}

static void an_id_means_the_resource_without_input(void **state)
{
    (void)state;
    const alto_resource *resources[] = {resource_of("a", "", NULL, 0), resource_of("a", "x", NULL, 0),
                                        resource_of("b", "x", NULL, 0)};
    alto_view *view = view_of(resources, 3);
    assert_ptr_equal(alto_view_by_id(view, "a"), resources[0]);
    assert_null(alto_view_by_id(view, "b"));
    assert_ptr_equal(alto_view_by_key(view, resources[2]->key), resources[2]);
    for (size_t i = 0; i < 3; i++)
        alto_resource_release(resources[i]);
    alto_view *other = alto_view_retain(view);
    alto_view_release(view);
    assert_ptr_equal(alto_view_by_id(other, "a"), resources[0]); /* the view holds them */
    assert_int_equal(other->position.seq, 3);
    assert_int_equal(other->state_root.bytes[0], 5);
    alto_view_release(other);
    alto_view_release(NULL);
    assert_null(alto_view_retain(NULL));
}

static void an_entry_tells_the_texts_of_meta(void **state)
{
    static const struct {
        const char *id, *tag;
        size_t dependencies;
        const char *vtag, *dependent;
    } cases[] = {{"n", "t1", 0, "{\"resource-id\":\"n\",\"tag\":\"t1\"}", ""},
                 {"c", "", 1, "", "[{\"resource-id\":\"n\",\"tag\":\"a\\\"b\"}]"},
                 {"c", "x", 2, "{\"resource-id\":\"c\",\"tag\":\"x\"}",
                  "[{\"resource-id\":\"n\",\"tag\":\"a\\\"b\"},{\"resource-id\":\"n\",\"tag\":\"a\\\"b\"}]"},
                 {"d", "", 0, "", ""}};
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_resource_name name = {.id = alto_slice_text(cases[i].id)};
        alto_entry entry = {.kind = ALTO_COST_MAP, .dependency_count = cases[i].dependencies};
        alto_entry_texts texts;
        snprintf(entry.tag, sizeof entry.tag, "%s", cases[i].tag);
        for (size_t d = 0; d < cases[i].dependencies; d++)
            entry.dependencies[d] = (alto_vtag){.resource_id = "n", .tag = "a\"b"};
        assert_int_equal(alto_entry_texts_make(&name, &entry, &texts), ALTO_OK);
        assert_true(alto_slice_equal(texts.implied.vtag, alto_slice_text(cases[i].vtag)));
        assert_true(alto_slice_equal(texts.implied.dependencies, alto_slice_text(cases[i].dependent)));
        alto_entry_texts_fini(&texts);
    }
}

static void the_longest_entry_has_room_for_its_texts(void **state)
{
    (void)state;
    char id[ALTO_MAX_NAME + 1];
    alto_entry entry = {.dependency_count = ALTO_MAX_DEPENDENCIES};
    memset(id, 'i', ALTO_MAX_NAME);
    id[ALTO_MAX_NAME] = 0;
    memset(entry.tag, '"', ALTO_MAX_NAME); /* two characters each */
    for (size_t d = 0; d < ALTO_MAX_DEPENDENCIES; d++) {
        memset(entry.dependencies[d].resource_id, 'r', ALTO_MAX_NAME);
        memset(entry.dependencies[d].tag, '\\', ALTO_MAX_NAME);
    }
    alto_resource_name name = {.id = alto_slice_text(id)};
    alto_entry_texts texts;
    assert_int_equal(alto_entry_texts_make(&name, &entry, &texts), ALTO_OK);
    assert_true(texts.implied.dependencies.size > ALTO_MAX_DEPENDENCIES * 3 * ALTO_MAX_NAME);
    alto_entry_texts_fini(&texts);
    alto_entry_texts_fini(&texts); /* does no harm */
}

static alto_resource *network_of(alto_pool *pool, const alto_version *base, const char *pid, uint8_t third_byte,
                                 alto_version **version)
{
    uint8_t prefix[] = {4, 10, third_byte, 0, 0, 16};
    alto_edit edit = {.key = {prefix, sizeof prefix}};
    *version = test_version_row(pool, alto_version_retain(base), pid, &edit, 1);
    alto_entry entry = {.kind = ALTO_NETWORK_MAP};
    alto_resource *made = alto_resource_new(alto_slice_of("net", 4), &entry, *version);
    assert_non_null(made);
    return made;
}

static const alto_pid *pid_in(const alto_resource *resource, uint8_t third_byte)
{
    const alto_lpm *lpm, *again;
    const alto_endpoint address = {.family = 4, .bytes = {10, third_byte, 0, 1}};
    assert_int_equal(alto_resource_lpm(resource, &lpm), ALTO_OK);
    assert_int_equal(alto_resource_lpm(resource, &again), ALTO_OK);
    assert_ptr_equal(lpm, again);
    assert_ptr_equal(lpm, alto_resource_lpm_made(resource));
    assert_ptr_equal(alto_lpm_map(lpm), resource->version);
    return alto_lpm_pid(lpm, &address);
}

/* That it is made from the former one shows in what they share. */
static void what_was_made_of_a_network_map_serves_its_successors(void **state)
{
    alto_version *empty = test_version(*state, ALTO_NETWORK_MAP), *versions[3];
    alto_resource *resources[3];
    resources[0] = network_of(*state, empty, "a", 0, &versions[0]);
    resources[1] = network_of(*state, versions[0], "b", 1, &versions[1]);
    resources[2] = network_of(*state, versions[1], "c", 2, &versions[2]);
    assert_null(alto_resource_lpm_made(resources[0]));
    alto_view *view = view_of((const alto_resource *const *)resources, 1);
    const alto_pid *first = pid_in(resources[0], 0);
    assert_null(pid_in(resources[0], 1));
    for (int i = 1; i < 3; i++) { /* nobody asks the second: the third is made from the first */
        alto_view_change change = {.key = resources[i]->key, .after = resources[i]};
        alto_view *next = alto_view_next(view, &view->origin, &view->position, &view->commit_hash, &view->state_root,
                                         NULL, &change, 1);
        assert_non_null(next);
        alto_view_release(view);
        alto_resource_release(resources[i - 1]);
        view = next;
    }
    assert_ptr_equal(pid_in(resources[2], 0), first);
    assert_true(alto_slice_equal(alto_pid_name(pid_in(resources[2], 2)), alto_slice_text("c")));
    alto_resource_release(resources[2]);
    alto_view_release(view);
    for (int i = 0; i < 3; i++)
        alto_version_release(versions[i]);
    alto_version_release(empty);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, test_pool_set_up, test_pool_tear_down)
    const struct CMUnitTest tests[] = {
        T(resources_keep_their_key_and_their_version),
        T(only_what_is_held_and_fits_is_shown),
        T(a_view_finds_each_of_many),
        T(an_id_means_the_resource_without_input),
        T(what_was_made_of_a_network_map_serves_its_successors),
        T(an_entry_tells_the_texts_of_meta),
        T(the_longest_entry_has_room_for_its_texts),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
