/* SPDX-License-Identifier: Apache-2.0 */
#include "io/archive_history.h"

#include "core/weight.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLOTS = 16384,   /* of each table */
    ITEM_BYTES = 5,  /* of an item of a bundle: type and size */
    INDEX_BYTES = 2, /* before a payload in it */
    STEP_BYTES = 512 /* of a step itself, counted with its objects */
};

/* A resource that a step brings, and the one that it replaces. */
struct alto_arriving {
    alto_held *held;               /* owned until the step is added; NULL: withdrawn, or not followed */
    const alto_resource *replaced; /* borrowed from the view before; NULL: new, or not followed before */
    uint64_t delta_bytes, weight;  /* of the way from one to the other; of what is kept of the old one */
};

struct alto_history {
    alto_history_limits limits;
    alto_step **ring; /* owned, limits.steps of them: ascending by position, the oldest at `first` */
    size_t first, count;
    size_t bare; /* so many of the oldest have no versions any more */
    uint64_t object_bytes, version_bytes;
    uint64_t lines, runs; /* how many there have been */
    alto_held *by_root[SLOTS];
    alto_step *by_state[SLOTS];
    alto_held_payload *by_digest[SLOTS];
};

static size_t slot_of(const alto_hash *hash)
{
    uint32_t word;
    memcpy(&word, hash->bytes, sizeof word);
    return word % SLOTS;
}

/* ---- steps before they are added ---- */

static void held_free(alto_held *held)
{
    if (!held)
        return;
    alto_resource_release(held->resource);
    free(held);
}

static void step_free(alto_step *step)
{
    for (size_t i = 0; i < step->arriving_count; i++)
        held_free(step->arriving[i].held);
    free(step->arriving);
    for (size_t i = 0; i < step->payload_count; i++)
        alto_blob_release(step->payloads[i].blob);
    free(step->payloads);
    alto_blob_release(step->commit);
    alto_tree_release(step->catalog);
    free(step);
}

void alto_dead_free(alto_dead *dead)
{
    for (alto_step *step = dead->steps, *next; step; step = next) {
        next = step->next_dead;
        step_free(step);
    }
    for (alto_held *held = dead->held, *next; held; held = next) {
        next = held->next_replaced;
        held_free(held);
    }
    *dead = (alto_dead){NULL, NULL};
}

static alto_status take_commit(alto_step *step, const alto_applied *applied)
{
    if (applied->statement->type != ALTO_COMMIT)
        return ALTO_OK;
    step->commit =
        alto_blob_new(applied->object, alto_slice_of(applied->signature.bytes, sizeof applied->signature.bytes));
    if (!step->commit)
        return ALTO_NO_MEMORY;
    step->object_bytes += step->commit->size;
    return ALTO_OK;
}

static alto_status take_payloads(alto_step *step, const alto_applied *applied)
{
    const alto_statement *statement = applied->statement;
    step->payloads = calloc(applied->change_count + 1, sizeof *step->payloads);
    if (!step->payloads)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < applied->change_count; i++) {
        const alto_applied_change *change = &applied->changes[i];
        if (change->payload.size == 0 || change->index >= statement->change_count)
            continue;
        alto_held_payload *payload = &step->payloads[step->payload_count];
        payload->blob = alto_blob_new(change->payload, alto_slice_of(NULL, 0));
        if (!payload->blob)
            return ALTO_NO_MEMORY;
        payload->digest = statement->changes[change->index].digest;
        payload->index = (uint16_t)change->index;
        step->payload_count++;
        step->object_bytes += payload->blob->size;
    }
    return ALTO_OK;
}

static bool is_complete(const alto_step *step, const alto_statement *statement)
{
    size_t signed_payloads = 0;
    for (size_t i = 0; i < statement->change_count; i++)
        signed_payloads += statement->changes[i].size > 0;
    return step->commit && step->payload_count == signed_payloads && statement->change_count <= UINT16_MAX;
}

/* The size of the payload that made `after`, or 0. *from is where to begin to look: both lists are in the same order. */
static uint64_t payload_size(const alto_applied *applied, const alto_resource *after, size_t *from)
{
    for (size_t i = *from; i < applied->change_count; i++)
        if (applied->changes[i].after == after) {
            *from = i + 1;
            return applied->changes[i].payload.size;
        }
    return 0;
}

/* What differs between two views is found by pointer, and by key where it does. Either may be NULL. */
typedef struct {
    const alto_view *before, *after;
    size_t old, new;
} comparison;

