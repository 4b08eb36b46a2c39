/* SPDX-License-Identifier: Apache-2.0 */
/* Key files and anchors: what is accepted says the same when it is written and read again, and a key of a file signs for the public
 * key of the same file.
 *
 * Longest input: 2048. Dictionary: pem. */
#include "core/manifest.h"
#include "fuzz.h"

static void check_anchor(alto_slice text)
{
    alto_anchor anchor, back;
    alto_status status = alto_anchor_from_pem(text, &anchor);
    fuzz_check(status == ALTO_OK || status == ALTO_MALFORMED || status == ALTO_TOO_LARGE ||
               status == ALTO_WRONG_ORIGIN);
    if (status != ALTO_OK)
        return;
    fuzz_check(anchor.root_count >= 1 && anchor.root_count <= ALTO_MAX_KEYS);
    fuzz_check(anchor.threshold >= 1 && anchor.threshold <= anchor.root_count);
    alto_origin named = alto_origin_of(anchor.threshold, anchor.roots, anchor.root_count);
    fuzz_check(alto_hash_equal(&named, &anchor.origin));
    alto_buffer again = alto_buffer_make(65536);
    alto_anchor_pem(&anchor, &again);
    fuzz_check(again.status == ALTO_OK && alto_anchor_from_pem(alto_buffer_slice(&again), &back) == ALTO_OK);
    fuzz_check(back.root_count == anchor.root_count && back.threshold == anchor.threshold &&
               alto_hash_equal(&back.origin, &anchor.origin));
    alto_buffer_fini(&again);
}

static void check_public_keys(alto_slice text, size_t max)
{
    alto_public_key keys[4], back[4];
    size_t count = 0, back_count = 0;
    alto_buffer again = alto_buffer_make(4096);
    if (alto_public_keys_from_pem(text, keys, max, &count) == ALTO_OK) {
        fuzz_check(count >= 1 && count <= max);
        for (size_t i = 0; i < count; i++)
            alto_public_key_pem(&keys[i], &again);
        fuzz_check(alto_public_keys_from_pem(alto_buffer_slice(&again), back, max, &back_count) == ALTO_OK);
        fuzz_check(back_count == count && memcmp(keys, back, count * sizeof keys[0]) == 0);
    }
    alto_buffer_fini(&again);
}

static void check_signing_key(alto_slice text)
{
    alto_signing_key *key = NULL, *back = NULL;
    if (alto_signing_key_from_pem(text, &key) != ALTO_OK) {
        fuzz_check(!key);
        return;
    }
    alto_buffer again = alto_buffer_make(4096);
    alto_signing_key_pem(key, &again);
    fuzz_check(alto_signing_key_from_pem(alto_buffer_slice(&again), &back) == ALTO_OK);
    alto_public_key public = alto_signing_key_public(key), same = alto_signing_key_public(back);
    fuzz_check(memcmp(&public, &same, sizeof public) == 0);
    alto_signature signature = alto_sign(back, text);
    fuzz_check(alto_verify(&public, text, &signature));
    alto_buffer_fini(&again);
    alto_signing_key_destroy(&key);
    alto_signing_key_destroy(&back);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    unsigned way = fuzz_below(&in, 3);
    size_t max = 1 + fuzz_below(&in, 4);
    alto_slice text = fuzz_rest(&in);
    if (way == 0)
        check_anchor(text);
    else if (way == 1)
        check_public_keys(text, max);
    else
        check_signing_key(text);
}
