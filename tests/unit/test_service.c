/* SPDX-License-Identifier: Apache-2.0 */
/* Which services a view has, and the IDs under which they are found. */
#include "cmocka_all.h"
#include "core/service_origin.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

enum { ALL = 15 };

static void append_id(void *context, const alto_service *service)
{
    char *list = context;
    strcat(list, service->id);
    strcat(list, " ");
}

static void assert_services(const test_origin *origin, unsigned kinds, const char *wanted)
{
    char list[1000] = "";
    alto_services(test_origin_view(origin), kinds, append_id, list);
    assert_string_equal(list, wanted);
}

static void assert_found(const test_origin *origin, const char *id, const char *map)
{
    alto_service service;
    assert_true(alto_service_find(test_origin_view(origin), ALL, id, &service));
    assert_string_equal(service.id, id);
    assert_ptr_equal(service.map, map ? alto_view_by_id(test_origin_view(origin), map) : NULL);
}

static void maps_bring_their_services(void **state)
{
    test_origin *origin = *state;
    alto_service service;
    test_origin_put(origin, "document", "{\"x\":1}");
    assert_services(origin, ALL, "");
    test_origin_put_network_map(origin, "net");
    assert_services(origin, ALL, "net-filtered endpoint-property ");
    test_origin_put_cost_map(origin, "cost", "net", "numerical", "routingcost");
    assert_services(origin, ALL, "cost-filtered net-filtered endpoint-property endpoint-cost ");
    assert_services(origin, ALTO_SERVICE_BIT(ALTO_SERVICE_COST_FILTER), "cost-filtered ");
    assert_found(origin, "net-filtered", "net");
    assert_found(origin, "cost-filtered", "cost");
    assert_found(origin, "endpoint-property", NULL);
    assert_found(origin, "endpoint-cost", NULL);
    const alto_view *view = test_origin_view(origin);
    static const char *const others[] = {"",
                                         "net",
                                         "-filtered",
                                         "document-filtered",
                                         "net-filtered-2",
                                         "net-filtered-filtered",
                                         "endpoint-",
                                         "endpoint-property-2"};
    for (size_t i = 0; i < countof(others); i++)
        assert_false(alto_service_find(view, ALL, others[i], &service));
    assert_false(alto_service_find(view, ALTO_SERVICE_BIT(ALTO_SERVICE_COST_FILTER), "net-filtered", &service));
}

static void an_id_that_is_taken_gets_a_number(void **state)
{
    test_origin *origin = *state;
    test_origin_put_network_map(origin, "net");
    test_origin_put_network_map(origin, "net-filtered");
    test_origin_put(origin, "net-filtered-2", "{\"x\":1}");
    test_origin_put(origin, "endpoint-property", "{\"x\":1}");
    assert_services(origin, ALL, "net-filtered-3 net-filtered-filtered endpoint-property-2 ");
    assert_found(origin, "net-filtered-3", "net");
    assert_found(origin, "net-filtered-filtered", "net-filtered");
    assert_found(origin, "endpoint-property-2", NULL);
}

static void long_ids_are_cut_and_stay_apart(void **state)
{
    test_origin *origin = *state;
    char a[ALTO_MAX_NAME + 1], b[ALTO_MAX_NAME + 1], list[400] = "";
    memset(a, 'n', ALTO_MAX_NAME);
    a[ALTO_MAX_NAME] = 0;
    memcpy(b, a, sizeof b);
    b[ALTO_MAX_NAME - 1] = 'o';
    test_origin_put_network_map(origin, a);
    test_origin_put_network_map(origin, b);
    alto_services(test_origin_view(origin), ALTO_SERVICE_BIT(ALTO_SERVICE_NETWORK_FILTER), append_id, list);
    char *second = strchr(list, ' ');
    assert_non_null(second);
    *second++ = 0;
    second[strlen(second) - 1] = 0;
    assert_true(alto_name_valid(alto_slice_text(list)) && alto_name_valid(alto_slice_text(second)));
    assert_string_not_equal(list, second);
    assert_found(origin, list, a);
    assert_found(origin, second, b);
}

