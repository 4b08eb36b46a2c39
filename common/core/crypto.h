/* SPDX-License-Identifier: Apache-2.0 */
/* crypto.h - digests, short hashes and Ed25519; crypto.c is the only file that
 * knows libsodium.
 *
 * Threads: alto_crypto_init() once before anything else (it may be called
 * again); all other functions may run in any thread. */
#ifndef ALTO_CRYPTO_H
#define ALTO_CRYPTO_H

#include "core/bytes.h"
#include "core/limits.h"
#include "core/z85.h"

/* BLAKE2b-256. */
typedef struct {
    uint8_t bytes[ALTO_HASH_SIZE];
} alto_hash;

static inline bool alto_hash_equal(const alto_hash *a, const alto_hash *b)
{
    return memcmp(a->bytes, b->bytes, ALTO_HASH_SIZE) == 0;
}

/* For secrets: takes equally long wherever they differ. */
bool alto_equal_in_constant_time(const void *a, const void *b, size_t size);

/* Prepare the library. Errors: ALTO_IO when the system gives no randomness. */
alto_status alto_crypto_init(void);

/* Streaming BLAKE2b-256; every use begins with a domain: a short text that
 * no other use shares, hashed with its NUL. */
typedef struct {
    _Alignas(64) unsigned char opaque[384];
} alto_hasher;
void alto_hasher_init(alto_hasher *self, const char *domain);
void alto_hasher_add(alto_hasher *self, const void *data, size_t size);
void alto_hasher_add_u32(alto_hasher *self, uint32_t value); /* big-endian */
void alto_hasher_add_u64(alto_hasher *self, uint64_t value); /* big-endian */
alto_hash alto_hasher_end(alto_hasher *self);

/* Digest of plain bytes under a domain. */
alto_hash alto_hash_of(const char *domain, alto_slice bytes);

/* SipHash-2-4 under altocast's fixed public key (wire-format.md): decides
 * where chunks of a tree end. */
uint64_t alto_short_hash(alto_slice bytes);

/* 128-bit keyed hash under a key chosen at process start: tells whether a text is
 * the one seen before; means nothing outside of this process. Two texts have the same one
 * in 1 of 2^63 cases at most, even when somebody chose them. It takes about as long as reading them from memory. */
typedef struct {
    uint64_t low, high;
} alto_fingerprint;
alto_fingerprint alto_fingerprint_of(alto_slice bytes);

/* An Ed25519 key pair for signing. The private half lives in locked memory that is out of core dumps, between guard
 * pages, and cannot be read but while something is signed: by one thread at a time. */
typedef struct alto_signing_key alto_signing_key;
/* A public key, raw as in RFC 8032. */
typedef struct {
    uint8_t bytes[ALTO_KEY_SIZE];
} alto_public_key;
typedef struct {
    uint8_t bytes[ALTO_KEY_ID_SIZE];
} alto_key_id;
typedef struct {
    uint8_t bytes[ALTO_SIGNATURE_SIZE];
} alto_signature;

/* A new random key; NULL: out of memory. */
alto_signing_key *alto_signing_key_new(void);
/* Is its memory kept from swap? Not where RLIMIT_MEMLOCK leaves no room; it works all the same. */
bool alto_signing_key_locked(const alto_signing_key *self);
/* The key of an RFC 8032 seed (its 32-byte "private key"), for test vectors and worked examples; NULL as above. */
alto_signing_key *alto_signing_key_from_seed(const uint8_t seed[ALTO_KEY_SIZE]);
/* From an unencrypted PKCS#8 PEM text (RFC 8410), as `openssl genpkey -algorithm ed25519` writes it.
 * Errors: ALTO_MALFORMED, ALTO_NO_MEMORY. */
alto_status alto_signing_key_from_pem(alto_slice pem, alto_signing_key **out);
/* Wipe and free it; a pointer to NULL is accepted. */
void alto_signing_key_destroy(alto_signing_key **self);
alto_public_key alto_signing_key_public(const alto_signing_key *self);
/* Write the key as PKCS#8 PEM into `out`; wipe `out` afterwards with alto_wipe. */
void alto_signing_key_pem(const alto_signing_key *self, alto_buffer *out);
void alto_wipe(void *data, size_t size);

/* SPKI PEM (RFC 8410). alto_public_keys_from_pem reads all "PUBLIC KEY" blocks
 * of a text, at most `max`; text around the blocks is ignored.
 * Errors: ALTO_MALFORMED (none, or a damaged one), ALTO_TOO_LARGE. */
void alto_public_key_pem(const alto_public_key *key, alto_buffer *out);
alto_status alto_public_keys_from_pem(alto_slice pem, alto_public_key *keys, size_t max, size_t *count);

/* The 8-byte name of a key: the beginning of its digest. */
alto_key_id alto_key_id_of(const alto_public_key *key);

/* Ed25519 over the message itself (RFC 8032 5.1, no prehash). */
alto_signature alto_sign(const alto_signing_key *key, alto_slice message);
bool alto_verify(const alto_public_key *key, alto_slice message, const alto_signature *signature);

/* A key pair of CURVE (Curve25519), which ZeroMQ encrypts with: lives in locked memory. */
typedef struct alto_curve_pair alto_curve_pair;
/* A random one; NULL when memory cannot be locked or is out. */
alto_curve_pair *alto_curve_pair_new(void);
alto_curve_pair *alto_curve_pair_from_secret(const uint8_t secret[ALTO_CURVE_KEY_SIZE]); /* NULL as above */
/* Wipe and free it; a pointer to NULL is accepted. */
void alto_curve_pair_destroy(alto_curve_pair **self);
const alto_curve_key *alto_curve_pair_public(const alto_curve_pair *self);
const uint8_t *alto_curve_pair_secret(const alto_curve_pair *self); /* ALTO_CURVE_KEY_SIZE bytes */

/* Cryptographic randomness, for jitter and names. */
uint64_t alto_random(void);

#endif
