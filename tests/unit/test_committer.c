/* SPDX-License-Identifier: Apache-2.0 */
/* What the origin signs: positions, changes, payloads, entries, heads; and that a refusal leaves no trace. */
#include "cmocka_all.h"
#include "core/committer.h"
#include "core/render.h"
#include "origin.h"
#include "versions.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_CHANGES = 8 };

/* The last step, as reported. */
typedef struct {
    test_origin *keys; /* for its manifest and keys only */
    alto_pool *pool;
    alto_committer *committer;
    size_t steps, change_count;
    alto_statement statement; /* decoded from `object` */
    alto_buffer object;
    struct {
        bool before, after;
        alto_hash from, to;
        size_t index;
        alto_buffer payload;
    } changes[MAX_CHANGES];
    bool had_before;
} fixture;

static void forget_step(fixture *self)
{
    alto_statement_fini(&self->statement);
    alto_buffer_fini(&self->object);
    for (size_t i = 0; i < MAX_CHANGES; i++)
        alto_buffer_fini(&self->changes[i].payload);
    self->change_count = 0;
}

static void on_applied(void *context, const alto_applied *applied)
{
    fixture *self = context;
    forget_step(self);
    self->steps++;
    self->had_before = applied->before;
    self->object = alto_buffer_make(ALTO_MAX_STATEMENT);
    alto_buffer_add_slice(&self->object, applied->object);
    assert_int_equal(alto_statement_decode(alto_buffer_slice(&self->object), &self->statement), ALTO_OK);
    const alto_public_key *signer =
        alto_manifest_key(&self->keys->manifest, &self->statement.key_id, self->statement.issued_at_ms);
    assert_non_null(signer);
    assert_true(alto_verify(signer, applied->object, &applied->signature));
    assert_true(alto_hash_equal(&applied->statement->commit_hash, &self->statement.commit_hash));
    assert_true(alto_hash_equal(&applied->after->state_root, &self->statement.state_root));
    assert_true(alto_hash_equal(&applied->after->commit_hash, &self->statement.commit_hash));
    assert_ptr_equal(applied->after, alto_committer_view(self->committer));
    assert_int_equal(applied->change_count, self->statement.change_count);
    self->change_count = applied->change_count;
    for (size_t i = 0; i < applied->change_count; i++) {
        const alto_applied_change *change = &applied->changes[i];
        self->changes[i].before = change->before;
        self->changes[i].after = change->after;
        if (change->before)
            self->changes[i].from = change->before->entry.root;
        if (change->after)
            self->changes[i].to = change->after->entry.root;
        self->changes[i].index = change->index;
        self->changes[i].payload = alto_buffer_make(ALTO_MAX_PAYLOAD);
        alto_buffer_add_slice(&self->changes[i].payload, change->payload);
        assert_int_equal(change->payload.size, self->statement.changes[i].size);
    }
}

static alto_committer *new_committer(fixture *self, uint64_t chain)
{
    alto_committer *made = NULL;
    alto_committer_options options = {.manifest = &self->keys->manifest,
                                      .keys = (const alto_signing_key *const[]){self->keys->online},
                                      .key_count = 1,
                                      .chain = chain,
                                      .valid_for_s = 600,
                                      .interval_ms = 5000,
                                      .applied = on_applied,
                                      .context = self};
    assert_int_equal(alto_committer_new(&options, &made), ALTO_OK);
    return made;
}

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    self->keys = test_origin_new(3);
    self->pool = alto_pool_new();
    self->committer = new_committer(self, 50);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    forget_step(self);
    alto_committer_destroy(&self->committer);
    alto_pool_destroy(&self->pool);
    test_origin_destroy(&self->keys);
    free(self);
    return 0;
}

static alto_new_state state_of(const char *id, const alto_version *version)
{
    return (alto_new_state){
        .name = {.id = alto_slice_text(id)}, .version = version, .flags = ALTO_ENTRY_REDISTRIBUTABLE};
}

static alto_status commit(fixture *self, const char *id, alto_version *version, uint64_t now_ms)
{
    alto_new_state change = state_of(id, version);
    alto_status status = alto_committer_commit(self->committer, self->pool, &change, 1, now_ms);
    alto_version_release(version);
    return status;
}

