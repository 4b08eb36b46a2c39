/* SPDX-License-Identifier: Apache-2.0 */
/* number_quick.h - the text of 0, 0.001, 0.002 ... 999.999, which nearly all costs are: put together from two tables, for
 * loops that write many of them.
 *
 * Threads: none inside. */
#ifndef ALTO_NUMBER_QUICK_H
#define ALTO_NUMBER_QUICK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ALTO_QUICK_ROOM 11 /* bytes that may be written to, however many are meant */

#define ALTO_QUICK_BELOW 1000
#define ALTO_QUICK_PARTS 1000 /* of one */

/* Characters, then zeros; the last byte says how many characters. */
extern const char alto_quick_wholes[ALTO_QUICK_BELOW][4];    /* "0" to "999" */
extern const char alto_quick_fractions[ALTO_QUICK_PARTS][8]; /* "", ".001", ".002" ... ".01" ... ".999" */

/* Such a number as thousandths, of which the whole ones are apart. */
typedef struct {
    uint16_t whole; /* ALTO_QUICK_NONE: it is another number, or NaN */
    uint16_t parts;
} alto_quick;
#define ALTO_QUICK_NONE UINT16_MAX

/* Which of these values are such numbers? */
void alto_quick_split(const double *values, size_t count, alto_quick *out);

/* Write one that is; returns its end. The text is that of alto_number_format. */
static inline uint8_t *alto_quick_put(uint8_t *at, alto_quick number)
{
    const char *whole = alto_quick_wholes[number.whole], *fraction = alto_quick_fractions[number.parts];
    memcpy(at, whole, sizeof alto_quick_wholes[0]);
    at += whole[sizeof alto_quick_wholes[0] - 1];
    memcpy(at, fraction, sizeof alto_quick_fractions[0]);
    return at + fraction[sizeof alto_quick_fractions[0] - 1];
}

#endif
