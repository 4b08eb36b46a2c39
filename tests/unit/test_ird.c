/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that a server of a view offers, and the paths in it. */
#include "cmocka_all.h"
#include "core/ird.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

static int set_up(void **state)
{
    *state = test_origin_new(5);
    return 0;
}

static int tear_down(void **state)
{
    test_origin *origin = *state;
    test_origin_destroy(&origin);
    return 0;
}

static void add(test_origin *origin, const char *id, const char *text)
{
    test_origin_set(origin, id, test_json(origin->pool, text));
}

static void add_network_map(test_origin *origin, const char *id)
{
    char text[200];
    snprintf(text, sizeof text,
             "{\"meta\":{\"vtag\":{\"resource-id\":\"%s\",\"tag\":\"t\"}},\"network-map\":{\"P\":{}}}", id);
    add(origin, id, text);
}

static void add_cost_map(test_origin *origin, const char *id, const char *network_map, const char *mode,
                         const char *metric)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"%s\",\"tag\":\"t\"}],\"cost-type\":{\"cost-mode\":"
             "\"%s\",\"cost-metric\":\"%s\"}},\"cost-map\":{}}",
             network_map, mode, metric);
    add(origin, id, text);
}

static void assert_directory_with(test_origin *origin, unsigned services, const char *wanted)
{
    alto_buffer text = alto_buffer_make(1 << 20), canonical = alto_buffer_make(1 << 20);
    assert_int_equal(alto_ird(test_origin_view(origin), services, "", &text), ALTO_OK);
    assert_int_equal(alto_json_canonical(alto_buffer_slice(&text), &canonical, NULL), ALTO_OK); /* it is JSON, too */
    alto_buffer_add_u8(&text, 0);
    assert_string_equal((char *)text.data, wanted);
    alto_buffer_fini(&text);
    alto_buffer_fini(&canonical);
}

static void assert_directory(test_origin *origin, const char *wanted)
{
    assert_directory_with(origin, 0, wanted);
}

static void an_empty_view_has_an_empty_directory(void **state)
{
    test_origin *origin = *state;
    test_origin_commit(origin, NULL, 0);
    assert_directory(origin, "{\"meta\":{\"cost-types\":{}},\"resources\":{}}");
}

static void a_directory_names_types_capabilities_and_dependencies(void **state)
{
    test_origin *origin = *state;
    add_network_map(origin, "net");
    add_cost_map(origin, "c1", "net", "numerical", "routingcost");
    add_cost_map(origin, "c2", "net", "ordinal", "hopcount");
    add(origin, "d", "{\"x\":1}");
    assert_directory(origin,
                     "{\"meta\":{\"cost-types\":{"
                     "\"num-routingcost\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"
                     "\"ord-hopcount\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"hopcount\"}},"
                     "\"default-alto-network-map\":\"net\"},\"resources\":{"
                     "\"c1\":{\"uri\":\"/c1\",\"media-type\":\"application/alto-costmap+json\",\"capabilities\":{"
                     "\"cost-type-names\":[\"num-routingcost\"]},\"uses\":[\"net\"]},"
                     "\"c2\":{\"uri\":\"/c2\",\"media-type\":\"application/alto-costmap+json\",\"capabilities\":{"
                     "\"cost-type-names\":[\"ord-hopcount\"]},\"uses\":[\"net\"]},"
                     "\"d\":{\"uri\":\"/d\",\"media-type\":\"application/json\"},"
                     "\"net\":{\"uri\":\"/net\",\"media-type\":\"application/alto-networkmap+json\"}}}");
}

