/* SPDX-License-Identifier: Apache-2.0 */
/* What an origin says of itself, and what the operator of its ALTO server says of that. */
#include "cmocka_all.h"
#include "core/capability.h"
#include "core/ird.h"
#include "core/mapjson.h"
#include "origin.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 1 << 16, VALID_FOR_S = 86400, KEEP_MS = 300000, HEAD_MS = 5000 };

typedef struct {
    test_origin *origin;
    alto_capability facts;
    alto_buffer text, all;
    const alto_view *view;
} fixture;

static const char *const urls[] = {"https://r1.example", "http://[2001:db8::1]:8671/isp//"};

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    self->origin = test_origin_new(7);
    self->facts = (alto_capability){.anchor = &self->origin->anchor,
                                    .manifest = &self->origin->manifest,
                                    .rproxies = urls,
                                    .rproxy_count = countof(urls),
                                    .valid_for_s = VALID_FOR_S,
                                    .keep_ms = KEEP_MS,
                                    .head_interval_ms = HEAD_MS};
    self->text = alto_buffer_make(ROOM);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    test_origin_destroy(&self->origin);
    alto_buffer_fini(&self->text);
    alto_buffer_fini(&self->all);
    free(self);
    return 0;
}

/* The document as text. */
static const char *document(fixture *self)
{
    alto_buffer_clear(&self->text);
    assert_int_equal(alto_capability_write(&self->facts, &self->text), ALTO_OK);
    alto_buffer_add_u8(&self->text, 0);
    return (const char *)self->text.data;
}

/* A map, and the document, in the view. */
static const alto_view *publish(fixture *self)
{
    test_origin_set(self->origin, "net",
                    test_json(self->origin->pool, "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t\"}},"
                                                  "\"network-map\":{}}"));
    test_origin_set(self->origin, ALTO_CAPABILITY_ID, test_json(self->origin->pool, document(self)));
    return test_origin_view(self->origin);
}

static alto_slice member_of(const fixture *self, const char *name)
{
    alto_slice value;
    const char *path[] = {"altocast", name, NULL};
    assert_true(alto_json_get(alto_slice_of(self->text.data, self->text.size - 1), path, &value));
    return value;
}

static void assert_member(const fixture *self, const char *name, const char *wanted)
{
    alto_slice value = member_of(self, name);
    assert_int_equal(value.size, strlen(wanted));
    assert_memory_equal(value.data, wanted, value.size);
}

static void the_document_says_who_redistributes_under_which_policy(void **state)
{
    fixture *self = *state;
    document(self);
    assert_member(self, "version", "1");
    assert_member(self, "rproxies", "[\"https://r1.example\",\"http://[2001:db8::1]:8671/isp\"]");
    assert_member(self, "policy", "{\"head-interval-ms\":5000,\"valid-for-s\":86400,\"keep-ms\":300000}");
    char origin[2 * ALTO_HASH_SIZE + 1], quoted[sizeof origin + 2];
    alto_hex(origin, self->origin->anchor.origin.bytes, ALTO_HASH_SIZE);
    snprintf(quoted, sizeof quoted, "\"%s\"", origin);
    assert_member(self, "origin", quoted);
}

static void its_anchor_is_the_one_that_replicas_are_given(void **state)
{
    fixture *self = *state;
    char pem[4096];
    alto_anchor read;
    document(self);
    assert_true(alto_json_text(member_of(self, "anchor"), pem, sizeof pem));
    assert_int_equal(alto_anchor_from_pem(alto_slice_text(pem), &read), ALTO_OK);
    assert_true(alto_hash_equal(&read.origin, &self->origin->anchor.origin));
    assert_int_equal(read.root_count, 1);
    assert_memory_equal(&read.roots[0], &self->origin->anchor.roots[0], sizeof read.roots[0]);
}

