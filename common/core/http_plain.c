/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_plain.h"

#include <string.h>
#include <strings.h>

enum { MAX_DIGITS = 9 }; /* of a length */

/* What is left of a request's head. */
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
    static const char *const methods[] = {"GET", "HEAD", "POST"};
    char *path = strchr(line, ' '), *end;
    if (!path || path[1] != '/')
        return false;
    *path++ = 0;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(line, methods[i]) == 0)
            out->method = methods[i];
    for (end = path; *end > ' ' && *end < 0x7f && !strchr("%?#", *end);)
        end++;
    if (!out->method || strcmp(end, " HTTP/1.1") != 0)
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

/* Fields that a request is judged by, and that nobody is told; NULL when absent. */
typedef struct {
    const char *host, *length;
} judged;

/* Does a field leave the request plain? */
static bool take_field(const char *name, const char *value, alto_http_plain *out, judged *seen)
{
    static const char *const never[] = {"Transfer-Encoding", "Expect", "Upgrade"};
    const struct {
        const char *name, **place;
    } once[] = {{"Host", &seen->host},
                {"Accept", &out->accept},
                {"Accept-Encoding", &out->accept_encoding},
                {"If-None-Match", &out->if_none_match},
                {"Content-Type", &out->content_type},
                {"Authorization", &out->authorization},
                {"Content-Length", &seen->length}};
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

/* Is this the length, in digits alone? */
static bool is_length(const char *text, size_t length)
{
    size_t told = 0, digits = strspn(text, "0123456789");
    if (digits == 0 || digits > MAX_DIGITS || text[digits])
        return false;
    for (size_t i = 0; i < digits; i++)
        told = told * 10 + (size_t)(text[i] - '0');
    return told == length;
}

/* Is all that there has to be behind the head there, and no more? */
static bool is_whole(const alto_http_plain *plain, const char *length)
{
    if (strcmp(plain->method, "POST") == 0)
        return length && is_length(length, plain->body.size);
    return !length && plain->body.size == 0;
}

bool alto_http_plain_parse(char *text, size_t size, alto_http_plain *out)
{
    static const char stop[] = {'\r', '\n', '\r', '\n'};
    judged seen = {.host = NULL};
    *out = (alto_http_plain){.path = NULL};
    char *end = memmem(text, size, stop, sizeof stop);
    if (!end || memchr(text, 0, (size_t)(end - text)))
        return false;
    rest left = {text, end + sizeof stop};
    out->body = alto_slice_of(left.end, size - (size_t)(left.end - text));
    char *line = next_line(&left);
    if (!line || !cut_request_line(line, out))
        return false;
    while ((line = next_line(&left)) && *line) {
        const char *value = cut_field(line);
        if (!value || !take_field(line, value, out, &seen))
            return false;
    }
    return line && seen.host && *seen.host && is_whole(out, seen.length);
}
