/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - what all answers of a front have in common: how to refuse, and when an entity tag still holds.
 *
 * Threads: none inside. */
#ifndef ALTO_ANSWER_H
#define ALTO_ANSWER_H

#include "io/blob.h"
#include "io/http.h"

/* Who answers for resources that are not held here. */
typedef struct {
    /* Answer the request for the resource with that ID; false: there is none, and nothing was done. In several threads at once.
     * NULL: nobody. */
    bool (*answer)(void *context, const char *id, const alto_http_request *request, alto_http_answer *answer);
    /* Would it, for that ID? Likewise. */
    bool (*offers)(void *context, const char *id);
    /* A number that changes whenever that may have changed; likewise. NULL: it never does. */
    uint64_t (*turn)(void *context);
    /* Append a JSON object for info; likewise. */
    void (*info)(void *context, alto_buffer *out);
    bool no_costs; /* it is never asked for endpoint costs */
    void *context;
} alto_behind;

/* May the request go on: is its method one of those that the resource allows, other than OPTIONS? If not it is answered:
 * OPTIONS with 204, others with 405, both with Allow (RFC 9110 9.3.7, 15.5.6). allow: static text. */
bool alto_answer_method(alto_http_answer *answer, const alto_http_request *request, const char *allow);
/* Give it a blob as its body; takes the reference over. */
void alto_answer_blob(alto_http_answer *answer, const alto_blob *body);
/* Refuse with a sentence for people; never stored by a cache. */
void alto_answer_refuse(alto_http_answer *answer, unsigned status, const char *why);
/* A text of the moment; never stored by a cache. */
void alto_answer_text(alto_http_answer *answer, unsigned status, const char *media_type, alto_slice text);
void alto_answer_json(alto_http_answer *answer, unsigned status, alto_slice text);
/* 503: it may be had in so many seconds. */
void alto_answer_refuse_for_now(alto_http_answer *answer, unsigned retry_after_s, const char *why);
/* Does an entity tag stand in a list such as `"a", W/"b"`, or is the list "*"? (RFC 9110 13.1.2, weak comparison) */
bool alto_answer_tag_matches(const char *list, const char *etag);

#endif
