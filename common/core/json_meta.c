/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json_parse.h"
#include "core/json_text.h"
#include "core/mapjson.h"

#include <assert.h>

/* What a name may be made of. */
static const uint8_t in_names[256] = {
    ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1,
    ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1,
    ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,
    ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1,
    ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1,
    ['y'] = 1, ['z'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,
    ['8'] = 1, ['9'] = 1, ['-'] = 1, [':'] = 1, ['@'] = 1, ['_'] = 1, ['.'] = 1};

bool alto_name_valid(alto_slice name)
{
    unsigned all = 1;
    if (name.size > ALTO_MAX_NAME)
        return false;
    for (size_t i = 0; i < name.size; i++)
        all &= in_names[name.data[i]];
    return all && name.size > 0;
}

bool alto_tag_valid(alto_slice tag)
{
    for (size_t i = 0; i < tag.size; i++)
        if (tag.data[i] < 0x21 || tag.data[i] > 0x7e)
            return false;
    return tag.size > 0 && tag.size <= ALTO_MAX_NAME;
}

/* ---- small documents ---- */

static bool is_json(alto_slice text)
{
    const alto_json_place nowhere = {text.data, "", NULL};
    size_t offset;
    return alto_json_bytes_valid(text, &offset) && alto_json_parse(text, NULL, NULL, &nowhere) == ALTO_OK;
}

/* The characters of a string literal, into room that never grows: there is nothing to run out of. */
static bool unescape(alto_slice literal, void *room, size_t size, alto_slice *text)
{
    alto_buffer plain = {.data = room, .capacity = size, .max_size = size, .status = ALTO_OK};
    bool fits = alto_json_unescape(literal, &plain) && plain.status == ALTO_OK;
    *text = alto_buffer_slice(&plain);
    return fits;
}

static bool literal_is(alto_slice literal, alto_slice name)
{
    uint8_t room[ALTO_MAX_NAME];
    alto_slice text;
    if (!memchr(literal.data, '\\', literal.size))
        return literal.size == name.size + 2 && memcmp(literal.data + 1, name.data, name.size) == 0;
    assert(name.size <= sizeof room); /* ours */
    return unescape(literal, room, sizeof room, &text) && alto_slice_equal(text, name);
}

static bool find_member(alto_slice object, alto_slice name, alto_slice *value)
{
    alto_json_walk walk = alto_json_walk_make(object);
    alto_slice literal;
    if (!alto_json_walk_enter(&walk, '{'))
        return false;
    while (alto_json_walk_member(&walk, &literal) == ALTO_JSON_ITEM && alto_json_walk_value(&walk, value))
        if (literal_is(literal, name))
            return true;
    return false;
}

bool alto_json_get(alto_slice text, const char *const *path, alto_slice *value)
{
    if (!is_json(text))
        return false;
    alto_json_walk walk = alto_json_walk_make(text);
    alto_slice found;
    if (!alto_json_walk_value(&walk, &found))
        return false;
    for (; *path; path++)
        if (!find_member(found, alto_slice_text(*path), &found))
            return false;
    *value = found;
    return true;
}

bool alto_json_text(alto_slice raw, char *out, size_t room)
{
    alto_slice text;
    if (room == 0 || !unescape(raw, out, room - 1, &text) || memchr(out, 0, text.size))
        return false;
    out[text.size] = 0;
    return true;
}

bool alto_json_element(alto_slice array, size_t index, alto_slice *value)
{
    alto_json_walk walk = alto_json_elements(array);
    alto_slice found;
    while (alto_json_next(&walk, &found))
        if (index-- == 0) {
            *value = found;
            return true;
        }
    return false;
}

/* ---- members of meta ---- */

static bool get_text(alto_slice object, const char *name, char *out, size_t room)
{
    alto_slice literal;
    return find_member(object, alto_slice_text(name), &literal) && alto_json_text(literal, out, room);
}

static alto_status read_vtag(alto_slice text, alto_vtag *out)
{
    alto_vtag vtag;
    if (!get_text(text, "resource-id", vtag.resource_id, sizeof vtag.resource_id) ||
        !get_text(text, "tag", vtag.tag, sizeof vtag.tag))
        return ALTO_INVALID;
    if (!alto_name_valid(alto_slice_text(vtag.resource_id)) || !alto_tag_valid(alto_slice_text(vtag.tag)))
        return ALTO_INVALID;
    *out = vtag;
    return ALTO_OK;
}

alto_status alto_version_vtag(const alto_version *version, alto_vtag *out)
{
    alto_slice text;
    if (!alto_version_member(version, "meta", "vtag", &text))
        return ALTO_NOT_FOUND;
    return read_vtag(text, out);
}

alto_status alto_version_dependencies(const alto_version *version, alto_vtag out[ALTO_MAX_DEPENDENCIES], size_t *count)
{
    alto_slice text, element;
    *count = 0;
    if (!alto_version_member(version, "meta", "dependent-vtags", &text))
        return ALTO_OK;
    alto_json_walk walk = alto_json_elements(text);
    if (walk.fault)
        return ALTO_INVALID;
    size_t found = 0;
    while (alto_json_next(&walk, &element)) {
        if (found == ALTO_MAX_DEPENDENCIES)
            return ALTO_TOO_LARGE;
        alto_status status = read_vtag(element, &out[found++]);
        if (status != ALTO_OK)
            return status;
    }
    *count = found;
    return ALTO_OK;
}

bool alto_version_cost_type(const alto_version *version, alto_cost_type *out)
{
    alto_slice text;
    alto_cost_type type;
    if (!alto_version_member(version, "meta", "cost-type", &text) ||
        !get_text(text, "cost-metric", type.metric, sizeof type.metric) ||
        !get_text(text, "cost-mode", type.mode, sizeof type.mode))
        return false;
    *out = type;
    return true;
}

void alto_vtag_text(const alto_vtag *vtag, alto_buffer *out)
{
    alto_buffer_add_text(out, "{\"resource-id\":");
    alto_json_string(out, alto_slice_text(vtag->resource_id));
    alto_buffer_add_text(out, ",\"tag\":");
    alto_json_string(out, alto_slice_text(vtag->tag));
    alto_buffer_put(out, '}');
}

void alto_dependencies_text(const alto_vtag *vtags, size_t count, alto_buffer *out)
{
    alto_buffer_put(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            alto_buffer_put(out, ',');
        alto_vtag_text(&vtags[i], out);
    }
    alto_buffer_put(out, ']');
}
