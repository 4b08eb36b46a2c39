/* SPDX-License-Identifier: Apache-2.0 */
#include "altocast.h"

#include "core/lpm_costs.h"
#include "core/prefix.h"
#include "core/render.h"
#include "core/service.h"
#include "io/follower.h"
#include "io/keyring.h"
#include "io/log.h"
#include "io/lpm_once.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The public view and resource are the internal ones under another name. */
struct altocast {
    altocast_options options;
    alto_anchor anchor;
    alto_loop *loop;
    alto_follower *follower;
    pthread_mutex_t lock; /* of view */
    alto_view *view;      /* what altocast_acquire gives; one reference */
};

static const alto_view *inner_view(const altocast_view *view)
{
    return (const alto_view *)(const void *)view;
}

static const alto_resource *inner_resource(const altocast_resource *resource)
{
    return (const alto_resource *)(const void *)resource;
}

static const altocast_resource *outer_resource(const alto_resource *resource)
{
    return (const altocast_resource *)(const void *)resource;
}

/* ---- commits ---- */

static void describe_change(const alto_applied_change *from, altocast_change *to, char id[ALTO_MAX_NAME + 2])
{
    const alto_resource *named = from->after ? from->after : from->before;
    alto_change_counts counts = {0};
    if (from->after && from->after->version)
        alto_version_compare(from->before ? from->before->version : NULL, from->after->version, &counts);
    snprintf(id, ALTO_MAX_NAME + 2, "%.*s", (int)named->name.id.size, (const char *)named->name.id.data);
    *to = (altocast_change){.resource_id = id,
                            .kind = (altocast_kind)named->entry.kind,
                            .added = !from->before,
                            .withdrawn = !from->after,
                            .payload_bytes = from->payload.size,
                            .text_bytes = from->after ? from->after->entry.text_size : 0,
                            .rows_added = counts.rows_added,
                            .rows_removed = counts.rows_removed,
                            .rows_changed = counts.rows_changed,
                            .items_added = counts.items_added,
                            .items_removed = counts.items_removed,
                            .items_changed = counts.items_changed,
                            .members_changed = counts.members_changed};
}

static void report(altocast *self, const alto_applied *applied)
{
    size_t count = applied->change_count;
    altocast_change *changes = calloc(count + 1, sizeof *changes);
    char(*ids)[ALTO_MAX_NAME + 2] = calloc(count + 1, sizeof *ids);
    altocast_commit commit = {.epoch = applied->statement->position.epoch,
                              .chain = applied->statement->position.chain,
                              .seq = applied->statement->position.seq,
                              .issued_at_ms = applied->statement->issued_at_ms,
                              .applied_at_ms = alto_clock_ms(),
                              .bytes_received = applied->bytes_received,
                              .pulled = applied->route != ALTO_ROUTE_PUSH,
                              .route = alto_route_name(applied->route),
                              .changes = changes};
    if (changes && ids)
        for (; commit.change_count < count; commit.change_count++)
            describe_change(&applied->changes[commit.change_count], &changes[commit.change_count],
                            ids[commit.change_count]);
    self->options.on_commit(self->options.context, &commit);
    free(changes);
    free(ids);
}

static void on_applied(void *context, const alto_applied *applied)
{
    altocast *self = context;
    alto_view *next = alto_view_retain(applied->after);
    pthread_mutex_lock(&self->lock);
    alto_view *before = self->view;
    self->view = next;
    pthread_mutex_unlock(&self->lock);
    alto_view_release(before);
    if (self->options.on_commit)
        report(self, applied);
}

static void on_reload(void *context)
{
    altocast *self = context;
    alto_follower_reload(self->follower);
}

static void on_wrong_origin(void *context)
{
    altocast *self = context;
    if (self->options.on_wrong_origin)
        self->options.on_wrong_origin(self->options.context);
}

/* ---- life ---- */

/* All upstreams of the options in one list; their number. */
static size_t gather_upstreams(const altocast_options *options, const char *urls[ALTO_MAX_UPSTREAMS])
{
    urls[0] = options->upstream;
    for (size_t i = 0; i < options->upstream_count; i++)
        urls[1 + i] = options->upstreams[i];
    return 1 + options->upstream_count;
}

