/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that a server of a view offers, and the paths in it. */
#include "cmocka_all.h"
#include "core/ird.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

static void assert_directory_with(test_origin *origin, unsigned services, const char *wanted)
{
    alto_buffer text = alto_buffer_make(1 << 20), canonical = alto_buffer_make(1 << 20);
    assert_int_equal(alto_ird(test_origin_view(origin), services, "", NULL, NULL, &text), ALTO_OK);
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
    test_origin_put_network_map(origin, "net");
    test_origin_put_cost_map(origin, "c1", "net", "numerical", "routingcost");
    test_origin_put_cost_map(origin, "c2", "net", "ordinal", "hopcount");
    test_origin_put(origin, "d", "{\"x\":1}");
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
    test_origin_put_network_map(origin, "net");
    test_origin_put_cost_map(origin, "c", "net", "numerical", "routingcost");
    test_origin_put_cost_map(origin, "d", "net", "ordinal", "hopcount");
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
        test_origin_put_cost_map(origin, id, "net", "numerical", i % 2 ? "b" : "a");
    }
    alto_buffer text = alto_buffer_make(1 << 20);
    assert_int_equal(alto_ird(test_origin_view(origin), 0, "", NULL, NULL, &text), ALTO_OK);
    alto_buffer_add_u8(&text, 0);
    const char *begin = "{\"meta\":{\"cost-types\":{\"num-a\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"a\"},"
                        "\"num-b\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"b\"}}},\"resources\":{";
    assert_memory_equal(text.data, begin, strlen(begin));
    alto_buffer_fini(&text);
}

static void odd_maps_make_no_odd_directory(void **state)
{
    test_origin *origin = *state;
    test_origin_put(origin, "no-type", "{\"cost-map\":{}}");
    test_origin_put(origin, "bad-type", "{\"meta\":{\"cost-type\":7},\"cost-map\":{}}");
    test_origin_put_cost_map(origin, "quoted", "net", "a\\\"b", "\\u0041\\\\"); /* escaped in the text */
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
    test_origin_put_network_map(origin, "a-net");
    test_origin_put_network_map(origin, "b-net");
    const alto_resource *held = alto_view_by_id(test_origin_view(origin), "a-net");
    alto_new_state withheld = {.name = held->name, .version = held->version, .flags = ALTO_ENTRY_WITHHELD};
    test_origin_commit(origin, &withheld, 1);
    assert_directory(origin, "{\"meta\":{\"cost-types\":{},\"default-alto-network-map\":\"b-net\"},\"resources\":{"
                             "\"b-net\":{\"uri\":\"/b-net\",\"media-type\":\"application/alto-networkmap+json\"}}}");
}

static void what_altocast_publishes_itself_is_not_listed(void **state)
{
    test_origin *origin = *state;
    test_origin_put(origin, ".capability", "{\"altocast\":{}}");
    test_origin_put(origin, ".ird", "{\"resources\":[]}"); /* no directory */
    assert_directory(origin, "{\"meta\":{\"cost-types\":{}},\"resources\":{}}");
}