static alto_version *cost(fixture *self, unsigned value)
{
    char text[200];
    snprintf(text, sizeof text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"t\"}]},\"cost-map\":{"
             "\"P\":{\"P\":%u}}}",
             value);
    return test_json(self->pool, text);
}

static void a_chain_is_numbered_and_linked(void **state)
{
    fixture *self = *state;
    alto_hash before = {{0}};
    assert_null(alto_committer_view(self->committer));
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(commit(self, "c", cost(self, i), 1000 + i), ALTO_OK);
        const alto_statement *statement = &self->statement;
        assert_int_equal(statement->position.epoch, 1);
        assert_int_equal(statement->position.chain, 50);
        assert_int_equal(statement->position.seq, i);
        assert_int_equal(statement->issued_at_ms, 1000 + i);
        assert_int_equal(statement->valid_for_s, 600);
        assert_int_equal(statement->has_prev, i > 1);
        assert_int_equal(self->had_before, i > 1);
        if (i > 1)
            assert_true(alto_hash_equal(&statement->prev, &before));
        before = statement->commit_hash;
    }
    assert_int_equal(self->steps, 3);
}

static void time_never_goes_back_in_a_chain(void **state)
{
    fixture *self = *state;
    commit(self, "c", cost(self, 1), 5000);
    commit(self, "c", cost(self, 2), 4000);
    assert_int_equal(self->statement.issued_at_ms, 5000);
    alto_signature signature;
    alto_buffer head = alto_buffer_make(ALTO_MAX_STATEMENT);
    assert_int_equal(alto_committer_head(self->committer, 9000, &head, &signature), ALTO_OK);
    alto_buffer_fini(&head);
    commit(self, "c", cost(self, 3), 8000);
    assert_int_equal(self->statement.issued_at_ms, 9000);
}

static void a_head_is_newer_than_all_before_it_whatever_the_clock_says(void **state)
{
    fixture *self = *state;
    commit(self, "c", cost(self, 1), 5000);
    for (uint64_t i = 1; i <= 3; i++) {
        alto_signature signature;
        alto_statement head;
        alto_buffer out = alto_buffer_make(ALTO_MAX_STATEMENT);
        assert_int_equal(alto_committer_head(self->committer, 5000 - 1000 * (i - 1), &out, &signature), ALTO_OK);
        assert_int_equal(alto_statement_decode(alto_buffer_slice(&out), &head), ALTO_OK);
        assert_int_equal(head.issued_at_ms, 5000 + i);
        alto_buffer_fini(&out);
    }
}

static void what_changes_nothing_is_not_committed(void **state)
{
    fixture *self = *state;
    commit(self, "c", cost(self, 1), 1000);
    assert_int_equal(commit(self, "c", cost(self, 1), 1001), ALTO_OK);
    assert_int_equal(commit(self, "never there", NULL, 1002), ALTO_OK);
    assert_int_equal(alto_committer_commit(self->committer, self->pool, NULL, 0, 1003), ALTO_OK);
    assert_int_equal(self->steps, 1);
    alto_version *same = cost(self, 1), *other = cost(self, 2);
    alto_new_state changes[] = {state_of("a", other), state_of("c", same), state_of("d", NULL)};
    assert_int_equal(alto_committer_commit(self->committer, self->pool, changes, 3, 1004), ALTO_OK);
    assert_int_equal(self->steps, 2);
    assert_int_equal(self->change_count, 1); /* a alone */
    assert_true(alto_slice_equal(self->statement.changes[0].name.id, alto_slice_text("a")));
    alto_version_release(same);
    alto_version_release(other);
}

static void a_chain_may_begin_with_nothing(void **state)
{
    fixture *self = *state;
    assert_int_equal(alto_committer_commit(self->committer, self->pool, NULL, 0, 1000), ALTO_OK);
    assert_int_equal(self->steps, 1);
    assert_int_equal(self->change_count, 0);
    assert_int_equal(alto_committer_view(self->committer)->count, 0);
}

