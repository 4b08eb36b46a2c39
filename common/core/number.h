/* SPDX-License-Identifier: Apache-2.0 */
/* number.h - JSON numbers and IEEE 754 doubles.
 *
 * Writing is the shortest decimal that reads back as the same double, in
 * ECMAScript form (RFC 8785 3.2.2.3). Neither direction depends on the locale.
 * Both have a fast path for the decimals of real maps; it falls back to the C
 * library. Threads: none inside. */
#ifndef ALTO_NUMBER_H
#define ALTO_NUMBER_H

#include "core/bytes.h"

#define ALTO_NUMBER_TEXT 32 /* room for any double as text, NUL included */

/* Read a JSON number (RFC 8259 6). -0 becomes 0; underflow becomes 0 or a subnormal.
 * Errors: ALTO_SYNTAX (not a JSON number), ALTO_INVALID (overflow: not finite). */
alto_status alto_number_parse(alto_slice text, double *value);
/* The same for a number at the beginning of `text`; it has *size bytes. */
alto_status alto_number_read(alto_slice text, double *value, size_t *size);

/* Write a finite double; returns the length, without NUL (one is written). */
size_t alto_number_format(double value, char text[ALTO_NUMBER_TEXT]);

/* The length of that text, without making it where it is a plain decimal. *decimals is a guess that is kept up to date: how many
 * decimals the numbers before had; begin with 0. */
size_t alto_number_size(double value, unsigned *decimals);
/* The lengths of many of them together, in less time than one by one; their guess is shared. */
uint64_t alto_numbers_size(const double *values, size_t count, unsigned *decimals);

/* The canonical text of a JSON number in a document: as alto_number_format when the
 * double carries the literal exactly, otherwise the literal normalised (no '+', no leading
 * or trailing zeros, digits and a decimal exponent such as "12345678901234567890" or "1.5e400"): equal values give equal texts.
 * Appends to `out`. Errors: ALTO_SYNTAX, ALTO_TOO_LARGE (an exponent of more than 9 digits). */
alto_status alto_number_canonical(alto_slice text, alto_buffer *out);

/* value as integer / 10^decimals exactly (so that the division gives back the very same double),
 * |integer| < 2^53, decimals 0..9, the fewest decimals possible. false when there is none. */
bool alto_number_decimal(double value, int64_t *integer, unsigned *decimals);
/* The inverse: integer / 10^decimals, decimals 0..9. Never -0. */
double alto_number_from_decimal(int64_t integer, unsigned decimals);

#endif
