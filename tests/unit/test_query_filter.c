/* SPDX-License-Identifier: Apache-2.0 */
/* Filtered maps: the examples of RFC 7285 and RFC 8189, and what they leave open. */
#include "cmocka_all.h"
#include "core/number.h"
#include "core/query_filter.h"
#include "core/render.h"
#include "origin.h"
#include "random.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 20 };

/* Put a request to a filter; its answer, or "CODE field value" of the error, has to be `wanted`. */
static void assert_answer(test_origin *origin, const char *id, const char *request, const char *wanted)
{
    const alto_view *view = test_origin_view(origin);
    alto_service service;
    alto_query_error error;
    char *body = test_quoted(request);
    alto_buffer out = alto_buffer_make(TEXT_MAX);
    print_message("  case: %s %s\n", id, request);
    assert_true(alto_service_find(view, 3, id, &service));
    alto_status status = service.kind == ALTO_SERVICE_NETWORK_FILTER
                             ? alto_query_network_filter(&service, alto_slice_text(body), &out, &error)
                             : alto_query_cost_filter(view, &service, alto_slice_text(body), &out, &error);
    test_assert_answered(status, &error, &out, wanted);
    free(body);
}

static void add_quoted(test_origin *origin, const char *id, const char *text)
{
    char *json = test_quoted(text);
    test_origin_put(origin, id, json);
    free(json);
}

/* ---- network map ---- */

#define NET_META "{'meta':{'vtag':{'resource-id':'net','tag':'t1'}},'network-map':"

static void add_network_map(test_origin *origin)
{
    add_quoted(origin, "net",
               NET_META "{'PID1':{'ipv4':['192.0.2.0/24','198.51.100.0/25'],'priv:mac':['x']},"
                        "'PID2':{'ipv4':['198.51.100.128/25'],'ipv6':['2001:db8::/32']},"
                        "'PID3':{'ipv4':['0.0.0.0/0'],'ipv6':[]},'PID4':{}}}");
}

static void a_network_map_is_filtered_by_pid_and_address_type(void **state)
{
    static const struct {
        const char *request, *wanted;
    } cases[] = {
        /* RFC 7285 11.3.1.7 */
        {"{'pids':['PID1','PID2']}", NET_META "{'PID1':{'ipv4':['192.0.2.0/24','198.51.100.0/25'],'priv:mac':['x']},"
                                              "'PID2':{'ipv4':['198.51.100.128/25'],'ipv6':['2001:db8::/32']}}}"},
        {"{'pids':[]}", NET_META "{'PID1':{'ipv4':['192.0.2.0/24','198.51.100.0/25'],'priv:mac':['x']},"
                                 "'PID2':{'ipv4':['198.51.100.128/25'],'ipv6':['2001:db8::/32']},"
                                 "'PID3':{'ipv4':['0.0.0.0/0'],'ipv6':[]},'PID4':{}}}"},
        {"{'pids':['PID4','PID4','nobody','','\\u0000 \\\\']}", NET_META "{'PID4':{}}}"},
        {"{'pids':['nobody'],'address-types':[]}", NET_META "{}}"},
        {"{'pids':[],'address-types':['ipv6']}", NET_META "{'PID2':{'ipv6':['2001:db8::/32']}}}"},
        {"{'pids':['PID2','PID1'],'address-types':['ipv6','ipv6','unheard']}",
         NET_META "{'PID1':{},'PID2':{'ipv6':['2001:db8::/32']}}}"},
        {"{'pids':['PID1','PID3'],'address-types':['priv:mac','ipv6'],'unknown':{}}",
         NET_META "{'PID1':{'priv:mac':['x']},'PID3':{'ipv6':[]}}}"},
        {"{'pids':[],'address-types':['priv:mac']}", NET_META "{'PID1':{'priv:mac':['x']}}}"},
        {"{}", "E_MISSING_FIELD pids "},
        {"{'pids':'PID1'}", "E_INVALID_FIELD_TYPE pids "},
        {"{'pids':['PID1',2]}", "E_INVALID_FIELD_VALUE pids 2"},
        {"{'pids':[],'address-types':{}}", "E_INVALID_FIELD_TYPE address-types "},
        {"{'pids':[],'address-types':[[]]}", "E_INVALID_FIELD_VALUE address-types []"},
        {"{'pids':[]", "E_SYNTAX  "},
    };
    test_origin *origin = *state;
    add_network_map(origin);
    for (size_t i = 0; i < countof(cases); i++)
        assert_answer(origin, "net-filtered", cases[i].request, cases[i].wanted);
}

