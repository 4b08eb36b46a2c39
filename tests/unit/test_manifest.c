/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "core/manifest.h"
#include "files.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 4, NOW = 1760000000 };
#define NOW_MS ((uint64_t)NOW * 1000)
#define DAY_MS (UINT64_C(86400) * 1000)

static alto_signing_key *keys[KEYS]; /* 0 and 1: roots, 2: online, 3: a stranger */
static alto_public_key public_keys[KEYS];

static int set_up(void **state)
{
    (void)state;
    if (alto_crypto_init() != ALTO_OK)
        return -1;
    for (size_t i = 0; i < KEYS; i++) {
        keys[i] = test_key((uint8_t)(i + 1));
        public_keys[i] = alto_signing_key_public(keys[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        alto_signing_key_destroy(&keys[i]);
    return 0;
}

static alto_manifest manifest_of(unsigned threshold, size_t roots)
{
    alto_manifest manifest = {.origin = alto_origin_of(threshold, public_keys, roots),
                              .epoch = 1,
                              .version = 7,
                              .issued_at_ms = NOW_MS,
                              .not_after_ms = NOW_MS + 90 * DAY_MS,
                              .threshold = threshold,
                              .root_count = roots,
                              .online_count = 1,
                              .online = {{public_keys[2], NOW_MS - 1000, NOW_MS + 90 * DAY_MS}},
                              .max_pushed_payload = ALTO_MAX_PUSHED_PAYLOAD};
    memcpy(manifest.roots, public_keys, roots * sizeof *public_keys);
    return manifest;
}

static alto_anchor anchor_of(unsigned threshold, size_t roots)
{
    alto_anchor anchor = {.origin = alto_origin_of(threshold, public_keys, roots), .threshold = threshold};
    anchor.root_count = roots;
    memcpy(anchor.roots, public_keys, roots * sizeof *public_keys);
    return anchor;
}

/* signers: characters '0'..'3', indices of keys. */
static alto_buffer signed_by(const alto_manifest *manifest, const char *signers)
{
    const alto_signing_key *chosen[KEYS];
    size_t count = strlen(signers);
    for (size_t i = 0; i < count; i++)
        chosen[i] = keys[signers[i] - '0'];
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    assert_int_equal(alto_manifest_sign(manifest, chosen, count, &file), ALTO_OK);
    return file;
}

static void an_origin_depends_on_threshold_and_keys_but_not_on_their_order(void **state)
{
    (void)state;
    alto_public_key turned[] = {public_keys[1], public_keys[0]};
    alto_origin one = alto_origin_of(1, public_keys, 2), same = alto_origin_of(1, turned, 2);
    alto_origin threshold = alto_origin_of(2, public_keys, 2), fewer = alto_origin_of(1, public_keys, 1);
    assert_true(alto_hash_equal(&one, &same));
    assert_false(alto_hash_equal(&one, &threshold));
    assert_false(alto_hash_equal(&one, &fewer));
}

static void a_manifest_comes_back_with_every_field(void **state)
{
    (void)state;
    alto_manifest manifest = manifest_of(2, 2), read;
    manifest.online[1] = (alto_online_key){public_keys[3], 5, 6};
    manifest.online_count = 2;
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_MANIFEST);
    assert_int_equal(alto_manifest_encode(&manifest, &bytes), ALTO_OK);
    assert_int_equal(alto_manifest_decode(alto_buffer_slice(&bytes), &read), ALTO_OK);
    assert_true(alto_hash_equal(&read.origin, &manifest.origin));
    assert_int_equal(read.epoch, 1);
    assert_int_equal(read.version, 7);
    assert_int_equal(read.issued_at_ms, manifest.issued_at_ms);
    assert_int_equal(read.not_after_ms, manifest.not_after_ms);
    assert_int_equal(read.threshold, 2);
    assert_int_equal(read.root_count, 2);
    assert_int_equal(read.online_count, 2);
    assert_int_equal(read.max_pushed_payload, ALTO_MAX_PUSHED_PAYLOAD);
    assert_true(memcmp(read.roots[0].bytes, read.roots[1].bytes, ALTO_KEY_SIZE) < 0);
    assert_true(memcmp(read.online[0].key.bytes, read.online[1].key.bytes, ALTO_KEY_SIZE) < 0);
    alto_key_id id = alto_key_id_of(&public_keys[3]);
    assert_ptr_equal(alto_manifest_key(&read, &id, 4), NULL);
    assert_non_null(alto_manifest_key(&read, &id, 5));
    assert_ptr_equal(alto_manifest_key(&read, &id, 6), NULL);
    id = alto_key_id_of(&public_keys[0]);
    assert_ptr_equal(alto_manifest_key(&read, &id, 5), NULL);
    alto_buffer_fini(&bytes);
}

static void signatures_of_several_places_are_joined(void **state)
{
    (void)state;
    alto_manifest manifest = manifest_of(2, 2), other = manifest, read;
    alto_anchor anchor = anchor_of(2, 2);
    other.version++;
    alto_buffer files[] = {signed_by(&manifest, "0"), signed_by(&manifest, "13"), signed_by(&manifest, "0"),
                           signed_by(&other, "1")};
    alto_buffer joined = alto_buffer_make(ALTO_MAX_MANIFEST), again = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_slice slices[countof(files)], object, signers;
    for (size_t i = 0; i < countof(files); i++)
        slices[i] = alto_buffer_slice(&files[i]);
    assert_int_equal(alto_manifest_open(slices[0], &anchor, NOW_MS, &read), ALTO_UNKNOWN_KEY);
    assert_int_equal(alto_manifest_join(slices, 4, &joined), ALTO_INVALID);
    assert_int_equal(alto_manifest_join(slices, 0, &joined), ALTO_INVALID);
    assert_int_equal(joined.size, 0);
    assert_int_equal(alto_manifest_join(slices, 3, &joined), ALTO_OK); /* one signer came twice */
    assert_int_equal(alto_manifest_split(alto_buffer_slice(&joined), &object, &signers), ALTO_OK);
    assert_int_equal(signers.size, 3 * (ALTO_KEY_ID_SIZE + ALTO_SIGNATURE_SIZE));
    assert_int_equal(alto_manifest_open(alto_buffer_slice(&joined), &anchor, NOW_MS, &read), ALTO_OK);
    alto_slice whole = alto_buffer_slice(&joined);
    assert_int_equal(alto_manifest_join(&whole, 1, &again), ALTO_OK);
    assert_true(alto_slice_equal(whole, alto_buffer_slice(&again)));
    slices[1].size--; /* its number of signers is gone */
    assert_int_not_equal(alto_manifest_join(slices, 2, &again), ALTO_OK);
    for (size_t i = 0; i < countof(files); i++)
        alto_buffer_fini(&files[i]);
    alto_buffer_fini(&joined);
    alto_buffer_fini(&again);
}

static void renewing_becomes_more_pressing(void **state)
{
    (void)state;
    static const struct {
        uint64_t left_ms;
        unsigned urgency;
    } cases[] = {
        {31 * DAY_MS, 0}, {30 * DAY_MS + 1, 0}, {30 * DAY_MS, 1}, {7 * DAY_MS + 1, 1}, {7 * DAY_MS, 2}, {1, 2}, {0, 3}};
    for (size_t i = 0; i < countof(cases); i++)
        assert_int_equal(alto_key_urgency(NOW_MS + cases[i].left_ms, NOW_MS), cases[i].urgency);
    assert_int_equal(alto_key_urgency(NOW_MS - DAY_MS, NOW_MS), 3);
}

static void the_largest_manifest_fits_its_limit(void **state)
{
    (void)state;
    alto_manifest manifest = manifest_of(1, 1), read;
    const alto_signing_key *signers[ALTO_MAX_KEYS];
    manifest.root_count = manifest.online_count = ALTO_MAX_KEYS;
    for (size_t i = 0; i < ALTO_MAX_KEYS; i++) {
        memset(&manifest.roots[i], (int)i, ALTO_KEY_SIZE);
        manifest.online[i] = (alto_online_key){manifest.roots[i], NOW_MS, NOW_MS + DAY_MS};
        signers[i] = keys[0];
    }
    manifest.roots[0] = public_keys[0];
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    assert_int_equal(alto_manifest_sign(&manifest, signers, ALTO_MAX_KEYS, &file), ALTO_OK);
    alto_slice object, parts;
    assert_int_equal(alto_manifest_split(alto_buffer_slice(&file), &object, &parts), ALTO_OK);
    assert_int_equal(alto_manifest_decode(object, &read), ALTO_OK);
    assert_int_equal(read.online_count, ALTO_MAX_KEYS);
    alto_buffer_fini(&file);
}

static void no_threshold(alto_manifest *manifest)
{
    manifest->threshold = 0;
}
static void too_high_threshold(alto_manifest *manifest)
{
    manifest->threshold = 3;
}
static void same_root_twice(alto_manifest *manifest)
{
    manifest->roots[1] = manifest->roots[0];
}
static void same_online_key_twice(alto_manifest *manifest)
{
    manifest->online[1] = manifest->online[0];
    manifest->online_count = 2;
}
static void key_never_valid(alto_manifest *manifest)
{
    manifest->online[0].not_after_ms = manifest->online[0].not_before_ms;
}
static void expired_at_birth(alto_manifest *manifest)
{
    manifest->not_after_ms = manifest->issued_at_ms;
}
static void huge_limit(alto_manifest *manifest)
{
    manifest->max_pushed_payload = (uint64_t)ALTO_MAX_FRAME + 1;
}
static void too_many_keys(alto_manifest *manifest)
{
    manifest->root_count = ALTO_MAX_KEYS + 1;
}

static void what_no_decoder_would_take_is_not_written(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        void (*spoil)(alto_manifest *manifest);
        alto_status status;
    } cases[] = {
        {"no threshold", no_threshold, ALTO_INVALID},
        {"a threshold above the number of keys", too_high_threshold, ALTO_INVALID},
        {"the same root key twice", same_root_twice, ALTO_INVALID},
        {"the same online key twice", same_online_key_twice, ALTO_INVALID},
        {"an online key that is never valid", key_never_valid, ALTO_INVALID},
        {"a manifest that is never valid", expired_at_birth, ALTO_INVALID},
        {"a limit beyond what a frame can hold", huge_limit, ALTO_TOO_LARGE},
        {"65 root keys", too_many_keys, ALTO_TOO_LARGE},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_manifest manifest = manifest_of(1, 2);
        alto_buffer out = alto_buffer_make(ALTO_MAX_MANIFEST);
        cases[i].spoil(&manifest);
        assert_int_equal(alto_manifest_encode(&manifest, &out), cases[i].status);
        assert_int_equal(out.size, 0);
        alto_buffer_fini(&out);
    }
}

static void a_manifest_opens_for_those_who_trust_enough_of_its_signers(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        unsigned anchor_threshold;
        size_t anchor_roots;
        unsigned own_threshold; /* of the manifest's root keys, as many as the anchor has unless said otherwise */
        size_t own_roots;
        const char *signers;
        uint64_t now_ms;
        alto_status status;
    } cases[] = {
        {"one of one", 1, 1, 1, 1, "0", NOW_MS, ALTO_OK},
        {"with a signer whom nobody knows", 1, 1, 1, 1, "30", NOW_MS, ALTO_OK},
        {"only a signer whom nobody knows", 1, 1, 1, 1, "3", NOW_MS, ALTO_UNKNOWN_KEY},
        {"only the online key", 1, 1, 1, 1, "2", NOW_MS, ALTO_UNKNOWN_KEY},
        {"one of two", 1, 2, 1, 2, "1", NOW_MS, ALTO_OK},
        {"two of two", 2, 2, 2, 2, "01", NOW_MS, ALTO_OK},
        {"one where two are needed", 2, 2, 2, 2, "0", NOW_MS, ALTO_UNKNOWN_KEY},
        {"one twice where two are needed", 2, 2, 2, 2, "00", NOW_MS, ALTO_UNKNOWN_KEY},
        {"a new root set, signed by old and new", 1, 1, 2, 2, "01", NOW_MS, ALTO_OK},
        {"a new root set, signed by the old only", 1, 1, 2, 2, "0", NOW_MS, ALTO_UNKNOWN_KEY},
        {"a new root set, signed by the new only", 2, 2, 1, 1, "0", NOW_MS, ALTO_UNKNOWN_KEY},
        {"just before its end", 1, 1, 1, 1, "0", NOW_MS + 90 * DAY_MS - 1, ALTO_OK},
        {"at its end", 1, 1, 1, 1, "0", NOW_MS + 90 * DAY_MS, ALTO_EXPIRED},
        {"a clock two minutes behind", 1, 1, 1, 1, "0", NOW_MS - ALTO_MAX_CLOCK_MS, ALTO_OK},
        {"a clock further behind", 1, 1, 1, 1, "0", NOW_MS - ALTO_MAX_CLOCK_MS - 1, ALTO_FUTURE},
        {"expired, and not signed", 1, 1, 1, 1, "3", NOW_MS + 90 * DAY_MS, ALTO_UNKNOWN_KEY},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_anchor anchor = anchor_of(cases[i].anchor_threshold, cases[i].anchor_roots);
        alto_manifest manifest = manifest_of(cases[i].own_threshold, cases[i].own_roots), read = {.version = 0};
        manifest.origin = anchor.origin;
        alto_buffer file = signed_by(&manifest, cases[i].signers);
        alto_status status = alto_manifest_open(alto_buffer_slice(&file), &anchor, cases[i].now_ms, &read);
        assert_int_equal(status, cases[i].status);
        bool filled = status == ALTO_OK || status == ALTO_EXPIRED || status == ALTO_FUTURE;
        assert_int_equal(read.version, filled ? 7 : 0);
        alto_buffer_fini(&file);
    }
}

