/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pushed.h"

#include "cmocka_all.h"
#include "core/wire.h"

static const uint8_t statement_topic[ALTO_TOPIC_SIZE] = {'h'}, payload_topic[ALTO_TOPIC_SIZE] = {'p'};
static const uint8_t signature[ALTO_SIGNATURE_SIZE] = {5, 6}, commit_hash[ALTO_HASH_SIZE] = {7, 8}, change = 200;

#define WHOLE(array)                                                                                                   \
    {                                                                                                                  \
        array, sizeof(array)                                                                                           \
    }

static void a_statement_is_its_object_and_its_signature(void **state)
{
    const alto_slice frames[] = {WHOLE(statement_topic), {commit_hash, 3}, WHOLE(signature)};
    alto_pushed pushed;
    (void)state;
    assert_int_equal(alto_pushed_read(frames, countof(frames), &pushed), ALTO_OK);
    assert_true(pushed.is_statement);
    assert_ptr_equal(pushed.object.data, commit_hash);
    assert_int_equal(pushed.object.size, 3);
    assert_memory_equal(pushed.signature.bytes, signature, sizeof signature);
}

static void a_payload_says_which_change_it_is_of(void **state)
{
    const alto_slice frames[] = {WHOLE(payload_topic), WHOLE(commit_hash), {&change, 1}, {signature, 0}};
    alto_pushed pushed;
    (void)state;
    assert_int_equal(alto_pushed_read(frames, countof(frames), &pushed), ALTO_OK);
    assert_false(pushed.is_statement);
    assert_memory_equal(pushed.commit_hash.bytes, commit_hash, sizeof commit_hash);
    assert_int_equal(pushed.index, 200);
    assert_int_equal(pushed.object.size, 0);
}

static void frames_of_another_number_or_size_are_malformed(void **state)
{
    static const struct {
        const char *label;
        size_t count;
        alto_slice frames[5];
    } cases[] = {
        {"none", 0, {WHOLE(statement_topic)}},
        {"a topic too short", 3, {{statement_topic, 16}, WHOLE(commit_hash), WHOLE(signature)}},
        {"a statement without signature", 2, {WHOLE(statement_topic), WHOLE(commit_hash)}},
        {"a signature too short", 3, {WHOLE(statement_topic), WHOLE(commit_hash), {signature, 63}}},
        {"a statement and more", 4, {WHOLE(statement_topic), WHOLE(commit_hash), WHOLE(signature), {&change, 1}}},
        {"no payload", 3, {WHOLE(payload_topic), WHOLE(commit_hash), {&change, 1}}},
        {"a hash too short", 4, {WHOLE(payload_topic), {commit_hash, 31}, {&change, 1}, WHOLE(signature)}},
        {"no index", 4, {WHOLE(payload_topic), WHOLE(commit_hash), {&change, 0}, WHOLE(signature)}},
        {"a payload and more", 5, {WHOLE(payload_topic), WHOLE(commit_hash), {&change, 1}, {&change, 1}, {&change, 1}}},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_pushed pushed;
        print_message("  case: %s\n", cases[i].label);
        assert_int_equal(alto_pushed_read(cases[i].frames, cases[i].count, &pushed), ALTO_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_is_its_object_and_its_signature),
        cmocka_unit_test(a_payload_says_which_change_it_is_of),
        cmocka_unit_test(frames_of_another_number_or_size_are_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
