/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - command lines: one table row per option gives the parser, its
 * checks and --help. Threads: none inside. */
#ifndef ALTO_OPTIONS_H
#define ALTO_OPTIONS_H

#include "core/status.h"

#include <stdint.h>

typedef enum {
    ALTO_OPTION_FLAG,   /* bool *         --name                      */
    ALTO_OPTION_TEXT,   /* const char **  --name VALUE, --name=VALUE  */
    ALTO_OPTION_LIST,   /* alto_list *    as TEXT, may be repeated    */
    ALTO_OPTION_NUMBER, /* uint64_t *    digits, min <= n <= max     */
    ALTO_OPTION_GROUP   /* alto_groups * as TEXT; begins a group     */
} alto_option_type;

#define ALTO_LIST_MAX 16
typedef struct {
    const char *items[ALTO_LIST_MAX];
    size_t count;
} alto_list;

/* Options that are given once for each of several things: those whose targets are in the first of the structs. What stands
 * before the first group holds for all of them. */
typedef struct {
    void *items; /* structs: what stood before all groups, then one for each group, which begins as a copy of that */
    size_t size; /* of one; it begins with a const char *: the value that began the group */
    size_t most; /* groups; there is room for one struct more */
    size_t count;
} alto_groups;

typedef struct {
    const char *name; /* without dashes; NULL ends the table */
    alto_option_type type;
    void *target;      /* holds the default beforehand */
    const char *value; /* word for the value in --help ("MS"); NULL for flags. FILE, DIR: that is read */
    const char *help;  /* one line; says the default */
    bool required;
    uint64_t min, max; /* NUMBER */
} alto_option;

/* Parse argv[1..]; operands (words without dashes, all words after "--") are moved to argv[1..*operands].
 * --help prints `usage`, `about` and the table on standard output and exits 0; --version prints the version and exits 0.
 * An error prints one line and how to get help on standard error and exits 2. */
void alto_options_parse(int argc, char **argv, const alto_option *options, const char *usage, const char *about,
                        int *operands);

/* After that: show each file and directory that was given (or is the default) where the table says FILE or DIR,
 * some perhaps twice. */
void alto_options_each_path(const alto_option *options, void (*found)(void *context, const char *path), void *context);

#endif
