/* SPDX-License-Identifier: Apache-2.0 */
/* Every state of a replica, and what becomes of it by every event: one table. Time is the test's. */
#include "cmocka_all.h"
#include "core/replica.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000, MANY_PULLS = 50 };

typedef struct {
    test_origin *origin;
    alto_replica *replica;
} fixture;

static alto_replica *new_replica(const fixture *self)
{
    alto_replica *made = alto_replica_new(&self->origin->anchor, NULL, 0, &(alto_replica_events){0});
    assert_non_null(made);
    return made;
}

/* ---- what the origin does ---- */

static void commit(fixture *self)
{
    char text[200];
    self->origin->now_ms += SECOND;
    snprintf(text, sizeof text, "{\"cost-map\":{\"PID1\":{\"PID1\":1,\"PID2\":%llu}}}",
             (unsigned long long)self->origin->now_ms);
    test_origin_set(self->origin, "cost", test_json(self->origin->pool, text));
}

static void head(fixture *self)
{
    self->origin->now_ms += SECOND;
    test_origin_head(self->origin);
}

/* The newest message but `back`. */
static test_message *message(const fixture *self, size_t back)
{
    assert_true(back < self->origin->message_count);
    return &self->origin->messages[self->origin->message_count - 1 - back];
}

static alto_status deliver(fixture *self, const test_message *what)
{
    return test_deliver(self->replica, what, self->origin->now_ms);
}

/* A commit is two messages: itself and its payload. */
static alto_status commit_and_deliver(fixture *self)
{
    commit(self);
    alto_status status = deliver(self, message(self, 1));
    deliver(self, message(self, 0));
    return status;
}

static void pull_all(fixture *self)
{
    assert_true(test_pull(self->origin, self->replica, MANY_PULLS, NULL, NULL) < MANY_PULLS);
}

/* ---- the states ---- */

/* The origin has signed commit 1; the replica knows the manifest. */
static void become_empty(fixture *self)
{
    commit(self);
    alto_replica_on_manifest(self->replica, alto_buffer_slice(&self->origin->manifest_file), self->origin->now_ms);
}

/* Holds commit 1, and its head is fresh. */
static void become_live(fixture *self)
{
    become_empty(self);
    pull_all(self);
    head(self);
    deliver(self, message(self, 0));
}

/* Holds commit 1; commit 2 was lost, commit 3 and its payload wait. */
static void become_syncing(fixture *self)
{
    become_live(self);
    commit(self);
    commit_and_deliver(self);
}

/* Holds commit 1, and heard nothing for a minute. */
static void become_stale(fixture *self)
{
    become_live(self);
    self->origin->now_ms += 60 * SECOND;
}

/* ---- the events ---- */

static alto_status next_commit(fixture *self)
{
    return commit_and_deliver(self);
}

static alto_status commit_without_its_payload(fixture *self)
{
    commit(self);
    return deliver(self, message(self, 1));
}

static alto_status commit_after_a_lost_one(fixture *self)
{
    commit(self);
    return commit_and_deliver(self);
}

/* The lost one of `syncing`; elsewhere one that is held. */
static alto_status commit_that_comes_late(fixture *self)
{
    size_t lost = self->origin->message_count > 4 ? 3 : self->origin->message_count - 1;
    alto_status status = deliver(self, message(self, lost));
    deliver(self, message(self, lost - 1));
    return status;
}

static alto_status same_again(fixture *self)
{
    test_origin_head(self->origin);
    deliver(self, message(self, 0));
    return deliver(self, message(self, 0));
}

static alto_status newer_head(fixture *self)
{
    head(self);
    return deliver(self, message(self, 0));
}

static alto_status head_of_an_unknown_commit(fixture *self)
{
    commit(self);
    return newer_head(self);
}

static alto_status old_head(fixture *self)
{
    head(self);
    head(self);
    deliver(self, message(self, 0));
    return deliver(self, message(self, 1));
}

static alto_status new_chain(fixture *self)
{
    self->origin->now_ms += SECOND;
    test_origin_restart(self->origin, 200, true);
    test_origin_commit(self->origin, NULL, 0);
    return deliver(self, message(self, 0));
}

