/* SPDX-License-Identifier: Apache-2.0 */
#include "core/compress.h"
#include "core/delta_format.h"
#include "core/number.h"
#include "core/snapshot.h"
#include "core/snapshot_format.h"

#include <stdlib.h>

struct alto_snapshot_writer {
    alto_version *version;   /* retained */
    alto_cursor rows;        /* the row at hand */
    alto_cursor items;       /* its next item */
    alto_cursor reference;   /* next item of the row before, for its keys */
    const alto_tree *before; /* items of the row before */
    bool in_row;             /* the key of the row at hand is written */
    bool header_written, ended;
    alto_slice row_key; /* the last one written */
    alto_buffer raw;    /* pieces; those before `sent` are out */
    size_t sent;
    alto_buffer piece, tail; /* scratch: of the piece at hand; its second part */
    alto_buffer frame;       /* scratch: a packed block */
    double *costs;           /* of the piece at hand: ALTO_SNAPSHOT_ITEMS */
};

alto_snapshot_writer *alto_snapshot_writer_new(const alto_version *version)
{
    alto_snapshot_writer *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->version = alto_version_retain(version);
    self->raw = alto_buffer_make(ALTO_SNAPSHOT_PIECE + 2 * ALTO_SNAPSHOT_BLOCK);
    self->piece = self->tail = alto_buffer_make(ALTO_SNAPSHOT_PIECE);
    self->frame = alto_buffer_make(2 * ALTO_SNAPSHOT_BLOCK);
    self->costs = malloc(ALTO_SNAPSHOT_ITEMS * sizeof *self->costs);
    if (!self->costs) {
        alto_snapshot_writer_destroy(&self);
        return NULL;
    }
    alto_cursor_first(&self->rows, alto_version_tree(version));
    return self;
}

void alto_snapshot_writer_destroy(alto_snapshot_writer **self)
{
    alto_snapshot_writer *writer = *self;
    if (!writer)
        return;
    alto_version_release(writer->version);
    alto_buffer_fini(&writer->raw);
    alto_buffer_fini(&writer->piece);
    alto_buffer_fini(&writer->tail);
    alto_buffer_fini(&writer->frame);
    free(writer->costs);
    free(writer);
    *self = NULL;
}

/* A key front-coded against the one before. */
static void add_key(alto_buffer *out, alto_slice before, alto_slice key)
{
    size_t most = before.size < key.size ? before.size : key.size, shared = 0;
    most = most < ALTO_SNAPSHOT_SHARED ? most : ALTO_SNAPSHOT_SHARED;
    while (shared < most && before.data[shared] == key.data[shared])
        shared++;
    alto_buffer_add_varint(out, shared);
    alto_buffer_add_varint(out, key.size - shared);
    alto_buffer_add(out, key.data + shared, key.size - shared);
}

static bool full(const alto_snapshot_writer *self, size_t count)
{
    return count == ALTO_SNAPSHOT_ITEMS || self->tail.size + self->piece.size > ALTO_SNAPSHOT_FILLED;
}

/* ---- costs ---- */

static bool same_key(alto_slice a, alto_slice b)
{
    return a.data == b.data ? a.size == b.size : alto_slice_equal(a, b);
}

/* One step of keys: how many to take, to skip, and to spell. */
typedef struct {
    uint64_t take, skip, literal;
    alto_buffer *keys; /* the literal ones */
} step;

static void end_step(alto_buffer *out, step *at)
{
    alto_buffer_add_varint(out, at->take);
    alto_buffer_add_varint(out, at->skip);
    alto_buffer_add_varint(out, at->literal);
    alto_buffer_add_slice(out, alto_buffer_slice(at->keys));
    alto_buffer_empty(at->keys);
    at->take = at->skip = at->literal = 0;
}

/* Describe the key of the next item. */
static void add_step(alto_snapshot_writer *self, step *at, alto_slice last, alto_slice key)
{
    uint64_t skip = 0;
    while (alto_cursor_valid(&self->reference) && alto_slice_compare(alto_cursor_key(&self->reference), key) < 0) {
        alto_cursor_next(&self->reference);
        skip++;
    }
    bool found = alto_cursor_valid(&self->reference) && same_key(alto_cursor_key(&self->reference), key);
    if (at->literal && (skip || found))
        end_step(&self->piece, at);
    at->skip += skip;
    if (found && at->skip)
        end_step(&self->piece, at);
    if (found) {
        at->take++;
        alto_cursor_next(&self->reference);
    } else {
        at->literal++;
        add_key(at->keys, last, key);
    }
}

/* The number of decimals that all these costs have, or ALTO_COST_DECIMALS. */
static unsigned decimals_of(const double *costs, size_t count)
{
    unsigned most = 0, decimals;
    int64_t integer;
    for (size_t i = 0; i < count; i++) {
        if (alto_cost_scaled(costs[i], most, &integer))
            continue;
        if (!alto_number_decimal(costs[i], &integer, &decimals))
            return ALTO_COST_DECIMALS;
        most = decimals > most ? decimals : most;
    }
    for (size_t i = 0; i < count; i++) /* those with fewer decimals may be too great for more */
        if (!alto_cost_scaled(costs[i], most, &integer))
            return ALTO_COST_DECIMALS;
    return most;
}

