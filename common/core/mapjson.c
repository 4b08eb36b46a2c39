/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mapjson.h"

#include "core/json_items.h"
#include "core/json_memory.h"
#include "core/json_parse.h"
#include "core/json_rows.h"
#include "core/json_text.h"
#include "core/prefix.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_SIZE = 200, MAX_TOP_NAME = 255 };

/* A row of the document, as text and as tree. */
typedef struct {
    alto_slice key;          /* class and name; in `names` */
    alto_slice member;       /* name and value as they stand in the text */
    alto_slice value;        /* the value alone */
    const alto_tree *before; /* what the base has, borrowed */
    bool existed;            /* does the base have it at all? */
    alto_tree *items;        /* owned, once it has been read */
    bool recognized;         /* byte for byte a row of the text that `known` describes */
} row;

/* One reading of one document. */
typedef struct {
    alto_pool *pool;
    const alto_version *base;     /* of the kind being read, or NULL */
    const alto_row_prints *known; /* prints of the rows of base, or NULL */
    alto_json_place place;
    alto_kind kind;
    alto_slice payload_member[ALTO_DOCUMENT]; /* by kind: the data member, name and value; NULL when absent */
    alto_slice payload_value[ALTO_DOCUMENT];
    row *rows; /* owned; sorted by key once the document has been cut */
    size_t count, capacity;
    alto_items names; /* memory for the keys of rows */
    alto_buffer name; /* scratch */
    alto_row_reader *reader;
    alto_row_prints prints; /* of the rows read */
} reading;

static alto_status out_of_memory(const reading *self)
{
    return alto_fail(self->place.error, ALTO_NO_MEMORY, "", "out of memory");
}

static uint8_t class_of(const row *of)
{
    return of->key.data[0];
}

static alto_slice name_of(const row *of)
{
    return alto_slice_of(of->key.data + 1, of->key.size - 1);
}

static void path_of(const reading *self, const row *of, char path[PATH_SIZE])
{
    alto_slice name = name_of(of);
    const char *member = class_of(of) == ALTO_ROW_PAYLOAD ? alto_kind_member(self->kind) : NULL;
    snprintf(path, PATH_SIZE, "%s%s/%.*s", member ? "/" : "", member ? member : "",
             name.size < PATH_SIZE ? (int)name.size : PATH_SIZE, (const char *)name.data);
}

static alto_status refuse_row(const reading *self, alto_status status, const row *of, const char *why)
{
    char path[PATH_SIZE];
    path_of(self, of, path);
    return alto_fail(self->place.error, status, path, "%s", why);
}

/* ---- cutting the document into rows ---- */

static alto_status check_size(alto_slice text, const alto_json_place *place)
{
    if (text.size <= ALTO_MAX_DOCUMENT)
        return ALTO_OK;
    return alto_fail(place->error, ALTO_TOO_LARGE, place->path, "longer than %d bytes", ALTO_MAX_DOCUMENT);
}

static alto_status check_bytes(alto_slice text, const alto_json_place *place)
{
    size_t offset;
    if (alto_json_bytes_valid(text, &offset))
        return ALTO_OK;
    return alto_json_refuse(place, text.data + offset, ALTO_SYNTAX, "not UTF-8, or a character that JSON forbids");
}

static alto_status refuse_walk(const reading *self, const alto_json_walk *walk)
{
    return alto_json_refuse(&self->place, walk->at, ALTO_SYNTAX, walk->fault);
}

static alto_slice since(const uint8_t *first, const alto_json_walk *walk)
{
    return alto_slice_of(first, (size_t)(walk->at - first));
}

static alto_status add_row(reading *self, uint8_t row_class, alto_slice name, alto_slice member, alto_slice value)
{
    if (self->count == ALTO_MAX_ROWS)
        return alto_fail(self->place.error, ALTO_TOO_LARGE, "", "more than %d rows", ALTO_MAX_ROWS);
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 64;
        row *rows = realloc(self->rows, capacity * sizeof *rows);
        if (!rows)
            return out_of_memory(self);
        self->rows = rows;
        self->capacity = capacity;
    }
    uint8_t *key = alto_items_room(&self->names, 1 + name.size);
    if (!key)
        return out_of_memory(self);
    key[0] = row_class;
    if (name.size > 0)
        memcpy(key + 1, name.data, name.size);
    self->rows[self->count++] = (row){.key = {key, 1 + name.size}, .member = member, .value = value};
    return ALTO_OK;
}

