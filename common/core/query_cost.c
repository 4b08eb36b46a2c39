/* SPDX-License-Identifier: Apache-2.0 */
#include "core/query_cost.h"

#include "core/json_text.h"
#include "core/number.h"

#include <math.h>
#include <stdlib.h>

enum { COST_TYPE, MULTI, TESTABLE, CONSTRAINTS, OR_CONSTRAINTS, OTHER, FIELDS };

/* ---- cost types ---- */

static bool read_type(alto_slice object, alto_cost_type *type, alto_query_error *error)
{
    alto_query_field fields[] = {{.name = "cost-metric", .path = "cost-type/cost-metric", .required = true},
                                 {.name = "cost-mode", .path = "cost-type/cost-mode", .required = true}};
    if (alto_query_fields(object, fields, 2, error) != ALTO_OK)
        return false;
    alto_query_text(fields[0].value, type->metric, sizeof type->metric);
    alto_query_text(fields[1].value, type->mode, sizeof type->mode);
    return true;
}

static bool metric_offered(const alto_view *view, const alto_service *service, const char *metric)
{
    const alto_resource *costs[ALTO_SERVICE_COSTS];
    size_t count = alto_service_costs(view, service, costs);
    alto_cost_type type;
    for (size_t i = 0; i < count; i++)
        if (alto_version_cost_type(costs[i]->version, &type) && strcmp(type.metric, metric) == 0)
            return true;
    return false;
}

/* "cost-type": its cost map becomes the first. */
static alto_status read_single(alto_cost_wish *self, const alto_view *view, const alto_service *service,
                               alto_slice object, alto_query_error *error)
{
    alto_cost_type type;
    if (!read_type(object, &type, error))
        return ALTO_INVALID;
    self->maps[0] = alto_service_cost(view, service, &type);
    self->count = self->map_count = 1;
    if (self->maps[0])
        return ALTO_OK;
    bool mode = metric_offered(view, service, type.metric);
    return alto_query_bad_value(error, mode ? "cost-type/cost-mode" : "cost-type/cost-metric",
                                alto_slice_text(mode ? type.mode : type.metric));
}

/* An array of cost types, as many as are offered at most: their cost maps are added. */
static alto_status read_several(alto_cost_wish *self, const alto_view *view, const alto_service *service,
                                const alto_query_field *field, alto_query_error *error)
{
    const alto_resource *offered[ALTO_SERVICE_COSTS];
    size_t offers = alto_service_costs(view, service, offered), several = alto_service_several(service);
    size_t most = offers < several ? offers : several;
    alto_json_walk walk = alto_json_elements(field->value);
    alto_slice value;
    size_t count = 0;
    while (alto_json_next(&walk, &value)) {
        alto_cost_type type;
        const alto_resource *map = NULL;
        if (value.data[0] == '{' && read_type(value, &type, error))
            map = alto_service_cost(view, service, &type);
        if (!map || count++ == most)
            return alto_query_bad_json(error, field->path, value);
        self->maps[self->map_count++] = map;
    }
    return count ? ALTO_OK : alto_query_bad_json(error, field->path, field->value);
}

static alto_status read_types(alto_cost_wish *self, const alto_view *view, const alto_service *service,
                              const alto_query_field *fields, alto_query_error *error)
{
    self->multi = alto_query_has(&fields[MULTI]);
    if (self->multi == alto_query_has(&fields[COST_TYPE]))
        return self->multi ? alto_query_bad_json(error, fields[MULTI].path, fields[MULTI].value)
                           : alto_query_missing(error, fields[COST_TYPE].path);
    alto_status status = self->multi ? read_several(self, view, service, &fields[MULTI], error)
                                     : read_single(self, view, service, fields[COST_TYPE].value, error);
    self->count = self->map_count;
    return status;
}

/* ---- conditions ---- */

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The next word; empty at the end. */
static alto_slice next_word(alto_slice *rest)
{
    while (rest->size && is_space(*rest->data))
        *rest = alto_slice_of(rest->data + 1, rest->size - 1);
    alto_slice word = {rest->data, 0};
    while (word.size < rest->size && !is_space(word.data[word.size]))
        word.size++;
    *rest = alto_slice_of(rest->data + word.size, rest->size - word.size);
    return word;
}

