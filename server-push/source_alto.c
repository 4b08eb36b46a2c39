/* SPDX-License-Identifier: Apache-2.0 */
#include "source_alto.h"

#include "core/crypto.h"
#include "core/ird_gather.h"
#include "io/log.h"
#include "io/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    MAX_REDIRECTS = 8,
    MAX_VALIDATOR = 1024, /* bytes of an ETag or date; a longer one is not kept */
    AT_ONCE = 4,          /* answers that come in at the same time: each may be as large as memory allows */
    SILENCE_S = 30,
    FIRST_AGAIN_MS = 1000, /* after a failure, or in doubt */
    LEAST_AGE_MS = 1000,
    MOST_AGE_MS = 86400000,
    MS_PER_S = 1000,
    DOUBLINGS = 16
};

static const char directory_type[] = "application/alto-directory+json";
static const char network_type[] = "application/alto-networkmap+json";

/* What is needed to ask for something again. */
typedef struct {
    char etag[MAX_VALIDATOR], last_modified[MAX_VALIDATOR]; /* "" when there is none */
} validators;

typedef struct {
    source_alto *source;
    alto_ird_entry entry;
    validators held;
    uint64_t due_ms;
    unsigned failures; /* one after the other */
    bool shut;         /* not to be redistributed; that was said */
    alto_pull *pull;   /* under way; NULL */
} resource;

typedef struct {
    char url[ALTO_MAX_URL + 1]; /* as it was linked to */
    validators held;
    alto_buffer text; /* the last good one */
    bool shut;        /* not to be redistributed */
} directory;

typedef enum { RESTING, DIRECTORIES, NETWORK_MAPS, OTHERS } phase;

struct source_alto {
    alto_loop *loop;
    source_alto_options options;
    source_events events;
    alto_puller *puller;
    alto_timer *next, *enough;

    directory **directories; /* in the order of links, the root first */
    size_t directory_count;
    uint64_t directories_due_ms;
    unsigned directory_failures;
    bool shut; /* one of them is not for others; that was said */

    resource **resources;
    size_t count;

    /* The round that is under way. */
    phase phase;
    alto_ird_gather *gather;
    size_t reading; /* index of the directory that is asked for */
    alto_pull *directory_pull;
    uint64_t age_ms; /* the least of the directories' */
    bool whole;      /* all directories have been read */
    bool known;      /* the one that is read now is the one that was read before */
    bool fresh;      /* past all caches */
    bool again;      /* once more when it is over */
    size_t under_way;

    bool doubted;
    uint64_t doubt_ms; /* the next pause in doubt */
};

/* ---- asking ---- */

static bool is_type(const char *content_type, const char *wanted)
{
    size_t size = strcspn(content_type, "; \t");
    return size == 0 || (strlen(wanted) == size && strncasecmp(content_type, wanted, size) == 0);
}

static alto_pull *ask(source_alto *self, const char *url, const char *media_type, const validators *held,
                      size_t max_size, alto_pull_done_fn *done, void *context)
{
    char accept[ALTO_MAX_MEDIA_TYPE + 64];
    snprintf(accept, sizeof accept, "%s, application/alto-error+json", media_type);
    alto_pull_request request = {.url = url,
                                 .accept = accept,
                                 .if_none_match = held->etag[0] ? held->etag : NULL,
                                 .if_modified_since = held->last_modified[0] ? held->last_modified : NULL,
                                 .max_redirects = MAX_REDIRECTS,
                                 .silence_s = self->options.timeout_s < SILENCE_S ? self->options.timeout_s : SILENCE_S,
                                 .total_s = self->options.timeout_s,
                                 .max_size = max_size,
                                 .no_cache = self->fresh};
    alto_login_use(self->options.login, &request);
    return alto_pull_start(self->puller, &request, NULL, done, context);
}

static void keep_text(char kept[MAX_VALIDATOR], const char *text)
{
    snprintf(kept, MAX_VALIDATOR, "%s", strlen(text) < MAX_VALIDATOR ? text : "");
}

static void keep_validators(validators *held, const alto_pull_headers *headers)
{
    keep_text(held->etag, headers->etag);
    keep_text(held->last_modified, headers->last_modified);
}

