/* SPDX-License-Identifier: Apache-2.0 */
#include "core/replica_state.h"

#include "core/advice.h"
#include "core/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PAYLOAD_PATIENCE_MS = 250, /* how long a pushed payload may follow its commit */
    MAX_ADVICE = 4 << 20       /* bytes of it: a line of 1 KB for each resource that an origin can have */
};

/* ---- what is wanted ---- */

const char *alto_want_name(alto_want_type type)
{
    static const char *const names[] = {"head",     "manifest", "catalog", "payload", "delta",
                                        "snapshot", "since",    "bundle",  "roots"};
    return names[type];
}

void alto_want_path(const alto_want *want, char path[ALTO_WANT_PATH])
{
    char from[2 * ALTO_HASH_SIZE + 1], to[2 * ALTO_HASH_SIZE + 1], after[ALTO_POSITION_TEXT], until[ALTO_POSITION_TEXT];
    alto_position_text(&want->after, after);
    alto_position_text(&want->until, until);
    alto_hex(from, want->from.bytes, ALTO_HASH_SIZE);
    alto_hex(to, want->to.bytes, ALTO_HASH_SIZE);
    switch (want->type) {
    case ALTO_WANT_HEAD:
        snprintf(path, ALTO_WANT_PATH, "head");
        break;
    case ALTO_WANT_MANIFEST:
        snprintf(path, ALTO_WANT_PATH, "manifest");
        break;
    case ALTO_WANT_ROOTS:
        snprintf(path, ALTO_WANT_PATH, "roots");
        break;
    case ALTO_WANT_CATALOG:
        snprintf(path, ALTO_WANT_PATH, "catalog/%s", to);
        break;
    case ALTO_WANT_PAYLOAD:
        snprintf(path, ALTO_WANT_PATH, "payloads/%s", to);
        break;
    case ALTO_WANT_DELTA:
        snprintf(path, ALTO_WANT_PATH, "deltas/%s/%s", from, to);
        break;
    case ALTO_WANT_SNAPSHOT:
        snprintf(path, ALTO_WANT_PATH, "snapshots/%s", to);
        break;
    case ALTO_WANT_SINCE:
        snprintf(path, ALTO_WANT_PATH, "since/%s", after);
        break;
    case ALTO_WANT_BUNDLE:
        snprintf(path, ALTO_WANT_PATH, "bundle/%s/%s", after, until);
        break;
    }
}

void alto_replica_want_head(alto_replica *self)
{
    self->head_wanted = true;
    if (!self->has_manifest)
        self->manifest_wanted = true; /* no head can be checked without */
}

/* Will a pushed payload still come? Not when it is too large to be pushed, when something
 * newer came already (push keeps its order), or when it is overdue. */
static bool push_is_over(const alto_replica *self, const alto_need *wanted, uint64_t now_ms)
{
    const alto_waiting *first = &self->queue[0];
    return self->queued > 1 || alto_elapsed(first->arrived_ms, PAYLOAD_PATIENCE_MS, now_ms) ||
           first->decoded.changes[wanted->index].size > self->manifest.max_pushed_payload;
}

/* The question for a need; false when there is none to ask now. */
static bool want_of(const alto_replica *self, const alto_need *wanted, uint64_t now_ms, alto_want *want)
{
    if (!wanted->needed || wanted->version || wanted->asked || wanted->way == NO_WAY)
        return false;
    if (wanted->way == BY_PAYLOAD) {
        const alto_commit_change *change = &self->queue[0].decoded.changes[wanted->index];
        *want = (alto_want){.type = ALTO_WANT_PAYLOAD, .to = change->digest, .max_size = change->size};
        return push_is_over(self, wanted, now_ms);
    }
    const alto_entry *entry = &wanted->resource->entry;
    if (wanted->way == BY_DELTA) {
        const alto_resource *base = alto_work_base(self, wanted);
        *want = (alto_want){.type = ALTO_WANT_DELTA, .from = *alto_version_root(base->version), .to = entry->root};
        want->max_size = alto_delta_bound(entry->text_size, base->entry.text_size);
    } else {
        *want = (alto_want){.type = ALTO_WANT_SNAPSHOT, .to = entry->root};
        want->max_size = alto_snapshot_bound(entry->text_size);
    }
    if (want->max_size > ALTO_MAX_PAYLOAD)
        want->max_size = ALTO_MAX_PAYLOAD;
    return true;
}

