/* SPDX-License-Identifier: Apache-2.0 */
#include "core/replica.h"

#include "core/snapshot.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_WAITING = 256,            /* statements that wait; beyond that only the first and the newest are kept */
    MAX_WAITING_BYTES = 64 << 20, /* of their payloads */
    PAYLOAD_PATIENCE_MS = 250,    /* how long a pushed payload may follow its commit */
    MANIFEST_EVERY_MS = 10000,    /* at most one look for a newer manifest in this time */
    LIVE_WITHOUT_HEAD_MS = 16000, /* three heartbeats of 5 s, and a bit; more where heads say so */
    HEARTBEATS = 3,
    HEARTBEAT_GRACE_MS = 1000
};

/* A verified statement that waits to be applied. */
typedef struct {
    uint8_t *object; /* owned; `decoded` borrows from it */
    size_t object_size;
    alto_signature signature;
    alto_statement decoded;
    alto_slice *payloads; /* one for each change; data owned, NULL: not here */
    uint64_t arrived_ms;
    uint64_t payload_bytes;
    bool linked; /* a commit whose predecessor is the statement before it */
} waiting;

/* The next way to get a version, best first. */
typedef enum { BY_PAYLOAD, BY_DELTA, BY_SNAPSHOT, NO_WAY } way;

/* A resource whose entry differs between the view and the state aimed at. */
typedef struct {
    alto_resource *resource; /* what it becomes; NULL: withdrawn. Its version is set when known */
    const alto_resource *before;
    alto_slice key;          /* in one of the catalogs */
    alto_version *version;   /* owned; NULL: not known yet */
    alto_slice payload;      /* the signed payload that gave the version, borrowed from the statement */
    uint8_t *pulled_payload; /* owned: the same when it was pulled */
    size_t index;            /* of the commit's change; SIZE_MAX: none */
    way way;
    bool needed, asked;
} need;

struct alto_replica {
    alto_anchor anchor;
    alto_replica_events events;
    alto_pool *pool;
    char (*follow)[ALTO_MAX_NAME + 1];
    size_t follow_count;

    bool has_manifest;
    alto_manifest manifest;
    alto_buffer manifest_file;
    bool manifest_wanted, manifest_asked;
    uint64_t manifest_looked_ms;

    alto_view *view; /* NULL: empty */
    uint8_t *head;   /* newest statement for the view; `head_decoded` borrows from it */
    size_t head_size;
    alto_signature head_signature;
    alto_statement head_decoded;
    uint64_t heard_ms;    /* when something newly issued came last */
    uint64_t issued_ms;   /* the latest issue date of what was taken */
    uint32_t interval_ms; /* between heads, as the last one said */
    bool head_wanted, head_asked;

    waiting queue[MAX_WAITING];
    size_t queued;
    uint64_t queued_bytes;

    /* Work on queue[0]. */
    alto_tree *catalog; /* aimed at; owned. catalog_known: it may be NULL and known (no resources) */
    bool catalog_known, catalog_asked, derived; /* derived: tried to make it from the commit */
    need *needs;                                /* NULL until the catalog is known */
    size_t need_count;
    uint64_t work_bytes;
    bool work_pulled;

    const alto_resource **spare; /* from disk, until there is a view; each retained */
    size_t spare_count;

    alto_counts counts;
};

const char *alto_replica_state_name(alto_replica_state state)
{
    static const char *const names[] = {"empty", "syncing", "live", "stale"};
    return names[state];
}

/* ---- small parts ---- */

static alto_status counted(alto_replica *self, alto_status status)
{
    alto_counts_add(&self->counts, status);
    return status;
}

static bool followed(const alto_replica *self, const alto_resource_name *name)
{
    if (self->follow_count == 0)
        return true;
    for (size_t i = 0; i < self->follow_count; i++)
        if (alto_slice_equal(name->id, alto_slice_text(self->follow[i])))
            return true;
    return false;
}

static void waiting_fini(waiting *entry)
{
    for (size_t i = 0; entry->payloads && i < entry->decoded.change_count; i++)
        free((void *)(uintptr_t)entry->payloads[i].data);
    free(entry->payloads);
    alto_statement_fini(&entry->decoded);
    free(entry->object);
    *entry = (waiting){0};
}

