/* SPDX-License-Identifier: Apache-2.0 */
#include "io/archive.h"

#include "core/snapshot.h"
#include "io/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 16384, PATH_SIZE = ALTO_WANT_PATH };

typedef struct object {
    atomic_uint refs;
    alto_blob blob;
    struct object *next_in_slot;
    struct object *older, *newer; /* in order of arrival */
    uint64_t since_ms;            /* when it came, or when the view that was current then was superseded */
    bool current;                 /* it came with the current view, or since */
    bool is_signed;               /* a commit or a payload: what nobody here could make again */
    char path[PATH_SIZE];
    uint8_t bytes[];
} object;

/* A view that is no longer current. */
typedef struct {
    alto_view *view; /* retained */
    uint64_t superseded_ms;
} past;

struct alto_archive {
    alto_origin origin;
    pthread_mutex_t lock;   /* all below */
    pthread_mutex_t making; /* one snapshot or delta is made at a time; never taken while holding `lock` */
    alto_view *view;
    object *slots[SLOTS];
    object *oldest, *newest;
    size_t objects, bytes;
    object *head, *manifest;    /* owned besides the list */
    past past[ALTO_KEEP_VIEWS]; /* ring, oldest at past_first */
    size_t past_first, past_count;
};

#define OBJECT(pointer) ((object *)(uintptr_t)((const char *)(pointer)-offsetof(object, blob)))

static object *object_new(const char *path, alto_slice bytes, alto_slice more)
{
    object *made = malloc(sizeof *made + bytes.size + more.size);
    if (!made)
        return NULL;
    *made = (object){.since_ms = alto_monotonic_ms(), .current = true};
    atomic_init(&made->refs, 1);
    snprintf(made->path, sizeof made->path, "%s", path);
    if (bytes.size)
        memcpy(made->bytes, bytes.data, bytes.size);
    if (more.size)
        memcpy(made->bytes + bytes.size, more.data, more.size);
    made->blob = (alto_blob){.size = bytes.size + more.size, .data = made->bytes};
    char hex[ALTO_HASH_SIZE + 1];
    alto_hash hash = alto_hash_of("altocast-etag-1", alto_slice_of(made->blob.data, made->blob.size));
    alto_hex(hex, hash.bytes, ALTO_HASH_SIZE / 2);
    snprintf(made->blob.etag, sizeof made->blob.etag, "\"%s\"", hex);
    return made;
}

static const alto_blob *object_share(object *self)
{
    atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    return &self->blob;
}

static void object_release(object *self)
{
    if (self && atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) == 1)
        free(self);
}

void alto_blob_release(const alto_blob *blob)
{
    if (blob)
        object_release(OBJECT(blob));
}

alto_archive *alto_archive_new(const alto_origin *origin)
{
    alto_archive *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->origin = *origin;
    pthread_mutex_init(&self->lock, NULL);
    pthread_mutex_init(&self->making, NULL);
    return self;
}

static size_t slot_of(const char *path)
{
    return (size_t)(alto_short_hash(alto_slice_text(path)) % SLOTS);
}

/* ---- under the lock ---- */

static object *find(alto_archive *self, const char *path)
{
    object *at = self->slots[slot_of(path)];
    while (at && strcmp(at->path, path) != 0)
        at = at->next_in_slot;
    return at;
}

static void unlist(alto_archive *self, object *gone)
{
    object **link = &self->slots[slot_of(gone->path)];
    while (*link != gone)
        link = &(*link)->next_in_slot;
    *link = gone->next_in_slot;
    *(gone->older ? &gone->older->newer : &self->oldest) = gone->newer;
    *(gone->newer ? &gone->newer->older : &self->newest) = gone->older;
    self->objects--;
    self->bytes -= gone->blob.size;
    object_release(gone);
}

/* Make it findable; takes over `added`. What stood at its path goes. */
static void list(alto_archive *self, object *added)
{
    object *there = find(self, added->path);
    if (there)
        unlist(self, there);
    object **slot = &self->slots[slot_of(added->path)];
    added->next_in_slot = *slot;
    *slot = added;
    added->older = self->newest;
    *(self->newest ? &self->newest->newer : &self->oldest) = added;
    self->newest = added;
    self->objects++;
    self->bytes += added->blob.size;
}

