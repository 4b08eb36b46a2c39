/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as structs in, answers as structs out: the ALTO side, the pull side, and everything that is refused. */
#include "cmocka_all.h"
#include "core/render.h"
#include "io/loop.h"
#include "io/site.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BODY_MAX = 1 << 20, PATH_MAX_SIZE = 512 };

typedef struct {
    test_origin *origin;
    alto_counts counts;
    alto_site *site;
    alto_front *front;       /* the site's */
    alto_http_answer answer; /* the last one; its body was released */
    alto_buffer body;
    unsigned released;
} fixture;

static const char *const endpoints[] = {"tcp://192.0.2.1:5670", "tcp://[2001:db8::1]:5670"};

static void open_site(fixture *self, alto_stale_policy stale)
{
    alto_site_options serve = {.counts = &self->counts, .stale = stale};
    alto_error error;
    self->site = alto_site_new(endpoints, countof(endpoints), NULL);
    assert_non_null(self->site);
    assert_int_equal(alto_site_add(self->site, self->origin->archive, &serve, &self->front, &error), ALTO_OK);
}

static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    self->origin = test_origin_new(9);
    open_site(self, ALTO_STALE_UNTIL_VALID);
    self->body = alto_buffer_make(BODY_MAX);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    alto_site_destroy(&self->site);
    test_origin_destroy(&self->origin);
    alto_buffer_fini(&self->body);
    free(self);
    return 0;
}

/* ---- asking ---- */

static void assert_same_file(fixture *self)
{
    uint8_t *bytes = malloc(self->body.size + 1);
    assert_int_equal(pread(self->answer.file, bytes, self->body.size, 0), (ssize_t)self->body.size);
    assert_memory_equal(bytes, self->body.data, self->body.size);
    free(bytes);
}

/* Read the body as the HTTP server would, and give it back. */
static void read_body(fixture *self)
{
    alto_http_answer *answer = &self->answer;
    alto_buffer_clear(&self->body);
    for (size_t i = 0; i < answer->piece_count; i++)
        alto_buffer_add_slice(&self->body, answer->piece(answer->owner, i));
    assert_int_equal(self->body.status, ALTO_OK);
    if (answer->piece_count)
        assert_int_equal(self->body.size, answer->size);
    if (answer->file >= 0)
        assert_same_file(self);
    if (answer->release)
        answer->release(answer->owner);
    alto_buffer_add_u8(&self->body, 0); /* for strstr */
    self->body.size--;
}

static unsigned ask_fully(fixture *self, const alto_http_request *request)
{
    self->answer = (alto_http_answer){.status = 500, .file = -1};
    alto_site_answer(self->site, request, &self->answer);
    assert_true(self->answer.header_count <= ALTO_HTTP_HEADERS);
    read_body(self);
    return self->answer.status;
}

static unsigned ask(fixture *self, const char *path)
{
    alto_http_request request = {.method = "GET", .path = path, .query = "", .peer = "127.0.0.1:1"};
    return ask_fully(self, &request);
}

static unsigned ask_with(fixture *self, const char *path, const char *accept, const char *accept_encoding,
                         const char *if_none_match)
{
    alto_http_request request = {.method = "GET",
                                 .path = path,
                                 .query = "",
                                 .accept = accept,
                                 .accept_encoding = accept_encoding,
                                 .if_none_match = if_none_match,
                                 .peer = "127.0.0.1:1"};
    return ask_fully(self, &request);
}

static const char *header(const fixture *self, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < self->answer.header_count; i++)
        if (strcmp(self->answer.headers[i].name, name) == 0) {
            assert_null(found); /* twice */
            found = self->answer.headers[i].value;
        }
    return found;
}

static const char *text_of(const fixture *self)
{
    return self->body.data ? (const char *)self->body.data : "";
}

static void assert_refused(const fixture *self)
{
    assert_string_equal(header(self, "Cache-Control"), "no-store");
    assert_true(self->body.size > 0);
    if (self->answer.status == 503)
        assert_true(atoi(header(self, "Retry-After")) > 0);
}

/* ---- what is served ---- */

static const char net_text[] = "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{"
                               "\"P1\":{\"ipv4\":[\"192.0.2.0/24\"]}}}";
static const char cost_text[] = "{\"meta\":{\"cost-type\":{\"cost-metric\":\"routingcost\",\"cost-mode\":"
                                "\"numerical\"},\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}]},"
                                "\"cost-map\":{\"P1\":{\"P1\":1}}}";

static void publish(fixture *self)
{
    test_origin_set(self->origin, "net", test_json(self->origin->pool, net_text));
    test_origin_set(self->origin, "cost", test_json(self->origin->pool, cost_text));
}

static void publish_flags(fixture *self, const char *id, uint32_t flags)
{
    const alto_resource *held = alto_view_by_id(test_origin_view(self->origin), id);
    alto_new_state change = {.name = held->name, .version = held->version, .flags = flags};
    test_origin_commit(self->origin, &change, 1);
}

static void nothing_is_held_at_first(void **state)
{
    fixture *self = *state;
    static const char *const paths[] = {"/directory", "/net", "/", "/resource/net"};
    for (size_t i = 0; i < countof(paths); i++) {
        assert_int_equal(ask(self, paths[i]), 503);
        assert_refused(self);
    }
    assert_int_equal(ask(self, "/redistribution/v1/info"), 200);
}

