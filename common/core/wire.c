/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire.h"

#include "core/pack.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const char commit_type[] = "altocast-commit-1";
static const char head_type[] = "altocast-head-1";
static const char catalog_type[] = "altocast-catalog-1";

enum {
    COMMIT_FIELDS = 12,
    HEAD_FIELDS = 12,
    MANIFEST_NAME_FIELDS = 2,
    CHANGE_FIELDS = 7,
    CHANGE_MIN_SIZE = 42, /* bytes of a withdrawal of a resource with a one-letter ID */
    ENTRY_FIELDS = 9,
    DEPENDENCY_FIELDS = 2,
    CATALOG_FIELDS = 4,
    ROW_FIELDS = 3,
    ROW_MIN_SIZE = 47, /* bytes of a row of the catalog listing, at least */
    TOPIC_PART = 8     /* bytes of the origin and of the resource in a topic */
};

int alto_position_compare(const alto_position *a, const alto_position *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    if (a->chain != b->chain)
        return a->chain < b->chain ? -1 : 1;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

/* Decimal digits without leading zeros, up to max, then `end`; NULL: something else. */
static const char *parse_number(const char *text, char end, uint64_t max, uint64_t *out)
{
    const char *at = text;
    for (*out = 0; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*out > (max - digit) / 10)
            return NULL;
        *out = *out * 10 + digit;
    }
    bool written_so = at > text && (*text != '0' || at == text + 1);
    return written_so && *at == end ? at + 1 : NULL;
}

bool alto_position_parse(const char *text, alto_position *out)
{
    static const uint64_t largest = (UINT64_C(1) << 53) - 1;
    uint64_t epoch;
    const char *at = parse_number(text, '.', UINT32_MAX, &epoch);
    at = at ? parse_number(at, '.', largest, &out->chain) : NULL;
    at = at ? parse_number(at, 0, largest, &out->seq) : NULL;
    out->epoch = at ? (uint32_t)epoch : 0;
    return at;
}

void alto_position_text(const alto_position *position, char text[ALTO_POSITION_TEXT])
{
    snprintf(text, ALTO_POSITION_TEXT, "%u.%llu.%llu", position->epoch, (unsigned long long)position->chain,
             (unsigned long long)position->seq);
}

const char *alto_kind_media_type(alto_kind kind)
{
    switch (kind) {
    case ALTO_NETWORK_MAP:
        return "application/alto-networkmap+json";
    case ALTO_COST_MAP:
        return "application/alto-costmap+json";
    case ALTO_DOCUMENT:
        break;
    }
    return "application/json";
}

/* ---- rules that hold on both sides: refused when written as well as when read ---- */

static bool id_valid(alto_slice id)
{
    if (id.size > ALTO_MAX_NAME)
        return false;
    bool reserved = id.size > 1 && id.data[0] == '.';
    return alto_name_valid(id) || (reserved && alto_name_valid(alto_slice_of(id.data + 1, id.size - 1)));
}

static bool name_valid(const alto_resource_name *name)
{
    return id_valid(name->id) && name->input.size <= ALTO_MAX_INPUT;
}

/* As the catalog tree orders them: an ID has no byte below the NUL that ends it there. */
static int compare_names(const alto_resource_name *a, const alto_resource_name *b)
{
    int order = alto_slice_compare(a->id, b->id);
    return order ? order : alto_slice_compare(a->input, b->input);
}

/* A text in an array of its own, which may be full. */
static alto_slice text_in(const char *text, size_t room)
{
    return alto_slice_of(text, strnlen(text, room));
}

static bool media_type_valid(alto_slice type)
{
    for (size_t i = 0; i < type.size; i++)
        if (type.data[i] < 0x20 || type.data[i] > 0x7e)
            return false;
    return type.size >= 1 && type.size <= ALTO_MAX_MEDIA_TYPE;
}

static bool entry_valid(const alto_entry *entry)
{
    if (entry->kind < ALTO_NETWORK_MAP || entry->kind > ALTO_DOCUMENT ||
        !media_type_valid(text_in(entry->media_type, sizeof entry->media_type)) ||
        (entry->tag[0] && !alto_tag_valid(text_in(entry->tag, sizeof entry->tag))) ||
        entry->dependency_count > ALTO_MAX_DEPENDENCIES)
        return false;
    for (size_t i = 0; i < entry->dependency_count; i++) {
        const alto_vtag *vtag = &entry->dependencies[i];
        if (!id_valid(text_in(vtag->resource_id, sizeof vtag->resource_id)) ||
            !alto_tag_valid(text_in(vtag->tag, sizeof vtag->tag)))
            return false;
    }
    return entry->rows <= ALTO_PACK_MAX_NUMBER && entry->items <= ALTO_PACK_MAX_NUMBER &&
           entry->text_size <= ALTO_PACK_MAX_NUMBER;
}

