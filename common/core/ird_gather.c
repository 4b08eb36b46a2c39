/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ird_gather.h"

#include "core/json_text.h"
#include "core/mapjson.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char directory_type[] = "application/alto-directory+json";

/* The entry as it goes into the one directory. */
typedef struct {
    alto_ird_entry entry;
    alto_buffer text; /* the object, its URI absolute; empty: left out */
} gathered;

/* A cost type as the first directory that has its name defines it. Canonical JSON. */
typedef struct {
    alto_buffer name, definition; /* the name is a literal */
} cost_type;

struct alto_ird_gather {
    alto_ird_resolve_fn *resolve;
    alto_ird_fault_fn *fault;
    void *context;
    alto_buffer root; /* the first directory, canonical; empty: none yet */
    gathered *entries;
    size_t count, capacity;
    cost_type *types;
    size_t type_count, type_capacity;
    char *links[ALTO_MAX_DIRECTORIES]; /* owned */
    size_t link_count;
};

alto_ird_gather *alto_ird_gather_new(alto_ird_resolve_fn *resolve, alto_ird_fault_fn *fault, void *context)
{
    alto_ird_gather *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    *self = (alto_ird_gather){.resolve = resolve, .fault = fault, .context = context};
    self->root = alto_buffer_make(ALTO_MAX_DIRECTORY);
    return self;
}

void alto_ird_gather_destroy(alto_ird_gather **self)
{
    alto_ird_gather *dying = *self;
    if (!dying)
        return;
    for (size_t i = 0; i < dying->count; i++)
        alto_buffer_fini(&dying->entries[i].text);
    for (size_t i = 0; i < dying->type_count; i++) {
        alto_buffer_fini(&dying->types[i].name);
        alto_buffer_fini(&dying->types[i].definition);
    }
    for (size_t i = 0; i < dying->link_count; i++)
        free(dying->links[i]);
    alto_buffer_fini(&dying->root);
    free(dying->entries);
    free(dying->types);
    free(dying);
    *self = NULL;
}

/* Room for one more element of `size` bytes; false when out of memory. */
static bool reserve(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : 16;
    void *larger = realloc(*array, more * size);
    if (!larger)
        return false;
    *array = larger;
    *capacity = more;
    return true;
}

static bool member(alto_slice object, const char *name, alto_slice *value)
{
    const char *const path[] = {name, NULL};
    return alto_json_get(object, path, value);
}

static bool is_object(alto_slice value)
{
    return value.size > 0 && value.data[0] == '{';
}

/* Call `take` for the members of an object, until one says otherwise than ALTO_OK. The key is a literal. */
typedef alto_status take_fn(void *context, alto_slice key, alto_slice value);
static alto_status each_member(alto_slice object, take_fn *take, void *context)
{
    alto_json_walk walk = alto_json_walk_make(object);
    alto_slice key, value;
    alto_status status = ALTO_OK;
    if (!alto_json_walk_enter(&walk, '{'))
        return ALTO_OK;
    while (status == ALTO_OK && alto_json_walk_member(&walk, &key) == ALTO_JSON_ITEM &&
           alto_json_walk_value(&walk, &value))
        status = take(context, key, value);
    return status;
}

/* ---- reading ---- */

/* The directory that is being added. */
typedef struct {
    alto_ird_gather *self;
    const char *url;
    alto_slice cost_types; /* its own; empty when it has none */
} reading;

static bool type_is(const cost_type *type, alto_slice name)
{
    return alto_slice_equal(alto_buffer_slice(&type->name), name);
}

static const cost_type *find_type(const alto_ird_gather *self, alto_slice name)
{
    for (size_t i = 0; i < self->type_count; i++)
        if (type_is(&self->types[i], name))
            return &self->types[i];
    return NULL;
}

static alto_status take_type(void *context, alto_slice name, alto_slice definition)
{
    alto_ird_gather *self = ((reading *)context)->self;
    if (find_type(self, name))
        return ALTO_OK;
    if (!reserve((void **)&self->types, self->type_count, &self->type_capacity, sizeof *self->types))
        return ALTO_NO_MEMORY;
    cost_type *made = &self->types[self->type_count++];
    made->name = alto_buffer_make(ALTO_MAX_DIRECTORY);
    made->definition = alto_buffer_make(ALTO_MAX_DIRECTORY);
    alto_buffer_add_slice(&made->name, name);
    alto_buffer_add_slice(&made->definition, definition);
    return made->name.status != ALTO_OK ? made->name.status : made->definition.status;
}

/* One cost type of the directory: is it what the gathered one calls so? */
typedef struct {
    const alto_ird_gather *self;
    alto_slice name;
    bool other;
} comparison;