static void maps_are_answered_with_their_type_and_an_entity_tag(void **state)
{
    fixture *self = *state;
    publish(self);
    assert_int_equal(ask(self, "/net"), 200);
    assert_string_equal(header(self, "Content-Type"), "application/alto-networkmap+json");
    assert_string_equal(text_of(self), net_text);
    assert_string_equal(header(self, "Vary"), "Accept-Encoding");
    assert_null(header(self, "Content-Encoding"));
    const char *etag = header(self, "ETag");
    assert_true(etag && etag[0] == '"' && strlen(etag) == ALTO_HASH_SIZE + 2);
    assert_int_equal(ask(self, "/cost"), 200);
    assert_string_equal(header(self, "Content-Type"), "application/alto-costmap+json");
    assert_string_equal(text_of(self), cost_text);
    assert_int_equal(ask(self, "/resource/cost"), 200);
    assert_string_equal(text_of(self), cost_text);
    for (int i = 0; i < 3; i++) { /* whatever is kept from one to the next */
        test_origin_set(self->origin, "cost", test_json(self->origin->pool, i & 1 ? cost_text : net_text));
        assert_int_equal(ask(self, "/cost"), 200);
        assert_string_equal(text_of(self), i & 1 ? cost_text : net_text);
    }
}

static void the_directory_lists_what_is_shown(void **state)
{
    fixture *self = *state;
    publish(self);
    assert_int_equal(ask(self, "/directory"), 200);
    assert_string_equal(header(self, "Content-Type"), "application/alto-directory+json");
    assert_non_null(strstr(text_of(self), "\"net\":{\"uri\":\"/net\""));
    assert_non_null(strstr(text_of(self), "\"cost\":{\"uri\":\"/cost\""));
    char etag[100];
    snprintf(etag, sizeof etag, "%s", header(self, "ETag"));
    uint64_t size = self->answer.size;
    assert_int_equal(ask_with(self, "/directory", NULL, NULL, etag), 304);
    assert_int_equal(self->answer.size, size);
    assert_int_equal(self->body.size, 0);
    assert_int_equal(ask_with(self, "/directory", "text/html", NULL, NULL), 406);
    publish_flags(self, "cost", ALTO_ENTRY_REDISTRIBUTABLE | ALTO_ENTRY_WITHHELD);
    assert_int_equal(ask_with(self, "/directory", NULL, NULL, etag), 200);
    assert_null(strstr(text_of(self), "\"cost\""));
}

static void what_does_not_fit_is_withheld_for_now(void **state)
{
    fixture *self = *state;
    publish(self);
    publish_flags(self, "cost", ALTO_ENTRY_REDISTRIBUTABLE | ALTO_ENTRY_WITHHELD);
    assert_int_equal(ask(self, "/cost"), 503);
    assert_refused(self);
    assert_int_equal(ask(self, "/net"), 200);
    publish_flags(self, "cost", ALTO_ENTRY_REDISTRIBUTABLE);
    assert_int_equal(ask(self, "/cost"), 200);
    test_origin_set(self->origin, "cost", NULL);
    assert_int_equal(ask(self, "/cost"), 404);
}

static void what_a_replica_does_not_follow_is_not_found(void **state)
{
    fixture *self = *state;
    publish(self);
    assert_int_equal(ask(self, "/directory"), 200);
    assert_non_null(strstr(text_of(self), "\"cost\""));
    const alto_view *view = test_origin_view(self->origin);
    alto_resource *unheld = alto_resource_new(view->resources[0]->key, &view->resources[0]->entry, NULL);
    const alto_resource *resources[] = {unheld, view->resources[1]};
    alto_view *part = alto_view_new(&view->origin, &view->position, &view->commit_hash, &view->state_root,
                                    view->catalog, resources, 2);
    alto_statement statement = {.type = ALTO_HEAD};
    alto_applied applied = {.after = part, .object = alto_slice_text("head"), .statement = &statement};
    assert_int_equal(alto_archive_step(self->origin->archive, &applied), ALTO_OK);
    assert_int_equal(ask(self, "/cost"), 404);
    assert_int_equal(ask(self, "/net"), 200);
    assert_int_equal(ask(self, "/directory"), 200);
    assert_null(strstr(text_of(self), "\"cost\""));
    alto_view_release(part);
    alto_resource_release(unheld);
}

/* ---- negotiation ---- */

