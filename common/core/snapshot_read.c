/* SPDX-License-Identifier: Apache-2.0 */
#include "core/compress.h"
#include "core/delta_format.h"
#include "core/snapshot.h"
#include "core/snapshot_format.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK_HEAD = 8, MAGIC_SIZE = sizeof ALTO_SNAPSHOT_MAGIC - 1, HEADER = MAGIC_SIZE + 1, ROW_BATCH = 1024 };

struct alto_snapshot_reader {
    alto_pool *pool;
    alto_kind kind;
    alto_hash root;
    bool any_root;
    alto_status status; /* sticky */

    enum { AT_HEADER, AT_BLOCK_HEAD, AT_BLOCK, AT_END } stage;
    alto_buffer in;  /* of the header, block head or block at hand */
    size_t wanted;   /* bytes of it */
    size_t raw_size; /* of the block at hand */
    alto_buffer raw; /* decompressed, not yet used: the beginning of a piece */

    bool in_row;
    uint8_t row_key[256]; /* of the row at hand */
    size_t row_key_size;
    alto_tree *row;        /* items of the row at hand, owned */
    alto_tree *before;     /* items of the row before it, retained */
    alto_cursor reference; /* in `before` */

    alto_edit *edits; /* of the piece at hand: ALTO_SNAPSHOT_ITEMS */
    size_t *key_at;   /* offset of each key in `keys` plus one, or 0: borrowed */
    double *costs;
    alto_buffer keys; /* keys of the piece at hand that had to be put together */

    alto_tree *rows;                /* what is complete, owned */
    alto_edit row_edits[ROW_BATCH]; /* rows to come; each owns its items */
    size_t row_edit_count;
    alto_buffer row_keys; /* of row_edits */
    uint64_t items, row_count;
    uint64_t raw_left, text_left; /* bytes that may still come, and that what they say may have as JSON */
};

alto_snapshot_reader *alto_snapshot_reader_new(alto_pool *pool, alto_kind kind, const alto_hash *root)
{
    alto_snapshot_reader *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->pool = pool;
    self->kind = kind;
    self->any_root = !root;
    if (root)
        self->root = *root;
    self->wanted = HEADER;
    self->raw_left = self->text_left = UINT64_MAX;
    self->in = alto_buffer_make(ALTO_SNAPSHOT_BLOCK);
    self->raw = alto_buffer_make(ALTO_SNAPSHOT_PIECE + 2 * ALTO_SNAPSHOT_BLOCK);
    self->keys = alto_buffer_make(ALTO_SNAPSHOT_PIECE + ALTO_SNAPSHOT_ITEMS * (ALTO_SNAPSHOT_SHARED + 1));
    self->row_keys = alto_buffer_make(ROW_BATCH * sizeof self->row_key);
    self->edits = malloc(ALTO_SNAPSHOT_ITEMS * sizeof *self->edits);
    self->key_at = malloc(ALTO_SNAPSHOT_ITEMS * sizeof *self->key_at);
    self->costs = malloc(ALTO_SNAPSHOT_ITEMS * sizeof *self->costs);
    if (!self->edits || !self->key_at || !self->costs)
        alto_snapshot_reader_destroy(&self);
    return self;
}

void alto_snapshot_reader_limit(alto_snapshot_reader *self, uint64_t text_size)
{
    self->raw_left = alto_snapshot_bound(text_size);
    self->text_left = text_size;
}

void alto_snapshot_reader_destroy(alto_snapshot_reader **self)
{
    alto_snapshot_reader *reader = *self;
    if (!reader)
        return;
    alto_buffer_fini(&reader->in);
    alto_buffer_fini(&reader->raw);
    alto_buffer_fini(&reader->keys);
    alto_buffer_fini(&reader->row_keys);
    alto_tree_release(reader->row);
    alto_tree_release(reader->before);
    alto_tree_release(reader->rows);
    for (size_t i = 0; i < reader->row_edit_count; i++)
        alto_tree_release(reader->row_edits[i].value.row);
    free(reader->edits);
    free(reader->key_at);
    free(reader->costs);
    free(reader);
    *self = NULL;
}