static alto_status open_all(altocast *self, const altocast_options *options, alto_error *error)
{
    const char *upstreams[ALTO_MAX_UPSTREAMS];
    if (!options->upstream || !options->root_key_file || options->resource_count > ALTO_MAX_FOLLOW ||
        options->upstream_count >= ALTO_MAX_UPSTREAMS)
        return alto_fail(error, ALTO_CONFIG, "options",
                         "upstream and root_key_file are required, at most %d resources and %d upstreams",
                         ALTO_MAX_FOLLOW, ALTO_MAX_UPSTREAMS);
    alto_status status = alto_crypto_init();
    if (status != ALTO_OK)
        return alto_fail(error, status, "libsodium", "cannot be initialised");
    status = alto_keyring_read_anchor(NULL, options->root_key_file, &self->anchor, error);
    if (status != ALTO_OK)
        return status;
    self->loop = alto_loop_new();
    if (!self->loop)
        return alto_fail(error, ALTO_IO, "loop", "no memory or no descriptors");
    alto_follower_options following = {.upstreams = upstreams,
                                       .upstream_count = gather_upstreams(options, upstreams),
                                       .upstream_push = &options->upstream_push,
                                       .upstream_push_count = options->upstream_push ? 1 : 0,
                                       .upstream_curve = options->upstream_curve_keys,
                                       .upstream_curve_count = options->upstream_curve_key_count,
                                       .curve_own = options->curve_id,
                                       .trust = {.ca_file = options->tls.ca_file,
                                                 .cert_file = options->tls.cert_file,
                                                 .key_file = options->tls.key_file},
                                       .no_push = options->no_push,
                                       .poll_ms = options->poll_ms,
                                       .anchor = &self->anchor,
                                       .follow = options->resources,
                                       .follow_count = options->resource_count};
    alto_follower_events events = {
        .replica = {.applied = on_applied, .context = self}, .wrong_origin = on_wrong_origin, .context = self};
    status = alto_follower_new(self->loop, &following, &events, &self->follower, error);
    if (status != ALTO_OK)
        return status;
    alto_loop_on_wake(self->loop, on_reload, self);
    alto_follower_start(self->follower);
    return status;
}

altocast *altocast_open(const altocast_options *options, char *error, size_t error_size)
{
    alto_error failure = {.status = ALTO_NO_MEMORY, .where = "altocast", .why = "out of memory"};
    altocast *self = calloc(1, sizeof *self);
    if (self) {
        pthread_mutex_init(&self->lock, NULL);
        self->options = *options;
    }
    if (self && open_all(self, options, &failure) == ALTO_OK)
        return self;
    if (error && error_size)
        snprintf(error, error_size, "%s: %s", failure.where, failure.why);
    altocast_close(self);
    return NULL;
}

