/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoint property and endpoint cost: the tables of the IETF 93 interop event, the examples of RFC 7285, and what
 * they leave open. */
#include "cmocka_all.h"
#include "core/json_text.h"
#include "core/query_endpoint.h"
#include "core/render.h"
#include "files.h"
#include "origin.h"
#include "request.h"
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 20, WORD = 128 };

static void add(test_origin *origin, const char *id, const char *text)
{
    char *json = test_quoted(text);
    test_origin_set(origin, id, test_json(origin->pool, json));
    free(json);
}

static alto_status ask(const test_origin *origin, const char *id, const char *client, alto_slice body, alto_buffer *out,
                       alto_query_error *error)
{
    const alto_view *view = test_origin_view(origin);
    alto_service service;
    alto_endpoint address;
    alto_endpoint_question question = {.view = view, .service = &service, .lpm = alto_resource_lpm};
    assert_true(alto_service_find(view, ALTO_SERVICES, id, &service));
    if (client) {
        assert_int_equal(alto_endpoint_parse_typed(alto_slice_text(client), &address), ALTO_OK);
        question.client = &address;
    }
    return service.kind == ALTO_SERVICE_ENDPOINT_PROPERTY ? alto_query_endpoint_property(&question, body, out, error)
                                                          : alto_query_endpoint_cost(&question, body, out, error);
}

/* The answer, or "CODE field value" of the error, has to be `wanted`. */
static void assert_answer(const test_origin *origin, const char *id, const char *client, const char *request,
                          const char *wanted)
{
    alto_query_error error;
    char *body = test_quoted(request);
    alto_buffer out = alto_buffer_make(TEXT_MAX);
    print_message("  case: %s\n", request);
    alto_status status = ask(origin, id, client, alto_slice_text(body), &out, &error);
    test_assert_answered(status, &error, &out, wanted);
    free(body);
}

/* ---- the tables of the interop event ---- */

/* A map of the event with the meta that it was left without. false: it is not there. */
static bool add_interop(test_origin *origin, const char *id, const char *file, const char *meta)
{
    alto_buffer map = test_example(file), text = alto_buffer_make(TEXT_MAX);
    bool there = map.size > 0;
    if (there) {
        alto_buffer_print(&text, "{\"meta\":%s,%.*s", meta, (int)map.size - 1, (const char *)map.data + 1);
        alto_buffer_add_u8(&text, 0);
        add(origin, id, (const char *)text.data);
    }
    alto_buffer_fini(&map);
    alto_buffer_fini(&text);
    return there;
}

#define DEPENDS(metric)                                                                                                \
    "{'dependent-vtags':[{'resource-id':'default','tag':'d'}],'cost-type':{'cost-metric':'" metric                     \
    "','cost-mode':'numerical'}}"

static bool add_all_interop(test_origin *origin)
{
    return add_interop(origin, "default", "interop93-default-networkmap.json",
                       "{'vtag':{'resource-id':'default','tag':'d'}}") &&
           add_interop(origin, "alternate", "interop93-alt-networkmap.json",
                       "{'vtag':{'resource-id':'alternate','tag':'a'}}") &&
           add_interop(origin, "hopcount", "interop93-default-hopcount.json", DEPENDS("hopcount")) &&
           add_interop(origin, "routingcost", "interop93-default-routingcost.json", DEPENDS("routingcost"));
}

/* The raw value of a member; data NULL when there is none. */
static alto_slice member(alto_slice object, const char *name)
{
    alto_query_field field = {.name = name, .path = name};
    alto_json_walk walk = alto_json_walk_make(object);
    alto_slice key, value;
    assert_true(alto_json_walk_enter(&walk, '{'));
    while (alto_json_walk_member(&walk, &key) == ALTO_JSON_ITEM) {
        char text[WORD];
        assert_true(alto_json_walk_value(&walk, &value));
        alto_query_text(key, text, sizeof text);
        if (strcmp(text, name) == 0)
            field.value = value;
    }
    return field.value;
}