/* ---- cost maps ---- */

#define VTAGS "'dependent-vtags':[{'resource-id':'net','tag':'t1'}]"
#define TYPE(metric) "{'cost-metric':'" metric "','cost-mode':'numerical'}"
#define META(metric) "{'meta':{" VTAGS ",'cost-type':" TYPE(metric) "},'cost-map':"

/* The maps behind the examples of RFC 8189 5.2 to 5.5. */
static void add_cost_maps(test_origin *origin)
{
    add_network_map(origin);
    add_quoted(origin, "routing",
               META("routingcost") "{'PID1':{'PID1':1,'PID2':4,'PID3':10},"
                                   "'PID2':{'PID1':15,'PID2':1},'PID3':{'PID1':20,'PID3':1}}}");
    add_quoted(origin, "shoe",
               META("shoesize") "{'PID1':{'PID1':0,'PID2':3,'PID3':5},"
                                "'PID2':{'PID1':5,'PID2':0,'PID3':9},"
                                "'PID3':{'PID1':12,'PID2':1,'PID3':0}}}");
    add_quoted(origin, "view",
               META("sceneryrate") "{'PID1':{'PID1':16,'PID3':19},'PID2':{'PID2':8},'PID3':{'PID3':19}}}");
}

#define ROUTING "'cost-type':" TYPE("routingcost")
#define SHOE "'cost-type':" TYPE("shoesize")
#define BOTH "'multi-cost-types':[" TYPE("routingcost") "," TYPE("shoesize") "]"
#define MULTI_META(second)                                                                                             \
    "{'meta':{" VTAGS ",'cost-type':{},'multi-cost-types':[" TYPE("routingcost") "," TYPE(second) "]},'cost-map':"

static void a_cost_map_is_filtered_by_pid(void **state)
{
    static const struct {
        const char *request, *wanted;
    } cases[] = {
        /* RFC 7285 11.3.2.7 */
        {"{" ROUTING ",'pids':{'srcs':['PID1'],'dsts':['PID1','PID2','PID3']}}",
         META("routingcost") "{'PID1':{'PID1':1,'PID2':4,'PID3':10}}}"},
        {"{'cost-type':{'cost-mode':'numerical','cost-metric':'shoesize','description':7},"
         "'pids':{'srcs':['PID3','PID2','PID3'],'dsts':['PID3','PID1','PID1','nobody']}}",
         META("shoesize") "{'PID2':{'PID1':5,'PID3':9},'PID3':{'PID1':12,'PID3':0}}}"},
        {"{" ROUTING "}", META("routingcost") "{'PID1':{'PID1':1,'PID2':4,'PID3':10},'PID2':{'PID1':15,'PID2':1},"
                                              "'PID3':{'PID1':20,'PID3':1}}}"},
        {"{" ROUTING ",'pids':{'srcs':[],'dsts':['PID2']}}",
         META("routingcost") "{'PID1':{'PID2':4},'PID2':{'PID2':1}}}"},
        {"{" ROUTING ",'pids':{'srcs':['PID2'],'dsts':[]}}", META("routingcost") "{'PID2':{'PID1':15,'PID2':1}}}"},
        {"{" ROUTING ",'pids':{'srcs':['nobody'],'dsts':[]}}", META("routingcost") "{}}"},
        {"{" ROUTING ",'pids':{'srcs':[],'dsts':['nobody']}}", META("routingcost") "{}}"},
        {"{" ROUTING ",'pids':{'srcs':['PID4'],'dsts':['PID4']}}", META("routingcost") "{}}"},
        {"{'pids':{'srcs':[],'dsts':[]}}", "E_MISSING_FIELD cost-type "},
        {"{'cost-type':{'cost-mode':'numerical'}}", "E_MISSING_FIELD cost-type/cost-metric "},
        {"{'cost-type':{'cost-metric':'routingcost','cost-mode':1}}", "E_INVALID_FIELD_TYPE cost-type/cost-mode "},
        {"{'cost-type':[]}", "E_INVALID_FIELD_TYPE cost-type "},
        {"{'cost-type':{'cost-metric':'no-such-cost','cost-mode':'numerical'}}",
         "E_INVALID_FIELD_VALUE cost-type/cost-metric no-such-cost"},
        {"{'cost-type':{'cost-metric':'routingcost','cost-mode':'no-such-mode'}}",
         "E_INVALID_FIELD_VALUE cost-type/cost-mode no-such-mode"},
        {"{" ROUTING ",'pids':[]}", "E_INVALID_FIELD_TYPE pids "},
        {"{" ROUTING ",'pids':{'srcs':[]}}", "E_MISSING_FIELD pids/dsts "},
        {"{" ROUTING ",'pids':{'srcs':['a',null],'dsts':[]}}", "E_INVALID_FIELD_VALUE pids/srcs null"},
    };
    test_origin *origin = *state;
    add_cost_maps(origin);
    for (size_t i = 0; i < countof(cases); i++)
        assert_answer(origin, "routing-filtered", cases[i].request, cases[i].wanted);
}

