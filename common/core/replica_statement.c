/* SPDX-License-Identifier: Apache-2.0 */
#include "core/replica_state.h"

#include <stdlib.h>

enum {
    MAX_WAITING_BYTES = 64 << 20, /* of payloads that wait */
    MANIFEST_EVERY_MS = 10000     /* at most one look for a newer manifest in this time */
};

/* ---- the queue ---- */

static void waiting_fini(alto_waiting *entry)
{
    for (size_t i = 0; entry->payloads && i < entry->decoded.change_count; i++)
        free((void *)(uintptr_t)entry->payloads[i].data);
    free(entry->payloads);
    alto_statement_fini(&entry->decoded);
    free(entry->object);
    *entry = (alto_waiting){0};
}

void alto_queue_drop_first(alto_replica *self)
{
    alto_work_drop(self);
    self->queued_bytes -= self->queue[0].payload_bytes;
    waiting_fini(&self->queue[0]);
    self->queued--;
    memmove(&self->queue[0], &self->queue[1], self->queued * sizeof self->queue[0]);
    self->queue[self->queued] = (alto_waiting){0};
}

void alto_queue_drop_all(alto_replica *self)
{
    while (self->queued)
        alto_queue_drop_first(self);
}

/* The work on the first one goes on: it may be a long pull, and giving it up for news would never end. */
static void drop_behind_first(alto_replica *self)
{
    while (self->queued > 1) {
        alto_waiting *last = &self->queue[--self->queued];
        self->queued_bytes -= last->payload_bytes;
        waiting_fini(last);
    }
}

/* What the next statement is compared with: the last one waiting, else that of the view. */
static const alto_statement *newest(const alto_replica *self)
{
    if (self->queued)
        return &self->queue[self->queued - 1].decoded;
    return self->view ? &self->head_decoded : NULL;
}

/* Put a verified statement at the end of the queue; takes over what it borrows and owns, also on failure. */
static alto_status enqueue(alto_replica *self, alto_waiting *entry)
{
    entry->payloads = calloc(entry->decoded.change_count + 1, sizeof *entry->payloads);
    if (!entry->payloads) {
        waiting_fini(entry);
        return ALTO_NO_MEMORY;
    }
    if (self->queued == ALTO_MAX_WAITING || self->queued_bytes > MAX_WAITING_BYTES) {
        drop_behind_first(self);
        entry->linked = false;
    }
    self->queue[self->queued++] = *entry;
    *entry = (alto_waiting){0};
    return alto_work_advance(self);
}

static bool waits(const alto_replica *self, const alto_statement *statement)
{
    for (size_t i = 0; i < self->queued; i++)
        if (alto_hash_equal(&self->queue[i].decoded.commit_hash, &statement->commit_hash))
            return true;
    return false;
}

/* ---- verifying ---- */

/* What can be said before the signature is looked at. */
static alto_status check_cheaply(const alto_replica *self, const alto_statement *statement)
{
    if (!alto_hash_equal(&statement->origin, &self->anchor.origin))
        return ALTO_WRONG_ORIGIN;
    if (!self->view)
        return ALTO_OK;
    int order = alto_position_compare(&statement->position, &self->view->position);
    if (order < 0)
        return ALTO_OLD;
    if (order == 0 && statement->type == ALTO_COMMIT &&
        alto_hash_equal(&statement->commit_hash, &self->view->commit_hash))
        return ALTO_KNOWN;
    return ALTO_OK;
}

static alto_status check_signature(alto_replica *self, const alto_statement *statement, alto_slice object,
                                   const alto_signature *signature, uint64_t now_ms)
{
    const alto_public_key *key =
        self->has_manifest ? alto_manifest_key(&self->manifest, &statement->key_id, statement->issued_at_ms) : NULL;
    bool may_look = !self->has_manifest || alto_elapsed(self->manifest_looked_ms, MANIFEST_EVERY_MS, now_ms);
    if (!key || statement->manifest_epoch != self->manifest.epoch) {
        if (may_look)
            self->manifest_wanted = self->head_wanted = true;
        return ALTO_UNKNOWN_KEY;
    }
    if (!alto_verify(key, object, signature))
        return ALTO_BAD_SIGNATURE;
    if (statement->manifest_version > self->manifest.version && may_look)
        self->manifest_wanted = true; /* the key was renewed: those behind us will need to know */
    return ALTO_OK;
}

/* A new chain has no predecessor: its publisher may have lost its state, or had its clock set right. */
static bool is_later_in_chain(const alto_statement *statement, const alto_statement *before)
{
    return statement->position.epoch == before->position.epoch && statement->position.chain == before->position.chain &&
           statement->position.seq > before->position.seq;
}

static alto_status check_time(const alto_statement *statement, const alto_statement *before, uint64_t now_ms,
                              bool may_have_expired)
{
    if (statement->issued_at_ms > now_ms + ALTO_MAX_FUTURE_MS)
        return ALTO_FUTURE;
    if (before && statement->issued_at_ms < before->issued_at_ms)
        return ALTO_FUTURE;
    return may_have_expired || alto_still_valid(statement, now_ms) ? ALTO_OK : ALTO_EXPIRED;
}

static bool follows(const alto_statement *statement, const alto_statement *before)
{
    return before && statement->type == ALTO_COMMIT && statement->has_prev &&
           statement->position.epoch == before->position.epoch && statement->position.chain == before->position.chain &&
           statement->position.seq == before->position.seq + 1 &&
           alto_hash_equal(&statement->prev, &before->commit_hash);
}

