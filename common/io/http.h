/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - an HTTP/1.1 server, also with TLS.
 *
 * Worker threads, each with its own listening sockets (SO_REUSEPORT), ask one handler for the answer. In each a lane
 * (http_lane.h) accepts, and answers plain requests without TLS by itself; all others are for the engines
 * beside it (http_engine.h). Answers borrow immutable bytes.
 *
 * Threads: the handler runs in the worker threads, at the same time; all else in the owner's thread, but where it says more. */
#ifndef ALTO_HTTP_H
#define ALTO_HTTP_H

#include "io/http_limits.h"
#include "io/tls.h"

typedef struct alto_http_server alto_http_server;

/* How long clients may keep the server waiting; 0: the default. */
typedef struct {
    unsigned first_ms; /* from the beginning of a connection to its first whole request, TLS included; 10 s */
    unsigned idle_ms;  /* from an answer to the next whole request, and without a byte in either direction; 30 s */
    unsigned body_ms;  /* for the body of a request; 30 s */
} alto_http_times;

typedef struct {
    const char *address;      /* "ADDR:PORT" ("127.0.0.1:8670", "[::1]:8670", port 0 picks one); NULL: only TLS */
    const char *tls_address;  /* where TLS is spoken; NULL: nowhere */
    const alto_tls *tls;      /* for that; the server retains it */
    unsigned threads;         /* workers, at least one */
    alto_http_limits *limits; /* borrowed, must outlive the server; NULL: those of ALTO_HTTP_LIMITS_DEFAULTS */
    alto_http_times times;
} alto_http_options;

/* Listen at one address or both. Errors: ALTO_CONFIG (not an address), ALTO_IO (cannot bind: the error says why and what to
 * do; libmicrohttpd cannot do TLS). */
alto_status alto_http_server_new(const alto_http_options *options, alto_http_fn *handler, void *context,
                                 alto_http_server **out, alto_error *error);
/* Stops listening, lets answers under way finish for at most grace_ms, joins the workers. */
void alto_http_server_destroy(alto_http_server **self, unsigned grace_ms);
/* Answers that came `later` may be there: put the requests that wait for one to the handler again. Any thread. */
void alto_http_server_wake(alto_http_server *self);
/* From now on connections begin with this; those under way go on with what they began with. For servers with a tls_address.
 * Errors: ALTO_IO (the old one stays). */
alto_status alto_http_server_set_tls(alto_http_server *self, const alto_tls *tls, alto_error *error);
/* "127.0.0.1:8670" with the real port; NULL: none. */
const char *alto_http_server_address(const alto_http_server *self);
const char *alto_http_server_tls_address(const alto_http_server *self);

#endif
