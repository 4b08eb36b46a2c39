/* SPDX-License-Identifier: Apache-2.0 */
#include "io/follower.h"

#include "core/pushed.h"
#include "io/curve_files.h"
#include "io/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PULLS = 8,
    GAP_MS = 250,       /* a gap waits up to this, so that many replicas do not ask at once */
    HANG_MS = 5000,     /* a pull without a byte for so long is tried elsewhere */
    COMPARE_MS = 60000, /* how often the heads of upstreams are compared that do not push */
    LOOK_MS = 1000      /* how often to look after pulls that could be tried elsewhere */
};

/* One pull under way. */
typedef struct {
    alto_follower *owner;
    alto_want want;
    alto_pull *pull;     /* NULL: free place */
    alto_upstream *from; /* whom it was asked */
    bool tried[ALTO_MAX_UPSTREAMS];
    uint64_t received, moved_ms; /* bytes of it, and when that last changed */
} errand;

struct alto_follower {
    alto_replica *replica;
    alto_evidence *evidence;
    alto_follower_events events;
    uint64_t poll_ms;
    const char *label;
    alto_topics topics;
    alto_puller *puller;
    alto_curve_pair *curve_own;
    const char *curve_own_file;                  /* owned; NULL: the pair was made for now */
    const char *curve_files[ALTO_MAX_UPSTREAMS]; /* owned; with the keys of upstreams, NULL: learned */
    alto_pull_trust trust;                       /* its texts are owned */
    alto_upstream *upstreams[ALTO_MAX_UPSTREAMS];
    size_t upstream_count;
    const alto_upstream *herald; /* told the newest news; NULL: nobody yet */
    alto_upstream *stranger;     /* has a manifest of root keys that nobody knows yet; NULL: nobody */
    errand errands[MAX_PULLS];
    alto_timer *timer;
};

/* ---- what the replica tells ---- */

/* The origin began anew: it was started again, perhaps without its state. Nothing is wrong with that, but people want to
 * know; resources: how many differ. */
static void report_chain(const char *label, const alto_position *before, const alto_position *after, size_t changes)
{
    if (before->epoch != after->epoch)
        alto_log(ALTO_LOG_INFO, "new-epoch", "%sfrom=%u to=%u", label, before->epoch, after->epoch);
    else if (before->chain != after->chain)
        alto_log(ALTO_LOG_INFO, "new-chain", "%sfrom=%llu to=%llu seq=%llu resources=%zu", label,
                 (unsigned long long)before->chain, (unsigned long long)after->chain, (unsigned long long)after->seq,
                 changes);
}

static void on_applied(void *context, const alto_applied *applied)
{
    alto_follower *self = context;
    if (applied->before)
        report_chain(self->label, &applied->before->position, &applied->after->position, applied->change_count);
    if (self->events.replica.applied)
        self->events.replica.applied(self->events.replica.context, applied);
}

static void on_newer_head(void *context, alto_slice object, const alto_signature *signature)
{
    alto_follower *self = context;
    if (self->events.replica.head)
        self->events.replica.head(self->events.replica.context, object, signature);
}

static void on_fork(void *context, const alto_fork *fork)
{
    alto_follower *self = context;
    alto_evidence_add(self->evidence, fork);
}

/* ---- whom to ask ---- */

static size_t index_of(const alto_follower *self, const alto_upstream *upstream)
{
    size_t index = 0;
    while (self->upstreams[index] != upstream)
        index++;
    return index;
}

/* Is that one to be preferred: fewer failures, or as many and the one that told the news? */
static bool is_better(const alto_follower *self, const alto_upstream *one, const alto_upstream *other)
{
    unsigned failures = alto_upstream_failures(one), others = alto_upstream_failures(other);
    return failures < others || (failures == others && one == self->herald);
}