static void drop_oldest_view(alto_archive *self)
{
    alto_view_release(self->past[self->past_first].view);
    self->past_first = (self->past_first + 1) % ALTO_KEEP_VIEWS;
    self->past_count--;
}

static void forget_old(alto_archive *self)
{
    uint64_t now_ms = alto_monotonic_ms();
    for (object *at = self->oldest, *next; at; at = next) {
        bool is_old = !at->current && now_ms > at->since_ms + ALTO_KEEP_MS;
        bool too_much = self->bytes > ALTO_KEEP_BYTES || self->objects > ALTO_KEEP_OBJECTS;
        next = at->newer;
        if (!is_old && !too_much)
            break;
        if (is_old || !at->current || !at->is_signed)
            unlist(self, at);
    }
    while (self->past_count && now_ms > self->past[self->past_first].superseded_ms + ALTO_KEEP_MS)
        drop_oldest_view(self);
}

/* The current view becomes a past one, and with it all that came while it was current. */
static void supersede_view(alto_archive *self)
{
    uint64_t now_ms = alto_monotonic_ms();
    for (object *at = self->newest; at && at->current; at = at->older) {
        at->current = false;
        at->since_ms = now_ms;
    }
    if (!self->view)
        return;
    if (self->past_count == ALTO_KEEP_VIEWS)
        drop_oldest_view(self);
    size_t at = (self->past_first + self->past_count++) % ALTO_KEEP_VIEWS;
    self->past[at] = (past){self->view, now_ms};
    self->view = NULL;
}

/* The views that are held, the newest first; NULL past the last. */
static const alto_view *held_view(const alto_archive *self, size_t index)
{
    if (self->view && index-- == 0)
        return self->view;
    if (index >= self->past_count)
        return NULL;
    return self->past[(self->past_first + self->past_count - 1 - index) % ALTO_KEEP_VIEWS].view;
}

/* A resource whose version has that root, retained; NULL: none. key: which one is best, where several resources
 * have the same content (NULL: all the same). */
static alto_resource *find_version(alto_archive *self, const alto_hash *root, const alto_slice *key)
{
    const alto_resource *found = NULL;
    const alto_view *view, *newer = NULL;
    for (size_t at = 0; (view = held_view(self, at)); at++, newer = view)
        for (size_t i = 0; i < view->count; i++) {
            const alto_resource *resource = view->resources[i];
            if (newer && i < newer->count && newer->resources[i] == resource)
                continue; /* seen in the newer view */
            if (!resource->version || !alto_hash_equal(&resource->entry.root, root))
                continue;
            if (!key || alto_slice_equal(resource->key, *key))
                return alto_resource_retain(resource);
            if (!found)
                found = resource;
        }
    return found ? alto_resource_retain(found) : NULL;
}

/* A view with that state root, retained; NULL: none. */
static alto_view *find_state(alto_archive *self, const alto_hash *state_root)
{
    const alto_view *view;
    for (size_t at = 0; (view = held_view(self, at)); at++)
        if (alto_hash_equal(&view->state_root, state_root))
            return alto_view_retain(view);
    return NULL;
}

/* ---- taking in ---- */

void alto_archive_destroy(alto_archive **self)
{
    alto_archive *dying = *self;
    if (!dying)
        return;
    while (dying->oldest)
        unlist(dying, dying->oldest);
    object_release(dying->head);
    object_release(dying->manifest);
    while (dying->past_count)
        drop_oldest_view(dying);
    alto_view_release(dying->view);
    pthread_mutex_destroy(&dying->lock);
    pthread_mutex_destroy(&dying->making);
    free(dying);
    *self = NULL;
}

const alto_origin *alto_archive_origin(const alto_archive *self)
{
    return &self->origin;
}

static object *signed_object(const char *path, alto_slice bytes, const alto_signature *signature)
{
    return object_new(path, bytes, alto_slice_of(signature->bytes, sizeof signature->bytes));
}

static object *payload_object(alto_slice payload)
{
    alto_want want = {.type = ALTO_WANT_PAYLOAD, .to = alto_hash_of(ALTO_DOMAIN_PAYLOAD, payload)};
    char path[PATH_SIZE];
    alto_want_path(&want, path);
    return object_new(path, payload, alto_slice_of(NULL, 0));
}

