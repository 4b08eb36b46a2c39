/* SPDX-License-Identifier: Apache-2.0 */
#include "io/keyring_change.h"

#include "core/manifest_change.h"
#include "io/key_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const not_enough = "has not the signatures of enough root keys";

/* What is there before a change. */
typedef struct {
    alto_anchor anchor;
    alto_roots roots;
    alto_manifest manifest;
    bool has_manifest;
    bool brought_roots; /* the manifest did, and is not in "roots" yet */
} held;

static void held_fini(held *self)
{
    alto_roots_fini(&self->roots);
}

static alto_status note_roots(held *self, const char *directory, alto_error *error)
{
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    size_t count = self->roots.count;
    alto_status status = alto_keyring_read(directory, ALTO_KEYRING_MANIFEST, &file, error);
    if (status == ALTO_OK) {
        status = alto_roots_take(&self->roots, alto_buffer_slice(&file), &self->manifest);
        if (status != ALTO_OK)
            alto_fail(error, status, directory, "its root keys were changed too often");
    }
    self->brought_roots = self->roots.count > count;
    alto_buffer_fini(&file);
    return status;
}

/* End it in any case. A manifest that has expired is what renewing is for. */
static alto_status read_held(const alto_key_job *job, held *out, alto_error *error)
{
    *out = (held){.has_manifest = false};
    alto_status status = alto_keyring_read_roots(job->directory, job->now_ms, &out->anchor, &out->roots, error);
    if (status != ALTO_OK)
        return status;
    status = alto_keyring_read_manifest(job->directory, &out->roots.reached, job->now_ms, &out->manifest, error);
    if (status != ALTO_OK && status != ALTO_EXPIRED)
        return status;
    out->has_manifest = true;
    return note_roots(out, job->directory, error);
}

static bool names_key(const alto_public_key *keys, size_t count, const alto_public_key *key)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(keys[i].bytes, key->bytes, sizeof key->bytes) == 0)
            return true;
    return false;
}

/* ---- writing ---- */

/* The manifest that is replaced may be one that brought new root keys: then it stays in the list. */
static alto_status replace_manifest(const char *directory, const held *before, const alto_manifest *manifest,
                                    alto_slice file, alto_error *error)
{
    alto_status status = ALTO_OK;
    if (before->brought_roots)
        status = alto_key_file_replace(alto_key_path_of(directory, ALTO_KEYRING_ROOTS).text,
                                       alto_buffer_slice(&before->roots.list), error);
    if (status == ALTO_OK)
        status = alto_key_file_replace(alto_key_path_of(directory, ALTO_KEYRING_MANIFEST).text, file, error);
    if (status == ALTO_OK)
        unlink(alto_key_path_of(directory, alto_keyring_draft_name(manifest).text).text);
    return status;
}

static alto_status write_draft(const char *directory, const alto_manifest *manifest, alto_error *error)
{
    alto_key_path to = alto_key_path_of(directory, alto_keyring_draft_name(manifest).text);
    alto_buffer object = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_status status = alto_manifest_encode(manifest, &object);
    if (status == ALTO_OK)
        status = alto_key_file_replace(to.text, alto_buffer_slice(&object), error);
    else
        alto_fail(error, status, to.text, "%s", alto_status_text(status));
    alto_buffer_fini(&object);
    return status;
}

static alto_status sign_here(const char *directory, const held *before, const alto_manifest *manifest,
                             alto_error *error)
{
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_signing_key *root = NULL;
    alto_status status = alto_keyring_read_key(directory, ALTO_KEYRING_ROOT, &root, error);
    if (status != ALTO_OK)
        return status;
    alto_public_key key = alto_signing_key_public(root);
    const char *path = alto_key_path_of(directory, ALTO_KEYRING_ROOT).text;
    if (!names_key(manifest->roots, manifest->root_count, &key)) {
        status = alto_fail(error, ALTO_CONFIG, path, "is not one of the root keys of this origin");
    } else {
        status = alto_manifest_sign(manifest, (const alto_signing_key *const[]){root}, 1, &file);
        if (status != ALTO_OK)
            alto_fail(error, status, path, "%s", alto_status_text(status));
    }
    alto_signing_key_destroy(&root);
    if (status == ALTO_OK)
        status = replace_manifest(directory, before, manifest, alto_buffer_slice(&file), error);
    alto_buffer_fini(&file);
    return status;
}

