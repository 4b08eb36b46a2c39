/* SPDX-License-Identifier: Apache-2.0 */
/* alto-keys: makes, shows and changes the keys of an origin. */
#include "commands.h"
#include "io/confine.h"
#include "io/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"alto-keys init", run_init},       {"alto-keys show", run_show},
                {"alto-keys renew", run_renew},     {"alto-keys rotate", run_rotate},
                {"alto-keys revoke", run_revoke},   {"alto-keys roots", run_roots},
                {"alto-keys new-key", run_new_key}, {"alto-keys sign", run_sign},
                {"alto-keys combine", run_combine}, {"alto-keys curve", run_curve}};

static const char about[] = "Make, show and change the keys of an origin; alto-keys COMMAND --help tells more.\n\n"
                            "  init     keys and manifest of a new origin\n"
                            "  show     what is in a key directory, key or manifest, and until when it is good\n"
                            "  renew    the online key is good for longer; or, with --raise-epoch, a new epoch\n"
                            "  rotate   announce a new online key, and retire the one before it\n"
                            "  revoke   an online key has no say any more\n"
                            "  roots    draft a change of root keys\n"
                            "  new-key  make one key where it is to be held\n"
                            "  sign     sign a draft with a root key\n"
                            "  combine  put the signatures of several root keys together\n"
                            "  curve    make a key for encrypted push";

int main(int argc, char **argv)
{
    const alto_option none[] = {{0}};
    const char *word = argc > 1 ? argv[1] : "";
    if (alto_crypto_init() != ALTO_OK) {
        fprintf(stderr, "alto-keys: the system gives no random numbers\n");
        return EXIT_FAILURE;
    }
    if (!alto_confine_memory()) {
        fprintf(stderr, "alto-keys: cannot forbid core dumps, and private keys would be in them\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(word, strrchr(commands[i].name, ' ') + 1) == 0) {
            argv[1] = commands[i].name; /* the name that help and errors begin with */
            return commands[i].run(argc - 1, argv + 1);
        }
    int operands;
    alto_options_parse(argc, argv, none, "COMMAND ...", about, &operands);
    fprintf(stderr, "alto-keys: %s%s%s; see alto-keys --help\n", operands ? "unknown command '" : "needs a command",
            operands ? argv[1] : "", operands ? "'" : "");
    return EXIT_USAGE;
}