static void accept_is_judged_as_http_says(void **state)
{
    static const struct {
        const char *accept;
        unsigned status;
    } cases[] = {
        {NULL, 200},
        {"", 200},
        {"*/*", 200},
        {"application/*", 200},
        {"application/alto-networkmap+json", 200},
        {"Application/ALTO-NetworkMap+JSON", 200},
        {"application/alto-networkmap+json,application/alto-error+json", 200},
        {"application/alto-error+json , application/alto-networkmap+json ; q=0.3", 200},
        {"text/html, */*;q=0.1", 200},
        {"application/alto-networkmap+json;charset=utf-8", 200},
        {"text/html", 406},
        {"application/json", 406},
        {"text/*", 406},
        {"application/alto-networkmap", 406},
        {"application/alto-networkmap+jsonx", 406},
        {"application/alto-costmap+json", 406},
        {"application/alto-networkmap+json;q=0", 406},
        {"application/alto-networkmap+json;q=0, */*", 406},
        {"application/*;q=0.0, */*;q=0", 406},
        {"*/*; q=0", 406},
        {",,, ;", 406},
        {"*", 406},
    };
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].accept ? cases[i].accept : "(none)");
        assert_int_equal(ask_with(self, "/net", cases[i].accept, NULL, NULL), cases[i].status);
        if (cases[i].status == 406)
            assert_refused(self);
    }
}

static void the_coding_is_the_one_that_the_client_likes_best(void **state)
{
    static const struct {
        const char *accept_encoding, *coding;
    } cases[] = {{NULL, NULL},
                 {"", NULL},
                 {"gzip", "gzip"},
                 {"GZIP", "gzip"},
                 {"br, gzip;q=1", "gzip"},
                 {"gzip;q=0.001", "gzip"},
                 {"*", "gzip"},
                 {"gzip;q=0", NULL},
                 {"gzip;q=0.0", NULL},
                 {"*;q=0", NULL},
                 {"gzip;q=nan", NULL},
                 {"identity", NULL},
                 {"br", NULL},
                 {"xgzip", NULL},
                 {"gzipx", NULL},
                 {"br;q=1, *;q=0.5", "gzip"},
                 {"zstd", "zstd"},
                 {"ZSTD;q=0.001", "zstd"},
                 {"zstd, gzip", "gzip"},
                 {"gzip, deflate, br, zstd", "gzip"},
                 {"gzip;q=0.8, zstd;q=0.9", "zstd"},
                 {"gzip;q=0.8, zstd", "zstd"},
                 {"gzip;q=0.999, zstd;q=1.000", "zstd"},
                 {"zstd;q=0.8, gzip;q=0.9", "gzip"},
                 {"gzip;q=0, zstd;q=0.1", "zstd"},
                 {"gzip;q=0, *", "zstd"},
                 {"zstd;q=0, gzip;q=0", NULL},
                 {"zstd;q=0", NULL},
                 {"zstdx", NULL},
                 {"identity, gzip;q=0.5", NULL},
                 {"identity;q=0.5, zstd;q=0.6", "zstd"}};
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].accept_encoding ? cases[i].accept_encoding : "(none)");
        assert_int_equal(ask_with(self, "/net", NULL, cases[i].accept_encoding, NULL), 200);
        const char *coding = header(self, "Content-Encoding");
        assert_string_equal(coding ? coding : "none", cases[i].coding ? cases[i].coding : "none");
        assert_string_equal(header(self, "Vary"), "Accept-Encoding");
        if (!coding) {
            assert_string_equal(text_of(self), net_text);
            continue;
        }
        bool zstd = strcmp(coding, "zstd") == 0;
        assert_int_equal(self->body.data[0] << 8 | self->body.data[1], zstd ? 0x28b5 : 0x1f8b);
        assert_non_null(strstr(header(self, "ETag"), zstd ? "-zstd\"" : "-gzip\""));
    }
}

static void an_entity_tag_that_still_holds_saves_the_body(void **state)
{
    fixture *self = *state;
    static const char *const codings[] = {"gzip", "zstd"};
    char etag[100], packed_etags[2][100], list[400];
    uint64_t packed_sizes[2];
    publish(self);
    ask(self, "/net");
    snprintf(etag, sizeof etag, "%s", header(self, "ETag"));
    uint64_t size = self->answer.size;
    for (size_t i = 0; i < countof(codings); i++) {
        ask_with(self, "/net", NULL, codings[i], NULL);
        snprintf(packed_etags[i], sizeof packed_etags[i], "%s", header(self, "ETag"));
        packed_sizes[i] = self->answer.size;
    }
    static const struct {
        const char *format;
        unsigned status;
    } cases[] = {{"%s", 304},
                 {"W/%s", 304},
                 {"\"x\", %s", 304},
                 {"\"x\",%s,\"y\"", 304},
                 {" W/\"x\" , %s", 304},
                 {"*", 304},
                 {"\"x\"", 200},
                 {"", 200},
                 {"x%s", 200},
                 {"\"unclosed", 200},
                 {"W/", 200},
                 {",,,", 200}};
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].format);
        int written = -1;
        const char *hole = strstr(cases[i].format, "%s");
        written = hole ? snprintf(list, sizeof list, "%.*s%s%s", (int)(hole - cases[i].format), cases[i].format, etag,
                                  hole + 2)
                       : snprintf(list, sizeof list, "%s", cases[i].format);
        assert_true(written >= 0);
        assert_int_equal(ask_with(self, "/net", NULL, NULL, list), cases[i].status);
        if (cases[i].status == 304) {
            assert_int_equal(self->body.size, 0);
            assert_int_equal(self->answer.size, size);
            assert_string_equal(header(self, "ETag"), etag);
        }
    }
    for (size_t i = 0; i < countof(codings); i++) {
        assert_int_equal(ask_with(self, "/net", NULL, codings[i], packed_etags[i]), 304);
        assert_int_equal(self->answer.size, packed_sizes[i]);
        assert_string_equal(header(self, "ETag"), packed_etags[i]);
        assert_int_equal(ask_with(self, "/net", NULL, codings[i], etag), 200); /* the tag of other bytes */
        assert_int_equal(ask_with(self, "/net", NULL, codings[i], packed_etags[1 - i]), 200);
        assert_int_equal(ask_with(self, "/net", NULL, NULL, packed_etags[i]), 200);
    }
    test_origin_set(self->origin, "net", NULL);
    assert_int_equal(ask_with(self, "/net", NULL, NULL, etag), 404);
}