static void a_directory_can_point_at_another_server(void **state)
{
    test_origin *origin = *state;
    test_origin_put(origin, "d", "{}");
    test_origin_put(origin, "resource", "{}");
    alto_buffer text = alto_buffer_make(1 << 20);
    assert_int_equal(alto_ird(test_origin_view(origin), 0, "https://r.example/isp", NULL, NULL, &text), ALTO_OK);
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
    test_origin_put_network_map(origin, "net");
    alto_buffer text = alto_buffer_make(40);
    assert_int_equal(alto_ird(test_origin_view(origin), 0, "", NULL, NULL, &text), ALTO_TOO_LARGE);
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
        test_origin_put(origin, cases[i].id, "{}");
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

/* ---- an ALTO server as the origin ---- */

static const char rfc_directory[] = /* RFC 7285 9.2.3 */
    "{\"meta\":{\"cost-types\":{\"num-routing\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routin"
    "gcost\",\"description\":\"My default\"},\"num-hop\":{\"cost-mode\":\"numerical\",\"cost-metric\""
    ":\"hopcount\"},\"ord-routing\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"routingcost\"},\"ord"
    "-hop\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"hopcount\"}},\"default-alto-network-map\":\""
    "my-default-network-map\"},\"resources\":{\"my-default-network-map\":{\"uri\":\"http://alto.examp"
    "le.com/networkmap\",\"media-type\":\"application/alto-networkmap+json\"},\"numerical-routing-cos"
    "t-map\":{\"uri\":\"http://alto.example.com/costmap/num/routingcost\",\"media-type\":\"applicatio"
    "n/alto-costmap+json\",\"capabilities\":{\"cost-type-names\":[\"num-routing\"]},\"uses\":[\"my-de"
    "fault-network-map\"]},\"numerical-hopcount-cost-map\":{\"uri\":\"http://alto.example.com/costmap"
    "/num/hopcount\",\"media-type\":\"application/alto-costmap+json\",\"capabilities\":{\"cost-type-n"
    "ames\":[\"num-hop\"]},\"uses\":[\"my-default-network-map\"]},\"custom-maps-resources\":{\"uri\":"
    "\"http://custom.alto.example.com/maps\",\"media-type\":\"application/alto-directory+json\"},\"en"
    "dpoint-property\":{\"uri\":\"http://alto.example.com/endpointprop/lookup\",\"media-type\":\"appl"
    "ication/alto-endpointprop+json\",\"accepts\":\"application/alto-endpointpropparams+json\",\"capa"
    "bilities\":{\"prop-types\":[\"my-default-network-map.pid\",\"priv:ietf-example-prop\"]}},\"endpo"
    "int-cost\":{\"uri\":\"http://alto.example.com/endpointcost/lookup\",\"media-type\":\"application"
    "/alto-endpointcost+json\",\"accepts\":\"application/alto-endpointcostparams+json\",\"capabilitie"
    "s\":{\"cost-constraints\":true,\"cost-type-names\":[\"num-routing\",\"num-hop\",\"ord-routing\","
    "\"ord-hop\"]}}}}";

static const char hand_made[] =
    "{\"meta\":{\"cost-types\":{\"c\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\",\""
    "description\":\"d\"},\"h\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"}},\"default"
    "-alto-network-map\":\"n2\",\"vendor\":{\"a\":[1]}},\"resources\":{\"n1\":{\"uri\":\"http://o/1\""
    ",\"media-type\":\"application/alto-networkmap+json\"},\"n2\":{\"uri\":\"http://o/2\",\"media-typ"
    "e\":\"application/alto-networkmap+json\"},\"private\":{\"uri\":\"http://o/p\",\"media-type\":\"a"
    "pplication/alto-networkmap+json\"},\"m1\":{\"uri\":\"http://o/m\",\"media-type\":\"application/a"
    "lto-costmap+json\",\"capabilities\":{\"cost-type-names\":[\"c\"]},\"uses\":[\"n1\"]},\"h1\":{\"u"
    "ri\":\"http://o/h\",\"media-type\":\"application/alto-costmap+json\",\"capabilities\":{\"cost-ty"
    "pe-names\":[\"h\"]},\"uses\":[\"n1\"]},\"nets\":{\"uri\":\"http://o/q\",\"media-type\":\"applica"
    "tion/alto-networkmap+json\",\"accepts\":\"application/alto-networkmapfilter+json\",\"uses\":[\"n"
    "1\"],\"x-vendor\":7},\"both\":{\"uri\":\"http://o/b\",\"media-type\":\"application/alto-costmap+"
    "json\",\"accepts\":\"application/alto-costmapfilter+json\",\"capabilities\":{\"cost-type-names\""
    ":[\"h\",\"c\"],\"max-cost-types\":2},\"uses\":[\"n1\"]},\"some\":{\"uri\":\"http://o/s\",\"media"
    "-type\":\"application/alto-costmap+json\",\"accepts\":\"application/alto-costmapfilter+json\",\""
    "capabilities\":{\"cost-constraints\":true,\"cost-type-names\":[\"c\"]},\"uses\":[\"n1\"]},\"othe"
    "r\":{\"uri\":\"http://o/t\",\"media-type\":\"application/alto-costmap+json\",\"accepts\":\"appli"
    "cation/alto-costmapfilter+json\",\"capabilities\":{\"cost-type-names\":[\"c\"]},\"uses\":[\"n2\""
    "]},\"pids\":{\"uri\":\"http://o/e\",\"media-type\":\"application/alto-endpointprop+json\",\"acce"
    "pts\":\"application/alto-endpointpropparams+json\",\"capabilities\":{\"prop-types\":[\"n1.pid\"]"
    "}},\"away\":{\"uri\":\"http://o/a\",\"media-type\":\"application/alto-endpointprop+json\",\"acce"
    "pts\":\"application/alto-endpointpropparams+json\",\"capabilities\":{\"prop-types\":[\"n1.pid\","
    "\"priv:x\"]}}},\"zero\":0}";

