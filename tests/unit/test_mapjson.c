/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mapjson.h"

#include "core/number.h"
#include "core/prefix.h"

#include "cmocka_all.h"
#include "files.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- helpers ---- */

typedef struct {
    alto_pool *pool;
    alto_map_memory *memory;
} fixture;

static int setup(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    assert_int_equal(alto_crypto_init(), ALTO_OK);
    self->pool = alto_pool_new();
    self->memory = alto_map_memory_new();
    *state = self;
    return self->pool && self->memory ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *self = *state;
    alto_map_memory_destroy(&self->memory);
    alto_pool_destroy(&self->pool);
    free(self);
    return 0;
}

/* Read in memory of its exact size, so that reading past the end shows. */
static alto_status read_slice(fixture *self, alto_slice text, const alto_version *base, alto_map_memory *memory,
                              alto_version **out, alto_error *error)
{
    uint8_t *exact = malloc(text.size + (text.size == 0));
    if (text.size)
        memcpy(exact, text.data, text.size);
    *out = NULL;
    alto_status status = alto_map_read(self->pool, alto_slice_of(exact, text.size), base, memory, out, error);
    free(exact);
    if (status != ALTO_OK)
        assert_null(*out);
    return status;
}

static alto_version *read_on(fixture *self, const char *text, const alto_version *base)
{
    alto_version *version;
    alto_error error = {.status = ALTO_OK};
    if (read_slice(self, alto_slice_text(text), base, self->memory, &version, &error) != ALTO_OK)
        fail_msg("%s: %s: %s\n%s", alto_status_name(error.status), error.where, error.why, text);
    return version;
}

/* Without any memory of what was before. */
static alto_version *read_alone(fixture *self, const char *text)
{
    alto_map_memory *kept = self->memory;
    self->memory = NULL;
    alto_version *version = read_on(self, text, NULL);
    self->memory = kept;
    return version;
}

static bool same_root(const alto_version *a, const alto_version *b)
{
    return alto_hash_equal(alto_version_root(a), alto_version_root(b));
}

static const alto_tree *payload_row(const alto_version *version, const char *name)
{
    const alto_tree *items = NULL;
    assert_true(alto_version_row(version, ALTO_ROW_PAYLOAD, alto_slice_text(name), &items));
    return items;
}

static void assert_cost(const alto_version *version, const char *source, const char *destination, double expected)
{
    double cost;
    assert_true(alto_version_cost(version, alto_slice_text(source), alto_slice_text(destination), &cost));
    assert_true(cost == expected);
}

static bool has_prefix(const alto_version *version, const char *pid, const char *text)
{
    alto_prefix_key key;
    assert_int_equal(alto_prefix_parse(strchr(text, ':') ? 6 : 4, alto_slice_text(text), &key), ALTO_OK);
    return alto_tree_find(payload_row(version, pid), alto_slice_of(key.bytes, key.size), NULL);
}

