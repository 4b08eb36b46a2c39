/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations of committer and replica fail while they take steps: whatever is visible is signed, nobody is blamed, and
 * once there is memory again the next head is enough to be level. (Versions and bytes: test_no_memory.c.) */
#include "cmocka_all.h"
#include "core/committer.h"
#include "origin.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    NETWORK_MAP = 1,
    COST_MAP = 2,
    BOTH = NETWORK_MAP | COST_MAP,
    LARGE = 300,
    PATIENCE_MS = 250,
    HEARTBEAT_MS = 5000
};

/* ---- an origin with a past ---- */

/* Where a replica can be put to begin with: a state as it is on disk. */
typedef struct {
    alto_view *view;
    alto_buffer head;
    alto_signature signature;
} saved_state;

typedef struct {
    test_origin *origin;
    saved_state saved;
    size_t last_head;  /* message: what a replica hears when it has memory again */
    unsigned missing;  /* bits of alto_want_type: not to be had */
    unsigned asked;    /* the same: what was asked for */
    uint64_t begin_ms; /* of each attempt */
    bool by_push;      /* the statements and payloads since the saved state are delivered, but for one that is lost */
    alto_replica *replica;

    alto_version *versions[2]; /* committer: cost map, network map */
    uint64_t seq;
    unsigned round;
    size_t log_count;
} fixture;

static alto_version *network_map(fixture *self, unsigned number, int pids)
{
    alto_buffer text = alto_buffer_make(1 << 20);
    alto_buffer_print(&text, "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t%u\"}},\"network-map\":{",
                      number);
    for (int i = 0; i < pids; i++)
        alto_buffer_print(&text, "%s\"PID%d\":{\"ipv4\":[\"10.%u.%d.%d/32\"]}", i ? "," : "", i, number, i / 256,
                          i % 256);
    alto_buffer_add_text(&text, "}}");
    alto_buffer_add_u8(&text, 0);
    alto_version *made = test_json(self->origin->pool, (const char *)text.data);
    alto_buffer_fini(&text);
    return made;
}

static alto_version *cost_map(fixture *self, unsigned tag, unsigned cost)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t%u\"}],\"cost-type\":{\"cost-mode\":"
             "\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"PID0\":{\"PID1\":1,\"PID2\":%u}}}",
             tag, cost);
    return test_json(self->origin->pool, text);
}

static size_t states_of(const fixture *self, alto_new_state states[2], unsigned which)
{
    static const char *const ids[] = {"cost", "net"};
    size_t count = 0;
    for (size_t i = 0; i < 2; i++)
        if (which & (i ? NETWORK_MAP : COST_MAP))
            states[count++] = (alto_new_state){.name = {.id = alto_slice_text(ids[i])},
                                               .version = self->versions[i],
                                               .flags = ALTO_ENTRY_REDISTRIBUTABLE};
    return count;
}

/* The next versions of both, whose nodes nothing is derived from yet. */
static void make_versions(fixture *self, unsigned number, int pids)
{
    for (size_t i = 0; i < 2; i++)
        alto_version_release(self->versions[i]);
    self->versions[0] = cost_map(self, number, number);
    self->versions[1] = network_map(self, number, pids);
}

static void commit(fixture *self, unsigned number, unsigned which, int pids)
{
    alto_new_state states[2];
    make_versions(self, number, pids);
    test_origin_commit(self->origin, states, states_of(self, states, which));
    self->origin->now_ms++;
}

static void save(fixture *self)
{
    const test_message *head = &self->origin->messages[self->origin->message_count - 1];
    self->saved = (saved_state){.view = alto_view_retain(test_origin_view(self->origin)),
                                .head = alto_buffer_make(ALTO_MAX_STATEMENT),
                                .signature = head->signature};
    alto_buffer_add_slice(&self->saved.head, alto_buffer_slice(&head->object));
}

/* A state that is saved, with so many other resources. */
static fixture *begin(int others)
{
    fixture *self = calloc(1, sizeof *self);
    self->origin = test_origin_new(9);
    for (int i = 0; i < others; i++) {
        char id[16];
        snprintf(id, sizeof id, "other-%02d", i);
        test_origin_set(self->origin, id, test_json(self->origin->pool, "{\"meta\":{}}"));
    }
    commit(self, 1, BOTH, 3);
    test_origin_head(self->origin);
    save(self);
    test_origin_forget_messages(self->origin);
    return self;
}

