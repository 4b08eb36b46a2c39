/* SPDX-License-Identifier: Apache-2.0 */
/* Commits and heads: bytes that are accepted have one meaning, and a meaning has one form.
 *
 * Longest input: 4096. Dictionary: pack. */
#include "core/pack.h"
#include "core/wire.h"
#include "fuzz.h"

static void encode(const alto_statement *statement, alto_buffer *out)
{
    fuzz_check(alto_statement_encode(statement, out) == ALTO_OK);
}

/* What is decoded encodes to the same bytes, but for ext, of which we write an empty one. */
static void check_encoding(const alto_statement *statement, alto_slice bytes)
{
    alto_buffer again = alto_buffer_make(ALTO_MAX_STATEMENT);
    encode(statement, &again);
    size_t same = again.size - 1;
    fuzz_check(same < bytes.size && memcmp(again.data, bytes.data, same) == 0);
    alto_reader ext = alto_reader_make(alto_slice_of(bytes.data + same, bytes.size - same));
    fuzz_check(alto_unpack_end(&ext) == ALTO_OK);
    alto_buffer_fini(&again);
}

static void check_position(const alto_statement *statement)
{
    char text[ALTO_POSITION_TEXT];
    alto_position back;
    alto_position_text(&statement->position, text);
    fuzz_check(alto_position_parse(text, &back) && alto_position_compare(&statement->position, &back) == 0);
}

static void check_changes(const alto_statement *statement)
{
    for (size_t i = 0; i < statement->change_count; i++) {
        alto_buffer key = alto_buffer_make(ALTO_MAX_NAME + ALTO_MAX_INPUT + 2);
        alto_resource_name name;
        alto_catalog_key(&statement->changes[i].name, &key);
        fuzz_check(key.status == ALTO_OK && alto_catalog_name(alto_buffer_slice(&key), &name));
        fuzz_check(alto_slice_equal(name.id, statement->changes[i].name.id));
        fuzz_check(alto_slice_equal(name.input, statement->changes[i].name.input));
        alto_buffer_fini(&key);
    }
}

static void check_bytes(alto_slice bytes)
{
    alto_statement statement;
    fuzz_memory_begin();
    alto_status status = alto_statement_decode(bytes, &statement);
    fuzz_check(fuzz_memory_most() <= 128 * bytes.size + 4096);
    if (status == ALTO_OK) {
        check_encoding(&statement, bytes);
        check_position(&statement);
        check_changes(&statement);
    }
    alto_statement_fini(&statement);
}

/* ---- the other way round: any statement ---- */

static void choose_bytes(alto_reader *in, uint8_t *bytes, size_t size)
{
    memset(bytes, alto_reader_u8(in), size);
}

static void choose_text(alto_reader *in, char *text, size_t room)
{
    alto_slice part = fuzz_part(in);
    size_t size = part.size < room ? part.size : room - 1;
    memset(text, 0, room);
    memcpy(text, part.data, size);
}

static void choose_entry(alto_reader *in, alto_entry *entry)
{
    entry->kind = (alto_kind)fuzz_below(in, 5);
    choose_text(in, entry->media_type, sizeof entry->media_type);
    if (!entry->media_type[0] && entry->kind >= ALTO_NETWORK_MAP && entry->kind <= ALTO_DOCUMENT)
        strcpy(entry->media_type, alto_kind_media_type(entry->kind));
    choose_bytes(in, entry->root.bytes, sizeof entry->root.bytes);
    entry->rows = alto_reader_u32(in);
    entry->items = alto_reader_u32(in);
    entry->text_size = alto_reader_u64(in);
    choose_text(in, entry->tag, sizeof entry->tag);
    entry->dependency_count = fuzz_below(in, ALTO_MAX_DEPENDENCIES + 1);
    for (size_t i = 0; i < entry->dependency_count; i++) {
        choose_text(in, entry->dependencies[i].resource_id, sizeof entry->dependencies[i].resource_id);
        choose_text(in, entry->dependencies[i].tag, sizeof entry->dependencies[i].tag);
    }
    entry->flags = fuzz_below(in, 5);
}

static void choose_change(alto_reader *in, alto_commit_change *change)
{
    change->name = (alto_resource_name){.id = fuzz_part(in), .input = fuzz_part(in)};
    change->has_from = fuzz_flag(in);
    change->has_entry = fuzz_flag(in);
    if (change->has_from)
        choose_bytes(in, change->from_root.bytes, sizeof change->from_root.bytes);
    if (change->has_entry)
        choose_entry(in, &change->entry);
    change->raw_size = alto_reader_u32(in);
    change->size = alto_reader_u32(in);
    choose_bytes(in, change->digest.bytes, sizeof change->digest.bytes);
}

static void choose_statement(alto_reader *in, alto_statement *statement)
{
    statement->type = fuzz_flag(in) ? ALTO_HEAD : ALTO_COMMIT;
    choose_bytes(in, statement->origin.bytes, sizeof statement->origin.bytes);
    statement->manifest_epoch = statement->position.epoch = alto_reader_u8(in);
    statement->manifest_version = alto_reader_u32(in);
    statement->position.chain = alto_reader_u64(in);
    statement->position.seq = alto_reader_u64(in);
    statement->has_prev = statement->type == ALTO_COMMIT && fuzz_flag(in);
    statement->issued_at_ms = alto_reader_u64(in);
    statement->valid_for_s = alto_reader_u64(in);
    statement->interval_ms = statement->type == ALTO_HEAD ? alto_reader_u32(in) : 0;
    choose_bytes(in, statement->state_root.bytes, sizeof statement->state_root.bytes);
}

/* Either it is refused, or its bytes say all of it. */
static void check_statement(alto_reader *in)
{
    alto_commit_change changes[3] = {{.has_from = false}};
    alto_statement statement = {.changes = changes}, back;
    choose_statement(in, &statement);
    if (statement.type == ALTO_COMMIT)
        statement.change_count = fuzz_below(in, 4);
    for (size_t i = 0; i < statement.change_count; i++)
        choose_change(in, &changes[i]);
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_STATEMENT), again = alto_buffer_make(ALTO_MAX_STATEMENT);
    if (alto_statement_encode(&statement, &bytes) == ALTO_OK) {
        fuzz_check(alto_statement_decode(alto_buffer_slice(&bytes), &back) == ALTO_OK);
        fuzz_check(back.change_count == statement.change_count);
        encode(&back, &again);
        fuzz_check(alto_slice_equal(alto_buffer_slice(&bytes), alto_buffer_slice(&again)));
        alto_statement_fini(&back);
    }
    alto_buffer_fini(&bytes);
    alto_buffer_fini(&again);
}

void fuzz_one(alto_slice input)
{
    alto_reader in = alto_reader_make(input);
    if (fuzz_flag(&in))
        check_statement(&in);
    else
        check_bytes(fuzz_rest(&in));
}
