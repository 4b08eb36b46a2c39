/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_items.h"

#include <stdlib.h>

struct alto_chunk {
    struct alto_chunk *next;
    size_t used, size;
    uint8_t bytes[];
};

enum { CHUNK_SIZE = 65536, FIRST_CAPACITY = 64 };

static void free_chunks(struct alto_chunk *chunk)
{
    while (chunk) {
        struct alto_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void alto_items_fini(alto_items *self)
{
    free(self->at);
    free(self->spare);
    free(self->edits);
    free(self->costs);
    free_chunks(self->chunks);
    *self = (alto_items){0};
}

void alto_items_clear(alto_items *self)
{
    self->count = self->edit_count = 0;
    if (!self->chunks)
        return;
    free_chunks(self->chunks->next);
    self->chunks->next = NULL;
    self->chunks->used = 0;
}

uint8_t *alto_items_room(alto_items *self, size_t size)
{
    struct alto_chunk *chunk = self->chunks;
    if (!chunk || chunk->size - chunk->used < size) {
        size_t wanted = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        struct alto_chunk *made = malloc(sizeof *made + wanted);
        if (!made)
            return NULL;
        *made = (struct alto_chunk){.next = chunk, .size = wanted};
        self->chunks = chunk = made;
    }
    uint8_t *room = chunk->bytes + chunk->used;
    chunk->used += size;
    return room;
}

bool alto_items_copy(alto_items *self, alto_slice bytes, alto_slice *copy)
{
    uint8_t *room = alto_items_room(self, bytes.size);
    if (!room)
        return false;
    if (bytes.size)
        memcpy(room, bytes.data, bytes.size);
    *copy = alto_slice_of(room, bytes.size);
    return true;
}

/* Room for more items; what is as long as they are is made again when needed. */
static bool grow(alto_items *self)
{
    size_t capacity = self->capacity ? self->capacity * 2 : FIRST_CAPACITY;
    alto_item *items = realloc(self->at, capacity * sizeof *items);
    if (!items)
        return false;
    self->at = items;
    self->capacity = capacity;
    free(self->spare);
    free(self->costs);
    self->spare = NULL;
    self->costs = NULL;
    return true;
}

alto_status alto_items_add(alto_items *self, alto_slice key, alto_value value)
{
    if (self->count == self->capacity && !grow(self))
        return ALTO_NO_MEMORY;
    self->at[self->count++] = (alto_item){key, value};
    return ALTO_OK;
}

/* ---- sorting: natural merge, since maps come sorted or nearly so ---- */

static bool in_order(const alto_item *a, const alto_item *b)
{
    return alto_slice_compare(a->key, b->key) <= 0;
}

/* Where the ascending piece ends that begins at `first`. */
static size_t piece_end(const alto_item *items, size_t first, size_t count)
{
    if (first == count)
        return count;
    for (first++; first < count && in_order(&items[first - 1], &items[first]);)
        first++;
    return first;
}

static void merge(const alto_item *a, size_t a_count, const alto_item *b, size_t b_count, alto_item *out)
{
    while (a_count > 0 && b_count > 0) {
        if (in_order(a, b)) {
            *out++ = *a++;
            a_count--;
        } else {
            *out++ = *b++;
            b_count--;
        }
    }
    if (a_count > 0)
        memcpy(out, a, a_count * sizeof *out);
    if (b_count > 0)
        memcpy(out, b, b_count * sizeof *out);
}

/* One round: each two neighbouring pieces become one. `ends` says where pieces end; returns how many are left. */
static size_t merge_pairs(const alto_item *items, size_t *ends, size_t pieces, alto_item *out)
{
    size_t first = 0, left = 0;
    for (size_t i = 0; i < pieces; i += 2) {
        size_t middle = ends[i], end = i + 1 < pieces ? ends[i + 1] : middle;
        merge(items + first, middle - first, items + middle, end - middle, out + first);
        ends[left++] = first = end;
    }
    return left;
}

alto_status alto_items_sort(alto_items *self)
{
    size_t first = piece_end(self->at, 0, self->count), pieces = 0;
    if (first == self->count)
        return ALTO_OK;
    size_t *ends = malloc(self->count * sizeof *ends);
    if (!self->spare)
        self->spare = malloc(self->capacity * sizeof *self->spare);
    if (!ends || !self->spare) {
        free(ends);
        return ALTO_NO_MEMORY;
    }
    for (ends[pieces++] = first; first < self->count; ends[pieces++] = first)
        first = piece_end(self->at, first, self->count);
    while (pieces > 1) {
        pieces = merge_pairs(self->at, ends, pieces, self->spare);
        alto_item *sorted = self->spare;
        self->spare = self->at;
        self->at = sorted;
    }
    free(ends);
    return ALTO_OK;
}

const alto_item *alto_items_twice(const alto_items *self)
{
    for (size_t i = 1; i < self->count; i++)
        if (alto_slice_equal(self->at[i - 1].key, self->at[i].key))
            return &self->at[i];
    return NULL;
}

/* ---- trees ---- */

bool alto_items_edit(alto_items *self, alto_slice key, alto_value value, bool remove)
{
    if (self->edit_count == self->edit_capacity) {
        size_t capacity = self->edit_capacity ? self->edit_capacity * 2 : FIRST_CAPACITY;
        alto_edit *edits = realloc(self->edits, capacity * sizeof *edits);
        if (!edits)
            return false;
        self->edits = edits;
        self->edit_capacity = capacity;
    }
    self->edits[self->edit_count++] = (alto_edit){.key = key, .value = value, .remove = remove};
    return true;
}

/* Collect what is to be done to `before` so that it becomes the items. */
static alto_status compare(alto_items *self, alto_value_type type, const alto_tree *before, bool *same_keys)
{
    alto_cursor cursor;
    alto_cursor_first(&cursor, before);
    self->edit_count = 0;
    *same_keys = true;
    for (size_t i = 0; i < self->count || alto_cursor_valid(&cursor);) {
        const alto_item *item = i < self->count ? &self->at[i] : NULL;
        int order = item ? -1 : 1;
        if (item && alto_cursor_valid(&cursor))
            order = alto_slice_compare(item->key, alto_cursor_key(&cursor));
        alto_value old = order >= 0 ? alto_cursor_value(&cursor) : (alto_value){0};
        bool added = true;
        if (order > 0)
            added = alto_items_edit(self, alto_cursor_key(&cursor), old, true);
        else if (order < 0 || !alto_value_equal(type, &old, &item->value))
            added = alto_items_edit(self, item->key, item->value, false);
        if (!added)
            return ALTO_NO_MEMORY;
        *same_keys = *same_keys && order == 0;
        if (order >= 0)
            alto_cursor_next(&cursor);
        i += order <= 0;
    }
    return ALTO_OK;
}

static alto_status with_costs(alto_items *self, const alto_tree *before, alto_tree **out)
{
    if (!self->costs)
        self->costs = malloc(self->capacity * sizeof *self->costs);
    if (!self->costs)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->count; i++)
        self->costs[i] = self->at[i].value.cost;
    return alto_tree_with_costs(before, self->costs, out);
}

alto_status alto_items_tree(alto_items *self, alto_pool *pool, alto_value_type type, const alto_tree *before,
                            alto_tree **out)
{
    bool same_keys;
    alto_status status = compare(self, type, before, &same_keys);
    if (status != ALTO_OK)
        return status;
    /* Cheaper than edits, since no key is looked at. */
    if (type == ALTO_VALUE_COST && before && same_keys && self->edit_count > 0)
        return with_costs(self, before, out);
    return alto_tree_edit(pool, type, before, self->edits, self->edit_count, out);
}
