/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses and errors, buffers that grow up to a bound, readers whose first error sticks. */
#include "cmocka_all.h"
#include "core/bytes.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- status ---- */

static void every_status_has_words_of_its_own(void **state)
{
    (void)state;
    for (alto_status a = ALTO_OK; a < ALTO_STATUS_COUNT; a++) {
        assert_true(strlen(alto_status_name(a)) > 0 && strlen(alto_status_text(a)) > 0);
        assert_null(strpbrk(alto_status_name(a), " =\"")); /* a field of a log line */
        for (alto_status b = ALTO_OK; b < a; b++)
            assert_string_not_equal(alto_status_name(a), alto_status_name(b));
    }
    assert_string_equal(alto_status_name(ALTO_BAD_SIGNATURE), "bad-signature");
    assert_non_null(alto_status_name(ALTO_STATUS_COUNT));
    assert_non_null(alto_status_text((alto_status)-1));
}

static void an_error_is_printable_and_ends_whatever_goes_in(void **state)
{
    (void)state;
    alto_error error;
    char longest[1000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(alto_fail(&error, ALTO_INVALID, "/a\n\x1b[31m\xff", "no number: %s", "\t7\x7f"), ALTO_INVALID);
    assert_int_equal(error.status, ALTO_INVALID);
    assert_string_equal(error.where, "/a??[31m?");
    assert_string_equal(error.why, "no number: ?7?");
    alto_fail(&error, ALTO_IO, longest, "%s", longest);
    assert_int_equal(strlen(error.where), sizeof error.where - 1);
    assert_int_equal(strlen(error.why), sizeof error.why - 1);
    alto_fail(&error, ALTO_IO, NULL, "%s", "");
    assert_string_equal(error.where, "");
    assert_int_equal(alto_fail(NULL, ALTO_BUSY, "x", "y"), ALTO_BUSY);
}

/* ---- slices ---- */

static void slices_are_ordered_by_bytes_and_then_by_length(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {{"", "", 0},     {"", "a", -1},   {"a", "a", 0},   {"a", "b", -1},
                 {"ab", "b", -1}, {"a", "ab", -1}, {"\x80", "a", 1}};
    for (size_t i = 0; i < countof(cases); i++) {
        alto_slice a = alto_slice_text(cases[i].a), b = alto_slice_text(cases[i].b);
        int there = alto_slice_compare(a, b), back = alto_slice_compare(b, a);
        assert_int_equal((there > 0) - (there < 0), cases[i].order);
        assert_int_equal((back > 0) - (back < 0), -cases[i].order);
        assert_int_equal(alto_slice_equal(a, b), cases[i].order == 0);
    }
    alto_slice nothing = alto_slice_of(NULL, 0);
    assert_true(alto_slice_equal(nothing, alto_slice_text("")));
    assert_int_equal(alto_slice_compare(nothing, nothing), 0);
}

/* ---- buffers ---- */

static void a_buffer_grows_up_to_its_maximum_and_no_further(void **state)
{
    (void)state;
    static const size_t maxima[] = {0, 1, 255, 256, 257, 1000, 5000};
    for (size_t i = 0; i < countof(maxima); i++) {
        alto_buffer buffer = alto_buffer_make(maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            alto_buffer_put(&buffer, (uint8_t)n);
        assert_int_equal(buffer.status, ALTO_OK);
        assert_int_equal(buffer.size, maxima[i]);
        alto_buffer_add_text(&buffer, ""); /* nothing more is no more */
        assert_int_equal(buffer.status, ALTO_OK);
        alto_buffer_put(&buffer, 1);
        assert_int_equal(buffer.status, ALTO_TOO_LARGE);
        assert_int_equal(buffer.size, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            assert_int_equal(buffer.data[n], (uint8_t)n);
        alto_buffer_fini(&buffer);
        assert_int_equal(buffer.size + buffer.capacity, 0);
        assert_int_equal(buffer.status, ALTO_OK);
        alto_buffer_fini(&buffer);
    }
}

static void what_a_buffer_expects_is_no_more_than_a_hint(void **state)
{
    (void)state;
    alto_buffer buffer = alto_buffer_make(1000);
    alto_buffer_add_text(&buffer, "abc");
    alto_buffer_expect(&buffer, 700);
    assert_int_equal(buffer.capacity, 700);
    alto_buffer_expect(&buffer, 500);  /* it has more */
    alto_buffer_expect(&buffer, 1001); /* it may not have so many */
    assert_int_equal(buffer.capacity, 700);
    const uint8_t *data = buffer.data;
    assert_non_null(alto_buffer_grow(&buffer, 697));
    assert_ptr_equal(buffer.data, data);
    assert_memory_equal(data, "abc", 3);
    assert_non_null(alto_buffer_grow(&buffer, 300));
    assert_null(alto_buffer_grow(&buffer, 1));
    alto_buffer_expect(&buffer, 1000);
    assert_int_equal(buffer.status, ALTO_TOO_LARGE);
    alto_buffer_fini(&buffer);
}

static void the_first_failure_sticks(void **state)
{
    (void)state;
    alto_buffer buffer = alto_buffer_make(4);
    alto_buffer_add_text(&buffer, "abc");
    assert_null(alto_buffer_grow(&buffer, SIZE_MAX));
    alto_buffer_add_text(&buffer, "d"); /* would fit */
    alto_buffer_put(&buffer, 'd');
    alto_buffer_print(&buffer, "%d", 1);
    assert_int_equal(buffer.status, ALTO_TOO_LARGE);
    assert_true(alto_slice_equal(alto_buffer_slice(&buffer), alto_slice_text("abc")));
    alto_buffer_empty(&buffer);
    alto_buffer_add_text(&buffer, "e");
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer.status, ALTO_TOO_LARGE);
    alto_buffer_clear(&buffer);
    assert_int_equal(buffer.status, ALTO_OK);
    alto_buffer_print(&buffer, "%s%c", "wxy", 'z');
    assert_true(alto_slice_equal(alto_buffer_slice(&buffer), alto_slice_text("wxyz")));
    alto_buffer_print(&buffer, "%s", "");
    assert_int_equal(buffer.status, ALTO_OK);
    alto_buffer_print(&buffer, "%d", 1);
    assert_int_equal(buffer.status, ALTO_TOO_LARGE);
    alto_buffer_fini(&buffer);
}

static void long_prints_are_whole(void **state)
{
    (void)state;
    char longest[3000];
    memset(longest, 'p', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    alto_buffer buffer = alto_buffer_make(1 << 20);
    for (int i = 0; i < 3; i++)
        alto_buffer_print(&buffer, "<%s>", longest);
    assert_int_equal(buffer.size, 3 * (sizeof longest + 1));
    assert_int_equal(buffer.data[buffer.size - 1], '>');
    assert_int_equal(buffer.data[sizeof longest + 1], '<');
    alto_buffer_fini(&buffer);
}

/* ---- numbers ---- */

static void integers_are_big_endian(void **state)
{
    (void)state;
    static const uint8_t wanted[] = {1, 2, 3, 4, 5, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11};
    alto_buffer buffer = alto_buffer_make(100);
    alto_buffer_add_u8(&buffer, 1);
    alto_buffer_add_u32(&buffer, 0x02030405);
    alto_buffer_add_u64(&buffer, UINT64_C(0x0a0b0c0d0e0f1011));
    assert_true(alto_slice_equal(alto_buffer_slice(&buffer), alto_slice_of(wanted, sizeof wanted)));
    alto_reader reader = alto_reader_make(alto_buffer_slice(&buffer));
    assert_int_equal(alto_reader_u8(&reader), 1);
    assert_int_equal(alto_reader_u32(&reader), 0x02030405);
    assert_int_equal(alto_reader_left(&reader), 8);
    assert_int_equal(alto_reader_u64(&reader), UINT64_C(0x0a0b0c0d0e0f1011));
    assert_int_equal(alto_reader_finish(&reader), ALTO_OK);
    alto_buffer_fini(&buffer);
}

static void varints_have_one_form(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t size;
        uint8_t bytes[10];
    } cases[] = {{0, 1, {0}},
                 {1, 1, {1}},
                 {127, 1, {0x7f}},
                 {128, 2, {0x80, 1}},
                 {300, 2, {0xac, 2}},
                 {UINT64_C(1) << 63, 10, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}},
                 {UINT64_MAX, 10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}}};
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer buffer = alto_buffer_make(100);
        alto_slice wanted = alto_slice_of(cases[i].bytes, cases[i].size);
        alto_buffer_add_varint(&buffer, cases[i].value);
        assert_true(alto_slice_equal(alto_buffer_slice(&buffer), wanted));
        alto_reader reader = alto_reader_make(wanted);
        assert_true(alto_reader_varint(&reader) == cases[i].value);
        assert_int_equal(alto_reader_finish(&reader), ALTO_OK);
        for (size_t cut = 0; cut < cases[i].size; cut++) {
            reader = alto_reader_make(alto_slice_of(cases[i].bytes, cut));
            assert_int_equal(alto_reader_varint(&reader), 0);
            assert_int_equal(alto_reader_finish(&reader), ALTO_MALFORMED);
        }
        alto_buffer_fini(&buffer);
    }
}

