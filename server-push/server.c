/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "core/capability.h"
#include "core/committer.h"
#include "intake.h"
#include "io/keep.h"
#include "io/keyring.h"
#include "io/log.h"
#include "signer.h"

#include <stdlib.h>

enum { KEY_LOOK_MS = 600000, MS_PER_S = 1000, WHERE_SIZE = 512, RETRY_MS = 1000 };

struct server {
    alto_loop *loop;
    server_options options;
    signer *signer; /* the keys in use */
    alto_key_id signing;
    bool has_signed;  /* with the key of that ID */
    unsigned urgency; /* that was told (alto_key_urgency) */
    alto_pool *pool;
    alto_store *store;
    alto_outlet *outlet;
    alto_publisher *publisher; /* the outlet's */
    alto_committer *committer;
    ingest *ingest;
    source *source;
    intake intake;
    alto_login *login;   /* NULL: no ALTO server */
    alto_notify *notify; /* NULL: nobody may */
    alto_timer *head_timer, *hold_timer, *key_timer;
    uint64_t least_time_ms, started_ms; /* statements are dated from that on; when, on the monotonic clock */
    bool settled, told_capability;
};

/* ---- documents ---- */

/* `.capability` is published with the first documents that are: alone it would look like an origin without maps. */
static void tell_capability(server *self)
{
    alto_capability facts = {.anchor = &self->signer->anchor,
                             .manifest = &self->signer->manifest,
                             .rproxies = self->options.rproxies,
                             .rproxy_count = self->options.rproxy_count,
                             .valid_for_s = self->options.valid_for_s,
                             .keep_ms = ALTO_KEEP_MS,
                             .head_interval_ms = self->options.head_interval_ms};
    alto_buffer text = alto_buffer_make(ALTO_MAX_STATEMENT);
    alto_error error;
    alto_status status = alto_capability_write(&facts, &text);
    if (status == ALTO_OK)
        status =
            ingest_document(self->ingest, ALTO_CAPABILITY_ID, alto_buffer_slice(&text), alto_monotonic_ms(), &error);
    self->told_capability = status == ALTO_OK || status == ALTO_KNOWN;
    if (!self->told_capability)
        alto_log(ALTO_LOG_ERROR, "capability", "status=%s", alto_status_name(status));
    alto_buffer_fini(&text);
}

static alto_status on_document(void *context, const char *name, const char *media_type, alto_slice text)
{
    server *self = context;
    alto_status status = intake_take(&self->intake, name, media_type, text);
    if ((status == ALTO_OK || status == ALTO_KNOWN) && !self->told_capability)
        tell_capability(self);
    return status;
}

static void on_removed(void *context, const char *name)
{
    server *self = context;
    intake_remove(&self->intake, name);
}

static void on_unreadable(void *context, const char *name, const alto_error *error)
{
    server *self = context;
    intake_refuse(&self->intake, name, error);
}

/* ---- time ---- */

/* The date of what is signed now: the clock's, unless that is far behind what was signed in an earlier life. */
static uint64_t signing_time(const server *self)
{
    uint64_t now_ms = alto_clock_ms(), least_ms = self->least_time_ms + alto_monotonic_ms() - self->started_ms;
    return now_ms > least_ms ? now_ms : least_ms;
}

static void warn_of_clock(uint64_t behind_ms, const char *of)
{
    if (behind_ms >= MS_PER_S)
        alto_log(ALTO_LOG_WARN, "clock", "behind_s=%llu of=%s do=\"set the clock\"",
                 (unsigned long long)(behind_ms / MS_PER_S), of);
}

/* A new chain may be dated before the old one, so a clock that was ahead and is right now needs nothing. But one that shows a time at
 * which what it signs would soon have expired for everybody else is not believed: time goes on from the last statement. */
static void judge_clock(server *self, uint64_t last_issued_ms)
{
    uint64_t now_ms = alto_clock_ms(), behind_ms = last_issued_ms > now_ms ? last_issued_ms - now_ms : 0;
    warn_of_clock(behind_ms, "the-last-statement");
    if (behind_ms > self->options.valid_for_s * MS_PER_S / 2)
        self->least_time_ms = last_issued_ms;
}