static void the_pids_of_the_interop_event_are_told(void **state)
{
    test_origin *origin = *state;
    alto_buffer table = test_example("interop93-eps-expected.json");
    if (!add_all_interop(origin))
        return;
    alto_json_walk rows = alto_json_walk_make(alto_buffer_slice(&table));
    alto_slice row;
    size_t count = 0;
    assert_true(alto_json_walk_enter(&rows, '['));
    for (; alto_json_walk_element(&rows) == ALTO_JSON_ITEM && alto_json_walk_value(&rows, &row); count++) {
        alto_slice at = member(row, "endpoint"), by_default = member(row, "default.pid");
        alto_slice by_alternate = member(row, "alternate.pid");
        char request[4 * WORD], wanted[6 * WORD];
        snprintf(request, sizeof request, "{'properties':['default.pid','alternate.pid'],'endpoints':[%.*s]}",
                 (int)at.size, (const char *)at.data);
        snprintf(
            wanted, sizeof wanted,
            "{'meta':{'dependent-vtags':[{'resource-id':'alternate','tag':'a'},{'resource-id':'default','tag':'d'}]},"
            "'endpoint-properties':{%.*s:{'alternate.pid':%.*s,'default.pid':%.*s}}}",
            (int)at.size, (const char *)at.data, (int)by_alternate.size, (const char *)by_alternate.data,
            (int)by_default.size, (const char *)by_default.data);
        assert_answer(origin, "endpoint-property", NULL, request, wanted);
    }
    assert_int_equal(count, 35);
    alto_buffer_fini(&table);
}

/* The cost in the answer to one pair, NaN when there is none. A text that is empty is left out of the request. */
static double ask_pair(const test_origin *origin, const char *client, const char *metric, const char *from,
                       const char *to)
{
    char request[6 * WORD], key_from[WORD], key_to[WORD], number[WORD] = "";
    alto_query_error error;
    alto_buffer out = alto_buffer_make(TEXT_MAX);
    snprintf(request, sizeof request,
             "{\"cost-type\":{\"cost-metric\":\"%s\",\"cost-mode\":\"numerical\"},"
             "\"endpoints\":{\"srcs\":[%s%s%s],\"dsts\":[%s%s%s]}}",
             metric, *from ? "\"" : "", from, *from ? "\"" : "", *to ? "\"" : "", to, *to ? "\"" : "");
    assert_int_equal(ask(origin, "endpoint-cost", client, alto_slice_text(request), &out, &error), ALTO_OK);
    snprintf(key_from, sizeof key_from, "%s", *from ? from : client);
    snprintf(key_to, sizeof key_to, "%s", *to ? to : client);
    alto_slice row = member(member(alto_buffer_slice(&out), "endpoint-cost-map"), key_from);
    alto_slice cell = row.data ? member(row, key_to) : row;
    if (cell.data)
        snprintf(number, sizeof number, "%.*s", (int)cell.size, (const char *)cell.data);
    alto_buffer_fini(&out);
    return *number ? strtod(number, NULL) : NAN;
}

/* Number `column` of a raw array; NaN without an array. */
static double number_at(alto_slice array, int column)
{
    alto_json_walk walk = alto_json_walk_make(array);
    alto_slice value;
    char text[WORD];
    if (!array.data)
        return NAN;
    alto_json_walk_enter(&walk, '[');
    for (int i = 0; i <= column; i++) {
        assert_int_equal(alto_json_walk_element(&walk), ALTO_JSON_ITEM);
        assert_true(alto_json_walk_value(&walk, &value));
    }
    snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
    return strtod(text, NULL);
}

static void assert_pair(const test_origin *origin, const char *client, const char *from, const char *to,
                        alto_slice expected)
{
    static const char *const metrics[] = {"routingcost", "hopcount"};
    for (int column = 0; column < 2; column++) {
        double got = ask_pair(origin, client, metrics[column], from, to), wanted = number_at(expected, column);
        print_message("  case: %s from %s to %s\n", metrics[column], from, to);
        assert_true((isnan(got) && isnan(wanted)) || got == wanted);
    }
}