/* An answer that is to be believed: 200 of the right type, or 304 to what is held. Otherwise *error says why not. */
static alto_status judge(const alto_pull_result *result, const char *media_type, const validators *held,
                         alto_error *error)
{
    bool asked = held->etag[0] || held->last_modified[0];
    if (result->status == ALTO_KNOWN && asked)
        return ALTO_KNOWN;
    if (result->status != ALTO_OK)
        return alto_fail(error, result->status == ALTO_KNOWN ? ALTO_IO : result->status, "", "%s", result->why);
    if (!is_type(result->headers.content_type, media_type))
        return alto_fail(error, ALTO_WRONG_TYPE, "", "its Content-Type is %s, not %s", result->headers.content_type,
                         media_type);
    return ALTO_OK;
}

/* ---- time ---- */

/* A little more than that, so that many do not ask at the same time. */
static uint64_t jittered(uint64_t ms)
{
    return ms + alto_random() % (ms / 8 + 1);
}

/* How long an answer is good. */
static uint64_t age_of(const source_alto *self, const alto_pull_result *result)
{
    const alto_cache_told *told = &result->headers.caching;
    if (!told->has_max_age || told->no_cache)
        return self->options.poll_ms;
    uint64_t left_ms = told->max_age_s > told->age_s ? (told->max_age_s - told->age_s) * MS_PER_S : 0;
    return left_ms < LEAST_AGE_MS ? LEAST_AGE_MS : left_ms > MOST_AGE_MS ? MOST_AGE_MS : left_ms;
}

/* How long to leave it alone after so many failures. */
static uint64_t pause_after(const source_alto *self, unsigned failures, const alto_pull_result *result)
{
    uint64_t pause_ms = (uint64_t)FIRST_AGAIN_MS << (failures < DOUBLINGS ? failures : DOUBLINGS);
    uint64_t told_ms = result->retry_after_s * MS_PER_S;
    if (pause_ms > self->options.poll_ms)
        pause_ms = self->options.poll_ms;
    return told_ms > pause_ms ? (told_ms < MOST_AGE_MS ? told_ms : MOST_AGE_MS) : pause_ms;
}

static bool is_due(uint64_t due_ms, uint64_t now_ms)
{
    return due_ms <= now_ms;
}

static void make_all_due(source_alto *self)
{
    self->directories_due_ms = 0;
    for (size_t i = 0; i < self->count; i++)
        self->resources[i]->due_ms = 0;
}

/* ---- resources ---- */

static resource *find(const source_alto *self, const char *id)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->resources[i]->entry.id, id) == 0)
            return self->resources[i];
    return NULL;
}

static bool is_network_map(const resource *of)
{
    return strcmp(of->entry.media_type, network_type) == 0;
}

static bool is_taken(const alto_ird_entry *entry)
{
    static const char *const types[] = {network_type, "application/alto-costmap+json", "application/alto-propmap+json"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (!entry->has_input && strcmp(entry->media_type, types[i]) == 0)
            return true;
    return false;
}

/* Does the answer say that it is not for others? Then nothing of it stays. */
static bool shut_out(resource *of, const alto_pull_headers *headers)
{
    const alto_cache_told *told = &headers->caching;
    bool shut = told->is_private || told->no_store;
    if (shut && !of->shut) {
        alto_log(ALTO_LOG_WARN, "not-redistributed", "resource=%s why=%s", of->entry.id,
                 told->is_private ? "private" : "no-store");
        of->source->events.removed(of->source->events.context, of->entry.id);
    }
    if (shut)
        of->held = (validators){.etag = ""}; /* should it be for others one day, its text is needed */
    of->shut = shut;
    return shut;
}

static void fail(resource *of, const alto_pull_result *result, const alto_error *error)
{
    source_alto *self = of->source;
    of->due_ms = alto_monotonic_ms() + jittered(pause_after(self, of->failures++, result));
    self->events.unreadable(self->events.context, of->entry.id, error);
}

static void note_news(source_alto *self, const resource *of)
{
    if (!alto_timer_armed(self->enough))
        alto_timer_arm(self->enough, self->options.max_wait_ms);
    for (size_t i = 0; is_network_map(of) && i < self->count; i++)
        if (!is_network_map(self->resources[i]))
            self->resources[i]->due_ms = 0;
}

static void take_text(resource *of, const alto_pull_result *result)
{
    source_alto *self = of->source;
    alto_status status = self->events.changed(self->events.context, of->entry.id, of->entry.media_type, result->body);
    if (status != ALTO_OK && status != ALTO_KNOWN) {
        of->held = (validators){.etag = ""};
        return;
    }
    keep_validators(&of->held, &result->headers);
    if (status == ALTO_OK)
        note_news(self, of);
}

static void go_on(source_alto *self);

static void on_resource(void *context, const alto_pull_result *result)
{
    resource *of = context;
    source_alto *self = of->source;
    alto_error error;
    of->pull = NULL;
    self->under_way--;
    alto_status status = judge(result, of->entry.media_type, &of->held, &error);
    if (status == ALTO_OK || status == ALTO_KNOWN) {
        of->failures = 0;
        of->due_ms = alto_monotonic_ms() + jittered(age_of(self, result));
        if (!shut_out(of, &result->headers) && status == ALTO_OK)
            take_text(of, result);
    } else {
        fail(of, result, &error);
    }
    go_on(self);
}

/* Ask for more of what is due in this phase. Is there nothing left of it? */
static bool ask_for_some(source_alto *self)
{
    static const alto_pull_result none = {.why = ""};
    uint64_t now_ms = alto_monotonic_ms();
    for (size_t i = 0; i < self->count && self->under_way < AT_ONCE; i++) {
        resource *of = self->resources[i];
        if (of->pull || is_network_map(of) != (self->phase == NETWORK_MAPS) || !is_due(of->due_ms, now_ms))
            continue;
        of->pull = ask(self, of->entry.url, of->entry.media_type, &of->held, ALTO_MAX_DOCUMENT, on_resource, of);
        if (of->pull) {
            self->under_way++;
            continue;
        }
        alto_error error;
        alto_fail(&error, ALTO_NO_MEMORY, "", "out of memory");
        fail(of, &none, &error);
    }
    return self->under_way == 0;
}

/* ---- from directories to resources ---- */

static bool gathered(const source_alto *self, const char *id)
{
    const alto_ird_entry *entry;
    for (size_t i = 0; (entry = alto_ird_gather_entry(self->gather, i)); i++)
        if (is_taken(entry) && strcmp(entry->id, id) == 0)
            return true;
    return false;
}

static void drop_what_is_gone(source_alto *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        resource *at = self->resources[i];
        if (gathered(self, at->entry.id)) {
            self->resources[kept++] = at;
            continue;
        }
        self->events.removed(self->events.context, at->entry.id);
        free(at);
    }
    self->count = kept;
}