/* The best upstream that can be asked and has not been tried; NULL: none. tried: NULL for nobody. */
static alto_upstream *choose(const alto_follower *self, const bool *tried, uint64_t now_ms)
{
    alto_upstream *best = NULL;
    for (size_t i = 0; i < self->upstream_count; i++) {
        alto_upstream *each = self->upstreams[i];
        if ((tried && tried[i]) || !alto_upstream_usable(each, now_ms))
            continue;
        if (!best || is_better(self, each, best))
            best = each;
    }
    return best;
}

/* ---- what came from outside ---- */

static void report_refusal(const alto_follower *self, const alto_upstream *from, const char *what, alto_status status)
{
    if (!alto_is_refusal(status))
        return;
    bool usual = status == ALTO_OLD || status == ALTO_REPLAYED; /* of an upstream that is behind the others */
    alto_log(usual ? ALTO_LOG_DEBUG : ALTO_LOG_WARN, "refused", "%sobject=%s status=%s upstream=%s", self->label, what,
             alto_status_name(status), alto_upstream_url(from));
}

/* No honest upstream passes this on: it would not have believed it either. (What a key of the origin has signed may be wrong,
 * but not by its doing.) */
static bool is_lie(alto_status status)
{
    switch (status) {
    case ALTO_MALFORMED:
    case ALTO_TOO_LARGE:
    case ALTO_WRONG_TYPE:
    case ALTO_WRONG_ORIGIN:
    case ALTO_BAD_SIGNATURE:
    case ALTO_ROOT_MISMATCH:
    case ALTO_STATE_MISMATCH:
    case ALTO_DIGEST_MISMATCH:
    case ALTO_BOMB:
        return true;
    default:
        return false;
    }
}

/* Something pushed was judged. A liar is left at once when there is somebody else; else there is nothing better to listen to,
 * until it has lied too often. */
static void judge_push(alto_follower *self, alto_upstream *from, const char *what, alto_status status)
{
    report_refusal(self, from, what, status);
    if (!is_lie(status) || alto_upstream_lied(from, status))
        return;
    bool tried[ALTO_MAX_UPSTREAMS] = {false};
    tried[index_of(self, from)] = true;
    if (choose(self, tried, alto_monotonic_ms())) {
        alto_upstream_failed(from, status, "a wrong message", alto_status_text(status), 0);
        alto_upstream_leave(from);
    }
}

/* What cannot even be handed to the replica. */
static void refuse_frames(alto_follower *self, alto_upstream *from)
{
    alto_replica_refused(self->replica, ALTO_MALFORMED);
    judge_push(self, from, "frames", ALTO_MALFORMED);
}

static void on_statement(alto_follower *self, alto_upstream *from, const alto_pushed *pushed)
{
    if (!alto_replica_manifest_now(self->replica))
        return; /* nobody can judge it yet; the head is asked for behind the manifest */
    alto_status status = alto_replica_on_statement(self->replica, pushed->object, &pushed->signature, alto_clock_ms());
    if (status == ALTO_OK)
        self->herald = from;
    if (status == ALTO_OK || status == ALTO_KNOWN)
        alto_upstream_heard(from);
    judge_push(self, from, "statement", status);
}

/* What follows from a message is done in the loop's next turn, when no more of them wait. */
static void on_message(void *context, alto_upstream *from, const alto_slice *frames, size_t count)
{
    alto_follower *self = context;
    alto_pushed pushed;
    if (alto_pushed_read(frames, count, &pushed) != ALTO_OK)
        refuse_frames(self, from);
    else if (pushed.is_statement)
        on_statement(self, from, &pushed);
    else
        judge_push(self, from, "payload",
                   alto_replica_on_payload(self->replica, &pushed.commit_hash, pushed.index, pushed.object));
    alto_timer_arm(self->timer, 0);
}

/* Is it no news that an upstream lacks this? It may have dropped it, never have heard of it, or be an older server. */
static bool may_be_missing(alto_want_type type)
{
    return type == ALTO_WANT_PAYLOAD || type == ALTO_WANT_DELTA || type == ALTO_WANT_SINCE ||
           type == ALTO_WANT_BUNDLE || type == ALTO_WANT_ROOTS;
}

