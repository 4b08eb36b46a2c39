/* SPDX-License-Identifier: Apache-2.0 */
/* alto-sim: a regional ISP that lives, as an ALTO server or as ALTO maps in a directory. */
#include "front.h"
#include "life.h"
#include "maps.h"

#include "core/crypto.h"
#include "io/options.h"

#include <altocast.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { NOTIFY_S = 5 };

typedef struct {
    const char *out, *http;          /* NULL: not there */
    const char *notify, *notify_key; /* NULL: nobody is told */
    uint64_t pops, pids_per_pop, seed, every_ms, count;
    bool once, stamps, quiet;
} settings;

static int complain(const char *where, const char *why)
{
    (void)fprintf(stderr, "alto-sim: %s: %s\n", where, why);
    return 1;
}

/* One line for people, at once. With --stamps it begins with the time in ms since 1970. */
static void say(const settings *self, const char *line)
{
    struct timespec now;
    if (self->quiet)
        return;
    if (self->stamps && clock_gettime(CLOCK_REALTIME, &now) == 0)
        (void)printf("%" PRId64 " ", (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    (void)printf("%s\n", line);
    (void)fflush(stdout);
}

static void say_first(const settings *self, const isp *network, const maps_made *made)
{
    char line[LIFE_WORDS];
    (void)snprintf(line, sizeof line,
                   "%zu POPs, %zu links, %zu PIDs, %zu prefixes: network map %zu bytes, routingcost %zu, hopcount %zu",
                   network->core->pop_count, network->core->link_count, isp_pid_count(network), network->prefix_count,
                   made->network_bytes, made->routing_bytes, made->hop_bytes);
    say(self, line);
}

static void say_address(const settings *self, const char *address)
{
    char line[LIFE_WORDS];
    (void)snprintf(line, sizeof line, "answers ALTO at http://%s/directory", address);
    say(self, line);
}

static void say_event(const settings *self, const isp *network, const char *words, const maps_made *made)
{
    char line[LIFE_WORDS + 64];
    size_t cells = isp_cells_changed(network);
    if (!made->changed)
        (void)snprintf(line, sizeof line, "%s: no best path uses it, nothing changes", words);
    else if (cells)
        (void)snprintf(line, sizeof line, "%s: %zu cell%s of routingcost change", words, cells, cells == 1 ? "" : "s");
    else
        (void)snprintf(line, sizeof line, "%s: no cell of routingcost changes", words);
    say(self, line);
}

/* Wait for the next event; true when SIGINT or SIGTERM, which are blocked, asks to stop. */
static bool told_to_stop(uint64_t wait_ms)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    struct timespec wait = {(time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000};
    int got = 0;
    do
        got = sigtimedwait(&signals, NULL, &wait);
    while (got < 0 && errno == EINTR);
    return got > 0;
}

/* Where the ISP shows its maps. */
typedef struct {
    const settings *settings;
    isp *network;
    sim_front *front; /* NULL: it does not answer ALTO */
} scene;

static alto_status show(const scene *self, maps_made *made, alto_error *error)
{
    alto_status status = ALTO_OK;
    *made = (maps_made){0};
    if (self->settings->out)
        status = maps_make(self->network, maps_write, (void *)self->settings->out, made, error);
    if (status == ALTO_OK && self->front)
        status = sim_front_show(self->front, self->network, made, error);
    return status;
}

static void notify(const settings *self)
{
    char error[512];
    if (self->notify && !altocast_notify(self->notify, self->notify_key, NULL, NOTIFY_S, error, sizeof error))
        (void)fprintf(stderr, "alto-sim: %s\n", error);
}

static int live(const scene *self)
{
    const settings *told = self->settings;
    maps_made made;
    alto_error error;
    if (show(self, &made, &error) != ALTO_OK)
        return complain(error.where, error.why);
    say_first(told, self->network, &made);
    if (self->front)
        say_address(told, sim_front_address(self->front));
    for (uint64_t event = 0; !told->once && (told->count == 0 || event < told->count); event++) {
        char words[LIFE_WORDS];
        if (told_to_stop(told->every_ms))
            break;
        life_step(self->network, words);
        if (show(self, &made, &error) != ALTO_OK)
            return complain(error.where, error.why);
        say_event(told, self->network, words, &made);
        if (made.changed)
            notify(told);
    }
    return 0;
}

/* Found the ISP, open what it shows itself at, and live. */
static int begin(const settings *self)
{
    alto_error error;
    scene made = {.settings = self, .network = isp_new((size_t)self->pops, (size_t)self->pids_per_pop, self->seed)};
    int code = 0;
    if (!made.network)
        code = complain("memory", "not enough for that many PIDs");
    else if (self->out && mkdir(self->out, 0755) != 0 && errno != EEXIST)
        code = complain(self->out, strerror(errno));
    else if (self->http && sim_front_new(self->http, &made.front, &error) != ALTO_OK)
        code = complain(error.where, error.why);
    else
        code = live(&made);
    sim_front_destroy(&made.front);
    isp_destroy(&made.network);
    return code;
}

static void block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

int main(int argc, char **argv)
{
    settings self = {.pops = 12, .pids_per_pop = 5, .seed = 1, .every_ms = 2000};
    const alto_option options[] = {
        {"out", ALTO_OPTION_TEXT, &self.out, "DIR", "where the maps are written; made when absent", false, 0, 0},
        {"http", ALTO_OPTION_TEXT, &self.http, "ADDR:PORT", "where to answer as an ALTO server", false, 0, 0},
        {"notify", ALTO_OPTION_TEXT, &self.notify, "URL", "of an alto-server-push, to be told of each change", false, 0,
         0},
        {"notify-key", ALTO_OPTION_TEXT, &self.notify_key, "FILE", "its key, the first line of this file", false, 0, 0},
        {"pops", ALTO_OPTION_NUMBER, &self.pops, "N", "points of presence (12)", false, 2, SIM_MAX_POPS},
        {"pids-per-pop", ALTO_OPTION_NUMBER, &self.pids_per_pop, "N", "PIDs at each of them (5)", false, 1,
         SIM_MAX_PIDS_PER_POP},
        {"seed", ALTO_OPTION_NUMBER, &self.seed, "N", "another seed is another ISP and another life (1)", false, 0,
         UINT64_MAX},
        {"every-ms", ALTO_OPTION_NUMBER, &self.every_ms, "MS", "time between two events (2000)", false, 0, 86400000},
        {"count", ALTO_OPTION_NUMBER, &self.count, "N", "stop after N events (0: live until told to stop)", false, 0,
         UINT64_MAX},
        {"once", ALTO_OPTION_FLAG, &self.once, NULL, "write the first state and stop", false, 0, 0},
        {"stamps", ALTO_OPTION_FLAG, &self.stamps, NULL, "begin each line with the time in ms since 1970", false, 0, 0},
        {"quiet", ALTO_OPTION_FLAG, &self.quiet, NULL, "print nothing but errors", false, 0, 0},
        {0},
    };
    int operands = 0;
    alto_options_parse(
        argc, argv, options, "(--out DIR | --http ADDR:PORT) [options]",
        "A simulated regional ISP: writes its network map and its cost maps (routingcost, hopcount)\n"
        "into a directory, or answers them as an ALTO server, begun at http://ADDR:PORT/directory. They\n"
        "are other ones after each event of its life, one line in words for each.",
        &operands);
    if (operands) {
        (void)complain(argv[1], "not understood; see alto-sim --help");
        return 2;
    }
    if (self.pops * self.pids_per_pop > SIM_MAX_PIDS) {
        (void)complain("--pops times --pids-per-pop", "more than 4096 PIDs");
        return 2;
    }
    if (!self.out && !self.http) {
        (void)complain("--out, --http", "one of them is needed; see alto-sim --help");
        return 2;
    }
    if (!self.notify != !self.notify_key) {
        (void)complain("--notify, --notify-key", "one needs the other");
        return 2;
    }
    if (alto_crypto_init() != ALTO_OK)
        return complain("libsodium", "cannot start");
    block_signals();
    return begin(&self);
}
