/* SPDX-License-Identifier: Apache-2.0 */
/* zstd frames: any bytes give exactly the size that was asked for, or nothing beyond it; what was compressed or stored comes back.
 *
 * Longest input: 4096. */
#include "core/compress.h"
#include "fuzz.h"

enum { LARGEST = 1 << 20, CONTEXT = 1 << 20 }; /* CONTEXT: bytes that libzstd wants for any frame */

static const char before[] = "what was there before";

static void check_packed(alto_slice packed, size_t raw_size)
{
    alto_buffer out = alto_buffer_make(LARGEST);
    alto_buffer_add_text(&out, before);
    fuzz_memory_begin();
    alto_status status = alto_decompress(packed, raw_size, &out);
    fuzz_check(fuzz_memory_most() <= 2 * (raw_size + sizeof before) + CONTEXT);
    fuzz_check(status == ALTO_OK || status == ALTO_MALFORMED || status == ALTO_BOMB || status == ALTO_TOO_LARGE);
    if (status == ALTO_OK)
        fuzz_check(out.size == strlen(before) + raw_size);
    fuzz_check(memcmp(out.data, before, strlen(before)) == 0);
    alto_buffer_fini(&out);
}

/* `packed` is a text of `raw`, at least as it was made. */
static void check_text(alto_slice packed, alto_slice raw)
{
    alto_buffer out = alto_buffer_make(LARGEST);
    fuzz_check(alto_decompress(packed, raw.size, &out) == ALTO_OK);
    fuzz_check(alto_slice_equal(alto_buffer_slice(&out), raw));
    alto_buffer_fini(&out);
    check_packed(packed, raw.size + 1);
    if (raw.size > 0)
        check_packed(packed, raw.size - 1);
}

static void check_raw(alto_reader *in, int level)
{
    alto_buffer packed = alto_buffer_make(LARGEST), again = alto_buffer_make(LARGEST);
    alto_slice raw = fuzz_rest(in);
    fuzz_check(alto_compress(raw, level, &packed) == ALTO_OK && alto_compress(raw, level, &again) == ALTO_OK);
    fuzz_check(alto_slice_equal(alto_buffer_slice(&packed), alto_buffer_slice(&again)));
    check_text(alto_buffer_slice(&packed), raw);
    alto_buffer_clear(&packed);
    alto_frame_store(&packed, raw);
    fuzz_check(packed.status == ALTO_OK && packed.size <= raw.size + ALTO_FRAME_STORED * (1 + raw.size / 1024));
    alto_buffer_fini(&packed);
    alto_buffer_fini(&again);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    unsigned number = fuzz_below(&in, 65536);
    if (fuzz_flag(&in))
        check_raw(&in, 1 + (int)(number % 4));
    else
        check_packed(fuzz_rest(&in), number);
}