static void assert_member(const alto_version *version, const char *row, const char *member, const char *expected)
{
    alto_slice text;
    assert_true(alto_version_member(version, row, member, &text));
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

/* ---- the examples of the standards ---- */

static void the_network_map_of_rfc_7285_is_read(void **state)
{
    alto_buffer file = test_example("rfc7285-11.2.1.7-networkmap.json");
    if (file.size == 0)
        skip();
    alto_version *version;
    assert_int_equal(read_slice(*state, alto_buffer_slice(&file), NULL, NULL, &version, NULL), ALTO_OK);
    assert_int_equal(alto_version_kind(version), ALTO_NETWORK_MAP);
    assert_int_equal(alto_version_rows(version), 4);
    assert_int_equal(alto_version_items(version), 6);
    assert_true(has_prefix(version, "PID1", "198.51.100.0/25"));
    assert_true(has_prefix(version, "PID3", "::/0"));
    assert_false(has_prefix(version, "PID2", "::/0"));
    alto_vtag vtag;
    assert_int_equal(alto_version_vtag(version, &vtag), ALTO_OK);
    assert_string_equal(vtag.resource_id, "my-default-network-map");
    assert_string_equal(vtag.tag, "da65eca2eb7a10ce8b059740b0b2e3f8eb1d4785");
    alto_version_release(version);
    alto_buffer_fini(&file);
}

static void the_cost_map_of_rfc_7285_is_read(void **state)
{
    alto_buffer file = test_example("rfc7285-11.2.3.7-costmap.json");
    if (file.size == 0)
        skip();
    alto_version *version;
    assert_int_equal(read_slice(*state, alto_buffer_slice(&file), NULL, NULL, &version, NULL), ALTO_OK);
    assert_int_equal(alto_version_kind(version), ALTO_COST_MAP);
    assert_cost(version, "PID2", "PID3", 15);
    assert_cost(version, "PID3", "PID1", 20);
    double cost;
    assert_false(alto_version_cost(version, alto_slice_text("PID3"), alto_slice_text("PID3"), &cost));
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t count;
    assert_int_equal(alto_version_dependencies(version, dependencies, &count), ALTO_OK);
    assert_int_equal(count, 1);
    assert_string_equal(dependencies[0].tag, "3ee2cb7e8d63d9fab71b9b34cbf764436315542e");
    alto_cost_type type;
    assert_true(alto_version_cost_type(version, &type));
    assert_string_equal(type.metric, "routingcost");
    assert_string_equal(type.mode, "numerical");
    alto_version_release(version);
    alto_buffer_fini(&file);
}

static void maps_of_the_rfcs_with_one_prefix_in_two_pids_are_refused(void **state)
{
    static const struct {
        const char *file, *where, *why;
    } cases[] = {
        {"rfc7285-11.2.2-networkmap-overlap-INVALID.json", "/network-map/PID3", "192.0.2.0/24 is also in PID2"},
        {"rfc7285-11.3.1.7-filtered-networkmap-response.json", "/network-map/PID2", "198.51.100.0/24 is also in PID1"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer file = test_example(cases[i].file);
        if (file.size == 0)
            skip();
        alto_version *version;
        alto_error error;
        assert_int_equal(read_slice(*state, alto_buffer_slice(&file), NULL, NULL, &version, &error), ALTO_DUPLICATE);
        assert_string_equal(error.where, cases[i].where);
        assert_non_null(strstr(error.why, cases[i].why));
        alto_buffer_fini(&file);
    }
}

static void every_example_is_read_as_the_kind_it_is(void **state)
{
    static const struct {
        const char *file;
        alto_kind kind;
    } cases[] = {
        {"rfc7285-9.2.3-ird-root.json", ALTO_DOCUMENT},
        {"rfc7285-11.2.2-networkmap-lpm.json", ALTO_NETWORK_MAP},
        {"rfc7285-11.3.2.7-filtered-costmap-response.json", ALTO_COST_MAP},
        {"rfc7285-11.4.1.7-endpointprop-response.json", ALTO_DOCUMENT},
        {"rfc8895-3.1.2.1-networkmap-before.json", ALTO_NETWORK_MAP},
        {"rfc8895-3.1.2.2-costmap-after.json", ALTO_COST_MAP},
        {"interop93-default-networkmap.json", ALTO_NETWORK_MAP},
        {"interop93-default-routingcost.json", ALTO_COST_MAP},
        {"interop93-alt-networkmap.json", ALTO_NETWORK_MAP},
        {"interop93-alt-hopcount.json", ALTO_COST_MAP},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer file = test_example(cases[i].file);
        if (file.size == 0)
            skip();
        alto_version *version;
        alto_error error = {.status = ALTO_OK};
        print_message("  case: %s\n", cases[i].file);
        if (read_slice(*state, alto_buffer_slice(&file), NULL, NULL, &version, &error) != ALTO_OK)
            fail_msg("%s %s", error.where, error.why);
        assert_int_equal(alto_version_kind(version), cases[i].kind);
        alto_version_release(version);
        alto_buffer_fini(&file);
    }
}

/* ---- content and not spelling ---- */

static void the_same_content_spelled_differently_has_the_same_root(void **state)
{
    static const char *const cases[][2] = {
        {"{\"cost-map\":{\"A\":{\"A\":1,\"B\":-0}}}",
         " { \"cost-map\" : { \"\\u0041\" : { \"B\":0.0 , \"A\":1e0 } } }\r\n\t"},
        {"{\"cost-map\":{\"A\":{\"B\":6.5},\"B\":{}}}", "{\"cost-map\":{\"B\":{ },\"A\":{\"\\u0042\":65e-1}}}"},
        {"{\"cost-map\":{}}", "\xef\xbb\xbf{\"c\\u006fst-map\":{\n}}"},
        {"{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\",\"192.0.2.0/24\"]}}}",
         "{\"network-map\":{\"A\":{\"\\u0069pv4\":[\"192.0.2.7/24\",\"10.0.0.0\\/8\",\"10.1.2.3/8\"]}}}"},
        {"{\"network-map\":{\"A\":{\"ipv6\":[\"2001:db8::/32\"],\"ipv4\":[]}}}",
         "{\"network-map\":{\"A\":{\"ipv4\":[ ],\"ipv6\":[\"2001:0DB8:0:0::/32\",\"2001:db8::1/32\"]}}}"},
        {"{\"network-map\":{\"A\":{\"mac\":{\"b\":1.0,\"a\":[]}}},\"x\":1}",
         "{\"x\":1,\"network-map\":{\"A\":{\"mac\":{\"a\":[ ],\"b\":1}}}}"},
        {"{\"x\":{\"b\":1,\"a\":\"\\u00e9\\/\"},\"y\":[1,null]}",
         "{\"y\":[1.0, null],\"x\":{\"a\":\"\xc3\xa9/\",\"b\":1}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_version *a = read_alone(*state, cases[i][0]), *b = read_alone(*state, cases[i][1]);
        print_message("  case: %s\n", cases[i][0]);
        assert_true(same_root(a, b));
        alto_version *again = read_on(*state, cases[i][1], a);
        assert_ptr_equal(again, a);
        alto_version_release(again);
        alto_version_release(a);
        alto_version_release(b);
    }
}

static void different_content_has_different_roots(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"cost-map\":{}}",
        "{\"network-map\":{}}",
        "{\"network-map\":{},\"cost-map\":{}}",
        "{\"cost-map\":{\"A\":{}}}",
        "{\"cost-map\":{\"A\":{\"A\":0}}}",
        "{\"cost-map\":{\"A\":{\"A\":\"0\"}}}",
        "{\"cost-map\":{\"A\":{\"A\":1}}}",
        "{\"cost-map\":{\"A\":{\"B\":1}}}",
        "{\"cost-map\":{\"B\":{\"A\":1}}}",
        "{\"cost-map\":{\"A\":{\"A\":1}},\"meta\":{}}",
        "{\"cost-map\":{\"A\":{\"A\":1}},\"x\":{}}",
        "{\"cost-map\":{\"A\":{\"A\":1}},\"x\":[]}",
        "{\"network-map\":{\"A\":{}}}",
        "{\"network-map\":{\"A\":{\"ipv4\":[]}}}",
        "{\"network-map\":{\"A\":{\"ipv6\":[]}}}",
        "{\"network-map\":{\"A\":{\"ipv5\":[]}}}",
        "{\"network-map\":{\"A\":{\"ipv4\":[\"0.0.0.0/0\"]}}}",
        "{\"network-map\":{\"A\":{\"ipv4\":[\"0.0.0.0/1\"]}}}",
        "{\"network-map\":{\"A\":{\"ipv6\":[\"::/0\"]}}}",
        "{\"A\":{\"A\":1}}",
        "{\"x\":{\"n\":12345678901234567890}}",
        "{\"x\":{\"n\":12345678901234567891}}",
    };
    alto_version *versions[countof(texts)];
    for (size_t i = 0; i < countof(texts); i++) {
        versions[i] = read_alone(*state, texts[i]);
        for (size_t j = 0; j < i; j++)
            if (same_root(versions[i], versions[j]))
                fail_msg("%s has the root of %s", texts[i], texts[j]);
    }
    for (size_t i = 0; i < countof(texts); i++)
        alto_version_release(versions[i]);
}

static void unknown_members_and_address_types_survive(void **state)
{
    alto_version *version =
        read_alone(*state, "{\"meta\":{\"vtag\":{\"tag\":\"t\",\"resource-id\":\"r\"},\"priv:x\":[2,1]},"
                           "\"network-map\":{\"meta\":{\"priv:mac\":[\"b\",\"a\"],\"ipv4\":[]}},"
                           "\"extra\":\"text\",\"more\":{\"deep\":{\"z\":1,\"a\":2}}}");
    assert_member(version, "meta", "priv:x", "[2,1]");
    assert_member(version, "meta", "vtag", "{\"resource-id\":\"r\",\"tag\":\"t\"}");
    assert_member(version, "more", "deep", "{\"a\":2,\"z\":1}");
    const alto_tree *items;
    alto_value value;
    assert_true(alto_version_row(version, ALTO_ROW_VALUE, alto_slice_text("extra"), &items));
    assert_true(alto_tree_find(items, alto_slice_of("", 0), &value));
    assert_true(alto_slice_equal(value.text, alto_slice_text("\"text\"")));
    const char other[] = "\x80priv:mac\0[\"b\",\"a\"]";
    assert_true(alto_tree_find(payload_row(version, "meta"), alto_slice_of(other, sizeof other - 1), NULL));
    assert_true(alto_tree_find(payload_row(version, "meta"), alto_slice_of("\4", 1), NULL));
    assert_int_equal(alto_tree_entries(payload_row(version, "meta")), 2);
    alto_version_release(version);
}

static void a_cost_map_with_a_cell_that_is_no_number_is_a_document(void **state)
{
    static const char *const cases[] = {
        "{\"cost-map\":{\"A\":{\"A\":1,\"B\":2},\"B\":{\"A\":%s}}}",
        "{\"cost-map\":{\"A\":{\"A\":%s,\"B\":2},\"B\":{\"A\":1}}}",
        "{\"cost-map\":{\"A\":{\"A\":%s,\"B\":1e999},\"B\":{\"A\":1}}}",
        "{\"cost-map\":{\"A\":{\"A\":1e999,\"B\":2},\"B\":{\"A\":%s}}}",
        "{\"cost-map\":{\"no PID\":{\"A\":1},\"B\":{\"A\":%s}}}",
        "{\"cost-map\":{\"A\":{\"no PID\":1},\"B\":{\"A\":%s}}}",
        "{\"cost-map\":{\"z\":{\"A\":%s},\"A\":5}}",
    };
    static const char *const values[] = {"null", "\"1\"", "[1,2]", "{\"v\":1}", "true"};
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t j = 0; j < countof(values); j++) {
            char text[200];
            snprintf(text, sizeof text, cases[i], values[j]);
            alto_version *version = read_alone(*state, text);
            assert_int_equal(alto_version_kind(version), ALTO_DOCUMENT);
            const alto_tree *items;
            assert_true(alto_version_row(version, ALTO_ROW_MEMBER, alto_slice_text("cost-map"), &items));
            assert_int_equal(alto_tree_entries(items), 2);
            alto_version_release(version);
        }
}

/* ---- refusals ---- */

static const struct {
    const char *text;
    alto_status status;
    const char *where;
} refusals[] = {
    {"", ALTO_SYNTAX, "byte"},
    {"   ", ALTO_SYNTAX, "byte"},
    {"{", ALTO_SYNTAX, "byte 1"},
    {"}", ALTO_SYNTAX, "byte"},
    {"[1,2]", ALTO_INVALID, ""},
    {"\"text\"", ALTO_INVALID, ""},
    {"7", ALTO_INVALID, ""},
    {"[1,", ALTO_SYNTAX, "byte"},
    {"{\"a\":1}}", ALTO_SYNTAX, "byte 7"},
    {"{\"a\":1} x", ALTO_SYNTAX, "byte 8"},
    {"{\"a\":1}{\"b\":1}", ALTO_SYNTAX, "byte 7"},
    {"{\"a\" 1}", ALTO_SYNTAX, "byte 5"},
    {"{\"a\":}", ALTO_SYNTAX, "byte"},
    {"{\"a\":1,}", ALTO_SYNTAX, "byte"},
    {"{,\"a\":1}", ALTO_SYNTAX, "byte 1"},
    {"{\"a\":1 \"b\":2}", ALTO_SYNTAX, "byte 7"},
    {"{a:1}", ALTO_SYNTAX, "byte 1"},
    {"{'a':1}", ALTO_SYNTAX, "byte 1"},
    {"{\"a\":01}", ALTO_SYNTAX, "byte"},
    {"{\"a\":+1}", ALTO_SYNTAX, "byte"},
    {"{\"a\":.5}", ALTO_SYNTAX, "byte"},
    {"{\"a\":NaN}", ALTO_SYNTAX, "byte"},
    {"{\"a\":tru}", ALTO_SYNTAX, "byte"},
    {"{\"a\":nulll}", ALTO_SYNTAX, "byte"},
    {"{\"a\":\"\\x\"}", ALTO_SYNTAX, "byte"},
    {"{\"a\":\"\\u12g4\"}", ALTO_SYNTAX, "byte"},
    {"{\"\\x\":1}", ALTO_SYNTAX, "byte"},
    {"{\"a\":[1}}", ALTO_SYNTAX, "byte"},
    {"{\"a\":{]}", ALTO_SYNTAX, "byte"},
    {"{\"a\":{\"b\":1,}}", ALTO_SYNTAX, "byte"},
    {"{\"a\":[1 2]}", ALTO_SYNTAX, "byte"},
    {"{\"a\":\"b}", ALTO_SYNTAX, "byte"},
    {"{\"a\":1/*c*/}", ALTO_SYNTAX, "byte"},
    {"{\"a\":\"\x01\"}", ALTO_SYNTAX, "byte 6"},
    {"{\"a\":\"\n\"}", ALTO_SYNTAX, "byte"},
    {"{\"a\":\v1}", ALTO_SYNTAX, "byte 5"},
    {"{\"a\":\f1}", ALTO_SYNTAX, "byte 5"},
    {"{\"a\":\"\xff\"}", ALTO_SYNTAX, "byte 6"},
    {"{\"a\":\"\xc0\xaf\"}", ALTO_SYNTAX, "byte 6"},         /* overlong */
    {"{\"a\":\"\xed\xa0\x80\"}", ALTO_SYNTAX, "byte 6"},     /* a surrogate in UTF-8 */
    {"{\"a\":\"\xf4\x90\x80\x80\"}", ALTO_SYNTAX, "byte 6"}, /* beyond U+10FFFF */
    {"{\"a\":\"\xe2\x82\"}", ALTO_SYNTAX, "byte 6"},
    {"{\"a\":\"\\ud800\"}", ALTO_SYNTAX, "byte 6"},
    {"{\"a\":\"\\udc00\"}", ALTO_SYNTAX, "byte 6"},
    {"{\"a\":\"\\ud800\\ud800\"}", ALTO_SYNTAX, "byte 6"},
    {"\xef\xbb\xbf\xef\xbb\xbf{}", ALTO_SYNTAX, "byte"},
    {"{\"a\":1,\"a\":1}", ALTO_DUPLICATE, "/a"},
    {"{\"a\":1,\"a\":{}}", ALTO_DUPLICATE, "/a"},
    {"{\"a\":1,\"\\u0061\":2}", ALTO_DUPLICATE, "/a"},
    {"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", ALTO_DUPLICATE, "/a/b"},
    {"{\"a\":{\"b\":[0,{\"c\":1,\"\\u0063\":1}]}}", ALTO_DUPLICATE, "/a/b/1/c"},
    {"{\"a\":[{\"c\":1,\"d\":{\"e\":1,\"e\":1}}]}", ALTO_DUPLICATE, "/a/0/d/e"},
    {"{\"meta\":{},\"meta\":{}}", ALTO_DUPLICATE, "/meta"},
    {"{\"meta\":{\"vtag\":{\"tag\":1,\"tag\":1}}}", ALTO_DUPLICATE, "/meta/vtag/tag"},
    {"{\"meta\":[]}", ALTO_INVALID, "/meta"},
    {"{\"meta\":null,\"cost-map\":{}}", ALTO_INVALID, "/meta"},
    {"{\"cost-map\":[]}", ALTO_INVALID, "/cost-map"},
    {"{\"network-map\":null}", ALTO_INVALID, "/network-map"},
    {"{\"cost-map\":{},\"cost-map\":{}}", ALTO_DUPLICATE, "/cost-map"},
    {"{\"cost-map\":{\"A\":{}},\"meta\":{},\"cost\\u002dmap\":{}}", ALTO_DUPLICATE, "/cost-map"},
    {"{\"cost-map\":{\"A\":{},\"A\":{}}}", ALTO_DUPLICATE, "/cost-map/A"},
    {"{\"cost-map\":{\"A\":{\"B\":1,\"B\":1}}}", ALTO_DUPLICATE, "/cost-map/A/B"},
    {"{\"cost-map\":{\"A\":{\"B\":1,\"C\":2},\"B\":{\"B\":1,\"C\":2,\"B\":3}}}", ALTO_DUPLICATE, "/cost-map/B/B"},
    {"{\"cost-map\":{\"A\":{\"B\":1,\"\\u0042\":1}}}", ALTO_DUPLICATE, "/cost-map/A/B"},
    {"{\"cost-map\":{\"A\":5}}", ALTO_INVALID, "/cost-map/A"},
    {"{\"cost-map\":{\"A\":{},\"B\":[]}}", ALTO_INVALID, "/cost-map/B"},
    {"{\"cost-map\":{\"\":{}}}", ALTO_INVALID, "/cost-map/"},
    {"{\"cost-map\":{\"a b\":{}}}", ALTO_INVALID, "/cost-map/a b"},
    {"{\"cost-map\":{\"a/b\":{}}}", ALTO_INVALID, "/cost-map/a/b"},
    {"{\"cost-map\":{\"A\":{\"\xc3\xa9\":1}}}", ALTO_INVALID, "/cost-map/A/??"},
    {"{\"cost-map\":{\"A\":{\"\\u0000\":1}}}", ALTO_INVALID, "/cost-map/A/"},
    {"{\"cost-map\":{\"A\":{\"B\":1e309}}}", ALTO_INVALID, "/cost-map/A/B"},
    {"{\"cost-map\":{\"A\":{\"B\":1,\"C\":2},\"B\":{\"B\":1,\"C\":-1e999}}}", ALTO_INVALID, "/cost-map/B/C"},
    {"{\"cost-map\":{\"A\":{\"B\":1,\"C\":2},\"B\":{\"B\":1,\"C\":1.}}}", ALTO_SYNTAX, "byte"},
    {"{\"cost-map\":{\"A\":{\"B\":1,\"C\":2},\"B\":{\"B\":1,\"C\":2,}}}", ALTO_SYNTAX, "byte"},
    {"{\"cost-map\":{\"A\":{\"B\":1,\"C\":2},\"B\":{\"B\":1 \"C\":2}}}", ALTO_SYNTAX, "byte"},
    {"{\"network-map\":{\"A\":[]}}", ALTO_INVALID, "/network-map/A"},
    {"{\"network-map\":{\"A\":null}}", ALTO_INVALID, "/network-map/A"},
    {"{\"network-map\":{\"A!\":{}}}", ALTO_INVALID, "/network-map/A!"},
    {"{\"network-map\":{\"A\":{},\"A\":{}}}", ALTO_DUPLICATE, "/network-map/A"},
    {"{\"network-map\":{\"A\":{\"ipv4\":{}}}}", ALTO_INVALID, "/network-map/A/ipv4"},
    {"{\"network-map\":{\"A\":{\"ipv4\":\"10.0.0.0/8\"}}}", ALTO_INVALID, "/network-map/A/ipv4"},
    {"{\"network-map\":{\"A\":{\"ipv4\":[1]}}}", ALTO_INVALID, "/network-map/A/ipv4"},
    {"{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\",\"10.0.0.0/33\"]}}}", ALTO_INVALID, "/network-map/A/ipv4/1"},
    {"{\"network-map\":{\"A\":{\"ipv6\":[\"10.0.0.0/8\"]}}}", ALTO_INVALID, "/network-map/A/ipv6/0"},
    {"{\"network-map\":{\"A\":{\"ipv4\":[],\"ipv4\":[]}}}", ALTO_DUPLICATE, "/network-map/A/ipv4"},
    {"{\"network-map\":{\"A\":{\"x\":1,\"ipv4\":[],\"x\":2}}}", ALTO_DUPLICATE, "/network-map/A/x"},
    {"{\"network-map\":{\"A\":{\"x\":{\"y\":1,\"y\":1}}}}", ALTO_DUPLICATE, "/network-map/A/x/y"},
    {"{\"network-map\":{\"A\":{\"x\\u0000y\":1}}}", ALTO_INVALID, "/network-map/A/x"},
    {"{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\"]},\"B\":{\"ipv4\":[\"10.9.9.9/8\"]}}}", ALTO_DUPLICATE,
     "/network-map/B"},
    {"{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\",]}}}", ALTO_SYNTAX, "byte"},
};

static void whatever_breaks_a_rule_is_refused_with_its_place(void **state)
{
    for (size_t i = 0; i < countof(refusals); i++) {
        alto_version *version;
        alto_error error = {.status = ALTO_OK};
        print_message("  case: %s\n", refusals[i].text);
        assert_int_equal(read_slice(*state, alto_slice_text(refusals[i].text), NULL, NULL, &version, &error),
                         refusals[i].status);
        assert_int_equal(error.status, refusals[i].status);
        size_t prefix = strlen(refusals[i].where);
        if (strcmp(refusals[i].where, "byte") == 0 || strncmp(refusals[i].where, "byte ", 5) == 0)
            assert_memory_equal(error.where, refusals[i].where, prefix);
        else
            assert_string_equal(error.where, refusals[i].where);
        assert_true(strlen(error.why) > 5);
        assert_int_equal(read_slice(*state, alto_slice_text(refusals[i].text), NULL, NULL, &version, NULL),
                         refusals[i].status);
    }
}

static void a_refusal_leaves_the_memory_as_it_was(void **state)
{
    fixture *self = *state;
    const char *network =
        "{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"]},\"B\":{\"ipv6\":[\"::/0\"]}}}";
    const char *cost = "{\"cost-map\":{\"A\":{\"A\":1,\"B\":2},\"B\":{\"A\":3,\"B\":4}}}";
    const char *bases[] = {network, cost};
    for (size_t b = 0; b < countof(bases); b++) {
        alto_version *base = read_on(self, bases[b], NULL);
        for (size_t i = 0; i < countof(refusals); i++) {
            alto_version *version;
            assert_int_equal(read_slice(self, alto_slice_text(refusals[i].text), base, self->memory, &version, NULL),
                             refusals[i].status);
        }
        alto_version *again = read_on(self, bases[b], base);
        assert_ptr_equal(again, base);
        alto_version_release(again);
        alto_version_release(base);
    }
}

