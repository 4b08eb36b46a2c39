/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what is accepted encodes to the same bytes; and a manifest file is believed only when as many root keys have signed it as
 * the anchor asks for, whatever else is in it.
 *
 * Longest input: 2048. Dictionary: pack. */
#include "core/manifest.h"
#include "core/pack.h"
#include "fuzz.h"

enum { ROOTS = 3, SIGNER = ALTO_KEY_ID_SIZE + ALTO_SIGNATURE_SIZE, NOW_MS = 1000000 };

static alto_signing_key *roots[ROOTS + 1]; /* the last one is nobody's */
static alto_anchor anchor = {.threshold = 2, .root_count = ROOTS};

static void make_keys(void)
{
    for (uint8_t i = 0; i <= ROOTS && !roots[ROOTS]; i++) {
        const uint8_t seed[ALTO_KEY_SIZE] = {7, i};
        roots[i] = alto_signing_key_from_seed(seed);
        fuzz_check(roots[i]);
        if (i < ROOTS)
            anchor.roots[i] = alto_signing_key_public(roots[i]);
    }
    anchor.origin = alto_origin_of(anchor.threshold, anchor.roots, ROOTS);
}

/* ---- bytes ---- */

static void check_bytes(alto_slice bytes)
{
    alto_manifest manifest;
    if (alto_manifest_decode(bytes, &manifest) != ALTO_OK)
        return;
    alto_buffer again = alto_buffer_make(ALTO_MAX_MANIFEST);
    fuzz_check(alto_manifest_encode(&manifest, &again) == ALTO_OK);
    size_t same = again.size - 1; /* then ext, of which we write an empty one */
    fuzz_check(same < bytes.size && memcmp(again.data, bytes.data, same) == 0);
    alto_buffer_fini(&again);
    for (size_t i = 0; i < manifest.online_count; i++) {
        alto_key_id id = alto_key_id_of(&manifest.online[i].key);
        const alto_public_key *key = alto_manifest_key(&manifest, &id, manifest.online[i].not_before_ms);
        bool valid = manifest.online[i].not_before_ms < manifest.online[i].not_after_ms;
        fuzz_check(!valid || (key && memcmp(key, &manifest.online[i].key, sizeof *key) == 0));
    }
}

/* ---- files ---- */

static unsigned signers_of(alto_slice object, alto_slice signers)
{
    unsigned good = 0;
    for (size_t root = 0; root < ROOTS; root++) {
        alto_key_id id = alto_key_id_of(&anchor.roots[root]);
        bool signs = false;
        for (size_t at = 0; at < signers.size; at += SIGNER) {
            alto_signature signature;
            memcpy(signature.bytes, signers.data + at + ALTO_KEY_ID_SIZE, sizeof signature.bytes);
            signs = signs || (memcmp(signers.data + at, id.bytes, sizeof id.bytes) == 0 &&
                              alto_verify(&anchor.roots[root], object, &signature));
        }
        good += signs;
    }
    return good;
}

static void check_file(alto_slice file)
{
    alto_manifest manifest, decoded;
    alto_slice object, signers;
    alto_status status = alto_manifest_open(file, &anchor, NOW_MS, &manifest);
    if (status != ALTO_OK && status != ALTO_EXPIRED && status != ALTO_FUTURE)
        return;
    fuzz_check(alto_manifest_split(file, &object, &signers) == ALTO_OK);
    fuzz_check(signers_of(object, signers) >= anchor.threshold);
    fuzz_check(alto_manifest_decode(object, &decoded) == ALTO_OK);
    fuzz_check(alto_hash_equal(&manifest.origin, &anchor.origin) && alto_hash_equal(&decoded.origin, &anchor.origin));
    fuzz_check(status == ALTO_EXPIRED || manifest.not_after_ms > NOW_MS);
}

static void add_signer(alto_reader *in, alto_slice object, alto_buffer *file)
{
    const alto_signing_key *key = roots[fuzz_below(in, ROOTS + 1)];
    alto_public_key public = alto_signing_key_public(key);
    alto_key_id id = alto_key_id_of(&public);
    alto_signature signature = alto_sign(key, object);
    if (fuzz_below(in, 8) == 7)
        signature.bytes[fuzz_below(in, ALTO_SIGNATURE_SIZE)] ^= 1;
    alto_buffer_add(file, id.bytes, sizeof id.bytes);
    alto_buffer_add(file, signature.bytes, sizeof signature.bytes);
}

/* The object signed as often as chosen. */
static void check_signed(alto_reader *in, alto_slice object)
{
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    unsigned count = 1 + fuzz_below(in, 4);
    alto_buffer_add_slice(&file, object);
    for (unsigned i = 0; i < count; i++)
        add_signer(in, object, &file);
    alto_buffer_add_u8(&file, (uint8_t)(fuzz_below(in, 16) == 15 ? alto_reader_u8(in) : count));
    check_file(alto_buffer_slice(&file));
    alto_buffer_fini(&file);
}

/* ---- any manifest ---- */

static void choose_key(alto_reader *in, alto_public_key *key)
{
    unsigned which = fuzz_below(in, ROOTS + 2);
    if (which <= ROOTS)
        *key = alto_signing_key_public(roots[which]);
    else
        memset(key, alto_reader_u8(in), sizeof *key);
}

static void check_manifest(alto_reader *in)
{
    alto_manifest manifest = {.origin = anchor.origin,
                              .epoch = alto_reader_u8(in),
                              .version = alto_reader_u8(in),
                              .issued_at_ms = alto_reader_u32(in),
                              .not_after_ms = alto_reader_u32(in),
                              .threshold = fuzz_below(in, ROOTS + 2),
                              .root_count = fuzz_below(in, ROOTS + 2),
                              .online_count = fuzz_below(in, ROOTS + 2),
                              .max_pushed_payload = alto_reader_u32(in)};
    for (size_t i = 0; i < manifest.root_count; i++)
        choose_key(in, &manifest.roots[i]);
    for (size_t i = 0; i < manifest.online_count; i++) {
        choose_key(in, &manifest.online[i].key);
        manifest.online[i].not_before_ms = alto_reader_u32(in);
        manifest.online[i].not_after_ms = alto_reader_u32(in);
    }
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_MANIFEST);
    if (alto_manifest_encode(&manifest, &bytes) == ALTO_OK) {
        alto_manifest back;
        fuzz_check(alto_manifest_decode(alto_buffer_slice(&bytes), &back) == ALTO_OK);
        check_bytes(alto_buffer_slice(&bytes));
        check_signed(in, alto_buffer_slice(&bytes));
    }
    alto_buffer_fini(&bytes);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    make_keys();
    switch (fuzz_below(&in, 4)) {
    case 0:
        check_bytes(fuzz_rest(&in));
        break;
    case 1:
        check_file(fuzz_rest(&in));
        break;
    case 2:
        check_signed(&in, fuzz_part(&in));
        break;
    default:
        check_manifest(&in);
    }
}