/* ---- methods and paths ---- */

static void methods_other_than_reading_are_refused(void **state)
{
    static const struct {
        const char *method;
        unsigned status;
    } cases[] = {{"GET", 200},    {"HEAD", 200}, {"OPTIONS", 204}, {"POST", 405},
                 {"DELETE", 405}, {"get", 405},  {"", 405}};
    static const char *const paths[] = {"/net", "/directory", "/redistribution/v1/info"};
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t p = 0; p < countof(paths); p++) {
            alto_http_request request = {.method = cases[i].method, .path = paths[p], .query = "", .peer = ""};
            assert_int_equal(ask_fully(self, &request), cases[i].status);
            if (cases[i].status != 200)
                assert_string_equal(header(self, "Allow"), "GET, HEAD, OPTIONS");
        }
    alto_http_request head = {.method = "HEAD", .path = "/net", .query = "", .peer = ""};
    ask_fully(self, &head); /* what GET would have; that nothing but the length is sent is the server's part */
    assert_int_equal(self->answer.size, sizeof net_text - 1);
}

/* ---- requests with a body ---- */

static const char filter_type[] = "application/alto-networkmapfilter+json";

static unsigned post(fixture *self, const char *path, const char *type, const char *accept, const char *body)
{
    alto_http_request request = {.method = "POST",
                                 .path = path,
                                 .query = "",
                                 .accept = accept,
                                 .content_type = type,
                                 .body = alto_slice_text(body),
                                 .peer = ""};
    return ask_fully(self, &request);
}

static void a_filter_answers_what_is_asked_of_it(void **state)
{
    fixture *self = *state;
    publish(self);
    assert_int_equal(post(self, "/net-filtered", "application/alto-networkmapfilter+json; charset=utf-8", "*/*",
                          "{\"pids\":[\"nobody\"]}"),
                     200);
    assert_string_equal(header(self, "Content-Type"), "application/alto-networkmap+json");
    assert_string_equal(header(self, "Cache-Control"), "no-store");
    assert_null(header(self, "ETag"));
    assert_non_null(strstr(text_of(self), "\"network-map\":{}"));
}

/* ---- the same questions again ---- */

static const char cost_filter_type[] = "application/alto-costmapfilter+json";
static const char endpoint_cost_type[] = "application/alto-endpointcostparams+json";
#define ROUTING_COST "\"cost-type\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\"}"
static const char costs_asked[] = "{" ROUTING_COST ",\"pids\":{\"srcs\":[\"P1\"],\"dsts\":[\"P1\"]}}";
static const char costs_from_me_asked[] = "{" ROUTING_COST ",\"endpoints\":{\"dsts\":[\"ipv4:192.0.2.9\"]}}";

/* Maps whose answers are long enough to be packed; the client 192.0.2.7 is in one PID, 198.51.100.7 in the other. */
static void publish_again(fixture *self, int cost)
{
    alto_buffer text = alto_buffer_make(BODY_MAX);
    alto_buffer_add_text(&text, "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{"
                                "\"P1\":{\"ipv4\":[\"192.0.2.0/24\"]},\"P2\":{\"ipv4\":[\"198.51.100.0/24\"");
    for (int i = 0; i < 200; i++)
        alto_buffer_print(&text, ",\"10.%d.0.0/16\"", i);
    alto_buffer_add_text(&text, "]}}}");
    alto_buffer_add_u8(&text, 0);
    test_origin_set(self->origin, "net", test_json(self->origin->pool, (const char *)text.data));
    alto_buffer_clear(&text);
    alto_buffer_print(&text,
                      "{\"meta\":{" ROUTING_COST ",\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}]},"
                      "\"cost-map\":{\"P1\":{\"P1\":%d},\"P2\":{\"P1\":%d}}}",
                      cost, cost + 1);
    alto_buffer_add_u8(&text, 0);
    test_origin_set(self->origin, "cost", test_json(self->origin->pool, (const char *)text.data));
    alto_buffer_fini(&text);
}

typedef struct {
    const char *path, *type, *body, *accept_encoding, *peer;
} question;

/* All that the answer says: headers, then the body; to be freed. */
static alto_buffer answer_to(fixture *self, const question *asked)
{
    alto_http_request request = {.method = "POST",
                                 .path = asked->path,
                                 .query = "",
                                 .accept_encoding = asked->accept_encoding,
                                 .content_type = asked->type,
                                 .body = alto_slice_text(asked->body),
                                 .peer = asked->peer};
    alto_buffer said = alto_buffer_make(2 * BODY_MAX);
    assert_int_equal(ask_fully(self, &request), 200);
    for (size_t i = 0; i < self->answer.header_count; i++)
        alto_buffer_print(&said, "%s: %s\n", self->answer.headers[i].name, self->answer.headers[i].value);
    alto_buffer_add_slice(&said, alto_buffer_slice(&self->body));
    assert_int_equal(said.status, ALTO_OK);
    return said;
}

