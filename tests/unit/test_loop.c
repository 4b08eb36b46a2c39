/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop.h"

#include "cmocka_all.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static alto_loop *loop;

static int setup(void **state)
{
    (void)state;
    loop = alto_loop_new();
    return loop ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    alto_loop_destroy(&loop);
    return 0;
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void count(void *context)
{
    ++*(int *)context;
}

/* ---- timers ---- */

static char order[16];
static size_t order_size;

typedef struct {
    char name;
    alto_timer *timer;
} named;

static void note(void *context)
{
    order[order_size++] = ((named *)context)->name;
    order[order_size] = 0;
}

static void timers_run_in_order_of_time_and_then_of_arming(void **state)
{
    (void)state;
    static const struct {
        char name;
        uint64_t delay_ms;
    } cases[] = {{'d', 9}, {'b', 3}, {'e', 9}, {'a', 0}, {'c', 3}, {'x', 5}, {'f', 12}};
    enum { COUNT = sizeof cases / sizeof *cases };
    named timers[COUNT];
    order_size = 0;
    for (size_t i = 0; i < COUNT; i++) {
        timers[i].name = cases[i].name;
        timers[i].timer = alto_timer_new(loop, note, &timers[i]);
    }
    uint64_t start;
    do { /* at one time, as far as these delays go */
        start = alto_monotonic_ms();
        for (size_t i = 0; i < COUNT; i++)
            alto_timer_arm(timers[i].timer, cases[i].delay_ms);
    } while (alto_monotonic_ms() - start > 1);
    alto_timer_disarm(timers[5].timer);
    assert_false(alto_timer_armed(timers[5].timer));
    while (order_size < COUNT - 1)
        assert_int_equal(alto_loop_step(loop, 1000), ALTO_OK);
    assert_string_equal(order, "abcdef");
    assert_true(alto_monotonic_ms() - start >= 11);
    for (size_t i = 0; i < COUNT; i++) {
        assert_false(alto_timer_armed(timers[i].timer));
        alto_timer_destroy(&timers[i].timer);
    }
}

static void many_timers_keep_their_order_when_moved(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    alto_timer *timers[COUNT];
    int calls = 0;
    unsigned seed = 7;
    print_message("  seed %u\n", seed);
    for (size_t i = 0; i < COUNT; i++)
        timers[i] = alto_timer_new(loop, count, &calls);
    for (int round = 0; round < 10; round++)
        for (size_t i = 0; i < COUNT; i++) {
            seed = seed * 1103515245u + 12345u;
            if (seed >> 30 == 0)
                alto_timer_disarm(timers[i]);
            else
                alto_timer_arm(timers[i], (seed >> 16) % 20);
        }
    int armed = 0;
    for (size_t i = 0; i < COUNT; i++)
        armed += alto_timer_armed(timers[i]);
    usleep(25000);
    alto_loop_step(loop, 0);
    assert_int_equal(calls, armed);
    assert_false(readable(alto_loop_fd(loop), 0));
    for (size_t i = 0; i < COUNT; i++)
        alto_timer_destroy(&timers[i]);
}

static void destroy_own_timer(void *context)
{
    named *self = context;
    note(self);
    alto_timer_destroy(&self->timer);
}

static void a_timer_may_be_destroyed_in_its_own_callback(void **state)
{
    (void)state;
    order_size = 0;
    named timer = {.name = 'a'};
    timer.timer = alto_timer_new(loop, destroy_own_timer, &timer);
    alto_timer_arm(timer.timer, 0);
    alto_loop_step(loop, 1000);
    assert_null(timer.timer);
    assert_string_equal(order, "a");
}

static void rearm_at_once(void *context)
{
    note(context);
    alto_timer_arm(((named *)context)->timer, 0);
}

static void a_timer_that_rearms_itself_runs_once_a_step(void **state)
{
    (void)state;
    order_size = 0;
    named timer = {.name = 'a'};
    timer.timer = alto_timer_new(loop, rearm_at_once, &timer);
    alto_timer_arm(timer.timer, 0);
    for (int i = 0; i < 3; i++)
        alto_loop_step(loop, 1000);
    assert_string_equal(order, "aaa");
    alto_timer_destroy(&timer.timer);
}

static void the_descriptor_is_readable_when_a_timer_is_due(void **state)
{
    (void)state;
    int calls = 0;
    alto_timer *timer = alto_timer_new(loop, count, &calls);
    assert_false(readable(alto_loop_fd(loop), 0));
    alto_timer_arm(timer, 200);
    assert_false(readable(alto_loop_fd(loop), 0));
    assert_true(readable(alto_loop_fd(loop), 10000));
    assert_int_equal(calls, 0);
    alto_loop_step(loop, 0);
    assert_int_equal(calls, 1);
    assert_false(readable(alto_loop_fd(loop), 0));
    alto_timer_destroy(&timer);
}

/* ---- descriptors ---- */

typedef struct pair {
    int fds[2]; /* of a pipe */
    int calls;
    struct pair *other;
} pair;

static void open_pair(pair *self)
{
    *self = (pair){0};
    assert_int_equal(pipe(self->fds), 0);
}

static void close_pair(pair *self)
{
    close(self->fds[0]);
    close(self->fds[1]);
}

static void count_pair(void *context)
{
    ((pair *)context)->calls++;
}

static void unwatch_both(void *context)
{
    pair *self = context;
    self->calls++;
    alto_loop_unwatch(loop, self->fds[0]);
    alto_loop_unwatch(loop, self->other->fds[0]);
}

static void a_watch_is_called_while_there_is_something_to_read(void **state)
{
    (void)state;
    pair one;
    open_pair(&one);
    assert_int_equal(alto_loop_watch(loop, one.fds[0], count_pair, &one), ALTO_OK);
    alto_loop_step(loop, 0);
    assert_int_equal(one.calls, 0);
    assert_int_equal(write(one.fds[1], "x", 1), 1);
    assert_true(readable(alto_loop_fd(loop), 0));
    alto_loop_step(loop, 0);
    alto_loop_step(loop, 0);
    assert_int_equal(one.calls, 2);
    alto_loop_unwatch(loop, one.fds[0]);
    alto_loop_step(loop, 0);
    assert_int_equal(one.calls, 2);
    close_pair(&one);
}

static void a_callback_may_unwatch_itself_and_others_that_are_ready(void **state)
{
    (void)state;
    pair one, two;
    open_pair(&one);
    open_pair(&two);
    one.other = &two;
    two.other = &one;
    alto_loop_watch(loop, one.fds[0], unwatch_both, &one);
    alto_loop_watch(loop, two.fds[0], unwatch_both, &two);
    assert_int_equal(write(one.fds[1], "x", 1), 1);
    assert_int_equal(write(two.fds[1], "x", 1), 1);
    alto_loop_step(loop, 0);
    assert_int_equal(one.calls + two.calls, 1);
    assert_false(readable(alto_loop_fd(loop), 0));
    close_pair(&one);
    close_pair(&two);
}

static void replace_watch(void *context)
{
    pair *self = context;
    alto_loop_unwatch(loop, self->fds[0]);
    assert_int_equal(alto_loop_watch(loop, self->fds[0], count_pair, self), ALTO_OK);
}

static void a_callback_may_watch_the_same_descriptor_anew(void **state)
{
    (void)state;
    pair one;
    open_pair(&one);
    alto_loop_watch(loop, one.fds[0], replace_watch, &one);
    assert_int_equal(write(one.fds[1], "x", 1), 1);
    alto_loop_step(loop, 0);
    assert_int_equal(one.calls, 0);
    alto_loop_step(loop, 0);
    assert_int_equal(one.calls, 1);
    alto_loop_unwatch(loop, one.fds[0]);
    close_pair(&one);
}

static void a_descriptor_that_cannot_be_watched_is_an_error(void **state)
{
    (void)state;
    pair one;
    open_pair(&one);
    assert_int_equal(alto_loop_watch(loop, one.fds[0], count_pair, &one), ALTO_OK);
    assert_int_equal(alto_loop_watch(loop, one.fds[0], count_pair, &one), ALTO_IO);
    alto_loop_unwatch(loop, one.fds[0]);
    close_pair(&one);
    assert_int_equal(alto_loop_watch(loop, one.fds[0], count_pair, &one), ALTO_IO);
}

/* ---- wake and stop ---- */

static void *wake_and_stop(void *context)
{
    (void)context;
    for (int i = 0; i < 1000; i++)
        alto_loop_wake(loop);
    usleep(1000);
    alto_loop_stop(loop);
    return NULL;
}

static void another_thread_may_wake_and_stop_the_loop(void **state)
{
    (void)state;
    int calls = 0;
    alto_loop_on_wake(loop, count, &calls);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_and_stop, NULL), 0);
    assert_int_equal(alto_loop_run(loop), ALTO_OK);
    pthread_join(thread, NULL);
    assert_in_range(calls, 1, 1000);
    assert_true(alto_loop_stopped(loop));
}

