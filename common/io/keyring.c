/* SPDX-License-Identifier: Apache-2.0 */
#include "io/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

enum { PRIVATE = 0600, PUBLIC = 0644, PEM_ROOM = 65536 };

/* One file that is about to be made. */
typedef struct {
    const char *name;
    mode_t mode;
    alto_buffer content;
} new_file;

typedef struct {
    char text[PATH_MAX];
} path;

static path path_of(const char *directory, const char *name)
{
    path made;
    if (directory)
        snprintf(made.text, sizeof made.text, "%s/%s", directory, name);
    else
        snprintf(made.text, sizeof made.text, "%s", name);
    return made;
}

static alto_status refuse_io(alto_error *error, const char *where, const char *what)
{
    alto_status status = errno == ENOENT ? ALTO_NOT_FOUND : ALTO_IO;
    return alto_fail(error, status, where, "%s: %s", what, strerror(errno));
}

alto_status alto_keyring_read(const char *directory, const char *name, alto_buffer *out, alto_error *error)
{
    path from = path_of(directory, name);
    FILE *file = fopen(from.text, "rb");
    if (!file)
        return refuse_io(error, from.text, "cannot be read");
    setvbuf(file, NULL, _IONBF, 0); /* a private key is not to stay behind in stdio's memory */
    uint8_t piece[4096];
    size_t size;
    while ((size = fread(piece, 1, sizeof piece, file)) > 0)
        alto_buffer_add(out, piece, size);
    alto_wipe(piece, sizeof piece);
    alto_status status = out->status;
    if (ferror(file))
        status = refuse_io(error, from.text, "cannot be read");
    else if (status != ALTO_OK)
        alto_fail(error, status, from.text, "%s", alto_status_text(status));
    fclose(file);
    return status;
}

/* Write everything to an open file, make it durable, and close it. */
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

static bool write_and_close(int file, alto_slice content)
{
    size_t done = 0;
    bool good = true;
    while (good && done < content.size) {
        ssize_t written = write(file, content.data + done, content.size - done);
        if (written > 0)
            done += (size_t)written;
        else
            good = written < 0 && errno == EINTR;
    }
    good = good && fsync(file) == 0;
    int reason = errno;
    if (close(file) != 0)
        return false;
    errno = reason;
    return good;
}

static alto_status write_new(const char *to, mode_t mode, alto_slice content, alto_error *error)
{
    int file = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0 && errno == EEXIST)
        return alto_fail(error, ALTO_DUPLICATE, to, "exists already, and keys are never overwritten");
    if (file < 0)
        return refuse_io(error, to, "cannot be made");
    if (write_and_close(file, content))
        return ALTO_OK;
    alto_status status = refuse_io(error, to, "cannot be written");
    unlink(to);
    return status;
}

alto_status alto_keyring_write_new(const char *to, bool secret, alto_slice content, alto_error *error)
{
    return write_new(to, secret ? PRIVATE : PUBLIC, content, error);
}

/* Whoever reads `to` meanwhile sees the old file or the new one, whole. */
static alto_status write_over(const char *to, alto_slice content, alto_error *error)
{
    path draft;
    int length = snprintf(draft.text, sizeof draft.text, "%s.XXXXXX", to);
    if (length < 0 || (size_t)length >= sizeof draft.text)
        return alto_fail(error, ALTO_IO, to, "is too long a path");
    int file = mkstemp(draft.text);
    if (file < 0)
        return refuse_io(error, to, "cannot be replaced");
    bool good = fchmod(file, PUBLIC) == 0;
    good = write_and_close(file, content) && good && rename(draft.text, to) == 0;
    if (good)
        return ALTO_OK;
    alto_status status = refuse_io(error, to, "cannot be replaced");
    unlink(draft.text);
    return status;
}

/* ---- making ---- */