static bool next_difference(comparison *self, const alto_resource **replaced, const alto_resource **brought)
{
    size_t olds = self->before ? self->before->count : 0, news = self->after->count;
    while (self->old < olds && self->new < news &&
           self->before->resources[self->old] == self->after->resources[self->new]) {
        self->old++;
        self->new ++;
    }
    const alto_resource *a = self->old < olds ? self->before->resources[self->old] : NULL;
    const alto_resource *b = self->new < news ? self->after->resources[self->new] : NULL;
    int order = !a ? 1 : !b ? -1 : alto_slice_compare(a->key, b->key);
    *replaced = order <= 0 ? a : NULL;
    *brought = order >= 0 ? b : NULL;
    self->old += order <= 0;
    self->new += order >= 0;
    return a || b;
}

static uint64_t weight_of(const alto_resource *replaced, const alto_resource *brought)
{
    const alto_tree *other = brought && brought->version ? alto_version_tree(brought->version) : NULL;
    return alto_tree_weight(alto_version_tree(replaced->version), other);
}

static alto_status add_arriving(alto_step *step, const alto_resource *replaced, const alto_resource *brought,
                                uint64_t delta_bytes)
{
    alto_arriving *made = &step->arriving[step->arriving_count++];
    *made = (alto_arriving){.delta_bytes = delta_bytes};
    if (replaced && replaced->version) {
        made->replaced = replaced;
        made->weight = weight_of(replaced, brought);
    }
    if (!brought || !brought->version)
        return ALTO_OK;
    made->held = calloc(1, sizeof *made->held);
    if (!made->held)
        return ALTO_NO_MEMORY;
    made->held->resource = alto_resource_retain(brought);
    return ALTO_OK;
}

static alto_status compare_views(alto_step *step, const alto_view *before, const alto_applied *applied)
{
    comparison views = {.before = before, .after = applied->after};
    const alto_resource *replaced, *brought;
    alto_status status = ALTO_OK;
    size_t most = 0, from = 0;
    while (next_difference(&views, &replaced, &brought))
        most++;
    step->arriving = calloc(most + 1, sizeof *step->arriving);
    if (!step->arriving)
        return ALTO_NO_MEMORY;
    views = (comparison){.before = before, .after = applied->after};
    while (status == ALTO_OK && next_difference(&views, &replaced, &brought))
        status = add_arriving(step, replaced, brought, brought ? payload_size(applied, brought, &from) : 0);
    return status;
}

alto_status alto_step_make(const alto_view *before, const alto_applied *applied, alto_step **out)
{
    alto_step *step = calloc(1, sizeof *step);
    *out = step;
    if (!step)
        return ALTO_NO_MEMORY;
    step->anew = !before;
    step->position = applied->after->position;
    step->state_root = applied->after->state_root;
    step->catalog = alto_tree_retain(applied->after->catalog);
    step->object_bytes = STEP_BYTES;
    step->version_bytes = alto_tree_weight(before ? before->catalog : NULL, applied->after->catalog);
    alto_status commit = take_commit(step, applied), payloads = take_payloads(step, applied);
    alto_status versions = compare_views(step, before, applied);
    step->complete = is_complete(step, applied->statement);
    return commit != ALTO_OK ? commit : payloads != ALTO_OK ? payloads : versions;
}

/* ---- tables ---- */

static void list_state(alto_history *self, alto_step *step)
{
    alto_step **slot = &self->by_state[slot_of(&step->state_root)];
    step->next_in_slot = *slot;
    *slot = step;
}

static void unlist_state(alto_history *self, const alto_step *step)
{
    alto_step **link = &self->by_state[slot_of(&step->state_root)];
    while (*link != step)
        link = &(*link)->next_in_slot;
    *link = step->next_in_slot;
}

static void list_held(alto_history *self, alto_held *held)
{
    alto_held **slot = &self->by_root[slot_of(&held->resource->entry.root)];
    held->next_in_slot = *slot;
    *slot = held;
}

static void unlist_held(alto_history *self, const alto_held *held)
{
    alto_held **link = &self->by_root[slot_of(&held->resource->entry.root)];
    while (*link != held)
        link = &(*link)->next_in_slot;
    *link = held->next_in_slot;
}

static alto_held *find_held(const alto_history *self, const alto_resource *resource)
{
    alto_held *at = resource ? self->by_root[slot_of(&resource->entry.root)] : NULL;
    while (at && at->resource != resource)
        at = at->next_in_slot;
    return at;
}

static void list_payloads(alto_history *self, alto_step *step)
{
    for (size_t i = 0; i < step->payload_count; i++) {
        alto_held_payload **slot = &self->by_digest[slot_of(&step->payloads[i].digest)];
        step->payloads[i].next_in_slot = *slot;
        *slot = &step->payloads[i];
    }
}

