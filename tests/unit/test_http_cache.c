/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_cache.h"

#include "cmocka_all.h"

static void headers_are_read_as_rfc_9111_says(void **state)
{
    static const struct {
        const char *value;
        alto_cache_told wanted;
    } cases[] = {
        {"", {.no_store = false}},
        {"max-age=60", {.has_max_age = true, .max_age_s = 60}},
        {"Max-Age = 60", {.has_max_age = true, .max_age_s = 60}},
        {"max-age=\"60\"", {.has_max_age = true, .max_age_s = 60}},
        {"public, max-age=60", {.has_max_age = true, .max_age_s = 60}},
        {"max-age=60, s-maxage=5", {.has_max_age = true, .max_age_s = 5}},
        {"s-maxage=5,max-age=60", {.has_max_age = true, .max_age_s = 5}},
        {"max-age=99999999999999999999999", {.has_max_age = true, .max_age_s = ALTO_CACHE_MAX_S}},
        {"max-age=-1", {.no_store = false}},
        {"max-age=soon", {.no_store = false}},
        {"max-age", {.no_store = false}},
        {"max-age=", {.no_store = false}},
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
        print_message("  case: %s\n", cases[i].value);
        alto_cache_told got = {0};
        alto_cache_told_add(&got, "cache-control", cases[i].value);
        assert_int_equal(got.no_store, cases[i].wanted.no_store);
        assert_int_equal(got.no_cache, cases[i].wanted.no_cache);
        assert_int_equal(got.is_private, cases[i].wanted.is_private);
        assert_int_equal(got.has_max_age, cases[i].wanted.has_max_age);
        assert_int_equal(got.max_age_s, cases[i].wanted.max_age_s);
        assert_false(got.varies);
    }
}

/* Two lines at most. */
static alto_cache_rule judge(const char *control, const char *name, const char *value, bool keepable, bool has_tag)
{
    alto_cache_told told = {0};
    alto_cache_told_add(&told, "Cache-Control", control);
    alto_cache_told_add(&told, name, value);
    return alto_cache_judge(&told, keepable, has_tag);
}

static void an_answer_is_used_for_whom_it_may(void **state)
{
    static const struct {
        const char *control, *name, *value;
        bool keepable, has_tag;
        alto_cache_use use;
        uint64_t lifetime_s;
    } cases[] = {
        {"max-age=60", "X", "no-store", true, false, ALTO_CACHE_KEPT, 60},
        {"max-age=60", "X", "", false, false, ALTO_CACHE_SHARED, 60},
        {"max-age=60", "Cache-Control", "no-store", true, false, ALTO_CACHE_PRIVATE, 0},
        {"max-age=60", "CACHE-CONTROL", "private", true, true, ALTO_CACHE_PRIVATE, 0},
        {"max-age=60", "Cache-Control", "s-maxage=3", true, true, ALTO_CACHE_KEPT, 3},
        {"no-cache, max-age=60", "X", "", true, true, ALTO_CACHE_KEPT, 0},
        {"no-cache", "X", "", true, false, ALTO_CACHE_SHARED, 0},
        {"", "X", "", true, false, ALTO_CACHE_SHARED, 0},
        {"", "X", "", true, true, ALTO_CACHE_KEPT, 0},
        {"", "X", "", false, true, ALTO_CACHE_SHARED, 0},
        {"max-age=60", "Age", "59", true, false, ALTO_CACHE_KEPT, 60},
        {"max-age=60", "Age", "60", true, false, ALTO_CACHE_SHARED, 60},
        {"max-age=60", "Vary", "accept, Accept-Encoding,content-type", true, false, ALTO_CACHE_KEPT, 60},
        {"max-age=60", "Vary", "*", true, false, ALTO_CACHE_PRIVATE, 0},
        {"max-age=60", "Vary", "Accept, Cookie", true, true, ALTO_CACHE_KEPT, 60},
        {"max-age=60", "Vary", "Accept, *", true, true, ALTO_CACHE_PRIVATE, 0},
        {"max-age=60", "Vary", "", true, false, ALTO_CACHE_KEPT, 60},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s, %s: %s\n", cases[i].control, cases[i].name, cases[i].value);
        alto_cache_rule rule =
            judge(cases[i].control, cases[i].name, cases[i].value, cases[i].keepable, cases[i].has_tag);
        assert_int_equal(rule.use, cases[i].use);
        assert_int_equal(rule.lifetime_s, cases[i].lifetime_s);
    }
}