static void documents_are_refused_when_cut_anywhere(void **state)
{
    static const char *const texts[] = {
        "{\"meta\":{\"vtag\":{\"resource-id\":\"r\",\"tag\":\"\\u20ac\"}},\"cost-map\":{\"A\":{\"A\":1.5,\"B\":2e1},"
        "\"B\":{\"A\":1.5,\"B\":2e1}},\"x\":[true,false,null]}",
        "{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\"],\"mac\":{\"\\ud83d\\ude00\":[]}},\"B\":{\"ipv6\":[\"::/"
        "0\"]}}}",
    };
    fixture *self = *state;
    for (size_t t = 0; t < countof(texts); t++) {
        alto_version *base = read_on(self, texts[t], NULL);
        for (size_t size = 0; size < strlen(texts[t]); size++) {
            alto_version *version;
            alto_slice cut = alto_slice_of(texts[t], size);
            assert_int_equal(read_slice(self, cut, NULL, NULL, &version, NULL), ALTO_SYNTAX);
            assert_int_equal(read_slice(self, cut, base, self->memory, &version, NULL), ALTO_SYNTAX);
        }
        alto_version_release(base);
    }
}

static void any_byte_changed_is_refused_or_gives_a_version_that_can_be_read_again(void **state)
{
    fixture *self = *state;
    test_random random = test_random_make(4);
    static const char *const texts[] = {
        "{\"meta\":{\"vtag\":{\"resource-id\":\"r\",\"tag\":\"t\"}},\"cost-map\":{\"A\":{\"A\":1.5,\"B\":20,\"C\":3},"
        "\"B\":{\"A\":1.5,\"B\":2e1,\"C\":4},\"C\":{\"A\":1,\"C\":0}},\"x\":[true,\"\\u20ac\",{\"y\":null}]}",
        "{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"mac\":{\"z\":[]}},\"B\":{\"ipv6\":[\"::/"
        "0\"]}}}",
    };
    static const char interesting[] = "{}[]\",:\\0123456789-+.eE ABC\x80\xc3\x00\n/";
    for (int round = 0; round < 4000; round++) {
        char text[300];
        const char *original = texts[round % 2];
        size_t size = strlen(original);
        memcpy(text, original, size + 1);
        for (uint64_t edits = 1 + test_random_below(&random, 3); edits > 0; edits--)
            text[test_random_below(&random, size)] = interesting[test_random_below(&random, sizeof interesting - 1)];
        alto_version *base = read_on(self, original, NULL), *version, *alone;
        alto_status with_memory = read_slice(self, alto_slice_of(text, size), base, self->memory, &version, NULL);
        assert_int_equal(read_slice(self, alto_slice_of(text, size), NULL, NULL, &alone, NULL), with_memory);
        if (with_memory == ALTO_OK) {
            if (!same_root(version, alone))
                fail_msg("memory changes the meaning of %s", text);
            alto_version_release(version);
            alto_version_release(alone);
        }
        alto_version_release(base);
    }
}

