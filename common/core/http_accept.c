/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_accept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RANGE = 130 }; /* room for "type/" and a star: media types have up to 127 bytes */

enum { QUALITY_MAX = 1000, NOT_NAMED = -1 };

/* The quality behind a list element, in thousandths; what is above 0 is not rounded to it. */
static int quality_of(const char *parameters, const char *end)
{
    for (const char *at = parameters; at < end; at++)
        if (*at == ';') {
            at += 1 + strspn(at + 1, " \t");
            if ((*at == 'q' || *at == 'Q') && at[1] == '=') {
                double quality = strtod(at + 2, NULL);
                return quality >= 1 ? QUALITY_MAX : quality > 0 ? 1 + (int)(quality * (QUALITY_MAX - 1)) : 0;
            }
            at--;
        }
    return QUALITY_MAX;
}

/* The quality that a list such as "gzip;q=1, br" gives `token` by its name, or NOT_NAMED. (RFC 9110 12.5) */
static int list_quality(const char *list, const char *token)
{
    size_t size = strlen(token);
    while (list && *list) {
        list += strspn(list, " \t,");
        const char *end = list + strcspn(list, ",");
        size_t word = strcspn(list, " \t;,");
        if (word == size && strncasecmp(list, token, size) == 0)
            return quality_of(list + word, end);
        list = end;
    }
    return NOT_NAMED;
}

bool alto_http_accepts(const char *accept, const char *media_type)
{
    char range[RANGE];
    if (!accept || !*accept)
        return true;
    int quality = list_quality(accept, media_type);
    if (quality == NOT_NAMED) {
        snprintf(range, sizeof range, "%.*s/*", (int)strcspn(media_type, "/"), media_type);
        quality = list_quality(accept, range);
    }
    return (quality == NOT_NAMED ? list_quality(accept, "*/*") : quality) > 0;
}

int alto_http_coding_quality(const char *accept_encoding, const char *coding)
{
    int quality = list_quality(accept_encoding, coding);
    if (quality == NOT_NAMED)
        quality = list_quality(accept_encoding, "*");
    return quality == NOT_NAMED ? 0 : quality;
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
