/* SPDX-License-Identifier: Apache-2.0 */
#include "core/query_filter.h"

#include "core/cost_rows.h"
#include "core/render_text.h"
#include "core/tree_guess.h"

#include <stdlib.h>

/* ---- PIDs ---- */

/* At the first row of the payload. */
static void first_pid(alto_cursor *cursor, const alto_version *map)
{
    const uint8_t payload = ALTO_ROW_PAYLOAD;
    alto_cursor_seek_key(cursor, alto_version_tree(map), alto_slice_of(&payload, 1));
}

static alto_slice pid_name(alto_slice row_key)
{
    return alto_slice_of(row_key.data + 1, row_key.size - 1);
}

/* All PIDs of a network map in order, borrowed from it. Errors: ALTO_NO_MEMORY. */
static alto_status all_pids(const alto_version *map, alto_query_strings *out)
{
    *out = (alto_query_strings){.items = malloc((size_t)(alto_version_rows(map) + 1) * sizeof *out->items)};
    if (!out->items)
        return ALTO_NO_MEMORY;
    alto_cursor at;
    for (first_pid(&at, map); alto_cursor_valid(&at); alto_cursor_next(&at))
        out->items[out->count++] = pid_name(alto_cursor_key(&at));
    return ALTO_OK;
}

/* The wanted PIDs: what the field lists, not in order yet, and all of the map where that is nothing. What is no PID's name is left
 * out. */
static alto_status wanted_pids(const alto_query_field *field, const alto_version *map, alto_query_strings *out,
                               bool *all, alto_query_error *error)
{
    alto_status status = alto_query_strings_read(field, out, error);
    if (status != ALTO_OK)
        return status;
    *all = out->count == 0;
    if (*all) {
        alto_query_strings_fini(out);
        return all_pids(map, out);
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++)
        if (alto_name_valid(out->items[i]))
            out->items[kept++] = out->items[i];
    out->count = kept;
    return ALTO_OK;
}

static void add_meta_member(alto_buffer *out, const alto_version *version, const char *name)
{
    alto_slice text;
    if (alto_version_member(version, "meta", name, &text)) {
        alto_buffer_print(out, "\"%s\":", name);
        alto_buffer_add_slice(out, text);
    }
}

/* ---- filtered network map ---- */

typedef struct {
    alto_query_strings pids, types; /* sorted; no types: all of them */
    bool all;                       /* all PIDs are wanted */
    alto_buffer *out;
    bool some; /* a PID was written */
} network_answer;

static bool is_wanted(const network_answer *self, alto_slice item)
{
    return alto_query_strings_have(&self->types, alto_address_type(item));
}

static void add_wanted_items(network_answer *self, const alto_tree *items)
{
    alto_slice before = {NULL, 0};
    alto_cursor at;
    for (alto_cursor_first(&at, items); alto_cursor_valid(&at); alto_cursor_next(&at)) {
        alto_slice item = alto_cursor_key(&at);
        if (!is_wanted(self, item))
            continue;
        alto_text_between(self->out, ALTO_FORM_ADDRESSES, before.size ? &before : NULL, &item);
        alto_text_address(self->out, item);
        before = item;
    }
    alto_text_between(self->out, ALTO_FORM_ADDRESSES, before.size ? &before : NULL, NULL);
}

/* Has the PID an address of the wanted types? An empty array is none. */
static bool has_wanted(const network_answer *self, const alto_tree *items)
{
    alto_cursor at;
    for (alto_cursor_first(&at, items); alto_cursor_valid(&at); alto_cursor_next(&at))
        if (alto_cursor_key(&at).size > 1 && is_wanted(self, alto_cursor_key(&at)))
            return true;
    return false;
}

