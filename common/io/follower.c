/* SPDX-License-Identifier: Apache-2.0 */
#include "io/follower.h"

#include "io/log.h"
#include "io/pull.h"
#include "io/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    MAX_PULLS = 8,
    URL_SIZE = 1024,
    FIRST_REPAIR_MS = 250, /* a first repair waits up to this, so that many do not come at once */
    BACKOFF_MIN_MS = 1000,
    BACKOFF_MAX_MS = 30000,
    SETTLE_MS = 200,    /* after connecting, until subscriptions have surely reached the publisher */
    SILENCE_MS = 16000, /* push without a head for so long is asked after */
    LOOK_MS = 1000,     /* how often to look whether the push connection is still there */
    RENEW_MS = 10000,   /* without push, how often to ask where it is and to connect anew */
    INFO_MAX = 65536
};

/* One pull under way. */
typedef struct {
    alto_follower *owner;
    alto_want want;
    alto_pull *pull; /* NULL: free place */
} errand;

struct alto_follower {
    alto_loop *loop;
    alto_replica *replica;
    alto_follower_events events;
    char upstream[URL_SIZE / 2], host[256], origin[2 * ALTO_HASH_SIZE + 1];
    char push_endpoint[URL_SIZE / 2]; /* "": not known */
    bool push_configured, no_push;
    uint64_t poll_ms;
    struct {
        uint8_t bytes[ALTO_TOPIC_SIZE];
        size_t size;
    } topics[1 + ALTO_MAX_FOLLOW]; /* to subscribe to */
    size_t topic_count;

    alto_puller *puller;
    alto_pull *info;
    alto_push_receiver *receiver;
    errand errands[MAX_PULLS];
    alto_timer *timer;

    bool info_known, was_connected, distrust_caches;
    unsigned failures;      /* in a row */
    uint64_t not_before_ms; /* monotonic: no pull before */
    uint64_t next_poll_ms;  /* monotonic: when to ask for the head by ourselves */
    uint64_t last_push_ms;  /* monotonic: when a statement came by push */
    uint64_t renew_ms;      /* monotonic: when to try again to get push */
    alto_follower_via last_via;
    char trouble[256];
};

static void pump(alto_follower *self);

static void on_timer(void *context)
{
    pump(context);
}

/* ---- trouble and patience ---- */

static void set_trouble(alto_follower *self, const char *what, const char *why)
{
    char quoted[300], before[sizeof self->trouble];
    memcpy(before, self->trouble, sizeof before);
    snprintf(self->trouble, sizeof self->trouble, "%s: %s", what, why);
    bool news = strcmp(before, self->trouble) != 0;
    uint64_t ceiling = BACKOFF_MIN_MS;
    for (unsigned i = 0; i < self->failures && ceiling < BACKOFF_MAX_MS; i++)
        ceiling *= 2;
    if (ceiling > BACKOFF_MAX_MS)
        ceiling = BACKOFF_MAX_MS;
    uint64_t wait =
        self->failures == 0 ? alto_random() % FIRST_REPAIR_MS : BACKOFF_MIN_MS / 2 + alto_random() % ceiling;
    self->not_before_ms = alto_monotonic_ms() + wait;
    self->failures++;
    if (news)
        alto_log(ALTO_LOG_WARN, "upstream", "url=%s trouble=%s", self->upstream,
                 alto_log_value(self->trouble, quoted, sizeof quoted));
}

static void clear_trouble(alto_follower *self)
{
    if (self->failures)
        alto_log(ALTO_LOG_INFO, "upstream", "url=%s trouble=none", self->upstream);
    self->failures = 0;
    self->trouble[0] = 0;
}

static void report_refusal(alto_follower *self, const char *what, alto_status status)
{
    if (status == ALTO_OK || status == ALTO_KNOWN || status == ALTO_NOT_WANTED || status == ALTO_OLD)
        return;
    alto_log(ALTO_LOG_WARN, "refused", "object=%s status=%s upstream=%s", what, alto_status_name(status),
             self->upstream);
}