/* The characters of a name, until the next one is asked for. */
static alto_status read_name(reading *self, alto_slice literal, alto_slice *name)
{
    if (!memchr(literal.data, '\\', literal.size)) {
        *name = alto_slice_of(literal.data + 1, literal.size - 2);
    } else {
        alto_buffer_clear(&self->name);
        if (!alto_json_unescape(literal, &self->name))
            return alto_json_refuse(&self->place, literal.data, ALTO_SYNTAX, "a name that is no JSON string");
        if (self->name.status == ALTO_NO_MEMORY)
            return out_of_memory(self);
        *name = alto_buffer_slice(&self->name);
    }
    if (self->name.status != ALTO_TOO_LARGE && name->size <= ALTO_MAX_ITEM_KEY)
        return ALTO_OK;
    return alto_json_refuse(&self->place, literal.data, ALTO_TOO_LARGE, "too long for a name");
}

static uint64_t name_print_of(const row *of)
{
    return alto_fingerprint_of(of->key).low;
}

static bool print_equal(alto_fingerprint a, alto_fingerprint b)
{
    return a.low == b.low && a.high == b.high;
}

/* Does the row of that name in the text before, which was an object, come next? It is passed over then. */
static bool recognize(const reading *self, row *now, alto_slice literal, alto_json_walk *walk)
{
    const alto_row_print *known = self->known ? alto_row_prints_find(self->known, name_print_of(now)) : NULL;
    if (!known || alto_json_walk_peek(walk) != '{' || known->size > (size_t)(walk->end - literal.data))
        return false;
    alto_slice member = {literal.data, known->size};
    if (!print_equal(alto_fingerprint_of(member), known->member))
        return false;
    now->member = member;
    now->value = alto_slice_of(walk->at, (size_t)(member.data + member.size - walk->at));
    walk->at = member.data + member.size;
    now->recognized = true;
    return true;
}

/* The row whose name has been read and whose value comes next. */
static alto_status cut_row(reading *self, alto_slice literal, alto_json_walk *walk)
{
    alto_slice name, value;
    alto_status status = read_name(self, literal, &name);
    if (status == ALTO_OK)
        status = add_row(self, ALTO_ROW_PAYLOAD, name, literal, literal);
    if (status != ALTO_OK)
        return status;
    row *now = &self->rows[self->count - 1];
    if (recognize(self, now, literal, walk))
        return ALTO_OK;
    if (!alto_json_walk_value(walk, &value))
        return refuse_walk(self, walk);
    now->member = since(literal.data, walk);
    now->value = value;
    return ALTO_OK;
}

/* The rows of "network-map" or "cost-map", whose value comes next. */
static alto_status cut_payload(reading *self, alto_json_walk *walk)
{
    alto_slice literal;
    alto_json_walk inner = *walk;
    alto_json_step step;
    alto_json_walk_enter(&inner, '{');
    while ((step = alto_json_walk_member(&inner, &literal)) == ALTO_JSON_ITEM) {
        alto_status status = cut_row(self, literal, &inner);
        if (status != ALTO_OK)
            return status;
    }
    if (step != ALTO_JSON_END)
        return refuse_walk(self, &inner);
    walk->at = inner.at;
    return ALTO_OK;
}

static alto_kind payload_kind(alto_slice name)
{
    if (alto_slice_equal(name, alto_slice_text("network-map")))
        return ALTO_NETWORK_MAP;
    return alto_slice_equal(name, alto_slice_text("cost-map")) ? ALTO_COST_MAP : ALTO_DOCUMENT;
}

