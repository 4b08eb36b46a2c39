/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher and a replica in one process, with the test as the network between them and as the clock. */
#include "cmocka_all.h"
#include "core/replica.h"
#include "files.h"
#include "origin.h"
#include "versions.h"

#include <stdio.h>
#include <stdlib.h>

enum { WANT_TYPES = ALTO_WANT_ROOTS + 1, PATIENCE_MS = 250, QUIET_MS = 16000 };

#define BIT(type) (1u << (type))

typedef struct {
    test_origin *origin;
    alto_replica *replica;
    size_t applied, heads;     /* events so far */
    size_t changes, payloads;  /* of the last step */
    alto_route route;          /* of the last step */
    uint64_t bytes;            /* of the last step */
    size_t asked[WANT_TYPES];  /* pulls so far, by type */
    unsigned missing, failing; /* BIT(type)s that are answered with ALTO_NOT_FOUND, ALTO_IO */
    unsigned lying;            /* BIT(type)s whose answer is `lie` */
    alto_buffer lie;
    alto_buffer advice; /* what is answered to ALTO_WANT_SINCE, unless it is empty */
    size_t forks;
    alto_position fork; /* of the last one */
    alto_hash fork_hashes[2];
} fixture;

static void on_applied(void *context, const alto_applied *applied)
{
    fixture *self = context;
    self->applied++;
    self->changes = applied->change_count;
    self->route = applied->route;
    self->bytes = applied->bytes_received;
    self->payloads = 0;
    for (size_t i = 0; i < applied->change_count; i++)
        self->payloads += applied->changes[i].payload.size > 0;
    test_assert_signed(self->origin, applied->after);
    assert_true(alto_hash_equal(&applied->statement->state_root, &applied->after->state_root));
    assert_true(alto_verify(&self->origin->manifest.online[0].key, applied->object, &applied->signature));
}

static void on_head(void *context, alto_slice object, const alto_signature *signature)
{
    (void)signature;
    assert_true(object.size > 0);
    ((fixture *)context)->heads++;
}

/* Whatever is kept of a fork must prove it to anybody who has the manifest. */
static void on_fork(void *context, const alto_fork *fork)
{
    fixture *self = context;
    self->forks++;
    self->fork = fork->position;
    for (size_t i = 0; i < 2; i++) {
        self->fork_hashes[i] = fork->hashes[i];
        assert_true(alto_verify(&self->origin->manifest.online[0].key, fork->objects[i], &fork->signatures[i]));
        alto_statement said;
        assert_int_equal(alto_statement_decode(fork->objects[i], &said), ALTO_OK);
        bool of_it = alto_position_compare(&said.position, &fork->position) == 0;
        assert_true(alto_hash_equal(of_it ? &said.commit_hash : &said.prev, &fork->hashes[i]));
        alto_statement_fini(&said);
    }
    assert_false(alto_hash_equal(&fork->hashes[0], &fork->hashes[1]));
}

static alto_replica *new_replica(fixture *self, const char *const *follow, size_t count)
{
    alto_replica_events events = {.applied = on_applied, .head = on_head, .fork = on_fork, .context = self};
    alto_replica *replica = alto_replica_new(&self->origin->anchor, follow, count, &events);
    assert_non_null(replica);
    return replica;
}

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    self->origin = test_origin_new(7);
    self->replica = new_replica(self, NULL, 0);
    self->lie = alto_buffer_make(ALTO_MAX_PAYLOAD);
    self->advice = alto_buffer_make(ALTO_MAX_PAYLOAD);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    alto_replica_destroy(&self->replica);
    test_origin_destroy(&self->origin);
    alto_buffer_fini(&self->lie);
    alto_buffer_fini(&self->advice);
    free(self);
    return 0;
}

static alto_status decide(void *context, const alto_want *want, alto_buffer *bytes)
{
    fixture *self = context;
    self->asked[want->type]++;
    if (self->missing & BIT(want->type))
        return ALTO_NOT_FOUND;
    if (self->failing & BIT(want->type))
        return ALTO_IO;
    bool advised = want->type == ALTO_WANT_SINCE && self->advice.size;
    if (advised || (self->lying & BIT(want->type))) {
        alto_buffer_clear(bytes);
        alto_buffer_add_slice(bytes, alto_buffer_slice(advised ? &self->advice : &self->lie));
    }
    return ALTO_OK;
}

static size_t pull(fixture *self)
{
    return test_pull(self->origin, self->replica, 50, decide, self);
}

/* How many pulls there were since the last call, in all. */
static size_t pulls(fixture *self)
{
    size_t sum = 0;
    for (size_t i = 0; i < WANT_TYPES; i++)
        sum += self->asked[i];
    memset(self->asked, 0, sizeof self->asked);
    return sum;
}

static alto_version *network_map(fixture *self, const char *tag, unsigned octet)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"%s\"}},\"network-map\":{\"PID1\":{\"ipv4\":["
             "\"192.0.%u.0/24\"]},\"PID2\":{\"ipv4\":[\"0.0.0.0/0\"]}}}",
             tag, octet);
    return test_json(self->origin->pool, text);
}

static alto_version *cost_map(fixture *self, const char *tag, double cost)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"%s\"}],\"cost-type\":{\"cost-mode\":"
             "\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"PID1\":{\"PID1\":1,\"PID2\":%g}}}",
             tag, cost);
    return test_json(self->origin->pool, text);
}

/* One commit of a network map and its cost map. */
static void commit_both(fixture *self, const char *tag, unsigned octet)
{
    alto_version *cost = cost_map(self, tag, octet), *net = network_map(self, tag, octet);
    alto_new_state changes[] = {
        {.name = {.id = alto_slice_text("cost")}, .version = cost, .flags = ALTO_ENTRY_REDISTRIBUTABLE},
        {.name = {.id = alto_slice_text("net")}, .version = net, .flags = ALTO_ENTRY_REDISTRIBUTABLE}};
    test_origin_commit(self->origin, changes, countof(changes));
    alto_version_release(cost);
    alto_version_release(net);
}

static bool is_level(const fixture *self)
{
    const alto_view *ours = alto_replica_view(self->replica), *theirs = test_origin_view(self->origin);
    return ours && alto_hash_equal(&ours->state_root, &theirs->state_root) &&
           alto_hash_equal(&ours->commit_hash, &theirs->commit_hash);
}

static void assert_state(const fixture *self, alto_replica_state wanted)
{
    assert_string_equal(alto_replica_state_name(alto_replica_state_now(self->replica, self->origin->now_ms)),
                        alto_replica_state_name(wanted));
}

/* Two resources, joined, live; nothing recorded or counted yet. */
static void join(fixture *self)
{
    commit_both(self, "t1", 1);
    test_origin_head(self->origin);
    pull(self);
    assert_true(is_level(self));
    test_origin_forget_messages(self->origin);
    pulls(self);
    self->applied = self->heads = 0;
    self->origin->now_ms += 1000;
}

static alto_status deliver(fixture *self, size_t index)
{
    assert_true(index < self->origin->message_count);
    return test_deliver(self->replica, &self->origin->messages[index], self->origin->now_ms);
}

static uint64_t count_of(const fixture *self, alto_status status)
{
    return alto_counts_get(alto_replica_counts(self->replica), status);
}

/* ---- join and live ---- */

static void joining_pulls_manifest_head_catalog_and_snapshots(void **state)
{
    fixture *self = *state;
    assert_state(self, ALTO_REPLICA_EMPTY);
    commit_both(self, "t1", 1);
    test_origin_head(self->origin);
    pull(self);
    assert_true(is_level(self));
    assert_state(self, ALTO_REPLICA_LIVE);
    static const size_t wanted[WANT_TYPES] = {1, 1, 1, 0, 0, 2};
    assert_memory_equal(self->asked, wanted, sizeof wanted);
    assert_int_equal(self->applied, 1);
    assert_int_equal(self->changes, 2);
    assert_int_equal(self->route, ALTO_ROUTE_SNAPSHOT);
    assert_int_equal(alto_replica_manifest(self->replica).size, self->origin->manifest_file.size);
    assert_int_equal(alto_replica_statement(self->replica)->type, ALTO_HEAD);
}

static void joining_an_origin_without_resources_works(void **state)
{
    fixture *self = *state;
    test_origin_commit(self->origin, NULL, 0);
    pull(self);
    assert_true(is_level(self));
    assert_int_equal(alto_replica_view(self->replica)->count, 0);
    test_origin_forget_messages(self->origin);
    test_origin_set(self->origin, "net", network_map(self, "t1", 1));
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
}

static void a_pushed_commit_with_its_payloads_needs_no_pull(void **state)
{
    fixture *self = *state;
    join(self);
    commit_both(self, "t2", 2);
    assert_int_equal(self->origin->message_count, 3);
    uint64_t bytes = ALTO_SIGNATURE_SIZE;
    for (size_t i = 0; i < 3; i++) {
        bytes += self->origin->messages[i].object.size;
        assert_false(is_level(self));
        assert_state(self, i ? ALTO_REPLICA_SYNCING : ALTO_REPLICA_LIVE);
        assert_int_equal(deliver(self, i), ALTO_OK);
    }
    assert_true(is_level(self));
    assert_state(self, ALTO_REPLICA_LIVE);
    assert_int_equal(pull(self), 0);
    assert_int_equal(self->changes, 2);
    assert_int_equal(self->payloads, 2);
    assert_int_equal(self->bytes, bytes);
    assert_int_equal(self->route, ALTO_ROUTE_PUSH);
    alto_slice object;
    alto_signature signature;
    assert_true(alto_replica_head(self->replica, &object, &signature));
    assert_true(alto_slice_equal(object, alto_buffer_slice(&self->origin->messages[0].object)));
}

