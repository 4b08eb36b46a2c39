/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push.h"

#include "cmocka_all.h"
#include "io/log.h"
#include "io/push_peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 }; /* for what is certain to come */

static alto_loop *loop;
static _Atomic int lines; /* logged, by any thread */

static void swallow(void *context, alto_log_level level, const char *line)
{
    (void)context, (void)level, (void)line;
    lines++;
}

static int setup(void **state)
{
    (void)state;
    alto_log_set_level(ALTO_LOG_INFO);
    alto_log_set_sink(swallow, NULL);
    lines = 0;
    loop = alto_loop_new();
    return loop ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    alto_loop_destroy(&loop);
    alto_log_set_sink(NULL, NULL);
    return 0;
}

typedef struct {
    alto_push_receiver *receiver;
    uint64_t messages, bytes, last_number;
    size_t last_count; /* frames */
    bool in_order;
} follower;

static void on_message(void *context, const alto_slice *frames, size_t count)
{
    follower *self = context;
    self->messages++;
    self->last_count = count;
    for (size_t i = 0; i < count; i++)
        self->bytes += frames[i].size;
    if (count < 2 || frames[1].size != sizeof(uint64_t))
        return;
    uint64_t number;
    memcpy(&number, frames[1].data, sizeof number);
    if (self->last_number && number != self->last_number + 1)
        self->in_order = false;
    self->last_number = number;
}

static void follow(follower *self, const char *endpoint, const char *topic)
{
    alto_error error;
    *self = (follower){.in_order = true};
    assert_int_equal(alto_push_receiver_new(loop, endpoint, NULL, on_message, self, &self->receiver, &error), ALTO_OK);
    if (topic)
        assert_int_equal(alto_push_subscribe(self->receiver, alto_slice_text(topic)), ALTO_OK);
}

static alto_push_sender *bind_to(const char *endpoint)
{
    alto_push_sender *sender = NULL;
    alto_error error;
    alto_status status = alto_push_sender_new(loop, &endpoint, 1, ALTO_PUSH_MULTICAST_MBIT, NULL, &sender, &error);
    if (status != ALTO_OK)
        fail_msg("%s: %s", error.where, error.why);
    return sender;
}

/* Step until *value is at least `wanted`, for as long as there is patience. */
static bool step_until(const uint64_t *value, uint64_t wanted)
{
    uint64_t end = alto_monotonic_ms() + PATIENCE_MS;
    while (*value < wanted && alto_monotonic_ms() < end)
        alto_loop_step(loop, 50);
    return *value >= wanted;
}

static bool step_until_subscribed(alto_push_sender *sender, uint64_t wanted)
{
    uint64_t end = alto_monotonic_ms() + PATIENCE_MS;
    while (alto_push_sender_counts(sender).subscriptions != wanted && alto_monotonic_ms() < end)
        alto_loop_step(loop, 50);
    return alto_push_sender_counts(sender).subscriptions == wanted;
}

static bool step_until_connected(const follower *self, bool wanted)
{
    uint64_t end = alto_monotonic_ms() + PATIENCE_MS;
    while (alto_push_connected(self->receiver) != wanted && alto_monotonic_ms() < end)
        alto_loop_step(loop, 50);
    return alto_push_connected(self->receiver) == wanted;
}

static void send_number(alto_push_sender *sender, const char *topic, uint64_t number)
{
    alto_slice frames[] = {alto_slice_text(topic), alto_slice_of(&number, sizeof number)};
    assert_int_equal(alto_push_send(sender, frames, countof(frames)), ALTO_OK);
}