static char *nested(unsigned depth, bool in_row)
{
    char *text = malloc(2 * depth + 40), *at = text;
    at += sprintf(at, in_row ? "{\"a\":{\"b\":" : "{\"a\":");
    for (unsigned i = 0; i < depth; i++)
        *at++ = '[';
    for (unsigned i = 0; i < depth; i++)
        *at++ = ']';
    strcpy(at, in_row ? "}}" : "}");
    return text;
}

static void nesting_has_a_limit(void **state)
{
    for (int in_row = 0; in_row < 2; in_row++)
        for (unsigned depth = 1; depth < 100000; depth = depth < 70 ? depth + 1 : depth * 10) {
            alto_version *version;
            char *text = nested(depth, in_row);
            alto_status status = read_slice(*state, alto_slice_text(text), NULL, NULL, &version, NULL);
            if (depth + 2 < ALTO_MAX_JSON_DEPTH)
                assert_int_equal(status, ALTO_OK);
            if (depth > ALTO_MAX_JSON_DEPTH)
                assert_true(status == ALTO_TOO_LARGE || status == ALTO_SYNTAX);
            if (status == ALTO_OK)
                alto_version_release(version);
            free(text);
        }
}

static void names_have_limits(void **state)
{
    char name[400];
    memset(name, 'n', sizeof name);
    static const struct {
        const char *before, *after;
        int size;
        alto_status status;
    } cases[] = {
        {"{\"cost-map\":{\"", "\":{}}}", 64, ALTO_OK},
        {"{\"cost-map\":{\"", "\":{}}}", 65, ALTO_INVALID},
        {"{\"cost-map\":{\"", "\":{}}}", 300, ALTO_INVALID},
        {"{\"cost-map\":{\"A\":{\"", "\":1}}}", 64, ALTO_OK},
        {"{\"cost-map\":{\"A\":{\"", "\":1}}}", 65, ALTO_INVALID},
        {"{\"network-map\":{\"", "\":{}}}", 64, ALTO_OK},
        {"{\"network-map\":{\"", "\":{}}}", 65, ALTO_INVALID},
        {"{\"", "\":{}}", 255, ALTO_OK},
        {"{\"", "\":{}}", 256, ALTO_TOO_LARGE},
        {"{\"", "\":1}", 256, ALTO_TOO_LARGE},
        {"{\"a\":{\"", "\":1}}", 399, ALTO_OK},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[500];
        snprintf(text, sizeof text, "%s%.*s%s", cases[i].before, cases[i].size, name, cases[i].after);
        alto_version *version;
        assert_int_equal(read_slice(*state, alto_slice_text(text), NULL, NULL, &version, NULL), cases[i].status);
        alto_version_release(version);
    }
}

/* ---- sharing ---- */

static void an_unchanged_row_is_the_very_tree_of_the_version_before(void **state)
{
    static const char *const cases[][2] = {
        {"{\"cost-map\":{\"A\":{\"A\":1,\"B\":2},\"B\":{\"A\":3,\"B\":4}}}",
         "{\"cost-map\":{\"B\":{\"B\":4,\"A\":7}, \"A\":{\"A\":1,\"B\":2}}}"},
        {"{\"cost-map\":{\"A\":{\"A\":1,\"B\":2},\"B\":{\"A\":3,\"B\":4}}}",
         "{\"cost-map\":{\"B\":{\"B\":4,\"A\":7}, \"A\":{ \"B\":2.0,\"A\":1}}}"},
        {"{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"]},\"B\":{\"ipv4\":[]}}}",
         "{\"network-map\":{\"B\":{},\"A\":{\"ipv4\":[\"11.0.0.0/8\",\"10.0.0.0/8\"]}}}"},
        {"{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"]},\"B\":{\"ipv4\":[]}}}",
         "{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"]},\"B\":{\"ipv4\":[\"9.0.0.0/8\"]}}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_version *before = read_on(*state, cases[i][0], NULL), *after = read_on(*state, cases[i][1], before);
        assert_false(same_root(before, after));
        assert_ptr_equal(payload_row(before, "A"), payload_row(after, "A"));
        assert_ptr_not_equal(payload_row(before, "B"), payload_row(after, "B"));
        alto_version_release(before);
        alto_version_release(after);
    }
}