static void the_entry_says_what_the_version_is(void **state)
{
    fixture *self = *state;
    alto_version *version = test_json(
        self->pool, "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t!~\"}},\"network-map\":{\"P\":{\"ipv4\":["
                    "\"10.0.0.0/8\",\"11.0.0.0/8\"]},\"Q\":{}}}");
    alto_buffer text = alto_buffer_make(4096);
    assert_int_equal(alto_render_text(version, &text), ALTO_OK);
    alto_new_state change = state_of("n", version);
    change.flags = ALTO_ENTRY_WITHHELD;
    assert_int_equal(alto_committer_commit(self->committer, self->pool, &change, 1, 1000), ALTO_OK);
    const alto_entry *entry = &self->statement.changes[0].entry;
    assert_int_equal(entry->kind, ALTO_NETWORK_MAP);
    assert_string_equal(entry->media_type, "application/alto-networkmap+json");
    assert_true(alto_hash_equal(&entry->root, alto_version_root(version)));
    assert_int_equal(entry->rows, alto_version_rows(version));
    assert_int_equal(entry->items, alto_version_items(version));
    assert_int_equal(entry->text_size, text.size);
    assert_string_equal(entry->tag, "t!~");
    assert_int_equal(entry->dependency_count, 0);
    assert_int_equal(entry->flags, ALTO_ENTRY_WITHHELD);
    alto_buffer_fini(&text);
    alto_version_release(version);

    commit(self, "c", cost(self, 1), 1001);
    entry = &self->statement.changes[0].entry;
    assert_string_equal(entry->tag, "");
    assert_int_equal(entry->dependency_count, 1);
    assert_string_equal(entry->dependencies[0].resource_id, "n");
    assert_string_equal(entry->dependencies[0].tag, "t");

    alto_version *document = test_json(self->pool, "{\"property-map\":{}}");
    change = state_of("d", document);
    change.media_type = "application/alto-propmap+json";
    assert_int_equal(alto_committer_commit(self->committer, self->pool, &change, 1, 1002), ALTO_OK);
    assert_string_equal(self->statement.changes[0].entry.media_type, "application/alto-propmap+json");
    alto_version_release(document);
}

static void payloads_lead_from_the_version_before_to_the_new_one(void **state)
{
    fixture *self = *state;
    alto_version *first = cost(self, 1), *second = cost(self, 2), *reached = NULL;
    alto_entry_texts texts;
    commit(self, "c", alto_version_retain(first), 1000);
    const alto_commit_change *change = &self->statement.changes[0];
    assert_false(change->has_from);
    assert_false(self->changes[0].before);
    for (int step = 0; step < 2; step++) {
        const alto_version *from = step ? first : NULL, *to = step ? second : first;
        if (step)
            commit(self, "c", alto_version_retain(second), 1001);
        change = &self->statement.changes[0];
        alto_slice payload = alto_buffer_slice(&self->changes[0].payload);
        alto_hash digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, payload);
        assert_true(change->size > 0 && change->raw_size > 0);
        assert_true(alto_hash_equal(&digest, &change->digest));
        assert_int_equal(alto_entry_texts_make(&change->name, &change->entry, &texts), ALTO_OK);
        assert_int_equal(
            alto_delta_apply(self->pool, ALTO_COST_MAP, from, payload, &texts.implied, alto_version_root(to), &reached),
            ALTO_OK);
        alto_entry_texts_fini(&texts);
        alto_version_release(reached);
    }
    assert_true(change->has_from);
    assert_true(alto_hash_equal(&change->from_root, alto_version_root(first)));
    assert_true(alto_hash_equal(&self->changes[0].from, alto_version_root(first)));
    assert_true(alto_hash_equal(&self->changes[0].to, alto_version_root(second)));
    alto_version_release(first);
    alto_version_release(second);
}

