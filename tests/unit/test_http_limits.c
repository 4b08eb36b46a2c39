/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_limits.h"

#include "cmocka_all.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const elsewhere[] = {"192.0.2.0/24", "2001:db8:9::/47", "198.51.100.7"};

static alto_http_limits *make(uint64_t connections, uint64_t requests)
{
    const alto_http_limits_options options = {.client_connections = connections,
                                              .client_requests = requests,
                                              .unlimited = elsewhere,
                                              .unlimited_count = countof(elsewhere)};
    alto_http_limits *self = NULL;
    alto_error error;
    assert_int_equal(alto_http_limits_new(&options, &self, &error), ALTO_OK);
    return self;
}

/* As many connections as they may have of `most`; all of them leave again when clients is NULL. */
static size_t enter(alto_http_limits *self, const char *address, size_t most, uint64_t now_ms)
{
    alto_http_client *clients[64];
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    bool is_six = strchr(address, ':');
    assert_int_equal(inet_pton(is_six ? AF_INET6 : AF_INET, address, is_six ? (void *)&six.sin6_addr : &four.sin_addr),
                     1);
    const struct sockaddr *peer = is_six ? (const struct sockaddr *)&six : (const struct sockaddr *)&four;
    size_t count = 0;
    while (count < most && alto_http_limits_enter(self, peer, now_ms, &clients[count]))
        count++;
    for (size_t i = 0; i < count; i++)
        alto_http_limits_leave(self, clients[i]);
    return count;
}

static alto_http_client *enter_one(alto_http_limits *self, const char *address, uint64_t now_ms)
{
    alto_http_client *client = NULL;
    struct sockaddr_in6 peer = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, address, &peer.sin6_addr), 1);
    assert_true(alto_http_limits_enter(self, (const struct sockaddr *)&peer, now_ms, &client));
    return client;
}

/* How many of `most` requests are admitted. */
static size_t ask(alto_http_limits *self, alto_http_client *client, size_t most, uint64_t now_ms)
{
    alto_http_answer answer;
    size_t count = 0;
    while (count < most && alto_http_limits_ask(self, client, "peer", now_ms, &answer))
        count++;
    if (count < most) {
        assert_int_equal(answer.status, 429);
        assert_string_equal(answer.headers[answer.header_count - 1].name, "Retry-After");
        alto_http_answer_release(&answer);
    }
    return count;
}

static uint64_t told(const alto_http_limits *self, const char *name)
{
    char key[64];
    alto_buffer text = alto_buffer_make(4096);
    alto_http_limits_info(self, &text);
    alto_buffer_add_u8(&text, 0);
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr((const char *)text.data, key);
    assert_non_null(at);
    uint64_t count = strtoull(at + strlen(key), NULL, 10);
    alto_buffer_fini(&text);
    return count;
}

static void a_client_has_so_many_connections(void **state)
{
    static const struct {
        const char *address;
        size_t count;
    } cases[] = {{"203.0.113.1", 3},   {"192.0.2.200", 9}, {"192.0.3.1", 3},     {"198.51.100.7", 9},
                 {"198.51.100.6", 3},  {"127.0.0.1", 3},   {"2001:db8:8::1", 9}, {"2001:db8:9::1", 9},
                 {"2001:db8:a::1", 3}, {"::1", 3},         {"0.0.0.0", 3},       {"::ffff:192.0.2.1", 3}};
    (void)state;
    alto_http_limits *self = make(3, 0);
    for (size_t round = 0; round < 2; round++) /* nothing is left of the first one */
        for (size_t i = 0; i < countof(cases); i++) {
            print_message("  case: %s\n", cases[i].address);
            assert_int_equal(enter(self, cases[i].address, 9, 1000), cases[i].count);
        }
    assert_int_equal(told(self, "client-connections"), 2 * 8);
    alto_http_limits_destroy(&self);
}