/* Something of so many bytes of JSON, at least, is to be held. */
static alto_status spend(alto_snapshot_reader *self, uint64_t bytes)
{
    if (bytes > self->text_left)
        return ALTO_BOMB;
    self->text_left -= bytes;
    return ALTO_OK;
}

/* ---- rows ---- */

/* Take the gathered rows over into the tree. */
static alto_status flush_rows(alto_snapshot_reader *self)
{
    size_t at = 0;
    for (size_t i = 0; i < self->row_edit_count; i++) {
        self->row_edits[i].key.data = self->row_keys.data + at;
        at += self->row_edits[i].key.size;
    }
    alto_tree *rows = NULL;
    alto_status status =
        alto_tree_edit(self->pool, ALTO_VALUE_ROW, self->rows, self->row_edits, self->row_edit_count, &rows);
    if (status != ALTO_OK)
        return status;
    alto_tree_release(self->rows);
    self->rows = rows;
    while (self->row_edit_count > 0)
        alto_tree_release(self->row_edits[--self->row_edit_count].value.row);
    alto_buffer_clear(&self->row_keys);
    return ALTO_OK;
}

static alto_status end_row(alto_snapshot_reader *self)
{
    if (!self->in_row)
        return ALTO_OK;
    alto_buffer_add(&self->row_keys, self->row_key, self->row_key_size);
    if (self->row_keys.status != ALTO_OK)
        return self->row_keys.status;
    alto_edit edit = {.key = {NULL, self->row_key_size}, .value = {.row = self->row}};
    self->row_edits[self->row_edit_count++] = edit;
    alto_tree_release(self->before);
    self->before = alto_tree_retain(self->row);
    self->row = NULL;
    self->in_row = false;
    if (++self->row_count > ALTO_MAX_ROWS)
        return ALTO_TOO_LARGE;
    return self->row_edit_count == ROW_BATCH ? flush_rows(self) : ALTO_OK;
}

static bool class_fits(alto_kind kind, uint8_t class)
{
    return class == ALTO_ROW_MEMBER || class == ALTO_ROW_VALUE || (class == ALTO_ROW_PAYLOAD && kind != ALTO_DOCUMENT);
}

static alto_status begin_row(alto_snapshot_reader *self, alto_reader *in)
{
    uint8_t before[sizeof self->row_key];
    size_t before_size = self->row_key_size;
    memcpy(before, self->row_key, before_size);
    alto_status status = end_row(self);
    size_t shared = (size_t)alto_reader_bounded(in, before_size);
    alto_slice rest = alto_reader_slice(in, (size_t)alto_reader_bounded(in, sizeof before - shared));
    if (status != ALTO_OK || in->status != ALTO_OK)
        return status != ALTO_OK ? status : in->status;
    if (rest.size)
        memcpy(self->row_key + shared, rest.data, rest.size);
    self->row_key_size = shared + rest.size;
    if (!self->row_key_size || !class_fits(self->kind, self->row_key[0]) ||
        alto_slice_compare((alto_slice){before, before_size}, (alto_slice){self->row_key, self->row_key_size}) >= 0)
        return ALTO_MALFORMED;
    self->in_row = true;
    alto_cursor_first(&self->reference, self->before);
    return spend(self, self->row_key_size + 2); /* "name": without the class */
}

/* ---- items ---- */

static alto_slice key_of(const alto_snapshot_reader *self, size_t index)
{
    alto_slice key = self->edits[index].key;
    if (self->key_at[index])
        key.data = self->keys.data + self->key_at[index] - 1;
    return key;
}

