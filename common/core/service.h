/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - the resources with input parameters (RFC 7285 11.3 to 11.5) that can be answered from the maps of a view.
 *
 * Each network map has a filtered network map, each cost map whose network map is shown a filtered cost map; a
 * view with a network map has one endpoint property, one with such a cost map one endpoint cost service. Their IDs are
 * made of the map's: "<map>-filtered", "endpoint-property", "endpoint-cost"; with "-2", "-3" and so on where a
 * resource has that ID already.
 *
 * Where the origin is an ALTO server, its own services come first, under its IDs and with what they offer (service_origin.h);
 * of a kind that it has, no others are made.
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

#define ALTO_SERVICE_COSTS 16 /* cost types that one service offers at most */

typedef struct {
    alto_service_kind kind;
    char id[ALTO_MAX_NAME + 1];   /* its resource ID */
    const alto_resource *map;     /* that is filtered; the endpoint services have none. Borrowed from the view */
    const alto_resource *network; /* of filters: the network map behind it, perhaps the same */
    alto_slice entry;             /* of the origin's directory, JSON: no more than that is offered. Empty: we made it */
    size_t cost_count;            /* with an entry: the cost maps of its cost types, in its order */
    const alto_resource *costs[ALTO_SERVICE_COSTS];
    bool testable[ALTO_SERVICE_COSTS]; /* which of them constraints may be put to */
} alto_service;

/* The service of that ID among those of `kinds`; false when the view has none. A map that may not be shown at the moment
 * (alto_resource_shown) has its service all the same. */
bool alto_service_find(const alto_view *view, unsigned kinds, const char *id, alto_service *out);

/* Called for each service that may be used now and has no entry in the origin's directory, in a fixed order: those of maps in the
 * order of the view, then the endpoint services. */
typedef void alto_service_fn(void *context, const alto_service *service);
void alto_services(const alto_view *view, unsigned kinds, alto_service_fn *found, void *context);

/* The network map that a cost map belongs to: shown, and of the tag that it names. NULL: none. */
const alto_resource *alto_service_network(const alto_view *view, const alto_resource *cost_map);

/* The cost maps that a cost service offers, each of another cost type, and how many. A filter's own comes first, then
 * those of the same network map; endpoint cost has those of every network map, of several with one type that of the finest,
 * which has the most prefixes. */
size_t alto_service_costs(const alto_view *view, const alto_service *service,
                          const alto_resource *costs[ALTO_SERVICE_COSTS]);
/* May a request put constraints to the costs of that one (NULL: to any), and how many cost types may it name at a time (0: it knows
 * nothing of RFC 8189)? */
bool alto_service_tests(const alto_service *service, const alto_resource *cost_map);
size_t alto_service_several(const alto_service *service);
/* The network map whose PIDs the property "<network map>.pid" of an endpoint property service tells; NULL: it is not offered. */
const alto_resource *alto_service_property(const alto_view *view, const alto_service *service, alto_slice name);
/* The one of a cost type; NULL: it is not offered. Quick for a filter's own. */
const alto_resource *alto_service_cost(const alto_view *view, const alto_service *service, const alto_cost_type *type);
static inline bool alto_cost_type_equal(const alto_cost_type *a, const alto_cost_type *b)
{
    return strcmp(a->metric, b->metric) == 0 && strcmp(a->mode, b->mode) == 0;
}

#endif
