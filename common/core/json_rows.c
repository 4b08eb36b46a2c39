/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_rows.h"

#include "core/json_canonical.h"
#include "core/json_follow.h"
#include "core/json_parse.h"
#include "core/json_plan.h"
#include "core/limits.h"
#include "core/mapjson.h"
#include "core/number.h"
#include "core/prefix.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_SIZE = 200 };

struct alto_row_reader {
    alto_pool *pool;
    bool many_rows;
    alto_items items;  /* of the row being read */
    alto_plan plan;    /* of cost rows */
    alto_slice *names; /* owned; the names of a cost row in document order */
    size_t names_capacity;
    alto_buffer text; /* scratch: a name, or a canonical value */
};

alto_row_reader *alto_row_reader_new(alto_pool *pool, bool many_rows)
{
    alto_row_reader *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->pool = pool;
    self->many_rows = many_rows;
    self->text = alto_buffer_make(ALTO_MAX_TEXT);
    return self;
}

void alto_row_reader_destroy(alto_row_reader **self)
{
    if (!*self)
        return;
    alto_items_fini(&(*self)->items);
    alto_plan_fini(&(*self)->plan);
    alto_buffer_fini(&(*self)->text);
    free((*self)->names);
    free(*self);
    *self = NULL;
}

static alto_status out_of_memory(const alto_json_place *place, const char *path)
{
    return alto_fail(place->error, ALTO_NO_MEMORY, path, "out of memory");
}

/* "/cost-map/PID1" and a name: "/cost-map/PID1/PID2". */
static void join_path(char path[PATH_SIZE], const char *parent, alto_slice name)
{
    int size = name.size < PATH_SIZE ? (int)name.size : PATH_SIZE;
    snprintf(path, PATH_SIZE, "%s/%.*s", parent, size, (const char *)name.data);
}

static alto_status refuse_member(const alto_json_place *place, alto_status status, const char *parent, alto_slice name,
                                 const char *why)
{
    char path[PATH_SIZE];
    join_path(path, parent, name);
    return alto_fail(place->error, status, path, "%s", why);
}

/* Say why no tree could be made. */
static alto_status explain(alto_status status, const char *path, const alto_json_place *place)
{
    if (status == ALTO_TOO_LARGE)
        return alto_fail(place->error, status, path, "more than a row can hold");
    return status == ALTO_OK ? ALTO_OK : out_of_memory(place, path);
}

/* The tree of what was gathered. */
static alto_status finish(alto_row_reader *self, alto_value_type type, const alto_tree *before, const char *path,
                          const alto_json_place *place, alto_tree **out)
{
    return explain(alto_items_tree(&self->items, self->pool, type, before, out), path, place);
}

/* ---- cost maps ---- */

typedef struct {
    alto_row_reader *reader;
    alto_slice text;
    const char *path;
    const alto_json_place *place;
    unsigned depth;
    alto_slice name;   /* of the cell whose value comes next */
    alto_status fault; /* the first one that does not keep the map from being a cost map; explained already */
    bool plain;        /* no name had escapes, so that all of them are in `text` */
} cost_row;

static void note_fault(cost_row *self, alto_slice name, const char *why)
{
    if (self->fault == ALTO_OK)
        self->fault = refuse_member(self->place, ALTO_INVALID, self->path, name, why);
}

static alto_status on_cost_name(cost_row *self, alto_slice name)
{
    uintptr_t first = (uintptr_t)self->text.data, at = (uintptr_t)name.data;
    self->name = name;
    if (!alto_name_valid(name))
        note_fault(self, name, "no PID name: it needs 1 to 64 of letters, digits and -:@_. (RFC 7285 10.1)");
    if (at >= first && at < first + self->text.size)
        return ALTO_OK;
    self->plain = false;
    if (!alto_items_copy(&self->reader->items, name, &self->name))
        return out_of_memory(self->place, self->path);
    return ALTO_OK;
}

static alto_status on_cost(cost_row *self, alto_slice number)
{
    double cost = 0;
    if (alto_number_parse(number, &cost) != ALTO_OK)
        note_fault(self, self->name, "too large for a number of 64 bits (IEEE 754)");
    if (alto_items_add(&self->reader->items, self->name, (alto_value){.cost = cost}) != ALTO_OK)
        return out_of_memory(self->place, self->path);
    return ALTO_OK;
}

