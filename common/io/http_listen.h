/* SPDX-License-Identifier: Apache-2.0 */
/* http_listen.h - listening sockets for HTTP, and what to do when one cannot be had.
 *
 * Threads: none inside. */
#ifndef ALTO_HTTP_LISTEN_H
#define ALTO_HTTP_LISTEN_H

#include "io/http_message.h"

/* Listen on "ADDR:PORT" ("127.0.0.1:8670", "[::1]:8670", port 0 picks one) with `count` sockets, among which the kernel
 * spreads the connections. fds: filled; -1 for those that there are not. text: the address with the real port.
 * Errors: ALTO_CONFIG (not an address), ALTO_IO (cannot listen: the error says why and what to do); sockets that there are
 * already stay open. */
alto_status alto_http_listen(const char *address, int *fds, size_t count, char text[ALTO_HTTP_PEER_TEXT],
                             alto_error *error);

#endif