static void commits_queue_behind_one_that_lacks_a_payload(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2)); /* messages 0, 1 */
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 3)); /* messages 2, 3 */
    assert_int_equal(deliver(self, 0), ALTO_OK);
    assert_int_equal(deliver(self, 2), ALTO_OK);
    assert_int_equal(deliver(self, 3), ALTO_OK);
    assert_int_equal(self->applied, 0);
    assert_int_equal(deliver(self, 1), ALTO_OK);
    assert_int_equal(self->applied, 2);
    assert_true(is_level(self));
    assert_int_equal(pulls(self), 0);
}

static void a_payload_before_its_commit_is_pulled_later(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    assert_int_equal(deliver(self, 1), ALTO_NOT_WANTED);
    assert_int_equal(deliver(self, 0), ALTO_OK);
    assert_int_equal(alto_replica_next_want_ms(self->replica), self->origin->now_ms + PATIENCE_MS);
    assert_int_equal(pull(self), 0); /* it may still come */
    self->origin->now_ms += PATIENCE_MS;
    assert_int_equal(pull(self), 1);
    assert_int_equal(self->asked[ALTO_WANT_PAYLOAD], 1);
    assert_true(is_level(self));
    assert_int_equal(self->payloads, 1); /* the signed bytes: a relay can pass them on */
    assert_int_equal(alto_replica_next_want_ms(self->replica), UINT64_MAX);
}

static void a_clock_set_back_does_not_stop_repairs(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    deliver(self, 0);
    self->origin->now_ms -= 100;
    pull(self);
    assert_true(is_level(self));
}

static void a_lost_payload_is_sought_in_ever_other_ways(void **state)
{
    static const struct {
        const char *label;
        unsigned missing;
        size_t asked[WANT_TYPES];
    } cases[] = {{"payload", 0, {0, 0, 0, 1, 0, 0}},
                 {"delta", BIT(ALTO_WANT_PAYLOAD), {0, 0, 0, 1, 1, 0}},
                 {"snapshot", BIT(ALTO_WANT_PAYLOAD) | BIT(ALTO_WANT_DELTA), {0, 0, 0, 1, 1, 1}}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        fixture *self = *state;
        join(self);
        self->missing = cases[i].missing;
        test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
        deliver(self, 0);
        self->origin->now_ms += PATIENCE_MS;
        pull(self);
        assert_memory_equal(self->asked, cases[i].asked, sizeof cases[i].asked);
        assert_true(is_level(self));
        tear_down(state);
        set_up(state);
    }
}

static void with_no_way_left_it_asks_for_the_head_again(void **state)
{
    fixture *self = *state;
    join(self);
    const alto_view *before = alto_replica_view(self->replica);
    self->missing = BIT(ALTO_WANT_PAYLOAD) | BIT(ALTO_WANT_DELTA) | BIT(ALTO_WANT_SNAPSHOT);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    deliver(self, 0);
    self->origin->now_ms += PATIENCE_MS;
    assert_int_equal(test_pull(self->origin, self->replica, 4, decide, self), 4);
    assert_int_equal(self->asked[ALTO_WANT_HEAD], 1);
    assert_ptr_equal(alto_replica_view(self->replica), before);
    self->missing = 0;
    pull(self);
    assert_true(is_level(self));
}

static void a_pull_that_failed_on_the_way_is_tried_again(void **state)
{
    fixture *self = *state;
    join(self);
    self->failing = BIT(ALTO_WANT_PAYLOAD);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    deliver(self, 0);
    self->origin->now_ms += PATIENCE_MS;
    test_pull(self->origin, self->replica, 3, decide, self);
    assert_int_equal(self->asked[ALTO_WANT_PAYLOAD], 3);
    self->failing = 0;
    pull(self);
    assert_int_equal(self->asked[ALTO_WANT_DELTA], 0);
    assert_true(is_level(self));
}

static void a_payload_that_comes_by_push_while_it_is_pulled_is_used_once(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    deliver(self, 0);
    self->origin->now_ms += PATIENCE_MS;
    alto_want want;
    assert_int_equal(alto_replica_wants(self->replica, &want, 1, self->origin->now_ms), 1);
    assert_int_equal(alto_replica_wants(self->replica, &want, 1, self->origin->now_ms), 0); /* under way */
    assert_int_equal(deliver(self, 1), ALTO_OK);
    assert_true(is_level(self));
    assert_int_equal(alto_replica_pulled(self->replica, &want, alto_buffer_slice(&self->origin->messages[1].object),
                                         self->origin->now_ms),
                     ALTO_NOT_WANTED);
    assert_int_equal(self->applied, 1);
}

static void a_payload_too_large_to_be_pushed_is_pulled_at_once(void **state)
{
    fixture *self = *state;
    join(self);
    alto_buffer text = alto_buffer_make(1 << 20);
    test_random random = {5};
    alto_buffer_print(&text, "{\"cost-map\":{");
    for (unsigned i = 0; i < 2000; i++)
        alto_buffer_print(&text, "%s\"P%u\":{\"Q\":%llu}", i ? "," : "", i,
                          (unsigned long long)test_random_below(&random, 1u << 30));
    alto_buffer_print(&text, "}}%c", 0);
    test_origin_set(self->origin, "large", test_json(self->origin->pool, (const char *)text.data));
    alto_buffer_fini(&text);
    assert_int_equal(self->origin->message_count, 1);
    deliver(self, 0);
    pull(self);
    assert_int_equal(self->asked[ALTO_WANT_PAYLOAD], 1);
    assert_true(is_level(self));
}

/* ---- gaps, chains, heads ---- */

/* Advice about the newest state, with these sizes for `cost` and `net`. */
static void advise(fixture *self, const char *commits, unsigned catalog, const char *delta, unsigned snapshot)
{
    const alto_view *view = test_origin_view(self->origin);
    alto_buffer_clear(&self->advice);
    alto_buffer_print(&self->advice, "{\"head\":\"1.%llu.%llu\",\"commits\":%s,\"catalog-bytes\":%u,\"resources\":[",
                      (unsigned long long)view->position.chain, (unsigned long long)view->position.seq, commits,
                      catalog);
    for (size_t i = 0; i < view->count; i++) {
        char root[2 * ALTO_HASH_SIZE + 1];
        alto_hex(root, view->resources[i]->entry.root.bytes, ALTO_HASH_SIZE);
        alto_buffer_print(&self->advice,
                          "%s{\"id\":\"%.*s\",\"from\":null,\"to\":\"%s\",\"delta-bytes\":%s,"
                          "\"snapshot-bytes\":%u}",
                          i ? "," : "", (int)view->resources[i]->name.id.size,
                          (const char *)view->resources[i]->name.id.data, root, delta, snapshot);
    }
    alto_buffer_print(&self->advice, "]}");
}

/* Advice that the missing commits are the fewest bytes. */
static void advise_commits(fixture *self)
{
    advise(self, "{\"count\":1,\"bytes\":1}", 100, "100", 100);
}

static void a_lost_commit_is_bridged_by_the_missing_ones(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    commit_both(self, "t2", 2);
    test_origin_set(self->origin, "cost", cost_map(self, "t2", 9));
    assert_int_equal(deliver(self, 5), ALTO_OK);
    assert_state(self, ALTO_REPLICA_SYNCING);
    deliver(self, 6);
    advise_commits(self);
    pull(self);
    static const size_t wanted[WANT_TYPES] = {[ALTO_WANT_SINCE] = 1, [ALTO_WANT_BUNDLE] = 1};
    assert_memory_equal(self->asked, wanted, sizeof wanted);
    assert_true(is_level(self));
    assert_int_equal(self->applied, 3);
    assert_int_equal(self->payloads, 1);                     /* the signed bytes, for those behind us */
    assert_int_equal(count_of(self, ALTO_ROOT_MISMATCH), 0); /* a gap is nobody's fault */
}

