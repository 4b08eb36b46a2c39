/* SPDX-License-Identifier: Apache-2.0 */
/* alto-subscriber: options and the choice of a command; nothing else. */
#include "command.h"
#include "io/log.h"
#include "io/options.h"

#include <stdio.h>
#include <string.h>

static const char about[] =
    "Follows an ALTO server's maps through an alto-server-push or alto-rproxy; verifies all of it.\n\n"
    "Commands:\n"
    "  watch          one line for each commit: position, what changed, bytes received, age\n"
    "  get RESOURCE   the verified resource as ALTO JSON on standard output\n"
    "  lookup ADDRESS [ADDRESS]\n"
    "                 the PID of an address in each network map, or the cost from one to the other in each cost map\n"
    "  status         what is held, from where, how fresh\n"
    "  notify         have an alto-server-push ask its ALTO server at once\n"
    "  verify FILE... what saved objects and ALTO JSON prove, without asking anybody; alto-subscriber verify --help";

static const struct {
    const char *name;
    command_fn *run;
    int least, most; /* operands besides the command */
    bool notifies;   /* needs another key */
} commands[] = {{"watch", command_watch, 0, 0, false},
                {"get", command_get, 1, 1, false},
                {"lookup", command_lookup, 1, 2, false},
                {"status", command_status, 0, 0, false},
                {"notify", command_notify, 0, 0, true}};

/* Run a command, if it has the key that it needs. */
static int run(size_t command, const command_options *options)
{
    bool notifies = commands[command].notifies;
    if (notifies ? options->notify_key != NULL : options->root_key != NULL)
        return commands[command].run(options);
    fprintf(stderr, "alto-subscriber: --%s FILE is required; see alto-subscriber --help\n",
            notifies ? "notify-key" : "root-key");
    return 2;
}

int main(int argc, char **argv)
{
    static char verify[] = "alto-subscriber verify";
    if (argc > 1 && strcmp(argv[1], "verify") == 0) {
        argv[1] = verify;
        return command_verify(argc - 1, argv + 1);
    }
    alto_list upstreams = {0}, curve_keys = {0};
    command_options options = {.poll_ms = 1000, .timeout_s = 30};
    const char *log_level = "error";
    const alto_option table[] = {
        {"upstream", ALTO_OPTION_LIST, &upstreams, "URL",
         .help = "where to get the maps, e.g. http://127.0.0.1:8671; may be repeated", .required = true},
        {"root-key", ALTO_OPTION_TEXT, &options.root_key, "FILE",
         .help = "root.pub.pem of the ALTO server's operator: whom to believe; all but notify need it"},
        {"notify-key", ALTO_OPTION_TEXT, &options.notify_key, "FILE",
         .help = "notify: the key, its first line; the same as --notify-key of alto-server-push"},
        {"json", ALTO_OPTION_FLAG, &options.json, NULL, .help = "print JSON, one object a line"},
        {"count", ALTO_OPTION_NUMBER, &options.count, "N", .help = "watch: end after N commits (default: never)",
         .max = UINT64_MAX},
        {"timeout", ALTO_OPTION_NUMBER, &options.timeout_s, "S",
         .help = "get, lookup, status, notify: give up after this long (default 30)", .min = 1, .max = 86400},
        {"upstream-push", ALTO_OPTION_TEXT, &options.upstream_push, "ENDPOINT",
         .help = "push endpoint of the (first) upstream (default: the port that it names, on the host of --upstream)"},
        {"upstream-curve-key", ALTO_OPTION_LIST, &curve_keys, "FILE",
         .help = "NAME.key of the first (second, ...) --upstream, whose push is to be encrypted; SIGHUP reads it anew"},
        {"curve-id", ALTO_OPTION_TEXT, &options.curve_id, "FILE",
         .help = "NAME.key_secret, the own key pair, for upstreams that list whom they let in; likewise"},
        {"ca-file", ALTO_OPTION_TEXT, &options.tls.ca_file, "FILE",
         .help = "certificates (PEM) to believe https upstreams by, instead of the system's"},
        {"client-cert", ALTO_OPTION_TEXT, &options.tls.cert_file, "FILE",
         .help = "certificate (PEM) to show to upstreams that ask for one"},
        {"client-key", ALTO_OPTION_TEXT, &options.tls.key_file, "FILE", .help = "its private key"},
        {"no-push", ALTO_OPTION_FLAG, &options.no_push, NULL, .help = "follow by polling only"},
        {"poll-ms", ALTO_OPTION_NUMBER, &options.poll_ms, "MS",
         .help = "how often to poll where push is not to be had (default 1000)", .min = 50, .max = 3600000},
        {"log", ALTO_OPTION_TEXT, &log_level, "LEVEL",
         .help = "error, warn, info or debug on standard error (default error)"},
        {.name = NULL}};
    int operands;
    alto_log_level level;
    alto_options_parse(
        argc, argv, table,
        "watch|get RESOURCE|lookup ADDRESS [ADDRESS]|status|notify|verify --upstream URL --root-key FILE [options]",
        about, &operands);
    if (!alto_log_level_parse(log_level, &level)) {
        fprintf(stderr, "alto-subscriber: --log %s: not a level; see --help\n", log_level);
        return 2;
    }
    alto_log_set_level(level);
    options.upstreams = upstreams.items;
    options.upstream_count = upstreams.count;
    options.curve_keys = curve_keys.items;
    options.curve_key_count = curve_keys.count;
    for (size_t i = 0; operands > 0 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0 && operands > commands[i].least &&
            operands <= 1 + commands[i].most) {
            options.operand = operands > 1 ? argv[2] : NULL;
            options.second_operand = operands > 2 ? argv[3] : NULL;
            return run(i, &options);
        }
    fprintf(
        stderr,
        "alto-subscriber: one of watch, get RESOURCE, lookup ADDRESS, status, notify, verify is needed; see --help\n");
    return 2;
}