/* The member whose value comes next. */
static alto_status cut_member(reading *self, alto_json_walk *walk, alto_slice literal)
{
    alto_slice name = {0}, value;
    alto_status status = read_name(self, literal, &name);
    if (status != ALTO_OK)
        return status;
    if (name.size > MAX_TOP_NAME)
        return alto_json_refuse(&self->place, literal.data, ALTO_TOO_LARGE, "a name longer than 255 bytes");
    alto_kind kind = payload_kind(name);
    uint8_t first = alto_json_walk_peek(walk);
    bool is_object = first == '{';
    if (first && !is_object && (kind != ALTO_DOCUMENT || alto_slice_equal(name, alto_slice_text("meta")))) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "/%.*s", (int)name.size, (const char *)name.data);
        return alto_fail(self->place.error, ALTO_INVALID, path, "not an object");
    }
    if (kind == ALTO_DOCUMENT || !first) {
        if (!alto_json_walk_value(walk, &value))
            return refuse_walk(self, walk);
        return add_row(self, is_object ? ALTO_ROW_MEMBER : ALTO_ROW_VALUE, name, since(literal.data, walk), value);
    }
    if (self->payload_member[kind].data) {
        const char *path = kind == ALTO_COST_MAP ? "/cost-map" : "/network-map";
        return alto_fail(self->place.error, ALTO_DUPLICATE, path, "a name twice in one object");
    }
    const uint8_t *value_at = walk->at;
    status = cut_payload(self, walk);
    self->payload_member[kind] = since(literal.data, walk);
    self->payload_value[kind] = since(value_at, walk);
    return status;
}

static alto_status refuse_other_value(reading *self, alto_slice text)
{
    alto_status status = check_bytes(text, &self->place);
    if (status == ALTO_OK)
        status = alto_json_parse(text, NULL, NULL, &self->place);
    if (status != ALTO_OK)
        return status;
    return alto_fail(self->place.error, ALTO_INVALID, "", "the document is not an object");
}

static alto_status cut_document(reading *self, alto_slice text)
{
    alto_json_walk walk = alto_json_walk_make(text);
    if (alto_json_walk_peek(&walk) != '{')
        return refuse_other_value(self, text);
    alto_json_walk_enter(&walk, '{');
    alto_slice literal;
    alto_json_step step;
    while ((step = alto_json_walk_member(&walk, &literal)) == ALTO_JSON_ITEM) {
        alto_status status = cut_member(self, &walk, literal);
        if (status != ALTO_OK)
            return status;
    }
    if (step != ALTO_JSON_END || !alto_json_walk_finish(&walk))
        return refuse_walk(self, &walk);
    return ALTO_OK;
}

/* What was cut as a map is a document after all: its data members are like any others. */
static alto_status become_document(reading *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        alto_tree_release(self->rows[i].items);
        self->rows[i].items = NULL;
        if (class_of(&self->rows[i]) != ALTO_ROW_PAYLOAD)
            self->rows[kept++] = self->rows[i];
    }
    self->count = kept;
    self->kind = ALTO_DOCUMENT;
    for (alto_kind kind = ALTO_NETWORK_MAP; kind < ALTO_DOCUMENT; kind++) {
        alto_slice member = self->payload_member[kind], name = alto_slice_text(alto_kind_member(kind));
        alto_status status = ALTO_OK;
        if (member.data)
            status = add_row(self, ALTO_ROW_MEMBER, name, member, self->payload_value[kind]);
        if (status != ALTO_OK)
            return status;
    }
    return ALTO_OK;
}

static alto_status decide_kind(reading *self)
{
    bool network = self->payload_member[ALTO_NETWORK_MAP].data != NULL;
    bool cost = self->payload_member[ALTO_COST_MAP].data != NULL;
    if (network == cost)
        return become_document(self);
    self->kind = network ? ALTO_NETWORK_MAP : ALTO_COST_MAP;
    return ALTO_OK;
}

/* ---- order ---- */

static int compare_rows(const void *a, const void *b)
{
    return alto_slice_compare(((const row *)a)->key, ((const row *)b)->key);
}

static size_t first_of_class(const reading *self, uint8_t row_class)
{
    size_t first = 0;
    while (first < self->count && class_of(&self->rows[first]) < row_class)
        first++;
    return first;
}

/* One name for an object and for another value, which are rows of two classes. */
static const row *name_in_both(const reading *self)
{
    size_t member = 0, value = first_of_class(self, ALTO_ROW_VALUE);
    size_t members = value, values = first_of_class(self, ALTO_ROW_PAYLOAD);
    while (member < members && value < values) {
        int order = alto_slice_compare(name_of(&self->rows[member]), name_of(&self->rows[value]));
        if (order == 0)
            return &self->rows[value];
        if (order < 0)
            member++;
        else
            value++;
    }
    return NULL;
}