static bool is_known(void *context, const char *id)
{
    return strncmp(id, context, strlen(context)) == 0;
}

static void assert_origin_directory(test_origin *origin, char *elsewhere, const char *wanted)
{
    alto_buffer text = alto_buffer_make(1 << 20);
    assert_int_equal(
        alto_ird(test_origin_view(origin), ALTO_SERVICES, "", elsewhere ? is_known : NULL, elsewhere, &text), ALTO_OK);
    alto_buffer_add_u8(&text, 0);
    assert_string_equal((char *)text.data, wanted);
    alto_buffer_fini(&text);
}

static void the_directory_of_the_rfc_stays_as_it_is(void **state)
{
    test_origin *origin = *state;
    char endpoints[] = "endpoint-";
    test_origin_put(origin, ".ird", rfc_directory);
    test_origin_put_network_map(origin, "my-default-network-map");
    test_origin_put_cost_map(origin, "numerical-routing-cost-map", "my-default-network-map", "numerical",
                             "routingcost");
    test_origin_put_cost_map(origin, "numerical-hopcount-cost-map", "my-default-network-map", "numerical", "hopcount");
    assert_origin_directory(
        origin, NULL,
        "{\"meta\":{\"cost-types\":{\"num-hop\":{\"cost-metric\":\"hopcount\",\"cost-mode\":\"numerical\""
        "},\"num-routing\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\",\"description\":"
        "\"My default\"},\"ord-hop\":{\"cost-metric\":\"hopcount\",\"cost-mode\":\"ordinal\"},\"ord-routi"
        "ng\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"ordinal\"}},\"default-alto-network-map\":"
        "\"my-default-network-map\"},\"resources\":{\"my-default-network-map\":{\"media-type\":\"applicat"
        "ion/alto-networkmap+json\",\"uri\":\"/my-default-network-map\"},\"numerical-hopcount-cost-map\":"
        "{\"capabilities\":{\"cost-type-names\":[\"num-hop\"]},\"media-type\":\"application/alto-costmap+"
        "json\",\"uri\":\"/numerical-hopcount-cost-map\",\"uses\":[\"my-default-network-map\"]},\"numeric"
        "al-routing-cost-map\":{\"capabilities\":{\"cost-type-names\":[\"num-routing\"]},\"media-type\":"
        "\"application/alto-costmap+json\",\"uri\":\"/numerical-routing-cost-map\",\"uses\":[\"my-default"
        "-network-map\"]},\"my-default-network-map-filtered\":{\"uri\":\"/my-default-network-map-filtered"
        "\",\"media-type\":\"application/alto-networkmap+json\",\"accepts\":\"application/alto-networkmap"
        "filter+json\",\"uses\":[\"my-default-network-map\"]},\"numerical-hopcount-cost-map-filtered\":{"
        "\"uri\":\"/numerical-hopcount-cost-map-filtered\",\"media-type\":\"application/alto-costmap+json"
        "\",\"accepts\":\"application/alto-costmapfilter+json\",\"capabilities\":{\"cost-type-names\":[\""
        "num-hop\",\"num-routing\"],\"cost-constraints\":true,\"max-cost-types\":2},\"uses\":[\"my-defaul"
        "t-network-map\"]},\"numerical-routing-cost-map-filtered\":{\"uri\":\"/numerical-routing-cost-map"
        "-filtered\",\"media-type\":\"application/alto-costmap+json\",\"accepts\":\"application/alto-cost"
        "mapfilter+json\",\"capabilities\":{\"cost-type-names\":[\"num-routing\",\"num-hop\"],\"cost-cons"
        "traints\":true,\"max-cost-types\":2},\"uses\":[\"my-default-network-map\"]},\"endpoint-property-"
        "2\":{\"uri\":\"/endpoint-property-2\",\"media-type\":\"application/alto-endpointprop+json\",\"ac"
        "cepts\":\"application/alto-endpointpropparams+json\",\"capabilities\":{\"prop-types\":[\"my-defa"
        "ult-network-map.pid\"]}},\"endpoint-cost-2\":{\"uri\":\"/endpoint-cost-2\",\"media-type\":\"appl"
        "ication/alto-endpointcost+json\",\"accepts\":\"application/alto-endpointcostparams+json\",\"capa"
        "bilities\":{\"cost-type-names\":[\"num-hop\",\"num-routing\"],\"cost-constraints\":true,\"max-co"
        "st-types\":2}}}}");
    assert_origin_directory(
        origin, endpoints,
        "{\"meta\":{\"cost-types\":{\"num-hop\":{\"cost-metric\":\"hopcount\",\"cost-mode\":\"numerical\""
        "},\"num-routing\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\",\"description\":"
        "\"My default\"},\"ord-hop\":{\"cost-metric\":\"hopcount\",\"cost-mode\":\"ordinal\"},\"ord-routi"
        "ng\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"ordinal\"}},\"default-alto-network-map\":"
        "\"my-default-network-map\"},\"resources\":{\"endpoint-cost\":{\"accepts\":\"application/alto-end"
        "pointcostparams+json\",\"capabilities\":{\"cost-constraints\":true,\"cost-type-names\":[\"num-ro"
        "uting\",\"num-hop\",\"ord-routing\",\"ord-hop\"]},\"media-type\":\"application/alto-endpointcost"
        "+json\",\"uri\":\"/endpoint-cost\"},\"endpoint-property\":{\"accepts\":\"application/alto-endpoi"
        "ntpropparams+json\",\"capabilities\":{\"prop-types\":[\"my-default-network-map.pid\",\"priv:ietf"
        "-example-prop\"]},\"media-type\":\"application/alto-endpointprop+json\",\"uri\":\"/endpoint-prop"
        "erty\"},\"my-default-network-map\":{\"media-type\":\"application/alto-networkmap+json\",\"uri\":"
        "\"/my-default-network-map\"},\"numerical-hopcount-cost-map\":{\"capabilities\":{\"cost-type-name"
        "s\":[\"num-hop\"]},\"media-type\":\"application/alto-costmap+json\",\"uri\":\"/numerical-hopcoun"
        "t-cost-map\",\"uses\":[\"my-default-network-map\"]},\"numerical-routing-cost-map\":{\"capabiliti"
        "es\":{\"cost-type-names\":[\"num-routing\"]},\"media-type\":\"application/alto-costmap+json\",\""
        "uri\":\"/numerical-routing-cost-map\",\"uses\":[\"my-default-network-map\"]},\"my-default-networ"
        "k-map-filtered\":{\"uri\":\"/my-default-network-map-filtered\",\"media-type\":\"application/alto"
        "-networkmap+json\",\"accepts\":\"application/alto-networkmapfilter+json\",\"uses\":[\"my-default"
        "-network-map\"]},\"numerical-hopcount-cost-map-filtered\":{\"uri\":\"/numerical-hopcount-cost-ma"
        "p-filtered\",\"media-type\":\"application/alto-costmap+json\",\"accepts\":\"application/alto-cos"
        "tmapfilter+json\",\"capabilities\":{\"cost-type-names\":[\"num-hop\",\"num-routing\"],\"cost-con"
        "straints\":true,\"max-cost-types\":2},\"uses\":[\"my-default-network-map\"]},\"numerical-routing"
        "-cost-map-filtered\":{\"uri\":\"/numerical-routing-cost-map-filtered\",\"media-type\":\"applicat"
        "ion/alto-costmap+json\",\"accepts\":\"application/alto-costmapfilter+json\",\"capabilities\":{\""
        "cost-type-names\":[\"num-routing\",\"num-hop\"],\"cost-constraints\":true,\"max-cost-types\":2},"
        "\"uses\":[\"my-default-network-map\"]},\"endpoint-property-2\":{\"uri\":\"/endpoint-property-2\""
        ",\"media-type\":\"application/alto-endpointprop+json\",\"accepts\":\"application/alto-endpointpr"
        "opparams+json\",\"capabilities\":{\"prop-types\":[\"my-default-network-map.pid\"]}},\"endpoint-c"
        "ost-2\":{\"uri\":\"/endpoint-cost-2\",\"media-type\":\"application/alto-endpointcost+json\",\"ac"
        "cepts\":\"application/alto-endpointcostparams+json\",\"capabilities\":{\"cost-type-names\":[\"nu"
        "m-hop\",\"num-routing\"],\"cost-constraints\":true,\"max-cost-types\":2}}}}");
}

