/* SPDX-License-Identifier: Apache-2.0 */
/* alto-rproxy: options, signals, exit code; nothing else. */
#include "io/confine.h"
#include "io/log.h"
#include "io/options.h"
#include "proxy.h"
#include "pull_main.h"

#include <stdio.h>

static const char about[] =
    "Keeps an exact, verified copy of an ALTO server's maps, answers ALTO clients from it and pushes the same\n"
    "signed bytes further down. An upstream is an alto-server-push or another alto-rproxy; with several, news come "
    "from\n"
    "whichever is first, and repairs from one that works.\n"
    "A client begins at http://ADDR:PORT/directory.\n"
    "\n"
    "It follows several ALTO servers when --origin NAME is given for each, followed by what concerns that one:\n"
    "--root-key, --upstream, --upstream-push, --upstream-curve-key, --curve-id, --ca-file, --client-cert, "
    "--client-key,\n"
    "--no-push, --poll-ms, --alto-server, --alto-timeout, --alto-credentials, --alto-ca, --alto-cert, --alto-key,\n"
    "--compute-ecs, --stale;\n"
    "what stands before the first --origin holds for all. A client of one begins at /NAME/directory, of the first one\n"
    "also at /directory.";

typedef struct {
    const char *name, *root_key, *stale, *alto_server;
    alto_list upstreams, upstream_push, upstream_curve;
    const char *curve_id;
    alto_pull_trust trust;
    alto_login_files alto_login;
    bool no_push, compute_ecs;
    uint64_t poll_ms, alto_patience_s;
} origin_words;

/* False: the policy is none. */
static bool take_origin(const origin_words *words, relay_options *out)
{
    *out = (relay_options){.name = words->name,
                           .root_key = words->root_key,
                           .follow = {.upstreams = words->upstreams.items,
                                      .upstream_count = words->upstreams.count,
                                      .upstream_push = words->upstream_push.items,
                                      .upstream_push_count = words->upstream_push.count,
                                      .upstream_curve = words->upstream_curve.items,
                                      .upstream_curve_count = words->upstream_curve.count,
                                      .curve_own = words->curve_id,
                                      .no_push = words->no_push,
                                      .poll_ms = words->poll_ms,
                                      .trust = words->trust},
                           .alto_server = {.url = words->alto_server,
                                           .patience_s = (unsigned)words->alto_patience_s,
                                           .login = words->alto_login,
                                           .no_costs = words->compute_ecs}};
    return alto_stale_policy_parse(words->stale, &out->stale);
}

/* Who says how to get in has to say where, with one of the origins at least. */
static bool logs_in_nowhere(const origin_words *words, size_t count)
{
    bool given = false;
    for (size_t i = 0; i < count; i++) {
        if (words[i].alto_server)
            return false;
        given = given || alto_login_files_given(&words[i].alto_login);
    }
    return given;
}

static void say_hopeless(const relay_options *origin)
{
    fprintf(stderr, "alto-rproxy: %s%s does not serve the origin of %s; check --upstream and --root-key\n",
            origin->follow.upstreams[0], origin->follow.upstream_count > 1 ? ", like all others," : "",
            origin->root_key);
}

