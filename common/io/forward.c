/* SPDX-License-Identifier: Apache-2.0 */
#include "io/forward.h"

#include "core/coding.h"
#include "core/http_cache.h"
#include "io/answer.h"
#include "io/blob.h"
#include "io/log.h"
#include "io/pull.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    MAX_UNDER_WAY = 256,    /* requests to the ALTO server at a time */
    MAX_REPLY = 134217728,  /* bytes of one answer */
    MAX_KEPT = 1024,        /* answers kept ... */
    KEPT_BYTES = 268435456, /* ... and the bytes of their bodies */
    RETRY_AFTER_S = 2,
    TYPE_TEXT = ALTO_HTTP_VALUE,
    CODING_TEXT = 32,
    TAG_TEXT = 128,
    DATE_TEXT = 40
};

/* An answer of the ALTO server, or what we say in its place. Immutable. */
typedef struct {
    atomic_uint references;
    unsigned status;
    uint64_t retry_after_s; /* 0: not said */
    alto_cache_rule rule;
    uint64_t asked_ms; /* monotonic */
    const alto_blob *body;
    /* the server's Content-Type, Content-Encoding, ETag and Last-Modified; "" when not said */
    char type[TYPE_TEXT], coding[CODING_TEXT], tag[TAG_TEXT], modified[DATE_TEXT];
} reply;

/* What tells questions apart. */
typedef struct {
    bool post;
    const char *url, *accept, *content_type; /* "" when absent */
    const char *codings;                     /* static text */
    alto_slice body;
} question;

/* A question on its way to the ALTO server, and afterwards with its reply. What changes is under the lock. */
typedef struct flight {
    atomic_uint references;
    question asked; /* points into `texts` */
    bool alone;     /* nobody is to join it */
    bool personal;  /* its reply is for who asked, whatever it says itself */
    bool taken;     /* a reply for one was given to one */
    bool done;
    const reply *reply; /* once done; NULL: no memory for one */
    const reply *stale; /* what was kept before, and is asked for again; may be NULL */
    uint64_t asked_ms;
    alto_forward *forward;
    struct flight *next;   /* in forward.under_way or forward.kept */
    struct flight *queued; /* in forward.queue */
    char texts[];
} flight;

struct alto_forward {
    alto_loop *loop;
    alto_puller *puller;
    alto_http_server *server; /* may be NULL; the loop's thread only */
    char *url;                /* of the options; owned */
    const alto_login *login;
    unsigned patience_s;
    int wake; /* eventfd, readable when something is in the queue */
    bool watched;
    pthread_mutex_t lock; /* of all that follows */
    flight *under_way;    /* one reference each */
    size_t under_way_count;
    flight *queue; /* of those under way, not handed to the puller yet */
    flight *kept;  /* newest use first; one reference each */
    size_t kept_count, kept_bytes;
    alto_forward_counts counts;
};

/* ---- replies ---- */

static const reply *retain_reply(const reply *one)
{
    if (one)
        atomic_fetch_add_explicit(&((reply *)(uintptr_t)one)->references, 1, memory_order_relaxed);
    return one;
}

static void release_reply(const reply *one)
{
    reply *mine = (reply *)(uintptr_t)one;
    if (!mine || atomic_fetch_sub_explicit(&mine->references, 1, memory_order_acq_rel) > 1)
        return;
    alto_blob_release(mine->body);
    free(mine);
}

/* Takes over `body`; NULL when that is NULL or there is no memory. */
static reply *new_reply(unsigned status, const alto_blob *body)
{
    reply *made = body ? calloc(1, sizeof *made) : NULL;
    if (!made) {
        alto_blob_release(body);
        return NULL;
    }
    atomic_init(&made->references, 1);
    made->status = status;
    made->body = body;
    made->rule.use = ALTO_CACHE_SHARED;
    return made;
}

static reply *own_reply(unsigned status, const char *why)
{
    static const char type[] = "text/plain; charset=utf-8";
    reply *made = new_reply(status, alto_blob_new(alto_slice_text(why), alto_slice_of(NULL, 0)));
    if (made)
        memcpy(made->type, type, sizeof type);
    return made;
}

/* ---- flights ---- */

