/* SPDX-License-Identifier: Apache-2.0 */
#include "io/archive_since.h"

#include <stdlib.h>

enum {
    FIRST_ROOM = 16,
    TEXT_PER_SNAPSHOT_BYTE = 8, /* of the JSON of usual maps */
    SNAPSHOT_LEAST = 64
};

alto_status alto_ways_begin(const alto_history *history, const alto_position *position, alto_ways *out)
{
    const alto_step *from = alto_history_at(history, position), *newest = alto_history_newest(history);
    *out = (alto_ways){.count = 0};
    if (!from)
        return newest ? ALTO_OLD : ALTO_BUSY;
    out->head = newest->position;
    out->state_root = newest->state_root;
    out->older = alto_tree_retain(from->catalog);
    out->newer = alto_tree_retain(newest->catalog);
    out->bundled = alto_history_bundled(from, newest);
    if (out->bundled) {
        out->commits = newest->position.seq - from->position.seq;
        out->bundle_bytes = newest->run_bytes - from->run_bytes;
    }
    return ALTO_OK;
}

/* ---- what differs ---- */

static alto_way *next_way(alto_ways *self)
{
    if (self->count == self->room) {
        size_t room = self->room ? 2 * self->room : FIRST_ROOM;
        alto_way *larger = realloc(self->ways, room * sizeof *larger);
        if (!larger)
            return NULL;
        self->ways = larger;
        self->room = room;
    }
    self->ways[self->count] = (alto_way){.has_from = false};
    return &self->ways[self->count];
}

static alto_status add_difference(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                                  uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_before;
    (void)rank_after;
    alto_ways *self = context;
    alto_entry entry;
    if (!after) /* withdrawn: the catalog says so */
        return ALTO_OK;
    alto_way *way = next_way(self);
    alto_status status = way ? alto_entry_decode(after->text, &entry) : ALTO_NO_MEMORY;
    if (status != ALTO_OK)
        return status;
    way->to = entry.root;
    way->text_size = entry.text_size;
    way->key = key;
    alto_catalog_name(key, &way->name);
    if (before) {
        status = alto_entry_decode(before->text, &entry);
        way->has_from = true;
        way->from = entry.root;
    }
    if (status == ALTO_OK && !(way->has_from && alto_hash_equal(&way->from, &way->to)))
        self->count++; /* else nothing but what the catalog says of it changed */
    return status;
}

alto_status alto_ways_compare(alto_ways *self)
{
    return alto_tree_diff(self->older, self->newer, add_difference, self);
}

/* ---- what it costs ---- */

static uint64_t made_size(const alto_made *made, alto_want_type type, const alto_hash *from, const alto_hash *to)
{
    alto_want want = {.type = type, .to = *to};
    char path[ALTO_WANT_PATH];
    alto_status status;
    if (from)
        want.from = *from;
    alto_want_path(&want, path);
    const alto_blob *blob = alto_made_find(made, path, &status);
    return blob ? blob->size : 0;
}

static uint64_t snapshot_bytes(const alto_way *way, const alto_made *made)
{
    uint64_t size = made_size(made, ALTO_WANT_SNAPSHOT, NULL, &way->to);
    return size ? size : SNAPSHOT_LEAST + way->text_size / TEXT_PER_SNAPSHOT_BYTE;
}

/* Until it was made: what the deltas in between cost, which one delta over all of them seldom exceeds. */
static uint64_t delta_bytes(const alto_way *way, const alto_held *from, const alto_held *to, const alto_made *made)
{
    if (!from || from->resource->entry.kind != to->resource->entry.kind)
        return 0;
    uint64_t size = made_size(made, ALTO_WANT_DELTA, &way->from, &way->to);
    if (size)
        return size;
    if (from->line != to->line)
        return way->snapshot_bytes;
    uint64_t between = from->spent < to->spent ? to->spent - from->spent : from->spent - to->spent;
    return between ? between : 1;
}

void alto_ways_cost(alto_ways *self, const alto_history *history, const alto_made *made)
{
    for (size_t i = 0; i < self->count; i++) {
        alto_way *way = &self->ways[i];
        const alto_held *to = alto_history_version(history, &way->to, &way->key);
        const alto_held *from = way->has_from ? alto_history_version(history, &way->from, &way->key) : NULL;
        way->held = to;
        if (!to)
            continue;
        way->snapshot_bytes = snapshot_bytes(way, made);
        way->delta_bytes = delta_bytes(way, from, to, made);
    }
}

/* ---- as JSON ---- */

static void write_hash(alto_buffer *out, const char *name, const alto_hash *hash)
{
    char hex[2 * ALTO_HASH_SIZE + 1];
    alto_hex(hex, hash->bytes, ALTO_HASH_SIZE);
    alto_buffer_print(out, ",\"%s\":\"%s\"", name, hex);
}

static void write_way(const alto_way *way, alto_buffer *out)
{
    alto_buffer_add_text(out, "{\"id\":");
    alto_json_string(out, way->name.id);
    if (way->has_from)
        write_hash(out, "from", &way->from);
    else
        alto_buffer_add_text(out, ",\"from\":null");
    write_hash(out, "to", &way->to);
    if (way->delta_bytes)
        alto_buffer_print(out, ",\"delta-bytes\":%llu", (unsigned long long)way->delta_bytes);
    else
        alto_buffer_add_text(out, ",\"delta-bytes\":null");
    alto_buffer_print(out, ",\"snapshot-bytes\":%llu}", (unsigned long long)way->snapshot_bytes);
}

void alto_ways_write(const alto_ways *self, uint64_t catalog_bytes, alto_buffer *out)
{
    char head[ALTO_POSITION_TEXT];
    const char *separator = "";
    alto_position_text(&self->head, head);
    alto_buffer_print(out, "{\"head\":\"%s\",\"commits\":", head);
    if (self->bundled)
        alto_buffer_print(out, "{\"count\":%llu,\"bytes\":%llu}", (unsigned long long)self->commits,
                          (unsigned long long)self->bundle_bytes);
    else
        alto_buffer_add_text(out, "null");
    alto_buffer_print(out, ",\"catalog-bytes\":%llu,\"resources\":[", (unsigned long long)catalog_bytes);
    for (size_t i = 0; i < self->count; i++) {
        if (!self->ways[i].held)
            continue;
        alto_buffer_add_text(out, separator);
        write_way(&self->ways[i], out);
        separator = ",";
    }
    alto_buffer_add_text(out, "]}");
}

void alto_ways_fini(alto_ways *self)
{
    alto_tree_release(self->older);
    alto_tree_release(self->newer);
    free(self->ways);
    *self = (alto_ways){.count = 0};
}
