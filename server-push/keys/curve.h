/* SPDX-License-Identifier: Apache-2.0 */
/* curve.h - alto-keys curve: a key pair for encrypted push.
 *
 * Threads: one. */
#ifndef KEYS_CURVE_H
#define KEYS_CURVE_H

int run_curve(int argc, char **argv); /* the exit code */

#endif
