/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http.h"

#include "io/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define countof(array) (sizeof(array) / sizeof(array)[0])

enum { PIECES = 5000, PIECE = 4096, FEW = 300, FEW_PIECE = 70000, BIG = 20 * 1000 * 1000, CROWD = 200 };

/* What the handler serves: bytes that tell their own position. */
static uint8_t *ground; /* BIG + a bit */
static atomic_long borrowed, released;

static uint8_t byte_at(size_t position)
{
    return (uint8_t)(position * 7 + position / 4096 * 13);
}

static int fill_ground(void **state)
{
    (void)state;
    size_t size = (size_t)FEW * FEW_PIECE;
    ground = malloc(size);
    if (!ground)
        return -1;
    for (size_t i = 0; i < size; i++)
        ground[i] = byte_at(i);
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

static int free_ground(void **state)
{
    (void)state;
    free(ground);
    return 0;
}

/* ---- the handler ---- */

/* The owner of a lent answer is the size of its pieces. */
static const size_t sizes[] = {PIECE, FEW_PIECE, BIG, 700};

static alto_slice piece_of(void *owner, size_t index)
{
    const size_t *size = owner;
    return alto_slice_of(ground + index * *size, *size);
}

static void count_release(void *owner)
{
    (void)owner;
    atomic_fetch_add(&released, 1);
}

static void lend(alto_http_answer *answer, const size_t *size, size_t count)
{
    atomic_fetch_add(&borrowed, 1);
    answer->piece = piece_of;
    answer->piece_count = count;
    answer->size = *size * count;
    answer->release = count_release;
    answer->owner = (void *)(uintptr_t)size;
}

static const char *or_none(const char *text)
{
    return text ? text : "none";
}

static void echo(const alto_http_request *request, alto_http_answer *answer)
{
    char text[2048];
    snprintf(text, sizeof text, "%s|%s|%s|%s|%s|%s", request->method, request->path, request->query,
             or_none(request->if_none_match), or_none(request->accept), or_none(request->accept_encoding));
    alto_http_body(answer, alto_slice_text(text));
}

/* "/held" is answered once the owner's thread says so. */
static atomic_bool there;
static atomic_long holding, given_back;

static void give_back(void *owner)
{
    assert_ptr_equal(owner, &holding);
    atomic_fetch_add(&given_back, 1);
}

static void hold(const alto_http_request *request, alto_http_answer *answer)
{
    if (atomic_load(&there)) {
        alto_http_body(answer, alto_slice_text(request->awaited == &holding ? "there" : "never held"));
    } else if (request->can_hold) {
        answer->later = true;
        answer->owner = &holding;
        answer->release = give_back;
        atomic_fetch_add(&holding, 1);
    } else {
        answer->status = 503;
    }
}

static void echo_body(const alto_http_request *request, alto_http_answer *answer)
{
    alto_buffer text = alto_buffer_make(2 * ALTO_HTTP_BODY);
    alto_buffer_print(&text, "%s|", or_none(request->content_type));
    alto_buffer_add_slice(&text, request->body);
    alto_http_body(answer, alto_buffer_slice(&text));
    alto_buffer_fini(&text);
}

static void answer_request(void *context, const alto_http_request *request, alto_http_answer *answer)
{
    (void)context;
    answer->status = 200;
    alto_http_header(answer, "Content-Type", "application/%s", "test");
    if (strcmp(request->path, "/small") == 0) {
        lend(answer, &sizes[3], 1);
    } else if (strcmp(request->path, "/many") == 0) {
        lend(answer, &sizes[0], PIECES);
    } else if (strcmp(request->path, "/few") == 0) {
        lend(answer, &sizes[1], FEW);
    } else if (strcmp(request->path, "/big") == 0) {
        lend(answer, &sizes[2], 1);
    } else if (strcmp(request->path, "/same") == 0) {
        answer->status = 304;
        alto_http_header(answer, "ETag", "\"v1\"");
        lend(answer, &sizes[3], 1);
    } else if (strcmp(request->path, "/same-size") == 0) {
        answer->status = 304;
        answer->size = 12345;
    } else if (strcmp(request->path, "/same-unknown") == 0) {
        answer->status = 304;
    } else if (strcmp(request->path, "/empty") == 0) {
        alto_http_body(answer, alto_slice_text(""));
    } else if (strcmp(request->path, "/peer") == 0) {
        alto_http_body(answer, alto_slice_text(request->peer));
    } else if (strcmp(request->path, "/nothing") == 0) {
        answer->status = 204;
    } else if (strcmp(request->path, "/held") == 0) {
        hold(request, answer);
    } else if (strcmp(request->path, "/body") == 0) {
        echo_body(request, answer);
    } else if (strncmp(request->path, "/echo", 5) == 0) {
        echo(request, answer);
    } else {
        answer->status = 404;
        alto_http_body(answer, alto_slice_text("no such thing\n"));
    }
}

static alto_http_server *serve(const char *address, unsigned threads)
{
    alto_http_server *server = NULL;
    alto_error error = {.why = ""};
    const alto_http_options options = {.address = address, .threads = threads};
    alto_status status = alto_http_server_new(&options, answer_request, NULL, &server, &error);
    if (status != ALTO_OK)
        print_error("%s: %s\n", error.where, error.why);
    assert_int_equal(status, ALTO_OK);
    return server;
}

static void wait_for_releases(void)
{
    for (int i = 0; i < 500 && atomic_load(&released) != atomic_load(&borrowed); i++)
        usleep(10000);
    assert_int_equal(atomic_load(&released), atomic_load(&borrowed));
}

static void finish(alto_http_server *server)
{
    alto_http_server_destroy(&server, 0);
    assert_null(server);
    assert_int_equal(atomic_load(&released), atomic_load(&borrowed));
}

/* ---- a client ---- */

static int dial(const alto_http_server *server)
{
    const char *address = alto_http_server_address(server);
    int port = atoi(strrchr(address, ':') + 1), fd;
    assert_true(port > 0);
    if (address[0] == '[') {
        struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
        to.sin6_port = htons((uint16_t)port);
        fd = socket(AF_INET6, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    } else {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        to.sin_port = htons((uint16_t)port);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    }
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
}

typedef struct {
    int status;
    char head[2048];
    uint8_t *body; /* owned */
    size_t size;
    bool whole; /* all that Content-Length says came */
} response;

static bool hear_head(int fd, response *heard)
{
    size_t have = 0;
    while (have + 1 < sizeof heard->head) {
        if (recv(fd, heard->head + have, 1, 0) != 1)
            return false;
        heard->head[++have] = 0;
        if (have >= 4 && memcmp(heard->head + have - 4, "\r\n\r\n", 4) == 0)
            return sscanf(heard->head, "HTTP/1.1 %d", &heard->status) == 1;
    }
    return false;
}

static const char *header_of(const response *heard, const char *name)
{
    const char *at = strcasestr(heard->head, name);
    return at ? at + strlen(name) : NULL;
}

static void hear_body(int fd, response *heard)
{
    const char *length = header_of(heard, "\r\nContent-Length: ");
    size_t size = length ? strtoull(length, NULL, 10) : 0;
    heard->body = malloc(size + 1);
    assert_non_null(heard->body);
    while (heard->size < size) {
        ssize_t got = recv(fd, heard->body + heard->size, size - heard->size, 0);
        if (got <= 0)
            break;
        heard->size += (size_t)got;
    }
    heard->body[heard->size] = 0;
    heard->whole = heard->size == size;
}

static response hear(int fd, bool body)
{
    response heard = {.status = 0};
    if (hear_head(fd, &heard) && body)
        hear_body(fd, &heard);
    return heard;
}

/* Nothing more comes: the server closed the connection, or keeps quiet. */
static bool closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) <= 0;
}