static flight *retain_flight(flight *one)
{
    atomic_fetch_add_explicit(&one->references, 1, memory_order_relaxed);
    return one;
}

static void release_flight(void *owner)
{
    flight *one = owner;
    if (!one || atomic_fetch_sub_explicit(&one->references, 1, memory_order_acq_rel) > 1)
        return;
    release_reply(one->reply);
    release_reply(one->stale);
    free(one);
}

static const char *copy_text(char **to, const char *text)
{
    size_t size = strlen(text) + 1;
    char *begin = memcpy(*to, text, size);
    *to += size;
    return begin;
}

static flight *new_flight(alto_forward *self, const question *asked)
{
    size_t room = strlen(asked->url) + strlen(asked->accept) + strlen(asked->content_type) + 3 + asked->body.size;
    flight *made = malloc(sizeof *made + room);
    if (!made)
        return NULL;
    *made = (flight){.forward = self, .asked_ms = alto_monotonic_ms()};
    atomic_init(&made->references, 1);
    char *to = made->texts;
    made->asked = (question){.post = asked->post,
                             .url = copy_text(&to, asked->url),
                             .accept = copy_text(&to, asked->accept),
                             .content_type = copy_text(&to, asked->content_type),
                             .codings = asked->codings,
                             .body = alto_slice_of(to, asked->body.size)};
    if (asked->body.size)
        memcpy(to, asked->body.data, asked->body.size);
    return made;
}

static bool same_question(const question *one, const question *other)
{
    return one->post == other->post && one->codings == other->codings && strcmp(one->url, other->url) == 0 &&
           strcmp(one->accept, other->accept) == 0 && strcmp(one->content_type, other->content_type) == 0 &&
           alto_slice_equal(one->body, other->body);
}

static void unlink_flight(flight **list, const flight *one)
{
    while (*list != one)
        list = &(*list)->next;
    *list = one->next;
}

/* ---- what is kept, under the lock ---- */

static flight *find_kept(const alto_forward *self, const question *asked)
{
    for (flight *at = self->kept; at; at = at->next)
        if (same_question(&at->asked, asked))
            return at;
    return NULL;
}

static void drop_kept(alto_forward *self, flight *one)
{
    unlink_flight(&self->kept, one);
    self->kept_count--;
    self->kept_bytes -= one->reply->body->size;
    release_flight(one);
}

static void link_kept(alto_forward *self, flight *one)
{
    one->next = self->kept;
    self->kept = one;
}

/* The one used least recently goes first. */
static void make_room(alto_forward *self)
{
    while (self->kept_count > MAX_KEPT || self->kept_bytes > KEPT_BYTES) {
        flight *last = self->kept;
        while (last->next)
            last = last->next;
        drop_kept(self, last);
    }
}

/* Keep what has its reply, in the place of what was kept before; takes over a reference. */
static void keep(alto_forward *self, flight *one)
{
    flight *before = find_kept(self, &one->asked);
    if (before && one->reply && one->reply->status < 500)
        drop_kept(self, before);
    if (!one->reply || one->reply->rule.use != ALTO_CACHE_KEPT) {
        release_flight(one);
        return;
    }
    link_kept(self, one);
    self->kept_count++;
    self->kept_bytes += one->reply->body->size;
    make_room(self);
}

/* ---- answering, in any thread ---- */

/* The flight that asks again for what is no longer fresh, or for the first time. Under the lock. NULL: no memory, or no room. */
static flight *begin(alto_forward *self, const question *asked, const flight *before)
{
    flight *made = self->under_way_count < MAX_UNDER_WAY ? new_flight(self, asked) : NULL;
    if (!made)
        return NULL;
    if (before)
        made->stale = retain_reply(before->reply);
    made->next = self->under_way;
    self->under_way = made;
    self->under_way_count++;
    made->queued = self->queue;
    self->queue = made;
    uint64_t one = 1;
    if (write(self->wake, &one, sizeof one) < 0)
        assert(errno == EAGAIN); /* it is readable already */
    return retain_flight(made);
}

/* A reply for one who asked is given to the first who comes; the others ask on their own. Under the lock. */
static bool may_take(flight *one)
{
    bool may = !one->reply || one->reply->rule.use != ALTO_CACHE_PRIVATE || !one->taken;
    one->taken = true;
    return may;
}

