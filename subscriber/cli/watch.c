/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const command_options *options;
    session session;
    uint64_t seen;
} watching;

/* Append "3 cells changed" and the like to a list of words. */
static void add_words(char *words, size_t room, uint64_t count, const char *one, const char *many, const char *what)
{
    size_t length = strlen(words);
    if (count)
        snprintf(words + length, room - length, "%s%llu %s %s", length ? ", " : "", (unsigned long long)count,
                 count == 1 ? one : many, what);
}

static void describe(const altocast_change *change, char *words, size_t room)
{
    bool costs = change->kind == ALTOCAST_COST_MAP;
    const char *item = costs ? "cell" : "prefix", *items = costs ? "cells" : "prefixes";
    words[0] = 0;
    if (change->withdrawn) {
        snprintf(words, room, "withdrawn");
        return;
    }
    add_words(words, room, change->rows_added, "PID", "PIDs", "added");
    add_words(words, room, change->rows_removed, "PID", "PIDs", "removed");
    add_words(words, room, change->items_added, item, items, "added");
    add_words(words, room, change->items_removed, item, items, "removed");
    add_words(words, room, change->items_changed, item, items, "changed");
    add_words(words, room, change->rows_changed, costs ? "row" : "PID", costs ? "rows" : "PIDs", "touched");
    add_words(words, room, change->members_changed, "member", "members", "changed");
    if (!words[0])
        snprintf(words, room, "nothing but its state");
}

static void print_json_change(const altocast_change *change, const char *words)
{
    printf("{\"resource\":");
    print_json_text(change->resource_id);
    printf(",\"kind\":\"%s\",\"added\":%s,\"withdrawn\":%s,\"payload_bytes\":%llu,\"text_bytes\":%llu,"
           "\"rows_added\":%llu,\"rows_removed\":%llu,\"rows_changed\":%llu,\"items_added\":%llu,"
           "\"items_removed\":%llu,\"items_changed\":%llu,\"members_changed\":%llu,\"words\":\"%s\"}",
           kind_name(change->kind), change->added ? "true" : "false", change->withdrawn ? "true" : "false",
           (unsigned long long)change->payload_bytes, (unsigned long long)change->text_bytes,
           (unsigned long long)change->rows_added, (unsigned long long)change->rows_removed,
           (unsigned long long)change->rows_changed, (unsigned long long)change->items_added,
           (unsigned long long)change->items_removed, (unsigned long long)change->items_changed,
           (unsigned long long)change->members_changed, words);
}

static void print_json(const altocast_commit *commit)
{
    char words[256];
    long long age = (long long)commit->applied_at_ms - (long long)commit->issued_at_ms;
    printf(
        "{\"event\":\"commit\",\"epoch\":%u,\"chain\":%llu,\"seq\":%llu,\"issued_at_ms\":%llu,\"applied_at_ms\":%llu,"
        "\"age_ms\":%lld,\"latency_ms\":%lld,\"push_bytes\":%llu,\"via\":\"%s\",\"changes\":[",
        commit->epoch, (unsigned long long)commit->chain, (unsigned long long)commit->seq,
        (unsigned long long)commit->issued_at_ms, (unsigned long long)commit->applied_at_ms, age, age,
        (unsigned long long)commit->bytes_received, commit->route);
    for (size_t i = 0; i < commit->change_count; i++) {
        describe(&commit->changes[i], words, sizeof words);
        printf("%s", i ? "," : "");
        print_json_change(&commit->changes[i], words);
    }
    printf("]}\n");
}

static void print_line(const altocast_commit *commit)
{
    char words[256];
    uint64_t age = commit->applied_at_ms > commit->issued_at_ms ? commit->applied_at_ms - commit->issued_at_ms : 0;
    printf("seq %llu", (unsigned long long)commit->seq);
    for (size_t i = 0; i < commit->change_count; i++) {
        describe(&commit->changes[i], words, sizeof words);
        printf("%s %s: %s", i ? ";" : " ", commit->changes[i].resource_id, words);
    }
    if (commit->change_count == 0)
        printf("  a new beginning, nothing changed");
    printf("  (%llu bytes by %s, %llu ms old)\n", (unsigned long long)commit->bytes_received, commit->route,
           (unsigned long long)age);
}

static void on_commit(void *context, const altocast_commit *commit)
{
    watching *self = context;
    if (self->options->json)
        print_json(commit);
    else
        print_line(commit);
    bool printed = fflush(stdout) == 0;
    if (++self->seen == self->options->count || !printed)
        altocast_stop(self->session.maps);
}

int command_watch(const command_options *options)
{
    watching self = {.options = options};
    if (!session_open(&self.session, options, NULL, on_commit, &self))
        return 1;
    int code = altocast_run(self.session.maps) == 0 ? 0 : 1;
    return session_close(&self.session, options, code);
}