/* Have `ms` gone by since then? A clock that was set back counts as yes, rather than stopping everything for as long. */
static bool elapsed(uint64_t since_ms, uint64_t ms, uint64_t now_ms)
{
    return now_ms < since_ms || now_ms - since_ms >= ms;
}

/* Is a statement still good? (wire.h bounds both numbers, so that this cannot wrap.) */
static bool is_valid(const alto_statement *statement, uint64_t now_ms)
{
    return now_ms < statement->issued_at_ms + statement->valid_for_s * 1000;
}

static void need_fini(need *wanted)
{
    if (wanted->resource)
        alto_resource_release(wanted->resource);
    alto_version_release(wanted->version);
    free(wanted->pulled_payload);
}

static void drop_work(alto_replica *self)
{
    for (size_t i = 0; i < self->need_count; i++)
        need_fini(&self->needs[i]);
    free(self->needs);
    self->needs = NULL;
    self->need_count = 0;
    alto_tree_release(self->catalog);
    self->catalog = NULL;
    self->catalog_known = self->catalog_asked = self->derived = self->work_pulled = false;
    self->work_bytes = 0;
}

static void drop_first(alto_replica *self)
{
    drop_work(self);
    self->queued_bytes -= self->queue[0].payload_bytes;
    waiting_fini(&self->queue[0]);
    self->queued--;
    memmove(&self->queue[0], &self->queue[1], self->queued * sizeof self->queue[0]);
    self->queue[self->queued] = (waiting){0};
}

static void drop_all(alto_replica *self)
{
    while (self->queued)
        drop_first(self);
}

/* The work on the first one goes on: it may be a long pull, and giving it up for news would never end. */
static void drop_behind_first(alto_replica *self)
{
    while (self->queued > 1) {
        waiting *last = &self->queue[--self->queued];
        self->queued_bytes -= last->payload_bytes;
        waiting_fini(last);
    }
}

static void drop_spare(alto_replica *self)
{
    for (size_t i = 0; i < self->spare_count; i++)
        alto_resource_release(self->spare[i]);
    free(self->spare);
    self->spare = NULL;
    self->spare_count = 0;
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
    drop_all(dying);
    drop_spare(dying);
    alto_view_release(dying->view);
    alto_statement_fini(&dying->head_decoded);
    free(dying->head);
    alto_buffer_fini(&dying->manifest_file);
    free(dying->follow);
    alto_pool_destroy(&dying->pool);
    free(dying);
    *self = NULL;
}

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
    if (self->queued)
        return ALTO_REPLICA_SYNCING;
    uint64_t patience = (uint64_t)HEARTBEATS * self->interval_ms + HEARTBEAT_GRACE_MS;
    if (patience < LIVE_WITHOUT_HEAD_MS)
        patience = LIVE_WITHOUT_HEAD_MS;
    bool heard = self->heard_ms && !elapsed(self->heard_ms, patience, now_ms);
    return heard && is_valid(&self->head_decoded, now_ms) ? ALTO_REPLICA_LIVE : ALTO_REPLICA_STALE;
}

void alto_replica_refused(alto_replica *self, alto_status status)
{
    counted(self, status);
}

const alto_counts *alto_replica_counts(const alto_replica *self)
{
    return &self->counts;
}

/* ---- manifest ---- */

static alto_status take_manifest(alto_replica *self, alto_slice file, uint64_t now_ms)
{
    alto_manifest opened;
    alto_status status = alto_manifest_open(file, &self->anchor, now_ms, &opened);
    if (status != ALTO_OK)
        return status;
    if (self->has_manifest) {
        bool older = opened.epoch < self->manifest.epoch ||
                     (opened.epoch == self->manifest.epoch && opened.version < self->manifest.version);
        if (older)
            return ALTO_OLD;
        if (opened.epoch == self->manifest.epoch && opened.version == self->manifest.version)
            return ALTO_KNOWN;
    }
    alto_buffer_clear(&self->manifest_file);
    alto_buffer_add_slice(&self->manifest_file, file);
    if (self->manifest_file.status != ALTO_OK)
        return self->manifest_file.status;
    self->manifest = opened;
    self->has_manifest = true;
    self->manifest_wanted = false;
    return ALTO_OK;
}

alto_status alto_replica_on_manifest(alto_replica *self, alto_slice file, uint64_t now_ms)
{
    return counted(self, take_manifest(self, file, now_ms));
}

