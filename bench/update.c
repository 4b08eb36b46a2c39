/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - from a change handed to the core to the verified new version at a replica in the same process: in a big
 * map, and the same in a map of 100 PIDs. */
#include "core/json_follow.h"
#include "core/json_parse.h"
#include "core/number.h"
#include "core/prefix.h"
#include "io/loop.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SMALL_PIDS = 100,
    CELL_PIDS = 3000,
    MOVE_PIDS = 241, /* two of them are big */
    MOVE_BIG = 180000,
    ADD_PIDS = 86000,
    FEW_PREFIXES = 5,
    WARM_UP = 20,
    ROW_TEXT = 4194304
};

static const double most_us = 500, most_ratio = 3;
static const char resource_id[] = "my-network-map-1";

/* A map at its origin and at a replica. */
typedef struct {
    bench_origin origin;
    alto_replica *replica;
    alto_version *version; /* owned: the newest */
    size_t pids;
    sim_random random;
    uint64_t steps;     /* so far */
    uint32_t *owner;    /* of each prefix, its PID; network maps */
    size_t prefixes;    /* in owner */
    alto_buffer text;   /* of the row in hand */
    alto_buffer other;  /* of a second one */
    bench_series total; /* us beyond parsing */
    bench_series parse; /* us of parsing */
    bench_series alone; /* us of parsing without comparing, where that is told apart */
} subject;

static void on_applied(void *context, const alto_applied *applied)
{
    subject *self = context;
    bench_replica_feed(self->replica, applied);
}

static void subject_begin(subject *self, alto_version *version)
{
    self->version = version;
    bench_origin_commit(&self->origin, resource_id, version);
    self->replica = bench_replica_new(&self->origin, &(alto_replica_events){0});
    bench_replica_sync(self->replica, &self->origin);
    self->origin.archived = false; /* from now on the core alone is measured */
    self->origin.applied = on_applied;
    self->origin.context = self;
}

static void subject_init(subject *self, size_t pids)
{
    *self = (subject){.pids = pids, .random = {pids}};
    self->text = self->other = alto_buffer_make(ROW_TEXT);
    bench_origin_init(&self->origin);
    self->origin.archived = true;
}

static void subject_fini(subject *self)
{
    alto_replica_destroy(&self->replica);
    alto_version_release(self->version);
    bench_origin_fini(&self->origin);
    free(self->owner);
    alto_buffer_fini(&self->text);
    alto_buffer_fini(&self->other);
    bench_series_fini(&self->total);
    bench_series_fini(&self->parse);
    bench_series_fini(&self->alone);
}

/* Edit, commit, verify, apply. Timed by the caller. */
static void take(subject *self, const alto_row_edit *edits, size_t count)
{
    alto_version *next = NULL;
    bench_must(
        alto_version_edit(self->origin.pool, alto_version_kind(self->version), self->version, edits, count, &next),
        "edit");
    bench_origin_commit(&self->origin, resource_id, next);
    alto_version_release(self->version);
    self->version = next;
}

static alto_tree *read_row(subject *self, const alto_buffer *text, const alto_tree *before)
{
    alto_tree *items = NULL;
    alto_error error = {.why = ""};
    alto_status status = alto_map_read_row(self->origin.pool, alto_version_kind(self->version), alto_buffer_slice(text),
                                           before, "", &items, &error);
    if (status != ALTO_OK)
        bench_die("row: %s %s", error.where, error.why);
    return items;
}

/* What it costs to find out that a row is what it was: parsing. */
static double parse_us(subject *self, const alto_buffer *text, const alto_tree *items)
{
    uint64_t begin_ns = alto_monotonic_ns();
    alto_tree *again = read_row(self, text, items);
    double us = bench_us_since(begin_ns);
    if (!alto_tree_equal(again, items))
        bench_die("a row was not read as before");
    alto_tree_release(again);
    return us;
}

static void note(subject *self, double total_us, double parsing_us)
{
    bench_replica_check(self->replica, resource_id, self->version);
    if (self->steps++ < WARM_UP)
        return;
    bench_series_add(&self->total, total_us - parsing_us);
    bench_series_add(&self->parse, parsing_us);
}

