/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_accept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RANGE = 130 }; /* room for "type/" and a star: media types have up to 127 bytes */

/* Is the quality behind a list element zero? */
static bool refused_by_quality(const char *parameters, const char *end)
{
    for (const char *at = parameters; at < end; at++)
        if (*at == ';') {
            at += 1 + strspn(at + 1, " \t");
            if ((*at == 'q' || *at == 'Q') && at[1] == '=')
                return strtod(at + 2, NULL) <= 0;
            at--;
        }
    return false;
}

/* Does a list such as "gzip;q=1, br" name `token` with a quality above zero? (RFC 9110 12.5) */
static bool list_names(const char *list, const char *token, bool *excluded)
{
    size_t size = strlen(token);
    *excluded = false;
    while (list && *list) {
        list += strspn(list, " \t,");
        const char *end = list + strcspn(list, ",");
        size_t word = strcspn(list, " \t;,");
        if (word == size && strncasecmp(list, token, size) == 0) {
            *excluded = refused_by_quality(list + word, end);
            return !*excluded;
        }
        list = end;
    }
    return false;
}

bool alto_http_accepts(const char *accept, const char *media_type)
{
    bool excluded;
    char range[RANGE];
    if (!accept || !*accept)
        return true;
    if (list_names(accept, media_type, &excluded))
        return true;
    if (excluded)
        return false;
    snprintf(range, sizeof range, "%.*s/*", (int)strcspn(media_type, "/"), media_type);
    if (list_names(accept, range, &excluded))
        return true;
    return !excluded && list_names(accept, "*/*", &excluded);
}

bool alto_http_accepts_coding(const char *accept_encoding, const char *coding)
{
    bool excluded;
    if (list_names(accept_encoding, coding, &excluded))
        return true;
    return !excluded && list_names(accept_encoding, "*", &excluded);
}

bool alto_http_is_type(const char *content_type, const char *media_type)
{
    size_t size = strlen(media_type);
    return content_type && strncasecmp(content_type, media_type, size) == 0 && strchr("; \t", content_type[size]);
}

bool alto_http_list_has(const char *list, const char *token)
{
    size_t size = strlen(token);
    for (const char *at = list; *at; at += strspn(at, " ,")) {
        size_t word = strcspn(at, " ,");
        if (word == size && strncmp(at, token, size) == 0)
            return true;
        at += word;
    }
    return false;
}
