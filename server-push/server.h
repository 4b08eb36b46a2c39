/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the origin: a source, what is made of it, the signing key, and the downstream side, on one loop.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef SERVER_H
#define SERVER_H

#include "io/login.h"
#include "io/outlet.h"
#include "io/user.h"

typedef struct {
    const char *maps, *keys, *state; /* directories; maps: NULL when an ALTO server is the source */
    const char *alto_server;         /* URL of its directory; NULL: maps */
    alto_login_files login;          /* at that */
    const char *notify_key;          /* file with the key of POST /notify; NULL: nobody may */
    uint64_t poll_ms;
    unsigned fetch_timeout_s;
    alto_outlet_options outlet;
    uint64_t quiet_ms, max_quiet_ms, hold_ms;
    uint64_t valid_for_s;
    uint32_t head_interval_ms;
    bool retag;
    alto_user user;              /* to become when ports are bound and keys are read */
    const char *const *rproxies; /* base URLs of those that redistribute, for `.capability` */
    size_t rproxy_count;
} server_options;

typedef struct server server;

/* Open everything; the error says what to do. */
alto_status server_new(alto_loop *loop, const server_options *options, server **out, alto_error *error);
/* Writes what is not on disk yet, tells peers, frees. */
void server_destroy(server **self);

#endif
