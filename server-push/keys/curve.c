/* SPDX-License-Identifier: Apache-2.0 */
#include "curve.h"

#include "io/curve_files.h"
#include "io/options.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

static int tell(const char *name, const alto_curve_key *key)
{
    char text[ALTO_CURVE_KEY_TEXT];
    alto_z85_write(key->bytes, text);
    printf(
        "public key %s\n\n"
        "%s.key_secret  for the program that is to be known by it: --curve-key where it pushes, --curve-id where it "
        "follows\n"
        "%s.key         for the others: into the directory --curve-allow of whom it follows, and --upstream-curve-key\n"
        "               of those who follow it\n",
        text, name, name);
    if (fflush(stdout) == 0)
        return EXIT_SUCCESS;
    perror("alto-keys: standard output");
    return EXIT_FAILURE;
}

int run_curve(int argc, char **argv)
{
    const char *name = NULL;
    int operands;
    const alto_option options[] = {
        {.name = "out",
         .type = ALTO_OPTION_TEXT,
         .target = &name,
         .value = "NAME",
         .required = true,
         .help = "what the two files are called, NAME.key and NAME.key_secret"},
        {0},
    };
    alto_options_parse(
        argc, argv, options, "--out NAME",
        "Make a key pair (CURVE) for encrypted push: one for each program that pushes, and for each that is let\n"
        "in by a list. It has nothing to do with the keys that sign. Existing files are never overwritten.",
        &operands);
    if (operands > 0) {
        fprintf(stderr, "alto-keys curve: '%s' is not expected; see alto-keys curve --help\n", argv[1]);
        return EXIT_USAGE;
    }
    alto_curve_key key;
    alto_error error;
    if (alto_curve_files_make(name, &key, &error) == ALTO_OK)
        return tell(name, &key);
    fprintf(stderr, "alto-keys: %s: %s\n", error.where, error.why);
    return EXIT_FAILURE;
}