static void the_same_text_means_something_else_in_another_place(void **state)
{
    fixture *self = *state;
    const char *first = "{\"A\":{\"A\":2},\"cost-map\":{\"A\":{\"A\":1}}}";
    const char *second = "{\"A\":{\"A\":1},\"cost-map\":{\"A\":{\"A\":2}}}";
    alto_version *before = read_on(self, first, NULL), *after = read_on(self, second, before);
    assert_cost(after, "A", "A", 2);
    assert_member(after, "A", "A", "1");
    alto_version_release(before);
    alto_version_release(after);
}

static void a_base_that_the_memory_does_not_describe_is_only_shared_with(void **state)
{
    fixture *self = *state;
    alto_version *old = read_on(self, "{\"cost-map\":{\"A\":{\"A\":1},\"B\":{\"A\":5}}}", NULL);
    alto_version *other = read_alone(self, "{\"cost-map\":{\"A\":{\"A\":2},\"B\":{\"A\":5}}}");
    alto_version *now = read_on(self, "{\"cost-map\":{\"A\":{\"A\":1},\"B\":{\"A\":5}}}", other);
    assert_cost(now, "A", "A", 1);
    assert_true(same_root(now, old));
    assert_ptr_equal(payload_row(now, "B"), payload_row(other, "B"));
    alto_version_release(old);
    alto_version_release(other);
    alto_version_release(now);
}

/* Rows that are as they were are passed over: what stands around them is not. */
static void what_is_wrong_beside_rows_that_stayed_is_found(void **state)
{
    fixture *self = *state;
    static const struct {
        const char *text, *where;
    } cases[] = {
        {"{\"cost-map\":{\"A\":{\"A\":1},\"B\":{\"A\":5}},\"x\":\"\x80\"}", "byte 43"},
        {"{\"x\":\"\x80\",\"cost-map\":{\"A\":{\"A\":1},\"B\":{\"A\":5}}}", "byte 6"},
        {"{\"cost-map\":{\"A\":{\"A\":1},\"\x80\":{},\"B\":{\"A\":5}}}", "byte 26"},
        {"{\"cost-map\":{\"A\":{\"A\":1}\x01,\"B\":{\"A\":5}}}", "byte 24"},
        {"{\"cost-map\":{\"A\":{\"A\":1}1,\"B\":{\"A\":5}}}", "byte 24"},
        {"{\"cost-map\":{\"A\":{\"A\":1},\"B\":{\"A\":5}", "byte 36"},
    };
    alto_version *base = read_on(self, "{\"cost-map\":{\"A\":{\"A\":1},\"B\":{\"A\":5}}}", NULL);
    for (size_t i = 0; i < countof(cases); i++) {
        alto_version *version;
        alto_error error = {.status = ALTO_OK};
        alto_slice text = alto_slice_text(cases[i].text);
        assert_int_equal(read_slice(self, text, base, self->memory, &version, &error), ALTO_SYNTAX);
        assert_string_equal(error.where, cases[i].where);
        assert_int_equal(read_slice(self, text, NULL, NULL, &version, &error), ALTO_SYNTAX);
        assert_string_equal(error.where, cases[i].where);
    }
    alto_version *turned = read_on(self, "{\"cost-map\":{ \"B\":{\"A\":5} ,\"A\":{\"A\":1}}}", base);
    assert_ptr_equal(turned, base);
    alto_version_release(turned);
    alto_version_release(base);
}

static void a_resource_may_become_another_kind_and_back(void **state)
{
    static const char *const texts[] = {
        "{\"cost-map\":{\"A\":{\"A\":1}},\"meta\":{\"a\":1}}",
        "{\"cost-map\":{\"A\":{\"A\":\"1\"}},\"meta\":{\"a\":1}}",
        "{\"network-map\":{\"A\":{\"ipv4\":[\"10.0.0.0/8\"]}},\"meta\":{\"a\":1}}",
        "{\"cost-map\":{\"A\":{\"A\":1}},\"meta\":{\"a\":1}}",
        "{\"network-map\":{\"B\":{\"ipv4\":[\"10.0.0.0/8\"]}},\"meta\":{\"a\":1}}",
    };
    alto_version *before = NULL;
    for (size_t i = 0; i < countof(texts); i++) {
        alto_version *now = read_on(*state, texts[i], before), *alone = read_alone(*state, texts[i]);
        assert_true(same_root(now, alone));
        alto_version_release(alone);
        alto_version_release(before);
        before = now;
    }
    alto_version_release(before);
}

/* ---- random maps against a plain model ---- */

enum { PIDS = 40 };

typedef struct {
    bool source[PIDS], present[PIDS][PIDS];
    int cost[PIDS][PIDS]; /* in quarters */
} cost_model;

static void write_costs(const cost_model *model, test_random *random, alto_buffer *out)
{
    unsigned order[PIDS];
    alto_buffer_clear(out);
    alto_buffer_add_text(out, "{\"cost-map\":{");
    const char *comma = "";
    for (unsigned i = 0; i < PIDS; i++) {
        if (!model->source[i])
            continue;
        for (unsigned j = 0; j < PIDS; j++)
            order[j] = j;
        for (uint64_t swaps = test_random_below(random, 8) == 0 ? PIDS : 0; swaps > 0; swaps--) {
            uint64_t a = test_random_below(random, PIDS), b = test_random_below(random, PIDS);
            unsigned kept = order[a];
            order[a] = order[b];
            order[b] = kept;
        }
        alto_buffer_print(out, "%s\"P%u\":{", comma, i);
        comma = ",";
        const char *inner = "";
        for (unsigned j = 0; j < PIDS; j++) {
            unsigned to = order[j];
            if (!model->present[i][to])
                continue;
            alto_buffer_print(out, test_random_below(random, 500) == 0 ? "%s \"\\u0050%u\" : %.2f" : "%s\"P%u\":%.2f",
                              inner, to, model->cost[i][to] / 4.0);
            inner = ",";
        }
        alto_buffer_put(out, '}');
    }
    alto_buffer_add_text(out, "}}");
    alto_buffer_put(out, 0);
}

static void assert_model(const alto_version *version, const cost_model *model)
{
    uint64_t rows = 0, cells = 0;
    for (unsigned i = 0; i < PIDS; i++) {
        char source[8], destination[8];
        snprintf(source, sizeof source, "P%u", i);
        rows += model->source[i];
        for (unsigned j = 0; j < PIDS; j++) {
            double cost = -1;
            snprintf(destination, sizeof destination, "P%u", j);
            bool found = alto_version_cost(version, alto_slice_text(source), alto_slice_text(destination), &cost);
            assert_int_equal(found, model->source[i] && model->present[i][j]);
            cells += found;
            if (found)
                assert_true(cost == model->cost[i][j] / 4.0);
        }
    }
    assert_int_equal(alto_version_rows(version), rows);
    assert_int_equal(alto_version_items(version), cells);
}

/* Every way a cell can be missing: none, the diagonal, some, most; and changes of one kind after another. */
static void random_cost_maps_are_read_as_they_are_meant(void **state)
{
    fixture *self = *state;
    test_random random = test_random_make(5);
    alto_buffer text = alto_buffer_make(1 << 20);
    for (int series = 0; series < 12; series++) {
        cost_model *model = calloc(1, sizeof *model);
        uint64_t sparse = (uint64_t[]){0, 10, 60, 95}[series % 4];
        for (unsigned i = 0; i < PIDS; i++) {
            model->source[i] = test_random_below(&random, 20) > 0;
            for (unsigned j = 0; j < PIDS; j++) {
                model->present[i][j] = test_random_below(&random, 100) >= sparse && (series % 3 || i != j);
                model->cost[i][j] = (int)test_random_below(&random, 5000);
            }
        }
        alto_version *before = NULL;
        for (int step = 0; step < 12; step++) {
            write_costs(model, &random, &text);
            alto_version *now = read_on(self, (char *)text.data, before);
            alto_version *alone = read_alone(self, (char *)text.data);
            assert_model(now, model);
            assert_true(same_root(now, alone));
            alto_version_release(alone);
            alto_version_release(before);
            before = now;
            for (uint64_t changes = test_random_below(&random, 4); changes > 0; changes--) {
                uint64_t i = test_random_below(&random, PIDS), j = test_random_below(&random, PIDS);
                model->cost[i][j] = (int)test_random_below(&random, 5000);
                model->present[i][test_random_below(&random, PIDS)] ^= test_random_below(&random, 2);
                if (test_random_below(&random, 6) == 0)
                    model->source[i] = !model->source[i];
                if (test_random_below(&random, 10) == 0) /* a PID leaves or joins */
                    for (unsigned k = 0; k < PIDS; k++)
                        model->present[k][j] = !model->present[0][j];
            }
        }
        alto_version_release(before);
        free(model);
    }
    alto_buffer_fini(&text);
}

