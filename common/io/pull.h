/* SPDX-License-Identifier: Apache-2.0 */
/* pull.h - HTTP requests on a loop; pull.c is the only file that knows libcurl.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef ALTO_PULL_H
#define ALTO_PULL_H

#include "core/bytes.h"
#include "core/http_cache.h"
#include "io/loop.h"

typedef struct alto_puller alto_puller;
alto_puller *alto_puller_new(alto_loop *loop); /* NULL: out of memory */
/* Ends all that is under way without calling anybody. Not from inside a callback. */
void alto_puller_destroy(alto_puller **self);

/* For https: whom to believe, and who we are. Files of PEM, read again for each connection that is made. */
typedef struct {
    const char *ca_file; /* certificates to believe instead of those of the system's authorities; NULL: those */
    const char *cert_file,
        *key_file; /* what to show to a server that asks for a certificate, and its key; NULL: nothing */
} alto_pull_trust;
/* Errors: ALTO_CONFIG (a file that cannot be read, or one of the two of a certificate without the other). */
alto_status alto_pull_trust_check(const alto_pull_trust *trust, alto_error *error);

/* One request. Everything is borrowed until alto_pull_start() returns. Zeros and NULLs: a GET as alto_pull_get() makes it. */
typedef struct {
    const char *url;           /* http or https */
    const char *method;        /* NULL: GET. Otherwise "GET", "HEAD" or "POST" */
    alto_slice body;           /* of a POST */
    const char *content_type;  /* of the body; NULL: application/octet-stream */
    const char *accept;        /* NULL: anything */
    const char *const *header; /* further ones, "Name: value" */
    size_t header_count;
    const char *if_none_match, *if_modified_since; /* validators of what is held; NULL: none */
    const char
        *credentials; /* "user:password", sent by Basic or Digest when the server of `url` asks for it; NULL: none */
    alto_pull_trust trust;
    unsigned max_redirects;      /* 0: they are not followed. Others than to the same scheme, host and port never are */
    unsigned silence_s;          /* give up after so long without any byte; 0: 30 */
    unsigned total_s;            /* give up when it is not done after so long; 0: no bound */
    const char *accept_encoding; /* the body comes in that coding, if the server likes to; NULL: in none */
    size_t max_size;             /* of the body, as it comes */
    bool no_cache;               /* caches on the way are to ask again */
    bool any_body;               /* the body of every answer is wanted, not only of a 200 */
} alto_pull_request;

/* What an answer says of itself. The texts are borrowed during the call and "" when not said. */
typedef struct {
    const char *url; /* where it came from in the end */
    const char *content_type, *content_encoding, *etag, *last_modified;
    alto_cache_told caching;
} alto_pull_headers;

typedef struct {
    alto_status
        status; /* ALTO_OK: status 200, body whole. ALTO_KNOWN: 304. ALTO_NOT_FOUND: 404 or 410. ALTO_BUSY: 503 or 429.
                               ALTO_TOO_LARGE: body beyond the maximum. ALTO_IO: no connection, timeout, any other status */
    bool whole; /* an answer came, and came to its end, whatever its status */
    bool timed_out;            /* it took too long */
    long http_status;          /* 0 when there was no answer */
    uint64_t retry_after_s;    /* 0 when not said */
    alto_pull_headers headers; /* of the last answer */
    alto_slice body;           /* borrowed during the call; empty when streamed, or not whole */
    const char *why;           /* for people; "" when ALTO_OK */
} alto_pull_result;

typedef void alto_pull_done_fn(void *context, const alto_pull_result *result);
/* A piece of a body as it comes; anything but ALTO_OK ends the request with that status. */
typedef alto_status alto_pull_data_fn(void *context, alto_slice bytes);

typedef struct alto_pull alto_pull; /* one request; valid until `done` was called or it was cancelled */

/* Begin a request. data may be NULL: then the body is gathered. Connecting may take 5 s. A proxy of the environment is used,
 * but not for this machine itself. NULL: out of memory, or not a URL; `done` is then not called. `done` is never called before this returns. */
alto_pull *alto_pull_start(alto_puller *puller, const alto_pull_request *request, alto_pull_data_fn *data,
                           alto_pull_done_fn *done, void *context);
/* GET `url`, no redirects. Otherwise as alto_pull_start. */
alto_pull *alto_pull_get(alto_puller *puller, const char *url, size_t max_size, bool no_cache, alto_pull_data_fn *data,
                         alto_pull_done_fn *done, void *context);
/* Bytes of its body that have come so far. */
uint64_t alto_pull_received(const alto_pull *self);
/* From anywhere, also from inside its own `data`. `done` is not called. */
void alto_pull_cancel(alto_pull *self);

/* What `reference` means in a document that came from `base` (RFC 3986 5), NUL-terminated and without a fragment; false when that is
 * no http or https URL or does not fit. */
bool alto_url_resolve(const char *base, const char *reference, char *url, size_t room);
/* Are scheme, host and port the same? */
bool alto_url_same_server(const char *one, const char *other);
/* Host part of a URL or of a tcp:// endpoint (lower case, brackets removed), NUL-terminated; false when there is none or it does not fit. */
bool alto_url_host(const char *url, char *host, size_t room);

#endif
