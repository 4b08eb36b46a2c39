/* SPDX-License-Identifier: Apache-2.0 */
#include "io/upstream.h"

#include "core/upstream_info.h"
#include "io/log.h"
#include "io/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    URL_SIZE = 1024,
    FIRST_AGAIN_MS = 250, /* a first failure is forgiven so soon */
    BACKOFF_MIN_MS = 1000,
    BACKOFF_MAX_MS = 30000,
    MAX_RETRY_AFTER_S = 300, /* longer than that nobody is believed to be busy */
    SETTLE_MS = 200,         /* after connecting, until subscriptions have surely reached the publisher */
    SILENCE_MS = 16000,      /* three heads of 5 s, and a bit: push without any for so long is asked after */
    LOOK_MS = 1000,          /* how often to look whether the push connection is still there */
    LOOK_SOON_MS = 100,      /* or whether it has come up */
    MAX_LIES = 3,            /* each may have cost a signature check; then it is left alone */
    RENEW_MS = 10000,        /* without push, how often to ask where it is and to connect anew */
    SILENCE_S = 10, /* an answer without a byte for so long does not come: what is made takes 4 s at most, or 503 */
    INFO_MAX = 65536
};

struct alto_upstream {
    alto_loop *loop;
    alto_puller *puller;
    alto_pull_trust trust;
    alto_upstream_events events;
    const alto_topics *topics;
    const char *label;
    alto_origin origin;
    char url[URL_SIZE / 2], host[256], origin_text[2 * ALTO_HASH_SIZE + 1];
    char push_endpoint[URL_SIZE / 2]; /* "": not known */
    bool push_configured, no_push;
    bool curve_configured; /* what follows is not to be learned */
    bool encrypted;        /* its push is, for all that we know: with this key of its */
    alto_push_curve curve;

    alto_pull *info, *head; /* under way */
    alto_push_receiver *receiver;
    bool info_known, wrong_origin, has_told, was_connected, leaving, distrust_caches;
    bool key_unknown; /* it encrypts, and does not say so over HTTPS */
    bool refused;     /* its push refused us, or we it; so it was in the log */
    alto_via last_via;
    uint64_t connections; /* of the receiver, when last looked at */

    bool unreachable;       /* so it was at the last failure */
    unsigned failures;      /* in a row; several during one pause are one */
    unsigned lies;          /* since it was last left alone for them */
    unsigned misses;        /* how often it lacked something that only it seemed to have, in a row */
    uint64_t not_before_ms; /* all times by alto_monotonic_ms. Nothing is asked before */
    uint64_t ask_head_ms;   /* the head is to be asked for then; UINT64_MAX: see head_due */
    uint64_t settled_ms;    /* and then, for what was missed until push had come up; UINT64_MAX: that was done */
    uint64_t asked_head_ms; /* when that was last done */
    uint64_t heard_ms;      /* when a statement came by push */
    uint64_t renew_ms;      /* when to try again to get push */
    char trouble[256];
};

/* ---- trouble and patience ---- */

static uint64_t pause_ms(const alto_upstream *self, uint64_t retry_after_s)
{
    if (retry_after_s) {
        uint64_t ms = 1000 * (retry_after_s < MAX_RETRY_AFTER_S ? retry_after_s : MAX_RETRY_AFTER_S);
        return ms + alto_random() % (ms / 2);
    }
    if (self->failures == 0)
        return alto_random() % FIRST_AGAIN_MS;
    uint64_t ceiling = BACKOFF_MIN_MS;
    for (unsigned i = 0; i < self->failures && ceiling < BACKOFF_MAX_MS; i++)
        ceiling *= 2;
    if (ceiling > BACKOFF_MAX_MS)
        ceiling = BACKOFF_MAX_MS;
    return BACKOFF_MIN_MS + alto_random() % (ceiling - BACKOFF_MIN_MS);
}

