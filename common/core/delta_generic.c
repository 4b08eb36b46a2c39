/* SPDX-License-Identifier: Apache-2.0 */
#include "core/delta_generic.h"

#include <stdlib.h>

static alto_slice meta_key(void)
{
    static const uint8_t key[] = {ALTO_ROW_MEMBER, 'm', 'e', 't', 'a'};
    return alto_slice_of(key, sizeof key);
}

/* ---- writing ---- */

/* The items of one generic row that differ. */
typedef struct {
    alto_generic_writer *self;
    bool skip_vtag, skip_dependencies; /* told by a flag */
    alto_buffer old_items, new_items;
    uint64_t old_count, new_count, next_rank;
    alto_slice last_key;
} generic_row;

static size_t common_end(alto_slice a, alto_slice b, size_t most)
{
    size_t same = 0;
    while (same < most && a.data[a.size - 1 - same] == b.data[b.size - 1 - same])
        same++;
    return same;
}

static void add_sized(alto_buffer *out, alto_slice bytes)
{
    alto_buffer_add_varint(out, bytes.size);
    alto_buffer_add_slice(out, bytes);
}

static bool is_implied(const generic_row *row, alto_slice key)
{
    return (row->skip_vtag && alto_slice_equal(key, alto_slice_text("vtag"))) ||
           (row->skip_dependencies && alto_slice_equal(key, alto_slice_text("dependent-vtags")));
}

static void write_change(generic_row *row, alto_slice before, alto_slice after)
{
    size_t start = alto_common_start(before, after);
    size_t most = (before.size < after.size ? before.size : after.size) - start;
    size_t end = common_end(before, after, most);
    alto_buffer_add_varint(&row->old_items, start);
    alto_buffer_add_varint(&row->old_items, end);
    add_sized(&row->old_items, (alto_slice){after.data + start, after.size - start - end});
}

static alto_status found_text(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                              uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_after;
    generic_row *row = context;
    if (after && is_implied(row, key))
        return ALTO_OK;
    if (before) {
        alto_buffer_add_varint(&row->old_items, (rank_before - row->next_rank) << 1 | !after);
        row->next_rank = rank_before + 1;
        row->old_count++;
        if (after)
            write_change(row, before->text, after->text);
    } else if (after) {
        size_t start = alto_common_start(row->last_key, key);
        start = start < ALTO_DELTA_SHARED_MAX ? start : ALTO_DELTA_SHARED_MAX;
        alto_buffer_add_varint(&row->new_items, start);
        add_sized(&row->new_items, (alto_slice){key.data + start, key.size - start});
        add_sized(&row->new_items, after->text);
        row->last_key = key;
        row->new_count++;
    }
    return ALTO_OK;
}

/* Does `row` have, under this name, the text that the catalog tells anyway, and is that new? */
static bool tells(alto_slice implied, const char *name, const alto_value *before, const alto_value *after)
{
    alto_value old, new;
    alto_slice key = alto_slice_text(name);
    return implied.size && after && alto_tree_find(after->row, key, &new) && alto_slice_equal(new.text, implied) &&
           !(before && alto_tree_find(before->row, key, &old) && alto_slice_equal(old.text, implied));
}

static void look_for_implied(generic_row *row, alto_slice key, const alto_value *before, const alto_value *after)
{
    alto_generic_writer *self = row->self;
    if (!self->implied || !alto_slice_equal(key, meta_key()))
        return;
    row->skip_vtag = tells(self->implied->vtag, "vtag", before, after);
    row->skip_dependencies = tells(self->implied->dependencies, "dependent-vtags", before, after);
    self->flags |= row->skip_vtag ? ALTO_DELTA_VTAG : 0u;
    self->flags |= row->skip_dependencies ? ALTO_DELTA_DEPENDENCIES : 0u;
}

static void write_generic_row(generic_row *row, alto_slice key, bool is_new, uint64_t rank)
{
    alto_generic_writer *self = row->self;
    self->rows++;
    alto_buffer_add_u8(&self->bytes, is_new ? ALTO_GENERIC_ADD : ALTO_GENERIC_EDIT);
    if (is_new) {
        add_sized(&self->bytes, key);
    } else {
        alto_buffer_add_varint(&self->bytes, rank - self->next);
        self->next = rank + 1;
        alto_buffer_add_varint(&self->bytes, row->old_count);
        alto_buffer_add_slice(&self->bytes, alto_buffer_slice(&row->old_items));
    }
    alto_buffer_add_varint(&self->bytes, row->new_count);
    alto_buffer_add_slice(&self->bytes, alto_buffer_slice(&row->new_items));
}

