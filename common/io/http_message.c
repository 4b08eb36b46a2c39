/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_message.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void alto_http_header(alto_http_answer *answer, const char *name, const char *format, ...)
{
    assert(answer->header_count < ALTO_HTTP_HEADERS);
    va_list arguments;
    va_start(arguments, format);
    answer->headers[answer->header_count].name = name;
    char *value = answer->headers[answer->header_count].value;
    vsnprintf(value, sizeof answer->headers[0].value, format, arguments);
    va_end(arguments);
    answer->header_count++;
}

static alto_slice own_piece(void *owner, size_t index)
{
    (void)index;
    const alto_slice *body = owner;
    return *body;
}

static void set_body(alto_http_answer *answer, alto_slice *body)
{
    alto_http_answer_release(answer);
    answer->owner = body;
    answer->piece = body ? own_piece : NULL;
    answer->release = body ? free : NULL;
    answer->piece_count = body ? 1 : 0;
    answer->size = body ? body->size : 0;
}

void alto_http_body(alto_http_answer *answer, alto_slice bytes)
{
    alto_slice *body = malloc(sizeof *body + bytes.size);
    if (body) {
        if (bytes.size)
            memcpy(body + 1, bytes.data, bytes.size);
        *body = alto_slice_of(body + 1, bytes.size);
    } else {
        answer->status = 500;
    }
    set_body(answer, body);
}

/* A body that was a buffer. */
typedef struct {
    alto_slice body; /* first: own_piece takes it for this */
    alto_buffer bytes;
} taken;

static void free_taken(void *owner)
{
    taken *self = owner;
    alto_buffer_fini(&self->bytes);
    free(self);
}

void alto_http_take_body(alto_http_answer *answer, alto_buffer *bytes)
{
    taken *made = malloc(sizeof *made);
    if (made)
        *made = (taken){.body = alto_buffer_slice(bytes), .bytes = *bytes};
    else
        alto_buffer_fini(bytes);
    *bytes = alto_buffer_make(bytes->max_size);
    answer->status = made ? answer->status : 500;
    set_body(answer, made ? &made->body : NULL);
    if (made)
        answer->release = free_taken;
}

void alto_http_answer_init(alto_http_answer *answer, unsigned status)
{
    answer->status = status;
    answer->header_count = 0;
    answer->piece_count = 0;
    answer->piece = NULL;
    answer->size = 0;
    answer->release = NULL;
    answer->owner = NULL;
    answer->has_file = false;
    answer->later = false;
}

void alto_http_answer_release(alto_http_answer *answer)
{
    if (answer->release)
        answer->release(answer->owner);
    answer->release = NULL;
    answer->has_file = false;
}

alto_http_held alto_http_held_take(alto_http_answer *answer)
{
    alto_http_held held = {.owner = answer->release ? answer->owner : NULL, .release = answer->release};
    answer->release = NULL;
    return held;
}

void alto_http_held_release(alto_http_held *self)
{
    if (self->owner)
        self->release(self->owner);
    *self = (alto_http_held){.owner = NULL};
}

void alto_http_peer_text(const struct sockaddr *peer, char text[ALTO_HTTP_PEER_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "";
    text[0] = 0;
    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(text, ALTO_HTTP_PEER_TEXT, "%s:%u", host, ntohs(in->sin_port));
    } else if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)peer;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(text, ALTO_HTTP_PEER_TEXT, "[%s]:%u", host, ntohs(in6->sin6_port));
    }
}
