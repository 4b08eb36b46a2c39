/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked for by path: that it leads where it says, how long it stays, and that many may ask at once. */
#include "cmocka_all.h"
#include "core/delta.h"
#include "core/snapshot.h"
#include "origin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEX = 2 * ALTO_HASH_SIZE };

static int set_up(void **state)
{
    *state = test_origin_new(4);
    return 0;
}

static alto_version *cost(test_origin *origin, unsigned value)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"t%u\"}]},\"cost-map\":{\"P\":{\"P\":%u,"
             "\"Q\":7}}}",
             value, value);
    return test_json(origin->pool, text);
}

static const alto_blob *get_path(test_origin *origin, const char *path, bool lasting, alto_status wanted)
{
    bool lasts;
    alto_status status = ALTO_KNOWN;
    const alto_blob *blob = alto_archive_get(origin->archive, path, &lasts, &status);
    assert_string_equal(alto_status_name(status), alto_status_name(wanted));
    assert_int_equal(blob != NULL, wanted == ALTO_OK);
    if (blob)
        assert_int_equal(lasts, lasting);
    return blob;
}

static const alto_blob *get(test_origin *origin, alto_want_type type, const alto_hash *from, const alto_hash *to,
                            alto_status wanted)
{
    alto_want want = {.type = type, .to = *to};
    char path[ALTO_WANT_PATH];
    if (from)
        want.from = *from;
    alto_want_path(&want, path);
    return get_path(origin, path, true, wanted);
}

static alto_slice bytes_of(const alto_blob *blob)
{
    return alto_slice_of(blob->data, blob->size);
}

static const alto_resource *resource(const test_origin *origin, const char *id)
{
    return alto_view_by_id(test_origin_view(origin), id);
}

/* ---- what it gives ---- */

static void an_empty_archive_holds_its_manifest_alone(void **state)
{
    test_origin *origin = *state;
    assert_null(alto_archive_view(origin->archive));
    assert_true(alto_hash_equal(alto_archive_origin(origin->archive), &origin->anchor.origin));
    get_path(origin, "head", false, ALTO_NOT_FOUND);
    const alto_blob *manifest = get_path(origin, "manifest", false, ALTO_OK);
    assert_true(alto_slice_equal(bytes_of(manifest), alto_buffer_slice(&origin->manifest_file)));
    const alto_blob *numbered = get_path(origin, "manifest/1.1", true, ALTO_OK);
    assert_string_equal(numbered->etag, manifest->etag);
    alto_blob_release(manifest);
    alto_blob_release(numbered);
    alto_blob_release(NULL);
}

static void the_head_is_the_newest_statement(void **state)
{
    test_origin *origin = *state;
    test_origin_set(origin, "c", cost(origin, 1));
    for (size_t i = 0; i < 2; i++) {
        const alto_blob *head = get_path(origin, "head", false, ALTO_OK);
        alto_slice object;
        alto_signature signature;
        assert_int_equal(alto_signed_split(bytes_of(head), &object, &signature), ALTO_OK);
        assert_true(alto_slice_equal(object, alto_buffer_slice(&origin->messages[origin->message_count - 1].object)) ||
                    i == 0);
        assert_true(alto_verify(&origin->manifest.online[0].key, object, &signature));
        alto_blob_release(head);
        test_origin_head(origin);
    }
    const alto_blob *commit = get_path(origin, "commits/1.100.1", true, ALTO_OK);
    assert_true(alto_slice_equal(alto_slice_of(commit->data, commit->size - ALTO_SIGNATURE_SIZE),
                                 alto_buffer_slice(&origin->messages[0].object)));
    alto_blob_release(commit);
}

static void payloads_are_given_byte_for_byte(void **state)
{
    test_origin *origin = *state;
    test_origin_set(origin, "c", cost(origin, 1));
    alto_slice payload = alto_buffer_slice(&origin->messages[1].object);
    alto_hash digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, payload);
    const alto_blob *blob = get(origin, ALTO_WANT_PAYLOAD, NULL, &digest, ALTO_OK);
    assert_true(alto_slice_equal(bytes_of(blob), payload));
    assert_int_equal(strlen(blob->etag), ALTO_HASH_SIZE + 2);
    assert_int_equal(blob->etag[0], '"');
    alto_blob_release(blob);
    digest.bytes[0] ^= 1;
    get(origin, ALTO_WANT_PAYLOAD, NULL, &digest, ALTO_NOT_FOUND);
}

