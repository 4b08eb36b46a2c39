/* SPDX-License-Identifier: Apache-2.0 */
/* Bits, numbers and columns: what is written is read, and nothing that is read does harm. */
#include "cmocka_all.h"
#include "core/columns.h"
#include "random.h"

#include <stdlib.h>

enum { MOST = 4000 };

/* Columns of the shapes that deltas have, and some that they do not. */
static size_t make_column(test_random *random, unsigned shape, uint64_t *values)
{
    size_t count = test_random_below(random, shape % 2 ? 40 : MOST);
    unsigned width = (unsigned)test_random_below(random, 63) + 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t any = test_random_next(random) & ALTO_COLUMN_MAX;
        switch (shape / 2 % 8) {
        case 0:
            values[i] = width;
            break;
        case 1:
            values[i] = any >> (63 - width);
            break;
        case 2:
            values[i] = (unsigned)__builtin_ctzll(any | (UINT64_C(1) << 62));
            break;
        case 3:
            values[i] = any >> (any % 63);
            break;
        case 4:
            values[i] = i % 100 < 90 ? 3 : i / 100;
            break;
        case 5:
            values[i] = (i % 7) * (i % 7) * 1000 + width;
            break;
        case 6:
            values[i] = any % 50 ? any % 4 : any;
            break;
        default:
            values[i] = any % 2 ? ALTO_COLUMN_MAX : 0;
        }
    }
    return count;
}

static void every_column_comes_back_and_takes_no_more_bits_than_foretold(void **state)
{
    (void)state;
    static uint64_t values[MOST], back[MOST];
    test_random random = test_random_make(1);
    for (unsigned round = 0; round < 400; round++) {
        size_t count = make_column(&random, round, values);
        unsigned before = (unsigned)test_random_below(&random, 33);
        uint64_t mark = test_random_next(&random) & ((UINT64_C(1) << before) - 1);
        alto_buffer out = alto_buffer_make(1 << 20);
        alto_bit_writer writer = alto_bit_writer_make(&out);
        alto_bits_put(&writer, mark, before);
        assert_int_equal(alto_column_write(&writer, values, count), ALTO_OK);
        alto_bits_put(&writer, 0x2a, 6);
        uint64_t used = out.size * 8 + writer.used;
        alto_bits_align(&writer);
        assert_true(used <= before + alto_column_bits(values, count) + 6);
        alto_bit_reader reader = alto_bit_reader_make(alto_buffer_slice(&out));
        assert_int_equal(alto_bits_take(&reader, before), mark);
        alto_column_read(&reader, back, count);
        assert_int_equal(alto_bits_take(&reader, 6), 0x2a);
        assert_int_equal(alto_bits_check(&reader), ALTO_OK);
        assert_memory_equal(values, back, count * sizeof *values);
        alto_buffer_fini(&out);
    }
}

static void numbers_of_every_width_and_order_come_back(void **state)
{
    (void)state;
    for (unsigned k = 0; k <= 62; k++) {
        alto_buffer out = alto_buffer_make(1 << 20);
        alto_bit_writer writer = alto_bit_writer_make(&out);
        for (unsigned width = 0; width < 64; width++) {
            alto_bits_put_number(&writer, (UINT64_C(1) << width) - 1, k);
            alto_bits_put_number(&writer, (UINT64_C(1) << width) / 2, k);
        }
        alto_bits_align(&writer);
        alto_bit_reader reader = alto_bit_reader_make(alto_buffer_slice(&out));
        for (unsigned width = 0; width < 64; width++) {
            assert_int_equal(alto_bits_take_number(&reader, k), (UINT64_C(1) << width) - 1);
            assert_int_equal(alto_bits_take_number(&reader, k), (UINT64_C(1) << width) / 2);
        }
        assert_int_equal(alto_bits_check(&reader), ALTO_OK);
        alto_buffer_fini(&out);
    }
}

