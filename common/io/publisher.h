/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.h - the downstream side of an origin or a relay: pushes the signed bytes of each step and of heads, and
 * answers HTTP from the same archive. Origin and relay use it alike.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef ALTO_PUBLISHER_H
#define ALTO_PUBLISHER_H

#include "io/alto_server.h"
#include "io/front.h"
#include "io/push.h"
#include "io/store.h"

typedef struct alto_publisher alto_publisher;

typedef struct {
    const char *const *push; /* endpoints to bind; may be none */
    size_t push_count;
    unsigned multicast_mbit;      /* as push.h; 0: ALTO_PUSH_MULTICAST_MBIT */
    const char *http;             /* address to listen on; NULL: none */
    const char *const *advertise; /* endpoints to name instead of the bound ones; may be none */
    size_t advertise_count;
    unsigned http_threads;
    const alto_counts *counts; /* refusals, shown in info; must outlive the publisher */
    alto_stale_policy stale;   /* of ALTO answers */
    alto_server *alto_server;  /* that answers for what is not held; must outlive the publisher. NULL: none */
} alto_publisher_options;

/* Errors: those of alto_push_sender_new and alto_http_server_new; ALTO_NO_MEMORY. */
alto_status alto_publisher_new(alto_loop *loop, const alto_origin *origin, const alto_publisher_options *options,
                               alto_publisher **out, alto_error *error);
/* Closes push (see alto_push_sender_destroy), then stops answering (after at most 2.5 s for answers under way), then frees. */
void alto_publisher_destroy(alto_publisher **self);

/* Publish a step that was taken: its statement, then the payloads that the commit signed, as they came. */
void alto_publisher_step(alto_publisher *self, const alto_applied *applied, uint64_t max_pushed_payload);
/* After the step that took it up: deltas from the older versions of a stored state can be had, too. */
void alto_publisher_remember(alto_publisher *self, const alto_stored_state *state);
/* Publish a newer head of the current view. */
void alto_publisher_head(alto_publisher *self, alto_slice object, const alto_signature *signature);
/* How fresh the state is that is served: after each step and head, and each second where it can become stale. */
void alto_publisher_freshness(alto_publisher *self, const alto_freshness *freshness);
/* A manifest to be served. */
void alto_publisher_manifest(alto_publisher *self, alto_slice file, uint32_t epoch, uint32_t version);

/* The addresses really bound, for a first line of log. */
const char *alto_publisher_http_address(const alto_publisher *self);                /* NULL: none */
const char *alto_publisher_push_endpoint(const alto_publisher *self, size_t index); /* NULL: none */

#endif
