/* SPDX-License-Identifier: Apache-2.0 */
#include "core/replica_state.h"

#include <stdlib.h>

static void need_fini(alto_need *wanted)
{
    if (wanted->resource)
        alto_resource_release(wanted->resource);
    alto_version_release(wanted->version);
    free(wanted->pulled_payload);
}

void alto_work_drop(alto_replica *self)
{
    for (size_t i = 0; i < self->need_count; i++)
        need_fini(&self->needs[i]);
    free(self->needs);
    self->needs = NULL;
    self->need_count = 0;
    alto_tree_release(self->catalog);
    self->catalog = NULL;
    self->catalog_known = self->catalog_asked = self->derived = self->doubted = false;
    self->work_bytes = 0;
    self->route = ALTO_ROUTE_PUSH;
    self->search = WAY_OPEN;
    free(self->whole);
    self->whole = NULL;
    self->whole_count = 0;
}

void alto_work_drop_spare(alto_replica *self)
{
    for (size_t i = 0; i < self->spare_count; i++)
        alto_resource_release(self->spare[i]);
    free(self->spare);
    self->spare = NULL;
    self->spare_count = 0;
}

/* ---- what it needs ---- */

static const alto_resource *spare_of(const alto_replica *self, alto_slice key)
{
    for (size_t i = 0; i < self->spare_count; i++)
        if (alto_slice_equal(self->spare[i]->key, key))
            return self->spare[i];
    return NULL;
}

/* What is at hand from which the version of this need can be made; NULL: nothing of its kind. */
const alto_resource *alto_work_base(const alto_replica *self, const alto_need *wanted)
{
    const alto_resource *resource = wanted->before ? wanted->before : spare_of(self, wanted->key);
    if (!resource || !resource->version || !wanted->resource ||
        alto_version_kind(resource->version) != wanted->resource->entry.kind)
        return NULL;
    return resource;
}

static const alto_commit_change *change_of(const alto_replica *self, alto_slice key, size_t *index)
{
    const alto_statement *statement = &self->queue[0].decoded;
    alto_resource_name name;
    alto_catalog_name(key, &name);
    for (size_t i = 0; i < statement->change_count; i++) {
        const alto_commit_change *change = &statement->changes[i];
        if (alto_slice_equal(change->name.id, name.id) && alto_slice_equal(change->name.input, name.input)) {
            *index = i;
            return change;
        }
    }
    *index = SIZE_MAX;
    return NULL;
}

/* Does the signed payload of this commit lead from what is held to what is needed? */
static bool payload_fits(const alto_commit_change *change, const alto_entry *entry, const alto_resource *base)
{
    if (!change || !change->has_entry || change->size == 0 || !alto_hash_equal(&change->entry.root, &entry->root))
        return false;
    return !change->has_from || (base && alto_hash_equal(alto_version_root(base->version), &change->from_root));
}

/* Is the snapshot of that root known to be fewer bytes than a delta to it? */
static bool is_less_whole(const alto_replica *self, const alto_hash *root)
{
    for (size_t i = 0; i < self->whole_count; i++)
        if (alto_hash_equal(&self->whole[i], root))
            return true;
    return false;
}

static alto_status prepare_need(alto_replica *self, alto_need *wanted, const alto_entry *entry)
{
    const alto_commit_change *change = change_of(self, wanted->key, &wanted->index);
    if (!entry)
        return ALTO_OK;
    wanted->resource = alto_resource_new(wanted->key, entry, NULL);
    if (!wanted->resource)
        return ALTO_NO_MEMORY;
    if (!alto_replica_follows(self, &wanted->resource->name))
        return ALTO_OK;
    const alto_resource *base = alto_work_base(self, wanted);
    wanted->needed = true;
    if (base && alto_hash_equal(alto_version_root(base->version), &entry->root))
        wanted->version = alto_version_retain(base->version);
    bool delta = base && !is_less_whole(self, &entry->root);
    wanted->way = payload_fits(change, entry, base) ? BY_PAYLOAD : delta ? BY_DELTA : BY_SNAPSHOT;
    return ALTO_OK;
}

typedef struct {
    alto_replica *replica;
    size_t capacity;
} gathering;

static alto_status gather_need(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                               uint64_t rank_before, uint64_t rank_after)
{
    (void)before, (void)rank_before, (void)rank_after;
    gathering *gathered = context;
    alto_replica *self = gathered->replica;
    if (self->need_count == gathered->capacity) {
        size_t capacity = gathered->capacity ? 2 * gathered->capacity : 8;
        alto_need *larger = realloc(self->needs, capacity * sizeof *larger);
        if (!larger)
            return ALTO_NO_MEMORY;
        self->needs = larger;
        gathered->capacity = capacity;
    }
    alto_entry entry;
    alto_status status = after ? alto_entry_decode(after->text, &entry) : ALTO_OK;
    if (status != ALTO_OK)
        return status;
    alto_need *wanted = &self->needs[self->need_count++];
    *wanted = (alto_need){.key = key, .before = self->view ? alto_view_by_key(self->view, key) : NULL};
    return prepare_need(self, wanted, after ? &entry : NULL);
}

