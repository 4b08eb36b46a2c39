/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_fields.h"

#include "cmocka_all.h"

enum { MOST = 100 };

static void a_field_that_stands_twice_is_joined(void **state)
{
    alto_http_fields found = {.count = 0};
    (void)state;
    alto_http_fields_add(&found, "Accept", "a/b");
    assert_string_equal(found.accept.text, "a/b");
    alto_http_fields_add(&found, "ACCEPT", NULL);
    alto_http_fields_add(&found, "X-Accept", "e/f");
    alto_http_fields_add(&found, "accept", "c/d");
    assert_string_equal(found.accept.text, "a/b, , c/d");
    assert_int_equal(found.count, 4);
    alto_http_fields_fini(&found);
}

static void each_is_told_by_its_name(void **state)
{
    alto_http_fields found = {.count = 0};
    (void)state;
    assert_null(found.authorization.text);
    alto_http_fields_add(&found, "Accept-Encoding", "1");
    alto_http_fields_add(&found, "If-None-Match", "2");
    alto_http_fields_add(&found, "Content-Type", "3");
    alto_http_fields_add(&found, "Authorization", "4");
    alto_http_fields_add(&found, "Expect", "100-continue");
    assert_string_equal(found.accept_encoding.text, "1");
    assert_string_equal(found.if_none_match.text, "2");
    assert_string_equal(found.content_type.text, "3");
    assert_string_equal(found.authorization.text, "4");
    assert_null(found.accept.text);
    assert_true(found.expects);
    alto_http_fields_fini(&found);
}

static void lengths_are_judged(void **state)
{
    static const struct {
        const char *length, *again, *coding;
        unsigned status;
    } cases[] = {
        {NULL, NULL, NULL, 0},
        {"0", NULL, NULL, 0},
        {"100", NULL, NULL, 0},
        {"100", "100", NULL, 0},
        {NULL, NULL, "chunked", 0},
        {"101", NULL, NULL, 413},
        {"99999999999999999999999", NULL, NULL, 413},
        {"100", "1", NULL, 400},
        {"1", "01", NULL, 400},
        {"1", NULL, "chunked", 400},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_http_fields found = {.count = 0};
        if (cases[i].coding)
            alto_http_fields_add(&found, "transfer-encoding", cases[i].coding);
        if (cases[i].length)
            alto_http_fields_add(&found, "content-length", cases[i].length);
        if (cases[i].again)
            alto_http_fields_add(&found, "Content-Length", cases[i].again);
        assert_int_equal(alto_http_fields_judge(&found, MOST), cases[i].status);
        alto_http_fields_fini(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_that_stands_twice_is_joined),
        cmocka_unit_test(each_is_told_by_its_name),
        cmocka_unit_test(lengths_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