/* "[12]": a number below `count`. */
static bool read_index(alto_slice word, size_t count, uint32_t *index)
{
    if (word.size < 3 || word.size > 5 || word.data[word.size - 1] != ']')
        return false;
    *index = 0;
    for (size_t i = 1; i + 1 < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        *index = 10 * *index + (uint32_t)(word.data[i] - '0');
    }
    return *index < count;
}

/* "ge 5", "[1] le 2.5". first, count: the maps that an index may mean. */
static bool read_test(alto_slice text, size_t first, size_t count, alto_cost_test *out)
{
    static const char relations[][3] = {[ALTO_COST_EQ] = "eq",
                                        [ALTO_COST_LT] = "lt",
                                        [ALTO_COST_LE] = "le",
                                        [ALTO_COST_GT] = "gt",
                                        [ALTO_COST_GE] = "ge"};
    uint32_t index = 0, relation = 0;
    alto_slice word = next_word(&text);
    if (word.size && word.data[0] == '[') {
        if (!read_index(word, count, &index))
            return false;
        word = next_word(&text);
    }
    while (relation <= ALTO_COST_GE && !alto_slice_equal(word, alto_slice_text(relations[relation])))
        relation++;
    *out = (alto_cost_test){.relation = relation, .source = (uint32_t)first + index};
    return relation <= ALTO_COST_GE && alto_number_parse(next_word(&text), &out->bound) == ALTO_OK &&
           next_word(&text).size == 0;
}

/* Tests that have to hold together. */
static alto_status add_tests(alto_cost_wish *self, const alto_service *service, const alto_query_strings *texts,
                             const char *path, size_t first, alto_query_error *error)
{
    alto_cost_test *grown = realloc(self->tests, (self->test_count + texts->count) * sizeof *grown);
    if (!grown)
        return ALTO_NO_MEMORY;
    self->tests = grown;
    for (size_t i = 0; i < texts->count; i++)
        if (self->test_count == ALTO_MAX_CONSTRAINTS ||
            !read_test(texts->items[i], first, self->map_count - first, &self->tests[self->test_count++]) ||
            !alto_service_tests(service, self->maps[self->tests[self->test_count - 1].source]))
            return alto_query_bad_value(error, path, texts->items[i]);
    self->tests[self->test_count - 1].last = true;
    return ALTO_OK;
}

static alto_status read_tests(alto_cost_wish *self, const alto_service *service, const alto_query_field *field,
                              size_t first, alto_query_error *error)
{
    alto_query_strings texts;
    alto_status status = alto_query_strings_read(field, &texts, error);
    if (status != ALTO_OK)
        return status;
    if (texts.count)
        status = add_tests(self, service, &texts, field->path, first, error);
    alto_query_strings_fini(&texts);
    return status;
}

static alto_status read_alternatives(alto_cost_wish *self, const alto_service *service, const alto_query_field *field,
                                     size_t first, alto_query_error *error)
{
    alto_json_walk walk = alto_json_elements(field->value);
    alto_query_field one = *field;
    while (alto_json_next(&walk, &one.value)) {
        size_t before = self->test_count;
        if (one.value.data[0] != '[')
            return alto_query_bad_json(error, field->path, one.value);
        alto_status status = read_tests(self, service, &one, first, error);
        if (status != ALTO_OK)
            return status;
        if (self->test_count == before)
            return alto_query_bad_json(error, field->path, one.value);
    }
    return self->test_count ? ALTO_OK : alto_query_bad_json(error, field->path, field->value);
}

/* Fields that the service does not know are ignored (8.3.7). */
static void forget_unknown(const alto_service *service, alto_query_field fields[OTHER])
{
    static const int several[] = {MULTI, TESTABLE, OR_CONSTRAINTS}; /* RFC 8189 */
    for (size_t i = 0; i < 3 && alto_service_several(service) == 0; i++)
        fields[several[i]].value = alto_slice_of(NULL, 0);
}

/* Constraints where none are allowed (11.3.2.3). */
static alto_status refuse_constraints(const alto_service *service, const alto_query_field fields[OTHER],
                                      alto_query_error *error)
{
    for (int i = CONSTRAINTS; i <= OR_CONSTRAINTS; i++)
        if (alto_query_has(&fields[i]) && !alto_service_tests(service, NULL))
            return alto_query_bad_json(error, fields[i].path, fields[i].value);
    return ALTO_OK;
}