static alto_status compare_type(void *context, alto_slice name, alto_slice definition)
{
    comparison *about = context;
    if (!alto_slice_equal(name, about->name))
        return ALTO_OK;
    const cost_type *known = find_type(about->self, name);
    about->other = known && !alto_slice_equal(alto_buffer_slice(&known->definition), definition);
    return ALTO_OK;
}

/* Does it use the name of a cost type for something else than those before? */
static bool conflicts(const reading *from, alto_slice entry)
{
    static const char *const path[] = {"capabilities", "cost-type-names", NULL};
    alto_slice names, name;
    if (!alto_json_get(entry, path, &names))
        return false;
    alto_json_walk walk = alto_json_elements(names);
    while (alto_json_next(&walk, &name)) {
        comparison about = {from->self, name, false};
        each_member(from->cost_types, compare_type, &about);
        if (about.other)
            return true;
    }
    return false;
}

static void fault(const reading *from, const char *id, const char *why)
{
    from->self->fault(from->self->context, id, why);
}

static alto_status add_link(const reading *from, const alto_ird_entry *entry)
{
    alto_ird_gather *self = from->self;
    for (size_t i = 0; i < self->link_count; i++)
        if (strcmp(self->links[i], entry->url) == 0)
            return ALTO_OK;
    if (self->link_count == ALTO_MAX_DIRECTORIES) {
        fault(from, entry->id, "more directories than are followed");
        return ALTO_OK;
    }
    char *link = strdup(entry->url);
    if (!link)
        return ALTO_NO_MEMORY;
    self->links[self->link_count++] = link;
    return ALTO_OK;
}

/* The object of an entry with its URI made absolute. */
typedef struct {
    alto_buffer *out;
    const char *url;
} rewriting;

static void add_separator(alto_buffer *out)
{
    if (out->size > 0 && out->data[out->size - 1] != '{')
        alto_buffer_add_text(out, ",");
}

static void add_pair(alto_buffer *out, alto_slice key, alto_slice value)
{
    add_separator(out);
    alto_buffer_add_slice(out, key);
    alto_buffer_add_text(out, ":");
    alto_buffer_add_slice(out, value);
}

static alto_status rewrite_member(void *context, alto_slice key, alto_slice value)
{
    rewriting *to = context;
    bool uri = alto_slice_equal(key, alto_slice_text("\"uri\""));
    add_pair(to->out, key, uri ? alto_slice_of(NULL, 0) : value);
    if (uri)
        alto_json_string(to->out, alto_slice_text(to->url));
    return to->out->status;
}

static bool known(const reading *from, const alto_ird_entry *entry)
{
    const alto_ird_gather *self = from->self;
    for (size_t i = 0; i < self->count; i++) {
        const alto_ird_entry *before = &self->entries[i].entry;
        if (strcmp(before->id, entry->id) != 0)
            continue;
        if (strcmp(before->url, entry->url) != 0)
            fault(from, entry->id, "another resource has this ID already");
        return true;
    }
    return false;
}

static alto_status add_entry(const reading *from, const alto_ird_entry *entry, alto_slice object)
{
    alto_ird_gather *self = from->self;
    if (known(from, entry))
        return ALTO_OK;
    if (self->count == ALTO_MAX_RESOURCES) {
        fault(from, entry->id, "more resources than there can be");
        return ALTO_OK;
    }
    if (!reserve((void **)&self->entries, self->count, &self->capacity, sizeof *self->entries))
        return ALTO_NO_MEMORY;
    gathered *made = &self->entries[self->count++];
    *made = (gathered){*entry, alto_buffer_make(ALTO_MAX_DIRECTORY + ALTO_MAX_URL)};
    if (conflicts(from, object)) {
        fault(from, entry->id, "another directory gives the name of its cost type to something else");
        return ALTO_OK;
    }
    alto_buffer_add_text(&made->text, "{");
    each_member(object, rewrite_member, &(rewriting){&made->text, entry->url});
    alto_buffer_add_text(&made->text, "}");
    return made->text.status;
}

static void trim_type(char *type)
{
    type[strcspn(type, "; \t")] = 0;
    for (; *type; type++)
        *type = (char)tolower((unsigned char)*type);
}

/* What an entry says, or why it is of no use. */
static const char *read_entry(const reading *from, alto_slice key, alto_slice object, alto_ird_entry *out)
{
    alto_slice value;
    char uri[ALTO_MAX_URL + 1];
    *out = (alto_ird_entry){.has_input = member(object, "accepts", &value)};
    bool named = alto_json_text(key, out->id, sizeof out->id) && alto_name_valid(alto_slice_text(out->id));
    if (!named) {
        out->id[0] = 0;
        return "no resource ID: 1 to 64 of A-Z a-z 0-9 - : @ _ . (RFC 7285 10.2)";
    }
    if (out->id[0] == '.')
        return "resource IDs that begin with a dot are reserved";
    if (!member(object, "media-type", &value) || !alto_json_text(value, out->media_type, sizeof out->media_type))
        return "no media type";
    trim_type(out->media_type);
    if (!member(object, "uri", &value) || !alto_json_text(value, uri, sizeof uri))
        return "no URI";
    return from->self->resolve(from->url, uri, out->url, sizeof out->url) ? NULL : "its URI is no http or https URL";
}

