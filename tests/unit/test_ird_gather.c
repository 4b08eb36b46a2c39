/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of an ALTO server, gathered into one. */
#include "core/ird_gather.h"

#include "cmocka_all.h"
#include "core/mapjson.h"

#include <stdio.h>

static char faults[1024];

static void on_fault(void *context, const char *id, const char *why)
{
    (void)context;
    size_t size = strlen(faults);
    snprintf(faults + size, sizeof faults - size, "[%s] %s\n", id, why);
}

/* Enough of a URL resolver: a reference without "://" goes behind the base; "bad:" is none. */
static bool resolve(const char *base, const char *reference, char *url, size_t room)
{
    if (strncmp(reference, "bad:", 4) == 0)
        return false;
    bool whole = strstr(reference, "://") != NULL;
    return snprintf(url, room, "%s%s", whole ? "" : base, reference) < (int)room;
}

static int set_up(void **state)
{
    faults[0] = 0;
    *state = alto_ird_gather_new(resolve, on_fault, NULL);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    alto_ird_gather *gather = *state;
    alto_ird_gather_destroy(&gather);
    return 0;
}

static alto_status add(alto_ird_gather *self, const char *url, const char *text)
{
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_ird_gather_add(self, url, alto_slice_text(text), &error);
    assert_int_equal(error.status, status);
    return status;
}

/* Compare what was gathered with `wanted`, both in canonical form. */
static void assert_text(const alto_ird_gather *self, const char *wanted)
{
    alto_buffer text = alto_buffer_make(1 << 20), got = alto_buffer_make(1 << 20), other = alto_buffer_make(1 << 20);
    assert_int_equal(alto_ird_gather_text(self, &text), ALTO_OK);
    assert_int_equal(alto_json_canonical(alto_buffer_slice(&text), &got, NULL), ALTO_OK);
    assert_int_equal(alto_json_canonical(alto_slice_text(wanted), &other, NULL), ALTO_OK);
    alto_buffer_add_u8(&got, 0);
    alto_buffer_add_u8(&other, 0);
    assert_string_equal((char *)got.data, (char *)other.data);
    alto_buffer_fini(&text);
    alto_buffer_fini(&got);
    alto_buffer_fini(&other);
}

static const char root[] =
    "{\"meta\":{\"cost-types\":{\"n\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"
    "\"default-alto-network-map\":\"net\",\"x\":1},\"more\":[2],"
    "\"resources\":{\"net\":{\"uri\":\"/net\",\"media-type\":\"Application/ALTO-networkmap+json; q=1\"},"
    "\"costs\":{\"uri\":\"/costs\",\"media-type\":\"application/alto-costmap+json\",\"uses\":[\"net\"],"
    "\"capabilities\":{\"cost-type-names\":[\"n\"]},\"y\":{}},"
    "\"filter\":{\"uri\":\"/filter\",\"media-type\":\"application/alto-costmap+json\","
    "\"accepts\":\"application/alto-costmapfilter+json\"},"
    "\"other\":{\"uri\":\"/other\",\"media-type\":\"application/alto-directory+json\"},"
    "\"self\":{\"uri\":\"\",\"media-type\":\"application/alto-directory+json\"}}}";

static const char other[] =
    "{\"meta\":{\"cost-types\":{\"n\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"routingcost\"},"
    "\"h\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"}}},"
    "\"resources\":{\"hops\":{\"uri\":\"/hops\",\"media-type\":\"application/alto-costmap+json\","
    "\"capabilities\":{\"cost-type-names\":[\"h\"]}},"
    "\"order\":{\"uri\":\"/order\",\"media-type\":\"application/alto-costmap+json\","
    "\"capabilities\":{\"cost-type-names\":[\"h\",\"n\"]}},"
    "\"net\":{\"uri\":\"http://r/net\",\"media-type\":\"application/alto-networkmap+json\"},"
    "\"costs\":{\"uri\":\"/costs\",\"media-type\":\"application/alto-costmap+json\"},"
    "\"back\":{\"uri\":\"http://r\",\"media-type\":\"application/alto-directory+json\"}}}";

static void a_directory_tells_what_can_be_asked_for(void **state)
{
    alto_ird_gather *gather = *state;
    static const alto_ird_entry wanted[] = {
        {"costs", "application/alto-costmap+json", false, "http://r/costs"},
        {"filter", "application/alto-costmap+json", true, "http://r/filter"},
        {"net", "application/alto-networkmap+json", false, "http://r/net"},
    };
    assert_int_equal(add(gather, "http://r", root), ALTO_OK);
    for (size_t i = 0; i < countof(wanted); i++) {
        const alto_ird_entry *got = alto_ird_gather_entry(gather, i);
        assert_string_equal(got->id, wanted[i].id);
        assert_string_equal(got->media_type, wanted[i].media_type);
        assert_string_equal(got->url, wanted[i].url);
        assert_int_equal(got->has_input, wanted[i].has_input);
    }
    assert_null(alto_ird_gather_entry(gather, countof(wanted)));
    assert_string_equal(alto_ird_gather_link(gather, 0), "http://r/other");
    assert_string_equal(alto_ird_gather_link(gather, 1), "http://r");
    assert_null(alto_ird_gather_link(gather, 2));
    assert_string_equal(faults, "");
}

