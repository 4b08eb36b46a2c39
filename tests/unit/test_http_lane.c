/* SPDX-License-Identifier: Apache-2.0 */
/* One thread: each step of the lane is taken by the test, and the client's side of a connection never blocks. */
#include "io/http_lane.h"

#include "cmocka_all.h"
#include "io/memory_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

enum {
    PIECES = 300,
    PIECE = 50000,
    BODY = PIECES * PIECE,
    SMALL = 700,
    PATIENCE_MS = 10000,
    IDLE_MS = 30000,
    SHORT_MS = 200
};

/* What the handler lends: bytes that tell their own place. */
static uint8_t ground[BODY];
static int borrowed, released;

/* "/made" is there once it is made. */
static bool made;
static int asked;

typedef struct {
    alto_http_lane *lane;
    alto_http_limits *limits;
    bool has_room; /* elsewhere */
    int listener;
    int handed[4]; /* connections handed over */
    size_t count;
    char peer[ALTO_HTTP_PEER_TEXT]; /* of the last one */
} fixture;

/* ---- the handler ---- */

static alto_slice small_piece(void *owner, size_t index)
{
    (void)owner;
    (void)index;
    return alto_slice_of(ground, SMALL);
}

static alto_slice piece(void *owner, size_t index)
{
    (void)owner;
    return alto_slice_of(ground + index * PIECE, PIECE);
}

static void release(void *owner)
{
    (void)owner;
    released++;
}

static void release_file(void *owner)
{
    close((int)(intptr_t)owner);
    released++;
}

static void lend(alto_http_answer *answer, size_t count, uint64_t size)
{
    borrowed++;
    answer->status = 200;
    answer->piece = count == 1 ? small_piece : piece;
    answer->piece_count = count;
    answer->size = size;
    answer->release = release;
}

static void answer_request(void *context, const alto_http_request *request, alto_http_answer *answer)
{
    (void)context;
    alto_http_header(answer, "X-Test", "%s|%s|%s|%s|%s", request->method, request->path, request->query,
                     request->accept ? request->accept : "-", request->peer[0] ? "peer" : "-");
    if (strcmp(request->path, "/small") == 0) {
        lend(answer, 1, SMALL);
    } else if (strcmp(request->path, "/made") == 0) {
        asked++;
        if (made)
            lend(answer, 1, SMALL);
        else if (request->can_wait)
            answer->later = true;
        else
            answer->status = 503;
    } else if (strcmp(request->path, "/pieces") == 0) {
        lend(answer, PIECES, BODY);
    } else if (strcmp(request->path, "/file") == 0) {
        lend(answer, PIECES, BODY);
        answer->file = alto_memory_file(BODY, PIECES, piece, NULL);
        answer->has_file = answer->file >= 0;
        assert_true(answer->has_file);
        answer->release = release_file;
        answer->owner = (void *)(intptr_t)answer->file;
    } else if (strcmp(request->path, "/short") == 0) {
        lend(answer, 1, SMALL + 1);
    } else if (strcmp(request->path, "/same") == 0) {
        answer->status = 304;
        answer->size = 5;
    } else if (strcmp(request->path, "/nothing") == 0) {
        answer->status = 204;
    } else if (strcmp(request->path, "/body") == 0) {
        answer->status = 400;
        alto_http_header(answer, "X-Body", "%s|%zu|%.1s", request->content_type, request->body.size,
                         (const char *)request->body.data);
    }
}

/* ---- a lane ---- */

static void on_handed(void *owner, const alto_http_arrival *arrival)
{
    fixture *self = owner;
    alto_http_limits_leave(self->limits, arrival->client);
    assert_true(!arrival->secure && arrival->peer_size >= sizeof(struct sockaddr_in) &&
                self->count < countof(self->handed));
    alto_http_peer_text(arrival->peer, self->peer);
    self->handed[self->count++] = arrival->fd;
}

