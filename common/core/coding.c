/* SPDX-License-Identifier: Apache-2.0 */
#include "core/coding.h"

#include "core/compress.h"
#include "core/gzip.h"
#include "core/http_accept.h"

enum {
    PACK_LEAST = 1400,   /* bytes: less goes out in one packet, whatever its coding */
    PACK_MOST = 8388608, /* gzip takes 70 ms for them, and no other request to that thread is answered meanwhile */
    QUICK = 1
};

const char *alto_coding_name(alto_coding coding)
{
    static const char *const names[] = {[ALTO_IDENTITY] = "identity", [ALTO_GZIP] = "gzip", [ALTO_ZSTD] = "zstd"};
    return names[coding];
}

bool alto_coding_allowed(const char *accept_encoding, alto_coding coding)
{
    return alto_http_coding_quality(accept_encoding, alto_coding_name(coding)) > 0;
}

/* The first of those that are liked best. */
static alto_coding choose(const char *accept_encoding, const alto_coding by_choice[ALTO_CODINGS])
{
    alto_coding best = ALTO_IDENTITY;
    int most = 0;
    for (size_t i = 0; i < ALTO_CODINGS; i++) {
        int quality = alto_http_coding_quality(accept_encoding, alto_coding_name(by_choice[i]));
        if (quality > most) {
            most = quality;
            best = by_choice[i];
        }
    }
    return best;
}

alto_coding alto_coding_choose(const char *accept_encoding)
{
    static const alto_coding by_choice[ALTO_CODINGS] = {ALTO_GZIP, ALTO_ZSTD, ALTO_IDENTITY};
    return choose(accept_encoding, by_choice);
}

alto_coding alto_coding_choose_once(const char *accept_encoding, uint64_t size)
{
    static const alto_coding by_choice[ALTO_CODINGS] = {ALTO_ZSTD, ALTO_GZIP, ALTO_IDENTITY};
    return size < PACK_LEAST || size > PACK_MOST ? ALTO_IDENTITY : choose(accept_encoding, by_choice);
}

alto_status alto_coding_pack(alto_coding coding, alto_slice text, alto_buffer *out)
{
    if (coding == ALTO_GZIP)
        return alto_gzip(text, QUICK, out);
    if (coding == ALTO_ZSTD)
        return alto_compress(text, QUICK, out);
    alto_buffer_add_slice(out, text);
    return out->status;
}