/* Who has the reply or will have it, for somebody new. Under the lock; a reference. NULL: nobody. */
static flight *join(alto_forward *self, const question *asked, flight **kept)
{
    *kept = find_kept(self, asked);
    if (*kept && alto_cache_is_fresh(&(*kept)->reply->rule, (*kept)->reply->asked_ms, alto_monotonic_ms())) {
        unlink_flight(&self->kept, *kept);
        link_kept(self, *kept);
        self->counts.fresh++;
        return retain_flight(*kept);
    }
    for (flight *at = self->under_way; at; at = at->next)
        if (!at->alone && same_question(&at->asked, asked)) {
            self->counts.joined++;
            return retain_flight(at);
        }
    return NULL;
}

/* The flight that answers, with its reply or without one yet; a reference. NULL: there is none, and none can begin. */
static flight *find_or_begin(alto_forward *self, const question *asked, bool personal, flight *awaited)
{
    flight *kept = NULL, *found = NULL;
    pthread_mutex_lock(&self->lock);
    if (awaited && (!awaited->done || may_take(awaited)))
        found = retain_flight(awaited);
    else if (!awaited && !personal)
        found = join(self, asked, &kept);
    if (!found) {
        found = begin(self, asked, kept);
        if (found)
            found->alone = awaited || personal;
        if (found)
            found->personal = personal;
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

static alto_slice body_piece(void *owner, size_t index)
{
    (void)index;
    const reply *one = owner;
    return alto_slice_of(one->body->data, one->body->size);
}

static void body_release(void *owner)
{
    release_reply(owner);
}

static void describe_freshness(const reply *one, bool post, alto_http_answer *answer)
{
    bool no_store = post || one->rule.use == ALTO_CACHE_PRIVATE || one->status != 200;
    if (!no_store && one->rule.lifetime_s > 0) {
        uint64_t age_s = alto_cache_age_s(&one->rule, one->asked_ms, alto_monotonic_ms());
        alto_http_header(answer, "Cache-Control", "max-age=%llu", (unsigned long long)one->rule.lifetime_s);
        alto_http_header(answer, "Age", "%llu", (unsigned long long)age_s);
    } else {
        alto_http_header(answer, "Cache-Control", no_store ? "no-store" : "no-cache");
    }
}

/* Takes over a reference. */
static void give(const reply *one, const alto_http_request *request, bool post, alto_http_answer *answer)
{
    bool tagged = one->status == 200 && !post && one->rule.use != ALTO_CACHE_PRIVATE;
    bool unchanged = tagged && alto_answer_tag_matches(request->if_none_match, one->body->etag);
    answer->status = unchanged ? 304 : one->status;
    if (one->type[0])
        alto_http_header(answer, "Content-Type", "%s", one->type);
    if (one->coding[0] && !unchanged)
        alto_http_header(answer, "Content-Encoding", "%s", one->coding);
    if (tagged) {
        alto_http_header(answer, "ETag", "%s", one->body->etag);
        alto_http_header(answer, "Vary", "Accept, Accept-Encoding");
    }
    describe_freshness(one, post, answer);
    if (one->retry_after_s)
        alto_http_header(answer, "Retry-After", "%llu", (unsigned long long)one->retry_after_s);
    answer->size = one->body->size;
    answer->piece_count = 1;
    answer->piece = body_piece;
    answer->release = body_release;
    answer->owner = (void *)(uintptr_t)one;
}

/* What became of the question of `found`. False: it is under way. *ready: a reference; NULL: none. */
static bool look(flight *found, const reply **ready)
{
    alto_forward *self = found->forward;
    pthread_mutex_lock(&self->lock);
    bool done = found->done;
    *ready = retain_reply(found->reply);
    pthread_mutex_unlock(&self->lock);
    return done;
}

/* What to say in Accept-Encoding, so that clients who take the same codings share one answer. The same pointer for the same list. */
static const char *codings_of(const char *accept_encoding)
{
    static const char *const lists[] = {"identity", "gzip", "zstd", "gzip, zstd"};
    return lists[(alto_coding_allowed(accept_encoding, ALTO_GZIP) ? 1 : 0) +
                 (alto_coding_allowed(accept_encoding, ALTO_ZSTD) ? 2 : 0)];
}

static const char *or_nothing(const char *text)
{
    return text ? text : "";
}

void alto_forward_answer(alto_forward *self, const alto_forward_ask *ask, const alto_http_request *request,
                         alto_http_answer *answer)
{
    question asked = {.post = strcmp(request->method, "POST") == 0,
                      .url = ask->url,
                      .accept = or_nothing(request->accept),
                      .content_type = "",
                      .codings = codings_of(request->accept_encoding),
                      .body = {NULL, 0}};
    if (asked.post) {
        asked.content_type = or_nothing(request->content_type);
        asked.body = ask->body;
    }
    if (!alto_url_same_server(self->url, ask->url)) {
        alto_answer_refuse(answer, 404, "that is not on the ALTO server which this one asks\n");
        return;
    }
    flight *found = NULL;
    const reply *ready = NULL;
    if (request->can_hold || request->awaited)
        found = find_or_begin(self, &asked, ask->personal, request->awaited);
    bool done = found && look(found, &ready);
    if (ready) {
        give(ready, request, asked.post, answer);
    } else if (found && !done && request->can_hold) {
        answer->later = true;
        answer->owner = retain_flight(found);
        answer->release = release_flight;
    } else {
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "the ALTO server cannot be asked at the moment\n");
    }
    release_flight(found);
}

alto_forward_counts alto_forward_count(alto_forward *self)
{
    pthread_mutex_lock(&self->lock);
    alto_forward_counts counts = self->counts;
    counts.kept = self->kept_count;
    pthread_mutex_unlock(&self->lock);
    return counts;
}

/* ---- asking, in the loop's thread ---- */

/* Takes over `came`. */
static void finish(flight *one, const reply *came)
{
    alto_forward *self = one->forward;
    pthread_mutex_lock(&self->lock);
    one->reply = came;
    one->done = true;
    unlink_flight(&self->under_way, one);
    self->under_way_count--;
    self->counts.failed += !came || came->status == 502 || came->status == 504;
    keep(self, one);
    pthread_mutex_unlock(&self->lock);
    if (self->server)
        alto_http_server_wake(self->server);
}

/* What was kept is still good: once more, with what is said of it now. */
static reply *renewed_reply(const reply *stale)
{
    reply *made = new_reply(stale->status, alto_blob_retain(stale->body));
    if (made) {
        memcpy(made->type, stale->type, sizeof made->type);
        memcpy(made->coding, stale->coding, sizeof made->coding);
        memcpy(made->tag, stale->tag, sizeof made->tag);
        memcpy(made->modified, stale->modified, sizeof made->modified);
    }
    return made;
}

static void copy_value(char *to, size_t room, const char *value)
{
    size_t size = strlen(value) + 1;
    if (size <= room)
        memcpy(to, value, size);
}

static reply *passed_reply(const alto_pull_result *result)
{
    reply *made = new_reply((unsigned)result->http_status, alto_blob_new(result->body, alto_slice_of(NULL, 0)));
    if (made) {
        copy_value(made->type, sizeof made->type, result->headers.content_type);
        copy_value(made->coding, sizeof made->coding, result->headers.content_encoding);
        copy_value(made->tag, sizeof made->tag, result->headers.etag);
        copy_value(made->modified, sizeof made->modified, result->headers.last_modified);
        made->retry_after_s = result->retry_after_s;
    }
    return made;
}

/* May a client hear that? Redirects lead past us, who has to log in is this server, and what we cannot say of a body is needed to read it. */
static bool is_for_clients(const alto_pull_result *result)
{
    long status = result->http_status;
    if (strlen(result->headers.content_type) >= TYPE_TEXT || strlen(result->headers.content_encoding) >= CODING_TEXT)
        return false;
    return status >= 200 && status != 204 && status != 206 && (status < 300 || status >= 400) && status != 401 &&
           status != 407;
}

static reply *reply_of(const flight *one, const alto_pull_result *result)
{
    reply *made;
    bool unchanged = result->whole && result->http_status == 304 && one->stale;
    if (result->timed_out)
        return own_reply(504, "the ALTO server has not answered in time\n");
    if (!unchanged && (!result->whole || !is_for_clients(result)))
        return own_reply(502, result->http_status ? "the ALTO server has given no answer that can be passed on\n"
                                                  : "the ALTO server cannot be reached\n");
    made = unchanged ? renewed_reply(one->stale) : passed_reply(result);
    if (!made)
        return NULL;
    made->asked_ms = one->asked_ms;
    made->rule = alto_cache_judge(&result->headers.caching, made->status == 200 && !one->asked.post,
                                  made->tag[0] || made->modified[0]);
    if (one->personal)
        made->rule.use = ALTO_CACHE_PRIVATE;
    return made;
}

static void on_done(void *context, const alto_pull_result *result)
{
    flight *one = context;
    const reply *came = reply_of(one, result);
    char url[600], why[300];
    bool failed = !came || came->status == 502 || came->status == 504;
    alto_log(failed ? ALTO_LOG_WARN : ALTO_LOG_DEBUG, "forward", "status=%u server=%ld url=%s why=%s",
             came ? came->status : 503, result->http_status, alto_log_value(one->asked.url, url, sizeof url),
             alto_log_value(result->why, why, sizeof why));
    finish(one, came);
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static void ask(alto_forward *self, flight *one)
{
    alto_pull_request request = {.url = one->asked.url,
                                 .method = one->asked.post ? "POST" : "GET",
                                 .body = one->asked.body,
                                 .content_type = one->asked.content_type,
                                 .accept = one->asked.accept[0] ? one->asked.accept : "*/*",
                                 .accept_encoding = one->asked.codings,
                                 .if_none_match = one->stale ? or_null(one->stale->tag) : NULL,
                                 .if_modified_since = one->stale ? or_null(one->stale->modified) : NULL,
                                 .silence_s = self->patience_s,
                                 .total_s = self->patience_s,
                                 .max_size = MAX_REPLY,
                                 .any_body = true};
    alto_login_use(self->login, &request);
    if (!alto_pull_start(self->puller, &request, NULL, on_done, one))
        finish(one, own_reply(502, "the ALTO server cannot be asked for that\n"));
}

static void on_queue(void *context)
{
    alto_forward *self = context;
    uint64_t times;
    if (read(self->wake, &times, sizeof times) != sizeof times)
        return;
    pthread_mutex_lock(&self->lock);
    flight *first = self->queue;
    self->queue = NULL;
    for (flight *at = first; at; at = at->queued)
        self->counts.asked++;
    pthread_mutex_unlock(&self->lock);
    for (flight *next; first; first = next) {
        next = first->queued;
        ask(self, first);
    }
}

/* ---- beginning and end ---- */

static bool open_all(alto_forward *self, const alto_forward_options *options)
{
    self->url = strdup(options->server);
    self->puller = alto_puller_new(self->loop);
    if (!self->url || !self->puller || self->wake < 0)
        return false;
    self->watched = alto_loop_watch(self->loop, self->wake, on_queue, self) == ALTO_OK;
    return self->watched;
}

alto_status alto_forward_new(alto_loop *loop, const alto_forward_options *options, alto_forward **out,
                             alto_error *error)
{
    if (!alto_url_same_server(options->server, options->server))
        return alto_fail(error, ALTO_CONFIG, options->server, "not a URL such as http://alto.example.net/directory");
    alto_forward *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, options->server, "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    self->loop = loop;
    self->login = options->login;
    self->patience_s = options->patience_s;
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!open_all(self, options)) {
        alto_forward_destroy(&self);
        return alto_fail(error, ALTO_NO_MEMORY, options->server, "out of memory or descriptors");
    }
    *out = self;
    return ALTO_OK;
}

static void release_all(flight *list)
{
    for (flight *next; list; list = next) {
        next = list->next;
        release_flight(list);
    }
}

void alto_forward_destroy(alto_forward **self)
{
    alto_forward *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    alto_puller_destroy(&gone->puller);
    if (gone->watched)
        alto_loop_unwatch(gone->loop, gone->wake);
    if (gone->wake >= 0)
        close(gone->wake);
    release_all(gone->under_way);
    release_all(gone->kept);
    pthread_mutex_destroy(&gone->lock);
    free(gone->url);
    free(gone);
}

void alto_forward_serve(alto_forward *self, alto_http_server *server)
{
    self->server = server;
}
