/* SPDX-License-Identifier: Apache-2.0 */
/* keyring_change.h - the next manifest of a key directory: what it is to say (core/manifest_change.h), and its signatures.
 *
 * Where the root key lies in the directory (root.pem) and is enough, the manifest is signed and replaced at once. Otherwise it
 * is left as a draft, "manifest-<epoch>.<version>.draft", the bytes that are to be signed; holders of root keys sign it, each in his own place, and what they
 * signed is combined. No two private root keys are ever needed in one place.
 *
 * A manifest that brought new root keys goes into "roots" before it is replaced. Nothing else is ever changed or removed.
 * Every function fills *error when it fails; then the directory is as it was, but for what is said.
 *
 * Threads: one. */
#ifndef ALTO_KEYRING_CHANGE_H
#define ALTO_KEYRING_CHANGE_H

#include "io/keyring.h"

typedef struct {
    const char *directory;
    uint64_t now_ms;
    bool draft; /* leave signing to others, although one root key would be enough */
} alto_key_job;

typedef struct {
    alto_manifest manifest;
    bool is_draft; /* it lies in its draft, unsigned */
} alto_key_outcome;

/* Errors of all: those of reading, of manifest_change.h, and ALTO_CONFIG (root.pem is none of the root keys). */

/* The newest online key is good for `days`. */
alto_status alto_keyring_renew(const alto_key_job *job, uint64_t days, alto_key_outcome *out, alto_error *error);

/* When a new online key begins and the ones before it end. */
typedef struct {
    uint64_t lead_s, overlap_s; /* from now until it signs; from then until the others end */
    uint64_t days;              /* it is good for, from now */
    const alto_public_key *key; /* its public half; NULL: made now, in a file signing-<key ID>.pem, which is `made` */
    char made[64];
} alto_key_rotation;
/* Announce a new online key. Where the manifest cannot be written, its file is removed again. */
alto_status alto_keyring_rotate(const alto_key_job *job, alto_key_rotation *rotation, alto_key_outcome *out,
                                alto_error *error);

alto_status alto_keyring_revoke(const alto_key_job *job, const alto_key_id *id, alto_key_outcome *out,
                                alto_error *error);

/* The first manifest of the next epoch, above all that was ever signed. It names the online keys of the directory, or, where
 * there is none, a new one in signing.pem; that stays when the manifest cannot be written, and the next call takes it. */
alto_status alto_keyring_raise_epoch(const alto_key_job *job, uint64_t days, alto_key_outcome *out, alto_error *error);

/* Other root keys; always a draft, since old and new ones have to sign. */
alto_status alto_keyring_change_roots(const alto_key_job *job, unsigned threshold, const alto_public_key *roots,
                                      size_t root_count, alto_key_outcome *out, alto_error *error);

/* Sign a draft (or what others have signed) with a root key: made is a manifest file with this one signature, at `to`.
 * Errors: those of reading; ALTO_MALFORMED (no draft); ALTO_DUPLICATE (`to` is there). */
alto_status alto_keyring_sign(const char *draft, const char *root, const char *to, alto_manifest *manifest,
                              alto_error *error);
/* Where that belongs: beside the draft, "<draft>.<root key ID>". Errors: those of reading the key. */
alto_status alto_keyring_signed_name(const char *draft, const char *root, alto_buffer *name, alto_error *error);

/* Put the signatures of these files together: the manifest of the directory, when they are enough. Removes the draft.
 * Errors: those of alto_manifest_join and alto_manifest_open (ALTO_UNKNOWN_KEY: not enough signatures); ALTO_OLD (no newer than
 * the manifest that is there). */
alto_status alto_keyring_combine(const alto_key_job *job, const char *const *files, size_t count,
                                 alto_manifest *manifest, alto_error *error);

#endif
