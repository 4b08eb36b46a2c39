/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "origin.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>

static void *grown(void *list, size_t count, size_t size)
{
    void *larger = realloc(list, (count + 1) * size);
    assert_non_null(larger);
    return larger;
}

static test_message *add_message(test_origin *self, alto_slice object)
{
    self->messages = grown(self->messages, self->message_count, sizeof *self->messages);
    test_message *added = &self->messages[self->message_count++];
    *added = (test_message){.object = alto_buffer_make(ALTO_MAX_PAYLOAD)};
    alto_buffer_add_slice(&added->object, object);
    return added;
}

static void add_statement(test_origin *self, alto_slice object, const alto_signature *signature)
{
    add_message(self, object)->signature = *signature;
}

static void on_applied(void *context, const alto_applied *applied)
{
    test_origin *self = context;
    bool was_active = test_sweep_pause();
    assert_int_equal(alto_archive_step(self->archive, applied), ALTO_OK);
    self->log = grown(self->log, self->log_count, sizeof *self->log);
    self->log[self->log_count++] =
        (test_signed){applied->statement->commit_hash, applied->statement->state_root, applied->statement->position};
    add_statement(self, applied->object, &applied->signature);
    for (size_t i = 0; i < applied->change_count; i++) {
        const alto_applied_change *change = &applied->changes[i];
        if (change->payload.size == 0 || change->payload.size > self->manifest.max_pushed_payload)
            continue;
        test_message *added = add_message(self, change->payload);
        added->is_payload = true;
        added->commit_hash = applied->statement->commit_hash;
        added->index = change->index;
    }
    test_sweep_resume(was_active);
}

/* ---- keys and manifest ---- */

static alto_signing_key *key_of(uint8_t first, uint8_t second)
{
    uint8_t seed[ALTO_KEY_SIZE] = {first, second};
    alto_signing_key *key = alto_signing_key_from_seed(seed);
    assert_non_null(key);
    return key;
}

static void publish_manifest(test_origin *self)
{
    alto_buffer_clear(&self->manifest_file);
    const alto_signing_key *roots[] = {self->root};
    assert_int_equal(alto_manifest_sign(&self->manifest, roots, 1, &self->manifest_file), ALTO_OK);
    assert_int_equal(alto_archive_manifest(self->archive, alto_buffer_slice(&self->manifest_file), self->manifest.epoch,
                                           self->manifest.version),
                     ALTO_OK);
}

static void new_committer(test_origin *self, uint64_t chain)
{
    alto_committer_options options = {.manifest = &self->manifest,
                                      .keys = (const alto_signing_key *const[]){self->online},
                                      .key_count = 1,
                                      .chain = chain,
                                      .valid_for_s = 3600,
                                      .interval_ms = 5000,
                                      .applied = on_applied,
                                      .context = self};
    assert_int_equal(alto_committer_new(&options, &self->committer), ALTO_OK);
}

test_origin *test_origin_new(uint8_t seed)
{
    test_origin *self = calloc(1, sizeof *self);
    assert_non_null(self);
    assert_int_equal(alto_crypto_init(), ALTO_OK);
    self->root = key_of(seed, 1);
    self->online = key_of(seed, 2);
    self->now_ms = TEST_NOW_MS;
    alto_public_key root = alto_signing_key_public(self->root), online = alto_signing_key_public(self->online);
    self->anchor =
        (alto_anchor){.origin = alto_origin_of(1, &root, 1), .threshold = 1, .root_count = 1, .roots = {root}};
    self->manifest = (alto_manifest){.origin = self->anchor.origin,
                                     .epoch = 1,
                                     .version = 1,
                                     .issued_at_ms = TEST_NOW_MS,
                                     .not_after_ms = UINT64_C(1) << 50,
                                     .threshold = 1,
                                     .root_count = 1,
                                     .roots = {root},
                                     .online_count = 1,
                                     .online = {{.key = online, .not_after_ms = UINT64_C(1) << 50}},
                                     .max_pushed_payload = TEST_MAX_PUSHED};
    self->manifest_file = alto_buffer_make(ALTO_MAX_MANIFEST);
    self->pool = alto_pool_new();
    self->archive = alto_archive_new(&self->anchor.origin);
    assert_true(self->pool && self->archive);
    publish_manifest(self);
    new_committer(self, 100);
    return self;
}

