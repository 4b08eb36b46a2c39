/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include "io/keep.h"
#include "io/keyring.h"
#include "io/log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STATE_MS = 1000, /* how often to look whether the copy has become stale */
    LABEL_SIZE = ALTO_MAX_NAME + 16,
    PATH_SIZE = 4096
};

struct relay {
    alto_loop *loop;
    alto_outlet *outlet;
    relay_options options;
    alto_anchor anchor;
    alto_store *store;
    alto_server *alto_server; /* NULL: none */
    alto_follower *follower;
    alto_publisher *publisher; /* the outlet's */
    alto_timer *state_timer;
    bool restoring; /* what is taken now comes from disk */
    char directory[PATH_SIZE];
    char evidence[PATH_SIZE + 16]; /* directory in it, for forks */
    char label[LABEL_SIZE];        /* begins the fields of a log line: "origin=isp-a ", or "" */
};

/* ---- from upstream to downstream ---- */

static void log_step(const relay *self, const alto_applied *applied)
{
    const alto_position *position = &applied->statement->position;
    uint64_t now_ms = alto_clock_ms(), issued_ms = applied->statement->issued_at_ms;
    alto_log(ALTO_LOG_INFO, "applied", "%schain=%llu seq=%llu resources=%zu bytes=%llu via=%s age_ms=%llu", self->label,
             (unsigned long long)position->chain, (unsigned long long)position->seq, applied->change_count,
             (unsigned long long)applied->bytes_received, alto_route_name(applied->route),
             (unsigned long long)(now_ms > issued_ms ? now_ms - issued_ms : 0));
}

static void serve_manifest(relay *self, const alto_manifest *manifest, alto_slice file)
{
    alto_slice roots = alto_replica_roots(alto_follower_replica(self->follower));
    alto_publisher_manifest(self->publisher, file, manifest->epoch, manifest->version, roots);
}

static void tell_freshness(relay *self)
{
    const alto_replica *replica = alto_follower_replica(self->follower);
    const alto_statement *newest = alto_replica_statement(replica);
    alto_freshness freshness = {.state = alto_follower_state(self->follower)};
    if (newest) {
        freshness.issued_at_ms = newest->issued_at_ms;
        freshness.valid_until_ms = newest->issued_at_ms + newest->valid_for_s * 1000;
    }
    alto_publisher_freshness(self->publisher, &freshness);
}

/* Becoming stale is nothing that happens: it is that nothing does. */
static void on_state_timer(void *context)
{
    relay *self = context;
    tell_freshness(self);
    alto_timer_arm(self->state_timer, STATE_MS);
}

static void on_applied(void *context, const alto_applied *applied)
{
    relay *self = context;
    const alto_manifest *manifest = alto_replica_manifest_now(alto_follower_replica(self->follower));
    alto_publisher_step(self->publisher, applied, manifest->max_pushed_payload);
    tell_freshness(self);
    if (self->restoring)
        return;
    if (alto_keep_step(self->store, applied) != ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "store", "status=no-memory");
    log_step(self, applied);
}

static void on_head(void *context, alto_slice object, const alto_signature *signature)
{
    relay *self = context;
    alto_publisher_head(self->publisher, object, signature);
    tell_freshness(self);
}

static void on_manifest(void *context, alto_slice file)
{
    relay *self = context;
    const alto_replica *replica = alto_follower_replica(self->follower);
    serve_manifest(self, alto_replica_manifest_now(replica), file);
    if (!self->restoring && alto_store_manifest(self->store, file, alto_replica_roots(replica)) != ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "store", "status=no-memory");
}

static void on_wrong_origin(void *context)
{
    const relay *self = context;
    if (relay_hopeless(self))
        self->options.hopeless(self->options.context);
}

/* With a verified copy at hand there is something to serve. */
bool relay_hopeless(const relay *self)
{
    if (alto_replica_view(alto_follower_replica(self->follower)))
        return false;
    for (size_t i = 0; i < alto_follower_upstream_count(self->follower); i++)
        if (!alto_upstream_is_wrong(alto_follower_upstream(self->follower, i)))
            return false;
    return true;
}

/* ---- opening ---- */

/* The directory of the state of this origin: the one given, or one in it. */
static alto_status choose_directory(const relay_options *options, char path[PATH_SIZE], alto_error *error)
{
    const char *name = options->name, *state = options->state;
    if (name && !alto_site_is_name(name))
        return alto_fail(error, ALTO_CONFIG, name, "cannot be the name of an origin (--origin)");
    if (snprintf(path, PATH_SIZE, "%s%s%s", state, name ? "/" : "", name ? name : "") >= PATH_SIZE)
        return alto_fail(error, ALTO_CONFIG, state, "the path is too long");
    return ALTO_OK;
}

/* Take up what the disk holds; whatever of it cannot be believed any more is pulled anew. */
static alto_status restore(relay *self, const alto_stored_state *state)
{
    alto_replica *replica = alto_follower_replica(self->follower);
    const alto_resource **resources = NULL;
    size_t count;
    alto_slice object;
    alto_signature signature;
    if (state->manifest.size == 0)
        return ALTO_OK;
    alto_status status = alto_replica_on_roots(replica, alto_buffer_slice(&state->roots), alto_clock_ms());
    if (status == ALTO_OK || status == ALTO_KNOWN)
        status = alto_replica_on_manifest(replica, alto_buffer_slice(&state->manifest), alto_clock_ms());
    if (status != ALTO_OK && status != ALTO_EXPIRED)
        return status;
    if (status == ALTO_OK)
        on_manifest(self, alto_buffer_slice(&state->manifest));
    if (!state->has_statement)
        return ALTO_OK;
    status = alto_signed_split(alto_buffer_slice(&state->statement), &object, &signature);
    if (status == ALTO_OK)
        status = alto_keep_resources(state, &resources, &count);
    if (status != ALTO_OK)
        return status;
    status = alto_replica_restore(replica, object, &signature, state->catalog, resources, count, alto_clock_ms());
    alto_keep_free(resources, count);
    return status;
}

