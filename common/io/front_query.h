/* SPDX-License-Identifier: Apache-2.0 */
/* front_query.h - requests with input parameters (RFC 7285 8.3.2): POST of JSON, answered from the maps of a view.
 *
 * Threads: none inside; may run in several threads at once. */
#ifndef ALTO_FRONT_QUERY_H
#define ALTO_FRONT_QUERY_H

#include "core/service.h"
#include "io/front_kept.h"
#include "io/http.h"

/* Answer a POST to a service whose map is shown: 200; 415 for a body of another type, 406, 400 with
 * application/alto-error+json (8.5). Never to be stored: the answer to a POST is for this one request. A 200 is taken from
 * `kept` where it was kept there, and kept there where the same was asked before. */
void alto_front_query(alto_front_kept *kept, const alto_view *view, const alto_service *service,
                      const alto_http_request *request, alto_http_answer *answer);

#endif