/* Something changes, and there is a payload only where there is a version to reach. */
static bool change_valid(const alto_commit_change *change)
{
    if (!name_valid(&change->name) || (!change->has_from && !change->has_entry))
        return false;
    if (change->has_entry && !entry_valid(&change->entry))
        return false;
    if (change->size == 0)
        return change->raw_size == 0;
    return change->has_entry && change->size <= ALTO_MAX_PAYLOAD && change->raw_size <= ALTO_PACK_MAX_NUMBER;
}

static bool statement_valid(const alto_statement *statement)
{
    if (statement->position.epoch != statement->manifest_epoch || statement->position.seq == 0 ||
        statement->valid_for_s == 0 || statement->valid_for_s > UINT32_MAX)
        return false;
    if (statement->position.chain > ALTO_PACK_MAX_NUMBER || statement->position.seq > ALTO_PACK_MAX_NUMBER ||
        statement->issued_at_ms > ALTO_PACK_MAX_NUMBER)
        return false;
    for (size_t i = 0; i < statement->change_count; i++) {
        const alto_commit_change *change = &statement->changes[i];
        if (!change_valid(change) || (i > 0 && compare_names(&change[-1].name, &change->name) >= 0))
            return false;
    }
    return true;
}

/* ---- writing ---- */

static void write_hash(alto_buffer *out, const alto_hash *hash)
{
    alto_pack_bytes(out, alto_slice_of(hash->bytes, ALTO_HASH_SIZE));
}

static void write_hash_or_nil(alto_buffer *out, bool present, const alto_hash *hash)
{
    if (present)
        write_hash(out, hash);
    else
        alto_pack_nil(out);
}

static void write_name(alto_buffer *out, const alto_resource_name *name)
{
    alto_pack_text(out, name->id);
    if (name->input.size)
        alto_pack_bytes(out, name->input);
    else
        alto_pack_nil(out);
}

static void write_entry(alto_buffer *out, const alto_entry *entry)
{
    alto_slice media_type = text_in(entry->media_type, sizeof entry->media_type);
    alto_pack_array(out, ENTRY_FIELDS);
    alto_pack_uint(out, (uint64_t)entry->kind);
    if (alto_slice_equal(media_type, alto_slice_text(alto_kind_media_type(entry->kind))))
        alto_pack_nil(out);
    else
        alto_pack_text(out, media_type);
    write_hash(out, &entry->root);
    alto_pack_uint(out, entry->rows);
    alto_pack_uint(out, entry->items);
    alto_pack_uint(out, entry->text_size);
    if (entry->tag[0])
        alto_pack_text(out, text_in(entry->tag, sizeof entry->tag));
    else
        alto_pack_nil(out);
    alto_pack_array(out, entry->dependency_count);
    for (size_t i = 0; i < entry->dependency_count; i++) {
        const alto_vtag *vtag = &entry->dependencies[i];
        alto_pack_array(out, DEPENDENCY_FIELDS);
        alto_pack_text(out, text_in(vtag->resource_id, sizeof vtag->resource_id));
        alto_pack_text(out, text_in(vtag->tag, sizeof vtag->tag));
    }
    alto_pack_uint(out, entry->flags);
}

static void write_change(alto_buffer *out, const alto_commit_change *change)
{
    alto_pack_array(out, CHANGE_FIELDS);
    write_name(out, &change->name);
    write_hash_or_nil(out, change->has_from, &change->from_root);
    if (change->has_entry)
        write_entry(out, &change->entry);
    else
        alto_pack_nil(out);
    alto_pack_uint(out, change->raw_size);
    alto_pack_uint(out, change->size);
    write_hash_or_nil(out, change->size > 0, &change->digest);
}

