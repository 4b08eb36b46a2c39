/* SPDX-License-Identifier: Apache-2.0 */
/* Who may have the source looked at, and that it is told in the loop. */
#include "cmocka_all.h"
#include "core/crypto.h"
#include "io/notify.h"

static alto_loop *loop;
static alto_notify *notify;
static int told;

static void on_notify(void *context)
{
    ++*(int *)context;
}

static int set_up(void **state)
{
    (void)state;
    told = 0;
    loop = alto_crypto_init() == ALTO_OK ? alto_loop_new() : NULL;
    notify = loop ? alto_notify_new(loop, alto_slice_text("key1"), on_notify, &told) : NULL;
    return notify ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alto_notify_destroy(&notify);
    alto_loop_destroy(&loop);
    return 0;
}

/* The status of the answer, and whether the loop was told. */
static unsigned ask(const char *method, const char *authorization, bool *called)
{
    alto_http_request request = {.method = method, .path = ALTO_NOTIFY_PATH, .authorization = authorization};
    alto_http_answer answer;
    int before = told;
    alto_http_answer_init(&answer, 500);
    alto_notify_answer(notify, &request, &answer);
    alto_http_answer_release(&answer);
    assert_int_equal(told, before); /* not in the thread that answers */
    alto_loop_step(loop, 0);
    *called = told > before;
    return answer.status;
}

static void only_the_key_counts(void **state)
{
    (void)state;
    static const struct {
        const char *method, *authorization;
        unsigned status;
    } cases[] = {
        {"POST", "Bearer key1", 202},
        {"POST", "bearer  key1", 202},
        {"POST", "Bearer key1 ", 202},
        {"POST", NULL, 401},
        {"POST", "", 401},
        {"POST", "Bearer", 401},
        {"POST", "Bearer ", 401},
        {"POST", "Bearer key", 401},
        {"POST", "Bearer key12", 401},
        {"POST", "Bearer key2", 401},
        {"POST", "Basic key1", 401},
        {"POST", "key1", 401},
        {"POST", "Bearer x, key1", 401},
        {"GET", "Bearer key1", 405},
        {"OPTIONS", NULL, 204},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        bool called;
        print_message("  case: %s %s\n", cases[i].method, cases[i].authorization ? cases[i].authorization : "none");
        assert_int_equal(ask(cases[i].method, cases[i].authorization, &called), cases[i].status);
        assert_int_equal(called, cases[i].status == 202);
    }
}

static void who_is_destroyed_is_not_told(void **state)
{
    (void)state;
    alto_loop_wake(loop);
    alto_notify_destroy(&notify);
    alto_loop_step(loop, 0);
    assert_int_equal(told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_key_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_destroyed_is_not_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
