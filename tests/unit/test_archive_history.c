/* SPDX-License-Identifier: Apache-2.0 */
/* What is found of older states, and in which order it goes: by time, by number, by bytes of objects, by bytes of versions. */
#include "cmocka_all.h"
#include "io/archive_history.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEEP_MS = 1000, PAYLOAD = 5000, LARGE = 100000 };

/* A history and the views that lead to its newest step. Every step is a commit of one payload of PAYLOAD bytes. */
typedef struct {
    alto_pool *pool;
    alto_history *history;
    alto_view *view;
    alto_position next;
    uint64_t now_ms;
} fixture;

static const alto_history_limits wide = {KEEP_MS, 100, 1 << 30, 1 << 30};

static void begin(fixture *self, const alto_history_limits *limits)
{
    alto_view_release(self->view);
    self->view = NULL;
    alto_history_destroy(&self->history);
    self->history = alto_history_new(limits);
    self->next = (alto_position){1, 100, 1};
    self->now_ms = 1;
    assert_non_null(self->history);
}

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    self->pool = alto_pool_new();
    if (alto_crypto_init() != ALTO_OK || !self->pool)
        return -1;
    begin(self, &wide);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    alto_view_release(self->view);
    alto_history_destroy(&self->history);
    alto_pool_destroy(&self->pool);
    free(self);
    return 0;
}

static alto_resource *resource_of(fixture *self, const char *id, const char *json)
{
    alto_buffer key = alto_buffer_make(200);
    alto_version *version = test_json(self->pool, json);
    alto_entry entry = {.kind = ALTO_DOCUMENT, .root = *alto_version_root(version), .text_size = strlen(json)};
    alto_resource_name name = {.id = alto_slice_text(id)};
    alto_catalog_key(&name, &key);
    alto_resource *made = alto_resource_new(alto_buffer_slice(&key), &entry, version);
    assert_non_null(made);
    alto_version_release(version);
    alto_buffer_fini(&key);
    return made;
}

static alto_hash state_root_of(const alto_position *position)
{
    return alto_hash_of("test", alto_slice_of(&position->seq, sizeof position->seq));
}

/* The next step: `id` becomes `json`. Returns its digest. */
static alto_hash step(fixture *self, const char *id, const char *json, alto_statement_type type)
{
    uint8_t payload[PAYLOAD] = {0};
    alto_resource *made = resource_of(self, id, json);
    alto_view_change view_change = {.key = made->key, .after = made};
    alto_hash state_root = state_root_of(&self->next), commit_hash = {{1}};
    alto_origin origin = {{1}};
    alto_view *after =
        alto_view_next(self->view, &origin, &self->next, &commit_hash, &state_root, NULL, &view_change, 1);
    assert_non_null(after);
    memcpy(payload, &state_root, sizeof state_root);
    alto_commit_change signed_change = {.size = PAYLOAD,
                                        .digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, alto_slice_of(payload, PAYLOAD))};
    alto_statement statement = {.type = type, .change_count = type == ALTO_COMMIT, .changes = &signed_change};
    alto_applied_change change = {.after = made, .payload = alto_slice_of(payload, type == ALTO_COMMIT ? PAYLOAD : 0)};
    alto_applied applied = {.after = after,
                            .object = alto_slice_text("commit"),
                            .statement = &statement,
                            .change_count = 1,
                            .changes = &change};
    alto_step *added;
    assert_int_equal(alto_step_make(self->view, &applied, &added), ALTO_OK);
    alto_dead dead = alto_history_add(self->history, added, self->now_ms);
    alto_dead_free(&dead);
    alto_view_release(self->view);
    self->view = after;
    self->next.seq++;
    alto_resource_release(made);
    return signed_change.digest;
}

static alto_hash commit(fixture *self, const char *json)
{
    return step(self, "c", json, ALTO_COMMIT);
}

static const alto_step *at(const fixture *self, uint64_t seq)
{
    return alto_history_at(self->history, &(alto_position){1, 100, seq});
}

static uint64_t oldest(const fixture *self)
{
    return alto_history_oldest(self->history)->position.seq;
}

static const alto_held *version(fixture *self, const char *id, const char *json)
{
    alto_resource *like = resource_of(self, id, json);
    const alto_held *found = alto_history_version(self->history, &like->entry.root, &like->key);
    alto_resource_release(like);
    return found;
}

static void forget(fixture *self, uint64_t now_ms)
{
    alto_dead dead = alto_history_forget(self->history, now_ms);
    alto_dead_free(&dead);
}

/* ---- what is found ---- */

