/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service.h"

#include "core/json_text.h"
#include "core/mapjson.h"
#include "core/service_origin.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    NUMBER_ROOM = 5, /* of "-4096": there are no more resources whose ID could be taken */
    CUT_ROOM = 9     /* of "-89abcdef", instead of the end of an ID that is too long */
};

static const char filtered[] = "-filtered";

static const struct {
    const char *accepts, *media_type;
} media[] = {
    [ALTO_SERVICE_NETWORK_FILTER] = {"application/alto-networkmapfilter+json", "application/alto-networkmap+json"},
    [ALTO_SERVICE_COST_FILTER] = {"application/alto-costmapfilter+json", "application/alto-costmap+json"},
    [ALTO_SERVICE_ENDPOINT_PROPERTY] = {"application/alto-endpointpropparams+json",
                                        "application/alto-endpointprop+json"},
    [ALTO_SERVICE_ENDPOINT_COST] = {"application/alto-endpointcostparams+json", "application/alto-endpointcost+json"},
};

const char *alto_service_accepts(alto_service_kind kind)
{
    return media[kind].accepts;
}

const char *alto_service_media_type(alto_service_kind kind)
{
    return media[kind].media_type;
}

/* ---- IDs ---- */

static bool is_taken(const alto_view *view, const char *id)
{
    alto_slice entry;
    return alto_view_by_id(view, id) || alto_origin_entry(view, id, &entry);
}

/* `base` and `suffix`, within the length of an ID, with a number behind it where that is taken. */
static void make_id(const alto_view *view, alto_slice base, const char *suffix, char id[ALTO_MAX_NAME + 1])
{
    size_t suffix_size = strlen(suffix), most = ALTO_MAX_NAME - NUMBER_ROOM - suffix_size;
    size_t size = base.size > most ? most - CUT_ROOM : base.size;
    char stem[ALTO_MAX_NAME + 1];
    if (size)
        memcpy(stem, base.data, size);
    if (size < base.size) {
        alto_hash hash = alto_hash_of("altocast-service-1", base);
        stem[size++] = '-';
        alto_hex(stem + size, hash.bytes, 4);
        size += CUT_ROOM - 1;
    }
    memcpy(stem + size, suffix, suffix_size + 1);
    memcpy(id, stem, size + suffix_size + 1);
    for (unsigned number = 2; is_taken(view, id); number++)
        snprintf(id, ALTO_MAX_NAME + 1, "%.*s-%u", ALTO_MAX_NAME - NUMBER_ROOM, stem, number);
}

/* ---- which there are ---- */

const alto_resource *alto_service_network(const alto_view *view, const alto_resource *cost_map)
{
    if (cost_map->entry.dependency_count == 0)
        return NULL;
    const alto_vtag *named = &cost_map->entry.dependencies[0];
    const alto_resource *found = alto_view_by_id(view, named->resource_id);
    return found && found->entry.kind == ALTO_NETWORK_MAP && alto_resource_shown(found) &&
                   strcmp(found->entry.tag, named->tag) == 0
               ? found
               : NULL;
}

/* The filter of a map, without its ID; false when it has none. */
static bool filter_of(const alto_view *view, unsigned kinds, const alto_resource *map, alto_service *out)
{
    if (map->name.input.size || !map->version)
        return false;
    *out = (alto_service){.map = map};
    if (map->entry.kind == ALTO_NETWORK_MAP) {
        out->kind = ALTO_SERVICE_NETWORK_FILTER;
        out->network = map;
    } else if (map->entry.kind == ALTO_COST_MAP) {
        alto_cost_type type;
        out->kind = ALTO_SERVICE_COST_FILTER;
        out->network = alto_service_network(view, map);
        if (alto_resource_shown(map) && (!out->network || !alto_version_cost_type(map->version, &type)))
            return false;
    } else {
        return false;
    }
    return kinds & ALTO_SERVICE_BIT(out->kind);
}