static void services_are_listed_with_what_they_take_and_can(void **state)
{
    test_origin *origin = *state;
    add_network_map(origin, "net");
    add_cost_map(origin, "c", "net", "numerical", "routingcost");
    add_cost_map(origin, "d", "net", "ordinal", "hopcount");
    const char *maps = "{\"meta\":{\"cost-types\":{"
                       "\"num-routingcost\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"
                       "\"ord-hopcount\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"hopcount\"}},"
                       "\"default-alto-network-map\":\"net\"},\"resources\":{"
                       "\"c\":{\"uri\":\"/c\",\"media-type\":\"application/alto-costmap+json\",\"capabilities\":{"
                       "\"cost-type-names\":[\"num-routingcost\"]},\"uses\":[\"net\"]},"
                       "\"d\":{\"uri\":\"/d\",\"media-type\":\"application/alto-costmap+json\",\"capabilities\":{"
                       "\"cost-type-names\":[\"ord-hopcount\"]},\"uses\":[\"net\"]},"
                       "\"net\":{\"uri\":\"/net\",\"media-type\":\"application/alto-networkmap+json\"}";
    static const struct {
        unsigned services;
        const char *entries;
    } cases[] = {
        {ALTO_SERVICE_BIT(ALTO_SERVICE_NETWORK_FILTER),
         ",\"net-filtered\":{\"uri\":\"/net-filtered\",\"media-type\":\"application/alto-networkmap+json\","
         "\"accepts\":\"application/alto-networkmapfilter+json\",\"uses\":[\"net\"]}"},
        {ALTO_SERVICE_BIT(ALTO_SERVICE_COST_FILTER),
         ",\"c-filtered\":{\"uri\":\"/c-filtered\",\"media-type\":\"application/alto-costmap+json\","
         "\"accepts\":\"application/alto-costmapfilter+json\",\"capabilities\":{\"cost-type-names\":["
         "\"num-routingcost\",\"ord-hopcount\"],\"cost-constraints\":true,\"max-cost-types\":2},\"uses\":[\"net\"]}"
         ",\"d-filtered\":{\"uri\":\"/d-filtered\",\"media-type\":\"application/alto-costmap+json\","
         "\"accepts\":\"application/alto-costmapfilter+json\",\"capabilities\":{\"cost-type-names\":["
         "\"ord-hopcount\",\"num-routingcost\"],\"cost-constraints\":true,\"max-cost-types\":2},\"uses\":[\"net\"]}"},
        {ALTO_SERVICE_BIT(ALTO_SERVICE_ENDPOINT_PROPERTY),
         ",\"endpoint-property\":{\"uri\":\"/endpoint-property\",\"media-type\":\"application/alto-endpointprop+json\","
         "\"accepts\":\"application/alto-endpointpropparams+json\",\"capabilities\":{\"prop-types\":[\"net.pid\"]}}"},
        {ALTO_SERVICE_BIT(ALTO_SERVICE_ENDPOINT_COST),
         ",\"endpoint-cost\":{\"uri\":\"/endpoint-cost\",\"media-type\":\"application/alto-endpointcost+json\","
         "\"accepts\":\"application/alto-endpointcostparams+json\",\"capabilities\":{\"cost-type-names\":["
         "\"num-routingcost\",\"ord-hopcount\"],\"cost-constraints\":true,\"max-cost-types\":2}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char wanted[4000];
        snprintf(wanted, sizeof wanted, "%s%s}}", maps, cases[i].entries);
        assert_directory_with(origin, cases[i].services, wanted);
    }
}

static void a_cost_type_is_listed_once_whoever_uses_it(void **state)
{
    test_origin *origin = *state;
    char id[20];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(id, sizeof id, "c%02u", i);
        add_cost_map(origin, id, "net", "numerical", i % 2 ? "b" : "a");
    }
    alto_buffer text = alto_buffer_make(1 << 20);
    assert_int_equal(alto_ird(test_origin_view(origin), 0, "", &text), ALTO_OK);
    alto_buffer_add_u8(&text, 0);
    const char *begin = "{\"meta\":{\"cost-types\":{\"num-a\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"a\"},"
                        "\"num-b\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"b\"}}},\"resources\":{";
    assert_memory_equal(text.data, begin, strlen(begin));
    alto_buffer_fini(&text);
}

static void odd_maps_make_no_odd_directory(void **state)
{
    test_origin *origin = *state;
    add(origin, "no-type", "{\"cost-map\":{}}");
    add(origin, "bad-type", "{\"meta\":{\"cost-type\":7},\"cost-map\":{}}");
    add_cost_map(origin, "quoted", "net", "a\\\"b", "\\u0041\\\\"); /* escaped in the text */
    assert_directory(origin, "{\"meta\":{\"cost-types\":{\"a\\\"b-A\\\\\":{\"cost-mode\":\"a\\\"b\",\"cost-metric\":"
                             "\"A\\\\\"}}},\"resources\":{"
                             "\"bad-type\":{\"uri\":\"/bad-type\",\"media-type\":\"application/alto-costmap+json\"},"
                             "\"no-type\":{\"uri\":\"/no-type\",\"media-type\":\"application/alto-costmap+json\"},"
                             "\"quoted\":{\"uri\":\"/quoted\",\"media-type\":\"application/alto-costmap+json\","
                             "\"capabilities\":{\"cost-type-names\":[\"a\\\"b-A\\\\\"]},\"uses\":[\"net\"]}}}");
}

