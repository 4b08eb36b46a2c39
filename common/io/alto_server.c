/* SPDX-License-Identifier: Apache-2.0 */
#include "io/alto_server.h"

#include "core/http_accept.h"
#include "core/ird_gather.h"
#include "core/ird_local.h"
#include "core/mapjson.h"
#include "core/query_client.h"
#include "io/answer.h"
#include "io/blob.h"
#include "io/forward.h"
#include "io/log.h"
#include "io/pull.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FRESH_S = 60, /* of a directory that says nothing */
    LEAST_S = 5,  /* between two readings; after a failure, too */
    MOST_S = 3600
};

static const char no_directory[] = "the directory of the ALTO server cannot be had\n";
static const char directory_type[] = "application/alto-directory+json";
static const char costs_type[] = "application/alto-endpointcost+json";

/* What the server offered when it was asked last. Immutable. */
typedef struct {
    atomic_uint references;
    const alto_blob *directory; /* of all that, URIs being ours */
    size_t count;
    alto_ird_entry entries[];
} offer;

struct alto_server {
    alto_server_options options;
    alto_login *login;
    alto_forward *forward;
    alto_puller *puller;
    alto_timer *timer;              /* until the directory is read again */
    alto_ird_gather *gather;        /* while it is read; NULL otherwise */
    char reading[ALTO_MAX_URL + 1]; /* the URL of that one of them that is asked for */
    size_t next_link;
    uint64_t fresh_s;     /* of all that was read this time */
    bool once_more;       /* at once after that: something was changed meanwhile */
    bool failed;          /* the last time; to log each change once */
    pthread_mutex_t lock; /* of all that follows */
    offer *offered;       /* NULL: the directory was never read */
    bool tried;           /* to read the directory, with whatever success */
    uint64_t turn;
};

/* ---- what is offered ---- */

static void release_offer(offer *one)
{
    if (!one || atomic_fetch_sub_explicit(&one->references, 1, memory_order_acq_rel) > 1)
        return;
    alto_blob_release(one->directory);
    free(one);
}

static offer *offer_now(alto_server *self)
{
    pthread_mutex_lock(&self->lock);
    offer *now = self->offered;
    if (now)
        atomic_fetch_add_explicit(&now->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&self->lock);
    return now;
}

static const alto_ird_entry *find_entry(const offer *one, const char *id)
{
    for (size_t i = 0; i < one->count; i++)
        if (strcmp(one->entries[i].id, id) == 0)
            return &one->entries[i];
    return NULL;
}

static bool is_offered(void *context, const char *id)
{
    return find_entry(context, id);
}

/* NULL: no memory, or too large. */
static const alto_blob *make_directory(const alto_ird_gather *gather, offer *of)
{
    alto_buffer theirs = alto_buffer_make(ALTO_MAX_DIRECTORY), ours = alto_buffer_make(2 * ALTO_MAX_DIRECTORY);
    bool made = alto_ird_gather_text(gather, &theirs) == ALTO_OK &&
                alto_ird_local(alto_buffer_slice(&theirs), is_offered, of, &ours) == ALTO_OK;
    const alto_blob *blob = made ? alto_blob_take(&ours) : NULL;
    alto_buffer_fini(&theirs);
    alto_buffer_fini(&ours);
    return blob;
}

/* Only what is on the very server. */
static bool may_ask(const alto_server *self, const alto_ird_entry *entry)
{
    return alto_url_same_server(self->options.url, entry->url) &&
           !(self->options.no_costs && strcmp(entry->media_type, costs_type) == 0);
}

/* NULL: no memory. */
static offer *make_offer(const alto_server *self)
{
    size_t count = 0;
    while (alto_ird_gather_entry(self->gather, count))
        count++;
    offer *made = malloc(sizeof *made + count * sizeof made->entries[0]);
    if (!made)
        return NULL;
    atomic_init(&made->references, 1);
    made->count = 0;
    for (size_t i = 0; i < count; i++) {
        const alto_ird_entry *entry = alto_ird_gather_entry(self->gather, i);
        if (may_ask(self, entry))
            made->entries[made->count++] = *entry;
    }
    made->directory = make_directory(self->gather, made);
    if (!made->directory) {
        free(made);
        return NULL;
    }
    return made;
}

/* ---- reading the directory ---- */

static void read_again_in(alto_server *self, uint64_t seconds)
{
    uint64_t wait_s = seconds < LEAST_S ? LEAST_S : seconds > MOST_S ? MOST_S : seconds;
    alto_ird_gather_destroy(&self->gather);
    alto_timer_arm(self->timer, self->once_more ? 0 : wait_s * 1000);
    self->once_more = false;
}

