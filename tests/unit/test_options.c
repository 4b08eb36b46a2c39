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

/* ---- groups ---- */

typedef struct {
    const char *name, *key;
    alto_list urls;
    bool quiet;
    uint64_t ms;
} group;

typedef struct {
    group groups[3]; /* what stands before all, then two */
    size_t count;
    const char *state;
    char paths[64]; /* shown, each with a blank behind it */
} parsed_groups;

static void add_path(void *context, const char *path)
{
    parsed_groups *self = context;
    strcat(strcat(self->paths, path), " ");
}

static void parse_groups(char *words, parsed_groups *out)
{
    *out = (parsed_groups){.groups = {{.ms = 50}}};
    alto_groups groups = {.items = out->groups, .size = sizeof out->groups[0], .most = 2};
    const alto_option options[] = {
        {"of", ALTO_OPTION_GROUP, &groups, "NAME", .help = "begins the options of one"},
        {"key", ALTO_OPTION_TEXT, &out->groups[0].key, "FILE", .help = "its key", .required = true},
        {"url", ALTO_OPTION_LIST, &out->groups[0].urls, "URL", .help = "where it is"},
        {"quiet", ALTO_OPTION_FLAG, &out->groups[0].quiet, NULL, .help = "say nothing"},
        {"ms", ALTO_OPTION_NUMBER, &out->groups[0].ms, "MS", .help = "how often", .max = 1000},
        {"state", ALTO_OPTION_TEXT, &out->state, "DIR", .help = "of all", .required = true},
        {.name = NULL},
    };
    char *argv[WORDS_MAX];
    int argc = 0, operands;
    for (char *word = strtok(words, " "); word && argc < WORDS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    alto_options_parse(argc, argv, options, "[options]", "Does it several times.", &operands);
    out->count = groups.count;
    alto_options_each_path(options, add_path, out);
}

static void what_stands_before_the_first_group_holds_for_all(void **state)
{
    (void)state;
    char words[] = "prog --url u0 --ms 7 --of a --key ka --quiet --state d --of=b --url=u1 --key kb --key kc --ms 9";
    parsed_groups got;
    parse_groups(words, &got);
    assert_int_equal(got.count, 2);
    assert_string_equal(got.state, "d");
    const group *a = &got.groups[1], *b = &got.groups[2];
    assert_string_equal(a->name, "a");
    assert_string_equal(a->key, "ka");
    assert_int_equal(a->urls.count, 1);
    assert_true(a->quiet);
    assert_int_equal(a->ms, 7);
    assert_string_equal(b->name, "b");
    assert_string_equal(b->key, "kc");
    assert_int_equal(b->urls.count, 2);
    assert_string_equal(b->urls.items[1], "u1");
    assert_false(b->quiet);
    assert_int_equal(b->ms, 9);
}

static void files_and_directories_are_shown_of_all_groups(void **state)
{
    (void)state;
    char words[] = "prog --url u --state d --of a --key ka --of b --key kb", fewer[] = "prog --key k --state d";
    parsed_groups got;
    parse_groups(words, &got);
    assert_string_equal(got.paths, "ka kb d ");
    parse_groups(fewer, &got);
    assert_string_equal(got.paths, "k d ");
}

static void without_a_group_there_is_one_without_a_name(void **state)
{
    (void)state;
    char words[] = "prog --key k --state d";
    parsed_groups got;
    parse_groups(words, &got);
    assert_int_equal(got.count, 0);
    assert_null(got.groups[0].name);
    assert_string_equal(got.groups[0].key, "k");
}

/* Run parse() in a child; returns its exit status and what it said on `stream`. */
static int run_by(bool in_groups, const char *line, int stream, char *said, size_t room)
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
        parsed_groups got_groups;
        if (in_groups)
            parse_groups(words, &got_groups);
        else
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

static int run(const char *line, int stream, char *said, size_t room)
{
    return run_by(false, line, stream, said, room);
}

static void a_mistake_in_a_group_says_in_which(void **state)
{
    (void)state;
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"prog --state d", "prog: --key FILE is required; see prog --help\n"},
        {"prog --state d --of a --key k --of b", "prog: --key FILE is required for b; see prog --help\n"},
        {"prog --state d --of a --of b --key k", "prog: --key FILE is required for a; see prog --help\n"},
        {"prog --of a --key k --of b --key k", "prog: --state DIR is required; see prog --help\n"},
        {"prog --state d --key k --of a --of b --of c", "prog: --of may be given 2 times at most; see prog --help\n"},
        {"prog --state d --key k --of", "prog: --of needs a value (NAME); see prog --help\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char said[512];
        print_message("  case: %s\n", cases[i].line);
        assert_int_equal(run_by(true, cases[i].line, STDERR_FILENO, said, sizeof said), 2);
        assert_string_equal(said, cases[i].said);
    }
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
        cmocka_unit_test(what_stands_before_the_first_group_holds_for_all),
        cmocka_unit_test(files_and_directories_are_shown_of_all_groups),
        cmocka_unit_test(without_a_group_there_is_one_without_a_name),
        cmocka_unit_test(a_mistake_in_a_group_says_in_which),
        cmocka_unit_test(a_mistake_is_one_line_and_exit_2),
        cmocka_unit_test(help_lists_every_option_and_version_says_the_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