static alto_status head_of_a_new_chain(fixture *self)
{
    self->origin->now_ms += SECOND;
    test_origin_restart(self->origin, 200, true);
    test_origin_commit(self->origin, NULL, 0);
    return newer_head(self);
}

static alto_status old_chain(fixture *self)
{
    self->origin->now_ms += SECOND;
    test_origin_restart(self->origin, 50, true);
    test_origin_commit(self->origin, NULL, 0);
    return deliver(self, message(self, 0));
}

static alto_status new_epoch_before_its_manifest(fixture *self)
{
    test_origin_renew(self->origin, 2, 1, NULL, 50);
    return commit_and_deliver(self);
}

static alto_status manifest_of_a_new_epoch(fixture *self)
{
    test_origin_renew(self->origin, 2, 1, NULL, 50);
    return alto_replica_on_manifest(self->replica, alto_buffer_slice(&self->origin->manifest_file),
                                    self->origin->now_ms);
}

static alto_status new_epoch_behind_its_manifest(fixture *self)
{
    manifest_of_a_new_epoch(self);
    return commit_and_deliver(self);
}

static alto_status manifest_again(fixture *self)
{
    return alto_replica_on_manifest(self->replica, alto_buffer_slice(&self->origin->manifest_file),
                                    self->origin->now_ms);
}

static alto_status bad_manifest(fixture *self)
{
    self->origin->manifest_file.data[40] ^= 1;
    alto_status status = manifest_again(self);
    self->origin->manifest_file.data[40] ^= 1;
    return status;
}

/* The next commit, changed and signed anew. */
typedef void edit_fn(fixture *self, alto_statement *statement);

static alto_status deliver_edited(fixture *self, edit_fn *edit)
{
    alto_statement statement;
    commit(self);
    alto_buffer object = alto_buffer_make(ALTO_MAX_STATEMENT);
    assert_int_equal(alto_statement_decode(alto_buffer_slice(&message(self, 1)->object), &statement), ALTO_OK);
    edit(self, &statement);
    assert_int_equal(alto_statement_encode(&statement, &object), ALTO_OK);
    alto_statement_fini(&statement);
    alto_signature signature = test_origin_sign(self->origin, alto_buffer_slice(&object));
    alto_status status =
        alto_replica_on_statement(self->replica, alto_buffer_slice(&object), &signature, self->origin->now_ms);
    alto_buffer_fini(&object);
    return status;
}

static void edit_key(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->key_id.bytes[0] ^= 1;
}
static alto_status commit_by_an_unknown_key(fixture *self)
{
    return deliver_edited(self, edit_key);
}

static void edit_origin(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->origin.bytes[0] ^= 1;
}
static alto_status commit_of_another_origin(fixture *self)
{
    return deliver_edited(self, edit_origin);
}

static void edit_future(fixture *self, alto_statement *statement)
{
    statement->issued_at_ms = self->origin->now_ms + ALTO_MAX_CLOCK_MS + 1;
}
static alto_status commit_from_the_future(fixture *self)
{
    return deliver_edited(self, edit_future);
}

static void edit_expired(fixture *self, alto_statement *statement)
{
    statement->valid_for_s = 1;
    self->origin->now_ms += SECOND;
}
static alto_status commit_that_has_expired(fixture *self)
{
    return deliver_edited(self, edit_expired);
}

static void edit_prev(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->prev.bytes[0] ^= 1;
}
static alto_status commit_with_another_predecessor(fixture *self)
{
    return deliver_edited(self, edit_prev);
}

static alto_status commit_badly_signed(fixture *self)
{
    commit(self);
    message(self, 1)->signature.bytes[7] ^= 1;
    alto_status status = deliver(self, message(self, 1));
    message(self, 1)->signature.bytes[7] ^= 1;
    return status;
}

static alto_status half_a_commit(fixture *self)
{
    commit(self);
    alto_slice object = alto_buffer_slice(&message(self, 1)->object);
    object.size /= 2;
    return alto_replica_on_statement(self->replica, object, &message(self, 1)->signature, self->origin->now_ms);
}

