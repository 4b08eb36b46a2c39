/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of the core's operations on versions and on bytes fails once: the answer is ALTO_NO_MEMORY, nothing
 * that was there has changed, and the next try succeeds. (Committer and replica: test_no_memory_steps.c.) */
#include "cmocka_all.h"
#include "core/columns.h"
#include "core/compress.h"
#include "core/delta.h"
#include "core/ird.h"
#include "core/render.h"
#include "core/roots.h"
#include "core/snapshot.h"
#include "origin.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIDS = 36, PREFIXES = 12, MEMBERS = 90, TEXT_MAX = 1 << 20, PIECE = 777, NUMBERS = 3000 };

typedef enum { BEFORE, AFTER, MOMENTS } moment;

/* A resource before and after a change, as texts and as bytes; and what an attempt works on, made anew for each. */
typedef struct {
    alto_kind kind;
    alto_buffer texts[MOMENTS], snapshots[MOMENTS], delta;
    alto_hash roots[MOMENTS];
    alto_version *models[MOMENTS]; /* what the edits borrow from */
    alto_row_edit *rows;           /* from before to after */
    size_t row_count;

    alto_pool *pool;         /* a new one each time, for it remembers keys */
    alto_version *from, *to; /* new ones each time, for nodes remember what was derived from them */
    alto_map_memory *memory; /* of `from` */
    alto_version *made;
    alto_buffer out;
} fixture;

/* ---- resources that change: rows come, go and change; items come, go, change and move ---- */

static void write_network_map(alto_buffer *out, int at)
{
    alto_buffer_print(out, "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t%d\"}},\"network-map\":{", at);
    for (int pid = at; pid < PIDS + at; pid++) {
        alto_buffer_print(out, "%s\"pid%d\":{\"ipv4\":[", pid > at ? "," : "", pid);
        for (int i = 0; i < PREFIXES; i++)
            alto_buffer_print(out, "%s\"10.%d.%d.0/24\"", i ? "," : "", at == AFTER && i == pid % 7 ? 100 + pid : pid,
                              i);
        alto_buffer_print(out, "],\"ipv6\":[\"2001:db8:%x::/48\"],\"mac-48\":[\"0a:%d\"]}", pid, pid);
    }
    alto_buffer_add_text(out, "}}");
}

static void write_cost_map(alto_buffer *out, int at)
{
    alto_buffer_print(out,
                      "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t%d\"}],\"cost-type\":"
                      "{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{",
                      at);
    for (int source = at; source < PIDS + at; source++) {
        alto_buffer_print(out, "%s\"pid%d\":{", source > at ? "," : "", source);
        for (int i = 0; i < PIDS; i++)
            alto_buffer_print(out, "%s\"pid%d\":%d.%d", i ? "," : "", i + (source % 5 ? 0 : at), source * i % 97,
                              at == AFTER && i % 11 == 3);
        alto_buffer_add_text(out, "}");
    }
    alto_buffer_add_text(out, "}}");
}

static void write_document(alto_buffer *out, int at)
{
    alto_buffer_print(out, "{\"meta\":{\"a\":%d},\"numbers\":[1e400,0.10,%d],\"properties\":{", at, at);
    for (int i = at; i < MEMBERS + at; i++)
        alto_buffer_print(out, "%s\"ipv4:192.0.2.%d\":{\"b\":[\"\\u00e9\\n%d\",{}],\"a\":%d}", i > at ? "," : "", i, i,
                          at == AFTER && i % 9 == 0);
    alto_buffer_add_text(out, "}}");
}

static void write_text(alto_kind kind, alto_buffer *out, int at)
{
    if (kind == ALTO_NETWORK_MAP)
        write_network_map(out, at);
    else if (kind == ALTO_COST_MAP)
        write_cost_map(out, at);
    else
        write_document(out, at);
    assert_int_equal(out->status, ALTO_OK);
}

/* ---- the edits that lead from one to the other ---- */

typedef struct {
    alto_edit *edits;
    size_t count;
} edit_list;

