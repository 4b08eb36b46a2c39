/* SPDX-License-Identifier: Apache-2.0 */
/* http_lane.h - the short way through the HTTP server: it accepts the connections and answers plain requests
 * (core/http_plain.h) with few system calls and no allocation. A connection whose next request is anything else is
 * handed over to a full HTTP server, nothing of that request taken, and does not come back. TLS is not for the lane. A request whose answer is still
 * being made waits in its socket, and is put to the handler again.
 *
 * Threads: none inside; a lane belongs to one thread. */
#ifndef ALTO_HTTP_LANE_H
#define ALTO_HTTP_LANE_H

#include "io/http_limits.h"

typedef struct alto_http_lane alto_http_lane;

/* A connection that is handed over; the descriptor is the callee's from then on, and so is leaving as a client. */
typedef struct {
    int fd;
    const struct sockaddr *peer;
    socklen_t peer_size;
    alto_http_client *client; /* of the limits */
    bool secure;              /* it came by the listener for TLS */
} alto_http_arrival;

typedef struct {
    alto_http_fn *handler;
    void *context; /* of handler */
    void (*hand_over)(void *owner, const alto_http_arrival *arrival);
    /* No more connections can be had: end one elsewhere that waits for a request since before before_ms. False: there is
     * none. */
    bool (*make_room)(void *owner, alto_http_limit why, uint64_t before_ms, uint64_t now_ms);
    void *owner;
    alto_http_limits *limits;
    size_t max_connections; /* with those elsewhere */
    unsigned idle_ms;       /* a connection without a byte in either direction for so long is closed */
    unsigned
        patience_ms; /* how long a request may wait for an answer that is being made; one that is held has no end here */
} alto_http_lane_options;

/* Accept at `plain`, and at `secure`, whose connections are handed over at once (both listening, non-blocking, borrowed;
 * -1: none). NULL: out of memory or descriptors. */
alto_http_lane *alto_http_lane_new(int plain, int secure, const alto_http_lane_options *options);
/* Closes its connections, gives back the answers under way. */
void alto_http_lane_destroy(alto_http_lane **self);
/* Let alto_http_lane_run() also return while `fd` (borrowed) is readable, or no longer. Errors: ALTO_IO. */
alto_status alto_http_lane_watch(alto_http_lane *self, int fd);
void alto_http_lane_unwatch(alto_http_lane *self, int fd);
/* A connection that was handed over has begun (1) or ended (-1) elsewhere. */
void alto_http_lane_elsewhere(alto_http_lane *self, int change);
/* Do what is ready, waiting at most wait_ms (-1: as long as it takes) for something. True when others may have work:
 * a watched descriptor is readable or a connection was handed over. */
bool alto_http_lane_run(alto_http_lane *self, int wait_ms);
/* Put all requests that wait to the handler again, also those that are held. */
void alto_http_lane_wake(alto_http_lane *self);
/* Accept nobody any more, close the connections that wait for a request, and each other one after its answer. Requests
 * that are there already are answered or handed over before. */
void alto_http_lane_stop(alto_http_lane *self);
/* Answers under way. */
size_t alto_http_lane_answering(const alto_http_lane *self);

#endif