enum { PREFIXES = 300, HOLDERS = 12 };

/* holder[i]: which PID has prefix i; HOLDERS: nobody. */
static void write_prefixes(const unsigned holder[PREFIXES], unsigned twice, unsigned second_holder, alto_buffer *out)
{
    alto_buffer_clear(out);
    alto_buffer_add_text(out, "{\"network-map\":{");
    for (unsigned pid = 0; pid < HOLDERS; pid++) {
        alto_buffer_print(out, "%s\"P%u\":{", pid ? "," : "", pid);
        for (int family = 4; family <= 6; family += 2) {
            alto_buffer_print(out, "%s\"ipv%d\":[", family == 6 ? "," : "", family);
            const char *comma = "";
            for (unsigned i = 0; i < PREFIXES; i++) {
                bool here = holder[i] == pid || (i == twice && second_holder == pid);
                if (!here || (i % 3 == 0) != (family == 6))
                    continue;
                alto_buffer_print(out, family == 6 ? "%s\"2001:db8:%x::/48\"" : "%s\"10.%u.0.0/16\"", comma, i);
                comma = ",";
            }
            alto_buffer_put(out, ']');
        }
        alto_buffer_put(out, '}');
    }
    alto_buffer_add_text(out, "}}");
    alto_buffer_put(out, 0);
}

static void no_prefix_gets_into_two_pids_whatever_moves(void **state)
{
    fixture *self = *state;
    test_random random = test_random_make(6);
    alto_buffer text = alto_buffer_make(1 << 20);
    unsigned holder[PREFIXES];
    for (unsigned i = 0; i < PREFIXES; i++)
        holder[i] = i % 3 ? i % 256 < 200 && i < 256 ? (unsigned)test_random_below(&random, HOLDERS) : HOLDERS
                          : (unsigned)test_random_below(&random, HOLDERS + 1);
    alto_version *before = NULL;
    for (int step = 0; step < 300; step++) {
        for (uint64_t moves = test_random_below(&random, 12); moves > 0; moves--) {
            uint64_t i = test_random_below(&random, 256);
            holder[i] = (unsigned)test_random_below(&random, HOLDERS + 1);
        }
        unsigned twice = (unsigned)test_random_below(&random, 256);
        if (holder[twice] < HOLDERS) {
            alto_version *refused;
            alto_error error;
            write_prefixes(holder, twice, (holder[twice] + 1) % HOLDERS, &text);
            text.size--;
            assert_int_equal(read_slice(self, alto_buffer_slice(&text), before, self->memory, &refused, &error),
                             ALTO_DUPLICATE);
            assert_non_null(strstr(error.where, "/network-map/P"));
            assert_non_null(strstr(error.why, "is also in P"));
        }
        write_prefixes(holder, PREFIXES, 0, &text);
        alto_version *now = read_on(self, (char *)text.data, before);
        for (unsigned i = 0; i < 256; i++) {
            char prefix[ALTO_PREFIX_TEXT], pid[8];
            snprintf(prefix, sizeof prefix, i % 3 == 0 ? "2001:db8:%x::/48" : "10.%u.0.0/16", i);
            for (unsigned p = 0; step % 20 == 0 && p < HOLDERS; p++) {
                snprintf(pid, sizeof pid, "P%u", p);
                assert_int_equal(has_prefix(now, pid, prefix), holder[i] == p);
            }
        }
        alto_version_release(before);
        before = now;
    }
    alto_version_release(before);
    alto_buffer_fini(&text);
}

static void a_big_map_is_read_and_only_its_changed_cell_is_new(void **state)
{
    fixture *self = *state;
    enum { SIDE = 300 };
    alto_buffer text = alto_buffer_make(1 << 24);
    alto_version *versions[2] = {NULL, NULL};
    for (int v = 0; v < 2; v++) {
        alto_buffer_clear(&text);
        alto_buffer_add_text(&text, "{\"cost-map\":{");
        for (int i = 0; i < SIDE; i++) {
            alto_buffer_print(&text, "%s\"P%d\":{", i ? "," : "", i);
            for (int j = 0; j < SIDE; j++)
                alto_buffer_print(&text, "%s\"P%d\":%d.%d", j ? "," : "", j, (i * 31 + j * 17) % 1000,
                                  v == 1 && i == 150 && j == 7 ? 9 : 5);
            alto_buffer_put(&text, '}');
        }
        alto_buffer_add_text(&text, "}}");
        assert_int_equal(
            alto_map_read(self->pool, alto_buffer_slice(&text), versions[0], self->memory, &versions[v], NULL),
            ALTO_OK);
    }
    assert_int_equal(alto_version_items(versions[1]), SIDE * SIDE);
    assert_cost(versions[0], "P150", "P7", (150 * 31 + 7 * 17) % 1000 + 0.5);
    assert_cost(versions[1], "P150", "P7", (150 * 31 + 7 * 17) % 1000 + 0.9);
    alto_change_counts counts;
    alto_version_compare(versions[0], versions[1], &counts);
    assert_int_equal(counts.items_changed, 1);
    assert_int_equal(counts.rows_changed, 1);
    assert_ptr_equal(payload_row(versions[0], "P149"), payload_row(versions[1], "P149"));
    /* Within the changed row too, all but one leaf is shared. */
    const alto_tree *before = payload_row(versions[0], "P150"), *after = payload_row(versions[1], "P150");
    assert_true(alto_node_look(before).level > 0);
    unsigned differing = 0;
    for (uint32_t i = 0; i < alto_node_look(after).count; i++)
        differing += alto_node_child(before, i) != alto_node_child(after, i);
    assert_int_equal(differing, 1);
    /* The rows of a map share their keys. */
    assert_true(alto_node_same_keys(payload_row(versions[0], "P0"), payload_row(versions[0], "P299")));
    alto_version_release(versions[0]);
    alto_version_release(versions[1]);
    alto_buffer_fini(&text);
}

/* ---- single rows ---- */

static void a_row_is_read_onto_the_row_before(void **state)
{
    fixture *self = *state;
    static const struct {
        alto_kind kind;
        const char *before, *after;
        uint64_t entries;
    } cases[] = {
        {ALTO_COST_MAP, "{\"A\":1,\"B\":2}", "{\"A\":1,\"B\":3}", 2},
        {ALTO_COST_MAP, "{\"A\":1,\"B\":2}", "{\"B\":2,\"C\":7}", 2},
        {ALTO_COST_MAP, "{\"A\":1,\"B\":2}", "{}", 0},
        {ALTO_COST_MAP, "{}", " {\"PID2\":6.5, \"PID10\":1e-7} ", 2},
        {ALTO_NETWORK_MAP, "{\"ipv4\":[\"10.0.0.0/8\"]}", "{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"]}", 2},
        {ALTO_NETWORK_MAP, "{\"ipv4\":[\"10.0.0.0/8\"]}", "{\"ipv4\":[],\"ipv6\":[\"::/0\"]}", 2},
        {ALTO_NETWORK_MAP, "{\"ipv4\":[\"10.0.0.0/8\"]}", "{}", 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_tree *before = NULL, *after = NULL, *alone = NULL, *same = NULL;
        alto_error error;
        alto_slice text = alto_slice_text(cases[i].after);
        assert_int_equal(
            alto_map_read_row(self->pool, cases[i].kind, alto_slice_text(cases[i].before), NULL, "/x", &before, &error),
            ALTO_OK);
        assert_int_equal(alto_map_read_row(self->pool, cases[i].kind, text, before, "/x", &after, &error), ALTO_OK);
        assert_int_equal(alto_map_read_row(self->pool, cases[i].kind, text, NULL, "/x", &alone, &error), ALTO_OK);
        assert_int_equal(alto_map_read_row(self->pool, cases[i].kind, text, after, "/x", &same, &error), ALTO_OK);
        assert_int_equal(alto_tree_entries(after), cases[i].entries);
        assert_true(alto_tree_equal(after, alone));
        assert_ptr_equal(same, after);
        alto_tree_release(before);
        alto_tree_release(after);
        alto_tree_release(alone);
        alto_tree_release(same);
    }
}

