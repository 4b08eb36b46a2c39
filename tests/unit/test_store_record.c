/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_record.h"

#include "cmocka_all.h"

#include <string.h>

static const alto_hash id = {{7, 1}}, root = {{9}};

static int compare(const alto_record_key *a, const alto_record_key *b)
{
    return alto_slice_compare(alto_record_key_slice(a), alto_record_key_slice(b));
}

static void keys_say_what_they_were_made_of(void **state)
{
    (void)state;
    alto_record_key log = alto_record_key_numbered(&id, 258), piece = alto_record_key_of_piece(&id, 258, 3);
    alto_hash read;
    uint64_t number;
    assert_true(alto_record_read_log_key(alto_record_key_slice(&log), &read, &number));
    assert_true(alto_hash_equal(&read, &id));
    assert_int_equal(number, 258);
    number = 0;
    assert_true(alto_record_read_piece_key(alto_record_key_slice(&piece), &read, &number));
    assert_int_equal(number, 258);
    assert_false(alto_record_read_log_key(alto_record_key_slice(&piece), &read, &number));
    assert_false(alto_record_read_piece_key(alto_record_key_slice(&log), &read, &number));
    assert_false(alto_record_read_log_key(alto_slice_of(NULL, 0), &read, &number));
}

/* A log is read in the order of its steps, a snapshot in that of its pieces. */
static void keys_are_in_the_order_of_their_numbers(void **state)
{
    static const uint64_t numbers[] = {0, 1, 255, 256, UINT32_MAX, UINT64_C(1) << 40, UINT64_MAX};
    (void)state;
    for (size_t i = 1; i < countof(numbers); i++) {
        alto_record_key before = alto_record_key_numbered(&id, numbers[i - 1]);
        alto_record_key after = alto_record_key_numbered(&id, numbers[i]);
        alto_record_key last = alto_record_key_of_piece(&id, numbers[i - 1], UINT32_MAX);
        assert_true(compare(&before, &last) < 0);
        assert_true(compare(&last, &after) < 0);
    }
}

static void a_head_comes_back_or_is_refused(void **state)
{
    (void)state;
    const alto_record_head head = {.kind = ALTO_COST_MAP, .root = root, .number = 5, .size = 1 << 20};
    alto_record_head read;
    alto_buffer value = alto_buffer_make(1000);
    alto_record_write_head(&head, &value);
    assert_int_equal(value.status, ALTO_OK);
    assert_true(alto_record_read_head(alto_buffer_slice(&value), &read));
    assert_int_equal(read.kind, head.kind);
    assert_true(alto_hash_equal(&read.root, &root));
    assert_int_equal(read.number, 5);
    assert_int_equal(read.size, 1 << 20);
    for (size_t size = 0; size < value.size; size++)
        assert_false(alto_record_read_head(alto_slice_of(value.data, size), &read));
    value.data[0] = 0; /* no kind */
    assert_false(alto_record_read_head(alto_buffer_slice(&value), &read));
    value.data[0] = ALTO_COST_MAP;
    alto_buffer_add_u8(&value, 0);
    assert_false(alto_record_read_head(alto_buffer_slice(&value), &read));
    alto_buffer_fini(&value);
}

static void a_step_comes_back_or_is_refused(void **state)
{
    (void)state;
    const alto_record_step step = {root, alto_slice_text("vtag"), alto_slice_text(""), alto_slice_text("delta")};
    alto_record_step read;
    alto_buffer value = alto_buffer_make(1000);
    alto_record_write_step(&step, &value);
    assert_int_equal(value.status, ALTO_OK);
    assert_int_equal(alto_record_read_step(alto_buffer_slice(&value), &read), ALTO_OK);
    assert_true(alto_hash_equal(&read.root, &root));
    assert_true(alto_slice_equal(read.vtag, step.vtag));
    assert_int_equal(read.dependencies.size, 0);
    assert_true(alto_slice_equal(read.delta, step.delta));
    for (size_t size = 0; size < value.size - step.delta.size; size++)
        assert_int_equal(alto_record_read_step(alto_slice_of(value.data, size), &read), ALTO_MALFORMED);
    value.data[ALTO_HASH_SIZE] = 100; /* bytes of a text that are not there */
    assert_int_equal(alto_record_read_step(alto_buffer_slice(&value), &read), ALTO_MALFORMED);
    alto_buffer_fini(&value);
}

static void an_entry_comes_back_or_is_refused(void **state)
{
    (void)state;
    alto_slice key, entry;
    alto_buffer value = alto_buffer_make(1000);
    alto_record_write_entry(alto_slice_text("key"), alto_slice_text("entry"), &value);
    assert_int_equal(value.status, ALTO_OK);
    assert_int_equal(alto_record_read_entry(alto_buffer_slice(&value), &key, &entry), ALTO_OK);
    assert_true(alto_slice_equal(key, alto_slice_text("key")));
    assert_true(alto_slice_equal(entry, alto_slice_text("entry")));
    assert_int_equal(alto_record_read_entry(alto_slice_of(value.data, 3), &key, &entry), ALTO_MALFORMED);
    assert_int_equal(alto_record_read_entry(alto_slice_of(NULL, 0), &key, &entry), ALTO_MALFORMED);
    alto_buffer_fini(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_say_what_they_were_made_of),   cmocka_unit_test(keys_are_in_the_order_of_their_numbers),
        cmocka_unit_test(a_head_comes_back_or_is_refused),   cmocka_unit_test(a_step_comes_back_or_is_refused),
        cmocka_unit_test(an_entry_comes_back_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