/* Every source to every destination of a test, each of which may be no list but the client. Returns how many. */
static size_t assert_pairs(const test_origin *origin, const char *client, alto_slice test, alto_slice expected)
{
    alto_query_field lists[] = {{.name = "srcs", .value = member(test, "srcs")},
                                {.name = "dsts", .value = member(test, "dsts")}};
    alto_query_strings sides[2];
    alto_query_error error;
    size_t count = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(alto_query_strings_read(&lists[i], &sides[i], &error), ALTO_OK);
        count += sides[i].count == 0;
    }
    bool of_client = count > 0;
    count = 0;
    for (size_t i = 0; i < (sides[0].count ? sides[0].count : 1); i++)
        for (size_t k = 0; k < (sides[1].count ? sides[1].count : 1); k++, count++) {
            char from[WORD] = "", to[WORD] = "";
            if (sides[0].count)
                snprintf(from, WORD, "%.*s", (int)sides[0].items[i].size, (const char *)sides[0].items[i].data);
            if (sides[1].count)
                snprintf(to, WORD, "%.*s", (int)sides[1].items[k].size, (const char *)sides[1].items[k].data);
            alto_slice found = member(expected, *from ? from : to);
            if (found.data && !of_client)
                found = member(found, to);
            assert_pair(origin, client, from, to, found);
        }
    alto_query_strings_fini(&sides[0]);
    alto_query_strings_fini(&sides[1]);
    return count;
}

static void the_costs_of_the_interop_event_are_told(void **state)
{
    static const struct {
        const char *test, *expected, *client;
        size_t pairs;
    } cases[] = {
        {"test1", "expected", NULL, 14},
        {"test2", "computed-from-maps", NULL, 4},
        {"test3", "expected", NULL, 2},
        {"test4-dsts-omitted", "client-in-default", "ipv4:1.2.3.4", 7},
        {"test4-dsts-omitted", "client-in-private", "ipv4:10.9.8.7", 7},
        {"test5-srcs-omitted", "client-in-private", "ipv6:fc00::9", 7},
    };
    test_origin *origin = *state;
    alto_buffer table = test_example("interop93-ecs-expected.json");
    if (!add_all_interop(origin))
        return;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_slice test = member(alto_buffer_slice(&table), cases[i].test);
        assert_int_equal(assert_pairs(origin, cases[i].client, test, member(test, cases[i].expected)), cases[i].pairs);
    }
    alto_buffer_fini(&table);
}

/* ---- what else is to be said ---- */

#define VTAG(id) "{'resource-id':'" id "','tag':'t1'}"
#define TYPE(metric, mode) "{'cost-metric':'" metric "','cost-mode':'" mode "'}"
#define COST_META(network, type) "{'meta':{'dependent-vtags':[" VTAG(network) "],'cost-type':" type "},'cost-map':"

static void add_maps(test_origin *origin)
{
    add(origin, "net",
        "{'meta':{'vtag':" VTAG("net") "},'network-map':{"
                                       "'PID1':{'ipv4':['192.0.2.0/24','198.51.100.0/25'],'ipv6':['2001:db8::/32']},"
                                       "'PID2':{'ipv4':['198.51.100.128/25']},'PID3':{'ipv4':['0.0.0.0/0']}}}");
    add(origin, "other", "{'meta':{'vtag':" VTAG("other") "},'network-map':{'A':{'ipv4':['0.0.0.0/0']}}}");
    add(origin, "cost",
        COST_META("net", TYPE("routingcost", "numerical")) "{'PID1':{'PID1':0,'PID2':5.5,'PID3':10},"
                                                           "'PID2':{'PID1':7}}}");
    add(origin, "ranks", COST_META("net", TYPE("routingcost", "ordinal")) "{'PID1':{'PID1':1,'PID2':2,'PID3':3}}}");
    add(origin, "a-coarse", COST_META("other", TYPE("routingcost", "numerical")) "{'A':{'A':99}}}"); /* never asked */
    add(origin, "hops", COST_META("other", TYPE("hopcount", "numerical")) "{'A':{'A':4}}}");
}

#define A1 "ipv4:192.0.2.2"
#define A1B "ipv4:192.0.2.89"
#define A2 "ipv4:198.51.100.134"
#define A3 "ipv4:203.0.113.45"

