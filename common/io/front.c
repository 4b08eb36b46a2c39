/* SPDX-License-Identifier: Apache-2.0 */
#include "io/front.h"

#include "core/http_accept.h"
#include "core/ird.h"
#include "core/render.h"
#include "core/service_origin.h"
#include "io/answer.h"
#include "io/front_directory.h"
#include "io/front_query.h"
#include "io/loop.h"
#include "io/memory_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    KEPT_RENDERINGS = 64,
    ETAG_SIZE = 80,
    RETRY_AFTER_S = 5,
    FILE_LEAST = 65536,    /* bytes of a body from which on sending it from a file pays ... */
    FILES_MOST = 268435456 /* ... and of the memory that all those files of one front take */
};

/* A body that answers share. */
typedef struct {
    atomic_size_t owners;
    alto_rendering *rendering; /* owned */
    /* Under the lock of the front: */
    int file;     /* the same once more, made when it is asked for again; -1: none. Once there, it stays */
    bool no_file; /* none is to be made */
    bool kept;    /* in a place */
} body;

/* The newest rendering of a resource in one coding, so that a GET costs no walk over the tree. */
typedef struct {
    alto_hash root;
    alto_coding coding;
    body *body; /* owned; NULL: free place */
    char id[ALTO_MAX_NAME + 1];
    uint64_t used; /* turn of its last use */
} kept;

struct alto_front {
    alto_archive *archive;
    alto_front_directory *directory;
    alto_behind behind;        /* all NULL: nobody */
    const alto_notify *notify; /* NULL: nobody is notified here */
    alto_stale_policy stale;
    alto_shared_freshness freshness;
    pthread_mutex_t lock; /* of kept */
    kept kept[KEPT_RENDERINGS];
    uint64_t turn;
    uint64_t file_bytes;      /* that all files take */
    alto_front_kept *queries; /* kept answers to requests with a body */
};

static const char reading[] = "GET, HEAD, OPTIONS"; /* what maps and the directory allow */
static const char directory_type[] = "application/alto-directory+json";

alto_front *alto_front_new(alto_archive *archive, alto_stale_policy stale)
{
    alto_front *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->archive = archive;
    self->stale = stale;
    self->directory = alto_front_directory_new();
    self->queries = alto_front_kept_new();
    pthread_mutex_init(&self->lock, NULL);
    if (!self->directory || !self->queries)
        alto_front_destroy(&self);
    return self;
}

void alto_front_set_behind(alto_front *self, const alto_behind *behind)
{
    self->behind = *behind;
    alto_front_directory_set_behind(self->directory, behind);
}

void alto_front_set_notify(alto_front *self, const alto_notify *notify)
{
    self->notify = notify;
}

/* ---- bodies ---- */

/* Takes the rendering over. NULL: out of memory. */
static body *body_new(alto_rendering *rendering)
{
    body *made = malloc(sizeof *made);
    if (made)
        *made = (body){.owners = 1, .rendering = rendering, .file = -1};
    else
        alto_rendering_release(rendering);
    return made;
}

static body *body_retain(body *self)
{
    atomic_fetch_add_explicit(&self->owners, 1, memory_order_relaxed);
    return self;
}

static void body_release(void *owner)
{
    body *self = owner;
    if (!self || atomic_fetch_sub_explicit(&self->owners, 1, memory_order_acq_rel) > 1)
        return;
    if (self->file >= 0)
        close(self->file);
    alto_rendering_release(self->rendering);
    free(self);
}

static alto_slice rendering_piece(void *owner, size_t index)
{
    return alto_rendering_piece(owner, index);
}

static alto_slice body_piece(void *owner, size_t index)
{
    const body *self = owner;
    return alto_rendering_piece(self->rendering, index);
}

static uint64_t file_room(const body *of)
{
    return alto_memory_file_room(alto_rendering_size(of->rendering));
}

/* Take what is in a place out of it; NULL: nothing. Under the lock. */
static body *vacate(alto_front *self, kept *place)
{
    body *gone = place->body;
    if (gone && gone->file >= 0)
        self->file_bytes -= file_room(gone);
    if (gone)
        gone->kept = false;
    *place = (kept){.body = NULL};
    return gone;
}

