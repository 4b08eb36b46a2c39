/* SPDX-License-Identifier: Apache-2.0 */
/* What was made is found again, for a time and within its bytes; blobs have owners. */
#include "cmocka_all.h"
#include "io/archive_history.h"
#include "io/archive_made.h"

#include <stdio.h>

enum { QUARTER = ALTO_KEEP_MADE / 4 };

static int set_up(void **state)
{
    *state = alto_made_new();
    return alto_crypto_init() == ALTO_OK && *state ? 0 : -1;
}

static int tear_down(void **state)
{
    alto_made *self = *state;
    alto_made_destroy(&self);
    assert_int_equal(alto_blob_bytes_taken(), 0);
    return 0;
}

static const alto_blob *blob_of(size_t size)
{
    alto_buffer bytes = alto_buffer_make(size);
    assert_non_null(alto_buffer_grow(&bytes, size));
    memset(bytes.data, 1, size);
    const alto_blob *made = alto_blob_take(&bytes);
    assert_non_null(made);
    return made;
}

static void add(alto_made *self, const char *path, size_t size, uint64_t now_ms)
{
    const alto_blob *blob = blob_of(size);
    assert_int_equal(alto_made_add(self, path, blob, ALTO_OK, now_ms), ALTO_OK);
    alto_blob_release(blob);
}

static bool has(const alto_made *self, const char *path)
{
    alto_status status;
    return alto_made_find(self, path, &status) && status == ALTO_OK;
}

static void what_was_made_is_found_for_a_time(void **state)
{
    alto_made *self = *state;
    alto_status status;
    add(self, "a", 10, 1000);
    add(self, "b", 20, 2000);
    assert_int_equal(alto_made_find(self, "b", &status)->size, 20);
    assert_null(alto_made_find(self, "c", &status));
    assert_int_equal(status, ALTO_NOT_FOUND);
    alto_made_forget(self, 1000 + ALTO_KEEP_MS);
    assert_true(has(self, "a"));
    alto_made_forget(self, 1000 + ALTO_KEEP_MS + 1);
    assert_false(has(self, "a"));
    assert_true(has(self, "b"));
    add(self, "c", 10, 1000000);
    assert_false(has(self, "b"));
}

static void the_oldest_goes_when_it_is_too_much_but_the_newest_stays(void **state)
{
    alto_made *self = *state;
    static const char *const paths[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < countof(paths); i++)
        add(self, paths[i], QUARTER - 1000, 0);
    for (size_t i = 0; i < countof(paths); i++)
        assert_int_equal(has(self, paths[i]), i > 0);
    add(self, "whole", ALTO_KEEP_MADE + 1, 0);
    assert_true(has(self, "whole"));
    assert_false(has(self, "e"));
}

static void what_cannot_be_made_is_remembered(void **state)
{
    alto_made *self = *state;
    alto_status status;
    assert_int_equal(alto_made_add(self, "a", NULL, ALTO_TOO_LARGE, 0), ALTO_OK);
    assert_null(alto_made_find(self, "a", &status));
    assert_int_equal(status, ALTO_TOO_LARGE);
}

static void who_still_reads_it_keeps_its_bytes_counted(void **state)
{
    alto_made *self = *state;
    const alto_blob *blob = blob_of(1000);
    alto_made_add(self, "a", blob, ALTO_OK, 0);
    alto_made_forget(self, 1000000);
    assert_int_equal(alto_blob_bytes_taken(), 1000);
    assert_int_equal(blob->data[999], 1);
    alto_blob_release(blob);
    assert_int_equal(alto_blob_bytes_taken(), 0);
}

static void equal_bytes_have_equal_entity_tags(void **state)
{
    (void)state;
    const alto_blob *taken = blob_of(100);
    const alto_blob *copied = alto_blob_new(alto_slice_of(taken->data, 60), alto_slice_of(taken->data + 60, 40));
    assert_string_equal(taken->etag, copied->etag);
    assert_memory_equal(taken->data, copied->data, 100);
    const alto_blob *other = alto_blob_new(alto_slice_of(taken->data, 99), alto_slice_of(NULL, 0));
    assert_string_not_equal(taken->etag, other->etag);
    alto_blob_release(taken);
    alto_blob_release(copied);
    alto_blob_release(other);
    assert_null(alto_blob_retain(NULL));
    alto_blob_release(NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_was_made_is_found_for_a_time),  T(the_oldest_goes_when_it_is_too_much_but_the_newest_stays),
        T(what_cannot_be_made_is_remembered),  T(who_still_reads_it_keeps_its_bytes_counted),
        T(equal_bytes_have_equal_entity_tags),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
