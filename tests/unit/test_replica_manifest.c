/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign, as a replica sees it: root keys that changed, keys that were revoked, manifests that are old. */
#include "cmocka_all.h"
#include "core/replica.h"
#include "core/roots.h"
#include "files.h"
#include "origin.h"

#include <stdlib.h>

typedef struct {
    test_origin *origin;
    alto_replica *replica;
    alto_signing_key *roots[3]; /* later ones than that of the anchor */
    alto_signing_key *online;   /* another one */
    size_t asked_manifest;      /* pulls of it */
} fixture;

static alto_replica *new_replica(fixture *self)
{
    static const alto_replica_events none = {.applied = NULL};
    alto_replica *made = alto_replica_new(&self->origin->anchor, NULL, 0, &none);
    assert_non_null(made);
    return made;
}

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    self->origin = test_origin_new(9);
    self->replica = new_replica(self);
    for (uint8_t i = 0; i < 3; i++)
        self->roots[i] = test_key(i);
    self->online = test_key(9);
    test_origin_put_network_map(self->origin, "net");
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    alto_replica_destroy(&self->replica);
    for (size_t i = 0; i < 3; i++)
        alto_signing_key_destroy(&self->roots[i]);
    alto_signing_key_destroy(&self->online);
    test_origin_destroy(&self->origin);
    free(self);
    return 0;
}

static alto_status note_asked(void *context, const alto_want *want, alto_buffer *bytes)
{
    fixture *self = context;
    (void)bytes;
    self->asked_manifest += want->type == ALTO_WANT_MANIFEST;
    return ALTO_OK;
}

static size_t pull(fixture *self, alto_replica *replica)
{
    return test_pull(self->origin, replica, 50, note_asked, self);
}

/* The origin's manifest, with that root key (NULL: the first one) and signed by these. */
static alto_buffer manifest_of(fixture *self, uint32_t version, const alto_signing_key *root,
                               const alto_signing_key *const *signers, size_t count)
{
    alto_manifest manifest = self->origin->manifest;
    manifest.version = version;
    if (root)
        manifest.roots[0] = alto_signing_key_public(root);
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    assert_int_equal(alto_manifest_sign(&manifest, signers, count, &file), ALTO_OK);
    return file;
}

static void add(alto_buffer *list, alto_buffer *file)
{
    alto_buffer_add_u32(list, (uint32_t)file->size);
    alto_buffer_add_slice(list, alto_buffer_slice(file));
    alto_buffer_fini(file);
}

/* Root keys 0, then 1, of which 1 alone has signed the newest manifest. */
static void serve_two_changes(fixture *self)
{
    const alto_signing_key *const first[] = {self->origin->root, self->roots[0]};
    const alto_signing_key *const second[] = {self->roots[0], self->roots[1]};
    alto_buffer list = alto_buffer_make(ALTO_MAX_ROOT_LIST);
    alto_buffer one = manifest_of(self, 2, self->roots[0], first, 2);
    alto_buffer two = manifest_of(self, 3, self->roots[1], second, 2);
    alto_buffer newest = manifest_of(self, 4, self->roots[1], second + 1, 1);
    add(&list, &one);
    add(&list, &two);
    assert_int_equal(alto_archive_roots(self->origin->archive, alto_buffer_slice(&list)), ALTO_OK);
    assert_int_equal(alto_archive_manifest(self->origin->archive, alto_buffer_slice(&newest), 1, 4), ALTO_OK);
    alto_buffer_fini(&list);
    alto_buffer_fini(&newest);
}

static uint32_t version_held(const alto_replica *replica)
{
    const alto_manifest *held = alto_replica_manifest_now(replica);
    return held ? held->version : 0;
}