static void took_manifest(alto_follower *self)
{
    alto_replica_want_head(self->replica); /* what was not understood without */
    if (self->events.manifest)
        self->events.manifest(self->events.context, alto_replica_manifest(self->replica));
}

/* Can an honest upstream have answered so? One that is behind, or cut off with us, gives what is old; when the origin is away
 * for long, what has expired, which is of no use to who holds nothing. */
static bool may_be_honest(const alto_follower *self, alto_status status)
{
    if (status == ALTO_EXPIRED)
        return alto_replica_view(self->replica) != NULL;
    return !alto_is_refusal(status) || status == ALTO_OLD || status == ALTO_REPLAYED;
}

static void took_bad_answer(alto_follower *self, alto_upstream *from, const alto_want *want, alto_status status)
{
    if (status == ALTO_UNKNOWN_KEY && want->type == ALTO_WANT_HEAD)
        return; /* it may be ahead of us by an epoch; then it is about to be asked for its manifest */
    const char *what = status == ALTO_FORK      ? "the origin signed both"
                       : status == ALTO_EXPIRED ? "the newest that it has"
                                                : "a wrong answer";
    if (!is_lie(status) || !alto_upstream_lied(from, status))
        alto_upstream_failed(from, status, what, alto_status_text(status), 0);
    if (want->type == ALTO_WANT_MANIFEST)
        alto_replica_want_head(self->replica); /* and the manifest, while there is none */
}

static void took_answer(alto_follower *self, alto_upstream *from, const alto_want *want, alto_status status)
{
    if (status == ALTO_UNKNOWN_KEY && want->type == ALTO_WANT_MANIFEST) {
        self->stranger = from; /* its root keys may be newer, which is about to be asked for */
        return;
    }
    report_refusal(self, from, alto_want_name(want->type), status);
    if (!may_be_honest(self, status)) {
        took_bad_answer(self, from, want, status);
        return;
    }
    if (status == ALTO_OK && want->type == ALTO_WANT_HEAD)
        self->herald = from;
    if (status == ALTO_OK && want->type == ALTO_WANT_MANIFEST)
        took_manifest(self);
    /* A head that comes while the maps that it speaks of do not is no end of trouble. */
    bool settled = alto_replica_state_now(self->replica, alto_clock_ms()) != ALTO_REPLICA_SYNCING;
    if (want->type != ALTO_WANT_HEAD || settled)
        alto_upstream_fine(from, settled);
}

/* An upstream did not answer as it should have. */
static void note_failure(alto_follower *self, alto_upstream *from, const alto_want *want,
                         const alto_pull_result *result)
{
    bool nothing_yet = result->status == ALTO_BUSY && want->type == ALTO_WANT_HEAD;
    if (result->status == ALTO_TOO_LARGE) {
        alto_replica_refused(self->replica, ALTO_TOO_LARGE);
        report_refusal(self, from, alto_want_name(want->type), ALTO_TOO_LARGE);
    }
    if (result->status == ALTO_NOT_FOUND && may_be_missing(want->type))
        return;
    if (result->status == ALTO_NOT_FOUND && want->type != ALTO_WANT_HEAD && want->type != ALTO_WANT_MANIFEST) {
        if (alto_upstream_missed(from, alto_want_name(want->type))) {
            alto_replica_refused(self->replica, ALTO_NOT_GIVEN);
            report_refusal(self, from, alto_want_name(want->type), ALTO_NOT_GIVEN);
        }
        return;
    }
    alto_upstream_failed(from, result->status, alto_want_name(want->type),
                         nothing_yet ? "it holds nothing yet" : result->why, result->retry_after_s);
}

/* ---- heads ---- */

static void pump(alto_follower *self);

static void on_head(void *context, alto_upstream *from, const alto_pull_result *result)
{
    alto_follower *self = context;
    const alto_want want = {.type = ALTO_WANT_HEAD};
    if (result->status == ALTO_OK) {
        took_answer(self, from, &want, alto_replica_pulled(self->replica, &want, result->body, alto_clock_ms()));
    } else {
        alto_replica_pull_failed(self->replica, &want, result->status);
        note_failure(self, from, &want, result);
    }
    pump(self);
}