/* Elsewhere somebody has waited from the beginning. */
static bool on_no_room(void *owner, alto_http_limit why, uint64_t before_ms, uint64_t now_ms)
{
    fixture *self = owner;
    bool has_room = self->has_room;
    assert_true(why == ALTO_HTTP_CONNECTIONS || why == ALTO_HTTP_DESCRIPTORS);
    assert_true(before_ms > 0 && now_ms > 0);
    if (has_room)
        alto_http_lane_elsewhere(self->lane, -1);
    self->has_room = false;
    return has_room;
}

static fixture *make_limited(const alto_http_limits_options *limits, size_t max_connections, unsigned idle_ms)
{
    alto_error error;
    fixture *self = calloc(1, sizeof *self);
    assert_int_equal(alto_http_limits_new(limits, &self->limits, &error), ALTO_OK);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const alto_http_lane_options options = {.handler = answer_request,
                                            .hand_over = on_handed,
                                            .make_room = on_no_room,
                                            .limits = self->limits,
                                            .owner = self,
                                            .max_connections = max_connections,
                                            .idle_ms = idle_ms,
                                            .patience_ms = SHORT_MS};
    borrowed = released = asked = 0;
    made = false;
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(self->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(self->listener, 16), 0);
    self->lane = alto_http_lane_new(self->listener, -1, &options);
    assert_non_null(self->lane);
    return self;
}

static fixture *make(size_t max_connections, unsigned idle_ms)
{
    const alto_http_limits_options unlimited = {.connections = 0};
    return make_limited(&unlimited, max_connections, idle_ms);
}

static void destroy(fixture *self)
{
    alto_http_lane_destroy(&self->lane);
    alto_http_limits_destroy(&self->limits);
    assert_int_equal(released, borrowed);
    for (size_t i = 0; i < self->count; i++)
        close(self->handed[i]);
    close(self->listener);
    free(self);
}

static void step(fixture *self)
{
    alto_http_lane_run(self->lane, 0);
}

/* ---- a client ---- */