static alto_status gather_needs(alto_replica *self)
{
    self->needs = malloc(sizeof *self->needs);
    if (!self->needs)
        return ALTO_NO_MEMORY;
    gathering gathered = {.replica = self, .capacity = 1};
    return alto_tree_diff(self->view ? self->view->catalog : NULL, self->catalog, gather_need, &gathered);
}

/* ---- its catalog ---- */

/* The catalog after a commit's changes. */
static alto_status changed_catalog(alto_replica *self, const alto_statement *commit, alto_tree **out)
{
    size_t count = commit->change_count;
    alto_edit *edits = calloc(count + 1, sizeof *edits);
    alto_buffer *bytes = calloc(2 * count + 1, sizeof *bytes); /* keys, then values */
    alto_status status = edits && bytes ? ALTO_OK : ALTO_NO_MEMORY;
    for (size_t i = 0; status == ALTO_OK && i < count; i++) {
        alto_buffer *key = &bytes[i], *value = &bytes[count + i];
        *key = *value = alto_buffer_make(ALTO_MAX_STATEMENT);
        alto_catalog_key(&commit->changes[i].name, key);
        if (commit->changes[i].has_entry)
            status = alto_entry_encode(&commit->changes[i].entry, value);
        if (key->status != ALTO_OK)
            status = key->status;
        edits[i] = (alto_edit){.key = alto_buffer_slice(key),
                               .value.text = alto_buffer_slice(value),
                               .remove = !commit->changes[i].has_entry};
    }
    if (status == ALTO_OK)
        status =
            alto_tree_edit(self->pool, ALTO_VALUE_TEXT, self->view ? self->view->catalog : NULL, edits, count, out);
    for (size_t i = 0; bytes && i < 2 * count; i++)
        alto_buffer_fini(&bytes[i]);
    free(bytes);
    free(edits);
    return status;
}

bool alto_has_state_root(const alto_tree *catalog, const alto_hash *wanted)
{
    alto_hash root = alto_state_root(catalog);
    return alto_hash_equal(&root, wanted);
}

/* Find the catalog of the first statement without asking anybody. */
static alto_status derive_catalog(alto_replica *self)
{
    const alto_statement *statement = &self->queue[0].decoded;
    const alto_tree *held = self->view ? self->view->catalog : NULL;
    if (self->view && alto_hash_equal(&self->view->state_root, &statement->state_root)) {
        self->catalog = alto_tree_retain(held);
        self->catalog_known = true;
        return ALTO_OK;
    }
    if (statement->type != ALTO_COMMIT || self->derived)
        return ALTO_OK;
    alto_tree *made = NULL;
    alto_status status = changed_catalog(self, statement, &made);
    self->derived = status == ALTO_OK;
    if (status == ALTO_OK && alto_has_state_root(made, &statement->state_root)) {
        self->catalog = made;
        self->catalog_known = true;
        return ALTO_OK;
    }
    if (status == ALTO_OK) {
        alto_tree_release(made);
        if (self->view && alto_queue_follows(statement, &self->head_decoded))
            alto_counts_add(&self->counts, ALTO_STATE_MISMATCH); /* signed, but not what follows: ask for the catalog */
    }
    return status;
}

/* ---- its versions ---- */

/* Apply a delta for a need; what is wrong is counted and another way is taken. */
alto_status alto_work_apply_delta(alto_replica *self, alto_need *wanted, alto_slice delta, bool from_nothing)
{
    alto_entry_texts texts;
    const alto_resource *target = wanted->resource, *base = from_nothing ? NULL : alto_work_base(self, wanted);
    alto_status status = alto_entry_texts_make(&target->name, &target->entry, &texts);
    texts.implied.from_text_size = base ? base->entry.text_size : 0;
    if (status == ALTO_OK)
        status = alto_delta_apply(self->pool, target->entry.kind, base ? base->version : NULL, delta, &texts.implied,
                                  &target->entry.root, &wanted->version);
    alto_entry_texts_fini(&texts);
    return status;
}

alto_way alto_work_next_way(const alto_replica *self, const alto_need *wanted)
{
    switch (wanted->way) {
    case BY_PAYLOAD:
        return alto_work_base(self, wanted) ? BY_DELTA : BY_SNAPSHOT;
    case BY_DELTA:
        return BY_SNAPSHOT;
    case BY_SNAPSHOT:
    case NO_WAY:
        break;
    }
    return NO_WAY;
}

/* Use the signed payload of a need, which has the right digest. */
alto_status alto_work_use_payload(alto_replica *self, alto_need *wanted, alto_slice payload)
{
    const alto_commit_change *change = &self->queue[0].decoded.changes[wanted->index];
    alto_status status = alto_work_apply_delta(self, wanted, payload, !change->has_from);
    if (status == ALTO_OK)
        wanted->payload = payload;
    else
        wanted->way = alto_work_next_way(self, wanted);
    return status;
}