static void an_old_anchor_leads_to_the_newest_root_keys(void **state)
{
    fixture *self = *state;
    serve_two_changes(self);
    pull(self, self->replica);
    assert_int_equal(version_held(self->replica), 4);
    assert_non_null(alto_replica_view(self->replica));
    assert_int_equal(self->asked_manifest, 2);
    /* And from disk without asking. */
    alto_replica *again = new_replica(self);
    alto_slice list = alto_replica_roots(self->replica), file = alto_replica_manifest(self->replica);
    assert_int_equal(alto_replica_on_manifest(again, file, self->origin->now_ms), ALTO_UNKNOWN_KEY);
    assert_int_equal(alto_replica_on_roots(again, list, self->origin->now_ms), ALTO_OK);
    assert_int_equal(alto_replica_on_manifest(again, file, self->origin->now_ms), ALTO_OK);
    assert_int_equal(alto_replica_roots(again).size, list.size);
    alto_replica_destroy(&again);
}

static void who_lives_through_a_change_can_lead_others(void **state)
{
    fixture *self = *state;
    pull(self, self->replica);
    assert_int_equal(alto_replica_roots(self->replica).size, 0);
    const alto_signing_key *const both[] = {self->origin->root, self->roots[0]};
    alto_buffer change = manifest_of(self, 2, self->roots[0], both, 2);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&change), self->origin->now_ms),
                     ALTO_OK);
    alto_replica *late = new_replica(self);
    assert_int_equal(alto_replica_on_roots(late, alto_replica_roots(self->replica), self->origin->now_ms), ALTO_OK);
    /* From now on the replaced key has no say, whatever it signs. */
    const alto_signing_key *const replaced[] = {self->origin->root};
    alto_buffer back = manifest_of(self, 3, NULL, replaced, 1);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&back), self->origin->now_ms),
                     ALTO_UNKNOWN_KEY);
    assert_int_equal(version_held(self->replica), 2);
    alto_buffer_fini(&change);
    alto_buffer_fini(&back);
    alto_replica_destroy(&late);
}

static void root_keys_of_nobody_change_nothing(void **state)
{
    fixture *self = *state;
    pull(self, self->replica);
    const alto_signing_key *const stranger[] = {self->roots[2]};
    alto_buffer file = manifest_of(self, 2, self->roots[2], stranger, 1), list = alto_buffer_make(ALTO_MAX_ROOT_LIST);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&file), self->origin->now_ms),
                     ALTO_UNKNOWN_KEY);
    add(&list, &file);
    assert_int_equal(alto_archive_roots(self->origin->archive, alto_buffer_slice(&list)), ALTO_OK);
    assert_int_equal(pull(self, self->replica), 1); /* the list, once; and that is it */
    assert_int_equal(alto_counts_get(alto_replica_counts(self->replica), ALTO_UNKNOWN_KEY), 2);
    assert_int_equal(version_held(self->replica), 1);
    assert_int_equal(alto_replica_roots(self->replica).size, 0);
    alto_buffer_fini(&list);
}

static void without_a_list_nothing_is_asked_forever(void **state)
{
    fixture *self = *state;
    const alto_signing_key *const own[] = {self->roots[0]};
    alto_buffer file = manifest_of(self, 2, self->roots[0], own, 1);
    assert_int_equal(alto_archive_manifest(self->origin->archive, alto_buffer_slice(&file), 1, 2), ALTO_OK);
    assert_int_equal(pull(self, self->replica), 2); /* the manifest, and the list that is not there */
    alto_replica_want_head(self->replica);
    assert_int_equal(pull(self, self->replica), 2);
    assert_null(alto_replica_view(self->replica));
    alto_buffer_fini(&file);
}

static void what_a_revoked_key_signed_is_dropped_while_it_waits(void **state)
{
    fixture *self = *state;
    pull(self, self->replica);
    alto_position before = alto_replica_view(self->replica)->position;
    test_origin_put_cost_map(self->origin, "cost", "net", "numerical", "routingcost");
    for (size_t i = 0; i < self->origin->message_count; i++)
        if (!self->origin->messages[i].is_payload)
            test_deliver(self->replica, &self->origin->messages[i], self->origin->now_ms);
    assert_int_equal(alto_replica_state_now(self->replica, self->origin->now_ms), ALTO_REPLICA_SYNCING);
    alto_manifest manifest = self->origin->manifest;
    manifest.version = 2;
    manifest.online[0].key = alto_signing_key_public(self->online);
    const alto_signing_key *const root[] = {self->origin->root};
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    assert_int_equal(alto_manifest_sign(&manifest, root, 1, &file), ALTO_OK);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&file), self->origin->now_ms), ALTO_OK);
    assert_int_equal(alto_replica_state_now(self->replica, self->origin->now_ms), ALTO_REPLICA_LIVE);
    assert_int_equal(alto_position_compare(&alto_replica_view(self->replica)->position, &before), 0);
    test_origin_head(self->origin);
    const test_message *head = &self->origin->messages[self->origin->message_count - 1];
    assert_int_equal(test_deliver(self->replica, head, self->origin->now_ms), ALTO_UNKNOWN_KEY);
    alto_buffer_fini(&file);
}

