/* SPDX-License-Identifier: Apache-2.0 */
/* alto_server.h - the ALTO server behind this one: what it offers, read from its directory again and again, and answers to
 * requests for that (io/forward.h).
 *
 * Threads: alto_server_answer, alto_server_offers, alto_server_turn, alto_server_directory and alto_server_info may run in several threads at once; all else in the thread of
 * the loop. */
#ifndef ALTO_SERVER_H
#define ALTO_SERVER_H

#include "io/http.h"
#include "io/login.h"
#include "io/loop.h"

typedef struct alto_server alto_server;

typedef struct {
    const char *url;     /* of its directory; what is on another host or port is never asked for */
    unsigned patience_s; /* for one answer */
    alto_login_files login;
    bool no_costs; /* it is not asked for endpoint costs: as if it offered none */
} alto_server_options;

/* Begins to read the directory at once, and reads it again when it is no longer fresh: as it says of itself, after a minute when it
 * says nothing, but not within 5 s. What was read stays while it cannot be had. The texts must outlive it.
 * Errors: ALTO_CONFIG (no URL), those of alto_login_new, ALTO_NO_MEMORY. */
alto_status alto_server_new(alto_loop *loop, const alto_server_options *options, alto_server **out, alto_error *error);
/* Once nobody can ask it any more. */
void alto_server_destroy(alto_server **self);
/* Read the credentials anew (alto_login_reload), and its directory at once. */
void alto_server_reload(alto_server *self);
/* The HTTP server whose requests are answered; see alto_forward_serve. */
void alto_server_serve(alto_server *self, alto_http_server *http);

/* Answer the request for the resource with that ID, mostly later. False: the ALTO server has none, and nothing was done. */
bool alto_server_answer(alto_server *self, const char *id, const alto_http_request *request, alto_http_answer *answer);
/* Does the ALTO server have a resource with that ID that may be asked for? */
bool alto_server_offers(alto_server *self, const char *id);
/* How many times the ALTO server's directory was read and taken up: what is offered changes with it. */
uint64_t alto_server_turn(alto_server *self);
/* Answer GET or HEAD of a directory: what it offers, with URIs that alto_server_answer knows by way of alto_path_id. */
void alto_server_directory(alto_server *self, const alto_http_request *request, alto_http_answer *answer);
/* Append a JSON object: who it is, and what was asked of it. */
void alto_server_info(alto_server *self, alto_buffer *out);

#endif
