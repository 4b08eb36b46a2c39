/* SPDX-License-Identifier: Apache-2.0 */
#include "io/front_query.h"

#include "core/coding.h"
#include "core/http_accept.h"
#include "core/query_endpoint.h"
#include "core/query_filter.h"
#include "io/answer.h"
#include "io/lpm_once.h"

enum { RETRY_AFTER_S = 5 };

/* The address of "192.0.2.1:80" or "[2001:db8::1]:80"; false when it is none. A socket for both families has IPv4 clients as
 * ::ffff:192.0.2.1. */
static bool client_of(const char *peer, alto_endpoint *client)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const char *end = strrchr(peer, ':');
    if (!end)
        return false;
    if (*peer != '[')
        return alto_endpoint_parse(4, alto_slice_of(peer, (size_t)(end - peer)), client) == ALTO_OK;
    if (alto_endpoint_parse(6, alto_slice_of(peer + 1, strcspn(peer + 1, "]")), client) != ALTO_OK)
        return false;
    if (memcmp(client->bytes, mapped, sizeof mapped) == 0) {
        alto_endpoint plain = {.family = 4};
        memcpy(plain.bytes, client->bytes + sizeof mapped, 4);
        *client = plain;
    }
    return true;
}

static alto_status make(const alto_view *view, const alto_service *service, const alto_http_request *request,
                        alto_buffer *out, alto_query_error *error)
{
    alto_endpoint client;
    alto_endpoint_question question = {.view = view, .service = service, .lpm = alto_lpm_once};
    if (client_of(request->peer, &client))
        question.client = &client;
    switch (service->kind) {
    case ALTO_SERVICE_NETWORK_FILTER:
        return alto_query_network_filter(service, request->body, out, error);
    case ALTO_SERVICE_COST_FILTER:
        return alto_query_cost_filter(view, service, request->body, out, error);
    case ALTO_SERVICE_ENDPOINT_PROPERTY:
        return alto_query_endpoint_property(&question, request->body, out, error);
    case ALTO_SERVICE_ENDPOINT_COST:
        break;
    }
    return alto_query_endpoint_cost(&question, request->body, out, error);
}

static void give(alto_http_answer *answer, unsigned status, const char *media_type, alto_buffer *body)
{
    answer->status = status;
    alto_http_header(answer, "Content-Type", "%s", media_type);
    alto_http_header(answer, "Cache-Control", "no-store");
    alto_http_take_body(answer, body);
}

/* In a coding, where the client takes one and it pays. */
static void give_packed(alto_http_answer *answer, const char *accept_encoding, const char *media_type,
                        alto_buffer *body)
{
    alto_coding coding = alto_coding_choose_once(accept_encoding, body->size);
    if (coding == ALTO_IDENTITY) {
        give(answer, 200, media_type, body);
        return;
    }
    alto_buffer packed = alto_buffer_make(body->size);
    if (alto_coding_pack(coding, alto_buffer_slice(body), &packed) == ALTO_OK) {
        alto_http_header(answer, "Content-Encoding", "%s", alto_coding_name(coding));
        alto_http_header(answer, "Vary", "Accept-Encoding");
        give(answer, 200, media_type, &packed);
    } else {
        give(answer, 200, media_type, body);
    }
    alto_buffer_fini(&packed);
}

static void give_error(alto_http_answer *answer, const alto_query_error *error, alto_buffer *text)
{
    alto_buffer_clear(text);
    alto_query_error_text(error, text);
    if (text->status == ALTO_OK)
        give(answer, 400, "application/alto-error+json", text);
    else
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
}

static void answer_query(const alto_view *view, const alto_service *service, const alto_http_request *request,
                         alto_http_answer *answer)
{
    alto_buffer out = alto_buffer_make(ALTO_MAX_ANSWER);
    alto_query_error error;
    alto_status status = make(view, service, request, &out, &error);
    if (status == ALTO_OK)
        give_packed(answer, request->accept_encoding, alto_service_media_type(service->kind), &out);
    else if (status == ALTO_INVALID)
        give_error(answer, &error, &out);
    else if (status == ALTO_TOO_LARGE)
        alto_answer_refuse(answer, 400, "the answer would be too large: ask for less, or for the whole map\n");
    else
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
    alto_buffer_fini(&out);
}

void alto_front_query(const alto_view *view, const alto_service *service, const alto_http_request *request,
                      alto_http_answer *answer)
{
    const char *wanted = alto_service_accepts(service->kind);
    if (!alto_http_is_type(request->content_type, wanted)) {
        alto_http_header(answer, "Accept", "%s", wanted);
        alto_answer_refuse(answer, 415, "the body has to be of the type that the directory calls \"accepts\"\n");
    } else if (!alto_http_accepts(request->accept, alto_service_media_type(service->kind))) {
        alto_answer_refuse(answer, 406, "this resource has another media type\n");
    } else {
        answer_query(view, service, request, answer);
    }
}
