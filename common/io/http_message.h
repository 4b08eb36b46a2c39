/* SPDX-License-Identifier: Apache-2.0 */
/* http_message.h - what the HTTP server asks its handler, and what that answers.
 *
 * Threads: none inside. */
#ifndef ALTO_HTTP_MESSAGE_H
#define ALTO_HTTP_MESSAGE_H

#include "core/bytes.h"

#include <netinet/in.h>

#define ALTO_HTTP_BODY 1048576 /* bytes of a request's body: what is longer is refused before the handler hears of it */

typedef struct {
    const char *method, *path; /* path decoded (%XX), without query; a path with NUL is refused before */
    const char *base;          /* set by a site for its fronts: what stood before the path, "" or "/isp-a"; for URIs */
    const char *query;         /* raw text after '?', "" when none */
    const char *if_none_match, *accept, *accept_encoding; /* NULL when absent */
    const char *content_type;                             /* of the body; NULL when absent */
    const char *authorization;                            /* of a POST, NULL when absent; of others no matter */
    alto_slice body;                                      /* of a POST, borrowed; of all others empty */
    const char *peer;                                     /* "127.0.0.1:1234" */
    bool can_wait; /* the same request can be put again a little later: see `later` */
    bool can_hold; /* ... or once alto_http_server_wake() was called */
    void *awaited; /* what the handler said before that this very request is held for; NULL: nothing */
} alto_http_request;

#define ALTO_HTTP_HEADERS 8
#define ALTO_HTTP_VALUE 256 /* bytes of a header's value, NUL included */
typedef struct {
    unsigned status;
    struct {
        const char *name; /* static text */
        char value[ALTO_HTTP_VALUE];
    } headers[ALTO_HTTP_HEADERS];
    size_t header_count;
    /* The body: pieces, borrowed until `release` is called with `owner` (once, whatever happens to the connection).
     * For HEAD and for 304 the handler gives what the 200 to GET would have, or its `size` alone with no pieces: only
     * Content-Length is sent. A 304 without a size may cost the connection. */
    size_t piece_count;
    alto_slice (*piece)(void *owner, size_t index);
    uint64_t size;
    void (*release)(void *owner);
    void *owner;
    /* The same body once more, at the beginning of a file, borrowed as the pieces are: sending that copies nothing. */
    bool has_file;
    int file;
    /* There is no answer yet, but soon there will be: ask again. Without `owner` that is done every few milliseconds, only
     * where the request can wait. With it, only where the request can be held, it is done after alto_http_server_wake(), maybe
     * without; until that call ends, or the client is gone, the server keeps `owner`, and then calls `release`. */
    bool later;
} alto_http_answer;

/* Add a header; the value is printed. */
void alto_http_header(alto_http_answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Give the answer a body of its own, a copy of `bytes`. Out of memory gives status 500 and no body. */
void alto_http_body(alto_http_answer *answer, alto_slice bytes);
/* The same without copying: what the buffer holds becomes the body, and the buffer empty. */
void alto_http_take_body(alto_http_answer *answer, alto_buffer *bytes);

/* For the server: an answer of that status and nothing else; give back the body of one. */
void alto_http_answer_init(alto_http_answer *answer, unsigned status);
void alto_http_answer_release(alto_http_answer *answer);

/* What a request is held for, between two times that it is put. */
typedef struct {
    void *owner; /* NULL: nothing */
    void (*release)(void *owner);
} alto_http_held;
/* Take it out of an answer that comes later. */
alto_http_held alto_http_held_take(alto_http_answer *answer);
void alto_http_held_release(alto_http_held *self); /* also when it is nothing */

typedef void alto_http_fn(void *context, const alto_http_request *request, alto_http_answer *answer);

#define ALTO_HTTP_PEER_TEXT (INET6_ADDRSTRLEN + 10)
/* An address and port as text: "127.0.0.1:1234", "[::1]:1234"; "" for another family. */
void alto_http_peer_text(const struct sockaddr *peer, char text[ALTO_HTTP_PEER_TEXT]);

#endif