static void a_bad_row_is_refused_with_its_path(void **state)
{
    fixture *self = *state;
    static const struct {
        alto_kind kind;
        const char *text;
        alto_status status;
        const char *where;
    } cases[] = {
        {ALTO_COST_MAP, "{\"A\":\"1\"}", ALTO_INVALID, "/cost-map/S/A"},
        {ALTO_COST_MAP, "{\"A\":1,\"A\":1}", ALTO_DUPLICATE, "/cost-map/S/A"},
        {ALTO_COST_MAP, "[1]", ALTO_INVALID, "/cost-map/S"},
        {ALTO_COST_MAP, "{\"A\":1", ALTO_SYNTAX, "/cost-map/S byte 6"},
        {ALTO_COST_MAP, "{\"A\":1}x", ALTO_SYNTAX, "/cost-map/S byte "},
        {ALTO_COST_MAP, "\xff", ALTO_SYNTAX, "/cost-map/S byte 0"},
        {ALTO_NETWORK_MAP, "{\"ipv4\":[\"a\"]}", ALTO_INVALID, "/cost-map/S/ipv4/0"},
        {ALTO_NETWORK_MAP, "5", ALTO_INVALID, "/cost-map/S"},
        {ALTO_DOCUMENT, "{}", ALTO_INVALID, "/cost-map/S"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_tree *items = (alto_tree *)(uintptr_t)1;
        alto_error error;
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(alto_map_read_row(self->pool, cases[i].kind, alto_slice_text(cases[i].text), NULL,
                                           "/cost-map/S", &items, &error),
                         cases[i].status);
        assert_int_equal(error.status, cases[i].status);
        assert_memory_equal(error.where, cases[i].where, strlen(cases[i].where));
        assert_int_equal((uintptr_t)items, 1);
    }
}

/* ---- canonical form and small documents ---- */

static void values_become_canonical(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {" null ", "null"},
        {"\"\\u0000\\b\\t\\n\\f\\r\\u001f\\\"\\\\\\/\\u007f\\u20ac\"",
         "\"\\u0000\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\x7f\xe2\x82\xac\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\\\ud800\"", "\"\\\\ud800\""},
        {"[ 1.0 , [ ] , { } , \"\" ]", "[1,[],{},\"\"]"},
        {"{\"b\":{\"d\":1,\"c\":[{\"f\":1,\"e\":2}]},\"a\":2}", "{\"a\":2,\"b\":{\"c\":[{\"e\":2,\"f\":1}],\"d\":1}}"},
        {"{\"\\ufb33\":1,\"\\ud83d\\ude00\":2,\"\\u20ac\":3,\"\":4}",
         "{\"\":4,\"\xe2\x82\xac\":3,\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}"},
        {"{\"n\":12345678901234567890,\"m\":1e400}", "{\"m\":1e400,\"n\":12345678901234567890}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer out = alto_buffer_make(1000), again = alto_buffer_make(1000);
        alto_buffer_add_text(&out, "before:");
        assert_int_equal(alto_json_canonical(alto_slice_text(cases[i][0]), &out, NULL), ALTO_OK);
        alto_slice made = alto_slice_of(out.data + 7, out.size - 7);
        assert_int_equal(made.size, strlen(cases[i][1]));
        assert_memory_equal(made.data, cases[i][1], made.size);
        assert_int_equal(alto_json_canonical(made, &again, NULL), ALTO_OK);
        assert_true(alto_slice_equal(made, alto_buffer_slice(&again)));
        alto_buffer_fini(&out);
        alto_buffer_fini(&again);
    }
}

static void values_without_canonical_form_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        alto_status status;
        size_t room;
    } cases[] = {
        {"", ALTO_SYNTAX, 100},
        {"[1,]", ALTO_SYNTAX, 100},
        {"\"\\ud800\"", ALTO_SYNTAX, 100},
        {"{\"a\":1,\"a\":1}", ALTO_DUPLICATE, 100},
        {"1e1000000000", ALTO_TOO_LARGE, 100},
        {"[1,2,3,4]", ALTO_TOO_LARGE, 5},
        {"{\"b\":1,\"a\":1}", ALTO_TOO_LARGE, 10},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer out = alto_buffer_make(cases[i].room);
        alto_error error;
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(alto_json_canonical(alto_slice_text(cases[i].text), &out, &error), cases[i].status);
        assert_int_equal(error.status, cases[i].status);
        alto_buffer_fini(&out);
    }
}

/* "name" of the vectors as text; false when there is none. */
static bool vector(alto_slice file, const char *name, char *out, size_t room)
{
    alto_slice raw;
    return alto_json_get(file, (const char *const[]){name, NULL}, &raw) && alto_json_text(raw, out, room);
}

static void the_sample_of_rfc_8785_becomes_what_is_printed_there(void **state)
{
    (void)state;
    alto_buffer file = test_example("rfc8785-jcs-cases.json"), out = alto_buffer_make(1000);
    if (file.size == 0)
        skip();
    char input[400], hex[400];
    uint8_t expected[200];
    assert_true(vector(alto_buffer_slice(&file), "3.2.2-input", input, sizeof input));
    assert_true(vector(alto_buffer_slice(&file), "3.2.4-output-hex", hex, sizeof hex));
    assert_true(alto_unhex(expected, strlen(hex) / 2, alto_slice_text(hex)));
    /* 333333333.33333329 is not what its double prints as: altocast keeps such literals, on purpose. */
    char *literal = strstr(input, "333333333.33333329");
    assert_non_null(literal);
    memcpy(literal, "333333333.3333333 ", 18);
    assert_int_equal(alto_json_canonical(alto_slice_text(input), &out, NULL), ALTO_OK);
    assert_int_equal(out.size, strlen(hex) / 2);
    assert_memory_equal(out.data, expected, out.size);
    alto_buffer_fini(&out);
    alto_buffer_fini(&file);
}

static void names_sort_as_rfc_8785_says(void **state)
{
    (void)state;
    alto_buffer file = test_example("rfc8785-jcs-cases.json");
    alto_buffer object = alto_buffer_make(1000), sorted = alto_buffer_make(1000);
    if (file.size == 0)
        skip();
    alto_slice names, name, value, last = {0};
    assert_true(
        alto_json_get(alto_buffer_slice(&file), (const char *const[]){"3.2.3-sort-keys-in-order", NULL}, &names));
    size_t count = 0;
    while (alto_json_element(names, count, &name))
        count++;
    assert_int_equal(count, 7);
    for (size_t i = 0; i < count; i++) { /* backwards */
        alto_json_element(names, count - 1 - i, &name);
        alto_buffer_add_text(&object, i ? "," : "{");
        alto_buffer_add_slice(&object, name);
        alto_buffer_print(&object, ":%zu", count - 1 - i);
    }
    alto_buffer_add_text(&object, "}");
    assert_int_equal(alto_json_canonical(alto_buffer_slice(&object), &sorted, NULL), ALTO_OK);
    for (size_t i = 0; i < count; i++) {
        char text[32], expected[24];
        alto_json_element(names, i, &name);
        assert_true(alto_json_text(name, text, sizeof text));
        assert_true(alto_json_get(alto_buffer_slice(&sorted), (const char *const[]){text, NULL}, &value));
        snprintf(expected, sizeof expected, "%zu", i);
        assert_true(alto_slice_equal(value, alto_slice_text(expected)));
        assert_true(i == 0 || value.data > last.data);
        last = value;
    }
    alto_buffer_fini(&sorted);
    alto_buffer_fini(&object);
    alto_buffer_fini(&file);
}