/* ---- commits ---- */

static void note_waiting(void *context, const char *resource_id, const char *why)
{
    server *self = context;
    source_doubt(self->source);
    char quoted[WHERE_SIZE];
    alto_log(ALTO_LOG_INFO, "waiting", "resource=%s why=%s", resource_id, alto_log_value(why, quoted, sizeof quoted));
}

static void log_commit(const alto_applied *applied)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < applied->change_count; i++)
        bytes += applied->changes[i].payload.size;
    alto_log(ALTO_LOG_INFO, "commit", "chain=%llu seq=%llu resources=%zu payload_bytes=%llu",
             (unsigned long long)applied->statement->position.chain,
             (unsigned long long)applied->statement->position.seq, applied->change_count, (unsigned long long)bytes);
}

/* The origin itself is never stale. */
static void tell_freshness(server *self, uint64_t issued_at_ms)
{
    alto_freshness freshness = {ALTO_REPLICA_LIVE, issued_at_ms, UINT64_MAX};
    alto_publisher_freshness(self->publisher, &freshness);
}

/* Signed: out to everybody first, then to the disk. */
static void on_applied(void *context, const alto_applied *applied)
{
    server *self = context;
    alto_publisher_step(self->publisher, applied, self->signer->manifest.max_pushed_payload);
    tell_freshness(self, applied->statement->issued_at_ms);
    if (alto_keep_step(self->store, applied) != ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "store", "status=no-memory");
    log_commit(applied);
}

/* Commit all that may change now. The chain begins with the first state there is, if only the one of an earlier life. */
static void commit(server *self)
{
    static const size_t most = ALTO_MAX_RESOURCES;
    uint64_t now_ms = alto_monotonic_ms(), again_ms;
    alto_new_state *changes = calloc(most, sizeof *changes);
    if (!changes) {
        alto_timer_arm(self->hold_timer, RETRY_MS);
        return;
    }
    size_t count = ingest_take(self->ingest, now_ms, changes, most, &again_ms);
    alto_status status = ALTO_OK;
    if (count > 0)
        status = alto_committer_commit(self->committer, self->pool, changes, count, signing_time(self));
    if (status != ALTO_OK) {
        alto_log(ALTO_LOG_ERROR, "commit", "status=%s resources=%zu", alto_status_name(status), count);
        ingest_give_back(self->ingest);
    }
    if (status == ALTO_NO_MEMORY && again_ms > now_ms + RETRY_MS)
        again_ms = now_ms + RETRY_MS;
    ingest_report(self->ingest, note_waiting, self);
    free(changes);
    if (again_ms != UINT64_MAX)
        alto_timer_arm(self->hold_timer, again_ms > now_ms ? again_ms - now_ms : 1);
}

static const char *source_name(const server *self)
{
    return self->options.alto_server ? self->options.alto_server : self->options.maps;
}

static void on_settled(void *context)
{
    server *self = context;
    if (!self->settled && intake_is_whole(&self->intake)) { /* an empty directory may be one that is not mounted yet */
        ingest_settle(self->ingest, alto_monotonic_ms());
        self->settled = true;
    }
    if (!self->intake.found_any)
        alto_log(ALTO_LOG_INFO, "waiting", "source=%s for=first-valid-document", source_name(self));
    commit(self);
}

static void on_enough(void *context)
{
    commit(context);
}

/* Which key signs from now on, whenever that is another one. */
static void note_signing_key(server *self, uint64_t now_ms)
{
    const alto_signing_key *key = alto_committer_key(self->committer, now_ms);
    if (!key)
        return;
    alto_public_key public_half = alto_signing_key_public(key);
    alto_key_id id = alto_key_id_of(&public_half);
    if (self->has_signed && memcmp(&id, &self->signing, sizeof id) == 0)
        return;
    char name[2 * ALTO_KEY_ID_SIZE + 1];
    alto_hex(name, id.bytes, sizeof id.bytes);
    const alto_manifest *manifest = &self->signer->manifest;
    alto_log(ALTO_LOG_INFO, "signing", "key=%s manifest=%u.%u keys=%zu", name, manifest->epoch, manifest->version,
             self->signer->online.count);
    self->signing = id;
    self->has_signed = true;
}