const alto_manifest *alto_replica_manifest_now(const alto_replica *self)
{
    return self->has_manifest ? &self->manifest : NULL;
}

alto_slice alto_replica_manifest(const alto_replica *self)
{
    return self->has_manifest ? alto_buffer_slice(&self->manifest_file) : alto_slice_of(NULL, 0);
}

/* ---- taking a step ---- */

static const alto_resource *spare_of(const alto_replica *self, alto_slice key)
{
    for (size_t i = 0; i < self->spare_count; i++)
        if (alto_slice_equal(self->spare[i]->key, key))
            return self->spare[i];
    return NULL;
}

/* The version at hand from which a new one of this need can be made; NULL: none of its kind. */
static const alto_version *base_of(const alto_replica *self, const need *wanted)
{
    const alto_resource *resource = wanted->before ? wanted->before : spare_of(self, wanted->key);
    if (!resource || !resource->version || !wanted->resource ||
        alto_version_kind(resource->version) != wanted->resource->entry.kind)
        return NULL;
    return resource->version;
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
static bool payload_fits(const alto_commit_change *change, const alto_entry *entry, const alto_version *base)
{
    if (!change || !change->has_entry || change->size == 0 || !alto_hash_equal(&change->entry.root, &entry->root))
        return false;
    return !change->has_from || (base && alto_hash_equal(alto_version_root(base), &change->from_root));
}

static alto_status prepare_need(alto_replica *self, need *wanted, const alto_entry *entry)
{
    const alto_commit_change *change = change_of(self, wanted->key, &wanted->index);
    if (!entry)
        return ALTO_OK;
    wanted->resource = alto_resource_new(wanted->key, entry, NULL);
    if (!wanted->resource)
        return ALTO_NO_MEMORY;
    if (!followed(self, &wanted->resource->name))
        return ALTO_OK;
    const alto_version *base = base_of(self, wanted);
    wanted->needed = true;
    if (base && alto_hash_equal(alto_version_root(base), &entry->root))
        wanted->version = alto_version_retain(base);
    wanted->way = payload_fits(change, entry, base) ? BY_PAYLOAD : base ? BY_DELTA : BY_SNAPSHOT;
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
        need *larger = realloc(self->needs, capacity * sizeof *larger);
        if (!larger)
            return ALTO_NO_MEMORY;
        self->needs = larger;
        gathered->capacity = capacity;
    }
    alto_entry entry;
    alto_status status = after ? alto_entry_decode(after->text, &entry) : ALTO_OK;
    if (status != ALTO_OK)
        return status;
    need *wanted = &self->needs[self->need_count++];
    *wanted = (need){.key = key, .before = self->view ? alto_view_by_key(self->view, key) : NULL};
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

static bool has_state_root(const alto_tree *catalog, const alto_hash *wanted)
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
    if (status == ALTO_OK && has_state_root(made, &statement->state_root)) {
        self->catalog = made;
        self->catalog_known = true;
        return ALTO_OK;
    }
    if (status == ALTO_OK) {
        alto_tree_release(made);
        if (self->queue[0].linked)
            alto_counts_add(&self->counts, ALTO_ROOT_MISMATCH); /* signed, but not what follows: ask for the catalog */
    }
    return status;
}

/* Apply a delta for a need; what is wrong is counted and another way is taken. */
static alto_status apply_delta(alto_replica *self, need *wanted, alto_slice delta, bool from_nothing)
{
    alto_entry_texts texts;
    const alto_resource *target = wanted->resource;
    alto_status status = alto_entry_texts_make(&target->name, &target->entry, &texts);
    if (status == ALTO_OK)
        status = alto_delta_apply(self->pool, target->entry.kind, from_nothing ? NULL : base_of(self, wanted), delta,
                                  &texts.implied, &target->entry.root, &wanted->version);
    alto_entry_texts_fini(&texts);
    return status;
}

static way next_way(const alto_replica *self, const need *wanted)
{
    switch (wanted->way) {
    case BY_PAYLOAD:
        return base_of(self, wanted) ? BY_DELTA : BY_SNAPSHOT;
    case BY_DELTA:
        return BY_SNAPSHOT;
    case BY_SNAPSHOT:
    case NO_WAY:
        break;
    }
    return NO_WAY;
}

