/* SPDX-License-Identifier: Apache-2.0 */
#include "io/keyring.h"

#include "core/manifest_change.h"
#include "io/key_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One file that is about to be made. */
typedef struct {
    const char *name;
    mode_t mode;
    alto_buffer content;
} new_file;

alto_status alto_keyring_read(const char *directory, const char *name, alto_buffer *out, alto_error *error)
{
    alto_key_path from = alto_key_path_of(directory, name);
    FILE *file = fopen(from.text, "rb");
    if (!file)
        return alto_key_refuse_io(error, from.text, "cannot be read");
    setvbuf(file, NULL, _IONBF, 0); /* a private key is not to stay behind in stdio's memory */
    uint8_t piece[4096];
    size_t size;
    while ((size = fread(piece, 1, sizeof piece, file)) > 0)
        alto_buffer_add(out, piece, size);
    alto_wipe(piece, sizeof piece);
    alto_status status = out->status;
    if (ferror(file))
        status = alto_key_refuse_io(error, from.text, "cannot be read");
    else if (status != ALTO_OK)
        alto_fail(error, status, from.text, "%s", alto_status_text(status));
    fclose(file);
    return status;
}

alto_status alto_keyring_read_secret(const char *file, alto_buffer *out, alto_error *error)
{
    alto_status status = alto_keyring_read(NULL, file, out, error);
    if (status != ALTO_OK)
        return status;
    alto_buffer_add_u8(out, 0);
    if (out->status != ALTO_OK)
        return alto_fail(error, out->status, file, "%s", alto_status_text(out->status));
    out->data[strcspn((char *)out->data, "\r\n")] = 0;
    return out->data[0] ? ALTO_OK : alto_fail(error, ALTO_CONFIG, file, "its first line is empty");
}

/* ---- making ---- */

alto_draft_name alto_keyring_draft_name(const alto_manifest *manifest)
{
    alto_draft_name name;
    snprintf(name.text, sizeof name.text, "manifest-%u.%u.draft", manifest->epoch, manifest->version);
    return name;
}

static void write_anchor(const alto_manifest *manifest, alto_buffer *out)
{
    alto_anchor anchor = {
        .origin = manifest->origin, .threshold = manifest->threshold, .root_count = manifest->root_count};
    memcpy(anchor.roots, manifest->roots, sizeof anchor.roots);
    alto_anchor_pem(&anchor, out);
}

/* All or none: what was made is taken away again when a later file cannot be made. */
static alto_status write_all(const char *directory, const new_file *files, size_t count, alto_error *error)
{
    alto_status status = ALTO_OK;
    size_t made = 0;
    while (made < count && status == ALTO_OK) {
        alto_key_path to = alto_key_path_of(directory, files[made].name);
        status = alto_key_file_new(to.text, files[made].mode, alto_buffer_slice(&files[made].content), error);
        made += status == ALTO_OK;
    }
    while (status != ALTO_OK && made > 0) {
        alto_key_path gone = alto_key_path_of(directory, files[--made].name);
        unlink(gone.text);
    }
    return status;
}

static alto_status make_directory(const char *directory, bool *is_new, alto_error *error)
{
    if (strlen(directory) + sizeof "/" ALTO_KEYRING_ANCHOR > PATH_MAX)
        return alto_fail(error, ALTO_IO, directory, "is too long a path");
    *is_new = mkdir(directory, 0700) == 0;
    if (!*is_new && errno != EEXIST)
        return alto_key_refuse_io(error, directory, "cannot be made");
    return ALTO_OK;
}

static void wipe_all(new_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        alto_key_buffer_fini(&files[i].content);
    }
}

/* status: of filling them; takes their contents over. */
static alto_status make_all(const char *directory, new_file *files, size_t count, alto_status status, alto_error *error)
{
    bool is_new = false;
    for (size_t i = 0; i < count && status == ALTO_OK; i++)
        status = files[i].content.status;
    if (status != ALTO_OK) {
        alto_fail(error, status, directory, "%s", alto_status_text(status));
    } else {
        status = make_directory(directory, &is_new, error);
        if (status == ALTO_OK)
            status = write_all(directory, files, count, error);
        if (status != ALTO_OK && is_new)
            rmdir(directory);
    }
    wipe_all(files, count);
    return status;
}

