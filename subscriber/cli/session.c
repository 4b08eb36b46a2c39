/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SETTLE_S = 3 };

static altocast *told_of_signals; /* the one session of this process */

static void on_signal(int number)
{
    if (told_of_signals && number == SIGHUP)
        altocast_reload(told_of_signals);
    else if (told_of_signals)
        altocast_stop(told_of_signals);
}

/* What the library calls back with: the session's own events, then the command's. */
typedef struct {
    session *owner;
    void (*on_commit)(void *context, const altocast_commit *commit);
    void *context;
} callbacks;

static callbacks routed;

static void on_commit(void *context, const altocast_commit *commit)
{
    callbacks *to = context;
    if (to->on_commit)
        to->on_commit(to->context, commit);
}

static void on_wrong_origin(void *context)
{
    callbacks *to = context;
    to->owner->wrong_origin = true;
    altocast_stop(to->owner->maps);
}

bool session_open(session *self, const command_options *options, const char *follow,
                  void (*commit)(void *context, const altocast_commit *commit), void *context)
{
    char error[512];
    routed = (callbacks){.owner = self, .on_commit = commit, .context = context};
    altocast_options wanted = {.upstream = options->upstreams[0],
                               .upstreams = options->upstreams + 1,
                               .upstream_count = options->upstream_count - 1,
                               .upstream_push = options->upstream_push,
                               .upstream_curve_keys = options->curve_keys,
                               .upstream_curve_key_count = options->curve_key_count,
                               .curve_id = options->curve_id,
                               .root_key_file = options->root_key,
                               .resources = follow ? &follow : NULL,
                               .resource_count = follow ? 1 : 0,
                               .tls = options->tls,
                               .no_push = options->no_push,
                               .poll_ms = options->poll_ms,
                               .on_commit = on_commit,
                               .on_wrong_origin = on_wrong_origin,
                               .context = &routed};
    *self = (session){.maps = altocast_open(&wanted, error, sizeof error)};
    if (!self->maps) {
        fprintf(stderr, "alto-subscriber: %s\n", error);
        return false;
    }
    told_of_signals = self->maps;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (options->curve_key_count || options->curve_id) /* otherwise there is nothing to read again, and it ends us */
        sigaction(SIGHUP, &action, NULL);
    return true;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int session_wait(session *self, const command_options *options)
{
    double until = seconds_now() + (double)options->timeout_s;
    for (;;) {
        altocast_view *view = altocast_acquire(self->maps);
        bool there = view != NULL;
        altocast_release(view);
        if (there)
            return 0;
        double left = until - seconds_now();
        if (left <= 0)
            break;
        if (altocast_process(self->maps, (int)(left * 1000) + 1) != 0)
            return 1;
    }
    altocast_status status;
    altocast_get_status(self->maps, &status);
    fprintf(stderr, "alto-subscriber: nothing verified after %llu s: %s\n", (unsigned long long)options->timeout_s,
            status.trouble[0] ? status.trouble : "the upstream holds nothing yet");
    return 1;
}

void session_settle(session *self)
{
    altocast_status status;
    double until = seconds_now() + (double)SETTLE_S;
    for (;;) {
        double left = until - seconds_now();
        altocast_get_status(self->maps, &status);
        if (status.state != ALTOCAST_SYNCING || left <= 0 || altocast_process(self->maps, (int)(left * 1000) + 1) != 0)
            return;
    }
}

int session_close(session *self, const command_options *options, int code)
{
    told_of_signals = NULL;
    if (self->wrong_origin) {
        fprintf(stderr, "alto-subscriber: %s%s does not serve the origin of %s; check --upstream and --root-key\n",
                options->upstreams[0], options->upstream_count > 1 ? ", like all others," : "", options->root_key);
        code = 1;
    }
    altocast_close(self->maps);
    return code;
}

const char *kind_name(altocast_kind kind)
{
    static const char *const names[] = {"", "network map", "cost map", "document"};
    return names[kind];
}

void print_json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20)
            printf("\\u%04x", *at);
        else
            putchar(*at);
    }
    putchar('"');
}