/* Is there a gap before the first statement, and no question under way about it? */
static bool has_open_gap(const alto_replica *self)
{
    return self->queued && !self->catalog_known && !self->catalog_asked && self->search != WAY_ASKED &&
           self->search != WAY_BUNDLE_ASKED;
}

/* The question that is next about a gap; false when it is not time for it yet. */
static bool want_of_gap(alto_replica *self, uint64_t now_ms, alto_want *want)
{
    if (self->search == WAY_OPEN && self->view) {
        if (!alto_elapsed(self->queue[0].arrived_ms, self->gap_patience_ms, now_ms))
            return false;
        *want = (alto_want){.type = ALTO_WANT_SINCE, .after = self->view->position, .max_size = MAX_ADVICE};
        self->search = WAY_ASKED;
    } else if (self->search == WAY_BUNDLE) {
        *want = (alto_want){.type = ALTO_WANT_BUNDLE,
                            .after = self->view->position,
                            .until = self->bundle_end,
                            .max_size = ALTO_MAX_BUNDLE};
        self->search = WAY_BUNDLE_ASKED;
    } else {
        *want = (alto_want){
            .type = ALTO_WANT_CATALOG, .to = self->queue[0].decoded.state_root, .max_size = ALTO_MAX_CATALOG};
        self->catalog_asked = true;
    }
    return true;
}

/* What the work on the first statement lacks. */
static size_t work_wants(alto_replica *self, alto_want *wants, size_t max, uint64_t now_ms)
{
    size_t count = 0;
    if (max && has_open_gap(self) && want_of_gap(self, now_ms, wants))
        count++;
    for (size_t i = 0; i < self->need_count && count < max; i++)
        if (want_of(self, &self->needs[i], now_ms, &wants[count])) {
            self->needs[i].asked = true;
            count++;
        }
    return count;
}

size_t alto_replica_wants(alto_replica *self, alto_want *wants, size_t max, uint64_t now_ms)
{
    size_t count = 0;
    if (self->manifest_wanted && !self->manifest_asked && max) {
        self->manifest_asked = true;
        self->manifest_looked_ms = now_ms;
        wants[count++] = (alto_want){.type = ALTO_WANT_MANIFEST, .max_size = ALTO_MAX_MANIFEST};
    }
    if (self->roots_wanted && !self->roots_asked && count < max) {
        self->roots_asked = true;
        wants[count++] = (alto_want){.type = ALTO_WANT_ROOTS, .max_size = ALTO_MAX_ROOT_LIST};
    }
    if (self->has_manifest && !self->manifest_wanted && self->head_wanted && !self->head_asked && count < max) {
        self->head_asked = true;
        wants[count++] = (alto_want){.type = ALTO_WANT_HEAD, .max_size = ALTO_MAX_STATEMENT};
    }
    return count + work_wants(self, wants + count, max - count, now_ms);
}

void alto_replica_set_gap_patience(alto_replica *self, uint64_t ms)
{
    self->gap_patience_ms = ms;
}

uint64_t alto_replica_next_want_ms(const alto_replica *self)
{
    if (has_open_gap(self) && self->search == WAY_OPEN && self->view)
        return self->queue[0].arrived_ms + self->gap_patience_ms;
    for (size_t i = 0; i < self->need_count; i++) {
        const alto_need *wanted = &self->needs[i];
        if (wanted->needed && !wanted->version && !wanted->asked && wanted->way == BY_PAYLOAD)
            return self->queue[0].arrived_ms + PAYLOAD_PATIENCE_MS;
    }
    return UINT64_MAX;
}

/* ---- what came of it ---- */