/* The fields that both kinds of statement begin with. */
static void write_start(alto_buffer *out, const alto_statement *statement)
{
    bool is_commit = statement->type == ALTO_COMMIT;
    alto_pack_array(out, is_commit ? COMMIT_FIELDS : HEAD_FIELDS);
    alto_pack_text(out, alto_slice_text(is_commit ? commit_type : head_type));
    write_hash(out, &statement->origin);
    alto_pack_bytes(out, alto_slice_of(statement->key_id.bytes, sizeof statement->key_id.bytes));
    alto_pack_array(out, MANIFEST_NAME_FIELDS);
    alto_pack_uint(out, statement->manifest_epoch);
    alto_pack_uint(out, statement->manifest_version);
    alto_pack_uint(out, statement->position.chain);
    alto_pack_uint(out, statement->position.seq);
}

static void write_commit(alto_buffer *out, const alto_statement *commit)
{
    write_start(out, commit);
    write_hash_or_nil(out, commit->has_prev, &commit->prev);
    alto_pack_uint(out, commit->issued_at_ms);
    alto_pack_uint(out, commit->valid_for_s);
    write_hash(out, &commit->state_root);
    alto_pack_array(out, commit->change_count);
    for (size_t i = 0; i < commit->change_count; i++)
        write_change(out, &commit->changes[i]);
    alto_pack_map(out, 0);
}

static void write_head(alto_buffer *out, const alto_statement *head)
{
    write_start(out, head);
    write_hash(out, &head->commit_hash);
    write_hash(out, &head->state_root);
    alto_pack_uint(out, head->issued_at_ms);
    alto_pack_uint(out, head->valid_for_s);
    alto_pack_uint(out, head->interval_ms);
    alto_pack_map(out, 0);
}

/* ---- reading ---- */

static void read_hash(alto_reader *in, alto_hash *hash)
{
    alto_unpack_fixed(in, hash->bytes, ALTO_HASH_SIZE);
}

/* Whether there is one. */
static bool read_hash_or_nil(alto_reader *in, alto_hash *hash)
{
    if (alto_unpack_nil(in))
        return false;
    read_hash(in, hash);
    return true;
}

static uint64_t read_number(alto_reader *in)
{
    return alto_unpack_uint(in, ALTO_PACK_MAX_NUMBER);
}

/* An array of at most max elements of at least min_size bytes each. */
static size_t read_count(alto_reader *in, size_t max, size_t min_size)
{
    size_t count = alto_unpack_array(in);
    if (count > max)
        alto_reader_fail(in, ALTO_TOO_LARGE);
    else if (count > alto_reader_left(in) / min_size)
        alto_reader_fail(in, ALTO_MALFORMED);
    return in->status == ALTO_OK ? count : 0;
}

/* A text into a zeroed array with room for its NUL. Texts with a NUL inside would be cut: refused. */
static void read_text(alto_reader *in, char *to, size_t room)
{
    alto_slice text = alto_unpack_text(in, room - 1);
    if (text.size == 0 || memchr(text.data, 0, text.size))
        alto_reader_fail(in, ALTO_MALFORMED);
    else
        memcpy(to, text.data, text.size);
}

static void read_name(alto_reader *in, alto_resource_name *name)
{
    name->id = alto_unpack_text(in, ALTO_MAX_NAME);
    name->input = alto_slice_of(NULL, 0);
    if (alto_unpack_nil(in))
        return;
    name->input = alto_unpack_bytes(in, ALTO_MAX_INPUT);
    if (name->input.size == 0)
        alto_reader_fail(in, ALTO_MALFORMED); /* none is nil */
}

/* A media type that the kind implies must be nil, so that an entry has one encoding. */
static void read_media_type(alto_reader *in, alto_entry *entry)
{
    const char *implied = alto_kind_media_type(entry->kind);
    if (alto_unpack_nil(in)) {
        memcpy(entry->media_type, implied, strlen(implied));
        return;
    }
    read_text(in, entry->media_type, sizeof entry->media_type);
    if (strcmp(entry->media_type, implied) == 0)
        alto_reader_fail(in, ALTO_MALFORMED);
}

