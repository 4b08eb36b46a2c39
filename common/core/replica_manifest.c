/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign: manifests, and the root sets that sign them. */
#include "core/replica_state.h"

/* Does the manifest name the key of everything that waits? */
static bool signers_are_named(const alto_replica *self, const alto_manifest *manifest)
{
    for (size_t i = 0; i < self->queued; i++) {
        const alto_statement *waiting = &self->queue[i].decoded;
        if (!alto_manifest_key(manifest, &waiting->key_id, waiting->issued_at_ms))
            return false;
    }
    return true;
}

/* A manifest was signed by those who may: none before it counts any more, even if it has expired meanwhile. */
static void raise_least(alto_replica *self, const alto_manifest *manifest)
{
    if (alto_manifest_compare(manifest, self->least_epoch, self->least_version) < 0)
        return;
    self->least_epoch = manifest->epoch;
    self->least_version = manifest->version;
}

/* ALTO_OK: newer than the one held. The same one may come with other signatures. */
static alto_status compare_with_held(const alto_replica *self, const alto_manifest *opened, alto_slice file)
{
    const alto_manifest *held = &self->manifest;
    if (alto_manifest_compare(opened, self->least_epoch, self->least_version) < 0)
        return ALTO_OLD;
    if (!self->has_manifest || alto_manifest_compare(held, opened->epoch, opened->version) < 0)
        return ALTO_OK;
    alto_slice object, held_object, signers;
    alto_manifest_split(file, &object, &signers);
    alto_manifest_split(alto_buffer_slice(&self->manifest_file), &held_object, &signers);
    return alto_slice_equal(object, held_object) ? ALTO_KNOWN : ALTO_FORK;
}

/* What waits is signed by a key that has no say any more, and may have led astray. */
static void forget_waiting(alto_replica *self)
{
    alto_queue_drop_all(self);
    self->newest = self->view ? self->view->position : (alto_position){0, 0, 0};
    alto_replica_want_head(self);
}

/* From here on nothing is checked. */
static alto_status hold_manifest(alto_replica *self, alto_slice file, const alto_manifest *opened)
{
    alto_buffer copy = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_buffer_add_slice(&copy, file);
    alto_status status = copy.status == ALTO_OK ? alto_roots_take(&self->roots, file, opened) : copy.status;
    if (status != ALTO_OK) {
        alto_buffer_fini(&copy);
        return status;
    }
    alto_buffer_fini(&self->manifest_file);
    self->manifest_file = copy;
    self->manifest = *opened;
    self->has_manifest = true;
    self->manifest_wanted = false;
    raise_least(self, opened);
    return ALTO_OK;
}

alto_status alto_replica_take_manifest(alto_replica *self, alto_slice file, uint64_t now_ms)
{
    alto_manifest opened;
    alto_status status = alto_manifest_open(file, &self->roots.reached, now_ms, &opened);
    if (status == ALTO_UNKNOWN_KEY)
        self->roots_wanted = true; /* the root keys may have been changed */
    if (status == ALTO_EXPIRED)
        raise_least(self, &opened);
    if (status == ALTO_OK)
        status = compare_with_held(self, &opened, file);
    if (status == ALTO_OK)
        status = hold_manifest(self, file, &opened);
    if (status == ALTO_OK && !signers_are_named(self, &opened))
        forget_waiting(self);
    return status;
}

alto_status alto_replica_take_roots(alto_replica *self, alto_slice list, uint64_t now_ms)
{
    size_t before = self->roots.count;
    alto_status status = alto_roots_walk(&self->roots, list, now_ms);
    if (self->roots.count > before)
        self->manifest_wanted = true; /* it will be understood now */
    return status;
}

alto_status alto_replica_on_roots(alto_replica *self, alto_slice list, uint64_t now_ms)
{
    return alto_replica_counted(self, alto_replica_take_roots(self, list, now_ms));
}

alto_slice alto_replica_roots(const alto_replica *self)
{
    return alto_buffer_slice(&self->roots.list);
}

alto_status alto_replica_on_manifest(alto_replica *self, alto_slice file, uint64_t now_ms)
{
    return alto_replica_counted(self, alto_replica_take_manifest(self, file, now_ms));
}

const alto_manifest *alto_replica_manifest_now(const alto_replica *self)
{
    return self->has_manifest ? &self->manifest : NULL;
}

alto_slice alto_replica_manifest(const alto_replica *self)
{
    return self->has_manifest ? alto_buffer_slice(&self->manifest_file) : alto_slice_of(NULL, 0);
}
