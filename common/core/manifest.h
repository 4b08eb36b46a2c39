/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.h - who may sign for an origin: the root keys say which online keys
 * sign its commits and heads, and when. Fields and their order: docs/wire-format.md.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_MANIFEST_H
#define ALTO_MANIFEST_H

#include "core/crypto.h"

/* The name of an origin: the digest of its first root key set. */
typedef alto_hash alto_origin;
alto_origin alto_origin_of(unsigned threshold, const alto_public_key *roots, size_t count); /* keys in any order */

typedef struct {
    alto_public_key key;
    uint64_t not_before_ms, not_after_ms; /* of what it signs: not_before <= issued_at < not_after */
} alto_online_key;

/* Which online keys sign for an origin. */
typedef struct {
    alto_origin origin;
    uint32_t epoch, version;
    uint64_t issued_at_ms, not_after_ms;
    unsigned threshold; /* 1..root_count */
    size_t root_count;
    alto_public_key roots[ALTO_MAX_KEYS]; /* all different; written and read in ascending order */
    size_t online_count;
    alto_online_key online[ALTO_MAX_KEYS]; /* all different; written and read in ascending order */
    uint64_t max_pushed_payload;           /* limits: bytes; larger payloads are announced only */
} alto_manifest;

/* Append the bytes of a manifest without signatures. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE, ALTO_INVALID (a field
 * that no decoder would accept). */
alto_status alto_manifest_encode(const alto_manifest *manifest, alto_buffer *out);
/* Errors: ALTO_MALFORMED, ALTO_WRONG_TYPE, ALTO_TOO_LARGE, ALTO_NO_MEMORY; *out is undefined then. */
alto_status alto_manifest_decode(alto_slice bytes, alto_manifest *out);

/* Append the manifest file: object, then one (8-byte root key id, 64-byte signature) for each signer, then their
 * number in one byte. count: 1..ALTO_MAX_KEYS. Errors as alto_manifest_encode. */
alto_status alto_manifest_sign(const alto_manifest *manifest, const alto_signing_key *const *roots, size_t count,
                               alto_buffer *out);
/* Append the manifest file that has the object of all these files, which must be one, and the signers of each, once.
 * Errors: ALTO_INVALID (different objects), ALTO_TOO_LARGE (too many signers), ALTO_NO_MEMORY, and those of splitting. */
alto_status alto_manifest_join(const alto_slice *files, size_t count, alto_buffer *out);
/* The two parts of a manifest file, borrowed: what is signed, and the signers (72 bytes each). Errors: ALTO_MALFORMED,
 * ALTO_TOO_LARGE. */
alto_status alto_manifest_split(alto_slice file, alto_slice *object, alto_slice *signers);
/* What a manifest file says, whoever signed it. Errors: those of splitting and decoding; *out is undefined then. */
alto_status alto_manifest_read(alto_slice file, alto_manifest *out);
/* Which manifest comes first, by epoch and version: below, equal to or above 0 as `manifest` is before, at or after that. */
int alto_manifest_compare(const alto_manifest *manifest, uint32_t epoch, uint32_t version);

/* What a replica is given to trust: the origin's name and its root keys. */
typedef struct {
    alto_origin origin;
    unsigned threshold;
    size_t root_count;
    alto_public_key roots[ALTO_MAX_KEYS];
} alto_anchor;

/* An anchor from the text of a root.pub.pem: all its keys, the line "altocast-threshold: N" (1 when absent; refused
 * when absent and there are several keys), and the line "altocast-origin: HEX", which may be absent.
 * Errors: ALTO_MALFORMED, ALTO_TOO_LARGE (too many keys), ALTO_WRONG_ORIGIN (the line names another than the keys have). */
alto_status alto_anchor_from_pem(alto_slice pem, alto_anchor *out);
/* Append such a text, with both lines. */
void alto_anchor_pem(const alto_anchor *anchor, alto_buffer *out);

/* Check a manifest file, of which alto_manifest_read() made `manifest`, against an anchor: signed by as many keys of the anchor as
 * its threshold says, and by as many of the manifest's own root keys as its own says. now_ms: wall clock.
 * Errors     ALTO_WRONG_ORIGIN, ALTO_UNKNOWN_KEY (too few known signers), ALTO_BAD_SIGNATURE; then ALTO_EXPIRED,
 *            ALTO_FUTURE */
alto_status alto_manifest_check(alto_slice file, const alto_manifest *manifest, const alto_anchor *anchor,
                                uint64_t now_ms);
/* Read and check it. Errors: those of both; with ALTO_EXPIRED and ALTO_FUTURE *out is filled all the same, to tell people about
 * it. */
alto_status alto_manifest_open(alto_slice file, const alto_anchor *anchor, uint64_t now_ms, alto_manifest *out);

/* How pressing it is to renew what is good until then: 0 not yet, 1 from 30 days before, 2 from 7 days before, 3 too late. */
unsigned alto_key_urgency(uint64_t good_until_ms, uint64_t now_ms);
#define ALTO_DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

/* What the manifest says of that online key, borrowed; NULL: nothing. */
const alto_online_key *alto_manifest_named(const alto_manifest *manifest, const alto_public_key *key);
/* The online key with that ID that is valid at issued_at_ms, borrowed; NULL when there is none. */
const alto_public_key *alto_manifest_key(const alto_manifest *manifest, const alto_key_id *id, uint64_t issued_at_ms);

#endif