static alto_status take_up_state(relay *self, alto_error *error)
{
    alto_stored_state state = {0};
    alto_replica *replica = alto_follower_replica(self->follower);
    alto_status status = alto_store_load(self->store, alto_replica_pool(replica), &state);
    if (status == ALTO_OK) {
        self->restoring = true;
        alto_status restored = restore(self, &state);
        self->restoring = false;
        alto_publisher_remember(self->publisher, &state);
        const alto_view *view = alto_replica_view(replica);
        if (view)
            alto_log(ALTO_LOG_INFO, "restored", "%sseq=%llu resources=%zu", self->label,
                     (unsigned long long)view->position.seq, view->count);
        else if (restored != ALTO_OK)
            alto_log(ALTO_LOG_WARN, "restored", "%sstatus=%s resources=0", self->label, alto_status_name(restored));
    } else {
        alto_fail(error, status, self->directory, "cannot read the state; move it away to start anew");
    }
    alto_stored_state_fini(&state);
    return status;
}

static alto_status open_state(relay *self, alto_error *error)
{
    alto_status status = alto_store_open(self->directory, &self->anchor.origin, &self->store, error);
    return status == ALTO_OK ? take_up_state(self, error) : status;
}

static alto_status open_follower(relay *self, alto_error *error)
{
    alto_follower_events events = {.replica = {.applied = on_applied, .head = on_head, .context = self},
                                   .manifest = on_manifest,
                                   .wrong_origin = on_wrong_origin,
                                   .context = self};
    self->options.follow.anchor = &self->anchor;
    self->options.follow.label = self->label;
    snprintf(self->evidence, sizeof self->evidence, "%s/evidence", self->directory);
    self->options.follow.evidence = self->evidence;
    return alto_follower_new(self->loop, &self->options.follow, &events, &self->follower, error);
}

static bool answer_behind(void *context, const char *id, const alto_http_request *request, alto_http_answer *answer)
{
    return alto_server_answer(context, id, request, answer);
}

static bool offers_behind(void *context, const char *id)
{
    return alto_server_offers(context, id);
}

static uint64_t turn_behind(void *context)
{
    return alto_server_turn(context);
}

static void inform_behind(void *context, alto_buffer *out)
{
    alto_server_info(context, out);
}

static alto_status publish(relay *self, alto_error *error)
{
    alto_site_options serve = {.name = self->options.name,
                               .counts = alto_replica_counts(alto_follower_replica(self->follower)),
                               .evidence = alto_follower_evidence(self->follower),
                               .stale = self->options.stale};
    if (self->alto_server)
        serve.behind = (alto_behind){.answer = answer_behind,
                                     .offers = offers_behind,
                                     .turn = turn_behind,
                                     .info = inform_behind,
                                     .no_costs = self->options.alto_server.no_costs,
                                     .context = self->alto_server};
    return alto_outlet_publish(self->outlet, &self->anchor.origin, &serve, &self->publisher, error);
}

static alto_status open_all(relay *self, alto_error *error)
{
    alto_status status = alto_keyring_read_anchor(NULL, self->options.root_key, &self->anchor, error);
    if (status == ALTO_OK)
        status = choose_directory(&self->options, self->directory, error);
    if (status == ALTO_OK)
        status = open_follower(self, error);
    if (status == ALTO_OK && self->options.alto_server.url)
        status = alto_server_new(self->loop, &self->options.alto_server, &self->alto_server, error);
    return status == ALTO_OK ? publish(self, error) : status;
}

alto_status relay_new(alto_loop *loop, alto_outlet *outlet, const relay_options *options, relay **out,
                      alto_error *error)
{
    relay *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "", "out of memory");
    self->loop = loop;
    self->outlet = outlet;
    self->options = *options;
    if (options->name)
        snprintf(self->label, sizeof self->label, "origin=%s ", options->name);
    self->state_timer = alto_timer_new(loop, on_state_timer, self);
    alto_status status =
        self->state_timer ? open_all(self, error) : alto_fail(error, ALTO_NO_MEMORY, "", "out of memory");
    if (status == ALTO_OK)
        *out = self;
    else
        relay_destroy(&self);
    return status;
}

alto_status relay_start(relay *self, alto_error *error)
{
    alto_http_server *http = alto_outlet_http(self->outlet);
    if (self->alto_server && http)
        alto_server_serve(self->alto_server, http);
    alto_status status = open_state(self, error);
    if (status != ALTO_OK)
        return status;
    alto_log(ALTO_LOG_INFO, "following", "%supstream=%s upstreams=%zu", self->label, self->options.follow.upstreams[0],
             self->options.follow.upstream_count);
    on_state_timer(self);
    alto_follower_start(self->follower);
    return ALTO_OK;
}

void relay_reload(relay *self)
{
    alto_follower_reload(self->follower);
    if (self->alto_server)
        alto_server_reload(self->alto_server);
}

void relay_destroy(relay **self)
{
    relay *dying = *self;
    if (!dying)
        return;
    alto_timer_destroy(&dying->state_timer);
    alto_server_destroy(&dying->alto_server);
    alto_follower_destroy(&dying->follower);
    alto_store_close(&dying->store);
    free(dying);
    *self = NULL;
}
