/* SPDX-License-Identifier: Apache-2.0 */
/* alto-rproxy: options, signals, exit code; nothing else. */
#include "io/log.h"
#include "io/options.h"
#include "pull_main.h"
#include "relay.h"

#include <stdio.h>

static const char about[] =
    "Keeps an exact, verified copy of an ALTO server's maps, answers ALTO clients from it and pushes the same\n"
    "signed bytes further down. An upstream is an alto-server-push or another alto-rproxy; with several, news come "
    "from\n"
    "whichever is first, and repairs from one that works.\n"
    "A client begins at http://ADDR:PORT/directory.";

int main(int argc, char **argv)
{
    if (pull_main_wanted(argc, argv))
        return pull_main(argc, argv);
    const char *pull = NULL; /* for --help alone */
    const char *log_level = "info", *stale = "until-valid";
    alto_list upstreams = {0}, upstream_push = {0}, push = {0}, advertise = {0};
    uint64_t alto_patience_s = 10;
    uint64_t threads = 2, multicast_mbit = ALTO_PUSH_MULTICAST_MBIT;
    relay_options options = {.follow = {.poll_ms = 1000}, .publish = {.http = "127.0.0.1:8671"}};
    const alto_option table[] = {
        {"upstream", ALTO_OPTION_LIST, &upstreams, "URL",
         .help = "where to get the maps, e.g. http://127.0.0.1:8670; may be repeated", .required = true},
        {"root-key", ALTO_OPTION_TEXT, &options.root_key, "FILE",
         .help = "root.pub.pem of the ALTO server's operator: whom to believe", .required = true},
        {"state", ALTO_OPTION_TEXT, &options.state, "DIR", .help = "the copy on disk; made when absent",
         .required = true},
        {"http", ALTO_OPTION_TEXT, &options.publish.http, "ADDR:PORT",
         .help = "where to answer HTTP (default 127.0.0.1:8671)"},
        {"push", ALTO_OPTION_LIST, &push, "ENDPOINT",
         .help = "where to push, e.g. tcp://127.0.0.1:5671; may be repeated (default: nowhere)"},
        {"advertise", ALTO_OPTION_LIST, &advertise, "ENDPOINT",
         .help = "push endpoint to name to others, where it differs from --push"},
        {"upstream-push", ALTO_OPTION_LIST, &upstream_push, "ENDPOINT",
         .help = "push endpoint of the first (second, ...) --upstream (default: the port that it names, on its host)"},
        {"no-push", ALTO_OPTION_FLAG, &options.follow.no_push, NULL, .help = "follow by polling only"},
        {"poll-ms", ALTO_OPTION_NUMBER, &options.follow.poll_ms, "MS",
         .help = "how often to poll where push is not to be had (default 1000)", .min = 50, .max = 3600000},
        {"multicast-mbit", ALTO_OPTION_NUMBER, &multicast_mbit, "N",
         .help = "Mbit/s of a push to an epgm:// group, at most (default 100)", .min = 1, .max = ALTO_PUSH_MAX_MBIT},
        {"alto-server", ALTO_OPTION_TEXT, &options.alto_server.url, "URL",
         .help = "directory of the ALTO server itself, asked for what is not held here (default: nobody is)"},
        {"alto-timeout", ALTO_OPTION_NUMBER, &alto_patience_s, "SECONDS",
         .help = "how long it may take to answer (default 10)", .min = 1, .max = 25},
        {"alto-ca", ALTO_OPTION_TEXT, &options.alto_server.ca_file, "FILE",
         .help = "PEM of whom to believe that it is the ALTO server (default: the system's authorities)"},
        {"pull", ALTO_OPTION_TEXT, &pull, "URL",
         .help =
             "directory of an ALTO server without alto-server-push, in the place of --upstream: see --pull URL --help"},
        {"stale", ALTO_OPTION_TEXT, &stale, "POLICY",
         .help = "answers while nothing fresh is heard: until-valid (marked; 503 at its end; default), mark or refuse"},
        {"http-threads", ALTO_OPTION_NUMBER, &threads, "N", .help = "threads that answer HTTP (default 2)", .min = 1,
         .max = 64},
        {"log", ALTO_OPTION_TEXT, &log_level, "LEVEL", .help = "error, warn, info or debug (default info)"},
        {.name = NULL}};
    int operands;
    alto_options_parse(argc, argv, table, "--upstream URL --root-key FILE --state DIR [options]", about, &operands);
    alto_log_level level;
    const char *wrong = operands ? argv[1] : NULL;
    if (!alto_log_level_parse(log_level, &level))
        wrong = log_level;
    if (!alto_stale_policy_parse(stale, &options.publish.stale))
        wrong = stale;
    if (wrong) {
        fprintf(stderr, "alto-rproxy: %s: not understood; see --help\n", wrong);
        return 2;
    }
    alto_log_set_level(level);
    options.follow.upstreams = upstreams.items;
    options.follow.upstream_count = upstreams.count;
    options.follow.upstream_push = upstream_push.items;
    options.follow.upstream_push_count = upstream_push.count;
    options.alto_server.patience_s = (unsigned)alto_patience_s;
    options.publish.push = push.items;
    options.publish.push_count = push.count;
    options.publish.advertise = advertise.items;
    options.publish.advertise_count = advertise.count;
    options.publish.multicast_mbit = (unsigned)multicast_mbit;
    options.publish.http_threads = (unsigned)threads;

    alto_error error = {.status = ALTO_NO_MEMORY};
    relay *made = NULL;
    alto_loop *loop = alto_crypto_init() == ALTO_OK ? alto_loop_new() : NULL;
    if (!loop || alto_loop_stop_on_signals(loop) != ALTO_OK || relay_new(loop, &options, &made, &error) != ALTO_OK) {
        fprintf(stderr, "alto-rproxy: %s: %s\n", error.where, error.why);
        alto_loop_destroy(&loop);
        return 1;
    }
    alto_loop_run(loop);
    bool hopeless = relay_hopeless(made);
    if (hopeless)
        fprintf(stderr, "alto-rproxy: %s%s does not serve the origin of %s; check --upstream and --root-key\n",
                upstreams.items[0], upstreams.count > 1 ? ", like all others," : "", options.root_key);
    relay_destroy(&made);
    alto_loop_destroy(&loop);
    return hopeless ? 1 : 0;
}