/* All that can be are asked: the newest head wins. */
static void ask_heads(alto_follower *self, uint64_t now_ms)
{
    for (size_t i = 0; i < self->upstream_count; i++)
        if (alto_upstream_usable(self->upstreams[i], now_ms))
            alto_upstream_ask_head(self->upstreams[i]);
}

static void on_changed(void *context, alto_upstream *from)
{
    alto_follower *self = context;
    (void)from;
    bool all_wrong = true;
    for (size_t i = 0; i < self->upstream_count; i++)
        all_wrong = all_wrong && alto_upstream_is_wrong(self->upstreams[i]);
    if (all_wrong && self->events.wrong_origin)
        self->events.wrong_origin(self->events.context);
    pump(self);
}

/* ---- errands ---- */

static void on_errand_done(void *context, const alto_pull_result *result);

/* Ask the best one that has not been tried; false: there is none. */
static bool ask_somebody(alto_follower *self, errand *place, uint64_t now_ms)
{
    char path[ALTO_WANT_PATH];
    alto_upstream *from = choose(self, place->tried, now_ms);
    if (!from)
        return false;
    alto_want_path(&place->want, path);
    place->from = from;
    place->received = 0;
    place->moved_ms = now_ms;
    place->tried[index_of(self, from)] = true;
    place->pull = alto_upstream_get(from, path, place->want.max_size, on_errand_done, place);
    return place->pull != NULL;
}

/* Nobody can tell how the root keys came to be those of that manifest. */
static void blame_stranger(alto_follower *self)
{
    if (!self->stranger)
        return;
    alto_upstream_failed(self->stranger, ALTO_UNKNOWN_KEY, "a wrong answer",
                         "its manifest is signed by other root keys than those that are known", 0);
    self->stranger = NULL;
    alto_replica_want_head(self->replica);
}

/* One upstream could not do it: another one, or the replica has to know. */
static void go_on(alto_follower *self, errand *place, const alto_pull_result *result)
{
    note_failure(self, place->from, &place->want, result);
    if (ask_somebody(self, place, alto_monotonic_ms()))
        return;
    alto_replica_pull_failed(self->replica, &place->want, result->status);
    if (place->want.type == ALTO_WANT_ROOTS)
        blame_stranger(self);
}

static void finish_errand(alto_follower *self, errand *done, alto_slice body)
{
    alto_status status = alto_replica_pulled(self->replica, &done->want, body, alto_clock_ms());
    took_answer(self, done->from, &done->want, status);
    /* The best upstream may be the one that has not heard of a new epoch, so all have to be asked. */
    bool about_keys = done->want.type == ALTO_WANT_MANIFEST || done->want.type == ALTO_WANT_ROOTS;
    if (status == ALTO_OK || !about_keys || ask_somebody(self, done, alto_monotonic_ms()))
        return;
    if (done->want.type == ALTO_WANT_ROOTS)
        blame_stranger(self);
}

static void on_errand_done(void *context, const alto_pull_result *result)
{
    errand *done = context;
    alto_follower *self = done->owner;
    done->pull = NULL;
    if (result->status == ALTO_OK)
        finish_errand(self, done, result->body);
    else
        go_on(self, done, result);
    pump(self);
}

/* A pull that hangs is tried elsewhere, where there is an elsewhere. */
static void look_after(alto_follower *self, errand *place, uint64_t now_ms)
{
    uint64_t received = alto_pull_received(place->pull);
    if (received != place->received) {
        place->received = received;
        place->moved_ms = now_ms;
    }
    if (now_ms - place->moved_ms < HANG_MS || !choose(self, place->tried, now_ms))
        return;
    alto_pull_cancel(place->pull);
    place->pull = NULL;
    go_on(self, place, &(alto_pull_result){.status = ALTO_IO, .why = "it does not go on"});
}