static void constraints_leave_out_what_does_not_meet_them(void **state)
{
    static const struct {
        const char *constraints, *wanted; /* the cost map, or the error */
    } cases[] = {
        {"['ge 5','le 15']", META("routingcost") "{'PID1':{'PID3':10},'PID2':{'PID1':15}}}"},
        {"['gt 10.0','lt 2e1']", META("routingcost") "{'PID2':{'PID1':15}}}"},
        {"[' eq\\t4 ']", META("routingcost") "{'PID1':{'PID2':4}}}"},
        {"['[0] eq 20']", META("routingcost") "{'PID3':{'PID1':20}}}"},
        {"['gt 20']", META("routingcost") "{}}"},
        {"[]", META("routingcost") "{'PID1':{'PID1':1,'PID2':4,'PID3':10},'PID2':{'PID1':15,'PID2':1},"
                                   "'PID3':{'PID1':20,'PID3':1}}}"},
        {"['ne 10']", "E_INVALID_FIELD_VALUE constraints ne 10"},
        {"['ge5']", "E_INVALID_FIELD_VALUE constraints ge5"},
        {"['ge x']", "E_INVALID_FIELD_VALUE constraints ge x"},
        {"['ge 5 6']", "E_INVALID_FIELD_VALUE constraints ge 5 6"},
        {"['']", "E_INVALID_FIELD_VALUE constraints "},
        {"['[1] ge 5']", "E_INVALID_FIELD_VALUE constraints [1] ge 5"},
        {"['[] ge 5']", "E_INVALID_FIELD_VALUE constraints [] ge 5"},
        {"['[-1] ge 5']", "E_INVALID_FIELD_VALUE constraints [-1] ge 5"},
        {"['[4294967296] ge 5']", "E_INVALID_FIELD_VALUE constraints [4294967296] ge 5"},
        {"[5]", "E_INVALID_FIELD_VALUE constraints 5"},
        {"'ge 5'", "E_INVALID_FIELD_TYPE constraints "},
    };
    test_origin *origin = *state;
    add_cost_maps(origin);
    for (size_t i = 0; i < countof(cases); i++) {
        char request[300];
        snprintf(request, sizeof request, "{" ROUTING ",'constraints':%s}", cases[i].constraints);
        assert_answer(origin, "routing-filtered", request, cases[i].wanted);
    }
}

static void too_many_constraints_are_refused(void **state)
{
    test_origin *origin = *state;
    char request[8000] = "{" ROUTING ",'constraints':['le 1'";
    add_cost_maps(origin);
    for (unsigned i = 0; i < 255; i++)
        strcat(request, ",'ge 1'");
    size_t end = strlen(request);
    strcat(request, "]}");
    assert_answer(origin, "routing-filtered", request,
                  META("routingcost") "{'PID1':{'PID1':1},'PID2':{'PID2':1},'PID3':{'PID3':1}}}");
    strcpy(request + end, ",'ge 2']}");
    assert_answer(origin, "routing-filtered", request, "E_INVALID_FIELD_VALUE constraints ge 2");
}