static void take_entry(source_alto *self, const alto_ird_entry *entry)
{
    resource *at = find(self, entry->id);
    if (!at) {
        resource **larger = realloc(self->resources, (self->count + 1) * sizeof(resource *));
        if (!larger)
            return; /* the next round sees it again */
        self->resources = larger;
        at = calloc(1, sizeof *at);
        if (!at)
            return;
        at->source = self;
        at->entry = *entry;
        self->resources[self->count++] = at;
    }
    if (strcmp(at->entry.url, entry->url) != 0 || strcmp(at->entry.media_type, entry->media_type) != 0) {
        at->held = (validators){.etag = ""};
        at->due_ms = 0;
    }
    at->entry = *entry;
}

static void directory_free(directory *gone)
{
    alto_buffer_fini(&gone->text);
    free(gone);
}

static bool is_linked(const source_alto *self, const directory *of)
{
    const char *link;
    for (size_t i = 0; (link = alto_ird_gather_link(self->gather, i)); i++)
        if (strcmp(link, of->url) == 0)
            return true;
    return strcmp(of->url, self->options.url) == 0;
}

static void drop_unlinked(source_alto *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->directory_count; i++)
        if (is_linked(self, self->directories[i]))
            self->directories[kept++] = self->directories[i];
        else
            directory_free(self->directories[i]);
    self->directory_count = kept;
}

/* Is one of the directories not for others? */
static bool directory_shut(const source_alto *self)
{
    for (size_t i = 0; i < self->directory_count; i++)
        if (self->directories[i]->shut)
            return true;
    return false;
}

/* The document that all directories make. */
static void tell_directory(source_alto *self)
{
    bool was_shut = self->shut;
    self->shut = directory_shut(self);
    if (self->shut && !was_shut) {
        alto_log(ALTO_LOG_WARN, "not-redistributed", "resource=%s why=private", SOURCE_ALTO_DIRECTORY);
        self->events.removed(self->events.context, SOURCE_ALTO_DIRECTORY);
    }
    if (self->shut)
        return;
    alto_buffer text = alto_buffer_make(ALTO_MAX_DOCUMENT);
    if (alto_ird_gather_text(self->gather, &text) == ALTO_OK)
        self->events.changed(self->events.context, SOURCE_ALTO_DIRECTORY, directory_type, alto_buffer_slice(&text));
    alto_buffer_fini(&text);
}