/* The need that asked this. */
static alto_need *asking(alto_replica *self, const alto_want *want)
{
    for (size_t i = 0; i < self->need_count; i++) {
        alto_need *wanted = &self->needs[i];
        if (!wanted->asked || wanted->version)
            continue;
        if (want->type == ALTO_WANT_PAYLOAD) {
            if (wanted->way == BY_PAYLOAD &&
                alto_hash_equal(&self->queue[0].decoded.changes[wanted->index].digest, &want->to))
                return wanted;
        } else if (wanted->way == (want->type == ALTO_WANT_DELTA ? BY_DELTA : BY_SNAPSHOT) &&
                   alto_hash_equal(&wanted->resource->entry.root, &want->to) &&
                   (wanted->way == BY_SNAPSHOT ||
                    alto_hash_equal(alto_version_root(alto_work_base(self, wanted)->version), &want->from))) {
            return wanted;
        }
    }
    return NULL;
}

static void take_next_way(alto_replica *self, alto_need *wanted)
{
    wanted->asked = wanted->doubted = false;
    wanted->way = alto_work_next_way(self, wanted);
    if (wanted->way == NO_WAY)
        alto_work_start_over(self);
}

/* A wrong answer, from one who erred or lies: once more, then in another way. */
static void doubt(alto_replica *self, alto_need *wanted)
{
    if (wanted->doubted) {
        take_next_way(self, wanted);
    } else {
        wanted->asked = false;
        wanted->doubted = true;
    }
}

static alto_status pulled_payload(alto_replica *self, alto_need *wanted, alto_slice bytes)
{
    if (!alto_has_digest(bytes, &self->queue[0].decoded.changes[wanted->index]))
        return ALTO_DIGEST_MISMATCH;
    uint8_t *copy = malloc(bytes.size);
    if (!copy)
        return ALTO_NO_MEMORY;
    memcpy(copy, bytes.data, bytes.size);
    wanted->pulled_payload = copy;
    return alto_work_use_payload(self, wanted, alto_slice_of(copy, bytes.size));
}

static alto_status pulled_snapshot(alto_replica *self, alto_need *wanted, alto_slice bytes)
{
    const alto_entry *entry = &wanted->resource->entry;
    alto_snapshot_reader *reader = alto_snapshot_reader_new(self->pool, entry->kind, &entry->root);
    if (!reader)
        return ALTO_NO_MEMORY;
    alto_snapshot_reader_limit(reader, entry->text_size);
    alto_status status = alto_snapshot_read(reader, bytes);
    if (status == ALTO_OK)
        status = alto_snapshot_finish(reader, &wanted->version);
    alto_snapshot_reader_destroy(&reader);
    return status;
}

static alto_status pulled_version(alto_replica *self, const alto_want *want, alto_slice bytes)
{
    alto_need *wanted = asking(self, want);
    if (!wanted)
        return ALTO_NOT_WANTED;
    alto_status status;
    alto_work_took(self,
                   want->type == ALTO_WANT_PAYLOAD ? ALTO_ROUTE_COMMITS
                   : want->type == ALTO_WANT_DELTA ? ALTO_ROUTE_DELTA
                                                   : ALTO_ROUTE_SNAPSHOT,
                   bytes.size);
    if (want->type == ALTO_WANT_PAYLOAD)
        status = pulled_payload(self, wanted, bytes);
    else if (want->type == ALTO_WANT_DELTA)
        status = alto_work_apply_delta(self, wanted, bytes, false);
    else
        status = pulled_snapshot(self, wanted, bytes);
    if (status == ALTO_OK)
        return alto_work_advance(self);
    if (want->type == ALTO_WANT_PAYLOAD && wanted->way != BY_PAYLOAD)
        wanted->asked = false; /* use_payload has taken the next way already */
    else
        doubt(self, wanted);
    return status;
}

static alto_status pulled_catalog(alto_replica *self, const alto_want *want, alto_slice bytes)
{
    if (!self->queued || !self->catalog_asked || self->catalog_known ||
        !alto_hash_equal(&want->to, &self->queue[0].decoded.state_root))
        return ALTO_NOT_WANTED;
    alto_tree *catalog = NULL;
    alto_status status = alto_catalog_decode(self->pool, bytes, &self->anchor.origin, &catalog);
    if (status == ALTO_OK && !alto_has_state_root(catalog, &want->to)) {
        alto_tree_release(catalog);
        status = ALTO_STATE_MISMATCH;
    }
    if (status != ALTO_OK) {
        self->catalog_asked = false;
        if (self->doubted)
            alto_work_start_over(self);
        self->doubted = true;
        return status;
    }
    self->catalog = catalog;
    self->catalog_known = true;
    alto_work_took(self, ALTO_ROUTE_DELTA, bytes.size);
    return alto_work_advance(self);
}

