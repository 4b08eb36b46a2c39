/* SPDX-License-Identifier: Apache-2.0 */
#include "core/view.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct {
    atomic_uint refs;
    _Atomic(alto_lpm *) lpm;    /* of this very version; owned; NULL: not made yet */
    _Atomic(alto_lpm *) former; /* of an earlier version, to make it from; owned; NULL: none */
    alto_resource seen;
    uint8_t key[];
} resource_box;

typedef struct {
    atomic_uint refs;
    alto_view seen;
    const alto_resource *resources[];
} view_box;

#define BOX(type, pointer) ((type *)(uintptr_t)((const char *)(pointer)-offsetof(type, seen)))

alto_resource *alto_resource_new(alto_slice key, const alto_entry *entry, const alto_version *version)
{
    resource_box *box = malloc(sizeof *box + key.size);
    if (!box)
        return NULL;
    atomic_init(&box->refs, 1);
    atomic_init(&box->lpm, NULL);
    atomic_init(&box->former, NULL);
    memcpy(box->key, key.data, key.size);
    box->seen.key = alto_slice_of(box->key, key.size);
    alto_catalog_name(box->seen.key, &box->seen.name);
    box->seen.entry = *entry;
    box->seen.version = alto_version_retain(version);
    return &box->seen;
}

alto_resource *alto_resource_retain(const alto_resource *resource)
{
    resource_box *box = BOX(resource_box, resource);
    atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    return &box->seen;
}

void alto_resource_release(const alto_resource *resource)
{
    if (!resource)
        return;
    resource_box *box = BOX(resource_box, resource);
    if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) != 1)
        return;
    alto_version_release(resource->version);
    alto_lpm_release(atomic_load_explicit(&box->lpm, memory_order_relaxed));
    alto_lpm_release(atomic_load_explicit(&box->former, memory_order_relaxed));
    free(box);
}

/* Put *lpm there, with its reference, unless there is one already. */
static bool put_lpm(_Atomic(alto_lpm *) *place, alto_lpm *lpm)
{
    alto_lpm *nothing = NULL;
    return atomic_compare_exchange_strong_explicit(place, &nothing, lpm, memory_order_acq_rel, memory_order_acquire);
}

const alto_lpm *alto_resource_lpm_made(const alto_resource *network_map)
{
    return atomic_load_explicit(&BOX(resource_box, network_map)->lpm, memory_order_acquire);
}

alto_status alto_resource_lpm(const alto_resource *network_map, const alto_lpm **out)
{
    assert(network_map->entry.kind == ALTO_NETWORK_MAP && network_map->version);
    resource_box *box = BOX(resource_box, network_map);
    if (!alto_resource_lpm_made(network_map)) {
        const alto_lpm *former = atomic_load_explicit(&box->former, memory_order_acquire);
        alto_lpm *made;
        alto_status status = alto_lpm_make(former, network_map->version, &made);
        if (status != ALTO_OK)
            return status;
        if (!put_lpm(&box->lpm, made))
            alto_lpm_release(made);
    }
    *out = alto_resource_lpm_made(network_map);
    return ALTO_OK;
}

/* `after` takes the place of `before`, which may be in use in other threads, in a view. */
static void follow(const alto_resource *after, const alto_resource *before)
{
    if (after == before || after->entry.kind != ALTO_NETWORK_MAP)
        return;
    resource_box *to = BOX(resource_box, after), *from = BOX(resource_box, before);
    const alto_lpm *lpm = alto_resource_lpm_made(before);
    if (!lpm)
        lpm = atomic_load_explicit(&from->former, memory_order_acquire);
    if (lpm && !put_lpm(&to->former, alto_lpm_retain(lpm)))
        alto_lpm_release(lpm);
}