static alto_status payload_of_an_unknown_commit(fixture *self)
{
    commit(self);
    return deliver(self, message(self, 0));
}

static alto_status wrong_payload(fixture *self)
{
    commit(self);
    deliver(self, message(self, 1));
    message(self, 0)->object.data[0] ^= 1;
    alto_status status = deliver(self, message(self, 0));
    message(self, 0)->object.data[0] ^= 1;
    return status;
}

/* Answers everything that the replica wants in one way. */
static alto_status answer(void *context, const alto_want *want, alto_buffer *bytes)
{
    (void)want;
    const alto_status *status = context;
    if (*status == ALTO_MALFORMED) { /* rubbish */
        alto_buffer_clear(bytes);
        alto_buffer_add_text(bytes, "<html>");
        return ALTO_OK;
    }
    return *status;
}

/* Ask for the newest, with so many answers of that kind; ALTO_OK. */
static alto_status pull(fixture *self, alto_status how)
{
    alto_replica_want_head(self->replica);
    test_pull(self->origin, self->replica, 10, answer, &how);
    return ALTO_OK;
}

static alto_status pulls_are_answered(fixture *self)
{
    return pull(self, ALTO_OK);
}

static alto_status news_are_pulled(fixture *self)
{
    commit(self);
    return pull(self, ALTO_OK);
}

static alto_status pulls_do_not_come_back(fixture *self)
{
    return pull(self, ALTO_IO);
}

static alto_status pulls_are_refused(fixture *self)
{
    return pull(self, ALTO_BUSY);
}

static alto_status pulls_find_nothing(fixture *self)
{
    return pull(self, ALTO_NOT_FOUND);
}

static alto_status pulls_bring_rubbish(fixture *self)
{
    return pull(self, ALTO_MALFORMED);
}

/* The lost statements were pulled, the rest comes to nothing. */
static alto_status pull_of_the_head_alone(fixture *self)
{
    alto_status no = ALTO_IO;
    alto_replica_want_head(self->replica);
    test_pull(self->origin, self->replica, 1, NULL, NULL);
    test_pull(self->origin, self->replica, 10, answer, &no);
    return ALTO_OK;
}

static alto_status ten_seconds(fixture *self)
{
    self->origin->now_ms += 10 * SECOND;
    return ALTO_OK;
}

static alto_status a_minute(fixture *self)
{
    self->origin->now_ms += 60 * SECOND;
    return ALTO_OK;
}

static alto_status two_hours_and_a_repeated_head(fixture *self)
{
    head(self);
    deliver(self, message(self, 0));
    self->origin->now_ms += UINT64_C(2) * 3600 * SECOND;
    return deliver(self, message(self, 0));
}

static alto_status clock_set_back(fixture *self)
{
    self->origin->now_ms -= 30 * SECOND;
    return ALTO_OK;
}

static alto_status clock_set_back_and_a_head(fixture *self)
{
    clock_set_back(self);
    head(self);
    return deliver(self, message(self, 0));
}

/* What is held is written, and read by another replica. */
static alto_status restart_from_disk(fixture *self)
{
    alto_slice object;
    alto_signature signature;
    alto_view *view = alto_view_retain(alto_replica_view(self->replica));
    alto_buffer file = alto_buffer_make(ALTO_MAX_STATEMENT);
    if (alto_replica_head(self->replica, &object, &signature))
        alto_buffer_add_slice(&file, object);
    alto_replica_destroy(&self->replica);
    self->replica = new_replica(self);
    manifest_again(self);
    alto_status status = ALTO_OK;
    if (view)
        status = alto_replica_restore(self->replica, alto_buffer_slice(&file), &signature, view->catalog,
                                      view->resources, view->count, self->origin->now_ms);
    alto_view_release(view);
    alto_buffer_fini(&file);
    return status;
}

/* ---- the table ---- */

