/* SPDX-License-Identifier: Apache-2.0 */
/* pull.h - HTTP GET on a loop; pull.c is the only file that knows libcurl.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef ALTO_PULL_H
#define ALTO_PULL_H

#include "core/bytes.h"
#include "io/loop.h"

typedef struct alto_puller alto_puller;
alto_puller *alto_puller_new(alto_loop *loop); /* NULL: out of memory */
/* Ends all that is under way without calling anybody. Not from inside a callback. */
void alto_puller_destroy(alto_puller **self);

typedef struct {
    alto_status status;     /* ALTO_OK: status 200, body whole. ALTO_NOT_FOUND: 404 or 410. ALTO_BUSY: 503 or 429.
                               ALTO_TOO_LARGE: body beyond the maximum. ALTO_IO: no connection, timeout, any other status */
    long http_status;       /* 0 when there was no answer */
    uint64_t retry_after_s; /* 0 when not said */
    alto_slice body;        /* borrowed during the call; empty when streamed */
    const char *why;        /* for people; "" when ALTO_OK */
} alto_pull_result;

typedef void alto_pull_done_fn(void *context, const alto_pull_result *result);
/* A piece of a 200 body as it comes; anything but ALTO_OK ends the request with that status. */
typedef alto_status alto_pull_data_fn(void *context, alto_slice bytes);

typedef struct alto_pull alto_pull; /* one request; valid until `done` was called or it was cancelled */

/* GET `url`. max_size bounds the body (after any content coding; none is asked for). data may be NULL: then the body is gathered.
 * no_cache asks caches on the way to ask again. Timeouts: connect 5 s, 30 s without any byte. Redirects are not followed.
 * Protocols: http and https only. A proxy of the environment is used, but not for this machine itself. NULL: out of memory, or not a URL; `done` is then not called. `done` is never called before this returns. */
alto_pull *alto_pull_get(alto_puller *puller, const char *url, size_t max_size, bool no_cache, alto_pull_data_fn *data,
                         alto_pull_done_fn *done, void *context);
/* Give up after so many seconds without any byte, instead of 30. Before the loop's next turn. */
void alto_pull_set_silence(alto_pull *self, unsigned seconds);
/* Bytes of its body that have come so far. */
uint64_t alto_pull_received(const alto_pull *self);
/* From anywhere, also from inside its own `data`. `done` is not called. */
void alto_pull_cancel(alto_pull *self);

/* Host part of a URL or of a tcp:// endpoint (lower case, brackets removed), NUL-terminated; false when there is none or it does not fit. */
bool alto_url_host(const char *url, char *host, size_t room);

#endif
