/* SPDX-License-Identifier: Apache-2.0 */
/* http_plain.h - HTTP requests of the plainest kind, which nearly all are: GET or HEAD of a path without escapes and
 * without a query, HTTP/1.1, one Host, no body, the connection to stay; or such a POST with a body of one Content-Length.
 * All others are for a full HTTP parser.
 *
 * Threads: none inside. */
#ifndef ALTO_HTTP_PLAIN_H
#define ALTO_HTTP_PLAIN_H

#include "core/bytes.h"

typedef struct {
    const char *method;                                   /* "GET", "HEAD" or "POST"; static text */
    const char *path;                                     /* begins with '/' */
    const char *if_none_match, *accept, *accept_encoding; /* NULL when absent */
    const char *content_type, *authorization;             /* likewise */
    alto_slice body;                                      /* of a POST; empty for the others */
} alto_http_plain;

/* Is `text` exactly one plain request, its body whole, and nothing after it? Strict: what two servers could read in two ways is not
 * plain. Then *out points into `text`, which is cut up; otherwise both have no meaning any more. */
bool alto_http_plain_parse(char *text, size_t size, alto_http_plain *out);

#endif
