/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push_peers.h"

#include "cmocka_all.h"
#include "core/bytes.h"
#include "io/log.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* One connection over TCP: `near` is the sender's end. */
typedef struct {
    alto_push_endpoints endpoints;
    alto_push_peers *peers;
    int listener, near, far;
    char why[32]; /* of the last that was cut off */
} fixture;

static void keep_reason(void *context, alto_log_level level, const char *line)
{
    fixture *self = context;
    const char *why = strstr(line, "why=");
    (void)level;
    assert_non_null(why);
    assert_int_equal(sscanf(why, "why=%31s", self->why), 1);
}

static int setup(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    assert_non_null(self);
    self->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(self->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(self->listener, 1), 0);
    assert_int_equal(getsockname(self->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(self->endpoints.text[0], sizeof self->endpoints.text[0], "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    self->endpoints.count = 1;
    self->far = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(self->far, (struct sockaddr *)&address, size), 0);
    self->near = accept(self->listener, NULL, NULL);
    self->peers = alto_push_peers_new(&self->endpoints);
    assert_non_null(self->peers);
    alto_push_peers_accepted(self->peers, self->near, 0);
    alto_log_set_level(ALTO_LOG_INFO);
    alto_log_set_sink(keep_reason, self);
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    fixture *self = *state;
    alto_log_set_sink(NULL, NULL);
    alto_push_peers_destroy(&self->peers);
    close(self->near);
    close(self->far);
    close(self->listener);
    free(self);
    return 0;
}

static uint64_t cut_off(const fixture *self)
{
    return alto_push_peers_counts(self->peers).cut_off;
}

/* Fill the buffers of both kernels; bytes that fitted. */
static uint64_t fill(const fixture *self)
{
    static const uint8_t zeros[65536];
    uint64_t sent = 0;
    ssize_t now;
    while ((now = send(self->near, zeros, sizeof zeros, MSG_DONTWAIT)) > 0)
        sent += (uint64_t)now;
    return sent;
}

static void drain(const fixture *self, uint64_t size)
{
    uint8_t bytes[65536];
    while (size > 0) {
        ssize_t now = recv(self->far, bytes, size < sizeof bytes ? (size_t)size : sizeof bytes, 0);
        assert_true(now > 0);
        size -= (uint64_t)now;
    }
}

static void a_peer_that_takes_nothing_is_given_up_after_a_while(void **state)
{
    fixture *self = *state;
    uint64_t sent = fill(self);
    alto_push_peers_guard(self->peers, 1000, sent);
    alto_push_peers_guard(self->peers, 1000 + ALTO_PUSH_STALLED_MS, sent);
    assert_int_equal(cut_off(self), 0);
    alto_push_peers_guard(self->peers, 1001 + ALTO_PUSH_STALLED_MS, sent);
    assert_int_equal(cut_off(self), 1);
    assert_string_equal(self->why, "stalled");
    alto_push_peers_guard(self->peers, 1002 + 2 * ALTO_PUSH_STALLED_MS, sent);
    assert_int_equal(cut_off(self), 1);
}

static void a_peer_that_takes_some_of_it_stays(void **state)
{
    fixture *self = *state;
    uint64_t sent = fill(self);
    for (uint64_t now_ms = 1000; sent > 0; now_ms += ALTO_PUSH_STALLED_MS) {
        uint64_t some = sent < 1048576 ? sent : 1048576;
        alto_push_peers_guard(self->peers, now_ms, sent);
        drain(self, some);
        sent -= some;
    }
    alto_push_peers_guard(self->peers, 100 * ALTO_PUSH_STALLED_MS, sent);
    assert_int_equal(cut_off(self), 0);
}

static void a_peer_with_nothing_to_take_stays(void **state)
{
    fixture *self = *state;
    for (uint64_t i = 0; i < 20; i++)
        alto_push_peers_guard(self->peers, i * ALTO_PUSH_STALLED_MS, i * ALTO_PUSH_MAX_WAITING);
    assert_int_equal(cut_off(self), 0);
}

static void no_more_than_so_much_waits_for_a_peer(void **state)
{
    fixture *self = *state;
    uint64_t sent = fill(self), before = 12345;
    alto_push_peers_guard(self->peers, 1000, before);
    uint64_t taken_by_kernels = sent; /* what the peer's kernel took does not wait */
    alto_push_peers_guard(self->peers, 1001, before + ALTO_PUSH_MAX_WAITING);
    assert_int_equal(cut_off(self), 0);
    alto_push_peers_guard(self->peers, 1002, before + taken_by_kernels + ALTO_PUSH_MAX_WAITING + 1);
    assert_int_equal(cut_off(self), 1);
    assert_string_equal(self->why, "too-slow");
}

static void a_peer_may_send_a_little_and_more_with_time(void **state)
{
    static const uint8_t zeros[1024];
    fixture *self = *state;
    uint8_t bytes[sizeof zeros];
    for (size_t i = 0; i < 1025; i++) {
        assert_int_equal(send(self->far, zeros, sizeof zeros, 0), sizeof zeros);
        assert_int_equal(recv(self->near, bytes, sizeof bytes, MSG_WAITALL), sizeof bytes);
        alto_push_peers_guard(self->peers, 1000, 0);
        alto_push_peers_handled(self->peers);
    }
    assert_int_equal(cut_off(self), 0);
    assert_int_equal(send(self->far, zeros, 1, 0), 1);
    assert_int_equal(recv(self->near, bytes, 1, MSG_WAITALL), 1);
    alto_push_peers_guard(self->peers, 1000, 0);
    assert_int_equal(cut_off(self), 1);
    assert_string_equal(self->why, "sends-too-much");
}

static void what_is_not_handled_is_bounded_and_then_nobody_is_let_in(void **state)
{
    static const uint8_t zeros[1024];
    fixture *self = *state;
    uint8_t bytes[sizeof zeros];
    alto_push_peers_handled(self->peers);
    for (size_t i = 0; i <= 1024; i++) {
        assert_int_equal(cut_off(self), 0);
        assert_false(alto_push_peers_flood(self->peers));
        assert_int_equal(send(self->far, zeros, sizeof zeros, 0), sizeof zeros);
        assert_int_equal(recv(self->near, bytes, sizeof bytes, MSG_WAITALL), sizeof bytes);
        alto_push_peers_guard(self->peers, 1000, 0);
    }
    assert_int_equal(cut_off(self), 1);
    assert_string_equal(self->why, "flood");
    alto_push_peers_accepted(self->peers, self->near, 1000);
    assert_int_equal(cut_off(self), 2);
    alto_push_peers_handled(self->peers);
    alto_push_peers_accepted(self->peers, self->near, 1000);
    assert_int_equal(cut_off(self), 2);
}

static void subscriptions_are_counted_and_bounded(void **state)
{
    enum { TOPIC = 18, MOST = 32768 / TOPIC };
    fixture *self = *state;
    alto_push_peers_subscribed(self->peers, -1, TOPIC);
    alto_push_peers_subscribed(self->peers, self->listener, TOPIC); /* a stranger */
    alto_push_peers_unsubscribed(self->peers, self->near, TOPIC);   /* of nothing */
    assert_int_equal(alto_push_peers_counts(self->peers).subscriptions, 0);
    for (int i = 0; i < MOST; i++)
        alto_push_peers_subscribed(self->peers, self->near, TOPIC);
    alto_push_peers_unsubscribed(self->peers, self->near, TOPIC);
    assert_int_equal(alto_push_peers_counts(self->peers).subscriptions, MOST - 1);
    assert_int_equal(cut_off(self), 0);
    for (int i = 0; i < 3; i++)
        alto_push_peers_subscribed(self->peers, self->near, TOPIC);
    assert_int_equal(cut_off(self), 1);
    assert_string_equal(self->why, "too-many-subscriptions");
    assert_int_equal(alto_push_peers_counts(self->peers).subscriptions, 0);
    assert_int_equal(alto_push_peers_counts(self->peers).subscriptions_refused, 2);
    alto_push_peers_gone(self->peers, self->near);
    assert_int_equal(alto_push_peers_counts(self->peers).open, 0);
}

static void a_descriptor_that_became_somebody_elses_is_left_alone(void **state)
{
    fixture *self = *state;
    int pair[2];
    uint8_t byte = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(dup2(pair[0], self->near), self->near);
    alto_push_peers_cut(self->peers, self->near, "test");
    assert_int_equal(cut_off(self), 0);
    assert_int_equal(send(self->near, &byte, 1, 0), 1);
    assert_int_equal(recv(pair[1], &byte, 1, 0), 1);
    close(pair[0]);
    close(pair[1]);
}

/* Descriptors that are nobody's: such peers are counted, and cannot be cut off. */
static void crowd(const fixture *self, uint64_t count, uint64_t now_ms)
{
    for (uint64_t i = 0; i < count; i++)
        alto_push_peers_accepted(self->peers, 1000 + (int)i, now_ms);
}

static void who_never_subscribed_makes_place_for_others_after_a_while(void **state)
{
    enum { MANY = ALTO_PUSH_MAX_PEERS / 4 };
    fixture *self = *state;
    crowd(self, MANY, 500);
    assert_int_equal(cut_off(self), 0);
    alto_push_peers_accepted(self->peers, 4000, 999);
    assert_int_equal(cut_off(self), 0);
    alto_push_peers_accepted(self->peers, 4001, 1000); /* the one that has been there longest is the real one */
    assert_int_equal(cut_off(self), 1);
    assert_string_equal(self->why, "half-open");
}

static void who_subscribed_makes_no_place(void **state)
{
    fixture *self = *state;
    crowd(self, ALTO_PUSH_MAX_PEERS / 4, 500);
    alto_push_peers_subscribed(self->peers, self->near, 18);
    alto_push_peers_unsubscribed(self->peers, self->near, 18);
    alto_push_peers_accepted(self->peers, 4000, 2000);
    assert_int_equal(cut_off(self), 0);
}

static bool is_good(void *context, const char *user)
{
    (void)context;
    return strcmp(user, "good") == 0;
}

static void who_is_not_allowed_any_more_is_cut_off(void **state)
{
    fixture *self = *state;
    alto_push_peers_is(self->peers, self->listener, "bad"); /* a stranger */
    alto_push_peers_is(self->peers, self->near, "good");
    alto_push_peers_recheck(self->peers, is_good, NULL);
    assert_int_equal(cut_off(self), 0);
    alto_push_peers_is(self->peers, self->near, "bad");
    alto_push_peers_recheck(self->peers, is_good, NULL);
    assert_int_equal(cut_off(self), 1);
    assert_string_equal(self->why, "revoked");
}

static void who_has_not_said_who_it_is_is_cut_off_too(void **state)
{
    fixture *self = *state;
    alto_push_peers_recheck(self->peers, is_good, NULL);
    assert_int_equal(cut_off(self), 1);
    assert_string_equal(self->why, "not-known-yet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_peer_that_takes_nothing_is_given_up_after_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_takes_some_of_it_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_with_nothing_to_take_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_than_so_much_waits_for_a_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_may_send_a_little_and_more_with_time, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_handled_is_bounded_and_then_nobody_is_let_in, setup, teardown),
        cmocka_unit_test_setup_teardown(subscriptions_are_counted_and_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_that_became_somebody_elses_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(who_never_subscribed_makes_place_for_others_after_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(who_subscribed_makes_no_place, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_not_allowed_any_more_is_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_not_said_who_it_is_is_cut_off_too, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