static object *commit_object(const alto_applied *applied)
{
    const alto_position *position = &applied->statement->position;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "commits/%u.%llu.%llu", position->epoch, (unsigned long long)position->chain,
             (unsigned long long)position->seq);
    return signed_object(path, applied->object, &applied->signature);
}

/* The commit and the payloads of a step, the first and linked by `newer`. Errors: ALTO_NO_MEMORY (some may be missing). */
static alto_status objects_of(const alto_applied *applied, object **first)
{
    alto_status status = ALTO_OK;
    object **end = first;
    if (applied->statement->type == ALTO_COMMIT && !(*end = commit_object(applied)))
        status = ALTO_NO_MEMORY;
    for (size_t i = 0; i < applied->change_count; i++) {
        if (*end)
            end = &(*end)->newer;
        alto_slice payload = applied->changes[i].payload;
        if (payload.size && !(*end = payload_object(payload)))
            status = ALTO_NO_MEMORY;
    }
    for (object *at = *first; at; at = at->newer)
        at->is_signed = true;
    return status;
}

alto_status alto_archive_step(alto_archive *self, const alto_applied *applied)
{
    object *added = NULL, *head = signed_object("head", applied->object, &applied->signature);
    alto_status status = objects_of(applied, &added);
    if (!head)
        status = ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    object *old_head = self->head;
    supersede_view(self);
    self->view = alto_view_retain(applied->after);
    self->head = head;
    while (added) {
        object *next = added->newer;
        added->newer = NULL;
        list(self, added);
        added = next;
    }
    forget_old(self);
    pthread_mutex_unlock(&self->lock);
    object_release(old_head);
    return status;
}

alto_status alto_archive_head(alto_archive *self, alto_slice bytes, const alto_signature *signature)
{
    object *head = signed_object("head", bytes, signature);
    if (!head)
        return ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    object *before = self->head;
    self->head = head;
    forget_old(self);
    pthread_mutex_unlock(&self->lock);
    object_release(before);
    return ALTO_OK;
}

alto_status alto_archive_manifest(alto_archive *self, alto_slice file, uint32_t epoch, uint32_t version)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "manifest/%u.%u", epoch, version);
    object *manifest = object_new(path, file, alto_slice_of(NULL, 0));
    if (!manifest)
        return ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    object *before = self->manifest;
    self->manifest = manifest;
    pthread_mutex_unlock(&self->lock);
    object_release(before);
    return ALTO_OK;
}

alto_view *alto_archive_view(alto_archive *self)
{
    pthread_mutex_lock(&self->lock);
    alto_view *view = alto_view_retain(self->view);
    pthread_mutex_unlock(&self->lock);
    return view;
}

/* ---- giving out ---- */

static object *finish_making(alto_archive *self, const char *path, alto_buffer *bytes, alto_status *status)
{
    object *made = *status == ALTO_OK ? object_new(path, alto_buffer_slice(bytes), alto_slice_of(NULL, 0)) : NULL;
    alto_buffer_fini(bytes);
    if (!made) {
        if (*status == ALTO_OK)
            *status = ALTO_NO_MEMORY;
        return NULL;
    }
    object_share(made); /* for the caller, besides the list */
    pthread_mutex_lock(&self->lock);
    list(self, made);
    forget_old(self);
    pthread_mutex_unlock(&self->lock);
    return made;
}

static object *make_snapshot(alto_archive *self, const char *path, const alto_resource *of, alto_status *status)
{
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_PAYLOAD);
    *status = alto_snapshot_encode(of->version, &bytes);
    return finish_making(self, path, &bytes, status);
}

static object *make_delta(alto_archive *self, const char *path, const alto_resource *from, const alto_resource *to,
                          alto_status *status)
{
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_PAYLOAD);
    alto_entry_texts texts;
    *status = alto_entry_texts_make(&to->name, &to->entry, &texts);
    if (*status == ALTO_OK)
        *status = alto_delta_encode(from->version, to->version, &texts.implied, &bytes, NULL);
    alto_entry_texts_fini(&texts);
    return finish_making(self, path, &bytes, status);
}

static object *make_catalog(alto_archive *self, const char *path, const alto_view *view, alto_status *status)
{
    alto_buffer bytes = alto_buffer_make(ALTO_MAX_CATALOG);
    *status = alto_catalog_encode(&view->origin, view->catalog, &bytes);
    return finish_making(self, path, &bytes, status);
}