/* What cannot even be handed to the replica. */
static void refuse(alto_follower *self, const char *what, alto_status status)
{
    alto_replica_refused(self->replica, status);
    report_refusal(self, what, status);
}

/* ---- push ---- */

static void on_statement_frames(alto_follower *self, const alto_slice *frames, size_t count)
{
    alto_signature signature;
    if (count != 3 || frames[2].size != sizeof signature.bytes) {
        refuse(self, "frames", ALTO_MALFORMED);
        return;
    }
    if (!alto_replica_manifest_now(self->replica))
        return; /* nobody can judge it yet; the head is asked for behind the manifest */
    memcpy(signature.bytes, frames[2].data, sizeof signature.bytes);
    alto_status status = alto_replica_on_statement(self->replica, frames[1], &signature, alto_clock_ms());
    report_refusal(self, "statement", status);
    if (status == ALTO_OK || status == ALTO_KNOWN)
        self->last_push_ms = alto_monotonic_ms();
}

static void on_payload_frames(alto_follower *self, const alto_slice *frames, size_t count)
{
    alto_hash commit_hash;
    if (count != 4 || frames[1].size != sizeof commit_hash.bytes || frames[2].size != 1) {
        refuse(self, "frames", ALTO_MALFORMED);
        return;
    }
    memcpy(commit_hash.bytes, frames[1].data, sizeof commit_hash.bytes);
    report_refusal(self, "payload", alto_replica_on_payload(self->replica, &commit_hash, frames[2].data[0], frames[3]));
}

static void on_message(void *context, const alto_slice *frames, size_t count)
{
    alto_follower *self = context;
    if (frames[0].size != ALTO_TOPIC_SIZE)
        refuse(self, "frames", ALTO_MALFORMED);
    else if (frames[0].data[0] == 'h')
        on_statement_frames(self, frames, count);
    else
        on_payload_frames(self, frames, count);
    pump(self);
}

static void add_topic(alto_follower *self, char type, const alto_origin *origin, const alto_resource_name *name,
                      size_t size)
{
    alto_topic(self->topics[self->topic_count].bytes, type, origin, name);
    self->topics[self->topic_count++].size = size;
}

/* Everyone gets all statements, and the payloads of what is followed. */
static void choose_topics(alto_follower *self, const alto_follower_options *options)
{
    const alto_origin *origin = &options->anchor->origin;
    add_topic(self, 'h', origin, NULL, ALTO_TOPIC_SIZE);
    for (size_t i = 0; i < options->follow_count; i++) {
        alto_resource_name name = {.id = alto_slice_text(options->follow[i])};
        add_topic(self, 'p', origin, &name, ALTO_TOPIC_SIZE);
    }
    if (options->follow_count == 0)
        add_topic(self, 'p', origin, NULL, 1 + 8);
}

static void stop_push(alto_follower *self)
{
    alto_push_receiver_destroy(&self->receiver);
    self->was_connected = false;
}

/* A connection that was lost or never came up is made anew: libzmq gives one up for good when its peer broke the protocol. */
static void start_push(alto_follower *self)
{
    alto_error error;
    alto_status status = ALTO_OK;
    self->renew_ms = alto_monotonic_ms() + RENEW_MS;
    if (self->receiver && !alto_push_connected(self->receiver))
        stop_push(self);
    if (self->no_push || self->receiver || !self->push_endpoint[0])
        return;
    status = alto_push_receiver_new(self->loop, self->push_endpoint, on_message, self, &self->receiver, &error);
    for (size_t i = 0; status == ALTO_OK && i < self->topic_count; i++)
        status = alto_push_subscribe(self->receiver, alto_slice_of(self->topics[i].bytes, self->topics[i].size));
    if (status == ALTO_OK)
        return;
    alto_log(ALTO_LOG_WARN, "push", "endpoint=%s status=%s", self->push_endpoint, alto_status_name(status));
    stop_push(self);
    self->push_endpoint[0] = 0; /* by polling, then */
}

/* ---- info: where the upstream pushes ---- */

