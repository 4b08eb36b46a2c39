/* SPDX-License-Identifier: Apache-2.0 */
/* query_cost.h - which costs a request wants and under which conditions: what filtered cost map and endpoint cost
 * (RFC 7285 11.3.2.3, 11.5.1.3) have in common, with several costs at a time (RFC 8189).
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_QUERY_COST_H
#define ALTO_QUERY_COST_H

#include "core/query.h"
#include "core/service.h"

#define ALTO_MAX_CONSTRAINTS 256 /* tests in one request: each cell may have to be put to all of them */

typedef struct {
    enum { ALTO_COST_EQ, ALTO_COST_LT, ALTO_COST_LE, ALTO_COST_GT, ALTO_COST_GE } relation;
    uint32_t source; /* which of `maps` */
    bool last;       /* of those that have to hold together */
    double bound;
} alto_cost_test;

typedef struct {
    bool multi;   /* answers are arrays */
    size_t count; /* costs that are answered: the first of `maps` */
    size_t map_count;
    const alto_resource *maps[2 * ALTO_SERVICE_COSTS]; /* and then those that are only tested. Borrowed from the view */
    alto_cost_test *tests;                             /* owned */
    size_t test_count;                                 /* 0: there is no condition */
} alto_cost_wish;

/* Read the wish out of a request, and the one field more that its kind has into *other (described as for
 * alto_query_fields). Fields that the service does not know are ignored. Errors: those of alto_query_open, ALTO_INVALID, ALTO_NO_MEMORY. End with
 * alto_cost_wish_fini, also after an error. */
alto_status alto_cost_wish_read(alto_cost_wish *self, const alto_view *view, const alto_service *service,
                                alto_slice body, alto_query_field *other, alto_query_error *error);
void alto_cost_wish_fini(alto_cost_wish *self);

/* Are these costs, one of each map and NaN where there is none, to be answered: is one of the answered costs there, and
 * does a condition hold? A test of a cost that is not there does not. */
bool alto_cost_wish_admits(const alto_cost_wish *self, const double *costs);

/* Append "cost-type":... and with several costs "multi-cost-types":..., the members of the answer's meta, as the maps
 * say them. */
void alto_cost_wish_meta(const alto_cost_wish *self, alto_buffer *out);

#endif