static bool quiet(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, 100) == 0;
}

static bool is_ground(const response *heard, size_t size)
{
    return heard->whole && heard->size == size && memcmp(heard->body, ground, size) == 0;
}

static response get(const alto_http_server *server, const char *request)
{
    int fd = dial(server);
    say(fd, request);
    response heard = hear(fd, true);
    close(fd);
    return heard;
}

/* ---- tests ---- */

static void every_body_arrives_whole_however_many_pieces_it_has(void **state)
{
    static const struct {
        const char *label, *request;
        size_t size;
    } cases[] = {
        {"one small piece", "GET /small HTTP/1.1\r\nHost: x\r\n\r\n", 700},
        {"one big piece", "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", BIG},
        {"300 pieces", "GET /few HTTP/1.1\r\nHost: x\r\n\r\n", (size_t)FEW * FEW_PIECE},
        {"5,000 pieces", "GET /many HTTP/1.1\r\nHost: x\r\n\r\n", (size_t)PIECES * PIECE},
        {"300 pieces, with a query", "GET /few?a=1&b HTTP/1.1\r\nHost: x\r\n\r\n", (size_t)FEW * FEW_PIECE},
    };
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 2);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        response heard = get(server, cases[i].request);
        assert_int_equal(heard.status, 200);
        assert_true(is_ground(&heard, cases[i].size));
        assert_non_null(header_of(&heard, "\r\nContent-Type: application/test\r\n"));
        assert_non_null(header_of(&heard, "\r\nDate: "));
        free(heard.body);
    }
    wait_for_releases();
    finish(server);
}