static void a_gap_is_closed_in_the_ways_that_are_offered(void **state)
{
    static const struct {
        const char *label;
        unsigned missing;
        size_t asked[WANT_TYPES];
        alto_route route;
    } cases[] = {{"bundle", 0, {[ALTO_WANT_SINCE] = 1, [ALTO_WANT_BUNDLE] = 1}, ALTO_ROUTE_COMMITS},
                 {"deltas",
                  BIT(ALTO_WANT_BUNDLE),
                  {[ALTO_WANT_SINCE] = 1, [ALTO_WANT_BUNDLE] = 1, [ALTO_WANT_CATALOG] = 1, [ALTO_WANT_DELTA] = 2},
                  ALTO_ROUTE_DELTA},
                 {"deltas of an older server",
                  BIT(ALTO_WANT_SINCE),
                  {[ALTO_WANT_SINCE] = 1, [ALTO_WANT_CATALOG] = 1, [ALTO_WANT_DELTA] = 2},
                  ALTO_ROUTE_DELTA},
                 {"snapshots",
                  BIT(ALTO_WANT_SINCE) | BIT(ALTO_WANT_DELTA),
                  {[ALTO_WANT_SINCE] = 1, [ALTO_WANT_CATALOG] = 1, [ALTO_WANT_DELTA] = 2, [ALTO_WANT_SNAPSHOT] = 2},
                  ALTO_ROUTE_SNAPSHOT}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        fixture *self = *state;
        join(self);
        commit_both(self, "t2", 2);
        test_origin_head(self->origin);
        self->missing = cases[i].missing;
        assert_int_equal(deliver(self, 3), ALTO_OK);
        advise_commits(self);
        pull(self);
        assert_memory_equal(self->asked, cases[i].asked, sizeof cases[i].asked);
        assert_true(is_level(self));
        assert_int_equal(self->applied, 1);
        assert_string_equal(alto_route_name(self->route), alto_route_name(cases[i].route));
        tear_down(state);
        set_up(state);
    }
}

static void the_way_of_the_fewest_bytes_is_taken(void **state)
{
    static const struct {
        const char *label, *commits;
        unsigned catalog;
        const char *delta;
        unsigned snapshot;
        bool part; /* only "cost" is followed */
        alto_route route;
    } cases[] = {{"commits", "{\"count\":1,\"bytes\":299}", 100, "100", 5000, false, ALTO_ROUTE_COMMITS},
                 {"as many bytes", "{\"count\":1,\"bytes\":300}", 100, "100", 5000, false, ALTO_ROUTE_COMMITS},
                 {"deltas", "{\"count\":1,\"bytes\":301}", 100, "100", 5000, false, ALTO_ROUTE_DELTA},
                 {"deltas of a part", "{\"count\":1,\"bytes\":201}", 100, "100", 5000, true, ALTO_ROUTE_DELTA},
                 {"no commits", "null", 100, "100", 5000, false, ALTO_ROUTE_DELTA},
                 {"snapshots", "{\"count\":1,\"bytes\":301}", 100, "101", 99, false, ALTO_ROUTE_SNAPSHOT},
                 {"no deltas", "null", 100, "null", 5000, false, ALTO_ROUTE_SNAPSHOT},
                 {"commits beyond any bundle", "{\"count\":1,\"bytes\":33554433}", 100, "900000000", 900000000, false,
                  ALTO_ROUTE_DELTA}};
    static const char *const part[] = {"cost"};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        fixture *self = *state;
        if (cases[i].part) {
            alto_replica_destroy(&self->replica);
            self->replica = new_replica(self, part, 1);
        }
        join(self);
        commit_both(self, "t2", 2);
        test_origin_head(self->origin);
        advise(self, cases[i].commits, cases[i].catalog, cases[i].delta, cases[i].snapshot);
        deliver(self, 3);
        pull(self);
        assert_true(is_level(self));
        assert_string_equal(alto_route_name(self->route), alto_route_name(cases[i].route));
        assert_int_equal(self->asked[ALTO_WANT_DELTA] + self->asked[ALTO_WANT_SNAPSHOT],
                         cases[i].route == ALTO_ROUTE_COMMITS ? 0
                         : cases[i].part                      ? 1
                                                              : 2);
        tear_down(state);
        set_up(state);
    }
}

static void bad_advice_costs_a_question_and_no_more(void **state)
{
    static const char *const lies[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"head\":\"1.2.3\"}",
        "{\"catalog-bytes\":1}",
        "{\"head\":\"1.2\",\"catalog-bytes\":1}",
        "{\"head\":\"1.2.3.4\",\"catalog-bytes\":1}",
        "{\"head\":\"1.02.3\",\"catalog-bytes\":1}",
        "{\"head\":\"4294967296.2.3\",\"catalog-bytes\":1}",
        "{\"head\":\"1.2.3\",\"catalog-bytes\":-1}",
        "{\"head\":\"1.2.3\",\"catalog-bytes\":99999999999999999999}",
        "{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"commits\":[]}",
        "{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"commits\":{\"bytes\":\"1\"}}",
        "{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"resources\":{}}",
        "{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"resources\":[1]}",
        "{\"head\":\"1.2.3\",\"catalog-bytes\":1,\"resources\":[{\"id\":\"x\",\"to\":\"00\"}]}"};
    for (size_t i = 0; i < countof(lies); i++) {
        fixture *self = *state;
        join(self);
        commit_both(self, "t2", 2);
        test_origin_head(self->origin);
        alto_buffer_add_text(&self->lie, lies[i]);
        self->lying = BIT(ALTO_WANT_SINCE);
        deliver(self, 3);
        pull(self);
        assert_true(is_level(self));
        assert_int_equal(self->asked[ALTO_WANT_SINCE], 2);
        assert_int_equal(count_of(self, ALTO_MALFORMED), 2);
        tear_down(state);
        set_up(state);
    }
}

static void bad_bundles_change_nothing(void **state)
{
    for (size_t cut = 0; cut < 8; cut++) {
        fixture *self = *state;
        alto_want want;
        join(self);
        const alto_view *before = alto_replica_view(self->replica);
        commit_both(self, "t2", 2);
        test_origin_head(self->origin);
        alto_slice commit = alto_buffer_slice(&self->origin->messages[0].object);
        size_t size = commit.size + ALTO_SIGNATURE_SIZE;
        static const uint8_t types[] = {'c', 'x', 'p', 'c'};
        alto_buffer_add_u8(&self->lie, types[cut % 4]);
        alto_buffer_add_u32(&self->lie, (uint32_t)(cut == 3 ? size + 1 : size));
        alto_buffer_add_slice(&self->lie, commit);
        alto_buffer_add(&self->lie, &self->origin->messages[0].signature, ALTO_SIGNATURE_SIZE);
        if (cut == 0)
            self->lie.data[self->lie.size - 9] ^= 1; /* of the signature */
        if (cut > 3)
            self->lie.size = cut - 4; /* nothing, or a piece of an item's beginning */
        self->lying = BIT(ALTO_WANT_BUNDLE);
        advise_commits(self);
        deliver(self, 3);
        test_pull(self->origin, self->replica, 2, decide, self);
        assert_int_equal(self->asked[ALTO_WANT_BUNDLE], 1);
        assert_ptr_equal(alto_replica_view(self->replica), before);
        assert_int_equal(count_of(self, ALTO_MALFORMED) + count_of(self, ALTO_BAD_SIGNATURE),
                         cut == 2 || cut == 4 ? 0 : 1);
        assert_int_equal(alto_replica_wants(self->replica, &want, 1, self->origin->now_ms), 1);
        assert_int_equal(want.type, ALTO_WANT_CATALOG);
        alto_replica_pull_failed(self->replica, &want, ALTO_IO);
        pull(self);
        assert_true(is_level(self));
        tear_down(state);
        set_up(state);
    }
}

static void a_gap_waits_for_a_second_upstream(void **state)
{
    fixture *self = *state;
    join(self);
    alto_replica_set_gap_patience(self->replica, 100);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2)); /* 0, 1 */
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 3)); /* 2, 3 */
    test_origin_head(self->origin);                                 /* 4 */
    deliver(self, 4);
    assert_int_equal(alto_replica_next_want_ms(self->replica), self->origin->now_ms + 100);
    assert_int_equal(pull(self), 0);
    deliver(self, 2);
    deliver(self, 0); /* the commits, in any order, take their places */
    assert_int_equal(self->applied, 0);
    deliver(self, 1);
    assert_int_equal(self->applied, 1);
    assert_int_equal(deliver(self, 2), ALTO_OK); /* not known before: it followed nothing that was held */
    deliver(self, 3);
    assert_true(is_level(self));
    assert_int_equal(self->route, ALTO_ROUTE_PUSH);
    assert_int_equal(pulls(self), 0);
}

static void the_same_from_a_second_upstream_is_known(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    deliver(self, 0);
    assert_int_equal(deliver(self, 0), ALTO_KNOWN);
    deliver(self, 1);
    assert_int_equal(deliver(self, 0), ALTO_KNOWN);
    assert_int_equal(deliver(self, 1), ALTO_NOT_WANTED);
    test_message *commit = &self->origin->messages[0];
    commit->signature.bytes[5] ^= 1; /* what is known under another signature is looked at */
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 3));
    deliver(self, 2);
    commit = &self->origin->messages[2];
    commit->signature.bytes[5] ^= 1;
    assert_int_equal(deliver(self, 2), ALTO_BAD_SIGNATURE);
    commit->signature.bytes[5] ^= 1;
    deliver(self, 3);
    assert_true(is_level(self));
    assert_int_equal(self->applied, 2);
}

static void a_new_chain_with_the_same_content_costs_nothing(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_restart(self->origin, 200, true);
    test_origin_commit(self->origin, NULL, 0);
    assert_int_equal(self->origin->message_count, 1);
    assert_int_equal(deliver(self, 0), ALTO_OK);
    assert_true(is_level(self));
    assert_int_equal(pulls(self), 0);
    assert_int_equal(self->changes, 0);
    assert_int_equal(alto_replica_view(self->replica)->position.chain, 200);
}