/* ---- which way closes a gap ---- */

/* Bytes of the way by catalog, deltas and snapshots, for what is followed; notes what is less as a whole. */
static uint64_t weigh_state(alto_replica *self, const alto_advice *advice)
{
    uint64_t sum = advice->catalog_bytes;
    for (size_t i = 0; i < advice->resource_count; i++) {
        const alto_advice_resource *resource = &advice->resources[i];
        const alto_resource_name name = {.id = alto_slice_text(resource->id)};
        if (!alto_replica_follows(self, &name))
            continue;
        bool whole = !resource->has_delta || resource->snapshot_bytes < resource->delta_bytes;
        sum += whole ? resource->snapshot_bytes : resource->delta_bytes;
        if (whole)
            self->whole[self->whole_count++] = resource->to;
    }
    return sum;
}

/* By the fewest bytes: the missing commits as they were signed, or the difference of the states. */
static alto_status choose_way(alto_replica *self, const alto_advice *advice)
{
    const alto_position *held = &self->view->position, *end = &advice->head;
    self->whole = calloc(advice->resource_count + 1, sizeof *self->whole);
    if (!self->whole)
        return ALTO_NO_MEMORY;
    uint64_t state_bytes = weigh_state(self, advice);
    bool ahead = end->epoch == held->epoch && end->chain == held->chain && end->seq > held->seq;
    self->search = WAY_STATE;
    if (ahead && advice->has_commits && advice->commits_bytes <= ALTO_MAX_BUNDLE &&
        advice->commits_bytes <= state_bytes) {
        self->search = WAY_BUNDLE;
        self->bundle_end = *end;
    }
    return ALTO_OK;
}

/* A question about the way came to nothing. */
static void doubt_search(alto_replica *self)
{
    self->search = self->doubted ? WAY_STATE : WAY_OPEN;
    self->doubted = true;
}

static alto_status pulled_since(alto_replica *self, const alto_want *want, alto_slice bytes)
{
    if (self->search != WAY_ASKED || alto_position_compare(&want->after, &self->view->position) != 0)
        return ALTO_NOT_WANTED;
    alto_advice advice;
    alto_work_took(self, ALTO_ROUTE_PUSH, bytes.size);
    alto_status status = alto_advice_read(bytes, &advice);
    if (status == ALTO_OK)
        status = choose_way(self, &advice);
    if (status != ALTO_OK)
        doubt_search(self);
    alto_advice_fini(&advice);
    return status;
}

/* ---- bundles ---- */

/* One item: a signed commit, or a payload of the commit before it. */
static alto_status take_item(alto_replica *self, uint8_t type, alto_slice item, alto_hash *commit_hash, uint64_t now_ms)
{
    alto_slice object;
    alto_signature signature;
    alto_reader reader = alto_reader_make(item);
    if (type == 'c') {
        alto_status status = alto_signed_split(item, &object, &signature);
        if (status != ALTO_OK)
            return status;
        *commit_hash = alto_commit_hash(object);
        return alto_queue_take(self, object, &signature, now_ms, FROM_PULL);
    }
    size_t index = (size_t)alto_reader_uint(&reader, 2);
    if (type != 'p' || reader.status != ALTO_OK)
        return ALTO_MALFORMED;
    return alto_queue_take_payload(self, commit_hash, index, alto_slice_of(reader.at, alto_reader_left(&reader)),
                                   FROM_PULL);
}

/* Is it fine that an item of a bundle came to this? Some of it may have come by push meanwhile, or be of what is not followed. */
static bool is_fine(alto_status status)
{
    return !alto_is_refusal(status) || status == ALTO_OLD || status == ALTO_REPLAYED;
}