static alto_status gather_edit(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                               uint64_t rank_before, uint64_t rank_after)
{
    (void)before, (void)rank_before, (void)rank_after;
    edit_list *list = context;
    list->edits = realloc(list->edits, (list->count + 1) * sizeof *list->edits);
    list->edits[list->count++] =
        (alto_edit){.key = key, .value = after ? *after : (alto_value){.cost = 0}, .remove = !after};
    return ALTO_OK;
}

static alto_status gather_row(void *context, alto_slice key, const alto_value *before, const alto_value *after,
                              uint64_t rank_before, uint64_t rank_after)
{
    (void)rank_before, (void)rank_after;
    fixture *self = context;
    self->rows = realloc(self->rows, (self->row_count + 1) * sizeof *self->rows);
    alto_row_edit *row = &self->rows[self->row_count++];
    *row = (alto_row_edit){.row = key, .what = ALTO_ROW_REMOVE};
    if (!after)
        return ALTO_OK;
    edit_list list = {0};
    assert_int_equal(alto_tree_diff(before ? before->row : NULL, after->row, gather_edit, &list), ALTO_OK);
    row->what = ALTO_ROW_ITEMS;
    row->edits = list.edits;
    row->count = list.count;
    return ALTO_OK;
}

/* ---- fixture ---- */

static alto_version *version_of(alto_pool *pool, const fixture *self, moment at)
{
    alto_version *made = NULL;
    assert_int_equal(
        alto_snapshot_decode(pool, self->kind, &self->roots[at], alto_buffer_slice(&self->snapshots[at]), &made),
        ALTO_OK);
    return made;
}

static void put_away(fixture *self)
{
    alto_version_release(self->from);
    alto_version_release(self->to);
    alto_version_release(self->made);
    alto_map_memory_destroy(&self->memory);
    alto_pool_destroy(&self->pool);
    alto_buffer_fini(&self->out);
    self->from = self->to = self->made = NULL;
}

/* Everything as it is before an attempt. */
static void renew(fixture *self)
{
    put_away(self);
    self->pool = alto_pool_new();
    self->memory = alto_map_memory_new();
    assert_true(self->pool && self->memory);
    self->out = alto_buffer_make(TEXT_MAX);
    self->from = version_of(self->pool, self, BEFORE);
    self->to = version_of(self->pool, self, AFTER);
}

static void prepare(fixture *self, moment at)
{
    self->texts[at] = self->snapshots[at] = alto_buffer_make(TEXT_MAX);
    alto_buffer source = alto_buffer_make(TEXT_MAX);
    write_text(self->kind, &source, (int)at);
    alto_buffer_add_u8(&source, 0);
    self->models[at] = test_json(self->pool, (const char *)source.data);
    alto_buffer_fini(&source);
    assert_int_equal(alto_version_kind(self->models[at]), self->kind);
    self->roots[at] = *alto_version_root(self->models[at]);
    assert_int_equal(alto_snapshot_encode(self->models[at], &self->snapshots[at]), ALTO_OK);
    assert_int_equal(alto_render_text(self->models[at], &self->texts[at]), ALTO_OK);
}

static fixture *fixture_new(alto_kind kind)
{
    static const alto_implied nothing;
    fixture *self = calloc(1, sizeof *self);
    self->kind = kind;
    self->pool = alto_pool_new();
    for (moment at = BEFORE; at < MOMENTS; at++)
        prepare(self, at);
    self->delta = alto_buffer_make(TEXT_MAX);
    assert_int_equal(alto_delta_encode(self->models[BEFORE], self->models[AFTER], &nothing, &self->delta, NULL),
                     ALTO_OK);
    assert_int_equal(alto_tree_diff(alto_version_tree(self->models[BEFORE]), alto_version_tree(self->models[AFTER]),
                                    gather_row, self),
                     ALTO_OK);
    renew(self);
    return self;
}

static void fixture_destroy(fixture *self)
{
    put_away(self);
    for (moment at = BEFORE; at < MOMENTS; at++) {
        alto_version_release(self->models[at]);
        alto_buffer_fini(&self->texts[at]);
        alto_buffer_fini(&self->snapshots[at]);
    }
    for (size_t i = 0; i < self->row_count; i++)
        free((void *)(uintptr_t)self->rows[i].edits);
    free(self->rows);
    alto_buffer_fini(&self->delta);
    free(self);
}

