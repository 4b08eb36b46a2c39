/* SPDX-License-Identifier: Apache-2.0 */
/* query_client.h - endpoint cost requests that leave out an end: the client itself is meant (RFC 7285 11.5.1.3). Who passes such a
 * request on has to say who that is.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_QUERY_CLIENT_H
#define ALTO_QUERY_CLIENT_H

#include "core/bytes.h"

/* Append `body` with `client` ("ipv4:192.0.2.1") in the place of the sources, or of the destinations, that are missing. A body that
 * leaves out none of them, or both, or is not understood, is appended as it is. *filled: something was put in.
 * Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_query_client(alto_slice body, const char *client, alto_buffer *out, bool *filled);

/* The typed address of a peer such as "192.0.2.1:80" or "[2001:db8::1]:80"; false when it is none. */
#define ALTO_CLIENT_TEXT 64
bool alto_query_client_of(const char *peer, char text[ALTO_CLIENT_TEXT]);

#endif