static void one_connection_carries_many_requests(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *length; /* Content-Length, NULL: none or 0 */
        bool body;
    } steps[] = {
        {"GET /small HTTP/1.1\r\nHost: x\r\n\r\n", 200, "700", true},
        {"HEAD /small HTTP/1.1\r\nHost: x\r\n\r\n", 200, "700", false},
        {"HEAD /many HTTP/1.1\r\nHost: x\r\n\r\n", 200, "20480000", false},
        {"GET /gone HTTP/1.1\r\nHost: x\r\n\r\n", 404, "14", true},
        {"GET /same HTTP/1.1\r\nHost: x\r\n\r\n", 304, "700", false},
        {"GET /same-size HTTP/1.1\r\nHost: x\r\n\r\n", 304, "12345", false},
        {"HEAD /empty HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0", false},
        {"GET /empty HTTP/1.1\r\nHost: x\r\n\r\n", 200, "0", true},
        {"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 204, NULL, false},
        {"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, "700", true},
        {"POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "700",
         true},
        {"OPTIONS /small HTTP/1.1\r\nHost: x\r\n\r\n", 200, "700", true},
        {"GET /few HTTP/1.1\r\nHost: x\r\n\r\n", 200, "21000000", true},
    };
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 1);
    int fd = dial(server);
    for (size_t i = 0; i < countof(steps); i++) {
        say(fd, steps[i].request);
        response heard = hear(fd, steps[i].body);
        assert_int_equal(heard.status, steps[i].status);
        const char *length = header_of(&heard, "\r\nContent-Length: ");
        if (steps[i].length)
            assert_int_equal(strtoul(length, NULL, 10), strtoul(steps[i].length, NULL, 10));
        else
            assert_null(length);
        if (steps[i].body)
            assert_true(heard.whole);
        assert_true(quiet(fd)); /* nothing after it: no body for HEAD, 304 and 204 */
        free(heard.body);
    }
    close(fd);
    wait_for_releases();
    finish(server);
}

static void a_304_of_unknown_size_claims_none(void **state)
{
    static const char *const requests[] = {"GET /same-unknown HTTP/1.1\r\nHost: x\r\n\r\n",
                                           "GET /same-unknown?q HTTP/1.1\r\nHost: x\r\n\r\n"};
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 1);
    int fd = dial(server);
    for (size_t i = 0; i < countof(requests); i++) {
        say(fd, requests[i]);
        response heard = hear(fd, false);
        assert_int_equal(heard.status, 304);
        assert_null(header_of(&heard, "\r\nContent-Length:"));
        assert_null(header_of(&heard, "\r\nTransfer-Encoding:"));
    }
    assert_true(closed(fd)); /* all that libmicrohttpd can do about it */
    close(fd);
    finish(server);
}

