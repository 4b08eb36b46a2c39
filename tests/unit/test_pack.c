/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "core/pack.h"

#include <stdlib.h>

/* Hexadecimal text as bytes in heap memory of exactly that size, so that reading past them is seen. */
typedef struct {
    uint8_t *bytes;
    alto_reader reader;
} input;

static input input_of(const char *hex)
{
    size_t size = strlen(hex) / 2;
    input made = {.bytes = malloc(size ? size : 1)};
    assert_non_null(made.bytes);
    assert_true(alto_unhex(made.bytes, size, alto_slice_text(hex)));
    made.reader = alto_reader_make(alto_slice_of(made.bytes, size));
    return made;
}

static void assert_packed(alto_buffer *out, const char *hex)
{
    char text[256];
    assert_true(out->status == ALTO_OK && out->size < sizeof text / 2);
    alto_hex(text, out->data, out->size);
    assert_string_equal(text, hex);
    alto_buffer_clear(out);
}

static void everything_is_written_in_its_shortest_form(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *hex;
    } numbers[] = {
        {0, "00"},
        {127, "7f"},
        {128, "cc80"},
        {255, "ccff"},
        {256, "cd0100"},
        {65535, "cdffff"},
        {65536, "ce00010000"},
        {UINT32_MAX, "ceffffffff"},
        {UINT64_C(1) << 32, "cf0000000100000000"},
    };
    alto_buffer out = alto_buffer_make(1000);
    for (size_t i = 0; i < countof(numbers); i++) {
        alto_pack_uint(&out, numbers[i].value);
        assert_packed(&out, numbers[i].hex);
        input in = input_of(numbers[i].hex);
        assert_int_equal(alto_unpack_uint(&in.reader, UINT64_MAX), numbers[i].value);
        assert_int_equal(alto_reader_finish(&in.reader), ALTO_OK);
        free(in.bytes);
    }
    alto_pack_nil(&out);
    assert_packed(&out, "c0");
    alto_pack_array(&out, 15);
    assert_packed(&out, "9f");
    alto_pack_array(&out, 16);
    assert_packed(&out, "dc0010");
    alto_pack_map(&out, 0);
    assert_packed(&out, "80");
    alto_pack_bytes(&out, alto_slice_of(NULL, 0));
    assert_packed(&out, "c400");
    alto_pack_bytes(&out, alto_slice_text("ab"));
    assert_packed(&out, "c4026162");
    alto_pack_text(&out, alto_slice_text("ab"));
    assert_packed(&out, "a26162");
    alto_pack_text(&out, alto_slice_text("0123456789abcdef0123456789abcdef"));
    assert_packed(&out, "d9203031323334353637383961626364656630313233343536373839616263646566");
    alto_buffer_fini(&out);
}

static void texts_and_byte_strings_of_any_length_come_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
    static uint8_t bytes[65536];
    for (size_t i = 0; i < countof(sizes); i++) {
        alto_buffer out = alto_buffer_make(1 << 20);
        alto_slice slice = alto_slice_of(bytes, sizes[i]);
        alto_pack_text(&out, slice);
        alto_pack_bytes(&out, slice);
        alto_reader in = alto_reader_make(alto_buffer_slice(&out));
        assert_true(alto_slice_equal(alto_unpack_text(&in, sizes[i]), slice));
        assert_true(alto_slice_equal(alto_unpack_bytes(&in, sizes[i]), slice));
        assert_int_equal(alto_reader_finish(&in), ALTO_OK);
        alto_buffer_fini(&out);
    }
}

typedef enum { ARRAY, UINT, TEXT, BYTES, FIXED, MAP } what;

static void read_one(alto_reader *in, what kind)
{
    uint8_t two[2];
    switch (kind) {
    case ARRAY:
        alto_unpack_array(in);
        break;
    case UINT:
        alto_unpack_uint(in, 1000);
        break;
    case TEXT:
        alto_unpack_text(in, 3);
        break;
    case BYTES:
        alto_unpack_bytes(in, 3);
        break;
    case FIXED:
        alto_unpack_fixed(in, two, sizeof two);
        break;
    case MAP:
        alto_unpack_skip_map(in, 40);
        break;
    }
}

