/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.h - one of the places that a replica gets its bytes from: where it is, where it pushes, when its head is asked
 * for, and whether it can be relied on at the moment.
 *
 * Everything but its URL is learned from it. Of its push endpoints only the port is taken, from 1024 on; the host stays that of the URL,
 * so that an upstream cannot make us talk to others. Its key, where it encrypts (CURVE), is taken over HTTPS only: whoever
 * could change that on the way could as well be the one who pushes.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef ALTO_UPSTREAM_H
#define ALTO_UPSTREAM_H

#include "core/crypto.h"
#include "core/wire.h"
#include "io/pull.h"

typedef struct alto_upstream alto_upstream;

#define ALTO_MAX_TOPICS 65 /* of statements, and of 64 resources */
typedef struct {
    size_t count;
    struct {
        uint8_t bytes[ALTO_TOPIC_SIZE];
        size_t size; /* a prefix of a topic subscribes to all that begin so */
    } items[ALTO_MAX_TOPICS];
} alto_topics;

typedef struct {
    const char *url;                  /* "http://127.0.0.1:8670" */
    const char *push;                 /* push endpoint to use instead of the one learned; NULL: learn */
    bool no_push;                     /* never by push */
    const alto_curve_pair *curve_own; /* whom it knows us as, where it encrypts its push; must outlive it */
    const alto_curve_key *curve;      /* its key, and nothing is taken from others; copied. NULL: learn */
    alto_pull_trust trust;            /* its texts must outlive it */
    const alto_origin *origin;        /* copied */
    const alto_topics *topics;        /* what to subscribe to; must outlive it */
    const char *label;                /* begins the fields of its log lines: "", or "origin=isp-a "; must outlive it */
} alto_upstream_options;

/* Called from the loop, never from inside a function of this header. */
typedef struct {
    /* A pushed message. The upstream must not be destroyed or turned from inside. */
    void (*message)(void *context, alto_upstream *from, const alto_slice *frames, size_t count);
    /* Its head was asked for: the answer. */
    void (*head)(void *context, alto_upstream *from, const alto_pull_result *result);
    /* It became known, failed, or turned out to serve other origins only. */
    void (*changed)(void *context, alto_upstream *from);
    void *context;
} alto_upstream_events;

/* Errors: ALTO_CONFIG (not a URL, or not an endpoint, or a group and a key), ALTO_NO_MEMORY. Nothing is asked before the first turn. The puller must outlive it. */
alto_status alto_upstream_new(alto_loop *loop, alto_puller *puller, const alto_upstream_options *options,
                              const alto_upstream_events *events, alto_upstream **out, alto_error *error);
void alto_upstream_destroy(alto_upstream **self); /* ends its pulls without calling anybody */

/* Do what is due: learn where it pushes, connect, ask for its head.
 * poll_ms  how often to ask for the head while it does not push; UINT64_MAX: not at all, also not when told to.
 * Returns when it wants its next turn. Both times by alto_monotonic_ms. */
uint64_t alto_upstream_turn(alto_upstream *self, uint64_t now_ms, uint64_t poll_ms);
/* Ask for its head with the next turn, unless that is under way. */
void alto_upstream_ask_head(alto_upstream *self);
/* GET `path` below ".../<origin>/"; as alto_pull_get. */
alto_pull *alto_upstream_get(alto_upstream *self, const char *path, uint64_t max_size, alto_pull_done_fn *done,
                             void *context);

/* It spoke the truth by push: no head has to be asked for. */
void alto_upstream_heard(alto_upstream *self);
/* It did what was asked of it. settled: and we have all that we know of. */
void alto_upstream_fine(alto_upstream *self, bool settled);
/* It lacks something that it told of: no wonder, if time has passed. When that happens again before all is settled, it is a failure:
 * true. */
bool alto_upstream_missed(alto_upstream *self, const char *what);
/* It did not: leave it alone for a while, at first up to 250 ms, then with full jitter between 1 and 2, 4, ... 30 s, or until
 * its push comes back when it could not be reached; or as long as it said itself (retry_after_s, 0: it did not), and up to half as long again.
 * status  ALTO_IO: it may come back as another process, elsewhere; else what was wrong with its answer */
void alto_upstream_failed(alto_upstream *self, alto_status status, const char *what, const char *why,
                          uint64_t retry_after_s);
/* It sent what no honest upstream passes on. The third time, whatever was right in between, it is left alone as after a second
 * failure in a row or longer, its push too. True: this was the third. */
bool alto_upstream_lied(alto_upstream *self, alto_status status);
/* From now on it knows us by this pair, which must outlive it, and has this key (copied; NULL: that which it had). Encrypted push
 * that began with others is ended, and begins anew; its next turn is due. */
void alto_upstream_set_curve(alto_upstream *self, const alto_curve_pair *own, const alto_curve_key *key);
/* End its push too, from the next turn until it is asked again. */
void alto_upstream_leave(alto_upstream *self);

/* Can something be asked of it now? */
bool alto_upstream_usable(const alto_upstream *self, uint64_t now_ms);
bool alto_upstream_is_wrong(const alto_upstream *self); /* it serves other origins only */
/* Is it known what it has: it has told its head, or failed to? */
bool alto_upstream_has_told(const alto_upstream *self);
unsigned alto_upstream_failures(const alto_upstream *self); /* in a row */

typedef enum { ALTO_VIA_NOTHING, ALTO_VIA_PUSH, ALTO_VIA_POLL } alto_via;
/* How news come from it at the moment. */
alto_via alto_upstream_via(const alto_upstream *self);
const char *alto_upstream_url(const alto_upstream *self);
/* Why the last attempt to reach or believe it failed; "" when the last one did not. */
const char *alto_upstream_trouble(const alto_upstream *self);

#endif
