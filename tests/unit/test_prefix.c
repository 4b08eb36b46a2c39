/* SPDX-License-Identifier: Apache-2.0 */
#include "core/prefix.h"

#include "cmocka_all.h"
#include "random.h"

#include <arpa/inet.h>
#include <stdio.h>

static alto_slice key_slice(const alto_prefix_key *key)
{
    return alto_slice_of(key->bytes, key->size);
}

static void prefixes_of_any_legal_form_are_read_and_written_in_one(void **state)
{
    (void)state;
    static const struct {
        int family;
        const char *text, *written;
    } cases[] = {
        {4, "192.0.2.0/24", "192.0.2.0/24"},
        {4, "0.0.0.0/0", "0.0.0.0/0"},
        {4, "255.255.255.255/32", "255.255.255.255/32"},
        {4, "198.51.100.128/24", "198.51.100.0/24"},
        {4, "10.1.2.3/9", "10.0.0.0/9"},
        {4, "10.255.2.3/9", "10.128.0.0/9"},
        {6, "::/0", "::/0"},
        {6, "0::/0", "::/0"},
        {6, "0:0:0:0:0:0:0:0/0", "::/0"},
        {6, "::1/128", "::1/128"},
        {6, "1::/16", "1::/16"},
        {6, "2001:DB8::/32", "2001:db8::/32"},
        {6, "2001:0db8:0000:0000::/64", "2001:db8::/64"},
        {6, "2001:db8:0:1:1:1:1:1/128", "2001:db8:0:1:1:1:1:1/128"},
        {6, "2001:db8::1:1:1:1:1/128", "2001:db8:0:1:1:1:1:1/128"},
        {6, "2001:0:0:1:0:0:0:1/128", "2001:0:0:1::1/128"},
        {6, "2001:db8:0:0:1:0:0:1/128", "2001:db8::1:0:0:1/128"},
        {6, "1:2:3:4:5:6:7::/112", "1:2:3:4:5:6:7:0/112"},
        {6, "::2:3:4:5:6:7:8/128", "0:2:3:4:5:6:7:8/128"},
        {6, "1:2:3:4:5:6:192.0.2.1/128", "1:2:3:4:5:6:c000:201/128"},
        {6, "::ffff:192.0.2.129/128", "::ffff:192.0.2.129/128"},
        {6, "::FFFF:C000:281/121", "::ffff:192.0.2.128/121"},
        {6, "::ffff:0:0/96", "::ffff:0:0/96"},
        {6, "::192.0.2.1/128", "::c000:201/128"},
        {6, "2001:db8:ffff:ffff::/33", "2001:db8:8000::/33"},
        {6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_prefix_key key, again;
        char text[ALTO_PREFIX_TEXT];
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(alto_prefix_parse(cases[i].family, alto_slice_text(cases[i].text), &key), ALTO_OK);
        assert_int_equal(key.size, cases[i].family == 4 ? 6 : 18);
        assert_int_equal(key.bytes[0], cases[i].family);
        size_t size = alto_prefix_format(key_slice(&key), text);
        assert_string_equal(text, cases[i].written);
        assert_int_equal(size, strlen(text));
        assert_int_equal(alto_prefix_parse(cases[i].family, alto_slice_text(text), &again), ALTO_OK);
        assert_true(alto_slice_equal(key_slice(&key), key_slice(&again)));
    }
}

static void what_is_no_prefix_is_refused(void **state)
{
    (void)state;
    static const struct {
        int family;
        const char *text;
    } cases[] = {
        {4, ""},
        {4, "192.0.2.0"},
        {4, "192.0.2.0/"},
        {4, "192.0.2.0/33"},
        {4, "192.0.2.0/024"},
        {4, "192.0.2.0/+4"},
        {4, "192.0.2.0/24 "},
        {4, " 192.0.2.0/24"},
        {4, "192.0.2/24"},
        {4, "192.0.2.0.0/24"},
        {4, "010.0.0.0/8"},
        {4, "00.0.0.0/8"},
        {4, "256.0.0.0/8"},
        {4, "1000.0.0.0/8"},
        {4, "1.2.3.a/8"},
        {4, "::/0"},
        {4, "192.0.2.0/9999999999"},
        {6, ""},
        {6, "/0"},
        {6, ":/0"},
        {6, ":::/0"},
        {6, "::"},
        {6, "::/129"},
        {6, "::/00"},
        {6, "1:2:3:4:5:6:7/128"},
        {6, "1:2:3:4:5:6:7:8:9/128"},
        {6, "1:2:3:4:5:6:7:8::/128"},
        {6, "::1:2:3:4:5:6:7:8/128"},
        {6, "1::2::3/128"},
        {6, "1:2:3:4:5:6:7:/128"},
        {6, ":1:2:3:4:5:6:7:8/128"},
        {6, "12345::/16"},
        {6, "g::/16"},
        {6, "fe80::%eth0/64"},
        {6, "[::]/0"},
        {6, "1:2:3:4:5:6:7:192.0.2.1/128"},
        {6, "::192.0.2/128"},
        {6, "::192.0.2.1:0/128"},
        {6, "::192.0.02.1/128"},
        {6, "192.0.2.0/24"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_prefix_key key = {.size = 99};
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(alto_prefix_parse(cases[i].family, alto_slice_text(cases[i].text), &key), ALTO_INVALID);
        assert_int_equal(key.size, 99);
    }
    alto_prefix_key key;
    assert_int_equal(alto_prefix_parse(4, alto_slice_of(NULL, 0), &key), ALTO_INVALID);
    assert_int_equal(alto_prefix_parse(4, alto_slice_of("1.2.3.4/8\0", 10), &key), ALTO_INVALID);
}

static void text_cut_anywhere_is_never_a_longer_prefix(void **state)
{
    (void)state;
    const char *texts[] = {"192.0.2.0/24", "2001:db8::192.0.2.1/128"};
    for (size_t t = 0; t < countof(texts); t++)
        for (size_t size = 0; size < strlen(texts[t]); size++) {
            alto_prefix_key key;
            bool length_began = strchr(texts[t], '/') < texts[t] + size - 1 && size > 0;
            alto_status status = alto_prefix_parse(t ? 6 : 4, alto_slice_of(texts[t], size), &key);
            assert_int_equal(status == ALTO_OK, length_began);
        }
}

static void random_ipv6_prefixes_agree_with_the_c_library(void **state)
{
    (void)state;
    test_random random = test_random_make(3);
    for (int i = 0; i < 20000; i++) {
        uint8_t address[16], back[16];
        for (int j = 0; j < 16; j += 2) {
            bool zero = test_random_below(&random, 2) == 0;
            unsigned group =
                zero ? 0 : (unsigned)(test_random_next(&random) & 0xffff) >> test_random_below(&random, 16);
            address[j] = (uint8_t)(group >> 8);
            address[j + 1] = (uint8_t)group;
        }
        char library[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];
        inet_ntop(AF_INET6, address, library, sizeof library);
        snprintf(text, sizeof text, "%s/128", library);
        alto_prefix_key key;
        assert_int_equal(alto_prefix_parse(6, alto_slice_text(text), &key), ALTO_OK);
        assert_memory_equal(key.bytes + 1, address, 16);
        char written[ALTO_PREFIX_TEXT];
        alto_prefix_format(key_slice(&key), written);
        *strchr(written, '/') = 0;
        assert_int_equal(inet_pton(AF_INET6, written, back), 1);
        assert_memory_equal(back, address, 16);
        if (!strchr(library, '.')) /* the C library writes more kinds of embedded IPv4 */
            assert_string_equal(written, library);
    }
}

static void keys_sort_by_address_and_then_by_length(void **state)
{
    (void)state;
    static const char *const sorted[] = {"0.0.0.0/0",  "0.0.0.0/8",    "10.0.0.0/8",
                                         "10.0.0.0/9", "10.128.0.0/9", "192.0.2.0/24"};
    for (size_t i = 1; i < countof(sorted); i++) {
        alto_prefix_key a, b;
        assert_int_equal(alto_prefix_parse(4, alto_slice_text(sorted[i - 1]), &a), ALTO_OK);
        assert_int_equal(alto_prefix_parse(4, alto_slice_text(sorted[i]), &b), ALTO_OK);
        assert_true(alto_slice_compare(key_slice(&a), key_slice(&b)) < 0);
    }
}

static void addresses_are_read_with_their_type(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *as_prefix; /* NULL: no address */
    } cases[] = {
        {"ipv4:192.0.2.1", "192.0.2.1/32"},
        {"ipv4:0.0.0.0", "0.0.0.0/32"},
        {"ipv6:::", "::/128"},
        {"ipv6:2001:DB8::1", "2001:db8::1/128"},
        {"ipv6:1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/128"},
        {"ipv6:0:0:0:0:0:FFFF:192.0.2.1", "::ffff:192.0.2.1/128"},
        {"ipv4:1.2.3.256", NULL},
        {"ipv6:2001:db800::", NULL},
        {"ipv4:2001:db8::", NULL},
        {"ipv6:1.2.3.4", NULL},
        {"ipv4:01.2.3.4", NULL},
        {"ipv4:1.2.3", NULL},
        {"ipv4:1.2.3.4/32", NULL},
        {"ipv6:::1/128", NULL},
        {"ipv6:::/", NULL},
        {"ipv6:[::1]", NULL},
        {"ipv6:fe80::1%eth0", NULL},
        {"ipv6:1:2:3:4:5:6:7:8::", NULL},
        {"ipv4: 1.2.3.4", NULL},
        {"ipv4:1.2.3.4 ", NULL},
        {"IPv4:1.2.3.4", NULL},
        {"ipv5:1.2.3.4", NULL},
        {"ipv4:", NULL},
        {"ipv4", NULL},
        {"1.2.3.4", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_endpoint address = {.family = 99};
        print_message("  case: %s\n", cases[i].typed);
        alto_status status = alto_endpoint_parse_typed(alto_slice_text(cases[i].typed), &address);
        assert_int_equal(status, cases[i].as_prefix ? ALTO_OK : ALTO_INVALID);
        if (!cases[i].as_prefix) {
            assert_int_equal(address.family, 99);
            continue;
        }
        alto_prefix_key key;
        assert_int_equal(alto_prefix_parse(address.family, alto_slice_text(cases[i].as_prefix), &key), ALTO_OK);
        assert_memory_equal(address.bytes, key.bytes + 1, key.size - 2);
        char written[ALTO_ENDPOINT_TEXT], expected[ALTO_PREFIX_TEXT + 8];
        snprintf(expected, sizeof expected, "ipv%d:%.*s", address.family, (int)strcspn(cases[i].as_prefix, "/"),
                 cases[i].as_prefix);
        assert_int_equal(alto_endpoint_format(&address, written), strlen(expected));
        assert_string_equal(written, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_of_any_legal_form_are_read_and_written_in_one),
        cmocka_unit_test(what_is_no_prefix_is_refused),
        cmocka_unit_test(text_cut_anywhere_is_never_a_longer_prefix),
        cmocka_unit_test(random_ipv6_prefixes_agree_with_the_c_library),
        cmocka_unit_test(addresses_are_read_with_their_type),
        cmocka_unit_test(keys_sort_by_address_and_then_by_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
