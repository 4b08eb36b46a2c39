/* SPDX-License-Identifier: Apache-2.0 */
#include "io/publisher.h"

#include "io/log.h"

#include <stdlib.h>

enum { GRACE_MS = 2500, MAX_ENDPOINTS = 16, MAX_PUSHED_INDEX = 255 };

struct alto_publisher {
    alto_archive *archive;
    alto_front *front;
    alto_push_sender *sender; /* NULL: no push endpoints */
    size_t push_count;
    alto_http_server *http; /* NULL: no address */
};

static alto_status start_push(alto_publisher *self, alto_loop *loop, const alto_publisher_options *options,
                              alto_error *error)
{
    self->push_count = options->push_count;
    if (options->push_count == 0)
        return ALTO_OK;
    unsigned mbit = options->multicast_mbit ? options->multicast_mbit : ALTO_PUSH_MULTICAST_MBIT;
    return alto_push_sender_new(loop, options->push, options->push_count, mbit, &self->sender, error);
}

static bool answer_behind(void *context, const char *id, const alto_http_request *request, alto_http_answer *answer)
{
    return alto_server_answer(context, id, request, answer);
}

static void inform_behind(void *context, alto_buffer *out)
{
    alto_server_info(context, out);
}

static alto_status start_front(alto_publisher *self, const alto_publisher_options *options)
{
    const char *endpoints[MAX_ENDPOINTS];
    const char *const *named = options->advertise;
    size_t count = options->advertise_count;
    if (count == 0) {
        for (; count < self->push_count && count < MAX_ENDPOINTS; count++)
            endpoints[count] = alto_push_sender_endpoint(self->sender, count);
        named = endpoints;
    }
    self->front = alto_front_new(self->archive, named, count, options->counts, options->stale);
    const alto_behind behind = {.answer = answer_behind, .info = inform_behind, .context = options->alto_server};
    if (self->front && options->alto_server)
        alto_front_set_behind(self->front, &behind);
    return self->front ? ALTO_OK : ALTO_NO_MEMORY;
}

alto_status alto_publisher_new(alto_loop *loop, const alto_origin *origin, const alto_publisher_options *options,
                               alto_publisher **out, alto_error *error)
{
    alto_publisher *self = calloc(1, sizeof *self);
    alto_status status = ALTO_NO_MEMORY;
    if (self)
        self->archive = alto_archive_new(origin);
    if (!self || !self->archive) {
        alto_fail(error, status, "publisher", "out of memory");
        goto fail;
    }
    status = start_push(self, loop, options, error);
    if (status == ALTO_OK && (status = start_front(self, options)) != ALTO_OK)
        alto_fail(error, status, "publisher", "out of memory");
    if (status == ALTO_OK && options->http)
        status = alto_http_server_new(options->http, options->http_threads, alto_front_answer, self->front, &self->http,
                                      error);
    if (status != ALTO_OK)
        goto fail;
    if (options->alto_server && self->http)
        alto_server_serve(options->alto_server, self->http);
    *out = self;
    return ALTO_OK;
fail:
    alto_publisher_destroy(&self);
    return status;
}

void alto_publisher_destroy(alto_publisher **self)
{
    if (!*self)
        return;
    alto_push_sender_destroy(&(*self)->sender); /* first: followers see it at once, and look elsewhere */
    alto_http_server_destroy(&(*self)->http, GRACE_MS);
    alto_front_destroy(&(*self)->front);
    alto_archive_destroy(&(*self)->archive);
    free(*self);
    *self = NULL;
}

static void send_statement(alto_publisher *self, const alto_origin *origin, alto_slice object,
                           const alto_signature *signature)
{
    uint8_t topic[ALTO_TOPIC_SIZE];
    alto_topic(topic, 'h', origin, NULL);
    alto_slice frames[] = {alto_slice_of(topic, sizeof topic), object,
                           alto_slice_of(signature->bytes, sizeof signature->bytes)};
    alto_push_send(self->sender, frames, sizeof frames / sizeof frames[0]);
}

