/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* One resource: what its document says and what of it is published. */
typedef struct {
    char id[ALTO_MAX_NAME + 1];
    char document[256];  /* "" when it has none (removed, or not read since the restart) */
    uint64_t changed_ms; /* when `wanted` became what it is */

    const alto_version *wanted;  /* last good content of the document, as read; NULL: none */
    alto_map_memory *memory;     /* of the text of `wanted` */
    char tag[ALTO_MAX_NAME + 1]; /* its vtag as read */
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t dependency_count;
    const char *media_type; /* static; NULL: that of the kind */

    const alto_version *published;         /* NULL: not */
    char published_tag[ALTO_MAX_NAME + 1]; /* the tag that published content goes by in other documents */
    alto_vtag published_dependencies[ALTO_MAX_DEPENDENCIES];
    size_t published_dependency_count;
    bool withheld;
    bool restored; /* published in an earlier life; its document has not been seen since */

    const char *why_waiting; /* static text; NULL when it is not */
    alto_version *retagged;  /* owned: what is to be published of `wanted` with other tags */
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
    alto_version_release(gone->published);
    alto_version_release(gone->retagged);
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
        if (at->wanted || at->published)
            self->items[kept++] = at;
        else
            item_free(at);
    }
    self->count = kept;
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
        at->published = alto_version_retain(resource->version);
        at->withheld = (resource->entry.flags & ALTO_ENTRY_WITHHELD) != 0;
        at->restored = true;
        memcpy(at->published_tag, resource->entry.tag, sizeof at->published_tag);
        memcpy(at->published_dependencies, resource->entry.dependencies, sizeof at->published_dependencies);
        at->published_dependency_count = resource->entry.dependency_count;
    }
    return ALTO_OK;
}

/* ---- reading a document ---- */

/* What a document says of itself. */
typedef struct {
    char id[ALTO_MAX_NAME + 1];
    alto_vtag vtag;
    alto_vtag dependencies[ALTO_MAX_DEPENDENCIES];
    size_t dependency_count;
    const char *media_type;
} facts;

static bool has_row(const alto_version *version, const char *name)
{
    const alto_tree *items;
    return alto_version_row(version, ALTO_ROW_MEMBER, alto_slice_text(name), &items);
}

/* A document's media type, by the data member that RFC 7285 and its extensions give each kind. */
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

/* RFC 7285 6.3: other content, other tag. */
static bool breaks_tag(const ingest *self, const item *at, const alto_version *read, const facts *known)
{
    if (self->options.retag || !known->vtag.tag[0] || !at)
        return false;
    const alto_version *before = at->wanted ? at->wanted : at->published;
    const char *tag = at->wanted ? at->tag : at->published_tag;
    return before && strcmp(tag, known->vtag.tag) == 0 &&
           !alto_hash_equal(alto_version_root(before), alto_version_root(read));
}

static void set_wanted(item *at, const char *document, const alto_version *read, const facts *known, uint64_t now_ms)
{
    alto_version_release(at->wanted);
    at->wanted = read;
    at->changed_ms = now_ms;
    at->restored = false;
    snprintf(at->document, sizeof at->document, "%s", document);
    memcpy(at->tag, known->vtag.tag, sizeof at->tag);
    memcpy(at->dependencies, known->dependencies, sizeof at->dependencies);
    at->dependency_count = known->dependency_count;
    at->media_type = known->media_type;
}

static void forget_wanted(item *at, uint64_t now_ms)
{
    alto_version_release(at->wanted);
    at->wanted = NULL;
    at->document[0] = 0;
    at->changed_ms = now_ms;
    alto_map_memory_destroy(&at->memory);
}

/* Judge a version that was read and make it the wanted one. Takes over `read` and, on success, *memory. */
static alto_status take_version(ingest *self, const char *name, alto_version *read, alto_map_memory **memory,
                                uint64_t now_ms, alto_error *error)
{
    facts known;
    item *old = find_document(self, name);
    alto_status status = learn(read, name, &known, error);
    item *at = status == ALTO_OK ? find_id(self, known.id) : NULL;
    if (at && at->document[0] && at != old)
        status = alto_fail(error, ALTO_DUPLICATE, "", "resource %s comes from %s.json already", known.id, at->document);
    else if (status == ALTO_OK && breaks_tag(self, at, read, &known))
        status = alto_fail(error, ALTO_SAME_TAG, "/meta/vtag/tag",
                           "content changed but the tag %s did not (RFC 7285 6.3); --retag makes tags of the content",
                           known.vtag.tag);
    if (status == ALTO_OK && at && at == old && at->wanted == read)
        status = ALTO_KNOWN;
    if (status == ALTO_OK && !(at = obtain(self, known.id)))
        status = alto_fail(error, ALTO_TOO_LARGE, "", "no memory, or more than %d resources", ALTO_MAX_RESOURCES);
    if (status != ALTO_OK) {
        alto_version_release(read);
        return status;
    }
    if (old && old != at) /* the document is another resource now */
        forget_wanted(old, now_ms);
    set_wanted(at, name, read, &known, now_ms);
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
    return old ? old->wanted : at ? at->published : NULL;
}