/* All directories were asked for: what they name is what there is. */
static void end_directories(source_alto *self)
{
    const alto_ird_entry *entry;
    uint64_t now_ms = alto_monotonic_ms();
    for (size_t i = 0; (entry = alto_ird_gather_entry(self->gather, i)); i++)
        if (is_taken(entry))
            take_entry(self, entry);
    if (self->whole) {
        drop_what_is_gone(self);
        drop_unlinked(self);
        tell_directory(self);
        self->directory_failures = 0;
        self->directories_due_ms = now_ms + jittered(self->age_ms);
    }
    alto_ird_gather_destroy(&self->gather);
    self->phase = NETWORK_MAPS;
}

/* ---- directories ---- */

/* An entry or link of no use; said once for each text. */
static void on_fault(void *context, const char *id, const char *why)
{
    source_alto *self = context;
    char quoted[512];
    if (!self->known)
        alto_log(ALTO_LOG_WARN, "left-out", "resource=%s why=%s", id, alto_log_value(why, quoted, sizeof quoted));
}

static directory *directory_of(source_alto *self, const char *url)
{
    for (size_t i = 0; i < self->directory_count; i++)
        if (strcmp(self->directories[i]->url, url) == 0)
            return self->directories[i];
    directory **larger = realloc(self->directories, (self->directory_count + 1) * sizeof(directory *));
    if (!larger)
        return NULL;
    self->directories = larger;
    directory *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    snprintf(made->url, sizeof made->url, "%s", url);
    made->text = alto_buffer_make(ALTO_MAX_DIRECTORY);
    self->directories[self->directory_count++] = made;
    return made;
}

/* The error gets the URL where it says no other place. */
static void fail_directory(source_alto *self, const char *url, const alto_pull_result *result, alto_error *error)
{
    if (!error->where[0])
        snprintf(error->where, sizeof error->where, "%s", url);
    uint64_t pause_ms = pause_after(self, self->directory_failures++, result);
    self->whole = false;
    self->directories_due_ms = alto_monotonic_ms() + jittered(pause_ms);
    self->events.unreadable(self->events.context, SOURCE_ALTO_DIRECTORY, error);
}

/* Take up a directory that was answered for. It replaces the one that was held when it is one. */
static alto_status take_directory(source_alto *self, directory *of, const alto_pull_result *result, alto_status answer,
                                  alto_error *error)
{
    const alto_pull_headers *headers = &result->headers;
    alto_slice text = answer == ALTO_KNOWN ? alto_buffer_slice(&of->text) : result->body;
    self->known = alto_slice_equal(text, alto_buffer_slice(&of->text));
    alto_status status = alto_ird_gather_add(self->gather, headers->url, text, error);
    if (status != ALTO_OK)
        return status;
    uint64_t age_ms = age_of(self, result);
    self->age_ms = age_ms < self->age_ms ? age_ms : self->age_ms;
    of->shut = headers->caching.is_private || headers->caching.no_store;
    if (answer == ALTO_KNOWN)
        return ALTO_OK;
    alto_buffer_clear(&of->text);
    alto_buffer_add_slice(&of->text, text);
    of->held = (validators){.etag = ""};
    if (of->text.status == ALTO_OK)
        keep_validators(&of->held, headers);
    return ALTO_OK;
}

/* The one that is read next: the root, then what is linked to; NULL when that was all. */
static const char *next_directory(const source_alto *self)
{
    const char *link;
    if (self->reading == 0)
        return self->options.url;
    for (size_t i = 0, place = 1; (link = alto_ird_gather_link(self->gather, i)); i++)
        if (strcmp(link, self->options.url) != 0 && place++ == self->reading)
            return link;
    return NULL;
}

static void on_directory(void *context, const alto_pull_result *result)
{
    source_alto *self = context;
    directory *of = directory_of(self, next_directory(self));
    alto_error error;
    self->directory_pull = NULL;
    alto_status status = judge(result, directory_type, &of->held, &error);
    if (status == ALTO_OK || status == ALTO_KNOWN)
        status = take_directory(self, of, result, status, &error);
    if (status != ALTO_OK)
        fail_directory(self, of->url, result, &error);
    self->reading++;
    go_on(self);
}

/* Ask for the next directory; false when there is none left. */
static bool ask_for_directory(source_alto *self)
{
    static const alto_pull_result none = {.why = ""};
    alto_error error;
    for (const char *url; (url = next_directory(self)); self->reading++) {
        directory *of = directory_of(self, url);
        if (of)
            self->directory_pull = ask(self, url, directory_type, &of->held, ALTO_MAX_DIRECTORY, on_directory, self);
        if (self->directory_pull)
            return true;
        alto_fail(&error, ALTO_NO_MEMORY, "", "out of memory");
        fail_directory(self, url, &none, &error);
    }
    return false;
}