static void fail(alto_server *self, const char *why)
{
    char url[600], text[300];
    alto_log(self->failed ? ALTO_LOG_DEBUG : ALTO_LOG_WARN, "directory", "url=%s why=%s",
             alto_log_value(self->reading, url, sizeof url), alto_log_value(why, text, sizeof text));
    self->failed = true;
    pthread_mutex_lock(&self->lock);
    self->tried = true;
    pthread_mutex_unlock(&self->lock);
    read_again_in(self, LEAST_S);
}

static void on_fault(void *context, const char *id, const char *why)
{
    char name[200], text[300];
    (void)context;
    alto_log(ALTO_LOG_DEBUG, "directory", "entry=%s why=%s", alto_log_value(id, name, sizeof name),
             alto_log_value(why, text, sizeof text));
}

static void publish(alto_server *self)
{
    offer *made = make_offer(self);
    if (!made) {
        fail(self, "out of memory");
        return;
    }
    pthread_mutex_lock(&self->lock);
    offer *before = self->offered;
    self->offered = made;
    self->turn++;
    pthread_mutex_unlock(&self->lock);
    if (self->failed || !before || before->count != made->count)
        alto_log(ALTO_LOG_INFO, "directory", "resources=%zu links=%zu", made->count, self->next_link);
    release_offer(before);
    self->failed = false;
    read_again_in(self, self->fresh_s);
}

static void on_directory(void *context, const alto_pull_result *result);

static void read_directory(alto_server *self, const char *url)
{
    alto_pull_request request = {.url = url,
                                 .accept = "application/alto-directory+json, application/alto-error+json",
                                 .silence_s = self->options.patience_s,
                                 .total_s = self->options.patience_s,
                                 .max_size = ALTO_MAX_DIRECTORY};
    alto_login_use(self->login, &request);
    snprintf(self->reading, sizeof self->reading, "%s", url);
    if (!alto_pull_start(self->puller, &request, NULL, on_directory, self))
        fail(self, "it cannot be asked for");
}

/* The next directory that was linked to, or the end. One that cannot be had leaves all as it was. */
static void read_next(alto_server *self)
{
    const char *link;
    while ((link = alto_ird_gather_link(self->gather, self->next_link))) {
        self->next_link++;
        if (alto_url_same_server(self->options.url, link) && strcmp(self->options.url, link) != 0) {
            read_directory(self, link);
            return;
        }
    }
    publish(self);
}

static void on_directory(void *context, const alto_pull_result *result)
{
    alto_server *self = context;
    alto_error error;
    if (result->status != ALTO_OK) {
        fail(self, result->why);
        return;
    }
    const alto_cache_told *told = &result->headers.caching;
    uint64_t lifetime_s;
    uint64_t fresh_s = !alto_cache_lifetime(told, &lifetime_s) ? FRESH_S
                       : lifetime_s > told->age_s              ? lifetime_s - told->age_s
                                                               : 0;
    self->fresh_s = fresh_s < self->fresh_s ? fresh_s : self->fresh_s;
    if (alto_ird_gather_add(self->gather, self->reading, result->body, &error) != ALTO_OK)
        fail(self, error.why);
    else
        read_next(self);
}

static void on_timer(void *context)
{
    alto_server *self = context;
    self->next_link = 0;
    self->fresh_s = MOST_S;
    self->gather = alto_ird_gather_new(alto_url_resolve, on_fault, self);
    if (self->gather)
        read_directory(self, self->options.url);
    else
        fail(self, "out of memory");
}

/* ---- answering ---- */

/* Nothing is known of the server: who asks before it was tried to read its directory waits for that. */
static void answer_without(alto_server *self, const alto_http_request *request, alto_http_answer *answer)
{
    pthread_mutex_lock(&self->lock);
    bool tried = self->tried || self->offered;
    pthread_mutex_unlock(&self->lock);
    if (!tried && request->can_wait)
        answer->later = true;
    else
        alto_answer_refuse(answer, 502, no_directory);
}

static void forward(alto_server *self, const alto_ird_entry *entry, const alto_http_request *request,
                    alto_http_answer *answer)
{
    char client[ALTO_CLIENT_TEXT];
    alto_buffer body = alto_buffer_make(request->body.size + 2 * sizeof client);
    alto_forward_ask ask = {.url = entry->url, .body = request->body};
    bool costs = strcmp(entry->media_type, costs_type) == 0 && alto_query_client_of(request->peer, client);
    if (costs && alto_query_client(request->body, client, &body, &ask.personal) != ALTO_OK) {
        alto_answer_refuse_for_now(answer, LEAST_S, "out of memory\n");
    } else {
        if (costs)
            ask.body = alto_buffer_slice(&body);
        alto_forward_answer(self->forward, &ask, request, answer);
    }
    alto_buffer_fini(&body);
}

