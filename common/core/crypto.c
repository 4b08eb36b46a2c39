/* SPDX-License-Identifier: Apache-2.0 */
#include "core/crypto.h"

#include <sodium.h>
#include <stdlib.h>

/* What stands before the 32 key bytes in RFC 8410's two structures: the lengths are fixed, so is all of this. */
static const uint8_t private_prefix[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                         0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t public_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

enum {
    FINGERPRINT_BLOCK = 1024, /* bytes that become one sum */
    FINGERPRINT_SUMS = 64,    /* that are hashed at a time */
    DER_MAX = sizeof private_prefix + crypto_sign_SEEDBYTES,
    BASE64_MAX = sodium_base64_ENCODED_LEN(DER_MAX, sodium_base64_VARIANT_ORIGINAL)
};

/* Public: it decides the shape of trees, which everybody must compute alike. */
static const unsigned char short_hash_key[] = "altocast-tree-v1";

/* Written by the first alto_crypto_init() only. */
static unsigned char fingerprint_key[crypto_shorthash_siphashx24_KEYBYTES];
static uint64_t block_key[FINGERPRINT_BLOCK / sizeof(uint64_t)];
static bool is_ready;

__extension__ typedef unsigned __int128 wide_sum;

struct alto_signing_key {
    alto_public_key public_half;
    unsigned char *secret; /* seed, then public key; pages that cannot even be read, but for the moments of use */
    bool locked;           /* the pages never go to swap */
};

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(alto_hasher), "the state must fit");
_Static_assert(_Alignof(alto_hasher) % _Alignof(crypto_generichash_state) == 0, "the state must be aligned");
_Static_assert(ALTO_HASH_SIZE >= crypto_generichash_BYTES_MIN && ALTO_HASH_SIZE <= crypto_generichash_BYTES_MAX,
               "a size that BLAKE2b has");
