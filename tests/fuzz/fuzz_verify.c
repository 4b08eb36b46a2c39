/* SPDX-License-Identifier: Apache-2.0 */
/* Saved objects and an anchor: whatever is among them, damaged or made up, nothing is called proved that the origin did not make.
 *
 * Longest input: 1024. Dictionary: pack. */
#include "cmocka_all.h"
#include "core/evidence.h"
#include "core/snapshot.h"
#include "fuzz.h"
#include "origin.h"

enum { MOST = 24, CHOSEN = 6 };

static test_origin *origin; /* made once */
static alto_buffer objects[MOST];
static size_t object_count;
static alto_hash roots[MOST]; /* of every version that there was */
static size_t root_count;

static alto_buffer *add_object(void)
{
    fuzz_check(object_count < MOST);
    objects[object_count] = alto_buffer_make(ALTO_MAX_PAYLOAD);
    return &objects[object_count++];
}

static void put(const char *text)
{
    test_origin_put(origin, "doc", text);
    const alto_version *version = alto_view_by_id(test_origin_view(origin), "doc")->version;
    roots[root_count++] = *alto_version_root(version);
    alto_buffer_add_text(add_object(), text);
    fuzz_check(alto_snapshot_encode(version, add_object()) == ALTO_OK);
    fuzz_check(alto_catalog_encode(&origin->anchor.origin, test_origin_view(origin)->catalog, add_object()) == ALTO_OK);
}

static void prepare(void)
{
    if (origin)
        return;
    origin = test_origin_new(24);
    alto_buffer_add_slice(add_object(), alto_buffer_slice(&origin->manifest_file));
    put("{\"a\":{\"b\":[1,2,3]}}");
    put("{\"a\":{\"b\":[1,2]},\"c\":1}");
    test_origin_head(origin);
    for (size_t i = 0; i < origin->message_count; i++) {
        const test_message *message = &origin->messages[i];
        alto_buffer *object = add_object();
        alto_buffer_add_slice(object, alto_buffer_slice(&message->object));
        if (!message->is_payload)
            alto_buffer_add(object, message->signature.bytes, sizeof message->signature.bytes);
    }
}

static bool is_true(alto_slice bytes)
{
    for (size_t i = 0; i < object_count; i++)
        if (alto_slice_equal(bytes, alto_buffer_slice(&objects[i])))
            return true;
    return false;
}

/* Is it JSON that says what one of the versions did? White space does not count. */
static bool says_the_same(alto_slice text)
{
    alto_version *version = NULL;
    bool same = false;
    if (alto_map_read(origin->pool, text, NULL, NULL, &version, NULL) != ALTO_OK)
        return false;
    for (size_t i = 0; i < root_count; i++)
        same = same || alto_hash_equal(alto_version_root(version), &roots[i]);
    alto_version_release(version);
    return same;
}

/* One of those that the origin made, perhaps damaged; or any bytes. */
static alto_slice choose_object(alto_reader *in)
{
    unsigned which = fuzz_below(in, MOST + 4);
    if (which >= object_count)
        return fuzz_part(in);
    alto_reader copy = alto_reader_make(alto_buffer_slice(&objects[which]));
    alto_slice own = fuzz_rest(&copy);
    for (unsigned count = fuzz_below(in, 6); count > 3 && own.size > 0; count--)
        ((uint8_t *)(uintptr_t)own.data)[fuzz_below(in, 65536) % own.size] ^= alto_reader_u8(in);
    return own;
}

void fuzz_one(alto_slice input)
{
    prepare();
    alto_reader in = alto_reader_make(input);
    alto_slice chosen[CHOSEN];
    alto_verdict verdicts[CHOSEN];
    size_t count = 1 + fuzz_below(&in, CHOSEN);
    uint64_t now_ms = fuzz_flag(&in) ? TEST_NOW_MS : alto_reader_u32(&in);
    for (size_t i = 0; i < count; i++)
        chosen[i] = choose_object(&in);
    fuzz_check(alto_evidence_judge(&origin->anchor, chosen, count, now_ms, verdicts) == ALTO_OK);
    for (size_t i = 0; i < count; i++) {
        fuzz_check(verdicts[i].type && verdicts[i].says[0] && memchr(verdicts[i].says, 0, sizeof verdicts[i].says));
        if (verdicts[i].proved)
            fuzz_check(is_true(chosen[i]) || (strcmp(verdicts[i].type, "alto-json") == 0 && says_the_same(chosen[i])));
    }
}
