/* SPDX-License-Identifier: Apache-2.0 */
#include "io/archive.h"

#include "io/archive_make.h"
#include "io/archive_since.h"
#include "io/loop.h"
#include "io/thread.h"

#include <stdio.h>
#include <stdlib.h>

static const alto_history_limits limits = {.keep_ms = ALTO_KEEP_MS,
                                           .steps = ALTO_KEEP_STEPS,
                                           .object_bytes = ALTO_KEEP_OBJECTS,
                                           .version_bytes = ALTO_KEEP_VERSIONS};

struct alto_archive {
    alto_origin origin;
    atomic_bool stopping;
    pthread_t maker;
    pthread_mutex_t lock;    /* all below */
    pthread_cond_t ordered;  /* there is something for the maker */
    pthread_cond_t finished; /* something small was made */
    alto_view *view;
    alto_history *history;
    alto_made *made;
    const alto_blob *head, *manifest, *roots;
    char manifest_path[ALTO_MADE_PATH];
    alto_material *at_once;             /* what other threads are making now */
    alto_material *orders, *last_order; /* for the maker; it takes the first off when that is made */
    size_t order_count;
    uint64_t made_count[ALTO_MAKE_COUNT];
};

/* ---- making ---- */

static const alto_material *find_path(const alto_material *list, const char *path)
{
    while (list && strcmp(list->path, path) != 0)
        list = list->next;
    return list;
}

/* Under the lock. Running out of memory is no reason to refuse it for good. */
static void keep_made(alto_archive *self, const alto_material *of, const alto_blob *blob, alto_status status)
{
    if (blob || status == ALTO_TOO_LARGE)
        alto_made_add(self->made, of->path, blob, status, alto_monotonic_ms());
    if (blob)
        self->made_count[of->kind]++;
}

/* The first order, which stays in the list; NULL: the archive comes to its end. */
static alto_material *next_order(alto_archive *self)
{
    pthread_mutex_lock(&self->lock);
    while (!self->orders && !atomic_load(&self->stopping))
        pthread_cond_wait(&self->ordered, &self->lock);
    alto_material *first = atomic_load(&self->stopping) ? NULL : self->orders;
    pthread_mutex_unlock(&self->lock);
    return first;
}

static void *run_maker(void *context)
{
    alto_archive *self = context;
    alto_material *first;
    while ((first = next_order(self))) {
        alto_status status;
        const alto_blob *blob = alto_material_make(first, &self->stopping, &status);
        pthread_mutex_lock(&self->lock);
        keep_made(self, first, blob, status);
        self->orders = first->next;
        if (!self->orders)
            self->last_order = NULL;
        self->order_count--;
        pthread_mutex_unlock(&self->lock);
        alto_blob_release(blob);
        alto_material_destroy(&first);
    }
    return NULL;
}

/* Under the lock; takes it over when there is room. */
static void order(alto_archive *self, alto_material **material)
{
    if (self->order_count >= ALTO_MAKE_WAITING || alto_blob_bytes_taken() > ALTO_MADE_ALIVE)
        return;
    *(self->last_order ? &self->last_order->next : &self->orders) = *material;
    self->last_order = *material;
    self->order_count++;
    *material = NULL;
    pthread_cond_signal(&self->ordered);
}

static void take_off(alto_material **list, const alto_material *gone)
{
    while (*list != gone)
        list = &(*list)->next;
    *list = gone->next;
}

/* Under the lock, which is given up while it is made; who wants the same meanwhile waits for it. */
static const alto_blob *make_at_once(alto_archive *self, alto_material *material, alto_status *status)
{
    material->next = self->at_once;
    self->at_once = material;
    pthread_mutex_unlock(&self->lock);
    const alto_blob *blob = alto_material_make(material, &self->stopping, status);
    pthread_mutex_lock(&self->lock);
    keep_made(self, material, blob, *status);
    take_off(&self->at_once, material);
    pthread_cond_broadcast(&self->finished);
    return blob;
}

/* Under the lock. */
static const alto_blob *make(alto_archive *self, const char *path, alto_status *status)
{
    alto_material *material = NULL;
    const alto_blob *blob = NULL;
    *status = alto_material_find(self->history, &self->origin, path, &material);
    if (*status == ALTO_OK && material->work <= ALTO_MAKE_AT_ONCE) {
        blob = make_at_once(self, material, status);
    } else if (*status == ALTO_OK) {
        order(self, &material);
        *status = ALTO_BUSY;
    }
    alto_material_destroy(&material);
    return blob;
}

/* What was made, or is made now; retained. Under the lock. */
static const alto_blob *find_or_make(alto_archive *self, const char *path, alto_status *status)
{
    const alto_blob *found = alto_made_find(self->made, path, status);
    while (*status == ALTO_NOT_FOUND && find_path(self->at_once, path)) {
        pthread_cond_wait(&self->finished, &self->lock);
        found = alto_made_find(self->made, path, status);
    }
    if (*status != ALTO_NOT_FOUND)
        return alto_blob_retain(found);
    if (find_path(self->orders, path)) {
        *status = ALTO_BUSY;
        return NULL;
    }
    return make(self, path, status);
}

