/* SPDX-License-Identifier: Apache-2.0 */
/* What saved objects prove together, and that nothing else proves anything. */
#include "cmocka_all.h"
#include "core/evidence.h"
#include "files.h"
#include "origin.h"
#include "sweep.h"

#include <stdlib.h>

enum { MANIFEST, COMMIT, HEAD, CATALOG, SNAPSHOT, PAYLOAD, JSON, KINDS };

static const char text[] = "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t\"}},\"network-map\":{\"P\":{"
                           "\"ipv4\":[\"192.0.2.0/24\"]}}}";

/* One of each kind, of one state of an origin. */
typedef struct {
    test_origin *origin;
    alto_buffer saved[KINDS];
} fixture;

static void save_message(const test_message *message, alto_buffer *out)
{
    alto_buffer_add_slice(out, alto_buffer_slice(&message->object));
    if (!message->is_payload)
        alto_buffer_add(out, message->signature.bytes, sizeof message->signature.bytes);
}

static void save_pulled(const test_origin *origin, const alto_want *want, alto_buffer *out)
{
    char path[ALTO_WANT_PATH];
    bool lasting;
    alto_status status;
    alto_want_path(want, path);
    const alto_blob *blob = alto_archive_get(origin->archive, path, &lasting, &status);
    assert_non_null(blob);
    alto_buffer_add(out, blob->data, blob->size);
    alto_blob_release(blob);
}

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    self->origin = test_origin_new(5);
    for (size_t i = 0; i < KINDS; i++)
        self->saved[i] = alto_buffer_make(1 << 20);
    test_origin_put(self->origin, "net", text);
    test_origin_head(self->origin);
    for (size_t i = 0; i < self->origin->message_count; i++) {
        const test_message *message = &self->origin->messages[i];
        save_message(message, &self->saved[message->is_payload ? PAYLOAD : i == 0 ? COMMIT : HEAD]);
    }
    const alto_view *view = test_origin_view(self->origin);
    save_pulled(self->origin, &(alto_want){.type = ALTO_WANT_CATALOG, .to = view->state_root}, &self->saved[CATALOG]);
    save_pulled(self->origin, &(alto_want){.type = ALTO_WANT_SNAPSHOT, .to = view->resources[0]->entry.root},
                &self->saved[SNAPSHOT]);
    save_pulled(self->origin, &(alto_want){.type = ALTO_WANT_MANIFEST}, &self->saved[MANIFEST]);
    alto_buffer_add_text(&self->saved[JSON], text);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    for (size_t i = 0; i < KINDS; i++)
        alto_buffer_fini(&self->saved[i]);
    test_origin_destroy(&self->origin);
    free(self);
    return 0;
}

static size_t judge_all(const fixture *self, const alto_slice *objects, size_t count, alto_verdict *verdicts)
{
    size_t proved = 0;
    assert_int_equal(alto_evidence_judge(&self->origin->anchor, objects, count, TEST_NOW_MS, verdicts), ALTO_OK);
    for (size_t i = 0; i < count; i++) {
        assert_true(verdicts[i].says[0]);
        proved += verdicts[i].proved;
    }
    return proved;
}

static void fill(const fixture *self, alto_slice objects[KINDS])
{
    for (size_t i = 0; i < KINDS; i++)
        objects[i] = alto_buffer_slice(&self->saved[i]);
}

static void together_they_prove_everything_in_any_order(void **state)
{
    fixture *self = *state;
    static const char *const types[] = {"manifest", "commit", "head", "catalog", "snapshot", "payload", "alto-json"};
    alto_slice objects[KINDS], turned[KINDS];
    alto_verdict verdicts[KINDS];
    fill(self, objects);
    assert_int_equal(judge_all(self, objects, KINDS, verdicts), KINDS);
    for (size_t i = 0; i < KINDS; i++) {
        assert_string_equal(verdicts[i].type, types[i]);
        turned[KINDS - 1 - i] = objects[i];
    }
    assert_int_equal(judge_all(self, turned, KINDS, verdicts), KINDS);
    assert_int_equal(judge_all(self, NULL, 0, verdicts), 0);
}