static alto_manifest first_manifest(const alto_signing_key *root, const alto_signing_key *online, uint64_t now_ms,
                                    uint64_t days)
{
    alto_manifest manifest = {.epoch = 1,
                              .version = 1,
                              .issued_at_ms = now_ms,
                              .not_after_ms = now_ms + days * DAY_MS,
                              .threshold = 1,
                              .root_count = 1,
                              .roots = {alto_signing_key_public(root)},
                              .online_count = 1,
                              .max_pushed_payload = ALTO_MAX_PUSHED_PAYLOAD};
    manifest.origin = alto_origin_of(1, manifest.roots, 1);
    /* Valid a little before now: the publisher's clock may be behind that of this machine. */
    manifest.online[0] = (alto_online_key){.key = alto_signing_key_public(online),
                                           .not_before_ms = now_ms - ALTO_MAX_FUTURE_MS,
                                           .not_after_ms = manifest.not_after_ms};
    return manifest;
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
        path to = path_of(directory, files[made].name);
        status = write_new(to.text, files[made].mode, alto_buffer_slice(&files[made].content), error);
        made += status == ALTO_OK;
    }
    while (status != ALTO_OK && made > 0) {
        path gone = path_of(directory, files[--made].name);
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
        return refuse_io(error, directory, "cannot be made");
    return ALTO_OK;
}

alto_status alto_keyring_make(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                              alto_error *error)
{
    new_file files[] = {{ALTO_KEYRING_ROOT, PRIVATE, alto_buffer_make(PEM_ROOM)},
                        {ALTO_KEYRING_ANCHOR, PUBLIC, alto_buffer_make(PEM_ROOM)},
                        {ALTO_KEYRING_ONLINE, PRIVATE, alto_buffer_make(PEM_ROOM)},
                        {ALTO_KEYRING_MANIFEST, PUBLIC, alto_buffer_make(ALTO_MAX_MANIFEST)}};
    enum { COUNT = sizeof files / sizeof *files };
    alto_signing_key *root = alto_signing_key_new(), *online = alto_signing_key_new();
    alto_status status = ALTO_NO_MEMORY;
    bool is_new = false;
    if (root && online) {
        *manifest = first_manifest(root, online, now_ms, days);
        alto_signing_key_pem(root, &files[0].content);
        write_anchor(manifest, &files[1].content);
        alto_signing_key_pem(online, &files[2].content);
        status = alto_manifest_sign(manifest, (const alto_signing_key *const[]){root}, 1, &files[3].content);
    }
    for (size_t i = 0; i < COUNT && status == ALTO_OK; i++)
        status = files[i].content.status;
    if (status != ALTO_OK) {
        alto_fail(error, status, directory, "%s", alto_status_text(status));
        goto done;
    }
    status = make_directory(directory, &is_new, error);
    if (status == ALTO_OK)
        status = write_all(directory, files, COUNT, error);
    if (status != ALTO_OK && is_new)
        rmdir(directory);
done:
    for (size_t i = 0; i < COUNT; i++) {
        if (files[i].content.data)
            alto_wipe(files[i].content.data, files[i].content.capacity);
        alto_buffer_fini(&files[i].content);
    }
    alto_signing_key_destroy(&root);
    alto_signing_key_destroy(&online);
    return status;
}

/* ---- reading ---- */

alto_status alto_keyring_read_anchor(const char *directory, const char *name, alto_anchor *anchor, alto_error *error)
{
    alto_buffer pem = alto_buffer_make(PEM_ROOM);
    alto_status status = alto_keyring_read(directory, name, &pem, error);
    if (status == ALTO_OK) {
        status = alto_anchor_from_pem(alto_buffer_slice(&pem), anchor);
        if (status == ALTO_WRONG_ORIGIN)
            alto_fail(error, status, path_of(directory, name).text, "its altocast-origin line is not that of its keys");
        else if (status != ALTO_OK)
            alto_fail(error, status, path_of(directory, name).text, "is no set of root public keys in PEM");
    }
    alto_buffer_fini(&pem);
    return status;
}