static void a_manifest_of_another_origin_is_refused(void **state)
{
    (void)state;
    alto_anchor anchor = anchor_of(1, 2);
    alto_manifest manifest = manifest_of(1, 1), read;
    alto_buffer file = signed_by(&manifest, "0");
    assert_int_equal(alto_manifest_open(alto_buffer_slice(&file), &anchor, NOW_MS, &read), ALTO_WRONG_ORIGIN);
    alto_buffer_fini(&file);
}

static void a_wrong_signature_is_refused_wherever_the_damage_is(void **state)
{
    (void)state;
    alto_anchor anchor = anchor_of(1, 2);
    alto_manifest manifest = manifest_of(1, 2), read;
    alto_buffer file = signed_by(&manifest, "01");
    alto_slice object, signers;
    assert_int_equal(alto_manifest_split(alto_buffer_slice(&file), &object, &signers), ALTO_OK);
    size_t in_first = object.size + ALTO_KEY_ID_SIZE, in_second = file.size - 2, in_object = object.size - 3;
    size_t places[] = {in_first, in_second, in_object};
    for (size_t i = 0; i < countof(places); i++) {
        file.data[places[i]] ^= 1;
        assert_int_equal(alto_manifest_open(alto_buffer_slice(&file), &anchor, NOW_MS, &read), ALTO_BAD_SIGNATURE);
        file.data[places[i]] ^= 1;
    }
    assert_int_equal(alto_manifest_open(alto_buffer_slice(&file), &anchor, NOW_MS, &read), ALTO_OK);
    alto_buffer_fini(&file);
}

