/* SPDX-License-Identifier: Apache-2.0 */
#include "io/front_query.h"

#include "core/http_accept.h"
#include "core/query_endpoint.h"
#include "core/query_filter.h"
#include "io/answer.h"
#include "io/lpm_once.h"

enum { RETRY_AFTER_S = 5, QUESTION_MAX = 1024 };

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

/* What is asked, and of what. */
typedef struct {
    const alto_view *view;
    const alto_service *service;
    const alto_http_request *request;
    const alto_endpoint *client; /* who asks, where the answer may depend on it; NULL: it does not, or nobody knows */
} asked;

/* Endpoint services may answer with who asks. */
static bool depends_on_client(const alto_service *service)
{
    return service->kind == ALTO_SERVICE_ENDPOINT_PROPERTY || service->kind == ALTO_SERVICE_ENDPOINT_COST;
}

static alto_status make(const asked *self, alto_buffer *out, alto_query_error *error)
{
    alto_slice body = self->request->body;
    const alto_endpoint_question question = {
        .view = self->view, .service = self->service, .client = self->client, .lpm = alto_lpm_once};
    switch (self->service->kind) {
    case ALTO_SERVICE_NETWORK_FILTER:
        return alto_query_network_filter(self->service, body, out, error);
    case ALTO_SERVICE_COST_FILTER:
        return alto_query_cost_filter(self->view, self->service, body, out, error);
    case ALTO_SERVICE_ENDPOINT_PROPERTY:
        return alto_query_endpoint_property(&question, body, out, error);
    case ALTO_SERVICE_ENDPOINT_COST:
        break;
    }
    return alto_query_endpoint_cost(&question, body, out, error);
}

/* ---- questions ---- */

/* All that the answer depends on; false: more than is kept. */
static bool question_of(const asked *self, alto_question *question)
{
    uint8_t room[QUESTION_MAX];
    alto_buffer text = {.data = room, .capacity = sizeof room, .max_size = sizeof room};
    alto_fingerprint body = alto_fingerprint_of(self->request->body);
    alto_buffer_add(&text, &body, sizeof body);
    alto_buffer_add_u8(&text, (uint8_t)self->service->kind);
    alto_buffer_add(&text, self->service->id, strlen(self->service->id) + 1);
    if (self->request->accept_encoding)
        alto_buffer_add_text(&text, self->request->accept_encoding);
    alto_buffer_add_u8(&text, 0);
    if (self->service->map)
        alto_buffer_add_slice(&text, self->service->map->key);
    alto_buffer_add_u8(&text, 0);
    if (self->client) {
        alto_buffer_add_u8(&text, self->client->family);
        alto_buffer_add(&text, self->client->bytes, sizeof self->client->bytes);
    }
    *question =
        (alto_question){.state = self->view->state_root, .request = alto_fingerprint_of(alto_buffer_slice(&text))};
    return text.status == ALTO_OK;
}

/* ---- answers ---- */

static void describe(alto_http_answer *answer, unsigned status, const char *media_type, alto_coding coding)
{
    answer->status = status;
    alto_http_header(answer, "Content-Type", "%s", media_type);
    alto_http_header(answer, "Cache-Control", "no-store");
    if (coding == ALTO_IDENTITY)
        return;
    alto_http_header(answer, "Content-Encoding", "%s", alto_coding_name(coding));
    alto_http_header(answer, "Vary", "Accept-Encoding");
}

/* Put it in a coding, where the client takes one and it pays. */
static alto_coding pack(const char *accept_encoding, alto_buffer *body)
{
    alto_coding coding = alto_coding_choose_once(accept_encoding, body->size);
    alto_buffer packed = alto_buffer_make(body->size);
    if (coding == ALTO_IDENTITY || alto_coding_pack(coding, alto_buffer_slice(body), &packed) != ALTO_OK) {
        alto_buffer_fini(&packed);
        return ALTO_IDENTITY;
    }
    alto_buffer_fini(body);
    *body = packed;
    return coding;
}

static void give_error(alto_http_answer *answer, const alto_query_error *error, alto_buffer *text)
{
    alto_buffer_clear(text);
    alto_query_error_text(error, text);
    if (text->status != ALTO_OK) {
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
        return;
    }
    describe(answer, 400, "application/alto-error+json", ALTO_IDENTITY);
    alto_http_take_body(answer, text);
}

/* An answer that was made. Its question, if it was put before, is kept with it; NULL: it was not. */
static void give(alto_front_kept *kept, const alto_question *question, const asked *self, alto_buffer *body,
                 alto_http_answer *answer)
{
    alto_coding coding = pack(self->request->accept_encoding, body);
    if (question)
        alto_front_kept_add(kept, question, alto_buffer_slice(body), coding);
    describe(answer, 200, alto_service_media_type(self->service->kind), coding);
    alto_http_take_body(answer, body);
}

static void make_answer(alto_front_kept *kept, const alto_question *question, const asked *self,
                        alto_http_answer *answer)
{
    alto_buffer out = alto_buffer_make(ALTO_MAX_ANSWER);
    alto_query_error error;
    alto_status status = make(self, &out, &error);
    if (status == ALTO_OK)
        give(kept, question, self, &out, answer);
    else if (status == ALTO_INVALID)
        give_error(answer, &error, &out);
    else if (status == ALTO_TOO_LARGE)
        alto_answer_refuse(answer, 400, "the answer would be too large: ask for less, or for the whole map\n");
    else
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
    alto_buffer_fini(&out);
}

static void answer_query(alto_front_kept *kept, const asked *self, alto_http_answer *answer)
{
    alto_question question;
    alto_known_question known = {.answer = NULL};
    if (question_of(self, &question))
        known = alto_front_kept_look(kept, &question);
    if (!known.answer) {
        make_answer(kept, known.again ? &question : NULL, self, answer);
        return;
    }
    describe(answer, 200, alto_service_media_type(self->service->kind), known.coding);
    alto_answer_blob(answer, known.answer);
}

void alto_front_query(alto_front_kept *kept, const alto_view *view, const alto_service *service,
                      const alto_http_request *request, alto_http_answer *answer)
{
    const char *wanted = alto_service_accepts(service->kind);
    alto_endpoint client;
    bool known = depends_on_client(service) && client_of(request->peer, &client);
    const asked self = {.view = view, .service = service, .request = request, .client = known ? &client : NULL};
    if (!alto_http_is_type(request->content_type, wanted)) {
        alto_http_header(answer, "Accept", "%s", wanted);
        alto_answer_refuse(answer, 415, "the body has to be of the type that the directory calls \"accepts\"\n");
    } else if (!alto_http_accepts(request->accept, alto_service_media_type(service->kind))) {
        alto_answer_refuse(answer, 406, "this resource has another media type\n");
    } else {
        answer_query(kept, &self, answer);
    }
}