static void add_pid(network_answer *self, alto_slice name, const alto_tree *items)
{
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, name);
    if (self->types.count && self->all && !has_wanted(self, items))
        return;
    alto_buffer_add_text(self->out, self->some ? "," : "");
    self->some = true;
    if (self->types.count == 0) {
        alto_text_row(self->out, ALTO_NETWORK_MAP, alto_row_key_slice(&key), items);
        return;
    }
    alto_text_row_name(self->out, alto_row_key_slice(&key));
    add_wanted_items(self, items);
}

static void add_network_map(network_answer *self, const alto_version *map)
{
    alto_buffer_add_text(self->out, "{\"meta\":{");
    add_meta_member(self->out, map, "vtag");
    alto_buffer_add_text(self->out, "},\"network-map\":{");
    for (size_t i = 0; i < self->pids.count && self->out->status == ALTO_OK; i++) {
        const alto_tree *items;
        if (alto_version_row(map, ALTO_ROW_PAYLOAD, self->pids.items[i], &items))
            add_pid(self, self->pids.items[i], items);
    }
    alto_buffer_add_text(self->out, "}}");
}

alto_status alto_query_network_filter(const alto_service *service, alto_slice body, alto_buffer *out,
                                      alto_query_error *error)
{
    enum { PIDS, TYPES, COUNT };
    alto_query_field fields[COUNT] = {
        [PIDS] = {.name = "pids", .path = "pids", .type = ALTO_QUERY_ARRAY, .required = true},
        [TYPES] = {.name = "address-types", .path = "address-types", .type = ALTO_QUERY_ARRAY}};
    const alto_version *map = service->map->version;
    network_answer answer = {.out = out};
    alto_status status = alto_query_open(body, error);
    if (status == ALTO_OK)
        status = alto_query_fields(body, fields, COUNT, error);
    if (status == ALTO_OK)
        status = wanted_pids(&fields[PIDS], map, &answer.pids, &answer.all, error);
    if (status == ALTO_OK)
        status = alto_query_strings_read(&fields[TYPES], &answer.types, error);
    if (status == ALTO_OK) {
        alto_query_strings_sort(&answer.pids);
        alto_query_strings_sort(&answer.types);
        add_network_map(&answer, map);
        status = out->status;
    }
    alto_query_strings_fini(&answer.pids);
    alto_query_strings_fini(&answer.types);
    return status;
}

/* ---- filtered cost map ---- */

typedef struct {
    alto_query_strings sources, destinations;
    alto_cost_wish wish;
    alto_cost_rows *rows; /* owned */
} cost_answer;

/* ---- the order of names: few of them are quicker put in order by where they stand in the map than by their letters ---- */

enum { FEW = 64 };

typedef bool place_fn(const void *where, alto_slice name, uint64_t *place);

static bool place_of_row(const void *where, alto_slice name, uint64_t *place)
{
    const alto_tree *row;
    return alto_version_place(where, ALTO_ROW_PAYLOAD, name, place, &row) && *place;
}

static bool place_of_column(const void *where, alto_slice name, uint64_t *place)
{
    alto_value value;
    return alto_tree_find_again(where, name, place, &value) && *place;
}

static void insert(uint64_t *sorted, size_t count, uint64_t added)
{
    for (; count > 0 && sorted[count - 1] > added; count--)
        sorted[count] = sorted[count - 1];
    sorted[count] = added;
}

