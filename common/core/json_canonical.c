/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_canonical.h"

#include "core/json_parse.h"
#include "core/limits.h"
#include "core/mapjson.h"
#include "core/number.h"

#include <stdio.h>
#include <stdlib.h>

/* A member of an open object: its name, and where "name":value stands in `out`. */
typedef struct {
    size_t name, name_size; /* in `names` */
    size_t text, text_size; /* in `out`; text_size is known when the member has ended */
} member;

/* An open array or object. */
typedef struct {
    bool is_object;
    size_t first_member; /* of it, in `members` */
    size_t first_name;   /* where its names begin in `names` */
    size_t count;        /* of values so far; the last one may still be open */
    size_t text;         /* where its content begins in `out` */
} frame;

typedef struct {
    const char *path;
    const alto_json_place *place;
    alto_buffer *out;
    alto_buffer names;   /* of the members of all open objects */
    alto_buffer scratch; /* members while they change places */
    member *members;     /* of all open objects, those of the innermost last */
    size_t count, capacity;
    frame frames[ALTO_MAX_JSON_DEPTH];
    unsigned depth;
} writer;

static int compare_names(alto_slice a, alto_slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < common; i++) {
        uint8_t left = a.data[i], right = b.data[i];
        if (left == right)
            continue;
        /* UTF-16 code units (RFC 8785 3.2.3) sort as UTF-8 does, but for what needs surrogates (from
         * 0xf0 on): these come before U+E000 and above (0xee, 0xef). */
        if (left >= 0xee && right >= 0xee && (left >= 0xf0) != (right >= 0xf0))
            return left >= 0xf0 ? -1 : 1;
        return left < right ? -1 : 1;
    }
    return (a.size > b.size) - (a.size < b.size);
}

static alto_slice name_of(const writer *self, const member *of)
{
    if (of->name_size == 0)
        return alto_slice_text(""); /* there may be no memory of names yet to point into */
    return alto_slice_of(self->names.data + of->name, of->name_size);
}

static int compare_members(const void *a, const void *b, void *context)
{
    return compare_names(name_of(context, a), name_of(context, b));
}

/* The path of the value that is open in the frame of number `depth`, or of the frame itself. */
static void path_of(const writer *self, char *path, size_t room)
{
    size_t size = (size_t)snprintf(path, room, "%s", self->path);
    for (unsigned i = 0; i < self->depth && size < room; i++) {
        const frame *open = &self->frames[i];
        size_t last = i + 1 < self->depth ? self->frames[i + 1].first_member : self->count;
        if (open->is_object && last > open->first_member) {
            alto_slice name = name_of(self, &self->members[last - 1]);
            size += (size_t)snprintf(path + size, room - size, "/%.*s", name.size > room ? (int)room : (int)name.size,
                                     (const char *)name.data);
        } else if (!open->is_object && open->count > 0) {
            size += (size_t)snprintf(path + size, room - size, "/%zu", open->count - 1);
        }
    }
}

static alto_status refuse(const writer *self, alto_status status, const char *why)
{
    char path[sizeof self->place->error->where];
    path_of(self, path, sizeof path);
    return alto_fail(self->place->error, status, path, "%s", why);
}

static alto_status check(const writer *self, alto_status status)
{
    if (status == ALTO_TOO_LARGE)
        return refuse(self, status, "longer than a kept value may be");
    return status == ALTO_OK ? ALTO_OK : refuse(self, status, "out of memory");
}

static frame *innermost(writer *self)
{
    return self->depth ? &self->frames[self->depth - 1] : NULL;
}

/* Before each value but those of members: the comma. */
static void begin_value(writer *self)
{
    frame *open = innermost(self);
    if (open && !open->is_object && open->count++ > 0)
        alto_buffer_put(self->out, ',');
}

/* After each value. */
static void end_value(writer *self)
{
    frame *open = innermost(self);
    if (open && open->is_object) {
        member *ended = &self->members[self->count - 1];
        ended->text_size = self->out->size - ended->text;
    }
}

static alto_status begin_member(writer *self, alto_slice name)
{
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 16;
        member *members = realloc(self->members, capacity * sizeof *members);
        if (!members)
            return ALTO_NO_MEMORY;
        self->members = members;
        self->capacity = capacity;
    }
    if (innermost(self)->count++ > 0)
        alto_buffer_put(self->out, ',');
    self->members[self->count++] = (member){self->names.size, name.size, self->out->size, 0};
    alto_buffer_add_slice(&self->names, name);
    alto_json_string(self->out, name);
    alto_buffer_put(self->out, ':');
    return self->names.status ? self->names.status : self->out->status;
}

static void begin_container(writer *self, bool is_object)
{
    begin_value(self);
    alto_buffer_put(self->out, is_object ? '{' : '[');
    self->frames[self->depth++] = (frame){is_object, self->count, self->names.size, 0, self->out->size};
}