static void a_new_chain_of_a_publisher_that_lost_its_state_needs_no_pull_for_what_is_held(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_restart(self->origin, 200, false);
    commit_both(self, "t1", 1);
    assert_int_equal(deliver(self, 0), ALTO_OK);
    assert_true(is_level(self)); /* no payload was needed: the roots are those held */
    test_origin_restart(self->origin, 300, false);
    test_origin_forget_messages(self->origin);
    commit_both(self, "t3", 3);
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
    assert_int_equal(self->payloads, 2); /* from nothing */
    assert_int_equal(pulls(self), 0);
}

static void a_new_chain_may_be_dated_before_the_old_one(void **state)
{
    fixture *self = *state;
    join(self);
    self->origin->now_ms += 60000;
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    test_deliver_all(self->origin, self->replica);
    test_origin_forget_messages(self->origin);
    self->origin->now_ms -= 50000; /* its clock was set right, and it was started again */
    test_origin_restart(self->origin, 200, true);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 3));
    self->origin->now_ms += 50000;
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
}

static void what_came_before_is_known(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2)); /* 0, 1 */
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 3)); /* 2, 3 */
    deliver(self, 0);
    deliver(self, 2);
    assert_int_equal(deliver(self, 0), ALTO_KNOWN); /* both wait */
    assert_int_equal(deliver(self, 2), ALTO_KNOWN);
    assert_int_equal(deliver(self, 3), ALTO_OK);
    assert_int_equal(deliver(self, 3), ALTO_KNOWN);
    assert_int_equal(deliver(self, 1), ALTO_OK);
    assert_true(is_level(self));
    assert_int_equal(deliver(self, 2), ALTO_KNOWN);
    assert_int_equal(deliver(self, 0), ALTO_REPLAYED);
    assert_int_equal(deliver(self, 1), ALTO_NOT_WANTED);
    test_origin_head(self->origin);
    test_origin_head(self->origin);
    assert_int_equal(deliver(self, 5), ALTO_OK);
    assert_int_equal(deliver(self, 5), ALTO_KNOWN);
    assert_int_equal(deliver(self, 4), ALTO_KNOWN); /* issued before that */
    assert_int_equal(self->heads, 1);
    assert_int_equal(self->applied, 2);
}

static void three_hundred_commits_behind_a_lost_one_are_caught_up_with(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "net", network_map(self, "t1x", 2));
    test_origin_forget_messages(self->origin); /* lost */
    for (unsigned i = 0; i < 300; i++) {
        self->origin->now_ms++;
        test_origin_set(self->origin, "cost", cost_map(self, "t1", 3 + i));
    }
    alto_want slow;
    for (size_t i = 0; i < self->origin->message_count; i++) {
        deliver(self, i);
        if (i == 0) /* a slow pull, under way while all the rest comes */
            assert_int_equal(alto_replica_wants(self->replica, &slow, 1, self->origin->now_ms), 1);
    }
    assert_int_equal(self->applied, 0);
    assert_int_equal(slow.type, ALTO_WANT_SINCE);
    alto_replica_pull_failed(self->replica, &slow, ALTO_NOT_FOUND); /* its work went on */
    pull(self);
    assert_true(is_level(self));
    assert_int_equal(self->asked[ALTO_WANT_CATALOG], 1); /* the rest changed nothing but what the newest changes */
    assert_int_equal(self->asked[ALTO_WANT_SINCE], 0);
}

/* ---- refusals ---- */

/* The newest statement that the origin made, changed and signed anew. */
typedef void edit_fn(fixture *self, alto_statement *statement);

static void edit_nothing(fixture *self, alto_statement *statement)
{
    (void)self, (void)statement;
}
static void edit_key(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->key_id.bytes[0] ^= 1;
}
static void edit_epoch(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->manifest_epoch = statement->position.epoch = 2;
}
static void edit_origin(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->origin.bytes[5] ^= 1;
}
static void edit_to_fork(fixture *self, alto_statement *statement)
{
    statement->position.seq = alto_replica_view(self->replica)->position.seq;
}
static void edit_prev(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->prev.bytes[0] ^= 1;
}
static void edit_no_prev(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->has_prev = false;
}
static void edit_to_old(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->position.chain--;
}
static void edit_to_old_head(fixture *self, alto_statement *statement)
{
    edit_to_old(self, statement);
    free(statement->changes);
    statement->changes = NULL;
    statement->change_count = 0;
    statement->type = ALTO_HEAD;
}
static void edit_to_far_ahead(fixture *self, alto_statement *statement)
{
    statement->position.chain = self->origin->now_ms + ALTO_MAX_AHEAD_MS + 1;
}
static void edit_to_the_last(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->position.chain = statement->position.seq = (UINT64_C(1) << 53) - 1;
}
static void edit_to_future(fixture *self, alto_statement *statement)
{
    statement->issued_at_ms = self->origin->now_ms + ALTO_MAX_CLOCK_MS + 1;
}
static void edit_before_predecessor(fixture *self, alto_statement *statement)
{
    statement->issued_at_ms = alto_replica_statement(self->replica)->issued_at_ms - 1;
}
static void edit_to_expired(fixture *self, alto_statement *statement)
{
    statement->valid_for_s = 1;
    self->origin->now_ms = statement->issued_at_ms + 1000;
}

static void edit_to_expire_soon(fixture *self, alto_statement *statement)
{
    (void)self;
    statement->valid_for_s = 7; /* another commit, in order otherwise */
}

static alto_buffer edited(fixture *self, edit_fn *edit, alto_signature *signature)
{
    alto_statement statement;
    alto_slice original = alto_buffer_slice(&self->origin->messages[0].object);
    alto_buffer out = alto_buffer_make(ALTO_MAX_STATEMENT);
    assert_int_equal(alto_statement_decode(original, &statement), ALTO_OK);
    edit(self, &statement);
    assert_int_equal(alto_statement_encode(&statement, &out), ALTO_OK);
    alto_statement_fini(&statement);
    *signature = test_origin_sign(self->origin, alto_buffer_slice(&out));
    return out;
}

typedef struct {
    const alto_view *view;
    alto_hash state_root;
    alto_replica_state state;
    size_t applied, heads;
} standing;

static standing standing_of(const fixture *self)
{
    const alto_view *view = alto_replica_view(self->replica);
    return (standing){view, view->state_root, alto_replica_state_now(self->replica, self->origin->now_ms),
                      self->applied, self->heads};
}

/* Refused with that status, counted, and without any consequence. */
static void assert_refused(fixture *self, alto_slice object, const alto_signature *signature, alto_status wanted)
{
    standing before = standing_of(self);
    uint64_t count = count_of(self, wanted);
    alto_status status = alto_replica_on_statement(self->replica, object, signature, self->origin->now_ms);
    assert_string_equal(alto_status_name(status), alto_status_name(wanted));
    assert_int_equal(count_of(self, wanted), count + 1);
    standing after = standing_of(self);
    assert_ptr_equal(after.view, before.view);
    assert_true(alto_hash_equal(&after.state_root, &before.state_root));
    assert_int_equal(after.state, before.state);
    assert_int_equal(after.applied, before.applied);
    assert_int_equal(after.heads, before.heads);
}

static void every_bad_statement_is_refused_for_its_own_reason(void **state)
{
    static const struct {
        const char *label;
        edit_fn *edit;
        alto_status status;
    } cases[] = {{"unknown key", edit_key, ALTO_UNKNOWN_KEY},
                 {"another epoch", edit_epoch, ALTO_UNKNOWN_KEY},
                 {"wrong origin", edit_origin, ALTO_WRONG_ORIGIN},
                 {"other commit at our position", edit_to_fork, ALTO_FORK},
                 {"next commit, other predecessor", edit_prev, ALTO_FORK},
                 {"next commit, no predecessor", edit_no_prev, ALTO_FORK},
                 {"older chain", edit_to_old, ALTO_REPLAYED},
                 {"head of an older chain", edit_to_old_head, ALTO_OLD},
                 {"chain that begins in the future", edit_to_far_ahead, ALTO_FAST_FORWARD},
                 {"nothing could come after it", edit_to_the_last, ALTO_FAST_FORWARD},
                 {"future", edit_to_future, ALTO_FUTURE},
                 {"before its predecessor", edit_before_predecessor, ALTO_BACKDATED},
                 {"expired", edit_to_expired, ALTO_EXPIRED}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        fixture *self = *state;
        join(self);
        alto_signature signature;
        test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
        alto_buffer object = edited(self, cases[i].edit, &signature);
        assert_refused(self, alto_buffer_slice(&object), &signature, cases[i].status);
        alto_buffer_fini(&object);
        assert_int_equal(self->forks, cases[i].status == ALTO_FORK);
        if (self->forks) {
            const alto_view *view = alto_replica_view(self->replica);
            assert_int_equal(alto_position_compare(&self->fork, &view->position), 0);
            assert_true(alto_hash_equal(&self->fork_hashes[0], &view->commit_hash));
        }
        test_deliver_all(self->origin, self->replica);
        assert_true(is_level(self)); /* it goes on */
        tear_down(state);
        set_up(state);
    }
}