void test_origin_destroy(test_origin **self)
{
    test_origin *dying = *self;
    if (!dying)
        return;
    test_origin_forget_messages(dying);
    free(dying->messages);
    free(dying->log);
    alto_committer_destroy(&dying->committer);
    alto_archive_destroy(&dying->archive);
    alto_pool_destroy(&dying->pool);
    alto_buffer_fini(&dying->manifest_file);
    alto_signing_key_destroy(&dying->root);
    alto_signing_key_destroy(&dying->online);
    free(dying);
    *self = NULL;
}

void test_origin_restart(test_origin *self, uint64_t chain, bool keep_state)
{
    alto_view *view = alto_view_retain(alto_committer_view(self->committer));
    alto_committer_destroy(&self->committer);
    new_committer(self, chain);
    if (keep_state && view)
        assert_int_equal(alto_committer_restore(self->committer, self->pool, view->resources, view->count), ALTO_OK);
    alto_view_release(view);
}

void test_origin_renew(test_origin *self, uint32_t epoch, uint32_t version, const alto_signing_key *online,
                       uint64_t chain)
{
    self->manifest.epoch = epoch;
    self->manifest.version = version;
    if (online) {
        alto_buffer pem = alto_buffer_make(4096);
        alto_signing_key_pem(online, &pem);
        alto_signing_key_destroy(&self->online);
        assert_int_equal(alto_signing_key_from_pem(alto_buffer_slice(&pem), &self->online), ALTO_OK);
        alto_buffer_fini(&pem);
        self->manifest.online[0].key = alto_signing_key_public(self->online);
    }
    publish_manifest(self);
    test_origin_restart(self, chain, true);
}

/* ---- signing ---- */

void test_origin_commit(test_origin *self, const alto_new_state *changes, size_t count)
{
    assert_int_equal(alto_committer_commit(self->committer, self->pool, changes, count, self->now_ms), ALTO_OK);
}

void test_origin_set(test_origin *self, const char *id, alto_version *version)
{
    alto_new_state change = {
        .name = {.id = alto_slice_text(id)}, .version = version, .flags = ALTO_ENTRY_REDISTRIBUTABLE};
    test_origin_commit(self, &change, 1);
    alto_version_release(version);
}

void test_origin_head(test_origin *self)
{
    alto_signature signature;
    alto_buffer object = alto_buffer_make(ALTO_MAX_STATEMENT);
    assert_int_equal(alto_committer_head(self->committer, self->now_ms, &object, &signature), ALTO_OK);
    assert_int_equal(alto_archive_head(self->archive, alto_buffer_slice(&object), &signature), ALTO_OK);
    add_statement(self, alto_buffer_slice(&object), &signature);
    alto_buffer_fini(&object);
}

void test_origin_forget_messages(test_origin *self)
{
    for (size_t i = 0; i < self->message_count; i++)
        alto_buffer_fini(&self->messages[i].object);
    self->message_count = 0;
}

const alto_view *test_origin_view(const test_origin *self)
{
    return alto_committer_view(self->committer);
}

alto_signature test_origin_sign(const test_origin *self, alto_slice object)
{
    return alto_sign(self->online, object);
}

/* ---- to a replica ---- */

alto_status test_deliver(alto_replica *replica, const test_message *message, uint64_t now_ms)
{
    alto_slice bytes = alto_buffer_slice(&message->object);
    if (message->is_payload)
        return alto_replica_on_payload(replica, &message->commit_hash, message->index, bytes);
    return alto_replica_on_statement(replica, bytes, &message->signature, now_ms);
}

void test_deliver_all(const test_origin *origin, alto_replica *replica)
{
    for (size_t i = 0; i < origin->message_count; i++)
        test_deliver(replica, &origin->messages[i], origin->now_ms);
}

static alto_status get(const test_origin *origin, const alto_want *want, alto_buffer *bytes)
{
    char path[ALTO_WANT_PATH];
    bool lasting;
    alto_status status;
    alto_want_path(want, path);
    if (want->type == ALTO_WANT_SINCE)
        return alto_archive_since(origin->archive, strchr(path, '/') + 1, bytes);
    const alto_blob *blob = alto_archive_get(origin->archive, path, &lasting, &status);
    if (blob)
        alto_buffer_add(bytes, blob->data, blob->size);
    if (blob && blob->size > want->max_size)
        status = ALTO_TOO_LARGE;
    alto_blob_release(blob);
    return status;
}

