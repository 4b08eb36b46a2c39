/* SPDX-License-Identifier: Apache-2.0 */
/* keyring.h - the key directory of an origin: root.pem, root.pub.pem, signing*.pem, manifest and roots
 * (docs/wire-format.md says what is in them).
 *
 * Every function fills *error (which must be there) when it fails: `where` is the file, `why` a sentence. Nothing that existed is changed then.
 *
 * Threads: one. */
#ifndef ALTO_KEYRING_H
#define ALTO_KEYRING_H

#include "core/roots.h"

#define ALTO_KEYRING_ROOT "root.pem"
#define ALTO_KEYRING_ANCHOR "root.pub.pem"
#define ALTO_KEYRING_ONLINE "signing.pem"
#define ALTO_KEYRING_MANIFEST "manifest"
#define ALTO_KEYRING_ROOTS "roots"
/* The file of a manifest that is to be signed: "manifest-<epoch>.<version>.draft". */
typedef struct {
    char text[48];
} alto_draft_name;
alto_draft_name alto_keyring_draft_name(const alto_manifest *manifest);

/* The whole of a file of at most out->max_size bytes. `directory` may be NULL: then `name` is the path.
 * Errors: ALTO_NOT_FOUND, ALTO_IO, ALTO_TOO_LARGE, ALTO_NO_MEMORY. */
alto_status alto_keyring_read(const char *directory, const char *name, alto_buffer *out, alto_error *error);
#define ALTO_SECRET_MAX 4096 /* bytes of a file with a secret */
/* A secret: the first line of a file, NUL-terminated at out->data; wipe it afterwards. Errors: as above; ALTO_CONFIG (empty). */
alto_status alto_keyring_read_secret(const char *file, alto_buffer *out, alto_error *error);

/* Make a new root key, online key, anchor and manifest in `directory`, which is made when absent. Existing files are
 * never overwritten: when one of the four is there, ALTO_DUPLICATE. Other errors: ALTO_IO, ALTO_NO_MEMORY.
 * The online key is valid for `days` from now_ms. *manifest: what was made. */
alto_status alto_keyring_make(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                              alto_error *error);

/* The same for root keys that others hold, of which `threshold` have to sign: an anchor, an online key, and a
 * draft of the manifest, for keyring_change.h. Errors also: ALTO_INVALID, ALTO_TOO_LARGE. */
alto_status alto_keyring_make_shared(const char *directory, unsigned threshold, const alto_public_key *roots,
                                     size_t root_count, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                                     alto_error *error);

/* Make a key: its private half, and its public half beside it. Never over an existing file: ALTO_DUPLICATE. */
alto_status alto_keyring_new_key(const char *private_file, const char *public_file, alto_public_key *made,
                                 alto_error *error);

/* Errors: those of reading, and of alto_anchor_from_pem. */
alto_status alto_keyring_read_anchor(const char *directory, const char *name, alto_anchor *anchor, alto_error *error);
/* Errors: those of reading, and of alto_signing_key_from_pem; ALTO_CONFIG when others than owner and group may read it, or
 * others than the owner may write it. */
alto_status alto_keyring_read_key(const char *directory, const char *name, alto_signing_key **key, alto_error *error);

/* The private online keys of a directory. */
typedef struct {
    size_t count;
    alto_signing_key *keys[ALTO_MAX_KEYS]; /* owned */
} alto_key_set;
void alto_key_set_fini(alto_key_set *self);
/* All files named signing*.pem. Errors: ALTO_NOT_FOUND (none), ALTO_TOO_LARGE, and those of alto_keyring_read_key. */
alto_status alto_keyring_read_online(const char *directory, alto_key_set *out, alto_error *error);

/* The anchor, and the root sets after it, which the file "roots" leads to; where that is absent there are none. End *roots with
 * alto_roots_fini in any case (it must be zero before). Errors: those of reading, and of alto_roots_walk. */
alto_status alto_keyring_read_roots(const char *directory, uint64_t now_ms, alto_anchor *anchor, alto_roots *roots,
                                    alto_error *error);
/* Checked against an anchor, or the newest root set. Errors: those of reading, and of alto_manifest_open; ALTO_EXPIRED and ALTO_FUTURE leave
 * *manifest filled. */
alto_status alto_keyring_read_manifest(const char *directory, const alto_anchor *anchor, uint64_t now_ms,
                                       alto_manifest *manifest, alto_error *error);

#endif
