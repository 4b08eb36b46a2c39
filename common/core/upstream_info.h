/* SPDX-License-Identifier: Apache-2.0 */
/* upstream_info.h - what an upstream says of itself in `info` (docs/wire-format.md): whether it has an origin, at which port it pushes that, and
 * with which key it encrypts that. None of it is signed, so it names no host: that is the one of the configuration.
 *
 * Threads: none inside. Pure. Takes time in proportion to the text, whatever that is. */
#ifndef ALTO_UPSTREAM_INFO_H
#define ALTO_UPSTREAM_INFO_H

#include "core/manifest.h"
#include "core/z85.h"

typedef struct {
    bool tells_push; /* false: nothing, so that what was known of it stays */
    uint16_t
        port; /* of the first endpoint "tcp://HOST:PORT" with a port from 1024 on: those below are of services that nobody
                        should have us talk to. 0: there is none */
    bool encrypts; /* what it pushes */
    bool has_key;  /* and this is its key; false: what it says is no key */
    alto_curve_key key;
} alto_upstream_info;

/* What `text` says of the first origin that is called so. false, and nothing is written: it does not have that origin, is not JSON, or
 * there was no memory to tell. */
bool alto_upstream_info_read(alto_slice text, const alto_origin *origin, alto_upstream_info *out);

/* The push endpoint at that port of a host, name or address; NUL-terminated. false: it does not fit. */
bool alto_upstream_info_endpoint(const char *host, uint16_t port, char *out, size_t room);

#endif