static void damaged_bytes_are_refused(void **state)
{
    fixture *self = *state;
    join(self);
    alto_signature signature;
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    alto_buffer object = edited(self, edit_nothing, &signature);
    alto_slice whole = alto_buffer_slice(&object);
    alto_signature flipped = signature;
    flipped.bytes[40] ^= 1;
    assert_refused(self, whole, &flipped, ALTO_BAD_SIGNATURE);
    assert_refused(self, alto_slice_of(NULL, 0), &signature, ALTO_MALFORMED);
    for (size_t size = 1; size < whole.size; size += 7)
        assert_refused(self, alto_slice_of(whole.data, size), &signature, ALTO_MALFORMED);
    static uint8_t huge[ALTO_MAX_STATEMENT + 1];
    assert_refused(self, alto_slice_of(huge, sizeof huge), &signature, ALTO_TOO_LARGE);
    object.data[18]++; /* altocast-commit-2 */
    assert_refused(self, whole, &signature, ALTO_WRONG_TYPE);
    object.data[18]--;
    object.data[whole.size / 2] ^= 1; /* inside of a hash or so: whatever it is, it is not taken */
    standing before = standing_of(self);
    assert_int_not_equal(alto_replica_on_statement(self->replica, whole, &signature, self->origin->now_ms), ALTO_OK);
    assert_ptr_equal(alto_replica_view(self->replica), before.view);
    alto_buffer_fini(&object);
}

/* Whoever sends what cannot be taken anyway does not have its changes decoded first. */
static void what_needs_no_changes_is_said_without_them(void **state)
{
    static const struct {
        const char *label;
        edit_fn *edit;
        alto_status status;
    } cases[] = {{"wrong origin", edit_origin, ALTO_WRONG_ORIGIN},
                 {"older chain", edit_to_old, ALTO_REPLAYED},
                 {"unknown key", edit_key, ALTO_UNKNOWN_KEY},
                 {"none of these", edit_nothing, ALTO_MALFORMED}};
    enum { WITHOUT_CHANGES = 190 }; /* bytes, at least, before them */
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        alto_signature signature;
        alto_buffer object = edited(self, cases[i].edit, &signature);
        assert_true(object.size > WITHOUT_CHANGES);
        memset(object.data + WITHOUT_CHANGES, 0xc1, object.size - WITHOUT_CHANGES);
        assert_refused(self, alto_buffer_slice(&object), &signature, cases[i].status);
        alto_buffer_fini(&object);
    }
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
}

static void a_fork_is_told_from_what_is_old_while_newer_commits_wait(void **state)
{
    fixture *self = *state;
    join(self);
    alto_signature signature;
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    alto_buffer object = edited(self, edit_to_fork, &signature);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 3));
    deliver(self, 0);
    deliver(self, 2);
    assert_refused(self, alto_buffer_slice(&object), &signature, ALTO_FORK);
    assert_int_equal(self->forks, 1);
    alto_buffer_fini(&object);
}

/* The order in which the two sides of a fork come decides which one is held, and nothing else. */
static void a_commit_that_the_next_one_denies_is_a_fork(void **state)
{
    fixture *self = *state;
    join(self);
    alto_signature signature;
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    alto_buffer object = edited(self, edit_to_expire_soon, &signature);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 3));
    deliver(self, 2); /* waits for its predecessor */
    assert_refused(self, alto_buffer_slice(&object), &signature, ALTO_FORK);
    assert_int_equal(self->forks, 1);
    alto_hash denied = alto_commit_hash(alto_buffer_slice(&object));
    assert_true(alto_hash_equal(&self->fork_hashes[1], &denied));
    assert_true(alto_hash_equal(&self->fork_hashes[0], &self->origin->messages[1].commit_hash));
    alto_buffer_fini(&object);
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
}

static void wrong_payloads_are_refused(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    test_message *payload = &self->origin->messages[1];
    deliver(self, 0);
    const alto_view *before = alto_replica_view(self->replica);
    payload->object.data[0] ^= 1;
    assert_int_equal(deliver(self, 1), ALTO_DIGEST_MISMATCH);
    payload->object.data[0] ^= 1;
    payload->object.size--;
    assert_int_equal(deliver(self, 1), ALTO_DIGEST_MISMATCH);
    payload->object.size++;
    payload->index = 7;
    assert_int_equal(deliver(self, 1), ALTO_NOT_WANTED);
    payload->index = 0;
    payload->commit_hash.bytes[0] ^= 1;
    assert_int_equal(deliver(self, 1), ALTO_NOT_WANTED);
    payload->commit_hash.bytes[0] ^= 1;
    assert_ptr_equal(alto_replica_view(self->replica), before);
    assert_int_equal(count_of(self, ALTO_DIGEST_MISMATCH), 2);
    assert_int_equal(deliver(self, 1), ALTO_OK);
    assert_true(is_level(self));
}

/* Like the newest commit, but signed for a payload that leads nowhere. */
static void edit_payload(fixture *self, alto_statement *statement)
{
    statement->changes[0].size = self->lie.size;
    statement->changes[0].digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, alto_buffer_slice(&self->lie));
}

static void a_signed_payload_that_leads_nowhere_is_replaced_by_a_delta(void **state)
{
    for (int while_pulling = 0; while_pulling < 2; while_pulling++) {
        fixture *self = *state;
        join(self);
        alto_signature signature;
        alto_buffer_add_text(&self->lie, "no delta at all");
        test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
        alto_buffer object = edited(self, edit_payload, &signature);
        alto_hash commit_hash = alto_commit_hash(alto_buffer_slice(&object));
        self->origin->log[self->origin->log_count - 1].commit_hash = commit_hash;
        assert_int_equal(
            alto_replica_on_statement(self->replica, alto_buffer_slice(&object), &signature, self->origin->now_ms),
            ALTO_OK);
        self->origin->now_ms += PATIENCE_MS;
        alto_want want;
        if (while_pulling)
            assert_int_equal(alto_replica_wants(self->replica, &want, 1, self->origin->now_ms), 1);
        assert_int_equal(alto_replica_on_payload(self->replica, &commit_hash, 0, alto_buffer_slice(&self->lie)),
                         ALTO_OK);
        assert_int_equal(self->applied, 0);
        pull(self);
        assert_int_equal(self->applied, 1);
        assert_int_equal(self->asked[ALTO_WANT_DELTA], 1);
        assert_int_equal(
            count_of(self, ALTO_MALFORMED) + count_of(self, ALTO_ROOT_MISMATCH) + count_of(self, ALTO_TOO_LARGE), 1);
        alto_buffer_fini(&object);
        tear_down(state);
        set_up(state);
    }
}

static void fill_lie(fixture *self, const char *path)
{
    bool lasting;
    alto_status status;
    const alto_blob *blob = alto_archive_get(self->origin->archive, path, &lasting, &status);
    assert_non_null(blob);
    alto_buffer_clear(&self->lie);
    alto_buffer_add(&self->lie, blob->data, blob->size);
    alto_blob_release(blob);
}

/* What the archive gives for another version, well-formed, in place of what was asked for. */
static void an_upstream_that_lies_changes_nothing(void **state)
{
    static const struct {
        const char *label;
        alto_want_type lie;
        unsigned missing;
        size_t rounds; /* what fails first, then twice the lie */
        alto_status status;
    } cases[] = {
        {"catalog", ALTO_WANT_CATALOG, BIT(ALTO_WANT_SINCE), 3, ALTO_STATE_MISMATCH},
        {"payload", ALTO_WANT_PAYLOAD, 0, 2, ALTO_DIGEST_MISMATCH},
        {"delta", ALTO_WANT_DELTA, BIT(ALTO_WANT_PAYLOAD), 3, ALTO_ROOT_MISMATCH},
        {"snapshot", ALTO_WANT_SNAPSHOT, BIT(ALTO_WANT_PAYLOAD) | BIT(ALTO_WANT_DELTA), 4, ALTO_ROOT_MISMATCH}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        fixture *self = *state;
        join(self);
        const alto_view *before = alto_replica_view(self->replica);
        alto_hash old_root = *alto_version_root(alto_view_by_id(before, "cost")->version);
        alto_want want = {.type = cases[i].lie, .from = old_root, .to = before->state_root};
        char path[ALTO_WANT_PATH];
        bool gap = cases[i].lie == ALTO_WANT_CATALOG;
        if (gap)
            test_origin_set(self->origin, "net", network_map(self, "t2", 2));
        else
            test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
        if (!gap)
            want.to = alto_view_by_id(test_origin_view(self->origin), "cost")->entry.root;
        if (cases[i].lie == ALTO_WANT_PAYLOAD)
            want.type = ALTO_WANT_SNAPSHOT;
        alto_want_path(&want, path);
        fill_lie(self, path);
        test_origin_set(self->origin, "cost", cost_map(self, "t1", 3));
        self->lying = BIT(cases[i].lie);
        self->missing = cases[i].missing;
        if (!gap)
            assert_int_equal(deliver(self, 0), ALTO_OK); /* worked on in its own right: the payload of 0 is lost */
        assert_int_equal(deliver(self, 2), ALTO_OK);
        self->origin->now_ms += PATIENCE_MS;
        if (cases[i].lie == ALTO_WANT_DELTA || cases[i].lie == ALTO_WANT_SNAPSHOT) {
            alto_buffer_clear(&self->lie);
            alto_want other = {.type = cases[i].lie, .from = old_root};
            other.to = alto_view_by_id(test_origin_view(self->origin), "cost")->entry.root; /* of commit 2, not 1 */
            alto_want_path(&other, path);
            fill_lie(self, path);
        }
        uint64_t before_lies = count_of(self, cases[i].status);
        test_pull(self->origin, self->replica, cases[i].rounds, decide, self);
        assert_int_equal(self->asked[cases[i].lie], 2);
        assert_int_equal(count_of(self, cases[i].status), before_lies + 2);
        if (self->applied == 0)
            assert_ptr_equal(alto_replica_view(self->replica), before);
        self->lying = self->missing = 0;
        alto_replica_want_head(self->replica);
        pull(self);
        assert_true(is_level(self));
        tear_down(state);
        set_up(state);
    }
}