static const alto_tree *row_of(const subject *self, size_t pid)
{
    char name[BENCH_PID_TEXT];
    const alto_tree *items;
    bench_pid_name(pid, name);
    if (!alto_version_row(self->version, ALTO_ROW_PAYLOAD, alto_slice_text(name), &items))
        bench_die("PID %s is gone", name);
    return items;
}

static alto_row_key pid_key(size_t pid)
{
    char name[BENCH_PID_TEXT];
    bench_pid_name(pid, name);
    return alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(name));
}

/* ---- one cell of a cost map, handed in as the new text of its row ---- */

static void cell_begin(subject *self, size_t pids)
{
    subject_init(self, pids);
    subject_begin(self, bench_cost_map(self->origin.pool, pids, &self->random));
}

/* The row as text, with another cost at one place. */
static void write_costs(subject *self, const alto_tree *items, size_t changed)
{
    alto_cursor at;
    alto_buffer_clear(&self->text);
    alto_cursor_first(&at, items);
    for (size_t i = 0; alto_cursor_valid(&at); alto_cursor_next(&at), i++) {
        char number[ALTO_NUMBER_TEXT];
        double cost = alto_cursor_value(&at).cost;
        if (i == changed)
            cost = cost < 100 ? cost + 0.25 : cost - 0.75;
        size_t size = alto_number_format(cost, number);
        alto_buffer_add_text(&self->text, i ? "," : "{");
        alto_json_string(&self->text, alto_cursor_key(&at));
        alto_buffer_put(&self->text, ':');
        alto_buffer_add(&self->text, number, size);
    }
    alto_buffer_put(&self->text, '}');
}

static void cell_step(subject *self)
{
    size_t row = sim_random_below(&self->random, self->pids);
    const alto_tree *before = row_of(self, row);
    alto_row_key key = pid_key(row);
    write_costs(self, before, sim_random_below(&self->random, self->pids));
    uint64_t begin_ns = alto_monotonic_ns();
    alto_tree *items = read_row(self, &self->text, before);
    alto_row_edit edit = {.row = alto_row_key_slice(&key), .what = ALTO_ROW_REPLACE, .items = items};
    take(self, &edit, 1);
    double us = bench_us_since(begin_ns);
    note(self, us, parse_us(self, &self->text, items));
    alto_tree_release(items);
}

/* ---- one prefix from PID to PID ---- */

static void network_begin(subject *self, size_t pids, size_t bigs, size_t big)
{
    subject_init(self, pids);
    size_t *sizes = bench_alloc(pids * sizeof *sizes);
    for (size_t i = 0; i < pids; i++) {
        sizes[i] = i < bigs ? big : FEW_PREFIXES;
        self->prefixes += sizes[i];
    }
    self->owner = bench_alloc(self->prefixes * sizeof *self->owner);
    subject_begin(self, bench_network_map(self->origin.pool, resource_id, pids, sizes, self->owner));
    free(sizes);
}

static void move_begin(subject *self, size_t pids)
{
    network_begin(self, pids, 2, pids == SMALL_PIDS ? FEW_PREFIXES : MOVE_BIG);
}

/* A prefix of PID 0 or 1, and the new tag. */
typedef struct {
    char vtag[BENCH_VTAG_TEXT];
    alto_row_key keys[3];
    alto_edit edits[3];
    alto_row_edit rows[3]; /* meta, PID 0, PID 1 */
    uint8_t item[BENCH_PREFIX_SIZE];
} move;

static void plan_move(subject *self, move *planned)
{
    size_t prefix;
    do
        prefix = sim_random_below(&self->random, self->prefixes);
    while (self->owner[prefix] > 1);
    uint32_t from = self->owner[prefix];
    self->owner[prefix] = 1 - from;
    bench_prefix_item(prefix, planned->item);
    bench_vtag(resource_id, self->steps + 1, planned->vtag);
    planned->rows[0] = bench_meta_edit("vtag", planned->vtag, &planned->keys[0], &planned->edits[0]);
    for (uint32_t pid = 0; pid < 2; pid++) {
        planned->keys[pid + 1] = pid_key(pid);
        planned->edits[pid + 1] =
            (alto_edit){.key = alto_slice_of(planned->item, BENCH_PREFIX_SIZE), .remove = pid == from};
        planned->rows[pid + 1] = (alto_row_edit){.row = alto_row_key_slice(&planned->keys[pid + 1]),
                                                 .what = ALTO_ROW_ITEMS,
                                                 .edits = &planned->edits[pid + 1],
                                                 .count = 1};
    }
}

