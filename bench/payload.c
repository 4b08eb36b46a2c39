/* SPDX-License-Identifier: Apache-2.0 */
/* payload.c - how many bytes a new version of a real map costs, beside the usual ways to send a difference. */
#include "core/prefix.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    MAX_LINE = 256,
    WHOLE_TRACE = 100000,
    QUICK_TRACE = 40,
    MESSAGES = 2 * ALTO_TOPIC_SIZE + ALTO_HASH_SIZE + 1 + ALTO_SIGNATURE_SIZE, /* beside commit object and payload */
    MOST_FIXED = 511
};

static const char resource_id[] = "a-16-char-map-id"; /* cost maps are named so */
static const char network_id[] = "my-network-map-1";

typedef struct {
    const char *name, *title, *peer;
    double bar;
    bool network;
} trace_case;

/* A trace being replayed. */
typedef struct {
    const trace_case *of;
    bench_origin origin;
    alto_replica *replica;
    alto_version *version; /* owned; NULL before the first */
    alto_map_memory *memory;
    uint64_t step, peer_size; /* of the step in hand */
    bench_series payload, peer, ratio, fixed, total;
} replay;

/* ---- what a commit costs ---- */

static void on_applied(void *context, const alto_applied *applied)
{
    replay *self = context;
    if (!self->replica)
        return;
    bench_replica_feed(self->replica, applied);
    if (applied->change_count != 1)
        bench_die("%s: a step that changes nothing", self->of->name);
    double payload = (double)applied->changes[0].payload.size, fixed = (double)(applied->object.size + MESSAGES);
    bench_series_add(&self->payload, payload);
    bench_series_add(&self->peer, (double)self->peer_size);
    bench_series_add(&self->ratio, payload / (double)self->peer_size);
    bench_series_add(&self->fixed, fixed);
    bench_series_add(&self->total, payload + fixed);
}

static const char *id_of(const replay *self)
{
    return self->of->network ? network_id : resource_id;
}

/* The next version, which is taken over. */
static void take(replay *self, alto_version *next)
{
    bench_origin_commit(&self->origin, id_of(self), next);
    alto_version_release(self->version);
    self->version = next;
    if (!self->replica) {
        self->replica = bench_replica_new(&self->origin, &(alto_replica_events){0});
        bench_replica_sync(self->replica, &self->origin);
        self->origin.archived = false;
    }
    bench_replica_check(self->replica, id_of(self), next);
    self->step++;
}

static alto_version *read_document(replay *self, alto_slice text, const alto_version *base, alto_map_memory *memory)
{
    alto_version *made = NULL;
    alto_error error = {.why = ""};
    if (alto_map_read(self->origin.pool, text, base, memory, &made, &error) != ALTO_OK)
        bench_die("%s: %s %s", self->of->name, error.where, error.why);
    return made;
}

/* ---- changes of a network map ---- */

/* One prefix added to or removed from a PID. */
typedef struct {
    alto_slice pid; /* borrowed from the lines */
    alto_prefix_key key;
    bool remove;
} item_change;

typedef struct {
    item_change *items;
    size_t count, capacity;
} item_changes;

static void add_change(item_changes *self, alto_slice pid, alto_slice prefix, bool remove)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? 2 * self->capacity : 64;
        self->items = realloc(self->items, self->capacity * sizeof *self->items);
        if (!self->items)
            bench_die("out of memory");
    }
    item_change *added = &self->items[self->count++];
    *added = (item_change){.pid = pid, .remove = remove};
    bench_must(alto_prefix_parse(memchr(prefix.data, ':', prefix.size) ? 6 : 4, prefix, &added->key), "prefix");
}

/* The next word of a line; *line goes on behind it. */
static alto_slice next_word(alto_slice *line)
{
    size_t size = 0;
    while (size < line->size && line->data[size] != ' ')
        size++;
    alto_slice word = alto_slice_of(line->data, size);
    size_t skip = size < line->size ? size + 1 : size;
    *line = alto_slice_of(line->data + skip, line->size - skip);
    return word;
}

static void parse_line(item_changes *self, alto_slice line)
{
    char what = (char)line.data[0];
    line = alto_slice_of(line.data + 1, line.size - 1);
    alto_slice first = next_word(&line), second = next_word(&line);
    if (what == '>') {
        alto_slice prefix = next_word(&line);
        add_change(self, first, prefix, true);
        add_change(self, second, prefix, false);
    } else {
        add_change(self, first, second, what == '-');
    }
}