static void on_head_timer(void *context)
{
    server *self = context;
    alto_signature signature;
    alto_buffer object = alto_buffer_make(ALTO_MAX_STATEMENT);
    uint64_t now_ms = signing_time(self);
    alto_status status = alto_committer_head(self->committer, now_ms, &object, &signature);
    note_signing_key(self, now_ms);
    if (status == ALTO_OK) {
        alto_publisher_head(self->publisher, alto_buffer_slice(&object), &signature);
        tell_freshness(self, now_ms);
    } else if (status != ALTO_NOT_FOUND) {
        alto_log(ALTO_LOG_ERROR, "head", "status=%s", alto_status_name(status));
    }
    alto_buffer_fini(&object);
    alto_timer_arm(self->head_timer, self->options.head_interval_ms);
}

/* ---- keys ---- */

/* The end of the keys is told as it comes nearer, at start and while running. */
static void look_at_keys(void *context)
{
    server *self = context;
    uint64_t now_ms = signing_time(self), until_ms = signer_good_until_ms(self->signer);
    unsigned urgency = alto_key_urgency(until_ms, now_ms);
    if (urgency > self->urgency)
        alto_log(urgency == 3 ? ALTO_LOG_ERROR : ALTO_LOG_WARN, "keys", "days_left=%llu do=\"alto-keys renew\"",
                 (unsigned long long)(until_ms > now_ms ? (until_ms - now_ms) / ALTO_DAY_MS : 0));
    self->urgency = urgency;
    alto_timer_arm(self->key_timer, KEY_LOOK_MS);
}

static void warn_of_unlocked_keys(const signer *keys)
{
    for (size_t i = 0; i < keys->online.count; i++)
        if (!alto_signing_key_locked(keys->online.keys[i])) {
            alto_log(ALTO_LOG_WARN, "keys",
                     "locked=no why=\"no memory may be locked, so private keys can get into swap\" "
                     "do=\"raise the limit (ulimit -l, LimitMEMLOCK)\"");
            return;
        }
}

static void serve_manifest(server *self)
{
    const signer *keys = self->signer;
    alto_publisher_manifest(self->publisher, alto_buffer_slice(&keys->manifest_file), keys->manifest.epoch,
                            keys->manifest.version, alto_buffer_slice(&keys->roots.list));
    warn_of_unlocked_keys(keys);
}

/* The committer goes over to the keys that were read, in a new chain when they are of another epoch. */
static alto_status use_keys(server *self, const signer *keys, alto_error *error)
{
    uint64_t chain = 0;
    const alto_manifest *used = &self->signer->manifest;
    if (alto_manifest_compare(&keys->manifest, used->epoch, used->version) < 0)
        return alto_fail(error, ALTO_OLD, self->options.keys, "its manifest is older than the one in use");
    alto_status status = ALTO_OK;
    if (keys->manifest.epoch != used->epoch)
        status = alto_store_next_chain(self->store, signing_time(self), &chain);
    if (status != ALTO_OK)
        return alto_fail(error, status, self->options.state, "cannot write to it: is the disk full?");
    status = alto_committer_renew(self->committer, &keys->manifest, (const alto_signing_key *const *)keys->online.keys,
                                  keys->online.count, chain);
    return status == ALTO_OK ? ALTO_OK : alto_fail(error, status, self->options.keys, "%s", alto_status_text(status));
}

/* Everybody is to know of the new manifest before anything is signed by it. */
static void publish_keys(server *self, bool new_chain)
{
    alto_status status = ALTO_OK;
    serve_manifest(self);
    if (new_chain)
        status = alto_committer_commit(self->committer, self->pool, NULL, 0, signing_time(self));
    if (status != ALTO_OK)
        alto_log(ALTO_LOG_ERROR, "commit", "status=%s resources=0", alto_status_name(status));
    if (self->told_capability) {
        tell_capability(self);
        commit(self);
    }
    on_head_timer(self);
}

