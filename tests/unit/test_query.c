/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of requests: what is taken out of it, and what is said of one that is wrong. */
#include "cmocka_all.h"
#include "core/query.h"

#include <stdio.h>
#include <stdlib.h>

static void assert_error_is(const alto_query_error *error, const char *wanted)
{
    alto_buffer text = alto_buffer_make(4096);
    alto_query_error_text(error, &text);
    alto_buffer_add_u8(&text, 0);
    assert_string_equal((char *)text.data, wanted);
    alto_buffer_fini(&text);
}

static void what_is_no_json_object_is_a_syntax_error(void **state)
{
    static const char *const cases[] = {"",
                                        " ",
                                        "{",
                                        "[]",
                                        "3",
                                        "null",
                                        "{} {}",
                                        "{} \"x",
                                        "{\"a\":}",
                                        "{\"a\":01}",
                                        "{a:1}",
                                        "\xef\xbb\xbf{}",
                                        "{\"a\":\"\x80\"}"};
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_query_error error;
        print_message("  case: %s\n", cases[i]);
        assert_int_equal(alto_query_open(alto_slice_text(cases[i]), &error), ALTO_INVALID);
        assert_int_equal(error.code, ALTO_E_SYNTAX);
        assert_true(error.why[0]);
    }
    alto_query_error error;
    assert_int_equal(alto_query_open(alto_slice_text("[1]"), &error), ALTO_INVALID);
    assert_error_is(&error, "{\"meta\":{\"code\":\"E_SYNTAX\",\"syntax-error\":\"the body is no JSON object\"}}");
    assert_int_equal(alto_query_open(alto_slice_text(" {\"a\" : [ ] } "), &error), ALTO_OK);
}

static void fields_are_found_by_name_and_type(void **state)
{
    static const struct {
        const char *body, *wrong; /* NULL: in order */
    } cases[] = {
        {"{\"name\":\"x\"}", NULL},
        {" { \"other\" : {\"name\":1}, \"n\\u0061me\" : \"x\" } ", NULL},
        {"{\"name\":1,\"name\":\"x\"}", NULL},
        {"{}", "{\"meta\":{\"code\":\"E_MISSING_FIELD\",\"field\":\"outer/name\"}}"},
        {"{\"Name\":\"x\"}", "{\"meta\":{\"code\":\"E_MISSING_FIELD\",\"field\":\"outer/name\"}}"},
        {"{\"name\":null}", "{\"meta\":{\"code\":\"E_INVALID_FIELD_TYPE\",\"field\":\"outer/name\"}}"},
        {"{\"name\":[\"x\"]}", "{\"meta\":{\"code\":\"E_INVALID_FIELD_TYPE\",\"field\":\"outer/name\"}}"},
        {"{\"name\":\"x\",\"list\":\"y\"}", "{\"meta\":{\"code\":\"E_INVALID_FIELD_TYPE\",\"field\":\"list\"}}"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_query_field fields[] = {{.name = "name", .path = "outer/name", .required = true},
                                     {.name = "list", .path = "list", .type = ALTO_QUERY_ARRAY}};
        alto_slice body = alto_slice_text(cases[i].body);
        alto_query_error error;
        char text[8];
        print_message("  case: %s\n", cases[i].body);
        assert_int_equal(alto_query_open(body, &error), ALTO_OK);
        assert_int_equal(alto_query_fields(body, fields, countof(fields), &error),
                         cases[i].wrong ? ALTO_INVALID : ALTO_OK);
        if (cases[i].wrong) {
            assert_error_is(&error, cases[i].wrong);
            continue;
        }
        alto_query_text(fields[0].value, text, sizeof text);
        assert_string_equal(text, "x");
        assert_false(alto_query_has(&fields[1]));
    }
}

static alto_status read_list(const char *array, alto_query_strings *out, alto_query_error *error)
{
    alto_query_field field = {.path = "pids", .value = alto_slice_text(array)};
    return alto_query_strings_read(&field, out, error);
}

static void lists_keep_their_order_until_they_are_sorted(void **state)
{
    alto_query_strings list;
    alto_query_error error;
    (void)state;
    assert_int_equal(read_list("[ \"b\", \"\\u0061\\n\",\"\",\"b\" ,\"a\",  \"c\", \"d\"]", &list, &error), ALTO_OK);
    static const char *const given[] = {"b", "a\n", "", "b", "a", "c", "d"}, *const sorted[] = {"",  "a", "a\n",
                                                                                                "b", "c", "d"};
    assert_int_equal(list.count, countof(given));
    for (size_t i = 0; i < countof(given); i++)
        assert_true(alto_slice_equal(list.items[i], alto_slice_text(given[i])));
    alto_query_strings_sort(&list);
    assert_int_equal(list.count, countof(sorted));
    for (size_t i = 0; i < countof(sorted); i++)
        assert_true(alto_slice_equal(list.items[i], alto_slice_text(sorted[i])));
    alto_query_strings_fini(&list);

    assert_int_equal(read_list("[]", &list, &error), ALTO_OK);
    assert_int_equal(list.count, 0);
    alto_query_strings_sort(&list);
    alto_query_strings_fini(&list);
    alto_query_field absent = {.path = "pids"};
    assert_int_equal(alto_query_strings_read(&absent, &list, &error), ALTO_OK);
    assert_int_equal(list.count, 0);
}

static void an_element_of_another_type_is_a_bad_value(void **state)
{
    static const struct {
        const char *array, *value;
    } cases[] = {
        {"[\"a\",17]", "17"}, {"[null]", "null"}, {"[\"a\",{\"b\":1}]", "{\\\"b\\\":1}"}, {"[[\"a\"]]", "[\\\"a\\\"]"}};
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        alto_query_strings list;
        alto_query_error error;
        char wanted[200];
        assert_int_equal(read_list(cases[i].array, &list, &error), ALTO_INVALID);
        snprintf(wanted, sizeof wanted,
                 "{\"meta\":{\"code\":\"E_INVALID_FIELD_VALUE\",\"field\":\"pids\",\"value\":\"%s\"}}", cases[i].value);
        assert_error_is(&error, wanted);
    }
}

static void a_long_value_is_cut_between_characters(void **state)
{
    char text[400], wanted[256];
    alto_query_error error;
    (void)state;
    memset(text, 'x', sizeof text);
    text[254] = '\xc3';
    text[255] = '\xa4';
    assert_int_equal(alto_query_bad_value(&error, "f", alto_slice_of(text, sizeof text)), ALTO_INVALID);
    snprintf(wanted, sizeof wanted, "%.254s", text);
    assert_string_equal(error.value, wanted);
    assert_int_equal(alto_query_bad_json(&error, "f", alto_slice_text("\"a\\u00e4\"")), ALTO_INVALID);
    assert_string_equal(error.value, "a\xc3\xa4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_json_object_is_a_syntax_error),
        cmocka_unit_test(fields_are_found_by_name_and_type),
        cmocka_unit_test(lists_keep_their_order_until_they_are_sorted),
        cmocka_unit_test(an_element_of_another_type_is_a_bad_value),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