static void deltas_and_snapshots_lead_to_their_roots(void **state)
{
    test_origin *origin = *state;
    alto_hash roots[4];
    for (unsigned i = 0; i < 4; i++) {
        test_origin_set(origin, "c", cost(origin, i));
        roots[i] = resource(origin, "c")->entry.root;
    }
    alto_version *versions[4], *reached;
    for (unsigned i = 0; i < 4; i++) {
        const alto_blob *blob = get(origin, ALTO_WANT_SNAPSHOT, NULL, &roots[i], ALTO_OK);
        assert_int_equal(alto_snapshot_decode(origin->pool, ALTO_COST_MAP, &roots[i], bytes_of(blob), &versions[i]),
                         ALTO_OK);
        alto_blob_release(blob);
    }
    for (unsigned from = 0; from < 4; from++)
        for (unsigned to = 0; to < 4; to++) { /* backwards too, and to itself */
            alto_vtag vtag = {.resource_id = "n"};
            alto_buffer text = alto_buffer_make(400);
            const alto_blob *blob = get(origin, ALTO_WANT_DELTA, &roots[from], &roots[to], ALTO_OK);
            snprintf(vtag.tag, sizeof vtag.tag, "t%u", to);
            alto_dependencies_text(&vtag, 1, &text);
            alto_implied implied = {.dependencies = alto_buffer_slice(&text)};
            assert_int_equal(alto_delta_apply(origin->pool, ALTO_COST_MAP, versions[from], bytes_of(blob), &implied,
                                              &roots[to], &reached),
                             ALTO_OK);
            alto_version_release(reached);
            alto_buffer_fini(&text);
            alto_blob_release(blob);
        }
    for (unsigned i = 0; i < 4; i++)
        alto_version_release(versions[i]);
}

static void there_is_no_delta_between_kinds(void **state)
{
    test_origin *origin = *state;
    test_origin_set(origin, "c", cost(origin, 1));
    alto_hash from = resource(origin, "c")->entry.root;
    test_origin_set(origin, "c", test_json(origin->pool, "{\"a\":1}"));
    alto_hash to = resource(origin, "c")->entry.root;
    get(origin, ALTO_WANT_DELTA, &from, &to, ALTO_NOT_FOUND);
}

/* Two resources may have one content; what a delta leaves to the catalog entry is that of the resource it is for. */
static void a_delta_is_made_for_the_resource_that_it_is_asked_for(void **state)
{
    test_origin *origin = *state;
    const char *text = "{\"meta\":{\"vtag\":{\"resource-id\":\"a\",\"tag\":\"t\"}},\"x\":1}";
    test_origin_set(origin, "b", test_json(origin->pool, "{\"b\":0}"));
    alto_hash from = resource(origin, "b")->entry.root;
    test_origin_set(origin, "a", test_json(origin->pool, text));
    test_origin_set(origin, "b", test_json(origin->pool, text));
    const alto_resource *target = resource(origin, "b");
    const alto_blob *blob = get(origin, ALTO_WANT_DELTA, &from, &target->entry.root, ALTO_OK);
    alto_entry_texts texts;
    alto_version *reached = NULL, *base = test_json(origin->pool, "{\"b\":0}");
    assert_int_equal(alto_entry_texts_make(&target->name, &target->entry, &texts), ALTO_OK);
    assert_int_equal(alto_delta_apply(origin->pool, ALTO_DOCUMENT, base, bytes_of(blob), &texts.implied,
                                      &target->entry.root, &reached),
                     ALTO_OK);
    alto_entry_texts_fini(&texts);
    alto_version_release(reached);
    alto_version_release(base);
    alto_blob_release(blob);
}

static void catalogs_have_their_state_roots(void **state)
{
    test_origin *origin = *state;
    alto_hash roots[3];
    for (unsigned i = 0; i < 3; i++) {
        test_origin_set(origin, "c", cost(origin, i));
        roots[i] = test_origin_view(origin)->state_root;
    }
    for (unsigned i = 0; i < 3; i++) {
        alto_tree *catalog = NULL;
        const alto_blob *blob = get(origin, ALTO_WANT_CATALOG, NULL, &roots[i], ALTO_OK);
        assert_int_equal(alto_catalog_decode(origin->pool, bytes_of(blob), &origin->anchor.origin, &catalog), ALTO_OK);
        alto_hash root = alto_state_root(catalog);
        assert_true(alto_hash_equal(&root, &roots[i]));
        alto_tree_release(catalog);
        alto_blob_release(blob);
    }
}