static void what_credentials_got_is_shared_when_it_says_so(void **state)
{
    static const struct {
        const char *control;
        alto_cache_use use;
    } cases[] = {
        {"max-age=60", ALTO_CACHE_PRIVATE},
        {"", ALTO_CACHE_PRIVATE},
        {"public, max-age=60", ALTO_CACHE_KEPT},
        {"public", ALTO_CACHE_KEPT},
        {"s-maxage=60", ALTO_CACHE_KEPT},
        {"s-maxage=soon", ALTO_CACHE_PRIVATE},
        {"max-age=60, must-revalidate", ALTO_CACHE_KEPT},
        {"public, private", ALTO_CACHE_PRIVATE},
        {"no-store, public", ALTO_CACHE_PRIVATE},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].control);
        alto_cache_told told = {.authorized = true};
        alto_cache_told_add(&told, "Cache-Control", cases[i].control);
        assert_int_equal(alto_cache_judge(&told, true, true).use, cases[i].use);
    }
}

static void without_max_age_expires_says_how_long(void **state)
{
    static const char now[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    static const struct {
        const char *control, *date, *expires;
        bool said;
        uint64_t lifetime_s;
    } cases[] = {
        {"", now, "Sun, 06 Nov 1994 08:50:37 GMT", true, 60},
        {"", now, "Mon, 07 Nov 1994 08:49:37 GMT", true, 86400},
        {"", "Mon, 28 Feb 2000 00:00:00 GMT", "Wed, 01 Mar 2000 00:00:00 GMT", true, 2 * 86400},
        {"", "Sun, 28 Feb 2100 00:00:00 GMT", "Mon, 01 Mar 2100 00:00:00 GMT", true, 86400},
        {"", "Thu, 31 Dec 2026 23:59:59 GMT", "Fri, 01 Jan 2027 00:00:00 GMT", true, 1},
        {"", "Thu, 01 Jan 1970 00:00:01 GMT", "Thu, 01 Jan 2026 00:00:01 GMT", true, 1767225600},
        {"max-age=5", now, "Sun, 06 Nov 1994 08:50:37 GMT", true, 5},
        {"no-cache", now, "Sun, 06 Nov 1994 08:50:37 GMT", false, 0},
        {"", now, now, true, 0},
        {"", now, "Sun, 06 Nov 1994 08:48:37 GMT", true, 0},
        {"", now, "0", true, 0},
        {"", now, "Sun, 06 Nov 1994 08:50:3x GMT", true, 0},
        {"", now, "Sun, 06 Nov 1994 24:50:37 GMT", true, 0},
        {"", now, "Sun, 06 Nox 1994 08:50:37 GMT", true, 0},
        {"", now, "Sun, 06 Nov 1994 08:50:37 CET", true, 0},
        {"", now, "Sunday, 06-Nov-94 08:50:37 GMT", true, 0},
        {"", "today", "Sun, 06 Nov 1994 08:50:37 GMT", true, 0},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s, %s to %s\n", cases[i].control, cases[i].date, cases[i].expires);
        alto_cache_told told = {0};
        uint64_t lifetime_s = 0;
        alto_cache_told_add(&told, "Cache-Control", cases[i].control);
        alto_cache_told_add(&told, "Date", cases[i].date);
        alto_cache_told_add(&told, "expires", cases[i].expires);
        assert_int_equal(alto_cache_lifetime(&told, &lifetime_s), cases[i].said);
        assert_int_equal(lifetime_s, cases[i].lifetime_s);
    }
    alto_cache_told told = {.has_date = true, .date_s = 784111777}; /* of several the first to come */
    uint64_t lifetime_s;
    alto_cache_told_add(&told, "Expires", "Sun, 06 Nov 1994 08:50:37 GMT");
    alto_cache_told_add(&told, "Expires", "Sun, 06 Nov 1994 08:49:47 GMT");
    assert_true(alto_cache_lifetime(&told, &lifetime_s));
    assert_int_equal(lifetime_s, 10);
}

static void an_answer_is_fresh_until_its_lifetime_is_over(void **state)
{
    (void)state;
    alto_cache_rule rule = judge("max-age=60", "Age", "10", true, false);
    assert_int_equal(alto_cache_age_s(&rule, 5000, 4000), 10); /* a clock that went back */
    assert_int_equal(alto_cache_age_s(&rule, 5000, 6999), 11);
    assert_true(alto_cache_is_fresh(&rule, 5000, 54999));
    assert_false(alto_cache_is_fresh(&rule, 5000, 55000));
    rule = judge("", "X", "", true, true);
    assert_false(alto_cache_is_fresh(&rule, 5000, 5000));
    rule = judge("max-age=60", "X", "", false, true);
    assert_false(alto_cache_is_fresh(&rule, 5000, 5000));
    rule = judge("max-age=60", "Age", "99999999999999", true, true);
    assert_int_equal(alto_cache_age_s(&rule, 0, 0), ALTO_CACHE_MAX_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_as_rfc_9111_says),
        cmocka_unit_test(an_answer_is_used_for_whom_it_may),
        cmocka_unit_test(what_credentials_got_is_shared_when_it_says_so),
        cmocka_unit_test(without_max_age_expires_says_how_long),
        cmocka_unit_test(an_answer_is_fresh_until_its_lifetime_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
