/* SPDX-License-Identifier: Apache-2.0 */
#include "io/archive_make.h"

#include "core/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

enum { CATALOG_ENTRY_BYTES = 256 };

/* ---- paths ---- */

/* The hash in hexadecimal behind `prefix`; *rest is what follows it. */
static bool parse_hash(const char *path, const char *prefix, alto_hash *hash, const char **rest)
{
    size_t skip = strlen(prefix), digits = 2 * ALTO_HASH_SIZE;
    if (strncmp(path, prefix, skip) != 0 || strlen(path + skip) < digits)
        return false;
    *rest = path + skip + digits;
    return alto_unhex(hash->bytes, ALTO_HASH_SIZE, alto_slice_of(path + skip, digits));
}

/* Is this how altocast writes the path of such a thing? Others would be the same thing kept twice. */
static bool is_path_of(const char *path, alto_want_type type, const alto_hash *from, const alto_hash *to)
{
    alto_want want = {.type = type, .from = *from, .to = *to};
    char written[ALTO_WANT_PATH];
    alto_want_path(&want, written);
    return strcmp(path, written) == 0;
}

/* "bundle/<position>/<position>", the second one later. */
static bool parse_bundle(const char *path, alto_position *from, alto_position *to)
{
    static const char prefix[] = "bundle/";
    char first[ALTO_POSITION_TEXT];
    const char *begin = path + sizeof prefix - 1;
    if (strncmp(path, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *slash = strchr(begin, '/');
    if (!slash || (size_t)(slash - begin) >= sizeof first)
        return false;
    memcpy(first, begin, (size_t)(slash - begin));
    first[slash - begin] = 0;
    return alto_position_parse(first, from) && alto_position_parse(slash + 1, to) &&
           alto_position_compare(from, to) < 0;
}

/* ---- material ---- */

static alto_status find_snapshot(const alto_history *history, const alto_hash *root, alto_material *out)
{
    const alto_held *held = alto_history_version(history, root, NULL);
    if (!held)
        return ALTO_NOT_FOUND;
    out->kind = ALTO_MAKE_SNAPSHOT;
    out->to = alto_resource_retain(held->resource);
    out->work = held->resource->entry.text_size;
    return ALTO_OK;
}

/* At most the larger version; less where it is known how much lies between them. */
static uint64_t delta_work(const alto_held *from, const alto_held *to)
{
    uint64_t before = from->resource->entry.text_size, after = to->resource->entry.text_size;
    uint64_t whole = before > after ? before : after;
    if (from->line != to->line)
        return whole;
    uint64_t moved = from->moved < to->moved ? to->moved - from->moved : from->moved - to->moved;
    return 2 * moved < whole ? 2 * moved : whole;
}

static alto_status find_delta(const alto_history *history, const alto_hash *from_root, const alto_hash *to_root,
                              alto_material *out)
{
    const alto_held *from = alto_history_version(history, from_root, NULL);
    const alto_held *to = from ? alto_history_version(history, to_root, &from->resource->key) : NULL;
    if (!to || to->resource->entry.kind != from->resource->entry.kind)
        return ALTO_NOT_FOUND;
    out->kind = ALTO_MAKE_DELTA;
    out->from = alto_resource_retain(from->resource);
    out->to = alto_resource_retain(to->resource);
    out->work = delta_work(from, to);
    return ALTO_OK;
}

static alto_status find_catalog(const alto_history *history, const alto_hash *state_root, alto_material *out)
{
    const alto_step *step = alto_history_state(history, state_root);
    if (!step)
        return ALTO_NOT_FOUND;
    out->kind = ALTO_MAKE_CATALOG;
    out->catalog = alto_tree_retain(step->catalog);
    out->work = CATALOG_ENTRY_BYTES * alto_tree_entries(step->catalog);
    return ALTO_OK;
}

static alto_status collect_items(const alto_step *from, const alto_step *to, alto_material *out)
{
    size_t count = 0;
    for (const alto_step *step = from->newer; step != to->newer; step = step->newer)
        count += 1 + step->payload_count;
    out->items = malloc((count + 1) * sizeof *out->items);
    if (!out->items)
        return ALTO_NO_MEMORY;
    for (const alto_step *step = from->newer; step != to->newer; step = step->newer) {
        out->items[out->item_count++] = (alto_bundle_item){.blob = alto_blob_retain(step->commit)};
        for (size_t i = 0; i < step->payload_count; i++)
            out->items[out->item_count++] = (alto_bundle_item){
                .blob = alto_blob_retain(step->payloads[i].blob), .is_payload = true, .index = step->payloads[i].index};
    }
    return ALTO_OK;
}

static alto_status find_bundle(const alto_history *history, const alto_position *first, const alto_position *last,
                               alto_material *out)
{
    const alto_step *newest = alto_history_newest(history);
    if (!newest || alto_position_compare(last, &newest->position) > 0)
        return ALTO_NOT_FOUND;
    const alto_step *from = alto_history_at(history, first), *to = alto_history_at(history, last);
    if (!from || !to || !alto_history_bundled(from, to))
        return ALTO_OLD;
    out->kind = ALTO_MAKE_BUNDLE;
    out->work = to->run_bytes - from->run_bytes;
    return collect_items(from, to, out);
}

static alto_status find(const alto_history *history, const char *path, alto_material *out)
{
    alto_hash to = {{0}}, from = {{0}};
    alto_position first, last;
    const char *rest;
    if (parse_bundle(path, &first, &last))
        return find_bundle(history, &first, &last, out);
    if (parse_hash(path, "catalog/", &to, &rest) && is_path_of(path, ALTO_WANT_CATALOG, &from, &to))
        return find_catalog(history, &to, out);
    if (parse_hash(path, "snapshots/", &to, &rest) && is_path_of(path, ALTO_WANT_SNAPSHOT, &from, &to))
        return find_snapshot(history, &to, out);
    if (parse_hash(path, "deltas/", &from, &rest) && parse_hash(rest, "/", &to, &rest) &&
        is_path_of(path, ALTO_WANT_DELTA, &from, &to))
        return find_delta(history, &from, &to, out);
    return ALTO_NOT_FOUND;
}

alto_status alto_material_find(const alto_history *history, const alto_origin *origin, const char *path,
                               alto_material **out)
{
    alto_material *made = calloc(1, sizeof *made);
    if (!made)
        return ALTO_NO_MEMORY;
    made->origin = *origin;
    snprintf(made->path, sizeof made->path, "%s", path);
    alto_status status = find(history, path, made);
    if (status != ALTO_OK)
        alto_material_destroy(&made);
    *out = made;
    return status;
}

void alto_material_destroy(alto_material **self)
{
    alto_material *dying = *self;
    if (!dying)
        return;
    for (size_t i = 0; i < dying->item_count; i++)
        alto_blob_release(dying->items[i].blob);
    free(dying->items);
    alto_tree_release(dying->catalog);
    alto_resource_release(dying->from);
    alto_resource_release(dying->to);
    free(dying);
    *self = NULL;
}

/* ---- making ---- */

/* Piece by piece, so that a shutdown does not wait for millions of cells. */
static alto_status make_snapshot(const alto_material *self, const atomic_bool *stop, alto_buffer *out)
{
    alto_snapshot_writer *writer = alto_snapshot_writer_new(self->to->version);
    alto_status status = writer ? ALTO_OK : ALTO_NO_MEMORY;
    bool done = false;
    while (status == ALTO_OK && !done)
        status = atomic_load(stop) ? ALTO_BUSY : alto_snapshot_write(writer, out, &done);
    alto_snapshot_writer_destroy(&writer);
    return status;
}

static alto_status make_delta(const alto_material *self, alto_buffer *out)
{
    alto_entry_texts texts;
    alto_status status = alto_entry_texts_make(&self->to->name, &self->to->entry, &texts);
    if (status == ALTO_OK)
        status = alto_delta_encode(self->from->version, self->to->version, &texts.implied, out, NULL);
    alto_entry_texts_fini(&texts);
    return status;
}

static alto_status make_bundle(const alto_material *self, alto_buffer *out)
{
    for (size_t i = 0; i < self->item_count; i++) {
        const alto_bundle_item *item = &self->items[i];
        alto_buffer_add_u8(out, item->is_payload ? 'p' : 'c');
        alto_buffer_add_u32(out, (uint32_t)item->blob->size + (item->is_payload ? 2 : 0));
        if (item->is_payload) {
            alto_buffer_add_u8(out, (uint8_t)(item->index >> 8));
            alto_buffer_add_u8(out, (uint8_t)item->index);
        }
        alto_buffer_add(out, item->blob->data, item->blob->size);
    }
    return out->status;
}

const alto_blob *alto_material_make(const alto_material *self, const atomic_bool *stop, alto_status *status)
{
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_PAYLOAD);
    switch (self->kind) {
    case ALTO_MAKE_CATALOG:
        bytes.max_size = ALTO_MAX_CATALOG;
        *status = alto_catalog_encode(&self->origin, self->catalog, &bytes);
        break;
    case ALTO_MAKE_SNAPSHOT:
        *status = make_snapshot(self, stop, &bytes);
        break;
    case ALTO_MAKE_DELTA:
        *status = make_delta(self, &bytes);
        break;
    default:
        bytes.max_size = ALTO_MAX_BUNDLE;
        *status = make_bundle(self, &bytes);
    }
    if (*status != ALTO_OK) {
        alto_buffer_fini(&bytes);
        return NULL;
    }
    const alto_blob *made = alto_blob_take(&bytes);
    *status = made ? ALTO_OK : ALTO_NO_MEMORY;
    return made;
}
