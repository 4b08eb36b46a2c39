/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in, who has to come again, and that slow ones cannot keep the others out. */
#include "cmocka_all.h"
#include "io/admission.h"

static int set_up(void **state)
{
    *state = alto_admission_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    alto_admission *self = *state;
    alto_admission_destroy(&self);
    return 0;
}

static void so_many_are_admitted_and_no_more(void **state)
{
    uint64_t tickets[ALTO_ADMIT_TRANSFERS];
    for (size_t i = 0; i < ALTO_ADMIT_TRANSFERS; i++) {
        tickets[i] = alto_admission_enter(*state, 1000, 0);
        assert_int_not_equal(tickets[i], 0);
    }
    assert_int_equal(alto_admission_enter(*state, 1000, 0), 0);
    alto_admission_leave(*state, tickets[7]);
    assert_int_not_equal(alto_admission_enter(*state, 1000, 0), 0);
    assert_int_equal(alto_admission_enter(*state, 1000, 0), 0);
}

static void so_many_bytes_are_admitted_but_one_always_is(void **state)
{
    uint64_t whole = alto_admission_enter(*state, 3 * ALTO_ADMIT_BYTES, 0);
    assert_int_not_equal(whole, 0);
    assert_int_equal(alto_admission_enter(*state, 1, 0), 0);
    alto_admission_leave(*state, whole);
    uint64_t half = alto_admission_enter(*state, ALTO_ADMIT_BYTES / 2, 0);
    assert_int_not_equal(half, 0);
    assert_int_not_equal(alto_admission_enter(*state, ALTO_ADMIT_BYTES / 2, 0), 0);
    assert_int_equal(alto_admission_enter(*state, 1, 0), 0);
    alto_admission_leave(*state, half);
    assert_int_equal(alto_admission_enter(*state, ALTO_ADMIT_BYTES / 2 + 1, 0), 0);
    assert_int_not_equal(alto_admission_enter(*state, ALTO_ADMIT_BYTES / 2, 0), 0);
}

static void who_is_too_slow_counts_no_more(void **state)
{
    enum { SECONDS = 3 };
    const uint64_t until_ms = ALTO_ADMIT_GRACE_MS + SECONDS * 1000;
    uint64_t slow = 0;
    for (size_t i = 0; i < ALTO_ADMIT_TRANSFERS; i++)
        slow = alto_admission_enter(*state, SECONDS * ALTO_ADMIT_PACE, 0);
    assert_int_equal(alto_admission_enter(*state, 1, until_ms), 0);
    uint64_t other =
        alto_admission_enter(*state, ALTO_ADMIT_BYTES, until_ms + 1); /* their bytes count no more either */
    assert_int_not_equal(other, 0);
    alto_admission_leave(*state, slow); /* it ends after all, and gives back nothing that is somebody else's */
    assert_int_equal(alto_admission_enter(*state, 1, until_ms + 1), 0);
    alto_admission_leave(*state, other);
    assert_int_not_equal(alto_admission_enter(*state, 1, until_ms + 1), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(so_many_are_admitted_and_no_more),
        T(so_many_bytes_are_admitted_but_one_always_is),
        T(who_is_too_slow_counts_no_more),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
