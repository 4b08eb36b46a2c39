/* SPDX-License-Identifier: Apache-2.0 */
/* What the quick look at JSON takes for JSON is what a full parser takes for it. */
#include "core/json_plain.h"

#include "cmocka_all.h"
#include "core/json_parse.h"
#include "core/limits.h"
#include "random.h"

static bool is_plain(const char *text)
{
    return alto_json_is_plain(alto_slice_text(text));
}

static bool is_json(alto_slice text)
{
    const alto_json_place place = {.origin = text.data, .path = ""};
    size_t offset;
    return alto_json_bytes_valid(text, &offset) && alto_json_parse(text, NULL, NULL, &place) == ALTO_OK;
}

static void requests_are_plain(void **state)
{
    static const char *const cases[] = {
        "{}",
        " [ ] ",
        "\"\"",
        "-0.5e+7",
        "true",
        "[null,false,true,[[]],{}]",
        "{\"cost-type\":{\"cost-mode\":\"numerical\"},\"pids\":{\"srcs\":[\"PID1\"],\"dsts\":[\"PID1\",\"\"]}}",
        "[\"sixteen-letters-\",\"a-name-of-more-than-sixteen-letters\",\"\"]",
        "[\"a\",\"b\" ,\"c\", \"d\",1,\"e\",[\"f\",\"g\"],\"h\"]",
        "{\"a\":\"b\",\"c\":\"d\"}",
        "\t{ \"a\" :\r\n1 , \"b\" : [ 1 , 2 ] }\n",
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i]);
        assert_true(is_plain(cases[i]));
        assert_true(is_json(alto_slice_text(cases[i])));
    }
}

static void nothing_that_is_no_json_is_plain(void **state)
{
    static const char *const cases[] = {"",
                                        " ",
                                        "{",
                                        "}",
                                        "[1",
                                        "[1}",
                                        "{\"a\":1]",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{1:2}",
                                        "{a:1}",
                                        "[1,]",
                                        "[,1]",
                                        "[\"a\",]",
                                        "[\"a\", ]",
                                        "[\"a\", ",
                                        "[\"a\",\"b\"",
                                        "[\"a\",\"b]",
                                        "[\"a\"\"b\"]",
                                        "[\"a\",\"b\":\"c\"]",
                                        "{\"a\":\"b\",\"c\"}",
                                        "{,}",
                                        "{} {}",
                                        "1 2",
                                        "01",
                                        "1.",
                                        "-",
                                        "+1",
                                        "nul",
                                        "nulll",
                                        "tru",
                                        "'a'",
                                        "\"a",
                                        "\"a\n\"",
                                        "[\"a\"\"b\"]",
                                        "[1 2]",
                                        "\"\\x\"",
                                        "\"\x80\"",
                                        "\xef\xbb\xbf{}",
                                        "{\"a\":1,}",
                                        "[]]",
                                        "{\"a\":1,1}",
                                        "\"\x01\"",
                                        "[1e]"};
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        print_message("  case: %s\n", cases[i]);
        assert_false(is_plain(cases[i]));
        assert_false(is_json(alto_slice_text(cases[i])));
    }
    assert_false(alto_json_is_plain(alto_slice_of("{}\0", 3)));
    assert_false(alto_json_is_plain(alto_slice_of(NULL, 0)));
}

static void as_many_containers_may_be_open_as_a_parser_takes(void **state)
{
    char text[2 * ALTO_MAX_JSON_DEPTH + 4];
    (void)state;
    for (size_t depth = ALTO_MAX_JSON_DEPTH - 1; depth <= ALTO_MAX_JSON_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(alto_json_is_plain(alto_slice_of(text, 2 * depth)), depth <= ALTO_MAX_JSON_DEPTH);
        assert_int_equal(is_json(alto_slice_of(text, 2 * depth)), depth <= ALTO_MAX_JSON_DEPTH);
    }
}

/* Texts of few kinds of tokens in any order, most of which are nearly JSON. */
static void what_is_plain_is_json(void **state)
{
    static const char *const tokens[] = {"{", "}",    "[", "]", ",", ":", "\"a\"", "\"seventeen-letters\"",
                                         "1", "true", " "};
    test_random random = test_random_make(3);
    size_t plain = 0;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        alto_buffer text = alto_buffer_make(200);
        for (size_t k = 0, count = 1 + test_random_below(&random, 9); k < count; k++)
            alto_buffer_add_text(&text, tokens[test_random_below(&random, countof(tokens))]);
        bool said = alto_json_is_plain(alto_buffer_slice(&text));
        assert_int_equal(said, is_json(alto_buffer_slice(&text)));
        alto_buffer_fini(&text);
        plain += said;
    }
    assert_true(plain > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_plain),
        cmocka_unit_test(nothing_that_is_no_json_is_plain),
        cmocka_unit_test(as_many_containers_may_be_open_as_a_parser_takes),
        cmocka_unit_test(what_is_plain_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