static void garbage_for_head_and_manifest_does_not_stop_it(void **state)
{
    fixture *self = *state;
    commit_both(self, "t1", 1);
    alto_buffer_add_text(&self->lie, "<html>captive portal</html>");
    self->lying = BIT(ALTO_WANT_MANIFEST);
    pull(self);
    assert_state(self, ALTO_REPLICA_EMPTY);
    assert_int_equal(self->asked[ALTO_WANT_MANIFEST], 1); /* not again and again */
    alto_replica_want_head(self->replica);                /* the owner polls */
    self->lying = BIT(ALTO_WANT_HEAD);
    pull(self);
    assert_int_equal(self->asked[ALTO_WANT_MANIFEST], 2);
    assert_int_equal(self->asked[ALTO_WANT_HEAD], 1);
    self->lying = 0;
    alto_replica_want_head(self->replica);
    pull(self);
    assert_true(is_level(self));
}

/* ---- manifests ---- */

static void an_unknown_key_leads_to_one_look_for_a_newer_manifest(void **state)
{
    fixture *self = *state;
    join(self);
    alto_signing_key *key = test_key(99);
    self->origin->now_ms += 60000;
    test_origin_renew(self->origin, 1, 2, key, 200);
    alto_signing_key_destroy(&key);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    self->missing = BIT(ALTO_WANT_MANIFEST);
    assert_int_equal(deliver(self, 0), ALTO_UNKNOWN_KEY);
    test_pull(self->origin, self->replica, 1, decide, self);
    assert_int_equal(self->asked[ALTO_WANT_MANIFEST], 1);
    self->missing = 0;
    pull(self);
    assert_int_equal(alto_replica_manifest_now(self->replica)->version, 2);
    assert_true(is_level(self));
    pulls(self);

    alto_signature signature; /* by a key that nobody knows: no second look for a while */
    alto_buffer object = edited(self, edit_key, &signature);
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            alto_replica_on_statement(self->replica, alto_buffer_slice(&object), &signature, self->origin->now_ms),
            ALTO_UNKNOWN_KEY);
    assert_int_equal(pull(self), 0);
    self->origin->now_ms += 2000;
    for (int i = 0; i < 5; i++)
        alto_replica_on_statement(self->replica, alto_buffer_slice(&object), &signature, self->origin->now_ms);
    pull(self);
    assert_int_equal(self->asked[ALTO_WANT_MANIFEST], 1);
    alto_buffer_fini(&object);
}

static void a_statement_that_speaks_of_a_newer_manifest_leads_to_it(void **state)
{
    fixture *self = *state;
    join(self);
    self->origin->now_ms += 2000;
    test_origin_renew(self->origin, 1, 2, NULL, 200); /* the same key, perhaps for longer */
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    self->missing = BIT(ALTO_WANT_MANIFEST); /* the upstream does not have it yet */
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self)); /* which keeps nothing from going on */
    test_pull(self->origin, self->replica, 1, decide, self);
    self->missing = 0;
    pull(self);
    assert_int_equal(alto_replica_manifest_now(self->replica)->version, 2);
}

static void manifests_only_go_forward(void **state)
{
    fixture *self = *state;
    alto_buffer first = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_buffer_add_slice(&first, alto_buffer_slice(&self->origin->manifest_file));
    join(self);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&first), self->origin->now_ms),
                     ALTO_KNOWN);
    test_origin_renew(self->origin, 2, 1, NULL, 50); /* a lower chain in a higher epoch is newer */
    alto_slice second = alto_buffer_slice(&self->origin->manifest_file);
    assert_int_equal(alto_replica_on_manifest(self->replica, second, self->origin->now_ms), ALTO_OK);
    assert_int_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&first), self->origin->now_ms),
                     ALTO_OLD);
    first.data[first.size / 2] ^= 1;
    assert_int_not_equal(alto_replica_on_manifest(self->replica, alto_buffer_slice(&first), self->origin->now_ms),
                         ALTO_OK);
    assert_int_equal(alto_replica_manifest(self->replica).size, second.size);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
    assert_int_equal(alto_replica_view(self->replica)->position.epoch, 2);
    alto_buffer_fini(&first);
}

/* ---- following a part ---- */

static void a_follower_of_one_resource_keeps_the_whole_catalog(void **state)
{
    fixture *self = *state;
    static const char *const follow[] = {"cost"};
    alto_replica_destroy(&self->replica);
    self->replica = new_replica(self, follow, 1);
    commit_both(self, "t1", 1);
    pull(self);
    assert_true(is_level(self));
    assert_int_equal(self->asked[ALTO_WANT_SNAPSHOT] + self->asked[ALTO_WANT_PAYLOAD], 1);
    const alto_view *view = alto_replica_view(self->replica);
    assert_int_equal(view->count, 2);
    assert_non_null(alto_view_by_id(view, "cost")->version);
    assert_null(alto_view_by_id(view, "net")->version);
    pulls(self);

    test_origin_forget_messages(self->origin);
    test_origin_set(self->origin, "net", network_map(self, "t2", 2)); /* only the other one changes */
    assert_int_equal(deliver(self, 0), ALTO_OK);
    assert_true(is_level(self));
    assert_int_equal(self->changes, 0);
    assert_int_equal(deliver(self, 1), ALTO_NOT_WANTED);

    test_origin_forget_messages(self->origin);
    commit_both(self, "t3", 3);
    for (size_t i = 0; i < self->origin->message_count; i++)
        deliver(self, i);
    assert_true(is_level(self));
    assert_int_equal(self->changes, 1);
    assert_int_equal(pulls(self), 0);
}

static void a_follower_of_what_is_not_there_yet_gets_it_when_it_comes(void **state)
{
    fixture *self = *state;
    static const char *const follow[] = {"later"};
    alto_replica_destroy(&self->replica);
    self->replica = new_replica(self, follow, 1);
    commit_both(self, "t1", 1);
    pull(self);
    assert_true(is_level(self));
    assert_int_equal(self->asked[ALTO_WANT_SNAPSHOT], 0);
    test_origin_forget_messages(self->origin);
    test_origin_set(self->origin, "later", test_json(self->origin->pool, "{\"a\":1}"));
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
    assert_non_null(alto_view_by_id(alto_replica_view(self->replica), "later")->version);
}

/* ---- what can happen to a resource ---- */

static void flags_alone_can_change(void **state)
{
    fixture *self = *state;
    join(self);
    const alto_resource *held = alto_view_by_id(alto_replica_view(self->replica), "cost");
    const alto_version *version = held->version;
    alto_new_state withheld = {.name = held->name,
                               .version = alto_view_by_id(test_origin_view(self->origin), "cost")->version,
                               .flags = ALTO_ENTRY_REDISTRIBUTABLE | ALTO_ENTRY_WITHHELD};
    test_origin_commit(self->origin, &withheld, 1);
    assert_int_equal(self->origin->message_count, 1); /* no payload */
    assert_int_equal(deliver(self, 0), ALTO_OK);
    assert_true(is_level(self));
    const alto_resource *now = alto_view_by_id(alto_replica_view(self->replica), "cost");
    assert_ptr_equal(now->version, version);
    assert_false(alto_resource_shown(now));
    assert_int_equal(self->changes, 1);
}

static void resources_are_withdrawn_and_come_back(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", NULL);
    assert_int_equal(deliver(self, 0), ALTO_OK);
    assert_true(is_level(self));
    assert_null(alto_view_by_id(alto_replica_view(self->replica), "cost"));
    assert_int_equal(self->changes, 1);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 4));
    deliver(self, 1);
    deliver(self, 2);
    assert_true(is_level(self));
    test_origin_set(self->origin, "cost", NULL);
    test_origin_set(self->origin, "net", NULL);
    deliver(self, 3);
    deliver(self, 4);
    assert_true(is_level(self));
    assert_int_equal(alto_replica_view(self->replica)->count, 0);
    assert_int_equal(pulls(self), 0);
}

static void a_resource_may_become_one_of_another_kind(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", test_json(self->origin->pool, "{\"property-map\":{\"x\":{\"y\":1}}}"));
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
    assert_int_equal(pulls(self), 0);
    assert_int_equal(alto_view_by_id(alto_replica_view(self->replica), "cost")->entry.kind, ALTO_DOCUMENT);
    test_origin_forget_messages(self->origin);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 4));
    deliver(self, 0); /* and back, the payload lost */
    self->origin->now_ms += PATIENCE_MS;
    self->missing = BIT(ALTO_WANT_PAYLOAD);
    pull(self);
    assert_int_equal(self->asked[ALTO_WANT_DELTA], 0); /* there is none between kinds */
    assert_int_equal(self->asked[ALTO_WANT_SNAPSHOT], 1);
    assert_true(is_level(self));
}

