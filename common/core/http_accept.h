/* SPDX-License-Identifier: Apache-2.0 */
/* http_accept.h - what the lists in Accept and Accept-Encoding allow (RFC 9110 12.4.2, 12.5), and media types with
 * parameters.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_HTTP_ACCEPT_H
#define ALTO_HTTP_ACCEPT_H

#include <stdbool.h>

/* Does an Accept list admit the media type: by name, else as the range of its type, else as any type; no list admits all. */
bool alto_http_accepts(const char *accept, const char *media_type);
/* The quality, in thousandths from 0 to 1000, that an Accept-Encoding list gives the coding, or else "*"; 0 without any. */
int alto_http_coding_quality(const char *accept_encoding, const char *coding);
/* Is a Content-Type that media type, whatever its parameters? NULL is none. */
bool alto_http_is_type(const char *content_type, const char *media_type);
/* Does a list such as "GET, HEAD" have the token, in that very spelling? */
bool alto_http_list_has(const char *list, const char *token);

#endif