static void everything_of_a_step_is_found(void **state)
{
    fixture *self = *state;
    assert_null(alto_history_newest(self->history));
    assert_null(alto_history_oldest(self->history));
    alto_hash digest = commit(self, "{\"a\":1}");
    commit(self, "{\"a\":2}");
    alto_position first = {1, 100, 1};
    alto_hash state_root = state_root_of(&first);
    assert_ptr_equal(alto_history_state(self->history, &state_root), at(self, 1));
    assert_ptr_equal(alto_history_oldest(self->history), at(self, 1));
    assert_ptr_equal(alto_history_newest(self->history), at(self, 2));
    assert_ptr_equal(at(self, 1)->newer, at(self, 2));
    assert_null(at(self, 2)->newer);
    assert_int_equal(alto_history_payload(self->history, &digest)->size, PAYLOAD);
    assert_non_null(version(self, "c", "{\"a\":1}"));
    assert_non_null(version(self, "c", "{\"a\":2}"));
    assert_null(version(self, "c", "{\"a\":3}"));
    assert_null(at(self, 3));
    assert_null(at(self, 0));
}

static void of_equal_content_the_resource_asked_for_is_found(void **state)
{
    fixture *self = *state;
    step(self, "b", "{\"a\":1}", ALTO_COMMIT);
    step(self, "c", "{\"a\":1}", ALTO_COMMIT);
    assert_int_equal(version(self, "b", "{\"a\":1}")->resource->name.id.data[0], 'b');
    assert_int_equal(version(self, "c", "{\"a\":1}")->resource->name.id.data[0], 'c');
    assert_non_null(version(self, "d", "{\"a\":1}")); /* better than none */
}

static void two_of_a_line_differ_by_what_lies_between(void **state)
{
    fixture *self = *state;
    for (int i = 0; i < 5; i++) {
        char json[20];
        snprintf(json, sizeof json, "{\"a\":%d}", i);
        commit(self, json);
    }
    const alto_held *from = version(self, "c", "{\"a\":1}"), *to = version(self, "c", "{\"a\":4}");
    assert_int_equal(from->line, to->line);
    assert_int_equal(to->spent - from->spent, 3 * PAYLOAD);
    assert_true(to->moved > from->moved);
    step(self, "d", "{\"a\":1}", ALTO_COMMIT);
    assert_int_not_equal(version(self, "d", "{\"a\":1}")->line, to->line);
}

static void a_version_of_an_earlier_life_is_found_and_goes_with_the_step_that_it_was_told_with(void **state)
{
    fixture *self = *state;
    commit(self, "{\"a\":1}");
    commit(self, "{\"a\":2}");
    alto_resource *older = resource_of(self, "c", "{\"a\":0}");
    const alto_resource *current = self->view->resources[0];
    assert_int_equal(alto_history_remember(self->history, older, older, 10), ALTO_NOT_FOUND);
    assert_int_equal(alto_history_remember(self->history, current, older, 10), ALTO_OK);
    alto_resource_release(older);
    const alto_held *from = version(self, "c", "{\"a\":0}"), *to = version(self, "c", "{\"a\":2}");
    assert_int_equal(from->line, to->line);
    assert_int_equal(to->spent - from->spent, 10);
    self->now_ms = 5000;
    commit(self, "{\"a\":3}");
    forget(self, 5000 + KEEP_MS);
    assert_non_null(version(self, "c", "{\"a\":0}"));
    forget(self, 5000 + KEEP_MS + 1);
    assert_null(version(self, "c", "{\"a\":0}"));
    assert_non_null(version(self, "c", "{\"a\":3}"));
}

/* ---- what can be bundled ---- */

static void a_bundle_needs_every_commit_and_every_payload(void **state)
{
    fixture *self = *state;
    for (int i = 0; i < 3; i++)
        commit(self, "{\"a\":1}");
    assert_true(alto_history_bundled(at(self, 1), at(self, 3)));
    assert_true(alto_history_bundled(at(self, 2), at(self, 2)));
    assert_false(alto_history_bundled(at(self, 3), at(self, 1)));
    uint64_t one = at(self, 2)->run_bytes - at(self, 1)->run_bytes;
    assert_int_equal(one, 5 + strlen("commit") + ALTO_SIGNATURE_SIZE + 5 + 2 + PAYLOAD);
    self->next.seq++; /* one that never came */
    commit(self, "{\"a\":2}");
    assert_false(alto_history_bundled(at(self, 3), at(self, 5)));
    commit(self, "{\"a\":3}");
    assert_true(alto_history_bundled(at(self, 5), at(self, 6)));
    step(self, "c", "{\"a\":4}", ALTO_HEAD); /* the commit itself never came */
    assert_false(alto_history_bundled(at(self, 6), at(self, 7)));
    self->next = (alto_position){1, 200, 8};
    commit(self, "{\"a\":5}");
    assert_false(alto_history_bundled(at(self, 7), alto_history_newest(self->history)));
}

static void a_bundle_has_its_limits(void **state)
{
    fixture *self = *state;
    const alto_history_limits many = {KEEP_MS, ALTO_MAX_BUNDLE_COMMITS, 1 << 30, 1 << 30};
    enum { FITTING = ALTO_MAX_BUNDLE / (PAYLOAD + 200) };
    begin(self, &many);
    for (int i = 0; i < FITTING + 400; i++)
        commit(self, "{\"a\":1}");
    assert_true(alto_history_bundled(at(self, 1), at(self, FITTING)));
    assert_false(alto_history_bundled(at(self, 1), at(self, FITTING + 400)));
    assert_true(alto_history_bundled(at(self, 401), at(self, FITTING + 400)));
}