static void one_object_is_shared_by_all_who_ask(void **state)
{
    test_origin *origin = *state;
    test_origin_set(origin, "c", cost(origin, 1));
    alto_hash root = resource(origin, "c")->entry.root;
    const alto_blob *first = get(origin, ALTO_WANT_SNAPSHOT, NULL, &root, ALTO_OK);
    const alto_blob *second = get(origin, ALTO_WANT_SNAPSHOT, NULL, &root, ALTO_OK);
    assert_ptr_equal(first, second);
    alto_blob_release(first);
    alto_archive_destroy(&origin->archive); /* blobs outlive the archive */
    assert_true(second->size > 0 && second->data[second->size - 1] + 1 > 0);
    alto_blob_release(second);
}

static void paths_that_are_not_written_so_lead_nowhere(void **state)
{
    static const char *const before_root[] = {"snapshots/", "catalog/", "deltas/", "commits/", "payloads/", "x/", ""};
    static const char *const plain[] = {"",
                                        "/",
                                        "head/",
                                        "Head",
                                        "manifest/",
                                        "manifest/1.2",
                                        "manifest/01.1",
                                        "manifest/1.1/",
                                        "commits/1.100.2",
                                        "commits/1.100.01",
                                        "commits/../head",
                                        "snapshots/",
                                        "snapshots/00",
                                        "deltas//",
                                        "snapshots/zz"};
    test_origin *origin = *state;
    test_origin_set(origin, "c", cost(origin, 1));
    char path[4 * ALTO_WANT_PATH], hex[HEX + 1];
    for (size_t i = 0; i < countof(plain); i++)
        get_path(origin, plain[i], false, ALTO_NOT_FOUND);
    alto_hex(hex, resource(origin, "c")->entry.root.bytes, ALTO_HASH_SIZE);
    snprintf(path, sizeof path, "snapshots/%s", hex);
    alto_blob_release(get_path(origin, path, true, ALTO_OK));
    for (size_t i = 0; i < countof(before_root); i++) { /* with more behind the root, or in capitals */
        snprintf(path, sizeof path, "%s%s/", before_root[i], hex);
        get_path(origin, path, false, ALTO_NOT_FOUND);
        snprintf(path, sizeof path, "%s%s0", before_root[i], hex);
        get_path(origin, path, false, ALTO_NOT_FOUND);
        snprintf(path, sizeof path, "%s%s", before_root[i], hex);
        for (char *at = path + strlen(before_root[i]); *at; at++)
            if (*at >= 'a')
                *at &= 0x5f;
        get_path(origin, path, false, ALTO_NOT_FOUND);
    }
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = 0;
    get_path(origin, path, false, ALTO_NOT_FOUND);
}

/* ---- how long it stays ---- */

enum { LARGE = 48 << 20, FITTING = ALTO_KEEP_OBJECTS / LARGE };

/* A step with a large payload, which is no delta: the archive does not look into it. */
static alto_hash large_step(test_origin *origin, uint8_t *bytes, uint64_t seq)
{
    const alto_view *view = test_origin_view(origin);
    memcpy(bytes, &seq, sizeof seq);
    alto_applied_change change = {.after = view->resources[0], .payload = alto_slice_of(bytes, LARGE)};
    alto_commit_change signed_change = {.size = LARGE, .digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, change.payload)};
    alto_statement statement = {.type = ALTO_COMMIT, .change_count = 1, .changes = &signed_change};
    alto_position position = {1, 100, seq};
    alto_view *after =
        alto_view_next(view, &view->origin, &position, &view->commit_hash, &view->state_root, view->catalog, NULL, 0);
    assert_non_null(after);
    alto_applied applied = {.after = after,
                            .object = alto_slice_text("commit"),
                            .statement = &statement,
                            .change_count = 1,
                            .changes = &change};
    assert_int_equal(alto_archive_step(origin->archive, &applied), ALTO_OK);
    alto_view_release(after);
    return signed_change.digest;
}

