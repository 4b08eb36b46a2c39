/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - an HTTP/1.1 server; http.c is the only file that knows libmicrohttpd.
 *
 * Worker threads, each with its own listening socket (SO_REUSEPORT), ask one handler for the answer. In each a lane
 * (http_lane.h) accepts, and answers plain requests by itself; all others are for the libmicrohttpd daemon beside it, in
 * external-epoll mode. Answers borrow immutable bytes.
 *
 * Threads: the handler runs in the worker threads, at the same time; all else in the owner's thread, but where it says more. */
#ifndef ALTO_HTTP_H
#define ALTO_HTTP_H

#include "io/http_message.h"

typedef struct alto_http_server alto_http_server;
/* Listen on "ADDR:PORT" ("127.0.0.1:8670", "[::1]:8670", port 0 picks one) with `threads` workers.
 * Errors: ALTO_CONFIG (not an address), ALTO_IO (cannot bind: the error says why and what to do). */
alto_status alto_http_server_new(const char *address, unsigned threads, alto_http_fn *handler, void *context,
                                 alto_http_server **out, alto_error *error);
/* Stops listening, lets answers under way finish for at most grace_ms, joins the workers. */
void alto_http_server_destroy(alto_http_server **self, unsigned grace_ms);
/* Answers that came `later` may be there: put the requests that wait for one to the handler again. Any thread. */
void alto_http_server_wake(alto_http_server *self);
/* "127.0.0.1:8670" with the real port. */
const char *alto_http_server_address(const alto_http_server *self);

#endif