static void resources_with_the_same_content_are_repaired_side_by_side(void **state)
{
    fixture *self = *state;
    join(self);
    const char *text = "{\"meta\":{},\"a\":[1,2,3]}";
    alto_version *same = test_json(self->origin->pool, text);
    alto_new_state changes[] = {{.name = {.id = alto_slice_text("a")}, .version = same},
                                {.name = {.id = alto_slice_text("b")}, .version = same}};
    test_origin_commit(self->origin, changes, 2);
    alto_version_release(same);
    deliver(self, 0);
    self->origin->now_ms += PATIENCE_MS;
    self->missing = BIT(ALTO_WANT_PAYLOAD);
    pull(self);
    assert_true(is_level(self));
    assert_int_equal(self->asked[ALTO_WANT_SNAPSHOT], 2);
}

/* ---- states over time ---- */

static void without_heads_it_goes_stale_and_only_newer_ones_help(void **state)
{
    fixture *self = *state;
    join(self);
    self->origin->now_ms += 5000;
    test_origin_head(self->origin);
    deliver(self, 0);
    assert_state(self, ALTO_REPLICA_LIVE);
    self->origin->now_ms += QUIET_MS - 1;
    assert_state(self, ALTO_REPLICA_LIVE);
    self->origin->now_ms++;
    assert_state(self, ALTO_REPLICA_STALE);
    assert_int_equal(deliver(self, 0), ALTO_KNOWN); /* repeated by a frozen relay */
    assert_state(self, ALTO_REPLICA_STALE);
    test_origin_head(self->origin);
    assert_int_equal(deliver(self, 1), ALTO_OK);
    assert_state(self, ALTO_REPLICA_LIVE);
    self->origin->now_ms += 3600 * 1000;
    assert_state(self, ALTO_REPLICA_STALE);
    assert_int_equal(deliver(self, 1), ALTO_EXPIRED);
}

/* By somebody who passes on everything, but as late as he likes: each is newer than the one before. */
static void what_comes_late_all_the_time_is_stale(void **state)
{
    fixture *self = *state;
    join(self);
    uint64_t late_ms = QUIET_MS + ALTO_MAX_CLOCK_MS;
    self->origin->now_ms += 5000;
    for (int i = 0; i < 10; i++) {
        test_origin_forget_messages(self->origin);
        self->origin->now_ms += 5000 - late_ms * (i > 0);
        test_origin_head(self->origin);
        self->origin->now_ms += late_ms - 1;
        assert_int_equal(deliver(self, 0), ALTO_OK);
        assert_state(self, ALTO_REPLICA_LIVE);
        self->origin->now_ms++;
        assert_state(self, ALTO_REPLICA_STALE);
    }
    test_origin_forget_messages(self->origin);
    test_origin_head(self->origin);
    assert_int_equal(deliver(self, 0), ALTO_OK);
    assert_state(self, ALTO_REPLICA_LIVE);
}

static void an_idle_network_costs_no_place(void **state)
{
    fixture *self = *state;
    join(self);
    for (int i = 0; i < 1000; i++) {
        self->origin->now_ms += 5000;
        test_origin_forget_messages(self->origin);
        test_origin_head(self->origin);
        assert_int_equal(deliver(self, 0), ALTO_OK);
        assert_state(self, ALTO_REPLICA_LIVE);
    }
    test_origin_forget_messages(self->origin);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
    pull(self);
    assert_int_equal(pulls(self), 0);
}

static void heads_that_come_seldom_are_waited_for(void **state)
{
    fixture *self = *state;
    join(self);
    alto_statement head;
    alto_signature signature;
    alto_buffer object = alto_buffer_make(ALTO_MAX_STATEMENT);
    test_origin_head(self->origin);
    assert_int_equal(alto_statement_decode(alto_buffer_slice(&self->origin->messages[0].object), &head), ALTO_OK);
    head.interval_ms = 60000;
    assert_int_equal(alto_statement_encode(&head, &object), ALTO_OK);
    signature = test_origin_sign(self->origin, alto_buffer_slice(&object));
    assert_int_equal(
        alto_replica_on_statement(self->replica, alto_buffer_slice(&object), &signature, self->origin->now_ms),
        ALTO_OK);
    self->origin->now_ms += 120000;
    assert_state(self, ALTO_REPLICA_LIVE);
    self->origin->now_ms += 120000;
    assert_state(self, ALTO_REPLICA_STALE);
    alto_buffer_fini(&object);
}

static void a_long_pull_does_not_make_it_stale_while_heads_come(void **state)
{
    fixture *self = *state;
    join(self);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    deliver(self, 0);
    self->failing = BIT(ALTO_WANT_PAYLOAD) | BIT(ALTO_WANT_DELTA) | BIT(ALTO_WANT_SNAPSHOT);
    for (int i = 0; i < 6; i++) {
        self->origin->now_ms += 5000;
        test_origin_head(self->origin);
        deliver(self, self->origin->message_count - 1);
        test_pull(self->origin, self->replica, 1, decide, self);
        assert_state(self, ALTO_REPLICA_SYNCING);
    }
    self->failing = 0;
    pull(self);
    assert_true(is_level(self));
    assert_state(self, ALTO_REPLICA_LIVE);
}

/* ---- from disk ---- */

typedef struct {
    alto_buffer object;
    alto_signature signature;
    alto_view *view;
} stored;

static stored store(fixture *self)
{
    stored out = {.object = alto_buffer_make(ALTO_MAX_STATEMENT)};
    alto_slice object;
    assert_true(alto_replica_head(self->replica, &object, &out.signature));
    alto_buffer_add_slice(&out.object, object);
    out.view = alto_view_retain(alto_replica_view(self->replica));
    alto_replica_destroy(&self->replica);
    self->replica = new_replica(self, NULL, 0);
    assert_int_equal(
        alto_replica_on_manifest(self->replica, alto_buffer_slice(&self->origin->manifest_file), self->origin->now_ms),
        ALTO_OK);
    self->applied = 0;
    return out;
}

static alto_status restore(fixture *self, const stored *from, const alto_tree *catalog,
                           const alto_resource *const *resources, size_t count)
{
    return alto_replica_restore(self->replica, alto_buffer_slice(&from->object), &from->signature, catalog, resources,
                                count, self->origin->now_ms);
}

static void stored_fini(stored *from)
{
    alto_buffer_fini(&from->object);
    alto_view_release(from->view);
}

static void a_whole_state_from_disk_is_visible_at_once(void **state)
{
    fixture *self = *state;
    join(self);
    stored from = store(self);
    self->origin->now_ms += 2 * 3600 * 1000; /* long expired */
    assert_int_equal(restore(self, &from, from.view->catalog, from.view->resources, from.view->count), ALTO_OK);
    assert_true(is_level(self));
    assert_int_equal(self->applied, 1);
    assert_state(self, ALTO_REPLICA_STALE); /* nobody was heard yet */
    test_origin_head(self->origin);
    deliver(self, 0);
    assert_state(self, ALTO_REPLICA_LIVE);
    test_origin_forget_messages(self->origin);
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    test_deliver_all(self->origin, self->replica);
    assert_true(is_level(self));
    assert_int_equal(pulls(self), 0);
    stored_fini(&from);
}

static void what_is_missing_on_disk_is_pulled(void **state)
{
    for (int moved_on = 0; moved_on < 2; moved_on++) {
        fixture *self = *state;
        join(self);
        stored from = store(self);
        assert_int_equal(restore(self, &from, from.view->catalog, &from.view->resources[1], 1), ALTO_OK);
        assert_null(alto_replica_view(self->replica));
        if (moved_on)
            commit_both(self, "t2", 2);
        pull(self);
        assert_true(is_level(self));
        assert_int_equal(self->asked[ALTO_WANT_SNAPSHOT], 1);
        assert_int_equal(self->asked[ALTO_WANT_CATALOG], 0);
        assert_int_equal(self->asked[ALTO_WANT_PAYLOAD], 2 * moved_on);
        stored_fini(&from);
        tear_down(state);
        set_up(state);
    }
}

static void a_state_from_disk_that_fits_nothing_is_not_believed(void **state)
{
    fixture *self = *state;
    join(self);
    stored from = store(self);
    from.signature.bytes[0] ^= 1;
    assert_int_equal(restore(self, &from, from.view->catalog, from.view->resources, from.view->count),
                     ALTO_BAD_SIGNATURE);
    assert_null(alto_replica_view(self->replica));
    pull(self);
    assert_true(is_level(self));
    assert_int_equal(self->asked[ALTO_WANT_SNAPSHOT], 0); /* the versions were right, and used */
    stored_fini(&from);

    from = store(self);
    assert_int_equal(restore(self, &from, NULL, from.view->resources, from.view->count), ALTO_STATE_MISMATCH);
    pull(self);
    assert_true(is_level(self));
    stored_fini(&from);
}

