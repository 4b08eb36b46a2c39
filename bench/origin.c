/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include "core/number.h"
#include "io/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DAY_MS = 86400000,
    PATIENCE_MS = 1000, /* nothing is pushed: no waiting for it */
    BUSY_PAUSE_US = 1000
};

static void on_commit(void *context, const alto_applied *applied)
{
    bench_origin *self = context;
    if (self->archived)
        bench_must(alto_archive_step(self->archive, applied), "archive");
    if (self->applied)
        self->applied(self->context, applied);
}

static void make_manifest(bench_origin *self, uint64_t now_ms)
{
    alto_public_key root = alto_signing_key_public(self->root), online = alto_signing_key_public(self->online);
    self->anchor = (alto_anchor){.threshold = 1, .root_count = 1, .roots = {root}};
    self->anchor.origin = alto_origin_of(1, &root, 1);
    self->manifest = (alto_manifest){.origin = self->anchor.origin,
                                     .epoch = 1,
                                     .version = 1,
                                     .issued_at_ms = now_ms - 1000,
                                     .not_after_ms = now_ms + DAY_MS,
                                     .threshold = 1,
                                     .root_count = 1,
                                     .roots = {root},
                                     .online_count = 1,
                                     .online = {{online, now_ms - 1000, now_ms + DAY_MS}},
                                     .max_pushed_payload = ALTO_MAX_PUSHED_PAYLOAD};
    const alto_signing_key *const signers[] = {self->root};
    self->manifest_file = alto_buffer_make(ALTO_MAX_MANIFEST);
    bench_must(alto_manifest_sign(&self->manifest, signers, 1, &self->manifest_file), "manifest");
}

static void new_committer(bench_origin *self)
{
    alto_committer_options options = {.manifest = &self->manifest,
                                      .keys = (const alto_signing_key *const[]){self->online},
                                      .key_count = 1,
                                      .chain = alto_clock_ms(),
                                      .valid_for_s = 86400,
                                      .interval_ms = 5000,
                                      .applied = on_commit,
                                      .context = self};
    bench_must(alto_committer_new(&options, &self->committer), "committer");
}

void bench_origin_init(bench_origin *self)
{
    *self = (bench_origin){.root = alto_signing_key_new(), .online = alto_signing_key_new(), .pool = alto_pool_new()};
    if (!self->root || !self->online || !self->pool)
        bench_die("out of memory, or no locked memory for keys");
    make_manifest(self, alto_clock_ms());
    self->archive = alto_archive_new(&self->anchor.origin);
    if (!self->archive)
        bench_die("out of memory");
    new_committer(self);
}

void bench_origin_restart(bench_origin *self)
{
    alto_committer_destroy(&self->committer);
    new_committer(self);
}

void bench_origin_fini(bench_origin *self)
{
    alto_committer_destroy(&self->committer);
    alto_archive_destroy(&self->archive);
    alto_pool_destroy(&self->pool);
    alto_buffer_fini(&self->manifest_file);
    alto_signing_key_destroy(&self->root);
    alto_signing_key_destroy(&self->online);
}

void bench_origin_commit(bench_origin *self, const char *id, const alto_version *version)
{
    alto_new_state state = {.name = {.id = alto_slice_text(id)}, .version = version};
    bench_must(alto_committer_commit(self->committer, self->pool, &state, 1, alto_clock_ms()), "commit");
}

/* ---- replicas ---- */

alto_replica *bench_replica_new(const bench_origin *origin, const alto_replica_events *events)
{
    alto_replica *made = alto_replica_new(&origin->anchor, NULL, 0, events);
    if (!made)
        bench_die("out of memory");
    bench_must(alto_replica_on_manifest(made, alto_buffer_slice(&origin->manifest_file), alto_clock_ms()), "manifest");
    return made;
}

static void pull(alto_replica *replica, const bench_origin *origin, const alto_want *want)
{
    char path[ALTO_WANT_PATH];
    bool lasting;
    alto_status status;
    alto_want_path(want, path);
    if (want->type == ALTO_WANT_SINCE) { /* no advice here: deltas and snapshots */
        alto_replica_pull_failed(replica, want, ALTO_NOT_FOUND);
        return;
    }
    const alto_blob *blob;
    while (!(blob = alto_archive_get(origin->archive, path, &lasting, &status)) && status == ALTO_BUSY)
        usleep(BUSY_PAUSE_US); /* the archive's thread makes it */
    if (!blob)
        bench_die("pull of %s: %s", path, alto_status_text(status));
    status = alto_replica_pulled(replica, want, alto_slice_of(blob->data, blob->size), alto_clock_ms());
    alto_blob_release(blob);
    if (status != ALTO_KNOWN)
        bench_must(status, path);
}

