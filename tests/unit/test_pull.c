/* SPDX-License-Identifier: Apache-2.0 */
#include "io/pull.h"

#include "cmocka_all.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a server that answers by path ---- */

static int listener = -1;
static char base[64]; /* "http://127.0.0.1:PORT" */
static atomic_int connections, open_now, most_open;
static pthread_mutex_t request_lock = PTHREAD_MUTEX_INITIALIZER;
static char last_request[2048];

static void say(int fd, const char *text)
{
    send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static const char *const canned[][2] = {
    {"/hello", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
    {"/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"/chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"},
    {"/missing",
     "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"},
    {"/gone", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"},
    {"/busy", "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"},
    {"/many", "HTTP/1.1 429 Too Many\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n"},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n"},
    {"/error", "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n"},
    {"/partial", "HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\nab"},
    {"/held", "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n"},
    {"/tagged", "HTTP/1.1 200 OK\r\nContent-Type: a/b; c=d\r\nETag: W/\"e\"\r\nLast-Modified: yesterday\r\nAge: 7\r\n"
                "Cache-Control: x=\"private, no-store\" ,max-age=50\r\nCache-Control: s-maxage=\"30\", max-age=90\r\n"
                "Content-Length: 0\r\n\r\n"},
    {"/secret",
     "HTTP/1.1 200 OK\r\nCache-Control:Private=\"x\",NO-STORE,no-cache,max-age=x\r\nContent-Length: 0\r\n\r\n"},
    {"/stale", "HTTP/1.1 200 OK\r\nAge: 99\r\nCache-Control: max-age=98\r\nContent-Length: 0\r\n\r\n"},
    {"/round", "HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n"},
    {"/beside", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/hello\r\nContent-Length: 0\r\n\r\n"},
    {"/away", "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"},
    {"/explained", "HTTP/1.1 400 Bad\r\nContent-Type: x/y\r\nContent-Length: 3\r\n\r\nwhy"},
    {"/login", "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 4\r\n\r\nwho?"},
    {"/hangs", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"}, /* and no more */
};

/* Those end the connection. */
static const char *const broken[][2] = {
    {"/short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
    {"/claims", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nhello"},
    {"/noise", "\x16\x03\x01 this is not HTTP\r\n\r\n"},
    {"/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"},
    {"/nothing", ""},
};

static bool answer(int fd, const char *path)
{
    for (size_t i = 0; i < countof(canned); i++)
        if (strcmp(path, canned[i][0]) == 0) {
            say(fd, canned[i][1]);
            return true;
        }
    for (size_t i = 0; i < countof(broken); i++)
        if (strcmp(path, broken[i][0]) == 0)
            say(fd, broken[i][1]);
    if (strcmp(path, "/endless") == 0 || strcmp(path, "/endless-error") == 0) {
        static char filler[4096];
        memset(filler, 'x', sizeof filler);
        say(fd, strcmp(path, "/endless") == 0 ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 404 No\r\n\r\n");
        while (send(fd, filler, sizeof filler, MSG_NOSIGNAL) > 0)
            ;
    }
    if (strcmp(path, "/slow") == 0) {
        usleep(100000);
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
        return true;
    }
    return false;
}

/* A body is announced by its length. */
static bool whole_request(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");
    return end && (!length || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void *serve(void *context)
{
    int fd = (int)(intptr_t)context;
    char request[2048], path[256];
    for (;;) {
        size_t size = 0;
        request[0] = 0;
        while (!whole_request(request)) {
            ssize_t got = recv(fd, request + size, sizeof request - 1 - size, 0);
            if (got <= 0)
                goto done;
            size += (size_t)got;
            request[size] = 0;
        }
        pthread_mutex_lock(&request_lock);
        memcpy(last_request, request, size + 1);
        pthread_mutex_unlock(&request_lock);
        if (sscanf(request, "%*s %255s HTTP/1.1", path) != 1 || !answer(fd, path))
            goto done;
    }
done:
    atomic_fetch_sub(&open_now, 1);
    close(fd);
    return NULL;
}

static void *accept_all(void *context)
{
    (void)context;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&connections, 1);
        int now = atomic_fetch_add(&open_now, 1) + 1;
        if (now > atomic_load(&most_open))
            atomic_store(&most_open, now);
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
    }
}

static pthread_t acceptor;

static int start_server(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        return -1;
    snprintf(base, sizeof base, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return pthread_create(&acceptor, NULL, accept_all, NULL);
}

static int stop_server(void **state)
{
    (void)state;
    shutdown(listener, SHUT_RDWR);
    pthread_join(acceptor, NULL);
    close(listener);
    return 0;
}

/* ---- the client ---- */

static alto_loop *loop;
static alto_puller *puller;

static int setup(void **state)
{
    (void)state;
    while (atomic_load(&open_now) > 0) /* the server has not seen yet that the client of the last test is gone */
        usleep(1000);
    atomic_store(&connections, 0);
    atomic_store(&most_open, 0);
    loop = alto_loop_new();
    puller = alto_puller_new(loop);
    return puller ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    alto_puller_destroy(&puller);
    alto_loop_destroy(&loop);
    return 0;
}

typedef struct {
    int calls;
    alto_pull_result result; /* body is not kept */
    char body[64], why[128];
    size_t body_size, streamed, pieces;
    alto_status refuse; /* what the data function answers */
    alto_pull *pull;
    bool cancel_in_data, get_in_data;
    int *finished; /* counts */
} outcome;

static void on_done(void *context, const alto_pull_result *result)
{
    outcome *self = context;
    self->calls++;
    self->result = *result;
    self->body_size = result->body.size;
    memcpy(self->body, result->body.data ? result->body.data : (const uint8_t *)"",
           result->body.size < 63 ? result->body.size : 63);
    snprintf(self->why, sizeof self->why, "%s", result->why);
    if (self->finished)
        ++*self->finished;
}

static outcome second; /* of a pull made inside of a callback */

static alto_status on_data(void *context, alto_slice bytes)
{
    outcome *self = context;
    self->streamed += bytes.size;
    self->pieces++;
    if (self->get_in_data && self->pieces == 1) {
        char url[128];
        snprintf(url, sizeof url, "%s/hello", base);
        second.pull = alto_pull_get(puller, url, 100, false, NULL, on_done, &second);
        assert_non_null(second.pull);
    }
    if (self->cancel_in_data)
        alto_pull_cancel(self->pull);
    return self->refuse;
}

static void get(outcome *out, const char *path, size_t max_size, alto_pull_data_fn *data)
{
    char url[256];
    snprintf(url, sizeof url, "%s%s", base, path);
    out->pull = alto_pull_get(puller, url, max_size, false, data, on_done, out);
    assert_non_null(out->pull);
    assert_int_equal(out->calls, 0);
}

static bool asked(const char *part)
{
    pthread_mutex_lock(&request_lock);
    bool found = strstr(last_request, part) != NULL;
    pthread_mutex_unlock(&request_lock);
    return found;
}

static void wait_for(const int *calls, int wanted)
{
    uint64_t end = alto_monotonic_ms() + 10000;
    while (*calls < wanted && alto_monotonic_ms() < end)
        alto_loop_step(loop, 50);
    assert_int_equal(*calls, wanted);
}

static void every_answer_has_its_status(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t max_size;
        alto_status status;
        long http_status;
        uint64_t retry_after_s;
        const char *body;
    } cases[] = {
        {"/hello", 100, ALTO_OK, 200, 0, "hello"},
        {"/hello", 5, ALTO_OK, 200, 0, "hello"},
        {"/hello", 4, ALTO_TOO_LARGE, 200, 0, ""},
        {"/empty", 0, ALTO_OK, 200, 0, ""},
        {"/chunked", 7, ALTO_OK, 200, 0, "abcdefg"},
        {"/chunked", 6, ALTO_TOO_LARGE, 200, 0, ""},
        {"/missing", 10, ALTO_NOT_FOUND, 404, 0, ""},
        {"/gone", 10, ALTO_NOT_FOUND, 410, 0, ""},
        {"/busy", 10, ALTO_BUSY, 503, 7, ""},
        {"/many", 10, ALTO_BUSY, 429, 9, ""},
        {"/moved", 100, ALTO_IO, 302, 0, ""},
        {"/error", 100, ALTO_IO, 500, 0, ""},
        {"/partial", 100, ALTO_IO, 206, 0, ""},
        {"/short", 100, ALTO_IO, 200, 0, ""},
        {"/claims", 100, ALTO_TOO_LARGE, 200, 0, ""},
        {"/cut-chunk", 1000, ALTO_IO, 200, 0, ""},
        {"/noise", 100, ALTO_IO, 0, 0, ""},
        {"/nothing", 100, ALTO_IO, 0, 0, ""},
        {"/endless", 100000, ALTO_TOO_LARGE, 200, 0, ""},
        {"/endless-error", 100, ALTO_NOT_FOUND, 404, 0, ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].path);
        outcome got = {0};
        get(&got, cases[i].path, cases[i].max_size, NULL);
        wait_for(&got.calls, 1);
        assert_int_equal(got.result.status, cases[i].status);
        assert_int_equal(got.result.http_status, cases[i].http_status);
        assert_int_equal(got.result.retry_after_s, cases[i].retry_after_s);
        assert_string_equal(got.body, cases[i].body);
        assert_int_equal(got.body_size, strlen(cases[i].body));
        assert_int_equal(got.why[0] == 0, cases[i].status == ALTO_OK);
    }
}

static void a_dead_port_is_told_soon(void **state)
{
    (void)state;
    outcome got = {0};
    assert_non_null(alto_pull_get(puller, "http://127.0.0.1:1/x", 10, false, NULL, on_done, &got));
    wait_for(&got.calls, 1);
    assert_int_equal(got.result.status, ALTO_IO);
    assert_int_equal(got.result.http_status, 0);
    assert_true(got.why[0]);
}

static void one_that_does_not_go_on_is_given_up(void **state)
{
    (void)state;
    outcome got = {0};
    char url[256];
    snprintf(url, sizeof url, "%s/hangs", base);
    got.pull =
        alto_pull_start(puller, &(alto_pull_request){.url = url, .max_size = 100, .silence_s = 1}, NULL, on_done, &got);
    assert_non_null(got.pull);
    assert_int_equal(alto_pull_received(got.pull), 0);
    uint64_t end = alto_monotonic_ms() + 10000;
    while (alto_pull_received(got.pull) < 5 && got.calls == 0 && alto_monotonic_ms() < end)
        alto_loop_step(loop, 50);
    assert_int_equal(got.calls, 0);
    wait_for(&got.calls, 1);
    assert_int_equal(got.result.status, ALTO_IO);
}

static void what_is_not_http_is_no_url(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "x",
                                       "ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "http://",
                                       "http:///x",
                                       "//127.0.0.1/x",
                                       "http://a b/",
                                       "http://[::1",
                                       "http://:80/",
                                       "http://h/a b",
                                       "http://h:99999/"};
    outcome got = {0};
    for (size_t i = 0; i < countof(urls); i++) {
        print_message("  case: %s\n", urls[i]);
        assert_null(alto_pull_get(puller, urls[i], 10, false, NULL, on_done, &got));
    }
    assert_int_equal(got.calls, 0);
}

static void a_connection_is_used_again_and_caches_are_asked_only_on_demand(void **state)
{
    (void)state;
    char url[128];
    snprintf(url, sizeof url, "%s/hello", base);
    for (int i = 0; i < 5; i++) {
        outcome got = {0};
        assert_non_null(alto_pull_get(puller, url, 100, i == 4, NULL, on_done, &got));
        wait_for(&got.calls, 1);
        assert_int_equal(got.result.status, ALTO_OK);
        pthread_mutex_lock(&request_lock);
        assert_int_equal(strstr(last_request, "Cache-Control: no-cache\r\n") != NULL, i == 4);
        assert_non_null(strstr(last_request, "User-Agent: altocast/"));
        assert_null(strstr(last_request, "Accept-Encoding"));
        pthread_mutex_unlock(&request_lock);
    }
    assert_int_equal(atomic_load(&connections), 1);
}

static void a_body_can_be_streamed_and_refused(void **state)
{
    (void)state;
    outcome got = {0};
    get(&got, "/chunked", 7, on_data);
    wait_for(&got.calls, 1);
    assert_int_equal(got.result.status, ALTO_OK);
    assert_int_equal(got.streamed, 7);
    assert_int_equal(got.body_size, 0);
    outcome refused = {.refuse = ALTO_MALFORMED};
    get(&refused, "/endless", 1 << 20, on_data);
    wait_for(&refused.calls, 1);
    assert_int_equal(refused.result.status, ALTO_MALFORMED);
    assert_int_equal(refused.pieces, 1);
    outcome missing = {0};
    get(&missing, "/missing", 1000, on_data);
    wait_for(&missing.calls, 1);
    assert_int_equal(missing.streamed, 0);
}

static void many_requests_share_a_few_connections(void **state)
{
    (void)state;
    enum { COUNT = 24 };
    static outcome got[COUNT];
    memset(got, 0, sizeof got);
    int finished = 0;
    for (size_t i = 0; i < COUNT; i++) {
        got[i].finished = &finished;
        get(&got[i], "/slow", 10, NULL);
    }
    wait_for(&finished, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(got[i].result.status, ALTO_OK);
    /* Eight at most, and some whose end the server has not seen yet. */
    assert_in_range(atomic_load(&most_open), 2, COUNT / 2);
}

/* Send it to the end; `url` of the request is a path. */
static outcome perform(alto_pull_request request)
{
    char url[256];
    outcome got = {0};
    snprintf(url, sizeof url, "%s%s", base, request.url);
    request.url = url;
    request.max_size = request.max_size ? request.max_size : 100;
    assert_non_null(alto_pull_start(puller, &request, NULL, on_done, &got));
    wait_for(&got.calls, 1);
    return got;
}

static void a_request_says_what_it_was_told(void **state)
{
    (void)state;
    static const char *const more[] = {"X-One: 1", "X-Two: 2"};
    outcome got = perform((alto_pull_request){.url = "/hello",
                                              .method = "POST",
                                              .body = alto_slice_text("{\"a\":1}"),
                                              .content_type = "x/json",
                                              .accept = "y/json, z/json",
                                              .header = more,
                                              .header_count = countof(more),
                                              .if_none_match = "\"e\"",
                                              .if_modified_since = "yesterday"});
    assert_int_equal(got.result.status, ALTO_OK);
    static const char *const parts[] = {"POST /hello HTTP/1.1\r\n",
                                        "\r\nContent-Type: x/json\r\n",
                                        "\r\nAccept: y/json, z/json\r\n",
                                        "\r\nX-One: 1\r\n",
                                        "\r\nX-Two: 2\r\n",
                                        "\r\nIf-None-Match: \"e\"\r\n",
                                        "\r\nIf-Modified-Since: yesterday\r\n",
                                        "\r\n\r\n{\"a\":1}"};
    for (size_t i = 0; i < countof(parts); i++) {
        print_message("  case: %s\n", parts[i]);
        assert_true(asked(parts[i]));
    }
    assert_false(asked("Expect"));
    assert_int_equal(perform((alto_pull_request){.url = "/held", .method = "HEAD"}).result.status, ALTO_KNOWN);
    assert_true(asked("HEAD /held HTTP/1.1\r\n"));
    assert_false(asked("If-None-Match"));
    assert_null(alto_pull_start(puller, &(alto_pull_request){.url = base, .method = "BREW"}, NULL, on_done, &got));
}

static void redirects_are_followed_where_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        unsigned max_redirects;
        alto_status status;
        long http_status;
        const char *body;
    } cases[] = {{"/moved", 1, ALTO_OK, 200, "hello"},
                 {"/moved", 0, ALTO_IO, 302, ""},
                 {"/round", 5, ALTO_IO, 302, ""},
                 {"/away", 5, ALTO_IO, 302, ""},
                 {"/beside", 5, ALTO_IO, 302, ""}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s %u\n", cases[i].path, cases[i].max_redirects);
        outcome got = perform((alto_pull_request){.url = cases[i].path, .max_redirects = cases[i].max_redirects});
        assert_int_equal(got.result.status, cases[i].status);
        assert_int_equal(got.result.http_status, cases[i].http_status);
        assert_string_equal(got.body, cases[i].body);
    }
}

static void credentials_are_sent_when_asked_for(void **state)
{
    (void)state;
    outcome got = perform((alto_pull_request){.url = "/hello", .credentials = "me:secret"});
    assert_int_equal(got.result.status, ALTO_OK);
    assert_false(asked("Authorization"));
    got = perform((alto_pull_request){.url = "/login", .credentials = "me:secret"});
    assert_int_equal(got.result.http_status, 401);
    assert_true(asked("Authorization: Basic bWU6c2VjcmV0\r\n"));
    perform((alto_pull_request){.url = "/login"});
    assert_false(asked("Authorization"));
}

static void the_body_of_a_refusal_can_be_had(void **state)
{
    (void)state;
    outcome got = perform((alto_pull_request){.url = "/explained", .any_body = true});
    assert_int_equal(got.result.status, ALTO_IO);
    assert_int_equal(got.result.http_status, 400);
    assert_string_equal(got.body, "why");
    got = perform((alto_pull_request){.url = "/explained", .any_body = true, .max_size = 2});
    assert_int_equal(got.result.status, ALTO_TOO_LARGE);
    assert_int_equal(perform((alto_pull_request){.url = "/explained"}).body_size, 0);
}

static alto_pull_headers seen; /* texts are not kept */
static char seen_type[32], seen_etag[32], seen_modified[32], seen_url[64];

static void on_headers(void *context, const alto_pull_result *result)
{
    seen = result->headers;
    snprintf(seen_type, sizeof seen_type, "%s", seen.content_type);
    snprintf(seen_etag, sizeof seen_etag, "%s", seen.etag);
    snprintf(seen_modified, sizeof seen_modified, "%s", seen.last_modified);
    snprintf(seen_url, sizeof seen_url, "%s", seen.url + strlen(base));
    ++*(int *)context;
}

static void look_at(const char *path)
{
    char url[128];
    int calls = 0;
    snprintf(url, sizeof url, "%s%s", base, path);
    alto_pull_request request = {.url = url, .max_size = 100, .max_redirects = 1};
    assert_non_null(alto_pull_start(puller, &request, NULL, on_headers, &calls));
    wait_for(&calls, 1);
}

static void an_answer_tells_how_long_it_is_good_and_for_whom(void **state)
{
    (void)state;
    look_at("/tagged");
    assert_string_equal(seen_type, "a/b; c=d");
    assert_string_equal(seen_etag, "W/\"e\"");
    assert_string_equal(seen_modified, "yesterday");
    assert_true(seen.caching.has_max_age && !seen.caching.is_private && !seen.caching.no_store);
    assert_false(seen.caching.no_cache);
    assert_int_equal(seen.caching.max_age_s - seen.caching.age_s, 23);
    look_at("/secret");
    assert_true(seen.caching.is_private && seen.caching.no_store && seen.caching.no_cache);
    assert_false(seen.caching.has_max_age);
    look_at("/stale");
    assert_true(seen.caching.has_max_age);
    assert_true(seen.caching.max_age_s < seen.caching.age_s);
    look_at("/moved");
    assert_string_equal(seen_url, "/hello");
    assert_string_equal(seen_etag, "");
    assert_false(seen.caching.has_max_age);
}

static void references_are_resolved(void **state)
{
    (void)state;
    static const struct {
        const char *base, *reference, *url; /* NULL: refused */
    } cases[] = {{"http://h/a/b", "c", "http://h/a/c"},
                 {"http://h/a/b?q", "../c?r#f", "http://h/c?r"},
                 {"https://h:8443/a/", "/c", "https://h:8443/c"},
                 {"https://h/a", "//g/c", "https://g/c"},
                 {"http://h/a", "https://g:1/c", "https://g:1/c"},
                 {"http://h/a/b?q", "?r", "http://h/a/b?r"},
                 {"http://h/a/b?q", "#f", "http://h/a/b?q"},
                 {"http://h/a/b?q#f", "", "http://h/a/b?q"},
                 {"http://h/a", "ftp://g/c", NULL},
                 {"http://h/a", "file:///etc/passwd", NULL},
                 {"h/a", "http://h/a", NULL},
                 {"http://h/a", "a-reference-for-which-there-is-no-room-at-all", NULL}};
    char url[32];
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s %s\n", cases[i].base, cases[i].reference);
        assert_int_equal(alto_url_resolve(cases[i].base, cases[i].reference, url, sizeof url), cases[i].url != NULL);
        if (cases[i].url)
            assert_string_equal(url, cases[i].url);
    }
}

static void a_server_is_scheme_host_and_port(void **state)
{
    (void)state;
    assert_true(alto_url_same_server("http://h/a", "http://u:p@H:80/b?q#f"));
    assert_true(alto_url_same_server("https://h:443", "https://h/x"));
    assert_false(alto_url_same_server("http://h/a", "https://h/a"));
    assert_false(alto_url_same_server("http://h/a", "http://h:81/a"));
    assert_false(alto_url_same_server("http://h/a", "http://i/a"));
    assert_false(alto_url_same_server("", ""));
}

static void a_cancelled_pull_calls_nobody(void **state)
{
    (void)state;
    outcome at_once = {0}, later = {0}, in_data = {.cancel_in_data = true}, kept = {0};
    get(&at_once, "/hello", 10, NULL);
    alto_pull_cancel(at_once.pull);
    get(&later, "/slow", 10, NULL);
    for (int i = 0; i < 5; i++)
        alto_loop_step(loop, 5);
    alto_pull_cancel(later.pull);
    get(&in_data, "/endless", 1 << 20, on_data);
    get(&kept, "/slow", 10, NULL);
    wait_for(&kept.calls, 1);
    for (int i = 0; i < 5; i++)
        alto_loop_step(loop, 5);
    assert_int_equal(at_once.calls + later.calls + in_data.calls, 0);
    assert_int_equal(in_data.pieces, 1);
}

static void a_pull_may_be_made_inside_of_a_callback(void **state)
{
    (void)state;
    second = (outcome){0};
    outcome first = {.get_in_data = true};
    get(&first, "/hello", 10, on_data);
    wait_for(&second.calls, 1);
    assert_int_equal(first.result.status, ALTO_OK);
    assert_int_equal(second.result.status, ALTO_OK);
    assert_string_equal(second.body, "hello");
}

static void destroying_the_puller_ends_everything_silently(void **state)
{
    (void)state;
    outcome waiting = {0}, under_way = {0};
    get(&under_way, "/slow", 10, NULL);
    for (int i = 0; i < 5; i++)
        alto_loop_step(loop, 5);
    get(&waiting, "/hello", 10, NULL);
    alto_puller_destroy(&puller);
    for (int i = 0; i < 3; i++)
        alto_loop_step(loop, 5);
    assert_int_equal(waiting.calls + under_way.calls, 0);
}

static void an_outer_poll_sees_all_there_is_to_do(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        outcome got = {0};
        get(&got, i % 2 ? "/hello" : "/slow", 10, NULL);
        while (got.calls == 0) {
            struct pollfd outer = {.fd = alto_loop_fd(loop), .events = POLLIN};
            assert_int_equal(poll(&outer, 1, 5000), 1);
            alto_loop_step(loop, 0);
        }
    }
}

static void hosts_are_found_in_urls_and_endpoints(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host; /* NULL: none */
    } cases[] = {
        {"http://Example.net/x", "example.net"},
        {"https://example.net:8443", "example.net"},
        {"http://user:pass@example.net:80/", "example.net"},
        {"tcp://127.0.0.1:5670", "127.0.0.1"},
        {"tcp://[2001:DB8::1]:5670", "2001:db8::1"},
        {"http://[fe80::1%25eth0]/", NULL},
        {"http://h?x", "h"},
        {"http://h#x@y", "h"},
        {"http://good.net@evil.net/", "evil.net"},
        {"http://evil.net\\@good.net/", "good.net"},
        {"tcp://10.0.0.1;10.0.0.2:5670", NULL},
        {"tcp://*:5670", NULL},
        {"http://", NULL},
        {"http://:80", NULL},
        {"http://[::1", NULL},
        {"http://[::1]x", NULL},
        {"http://a b", NULL},
        {"example.net", NULL},
        {"://h", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char host[64];
        print_message("  case: %s\n", cases[i].url);
        assert_int_equal(alto_url_host(cases[i].url, host, sizeof host), cases[i].host != NULL);
        if (cases[i].host)
            assert_string_equal(host, cases[i].host);
    }
    char small[4];
    assert_false(alto_url_host("http://four/", small, sizeof small));
    assert_true(alto_url_host("http://abc/", small, sizeof small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_answer_has_its_status, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_port_is_told_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_does_not_go_on_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_http_is_no_url, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_is_used_again_and_caches_are_asked_only_on_demand, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_body_can_be_streamed_and_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(many_requests_share_a_few_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_says_what_it_was_told, setup, teardown),
        cmocka_unit_test_setup_teardown(redirects_are_followed_where_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(credentials_are_sent_when_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(the_body_of_a_refusal_can_be_had, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_tells_how_long_it_is_good_and_for_whom, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_pull_calls_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pull_may_be_made_inside_of_a_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(destroying_the_puller_ends_everything_silently, setup, teardown),
        cmocka_unit_test_setup_teardown(an_outer_poll_sees_all_there_is_to_do, setup, teardown),
        cmocka_unit_test(references_are_resolved),
        cmocka_unit_test(a_server_is_scheme_host_and_port),
        cmocka_unit_test(hosts_are_found_in_urls_and_endpoints),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