void alto_upstream_failed(alto_upstream *self, alto_status status, const char *what, const char *why,
                          uint64_t retry_after_s)
{
    char quoted[300], before[sizeof self->trouble];
    memcpy(before, self->trouble, sizeof before);
    snprintf(self->trouble, sizeof self->trouble, "%s: %s", what, why);
    if (strcmp(before, self->trouble) != 0)
        alto_log(ALTO_LOG_WARN, "upstream", "%surl=%s trouble=%s", self->label, self->url,
                 alto_log_value(self->trouble, quoted, sizeof quoted));
    uint64_t now_ms = alto_monotonic_ms(), until_ms = now_ms + pause_ms(self, retry_after_s);
    bool resting = now_ms < self->not_before_ms;
    if (!resting || (retry_after_s && until_ms > self->not_before_ms))
        self->not_before_ms = until_ms;
    self->failures += !resting;
    self->has_told = true;
    self->unreachable = status == ALTO_IO;
    if (self->unreachable)
        self->info_known = false;
    else if (status != ALTO_NOT_FOUND && status != ALTO_NOT_GIVEN && status != ALTO_BUSY)
        self->distrust_caches = true;
}

bool alto_upstream_lied(alto_upstream *self, alto_status status)
{
    if (++self->lies < MAX_LIES)
        return false;
    self->lies = 0;
    if (self->failures == 0)
        self->failures = 1; /* the third lie is no first failure */
    uint64_t until_ms = alto_monotonic_ms() + pause_ms(self, 0);
    alto_upstream_failed(self, status, "it keeps lying", alto_status_text(status), 0);
    if (until_ms > self->not_before_ms)
        self->not_before_ms = until_ms;
    alto_upstream_leave(self);
    return true;
}

bool alto_upstream_missed(alto_upstream *self, const char *what)
{
    if (self->misses++) {
        alto_upstream_failed(self, ALTO_NOT_GIVEN, what, alto_status_text(ALTO_NOT_GIVEN), 0);
        return true;
    }
    self->not_before_ms = alto_monotonic_ms() + alto_random() % FIRST_AGAIN_MS;
    return false;
}

void alto_upstream_fine(alto_upstream *self, bool settled)
{
    if (self->failures)
        alto_log(ALTO_LOG_INFO, "upstream", "%surl=%s trouble=none", self->label, self->url);
    if (settled)
        self->misses = 0;
    self->failures = 0;
    self->trouble[0] = 0;
    self->distrust_caches = false;
}

void alto_upstream_heard(alto_upstream *self)
{
    self->heard_ms = alto_monotonic_ms();
    self->has_told = true;
}

void alto_upstream_leave(alto_upstream *self)
{
    self->leaving = true;
}

/* ---- push ---- */

static void on_message(void *context, const alto_slice *frames, size_t count)
{
    alto_upstream *self = context;
    if (!self->leaving) /* what still waits of one that is left is not looked at */
        self->events.message(self->events.context, self, frames, count);
}

static void stop_push(alto_upstream *self)
{
    alto_push_receiver_destroy(&self->receiver);
    self->was_connected = false;
}

/* A connection that was lost or never came up is made anew: libzmq gives one up for good when its peer broke the protocol. */
static void start_push(alto_upstream *self)
{
    alto_error error;
    self->renew_ms = alto_monotonic_ms() + RENEW_MS;
    if (self->receiver && !alto_push_connected(self->receiver))
        stop_push(self);
    if (self->no_push || self->receiver || !self->push_endpoint[0] || self->key_unknown)
        return;
    alto_status status = alto_push_receiver_new(self->loop, self->push_endpoint, self->encrypted ? &self->curve : NULL,
                                                on_message, self, &self->receiver, &error);
    for (size_t i = 0; status == ALTO_OK && i < self->topics->count; i++)
        status = alto_push_subscribe(self->receiver,
                                     alto_slice_of(self->topics->items[i].bytes, self->topics->items[i].size));
    if (status == ALTO_OK)
        return;
    alto_log(ALTO_LOG_WARN, "push", "%sendpoint=%s status=%s", self->label, self->push_endpoint,
             alto_status_name(status));
    stop_push(self);
    if (!self->push_configured)
        self->push_endpoint[0] = 0; /* by polling, then */
}

static bool is_connected(const alto_upstream *self)
{
    return self->receiver && alto_push_connected(self->receiver);
}