alto_status alto_generic_write(alto_generic_writer *self, alto_slice key, const alto_value *before,
                               const alto_value *after, uint64_t rank)
{
    if (!after) {
        self->rows++;
        alto_buffer_add_u8(&self->bytes, ALTO_GENERIC_REMOVE);
        alto_buffer_add_varint(&self->bytes, rank - self->next);
        self->next = rank + 1;
        return self->bytes.status;
    }
    generic_row row = {
        .self = self, .old_items = alto_buffer_make(ALTO_MAX_PAYLOAD), .new_items = alto_buffer_make(ALTO_MAX_PAYLOAD)};
    look_for_implied(&row, key, before, after);
    alto_status status = alto_tree_diff(before ? before->row : NULL, after->row, found_text, &row);
    if (status == ALTO_OK)
        status = row.old_items.status ? row.old_items.status : row.new_items.status;
    bool told = row.skip_vtag || row.skip_dependencies; /* then the row comes into being by that alone */
    if (status == ALTO_OK && (row.old_count || row.new_count || !told)) {
        write_generic_row(&row, key, !before, rank);
        status = self->bytes.status;
    }
    alto_buffer_fini(&row.old_items);
    alto_buffer_fini(&row.new_items);
    return status;
}

/* ---- reading ---- */

typedef struct {
    const alto_generic_reader *of;
    unsigned flags;     /* of what is still to be told */
    uint64_t text_left; /* as in `of` */
    alto_row_walker rows;
    alto_edit *edits; /* of the row at hand */
    size_t edit_count, edit_room;
} reading;

/* Texts and keys that had to be put together; the buffer may move while it grows. */
typedef struct {
    alto_buffer bytes;
    size_t *key_at, *text_at; /* of each edit: offset in `bytes` plus one, or 0: borrowed */
    size_t key_count, text_count, key_room, text_room;
} scratch;

static bool add_text(reading *self, scratch *room, alto_edit edit, size_t key_at, size_t text_at)
{
    return ALTO_ARRAY_ADD(room->key_at, room->key_room, room->key_count, key_at) &&
           ALTO_ARRAY_ADD(room->text_at, room->text_room, room->text_count, text_at) &&
           ALTO_ARRAY_ADD(self->edits, self->edit_room, self->edit_count, edit);
}

static void settle(reading *self, const scratch *room)
{
    for (size_t i = 0; i < room->key_count; i++) {
        if (room->key_at[i])
            self->edits[i].key.data = room->bytes.data + room->key_at[i] - 1;
        if (room->text_at[i])
            self->edits[i].value.text.data = room->bytes.data + room->text_at[i] - 1;
    }
}

/* A text and its key are to be held: they stand in the JSON of the version, as "key":text, or as text where the row is the key. */
static alto_status spend(reading *self, uint64_t key_size, uint64_t text_size)
{
    uint64_t bytes = text_size + (key_size ? key_size + 3 : 0);
    if (bytes > self->text_left)
        return ALTO_BOMB;
    self->text_left -= bytes;
    return ALTO_OK;
}

/* A changed text: what it shares with the old one at both ends, and what is between. */
static alto_slice changed_text(alto_reader *in, scratch *room, alto_slice old, size_t *at)
{
    uint64_t start = alto_reader_bounded(in, old.size);
    uint64_t end = alto_reader_bounded(in, old.size - start);
    alto_slice middle = alto_reader_slice(in, (size_t)alto_reader_bounded(in, ALTO_MAX_TEXT));
    if (start + end + middle.size > ALTO_MAX_TEXT) {
        alto_reader_fail(in, ALTO_TOO_LARGE);
        return (alto_slice){0};
    }
    if (start + end == 0 || in->status != ALTO_OK)
        return middle;
    *at = room->bytes.size + 1;
    alto_buffer_add(&room->bytes, old.data, (size_t)start);
    alto_buffer_add_slice(&room->bytes, middle);
    alto_buffer_add(&room->bytes, old.data + old.size - end, (size_t)end);
    return (alto_slice){NULL, (size_t)(start + middle.size + end)};
}