static int dial(const fixture *self)
{
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    assert_int_equal(getsockname(self->listener, (struct sockaddr *)&at, &size), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, size), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Let the lane work until fd has something to say or ended. */
static ssize_t hear_some(fixture *self, int fd, void *bytes, size_t room)
{
    for (int64_t end = now_ms() + PATIENCE_MS; now_ms() < end;) {
        ssize_t size = recv(fd, bytes, room, 0);
        if (size >= 0 || errno != EAGAIN)
            return size;
        alto_http_lane_run(self->lane, 1);
    }
    fail_msg("nothing came");
    return -1;
}

static bool ended(fixture *self, int fd)
{
    char byte;
    return hear_some(self, fd, &byte, 1) <= 0;
}

typedef struct {
    char head[1024];
    uint64_t length;
} heard;

static heard hear_head(fixture *self, int fd)
{
    heard got = {.length = 0};
    for (size_t have = 0; have < sizeof got.head - 1; have++) {
        assert_int_equal(hear_some(self, fd, got.head + have, 1), 1);
        if (have >= 3 && memcmp(got.head + have - 3, "\r\n\r\n", 4) == 0)
            break;
    }
    const char *length = strstr(got.head, "\r\nContent-Length: ");
    got.length = length ? strtoull(length + 18, NULL, 10) : 0;
    return got;
}

static void hear_body(fixture *self, int fd, size_t size)
{
    static uint8_t bytes[BODY];
    for (size_t have = 0; have < size;) {
        ssize_t part = hear_some(self, fd, bytes + have, size - have);
        assert_true(part > 0);
        have += (size_t)part;
    }
    assert_memory_equal(bytes, ground, size);
}

static bool silent(fixture *self, int fd)
{
    char byte;
    step(self);
    return recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN;
}

/* ---- tests ---- */

static void one_connection_carries_many_plain_requests(void **state)
{
    static const struct {
        const char *request, *begin, *told;
        uint64_t length;
        size_t body;
    } steps[] = {
        {GET("/small"), "HTTP/1.1 200 OK\r\nDate: ", "GET|/small||-|peer", SMALL, SMALL},
        {"HEAD /pieces HTTP/1.1\r\nHost: x\r\nAccept: a\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: ", "HEAD|/pieces||a|peer",
         BODY, 0},
        {GET("/pieces"), "HTTP/1.1 200 OK\r\nDate: ", "GET|/pieces||-|peer", BODY, BODY},
        {GET("/file"), "HTTP/1.1 200 OK\r\nDate: ", "GET|/file||-|peer", BODY, BODY},
        {"HEAD /file HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: ", "HEAD|/file||-|peer", BODY, 0},
        {GET("/same"), "HTTP/1.1 304 Not Modified\r\nDate: ", "GET|/same||-|peer", 5, 0},
        {GET("/nothing"), "HTTP/1.1 204 No Content\r\nDate: ", "GET|/nothing||-|peer", 0, 0},
        {GET("/else"), "HTTP/1.1 500 Internal Server Error\r\nDate: ", "GET|/else||-|peer", 0, 0},
        {"POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: t\r\nContent-Length: 6\r\n\r\na\r\n\r\nb",
         "HTTP/1.1 400 Bad Request\r\nDate: ", "\r\nX-Body: t|6|a\r\n", 0, 0},
        {"POST /pieces HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
         "HTTP/1.1 200 OK\r\nDate: ", "POST|/pieces||-|peer", BODY, BODY},
        {GET("/small"), "HTTP/1.1 200 OK\r\nDate: ", "GET|/small||-|peer", SMALL, SMALL},
    };
    (void)state;
    fixture *self = make(10, IDLE_MS);
    int fd = dial(self);
    for (size_t i = 0; i < countof(steps); i++) {
        say(fd, steps[i].request);
        heard got = hear_head(self, fd);
        assert_int_equal(strncmp(got.head, steps[i].begin, strlen(steps[i].begin)), 0);
        assert_non_null(strstr(got.head, steps[i].told));
        assert_null(strstr(got.head, "Connection:"));
        assert_int_equal(got.length, steps[i].length);
        hear_body(self, fd, steps[i].body);
        assert_true(silent(self, fd));
        assert_int_equal(alto_http_lane_answering(self->lane), 0);
        assert_int_equal(released, borrowed);
    }
    close(fd);
    destroy(self);
}

static void the_date_is_now(void **state)
{
    (void)state;
    fixture *self = make(10, IDLE_MS);
    int fd = dial(self);
    struct tm told = {0};
    time_t before = time(NULL);
    say(fd, GET("/small"));
    heard got = hear_head(self, fd);
    const char *rest = strptime(strstr(got.head, "Date: "), "Date: %a, %d %b %Y %H:%M:%S GMT", &told);
    assert_true(rest && *rest == '\r');
    assert_true(timegm(&told) >= before && timegm(&told) <= time(NULL));
    close(fd);
    destroy(self);
}

static void what_is_not_plain_is_handed_over_untouched(void **state)
{
    static const char *const requests[] = {"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na", "GET /sm",
                                           GET("/small") GET("/small"), "\x16\x03\x01"};
    (void)state;
    fixture *self = make(10, IDLE_MS);
    for (size_t i = 0; i < countof(requests); i++) {
        int fd = dial(self);
        struct sockaddr_in at;
        socklen_t size = sizeof at;
        char bytes[256], peer[ALTO_HTTP_PEER_TEXT];
        say(fd, GET("/small"));
        hear_body(self, fd, hear_head(self, fd).length);
        say(fd, requests[i]);
        while (self->count == i)
            alto_http_lane_run(self->lane, PATIENCE_MS);
        getsockname(fd, (struct sockaddr *)&at, &size);
        alto_http_peer_text((struct sockaddr *)&at, peer);
        assert_string_equal(self->peer, peer);
        assert_int_equal(recv(self->handed[i], bytes, sizeof bytes, 0), strlen(requests[i]));
        assert_memory_equal(bytes, requests[i], strlen(requests[i]));
        close(fd);
    }
    destroy(self);
}

static void others_are_woken(void **state)
{
    (void)state;
    fixture *self = make(10, IDLE_MS);
    int channel[2], fd = dial(self);
    assert_int_equal(pipe(channel), 0);
    assert_int_equal(alto_http_lane_watch(self->lane, channel[0]), ALTO_OK);
    assert_false(alto_http_lane_run(self->lane, PATIENCE_MS)); /* only a connection came */
    say(fd, GET("/small"));
    assert_false(alto_http_lane_run(self->lane, PATIENCE_MS)); /* a plain request */
    say(fd, "HELLO");
    assert_true(alto_http_lane_run(self->lane, PATIENCE_MS)); /* handed over */
    assert_int_equal(write(channel[1], "", 1), 1);
    assert_true(alto_http_lane_run(self->lane, PATIENCE_MS));
    alto_http_lane_unwatch(self->lane, channel[0]);
    assert_false(alto_http_lane_run(self->lane, 0));
    close(channel[0]);
    close(channel[1]);
    close(fd);
    destroy(self);
}

static void a_client_that_says_no_more_gets_its_answer(void **state)
{
    static const char *const requests[] = {GET("/pieces"), GET("/file")};
    (void)state;
    fixture *self = make(10, IDLE_MS);
    for (size_t i = 0; i < countof(requests); i++) {
        int fd = dial(self);
        say(fd, requests[i]);
        shutdown(fd, SHUT_WR);
        assert_int_equal(hear_head(self, fd).length, BODY);
        hear_body(self, fd, BODY);
        assert_true(ended(self, fd));
        close(fd);
    }
    destroy(self);
}

static void a_client_that_goes_away_gives_its_answer_back(void **state)
{
    static const char *const requests[] = {GET("/pieces"), GET("/file")};
    (void)state;
    fixture *self = make(10, IDLE_MS);
    for (size_t i = 0; i < countof(requests); i++) {
        int fd = dial(self);
        say(fd, requests[i]);
        hear_head(self, fd);
        assert_int_equal(alto_http_lane_answering(self->lane), 1);
        assert_int_equal(released, borrowed - 1);
        close(fd);
        while (alto_http_lane_answering(self->lane) > 0)
            alto_http_lane_run(self->lane, PATIENCE_MS);
        assert_int_equal(released, borrowed);
    }
    destroy(self);
}

static void a_body_shorter_than_it_said_ends_the_connection(void **state)
{
    (void)state;
    fixture *self = make(10, IDLE_MS);
    int fd = dial(self);
    say(fd, GET("/short"));
    assert_int_equal(hear_head(self, fd).length, SMALL + 1);
    hear_body(self, fd, SMALL);
    assert_true(ended(self, fd));
    close(fd);
    destroy(self);
}

static void connections_without_a_byte_are_closed(void **state)
{
    (void)state;
    fixture *self = make(10, 50);
    int fds[] = {dial(self), dial(self)};
    say(fds[1], GET("/pieces"));
    int64_t begin = now_ms();
    assert_true(ended(self, fds[0]));
    assert_true(now_ms() - begin >= 50);
    while (released < borrowed || borrowed == 0) /* the other one reads nothing */
        alto_http_lane_run(self->lane, PATIENCE_MS);
    close(fds[0]);
    close(fds[1]);
    destroy(self);
}

static void who_waits_longest_for_a_request_makes_room(void **state)
{
    (void)state;
    fixture *self = make(3, IDLE_MS);
    int fds[] = {dial(self), dial(self), dial(self)};
    for (size_t i = 0; i < countof(fds); i++) {
        say(fds[i], GET("/same"));
        hear_head(self, fds[i]);
    }
    say(fds[0], GET("/same")); /* now the second one is the oldest */
    hear_head(self, fds[0]);
    int next = dial(self);
    say(next, GET("/same"));
    hear_head(self, next);
    assert_true(ended(self, fds[1]));
    assert_true(silent(self, fds[0]) && silent(self, fds[2]));
    close(fds[2]);
    assert_true(silent(self, next));         /* the lane sees that one go */
    alto_http_lane_elsewhere(self->lane, 1); /* somebody came elsewhere, and waits for longer */
    self->has_room = true;
    int last = dial(self);
    say(last, GET("/same"));
    hear_head(self, last);
    assert_false(self->has_room);
    assert_true(silent(self, fds[0]) && silent(self, next));
    close(fds[0]);
    close(fds[1]);
    close(next);
    close(last);
    destroy(self);
}

static void who_is_being_answered_does_not_make_room(void **state)
{
    (void)state;
    fixture *self = make(2, IDLE_MS);
    int fds[] = {dial(self), dial(self)}, next;
    for (size_t i = 0; i < countof(fds); i++)
        say(fds[i], GET("/pieces"));
    assert_int_equal(hear_head(self, fds[0]).length, BODY);
    assert_int_equal(hear_head(self, fds[1]).length, BODY);
    next = dial(self);
    say(next, GET("/same"));
    for (int64_t end = now_ms() + 150; now_ms() < end;)
        assert_true(silent(self, next));
    hear_body(self, fds[0], BODY);
    hear_head(self, next);
    hear_body(self, fds[1], BODY);
    close(fds[0]);
    close(fds[1]);
    close(next);
    destroy(self);
}

static void one_client_has_its_own_limits(void **state)
{
    (void)state;
    static const char *const others[] = {"192.0.2.0/24"};
    const alto_http_limits_options limits = {
        .client_connections = 2, .client_requests = 1, .unlimited = others, .unlimited_count = 1};
    fixture *self = make_limited(&limits, 10, IDLE_MS);
    int fds[] = {dial(self), dial(self), dial(self)};
    assert_true(ended(self, fds[2]));
    for (int i = 0; i < 2; i++) {
        say(fds[0], GET("/same"));
        assert_non_null(strstr(hear_head(self, fds[0]).head, " 304 "));
    }
    say(fds[1], GET("/same"));
    heard refused = hear_head(self, fds[1]);
    char why[64];
    assert_non_null(strstr(refused.head, " 429 Too Many Requests\r\n"));
    assert_non_null(strstr(refused.head, "\r\nRetry-After: 1\r\n"));
    assert_int_equal(hear_some(self, fds[1], why, sizeof why), refused.length);
    close(fds[0]);
    assert_true(silent(self, fds[1])); /* the lane sees that one go */
    int next = dial(self);
    assert_true(silent(self, next));
    close(fds[1]);
    close(fds[2]);
    close(next);
    destroy(self);
}

static void accepting_goes_on_once_there_are_descriptors_again(void **state)
{
    (void)state;
    struct rlimit before;
    fixture *self = make(10, IDLE_MS);
    int fd = dial(self), lowest = dup(fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)lowest, .rlim_max = before.rlim_max};
    close(lowest);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    say(fd, GET("/same"));
    step(self); /* logs that it cannot accept */
    assert_true(silent(self, fd));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    hear_head(self, fd);
    close(fd);
    destroy(self);
}

