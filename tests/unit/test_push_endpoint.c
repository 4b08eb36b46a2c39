/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push_endpoint.h"

#include "cmocka_all.h"

#include <string.h>

static void what_is_an_endpoint_is_known_by_its_text(void **state)
{
    static const struct {
        const char *text;
        bool to_connect, to_bind;
    } cases[] = {
        {"tcp://127.0.0.1:1", true, true},
        {"tcp://[::1]:65535", true, true},
        {"tcp://relay.example:5670", true, true},
        {"tcp://127.0.0.1:0", false, true},
        {"tcp://127.0.0.1:*", false, true},
        {"tcp://127.0.0.1:65536", false, false},
        {"tcp://127.0.0.1:000001", false, false},
        {"tcp://127.0.0.1:5670x", false, false},
        {"tcp://127.0.0.1:", false, false},
        {"tcp://127.0.0.1", false, false},
        {"tcp://:5670", false, false},
        {"ipc://a", true, true},
        {"ipc://", false, false},
        {"epgm://192.0.2.1;239.192.1.1:5670", true, true},
        {"epgm://192.0.2.1;192.0.2.2:5670", false, false},
        {"epgm://eth0;239.192.1.1:5670", false, false},
        {"epgm://192.0.2.1;239.192.1.1:0", false, false},
        {"epgm://239.192.1.1:5670", false, false},
        {"pgm://192.0.2.1;239.192.1.1:5670", false, false},
        {"inproc://a", false, false},
        {"", false, false},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(alto_push_endpoint_valid(cases[i].text, false), cases[i].to_connect);
        assert_int_equal(alto_push_endpoint_valid(cases[i].text, true), cases[i].to_bind);
    }
}

static void it_has_a_greatest_length(void **state)
{
    char path[ALTO_PUSH_ENDPOINT_SIZE + 1] = "ipc://";
    (void)state;
    memset(path + 6, 'a', sizeof path - 7);
    path[sizeof path - 1] = 0;
    assert_false(alto_push_endpoint_valid(path, true));
    path[sizeof path - 2] = 0;
    assert_true(alto_push_endpoint_valid(path, true));
}

static void ipv6_is_for_those_who_mean_it(void **state)
{
    static const struct {
        const char *text;
        bool to_connect, to_bind;
    } cases[] = {
        {"tcp://127.0.0.1:1", false, false},
        {"tcp://[::1]:1", true, true},
        {"tcp://relay.example:1", true, false},
        {"tcp://localhost:1", false, false},
        {"tcp://*:1", true, true},
        {"epgm://192.0.2.1;239.192.1.1:1", false, false},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(alto_push_endpoint_wants_ipv6(cases[i].text, false), cases[i].to_connect);
        assert_int_equal(alto_push_endpoint_wants_ipv6(cases[i].text, true), cases[i].to_bind);
    }
}

static void a_local_address_is_one_of_this_machine(void **state)
{
    (void)state;
    assert_true(alto_push_endpoint_is_local("epgm://127.0.0.1;239.192.1.1:1"));
    assert_false(alto_push_endpoint_is_local("epgm://192.0.2.1;239.192.1.1:1")); /* RFC 5737: nobody's */
    assert_false(alto_push_endpoint_is_local("epgm://0.0.0.0;239.192.1.1:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_an_endpoint_is_known_by_its_text),
        cmocka_unit_test(it_has_a_greatest_length),
        cmocka_unit_test(ipv6_is_for_those_who_mean_it),
        cmocka_unit_test(a_local_address_is_one_of_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
