/* SPDX-License-Identifier: Apache-2.0 */
#include "io/thread.h"

#include "cmocka_all.h"

#include <signal.h>

static void *read_mask(void *context)
{
    pthread_sigmask(SIG_SETMASK, NULL, context);
    return NULL;
}

static void a_thread_takes_no_signals_and_its_owner_still_does(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
    sigset_t inside, outside;
    pthread_t thread;
    assert_int_equal(alto_thread_start(&thread, read_mask, &inside), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    read_mask(&outside);
    for (size_t i = 0; i < countof(signals); i++) {
        assert_int_equal(sigismember(&inside, signals[i]), 1);
        assert_int_equal(sigismember(&outside, signals[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thread_takes_no_signals_and_its_owner_still_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