static void stopping_ends_connections_with_their_answers(void **state)
{
    (void)state;
    fixture *self = make(10, IDLE_MS);
    int under_way = dial(self), idle = dial(self), asking = dial(self);
    say(under_way, GET("/file"));
    say(asking, GET("/same"));
    hear_head(self, asking);
    assert_int_equal(hear_head(self, under_way).length, BODY);
    say(asking, GET("/small"));
    alto_http_lane_stop(self->lane);
    assert_int_equal(alto_http_lane_answering(self->lane), 1);
    assert_non_null(strstr(hear_head(self, asking).head, "\r\nConnection: close\r\n"));
    hear_body(self, asking, SMALL);
    assert_true(ended(self, asking));
    assert_true(ended(self, idle));
    hear_body(self, under_way, BODY);
    assert_true(ended(self, under_way));
    int late = dial(self);
    assert_true(silent(self, late));
    close(late);
    close(under_way);
    close(idle);
    close(asking);
    destroy(self);
}

static void what_is_being_made_is_waited_for(void **state)
{
    (void)state;
    fixture *self = make(10, IDLE_MS);
    int first = dial(self), second = dial(self), other = dial(self);
    say(first, GET("/made"));
    say(second, "POST /made HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na");
    while (asked < 4) /* each more than once */
        alto_http_lane_run(self->lane, PATIENCE_MS);
    say(other, GET("/small")); /* nobody else waits */
    hear_body(self, other, hear_head(self, other).length);
    assert_true(silent(self, first) && silent(self, second));
    made = true;
    hear_body(self, first, hear_head(self, first).length);
    hear_body(self, second, hear_head(self, second).length);
    asked = 0;
    assert_true(silent(self, first));
    say(first, GET("/small")); /* it serves as before */
    hear_body(self, first, hear_head(self, first).length);
    assert_int_equal(asked, 0);
    close(first);
    close(second);
    close(other);
    destroy(self);
}

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    fixture *self = make(10, IDLE_MS);
    int fd = dial(self), gone = dial(self);
    say(gone, GET("/made"));
    while (asked < 2)
        alto_http_lane_run(self->lane, PATIENCE_MS);
    close(gone);
    say(fd, GET("/made"));
    assert_non_null(strstr(hear_head(self, fd).head, " 503 "));
    say(fd, GET("/small"));
    hear_body(self, fd, hear_head(self, fd).length);
    close(fd);
    destroy(self);
}