static void a_file_that_cannot_be_taken_apart_is_malformed(void **state)
{
    (void)state;
    alto_manifest manifest = manifest_of(1, 1);
    alto_buffer file = signed_by(&manifest, "0");
    alto_slice object, signers;
    static uint8_t large[ALTO_MAX_MANIFEST + 1];
    uint8_t *number = &file.data[file.size - 1];
    assert_int_equal(alto_manifest_split(alto_slice_of(NULL, 0), &object, &signers), ALTO_MALFORMED);
    assert_int_equal(alto_manifest_split(alto_slice_of(large, sizeof large), &object, &signers), ALTO_TOO_LARGE);
    assert_int_equal(alto_manifest_split(alto_slice_of(number, 1), &object, &signers), ALTO_MALFORMED);
    *number = 0;
    assert_int_equal(alto_manifest_split(alto_buffer_slice(&file), &object, &signers), ALTO_MALFORMED);
    *number = ALTO_MAX_KEYS + 1;
    assert_int_equal(alto_manifest_split(alto_buffer_slice(&file), &object, &signers), ALTO_MALFORMED);
    *number = ALTO_MAX_KEYS;
    assert_int_equal(alto_manifest_split(alto_buffer_slice(&file), &object, &signers), ALTO_MALFORMED);
    alto_buffer_fini(&file);
}

