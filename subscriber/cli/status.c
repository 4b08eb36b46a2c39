/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>
#include <time.h>

static const char *const state_names[] = {"empty", "syncing", "live", "stale"};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void print_json_refusal(void *context, const char *reason, uint64_t count)
{
    const char **separator = context;
    printf("%s\"%s\":%llu", *separator, reason, (unsigned long long)count);
    *separator = ",";
}

static bool print_json_upstream(void *context, const altocast_upstream *upstream)
{
    const char **separator = context;
    printf("%s{\"url\":", *separator);
    print_json_text(upstream->url);
    printf(",\"via\":\"%s\",\"trouble\":", upstream->by_push ? "push" : "poll");
    print_json_text(upstream->trouble);
    printf("}");
    *separator = ",";
    return true;
}

static bool print_json_fork(void *context, const altocast_fork *fork)
{
    const char **separator = context;
    printf("%s{\"epoch\":%u,\"chain\":%llu,\"seq\":%llu,\"held\":\"%s\",\"other\":\"%s\"}", *separator, fork->epoch,
           (unsigned long long)fork->chain, (unsigned long long)fork->seq, fork->held, fork->other);
    *separator = ",";
    return true;
}

static void print_json_resource(const altocast_resource_info *info)
{
    printf("{\"id\":");
    print_json_text(info->id);
    printf(",\"kind\":\"%s\",\"media_type\":", kind_name(info->kind));
    print_json_text(info->media_type);
    printf(",\"root\":\"%s\",\"tag\":", info->root);
    print_json_text(info->tag);
    printf(",\"rows\":%llu,\"items\":%llu,\"text_bytes\":%llu,\"held\":%s}", (unsigned long long)info->rows,
           (unsigned long long)info->items, (unsigned long long)info->text_bytes, info->held ? "true" : "false");
}

static void print_json(altocast *maps, const altocast_view *view, const altocast_status *status)
{
    const char *separator = "";
    printf("{\"origin\":\"%s\",\"upstreams\":[", status->origin);
    altocast_each_upstream(maps, print_json_upstream, &separator);
    separator = "";
    printf("],\"via\":\"%s\",\"state\":\"%s\",\"epoch\":%u,\"chain\":%llu,\"seq\":%llu,\"issued_at_ms\":%llu,"
           "\"valid_until_ms\":%llu,\"trouble\":",
           status->by_push ? "push" : "poll", state_names[status->state], status->epoch,
           (unsigned long long)status->chain, (unsigned long long)status->seq, (unsigned long long)status->issued_at_ms,
           (unsigned long long)status->valid_until_ms);
    print_json_text(status->trouble);
    printf(",\"refused\":{");
    altocast_each_refusal(maps, print_json_refusal, &separator);
    separator = "";
    printf("},\"forks\":[");
    altocast_each_fork(maps, print_json_fork, &separator);
    printf("],\"resources\":[");
    for (size_t i = 0; i < altocast_resource_count(view); i++) {
        altocast_resource_info info;
        altocast_describe(altocast_resource_at(view, i), &info);
        printf("%s", i ? "," : "");
        print_json_resource(&info);
    }
    printf("]}\n");
}

static void print_refusal(void *context, const char *reason, uint64_t count)
{
    (void)context;
    printf("refused   %llu %s\n", (unsigned long long)count, reason);
}

static bool print_fork(void *context, const altocast_fork *fork)
{
    (void)context;
    printf("fork      epoch %u, chain %llu, seq %llu: signed as %s and as %s\n", fork->epoch,
           (unsigned long long)fork->chain, (unsigned long long)fork->seq, fork->held, fork->other);
    return true;
}

static bool print_upstream(void *context, const altocast_upstream *upstream)
{
    (void)context;
    printf("upstream  %s (by %s)\n", upstream->url, upstream->by_push ? "push" : "poll");
    if (upstream->trouble[0])
        printf("          %s\n", upstream->trouble);
    return true;
}

static void print_text(altocast *maps, const altocast_view *view, const altocast_status *status)
{
    uint64_t now = now_ms();
    printf("origin    %s\n", status->origin);
    altocast_each_upstream(maps, print_upstream, NULL);
    printf("state     %s\n", state_names[status->state]);
    printf("position  epoch %u, chain %llu, seq %llu, signed %llu s ago\n", status->epoch,
           (unsigned long long)status->chain, (unsigned long long)status->seq,
           (unsigned long long)(now > status->issued_at_ms ? (now - status->issued_at_ms) / 1000 : 0));
    altocast_each_refusal(maps, print_refusal, NULL);
    altocast_each_fork(maps, print_fork, NULL);
    printf("\n%-24s %-12s %10s %12s %12s  %s\n", "resource", "kind", "rows", "items", "bytes", "root");
    for (size_t i = 0; i < altocast_resource_count(view); i++) {
        altocast_resource_info info;
        altocast_describe(altocast_resource_at(view, i), &info);
        printf("%-24s %-12s %10llu %12llu %12llu  %.16s%s\n", info.id, kind_name(info.kind),
               (unsigned long long)info.rows, (unsigned long long)info.items, (unsigned long long)info.text_bytes,
               info.root, info.held ? "" : "  (withheld)");
    }
}

int command_status(const command_options *options)
{
    session self;
    if (!session_open(&self, options, NULL, NULL, NULL))
        return 1;
    int code = session_wait(&self, options);
    if (code == 0) {
        session_settle(&self);
        altocast_status status;
        altocast_view *view = altocast_acquire(self.maps);
        altocast_get_status(self.maps, &status);
        (options->json ? print_json : print_text)(self.maps, view, &status);
        altocast_release(view);
        code = fflush(stdout) == 0 ? 0 : 1;
    }
    return session_close(&self, options, code);
}
