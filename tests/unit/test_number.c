/* SPDX-License-Identifier: Apache-2.0 */
#include "core/number.h"

#include "core/mapjson.h"
#include "core/number_quick.h"

#include "cmocka_all.h"
#include "files.h"
#include "random.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void numbers_are_read_as_the_nearest_double(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"-0.0e7", 0},
        {"1", 1},
        {"1.0", 1},
        {"1e0", 1},
        {"10E-1", 1},
        {"-6.5", -6.5},
        {"0.1", 0.1},
        {"0.10000000000000000000000000000000000000000001", 0.1},
        {"123456789012345678", 123456789012345678.0},
        {"9007199254740993", 9007199254740992.0},
        {"9007199254740993.0000000000000000000000000000000000001", 9007199254740994.0},
        {"1e23", 1e23},
        {"1e-7", 1e-7},
        {"1.7976931348623157e308", 1.7976931348623157e308},
        {"2.2250738585072011e-308", 2.2250738585072011e-308},
        {"4.9e-324", 4.9406564584124654e-324},
        {"1e-400", 0},
        {"-1e-400", 0},
        {"0e99999999999999999999", 0},
        {"1e-99999999999999999999", 0},
        {"0.000000000000000000000000000000000000000000000000000000000000000000000000000001e78", 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        double value = 42;
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(alto_number_parse(alto_slice_text(cases[i].text), &value), ALTO_OK);
        assert_int_equal(to_bits(value), to_bits(cases[i].value));
    }
}

static void what_is_no_number_or_not_finite_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        alto_status status;
    } cases[] = {
        {"", ALTO_SYNTAX},
        {"-", ALTO_SYNTAX},
        {"+1", ALTO_SYNTAX},
        {"01", ALTO_SYNTAX},
        {"1.", ALTO_SYNTAX},
        {".5", ALTO_SYNTAX},
        {"1e", ALTO_SYNTAX},
        {"1e+", ALTO_SYNTAX},
        {"0x10", ALTO_SYNTAX},
        {"1 ", ALTO_SYNTAX},
        {" 1", ALTO_SYNTAX},
        {"NaN", ALTO_SYNTAX},
        {"1,0", ALTO_SYNTAX},
        {"--1", ALTO_SYNTAX},
        {"Infinity", ALTO_SYNTAX},
        {"1.5.2", ALTO_SYNTAX},
        {"-.5", ALTO_SYNTAX},
        {"1e400", ALTO_INVALID},
        {"-1e309", ALTO_INVALID},
        {"1e99999999999999999999", ALTO_INVALID},
        {"1.7976931348623159e308", ALTO_INVALID},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        double value = 42;
        print_message("  case: '%s'\n", cases[i].text);
        assert_int_equal(alto_number_parse(alto_slice_text(cases[i].text), &value), cases[i].status);
        assert_true(value == 42);
    }
}

static void a_number_may_be_read_from_the_beginning_of_more_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
    } cases[] = {{"1}", 1}, {"-2.50,", 5}, {"12345678901234567890 ", 20}, {"1e5]", 3}, {"0", 1}, {"01", 1}};
    for (size_t i = 0; i < countof(cases); i++) {
        double value;
        size_t size = 99;
        assert_int_equal(alto_number_read(alto_slice_text(cases[i].text), &value, &size), ALTO_OK);
        assert_int_equal(size, cases[i].size);
    }
    double value;
    size_t size;
    assert_int_equal(alto_number_read(alto_slice_text("1.}"), &value, &size), ALTO_SYNTAX);
    assert_int_equal(alto_number_read(alto_slice_text("}"), &value, &size), ALTO_SYNTAX);
}

