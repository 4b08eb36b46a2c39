/* SPDX-License-Identifier: Apache-2.0 */
/* What holders of root keys may want of a manifest, and what each change leaves alone. */
#include "cmocka_all.h"
#include "core/manifest_change.h"

#define NOW_MS UINT64_C(1760000000000)
#define HOUR_MS UINT64_C(3600000)

static alto_public_key key_of(uint8_t byte)
{
    alto_public_key key = {{byte}};
    return key;
}

static alto_key_id id_of(uint8_t byte)
{
    alto_public_key key = key_of(byte);
    return alto_key_id_of(&key);
}

/* Root key 1, online key 2 from now on. */
static alto_manifest first(void)
{
    alto_manifest manifest;
    alto_public_key root = key_of(1), online = key_of(2);
    assert_int_equal(alto_manifest_first(&manifest, 1, &root, 1, &online, NOW_MS, 90), ALTO_OK);
    return manifest;
}

static const alto_online_key *find(const alto_manifest *manifest, uint8_t byte)
{
    for (size_t i = 0; i < manifest->online_count; i++)
        if (manifest->online[i].key.bytes[0] == byte)
            return &manifest->online[i];
    return NULL;
}

static void assert_encodes(const alto_manifest *manifest)
{
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_MANIFEST);
    assert_int_equal(alto_manifest_encode(manifest, &bytes), ALTO_OK);
    alto_buffer_fini(&bytes);
}

static void announce(alto_manifest *manifest, uint8_t byte, uint64_t from_ms, uint64_t now_ms)
{
    alto_public_key key = key_of(byte);
    assert_int_equal(alto_manifest_announce(manifest, &key, from_ms, HOUR_MS, now_ms, 90), ALTO_OK);
    assert_encodes(manifest);
}

static void an_announced_key_takes_over_from_the_one_before(void **state)
{
    (void)state;
    alto_manifest manifest = first();
    announce(&manifest, 3, NOW_MS + HOUR_MS, NOW_MS);
    assert_int_equal(manifest.version, 2);
    assert_true(manifest.issued_at_ms > NOW_MS); /* later than the one before */
    assert_int_equal(find(&manifest, 2)->not_after_ms, NOW_MS + 2 * HOUR_MS);
    assert_int_equal(find(&manifest, 3)->not_before_ms, NOW_MS + HOUR_MS);
    assert_int_equal(find(&manifest, 3)->not_after_ms, manifest.not_after_ms);
    alto_public_key again = key_of(3);
    assert_int_equal(alto_manifest_announce(&manifest, &again, NOW_MS, 0, NOW_MS, 90), ALTO_DUPLICATE);
    assert_int_equal(manifest.version, 2);
}

static void renewing_is_of_the_newest_key_alone(void **state)
{
    (void)state;
    alto_manifest manifest = first();
    announce(&manifest, 3, NOW_MS + HOUR_MS, NOW_MS);
    uint64_t later_ms = NOW_MS + 10 * ALTO_DAY_MS;
    assert_int_equal(alto_manifest_extend(&manifest, later_ms, 90), ALTO_OK);
    assert_int_equal(find(&manifest, 3)->not_after_ms, later_ms + 90 * ALTO_DAY_MS);
    assert_int_equal(find(&manifest, 2)->not_after_ms, NOW_MS + 2 * HOUR_MS);
    assert_int_equal(manifest.not_after_ms, later_ms + 90 * ALTO_DAY_MS);
    assert_int_equal(manifest.version, 3);
}

static void keys_that_ended_long_ago_are_left_out(void **state)
{
    (void)state;
    alto_manifest manifest = first();
    uint64_t now_ms = NOW_MS;
    for (uint8_t byte = 3; byte < 10; byte++) {
        now_ms += 50 * ALTO_DAY_MS;
        announce(&manifest, byte, now_ms, now_ms);
    }
    assert_int_equal(manifest.online_count, 3);
    assert_non_null(find(&manifest, 7)); /* ended 50 days ago */
    assert_null(find(&manifest, 6));
}

static void a_key_that_never_signed_gives_way(void **state)
{
    (void)state;
    alto_manifest manifest = first();
    announce(&manifest, 3, NOW_MS + 48 * HOUR_MS, NOW_MS);
    announce(&manifest, 4, NOW_MS + HOUR_MS, NOW_MS); /* earlier, so that 3 would end before it begins */
    assert_null(find(&manifest, 3));
    assert_int_equal(manifest.online_count, 2);
}

