/* SPDX-License-Identifier: Apache-2.0 */
/* alto-keys curve: a key pair for encrypted push. */
#include "commands.h"
#include "io/curve_files.h"

#include <stdio.h>

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
    return finish();
}

int run_curve(int argc, char **argv)
{
    const char *name = NULL;
    const alto_option options[] = {{"out", ALTO_OPTION_TEXT, &name, "NAME", .required = true,
                                    .help = "what the two files are called, NAME.key and NAME.key_secret"},
                                   {0}};
    if (!parse_alone(
            argc, argv, options, "--out NAME",
            "Make a key pair (CURVE) for encrypted push: one for each program that pushes, and for each that is let\n"
            "in by a list. It has nothing to do with the keys that sign. Existing files are never overwritten."))
        return EXIT_USAGE;
    alto_curve_key key;
    alto_error error;
    return alto_curve_files_make(name, &key, &error) == ALTO_OK ? tell(name, &key) : complain(&error);
}