static void a_stop_before_the_run_is_not_lost(void **state)
{
    (void)state;
    alto_loop_stop(loop);
    assert_int_equal(alto_loop_run(loop), ALTO_OK);
}

static void sigterm_stops_the_loop(void **state)
{
    (void)state;
    assert_int_equal(alto_loop_stop_on_signals(loop), ALTO_OK);
    raise(SIGTERM);
    assert_false(alto_loop_stopped(loop));
    assert_true(readable(alto_loop_fd(loop), 1000));
    assert_int_equal(alto_loop_run(loop), ALTO_OK);
    assert_true(alto_loop_stopped(loop));
}

/* What was called on a hangup, in order. */
static char hangups[16];

static void note_hangup(void *context)
{
    strcat(hangups, context);
}

static void sighup_is_told_to_all_in_order(void **state)
{
    (void)state;
    static char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    hangups[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(alto_loop_on_hangup(loop, note_hangup, names[i]), ALTO_OK);
    assert_int_equal(alto_loop_on_hangup(loop, note_hangup, names[0]), ALTO_TOO_LARGE);
    raise(SIGHUP);
    assert_string_equal(hangups, "");
    alto_loop_step(loop, 1000);
    assert_string_equal(hangups, "abcdefgh");
    assert_false(alto_loop_stopped(loop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_run_in_order_of_time_and_then_of_arming, setup, teardown),
        cmocka_unit_test_setup_teardown(many_timers_keep_their_order_when_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_may_be_destroyed_in_its_own_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_that_rearms_itself_runs_once_a_step, setup, teardown),
        cmocka_unit_test_setup_teardown(the_descriptor_is_readable_when_a_timer_is_due, setup, teardown),
        cmocka_unit_test_setup_teardown(a_watch_is_called_while_there_is_something_to_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_callback_may_unwatch_itself_and_others_that_are_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(a_callback_may_watch_the_same_descriptor_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_that_cannot_be_watched_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(another_thread_may_wake_and_stop_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_before_the_run_is_not_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(sigterm_stops_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(sighup_is_told_to_all_in_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