alto_view *alto_view_new(const alto_origin *origin, const alto_position *position, const alto_hash *commit_hash,
                         const alto_hash *state_root, const alto_tree *catalog, const alto_resource *const *resources,
                         size_t count)
{
    view_box *box = malloc(sizeof *box + count * sizeof box->resources[0]);
    if (!box)
        return NULL;
    atomic_init(&box->refs, 1);
    box->seen = (alto_view){.origin = *origin,
                            .position = *position,
                            .commit_hash = *commit_hash,
                            .state_root = *state_root,
                            .catalog = alto_tree_retain(catalog),
                            .count = count,
                            .resources = box->resources};
    for (size_t i = 0; i < count; i++) {
        assert(i == 0 || alto_slice_compare(resources[i - 1]->key, resources[i]->key) < 0);
        box->resources[i] = alto_resource_retain(resources[i]);
    }
    return &box->seen;
}

/* The resources of `before` with the changes put in, borrowed from both; how many. */
static size_t merge_resources(const alto_view *before, const alto_view_change *changes, size_t change_count,
                              const alto_resource **out)
{
    size_t count = 0, next = 0, held = before ? before->count : 0;
    for (size_t i = 0; i < change_count; i++) {
        while (next < held && alto_slice_compare(before->resources[next]->key, changes[i].key) < 0)
            out[count++] = before->resources[next++];
        if (next < held && alto_slice_equal(before->resources[next]->key, changes[i].key)) {
            if (changes[i].after)
                follow(changes[i].after, before->resources[next]);
            next++;
        }
        if (changes[i].after)
            out[count++] = changes[i].after;
    }
    while (next < held)
        out[count++] = before->resources[next++];
    return count;
}

alto_view *alto_view_next(const alto_view *before, const alto_origin *origin, const alto_position *position,
                          const alto_hash *commit_hash, const alto_hash *state_root, const alto_tree *catalog,
                          const alto_view_change *changes, size_t count)
{
    size_t most = count + (before ? before->count : 0);
    const alto_resource **resources = malloc((most + 1) * sizeof *resources);
    if (!resources)
        return NULL;
    size_t merged = merge_resources(before, changes, count, resources);
    alto_view *made = alto_view_new(origin, position, commit_hash, state_root, catalog, resources, merged);
    free(resources);
    return made;
}

alto_view *alto_view_retain(const alto_view *view)
{
    if (!view)
        return NULL;
    view_box *box = BOX(view_box, view);
    atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    return &box->seen;
}

void alto_view_release(const alto_view *view)
{
    if (!view)
        return;
    view_box *box = BOX(view_box, view);
    if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < view->count; i++)
        alto_resource_release(view->resources[i]);
    alto_tree_release(view->catalog);
    free(box);
}

const alto_resource *alto_view_by_key(const alto_view *view, alto_slice key)
{
    size_t low = 0, high = view->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = alto_slice_compare(view->resources[middle]->key, key);
        if (order == 0)
            return view->resources[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const alto_resource *alto_view_by_id(const alto_view *view, const char *id)
{
    uint8_t key[ALTO_MAX_NAME + 2];
    size_t size = strlen(id);
    if (size > ALTO_MAX_NAME)
        return NULL;
    memcpy(key, id, size);
    key[size] = 0;
    return alto_view_by_key(view, alto_slice_of(key, size + 1));
}

alto_status alto_entry_texts_make(const alto_resource_name *name, const alto_entry *entry, alto_entry_texts *out)
{
    *out = (alto_entry_texts){.bytes = alto_buffer_make(ALTO_MAX_DEPENDENCIES * 256 + 256)};
    size_t vtag_size = 0;
    if (entry->tag[0] && name->id.size <= ALTO_MAX_NAME) {
        alto_vtag vtag = {.resource_id = ""};
        memcpy(vtag.resource_id, name->id.data, name->id.size);
        memcpy(vtag.tag, entry->tag, sizeof vtag.tag);
        alto_vtag_text(&vtag, &out->bytes);
        vtag_size = out->bytes.size;
    }
    if (entry->dependency_count)
        alto_dependencies_text(entry->dependencies, entry->dependency_count, &out->bytes);
    out->implied.vtag = alto_slice_of(out->bytes.data, vtag_size);
    if (entry->dependency_count)
        out->implied.dependencies = alto_slice_of(out->bytes.data + vtag_size, out->bytes.size - vtag_size);
    out->implied.text_size = entry->text_size;
    return out->bytes.status;
}

void alto_entry_texts_fini(alto_entry_texts *texts)
{
    alto_buffer_fini(&texts->bytes);
}
