/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service_origin.h"

#include "core/json_text.h"
#include "core/mapjson.h"

#include <stdio.h>

const alto_version *alto_origin_directory(const alto_view *view)
{
    const alto_resource *found = alto_view_by_id(view, ".ird");
    const alto_tree *entries;
    return found && found->version && found->entry.kind == ALTO_DOCUMENT &&
                   alto_version_row(found->version, ALTO_ROW_MEMBER, alto_slice_text("resources"), &entries)
               ? found->version
               : NULL;
}

bool alto_origin_entry(const alto_view *view, const char *id, alto_slice *entry)
{
    const alto_version *directory = alto_origin_directory(view);
    return directory && alto_version_member(directory, "resources", id, entry);
}

bool alto_origin_id(const alto_cursor *cursor, char id[ALTO_MAX_NAME + 1])
{
    alto_slice key = alto_cursor_key(cursor);
    if (!alto_name_valid(key))
        return false;
    snprintf(id, ALTO_MAX_NAME + 1, "%.*s", (int)key.size, (const char *)key.data);
    return true;
}

static bool text_of(alto_slice object, const char *name, char *out, size_t room)
{
    const char *const path[] = {name, NULL};
    alto_slice value;
    return alto_json_get(object, path, &value) && alto_json_text(value, out, room);
}

bool alto_origin_cost_type(const alto_version *directory, alto_slice name, alto_cost_type *type)
{
    char text[2 * ALTO_MAX_NAME + 8];
    const char *const path[] = {text, NULL};
    alto_slice types, definition;
    return alto_json_text(name, text, sizeof text) && alto_version_member(directory, "meta", "cost-types", &types) &&
           alto_json_get(types, path, &definition) && text_of(definition, "cost-mode", type->mode, sizeof type->mode) &&
           text_of(definition, "cost-metric", type->metric, sizeof type->metric);
}

/* ---- services ---- */

static bool kind_of(alto_slice entry, alto_service_kind *kind)
{
    char accepts[ALTO_MAX_MEDIA_TYPE + 1], media_type[ALTO_MAX_MEDIA_TYPE + 1];
    if (!text_of(entry, "accepts", accepts, sizeof accepts) ||
        !text_of(entry, "media-type", media_type, sizeof media_type))
        return false;
    for (*kind = ALTO_SERVICE_NETWORK_FILTER; *kind <= ALTO_SERVICE_ENDPOINT_COST; (*kind)++)
        if (strcmp(accepts, alto_service_accepts(*kind)) == 0 &&
            strcmp(media_type, alto_service_media_type(*kind)) == 0)
            return true;
    return false;
}

/* The network map that it uses, and nothing else. */
static const alto_resource *used_network(const alto_view *view, alto_slice entry)
{
    static const char *const path[] = {"uses", NULL};
    char id[ALTO_MAX_NAME + 1];
    alto_slice uses, first, second;
    if (!alto_json_get(entry, path, &uses) || !alto_json_element(uses, 0, &first) ||
        alto_json_element(uses, 1, &second) || !alto_json_text(first, id, sizeof id))
        return NULL;
    const alto_resource *found = alto_view_by_id(view, id);
    return found && found->entry.kind == ALTO_NETWORK_MAP && found->version ? found : NULL;
}

/* Is it a cost map of that type, and of that network map (NULL: any)? */
static bool suits(const alto_resource *at, const alto_resource *network, const alto_cost_type *type)
{
    alto_cost_type own;
    return at->entry.kind == ALTO_COST_MAP && at->name.input.size == 0 && at->version &&
           at->entry.dependency_count > 0 &&
           (!network || alto_slice_equal(network->name.id, alto_slice_text(at->entry.dependencies[0].resource_id))) &&
           alto_version_cost_type(at->version, &own) && alto_cost_type_equal(&own, type);
}

/* The cost map to answer a cost type from: of the finest network map, or else one that may not be shown. NULL: none. */
static const alto_resource *map_of_type(const alto_view *view, const alto_resource *network, const alto_cost_type *type)
{
    const alto_resource *best = NULL;
    uint64_t most = 0;
    for (size_t i = 0; i < view->count; i++) {
        const alto_resource *at = view->resources[i];
        if (!suits(at, network, type))
            continue;
        bool shown = alto_resource_shown(at);
        const alto_resource *of = shown ? alto_service_network(view, at) : NULL;
        if (shown ? of && (!best || !alto_resource_shown(best) || of->entry.items > most) : !best)
            best = at;
        if (best == at && of)
            most = of->entry.items;
    }
    return best;
}

/* Is there a cost type of the list that has that name? */
static bool has_name(alto_slice names, alto_slice name)
{
    alto_slice one;
    alto_json_walk walk = alto_json_elements(names);
    while (alto_json_next(&walk, &one))
        if (alto_slice_equal(one, name))
            return true;
    return false;
}

