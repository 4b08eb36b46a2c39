/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ird.h"

#include "core/json_text.h"
#include "core/service_origin.h"

#include <stdio.h>
#include <stdlib.h>

static const char resource_prefix[] = "/resource/";

bool alto_path_reserved(alto_slice segment)
{
    static const char *const names[] = {"directory", "notify", "redistribution", "resource"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (alto_slice_equal(segment, alto_slice_text(names[i])))
            return true;
    return segment.size > 0 && segment.data[0] == '.'; /* "/." and "/.." are rewritten by clients */
}

void alto_id_path(alto_slice id, char path[ALTO_URI_PATH])
{
    snprintf(path, ALTO_URI_PATH, "%s%.*s", alto_path_reserved(id) ? resource_prefix : "/", (int)id.size,
             (const char *)id.data);
}

const char *alto_path_id(const char *path)
{
    size_t skip = strlen(resource_prefix);
    if (strncmp(path, resource_prefix, skip) == 0)
        return path + skip;
    return path[0] == '/' && !alto_path_reserved(alto_slice_text(path + 1)) ? path + 1 : NULL;
}

const alto_resource *alto_resource_at(const alto_view *view, const char *path)
{
    const char *id = alto_path_id(path);
    return id ? alto_view_by_id(view, id) : NULL;
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

static const char default_map[] = "default-alto-network-map";

/* The default network map where nobody says another: the one with the most prefixes, as endpoint cost takes it. NULL: there is none. */
static const alto_resource *finest_map(const alto_view *view)
{
    const alto_resource *finest = NULL;
    for (size_t i = 0; i < view->count; i++) {
        const alto_resource *at = view->resources[i];
        if (at->entry.kind == ALTO_NETWORK_MAP && at->name.input.size == 0 && alto_resource_shown(at) &&
            (!finest || at->entry.items > finest->entry.items))
            finest = at;
    }
    return finest;
}

static bool ends_with(const alto_buffer *out, uint8_t last)
{
    return out->size > 0 && out->data[out->size - 1] == last;
}

static void add_default_map(alto_buffer *out, const alto_view *view)
{
    const alto_resource *finest = finest_map(view);
    if (!finest)
        return;
    alto_buffer_add_text(out, ends_with(out, '{') ? "" : ",");
    alto_json_string(out, alto_slice_text(default_map));
    alto_buffer_add_text(out, ":");
    alto_json_string(out, finest->name.id);
}

/* A name in a list of names. */
static void add_name(alto_buffer *out, alto_slice name)
{
    alto_buffer_add_text(out, ends_with(out, '[') ? "" : ",");
    alto_json_string(out, name);
}

/* "ID":{"uri":...,"media-type":... base and path: of characters that JSON does not escape. */
static void begin_entry(alto_buffer *out, const char *base, alto_slice id, const char *media_type)
{
    char path[ALTO_URI_PATH];
    alto_id_path(id, path);
    alto_json_string(out, id);
    alto_buffer_add_text(out, ":{");
    alto_buffer_print(out, "\"uri\":\"%s%s\"", base, path);
    alto_buffer_add_text(out, ",");
    add_member(out, "media-type", media_type);
}

/* The literal by which the origin's directory calls a cost type; false when it does not know it. */
static bool origin_type_name(const alto_version *directory, const alto_cost_type *type, alto_slice *name)
{
    alto_slice types, definition;
    alto_cost_type known;
    if (!alto_version_member(directory, "meta", "cost-types", &types))
        return false;
    alto_json_walk walk = alto_json_walk_make(types);
    alto_json_walk_enter(&walk, '{');
    while (alto_json_walk_member(&walk, name) == ALTO_JSON_ITEM && alto_json_walk_value(&walk, &definition))
        if (alto_origin_cost_type(directory, *name, &known) && alto_cost_type_equal(&known, type))
            return true;
    return false;
}

static void add_type_name(alto_buffer *out, const alto_version *directory, const alto_cost_type *type)
{
    char name[2 * ALTO_MAX_NAME + 8];
    alto_slice literal;
    if (!directory) {
        cost_type_name(type, name, sizeof name);
        add_name(out, alto_slice_text(name));
    } else if (origin_type_name(directory, type, &literal)) {
        alto_buffer_add_text(out, ends_with(out, '[') ? "" : ",");
        alto_buffer_add_slice(out, literal);
    }
}

/* directory: of the origin, whose names are used then; NULL: it has none. */
static void add_cost_type_names(alto_buffer *out, const alto_version *directory, const alto_resource *const *maps,
                                size_t count)
{
    alto_cost_type type;
    alto_buffer_add_text(out, ",\"capabilities\":{\"cost-type-names\":[");
    for (size_t i = 0; i < count; i++)
        if (cost_type_of(maps[i], &type))
            add_type_name(out, directory, &type);
    alto_buffer_add_text(out, "]");
}

static void add_resource(alto_buffer *out, const char *base, const alto_resource *resource)
{
    alto_cost_type type;
    begin_entry(out, base, resource->name.id, resource->entry.media_type);
    if (cost_type_of(resource, &type)) {
        add_cost_type_names(out, NULL, &resource, 1);
        alto_buffer_add_text(out, "}");
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

/* ---- services ---- */

typedef struct {
    const alto_view *view;
    const char *base; /* of URIs */
    alto_buffer *out;
    const char *separator; /* before the next entry */
    unsigned services;     /* kinds */
    alto_ird_here_fn *elsewhere;
    void *context;
} listing;

/* "<network map>.pid" of each. */
static void add_property_types(const listing *self)
{
    alto_buffer_add_text(self->out, ",\"capabilities\":{\"prop-types\":[");
    for (size_t i = 0; i < self->view->count; i++) {
        const alto_resource *at = self->view->resources[i];
        char name[ALTO_MAX_NAME + sizeof ".pid"];
        if (at->entry.kind != ALTO_NETWORK_MAP || !alto_resource_shown(at) || at->name.input.size)
            continue;
        snprintf(name, sizeof name, "%.*s.pid", (int)at->name.id.size, (const char *)at->name.id.data);
        add_name(self->out, alto_slice_text(name));
    }
    alto_buffer_add_text(self->out, "]}");
}

static void add_cost_capabilities(const listing *self, const alto_service *service)
{
    const alto_resource *costs[ALTO_SERVICE_COSTS];
    size_t count = alto_service_costs(self->view, service, costs);
    add_cost_type_names(self->out, alto_origin_directory(self->view), costs, count);
    alto_buffer_print(self->out, ",\"cost-constraints\":true,\"max-cost-types\":%zu}", count);
}

static void add_service(void *context, const alto_service *service)
{
    listing *self = context;
    alto_buffer_add_text(self->out, self->separator);
    self->separator = ",";
    begin_entry(self->out, self->base, alto_slice_text(service->id), alto_service_media_type(service->kind));
    alto_buffer_add_text(self->out, ",");
    add_member(self->out, "accepts", alto_service_accepts(service->kind));
    if (service->kind == ALTO_SERVICE_ENDPOINT_PROPERTY)
        add_property_types(self);
    else if (service->kind != ALTO_SERVICE_NETWORK_FILTER)
        add_cost_capabilities(self, service);
    if (service->network) {
        alto_buffer_add_text(self->out, ",\"uses\":[");
        add_name(self->out, service->network->name.id);
        alto_buffer_add_text(self->out, "]");
    }
    alto_buffer_add_text(self->out, "}");
}

/* ---- the origin's own directory ---- */

/* Does this server, or somebody for it, answer for that entry? */
static bool is_answered(const listing *self, const char *id, alto_slice entry)
{
    alto_service service;
    const alto_resource *held = alto_view_by_id(self->view, id);
    if (held ? listed(held)
             : alto_origin_service(self->view, id, entry, &service) &&
                   (self->services & ALTO_SERVICE_BIT(service.kind)) &&
                   (!service.map || alto_resource_shown(service.map)))
        return true;
    return self->elsewhere && self->elsewhere(self->context, id);
}

static void add_origin_entry(listing *self, const char *id, alto_slice entry)
{
    char path[ALTO_URI_PATH];
    alto_buffer uri = alto_buffer_make(ALTO_MAX_URL + ALTO_URI_PATH);
    alto_id_path(alto_slice_text(id), path);
    alto_buffer_print(&uri, "%s%s", self->base, path);
    alto_buffer_add_u8(&uri, 0);
    alto_buffer_add_text(self->out, self->separator);
    self->separator = ",";
    alto_json_string(self->out, alto_slice_text(id));
    alto_buffer_add_text(self->out, ":");
    if (uri.status == ALTO_OK)
        alto_ird_local_entry(entry, (const char *)uri.data, self->out);
    else
        self->out->status = uri.status;
    alto_buffer_fini(&uri);
}

static void add_origin_resources(listing *self, const alto_tree *entries)
{
    alto_cursor at;
    alto_buffer_add_text(self->out, "{");
    for (alto_cursor_first(&at, entries); alto_cursor_valid(&at); alto_cursor_next(&at)) {
        char id[ALTO_MAX_NAME + 1];
        alto_slice entry = alto_cursor_value(&at).text;
        if (alto_origin_id(&at, id) && is_answered(self, id, entry))
            add_origin_entry(self, id, entry);
    }
    alto_services(self->view, self->services, add_service, self);
    alto_buffer_add_text(self->out, "}");
}

/* Is that the ID, in JSON, of something that is answered? */
static bool names_answered(const listing *self, alto_slice name)
{
    char id[ALTO_MAX_NAME + 1];
    alto_slice entry;
    return alto_json_text(name, id, sizeof id) && alto_origin_entry(self->view, id, &entry) &&
           is_answered(self, id, entry);
}

/* The members of a member of the directory, as they are, but for one (NULL: none). */
static void add_origin_members(listing *self, const alto_tree *members, const char *but)
{
    alto_cursor at;
    for (alto_cursor_first(&at, members); alto_cursor_valid(&at); alto_cursor_next(&at)) {
        if (but && alto_slice_equal(alto_cursor_key(&at), alto_slice_text(but)))
            continue;
        alto_buffer_add_text(self->out, ends_with(self->out, '{') ? "" : ",");
        alto_json_string(self->out, alto_cursor_key(&at));
        alto_buffer_add_text(self->out, ":");
        alto_buffer_add_slice(self->out, alto_cursor_value(&at).text);
    }
}

/* A default network map that clients cannot have, or none, gives way to one that they can. */
static void add_origin_meta(listing *self, const alto_version *directory, const alto_tree *members)
{
    alto_slice name;
    bool named = alto_version_member(directory, "meta", default_map, &name) && names_answered(self, name);
    add_origin_members(self, members, named ? NULL : default_map);
    if (!named)
        add_default_map(self->out, self->view);
}

static void add_origin_object(listing *self, const alto_version *directory, alto_slice name, const alto_tree *members)
{
    alto_buffer_add_text(self->out, "{");
    if (alto_slice_equal(name, alto_slice_text("meta")))
        add_origin_meta(self, directory, members);
    else
        add_origin_members(self, members, NULL);
    alto_buffer_add_text(self->out, "}");
}

static void add_origin_directory(listing *self, const alto_version *directory)
{
    alto_cursor at;
    const char *separator = "{";
    alto_cursor_first(&at, alto_version_tree(directory));
    for (; alto_cursor_valid(&at); alto_cursor_next(&at)) {
        alto_slice key = alto_cursor_key(&at), name = {key.data + 1, key.size - 1};
        const alto_tree *items = alto_cursor_value(&at).row;
        alto_cursor value;
        alto_buffer_add_text(self->out, separator);
        separator = ",";
        alto_json_string(self->out, name);
        alto_buffer_add_text(self->out, ":");
        alto_cursor_first(&value, items);
        if (key.data[0] == ALTO_ROW_VALUE)
            alto_buffer_add_slice(self->out, alto_cursor_value(&value).text);
        else if (alto_slice_equal(name, alto_slice_text("resources")))
            add_origin_resources(self, items);
        else
            add_origin_object(self, directory, name, items);
    }
    alto_buffer_add_text(self->out, "}");
}

/* ---- whole ---- */

static alto_status add_made_directory(listing *self)
{
    const alto_view *view = self->view;
    alto_buffer_add_text(self->out, "{\"meta\":{");
    if (add_cost_types(self->out, view) != ALTO_OK)
        return ALTO_NO_MEMORY;
    add_default_map(self->out, view);
    alto_buffer_add_text(self->out, "},\"resources\":{");
    for (size_t i = 0; i < view->count; i++) {
        if (!listed(view->resources[i]))
            continue;
        alto_buffer_add_text(self->out, self->separator);
        add_resource(self->out, self->base, view->resources[i]);
        self->separator = ",";
    }
    alto_services(view, self->services, add_service, self);
    alto_buffer_add_text(self->out, "}}");
    return ALTO_OK;
}

alto_status alto_ird(const alto_view *view, unsigned services, const char *base, alto_ird_here_fn *elsewhere,
                     void *context, alto_buffer *out)
{
    listing self = {.view = view,
                    .base = base,
                    .out = out,
                    .separator = "",
                    .services = services,
                    .elsewhere = elsewhere,
                    .context = context};
    const alto_version *directory = alto_origin_directory(view);
    if (directory)
        add_origin_directory(&self, directory);
    else if (add_made_directory(&self) != ALTO_OK)
        return ALTO_NO_MEMORY;
    return out->status;
}