static void its_manifest_names_the_keys_that_sign(void **state)
{
    fixture *self = *state;
    const alto_manifest *manifest = &self->origin->manifest;
    alto_slice online, first;
    char pem[1024], facts[200];
    alto_public_key key;
    size_t count;
    document(self);
    alto_slice told = member_of(self, "manifest");
    snprintf(facts, sizeof facts,
             "{\"epoch\":%u,\"version\":%u,\"issued-at-ms\":%llu,\"not-after-ms\":%llu,\"max-pushed-payload\":%d,",
             manifest->epoch, manifest->version, (unsigned long long)manifest->issued_at_ms,
             (unsigned long long)manifest->not_after_ms, TEST_MAX_PUSHED);
    assert_true(told.size > strlen(facts));
    assert_memory_equal(told.data, facts, strlen(facts));
    assert_true(alto_json_get(told, (const char *const[]){"online-keys", NULL}, &online));
    assert_true(alto_json_element(online, 0, &first));
    assert_false(alto_json_element(online, 1, &told));
    assert_true(alto_json_get(first, (const char *const[]){"key", NULL}, &told));
    assert_true(alto_json_text(told, pem, sizeof pem));
    assert_int_equal(alto_public_keys_from_pem(alto_slice_text(pem), &key, 1, &count), ALTO_OK);
    assert_memory_equal(&key, &manifest->online[0].key, sizeof key);
}

static void the_same_facts_make_the_same_document(void **state)
{
    fixture *self = *state;
    char *first = strdup(document(self));
    assert_string_equal(document(self), first);
    self->facts.rproxy_count--;
    assert_string_not_equal(document(self), first);
    free(first);
}

static void a_buffer_that_is_too_small_is_told(void **state)
{
    fixture *self = *state;
    alto_buffer small = alto_buffer_make(100);
    assert_int_equal(alto_capability_write(&self->facts, &small), ALTO_TOO_LARGE);
    alto_buffer_fini(&small);
}

static void base_urls_are_told_from_other_texts(void **state)
{
    static const struct {
        const char *url;
        bool valid;
    } cases[] = {{"http://a", true},          {"https://a.example:8443/isp/", true},
                 {"http://[::1]:8671", true}, {"", false},
                 {"a.example", false},        {"http://", false},
                 {"http:///path", false},     {"ftp://a", false},
                 {"HTTP://a", false},         {"http://a?x", false},
                 {"http://a#x", false},       {"http://a b", false},
                 {"http://a\"", false},       {"http://a\\", false},
                 {"http://\xc3\xa4", false},  {"http://a\n", false}};
    char longest[ALTO_CAPABILITY_URL + 1] = "http://";
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].url);
        assert_int_equal(alto_capability_url_valid(cases[i].url), cases[i].valid);
    }
    memset(longest + 7, 'a', sizeof longest - 8);
    assert_false(alto_capability_url_valid(longest));
    longest[ALTO_CAPABILITY_URL - 1] = 0;
    assert_true(alto_capability_url_valid(longest));
}

static void an_operator_adds_a_part_of_it_to_his_directory(void **state)
{
    fixture *self = *state;
    const alto_view *view = publish(self);
    alto_buffer out = alto_buffer_make(ROOM);
    static const char *const told[] = {"origin", "anchor", "rproxies"};
    assert_int_equal(alto_capability_ird_members(view, &out), ALTO_OK);
    for (size_t i = 0; i < countof(told); i++) {
        const char *path[] = {"meta", "altocast", told[i], NULL};
        alto_slice value, wanted = member_of(self, told[i]);
        assert_true(alto_json_get(alto_buffer_slice(&out), path, &value));
        assert_true(alto_slice_equal(value, wanted));
    }
    const char *path[] = {"meta", "altocast", "capability", NULL};
    alto_slice value;
    char text[64];
    assert_true(alto_json_get(alto_buffer_slice(&out), path, &value) && alto_json_text(value, text, sizeof text));
    assert_ptr_equal(alto_resource_at(view, text), alto_view_by_id(view, ALTO_CAPABILITY_ID));
    alto_buffer_fini(&out);
}