static void whoever_subscribed_to_a_prefix_gets_the_message(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://[::1]:*",
                                            "ipc:///tmp/altocast-test-push"};
    for (size_t i = 0; i < countof(endpoints); i++) {
        char endpoint[80];
        snprintf(endpoint, sizeof endpoint, "%s%s", endpoints[i], "");
        if (strncmp(endpoint, "ipc", 3) == 0)
            snprintf(endpoint, sizeof endpoint, "%s-%d", endpoints[i], (int)getpid());
        print_message("  case: %s\n", endpoints[i]);
        alto_push_sender *sender = bind_to(endpoint);
        assert_null(strchr(alto_push_sender_endpoint(sender, 0), '*'));
        follower all, some, none;
        follow(&all, alto_push_sender_endpoint(sender, 0), "h");
        follow(&some, alto_push_sender_endpoint(sender, 0), "ho");
        follow(&none, alto_push_sender_endpoint(sender, 0), "p");
        assert_true(step_until_subscribed(sender, 3));
        send_number(sender, "he", 1);
        send_number(sender, "ho", 2);
        assert_true(step_until(&all.messages, 2));
        assert_true(step_until(&some.messages, 1));
        assert_int_equal(all.last_count, 2);
        assert_int_equal(some.last_number, 2);
        assert_int_equal(none.messages, 0);
        assert_int_equal(alto_push_sender_counts(sender).messages_sent, 2);
        assert_int_equal(alto_push_sender_counts(sender).bytes_sent, 20);
        alto_push_unsubscribe(some.receiver, alto_slice_text("ho"));
        assert_true(step_until_subscribed(sender, 2));
        alto_push_receiver_destroy(&all.receiver);
        assert_true(step_until_subscribed(sender, 1));
        alto_push_receiver_destroy(&some.receiver);
        alto_push_receiver_destroy(&none.receiver);
        alto_push_sender_destroy(&sender);
        if (strncmp(endpoint, "ipc://", 6) == 0)
            unlink(endpoint + 6);
    }
}

static void a_flood_arrives_whole_and_in_order_also_through_an_outer_poll(void **state)
{
    (void)state;
    enum { ROUNDS = 60, BURST = 500 };
    alto_push_sender *sender = bind_to("tcp://127.0.0.1:*");
    follower one;
    follow(&one, alto_push_sender_endpoint(sender, 0), "h");
    assert_true(step_until_subscribed(sender, 1));
    uint64_t number = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BURST; i++)
            send_number(sender, "h", ++number);
        /* Only as told by the descriptor: a lost edge shows as a poll that ends with nothing. */
        while (one.messages < number) {
            struct pollfd outer = {.fd = alto_loop_fd(loop), .events = POLLIN};
            assert_int_equal(poll(&outer, 1, PATIENCE_MS), 1);
            alto_loop_step(loop, 0);
        }
    }
    assert_true(one.in_order);
    assert_int_equal(one.messages, ROUNDS * BURST);
    alto_push_receiver_destroy(&one.receiver);
    alto_push_sender_destroy(&sender);
}

static void subscriptions_are_seen_while_we_send_all_the_time(void **state)
{
    (void)state;
    alto_push_sender *sender = bind_to("tcp://127.0.0.1:*");
    follower first, late;
    follow(&first, alto_push_sender_endpoint(sender, 0), "h");
    assert_true(step_until_subscribed(sender, 1));
    follow(&late, alto_push_sender_endpoint(sender, 0), "h");
    uint64_t end = alto_monotonic_ms() + PATIENCE_MS;
    uint64_t number = 0;
    while (late.messages == 0 && alto_monotonic_ms() < end) {
        send_number(sender, "h", ++number);
        alto_loop_step(loop, 0);
    }
    assert_true(late.messages > 0);
    assert_true(step_until_subscribed(sender, 2));
    alto_push_receiver_destroy(&first.receiver);
    alto_push_receiver_destroy(&late.receiver);
    alto_push_sender_destroy(&sender);
}

static void many_subscriptions_made_before_the_connection_are_not_lost(void **state)
{
    (void)state;
    alto_push_sender *sender = bind_to("tcp://127.0.0.1:*");
    follower one;
    follow(&one, alto_push_sender_endpoint(sender, 0), NULL);
    for (uint32_t i = 0; i < 1800; i++) {
        uint8_t topic[17] = {'p'};
        memcpy(topic + 1, &i, sizeof i);
        assert_int_equal(alto_push_subscribe(one.receiver, alto_slice_of(topic, sizeof topic)), ALTO_OK);
    }
    assert_true(step_until_subscribed(sender, 1800));
    assert_int_equal(alto_push_sender_counts(sender).subscriptions_refused, 0);
    assert_int_equal(lines, 0);
    alto_push_receiver_destroy(&one.receiver);
    assert_true(step_until_subscribed(sender, 0));
    alto_push_sender_destroy(&sender);
}

