/* SPDX-License-Identifier: Apache-2.0 */
/* z85.h - keys of CURVE as text: Z85 (ZeroMQ RFC 32), five characters for four bytes.
 *
 * Threads: none inside. */
#ifndef ALTO_Z85_H
#define ALTO_Z85_H

#include "core/bytes.h"

#define ALTO_CURVE_KEY_SIZE 32
#define ALTO_CURVE_KEY_TEXT 41 /* with NUL */

/* A public key of CURVE (Curve25519). */
typedef struct {
    uint8_t bytes[ALTO_CURVE_KEY_SIZE];
} alto_curve_key;

/* Write a key, public or secret, and NUL. */
void alto_z85_write(const uint8_t key[ALTO_CURVE_KEY_SIZE], char text[ALTO_CURVE_KEY_TEXT]);
/* Read one; false, and nothing is written, when `text` is not exactly that. */
bool alto_z85_read(alto_slice text, uint8_t key[ALTO_CURVE_KEY_SIZE]);

#endif
