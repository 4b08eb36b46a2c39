/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest_items.h"

#include "document.h"

#include <stdio.h>
#include <stdlib.h>

enum { RETRY_MS = 1000 }; /* when memory was short */

typedef ingest_item item;
typedef ingest_publication publication;

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
        size_t place = ingest_place_of(self, dependencies[i].resource_id, &found);
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
        size_t place = ingest_place_of(self, at->published.dependencies[i].resource_id, &found);
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
        advance[i] = is_network_map(self->items[i]) && ingest_changed(self, self->items[i]);
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
        size_t place = ingest_place_of(self, renamed[i].resource_id, &found);
        const item *map = found && is_network_map(self->items[place]) ? self->items[place] : NULL;
        const char *tag = map ? tag_after(map, advance[place], false) : NULL;
        if (tag)
            snprintf(renamed[i].tag, sizeof renamed[i].tag, "%s", tag);
    }
}

/* Make `ready` of something that fits and is no network map, unless that is done. */
static alto_status make_ready(ingest *self, item *at, const bool *advance)
{
    alto_vtag renamed[ALTO_MAX_DEPENDENCIES];
    alto_version *made = NULL;
    if (!self->options.retag || at->dependency_count == 0) {
        if (!at->ready)
            ingest_set_ready(at, alto_version_retain(at->wanted), at->tag);
        return ALTO_OK;
    }
    rename_dependencies(self, at, advance, renamed);
    if (at->ready && memcmp(renamed, at->ready_dependencies, sizeof renamed) == 0)
        return ALTO_OK;
    alto_status status = document_depend(self->pool, at->wanted, renamed, at->dependency_count, &made);
    if (status != ALTO_OK)
        return status;
    ingest_set_ready(at, made, at->tag);
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
    ingest_drop_empty(self);
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