/* ---- opening and closing ---- */

static void free_all(alto_archive *self)
{
    while (self->orders) {
        alto_material *gone = self->orders;
        self->orders = gone->next;
        alto_material_destroy(&gone);
    }
    alto_history_destroy(&self->history);
    alto_made_destroy(&self->made);
    alto_blob_release(self->head);
    alto_blob_release(self->manifest);
    alto_blob_release(self->roots);
    alto_view_release(self->view);
    pthread_cond_destroy(&self->ordered);
    pthread_cond_destroy(&self->finished);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

alto_archive *alto_archive_new(const alto_origin *origin)
{
    alto_archive *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->origin = *origin;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->ordered, NULL);
    pthread_cond_init(&self->finished, NULL);
    self->history = alto_history_new(&limits);
    self->made = alto_made_new();
    if (self->history && self->made && alto_thread_start(&self->maker, run_maker, self) == 0)
        return self;
    free_all(self);
    return NULL;
}

void alto_archive_destroy(alto_archive **self)
{
    alto_archive *dying = *self;
    if (!dying)
        return;
    *self = NULL;
    pthread_mutex_lock(&dying->lock);
    atomic_store(&dying->stopping, true);
    pthread_cond_signal(&dying->ordered);
    pthread_mutex_unlock(&dying->lock);
    pthread_join(dying->maker, NULL);
    free_all(dying);
}

const alto_origin *alto_archive_origin(const alto_archive *self)
{
    return &self->origin;
}

/* ---- taking in ---- */

static const alto_blob *signed_blob(alto_slice object, const alto_signature *signature)
{
    return alto_blob_new(object, alto_slice_of(signature->bytes, sizeof signature->bytes));
}

/* The view that a step leads from, as far as the history goes; only this thread ever changes it. */
static const alto_view *view_before(const alto_archive *self, const alto_view *after)
{
    bool ahead = self->view && alto_position_compare(&after->position, &self->view->position) > 0;
    return ahead ? self->view : NULL;
}

alto_status alto_archive_step(alto_archive *self, const alto_applied *applied)
{
    alto_step *step;
    alto_dead dead = {NULL, NULL};
    alto_status status = alto_step_make(view_before(self, applied->after), applied, &step);
    const alto_blob *commit = step ? step->commit : NULL; /* the same bytes, unless a head led here */
    const alto_blob *head = commit ? alto_blob_retain(commit) : signed_blob(applied->object, &applied->signature);
    if (!head)
        status = ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    const alto_blob *old_head = self->head;
    const alto_view *old_view = self->view;
    self->view = alto_view_retain(applied->after);
    self->head = head;
    if (step)
        dead = alto_history_add(self->history, step, alto_monotonic_ms());
    pthread_mutex_unlock(&self->lock);
    alto_dead_free(&dead);
    alto_view_release(old_view);
    alto_blob_release(old_head);
    return status;
}

alto_status alto_archive_remember(alto_archive *self, const alto_resource *current, const alto_version *older,
                                  uint64_t delta_bytes)
{
    alto_entry entry = current->entry; /* what is not known of the older one differs little */
    entry.root = *alto_version_root(older);
    alto_resource *made = alto_resource_new(current->key, &entry, older);
    if (!made)
        return ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    alto_status status = alto_history_remember(self->history, current, made, delta_bytes);
    pthread_mutex_unlock(&self->lock);
    alto_resource_release(made);
    return status;
}

alto_status alto_archive_head(alto_archive *self, alto_slice object, const alto_signature *signature)
{
    const alto_blob *head = signed_blob(object, signature);
    if (!head)
        return ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    const alto_blob *before = self->head;
    self->head = head;
    alto_dead dead = alto_history_forget(self->history, alto_monotonic_ms());
    alto_made_forget(self->made, alto_monotonic_ms());
    pthread_mutex_unlock(&self->lock);
    alto_dead_free(&dead);
    alto_blob_release(before);
    return ALTO_OK;
}

alto_status alto_archive_roots(alto_archive *self, alto_slice list)
{
    const alto_blob *roots = list.size ? alto_blob_new(list, alto_slice_of(NULL, 0)) : NULL;
    if (list.size && !roots)
        return ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    const alto_blob *before = self->roots;
    self->roots = roots;
    pthread_mutex_unlock(&self->lock);
    alto_blob_release(before);
    return ALTO_OK;
}

alto_status alto_archive_manifest(alto_archive *self, alto_slice file, uint32_t epoch, uint32_t version)
{
    const alto_blob *manifest = alto_blob_new(file, alto_slice_of(NULL, 0));
    if (!manifest)
        return ALTO_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    const alto_blob *before = self->manifest;
    self->manifest = manifest;
    snprintf(self->manifest_path, sizeof self->manifest_path, "manifest/%u.%u", epoch, version);
    pthread_mutex_unlock(&self->lock);
    alto_blob_release(before);
    return ALTO_OK;
}

/* ---- giving out ---- */

