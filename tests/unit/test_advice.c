/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "core/advice.h"

#include <stdlib.h>

#define ROOT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static alto_status advice_of(const char *text, alto_advice *out)
{
    return alto_advice_read(alto_slice_text(text), out);
}

static void an_answer_is_read(void **state)
{
    (void)state;
    alto_advice advice;
    assert_int_equal(advice_of("{ \"head\": \"1.1760000000000.57\", \"commits\": {\"count\":3, \"bytes\":2190},\n"
                               " \"catalog-bytes\": 412, \"later\": [{}], \"resources\": ["
                               "{\"id\":\"my-map\",\"from\":null,\"to\":\"" ROOT "\",\"delta-bytes\":1234,"
                               "\"snapshot-bytes\":56789},"
                               "{\"id\":\".x\",\"from\":\"" ROOT "\",\"to\":\"" ROOT "\",\"delta-bytes\":null,"
                               "\"snapshot-bytes\":1}]}",
                               &advice),
                     ALTO_OK);
    const alto_position head = {1, UINT64_C(1760000000000), 57};
    assert_int_equal(alto_position_compare(&advice.head, &head), 0);
    assert_true(advice.has_commits);
    assert_int_equal(advice.commits_bytes, 2190);
    assert_int_equal(advice.catalog_bytes, 412);
    assert_int_equal(advice.resource_count, 2);
    const alto_advice_resource *first = &advice.resources[0], *second = &advice.resources[1];
    assert_string_equal(first->id, "my-map");
    assert_int_equal(first->to.bytes[1], 0x11);
    assert_true(first->has_delta);
    assert_int_equal(first->delta_bytes, 1234);
    assert_int_equal(first->snapshot_bytes, 56789);
    assert_string_equal(second->id, ".x");
    assert_false(second->has_delta);
    alto_advice_fini(&advice);
}

static void what_cannot_be_had_may_be_null_or_missing(void **state)
{
    (void)state;
    alto_advice advice;
    assert_int_equal(advice_of("{\"head\":\"1.2.3\",\"commits\":null,\"catalog-bytes\":0}", &advice), ALTO_OK);
    assert_false(advice.has_commits);
    assert_int_equal(advice.resource_count, 0);
    alto_advice_fini(&advice);
}

static void names_and_sizes_beyond_their_limits_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"head\":\"1.2.3\",\"catalog-bytes\":1125899906842625}",
                                      "{\"head\":\"1.2.9007199254740992\",\"catalog-bytes\":1}",
                                      "{\"head\":\"1.2.3\",\"catalog-bytes\":1.5}",
                                      ("{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"resources\":[{\"id\":"
                                       "\"0123456789012345678901234567890123456789012345678901234567890123456\"}]}"),
                                      "{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"resources\":[{\"id\":\"a\\u0041\"}]}",
                                      "{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"resources\":[{\"id\":7}]}"};
    for (size_t i = 0; i < countof(bad); i++) {
        alto_advice advice;
        assert_int_equal(advice_of(bad[i], &advice), ALTO_MALFORMED);
        alto_advice_fini(&advice);
    }
}

static void more_resources_than_an_origin_can_have_are_refused(void **state)
{
    (void)state;
    alto_advice advice;
    alto_buffer text = alto_buffer_make(1 << 20);
    alto_buffer_add_text(&text, "{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"resources\":[{}");
    for (size_t i = 1; i < ALTO_MAX_RESOURCES; i++)
        alto_buffer_add_text(&text, ",{}");
    size_t size = text.size;
    alto_buffer_add_text(&text, "]}");
    assert_int_equal(alto_advice_read(alto_buffer_slice(&text), &advice), ALTO_OK);
    assert_int_equal(advice.resource_count, ALTO_MAX_RESOURCES);
    alto_advice_fini(&advice);
    text.size = size;
    alto_buffer_add_text(&text, ",{}]}");
    assert_int_equal(alto_advice_read(alto_buffer_slice(&text), &advice), ALTO_TOO_LARGE);
    alto_advice_fini(&advice);
    alto_buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_answer_is_read),
                                       cmocka_unit_test(what_cannot_be_had_may_be_null_or_missing),
                                       cmocka_unit_test(names_and_sizes_beyond_their_limits_are_refused),
                                       cmocka_unit_test(more_resources_than_an_origin_can_have_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