static void connected_tells_of_the_peer(void **state)
{
    (void)state;
    alto_push_sender *sender = bind_to("tcp://127.0.0.1:*");
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "%s", alto_push_sender_endpoint(sender, 0));
    follower one;
    follow(&one, endpoint, "h");
    assert_true(step_until_connected(&one, true));
    assert_int_equal(alto_push_connections(one.receiver), 1);
    alto_push_sender_destroy(&sender);
    assert_true(step_until_connected(&one, false));
    sender = bind_to(endpoint);
    assert_true(step_until_connected(&one, true));
    assert_int_equal(alto_push_connections(one.receiver), 2);
    assert_true(step_until_subscribed(sender, 1)); /* libzmq repeats what was subscribed */
    alto_push_receiver_destroy(&one.receiver);
    alto_push_sender_destroy(&sender);
}

static void a_bad_endpoint_is_refused_with_what_to_do(void **state)
{
    (void)state;
    alto_push_sender *holder = bind_to("tcp://127.0.0.1:*");
    const char *used = alto_push_sender_endpoint(holder, 0);
    const struct {
        const char *endpoint;
        alto_status status;
        const char *words;
    } cases[] = {
        {used, ALTO_IO, "choose another with --push"},
        {"tcp://192.0.2.1:5670", ALTO_IO, "no such address"},
        {"5670", ALTO_CONFIG, "not an endpoint"},
        {"", ALTO_CONFIG, "not an endpoint"},
        {"tcp://127.0.0.1", ALTO_CONFIG, "not an endpoint"},
        {"tcp://127.0.0.1:70000", ALTO_CONFIG, "not an endpoint"},
        {"tcp://127.0.0.1:port", ALTO_CONFIG, "not an endpoint"},
        {"inproc://x", ALTO_CONFIG, "not an endpoint"},
        {"http://127.0.0.1:1", ALTO_CONFIG, "not an endpoint"},
        {"ipc:///nowhere/at/all", ALTO_IO, "cannot bind"},
        {"epgm://192.0.2.1;239.192.1.1:5670", ALTO_IO, "no such address"},
        {"epgm://239.192.1.1:5670", ALTO_CONFIG, "not an endpoint"},
        {"epgm://;239.192.1.1:5670", ALTO_CONFIG, "not an endpoint"},
        {"epgm://eth0;239.192.1.1:5670", ALTO_CONFIG, "not an endpoint"},
        {"epgm://127.0.0.1;192.0.2.1:5670", ALTO_CONFIG, "not an endpoint"},
        {"epgm://127.0.0.1;239.192.1.1", ALTO_CONFIG, "not an endpoint"},
        {"epgm://127.0.0.1;239.192.1.1:*", ALTO_CONFIG, "not an endpoint"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].endpoint);
        alto_push_sender *sender = NULL;
        alto_error error;
        assert_int_equal(
            alto_push_sender_new(loop, &cases[i].endpoint, 1, ALTO_PUSH_MULTICAST_MBIT, NULL, &sender, &error),
            cases[i].status);
        assert_null(sender);
        assert_string_equal(error.where, cases[i].endpoint);
        assert_non_null(strstr(error.why, cases[i].words));
    }
    alto_push_receiver *receiver = NULL;
    alto_error error;
    follower nobody;
    static const char *const sources[] = {"http://127.0.0.1:1", "tcp://127.0.0.1", "", "tcp://", "epgm://;:1"};
    for (size_t i = 0; i < countof(sources); i++)
        assert_int_equal(alto_push_receiver_new(loop, sources[i], NULL, on_message, &nobody, &receiver, &error),
                         ALTO_CONFIG);
    alto_push_sender_destroy(&holder);
}

/* ---- ZMTP 3.0 by hand ---- */

