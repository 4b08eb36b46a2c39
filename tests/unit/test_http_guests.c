/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_guests.h"

#include "cmocka_all.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GUESTS = 4, LIMIT_MS = 100 };

typedef struct {
    alto_http_guests list;
    alto_http_limits *limits;
    alto_http_guest guests[GUESTS];
    int theirs[GUESTS]; /* the other ends */
} fixture;

static int setup(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    alto_error error;
    if (!self || alto_http_limits_new(&(alto_http_limits_options){.connections = 0}, &self->limits, &error) != ALTO_OK)
        return -1;
    self->list.limits = self->limits;
    for (size_t i = 0; i < GUESTS; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
            return -1;
        self->guests[i].fd = pair[0];
        self->theirs[i] = pair[1];
        alto_http_guests_add(&self->list, &self->guests[i]);
        alto_http_guests_expect(&self->list, &self->guests[i], ALTO_HTTP_HEAD_TIME, 1000 + i, LIMIT_MS);
    }
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    fixture *self = *state;
    for (size_t i = 0; i < GUESTS; i++) {
        alto_http_guests_remove(&self->list, &self->guests[i]);
        close(self->guests[i].fd);
        close(self->theirs[i]);
    }
    assert_null(self->list.oldest);
    assert_null(self->list.newest);
    alto_http_limits_destroy(&self->limits);
    free(self);
    return 0;
}

/* Which of them were ended, as the other ends see it: "1001" the first and the last. */
static const char *ended(const fixture *self)
{
    static char text[GUESTS + 1];
    for (size_t i = 0; i < GUESTS; i++) {
        char byte;
        text[i] = recv(self->theirs[i], &byte, 1, 0) == 0 ? '1' : '0';
    }
    return text;
}

static void those_who_are_late_are_ended(void **state)
{
    fixture *self = *state;
    alto_http_guests_wait(&self->guests[0]);
    alto_http_guests_expect(&self->list, &self->guests[1], ALTO_HTTP_BODY_TIME, 1050, LIMIT_MS);
    alto_http_guests_end_late(&self->list, 1101);
    assert_string_equal(ended(self), "0000");
    alto_http_guests_end_late(&self->list, 1102);
    assert_string_equal(ended(self), "0010");
    alto_http_guests_end_late(&self->list, 1150);
    assert_string_equal(ended(self), "0111");
    alto_http_guests_end_late(&self->list, UINT64_MAX - 1);
    assert_string_equal(ended(self), "0111");
}

static void who_waits_longest_for_a_request_goes_first(void **state)
{
    fixture *self = *state;
    alto_http_guests_wait(&self->guests[0]);
    alto_http_guests_expect(&self->list, &self->guests[1], ALTO_HTTP_HEAD_TIME, 1050, LIMIT_MS);
    alto_http_guests_expect(&self->list, &self->guests[2], ALTO_HTTP_ANSWER_TIME, 1060, LIMIT_MS);
    assert_false(
        alto_http_guests_make_room(&self->list, ALTO_HTTP_CONNECTIONS, 1003, 1070)); /* the last one is no older */
    assert_true(alto_http_guests_make_room(&self->list, ALTO_HTTP_CONNECTIONS, 1004, 1070));
    assert_string_equal(ended(self), "0001");
    assert_true(alto_http_guests_make_room(&self->list, ALTO_HTTP_CONNECTIONS, UINT64_MAX, 1070));
    assert_string_equal(ended(self), "0101");
    assert_false(alto_http_guests_make_room(&self->list, ALTO_HTTP_CONNECTIONS, UINT64_MAX, 1070));
    assert_string_equal(ended(self), "0101");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(those_who_are_late_are_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_longest_for_a_request_goes_first, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