static size_t bytes_of(const uint64_t *values, size_t count)
{
    alto_buffer out = alto_buffer_make(1 << 20);
    alto_bit_writer writer = alto_bit_writer_make(&out);
    assert_int_equal(alto_column_write(&writer, values, count), ALTO_OK);
    alto_bits_align(&writer);
    size_t size = out.size;
    alto_buffer_fini(&out);
    return size;
}

static void regular_columns_cost_next_to_nothing(void **state)
{
    (void)state;
    static uint64_t values[3000];
    static const struct {
        const char *label;
        unsigned period; /* every so many values is another one */
        size_t most;     /* bytes */
    } cases[] = {
        {"constant", 0, 3}, {"one outlier", 3000, 16}, {"ten outliers", 300, 32}, {"a pattern of five", 5, 40}};
    for (size_t i = 0; i < countof(cases); i++) {
        for (size_t k = 0; k < countof(values); k++)
            values[k] = cases[i].period && k % cases[i].period == 1 ? 77777 : 2999;
        print_message("  case: %s, %zu bytes\n", cases[i].label, bytes_of(values, countof(values)));
        assert_true(bytes_of(values, countof(values)) <= cases[i].most);
    }
}

static void a_skewed_column_comes_close_to_its_entropy(void **state)
{
    (void)state;
    static uint64_t values[3000];
    test_random random = test_random_make(3);
    for (size_t i = 0; i < countof(values); i++) /* 2 bits of entropy each */
        values[i] = (unsigned)__builtin_ctzll(test_random_next(&random));
    assert_true(bytes_of(values, countof(values)) < countof(values) * 2 / 8 * 11 / 10);
}

static void damaged_columns_end_in_an_error_or_in_numbers(void **state)
{
    (void)state;
    static uint64_t values[MOST], back[MOST];
    test_random random = test_random_make(4);
    for (unsigned round = 0; round < 600; round++) {
        size_t count = make_column(&random, round, values);
        alto_buffer out = alto_buffer_make(1 << 20);
        alto_bit_writer writer = alto_bit_writer_make(&out);
        assert_int_equal(alto_column_write(&writer, values, count), ALTO_OK);
        alto_bits_align(&writer);
        size_t size = out.size;
        if (round % 3 == 0)
            size = test_random_below(&random, size + 1);
        for (unsigned i = 0; i < round % 4 && size; i++)
            out.data[test_random_below(&random, size < 20 ? size : 20)] ^= (uint8_t)test_random_next(&random);
        uint8_t *exact = malloc(size + 1); /* so that a sanitizer sees the end */
        memcpy(exact, out.data ? out.data : (const uint8_t *)"", size);
        alto_bit_reader reader = alto_bit_reader_make(alto_slice_of(exact, size));
        alto_column_read(&reader, back, count);
        if (alto_bits_check(&reader) != ALTO_OK)
            assert_true(count == 0 || back[count - 1] == 0);
        for (size_t i = 0; i < count; i++)
            assert_true(back[i] <= ALTO_COLUMN_MAX);
        free(exact);
        alto_buffer_fini(&out);
    }
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    static uint64_t back[MOST];
    test_random random = test_random_make(5);
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t bytes[64];
        size_t size = test_random_below(&random, sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)test_random_next(&random);
        if (size)
            bytes[0] = (uint8_t)((round % 8) << 5 | (bytes[0] & 31)); /* every mode in turn */
        alto_bit_reader reader = alto_bit_reader_make(alto_slice_of(bytes, size));
        size_t count = test_random_below(&random, MOST);
        alto_column_read(&reader, back, count);
        for (size_t i = 0; i < count; i++)
            assert_true(back[i] <= ALTO_COLUMN_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_comes_back_and_takes_no_more_bits_than_foretold),
        cmocka_unit_test(numbers_of_every_width_and_order_come_back),
        cmocka_unit_test(regular_columns_cost_next_to_nothing),
        cmocka_unit_test(a_skewed_column_comes_close_to_its_entropy),
        cmocka_unit_test(damaged_columns_end_in_an_error_or_in_numbers),
        cmocka_unit_test(random_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