/* The port of "tcp://HOST:PORT"; NULL for other endpoints. */
static const char *port_of(const char *endpoint)
{
    const char *colon = strncmp(endpoint, "tcp://", 6) == 0 ? strrchr(endpoint, ':') : NULL;
    if (!colon || strspn(colon + 1, "0123456789") != strlen(colon + 1) || !colon[1])
        return NULL;
    return colon + 1;
}

/* The port is the upstream's to say; the host is the one that was configured. */
static void learn_endpoint(alto_follower *self, alto_slice origin_info)
{
    alto_slice list, raw;
    char text[256], endpoint[URL_SIZE / 2];
    if (self->push_configured || !alto_json_get(origin_info, (const char *const[]){"push", NULL}, &list))
        return;
    for (size_t i = 0; alto_json_element(list, i, &raw); i++) {
        const char *port = alto_json_text(raw, text, sizeof text) ? port_of(text) : NULL;
        if (!port)
            continue;
        bool literal_ipv6 = strchr(self->host, ':') != NULL;
        snprintf(endpoint, sizeof endpoint, "tcp://%s%s%s:%.5s", literal_ipv6 ? "[" : "", self->host,
                 literal_ipv6 ? "]" : "", port);
        if (strcmp(endpoint, self->push_endpoint) != 0)
            stop_push(self);
        snprintf(self->push_endpoint, sizeof self->push_endpoint, "%s", endpoint);
        return;
    }
    stop_push(self);
    self->push_endpoint[0] = 0;
}

/* The part of an info document about our origin. */
static bool find_origin(const alto_follower *self, alto_slice info, alto_slice *found)
{
    alto_slice list, raw;
    char text[2 * ALTO_HASH_SIZE + 1];
    if (!alto_json_get(info, (const char *const[]){"origins", NULL}, &list))
        return false;
    for (size_t i = 0; alto_json_element(list, i, found); i++)
        if (alto_json_get(*found, (const char *const[]){"origin", NULL}, &raw) &&
            alto_json_text(raw, text, sizeof text) && strcmp(text, self->origin) == 0)
            return true;
    return false;
}

static void on_info(void *context, const alto_pull_result *result)
{
    alto_follower *self = context;
    alto_slice found;
    self->info = NULL;
    if (result->status != ALTO_OK) {
        set_trouble(self, "cannot reach it", result->why);
    } else if (!find_origin(self, result->body, &found)) {
        set_trouble(self, "it does not serve the origin of this root key",
                    "check the URL (--upstream) and the file (--root-key)");
        if (self->events.wrong_origin)
            self->events.wrong_origin(self->events.context);
    } else {
        self->info_known = true;
        learn_endpoint(self, found);
        start_push(self);
        alto_replica_want_head(self->replica);
    }
    pump(self);
}

static void ask_info(alto_follower *self)
{
    char url[URL_SIZE];
    snprintf(url, sizeof url, "%s/redistribution/v1/info", self->upstream);
    self->info = alto_pull_get(self->puller, url, INFO_MAX, true, NULL, on_info, self);
}

/* ---- errands ---- */

static const char *want_name(alto_want_type type)
{
    static const char *const names[] = {"head", "manifest", "catalog", "payload", "delta", "snapshot"};
    return names[type];
}

/* Is it news when an upstream lacks this? Payloads and deltas it may have dropped; the next way is a snapshot. */
static bool may_be_missing(alto_want_type type)
{
    return type == ALTO_WANT_PAYLOAD || type == ALTO_WANT_DELTA;
}

static void took_answer(alto_follower *self, const alto_want *want, alto_status status)
{
    report_refusal(self, want_name(want->type), status);
    switch (status) {
    case ALTO_OK:
    case ALTO_KNOWN:
    case ALTO_NOT_WANTED:
        self->distrust_caches = false;
        /* A head that comes while the maps that it speaks of do not is no end of trouble. */
        if (alto_replica_state_now(self->replica, alto_clock_ms()) != ALTO_REPLICA_SYNCING)
            clear_trouble(self);
        if (want->type == ALTO_WANT_MANIFEST && status == ALTO_OK && self->events.manifest)
            self->events.manifest(self->events.context, alto_replica_manifest(self->replica));
        break;
    default:
        self->distrust_caches = true;
        set_trouble(self, "a wrong answer", alto_status_text(status));
    }
}

