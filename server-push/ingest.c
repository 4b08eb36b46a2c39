/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest.h"

#include <stdio.h>
#include <stdlib.h>

enum { RETRY_MS = 1000 }; /* when memory was short */

/* What of a resource is published. */
typedef struct {
    const alto_version *version;      /* owned; NULL: nothing */
    char tag[ALTO_MAX_NAME + 1];      /* of its own vtag */
    char read_tag[ALTO_MAX_NAME + 1]; /* the one that its document had; another with --retag. "": not known */
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t dependency_count;
    bool withheld;
} publication;

/* One resource: what its document says and what of it is published. */
typedef struct {
    char id[ALTO_MAX_NAME + 1];
    char document[256];  /* "" when it has none (removed, or not read since the restart) */
    uint64_t changed_ms; /* since when `wanted` has been another than what is published */

    const alto_version *wanted;  /* last good content of the document, as read; NULL: none */
    alto_map_memory *memory;     /* of the text of `wanted` */
    char tag[ALTO_MAX_NAME + 1]; /* its vtag as read */
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t dependency_count;
    const char *media_type; /* static; NULL: that of the kind */

    /* What is to be published of `wanted`: just that, or with other tags. */
    alto_version *ready; /* owned; of a network map it goes with `wanted`, of others it is made when taken */
    char ready_tag[ALTO_MAX_NAME + 1];
    alto_vtag ready_dependencies[ALTO_MAX_DEPENDENCIES];

    publication published;
    publication before; /* what `published` was before the last take, if that changed it */
    bool taken;         /* it did */
    bool restored;      /* published in an earlier life; its document has not been seen since */

    const char *why_waiting; /* static text; NULL when it is not */
} item;

struct ingest {
    ingest_options options;
    alto_pool *pool;
    item **items; /* ascending by id */
    size_t count, capacity;
};

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

static size_t place_of(const ingest *self, const char *id, bool *found)
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
    size_t place = place_of(self, id, &found);
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
    size_t place = place_of(self, id, &found);
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

static void drop_empty(ingest *self)
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

static bool has_row(const alto_version *version, const char *name)
{
    const alto_tree *items;
    return alto_version_row(version, ALTO_ROW_MEMBER, alto_slice_text(name), &items);
}

/* A document's media type, by the data member that RFC 7285 and its extensions give each kind; NULL: that of its kind,
 * or none that is known. */