static alto_status on_cost_event(void *context, alto_json_event event, alto_slice text)
{
    cost_row *self = context;
    if (self->depth == 0) {
        if (event != ALTO_JSON_OBJECT)
            return alto_fail(self->place->error, ALTO_INVALID, self->path, "not an object");
        self->depth++;
        return ALTO_OK;
    }
    if (event == ALTO_JSON_NUMBER)
        return on_cost(self, text);
    if (event == ALTO_JSON_KEY)
        return on_cost_name(self, text);
    if (event == ALTO_JSON_OBJECT_END)
        return ALTO_OK;
    return refuse_member(self->place, ALTO_WRONG_TYPE, self->path, self->name, "not a number");
}

/* The names in document order, before the items are sorted. */
static bool keep_names(alto_row_reader *self)
{
    if (self->names_capacity < self->items.count) {
        alto_slice *names = realloc(self->names, self->items.capacity * sizeof *names);
        if (!names)
            return false;
        self->names = names;
        self->names_capacity = self->items.capacity;
    }
    for (size_t i = 0; i < self->items.count; i++)
        self->names[i] = self->items.at[i].key;
    return true;
}

/* A row as rows are: names without escapes and numbers. Gathers its cells; false when it is anything else, which
 * is for the parser to judge. ALTO_NO_MEMORY ends up there too. */
static bool read_plain_row(alto_items *items, alto_slice text)
{
    const uint8_t *end = text.data + text.size;
    alto_json_walk walk = alto_json_walk_make(text);
    alto_json_step step;
    alto_slice literal;
    if (!alto_json_walk_enter(&walk, '{'))
        return false;
    while ((step = alto_json_walk_member(&walk, &literal)) == ALTO_JSON_ITEM) {
        alto_slice name = alto_slice_of(literal.data + 1, literal.size - 2);
        double cost;
        size_t size;
        alto_json_walk_peek(&walk);
        if (!alto_name_valid(name) ||
            alto_number_read(alto_slice_of(walk.at, (size_t)(end - walk.at)), &cost, &size) != ALTO_OK ||
            alto_items_add(items, name, (alto_value){.cost = cost}) != ALTO_OK)
            return false;
        walk.at += size;
    }
    return step == ALTO_JSON_END && alto_json_walk_finish(&walk);
}

static alto_status parse_costs(cost_row *row)
{
    alto_items_clear(&row->reader->items);
    alto_status status = alto_json_parse(row->text, on_cost_event, row, row->place);
    return status == ALTO_OK ? row->fault : status;
}

static alto_status gather_costs(alto_row_reader *self, alto_slice text, const char *path, const alto_json_place *place)
{
    cost_row row = {.reader = self, .text = text, .path = path, .place = place, .plain = true};
    alto_items_clear(&self->items);
    alto_status status = read_plain_row(&self->items, text) ? ALTO_OK : parse_costs(&row);
    if (status != ALTO_OK)
        return status;
    bool learn = row.plain && self->many_rows;
    if ((learn && !keep_names(self)) || alto_items_sort(&self->items) != ALTO_OK)
        return out_of_memory(place, path);
    const alto_item *twice = alto_items_twice(&self->items);
    if (twice)
        return refuse_member(place, ALTO_DUPLICATE, path, twice->key, "a name twice in one object");
    if (learn && alto_plan_learn(&self->plan, self->names, &self->items) != ALTO_OK)
        return out_of_memory(place, path);
    return ALTO_OK;
}

alto_status alto_row_read_costs(alto_row_reader *self, alto_slice text, const alto_tree *before, const char *path,
                                const alto_json_place *place, alto_tree **out)
{
    if (alto_plan_read(&self->plan, text)) {
        alto_status made = alto_plan_tree(&self->plan, self->pool, &self->items, before, out);
        return made == ALTO_OK ? ALTO_OK : alto_fail(place->error, made, path, "%s", alto_status_text(made));
    }
    alto_status status = gather_costs(self, text, path, place);
    return status == ALTO_OK ? finish(self, ALTO_VALUE_COST, before, path, place, out) : status;
}

/* ---- network maps ---- */

typedef struct {
    alto_row_reader *reader;
    const char *path; /* of the array */
    const alto_json_place *place;
    int family;
    size_t count; /* prefixes so far */
    bool started;
} prefix_list;

static alto_status on_prefix(prefix_list *self, alto_slice text)
{
    alto_prefix_key key;
    if (alto_prefix_parse(self->family, text, &key) != ALTO_OK) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%s/%zu", self->path, self->count);
        return alto_fail(self->place->error, ALTO_INVALID, path, "no IPv%d prefix: %.*s", self->family,
                         text.size < ALTO_PREFIX_TEXT ? (int)text.size : ALTO_PREFIX_TEXT, (const char *)text.data);
    }
    alto_items *items = &self->reader->items;
    alto_slice kept;
    self->count++;
    if (!alto_items_copy(items, alto_slice_of(key.bytes, key.size), &kept) ||
        alto_items_add(items, kept, (alto_value){0}) != ALTO_OK)
        return out_of_memory(self->place, self->path);
    return ALTO_OK;
}

