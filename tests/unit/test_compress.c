/* SPDX-License-Identifier: Apache-2.0 */
/* zstd behind its two functions. */
#include "cmocka_all.h"
#include "core/compress.h"
#include "random.h"

#include <stdlib.h>

static void what_was_packed_comes_back(void **state)
{
    (void)state;
    test_random random = test_random_make(1);
    for (unsigned round = 0; round < 40; round++) {
        size_t size = test_random_below(&random, 5000) * (round % 4);
        alto_buffer raw = alto_buffer_make(1 << 20), packed = alto_buffer_make(1 << 20),
                    back = alto_buffer_make(1 << 20);
        for (size_t i = 0; i < size; i++)
            alto_buffer_add_u8(&raw, (uint8_t)test_random_below(&random, round % 2 ? 3 : 256));
        alto_buffer_add_text(&packed, "kept");
        assert_int_equal(alto_compress(alto_buffer_slice(&raw), 3, &packed), ALTO_OK);
        assert_memory_equal(packed.data, "kept", 4);
        alto_slice frame = {packed.data + 4, packed.size - 4};
        assert_int_equal(alto_decompress(frame, size, &back), ALTO_OK);
        assert_true(alto_slice_equal(alto_buffer_slice(&raw), alto_buffer_slice(&back)));
        alto_buffer_fini(&raw);
        alto_buffer_fini(&packed);
        alto_buffer_fini(&back);
    }
}

static void a_wrong_size_or_a_damaged_frame_is_refused_and_appends_nothing(void **state)
{
    (void)state;
    static const char text[] = "many words and many words and many words and many words and many words";
    alto_buffer packed = alto_buffer_make(1000), back = alto_buffer_make(1000);
    assert_int_equal(alto_compress(alto_slice_of(text, sizeof text), 3, &packed), ALTO_OK);
    alto_slice frame = alto_buffer_slice(&packed);
    struct {
        const char *label;
        alto_slice bytes;
        size_t size;
        alto_status status;
    } cases[] = {
        {"one byte less claimed", frame, sizeof text - 1, ALTO_BOMB},
        {"one byte more claimed", frame, sizeof text + 1, ALTO_MALFORMED},
        {"nothing claimed", frame, 0, ALTO_BOMB},
        {"cut off", {frame.data, frame.size - 1}, sizeof text, ALTO_MALFORMED},
        {"no bytes at all", {frame.data, 0}, 0, ALTO_MALFORMED},
        {"no frame", alto_slice_text("hello, world"), 12, ALTO_MALFORMED},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        assert_int_equal(alto_decompress(cases[i].bytes, cases[i].size, &back), cases[i].status);
        assert_int_equal(back.size, 0);
        assert_int_equal(back.status, ALTO_OK);
    }
    alto_buffer_add_slice(&packed, frame.size ? alto_slice_text("x") : frame);
    assert_int_equal(alto_decompress(alto_buffer_slice(&packed), sizeof text, &back), ALTO_MALFORMED);
    alto_buffer_fini(&packed);
    alto_buffer_fini(&back);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    uint8_t raw[500];
    test_random random = test_random_make(2);
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)test_random_next(&random);
    alto_buffer small = alto_buffer_make(100);
    assert_int_equal(alto_compress(alto_slice_of(raw, sizeof raw), 3, &small), ALTO_TOO_LARGE);
    assert_int_equal(small.size, 0);
    alto_buffer_fini(&small);
}

/* Stored frames are as long as promised, each one frame to the library, and together the text. */
static void what_was_stored_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 31, 32, 255, 256, 1023, 1024, 1025, 3000};
    uint8_t raw[3000];
    test_random random = test_random_make(3);
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)test_random_next(&random);
    for (size_t i = 0; i < countof(sizes); i++) {
        alto_buffer stored = alto_buffer_make(10000), back = alto_buffer_make(10000);
        alto_frame_store(&stored, alto_slice_of(raw, sizes[i]));
        assert_int_equal(stored.size, sizes[i] + (sizes[i] + 1023) / 1024 * ALTO_FRAME_STORED);
        for (size_t at = 0; at < stored.size;) {
            size_t left = sizes[i] - back.size, part = left < 1024 ? left : 1024;
            alto_slice frame = alto_slice_of(stored.data + at, part + ALTO_FRAME_STORED);
            assert_int_equal(alto_decompress(frame, part, &back), ALTO_OK);
            at += frame.size;
        }
        assert_true(alto_slice_equal(alto_buffer_slice(&back), alto_slice_of(raw, sizes[i])));
        alto_buffer_fini(&stored);
        alto_buffer_fini(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(a_wrong_size_or_a_damaged_frame_is_refused_and_appends_nothing),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(what_was_stored_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