static alto_status sort_rows(reading *self)
{
    bool sorted = true;
    for (size_t i = 1; sorted && i < self->count; i++)
        sorted = compare_rows(&self->rows[i - 1], &self->rows[i]) < 0;
    if (!sorted)
        qsort(self->rows, self->count, sizeof *self->rows, compare_rows);
    const row *twice = name_in_both(self);
    for (size_t i = 1; !sorted && !twice && i < self->count; i++)
        if (compare_rows(&self->rows[i - 1], &self->rows[i]) == 0)
            twice = &self->rows[i];
    return twice ? refuse_row(self, ALTO_DUPLICATE, twice, "a name twice in one object") : ALTO_OK;
}

static const alto_tree *tree_of(const alto_version *version)
{
    return version ? alto_version_tree(version) : NULL;
}

/* Find what the base has of each row. */
static void look_back(reading *self)
{
    alto_cursor cursor;
    alto_cursor_first(&cursor, tree_of(self->base));
    for (size_t i = 0; i < self->count; i++) {
        row *now = &self->rows[i];
        int order = 1;
        while (alto_cursor_valid(&cursor) && (order = alto_slice_compare(alto_cursor_key(&cursor), now->key)) < 0)
            alto_cursor_next(&cursor);
        now->existed = alto_cursor_valid(&cursor) && order == 0;
        now->before = now->existed ? alto_cursor_value(&cursor).row : NULL;
    }
}

/* ---- reading rows ---- */

static alto_status read_payload_row(reading *self, row *now, const char *path, const alto_json_place *place)
{
    if (self->kind == ALTO_COST_MAP)
        return alto_row_read_costs(self->reader, now->value, now->before, path, place, &now->items);
    return alto_row_read_prefixes(self->reader, now->value, now->before, path, place, &now->items);
}

static alto_status read_row(reading *self, row *now, const alto_json_place *place)
{
    char path[PATH_SIZE];
    path_of(self, now, path);
    switch (class_of(now)) {
    case ALTO_ROW_MEMBER:
        return alto_row_read_members(self->reader, now->value, now->before, path, place, &now->items);
    case ALTO_ROW_VALUE:
        return alto_row_read_value(self->reader, now->value, now->before, path, place, &now->items);
    default:
        return read_payload_row(self, now, path, place);
    }
}

/* The same text says something else as a row of another class: class and name are looked up. */
static alto_status read_or_reuse(reading *self, row *now, const alto_json_place *place)
{
    alto_row_print print = {.name = name_print_of(now), .size = now->member.size};
    const alto_row_print *known = self->known ? alto_row_prints_find(self->known, print.name) : NULL;
    print.member = now->recognized && known ? known->member : alto_fingerprint_of(now->member);
    alto_row_prints_add(&self->prints, &print);
    if (!known || !now->existed || known->size != print.size || !print_equal(known->member, print.member))
        return read_row(self, now, place);
    now->items = alto_tree_retain(now->before);
    return ALTO_OK;
}

static alto_status check_payload_row(const reading *self, const row *of)
{
    if (of->value.data[0] != '{')
        return refuse_row(self, ALTO_INVALID, of, "not an object");
    if (!alto_name_valid(name_of(of)))
        return refuse_row(self, ALTO_INVALID, of,
                          "no PID name: it needs 1 to 64 of letters, digits and -:@_. (RFC 7285 10.1)");
    return ALTO_OK;
}

/* After a fault in a cost map that a document may have: is it a document? ALTO_WRONG_TYPE when it is, else `fault`. */
static alto_status look_for_text(reading *self, size_t next, alto_status fault)
{
    const alto_json_place silent = {self->place.origin, "", NULL};
    for (; next < self->count; next++) {
        row *now = &self->rows[next];
        if (class_of(now) == ALTO_ROW_PAYLOAD && now->value.data[0] == '{' && !now->items &&
            read_row(self, now, &silent) == ALTO_WRONG_TYPE)
            return ALTO_WRONG_TYPE;
    }
    return fault;
}

