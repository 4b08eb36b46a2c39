/* SPDX-License-Identifier: Apache-2.0 */
/* http_guests.h - connections that are served elsewhere (libmicrohttpd), and how long they may keep us waiting: a library that
 * knows only how long nothing came is kept busy for ever by one byte now and then.
 *
 * Threads: none inside; a list belongs to one thread. */
#ifndef ALTO_HTTP_GUESTS_H
#define ALTO_HTTP_GUESTS_H

#include "io/http_limits.h"

typedef struct alto_http_guest {
    int fd; /* borrowed */
    alto_http_client *client;
    char peer[ALTO_HTTP_PEER_TEXT];
    uint64_t since_ms, by_ms; /* it keeps us waiting since, and may until; by_ms UINT64_MAX: it waits for us */
    alto_http_limit late;     /* what it goes beyond then */
    bool silent;              /* nothing was asked yet */
    bool ended;
    struct alto_http_guest *older, *newer; /* by since_ms */
} alto_http_guest;

typedef struct {
    alto_http_guest *oldest, *newest;
    alto_http_limits *limits;
} alto_http_guests;

/* A guest with fd, client and peer comes and goes; the memory is the caller's. It waits for us at first. */
void alto_http_guests_add(alto_http_guests *self, alto_http_guest *guest);
void alto_http_guests_remove(alto_http_guests *self, alto_http_guest *guest);
/* Something has to come from it, or be taken by it, within limit_ms. */
void alto_http_guests_expect(alto_http_guests *self, alto_http_guest *guest, alto_http_limit late, uint64_t now_ms,
                             uint64_t limit_ms);
/* Nothing has: it waits for us. */
void alto_http_guests_wait(alto_http_guest *guest);

/* End those that are late: nothing more is received from them or sent to them, which whoever serves them sees. */
void alto_http_guests_end_late(alto_http_guests *self, uint64_t now_ms);
/* End the one that keeps us waiting for a whole request (ALTO_HTTP_HEAD_TIME) for longest, if it does so since before
 * before_ms. False: there is none. */
bool alto_http_guests_make_room(alto_http_guests *self, alto_http_limit why, uint64_t before_ms, uint64_t now_ms);

#endif
