/* SPDX-License-Identifier: Apache-2.0 */
/* http_engine.h - the full HTTP server beside the lane (http_lane.h) of one worker: daemons of libmicrohttpd in external-epoll
 * mode, one without TLS, one for each certificate that some connection began with. The only file that knows libmicrohttpd.
 *
 * Threads: none inside; what belongs to a worker is for its thread, but where it says more. */
#ifndef ALTO_HTTP_ENGINE_H
#define ALTO_HTTP_ENGINE_H

#include "io/http.h"
#include "io/http_lane.h"

/* A daemon of libmicrohttpd. The certificate of one cannot be changed: a new one gets a new engine, and the old one ends
 * with its last connection. */
typedef struct alto_http_engine alto_http_engine;
/* Those of a worker. */
typedef struct alto_http_engines alto_http_engines;

typedef struct {
    alto_http_fn *handler;
    void *context;            /* of handler */
    alto_http_lane *lane;     /* borrowed: where connections begin; it watches the engines */
    alto_http_limits *limits; /* borrowed */
    alto_http_times times;    /* no default any more */
    size_t max_connections;   /* of one engine */
} alto_http_engines_options;

/* NULL: out of memory. */
alto_http_engines *alto_http_engines_new(const alto_http_engines_options *options);
/* Ends the connections. */
void alto_http_engines_destroy(alto_http_engines **self);

/* An engine with that certificate, which is retained; NULL: without TLS. It is in no use yet. NULL: libmicrohttpd cannot.
 * Any thread. */
alto_http_engine *alto_http_engine_new(alto_http_engines *owner, const alto_tls *tls);
void alto_http_engine_destroy(alto_http_engine **self);
/* New connections of its kind, with TLS or without, go to `fresh` from now on; it is the owner's. False: no memory, `fresh` was
 * destroyed and all is as it was. */
bool alto_http_engines_use(alto_http_engines *self, alto_http_engine *fresh);
/* The same, for one with TLS, at the next alto_http_engines_wake(). Any thread. */
void alto_http_engines_offer(alto_http_engines *self, alto_http_engine *fresh);

/* A connection that the lane hands over, and room for another: as in alto_http_lane_options. */
void alto_http_engines_take(alto_http_engines *self, const alto_http_arrival *arrival);
bool alto_http_engines_make_room(alto_http_engines *self, alto_http_limit why, uint64_t before_ms, uint64_t now_ms);

/* How long it may take until the next two are called: -1 for ever.
 * libmicrohttpd takes a connection for ready as long as its handshake lasts, that is also while the client computes. So, where there
 * is nothing but handshakes, and no news of them, this is a short pause instead of none. */
#define ALTO_HTTP_ENGINES_PAUSE_MS 1
int alto_http_engines_sleep_ms(const alto_http_engines *self);
/* Do what is ready. news: the lane said that there is something for others. */
void alto_http_engines_run(alto_http_engines *self, bool news);
/* End the connections that keep us waiting for too long. */
void alto_http_engines_end_late(alto_http_engines *self);
/* Take what was offered; put the requests that wait to the handler again, in the next run. */
void alto_http_engines_wake(alto_http_engines *self);
/* From now on each connection ends with its answer and no request is held: those that are get another answer. */
void alto_http_engines_stop(alto_http_engines *self);
/* Answers under way. */
size_t alto_http_engines_answering(const alto_http_engines *self);

#endif
