/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - a redistribution proxy: follows its upstreams, keeps what it verified on disk, answers ALTO clients and pushes
 * the same signed bytes further down.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef RELAY_H
#define RELAY_H

#include "io/follower.h"
#include "io/publisher.h"

typedef struct {
    const char *root_key;            /* file: root.pub.pem of the origin */
    const char *state;               /* directory */
    alto_follower_options follow;    /* upstreams; `anchor` is filled from root_key */
    alto_publisher_options publish;  /* its alto_server is filled from the next */
    alto_server_options alto_server; /* asked for what is not held; no URL: nobody is */
} relay_options;

typedef struct relay relay;

/* Open everything and begin to follow; the error says what to do. */
alto_status relay_new(alto_loop *loop, const relay_options *options, relay **out, alto_error *error);
/* It stopped the loop because no upstream serves the origin of the root key and nothing is held of that. */
bool relay_hopeless(const relay *self);
void relay_destroy(relay **self);

#endif
