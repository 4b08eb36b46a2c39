/* SPDX-License-Identifier: Apache-2.0 */
#include "io/options.h"

#include "io/release.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, HELP_COLUMN = 28, OPTIONS_MAX = 64 };

typedef struct {
    const char *program; /* last part of argv[0] */
    const alto_option *options;
    const char *usage, *about;
    bool given[OPTIONS_MAX];          /* by index of option; of grouped ones: before all groups */
    bool given_in_group[OPTIONS_MAX]; /* in the last group */
    alto_groups *groups;              /* NULL: the table has none */
} parser;

static _Noreturn void refuse(const parser *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
static _Noreturn void refuse(const parser *self, const char *format, ...)
{
    fprintf(stderr, "%s: ", self->program);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; see %s --help\n", self->program);
    exit(EXIT_USAGE);
}

static void print_row(const char *name, const char *value, const char *help, bool required)
{
    int width = printf("  --%s%s%s", name, value ? " " : "", value ? value : "");
    if (width >= HELP_COLUMN)
        width = printf("\n") - 1;
    printf("%*s%s%s\n", HELP_COLUMN - width, "", help, required ? " (required)" : "");
}

static _Noreturn void print_help(const parser *self)
{
    printf("usage: %s %s\n\n%s\n\n", self->program, self->usage, self->about);
    for (const alto_option *at = self->options; at->name; at++)
        print_row(at->name, at->type == ALTO_OPTION_FLAG ? NULL : at->value, at->help, at->required);
    print_row("help", NULL, "print this and exit", false);
    print_row("version", NULL, "print the version and exit", false);
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static _Noreturn void print_version(const parser *self)
{
    printf("%s %s\n", self->program, ALTO_RELEASE);
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* The struct of the last group. */
static void *place_of_group(const alto_groups *groups)
{
    return (uint8_t *)groups->items + groups->count * groups->size;
}

static uint64_t number(const parser *self, const alto_option *option, const char *text)
{
    bool digits = text[0] && strspn(text, "0123456789") == strlen(text);
    errno = 0;
    unsigned long long value = digits ? strtoull(text, NULL, 10) : 0;
    if (!digits || errno == ERANGE || value < option->min || value > option->max)
        refuse(self, "--%s needs a number from %llu to %llu, not '%s'", option->name, (unsigned long long)option->min,
               (unsigned long long)option->max, text);
    return value;
}

static void find_groups(parser *self)
{
    for (size_t i = 0; i < OPTIONS_MAX && self->options[i].name; i++)
        if (self->options[i].type == ALTO_OPTION_GROUP)
            self->groups = self->options[i].target;
}

static bool is_grouped(const parser *self, const alto_option *option)
{
    const uint8_t *first = self->groups ? self->groups->items : NULL, *target = option->target;
    return first && target >= first && target < first + self->groups->size;
}

/* Is there all that is required: of the last group (or of the only one, without a name), or of what is not grouped? */
static void check_required(const parser *self, bool grouped)
{
    bool named = grouped && self->groups && self->groups->count;
    for (size_t i = 0; i < OPTIONS_MAX && self->options[i].name; i++) {
        const alto_option *option = &self->options[i];
        if (!option->required || is_grouped(self, option) != grouped || self->given[i] || self->given_in_group[i])
            continue;
        refuse(self, "--%s %s is required%s%s", option->name, option->value ? option->value : "", named ? " for " : "",
               named ? *(const char **)place_of_group(self->groups) : "");
    }
}

static void begin_group(parser *self, const alto_option *option, const char *value)
{
    if (self->groups->count)
        check_required(self, true); /* of the one before */
    if (self->groups->count == self->groups->most)
        refuse(self, "--%s may be given %zu times at most", option->name, self->groups->most);
    self->groups->count++;
    memcpy(place_of_group(self->groups), self->groups->items, self->groups->size);
    *(const char **)place_of_group(self->groups) = value;
    memset(self->given_in_group, 0, sizeof self->given_in_group);
}

/* Where the value of an option belongs: in the last group, when it is grouped. */
static void *target_of(const parser *self, const alto_option *option)
{
    if (!is_grouped(self, option))
        return option->target;
    size_t offset = (size_t)((uint8_t *)option->target - (uint8_t *)self->groups->items);
    return (uint8_t *)place_of_group(self->groups) + offset;
}

static void set(parser *self, const alto_option *option, const char *value)
{
    void *target = target_of(self, option);
    switch (option->type) {
    case ALTO_OPTION_FLAG:
        *(bool *)target = true;
        break;
    case ALTO_OPTION_TEXT:
        *(const char **)target = value;
        break;
    case ALTO_OPTION_LIST: {
        alto_list *list = target;
        if (list->count == ALTO_LIST_MAX)
            refuse(self, "--%s may be given %d times at most", option->name, ALTO_LIST_MAX);
        list->items[list->count++] = value;
        break;
    }
    case ALTO_OPTION_NUMBER:
        *(uint64_t *)target = number(self, option, value);
        break;
    case ALTO_OPTION_GROUP:
        begin_group(self, option, value);
        break;
    }
}

static size_t find_option(const parser *self, const char *name, size_t size)
{
    for (size_t i = 0; i < OPTIONS_MAX && self->options[i].name; i++)
        if (strlen(self->options[i].name) == size && memcmp(self->options[i].name, name, size) == 0)
            return i;
    return SIZE_MAX;
}

/* Handle the option in argv[at]; returns how many further words it used. */
static int parse_option(parser *self, char **argv, int at, int argc)
{
    const char *word = argv[at];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        print_help(self);
    if (strcmp(word, "--version") == 0)
        print_version(self);
    const char *equals = strchr(word, '=');
    size_t size = (equals ? (size_t)(equals - word) : strlen(word));
    size_t found = size > 2 && word[1] == '-' ? find_option(self, word + 2, size - 2) : SIZE_MAX;
    if (found == SIZE_MAX)
        refuse(self, "unknown option '%s'", word);
    const alto_option *option = &self->options[found];
    if (option->type == ALTO_OPTION_FLAG && equals)
        refuse(self, "--%s takes no value", option->name);
    bool in_next = option->type != ALTO_OPTION_FLAG && !equals;
    if (in_next && at + 1 == argc)
        refuse(self, "--%s needs a value (%s)", option->name, option->value);
    const char *value = equals ? equals + 1 : in_next ? argv[at + 1] : NULL;
    set(self, option, value);
    bool in_group = is_grouped(self, option) && self->groups->count > 0;
    (in_group ? self->given_in_group : self->given)[found] = true;
    return in_next ? 1 : 0;
}

void alto_options_parse(int argc, char **argv, const alto_option *options, const char *usage, const char *about,
                        int *operands)
{
    const char *path = argc > 0 ? argv[0] : "altocast", *slash = strrchr(path, '/');
    parser self = {.program = slash ? slash + 1 : path, .options = options, .usage = usage, .about = about};
    int kept = 0;
    bool only_operands = false;
    find_groups(&self);
    for (int at = 1; at < argc; at++) {
        if (only_operands || argv[at][0] != '-' || argv[at][1] == 0)
            argv[1 + kept++] = argv[at];
        else if (strcmp(argv[at], "--") == 0)
            only_operands = true;
        else
            at += parse_option(&self, argv, at, argc);
    }
    check_required(&self, true);
    check_required(&self, false);
    *operands = kept;
}

static void show_paths(const alto_option *option, const void *target, void (*found)(void *context, const char *path),
                       void *context)
{
    if (option->type == ALTO_OPTION_TEXT && *(const char *const *)target)
        found(context, *(const char *const *)target);
    const alto_list *list = option->type == ALTO_OPTION_LIST ? target : NULL;
    for (size_t i = 0; list && i < list->count; i++)
        found(context, list->items[i]);
}

static bool is_path(const alto_option *option)
{
    static const char *const words[] = {"FILE", "DIR"};
    bool found = false;
    for (size_t i = 0; option->value && i < sizeof words / sizeof words[0]; i++)
        found = found || strcmp(option->value, words[i]) == 0;
    return found;
}

void alto_options_each_path(const alto_option *options, void (*found)(void *context, const char *path), void *context)
{
    parser self = {.options = options};
    find_groups(&self);
    for (const alto_option *at = options; at->name; at++) {
        if (!is_path(at))
            continue;
        size_t groups = is_grouped(&self, at) ? self.groups->count : 0;
        for (size_t i = 0; i <= groups; i++)
            show_paths(at, (const uint8_t *)at->target + (groups ? i * self.groups->size : 0), found, context);
    }
}