static void send_payload(alto_publisher *self, const alto_statement *commit, size_t index, alto_slice payload)
{
    uint8_t topic[ALTO_TOPIC_SIZE], index_byte = (uint8_t)index;
    alto_topic(topic, 'p', &commit->origin, &commit->changes[index].name);
    alto_slice frames[] = {alto_slice_of(topic, sizeof topic),
                           alto_slice_of(commit->commit_hash.bytes, sizeof commit->commit_hash.bytes),
                           alto_slice_of(&index_byte, 1), payload};
    alto_push_send(self->sender, frames, sizeof frames / sizeof frames[0]);
}

static bool is_pushed(const alto_applied_change *change, uint64_t max_pushed_payload)
{
    return change->payload.size && change->payload.size <= max_pushed_payload && change->index <= MAX_PUSHED_INDEX;
}

static bool is_all_pushed(const alto_applied *applied, uint64_t max_pushed_payload)
{
    for (size_t i = 0; i < applied->change_count; i++)
        if (!is_pushed(&applied->changes[i], max_pushed_payload))
            return false;
    return true;
}

static void archive_step(alto_publisher *self, const alto_applied *applied)
{
    if (alto_archive_step(self->archive, applied) != ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "archive", "status=no-memory");
}

static void push_step(alto_publisher *self, const alto_applied *applied, uint64_t max_pushed_payload)
{
    send_statement(self, &applied->statement->origin, applied->object, &applied->signature);
    for (size_t i = 0; i < applied->change_count; i++) {
        const alto_applied_change *change = &applied->changes[i];
        if (is_pushed(change, max_pushed_payload))
            send_payload(self, applied->statement, change->index, change->payload);
    }
}

/* What has to be pulled is put where it can be pulled from before anybody is told of it; what is pushed as a whole has no
 * need to wait for that. */
void alto_publisher_step(alto_publisher *self, const alto_applied *applied, uint64_t max_pushed_payload)
{
    bool pushed_first = self->sender && is_all_pushed(applied, max_pushed_payload);
    if (!pushed_first)
        archive_step(self, applied);
    if (self->sender)
        push_step(self, applied, max_pushed_payload);
    if (pushed_first)
        archive_step(self, applied);
}

/* From the newest to the oldest, so that the way back adds up. */
static alto_status remember(alto_publisher *self, const alto_resource *current, const alto_stored_resource *stored)
{
    alto_status status = ALTO_OK;
    uint64_t delta_bytes = 0;
    for (size_t i = stored->older_count; status == ALTO_OK && i-- > 0;) {
        delta_bytes += stored->older[i].delta_bytes;
        status = alto_archive_remember(self->archive, current, stored->older[i].version, delta_bytes);
    }
    return status;
}

void alto_publisher_remember(alto_publisher *self, const alto_stored_state *state)
{
    alto_view *view = alto_archive_view(self->archive);
    for (size_t i = 0; view && i < state->count; i++) {
        const alto_resource *current = alto_view_by_key(view, state->resources[i].catalog_key);
        if (current && current->version && remember(self, current, &state->resources[i]) != ALTO_OK)
            alto_log(ALTO_LOG_ERROR, "archive", "status=no-memory");
    }
    alto_view_release(view);
}

void alto_publisher_head(alto_publisher *self, alto_slice object, const alto_signature *signature)
{
    if (alto_archive_head(self->archive, object, signature) != ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "archive", "status=no-memory");
    if (self->sender)
        send_statement(self, alto_archive_origin(self->archive), object, signature);
}

void alto_publisher_freshness(alto_publisher *self, const alto_freshness *freshness)
{
    alto_front_freshness(self->front, freshness);
}

void alto_publisher_manifest(alto_publisher *self, alto_slice file, uint32_t epoch, uint32_t version)
{
    if (alto_archive_manifest(self->archive, file, epoch, version) != ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "archive", "status=no-memory");
}

const char *alto_publisher_http_address(const alto_publisher *self)
{
    return self->http ? alto_http_server_address(self->http) : NULL;
}

const char *alto_publisher_push_endpoint(const alto_publisher *self, size_t index)
{
    return index < self->push_count ? alto_push_sender_endpoint(self->sender, index) : NULL;
}
