/* SPDX-License-Identifier: Apache-2.0 */
/* alto-server-push: options, signals, exit code; nothing else. */
#include "core/capability.h"
#include "io/confine.h"
#include "io/log.h"
#include "io/options.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

static const char about[] =
    "Watches a directory of ALTO maps (RFC 7285 JSON, one resource a file), or polls an ALTO server, signs\n"
    "what changes and pushes it at once. Relays (alto-rproxy) and applications (alto-subscriber) need its URL and\n"
    "root.pub.pem, nothing else. Make keys with: alto-keys init --out DIR";

int main(int argc, char **argv)
{
    const char *log_level = "info";
    alto_list push = {0}, advertise = {0}, rproxies = {0};
    uint64_t head_ms = 5000, valid_for_s = 86400, multicast_mbit = ALTO_PUSH_MULTICAST_MBIT, hold_s = 10;
    uint64_t poll_s = 60, fetch_timeout_s = 120;
    server_options options = {.quiet_ms = 20, .max_quiet_ms = 1000};
    alto_http_side_options http = {.http = "127.0.0.1:8670", ALTO_HTTP_SIDE_DEFAULTS};
    options.outlet.http = &http;
    alto_confine_options confine = {.words = {.user = NULL}};
    const alto_option table[] = {
        {"maps", ALTO_OPTION_TEXT, &options.maps, "DIR",
         .help = "directory of maps: X.json is resource X; a network map is named by its vtag"},
        {"alto-server", ALTO_OPTION_TEXT, &options.alto_server, "URL",
         .help = "instead of --maps: the directory (IRD) of an ALTO server; SIGHUP asks it at once"},
        {"notify-key", ALTO_OPTION_TEXT, &options.notify_key, "FILE",
         .help = "who knows the first line of this file may have it asked at once: POST /notify"},
        {"poll", ALTO_OPTION_NUMBER, &poll_s, "S",
         .help = "how often to ask for what does not say how long it is good (default 60)", .min = 1, .max = 86400},
        ALTO_LOGIN_OPTIONS(&options.login, "credentials", "ca-file", "client-cert", "client-key"),
        {"fetch-timeout", ALTO_OPTION_NUMBER, &fetch_timeout_s, "S",
         .help = "give up an answer of the ALTO server after so long (default 120)", .min = 1, .max = 86400},
        {"keys", ALTO_OPTION_TEXT, &options.keys, "DIR",
         .help = "directory made by alto-keys init; SIGHUP reads it anew", .required = true},
        {"state", ALTO_OPTION_TEXT, &options.state, "DIR", .help = "what must survive a restart; made when absent",
         .required = true},
        {"push", ALTO_OPTION_LIST, &push, "ENDPOINT",
         .help = "where to push; may be repeated (default tcp://127.0.0.1:5670)"},
        ALTO_HTTP_SIDE_OPTIONS(&http, "127.0.0.1:8670"),
        {"advertise", ALTO_OPTION_LIST, &advertise, "ENDPOINT",
         .help = "push endpoint to name to others, where it differs from --push"},
        ALTO_PUSH_GATE_OPTIONS(&options.outlet.gate),
        {"rproxy", ALTO_OPTION_LIST, &rproxies, "URL",
         .help = "base URL of an RProxy that redistributes this, to be published; may be repeated"},
        {"quiet-ms", ALTO_OPTION_NUMBER, &options.quiet_ms, "MS",
         .help = "commit when files have been quiet for this long (default 20)", .max = 60000},
        {"max-quiet-ms", ALTO_OPTION_NUMBER, &options.max_quiet_ms, "MS",
         .help = "but at most this long after the first change (default 1000)", .max = 600000},
        {"hold", ALTO_OPTION_NUMBER, &hold_s, "S",
         .help = "seconds that a network map waits for the cost maps that name its new tag (default 10)", .max = 3600},
        {"retag", ALTO_OPTION_FLAG, &options.retag, NULL,
         .help = "make version tags of the content, for servers that do not change them"},
        {"head-ms", ALTO_OPTION_NUMBER, &head_ms, "MS", .help = "how often to repeat the signed head (default 5000)",
         .min = 100, .max = 600000},
        {"valid-for", ALTO_OPTION_NUMBER, &valid_for_s, "S",
         .help = "how long a signed state may be served without news (default 86400)", .min = 10, .max = 31536000},
        {"multicast-mbit", ALTO_OPTION_NUMBER, &multicast_mbit, "N",
         .help = "Mbit/s of a push to an epgm:// group, at most (default 100)", .min = 1, .max = ALTO_PUSH_MAX_MBIT},
        ALTO_CONFINE_OPTIONS(&confine.words),
        {"log", ALTO_OPTION_TEXT, &log_level, "LEVEL", .help = "error, warn, info or debug (default info)"},
        {.name = NULL}};
    int operands;
    alto_options_parse(argc, argv, table, "(--maps DIR | --alto-server URL) --keys DIR --state DIR [options]", about,
                       &operands);
    alto_log_level level;
    if (operands || !alto_log_level_parse(log_level, &level)) {
        fprintf(stderr, "alto-server-push: %s: not understood; see --help\n", operands ? argv[1] : log_level);
        return 2;
    }
    for (size_t i = 0; i < rproxies.count; i++)
        if (!alto_capability_url_valid(rproxies.items[i])) {
            fprintf(stderr, "alto-server-push: --rproxy %s: not the base URL of an RProxy (http:// or https://)\n",
                    rproxies.items[i]);
            return 2;
        }
    if (options.notify_key && !options.alto_server) {
        fprintf(stderr, "alto-server-push: --notify-key needs --alto-server; a directory is watched anyway\n");
        return 2;
    }
    if (alto_login_files_given(&options.login) && !options.alto_server) {
        fprintf(stderr,
                "alto-server-push: --credentials, --ca-file, --client-cert and --client-key need --alto-server\n");
        return 2;
    }
    if (!options.maps == !options.alto_server) {
        fprintf(stderr, "alto-server-push: one of --maps and --alto-server is needed; see --help\n");
        return 2;
    }
    alto_log_set_level(level);
    if (push.count == 0)
        push.items[push.count++] = "tcp://127.0.0.1:5670";
    options.outlet.push = push.items;
    options.outlet.push_count = push.count;
    options.outlet.advertise = advertise.items;
    options.outlet.advertise_count = advertise.count;
    options.rproxies = rproxies.items;
    options.rproxy_count = rproxies.count;
    options.outlet.multicast_mbit = (unsigned)multicast_mbit;
    options.head_interval_ms = (uint32_t)head_ms;
    options.valid_for_s = valid_for_s;
    options.hold_ms = hold_s * 1000;
    options.poll_ms = poll_s * 1000;
    options.fetch_timeout_s = (unsigned)fetch_timeout_s;

    confine.table = table;
    confine.state = options.state;
    confine.push = push.items;
    confine.push_count = push.count;

    alto_error error = {.status = ALTO_NO_MEMORY};
    server *made = NULL;
    alto_confined confined;
    bool begun = alto_confine(&confine, &confined, &error) == ALTO_OK;
    options.user = confined.user;
    alto_loop *loop = begun && alto_crypto_init() == ALTO_OK ? alto_loop_new() : NULL;
    if (!loop || alto_loop_stop_on_signals(loop) != ALTO_OK || server_new(loop, &options, &made, &error) != ALTO_OK) {
        fprintf(stderr, "alto-server-push: %s: %s\n", error.where, error.why);
        alto_loop_destroy(&loop);
        return 1;
    }
    alto_confine_log(&confine, &confined);
    alto_loop_run(loop);
    server_destroy(&made);
    alto_loop_destroy(&loop);
    return 0;
}