/* Two heads: one that ends an attempt, and one a heartbeat later. */
static void end_with_heads(fixture *self)
{
    test_origin_head(self->origin);
    self->begin_ms = self->origin->now_ms;
    self->origin->now_ms += HEARTBEAT_MS;
    test_origin_head(self->origin);
    self->last_head = self->origin->message_count - 1;
    self->origin->now_ms = self->begin_ms;
}

/* One commit of one small thing among many: itself it is less than the catalog. */
static int set_up_small_step(void **state)
{
    fixture *self = begin(20);
    commit(self, 2, COST_MAP, 3);
    end_with_heads(self);
    *state = self;
    return 0;
}

static int set_up(void **state)
{
    fixture *self = begin(0);
    commit(self, 2, BOTH, 4);
    commit(self, 3, COST_MAP, 4);
    commit(self, 4, BOTH, LARGE); /* too large to be pushed */
    commit(self, 5, COST_MAP, 4);
    end_with_heads(self);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    for (size_t i = 0; i < 2; i++)
        alto_version_release(self->versions[i]);
    alto_view_release(self->saved.view);
    alto_buffer_fini(&self->saved.head);
    test_origin_destroy(&self->origin);
    free(self);
    return 0;
}

/* ---- replica ---- */

static void on_applied(void *context, const alto_applied *applied)
{
    bool was_active = test_sweep_pause();
    test_assert_signed(((fixture *)context)->origin, applied->after);
    test_sweep_resume(was_active);
}

static alto_status decide(void *context, const alto_want *want, alto_buffer *bytes)
{
    (void)bytes;
    fixture *self = context;
    self->asked |= 1u << want->type;
    return self->missing >> want->type & 1 ? ALTO_NOT_FOUND : ALTO_OK;
}

static bool is_level(const fixture *self)
{
    const alto_view *ours = alto_replica_view(self->replica), *theirs = test_origin_view(self->origin);
    return ours && alto_hash_equal(&ours->commit_hash, &theirs->commit_hash);
}

static alto_status start(fixture *self)
{
    alto_replica_events events = {.applied = on_applied, .context = self};
    self->replica = alto_replica_new(&self->origin->anchor, NULL, 0, &events);
    return self->replica ? ALTO_OK : ALTO_NO_MEMORY;
}

static void pull(fixture *self)
{
    self->origin->now_ms += PATIENCE_MS;
    test_pull(self->origin, self->replica, 50, decide, self);
}

/* From nothing. */
static alto_status join(void *context)
{
    fixture *self = context;
    if (start(self) != ALTO_OK)
        return ALTO_NO_MEMORY;
    pull(self);
    return is_level(self) ? ALTO_OK : ALTO_NO_MEMORY;
}

/* From the saved state: by push, but for the first payload; or by the last head alone. */
static alto_status go_on(void *context)
{
    fixture *self = context;
    const saved_state *saved = &self->saved;
    if (start(self) != ALTO_OK)
        return ALTO_NO_MEMORY;
    alto_replica_on_manifest(self->replica, alto_buffer_slice(&self->origin->manifest_file), self->origin->now_ms);
    alto_replica_restore(self->replica, alto_buffer_slice(&saved->head), &saved->signature, saved->view->catalog,
                         saved->view->resources, saved->view->count, self->origin->now_ms);
    for (size_t i = 0; i < self->last_head; i++)
        if (self->by_push ? i != 1 : i + 1 == self->last_head)
            test_deliver(self->replica, &self->origin->messages[i], self->origin->now_ms);
    pull(self);
    return is_level(self) ? ALTO_OK : ALTO_NO_MEMORY;
}