static alto_status read_rows(reading *self)
{
    if (alto_row_prints_begin(&self->prints, self->count) != ALTO_OK)
        return out_of_memory(self);
    for (size_t i = 0; i < self->count; i++) {
        row *now = &self->rows[i];
        alto_status status = ALTO_OK;
        if (class_of(now) == ALTO_ROW_PAYLOAD)
            status = check_payload_row(self, now);
        if (status == ALTO_OK)
            status = read_or_reuse(self, now, &self->place);
        if (status == ALTO_INVALID && self->kind == ALTO_COST_MAP && class_of(now) == ALTO_ROW_PAYLOAD)
            return look_for_text(self, i, status);
        if (status != ALTO_OK)
            return status;
    }
    return ALTO_OK;
}

/* ---- the version ---- */

static alto_row_edit edit_of(const row *of)
{
    return (alto_row_edit){.row = of->key, .what = ALTO_ROW_REPLACE, .items = of->items};
}

/* What is to be done to the base. `edits` has room for its rows and ours. */
static size_t list_edits(const reading *self, alto_row_edit *edits)
{
    alto_cursor cursor;
    size_t count = 0, i = 0;
    alto_cursor_first(&cursor, tree_of(self->base));
    while (i < self->count || alto_cursor_valid(&cursor)) {
        const row *now = i < self->count ? &self->rows[i] : NULL;
        int order = now ? -1 : 1;
        if (now && alto_cursor_valid(&cursor))
            order = alto_slice_compare(now->key, alto_cursor_key(&cursor));
        if (order > 0)
            edits[count++] = (alto_row_edit){.row = alto_cursor_key(&cursor), .what = ALTO_ROW_REMOVE};
        else if (order < 0 || !alto_tree_equal(now->items, now->before))
            edits[count++] = edit_of(now);
        if (order >= 0)
            alto_cursor_next(&cursor);
        i += order <= 0;
    }
    return count;
}

static alto_status make_version(reading *self, alto_version **out)
{
    size_t most = self->count + (self->base ? (size_t)alto_version_rows(self->base) : 0);
    alto_row_edit *edits = malloc((most + 1) * sizeof *edits);
    if (!edits)
        return out_of_memory(self);
    size_t count = list_edits(self, edits);
    alto_version *made = NULL;
    alto_status status = alto_version_edit(self->pool, self->kind, self->base, edits, count, &made);
    free(edits);
    if (status != ALTO_OK)
        return alto_fail(self->place.error, status, "", "%s", alto_status_text(status));
    if (alto_version_items(made) > ALTO_MAX_ITEMS) {
        alto_version_release(made);
        return alto_fail(self->place.error, ALTO_TOO_LARGE, "", "more than %d items", ALTO_MAX_ITEMS);
    }
    *out = made;
    return ALTO_OK;
}

/* ---- no prefix in two PIDs ---- */

/* One pass over what differs between the base and the version made of it. */
typedef struct {
    alto_prefix_set *prefixes;
    enum { TAKE_OUT, PUT_IN, UNDO_PUT_IN, UNDO_TAKE_OUT } what;
    alto_prefix_key refused; /* what could not be put in; size 0: nothing */
    uint64_t done;           /* prefixes put in before that */
    uint64_t undone;
} prefix_pass;

static bool is_prefix(alto_slice key)
{
    return key.size > 1 && (key.data[0] == ALTO_ITEM_IPV4 || key.data[0] == ALTO_ITEM_IPV6);
}

static alto_status on_prefix(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                             uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_before, (void)rank_after;
    prefix_pass *self = context;
    bool outgoing = self->what == TAKE_OUT || self->what == UNDO_TAKE_OUT;
    if (!is_prefix(key) || (outgoing ? after : before))
        return ALTO_OK;
    if (self->what == UNDO_PUT_IN && self->undone++ == self->done)
        return ALTO_KNOWN; /* as far as putting in had come */
    if (self->what == TAKE_OUT || self->what == UNDO_PUT_IN) {
        alto_prefix_set_remove(self->prefixes, key);
        return ALTO_OK;
    }
    alto_status status = alto_prefix_set_add(self->prefixes, key);
    if (status == ALTO_OK) {
        self->done++;
    } else {
        memcpy(self->refused.bytes, key.data, key.size);
        self->refused.size = (uint8_t)key.size;
    }
    return status;
}