static alto_status read_fields(alto_cost_wish *self, const alto_view *view, const alto_service *service,
                               alto_query_field fields[OTHER], alto_query_error *error)
{
    forget_unknown(service, fields);
    alto_status status = refuse_constraints(service, fields, error);
    if (status == ALTO_OK)
        status = read_types(self, view, service, fields, error);
    size_t first = alto_query_has(&fields[TESTABLE]) ? self->count : 0; /* that index 0 means */
    if (status == ALTO_OK && first)
        status = read_several(self, view, service, &fields[TESTABLE], error);
    if (status != ALTO_OK)
        return status;
    if (!alto_query_has(&fields[OR_CONSTRAINTS]))
        return read_tests(self, service, &fields[CONSTRAINTS], first, error);
    if (alto_query_has(&fields[CONSTRAINTS]))
        return alto_query_bad_json(error, fields[OR_CONSTRAINTS].path, fields[OR_CONSTRAINTS].value);
    return read_alternatives(self, service, &fields[OR_CONSTRAINTS], first, error);
}

alto_status alto_cost_wish_read(alto_cost_wish *self, const alto_view *view, const alto_service *service,
                                alto_slice body, alto_query_field *other, alto_query_error *error)
{
    alto_query_field fields[FIELDS] = {
        [COST_TYPE] = {.name = "cost-type", .path = "cost-type", .type = ALTO_QUERY_OBJECT},
        [MULTI] = {.name = "multi-cost-types", .path = "multi-cost-types", .type = ALTO_QUERY_ARRAY},
        [TESTABLE] = {.name = "testable-cost-types", .path = "testable-cost-types", .type = ALTO_QUERY_ARRAY},
        [CONSTRAINTS] = {.name = "constraints", .path = "constraints", .type = ALTO_QUERY_ARRAY},
        [OR_CONSTRAINTS] = {.name = "or-constraints", .path = "or-constraints", .type = ALTO_QUERY_ARRAY},
        [OTHER] = *other};
    *self = (alto_cost_wish){.multi = false};
    alto_status status = alto_query_open(body, error);
    if (status == ALTO_OK)
        status = alto_query_fields(body, fields, FIELDS, error);
    *other = fields[OTHER];
    return status == ALTO_OK ? read_fields(self, view, service, fields, error) : status;
}

void alto_cost_wish_fini(alto_cost_wish *self)
{
    free(self->tests);
    self->tests = NULL;
}

static bool holds(const alto_cost_test *test, double cost)
{
    switch (test->relation) {
    case ALTO_COST_EQ:
        return cost >= test->bound && cost <= test->bound;
    case ALTO_COST_LT:
        return cost < test->bound;
    case ALTO_COST_LE:
        return cost <= test->bound;
    case ALTO_COST_GT:
        return cost > test->bound;
    case ALTO_COST_GE:
        return cost >= test->bound;
    }
    return false;
}

bool alto_cost_wish_admits(const alto_cost_wish *self, const double *costs)
{
    size_t there = 0;
    while (there < self->count && isnan(costs[there]))
        there++;
    if (there == self->count)
        return false;
    bool all = true;
    for (size_t i = 0; i < self->test_count; i++) {
        all = all && holds(&self->tests[i], costs[self->tests[i].source]); /* with NaN nothing holds */
        if (all && self->tests[i].last)
            return true;
        all = all || self->tests[i].last;
    }
    return self->test_count == 0;
}

static void add_type(const alto_resource *map, alto_buffer *out)
{
    alto_slice text;
    if (alto_version_member(map->version, "meta", "cost-type", &text))
        alto_buffer_add_slice(out, text);
}

void alto_cost_wish_meta(const alto_cost_wish *self, alto_buffer *out)
{
    alto_buffer_add_text(out, self->multi ? "\"cost-type\":{},\"multi-cost-types\":[" : "\"cost-type\":");
    for (size_t i = 0; i < self->count; i++) {
        alto_buffer_add_text(out, i ? "," : "");
        add_type(self->maps[i], out);
    }
    alto_buffer_add_text(out, self->multi ? "]" : "");
}