/* Which of them are proved when only those of a set are there; sets are bits. */
static void nothing_is_proved_without_what_it_needs(void **state)
{
    fixture *self = *state;
    alto_slice objects[KINDS];
    fill(self, objects);
    for (unsigned set = 0; set < 1U << KINDS; set++) {
        alto_slice given[KINDS];
        alto_verdict verdicts[KINDS];
        size_t count = 0;
        for (unsigned i = 0; i < KINDS; i++)
            if (set >> i & 1)
                given[count++] = objects[i];
        judge_all(self, given, count, verdicts);
        bool manifest = set >> MANIFEST & 1, commit = manifest && set >> COMMIT & 1, head = manifest && set >> HEAD & 1;
        bool catalog = (commit || head) && set >> CATALOG & 1, content = commit || catalog;
        const bool proved[KINDS] = {manifest, commit, head, catalog, content, commit, content};
        for (unsigned i = 0, at = 0; i < KINDS; i++)
            if (set >> i & 1)
                assert_int_equal(verdicts[at++].proved, proved[i]);
    }
}

/* A copy of the object, with one byte changed or cut short, in the place of the original. */
static void a_changed_object_is_never_proved(void **state)
{
    fixture *self = *state;
    alto_verdict verdicts[KINDS];
    for (size_t kind = 0; kind < KINDS; kind++) {
        alto_slice objects[KINDS];
        fill(self, objects);
        alto_buffer *saved = &self->saved[kind];
        for (size_t at = 0; at < saved->size; at++) {
            saved->data[at] ^= 0x20; /* a letter becomes another one, or a capital */
            judge_all(self, objects, KINDS, verdicts);
            assert_true(kind == SNAPSHOT || !verdicts[kind].proved); /* other bytes of a frame may say the same */
            saved->data[at] ^= 0x20;
            objects[kind].size = at;
            judge_all(self, objects, KINDS, verdicts);
            assert_false(verdicts[kind].proved);
            objects[kind].size = saved->size;
        }
    }
}

static void other_anchors_prove_nothing(void **state)
{
    fixture *self = *state;
    alto_slice objects[KINDS];
    alto_verdict verdicts[KINDS];
    test_origin *other = test_origin_new(6);
    fill(self, objects);
    assert_int_equal(alto_evidence_judge(&other->anchor, objects, KINDS, TEST_NOW_MS, verdicts), ALTO_OK);
    for (size_t i = 0; i < KINDS; i++)
        assert_false(verdicts[i].proved);
    test_origin_destroy(&other);
}

/* The key of what was saved is in manifest 1.1, and not in 1.2. */
static void a_key_that_a_newer_manifest_does_not_name_proves_nothing(void **state)
{
    fixture *self = *state;
    alto_slice objects[KINDS + 1];
    alto_verdict verdicts[KINDS + 1];
    alto_signing_key *key = test_key(42);
    test_origin_renew(self->origin, 1, 2, key, 200);
    fill(self, objects);
    objects[KINDS] = alto_buffer_slice(&self->origin->manifest_file);
    assert_int_equal(judge_all(self, objects, KINDS + 1, verdicts), 2); /* the manifests */
    assert_non_null(strstr(verdicts[COMMIT].says, "revoked"));
    alto_signing_key_destroy(&key);
}

static void what_is_dated_ahead_is_not_believed(void **state)
{
    fixture *self = *state;
    alto_slice objects[KINDS];
    alto_verdict verdicts[KINDS];
    fill(self, objects);
    uint64_t early_ms = TEST_NOW_MS - ALTO_MAX_CLOCK_MS - 1;
    assert_int_equal(alto_evidence_judge(&self->origin->anchor, objects, KINDS, early_ms, verdicts), ALTO_OK);
    for (size_t i = 0; i < KINDS; i++)
        assert_false(verdicts[i].proved);
}

static alto_status judge_once(void *context)
{
    const fixture *self = context;
    alto_slice objects[KINDS];
    alto_verdict verdicts[KINDS];
    fill(self, objects);
    alto_status status = alto_evidence_judge(&self->origin->anchor, objects, KINDS, TEST_NOW_MS, verdicts);
    for (size_t i = 0; status == ALTO_OK && i < KINDS; i++)
        assert_true(verdicts[i].proved);
    return status;
}

static void settle_nothing(void *context, alto_status status)
{
    (void)context, (void)status;
}

static void judging_survives_want_of_memory(void **state)
{
    test_sweep_run(&(test_sweep){"judging", judge_once, settle_nothing, 1}, *state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        T(together_they_prove_everything_in_any_order),
        T(nothing_is_proved_without_what_it_needs),
        T(a_changed_object_is_never_proved),
        T(other_anchors_prove_nothing),
        T(judging_survives_want_of_memory),
        T(what_is_dated_ahead_is_not_believed),
        T(a_key_that_a_newer_manifest_does_not_name_proves_nothing),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