static void the_handler_sees_the_request_as_it_was_sent(void **state)
{
    static const struct {
        const char *request, *body;
    } cases[] = {
        {"GET /echo/a%20b?x=%41&y HTTP/1.1\r\nHost: x\r\n\r\n", "GET|/echo/a b|x=%41&y|none|none|none"},
        {"GET /echo? HTTP/1.1\r\nHost: x\r\n\r\n", "GET|/echo||none|none|none"},
        {"PUT /echo%2500 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "PUT|/echo%00||none|none|none"},
        {"GET /echo HTTP/1.1\r\nHost: x\r\nAccept: a\r\nif-none-match: \"1\"\r\nAccept: b\r\nACCEPT-ENCODING: gzip\r\n"
         "Accept: c\r\n\r\n",
         "GET|/echo||\"1\"|a, b, c|gzip"},
    };
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 1);
    for (size_t i = 0; i < countof(cases); i++) {
        response heard = get(server, cases[i].request);
        assert_int_equal(heard.status, 200);
        assert_string_equal((const char *)heard.body, cases[i].body);
        free(heard.body);
    }
    response heard = get(server, "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(strncmp((const char *)heard.body, "127.0.0.1:", 10), 0);
    assert_true(atoi((const char *)heard.body + 10) > 0);
    free(heard.body);
    finish(server);
}

static void bad_requests_are_refused_and_the_connection_closed(void **state)
{
    static const struct {
        const char *label, *request;
        int status;
    } cases[] = {
        {"two lengths",
         "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 40\r\n\r\nabc"
         "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
         400},
        {"two lengths, the other way",
         "GET /small HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\nContent-Length: 0\r\n\r\n"
         "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
         400},
        {"a length beside chunks",
         "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
         "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
         400},
        {"a NUL in the path", "GET /small%00x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"a body beyond the limit", "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nabc", 413},
        {"no version", "GET /small\r\n\r\n", 0},
        {"no HTTP at all", "\x16\x03\x01 hello\r\n\r\n", 0},
    };
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 1);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].label);
        int fd = dial(server);
        say(fd, cases[i].request);
        response heard = hear(fd, true);
        if (cases[i].status)
            assert_int_equal(heard.status, cases[i].status);
        else
            assert_int_not_equal(heard.status, 200);
        assert_true(closed(fd)); /* what follows is not taken for a request */
        close(fd);
        free(heard.body);
    }
    /* The same length twice contradicts nothing. */
    response heard =
        get(server, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc");
    assert_int_equal(heard.status, 200);
    free(heard.body);
    finish(server);
}

static void the_body_of_a_post_reaches_the_handler(void **state)
{
    static const struct {
        const char *request, *body;
    } cases[] = {
        {"POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: a/b; c=d\r\nContent-Length: 3\r\n\r\nabc", "a/b; c=d|abc"},
        {"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "none|"},
        {"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
         "none|abc"},
        {"PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "none|"},
    };
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 1);
    int fd = dial(server);
    for (size_t i = 0; i < countof(cases); i++) { /* on one connection: nothing is left of the one before */
        say(fd, cases[i].request);
        response heard = hear(fd, true);
        assert_int_equal(heard.status, 200);
        assert_string_equal((const char *)heard.body, cases[i].body);
        free(heard.body);
    }
    close(fd);
    finish(server);
}

/* POST that many bytes, with their number or in chunks; the status of the answer. */
static int post(alto_http_server *server, size_t size, bool chunked)
{
    char *text = malloc(size + 200);
    int at = chunked ? snprintf(text, 200,
                                "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", size)
                     : snprintf(text, 200, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size);
    memset(text + at, 'x', size);
    strcpy(text + at + size, chunked ? "\r\n0\r\n\r\n" : "");
    response heard = get(server, text);
    if (heard.status == 200)
        assert_int_equal(heard.size, strlen("none|") + size);
    free(heard.body);
    free(text);
    return heard.status;
}

static void a_body_is_taken_up_to_a_limit(void **state)
{
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 1);
    for (int chunked = 0; chunked <= 1; chunked++) {
        assert_int_equal(post(server, ALTO_HTTP_BODY, chunked), 200);
        assert_int_equal(post(server, ALTO_HTTP_BODY + 1, chunked), 413);
    }
    finish(server);
}

static void an_endless_chunked_body_ends_the_connection(void **state)
{
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 1);
    int fd = dial(server);
    char chunk[1100];
    int size = snprintf(chunk, sizeof chunk, "400\r\n%01024d\r\n", 0);
    say(fd, "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    long sent = 0;
    while (sent < 10 * 1000 * 1000 && send(fd, chunk, (size_t)size, MSG_NOSIGNAL) == size)
        sent += size;
    assert_true(sent < 10 * 1000 * 1000);
    close(fd);
    finish(server);
}

static void a_client_that_goes_away_releases_its_answer(void **state)
{
    static const char *const paths[] = {"/many", "/few", "/big"};
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 2);
    for (size_t i = 0; i < countof(paths); i++) {
        char request[64];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        int fd = dial(server);
        say(fd, request);
        response heard = hear(fd, false);
        assert_int_equal(heard.status, 200);
        assert_int_equal(atomic_load(&borrowed) - atomic_load(&released), 1);
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
        wait_for_releases();
    }
    finish(server);
}

