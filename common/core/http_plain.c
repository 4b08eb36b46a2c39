/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_plain.h"

#include <string.h>
#include <strings.h>

/* What is left of a request. */
typedef struct {
    char *at, *end;
} rest;

/* The next line, its end made a NUL; NULL: there is no whole one. */
static char *next_line(rest *self)
{
    char *line = self->at;
    char *stop = memchr(line, '\r', (size_t)(self->end - line));
    if (!stop || stop + 1 == self->end || stop[1] != '\n')
        return NULL;
    *stop = 0;
    self->at = stop + 2;
    return line;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Cut "GET /path HTTP/1.1". */
static bool cut_request_line(char *line, alto_http_plain *out)
{
    out->head = strncmp(line, "HEAD /", 6) == 0;
    if (!out->head && strncmp(line, "GET /", 5) != 0)
        return false;
    char *path = strchr(line, '/'), *end = path;
    while (*end > ' ' && *end < 0x7f && !strchr("%?#", *end))
        end++;
    if (strcmp(end, " HTTP/1.1") != 0)
        return false;
    *end = 0;
    out->path = path;
    return true;
}

/* Cut "Name: value"; NULL: it is not of that form. Returns the value. */
static char *cut_field(char *line)
{
    char *colon = line;
    while (is_alnum(*colon) || (*colon && strchr("!#$%&'*+-.^_`|~", *colon)))
        colon++;
    if (colon == line || *colon != ':')
        return NULL;
    *colon = 0;
    char *value = colon + 1 + strspn(colon + 1, " \t"), *end = value;
    for (; *end; end++)
        if (((unsigned char)*end < ' ' && *end != '\t') || *end == 0x7f)
            return NULL;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = 0;
    return value;
}

/* Does a field leave the request plain? Where *host is set it has its Host. */
static bool take_field(const char *name, const char *value, alto_http_plain *out, const char **host)
{
    static const char *const never[] = {"Content-Length", "Transfer-Encoding", "Expect", "Upgrade"};
    const struct {
        const char *name, **place;
    } once[] = {{"Host", host},
                {"Accept", &out->accept},
                {"Accept-Encoding", &out->accept_encoding},
                {"If-None-Match", &out->if_none_match}};
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
        if (strcasecmp(name, once[i].name) == 0) {
            bool first = !*once[i].place;
            *once[i].place = value;
            return first;
        }
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (strcasecmp(name, never[i]) == 0)
            return false;
    return strcasecmp(name, "Connection") != 0 || strcasecmp(value, "keep-alive") == 0;
}

bool alto_http_plain_parse(char *text, size_t size, alto_http_plain *out)
{
    rest left = {text, text + size};
    const char *host = NULL;
    *out = (alto_http_plain){.path = NULL};
    if (memchr(text, 0, size))
        return false;
    char *line = next_line(&left);
    if (!line || !cut_request_line(line, out))
        return false;
    while ((line = next_line(&left)) && *line) {
        const char *value = cut_field(line);
        if (!value || !take_field(line, value, out, &host))
            return false;
    }
    return line && left.at == left.end && host && *host;
}