static void read_entry(alto_reader *in, alto_entry *entry)
{
    memset(entry, 0, sizeof *entry);
    alto_unpack_tuple(in, ENTRY_FIELDS);
    uint64_t kind = read_number(in);
    if (kind < ALTO_NETWORK_MAP || kind > ALTO_DOCUMENT)
        alto_reader_fail(in, ALTO_MALFORMED);
    else
        entry->kind = (alto_kind)kind;
    read_media_type(in, entry);
    read_hash(in, &entry->root);
    entry->rows = read_number(in);
    entry->items = read_number(in);
    entry->text_size = read_number(in);
    if (!alto_unpack_nil(in))
        read_text(in, entry->tag, sizeof entry->tag);
    entry->dependency_count = read_count(in, ALTO_MAX_DEPENDENCIES, 1);
    for (size_t i = 0; i < entry->dependency_count; i++) {
        alto_unpack_tuple(in, DEPENDENCY_FIELDS);
        read_text(in, entry->dependencies[i].resource_id, sizeof entry->dependencies[i].resource_id);
        read_text(in, entry->dependencies[i].tag, sizeof entry->dependencies[i].tag);
    }
    entry->flags = (uint32_t)alto_unpack_uint(in, UINT32_MAX);
    if (in->status == ALTO_OK && !entry_valid(entry))
        alto_reader_fail(in, ALTO_MALFORMED);
}

static void read_change(alto_reader *in, alto_commit_change *change)
{
    alto_unpack_tuple(in, CHANGE_FIELDS);
    read_name(in, &change->name);
    change->has_from = read_hash_or_nil(in, &change->from_root);
    change->has_entry = !alto_unpack_nil(in);
    if (change->has_entry)
        read_entry(in, &change->entry);
    change->raw_size = read_number(in);
    change->size = alto_unpack_uint(in, ALTO_MAX_PAYLOAD);
    if (read_hash_or_nil(in, &change->digest) != (change->size > 0))
        alto_reader_fail(in, ALTO_MALFORMED);
}

static void read_changes(alto_reader *in, alto_statement *out)
{
    size_t count = read_count(in, ALTO_MAX_RESOURCES, CHANGE_MIN_SIZE);
    if (count == 0)
        return;
    out->changes = calloc(count, sizeof *out->changes);
    if (!out->changes) {
        alto_reader_fail(in, ALTO_NO_MEMORY);
        return;
    }
    out->change_count = count;
    for (size_t i = 0; i < count && in->status == ALTO_OK; i++)
        read_change(in, &out->changes[i]);
}

/* The array and the type it begins with, which decides about all the rest. */
static void read_type(alto_reader *in, alto_statement *out)
{
    size_t fields;
    alto_slice type = alto_unpack_begin(in, &fields);
    size_t expected = 0;
    if (alto_slice_equal(type, alto_slice_text(commit_type))) {
        out->type = ALTO_COMMIT;
        expected = COMMIT_FIELDS;
    } else if (alto_slice_equal(type, alto_slice_text(head_type))) {
        out->type = ALTO_HEAD;
        expected = HEAD_FIELDS;
    } else {
        alto_reader_fail(in, ALTO_WRONG_TYPE);
    }
    if (fields != expected)
        alto_reader_fail(in, ALTO_MALFORMED);
}

static void read_start(alto_reader *in, alto_statement *out)
{
    read_hash(in, &out->origin);
    alto_unpack_fixed(in, out->key_id.bytes, sizeof out->key_id.bytes);
    alto_unpack_tuple(in, MANIFEST_NAME_FIELDS);
    out->manifest_epoch = (uint32_t)alto_unpack_uint(in, UINT32_MAX);
    out->manifest_version = (uint32_t)alto_unpack_uint(in, UINT32_MAX);
    out->position.epoch = out->manifest_epoch;
    out->position.chain = read_number(in);
    out->position.seq = read_number(in);
}

static void read_commit(alto_reader *in, alto_statement *out)
{
    out->has_prev = read_hash_or_nil(in, &out->prev);
    out->issued_at_ms = read_number(in);
    out->valid_for_s = alto_unpack_uint(in, UINT32_MAX);
    read_hash(in, &out->state_root);
}

static void read_head(alto_reader *in, alto_statement *out)
{
    read_hash(in, &out->commit_hash);
    read_hash(in, &out->state_root);
    out->issued_at_ms = read_number(in);
    out->valid_for_s = alto_unpack_uint(in, UINT32_MAX);
    out->interval_ms = (uint32_t)alto_unpack_uint(in, UINT32_MAX);
}

/* ---- statements ---- */