/* What cannot be used changes nothing. */
static void read_keys_anew(server *self)
{
    signer *read = NULL;
    alto_error error;
    bool has_state = alto_committer_view(self->committer);
    alto_status status = signer_read(self->options.keys, signing_time(self), &read, &error);
    if (status == ALTO_OK)
        status = use_keys(self, read, &error);
    if (status != ALTO_OK) {
        char where[WHERE_SIZE], why[WHERE_SIZE];
        alto_log(ALTO_LOG_ERROR, "keys", "refused=%s status=%s why=%s",
                 alto_log_value(error.where, where, sizeof where), alto_status_name(status),
                 alto_log_value(error.why, why, sizeof why));
        signer_destroy(&read);
        return;
    }
    bool new_chain = has_state && read->manifest.epoch != self->signer->manifest.epoch;
    signer_destroy(&self->signer);
    self->signer = read;
    alto_log(ALTO_LOG_INFO, "keys", "manifest=%u.%u keys=%zu", read->manifest.epoch, read->manifest.version,
             read->online.count);
    publish_keys(self, new_chain);
    self->urgency = 0;
    look_at_keys(self);
}

/* ---- opening ---- */

/* With the user's rights: links that somebody else left there lead root nowhere. */
static alto_status open_store(server *self, const alto_origin *origin, alto_error *error)
{
    alto_status status = alto_user_lend(&self->options.user, error);
    if (status == ALTO_OK)
        status = alto_store_open(self->options.state, origin, &self->store, error);
    return status == ALTO_OK ? alto_user_return(&self->options.user, error) : status;
}

static alto_status load_state(server *self, const alto_origin *origin, alto_stored_state *state, alto_error *error)
{
    alto_status status = open_store(self, origin, error);
    if (status != ALTO_OK)
        return status;
    status = alto_store_load(self->store, self->pool, state);
    if (status != ALTO_OK)
        return alto_fail(error, status, self->options.state, "cannot read the state; move it away to start anew");
    if (state->has_statement)
        judge_clock(self, state->issued_at_ms);
    return ALTO_OK;
}

/* Before the state, which belongs to the origin, and which says more of the time than the clock does. */
static alto_status open_state(server *self, alto_stored_state *state, alto_error *error)
{
    alto_anchor anchor;
    alto_status status = alto_keyring_read_anchor(self->options.keys, ALTO_KEYRING_ANCHOR, &anchor, error);
    return status == ALTO_OK ? load_state(self, &anchor.origin, state, error) : status;
}

/* A chain number above all that were ever used, as far as can be known. */
static alto_status next_chain(server *self, const alto_stored_state *state, uint64_t *chain, alto_error *error)
{
    uint64_t least = signing_time(self);
    if (state->has_statement && state->position.chain >= least)
        least = state->position.chain + 1;
    alto_status status = alto_store_next_chain(self->store, least, chain);
    if (status != ALTO_OK)
        return alto_fail(error, status, self->options.state, "cannot write to it: is the disk full?");
    if (!state->has_statement)
        alto_log(ALTO_LOG_INFO, "no-state", "directory=%s chain=%llu why=\"a first start, or the state was lost\"",
                 self->options.state, (unsigned long long)*chain);
    return ALTO_OK;
}

/* A new chain, beginning with what an earlier life left. */
static alto_status begin_chain(server *self, uint64_t chain, const alto_resource *const *resources, size_t count,
                               alto_error *error)
{
    const alto_key_set *online = &self->signer->online;
    alto_committer_options options = {.manifest = &self->signer->manifest,
                                      .keys = (const alto_signing_key *const *)online->keys,
                                      .key_count = online->count,
                                      .chain = chain,
                                      .valid_for_s = self->options.valid_for_s,
                                      .interval_ms = self->options.head_interval_ms,
                                      .applied = on_applied,
                                      .context = self};
    alto_status status = alto_committer_new(&options, &self->committer);
    if (status == ALTO_OK && count)
        status = alto_committer_restore(self->committer, self->pool, resources, count);
    if (status == ALTO_OK)
        status = ingest_restore(self->ingest, resources, count);
    if (status == ALTO_OK && count)
        status = alto_committer_commit(self->committer, self->pool, NULL, 0, signing_time(self));
    return status == ALTO_OK ? ALTO_OK : alto_fail(error, status, self->options.state, "out of memory");
}

