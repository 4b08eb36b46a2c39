/* SPDX-License-Identifier: Apache-2.0 */
#include "io/notify.h"

#include "core/crypto.h"
#include "io/answer.h"

#include <stdlib.h>
#include <strings.h>

struct alto_notify {
    alto_loop *loop;
    alto_hash key; /* of equal length whatever the key is, so that comparing takes equally long */
};

static alto_hash hash_of(alto_slice key)
{
    return alto_hash_of("altocast-notify-1", key);
}

alto_notify *alto_notify_new(alto_loop *loop, alto_slice key, alto_loop_fn *called, void *context)
{
    alto_notify *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    *self = (alto_notify){.loop = loop, .key = hash_of(key)};
    alto_loop_on_wake(loop, called, context);
    return self;
}

void alto_notify_destroy(alto_notify **self)
{
    if (!*self)
        return;
    alto_loop_on_wake((*self)->loop, NULL, NULL);
    free(*self);
    *self = NULL;
}

static bool bears_key(const alto_notify *self, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    size_t skip = sizeof scheme - 1;
    if (!authorization || strncasecmp(authorization, scheme, skip) != 0)
        return false;
    const char *token = authorization + skip + strspn(authorization + skip, " ");
    alto_hash borne = hash_of(alto_slice_of(token, strcspn(token, " ")));
    return alto_equal_in_constant_time(borne.bytes, self->key.bytes, ALTO_HASH_SIZE);
}

void alto_notify_answer(const alto_notify *self, const alto_http_request *request, alto_http_answer *answer)
{
    if (!alto_answer_method(answer, request, "POST, OPTIONS"))
        return;
    if (!bears_key(self, request->authorization)) {
        alto_http_header(answer, "WWW-Authenticate", "Bearer realm=\"notify\"");
        alto_answer_refuse(answer, 401, "the key of --notify-key is needed: Authorization: Bearer KEY\n");
        return;
    }
    alto_loop_wake(self->loop);
    alto_http_header(answer, "Cache-Control", "no-store");
    answer->status = 202;
}