/* ---- what is kept ---- */

static void what_is_superseded_stays_for_a_time(void **state)
{
    fixture *self = *state;
    alto_hash digest = commit(self, "{\"a\":1}");
    self->now_ms = 5000; /* superseded now, however old it is */
    commit(self, "{\"a\":2}");
    forget(self, 5000 + KEEP_MS);
    assert_int_equal(oldest(self), 1);
    assert_non_null(alto_history_payload(self->history, &digest));
    forget(self, 5000 + KEEP_MS + 1);
    assert_int_equal(oldest(self), 2);
    assert_null(alto_history_payload(self->history, &digest));
    assert_null(version(self, "c", "{\"a\":1}"));
    forget(self, 1000000); /* the newest stays */
    assert_int_equal(oldest(self), 2);
    assert_non_null(version(self, "c", "{\"a\":2}"));
}

static void what_came_back_stays_though_its_first_time_is_forgotten(void **state)
{
    fixture *self = *state;
    commit(self, "{\"a\":1}");
    commit(self, "{\"a\":2}");
    self->now_ms = 9000;
    commit(self, "{\"a\":1}");
    forget(self, 9000);
    assert_int_equal(oldest(self), 2);
    assert_non_null(version(self, "c", "{\"a\":1}"));
    assert_non_null(version(self, "c", "{\"a\":2}"));
}

static void so_many_steps_are_kept(void **state)
{
    fixture *self = *state;
    const alto_history_limits few = {KEEP_MS, 3, 1 << 30, 1 << 30};
    begin(self, &few);
    for (int i = 0; i < 10; i++) {
        char json[20];
        snprintf(json, sizeof json, "{\"a\":%d}", i);
        commit(self, json);
        assert_int_equal(oldest(self), i < 2 ? 1 : i - 1);
    }
    assert_null(version(self, "c", "{\"a\":6}"));
    assert_non_null(version(self, "c", "{\"a\":7}"));
}

static void so_many_bytes_of_objects_are_kept(void **state)
{
    fixture *self = *state;
    const alto_history_limits few = {KEEP_MS, 100, 4 * PAYLOAD, 1 << 30};
    begin(self, &few);
    for (int i = 0; i < 10; i++)
        commit(self, "{\"a\":1}");
    assert_int_equal(oldest(self), 7); /* three, and the newest, which is not counted */
}

/* Commits reach further back than versions: a version may be large where what changed it is small. */
static void versions_go_before_commits_do(void **state)
{
    fixture *self = *state;
    const alto_history_limits few = {KEEP_MS, 100, 1 << 30, 3 * LARGE + LARGE / 2};
    char *json = malloc(LARGE + 100);
    begin(self, &few);
    for (int i = 0; i < 10; i++) {
        int head = sprintf(json, "{\"a\":\"%d", i);
        memset(json + head, 'x', LARGE);
        sprintf(json + head + LARGE, "\"}");
        commit(self, json);
        assert_non_null(version(self, "c", json));
    }
    size_t found = 0;
    for (int i = 0; i < 10; i++) {
        json[6] = (char)('0' + i);
        found += version(self, "c", json) != NULL;
    }
    assert_int_equal(found, 4); /* three, and the newest */
    assert_int_equal(oldest(self), 1);
    assert_true(alto_history_bundled(at(self, 1), at(self, 10)));
    alto_position first = {1, 100, 1}, last = {1, 100, 8};
    alto_hash gone = state_root_of(&first), held = state_root_of(&last);
    assert_null(alto_history_state(self->history, &gone));
    assert_non_null(alto_history_state(self->history, &held));
    forget(self, 1000000);
    assert_int_equal(oldest(self), 10);
    free(json);
}

static void what_has_nothing_to_do_with_before_begins_anew(void **state)
{
    fixture *self = *state;
    commit(self, "{\"a\":1}");
    commit(self, "{\"a\":2}");
    alto_view_release(self->view);
    self->view = NULL;
    self->next.seq = 1;
    commit(self, "{\"a\":3}");
    assert_int_equal(oldest(self), 1);
    assert_null(at(self, 2));
    assert_null(version(self, "c", "{\"a\":1}"));
    assert_null(version(self, "c", "{\"a\":2}"));
    assert_non_null(version(self, "c", "{\"a\":3}"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(everything_of_a_step_is_found),
        T(of_equal_content_the_resource_asked_for_is_found),
        T(two_of_a_line_differ_by_what_lies_between),
        T(a_version_of_an_earlier_life_is_found_and_goes_with_the_step_that_it_was_told_with),
        T(a_bundle_needs_every_commit_and_every_payload),
        T(a_bundle_has_its_limits),
        T(what_is_superseded_stays_for_a_time),
        T(what_came_back_stays_though_its_first_time_is_forgotten),
        T(so_many_steps_are_kept),
        T(so_many_bytes_of_objects_are_kept),
        T(versions_go_before_commits_do),
        T(what_has_nothing_to_do_with_before_begins_anew),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