static void on_errand_done(void *context, const alto_pull_result *result)
{
    errand *done = context;
    alto_follower *self = done->owner;
    alto_want want = done->want;
    done->pull = NULL;
    if (result->status == ALTO_OK) {
        took_answer(self, &want, alto_replica_pulled(self->replica, &want, result->body, alto_clock_ms()));
    } else {
        bool endless = result->status == ALTO_TOO_LARGE;
        if (endless)
            refuse(self, want_name(want.type), ALTO_TOO_LARGE);
        alto_replica_pull_failed(self->replica, &want,
                                 endless && may_be_missing(want.type) ? ALTO_NOT_FOUND : result->status);
        bool nothing_yet = result->status == ALTO_BUSY && want.type == ALTO_WANT_HEAD;
        if (result->status == ALTO_IO)
            self->info_known = false; /* it may come back as another process, elsewhere */
        if (result->status != ALTO_NOT_FOUND || !may_be_missing(want.type))
            set_trouble(self, want_name(want.type), nothing_yet ? "it holds nothing yet" : result->why);
    }
    pump(self);
}

static void run_errand(alto_follower *self, errand *place, const alto_want *want)
{
    char path[ALTO_WANT_PATH], url[URL_SIZE];
    alto_want_path(want, path);
    snprintf(url, sizeof url, "%s/redistribution/v1/%s/%s", self->upstream, self->origin, path);
    *place = (errand){.owner = self, .want = *want};
    place->pull =
        alto_pull_get(self->puller, url, (size_t)want->max_size, self->distrust_caches, NULL, on_errand_done, place);
    if (!place->pull)
        alto_replica_pull_failed(self->replica, want, ALTO_NO_MEMORY);
}

static void run_errands(alto_follower *self)
{
    for (size_t i = 0; i < MAX_PULLS; i++) {
        alto_want want;
        if (self->errands[i].pull)
            continue;
        if (alto_replica_wants(self->replica, &want, 1, alto_clock_ms()) == 0)
            return;
        run_errand(self, &self->errands[i], &want);
    }
}

/* ---- the loop's turn ---- */

alto_follower_via alto_follower_via_now(const alto_follower *self)
{
    if (!self->info_known)
        return ALTO_VIA_NOTHING;
    return self->receiver && alto_push_connected(self->receiver) ? ALTO_VIA_PUSH : ALTO_VIA_POLL;
}

/* Ask for the head by ourselves: soon after push came up, regularly without it, and when it is silent. */
static void poll_head(alto_follower *self, uint64_t now_ms)
{
    alto_follower_via via = alto_follower_via_now(self);
    bool connected = via == ALTO_VIA_PUSH;
    if (connected && !self->was_connected)
        self->next_poll_ms = now_ms + SETTLE_MS;
    if (self->was_connected && !connected) /* it may be back soon, and elsewhere */
        self->renew_ms = now_ms + alto_random() % BACKOFF_MIN_MS;
    if (via != self->last_via && via != ALTO_VIA_NOTHING)
        alto_log(ALTO_LOG_INFO, "upstream", "url=%s via=%s", self->upstream, connected ? "push" : "poll");
    self->was_connected = connected;
    self->last_via = via;
    if (now_ms < self->next_poll_ms)
        return;
    alto_replica_want_head(self->replica);
    self->next_poll_ms = now_ms + (connected ? SILENCE_MS : self->poll_ms);
}

static bool errand_free(const alto_follower *self)
{
    for (size_t i = 0; i < MAX_PULLS; i++)
        if (!self->errands[i].pull)
            return true;
    return false;
}

