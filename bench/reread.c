/* SPDX-License-Identifier: Apache-2.0 */
/* reread.c - reading a big cost map again from its source, when a few of its rows changed: against comparing its text,
 * row by row, with the one kept from before, and parsing the rows that differ. */
#include "core/mapjson.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIDS = 3000,
    CHANGED = PIDS / 100, /* rows, each in all of its cells */
    ROUNDS = 15,
    QUICK_ROUNDS = 3,
    /* All costs have the same size, so that a row is changed in place. */
    NAME_SIZE = sizeof "\"pid-00000\":" - 1,
    CELL_SIZE = NAME_SIZE + sizeof "100.00," - 1,
    ROW_SIZE = NAME_SIZE + 1 + PIDS * CELL_SIZE + 1 /* a bracket before and a comma after its cells */
};

static const double most_ratio = 3;
static const char head[] = "{\"meta\":{\"cost-type\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\"},"
                           "\"dependent-vtags\":[{\"resource-id\":\"my-network-map-1\",\"tag\":\"0123456789abcdef\"}]},"
                           "\"cost-map\":{";
enum { FIRST_ROW = sizeof head - 1, TEXT_SIZE = FIRST_ROW + PIDS * ROW_SIZE + 1 };

/* A document, and what is known of the last one read. */
typedef struct {
    alto_pool *pool;
    uint8_t *text, *kept;  /* owned; kept: what was read last */
    alto_version *version; /* owned: of `kept` */
    alto_map_memory *memory;
    sim_random random;
    bench_series total, peer, compare; /* us */
} subject;

static void write_row(subject *self, size_t row)
{
    char name[BENCH_PID_TEXT], part[2 * CELL_SIZE];
    uint8_t *at = self->text + FIRST_ROW + row * ROW_SIZE;
    bench_pid_name(row, name);
    snprintf(part, sizeof part, "\"%s\":{", name);
    memcpy(at, part, NAME_SIZE + 1);
    at += NAME_SIZE + 1;
    for (size_t i = 0; i < PIDS; i++, at += CELL_SIZE) {
        unsigned hundredths = (unsigned)sim_random_below(&self->random, 20000);
        bench_pid_name(i, name);
        snprintf(part, sizeof part, "\"%s\":%u.%02u%c", name, 100 + hundredths / 100, hundredths % 100,
                 i + 1 < PIDS ? ',' : '}');
        memcpy(at, part, CELL_SIZE);
    }
    *at = row + 1 < PIDS ? ',' : '}';
}

static void read_text(subject *self)
{
    alto_version *read = NULL;
    alto_error error = {.why = ""};
    if (alto_map_read(self->pool, alto_slice_of(self->text, TEXT_SIZE), self->version, self->memory, &read, &error) !=
        ALTO_OK)
        bench_die("text: %s %s", error.where, error.why);
    alto_version_release(self->version);
    self->version = read;
}

static void subject_init(subject *self)
{
    *self = (subject){.pool = alto_pool_new(), .memory = alto_map_memory_new(), .random = {1}};
    if (!self->pool || !self->memory)
        bench_die("out of memory");
    self->text = bench_alloc(TEXT_SIZE);
    self->kept = bench_alloc(TEXT_SIZE);
    memcpy(self->text, head, FIRST_ROW);
    for (size_t i = 0; i < PIDS; i++)
        write_row(self, i);
    self->text[TEXT_SIZE - 1] = '}';
    memcpy(self->kept, self->text, TEXT_SIZE);
    read_text(self);
}

static void subject_fini(subject *self)
{
    alto_version_release(self->version);
    alto_map_memory_destroy(&self->memory);
    alto_pool_destroy(&self->pool);
    free(self->text);
    free(self->kept);
    bench_series_fini(&self->total);
    bench_series_fini(&self->peer);
    bench_series_fini(&self->compare);
}

/* Which rows are others than those kept; how many. */
static size_t compare(const subject *self, size_t differing[CHANGED])
{
    size_t count = 0;
    for (size_t i = 0; i < PIDS; i++) {
        size_t at = FIRST_ROW + i * ROW_SIZE;
        if (memcmp(self->text + at, self->kept + at, ROW_SIZE) != 0 && count < CHANGED)
            differing[count++] = i;
    }
    return count;
}

static alto_tree *parse(const subject *self, size_t row)
{
    char name[BENCH_PID_TEXT];
    const alto_tree *before;
    alto_tree *items = NULL;
    alto_error error = {.why = ""};
    const uint8_t *at = self->text + FIRST_ROW + row * ROW_SIZE;
    bench_pid_name(row, name);
    if (!alto_version_row(self->version, ALTO_ROW_PAYLOAD, alto_slice_text(name), &before))
        bench_die("PID %s is gone", name);
    if (alto_map_read_row(self->pool, ALTO_COST_MAP, alto_slice_of(at + NAME_SIZE, ROW_SIZE - NAME_SIZE - 1), before,
                          "", &items, &error) != ALTO_OK)
        bench_die("row: %s %s", error.where, error.why);
    return items;
}

/* The peer: leaves the rows that differ. */
static void compare_and_parse(subject *self, size_t differing[CHANGED], alto_tree *rows[CHANGED])
{
    double begin_us = bench_thread_us();
    size_t count = compare(self, differing);
    bench_series_add(&self->compare, bench_thread_us() - begin_us);
    if (count != CHANGED)
        bench_die("%zu rows differ", count);
    for (size_t i = 0; i < count; i++)
        rows[i] = parse(self, differing[i]);
    bench_series_add(&self->peer, bench_thread_us() - begin_us);
}

/* Both have read the same. */
static void check_rows(const subject *self, const size_t differing[CHANGED], alto_tree *rows[CHANGED])
{
    for (size_t i = 0; i < CHANGED; i++) {
        char name[BENCH_PID_TEXT];
        const alto_tree *now;
        bench_pid_name(differing[i], name);
        if (!alto_version_row(self->version, ALTO_ROW_PAYLOAD, alto_slice_text(name), &now) ||
            !alto_tree_equal(now, rows[i]))
            bench_die("PID %s was read otherwise", name);
        alto_tree_release(rows[i]);
    }
}

static void step(subject *self)
{
    size_t differing[CHANGED];
    alto_tree *rows[CHANGED];
    for (size_t i = 0; i < CHANGED; i++)
        write_row(self, i * (PIDS / CHANGED) + sim_random_below(&self->random, PIDS / CHANGED));
    compare_and_parse(self, differing, rows);
    double begin_us = bench_thread_us();
    read_text(self);
    bench_series_add(&self->total, bench_thread_us() - begin_us);
    check_rows(self, differing, rows);
    memcpy(self->kept, self->text, TEXT_SIZE);
}

void bench_reread(const bench_options *options)
{
    subject *self = bench_alloc(sizeof *self);
    subject_init(self);
    for (int i = 0; i < (options->quick ? QUICK_ROUNDS : ROUNDS); i++)
        step(self);
    bench_add(&(bench_row){.name = "reread: a 3,000-PID cost map from its source, 1 % of its rows changed",
                           .unit = "us",
                           .value = bench_median(&self->total),
                           .peer = "memcmp with the text kept, parsing the changed rows",
                           .peer_value = bench_median(&self->peer),
                           .bar_of = BENCH_RATIO,
                           .bar = most_ratio});
    bench_add(&(bench_row){.name = "reread: of the peer, memcmp", .unit = "us", .value = bench_median(&self->compare)});
    subject_fini(self);
    free(self);
}