#define STATES 4
static const struct {
    const char *name;
    void (*become)(fixture *self);
} states[STATES] = {
    {"empty", become_empty}, {"syncing", become_syncing}, {"live", become_live}, {"stale", become_stale}};

static const struct {
    const char *name;
    alto_status (*happen)(fixture *self);
    const char
        *from[STATES]; /* empty, syncing, live, stale: the answer, the state that it leads to, the seq held then */
} events[] = {
#define E(function) #function, function
    {E(next_commit), {"ok syncing 0", "ok syncing 1", "ok live 2", "ok live 2"}},
    {E(commit_without_its_payload), {"ok syncing 0", "ok syncing 1", "ok syncing 1", "ok syncing 1"}},
    {E(commit_after_a_lost_one), {"ok syncing 0", "ok syncing 1", "ok syncing 1", "ok syncing 1"}},
    {E(commit_that_comes_late), {"ok live 1", "ok live 3", "known live 1", "known stale 1"}},
    {E(same_again), {"known syncing 0", "known syncing 1", "known live 1", "known live 1"}},
    {E(newer_head), {"ok syncing 0", "known syncing 1", "ok live 1", "ok live 1"}},
    {E(head_of_an_unknown_commit), {"ok syncing 0", "ok syncing 1", "ok syncing 1", "ok syncing 1"}},
    {E(old_head), {"known syncing 0", "known syncing 1", "known live 1", "known live 1"}},
    {E(new_chain), {"ok syncing 0", "ok syncing 1", "ok live 1", "ok live 1"}},
    {E(head_of_a_new_chain), {"ok syncing 0", "ok syncing 1", "ok live 1", "ok live 1"}},
    {E(old_chain), {"ok syncing 0", "replayed syncing 1", "replayed live 1", "replayed stale 1"}},
    {E(new_epoch_before_its_manifest),
     {"unknown-key empty 0", "unknown-key syncing 1", "unknown-key live 1", "unknown-key stale 1"}},
    {E(manifest_of_a_new_epoch), {"ok empty 0", "ok syncing 1", "ok live 1", "ok stale 1"}},
    {E(new_epoch_behind_its_manifest), {"ok syncing 0", "ok syncing 1", "ok live 1", "ok live 1"}},
    {E(manifest_again), {"known empty 0", "known syncing 1", "known live 1", "known stale 1"}},
    {E(bad_manifest),
     {"wrong-origin empty 0", "wrong-origin syncing 1", "wrong-origin live 1", "wrong-origin stale 1"}},
    {E(commit_by_an_unknown_key),
     {"unknown-key empty 0", "unknown-key syncing 1", "unknown-key live 1", "unknown-key stale 1"}},
    {E(commit_of_another_origin),
     {"wrong-origin empty 0", "wrong-origin syncing 1", "wrong-origin live 1", "wrong-origin stale 1"}},
    {E(commit_from_the_future), {"future empty 0", "future syncing 1", "future live 1", "future stale 1"}},
    {E(commit_that_has_expired), {"expired empty 0", "expired syncing 1", "expired live 1", "expired stale 1"}},
    {E(commit_with_another_predecessor), {"ok syncing 0", "fork syncing 1", "fork live 1", "fork stale 1"}},
    {E(commit_badly_signed),
     {"bad-signature empty 0", "bad-signature syncing 1", "bad-signature live 1", "bad-signature stale 1"}},
    {E(half_a_commit), {"malformed empty 0", "malformed syncing 1", "malformed live 1", "malformed stale 1"}},
    {E(payload_of_an_unknown_commit),
     {"not-wanted empty 0", "not-wanted syncing 1", "not-wanted live 1", "not-wanted stale 1"}},
    {E(wrong_payload),
     {"digest-mismatch syncing 0", "digest-mismatch syncing 1", "digest-mismatch syncing 1",
      "digest-mismatch syncing 1"}},
    {E(pulls_are_answered), {"ok live 1", "ok live 3", "ok live 1", "ok stale 1"}},
    {E(news_are_pulled), {"ok live 2", "ok live 4", "ok live 2", "ok live 2"}},
    {E(pulls_do_not_come_back), {"ok empty 0", "ok syncing 1", "ok live 1", "ok stale 1"}},
    {E(pulls_are_refused), {"ok empty 0", "ok syncing 1", "ok live 1", "ok stale 1"}},
    {E(pulls_find_nothing), {"ok empty 0", "ok syncing 1", "ok live 1", "ok stale 1"}},
    {E(pulls_bring_rubbish), {"ok empty 0", "ok syncing 1", "ok live 1", "ok stale 1"}},
    {E(pull_of_the_head_alone), {"ok syncing 0", "ok syncing 1", "ok live 1", "ok stale 1"}},
    {E(ten_seconds), {"ok empty 0", "ok syncing 1", "ok live 1", "ok stale 1"}},
    {E(a_minute), {"ok empty 0", "ok stale 1", "ok stale 1", "ok stale 1"}},
    {E(two_hours_and_a_repeated_head), {"expired syncing 0", "expired stale 1", "expired stale 1", "expired stale 1"}},
    {E(clock_set_back), {"ok empty 0", "ok stale 1", "ok stale 1", "ok stale 1"}},
    {E(clock_set_back_and_a_head), {"ok syncing 0", "known syncing 1", "ok live 1", "ok live 1"}},
    {E(restart_from_disk), {"ok empty 0", "ok stale 1", "ok stale 1", "ok stale 1"}},
#undef E
};

