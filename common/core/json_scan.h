/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h - the inner loop of reading JSON strings.
 *
 * Threads: none inside. */
#ifndef ALTO_JSON_SCAN_H
#define ALTO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
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

/* At `at`, where a string has ended: the bytes up to the next one's quote, if these are a comma and perhaps one space, as most
 * writers of JSON have it; otherwise 0. */
static inline size_t alto_json_plain_comma(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 3 || at[0] != ',')
        return 0;
    size_t size = at[1] == ' ' ? 2 : 1;
    return at[size] == '"' ? size : 0;
}

#endif
