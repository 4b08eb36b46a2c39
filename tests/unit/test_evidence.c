/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of forks: in memory, as files that prove it alone, and how much at most. */
#include "cmocka_all.h"
#include "core/wire.h"
#include "files.h"
#include "io/evidence.h"
#include "io/log.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char folder[64], directory[80]; /* the directory is in the folder, and not there at first */
    alto_signing_key *key;
    alto_evidence *evidence;
    uint8_t objects[2][300];
} fixture;

static size_t told; /* lines of log that begin so */

static void on_line(void *context, alto_log_level level, const char *line)
{
    (void)context, (void)level;
    told += strstr(line, "event=fork origin=isp-a position=") != NULL;
}

static int set_up(void **state)
{
    assert_int_equal(alto_crypto_init(), ALTO_OK);
    fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    snprintf(self->folder, sizeof self->folder, "/tmp/altocast-evidence-XXXXXX");
    assert_non_null(mkdtemp(self->folder));
    snprintf(self->directory, sizeof self->directory, "%s/evidence", self->folder);
    self->key = test_key(2);
    self->evidence = alto_evidence_new(self->directory, "origin=isp-a ");
    assert_non_null(self->evidence);
    told = 0;
    alto_log_set_sink(on_line, NULL);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    char path[400];
    alto_log_set_sink(NULL, NULL);
    alto_evidence_destroy(&self->evidence);
    alto_signing_key_destroy(&self->key);
    DIR *opened = opendir(self->directory);
    for (const struct dirent *entry; opened && (entry = readdir(opened));) {
        snprintf(path, sizeof path, "%s/%s", self->directory, entry->d_name);
        unlink(path);
    }
    if (opened)
        closedir(opened);
    rmdir(self->directory);
    assert_int_equal(rmdir(self->folder), 0);
    free(self);
    return 0;
}

static size_t files(const fixture *self)
{
    size_t count = 0;
    DIR *opened = opendir(self->directory);
    for (const struct dirent *entry; opened && (entry = readdir(opened));)
        count += entry->d_name[0] != '.';
    if (opened)
        closedir(opened);
    return count;
}

/* Two signed objects that differ, and differ for each number. */
static alto_fork fork_number(fixture *self, uint64_t number)
{
    alto_fork fork = {.position = {1, 100, number}};
    for (uint8_t side = 0; side < 2; side++) {
        memset(self->objects[side], side + 1, sizeof self->objects[side]);
        memcpy(self->objects[side], &number, sizeof number);
        fork.objects[side] = alto_slice_of(self->objects[side], sizeof self->objects[side]);
        fork.signatures[side] = alto_sign(self->key, fork.objects[side]);
        fork.hashes[side] = alto_commit_hash(fork.objects[side]);
    }
    return fork;
}

static void a_fork_is_kept_with_its_proof(void **state)
{
    fixture *self = *state;
    alto_fork fork = fork_number(self, 7);
    alto_evidence_add(self->evidence, &fork);
    assert_int_equal(alto_evidence_count(self->evidence), 1);
    const alto_kept_fork *kept = alto_evidence_at(self->evidence, 0);
    assert_int_equal(kept->position.seq, 7);
    assert_int_equal(files(self), 2);
    for (size_t side = 0; side < 2; side++) {
        char hash[2 * ALTO_HASH_SIZE + 1], path[300];
        alto_hex(hash, fork.hashes[side].bytes, ALTO_HASH_SIZE);
        snprintf(path, sizeof path, "%s/1.100.7-%s.signed", self->directory, hash);
        alto_buffer file = test_file(path);
        assert_true(alto_slice_equal(alto_buffer_slice(&file), alto_buffer_slice(&kept->statements[side])));
        alto_slice object;
        alto_signature signature;
        assert_int_equal(alto_signed_split(alto_buffer_slice(&file), &object, &signature), ALTO_OK);
        assert_true(alto_slice_equal(object, fork.objects[side]));
        alto_public_key key = alto_signing_key_public(self->key);
        assert_true(alto_verify(&key, object, &signature));
        alto_buffer_fini(&file);
    }
    assert_int_equal(told, 1);
}

static void the_same_fork_is_kept_and_told_once(void **state)
{
    fixture *self = *state;
    alto_fork fork = fork_number(self, 7);
    for (int i = 0; i < 3; i++)
        alto_evidence_add(self->evidence, &fork);
    assert_int_equal(alto_evidence_count(self->evidence), 1);
    assert_int_equal(files(self), 2);
    assert_int_equal(told, 1);
}

static void forks_and_files_are_bounded(void **state)
{
    fixture *self = *state;
    for (uint64_t life = 0; life < 5; life++) {
        for (uint64_t i = 0; i < ALTO_MAX_FORKS + 3; i++) {
            alto_fork fork = fork_number(self, 100 * life + i);
            alto_evidence_add(self->evidence, &fork);
        }
        assert_int_equal(alto_evidence_count(self->evidence), ALTO_MAX_FORKS);
        alto_evidence_destroy(&self->evidence);
        self->evidence = alto_evidence_new(self->directory, "");
        assert_non_null(self->evidence);
    }
    assert_int_equal(files(self), 4 * ALTO_MAX_FORKS); /* those of two lives */
}

static void where_nothing_can_be_written_it_stays_in_memory(void **state)
{
    fixture *self = *state;
    static const char *const directories[] = {"/dev/null/evidence", NULL};
    for (size_t i = 0; i < countof(directories); i++) {
        alto_evidence_destroy(&self->evidence);
        self->evidence = alto_evidence_new(directories[i], "");
        alto_fork fork = fork_number(self, 7);
        alto_evidence_add(self->evidence, &fork);
        assert_int_equal(alto_evidence_count(self->evidence), 1);
        assert_int_equal(alto_evidence_at(self->evidence, 0)->statements[1].size,
                         sizeof self->objects[1] + ALTO_SIGNATURE_SIZE);
    }
    assert_int_equal(files(self), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {T(a_fork_is_kept_with_its_proof), T(the_same_fork_is_kept_and_told_once),
                                       T(forks_and_files_are_bounded),
                                       T(where_nothing_can_be_written_it_stays_in_memory)};
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
