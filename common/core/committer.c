/* SPDX-License-Identifier: Apache-2.0 */
#include "core/committer.h"

#include "core/render.h"

#include <assert.h>
#include <stdlib.h>

/* A resource without a predecessor is pushed as a delta from nothing up to this many items; beyond, it is left to snapshots. */
enum { MAX_FRESH_ITEMS = 65536 };

/* A key that the manifest names, and when it signs. */
typedef struct {
    const alto_signing_key *key;
    alto_key_id id;
    uint64_t not_before_ms, not_after_ms;
} held_key;

struct alto_committer {
    alto_committer_options options;
    alto_manifest manifest;
    held_key keys[ALTO_MAX_KEYS];
    size_t key_count; /* at least 1 */
    alto_view *view;  /* NULL before the first commit, unless restored */
    bool committed;   /* anything in this chain */
    uint64_t seq;
    alto_hash last_commit;
    uint64_t last_issued_ms;
};

/* ---- keys ---- */

/* Those of the keys that the manifest names; returns how many. */
static size_t choose_named(const alto_manifest *manifest, const alto_signing_key *const *keys, size_t count,
                           held_key named[ALTO_MAX_KEYS])
{
    assert(count <= ALTO_MAX_KEYS);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        alto_public_key public_half = alto_signing_key_public(keys[i]);
        const alto_online_key *online = alto_manifest_named(manifest, &public_half);
        if (online)
            named[found++] =
                (held_key){keys[i], alto_key_id_of(&public_half), online->not_before_ms, online->not_after_ms};
    }
    return found;
}

/* The one that became valid last, of those that are valid then: after a change of keys the new one, though the old one is
 * good for a while. */
static const held_key *key_at(const alto_committer *self, uint64_t issued_at_ms)
{
    const held_key *best = NULL;
    for (size_t i = 0; i < self->key_count; i++) {
        const held_key *each = &self->keys[i];
        bool valid = each->not_before_ms <= issued_at_ms && issued_at_ms < each->not_after_ms;
        if (valid && (!best || each->not_before_ms > best->not_before_ms))
            best = each;
    }
    return best;
}

const alto_signing_key *alto_committer_key(const alto_committer *self, uint64_t issued_at_ms)
{
    const held_key *found = key_at(self, issued_at_ms);
    return found ? found->key : NULL;
}

/* Of an earlier epoch nothing counts any more, its dates included. */
static void begin_chain(alto_committer *self, uint64_t chain)
{
    self->options.chain = chain;
    self->committed = false;
    self->seq = self->last_issued_ms = 0;
}

alto_status alto_committer_renew(alto_committer *self, const alto_manifest *manifest,
                                 const alto_signing_key *const *keys, size_t key_count, uint64_t chain)
{
    held_key named[ALTO_MAX_KEYS];
    size_t count = choose_named(manifest, keys, key_count, named);
    if (count == 0)
        return ALTO_UNKNOWN_KEY;
    if (manifest->epoch != self->manifest.epoch)
        begin_chain(self, chain);
    self->manifest = *manifest;
    memcpy(self->keys, named, count * sizeof *named);
    self->key_count = count;
    return ALTO_OK;
}

/* ---- life ---- */

alto_status alto_committer_new(const alto_committer_options *options, alto_committer **out)
{
    alto_committer *self = calloc(1, sizeof *self);
    if (!self)
        return ALTO_NO_MEMORY;
    self->options = *options;
    alto_status status =
        alto_committer_renew(self, options->manifest, options->keys, options->key_count, options->chain);
    if (status != ALTO_OK) {
        alto_committer_destroy(&self);
        return status;
    }
    *out = self;
    return ALTO_OK;
}

void alto_committer_destroy(alto_committer **self)
{
    if (!*self)
        return;
    alto_view_release((*self)->view);
    free(*self);
    *self = NULL;
}

const alto_view *alto_committer_view(const alto_committer *self)
{
    return self->committed ? self->view : NULL;
}

/* ---- one commit in the making ---- */

typedef struct {
    alto_resource *after;        /* owned; NULL: withdrawn */
    const alto_resource *before; /* borrowed from the view */
    alto_buffer payload;
    alto_buffer key, entry; /* for the catalog */
} part;

typedef struct {
    part *parts; /* those that change something */
    size_t count;
    alto_commit_change *changes;
    alto_tree *catalog;
    alto_buffer object;
    alto_signature signature;
    alto_statement statement;
    alto_view *view;
} making;