static void run_errands(alto_follower *self, uint64_t now_ms)
{
    for (size_t i = 0; i < MAX_PULLS; i++) {
        errand *place = &self->errands[i];
        if (place->pull) {
            look_after(self, place, now_ms);
            continue;
        }
        *place = (errand){.owner = self};
        if (!choose(self, NULL, now_ms) || !alto_replica_wants(self->replica, &place->want, 1, alto_clock_ms()))
            continue;
        if (place->want.type == ALTO_WANT_SINCE)
            alto_replica_set_gap_patience(self->replica, alto_random() % GAP_MS); /* of the next one */
        if (place->want.type == ALTO_WANT_HEAD)
            ask_heads(self, now_ms);
        else if (!ask_somebody(self, place, now_ms))
            alto_replica_pull_failed(self->replica, &place->want, ALTO_NO_MEMORY);
    }
}

/* ---- the loop's turn ---- */

/* How often that upstream is asked for its head while it does not push: when none does, the best one often; the others
 * so that something newer there does not stay unknown. */
static uint64_t poll_interval(const alto_follower *self, const alto_upstream *upstream, uint64_t now_ms)
{
    if (!alto_replica_manifest_now(self->replica))
        return UINT64_MAX; /* no head can be checked without */
    bool best = choose(self, NULL, now_ms) == upstream;
    return best && alto_follower_via_now(self) != ALTO_VIA_PUSH ? self->poll_ms : COMPARE_MS;
}

/* When there is something to do without anything coming in. */
static uint64_t next_errand(const alto_follower *self, uint64_t now_ms)
{
    bool free_place = false, busy = false;
    for (size_t i = 0; i < MAX_PULLS; i++) {
        free_place |= !self->errands[i].pull;
        busy |= self->errands[i].pull != NULL;
    }
    uint64_t next = busy && self->upstream_count > 1 ? now_ms + LOOK_MS : UINT64_MAX;
    uint64_t wanted = alto_replica_next_want_ms(self->replica), wall = alto_clock_ms();
    if (wanted == UINT64_MAX || !free_place || !choose(self, NULL, now_ms))
        return next;
    uint64_t due = now_ms + (wanted > wall ? wanted - wall : 0);
    return due < next ? due : next;
}

static void pump(alto_follower *self)
{
    uint64_t now_ms = alto_monotonic_ms(), next = UINT64_MAX;
    run_errands(self, now_ms);
    for (size_t i = 0; i < self->upstream_count; i++) {
        uint64_t interval = poll_interval(self, self->upstreams[i], now_ms);
        uint64_t turn = alto_upstream_turn(self->upstreams[i], now_ms, interval);
        next = turn < next ? turn : next;
    }
    uint64_t errand_ms = next_errand(self, now_ms);
    next = errand_ms < next ? errand_ms : next;
    if (next != UINT64_MAX)
        alto_timer_arm(self->timer, next > now_ms ? next - now_ms : 1);
}

static void on_timer(void *context)
{
    pump(context);
}

/* ---- life ---- */

static void add_topic(alto_topics *topics, char type, const alto_origin *origin, const alto_resource_name *name,
                      size_t size)
{
    alto_topic(topics->items[topics->count].bytes, type, origin, name);
    topics->items[topics->count++].size = size;
}

/* Everyone gets all statements, and the payloads of what is followed. */
static void choose_topics(alto_topics *topics, const alto_follower_options *options)
{
    const alto_origin *origin = &options->anchor->origin;
    add_topic(topics, 'h', origin, NULL, ALTO_TOPIC_SIZE);
    for (size_t i = 0; i < options->follow_count; i++) {
        alto_resource_name name = {.id = alto_slice_text(options->follow[i])};
        add_topic(topics, 'p', origin, &name, ALTO_TOPIC_SIZE);
    }
    if (options->follow_count == 0)
        add_topic(topics, 'p', origin, NULL, 1 + 8);
}

/* True unless memory is out. */
static bool copy_text(const char *text, const char **out)
{
    *out = text ? strdup(text) : NULL;
    return *out || !text;
}

