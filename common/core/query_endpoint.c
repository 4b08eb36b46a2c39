/* SPDX-License-Identifier: Apache-2.0 */
#include "core/query_endpoint.h"

#include "core/cost_rows.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- endpoints ---- */

/* Endpoints as they were asked for, and as they are. */
typedef struct {
    alto_query_strings texts; /* in order, each once */
    alto_endpoint *addresses; /* owned */
    char client[ALTO_ENDPOINT_TEXT];
} endpoints;

static alto_status endpoints_read(endpoints *self, const alto_query_field *field, alto_query_error *error)
{
    alto_status status = alto_query_strings_read(field, &self->texts, error);
    if (status != ALTO_OK)
        return status;
    alto_query_strings_sort(&self->texts);
    self->addresses = malloc((self->texts.count + 1) * sizeof *self->addresses);
    if (!self->addresses)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->texts.count; i++)
        if (alto_endpoint_parse_typed(self->texts.items[i], &self->addresses[i]) != ALTO_OK)
            return alto_query_bad_value(error, field->path, self->texts.items[i]);
    return ALTO_OK;
}

/* Instead of none. */
static alto_status endpoints_of_client(endpoints *self, const alto_endpoint *client)
{
    alto_slice *items = malloc(sizeof *items);
    if (!items)
        return ALTO_NO_MEMORY;
    alto_query_strings_fini(&self->texts);
    self->texts = (alto_query_strings){.items = items, .count = 1};
    items[0] = alto_slice_of(self->client, alto_endpoint_format(client, self->client));
    self->addresses[0] = *client;
    return ALTO_OK;
}

static void endpoints_fini(endpoints *self)
{
    alto_query_strings_fini(&self->texts);
    free(self->addresses);
}

/* The PIDs of all endpoints in a network map; entries are NULL where no prefix covers one. Owned by the caller.
 * Errors: ALTO_NO_MEMORY. */
static alto_status pids_of(const endpoints *self, const alto_lpm *lpm, const alto_pid ***out)
{
    *out = malloc((self->texts.count + 1) * sizeof(const alto_pid *));
    if (!*out)
        return ALTO_NO_MEMORY;
    alto_lpm_pids(lpm, self->addresses, self->texts.count, *out);
    return ALTO_OK;
}

/* ,"TEXT": where the text is one of an endpoint or a property, which needs no escapes. */
static void add_name(alto_buffer *out, bool *some, alto_slice text)
{
    alto_buffer_add_text(out, *some ? ",\"" : "\"");
    alto_buffer_add_slice(out, text);
    alto_buffer_add_text(out, "\":");
    *some = true;
}

static void add_vtag(alto_buffer *out, const alto_resource *network_map)
{
    alto_vtag vtag = {.resource_id = ""};
    snprintf(vtag.resource_id, sizeof vtag.resource_id, "%.*s", (int)network_map->name.id.size,
             (const char *)network_map->name.id.data);
    memcpy(vtag.tag, network_map->entry.tag, sizeof vtag.tag);
    alto_vtag_text(&vtag, out);
}

/* ---- endpoint property ---- */

/* One property: the network map whose PIDs it tells, and the PIDs of all endpoints. */
typedef struct {
    alto_slice name;
    const alto_resource *map;
    const alto_pid **pids; /* owned */
} property;

typedef struct {
    alto_query_strings names;
    property *properties; /* owned; one for each name */
    endpoints asked;
    alto_buffer *out;
} property_answer;

static alto_status read_properties(property_answer *self, const alto_endpoint_question *question,
                                   const alto_query_field *field, alto_query_error *error)
{
    alto_status status = alto_query_strings_read(field, &self->names, error);
    if (status != ALTO_OK)
        return status;
    if (self->names.count == 0)
        return alto_query_bad_json(error, field->path, field->value);
    alto_query_strings_sort(&self->names);
    self->properties = calloc(self->names.count, sizeof *self->properties);
    if (!self->properties)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < self->names.count; i++) {
        alto_slice name = self->names.items[i];
        const alto_resource *map = alto_service_property(question->view, question->service, name);
        if (!map)
            return alto_query_bad_value(error, field->path, name);
        self->properties[i] = (property){.name = name, .map = map};
    }
    return ALTO_OK;
}

static alto_status find_pids(property_answer *self, const alto_endpoint_question *question)
{
    for (size_t i = 0; i < self->names.count; i++) {
        const alto_lpm *lpm;
        alto_status status = question->lpm(self->properties[i].map, &lpm);
        if (status == ALTO_OK)
            status = pids_of(&self->asked, lpm, &self->properties[i].pids);
        if (status != ALTO_OK)
            return status;
    }
    return ALTO_OK;
}