static alto_status take_up_state(server *self, const alto_stored_state *state, alto_error *error)
{
    const alto_resource **resources = NULL;
    size_t count = 0;
    uint64_t chain = 0;
    alto_status status = next_chain(self, state, &chain, error);
    if (status != ALTO_OK)
        return status;
    status = alto_keep_resources(state, &resources, &count);
    if (status != ALTO_OK)
        return alto_fail(error, status, self->options.state, "cannot read the state; move it away to start anew");
    status = begin_chain(self, chain, resources, count, error);
    if (status == ALTO_OK)
        alto_publisher_remember(self->publisher, state);
    if (status == ALTO_OK && count)
        alto_log(ALTO_LOG_INFO, "restored", "resources=%zu", count);
    alto_keep_free(resources, count);
    return status;
}

static void on_hangup(void *context)
{
    server *self = context;
    read_keys_anew(self);
    if (self->login)
        alto_login_reload(self->login);
    source_look(self->source, "SIGHUP");
}

static void on_notify(void *context)
{
    server *self = context;
    if (self->source) /* it listens a little earlier than there is one, which begins with a look */
        source_look(self->source, "notify");
}

static alto_status open_notify(server *self, alto_error *error)
{
    const char *file = self->options.notify_key;
    alto_buffer key = alto_buffer_make(ALTO_SECRET_MAX);
    alto_status status = file ? alto_keyring_read_secret(file, &key, error) : ALTO_OK;
    if (file && status == ALTO_OK) {
        self->notify = alto_notify_new(self->loop, alto_slice_text((const char *)key.data), on_notify, self);
        if (!self->notify)
            status = alto_fail(error, ALTO_NO_MEMORY, file, "out of memory");
    }
    alto_wipe(key.data, key.size);
    alto_buffer_fini(&key);
    return status;
}

static alto_status open_source(server *self, alto_error *error)
{
    const server_options *options = &self->options;
    source_events events = {.changed = on_document,
                            .removed = on_removed,
                            .unreadable = on_unreadable,
                            .enough = on_enough,
                            .settled = on_settled,
                            .context = self};
    source_options from = {.maps = options->maps,
                           .quiet_ms = options->quiet_ms,
                           .max_quiet_ms = options->max_quiet_ms,
                           .alto = {.url = options->alto_server,
                                    .login = self->login,
                                    .poll_ms = options->poll_ms,
                                    .max_wait_ms = options->max_quiet_ms,
                                    .timeout_s = options->fetch_timeout_s}};
    alto_status status = source_new(self->loop, &from, &events, &self->source, error);
    self->intake.source = self->source;
    return status;
}

/* Before there is anything to publish: whoever asks so early is told to come again. */
static alto_status open_outlet(server *self, alto_error *error)
{
    alto_site_options serve = {.counts = &self->intake.counts, .notify = self->notify};
    alto_status status = alto_outlet_new(self->loop, &self->options.outlet, &self->outlet, error);
    if (status == ALTO_OK)
        status = alto_outlet_publish(self->outlet, &self->signer->manifest.origin, &serve, &self->publisher, error);
    return status == ALTO_OK ? alto_outlet_open(self->outlet, error) : status;
}

static alto_status open_publisher(server *self, alto_error *error)
{
    uint64_t now_ms = signing_time(self);
    alto_status status = signer_read(self->options.keys, now_ms, &self->signer, error);
    if (status != ALTO_OK)
        return status;
    uint64_t issued_at_ms = self->signer->manifest.issued_at_ms;
    warn_of_clock(issued_at_ms > now_ms ? issued_at_ms - now_ms : 0, "the-manifest");
    status = open_outlet(self, error);
    if (status == ALTO_OK)
        serve_manifest(self);
    return status;
}