int main(int argc, char **argv)
{
    if (pull_main_wanted(argc, argv))
        return pull_main(argc, argv);
    const char *pull = NULL; /* for --help alone */
    static origin_words words[ALTO_MAX_ORIGINS + 1] = {
        {.stale = "until-valid", .poll_ms = 1000, .alto_patience_s = 10}};
    static relay_options origins[ALTO_MAX_ORIGINS];
    const char *log_level = "info";
    alto_list push = {0}, advertise = {0};
    alto_groups groups = {.items = words, .size = sizeof words[0], .most = ALTO_MAX_ORIGINS};
    uint64_t multicast_mbit = ALTO_PUSH_MULTICAST_MBIT;
    alto_http_side_options http = {.http = "127.0.0.1:8671", ALTO_HTTP_SIDE_DEFAULTS};
    proxy_options options = {.origins = origins, .outlet = {.http = &http}};
    alto_confine_options confine = {.words = {.user = NULL}};
    const alto_option table[] = {
        {"origin", ALTO_OPTION_GROUP, &groups, "NAME",
         .help = "begins the options of one of several ALTO servers; NAME is its first part of a path"},
        {"upstream", ALTO_OPTION_LIST, &words[0].upstreams, "URL",
         .help = "where to get the maps, e.g. http://127.0.0.1:8670; may be repeated", .required = true},
        {"root-key", ALTO_OPTION_TEXT, &words[0].root_key, "FILE",
         .help = "root.pub.pem of the ALTO server's operator: whom to believe", .required = true},
        {"state", ALTO_OPTION_TEXT, &options.state, "DIR",
         .help = "the copy on disk (with --origin: in DIR/NAME); made when absent", .required = true},
        ALTO_HTTP_SIDE_OPTIONS(&http, "127.0.0.1:8671"),
        {"push", ALTO_OPTION_LIST, &push, "ENDPOINT",
         .help = "where to push, e.g. tcp://127.0.0.1:5671; may be repeated (default: nowhere)"},
        {"advertise", ALTO_OPTION_LIST, &advertise, "ENDPOINT",
         .help = "push endpoint to name to others, where it differs from --push"},
        {"upstream-push", ALTO_OPTION_LIST, &words[0].upstream_push, "ENDPOINT",
         .help = "push endpoint of the first (second, ...) --upstream (default: the port that it names, on its host)"},
        ALTO_PUSH_GATE_OPTIONS(&options.outlet.gate),
        {"upstream-curve-key", ALTO_OPTION_LIST, &words[0].upstream_curve, "FILE",
         .help = "NAME.key of the first (second, ...) --upstream, whose push is to be encrypted; SIGHUP reads it anew"},
        {"curve-id", ALTO_OPTION_TEXT, &words[0].curve_id, "FILE",
         .help = "own key pair, for upstreams that list whom they let in (default: --curve-key); likewise"},
        {"ca-file", ALTO_OPTION_TEXT, &words[0].trust.ca_file, "FILE",
         .help = "certificates (PEM) to believe https upstreams by, instead of the system's"},
        {"client-cert", ALTO_OPTION_TEXT, &words[0].trust.cert_file, "FILE",
         .help = "certificate (PEM) to show to upstreams that ask for one"},
        {"client-key", ALTO_OPTION_TEXT, &words[0].trust.key_file, "FILE", .help = "its private key"},
        {"no-push", ALTO_OPTION_FLAG, &words[0].no_push, NULL, .help = "follow by polling only"},
        {"poll-ms", ALTO_OPTION_NUMBER, &words[0].poll_ms, "MS",
         .help = "how often to poll where push is not to be had (default 1000)", .min = 50, .max = 3600000},
        {"multicast-mbit", ALTO_OPTION_NUMBER, &multicast_mbit, "N",
         .help = "Mbit/s of a push to an epgm:// group, at most (default 100)", .min = 1, .max = ALTO_PUSH_MAX_MBIT},
        {"alto-server", ALTO_OPTION_TEXT, &words[0].alto_server, "URL",
         .help = "directory of the ALTO server itself, asked for what is not held here (default: nobody is)"},
        {"alto-timeout", ALTO_OPTION_NUMBER, &words[0].alto_patience_s, "SECONDS",
         .help = "how long it may take to answer (default 10)", .min = 1, .max = 25},
        ALTO_LOGIN_OPTIONS(&words[0].alto_login, "alto-credentials", "alto-ca", "alto-cert", "alto-key"),
        {"compute-ecs", ALTO_OPTION_FLAG, &words[0].compute_ecs, NULL,
         .help = "tell endpoint costs by the maps held here; the ALTO server is never asked for them"},
        {"pull", ALTO_OPTION_TEXT, &pull, "URL",
         .help =
             "directory of an ALTO server without alto-server-push, in the place of --upstream: see --pull URL --help"},
        {"stale", ALTO_OPTION_TEXT, &words[0].stale, "POLICY",
         .help = "answers while nothing fresh is heard: until-valid (marked; 503 at its end; default), mark or refuse"},
        ALTO_CONFINE_OPTIONS(&confine.words),
        {"log", ALTO_OPTION_TEXT, &log_level, "LEVEL", .help = "error, warn, info or debug (default info)"},
        {.name = NULL}};
    int operands;
    alto_options_parse(argc, argv, table, "--upstream URL --root-key FILE --state DIR [options]", about, &operands);
    alto_log_level level;
    const char *wrong = operands ? argv[1] : NULL;
    if (!alto_log_level_parse(log_level, &level))
        wrong = log_level;
    const origin_words *given = groups.count ? &words[1] : &words[0];
    options.count = groups.count ? groups.count : 1;
    for (size_t i = 0; i < options.count; i++) {
        if (!take_origin(&given[i], &origins[i]))
            wrong = given[i].stale;
        if (!given[i].curve_id)
            origins[i].follow.curve_own = options.outlet.gate.key;
    }
    if (wrong) {
        fprintf(stderr, "alto-rproxy: %s: not understood; see --help\n", wrong);
        return 2;
    }
    if (logs_in_nowhere(given, options.count)) {
        fputs("alto-rproxy: --alto-credentials, --alto-ca, --alto-cert and --alto-key need --alto-server\n", stderr);
        return 2;
    }
    alto_log_set_level(level);
    options.outlet.push = push.items;
    options.outlet.push_count = push.count;
    options.outlet.advertise = advertise.items;
    options.outlet.advertise_count = advertise.count;
    options.outlet.multicast_mbit = (unsigned)multicast_mbit;
    confine.table = table;
    confine.state = options.state;
    confine.push = push.items;
    confine.push_count = push.count;

    alto_error error = {.status = ALTO_NO_MEMORY};
    proxy *made = NULL;
    alto_confined confined;
    bool begun = alto_confine(&confine, &confined, &error) == ALTO_OK;
    options.user = confined.user;
    alto_loop *loop = begun && alto_crypto_init() == ALTO_OK ? alto_loop_new() : NULL;
    if (!loop || alto_loop_stop_on_signals(loop) != ALTO_OK || proxy_new(loop, &options, &made, &error) != ALTO_OK) {
        fprintf(stderr, "alto-rproxy: %s: %s\n", error.where, error.why);
        alto_loop_destroy(&loop);
        return 1;
    }
    alto_confine_log(&confine, &confined);
    alto_loop_run(loop);
    bool hopeless = proxy_hopeless(made);
    for (size_t i = 0; hopeless && i < options.count; i++)
        say_hopeless(&origins[i]);
    proxy_destroy(&made);
    alto_loop_destroy(&loop);
    return hopeless ? 1 : 0;
}