static alto_status on_changed_row(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                                  uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_before, (void)rank_after;
    if (key.data[0] != ALTO_ROW_PAYLOAD)
        return ALTO_OK;
    return alto_tree_diff(before ? before->row : NULL, after ? after->row : NULL, on_prefix, context);
}

/* Name the first two PIDs that have a prefix. */
static alto_status refuse_prefix(const alto_version *version, alto_slice prefix, alto_error *error)
{
    alto_slice names[2] = {{0}, {0}};
    size_t count = 0;
    alto_cursor cursor;
    alto_cursor_first(&cursor, alto_version_tree(version));
    for (; count < 2 && alto_cursor_valid(&cursor); alto_cursor_next(&cursor)) {
        alto_slice key = alto_cursor_key(&cursor);
        if (key.data[0] == ALTO_ROW_PAYLOAD && alto_tree_find(alto_cursor_value(&cursor).row, prefix, NULL))
            names[count++] = alto_slice_of(key.data + 1, key.size - 1);
    }
    char text[ALTO_PREFIX_TEXT], path[PATH_SIZE];
    alto_prefix_format(prefix, text);
    snprintf(path, sizeof path, "/network-map/%.*s", (int)names[1].size, (const char *)names[1].data);
    return alto_fail(error, ALTO_DUPLICATE, path, "%s is also in %.*s (RFC 7285 11.2.2)", text, (int)names[0].size,
                     (const char *)names[0].data);
}

static alto_status put_in(prefix_pass *pass, const alto_tree *before, const alto_tree *after)
{
    pass->what = TAKE_OUT;
    alto_tree_diff(before, after, on_changed_row, pass);
    pass->what = PUT_IN;
    alto_status status = alto_tree_diff(before, after, on_changed_row, pass);
    if (status == ALTO_OK)
        return ALTO_OK;
    pass->what = UNDO_PUT_IN;
    alto_tree_diff(before, after, on_changed_row, pass);
    pass->what = UNDO_TAKE_OUT;
    alto_tree_diff(before, after, on_changed_row, pass);
    return status;
}

/* Bring the prefixes of `before` to those of `after`, or leave them as they were. */
static alto_status update_prefixes(const reading *self, alto_prefix_set *prefixes, const alto_version *before,
                                   const alto_version *after)
{
    prefix_pass pass = {.prefixes = prefixes};
    alto_status status = put_in(&pass, tree_of(before), alto_version_tree(after));
    if (status == ALTO_DUPLICATE)
        return refuse_prefix(after, alto_slice_of(pass.refused.bytes, pass.refused.size), self->place.error);
    return status == ALTO_OK ? ALTO_OK : out_of_memory(self);
}

/* ---- whole documents ---- */

/* What `memory` knows of the rows of `base`, or NULL. */
static const alto_row_prints *known_of(const alto_version *base, const alto_map_memory *memory)
{
    bool described = base && memory && memory->ready && alto_hash_equal(&memory->root, alto_version_root(base));
    return described ? &memory->prints : NULL;
}

/* Of a base of another kind nothing can be shared. */
static void choose_base(reading *self, const alto_version *base, const alto_map_memory *memory)
{
    self->base = base && alto_version_kind(base) == self->kind ? base : NULL;
    self->known = known_of(self->base, memory);
}

/* All bytes, rows that were recognized excepted: these have been looked at. The rows are as they were cut. */
static alto_status check_text(const reading *self, alto_slice text)
{
    const uint8_t *next = text.data;
    for (size_t i = 0; i < self->count; i++) {
        const row *of = &self->rows[i];
        if (!of->recognized)
            continue;
        alto_status status = check_bytes(alto_slice_of(next, (size_t)(of->member.data - next)), &self->place);
        if (status != ALTO_OK)
            return status;
        next = of->member.data + of->member.size;
    }
    return check_bytes(alto_slice_of(next, (size_t)(text.data + text.size - next)), &self->place);
}