void bench_replica_sync(alto_replica *replica, const bench_origin *origin)
{
    alto_want wants[8];
    size_t count, most = sizeof wants / sizeof wants[0];
    alto_replica_want_head(replica);
    while ((count = alto_replica_wants(replica, wants, most, alto_clock_ms() + PATIENCE_MS)))
        for (size_t i = 0; i < count; i++)
            pull(replica, origin, &wants[i]);
    const alto_view *view = alto_replica_view(replica), *wanted = alto_committer_view(origin->committer);
    if (!view || !alto_hash_equal(&view->commit_hash, &wanted->commit_hash))
        bench_die("a replica did not reach the newest commit");
}

void bench_replica_feed(alto_replica *replica, const alto_applied *applied)
{
    bench_must(alto_replica_on_statement(replica, applied->object, &applied->signature, alto_clock_ms()), "statement");
    for (size_t i = 0; i < applied->change_count; i++)
        if (applied->changes[i].payload.size)
            bench_must(alto_replica_on_payload(replica, &applied->statement->commit_hash, applied->changes[i].index,
                                               applied->changes[i].payload),
                       "payload");
}

void bench_replica_check(const alto_replica *replica, const char *id, const alto_version *version)
{
    const alto_view *view = alto_replica_view(replica);
    const alto_resource *resource = view ? alto_view_by_id(view, id) : NULL;
    if (!resource || !resource->version ||
        !alto_hash_equal(alto_version_root(resource->version), alto_version_root(version)))
        bench_die("a replica did not get the new version of %s", id);
}

/* ---- maps ---- */

void bench_pid_name(size_t index, char out[BENCH_PID_TEXT])
{
    snprintf(out, BENCH_PID_TEXT, "pid-%05zu", index % 100000);
}

void bench_vtag(const char *id, uint64_t number, char out[BENCH_VTAG_TEXT])
{
    alto_buffer text = alto_buffer_make(BENCH_VTAG_TEXT - 1);
    sim_random random = {number};
    alto_vtag vtag;
    snprintf(vtag.resource_id, sizeof vtag.resource_id, "%s", id);
    snprintf(vtag.tag, sizeof vtag.tag, "%016llx%016llx", (unsigned long long)sim_random_next(&random),
             (unsigned long long)sim_random_next(&random));
    alto_vtag_text(&vtag, &text);
    bench_must(text.status, "vtag");
    memcpy(out, text.data, text.size);
    out[text.size] = 0;
    alto_buffer_fini(&text);
}

alto_row_edit bench_meta_edit(const char *member, const char *text, alto_row_key *key, alto_edit *edit)
{
    *key = alto_row_key_make(ALTO_ROW_MEMBER, alto_slice_text("meta"));
    *edit = (alto_edit){.key = alto_slice_text(member)};
    edit->value.text = alto_slice_text(text);
    return (alto_row_edit){.row = alto_row_key_slice(key), .what = ALTO_ROW_ITEMS, .edits = edit, .count = 1};
}

/* Row edits for all PIDs, to be filled; the first is for meta. */
typedef struct {
    alto_row_edit *edits;
    alto_row_key *keys;
    alto_edit meta[2];
} all_rows;

static all_rows all_rows_make(size_t pids)
{
    all_rows made = {.edits = bench_alloc((pids + 1) * sizeof *made.edits),
                     .keys = bench_alloc((pids + 1) * sizeof *made.keys)};
    for (size_t i = 0; i < pids; i++) {
        char name[BENCH_PID_TEXT];
        bench_pid_name(i, name);
        made.keys[i + 1] = alto_row_key_make(ALTO_ROW_PAYLOAD, alto_slice_text(name));
        made.edits[i + 1].row = alto_row_key_slice(&made.keys[i + 1]);
    }
    return made;
}

static void all_rows_fini(all_rows *self)
{
    free(self->edits);
    free(self->keys);
}

static void random_costs(double *costs, size_t count, sim_random *random)
{
    for (size_t i = 0; i < count; i++)
        costs[i] = alto_number_from_decimal((int64_t)sim_random_below(random, 20000), 2);
}

/* A tree with a cost for every PID, whose keys all rows share. */
static alto_tree *cost_shape(alto_pool *pool, size_t pids)
{
    alto_edit *edits = bench_alloc(pids * sizeof *edits);
    char(*names)[BENCH_PID_TEXT] = bench_alloc(pids * sizeof *names);
    alto_tree *made = NULL;
    for (size_t i = 0; i < pids; i++) {
        bench_pid_name(i, names[i]);
        edits[i].key = alto_slice_text(names[i]);
    }
    bench_must(alto_tree_edit(pool, ALTO_VALUE_COST, NULL, edits, pids, &made), "row");
    free(names);
    free(edits);
    return made;
}