/* Handed in as what changed. */
static void move_step(subject *self)
{
    move planned;
    plan_move(self, &planned);
    uint64_t begin_ns = alto_monotonic_ns();
    take(self, planned.rows, 3);
    note(self, bench_us_since(begin_ns), 0);
}

static void write_prefixes(const subject *self, uint32_t pid, alto_buffer *text)
{
    const char *separator = "{\"ipv4\":[";
    alto_buffer_clear(text);
    for (size_t i = 0; i < self->prefixes; i++)
        if (self->owner[i] == pid) {
            uint8_t item[BENCH_PREFIX_SIZE];
            bench_prefix_item(i, item);
            alto_buffer_print(text, "%s\"%u.%u.%u.0/24\"", separator, item[1], item[2], item[3]);
            separator = ",";
        }
    alto_buffer_add_text(text, *separator == '{' ? "{}" : "]}");
}

static alto_status convert(void *context, alto_json_event event, alto_slice text)
{
    alto_prefix_key *key = context;
    return event == ALTO_JSON_STRING ? alto_prefix_parse(ALTO_ITEM_IPV4, text, key) : ALTO_OK;
}

/* What it costs to parse a row and to do nothing with it. */
static void parse_alone(const alto_buffer *text)
{
    alto_error error = {.why = ""};
    const alto_json_place place = {text->data, "", &error};
    alto_prefix_key key;
    if (alto_json_parse(alto_buffer_slice(text), convert, &key, &place) != ALTO_OK)
        bench_die("row: %s %s", error.where, error.why);
}

/* Parse a row, comparing as it goes: gathers what is to be done to `before`. */
static void follow_row(alto_items *items, const alto_buffer *text, const alto_tree *before)
{
    if (!alto_follow_prefixes(items, alto_buffer_slice(text), before))
        bench_die("a row is not in order");
}

/* Handed in as the new texts of both rows. Where reading ends is measured inside of it: it is a thousand times what comes
 * after it, so that no difference of two measurements would tell the latter. */
static void move_text_step(subject *self)
{
    move planned;
    plan_move(self, &planned);
    const alto_buffer *texts[] = {&self->text, &self->other};
    write_prefixes(self, 0, &self->text);
    write_prefixes(self, 1, &self->other);
    const alto_tree *before[] = {row_of(self, 0), row_of(self, 1)};
    alto_items gathered[2] = {{0}};
    alto_tree *items[2];
    double parsing_us = bench_thread_us();
    for (size_t i = 0; i < 2; i++)
        follow_row(&gathered[i], texts[i], before[i]);
    parsing_us = bench_thread_us() - parsing_us;
    uint64_t begin_ns = alto_monotonic_ns();
    for (size_t i = 0; i < 2; i++) {
        bench_must(alto_tree_edit(self->origin.pool, ALTO_VALUE_NONE, before[i], gathered[i].edits,
                                  gathered[i].edit_count, &items[i]),
                   "row");
        planned.rows[i + 1].what = ALTO_ROW_REPLACE;
        planned.rows[i + 1].items = items[i];
    }
    take(self, planned.rows, 3);
    double beyond_us = bench_us_since(begin_ns), alone_us = bench_thread_us();
    for (size_t i = 0; i < 2; i++)
        parse_alone(texts[i]);
    bench_series_add(&self->alone, bench_thread_us() - alone_us);
    note(self, beyond_us + parsing_us, parsing_us);
    for (size_t i = 0; i < 2; i++) {
        alto_items_fini(&gathered[i]);
        alto_tree_release(items[i]);
    }
}

/* ---- one more PID ---- */

static void add_begin(subject *self, size_t pids)
{
    network_begin(self, pids, 0, 0);
}