static void properties_are_pids_of_any_network_map(void **state)
{
    static const struct {
        const char *request, *wanted;
    } cases[] = {
        {"{'properties':['net.pid'],'endpoints':['" A1 "','" A2 "','ipv6:2001:DB8::7','" A1 "']}",
         "{'meta':{'dependent-vtags':[" VTAG("net") "]},'endpoint-properties':{'" A1 "':{'net.pid':'PID1'},'" A2
                                                    "':{'net.pid':'PID2'},'ipv6:2001:DB8::7':{'net.pid':'PID1'}}}"},
        {"{'properties':['other.pid','net.pid','net.pid'],'endpoints':['" A3 "'],'unknown':7}",
         "{'meta':{'dependent-vtags':[" VTAG("net") "," VTAG("other") "]},'endpoint-properties':{'" A3
                                                                      "':{'net.pid':'PID3','other.pid':'A'}}}"},
        {"{'properties':['net.pid'],'endpoints':['ipv6:::1']}", /* no value: the endpoint stays */
         "{'meta':{'dependent-vtags':[" VTAG("net") "]},'endpoint-properties':{'ipv6:::1':{}}}"},
        {"{'endpoints':['" A1 "']}", "E_MISSING_FIELD properties "},
        {"{'properties':['net.pid']}", "E_MISSING_FIELD endpoints "},
        {"{'properties':['net.pid'],'endpoints':'" A1 "'}", "E_INVALID_FIELD_TYPE endpoints "},
        {"{'properties':[],'endpoints':['" A1 "']}", "E_INVALID_FIELD_VALUE properties []"},
        {"{'properties':['net.pid'],'endpoints':[]}", "E_INVALID_FIELD_VALUE endpoints []"},
        {"{'properties':['pid'],'endpoints':['" A1 "']}", "E_INVALID_FIELD_VALUE properties pid"},
        {"{'properties':['.pid'],'endpoints':['" A1 "']}", "E_INVALID_FIELD_VALUE properties .pid"},
        {"{'properties':['cost.pid'],'endpoints':['" A1 "']}", "E_INVALID_FIELD_VALUE properties cost.pid"},
        {"{'properties':['net.pid','priv:x'],'endpoints':['" A1 "']}", "E_INVALID_FIELD_VALUE properties priv:x"},
        {"{'properties':['net.pid'],'endpoints':['ipv4:1.2.3.256']}", "E_INVALID_FIELD_VALUE endpoints ipv4:1.2.3.256"},
        {"{'properties':['net.pid'],'endpoints':['ipv6:1.2.3.4']}", "E_INVALID_FIELD_VALUE endpoints ipv6:1.2.3.4"},
        {"{'properties':['net.pid'],'endpoints':['mac-48:00']}", "E_INVALID_FIELD_VALUE endpoints mac-48:00"},
        {"{'properties':['net.pid'],'endpoints':[7]}", "E_INVALID_FIELD_VALUE endpoints 7"},
        {"[]", "E_SYNTAX  "},
    };
    test_origin *origin = *state;
    add_maps(origin);
    for (size_t i = 0; i < countof(cases); i++)
        assert_answer(origin, "endpoint-property", NULL, cases[i].request, cases[i].wanted);
}

#define ENDPOINTS "'endpoints':{'srcs':['" A1 "'],'dsts':['" A3 "','" A1B "','" A2 "','" A2 "']}"
#define ROUTING "'cost-type':" TYPE("routingcost", "numerical")
#define HOPS "'cost-type':" TYPE("hopcount", "numerical")
#define ANSWER(type, id) "{'meta':{" type ",'vtag':" VTAG(id) ",'dependent-vtags':[" VTAG(id) "]},'endpoint-cost-map':"