alto_view *alto_archive_view(alto_archive *self)
{
    pthread_mutex_lock(&self->lock);
    alto_view *view = alto_view_retain(self->view);
    pthread_mutex_unlock(&self->lock);
    return view;
}

static const alto_blob *find_commit(const alto_archive *self, const char *text, alto_status *status)
{
    alto_position position;
    const alto_step *newest = alto_history_newest(self->history);
    *status = ALTO_NOT_FOUND;
    if (!newest || !alto_position_parse(text, &position) || alto_position_compare(&position, &newest->position) > 0)
        return NULL;
    const alto_step *step = alto_history_at(self->history, &position);
    *status = step && step->commit ? ALTO_OK : ALTO_OLD;
    return step ? step->commit : NULL;
}

static const alto_blob *find_payload(const alto_archive *self, const char *text, alto_status *status)
{
    alto_want want = {.type = ALTO_WANT_PAYLOAD};
    char written[ALTO_WANT_PATH];
    *status = ALTO_NOT_FOUND;
    if (!alto_unhex(want.to.bytes, ALTO_HASH_SIZE, alto_slice_text(text)))
        return NULL;
    alto_want_path(&want, written);
    if (strcmp(written + strlen("payloads/"), text) != 0) /* in capitals */
        return NULL;
    const alto_blob *found = alto_history_payload(self->history, &want.to);
    if (found)
        *status = ALTO_OK;
    return found;
}

/* Retained. Under the lock. */
static const alto_blob *get(alto_archive *self, const char *path, alto_status *status)
{
    *status = ALTO_OK;
    if (strcmp(path, "head") == 0 && self->head)
        return alto_blob_retain(self->head);
    if (self->manifest && (strcmp(path, "manifest") == 0 || strcmp(path, self->manifest_path) == 0))
        return alto_blob_retain(self->manifest);
    if (self->roots && strcmp(path, "roots") == 0)
        return alto_blob_retain(self->roots);
    if (strncmp(path, "commits/", 8) == 0)
        return alto_blob_retain(find_commit(self, path + 8, status));
    if (strncmp(path, "payloads/", 9) == 0)
        return alto_blob_retain(find_payload(self, path + 9, status));
    return find_or_make(self, path, status);
}

const alto_blob *alto_archive_get(alto_archive *self, const char *path, bool *lasting, alto_status *status)
{
    *lasting = strcmp(path, "head") != 0 && strcmp(path, "manifest") != 0 && strcmp(path, "roots") != 0;
    *status = ALTO_NOT_FOUND;
    if (strlen(path) >= ALTO_MADE_PATH)
        return NULL;
    pthread_mutex_lock(&self->lock);
    const alto_blob *found = get(self, path, status);
    pthread_mutex_unlock(&self->lock);
    return found;
}

static uint64_t catalog_size(alto_archive *self, const alto_hash *state_root)
{
    alto_want want = {.type = ALTO_WANT_CATALOG, .to = *state_root};
    char path[ALTO_WANT_PATH];
    alto_status status;
    bool lasting;
    alto_want_path(&want, path);
    const alto_blob *catalog = alto_archive_get(self, path, &lasting, &status);
    uint64_t size = catalog ? catalog->size : 0;
    alto_blob_release(catalog);
    return size;
}

alto_status alto_archive_since(alto_archive *self, const char *text, alto_buffer *out)
{
    alto_position position;
    alto_ways ways;
    if (!alto_position_parse(text, &position))
        return ALTO_NOT_FOUND;
    pthread_mutex_lock(&self->lock);
    alto_status status = alto_ways_begin(self->history, &position, &ways);
    pthread_mutex_unlock(&self->lock);
    if (status == ALTO_OK)
        status = alto_ways_compare(&ways);
    if (status == ALTO_OK) {
        uint64_t catalog_bytes = catalog_size(self, &ways.state_root);
        pthread_mutex_lock(&self->lock);
        alto_ways_cost(&ways, self->history, self->made);
        pthread_mutex_unlock(&self->lock);
        alto_ways_write(&ways, catalog_bytes, out);
        status = out->status;
    }
    alto_ways_fini(&ways);
    return status;
}

void alto_archive_where(alto_archive *self, alto_buffer *out)
{
    char newest[ALTO_POSITION_TEXT], oldest[ALTO_POSITION_TEXT];
    pthread_mutex_lock(&self->lock);
    const alto_step *step = alto_history_newest(self->history);
    if (step) {
        alto_position_text(&step->position, newest);
        alto_position_text(&alto_history_oldest(self->history)->position, oldest);
    }
    pthread_mutex_unlock(&self->lock);
    if (step)
        alto_buffer_print(out, "{\"head\":\"%s\",\"oldest\":\"%s\"}", newest, oldest);
}

alto_archive_made alto_archive_made_so_far(alto_archive *self)
{
    pthread_mutex_lock(&self->lock);
    alto_archive_made made = {.snapshots = self->made_count[ALTO_MAKE_SNAPSHOT],
                              .deltas = self->made_count[ALTO_MAKE_DELTA],
                              .bundles = self->made_count[ALTO_MAKE_BUNDLE]};
    pthread_mutex_unlock(&self->lock);
    return made;
}