void alto_front_destroy(alto_front **self)
{
    if (!*self)
        return;
    for (size_t i = 0; i < KEPT_RENDERINGS; i++)
        body_release(vacate(*self, &(*self)->kept[i]));
    alto_front_directory_destroy(&(*self)->directory);
    alto_front_kept_destroy(&(*self)->queries);
    pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

/* ---- the ALTO side ---- */

/* The place of this very version, or NULL. Under the lock. */
static kept *find_place(alto_front *self, const char *id, const alto_hash *root, alto_coding coding)
{
    for (size_t i = 0; i < KEPT_RENDERINGS; i++) {
        kept *at = &self->kept[i];
        if (at->body && at->coding == coding && alto_hash_equal(&at->root, root) && strcmp(at->id, id) == 0)
            return at;
    }
    return NULL;
}

/* One more owner of what is kept; NULL: nothing. */
static body *find_kept(alto_front *self, const char *id, const alto_hash *root, alto_coding coding)
{
    body *found = NULL;
    pthread_mutex_lock(&self->lock);
    kept *at = find_place(self, id, root, coding);
    if (at) {
        at->used = ++self->turn;
        found = body_retain(at->body);
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

static void keep(alto_front *self, const char *id, const alto_hash *root, alto_coding coding, body *added)
{
    pthread_mutex_lock(&self->lock);
    kept *place = &self->kept[0];
    for (size_t i = 0; i < KEPT_RENDERINGS; i++) {
        kept *at = &self->kept[i];
        if (at->body && at->coding == coding && strcmp(at->id, id) == 0) {
            place = at;
            break;
        }
        if (!at->body || (place->body && at->used < place->used))
            place = at;
    }
    body *before = vacate(self, place);
    *place = (kept){.root = *root, .coding = coding, .body = body_retain(added), .used = ++self->turn};
    snprintf(place->id, sizeof place->id, "%s", id);
    added->kept = true;
    pthread_mutex_unlock(&self->lock);
    body_release(before);
}

/* The file of a body that was kept before, made when it is asked for; it lives as long as the body. -1: none. */
static int file_of(alto_front *self, body *of)
{
    uint64_t size = alto_rendering_size(of->rendering), room = file_room(of);
    if (size < FILE_LEAST)
        return -1;
    pthread_mutex_lock(&self->lock);
    int file = of->file;
    bool make = file < 0 && !of->no_file && of->kept && room <= FILES_MOST - self->file_bytes;
    if (make) {
        of->no_file = true; /* nobody else is to make it, nor is it tried again */
        self->file_bytes += room;
    }
    pthread_mutex_unlock(&self->lock);
    if (!make)
        return file;
    file = alto_memory_file(size, alto_rendering_pieces(of->rendering), rendering_piece, of->rendering);
    pthread_mutex_lock(&self->lock);
    of->file = file;
    if (file < 0 || !of->kept)
        self->file_bytes -= room;
    pthread_mutex_unlock(&self->lock);
    return file;
}

static void copy_id(const alto_resource *resource, char id[ALTO_MAX_NAME + 1])
{
    snprintf(id, ALTO_MAX_NAME + 1, "%.*s", (int)resource->name.id.size, (const char *)resource->name.id.data);
}

/* One more owner of the body of a 200; NULL: out of memory. *file: -1 when its pieces are to be sent. */
static body *body_of(alto_front *self, const alto_resource *resource, alto_coding coding, int *file)
{
    char id[ALTO_MAX_NAME + 1];
    alto_rendering *rendering;
    copy_id(resource, id);
    body *found = find_kept(self, id, &resource->entry.root, coding);
    *file = found ? file_of(self, found) : -1;
    if (found || alto_render(resource->version, coding, &rendering) != ALTO_OK)
        return found;
    body *made = body_new(rendering);
    if (made)
        keep(self, id, &resource->entry.root, coding, made);
    return made;
}

static void describe(alto_http_answer *answer, const char *media_type, const char *etag, alto_coding coding)
{
    alto_http_header(answer, "Content-Type", "%s", media_type);
    alto_http_header(answer, "ETag", "%s", etag);
    alto_http_header(answer, "Vary", "Accept-Encoding");
    alto_http_header(answer, "Cache-Control", "no-cache"); /* may be kept, must be checked: 304 is cheap */
    if (coding != ALTO_IDENTITY)
        alto_http_header(answer, "Content-Encoding", "%s", alto_coding_name(coding));
}

/* What a 200 would have as its Content-Length; 0: not known. */
static uint64_t size_of_answer(alto_front *self, const alto_resource *resource, alto_coding coding)
{
    char id[ALTO_MAX_NAME + 1];
    if (coding == ALTO_IDENTITY)
        return resource->entry.text_size;
    copy_id(resource, id);
    body *found = find_kept(self, id, &resource->entry.root, coding);
    uint64_t size = found ? alto_rendering_size(found->rendering) : 0;
    body_release(found);
    return size;
}

static void answer_resource(alto_front *self, const alto_resource *resource, const alto_http_request *request,
                            alto_http_answer *answer)
{
    char root[2 * ALTO_HASH_SIZE + 1], etag[ETAG_SIZE];
    alto_coding coding = alto_coding_choose(request->accept_encoding);
    int file;
    if (!alto_http_accepts(request->accept, resource->entry.media_type)) {
        alto_answer_refuse(answer, 406, "this resource has another media type\n");
        return;
    }
    alto_hex(root, resource->entry.root.bytes, ALTO_HASH_SIZE / 2);
    bool packed = coding != ALTO_IDENTITY;
    snprintf(etag, sizeof etag, "\"%s%s%s\"", root, packed ? "-" : "", packed ? alto_coding_name(coding) : "");
    if (alto_answer_tag_matches(request->if_none_match, etag)) {
        answer->status = 304;
        answer->size = size_of_answer(self, resource, coding);
        describe(answer, resource->entry.media_type, etag, ALTO_IDENTITY);
        return;
    }
    body *given = body_of(self, resource, coding, &file);
    if (!given) {
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
        return;
    }
    answer->status = 200;
    describe(answer, resource->entry.media_type, etag, coding);
    answer->piece_count = alto_rendering_pieces(given->rendering);
    answer->piece = body_piece;
    answer->size = alto_rendering_size(given->rendering);
    answer->release = body_release;
    answer->owner = given;
    answer->has_file = file >= 0;
    answer->file = file;
}

/* Takes the text over. */
static void give_directory(const alto_blob *text, alto_coding coding, const alto_http_request *request,
                           alto_http_answer *answer)
{
    if (alto_answer_tag_matches(request->if_none_match, text->etag)) {
        answer->status = 304;
        answer->size = text->size;
        describe(answer, directory_type, text->etag, ALTO_IDENTITY);
        alto_blob_release(text);
        return;
    }
    answer->status = 200;
    describe(answer, directory_type, text->etag, coding);
    alto_answer_blob(answer, text);
}

static void answer_directory(const alto_front *self, const alto_view *view, const alto_http_request *request,
                             alto_http_answer *answer)
{
    alto_coding coding = alto_coding_choose(request->accept_encoding);
    const alto_blob *text;
    if (!alto_http_accepts(request->accept, directory_type))
        alto_answer_refuse(answer, 406, "the directory is application/alto-directory+json\n");
    else if (alto_front_directory_get(self->directory, view, request->base, coding, &text) != ALTO_OK)
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "out of memory\n");
    else
        give_directory(text, coding, request, answer);
}

/* A path that is no map's: one of the services, or nothing. */
static void answer_service(const alto_front *self, const alto_view *view, const alto_http_request *request,
                           alto_http_answer *answer)
{
    alto_service service;
    const char *id = alto_path_id(request->path);
    if (!id || !alto_front_service(self->directory, view, id, &service))
        alto_answer_refuse(answer, 404, "no resource of that ID; see the directory\n");
    else if (!alto_answer_method(answer, request, "POST, OPTIONS"))
        return;
    else if (service.map && !alto_resource_shown(service.map))
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "this map does not fit its network map at the moment\n");
    else
        alto_front_query(self->queries, view, &service, request, answer);
}

/* What is read: a map, or without one the directory. */
static void answer_reading(alto_front *self, const alto_view *view, const alto_resource *resource,
                           const alto_http_request *request, alto_http_answer *answer)
{
    if (!alto_answer_method(answer, request, reading))
        return;
    if (!resource)
        answer_directory(self, view, request, answer);
    else if (!resource->version)
        alto_answer_refuse(answer, 404, "this server does not hold that resource\n");
    else if (!alto_resource_shown(resource))
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "this resource does not fit its network map at the moment\n");
    else
        answer_resource(self, resource, request, answer);
}