static void directories_become_one(void **state)
{
    alto_ird_gather *gather = *state;
    assert_int_equal(add(gather, "http://r", root), ALTO_OK);
    assert_int_equal(add(gather, "http://o", other), ALTO_OK);
    assert_string_equal(faults, "[costs] another resource has this ID already\n"
                                "[order] another directory gives the name of its cost type to something else\n");
    assert_null(alto_ird_gather_link(gather, 2)); /* the way back was there */
    assert_non_null(alto_ird_gather_entry(gather, 4));
    assert_text(gather,
                "{\"meta\":{\"cost-types\":{\"n\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"
                "\"h\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"}},"
                "\"default-alto-network-map\":\"net\",\"x\":1},\"more\":[2],"
                "\"resources\":{\"net\":{\"uri\":\"http://r/net\","
                "\"media-type\":\"Application/ALTO-networkmap+json; q=1\"},"
                "\"costs\":{\"uri\":\"http://r/costs\",\"media-type\":\"application/alto-costmap+json\","
                "\"uses\":[\"net\"],\"capabilities\":{\"cost-type-names\":[\"n\"]},\"y\":{}},"
                "\"filter\":{\"uri\":\"http://r/filter\",\"media-type\":\"application/alto-costmap+json\","
                "\"accepts\":\"application/alto-costmapfilter+json\"},"
                "\"hops\":{\"uri\":\"http://o/hops\",\"media-type\":\"application/alto-costmap+json\","
                "\"capabilities\":{\"cost-type-names\":[\"h\"]}}}}");
}

static void an_empty_directory_stays_one(void **state)
{
    alto_ird_gather *gather = *state;
    assert_int_equal(add(gather, "http://r", "{\"resources\":{}}"), ALTO_OK);
    assert_null(alto_ird_gather_entry(gather, 0));
    assert_text(gather, "{\"meta\":{\"cost-types\":{}},\"resources\":{}}");
}

static void what_is_no_directory_changes_nothing(void **state)
{
    alto_ird_gather *gather = *state;
    static const struct {
        const char *text;
        alto_status status;
    } cases[] = {
        {"", ALTO_SYNTAX},
        {"{\"resources\":{}", ALTO_SYNTAX},
        {"{\"resources\":{},\"resources\":{}}", ALTO_DUPLICATE},
        {"{}", ALTO_INVALID},
        {"[]", ALTO_INVALID},
        {"{\"resources\":[]}", ALTO_INVALID},
    };
    assert_int_equal(add(gather, "http://r", root), ALTO_OK);
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i].text);
        assert_int_equal(add(gather, "http://o", cases[i].text), cases[i].status);
    }
    assert_null(alto_ird_gather_entry(gather, 3));
}

static void entries_of_no_use_are_told_and_left_out(void **state)
{
    alto_ird_gather *gather = *state;
    assert_int_equal(
        add(gather, "http://r",
            "{\"meta\":7,\"resources\":{\"a b\":{},\".x\":{},\"n\":{\"uri\":\"/n\"},\"m\":{\"media-type\":\"t\"},"
            "\"b\":{\"media-type\":\"t\",\"uri\":\"bad:\"},\"s\":\"text\","
            "\"good\":{\"media-type\":\"t\",\"uri\":\"/good\"}}}"),
        ALTO_OK);
    assert_string_equal(faults, "[.x] resource IDs that begin with a dot are reserved\n"
                                "[] no resource ID: 1 to 64 of A-Z a-z 0-9 - : @ _ . (RFC 7285 10.2)\n"
                                "[b] its URI is no http or https URL\n"
                                "[m] no URI\n"
                                "[n] no media type\n"
                                "[s] no media type\n");
    assert_string_equal(alto_ird_gather_entry(gather, 0)->id, "good");
    assert_null(alto_ird_gather_entry(gather, 1));
}

static void links_have_a_bound(void **state)
{
    alto_ird_gather *gather = *state;
    for (int i = 0; i < ALTO_MAX_DIRECTORIES + 1; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{\"resources\":{\"l\":{\"uri\":\"/%d\",\"media-type\":\"application/alto-directory+json\"}}}", i);
        assert_string_equal(faults, "");
        assert_int_equal(add(gather, "http://r", text), ALTO_OK);
    }
    assert_string_equal(faults, "[l] more directories than are followed\n");
    assert_non_null(alto_ird_gather_link(gather, ALTO_MAX_DIRECTORIES - 1));
    assert_null(alto_ird_gather_link(gather, ALTO_MAX_DIRECTORIES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_directory_tells_what_can_be_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(directories_become_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_directory_stays_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_directory_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_of_no_use_are_told_and_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_have_a_bound, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