alto_status ingest_document(ingest *self, const char *name, alto_slice text, uint64_t now_ms, alto_error *error)
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
        status = take_version(self, name, read, &memory, now_ms, error);
        if (status == ALTO_KNOWN) {
            old->memory = memory;
            memory = NULL;
        }
    }
    if (own_memory)
        alto_map_memory_destroy(&memory);
    return status;
}

void ingest_remove(ingest *self, const char *name, uint64_t now_ms)
{
    item *at = find_document(self, name);
    if (at)
        forget_wanted(at, now_ms);
}

void ingest_settle(ingest *self, uint64_t now_ms)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i]->restored) {
            self->items[i]->restored = false;
            self->items[i]->changed_ms = now_ms;
        }
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

/* Does the wanted content differ from the published, as read? With --retag tags are compared as read too. */
static bool changed(const item *at)
{
    if (!at->wanted)
        return at->published && !at->restored;
    return !at->published || !alto_hash_equal(alto_version_root(at->wanted), alto_version_root(at->published));
}

static bool is_network_map(const item *at)
{
    const alto_version *version = at->wanted ? at->wanted : at->published;
    return version && alto_version_kind(version) == ALTO_NETWORK_MAP;
}

/* The tag that a network map would go by: NULL when it would not be there. */
static const char *tag_after(const item *map, bool advance)
{
    if (advance || !map->published)
        return map->wanted ? map->tag : NULL;
    return map->published_tag;
}

/* Do these dependencies name the network maps as they will be? One that nobody has is nobody's business.
 * only: look at this map alone, NULL: at all. */
static bool fits(const ingest *self, const alto_vtag *dependencies, size_t count, const bool *advance, const item *only)
{
    for (size_t i = 0; i < count; i++) {
        bool found;
        size_t place = place_of(self, dependencies[i].resource_id, &found);
        if (!found || !is_network_map(self->items[place]) || (only && self->items[place] != only))
            continue;
        const char *tag = tag_after(self->items[place], advance[place]);
        if (tag && strcmp(tag, dependencies[i].tag) != 0)
            return false;
    }
    return true;
}

static bool wanted_fits(const ingest *self, const item *at, const bool *advance, const item *only)
{
    return fits(self, at->dependencies, at->dependency_count, advance, only);
}

static bool published_fits(const ingest *self, const item *at, const bool *advance)
{
    return fits(self, at->published_dependencies, at->published_dependency_count, advance, NULL);
}

/* Is there something shown that fits the published map and would not fit the wanted one? */
static bool would_break(const ingest *self, size_t map, bool *advance)
{
    for (size_t i = 0; i < self->count; i++) {
        const item *at = self->items[i];
        if (i == map || !at->published || at->withheld || at->published_dependency_count == 0)
            continue;
        bool fits_now = published_fits(self, at, advance);
        advance[map] = true;
        bool will_fit = (at->wanted && wanted_fits(self, at, advance, self->items[map])) ||
                        (!at->wanted && !at->restored) || published_fits(self, at, advance);
        advance[map] = false;
        if (fits_now && !will_fit)
            return true;
    }
    return false;
}

