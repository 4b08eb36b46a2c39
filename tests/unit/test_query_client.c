/* SPDX-License-Identifier: Apache-2.0 */
#include "core/query_client.h"

#include "cmocka_all.h"

static void the_missing_end_is_the_client(void **state)
{
    static const struct {
        const char *body, *wanted; /* NULL: as it is */
    } cases[] = {
        {"{\"endpoints\":{\"dsts\":[\"x\"]}}", "{\"endpoints\":{\"srcs\":[\"C\"],\"dsts\":[\"x\"]}}"},
        {"{\"endpoints\": {\"srcs\" : [\"x\"], \"a\":1},\"b\":2}",
         "{\"endpoints\": {\"dsts\":[\"C\"],\"srcs\" : [\"x\"], \"a\":1},\"b\":2}"},
        {"{\"endpoints\":{\"srcs\":[ ],\"dsts\":[\"x\"]}}", "{\"endpoints\":{\"srcs\":[\"C\"],\"dsts\":[\"x\"]}}"},
        {"{\"endpoints\":{\"srcs\":[\"x\"],\"dsts\":[]},\"cost-type\":{}}",
         "{\"endpoints\":{\"srcs\":[\"x\"],\"dsts\":[\"C\"]},\"cost-type\":{}}"},
        {"{\"endpoints\":{\"srcs\":[\"x\"],\"dsts\":[\"y\"]}}", NULL},
        {"{\"endpoints\":{\"srcs\":[],\"dsts\":[]}}", NULL},
        {"{\"endpoints\":{}}", NULL},
        {"{\"endpoints\":[]}", NULL},
        {"{\"endpoints\":{\"srcs\":3,\"dsts\":[\"x\"]}}", NULL},
        {"{\"srcs\":[],\"dsts\":[\"x\"]}", NULL},
        {"{\"endpoints\":{\"dsts\":[\"x\"]}", NULL},
        {"[]", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer out = alto_buffer_make(1000);
        bool filled;
        print_message("  case: %s\n", cases[i].body);
        assert_int_equal(alto_query_client(alto_slice_text(cases[i].body), "C", &out, &filled), ALTO_OK);
        assert_int_equal(filled, cases[i].wanted != NULL);
        alto_buffer_add_u8(&out, 0);
        assert_string_equal((char *)out.data, cases[i].wanted ? cases[i].wanted : cases[i].body);
        alto_buffer_fini(&out);
    }
}

static void a_body_that_becomes_too_large_is_refused(void **state)
{
    (void)state;
    alto_slice body = alto_slice_text("{\"endpoints\":{\"dsts\":[\"x\"]}}");
    alto_buffer out = alto_buffer_make(body.size + 1);
    bool filled;
    assert_int_equal(alto_query_client(body, "C", &out, &filled), ALTO_TOO_LARGE);
    alto_buffer_fini(&out);
}

static void a_peer_is_an_address(void **state)
{
    static const struct {
        const char *peer, *wanted; /* NULL: none */
    } cases[] = {
        {"192.0.2.1:80", "ipv4:192.0.2.1"},
        {"[2001:db8::1]:65535", "ipv6:2001:db8::1"},
        {"", NULL},
        {":80", NULL},
        {"[]:80", NULL},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        char text[ALTO_CLIENT_TEXT];
        print_message("  case: %s\n", cases[i].peer);
        assert_int_equal(alto_query_client_of(cases[i].peer, text), cases[i].wanted != NULL);
        if (cases[i].wanted)
            assert_string_equal(text, cases[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_missing_end_is_the_client),
        cmocka_unit_test(a_body_that_becomes_too_large_is_refused),
        cmocka_unit_test(a_peer_is_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
