/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ird.h"

#include <stdio.h>
#include <stdlib.h>

static const char resource_prefix[] = "/resource/";

/* First path segments that belong to the server itself. */
static bool reserved(alto_slice id)
{
    static const char *const names[] = {"directory", "redistribution", "resource"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (alto_slice_equal(id, alto_slice_text(names[i])))
            return true;
    return id.size > 0 && id.data[0] == '.'; /* "/." and "/.." are rewritten by clients */
}

void alto_resource_path(const alto_resource *resource, char path[ALTO_URI_PATH])
{
    alto_slice id = resource->name.id;
    snprintf(path, ALTO_URI_PATH, "%s%.*s", reserved(id) ? resource_prefix : "/", (int)id.size, (const char *)id.data);
}

const alto_resource *alto_resource_at(const alto_view *view, const char *path)
{
    size_t skip = strlen(resource_prefix);
    if (strncmp(path, resource_prefix, skip) == 0)
        return alto_view_by_id(view, path + skip);
    if (path[0] != '/' || reserved(alto_slice_text(path + 1)))
        return NULL;
    return alto_view_by_id(view, path + 1);
}

/* Its name in meta.cost-types: "num-routingcost", "ord-hopcount". */
static void cost_type_name(const alto_cost_type *type, char *out, size_t room)
{
    const char *mode = strcmp(type->mode, "numerical") == 0 ? "num"
                       : strcmp(type->mode, "ordinal") == 0 ? "ord"
                                                            : type->mode;
    snprintf(out, room, "%s-%s", mode, type->metric);
}

static bool cost_type_of(const alto_resource *resource, alto_cost_type *type)
{
    return alto_resource_shown(resource) && resource->entry.kind == ALTO_COST_MAP &&
           alto_version_cost_type(resource->version, type);
}

static void add_member(alto_buffer *out, const char *name, const char *value)
{
    alto_json_string(out, alto_slice_text(name));
    alto_buffer_add_text(out, ":");
    alto_json_string(out, alto_slice_text(value));
}

typedef struct {
    char name[2 * ALTO_MAX_NAME + 8];
    alto_cost_type type;
} named_type;

static int compare_types(const void *a, const void *b)
{
    return strcmp(((const named_type *)a)->name, ((const named_type *)b)->name);
}

static void add_cost_type(alto_buffer *out, const named_type *added)
{
    alto_json_string(out, alto_slice_text(added->name));
    alto_buffer_add_text(out, ":{");
    add_member(out, "cost-mode", added->type.mode);
    alto_buffer_add_text(out, ",");
    add_member(out, "cost-metric", added->type.metric);
    alto_buffer_add_text(out, "}");
}

/* Each cost type once, by name. */
static alto_status add_cost_types(alto_buffer *out, const alto_view *view)
{
    named_type *types = malloc((view->count + 1) * sizeof *types);
    size_t count = 0;
    if (!types)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < view->count; i++)
        if (cost_type_of(view->resources[i], &types[count].type)) {
            cost_type_name(&types[count].type, types[count].name, sizeof types[count].name);
            count++;
        }
    qsort(types, count, sizeof *types, compare_types);
    alto_buffer_add_text(out, "\"cost-types\":{");
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(types[i - 1].name, types[i].name) == 0)
            continue;
        alto_buffer_add_text(out, i ? "," : "");
        add_cost_type(out, &types[i]);
    }
    alto_buffer_add_text(out, "}");
    free(types);
    return ALTO_OK;
}

static void add_default_map(alto_buffer *out, const alto_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const alto_resource *resource = view->resources[i];
        if (resource->entry.kind != ALTO_NETWORK_MAP || !alto_resource_shown(resource))
            continue;
        alto_buffer_add_text(out, ",\"default-alto-network-map\":");
        alto_json_string(out, resource->name.id);
        return;
    }
}

/* base, path: of characters that JSON does not escape. */
static void add_uri(alto_buffer *out, const char *base, const alto_resource *resource)
{
    char path[ALTO_URI_PATH];
    alto_resource_path(resource, path);
    alto_buffer_print(out, "\"uri\":\"%s%s\"", base, path);
}

static void add_resource(alto_buffer *out, const char *base, const alto_resource *resource)
{
    alto_cost_type type;
    alto_json_string(out, resource->name.id);
    alto_buffer_add_text(out, ":{");
    add_uri(out, base, resource);
    alto_buffer_add_text(out, ",");
    add_member(out, "media-type", resource->entry.media_type);
    if (cost_type_of(resource, &type)) {
        char name[2 * ALTO_MAX_NAME + 8];
        cost_type_name(&type, name, sizeof name);
        alto_buffer_add_text(out, ",\"capabilities\":{\"cost-type-names\":[");
        alto_json_string(out, alto_slice_text(name));
        alto_buffer_add_text(out, "]}");
    }
    for (size_t i = 0; i < resource->entry.dependency_count; i++) {
        alto_buffer_add_text(out, i ? "," : ",\"uses\":[");
        alto_json_string(out, alto_slice_text(resource->entry.dependencies[i].resource_id));
    }
    alto_buffer_add_text(out, resource->entry.dependency_count ? "]}" : "}");
}

static bool listed(const alto_resource *resource)
{
    return alto_resource_shown(resource) && resource->name.input.size == 0 && resource->name.id.data[0] != '.';
}

alto_status alto_ird(const alto_view *view, alto_buffer *out)
{
    return alto_ird_at(view, "", out);
}

alto_status alto_ird_at(const alto_view *view, const char *base, alto_buffer *out)
{
    const char *separator = "";
    alto_buffer_add_text(out, "{\"meta\":{");
    if (add_cost_types(out, view) != ALTO_OK)
        return ALTO_NO_MEMORY;
    add_default_map(out, view);
    alto_buffer_add_text(out, "},\"resources\":{");
    for (size_t i = 0; i < view->count; i++) {
        const alto_resource *resource = view->resources[i];
        if (!listed(resource))
            continue;
        alto_buffer_add_text(out, separator);
        add_resource(out, base, resource);
        separator = ",";
    }
    alto_buffer_add_text(out, "}}");
    return out->status;
}
