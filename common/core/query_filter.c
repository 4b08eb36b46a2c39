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

/* The wanted PIDs: what the field lists, in no order and whatever it is, and all of the map where that is nothing. */
static alto_status wanted_pids(const alto_query_field *field, const alto_version *map, alto_query_strings *out,
                               bool *all, alto_query_error *error)
{
    alto_status status = alto_query_strings_read(field, out, error);
    *all = status == ALTO_OK && out->count == 0;
    if (!*all)
        return status;
    alto_query_strings_fini(out);
    return all_pids(map, out);
}

/* Put them into ascending order, each once, without what is no PID's name. */
static void sort_pids(alto_query_strings *pids)
{
    size_t kept = 0;
    for (size_t i = 0; i < pids->count; i++)
        if (alto_name_valid(pids->items[i]))
            pids->items[kept++] = pids->items[i];
    pids->count = kept;
    alto_query_strings_sort(pids);
}

static void add_meta_member(alto_buffer *out, const alto_version *version, const char *name)
{
    alto_slice text;
    if (alto_version_member(version, "meta", name, &text)) {
        alto_buffer_add_text(out, "\"");
        alto_buffer_add_text(out, name);
        alto_buffer_add_text(out, "\":");
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
        sort_pids(&answer.pids);
        alto_query_strings_sort(&answer.types);
        add_network_map(&answer, map);
        status = out->status;
    }
    alto_query_strings_fini(&answer.pids);
    alto_query_strings_fini(&answer.types);
    return status;
}

/* ---- filtered cost map ---- */

enum { FEW = 128, EXPECTED = 65536 }; /* names; bytes of an answer, to begin with */

typedef struct {
    alto_query_strings sources, destinations;
    bool found_sources, found_destinations; /* in the first map of the wish: */
    const alto_tree *rows[FEW];             /* of the sources */
    uint64_t columns[FEW];                  /* places of the destinations, in the row of the first source */
    alto_cost_wish wish;
    alto_cost_rows *answered; /* owned */
} cost_answer;

/* ---- the order of names: few of them are quicker put in order by where they stand in the map than by their letters ---- */

/* A name, and where it was found in a cost map. */
typedef struct {
    alto_slice name;
    uint64_t place;
    const alto_tree *row; /* of a source */
} found_name;

typedef bool find_fn(const void *where, found_name *found);

static bool find_row(const void *where, found_name *found)
{
    return alto_version_place(where, ALTO_ROW_PAYLOAD, found->name, &found->place, &found->row) && found->place;
}

static bool find_column(const void *where, found_name *found)
{
    alto_value value;
    return alto_tree_find_again(where, found->name, &found->place, &value) && found->place;
}

static void insert(uint64_t *sorted, size_t count, uint64_t added)
{
    for (; count > 0 && sorted[count - 1] > added; count--)
        sorted[count] = sorted[count - 1];
    sorted[count] = added;
}

/* Put them into ascending order, each once, and tell where each of them is (rows: unless it is NULL). False: they are too many, or
 * one is not there. */
static bool order_by_place(alto_query_strings *names, find_fn *find, const void *where, uint64_t places[FEW],
                           const alto_tree *rows[FEW])
{
    found_name unsorted[FEW];
    uint64_t
        sorted[FEW]; /* places; instead of the first eight bits, which all in a tree have alike, which name it is */
    const size_t count = names->count;
    size_t kept = 0;
    if (count > FEW)
        return false;
    for (size_t i = 0; i < count; i++) {
        unsorted[i] = (found_name){.name = names->items[i]};
        if (!find(where, &unsorted[i]))
            return false;
        insert(sorted, i, unsorted[i].place << 8 | i);
    }
    for (size_t i = 0; i < count; i++) {
        const found_name *next = &unsorted[sorted[i] & 0xff];
        if (i > 0 && sorted[i] >> 8 == sorted[i - 1] >> 8)
            continue;
        names->items[kept] = next->name;
        places[kept] = next->place;
        if (rows)
            rows[kept] = next->row;
        kept++;
    }
    names->count = kept;
    return true;
}