static void begin_directories(source_alto *self)
{
    self->gather = alto_ird_gather_new(alto_url_resolve, on_fault, self);
    self->phase = self->gather ? DIRECTORIES : NETWORK_MAPS;
    self->reading = 0;
    self->whole = true;
    self->age_ms = MOST_AGE_MS;
}

/* ---- rounds ---- */

static void arm_next(source_alto *self)
{
    uint64_t now_ms = alto_monotonic_ms(), first_ms = self->directories_due_ms;
    for (size_t i = 0; i < self->count; i++)
        if (self->resources[i]->due_ms < first_ms)
            first_ms = self->resources[i]->due_ms;
    alto_timer_arm(self->next, first_ms > now_ms ? first_ms - now_ms : 1);
}

static void end_round(source_alto *self)
{
    self->phase = RESTING;
    self->fresh = false;
    alto_timer_disarm(self->enough);
    self->doubted = false;
    self->events.settled(self->events.context);
    if (!self->doubted)
        self->doubt_ms = FIRST_AGAIN_MS;
    if (self->again)
        source_alto_look(self);
    else if (!self->doubted)
        arm_next(self);
}

static void go_on(source_alto *self)
{
    if (self->phase == DIRECTORIES) {
        if (ask_for_directory(self))
            return;
        end_directories(self);
    }
    if (self->phase == NETWORK_MAPS && ask_for_some(self))
        self->phase = OTHERS;
    if (self->phase == OTHERS && ask_for_some(self))
        end_round(self);
}

static void begin_round(void *context)
{
    source_alto *self = context;
    self->phase = NETWORK_MAPS;
    if (is_due(self->directories_due_ms, alto_monotonic_ms()))
        begin_directories(self);
    go_on(self);
}

static void on_enough(void *context)
{
    source_alto *self = context;
    self->events.enough(self->events.context);
}

void source_alto_look(source_alto *self)
{
    self->again = self->phase != RESTING;
    if (self->again)
        return;
    make_all_due(self);
    self->fresh = true;
    alto_timer_arm(self->next, 0);
}

void source_alto_doubt(source_alto *self)
{
    if (self->doubted || self->phase != RESTING)
        return;
    self->doubted = true;
    make_all_due(self);
    self->fresh = true;
    alto_timer_arm(self->next, jittered(self->doubt_ms));
    self->doubt_ms = 2 * self->doubt_ms < self->options.poll_ms ? 2 * self->doubt_ms : self->options.poll_ms;
}

void source_alto_again(source_alto *self, const char *name)
{
    resource *at = find(self, name);
    if (!at)
        return;
    at->held = (validators){.etag = ""};
    at->due_ms = 0;
}

const char *source_alto_url(const source_alto *self, const char *name)
{
    const resource *at = find(self, name);
    return at ? at->entry.url : self->options.url;
}

/* ---- life ---- */

alto_status source_alto_new(alto_loop *loop, const source_alto_options *options, const source_events *events,
                            source_alto **out, alto_error *error)
{
    char url[ALTO_MAX_URL + 1];
    if (!alto_url_resolve(options->url, "", url, sizeof url))
        return alto_fail(error, ALTO_CONFIG, options->url,
                         "not the URL of a directory; --alto-server needs http:// or https://");
    source_alto *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, options->url, "out of memory");
    self->loop = loop;
    self->options = *options;
    self->events = *events;
    self->doubt_ms = FIRST_AGAIN_MS;
    self->puller = alto_puller_new(loop);
    self->next = alto_timer_new(loop, begin_round, self);
    self->enough = alto_timer_new(loop, on_enough, self);
    if (!self->puller || !self->next || !self->enough) {
        source_alto_destroy(&self);
        return alto_fail(error, ALTO_NO_MEMORY, options->url, "out of memory");
    }
    alto_timer_arm(self->next, 0);
    *out = self;
    return ALTO_OK;
}

void source_alto_destroy(source_alto **self)
{
    source_alto *dying = *self;
    if (!dying)
        return;
    alto_puller_destroy(&dying->puller);
    alto_timer_destroy(&dying->next);
    alto_timer_destroy(&dying->enough);
    alto_ird_gather_destroy(&dying->gather);
    for (size_t i = 0; i < dying->directory_count; i++)
        directory_free(dying->directories[i]);
    for (size_t i = 0; i < dying->count; i++)
        free(dying->resources[i]);
    free(dying->directories);
    free(dying->resources);
    free(dying);
    *self = NULL;
}