/* Nobody outside did anything wrong. */
static void assert_no_blame(const alto_replica *replica)
{
    static const alto_status blames[] = {ALTO_MALFORMED,  ALTO_TOO_LARGE, ALTO_SYNTAX,        ALTO_INVALID,
                                         ALTO_WRONG_TYPE, ALTO_FORK,      ALTO_ROOT_MISMATCH, ALTO_DIGEST_MISMATCH,
                                         ALTO_FUTURE,     ALTO_EXPIRED,   ALTO_BAD_SIGNATURE, ALTO_STATE_MISMATCH};
    for (size_t i = 0; i < countof(blames); i++)
        if (alto_counts_get(alto_replica_counts(replica), blames[i]))
            fail_msg("counted: %s", alto_status_name(blames[i]));
}

/* With memory, the next heartbeat is enough. */
static void settle_replica(void *context, alto_status status)
{
    fixture *self = context;
    if (!self->replica)
        assert_int_equal(start(self), ALTO_OK);
    self->origin->now_ms += HEARTBEAT_MS;
    if (status != ALTO_OK)
        pull(self); /* the manifest, where that is missing */
    test_deliver(self->replica, &self->origin->messages[self->last_head], self->origin->now_ms);
    pull(self);
    assert_true(is_level(self));
    assert_int_equal(alto_replica_state_now(self->replica, self->origin->now_ms), ALTO_REPLICA_LIVE);
    assert_no_blame(self->replica);
    self->origin->now_ms = self->begin_ms;
    alto_replica_destroy(&self->replica);
}

static void joining(void **state)
{
    test_sweep_run(&(test_sweep){"join", join, settle_replica, 7}, *state);
}

static void following_push_with_a_payload_lost(void **state)
{
    fixture *self = *state;
    self->by_push = true;
    test_sweep_run(&(test_sweep){"push", go_on, settle_replica, 11}, self);
}

static void closing_a_gap_by_deltas(void **state)
{
    test_sweep_run(&(test_sweep){"gap, deltas", go_on, settle_replica, 7}, *state);
}

static void closing_a_gap_by_a_bundle(void **state)
{
    fixture *self = *state;
    test_sweep_run(&(test_sweep){"gap, bundle", go_on, settle_replica, 2}, self);
    assert_true(self->asked & 1u << ALTO_WANT_BUNDLE);
}

static void closing_a_gap_by_snapshots(void **state)
{
    fixture *self = *state;
    self->missing = 1u << ALTO_WANT_DELTA;
    test_sweep_run(&(test_sweep){"gap, snapshots", go_on, settle_replica, 7}, self);
}

/* ---- a longer manifest ---- */

typedef struct {
    fixture *past;
    alto_buffer longer;
} renewal;

static alto_status take_longer_manifest(void *context)
{
    const renewal *self = context;
    return alto_replica_on_manifest(self->past->replica, alto_buffer_slice(&self->longer), TEST_NOW_MS);
}

static void begin_with_short_manifest(fixture *self)
{
    alto_replica_destroy(&self->replica);
    assert_int_equal(start(self), ALTO_OK);
    assert_int_equal(
        alto_replica_on_manifest(self->replica, alto_buffer_slice(&self->origin->manifest_file), TEST_NOW_MS), ALTO_OK);
}

static void settle_manifest(void *context, alto_status status)
{
    const renewal *self = context;
    const alto_buffer *wanted = status == ALTO_OK ? &self->longer : &self->past->origin->manifest_file;
    assert_true(alto_slice_equal(alto_replica_manifest(self->past->replica), alto_buffer_slice(wanted)));
    assert_int_equal(take_longer_manifest(context), status == ALTO_OK ? ALTO_KNOWN : ALTO_OK);
    begin_with_short_manifest(self->past);
}

static void taking_a_longer_manifest(void **state)
{
    renewal self = {.past = *state, .longer = alto_buffer_make(ALTO_MAX_MANIFEST)};
    const test_origin *origin = self.past->origin;
    const alto_signing_key *roots[] = {origin->root};
    alto_manifest manifest = origin->manifest;
    manifest.version++;
    while (manifest.online_count < ALTO_MAX_KEYS) {
        alto_online_key *added = &manifest.online[manifest.online_count++];
        *added = manifest.online[0];
        added->key.bytes[0] = (uint8_t)(added->key.bytes[0] + manifest.online_count);
    }
    assert_int_equal(alto_manifest_sign(&manifest, roots, 1, &self.longer), ALTO_OK);
    begin_with_short_manifest(self.past);
    test_sweep_run(&(test_sweep){"manifest", take_longer_manifest, settle_manifest, 1}, &self);
    alto_replica_destroy(&self.past->replica);
    alto_buffer_fini(&self.longer);
}