static void a_port_in_use_is_refused_in_words(void **state)
{
    (void)state;
    static const char *const first[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t i = 0; i < countof(first); i++) {
        alto_http_server *server = serve(first[i], 2), *other = NULL;
        alto_error error = {.why = ""};
        const alto_http_options options = {.address = alto_http_server_address(server), .threads = 2};
        assert_int_equal(alto_http_server_new(&options, answer_request, NULL, &other, &error), ALTO_IO);
        assert_null(other);
        print_message("  %s: %s\n", error.where, error.why);
        assert_non_null(strstr(error.why, "choose another port"));
        assert_string_equal(error.where, alto_http_server_address(server));
        finish(server);
    }
}

static void a_port_is_free_again_at_once(void **state)
{
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 2);
    char address[64];
    snprintf(address, sizeof address, "%s", alto_http_server_address(server));
    free(get(server, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n").body);
    finish(server);
    finish(serve(address, 2));
}

static void what_is_no_address_is_refused(void **state)
{
    static const struct {
        const char *address;
        alto_status status;
    } cases[] = {
        {"", ALTO_CONFIG},           {"127.0.0.1", ALTO_CONFIG},    {":80", ALTO_CONFIG},
        {"127.0.0.1:", ALTO_CONFIG}, {"127.0.0.1:x", ALTO_CONFIG},  {"127.0.0.1:65536", ALTO_CONFIG},
        {"::1:80", ALTO_CONFIG},     {"[::1:80", ALTO_CONFIG},      {"[::1]", ALTO_CONFIG},
        {"[]:80", ALTO_CONFIG},      {"127.0.0.1:-1", ALTO_CONFIG}, {"127.1:80", ALTO_CONFIG},
        {"host:80", ALTO_CONFIG},    {"192.0.2.1:8670", ALTO_IO},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_http_server *server = NULL;
        alto_error error = {.why = ""};
        const alto_http_options options = {.address = cases[i].address, .threads = 1};
        assert_int_equal(alto_http_server_new(&options, answer_request, NULL, &server, &error), cases[i].status);
        assert_true(error.why[0] != 0);
    }
}

static void it_listens_on_ipv6_too(void **state)
{
    (void)state;
    static const char *const addresses[] = {"[::1]:0", "[::]:0"};
    for (size_t i = 0; i < countof(addresses); i++) {
        alto_http_server *server = serve(addresses[i], 2);
        response heard = get(server, "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(heard.status, 200);
        assert_int_equal(strncmp((const char *)heard.body, "[::1]:", 6), 0);
        free(heard.body);
        finish(server);
    }
}

static void many_clients_are_served_at_once(void **state)
{
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 2);
    int fds[CROWD];
    for (size_t i = 0; i < CROWD; i++)
        fds[i] = dial(server);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < CROWD; i++)
            say(fds[i], "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
        for (size_t i = 0; i < CROWD; i++) {
            response heard = hear(fds[i], true);
            assert_true(is_ground(&heard, 700));
            free(heard.body);
        }
    }
    for (size_t i = 0; i < CROWD; i++)
        close(fds[i]);
    wait_for_releases();
    finish(server);
}

typedef struct {
    int fd;
    response heard;
} listener;

static void *hear_slowly(void *context)
{
    listener *self = context;
    usleep(100000);
    hear_body(self->fd, &self->heard);
    return NULL;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void stopping_lets_an_answer_under_way_finish(void **state)
{
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 1);
    listener slow = {.fd = dial(server)};
    say(slow.fd, "GET /many HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear_head(slow.fd, &slow.heard));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hear_slowly, &slow), 0);
    double begin = seconds();
    alto_http_server_destroy(&server, 10000);
    assert_true(seconds() - begin < 9);
    pthread_join(thread, NULL);
    assert_true(is_ground(&slow.heard, (size_t)PIECES * PIECE));
    assert_int_equal(atomic_load(&released), atomic_load(&borrowed));
    free(slow.heard.body);
    close(slow.fd);
}

static void stopping_waits_no_longer_than_it_was_told(void **state)
{
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 2);
    int fd = dial(server), idle = dial(server);
    say(fd, "GET /few HTTP/1.1\r\nHost: x\r\n\r\n");
    response heard = hear(fd, false);
    assert_int_equal(heard.status, 200);
    double begin = seconds();
    alto_http_server_destroy(&server, 200);
    double took = seconds() - begin;
    assert_true(took >= 0.19 && took < 5);
    assert_int_equal(atomic_load(&released), atomic_load(&borrowed));
    close(fd);
    close(idle);
}

