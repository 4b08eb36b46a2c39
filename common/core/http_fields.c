/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void join(alto_http_fields *self, alto_http_field *to, const char *value)
{
    if (!to->text) {
        to->text = value;
        return;
    }
    char *joined = NULL;
    if (asprintf(&joined, "%s, %s", to->text, value) < 0) {
        self->no_memory = true;
        return;
    }
    free(to->joined);
    to->text = to->joined = joined;
}

/* One whose value is told to the handler; NULL: it is another. */
static alto_http_field *place_of(alto_http_fields *self, const char *name)
{
    const struct {
        const char *name;
        alto_http_field *place;
    } told[] = {{"Accept", &self->accept},
                {"Accept-Encoding", &self->accept_encoding},
                {"If-None-Match", &self->if_none_match},
                {"Content-Type", &self->content_type},
                {"Authorization", &self->authorization}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (strcasecmp(name, told[i].name) == 0)
            return told[i].place;
    return NULL;
}

void alto_http_fields_add(alto_http_fields *self, const char *name, const char *value)
{
    alto_http_field *place = place_of(self, name);
    self->count++;
    if (!value)
        value = "";
    if (place) {
        join(self, place, value);
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        self->chunked = true;
    } else if (strcasecmp(name, "Expect") == 0) {
        self->expects = true;
    } else if (strcasecmp(name, "Content-Length") == 0) {
        self->conflict = self->conflict || (self->content_length && strcmp(self->content_length, value) != 0);
        self->content_length = value;
    }
}

void alto_http_fields_fini(alto_http_fields *self)
{
    free(self->if_none_match.joined);
    free(self->accept.joined);
    free(self->accept_encoding.joined);
    free(self->content_type.joined);
    free(self->authorization.joined);
}

uint64_t alto_http_fields_length(const alto_http_fields *self)
{
    return self->content_length ? strtoull(self->content_length, NULL, 10) : 0;
}

unsigned alto_http_fields_judge(const alto_http_fields *self, size_t max_body)
{
    if (self->conflict || (self->chunked && self->content_length))
        return 400;
    if (alto_http_fields_length(self) > max_body)
        return 413;
    return self->no_memory ? 500 : 0;
}