/* Members come in the order of their names. */
static alto_status sort_members(writer *self, const frame *ended)
{
    size_t count = self->count - ended->first_member;
    if (count < 2)
        return ALTO_OK; /* there may be no memory of members yet to point into */
    member *members = self->members + ended->first_member;
    bool sorted = true;
    for (size_t i = 1; sorted && i < count; i++)
        sorted = compare_members(&members[i - 1], &members[i], self) < 0;
    if (sorted)
        return ALTO_OK;
    qsort_r(members, count, sizeof *members, compare_members, self);
    alto_buffer_clear(&self->scratch);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_members(&members[i - 1], &members[i], self) == 0) {
            self->count = ended->first_member + i + 1;
            return refuse(self, ALTO_DUPLICATE, "a name twice in one object");
        }
        if (i > 0)
            alto_buffer_put(&self->scratch, ',');
        alto_buffer_add(&self->scratch, self->out->data + members[i].text, members[i].text_size);
    }
    if (self->scratch.status != ALTO_OK)
        return check(self, self->scratch.status);
    memcpy(self->out->data + ended->text, self->scratch.data, self->scratch.size);
    return ALTO_OK;
}

static alto_status end_container(writer *self)
{
    frame *ended = innermost(self);
    if (self->out->status != ALTO_OK)
        return check(self, self->out->status);
    if (ended->is_object) {
        alto_status status = sort_members(self, ended);
        if (status != ALTO_OK)
            return status;
        self->count = ended->first_member;
        self->names.size = ended->first_name;
    }
    alto_buffer_put(self->out, ended->is_object ? '}' : ']');
    self->depth--;
    end_value(self);
    return ALTO_OK;
}

static alto_status write_scalar(writer *self, alto_json_event event, alto_slice text)
{
    begin_value(self);
    if (event == ALTO_JSON_NUMBER) {
        alto_status status = alto_number_canonical(text, self->out);
        if (status != ALTO_OK && self->out->status == ALTO_OK)
            return refuse(self, status, "a number with too large an exponent");
    } else if (event == ALTO_JSON_STRING) {
        alto_json_string(self->out, text);
    } else {
        alto_buffer_add_text(self->out, event == ALTO_JSON_NULL ? "null" : event == ALTO_JSON_TRUE ? "true" : "false");
    }
    end_value(self);
    return check(self, self->out->status);
}

static alto_status on_event(void *context, alto_json_event event, alto_slice text)
{
    writer *self = context;
    switch (event) {
    case ALTO_JSON_KEY:
        return check(self, begin_member(self, text));
    case ALTO_JSON_OBJECT:
    case ALTO_JSON_ARRAY:
        begin_container(self, event == ALTO_JSON_OBJECT);
        return check(self, self->out->status);
    case ALTO_JSON_OBJECT_END:
    case ALTO_JSON_ARRAY_END:
        return end_container(self);
    default:
        return write_scalar(self, event, text);
    }
}

alto_status alto_json_canonical_value(alto_slice value, const char *path, const alto_json_place *place,
                                      alto_buffer *out)
{
    writer self = {.path = path, .place = place, .out = out};
    self.names = alto_buffer_make(value.size);
    self.scratch = alto_buffer_make(out->max_size);
    alto_status status = alto_json_parse(value, on_event, &self, place);
    if (status == ALTO_OK)
        status = check(&self, out->status);
    alto_buffer_fini(&self.names);
    alto_buffer_fini(&self.scratch);
    free(self.members);
    return status;
}

alto_status alto_json_canonical(alto_slice text, alto_buffer *out, alto_error *error)
{
    const alto_json_place place = {text.data, "", error};
    size_t offset;
    if (!alto_json_bytes_valid(text, &offset))
        return alto_json_refuse(&place, text.data + offset, ALTO_SYNTAX, "not UTF-8, or a character that JSON forbids");
    return alto_json_canonical_value(text, "", &place, out);
}

void alto_json_string(alto_buffer *out, alto_slice text)
{
    static const char digits[] = "0123456789abcdef", names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    alto_buffer_put(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte >= ' ' && byte != '"' && byte != '\\') {
            alto_buffer_put(out, byte);
            continue;
        }
        const char *name = byte ? memchr(names, byte, sizeof names - 1) : NULL;
        alto_buffer_put(out, '\\');
        if (name) {
            alto_buffer_put(out, (uint8_t)letters[name - names]);
            continue;
        }
        alto_buffer_add_text(out, "u00");
        alto_buffer_put(out, (uint8_t)digits[byte >> 4]);
        alto_buffer_put(out, (uint8_t)digits[byte & 15]);
    }
    alto_buffer_put(out, '"');
}
