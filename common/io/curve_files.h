/* SPDX-License-Identifier: Apache-2.0 */
/* curve_files.h - the files of CURVE's keys: ZeroMQ certificates, as czmq, pyzmq and `alto-keys curve` write them. NAME.key
 * has the public half, for others; NAME.key_secret has both and is for its owner's eyes (0600).
 *
 * Every function fills *error (which must be there) when it fails: `where` is the file, `why` a sentence.
 *
 * Threads: any. */
#ifndef ALTO_CURVE_FILES_H
#define ALTO_CURVE_FILES_H

#include "core/crypto.h"

/* Make a key pair, and of it name.key and name.key_secret. Errors: ALTO_DUPLICATE (one of them is there: nothing is
 * overwritten), ALTO_IO, ALTO_NO_MEMORY. */
alto_status alto_curve_files_make(const char *name, alto_curve_key *public_half, alto_error *error);

/* A key pair from its secret file. Errors: ALTO_NOT_FOUND, ALTO_IO, ALTO_TOO_LARGE, ALTO_NO_MEMORY; ALTO_CONFIG (others than
 * its owner may read it, no certificate, halves that do not belong together). */
alto_status alto_curve_files_pair(const char *file, alto_curve_pair **out, alto_error *error);
/* The pair that is in the file now, where that is another one than `held`; otherwise *out is NULL. Errors: as above. */
alto_status alto_curve_files_another_pair(const char *file, const alto_curve_pair *held, alto_curve_pair **out,
                                          alto_error *error);
/* The public key in a certificate of either kind. Errors: ALTO_NOT_FOUND, ALTO_IO, ALTO_TOO_LARGE, ALTO_NO_MEMORY,
 * ALTO_CONFIG (no certificate). */
alto_status alto_curve_files_public(const char *file, alto_curve_key *out, alto_error *error);

/* Peers that are let in. */
#define ALTO_CURVE_PEERS_MAX 16384
#define ALTO_CURVE_NAME_SIZE 64 /* with NUL */
typedef struct {
    alto_curve_key key;
    char name[ALTO_CURVE_NAME_SIZE];
} alto_curve_peer;
typedef struct {
    alto_curve_peer *items; /* in the order of their keys; of one key that was there twice, both */
    size_t count;
} alto_curve_peers;
/* From a directory, all certificates NAME.key in it; from a file, lines "NAME KEY", where # begins a comment line. A name
 * is 1 to 63 of A-Z, a-z, 0-9, '-', '_', '.' and '@', and does not begin with '.'.
 * Errors: as alto_curve_files_public, of any of them (ALTO_CONFIG: a line that is neither); ALTO_TOO_LARGE (too many). */
alto_status alto_curve_files_peers(const char *path, alto_curve_peers *out, alto_error *error);
void alto_curve_peers_fini(alto_curve_peers *self);
/* NULL: not among them. */
const alto_curve_peer *alto_curve_peers_find(const alto_curve_peers *self, const alto_curve_key *key);

#endif
