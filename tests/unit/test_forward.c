/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to an ALTO server: one for all who ask the same, kept as HTTP allows, and what becomes of those that fail. */
#include "cmocka_all.h"
#include "io/forward.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_S = 1, LIMIT = 256, KEPT = 1024, DEADLINE_MS = 20000 };

/* ---- the ALTO server ---- */

/* What it answers, and what it was asked last. */
static struct {
    pthread_mutex_t lock;
    bool shut; /* requests wait */
    unsigned status, asked, answered;
    const char *control, *name, *value; /* Cache-Control, and one header more; NULL: none */
    bool numbered;                      /* the body is the number of the request, else the path */
    char accept[100], codings[100], authorization[100], if_none_match[100], body[100];
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(char *to, size_t room, const char *text)
{
    snprintf(to, room, "%s", text ? text : "");
}

static void note_request(const alto_http_request *request)
{
    server.asked++;
    note(server.accept, sizeof server.accept, request->accept);
    note(server.codings, sizeof server.codings, request->accept_encoding);
    note(server.authorization, sizeof server.authorization, request->authorization);
    note(server.if_none_match, sizeof server.if_none_match, request->if_none_match);
    snprintf(server.body, sizeof server.body, "%.*s", (int)request->body.size, (const char *)request->body.data);
}

static void answer_now(const alto_http_request *request, alto_http_answer *answer)
{
    char text[200];
    if (server.numbered)
        snprintf(text, sizeof text, "%u", server.answered);
    else
        snprintf(text, sizeof text, "%s", request->path);
    server.answered++;
    answer->status = server.status;
    alto_http_header(answer, "Content-Type", "a/b");
    if (server.control)
        alto_http_header(answer, "Cache-Control", "%s", server.control);
    if (server.name)
        alto_http_header(answer, server.name, "%s", server.value);
    if (server.name && strcmp(server.name, "ETag") == 0 && strcmp(server.if_none_match, server.value) == 0)
        answer->status = 304;
    alto_http_body(answer, alto_slice_text(text));
}

static void nothing(void *owner)
{
    (void)owner;
}

static void serve(void *context, const alto_http_request *request, alto_http_answer *answer)
{
    (void)context;
    pthread_mutex_lock(&server.lock);
    if (!request->awaited)
        note_request(request);
    if (server.shut && request->can_hold) {
        answer->later = true;
        answer->owner = &server;
        answer->release = nothing;
    } else {
        answer_now(request, answer);
    }
    pthread_mutex_unlock(&server.lock);
}

static void says(const char *control, const char *name, const char *value)
{
    pthread_mutex_lock(&server.lock);
    server.control = control;
    server.name = name;
    server.value = value;
    pthread_mutex_unlock(&server.lock);
}

static unsigned asked(void)
{
    pthread_mutex_lock(&server.lock);
    unsigned count = server.asked;
    pthread_mutex_unlock(&server.lock);
    return count;
}

/* ---- the fixture ---- */

typedef struct {
    alto_loop *loop;
    alto_http_server *http;
    alto_login *login; /* nobody's */
    alto_forward *forward;
    char base[100];
} fixture;

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    alto_error error;
    *state = self;
    server.status = 200;
    server.asked = 0;
    server.numbered = server.shut = false;
    says(NULL, NULL, NULL);
    self->loop = alto_loop_new();
    const alto_http_options http = {.address = "127.0.0.1:0", .threads = 4};
    if (alto_http_server_new(&http, serve, NULL, &self->http, &error) != ALTO_OK)
        return -1;
    snprintf(self->base, sizeof self->base, "http://%s", alto_http_server_address(self->http));
    if (alto_login_new(self->base, &(alto_login_files){.credentials = NULL}, &self->login, &error) != ALTO_OK)
        return -1;
    const alto_forward_options options = {.server = self->base, .patience_s = PATIENCE_S, .login = self->login};
    return alto_forward_new(self->loop, &options, &self->forward, &error) == ALTO_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    alto_forward_destroy(&self->forward);
    alto_login_destroy(&self->login);
    alto_http_server_destroy(&self->http, 0);
    alto_loop_destroy(&self->loop);
    free(self);
    return 0;
}