static void flags_withdrawal_and_another_kind_have_no_delta_from_before(void **state)
{
    fixture *self = *state;
    alto_version *version = cost(self, 1);
    commit(self, "c", alto_version_retain(version), 1000);
    alto_new_state change = state_of("c", version);
    change.flags |= ALTO_ENTRY_WITHHELD;
    assert_int_equal(alto_committer_commit(self->committer, self->pool, &change, 1, 1001), ALTO_OK);
    assert_true(self->statement.changes[0].has_from && self->statement.changes[0].has_entry);
    assert_int_equal(self->statement.changes[0].size, 0);
    alto_version_release(version);

    commit(self, "c", test_json(self->pool, "{\"a\":1}"), 1002); /* a document now */
    assert_true(self->changes[0].before && self->changes[0].after);
    assert_false(self->statement.changes[0].has_from);
    assert_true(self->statement.changes[0].size > 0);

    commit(self, "c", NULL, 1003);
    assert_true(self->changes[0].before);
    assert_false(self->changes[0].after || self->statement.changes[0].has_entry);
    assert_int_equal(self->statement.changes[0].size, 0);
    assert_int_equal(alto_committer_view(self->committer)->count, 0);
}

static alto_version *large_network_map(fixture *self)
{
    static alto_edit edits[70000];
    static uint8_t keys[70000][6];
    for (uint32_t i = 0; i < countof(edits); i++) {
        uint8_t key[6] = {ALTO_ITEM_IPV4, 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 32};
        memcpy(keys[i], key, sizeof key);
        edits[i] = (alto_edit){.key = alto_slice_of(keys[i], sizeof key)};
    }
    alto_version *map = test_version_row(self->pool, test_version(self->pool, ALTO_NETWORK_MAP), "P", edits, 70000);
    alto_version *tagged = test_version_text(self->pool, map, "meta", "vtag", "{\"resource-id\":\"n\",\"tag\":\"t\"}");
    alto_version_release(map);
    return tagged;
}

static void a_large_fresh_resource_is_left_to_snapshots(void **state)
{
    fixture *self = *state;
    alto_version *large = large_network_map(self);
    commit(self, "n", alto_version_retain(large), 1000);
    assert_int_equal(self->statement.changes[0].size, 0);
    assert_int_equal(self->statement.changes[0].raw_size, 0);
    alto_version *next = test_version_text(self->pool, large, "meta", "vtag", "{\"resource-id\":\"n\",\"tag\":\"t2\"}");
    commit(self, "n", next, 1001);
    assert_true(self->statement.changes[0].size > 0 && self->statement.changes[0].size < 200);
    alto_version_release(large);
}

static void bad_tags_are_refused_and_leave_no_trace(void **state)
{
    static const char *const texts[] = {
        "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"\"}},\"network-map\":{}}",
        "{\"meta\":{\"vtag\":7},\"network-map\":{}}",
        "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"a b\"}},\"cost-map\":{}}",
        "{\"meta\":{\"dependent-vtags\":7},\"cost-map\":{}}",
    };
    fixture *self = *state;
    commit(self, "c", cost(self, 1), 1000);
    alto_hash root = alto_committer_view(self->committer)->state_root;
    for (size_t i = 0; i < countof(texts); i++) {
        print_message("  case: %s\n", texts[i]);
        alto_version *good = cost(self, 2), *bad = test_json(self->pool, texts[i]);
        alto_new_state changes[] = {state_of("c", good), state_of("n", bad)};
        assert_int_equal(alto_committer_commit(self->committer, self->pool, changes, 2, 1001), ALTO_INVALID);
        assert_int_equal(self->steps, 1);
        assert_true(alto_hash_equal(&alto_committer_view(self->committer)->state_root, &root));
        alto_version_release(good);
        alto_version_release(bad);
    }
    alto_version *good = cost(self, 2);
    char type[ALTO_MAX_MEDIA_TYPE + 2];
    memset(type, 'x', sizeof type - 1);
    type[sizeof type - 1] = 0;
    alto_new_state change = state_of("c", good);
    change.media_type = type;
    assert_int_equal(alto_committer_commit(self->committer, self->pool, &change, 1, 1001), ALTO_TOO_LARGE);
    assert_int_equal(commit(self, "", alto_version_retain(good), 1001), ALTO_INVALID); /* no ID */
    assert_int_equal(commit(self, "a b", alto_version_retain(good), 1001), ALTO_INVALID);
    assert_int_equal(self->steps, 1);
    assert_int_equal(commit(self, "c", good, 1002), ALTO_OK);
    assert_int_equal(self->statement.position.seq, 2);
}