static void answer_alto(alto_front *self, const alto_http_request *request, alto_http_answer *answer)
{
    alto_view *view = alto_archive_view(self->archive);
    bool directory = strcmp(request->path, "/directory") == 0;
    const alto_resource *resource = view && !directory ? alto_resource_at(view, request->path) : NULL;
    if (!view)
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "nothing verified is held yet\n");
    else if (directory || resource)
        answer_reading(self, view, resource, request, answer);
    else
        answer_service(self, view, request, answer);
    alto_view_release(view);
}

void alto_front_freshness(alto_front *self, const alto_freshness *freshness)
{
    alto_freshness_share(&self->freshness, freshness);
}

alto_freshness alto_front_freshness_now(const alto_front *self)
{
    return alto_freshness_now(&self->freshness);
}

/* Mark the answer when the state is stale; false: it was refused for that. */
static bool may_answer(const alto_front *self, alto_http_answer *answer)
{
    alto_freshness freshness = alto_freshness_now(&self->freshness);
    uint64_t now_ms = alto_clock_ms();
    alto_stale_verdict verdict = alto_stale_judge(self->stale, &freshness, now_ms);
    if (verdict == ALTO_ANSWER_PLAIN)
        return true;
    alto_http_header(answer, "Age", "%llu", (unsigned long long)alto_freshness_age_ms(&freshness, now_ms) / 1000);
    alto_http_header(answer, "Altocast-State", "stale");
    if (verdict == ALTO_ANSWER_REFUSED)
        alto_answer_refuse_for_now(answer, RETRY_AFTER_S, "what is held here is stale: the origin is not heard of\n");
    return verdict == ALTO_ANSWER_MARKED;
}

