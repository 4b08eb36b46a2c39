/* SPDX-License-Identifier: Apache-2.0 */
/* Which coding an answer gets, and that a text in one is that text. */
#include "cmocka_all.h"
#include "core/coding.h"
#include "core/compress.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { SOME = 100000 };

static void a_client_gets_what_it_likes_best(void **state)
{
    static const struct {
        const char *accept_encoding;
        alto_coding shared, once;
    } cases[] = {
        {NULL, ALTO_IDENTITY, ALTO_IDENTITY},
        {"", ALTO_IDENTITY, ALTO_IDENTITY},
        {"br, deflate", ALTO_IDENTITY, ALTO_IDENTITY},
        {"gzip", ALTO_GZIP, ALTO_GZIP},
        {"zstd", ALTO_ZSTD, ALTO_ZSTD},
        {"gzip, deflate, br, zstd", ALTO_GZIP, ALTO_ZSTD},
        {"*", ALTO_GZIP, ALTO_ZSTD},
        {"gzip, zstd;q=0.9", ALTO_GZIP, ALTO_GZIP},
        {"gzip;q=0.9, zstd", ALTO_ZSTD, ALTO_ZSTD},
        {"gzip;q=0.5, identity", ALTO_IDENTITY, ALTO_IDENTITY},
        {"gzip;q=0, zstd;q=0", ALTO_IDENTITY, ALTO_IDENTITY},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].accept_encoding ? cases[i].accept_encoding : "none");
        assert_int_equal(alto_coding_choose(cases[i].accept_encoding), cases[i].shared);
        assert_int_equal(alto_coding_choose_once(cases[i].accept_encoding, SOME), cases[i].once);
        assert_int_equal(alto_coding_choose_once(cases[i].accept_encoding, 1000), ALTO_IDENTITY);
        assert_int_equal(alto_coding_choose_once(cases[i].accept_encoding, 100 * SOME), ALTO_IDENTITY);
    }
    assert_true(alto_coding_allowed("zstd, gzip;q=0", ALTO_ZSTD));
    assert_false(alto_coding_allowed("zstd, gzip;q=0", ALTO_GZIP));
}

static void unpack(alto_coding coding, alto_slice packed, size_t size, alto_buffer *out)
{
    if (coding == ALTO_ZSTD) {
        assert_int_equal(alto_decompress(packed, size, out), ALTO_OK);
        return;
    }
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.size};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK); /* gzip, its checksum too */
    stream.next_out = alto_buffer_grow(out, size + 1);
    stream.avail_out = (uInt)size + 1;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    out->size -= stream.avail_out;
    inflateEnd(&stream);
}

static void a_text_in_any_coding_is_that_text(void **state)
{
    static const size_t sizes[] = {0, 1, 1400, 16384, SOME, 3000000};
    (void)state;
    for (size_t i = 0; i < countof(sizes); i++) {
        alto_buffer text = alto_buffer_make(1 << 22);
        while (text.size < sizes[i])
            alto_buffer_print(&text, "\"PID%zu\":%zu,", text.size * 7919 % 3001, text.size % 97);
        alto_slice part = alto_slice_of(text.data, sizes[i]);
        for (alto_coding coding = ALTO_GZIP; coding <= ALTO_ZSTD; coding++) {
            alto_buffer packed = alto_buffer_make(sizes[i] + 30), back = alto_buffer_make(1 << 22);
            assert_int_equal(alto_coding_pack(coding, part, &packed), ALTO_OK);
            assert_true(sizes[i] < 1400 || packed.size < sizes[i] / 2);
            unpack(coding, alto_buffer_slice(&packed), sizes[i], &back);
            assert_true(alto_slice_equal(alto_buffer_slice(&back), part));
            alto_buffer_fini(&packed);
            alto_buffer_fini(&back);
        }
        alto_buffer_fini(&text);
    }
}

static void a_buffer_that_is_too_small_is_told(void **state)
{
    char text[5000];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * i / 7);
    for (alto_coding coding = ALTO_IDENTITY; coding <= ALTO_ZSTD; coding++) {
        alto_buffer packed = alto_buffer_make(30);
        assert_int_equal(alto_coding_pack(coding, alto_slice_of(text, sizeof text), &packed), ALTO_TOO_LARGE);
        alto_buffer_fini(&packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_gets_what_it_likes_best),
        cmocka_unit_test(a_text_in_any_coding_is_that_text),
        cmocka_unit_test(a_buffer_that_is_too_small_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