static void a_restored_state_is_not_repeated(void **state)
{
    fixture *self = *state;
    commit(self, "c", cost(self, 1), 1000);
    commit(self, "d", test_json(self->pool, "{\"a\":1}"), 1001);
    alto_view *view = alto_view_retain(alto_committer_view(self->committer));
    alto_committer_destroy(&self->committer);
    self->committer = new_committer(self, 60);
    assert_int_equal(alto_committer_restore(self->committer, self->pool, view->resources, view->count), ALTO_OK);
    assert_null(alto_committer_view(self->committer)); /* nothing of it is signed in this chain */
    alto_version *same = cost(self, 1);
    assert_int_equal(commit(self, "c", same, 2000), ALTO_OK);
    assert_int_equal(self->change_count, 0);
    assert_false(self->statement.has_prev);
    assert_int_equal(self->statement.position.chain, 60);
    assert_int_equal(self->statement.position.seq, 1);
    assert_true(alto_hash_equal(&self->statement.state_root, &view->state_root));
    commit(self, "c", cost(self, 2), 2001);
    assert_true(self->statement.has_prev && self->statement.changes[0].has_from); /* from what was restored */
    alto_view_release(view);
}

static void heads_speak_of_the_newest_commit(void **state)
{
    fixture *self = *state;
    alto_signature signature;
    alto_statement head;
    alto_buffer out = alto_buffer_make(ALTO_MAX_STATEMENT);
    assert_int_equal(alto_committer_head(self->committer, 1000, &out, &signature), ALTO_NOT_FOUND);
    assert_int_equal(out.size, 0);
    commit(self, "c", cost(self, 1), 1000);
    commit(self, "c", cost(self, 2), 1001);
    alto_buffer_add_text(&out, "before"); /* it appends */
    assert_int_equal(alto_committer_head(self->committer, 3000, &out, &signature), ALTO_OK);
    alto_slice object = alto_slice_of(out.data + 6, out.size - 6);
    assert_true(alto_verify(&self->keys->manifest.online[0].key, object, &signature));
    assert_int_equal(alto_statement_decode(object, &head), ALTO_OK);
    assert_int_equal(head.type, ALTO_HEAD);
    assert_int_equal(alto_position_compare(&head.position, &self->statement.position), 0);
    assert_true(alto_hash_equal(&head.commit_hash, &self->statement.commit_hash));
    assert_true(alto_hash_equal(&head.state_root, &self->statement.state_root));
    assert_int_equal(head.issued_at_ms, 3000);
    assert_int_equal(head.interval_ms, 5000);
    alto_buffer_fini(&out);
}

static void a_key_that_the_manifest_does_not_name_is_refused(void **state)
{
    fixture *self = *state;
    alto_committer *made = NULL;
    alto_signing_key *stranger = alto_signing_key_new();
    alto_committer_options options = {.manifest = &self->keys->manifest,
                                      .keys = (const alto_signing_key *const[]){stranger},
                                      .key_count = 1,
                                      .chain = 1};
    assert_int_equal(alto_committer_new(&options, &made), ALTO_UNKNOWN_KEY);
    assert_null(made);
    alto_committer_destroy(&made);
    alto_signing_key_destroy(&stranger);
}

/* The manifest of the fixture, its next version: the key that there is signs until 3000, `added` from 2000 on. */
static void announce(fixture *self, const alto_signing_key *added)
{
    alto_manifest *manifest = &self->keys->manifest;
    manifest->version++;
    manifest->online[0].not_after_ms = 3000;
    manifest->online[1] = (alto_online_key){alto_signing_key_public(added), 2000, 5000};
    manifest->online_count = 2;
}

static bool signed_by(const fixture *self, const alto_signing_key *key)
{
    alto_public_key public_half = alto_signing_key_public(key);
    alto_key_id id = alto_key_id_of(&public_half);
    return memcmp(id.bytes, self->statement.key_id.bytes, sizeof id.bytes) == 0;
}