/* Which network maps move on now. */
static void choose_maps(ingest *self, uint64_t now_ms, bool *advance, uint64_t *again_ms)
{
    for (size_t i = 0; i < self->count; i++) {
        item *map = self->items[i];
        uint64_t until = map->changed_ms + self->options.hold_ms;
        map->why_waiting = NULL;
        if (!is_network_map(map) || !changed(map))
            continue;
        if (map->published && now_ms < until && would_break(self, i, advance)) {
            map->why_waiting = "waits for the resources whose dependent-vtags have to name its new tag";
            *again_ms = until < *again_ms ? until : *again_ms;
        } else {
            advance[i] = true;
        }
    }
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
static alto_status content_tag(ingest *self, const item *map, alto_vtag *vtag)
{
    alto_version *untagged = NULL;
    memcpy(vtag->resource_id, map->id, sizeof vtag->resource_id);
    alto_status status = set_member(self, map->wanted, "vtag", alto_slice_text("null"), &untagged);
    if (status == ALTO_OK)
        alto_hex(vtag->tag, alto_version_root(untagged)->bytes, ALTO_HASH_SIZE / 2);
    alto_version_release(untagged);
    return status;
}

static alto_status retag_map(ingest *self, item *map)
{
    alto_vtag vtag;
    alto_buffer text = alto_buffer_make(4096);
    alto_status status = content_tag(self, map, &vtag);
    if (status == ALTO_OK) {
        alto_vtag_text(&vtag, &text);
        status = text.status;
    }
    if (status == ALTO_OK)
        status = set_member(self, map->wanted, "vtag", alto_buffer_slice(&text), &map->retagged);
    alto_buffer_fini(&text);
    return status;
}

/* Dependencies that name network maps of ours by the tags that those got. */
static alto_status retag_dependent(ingest *self, item *at)
{
    alto_vtag renamed[ALTO_MAX_DEPENDENCIES];
    alto_status status = ALTO_OK;
    alto_buffer text = alto_buffer_make(ALTO_MAX_DEPENDENCIES * 256);
    memcpy(renamed, at->dependencies, sizeof renamed);
    for (size_t i = 0; status == ALTO_OK && i < at->dependency_count; i++) {
        const item *map = find_id(self, renamed[i].resource_id);
        const alto_version *version = map && map->retagged ? map->retagged : map ? map->published : NULL;
        alto_vtag vtag;
        if (version && alto_version_kind(version) == ALTO_NETWORK_MAP &&
            (status = alto_version_vtag(version, &vtag)) == ALTO_OK)
            renamed[i] = vtag;
    }
    alto_dependencies_text(renamed, at->dependency_count, &text);
    if (status == ALTO_OK)
        status = text.status;
    if (status == ALTO_OK)
        status = set_member(self, at->wanted, "dependent-vtags", alto_buffer_slice(&text), &at->retagged);
    alto_buffer_fini(&text);
    return status;
}

/* Make the retagged form of everything that will be published; those that fail (no memory) stay as they were. */
static void retag_all(ingest *self, const bool *advance)
{
    for (int maps_first = 1; maps_first >= 0; maps_first--)
        for (size_t i = 0; i < self->count; i++) {
            item *at = self->items[i];
            if (!at->wanted || is_network_map(at) != (maps_first == 1))
                continue;
            alto_version_release(at->retagged);
            at->retagged = NULL;
            if (maps_first && (advance[i] || !at->published || !changed(at)))
                retag_map(self, at);
            else if (!maps_first && at->dependency_count && wanted_fits(self, at, advance, NULL))
                retag_dependent(self, at);
        }
}

/* ---- taking ---- */

/* What one item becomes. */
typedef struct {
    const alto_version *version; /* NULL: withdrawn, or stays away */
    bool withheld, of_wanted;    /* made of the wanted content */
} outcome;

static outcome decide_map(const item *map, bool advance)
{
    if (map->published && !advance)
        return (outcome){map->published, map->withheld, false};
    return (outcome){map->retagged ? map->retagged : map->wanted, false, true};
}

static outcome decide_other(const ingest *self, item *at, const bool *advance)
{
    if (!at->wanted && !at->restored)
        return (outcome){NULL, false, true};
    if (at->wanted && wanted_fits(self, at, advance, NULL))
        return (outcome){at->retagged ? at->retagged : at->wanted, false, true};
    if (at->wanted)
        at->why_waiting = "names a tag that its network map does not have";
    return (outcome){at->published, at->published && !published_fits(self, at, advance), false};
}

static void publish(item *at, const outcome *becomes)
{
    alto_version *version = alto_version_retain(becomes->version);
    alto_version_release(at->published);
    at->published = version;
    at->withheld = becomes->withheld;
    if (!becomes->of_wanted)
        return;
    memcpy(at->published_tag, at->tag, sizeof at->published_tag);
    memcpy(at->published_dependencies, at->dependencies, sizeof at->published_dependencies);
    at->published_dependency_count = at->dependency_count;
}

static bool differs(const item *at, const outcome *becomes)
{
    if (!at->published || !becomes->version)
        return at->published != becomes->version;
    return at->withheld != becomes->withheld ||
           !alto_hash_equal(alto_version_root(at->published), alto_version_root(becomes->version));
}

size_t ingest_take(ingest *self, uint64_t now_ms, alto_new_state *changes, size_t max, uint64_t *again_ms)
{
    size_t count = 0;
    *again_ms = UINT64_MAX;
    drop_empty(self);
    bool *advance = calloc(self->count + 1, sizeof *advance);
    if (!advance) {
        *again_ms = now_ms + 1000;
        return 0;
    }
    choose_maps(self, now_ms, advance, again_ms);
    if (self->options.retag)
        retag_all(self, advance);
    for (size_t i = 0; i < self->count && count < max; i++) {
        item *at = self->items[i];
        outcome becomes =
            is_network_map(at) ? decide_map(at, advance[i] || !at->published) : decide_other(self, at, advance);
        bool news = differs(at, &becomes);
        publish(at, &becomes);
        if (!news)
            continue;
        changes[count++] =
            (alto_new_state){.name = {.id = alto_slice_text(at->id)},
                             .version = at->published,
                             .media_type = at->media_type,
                             .flags = ALTO_ENTRY_REDISTRIBUTABLE | (becomes.withheld ? ALTO_ENTRY_WITHHELD : 0u)};
    }
    free(advance);
    return count;
}

void ingest_report(const ingest *self, ingest_report_fn *report, void *context)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i]->why_waiting)
            report(context, self->items[i]->id, self->items[i]->why_waiting);
}
