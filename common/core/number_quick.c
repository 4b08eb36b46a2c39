/* SPDX-License-Identifier: Apache-2.0 */
#include "core/number_quick.h"

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
