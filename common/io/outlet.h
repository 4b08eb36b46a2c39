/* SPDX-License-Identifier: Apache-2.0 */
/* outlet.h - where a process pushes and answers: one push socket and one HTTP server for all origins that it publishes.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef ALTO_OUTLET_H
#define ALTO_OUTLET_H

#include "io/http_side.h"
#include "io/publisher.h"

typedef struct alto_outlet alto_outlet;

typedef struct {
    const char *const *push; /* endpoints to bind; may be none */
    size_t push_count;
    unsigned multicast_mbit;      /* as push.h; 0: ALTO_PUSH_MULTICAST_MBIT */
    const char *const *advertise; /* endpoints to name instead of the bound ones; may be none */
    size_t advertise_count;
    const alto_http_side_options *http; /* borrowed during the call; NULL: HTTP is not answered */
    alto_push_gate_options gate;        /* whom push lets in, encrypted; read anew on SIGHUP */
} alto_outlet_options;

/* Binds the push socket. Errors: those of alto_push_sender_new, alto_push_gate_new and alto_http_side_new; ALTO_CONFIG (a gate
 * without push); ALTO_NO_MEMORY. */
alto_status alto_outlet_new(alto_loop *loop, const alto_outlet_options *options, alto_outlet **out, alto_error *error);
/* Closes push (see alto_push_sender_destroy), then stops answering (after at most 2.5 s for answers under way), then frees,
 * publishers included. */
void alto_outlet_destroy(alto_outlet **self);

/* Publish one origin more; the publisher is the outlet's. Before alto_outlet_open. Errors: those of alto_publisher_new. */
alto_status alto_outlet_publish(alto_outlet *self, const alto_origin *origin, const alto_site_options *options,
                                alto_publisher **publisher, alto_error *error);
/* Begin to answer HTTP: whoever asks then hears of all origins. Errors: those of alto_http_side_open. */
alto_status alto_outlet_open(alto_outlet *self, alto_error *error);

/* The HTTP server, for those who answer later (alto_http_server_wake); NULL: none, or not open. */
alto_http_server *alto_outlet_http(const alto_outlet *self);
/* The addresses really bound, for a first line of log, once it is open: "none" where there is none. */
const char *alto_outlet_http_address(const alto_outlet *self);
const char *alto_outlet_https_address(const alto_outlet *self);
const char *alto_outlet_push_endpoint(const alto_outlet *self, size_t index); /* NULL: none */

#endif
