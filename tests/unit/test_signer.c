/* SPDX-License-Identifier: Apache-2.0 */
/* What alto-server-push takes out of a key directory, and what it refuses. */
#include "cmocka_all.h"
#include "io/keyring_change.h"
#include "signer.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS UINT64_C(1760000000000)

static char directory[300];

static const char *path(const char *name)
{
    static char made[700];
    snprintf(made, sizeof made, "%s/%s", directory, name);
    return made;
}

static int set_up(void **state)
{
    const char *base = getenv("TMPDIR");
    alto_manifest manifest;
    alto_error error;
    (void)state;
    snprintf(directory, sizeof directory, "%s/test_signer.XXXXXX", base ? base : P_tmpdir);
    if (alto_crypto_init() != ALTO_OK || !mkdtemp(directory))
        return -1;
    return alto_keyring_make(directory, NOW_MS, 90, &manifest, &error) == ALTO_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    DIR *open = opendir(directory);
    for (struct dirent *entry = open ? readdir(open) : NULL; entry; entry = readdir(open))
        unlink(path(entry->d_name));
    closedir(open);
    return rmdir(directory);
}

static alto_status read_at(uint64_t now_ms, signer **out, alto_error *error)
{
    *out = NULL;
    return signer_read(directory, now_ms, out, error);
}

static void rotate(uint64_t lead_s, uint64_t days)
{
    alto_key_job job = {.directory = directory, .now_ms = NOW_MS};
    alto_key_rotation rotation = {.lead_s = lead_s, .overlap_s = 60, .days = days};
    alto_key_outcome outcome;
    alto_error error;
    assert_int_equal(alto_keyring_rotate(&job, &rotation, &outcome, &error), ALTO_OK);
}

static void all_keys_are_read_and_the_last_end_counts(void **state)
{
    (void)state;
    signer *read;
    alto_error error;
    assert_int_equal(read_at(NOW_MS, &read, &error), ALTO_OK);
    assert_int_equal(read->online.count, 1);
    assert_int_equal(signer_good_until_ms(read), NOW_MS + 90 * ALTO_DAY_MS);
    signer_destroy(&read);
    rotate(3600, 30);
    assert_int_equal(read_at(NOW_MS, &read, &error), ALTO_OK);
    assert_int_equal(read->online.count, 2);
    assert_int_equal(read->manifest.version, 2);
    assert_int_equal(signer_good_until_ms(read), read->manifest.not_after_ms);
    assert_int_equal(read->roots.count, 0);
    assert_true(read->manifest_file.size > 0);
    signer_destroy(&read);
    assert_null(read);
}

static void root_keys_that_came_with_the_manifest_are_noted(void **state)
{
    (void)state;
    signer *read;
    alto_key_job job = {.directory = directory, .now_ms = NOW_MS};
    alto_public_key root;
    alto_key_outcome outcome;
    alto_manifest manifest;
    alto_error error;
    char private[700], draft[700], old[700], new[700];
    snprintf(private, sizeof private, "%s", path("second.pem"));
    snprintf(old, sizeof old, "%s", path("by-old"));
    snprintf(new, sizeof new, "%s", path("by-new"));
    assert_int_equal(alto_keyring_new_key(private, path("second.pub.pem"), &root, &error), ALTO_OK);
    assert_int_equal(alto_keyring_change_roots(&job, 1, &root, 1, &outcome, &error), ALTO_OK);
    assert_true(outcome.is_draft);
    snprintf(draft, sizeof draft, "%s", path(alto_keyring_draft_name(&outcome.manifest).text));
    assert_int_equal(alto_keyring_sign(draft, path(ALTO_KEYRING_ROOT), old, &manifest, &error), ALTO_OK);
    assert_int_equal(alto_keyring_sign(draft, private, new, &manifest, &error), ALTO_OK);
    assert_int_equal(alto_keyring_combine(&job, (const char *const[]){new}, 1, &manifest, &error), ALTO_UNKNOWN_KEY);
    assert_int_equal(alto_keyring_combine(&job, (const char *const[]){old, new}, 2, &manifest, &error), ALTO_OK);
    assert_int_equal(alto_keyring_combine(&job, (const char *const[]){old, new}, 2, &manifest, &error), ALTO_OLD);
    assert_int_not_equal(access(draft, F_OK), 0);
    assert_int_equal(read_at(NOW_MS, &read, &error), ALTO_OK);
    assert_int_equal(read->roots.count, 1); /* before there is a file "roots" */
    assert_memory_equal(&read->roots.reached.roots[0], &root, sizeof root);
    assert_memory_not_equal(&read->anchor.roots[0], &root, sizeof root);
    signer_destroy(&read);
    /* Renewed by the new key alone. */
    assert_int_equal(rename(private, path(ALTO_KEYRING_ROOT)), 0);
    assert_int_equal(alto_keyring_renew(&job, 90, &outcome, &error), ALTO_OK);
    assert_int_equal(access(path(ALTO_KEYRING_ROOTS), F_OK), 0);
    assert_int_equal(read_at(NOW_MS, &read, &error), ALTO_OK);
    assert_int_equal(read->roots.count, 1);
    assert_int_equal(read->manifest.version, 3);
    signer_destroy(&read);
}

static void assert_refused(uint64_t now_ms, alto_status status, const char *word)
{
    signer *read;
    alto_error error;
    assert_int_equal(read_at(now_ms, &read, &error), status);
    assert_null(read);
    if (!strstr(error.where, word) && !strstr(error.why, word))
        fail_msg("%s: %s: no word of %s", error.where, error.why, word);
}

static void what_cannot_sign_is_refused(void **state)
{
    (void)state;
    assert_refused(NOW_MS + 91 * ALTO_DAY_MS, ALTO_EXPIRED, "manifest");
    assert_refused(NOW_MS - ALTO_DAY_MS, ALTO_FUTURE, "clock");
    assert_int_equal(chmod(path(ALTO_KEYRING_ONLINE), 0644), 0);
    assert_refused(NOW_MS, ALTO_CONFIG, "chmod 600");
    assert_int_equal(chmod(path(ALTO_KEYRING_ONLINE), 0600), 0);
    rotate(3600, 30);
    assert_int_equal(unlink(path(ALTO_KEYRING_ONLINE)), 0); /* only the announced key is left */
    assert_refused(NOW_MS, ALTO_EXPIRED, "valid now");
    signer *read;
    alto_error error;
    assert_int_equal(read_at(NOW_MS + 3600 * 1000, &read, &error), ALTO_OK);
    signer_destroy(&read);
}

static void keys_of_somebody_else_are_refused(void **state)
{
    (void)state;
    alto_public_key stranger;
    alto_error error;
    assert_int_equal(unlink(path(ALTO_KEYRING_ONLINE)), 0);
    assert_refused(NOW_MS, ALTO_NOT_FOUND, "signing.pem");
    char private[700];
    snprintf(private, sizeof private, "%s", path(ALTO_KEYRING_ONLINE));
    assert_int_equal(alto_keyring_new_key(private, path("signing.pub.pem"), &stranger, &error), ALTO_OK);
    assert_refused(NOW_MS, ALTO_UNKNOWN_KEY, "names none");
    FILE *roots = fopen(path(ALTO_KEYRING_ROOTS), "wb");
    assert_non_null(roots);
    fputs("no list", roots);
    fclose(roots);
    assert_refused(NOW_MS, ALTO_MALFORMED, "roots");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        T(all_keys_are_read_and_the_last_end_counts),
        T(root_keys_that_came_with_the_manifest_are_noted),
        T(what_cannot_sign_is_refused),
        T(keys_of_somebody_else_are_refused),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