static void making_fini(making *self)
{
    for (size_t i = 0; i < self->count; i++) {
        alto_resource_release(self->parts[i].after);
        alto_buffer_fini(&self->parts[i].payload);
        alto_buffer_fini(&self->parts[i].key);
        alto_buffer_fini(&self->parts[i].entry);
    }
    free(self->parts);
    free(self->changes);
    alto_tree_release(self->catalog);
    alto_buffer_fini(&self->object);
    alto_view_release(self->view);
}

/* The length of its text; `before` is the resource as it was, if there was any. */
static alto_status text_size(const alto_resource *before, const alto_version *version, uint64_t *size)
{
    if (before && before->version && before->entry.kind == alto_version_kind(version))
        return alto_render_size_after(before->version, before->entry.text_size, version, size);
    return alto_render_size(version, size);
}

static alto_status fill_entry(const alto_new_state *state, const alto_resource *before, alto_entry *entry)
{
    const alto_version *version = state->version;
    *entry = (alto_entry){.kind = alto_version_kind(version),
                          .root = *alto_version_root(version),
                          .rows = alto_version_rows(version),
                          .items = alto_version_items(version),
                          .flags = state->flags};
    const char *type = state->media_type ? state->media_type : alto_kind_media_type(entry->kind);
    if (strlen(type) > ALTO_MAX_MEDIA_TYPE)
        return ALTO_TOO_LARGE;
    memcpy(entry->media_type, type, strlen(type) + 1);
    alto_vtag vtag;
    alto_status status = alto_version_vtag(version, &vtag);
    if (status == ALTO_OK)
        memcpy(entry->tag, vtag.tag, sizeof entry->tag);
    else if (status != ALTO_NOT_FOUND)
        return status;
    status = alto_version_dependencies(version, entry->dependencies, &entry->dependency_count);
    return status == ALTO_OK ? text_size(before, version, &entry->text_size) : status;
}

/* The delta that everybody with the version before can use. */
static alto_status make_payload(part *added, const alto_version *from, uint64_t *raw_size)
{
    const alto_resource *after = added->after;
    if (!from && after->entry.items > MAX_FRESH_ITEMS)
        return ALTO_OK;
    alto_entry_texts texts;
    alto_status status = alto_entry_texts_make(&after->name, &after->entry, &texts);
    if (status == ALTO_OK)
        status = alto_delta_encode(from, after->version, &texts.implied, &added->payload, raw_size);
    alto_entry_texts_fini(&texts);
    if (status == ALTO_TOO_LARGE) { /* whoever needs it takes the snapshot */
        alto_buffer_fini(&added->payload);
        status = ALTO_OK;
    }
    return status;
}

/* The version that a delta may start from. */
static const alto_version *predecessor(const part *changed)
{
    const alto_resource *before = changed->before;
    bool usable = before && before->version && changed->after && before->entry.kind == changed->after->entry.kind;
    return usable ? before->version : NULL;
}

static alto_status fill_change(part *added, alto_commit_change *change)
{
    const alto_resource *named = added->after ? added->after : added->before;
    *change = (alto_commit_change){.name = named->name, .has_entry = added->after != NULL};
    if (!added->after) {
        change->has_from = true;
        change->from_root = added->before->entry.root;
        return ALTO_OK;
    }
    const alto_version *from = predecessor(added);
    change->entry = added->after->entry;
    if (from) {
        change->has_from = true;
        change->from_root = *alto_version_root(from);
    }
    if (from && alto_hash_equal(&change->from_root, &change->entry.root))
        return ALTO_OK; /* nothing but the entry changed */
    alto_status status = make_payload(added, from, &change->raw_size);
    change->size = added->payload.size;
    change->digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, alto_buffer_slice(&added->payload));
    return status;
}

