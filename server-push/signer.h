/* SPDX-License-Identifier: Apache-2.0 */
/* signer.h - what the key directory holds at one moment: the anchor and the root sets after it, the manifest, and the private
 * online keys. Read once, never changed; what comes after is another one.
 *
 * Threads: one. */
#ifndef SIGNER_H
#define SIGNER_H

#include "core/roots.h"
#include "io/keyring.h"

typedef struct {
    alto_anchor anchor;
    alto_roots roots;       /* from the anchor on */
    alto_manifest manifest; /* accepted by the newest root set */
    alto_buffer manifest_file;
    alto_key_set online;
} signer;

/* Errors: those of reading (keyring.h); ALTO_EXPIRED and ALTO_FUTURE of the manifest; ALTO_UNKNOWN_KEY (the manifest names
 * none of the keys); ALTO_EXPIRED (none of them is valid now). */
alto_status signer_read(const char *directory, uint64_t now_ms, signer **out, alto_error *error);
void signer_destroy(signer **self);

/* Until when something can be signed: with the key that is good for longest, and no longer than the manifest. */
uint64_t signer_good_until_ms(const signer *self);

#endif
