/* SPDX-License-Identifier: Apache-2.0 */
#include "io/answer.h"

#include "core/http_accept.h"

#include <string.h>

bool alto_answer_method(alto_http_answer *answer, const alto_http_request *request, const char *allow)
{
    bool options = strcmp(request->method, "OPTIONS") == 0;
    if (!options && alto_http_list_has(allow, request->method))
        return true;
    alto_http_header(answer, "Allow", "%s", allow);
    if (options)
        answer->status = 204;
    else
        alto_answer_refuse(answer, 405, "not a method of this resource; see Allow\n");
    return false;
}

static alto_slice blob_piece(void *owner, size_t index)
{
    (void)index;
    const alto_blob *blob = owner;
    return alto_slice_of(blob->data, blob->size);
}

static void blob_release(void *owner)
{
    alto_blob_release(owner);
}

void alto_answer_blob(alto_http_answer *answer, const alto_blob *body)
{
    answer->piece_count = 1;
    answer->piece = blob_piece;
    answer->size = body->size;
    answer->release = blob_release;
    answer->owner = (void *)(uintptr_t)body;
}

void alto_answer_refuse(alto_http_answer *answer, unsigned status, const char *why)
{
    answer->status = status;
    alto_http_header(answer, "Content-Type", "text/plain; charset=utf-8");
    alto_http_header(answer, "Cache-Control", "no-store");
    alto_http_body(answer, alto_slice_text(why));
}

void alto_answer_text(alto_http_answer *answer, unsigned status, const char *media_type, alto_slice text)
{
    answer->status = status;
    alto_http_header(answer, "Content-Type", "%s", media_type);
    alto_http_header(answer, "Cache-Control", "no-store");
    alto_http_body(answer, text);
}

void alto_answer_json(alto_http_answer *answer, unsigned status, alto_slice text)
{
    alto_answer_text(answer, status, "application/json", text);
}

void alto_answer_refuse_for_now(alto_http_answer *answer, unsigned retry_after_s, const char *why)
{
    alto_http_header(answer, "Retry-After", "%u", retry_after_s);
    alto_answer_refuse(answer, 503, why);
}

bool alto_answer_tag_matches(const char *list, const char *etag)
{
    size_t size = strlen(etag);
    while (list && *list) {
        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (strncmp(list, etag, size) == 0)
            return true;
        const char *end = *list == '"' ? strchr(list + 1, '"') : NULL;
        list = end ? end + 1 : strchr(list, ',');
    }
    return false;
}
