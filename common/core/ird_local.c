/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ird_local.h"

#include "core/ird.h"
#include "core/json_text.h"
#include "core/query.h"

typedef struct {
    alto_ird_here_fn *here;
    void *context;
    alto_buffer *out;
} writing;

/* Write one member of an object. */
typedef void member_fn(const writing *to, alto_slice key, alto_slice value, const char *path);

static void copy_members(const writing *to, alto_slice object, member_fn *write, const char *path)
{
    alto_json_walk walk = alto_json_walk_make(object);
    alto_slice key, value;
    const char *separator = "{";
    alto_json_walk_enter(&walk, '{');
    while (alto_json_walk_member(&walk, &key) == ALTO_JSON_ITEM && alto_json_walk_value(&walk, &value)) {
        alto_buffer_add_text(to->out, separator);
        alto_buffer_add_slice(to->out, key);
        alto_buffer_add_text(to->out, ":");
        write(to, key, value, path);
        separator = ",";
    }
    alto_buffer_add_text(to->out, *separator == '{' ? "{}" : "}");
}

static bool is_object(alto_slice value)
{
    return value.size > 0 && value.data[0] == '{';
}

/* A member of a resource's entry; path: where it is here, NULL: nowhere. */
static void write_detail(const writing *to, alto_slice key, alto_slice value, const char *path)
{
    if (path && alto_slice_equal(key, alto_slice_text("\"uri\"")))
        alto_json_string(to->out, alto_slice_text(path));
    else
        alto_buffer_add_slice(to->out, value);
}

void alto_ird_local_entry(alto_slice entry, const char *uri, alto_buffer *out)
{
    const writing to = {.out = out};
    if (is_object(entry))
        copy_members(&to, entry, write_detail, uri);
    else
        alto_buffer_add_slice(out, entry);
}

static void write_resource(const writing *to, alto_slice key, alto_slice value, const char *path)
{
    char id[ALTO_MAX_NAME + 1], own[ALTO_URI_PATH];
    (void)path;
    alto_query_text(key, id, sizeof id);
    bool here = id[0] && to->here(to->context, id);
    if (here)
        alto_id_path(alto_slice_text(id), own);
    alto_ird_local_entry(value, here ? own : NULL, to->out);
}

static void write_part(const writing *to, alto_slice key, alto_slice value, const char *path)
{
    (void)path;
    if (is_object(value) && alto_slice_equal(key, alto_slice_text("\"resources\"")))
        copy_members(to, value, write_resource, NULL);
    else
        alto_buffer_add_slice(to->out, value);
}

alto_status alto_ird_local(alto_slice directory, alto_ird_here_fn *here, void *context, alto_buffer *out)
{
    const writing to = {.here = here, .context = context, .out = out};
    copy_members(&to, directory, write_part, NULL);
    return out->status;
}