/* ---- anchors ---- */

/* lines, then the keys that `which` names by index. */
static alto_status anchor_from(const char *lines, const char *which, bool crlf, alto_anchor *anchor)
{
    alto_buffer pem = alto_buffer_make(1 << 16), text = alto_buffer_make(1 << 17);
    alto_buffer_add_text(&pem, lines);
    for (; *which; which++)
        alto_public_key_pem(&public_keys[*which - '0'], &pem);
    for (size_t i = 0; i < pem.size; i++) {
        if (crlf && pem.data[i] == '\n')
            alto_buffer_put(&text, '\r');
        alto_buffer_put(&text, pem.data[i]);
    }
    alto_status status = alto_anchor_from_pem(alto_buffer_slice(&text), anchor);
    alto_buffer_fini(&pem);
    alto_buffer_fini(&text);
    return status;
}

static void an_anchor_is_its_keys_and_its_threshold(void **state)
{
    (void)state;
    static const struct {
        const char *label, *lines, *keys;
        alto_status status;
        unsigned threshold;
    } cases[] = {
        {"one key and nothing else", "", "0", ALTO_OK, 1},
        {"one key and its threshold", "altocast-threshold: 1\n", "0", ALTO_OK, 1},
        {"two keys and their threshold", "altocast-threshold: 2\n", "01", ALTO_OK, 2},
        {"a remark and spaces", "Our keys\naltocast-threshold: 1  \n\n", "10", ALTO_OK, 1},
        {"two keys and no threshold", "", "01", ALTO_MALFORMED, 0},
        {"no keys", "altocast-threshold: 1\n", "", ALTO_MALFORMED, 0},
        {"threshold 0", "altocast-threshold: 0\n", "0", ALTO_MALFORMED, 0},
        {"a threshold above the number of keys", "altocast-threshold: 3\n", "01", ALTO_MALFORMED, 0},
        {"a threshold that is no number", "altocast-threshold: one\n", "0", ALTO_MALFORMED, 0},
        {"a huge threshold", "altocast-threshold: 4294967297\n", "0", ALTO_MALFORMED, 0},
        {"the same key twice", "altocast-threshold: 1\n", "00", ALTO_MALFORMED, 0},
        {"an origin that is no hash", "altocast-origin: 12\n", "0", ALTO_MALFORMED, 0},
        {"the origin of other keys",
         "altocast-origin: 0000000000000000000000000000000000000000000000000000000000000000\n", "0", ALTO_WRONG_ORIGIN,
         0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        for (int crlf = 0; crlf < 2; crlf++) {
            alto_anchor anchor;
            assert_int_equal(anchor_from(cases[i].lines, cases[i].keys, crlf, &anchor), cases[i].status);
            if (cases[i].status != ALTO_OK)
                continue;
            size_t count = strlen(cases[i].keys);
            alto_origin origin = alto_origin_of(cases[i].threshold, public_keys, count);
            assert_int_equal(anchor.threshold, cases[i].threshold);
            assert_int_equal(anchor.root_count, count);
            assert_true(alto_hash_equal(&anchor.origin, &origin));
        }
    }
}

static void an_anchor_may_name_its_own_origin(void **state)
{
    (void)state;
    alto_origin origin = alto_origin_of(2, public_keys, 2);
    char hex[2 * ALTO_HASH_SIZE + 1], lines[200];
    alto_hex(hex, origin.bytes, sizeof origin.bytes);
    alto_anchor anchor;
    snprintf(lines, sizeof lines, "altocast-origin: %s\naltocast-threshold: 2\n", hex);
    assert_int_equal(anchor_from(lines, "01", false, &anchor), ALTO_OK);
    assert_int_equal(anchor_from(lines, "10", true, &anchor), ALTO_OK);
    /* A changed threshold makes another origin, so it cannot be lowered unnoticed. */
    snprintf(lines, sizeof lines, "altocast-origin: %s\naltocast-threshold: 1\n", hex);
    assert_int_equal(anchor_from(lines, "01", false, &anchor), ALTO_WRONG_ORIGIN);
}

/* ---- whatever arrives ---- */

static void mutated_manifests_are_refused_or_encode_to_the_same_bytes(void **state)
{
    (void)state;
    alto_manifest manifest = manifest_of(2, 2), read;
    alto_anchor anchor = anchor_of(2, 2);
    alto_buffer good = alto_buffer_make(ALTO_MAX_MANIFEST);
    assert_int_equal(alto_manifest_encode(&manifest, &good), ALTO_OK);
    alto_buffer file = signed_by(&manifest, "01");
    test_random random = test_random_make(30001);
    unsigned accepted = 0;
    for (unsigned i = 0; i < 10000; i++) {
        const alto_buffer *from = i % 2 ? &file : &good;
        size_t size = test_random_below(&random, 4) ? from->size : 1 + test_random_below(&random, from->size);
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        memcpy(bytes, from->data, size);
        for (unsigned j = 0; j < 2; j++) /* sometimes twice the same, and so nothing */
            bytes[test_random_below(&random, size)] ^= (uint8_t)(1 << test_random_below(&random, 8));
        alto_slice slice = alto_slice_of(bytes, size);
        if (alto_manifest_decode(slice, &read) == ALTO_OK) {
            alto_buffer again = alto_buffer_make(ALTO_MAX_MANIFEST);
            assert_int_equal(alto_manifest_encode(&read, &again), ALTO_OK);
            assert_true(alto_slice_equal(slice, alto_buffer_slice(&again)));
            alto_buffer_fini(&again);
            accepted++;
        }
        if (alto_manifest_open(slice, &anchor, NOW_MS, &read) == ALTO_OK)
            assert_true(alto_slice_equal(slice, alto_buffer_slice(&file)));
        free(bytes);
    }
    print_message("  %u objects accepted\n", accepted);
    assert_in_range(accepted, 1, 9999);
    alto_buffer_fini(&good);
    alto_buffer_fini(&file);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_depends_on_threshold_and_keys_but_not_on_their_order),
        cmocka_unit_test(a_manifest_comes_back_with_every_field),
        cmocka_unit_test(signatures_of_several_places_are_joined),
        cmocka_unit_test(renewing_becomes_more_pressing),
        cmocka_unit_test(the_largest_manifest_fits_its_limit),
        cmocka_unit_test(what_no_decoder_would_take_is_not_written),
        cmocka_unit_test(a_manifest_opens_for_those_who_trust_enough_of_its_signers),
        cmocka_unit_test(a_manifest_of_another_origin_is_refused),
        cmocka_unit_test(a_wrong_signature_is_refused_wherever_the_damage_is),
        cmocka_unit_test(a_file_that_cannot_be_taken_apart_is_malformed),
        cmocka_unit_test(an_anchor_is_its_keys_and_its_threshold),
        cmocka_unit_test(an_anchor_may_name_its_own_origin),
        cmocka_unit_test(mutated_manifests_are_refused_or_encode_to_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