static void shut(fixture *self, bool wanted)
{
    pthread_mutex_lock(&server.lock);
    server.shut = wanted;
    pthread_mutex_unlock(&server.lock);
    alto_http_server_wake(self->http);
}

/* ---- clients ---- */

typedef struct {
    alto_http_request request;
    alto_forward_ask ask;
    char url[200];
    alto_http_answer answer;
    alto_http_held held;
    char body[200];
} client;

static void take(client *self)
{
    self->body[0] = 0;
    if (self->answer.piece_count) {
        alto_slice piece = self->answer.piece(self->answer.owner, 0);
        snprintf(self->body, sizeof self->body, "%.*s", (int)piece.size, (const char *)piece.data);
    }
    alto_http_answer_release(&self->answer);
}

/* Put the request, as the HTTP server would; true: it is answered. */
static bool put(fixture *self, client *of)
{
    of->request.awaited = of->held.owner;
    alto_http_answer_init(&of->answer, 500);
    alto_forward_answer(self->forward, &of->ask, &of->request, &of->answer);
    alto_http_held before = of->held;
    of->held = (alto_http_held){.owner = NULL};
    bool done = !of->answer.later;
    if (done)
        take(of);
    else
        of->held = alto_http_held_take(&of->answer);
    alto_http_held_release(&before);
    return done;
}

static bool begin(fixture *self, client *of, const char *path)
{
    snprintf(of->url, sizeof of->url, "%s%s", self->base, path);
    of->ask.url = of->url;
    of->ask.body = of->request.body;
    if (!of->request.method)
        of->request.method = "GET";
    of->request.path = path;
    of->request.can_hold = true;
    return put(self, of);
}

static void wait_for(fixture *self, client *of)
{
    uint64_t end = alto_monotonic_ms() + DEADLINE_MS;
    while (of->held.owner && !put(self, of) && alto_monotonic_ms() < end)
        alto_loop_step(self->loop, 20);
    assert_null(of->held.owner);
}

/* The whole way; the status. */
static unsigned fetch(fixture *self, client *of, const char *path)
{
    if (!begin(self, of, path))
        wait_for(self, of);
    return of->answer.status;
}

static const char *header(const client *of, const char *name)
{
    for (size_t i = 0; i < of->answer.header_count; i++)
        if (strcmp(of->answer.headers[i].name, name) == 0)
            return of->answer.headers[i].value;
    return "";
}

/* Until so many requests have come to the ALTO server. */
static void wait_until_asked(fixture *self, unsigned count)
{
    uint64_t end = alto_monotonic_ms() + DEADLINE_MS;
    while (asked() < count && alto_monotonic_ms() < end)
        alto_loop_step(self->loop, 20);
    assert_int_equal(asked(), count);
}

/* ---- tests ---- */

static void equal_questions_under_way_are_one(void **state)
{
    fixture *self = *state;
    client get[3] = {{.ask = {.url = NULL}}}, other = {.ask = {.url = NULL}};
    client post[] = {{.request = {.method = "POST", .content_type = "a/b", .body = alto_slice_text("x")}},
                     {.request = {.method = "POST", .content_type = "a/b", .body = alto_slice_text("x")}},
                     {.request = {.method = "POST", .content_type = "a/b", .body = alto_slice_text("y")}},
                     {.request = {.method = "POST", .content_type = "a/c", .body = alto_slice_text("x")}}};
    shut(self, true);
    for (size_t i = 0; i < countof(get); i++)
        assert_false(begin(self, &get[i], "/same"));
    assert_false(begin(self, &other, "/other"));
    for (size_t i = 0; i < countof(post); i++)
        assert_false(begin(self, &post[i], "/same"));
    wait_until_asked(self, 5);
    shut(self, false);
    for (size_t i = 0; i < countof(get); i++) {
        wait_for(self, &get[i]);
        assert_string_equal(get[i].body, "/same");
    }
    wait_for(self, &other);
    assert_string_equal(other.body, "/other");
    for (size_t i = 0; i < countof(post); i++) {
        wait_for(self, &post[i]);
        assert_string_equal(header(&post[i], "Cache-Control"), "no-store");
    }
    alto_forward_counts counts = alto_forward_count(self->forward);
    assert_int_equal(counts.asked, 5);
    assert_int_equal(counts.joined, 3);
    assert_int_equal(counts.failed + counts.kept, 0);
    assert_int_equal(asked(), 5);
}