static void varints_in_other_forms_are_malformed(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint8_t bytes[11];
    } cases[] = {{2, {0x80, 0}},                                                         /* 0 in two */
                 {3, {0xff, 0x80, 0}},                                                   /* 127 in three */
                 {10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}},        /* 65 bits */
                 {11, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}}}; /* eleven bytes */
    for (size_t i = 0; i < countof(cases); i++) {
        alto_reader reader = alto_reader_make(alto_slice_of(cases[i].bytes, cases[i].size));
        assert_int_equal(alto_reader_varint(&reader), 0);
        assert_int_equal(reader.status, ALTO_MALFORMED);
    }
}

static void a_reader_gives_nothing_after_its_first_error(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {200, 1, 2, 3, 4, 5, 6, 7, 8};
    alto_reader reader = alto_reader_make(alto_slice_of(bytes, sizeof bytes));
    assert_int_equal(alto_reader_bounded(&reader, 100), 0);
    assert_int_equal(reader.status, ALTO_TOO_LARGE);
    assert_int_equal(alto_reader_u8(&reader) | alto_reader_u32(&reader), 0);
    assert_int_equal(alto_reader_slice(&reader, 1).size, 0);
    assert_int_equal(alto_reader_varint(&reader), 0);
    alto_reader_fail(&reader, ALTO_IO);
    assert_int_equal(alto_reader_finish(&reader), ALTO_TOO_LARGE);

    reader = alto_reader_make(alto_slice_of(bytes, sizeof bytes));
    assert_int_equal(alto_reader_bounded(&reader, 200), 200);
    assert_int_equal(alto_reader_slice(&reader, 7).size, 7);
    assert_int_equal(alto_reader_slice(&reader, 0).size, 0);
    assert_int_equal(alto_reader_finish(&reader), ALTO_OK);
    reader = alto_reader_make(alto_slice_of(bytes, sizeof bytes));
    assert_int_equal(alto_reader_slice(&reader, SIZE_MAX).size, 0);
    assert_int_equal(alto_reader_finish(&reader), ALTO_MALFORMED);
    reader = alto_reader_make(alto_slice_of(bytes, sizeof bytes));
    assert_int_equal(alto_reader_finish(&reader), ALTO_MALFORMED); /* a rest */
    reader = alto_reader_make(alto_slice_of(NULL, 0));
    assert_int_equal(alto_reader_finish(&reader), ALTO_OK);
    assert_int_equal(alto_reader_u64(&reader), 0);
    assert_int_equal(alto_reader_finish(&reader), ALTO_MALFORMED);
}

