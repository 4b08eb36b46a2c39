/* SPDX-License-Identifier: Apache-2.0 */
#include "core/query_filter.h"

#include "core/cost_pick.h"
#include "core/number.h"
#include "core/number_quick.h"
#include "core/query_cost.h"
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

enum { COPY = 16 }; /* bytes copied at a time, up to so many more than there are */

/* What stands before each cost: ,"PID": */
typedef struct {
    uint32_t begin, size; /* in `names` */
} column_text;

typedef struct {
    alto_query_strings sources, destinations;
    alto_cost_wish wish;
    alto_cost_pick picks[2 * ALTO_SERVICE_COSTS]; /* one for each map of the wish */
    column_text *texts;                           /* owned; of each destination */
    alto_buffer names;
    double *costs;     /* owned; of one row: of the first map in each destination, then of the second */
    alto_quick *quick; /* owned; the same */
    size_t room;       /* bytes that a row may need */
    alto_buffer *out;
    bool some; /* a row was written */
} cost_answer;

static alto_status write_names(cost_answer *self)
{
    static const uint8_t before[] = {',', '"'}, behind[] = {'"', ':'};
    size_t count = self->destinations.count, size = COPY;
    for (size_t i = 0; i < count; i++)
        size += sizeof before + self->destinations.items[i].size + sizeof behind;
    self->names = alto_buffer_make(size);
    self->texts = malloc((count + 1) * sizeof *self->texts);
    uint8_t *begin = alto_buffer_grow(&self->names, size), *at = begin;
    if (!self->texts || !begin)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        alto_slice name = self->destinations.items[i]; /* names of PIDs need no escapes */
        self->texts[i].begin = (uint32_t)(at - begin);
        memcpy(at, before, sizeof before);
        memcpy(at + sizeof before, name.data, name.size);
        memcpy(at + sizeof before + name.size, behind, sizeof behind);
        self->texts[i].size = (uint32_t)(sizeof before + name.size + sizeof behind);
        at += self->texts[i].size;
    }
    return ALTO_OK;
}

static alto_status begin_picks(cost_answer *self)
{
    size_t count = self->destinations.count, maps = self->wish.map_count;
    alto_status status = write_names(self);
    for (size_t i = 0; status == ALTO_OK && i < maps; i++)
        status = alto_cost_pick_init(&self->picks[i], self->destinations.items, count);
    self->costs = malloc((count * maps + 1) * sizeof *self->costs);
    self->quick = malloc((count * maps + 1) * sizeof *self->quick);
    self->room = self->names.size + count * (self->wish.count * (ALTO_NUMBER_TEXT + 1) + 2) + ALTO_MAX_NAME + COPY;
    return status == ALTO_OK && !(self->costs && self->quick) ? ALTO_NO_MEMORY : status;
}

static inline uint8_t *copy(uint8_t *to, const uint8_t *from, size_t size)
{
    for (size_t at = 0; at < size; at += COPY)
        memcpy(to + at, from + at, COPY);
    return to + size;
}

static inline uint8_t *put_cost(uint8_t *at, alto_quick quick, double cost)
{
    static const uint8_t none[] = {'n', 'u', 'l', 'l'};
    if (quick.whole != ALTO_QUICK_NONE)
        return alto_quick_put(at, quick);
    if (!alto_cost_none(cost))
        return at + alto_number_format(cost, (char *)at);
    memcpy(at, none, sizeof none);
    return at + sizeof none;
}

/* One destination: its number, or an array of them. */
static uint8_t *put_cell(const cost_answer *self, uint8_t *at, size_t column)
{
    at = copy(at, self->names.data + self->texts[column].begin, self->texts[column].size);
    if (!self->wish.multi)
        return put_cost(at, self->quick[column], self->costs[column]);
    for (size_t i = 0; i < self->wish.count; i++) {
        size_t place = i * self->destinations.count + column;
        *at++ = i ? ',' : '[';
        at = put_cost(at, self->quick[place], self->costs[place]);
    }
    *at++ = ']';
    return at;
}

/* The usual row, of one map and without conditions. What it needs is held in locals: for all the compiler knows, bytes
 * that are written could be part of *self. */
