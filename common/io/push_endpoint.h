/* SPDX-License-Identifier: Apache-2.0 */
/* push_endpoint.h - what an endpoint says: "tcp://ADDRESS:PORT", "ipc://PATH" or "epgm://LOCAL-ADDRESS;GROUP:PORT". Knows no libzmq.
 *
 * Threads: none inside. */
#ifndef ALTO_PUSH_ENDPOINT_H
#define ALTO_PUSH_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#define ALTO_PUSH_ENDPOINTS 16      /* of one sender */
#define ALTO_PUSH_ENDPOINT_SIZE 256 /* with NUL */

/* As bound, with the real ports. */
typedef struct {
    size_t count;
    char text[ALTO_PUSH_ENDPOINTS][ALTO_PUSH_ENDPOINT_SIZE];
} alto_push_endpoints;

/* Is it one? to_bind: port 0 or * is. */
bool alto_push_endpoint_valid(const char *endpoint, bool to_bind);
bool alto_push_is_tcp(const char *endpoint);
bool alto_push_is_multicast(const char *endpoint); /* epgm:// */
/* Of a valid one that is multicast: has this machine its local address now? Asks the kernel. */
bool alto_push_endpoint_is_local(const char *endpoint);
/* Is ZMQ_IPV6 to be set for it? Then an IPv4 address becomes a mapped one, which other programs do not expect to see, and a name that
 * has addresses of both kinds means the IPv6 one. */
bool alto_push_endpoint_wants_ipv6(const char *endpoint, bool to_bind);

#endif