static void services_that_maps_can_answer_keep_their_ids(void **state)
{
    test_origin *origin = *state;
    char away[] = "away";
    test_origin_put(origin, ".ird", hand_made);
    test_origin_put_network_map(origin, "n1");
    test_origin_put_network_map(origin, "n2");
    test_origin_put_cost_map(origin, "m1", "n1", "numerical", "routingcost");
    test_origin_put_cost_map(origin, "h1", "n1", "numerical", "hopcount");
    assert_origin_directory(
        origin, NULL,
        "{\"meta\":{\"cost-types\":{\"c\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\",\""
        "description\":\"d\"},\"h\":{\"cost-metric\":\"hopcount\",\"cost-mode\":\"numerical\"}},\"default"
        "-alto-network-map\":\"n2\",\"vendor\":{\"a\":[1]}},\"resources\":{\"both\":{\"accepts\":\"applic"
        "ation/alto-costmapfilter+json\",\"capabilities\":{\"cost-type-names\":[\"h\",\"c\"],\"max-cost-t"
        "ypes\":2},\"media-type\":\"application/alto-costmap+json\",\"uri\":\"/both\",\"uses\":[\"n1\"]},"
        "\"h1\":{\"capabilities\":{\"cost-type-names\":[\"h\"]},\"media-type\":\"application/alto-costmap"
        "+json\",\"uri\":\"/h1\",\"uses\":[\"n1\"]},\"m1\":{\"capabilities\":{\"cost-type-names\":[\"c\"]"
        "},\"media-type\":\"application/alto-costmap+json\",\"uri\":\"/m1\",\"uses\":[\"n1\"]},\"n1\":{\""
        "media-type\":\"application/alto-networkmap+json\",\"uri\":\"/n1\"},\"n2\":{\"media-type\":\"appl"
        "ication/alto-networkmap+json\",\"uri\":\"/n2\"},\"nets\":{\"accepts\":\"application/alto-network"
        "mapfilter+json\",\"media-type\":\"application/alto-networkmap+json\",\"uri\":\"/nets\",\"uses\":"
        "[\"n1\"],\"x-vendor\":7},\"pids\":{\"accepts\":\"application/alto-endpointpropparams+json\",\"ca"
        "pabilities\":{\"prop-types\":[\"n1.pid\"]},\"media-type\":\"application/alto-endpointprop+json\""
        ",\"uri\":\"/pids\"},\"some\":{\"accepts\":\"application/alto-costmapfilter+json\",\"capabilities"
        "\":{\"cost-constraints\":true,\"cost-type-names\":[\"c\"]},\"media-type\":\"application/alto-cos"
        "tmap+json\",\"uri\":\"/some\",\"uses\":[\"n1\"]},\"endpoint-cost\":{\"uri\":\"/endpoint-cost\","
        "\"media-type\":\"application/alto-endpointcost+json\",\"accepts\":\"application/alto-endpointcos"
        "tparams+json\",\"capabilities\":{\"cost-type-names\":[\"h\",\"c\"],\"cost-constraints\":true,\"m"
        "ax-cost-types\":2}}},\"zero\":0}");
    assert_origin_directory(
        origin, away,
        "{\"meta\":{\"cost-types\":{\"c\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\",\""
        "description\":\"d\"},\"h\":{\"cost-metric\":\"hopcount\",\"cost-mode\":\"numerical\"}},\"default"
        "-alto-network-map\":\"n2\",\"vendor\":{\"a\":[1]}},\"resources\":{\"away\":{\"accepts\":\"applic"
        "ation/alto-endpointpropparams+json\",\"capabilities\":{\"prop-types\":[\"n1.pid\",\"priv:x\"]},"
        "\"media-type\":\"application/alto-endpointprop+json\",\"uri\":\"/away\"},\"both\":{\"accepts\":"
        "\"application/alto-costmapfilter+json\",\"capabilities\":{\"cost-type-names\":[\"h\",\"c\"],\"ma"
        "x-cost-types\":2},\"media-type\":\"application/alto-costmap+json\",\"uri\":\"/both\",\"uses\":["
        "\"n1\"]},\"h1\":{\"capabilities\":{\"cost-type-names\":[\"h\"]},\"media-type\":\"application/alt"
        "o-costmap+json\",\"uri\":\"/h1\",\"uses\":[\"n1\"]},\"m1\":{\"capabilities\":{\"cost-type-names"
        "\":[\"c\"]},\"media-type\":\"application/alto-costmap+json\",\"uri\":\"/m1\",\"uses\":[\"n1\"]},"
        "\"n1\":{\"media-type\":\"application/alto-networkmap+json\",\"uri\":\"/n1\"},\"n2\":{\"media-typ"
        "e\":\"application/alto-networkmap+json\",\"uri\":\"/n2\"},\"nets\":{\"accepts\":\"application/al"
        "to-networkmapfilter+json\",\"media-type\":\"application/alto-networkmap+json\",\"uri\":\"/nets\""
        ",\"uses\":[\"n1\"],\"x-vendor\":7},\"pids\":{\"accepts\":\"application/alto-endpointpropparams+j"
        "son\",\"capabilities\":{\"prop-types\":[\"n1.pid\"]},\"media-type\":\"application/alto-endpointp"
        "rop+json\",\"uri\":\"/pids\"},\"some\":{\"accepts\":\"application/alto-costmapfilter+json\",\"ca"
        "pabilities\":{\"cost-constraints\":true,\"cost-type-names\":[\"c\"]},\"media-type\":\"applicatio"
        "n/alto-costmap+json\",\"uri\":\"/some\",\"uses\":[\"n1\"]},\"endpoint-cost\":{\"uri\":\"/endpoin"
        "t-cost\",\"media-type\":\"application/alto-endpointcost+json\",\"accepts\":\"application/alto-en"
        "dpointcostparams+json\",\"capabilities\":{\"cost-type-names\":[\"h\",\"c\"],\"cost-constraints\""
        ":true,\"max-cost-types\":2}}},\"zero\":0}");
}