/* Use the signed payload of a need, which has the right digest. */
static alto_status use_payload(alto_replica *self, need *wanted, alto_slice payload)
{
    const alto_commit_change *change = &self->queue[0].decoded.changes[wanted->index];
    alto_status status = apply_delta(self, wanted, payload, !change->has_from);
    if (status == ALTO_OK)
        wanted->payload = payload;
    else
        wanted->way = next_way(self, wanted);
    return status;
}

static void use_pushed_payloads(alto_replica *self)
{
    for (size_t i = 0; i < self->need_count; i++) {
        need *wanted = &self->needs[i];
        if (!wanted->needed || wanted->version || wanted->way != BY_PAYLOAD)
            continue;
        alto_slice payload = self->queue[0].payloads[wanted->index];
        if (!payload.data)
            continue;
        self->work_bytes += payload.size;
        alto_status status = use_payload(self, wanted, payload);
        if (status != ALTO_OK) {
            wanted->asked = false; /* should the same payload be under way by pull, its answer is not waited for */
            counted(self, status);
        }
    }
}

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

static void set_head(alto_replica *self, waiting *from)
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
    const waiting *first = &self->queue[0];
    alto_applied applied = {.before = before,
                            .after = self->view,
                            .object = alto_slice_of(first->object, first->object_size),
                            .signature = first->signature,
                            .statement = &first->decoded,
                            .changes = changes,
                            .bytes_received = self->work_bytes + first->object_size + sizeof first->signature,
                            .pulled = self->work_pulled};
    for (size_t i = 0; i < self->need_count; i++) {
        const need *wanted = &self->needs[i];
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
    set_head(self, &self->queue[0]);
    drop_first(self);
    drop_spare(self);
    alto_view_release(before);
    return ALTO_OK;
}

