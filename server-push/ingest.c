/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest_items.h"

#include "document.h"

#include <stdio.h>
#include <stdlib.h>

typedef ingest_item item;
typedef ingest_publication publication;
typedef document_facts facts;

ingest *ingest_new(const ingest_options *options, alto_pool *pool)
{
    ingest *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->options = *options;
    self->pool = pool;
    return self;
}

static void item_free(item *gone)
{
    alto_version_release(gone->wanted);
    alto_version_release(gone->ready);
    alto_version_release(gone->published.version);
    alto_version_release(gone->before.version);
    alto_map_memory_destroy(&gone->memory);
    free(gone);
}

void ingest_destroy(ingest **self)
{
    if (!*self)
        return;
    for (size_t i = 0; i < (*self)->count; i++)
        item_free((*self)->items[i]);
    free((*self)->items);
    free(*self);
    *self = NULL;
}

/* ---- finding ---- */

size_t ingest_place_of(const ingest *self, const char *id, bool *found)
{
    size_t low = 0, high = self->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(self->items[middle]->id, id);
        if (order == 0)
            *found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static item *find_id(const ingest *self, const char *id)
{
    bool found;
    size_t place = ingest_place_of(self, id, &found);
    return found ? self->items[place] : NULL;
}

static item *find_document(const ingest *self, const char *document)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->items[i]->document, document) == 0)
            return self->items[i];
    return NULL;
}

/* The item of that ID, made when there is none. NULL: out of memory or too many. */
static item *obtain(ingest *self, const char *id)
{
    bool found;
    size_t place = ingest_place_of(self, id, &found);
    if (found)
        return self->items[place];
    if (self->count == ALTO_MAX_RESOURCES)
        return NULL;
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 16;
        item **larger = realloc(self->items, capacity * sizeof(item *));
        if (!larger)
            return NULL;
        self->items = larger;
        self->capacity = capacity;
    }
    item *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    snprintf(made->id, sizeof made->id, "%s", id);
    memmove(&self->items[place + 1], &self->items[place], (self->count - place) * sizeof(item *));
    self->items[place] = made;
    self->count++;
    return made;
}

void ingest_drop_empty(ingest *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        item *at = self->items[i];
        if (at->wanted || at->published.version)
            self->items[kept++] = at;
        else
            item_free(at);
    }
    self->count = kept;
}

static void restore_item(const ingest *self, item *at, const alto_resource *resource)
{
    at->published = (publication){.version = alto_version_retain(resource->version),
                                  .dependency_count = resource->entry.dependency_count,
                                  .withheld = (resource->entry.flags & ALTO_ENTRY_WITHHELD) != 0};
    memcpy(at->published.tag, resource->entry.tag, sizeof at->published.tag);
    if (!self->options.retag)
        memcpy(at->published.read_tag, resource->entry.tag, sizeof at->published.read_tag);
    memcpy(at->published.dependencies, resource->entry.dependencies, sizeof at->published.dependencies);
    at->media_type = document_media_type(resource->version);
    at->restored = true;
}

alto_status ingest_restore(ingest *self, const alto_resource *const *resources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const alto_resource *resource = resources[i];
        char id[ALTO_MAX_NAME + 1];
        if (!resource->version || resource->name.id.size > ALTO_MAX_NAME || resource->name.input.size)
            continue;
        snprintf(id, sizeof id, "%.*s", (int)resource->name.id.size, (const char *)resource->name.id.data);
        item *at = obtain(self, id);
        if (!at)
            return ALTO_NO_MEMORY;
        restore_item(self, at, resource);
    }
    return ALTO_OK;
}

/* ---- reading a document ---- */

static bool same_tag_other_content(const char *tag, const alto_version *held, const alto_version *read,
                                   const facts *known)
{
    return held && strcmp(tag, known->vtag.tag) == 0 &&
           !alto_hash_equal(alto_version_root(held), alto_version_root(read));
}

/* RFC 7285 6.3: other content, other tag. Other than what was read last, and than what everybody has. */
static bool breaks_tag(const ingest *self, const item *at, const alto_version *read, const facts *known)
{
    if (self->options.retag || !known->vtag.tag[0] || !at)
        return false;
    return same_tag_other_content(at->tag, at->wanted, read, known) ||
           same_tag_other_content(at->published.tag, at->published.version, read, known);
}

bool ingest_changed(const ingest *self, const item *at)
{
    if (!at->wanted)
        return at->published.version && !at->restored;
    if (!at->published.version)
        return true;
    if (self->options.retag && alto_version_kind(at->wanted) == ALTO_NETWORK_MAP)
        return strcmp(at->ready_tag, at->published.tag) != 0;
    return !alto_hash_equal(alto_version_root(at->wanted), alto_version_root(at->published.version));
}

/* A change that goes on being changed has been one since its beginning. */
static void note_change(const ingest *self, item *at, uint64_t now_ms)
{
    if (!ingest_changed(self, at))
        at->changed_ms = now_ms;
}

static void set_wanted(item *at, const char *document, const alto_version *read, const facts *known)
{
    alto_version_release(at->wanted);
    at->wanted = read;
    at->restored = false;
    snprintf(at->document, sizeof at->document, "%s", document);
    memcpy(at->tag, known->vtag.tag, sizeof at->tag);
    memcpy(at->dependencies, known->dependencies, sizeof at->dependencies);
    memcpy(at->ready_dependencies, known->dependencies, sizeof at->ready_dependencies);
    at->dependency_count = known->dependency_count;
    at->media_type = known->media_type;
}

void ingest_set_ready(item *at, alto_version *ready, const char *tag)
{
    alto_version_release(at->ready);
    at->ready = ready;
    snprintf(at->ready_tag, sizeof at->ready_tag, "%s", tag);
    if (strcmp(tag, at->published.tag) == 0) /* the very content that is published, perhaps since an earlier life */
        memcpy(at->published.read_tag, at->tag, sizeof at->published.read_tag);
}