/* Another commit at the same position, or one right behind `before` in its chain that names another predecessor. */
static bool forks_from(const alto_statement *statement, const alto_statement *before)
{
    if (alto_position_compare(&statement->position, &before->position) == 0)
        return !alto_hash_equal(&statement->commit_hash, &before->commit_hash);
    return statement->type == ALTO_COMMIT && statement->position.epoch == before->position.epoch &&
           statement->position.chain == before->position.chain && statement->position.seq == before->position.seq + 1 &&
           !follows(statement, before);
}

/* Does it contradict anything that was taken and is remembered? */
static bool forks(const alto_replica *self, const alto_statement *statement)
{
    if (self->view && forks_from(statement, &self->head_decoded))
        return true;
    for (size_t i = 0; i < self->queued; i++)
        if (forks_from(statement, &self->queue[i].decoded))
            return true;
    return false;
}

/* ---- taking in ---- */

static void refresh_head(alto_replica *self, alto_waiting *entry)
{
    alto_work_set_head(self, entry);
    if (self->events.head)
        self->events.head(self->events.context, alto_slice_of(self->head, self->head_size), &self->head_signature);
}

/* The origin lives: something newly issued came. */
static void note_life(alto_replica *self, const alto_statement *statement, uint64_t now_ms)
{
    self->heard_ms = now_ms;
    self->issued_ms = statement->issued_at_ms;
    if (statement->type == ALTO_HEAD && statement->interval_ms)
        self->interval_ms = statement->interval_ms;
}

/* What to do with a statement whose signature and time are right. */
static alto_status take_verified(alto_replica *self, alto_waiting *entry, uint64_t now_ms)
{
    const alto_statement *statement = &entry->decoded, *before = newest(self);
    int order = before ? alto_position_compare(&statement->position, &before->position) : 1;
    if (forks(self, statement))
        return ALTO_FORK;
    if (order > 0 || (order == 0 && statement->issued_at_ms > self->issued_ms))
        note_life(self, statement, now_ms);
    if (order <= 0) {
        bool of_view = self->view && alto_hash_equal(&statement->commit_hash, &self->view->commit_hash);
        if (!of_view || statement->issued_at_ms <= self->head_decoded.issued_at_ms)
            return of_view || waits(self, statement) ? ALTO_KNOWN : ALTO_OLD;
        refresh_head(self, entry);
        return ALTO_OK;
    }
    entry->linked = follows(statement, before);
    return enqueue(self, entry);
}

alto_status alto_queue_take(alto_replica *self, alto_slice object, const alto_signature *signature, uint64_t now_ms,
                            alto_channel from)
{
    if (object.size > ALTO_MAX_STATEMENT)
        return ALTO_TOO_LARGE;
    if (object.size == 0)
        return ALTO_MALFORMED;
    alto_waiting entry = {.signature = *signature, .object_size = object.size};
    entry.arrived_ms = from == FROM_PUSH ? now_ms : 0; /* no pushed payload follows what was pulled */
    entry.object = malloc(object.size);
    if (!entry.object)
        return ALTO_NO_MEMORY;
    memcpy(entry.object, object.data, object.size);
    object.data = entry.object;
    alto_status status = alto_statement_decode(object, &entry.decoded);
    if (status != ALTO_OK) {
        free(entry.object);
        return status;
    }
    status = check_cheaply(self, &entry.decoded);
    if (status == ALTO_OK)
        status = check_signature(self, &entry.decoded, object, signature, now_ms);
    if (status == ALTO_OK) {
        const alto_statement *before = newest(self);
        bool behind = before && is_later_in_chain(&entry.decoded, before);
        status = check_time(&entry.decoded, behind ? before : NULL, now_ms, from == FROM_DISK);
    }
    if (status == ALTO_OK)
        status = take_verified(self, &entry, now_ms);
    else
        waiting_fini(&entry);
    if (status != ALTO_OK && entry.object)
        waiting_fini(&entry);
    return status;
}

alto_status alto_replica_on_statement(alto_replica *self, alto_slice object, const alto_signature *signature,
                                      uint64_t now_ms)
{
    return alto_replica_counted(self, alto_queue_take(self, object, signature, now_ms, FROM_PUSH));
}

/* ---- payloads ---- */

static alto_waiting *waiting_for(alto_replica *self, const alto_hash *commit_hash)
{
    for (size_t i = 0; i < self->queued; i++)
        if (self->queue[i].decoded.type == ALTO_COMMIT &&
            alto_hash_equal(&self->queue[i].decoded.commit_hash, commit_hash))
            return &self->queue[i];
    return NULL;
}

bool alto_has_digest(alto_slice payload, const alto_commit_change *change)
{
    if (payload.size != change->size)
        return false;
    alto_hash digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, payload);
    return alto_hash_equal(&digest, &change->digest);
}

static alto_status take_payload(alto_replica *self, const alto_hash *commit_hash, size_t index, alto_slice payload)
{
    alto_waiting *entry = waiting_for(self, commit_hash);
    if (!entry || index >= entry->decoded.change_count || payload.size == 0)
        return ALTO_NOT_WANTED;
    const alto_commit_change *change = &entry->decoded.changes[index];
    if (entry->payloads[index].data)
        return ALTO_KNOWN;
    if (!alto_replica_follows(self, &change->name))
        return ALTO_NOT_WANTED;
    if (!alto_has_digest(payload, change))
        return ALTO_DIGEST_MISMATCH;
    uint8_t *copy = malloc(payload.size);
    if (!copy)
        return ALTO_NO_MEMORY;
    memcpy(copy, payload.data, payload.size);
    entry->payloads[index] = alto_slice_of(copy, payload.size);
    entry->payload_bytes += payload.size;
    self->queued_bytes += payload.size;
    return alto_work_advance(self);
}

alto_status alto_replica_on_payload(alto_replica *self, const alto_hash *commit_hash, size_t index, alto_slice payload)
{
    return alto_replica_counted(self, take_payload(self, commit_hash, index, payload));
}