static alto_status read_document(reading *self, alto_slice text, const alto_version *base,
                                 const alto_map_memory *memory)
{
    self->known = known_of(base, memory);
    alto_status cut = cut_document(self, text), status = check_text(self, text);
    if (status == ALTO_OK)
        status = cut;
    if (status == ALTO_OK)
        status = decide_kind(self);
    while (status == ALTO_OK) {
        choose_base(self, base, memory);
        status = sort_rows(self);
        if (status != ALTO_OK)
            break;
        look_back(self);
        status = read_rows(self);
        if (status != ALTO_WRONG_TYPE)
            break;
        status = become_document(self);
    }
    return status;
}

/* Remember the text behind `version`, when there is something to remember it in, and check what only the whole shows. */
static alto_status remember(reading *self, alto_map_memory *memory, const alto_version *version)
{
    alto_map_memory fresh = {0}, *target = self->known ? memory : &fresh;
    alto_status status = ALTO_OK;
    if (self->kind == ALTO_NETWORK_MAP)
        status = update_prefixes(self, &target->prefixes, self->known ? self->base : NULL, version);
    if (status != ALTO_OK || !memory) {
        alto_map_memory_fini(&fresh);
        return status;
    }
    if (target == &fresh) {
        alto_map_memory_fini(memory);
        *memory = fresh;
    }
    alto_row_prints_fini(&memory->prints);
    memory->prints = self->prints;
    self->prints = (alto_row_prints){0};
    memory->root = *alto_version_root(version);
    memory->ready = true;
    return ALTO_OK;
}

static void reading_fini(reading *self)
{
    for (size_t i = 0; i < self->count; i++)
        alto_tree_release(self->rows[i].items);
    free(self->rows);
    alto_items_fini(&self->names);
    alto_buffer_fini(&self->name);
    alto_row_reader_destroy(&self->reader);
    alto_row_prints_fini(&self->prints);
}

/* A byte order mark may be ignored (RFC 8259 8.1). */
static alto_slice without_mark(alto_slice text)
{
    bool mark = text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0;
    return mark ? alto_slice_of(text.data + 3, text.size - 3) : text;
}

alto_status alto_map_read(alto_pool *pool, alto_slice text, const alto_version *base, alto_map_memory *memory,
                          alto_version **out, alto_error *error)
{
    reading self = {.pool = pool, .place = {text.data, "", error}, .kind = ALTO_DOCUMENT};
    self.name = alto_buffer_make(ALTO_MAX_ITEM_KEY);
    alto_version *version = NULL;
    alto_status status = check_size(text, &self.place);
    if (status != ALTO_OK)
        return status;
    self.reader = alto_row_reader_new(pool, true);
    status = self.reader ? read_document(&self, without_mark(text), base, memory) : out_of_memory(&self);
    if (status == ALTO_OK)
        status = make_version(&self, &version);
    if (status == ALTO_OK)
        status = remember(&self, memory, version);
    if (status == ALTO_OK)
        *out = version;
    else
        alto_version_release(version);
    reading_fini(&self);
    return status;
}

alto_status alto_map_read_row(alto_pool *pool, alto_kind kind, alto_slice text, const alto_tree *before,
                              const char *path, alto_tree **items, alto_error *error)
{
    const alto_json_place place = {text.data, path, error};
    if (kind == ALTO_DOCUMENT)
        return alto_fail(error, ALTO_INVALID, path, "documents have no payload rows");
    alto_status status = check_size(text, &place);
    if (status == ALTO_OK)
        status = check_bytes(text, &place);
    if (status != ALTO_OK)
        return status;
    alto_row_reader *reader = alto_row_reader_new(pool, false);
    if (!reader)
        return alto_fail(error, ALTO_NO_MEMORY, path, "out of memory");
    alto_tree *made = NULL;
    if (kind == ALTO_COST_MAP)
        status = alto_row_read_costs(reader, text, before, path, &place, &made);
    else
        status = alto_row_read_prefixes(reader, text, before, path, &place, &made);
    alto_row_reader_destroy(&reader);
    if (status == ALTO_WRONG_TYPE) { /* explained already; a row cannot turn its map into a document */
        if (error)
            error->status = ALTO_INVALID;
        return ALTO_INVALID;
    }
    if (status == ALTO_OK)
        *items = made;
    return status;
}
