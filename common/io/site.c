/* SPDX-License-Identifier: Apache-2.0 */
#include "io/site.h"

#include "core/ird.h"
#include "core/mapjson.h"
#include "io/admission.h"
#include "io/answer.h"
#include "io/front_pull.h"
#include "io/site_info.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RETRY_AFTER_S = 5,
    INFO_MAX = 65536,      /* as much as a follower takes */
    INFO_OF_ORIGIN = 1664, /* at most, without the endpoints: all kinds of refusals in their largest numbers */
    INFO_OF_BEHIND = 1024  /* and of who is behind it */
};

typedef struct {
    char base[ALTO_MAX_NAME + 2]; /* "/isp-a"; "": no name */
    alto_archive *archive;
    const alto_counts *counts;
    const alto_evidence *evidence;
    alto_behind behind;
    alto_front *front;
    alto_front_pull *pull;
} origin;

struct alto_site {
    alto_buffer push;     /* list of the endpoints */
    alto_push_gate *gate; /* NULL: push is not encrypted */
    alto_admission *admission;
    origin origins[ALTO_MAX_ORIGINS];
    size_t count;
    void (*hop_info)(const void *context, alto_buffer *out); /* NULL: nothing more is told of this hop */
    const void *hop;
    size_t told; /* bytes that info may have of them, at most */
};

static const char pull_prefix[] = "/redistribution/v1/";

alto_site *alto_site_new(const char *const *push, size_t count, alto_push_gate *gate)
{
    alto_site *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->admission = alto_admission_new();
    self->gate = gate;
    self->push = alto_buffer_make(INFO_MAX);
    alto_buffer_add_text(&self->push, "[");
    for (size_t i = 0; i < count; i++) {
        alto_buffer_add_text(&self->push, i ? "," : "");
        alto_json_string(&self->push, alto_slice_text(push[i]));
    }
    alto_buffer_add_text(&self->push, "]");
    if (!self->admission || self->push.status != ALTO_OK)
        alto_site_destroy(&self);
    return self;
}

void alto_site_tell(alto_site *self, void (*info)(const void *context, alto_buffer *out), const void *context)
{
    self->hop_info = info;
    self->hop = context;
    self->told += ALTO_SITE_TOLD;
}

static void origin_fini(origin *at)
{
    alto_front_destroy(&at->front);
    alto_front_pull_destroy(&at->pull);
}

void alto_site_destroy(alto_site **self)
{
    if (!*self)
        return;
    for (size_t i = 0; i < (*self)->count; i++)
        origin_fini(&(*self)->origins[i]);
    alto_admission_destroy(&(*self)->admission);
    alto_buffer_fini(&(*self)->push);
    free(*self);
    *self = NULL;
}

/* ---- origins ---- */

bool alto_site_is_name(const char *name)
{
    alto_slice segment = alto_slice_text(name);
    return alto_name_valid(segment) && !alto_path_reserved(segment);
}

static const char *name_of(const origin *at)
{
    return at->base[0] ? at->base + 1 : NULL;
}

/* The names and origins of a site differ. */
static alto_status check_new(const alto_site *self, const alto_archive *archive, const char *name, alto_error *error)
{
    const char *shown = name ? name : "";
    bool nameless = self->count > 0 && (!name || !name_of(&self->origins[0]));
    if (nameless || (name && !alto_site_is_name(name)))
        return alto_fail(error, ALTO_CONFIG, shown, "cannot be the name of an origin");
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(name_of(&self->origins[i]), shown) == 0)
            return alto_fail(error, ALTO_CONFIG, shown, "two origins have this name");
        if (alto_hash_equal(alto_archive_origin(archive), alto_archive_origin(self->origins[i].archive)))
            return alto_fail(error, ALTO_CONFIG, shown, "it is the same origin as %s", name_of(&self->origins[i]));
    }
    return ALTO_OK;
}