static void revoking_needs_another_key_that_signs_now(void **state)
{
    (void)state;
    alto_manifest manifest = first();
    alto_key_id two = id_of(2), three = id_of(3), nobody = id_of(9);
    assert_int_equal(alto_manifest_revoke(&manifest, &nobody, NOW_MS), ALTO_NOT_FOUND);
    assert_int_equal(alto_manifest_revoke(&manifest, &two, NOW_MS), ALTO_CONFIG);
    announce(&manifest, 3, NOW_MS + HOUR_MS, NOW_MS);
    assert_int_equal(alto_manifest_revoke(&manifest, &two, NOW_MS), ALTO_CONFIG);
    alto_manifest other = manifest;
    assert_int_equal(alto_manifest_revoke(&other, &three, NOW_MS), ALTO_OK); /* the announced one */
    assert_int_equal(alto_manifest_revoke(&manifest, &two, NOW_MS + HOUR_MS), ALTO_OK);
    assert_int_equal(manifest.version, 3);
    assert_null(find(&manifest, 2));
    assert_non_null(find(&manifest, 3));
    assert_encodes(&manifest);
}

static void a_new_epoch_names_its_keys_and_no_others(void **state)
{
    (void)state;
    alto_manifest manifest = first();
    announce(&manifest, 3, NOW_MS + HOUR_MS, NOW_MS);
    alto_public_key online[] = {key_of(5), key_of(6)};
    assert_int_equal(alto_manifest_raise(&manifest, online, 2, NOW_MS, 30), ALTO_OK);
    assert_int_equal(manifest.epoch, 2);
    assert_int_equal(manifest.version, 1);
    assert_int_equal(manifest.online_count, 2);
    assert_true(find(&manifest, 5)->not_before_ms < NOW_MS);
    manifest.epoch = UINT32_MAX;
    assert_int_equal(alto_manifest_raise(&manifest, online, 2, NOW_MS, 30), ALTO_TOO_LARGE);
}

static void other_root_keys_leave_the_origin_what_it_is(void **state)
{
    (void)state;
    alto_manifest manifest = first(), before = manifest;
    alto_public_key roots[] = {key_of(7), key_of(8)};
    assert_int_equal(alto_manifest_change_roots(&manifest, 3, roots, 2, NOW_MS), ALTO_INVALID);
    assert_int_equal(alto_manifest_change_roots(&manifest, 0, roots, 2, NOW_MS), ALTO_INVALID);
    assert_int_equal(alto_manifest_change_roots(&manifest, 2, roots, 2, NOW_MS), ALTO_OK);
    assert_int_equal(manifest.root_count, 2);
    assert_int_equal(manifest.threshold, 2);
    assert_true(alto_hash_equal(&manifest.origin, &before.origin));
    assert_int_equal(manifest.not_after_ms, before.not_after_ms);
    assert_encodes(&manifest);
}

static void versions_come_to_an_end(void **state)
{
    (void)state;
    alto_manifest manifest = first();
    alto_public_key key = key_of(3);
    alto_key_id two = id_of(2);
    manifest.version = UINT32_MAX;
    assert_int_equal(alto_manifest_extend(&manifest, NOW_MS, 90), ALTO_TOO_LARGE);
    assert_int_equal(alto_manifest_announce(&manifest, &key, NOW_MS, 0, NOW_MS, 90), ALTO_TOO_LARGE);
    assert_int_equal(alto_manifest_revoke(&manifest, &two, NOW_MS), ALTO_TOO_LARGE);
    assert_int_equal(alto_manifest_change_roots(&manifest, 1, &key, 1, NOW_MS), ALTO_TOO_LARGE);
    assert_int_equal(alto_manifest_raise(&manifest, &key, 1, NOW_MS, 90), ALTO_OK); /* only an epoch goes on */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_announced_key_takes_over_from_the_one_before),
        cmocka_unit_test(renewing_is_of_the_newest_key_alone),
        cmocka_unit_test(keys_that_ended_long_ago_are_left_out),
        cmocka_unit_test(a_key_that_never_signed_gives_way),
        cmocka_unit_test(revoking_needs_another_key_that_signs_now),
        cmocka_unit_test(a_new_epoch_names_its_keys_and_no_others),
        cmocka_unit_test(other_root_keys_leave_the_origin_what_it_is),
        cmocka_unit_test(versions_come_to_an_end),
    };
    return alto_crypto_init() == ALTO_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