alto_status alto_statement_encode(const alto_statement *statement, alto_buffer *out)
{
    assert(statement->type == ALTO_COMMIT || (statement->type == ALTO_HEAD && statement->change_count == 0));
    if (statement->change_count > ALTO_MAX_RESOURCES)
        return ALTO_TOO_LARGE;
    if (!statement_valid(statement))
        return ALTO_INVALID;
    size_t start = out->size;
    if (statement->type == ALTO_COMMIT)
        write_commit(out, statement);
    else
        write_head(out, statement);
    if (out->status == ALTO_OK && out->size - start > ALTO_MAX_STATEMENT)
        return ALTO_TOO_LARGE;
    return out->status;
}

/* All that comes before the changes of a commit, or the ext of a head. */
static void read_fields(alto_reader *in, alto_statement *out)
{
    memset(out, 0, sizeof *out);
    read_type(in, out);
    read_start(in, out);
    if (out->type == ALTO_COMMIT)
        read_commit(in, out);
    else
        read_head(in, out);
}

alto_status alto_statement_look(alto_slice bytes, alto_statement *out)
{
    alto_reader in = alto_reader_make(bytes);
    read_fields(&in, out);
    return in.status;
}

alto_status alto_statement_decode(alto_slice bytes, alto_statement *out)
{
    memset(out, 0, sizeof *out);
    if (bytes.size > ALTO_MAX_STATEMENT)
        return ALTO_TOO_LARGE;
    alto_reader in = alto_reader_make(bytes);
    read_fields(&in, out);
    if (out->type == ALTO_COMMIT)
        read_changes(&in, out);
    alto_status status = alto_unpack_end(&in);
    if (status == ALTO_OK && !statement_valid(out))
        status = ALTO_MALFORMED;
    if (status != ALTO_OK)
        alto_statement_fini(out);
    else if (out->type == ALTO_COMMIT)
        out->commit_hash = alto_commit_hash(bytes);
    return status;
}

void alto_statement_fini(alto_statement *statement)
{
    free(statement->changes);
    memset(statement, 0, sizeof *statement);
}

alto_hash alto_commit_hash(alto_slice commit_bytes)
{
    return alto_hash_of(ALTO_DOMAIN_COMMIT, commit_bytes);
}

alto_status alto_signed_split(alto_slice file, alto_slice *object, alto_signature *signature)
{
    if (file.size <= ALTO_SIGNATURE_SIZE)
        return ALTO_MALFORMED;
    *object = alto_slice_of(file.data, file.size - ALTO_SIGNATURE_SIZE);
    memcpy(signature->bytes, file.data + object->size, sizeof signature->bytes);
    return ALTO_OK;
}

/* ---- catalog ---- */

void alto_catalog_key(const alto_resource_name *name, alto_buffer *out)
{
    alto_buffer_add_slice(out, name->id);
    alto_buffer_add_u8(out, 0);
    alto_buffer_add_slice(out, name->input);
}

bool alto_catalog_name(alto_slice key, alto_resource_name *name)
{
    const uint8_t *nul = key.size ? memchr(key.data, 0, key.size) : NULL;
    if (!nul)
        return false;
    name->id = alto_slice_of(key.data, (size_t)(nul - key.data));
    name->input = alto_slice_of(nul + 1, key.size - name->id.size - 1);
    return name_valid(name);
}

alto_status alto_entry_encode(const alto_entry *entry, alto_buffer *out)
{
    if (!entry_valid(entry))
        return ALTO_INVALID;
    write_entry(out, entry);
    return out->status;
}

alto_status alto_entry_decode(alto_slice bytes, alto_entry *entry)
{
    alto_reader in = alto_reader_make(bytes);
    read_entry(&in, entry);
    return alto_reader_finish(&in);
}

alto_hash alto_state_root(const alto_tree *catalog)
{
    alto_hash tree = alto_tree_hash(catalog);
    alto_hasher hasher;
    alto_hasher_init(&hasher, "altocast-state-1");
    alto_hasher_add_u64(&hasher, alto_tree_entries(catalog));
    alto_hasher_add(&hasher, tree.bytes, sizeof tree.bytes);
    return alto_hasher_end(&hasher);
}

alto_status alto_catalog_encode(const alto_origin *origin, const alto_tree *catalog, alto_buffer *out)
{
    alto_pack_array(out, CATALOG_FIELDS);
    alto_pack_text(out, alto_slice_text(catalog_type));
    write_hash(out, origin);
    alto_pack_array(out, alto_tree_entries(catalog));
    alto_cursor cursor;
    for (alto_cursor_first(&cursor, catalog); alto_cursor_valid(&cursor); alto_cursor_next(&cursor)) {
        alto_resource_name name;
        if (!alto_catalog_name(alto_cursor_key(&cursor), &name))
            return ALTO_INVALID;
        alto_pack_array(out, ROW_FIELDS);
        write_name(out, &name);
        alto_buffer_add_slice(out, alto_cursor_value(&cursor).text);
    }
    alto_pack_map(out, 0);
    return out->status;
}