static void zigzag_keeps_small_numbers_small(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        uint64_t folded;
    } cases[] = {{0, 0}, {-1, 1}, {1, 2}, {-2, 3}, {INT64_MAX, UINT64_MAX - 1}, {INT64_MIN, UINT64_MAX}};
    for (size_t i = 0; i < countof(cases); i++) {
        assert_true(alto_zigzag(cases[i].value) == cases[i].folded);
        assert_true(alto_unzigzag(cases[i].folded) == cases[i].value);
    }
}

static void hexadecimal_goes_there_and_back(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 0x0f, 0xa5, 0xff};
    uint8_t back[4];
    char text[9];
    alto_hex(text, bytes, sizeof bytes);
    assert_string_equal(text, "000fa5ff");
    assert_true(alto_unhex(back, sizeof back, alto_slice_text("000Fa5fF")));
    assert_memory_equal(back, bytes, sizeof bytes);
    static const char *const wrong[] = {"", "000fa5f", "000fa5ff0", "000fa5fg", "000fa5f ", "0x0fa5ff", "000fa5f\xff"};
    for (size_t i = 0; i < countof(wrong); i++)
        assert_false(alto_unhex(back, sizeof back, alto_slice_text(wrong[i])));
    assert_true(alto_unhex(back, 0, alto_slice_text("")));
}

