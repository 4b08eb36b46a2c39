/* SPDX-License-Identifier: Apache-2.0 */
#include "io/log.h"

#include "cmocka_all.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char last[4096];
static int lines;

static void keep(void *context, alto_log_level level, const char *line)
{
    (void)level;
    assert_ptr_equal(context, &lines);
    snprintf(last, sizeof last, "%s", line);
    lines++;
}

static int setup(void **state)
{
    (void)state;
    lines = 0;
    last[0] = 0;
    alto_log_set_level(ALTO_LOG_INFO);
    alto_log_set_sink(keep, &lines);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    alto_log_set_sink(NULL, NULL);
    return 0;
}

/* The part behind the time. */
static const char *rest(void)
{
    const char *blank = strchr(last, ' ');
    return blank ? blank + 1 : last;
}

static void a_line_has_time_level_event_and_fields(void **state)
{
    (void)state;
    alto_log(ALTO_LOG_INFO, "commit", "seq=%d resource=%s", 41, "cost-1");
    assert_string_equal(rest(), "level=info event=commit seq=41 resource=cost-1");
    int year, month, day, hour, minute, second, ms;
    assert_int_equal(sscanf(last, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ ", &year, &month, &day, &hour, &minute, &second, &ms),
                     7);
    assert_true(year >= 2024);
}

static void the_level_decides_what_is_written(void **state)
{
    (void)state;
    alto_log_set_level(ALTO_LOG_WARN);
    alto_log(ALTO_LOG_INFO, "quiet", "a=%d", 1);
    alto_log(ALTO_LOG_DEBUG, "quiet", "a=%d", 1);
    assert_int_equal(lines, 0);
    alto_log(ALTO_LOG_WARN, "loud", "a=%d", 1);
    alto_log(ALTO_LOG_ERROR, "loud", "a=%d", 1);
    assert_int_equal(lines, 2);
    alto_log_level level = ALTO_LOG_ERROR;
    assert_true(alto_log_level_parse("debug", &level));
    assert_int_equal(level, ALTO_LOG_DEBUG);
    assert_false(alto_log_level_parse("loud", &level));
    assert_false(alto_log_level_parse("", &level));
}

static void bytes_from_outside_cannot_make_a_line(void **state)
{
    (void)state;
    alto_log(ALTO_LOG_INFO, "peer", "name=%s", "a\nlevel=info\033[31m\x80");
    assert_string_equal(rest(), "level=info event=peer name=a?level=info?[31m?");
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    alto_log(ALTO_LOG_INFO, "long", "a=%s", text);
    assert_in_range(strlen(last), 2000, 2100);
}

static void values_are_quoted_when_they_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t room;
        const char *quoted;
    } cases[] = {
        {"plain-1.2/x", 64, "plain-1.2/x"},
        {"two words", 64, "\"two words\""},
        {"", 64, "\"\""},
        {"say \"no\"", 64, "\"say \\\"no\\\"\""},
        {"a=b", 64, "\"a=b\""},
        {"tab\there", 64, "\"tab?here\""},
        {"two words", 8, "\"two \""},
        {"two words", 3, "\"\""},
        {"plain", 4, "pla"},
        {"two words", 1, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[64];
        memset(out, 'z', sizeof out);
        assert_string_equal(alto_log_value(cases[i].text, out, cases[i].room), cases[i].quoted);
    }
}

static void an_error_is_logged_with_where_and_why(void **state)
{
    (void)state;
    alto_error error;
    alto_fail(&error, ALTO_INVALID, "/cost-map/a", "no number: %s", "x");
    alto_log_error(ALTO_LOG_WARN, "refused", &error);
    assert_string_equal(rest(), "level=warn event=refused where=/cost-map/a status=invalid why=\"no number: x\"");
}

static void a_burst_is_counted_and_told_later(void **state)
{
    (void)state;
    for (int i = 0; i < ALTO_LOG_BURST + 7; i++)
        alto_log(ALTO_LOG_WARN, "flood", "n=%d", i);
    assert_int_equal(lines, ALTO_LOG_BURST);
    alto_log(ALTO_LOG_INFO, "other", "n=%d", 1);
    assert_int_equal(lines, ALTO_LOG_BURST + 1);
    usleep(1050000);
    alto_log_set_sink(keep, &lines);
    lines = 0;
    alto_log(ALTO_LOG_WARN, "flood", "n=%d", 100);
    assert_int_equal(lines, 2);
    assert_string_equal(rest(), "level=warn event=flood n=100");
}

static void a_line_goes_to_standard_error_by_default(void **state)
{
    (void)state;
    alto_log_set_sink(NULL, NULL);
    int fds[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    alto_log(ALTO_LOG_INFO, "start", "port=%d", 8670);
    dup2(saved, STDERR_FILENO);
    ssize_t size = read(fds[0], last, sizeof last - 1);
    assert_true(size > 0);
    last[size] = 0;
    assert_string_equal(rest(), "level=info event=start port=8670\n");
    close(fds[0]);
    close(fds[1]);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_event_and_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(the_level_decides_what_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_from_outside_cannot_make_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_quoted_when_they_must_be, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_is_logged_with_where_and_why, setup, teardown),
        cmocka_unit_test_setup_teardown(a_burst_is_counted_and_told_later, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_goes_to_standard_error_by_default, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