static void only_the_shortest_form_of_the_right_type_within_bounds_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        what kind;
        const char *hex;
        alto_status status;
    } cases[] = {
        {"nothing", UINT, "", ALTO_MALFORMED},
        {"number cut short", UINT, "cd01", ALTO_MALFORMED},
        {"number in a longer form", UINT, "cc7f", ALTO_MALFORMED},
        {"number in a much longer form", UINT, "cf0000000000000001", ALTO_MALFORMED},
        {"negative number", UINT, "ff", ALTO_MALFORMED},
        {"negative number in 8 bytes", UINT, "d3ffffffffffffffff", ALTO_MALFORMED},
        {"signed form of a positive number", UINT, "d001", ALTO_MALFORMED},
        {"float", UINT, "ca3f800000", ALTO_MALFORMED},
        {"true", UINT, "c3", ALTO_MALFORMED},
        {"number above the bound", UINT, "cd03e9", ALTO_TOO_LARGE},
        {"number at the bound", UINT, "cd03e8", ALTO_OK},
        {"8 GiB of array", ARRAY, "dd10000000", ALTO_MALFORMED},
        {"8 GiB of array for a number", UINT, "dd10000000", ALTO_MALFORMED},
        {"8 GiB of array for a text", TEXT, "dd10000000", ALTO_MALFORMED},
        {"8 GiB of map for a text", TEXT, "df10000000", ALTO_MALFORMED},
        {"array with one element too few", ARRAY, "93c0c0", ALTO_MALFORMED},
        {"array in a longer form", ARRAY, "dc0001c0", ALTO_MALFORMED},
        {"array in a much longer form", ARRAY, "dd00000001c0", ALTO_MALFORMED},
        {"array header cut short", ARRAY, "dc00", ALTO_MALFORMED},
        {"map for an array", ARRAY, "81c0c0", ALTO_MALFORMED},
        {"empty array", ARRAY, "90", ALTO_OK},
        {"text", TEXT, "a3616263", ALTO_OK},
        {"text beyond the bound", TEXT, "a461626364", ALTO_TOO_LARGE},
        {"text cut short", TEXT, "a36162", ALTO_MALFORMED},
        {"text in a longer form", TEXT, "d903616263", ALTO_MALFORMED},
        {"4 GiB of text", TEXT, "dbffffffff61", ALTO_MALFORMED},
        {"bytes for a text", TEXT, "c403616263", ALTO_MALFORMED},
        {"bytes", BYTES, "c403616263", ALTO_OK},
        {"bytes in a longer form", BYTES, "c50003616263", ALTO_MALFORMED},
        {"4 GiB of bytes", BYTES, "c6ffffffff61", ALTO_MALFORMED},
        {"text for bytes", BYTES, "a3616263", ALTO_MALFORMED},
        {"ext for bytes", BYTES, "c70300616263", ALTO_MALFORMED},
        {"two bytes", FIXED, "c4026162", ALTO_OK},
        {"one byte for two", FIXED, "c40161", ALTO_MALFORMED},
        {"three bytes for two", FIXED, "c403616263", ALTO_MALFORMED},
        {"empty map", MAP, "80", ALTO_OK},
        {"map with one of everything", MAP,
         "de0006c0c2c3cc01cd0001d0ffca00000000cb0000000000000000c40161a161d40161c7010061", ALTO_OK},
        {"map in a longer form", MAP, "df00000000", ALTO_OK},
        {"map with nested containers", MAP, "82a16193010291c0a1628101dc0001c0", ALTO_OK},
        {"array for a map", MAP, "90", ALTO_MALFORMED},
        {"map without its last value", MAP, "81c0", ALTO_MALFORMED},
        {"8 GiB of map", MAP, "df10000000", ALTO_MALFORMED},
        {"8 GiB of map inside", MAP, "81c0df10000000", ALTO_MALFORMED},
        {"the byte that msgpack never uses", MAP, "81c0c1", ALTO_MALFORMED},
        {"maps 16 deep", MAP, "81c081c081c081c081c081c081c081c081c081c081c081c081c081c081c081c0c0", ALTO_OK},
        {"maps 17 deep", MAP, "81c081c081c081c081c081c081c081c081c081c081c081c081c081c081c081c081c0c0", ALTO_TOO_LARGE},
        {"map beyond the bound", MAP,
         "81c0c42800000000000000000000000000000000000000000000000000000000000000000000000000000000", ALTO_TOO_LARGE},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        input in = input_of(cases[i].hex);
        read_one(&in.reader, cases[i].kind);
        if (cases[i].kind == ARRAY && cases[i].status == ALTO_OK)
            assert_int_equal(in.reader.status, ALTO_OK);
        else
            assert_int_equal(alto_reader_finish(&in.reader), cases[i].status);
        free(in.bytes);
    }
}

static void nil_is_taken_only_where_it_stands(void **state)
{
    (void)state;
    input in = input_of("c001");
    assert_true(alto_unpack_nil(&in.reader));
    assert_false(alto_unpack_nil(&in.reader));
    assert_int_equal(alto_unpack_uint(&in.reader, 1), 1);
    assert_false(alto_unpack_nil(&in.reader));
    assert_int_equal(alto_reader_finish(&in.reader), ALTO_OK);
    free(in.bytes);
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    input in = input_of("cd03e9c0");
    assert_int_equal(alto_unpack_uint(&in.reader, 1000), 0);
    assert_false(alto_unpack_nil(&in.reader));
    assert_int_equal(alto_unpack_array(&in.reader), 0);
    alto_unpack_skip_map(&in.reader, 100);
    assert_int_equal(alto_unpack_end(&in.reader), ALTO_TOO_LARGE);
    free(in.bytes);
}

static void a_signed_object_begins_with_its_type_and_ends_with_ext(void **state)
{
    (void)state;
    static const struct {
        const char *label, *hex;
        alto_status status;
    } cases[] = {
        {"nothing between", "92a16180", ALTO_OK},
        {"ext with something in it", "92a16181a1780a", ALTO_OK},
        {"something after ext", "92a16180c0", ALTO_MALFORMED},
        {"no ext", "92a161", ALTO_MALFORMED},
        {"a type that is no text", "920180", ALTO_MALFORMED},
        {"an empty array", "90", ALTO_MALFORMED},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        input in = input_of(cases[i].hex);
        size_t count;
        alto_slice type = alto_unpack_begin(&in.reader, &count);
        assert_int_equal(alto_unpack_end(&in.reader), cases[i].status);
        if (cases[i].status == ALTO_OK)
            assert_true(count == 2 && alto_slice_equal(type, alto_slice_text("a")));
        free(in.bytes);
    }
}

static void a_full_buffer_is_noticed(void **state)
{
    (void)state;
    alto_buffer out = alto_buffer_make(3);
    alto_pack_text(&out, alto_slice_text("abc"));
    assert_int_equal(out.status, ALTO_TOO_LARGE);
    alto_buffer_fini(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_written_in_its_shortest_form),
        cmocka_unit_test(texts_and_byte_strings_of_any_length_come_back),
        cmocka_unit_test(only_the_shortest_form_of_the_right_type_within_bounds_is_read),
        cmocka_unit_test(nil_is_taken_only_where_it_stands),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(a_signed_object_begins_with_its_type_and_ends_with_ext),
        cmocka_unit_test(a_full_buffer_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