/* One that could not be reached has come back, as its push tells: the pause is over. */
static void notice_return(alto_upstream *self, uint64_t now_ms)
{
    bool back = is_connected(self) && alto_push_connections(self->receiver) != self->connections;
    if (!self->unreachable || !back)
        return;
    uint64_t soon = now_ms + alto_random() % FIRST_AGAIN_MS;
    if (soon < self->not_before_ms)
        self->not_before_ms = soon;
    self->unreachable = false;
}

/* Say once that its push does not come up although it could be reached. */
static void notice_refusal(alto_upstream *self)
{
    if (is_connected(self))
        self->refused = false;
    if (self->refused || !self->receiver || !alto_push_refused(self->receiver))
        return;
    self->refused = true;
    alto_log(ALTO_LOG_WARN, "push-refused", "%surl=%s endpoint=%s why=\"%s\"", self->label, self->url,
             self->push_endpoint,
             self->encrypted ? "it does not let our key in, or has another key than we think"
                             : "it takes no connection in the clear, or is no publisher");
}

/* Notice what became of the push connection. */
static void follow_connection(alto_upstream *self, uint64_t now_ms)
{
    alto_via via = alto_upstream_via(self);
    bool connected = via == ALTO_VIA_PUSH;
    if (self->leaving) {
        stop_push(self);
        self->leaving = connected = false;
        self->renew_ms = self->not_before_ms;
    }
    uint64_t connections = connected ? alto_push_connections(self->receiver) : self->connections;
    /* Not with all others that come back now. */
    if (connected && (!self->was_connected || connections != self->connections))
        self->settled_ms = now_ms + SETTLE_MS + alto_random() % FIRST_AGAIN_MS;
    notice_refusal(self);
    if (self->was_connected && !connected) /* it may be back soon, and elsewhere */
        self->renew_ms = now_ms + alto_random() % BACKOFF_MIN_MS;
    if (via != self->last_via && via != ALTO_VIA_NOTHING)
        alto_log(ALTO_LOG_INFO, "upstream", "%surl=%s via=%s", self->label, self->url, connected ? "push" : "poll");
    self->connections = connections;
    self->was_connected = connected;
    self->last_via = via;
}

void alto_upstream_set_curve(alto_upstream *self, const alto_curve_pair *own, const alto_curve_key *key)
{
    bool other = own != self->curve.own || (key && memcmp(key, &self->curve.publisher, sizeof *key) != 0);
    self->curve.own = own;
    if (key)
        self->curve.publisher = *key;
    if (!other || !self->encrypted || !self->receiver)
        return;
    alto_log(ALTO_LOG_INFO, "upstream", "%surl=%s curve=new-keys", self->label, self->url);
    self->refused = false;
    stop_push(self);
    start_push(self);
}

/* ---- info: whose maps it has, and where it pushes ---- */

/* The port is the upstream's to say; the host is the one that was configured. */
static void learn_endpoint(alto_upstream *self, const alto_upstream_info *told)
{
    char endpoint[sizeof self->push_endpoint] = "";
    if (self->push_configured || !told->tells_push)
        return;
    if (told->port == 0 || !alto_upstream_info_endpoint(self->host, told->port, endpoint, sizeof endpoint))
        endpoint[0] = 0;
    if (strcmp(endpoint, self->push_endpoint) != 0)
        stop_push(self);
    memcpy(self->push_endpoint, endpoint, sizeof endpoint);
}

static bool is_secure(const alto_upstream *self)
{
    return strncasecmp(self->url, "https://", 8) == 0;
}

/* Does it encrypt its push, and with which key? */
static void learn_curve(alto_upstream *self, const alto_upstream_info *told)
{
    if (self->curve_configured)
        return;
    bool known = told->has_key && is_secure(self);
    bool unknown = told->encrypts && !known;
    if (unknown && !self->key_unknown)
        alto_log(ALTO_LOG_WARN, "push-refused",
                 "%surl=%s why=\"its push is encrypted; name its key (--upstream-curve-key), or ask it by https\"",
                 self->label, self->url);
    if (known != self->encrypted || (known && memcmp(&told->key, &self->curve.publisher, sizeof told->key) != 0))
        stop_push(self);
    self->key_unknown = unknown;
    self->encrypted = known;
    if (known)
        self->curve.publisher = told->key;
}