static bool says_the_same(const alto_buffer *a, const alto_buffer *b)
{
    return alto_slice_equal(alto_buffer_slice(a), alto_buffer_slice(b));
}

/* An answer that was kept is told from one that was made by nobody. */
static void the_same_question_has_the_same_answer_and_no_other_has(void **state)
{
    static const question questions[] = {
        {"/net-filtered", filter_type, "{\"pids\":[]}", NULL, "192.0.2.7:1"},
        {"/net-filtered", filter_type, "{\"pids\":[]}", "gzip", "192.0.2.7:1"},
        {"/net-filtered", filter_type, "{\"pids\":[]}", "zstd", "192.0.2.7:1"},
        {"/net-filtered", filter_type, "{\"pids\":[\"P1\"]}", NULL, "192.0.2.7:1"},
        {"/cost-filtered", cost_filter_type, costs_asked, NULL, "192.0.2.7:1"},
        {"/endpoint-cost", endpoint_cost_type, costs_from_me_asked, NULL, "192.0.2.7:1"},
        {"/endpoint-cost", endpoint_cost_type, costs_from_me_asked, NULL, "198.51.100.7:1"},
    };
    fixture *self = *state;
    alto_buffer first[countof(questions)];
    publish_again(self, 1);
    for (size_t i = 0; i < countof(questions); i++) {
        first[i] = answer_to(self, &questions[i]);
        for (size_t other = 0; other < i; other++)
            assert_false(says_the_same(&first[i], &first[other]));
    }
    for (int round = 0; round < 4; round++)
        for (size_t i = 0; i < countof(questions); i++) {
            alto_buffer said = answer_to(self, &questions[i]);
            assert_true(says_the_same(&said, &first[i]));
            alto_buffer_fini(&said);
        }
    publish_again(self, 11);
    for (size_t i = 0; i < countof(questions); i++) {
        alto_buffer said = answer_to(self, &questions[i]);
        assert_true(says_the_same(&said, &first[i]) == (questions[i].type == filter_type));
        alto_buffer_fini(&said);
        alto_buffer_fini(&first[i]);
    }
}

static void a_wrong_request_gets_an_alto_error(void **state)
{
    fixture *self = *state;
    publish(self);
    assert_int_equal(post(self, "/net-filtered", filter_type, NULL, "{\"pids\":17}"), 400);
    assert_string_equal(header(self, "Content-Type"), "application/alto-error+json");
    assert_string_equal(header(self, "Cache-Control"), "no-store");
    assert_string_equal(text_of(self), "{\"meta\":{\"code\":\"E_INVALID_FIELD_TYPE\",\"field\":\"pids\"}}");
}

static void a_filter_takes_its_own_type_by_post_alone(void **state)
{
    static const struct {
        const char *method, *type, *accept;
        unsigned status;
    } cases[] = {{"POST", filter_type, NULL, 200},
                 {"POST", filter_type, "application/*", 200},
                 {"POST", filter_type, "text/html", 406},
                 {"POST", filter_type, "application/alto-error+json", 406},
                 {"POST", "APPLICATION/alto-networkmapfilter+json", NULL, 200},
                 {"POST", "application/alto-networkmapfilter+jsonx", NULL, 415},
                 {"POST", "text/text", NULL, 415},
                 {"POST", NULL, NULL, 415},
                 {"GET", NULL, NULL, 405},
                 {"HEAD", NULL, NULL, 405},
                 {"PUT", filter_type, NULL, 405},
                 {"OPTIONS", NULL, NULL, 204}};
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < countof(cases); i++) {
        alto_http_request request = {.method = cases[i].method,
                                     .path = "/net-filtered",
                                     .query = "",
                                     .accept = cases[i].accept,
                                     .content_type = cases[i].type,
                                     .body = alto_slice_text("{\"pids\":[]}"),
                                     .peer = ""};
        assert_int_equal(ask_fully(self, &request), cases[i].status);
        if (cases[i].status == 405 || cases[i].status == 204)
            assert_string_equal(header(self, "Allow"), "POST, OPTIONS");
        if (cases[i].status == 415)
            assert_string_equal(header(self, "Accept"), filter_type);
    }
    assert_int_equal(post(self, "/net-unfiltered", filter_type, NULL, "{\"pids\":[]}"), 404);
}

static void the_filter_of_a_withheld_map_waits(void **state)
{
    fixture *self = *state;
    publish(self);
    publish_flags(self, "net", ALTO_ENTRY_WITHHELD);
    assert_int_equal(post(self, "/net-filtered", filter_type, NULL, "{\"pids\":[]}"), 503);
    assert_non_null(header(self, "Retry-After"));
}