static void members_of_small_documents_are_found(void **state)
{
    (void)state;
    alto_slice text =
        alto_slice_text(" {\"a\":{\"b\":[1,{\"c\":\"\\u20ac\"}],\"\\u0064\":\"x\\u0000\"},\"e\":\"long text\"} ");
    alto_slice value, element;
    char out[8];
    assert_true(alto_json_get(text, (const char *const[]){"a", "b", NULL}, &value));
    assert_true(alto_slice_equal(value, alto_slice_text("[1,{\"c\":\"\\u20ac\"}]")));
    assert_true(alto_json_element(value, 0, &element));
    assert_true(alto_slice_equal(element, alto_slice_text("1")));
    assert_false(alto_json_text(element, out, sizeof out));
    assert_true(alto_json_element(value, 1, &element));
    assert_true(alto_json_get(element, (const char *const[]){"c", NULL}, &element));
    assert_true(alto_json_text(element, out, sizeof out));
    assert_string_equal(out, "\xe2\x82\xac");
    assert_true(alto_json_text(element, out, 4));
    assert_false(alto_json_text(element, out, 3));
    assert_false(alto_json_element(value, 2, &element));
    assert_true(alto_json_get(text, (const char *const[]){"a", "d", NULL}, &value));
    assert_false(alto_json_text(value, out, sizeof out)); /* a NUL inside */
    assert_true(alto_json_get(text, (const char *const[]){"e", NULL}, &value));
    assert_false(alto_json_text(value, out, sizeof out)); /* too long */
    assert_true(alto_json_get(text, (const char *const[]){NULL}, &value));
    assert_false(alto_json_get(text, (const char *const[]){"x", NULL}, &value));
    assert_false(alto_json_get(text, (const char *const[]){"e", "x", NULL}, &value));
    assert_false(alto_json_get(alto_slice_text("{\"a\":1"), (const char *const[]){"a", NULL}, &value));
    assert_false(alto_json_get(alto_slice_text("{\"a\":1,}"), (const char *const[]){"a", NULL}, &value));
    assert_false(alto_json_get(alto_slice_of(NULL, 0), (const char *const[]){NULL}, &value));
    assert_false(alto_json_element(alto_slice_text("{}"), 0, &value));
    assert_false(alto_json_element(alto_slice_text("[]"), 0, &value));
}

static void names_and_tags_follow_rfc_7285(void **state)
{
    (void)state;
    char long_name[66];
    memset(long_name, 'x', 65);
    assert_true(alto_name_valid(alto_slice_of(long_name, 64)));
    assert_false(alto_name_valid(alto_slice_of(long_name, 65)));
    assert_true(alto_tag_valid(alto_slice_of(long_name, 64)));
    assert_false(alto_tag_valid(alto_slice_of(long_name, 65)));
    assert_false(alto_name_valid(alto_slice_of("", 0)));
    assert_false(alto_tag_valid(alto_slice_of("", 0)));
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        bool name = i && strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-:@_.", (char)i);
        assert_int_equal(alto_name_valid(alto_slice_of(&byte, 1)), name && i < 128);
        assert_int_equal(alto_tag_valid(alto_slice_of(&byte, 1)), i >= 0x21 && i <= 0x7e);
    }
}

static void tags_in_meta_are_judged(void **state)
{
    static const struct {
        const char *meta;
        alto_status vtag, dependencies;
        size_t count;
    } cases[] = {
        {"{}", ALTO_NOT_FOUND, ALTO_OK, 0},
        {"{\"vtag\":{\"resource-id\":\"r\",\"tag\":\"~!\"}}", ALTO_OK, ALTO_OK, 0},
        {"{\"vtag\":{\"resource-id\":\"r\"}}", ALTO_INVALID, ALTO_OK, 0},
        {"{\"vtag\":{\"resource-id\":\"r r\",\"tag\":\"t\"}}", ALTO_INVALID, ALTO_OK, 0},
        {"{\"vtag\":{\"resource-id\":\"r\",\"tag\":\"t t\"}}", ALTO_INVALID, ALTO_OK, 0},
        {"{\"vtag\":{\"resource-id\":\"r\",\"tag\":5}}", ALTO_INVALID, ALTO_OK, 0},
        {"{\"vtag\":[]}", ALTO_INVALID, ALTO_OK, 0},
        {"{\"dependent-vtags\":[]}", ALTO_NOT_FOUND, ALTO_OK, 0},
        {"{\"dependent-vtags\":{}}", ALTO_NOT_FOUND, ALTO_INVALID, 0},
        {"{\"dependent-vtags\":[{\"resource-id\":\"r\",\"tag\":\"t\"},{\"resource-id\":\"s\",\"tag\":\"u\"}]}",
         ALTO_NOT_FOUND, ALTO_OK, 2},
        {"{\"dependent-vtags\":[{\"resource-id\":\"r\",\"tag\":\"t\"},7]}", ALTO_NOT_FOUND, ALTO_INVALID, 0},
        {"{\"dependent-vtags\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", ALTO_NOT_FOUND, ALTO_INVALID, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[400];
        snprintf(text, sizeof text, "{\"meta\":%s,\"cost-map\":{}}", cases[i].meta);
        alto_version *version = read_alone(*state, text);
        alto_vtag vtag, dependencies[ALTO_MAX_DEPENDENCIES];
        size_t count = 99;
        print_message("  case: %s\n", cases[i].meta);
        assert_int_equal(alto_version_vtag(version, &vtag), cases[i].vtag);
        assert_int_equal(alto_version_dependencies(version, dependencies, &count), cases[i].dependencies);
        assert_int_equal(count, cases[i].count);
        alto_cost_type type;
        assert_false(alto_version_cost_type(version, &type));
        alto_version_release(version);
    }
}

static void more_dependencies_than_allowed_are_refused(void **state)
{
    alto_buffer text = alto_buffer_make(10000);
    alto_vtag vtags[ALTO_MAX_DEPENDENCIES + 1], read[ALTO_MAX_DEPENDENCIES];
    for (size_t i = 0; i < countof(vtags); i++)
        vtags[i] = (alto_vtag){.resource_id = "r", .tag = "\"quoted\\"};
    for (size_t given = ALTO_MAX_DEPENDENCIES; given <= countof(vtags); given++) {
        alto_buffer_clear(&text);
        alto_buffer_add_text(&text, "{\"meta\":{\"dependent-vtags\":");
        alto_dependencies_text(vtags, given, &text);
        alto_buffer_add_text(&text, "},\"cost-map\":{}}");
        alto_buffer_put(&text, 0);
        alto_version *version = read_alone(*state, (char *)text.data);
        size_t count;
        alto_status expected = given > ALTO_MAX_DEPENDENCIES ? ALTO_TOO_LARGE : ALTO_OK;
        assert_int_equal(alto_version_dependencies(version, read, &count), expected);
        if (expected == ALTO_OK) {
            assert_int_equal(count, given);
            assert_string_equal(read[given - 1].tag, "\"quoted\\");
        }
        alto_version_release(version);
    }
    alto_buffer_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_network_map_of_rfc_7285_is_read),
        TEST(the_cost_map_of_rfc_7285_is_read),
        TEST(maps_of_the_rfcs_with_one_prefix_in_two_pids_are_refused),
        TEST(every_example_is_read_as_the_kind_it_is),
        TEST(the_same_content_spelled_differently_has_the_same_root),
        TEST(different_content_has_different_roots),
        TEST(unknown_members_and_address_types_survive),
        TEST(a_cost_map_with_a_cell_that_is_no_number_is_a_document),
        TEST(whatever_breaks_a_rule_is_refused_with_its_place),
        TEST(a_refusal_leaves_the_memory_as_it_was),
        TEST(documents_are_refused_when_cut_anywhere),
        TEST(any_byte_changed_is_refused_or_gives_a_version_that_can_be_read_again),
        TEST(nesting_has_a_limit),
        TEST(names_have_limits),
        TEST(an_unchanged_row_is_the_very_tree_of_the_version_before),
        TEST(the_same_text_means_something_else_in_another_place),
        TEST(a_base_that_the_memory_does_not_describe_is_only_shared_with),
        TEST(what_is_wrong_beside_rows_that_stayed_is_found),
        TEST(a_resource_may_become_another_kind_and_back),
        TEST(random_cost_maps_are_read_as_they_are_meant),
        TEST(no_prefix_gets_into_two_pids_whatever_moves),
        TEST(a_big_map_is_read_and_only_its_changed_cell_is_new),
        TEST(a_row_is_read_onto_the_row_before),
        TEST(a_bad_row_is_refused_with_its_path),
        TEST(values_become_canonical),
        TEST(values_without_canonical_form_are_refused),
        TEST(the_sample_of_rfc_8785_becomes_what_is_printed_there),
        TEST(names_sort_as_rfc_8785_says),
        TEST(members_of_small_documents_are_found),
        TEST(names_and_tags_follow_rfc_7285),
        TEST(tags_in_meta_are_judged),
        TEST(more_dependencies_than_allowed_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