static int by_pid_and_key(const void *a, const void *b)
{
    const item_change *left = a, *right = b;
    int order = alto_slice_compare(left->pid, right->pid);
    return order ? order
                 : alto_slice_compare(alto_slice_of(left->key.bytes, left->key.size),
                                      alto_slice_of(right->key.bytes, right->key.size));
}

static item_changes parse_changes(alto_slice lines)
{
    item_changes made = {0};
    const uint8_t *at = lines.data, *end = lines.data + lines.size;
    while (at < end) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *stop = newline ? newline : end;
        if (stop > at)
            parse_line(&made, alto_slice_of(at, (size_t)(stop - at)));
        at = stop + 1;
    }
    if (made.count > 0)
        qsort(made.items, made.count, sizeof *made.items, by_pid_and_key);
    return made;
}

/* The edit of one PID from its `count` changes. A PID without prefixes is gone. */
static alto_row_edit edit_pid(const replay *self, const item_change *items, size_t count, alto_row_key *key,
                              alto_edit *edits)
{
    const alto_tree *before = NULL;
    alto_version_row(self->version, ALTO_ROW_PAYLOAD, items[0].pid, &before);
    uint64_t left = alto_tree_entries(before);
    *key = alto_row_key_make(ALTO_ROW_PAYLOAD, items[0].pid);
    for (size_t i = 0; i < count; i++) {
        edits[i] = (alto_edit){.key = alto_slice_of(items[i].key.bytes, items[i].key.size), .remove = items[i].remove};
        left = items[i].remove ? left - 1 : left + 1;
    }
    return (alto_row_edit){.row = alto_row_key_slice(key),
                           .what = left ? ALTO_ROW_ITEMS : ALTO_ROW_REMOVE,
                           .edits = edits,
                           .count = count};
}

static alto_version *change_network_map(replay *self, alto_slice lines)
{
    item_changes changes = parse_changes(lines);
    alto_edit *edits = bench_alloc(changes.count * sizeof *edits), meta;
    alto_row_key *keys = bench_alloc((changes.count + 1) * sizeof *keys);
    alto_row_edit *rows = bench_alloc((changes.count + 1) * sizeof *rows);
    char vtag[BENCH_VTAG_TEXT];
    size_t count = 0;
    bench_vtag(network_id, self->step, vtag);
    rows[count++] = bench_meta_edit("vtag", vtag, &keys[0], &meta);
    for (size_t begin = 0, end; begin < changes.count; begin = end) {
        for (end = begin + 1; end < changes.count; end++)
            if (!alto_slice_equal(changes.items[end].pid, changes.items[begin].pid))
                break;
        rows[count] = edit_pid(self, &changes.items[begin], end - begin, &keys[count], &edits[begin]);
        count++;
    }
    alto_version *made = NULL;
    bench_must(alto_version_edit(self->origin.pool, ALTO_NETWORK_MAP, self->version, rows, count, &made), "edit");
    free(rows);
    free(keys);
    free(edits);
    free(changes.items);
    return made;
}

/* What the changes led to must be what the whole document says. */
static void check_final(replay *self, alto_slice document)
{
    alto_version *wanted = read_document(self, document, NULL, NULL), *retagged = NULL;
    alto_slice vtag;
    char text[BENCH_VTAG_TEXT];
    if (!alto_version_member(wanted, "meta", "vtag", &vtag) || vtag.size >= sizeof text)
        bench_die("%s: no vtag", self->of->name);
    memcpy(text, vtag.data, vtag.size);
    text[vtag.size] = 0;
    alto_row_key key;
    alto_edit edit;
    alto_row_edit meta = bench_meta_edit("vtag", text, &key, &edit);
    bench_must(alto_version_edit(self->origin.pool, ALTO_NETWORK_MAP, self->version, &meta, 1, &retagged), "edit");
    if (!alto_hash_equal(alto_version_root(wanted), alto_version_root(retagged)))
        bench_die("%s: the replay does not end in the last version", self->of->name);
    alto_version_release(wanted);
    alto_version_release(retagged);
}

/* ---- frames from the helper ---- */

static void take_frame(replay *self, const char *kind, alto_slice body)
{
    if (strcmp(kind, "document") == 0)
        take(self, read_document(self, body, self->version, self->memory));
    else if (strcmp(kind, "changes") == 0)
        take(self, change_network_map(self, body));
    else
        check_final(self, body);
}