static void paths_that_lead_nowhere_are_not_found(void **state)
{
    static const char *const paths[] = {"",
                                        "/",
                                        "//",
                                        "/net/",
                                        "//net",
                                        "/Net",
                                        "/net\x01",
                                        "/../net",
                                        "/./net",
                                        "/resource/",
                                        "/resource/../net",
                                        "/resource",
                                        "/redistribution",
                                        "/redistribution/v1",
                                        "/directory/",
                                        "net",
                                        "*",
                                        "/\xff\xfe",
                                        "/%00",
                                        "/net%2f",
                                        "/net?x"};
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < countof(paths); i++) {
        print_message("  case: %zu\n", i);
        assert_int_equal(ask(self, paths[i]), 404);
        assert_refused(self);
    }
    char longest[5000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    longest[0] = '/';
    assert_int_equal(ask(self, longest), 404);
}

static void ids_that_the_server_needs_itself_are_found_under_resource(void **state)
{
    static const char *const ids[] = {"directory", "redistribution", "resource", ".ird"};
    fixture *self = *state;
    char path[100];
    for (size_t i = 0; i < countof(ids); i++)
        test_origin_set(self->origin, ids[i], test_json(self->origin->pool, "{\"mine\":1}"));
    for (size_t i = 0; i < countof(ids); i++) {
        snprintf(path, sizeof path, "/resource/%s", ids[i]);
        assert_int_equal(ask(self, path), 200);
        assert_string_equal(text_of(self), "{\"mine\":1}");
    }
    assert_int_equal(ask(self, "/directory"), 200);
    assert_string_not_equal(text_of(self), "{\"mine\":1}");
    assert_int_equal(ask(self, "/.ird"), 404);
}

/* ---- the pull side ---- */

static const char *pull_path(const fixture *self, const char *rest)
{
    static char path[PATH_MAX_SIZE];
    char origin[2 * ALTO_HASH_SIZE + 1];
    alto_hex(origin, self->origin->anchor.origin.bytes, ALTO_HASH_SIZE);
    snprintf(path, sizeof path, "/redistribution/v1/%s/%s", origin, rest);
    return path;
}

static void everything_pulled_says_how_long_it_lasts(void **state)
{
    fixture *self = *state;
    char state_root[80], root[80], digest[80], delta[200];
    publish(self);
    test_origin_head(self->origin);
    const alto_view *view = test_origin_view(self->origin);
    alto_hex(root, alto_view_by_id(view, "net")->entry.root.bytes, ALTO_HASH_SIZE);
    alto_hex(state_root, view->state_root.bytes, ALTO_HASH_SIZE);
    alto_hash payload = alto_hash_of(ALTO_DOMAIN_PAYLOAD, alto_buffer_slice(&self->origin->messages[1].object));
    alto_hex(digest, payload.bytes, ALTO_HASH_SIZE);
    snprintf(delta, sizeof delta, "%s/%s", root, root);
    const struct {
        const char *kind, *name, *cache;
    } cases[] = {{"head", "", "no-store"},
                 {"manifest", "", "no-store"},
                 {"manifest/", "1.1", "public, max-age=31536000, immutable"},
                 {"commits/", "1.100.2", "public, max-age=31536000, immutable"},
                 {"bundle/", "1.100.1/1.100.2", "public, max-age=31536000, immutable"},
                 {"payloads/", digest, "public, max-age=31536000, immutable"},
                 {"catalog/", state_root, "public, max-age=31536000, immutable"},
                 {"snapshots/", root, "public, max-age=3600"},
                 {"deltas/", delta, "public, max-age=3600"}};
    for (size_t i = 0; i < countof(cases); i++) {
        char rest[300], etag[80];
        print_message("  case: %s\n", cases[i].kind);
        snprintf(rest, sizeof rest, "%s%s", cases[i].kind, cases[i].name);
        assert_int_equal(ask(self, pull_path(self, rest)), 200);
        assert_string_equal(header(self, "Cache-Control"), cases[i].cache);
        assert_string_equal(header(self, "Content-Type"), "application/octet-stream");
        assert_true(self->body.size > 0);
        uint64_t size = self->answer.size;
        snprintf(etag, sizeof etag, "%s", header(self, "ETag"));
        assert_int_equal(ask_with(self, pull_path(self, rest), NULL, NULL, etag), 304);
        assert_int_equal(self->answer.size, size);
        assert_int_equal(self->body.size, 0);
    }
}

static void an_operator_is_told_what_to_say_of_rproxies(void **state)
{
    fixture *self = *state;
    static const char *const refused[] = {"ird",    "ird/",   "ird/1",     "ird/+0",
                                          "ird/ 0", "ird/0/", "ird/00000", "ird-members/"};
    assert_int_equal(ask(self, pull_path(self, "ird-members")), 404); /* nothing is held */
    publish(self);
    assert_int_equal(ask(self, pull_path(self, "ird-members")), 404);
    assert_int_equal(ask(self, pull_path(self, "ird/0")), 404);
    assert_refused(self);
    test_origin_set(self->origin, ".capability",
                    test_json(self->origin->pool, "{\"altocast\":{\"origin\":\"o\",\"anchor\":\"a\",\"rproxies\":["
                                                  "\"http://r.example\"]}}"));
    assert_int_equal(ask(self, pull_path(self, "ird-members")), 200);
    assert_string_equal(header(self, "Content-Type"), "application/json");
    assert_string_equal(text_of(self), "{\"meta\":{\"altocast\":{\"capability\":\"/resource/.capability\",\"origin\":"
                                       "\"o\",\"anchor\":\"a\",\"rproxies\":[\"http://r.example\"]}}}");
    assert_int_equal(ask(self, pull_path(self, "ird/0")), 200);
    assert_string_equal(header(self, "Content-Type"), "application/alto-directory+json");
    assert_string_equal(header(self, "Cache-Control"), "no-store");
    assert_non_null(strstr(text_of(self), "\"uri\":\"http://r.example/net\""));
    for (size_t i = 0; i < countof(refused); i++)
        assert_int_equal(ask(self, pull_path(self, refused[i])), 404);
}

