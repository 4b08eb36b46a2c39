/* SPDX-License-Identifier: Apache-2.0 */
#include "core/z85.h"

#include "cmocka_all.h"
#include "core/crypto.h"

/* The client's key of the worked example in zmq_curve(7). */
static const char known_text[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
static const uint8_t known_key[ALTO_CURVE_KEY_SIZE] = {0xBB, 0x88, 0x47, 0x1D, 0x65, 0xE2, 0x65, 0x9B, 0x30, 0xC5, 0x5A,
                                                       0x53, 0x21, 0xCE, 0xBB, 0x5A, 0xAB, 0x2B, 0x70, 0xA3, 0x98, 0x64,
                                                       0x5C, 0x26, 0xDC, 0xA2, 0xB2, 0xFC, 0xB4, 0x3F, 0xC5, 0x18};
static const char known_secret[] = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

static void a_key_is_written_and_read_as_zeromq_does(void **state)
{
    (void)state;
    char text[ALTO_CURVE_KEY_TEXT];
    uint8_t key[ALTO_CURVE_KEY_SIZE];
    alto_z85_write(known_key, text);
    assert_string_equal(text, known_text);
    assert_true(alto_z85_read(alto_slice_text(known_text), key));
    assert_memory_equal(key, known_key, sizeof key);
    const uint8_t bounds[ALTO_CURVE_KEY_SIZE] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    alto_z85_write(bounds, text);
    assert_true(alto_z85_read(alto_slice_text(text), key));
    assert_memory_equal(key, bounds, sizeof key);
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID0",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI ",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI\"",
        "#####-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hIDx", /* beyond 32 bits */
    };
    for (size_t i = 0; i < countof(cases); i++) {
        uint8_t key[ALTO_CURVE_KEY_SIZE] = {7};
        print_message("  case: %s\n", cases[i]);
        assert_false(alto_z85_read(alto_slice_text(cases[i]), key));
        assert_int_equal(key[0], 7);
    }
    uint8_t key[ALTO_CURVE_KEY_SIZE];
    assert_false(alto_z85_read(alto_slice_of("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI\0", 40), key));
}

static void the_public_half_of_a_pair_is_the_one_that_zeromq_makes(void **state)
{
    (void)state;
    uint8_t secret[ALTO_CURVE_KEY_SIZE];
    assert_int_equal(alto_crypto_init(), ALTO_OK);
    assert_true(alto_z85_read(alto_slice_text(known_secret), secret));
    alto_curve_pair *pair = alto_curve_pair_from_secret(secret), *other = alto_curve_pair_new();
    assert_non_null(pair);
    assert_non_null(other);
    assert_memory_equal(alto_curve_pair_public(pair)->bytes, known_key, sizeof known_key);
    assert_memory_equal(alto_curve_pair_secret(pair), secret, sizeof secret);
    assert_memory_not_equal(alto_curve_pair_public(other)->bytes, known_key, sizeof known_key);
    alto_curve_pair_destroy(&pair);
    alto_curve_pair_destroy(&other);
    assert_null(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_written_and_read_as_zeromq_does),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(the_public_half_of_a_pair_is_the_one_that_zeromq_makes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