static void several_costs_come_as_arrays(void **state)
{
    static const struct {
        const char *request, *wanted;
    } cases[] = {
        /* RFC 8189 5.2 */
        {"{" BOTH ",'pids':{'srcs':[],'dsts':[]}}",
         MULTI_META("shoesize") "{'PID1':{'PID1':[1,0],'PID2':[4,3],'PID3':[10,5]},'PID2':{'PID1':[15,5],'PID2':[1,0],"
                                "'PID3':[null,9]},'PID3':{'PID1':[20,12],'PID2':[null,1],'PID3':[1,0]}}}"},
        /* 5.3 */
        {"{" BOTH ",'or-constraints':[['[0] ge 5','[0] le 10'],['[1] eq 0']],"
         "'pids':{'srcs':['PID1','PID2'],'dsts':['PID1','PID2','PID3']}}",
         MULTI_META("shoesize") "{'PID1':{'PID1':[1,0],'PID3':[10,5]},'PID2':{'PID2':[1,0]}}}"},
        /* 5.4; with PID1 to PID3 at 5 as in 5.3, and at 2 in the RFC */
        {"{" ROUTING ",'testable-cost-types':[" TYPE("routingcost") "," TYPE(
             "shoesize") "],"
                         "'or-constraints':[['[0] le 10','[1] le 5'],['[0] le 3','[1] le "
                         "6']],'pids':{'srcs':[],'dsts':[]}}",
         META("routingcost") "{'PID1':{'PID1':1,'PID2':4,'PID3':10},'PID2':{'PID2':1},'PID3':{'PID3':1}}}"},
        /* 5.5 */
        {"{'multi-cost-types':[" TYPE("routingcost") "," TYPE("sceneryrate") "],'testable-cost-types':[" TYPE(
             "routingcost") "," TYPE("shoesize") "],'or-constraints':[['[0] le 10','[1] le 2'],['[0] gt 9','[1] le "
                                                 "6']]}",
         MULTI_META("sceneryrate") "{'PID1':{'PID1':[1,16],'PID3':[10,19]},'PID2':{'PID1':[15,null],'PID2':[1,8]},"
                                   "'PID3':{'PID3':[1,19]}}}"},
        {"{'multi-cost-types':[" TYPE("shoesize") "],'pids':{'srcs':['PID2'],'dsts':['PID3']}}",
         "{'meta':{" VTAGS
         ",'cost-type':{},'multi-cost-types':[" TYPE("shoesize") "]},'cost-map':{'PID2':{'PID3':[9]}}}"},
        {"{" ROUTING "," BOTH "}",
         "E_INVALID_FIELD_VALUE multi-cost-types [" TYPE("routingcost") "," TYPE("shoesize") "]"},
        {"{'multi-cost-types':[" TYPE("routingcost") "," TYPE("routingcost") "," TYPE("routingcost") "," TYPE(
             "shoesize") "]}",
         "E_INVALID_FIELD_VALUE multi-cost-types " TYPE("shoesize")},
        {"{'multi-cost-types':[]}", "E_INVALID_FIELD_VALUE multi-cost-types []"},
        {"{'multi-cost-types':['x']}", "E_INVALID_FIELD_VALUE multi-cost-types x"},
        {"{'multi-cost-types':[" TYPE("delay") "]}", "E_INVALID_FIELD_VALUE multi-cost-types " TYPE("delay")},
        {"{'multi-cost-types':[" TYPE("routingcost") "," TYPE("shoesize") "," TYPE("routingcost") "," TYPE(
             "sceneryrate") "]}",
         "E_INVALID_FIELD_VALUE multi-cost-types " TYPE("sceneryrate")},
        {"{" ROUTING ",'testable-cost-types':[]}", "E_INVALID_FIELD_VALUE testable-cost-types []"},
        {"{" ROUTING ",'or-constraints':[]}", "E_INVALID_FIELD_VALUE or-constraints []"},
        {"{" ROUTING ",'or-constraints':[[]]}", "E_INVALID_FIELD_VALUE or-constraints []"},
        {"{" ROUTING ",'or-constraints':['ge 5']}", "E_INVALID_FIELD_VALUE or-constraints ge 5"},
        {"{" ROUTING ",'or-constraints':[['[1] ge 5']]}", "E_INVALID_FIELD_VALUE or-constraints [1] ge 5"},
        {"{" ROUTING ",'constraints':[],'or-constraints':[['ge 5']]}",
         "E_INVALID_FIELD_VALUE or-constraints [['ge 5']]"},
    };
    test_origin *origin = *state;
    add_cost_maps(origin);
    for (size_t i = 0; i < countof(cases); i++)
        assert_answer(origin, "routing-filtered", cases[i].request, cases[i].wanted);
}

