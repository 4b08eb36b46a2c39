/* SPDX-License-Identifier: Apache-2.0 */
/* One site, several origins: which of them a path belongs to, and what is told of all. What each answers: test_front. */
#include "cmocka_all.h"

#include "io/loop.h"
#include "io/site.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 1 << 20, PATH_SIZE = 300, ORIGINS = 2 };

typedef struct {
    test_origin *origins[ORIGINS];
    alto_counts counts[ORIGINS];
    alto_front *fronts[ORIGINS];
    alto_site *site;
    alto_buffer body;
} fixture;

static const char *const names[ORIGINS] = {"isp-a", "isp-b"};
static const char *const endpoint = "tcp://192.0.2.1:5670";

static alto_status add(fixture *self, size_t index, const char *name, alto_error *error)
{
    alto_site_options serve = {.name = name, .counts = &self->counts[index]};
    return alto_site_add(self->site, self->origins[index]->archive, &serve, &self->fronts[index], error);
}

/* The origins are there, the site has none of them yet. */
static int set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    for (size_t i = 0; i < ORIGINS; i++)
        self->origins[i] = test_origin_new((uint8_t)(20 + i));
    self->site = alto_site_new(&endpoint, 1, NULL);
    assert_non_null(self->site);
    self->body = alto_buffer_make(BODY_MAX);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    alto_site_destroy(&self->site);
    for (size_t i = 0; i < ORIGINS; i++)
        test_origin_destroy(&self->origins[i]);
    alto_buffer_fini(&self->body);
    free(self);
    return 0;
}

static unsigned ask_by(fixture *self, const char *method, const char *path)
{
    alto_http_request request = {.method = method, .path = path, .query = "", .peer = "127.0.0.1:1"};
    alto_http_answer answer;
    alto_http_answer_init(&answer, 500);
    alto_site_answer(self->site, &request, &answer);
    alto_buffer_clear(&self->body);
    for (size_t i = 0; i < answer.piece_count; i++)
        alto_buffer_add_slice(&self->body, answer.piece(answer.owner, i));
    alto_buffer_add_u8(&self->body, 0); /* for strstr */
    alto_http_answer_release(&answer);
    return answer.status;
}

static unsigned ask(fixture *self, const char *path)
{
    return ask_by(self, "GET", path);
}

static const char *text_of(const fixture *self)
{
    return (const char *)self->body.data;
}

static const char *pull_path(const fixture *self, size_t index, const char *rest)
{
    static char path[PATH_SIZE];
    char hex[2 * ALTO_HASH_SIZE + 1];
    alto_hex(hex, self->origins[index]->anchor.origin.bytes, ALTO_HASH_SIZE);
    snprintf(path, sizeof path, "/redistribution/v1/%s/%s", hex, rest);
    return path;
}

/* Both have a resource of the same ID, and one that bears the name of the other origin. */
static void publish(fixture *self)
{
    for (size_t i = 0; i < ORIGINS; i++) {
        char text[100];
        alto_error error;
        snprintf(text, sizeof text, "{\"of\":\"%s\"}", names[i]);
        test_origin_set(self->origins[i], "same", test_json(self->origins[i]->pool, text));
        test_origin_set(self->origins[i], names[1 - i], test_json(self->origins[i]->pool, text));
        test_origin_head(self->origins[i]);
        assert_int_equal(add(self, i, names[i], &error), ALTO_OK);
    }
}

static void a_path_begins_with_the_name_of_its_origin(void **state)
{
    static const struct {
        const char *path, *of; /* NULL: not found */
    } cases[] = {{"/same", "isp-a"},      {"/isp-a/same", "isp-a"},    {"/isp-b/same", "isp-b"},
                 {"/isp-b", "isp-a"},     {"/isp-b/isp-a", "isp-b"},   {"/isp-a", NULL},
                 {"/isp-b/", NULL},       {"/isp-bb/same", NULL},      {"/isp-b/isp-b/same", NULL},
                 {"//isp-b/same", NULL},  {"/isp-b//same", NULL},      {"/ISP-B/same", NULL},
                 {"/isp-c/same", NULL},   {"/resource/same", "isp-a"}, {"/isp-b/resource/same", "isp-b"},
                 {"/isp-b/../same", NULL}};
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < countof(cases); i++) {
        char wanted[100];
        print_message("  case: %s\n", cases[i].path);
        assert_int_equal(ask(self, cases[i].path), cases[i].of ? 200 : 404);
        if (!cases[i].of)
            continue;
        snprintf(wanted, sizeof wanted, "{\"of\":\"%s\"}", cases[i].of);
        assert_string_equal(text_of(self), wanted);
    }
}