static void assert_text(const alto_version *version, const alto_buffer *wanted)
{
    alto_buffer text = alto_buffer_make(TEXT_MAX);
    assert_int_equal(alto_render_text(version, &text), ALTO_OK);
    assert_true(alto_slice_equal(alto_buffer_slice(&text), alto_buffer_slice(wanted)));
    alto_buffer_fini(&text);
}

static void sweep_kinds(const test_sweep *sweep)
{
    for (alto_kind kind = ALTO_NETWORK_MAP; kind <= ALTO_DOCUMENT; kind++) {
        print_message("  %s\n", alto_kind_name(kind));
        fixture *self = fixture_new(kind);
        test_sweep_run(sweep, self);
        fixture_destroy(self);
    }
}

/* ---- what makes versions ---- */

/* An attempt that makes `after` of what there is: a failed one gave nothing, and the same again succeeds. */
static void settle_version(fixture *self, alto_status status, alto_status (*again)(void *context))
{
    if (status != ALTO_OK) {
        assert_null(self->made);
        assert_text(self->from, &self->texts[BEFORE]);
        assert_int_equal(again(self), ALTO_OK);
    }
    assert_true(alto_hash_equal(alto_version_root(self->made), &self->roots[AFTER]));
    assert_text(self->made, &self->texts[AFTER]);
    renew(self);
}

static alto_status edit_version(void *context)
{
    fixture *self = context;
    return alto_version_edit(self->pool, self->kind, self->from, self->rows, self->row_count, &self->made);
}

static void settle_edit(void *context, alto_status status)
{
    settle_version(context, status, edit_version);
}

static void editing_versions(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"edit", edit_version, settle_edit, 1});
}

static alto_status apply(fixture *self, const alto_buffer *delta)
{
    static const alto_implied nothing;
    return alto_delta_apply(self->pool, self->kind, self->from, alto_buffer_slice(delta), &nothing, &self->roots[AFTER],
                            &self->made);
}

static alto_status apply_delta(void *context)
{
    fixture *self = context;
    return apply(self, &self->delta);
}

static void settle_apply(void *context, alto_status status)
{
    settle_version(context, status, apply_delta);
}

static void applying_deltas(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"apply", apply_delta, settle_apply, 1});
}

/* In pieces, as it comes from a socket. */
static alto_status read_snapshot(void *context)
{
    fixture *self = context;
    alto_slice left = alto_buffer_slice(&self->snapshots[AFTER]);
    alto_status status = ALTO_OK;
    alto_snapshot_reader *reader = alto_snapshot_reader_new(self->pool, self->kind, &self->roots[AFTER]);
    if (!reader)
        return ALTO_NO_MEMORY;
    while (status == ALTO_OK && left.size) {
        size_t size = left.size < PIECE ? left.size : PIECE;
        status = alto_snapshot_read(reader, alto_slice_of(left.data, size));
        left = alto_slice_of(left.data + size, left.size - size);
    }
    alto_status finished = alto_snapshot_finish(reader, &self->made);
    assert_true(status == ALTO_OK || finished == status); /* it sticks */
    alto_snapshot_reader_destroy(&reader);
    return finished;
}

static void settle_read(void *context, alto_status status)
{
    settle_version(context, status, read_snapshot);
}

static void reading_snapshots(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"read", read_snapshot, settle_read, 1});
}

/* With what is remembered of the text before, when there is any. */
static alto_status read_text(void *context)
{
    fixture *self = context;
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_map_read(self->pool, alto_buffer_slice(&self->texts[AFTER]), self->from, self->memory,
                                       &self->made, &error);
    assert_int_equal(error.status, status);
    return status;
}

static void settle_text(void *context, alto_status status)
{
    settle_version(context, status, read_text);
}

static void reading_texts(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"first text", read_text, settle_text, 9});
}

static void remember(fixture *self)
{
    alto_version *same = NULL;
    alto_slice text = alto_buffer_slice(&self->texts[BEFORE]);
    assert_int_equal(alto_map_read(self->pool, text, NULL, self->memory, &same, NULL), ALTO_OK);
    alto_version_release(self->from);
    self->from = same;
}