/* Go as far as what is at hand allows. */
static alto_status advance(alto_replica *self)
{
    while (self->queued) {
        alto_status status = self->catalog_known ? ALTO_OK : derive_catalog(self);
        if (status != ALTO_OK || !self->catalog_known)
            return status;
        if (!self->needs && (status = gather_needs(self)) != ALTO_OK) {
            drop_work(self);
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

/* ---- statements ---- */

/* What the next statement is compared with: the last one waiting, else that of the view. */
static const alto_statement *newest(const alto_replica *self)
{
    if (self->queued)
        return &self->queue[self->queued - 1].decoded;
    return self->view ? &self->head_decoded : NULL;
}

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
    bool may_look = !self->has_manifest || elapsed(self->manifest_looked_ms, MANIFEST_EVERY_MS, now_ms);
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
    return may_have_expired || is_valid(statement, now_ms) ? ALTO_OK : ALTO_EXPIRED;
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

/* Put a verified statement at the end of the queue; takes over what it borrows and owns, also on failure. */
static alto_status enqueue(alto_replica *self, waiting *entry)
{
    entry->payloads = calloc(entry->decoded.change_count + 1, sizeof *entry->payloads);
    if (!entry->payloads) {
        waiting_fini(entry);
        return ALTO_NO_MEMORY;
    }
    if (self->queued == MAX_WAITING || self->queued_bytes > MAX_WAITING_BYTES) {
        drop_behind_first(self);
        entry->linked = false;
    }
    self->queue[self->queued++] = *entry;
    *entry = (waiting){0};
    return advance(self);
}

static void refresh_head(alto_replica *self, waiting *entry)
{
    set_head(self, entry);
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

static bool waits(const alto_replica *self, const alto_statement *statement)
{
    for (size_t i = 0; i < self->queued; i++)
        if (alto_hash_equal(&self->queue[i].decoded.commit_hash, &statement->commit_hash))
            return true;
    return false;
}

/* What to do with a statement whose signature and time are right. */
static alto_status take_verified(alto_replica *self, waiting *entry, uint64_t now_ms)
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

/* How a statement came. */
typedef enum { FROM_PUSH, FROM_PULL, FROM_DISK } channel;

static alto_status take_statement(alto_replica *self, alto_slice object, const alto_signature *signature,
                                  uint64_t now_ms, channel from)
{
    if (object.size > ALTO_MAX_STATEMENT)
        return ALTO_TOO_LARGE;
    if (object.size == 0)
        return ALTO_MALFORMED;
    waiting entry = {.signature = *signature, .object_size = object.size};
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
    return counted(self, take_statement(self, object, signature, now_ms, FROM_PUSH));
}

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
    alto_status status = take_statement(self, object, signature, now_ms, FROM_DISK);
    self->heard_ms = 0; /* the origin has not been heard yet */
    if (status != ALTO_OK || !self->queued || self->catalog_known)
        return status;
    if (!has_state_root(catalog, &self->queue[0].decoded.state_root))
        return ALTO_ROOT_MISMATCH;
    self->catalog = alto_tree_retain(catalog);
    self->catalog_known = true;
    return advance(self);
}

/* ---- payloads ---- */

static waiting *waiting_for(alto_replica *self, const alto_hash *commit_hash)
{
    for (size_t i = 0; i < self->queued; i++)
        if (self->queue[i].decoded.type == ALTO_COMMIT &&
            alto_hash_equal(&self->queue[i].decoded.commit_hash, commit_hash))
            return &self->queue[i];
    return NULL;
}

static bool has_digest(alto_slice payload, const alto_commit_change *change)
{
    if (payload.size != change->size)
        return false;
    alto_hash digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, payload);
    return alto_hash_equal(&digest, &change->digest);
}

static alto_status take_payload(alto_replica *self, const alto_hash *commit_hash, size_t index, alto_slice payload)
{
    waiting *entry = waiting_for(self, commit_hash);
    if (!entry || index >= entry->decoded.change_count || payload.size == 0)
        return ALTO_NOT_WANTED;
    const alto_commit_change *change = &entry->decoded.changes[index];
    if (entry->payloads[index].data)
        return ALTO_KNOWN;
    if (!followed(self, &change->name))
        return ALTO_NOT_WANTED;
    if (!has_digest(payload, change))
        return ALTO_DIGEST_MISMATCH;
    uint8_t *copy = malloc(payload.size);
    if (!copy)
        return ALTO_NO_MEMORY;
    memcpy(copy, payload.data, payload.size);
    entry->payloads[index] = alto_slice_of(copy, payload.size);
    entry->payload_bytes += payload.size;
    self->queued_bytes += payload.size;
    return advance(self);
}

alto_status alto_replica_on_payload(alto_replica *self, const alto_hash *commit_hash, size_t index, alto_slice payload)
{
    return counted(self, take_payload(self, commit_hash, index, payload));
}

/* ---- pull ---- */

void alto_want_path(const alto_want *want, char path[ALTO_WANT_PATH])
{
    char from[2 * ALTO_HASH_SIZE + 1], to[2 * ALTO_HASH_SIZE + 1];
    alto_hex(from, want->from.bytes, ALTO_HASH_SIZE);
    alto_hex(to, want->to.bytes, ALTO_HASH_SIZE);
    switch (want->type) {
    case ALTO_WANT_HEAD:
        snprintf(path, ALTO_WANT_PATH, "head");
        break;
    case ALTO_WANT_MANIFEST:
        snprintf(path, ALTO_WANT_PATH, "manifest");
        break;
    case ALTO_WANT_CATALOG:
        snprintf(path, ALTO_WANT_PATH, "catalog/%s", to);
        break;
    case ALTO_WANT_PAYLOAD:
        snprintf(path, ALTO_WANT_PATH, "payloads/%s", to);
        break;
    case ALTO_WANT_DELTA:
        snprintf(path, ALTO_WANT_PATH, "deltas/%s/%s", from, to);
        break;
    case ALTO_WANT_SNAPSHOT:
        snprintf(path, ALTO_WANT_PATH, "snapshots/%s", to);
        break;
    }
}

void alto_replica_want_head(alto_replica *self)
{
    self->head_wanted = true;
    if (!self->has_manifest)
        self->manifest_wanted = true; /* no head can be checked without */
}

/* Will a pushed payload still come? Not when it is too large to be pushed, when something
 * newer came already (push keeps its order), or when it is overdue. */
static bool push_is_over(const alto_replica *self, const need *wanted, uint64_t now_ms)
{
    const waiting *first = &self->queue[0];
    return self->queued > 1 || elapsed(first->arrived_ms, PAYLOAD_PATIENCE_MS, now_ms) ||
           first->decoded.changes[wanted->index].size > self->manifest.max_pushed_payload;
}

/* The question for a need; false when there is none to ask now. */
static bool want_of(const alto_replica *self, const need *wanted, uint64_t now_ms, alto_want *want)
{
    if (!wanted->needed || wanted->version || wanted->asked || wanted->way == NO_WAY)
        return false;
    if (wanted->way == BY_PAYLOAD) {
        const alto_commit_change *change = &self->queue[0].decoded.changes[wanted->index];
        *want = (alto_want){.type = ALTO_WANT_PAYLOAD, .to = change->digest, .max_size = change->size};
        return push_is_over(self, wanted, now_ms);
    }
    *want = (alto_want){.to = wanted->resource->entry.root, .max_size = ALTO_MAX_PAYLOAD};
    if (wanted->way == BY_DELTA) {
        want->type = ALTO_WANT_DELTA;
        want->from = *alto_version_root(base_of(self, wanted));
    } else {
        want->type = ALTO_WANT_SNAPSHOT;
    }
    return true;
}

/* What the work on the first statement lacks. */
static size_t work_wants(alto_replica *self, alto_want *wants, size_t max, uint64_t now_ms)
{
    size_t count = 0;
    if (self->queued && !self->catalog_known && !self->catalog_asked && max) {
        self->catalog_asked = true;
        wants[count++] = (alto_want){
            .type = ALTO_WANT_CATALOG, .to = self->queue[0].decoded.state_root, .max_size = ALTO_MAX_CATALOG};
    }
    for (size_t i = 0; i < self->need_count && count < max; i++)
        if (want_of(self, &self->needs[i], now_ms, &wants[count])) {
            self->needs[i].asked = true;
            count++;
        }
    return count;
}

size_t alto_replica_wants(alto_replica *self, alto_want *wants, size_t max, uint64_t now_ms)
{
    size_t count = 0;
    if (self->manifest_wanted && !self->manifest_asked && max) {
        self->manifest_asked = true;
        self->manifest_looked_ms = now_ms;
        wants[count++] = (alto_want){.type = ALTO_WANT_MANIFEST, .max_size = ALTO_MAX_MANIFEST};
    }
    if (self->has_manifest && !self->manifest_wanted && self->head_wanted && !self->head_asked && count < max) {
        self->head_asked = true;
        wants[count++] = (alto_want){.type = ALTO_WANT_HEAD, .max_size = ALTO_MAX_STATEMENT};
    }
    return count + work_wants(self, wants + count, max - count, now_ms);
}

uint64_t alto_replica_next_want_ms(const alto_replica *self)
{
    for (size_t i = 0; i < self->need_count; i++) {
        const need *wanted = &self->needs[i];
        if (wanted->needed && !wanted->version && !wanted->asked && wanted->way == BY_PAYLOAD)
            return self->queue[0].arrived_ms + PAYLOAD_PATIENCE_MS;
    }
    return UINT64_MAX;
}

/* The need that asked this. */
static need *asking(alto_replica *self, const alto_want *want)
{
    for (size_t i = 0; i < self->need_count; i++) {
        need *wanted = &self->needs[i];
        if (!wanted->asked || wanted->version)
            continue;
        if (want->type == ALTO_WANT_PAYLOAD) {
            if (wanted->way == BY_PAYLOAD &&
                alto_hash_equal(&self->queue[0].decoded.changes[wanted->index].digest, &want->to))
                return wanted;
        } else if (wanted->way == (want->type == ALTO_WANT_DELTA ? BY_DELTA : BY_SNAPSHOT) &&
                   alto_hash_equal(&wanted->resource->entry.root, &want->to) &&
                   (wanted->way == BY_SNAPSHOT ||
                    alto_hash_equal(alto_version_root(base_of(self, wanted)), &want->from))) {
            return wanted;
        }
    }
    return NULL;
}

/* Nothing leads to the state aimed at any more: look for a newer one. */
static void start_over(alto_replica *self)
{
    drop_all(self);
    self->head_wanted = true;
}

static void take_next_way(alto_replica *self, need *wanted)
{
    wanted->asked = false;
    wanted->way = next_way(self, wanted);
    if (wanted->way == NO_WAY)
        start_over(self);
}

static alto_status pulled_payload(alto_replica *self, need *wanted, alto_slice bytes)
{
    if (!has_digest(bytes, &self->queue[0].decoded.changes[wanted->index]))
        return ALTO_DIGEST_MISMATCH;
    uint8_t *copy = malloc(bytes.size);
    if (!copy)
        return ALTO_NO_MEMORY;
    memcpy(copy, bytes.data, bytes.size);
    wanted->pulled_payload = copy;
    return use_payload(self, wanted, alto_slice_of(copy, bytes.size));
}

static alto_status pulled_version(alto_replica *self, const alto_want *want, alto_slice bytes)
{
    need *wanted = asking(self, want);
    if (!wanted)
        return ALTO_NOT_WANTED;
    alto_status status;
    self->work_bytes += bytes.size;
    self->work_pulled = true;
    if (want->type == ALTO_WANT_PAYLOAD)
        status = pulled_payload(self, wanted, bytes);
    else if (want->type == ALTO_WANT_DELTA)
        status = apply_delta(self, wanted, bytes, false);
    else
        status = alto_snapshot_decode(self->pool, wanted->resource->entry.kind, &wanted->resource->entry.root, bytes,
                                      &wanted->version);
    if (status == ALTO_OK)
        return advance(self);
    if (want->type == ALTO_WANT_PAYLOAD && wanted->way != BY_PAYLOAD)
        wanted->asked = false; /* use_payload has taken the next way already */
    else
        take_next_way(self, wanted);
    return status;
}

static alto_status pulled_catalog(alto_replica *self, const alto_want *want, alto_slice bytes)
{
    if (!self->queued || !self->catalog_asked || self->catalog_known ||
        !alto_hash_equal(&want->to, &self->queue[0].decoded.state_root))
        return ALTO_NOT_WANTED;
    alto_tree *catalog = NULL;
    alto_status status = alto_catalog_decode(self->pool, bytes, &self->anchor.origin, &catalog);
    if (status == ALTO_OK && !has_state_root(catalog, &want->to)) {
        alto_tree_release(catalog);
        status = ALTO_ROOT_MISMATCH;
    }
    if (status != ALTO_OK) {
        start_over(self);
        return status;
    }
    self->catalog = catalog;
    self->catalog_known = true;
    self->work_bytes += bytes.size;
    self->work_pulled = true;
    return advance(self);
}

static alto_status pulled_head(alto_replica *self, alto_slice bytes, uint64_t now_ms)
{
    alto_slice object;
    alto_signature signature;
    self->head_wanted = false; /* an unknown key sets it again */
    alto_status status = alto_signed_split(bytes, &object, &signature);
    return status == ALTO_OK ? take_statement(self, object, &signature, now_ms, FROM_PULL) : status;
}

alto_status alto_replica_pulled(alto_replica *self, const alto_want *want, alto_slice bytes, uint64_t now_ms)
{
    alto_status status = ALTO_NOT_WANTED;
    switch (want->type) {
    case ALTO_WANT_HEAD:
        self->head_asked = false;
        status = pulled_head(self, bytes, now_ms);
        break;
    case ALTO_WANT_MANIFEST:
        self->manifest_asked = self->manifest_wanted = false;
        status = take_manifest(self, bytes, now_ms);
        break;
    case ALTO_WANT_CATALOG:
        status = pulled_catalog(self, want, bytes);
        break;
    case ALTO_WANT_PAYLOAD:
    case ALTO_WANT_DELTA:
    case ALTO_WANT_SNAPSHOT:
        status = pulled_version(self, want, bytes);
        break;
    }
    return counted(self, status);
}

void alto_replica_pull_failed(alto_replica *self, const alto_want *want, alto_status status)
{
    bool gone = status == ALTO_NOT_FOUND || status == ALTO_TOO_LARGE;
    need *wanted;
    switch (want->type) {
    case ALTO_WANT_HEAD:
        self->head_asked = false;
        return;
    case ALTO_WANT_MANIFEST:
        self->manifest_asked = false;
        return;
    case ALTO_WANT_CATALOG:
        if (!self->queued || !alto_hash_equal(&want->to, &self->queue[0].decoded.state_root))
            return;
        self->catalog_asked = false;
        if (gone && !self->catalog_known)
            start_over(self);
        return;
    case ALTO_WANT_PAYLOAD:
    case ALTO_WANT_DELTA:
    case ALTO_WANT_SNAPSHOT:
        wanted = asking(self, want);
        if (wanted && gone)
            take_next_way(self, wanted);
        else if (wanted)
            wanted->asked = false;
        return;
    }
}
