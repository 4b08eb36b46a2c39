/* SPDX-License-Identifier: Apache-2.0 */
/* query_endpoint.h - endpoint property (RFC 7285 11.4) and endpoint cost (11.5, with RFC 8189), answered from maps: the PID of
 * an endpoint is that of the longest prefix which covers its address, the cost between endpoints that between their PIDs.
 *
 * Both have the shape that query.h describes. Endpoints are answered under the text that they were asked by, each text
 * once and in order. Threads: none inside. Pure. */
#ifndef ALTO_QUERY_ENDPOINT_H
#define ALTO_QUERY_ENDPOINT_H

#include "core/query.h"
#include "core/service.h"

#define ALTO_MAX_PAIRS 2097152 /* costs that one request may ask for: each has to be looked up */

/* Who asks, and of what. */
typedef struct {
    const alto_view *view;
    const alto_service *service;
    const alto_endpoint *client; /* stands for endpoints that are not given (11.5.1.3); NULL: not known */
    alto_status (*lpm)(const alto_resource *network_map, const alto_lpm **out); /* as alto_resource_lpm */
} alto_endpoint_question;

/* service is an ALTO_SERVICE_ENDPOINT_PROPERTY. Properties: "<network map>.pid" of each network map that is shown. */
alto_status alto_query_endpoint_property(const alto_endpoint_question *question, alto_slice body, alto_buffer *out,
                                         alto_query_error *error);
/* service is an ALTO_SERVICE_ENDPOINT_COST. Costs that are not defined are left out, and sources that have none. The answer's meta
 * names the network maps that were used, in dependent-vtags, and the first of them in vtag: the RFC does not ask for it,
 * clients that do exist. Errors: also ALTO_TOO_LARGE for more than ALTO_MAX_PAIRS. */
alto_status alto_query_endpoint_cost(const alto_endpoint_question *question, alto_slice body, alto_buffer *out,
                                     alto_query_error *error);

#endif
