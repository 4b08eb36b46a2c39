/* SPDX-License-Identifier: Apache-2.0 */
#include "io/options.h"

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 40 };

typedef struct {
    bool retag;
    const char *maps;
    alto_list push;
    uint64_t quiet_ms;
    int operands;
    char *argv[WORDS_MAX];
} parsed;

/* Parse a command line given as words between blanks. */
static void parse(char *words, parsed *out)
{
    *out = (parsed){.quiet_ms = 50};
    const alto_option options[] = {
        {"retag", ALTO_OPTION_FLAG, &out->retag, NULL, "replace tags", false, 0, 0},
        {"maps", ALTO_OPTION_TEXT, &out->maps, "DIR", "directory of maps", true, 0, 0},
        {"push", ALTO_OPTION_LIST, &out->push, "ENDPOINT", "where to push", false, 0, 0},
        {"quiet-ms", ALTO_OPTION_NUMBER, &out->quiet_ms, "MS", "quiet time (50)", false, 1, 1000},
        {NULL, ALTO_OPTION_FLAG, NULL, NULL, NULL, false, 0, 0},
    };
    int argc = 0;
    for (char *word = strtok(words, " "); word && argc < WORDS_MAX; word = strtok(NULL, " "))
        out->argv[argc++] = word;
    alto_options_parse(argc, out->argv, options, "--maps DIR [options]", "Does a thing.", &out->operands);
}

static void every_form_of_an_option_is_understood(void **state)
{
    (void)state;
    char words[] = "/usr/bin/prog one --maps=/m --retag --push tcp://a:1 - --quiet-ms 7 --push=b -- --two";
    parsed got;
    parse(words, &got);
    assert_true(got.retag);
    assert_string_equal(got.maps, "/m");
    assert_int_equal(got.push.count, 2);
    assert_string_equal(got.push.items[0], "tcp://a:1");
    assert_string_equal(got.push.items[1], "b");
    assert_int_equal(got.quiet_ms, 7);
    assert_int_equal(got.operands, 3);
    assert_string_equal(got.argv[1], "one");
    assert_string_equal(got.argv[2], "-");
    assert_string_equal(got.argv[3], "--two");
}

static void defaults_stay_when_nothing_is_given(void **state)
{
    (void)state;
    char words[] = "prog --maps --x";
    parsed got;
    parse(words, &got);
    assert_false(got.retag);
    assert_string_equal(got.maps, "--x");
    assert_int_equal(got.quiet_ms, 50);
    assert_int_equal(got.push.count, 0);
    assert_int_equal(got.operands, 0);
}

/* Run parse() in a child; returns its exit status and what it said on `stream`. */
static int run(const char *line, int stream, char *said, size_t room)
{
    char words[512];
    snprintf(words, sizeof words, "%s", line);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], stream);
        close(stream == STDOUT_FILENO ? STDERR_FILENO : STDOUT_FILENO);
        parsed got;
        parse(words, &got);
        _exit(77);
    }
    close(fds[1]);
    size_t size = 0;
    for (ssize_t got; size + 1 < room && (got = read(fds[0], said + size, room - 1 - size)) > 0;)
        size += (size_t)got;
    said[size] = 0;
    close(fds[0]);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_mistake_is_one_line_and_exit_2(void **state)
{
    (void)state;
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"prog", "prog: --maps DIR is required; see prog --help\n"},
        {"prog --maps", "prog: --maps needs a value (DIR); see prog --help\n"},
        {"prog --maps x --nonsense", "prog: unknown option '--nonsense'; see prog --help\n"},
        {"prog --maps x --map y", "prog: unknown option '--map'; see prog --help\n"},
        {"prog --maps x -v", "prog: unknown option '-v'; see prog --help\n"},
        {"prog --maps x --=y", "prog: unknown option '--=y'; see prog --help\n"},
        {"prog --maps x --retag=1", "prog: --retag takes no value; see prog --help\n"},
        {"prog --maps x --quiet-ms 0", "prog: --quiet-ms needs a number from 1 to 1000, not '0'; see prog --help\n"},
        {"prog --maps x --quiet-ms=", "prog: --quiet-ms needs a number from 1 to 1000, not ''; see prog --help\n"},
        {"prog --maps x --quiet-ms -1", "prog: --quiet-ms needs a number from 1 to 1000, not '-1'; see prog --help\n"},
        {"prog --maps x --quiet-ms 99999999999999999999",
         "prog: --quiet-ms needs a number from 1 to 1000, not '99999999999999999999'; see prog --help\n"},
        {"prog --maps x --push 1 --push 2 --push 3 --push 4 --push 5 --push 6 --push 7 --push 8 --push 9 --push 10 "
         "--push 11 --push 12 --push 13 --push 14 --push 15 --push 16 --push 17",
         "prog: --push may be given 16 times at most; see prog --help\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char said[512];
        print_message("  case: %s\n", cases[i].line);
        assert_int_equal(run(cases[i].line, STDERR_FILENO, said, sizeof said), 2);
        assert_string_equal(said, cases[i].said);
    }
}

static void help_lists_every_option_and_version_says_the_release(void **state)
{
    (void)state;
    char said[2048];
    assert_int_equal(run("prog --help", STDOUT_FILENO, said, sizeof said), 0);
    static const char *const expected[] = {"usage: prog --maps DIR [options]\n",
                                           "Does a thing.",
                                           "  --retag                   replace tags\n",
                                           "  --maps DIR                directory of maps (required)\n",
                                           "  --quiet-ms MS             quiet time (50)\n",
                                           "  --help ",
                                           "  --version "};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_non_null(strstr(said, expected[i]));
    assert_int_equal(run("dir/prog --version", STDOUT_FILENO, said, sizeof said), 0);
    assert_true(strncmp(said, "prog 0.", 7) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_an_option_is_understood),
        cmocka_unit_test(defaults_stay_when_nothing_is_given),
        cmocka_unit_test(a_mistake_is_one_line_and_exit_2),
        cmocka_unit_test(help_lists_every_option_and_version_says_the_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