static void costs_are_those_of_the_same_network_map_each_type_once(void **state)
{
    test_origin *origin = *state;
    const alto_resource *costs[ALTO_SERVICE_COSTS];
    alto_service service;
    test_origin_put_network_map(origin, "n1");
    test_origin_put_network_map(origin, "n2");
    test_origin_put_cost_map(origin, "a", "n1", "numerical", "routingcost");
    test_origin_put_cost_map(origin, "b", "n1", "numerical", "hopcount");
    test_origin_put_cost_map(origin, "c", "n1", "numerical", "hopcount");
    test_origin_put_cost_map(origin, "d", "n2", "numerical", "delay");
    const alto_view *view = test_origin_view(origin);
    assert_true(alto_service_find(view, ALL, "c-filtered", &service));
    assert_int_equal(alto_service_costs(view, &service, costs), 2);
    assert_ptr_equal(costs[0], alto_view_by_id(view, "c"));
    assert_ptr_equal(costs[1], alto_view_by_id(view, "a"));
    assert_true(alto_service_find(view, ALL, "endpoint-cost", &service));
    assert_int_equal(alto_service_costs(view, &service, costs), 3);

    assert_true(alto_service_find(view, ALL, "a-filtered", &service));
    static const struct {
        alto_cost_type type;
        const char *wanted;
    } cases[] = {{{"routingcost", "numerical"}, "a"},
                 {{"hopcount", "numerical"}, "b"},
                 {{"hopcount", "ordinal"}, NULL},
                 {{"delay", "numerical"}, NULL}};
    for (size_t i = 0; i < countof(cases); i++)
        assert_ptr_equal(alto_service_cost(view, &service, &cases[i].type),
                         cases[i].wanted ? alto_view_by_id(view, cases[i].wanted) : NULL);
}

static void a_cost_map_without_its_network_map_has_no_service(void **state)
{
    test_origin *origin = *state;
    test_origin_put_cost_map(origin, "lost", "nowhere", "numerical", "routingcost");
    test_origin_put(origin, "untyped", "{\"meta\":{},\"cost-map\":{}}");
    assert_services(origin, ALL, "");
}

static const char directory[] =
    "{\"meta\":{\"cost-types\":{\"c\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"
    "\"h\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"}}},\"resources\":{"
    "\"f\":{\"uri\":\"f\",\"media-type\":\"application/alto-costmap+json\",\"accepts\":"
    "\"application/alto-costmapfilter+json\",\"uses\":[\"net\"],"
    "\"capabilities\":{\"cost-type-names\":[\"c\"]}},"
    "\"net-filtered\":{\"uri\":\"g\",\"media-type\":\"application/alto-costmap+json\",\"accepts\":"
    "\"application/alto-costmapfilter+json\",\"uses\":[\"net\"],"
    "\"capabilities\":{\"cost-constraints\":true,\"max-cost-types\":12,\"cost-type-names\":[\"h\",\"c\"]}},"
    "\"lost\":{\"uri\":\"l\",\"media-type\":\"application/alto-networkmap+json\",\"accepts\":"
    "\"application/alto-networkmapfilter+json\",\"uses\":[\"nowhere\"]},"
    "\"p\":{\"uri\":\"p\",\"media-type\":\"application/alto-endpointprop+json\",\"accepts\":"
    "\"application/alto-endpointpropparams+json\",\"capabilities\":{\"prop-types\":[\"net.pid\"]}}}}";

