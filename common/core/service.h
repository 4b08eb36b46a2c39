/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - the resources with input parameters (RFC 7285 11.3 to 11.5) that can be answered from the maps of a view.
 *
 * Each network map has a filtered network map, each cost map whose network map is shown a filtered cost map; a
 * view with a network map has one endpoint property, one with such a cost map one endpoint cost service. Their IDs are
 * made of the map's: "<map>-filtered", "endpoint-property", "endpoint-cost"; with "-2", "-3" and so on where a
 * resource has that ID already.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_SERVICE_H
#define ALTO_SERVICE_H

#include "core/view.h"

typedef enum {
    ALTO_SERVICE_NETWORK_FILTER,
    ALTO_SERVICE_COST_FILTER,
    ALTO_SERVICE_ENDPOINT_PROPERTY,
    ALTO_SERVICE_ENDPOINT_COST
} alto_service_kind;

/* Sets of kinds, by bit. */
#define ALTO_SERVICE_BIT(kind) (1u << (kind))
/* Those that altocast's servers answer. */
#define ALTO_SERVICES                                                                                                  \
    (ALTO_SERVICE_BIT(ALTO_SERVICE_NETWORK_FILTER) | ALTO_SERVICE_BIT(ALTO_SERVICE_COST_FILTER) |                      \
     ALTO_SERVICE_BIT(ALTO_SERVICE_ENDPOINT_PROPERTY) | ALTO_SERVICE_BIT(ALTO_SERVICE_ENDPOINT_COST))

/* The media types of the request and of the answer. */
const char *alto_service_accepts(alto_service_kind kind);
const char *alto_service_media_type(alto_service_kind kind);

typedef struct {
    alto_service_kind kind;
    char id[ALTO_MAX_NAME + 1];   /* its resource ID */
    const alto_resource *map;     /* that is filtered; the endpoint services have none. Borrowed from the view */
    const alto_resource *network; /* of filters: the network map behind it, perhaps the same */
} alto_service;

/* The service of that ID among those of `kinds`; false when the view has none. A map that may not be shown at the moment
 * (alto_resource_shown) has its service all the same. */
bool alto_service_find(const alto_view *view, unsigned kinds, const char *id, alto_service *out);

/* Called for each service that may be used now, in a fixed order: those of maps in the order of the view, then the
 * endpoint services. */
typedef void alto_service_fn(void *context, const alto_service *service);
void alto_services(const alto_view *view, unsigned kinds, alto_service_fn *found, void *context);

/* The network map that a cost map belongs to: shown, and of the tag that it names. NULL: none. */
const alto_resource *alto_service_network(const alto_view *view, const alto_resource *cost_map);

#define ALTO_SERVICE_COSTS 16 /* cost types that one service offers at most */
/* The cost maps that a cost service offers, each of another cost type, and how many. A filter's own comes first, then
 * those of the same network map; endpoint cost has those of every network map, of several with one type that of the finest,
 * which has the most prefixes. */
size_t alto_service_costs(const alto_view *view, const alto_service *service,
                          const alto_resource *costs[ALTO_SERVICE_COSTS]);
/* The one of a cost type; NULL: it is not offered. Quick for a filter's own. */
const alto_resource *alto_service_cost(const alto_view *view, const alto_service *service, const alto_cost_type *type);
static inline bool alto_cost_type_equal(const alto_cost_type *a, const alto_cost_type *b)
{
    return strcmp(a->metric, b->metric) == 0 && strcmp(a->mode, b->mode) == 0;
}

#endif