static void settle_next_text(void *context, alto_status status)
{
    settle_version(context, status, read_text);
    remember(context);
}

static void reading_texts_with_a_memory_of_the_one_before(void **state)
{
    (void)state;
    for (alto_kind kind = ALTO_NETWORK_MAP; kind <= ALTO_DOCUMENT; kind++) {
        print_message("  %s\n", alto_kind_name(kind));
        fixture *self = fixture_new(kind);
        remember(self);
        test_sweep_run(&(test_sweep){"next text", read_text, settle_next_text, 9}, self);
        fixture_destroy(self);
    }
}

/* The quickest way in: the items of one row, beside those that it has. */
static alto_status read_rows(void *context)
{
    static const char *const rows[] = {[ALTO_NETWORK_MAP] = "{\"ipv4\":[\"10.1.0.0/24\",\"10.9.9.0/24\"],\"ipv6\":[]}",
                                       [ALTO_COST_MAP] = "{\"pid0\":0.25,\"pid3\":1e-7,\"pid\\u0037\":12}"};
    fixture *self = context;
    const alto_tree *before = NULL;
    alto_tree *items = NULL;
    assert_true(alto_version_row(self->from, ALTO_ROW_PAYLOAD, alto_slice_text("pid1"), &before));
    alto_status status =
        alto_map_read_row(self->pool, self->kind, alto_slice_text(rows[self->kind]), before, "/row", &items, NULL);
    if (status != ALTO_OK)
        assert_null(items);
    else
        assert_int_equal(alto_tree_entries(items), 3);
    alto_tree_release(items);
    return status;
}

static void settle_rows(void *context, alto_status status)
{
    fixture *self = context;
    (void)status;
    assert_text(self->from, &self->texts[BEFORE]);
    assert_int_equal(read_rows(self), ALTO_OK);
    renew(self);
}

static void reading_rows(void **state)
{
    (void)state;
    for (alto_kind kind = ALTO_NETWORK_MAP; kind <= ALTO_COST_MAP; kind++) {
        fixture *self = fixture_new(kind);
        test_sweep_run(&(test_sweep){"row", read_rows, settle_rows, 1}, self);
        fixture_destroy(self);
    }
}

/* All costs of a row, then a few of them, by rank. */
static alto_status set_costs(void *context)
{
    static const uint64_t ranks[] = {0, 7, PIDS - 1};
    fixture *self = context;
    const alto_tree *row = NULL;
    alto_tree *all = NULL, *few = NULL;
    double costs[PIDS], found = 0;
    for (size_t i = 0; i < PIDS; i++)
        costs[i] = (double)i + 0.5;
    assert_true(alto_version_row(self->from, ALTO_ROW_PAYLOAD, alto_slice_text("pid1"), &row));
    alto_status status = alto_tree_with_costs(row, costs, &all);
    if (status == ALTO_OK)
        status = alto_tree_set_costs(all, ranks, costs + 1, countof(ranks), &few);
    if (status == ALTO_OK) {
        alto_value value;
        assert_true(alto_tree_find(few, alto_slice_text("pid0"), &value));
        found = value.cost;
    }
    assert_true(status != ALTO_OK || found == 1.5);
    alto_tree_release(all);
    alto_tree_release(few);
    return status;
}

static void settle_costs(void *context, alto_status status)
{
    fixture *self = context;
    (void)status;
    assert_text(self->from, &self->texts[BEFORE]);
    assert_int_equal(set_costs(self), ALTO_OK);
}

static void setting_costs(void **state)
{
    (void)state;
    fixture *self = fixture_new(ALTO_COST_MAP);
    test_sweep_run(&(test_sweep){"costs", set_costs, settle_costs, 1}, self);
    fixture_destroy(self);
}

/* ---- what makes bytes ---- */

/* An attempt that writes to `out`: the same again, with memory, gives what is wanted. */
static void settle_bytes(fixture *self, alto_status status, alto_status (*again)(void *context),
                         const alto_buffer *wanted)
{
    if (status != ALTO_OK) {
        alto_buffer_fini(&self->out);
        assert_int_equal(again(self), ALTO_OK);
    }
    assert_true(alto_slice_equal(alto_buffer_slice(&self->out), alto_buffer_slice(wanted)));
    renew(self);
}