/* A map that is held, or a service that maps answer as well as the origin does: it may know costs between endpoints finer than its
 * maps tell. One that we made is ours where we know that the origin has none of that ID. */
static bool is_ours(const alto_front *self, const alto_view *view, const char *id)
{
    alto_service service;
    const alto_resource *resource = alto_view_by_id(view, id);
    if (resource)
        return resource->version;
    if (!alto_service_find(view, ALTO_SERVICES, id, &service))
        return false;
    return service.entry.size ? service.kind != ALTO_SERVICE_ENDPOINT_COST || self->behind.no_costs
                              : alto_origin_directory(view) != NULL;
}

static bool is_answered_here(const alto_front *self, const char *id)
{
    alto_view *view = alto_archive_view(self->archive);
    bool ours = view && is_ours(self, view, id);
    alto_view_release(view);
    return ours;
}

/* False: nobody answers for us. */
static bool answer_behind(alto_front *self, const alto_http_request *request, alto_http_answer *answer)
{
    const char *id = alto_path_id(request->path);
    return self->behind.answer && id && !is_answered_here(self, id) &&
           self->behind.answer(self->behind.context, id, request, answer);
}

void alto_front_answer(alto_front *self, const alto_http_request *request, alto_http_answer *answer)
{
    if (self->notify && strcmp(request->path, ALTO_NOTIFY_PATH) == 0)
        alto_notify_answer(self->notify, request, answer);
    else if (!answer_behind(self, request, answer) && may_answer(self, answer))
        answer_alto(self, request, answer);
}