static const char *media_type_of(const alto_version *version)
{
    static const struct {
        const char *member, *media_type;
    } known[] = {{"resources", "application/alto-directory+json"},
                 {"property-map", "application/alto-propmap+json"},
                 {"cost-map", "application/alto-costmap+json"},
                 {"network-map", "application/alto-networkmap+json"},
                 {"endpoint-properties", "application/alto-endpointprop+json"},
                 {"endpoint-cost-map", "application/alto-endpointcost+json"}};
    if (alto_version_kind(version) != ALTO_DOCUMENT)
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (has_row(version, known[i].member))
            return known[i].media_type;
    return NULL;
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
    at->media_type = media_type_of(resource->version);
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

/* What a document says of itself. */
typedef struct {
    char id[ALTO_MAX_NAME + 1];
    alto_vtag vtag, ready; /* as read, and as it will be published */
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t dependency_count;
    const char *media_type;
} facts;

static alto_status learn(const alto_version *version, const char *name, facts *out, alto_error *error)
{
    *out = (facts){.media_type = media_type_of(version)};
    alto_status status = alto_version_vtag(version, &out->vtag);
    if (alto_version_kind(version) == ALTO_NETWORK_MAP && status == ALTO_NOT_FOUND)
        return alto_fail(error, ALTO_INVALID, "/meta/vtag",
                         "a network map must have a version tag (RFC 7285 11.2.1.6)");
    if (status == ALTO_INVALID)
        return alto_fail(error, status, "/meta/vtag", "resource-id or tag breaks RFC 7285 10.2 or 10.3");
    if (status != ALTO_OK && status != ALTO_NOT_FOUND)
        return status;
    status = alto_version_dependencies(version, out->dependencies, &out->dependency_count);
    if (status != ALTO_OK)
        return alto_fail(error, status, "/meta/dependent-vtags", "not an array of version tags (RFC 7285 10.3)");
    if (alto_version_kind(version) == ALTO_NETWORK_MAP) {
        memcpy(out->id, out->vtag.resource_id, sizeof out->id);
        return ALTO_OK;
    }
    if (!alto_name_valid(alto_slice_text(name)))
        return alto_fail(error, ALTO_INVALID, "",
                         "the file name gives no resource ID: 1 to 64 of A-Z a-z 0-9 - : @ _ .");
    snprintf(out->id, sizeof out->id, "%s", name);
    return ALTO_OK;
}

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

/* Does the wanted content differ from what is published of it? With --retag, a tag is made of the content. */
static bool changed(const ingest *self, const item *at)
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
    if (!changed(self, at))
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

/* ready: takes it over. */
static void set_ready(item *at, alto_version *ready, const char *tag)
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

/* ---- other tags, made of the content ---- */

static alto_status set_member(ingest *self, const alto_version *version, const char *member, alto_slice text,
                              alto_version **out)
{
    alto_row_key meta = alto_row_key_make(ALTO_ROW_MEMBER, alto_slice_text("meta"));
    alto_edit edit = {.key = alto_slice_text(member), .value.text = text};
    alto_row_edit row = {.row = alto_row_key_slice(&meta), .what = ALTO_ROW_ITEMS, .edits = &edit, .count = 1};
    return alto_version_edit(self->pool, alto_version_kind(version), version, &row, 1, out);
}

/* The tag for a network map: the beginning of the digest of its content without a tag. */
static alto_status content_tag(ingest *self, const alto_version *map, char tag[ALTO_MAX_NAME + 1])
{
    alto_version *untagged = NULL;
    alto_status status = set_member(self, map, "vtag", alto_slice_text("null"), &untagged);
    if (status == ALTO_OK)
        alto_hex(tag, alto_version_root(untagged)->bytes, ALTO_HASH_SIZE / 2);
    alto_version_release(untagged);
    return status;
}

/* A network map with a tag made of its content; *vtag gets it. */
static alto_status retag_map(ingest *self, const alto_version *map, alto_vtag *vtag, alto_version **out)
{
    alto_buffer text = alto_buffer_make(4096);
    alto_status status = content_tag(self, map, vtag->tag);
    if (status == ALTO_OK) {
        alto_vtag_text(vtag, &text);
        status = text.status;
    }
    if (status == ALTO_OK)
        status = set_member(self, map, "vtag", alto_buffer_slice(&text), out);
    alto_buffer_fini(&text);
    return status;
}

/* What will be published of a version that was read; dependents get theirs when it is known which tags they meet. */
static alto_status prepare(ingest *self, const alto_version *read, facts *known, alto_version **ready)
{
    *ready = NULL;
    known->ready = known->vtag;
    if (alto_version_kind(read) != ALTO_NETWORK_MAP)
        return ALTO_OK;
    if (self->options.retag)
        return retag_map(self, read, &known->ready, ready);
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

/* Is it what its source says (NULL: nothing)? */
static alto_status check_type(const alto_version *read, const char *media_type, alto_error *error)
{
    static const char *const of_kind[] = {[ALTO_NETWORK_MAP] = "application/alto-networkmap+json",
                                          [ALTO_COST_MAP] = "application/alto-costmap+json",
                                          [ALTO_DOCUMENT] = "a document of no known type"};
    const char *found = media_type_of(read);
    if (!found)
        found = of_kind[alto_version_kind(read)];
    if (!media_type || strcmp(found, media_type) == 0)
        return ALTO_OK;
    return alto_fail(error, ALTO_WRONG_TYPE, "", "it should be %s and is %s", media_type, found);
}

/* Judge a version that was read and make it the wanted one. Takes over `read` and, on success, *memory. */
static alto_status take_version(ingest *self, const char *name, const char *media_type, alto_version *read,
                                alto_map_memory **memory, uint64_t now_ms, alto_error *error)
{
    facts known;
    item *old = find_document(self, name), *at = NULL;
    alto_version *ready = NULL;
    alto_status status = check_type(read, media_type, error);
    if (status == ALTO_OK)
        status = learn(read, name, &known, error);
    if (status == ALTO_OK)
        status = judge(self, find_id(self, known.id), old, read, &known, error);
    if (status == ALTO_OK && (status = prepare(self, read, &known, &ready)) != ALTO_OK)
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
    set_ready(at, ready, known.ready.tag);
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

/* ---- what belongs together ---- */

static bool is_network_map(const item *at)
{
    const alto_version *version = at->wanted ? at->wanted : at->published.version;
    return version && alto_version_kind(version) == ALTO_NETWORK_MAP;
}

/* The tag that a network map goes by after the step, among documents (as read) or published; NULL when it will not be there. */
static const char *tag_after(const item *map, bool advance, bool as_read)
{
    if (!advance && map->published.version)
        return as_read ? map->published.read_tag : map->published.tag;
    return map->wanted ? (as_read ? map->tag : map->ready_tag) : NULL;
}

/* Do these dependencies name the network maps as they will be? One that nobody has is nobody's business.
 * advance: which maps move on; NULL: none. */
static bool fits(const ingest *self, const alto_vtag *dependencies, size_t count, const bool *advance, bool as_read)
{
    for (size_t i = 0; i < count; i++) {
        bool found;
        size_t place = place_of(self, dependencies[i].resource_id, &found);
        if (!found || !is_network_map(self->items[place]))
            continue;
        const char *tag = tag_after(self->items[place], advance && advance[place], as_read);
        if (tag && strcmp(tag, dependencies[i].tag) != 0)
            return false;
    }
    return true;
}

static bool wanted_fits(const ingest *self, const item *at, const bool *advance)
{
    return at->wanted && fits(self, at->dependencies, at->dependency_count, advance, true);
}

static bool published_fits(const ingest *self, const item *at, const bool *advance)
{
    return fits(self, at->published.dependencies, at->published.dependency_count, advance, false);
}

static bool is_removed(const item *at)
{
    return !at->wanted && !at->restored;
}

/* Would something that is shown and right now be neither, if these maps moved on? */
static bool would_break(const ingest *self, const item *at, const bool *advance)
{
    if (!at->published.version || at->published.withheld || at->published.dependency_count == 0 || is_removed(at))
        return false;
    return !wanted_fits(self, at, advance) && !published_fits(self, at, advance) && published_fits(self, at, NULL);
}

/* Let the maps wait that `at` would be broken by, unless they have waited long enough. Were there any? */
static bool hold_back(ingest *self, const item *at, uint64_t now_ms, bool *advance, uint64_t *again_ms)
{
    bool any = false;
    for (size_t i = 0; i < at->published.dependency_count; i++) {
        bool found;
        size_t place = place_of(self, at->published.dependencies[i].resource_id, &found);
        if (!found || !advance[place] || !self->items[place]->published.version)
            continue;
        item *map = self->items[place];
        uint64_t until = map->changed_ms + self->options.hold_ms;
        if (now_ms >= until)
            continue;
        advance[place] = false;
        any = true;
        map->why_waiting = "waits for the resources whose dependent-vtags have to name its new tag";
        *again_ms = until < *again_ms ? until : *again_ms;
    }
    return any;
}

/* Which network maps move on now: all that have news, less those held back, which may in turn hold back others. */
static void choose_maps(ingest *self, uint64_t now_ms, bool *advance, uint64_t *again_ms)
{
    for (size_t i = 0; i < self->count; i++) {
        self->items[i]->why_waiting = NULL;
        advance[i] = is_network_map(self->items[i]) && changed(self, self->items[i]);
    }
    for (bool settled = false; !settled;) {
        settled = true;
        for (size_t i = 0; i < self->count; i++)
            if (would_break(self, self->items[i], advance) &&
                hold_back(self, self->items[i], now_ms, advance, again_ms))
                settled = false;
    }
}

/* The dependencies of a resource that fits, with the tags that its network maps get. */
static void rename_dependencies(const ingest *self, const item *at, const bool *advance,
                                alto_vtag renamed[ALTO_MAX_DEPENDENCIES])
{
    memcpy(renamed, at->dependencies, sizeof at->dependencies);
    for (size_t i = 0; i < at->dependency_count; i++) {
        bool found;
        size_t place = place_of(self, renamed[i].resource_id, &found);
        const item *map = found && is_network_map(self->items[place]) ? self->items[place] : NULL;
        const char *tag = map ? tag_after(map, advance[place], false) : NULL;
        if (tag)
            snprintf(renamed[i].tag, sizeof renamed[i].tag, "%s", tag);
    }
}

/* A version with these dependencies. */
static alto_status rename_in(ingest *self, const item *at, const alto_vtag *renamed, alto_version **out)
{
    alto_buffer text = alto_buffer_make(ALTO_MAX_DEPENDENCIES * 256);
    alto_dependencies_text(renamed, at->dependency_count, &text);
    alto_status status = text.status;
    if (status == ALTO_OK)
        status = set_member(self, at->wanted, "dependent-vtags", alto_buffer_slice(&text), out);
    alto_buffer_fini(&text);
    return status;
}

/* Make `ready` of something that fits and is no network map, unless that is done. */
static alto_status make_ready(ingest *self, item *at, const bool *advance)
{
    alto_vtag renamed[ALTO_MAX_DEPENDENCIES];
    alto_version *made = NULL;
    if (!self->options.retag || at->dependency_count == 0) {
        if (!at->ready)
            set_ready(at, alto_version_retain(at->wanted), at->tag);
        return ALTO_OK;
    }
    rename_dependencies(self, at, advance, renamed);
    if (at->ready && memcmp(renamed, at->ready_dependencies, sizeof renamed) == 0)
        return ALTO_OK;
    alto_status status = rename_in(self, at, renamed, &made);
    if (status != ALTO_OK)
        return status;
    set_ready(at, made, at->tag);
    memcpy(at->ready_dependencies, renamed, sizeof renamed);
    return ALTO_OK;
}

/* ---- taking ---- */

/* What one item becomes. */
typedef struct {
    const alto_version *version; /* NULL: withdrawn, or stays away */
    bool withheld, of_wanted;    /* made of the wanted content */
} outcome;

static outcome decide_map(const item *map, bool advance)
{
    if (map->published.version && !advance)
        return (outcome){map->published.version, map->published.withheld, false};
    return (outcome){map->ready, false, true};
}

static outcome decide_other(ingest *self, item *at, const bool *advance, uint64_t retry_ms, uint64_t *again_ms)
{
    if (is_removed(at))
        return (outcome){NULL, false, true};
    if (wanted_fits(self, at, advance)) {
        if (make_ready(self, at, advance) == ALTO_OK)
            return (outcome){at->ready, false, true};
        *again_ms = retry_ms < *again_ms ? retry_ms : *again_ms; /* no memory just now */
    } else if (at->wanted) {
        at->why_waiting = "names a tag that its network map does not have";
    }
    const publication *now = &at->published;
    return (outcome){now->version, now->version && !published_fits(self, at, advance), false};
}

static bool differs(const item *at, const outcome *becomes)
{
    const alto_version *now = at->published.version;
    if (!now || !becomes->version)
        return now != becomes->version;
    return at->published.withheld != becomes->withheld ||
           !alto_hash_equal(alto_version_root(now), alto_version_root(becomes->version));
}

static void publish(item *at, const outcome *becomes)
{
    publication next = at->published;
    next.version = alto_version_retain(becomes->version);
    next.withheld = becomes->withheld;
    if (becomes->of_wanted) {
        memcpy(next.tag, at->ready_tag, sizeof next.tag);
        memcpy(next.read_tag, at->tag, sizeof next.read_tag);
        memcpy(next.dependencies, at->ready_dependencies, sizeof next.dependencies);
        next.dependency_count = at->dependency_count;
    }
    if (differs(at, becomes)) {
        at->taken = true;
        at->before = at->published;
    } else {
        alto_version_release(at->published.version);
    }
    at->published = next;
}

static void forget_before(item *at)
{
    alto_version_release(at->before.version);
    at->before.version = NULL;
    at->taken = false;
}

size_t ingest_take(ingest *self, uint64_t now_ms, alto_new_state *changes, size_t max, uint64_t *again_ms)
{
    size_t count = 0;
    *again_ms = UINT64_MAX;
    for (size_t i = 0; i < self->count; i++)
        forget_before(self->items[i]);
    drop_empty(self);
    bool *advance = calloc(self->count + 1, sizeof *advance);
    if (!advance) {
        *again_ms = now_ms + RETRY_MS;
        return 0;
    }
    choose_maps(self, now_ms, advance, again_ms);
    for (size_t i = 0; i < self->count && count < max; i++) {
        item *at = self->items[i];
        outcome becomes = is_network_map(at) ? decide_map(at, advance[i])
                                             : decide_other(self, at, advance, now_ms + RETRY_MS, again_ms);
        publish(at, &becomes);
        if (!at->taken)
            continue;
        changes[count++] =
            (alto_new_state){.name = {.id = alto_slice_text(at->id)},
                             .version = at->published.version,
                             .media_type = at->media_type,
                             .flags = ALTO_ENTRY_REDISTRIBUTABLE | (becomes.withheld ? ALTO_ENTRY_WITHHELD : 0u)};
    }
    free(advance);
    return count;
}

void ingest_give_back(ingest *self)
{
    for (size_t i = 0; i < self->count; i++) {
        item *at = self->items[i];
        if (!at->taken)
            continue;
        alto_version_release(at->published.version);
        at->published = at->before;
        at->before.version = NULL;
        at->taken = false;
    }
}

void ingest_report(const ingest *self, ingest_report_fn *report, void *context)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i]->why_waiting)
            report(context, self->items[i]->id, self->items[i]->why_waiting);
}