void altocast_close(altocast *self)
{
    if (!self)
        return;
    alto_follower_destroy(&self->follower);
    alto_loop_destroy(&self->loop);
    alto_view_release(self->view);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void altocast_reload(altocast *self)
{
    alto_loop_wake(self->loop);
}

int altocast_process(altocast *self, int timeout_ms)
{
    if (!alto_loop_stopped(self->loop) && alto_loop_step(self->loop, timeout_ms) != ALTO_OK)
        return -1;
    return alto_loop_stopped(self->loop) ? 1 : 0;
}

int altocast_run(altocast *self)
{
    return alto_loop_run(self->loop) == ALTO_OK ? 0 : -1;
}

void altocast_stop(altocast *self)
{
    alto_loop_stop(self->loop);
}

int altocast_fd(const altocast *self)
{
    return alto_loop_fd(self->loop);
}

/* Where the application wants its lines; set before any altocast is opened, or never. */
static struct {
    void (*sink)(void *context, const char *line);
    void *context;
} log_target;

static void pass_on(void *context, alto_log_level level, const char *line)
{
    (void)context, (void)level;
    log_target.sink(log_target.context, line);
}

void altocast_set_log(void (*sink)(void *context, const char *line), void *context)
{
    log_target.sink = sink;
    log_target.context = context;
    alto_log_set_sink(sink ? pass_on : NULL, NULL);
    alto_log_set_level(sink ? ALTO_LOG_INFO : ALTO_LOG_ERROR);
}

static uint64_t refused_for(const alto_counts *counts, alto_status status)
{
    return alto_is_refusal(status) ? alto_counts_get(counts, status) : 0;
}

void altocast_get_status(altocast *self, altocast_status *status)
{
    const alto_replica *replica = alto_follower_replica(self->follower);
    const alto_statement *head = alto_replica_statement(replica);
    *status = (altocast_status){.state = (altocast_state)alto_follower_state(self->follower),
                                .by_push = alto_follower_via_now(self->follower) == ALTO_VIA_PUSH};
    alto_hex(status->origin, self->anchor.origin.bytes, ALTO_HASH_SIZE);
    snprintf(status->trouble, sizeof status->trouble, "%s", alto_follower_trouble(self->follower));
    for (alto_status each = ALTO_OK; each < ALTO_STATUS_COUNT; each++)
        status->refused += refused_for(alto_replica_counts(replica), each);
    if (!head)
        return;
    status->epoch = head->position.epoch;
    status->chain = head->position.chain;
    status->seq = head->position.seq;
    status->issued_at_ms = head->issued_at_ms;
    status->valid_until_ms = head->issued_at_ms + head->valid_for_s * 1000;
}

void altocast_each_upstream(altocast *self, bool (*each)(void *context, const altocast_upstream *upstream),
                            void *context)
{
    for (size_t i = 0; i < alto_follower_upstream_count(self->follower); i++) {
        const alto_upstream *upstream = alto_follower_upstream(self->follower, i);
        altocast_upstream told = {.url = alto_upstream_url(upstream),
                                  .by_push = alto_upstream_via(upstream) == ALTO_VIA_PUSH,
                                  .trouble = alto_upstream_trouble(upstream)};
        if (!each(context, &told))
            break;
    }
}

void altocast_each_refusal(altocast *self, void (*each)(void *context, const char *reason, uint64_t count),
                           void *context)
{
    const alto_counts *counts = alto_replica_counts(alto_follower_replica(self->follower));
    for (alto_status status = ALTO_OK; status < ALTO_STATUS_COUNT; status++)
        if (refused_for(counts, status))
            each(context, alto_status_name(status), refused_for(counts, status));
}

void altocast_each_fork(altocast *self, bool (*each)(void *context, const altocast_fork *fork), void *context)
{
    const alto_evidence *evidence = alto_follower_evidence(self->follower);
    size_t count = alto_evidence_count(evidence);
    for (size_t i = 0; i < count; i++) {
        const alto_kept_fork *kept = alto_evidence_at(evidence, i);
        altocast_fork told = {.epoch = kept->position.epoch, .chain = kept->position.chain, .seq = kept->position.seq};
        alto_hex(told.held, kept->hashes[0].bytes, ALTO_HASH_SIZE);
        alto_hex(told.other, kept->hashes[1].bytes, ALTO_HASH_SIZE);
        for (size_t side = 0; side < 2; side++) {
            told.proof[side].bytes = kept->statements[side].data;
            told.proof[side].size = kept->statements[side].size;
        }
        if (!each(context, &told))
            break;
    }
}

/* ---- views ---- */

altocast_view *altocast_acquire(altocast *self)
{
    pthread_mutex_lock(&self->lock);
    alto_view *view = alto_view_retain(self->view);
    pthread_mutex_unlock(&self->lock);
    return (altocast_view *)(void *)view;
}

void altocast_release(altocast_view *view)
{
    alto_view_release(inner_view(view));
}

size_t altocast_resource_count(const altocast_view *view)
{
    return inner_view(view)->count;
}

const altocast_resource *altocast_resource_at(const altocast_view *view, size_t index)
{
    return index < inner_view(view)->count ? outer_resource(inner_view(view)->resources[index]) : NULL;
}

const altocast_resource *altocast_find(const altocast_view *view, const char *resource_id)
{
    return outer_resource(alto_view_by_id(inner_view(view), resource_id));
}

void altocast_describe(const altocast_resource *resource, altocast_resource_info *info)
{
    const alto_resource *described = inner_resource(resource);
    const alto_entry *entry = &described->entry;
    *info = (altocast_resource_info){.kind = (altocast_kind)entry->kind,
                                     .rows = entry->rows,
                                     .items = entry->items,
                                     .text_bytes = entry->text_size,
                                     .held = alto_resource_shown(described)};
    snprintf(info->id, sizeof info->id, "%.*s", (int)described->name.id.size, (const char *)described->name.id.data);
    snprintf(info->media_type, sizeof info->media_type, "%s", entry->media_type);
    snprintf(info->tag, sizeof info->tag, "%s", entry->tag);
    alto_hex(info->root, entry->root.bytes, ALTO_HASH_SIZE);
}

/* Is the resource (NULL: none) there to be asked, and of that kind? */
static altocast_result judge(const alto_resource *resource, alto_kind kind)
{
    if (!resource)
        return ALTOCAST_NOT_FOUND;
    if (!alto_resource_shown(resource))
        return ALTOCAST_NOT_HELD;
    return resource->entry.kind == kind ? ALTOCAST_OK : ALTOCAST_WRONG_KIND;
}

/* The items of a PID of a resource of that kind. */
static altocast_result row_of(const alto_resource *resource, alto_kind kind, const char *pid, const alto_tree **items)
{
    altocast_result result = judge(resource, kind);
    if (result != ALTOCAST_OK)
        return result;
    bool found = alto_version_row(resource->version, ALTO_ROW_PAYLOAD, alto_slice_text(pid), items);
    return found ? ALTOCAST_OK : ALTOCAST_NOT_FOUND;
}

altocast_result altocast_cost(const altocast_view *view, const char *resource_id, const char *source_pid,
                              const char *destination_pid, double *cost)
{
    const alto_tree *items;
    alto_value value;
    altocast_result result = row_of(alto_view_by_id(inner_view(view), resource_id), ALTO_COST_MAP, source_pid, &items);
    if (result != ALTOCAST_OK)
        return result;
    if (!alto_tree_find(items, alto_slice_text(destination_pid), &value))
        return ALTOCAST_NOT_FOUND;
    *cost = value.cost;
    return ALTOCAST_OK;
}

altocast_result altocast_each_cost(const altocast_resource *cost_map, const char *source_pid,
                                   bool (*each)(void *context, const char *pid, size_t size, double cost),
                                   void *context)
{
    const alto_tree *items;
    altocast_result result = row_of(inner_resource(cost_map), ALTO_COST_MAP, source_pid, &items);
    if (result != ALTOCAST_OK)
        return result;
    alto_cursor at;
    for (alto_cursor_first(&at, items); alto_cursor_valid(&at); alto_cursor_next(&at)) {
        alto_slice key = alto_cursor_key(&at);
        if (!each(context, (const char *)key.data, key.size, alto_cursor_value(&at).cost))
            break;
    }
    return ALTOCAST_OK;
}

altocast_result altocast_each_pid(const altocast_resource *map,
                                  bool (*each)(void *context, const char *pid, size_t size), void *context)
{
    const alto_resource *resource = inner_resource(map);
    const uint8_t first = ALTO_ROW_PAYLOAD;
    if (!alto_resource_shown(resource))
        return ALTOCAST_NOT_HELD;
    if (resource->entry.kind == ALTO_DOCUMENT)
        return ALTOCAST_WRONG_KIND;
    alto_cursor at;
    alto_cursor_seek_key(&at, alto_version_tree(resource->version), alto_slice_of(&first, 1));
    for (; alto_cursor_valid(&at); alto_cursor_next(&at)) {
        alto_slice key = alto_cursor_key(&at);
        if (!each(context, (const char *)key.data + 1, key.size - 1))
            break;
    }
    return ALTOCAST_OK;
}

altocast_result altocast_each_prefix(const altocast_resource *network_map, const char *pid,
                                     bool (*each)(void *context, const char *prefix), void *context)
{
    const alto_tree *items;
    altocast_result result = row_of(inner_resource(network_map), ALTO_NETWORK_MAP, pid, &items);
    if (result != ALTOCAST_OK)
        return result;
    alto_cursor at;
    for (alto_cursor_first(&at, items); alto_cursor_valid(&at); alto_cursor_next(&at)) {
        alto_slice key = alto_cursor_key(&at);
        char text[ALTO_PREFIX_TEXT];
        bool prefix = key.size > 1 && (key.data[0] == ALTO_ITEM_IPV4 || key.data[0] == ALTO_ITEM_IPV6);
        if (!prefix)
            continue;
        alto_prefix_format(key, text);
        if (!each(context, text))
            break;
    }
    return ALTOCAST_OK;
}

/* ---- addresses ---- */

/* The public address is the internal one under another name. */
_Static_assert(sizeof(altocast_address) == sizeof(alto_endpoint) &&
                   offsetof(altocast_address, bytes) == offsetof(alto_endpoint, bytes),
               "the same layout");

static const alto_endpoint *inner_addresses(const altocast_address *addresses)
{
    return (const alto_endpoint *)(const void *)addresses;
}

altocast_result altocast_parse_address(const char *text, altocast_address *address)
{
    alto_endpoint *read = (alto_endpoint *)(void *)address;
    alto_slice slice = alto_slice_text(text);
    if (alto_endpoint_parse_typed(slice, read) == ALTO_OK || alto_endpoint_parse(4, slice, read) == ALTO_OK ||
        alto_endpoint_parse(6, slice, read) == ALTO_OK)
        return ALTOCAST_OK;
    return ALTOCAST_INVALID;
}

altocast_result altocast_pid(const altocast_view *view, const char *network_map_id, const altocast_address *address,
                             const char **pid)
{
    const alto_resource *map = alto_view_by_id(inner_view(view), network_map_id);
    const alto_lpm *lpm;
    altocast_result result = judge(map, ALTO_NETWORK_MAP);
    if (result != ALTOCAST_OK)
        return result;
    if (alto_lpm_once(map, &lpm) != ALTO_OK)
        return ALTOCAST_NO_MEMORY;
    const alto_pid *found = alto_lpm_pid(lpm, inner_addresses(address));
    if (!found)
        return ALTOCAST_NOT_FOUND;
    *pid = (const char *)alto_pid_name(found).data;
    return ALTOCAST_OK;
}

/* The cost map of that ID and the lpm of its network map. */
static altocast_result costs_by_address(const alto_view *view, const char *id, const alto_resource **costs,
                                        const alto_lpm **lpm)
{
    *costs = alto_view_by_id(view, id);
    altocast_result result = judge(*costs, ALTO_COST_MAP);
    if (result != ALTOCAST_OK)
        return result;
    const alto_resource *network = alto_service_network(view, *costs);
    if (!network)
        return ALTOCAST_NOT_HELD;
    return alto_lpm_once(network, lpm) == ALTO_OK ? ALTOCAST_OK : ALTOCAST_NO_MEMORY;
}

altocast_result altocast_address_cost(const altocast_view *view, const char *cost_map_id,
                                      const altocast_address *source, const altocast_address *destination, double *cost)
{
    const alto_endpoint both[] = {*inner_addresses(source), *inner_addresses(destination)};
    const alto_resource *costs;
    const alto_pid *pids[2];
    const alto_lpm *lpm;
    const alto_tree *row;
    altocast_result result = costs_by_address(inner_view(view), cost_map_id, &costs, &lpm);
    if (result != ALTOCAST_OK)
        return result;
    alto_lpm_pids(lpm, both, 2, pids);
    bool found = pids[0] && pids[1] && alto_pid_row(pids[0], costs->version, &row) && alto_pid_cell(pids[1], row, cost);
    return found ? ALTOCAST_OK : ALTOCAST_NOT_FOUND;
}

altocast_result altocast_address_costs(const altocast_view *view, const char *cost_map_id,
                                       const altocast_address *source, const altocast_address *destinations,
                                       size_t count, double *costs)
{
    const alto_resource *map;
    const alto_lpm *lpm;
    const alto_tree *row;
    altocast_result result = costs_by_address(inner_view(view), cost_map_id, &map, &lpm);
    if (result != ALTOCAST_OK)
        return result;
    const alto_pid *from = alto_lpm_pid(lpm, inner_addresses(source));
    if (!from || !alto_pid_row(from, map->version, &row))
        return ALTOCAST_NOT_FOUND;
    while (count > 0) {
        const alto_pid *pids[64];
        size_t some = count < 64 ? count : 64;
        alto_lpm_pids(lpm, inner_addresses(destinations), some, pids);
        for (size_t i = 0; i < some; i++)
            if (!pids[i] || !alto_pid_cell(pids[i], row, &costs[i]))
                costs[i] = NAN;
        destinations += some;
        costs += some;
        count -= some;
    }
    return ALTOCAST_OK;
}

altocast_result altocast_pair_costs(const altocast_view *view, const char *cost_map_id, const altocast_address *sources,
                                    const altocast_address *destinations, size_t count, double *costs)
{
    const alto_resource *map;
    const alto_lpm *lpm;
    altocast_result result = costs_by_address(inner_view(view), cost_map_id, &map, &lpm);
    if (result == ALTOCAST_OK)
        alto_lpm_costs(lpm, map->version, inner_addresses(sources), inner_addresses(destinations), count, costs);
    return result;
}

/* ---- whole resources ---- */

altocast_result altocast_write_json(const altocast_resource *resource,
                                    bool (*write)(void *context, const void *bytes, size_t size), void *context)
{
    const alto_resource *written = inner_resource(resource);
    alto_rendering *rendering = NULL;
    if (!alto_resource_shown(written))
        return ALTOCAST_NOT_HELD;
    if (alto_render(written->version, ALTO_IDENTITY, &rendering) != ALTO_OK)
        return ALTOCAST_NO_MEMORY;
    bool wanted = true;
    for (size_t i = 0; wanted && i < alto_rendering_pieces(rendering); i++) {
        alto_slice piece = alto_rendering_piece(rendering, i);
        wanted = write(context, piece.data, piece.size);
    }
    alto_rendering_release(rendering);
    return ALTOCAST_OK;
}