static void superseded_objects_are_held_up_to_a_bound_and_the_newest_stay(void **state)
{
    test_origin *origin = *state;
    alto_hash digests[FITTING + 3];
    uint8_t *bytes = calloc(1, LARGE);
    assert_non_null(bytes);
    test_origin_set(origin, "c", cost(origin, 1));
    for (size_t i = 0; i < countof(digests); i++)
        digests[i] = large_step(origin, bytes, 10 + i);
    for (size_t i = 0; i < countof(digests); i++) /* the newest is not counted */
        alto_blob_release(get(origin, ALTO_WANT_PAYLOAD, NULL, &digests[i], i < 2 ? ALTO_NOT_FOUND : ALTO_OK));
    get_path(origin, "commits/1.100.11", true, ALTO_OLD);
    alto_blob_release(get_path(origin, "commits/1.100.12", true, ALTO_OK));
    free(bytes);
}

/* ---- since, and bundles ---- */

static const char *position_text(uint64_t seq)
{
    static char text[ALTO_POSITION_TEXT];
    alto_position position = {1, 100, seq};
    alto_position_text(&position, text);
    return text;
}

/* The answer to since, in memory of the caller. */
static alto_buffer since(test_origin *origin, const char *position, alto_status wanted)
{
    alto_buffer text = alto_buffer_make(1 << 20);
    alto_status status = alto_archive_since(origin->archive, position, &text);
    assert_string_equal(alto_status_name(status), alto_status_name(wanted));
    alto_buffer_add_u8(&text, 0);
    text.size--;
    return text;
}

static uint64_t number_of(const alto_buffer *text, const char *const *path)
{
    alto_slice raw;
    assert_true(alto_json_get(alto_buffer_slice(text), path, &raw));
    return strtoull((const char *)raw.data, NULL, 10);
}

#define NUMBER(text, ...) number_of(text, (const char *const[]){__VA_ARGS__, NULL})

static bool has(const alto_buffer *text, const char *part)
{
    return strstr((const char *)text->data, part);
}

/* Walk through a bundle: its commits must be those behind `from`, each followed by all of its payloads. */
static void assert_bundle(const test_origin *origin, alto_slice bundle, uint64_t from, uint64_t to)
{
    alto_reader reader = alto_reader_make(bundle);
    size_t payloads_left = 0;
    alto_statement commit = {0};
    while (alto_reader_left(&reader)) {
        uint8_t type = alto_reader_u8(&reader);
        alto_slice item = alto_reader_slice(&reader, alto_reader_u32(&reader));
        assert_int_equal(reader.status, ALTO_OK);
        if (type == 'c') {
            alto_slice object;
            alto_signature signature;
            assert_int_equal(payloads_left, 0);
            alto_statement_fini(&commit);
            assert_int_equal(alto_signed_split(item, &object, &signature), ALTO_OK);
            assert_true(alto_verify(&origin->manifest.online[0].key, object, &signature));
            assert_int_equal(alto_statement_decode(object, &commit), ALTO_OK);
            assert_int_equal(commit.position.seq, ++from);
            for (size_t i = 0; i < commit.change_count; i++)
                payloads_left += commit.changes[i].size > 0;
        } else {
            assert_int_equal(type, 'p');
            size_t index = (size_t)item.data[0] << 8 | item.data[1];
            alto_hash digest = alto_hash_of(ALTO_DOMAIN_PAYLOAD, alto_slice_of(item.data + 2, item.size - 2));
            assert_true(alto_hash_equal(&digest, &commit.changes[index].digest));
            payloads_left--;
        }
    }
    alto_statement_fini(&commit);
    assert_int_equal(from, to);
    assert_int_equal(payloads_left, 0);
}