static void on_info(void *context, const alto_pull_result *result)
{
    alto_upstream *self = context;
    alto_upstream_info told;
    self->info = NULL;
    if (result->status != ALTO_OK) {
        alto_upstream_failed(self, result->status, "cannot reach it", result->why, result->retry_after_s);
    } else if (!alto_upstream_info_read(result->body, &self->origin, &told)) {
        self->wrong_origin = true;
        self->info_known = false;
        alto_upstream_failed(self, ALTO_WRONG_ORIGIN, "it does not serve the origin of this root key",
                             "check the URL (--upstream) and the file (--root-key)", 0);
    } else {
        self->wrong_origin = false;
        self->info_known = true;
        learn_curve(self, &told);
        learn_endpoint(self, &told);
        start_push(self);
        alto_upstream_ask_head(self);
    }
    self->events.changed(self->events.context, self);
}

/* ---- asking ---- */

static alto_pull *get(alto_upstream *self, const char *path, uint64_t max_size, bool no_cache, alto_pull_done_fn *done,
                      void *context)
{
    char url[URL_SIZE];
    snprintf(url, sizeof url, "%s/redistribution/v1/%s", self->url, path);
    alto_pull_request request = {
        .url = url, .trust = self->trust, .max_size = (size_t)max_size, .no_cache = no_cache, .silence_s = SILENCE_S};
    return alto_pull_start(self->puller, &request, NULL, done, context);
}

alto_pull *alto_upstream_get(alto_upstream *self, const char *path, uint64_t max_size, alto_pull_done_fn *done,
                             void *context)
{
    char whole[URL_SIZE / 4];
    snprintf(whole, sizeof whole, "%s/%s", self->origin_text, path);
    return get(self, whole, max_size, self->distrust_caches, done, context);
}

static void ask_info(alto_upstream *self)
{
    self->info = get(self, "info", INFO_MAX, true, on_info, self);
    if (!self->info)
        alto_upstream_failed(self, ALTO_NO_MEMORY, "cannot ask it", "out of memory", 0);
}

static void on_head(void *context, const alto_pull_result *result)
{
    alto_upstream *self = context;
    self->head = NULL;
    self->has_told = true;
    self->events.head(self->events.context, self, result);
}

void alto_upstream_ask_head(alto_upstream *self)
{
    if (!self->head)
        self->ask_head_ms = 0;
}

static void ask_head(alto_upstream *self, uint64_t now_ms)
{
    self->ask_head_ms = UINT64_MAX;
    if (now_ms >= self->settled_ms)
        self->settled_ms = UINT64_MAX;
    self->asked_head_ms = now_ms;
    self->head = alto_upstream_get(self, "head", ALTO_MAX_STATEMENT, on_head, self);
}

/* When the head is to be asked for. */
static uint64_t head_due(const alto_upstream *self, uint64_t poll_ms)
{
    if (poll_ms == UINT64_MAX)
        return UINT64_MAX;
    uint64_t last = self->asked_head_ms;
    bool pushes = alto_upstream_via(self) == ALTO_VIA_PUSH;
    if (pushes && self->heard_ms > last)
        last = self->heard_ms;
    uint64_t regular = last + (pushes ? SILENCE_MS : poll_ms);
    uint64_t wanted = self->ask_head_ms < self->settled_ms ? self->ask_head_ms : self->settled_ms;
    return wanted < regular ? wanted : regular;
}

/* ---- the loop's turn ---- */

static bool wants_info(const alto_upstream *self, uint64_t now_ms)
{
    if (!self->info_known)
        return true;
    return !self->no_push && now_ms >= self->renew_ms && alto_upstream_via(self) == ALTO_VIA_POLL;
}

/* Answers that are under way tell of themselves when they come. */
static uint64_t next_turn(const alto_upstream *self, uint64_t now_ms, uint64_t poll_ms)
{
    uint64_t next = UINT64_MAX, head = head_due(self, poll_ms);
    if (!self->info && !self->info_known)
        next = now_ms;
    else if (self->info_known && !self->head)
        next = head;
    if (!self->info && !self->no_push && alto_upstream_via(self) == ALTO_VIA_POLL && self->renew_ms < next)
        next = self->renew_ms;
    if (now_ms < self->not_before_ms) /* then it is usable again, for others too */
        next = self->not_before_ms;
    if (self->receiver) { /* a connection that came up or was lost tells nobody */
        uint64_t look = now_ms + (is_connected(self) ? LOOK_MS : LOOK_SOON_MS);
        next = look < next ? look : next;
    }
    return next;
}

