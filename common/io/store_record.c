/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_record.h"

/* ---- keys ---- */

static void key_add(alto_record_key *self, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        self->bytes[self->size++] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

alto_hash alto_record_id(alto_slice catalog_key)
{
    return alto_hash_of("altocast-store-1", catalog_key);
}

alto_record_key alto_record_key_of(const alto_hash *id)
{
    alto_record_key made = {.size = ALTO_HASH_SIZE};
    memcpy(made.bytes, id->bytes, ALTO_HASH_SIZE);
    return made;
}

alto_record_key alto_record_key_numbered(const alto_hash *id, uint64_t number)
{
    alto_record_key made = alto_record_key_of(id);
    key_add(&made, number, 8);
    return made;
}

alto_record_key alto_record_key_of_piece(const alto_hash *id, uint64_t number, uint32_t index)
{
    alto_record_key made = alto_record_key_numbered(id, number);
    key_add(&made, index, 4);
    return made;
}

alto_slice alto_record_key_slice(const alto_record_key *self)
{
    return alto_slice_of(self->bytes, self->size);
}

static bool read_key(alto_slice key, size_t size, alto_hash *id, uint64_t *number)
{
    if (key.size != size)
        return false;
    memcpy(id->bytes, key.data, ALTO_HASH_SIZE);
    alto_reader reader = alto_reader_make(alto_slice_of(key.data + ALTO_HASH_SIZE, 8));
    *number = alto_reader_u64(&reader);
    return true;
}

bool alto_record_read_log_key(alto_slice key, alto_hash *id, uint64_t *number)
{
    return read_key(key, ALTO_HASH_SIZE + 8, id, number);
}

bool alto_record_read_piece_key(alto_slice key, alto_hash *id, uint64_t *number)
{
    return read_key(key, ALTO_HASH_SIZE + 8 + 4, id, number);
}

/* ---- values ---- */

void alto_record_write_head(const alto_record_head *head, alto_buffer *out)
{
    alto_buffer_add_u8(out, (uint8_t)head->kind);
    alto_buffer_add(out, head->root.bytes, ALTO_HASH_SIZE);
    alto_buffer_add_u64(out, head->number);
    alto_buffer_add_u64(out, head->size);
}

bool alto_record_read_head(alto_slice value, alto_record_head *out)
{
    alto_reader reader = alto_reader_make(value);
    uint8_t kind = alto_reader_u8(&reader);
    alto_slice root = alto_reader_slice(&reader, ALTO_HASH_SIZE);
    out->number = alto_reader_u64(&reader);
    out->size = alto_reader_u64(&reader);
    if (alto_reader_finish(&reader) != ALTO_OK || kind < ALTO_NETWORK_MAP || kind > ALTO_DOCUMENT)
        return false;
    out->kind = (alto_kind)kind;
    memcpy(out->root.bytes, root.data, ALTO_HASH_SIZE);
    return true;
}

static void add_sized(alto_buffer *out, alto_slice bytes)
{
    alto_buffer_add_varint(out, bytes.size);
    alto_buffer_add_slice(out, bytes);
}

static alto_slice read_sized(alto_reader *in)
{
    return alto_reader_slice(in, (size_t)alto_reader_bounded(in, SIZE_MAX)); /* more than there is: malformed */
}

void alto_record_write_step(const alto_record_step *step, alto_buffer *out)
{
    alto_buffer_add(out, step->root.bytes, ALTO_HASH_SIZE);
    add_sized(out, step->vtag);
    add_sized(out, step->dependencies);
    alto_buffer_add_slice(out, step->delta);
}

alto_status alto_record_read_step(alto_slice value, alto_record_step *out)
{
    alto_reader reader = alto_reader_make(value);
    alto_slice root = alto_reader_slice(&reader, ALTO_HASH_SIZE);
    out->vtag = read_sized(&reader);
    out->dependencies = read_sized(&reader);
    out->delta = alto_reader_slice(&reader, alto_reader_left(&reader));
    if (reader.status == ALTO_OK)
        memcpy(out->root.bytes, root.data, ALTO_HASH_SIZE);
    return reader.status;
}

void alto_record_write_entry(alto_slice catalog_key, alto_slice entry, alto_buffer *out)
{
    add_sized(out, catalog_key);
    alto_buffer_add_slice(out, entry);
}

alto_status alto_record_read_entry(alto_slice value, alto_slice *catalog_key, alto_slice *entry)
{
    alto_reader reader = alto_reader_make(value);
    *catalog_key = read_sized(&reader);
    *entry = alto_reader_slice(&reader, alto_reader_left(&reader));
    return reader.status;
}