static bool is_of(const alto_view *view, unsigned kinds, const alto_resource *map, const char *id, alto_service *out)
{
    if (!filter_of(view, kinds, map, out))
        return false;
    make_id(view, map->name.id, filtered, out->id);
    return strcmp(out->id, id) == 0;
}

/* Can a view have it at all? */
static bool has_endpoint(const alto_view *view, alto_service_kind kind)
{
    for (size_t i = 0; i < view->count; i++) {
        const alto_resource *at = view->resources[i];
        if (!alto_resource_shown(at) || at->name.input.size)
            continue;
        alto_cost_type type;
        if (kind == ALTO_SERVICE_ENDPOINT_PROPERTY
                ? at->entry.kind == ALTO_NETWORK_MAP
                : at->entry.kind == ALTO_COST_MAP && alto_service_network(view, at) &&
                      alto_version_cost_type(at->version, &type))
            return true;
    }
    return false;
}

static bool endpoint_of(const alto_view *view, unsigned kinds, alto_service_kind kind, alto_service *out)
{
    if (!(kinds & ALTO_SERVICE_BIT(kind)) || !has_endpoint(view, kind))
        return false;
    *out = (alto_service){.kind = kind};
    make_id(view, alto_slice_text("endpoint"), kind == ALTO_SERVICE_ENDPOINT_PROPERTY ? "-property" : "-cost", out->id);
    return true;
}

static bool find_made(const alto_view *view, unsigned kinds, const char *id, alto_service *out)
{
    char stem[ALTO_MAX_NAME + 1] = "";
    const char *end = id, *next;
    while ((next = strstr(end, filtered)))
        end = next + 1;
    if (end > id && end - id <= ALTO_MAX_NAME) {
        memcpy(stem, id, (size_t)(end - 1 - id));
        stem[end - 1 - id] = 0;
    }
    const alto_resource *map = alto_view_by_id(view, stem);
    if (map && is_of(view, kinds, map, id, out))
        return true;
    for (size_t i = 0; *stem && i < view->count; i++) /* an ID that was cut */
        if (view->resources[i]->name.id.size > ALTO_MAX_NAME - NUMBER_ROOM - strlen(filtered) &&
            is_of(view, kinds, view->resources[i], id, out))
            return true;
    for (unsigned kind = ALTO_SERVICE_ENDPOINT_PROPERTY; kind <= ALTO_SERVICE_ENDPOINT_COST; kind++)
        if (strncmp(id, "endpoint-", 9) == 0 && endpoint_of(view, kinds, kind, out) && strcmp(out->id, id) == 0)
            return true;
    return false;
}

bool alto_service_find(const alto_view *view, unsigned kinds, const char *id, alto_service *out)
{
    alto_slice entry;
    if (alto_origin_entry(view, id, &entry))
        return alto_origin_service(view, id, entry, out) && (kinds & ALTO_SERVICE_BIT(out->kind));
    return find_made(view, kinds, id, out) && !(alto_origin_kinds(view) & ALTO_SERVICE_BIT(out->kind));
}

void alto_services(const alto_view *view, unsigned kinds, alto_service_fn *found, void *context)
{
    alto_service service;
    kinds &= ~alto_origin_kinds(view);
    for (size_t i = 0; i < view->count; i++) {
        const alto_resource *map = view->resources[i];
        if (!alto_resource_shown(map) || !filter_of(view, kinds, map, &service))
            continue;
        make_id(view, map->name.id, filtered, service.id);
        found(context, &service);
    }
    for (unsigned kind = ALTO_SERVICE_ENDPOINT_PROPERTY; kind <= ALTO_SERVICE_ENDPOINT_COST; kind++)
        if (endpoint_of(view, kinds, kind, &service))
            found(context, &service);
}

/* ---- cost types ---- */

/* May the service offer this cost map? */
static bool offers(const alto_view *view, const alto_service *service, const alto_resource *at, alto_cost_type *type)
{
    if (at->entry.kind != ALTO_COST_MAP || at->name.input.size || !alto_resource_shown(at))
        return false;
    const alto_resource *network = alto_service_network(view, at);
    return network && (!service->network || network == service->network) && alto_version_cost_type(at->version, type);
}