static void what_is_not_shown_is_not_listed(void **state)
{
    test_origin *origin = *state;
    add_network_map(origin, "a-net");
    add_network_map(origin, "b-net");
    const alto_resource *held = alto_view_by_id(test_origin_view(origin), "a-net");
    alto_new_state withheld = {.name = held->name, .version = held->version, .flags = ALTO_ENTRY_WITHHELD};
    test_origin_commit(origin, &withheld, 1);
    assert_directory(origin, "{\"meta\":{\"cost-types\":{},\"default-alto-network-map\":\"b-net\"},\"resources\":{"
                             "\"b-net\":{\"uri\":\"/b-net\",\"media-type\":\"application/alto-networkmap+json\"}}}");
}

static void what_altocast_publishes_itself_is_not_listed(void **state)
{
    test_origin *origin = *state;
    add(origin, ".capability", "{\"altocast\":{}}");
    add(origin, ".ird", "{\"resources\":{}}");
    assert_directory(origin, "{\"meta\":{\"cost-types\":{}},\"resources\":{}}");
}

static void a_directory_can_point_at_another_server(void **state)
{
    test_origin *origin = *state;
    add(origin, "d", "{}");
    add(origin, "resource", "{}");
    alto_buffer text = alto_buffer_make(1 << 20);
    assert_int_equal(alto_ird(test_origin_view(origin), 0, "https://r.example/isp", &text), ALTO_OK);
    alto_buffer_add_u8(&text, 0);
    assert_string_equal((char *)text.data,
                        "{\"meta\":{\"cost-types\":{}},\"resources\":{"
                        "\"d\":{\"uri\":\"https://r.example/isp/d\",\"media-type\":\"application/json\"},"
                        "\"resource\":{\"uri\":\"https://r.example/isp/resource/resource\",\"media-type\":"
                        "\"application/json\"}}}");
    alto_buffer_fini(&text);
}

static void a_buffer_that_is_too_small_is_told(void **state)
{
    test_origin *origin = *state;
    add_network_map(origin, "net");
    alto_buffer text = alto_buffer_make(40);
    assert_int_equal(alto_ird(test_origin_view(origin), 0, "", &text), ALTO_TOO_LARGE);
    alto_buffer_fini(&text);
}

static void every_path_leads_back_to_its_resource(void **state)
{
    static const struct {
        const char *id, *path;
    } cases[] = {{"net", "/net"},
                 {"a:b@c-d_e", "/a:b@c-d_e"},
                 {"directory", "/resource/directory"},
                 {"notify", "/resource/notify"},
                 {"redistribution", "/resource/redistribution"},
                 {"resource", "/resource/resource"},
                 {".ird", "/resource/.ird"},
                 {"directory2", "/directory2"},
                 {"a234567890123456789012345678901234567890123456789012345678901234",
                  "/a234567890123456789012345678901234567890123456789012345678901234"}};
    test_origin *origin = *state;
    for (size_t i = 0; i < countof(cases); i++)
        add(origin, cases[i].id, "{}");
    const alto_view *view = test_origin_view(origin);
    for (size_t i = 0; i < countof(cases); i++) {
        char path[ALTO_URI_PATH];
        const alto_resource *resource = alto_view_by_id(view, cases[i].id);
        assert_non_null(resource);
        alto_id_path(resource->name.id, path);
        assert_string_equal(path, cases[i].path);
        assert_ptr_equal(alto_resource_at(view, path), resource);
    }
    static const char *const nowhere[] = {"", "/", "/directory", "/.ird", "/resource/", "net", "/nets", "/resource"};
    for (size_t i = 0; i < countof(nowhere); i++)
        assert_null(alto_resource_at(view, nowhere[i]));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(an_empty_view_has_an_empty_directory),
        T(a_directory_names_types_capabilities_and_dependencies),
        T(services_are_listed_with_what_they_take_and_can),
        T(a_cost_type_is_listed_once_whoever_uses_it),
        T(odd_maps_make_no_odd_directory),
        T(what_is_not_shown_is_not_listed),
        T(what_altocast_publishes_itself_is_not_listed),
        T(a_directory_can_point_at_another_server),
        T(a_buffer_that_is_too_small_is_told),
        T(every_path_leads_back_to_its_resource),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
