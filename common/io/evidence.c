/* SPDX-License-Identifier: Apache-2.0 */
#include "io/evidence.h"

#include "io/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    MAX_FILES = 4 * ALTO_MAX_FORKS, /* in the directory, also of former lives */
    PATH_SIZE = 4096,
    HASH_TEXT = 2 * ALTO_HASH_SIZE + 1,
    FILE_SIZE = PATH_SIZE + ALTO_POSITION_TEXT + HASH_TEXT + sizeof "-.signed"
};

struct alto_evidence {
    char directory[PATH_SIZE]; /* "": none */
    const char *label;
    size_t files;
    alto_kept_fork forks[ALTO_MAX_FORKS];
    atomic_size_t count; /* what is below it does not change any more */
};

/* ---- files ---- */

static size_t count_files(const char *directory)
{
    size_t count = 0;
    DIR *opened = opendir(directory);
    while (opened) {
        const struct dirent *entry = readdir(opened);
        if (!entry)
            break;
        count += entry->d_name[0] != '.';
    }
    if (opened)
        closedir(opened);
    return count;
}

/* Whole or not at all. */
static bool write_file(const char *path, const char *draft, alto_slice content)
{
    FILE *file = fopen(draft, "wb");
    if (!file)
        return false;
    bool good = fwrite(content.data, 1, content.size, file) == content.size;
    good = fclose(file) == 0 && good;
    return good && rename(draft, path) == 0;
}

/* Errors: ALTO_TOO_LARGE (files enough), ALTO_IO. */
static alto_status save(alto_evidence *self, const alto_kept_fork *fork, size_t side)
{
    char path[FILE_SIZE], draft[FILE_SIZE], position[ALTO_POSITION_TEXT], hash[HASH_TEXT];
    struct stat found;
    alto_position_text(&fork->position, position);
    alto_hex(hash, fork->hashes[side].bytes, ALTO_HASH_SIZE);
    snprintf(path, sizeof path, "%s/%s-%s.signed", self->directory, position, hash);
    snprintf(draft, sizeof draft, "%s/.new", self->directory);
    if (stat(path, &found) == 0)
        return ALTO_OK;
    if (self->files >= MAX_FILES)
        return ALTO_TOO_LARGE;
    if ((mkdir(self->directory, S_IRWXU) < 0 && errno != EEXIST) ||
        !write_file(path, draft, alto_buffer_slice(&fork->statements[side])))
        return ALTO_IO;
    self->files++;
    return ALTO_OK;
}

static void save_both(alto_evidence *self, const alto_kept_fork *fork)
{
    if (!self->directory[0])
        return;
    alto_status status = save(self, fork, 0);
    if (status == ALTO_OK)
        status = save(self, fork, 1);
    if (status == ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "evidence", "%sdirectory=%s files=%zu", self->label, self->directory, self->files);
    else
        alto_log(ALTO_LOG_ERROR, "evidence", "%sdirectory=%s status=%s", self->label, self->directory,
                 alto_status_name(status));
}

/* ---- forks ---- */

static bool is_kept(const alto_evidence *self, const alto_fork *fork)
{
    size_t count = alto_evidence_count(self);
    for (size_t i = 0; i < count; i++) {
        const alto_kept_fork *kept = &self->forks[i];
        if (alto_position_compare(&kept->position, &fork->position) == 0 &&
            alto_hash_equal(&kept->hashes[0], &fork->hashes[0]) && alto_hash_equal(&kept->hashes[1], &fork->hashes[1]))
            return true;
    }
    return false;
}

static bool copy(const alto_fork *fork, alto_kept_fork *kept)
{
    bool good = true;
    *kept = (alto_kept_fork){.position = fork->position};
    for (size_t side = 0; side < 2; side++) {
        kept->hashes[side] = fork->hashes[side];
        kept->statements[side] = alto_buffer_make(ALTO_MAX_STATEMENT + ALTO_SIGNATURE_SIZE);
        alto_buffer_add_slice(&kept->statements[side], fork->objects[side]);
        alto_buffer_add(&kept->statements[side], fork->signatures[side].bytes, ALTO_SIGNATURE_SIZE);
        good = good && kept->statements[side].status == ALTO_OK;
    }
    return good;
}

static void kept_fini(alto_kept_fork *kept)
{
    for (size_t side = 0; side < 2; side++)
        alto_buffer_fini(&kept->statements[side]);
}

static void tell(const alto_evidence *self, const alto_kept_fork *kept)
{
    char position[ALTO_POSITION_TEXT], held[HASH_TEXT], other[HASH_TEXT];
    alto_position_text(&kept->position, position);
    alto_hex(held, kept->hashes[0].bytes, ALTO_HASH_SIZE);
    alto_hex(other, kept->hashes[1].bytes, ALTO_HASH_SIZE);
    alto_log(ALTO_LOG_ERROR, "fork", "%sposition=%s held=%s other=%s", self->label, position, held, other);
}

void alto_evidence_add(alto_evidence *self, const alto_fork *fork)
{
    size_t count = alto_evidence_count(self);
    if (count == ALTO_MAX_FORKS || is_kept(self, fork))
        return;
    alto_kept_fork *kept = &self->forks[count];
    if (!copy(fork, kept)) {
        kept_fini(kept);
        return;
    }
    atomic_store_explicit(&self->count, count + 1, memory_order_release);
    tell(self, kept);
    save_both(self, kept);
}

size_t alto_evidence_count(const alto_evidence *self)
{
    return atomic_load_explicit(&((alto_evidence *)(uintptr_t)self)->count, memory_order_acquire);
}

const alto_kept_fork *alto_evidence_at(const alto_evidence *self, size_t index)
{
    return &self->forks[index];
}

/* ---- life ---- */

alto_evidence *alto_evidence_new(const char *directory, const char *label)
{
    alto_evidence *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->label = label;
    if (!directory)
        return self;
    snprintf(self->directory, sizeof self->directory, "%s", directory);
    self->files = count_files(directory);
    if (self->files)
        alto_log(ALTO_LOG_WARN, "evidence", "%sdirectory=%s files=%zu", label, directory, self->files);
    return self;
}

void alto_evidence_destroy(alto_evidence **self)
{
    alto_evidence *dying = *self;
    if (!dying)
        return;
    for (size_t i = 0; i < ALTO_MAX_FORKS; i++)
        kept_fini(&dying->forks[i]);
    free(dying);
    *self = NULL;
}