/* Has the network map of one more prefixes than that of the other? */
static bool is_finer(const alto_view *view, const alto_resource *costs, const alto_resource *than)
{
    return alto_service_network(view, costs)->entry.items > alto_service_network(view, than)->entry.items;
}

size_t alto_service_costs(const alto_view *view, const alto_service *service,
                          const alto_resource *costs[ALTO_SERVICE_COSTS])
{
    alto_cost_type types[ALTO_SERVICE_COSTS];
    size_t count = 0, same;
    if (service->entry.size) {
        memcpy(costs, service->costs, service->cost_count * sizeof *costs);
        return service->cost_count;
    }
    if (service->map && offers(view, service, service->map, &types[0]))
        costs[count++] = service->map;
    for (size_t i = 0; i < view->count && count < ALTO_SERVICE_COSTS; i++) {
        const alto_resource *at = view->resources[i];
        if (!offers(view, service, at, &types[count]))
            continue;
        for (same = 0; same < count && !alto_cost_type_equal(&types[same], &types[count]);)
            same++;
        if (same == count)
            costs[count++] = at;
        else if (!service->map && is_finer(view, at, costs[same]))
            costs[same] = at;
    }
    return count;
}

const alto_resource *alto_service_cost(const alto_view *view, const alto_service *service, const alto_cost_type *type)
{
    const alto_resource *costs[ALTO_SERVICE_COSTS];
    alto_cost_type own;
    if (service->map && offers(view, service, service->map, &own) && alto_cost_type_equal(&own, type))
        return service->map;
    size_t count = alto_service_costs(view, service, costs);
    for (size_t i = 0; i < count; i++)
        if (alto_version_cost_type(costs[i]->version, &own) && alto_cost_type_equal(&own, type))
            return costs[i];
    return NULL;
}

/* ---- what the origin's entry allows ---- */

static bool capability(const alto_service *service, const char *name, alto_slice *value)
{
    const char *const path[] = {"capabilities", name, NULL};
    return alto_json_get(service->entry, path, value);
}

bool alto_service_tests(const alto_service *service, const alto_resource *cost_map)
{
    for (size_t i = 0; i < service->cost_count; i++)
        if (service->testable[i] && (!cost_map || cost_map == service->costs[i]))
            return true;
    return service->entry.size == 0;
}

size_t alto_service_several(const alto_service *service)
{
    alto_slice value;
    if (service->entry.size == 0)
        return ALTO_SERVICE_COSTS;
    return capability(service, "max-cost-types", &value) && value.data[0] >= '1' && value.data[0] <= '9'
               ? strtoul((const char *)value.data, NULL, 10) /* what follows the digits is no digit: JSON */
               : 0;
}

static bool has_property(const alto_service *service, alto_slice name)
{
    char text[2 * ALTO_MAX_NAME + 8];
    alto_slice types, type;
    if (!capability(service, "prop-types", &types))
        return false;
    alto_json_walk walk = alto_json_elements(types);
    while (alto_json_next(&walk, &type))
        if (alto_json_text(type, text, sizeof text) && alto_slice_equal(alto_slice_text(text), name))
            return true;
    return false;
}

const alto_resource *alto_service_property(const alto_view *view, const alto_service *service, alto_slice name)
{
    static const char suffix[] = ".pid";
    enum { SUFFIX = sizeof suffix - 1 };
    char id[ALTO_MAX_NAME + 1];
    if (name.size <= SUFFIX || name.size - SUFFIX > ALTO_MAX_NAME ||
        memcmp(name.data + name.size - SUFFIX, suffix, SUFFIX) != 0 || memchr(name.data, 0, name.size) ||
        (service->entry.size && !has_property(service, name)))
        return NULL;
    memcpy(id, name.data, name.size - SUFFIX);
    id[name.size - SUFFIX] = 0;
    const alto_resource *found = alto_view_by_id(view, id);
    return found && found->entry.kind == ALTO_NETWORK_MAP && alto_resource_shown(found) ? found : NULL;
}