static void since_tells_the_ways_to_the_newest_state(void **state)
{
    test_origin *origin = *state;
    char wanted[400], from[HEX + 1], to[HEX + 1];
    alto_buffer text = since(origin, "1.100.1", ALTO_BUSY); /* nothing is held yet */
    alto_buffer_fini(&text);
    for (unsigned i = 0; i < 4; i++)
        test_origin_set(origin, "c", cost(origin, i));
    alto_hex(from, resource(origin, "c")->entry.root.bytes, ALTO_HASH_SIZE);
    test_origin_set(origin, "d", test_json(origin->pool, "{\"a\":1}"));
    test_origin_set(origin, "c", cost(origin, 9));
    alto_hex(to, resource(origin, "c")->entry.root.bytes, ALTO_HASH_SIZE);

    text = since(origin, "1.100.4", ALTO_OK);
    assert_true(has(&text, "{\"head\":\"1.100.6\",\"commits\":{\"count\":2,\"bytes\":"));
    snprintf(wanted, sizeof wanted, "{\"id\":\"c\",\"from\":\"%s\",\"to\":\"%s\",\"delta-bytes\":", from, to);
    assert_true(has(&text, wanted));
    assert_true(has(&text, "{\"id\":\"d\",\"from\":null,\"to\":"));
    assert_true(has(&text, ",\"delta-bytes\":null,\"snapshot-bytes\":"));
    uint64_t bundle_bytes = NUMBER(&text, "commits", "bytes");
    const alto_blob *bundle = get_path(origin, "bundle/1.100.4/1.100.6", true, ALTO_OK);
    assert_int_equal(bundle->size, bundle_bytes); /* exact */
    alto_blob_release(bundle);
    alto_blob_release(get(origin, ALTO_WANT_CATALOG, NULL, &test_origin_view(origin)->state_root, ALTO_OK));
    alto_buffer_fini(&text);

    text = since(origin, "1.100.6", ALTO_OK); /* nothing to do */
    assert_true(has(&text, "\"commits\":{\"count\":0,\"bytes\":0}"));
    assert_true(has(&text, "\"resources\":[]"));
    alto_buffer_fini(&text);
}

static void sizes_become_exact_once_things_were_made(void **state)
{
    test_origin *origin = *state;
    test_origin_set(origin, "c", cost(origin, 1));
    alto_hash from = resource(origin, "c")->entry.root;
    test_origin_set(origin, "c", cost(origin, 2));
    test_origin_set(origin, "c", cost(origin, 3));
    alto_hash to = resource(origin, "c")->entry.root;
    const alto_blob *snapshot = get(origin, ALTO_WANT_SNAPSHOT, NULL, &to, ALTO_OK);
    const alto_blob *delta = get(origin, ALTO_WANT_DELTA, &from, &to, ALTO_OK);
    alto_buffer text = since(origin, "1.100.1", ALTO_OK);
    char wanted[100];
    snprintf(wanted, sizeof wanted, "\"delta-bytes\":%zu,\"snapshot-bytes\":%zu}]}", delta->size, snapshot->size);
    assert_true(has(&text, wanted));
    alto_buffer_fini(&text);
    alto_blob_release(snapshot);
    alto_blob_release(delta);
}

static void positions_that_are_not_held_are_told_from_those_that_are_none(void **state)
{
    static const struct {
        const char *position;
        alto_status since, commit;
    } cases[] = {{"1.100.2", ALTO_OK, ALTO_OK},
                 {"1.100.4", ALTO_OLD, ALTO_NOT_FOUND}, /* not yet */
                 {"2.1.1", ALTO_OLD, ALTO_NOT_FOUND},
                 {"1.100.0", ALTO_OLD, ALTO_OLD},
                 {"1.99.7", ALTO_OLD, ALTO_OLD}, /* another chain */
                 {"0.100.2", ALTO_OLD, ALTO_OLD},
                 {"1.100.02", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"1.100", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"1.100.2.", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"1.100.2 ", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"+1.100.2", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"1..2", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"4294967296.1.1", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"1.9007199254740992.1", ALTO_NOT_FOUND, ALTO_NOT_FOUND},
                 {"1.100.99999999999999999999999999", ALTO_NOT_FOUND, ALTO_NOT_FOUND}};
    test_origin *origin = *state;
    char path[100];
    for (unsigned i = 0; i < 3; i++)
        test_origin_set(origin, "c", cost(origin, i));
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].position);
        alto_buffer text = since(origin, cases[i].position, cases[i].since);
        alto_buffer_fini(&text);
        snprintf(path, sizeof path, "commits/%s", cases[i].position);
        alto_blob_release(get_path(origin, path, true, cases[i].commit));
    }
    alto_buffer where = alto_buffer_make(200);
    alto_archive_where(origin->archive, &where);
    assert_true(
        alto_slice_equal(alto_buffer_slice(&where), alto_slice_text("{\"head\":\"1.100.3\",\"oldest\":\"1.100.1\"}")));
    alto_buffer_fini(&where);
}

