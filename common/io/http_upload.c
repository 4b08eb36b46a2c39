/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_upload.h"

enum {
    MAX_DISCARDED = 65536, /* bytes of a body that are read and thrown away where no method takes one */
    MAX_HELD = 67108864,   /* bytes of all bodies that are kept at a time */
};

alto_http_upload alto_http_upload_make(void)
{
    return (alto_http_upload){.body = alto_buffer_make(ALTO_HTTP_BODY)};
}

void alto_http_upload_fini(alto_http_upload *self, size_t *held)
{
    *held -= self->body.size;
    alto_buffer_fini(&self->body);
}

static size_t most_body(const alto_http_upload *self)
{
    return self->posts ? ALTO_HTTP_BODY : MAX_DISCARDED;
}

/* Bytes of a body that are read, though most of them may be thrown away. */
static size_t bearable_body(const alto_http_upload *self)
{
    return (self->posts ? 2 : 1) * most_body(self);
}

/* A body that is not much too long is read before it is refused: who is still sending when the connection is closed does not
 * see the answer. Who waits for 100 (Continue) does, and is not made to send it. */
static bool is_read_first(const alto_http_upload *self, const alto_http_fields *found)
{
    return !found->expects && alto_http_fields_length(found) <= bearable_body(self);
}

unsigned alto_http_upload_begin(alto_http_upload *self, const alto_http_fields *found)
{
    unsigned wrong = self->refused ? self->refused : alto_http_fields_judge(found, most_body(self));
    if (wrong != 413 || !is_read_first(self, found))
        return wrong;
    self->refused = wrong;
    return 0;
}

static void keep_part(alto_http_upload *self, const void *part, size_t size, size_t *held)
{
    if (self->received > ALTO_HTTP_BODY)
        self->refused = 413;
    else if (size > MAX_HELD - *held)
        self->refused = 503;
    else if (alto_buffer_add(&self->body, part, size), self->body.status != ALTO_OK)
        self->refused = 500;
    else
        *held += size;
}

bool alto_http_upload_take(alto_http_upload *self, const void *part, size_t size, size_t *held)
{
    self->received += size;
    if (self->posts && !self->refused)
        keep_part(self, part, size, held);
    return self->received <= bearable_body(self);
}