static void greet(int fd, const char *type)
{
    static const uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    assert_int_equal(send(fd, greeting, sizeof greeting, 0), sizeof greeting);
    uint8_t ready[64] = "\x04\x00\x05READY\x0bSocket-Type\x00\x00\x00";
    size_t size = 8 + 12 + 3, type_size = strlen(type);
    ready[size++] = (uint8_t)type_size;
    snprintf((char *)ready + size, sizeof ready - size, "%s", type);
    size += type_size;
    ready[1] = (uint8_t)(size - 2);
    assert_int_equal(send(fd, ready, size, 0), size);
}

static void read_exactly(int fd, uint8_t *bytes, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t now = recv(fd, bytes + got, size - got, 0);
        assert_true(now > 0);
        got += (size_t)now;
    }
}

/* Take the other side's greeting and READY: data that comes before it is an error to libzmq. */
static void be_greeted(int fd)
{
    uint8_t bytes[256];
    read_exactly(fd, bytes, 64);
    read_exactly(fd, bytes, 2);
    read_exactly(fd, bytes + 2, bytes[1]);
}

static int connect_by_hand(const char *endpoint, const char *type)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    address.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    greet(fd, type);
    be_greeted(fd);
    return fd;
}

static int listen_by_hand(char *endpoint, size_t room)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(endpoint, room, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

static void messages_of_one_to_four_frames_are_handed_over_others_are_counted(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0, 1, 'h',                                                          /* one frame */
        1, 1, 'h', 1, 1, 'h', 1, 1, 'h', 0, 2, 'h', 'x',                    /* four */
        1, 1, 'h', 1, 1, 'h', 1, 1, 'h', 1, 1, 'h', 0,   1, 'h',            /* five */
        1, 1, 'h', 1, 1, 'h', 1, 1, 'h', 1, 1, 'h', 1,   1, 'h', 0, 1, 'h', /* six */
        1, 1, 'h', 0, 0,                                                    /* two, one of them empty */
    };
    char endpoint[64];
    int listener = listen_by_hand(endpoint, sizeof endpoint);
    follower one;
    follow(&one, endpoint, "h");
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    greet(fd, "PUB");
    be_greeted(fd);
    assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    assert_true(step_until(&one.messages, 3));
    assert_int_equal(alto_push_dropped(one.receiver), 2);
    assert_int_equal(one.last_count, 2);
    assert_int_equal(one.bytes, 1 + 5 + 1);
    alto_push_receiver_destroy(&one.receiver);
    close(fd);
    close(listener);
}

static void a_publisher_that_claims_a_huge_frame_is_left(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {2, 0, 0, 0, 4, 0, 0, 0, 0};
    char endpoint[64];
    int listener = listen_by_hand(endpoint, sizeof endpoint);
    follower one;
    follow(&one, endpoint, "h");
    int fd = accept(listener, NULL, NULL);
    greet(fd, "PUB");
    be_greeted(fd);
    assert_true(step_until_connected(&one, true));
    assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
    assert_true(step_until_connected(&one, false));
    assert_int_equal(one.messages, 0);
    alto_push_receiver_destroy(&one.receiver);
    close(fd);
    close(listener);
}

/* ---- hostile peers ---- */

static long memory_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / 1048576;
}

static void a_peer_that_subscribes_without_end_is_cut_off_and_others_stay(void **state)
{
    (void)state;
    alto_push_sender *sender = bind_to("tcp://127.0.0.1:*");
    follower good, greedy;
    follow(&good, alto_push_sender_endpoint(sender, 0), "h");
    assert_true(step_until_subscribed(sender, 1));
    follow(&greedy, alto_push_sender_endpoint(sender, 0), NULL);
    for (uint32_t i = 0; i < 30000; i++) {
        uint8_t topic[17] = {'p'};
        memcpy(topic + 1, &i, sizeof i);
        alto_push_subscribe(greedy.receiver, alto_slice_of(topic, sizeof topic));
    }
    uint64_t end = alto_monotonic_ms() + PATIENCE_MS;
    while (alto_push_sender_counts(sender).subscriptions_refused == 0 && alto_monotonic_ms() < end) {
        alto_loop_step(loop, 50);
        assert_true(alto_push_sender_counts(sender).subscriptions < 10000);
    }
    assert_true(alto_push_sender_counts(sender).subscriptions_refused > 0);
    assert_true(lines > 0);
    alto_push_receiver_destroy(&greedy.receiver);
    assert_true(step_until_subscribed(sender, 1));
    send_number(sender, "h", 1);
    assert_true(step_until(&good.messages, 1));
    alto_push_receiver_destroy(&good.receiver);
    alto_push_sender_destroy(&sender);
}

