/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_upload.h"

#include "cmocka_all.h"

#include <stdio.h>

enum { DISCARDED = 65536, HELD = 67108864 };

static unsigned begin(alto_http_upload *upload, size_t length, bool expects)
{
    char text[32];
    alto_http_fields found = {.content_length = text, .expects = expects};
    snprintf(text, sizeof text, "%zu", length);
    return alto_http_upload_begin(upload, &found);
}

static void a_body_is_kept_in_parts(void **state)
{
    (void)state;
    alto_http_upload upload = alto_http_upload_make();
    size_t held = 100;
    upload.posts = true;
    assert_int_equal(begin(&upload, 5, false), 0);
    assert_true(alto_http_upload_take(&upload, "ab", 2, &held));
    assert_true(alto_http_upload_take(&upload, "cde", 3, &held));
    assert_int_equal(upload.refused, 0);
    assert_int_equal(held, 105);
    assert_true(alto_slice_equal(alto_buffer_slice(&upload.body), alto_slice_text("abcde")));
    alto_http_upload_fini(&upload, &held);
    assert_int_equal(held, 100);
}

static void where_no_method_takes_one_it_is_thrown_away(void **state)
{
    (void)state;
    alto_http_upload upload = alto_http_upload_make();
    size_t held = 0;
    assert_int_equal(begin(&upload, DISCARDED, false), 0);
    assert_true(alto_http_upload_take(&upload, "a", 1, &held));
    assert_int_equal(upload.body.size, 0);
    assert_int_equal(begin(&upload, DISCARDED + 1, false), 413);
    upload.received = DISCARDED;
    assert_false(alto_http_upload_take(&upload, "a", 1, &held));
    alto_http_upload_fini(&upload, &held);
    assert_int_equal(held, 0);
}

/* Up to twice what may be. */
static void one_that_is_a_little_too_long_is_read_before_it_is_refused(void **state)
{
    (void)state;
    alto_http_upload upload = alto_http_upload_make();
    size_t held = 0;
    upload.posts = true;
    assert_int_equal(begin(&upload, ALTO_HTTP_BODY, false), 0);
    assert_int_equal(upload.refused, 0);
    assert_int_equal(begin(&upload, 2 * ALTO_HTTP_BODY + 1, false), 413);
    assert_int_equal(begin(&upload, 2 * ALTO_HTTP_BODY, true), 413); /* it waits to be told */
    assert_int_equal(upload.refused, 0);
    assert_int_equal(begin(&upload, 2 * ALTO_HTTP_BODY, false), 0);
    assert_int_equal(upload.refused, 413);
    assert_true(alto_http_upload_take(&upload, "a", 1, &held));
    assert_int_equal(upload.body.size, 0);
    upload.received = 2 * ALTO_HTTP_BODY;
    assert_false(alto_http_upload_take(&upload, "a", 1, &held));
    alto_http_upload_fini(&upload, &held);
}

/* Chunks have no length before. */
static void one_that_grows_too_long_is_refused(void **state)
{
    (void)state;
    alto_http_upload upload = alto_http_upload_make();
    size_t held = 0;
    upload.posts = true;
    upload.received = ALTO_HTTP_BODY;
    assert_true(alto_http_upload_take(&upload, "a", 1, &held));
    assert_int_equal(upload.refused, 413);
    alto_http_upload_fini(&upload, &held);
}

static void all_together_have_a_bound(void **state)
{
    (void)state;
    alto_http_upload upload = alto_http_upload_make();
    size_t held = HELD - 1;
    upload.posts = true;
    assert_true(alto_http_upload_take(&upload, "a", 1, &held));
    assert_int_equal(upload.refused, 0);
    assert_true(alto_http_upload_take(&upload, "b", 1, &held));
    assert_int_equal(upload.refused, 503);
    alto_http_upload_fini(&upload, &held);
    assert_int_equal(held, HELD - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_kept_in_parts),
        cmocka_unit_test(where_no_method_takes_one_it_is_thrown_away),
        cmocka_unit_test(one_that_is_a_little_too_long_is_read_before_it_is_refused),
        cmocka_unit_test(one_that_grows_too_long_is_refused),
        cmocka_unit_test(all_together_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