static const char empty_network[] = "{\"uri\":\"/a\",\"media-type\":\"application/alto-networkmap+json\"}";

static void a_default_map_that_nobody_can_have_gives_way_to_another(void **state)
{
    test_origin *origin = *state;
    static const struct {
        const char *meta, *wanted;
    } cases[] = {
        {"{}", "{\"default-alto-network-map\":\"a\"}"},
        {"{\"default-alto-network-map\":\"gone\",\"x\":1}", "{\"x\":1,\"default-alto-network-map\":\"a\"}"},
        {"{\"default-alto-network-map\":7}", "{\"default-alto-network-map\":\"a\"}"},
        {"{\"default-alto-network-map\":\"away\"}", "{\"default-alto-network-map\":\"away\"}"},
        {"{\"default-alto-network-map\":\"a\"}", "{\"default-alto-network-map\":\"a\"}"},
    };
    char away[] = "away";
    test_origin_put_network_map(origin, "a");
    for (size_t i = 0; i < countof(cases); i++) {
        char directory[600], begin[200];
        print_message("  case: %s\n", cases[i].meta);
        snprintf(directory, sizeof directory,
                 "{\"meta\":%s,\"resources\":{\"a\":%s,\"away\":%s},\"w\":{\"default-alto-network-map\":1}}",
                 cases[i].meta, empty_network, empty_network);
        test_origin_put(origin, ".ird", directory);
        alto_buffer text = alto_buffer_make(1 << 20);
        assert_int_equal(alto_ird(test_origin_view(origin), 0, "", is_known, away, &text), ALTO_OK);
        alto_buffer_add_u8(&text, 0);
        snprintf(begin, sizeof begin, "{\"meta\":%s,\"resources\":{\"a\":{", cases[i].wanted);
        assert_memory_equal(text.data, begin, strlen(begin));
        assert_non_null(strstr((char *)text.data, "\"w\":{\"default-alto-network-map\":1}"));
        alto_buffer_fini(&text);
    }
}