/* Has the other side ended the connection? */
static bool ended(int fd)
{
    uint8_t bytes[256];
    ssize_t got;
    do
        got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    while (got > 0);
    return got == 0 || (errno != EAGAIN && errno != EINTR);
}

/* Send frames of 64 bytes that all announce another one, until the other side has had enough. */
static size_t send_without_end(int fd, size_t max)
{
    uint8_t frame[9 + 64] = {3, 0, 0, 0, 0, 0, 0, 0, 64};
    size_t sent = 0, calls = 0;
    while (sent < max) {
        size_t at = sent % sizeof frame;
        ssize_t now = send(fd, frame + at, sizeof frame - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (now < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (ended(fd))
                break;
            alto_loop_step(loop, 1);
            continue;
        }
        if (now <= 0)
            break;
        sent += (size_t)now;
        if (++calls % 256 == 0)
            alto_loop_step(loop, 0);
    }
    return sent;
}

static void a_publisher_whose_message_never_ends_is_left_and_tried_again(void **state)
{
    (void)state;
    static const size_t most = 1 << 30;
    static const uint8_t good[] = {0, 1, 'h'};
    char endpoint[64];
    int listener = listen_by_hand(endpoint, sizeof endpoint);
    follower one;
    follow(&one, endpoint, "h");
    for (uint64_t i = 1; i <= 2; i++) {
        int fd = accept(listener, NULL, NULL);
        greet(fd, "PUB");
        be_greeted(fd);
        assert_int_equal(send(fd, good, sizeof good, 0), sizeof good);
        assert_true(step_until(&one.messages, i));
        assert_true(send_without_end(fd, most) < most);
        assert_true(step_until_connected(&one, false));
        assert_int_equal(lines, i);
        close(fd);
    }
    alto_push_receiver_destroy(&one.receiver);
    close(listener);
}

/* Send messages of `size` bytes for as long as somebody reads them, while our own loop stands still. */
static size_t send_messages(int fd, size_t size, size_t most)
{
    static uint8_t block[65536];
    size_t sent = 0, each = 2 + size;
    for (size_t i = 0; i + each <= sizeof block; i += each)
        memcpy(block + i, (uint8_t[]){0, (uint8_t)size, 'h'}, 3);
    ssize_t now;
    while (sent < most && (now = send(fd, block, sizeof block / each * each, MSG_NOSIGNAL)) > 0)
        sent += (size_t)now;
    return sent;
}

static void a_publisher_that_sends_more_than_is_handled_is_left_although_the_loop_is_busy(void **state)
{
    (void)state;
    static const size_t most = 1 << 30, sizes[] = {1, 200};
    for (size_t i = 0; i < countof(sizes); i++) {
        char endpoint[64];
        int listener = listen_by_hand(endpoint, sizeof endpoint);
        follower one;
        follow(&one, endpoint, "h");
        int fd = accept(listener, NULL, NULL);
        greet(fd, "PUB");
        be_greeted(fd);
        long before = memory_mb();
        size_t sent = send_messages(fd, sizes[i], most);
        print_message("  %zu bytes each: left after %zu MB, memory + %ld MB\n", sizes[i], sent >> 20,
                      memory_mb() - before);
        assert_true(sent > ALTO_PUSH_MAX_WAITING && sent < most);
        assert_true(lines > 0);
        assert_true(step_until_connected(&one, false));
        assert_true(alto_push_dropped(one.receiver) > 0);
        close(fd);
        alto_push_receiver_destroy(&one.receiver);
        close(listener);
    }
}

static void a_peer_that_reads_nothing_is_cut_off_and_others_get_everything(void **state)
{
    (void)state;
    enum { SIZE = 65536, MESSAGES = 512 };
    static const uint8_t subscribe[] = {0, 2, 1, 'h'};
    alto_push_sender *sender = bind_to("tcp://127.0.0.1:*");
    follower good;
    follow(&good, alto_push_sender_endpoint(sender, 0), "h");
    int fd = connect_by_hand(alto_push_sender_endpoint(sender, 0), "SUB");
    assert_int_equal(send(fd, subscribe, sizeof subscribe, 0), sizeof subscribe);
    assert_true(step_until_subscribed(sender, 2));
    uint8_t *bytes = calloc(1, SIZE);
    assert_non_null(bytes);
    for (uint64_t sent = 1; sent <= MESSAGES; sent++) {
        alto_slice frames[] = {alto_slice_text("h"), alto_slice_of(bytes, SIZE)};
        assert_int_equal(alto_push_send(sender, frames, countof(frames)), ALTO_OK);
        assert_true(step_until(&good.messages, sent));
        uint64_t cut = alto_push_sender_counts(sender).peers_cut_off;
        assert_true(cut == 0 || sent * SIZE > ALTO_PUSH_MAX_WAITING);
        assert_true(cut == 1 || sent * SIZE < 2 * ALTO_PUSH_MAX_WAITING);
    }
    assert_true(step_until_subscribed(sender, 1));
    assert_int_equal(alto_push_sender_counts(sender).peers, 1);
    free(bytes);
    close(fd);
    alto_push_receiver_destroy(&good.receiver);
    alto_push_sender_destroy(&sender);
}

static void a_message_that_never_ends_does_not_fill_the_memory(void **state)
{
    (void)state;
    static const size_t most = 1 << 30;
    alto_push_sender *sender = bind_to("tcp://127.0.0.1:*");
    long before = memory_mb();
    int fd = connect_by_hand(alto_push_sender_endpoint(sender, 0), "XSUB");
    size_t sent = send_without_end(fd, most);
    print_message("  cut off after %zu MB, memory + %ld MB\n", sent >> 20, memory_mb() - before);
    assert_true(sent < most);
    assert_int_equal(lines, 1);
    close(fd);
    alto_push_sender_destroy(&sender);
}

static void a_peer_that_claims_a_huge_frame_or_talks_nonsense_is_cut_off(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        uint8_t bytes[16];
        size_t size;
    } cases[] = {
        {"a frame of 16 GiB", {2, 0, 0, 0, 4, 0, 0, 0, 0}, 9},
        {"a frame of 65 bytes", {2, 0, 0, 0, 0, 0, 0, 0, 65}, 9},
        {"a message for the publisher", {0, 3, 'x', 'y', 'z'}, 5},
        {"an empty message", {0, 0}, 2},
    };
    alto_push_sender *sender = bind_to("tcp://127.0.0.1:*");
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        int fd = connect_by_hand(alto_push_sender_endpoint(sender, 0), "XSUB");
        alto_loop_step(loop, 20);
        assert_int_equal(send(fd, cases[i].bytes, cases[i].size, MSG_NOSIGNAL), cases[i].size);
        uint64_t end = alto_monotonic_ms() + PATIENCE_MS;
        while (!ended(fd) && alto_monotonic_ms() < end)
            alto_loop_step(loop, 5);
        assert_true(ended(fd));
        close(fd);
    }
    alto_push_sender_destroy(&sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whoever_subscribed_to_a_prefix_gets_the_message, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_arrives_whole_and_in_order_also_through_an_outer_poll, setup, teardown),
        cmocka_unit_test_setup_teardown(subscriptions_are_seen_while_we_send_all_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(many_subscriptions_made_before_the_connection_are_not_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(messages_of_one_to_four_frames_are_handed_over_others_are_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(connected_tells_of_the_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_endpoint_is_refused_with_what_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(a_publisher_that_claims_a_huge_frame_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_subscribes_without_end_is_cut_off_and_others_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(a_publisher_whose_message_never_ends_is_left_and_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_publisher_that_sends_more_than_is_handled_is_left_although_the_loop_is_busy,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_reads_nothing_is_cut_off_and_others_get_everything, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_message_that_never_ends_does_not_fill_the_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_claims_a_huge_frame_or_talks_nonsense_is_cut_off, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