/* How often a second question is put to the server, by what it said to the first. */
static void answers_are_kept_as_they_say(void **state)
{
    static const struct {
        const char *control, *name, *value;
        unsigned asked;
        const char *to_clients; /* Cache-Control */
    } cases[] = {
        {"max-age=60", NULL, NULL, 1, "max-age=60"},
        {NULL, "Expires", "Fri, 01 Jan 2100 00:00:00 GMT", 1, NULL},
        {NULL, "Expires", "Thu, 01 Jan 1970 00:00:00 GMT", 2, "no-cache"},
        {"max-age=60", "Vary", "Accept, Cookie", 1, "max-age=60"},
        {"max-age=60", "Vary", "*", 2, "no-store"},
        {"max-age=60", "Age", "60", 2, "max-age=60"},
        {"private, max-age=60", NULL, NULL, 2, "no-store"},
        {"no-store", NULL, NULL, 2, "no-store"},
        {NULL, NULL, NULL, 2, "no-cache"},
    };
    fixture *self = *state;
    for (size_t i = 0; i < countof(cases); i++) {
        client one = {.ask = {.url = NULL}}, two = {.ask = {.url = NULL}};
        char path[20];
        print_message("  case: %s, %s: %s\n", cases[i].control, cases[i].name, cases[i].value);
        snprintf(path, sizeof path, "/%zu", i);
        says(cases[i].control, cases[i].name, cases[i].value);
        unsigned before = asked();
        assert_int_equal(fetch(self, &one, path), 200);
        assert_int_equal(fetch(self, &two, path), 200);
        assert_string_equal(two.body, path);
        assert_int_equal(asked() - before, cases[i].asked);
        if (cases[i].to_clients)
            assert_string_equal(header(&two, "Cache-Control"), cases[i].to_clients);
        assert_int_equal(header(&two, "ETag")[0] == '"', strcmp(header(&two, "Cache-Control"), "no-store") != 0);
    }
}

static void what_is_not_fresh_is_asked_for_by_its_tag(void **state)
{
    fixture *self = *state;
    client one = {.ask = {.url = NULL}}, two = one, three = {.request = {.accept = "a/b"}};
    says("no-cache", "ETag", "\"1\"");
    server.numbered = true;
    assert_int_equal(fetch(self, &one, "/tagged"), 200);
    assert_string_equal(server.if_none_match, "");
    assert_int_equal(fetch(self, &two, "/tagged"), 200);
    assert_string_equal(server.if_none_match, "\"1\"");
    assert_string_equal(two.body, one.body); /* it was 304 */
    assert_string_equal(header(&two, "Content-Type"), "a/b");
    assert_int_equal(fetch(self, &three, "/tagged"), 200); /* another question */
    assert_string_equal(server.if_none_match, "");
    assert_string_not_equal(three.body, one.body);
    two.request.if_none_match = header(&one, "ETag");
    assert_int_equal(fetch(self, &two, "/tagged"), 304);
    says("no-cache", "ETag", "\"2\"");
    two.request.if_none_match = NULL;
    assert_int_equal(fetch(self, &two, "/tagged"), 200);
    assert_string_not_equal(two.body, one.body);
}

static void or_by_its_date(void **state)
{
    static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    fixture *self = *state;
    client one = {.ask = {.url = NULL}}, two = one;
    says("no-cache", "Last-Modified", date);
    assert_int_equal(fetch(self, &one, "/dated"), 200);
    assert_int_equal(alto_forward_count(self->forward).kept, 1);
    server.status = 304; /* as an ALTO server says to If-Modified-Since */
    assert_int_equal(fetch(self, &two, "/dated"), 200);
    assert_string_equal(two.body, one.body);
    assert_int_equal(fetch(self, &one, "/other"), 502);
}

