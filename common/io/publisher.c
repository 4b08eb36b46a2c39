/* SPDX-License-Identifier: Apache-2.0 */
#include "io/publisher.h"

#include "io/log.h"

#include <stdlib.h>

enum { MAX_PUSHED_INDEX = 255 };

struct alto_publisher {
    alto_archive *archive;
    alto_front *front;        /* the site's */
    alto_push_sender *sender; /* borrowed; NULL: does not push */
};

alto_status alto_publisher_new(const alto_origin *origin, const alto_site_options *options, alto_site *site,
                               alto_push_sender *sender, alto_publisher **out, alto_error *error)
{
    alto_publisher *self = calloc(1, sizeof *self);
    if (self)
        *self = (alto_publisher){.archive = alto_archive_new(origin), .sender = sender};
    if (!self || !self->archive) {
        alto_publisher_destroy(&self);
        return alto_fail(error, ALTO_NO_MEMORY, "publisher", "out of memory");
    }
    alto_status status = alto_site_add(site, self->archive, options, &self->front, error);
    if (status == ALTO_OK)
        *out = self;
    else
        alto_publisher_destroy(&self);
    return status;
}

void alto_publisher_destroy(alto_publisher **self)
{
    if (!*self)
        return;
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

void alto_publisher_manifest(alto_publisher *self, alto_slice file, uint32_t epoch, uint32_t version, alto_slice roots)
{
    if (alto_archive_roots(self->archive, roots) != ALTO_OK ||
        alto_archive_manifest(self->archive, file, epoch, version) != ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "archive", "status=no-memory");
}