static void add_costs(alto_buffer *out, const double *costs, size_t count)
{
    unsigned decimals = decimals_of(costs, count);
    bool is_signed = false;
    for (size_t i = 0; i < count; i++)
        is_signed |= costs[i] < 0;
    if (decimals == ALTO_COST_DECIMALS) {
        alto_buffer_add_u8(out, ALTO_SNAPSHOT_DOUBLES);
        for (size_t i = 0; i < count; i++) {
            uint64_t bits;
            memcpy(&bits, &costs[i], sizeof bits);
            alto_buffer_add_u64(out, bits);
        }
        return;
    }
    alto_buffer_add_u8(out, (uint8_t)(decimals | (is_signed ? ALTO_SNAPSHOT_SIGNED : 0)));
    for (size_t i = 0; i < count; i++) {
        int64_t integer = 0;
        alto_cost_scaled(costs[i], decimals, &integer);
        uint64_t value = is_signed ? alto_zigzag(integer) : (uint64_t)integer;
        for (; value >= 0x80; value >>= 7)
            alto_buffer_put(out, (uint8_t)(value | 0x80));
        alto_buffer_put(out, (uint8_t)value);
    }
}

static void add_cost_items(alto_snapshot_writer *self, size_t count)
{
    step at = {.keys = &self->tail};
    alto_slice last = {0};
    alto_buffer_add_varint(&self->piece, count);
    for (size_t i = 0; i < count; i++) {
        alto_slice key = alto_cursor_key(&self->items);
        self->costs[i] = alto_cursor_value(&self->items).cost;
        add_step(self, &at, last, key);
        last = key;
        alto_cursor_next(&self->items);
    }
    if (at.take || at.literal)
        end_step(&self->piece, &at);
    add_costs(&self->piece, self->costs, count);
}

/* How many of the cells to come fit into a piece. */
static size_t cost_items(alto_snapshot_writer *self)
{
    alto_cursor ahead = self->items;
    size_t count = 0;
    for (size_t size = 0; alto_cursor_valid(&ahead) && count < ALTO_SNAPSHOT_ITEMS && size <= ALTO_SNAPSHOT_FILLED;
         count++) {
        size += alto_cursor_key(&ahead).size + 8; /* at most so many keys are spelt */
        alto_cursor_next(&ahead);
    }
    return count;
}

/* ---- prefixes ---- */

static void add_wide(alto_buffer *out, alto_address value)
{
    for (; value >= 0x80; value >>= 7)
        alto_buffer_put(out, (uint8_t)((uint8_t)value | 0x80));
    alto_buffer_put(out, (uint8_t)value);
}

static void add_prefix(alto_snapshot_writer *self, alto_prefix prefix, alto_address *before)
{
    bool ipv6 = prefix.family == ALTO_ITEM_IPV6;
    alto_address gap = (alto_units(prefix.family, prefix.address, prefix.length) -
                        alto_units(prefix.family, before[ipv6], prefix.length)) &
                       alto_unit_mask(prefix.length);
    before[ipv6] = prefix.address;
    alto_buffer_put(&self->piece, (uint8_t)(prefix.length + (ipv6 ? ALTO_SNAPSHOT_IPV6 : 0)));
    add_wide(&self->tail, gap);
}

static size_t add_prefix_items(alto_snapshot_writer *self)
{
    alto_address before[2] = {alto_family_origin(ALTO_ITEM_IPV4), alto_family_origin(ALTO_ITEM_IPV6)};
    size_t count = 0;
    for (; alto_cursor_valid(&self->items) && !full(self, count); count++) {
        alto_slice key = alto_cursor_key(&self->items);
        alto_prefix prefix;
        if (alto_prefix_of_key(key, &prefix)) {
            add_prefix(self, prefix, before);
        } else {
            alto_buffer_put(&self->piece, ALTO_SNAPSHOT_OTHER);
            alto_buffer_add_varint(&self->tail, key.size);
            alto_buffer_add_slice(&self->tail, key);
        }
        alto_cursor_next(&self->items);
    }
    return count;
}

/* ---- texts ---- */

static size_t add_text_items(alto_snapshot_writer *self)
{
    alto_slice last = {0};
    size_t count = 0;
    for (; alto_cursor_valid(&self->items) && !full(self, count); count++) {
        alto_slice key = alto_cursor_key(&self->items), text = alto_cursor_value(&self->items).text;
        size_t room = key.size + text.size;
        if (count && self->piece.size + room > ALTO_SNAPSHOT_FILLED)
            break;
        add_key(&self->piece, last, key);
        alto_buffer_add_varint(&self->piece, text.size);
        alto_buffer_add_slice(&self->piece, text);
        last = key;
        alto_cursor_next(&self->items);
    }
    return count;
}