static void no_manifest_before_one_that_has_expired_counts(void **state)
{
    fixture *self = *state;
    const alto_signing_key *const root[] = {self->origin->root};
    alto_manifest manifest = self->origin->manifest;
    manifest.version = 7;
    manifest.not_after_ms = self->origin->now_ms + 1000;
    alto_buffer expired = alto_buffer_make(ALTO_MAX_MANIFEST), older = manifest_of(self, 6, NULL, root, 1);
    alto_buffer newer = manifest_of(self, 8, NULL, root, 1);
    assert_int_equal(alto_manifest_sign(&manifest, root, 1, &expired), ALTO_OK);
    uint64_t later_ms = self->origin->now_ms + 1000;
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&expired), later_ms), ALTO_EXPIRED);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&older), later_ms), ALTO_OLD);
    assert_int_equal(version_held(self->replica), 0);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&newer), later_ms), ALTO_OK);
    alto_buffer_fini(&expired);
    alto_buffer_fini(&older);
    alto_buffer_fini(&newer);
}

static void under_a_manifest_that_expired_nothing_is_taken(void **state)
{
    fixture *self = *state;
    const alto_signing_key *const root[] = {self->origin->root};
    alto_manifest manifest = self->origin->manifest;
    manifest.version = 2;
    manifest.not_after_ms = self->origin->now_ms + 1000;
    alto_buffer file = alto_buffer_make(ALTO_MAX_MANIFEST);
    assert_int_equal(alto_manifest_sign(&manifest, root, 1, &file), ALTO_OK);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&file), self->origin->now_ms), ALTO_OK);
    pull(self, self->replica);
    assert_non_null(alto_replica_view(self->replica));
    self->origin->now_ms += 2500;
    test_origin_head(self->origin);
    const test_message *head = &self->origin->messages[self->origin->message_count - 1];
    assert_int_equal(test_deliver(self->replica, head, self->origin->now_ms), ALTO_EXPIRED);
    size_t before = self->asked_manifest;
    pull(self, self->replica);
    assert_int_equal(self->asked_manifest, before + 1);
    alto_buffer_fini(&file);
}

static void one_number_has_one_manifest_whoever_signed_it(void **state)
{
    fixture *self = *state;
    pull(self, self->replica);
    const alto_signing_key *const more[] = {self->roots[2], self->origin->root};
    alto_buffer same = manifest_of(self, 1, NULL, more, 2); /* a signer more, whom nobody knows */
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&same), self->origin->now_ms),
                     ALTO_KNOWN);
    self->origin->manifest.max_pushed_payload++;
    alto_buffer other = manifest_of(self, 1, NULL, more + 1, 1);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&other), self->origin->now_ms),
                     ALTO_FORK);
    assert_int_equal(alto_replica_manifest_now(self->replica)->max_pushed_payload, TEST_MAX_PUSHED);
    alto_buffer_fini(&same);
    alto_buffer_fini(&other);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        T(an_old_anchor_leads_to_the_newest_root_keys),
        T(who_lives_through_a_change_can_lead_others),
        T(root_keys_of_nobody_change_nothing),
        T(without_a_list_nothing_is_asked_forever),
        T(what_a_revoked_key_signed_is_dropped_while_it_waits),
        T(no_manifest_before_one_that_has_expired_counts),
        T(under_a_manifest_that_expired_nothing_is_taken),
        T(one_number_has_one_manifest_whoever_signed_it),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