static void stopping_answers_those_who_wait(void **state)
{
    (void)state;
    fixture *self = make(10, IDLE_MS);
    int fd = dial(self);
    say(fd, GET("/made"));
    while (asked < 1)
        alto_http_lane_run(self->lane, PATIENCE_MS);
    alto_http_lane_stop(self->lane);
    heard got = hear_head(self, fd);
    assert_non_null(strstr(got.head, " 503 "));
    assert_non_null(strstr(got.head, "\r\nConnection: close\r\n"));
    assert_true(ended(self, fd));
    close(fd);
    destroy(self);
}

static int fill_ground(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ground; i++)
        ground[i] = (uint8_t)(i * 7 + i / 4096 * 13);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_carries_many_plain_requests),
        cmocka_unit_test(the_date_is_now),
        cmocka_unit_test(what_is_not_plain_is_handed_over_untouched),
        cmocka_unit_test(others_are_woken),
        cmocka_unit_test(a_client_that_says_no_more_gets_its_answer),
        cmocka_unit_test(a_client_that_goes_away_gives_its_answer_back),
        cmocka_unit_test(a_body_shorter_than_it_said_ends_the_connection),
        cmocka_unit_test(connections_without_a_byte_are_closed),
        cmocka_unit_test(who_waits_longest_for_a_request_makes_room),
        cmocka_unit_test(who_is_being_answered_does_not_make_room),
        cmocka_unit_test(one_client_has_its_own_limits),
        cmocka_unit_test(accepting_goes_on_once_there_are_descriptors_again),
        cmocka_unit_test(stopping_ends_connections_with_their_answers),
        cmocka_unit_test(what_is_being_made_is_waited_for),
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(stopping_answers_those_who_wait),
    };
    return cmocka_run_group_tests(tests, fill_ground, NULL);
}
