/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - the copy of one origin: follows its upstreams, keeps what it verified on disk, and has an outlet answer ALTO
 * clients and push the same signed bytes further down.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef RELAY_H
#define RELAY_H

#include "io/alto_server.h"
#include "io/follower.h"
#include "io/outlet.h"

typedef struct {
    const char *name;                /* of the origin; NULL: it is the only one */
    const char *root_key;            /* file: root.pub.pem of the origin */
    const char *state;               /* directory; an origin with a name has one of that name in it */
    alto_follower_options follow;    /* upstreams; `anchor` is filled from root_key, `label` from name */
    alto_server_options alto_server; /* asked for what is not held; no URL: nobody is */
    alto_stale_policy stale;
    void (*hopeless)(void *context); /* relay_hopeless() has become true, perhaps again */
    void *context;
} relay_options;

typedef struct relay relay;

/* Open everything, publish at `outlet`, which must end first; the error says what to do. */
alto_status relay_new(alto_loop *loop, alto_outlet *outlet, const relay_options *options, relay **out,
                      alto_error *error);
/* Once the outlet is open: take up what the disk holds, and begin to follow. */
alto_status relay_start(relay *self, alto_error *error);
/* Read the files of CURVE anew (follower.h). */
void relay_reload(relay *self);
/* No upstream serves the origin of the root key, and nothing is held of that. */
bool relay_hopeless(const relay *self);
void relay_destroy(relay **self);

#endif