/* What was written in any order of calls is read back; cut anywhere, the reader says so and reads nothing beyond. */
static void whatever_is_written_is_read_back(void **state)
{
    (void)state;
    test_random random = test_random_make(11);
    for (int round = 0; round < 200; round++) {
        uint64_t values[50];
        size_t count = test_random_below(&random, countof(values)), at = 0;
        alto_buffer buffer = alto_buffer_make(1000);
        for (size_t i = 0; i < count; i++) {
            values[i] = test_random_next(&random) >> test_random_below(&random, 64);
            alto_buffer_add_varint(&buffer, values[i]);
        }
        alto_reader reader = alto_reader_make(alto_buffer_slice(&buffer));
        for (; at < count; at++)
            assert_true(alto_reader_varint(&reader) == values[at]);
        assert_int_equal(alto_reader_finish(&reader), ALTO_OK);
        size_t cut = test_random_below(&random, buffer.size + 1);
        uint8_t *exact = malloc(cut + 1); /* so that a read beyond is noticed */
        memcpy(exact, buffer.data ? buffer.data : exact, cut);
        exact = realloc(exact, cut ? cut : 1);
        reader = alto_reader_make(alto_slice_of(exact, cut));
        for (at = 0; at < count; at++)
            alto_reader_varint(&reader);
        assert_int_equal(alto_reader_finish(&reader) == ALTO_OK, cut == buffer.size);
        free(exact);
        alto_buffer_fini(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_words_of_its_own),
        cmocka_unit_test(an_error_is_printable_and_ends_whatever_goes_in),
        cmocka_unit_test(slices_are_ordered_by_bytes_and_then_by_length),
        cmocka_unit_test(a_buffer_grows_up_to_its_maximum_and_no_further),
        cmocka_unit_test(what_a_buffer_expects_is_no_more_than_a_hint),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(long_prints_are_whole),
        cmocka_unit_test(integers_are_big_endian),
        cmocka_unit_test(varints_have_one_form),
        cmocka_unit_test(varints_in_other_forms_are_malformed),
        cmocka_unit_test(a_reader_gives_nothing_after_its_first_error),
        cmocka_unit_test(zigzag_keeps_small_numbers_small),
        cmocka_unit_test(hexadecimal_goes_there_and_back),
        cmocka_unit_test(whatever_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