uint64_t alto_upstream_turn(alto_upstream *self, uint64_t now_ms, uint64_t poll_ms)
{
    notice_return(self, now_ms);
    if (self->info_known || self->leaving)
        follow_connection(self, now_ms);
    if (now_ms >= self->not_before_ms) {
        if (!self->info && wants_info(self, now_ms))
            ask_info(self);
        if (self->info_known && !self->head && now_ms >= head_due(self, poll_ms))
            ask_head(self, now_ms);
    }
    return next_turn(self, now_ms, poll_ms);
}

/* ---- looking ---- */

bool alto_upstream_usable(const alto_upstream *self, uint64_t now_ms)
{
    return self->info_known && now_ms >= self->not_before_ms;
}

bool alto_upstream_is_wrong(const alto_upstream *self)
{
    return self->wrong_origin;
}

bool alto_upstream_has_told(const alto_upstream *self)
{
    return self->has_told;
}

unsigned alto_upstream_failures(const alto_upstream *self)
{
    return self->failures;
}

alto_via alto_upstream_via(const alto_upstream *self)
{
    if (!self->info_known)
        return ALTO_VIA_NOTHING;
    return is_connected(self) ? ALTO_VIA_PUSH : ALTO_VIA_POLL;
}

const char *alto_upstream_url(const alto_upstream *self)
{
    return self->url;
}

const char *alto_upstream_trouble(const alto_upstream *self)
{
    return self->trouble;
}

/* ---- life ---- */

static bool take_urls(alto_upstream *self, const alto_upstream_options *options)
{
    size_t length = strlen(options->url);
    if (strncasecmp(options->url, "http://", 7) != 0 && strncasecmp(options->url, "https://", 8) != 0)
        return false;
    while (length && options->url[length - 1] == '/')
        length--;
    if (length >= sizeof self->url || !alto_url_host(options->url, self->host, sizeof self->host))
        return false;
    snprintf(self->url, sizeof self->url, "%.*s", (int)length, options->url);
    if (options->push) {
        self->push_configured = true;
        snprintf(self->push_endpoint, sizeof self->push_endpoint, "%s", options->push);
    }
    return true;
}

alto_status alto_upstream_new(alto_loop *loop, alto_puller *puller, const alto_upstream_options *options,
                              const alto_upstream_events *events, alto_upstream **out, alto_error *error)
{
    alto_upstream *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "upstream", "out of memory");
    self->loop = loop;
    self->puller = puller;
    self->events = *events;
    self->trust = options->trust;
    self->topics = options->topics;
    self->label = options->label;
    self->no_push = options->no_push;
    self->ask_head_ms = self->settled_ms = UINT64_MAX;
    self->curve.own = options->curve_own;
    self->encrypted = options->curve != NULL;
    self->curve_configured = self->encrypted || (options->push && alto_push_is_multicast(options->push));
    if (options->curve)
        self->curve.publisher = *options->curve;
    self->origin = *options->origin;
    alto_hex(self->origin_text, options->origin->bytes, ALTO_HASH_SIZE);
    if (!take_urls(self, options)) {
        free(self);
        return alto_fail(error, ALTO_CONFIG, options->url, "not a URL such as http://192.0.2.1:8670 (--upstream)");
    }
    if (options->push && alto_push_check_endpoint(options->push, options->curve != NULL, error) == ALTO_CONFIG) {
        free(self);
        return ALTO_CONFIG;
    }
    *out = self;
    return ALTO_OK;
}

void alto_upstream_destroy(alto_upstream **self)
{
    alto_upstream *dying = *self;
    if (!dying)
        return;
    if (dying->info)
        alto_pull_cancel(dying->info);
    if (dying->head)
        alto_pull_cancel(dying->head);
    alto_push_receiver_destroy(&dying->receiver);
    free(dying);
    *self = NULL;
}
