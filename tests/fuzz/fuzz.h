/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what the fuzz targets have in common: how a broken promise ends a run, how bytes become choices, and how
 * much memory something took.
 *
 * A target is one file, fuzz_<name>.c, with one function, fuzz_one(). It may use the support of the unit tests: an assertion of
 * that which fails ends the run like a broken promise.
 *
 * Threads: none inside. */
#ifndef FUZZ_H
#define FUZZ_H

#include "core/bytes.h"

/* The target: whatever the bytes are, it returns. They are an allocation of their own, so that reading beyond them is seen. */
void fuzz_one(alto_slice input);

/* What has to be so whatever the input is. If it is not the run ends here, and the input is a finding. */
#define fuzz_check(promise)                                                                                            \
    do {                                                                                                               \
        if (!(promise))                                                                                                \
            fuzz_broken(__FILE__, __LINE__, #promise);                                                                 \
    } while (0)
_Noreturn void fuzz_broken(const char *file, int line, const char *promise);

/* ---- choices: at the end of the input all of them are zero, or empty ---- */

/* 0 <= result < bound, bound > 0; takes a byte, or two where bound is above 256. */
unsigned fuzz_below(alto_reader *in, unsigned bound);
static inline bool fuzz_flag(alto_reader *in)
{
    return alto_reader_u8(in) & 1;
}
/* The next bytes, as many as the two before them say, or as there are: in an allocation of their own, until fuzz_one() returns. */
alto_slice fuzz_part(alto_reader *in);
/* All that is left, likewise. */
alto_slice fuzz_rest(alto_reader *in);
/* Bytes likewise, up to the first NUL, and then a NUL. */
const char *fuzz_text(alto_slice bytes);

/* ---- memory ---- */

/* Measure from here on how much more is allocated than now. */
void fuzz_memory_begin(void);
/* The most bytes since then. 0, without an address sanitizer to ask. */
size_t fuzz_memory_most(void);

#endif