static void a_network_of_ipv6_is_one_client(void **state)
{
    (void)state;
    alto_http_limits *self = make(3, 0);
    alto_http_client *one = enter_one(self, "2001:db8::1", 1), *same = enter_one(self, "2001:db8::ffff:0:0:2", 1);
    assert_ptr_equal(one, same);
    assert_int_equal(enter(self, "2001:db8::3", 9, 1), 1);
    assert_int_equal(enter(self, "2001:db8:0:1::3", 9, 1), 3);
    alto_http_limits_leave(self, one);
    alto_http_limits_leave(self, same);
    assert_int_equal(enter(self, "2001:db8::3", 9, 1), 3);
    alto_http_limits_destroy(&self);
}

static void requests_are_counted_over_two_seconds(void **state)
{
    (void)state;
    alto_http_limits *self = make(0, 100);
    alto_http_client *client = enter_one(self, "2001:db8::1", 5000), *other = enter_one(self, "2001:db8:0:1::1", 5000);
    assert_int_equal(ask(self, client, 1000, 5000), 200);
    assert_int_equal(ask(self, other, 150, 5000), 150);
    assert_int_equal(ask(self, client, 1000, 5000), 0);
    assert_int_equal(ask(self, client, 1000, 5100), 10);
    alto_http_limits_leave(self, client);
    client = enter_one(self, "2001:db8::1", 5100); /* coming again does not pay for anything */
    assert_int_equal(ask(self, client, 1000, 5150), 5);
    assert_int_equal(ask(self, client, 1000, 9000), 200);
    assert_int_equal(told(self, "client-requests"), 5);
    assert_int_equal(ask(self, NULL, 1000, 5000), 1000);
    alto_http_limits_leave(self, client);
    alto_http_limits_leave(self, other);
    alto_http_limits_destroy(&self);
}

/* Each address costs memory for as long as it has something to pay for, and there are only so many. */
static void clients_that_went_are_forgotten(void **state)
{
    (void)state;
    alto_http_limits *self = make(1, 1);
    size_t admitted = 0;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 20000; i++) {
            uint64_t now_ms = 1000 + round * 10000;
            struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr = {htonl(0x0a000000 + i)}};
            alto_http_client *client;
            if (!alto_http_limits_enter(self, (const struct sockaddr *)&peer, now_ms, &client))
                continue;
            ask(self, client, 1, now_ms);
            alto_http_limits_leave(self, client);
            admitted++;
        }
    assert_in_range(admitted, 3 * 8192, 3 * 8192 + 8192); /* in each round as many as may be remembered */
    alto_http_limits_destroy(&self);
}

static void what_is_no_prefix_is_refused(void **state)
{
    static const char *const cases[] = {
        "", "x", "192.0.2.0/33", "192.0.2", "2001:db8::/129", "localhost", "192.0.2.0/24 "};
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        const alto_http_limits_options options = {.unlimited = &cases[i], .unlimited_count = 1};
        alto_http_limits *self = NULL;
        alto_error error;
        assert_int_equal(alto_http_limits_new(&options, &self, &error), ALTO_CONFIG);
        assert_null(self);
        assert_string_equal(error.where, cases[i]);
    }
}

static void connections_are_no_more_than_descriptors_allow(void **state)
{
    (void)state;
    alto_error error;
    alto_http_limits *few, *many;
    assert_int_equal(alto_http_limits_new(&(alto_http_limits_options){.connections = 20}, &few, &error), ALTO_OK);
    assert_int_equal(alto_http_limits_new(&(alto_http_limits_options){.connections = UINT64_MAX}, &many, &error),
                     ALTO_OK);
    assert_int_equal(alto_http_limits_connections(few), 20);
    assert_true(alto_http_limits_connections(many) <= 1u << 28);
    alto_http_limits_destroy(&few);
    alto_http_limits_destroy(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_has_so_many_connections),
        cmocka_unit_test(a_network_of_ipv6_is_one_client),
        cmocka_unit_test(requests_are_counted_over_two_seconds),
        cmocka_unit_test(clients_that_went_are_forgotten),
        cmocka_unit_test(what_is_no_prefix_is_refused),
        cmocka_unit_test(connections_are_no_more_than_descriptors_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