static void the_default_map_is_the_one_with_the_most_prefixes(void **state)
{
    test_origin *origin = *state;
    test_origin_put_network_map(origin, "a");
    test_origin_put(
        origin, "b",
        "{\"meta\":{\"vtag\":{\"resource-id\":\"b\",\"tag\":\"t\"}},\"network-map\":{\"P\":{\"ipv4\":[\"192.0.2.0/"
        "24\"]}}}");
    test_origin_put_network_map(origin, "c");
    assert_directory(origin, "{\"meta\":{\"cost-types\":{},\"default-alto-network-map\":\"b\"},\"resources\":{"
                             "\"a\":{\"uri\":\"/a\",\"media-type\":\"application/alto-networkmap+json\"},"
                             "\"b\":{\"uri\":\"/b\",\"media-type\":\"application/alto-networkmap+json\"},"
                             "\"c\":{\"uri\":\"/c\",\"media-type\":\"application/alto-networkmap+json\"}}}");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, test_origin_set_up, test_origin_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_directory_of_the_rfc_stays_as_it_is, test_origin_set_up,
                                        test_origin_tear_down),
        cmocka_unit_test_setup_teardown(services_that_maps_can_answer_keep_their_ids, test_origin_set_up,
                                        test_origin_tear_down),
        cmocka_unit_test_setup_teardown(the_default_map_is_the_one_with_the_most_prefixes, test_origin_set_up,
                                        test_origin_tear_down),
        T(a_default_map_that_nobody_can_have_gives_way_to_another),
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
