/* SPDX-License-Identifier: Apache-2.0 */
/* columns.h - columns of whole numbers in the smallest of several codings.
 *
 * A column of n *numbers* (bits.h; n is known to both sides and not written):
 *
 *   n = 0   nothing
 *   n = 1   the number of order 3
 *   n > 1   3 bits of mode, then
 *     CONSTANT  the value, order 3
 *     RICE      5 bits k; each value: value >> k ones and a zero, then k bits. From 24 ones on:
 *               24 ones, 6 bits width - 1, width bits of value
 *     GOLOMB    6 bits k; each value as a number of order k
 *     CLASS0, CLASS1, CLASS2
 *               m = 0, 1, 2 leading bits after the first one make, with the width, the class of a value; the rest
 *               are raw bits. Classes have a canonical Huffman code of at most 12 bits, described before the values
 *     RUNS      number of runs - 1 (order 3), then two columns: their values, their lengths - 1. Not inside of RUNS
 *     PACKED    size of the varints (order 8), size of the zstd frame (order 8), zero bits up to a whole byte, the
 *               zstd frame of the values as varints
 *
 * All values are less than 2^63.
 *
 * Threads: none inside. */
#ifndef ALTO_COLUMNS_H
#define ALTO_COLUMNS_H

#include "core/bits.h"

#define ALTO_COLUMN_MAX ALTO_BITS_NUMBER_MAX /* the greatest value of a column */

/* Write a column; values at most ALTO_COLUMN_MAX. Errors (also in the buffer): ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_column_write(alto_bit_writer *self, const uint64_t *values, size_t count);
/* About how many bits alto_column_write would need (PACKED is not tried), for a choice between two forms. */
uint64_t alto_column_bits(const uint64_t *values, size_t count);
/* Read a column of `count` values, for which the caller has room. Errors stick in the reader. */
void alto_column_read(alto_bit_reader *self, uint64_t *values, size_t count);

#endif