static alto_status take_old_items(reading *self, alto_reader *in, scratch *room, const alto_tree *items)
{
    uint64_t next = 0, entries = alto_tree_entries(items);
    alto_cursor cursor = {.height = 0};
    for (uint64_t count = alto_reader_bounded(in, entries); count > 0 && in->status == ALTO_OK; count--) {
        uint64_t code = alto_reader_varint(in);
        if (next >= entries || code >> 1 >= entries - next)
            return ALTO_MALFORMED;
        next += code >> 1;
        alto_cursor_to(&cursor, items, next++);
        alto_edit edit = {.key = alto_cursor_key(&cursor), .remove = code & 1};
        size_t text_at = 0;
        if (!edit.remove)
            edit.value.text = changed_text(in, room, alto_cursor_value(&cursor).text, &text_at);
        if (!edit.remove && spend(self, edit.key.size, edit.value.text.size) != ALTO_OK)
            return ALTO_BOMB;
        if (!add_text(self, room, edit, 0, text_at))
            return ALTO_NO_MEMORY;
    }
    return in->status;
}

/* A key that begins like the one before, which is the last edit's. */
static bool take_key(alto_reader *in, scratch *room, alto_slice before, size_t before_at, alto_slice *key, size_t *at)
{
    size_t shared = (size_t)alto_reader_bounded(in, ALTO_DELTA_SHARED_MAX);
    alto_slice rest = alto_reader_slice(in, (size_t)alto_reader_bounded(in, ALTO_MAX_ITEM_KEY));
    if (shared > before.size || shared + rest.size > ALTO_MAX_ITEM_KEY || in->status != ALTO_OK)
        return false;
    *key = rest;
    *at = 0;
    const uint8_t *source = before_at ? room->bytes.data + before_at - 1 : before.data;
    if (!shared || !source)
        return true;
    uint8_t start[ALTO_DELTA_SHARED_MAX]; /* the buffer may move */
    memcpy(start, source, shared);
    *at = room->bytes.size + 1;
    alto_buffer_add(&room->bytes, start, shared);
    alto_buffer_add_slice(&room->bytes, rest);
    *key = (alto_slice){NULL, shared + rest.size};
    return room->bytes.status == ALTO_OK;
}

static alto_status take_new_items(reading *self, alto_reader *in, scratch *room)
{
    alto_slice key = {0};
    size_t key_at = 0;
    for (uint64_t count = alto_reader_varint(in); count > 0 && in->status == ALTO_OK; count--) {
        if (!take_key(in, room, key, key_at, &key, &key_at))
            return in->status != ALTO_OK ? in->status : ALTO_MALFORMED;
        alto_edit edit = {.key = key};
        edit.value.text = alto_reader_slice(in, (size_t)alto_reader_bounded(in, ALTO_MAX_TEXT));
        if (spend(self, key.size, edit.value.text.size) != ALTO_OK)
            return ALTO_BOMB;
        if (!add_text(self, room, edit, key_at, 0))
            return ALTO_NO_MEMORY;
    }
    return in->status;
}

/* Tell what a row becomes, by the edits gathered. */
static alto_status tell_row(reading *self, alto_slice key, const alto_tree *before, bool remove)
{
    size_t count = self->edit_count;
    self->edit_count = 0;
    return self->of->row(self->of->context, key, before, self->edits, count, remove);
}

/* The texts that a flag tells of: edits of the row "meta". */
static bool add_implied(reading *self)
{
    alto_edit vtag = {.key = alto_slice_text("vtag")}, dependencies = {.key = alto_slice_text("dependent-vtags")};
    bool good = true;
    if (self->flags & ALTO_DELTA_VTAG) {
        vtag.value.text = self->of->implied->vtag;
        good = ALTO_ARRAY_ADD(self->edits, self->edit_room, self->edit_count, vtag);
    }
    if (good && self->flags & ALTO_DELTA_DEPENDENCIES) {
        dependencies.value.text = self->of->implied->dependencies;
        good = ALTO_ARRAY_ADD(self->edits, self->edit_room, self->edit_count, dependencies);
    }
    self->flags &= ~(unsigned)(ALTO_DELTA_VTAG | ALTO_DELTA_DEPENDENCIES);
    return good;
}