static void doubles_are_written_as_ecmascript_does(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {100, "100"},
        {123456.789, "123456.789"},
        {0.001, "0.001"},
        {0.000001, "0.000001"},
        {0.0000001, "1e-7"},
        {-0.00000012, "-1.2e-7"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1.5e300, "1.5e+300"},
        {9007199254740991.0, "9007199254740991"},
        {123456789012345680.0, "123456789012345680"},
        {5e-324, "5e-324"},
        {5.684341886080802e-14, "5.684341886080802e-14"}, /* 2^-44 */
        {9.5367431640625e-7, "9.5367431640625e-7"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[ALTO_NUMBER_TEXT];
        size_t size = alto_number_format(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(size, strlen(text));
    }
}

/* Is there a shorter decimal that reads back as the same double? Tries the neighbours on both sides. */
static bool could_be_shorter(double value, int digits)
{
    if (digits < 2)
        return false;
    for (int step = -1; step <= 1; step++) {
        char text[64];
        snprintf(text, sizeof text, "%.*e", digits - 2, value);
        char *exponent = strchr(text, 'e');
        long places = strtol(exponent + 1, NULL, 10) - (digits - 2);
        *exponent = 0;
        char *point = strchr(text, '.');
        if (point)
            memmove(point, point + 1, strlen(point));
        snprintf(text + 32, sizeof text - 32, "%llde%ld", strtoll(text, NULL, 10) + step, places);
        if (strtod(text + 32, NULL) == value)
            return true;
    }
    return false;
}

static int count_digits(const char *text)
{
    int digits = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (digits == 0 && *text == '0'))
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros;
}

static void any_double_survives_writing_and_reading_and_is_written_shortest(void **state)
{
    (void)state;
    test_random random = test_random_make(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_random_next(&random);
        double value = i % 4 == 0   ? ldexp(1, (int)(bits % 2046) - 1022) /* powers of two have uneven neighbours */
                       : i % 4 == 1 ? (double)(int64_t)(bits % 2000000000) / 1000 - 1000000
                                    : from_bits(bits);
        if (!isfinite(value) || value == 0)
            continue;
        char text[ALTO_NUMBER_TEXT];
        double again = 0;
        alto_number_format(value, text);
        assert_int_equal(alto_number_parse(alto_slice_text(text), &again), ALTO_OK);
        assert_int_equal(to_bits(again), to_bits(value));
        if (could_be_shorter(fabs(value), count_digits(text)))
            fail_msg("%s is not the shortest", text);
    }
}

static void neither_direction_depends_on_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    size_t chosen = 0;
    while (chosen < countof(names) && !setlocale(LC_NUMERIC, names[chosen]))
        chosen++;
    if (chosen == countof(names)) {
        print_message("  skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    char text[ALTO_NUMBER_TEXT];
    double value = 0;
    alto_number_format(1.2345678901234567e-8, text);
    alto_status status = alto_number_parse(alto_slice_text("1.2345678901234567e-8"), &value);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(text, "1.2345678901234567e-8");
    assert_int_equal(status, ALTO_OK);
    assert_true(value == 1.2345678901234567e-8);
}

static void canonical_numbers_keep_what_a_double_cannot_carry(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"1.0", "1"},
        {"100e-2", "1"},
        {"-0.0", "0"},
        {"0e5", "0"},
        {"1E30", "1e+30"},
        {"2e-3", "0.002"},
        {"0.1", "0.1"},
        {"12345678901234567890", "12345678901234567890"},
        {"12345678901234567890.000", "12345678901234567890"},
        {"9007199254740993", "9007199254740993"},
        {"9007199254740992", "9007199254740992"},
        {"1.5e400", "1.5e400"},
        {"15e399", "1.5e400"},
        {"-0.0015e403", "-1.5e400"},
        {"1e-400", "1e-400"},
        {"0.12345678901234567890120", "0.1234567890123456789012"},
        {"1.00000000000000000000001e5", "100000.000000000000000001"},
        {"1e0000000000000000005", "100000"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer out = alto_buffer_make(1000);
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(alto_number_canonical(alto_slice_text(cases[i].text), &out), ALTO_OK);
        assert_int_equal(out.size, strlen(cases[i].canonical));
        assert_memory_equal(out.data, cases[i].canonical, out.size);
        alto_buffer again = alto_buffer_make(1000);
        assert_int_equal(alto_number_canonical(alto_buffer_slice(&out), &again), ALTO_OK);
        assert_true(alto_slice_equal(alto_buffer_slice(&out), alto_buffer_slice(&again)));
        alto_buffer_fini(&again);
        alto_buffer_fini(&out);
    }
}

