/* SPDX-License-Identifier: Apache-2.0 */
/* http_limits.h - what the clients of an HTTP server may take, each and together; who went beyond is counted, and told in the log
 * now and then.
 *
 * A client is an IPv4 address, or the 64 bits of an IPv6 network: who has one address there has all of them.
 *
 * Threads: any. */
#ifndef ALTO_HTTP_LIMITS_H
#define ALTO_HTTP_LIMITS_H

#include "io/http_message.h"

/* What somebody went beyond, and what came of it. */
#define ALTO_HTTP_LIMIT_MAP(X)                                                                                         \
    X(CONNECTIONS, "connections")               /* all are in use: the one that waited longest for a request went */   \
    X(BUSY, "busy")                             /* all are in use, for answers: nobody new for a moment */             \
    X(DESCRIPTORS, "descriptors")               /* the process has no more: as CONNECTIONS */                          \
    X(CLIENT_CONNECTIONS, "client-connections") /* a new connection was closed: its client has enough */               \
    X(CLIENT_REQUESTS, "client-requests")       /* 429: too many requests of one client */                             \
    X(HEAD_TIME, "head-time")                   /* no whole request, or no TLS, in time: the connection was closed */  \
    X(BODY_TIME, "body-time")                   /* likewise, no whole body */                                          \
    X(ANSWER_TIME, "answer-time")               /* likewise, an answer that is not taken */                            \
    X(BODY_SIZE, "body-size")                   /* 413 */                                                              \
    X(TLS, "tls")                               /* it ended before the first request: refused by one of the ends */

#define ALTO_HTTP_LIMIT_ENUM(id, name) ALTO_HTTP_##id,
typedef enum { ALTO_HTTP_LIMIT_MAP(ALTO_HTTP_LIMIT_ENUM) ALTO_HTTP_LIMIT_COUNT } alto_http_limit;

#define ALTO_HTTP_UNLIMITED 16 /* prefixes at most */

typedef struct {
    uint64_t connections;         /* of all clients at a time; 0: 8192. A quarter of the descriptors at most */
    uint64_t client_connections;  /* of one client at a time; 0: no bound but that */
    uint64_t client_requests;     /* of one client each second, on average over two; 0: no bound */
    const char *const *unlimited; /* addresses and prefixes of clients that the last two do not hold for */
    size_t unlimited_count;       /* 0: the loopback addresses 127.0.0.1 and ::1 */
} alto_http_limits_options;

#define ALTO_HTTP_LIMITS_DEFAULTS .client_connections = 256, .client_requests = 1000

typedef struct alto_http_limits alto_http_limits;
typedef struct alto_http_client alto_http_client; /* what one client takes now */

/* Errors: ALTO_CONFIG (not an address or prefix, or too many), ALTO_NO_MEMORY. */
alto_status alto_http_limits_new(const alto_http_limits_options *options, alto_http_limits **out, alto_error *error);
/* When nobody is in it any more. NULL is accepted. */
void alto_http_limits_destroy(alto_http_limits **self);

/* How many connections all clients may have. */
size_t alto_http_limits_connections(const alto_http_limits *self);
/* A new connection. False: it is to be closed, which was counted. *client: to be given to the functions below; NULL: one that is
 * not limited. */
bool alto_http_limits_enter(alto_http_limits *self, const struct sockaddr *peer, uint64_t now_ms,
                            alto_http_client **client);
void alto_http_limits_leave(alto_http_limits *self, alto_http_client *client);
/* A request. False: *answer says that there were too many, which was counted. peer: its text. */
bool alto_http_limits_ask(alto_http_limits *self, alto_http_client *client, const char *peer, uint64_t now_ms,
                          alto_http_answer *answer);
/* How long an answer with a body of that size may take: a minute, and a second for each 16 KiB. */
uint64_t alto_http_limits_answer_ms(uint64_t size);
/* Somebody went beyond. peer: its text, "" when it is nobody's fault. */
void alto_http_limits_count(alto_http_limits *self, alto_http_limit limit, const char *peer, uint64_t now_ms);
/* Append ,"limits":{...} for info (docs/wire-format.md). */
void alto_http_limits_info(const alto_http_limits *self, alto_buffer *out);

#endif
