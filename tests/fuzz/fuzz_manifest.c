/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what is accepted encodes to the same bytes; a manifest file is believed only when as many root keys have signed it as
 * the anchor asks for, whatever else is in it; and a list of root sets leads to no set that those before it did not sign.
 *
 * Longest input: 2048. Dictionary: pack. */
#include "core/manifest.h"
#include "core/pack.h"
#include "core/roots.h"
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

/* ---- lists of root sets ---- */

static const unsigned thresholds[] = {
    2, 1, 2}; /* of the sets there were: at first the anchor's, then the keys from the second on, then the first two */

static alto_manifest with_roots(uint32_t version, unsigned set)
{
    alto_public_key nobody = alto_signing_key_public(roots[ROOTS]);
    alto_manifest made = {.origin = anchor.origin,
                          .epoch = 1,
                          .version = version,
                          .not_after_ms = UINT64_C(1) << 50,
                          .threshold = thresholds[set],
                          .root_count = 2,
                          .roots = {anchor.roots[set == 1], anchor.roots[set == 1 ? 2 : 1]},
                          .online_count = 1,
                          .online = {{.key = nobody, .not_after_ms = UINT64_C(1) << 50}},
                          .max_pushed_payload = 4096};
    return made;
}

/* The true list: two changes, each signed by all that there are. */
static void add_true_manifests(alto_slice files[2])
{
    for (unsigned i = 0; i < 2; i++) {
        alto_manifest manifest = with_roots(i + 2, i + 1);
        alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
        fuzz_check(alto_manifest_sign(&manifest, (const alto_signing_key *const *)roots, ROOTS, &file) == ALTO_OK);
        alto_reader copy = alto_reader_make(alto_buffer_slice(&file));
        files[i] = fuzz_rest(&copy);
        alto_buffer_fini(&file);
    }
}

static bool is_set(const alto_anchor *reached, unsigned set)
{
    alto_manifest expected = with_roots(1, set);
    alto_origin one = alto_origin_of(reached->threshold, reached->roots, reached->root_count);
    alto_origin other =
        set == 0 ? anchor.origin : alto_origin_of(expected.threshold, expected.roots, expected.root_count);
    return alto_hash_equal(&one, &other);
}

static void check_list(alto_reader *in)
{
    alto_slice files[2];
    alto_buffer list = alto_buffer_make(ALTO_MAX_ROOT_LIST);
    alto_roots held;
    add_true_manifests(files);
    for (unsigned count = fuzz_below(in, 5); count > 0; count--) {
        alto_slice file = files[fuzz_flag(in)];
        alto_buffer_add_u32(&list, (uint32_t)file.size);
        alto_buffer_add_slice(&list, file);
    }
    for (unsigned count = fuzz_below(in, 4); count > 0 && list.size > 0; count--)
        list.data[fuzz_below(in, 65536) % list.size] ^= alto_reader_u8(in);
    alto_buffer_add_slice(&list, fuzz_rest(in));
    alto_roots_init(&held, &anchor);
    alto_status status = alto_roots_walk(&held, alto_buffer_slice(&list), NOW_MS);
    fuzz_check(held.count == 0   ? is_set(&held.reached, 0)
               : held.count == 1 ? is_set(&held.reached, 1) || is_set(&held.reached, 2)
                                 : held.count == 2 && is_set(&held.reached, 2));
    fuzz_check(alto_hash_equal(&held.reached.origin, &anchor.origin) && (status != ALTO_OK || held.count > 0));
    size_t count = held.count;
    status = alto_roots_walk(&held, alto_buffer_slice(&held.list), NOW_MS); /* its own says nothing new */
    fuzz_check(status == ALTO_KNOWN && held.count == count);
    alto_roots_fini(&held);
    alto_buffer_fini(&list);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    make_keys();
    switch (fuzz_below(&in, 5)) {
    case 0:
        check_bytes(fuzz_rest(&in));
        break;
    case 1:
        check_file(fuzz_rest(&in));
        break;
    case 2:
        check_signed(&in, fuzz_part(&in));
        break;
    case 3:
        check_list(&in);
        break;
    default:
        check_manifest(&in);
    }
}