static void of_several_keys_the_one_that_became_valid_last_signs(void **state)
{
    fixture *self = *state;
    alto_signing_key *added = alto_signing_key_new(), *stranger = alto_signing_key_new();
    const alto_signing_key *keys[] = {stranger, added, self->keys->online};
    announce(self, added);
    assert_int_equal(alto_committer_renew(self->committer, &self->keys->manifest, keys, 1, 0), ALTO_UNKNOWN_KEY);
    assert_int_equal(commit(self, "c", cost(self, 1), 1000), ALTO_OK);
    assert_int_equal(self->statement.manifest_version, 1);
    assert_int_equal(alto_committer_renew(self->committer, &self->keys->manifest, keys, 3, 0), ALTO_OK);
    static const struct {
        uint64_t now_ms;
        bool by_added;
    } cases[] = {{1999, false}, {2000, true}, {2999, true}, {4999, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(commit(self, "c", cost(self, (unsigned)i + 2), cases[i].now_ms), ALTO_OK);
        assert_true(signed_by(self, cases[i].by_added ? added : self->keys->online));
        assert_int_equal(self->statement.position.seq, 2 + i); /* the chain goes on */
        assert_int_equal(self->statement.manifest_version, 2);
    }
    assert_ptr_equal(alto_committer_key(self->committer, 1000), self->keys->online);
    assert_null(alto_committer_key(self->committer, 5000));
    alto_signing_key_destroy(&added);
    alto_signing_key_destroy(&stranger);
}

static void without_a_valid_key_nothing_is_signed(void **state)
{
    fixture *self = *state;
    alto_signature signature;
    alto_buffer head = alto_buffer_make(ALTO_MAX_STATEMENT);
    self->keys->manifest.online[0].not_after_ms = 3000;
    const alto_signing_key *const keys[] = {self->keys->online};
    assert_int_equal(alto_committer_renew(self->committer, &self->keys->manifest, keys, 1, 0), ALTO_OK);
    assert_int_equal(commit(self, "c", cost(self, 1), 2999), ALTO_OK);
    assert_int_equal(commit(self, "c", cost(self, 2), 3000), ALTO_EXPIRED);
    assert_int_equal(alto_committer_head(self->committer, 3000, &head, &signature), ALTO_EXPIRED);
    assert_int_equal(head.size, 0);
    assert_int_equal(self->steps, 1);
}

static void another_epoch_begins_a_chain_with_what_is_there(void **state)
{
    fixture *self = *state;
    const alto_signing_key *const keys[] = {self->keys->online};
    assert_int_equal(commit(self, "c", cost(self, 1), 9000), ALTO_OK);
    alto_hash state_root = self->statement.state_root;
    self->keys->manifest.epoch = 2;
    assert_int_equal(alto_committer_renew(self->committer, &self->keys->manifest, keys, 1, 7), ALTO_OK);
    assert_int_equal(alto_committer_commit(self->committer, self->pool, NULL, 0, 8000), ALTO_OK);
    assert_int_equal(self->statement.position.epoch, 2);
    assert_int_equal(self->statement.position.chain, 7);
    assert_int_equal(self->statement.position.seq, 1);
    assert_int_equal(self->statement.issued_at_ms, 8000); /* dates of the old epoch were perhaps far ahead */
    assert_false(self->statement.has_prev);
    assert_int_equal(self->change_count, 0);
    assert_true(alto_hash_equal(&self->statement.state_root, &state_root));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_chain_is_numbered_and_linked),
        T(time_never_goes_back_in_a_chain),
        T(what_changes_nothing_is_not_committed),
        T(a_chain_may_begin_with_nothing),
        T(the_entry_says_what_the_version_is),
        T(payloads_lead_from_the_version_before_to_the_new_one),
        T(flags_withdrawal_and_another_kind_have_no_delta_from_before),
        T(a_large_fresh_resource_is_left_to_snapshots),
        T(bad_tags_are_refused_and_leave_no_trace),
        T(a_restored_state_is_not_repeated),
        T(heads_speak_of_the_newest_commit),
        T(a_head_is_newer_than_all_before_it_whatever_the_clock_says),
        T(a_key_that_the_manifest_does_not_name_is_refused),
        T(of_several_keys_the_one_that_became_valid_last_signs),
        T(without_a_valid_key_nothing_is_signed),
        T(another_epoch_begins_a_chain_with_what_is_there),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
