/* SPDX-License-Identifier: Apache-2.0 */
/* follower.h - keeps a replica up to date from one or more upstreams, by push where it can be had and by pull for everything else.
 *
 * All of them push: whatever comes first and is right counts, and is known when it comes again. Pulled is from one at a time,
 * best the one that told the news; one that fails or lies is left alone for a while (upstream.h) and the next one is
 * asked. An upstream that lies is left at once when there is another one, after three lies in any case. A fork is no lie of who
 * passes it on: it is kept as evidence, and what is held stays. What has failed everywhere fails for the replica. An old head from an upstream that answers means that the
 * origin is away, and is no reason to go elsewhere.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef ALTO_FOLLOWER_H
#define ALTO_FOLLOWER_H

#include "io/evidence.h"
#include "io/upstream.h"

typedef struct alto_follower alto_follower;

#define ALTO_MAX_UPSTREAMS 16
typedef struct {
    const char *const *upstreams; /* URLs, e.g. "http://127.0.0.1:8670"; at least one */
    size_t upstream_count;
    const char *const
        *upstream_push; /* push endpoints to use instead of the ones learned, of the first so many upstreams */
    size_t upstream_push_count;
    const char *const
        *upstream_curve; /* files with the public keys (CURVE) of the first so many upstreams, which then push
                                          nothing to us but encrypted; of the others keys are learned (upstream.h) */
    size_t upstream_curve_count;
    const char
        *curve_own; /* file with the key pair that upstreams know us by (curve_files.h); NULL: one made for now */
    alto_pull_trust trust; /* for upstreams with https; copied */
    bool no_push;          /* follow by polling only */
    uint64_t poll_ms;      /* how often to ask for the head where push is not to be had; 0: 1000 */
    const alto_anchor *anchor;
    const char *const *follow; /* resource IDs; none: all */
    size_t follow_count;
    const char *label;    /* begins the fields of its log lines: "origin=isp-a "; NULL: nothing. Must outlive it */
    const char *evidence; /* directory for forks (evidence.h); NULL: they are kept in memory alone */
} alto_follower_options;

typedef struct {
    alto_replica_events replica;                      /* as replica.h, but for `fork`; called in the loop's thread */
    void (*manifest)(void *context, alto_slice file); /* a newer manifest was taken; may be NULL */
    /* All upstreams speak for other origins only, which no waiting mends: wrong root key or wrong URLs. They are asked
     * again all the same. May be NULL. */
    void (*wrong_origin)(void *context);
    void *context; /* of these two */
} alto_follower_events;

/* Errors: ALTO_CONFIG (not a URL, none or too many), those of curve_files.h and alto_pull_trust_check, ALTO_NO_MEMORY. Nothing is asked before alto_follower_start. */
alto_status alto_follower_new(alto_loop *loop, const alto_follower_options *options, const alto_follower_events *events,
                              alto_follower **out, alto_error *error);
void alto_follower_destroy(alto_follower **self);

/* The replica, to be restored from disk before alto_follower_start. */
alto_replica *alto_follower_replica(alto_follower *self);
void alto_follower_start(alto_follower *self);

/* Read the files of CURVE anew. Push that began with another key than is there now is ended and begins anew; what it missed is
 * pulled. A file that is no good leaves what was read of it before, with a line of log that says why. Not from inside an
 * event. */
void alto_follower_reload(alto_follower *self);

/* The replica's state at alto_clock_ms; not live before every upstream has told its head, or failed to. */
alto_replica_state alto_follower_state(const alto_follower *self);
/* How news come at the moment, at best. */
alto_via alto_follower_via_now(const alto_follower *self);
size_t alto_follower_upstream_count(const alto_follower *self);
/* In the order of the options; for looking only. */
const alto_upstream *alto_follower_upstream(const alto_follower *self, size_t index);
/* The forks that were found; stays as long as the follower. */
const alto_evidence *alto_follower_evidence(const alto_follower *self);
/* Why nothing can be had, in words: the trouble of the first upstream when all have some; else "". */
const char *alto_follower_trouble(const alto_follower *self);
#endif