/* A directory with one filter of two costs, of these capabilities. */
#define DIRECTORY(capabilities)                                                                                        \
    "{'meta':{'cost-types':{'r':" TYPE("routingcost") ",'s':" TYPE(                                                    \
        "shoesize") "}},'resources':{'f':{'uri':'f',"                                                                  \
                    "'media-type':'application/alto-costmap+json','accepts':'application/alto-costmapfilter+json',"    \
                    "'uses':['net'],'capabilities':{'cost-type-names':['r','s']," capabilities "}}}}"

static void only_what_the_origin_lets_be_tested_is(void **state)
{
    static const char some[] = DIRECTORY("'max-cost-types':2,'testable-cost-type-names':['s']");
    static const char one_at_a_time[] = DIRECTORY("'testable-cost-type-names':['s']");
    static const char every[] = DIRECTORY("'cost-constraints':true");
    static const struct {
        const char *directory, *request, *wanted;
    } cases[] = {
        {some, "{" SHOE ",'constraints':['ge 12']}", META("shoesize") "{'PID3':{'PID1':12}}}"},
        {some, "{" ROUTING ",'constraints':['ge 12']}", "E_INVALID_FIELD_VALUE constraints ge 12"},
        {some, "{" ROUTING ",'testable-cost-types':[" TYPE("shoesize") "],'or-constraints':[['ge 12']]}",
         META("routingcost") "{'PID3':{'PID1':20}}}"},
        {some, "{" BOTH ",'constraints':['[1] ge 12','[0] ge 1']}", "E_INVALID_FIELD_VALUE constraints [0] ge 1"},
        {one_at_a_time, "{" SHOE ",'constraints':['ge 12']}", "E_INVALID_FIELD_VALUE constraints ['ge 12']"},
        {every, "{" ROUTING ",'constraints':['ge 20']}", META("routingcost") "{'PID3':{'PID1':20}}}"},
        {every, "{" SHOE ",'constraints':['ge 12']}", META("shoesize") "{'PID3':{'PID1':12}}}"},
    };
    test_origin *origin = *state;
    add_cost_maps(origin);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].request);
        add_quoted(origin, ".ird", cases[i].directory);
        assert_answer(origin, "f", cases[i].request, cases[i].wanted);
    }
}

static void a_filter_that_asks_for_everything_gives_the_whole_map(void **state)
{
    enum { PIDS = 300 };
    test_origin *origin = *state;
    alto_buffer net = alto_buffer_make(TEXT_MAX), cost = alto_buffer_make(4 * TEXT_MAX);
    alto_buffer_add_text(&net, "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{");
    alto_buffer_add_text(&cost, "{\"meta\":{\"cost-type\":{\"cost-metric\":\"m\",\"cost-mode\":\"numerical\"},"
                                "\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}]},\"cost-map\":{");
    for (unsigned i = 0; i < PIDS; i++) {
        alto_buffer_print(&net, "%s\"p%u\":{}", i ? "," : "", i);
        alto_buffer_print(&cost, "%s\"p%u\":{", i ? "," : "", i);
        bool first = true;
        for (unsigned j = 0; j < PIDS; j++) /* rows with other keys among those with all */
            if (i % 7 || j % (i + 2)) {
                alto_buffer_print(&cost, "%s\"p%u\":%u.%u", first ? "" : ",", j, i * j, j % 10);
                first = false;
            }
        alto_buffer_add_text(&cost, "}");
    }
    alto_buffer_add_text(&net, "}}");
    alto_buffer_add_text(&cost, "}}");
    alto_buffer_add_u8(&net, 0);
    alto_buffer_add_u8(&cost, 0);
    test_origin_put(origin, "net", (char *)net.data);
    test_origin_put(origin, "cost", (char *)cost.data);

    const alto_view *view = test_origin_view(origin);
    const char *body = "{\"cost-type\":{\"cost-metric\":\"m\",\"cost-mode\":\"numerical\"}}";
    alto_buffer whole = alto_buffer_make(4 * TEXT_MAX), out = alto_buffer_make(4 * TEXT_MAX);
    alto_service service;
    alto_query_error error;
    assert_true(alto_service_find(view, 3, "cost-filtered", &service));
    assert_int_equal(alto_query_cost_filter(view, &service, alto_slice_text(body), &out, &error), ALTO_OK);
    assert_int_equal(alto_render_text(service.map->version, &whole), ALTO_OK);
    const char *mark = "\"cost-map\"";
    alto_buffer_add_u8(&whole, 0);
    alto_buffer_add_u8(&out, 0);
    assert_string_equal(strstr((char *)out.data, mark), strstr((char *)whole.data, mark));
    alto_buffer_fini(&net);
    alto_buffer_fini(&cost);
    alto_buffer_fini(&whole);
    alto_buffer_fini(&out);
}