/* Add one change to the commit, unless it changes nothing. */
static alto_status add_part(alto_committer *self, making *made, const alto_new_state *state)
{
    part *added = &made->parts[made->count++];
    *added = (part){.payload = alto_buffer_make(ALTO_MAX_PAYLOAD),
                    .key = alto_buffer_make(ALTO_MAX_STATEMENT),
                    .entry = alto_buffer_make(ALTO_MAX_STATEMENT)};
    alto_catalog_key(&state->name, &added->key);
    if (added->key.status != ALTO_OK)
        return added->key.status;
    alto_slice key = alto_buffer_slice(&added->key);
    added->before = self->view ? alto_view_by_key(self->view, key) : NULL;
    if (state->version) {
        alto_entry entry;
        alto_status status = fill_entry(state, added->before, &entry);
        if (status == ALTO_OK)
            status = alto_entry_encode(&entry, &added->entry);
        if (status != ALTO_OK)
            return status;
        added->after = alto_resource_new(key, &entry, state->version);
        if (!added->after)
            return ALTO_NO_MEMORY;
    }
    alto_value listed;
    bool was_listed = self->view && alto_tree_find(self->view->catalog, key, &listed);
    bool same =
        added->after ? was_listed && alto_slice_equal(listed.text, alto_buffer_slice(&added->entry)) : !was_listed;
    if (same) {
        alto_resource_release(added->after);
        alto_buffer_fini(&added->key);
        alto_buffer_fini(&added->entry);
        made->count--;
        return ALTO_OK;
    }
    return fill_change(added, &made->changes[made->count - 1]);
}

static alto_status make_catalog(const alto_committer *self, alto_pool *pool, making *made)
{
    alto_edit *edits = calloc(made->count + 1, sizeof *edits);
    if (!edits)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < made->count; i++)
        edits[i] = (alto_edit){.key = alto_buffer_slice(&made->parts[i].key),
                               .value.text = alto_buffer_slice(&made->parts[i].entry),
                               .remove = !made->parts[i].after};
    alto_status status = alto_tree_edit(pool, ALTO_VALUE_TEXT, self->view ? self->view->catalog : NULL, edits,
                                        made->count, &made->catalog);
    free(edits);
    return status;
}

static uint64_t issue_time(const alto_committer *self, uint64_t now_ms)
{
    return now_ms > self->last_issued_ms ? now_ms : self->last_issued_ms; /* never before the predecessor */
}

/* *key: who is to sign it; NULL: nobody may. */
static alto_statement statement_base(const alto_committer *self, alto_statement_type type, uint64_t now_ms,
                                     const alto_signing_key **key)
{
    uint64_t issued_at_ms = issue_time(self, now_ms);
    const held_key *signer = key_at(self, issued_at_ms);
    *key = signer ? signer->key : NULL;
    return (alto_statement){.type = type,
                            .origin = self->manifest.origin,
                            .key_id = signer ? signer->id : (alto_key_id){{0}},
                            .manifest_epoch = self->manifest.epoch,
                            .manifest_version = self->manifest.version,
                            .position = {self->manifest.epoch, self->options.chain, self->seq},
                            .issued_at_ms = issued_at_ms,
                            .valid_for_s = self->options.valid_for_s};
}

static alto_status sign_commit(const alto_committer *self, making *made, uint64_t now_ms)
{
    const alto_signing_key *key;
    made->statement = statement_base(self, ALTO_COMMIT, now_ms, &key);
    if (!key)
        return ALTO_EXPIRED;
    made->statement.position.seq++;
    made->statement.has_prev = self->committed;
    made->statement.prev = self->last_commit;
    made->statement.state_root = alto_state_root(made->catalog);
    made->statement.change_count = made->count;
    made->statement.changes = made->changes;
    alto_status status = alto_statement_encode(&made->statement, &made->object);
    if (status != ALTO_OK)
        return status;
    made->statement.commit_hash = alto_commit_hash(alto_buffer_slice(&made->object));
    made->signature = alto_sign(key, alto_buffer_slice(&made->object));
    return ALTO_OK;
}

static alto_status make_view(const alto_committer *self, making *made)
{
    alto_view_change *changes = malloc((made->count + 1) * sizeof *changes);
    if (!changes)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < made->count; i++)
        changes[i] = (alto_view_change){.key = alto_buffer_slice(&made->parts[i].key), .after = made->parts[i].after};
    made->view =
        alto_view_next(self->view, &self->manifest.origin, &made->statement.position, &made->statement.commit_hash,
                       &made->statement.state_root, made->catalog, changes, made->count);
    free(changes);
    return made->view ? ALTO_OK : ALTO_NO_MEMORY;
}