/* Answers that are under way pump by themselves when they come. */
static void arm(alto_follower *self, uint64_t now_ms)
{
    uint64_t delay = self->next_poll_ms > now_ms ? self->next_poll_ms - now_ms : 0;
    bool patient = self->not_before_ms > now_ms;
    if (!self->info_known)
        delay = self->poll_ms;
    if (patient)
        delay = self->not_before_ms - now_ms;
    uint64_t wanted = alto_replica_next_want_ms(self->replica), wall = alto_clock_ms();
    if (wanted != UINT64_MAX && self->info_known && !patient && errand_free(self)) {
        uint64_t until = wanted > wall ? wanted - wall : 0;
        delay = until < delay ? until : delay;
    }
    uint64_t look_again = self->last_via == ALTO_VIA_PUSH ? LOOK_MS : self->poll_ms / 4 + 1;
    if (!self->no_push && look_again < delay) /* a push connection that came up or was lost tells nobody */
        delay = look_again;
    alto_timer_arm(self->timer, delay ? delay : 1);
}

static void pump(alto_follower *self)
{
    uint64_t now_ms = alto_monotonic_ms();
    if (self->info_known) {
        if (self->last_push_ms + SILENCE_MS / 2 > now_ms && alto_follower_via_now(self) == ALTO_VIA_PUSH &&
            self->next_poll_ms > now_ms + SETTLE_MS)
            self->next_poll_ms = self->last_push_ms + SILENCE_MS;
        poll_head(self, now_ms);
    }
    if (now_ms >= self->not_before_ms) {
        bool renew = !self->no_push && now_ms >= self->renew_ms && alto_follower_via_now(self) == ALTO_VIA_POLL;
        if (!self->info && (!self->info_known || renew))
            ask_info(self);
        if (self->info_known)
            run_errands(self);
    }
    arm(self, now_ms);
}

/* ---- life ---- */

static bool take_urls(alto_follower *self, const alto_follower_options *options)
{
    size_t length = strlen(options->upstream);
    if (strncasecmp(options->upstream, "http://", 7) != 0 && strncasecmp(options->upstream, "https://", 8) != 0)
        return false;
    while (length && options->upstream[length - 1] == '/')
        length--;
    if (length >= sizeof self->upstream || !alto_url_host(options->upstream, self->host, sizeof self->host))
        return false;
    snprintf(self->upstream, sizeof self->upstream, "%.*s", (int)length, options->upstream);
    if (options->upstream_push) {
        self->push_configured = true;
        snprintf(self->push_endpoint, sizeof self->push_endpoint, "%s", options->upstream_push);
    }
    return true;
}

alto_status alto_follower_new(alto_loop *loop, const alto_follower_options *options, const alto_follower_events *events,
                              alto_follower **out, alto_error *error)
{
    alto_follower *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "upstream", "out of memory");
    self->loop = loop;
    self->events = *events;
    self->no_push = options->no_push;
    self->poll_ms = options->poll_ms ? options->poll_ms : 1000;
    alto_hex(self->origin, options->anchor->origin.bytes, ALTO_HASH_SIZE);
    choose_topics(self, options);
    if (!take_urls(self, options)) {
        alto_fail(error, ALTO_CONFIG, options->upstream, "not a URL such as http://192.0.2.1:8670 (--upstream)");
        alto_follower_destroy(&self);
        return ALTO_CONFIG;
    }
    self->replica = alto_replica_new(options->anchor, options->follow, options->follow_count, &events->replica);
    self->puller = alto_puller_new(loop);
    self->timer = alto_timer_new(loop, on_timer, self);
    if (!self->replica || !self->puller || !self->timer) {
        alto_follower_destroy(&self);
        return alto_fail(error, ALTO_NO_MEMORY, "upstream", "out of memory");
    }
    *out = self;
    return ALTO_OK;
}

void alto_follower_destroy(alto_follower **self)
{
    alto_follower *dying = *self;
    if (!dying)
        return;
    alto_timer_destroy(&dying->timer);
    alto_push_receiver_destroy(&dying->receiver);
    alto_puller_destroy(&dying->puller);
    alto_replica_destroy(&dying->replica);
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

const char *alto_follower_trouble(const alto_follower *self)
{
    return self->trouble;
}