static void unlist_payloads(alto_history *self, const alto_step *step)
{
    for (size_t i = 0; i < step->payload_count; i++) {
        alto_held_payload **link = &self->by_digest[slot_of(&step->payloads[i].digest)];
        while (*link != &step->payloads[i])
            link = &(*link)->next_in_slot;
        *link = step->payloads[i].next_in_slot;
    }
}

/* ---- adding and forgetting ---- */

/* Where in the ring the step with `index` before it is, or goes. */
static alto_step **place_of(const alto_history *self, size_t index)
{
    size_t at = self->first + index;
    return &self->ring[at < self->limits.steps ? at : at - self->limits.steps];
}

static alto_step *step_at(const alto_history *self, size_t index)
{
    return *place_of(self, index);
}

static alto_step *newest(const alto_history *self)
{
    return self->count ? step_at(self, self->count - 1) : NULL;
}

/* Let go of the versions that a step alone holds, and of its catalog. */
static void strip(alto_history *self, alto_step *step, alto_dead *dead)
{
    while (step->replaced) {
        alto_held *gone = step->replaced;
        step->replaced = gone->next_replaced;
        unlist_held(self, gone);
        gone->next_replaced = dead->held;
        dead->held = gone;
    }
    unlist_state(self, step);
    alto_tree_release(step->catalog);
    step->catalog = NULL;
    self->version_bytes -= step->version_bytes;
    step->version_bytes = 0;
}

static void drop_oldest(alto_history *self, alto_dead *dead)
{
    alto_step *gone = step_at(self, 0);
    if (self->bare > 0)
        self->bare--;
    else
        strip(self, gone, dead);
    unlist_payloads(self, gone);
    self->object_bytes -= gone->object_bytes;
    self->first = self->first + 1 < self->limits.steps ? self->first + 1 : 0;
    self->count--;
    gone->next_dead = dead->steps;
    dead->steps = gone;
}

static void forget_old(alto_history *self, uint64_t now_ms, alto_dead *dead)
{
    while (self->count > 1) { /* the newest is not counted: what it has stays in any case */
        const alto_step *oldest = step_at(self, 0);
        if (now_ms <= oldest->superseded_ms + self->limits.keep_ms &&
            self->object_bytes - newest(self)->object_bytes <= self->limits.object_bytes)
            break;
        drop_oldest(self, dead);
    }
    while (self->bare + 1 < self->count && self->version_bytes > self->limits.version_bytes)
        strip(self, step_at(self, self->bare++), dead);
}

alto_dead alto_history_forget(alto_history *self, uint64_t now_ms)
{
    alto_dead dead = {NULL, NULL};
    forget_old(self, now_ms, &dead);
    return dead;
}

/* Begin anew: all goes, the newest and what is current too. */
static void clear(alto_history *self, alto_dead *dead)
{
    for (size_t i = 0; i < SLOTS; i++)
        while (self->by_root[i]) { /* those of the steps are among them */
            alto_held *gone = self->by_root[i];
            self->by_root[i] = gone->next_in_slot;
            gone->next_replaced = dead->held;
            dead->held = gone;
        }
    for (size_t i = 0; i < self->count; i++)
        step_at(self, i)->replaced = NULL;
    while (self->count)
        drop_oldest(self, dead);
}

/* The old version stays with the step that it belonged to; the new one goes on in its line. */
static void take_arriving(alto_history *self, alto_step *previous, alto_step *added)
{
    for (size_t i = 0; i < added->arriving_count; i++) {
        alto_arriving *arriving = &added->arriving[i];
        alto_held *old = find_held(self, arriving->replaced), *held = arriving->held;
        if (held) {
            held->line = old ? old->line : ++self->lines;
            held->spent = (old ? old->spent : 0) + (arriving->delta_bytes ? arriving->delta_bytes : arriving->weight);
            held->moved = (old ? old->moved : 0) + arriving->weight;
            list_held(self, held);
        }
        if (old) {
            old->next_replaced = previous->replaced;
            previous->replaced = old;
            previous->version_bytes += arriving->weight;
        }
    }
    free(added->arriving);
    added->arriving = NULL;
    added->arriving_count = 0;
}

static uint64_t bundle_bytes(const alto_step *step)
{
    uint64_t bytes = ITEM_BYTES + (step->commit ? step->commit->size : 0);
    for (size_t i = 0; i < step->payload_count; i++)
        bytes += ITEM_BYTES + INDEX_BYTES + step->payloads[i].blob->size;
    return bytes;
}