alto_status alto_keyring_make(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                              alto_error *error)
{
    new_file files[] = {{ALTO_KEYRING_ROOT, ALTO_KEY_PRIVATE, alto_key_buffer()},
                        {ALTO_KEYRING_ANCHOR, ALTO_KEY_PUBLIC, alto_buffer_make(ALTO_PEM_ROOM)},
                        {ALTO_KEYRING_ONLINE, ALTO_KEY_PRIVATE, alto_key_buffer()},
                        {ALTO_KEYRING_MANIFEST, ALTO_KEY_PUBLIC, alto_buffer_make(ALTO_MAX_MANIFEST)}};
    alto_signing_key *root = alto_signing_key_new(), *online = alto_signing_key_new();
    alto_status status = ALTO_NO_MEMORY;
    if (root && online) {
        alto_public_key root_half = alto_signing_key_public(root), online_half = alto_signing_key_public(online);
        status = alto_manifest_first(manifest, 1, &root_half, 1, &online_half, now_ms, days);
        alto_signing_key_pem(root, &files[0].content);
        write_anchor(manifest, &files[1].content);
        alto_signing_key_pem(online, &files[2].content);
    }
    if (status == ALTO_OK)
        status = alto_manifest_sign(manifest, (const alto_signing_key *const[]){root}, 1, &files[3].content);
    alto_signing_key_destroy(&root);
    alto_signing_key_destroy(&online);
    return make_all(directory, files, sizeof files / sizeof *files, status, error);
}

alto_status alto_keyring_make_shared(const char *directory, unsigned threshold, const alto_public_key *roots,
                                     size_t root_count, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                                     alto_error *error)
{
    new_file files[] = {{ALTO_KEYRING_ANCHOR, ALTO_KEY_PUBLIC, alto_buffer_make(ALTO_PEM_ROOM)},
                        {ALTO_KEYRING_ONLINE, ALTO_KEY_PRIVATE, alto_key_buffer()},
                        {NULL, ALTO_KEY_PUBLIC, alto_buffer_make(ALTO_MAX_MANIFEST)}};
    alto_signing_key *online = alto_signing_key_new();
    alto_status status = ALTO_NO_MEMORY;
    alto_draft_name draft = {{0}};
    if (online) {
        alto_public_key online_half = alto_signing_key_public(online);
        status = alto_manifest_first(manifest, threshold, roots, root_count, &online_half, now_ms, days);
        alto_signing_key_pem(online, &files[1].content);
    }
    if (status == ALTO_OK) {
        draft = alto_keyring_draft_name(manifest);
        files[2].name = draft.text;
        write_anchor(manifest, &files[0].content);
        status = alto_manifest_encode(manifest, &files[2].content);
    }
    alto_signing_key_destroy(&online);
    return make_all(directory, files, sizeof files / sizeof *files, status, error);
}

alto_status alto_keyring_new_key(const char *private_file, const char *public_file, alto_public_key *made,
                                 alto_error *error)
{
    new_file files[] = {{private_file, ALTO_KEY_PRIVATE, alto_key_buffer()},
                        {public_file, ALTO_KEY_PUBLIC, alto_buffer_make(ALTO_PEM_ROOM)}};
    enum { COUNT = sizeof files / sizeof *files };
    alto_signing_key *key = alto_signing_key_new();
    alto_status status = key ? ALTO_OK : alto_fail(error, ALTO_NO_MEMORY, private_file, "out of memory");
    if (key) {
        *made = alto_signing_key_public(key);
        alto_signing_key_pem(key, &files[0].content);
        alto_public_key_pem(made, &files[1].content);
        status = write_all(NULL, files, COUNT, error);
    }
    alto_signing_key_destroy(&key);
    wipe_all(files, COUNT);
    return status;
}

/* ---- reading ---- */

alto_status alto_keyring_read_anchor(const char *directory, const char *name, alto_anchor *anchor, alto_error *error)
{
    alto_buffer pem = alto_buffer_make(ALTO_PEM_ROOM);
    alto_status status = alto_keyring_read(directory, name, &pem, error);
    if (status == ALTO_OK) {
        status = alto_anchor_from_pem(alto_buffer_slice(&pem), anchor);
        if (status == ALTO_WRONG_ORIGIN)
            alto_fail(error, status, alto_key_path_of(directory, name).text,
                      "its altocast-origin line is not that of its keys");
        else if (status != ALTO_OK)
            alto_fail(error, status, alto_key_path_of(directory, name).text, "is no set of root public keys in PEM");
    }
    alto_buffer_fini(&pem);
    return status;
}

