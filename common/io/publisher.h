/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.h - the downstream side of an origin or a relay: pushes the signed bytes of each step and of heads, and has a
 * site answer HTTP from the same archive. Origin and relay use it alike.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef ALTO_PUBLISHER_H
#define ALTO_PUBLISHER_H

#include "io/push.h"
#include "io/site.h"
#include "io/store.h"

typedef struct alto_publisher alto_publisher;

/* Answers at `site`, pushes through `sender` (borrowed; NULL: does not push). Errors: those of alto_site_add; ALTO_NO_MEMORY. */
alto_status alto_publisher_new(const alto_origin *origin, const alto_site_options *options, alto_site *site,
                               alto_push_sender *sender, alto_publisher **out, alto_error *error);
/* After the site, which reads its archive. */
void alto_publisher_destroy(alto_publisher **self);

/* Publish a step that was taken: its statement, then the payloads that the commit signed, as they came. */
void alto_publisher_step(alto_publisher *self, const alto_applied *applied, uint64_t max_pushed_payload);
/* After the step that took it up: deltas from the older versions of a stored state can be had, too. */
void alto_publisher_remember(alto_publisher *self, const alto_stored_state *state);
/* Publish a newer head of the current view. */
void alto_publisher_head(alto_publisher *self, alto_slice object, const alto_signature *signature);
/* How fresh the state is that is served: after each step and head, and each second where it can become stale. */
void alto_publisher_freshness(alto_publisher *self, const alto_freshness *freshness);
/* A manifest to be served, and the list of root sets (roots.h) that it needs. */
void alto_publisher_manifest(alto_publisher *self, alto_slice file, uint32_t epoch, uint32_t version, alto_slice roots);

#endif
