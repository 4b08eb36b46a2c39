/* SPDX-License-Identifier: Apache-2.0 */
#include "core/replica_state.h"

#include <stdlib.h>

enum {
    MAX_WAITING_BYTES = 64 << 20, /* of payloads that wait */
    MANIFEST_EVERY_MS = 2000,     /* at most one look for a newer manifest in this time, whoever gives the reason */
    MANIFEST_SOON_MS = 250        /* and when the origin itself says that there is one */
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

/* Where in the queue a statement belongs: before the first that is not older. */
static size_t place_of(const alto_replica *self, const alto_position *position)
{
    size_t place = self->queued;
    while (place > 0 && alto_position_compare(&self->queue[place - 1].decoded.position, position) >= 0)
        place--;
    return place;
}

/* What comes before that place: another waiting one, else that of the view; NULL: nothing. */
static const alto_statement *before_place(const alto_replica *self, size_t place)
{
    if (place > 0)
        return &self->queue[place - 1].decoded;
    return self->view ? &self->head_decoded : NULL;
}

static void make_room(alto_replica *self)
{
    if (self->queued == ALTO_MAX_WAITING || self->queued_bytes > MAX_WAITING_BYTES)
        drop_behind_first(self);
}

/* Put a verified statement into the queue, of which it takes over what it borrows and owns, also on failure. A waiting
 * head gives way to the commit that it speaks of. */
static alto_status enqueue(alto_replica *self, alto_waiting *entry, size_t place)
{
    entry->payloads = calloc(entry->decoded.change_count + 1, sizeof *entry->payloads);
    if (!entry->payloads) {
        waiting_fini(entry);
        return ALTO_NO_MEMORY;
    }
    if (place == 0)
        alto_work_drop(self);
    alto_waiting *at = &self->queue[place];
    if (place < self->queued && alto_hash_equal(&at->decoded.commit_hash, &entry->decoded.commit_hash))
        waiting_fini(at);
    else
        memmove(at + 1, at, (self->queued++ - place) * sizeof *at);
    *at = *entry;
    *entry = (alto_waiting){0};
    return alto_work_advance(self);
}

/* Does it wait, or the very commit that this head speaks of? */
static bool waits(const alto_replica *self, const alto_statement *statement)
{
    for (size_t i = 0; i < self->queued; i++) {
        const alto_statement *waiting = &self->queue[i].decoded;
        if (alto_hash_equal(&waiting->commit_hash, &statement->commit_hash) &&
            (waiting->type == ALTO_COMMIT || statement->type == ALTO_HEAD))
            return true;
    }
    return false;
}

/* ---- verifying ---- */

static bool may_look_for_manifest(const alto_replica *self, uint64_t now_ms)
{
    return !self->has_manifest || alto_elapsed(self->manifest_looked_ms, MANIFEST_EVERY_MS, now_ms);
}

/* The key that is said to have signed it; NULL: unknown, so that a newer manifest is looked for. */
static const alto_public_key *find_key(alto_replica *self, const alto_statement *statement, uint64_t now_ms)
{
    const alto_public_key *key =
        self->has_manifest ? alto_manifest_key(&self->manifest, &statement->key_id, statement->issued_at_ms) : NULL;
    if (key && statement->manifest_epoch == self->manifest.epoch)
        return key;
    if (may_look_for_manifest(self, now_ms))
        self->manifest_wanted = self->head_wanted = true;
    return NULL;
}

/* What can be said before anything is made of its changes, and before the signature is looked at. */
static alto_status check_cheaply(alto_replica *self, const alto_statement *statement, uint64_t now_ms)
{
    if (!alto_hash_equal(&statement->origin, &self->anchor.origin))
        return ALTO_WRONG_ORIGIN;
    int order = self->view ? alto_position_compare(&statement->position, &self->view->position) : 1;
    if (order < 0) /* a head says that it is the newest, a commit only that it was once */
        return statement->type == ALTO_HEAD ? ALTO_OLD : ALTO_REPLAYED;
    if (order == 0 && statement->type == ALTO_COMMIT)
        return ALTO_OK; /* it may be the one held, whoever signs now */
    return find_key(self, statement, now_ms) ? ALTO_OK : ALTO_UNKNOWN_KEY;
}

static bool is_held(const alto_replica *self, const alto_statement *statement)
{
    return self->view && statement->type == ALTO_COMMIT &&
           alto_hash_equal(&statement->commit_hash, &self->view->commit_hash);
}

static alto_status check_signature(alto_replica *self, const alto_statement *statement, alto_slice object,
                                   const alto_signature *signature, uint64_t now_ms)
{
    const alto_public_key *key = find_key(self, statement, now_ms);
    if (!key)
        return ALTO_UNKNOWN_KEY;
    if (self->manifest.not_after_ms <= now_ms) {
        self->manifest_wanted |= may_look_for_manifest(self, now_ms);
        return ALTO_EXPIRED;
    }
    if (!alto_verify(key, object, signature))
        return ALTO_BAD_SIGNATURE;
    if (statement->manifest_version > self->manifest.version &&
        alto_elapsed(self->manifest_looked_ms, MANIFEST_SOON_MS, now_ms))
        self->manifest_wanted = true; /* keys were changed: those behind us will need to know */
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
    if (statement->position.chain > now_ms + ALTO_MAX_AHEAD_MS) /* nothing could ever come after it */
        return ALTO_FAST_FORWARD;
    if (statement->issued_at_ms > now_ms + ALTO_MAX_CLOCK_MS)
        return ALTO_FUTURE;
    if (before && statement->issued_at_ms < before->issued_at_ms)
        return ALTO_BACKDATED;
    return may_have_expired || alto_still_valid(statement, now_ms) ? ALTO_OK : ALTO_EXPIRED;
}

bool alto_queue_follows(const alto_statement *statement, const alto_statement *before)
{
    return before && statement->type == ALTO_COMMIT && statement->has_prev &&
           statement->position.epoch == before->position.epoch && statement->position.chain == before->position.chain &&
           statement->position.seq == before->position.seq + 1 &&
           alto_hash_equal(&statement->prev, &before->commit_hash);
}

/* The hash that a statement gives the commit at that position; NULL: it says nothing of it. Zeros: that there is none, since its chain
 * begins behind it. */
static const alto_hash *hash_at(const alto_statement *statement, const alto_position *position)
{
    if (alto_position_compare(&statement->position, position) == 0)
        return &statement->commit_hash;
    bool right_behind = statement->type == ALTO_COMMIT && statement->position.epoch == position->epoch &&
                        statement->position.chain == position->chain && statement->position.seq == position->seq + 1;
    return right_behind ? &statement->prev : NULL;
}

/* Do two statements, one of them held, contradict each other about the position of the earlier one? */
static bool contradict(const alto_statement *held, const alto_statement *other, alto_fork *fork)
{
    bool held_first = alto_position_compare(&held->position, &other->position) <= 0;
    const alto_position *position = held_first ? &held->position : &other->position;
    const alto_hash *one = hash_at(held, position), *two = hash_at(other, position);
    if (!one || !two || alto_hash_equal(one, two))
        return false;
    fork->position = *position;
    fork->hashes[0] = *one;
    fork->hashes[1] = *two;
    return true;
}

/* Does it contradict anything that was taken and is remembered? Then whoever listens gets both. */
static bool forks(const alto_replica *self, const alto_waiting *entry)
{
    alto_fork fork = {.objects[1] = alto_slice_of(entry->object, entry->object_size),
                      .signatures[1] = entry->signature};
    if (self->view && contradict(&self->head_decoded, &entry->decoded, &fork)) {
        fork.objects[0] = alto_slice_of(self->head, self->head_size);
        fork.signatures[0] = self->head_signature;
    }
    for (size_t i = 0; i < self->queued && !fork.objects[0].data; i++) {
        const alto_waiting *held = &self->queue[i];
        if (!contradict(&held->decoded, &entry->decoded, &fork))
            continue;
        fork.objects[0] = alto_slice_of(held->object, held->object_size);
        fork.signatures[0] = held->signature;
    }
    if (fork.objects[0].data && self->events.fork)
        self->events.fork(self->events.context, &fork);
    return fork.objects[0].data;
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
    if (alto_position_compare(&statement->position, &self->newest) > 0)
        self->newest = statement->position;
    if (statement->type == ALTO_HEAD && statement->interval_ms)
        self->interval_ms = statement->interval_ms;
}

/* A statement that is older than one that waits: is it a commit that was missing? */
static alto_status take_late(alto_replica *self, alto_waiting *entry)
{
    const alto_statement *statement = &entry->decoded;
    if (waits(self, statement))
        return ALTO_KNOWN;
    make_room(self);
    size_t place = place_of(self, &statement->position);
    if (!alto_queue_follows(statement, before_place(self, place)))
        return ALTO_OLD;
    return enqueue(self, entry, place);
}

/* What to do with a statement whose signature and time are right. */
static alto_status take_verified(alto_replica *self, alto_waiting *entry, uint64_t now_ms)
{
    const alto_statement *statement = &entry->decoded, *newest = before_place(self, self->queued);
    int order = newest ? alto_position_compare(&statement->position, &newest->position) : 1;
    if (forks(self, entry))
        return ALTO_FORK;
    if (order > 0 || (order == 0 && statement->issued_at_ms > self->issued_ms))
        note_life(self, statement, now_ms);
    if (order > 0) {
        make_room(self);
        return enqueue(self, entry, self->queued);
    }
    if (!self->view || !alto_hash_equal(&statement->commit_hash, &self->view->commit_hash))
        return take_late(self, entry);
    if (statement->issued_at_ms <= self->head_decoded.issued_at_ms)
        return ALTO_KNOWN;
    refresh_head(self, entry);
    return ALTO_OK;
}

/* The one that is held or waits already with these very bytes, as they come from a second upstream; its signature needs
 * no second look. NULL: none. */
static const alto_statement *repeated(const alto_replica *self, alto_slice object, const alto_signature *signature)
{
    if (self->head && alto_slice_equal(object, alto_slice_of(self->head, self->head_size)) &&
        memcmp(signature, &self->head_signature, sizeof *signature) == 0)
        return &self->head_decoded;
    for (size_t i = 0; i < self->queued; i++)
        if (alto_slice_equal(object, alto_slice_of(self->queue[i].object, self->queue[i].object_size)) &&
            memcmp(signature, &self->queue[i].signature, sizeof *signature) == 0)
            return &self->queue[i].decoded;
    return NULL;
}

/* What can be said of a decoded statement before it is taken in. */
static alto_status check(alto_replica *self, const alto_waiting *entry, uint64_t now_ms, alto_channel from)
{
    const alto_statement *statement = &entry->decoded;
    if (is_held(self, statement))
        return ALTO_KNOWN;
    alto_slice object = alto_slice_of(entry->object, entry->object_size);
    alto_status status = check_signature(self, statement, object, &entry->signature, now_ms);
    if (status != ALTO_OK)
        return status;
    const alto_statement *before = before_place(self, place_of(self, &statement->position));
    bool behind = before && is_later_in_chain(statement, before);
    return check_time(statement, behind ? before : NULL, now_ms, from == FROM_DISK);
}

alto_status alto_queue_take(alto_replica *self, alto_slice object, const alto_signature *signature, uint64_t now_ms,
                            alto_channel from)
{
    if (object.size > ALTO_MAX_STATEMENT)
        return ALTO_TOO_LARGE;
    if (object.size == 0)
        return ALTO_MALFORMED;
    const alto_statement *known = repeated(self, object, signature);
    if (known)
        return alto_still_valid(known, now_ms) ? ALTO_KNOWN : ALTO_EXPIRED;
    alto_statement seen;
    alto_status status = alto_statement_look(object, &seen);
    if (status == ALTO_OK)
        status = check_cheaply(self, &seen, now_ms);
    if (status != ALTO_OK)
        return status;
    alto_waiting entry = {.signature = *signature, .object_size = object.size, .pulled = from == FROM_PULL};
    entry.arrived_ms = from == FROM_PUSH ? now_ms : 0; /* no pushed payload follows what was pulled */
    entry.object = malloc(object.size);
    if (!entry.object)
        return ALTO_NO_MEMORY;
    memcpy(entry.object, object.data, object.size);
    status = alto_statement_decode(alto_slice_of(entry.object, object.size), &entry.decoded);
    if (status == ALTO_OK)
        status = check(self, &entry, now_ms, from);
    if (status == ALTO_OK)
        status = take_verified(self, &entry, now_ms);
    waiting_fini(&entry); /* what of it was not taken over */
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

alto_status alto_queue_take_payload(alto_replica *self, const alto_hash *commit_hash, size_t index, alto_slice payload,
                                    alto_channel from)
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
    entry->pulled |= from == FROM_PULL;
    entry->payload_bytes += payload.size;
    self->queued_bytes += payload.size;
    return alto_work_advance(self);
}

alto_status alto_replica_on_payload(alto_replica *self, const alto_hash *commit_hash, size_t index, alto_slice payload)
{
    return alto_replica_counted(self, alto_queue_take_payload(self, commit_hash, index, payload, FROM_PUSH));
}