/* ---- committer ---- */

static void prepare_commit(fixture *self)
{
    self->round++;
    make_versions(self, 10 + self->round, 20 + (int)(self->round % 7));
    self->seq = test_origin_view(self->origin)->position.seq;
    self->log_count = self->origin->log_count;
    test_origin_forget_messages(self->origin);
}

static alto_status try_commit(void *context)
{
    fixture *self = context;
    alto_new_state states[3];
    size_t count = states_of(self, states, BOTH);
    states[count++] = (alto_new_state){.name = {.id = alto_slice_text("other")},
                                       .version = self->round % 2 ? self->versions[0] : NULL,
                                       .flags = ALTO_ENTRY_REDISTRIBUTABLE};
    return alto_committer_commit(self->origin->committer, self->origin->pool, states, count, self->origin->now_ms);
}

static void settle_commit(void *context, alto_status status)
{
    fixture *self = context;
    if (status != ALTO_OK) {
        assert_int_equal(self->origin->log_count, self->log_count);
        assert_int_equal(test_origin_view(self->origin)->position.seq, self->seq);
        test_assert_signed(self->origin, test_origin_view(self->origin));
        assert_int_equal(try_commit(self), ALTO_OK);
    }
    assert_int_equal(self->origin->log_count, self->log_count + 1);
    assert_int_equal(test_origin_view(self->origin)->position.seq, self->seq + 1);
    test_assert_signed(self->origin, test_origin_view(self->origin));
    prepare_commit(self);
}

static void committing(void **state)
{
    prepare_commit(*state);
    test_sweep_run(&(test_sweep){"commit", try_commit, settle_commit, 1}, *state);
}

static void ignore_step(void *context, const alto_applied *applied)
{
    (void)context, (void)applied;
}

/* A committer of its own: taken up again, and its first head. */
static alto_status take_up(void *context)
{
    fixture *self = context;
    const alto_view *view = self->saved.view;
    alto_committer_options options = {.manifest = &self->origin->manifest,
                                      .keys = (const alto_signing_key *const[]){self->origin->online},
                                      .key_count = 1,
                                      .chain = 200,
                                      .valid_for_s = 3600,
                                      .applied = ignore_step};
    alto_committer *made = NULL;
    alto_buffer head = alto_buffer_make(ALTO_MAX_STATEMENT);
    alto_signature signature;
    alto_status status = alto_committer_new(&options, &made);
    if (status == ALTO_OK)
        status = alto_committer_restore(made, self->origin->pool, view->resources, view->count);
    if (status == ALTO_OK)
        status = alto_committer_commit(made, self->origin->pool, NULL, 0, self->origin->now_ms);
    if (status == ALTO_OK)
        status = alto_committer_head(made, self->origin->now_ms, &head, &signature);
    if (status == ALTO_OK) {
        assert_true(alto_hash_equal(&alto_committer_view(made)->state_root, &view->state_root));
        assert_true(alto_verify(&self->origin->manifest.online[0].key, alto_buffer_slice(&head), &signature));
    }
    if (made)
        alto_committer_destroy(&made);
    alto_buffer_fini(&head);
    return status;
}

static void settle_taken_up(void *context, alto_status status)
{
    const fixture *self = context;
    (void)status;
    test_assert_signed(self->origin, self->saved.view);
}

static void taking_up_a_state(void **state)
{
    test_sweep_run(&(test_sweep){"take up", take_up, settle_taken_up, 1}, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(joining, set_up, tear_down),
        cmocka_unit_test_setup_teardown(following_push_with_a_payload_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_a_gap_by_deltas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_a_gap_by_a_bundle, set_up_small_step, tear_down),
        cmocka_unit_test_setup_teardown(closing_a_gap_by_snapshots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(taking_a_longer_manifest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(committing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(taking_up_a_state, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