/* The hash in hexadecimal behind `prefix`; *rest is what follows it. */
static bool parse_hash(const char *path, const char *prefix, alto_hash *hash, const char **rest)
{
    size_t skip = strlen(prefix), digits = 2 * ALTO_HASH_SIZE;
    if (strncmp(path, prefix, skip) != 0 || strlen(path + skip) < digits)
        return false;
    *rest = path + skip + digits;
    return alto_unhex(hash->bytes, ALTO_HASH_SIZE, alto_slice_of(path + skip, digits));
}

/* What is needed to make an object: retained, and found under the lock. */
typedef struct {
    alto_view *state;
    alto_resource *from, *to;
} material;

/* Is this how altocast writes the path of such a thing? Others would be the same thing kept twice. */
static bool is_path_of(const char *path, alto_want_type type, const alto_hash *from, const alto_hash *to)
{
    alto_want want = {.type = type, .from = *from, .to = *to};
    char written[ALTO_WANT_PATH];
    alto_want_path(&want, written);
    return strcmp(path, written) == 0;
}

static material find_material(alto_archive *self, const char *path)
{
    material found = {NULL, NULL, NULL};
    alto_hash to = {{0}}, from = {{0}};
    const char *rest;
    if (parse_hash(path, "catalog/", &to, &rest) && is_path_of(path, ALTO_WANT_CATALOG, &from, &to)) {
        found.state = find_state(self, &to);
    } else if (parse_hash(path, "snapshots/", &to, &rest) && is_path_of(path, ALTO_WANT_SNAPSHOT, &from, &to)) {
        found.to = find_version(self, &to, NULL);
    } else if (parse_hash(path, "deltas/", &from, &rest) && parse_hash(rest, "/", &to, &rest) &&
               is_path_of(path, ALTO_WANT_DELTA, &from, &to)) {
        found.from = find_version(self, &from, NULL);
        found.to = found.from ? find_version(self, &to, &found.from->key) : NULL;
        if (found.to && found.to->entry.kind != found.from->entry.kind) {
            alto_resource_release(found.to);
            found.to = NULL;
        }
    }
    return found;
}

static void material_fini(material *self)
{
    alto_view_release(self->state);
    alto_resource_release(self->from);
    alto_resource_release(self->to);
}

static object *find_shared(alto_archive *self, const char *path)
{
    pthread_mutex_lock(&self->lock);
    object *found = find(self, path);
    if (found)
        object_share(found);
    pthread_mutex_unlock(&self->lock);
    return found;
}

/* Make what can be made from views and versions; a reference for the caller, or NULL. What cannot be made waits for nobody. */
static object *make(alto_archive *self, const char *path, alto_status *status)
{
    pthread_mutex_lock(&self->lock);
    material from = find_material(self, path);
    pthread_mutex_unlock(&self->lock);
    *status = ALTO_NOT_FOUND;
    object *made = NULL;
    if (from.state || from.to) {
        pthread_mutex_lock(&self->making);
        made = find_shared(self, path); /* another thread may have made it while this one waited */
        if (!made && from.state)
            made = make_catalog(self, path, from.state, status);
        else if (!made && from.from)
            made = make_delta(self, path, from.from, from.to, status);
        else if (!made)
            made = make_snapshot(self, path, from.to, status);
        pthread_mutex_unlock(&self->making);
    }
    material_fini(&from);
    return made;
}

const alto_blob *alto_archive_get(alto_archive *self, const char *path, bool *lasting, alto_status *status)
{
    const alto_blob *found = NULL;
    *status = ALTO_NOT_FOUND;
    *lasting = true;
    if (strlen(path) >= PATH_SIZE)
        return NULL;
    pthread_mutex_lock(&self->lock);
    if (strcmp(path, "head") == 0 || strcmp(path, "manifest") == 0) {
        object *current = path[0] == 'h' ? self->head : self->manifest;
        *lasting = false;
        found = current ? object_share(current) : NULL;
    } else if (self->manifest && strcmp(path, self->manifest->path) == 0) {
        found = object_share(self->manifest);
    } else {
        object *there = find(self, path);
        found = there ? object_share(there) : NULL;
    }
    pthread_mutex_unlock(&self->lock);
    if (!found) {
        object *made = make(self, path, status);
        found = made ? &made->blob : NULL;
    }
    if (found)
        *status = ALTO_OK;
    return found;
}
