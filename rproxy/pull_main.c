/* SPDX-License-Identifier: Apache-2.0 */
#include "pull_main.h"

#include "core/crypto.h"
#include "io/confine.h"
#include "io/log.h"
#include "io/options.h"
#include "pull_only.h"

#include <stdio.h>
#include <string.h>

static const char about[] =
    "Answers for an ALTO server that has no alto-server-push beside it: each request is passed on to that, once for "
    "all\n"
    "who ask the same, and answers are kept as its Cache-Control says. Nothing is signed, and nobody can follow this.\n"
    "A client begins at http://ADDR:PORT/directory.";

bool pull_main_wanted(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--pull") == 0 || strncmp(argv[i], "--pull=", 7) == 0)
            return true;
    return false;
}

static int run(const alto_confine_options *confine, pull_only_options *options)
{
    alto_error error = {.status = ALTO_NO_MEMORY};
    pull_only *made = NULL;
    alto_confined confined;
    bool begun = alto_confine(confine, &confined, &error) == ALTO_OK;
    options->user = confined.user;
    alto_loop *loop = begun && alto_crypto_init() == ALTO_OK ? alto_loop_new() : NULL;
    bool ready =
        loop && alto_loop_stop_on_signals(loop) == ALTO_OK && pull_only_new(loop, options, &made, &error) == ALTO_OK;
    if (ready) {
        alto_confine_log(confine, &confined);
        alto_loop_run(loop);
    } else {
        fprintf(stderr, "alto-rproxy: %s: %s\n", error.where, error.why);
    }
    pull_only_destroy(&made);
    alto_loop_destroy(&loop);
    return ready ? 0 : 1;
}

int pull_main(int argc, char **argv)
{
    const char *log_level = "info";
    uint64_t patience_s = 10;
    pull_only_options options = {.http = {.http = "127.0.0.1:8671", ALTO_HTTP_SIDE_DEFAULTS}};
    alto_confine_options confine = {.words = {.user = NULL}};
    const alto_option table[] = {
        {"pull", ALTO_OPTION_TEXT, &options.alto_server.url, "URL",
         .help = "directory of the ALTO server, e.g. http://alto.example.net/directory", .required = true},
        ALTO_HTTP_SIDE_OPTIONS(&options.http, "127.0.0.1:8671"),
        {"alto-timeout", ALTO_OPTION_NUMBER, &patience_s, "SECONDS",
         .help = "how long the ALTO server may take to answer (default 10)", .min = 1, .max = 25},
        ALTO_LOGIN_OPTIONS(&options.alto_server.login, "alto-credentials", "alto-ca", "alto-cert", "alto-key"),
        ALTO_CONFINE_OPTIONS(&confine.words),
        {"log", ALTO_OPTION_TEXT, &log_level, "LEVEL", .help = "error, warn, info or debug (default info)"},
        {.name = NULL}};
    int operands;
    alto_options_parse(argc, argv, table, "--pull URL [options]", about, &operands);
    alto_log_level level;
    if (operands || !alto_log_level_parse(log_level, &level)) {
        fprintf(stderr, "alto-rproxy: %s: not understood; see --pull URL --help\n", operands ? argv[1] : log_level);
        return 2;
    }
    alto_log_set_level(level);
    options.alto_server.patience_s = (unsigned)patience_s;
    confine.table = table;
    return run(&confine, &options);
}