static void free_text(const char *text)
{
    free((char *)(uintptr_t)text);
}

static alto_status take_curve_pair(alto_follower *self, const char *file, alto_error *error)
{
    if (!copy_text(file, &self->curve_own_file))
        return alto_fail(error, ALTO_NO_MEMORY, file, "out of memory");
    if (file)
        return alto_curve_files_pair(file, &self->curve_own, error);
    self->curve_own = alto_curve_pair_new();
    return self->curve_own ? ALTO_OK : alto_fail(error, ALTO_NO_MEMORY, "upstream", "memory cannot be locked");
}

static alto_status add_upstream(alto_follower *self, alto_loop *loop, const alto_follower_options *options,
                                alto_error *error)
{
    size_t index = self->upstream_count;
    alto_upstream_events events = {.message = on_message, .head = on_head, .changed = on_changed, .context = self};
    alto_upstream_options one = {.url = options->upstreams[index],
                                 .push = index < options->upstream_push_count ? options->upstream_push[index] : NULL,
                                 .no_push = options->no_push,
                                 .curve_own = self->curve_own,
                                 .origin = &options->anchor->origin,
                                 .topics = &self->topics,
                                 .trust = self->trust,
                                 .label = self->label};
    alto_curve_key key;
    alto_status status = ALTO_OK;
    if (index < options->upstream_curve_count) {
        const char *file = options->upstream_curve[index];
        status = copy_text(file, &self->curve_files[index]) ? alto_curve_files_public(file, &key, error)
                                                            : alto_fail(error, ALTO_NO_MEMORY, file, "out of memory");
        one.curve = &key;
    }
    if (status == ALTO_OK)
        status = alto_upstream_new(loop, self->puller, &one, &events, &self->upstreams[index], error);
    self->upstream_count += status == ALTO_OK;
    return status;
}

static alto_status add_upstreams(alto_follower *self, alto_loop *loop, const alto_follower_options *options,
                                 alto_error *error)
{
    if (options->upstream_count == 0 || options->upstream_count > ALTO_MAX_UPSTREAMS ||
        options->upstream_push_count > options->upstream_count ||
        options->upstream_curve_count > options->upstream_count)
        return alto_fail(error, ALTO_CONFIG, "upstream",
                         "between 1 and %d URLs, and no more push endpoints or keys than these", ALTO_MAX_UPSTREAMS);
    alto_status status = take_curve_pair(self, options->curve_own, error);
    while (status == ALTO_OK && self->upstream_count < options->upstream_count)
        status = add_upstream(self, loop, options, error);
    return status;
}

static alto_status copy_trust(alto_follower *self, const alto_pull_trust *trust, alto_error *error)
{
    if (!copy_text(trust->ca_file, &self->trust.ca_file) || !copy_text(trust->cert_file, &self->trust.cert_file) ||
        !copy_text(trust->key_file, &self->trust.key_file))
        return alto_fail(error, ALTO_NO_MEMORY, "upstream", "out of memory");
    return alto_pull_trust_check(&self->trust, error);
}

alto_status alto_follower_new(alto_loop *loop, const alto_follower_options *options, const alto_follower_events *events,
                              alto_follower **out, alto_error *error)
{
    assert(options->follow_count < ALTO_MAX_TOPICS);
    alto_follower *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "upstream", "out of memory");
    self->events = *events;
    self->label = options->label ? options->label : "";
    self->poll_ms = options->poll_ms ? options->poll_ms : 1000;
    choose_topics(&self->topics, options);
    self->evidence = alto_evidence_new(options->evidence, self->label);
    alto_replica_events replica = {.applied = on_applied, .head = on_newer_head, .fork = on_fork, .context = self};
    self->replica = alto_replica_new(options->anchor, options->follow, options->follow_count, &replica);
    self->puller = alto_puller_new(loop);
    self->timer = alto_timer_new(loop, on_timer, self);
    alto_status status = self->evidence && self->replica && self->puller && self->timer
                             ? copy_trust(self, &options->trust, error)
                             : alto_fail(error, ALTO_NO_MEMORY, "upstream", "out of memory");
    if (status == ALTO_OK)
        status = add_upstreams(self, loop, options, error);
    if (status != ALTO_OK) {
        alto_follower_destroy(&self);
        return status;
    }
    alto_replica_set_gap_patience(self->replica, alto_random() % GAP_MS);
    *out = self;
    return ALTO_OK;
}