static alto_status take_entry(void *context, alto_slice key, alto_slice object)
{
    const reading *from = context;
    alto_ird_entry entry;
    const char *why = read_entry(from, key, object, &entry);
    if (why) {
        fault(from, entry.id, why);
        return ALTO_OK;
    }
    bool link = strcmp(entry.media_type, directory_type) == 0 && !entry.has_input;
    return link ? add_link(from, &entry) : add_entry(from, &entry, object);
}

static alto_status take_directory(reading *from, alto_slice canonical, alto_error *error)
{
    static const char *const types[] = {"meta", "cost-types", NULL};
    alto_ird_gather *self = from->self;
    alto_slice resources;
    if (!member(canonical, "resources", &resources) || !is_object(resources))
        return alto_fail(error, ALTO_INVALID, "/resources", "a directory must have resources (RFC 7285 9.2.2)");
    if (!alto_json_get(canonical, types, &from->cost_types))
        from->cost_types = alto_slice_of(NULL, 0);
    if (self->root.size == 0)
        alto_buffer_add_slice(&self->root, canonical);
    alto_status status = self->root.status;
    if (status == ALTO_OK)
        status = each_member(from->cost_types, take_type, from);
    if (status == ALTO_OK)
        status = each_member(resources, take_entry, from);
    return status == ALTO_OK ? ALTO_OK : alto_fail(error, status, "", "out of memory");
}

alto_status alto_ird_gather_add(alto_ird_gather *self, const char *url, alto_slice text, alto_error *error)
{
    alto_buffer canonical = alto_buffer_make(ALTO_MAX_DIRECTORY);
    reading from = {.self = self, .url = url};
    alto_status status = alto_json_canonical(text, &canonical, error);
    if (status == ALTO_OK)
        status = take_directory(&from, alto_buffer_slice(&canonical), error);
    alto_buffer_fini(&canonical);
    return status;
}

/* ---- what was gathered ---- */

const alto_ird_entry *alto_ird_gather_entry(const alto_ird_gather *self, size_t index)
{
    return index < self->count ? &self->entries[index].entry : NULL;
}

const char *alto_ird_gather_link(const alto_ird_gather *self, size_t index)
{
    return index < self->link_count ? self->links[index] : NULL;
}

/* A member of the root or of its meta, but for the one that is gathered. */
typedef struct {
    alto_buffer *out;
    const char *but; /* literal */
} copying;

static alto_status copy_member(void *context, alto_slice key, alto_slice value)
{
    copying *to = context;
    bool meta = alto_slice_equal(key, alto_slice_text("\"meta\"")) && strcmp(to->but, "\"resources\"") == 0;
    if (!meta && !alto_slice_equal(key, alto_slice_text(to->but)))
        add_pair(to->out, key, value);
    return to->out->status;
}

static void add_meta(const alto_ird_gather *self, alto_buffer *out)
{
    alto_slice meta;
    alto_buffer_add_text(out, "\"meta\":{");
    if (member(alto_buffer_slice(&self->root), "meta", &meta))
        each_member(meta, copy_member, &(copying){out, "\"cost-types\""});
    add_separator(out);
    alto_buffer_add_text(out, "\"cost-types\":{");
    for (size_t i = 0; i < self->type_count; i++)
        add_pair(out, alto_buffer_slice(&self->types[i].name), alto_buffer_slice(&self->types[i].definition));
    alto_buffer_add_text(out, "}}");
}

static void add_resources(const alto_ird_gather *self, alto_buffer *out)
{
    alto_buffer_add_text(out, ",\"resources\":{");
    for (size_t i = 0; i < self->count; i++) {
        if (self->entries[i].text.size == 0)
            continue;
        add_separator(out);
        alto_json_string(out, alto_slice_text(self->entries[i].entry.id));
        alto_buffer_add_text(out, ":");
        alto_buffer_add_slice(out, alto_buffer_slice(&self->entries[i].text));
    }
    alto_buffer_add_text(out, "}");
}

alto_status alto_ird_gather_text(const alto_ird_gather *self, alto_buffer *out)
{
    alto_buffer_add_text(out, "{");
    each_member(alto_buffer_slice(&self->root), copy_member, &(copying){out, "\"resources\""});
    add_separator(out);
    add_meta(self, out);
    add_resources(self, out);
    alto_buffer_add_text(out, "}");
    return out->status;
}
