/* SPDX-License-Identifier: Apache-2.0 */
/* number_quick.h - the text of 0, 0.001, 0.002 ... 999.999, which nearly all costs are: put together from two tables, for
 * loops that write many of them.
 *
 * Threads: none inside. */
#ifndef ALTO_NUMBER_QUICK_H
#define ALTO_NUMBER_QUICK_H

#include <stdint.h>
#include <string.h>

#define ALTO_QUICK_ROOM 11 /* bytes that may be written to, however many are meant */

#define ALTO_QUICK_BELOW 1000
#define ALTO_QUICK_PARTS 1000 /* of one */

/* Characters, then zeros; the last byte says how many characters. */
extern const char alto_quick_wholes[ALTO_QUICK_BELOW][4];    /* "0" to "999" */
extern const char alto_quick_fractions[ALTO_QUICK_PARTS][8]; /* "", ".001", ".002" ... ".01" ... ".999" */

/* Write such a number; returns its end, or NULL for any other, NaN included. The text is that of alto_number_format. */
static inline uint8_t *alto_quick_put(uint8_t *at, double value)
{
    if (!(value >= 0 && value < ALTO_QUICK_BELOW))
        return NULL;
    uint32_t parts = (uint32_t)(int32_t)(value * ALTO_QUICK_PARTS + 0.5);
    if ((double)(int32_t)parts / ALTO_QUICK_PARTS != value)
        return NULL;
    const char *whole = alto_quick_wholes[parts / ALTO_QUICK_PARTS];
    const char *fraction = alto_quick_fractions[parts % ALTO_QUICK_PARTS];
    memcpy(at, whole, sizeof alto_quick_wholes[0]);
    at += whole[sizeof alto_quick_wholes[0] - 1];
    memcpy(at, fraction, sizeof alto_quick_fractions[0]);
    return at + fraction[sizeof alto_quick_fractions[0] - 1];
}

#endif