void alto_follower_destroy(alto_follower **self)
{
    alto_follower *dying = *self;
    if (!dying)
        return;
    alto_timer_destroy(&dying->timer);
    for (size_t i = 0; i < dying->upstream_count; i++)
        alto_upstream_destroy(&dying->upstreams[i]);
    alto_curve_pair_destroy(&dying->curve_own);
    alto_puller_destroy(&dying->puller);
    free_text(dying->curve_own_file);
    for (size_t i = 0; i < ALTO_MAX_UPSTREAMS; i++)
        free_text(dying->curve_files[i]);
    free_text(dying->trust.ca_file);
    free_text(dying->trust.cert_file);
    free_text(dying->trust.key_file);
    alto_replica_destroy(&dying->replica);
    alto_evidence_destroy(&dying->evidence);
    free(dying);
    *self = NULL;
}

alto_replica *alto_follower_replica(alto_follower *self)
{
    return self->replica;
}

void alto_follower_start(alto_follower *self)
{
    alto_timer_arm(self->timer, 0);
}

/* ---- keys of CURVE, read anew ---- */

static void reload_key(alto_follower *self, size_t index)
{
    alto_curve_key key;
    alto_error error;
    const char *file = self->curve_files[index];
    alto_status status = file ? alto_curve_files_public(file, &key, &error) : ALTO_OK;
    if (status != ALTO_OK)
        alto_log_error(ALTO_LOG_ERROR, "curve", &error);
    alto_upstream_set_curve(self->upstreams[index], self->curve_own, file && status == ALTO_OK ? &key : NULL);
}

void alto_follower_reload(alto_follower *self)
{
    alto_curve_pair *own = NULL, *before = NULL;
    alto_error error;
    if (self->curve_own_file &&
        alto_curve_files_another_pair(self->curve_own_file, self->curve_own, &own, &error) != ALTO_OK)
        alto_log_error(ALTO_LOG_ERROR, "curve", &error);
    if (own) {
        before = self->curve_own;
        self->curve_own = own;
    }
    for (size_t i = 0; i < self->upstream_count; i++)
        reload_key(self, i);
    alto_curve_pair_destroy(&before); /* no upstream has it any more */
    pump(self);
}

/* ---- looking ---- */

alto_replica_state alto_follower_state(const alto_follower *self)
{
    alto_replica_state state = alto_replica_state_now(self->replica, alto_clock_ms());
    for (size_t i = 0; state == ALTO_REPLICA_LIVE && i < self->upstream_count; i++)
        if (!alto_upstream_has_told(self->upstreams[i]))
            state = ALTO_REPLICA_SYNCING;
    return state;
}

alto_via alto_follower_via_now(const alto_follower *self)
{
    alto_via best = ALTO_VIA_NOTHING;
    for (size_t i = 0; i < self->upstream_count; i++) {
        alto_via via = alto_upstream_via(self->upstreams[i]);
        if (via == ALTO_VIA_PUSH || best == ALTO_VIA_NOTHING)
            best = via;
    }
    return best;
}

size_t alto_follower_upstream_count(const alto_follower *self)
{
    return self->upstream_count;
}

const alto_upstream *alto_follower_upstream(const alto_follower *self, size_t index)
{
    return self->upstreams[index];
}

const alto_evidence *alto_follower_evidence(const alto_follower *self)
{
    return self->evidence;
}

const char *alto_follower_trouble(const alto_follower *self)
{
    for (size_t i = 0; i < self->upstream_count; i++)
        if (!alto_upstream_trouble(self->upstreams[i])[0])
            return "";
    return alto_upstream_trouble(self->upstreams[0]);
}