/* What a server answers: 410 is to a follower what 404 is. */
static alto_status find(const test_origin *origin, const alto_want *want, alto_buffer *bytes)
{
    bool was_active = test_sweep_pause();
    alto_status status = get(origin, want, bytes);
    test_sweep_resume(was_active);
    return status == ALTO_OLD ? ALTO_NOT_FOUND : status;
}

size_t test_pull(const test_origin *origin, alto_replica *replica, size_t rounds, test_pull_fn *decide, void *context)
{
    size_t done = 0;
    alto_want want;
    while (done < rounds && alto_replica_wants(replica, &want, 1, origin->now_ms) == 1) {
        alto_buffer bytes = alto_buffer_make(ALTO_MAX_PAYLOAD);
        alto_status status = find(origin, &want, &bytes);
        if (decide && status == ALTO_OK)
            status = decide(context, &want, &bytes);
        if (status == ALTO_OK)
            alto_replica_pulled(replica, &want, alto_buffer_slice(&bytes), origin->now_ms);
        else
            alto_replica_pull_failed(replica, &want, status);
        alto_buffer_fini(&bytes);
        done++;
    }
    return done;
}

static void assert_right(const alto_view *view, const alto_resource *resource)
{
    alto_value listed;
    alto_entry entry;
    assert_true(alto_tree_find(view->catalog, resource->key, &listed));
    assert_int_equal(alto_entry_decode(listed.text, &entry), ALTO_OK);
    assert_true(alto_hash_equal(&entry.root, &resource->entry.root));
    assert_int_equal(entry.flags, resource->entry.flags);
    assert_string_equal(entry.tag, resource->entry.tag);
    if (resource->version)
        assert_true(alto_hash_equal(alto_version_root(resource->version), &entry.root));
}

void test_assert_signed(const test_origin *origin, const alto_view *view)
{
    const test_signed *found = NULL;
    for (size_t i = 0; i < origin->log_count && !found; i++)
        if (alto_hash_equal(&origin->log[i].commit_hash, &view->commit_hash))
            found = &origin->log[i];
    assert_non_null(found);
    assert_int_equal(alto_position_compare(&found->position, &view->position), 0);
    assert_true(alto_hash_equal(&found->state_root, &view->state_root));
    alto_hash state_root = alto_state_root(view->catalog);
    assert_true(alto_hash_equal(&state_root, &view->state_root));
    assert_int_equal(view->count, alto_tree_entries(view->catalog));
    for (size_t i = 0; i < view->count; i++)
        assert_right(view, view->resources[i]);
}

alto_version *test_json(alto_pool *pool, const char *text)
{
    alto_version *made = NULL;
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_map_read(pool, alto_slice_text(text), NULL, NULL, &made, &error);
    if (status != ALTO_OK)
        print_error("%s: %s\n", error.where, error.why);
    assert_int_equal(status, ALTO_OK);
    return made;
}

void test_origin_put(test_origin *self, const char *id, const char *text)
{
    test_origin_set(self, id, test_json(self->pool, text));
}

void test_origin_put_network_map(test_origin *self, const char *id)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"meta\":{\"vtag\":{\"resource-id\":\"%s\",\"tag\":\"t\"}},\"network-map\":{\"P\":{}}}", id);
    test_origin_put(self, id, text);
}

void test_origin_put_cost_map(test_origin *self, const char *id, const char *network_map, const char *mode,
                              const char *metric)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"%s\",\"tag\":\"t\"}],\"cost-type\":{\"cost-mode\":"
             "\"%s\",\"cost-metric\":\"%s\"}},\"cost-map\":{}}",
             network_map, mode, metric);
    test_origin_put(self, id, text);
}

int test_origin_set_up(void **state)
{
    *state = test_origin_new(1);
    return 0;
}

int test_origin_tear_down(void **state)
{
    test_origin *origin = *state;
    test_origin_destroy(&origin);
    return 0;
}
