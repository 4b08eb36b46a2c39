/* SPDX-License-Identifier: Apache-2.0 */
#include "core/replica_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LIVE_WITHOUT_HEAD_MS = 16000, /* three heartbeats of 5 s, and a bit; more where heads say so */
    HEARTBEATS = 3,
    HEARTBEAT_GRACE_MS = 1000
};

const char *alto_replica_state_name(alto_replica_state state)
{
    static const char *const names[] = {"empty", "syncing", "live", "stale"};
    return names[state];
}

const char *alto_route_name(alto_route route)
{
    static const char *const names[] = {"push", "commits", "delta", "snapshot"};
    return names[route];
}

bool alto_replica_follows(const alto_replica *self, const alto_resource_name *name)
{
    if (self->follow_count == 0)
        return true;
    for (size_t i = 0; i < self->follow_count; i++)
        if (alto_slice_equal(name->id, alto_slice_text(self->follow[i])))
            return true;
    return false;
}

/* ---- life ---- */

alto_replica *alto_replica_new(const alto_anchor *anchor, const char *const *follow, size_t count,
                               const alto_replica_events *events)
{
    assert(count <= ALTO_MAX_FOLLOW);
    alto_replica *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->anchor = *anchor;
    alto_roots_init(&self->roots, anchor);
    self->events = *events;
    self->manifest_file = alto_buffer_make(ALTO_MAX_MANIFEST);
    self->manifest_wanted = self->head_wanted = true;
    self->pool = alto_pool_new();
    self->follow = calloc(count + 1, sizeof self->follow[0]);
    if (!self->pool || !self->follow) {
        alto_replica_destroy(&self);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        snprintf(self->follow[i], sizeof self->follow[i], "%s", follow[i]);
    self->follow_count = count;
    return self;
}

void alto_replica_destroy(alto_replica **self)
{
    alto_replica *dying = *self;
    if (!dying)
        return;
    alto_queue_drop_all(dying);
    alto_work_drop_spare(dying);
    alto_view_release(dying->view);
    alto_statement_fini(&dying->head_decoded);
    free(dying->head);
    alto_buffer_fini(&dying->manifest_file);
    alto_roots_fini(&dying->roots);
    free(dying->follow);
    alto_pool_destroy(&dying->pool);
    free(dying);
    *self = NULL;
}

/* ---- looking ---- */

alto_pool *alto_replica_pool(alto_replica *self)
{
    return self->pool;
}

const alto_view *alto_replica_view(const alto_replica *self)
{
    return self->view;
}

bool alto_replica_head(const alto_replica *self, alto_slice *object, alto_signature *signature)
{
    if (!self->head)
        return false;
    *object = alto_slice_of(self->head, self->head_size);
    *signature = self->head_signature;
    return true;
}

const alto_statement *alto_replica_statement(const alto_replica *self)
{
    return self->head ? &self->head_decoded : NULL;
}

alto_replica_state alto_replica_state_now(const alto_replica *self, uint64_t now_ms)
{
    if (!self->view)
        return self->queued ? ALTO_REPLICA_SYNCING : ALTO_REPLICA_EMPTY;
    uint64_t patience = (uint64_t)HEARTBEATS * self->interval_ms + HEARTBEAT_GRACE_MS;
    if (patience < LIVE_WITHOUT_HEAD_MS)
        patience = LIVE_WITHOUT_HEAD_MS;
    if (!self->heard_ms || alto_elapsed(self->heard_ms, patience, now_ms))
        return ALTO_REPLICA_STALE;
    if (now_ms >= self->issued_ms + patience + ALTO_MAX_CLOCK_MS) /* somebody passes it on late */
        return ALTO_REPLICA_STALE;
    if (alto_position_compare(&self->newest, &self->view->position) > 0)
        return ALTO_REPLICA_SYNCING;
    return alto_still_valid(&self->head_decoded, now_ms) ? ALTO_REPLICA_LIVE : ALTO_REPLICA_STALE;
}

void alto_replica_refused(alto_replica *self, alto_status status)
{
    alto_replica_counted(self, status);
}

const alto_counts *alto_replica_counts(const alto_replica *self)
{
    return &self->counts;
}

/* ---- from disk ---- */

alto_status alto_replica_restore(alto_replica *self, alto_slice object, const alto_signature *signature,
                                 const alto_tree *catalog, const alto_resource *const *resources, size_t count,
                                 uint64_t now_ms)
{
    assert(!self->view && !self->queued && !self->spare);
    self->spare = malloc((count + 1) * sizeof *self->spare);
    if (!self->spare)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        self->spare[i] = alto_resource_retain(resources[i]);
    self->spare_count = count;
    alto_status status = alto_queue_take(self, object, signature, now_ms, FROM_DISK);
    self->heard_ms = 0; /* the origin has not been heard yet */
    if (status != ALTO_OK || !self->queued || self->catalog_known)
        return status;
    if (!alto_has_state_root(catalog, &self->queue[0].decoded.state_root))
        return ALTO_STATE_MISMATCH;
    self->catalog = alto_tree_retain(catalog);
    self->catalog_known = true;
    return alto_work_advance(self);
}