static void a_directory_leads_to_where_it_stands(void **state)
{
    static const struct {
        const char *path, *uri;
    } cases[] = {{"/directory", "\"same\":{\"uri\":\"/same\""},
                 {"/isp-a/directory", "\"same\":{\"uri\":\"/isp-a/same\""},
                 {"/isp-b/directory", "\"same\":{\"uri\":\"/isp-b/same\""}};
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < countof(cases); i++) {
        assert_int_equal(ask(self, cases[i].path), 200);
        assert_non_null(strstr(text_of(self), cases[i].uri));
    }
}

static void each_origin_is_pulled_by_its_hash(void **state)
{
    fixture *self = *state;
    publish(self);
    for (size_t i = 0; i < ORIGINS; i++) {
        alto_statement head;
        assert_int_equal(ask(self, pull_path(self, i, "head")), 200);
        alto_slice object;
        alto_signature signature;
        assert_int_equal(alto_signed_split(alto_slice_of(self->body.data, self->body.size - 1), &object, &signature),
                         ALTO_OK);
        assert_int_equal(alto_statement_decode(object, &head), ALTO_OK);
        assert_true(alto_hash_equal(&head.origin, &self->origins[i]->anchor.origin));
        alto_statement_fini(&head);
    }
    char below[2 * PATH_SIZE];
    snprintf(below, sizeof below, "/isp-a%s", pull_path(self, 0, "head")); /* it belongs to no name */
    assert_int_equal(ask(self, below), 404);
    assert_int_equal(ask_by(self, "POST", pull_path(self, 1, "head")), 405);
    assert_int_equal(ask_by(self, "OPTIONS", pull_path(self, 1, "head")), 204);
}

static void info_tells_of_all_of_them(void **state)
{
    fixture *self = *state;
    alto_slice list, found;
    char name[20];
    publish(self);
    alto_freshness stale = {ALTO_REPLICA_STALE, alto_clock_ms(), UINT64_MAX};
    alto_front_freshness(self->fronts[1], &stale);
    alto_counts_add(&self->counts[0], ALTO_FORK);
    alto_counts_add(&self->counts[1], ALTO_FORK);
    alto_counts_add(&self->counts[1], ALTO_EXPIRED);
    assert_int_equal(ask(self, "/redistribution/v1/info"), 200);
    assert_non_null(strstr(text_of(self), "],\"made\":{\"snapshots\":0,\"deltas\":0,\"bundles\":0},\"admission\":{"
                                          "\"refused\":0},\"refused\":{\"expired\":1,\"fork\":2}}"));
    assert_true(alto_json_get(alto_slice_text(text_of(self)), (const char *const[]){"origins", NULL}, &list));
    for (size_t i = 0; i < ORIGINS; i++) {
        alto_slice raw;
        assert_true(alto_json_element(list, i, &found));
        assert_true(alto_json_get(found, (const char *const[]){"name", NULL}, &raw));
        assert_true(alto_json_text(raw, name, sizeof name));
        assert_string_equal(name, names[i]);
        assert_true(alto_json_get(found, (const char *const[]){"push", NULL}, &raw));
        assert_true(alto_slice_equal(raw, alto_slice_text("[\"tcp://192.0.2.1:5670\"]")));
        assert_true(alto_json_get(found, (const char *const[]){"refused", NULL}, &raw));
        assert_true(alto_slice_equal(raw, alto_slice_text(i ? "{\"expired\":1,\"fork\":1}" : "{\"fork\":1}")));
        assert_true(alto_json_get(found, (const char *const[]){"state", NULL}, &raw));
        assert_true(alto_slice_equal(raw, alto_slice_text(i ? "\"stale\"" : "\"empty\"")));
    }
    assert_false(alto_json_element(list, ORIGINS, &found));
}

