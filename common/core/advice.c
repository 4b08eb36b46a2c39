/* SPDX-License-Identifier: Apache-2.0 */
#include "core/advice.h"

#include "core/json_parse.h"

#include <stdlib.h>

#define MAX_BYTES (UINT64_C(1) << 50) /* what a size may claim; sums of such cannot wrap */

/* The text of a string that has no escapes, as resource IDs and positions have none. */
static bool read_name(alto_slice raw, char *out, size_t room)
{
    if (raw.size < 2 || *raw.data != '"' || raw.size - 2 >= room || memchr(raw.data, '\\', raw.size))
        return false;
    memcpy(out, raw.data + 1, raw.size - 2);
    out[raw.size - 2] = 0;
    return true;
}

static bool read_position(alto_slice raw, alto_position *out)
{
    char text[ALTO_POSITION_TEXT];
    return read_name(raw, text, sizeof text) && alto_position_parse(text, out);
}

static bool read_number(alto_slice raw, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] < '0' || raw.data[i] > '9' || *value > MAX_BYTES)
            return false;
        *value = *value * 10 + (uint64_t)(raw.data[i] - '0');
    }
    return raw.size > 0 && *value <= MAX_BYTES;
}

/* A root in hexadecimal with its quotes. */
static bool read_root(alto_slice raw, alto_hash *out)
{
    return raw.size > 2 && alto_unhex(out->bytes, sizeof out->bytes, alto_slice_of(raw.data + 1, raw.size - 2));
}

static bool is_null(alto_slice raw)
{
    return alto_slice_equal(raw, alto_slice_text("null"));
}

/* Takes a member of an object; false when its value is not what it has to be. */
typedef bool member_fn(void *context, alto_slice key, alto_slice value);

static bool each_member(alto_slice object, member_fn *take, void *context)
{
    alto_json_walk walk = alto_json_walk_make(object);
    alto_slice key, value;
    if (!alto_json_walk_enter(&walk, '{'))
        return false;
    while (alto_json_walk_member(&walk, &key) == ALTO_JSON_ITEM && alto_json_walk_value(&walk, &value))
        if (!take(context, alto_slice_of(key.data + 1, key.size - 2), value))
            return false;
    return !walk.fault;
}

static bool key_is(alto_slice key, const char *name)
{
    return alto_slice_equal(key, alto_slice_text(name));
}

static bool take_of_resource(void *context, alto_slice key, alto_slice value)
{
    alto_advice_resource *resource = context;
    if (key_is(key, "id"))
        return read_name(value, resource->id, sizeof resource->id);
    if (key_is(key, "to"))
        return read_root(value, &resource->to);
    if (key_is(key, "snapshot-bytes"))
        return read_number(value, &resource->snapshot_bytes);
    if (!key_is(key, "delta-bytes") || is_null(value))
        return true;
    resource->has_delta = true;
    return read_number(value, &resource->delta_bytes);
}

static bool take_of_commits(void *context, alto_slice key, alto_slice value)
{
    alto_advice *advice = context;
    if (!key_is(key, "bytes"))
        return true;
    advice->has_commits = true;
    return read_number(value, &advice->commits_bytes);
}

static alto_status read_resources(alto_slice list, alto_advice *out)
{
    size_t capacity = 0;
    alto_slice value;
    alto_json_walk walk = alto_json_elements(list);
    while (alto_json_next(&walk, &value)) {
        if (out->resource_count == ALTO_MAX_RESOURCES)
            return ALTO_TOO_LARGE;
        if (out->resource_count == capacity) {
            capacity = capacity ? 2 * capacity : 8;
            alto_advice_resource *larger = realloc(out->resources, capacity * sizeof *larger);
            if (!larger)
                return ALTO_NO_MEMORY;
            out->resources = larger;
        }
        alto_advice_resource *resource = &out->resources[out->resource_count++];
        *resource = (alto_advice_resource){.id = ""};
        if (!each_member(value, take_of_resource, resource))
            return ALTO_MALFORMED;
    }
    return walk.fault ? ALTO_MALFORMED : ALTO_OK;
}

/* What is read of the whole, and the first thing wrong with it. */
typedef struct {
    alto_advice *out;
    bool has_head, has_catalog;
    alto_status status;
} reading;

static bool take_of_whole(void *context, alto_slice key, alto_slice value)
{
    reading *self = context;
    if (key_is(key, "head"))
        return self->has_head = read_position(value, &self->out->head);
    if (key_is(key, "catalog-bytes"))
        return self->has_catalog = read_number(value, &self->out->catalog_bytes);
    if (key_is(key, "commits"))
        return is_null(value) || each_member(value, take_of_commits, self->out);
    if (key_is(key, "resources"))
        self->status = read_resources(value, self->out);
    return self->status == ALTO_OK;
}

alto_status alto_advice_read(alto_slice text, alto_advice *out)
{
    const alto_json_place nowhere = {text.data, "", NULL};
    size_t offset;
    *out = (alto_advice){0};
    if (!alto_json_bytes_valid(text, &offset))
        return ALTO_MALFORMED;
    alto_status status = alto_json_parse(text, NULL, NULL, &nowhere);
    if (status != ALTO_OK)
        return status == ALTO_NO_MEMORY ? status : ALTO_MALFORMED;
    reading self = {.out = out, .status = ALTO_OK};
    bool read = each_member(text, take_of_whole, &self);
    if (self.status != ALTO_OK)
        return self.status;
    return read && self.has_head && self.has_catalog ? ALTO_OK : ALTO_MALFORMED;
}

void alto_advice_fini(alto_advice *advice)
{
    free(advice->resources);
    *advice = (alto_advice){0};
}
