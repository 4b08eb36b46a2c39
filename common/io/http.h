/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - an HTTP/1.1 server; http.c is the only file that knows libmicrohttpd.
 *
 * Worker threads, each with its own libmicrohttpd daemon in external-epoll mode and its own listening socket
 * (SO_REUSEPORT), ask one handler for the answer. Answers borrow immutable bytes.
 *
 * Threads: the handler runs in the worker threads, at the same time; everything else in the owner's thread. */
#ifndef ALTO_HTTP_H
#define ALTO_HTTP_H

#include "core/bytes.h"

typedef struct {
    const char *method, *path; /* path decoded (%XX), without query; a path with NUL is refused before */
    const char *query;         /* raw text after '?', "" when none */
    const char *if_none_match, *accept, *accept_encoding; /* NULL when absent */
    const char *peer;                                     /* "127.0.0.1:1234" */
} alto_http_request;

#define ALTO_HTTP_HEADERS 8
typedef struct {
    unsigned status;
    struct {
        const char *name; /* static text */
        char value[256];
    } headers[ALTO_HTTP_HEADERS];
    size_t header_count;
    /* The body: pieces, borrowed until `release` is called with `owner` (once, whatever happens to the connection).
     * For HEAD and for 304 the handler gives what the 200 to GET would have, or its `size` alone with no pieces: only
     * Content-Length is sent. A 304 without a size costs the connection. */
    size_t piece_count;
    alto_slice (*piece)(void *owner, size_t index);
    uint64_t size;
    void (*release)(void *owner);
    void *owner;
    /* The same body once more, at the beginning of a file: sending that copies nothing. The server closes it. */
    bool has_file;
    int file;
} alto_http_answer;

/* Add a header; the value is printed. */
void alto_http_header(alto_http_answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Give the answer a body of its own, a copy of `bytes`. Out of memory gives status 500 and no body. */
void alto_http_body(alto_http_answer *answer, alto_slice bytes);

typedef void alto_http_fn(void *context, const alto_http_request *request, alto_http_answer *answer);

typedef struct alto_http_server alto_http_server;
/* Listen on "ADDR:PORT" ("127.0.0.1:8670", "[::1]:8670", port 0 picks one) with `threads` workers.
 * Errors: ALTO_CONFIG (not an address), ALTO_IO (cannot bind: the error says why and what to do). */
alto_status alto_http_server_new(const char *address, unsigned threads, alto_http_fn *handler, void *context,
                                 alto_http_server **out, alto_error *error);
/* Stops listening, lets answers under way finish for at most grace_ms, joins the workers. */
void alto_http_server_destroy(alto_http_server **self, unsigned grace_ms);
/* "127.0.0.1:8670" with the real port. */
const char *alto_http_server_address(const alto_http_server *self);

#endif