/* A front-coded key: edit number `index`; it builds on the edit before. */
static void take_key(alto_snapshot_reader *self, alto_reader *in, size_t index)
{
    alto_slice before = index ? key_of(self, index - 1) : (alto_slice){0};
    size_t shared =
        (size_t)alto_reader_bounded(in, before.size < ALTO_SNAPSHOT_SHARED ? before.size : ALTO_SNAPSHOT_SHARED);
    alto_slice rest = alto_reader_slice(in, (size_t)alto_reader_bounded(in, ALTO_MAX_ITEM_KEY - shared));
    self->edits[index] = (alto_edit){.key = rest};
    self->key_at[index] = 0;
    if (!shared || !before.data)
        return;
    uint8_t start[ALTO_SNAPSHOT_SHARED];
    memcpy(start, before.data, shared); /* the buffer may move */
    self->key_at[index] = self->keys.size + 1;
    alto_buffer_add(&self->keys, start, shared);
    alto_buffer_add_slice(&self->keys, rest);
    self->edits[index].key.size = shared + rest.size;
    if (self->keys.status != ALTO_OK)
        alto_reader_fail(in, self->keys.status);
}

/* What an item has in JSON, at least. */
static uint64_t least_text(const alto_edit *item, alto_value_type type)
{
    if (type == ALTO_VALUE_COST)
        return item->key.size + 4; /* "key":1 */
    if (type == ALTO_VALUE_TEXT)   /* without a key the text is all */
        return item->value.text.size + (item->key.size ? item->key.size + 3 : 0);
    bool may_be_prefix = item->key.size <= ALTO_PREFIX_KEY;
    return may_be_prefix && item->key.size > 6 ? 6 : item->key.size; /* "::/0" */
}

/* Append the items of a piece to the row; their keys must ascend. */
static alto_status append_items(alto_snapshot_reader *self, size_t count, alto_value_type type)
{
    for (size_t i = 0; i < count; i++) {
        self->edits[i].key = key_of(self, i);
        if (i && alto_slice_compare(self->edits[i - 1].key, self->edits[i].key) >= 0)
            return ALTO_MALFORMED;
        if (spend(self, least_text(&self->edits[i], type)) != ALTO_OK)
            return ALTO_BOMB;
    }
    alto_tree *row = NULL;
    alto_status status = alto_tree_edit(self->pool, type, self->row, self->edits, count, &row);
    if (status != ALTO_OK)
        return status;
    alto_tree_release(self->row);
    self->row = row;
    return ALTO_OK;
}

/* ---- costs ---- */

static alto_status take_step(alto_snapshot_reader *self, alto_reader *in, size_t *at, size_t count)
{
    uint64_t take = alto_reader_bounded(in, count - *at), skip = alto_reader_varint(in);
    for (; take > 0; take--) {
        if (!alto_cursor_valid(&self->reference))
            return ALTO_MALFORMED;
        self->key_at[*at] = 0;
        self->edits[(*at)++] = (alto_edit){.key = alto_cursor_key(&self->reference)};
        alto_cursor_next(&self->reference);
    }
    uint64_t left = alto_tree_entries(self->before) - self->reference.rank;
    if (skip > left)
        return ALTO_MALFORMED;
    if (skip)
        alto_cursor_seek_rank(&self->reference, self->before, self->reference.rank + skip);
    for (uint64_t literal = alto_reader_bounded(in, count - *at); literal > 0 && in->status == ALTO_OK; literal--)
        take_key(self, in, (*at)++);
    return in->status;
}

/* Are these all the keys of the row before, no more and no less? Then its keys can be shared at no cost. */
static bool take_same_keys(alto_snapshot_reader *self, alto_reader *in, size_t count)
{
    alto_reader ahead = *in;
    if (self->row || !self->before || alto_node_look(self->before).type != ALTO_VALUE_COST ||
        alto_tree_entries(self->before) != count || alto_reader_varint(&ahead) != count ||
        alto_reader_varint(&ahead) != 0 || alto_reader_varint(&ahead) != 0)
        return false;
    *in = ahead;
    return true;
}

