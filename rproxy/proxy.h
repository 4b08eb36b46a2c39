/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.h - a redistribution proxy: a relay for each origin that it follows, all of them at one outlet.
 *
 * Relays share nothing but that: what is wrong with one origin does not touch the others.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef PROXY_H
#define PROXY_H

#include "relay.h"

#include "io/user.h"

typedef struct {
    const relay_options
        *origins;      /* with distinct names, unless there is one without; `state` and `hopeless` are filled */
    size_t count;      /* 1 to ALTO_MAX_ORIGINS */
    const char *state; /* as relay.h */
    alto_outlet_options outlet;
    alto_user user; /* to become when ports are bound and keys are read */
} proxy_options;

typedef struct proxy proxy;

/* Open everything and begin to follow; the error says what to do. */
alto_status proxy_new(alto_loop *loop, const proxy_options *options, proxy **out, alto_error *error);
/* It stopped the loop, because of no origin anything is held or can be had (relay_hopeless). */
bool proxy_hopeless(const proxy *self);
void proxy_destroy(proxy **self);

#endif