alto_status alto_keyring_read_key(const char *directory, const char *name, alto_signing_key **key, alto_error *error)
{
    alto_buffer pem = alto_buffer_make(PEM_ROOM);
    alto_status status = alto_keyring_read(directory, name, &pem, error);
    if (status == ALTO_OK) {
        status = alto_signing_key_from_pem(alto_buffer_slice(&pem), key);
        if (status != ALTO_OK)
            alto_fail(error, status, path_of(directory, name).text, "is no unencrypted Ed25519 private key in PEM");
    }
    if (pem.data)
        alto_wipe(pem.data, pem.capacity);
    alto_buffer_fini(&pem);
    return status;
}

alto_status alto_keyring_read_manifest(const char *directory, const alto_anchor *anchor, uint64_t now_ms,
                                       alto_manifest *manifest, alto_error *error)
{
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_status status = alto_keyring_read(directory, ALTO_KEYRING_MANIFEST, &file, error);
    if (status == ALTO_OK) {
        status = alto_manifest_open(alto_buffer_slice(&file), anchor, now_ms, manifest);
        if (status != ALTO_OK)
            alto_fail(error, status, path_of(directory, ALTO_KEYRING_MANIFEST).text, "is refused: %s%s",
                      alto_status_text(status), status == ALTO_FUTURE ? "; is the clock of this machine right?" : "");
    }
    alto_buffer_fini(&file);
    return status;
}

/* ---- renewing ---- */