alto_version *bench_cost_map(alto_pool *pool, size_t pids, sim_random *random)
{
    all_rows rows = all_rows_make(pids);
    alto_tree *shape = cost_shape(pool, pids);
    double *costs = bench_alloc(pids * sizeof *costs);
    alto_version *made = NULL;
    rows.edits[0] = bench_meta_edit("cost-type", "{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\"}",
                                    &rows.keys[0], &rows.meta[0]);
    rows.meta[1] = (alto_edit){.key = alto_slice_text("dependent-vtags")};
    rows.meta[1].value.text = alto_slice_text("[" BENCH_COSTS_DEPEND_ON "]");
    rows.edits[0].count = 2;
    for (size_t i = 0; i < pids; i++) {
        alto_tree *items = NULL;
        random_costs(costs, pids, random);
        bench_must(alto_tree_with_costs(shape, costs, &items), "row");
        rows.edits[i + 1].what = ALTO_ROW_REPLACE;
        rows.edits[i + 1].items = items;
    }
    bench_must(alto_version_edit(pool, ALTO_COST_MAP, NULL, rows.edits, pids + 1, &made), "cost map");
    for (size_t i = 0; i < pids; i++)
        alto_tree_release(rows.edits[i + 1].items);
    alto_tree_release(shape);
    free(costs);
    all_rows_fini(&rows);
    return made;
}

void bench_commit_maps(bench_origin *origin, alto_version *costs, alto_version *network, alto_version *small)
{
    const alto_new_state states[] = {{.name = {.id = alto_slice_text("cost")}, .version = costs},
                                     {.name = {.id = alto_slice_text("my-network-map-1")}, .version = network},
                                     {.name = {.id = alto_slice_text("small")}, .version = small}};
    bench_must(alto_committer_commit(origin->committer, origin->pool, states, 3, alto_clock_ms()), "commit");
    alto_version_release(costs);
    alto_version_release(network);
    alto_version_release(small);
}

void bench_prefix_item(size_t index, uint8_t item[BENCH_PREFIX_SIZE])
{
    uint32_t address = (1u << 24) + ((uint32_t)index << 8);
    item[0] = ALTO_ITEM_IPV4;
    item[1] = (uint8_t)(address >> 24);
    item[2] = (uint8_t)(address >> 16);
    item[3] = (uint8_t)(address >> 8);
    item[4] = (uint8_t)address;
    item[5] = 24;
}

alto_version *bench_network_map(alto_pool *pool, const char *id, size_t pids, const size_t *sizes, uint32_t *owner)
{
    all_rows rows = all_rows_make(pids);
    size_t total = 0, dealt = 0;
    for (size_t i = 0; i < pids; i++)
        total += sizes[i];
    uint8_t(*items)[BENCH_PREFIX_SIZE] = bench_alloc(total * sizeof *items);
    alto_edit *edits = bench_alloc(total * sizeof *edits), *next = edits;
    alto_edit **row_edits = bench_alloc(pids * sizeof *row_edits);
    size_t *filled = bench_alloc(pids * sizeof *filled);
    for (size_t i = 0; i < pids; next += sizes[i++])
        row_edits[i] = next;
    while (dealt < total)
        for (size_t i = 0; i < pids; i++)
            if (filled[i] < sizes[i]) {
                bench_prefix_item(dealt, items[dealt]);
                row_edits[i][filled[i]++].key = alto_slice_of(items[dealt], BENCH_PREFIX_SIZE);
                owner[dealt++] = (uint32_t)i;
            }
    for (size_t i = 0; i < pids; i++) {
        rows.edits[i + 1].what = ALTO_ROW_ITEMS;
        rows.edits[i + 1].edits = row_edits[i];
        rows.edits[i + 1].count = sizes[i];
    }
    char vtag[BENCH_VTAG_TEXT];
    bench_vtag(id, 0, vtag);
    rows.edits[0] = bench_meta_edit("vtag", vtag, &rows.keys[0], &rows.meta[0]);
    alto_version *made = NULL;
    bench_must(alto_version_edit(pool, ALTO_NETWORK_MAP, NULL, rows.edits, pids + 1, &made), "network map");
    free(filled);
    free(row_edits);
    free(edits);
    free(items);
    all_rows_fini(&rows);
    return made;
}