static alto_status encode_delta(void *context)
{
    static const alto_implied nothing;
    fixture *self = context;
    return alto_delta_encode(self->from, self->to, &nothing, &self->out, NULL);
}

/* With less memory it may have taken other codings, which lead to the same. */
static void settle_encode(void *context, alto_status status)
{
    fixture *self = context;
    if (status == ALTO_OK) {
        assert_int_equal(apply(self, &self->out), ALTO_OK);
        renew(self);
    } else {
        settle_bytes(self, status, encode_delta, &self->delta);
    }
}

static void encoding_deltas(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"encode", encode_delta, settle_encode, 1});
}

static alto_status write_snapshot(void *context)
{
    fixture *self = context;
    return alto_snapshot_encode(self->to, &self->out);
}

static void settle_write(void *context, alto_status status)
{
    fixture *self = context;
    settle_bytes(self, status, write_snapshot, &self->snapshots[AFTER]);
}

static void writing_snapshots(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"write", write_snapshot, settle_write, 1});
}

/* All forms, of which some may be kept from an attempt before. */
static alto_status render(void *context)
{
    fixture *self = context;
    alto_rendering *text = NULL, *packed[] = {NULL, NULL};
    uint64_t size = 0;
    alto_status status = alto_render_size(self->to, &size);
    if (status == ALTO_OK)
        status = alto_render(self->to, ALTO_IDENTITY, &text);
    if (status == ALTO_OK)
        status = alto_render(self->to, ALTO_GZIP, &packed[0]);
    if (status == ALTO_OK)
        status = alto_render(self->to, ALTO_ZSTD, &packed[1]);
    if (status == ALTO_OK) {
        assert_int_equal(size, alto_rendering_size(text));
        assert_true(alto_rendering_size(packed[0]) < size);
        assert_true(alto_rendering_size(packed[1]) < size);
        for (size_t i = 0; i < alto_rendering_pieces(text); i++)
            alto_buffer_add_slice(&self->out, alto_rendering_piece(text, i));
        status = self->out.status;
    }
    alto_rendering_release(text);
    alto_rendering_release(packed[0]);
    alto_rendering_release(packed[1]);
    return status;
}

static void settle_render(void *context, alto_status status)
{
    fixture *self = context;
    settle_bytes(self, status, render, &self->texts[AFTER]);
}

static void rendering(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"render", render, settle_render, 1});
}

static alto_status render_text(void *context)
{
    fixture *self = context;
    return alto_render_text(self->to, &self->out);
}

static void settle_render_text(void *context, alto_status status)
{
    fixture *self = context;
    settle_bytes(self, status, render_text, &self->texts[AFTER]);
}

static void rendering_text_alone(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"text", render_text, settle_render_text, 1});
}

static alto_status canonicalize(void *context)
{
    fixture *self = context;
    alto_error error = {.status = ALTO_OK};
    alto_status status = alto_json_canonical(alto_buffer_slice(&self->texts[AFTER]), &self->out, &error);
    assert_int_equal(error.status, status);
    return status;
}

static void settle_canonical(void *context, alto_status status)
{
    fixture *self = context;
    alto_buffer again = alto_buffer_make(TEXT_MAX);
    if (status != ALTO_OK) {
        alto_buffer_fini(&self->out);
        assert_int_equal(canonicalize(self), ALTO_OK);
    }
    assert_int_equal(alto_json_canonical(alto_buffer_slice(&self->out), &again, NULL), ALTO_OK);
    assert_true(alto_slice_equal(alto_buffer_slice(&again), alto_buffer_slice(&self->out)));
    alto_buffer_fini(&again);
    renew(self);
}

static void canonical_json(void **state)
{
    (void)state;
    sweep_kinds(&(test_sweep){"canonical", canonicalize, settle_canonical, 1});
}