/* ---- answers that come later ---- */

static const char *const held_requests[] = {"GET /held HTTP/1.1\r\nHost: x\r\n\r\n",
                                            "GET /held?q HTTP/1.1\r\nHost: x\r\n\r\n",
                                            "POST /held HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"};

/* As many requests of each kind as there are rounds, all of them held. */
static size_t say_held(const alto_http_server *server, int *fds, size_t rounds)
{
    atomic_store(&there, false);
    atomic_store(&holding, 0);
    atomic_store(&given_back, 0);
    size_t count = rounds * countof(held_requests);
    for (size_t i = 0; i < count; i++) {
        fds[i] = dial(server);
        say(fds[i], held_requests[i % countof(held_requests)]);
    }
    for (int i = 0; i < 500 && atomic_load(&holding) < (long)count; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&holding), count);
    return count;
}

static void held_requests_are_answered_when_woken(void **state)
{
    (void)state;
    int fds[60];
    alto_http_server *server = serve("127.0.0.1:0", 3);
    size_t count = say_held(server, fds, 20);
    response other = get(server, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"); /* nobody else waits */
    assert_true(is_ground(&other, 700));
    free(other.body);
    alto_http_server_wake(server); /* too early: held again */
    for (int i = 0; i < 500 && atomic_load(&holding) < 2 * (long)count; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&holding), 2 * count);
    for (size_t i = 0; i < count; i++)
        assert_true(i % 20 || quiet(fds[i]));
    atomic_store(&there, true);
    alto_http_server_wake(server);
    for (size_t i = 0; i < count; i++) {
        response heard = hear(fds[i], true);
        assert_int_equal(heard.status, 200);
        assert_string_equal((const char *)heard.body, "there");
        free(heard.body);
        say(fds[i], "GET /small?again HTTP/1.1\r\nHost: x\r\n\r\n"); /* the connection goes on */
        heard = hear(fds[i], true);
        assert_true(is_ground(&heard, 700));
        free(heard.body);
        close(fds[i]);
    }
    wait_for_releases();
    finish(server);
    assert_int_equal(atomic_load(&given_back), atomic_load(&holding));
}

/* ---- time ---- */