/* ---- one change ---- */

typedef alto_status edit_fn(void *context, const alto_key_job *job, alto_manifest *manifest, alto_error *error);

static alto_status refuse_edit(const alto_key_job *job, alto_status status, alto_error *error)
{
    const char *why = status == ALTO_TOO_LARGE   ? "no version number is left, or it has too many keys"
                      : status == ALTO_NOT_FOUND ? "the manifest names no such key"
                      : status == ALTO_DUPLICATE ? "the manifest names that key already"
                      : status == ALTO_CONFIG
                          ? "no other online key is valid now: announce one before, or raise the epoch"
                          : "a key would end before it begins, or the threshold cannot be met";
    return alto_fail(error, status, job->directory, "%s", why);
}

/* draft: it needs more than one root key in any case. */
static alto_status change(const alto_key_job *job, bool draft, edit_fn *edit, void *context, alto_key_outcome *out,
                          alto_error *error)
{
    held before;
    alto_status status = read_held(job, &before, error);
    if (status == ALTO_OK) {
        out->manifest = before.manifest;
        out->is_draft = draft || job->draft || before.manifest.threshold > 1;
        status = edit(context, job, &out->manifest, error);
    }
    if (status == ALTO_OK && out->is_draft)
        status = write_draft(job->directory, &out->manifest, error);
    else if (status == ALTO_OK)
        status = sign_here(job->directory, &before, &out->manifest, error);
    held_fini(&before);
    return status;
}

static alto_status extend(void *context, const alto_key_job *job, alto_manifest *manifest, alto_error *error)
{
    const uint64_t *days = context;
    alto_status status = alto_manifest_extend(manifest, job->now_ms, *days);
    return status == ALTO_OK ? ALTO_OK : refuse_edit(job, status, error);
}

alto_status alto_keyring_renew(const alto_key_job *job, uint64_t days, alto_key_outcome *out, alto_error *error)
{
    return change(job, false, extend, &days, out, error);
}

static alto_status write_private(const char *directory, const char *name, const alto_signing_key *key,
                                 alto_error *error)
{
    alto_key_path to = alto_key_path_of(directory, name);
    alto_buffer pem = alto_key_buffer();
    alto_signing_key_pem(key, &pem);
    alto_status status = pem.status;
    if (status == ALTO_OK)
        status = alto_key_file_new(to.text, ALTO_KEY_PRIVATE, alto_buffer_slice(&pem), error);
    else
        alto_fail(error, status, to.text, "%s", alto_status_text(status));
    alto_key_buffer_fini(&pem);
    return status;
}

/* ---- rotation ---- */

static alto_status announce(void *context, const alto_key_job *job, alto_manifest *manifest, alto_error *error)
{
    const alto_key_rotation *rotation = context;
    alto_status status = alto_manifest_announce(manifest, rotation->key, job->now_ms + rotation->lead_s * 1000,
                                                rotation->overlap_s * 1000, job->now_ms, rotation->days);
    return status == ALTO_OK ? ALTO_OK : refuse_edit(job, status, error);
}

/* The file that a new online key has. */
static void name_online(const alto_public_key *key, char name[64])
{
    char hex[2 * ALTO_KEY_ID_SIZE + 1];
    alto_key_id id = alto_key_id_of(key);
    alto_hex(hex, id.bytes, sizeof id.bytes);
    snprintf(name, 64, "signing-%s.pem", hex);
}

alto_status alto_keyring_rotate(const alto_key_job *job, alto_key_rotation *rotation, alto_key_outcome *out,
                                alto_error *error)
{
    rotation->made[0] = 0;
    if (rotation->key)
        return change(job, false, announce, rotation, out, error);
    alto_signing_key *key = alto_signing_key_new();
    if (!key)
        return alto_fail(error, ALTO_NO_MEMORY, job->directory, "out of memory");
    alto_public_key public_half = alto_signing_key_public(key);
    alto_key_rotation made = *rotation;
    made.key = &public_half;
    name_online(&public_half, rotation->made);
    alto_status status = write_private(job->directory, rotation->made, key, error);
    alto_signing_key_destroy(&key);
    if (status != ALTO_OK)
        return status;
    status = change(job, false, announce, &made, out, error);
    if (status != ALTO_OK)
        unlink(alto_key_path_of(job->directory, rotation->made).text);
    return status;
}

