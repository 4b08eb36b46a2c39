/* SPDX-License-Identifier: Apache-2.0 */
/* pull_only.h - an rproxy for an ALTO server that has no alto-server-push beside it: everything is asked of that, and kept as HTTP
 * allows. Nothing is signed, and nobody can follow it.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef PULL_ONLY_H
#define PULL_ONLY_H

#include "io/alto_server.h"
#include "io/http_side.h"
#include "io/user.h"

typedef struct {
    alto_server_options alto_server;
    alto_http_side_options http;
    alto_user user; /* to become when the port is bound */
} pull_only_options;

typedef struct pull_only pull_only;

/* Begin to answer; the error says what to do. */
alto_status pull_only_new(alto_loop *loop, const pull_only_options *options, pull_only **out, alto_error *error);
void pull_only_destroy(pull_only **self);

#endif