static void forget_wanted(const ingest *self, item *at, uint64_t now_ms)
{
    note_change(self, at, now_ms);
    alto_version_release(at->wanted);
    alto_version_release(at->ready);
    at->wanted = NULL;
    at->ready = NULL;
    at->document[0] = 0;
    alto_map_memory_destroy(&at->memory);
}

/* What will be published of a version that was read; dependents get theirs when it is known which tags they meet. */
static alto_status prepare(ingest *self, const alto_version *read, const facts *known, alto_vtag *vtag,
                           alto_version **ready)
{
    *ready = NULL;
    *vtag = known->vtag;
    if (alto_version_kind(read) != ALTO_NETWORK_MAP)
        return ALTO_OK;
    if (self->options.retag)
        return document_retag(self->pool, read, vtag, ready);
    *ready = alto_version_retain(read);
    return ALTO_OK;
}

/* May this version become what is wanted of the resource `at` (NULL: a new one), which now comes from `old`? */
static alto_status judge(const ingest *self, const item *at, const item *old, const alto_version *read,
                         const facts *known, alto_error *error)
{
    if (at && at->document[0] && at != old)
        return alto_fail(error, ALTO_DUPLICATE, "", "resource %s comes from %s.json already", known->id, at->document);
    if (breaks_tag(self, at, read, known))
        return alto_fail(error, ALTO_SAME_TAG, "/meta/vtag/tag",
                         "content changed but the tag %s did not (RFC 7285 6.3); --retag makes tags of the content",
                         known->vtag.tag);
    return at && at == old && at->wanted == read ? ALTO_KNOWN : ALTO_OK;
}

/* Judge a version that was read and make it the wanted one. Takes over `read` and, on success, *memory. */
static alto_status take_version(ingest *self, const char *name, const char *media_type, alto_version *read,
                                alto_map_memory **memory, uint64_t now_ms, alto_error *error)
{
    facts known;
    alto_vtag vtag;
    item *old = find_document(self, name), *at = NULL;
    alto_version *ready = NULL;
    alto_status status = document_check_type(read, media_type, error);
    if (status == ALTO_OK)
        status = document_learn(read, name, &known, error);
    if (status == ALTO_OK)
        status = judge(self, find_id(self, known.id), old, read, &known, error);
    if (status == ALTO_OK && (status = prepare(self, read, &known, &vtag, &ready)) != ALTO_OK)
        alto_fail(error, status, "", "out of memory");
    if (status == ALTO_OK && !(at = obtain(self, known.id)))
        status = alto_fail(error, ALTO_TOO_LARGE, "", "no memory, or more than %d resources", ALTO_MAX_RESOURCES);
    if (!at) {
        alto_version_release(ready);
        alto_version_release(read);
        return status;
    }
    if (old && old != at) /* the document is another resource now */
        forget_wanted(self, old, now_ms);
    note_change(self, at, now_ms);
    set_wanted(at, name, read, &known);
    ingest_set_ready(at, ready, vtag.tag);
    if (at->memory != *memory)
        alto_map_memory_destroy(&at->memory);
    at->memory = *memory;
    *memory = NULL;
    return ALTO_OK;
}

/* What a text is compared with: its last good content, or after a restart the published content of the resource of that name. */
static const alto_version *base_for(const ingest *self, const char *name, const item *old)
{
    const item *at = old ? old : find_id(self, name);
    return old ? old->wanted : at ? at->published.version : NULL;
}

alto_status ingest_document(ingest *self, const char *name, alto_slice text, uint64_t now_ms, alto_error *error)
{
    return ingest_typed(self, name, NULL, text, now_ms, error);
}

alto_status ingest_typed(ingest *self, const char *name, const char *media_type, alto_slice text, uint64_t now_ms,
                         alto_error *error)
{
    item *old = find_document(self, name);
    alto_map_memory *memory = old ? old->memory : NULL;
    bool own_memory = !memory;
    alto_version *read = NULL;
    if (strlen(name) >= sizeof old->document)
        return alto_fail(error, ALTO_INVALID, "", "the file name is too long");
    if (!memory && !(memory = alto_map_memory_new()))
        return alto_fail(error, ALTO_NO_MEMORY, "", "out of memory");
    alto_status status = alto_map_read(self->pool, text, base_for(self, name, old), memory, &read, error);
    if (status == ALTO_OK) {
        if (old)
            old->memory = NULL; /* it describes `read` now; take_version gives it a place */
        own_memory = true;
        status = take_version(self, name, media_type, read, &memory, now_ms, error);
        if (status == ALTO_KNOWN && old) {
            old->memory = memory;
            memory = NULL;
        }
    }
    if (own_memory)
        alto_map_memory_destroy(&memory);
    return status;
}

/* What an earlier life published has no document any more. `at` may be NULL. */
static void forget_restored(item *at, uint64_t now_ms)
{
    if (!at || !at->restored)
        return;
    at->restored = false;
    at->changed_ms = now_ms;
}

void ingest_remove(ingest *self, const char *name, uint64_t now_ms)
{
    item *at = find_document(self, name);
    if (at)
        forget_wanted(self, at, now_ms);
    else
        forget_restored(find_id(self, name), now_ms);
}

void ingest_settle(ingest *self, uint64_t now_ms)
{
    for (size_t i = 0; i < self->count; i++)
        forget_restored(self->items[i], now_ms);
}

size_t ingest_names(const ingest *self, const char **names, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count && count < max; i++)
        if (self->items[i]->document[0])
            names[count++] = self->items[i]->document;
    return count;
}