/* ---- revocation, epochs ---- */

static alto_status drop_key(void *context, const alto_key_job *job, alto_manifest *manifest, alto_error *error)
{
    alto_status status = alto_manifest_revoke(manifest, context, job->now_ms);
    return status == ALTO_OK ? ALTO_OK : refuse_edit(job, status, error);
}

alto_status alto_keyring_revoke(const alto_key_job *job, const alto_key_id *id, alto_key_outcome *out,
                                alto_error *error)
{
    alto_key_id wanted = *id;
    return change(job, false, drop_key, &wanted, out, error);
}

static alto_status make_online(const char *directory, alto_key_set *out, alto_error *error)
{
    alto_signing_key *made = alto_signing_key_new();
    if (!made)
        return alto_fail(error, ALTO_NO_MEMORY, directory, "out of memory");
    alto_status status = write_private(directory, ALTO_KEYRING_ONLINE, made, error);
    if (status == ALTO_OK)
        *out = (alto_key_set){.count = 1, .keys = {made}};
    else
        alto_signing_key_destroy(&made);
    return status;
}

/* The key comes first: a raise that was broken off between the two files is made good by the next one. */
static alto_status begin_epoch(void *context, const alto_key_job *job, alto_manifest *manifest, alto_error *error)
{
    const uint64_t *days = context;
    alto_key_set online = {.count = 0};
    alto_public_key keys[ALTO_MAX_KEYS];
    alto_status status = alto_keyring_read_online(job->directory, &online, error);
    if (status == ALTO_NOT_FOUND)
        status = make_online(job->directory, &online, error);
    if (status != ALTO_OK)
        return status;
    for (size_t i = 0; i < online.count; i++)
        keys[i] = alto_signing_key_public(online.keys[i]);
    status = alto_manifest_raise(manifest, keys, online.count, job->now_ms, *days);
    alto_key_set_fini(&online);
    return status == ALTO_OK ? ALTO_OK : refuse_edit(job, status, error);
}

alto_status alto_keyring_raise_epoch(const alto_key_job *job, uint64_t days, alto_key_outcome *out, alto_error *error)
{
    return change(job, false, begin_epoch, &days, out, error);
}

/* ---- root keys ---- */

typedef struct {
    unsigned threshold;
    const alto_public_key *keys;
    size_t count;
} root_set;

static alto_status set_roots(void *context, const alto_key_job *job, alto_manifest *manifest, alto_error *error)
{
    const root_set *roots = context;
    alto_status status = alto_manifest_change_roots(manifest, roots->threshold, roots->keys, roots->count, job->now_ms);
    return status == ALTO_OK ? ALTO_OK : refuse_edit(job, status, error);
}

alto_status alto_keyring_change_roots(const alto_key_job *job, unsigned threshold, const alto_public_key *roots,
                                      size_t root_count, alto_key_outcome *out, alto_error *error)
{
    root_set set = {threshold, roots, root_count};
    return change(job, true, set_roots, &set, out, error);
}

/* ---- several holders ---- */

alto_status alto_keyring_signed_name(const char *draft, const char *root, alto_buffer *name, alto_error *error)
{
    alto_signing_key *key = NULL;
    alto_status status = alto_keyring_read_key(NULL, root, &key, error);
    if (status != ALTO_OK)
        return status;
    alto_public_key public_half = alto_signing_key_public(key);
    char hex[2 * ALTO_KEY_ID_SIZE + 1];
    alto_key_id id = alto_key_id_of(&public_half);
    alto_hex(hex, id.bytes, sizeof id.bytes);
    alto_signing_key_destroy(&key);
    alto_buffer_print(name, "%s.%s", draft, hex);
    return name->status;
}

/* The object of a draft, or of a file that others have signed. */
static alto_status decode_draft(alto_slice file, alto_manifest *manifest)
{
    return alto_manifest_decode(file, manifest) == ALTO_OK ? ALTO_OK : alto_manifest_read(file, manifest);
}