static void bundles_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *path;
        alto_status status;
    } cases[] = {{"bundle/1.100.1/1.100.3", ALTO_OK},        {"bundle/1.100.2/1.100.3", ALTO_OK},
                 {"bundle/1.100.1/1.100.2", ALTO_OK},        {"bundle/1.100.3/1.100.3", ALTO_NOT_FOUND},
                 {"bundle/1.100.3/1.100.1", ALTO_NOT_FOUND}, {"bundle/1.100.1/1.100.4", ALTO_NOT_FOUND},
                 {"bundle/1.100.0/1.100.3", ALTO_OLD},       {"bundle/1.99.1/1.100.3", ALTO_OLD},
                 {"bundle/1.100.1", ALTO_NOT_FOUND},         {"bundle/1.100.1/1.100.3/", ALTO_NOT_FOUND},
                 {"bundle//1.100.3", ALTO_NOT_FOUND},        {"bundle/1.100.01/1.100.3", ALTO_NOT_FOUND}};
    test_origin *origin = *state;
    for (unsigned i = 0; i < 3; i++)
        test_origin_set(origin, "c", cost(origin, i));
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].path);
        alto_blob_release(get_path(origin, cases[i].path, true, cases[i].status));
    }
}

/* The receiving side of a relay that missed a commit and went on by another way. */
static void a_bundle_never_leads_over_a_gap(void **state)
{
    test_origin *origin = *state;
    for (unsigned i = 0; i < 2; i++)
        test_origin_set(origin, "c", cost(origin, i));
    alto_archive *relay = origin->archive, *fresh = alto_archive_new(&origin->anchor.origin);
    assert_non_null(fresh);
    origin->archive = fresh; /* what follows goes past the relay */
    test_origin_set(origin, "c", cost(origin, 2));
    origin->archive = relay;
    for (unsigned i = 3; i < 5; i++)
        test_origin_set(origin, "c", cost(origin, i));
    alto_buffer text = since(origin, "1.100.2", ALTO_OK);
    assert_true(has(&text, "\"commits\":null"));
    alto_buffer_fini(&text);
    get_path(origin, "bundle/1.100.2/1.100.5", true, ALTO_OLD);
    alto_blob_release(get_path(origin, "bundle/1.100.4/1.100.5", true, ALTO_OK));
    get_path(origin, "commits/1.100.3", true, ALTO_OLD);
    alto_archive_destroy(&fresh);
}

static void a_new_chain_is_reached_by_its_roots(void **state)
{
    test_origin *origin = *state;
    test_origin_set(origin, "c", cost(origin, 1));
    test_origin_set(origin, "d", test_json(origin->pool, "{\"a\":1}"));
    alto_hash from = resource(origin, "c")->entry.root;
    test_origin_restart(origin, 200, true);
    test_origin_set(origin, "c", cost(origin, 2));
    alto_hash to = resource(origin, "c")->entry.root;
    alto_buffer text = since(origin, "1.100.2", ALTO_OK);
    assert_true(has(&text, "{\"head\":\"1.200.1\",\"commits\":null,"));
    assert_true(has(&text, "\"id\":\"c\""));
    assert_false(has(&text, "\"id\":\"d\"")); /* it did not change */
    alto_buffer_fini(&text);
    alto_blob_release(get(origin, ALTO_WANT_DELTA, &from, &to, ALTO_OK));
}