bool alto_server_answer(alto_server *self, const char *id, const alto_http_request *request, alto_http_answer *answer)
{
    offer *now = offer_now(self);
    const alto_ird_entry *entry = now ? find_entry(now, id) : NULL;
    if (!now)
        answer_without(self, request, answer);
    else if (entry && alto_answer_method(answer, request, entry->has_input ? "POST, OPTIONS" : "GET, HEAD, OPTIONS"))
        forward(self, entry, request, answer);
    release_offer(now);
    return !now || entry;
}

bool alto_server_offers(alto_server *self, const char *id)
{
    offer *now = offer_now(self);
    bool offered = now && find_entry(now, id);
    release_offer(now);
    return offered;
}

uint64_t alto_server_turn(alto_server *self)
{
    pthread_mutex_lock(&self->lock);
    uint64_t turn = self->turn;
    pthread_mutex_unlock(&self->lock);
    return turn;
}

static void give_directory(offer *now, const alto_http_request *request, alto_http_answer *answer)
{
    const char *etag = now->directory->etag;
    if (!alto_http_accepts(request->accept, directory_type)) {
        alto_answer_refuse(answer, 406, "the directory is application/alto-directory+json\n");
        return;
    }
    answer->status = alto_answer_tag_matches(request->if_none_match, etag) ? 304 : 200;
    alto_http_header(answer, "Content-Type", "%s", directory_type);
    alto_http_header(answer, "ETag", "%s", etag);
    alto_http_header(answer, "Cache-Control", "no-cache");
    answer->size = now->directory->size;
    if (answer->status == 200)
        alto_http_body(answer, alto_slice_of(now->directory->data, now->directory->size));
}

void alto_server_directory(alto_server *self, const alto_http_request *request, alto_http_answer *answer)
{
    offer *now = offer_now(self);
    if (!now)
        answer_without(self, request, answer);
    else if (alto_answer_method(answer, request, "GET, HEAD, OPTIONS"))
        give_directory(now, request, answer);
    release_offer(now);
}

void alto_server_info(alto_server *self, alto_buffer *out)
{
    offer *now = offer_now(self);
    alto_forward_counts counts = alto_forward_count(self->forward);
    alto_buffer_add_text(out, "{\"url\":");
    alto_json_string(out, alto_slice_text(self->options.url));
    alto_buffer_print(
        out, ",\"resources\":%zu,\"asked\":%llu,\"joined\":%llu,\"fresh\":%llu,\"failed\":%llu,\"kept\":%llu}",
        now ? now->count : 0, (unsigned long long)counts.asked, (unsigned long long)counts.joined,
        (unsigned long long)counts.fresh, (unsigned long long)counts.failed, (unsigned long long)counts.kept);
    release_offer(now);
}

/* ---- beginning and end ---- */

alto_status alto_server_new(alto_loop *loop, const alto_server_options *options, alto_server **out, alto_error *error)
{
    alto_server *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, options->url, "out of memory");
    self->options = *options;
    pthread_mutex_init(&self->lock, NULL);
    self->puller = alto_puller_new(loop);
    self->timer = alto_timer_new(loop, on_timer, self);
    alto_status status = self->puller && self->timer
                             ? alto_login_new(options->url, &options->login, &self->login, error)
                             : alto_fail(error, ALTO_NO_MEMORY, options->url, "out of memory");
    if (status == ALTO_OK)
        status = alto_forward_new(loop, &(alto_forward_options){options->url, options->patience_s, self->login},
                                  &self->forward, error);
    if (status != ALTO_OK) {
        alto_server_destroy(&self);
        return status;
    }
    alto_timer_arm(self->timer, 0);
    *out = self;
    return ALTO_OK;
}

void alto_server_destroy(alto_server **self)
{
    alto_server *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    alto_puller_destroy(&gone->puller);
    alto_timer_destroy(&gone->timer);
    alto_ird_gather_destroy(&gone->gather);
    alto_forward_destroy(&gone->forward);
    alto_login_destroy(&gone->login);
    release_offer(gone->offered);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
}

void alto_server_reload(alto_server *self)
{
    alto_login_reload(self->login);
    self->once_more = self->gather;
    if (!self->gather)
        alto_timer_arm(self->timer, 0);
}

void alto_server_serve(alto_server *self, alto_http_server *http)
{
    alto_forward_serve(self->forward, http);
}