static void add_properties(property_answer *self, size_t endpoint)
{
    bool some = false;
    alto_buffer_add_text(self->out, "{");
    for (size_t i = 0; i < self->names.count; i++) {
        const alto_pid *pid = self->properties[i].pids[endpoint];
        if (!pid)
            continue;
        add_name(self->out, &some, self->properties[i].name);
        alto_json_string(self->out, alto_pid_name(pid));
    }
    alto_buffer_add_text(self->out, "}");
}

static void add_property_map(property_answer *self)
{
    bool some = false;
    alto_buffer_add_text(self->out, "{\"meta\":{\"dependent-vtags\":[");
    for (size_t i = 0; i < self->names.count; i++) {
        alto_buffer_add_text(self->out, i ? "," : "");
        add_vtag(self->out, self->properties[i].map);
    }
    alto_buffer_add_text(self->out, "]},\"endpoint-properties\":{");
    for (size_t i = 0; i < self->asked.texts.count && self->out->status == ALTO_OK; i++) {
        add_name(self->out, &some, self->asked.texts.items[i]);
        add_properties(self, i);
    }
    alto_buffer_add_text(self->out, "}}");
}

static void property_answer_fini(property_answer *self)
{
    for (size_t i = 0; self->properties && i < self->names.count; i++)
        free(self->properties[i].pids);
    free(self->properties);
    alto_query_strings_fini(&self->names);
    endpoints_fini(&self->asked);
}

alto_status alto_query_endpoint_property(const alto_endpoint_question *question, alto_slice body, alto_buffer *out,
                                         alto_query_error *error)
{
    enum { PROPERTIES, ENDPOINTS, COUNT };
    alto_query_field fields[COUNT] = {
        [PROPERTIES] = {.name = "properties", .path = "properties", .type = ALTO_QUERY_ARRAY, .required = true},
        [ENDPOINTS] = {.name = "endpoints", .path = "endpoints", .type = ALTO_QUERY_ARRAY, .required = true}};
    property_answer answer = {.out = out};
    alto_status status = alto_query_open(body, error);
    if (status == ALTO_OK)
        status = alto_query_fields(body, fields, COUNT, error);
    if (status == ALTO_OK)
        status = read_properties(&answer, question, &fields[PROPERTIES], error);
    if (status == ALTO_OK)
        status = endpoints_read(&answer.asked, &fields[ENDPOINTS], error);
    if (status == ALTO_OK && answer.asked.texts.count == 0)
        status = alto_query_bad_json(error, fields[ENDPOINTS].path, fields[ENDPOINTS].value);
    if (status == ALTO_OK)
        status = find_pids(&answer, question);
    if (status == ALTO_OK) {
        add_property_map(&answer);
        status = out->status;
    }
    property_answer_fini(&answer);
    return status;
}

/* ---- endpoint cost ---- */

/* What one cost map of the wish says of the endpoints. */
typedef struct {
    const alto_resource *network;
    const alto_pid **sources; /* owned */
    alto_slice *destinations; /* owned; names of their PIDs, empty where there is none */
} side;

typedef struct {
    endpoints sources, destinations;
    alto_cost_wish wish;
    side sides[2 * ALTO_SERVICE_COSTS]; /* one for each map of the wish */
    alto_cost_rows *rows;               /* owned */
} cost_answer;

static alto_status read_pairs(cost_answer *self, const alto_endpoint_question *question, const alto_query_field *field,
                              alto_query_error *error)
{
    alto_query_field lists[] = {{.name = "srcs", .path = "endpoints/srcs", .type = ALTO_QUERY_ARRAY},
                                {.name = "dsts", .path = "endpoints/dsts", .type = ALTO_QUERY_ARRAY}};
    endpoints *both[] = {&self->sources, &self->destinations};
    alto_status status = alto_query_fields(field->value, lists, 2, error);
    for (int i = 0; status == ALTO_OK && i < 2; i++)
        status = endpoints_read(both[i], &lists[i], error);
    if (status != ALTO_OK)
        return status;
    bool from = self->sources.texts.count > 0, to = self->destinations.texts.count > 0;
    if ((!from && !to) || ((!from || !to) && !question->client))
        return alto_query_bad_json(error, field->path, field->value);
    for (int i = 0; status == ALTO_OK && i < 2; i++)
        if (both[i]->texts.count == 0)
            status = endpoints_of_client(both[i], question->client);
    if (status == ALTO_OK && self->sources.texts.count > ALTO_MAX_PAIRS / self->destinations.texts.count)
        status = ALTO_TOO_LARGE;
    return status;
}