static void a_directory_points_at_the_rproxy_asked_for(void **state)
{
    static const char *const wanted[] = {"https://r1.example/net", "http://[2001:db8::1]:8671/isp/net"};
    fixture *self = *state;
    const alto_view *view = publish(self);
    for (size_t i = 0; i < countof(wanted); i++) {
        alto_buffer out = alto_buffer_make(ROOM);
        const char *path[] = {"resources", "net", "uri", NULL};
        alto_slice value;
        char uri[100];
        assert_int_equal(alto_capability_ird(view, i, &out), ALTO_OK);
        assert_true(alto_json_get(alto_buffer_slice(&out), path, &value) && alto_json_text(value, uri, sizeof uri));
        assert_string_equal(uri, wanted[i]);
        alto_buffer_fini(&out);
    }
    alto_buffer none = alto_buffer_make(ROOM);
    assert_int_equal(alto_capability_ird(view, countof(wanted), &none), ALTO_NOT_FOUND);
    assert_int_equal(none.size, 0);
}

/* The document, and what an operator adds of it, into memory that was never used. */
static alto_status tell_all(void *context)
{
    fixture *self = context;
    alto_buffer_fini(&self->all);
    self->all = alto_buffer_make(ROOM);
    alto_status status = alto_capability_write(&self->facts, &self->all);
    return status == ALTO_OK ? alto_capability_ird_members(self->view, &self->all) : status;
}

static void settle_told(void *context, alto_status status)
{
    fixture *self = context;
    alto_buffer told = self->all;
    self->all = (alto_buffer){0};
    assert_int_equal(tell_all(self), ALTO_OK);
    if (status == ALTO_OK)
        assert_true(alto_slice_equal(alto_buffer_slice(&told), alto_buffer_slice(&self->all)));
    alto_buffer_fini(&told);
}

static void without_memory_nothing_is_told_by_halves(void **state)
{
    fixture *self = *state;
    test_sweep sweep = {.label = "capability", .attempt = tell_all, .settle = settle_told, .step = 1};
    self->view = publish(self);
    test_sweep_run(&sweep, self);
}

/* An origin may sign anything under that name. */
static void a_document_that_is_something_else_is_passed_over(void **state)
{
    static const char *const others[] = {
        "{}",
        "{\"altocast\":7}",
        "{\"altocast\":{\"origin\":\"x\",\"anchor\":\"x\"}}",
        "{\"altocast\":{\"rproxies\":7}}",
        "{\"altocast\":{\"rproxies\":[7]}}",
        "{\"altocast\":{\"rproxies\":[\"javascript:x\"]}}",
        "{\"meta\":{\"vtag\":{\"resource-id\":\".capability\",\"tag\":\"t\"}},\"network-map\":{}}"};
    fixture *self = *state;
    alto_buffer out = alto_buffer_make(ROOM);
    test_origin_commit(self->origin, NULL, 0);
    for (size_t i = 0; i <= countof(others); i++) {
        const alto_view *view = test_origin_view(self->origin);
        assert_int_equal(alto_capability_ird(view, 0, &out), ALTO_NOT_FOUND);
        assert_int_equal(alto_capability_ird_members(view, &out), ALTO_NOT_FOUND);
        if (i < countof(others))
            test_origin_set(self->origin, ALTO_CAPABILITY_ID, test_json(self->origin->pool, others[i]));
    }
    assert_int_equal(out.size, 0);
    alto_buffer_fini(&out);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(the_document_says_who_redistributes_under_which_policy),
        T(its_anchor_is_the_one_that_replicas_are_given),
        T(its_manifest_names_the_keys_that_sign),
        T(the_same_facts_make_the_same_document),
        T(a_buffer_that_is_too_small_is_told),
        T(base_urls_are_told_from_other_texts),
        T(an_operator_adds_a_part_of_it_to_his_directory),
        T(a_directory_points_at_the_rproxy_asked_for),
        T(without_memory_nothing_is_told_by_halves),
        T(a_document_that_is_something_else_is_passed_over),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