static bool same_key(const alto_public_key *a, const alto_public_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* The root key of the directory, which must be enough to sign alone. */
static alto_status read_root(const char *directory, const alto_anchor *anchor, alto_signing_key **root,
                             alto_error *error)
{
    if (anchor->threshold > 1)
        return alto_fail(error, ALTO_CONFIG, directory, "this origin needs %u root keys to sign; renew has only one",
                         anchor->threshold);
    alto_status status = alto_keyring_read_key(directory, ALTO_KEYRING_ROOT, root, error);
    if (status != ALTO_OK)
        return status;
    alto_public_key key = alto_signing_key_public(*root);
    for (size_t i = 0; i < anchor->root_count; i++)
        if (same_key(&anchor->roots[i], &key))
            return ALTO_OK;
    return alto_fail(error, ALTO_CONFIG, path_of(directory, ALTO_KEYRING_ROOT).text, "is not one of the keys in %s",
                     ALTO_KEYRING_ANCHOR);
}

/* Which of the manifest's online keys is to be extended, borrowed from it; NULL with *error filled. */
static alto_online_key *find_online(const char *directory, alto_manifest *manifest, alto_error *error)
{
    alto_signing_key *online = NULL;
    alto_status status = alto_keyring_read_key(directory, ALTO_KEYRING_ONLINE, &online, error);
    if (status == ALTO_NOT_FOUND && manifest->online_count == 1)
        return &manifest->online[0];
    if (status != ALTO_OK)
        return NULL;
    alto_public_key key = alto_signing_key_public(online);
    alto_signing_key_destroy(&online);
    for (size_t i = 0; i < manifest->online_count; i++)
        if (same_key(&manifest->online[i].key, &key))
            return &manifest->online[i];
    alto_fail(error, ALTO_CONFIG, path_of(directory, ALTO_KEYRING_ONLINE).text, "is not named in the manifest");
    return NULL;
}

/* Dated later than the manifest before it. */
static void date_anew(alto_manifest *manifest, alto_online_key *online, uint64_t now_ms, uint64_t days)
{
    manifest->issued_at_ms = now_ms > manifest->issued_at_ms ? now_ms : manifest->issued_at_ms + 1;
    online->not_after_ms = manifest->issued_at_ms + days * DAY_MS;
    manifest->not_after_ms = online->not_after_ms;
}

static alto_status extend(const char *directory, alto_manifest *manifest, uint64_t now_ms, uint64_t days,
                          alto_error *error)
{
    alto_online_key *online = find_online(directory, manifest, error);
    if (!online)
        return error->status;
    if (manifest->version == UINT32_MAX)
        return alto_fail(error, ALTO_TOO_LARGE, directory, "this epoch has no manifest version left");
    manifest->version++;
    date_anew(manifest, online, now_ms, days);
    return ALTO_OK;
}

static alto_status make_online(const char *directory, alto_signing_key **online, alto_error *error)
{
    alto_buffer pem = alto_buffer_make(PEM_ROOM);
    path to = path_of(directory, ALTO_KEYRING_ONLINE);
    *online = alto_signing_key_new();
    if (*online)
        alto_signing_key_pem(*online, &pem);
    alto_status status = *online ? pem.status : ALTO_NO_MEMORY;
    if (status == ALTO_OK)
        status = write_new(to.text, PRIVATE, alto_buffer_slice(&pem), error);
    else
        alto_fail(error, status, to.text, "%s", alto_status_text(status));
    if (pem.data)
        alto_wipe(pem.data, pem.capacity);
    alto_buffer_fini(&pem);
    return status;
}

/* The key comes first: a raise that was broken off between the two files is made good by the next one. */
static alto_status begin_epoch(const char *directory, alto_manifest *manifest, uint64_t now_ms, uint64_t days,
                               alto_error *error)
{
    alto_signing_key *online = NULL;
    if (manifest->epoch == UINT32_MAX)
        return alto_fail(error, ALTO_TOO_LARGE, directory, "this origin has no epoch left");
    alto_status status = alto_keyring_read_key(directory, ALTO_KEYRING_ONLINE, &online, error);
    if (status == ALTO_NOT_FOUND)
        status = make_online(directory, &online, error);
    if (status == ALTO_OK) {
        manifest->epoch++;
        manifest->version = 1;
        manifest->online_count = 1;
        manifest->online[0] =
            (alto_online_key){.key = alto_signing_key_public(online), .not_before_ms = now_ms - ALTO_MAX_FUTURE_MS};
        date_anew(manifest, &manifest->online[0], now_ms, days);
    }
    alto_signing_key_destroy(&online);
    return status;
}

static alto_status sign_and_replace(const char *directory, const alto_manifest *manifest, const alto_signing_key *root,
                                    alto_error *error)
{
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    path to = path_of(directory, ALTO_KEYRING_MANIFEST);
    alto_status status = alto_manifest_sign(manifest, &root, 1, &file);
    if (status == ALTO_OK)
        status = write_over(to.text, alto_buffer_slice(&file), error);
    else
        alto_fail(error, status, to.text, "%s", alto_status_text(status));
    alto_buffer_fini(&file);
    return status;
}

/* What becomes of the manifest that there is. */
typedef alto_status change_fn(const char *directory, alto_manifest *manifest, uint64_t now_ms, uint64_t days,
                              alto_error *error);

static alto_status change_manifest(const char *directory, change_fn *change, uint64_t now_ms, uint64_t days,
                                   alto_manifest *manifest, alto_error *error)
{
    alto_anchor anchor;
    alto_signing_key *root = NULL;
    alto_status status = alto_keyring_read_anchor(directory, ALTO_KEYRING_ANCHOR, &anchor, error);
    if (status == ALTO_OK)
        status = read_root(directory, &anchor, &root, error);
    if (status == ALTO_OK)
        status = alto_keyring_read_manifest(directory, &anchor, now_ms, manifest, error);
    if (status == ALTO_EXPIRED) /* which is what renewing is for */
        status = ALTO_OK;
    if (status == ALTO_OK)
        status = change(directory, manifest, now_ms, days, error);
    if (status == ALTO_OK)
        status = sign_and_replace(directory, manifest, root, error);
    alto_signing_key_destroy(&root);
    return status;
}

alto_status alto_keyring_renew(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                               alto_error *error)
{
    return change_manifest(directory, extend, now_ms, days, manifest, error);
}

alto_status alto_keyring_raise_epoch(const char *directory, uint64_t now_ms, uint64_t days, alto_manifest *manifest,
                                     alto_error *error)
{
    return change_manifest(directory, begin_epoch, now_ms, days, manifest, error);
}