_Static_assert(sizeof short_hash_key - 1 == crypto_shorthash_KEYBYTES, "16 characters");
_Static_assert(ALTO_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(ALTO_KEY_SIZE == crypto_sign_SEEDBYTES, "Ed25519");
_Static_assert(ALTO_SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");

static crypto_generichash_state *state_of(alto_hasher *hasher)
{
    return (crypto_generichash_state *)(void *)hasher->opaque;
}

static uint64_t load_little_endian(const unsigned char bytes[8])
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* Where `mark` first stands at the beginning of a line, or NULL. */
static const uint8_t *find_line(alto_slice text, const char *mark)
{
    size_t length = strlen(mark);
    const uint8_t *at = text.data;
    size_t left = text.size;
    while (left >= length) {
        const uint8_t *found = memmem(at, left, mark, length);
        if (!found)
            return NULL;
        if (found == text.data || found[-1] == '\n' || found[-1] == '\r')
            return found;
        left -= (size_t)(found + 1 - at);
        at = found + 1;
    }
    return NULL;
}

/* The base64 text of the first block between `begin` and `end` lines. *rest is what follows it.
 * ALTO_NOT_FOUND when there is no such block. */
static alto_status find_block(alto_slice text, const char *begin, const char *end, alto_slice *base64, alto_slice *rest)
{
    const uint8_t *limit = text.data + text.size;
    const uint8_t *opening = find_line(text, begin);
    if (!opening)
        return ALTO_NOT_FOUND;
    const uint8_t *body = opening + strlen(begin);
    const uint8_t *closing = find_line(alto_slice_of(body, (size_t)(limit - body)), end);
    if (!closing)
        return ALTO_MALFORMED;
    *base64 = alto_slice_of(body, (size_t)(closing - body));
    const uint8_t *after = closing + strlen(end);
    *rest = alto_slice_of(after, (size_t)(limit - after));
    return ALTO_OK;
}

/* The 32 key bytes of a block: the DER must be `prefix` and the key, nothing else. */
static bool decode_block(alto_slice base64, const uint8_t *prefix, size_t prefix_size, uint8_t key[ALTO_KEY_SIZE])
{
    uint8_t der[DER_MAX];
    size_t size = 0;
    int failed = sodium_base642bin(der, sizeof der, (const char *)base64.data, base64.size, " \t\r\n", &size, NULL,
                                   sodium_base64_VARIANT_ORIGINAL);
    bool fits = failed == 0 && size == prefix_size + ALTO_KEY_SIZE && memcmp(der, prefix, prefix_size) == 0;
    if (fits)
        memcpy(key, der + prefix_size, ALTO_KEY_SIZE);
    sodium_memzero(der, sizeof der);
    return fits;
}

static void add_block(alto_buffer *out, const char *label, const uint8_t *prefix, size_t prefix_size,
                      const uint8_t key[ALTO_KEY_SIZE])
{
    uint8_t der[DER_MAX];
    char base64[BASE64_MAX];
    memcpy(der, prefix, prefix_size);
    memcpy(der + prefix_size, key, ALTO_KEY_SIZE);
    sodium_bin2base64(base64, sizeof base64, der, prefix_size + ALTO_KEY_SIZE, sodium_base64_VARIANT_ORIGINAL);
    alto_buffer_print(out, "-----BEGIN %s-----\n", label);
    alto_buffer_add_text(out, base64); /* not printed: the secret stays out of stdio's hands */
    alto_buffer_print(out, "\n-----END %s-----\n", label);
    sodium_memzero(der, sizeof der);
    sodium_memzero(base64, sizeof base64);
}

alto_status alto_crypto_init(void)
{
    if (sodium_init() < 0)
        return ALTO_IO;
    if (!is_ready) {
        randombytes_buf(fingerprint_key, sizeof fingerprint_key);
        randombytes_buf(block_key, sizeof block_key);
    }
    is_ready = true;
    return ALTO_OK;
}

void alto_hasher_init(alto_hasher *self, const char *domain)
{
    crypto_generichash_init(state_of(self), NULL, 0, ALTO_HASH_SIZE);
    alto_hasher_add(self, domain, strlen(domain) + 1);
}

void alto_hasher_add(alto_hasher *self, const void *data, size_t size)
{
    if (size)
        crypto_generichash_update(state_of(self), data, size);
}

static void add_big_endian(alto_hasher *self, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    alto_hasher_add(self, bytes, size);
}

void alto_hasher_add_u32(alto_hasher *self, uint32_t value)
{
    add_big_endian(self, value, 4);
}

void alto_hasher_add_u64(alto_hasher *self, uint64_t value)
{
    add_big_endian(self, value, 8);
}

alto_hash alto_hasher_end(alto_hasher *self)
{
    alto_hash hash;
    crypto_generichash_final(state_of(self), hash.bytes, sizeof hash.bytes);
    return hash;
}

alto_hash alto_hash_of(const char *domain, alto_slice bytes)
{
    alto_hasher hasher;
    alto_hasher_init(&hasher, domain);
    alto_hasher_add(&hasher, bytes.data, bytes.size);
    return alto_hasher_end(&hasher);
}

uint64_t alto_short_hash(alto_slice bytes)
{
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, bytes.data, bytes.size, short_hash_key);
    return load_little_endian(hash);
}

/* NH of UMAC (RFC 4418) in words of 64 bits: with the key unknown, two blocks have one sum in 1 of 2^64 cases. */
static wide_sum sum_of(const uint8_t *block)
{
    wide_sum sum = 0;
    for (size_t i = 0; i < FINGERPRINT_BLOCK / sizeof(uint64_t); i += 2) {
        uint64_t words[2];
        memcpy(words, block + i * sizeof *words, sizeof words);
        sum += (wide_sum)(words[0] + block_key[i]) * (words[1] + block_key[i + 1]);
    }
    return sum;
}

/* What was hashed so far, the size of the whole, then sums or the rest. */
typedef struct {
    unsigned char so_far[crypto_shorthash_siphashx24_BYTES];
    uint64_t size;
    uint8_t next[FINGERPRINT_BLOCK];
} fingerprint_input;
_Static_assert(sizeof(wide_sum[FINGERPRINT_SUMS]) == FINGERPRINT_BLOCK, "as many sums as bytes may be left");

static void hash_next(fingerprint_input *input, size_t size)
{
    unsigned char hash[crypto_shorthash_siphashx24_BYTES];
    crypto_shorthash_siphashx24(hash, (const uint8_t *)input, offsetof(fingerprint_input, next) + size,
                                fingerprint_key);
    memcpy(input->so_far, hash, sizeof hash);
}

/* Blocks become sums, several times as fast as SipHash; their sums and what is left are hashed. */
alto_fingerprint alto_fingerprint_of(alto_slice bytes)
{
    fingerprint_input input = {.size = bytes.size};
    size_t at = 0, filled = 0;
    for (; bytes.size - at >= FINGERPRINT_BLOCK; at += FINGERPRINT_BLOCK) {
        wide_sum sum = sum_of(bytes.data + at);
        memcpy(input.next + filled, &sum, sizeof sum);
        filled += sizeof sum;
        if (filled == FINGERPRINT_BLOCK) {
            hash_next(&input, filled);
            filled = 0;
        }
    }
    if (filled > 0)
        hash_next(&input, filled);
    if (bytes.size > at)
        memcpy(input.next, bytes.data + at, bytes.size - at);
    hash_next(&input, bytes.size - at);
    return (alto_fingerprint){load_little_endian(input.so_far), load_little_endian(input.so_far + 8)};
}

alto_signing_key *alto_signing_key_new(void)
{
    uint8_t seed[ALTO_KEY_SIZE];
    randombytes_buf(seed, sizeof seed);
    alto_signing_key *key = alto_signing_key_from_seed(seed);
    sodium_memzero(seed, sizeof seed);
    return key;
}

alto_signing_key *alto_signing_key_from_seed(const uint8_t seed[ALTO_KEY_SIZE])
{
    alto_signing_key *key = malloc(sizeof *key);
    unsigned char *secret = key ? sodium_malloc(crypto_sign_SECRETKEYBYTES) : NULL;
    if (!secret) {
        free(key);
        return NULL;
    }
    *key = (alto_signing_key){.secret = secret};
    key->locked = sodium_mlock(secret, crypto_sign_SECRETKEYBYTES) == 0; /* which sodium_malloc has tried silently */
    crypto_sign_seed_keypair(key->public_half.bytes, secret, seed);
    sodium_mprotect_noaccess(secret);
    return key;
}

bool alto_signing_key_locked(const alto_signing_key *self)
{
    return self->locked;
}

alto_status alto_signing_key_from_pem(alto_slice pem, alto_signing_key **out)
{
    uint8_t seed[ALTO_KEY_SIZE];
    alto_slice base64, rest;
    if (pem.size == 0 || find_block(pem, "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", &base64, &rest) ||
        !decode_block(base64, private_prefix, sizeof private_prefix, seed))
        return ALTO_MALFORMED;
    alto_signing_key *key = alto_signing_key_from_seed(seed);
    sodium_memzero(seed, sizeof seed);
    if (!key)
        return ALTO_NO_MEMORY;
    *out = key;
    return ALTO_OK;
}

void alto_signing_key_destroy(alto_signing_key **self)
{
    if (!*self)
        return;
    sodium_free((*self)->secret); /* wipes it */
    free(*self);
    *self = NULL;
}

alto_public_key alto_signing_key_public(const alto_signing_key *self)
{
    return self->public_half;
}

void alto_signing_key_pem(const alto_signing_key *self, alto_buffer *out)
{
    sodium_mprotect_readonly(self->secret);
    add_block(out, "PRIVATE KEY", private_prefix, sizeof private_prefix, self->secret);
    sodium_mprotect_noaccess(self->secret);
}

bool alto_equal_in_constant_time(const void *a, const void *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}

void alto_wipe(void *data, size_t size)
{
    sodium_memzero(data, size);
}

void alto_public_key_pem(const alto_public_key *key, alto_buffer *out)
{
    add_block(out, "PUBLIC KEY", public_prefix, sizeof public_prefix, key->bytes);
}

alto_status alto_public_keys_from_pem(alto_slice pem, alto_public_key *keys, size_t max, size_t *count)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----", end[] = "-----END PUBLIC KEY-----";
    size_t found = 0;
    alto_slice base64, rest = pem;
    while (rest.size) {
        alto_status status = find_block(rest, begin, end, &base64, &rest);
        if (status == ALTO_NOT_FOUND)
            break;
        if (status != ALTO_OK)
            return status;
        if (found == max)
            return ALTO_TOO_LARGE;
        if (!decode_block(base64, public_prefix, sizeof public_prefix, keys[found].bytes))
            return ALTO_MALFORMED;
        found++;
    }
    if (found == 0)
        return ALTO_MALFORMED;
    *count = found;
    return ALTO_OK;
}