static void take_doubles(alto_snapshot_reader *self, alto_reader *in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = alto_reader_u64(in);
        memcpy(&self->costs[i], &bits, sizeof bits);
        if (!isfinite(self->costs[i]) || (self->costs[i] == 0 && signbit(self->costs[i])))
            alto_reader_fail(in, ALTO_MALFORMED);
    }
}

static void take_integers(alto_snapshot_reader *self, alto_reader *in, size_t count, unsigned decimals, bool is_signed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = in->at < in->end && *in->at < 0x80 ? *in->at++ : alto_reader_varint(in);
        if (value >= (uint64_t)ALTO_COST_INTEGERS * 2) {
            alto_reader_fail(in, ALTO_MALFORMED);
            value = 0;
        }
        self->costs[i] = alto_cost_of(is_signed ? alto_unzigzag(value) : (int64_t)value, decimals);
    }
}

static alto_status take_costs(alto_snapshot_reader *self, alto_reader *in, size_t count)
{
    unsigned form = alto_reader_u8(in), decimals = form & (ALTO_SNAPSHOT_SIGNED - 1);
    if (form == ALTO_SNAPSHOT_DOUBLES)
        take_doubles(self, in, count);
    else if (decimals < ALTO_COST_DECIMALS && form < 2 * ALTO_SNAPSHOT_SIGNED)
        take_integers(self, in, count, decimals, form & ALTO_SNAPSHOT_SIGNED);
    else
        return ALTO_MALFORMED;
    return alto_reader_finish(in);
}

static alto_status take_cost_items(alto_snapshot_reader *self, alto_reader *in, size_t count)
{
    bool same = take_same_keys(self, in, count);
    alto_status status = ALTO_OK;
    for (size_t at = 0; !same && at < count && status == ALTO_OK;)
        status = take_step(self, in, &at, count);
    if (status == ALTO_OK)
        status = take_costs(self, in, count);
    if (status != ALTO_OK)
        return status;
    if (same && (status = spend(self, 5 * (uint64_t)count)) != ALTO_OK)
        return status;
    if (same)
        return alto_tree_with_costs(self->before, self->costs, &self->row);
    for (size_t i = 0; i < count; i++)
        self->edits[i].value.cost = self->costs[i];
    return append_items(self, count, ALTO_VALUE_COST);
}

/* ---- prefixes ---- */