alto_status alto_keyring_sign(const char *draft, const char *root, const char *to, alto_manifest *manifest,
                              alto_error *error)
{
    alto_signing_key *key = NULL;
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST), made = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_status status = alto_keyring_read(NULL, draft, &file, error);
    if (status == ALTO_OK && decode_draft(alto_buffer_slice(&file), manifest) != ALTO_OK)
        status = alto_fail(error, ALTO_MALFORMED, draft, "is no manifest");
    if (status == ALTO_OK)
        status = alto_keyring_read_key(NULL, root, &key, error);
    if (status == ALTO_OK) {
        status = alto_manifest_sign(manifest, (const alto_signing_key *const[]){key}, 1, &made);
        if (status != ALTO_OK)
            alto_fail(error, status, draft, "%s", alto_status_text(status));
    }
    if (status == ALTO_OK)
        status = alto_key_file_new(to, ALTO_KEY_PUBLIC, alto_buffer_slice(&made), error);
    alto_signing_key_destroy(&key);
    alto_buffer_fini(&file);
    alto_buffer_fini(&made);
    return status;
}

/* All files one after the other in *joined; files[i] borrows from it. */
static alto_status read_signed(const char *const *names, size_t count, alto_buffer *content,
                               alto_slice files[ALTO_MAX_KEYS], alto_error *error)
{
    size_t ends[ALTO_MAX_KEYS + 1] = {0};
    if (count == 0 || count > ALTO_MAX_KEYS)
        return alto_fail(error, ALTO_TOO_LARGE, "combine", "takes 1 to %d signed files", ALTO_MAX_KEYS);
    for (size_t i = 0; i < count; i++) {
        alto_status status = alto_keyring_read(NULL, names[i], content, error);
        if (status != ALTO_OK)
            return status;
        ends[i + 1] = content->size;
    }
    for (size_t i = 0; i < count; i++)
        files[i] = alto_slice_of(content->data + ends[i], ends[i + 1] - ends[i]);
    return ALTO_OK;
}

static alto_status join_files(const char *const *names, size_t count, alto_buffer *joined, alto_error *error)
{
    alto_slice files[ALTO_MAX_KEYS];
    alto_buffer content = alto_buffer_make((size_t)ALTO_MAX_KEYS * ALTO_MAX_MANIFEST);
    alto_status status = read_signed(names, count, &content, files, error);
    if (status == ALTO_OK) {
        status = alto_manifest_join(files, count, joined);
        if (status != ALTO_OK)
            alto_fail(error, status, names[0], "%s",
                      status == ALTO_INVALID ? "is not the same manifest as in the other files"
                                             : "or one of the other files is no signed manifest");
    }
    alto_buffer_fini(&content);
    return status;
}

static alto_status check_joined(const alto_key_job *job, const held *before, alto_slice file, alto_manifest *manifest,
                                alto_error *error)
{
    alto_status status = alto_manifest_open(file, &before->roots.reached, job->now_ms, manifest);
    if (status != ALTO_OK)
        return alto_fail(error, status, job->directory, "what was signed is refused: it %s",
                         status == ALTO_UNKNOWN_KEY ? not_enough : alto_status_text(status));
    const alto_manifest *old = &before->manifest;
    bool newer = !before->has_manifest || alto_manifest_compare(manifest, old->epoch, old->version) > 0;
    return newer ? ALTO_OK
                 : alto_fail(error, ALTO_OLD, job->directory, "its manifest is as new already: version %u.%u",
                             old->epoch, old->version);
}

alto_status alto_keyring_combine(const alto_key_job *job, const char *const *files, size_t count,
                                 alto_manifest *manifest, alto_error *error)
{
    held before;
    alto_buffer joined = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_status status = read_held(job, &before, error);
    if (status == ALTO_NOT_FOUND && before.anchor.root_count) /* the first one */
        status = ALTO_OK;
    if (status == ALTO_OK)
        status = join_files(files, count, &joined, error);
    if (status == ALTO_OK)
        status = check_joined(job, &before, alto_buffer_slice(&joined), manifest, error);
    if (status == ALTO_OK)
        status = replace_manifest(job->directory, &before, manifest, alto_buffer_slice(&joined), error);
    alto_buffer_fini(&joined);
    held_fini(&before);
    return status;
}