/* ---- pieces and blocks ---- */

/* Flags, and the key where a row begins, straight into `head`. */
static void begin_piece(alto_snapshot_writer *self, alto_buffer *head)
{
    alto_slice key = alto_cursor_key(&self->rows);
    alto_buffer_add_u8(head, self->in_row ? ALTO_SNAPSHOT_CONTINUES : 0);
    if (self->in_row)
        return;
    add_key(head, self->row_key, key);
    alto_cursor_first(&self->items, alto_cursor_value(&self->rows).row);
    alto_cursor_first(&self->reference, self->before);
    self->row_key = key;
    self->in_row = true;
}

static void end_row(alto_snapshot_writer *self)
{
    self->before = alto_cursor_value(&self->rows).row;
    alto_cursor_next(&self->rows);
    self->in_row = false;
}

/* Append one piece to the raw bytes. */
static void add_piece(alto_snapshot_writer *self)
{
    uint8_t class = alto_cursor_key(&self->rows).data[0];
    alto_buffer head = alto_buffer_make(ALTO_SNAPSHOT_PIECE);
    alto_buffer_clear(&self->piece);
    alto_buffer_clear(&self->tail);
    begin_piece(self, &head);
    alto_value_type type = alto_item_type(alto_version_kind(self->version), class);
    if (type == ALTO_VALUE_COST)
        add_cost_items(self, cost_items(self));
    else
        alto_buffer_add_varint(&head, type == ALTO_VALUE_NONE ? add_prefix_items(self) : add_text_items(self));
    if (type == ALTO_VALUE_COST)
        alto_buffer_empty(&self->tail);
    alto_buffer_add_varint(&self->raw, head.size + self->piece.size + self->tail.size);
    alto_buffer_add_slice(&self->raw, alto_buffer_slice(&head));
    alto_buffer_add_slice(&self->raw, alto_buffer_slice(&self->piece));
    alto_buffer_add_slice(&self->raw, alto_buffer_slice(&self->tail));
    if (head.status != ALTO_OK || self->piece.status != ALTO_OK || self->tail.status != ALTO_OK)
        self->raw.status = head.status ? head.status : self->piece.status ? self->piece.status : self->tail.status;
    alto_buffer_fini(&head);
    if (!alto_cursor_valid(&self->items))
        end_row(self);
}

/* Gather a block of raw bytes, as far as there are any. */
static alto_status fill(alto_snapshot_writer *self)
{
    if (self->raw.size - self->sent >= ALTO_SNAPSHOT_BLOCK)
        return ALTO_OK;
    if (self->sent) {
        memmove(self->raw.data, self->raw.data + self->sent, self->raw.size - self->sent);
        self->raw.size -= self->sent;
        self->sent = 0;
    }
    while (self->raw.size < ALTO_SNAPSHOT_BLOCK && self->raw.status == ALTO_OK && alto_cursor_valid(&self->rows))
        add_piece(self);
    return self->raw.status;
}

static alto_status write_block(alto_snapshot_writer *self, alto_buffer *out)
{
    alto_slice raw = {self->raw.data + self->sent, self->raw.size - self->sent};
    if (raw.size > ALTO_SNAPSHOT_BLOCK)
        raw.size = ALTO_SNAPSHOT_BLOCK;
    alto_buffer_clear(&self->frame);
    alto_status status = alto_compress(raw, ALTO_SNAPSHOT_LEVEL, &self->frame);
    if (status != ALTO_OK)
        return status;
    alto_slice packed = self->frame.size < raw.size ? alto_buffer_slice(&self->frame) : raw;
    alto_buffer_add_u32(out, (uint32_t)raw.size);
    alto_buffer_add_u32(out, (uint32_t)packed.size);
    alto_buffer_add_slice(out, packed);
    self->sent += raw.size;
    return out->status;
}

alto_status alto_snapshot_write(alto_snapshot_writer *self, alto_buffer *out, bool *done)
{
    *done = self->ended;
    if (self->ended)
        return ALTO_OK;
    if (!self->header_written) {
        alto_buffer_add_text(out, ALTO_SNAPSHOT_MAGIC);
        alto_buffer_add_u8(out, (uint8_t)alto_version_kind(self->version));
        self->header_written = true;
        return out->status;
    }
    alto_status status = fill(self);
    if (status != ALTO_OK)
        return status;
    if (self->sent < self->raw.size)
        return write_block(self, out);
    alto_buffer_add_u32(out, 0); /* the end mark: a block of nothing */
    alto_buffer_add_u32(out, 0);
    *done = self->ended = true;
    return out->status;
}

alto_status alto_snapshot_encode(const alto_version *version, alto_buffer *out)
{
    alto_snapshot_writer *writer = alto_snapshot_writer_new(version);
    alto_status status = writer ? ALTO_OK : ALTO_NO_MEMORY;
    for (bool done = false; status == ALTO_OK && !done;)
        status = alto_snapshot_write(writer, out, &done);
    alto_snapshot_writer_destroy(&writer);
    return status;
}