/* ---- any part of a map, against its cells ---- */

enum { RAGGED_PIDS = 200, MOST_ASKED = 160 };

/* A map in which rows have other keys than their neighbours, and some PIDs no row or column at all. */
static void add_ragged_map(test_origin *origin, test_random *random)
{
    alto_buffer net = alto_buffer_make(TEXT_MAX), cost = alto_buffer_make(TEXT_MAX);
    alto_buffer_add_text(&net, "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{");
    alto_buffer_add_text(&cost, "{\"meta\":{\"cost-type\":{\"cost-metric\":\"m\",\"cost-mode\":\"numerical\"},"
                                "\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}]},\"cost-map\":{");
    const char *between = "";
    for (unsigned i = 0; i < RAGGED_PIDS; i++) {
        alto_buffer_print(&net, "%s\"p%u\":{}", i ? "," : "", i);
        if (i % 9 == 4)
            continue;
        alto_buffer_print(&cost, "%s\"p%u\":{", between, i);
        between = "";
        for (unsigned j = 0; j < RAGGED_PIDS; j++)
            if (j % 11 != 7 && (i % 3 || test_random_below(random, 4))) {
                alto_buffer_print(&cost, "%s\"p%u\":%.*f", between, j, (int)test_random_below(random, 6),
                                  (double)test_random_below(random, 2000000) / 1000);
                between = ",";
            }
        alto_buffer_add_text(&cost, "}");
        between = ",";
    }
    alto_buffer_add(&net, "}}", 3);
    alto_buffer_add(&cost, "}}", 3);
    test_origin_put(origin, "net", (char *)net.data);
    test_origin_put(origin, "cost", (char *)cost.data);
    alto_buffer_fini(&net);
    alto_buffer_fini(&cost);
}

/* Names in any order, some of them twice and some of nobody. */
static void add_names(alto_buffer *body, bool *asked, test_random *random)
{
    size_t count = 1 + test_random_below(random, MOST_ASKED);
    size_t universe = test_random_below(random, 3) ? RAGGED_PIDS : RAGGED_PIDS + 20;
    for (size_t i = 0; i < count; i++) {
        size_t pid = test_random_below(random, universe);
        alto_buffer_print(body, "%s\"p%zu\"", i ? "," : "", pid);
        asked[pid] = true;
    }
}

static void add_expected_row(alto_buffer *out, const alto_version *map, alto_slice source, const alto_query_strings *to,
                             const char **between)
{
    bool some = false;
    for (size_t k = 0; k < to->count; k++) {
        double cost;
        char text[ALTO_NUMBER_TEXT];
        if (!alto_version_cost(map, source, to->items[k], &cost))
            continue;
        alto_number_format(cost, text);
        if (!some)
            alto_buffer_print(out, "%s\"%.*s\":{", *between, (int)source.size, (const char *)source.data);
        alto_buffer_print(out, "%s\"%.*s\":%s", some ? "," : "", (int)to->items[k].size,
                          (const char *)to->items[k].data, text);
        some = true;
    }
    if (!some)
        return;
    alto_buffer_add_text(out, "}");
    *between = ",";
}