/* Numbers in every coding of a column, and compressed bytes. */
static alto_status code_numbers(void *context)
{
    fixture *self = context;
    static uint64_t values[NUMBERS], read[NUMBERS];
    static const uint64_t spans[] = {1, 3, 200, UINT64_C(1) << 40};
    alto_status status = ALTO_OK;
    for (size_t k = 0; k < countof(spans) && status == ALTO_OK; k++) {
        alto_buffer_clear(&self->out);
        for (size_t i = 0; i < NUMBERS; i++)
            values[i] = i * i / 50 % 40 * 977 % spans[k];
        alto_bit_writer writer = alto_bit_writer_make(&self->out);
        alto_column_write(&writer, values, NUMBERS);
        alto_bits_align(&writer);
        status = self->out.status;
        if (status != ALTO_OK)
            break;
        alto_bit_reader reader = alto_bit_reader_make(alto_buffer_slice(&self->out));
        alto_column_read(&reader, read, NUMBERS);
        status = alto_bits_check(&reader);
        assert_true(status != ALTO_OK || memcmp(values, read, sizeof values) == 0);
    }
    return status;
}

static alto_status compress(void *context)
{
    fixture *self = context;
    alto_slice raw = alto_buffer_slice(&self->texts[AFTER]);
    alto_buffer unpacked = alto_buffer_make(TEXT_MAX);
    alto_status status = alto_compress(raw, 3, &self->out);
    if (status == ALTO_OK)
        status = alto_decompress(alto_buffer_slice(&self->out), raw.size, &unpacked);
    assert_true(status != ALTO_OK || alto_slice_equal(alto_buffer_slice(&unpacked), raw));
    assert_true(status == ALTO_OK || unpacked.size == 0);
    alto_buffer_fini(&unpacked);
    return status;
}

static void settle_out(void *context, alto_status status)
{
    fixture *self = context;
    (void)status;
    alto_buffer_fini(&self->out);
}

static void columns_and_compression(void **state)
{
    (void)state;
    fixture *self = fixture_new(ALTO_DOCUMENT);
    test_sweep_run(&(test_sweep){"columns", code_numbers, settle_out, 1}, self);
    test_sweep_run(&(test_sweep){"compress", compress, settle_out, 1}, self);
    fixture_destroy(self);
}

/* ---- what is signed, and views of it ---- */

enum { ORIGIN_SEED = 3, RESOURCES = 12 };

typedef struct {
    test_origin *origin;
    const alto_view *view; /* borrowed: of one commit of some resources of every kind */
    alto_buffer catalog;   /* its bytes */
} signed_things;

static int set_up_signed(void **state)
{
    signed_things *self = calloc(1, sizeof *self);
    alto_new_state states[RESOURCES];
    char names[RESOURCES][ALTO_MAX_NAME];
    *self = (signed_things){.origin = test_origin_new(ORIGIN_SEED), .catalog = alto_buffer_make(TEXT_MAX)};
    for (int i = 0; i < RESOURCES; i++) {
        alto_buffer text = alto_buffer_make(TEXT_MAX);
        write_text((alto_kind)(1 + i % 3), &text, i % 2);
        alto_buffer_add_u8(&text, 0);
        snprintf(names[i], sizeof names[i], "map-%02d", i);
        states[i] = (alto_new_state){.name = {.id = alto_slice_text(names[i])},
                                     .version = test_json(self->origin->pool, (const char *)text.data),
                                     .flags = ALTO_ENTRY_REDISTRIBUTABLE};
        alto_buffer_fini(&text);
    }
    test_origin_commit(self->origin, states, RESOURCES);
    for (int i = 0; i < RESOURCES; i++)
        alto_version_release(states[i].version);
    self->view = test_origin_view(self->origin);
    assert_int_equal(alto_catalog_encode(&self->view->origin, self->view->catalog, &self->catalog), ALTO_OK);
    *state = self;
    return 0;
}

static int tear_down_signed(void **state)
{
    signed_things *self = *state;
    alto_buffer_fini(&self->catalog);
    test_origin_destroy(&self->origin);
    free(self);
    return 0;
}

/* Sweeps that change nothing that was there before have nothing to settle. */
static void settle_nothing(void *context, alto_status status)
{
    (void)context, (void)status;
}

