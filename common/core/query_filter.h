/* SPDX-License-Identifier: Apache-2.0 */
/* query_filter.h - filtered network map (RFC 7285 11.3.1) and filtered cost map (11.3.2, with RFC 8189): requests
 * answered from the trees of a view, row by row; no whole map is written.
 *
 * Both have the shape that query.h describes. PIDs come in name order, each once. Threads: none inside. Pure. */
#ifndef ALTO_QUERY_FILTER_H
#define ALTO_QUERY_FILTER_H

#include "core/query.h"
#include "core/service.h"

#define ALTO_MAX_ANSWER 67108864 /* bytes of an answer that is made for one request: whoever wants more takes the map */

/* service is an ALTO_SERVICE_NETWORK_FILTER whose map is shown. A PID that is asked for by name and has no address of the
 * wanted types is answered empty; where all are asked for it is left out. */
alto_status alto_query_network_filter(const alto_service *service, alto_slice body, alto_buffer *out,
                                      alto_query_error *error);
/* service is an ALTO_SERVICE_COST_FILTER whose map is shown. All PIDs are those of the network map. A source that has no
 * cost to any destination is left out. */
alto_status alto_query_cost_filter(const alto_view *view, const alto_service *service, alto_slice body,
                                   alto_buffer *out, alto_query_error *error);

#endif
