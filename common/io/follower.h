/* SPDX-License-Identifier: Apache-2.0 */
/* follower.h - keeps a replica up to date from one upstream, by push where it can be had and by pull for everything else.
 *
 * Everything but the upstream's URL and the root key is learned from the upstream: its push endpoints (only the port is
 * taken; the host stays that of the URL, so that an upstream cannot make us talk to others), manifest, head.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef ALTO_FOLLOWER_H
#define ALTO_FOLLOWER_H

#include "core/replica.h"
#include "io/loop.h"

typedef struct alto_follower alto_follower;

typedef struct {
    const char *upstream;      /* "http://127.0.0.1:8670" */
    const char *upstream_push; /* push endpoint to use instead of the one learned; NULL: learn */
    bool no_push;              /* follow by polling only */
    uint64_t poll_ms;          /* how often to ask for the head where push is not to be had; 0: 1000 */
    const alto_anchor *anchor;
    const char *const *follow; /* resource IDs; none: all */
    size_t follow_count;
} alto_follower_options;

typedef struct {
    alto_replica_events replica;                      /* as replica.h; called in the loop's thread */
    void (*manifest)(void *context, alto_slice file); /* a newer manifest was taken; may be NULL */
    /* The upstream speaks for other origins only, which no waiting mends: wrong root key or wrong URL. It is asked
     * again all the same. May be NULL. */
    void (*wrong_origin)(void *context);
    void *context; /* of these two */
} alto_follower_events;

/* Errors: ALTO_CONFIG (not a URL), ALTO_NO_MEMORY. Nothing is asked before alto_follower_start. */
alto_status alto_follower_new(alto_loop *loop, const alto_follower_options *options, const alto_follower_events *events,
                              alto_follower **out, alto_error *error);
void alto_follower_destroy(alto_follower **self);

/* The replica, to be restored from disk before alto_follower_start. */
alto_replica *alto_follower_replica(alto_follower *self);
void alto_follower_start(alto_follower *self);

typedef enum { ALTO_VIA_NOTHING, ALTO_VIA_PUSH, ALTO_VIA_POLL } alto_follower_via;
/* How news come at the moment. */
alto_follower_via alto_follower_via_now(const alto_follower *self);
/* Why the last attempt to reach or believe the upstream failed; "" when the last one did not. */
const char *alto_follower_trouble(const alto_follower *self);
#endif
