/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_cache.h"

#include "cmocka_all.h"

static void cache_control_is_read_as_rfc_9111_says(void **state)
{
    static const struct {
        const char *value;
        alto_cache_control wanted;
    } cases[] = {
        {NULL, {.no_store = false}},
        {"", {.no_store = false}},
        {"max-age=60", {.has_max_age = true, .max_age_s = 60}},
        {"Max-Age = 60", {.has_max_age = true, .max_age_s = 60}},
        {"max-age=\"60\"", {.has_max_age = true, .max_age_s = 60}},
        {"public, max-age=60", {.has_max_age = true, .max_age_s = 60}},
        {"max-age=60, s-maxage=5", {.has_max_age = true, .max_age_s = 5}},
        {"s-maxage=5,max-age=60", {.has_max_age = true, .max_age_s = 5}},
        {"max-age=99999999999999999999999", {.has_max_age = true, .max_age_s = ALTO_CACHE_MAX_S}},
        {"max-age=-1", {.has_max_age = true}},
        {"max-age=soon", {.has_max_age = true}},
        {"max-age", {.has_max_age = true}},
        {"max-age=", {.has_max_age = true}},
        {"no-store", {.no_store = true}},
        {"NO-STORE , PRIVATE", {.no_store = true, .is_private = true}},
        {"private=\"set-cookie, x\", no-cache", {.is_private = true, .no_cache = true}},
        {"ext=\"no-store, max-age=3\"", {.no_store = false}},
        {"no-stores, x-private, max-ages=3", {.no_store = false}},
        {",, ,max-age=7,", {.has_max_age = true, .max_age_s = 7}},
        {"max-age=1 nonsense, no-cache", {.has_max_age = true, .max_age_s = 1, .no_cache = true}},
        {"=3, \"no-store", {.no_store = false}},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].value ? cases[i].value : "absent");
        alto_cache_control got = alto_cache_control_parse(cases[i].value);
        assert_int_equal(got.no_store, cases[i].wanted.no_store);
        assert_int_equal(got.no_cache, cases[i].wanted.no_cache);
        assert_int_equal(got.is_private, cases[i].wanted.is_private);
        assert_int_equal(got.has_max_age, cases[i].wanted.has_max_age);
        assert_int_equal(got.max_age_s, cases[i].wanted.max_age_s);
    }
}

static void an_answer_is_used_for_whom_it_may(void **state)
{
    static const struct {
        alto_cache_headers headers;
        bool keepable;
        alto_cache_use use;
        uint64_t lifetime_s;
    } cases[] = {
        {{.cache_control = "max-age=60"}, true, ALTO_CACHE_KEPT, 60},
        {{.cache_control = "max-age=60"}, false, ALTO_CACHE_SHARED, 60},
        {{.cache_control = "max-age=60, no-store"}, true, ALTO_CACHE_PRIVATE, 0},
        {{.cache_control = "max-age=60, private", .etag = "\"1\""}, true, ALTO_CACHE_PRIVATE, 0},
        {{.cache_control = "no-cache, max-age=60", .etag = "\"1\""}, true, ALTO_CACHE_KEPT, 0},
        {{.cache_control = "no-cache"}, true, ALTO_CACHE_SHARED, 0},
        {{.cache_control = NULL}, true, ALTO_CACHE_SHARED, 0},
        {{.etag = "W/\"1\""}, true, ALTO_CACHE_KEPT, 0},
        {{.cache_control = "max-age=60", .age = "59"}, true, ALTO_CACHE_KEPT, 60},
        {{.cache_control = "max-age=60", .age = "60"}, true, ALTO_CACHE_SHARED, 60},
        {{.cache_control = "max-age=60", .vary = "accept, Accept-Encoding,content-type"}, true, ALTO_CACHE_KEPT, 60},
        {{.cache_control = "max-age=60", .vary = "*"}, true, ALTO_CACHE_PRIVATE, 0},
        {{.cache_control = "max-age=60", .vary = "Accept, Cookie"}, true, ALTO_CACHE_PRIVATE, 0},
        {{.cache_control = "max-age=60", .vary = ""}, true, ALTO_CACHE_KEPT, 60},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %zu\n", i);
        alto_cache_rule rule = alto_cache_judge(&cases[i].headers, cases[i].keepable);
        assert_int_equal(rule.use, cases[i].use);
        assert_int_equal(rule.lifetime_s, cases[i].lifetime_s);
    }
}

static void an_answer_is_fresh_until_its_lifetime_is_over(void **state)
{
    (void)state;
    alto_cache_rule rule = alto_cache_judge(&(alto_cache_headers){.cache_control = "max-age=60", .age = "10"}, true);
    assert_int_equal(alto_cache_age_s(&rule, 5000, 4000), 10); /* a clock that went back */
    assert_int_equal(alto_cache_age_s(&rule, 5000, 6999), 11);
    assert_true(alto_cache_is_fresh(&rule, 5000, 54999));
    assert_false(alto_cache_is_fresh(&rule, 5000, 55000));
    rule = alto_cache_judge(&(alto_cache_headers){.etag = "\"1\""}, true);
    assert_false(alto_cache_is_fresh(&rule, 5000, 5000));
    rule = alto_cache_judge(&(alto_cache_headers){.cache_control = "max-age=60"}, false);
    assert_false(alto_cache_is_fresh(&rule, 5000, 5000));
    rule = alto_cache_judge(&(alto_cache_headers){.cache_control = "max-age=60", .age = "99999999999999"}, true);
    assert_int_equal(alto_cache_age_s(&rule, 0, 0), ALTO_CACHE_MAX_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_control_is_read_as_rfc_9111_says),
        cmocka_unit_test(an_answer_is_used_for_whom_it_may),
        cmocka_unit_test(an_answer_is_fresh_until_its_lifetime_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