static void costs_are_those_between_the_pids(void **state)
{
    static const struct {
        const char *request, *wanted;
    } cases[] = {
        /* RFC 7285 11.5.1.7 */
        {"{'cost-type':" TYPE("routingcost", "ordinal") "," ENDPOINTS "}",
         ANSWER("'cost-type':" TYPE("routingcost", "ordinal"), "net") "{'" A1 "':{'" A1B "':1,'" A2 "':2,'" A3
                                                                      "':3}}}"},
        {"{" ROUTING "," ENDPOINTS "}", ANSWER(ROUTING, "net") "{'" A1 "':{'" A1B "':0,'" A2 "':5.5,'" A3 "':10}}}"},
        {"{" ROUTING ",'constraints':['ge 5.5','lt 10']," ENDPOINTS "}",
         ANSWER(ROUTING, "net") "{'" A1 "':{'" A2 "':5.5}}}"},
        {"{" ROUTING ",'or-constraints':[['lt 1'],['gt 9']]," ENDPOINTS "}",
         ANSWER(ROUTING, "net") "{'" A1 "':{'" A1B "':0,'" A3 "':10}}}"},
        {"{" ROUTING ",'constraints':['gt 99']," ENDPOINTS "}", ANSWER(ROUTING, "net") "{}}"},
        {"{'multi-cost-types':[" TYPE("routingcost", "numerical") "," TYPE("hopcount", "numerical") "]," ENDPOINTS "}",
         "{'meta':{'cost-type':{},'multi-cost-types':[" TYPE("routingcost", "numerical") "," TYPE(
             "hopcount",
             "numerical") "],'vtag':" VTAG("net") ",'dependent-vtags':[" VTAG("net") "," VTAG("other") "]},"
                                                                                                       "'endpoint-cost-"
                                                                                                       "map':{'" A1
                                                                                                       "':{'" A1B
                                                                                                       "':[0,4],'" A2
                                                                                                       "':[5.5,4],'" A3
                                                                                                       "':[10,4]}}}"},
        /* what is not defined is left out, and so is a source that has nothing */
        {"{" ROUTING ",'endpoints':{'srcs':['" A1 "','" A2 "','" A3 "','ipv6:::1'],'dsts':['ipv6:2001:db8::','" A2
         "']}}",
         ANSWER(ROUTING, "net") "{'" A1 "':{'" A2 "':5.5,'ipv6:2001:db8::':0},'" A2 "':{'ipv6:2001:db8::':7}}}"},
        {"{" HOPS ",'endpoints':{'srcs':['ipv6:2001:db8::1'],'dsts':['" A1 "']}}", ANSWER(HOPS, "other") "{}}"},
        /* who asks stands for what is not given */
        {"{" ROUTING ",'endpoints':{'srcs':['" A1 "']}}",
         ANSWER(ROUTING, "net") "{'" A1 "':{'ipv4:198.51.100.200':5.5}}}"},
        {"{" ROUTING ",'endpoints':{'srcs':[],'dsts':['" A1 "']}}",
         ANSWER(ROUTING, "net") "{'ipv4:198.51.100.200':{'" A1 "':7}}}"},
        {"{" ROUTING ",'endpoints':{'srcs':[],'dsts':[]}}", "E_INVALID_FIELD_VALUE endpoints {'srcs':[],'dsts':[]}"},
        {"{" ROUTING ",'endpoints':{}}", "E_INVALID_FIELD_VALUE endpoints {}"},
        {"{" ROUTING "}", "E_MISSING_FIELD endpoints "},
        {"{'endpoints':{'srcs':['" A1 "']}}", "E_MISSING_FIELD cost-type "},
        {"{" ROUTING ",'endpoints':[]}", "E_INVALID_FIELD_TYPE endpoints "},
        {"{" ROUTING ",'endpoints':{'srcs':7}}", "E_INVALID_FIELD_TYPE endpoints/srcs "},
        {"{" ROUTING ",'endpoints':{'dsts':['ipv4:1.2.3']}}", "E_INVALID_FIELD_VALUE endpoints/dsts ipv4:1.2.3"},
        {"{'cost-type':" TYPE("routingcost", "no-such") ",'endpoints':{'srcs':['" A1 "']}}",
         "E_INVALID_FIELD_VALUE cost-type/cost-mode no-such"},
        {"{'cost-type':" TYPE("no-such", "numerical") ",'endpoints':{'srcs':['" A1 "']}}",
         "E_INVALID_FIELD_VALUE cost-type/cost-metric no-such"},
        {"{" ROUTING ",'constraints':['ne 1'],'endpoints':{'srcs':['" A1 "']}}",
         "E_INVALID_FIELD_VALUE constraints ne 1"},
    };
    test_origin *origin = *state;
    add_maps(origin);
    for (size_t i = 0; i < countof(cases); i++)
        assert_answer(origin, "endpoint-cost", "ipv4:198.51.100.200", cases[i].request, cases[i].wanted);
    assert_answer(origin, "endpoint-cost", NULL, "{" ROUTING ",'endpoints':{'srcs':['" A1 "']}}",
                  "E_INVALID_FIELD_VALUE endpoints {'srcs':['" A1 "']}");
}