static void order_pids(cost_answer *self)
{
    uint64_t places[FEW];
    self->found_sources = order_by_place(&self->sources, find_row, self->wish.maps[0]->version, places, self->rows);
    self->found_destinations = self->found_sources && self->sources.count > 0 &&
                               order_by_place(&self->destinations, find_column, self->rows[0], self->columns, NULL);
    if (!self->found_sources)
        sort_pids(&self->sources);
    if (!self->found_destinations)
        sort_pids(&self->destinations);
}

static alto_status read_pids(cost_answer *self, const alto_query_field *pids, const alto_version *map,
                             alto_query_error *error)
{
    alto_query_field fields[] = {{.name = "srcs", .path = "pids/srcs", .type = ALTO_QUERY_ARRAY, .required = true},
                                 {.name = "dsts", .path = "pids/dsts", .type = ALTO_QUERY_ARRAY, .required = true}};
    bool all;
    alto_status status = alto_query_has(pids) ? alto_query_fields(pids->value, fields, 2, error) : ALTO_OK;
    if (status == ALTO_OK)
        status = wanted_pids(&fields[0], map, &self->sources, &all, error);
    if (status == ALTO_OK)
        status = wanted_pids(&fields[1], map, &self->destinations, &all, error);
    if (status != ALTO_OK)
        return status;
    order_pids(self);
    return ALTO_OK;
}

static alto_status begin_rows(cost_answer *self)
{
    self->answered = alto_cost_rows_new(&self->wish, self->destinations.items, self->destinations.count);
    alto_status status = self->answered ? ALTO_OK : ALTO_NO_MEMORY;
    for (size_t i = 0; status == ALTO_OK && i < self->wish.map_count; i++)
        status = alto_cost_rows_name(self->answered, i, self->destinations.items);
    if (status == ALTO_OK && self->found_destinations)
        alto_cost_rows_found(self->answered, 0, self->rows[0], self->columns);
    return status;
}

static alto_status add_row(cost_answer *self, size_t source, alto_buffer *out)
{
    const alto_tree *rows[2 * ALTO_SERVICE_COSTS];
    alto_slice name = self->sources.items[source];
    for (size_t i = 0; i < self->wish.map_count; i++)
        if (i == 0 && self->found_sources)
            rows[i] = self->rows[source];
        else if (!alto_version_row(self->wish.maps[i]->version, ALTO_ROW_PAYLOAD, name, &rows[i]))
            rows[i] = NULL;
    return alto_cost_rows_add(self->answered, rows, name, out);
}

/* The rows are mostly as long as the first one. */
static void expect_rows(const cost_answer *self, alto_buffer *out)
{
    size_t least = EXPECTED / (self->sources.count + 2);
    alto_buffer_expect(out, out->size < least ? out->size * (self->sources.count + 2) : EXPECTED);
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
    for (size_t i = 0; status == ALTO_OK && i < self->sources.count; i++) {
        status = add_row(self, i, out);
        if (i == 0)
            expect_rows(self, out);
    }
    alto_cost_rows_end(self->answered, out);
    alto_buffer_add_text(out, "}");
    return status == ALTO_OK ? out->status : status;
}

static void cost_answer_fini(cost_answer *self)
{
    alto_cost_rows_destroy(&self->answered);
    alto_cost_wish_fini(&self->wish);
    alto_query_strings_fini(&self->sources);
    alto_query_strings_fini(&self->destinations);
}

alto_status alto_query_cost_filter(const alto_view *view, const alto_service *service, alto_slice body,
                                   alto_buffer *out, alto_query_error *error)
{
    cost_answer answer; /* not all of it: the arrays are large */
    answer.sources = answer.destinations = (alto_query_strings){.items = NULL};
    answer.answered = NULL;
    alto_query_field pids = {.name = "pids", .path = "pids", .type = ALTO_QUERY_OBJECT};
    alto_status status = alto_cost_wish_read(&answer.wish, view, service, body, &pids, error);
    if (status == ALTO_OK)
        status = read_pids(&answer, &pids, service->network->version, error);
    if (status == ALTO_OK)
        status = add_cost_map(&answer, service, out);
    cost_answer_fini(&answer);
    return status;
}