static void old_versions_on_disk_shorten_the_way(void **state)
{
    fixture *self = *state;
    join(self);
    alto_view *old = alto_view_retain(alto_replica_view(self->replica));
    test_origin_set(self->origin, "cost", cost_map(self, "t1", 2));
    test_deliver_all(self->origin, self->replica);
    stored from = store(self);
    assert_int_equal(restore(self, &from, from.view->catalog, old->resources, old->count), ALTO_OK);
    pull(self);
    assert_true(is_level(self));
    assert_int_equal(self->asked[ALTO_WANT_SNAPSHOT], 0);
    assert_int_equal(self->asked[ALTO_WANT_DELTA] + self->asked[ALTO_WANT_PAYLOAD], 1);
    alto_view_release(old);
    stored_fini(&from);
}

/* ---- any history ---- */

enum { RESOURCES = 5, ROUNDS = 60, SEEDS = 4 };

static const char *const ids[RESOURCES] = {"a", "b", "c", "d", "e"};

typedef struct {
    fixture *fixture;
    test_random *random;
} weather;

/* A random commit: some resources edited, made, withdrawn, of another kind, or with other flags. */
static void random_commit(fixture *self, test_random *random)
{
    alto_new_state changes[RESOURCES];
    alto_version *made[RESOURCES];
    size_t count = 0;
    const alto_view *view = test_origin_view(self->origin);
    for (size_t i = 0; i < RESOURCES; i++) {
        if (test_random_below(random, 3))
            continue;
        const alto_resource *held = view ? alto_view_by_id(view, ids[i]) : NULL;
        uint64_t what = test_random_below(random, 12);
        made[count] = NULL;
        if (held && what == 0) {
            made[count] = NULL; /* withdrawn */
        } else if (held && what == 1) {
            made[count] = alto_version_retain(held->version); /* perhaps other flags */
        } else {
            alto_kind kind = held && what > 2 ? held->entry.kind : (alto_kind)(1 + test_random_below(random, 3));
            alto_version *base = held && held->entry.kind == kind ? alto_version_retain(held->version)
                                                                  : test_version(self->origin->pool, kind);
            made[count] = test_version_step(random, self->origin->pool, base);
            alto_version_release(base);
        }
        changes[count] = (alto_new_state){.name = {.id = alto_slice_text(ids[i])},
                                          .version = made[count],
                                          .flags = (uint32_t)test_random_below(random, 4)};
        count++;
    }
    alto_status status =
        alto_committer_commit(self->origin->committer, self->origin->pool, changes, count, self->origin->now_ms);
    assert_true(status == ALTO_OK || status == ALTO_INVALID); /* random meta members may be no tags */
    while (count > 0)
        alto_version_release(made[--count]);
}

static alto_status bad_weather(void *context, const alto_want *want, alto_buffer *bytes)
{
    weather *self = context;
    (void)want;
    switch (test_random_below(self->random, 8)) {
    case 0:
        return ALTO_NOT_FOUND;
    case 1:
        return ALTO_IO;
    case 2:
        if (bytes->size)
            bytes->data[test_random_below(self->random, bytes->size)] ^=
                (uint8_t)(1 << test_random_below(self->random, 8));
        return ALTO_OK;
    default:
        return ALTO_OK;
    }
}

/* Deliver what was recorded: lost, twice, late or as it should be. */
static void random_delivery(fixture *self, test_random *random)
{
    test_origin *origin = self->origin;
    for (size_t i = 0; i + 1 < origin->message_count; i++)
        if (test_random_below(random, 6) == 0) {
            size_t other = i + 1 + test_random_below(random, origin->message_count - i - 1);
            test_message message = origin->messages[i];
            origin->messages[i] = origin->messages[other];
            origin->messages[other] = message;
        }
    for (size_t i = 0; i < origin->message_count; i++)
        for (uint64_t times = test_random_below(random, 5) ? 1 : test_random_below(random, 3); times > 0; times--)
            deliver(self, i);
    if (test_random_below(random, 3))
        test_origin_forget_messages(origin);
}

static void random_round(fixture *self, test_random *random)
{
    weather rain = {self, random};
    self->origin->now_ms += test_random_below(random, 400);
    for (uint64_t commits = test_random_below(random, 4); commits > 0; commits--)
        random_commit(self, random);
    if (test_random_below(random, 4) == 0 && test_origin_view(self->origin))
        test_origin_head(self->origin);
    if (test_random_below(random, 12) == 0)
        test_origin_restart(self->origin, self->origin->now_ms, test_random_below(random, 2));
    random_delivery(self, random);
    test_pull(self->origin, self->replica, test_random_below(random, 12), bad_weather, &rain);
    if (test_random_below(random, 10) == 0)
        alto_replica_want_head(self->replica);
    if (alto_replica_view(self->replica))
        test_assert_signed(self->origin, alto_replica_view(self->replica));
}

/* All is well from here on: how many pulls it takes is bounded, and then both have the same state. */
static void assert_catches_up(fixture *self)
{
    test_origin_forget_messages(self->origin);
    self->origin->now_ms += 20000;
    if (!test_origin_view(self->origin))
        test_origin_commit(self->origin, NULL, 0);
    test_origin_head(self->origin);
    test_deliver_all(self->origin, self->replica);
    alto_replica_want_head(self->replica);
    assert_true(pull(self) < 50);
    if (!is_level(self)) { /* pulls that were under way may have come to nothing: once more */
        alto_replica_want_head(self->replica);
        assert_true(pull(self) < 50);
    }
    assert_true(is_level(self));
    const alto_view *ours = alto_replica_view(self->replica), *theirs = test_origin_view(self->origin);
    for (size_t i = 0; i < theirs->count; i++)
        assert_true(alto_hash_equal(alto_version_root(ours->resources[i]->version),
                                    alto_version_root(theirs->resources[i]->version)));
    assert_state(self, ALTO_REPLICA_LIVE);
}

static void any_history_of_edits_and_losses_ends_in_the_state_of_the_origin(void **state)
{
    test_random random = test_random_make(20240611);
    for (int seed = 0; seed < SEEDS; seed++) {
        fixture *self = *state;
        for (int round = 0; round < ROUNDS; round++) {
            random_round(self, &random);
            if (test_random_below(&random, 20) == 0)
                assert_catches_up(self);
        }
        assert_catches_up(self);
        tear_down(state);
        set_up(state);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(joining_pulls_manifest_head_catalog_and_snapshots),
        T(joining_an_origin_without_resources_works),
        T(a_pushed_commit_with_its_payloads_needs_no_pull),
        T(commits_queue_behind_one_that_lacks_a_payload),
        T(a_payload_before_its_commit_is_pulled_later),
        T(a_clock_set_back_does_not_stop_repairs),
        T(a_lost_payload_is_sought_in_ever_other_ways),
        T(with_no_way_left_it_asks_for_the_head_again),
        T(a_pull_that_failed_on_the_way_is_tried_again),
        T(a_payload_that_comes_by_push_while_it_is_pulled_is_used_once),
        T(a_payload_too_large_to_be_pushed_is_pulled_at_once),
        T(a_lost_commit_is_bridged_by_the_missing_ones),
        T(a_gap_is_closed_in_the_ways_that_are_offered),
        T(the_way_of_the_fewest_bytes_is_taken),
        T(bad_advice_costs_a_question_and_no_more),
        T(bad_bundles_change_nothing),
        T(a_gap_waits_for_a_second_upstream),
        T(the_same_from_a_second_upstream_is_known),
        T(a_new_chain_with_the_same_content_costs_nothing),
        T(a_new_chain_of_a_publisher_that_lost_its_state_needs_no_pull_for_what_is_held),
        T(a_new_chain_may_be_dated_before_the_old_one),
        T(what_came_before_is_known),
        T(three_hundred_commits_behind_a_lost_one_are_caught_up_with),
        T(every_bad_statement_is_refused_for_its_own_reason),
        T(damaged_bytes_are_refused),
        T(what_needs_no_changes_is_said_without_them),
        T(a_fork_is_told_from_what_is_old_while_newer_commits_wait),
        T(a_commit_that_the_next_one_denies_is_a_fork),
        T(wrong_payloads_are_refused),
        T(a_signed_payload_that_leads_nowhere_is_replaced_by_a_delta),
        T(an_upstream_that_lies_changes_nothing),
        T(garbage_for_head_and_manifest_does_not_stop_it),
        T(an_unknown_key_leads_to_one_look_for_a_newer_manifest),
        T(a_statement_that_speaks_of_a_newer_manifest_leads_to_it),
        T(manifests_only_go_forward),
        T(a_follower_of_one_resource_keeps_the_whole_catalog),
        T(a_follower_of_what_is_not_there_yet_gets_it_when_it_comes),
        T(flags_alone_can_change),
        T(resources_are_withdrawn_and_come_back),
        T(a_resource_may_become_one_of_another_kind),
        T(resources_with_the_same_content_are_repaired_side_by_side),
        T(without_heads_it_goes_stale_and_only_newer_ones_help),
        T(what_comes_late_all_the_time_is_stale),
        T(an_idle_network_costs_no_place),
        T(heads_that_come_seldom_are_waited_for),
        T(a_long_pull_does_not_make_it_stale_while_heads_come),
        T(a_whole_state_from_disk_is_visible_at_once),
        T(what_is_missing_on_disk_is_pulled),
        T(a_state_from_disk_that_fits_nothing_is_not_believed),
        T(old_versions_on_disk_shorten_the_way),
        T(any_history_of_edits_and_losses_ends_in_the_state_of_the_origin),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