static void the_services_of_the_origin_come_first(void **state)
{
    test_origin *origin = *state;
    const alto_resource *costs[ALTO_SERVICE_COSTS];
    alto_service service;
    test_origin_put(origin, ".ird", directory);
    test_origin_put_network_map(origin, "net");
    test_origin_put_network_map(origin, "more");
    test_origin_put_cost_map(origin, "cost", "net", "numerical", "routingcost");
    assert_services(origin, ALL, "more-filtered net-filtered-2 endpoint-cost ");
    assert_false(alto_service_find(test_origin_view(origin), ALL, "net-filtered", &service)); /* no hopcount yet */
    test_origin_put_cost_map(origin, "hops", "net", "numerical", "hopcount");
    const alto_view *view = test_origin_view(origin);

    assert_found(origin, "f", "cost");
    assert_true(alto_service_find(view, ALL, "f", &service));
    assert_int_equal(alto_service_costs(view, &service, costs), 1);
    assert_false(alto_service_tests(&service, NULL));
    assert_int_equal(alto_service_several(&service), 0);

    assert_true(alto_service_find(view, ALL, "net-filtered", &service));
    assert_int_equal(service.kind, ALTO_SERVICE_COST_FILTER);
    assert_int_equal(alto_service_costs(view, &service, costs), 2);
    assert_ptr_equal(costs[0], alto_view_by_id(view, "hops"));
    assert_true(alto_service_tests(&service, NULL) && alto_service_tests(&service, costs[1]));
    assert_int_equal(alto_service_several(&service), 12);

    assert_true(alto_service_find(view, ALL, "p", &service));
    assert_ptr_equal(alto_service_property(view, &service, alto_slice_text("net.pid")), alto_view_by_id(view, "net"));
    assert_null(alto_service_property(view, &service, alto_slice_text("more.pid")));
    static const char *const others[] = {"lost", "cost-filtered", "endpoint-property"};
    for (size_t i = 0; i < countof(others); i++)
        assert_false(alto_service_find(view, ALL, others[i], &service));
    assert_false(alto_service_find(view, ALTO_SERVICE_BIT(ALTO_SERVICE_NETWORK_FILTER), "f", &service));
}

static bool is_named(void *context, const char *id)
{
    return strcmp(id, context) == 0;
}

static void what_the_origin_has_is_told_by_kind(void **state)
{
    test_origin *origin = *state;
    char filter[] = "lost", property[] = "p", nothing[] = "q";
    test_origin_put(origin, "document", "{\"x\":1}");
    assert_false(alto_origin_has(test_origin_view(origin), ALTO_SERVICE_ENDPOINT_PROPERTY, is_named, property));
    test_origin_put(origin, ".ird", directory); /* without maps, so that none of it is answered here */
    const alto_view *view = test_origin_view(origin);
    assert_true(alto_origin_has(view, ALTO_SERVICE_NETWORK_FILTER, is_named, filter));
    assert_true(alto_origin_has(view, ALTO_SERVICE_ENDPOINT_PROPERTY, is_named, property));
    assert_false(alto_origin_has(view, ALTO_SERVICE_ENDPOINT_PROPERTY, is_named, filter));
    assert_false(alto_origin_has(view, ALTO_SERVICE_ENDPOINT_COST, is_named, property));
    assert_false(alto_origin_has(view, ALTO_SERVICE_NETWORK_FILTER, is_named, nothing));
}

static void what_may_not_be_shown_is_told(void **state)
{
    test_origin *origin = *state;
    alto_service service;
    test_origin_put(origin, ".ird", directory);
    test_origin_put_network_map(origin, "net");
    test_origin_put_cost_map(origin, "cost", "net", "numerical", "routingcost");
    const alto_resource *held = alto_view_by_id(test_origin_view(origin), "cost");
    alto_new_state withheld = {.name = held->name, .version = held->version, .flags = ALTO_ENTRY_WITHHELD};
    test_origin_commit(origin, &withheld, 1);
    assert_true(alto_service_find(test_origin_view(origin), ALL, "f", &service));
    assert_ptr_equal(service.map, alto_view_by_id(test_origin_view(origin), "cost"));
    assert_false(alto_resource_shown(service.map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_services_of_the_origin_come_first, test_origin_set_up,
                                        test_origin_tear_down),
        cmocka_unit_test_setup_teardown(what_the_origin_has_is_told_by_kind, test_origin_set_up, test_origin_tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_shown_is_told, test_origin_set_up, test_origin_tear_down),
        cmocka_unit_test_setup_teardown(maps_bring_their_services, test_origin_set_up, test_origin_tear_down),
        cmocka_unit_test_setup_teardown(an_id_that_is_taken_gets_a_number, test_origin_set_up, test_origin_tear_down),
        cmocka_unit_test_setup_teardown(long_ids_are_cut_and_stay_apart, test_origin_set_up, test_origin_tear_down),
        cmocka_unit_test_setup_teardown(costs_are_those_of_the_same_network_map_each_type_once, test_origin_set_up,
                                        test_origin_tear_down),
        cmocka_unit_test_setup_teardown(a_cost_map_without_its_network_map_has_no_service, test_origin_set_up,
                                        test_origin_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