static uint8_t *put_plain_cells(const cost_answer *self, uint8_t *at)
{
    const double *costs = self->costs;
    const alto_quick *quick = self->quick;
    const column_text *texts = self->texts;
    const uint8_t *names = self->names.data;
    for (size_t i = 0, count = self->destinations.count; i < count; i++)
        if (quick[i].whole != ALTO_QUICK_NONE)
            at = alto_quick_put(copy(at, names + texts[i].begin, texts[i].size), quick[i]);
        else if (!alto_cost_none(costs[i]))
            at = put_cost(copy(at, names + texts[i].begin, texts[i].size), quick[i], costs[i]);
    return at;
}

static bool admits(const cost_answer *self, size_t column)
{
    double costs[2 * ALTO_SERVICE_COSTS];
    for (size_t i = 0; i < self->wish.map_count; i++)
        costs[i] = self->costs[i * self->destinations.count + column];
    return alto_cost_wish_admits(&self->wish, costs);
}

/* The costs of a source in all maps. */
static alto_status pick_rows(cost_answer *self, alto_slice source)
{
    alto_status status = ALTO_OK;
    for (size_t i = 0; status == ALTO_OK && i < self->wish.map_count; i++) {
        const alto_tree *row = NULL;
        alto_version_row(self->wish.maps[i]->version, ALTO_ROW_PAYLOAD, source, &row);
        status = alto_cost_pick_row(&self->picks[i], row, self->costs + i * self->destinations.count);
    }
    alto_quick_split(self->costs, self->wish.map_count * self->destinations.count, self->quick);
    return status;
}

static uint8_t *put_cells(const cost_answer *self, uint8_t *at)
{
    for (size_t i = 0; i < self->destinations.count; i++)
        if (admits(self, i))
            at = put_cell(self, at, i);
    return at;
}

static alto_status add_row(cost_answer *self, size_t number)
{
    alto_slice source = self->sources.items[number];
    alto_status status = pick_rows(self, source);
    if (status != ALTO_OK)
        return status;
    size_t before = self->out->size;
    uint8_t *begin = alto_buffer_grow(self->out, self->room), *at = begin;
    if (!begin)
        return self->out->status;
    *at++ = ',';
    *at++ = '"';
    memcpy(at, source.data, source.size);
    at += source.size;
    *at++ = '"';
    *at++ = ':';
    uint8_t *open = at;
    at = self->wish.map_count == 1 && self->wish.test_count == 0 && !self->wish.multi ? put_plain_cells(self, at)
                                                                                      : put_cells(self, at);
    if (at == open) { /* nothing to say of it */
        self->out->size = before;
        return ALTO_OK;
    }
    *open = '{'; /* instead of the first comma */
    *at++ = '}';
    if (!self->some)
        *begin = '{'; /* likewise */
    self->some = true;
    self->out->size = before + (size_t)(at - begin);
    return ALTO_OK;
}

static alto_status add_cost_map(cost_answer *self, const alto_service *service)
{
    alto_status status = begin_picks(self);
    alto_buffer_add_text(self->out, "{\"meta\":{");
    add_meta_member(self->out, service->map->version, "dependent-vtags");
    alto_buffer_add_text(self->out, ",");
    alto_cost_wish_meta(&self->wish, self->out);
    alto_buffer_add_text(self->out, "},\"cost-map\":");
    for (size_t i = 0; status == ALTO_OK && i < self->sources.count; i++)
        status = add_row(self, i);
    alto_buffer_add_text(self->out, self->some ? "}}" : "{}}");
    return status == ALTO_OK ? self->out->status : status;
}

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
    uint64_t sorted[FEW],
        place; /* eight bits for which name it is, instead of the first, which all places of a tree have alike */
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

static void cost_answer_fini(cost_answer *self)
{
    for (size_t i = 0; i < self->wish.map_count; i++)
        alto_cost_pick_fini(&self->picks[i]);
    alto_cost_wish_fini(&self->wish);
    alto_query_strings_fini(&self->sources);
    alto_query_strings_fini(&self->destinations);
    alto_buffer_fini(&self->names);
    free(self->texts);
    free(self->costs);
    free(self->quick);
}

alto_status alto_query_cost_filter(const alto_view *view, const alto_service *service, alto_slice body,
                                   alto_buffer *out, alto_query_error *error)
{
    cost_answer answer = {.out = out};
    alto_query_field pids = {.name = "pids", .path = "pids", .type = ALTO_QUERY_OBJECT};
    alto_status status = alto_cost_wish_read(&answer.wish, view, service, body, &pids, error);
    if (status == ALTO_OK)
        status = read_pids(&answer, &pids, service->network->version, error);
    if (status == ALTO_OK)
        status = add_cost_map(&answer, service);
    cost_answer_fini(&answer);
    return status;
}