alto_status alto_site_add(alto_site *self, alto_archive *archive, const alto_site_options *options, alto_front **front,
                          alto_error *error)
{
    alto_status status = check_new(self, archive, options->name, error);
    if (status != ALTO_OK)
        return status;
    size_t told = self->told + INFO_OF_ORIGIN + self->push.size + (options->behind.info ? INFO_OF_BEHIND : 0);
    if (self->count == ALTO_MAX_ORIGINS || told > INFO_MAX)
        return alto_fail(error, ALTO_TOO_LARGE, options->name,
                         "there are too many origins, or push endpoints for them");
    origin *at = &self->origins[self->count];
    *at = (origin){
        .archive = archive, .counts = options->counts, .evidence = options->evidence, .behind = options->behind};
    if (options->name)
        snprintf(at->base, sizeof at->base, "/%s", options->name);
    at->front = alto_front_new(archive, options->stale);
    at->pull = alto_front_pull_new(archive, self->admission);
    if (!at->front || !at->pull) {
        origin_fini(at);
        return alto_fail(error, ALTO_NO_MEMORY, "site", "out of memory");
    }
    alto_front_set_behind(at->front, &options->behind);
    alto_front_set_notify(at->front, options->notify);
    self->count++;
    self->told = told;
    *front = at->front;
    return ALTO_OK;
}

/* ---- the pull side ---- */

static void answer_info(const alto_site *self, alto_http_answer *answer)
{
    alto_buffer text = alto_buffer_make(INFO_MAX);
    alto_site_origin told[ALTO_MAX_ORIGINS];
    for (size_t i = 0; i < self->count; i++) {
        const origin *at = &self->origins[i];
        told[i] = (alto_site_origin){.name = name_of(at),
                                     .archive = at->archive,
                                     .counts = at->counts,
                                     .evidence = at->evidence,
                                     .behind = &at->behind,
                                     .freshness = alto_front_freshness_now(at->front)};
    }
    const alto_site_hop hop = {alto_buffer_slice(&self->push), self->gate, alto_admission_refused(self->admission),
                               self->hop_info, self->hop};
    alto_status status = alto_site_info(&hop, told, self->count, &text);
    if (status == ALTO_OK)
        alto_answer_json(answer, 200, alto_buffer_slice(&text));
    else
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
    alto_buffer_fini(&text);
}

/* The origin that "<origin>/..." names; NULL: none that is served here. */
static const origin *origin_of(const alto_site *self, const char *path)
{
    alto_origin named;
    size_t digits = 2 * ALTO_HASH_SIZE;
    if (strlen(path) <= digits || path[digits] != '/' ||
        !alto_unhex(named.bytes, ALTO_HASH_SIZE, alto_slice_of(path, digits)))
        return NULL;
    for (size_t i = 0; i < self->count; i++)
        if (alto_hash_equal(&named, alto_archive_origin(self->origins[i].archive)))
            return &self->origins[i];
    return NULL;
}

static void answer_pull(const alto_site *self, const char *path, const alto_http_request *request,
                        alto_http_answer *answer)
{
    const origin *at = origin_of(self, path);
    if (!alto_answer_method(answer, request, "GET, HEAD, OPTIONS"))
        return;
    if (strcmp(path, "info") == 0)
        answer_info(self, answer);
    else if (at)
        alto_front_pull_answer(at->pull, path + 2 * ALTO_HASH_SIZE + 1, request, answer);
    else
        alto_answer_refuse(answer, 404, "no such origin here; see /redistribution/v1/info\n");
}

/* ---- the ALTO side ---- */

/* The origin whose name the path begins with; else the first one, with no base. */
static const origin *origin_at(const alto_site *self, const char *path, const char **base)
{
    for (size_t i = 0; i < self->count; i++) {
        const origin *at = &self->origins[i];
        size_t size = strlen(at->base);
        if (size && strncmp(path, at->base, size) == 0 && path[size] == '/') {
            *base = at->base;
            return at;
        }
    }
    *base = "";
    return &self->origins[0];
}

void alto_site_answer(void *context, const alto_http_request *request, alto_http_answer *answer)
{
    const alto_site *self = context;
    size_t skip = strlen(pull_prefix);
    if (strcmp(request->path, "*") == 0 && strcmp(request->method, "OPTIONS") == 0) {
        alto_answer_method(answer, request, "GET, HEAD, OPTIONS, POST"); /* of the server as a whole */
        return;
    }
    if (strncmp(request->path, pull_prefix, skip) == 0) {
        answer_pull(self, request->path + skip, request, answer);
        return;
    }
    alto_http_request below = *request;
    const origin *at = origin_at(self, request->path, &below.base);
    below.path += strlen(below.base);
    alto_front_answer(at->front, &below, answer);
}
