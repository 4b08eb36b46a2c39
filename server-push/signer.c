/* SPDX-License-Identifier: Apache-2.0 */
#include "signer.h"

#include <stdlib.h>

/* What the manifest says of a key; NULL: nothing. */
static const alto_online_key *find_named(const alto_manifest *manifest, const alto_signing_key *key)
{
    alto_public_key public_half = alto_signing_key_public(key);
    return alto_manifest_named(manifest, &public_half);
}

static alto_status check_keys(const signer *self, const char *directory, uint64_t now_ms, alto_error *error)
{
    bool any_named = false, any_valid = false;
    for (size_t i = 0; i < self->online.count; i++) {
        const alto_online_key *named = find_named(&self->manifest, self->online.keys[i]);
        any_named |= named != NULL;
        any_valid |= named && named->not_before_ms <= now_ms && now_ms < named->not_after_ms;
    }
    if (!any_named)
        return alto_fail(error, ALTO_UNKNOWN_KEY, directory,
                         "the manifest names none of its keys (signing.pem, signing-*.pem)");
    return any_valid ? ALTO_OK
                     : alto_fail(error, ALTO_EXPIRED, directory, "none of its keys is valid now: see alto-keys show");
}

/* A root set that came with this very manifest is noted, so that all sets are served. */
static alto_status read_manifest(signer *self, const char *directory, uint64_t now_ms, alto_error *error)
{
    alto_status status = alto_keyring_read_manifest(directory, &self->roots.reached, now_ms, &self->manifest, error);
    if (status == ALTO_OK)
        status = alto_keyring_read(directory, ALTO_KEYRING_MANIFEST, &self->manifest_file, error);
    if (status != ALTO_OK)
        return status;
    status = alto_roots_take(&self->roots, alto_buffer_slice(&self->manifest_file), &self->manifest);
    return status == ALTO_OK ? ALTO_OK : alto_fail(error, status, directory, "%s", alto_status_text(status));
}

static alto_status read_all(signer *self, const char *directory, uint64_t now_ms, alto_error *error)
{
    alto_status status = alto_keyring_read_roots(directory, now_ms, &self->anchor, &self->roots, error);
    if (status == ALTO_OK)
        status = alto_keyring_read_online(directory, &self->online, error);
    if (status == ALTO_OK)
        status = read_manifest(self, directory, now_ms, error);
    return status == ALTO_OK ? check_keys(self, directory, now_ms, error) : status;
}

alto_status signer_read(const char *directory, uint64_t now_ms, signer **out, alto_error *error)
{
    signer *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, directory, "out of memory");
    self->manifest_file = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_status status = read_all(self, directory, now_ms, error);
    if (status == ALTO_OK)
        *out = self;
    else
        signer_destroy(&self);
    return status;
}

void signer_destroy(signer **self)
{
    if (!*self)
        return;
    alto_key_set_fini(&(*self)->online);
    alto_buffer_fini(&(*self)->manifest_file);
    alto_roots_fini(&(*self)->roots);
    free(*self);
    *self = NULL;
}

uint64_t signer_good_until_ms(const signer *self)
{
    uint64_t latest_ms = 0;
    for (size_t i = 0; i < self->online.count; i++) {
        const alto_online_key *named = find_named(&self->manifest, self->online.keys[i]);
        if (named && named->not_after_ms > latest_ms)
            latest_ms = named->not_after_ms;
    }
    return latest_ms < self->manifest.not_after_ms ? latest_ms : self->manifest.not_after_ms;
}