alto_key_id alto_key_id_of(const alto_public_key *key)
{
    alto_hash hash = alto_hash_of("altocast-key-1", alto_slice_of(key->bytes, sizeof key->bytes));
    alto_key_id id;
    memcpy(id.bytes, hash.bytes, sizeof id.bytes);
    return id;
}

alto_signature alto_sign(const alto_signing_key *key, alto_slice message)
{
    alto_signature signature;
    sodium_mprotect_readonly(key->secret);
    crypto_sign_detached(signature.bytes, NULL, message.data, message.size, key->secret);
    sodium_mprotect_noaccess(key->secret);
    return signature;
}

bool alto_verify(const alto_public_key *key, alto_slice message, const alto_signature *signature)
{
    return crypto_sign_verify_detached(signature->bytes, message.data, message.size, key->bytes) == 0;
}

/* ---- CURVE ---- */

struct alto_curve_pair {
    uint8_t secret[ALTO_CURVE_KEY_SIZE];
    alto_curve_key public_half;
};

alto_curve_pair *alto_curve_pair_new(void)
{
    uint8_t secret[ALTO_CURVE_KEY_SIZE];
    randombytes_buf(secret, sizeof secret);
    alto_curve_pair *pair = alto_curve_pair_from_secret(secret);
    sodium_memzero(secret, sizeof secret);
    return pair;
}

alto_curve_pair *alto_curve_pair_from_secret(const uint8_t secret[ALTO_CURVE_KEY_SIZE])
{
    alto_curve_pair *pair = sodium_malloc(sizeof *pair);
    if (!pair)
        return NULL;
    memcpy(pair->secret, secret, sizeof pair->secret);
    crypto_scalarmult_base(pair->public_half.bytes, pair->secret);
    sodium_mprotect_readonly(pair);
    return pair;
}

void alto_curve_pair_destroy(alto_curve_pair **self)
{
    sodium_free(*self); /* wipes it */
    *self = NULL;
}

const alto_curve_key *alto_curve_pair_public(const alto_curve_pair *self)
{
    return &self->public_half;
}

const uint8_t *alto_curve_pair_secret(const alto_curve_pair *self)
{
    return self->secret;
}

uint64_t alto_random(void)
{
    uint64_t value;
    randombytes_buf(&value, sizeof value);
    return value;
}
