/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken of an upstream's `info`, and what is not. */
#include "core/upstream_info.h"

#include "cmocka_all.h"

#include <stdio.h>

#define OURS "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define KEY "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static alto_origin ours(void)
{
    alto_origin origin;
    memset(origin.bytes, 0xaa, sizeof origin.bytes);
    return origin;
}

static bool read_info(const char *text, alto_upstream_info *out)
{
    const alto_origin origin = ours();
    memset(out, 0x5a, sizeof *out);
    return alto_upstream_info_read(alto_slice_text(text), &origin, out);
}

static void what_it_says_of_our_origin_is_taken(void **state)
{
    (void)state;
    alto_upstream_info told;
    assert_true(read_info("{\"origins\":[{\"origin\":\"" OTHER "\",\"push\":[\"tcp://h:1111\"]},{\"push\":[\"ipc://x\","
                          "\"tcp://192.0.2.1:5670\",\"tcp://h:2222\"],\"curve-key\":\"" KEY "\",\"origin\":\"" OURS
                          "\"},"
                          "{\"origin\":\"" OURS "\"}]}",
                          &told));
    assert_true(told.tells_push && told.encrypts && told.has_key);
    assert_int_equal(told.port, 5670);
    char text[ALTO_CURVE_KEY_TEXT];
    alto_z85_write(told.key.bytes, text);
    assert_string_equal(text, KEY);
}

static void what_it_does_not_say_is_not_known(void **state)
{
    (void)state;
    alto_upstream_info told;
    assert_true(read_info("{\"origins\":[{\"origin\":\"" OURS "\"}]}", &told));
    assert_false(told.tells_push || told.encrypts || told.has_key);
    assert_true(read_info("{\"origins\":[{\"origin\":\"" OURS "\",\"push\":[],\"curve-key\":\"short\"}]}", &told));
    assert_true(told.tells_push && told.encrypts);
    assert_false(told.has_key);
    assert_int_equal(told.port, 0);
}

static void who_does_not_have_the_origin_says_nothing(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"origins\":[]}",
        "{\"origins\":{\"origin\":\"" OURS "\"}}",
        "{\"origins\":\"" OURS "\"}",
        "{\"origins\":[\"" OURS "\"]}",
        "{\"origins\":[{\"origin\":\"" OTHER "\"}]}",
        "{\"origins\":[{\"origin\":\"" OURS "0\"}]}",
        "{\"origins\":[{\"origin\":[\"" OURS "\"]}]}",
        "{\"origins\":[{\"origin\":\"" OURS "\"}]",
        "{\"origins\":[{\"origin\":\"" OURS "\"}]} x",
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_upstream_info told, before;
        memset(&before, 0x5a, sizeof before);
        print_message("  case: %s\n", cases[i]);
        assert_false(read_info(cases[i], &told));
        assert_memory_equal(&told, &before, sizeof told);
    }
}

static void only_some_endpoints_may_be_named(void **state)
{
    (void)state;
    static const struct {
        const char *push;
        unsigned port;
    } cases[] = {
        {"[\"tcp://h:1024\"]", 1024},
        {"[\"tcp://[2001:db8::1]:65535\"]", 65535},
        {"[\"tcp:\\/\\/h:50\\u00300\"]", 5000},
        {"[17,null,[\"tcp://h:1111\"],{\"x\":\"tcp://h:1111\"},\"tcp://h:02222\"]", 2222},
        {"[\"tcp://h:1023\"]", 0},
        {"[\"tcp://h:65536\"]", 0},
        {"[\"tcp://h:165536\"]", 0},
        {"[\"tcp://h:+5000\"]", 0},
        {"[\"tcp://h:5000 \"]", 0},
        {"[\"tcp://h:5000/\"]", 0},
        {"[\"tcp://h:0x1388\"]", 0},
        {"[\"tcp://h:\"]", 0},
        {"[\"tcp://\"]", 0},
        {"[\"tcp://h:5000\\u0000\"]", 0},
        {"[\"TCP://h:5000\"]", 0},
        {"[\"ipc://h:5000\"]", 0},
        {"[\"epgm://h;239.192.7.8:5670\"]", 0},
        {"\"tcp://h:5000\"", 0},
        {"{\"push\":\"tcp://h:5000\"}", 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[300];
        alto_upstream_info told;
        snprintf(text, sizeof text, "{\"origins\":[{\"origin\":\"" OURS "\",\"push\":%s}]}", cases[i].push);
        print_message("  case: %s\n", cases[i].push);
        assert_true(read_info(text, &told));
        assert_true(told.tells_push);
        assert_int_equal(told.port, cases[i].port);
    }
}

static void an_endpoint_is_at_the_host_that_is_known(void **state)
{
    (void)state;
    char text[64];
    assert_true(alto_upstream_info_endpoint("relay.example.net", 5670, text, sizeof text));
    assert_string_equal(text, "tcp://relay.example.net:5670");
    assert_true(alto_upstream_info_endpoint("2001:db8::1", 65535, text, sizeof text));
    assert_string_equal(text, "tcp://[2001:db8::1]:65535");
    assert_true(alto_upstream_info_endpoint("h", 1024, text, sizeof "tcp://h:1024"));
    assert_false(alto_upstream_info_endpoint("h", 1024, text, sizeof "tcp://h:1024" - 1));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_of_our_origin_is_taken),
        cmocka_unit_test(what_it_does_not_say_is_not_known),
        cmocka_unit_test(who_does_not_have_the_origin_says_nothing),
        cmocka_unit_test(only_some_endpoints_may_be_named),
        cmocka_unit_test(an_endpoint_is_at_the_host_that_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
