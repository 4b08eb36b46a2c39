/* SPDX-License-Identifier: Apache-2.0 */
#include "io/ticker.h"

#include "cmocka_all.h"
#include "io/loop.h"

#include <pthread.h>
#include <semaphore.h>

typedef struct {
    sem_t called;
    pthread_t caller;
    uint64_t delay_ms;
} fixture;

static uint64_t look(void *context)
{
    fixture *self = context;
    self->caller = pthread_self();
    sem_post(&self->called);
    return self->delay_ms;
}

static void it_looks_at_once_and_again_in_a_thread_of_its_own(void **state)
{
    (void)state;
    fixture self = {.delay_ms = 20};
    assert_int_equal(sem_init(&self.called, 0, 0), 0);
    uint64_t begin = alto_monotonic_ms();
    alto_ticker *ticker = alto_ticker_new(look, &self);
    assert_non_null(ticker);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sem_wait(&self.called), 0);
    assert_true(alto_monotonic_ms() - begin >= 39);
    alto_ticker_destroy(&ticker);
    assert_null(ticker);
    assert_false(pthread_equal(self.caller, pthread_self()));
    sem_destroy(&self.called);
}

static void its_end_does_not_wait_for_the_next_look(void **state)
{
    (void)state;
    fixture self = {.delay_ms = 3600000};
    assert_int_equal(sem_init(&self.called, 0, 0), 0);
    alto_ticker *ticker = alto_ticker_new(look, &self);
    assert_non_null(ticker);
    assert_int_equal(sem_wait(&self.called), 0);
    alto_ticker_destroy(&ticker);
    alto_ticker_destroy(&ticker); /* of nothing */
    assert_int_equal(sem_trywait(&self.called), -1);
    sem_destroy(&self.called);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_looks_at_once_and_again_in_a_thread_of_its_own),
        cmocka_unit_test(its_end_does_not_wait_for_the_next_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
