/* SPDX-License-Identifier: Apache-2.0 */
/* keyring.h - the key directory of an origin: root.pem, root.pub.pem,
 * signing.pem, manifest (docs/wire-format.md says what is in them).
 *
 * Every function fills *error (which must be there) when it fails: `where` is the file, `why` a sentence. Nothing that existed is changed then.
 *
 * Threads: one. */
#ifndef ALTO_KEYRING_H
#define ALTO_KEYRING_H

#include "core/manifest.h"

#define ALTO_KEYRING_ROOT "root.pem"
#define ALTO_KEYRING_ANCHOR "root.pub.pem"
#define ALTO_KEYRING_ONLINE "signing.pem"
#define ALTO_KEYRING_MANIFEST "manifest"

/* The whole of a file of at most out->max_size bytes. `directory` may be NULL: then `name` is the path.
 * Errors: ALTO_NOT_FOUND, ALTO_IO, ALTO_TOO_LARGE, ALTO_NO_MEMORY. */
alto_status alto_keyring_read(const char *directory, const char *name, alto_buffer *out, alto_error *error);
#define ALTO_SECRET_MAX 4096 /* bytes of a file with a secret */
/* A secret: the first line of a file, NUL-terminated at out->data; wipe it afterwards. Errors: as above; ALTO_CONFIG (empty). */
alto_status alto_keyring_read_secret(const char *file, alto_buffer *out, alto_error *error);

/* Write a file that is not there yet, durably; a secret is for its owner alone (0600).
 * Errors: ALTO_DUPLICATE (it is there), ALTO_NOT_FOUND (its directory is not), ALTO_IO. */
alto_status alto_keyring_write_new(const char *to, bool secret, alto_slice content, alto_error *error);

/* Make a new root key, online key, anchor and manifest in `directory`, which is made when absent. Existing files are
 * never overwritten: when one of the four is there, ALTO_DUPLICATE. Other errors: ALTO_IO, ALTO_NO_MEMORY.
 * The online key is valid for `days` from now_ms. *manifest: what was made. */
alto_status alto_keyring_make(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                              alto_error *error);

/* Errors: those of reading, and of alto_anchor_from_pem. */
alto_status alto_keyring_read_anchor(const char *directory, const char *name, alto_anchor *anchor, alto_error *error);
/* Errors: those of reading, and of alto_signing_key_from_pem. */
alto_status alto_keyring_read_key(const char *directory, const char *name, alto_signing_key **key, alto_error *error);
/* Checked against an anchor. Errors: those of reading, and of alto_manifest_open; ALTO_EXPIRED and ALTO_FUTURE leave
 * *manifest filled. */
alto_status alto_keyring_read_manifest(const char *directory, const alto_anchor *anchor, uint64_t now_ms,
                                       alto_manifest *manifest, alto_error *error);

/* Replace the manifest by its next version, in which the online key is valid for `days` from now_ms; it is that
 * of signing.pem, or, where that is elsewhere, the only one in the manifest. *manifest: what was made. */
alto_status alto_keyring_renew(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                               alto_error *error);

/* Replace the manifest by the first one of the next epoch, above all that was ever signed. It names one online key, valid
 * for `days` from now_ms: that of signing.pem, or a new one, which is written there, where that file is absent.
 * *manifest: what was made. When only the manifest cannot be written, a new key stays, and the next call takes it. */
alto_status alto_keyring_raise_epoch(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                                     alto_error *error);

#endif