/* The PIDs that were asked for in the order of their names, which `texts` holds. */
static alto_query_strings names_asked(const bool *asked, char texts[][8])
{
    alto_query_strings made = {.items = calloc(RAGGED_PIDS, sizeof *made.items)};
    for (size_t i = 0; i < RAGGED_PIDS; i++)
        if (asked[i]) {
            snprintf(texts[i], sizeof texts[i], "p%zu", i);
            made.items[made.count++] = alto_slice_text(texts[i]);
        }
    alto_query_strings_sort(&made);
    return made;
}

static void any_part_of_a_map_is_what_its_cells_say(void **state)
{
    test_origin *origin = *state;
    test_random random = test_random_make(23);
    add_ragged_map(origin, &random);
    const alto_view *view = test_origin_view(origin);
    alto_service service;
    assert_true(alto_service_find(view, 3, "cost-filtered", &service));
    for (int round = 0; round < 500; round++) {
        bool from[RAGGED_PIDS + 20] = {false}, to[RAGGED_PIDS + 20] = {false};
        char texts[2][RAGGED_PIDS][8];
        const char *between = "";
        alto_buffer body = alto_buffer_make(TEXT_MAX), out = alto_buffer_make(TEXT_MAX),
                    expected = alto_buffer_make(TEXT_MAX);
        alto_query_error error;
        alto_buffer_add_text(&body,
                             "{\"cost-type\":{\"cost-metric\":\"m\",\"cost-mode\":\"numerical\"},\"pids\":{\"srcs\":[");
        add_names(&body, from, &random);
        alto_buffer_add_text(&body, "],\"dsts\":[");
        add_names(&body, to, &random);
        alto_buffer_add_text(&body, "]}}");
        alto_query_strings sources = names_asked(from, texts[0]), destinations = names_asked(to, texts[1]);
        alto_buffer_add_text(&expected, "\"cost-map\":{");
        for (size_t i = 0; i < sources.count; i++)
            add_expected_row(&expected, service.map->version, sources.items[i], &destinations, &between);
        alto_buffer_add(&expected, "}}", 3);
        assert_int_equal(alto_query_cost_filter(view, &service, alto_buffer_slice(&body), &out, &error), ALTO_OK);
        alto_buffer_add_u8(&out, 0);
        assert_string_equal(strstr((char *)out.data, "\"cost-map\""), (char *)expected.data);
        alto_query_strings_fini(&sources);
        alto_query_strings_fini(&destinations);
        alto_buffer_fini(&body);
        alto_buffer_fini(&out);
        alto_buffer_fini(&expected);
    }
}

static void an_answer_that_does_not_fit_is_told(void **state)
{
    test_origin *origin = *state;
    alto_service service;
    alto_query_error error;
    add_cost_maps(origin);
    const alto_view *view = test_origin_view(origin);
    char *body = test_quoted("{'pids':[]}");
    alto_buffer out = alto_buffer_make(100);
    assert_true(alto_service_find(view, 3, "net-filtered", &service));
    assert_int_equal(alto_query_network_filter(&service, alto_slice_text(body), &out, &error), ALTO_TOO_LARGE);
    free(body);
    body = test_quoted("{" ROUTING "}");
    alto_buffer_clear(&out);
    assert_true(alto_service_find(view, 3, "routing-filtered", &service));
    assert_int_equal(alto_query_cost_filter(view, &service, alto_slice_text(body), &out, &error), ALTO_TOO_LARGE);
    alto_buffer_fini(&out);
    free(body);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, test_origin_set_up, test_origin_tear_down)
    const struct CMUnitTest tests[] = {
        T(a_network_map_is_filtered_by_pid_and_address_type),
        T(a_cost_map_is_filtered_by_pid),
        T(constraints_leave_out_what_does_not_meet_them),
        T(too_many_constraints_are_refused),
        T(several_costs_come_as_arrays),
        T(only_what_the_origin_lets_be_tested_is),
        T(a_filter_that_asks_for_everything_gives_the_whole_map),
        T(any_part_of_a_map_is_what_its_cells_say),
        T(an_answer_that_does_not_fit_is_told),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
