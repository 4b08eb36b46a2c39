/* SPDX-License-Identifier: Apache-2.0 */
/* forward.h - puts requests to the ALTO server behind this one, for answers that are not held here (PULL).
 *
 * Equal requests under way share one request to that server; its answers are kept as HTTP allows, in bounded memory. What
 * it says is for one who asked only, is given to one. The client waits, no thread does.
 *
 * Of what a client says of itself the server hears which media types it accepts, and whether gzip and zstd: answers are passed on in the
 * coding they come in. Credentials and cookies of clients stay here; those that the server hears are our own, whoever asks. What it
 * says to them is shared where it says so (http_cache.h).
 *
 * Threads: alto_forward_answer may run in several threads at once; all else in the thread of the loop. */
#ifndef ALTO_FORWARD_H
#define ALTO_FORWARD_H

#include "io/http.h"
#include "io/login.h"
#include "io/loop.h"

typedef struct alto_forward alto_forward;

typedef struct {
    const char *server;      /* URL; nothing but its scheme, host and port is ever asked */
    unsigned patience_s;     /* for a whole answer; then 504 */
    const alto_login *login; /* at that server; must outlive it */
} alto_forward_options;

/* The URL is copied. Errors: ALTO_CONFIG (no URL), ALTO_NO_MEMORY, ALTO_IO. */
alto_status alto_forward_new(alto_loop *loop, const alto_forward_options *options, alto_forward **out,
                             alto_error *error);
/* Once nobody can call alto_forward_answer any more. */
void alto_forward_destroy(alto_forward **self);
/* The HTTP server to wake when answers have come; it must live as long as the loop runs. */
void alto_forward_serve(alto_forward *self, alto_http_server *server);

/* What to ask. */
typedef struct {
    const char *url;
    alto_slice body; /* of a POST; that of the client, or what was made of it */
    bool personal;   /* the answer depends on who asks: it is given to nobody else and marked no-store */
} alto_forward_ask;

/* Answer `request` (GET, HEAD or POST) with what the ALTO server answers to `ask`; mostly later. The server's answers are passed on,
 * errors too. By ourselves: 502 (not reached, or no answer that can be passed on), 503 (too much under way, or closing), 504 (not whole in time), 404 (the URL is not of that server). */
void alto_forward_answer(alto_forward *self, const alto_forward_ask *ask, const alto_http_request *request,
                         alto_http_answer *answer);

/* What has happened so far; any thread. */
typedef struct {
    uint64_t asked;  /* requests to the ALTO server */
    uint64_t joined; /* requests of clients that waited for one under way */
    uint64_t fresh;  /* answered from what was kept */
    uint64_t failed; /* of asked: ended with 502 or 504 */
    uint64_t kept;   /* answers kept now */
} alto_forward_counts;
alto_forward_counts alto_forward_count(alto_forward *self);

#endif