static void names_and_origins_are_distinct(void **state)
{
    static const char *const wrong[] = {
        "",          "a/b",      ".",
        "..",        ".hidden",  "a b",
        "directory", "resource", "redistribution",
        "a\xc3\xa4", "a%b",      "a2345678901234567890123456789012345678901234567890123456789012345"};
    fixture *self = *state;
    alto_error error;
    for (size_t i = 0; i < countof(wrong); i++) {
        print_message("  case: %s\n", wrong[i]);
        assert_false(alto_site_is_name(wrong[i]));
        assert_int_equal(add(self, 0, wrong[i], &error), ALTO_CONFIG);
    }
    assert_int_equal(add(self, 0, "isp-a", &error), ALTO_OK);
    assert_int_equal(add(self, 1, NULL, &error), ALTO_CONFIG);
    assert_int_equal(add(self, 1, "isp-a", &error), ALTO_CONFIG);
    assert_string_equal(error.why, "two origins have this name");
    assert_int_equal(add(self, 0, "isp-b", &error), ALTO_CONFIG);
    assert_string_equal(error.why, "it is the same origin as isp-a");
    assert_int_equal(add(self, 1, "isp-b", &error), ALTO_OK);
}

static void an_origin_without_a_name_is_alone(void **state)
{
    fixture *self = *state;
    alto_error error;
    assert_int_equal(add(self, 0, NULL, &error), ALTO_OK);
    assert_int_equal(add(self, 1, "isp-b", &error), ALTO_CONFIG);
}

/* However many there are: a follower can read the info. */
static void info_has_a_bound(void **state)
{
    fixture *self = *state;
    test_origin *more[ALTO_MAX_ORIGINS + 1];
    alto_front *front;
    alto_error error;
    alto_evidence *evidence = alto_evidence_new(NULL, "");
    assert_non_null(evidence);
    for (uint64_t i = 1; i <= ALTO_MAX_FORKS; i++) {
        alto_fork fork = {.position = {UINT32_MAX, (1ULL << 53) - 1, (1ULL << 53) - i}};
        alto_evidence_add(evidence, &fork);
    }
    for (size_t i = 0; i < countof(more); i++) {
        char name[ALTO_MAX_NAME + 1];
        snprintf(name, sizeof name, "isp-%060zu", i);
        alto_site_options serve = {.name = name, .counts = &self->counts[0], .evidence = evidence};
        more[i] = test_origin_new((uint8_t)(30 + i));
        assert_int_equal(alto_site_add(self->site, more[i]->archive, &serve, &front, &error),
                         i < ALTO_MAX_ORIGINS ? ALTO_OK : ALTO_TOO_LARGE);
    }
    for (alto_status status = ALTO_OK; status < ALTO_STATUS_COUNT; status++) /* the largest there can be */
        self->counts[0].of[status] = (1ULL << 53) / ALTO_MAX_ORIGINS;
    assert_int_equal(ask(self, "/redistribution/v1/info"), 200);
    assert_true(self->body.size < 65536);
    assert_non_null(strstr(text_of(self),
                           ",\"fork\":{\"position\":\"4294967295.9007199254740991.9007199254740991\",\"held\":"
                           "\"0000000000000000000000000000000000000000000000000000000000000000\",\"other\":"
                           "\"0000000000000000000000000000000000000000000000000000000000000000\",\"kept\":8}"));
    alto_site_destroy(&self->site);
    alto_evidence_destroy(&evidence);
    for (size_t i = 0; i < countof(more); i++)
        test_origin_destroy(&more[i]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_path_begins_with_the_name_of_its_origin),
        T(a_directory_leads_to_where_it_stands),
        T(each_origin_is_pulled_by_its_hash),
        T(info_tells_of_all_of_them),
        T(names_and_origins_are_distinct),
        T(an_origin_without_a_name_is_alone),
        T(info_has_a_bound),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