static bool has_implied(const reading *self)
{
    return self->flags & (ALTO_DELTA_VTAG | ALTO_DELTA_DEPENDENCIES);
}

/* The row "meta" with nothing but what the flags tell. */
static alto_status edit_implied(reading *self)
{
    alto_slice key = meta_key();
    alto_value before = {.row = NULL};
    alto_tree_find(self->of->from, key, &before);
    return add_implied(self) ? tell_row(self, key, before.row, false) : ALTO_NO_MEMORY;
}

static alto_status take_items(reading *self, alto_reader *in, alto_slice key, const alto_tree *before, bool is_new)
{
    scratch room = {.bytes = alto_buffer_make(SIZE_MAX / 4)};
    alto_status status = is_new ? ALTO_OK : take_old_items(self, in, &room, before);
    if (status == ALTO_OK)
        status = take_new_items(self, in, &room);
    if (status == ALTO_OK)
        status = room.bytes.status;
    if (status == ALTO_OK) {
        settle(self, &room);
        if (alto_slice_equal(key, meta_key()) && !add_implied(self))
            status = ALTO_NO_MEMORY;
    }
    if (status == ALTO_OK)
        status = tell_row(self, key, before, false);
    alto_buffer_fini(&room.bytes);
    free(room.key_at);
    free(room.text_at);
    return status;
}

/* Which row comes next: *next is the rank of the next existing one. */
static bool take_row_key(reading *self, alto_reader *in, unsigned what, uint64_t *next, alto_slice *key,
                         const alto_tree **items)
{
    *items = NULL;
    if (what == ALTO_GENERIC_ADD) {
        *key = alto_reader_slice(in, (size_t)alto_reader_bounded(in, ALTO_DELTA_NAME_MAX + 1));
        return key->size && (key->data[0] == ALTO_ROW_MEMBER || key->data[0] == ALTO_ROW_VALUE);
    }
    uint64_t rank = *next + alto_reader_bounded(in, ALTO_MAX_ROWS);
    if (what > ALTO_GENERIC_ADD || in->status != ALTO_OK || rank >= self->of->end ||
        !alto_row_walker_to_rank(&self->rows, rank))
        return false;
    *next = rank + 1;
    *key = alto_row_walker_key(&self->rows);
    *items = alto_row_walker_items(&self->rows);
    return true;
}

static alto_status take_generic_row(reading *self, alto_reader *in, uint64_t *next, alto_slice *last)
{
    alto_slice key, meta = meta_key();
    const alto_tree *items;
    unsigned what = alto_reader_u8(in);
    if (!take_row_key(self, in, what, next, &key, &items) || alto_slice_compare(*last, key) >= 0)
        return ALTO_MALFORMED;
    *last = key;
    if (has_implied(self) && alto_slice_compare(meta, key) < 0) {
        alto_status status = edit_implied(self);
        if (status != ALTO_OK)
            return status;
    }
    if (what != ALTO_GENERIC_REMOVE)
        return take_items(self, in, key, items, what == ALTO_GENERIC_ADD);
    if (has_implied(self) && alto_slice_equal(meta, key))
        return ALTO_MALFORMED;
    return tell_row(self, key, items, true);
}

static alto_status read_rows(reading *self, alto_slice bytes, uint64_t rows)
{
    uint64_t next = 0;
    alto_slice last = {0};
    alto_reader in = alto_reader_make(bytes);
    alto_status status = ALTO_OK;
    for (; rows > 0 && status == ALTO_OK; rows--)
        status = take_generic_row(self, &in, &next, &last);
    if (status == ALTO_OK)
        status = alto_reader_finish(&in);
    return status == ALTO_OK && has_implied(self) ? edit_implied(self) : status;
}

alto_status alto_generic_read(const alto_generic_reader *options, alto_slice bytes, uint64_t rows)
{
    reading self = {.of = options,
                    .flags = options->flags,
                    .text_left = options->text_left,
                    .rows = alto_row_walker_make(options->from)};
    alto_status status = read_rows(&self, bytes, rows);
    free(self.edits);
    return status;
}