static bool follows(const alto_step *step, const alto_step *previous)
{
    return previous && step->complete && step->position.epoch == previous->position.epoch &&
           step->position.chain == previous->position.chain && step->position.seq == previous->position.seq + 1;
}

alto_dead alto_history_add(alto_history *self, alto_step *added, uint64_t now_ms)
{
    alto_dead dead = {NULL, NULL};
    if (added->anew)
        clear(self, &dead);
    alto_step *previous = newest(self);
    bool goes_on = follows(added, previous);
    added->run = goes_on ? previous->run : ++self->runs;
    added->run_bytes = goes_on ? previous->run_bytes + bundle_bytes(added) : 0;
    take_arriving(self, previous, added);
    if (previous) {
        previous->superseded_ms = now_ms;
        previous->newer = added;
        previous->version_bytes += added->version_bytes; /* of its catalog beside this one's */
        self->version_bytes += previous->version_bytes;
    }
    added->version_bytes = 0;
    if (self->count == self->limits.steps)
        drop_oldest(self, &dead);
    *place_of(self, self->count++) = added;
    self->object_bytes += added->object_bytes;
    list_payloads(self, added);
    list_state(self, added);
    forget_old(self, now_ms, &dead);
    return dead;
}

static uint64_t less(uint64_t from, uint64_t by)
{
    return from > by ? from - by : 0;
}

alto_status alto_history_remember(alto_history *self, const alto_resource *current, const alto_resource *older,
                                  uint64_t delta_bytes)
{
    const alto_held *now = find_held(self, current);
    if (!now)
        return ALTO_NOT_FOUND;
    alto_held *held = calloc(1, sizeof *held);
    if (!held)
        return ALTO_NO_MEMORY;
    uint64_t weight = weight_of(older, current);
    held->resource = alto_resource_retain(older);
    held->line = now->line;
    held->spent = less(now->spent, delta_bytes);
    held->moved = less(now->moved, weight);
    list_held(self, held);
    held->next_replaced = newest(self)->replaced;
    newest(self)->replaced = held;
    newest(self)->version_bytes += weight;
    return ALTO_OK;
}

/* ---- making and unmaking ---- */

alto_history *alto_history_new(const alto_history_limits *limits)
{
    alto_history *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->limits = *limits;
    self->ring = calloc(limits->steps, sizeof *self->ring);
    if (!self->ring)
        alto_history_destroy(&self);
    return self;
}

void alto_history_destroy(alto_history **self)
{
    if (!*self)
        return;
    alto_dead dead = {NULL, NULL};
    clear(*self, &dead);
    alto_dead_free(&dead);
    free((*self)->ring);
    free(*self);
    *self = NULL;
}

/* ---- looking ---- */

const alto_step *alto_history_newest(const alto_history *self)
{
    return newest(self);
}

const alto_step *alto_history_oldest(const alto_history *self)
{
    return self->count ? step_at(self, 0) : NULL;
}

/* The index of the first step that is not before `position`. */
static size_t lower_bound(const alto_history *self, const alto_position *position)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (alto_position_compare(&step_at(self, middle)->position, position) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const alto_step *alto_history_at(const alto_history *self, const alto_position *position)
{
    size_t at = lower_bound(self, position);
    bool found = at < self->count && alto_position_compare(&step_at(self, at)->position, position) == 0;
    return found ? step_at(self, at) : NULL;
}

const alto_step *alto_history_state(const alto_history *self, const alto_hash *state_root)
{
    const alto_step *at = self->by_state[slot_of(state_root)];
    while (at && !alto_hash_equal(&at->state_root, state_root))
        at = at->next_in_slot;
    return at;
}

const alto_blob *alto_history_payload(const alto_history *self, const alto_hash *digest)
{
    const alto_held_payload *at = self->by_digest[slot_of(digest)];
    while (at && !alto_hash_equal(&at->digest, digest))
        at = at->next_in_slot;
    return at ? at->blob : NULL;
}

const alto_held *alto_history_version(const alto_history *self, const alto_hash *root, const alto_slice *key)
{
    const alto_held *found = NULL;
    for (const alto_held *at = self->by_root[slot_of(root)]; at; at = at->next_in_slot) {
        if (!alto_hash_equal(&at->resource->entry.root, root))
            continue;
        if (!key || alto_slice_equal(at->resource->key, *key))
            return at;
        if (!found)
            found = at;
    }
    return found;
}

bool alto_history_bundled(const alto_step *from, const alto_step *to)
{
    return from->run == to->run && from->position.seq <= to->position.seq &&
           to->position.seq - from->position.seq <= ALTO_MAX_BUNDLE_COMMITS &&
           to->run_bytes - from->run_bytes <= ALTO_MAX_BUNDLE;
}