/* A key that others can read is no secret, one that they can write need not be ours. */
static alto_status check_private(const char *file, alto_error *error)
{
    struct stat about;
    if (stat(file, &about) != 0)
        return alto_key_refuse_io(error, file, "cannot be read");
    if (about.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
        return alto_fail(error, ALTO_CONFIG, file, "is a private key that others can read or write: chmod 600");
    return ALTO_OK;
}

alto_status alto_keyring_read_key(const char *directory, const char *name, alto_signing_key **key, alto_error *error)
{
    alto_buffer pem = alto_key_buffer();
    *key = NULL;
    alto_status status = alto_keyring_read(directory, name, &pem, error);
    if (status == ALTO_OK) {
        status = alto_signing_key_from_pem(alto_buffer_slice(&pem), key);
        if (status != ALTO_OK)
            alto_fail(error, status, alto_key_path_of(directory, name).text,
                      "is no unencrypted Ed25519 private key in PEM");
    }
    if (status == ALTO_OK)
        status = check_private(alto_key_path_of(directory, name).text, error);
    if (status != ALTO_OK)
        alto_signing_key_destroy(key);
    if (pem.data)
        alto_wipe(pem.data, pem.capacity);
    alto_buffer_fini(&pem);
    return status;
}

void alto_key_set_fini(alto_key_set *self)
{
    while (self->count)
        alto_signing_key_destroy(&self->keys[--self->count]);
}

static int is_online_key(const struct dirent *entry)
{
    return fnmatch("signing*.pem", entry->d_name, 0) == 0 && fnmatch("*.pub.pem", entry->d_name, 0) != 0;
}

alto_status alto_keyring_read_online(const char *directory, alto_key_set *out, alto_error *error)
{
    struct dirent **entries;
    int found = scandir(directory, &entries, is_online_key, alphasort);
    if (found < 0)
        return alto_key_refuse_io(error, directory, "cannot be read");
    *out = (alto_key_set){.count = 0};
    alto_status status = ALTO_OK;
    if (found == 0)
        status = alto_fail(error, ALTO_NOT_FOUND, alto_key_path_of(directory, ALTO_KEYRING_ONLINE).text,
                           "cannot be read: %s", strerror(ENOENT));
    if (found > ALTO_MAX_KEYS)
        status = alto_fail(error, ALTO_TOO_LARGE, directory, "has more than %d private keys", ALTO_MAX_KEYS);
    for (int i = 0; i < found; i++) {
        if (status == ALTO_OK)
            status = alto_keyring_read_key(directory, entries[i]->d_name, &out->keys[out->count], error);
        out->count += status == ALTO_OK;
        free(entries[i]);
    }
    free(entries);
    if (status != ALTO_OK)
        alto_key_set_fini(out);
    return status;
}

alto_status alto_keyring_read_roots(const char *directory, uint64_t now_ms, alto_anchor *anchor, alto_roots *roots,
                                    alto_error *error)
{
    alto_status status = alto_keyring_read_anchor(directory, ALTO_KEYRING_ANCHOR, anchor, error);
    if (status != ALTO_OK)
        return status;
    alto_roots_init(roots, anchor);
    alto_buffer list = alto_buffer_make(ALTO_MAX_ROOT_LIST);
    status = alto_keyring_read(directory, ALTO_KEYRING_ROOTS, &list, error);
    if (status == ALTO_OK)
        status = alto_roots_walk(roots, alto_buffer_slice(&list), now_ms);
    alto_buffer_fini(&list);
    if (status == ALTO_OK || status == ALTO_KNOWN || status == ALTO_NOT_FOUND)
        return ALTO_OK;
    return alto_fail(error, status, alto_key_path_of(directory, ALTO_KEYRING_ROOTS).text, "is refused: %s",
                     alto_status_text(status));
}

alto_status alto_keyring_read_manifest(const char *directory, const alto_anchor *anchor, uint64_t now_ms,
                                       alto_manifest *manifest, alto_error *error)
{
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_status status = alto_keyring_read(directory, ALTO_KEYRING_MANIFEST, &file, error);
    if (status == ALTO_OK) {
        status = alto_manifest_open(alto_buffer_slice(&file), anchor, now_ms, manifest);
        if (status != ALTO_OK)
            alto_fail(error, status, alto_key_path_of(directory, ALTO_KEYRING_MANIFEST).text, "is refused: %s%s",
                      alto_status_text(status), status == ALTO_FUTURE ? "; is the clock of this machine right?" : "");
    }
    alto_buffer_fini(&file);
    return status;
}