static bool read_frame(replay *self, FILE *from)
{
    char line[MAX_LINE], kind[16];
    unsigned long long peer, size;
    if (!fgets(line, sizeof line, from))
        return false;
    /* NOLINTNEXTLINE(cert-err34-c): the helper wrote the numbers */
    if (sscanf(line, "%15s %llu %llu", kind, &peer, &size) != 3 || size > ALTO_MAX_DOCUMENT)
        bench_die("%s: not a frame: %s", self->of->name, line);
    uint8_t *body = bench_alloc((size_t)size);
    if (fread(body, 1, (size_t)size, from) != size)
        bench_die("%s: the trace ends early", self->of->name);
    self->peer_size = peer;
    take_frame(self, kind, alto_slice_of(body, (size_t)size));
    free(body);
    return true;
}

/* ---- the report ---- */

static void report(const replay *self)
{
    char name[128];
    size_t steps = self->payload.count;
    snprintf(name, sizeof name, "payload: %s, %zu steps", self->of->title, steps);
    bench_add(&(bench_row){.name = name,
                           .unit = "bytes",
                           .value = bench_median(&self->payload),
                           .peer = self->of->peer,
                           .peer_value = bench_median(&self->peer),
                           .bar_of = BENCH_RATIO,
                           .bar = self->of->bar});
    snprintf(name, sizeof name, "payload: %s, median of the ratios of the steps", self->of->title);
    bench_add(&(bench_row){.name = name, .unit = "ratio", .value = bench_median(&self->ratio)});
    snprintf(name, sizeof name, "payload: %s, fixed part", self->of->title);
    bench_add(&(bench_row){
        .name = name, .unit = "bytes", .value = bench_median(&self->fixed), .bar_of = BENCH_VALUE, .bar = MOST_FIXED});
    snprintf(name, sizeof name, "payload: %s, all that is sent", self->of->title);
    bench_add(&(bench_row){.name = name,
                           .unit = "bytes",
                           .value = bench_median(&self->total),
                           .peer = self->of->peer,
                           .peer_value = bench_median(&self->peer)});
}

static void replay_init(replay *self, const trace_case *of)
{
    *self = (replay){.of = of, .memory = alto_map_memory_new()};
    if (!self->memory)
        bench_die("out of memory");
    bench_origin_init(&self->origin);
    self->origin.archived = true;
    self->origin.applied = on_applied;
    self->origin.context = self;
}

static void replay_fini(replay *self)
{
    bench_series *const all[] = {&self->payload, &self->peer, &self->ratio, &self->fixed, &self->total};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        bench_series_fini(all[i]);
    alto_replica_destroy(&self->replica);
    alto_version_release(self->version);
    alto_map_memory_destroy(&self->memory);
    bench_origin_fini(&self->origin);
}

static void run_trace(const bench_options *options, const trace_case *of)
{
    char command[1024];
    int size = snprintf(command, sizeof command, "exec python3 '%s' '%s' %s %d", options->helper, options->data,
                        of->name, options->quick ? QUICK_TRACE : WHOLE_TRACE);
    if (size < 0 || (size_t)size >= sizeof command || strchr(options->helper, '\'') || strchr(options->data, '\''))
        bench_die("--helper or --data cannot be used: %s %s", options->helper, options->data);
    /* NOLINTNEXTLINE(cert-env33-c): nothing in the command can end its quotes, as was just checked */
    FILE *frames = popen(command, "r");
    if (!frames)
        bench_die("cannot start python3");
    replay *made = bench_alloc(sizeof *made);
    replay_init(made, of);
    while (read_frame(made, frames))
        ;
    if (pclose(frames) != 0 || made->payload.count == 0)
        bench_die("%s: %s failed", of->name, options->helper);
    report(made);
    replay_fini(made);
    free(made);
}

void bench_payload(const bench_options *options)
{
    static const char merge_patch[] = "gzip -6 of the RFC 7396 merge patch";
    static const char lines[] = "gzip -6 of the difference lines";
    static const trace_case cases[] = {{"seattle", "seattle cost map", merge_patch, 0.35, false},
                                       {"cloud", "cloud network map", lines, 0.55, true},
                                       {"rir", "rir network map", lines, 0.55, true},
                                       {"geo", "geo network map", lines, 0.55, true}};
    char cases_file[1024];
    snprintf(cases_file, sizeof cases_file, "%s/cases.json", options->data);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "payload: %s", cases[i].title);
        if (access(cases_file, R_OK) == 0)
            run_trace(options, &cases[i]);
        else
            bench_skip(name, "the real maps are not here (--data)");
    }
}
