/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h - the inner loop of reading JSON strings.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_SCAN_H
#define ALTO_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool alto_json_byte_is_plain(uint8_t byte)
{
    return byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The first byte from `at` on that is not ASCII which stands for itself within a string: its closing quote, mostly. `end` when there is
 * none. */
static inline const uint8_t *alto_json_plain_end(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')); /* what is not ASCII is negative */
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        unsigned where = (unsigned)_mm_movemask_epi8(odd);
        if (where)
            return at + __builtin_ctz(where);
    }
#endif
    while (at < end && alto_json_byte_is_plain(*at))
        at++;
    return at;
}

#endif