/* What a client sends first, then byte by byte for ever, and for how long the server bears it: 200 ms, and until it looks. */
static const struct {
    const char *label, *first, *drip;
    bool ends;
} slow[] = {
    {"half a head", "GET /small?x HTTP/1.1\r\nHost: x\r\nX: ", "x", true},
    {"half a body", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", "x", true},
    {"half a next head", "GET /small?x HTTP/1.1\r\nHost: x\r\n\r\nGET /small?", "x", true},
    {"nothing more", "GET /small?x HTTP/1.1\r\nHost: x\r\n\r\n", "", true},
    {"nothing more, plain", "GET /small HTTP/1.1\r\nHost: x\r\n\r\n", "", true},
    {"nothing", "", "", true},
    {"requests", "", "GET /small?x HTTP/1.1\r\nHost: x\r\n\r\n", false},
    {"plain requests", "", "GET /small HTTP/1.1\r\nHost: x\r\n\r\n", false},
    {"waiting for an answer", "GET /held?x HTTP/1.1\r\nHost: x\r\n\r\n", "", false},
};

/* Reads what there is. */
static bool has_ended(int fd)
{
    char bytes[4096];
    ssize_t size;
    while ((size = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        ;
    return size == 0 || (errno != EAGAIN && errno != EINTR);
}

static void nobody_keeps_the_server_waiting(void **state)
{
    (void)state;
    const alto_http_options options = {
        .address = "127.0.0.1:0", .threads = 2, .times = {.first_ms = 200, .idle_ms = 200, .body_ms = 200}};
    alto_http_server *server = NULL;
    alto_error error;
    int fds[countof(slow)];
    bool ended[countof(slow)] = {false};
    assert_int_equal(alto_http_server_new(&options, answer_request, NULL, &server, &error), ALTO_OK);
    atomic_store(&there, false);
    for (size_t i = 0; i < countof(slow); i++)
        say(fds[i] = dial(server), slow[i].first);
    double said = seconds(), pause = 0;
    for (int turn = 0; turn < 40; turn++) { /* 2 s: ten times as long as somebody may be silent */
        double now = seconds();
        pause = now - said > pause ? now - said : pause;
        said = now;
        for (size_t i = 0; i < countof(slow); i++) {
            ended[i] = ended[i] || has_ended(fds[i]);
            if (!ended[i])
                send(fds[i], slow[i].drip, strlen(slow[i].drip), MSG_NOSIGNAL);
        }
        usleep(50000);
    }
    for (size_t i = 0; i < countof(slow); i++) {
        print_message("  case: %s\n", slow[i].label);
        if (pause < 0.1 || slow[i].ends) /* else we were silent, on a machine that is busy with something else */
            assert_int_equal(ended[i], slow[i].ends);
        close(fds[i]);
    }
    wait_for_releases();
    finish(server);
}

/* Woken before the handler's answer was taken: nobody is forgotten. */
static void a_wake_is_never_missed(void **state)
{
    (void)state;
    alto_http_server *server = serve("127.0.0.1:0", 2);
    for (int round = 0; round < 200; round++) {
        atomic_store(&there, false);
        int fd = dial(server);
        long before = atomic_load(&holding);
        say(fd, held_requests[round % 3]);
        for (int i = 0; i < 100000 && atomic_load(&holding) == before && round % 2; i++)
            sched_yield();
        atomic_store(&there, true);
        alto_http_server_wake(server);
        response heard = hear(fd, true);
        assert_int_equal(heard.status, 200);
        free(heard.body);
        close(fd);
    }
    finish(server);
}

static void who_goes_away_while_held_is_forgotten(void **state)
{
    (void)state;
    int fds[9];
    alto_http_server *server = serve("127.0.0.1:0", 2);
    size_t count = say_held(server, fds, 3);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    atomic_store(&there, true);
    alto_http_server_wake(server);
    for (int i = 0; i < 500 && atomic_load(&given_back) < (long)count; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&given_back), count);
    finish(server);
}

static void stopping_refuses_those_who_are_held(void **state)
{
    (void)state;
    int fds[9];
    alto_http_server *server = serve("127.0.0.1:0", 2);
    size_t count = say_held(server, fds, 3);
    double begin = seconds();
    alto_http_server_destroy(&server, 10000);
    assert_true(seconds() - begin < 9);
    for (size_t i = 0; i < count; i++) {
        response heard = hear(fds[i], true);
        assert_int_equal(heard.status, 503);
        free(heard.body);
        close(fds[i]);
    }
    assert_int_equal(atomic_load(&given_back), count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_arrives_whole_however_many_pieces_it_has),
        cmocka_unit_test(one_connection_carries_many_requests),
        cmocka_unit_test(a_304_of_unknown_size_claims_none),
        cmocka_unit_test(the_handler_sees_the_request_as_it_was_sent),
        cmocka_unit_test(bad_requests_are_refused_and_the_connection_closed),
        cmocka_unit_test(the_body_of_a_post_reaches_the_handler),
        cmocka_unit_test(a_body_is_taken_up_to_a_limit),
        cmocka_unit_test(an_endless_chunked_body_ends_the_connection),
        cmocka_unit_test(a_client_that_goes_away_releases_its_answer),
        cmocka_unit_test(a_port_in_use_is_refused_in_words),
        cmocka_unit_test(a_port_is_free_again_at_once),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(it_listens_on_ipv6_too),
        cmocka_unit_test(many_clients_are_served_at_once),
        cmocka_unit_test(stopping_lets_an_answer_under_way_finish),
        cmocka_unit_test(stopping_waits_no_longer_than_it_was_told),
        cmocka_unit_test(held_requests_are_answered_when_woken),
        cmocka_unit_test(nobody_keeps_the_server_waiting),
        cmocka_unit_test(a_wake_is_never_missed),
        cmocka_unit_test(who_goes_away_while_held_is_forgotten),
        cmocka_unit_test(stopping_refuses_those_who_are_held),
    };
    return cmocka_run_group_tests(tests, fill_ground, free_ground);
}