static alto_status pulled_bundle(alto_replica *self, const alto_want *want, alto_slice bytes, uint64_t now_ms)
{
    if (self->search != WAY_BUNDLE_ASKED || alto_position_compare(&want->until, &self->bundle_end) != 0)
        return ALTO_NOT_WANTED;
    alto_status status = ALTO_OK;
    alto_hash commit_hash = {{0}};
    alto_reader reader = alto_reader_make(bytes);
    while (is_fine(status) && alto_reader_left(&reader)) {
        uint8_t type = alto_reader_u8(&reader);
        alto_slice item = alto_reader_slice(&reader, alto_reader_u32(&reader));
        status = reader.status == ALTO_OK ? take_item(self, type, item, &commit_hash, now_ms) : reader.status;
    }
    if (self->search == WAY_BUNDLE_ASKED) /* it brought nothing */
        self->search = WAY_STATE;
    return is_fine(status) ? ALTO_OK : status;
}

/* ---- answers ---- */

static alto_status pulled_head(alto_replica *self, alto_slice bytes, uint64_t now_ms)
{
    alto_slice object;
    alto_signature signature;
    self->head_wanted = false; /* an unknown key sets it again */
    alto_status status = alto_signed_split(bytes, &object, &signature);
    return status == ALTO_OK ? alto_queue_take(self, object, &signature, now_ms, FROM_PULL) : status;
}

alto_status alto_replica_pulled(alto_replica *self, const alto_want *want, alto_slice bytes, uint64_t now_ms)
{
    alto_status status = ALTO_NOT_WANTED;
    switch (want->type) {
    case ALTO_WANT_HEAD:
        self->head_asked = false;
        status = pulled_head(self, bytes, now_ms);
        break;
    case ALTO_WANT_MANIFEST:
        self->manifest_asked = self->manifest_wanted = false;
        status = alto_replica_take_manifest(self, bytes, now_ms);
        break;
    case ALTO_WANT_ROOTS:
        self->roots_asked = self->roots_wanted = false;
        status = alto_replica_take_roots(self, bytes, now_ms);
        break;
    case ALTO_WANT_CATALOG:
        status = pulled_catalog(self, want, bytes);
        break;
    case ALTO_WANT_PAYLOAD:
    case ALTO_WANT_DELTA:
    case ALTO_WANT_SNAPSHOT:
        status = pulled_version(self, want, bytes);
        break;
    case ALTO_WANT_SINCE:
        status = pulled_since(self, want, bytes);
        break;
    case ALTO_WANT_BUNDLE:
        status = pulled_bundle(self, want, bytes, now_ms);
        break;
    }
    return alto_replica_counted(self, status);
}

void alto_replica_pull_failed(alto_replica *self, const alto_want *want, alto_status status)
{
    bool gone = status == ALTO_NOT_FOUND || status == ALTO_TOO_LARGE;
    alto_need *wanted;
    switch (want->type) {
    case ALTO_WANT_HEAD:
        self->head_asked = false;
        return;
    case ALTO_WANT_MANIFEST:
        self->manifest_asked = false;
        return;
    case ALTO_WANT_ROOTS: /* the next manifest that is not understood asks again */
        self->roots_asked = self->roots_wanted = false;
        return;
    case ALTO_WANT_CATALOG:
        if (!self->queued || !alto_hash_equal(&want->to, &self->queue[0].decoded.state_root))
            return;
        self->catalog_asked = false;
        if (gone && !self->catalog_known)
            alto_work_start_over(self);
        return;
    case ALTO_WANT_PAYLOAD:
    case ALTO_WANT_DELTA:
    case ALTO_WANT_SNAPSHOT:
        wanted = asking(self, want);
        if (wanted && gone)
            take_next_way(self, wanted);
        else if (wanted)
            wanted->asked = false;
        return;
    case ALTO_WANT_SINCE: /* an older server, or one that does not know the position */
        if (self->search == WAY_ASKED)
            self->search = gone ? WAY_STATE : WAY_OPEN;
        return;
    case ALTO_WANT_BUNDLE:
        if (self->search == WAY_BUNDLE_ASKED)
            self->search = gone ? WAY_STATE : WAY_BUNDLE;
        return;
    }
}
