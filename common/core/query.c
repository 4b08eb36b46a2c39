/* SPDX-License-Identifier: Apache-2.0 */
#include "core/query.h"

#include "core/json_parse.h"
#include "core/json_plain.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what is wrong ---- */

static const char *const code_names[] = {[ALTO_E_SYNTAX] = "E_SYNTAX",
                                         [ALTO_E_MISSING_FIELD] = "E_MISSING_FIELD",
                                         [ALTO_E_INVALID_FIELD_TYPE] = "E_INVALID_FIELD_TYPE",
                                         [ALTO_E_INVALID_FIELD_VALUE] = "E_INVALID_FIELD_VALUE"};

static alto_status blame(alto_query_error *error, alto_query_code code, const char *field)
{
    *error = (alto_query_error){.code = code};
    snprintf(error->field, sizeof error->field, "%s", field);
    return ALTO_INVALID;
}

alto_status alto_query_missing(alto_query_error *error, const char *field)
{
    return blame(error, ALTO_E_MISSING_FIELD, field);
}

alto_status alto_query_bad_type(alto_query_error *error, const char *field)
{
    return blame(error, ALTO_E_INVALID_FIELD_TYPE, field);
}

alto_status alto_query_bad_value(alto_query_error *error, const char *field, alto_slice value)
{
    blame(error, ALTO_E_INVALID_FIELD_VALUE, field);
    size_t size = value.size < sizeof error->value ? value.size : sizeof error->value - 1;
    while (size < value.size && size > 0 && (value.data[size] & 0xc0) == 0x80)
        size--; /* not within a character */
    if (size)
        memcpy(error->value, value.data, size);
    return ALTO_INVALID;
}

alto_status alto_query_bad_json(alto_query_error *error, const char *field, alto_slice raw)
{
    alto_buffer text = alto_buffer_make(raw.size);
    bool string = raw.size && raw.data[0] == '"' && alto_json_unescape(raw, &text) && text.status == ALTO_OK;
    alto_status status = alto_query_bad_value(error, field, string ? alto_buffer_slice(&text) : raw);
    alto_buffer_fini(&text);
    return status;
}

static void add_member(alto_buffer *out, const char *name, const char *value)
{
    alto_buffer_print(out, ",\"%s\":", name);
    alto_json_string(out, alto_slice_text(value));
}

void alto_query_error_text(const alto_query_error *error, alto_buffer *out)
{
    alto_buffer_print(out, "{\"meta\":{\"code\":\"%s\"", code_names[error->code]);
    if (error->code == ALTO_E_SYNTAX)
        add_member(out, "syntax-error", error->why);
    else
        add_member(out, "field", error->field);
    if (error->code == ALTO_E_INVALID_FIELD_VALUE)
        add_member(out, "value", error->value);
    alto_buffer_add_text(out, "}}");
}

/* ---- reading ---- */

static alto_status no_json(alto_query_error *error, const char *where, const char *why)
{
    blame(error, ALTO_E_SYNTAX, "");
    snprintf(error->why, sizeof error->why, "%s%s%s", where, *where ? ": " : "", why);
    return ALTO_INVALID;
}

/* Is it JSON? Otherwise *error says why it is not. */
static alto_status check_json(alto_slice body, alto_query_error *error)
{
    alto_error wrong = {.where = ""};
    const alto_json_place place = {.origin = body.data, .path = "", .error = &wrong};
    size_t offset;
    if (!alto_json_bytes_valid(body, &offset)) {
        alto_json_refuse(&place, body.data + offset, ALTO_SYNTAX, "a byte that JSON does not have");
        return no_json(error, wrong.where, wrong.why);
    }
    alto_status status = alto_json_parse(body, NULL, NULL, &place);
    return status == ALTO_OK || status == ALTO_NO_MEMORY ? status : no_json(error, wrong.where, wrong.why);
}

alto_status alto_query_open(alto_slice body, alto_query_error *error)
{
    alto_status status = alto_json_is_plain(body) ? ALTO_OK : check_json(body, error);
    if (status != ALTO_OK)
        return status;
    alto_json_walk walk = alto_json_walk_make(body);
    return alto_json_walk_peek(&walk) == '{' ? ALTO_OK : no_json(error, "", "the body is no JSON object");
}