/* Where an edit's key will be: all keys are gathered in one buffer, which moves as it grows. */
static void read_row(alto_reader *in, alto_buffer *keys, alto_edit *edit)
{
    alto_resource_name name;
    alto_entry entry;
    size_t key_start = keys->size;
    alto_unpack_tuple(in, ROW_FIELDS);
    read_name(in, &name);
    const uint8_t *start = in->at;
    read_entry(in, &entry);
    if (in->status == ALTO_OK && !name_valid(&name))
        alto_reader_fail(in, ALTO_MALFORMED);
    if (in->status != ALTO_OK)
        return;
    alto_catalog_key(&name, keys);
    edit->key.size = keys->size - key_start;
    edit->value.text = alto_slice_of(start, (size_t)(in->at - start));
}

/* Point the edits at their keys, which stand one after the other, and see that they ascend. */
static alto_status place_keys(alto_edit *edits, size_t count, const alto_buffer *keys)
{
    size_t at = 0;
    if (keys->status != ALTO_OK)
        return keys->status;
    for (size_t i = 0; i < count; i++) {
        edits[i].key.data = keys->data + at;
        at += edits[i].key.size;
        if (i > 0 && alto_slice_compare(edits[i - 1].key, edits[i].key) >= 0)
            return ALTO_MALFORMED;
    }
    return ALTO_OK;
}

/* What stands before the rows of a catalog listing; returns their number. */
static size_t read_catalog_start(alto_reader *in, const alto_origin *origin)
{
    size_t fields;
    alto_origin named;
    alto_slice type = alto_unpack_begin(in, &fields);
    if (!alto_slice_equal(type, alto_slice_text(catalog_type)))
        alto_reader_fail(in, ALTO_WRONG_TYPE);
    if (fields != CATALOG_FIELDS)
        alto_reader_fail(in, ALTO_MALFORMED);
    read_hash(in, &named);
    if (!alto_hash_equal(&named, origin))
        alto_reader_fail(in, ALTO_WRONG_ORIGIN);
    return read_count(in, ALTO_MAX_RESOURCES, ROW_MIN_SIZE);
}

alto_status alto_catalog_decode(alto_pool *pool, alto_slice bytes, const alto_origin *origin, alto_tree **out)
{
    if (bytes.size > ALTO_MAX_CATALOG)
        return ALTO_TOO_LARGE;
    alto_reader in = alto_reader_make(bytes);
    size_t count = read_catalog_start(&in, origin);
    alto_edit *edits = calloc(count + 1, sizeof *edits); /* also for none: NULL means out of memory */
    if (!edits)
        return ALTO_NO_MEMORY;
    alto_buffer keys = alto_buffer_make(ALTO_MAX_CATALOG);
    for (size_t i = 0; i < count && in.status == ALTO_OK; i++)
        read_row(&in, &keys, &edits[i]);
    alto_status status = alto_unpack_end(&in);
    if (status == ALTO_OK)
        status = place_keys(edits, count, &keys);
    if (status == ALTO_OK)
        status = alto_tree_edit(pool, ALTO_VALUE_TEXT, NULL, edits, count, out);
    free(edits);
    alto_buffer_fini(&keys);
    return status;
}

/* ---- topics ---- */

void alto_topic(uint8_t topic[ALTO_TOPIC_SIZE], char type, const alto_origin *origin, const alto_resource_name *name)
{
    memset(topic, 0, ALTO_TOPIC_SIZE);
    topic[0] = (uint8_t)type;
    memcpy(topic + 1, origin->bytes, TOPIC_PART);
    if (!name)
        return;
    static const uint8_t nul = 0;
    alto_hasher hasher;
    alto_hasher_init(&hasher, "altocast-resource-1");
    alto_hasher_add(&hasher, name->id.data, name->id.size);
    alto_hasher_add(&hasher, &nul, 1);
    alto_hasher_add(&hasher, name->input.data, name->input.size);
    alto_hash hash = alto_hasher_end(&hasher);
    memcpy(topic + 1 + TOPIC_PART, hash.bytes, TOPIC_PART);
}