static void ten_thousand_commits_can_be_caught_up_with(void **state)
{
    test_origin *origin = *state;
    enum { GAP = 10000 };
    char path[100];
    test_origin_set(origin, "c", cost(origin, 0));
    alto_hash from = resource(origin, "c")->entry.root;
    for (unsigned i = 1; i <= GAP; i++) {
        test_origin_set(origin, "c", cost(origin, i));
        test_origin_forget_messages(origin);
    }
    alto_hash to = resource(origin, "c")->entry.root;
    alto_buffer text = since(origin, "1.100.1", ALTO_OK);
    assert_int_equal(NUMBER(&text, "commits", "count"), GAP);
    snprintf(path, sizeof path, "bundle/1.100.1/%s", position_text(GAP + 1));
    const alto_blob *bundle = NULL;
    bool lasting;
    alto_status status = ALTO_BUSY;
    while (status == ALTO_BUSY) /* it is large: made by the archive's thread */
        bundle = alto_archive_get(origin->archive, path, &lasting, &status);
    assert_int_equal(status, ALTO_OK);
    assert_int_equal(bundle->size, NUMBER(&text, "commits", "bytes"));
    assert_bundle(origin, alto_slice_of(bundle->data, bundle->size), 1, GAP + 1);
    alto_blob_release(bundle);
    alto_buffer_fini(&text);
    alto_blob_release(get(origin, ALTO_WANT_DELTA, &from, &to, ALTO_OK)); /* of one resource: far less */
}

/* ---- large things ---- */

/* A cost map of `side` times `side` cells, and `value` in the first of them. */
static alto_version *large_cost(test_origin *origin, unsigned side, unsigned value)
{
    alto_buffer text = alto_buffer_make(1 << 28);
    alto_buffer_add_text(&text,
                         "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"t\"}]},\"cost-map\":{");
    for (unsigned row = 0; row < side; row++) {
        alto_buffer_print(&text, "%s\"P%u\":{", row ? "," : "", row);
        for (unsigned column = 0; column < side; column++)
            alto_buffer_print(&text, "%s\"P%u\":%u", column ? "," : "", column, row + column ? row ^ column : value);
        alto_buffer_add_text(&text, "}");
    }
    alto_buffer_add_text(&text, "}}");
    alto_buffer_add_u8(&text, 0);
    alto_version *made = test_json(origin->pool, (const char *)text.data);
    alto_buffer_fini(&text);
    return made;
}

static void what_is_large_is_made_once_while_nobody_waits(void **state)
{
    test_origin *origin = *state;
    char path[ALTO_WANT_PATH];
    bool lasting;
    alto_status status;
    test_origin_set(origin, "c", large_cost(origin, 700, 1));
    alto_hash root = resource(origin, "c")->entry.root;
    alto_want want = {.type = ALTO_WANT_SNAPSHOT, .to = root};
    alto_want_path(&want, path);
    for (int i = 0; i < 3; i++) /* ordered once, however many ask */
        assert_null(alto_archive_get(origin->archive, path, &lasting, &status));
    assert_int_equal(status, ALTO_BUSY);
    alto_blob_release(get_path(origin, "head", false, ALTO_OK)); /* is there meanwhile */
    const alto_blob *blob;
    while (!(blob = alto_archive_get(origin->archive, path, &lasting, &status)))
        assert_int_equal(status, ALTO_BUSY);
    assert_int_equal(alto_archive_made_so_far(origin->archive).snapshots, 1);
    alto_version *read = NULL;
    assert_int_equal(
        alto_snapshot_decode(origin->pool, ALTO_COST_MAP, &root, alto_slice_of(blob->data, blob->size), &read),
        ALTO_OK);
    alto_version_release(read);
    alto_blob_release(blob);
}

/* The version of a resource after one cell changed. */
static alto_version *one_cell_changed(test_origin *origin, const char *id)
{
    alto_version *made = NULL;
    alto_row_key row = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text("P3"));
    alto_edit cell = {.key = alto_slice_text("P4"), .value = {.cost = 99}};
    alto_row_edit edit = {.row = alto_row_key_slice(&row), .what = ALTO_ROW_ITEMS, .edits = &cell, .count = 1};
    const alto_version *base = resource(origin, id)->version;
    assert_int_equal(alto_version_edit(origin->pool, ALTO_COST_MAP, base, &edit, 1, &made), ALTO_OK);
    return made;
}

/* What lies between two versions of a large map may be small: then there is nothing to wait for. */
static void a_small_delta_of_a_large_map_is_made_at_once(void **state)
{
    test_origin *origin = *state;
    test_origin_set(origin, "c", large_cost(origin, 700, 1));
    alto_hash from = resource(origin, "c")->entry.root;
    test_origin_set(origin, "c", one_cell_changed(origin, "c"));
    alto_hash to = resource(origin, "c")->entry.root;
    alto_blob_release(get(origin, ALTO_WANT_DELTA, &from, &to, ALTO_OK));
    alto_blob_release(get(origin, ALTO_WANT_DELTA, &to, &from, ALTO_OK));
}