/* Put them into ascending order, each once. */
static void sort_names(alto_query_strings *names, place_fn *place_of, const void *where)
{
    uint64_t
        sorted[FEW]; /* places; instead of the first eight bits, which all in a tree have alike, which name it is */
    uint64_t place;
    alto_slice unsorted[FEW];
    size_t count = 0, kept = 0;
    for (; count < names->count && count < FEW && place_of(where, names->items[count], &place); count++) {
        insert(sorted, count, place << 8 | count);
        unsorted[count] = names->items[count];
    }
    if (count < names->count) { /* too many, or one that is not there */
        alto_query_strings_sort(names);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (i == 0 || sorted[i] >> 8 != sorted[i - 1] >> 8)
            names->items[kept++] = unsorted[sorted[i] & 0xff];
    names->count = kept;
}

static alto_status read_pids(cost_answer *self, const alto_query_field *pids, const alto_version *map,
                             alto_query_error *error)
{
    alto_query_field fields[] = {{.name = "srcs", .path = "pids/srcs", .type = ALTO_QUERY_ARRAY, .required = true},
                                 {.name = "dsts", .path = "pids/dsts", .type = ALTO_QUERY_ARRAY, .required = true}};
    const alto_version *costs = self->wish.maps[0]->version;
    const alto_tree *row = NULL;
    bool all;
    alto_status status = alto_query_has(pids) ? alto_query_fields(pids->value, fields, 2, error) : ALTO_OK;
    if (status == ALTO_OK)
        status = wanted_pids(&fields[0], map, &self->sources, &all, error);
    if (status == ALTO_OK)
        status = wanted_pids(&fields[1], map, &self->destinations, &all, error);
    if (status != ALTO_OK)
        return status;
    sort_names(&self->sources, place_of_row, costs);
    if (self->sources.count > 0)
        alto_version_row(costs, ALTO_ROW_PAYLOAD, self->sources.items[0], &row);
    sort_names(&self->destinations, place_of_column, row);
    return ALTO_OK;
}

static alto_status begin_rows(cost_answer *self)
{
    self->rows = alto_cost_rows_new(&self->wish, self->destinations.items, self->destinations.count);
    alto_status status = self->rows ? ALTO_OK : ALTO_NO_MEMORY;
    for (size_t i = 0; status == ALTO_OK && i < self->wish.map_count; i++)
        status = alto_cost_rows_name(self->rows, i, self->destinations.items);
    return status;
}

static alto_status add_row(cost_answer *self, alto_slice source, alto_buffer *out)
{
    const alto_tree *rows[2 * ALTO_SERVICE_COSTS];
    for (size_t i = 0; i < self->wish.map_count; i++)
        if (!alto_version_row(self->wish.maps[i]->version, ALTO_ROW_PAYLOAD, source, &rows[i]))
            rows[i] = NULL;
    return alto_cost_rows_add(self->rows, rows, source, out);
}

static alto_status add_cost_map(cost_answer *self, const alto_service *service, alto_buffer *out)
{
    alto_status status = begin_rows(self);
    if (status != ALTO_OK)
        return status;
    alto_buffer_add_text(out, "{\"meta\":{");
    add_meta_member(out, service->map->version, "dependent-vtags");
    alto_buffer_add_text(out, ",");
    alto_cost_wish_meta(&self->wish, out);
    alto_buffer_add_text(out, "},\"cost-map\":");
    for (size_t i = 0; status == ALTO_OK && i < self->sources.count; i++)
        status = add_row(self, self->sources.items[i], out);
    alto_cost_rows_end(self->rows, out);
    alto_buffer_add_text(out, "}");
    return status == ALTO_OK ? out->status : status;
}

static void cost_answer_fini(cost_answer *self)
{
    alto_cost_rows_destroy(&self->rows);
    alto_cost_wish_fini(&self->wish);
    alto_query_strings_fini(&self->sources);
    alto_query_strings_fini(&self->destinations);
}

alto_status alto_query_cost_filter(const alto_view *view, const alto_service *service, alto_slice body,
                                   alto_buffer *out, alto_query_error *error)
{
    cost_answer answer = {.sources = {.items = NULL}};
    alto_query_field pids = {.name = "pids", .path = "pids", .type = ALTO_QUERY_OBJECT};
    alto_status status = alto_cost_wish_read(&answer.wish, view, service, body, &pids, error);
    if (status == ALTO_OK)
        status = read_pids(&answer, &pids, service->network->version, error);
    if (status == ALTO_OK)
        status = add_cost_map(&answer, service, out);
    cost_answer_fini(&answer);
    return status;
}
