/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "io/keyring_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS UINT64_C(1760000000000)
#define DAY_MS ALTO_DAY_MS

static const char *const names[] = {ALTO_KEYRING_ROOT, ALTO_KEYRING_ANCHOR, ALTO_KEYRING_ONLINE, ALTO_KEYRING_MANIFEST};

/* Two key directories in a temporary one. */
typedef struct {
    char base[256], one[300], two[300];
} rings;

static rings held;

static char *file_in(const char *directory, const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int set_up(void **state)
{
    const char *base = getenv("TMPDIR");
    if (alto_crypto_init() != ALTO_OK)
        return -1;
    snprintf(held.base, sizeof held.base, "%s/test_keyring.XXXXXX", base ? base : P_tmpdir);
    if (!mkdtemp(held.base))
        return -1;
    snprintf(held.one, sizeof held.one, "%s/one", held.base);
    snprintf(held.two, sizeof held.two, "%s/two", held.base);
    *state = &held;
    return 0;
}

static int tear_down(void **state)
{
    rings *it = *state;
    for (size_t i = 0; i < countof(names); i++) {
        unlink(file_in(it->one, names[i]));
        unlink(file_in(it->two, names[i]));
    }
    rmdir(it->one);
    rmdir(it->two);
    return rmdir(it->base);
}

static alto_manifest made_in(const char *directory)
{
    alto_manifest manifest;
    alto_error error;
    assert_int_equal(alto_keyring_make(directory, NOW_MS, 90, &manifest, &error), ALTO_OK);
    return manifest;
}

static void copy(const char *from, const char *to, const char *name)
{
    alto_buffer content = alto_buffer_make(65536);
    alto_error error;
    assert_int_equal(alto_keyring_read(from, name, &content, &error), ALTO_OK);
    FILE *file = fopen(file_in(to, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
    assert_int_equal(fclose(file), 0);
    alto_buffer_fini(&content);
}

static void what_is_made_belongs_together(void **state)
{
    rings *it = *state;
    alto_manifest made = made_in(it->one), read;
    alto_anchor anchor;
    alto_signing_key *online = NULL;
    alto_error error;
    assert_int_equal(alto_keyring_read_anchor(it->one, ALTO_KEYRING_ANCHOR, &anchor, &error), ALTO_OK);
    assert_true(alto_hash_equal(&anchor.origin, &made.origin));
    assert_int_equal(alto_keyring_read_manifest(it->one, &anchor, NOW_MS, &read, &error), ALTO_OK);
    assert_int_equal(alto_keyring_read_key(it->one, ALTO_KEYRING_ONLINE, &online, &error), ALTO_OK);
    alto_public_key key = alto_signing_key_public(online);
    alto_key_id id = alto_key_id_of(&key);
    /* Two minutes before it was made too: clocks differ. */
    assert_non_null(alto_manifest_key(&read, &id, NOW_MS - ALTO_MAX_CLOCK_MS));
    assert_non_null(alto_manifest_key(&read, &id, NOW_MS + 90 * DAY_MS - 1));
    assert_null(alto_manifest_key(&read, &id, NOW_MS + 90 * DAY_MS));
    assert_int_equal(alto_keyring_read_manifest(it->one, &anchor, NOW_MS + 90 * DAY_MS, &read, &error), ALTO_EXPIRED);
    alto_signing_key_destroy(&online);
}

static void private_files_are_private(void **state)
{
    rings *it = *state;
    struct stat about;
    made_in(it->one);
    assert_int_equal(stat(file_in(it->one, ALTO_KEYRING_ROOT), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(stat(file_in(it->one, ALTO_KEYRING_ONLINE), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(stat(it->one, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
}

static void nothing_is_ever_overwritten(void **state)
{
    rings *it = *state;
    alto_manifest manifest;
    alto_error error;
    for (size_t kept = 0; kept < countof(names); kept++) {
        made_in(it->one);
        for (size_t i = 0; i < countof(names); i++)
            if (i != kept)
                assert_int_equal(unlink(file_in(it->one, names[i])), 0);
        assert_int_equal(alto_keyring_make(it->one, NOW_MS, 90, &manifest, &error), ALTO_DUPLICATE);
        assert_string_equal(error.where, file_in(it->one, names[kept]));
        for (size_t i = 0; i < countof(names); i++)
            assert_int_equal(access(file_in(it->one, names[i]), F_OK) == 0, i == kept);
        assert_int_equal(unlink(file_in(it->one, names[kept])), 0);
    }
}

/* A change at now_ms that is signed at once; what came of it. */
static alto_status renew(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *after)
{
    alto_key_job job = {.directory = directory, .now_ms = now_ms};
    alto_key_outcome outcome = {.is_draft = true};
    alto_error error;
    alto_status status = alto_keyring_renew(&job, days, &outcome, &error);
    assert_true(status != ALTO_OK || !outcome.is_draft);
    *after = outcome.manifest;
    return status;
}

static alto_status raise_epoch(const char *directory, uint64_t days, alto_manifest *after)
{
    alto_key_job job = {.directory = directory, .now_ms = NOW_MS};
    alto_key_outcome outcome;
    alto_error error;
    alto_status status = alto_keyring_raise_epoch(&job, days, &outcome, &error);
    *after = outcome.manifest;
    return status;
}

static void renewing_extends_the_online_key_even_after_it_expired(void **state)
{
    rings *it = *state;
    alto_manifest before = made_in(it->one), after, read;
    alto_anchor anchor;
    alto_error error;
    uint64_t later = NOW_MS + 200 * DAY_MS;
    assert_int_equal(renew(it->one, later, 30, &after), ALTO_OK);
    assert_int_equal(after.version, before.version + 1);
    assert_int_equal(after.online[0].not_before_ms, before.online[0].not_before_ms);
    assert_int_equal(after.online[0].not_after_ms, later + 30 * DAY_MS);
    assert_int_equal(alto_keyring_read_anchor(it->one, ALTO_KEYRING_ANCHOR, &anchor, &error), ALTO_OK);
    assert_int_equal(alto_keyring_read_manifest(it->one, &anchor, later, &read, &error), ALTO_OK);
    assert_int_equal(read.version, after.version);
    /* Without the online key at hand too, and within the same millisecond. */
    assert_int_equal(unlink(file_in(it->one, ALTO_KEYRING_ONLINE)), 0);
    assert_int_equal(renew(it->one, later, 30, &after), ALTO_OK);
    assert_int_equal(after.issued_at_ms, later + 1);
}

/* Does the manifest name the key of signing.pem, and no other? */
static bool names_only_the_key_at_hand(const char *directory, const alto_manifest *manifest)
{
    alto_signing_key *online = NULL;
    alto_error error;
    assert_int_equal(alto_keyring_read_key(directory, ALTO_KEYRING_ONLINE, &online, &error), ALTO_OK);
    alto_public_key key = alto_signing_key_public(online);
    alto_signing_key_destroy(&online);
    return manifest->online_count == 1 && memcmp(manifest->online[0].key.bytes, key.bytes, sizeof key.bytes) == 0;
}

static void a_new_epoch_has_the_key_at_hand_or_a_new_one(void **state)
{
    rings *it = *state;
    alto_manifest before = made_in(it->one), after, read;
    alto_anchor anchor;
    alto_error error;
    assert_int_equal(renew(it->one, NOW_MS, 30, &before), ALTO_OK);
    assert_int_equal(raise_epoch(it->one, 30, &after), ALTO_OK);
    assert_int_equal(after.epoch, before.epoch + 1);
    assert_int_equal(after.version, 1);
    assert_true(after.issued_at_ms > before.issued_at_ms);
    assert_memory_equal(after.online[0].key.bytes, before.online[0].key.bytes, ALTO_KEY_SIZE);
    assert_int_equal(unlink(file_in(it->one, ALTO_KEYRING_ONLINE)), 0);
    before = after;
    assert_int_equal(raise_epoch(it->one, 30, &after), ALTO_OK);
    assert_int_equal(after.epoch, before.epoch + 1);
    assert_memory_not_equal(after.online[0].key.bytes, before.online[0].key.bytes, ALTO_KEY_SIZE);
    assert_true(names_only_the_key_at_hand(it->one, &after));
    assert_int_equal(alto_keyring_read_anchor(it->one, ALTO_KEYRING_ANCHOR, &anchor, &error), ALTO_OK);
    assert_int_equal(alto_keyring_read_manifest(it->one, &anchor, NOW_MS, &read, &error), ALTO_OK);
    assert_int_equal(read.epoch, after.epoch);
    struct stat about;
    assert_int_equal(stat(file_in(it->one, ALTO_KEYRING_ONLINE), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void a_raise_that_was_broken_off_is_made_good(void **state)
{
    rings *it = *state;
    alto_manifest after;
    made_in(it->one);
    made_in(it->two);
    copy(it->two, it->one, ALTO_KEYRING_ONLINE); /* a new key, which the manifest does not name */
    assert_int_equal(raise_epoch(it->one, 90, &after), ALTO_OK);
    assert_true(names_only_the_key_at_hand(it->one, &after));
}

static void renewing_with_the_wrong_files_changes_nothing(void **state)
{
    rings *it = *state;
    static const struct {
        const char *label, *foreign;
        alto_status status;
    } cases[] = {
        {"another root key", ALTO_KEYRING_ROOT, ALTO_CONFIG},
        {"another anchor", ALTO_KEYRING_ANCHOR, ALTO_WRONG_ORIGIN},
        {"another manifest", ALTO_KEYRING_MANIFEST, ALTO_WRONG_ORIGIN},
    };
    made_in(it->two);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        made_in(it->one);
        copy(it->two, it->one, cases[i].foreign);
        alto_buffer before = alto_buffer_make(65536), after = alto_buffer_make(65536);
        alto_manifest manifest;
        alto_error error;
        assert_int_equal(alto_keyring_read(it->one, ALTO_KEYRING_MANIFEST, &before, &error), ALTO_OK);
        assert_int_equal(renew(it->one, NOW_MS, 90, &manifest), cases[i].status);
        assert_int_equal(alto_keyring_read(it->one, ALTO_KEYRING_MANIFEST, &after, &error), ALTO_OK);
        assert_true(alto_slice_equal(alto_buffer_slice(&before), alto_buffer_slice(&after)));
        alto_buffer_fini(&before);
        alto_buffer_fini(&after);
        for (size_t j = 0; j < countof(names); j++)
            unlink(file_in(it->one, names[j]));
    }
}

static void files_that_cannot_be_used_are_named(void **state)
{
    rings *it = *state;
    alto_anchor anchor;
    alto_signing_key *key = NULL;
    alto_error error;
    made_in(it->one);
    assert_int_equal(alto_keyring_read_anchor(it->two, ALTO_KEYRING_ANCHOR, &anchor, &error), ALTO_NOT_FOUND);
    assert_string_equal(error.where, file_in(it->two, ALTO_KEYRING_ANCHOR));
    assert_int_equal(alto_keyring_read_key(it->one, ALTO_KEYRING_ANCHOR, &key, &error), ALTO_MALFORMED);
    assert_string_equal(error.where, file_in(it->one, ALTO_KEYRING_ANCHOR));
    assert_int_equal(alto_keyring_read_anchor(it->one, ALTO_KEYRING_ROOT, &anchor, &error), ALTO_MALFORMED);
    assert_int_equal(alto_keyring_read_key(NULL, it->one, &key, &error), ALTO_IO); /* a directory */
    assert_null(key);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_made_belongs_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(private_files_are_private, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_ever_overwritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(renewing_extends_the_online_key_even_after_it_expired, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_epoch_has_the_key_at_hand_or_a_new_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_raise_that_was_broken_off_is_made_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(renewing_with_the_wrong_files_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_used_are_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