static void what_cannot_be_pulled_is_refused(void **state)
{
    static const char *const rests[] = {"",        "Head",     "heads",  "commits/1.100.3", "snapshots/00",
                                        "../head", "catalog/", "since/", "since/1.100",     "bundle/1.100.1/1.1",
                                        "since"};
    fixture *self = *state;
    char wrong[PATH_MAX_SIZE];
    assert_int_equal(ask(self, pull_path(self, "head")), 503); /* there will be one */
    assert_refused(self);
    assert_int_equal(ask(self, pull_path(self, "manifest")), 200);
    publish(self);
    for (size_t i = 0; i < countof(rests); i++) {
        assert_int_equal(ask(self, pull_path(self, rests[i])), 404);
        assert_refused(self);
    }
    snprintf(wrong, sizeof wrong, "%s", pull_path(self, "head"));
    char *digit = wrong + strlen("/redistribution/v1/");
    *digit = *digit == '0' ? '1' : '0';
    assert_int_equal(ask(self, wrong), 404); /* another origin */
    *digit = 'x';
    assert_int_equal(ask(self, wrong), 404);
    assert_int_equal(ask(self, "/redistribution/v1/"), 404);
    assert_int_equal(ask(self, "/redistribution/v1/head"), 404);
    assert_int_equal(ask(self, "/redistribution/v2/info"), 404);
}

static void what_is_no_longer_held_says_where_to_go_on(void **state)
{
    static const char *const rests[] = {"commits/1.100.0", "since/1.99.1", "since/1.100.7", "bundle/1.99.1/1.100.2"};
    fixture *self = *state;
    assert_int_equal(ask(self, pull_path(self, "since/1.100.1")), 503);
    assert_refused(self);
    publish(self);
    for (size_t i = 0; i < countof(rests); i++) {
        print_message("  case: %s\n", rests[i]);
        assert_int_equal(ask(self, pull_path(self, rests[i])), 410);
        assert_string_equal(header(self, "Content-Type"), "application/json");
        assert_string_equal(header(self, "Cache-Control"), "no-store");
        assert_string_equal(text_of(self), "{\"head\":\"1.100.2\",\"oldest\":\"1.100.1\"}");
    }
}

static void the_ways_from_a_position_are_advice_of_the_moment(void **state)
{
    fixture *self = *state;
    publish(self);
    assert_int_equal(ask(self, pull_path(self, "since/1.100.1")), 200);
    assert_string_equal(header(self, "Content-Type"), "application/json");
    assert_string_equal(header(self, "Cache-Control"), "no-store");
    assert_non_null(strstr(text_of(self), "{\"head\":\"1.100.2\",\"commits\":{\"count\":1,"));
}

static void info_tells_where_to_listen_and_what_was_refused(void **state)
{
    fixture *self = *state;
    char origin[2 * ALTO_HASH_SIZE + 1], wanted[600];
    alto_hex(origin, self->origin->anchor.origin.bytes, ALTO_HASH_SIZE);
    assert_int_equal(ask(self, "/redistribution/v1/info"), 200);
    assert_string_equal(header(self, "Content-Type"), "application/json");
    assert_string_equal(header(self, "Cache-Control"), "no-store");
    snprintf(wanted, sizeof wanted,
             "{\"altocast\":1,\"origins\":[{\"origin\":\"%s\",\"push\":[\"%s\",\"%s\"],\"keep-ms\":300000,"
             "\"state\":\"empty\"}],\"made\":{\"snapshots\":0,\"deltas\":0,\"bundles\":0},"
             "\"admission\":{\"refused\":0},\"refused\":{}}",
             origin, endpoints[0], endpoints[1]);
    assert_string_equal(text_of(self), wanted);
    alto_counts_add(&self->counts, ALTO_BAD_SIGNATURE);
    alto_counts_add(&self->counts, ALTO_BAD_SIGNATURE);
    alto_counts_add(&self->counts, ALTO_FORK);
    alto_counts_add(&self->counts, ALTO_KNOWN); /* no refusal */
    alto_counts_add(&self->counts, ALTO_OK);
    ask(self, "/redistribution/v1/info");
    assert_non_null(strstr(text_of(self), "\"refused\":{\"bad-signature\":2,\"fork\":1}}"));
    alto_slice parsed;
    assert_true(alto_json_get(alto_buffer_slice(&self->body), (const char *const[]){"refused", "fork", NULL}, &parsed));
}