/* The names of the PIDs of all endpoints, as pids_of has them. */
static alto_status names_of(const endpoints *self, const alto_lpm *lpm, alto_slice **out)
{
    const alto_pid **pids = NULL;
    alto_status status = pids_of(self, lpm, &pids);
    *out = status == ALTO_OK ? calloc(self->texts.count + 1, sizeof **out) : NULL;
    for (size_t i = 0; *out && i < self->texts.count; i++)
        if (pids[i])
            (*out)[i] = alto_pid_name(pids[i]);
    free(pids);
    return *out ? ALTO_OK : ALTO_NO_MEMORY;
}

static alto_status find_side(cost_answer *self, size_t map, const alto_endpoint_question *question)
{
    side *at = &self->sides[map];
    const alto_lpm *lpm;
    at->network = alto_service_network(question->view, self->wish.maps[map]);
    alto_status status = question->lpm(at->network, &lpm);
    if (status == ALTO_OK)
        status = pids_of(&self->sources, lpm, &at->sources);
    if (status == ALTO_OK)
        status = names_of(&self->destinations, lpm, &at->destinations);
    return status == ALTO_OK ? alto_cost_rows_name(self->rows, map, at->destinations) : status;
}

static alto_status begin_rows(cost_answer *self, const alto_endpoint_question *question)
{
    const alto_query_strings *texts = &self->destinations.texts;
    self->rows = alto_cost_rows_new(&self->wish, texts->items, texts->count);
    alto_status status = self->rows ? ALTO_OK : ALTO_NO_MEMORY;
    for (size_t i = 0; status == ALTO_OK && i < self->wish.map_count; i++)
        status = find_side(self, i, question);
    return status;
}

static alto_status add_source(cost_answer *self, size_t source, alto_buffer *out)
{
    const alto_tree *rows[2 * ALTO_SERVICE_COSTS];
    for (size_t i = 0; i < self->wish.map_count; i++) {
        const alto_pid *pid = self->sides[i].sources[source];
        if (!pid || !alto_pid_row(pid, self->wish.maps[i]->version, &rows[i]))
            rows[i] = NULL;
    }
    return alto_cost_rows_add(self->rows, rows, self->sources.texts.items[source], out);
}

/* Was the network map named for one of the sides before? */
static bool named(const cost_answer *self, size_t side_index)
{
    for (size_t i = 0; i < side_index; i++)
        if (self->sides[i].network == self->sides[side_index].network)
            return true;
    return false;
}

static alto_status add_cost_map(cost_answer *self, alto_buffer *out)
{
    alto_status status = ALTO_OK;
    alto_buffer_add_text(out, "{\"meta\":{");
    alto_cost_wish_meta(&self->wish, out);
    alto_buffer_add_text(out, ",\"vtag\":");
    add_vtag(out, self->sides[0].network);
    alto_buffer_add_text(out, ",\"dependent-vtags\":[");
    for (size_t i = 0; i < self->wish.map_count; i++) {
        if (named(self, i))
            continue;
        alto_buffer_add_text(out, i ? "," : "");
        add_vtag(out, self->sides[i].network);
    }
    alto_buffer_add_text(out, "]},\"endpoint-cost-map\":");
    for (size_t i = 0; status == ALTO_OK && i < self->sources.texts.count; i++)
        status = add_source(self, i, out);
    alto_cost_rows_end(self->rows, out);
    alto_buffer_add_text(out, "}");
    return status == ALTO_OK ? out->status : status;
}

static void cost_answer_fini(cost_answer *self)
{
    alto_cost_rows_destroy(&self->rows);
    for (size_t i = 0; i < self->wish.map_count; i++) {
        free(self->sides[i].sources);
        free(self->sides[i].destinations);
    }
    alto_cost_wish_fini(&self->wish);
    endpoints_fini(&self->sources);
    endpoints_fini(&self->destinations);
}

alto_status alto_query_endpoint_cost(const alto_endpoint_question *question, alto_slice body, alto_buffer *out,
                                     alto_query_error *error)
{
    cost_answer answer = {.rows = NULL};
    alto_query_field pairs = {.name = "endpoints", .path = "endpoints", .type = ALTO_QUERY_OBJECT, .required = true};
    alto_status status = alto_cost_wish_read(&answer.wish, question->view, question->service, body, &pairs, error);
    if (status == ALTO_OK)
        status = read_pairs(&answer, question, &pairs, error);
    if (status == ALTO_OK)
        status = begin_rows(&answer, question);
    if (status == ALTO_OK)
        status = add_cost_map(&answer, out);
    cost_answer_fini(&answer);
    return status;
}