static void an_archive_ends_in_the_middle_of_its_work(void **state)
{
    test_origin *origin = *state;
    bool lasting;
    alto_status status;
    char path[ALTO_WANT_PATH];
    for (unsigned i = 0; i < 3; i++) {
        test_origin_set(origin, "c", large_cost(origin, 700 + i, 1));
        alto_want want = {.type = ALTO_WANT_SNAPSHOT, .to = resource(origin, "c")->entry.root};
        alto_want_path(&want, path);
        assert_null(alto_archive_get(origin->archive, path, &lasting, &status));
        assert_int_equal(status, ALTO_BUSY);
    }
    alto_archive_destroy(&origin->archive);
}

/* ---- threads ---- */

typedef struct {
    test_origin *origin;
    atomic_bool stop;
    atomic_size_t found;
    alto_hash roots[8];
    atomic_size_t root_count;
} crowd;

static void ask_once(crowd *self, size_t turn)
{
    size_t count = atomic_load(&self->root_count);
    alto_want want = {.type = turn % 3 ? ALTO_WANT_SNAPSHOT : ALTO_WANT_DELTA};
    char path[ALTO_WANT_PATH] = "head";
    if (count && turn % 4) {
        want.to = self->roots[turn % count];
        want.from = self->roots[turn / 2 % count];
        alto_want_path(&want, path);
    }
    bool lasting;
    alto_status status;
    const alto_blob *blob = alto_archive_get(self->origin->archive, path, &lasting, &status);
    if (blob && blob->size && blob->data[0] | blob->data[blob->size - 1])
        atomic_fetch_add(&self->found, 1);
    alto_blob_release(blob);
    alto_view *view = alto_archive_view(self->origin->archive);
    if (view && view->count && view->resources[0]->version)
        atomic_fetch_add(&self->found, alto_version_items(view->resources[0]->version) > 0);
    alto_view_release(view);
}

static void *ask(void *context)
{
    crowd *self = context;
    for (size_t turn = 0; !atomic_load(&self->stop); turn++)
        ask_once(self, turn);
    return NULL;
}

static void many_ask_while_it_moves_on(void **state)
{
    test_origin *origin = *state;
    crowd all = {.origin = origin};
    pthread_t threads[4];
    for (size_t i = 0; i < countof(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &all), 0);
    for (unsigned i = 0; i < 300; i++) {
        test_origin_set(origin, "c", cost(origin, i));
        if (i < countof(all.roots)) {
            all.roots[i] = resource(origin, "c")->entry.root;
            atomic_store(&all.root_count, i + 1);
        }
        test_origin_head(origin);
        test_origin_forget_messages(origin);
    }
    while (atomic_load(&all.found) < 100)
        ; /* all of them answer in the end */
    atomic_store(&all.stop, true);
    for (size_t i = 0; i < countof(threads); i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, test_origin_tear_down)
    const struct CMUnitTest tests[] = {
        T(an_empty_archive_holds_its_manifest_alone),
        T(the_head_is_the_newest_statement),
        T(payloads_are_given_byte_for_byte),
        T(deltas_and_snapshots_lead_to_their_roots),
        T(there_is_no_delta_between_kinds),
        T(a_delta_is_made_for_the_resource_that_it_is_asked_for),
        T(catalogs_have_their_state_roots),
        T(one_object_is_shared_by_all_who_ask),
        T(paths_that_are_not_written_so_lead_nowhere),
        T(superseded_objects_are_held_up_to_a_bound_and_the_newest_stay),
        T(since_tells_the_ways_to_the_newest_state),
        T(sizes_become_exact_once_things_were_made),
        T(positions_that_are_not_held_are_told_from_those_that_are_none),
        T(bundles_that_cannot_be_are_refused),
        T(a_bundle_never_leads_over_a_gap),
        T(a_new_chain_is_reached_by_its_roots),
        T(ten_thousand_commits_can_be_caught_up_with),
        T(what_is_large_is_made_once_while_nobody_waits),
        T(a_small_delta_of_a_large_map_is_made_at_once),
        T(an_archive_ends_in_the_middle_of_its_work),
        T(many_ask_while_it_moves_on),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