static alto_status on_prefix_event(void *context, alto_json_event event, alto_slice text)
{
    prefix_list *self = context;
    if (!self->started) {
        self->started = true;
        if (event == ALTO_JSON_ARRAY)
            return ALTO_OK;
        return alto_fail(self->place->error, ALTO_INVALID, self->path, "not an array of prefixes");
    }
    if (event == ALTO_JSON_STRING)
        return on_prefix(self, text);
    if (event == ALTO_JSON_ARRAY_END)
        return ALTO_OK;
    return alto_fail(self->place->error, ALTO_INVALID, self->path, "element %zu is not a string", self->count);
}

static alto_status read_prefix_list(alto_row_reader *self, alto_slice value, int family, const char *path,
                                    const alto_json_place *place)
{
    prefix_list list = {.reader = self, .path = path, .place = place, .family = family};
    alto_status status = alto_json_parse(value, on_prefix_event, &list, place);
    if (status != ALTO_OK || list.count > 0)
        return status;
    uint8_t *empty = alto_items_room(&self->items, 1);
    if (!empty)
        return out_of_memory(place, path);
    *empty = (uint8_t)family;
    status = alto_items_add(&self->items, alto_slice_of(empty, 1), (alto_value){0});
    return status == ALTO_OK ? ALTO_OK : out_of_memory(place, path);
}

/* Addresses of a type that we know nothing about (RFC 7285 8.3.7): one item, whole. */
static alto_status keep_other(alto_row_reader *self, alto_slice type, alto_slice value, const char *path,
                              const alto_json_place *place)
{
    if (memchr(type.data, 0, type.size))
        return alto_fail(place->error, ALTO_INVALID, path, "a NUL in an address type");
    alto_buffer_clear(&self->text);
    alto_status status = alto_json_canonical_value(value, path, place, &self->text);
    if (status != ALTO_OK)
        return status;
    size_t size = 1 + type.size + 1 + self->text.size;
    if (size > ALTO_MAX_ITEM_KEY)
        return alto_fail(place->error, ALTO_TOO_LARGE, path, "longer than %d bytes", ALTO_MAX_ITEM_KEY);
    uint8_t *key = alto_items_room(&self->items, size);
    if (!key)
        return out_of_memory(place, path);
    key[0] = ALTO_ITEM_OTHER;
    memcpy(key + 1, type.data, type.size);
    key[1 + type.size] = 0;
    memcpy(key + 2 + type.size, self->text.data, self->text.size);
    status = alto_items_add(&self->items, alto_slice_of(key, size), (alto_value){0});
    return status == ALTO_OK ? ALTO_OK : out_of_memory(place, path);
}

/* The characters of a member name, until the items are cleared. */
static alto_status take_name(alto_row_reader *self, alto_slice literal, const char *path, const alto_json_place *place,
                             alto_slice *name)
{
    alto_buffer_clear(&self->text);
    if (!alto_json_unescape(literal, &self->text))
        return alto_json_refuse(place, literal.data, ALTO_SYNTAX, "a name that is no JSON string");
    if (self->text.status == ALTO_TOO_LARGE || self->text.size > ALTO_MAX_ITEM_KEY)
        return alto_fail(place->error, ALTO_TOO_LARGE, path, "a name longer than %d bytes", ALTO_MAX_ITEM_KEY);
    if (self->text.status != ALTO_OK || !alto_items_copy(&self->items, alto_buffer_slice(&self->text), name))
        return out_of_memory(place, path);
    return ALTO_OK;
}

/* What to do with one member of an object; `path` is that of the member. */
typedef alto_status member_reader(alto_row_reader *self, alto_slice name, alto_slice value, const char *path,
                                  const alto_json_place *place, unsigned *seen);

static alto_status read_each(alto_row_reader *self, alto_slice text, const char *path, const alto_json_place *place,
                             member_reader *read)
{
    alto_json_walk walk = alto_json_walk_make(text);
    unsigned seen = 0;
    alto_items_clear(&self->items);
    if (alto_json_walk_peek(&walk) != '{')
        return alto_fail(place->error, ALTO_INVALID, path, "not an object");
    alto_json_walk_enter(&walk, '{');
    alto_slice literal, value, name = {0};
    alto_json_step step;
    while ((step = alto_json_walk_member(&walk, &literal)) == ALTO_JSON_ITEM && alto_json_walk_value(&walk, &value)) {
        alto_status status = take_name(self, literal, path, place, &name);
        if (status != ALTO_OK)
            return status;
        char member_path[PATH_SIZE];
        join_path(member_path, path, name);
        status = read(self, name, value, member_path, place, &seen);
        if (status != ALTO_OK)
            return status;
    }
    if (step != ALTO_JSON_END || !alto_json_walk_finish(&walk))
        return alto_json_refuse(place, walk.at, ALTO_SYNTAX, walk.fault);
    return alto_items_sort(&self->items) == ALTO_OK ? ALTO_OK : out_of_memory(place, path);
}