static void what_is_for_one_is_given_to_one(void **state)
{
    fixture *self = *state;
    client clients[3] = {{.ask = {.url = NULL}}};
    says("private, max-age=60", NULL, NULL);
    server.numbered = true;
    shut(self, true);
    for (size_t i = 0; i < countof(clients); i++)
        assert_false(begin(self, &clients[i], "/private"));
    wait_until_asked(self, 1);
    shut(self, false);
    for (size_t i = 0; i < countof(clients); i++)
        wait_for(self, &clients[i]);
    assert_int_equal(asked(), 3);
    for (size_t i = 0; i < countof(clients); i++)
        assert_string_not_equal(clients[i].body, clients[(i + 1) % 3].body);

    client personal[2] = {{.request = {.method = "POST"}, .ask = {.personal = true}},
                          {.request = {.method = "POST"}, .ask = {.personal = true}}};
    says("max-age=60", NULL, NULL);
    for (size_t i = 0; i < countof(personal); i++)
        assert_false(begin(self, &personal[i], "/personal"));
    for (size_t i = 0; i < countof(personal); i++)
        wait_for(self, &personal[i]);
    assert_string_not_equal(personal[0].body, personal[1].body);
}

static void credentials_of_clients_stay_here(void **state)
{
    fixture *self = *state;
    client known = {.request = {.method = "POST", .authorization = "Basic Zm9vOmJhcg==", .content_type = "x/y"}};
    known.request.body = alto_slice_text("question");
    assert_int_equal(fetch(self, &known, "/who"), 200);
    assert_string_equal(server.body, "question");
    assert_string_equal(server.authorization, "");
}

static void a_coding_is_passed_on(void **state)
{
    static const struct {
        const char *accepted, *passed;
    } cases[] = {
        {NULL, "identity"},
        {"br, deflate", "identity"},
        {"gzip;q=0", "identity"},
        {"gzip", "gzip"},
        {"br, gzip;q=0.1", "gzip"},
        {"zstd", "zstd"},
        {"zstd, gzip, br", "gzip, zstd"},
        {"*", "gzip, zstd"},
    };
    fixture *self = *state;
    says("max-age=60", "Content-Encoding", "gzip"); /* not so, but nobody here looks into it */
    for (size_t i = 0; i < countof(cases); i++) {
        client one = {.request = {.accept_encoding = cases[i].accepted}};
        print_message("  case: %s\n", cases[i].accepted ? cases[i].accepted : "(none)");
        assert_int_equal(fetch(self, &one, "/coded"), 200);
        assert_string_equal(server.codings, cases[i].passed);
        assert_string_equal(one.body, "/coded");
        assert_string_equal(header(&one, "Content-Encoding"), "gzip");
        assert_string_equal(header(&one, "Vary"), "Accept, Accept-Encoding");
        server.codings[0] = 0;
        assert_int_equal(fetch(self, &one, "/coded"), 200);
        assert_string_equal(server.codings, ""); /* from what was kept */
        snprintf(server.codings, sizeof server.codings, "%s", cases[i].passed);
    }
    assert_int_equal(alto_forward_count(self->forward).kept, 4);
}

static void what_cannot_be_passed_on_is_told(void **state)
{
    static const struct {
        unsigned server, client;
    } cases[] = {{200, 200}, {400, 400}, {404, 404}, {500, 500}, {503, 503},
                 {301, 502}, {401, 502}, {407, 502}, {204, 502}};
    fixture *self = *state;
    for (size_t i = 0; i < countof(cases); i++) {
        client one = {.ask = {.url = NULL}};
        print_message("  case: %u\n", cases[i].server);
        server.status = cases[i].server;
        assert_int_equal(fetch(self, &one, "/"), cases[i].client);
        assert_true(cases[i].client == 200 || strcmp(header(&one, "Cache-Control"), "no-store") == 0);
    }
    char coding[100] = "";
    memset(coding, 'x', sizeof coding - 1);
    client odd = {.ask = {.url = NULL}};
    server.status = 200;
    says(NULL, "Content-Encoding", coding);
    assert_int_equal(fetch(self, &odd, "/"), 502);
}

static void an_error_does_not_displace_what_is_kept(void **state)
{
    fixture *self = *state;
    client one = {.ask = {.url = NULL}}, two = one, three = one;
    says("no-cache", "ETag", "\"1\"");
    assert_int_equal(fetch(self, &one, "/x"), 200);
    server.status = 500;
    says("no-cache", NULL, NULL);
    assert_int_equal(fetch(self, &two, "/x"), 500);
    server.status = 200;
    says("no-cache", "ETag", "\"1\"");
    assert_int_equal(fetch(self, &three, "/x"), 200);
    assert_string_equal(server.if_none_match, "\"1\"");
}