/* Of an earlier epoch nothing counts any more, dates that were far ahead included; the manifest of this one is dated by those who
 * hold the root keys. */
static void judge_clock_of_epoch(server *self, const alto_stored_state *state)
{
    const alto_manifest *manifest = &self->signer->manifest;
    if (state->has_statement && state->position.epoch < manifest->epoch && self->least_time_ms > manifest->issued_at_ms)
        self->least_time_ms = manifest->issued_at_ms;
}

static alto_status open_all(server *self, alto_error *error)
{
    alto_stored_state state = {0};
    alto_status status = open_state(self, &state, error);
    if (status == ALTO_OK)
        status = open_notify(self, error);
    if (status == ALTO_OK && self->options.alto_server)
        status = alto_login_new(self->options.alto_server, &self->options.login, &self->login, error);
    if (status == ALTO_OK)
        status = open_publisher(self, error);
    if (status == ALTO_OK)
        status = alto_user_become(&self->options.user, error);
    if (status == ALTO_OK)
        judge_clock_of_epoch(self, &state);
    if (status == ALTO_OK)
        status = take_up_state(self, &state, error);
    if (status == ALTO_OK && alto_loop_on_hangup(self->loop, on_hangup, self) != ALTO_OK)
        status = alto_fail(error, ALTO_IO, "SIGHUP", "cannot be watched for");
    if (status == ALTO_OK)
        status = open_source(self, error);
    alto_stored_state_fini(&state);
    return status;
}

static void announce(const server *self)
{
    char origin[2 * ALTO_HASH_SIZE + 1];
    const char *push = alto_outlet_push_endpoint(self->outlet, 0);
    alto_hex(origin, self->signer->manifest.origin.bytes, ALTO_HASH_SIZE);
    alto_log(ALTO_LOG_INFO, "ready", "origin=%s http=%s https=%s push=%s %s=%s", origin,
             alto_outlet_http_address(self->outlet), alto_outlet_https_address(self->outlet), push ? push : "none",
             self->options.alto_server ? "alto-server" : "maps", source_name(self));
}

alto_status server_new(alto_loop *loop, const server_options *options, server **out, alto_error *error)
{
    server *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "", "out of memory");
    ingest_options ingesting = {.hold_ms = options->hold_ms, .retag = options->retag};
    self->loop = loop;
    self->started_ms = alto_monotonic_ms();
    self->options = *options;
    self->pool = alto_pool_new();
    self->ingest = self->pool ? ingest_new(&ingesting, self->pool) : NULL;
    self->intake.ingest = self->ingest;
    self->head_timer = alto_timer_new(loop, on_head_timer, self);
    self->hold_timer = alto_timer_new(loop, on_enough, self);
    self->key_timer = alto_timer_new(loop, look_at_keys, self);
    bool complete = self->ingest && self->head_timer && self->hold_timer && self->key_timer;
    alto_status status = complete ? ALTO_OK : ALTO_NO_MEMORY;
    if (status == ALTO_OK)
        status = open_all(self, error);
    else
        alto_fail(error, status, "", "out of memory");
    if (status != ALTO_OK) {
        server_destroy(&self);
        return status;
    }
    announce(self);
    look_at_keys(self);
    alto_timer_arm(self->head_timer, options->head_interval_ms);
    *out = self;
    return ALTO_OK;
}

void server_destroy(server **self)
{
    server *dying = *self;
    if (!dying)
        return;
    source_destroy(&dying->source);
    alto_login_destroy(&dying->login);
    alto_timer_destroy(&dying->head_timer);
    alto_timer_destroy(&dying->hold_timer);
    alto_outlet_destroy(&dying->outlet);
    alto_notify_destroy(&dying->notify);
    alto_store_close(&dying->store);
    alto_committer_destroy(&dying->committer);
    ingest_destroy(&dying->ingest);
    alto_pool_destroy(&dying->pool);
    alto_timer_destroy(&dying->key_timer);
    signer_destroy(&dying->signer);
    intake_fini(&dying->intake);
    free(dying);
    *self = NULL;
}
