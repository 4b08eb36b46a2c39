/* SPDX-License-Identifier: Apache-2.0 */
#include "core/roots.h"

void alto_roots_init(alto_roots *self, const alto_anchor *anchor)
{
    *self = (alto_roots){.reached = *anchor, .list = alto_buffer_make(ALTO_MAX_ROOT_LIST)};
}

void alto_roots_fini(alto_roots *self)
{
    alto_buffer_fini(&self->list);
}

/* Both in ascending order of keys. */
static bool has_same_set(const alto_manifest *manifest, const alto_anchor *set)
{
    return manifest->threshold == set->threshold && manifest->root_count == set->root_count &&
           memcmp(manifest->roots, set->roots, set->root_count * sizeof *set->roots) == 0;
}

static alto_status append(alto_roots *self, alto_slice file)
{
    if (self->count == ALTO_MAX_ROOT_SETS || sizeof(uint32_t) + file.size > self->list.max_size - self->list.size)
        return ALTO_TOO_LARGE;
    alto_buffer longer = alto_buffer_make(self->list.max_size);
    alto_buffer_add_slice(&longer, alto_buffer_slice(&self->list));
    alto_buffer_add_u32(&longer, (uint32_t)file.size);
    alto_buffer_add_slice(&longer, file);
    if (longer.status != ALTO_OK) {
        alto_buffer_fini(&longer);
        return ALTO_NO_MEMORY;
    }
    alto_buffer_fini(&self->list);
    self->list = longer;
    self->count++;
    return ALTO_OK;
}

alto_status alto_roots_take(alto_roots *self, alto_slice file, const alto_manifest *manifest)
{
    if (has_same_set(manifest, &self->reached))
        return ALTO_OK;
    alto_status status = append(self, file);
    if (status != ALTO_OK)
        return status;
    self->epoch = manifest->epoch;
    self->version = manifest->version;
    self->reached.threshold = manifest->threshold;
    self->reached.root_count = manifest->root_count;
    memcpy(self->reached.roots, manifest->roots, sizeof manifest->roots);
    return ALTO_OK;
}

/* ALTO_KNOWN: it leads nowhere new. */
static alto_status walk_one(alto_roots *self, alto_slice file, uint64_t now_ms)
{
    alto_manifest manifest;
    alto_status status = alto_manifest_read(file, &manifest);
    if (status != ALTO_OK)
        return status;
    if (alto_manifest_compare(&manifest, self->epoch, self->version) <= 0)
        return ALTO_KNOWN;
    status = alto_manifest_check(file, &manifest, &self->reached, now_ms);
    if (status != ALTO_OK && status != ALTO_EXPIRED)
        return status;
    return has_same_set(&manifest, &self->reached) ? ALTO_KNOWN : alto_roots_take(self, file, &manifest);
}

alto_status alto_roots_walk(alto_roots *self, alto_slice list, uint64_t now_ms)
{
    if (list.size > ALTO_MAX_ROOT_LIST)
        return ALTO_TOO_LARGE;
    alto_reader in = alto_reader_make(list);
    size_t before = self->count;
    for (size_t seen = 0; alto_reader_left(&in); seen++) {
        if (seen == ALTO_MAX_ROOT_SETS)
            return ALTO_TOO_LARGE;
        alto_slice file = alto_reader_slice(&in, alto_reader_u32(&in));
        alto_status status = in.status == ALTO_OK ? walk_one(self, file, now_ms) : in.status;
        if (status != ALTO_OK && status != ALTO_KNOWN)
            return status;
    }
    return self->count > before ? ALTO_OK : ALTO_KNOWN;
}
