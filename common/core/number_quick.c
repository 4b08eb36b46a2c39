/* SPDX-License-Identifier: Apache-2.0 */
#include "core/number_quick.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What stands before the last digit, and the bytes behind it: zeros and the number of characters. */
#define NINE_DIGITS(before, behind)                                                                                    \
    before "1" behind, before "2" behind, before "3" behind, before "4" behind, before "5" behind, before "6" behind,  \
        before "7" behind, before "8" behind, before "9" behind
#define TEN_DIGITS(before, behind) before "0" behind, NINE_DIGITS(before, behind)

#define HUNDRED_WHOLES(first)                                                                                          \
    TEN_DIGITS(first "0", "\3"), TEN_DIGITS(first "1", "\3"), TEN_DIGITS(first "2", "\3"),                             \
        TEN_DIGITS(first "3", "\3"), TEN_DIGITS(first "4", "\3"), TEN_DIGITS(first "5", "\3"),                         \
        TEN_DIGITS(first "6", "\3"), TEN_DIGITS(first "7", "\3"), TEN_DIGITS(first "8", "\3"),                         \
        TEN_DIGITS(first "9", "\3")

const char alto_quick_wholes[ALTO_QUICK_BELOW][4] = {
    TEN_DIGITS("", "\0\0\1"), TEN_DIGITS("1", "\0\2"), TEN_DIGITS("2", "\0\2"), TEN_DIGITS("3", "\0\2"),
    TEN_DIGITS("4", "\0\2"),  TEN_DIGITS("5", "\0\2"), TEN_DIGITS("6", "\0\2"), TEN_DIGITS("7", "\0\2"),
    TEN_DIGITS("8", "\0\2"),  TEN_DIGITS("9", "\0\2"), HUNDRED_WHOLES("1"),     HUNDRED_WHOLES("2"),
    HUNDRED_WHOLES("3"),      HUNDRED_WHOLES("4"),     HUNDRED_WHOLES("5"),     HUNDRED_WHOLES("6"),
    HUNDRED_WHOLES("7"),      HUNDRED_WHOLES("8"),     HUNDRED_WHOLES("9")};

/* Ten of them each: with a last digit 0 the number ends before it. */
#define TEN_FRACTIONS(two) "." two "\0\0\0\0\3", NINE_DIGITS("." two, "\0\0\0\4")
#define NINETY_FRACTIONS(first)                                                                                        \
    TEN_FRACTIONS(first "1"), TEN_FRACTIONS(first "2"), TEN_FRACTIONS(first "3"), TEN_FRACTIONS(first "4"),            \
        TEN_FRACTIONS(first "5"), TEN_FRACTIONS(first "6"), TEN_FRACTIONS(first "7"), TEN_FRACTIONS(first "8"),        \
        TEN_FRACTIONS(first "9")
#define HUNDRED_FRACTIONS(first)                                                                                       \
    "." first "\0\0\0\0\0\2", NINE_DIGITS("." first "0", "\0\0\0\4"), NINETY_FRACTIONS(first)

const char alto_quick_fractions[ALTO_QUICK_PARTS][8] = {
    "\0\0\0\0\0\0\0\0",     NINE_DIGITS(".00", "\0\0\0\4"), NINETY_FRACTIONS("0"),  HUNDRED_FRACTIONS("1"),
    HUNDRED_FRACTIONS("2"), HUNDRED_FRACTIONS("3"),         HUNDRED_FRACTIONS("4"), HUNDRED_FRACTIONS("5"),
    HUNDRED_FRACTIONS("6"), HUNDRED_FRACTIONS("7"),         HUNDRED_FRACTIONS("8"), HUNDRED_FRACTIONS("9")};

static alto_quick split(double value)
{
    static const alto_quick none = {.whole = ALTO_QUICK_NONE};
    if (!(value >= 0 && value < ALTO_QUICK_BELOW))
        return none;
    int32_t nearest = (int32_t)(value * ALTO_QUICK_PARTS + 0.5);
    if ((double)nearest / ALTO_QUICK_PARTS != value)
        return none;
    return (alto_quick){(uint16_t)(nearest / ALTO_QUICK_PARTS), (uint16_t)(nearest % ALTO_QUICK_PARTS)};
}

#ifdef __SSE2__
_Static_assert(sizeof(alto_quick) == sizeof(int32_t) && offsetof(alto_quick, whole) == 0, "a quick number is one word");

/* The thousandths of two values, rounded. Neither a negative value nor what does not fit 32 bits (that becomes the least of them) has
 * thousandths from 0 on that are *equal to it. */
static inline __m128i round_two(__m128d value, __m128d *equal)
{
    const __m128d parts = _mm_set1_pd(ALTO_QUICK_PARTS);
    __m128i nearest = _mm_cvttpd_epi32(_mm_add_pd(_mm_mul_pd(value, parts), _mm_set1_pd(0.5)));
    *equal = _mm_cmpeq_pd(_mm_div_pd(_mm_cvtepi32_pd(nearest), parts), value);
    return nearest;
}

static __m128i split_four(const double *values)
{
    const __m128i below = _mm_set1_epi32(ALTO_QUICK_BELOW * ALTO_QUICK_PARTS);
    __m128d low = _mm_loadu_pd(values), high = _mm_loadu_pd(values + 2), low_equal, high_equal;
    __m128i low_nearest = round_two(low, &low_equal), high_nearest = round_two(high, &high_equal);
    __m128i nearest = _mm_unpacklo_epi64(low_nearest, high_nearest);
    __m128i whole = _mm_unpacklo_epi64(_mm_cvttpd_epi32(low), _mm_cvttpd_epi32(high));
    __m128i rest = _mm_sub_epi16(nearest, _mm_mullo_epi16(whole, _mm_set1_epi32(ALTO_QUICK_PARTS)));
    __m128i equal = _mm_castps_si128(_mm_shuffle_ps(_mm_castpd_ps(low_equal), _mm_castpd_ps(high_equal), 0x88));
    __m128i fits = _mm_andnot_si128(_mm_cmplt_epi32(nearest, _mm_setzero_si128()), _mm_cmplt_epi32(nearest, below));
    __m128i none = _mm_andnot_si128(_mm_and_si128(equal, fits), _mm_set1_epi32(ALTO_QUICK_NONE));
    return _mm_or_si128(_mm_or_si128(whole, _mm_slli_epi32(rest, 16)), none);
}
#endif

void alto_quick_split(const double *values, size_t count, alto_quick *out)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 4 <= count; i += 4)
        _mm_storeu_si128((__m128i *)(void *)&out[i], split_four(&values[i]));
#endif
    for (; i < count; i++)
        out[i] = split(values[i]);
}