/* A PID that is not there yet, between those that are, or it is taken away again. */
static void add_or_remove(subject *self, const alto_row_key *key, const alto_tree *items)
{
    char vtag[BENCH_VTAG_TEXT];
    alto_row_key meta_key;
    alto_edit meta_edit;
    bench_vtag(resource_id, 2 * self->steps + (items ? 1 : 2), vtag);
    alto_row_edit edits[] = {
        bench_meta_edit("vtag", vtag, &meta_key, &meta_edit),
        {.row = alto_row_key_slice(key), .what = items ? ALTO_ROW_REPLACE : ALTO_ROW_REMOVE, .items = items}};
    take(self, edits, 2);
}

static void add_step(subject *self)
{
    char name[2 * BENCH_PID_TEXT], near[BENCH_PID_TEXT];
    bench_pid_name(sim_random_below(&self->random, self->pids), near);
    snprintf(name, sizeof name, "%s-%u", near, (unsigned)sim_random_below(&self->random, 1000));
    alto_row_key key = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(name));
    alto_buffer_clear(&self->text);
    for (unsigned i = 0; i < FEW_PREFIXES; i++)
        alto_buffer_print(&self->text, "%s\"200.%u.%u.0/24\"", i ? "," : "{\"ipv4\":[", i,
                          (unsigned)sim_random_below(&self->random, 256));
    alto_buffer_add_text(&self->text, "]}");
    uint64_t begin_ns = alto_monotonic_ns();
    alto_tree *items = read_row(self, &self->text, NULL);
    add_or_remove(self, &key, items);
    double us = bench_us_since(begin_ns);
    note(self, us, parse_us(self, &self->text, items));
    alto_tree_release(items);
    add_or_remove(self, &key, NULL);
}

/* ---- the report ---- */

typedef struct {
    const char *name;
    void (*begin)(subject *self, size_t pids);
    void (*step)(subject *self);
    size_t pids, rounds;
    bool barred;
} kase;

static void report(const kase *measured, const subject *big, const subject *small)
{
    char name[128], peer[64];
    double us = bench_median(&big->total), small_us = bench_median(&small->total);
    snprintf(name, sizeof name, "update: %s", measured->name);
    snprintf(peer, sizeof peer, "the same in a map of %d PIDs", SMALL_PIDS);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = us,
                           .peer = peer,
                           .peer_value = small_us,
                           .bar_of = measured->barred ? BENCH_RATIO : BENCH_NO_BAR,
                           .bar = most_ratio});
    snprintf(name, sizeof name, "update: %s, absolute", measured->name);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = us,
                           .bar_of = measured->barred ? BENCH_VALUE : BENCH_NO_BAR,
                           .bar = most_us});
    if (bench_median(&big->parse) == 0)
        return; /* not handed in as text */
    snprintf(name, sizeof name, "update: %s, parsing", measured->name);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(&big->parse),
                           .peer = peer,
                           .peer_value = bench_median(&small->parse)});
    if (bench_median(&big->alone) == 0)
        return;
    snprintf(name, sizeof name, "update: %s, parsing and comparing with the rows held", measured->name);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(&big->parse),
                           .peer = "parsing alone, nothing compared or kept",
                           .peer_value = bench_median(&big->alone),
                           .bar_of = BENCH_RATIO,
                           .bar = 1});
}

static void run_case(const kase *measured)
{
    subject *big = bench_alloc(sizeof *big), *small = bench_alloc(sizeof *small);
    measured->begin(big, measured->pids);
    measured->begin(small, SMALL_PIDS);
    for (size_t i = 0; i < measured->rounds + WARM_UP; i++) {
        measured->step(big);
        measured->step(small);
    }
    report(measured, big, small);
    subject_fini(big);
    subject_fini(small);
    free(big);
    free(small);
}

void bench_update(const bench_options *options)
{
    const kase cases[] = {
        {"one cell of a 3,000-PID cost map, text of its row", cell_begin, cell_step, CELL_PIDS, 1500, true},
        {"one prefix between two PIDs of 180,000", move_begin, move_step, MOVE_PIDS, 1500, true},
        {"the same, texts of both rows", move_begin, move_text_step, MOVE_PIDS, 60, true},
        {"one PID added to 86,000, text of its row", add_begin, add_step, ADD_PIDS, 1500, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kase measured = cases[i];
        if (options->quick)
            measured.rounds = measured.rounds / 10 + 5;
        run_case(&measured);
    }
}
