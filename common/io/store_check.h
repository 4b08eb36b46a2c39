/* SPDX-License-Identifier: Apache-2.0 */
/* store_check.h - may LMDB map this file?
 *
 * LMDB believes what it maps: a page number or a length that a cut, a torn write or a flipped bit made wrong ends in a crash. So
 * the file is read before, as its format says (data format 1, of LMDB 0.9): every page that the newest transaction
 * reaches must lie in the file, be of the kind expected there, be reached once, and keep to its bounds; the lists of free pages must be in their
 * order. What keys and values say otherwise is not looked at; the book knows that by its roots. LMDB leaves the pages of the transaction before alone, so when the
 * newest is not sound, that one takes its place.
 *
 * Reads the pages with keys, and of a large value the first bytes only.
 *
 * Threads: any; nobody else may have the file open for writing. */
#ifndef ALTO_STORE_CHECK_H
#define ALTO_STORE_CHECK_H

typedef enum {
    ALTO_CHECK_SOUND,    /* or absent, or empty, or of a data format that is for LMDB to judge */
    ALTO_CHECK_CUT_BACK, /* was not; now the transaction before is the newest one */
    ALTO_CHECK_DAMAGED   /* nothing sound in it */
} alto_check_verdict;

/* Returns 0 and the verdict, or an errno: the file cannot be read (or mended), or ENOMEM. */
int alto_store_check(const char *path, alto_check_verdict *verdict);

#endif