static alto_query_field *named(alto_slice literal, alto_query_field *fields, size_t count)
{
    char name[64];
    alto_slice inside = alto_slice_of(literal.data + 1, literal.size - 2);
    if (memchr(inside.data, '\\', inside.size)) {
        if (!alto_json_text(literal, name, sizeof name))
            return NULL; /* none of ours is so long */
        inside = alto_slice_text(name);
    }
    for (size_t i = 0; i < count; i++)
        if (alto_slice_equal(inside, alto_slice_text(fields[i].name)))
            return &fields[i];
    return NULL;
}

alto_status alto_query_fields(alto_slice object, alto_query_field *fields, size_t count, alto_query_error *error)
{
    static const uint8_t begins[] = {[ALTO_QUERY_STRING] = '"', [ALTO_QUERY_ARRAY] = '[', [ALTO_QUERY_OBJECT] = '{'};
    alto_json_walk walk = alto_json_walk_make(object);
    alto_slice key, value;
    alto_json_walk_enter(&walk, '{');
    while (alto_json_walk_member(&walk, &key) == ALTO_JSON_ITEM && alto_json_walk_value(&walk, &value)) {
        alto_query_field *field = named(key, fields, count);
        if (field)
            field->value = value;
    }
    for (size_t i = 0; i < count; i++) {
        if (!alto_query_has(&fields[i]) && fields[i].required)
            return alto_query_missing(error, fields[i].path);
        if (alto_query_has(&fields[i]) && fields[i].value.data[0] != begins[fields[i].type])
            return alto_query_bad_type(error, fields[i].path);
    }
    return ALTO_OK;
}

/* ---- lists ---- */

/* The characters of a string literal: where they are, or when it has escapes at *room, which moves on. */
static alto_slice characters(alto_slice literal, uint8_t **room)
{
    alto_slice inside = alto_slice_of(literal.data + 1, literal.size - 2);
    if (!memchr(inside.data, '\\', inside.size))
        return inside;
    alto_buffer text = {.data = *room, .capacity = inside.size, .max_size = inside.size};
    alto_json_unescape(literal, &text); /* cannot fail: it was parsed, and becomes shorter */
    *room += text.size;
    return alto_buffer_slice(&text);
}

alto_status alto_query_strings_read(const alto_query_field *field, alto_query_strings *out, alto_query_error *error)
{
    alto_query_strings made = {.items = NULL};
    if (!alto_query_has(field)) {
        *out = made;
        return ALTO_OK;
    }
    size_t most = field->value.size / 3 + 1; /* each takes two quotes, and all but the first a comma */
    made.items = malloc(most * sizeof *made.items + field->value.size);
    if (!made.items)
        return ALTO_NO_MEMORY;
    uint8_t *room = (uint8_t *)(made.items + most);
    alto_json_walk walk = alto_json_walk_make(field->value);
    alto_slice value;
    alto_json_walk_enter(&walk, '[');
    while (alto_json_walk_element(&walk) == ALTO_JSON_ITEM) {
        size_t taken = alto_json_walk_plains(&walk, &made.items[made.count]);
        made.count += taken;
        if (taken)
            continue;
        if (!alto_json_walk_value(&walk, &value))
            break; /* cannot be: it was parsed */
        if (value.data[0] != '"') {
            alto_query_strings_fini(&made);
            return alto_query_bad_json(error, field->path, value);
        }
        made.items[made.count++] = characters(value, &room);
    }
    *out = made;
    return ALTO_OK;
}

void alto_query_strings_fini(alto_query_strings *self)
{
    free(self->items);
    *self = (alto_query_strings){.items = NULL};
}

static int compare(const void *a, const void *b)
{
    return alto_slice_compare(*(const alto_slice *)a, *(const alto_slice *)b);
}

void alto_query_strings_sort(alto_query_strings *self)
{
    if (self->count == 0)
        return;
    for (size_t i = 1; i < self->count; i++)
        if (compare(&self->items[i - 1], &self->items[i]) > 0) { /* they often come in order */
            qsort(self->items, self->count, sizeof *self->items, compare);
            break;
        }
    size_t kept = 1;
    for (size_t i = 1; i < self->count; i++)
        if (!alto_slice_equal(self->items[kept - 1], self->items[i]))
            self->items[kept++] = self->items[i];
    self->count = kept;
}

bool alto_query_strings_have(const alto_query_strings *self, alto_slice text)
{
    return self->count && bsearch(&text, self->items, self->count, sizeof *self->items, compare);
}

void alto_query_text(alto_slice raw, char *out, size_t room)
{
    if (!alto_json_text(raw, out, room))
        out[0] = 0;
}