static void a_server_that_is_late_or_away(void **state)
{
    fixture *self = *state;
    client late = {.ask = {.url = NULL}}, away = late, other = late;
    shut(self, true);
    assert_int_equal(fetch(self, &late, "/late"), 504);
    shut(self, false);
    other.ask.url = "http://127.0.0.2:1/x";
    other.request.method = "GET";
    other.request.can_hold = true;
    assert_true(put(self, &other)); /* nobody is asked */
    assert_int_equal(other.answer.status, 404);
    unsigned before = asked();
    alto_http_server_destroy(&self->http, 0);
    assert_int_equal(fetch(self, &away, "/away"), 502);
    assert_int_equal(asked(), before);
    assert_int_equal(alto_forward_count(self->forward).failed, 2);
}

static void no_more_is_under_way_than_may_be(void **state)
{
    fixture *self = *state;
    client *clients = calloc(LIMIT + 1, sizeof *clients);
    shut(self, true);
    for (size_t i = 0; i < LIMIT; i++) {
        char path[20];
        snprintf(path, sizeof path, "/%zu", i);
        assert_false(begin(self, &clients[i], path));
    }
    assert_true(begin(self, &clients[LIMIT], "/more"));
    assert_int_equal(clients[LIMIT].answer.status, 503);
    assert_true(header(&clients[LIMIT], "Retry-After")[0]);
    client joins = {.ask = {.url = NULL}}, cannot_wait = {.request = {.method = "GET"}};
    assert_false(begin(self, &joins, "/0")); /* that costs nothing */
    shut(self, false);
    for (size_t i = 0; i < LIMIT; i++) {
        wait_for(self, &clients[i]);
        assert_int_equal(clients[i].answer.status, 200);
    }
    wait_for(self, &joins);
    cannot_wait.ask.url = clients[0].url;
    assert_true(put(self, &cannot_wait)); /* the HTTP server is ending */
    assert_int_equal(cannot_wait.answer.status, 503);
    free(clients);
}

static void what_was_used_least_is_forgotten_first(void **state)
{
    fixture *self = *state;
    client one = {.ask = {.url = NULL}};
    char path[20];
    says("max-age=60", NULL, NULL);
    for (size_t i = 0; i < KEPT + 10; i++) {
        snprintf(path, sizeof path, "/%zu", i);
        assert_int_equal(fetch(self, &one, path), 200);
        assert_int_equal(fetch(self, &one, "/0"), 200); /* used again and again */
    }
    assert_int_equal(alto_forward_count(self->forward).kept, KEPT);
    assert_int_equal(asked(), KEPT + 10);
    assert_int_equal(fetch(self, &one, "/0"), 200);
    snprintf(path, sizeof path, "/%d", KEPT + 9);
    assert_int_equal(fetch(self, &one, path), 200);
    assert_int_equal(asked(), KEPT + 10);
    assert_int_equal(fetch(self, &one, "/1"), 200);
    assert_int_equal(asked(), KEPT + 11);
}

static void an_end_in_the_middle_leaves_nothing(void **state)
{
    fixture *self = *state;
    client waits = {.ask = {.url = NULL}}, queued = waits;
    shut(self, true);
    assert_false(begin(self, &waits, "/waits"));
    wait_until_asked(self, 1);
    assert_false(begin(self, &queued, "/queued"));
    alto_http_held_release(&waits.held); /* clients that went away, one now, one later */
    alto_forward_destroy(&self->forward);
    alto_http_held_release(&queued.held);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(equal_questions_under_way_are_one),
        T(answers_are_kept_as_they_say),
        T(what_is_not_fresh_is_asked_for_by_its_tag),
        T(or_by_its_date),
        T(what_is_for_one_is_given_to_one),
        T(credentials_of_clients_stay_here),
        T(a_coding_is_passed_on),
        T(what_cannot_be_passed_on_is_told),
        T(an_error_does_not_displace_what_is_kept),
        T(a_server_that_is_late_or_away),
        T(no_more_is_under_way_than_may_be),
        T(what_was_used_least_is_forgotten_first),
        T(an_end_in_the_middle_leaves_nothing),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