static void info_tells_what_is_served_and_what_was_made_for_it(void **state)
{
    fixture *self = *state;
    alto_freshness fresh = {ALTO_REPLICA_LIVE, alto_clock_ms() - 5000, UINT64_MAX};
    char root[80], rest[300];
    publish(self);
    alto_front_freshness(self->front, &fresh);
    alto_hex(root, alto_view_by_id(test_origin_view(self->origin), "net")->entry.root.bytes, ALTO_HASH_SIZE);
    snprintf(rest, sizeof rest, "snapshots/%s", root);
    for (int i = 0; i < 2; i++) /* made once */
        ask(self, pull_path(self, rest));
    snprintf(rest, sizeof rest, "deltas/%s/%s", root, root);
    ask(self, pull_path(self, rest));
    ask(self, pull_path(self, "bundle/1.100.1/1.100.2"));
    ask(self, "/redistribution/v1/info");
    assert_non_null(strstr(text_of(self), ",\"state\":\"live\",\"age-ms\":5"));
    assert_non_null(strstr(text_of(self), ",\"position\":\"1.100.2\"}]"));
    assert_non_null(strstr(text_of(self), "\"made\":{\"snapshots\":1,\"deltas\":1,\"bundles\":1}"));
}

/* ---- stale ---- */

static void a_stale_state_is_marked_or_refused_as_the_operator_says(void **state)
{
    static const struct {
        const char *label;
        alto_stale_policy policy;
        alto_replica_state state;
        int valid_for_s;
        unsigned status;
        bool marked;
    } cases[] = {{"live", ALTO_STALE_UNTIL_VALID, ALTO_REPLICA_LIVE, 60, 200, false},
                 {"syncing", ALTO_STALE_REFUSE, ALTO_REPLICA_SYNCING, 60, 200, false},
                 {"stale, still valid", ALTO_STALE_UNTIL_VALID, ALTO_REPLICA_STALE, 60, 200, true},
                 {"stale, over", ALTO_STALE_UNTIL_VALID, ALTO_REPLICA_STALE, 5, 503, true},
                 {"syncing, over", ALTO_STALE_UNTIL_VALID, ALTO_REPLICA_SYNCING, 5, 503, true},
                 {"mark, over", ALTO_STALE_MARK, ALTO_REPLICA_STALE, 5, 200, true},
                 {"refuse, still valid", ALTO_STALE_REFUSE, ALTO_REPLICA_STALE, 60, 503, true},
                 {"refuse, live", ALTO_STALE_REFUSE, ALTO_REPLICA_LIVE, 60, 200, false}};
    static const char *const paths[] = {"/net", "/directory"};
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < countof(cases); i++)
        for (size_t p = 0; p < countof(paths); p++) {
            print_message("  case: %s %s\n", cases[i].label, paths[p]);
            uint64_t issued_ms = alto_clock_ms() - 20000;
            alto_freshness freshness = {cases[i].state, issued_ms, issued_ms + (uint64_t)cases[i].valid_for_s * 1000};
            alto_site_destroy(&self->site);
            open_site(self, cases[i].policy);
            alto_front_freshness(self->front, &freshness);
            assert_int_equal(ask(self, paths[p]), cases[i].status);
            assert_int_equal(header(self, "Age") != NULL, cases[i].marked);
            if (cases[i].marked) {
                assert_true(atoi(header(self, "Age")) >= 20 && atoi(header(self, "Age")) < 100);
                assert_string_equal(header(self, "Altocast-State"), "stale");
            }
            if (cases[i].status == 503)
                assert_refused(self);
            assert_int_equal(ask(self, pull_path(self, "head")), 200); /* proves itself */
            assert_null(header(self, "Age"));
        }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(nothing_is_held_at_first),
        T(maps_are_answered_with_their_type_and_an_entity_tag),
        T(the_directory_lists_what_is_shown),
        T(what_does_not_fit_is_withheld_for_now),
        T(what_a_replica_does_not_follow_is_not_found),
        T(accept_is_judged_as_http_says),
        T(the_coding_is_the_one_that_the_client_likes_best),
        T(an_entity_tag_that_still_holds_saves_the_body),
        T(methods_other_than_reading_are_refused),
        T(a_filter_answers_what_is_asked_of_it),
        T(the_same_question_has_the_same_answer_and_no_other_has),
        T(a_wrong_request_gets_an_alto_error),
        T(a_filter_takes_its_own_type_by_post_alone),
        T(the_filter_of_a_withheld_map_waits),
        T(paths_that_lead_nowhere_are_not_found),
        T(ids_that_the_server_needs_itself_are_found_under_resource),
        T(everything_pulled_says_how_long_it_lasts),
        T(an_operator_is_told_what_to_say_of_rproxies),
        T(what_cannot_be_pulled_is_refused),
        T(what_is_no_longer_held_says_where_to_go_on),
        T(the_ways_from_a_position_are_advice_of_the_moment),
        T(info_tells_where_to_listen_and_what_was_refused),
        T(info_tells_what_is_served_and_what_was_made_for_it),
        T(a_stale_state_is_marked_or_refused_as_the_operator_says),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
