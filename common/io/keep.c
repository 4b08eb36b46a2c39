/* SPDX-License-Identifier: Apache-2.0 */
#include "io/keep.h"

#include <stdlib.h>

/* Does the payload of a change lead from the version before (and not from nothing, as those of a publisher that lost its state)? */
static bool leads_from_before(const alto_applied *applied, const alto_applied_change *change)
{
    return change->payload.size > 0 && change->before && change->before->version &&
           applied->statement->changes[change->index].has_from &&
           alto_hash_equal(&applied->statement->changes[change->index].from_root, &change->before->entry.root);
}

/* What the store has to know of one change; false when the catalog says all of it. */
static bool describe(const alto_applied *applied, const alto_applied_change *change, alto_entry_texts *texts,
                     alto_stored_change *stored)
{
    const alto_resource *before = change->before, *after = change->after;
    *stored = (alto_stored_change){.catalog_key = after ? after->key : before->key};
    *texts = (alto_entry_texts){.bytes = alto_buffer_make(0)};
    if (!after || !after->version)
        return true; /* withdrawn, or not followed any more */
    if (before && before->version && alto_hash_equal(&before->entry.root, &after->entry.root))
        return false;
    stored->version = after->version;
    if (!leads_from_before(applied, change) || alto_entry_texts_make(&after->name, &after->entry, texts) != ALTO_OK)
        return true; /* a snapshot will be written */
    stored->has_from = true;
    stored->from_root = before->entry.root;
    stored->delta = change->payload;
    stored->implied_vtag = texts->implied.vtag;
    stored->implied_dependencies = texts->implied.dependencies;
    return true;
}

static alto_status queue_step(alto_store *store, const alto_applied *applied, alto_entry_texts *texts,
                              alto_stored_change *changes)
{
    size_t count = 0;
    for (size_t i = 0; i < applied->change_count; i++)
        if (describe(applied, &applied->changes[i], &texts[i], &changes[count]))
            count++;
    alto_buffer file = alto_buffer_make(ALTO_MAX_STATEMENT + ALTO_SIGNATURE_SIZE);
    alto_buffer_add_slice(&file, applied->object);
    alto_buffer_add(&file, applied->signature.bytes, sizeof applied->signature.bytes);
    alto_status status = file.status;
    if (status == ALTO_OK)
        status = alto_store_commit(store, alto_buffer_slice(&file), applied->after->catalog, changes, count);
    alto_buffer_fini(&file);
    for (size_t i = 0; i < applied->change_count; i++)
        alto_entry_texts_fini(&texts[i]);
    return status;
}

alto_status alto_keep_step(alto_store *store, const alto_applied *applied)
{
    alto_entry_texts *texts = calloc(applied->change_count + 1, sizeof *texts);
    alto_stored_change *changes = calloc(applied->change_count + 1, sizeof *changes);
    alto_status status = texts && changes ? queue_step(store, applied, texts, changes) : ALTO_NO_MEMORY;
    free(texts);
    free(changes);
    return status;
}

alto_status alto_keep_resources(const alto_stored_state *state, const alto_resource ***resources, size_t *count)
{
    *count = 0;
    *resources = calloc(state->count + 1, sizeof **resources);
    alto_status status = *resources ? ALTO_OK : ALTO_NO_MEMORY;
    for (size_t i = 0; status == ALTO_OK && i < state->count; i++) {
        const alto_stored_resource *held = &state->resources[i];
        alto_value value;
        alto_entry entry;
        if (!held->version || !alto_tree_find(state->catalog, held->catalog_key, &value))
            continue;
        status = alto_entry_decode(value.text, &entry);
        const alto_resource *made =
            status == ALTO_OK ? alto_resource_new(held->catalog_key, &entry, held->version) : NULL;
        if (status == ALTO_OK && !made)
            status = ALTO_NO_MEMORY;
        if (made)
            (*resources)[(*count)++] = made;
    }
    if (status != ALTO_OK) {
        alto_keep_free(*resources, *count);
        *resources = NULL;
        *count = 0;
    }
    return status;
}

void alto_keep_free(const alto_resource **resources, size_t count)
{
    for (size_t i = 0; resources && i < count; i++)
        alto_resource_release(resources[i]);
    free(resources);
}