static alto_status pass_commit_on(void *context)
{
    const signed_things *self = context;
    alto_slice object = alto_buffer_slice(&self->origin->messages[0].object);
    alto_buffer again = alto_buffer_make(ALTO_MAX_STATEMENT);
    alto_statement statement;
    alto_status status = alto_statement_decode(object, &statement);
    if (status == ALTO_OK)
        status = alto_statement_encode(&statement, &again);
    assert_true(status != ALTO_OK || alto_slice_equal(alto_buffer_slice(&again), object));
    alto_statement_fini(&statement);
    alto_buffer_fini(&again);
    return status;
}

static void commits_as_bytes(void **state)
{
    test_sweep_run(&(test_sweep){"commit", pass_commit_on, settle_nothing, 1}, *state);
}

static alto_status pass_catalog_on(void *context)
{
    const signed_things *self = context;
    alto_buffer again = alto_buffer_make(ALTO_MAX_CATALOG);
    alto_tree *catalog = NULL;
    alto_pool *pool = alto_pool_new();
    alto_status status =
        pool ? alto_catalog_decode(pool, alto_buffer_slice(&self->catalog), &self->view->origin, &catalog)
             : ALTO_NO_MEMORY;
    assert_true(status == ALTO_OK || !catalog);
    if (status == ALTO_OK) {
        assert_true(alto_tree_equal(catalog, self->view->catalog));
        status = alto_catalog_encode(&self->view->origin, catalog, &again);
    }
    assert_true(status != ALTO_OK || alto_slice_equal(alto_buffer_slice(&again), alto_buffer_slice(&self->catalog)));
    alto_tree_release(catalog);
    alto_pool_destroy(&pool);
    alto_buffer_fini(&again);
    return status;
}

static void catalogs_as_bytes(void **state)
{
    test_sweep_run(&(test_sweep){"catalog", pass_catalog_on, settle_nothing, 1}, *state);
}

static alto_status pass_manifest_on(void *context)
{
    const signed_things *self = context;
    const alto_signing_key *roots[] = {self->origin->root};
    alto_slice file = alto_buffer_slice(&self->origin->manifest_file);
    alto_buffer again = alto_buffer_make(ALTO_MAX_MANIFEST);
    alto_manifest opened;
    alto_status status = alto_manifest_open(file, &self->origin->anchor, TEST_NOW_MS, &opened);
    if (status == ALTO_OK)
        status = alto_manifest_sign(&opened, roots, 1, &again);
    assert_true(status != ALTO_OK || alto_slice_equal(alto_buffer_slice(&again), file));
    alto_buffer_fini(&again);
    return status;
}

static void manifests_as_bytes(void **state)
{
    test_sweep_run(&(test_sweep){"manifest", pass_manifest_on, settle_nothing, 1}, *state);
}

/* One change of root keys, signed by the old and the new one; joined from two places and walked along. */
static alto_status walk_along_roots(void *context)
{
    const signed_things *self = context;
    const alto_signing_key *both[] = {self->origin->root, self->origin->online};
    alto_manifest manifest = self->origin->manifest;
    manifest.version++;
    manifest.roots[0] = alto_signing_key_public(self->origin->online); /* any other key */
    alto_buffer files[2] = {alto_buffer_make(ALTO_MAX_MANIFEST), alto_buffer_make(ALTO_MAX_MANIFEST)};
    alto_buffer joined = alto_buffer_make(ALTO_MAX_MANIFEST), list = alto_buffer_make(ALTO_MAX_ROOT_LIST);
    alto_roots roots;
    alto_roots_init(&roots, &self->origin->anchor);
    alto_status status = ALTO_OK;
    for (size_t i = 0; i < 2 && status == ALTO_OK; i++)
        status = alto_manifest_sign(&manifest, &both[i], 1, &files[i]);
    if (status == ALTO_OK)
        status =
            alto_manifest_join((alto_slice[]){alto_buffer_slice(&files[0]), alto_buffer_slice(&files[1])}, 2, &joined);
    alto_buffer_add_u32(&list, (uint32_t)joined.size);
    alto_buffer_add_slice(&list, alto_buffer_slice(&joined));
    if (status == ALTO_OK)
        status = list.status;
    if (status == ALTO_OK)
        status = alto_roots_walk(&roots, alto_buffer_slice(&list), TEST_NOW_MS);
    assert_int_equal(roots.count, status == ALTO_OK ? 1 : 0);
    alto_roots_fini(&roots);
    alto_buffer_fini(&list);
    alto_buffer_fini(&joined);
    alto_buffer_fini(&files[0]);
    alto_buffer_fini(&files[1]);
    return status;
}