static void use_pushed_payloads(alto_replica *self)
{
    for (size_t i = 0; i < self->need_count; i++) {
        alto_need *wanted = &self->needs[i];
        if (!wanted->needed || wanted->version || wanted->way != BY_PAYLOAD)
            continue;
        alto_slice payload = self->queue[0].payloads[wanted->index];
        if (!payload.data)
            continue;
        alto_work_took(self, ALTO_ROUTE_PUSH, payload.size);
        alto_status status = alto_work_use_payload(self, wanted, payload);
        if (status != ALTO_OK) {
            wanted->asked = false; /* should the same payload be under way by pull, its answer is not waited for */
            alto_replica_counted(self, status);
        }
    }
}

/* ---- the step ---- */

static bool complete(const alto_replica *self)
{
    for (size_t i = 0; i < self->need_count; i++)
        if (self->needs[i].needed && !self->needs[i].version)
            return false;
    return true;
}

static alto_view *next_view(const alto_replica *self)
{
    const alto_statement *statement = &self->queue[0].decoded;
    alto_view_change *changes = malloc((self->need_count + 1) * sizeof *changes);
    if (!changes)
        return NULL;
    for (size_t i = 0; i < self->need_count; i++)
        changes[i] = (alto_view_change){.key = self->needs[i].key, .after = self->needs[i].resource};
    alto_view *made = alto_view_next(self->view, &statement->origin, &statement->position, &statement->commit_hash,
                                     &statement->state_root, self->catalog, changes, self->need_count);
    free(changes);
    return made;
}

void alto_work_set_head(alto_replica *self, alto_waiting *from)
{
    alto_statement_fini(&self->head_decoded);
    free(self->head);
    self->head = from->object;
    self->head_size = from->object_size;
    self->head_signature = from->signature;
    self->head_decoded = from->decoded;
    from->object = NULL;
    from->decoded = (alto_statement){0};
}

static void report_step(alto_replica *self, const alto_view *before, alto_applied_change *changes)
{
    const alto_waiting *first = &self->queue[0];
    alto_applied applied = {.before = before,
                            .after = self->view,
                            .object = alto_slice_of(first->object, first->object_size),
                            .signature = first->signature,
                            .statement = &first->decoded,
                            .changes = changes,
                            .bytes_received = self->work_bytes + first->object_size + sizeof first->signature,
                            .route = self->route};
    if (first->pulled && applied.route < ALTO_ROUTE_COMMITS)
        applied.route = ALTO_ROUTE_COMMITS;
    for (size_t i = 0; i < self->need_count; i++) {
        const alto_need *wanted = &self->needs[i];
        bool was_held = wanted->before && wanted->before->version;
        if (!wanted->needed && !was_held)
            continue;
        const alto_resource *after = wanted->resource;
        changes[applied.change_count++] = (alto_applied_change){
            .before = wanted->before, .after = after, .payload = wanted->payload, .index = wanted->index};
    }
    if (self->events.applied)
        self->events.applied(self->events.context, &applied);
}

/* All is there: the view moves. */
static alto_status take_step(alto_replica *self)
{
    for (size_t i = 0; i < self->need_count; i++)
        if (self->needs[i].version && !self->needs[i].resource->version)
            self->needs[i].resource->version = alto_version_retain(self->needs[i].version);
    alto_view *next = next_view(self), *before = self->view;
    alto_applied_change *changes = malloc((self->need_count + 1) * sizeof *changes);
    if (!next || !changes) {
        alto_view_release(next);
        free(changes);
        return ALTO_NO_MEMORY;
    }
    self->view = next;
    report_step(self, before, changes);
    free(changes);
    /* The head keeps the statement; what drop_first frees borrows from it no more. */
    for (size_t i = 0; i < self->queue[0].decoded.change_count && self->queue[0].payloads; i++)
        free((void *)(uintptr_t)self->queue[0].payloads[i].data);
    free(self->queue[0].payloads);
    self->queue[0].payloads = NULL;
    alto_work_set_head(self, &self->queue[0]);
    alto_queue_drop_first(self);
    alto_work_drop_spare(self);
    alto_view_release(before);
    return ALTO_OK;
}

static alto_status take_steps(alto_replica *self)
{
    while (self->queued) {
        alto_status status = self->catalog_known ? ALTO_OK : derive_catalog(self);
        if (status != ALTO_OK || !self->catalog_known)
            return status;
        if (!self->needs && (status = gather_needs(self)) != ALTO_OK) {
            alto_work_drop(self);
            return status;
        }
        use_pushed_payloads(self);
        if (!complete(self))
            return ALTO_OK;
        status = take_step(self);
        if (status != ALTO_OK)
            return status;
    }
    return ALTO_OK;
}

void alto_work_start_over(alto_replica *self)
{
    alto_queue_drop_all(self);
    self->head_wanted = true;
}

/* What failed here waits for nothing that could still come, so it is not kept. */
alto_status alto_work_advance(alto_replica *self)
{
    alto_status status = take_steps(self);
    if (status != ALTO_OK)
        alto_work_start_over(self);
    return status;
}