static void canonical_numbers_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        alto_status status;
        size_t room;
    } cases[] = {
        {"1e1000000000", ALTO_TOO_LARGE, 100},
        {"1e-1000000000", ALTO_TOO_LARGE, 100},
        {"10e999999999", ALTO_TOO_LARGE, 100},
        {"1e999999999", ALTO_OK, 100},
        {"01", ALTO_SYNTAX, 100},
        {"12345678901234567890", ALTO_TOO_LARGE, 5},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        alto_buffer out = alto_buffer_make(cases[i].room);
        assert_int_equal(alto_number_canonical(alto_slice_text(cases[i].text), &out), cases[i].status);
        alto_buffer_fini(&out);
    }
}

static void decimals_are_exact_and_as_few_as_possible(void **state)
{
    (void)state;
    static const struct {
        double value;
        bool exists;
        int64_t integer;
        unsigned decimals;
    } cases[] = {
        {0, true, 0, 0},
        {1, true, 1, 0},
        {6.5, true, 65, 1},
        {-0.25, true, -25, 2},
        {123.456, true, 123456, 3},
        {1e-9, true, 1, 9},
        {1e-10, false, 0, 0},
        {1.0 / 3, false, 0, 0},
        {9007199254740991.0, true, 9007199254740991, 0},
        {9007199254740992.0, false, 0, 0},
        {1e300, false, 0, 0},
        {5e-324, false, 0, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int64_t integer = 0;
        unsigned decimals = 0;
        assert_int_equal(alto_number_decimal(cases[i].value, &integer, &decimals), cases[i].exists);
        if (!cases[i].exists)
            continue;
        assert_int_equal(integer, cases[i].integer);
        assert_int_equal(decimals, cases[i].decimals);
        assert_int_equal(to_bits(alto_number_from_decimal(integer, decimals)), to_bits(cases[i].value));
    }
}

static void every_decimal_is_found_again(void **state)
{
    (void)state;
    test_random random = test_random_make(2);
    for (int i = 0; i < 50000; i++) {
        int64_t integer = (int64_t)(test_random_next(&random) >> (11 + test_random_below(&random, 50)));
        unsigned decimals = (unsigned)test_random_below(&random, 10), fewest;
        double value = alto_number_from_decimal(i % 2 ? integer : -integer, decimals);
        int64_t found;
        assert_true(alto_number_decimal(value, &found, &fewest));
        assert_true(fewest <= decimals);
        assert_int_equal(to_bits(alto_number_from_decimal(found, fewest)), to_bits(value));
    }
}

static void lengths_are_known_without_writing(void **state)
{
    (void)state;
    static const double odd[] = {0,      -0.5,      1e21,   400000, 399999.9999, 0.1 + 0.2, 5e-324,
                                 -12.25, 123456789, 0.0001, 99.99,  100,         9999.5};
    test_random random = test_random_make(7);
    for (unsigned round = 0; round < 2000; round++) {
        double values[200];
        size_t count = test_random_below(&random, countof(values) + 1), expected = 0;
        unsigned decimals = (unsigned)test_random_below(&random, 6), most = (unsigned)test_random_below(&random, 5);
        bool plain = test_random_below(&random, 3);
        for (size_t i = 0; i < count; i++) {
            char text[ALTO_NUMBER_TEXT];
            values[i] = plain || test_random_below(&random, 10)
                            ? alto_number_from_decimal((int64_t)test_random_below(&random, 1000000) - 20000, most)
                            : odd[test_random_below(&random, countof(odd))];
            unsigned guess = decimals;
            size_t size = alto_number_format(values[i], text);
            assert_int_equal(alto_number_size(values[i], &guess), size);
            expected += size;
        }
        assert_int_equal(alto_numbers_size(values, count, &decimals), expected);
    }
}

/* Its text, made from the shortest digits alone. */
static void written_slowly(uint32_t thousandths, char text[ALTO_NUMBER_TEXT])
{
    int size = snprintf(text, ALTO_NUMBER_TEXT, "%u.%03u", thousandths / 1000, thousandths % 1000);
    while (text[size - 1] == '0')
        size--;
    text[text[size - 1] == '.' ? size - 1 : size] = 0;
}

static void every_small_decimal_is_written_quickly(void **state)
{
    (void)state;
    static double values[ALTO_QUICK_BELOW * ALTO_QUICK_PARTS];
    static alto_quick quick[countof(values)];
    for (uint32_t i = 0; i < countof(values); i++)
        values[i] = i / 1000.0;
    alto_quick_split(values, countof(values), quick);
    for (uint32_t i = 0; i < countof(values); i++) {
        char expected[ALTO_NUMBER_TEXT];
        uint8_t text[ALTO_QUICK_ROOM];
        written_slowly(i, expected);
        assert_int_not_equal(quick[i].whole, ALTO_QUICK_NONE);
        assert_int_equal(alto_quick_put(text, quick[i]) - text, strlen(expected));
        assert_memory_equal(text, expected, strlen(expected));
    }
}

/* Put between two that are quick, so that all ways through the splitting are taken. */
static void assert_not_quick(double value)
{
    for (size_t place = 0; place < 9; place++) {
        double values[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
        alto_quick quick[countof(values)];
        values[place] = value;
        alto_quick_split(values, countof(values), quick);
        for (size_t i = 0; i < countof(values); i++)
            assert_int_equal(quick[i].whole, i == place ? ALTO_QUICK_NONE : 0);
    }
}

/* What is beside a small decimal is not taken for it. */
static void no_other_number_is_written_quickly(void **state)
{
    (void)state;
    static const double others[] = {-1,  -0.001, -0.0005,  1000,      999.9995, 1e9,     -1e9,      2147483.648,
                                    NAN, 0.0001, INFINITY, -INFINITY, 12.3456,  4294967, 0.1 + 0.2, 1e300};
    for (size_t i = 0; i < countof(others); i++)
        assert_not_quick(others[i]);
    assert_not_quick(nextafter(0, 1));
    test_random random = test_random_make(11);
    for (int i = 0; i < 100000; i++) {
        double value = (double)test_random_below(&random, 1000000) / 1000;
        assert_not_quick(nextafter(value, INFINITY));
        assert_not_quick(nextafter(value, -INFINITY));
    }
}

static void the_numbers_of_rfc_8785_appendix_b_are_written_as_printed_there(void **state)
{
    (void)state;
    alto_buffer file = test_example("rfc8785-jcs-cases.json");
    if (file.size == 0)
        skip();
    alto_slice list, element, raw;
    assert_true(alto_json_get(alto_buffer_slice(&file), (const char *const[]){"B-numbers", NULL}, &list));
    size_t checked = 0;
    for (size_t i = 0; alto_json_element(list, i, &element); i++) {
        char hex[17], expected[64], text[ALTO_NUMBER_TEXT];
        assert_true(alto_json_get(element, (const char *const[]){"ieee754", NULL}, &raw));
        assert_true(alto_json_text(raw, hex, sizeof hex));
        double value = from_bits(strtoull(hex, NULL, 16));
        assert_true(alto_json_get(element, (const char *const[]){"json", NULL}, &raw));
        if (!alto_json_text(raw, expected, sizeof expected)) {
            assert_true(isfinite(value) == 0);
            continue;
        }
        alto_number_format(value, text);
        assert_string_equal(text, expected);
        checked++;
    }
    assert_true(checked > 20);
    alto_buffer_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_the_nearest_double),
        cmocka_unit_test(what_is_no_number_or_not_finite_is_refused),
        cmocka_unit_test(a_number_may_be_read_from_the_beginning_of_more_text),
        cmocka_unit_test(doubles_are_written_as_ecmascript_does),
        cmocka_unit_test(any_double_survives_writing_and_reading_and_is_written_shortest),
        cmocka_unit_test(neither_direction_depends_on_the_locale),
        cmocka_unit_test(canonical_numbers_keep_what_a_double_cannot_carry),
        cmocka_unit_test(canonical_numbers_have_limits),
        cmocka_unit_test(decimals_are_exact_and_as_few_as_possible),
        cmocka_unit_test(every_decimal_is_found_again),
        cmocka_unit_test(lengths_are_known_without_writing),
        cmocka_unit_test(every_small_decimal_is_written_quickly),
        cmocka_unit_test(no_other_number_is_written_quickly),
        cmocka_unit_test(the_numbers_of_rfc_8785_appendix_b_are_written_as_printed_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