static void report(const alto_committer *self, const making *made, const alto_view *before,
                   alto_applied_change *changes)
{
    for (size_t i = 0; i < made->count; i++)
        changes[i] = (alto_applied_change){.before = made->parts[i].before,
                                           .after = made->parts[i].after,
                                           .payload = alto_buffer_slice(&made->parts[i].payload),
                                           .index = i};
    alto_applied applied = {.before = before,
                            .after = self->view,
                            .object = alto_buffer_slice(&made->object),
                            .signature = made->signature,
                            .statement = &made->statement,
                            .change_count = made->count,
                            .changes = changes};
    self->options.applied(self->options.context, &applied);
}

alto_status alto_committer_commit(alto_committer *self, alto_pool *pool, const alto_new_state *changes, size_t count,
                                  uint64_t now_ms)
{
    making made = {.object = alto_buffer_make(ALTO_MAX_STATEMENT)};
    made.parts = calloc(count + 1, sizeof *made.parts);
    made.changes = calloc(count + 1, sizeof *made.changes);
    alto_applied_change *reported = calloc(count + 1, sizeof *reported);
    alto_status status = made.parts && made.changes && reported ? ALTO_OK : ALTO_NO_MEMORY;
    for (size_t i = 0; status == ALTO_OK && i < count; i++)
        status = add_part(self, &made, &changes[i]);
    bool needed = made.count > 0 || !self->committed;
    if (status == ALTO_OK && needed)
        status = make_catalog(self, pool, &made);
    if (status == ALTO_OK && needed)
        status = sign_commit(self, &made, now_ms);
    if (status == ALTO_OK && needed)
        status = make_view(self, &made);
    if (status == ALTO_OK && needed) {
        alto_view *before = self->view;
        self->view = made.view;
        made.view = NULL;
        self->committed = true;
        self->seq = made.statement.position.seq;
        self->last_commit = made.statement.commit_hash;
        self->last_issued_ms = made.statement.issued_at_ms;
        report(self, &made, before, reported);
        alto_view_release(before);
    }
    free(reported);
    making_fini(&made);
    return status;
}

alto_status alto_committer_restore(alto_committer *self, alto_pool *pool, const alto_resource *const *resources,
                                   size_t count)
{
    assert(!self->view);
    alto_tree *catalog = NULL;
    alto_edit *edits = calloc(count + 1, sizeof *edits);
    alto_buffer *entries = calloc(count + 1, sizeof *entries);
    alto_status status = edits && entries ? ALTO_OK : ALTO_NO_MEMORY;
    for (size_t i = 0; status == ALTO_OK && i < count; i++) {
        entries[i] = alto_buffer_make(ALTO_MAX_STATEMENT);
        status = alto_entry_encode(&resources[i]->entry, &entries[i]);
        edits[i] = (alto_edit){.key = resources[i]->key, .value.text = alto_buffer_slice(&entries[i])};
    }
    if (status == ALTO_OK)
        status = alto_tree_edit(pool, ALTO_VALUE_TEXT, NULL, edits, count, &catalog);
    if (status == ALTO_OK) {
        alto_position nowhere = {0, 0, 0};
        alto_hash none = {{0}}, state_root = alto_state_root(catalog);
        self->view = alto_view_new(&self->manifest.origin, &nowhere, &none, &state_root, catalog, resources, count);
        status = self->view ? ALTO_OK : ALTO_NO_MEMORY;
    }
    for (size_t i = 0; entries && i < count; i++)
        alto_buffer_fini(&entries[i]);
    alto_tree_release(catalog);
    free(entries);
    free(edits);
    return status;
}

alto_status alto_committer_head(alto_committer *self, uint64_t now_ms, alto_buffer *out, alto_signature *signature)
{
    if (!self->committed)
        return ALTO_NOT_FOUND;
    /* A clock that was set back must not make followers take what they hear for an old head. */
    uint64_t later_ms = self->last_issued_ms + 1;
    const alto_signing_key *key;
    alto_statement head = statement_base(self, ALTO_HEAD, now_ms > later_ms ? now_ms : later_ms, &key);
    if (!key)
        return ALTO_EXPIRED;
    head.commit_hash = self->last_commit;
    head.state_root = self->view->state_root;
    head.interval_ms = self->options.interval_ms;
    size_t begin = out->size;
    alto_status status = alto_statement_encode(&head, out);
    if (status != ALTO_OK)
        return status;
    self->last_issued_ms = head.issued_at_ms;
    *signature = alto_sign(key, alto_slice_of(out->data + begin, out->size - begin));
    return ALTO_OK;
}