static void root_sets_as_bytes(void **state)
{
    test_sweep_run(&(test_sweep){"roots", walk_along_roots, settle_nothing, 1}, *state);
}

static alto_status pass_key_on(void *context)
{
    const signed_things *self = context;
    alto_buffer pem = alto_buffer_make(4096);
    alto_signing_key *again = NULL;
    alto_signing_key_pem(self->origin->online, &pem);
    alto_status status =
        pem.status == ALTO_OK ? alto_signing_key_from_pem(alto_buffer_slice(&pem), &again) : pem.status;
    assert_true((status == ALTO_OK) == (again != NULL));
    alto_signing_key_destroy(&again);
    alto_buffer_fini(&pem);
    return status;
}

static void keys_as_text(void **state)
{
    test_sweep_run(&(test_sweep){"key", pass_key_on, settle_nothing, 1}, *state);
}

/* A view in which one resource gives way to another and one goes; its directory, and what an entry tells a delta. */
static alto_status change_view(void *context)
{
    const signed_things *self = context;
    const alto_view *before = self->view;
    const alto_resource *first = before->resources[0], *last = before->resources[RESOURCES - 1];
    alto_resource *added = alto_resource_new(first->key, &last->entry, last->version);
    alto_view_change changes[] = {{first->key, added}, {last->key, NULL}};
    alto_view *after = added ? alto_view_next(before, &before->origin, &before->position, &before->commit_hash,
                                              &before->state_root, before->catalog, changes, countof(changes))
                             : NULL;
    alto_resource_release(added);
    if (!after)
        return ALTO_NO_MEMORY;
    assert_int_equal(after->count, RESOURCES - 1);
    assert_ptr_equal(after->resources[0]->version, last->version);
    alto_buffer directory = alto_buffer_make(TEXT_MAX);
    alto_status status = alto_ird(after, 15, "", NULL, NULL, &directory);
    alto_buffer_fini(&directory);
    for (size_t i = 0; i < after->count && status == ALTO_OK; i++) {
        alto_entry_texts texts;
        status = alto_entry_texts_make(&after->resources[i]->name, &after->resources[i]->entry, &texts);
        alto_entry_texts_fini(&texts);
    }
    alto_view_release(after);
    return status;
}

static void settle_view(void *context, alto_status status)
{
    const signed_things *self = context;
    (void)status;
    test_assert_signed(self->origin, self->view);
}

static void views_and_directories(void **state)
{
    test_sweep_run(&(test_sweep){"view", change_view, settle_view, 1}, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(editing_versions),
        cmocka_unit_test(setting_costs),
        cmocka_unit_test(encoding_deltas),
        cmocka_unit_test(applying_deltas),
        cmocka_unit_test(writing_snapshots),
        cmocka_unit_test(reading_snapshots),
        cmocka_unit_test(reading_texts),
        cmocka_unit_test(reading_texts_with_a_memory_of_the_one_before),
        cmocka_unit_test(reading_rows),
        cmocka_unit_test(rendering),
        cmocka_unit_test(rendering_text_alone),
        cmocka_unit_test(canonical_json),
        cmocka_unit_test(columns_and_compression),
        cmocka_unit_test_setup_teardown(commits_as_bytes, set_up_signed, tear_down_signed),
        cmocka_unit_test_setup_teardown(catalogs_as_bytes, set_up_signed, tear_down_signed),
        cmocka_unit_test_setup_teardown(manifests_as_bytes, set_up_signed, tear_down_signed),
        cmocka_unit_test_setup_teardown(root_sets_as_bytes, set_up_signed, tear_down_signed),
        cmocka_unit_test_setup_teardown(keys_as_text, set_up_signed, tear_down_signed),
        cmocka_unit_test_setup_teardown(views_and_directories, set_up_signed, tear_down_signed),
    };
    if (alto_crypto_init() != ALTO_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