/* What constraints may be put to: the costs that are named (RFC 8189 4.1.2; unknown to a service of one cost at a time), else all or none. */
static void find_testable(alto_service *out, alto_slice names)
{
    static const char *const some[] = {"capabilities", "testable-cost-type-names", NULL};
    static const char *const every[] = {"capabilities", "cost-constraints", NULL};
    alto_slice testable, all, name;
    bool named = alto_service_several(out) > 0 && alto_json_get(out->entry, some, &testable);
    bool any = alto_json_get(out->entry, every, &all) && alto_slice_equal(all, alto_slice_text("true"));
    alto_json_walk walk = alto_json_elements(names);
    for (size_t i = 0; i < out->cost_count && alto_json_next(&walk, &name); i++)
        out->testable[i] = named ? has_name(testable, name) : any;
}

static bool find_costs(const alto_view *view, alto_service *out)
{
    static const char *const path[] = {"capabilities", "cost-type-names", NULL};
    alto_slice names, name;
    alto_cost_type type;
    if (!alto_json_get(out->entry, path, &names))
        return false;
    alto_json_walk walk = alto_json_elements(names);
    while (alto_json_next(&walk, &name)) {
        const alto_resource *map = alto_origin_cost_type(alto_origin_directory(view), name, &type)
                                       ? map_of_type(view, out->network, &type)
                                       : NULL;
        if (!map || out->cost_count == ALTO_SERVICE_COSTS)
            return false;
        out->costs[out->cost_count++] = map;
        if (!alto_resource_shown(map))
            out->map = map;
    }
    find_testable(out, names);
    if (!out->map && out->kind == ALTO_SERVICE_COST_FILTER)
        out->map = out->costs[0];
    return out->cost_count > 0;
}

static bool has_properties(const alto_view *view, alto_slice entry)
{
    static const char *const path[] = {"capabilities", "prop-types", NULL};
    static const alto_service any = {.kind = ALTO_SERVICE_ENDPOINT_PROPERTY};
    alto_slice types, type;
    size_t count = 0;
    if (!alto_json_get(entry, path, &types))
        return false;
    alto_json_walk walk = alto_json_elements(types);
    for (; alto_json_next(&walk, &type); count++) {
        char name[2 * ALTO_MAX_NAME + 8];
        if (!alto_json_text(type, name, sizeof name) || !alto_service_property(view, &any, alto_slice_text(name)))
            return false;
    }
    return count > 0;
}

bool alto_origin_service(const alto_view *view, const char *id, alto_slice entry, alto_service *out)
{
    alto_service_kind kind;
    if (!kind_of(entry, &kind))
        return false;
    *out = (alto_service){.kind = kind, .entry = entry};
    snprintf(out->id, sizeof out->id, "%s", id);
    if (kind == ALTO_SERVICE_ENDPOINT_PROPERTY)
        return has_properties(view, entry);
    if (kind != ALTO_SERVICE_ENDPOINT_COST) {
        out->network = used_network(view, entry);
        if (!out->network)
            return false;
    }
    if (kind == ALTO_SERVICE_NETWORK_FILTER)
        out->map = out->network;
    return kind == ALTO_SERVICE_NETWORK_FILTER || find_costs(view, out);
}

/* The first entry of the directory, if there is one. */
static bool first_entry(const alto_view *view, alto_cursor *at)
{
    const alto_version *directory = alto_origin_directory(view);
    const alto_tree *entries;
    if (!directory || !alto_version_row(directory, ALTO_ROW_MEMBER, alto_slice_text("resources"), &entries))
        return false;
    alto_cursor_first(at, entries);
    return alto_cursor_valid(at);
}

unsigned alto_origin_kinds(const alto_view *view)
{
    alto_cursor at;
    unsigned kinds = 0;
    for (bool some = first_entry(view, &at); some; some = alto_cursor_valid(&at)) {
        char id[ALTO_MAX_NAME + 1];
        alto_service service;
        if (alto_origin_id(&at, id) && alto_origin_service(view, id, alto_cursor_value(&at).text, &service))
            kinds |= ALTO_SERVICE_BIT(service.kind);
        alto_cursor_next(&at);
    }
    return kinds;
}

bool alto_origin_has(const alto_view *view, alto_service_kind kind, alto_ird_here_fn *here, void *context)
{
    alto_cursor at;
    for (bool some = first_entry(view, &at); some; some = alto_cursor_valid(&at)) {
        char id[ALTO_MAX_NAME + 1];
        alto_service_kind its;
        if (alto_origin_id(&at, id) && kind_of(alto_cursor_value(&at).text, &its) && its == kind && here(context, id))
            return true;
        alto_cursor_next(&at);
    }
    return false;
}