static alto_address take_wide(alto_reader *in)
{
    alto_address value = 0;
    for (unsigned shift = 0; shift < 128; shift += 7) {
        uint8_t byte = alto_reader_u8(in);
        value |= (alto_address)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    alto_reader_fail(in, ALTO_MALFORMED);
    return 0;
}

static alto_status take_prefix(alto_snapshot_reader *self, alto_reader *in, uint8_t head, size_t index,
                               alto_address *before)
{
    bool ipv6 = head >= ALTO_SNAPSHOT_IPV6;
    alto_prefix prefix = {.family = ipv6 ? ALTO_ITEM_IPV6 : ALTO_ITEM_IPV4,
                          .length = head - (ipv6 ? ALTO_SNAPSHOT_IPV6 : 0u)};
    if (prefix.length > alto_family_bits(prefix.family))
        return ALTO_MALFORMED;
    alto_address units = alto_units(prefix.family, before[ipv6], prefix.length) + take_wide(in);
    prefix.address = alto_from_units(prefix.family, units & alto_unit_mask(prefix.length), prefix.length);
    before[ipv6] = prefix.address;
    alto_prefix_key key;
    alto_prefix_to_key(prefix, &key);
    self->edits[index] = (alto_edit){.key = {NULL, key.size}};
    self->key_at[index] = self->keys.size + 1;
    alto_buffer_add(&self->keys, key.bytes, key.size);
    return self->keys.status;
}

static alto_status take_prefix_items(alto_snapshot_reader *self, alto_reader *in, size_t count)
{
    alto_address before[2] = {alto_family_origin(ALTO_ITEM_IPV4), alto_family_origin(ALTO_ITEM_IPV6)};
    alto_slice heads = alto_reader_slice(in, count);
    alto_status status = in->status;
    for (size_t i = 0; i < count && status == ALTO_OK; i++) {
        if (heads.data[i] != ALTO_SNAPSHOT_OTHER) {
            status = take_prefix(self, in, heads.data[i], i, before);
        } else {
            self->key_at[i] = 0;
            self->edits[i] =
                (alto_edit){.key = alto_reader_slice(in, (size_t)alto_reader_bounded(in, ALTO_MAX_ITEM_KEY))};
        }
    }
    if (status == ALTO_OK)
        status = alto_reader_finish(in);
    return status == ALTO_OK ? append_items(self, count, ALTO_VALUE_NONE) : status;
}

/* ---- texts ---- */

static alto_status take_text_items(alto_snapshot_reader *self, alto_reader *in, size_t count)
{
    for (size_t i = 0; i < count && in->status == ALTO_OK; i++) {
        take_key(self, in, i);
        self->edits[i].value.text = alto_reader_slice(in, (size_t)alto_reader_bounded(in, ALTO_MAX_TEXT));
    }
    alto_status status = alto_reader_finish(in);
    return status == ALTO_OK ? append_items(self, count, ALTO_VALUE_TEXT) : status;
}

/* ---- pieces and blocks ---- */

static alto_status take_piece(alto_snapshot_reader *self, alto_slice piece)
{
    alto_reader in = alto_reader_make(piece);
    uint8_t flags = alto_reader_u8(&in);
    alto_status status = ALTO_OK;
    if (flags == 0)
        status = begin_row(self, &in);
    else if (flags != ALTO_SNAPSHOT_CONTINUES || !self->in_row)
        status = ALTO_MALFORMED;
    if (status != ALTO_OK)
        return status;
    size_t count = (size_t)alto_reader_bounded(&in, ALTO_SNAPSHOT_ITEMS);
    self->items += count;
    if (in.status != ALTO_OK || self->items > ALTO_MAX_ITEMS)
        return in.status != ALTO_OK ? in.status : ALTO_TOO_LARGE;
    alto_buffer_clear(&self->keys);
    switch (alto_item_type(self->kind, self->row_key[0])) {
    case ALTO_VALUE_COST:
        return take_cost_items(self, &in, count);
    case ALTO_VALUE_NONE:
        return take_prefix_items(self, &in, count);
    default:
        return take_text_items(self, &in, count);
    }
}

/* Take all pieces that are complete. */
static alto_status take_pieces(alto_snapshot_reader *self)
{
    size_t used = 0;
    alto_status status = ALTO_OK;
    while (status == ALTO_OK) {
        alto_reader in = alto_reader_make((alto_slice){self->raw.data + used, self->raw.size - used});
        uint64_t size = alto_reader_varint(&in);
        if (in.status != ALTO_OK && alto_reader_left(&in) == 0 && self->raw.size - used < 10)
            break; /* even the size is cut */
        if (in.status != ALTO_OK || size > ALTO_SNAPSHOT_PIECE) {
            status = in.status != ALTO_OK ? in.status : ALTO_TOO_LARGE;
        } else if (size > alto_reader_left(&in)) {
            break;
        } else {
            status = take_piece(self, (alto_slice){in.at, (size_t)size});
            used = (size_t)(in.at - self->raw.data) + (size_t)size;
        }
    }
    if (used) {
        memmove(self->raw.data, self->raw.data + used, self->raw.size - used);
        self->raw.size -= used;
    }
    return status;
}

static alto_status take_header(alto_snapshot_reader *self)
{
    if (memcmp(self->in.data, ALTO_SNAPSHOT_MAGIC, MAGIC_SIZE) != 0 || self->in.data[MAGIC_SIZE] != self->kind)
        return ALTO_MALFORMED;
    self->stage = AT_BLOCK_HEAD;
    self->wanted = BLOCK_HEAD;
    return ALTO_OK;
}

static alto_status take_block_head(alto_snapshot_reader *self)
{
    alto_reader in = alto_reader_make(alto_buffer_slice(&self->in));
    uint32_t raw = alto_reader_u32(&in), packed = alto_reader_u32(&in);
    if (raw > ALTO_SNAPSHOT_BLOCK)
        return ALTO_TOO_LARGE;
    if (packed > raw || (raw && !packed))
        return ALTO_MALFORMED;
    if (raw > self->raw_left)
        return ALTO_BOMB;
    self->raw_left -= raw;
    self->raw_size = raw;
    self->wanted = packed;
    self->stage = raw ? AT_BLOCK : AT_END;
    return ALTO_OK;
}

static alto_status take_block(alto_snapshot_reader *self)
{
    self->stage = AT_BLOCK_HEAD;
    self->wanted = BLOCK_HEAD;
    if (self->in.size == self->raw_size) {
        alto_buffer_add_slice(&self->raw, alto_buffer_slice(&self->in));
        return self->raw.status != ALTO_OK ? self->raw.status : take_pieces(self);
    }
    alto_status status = alto_decompress(alto_buffer_slice(&self->in), self->raw_size, &self->raw);
    return status == ALTO_OK ? take_pieces(self) : status;
}

static alto_status take_stage(alto_snapshot_reader *self)
{
    switch (self->stage) {
    case AT_HEADER:
        return take_header(self);
    case AT_BLOCK_HEAD:
        return take_block_head(self);
    case AT_BLOCK:
        return take_block(self);
    case AT_END:
        break;
    }
    return ALTO_MALFORMED; /* bytes behind the end mark */
}

alto_status alto_snapshot_read(alto_snapshot_reader *self, alto_slice bytes)
{
    while (bytes.size && self->status == ALTO_OK) {
        size_t missing = self->wanted - self->in.size;
        size_t taken = bytes.size < missing ? bytes.size : missing;
        alto_buffer_add(&self->in, bytes.data, taken);
        bytes.data += taken;
        bytes.size -= taken;
        self->status = self->in.status;
        if (self->status == ALTO_OK && self->in.size == self->wanted) {
            self->status = take_stage(self);
            alto_buffer_clear(&self->in);
        }
    }
    return self->status;
}

alto_status alto_snapshot_finish(alto_snapshot_reader *self, alto_version **out)
{
    if (self->status == ALTO_OK && (self->stage != AT_END || self->raw.size))
        self->status = ALTO_MALFORMED;
    if (self->status == ALTO_OK)
        self->status = end_row(self);
    if (self->status == ALTO_OK)
        self->status = flush_rows(self);
    if (self->status != ALTO_OK)
        return self->status;
    alto_version *made;
    self->status = alto_version_make(self->kind, self->rows, &made);
    self->rows = NULL; /* taken over */
    if (self->status != ALTO_OK)
        return self->status;
    if (self->any_root || alto_hash_equal(alto_version_root(made), &self->root)) {
        *out = made;
        self->status = ALTO_MALFORMED; /* there is no second one */
        return ALTO_OK;
    }
    alto_version_release(made);
    return self->status = ALTO_ROOT_MISMATCH;
}

alto_status alto_snapshot_decode(alto_pool *pool, alto_kind kind, const alto_hash *root, alto_slice bytes,
                                 alto_version **out)
{
    alto_snapshot_reader *reader = alto_snapshot_reader_new(pool, kind, root);
    alto_status status = reader ? alto_snapshot_read(reader, bytes) : ALTO_NO_MEMORY;
    if (status == ALTO_OK)
        status = alto_snapshot_finish(reader, out);
    alto_snapshot_reader_destroy(&reader);
    return status;
}