/* A body that asks for the costs from each of `count` addresses to each of them. */
static alto_buffer square(size_t count)
{
    alto_buffer body = alto_buffer_make(TEXT_MAX), list = alto_buffer_make(TEXT_MAX);
    for (size_t i = 0; i < count; i++)
        alto_buffer_print(&list, "%s\"ipv4:192.0.%zu.%zu\"", i ? "," : "", i / 256, i % 256);
    alto_buffer_print(&body, "{\"cost-type\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\"},");
    alto_buffer_print(&body, "\"endpoints\":{\"srcs\":[%.*s],\"dsts\":[%.*s]}}", (int)list.size,
                      (const char *)list.data, (int)list.size, (const char *)list.data);
    alto_buffer_fini(&list);
    assert_int_equal(body.status, ALTO_OK);
    return body;
}

static void no_more_pairs_than_that(void **state)
{
    test_origin *origin = *state;
    add_maps(origin);
    for (size_t count = 1448; count <= 1449; count++) {
        alto_buffer body = square(count), out = alto_buffer_make(1024); /* an answer does not fit either */
        alto_query_error error;
        assert_int_equal(ask(origin, "endpoint-cost", NULL, alto_buffer_slice(&body), &out, &error), ALTO_TOO_LARGE);
        assert_int_equal(out.size > 0, count * count <= ALTO_MAX_PAIRS); /* it was begun */
        alto_buffer_fini(&body);
        alto_buffer_fini(&out);
    }
}

/* ---- memory ---- */

typedef struct {
    test_origin *origin;
    const char *id, *request;
    alto_buffer out;
} attempt;

static alto_status try_asking(void *context)
{
    attempt *self = context;
    alto_query_error error;
    return ask(self->origin, self->id, "ipv4:192.0.2.9", alto_slice_text(self->request), &self->out, &error);
}

static void settle(void *context, alto_status status)
{
    attempt *self = context;
    if (status == ALTO_OK)
        assert_true(self->out.size > 0);
    alto_buffer_fini(&self->out);
    self->out = alto_buffer_make(TEXT_MAX);
}

static void where_memory_ends_the_question_is_not_answered(void **state)
{
    static const char *const questions[][2] = {
        {"endpoint-property", "{'properties':['net.pid','other.pid'],'endpoints':['" A1 "','" A2 "']}"},
        {"endpoint-cost",
         "{'multi-cost-types':[" TYPE("routingcost", "numerical") "," TYPE(
             "hopcount", "numerical") "],'constraints':['ge 0'],'endpoints':{'srcs':['" A1 "','" A2 "']}}"}};
    add_maps(*state);
    for (size_t i = 0; i < countof(questions); i++) {
        char *request = test_quoted(questions[i][1]);
        attempt self = {*state, questions[i][0], request, alto_buffer_make(TEXT_MAX)};
        test_sweep_run(&(test_sweep){self.id, try_asking, settle, 1}, &self);
        alto_buffer_fini(&self.out);
        free(request);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, test_origin_set_up, test_origin_tear_down)
    const struct CMUnitTest tests[] = {
        T(the_pids_of_the_interop_event_are_told),
        T(the_costs_of_the_interop_event_are_told),
        T(properties_are_pids_of_any_network_map),
        T(costs_are_those_between_the_pids),
        T(no_more_pairs_than_that),
        T(where_memory_ends_the_question_is_not_answered),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