static alto_status read_group(alto_row_reader *self, alto_slice name, alto_slice value, const char *path,
                              const alto_json_place *place, unsigned *seen)
{
    int family = alto_slice_equal(name, alto_slice_text("ipv4"))   ? ALTO_ITEM_IPV4
                 : alto_slice_equal(name, alto_slice_text("ipv6")) ? ALTO_ITEM_IPV6
                                                                   : 0;
    if (family == 0)
        return keep_other(self, name, value, path, place);
    if (*seen & 1u << family)
        return alto_fail(place->error, ALTO_DUPLICATE, path, "a name twice in one object");
    *seen |= 1u << family;
    return read_prefix_list(self, value, family, path, place);
}

/* A prefix that is there twice counts once, since a PID is a set of them; an address type must not be. */
static alto_status unite(alto_row_reader *self, const char *path, const alto_json_place *place)
{
    alto_item *items = self->items.at;
    size_t kept = 0;
    for (size_t i = 0; i < self->items.count; i++) {
        alto_slice key = items[i].key, last = kept > 0 ? items[kept - 1].key : (alto_slice){0};
        bool other = key.data[0] == ALTO_ITEM_OTHER && kept > 0 && last.data[0] == ALTO_ITEM_OTHER;
        if (other && strcmp((const char *)key.data + 1, (const char *)last.data + 1) == 0)
            return refuse_member(place, ALTO_DUPLICATE, path, alto_slice_text((const char *)key.data + 1),
                                 "a name twice in one object");
        if (kept == 0 || !alto_slice_equal(key, last))
            items[kept++] = items[i];
    }
    self->items.count = kept;
    return ALTO_OK;
}

alto_status alto_row_read_prefixes(alto_row_reader *self, alto_slice text, const alto_tree *before, const char *path,
                                   const alto_json_place *place, alto_tree **out)
{
    alto_items *items = &self->items;
    if (alto_follow_prefixes(items, text, before))
        return explain(alto_tree_edit(self->pool, ALTO_VALUE_NONE, before, items->edits, items->edit_count, out), path,
                       place);
    alto_status status = read_each(self, text, path, place, read_group);
    if (status == ALTO_OK)
        status = unite(self, path, place);
    return status == ALTO_OK ? finish(self, ALTO_VALUE_NONE, before, path, place, out) : status;
}

/* ---- what is kept as text ---- */

static alto_status keep_text(alto_row_reader *self, alto_slice name, alto_slice value, const char *path,
                             /* NOLINTNEXTLINE(readability-non-const-parameter): as a member_reader has it */
                             const alto_json_place *place, unsigned *seen)
{
    (void)seen;
    alto_buffer_clear(&self->text);
    alto_status status = alto_json_canonical_value(value, path, place, &self->text);
    if (status != ALTO_OK)
        return status;
    alto_value kept;
    if (!alto_items_copy(&self->items, alto_buffer_slice(&self->text), &kept.text) ||
        alto_items_add(&self->items, name, kept) != ALTO_OK)
        return out_of_memory(place, path);
    return ALTO_OK;
}

alto_status alto_row_read_members(alto_row_reader *self, alto_slice text, const alto_tree *before, const char *path,
                                  const alto_json_place *place, alto_tree **out)
{
    alto_status status = read_each(self, text, path, place, keep_text);
    if (status != ALTO_OK)
        return status;
    const alto_item *twice = alto_items_twice(&self->items);
    if (twice)
        return refuse_member(place, ALTO_DUPLICATE, path, twice->key, "a name twice in one object");
    return finish(self, ALTO_VALUE_TEXT, before, path, place, out);
}

alto_status alto_row_read_value(alto_row_reader *self, alto_slice text, const alto_tree *before, const char *path,
                                const alto_json_place *place, alto_tree **out)
{
    alto_items_clear(&self->items);
    unsigned seen = 0;
    alto_status status = keep_text(self, alto_slice_text(""), text, path, place, &seen);
    return status == ALTO_OK ? finish(self, ALTO_VALUE_TEXT, before, path, place, out) : status;
}