static void every_event_in_every_state(void **unused)
{
    (void)unused;
    size_t wrong = 0;
    for (size_t i = 0; i < countof(events); i++)
        for (size_t j = 0; j < STATES; j++) {
            fixture self = {.origin = test_origin_new(7)};
            self.replica = new_replica(&self);
            states[j].become(&self);
            alto_replica_state before = alto_replica_state_now(self.replica, self.origin->now_ms);
            assert_string_equal(alto_replica_state_name(before), states[j].name);
            const char *status = alto_status_name(events[i].happen(&self));
            const alto_view *view = alto_replica_view(self.replica);
            alto_replica_state after = alto_replica_state_now(self.replica, self.origin->now_ms);
            char outcome[64];
            snprintf(outcome, sizeof outcome, "%s %s %llu", status, alto_replica_state_name(after),
                     view ? (unsigned long long)view->position.seq : 0);
            if (strcmp(outcome, events[i].from[j]) != 0) {
                print_error("%s, %s: %s\n", states[j].name, events[i].name, outcome);
                wrong++;
            }
            if (view)
                test_assert_signed(self.origin, view);
            alto_replica_destroy(&self.replica);
            test_origin_destroy(&self.origin);
        }
    assert_int_equal(wrong, 0);
}

/* Whatever happened, and in whatever state: when all is well again the replica becomes live with the newest. */
static void every_event_is_got_over(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < countof(events); i++)
        for (size_t j = 0; j < STATES; j++) {
            fixture self = {.origin = test_origin_new(7)};
            self.replica = new_replica(&self);
            states[j].become(&self);
            events[i].happen(&self);
            self.origin->now_ms += 60 * SECOND; /* clocks are right again */
            if (events[i].happen == old_chain)  /* and the origin's too, when it begins anew */
                test_origin_restart(self.origin, 300, true);
            commit(&self);
            newer_head(&self);
            for (int turn = 0; turn < 2; turn++) { /* a statement may wait for a manifest */
                alto_replica_want_head(self.replica);
                pull_all(&self);
            }
            const alto_view *view = alto_replica_view(self.replica), *wanted = test_origin_view(self.origin);
            bool level = view && alto_hash_equal(&view->commit_hash, &wanted->commit_hash);
            bool live = alto_replica_state_now(self.replica, self.origin->now_ms) == ALTO_REPLICA_LIVE;
            if (!level || !live)
                print_error("%s: %s\n", states[j].name, events[i].name);
            assert_true(level && live);
            alto_replica_destroy(&self.replica);
            test_origin_destroy(&self.origin);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_event_in_every_state),
                                       cmocka_unit_test(every_event_is_got_over)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
