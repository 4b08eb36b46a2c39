/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_book.h"

#include "core/snapshot.h"
#include "io/log.h"
#include "io/store_meta.h"
#include "io/store_read.h"
#include "io/store_record.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PIECE_SIZE = 8 * 4096 - 16,  /* fills whole pages of the disk with their header */
    TRANSACTION_BYTES = 8 << 20, /* of a snapshot, written at once */
    LOG_BYTES_MIN = 1 << 20,     /* a log may always grow that far ... */
    LOG_COUNT_MAX = 4096,        /* ... but not beyond so many deltas: reading them again costs time each */
};

/* What is known of one resource on the disk. */
typedef struct {
    alto_hash id;
    bool held;                /* there is a snapshot, and with its log it leads to: */
    alto_hash root;           /* the newest version on the disk */
    uint64_t number;          /* the last one used, for a log entry or a snapshot */
    uint64_t snapshot_number; /* of the snapshot in use */
    uint64_t snapshot_size;   /* bytes */
    uint64_t log_bytes, log_count;
    bool litter; /* found when opening: pieces or log entries that belong to nothing */
    /* While steps are written: */
    bool planned;        /* it occurs in them */
    bool wants_snapshot; /* some delta is missing, so `version` is written whole */
    bool plan_held;      /* `held` and `root` as the plan goes on */
    alto_hash plan_root;
    const alto_version *version;         /* after all the steps, borrowed; NULL: withdrawn */
    uint64_t staged_number, staged_size; /* of the new snapshot, whose pieces are on the disk */
} resource;

/* A snapshot on its way to the disk. */
typedef struct {
    resource *of; /* NULL: none */
    alto_snapshot_writer *writer;
    alto_buffer bytes; /* not yet put */
    alto_hash root;
    alto_kind kind;
    uint64_t number, size;
    uint32_t pieces;
    bool all; /* the writer has no more */
} snapshot;

struct alto_book {
    alto_disk *disk;
    pthread_mutex_t lock; /* of everything */
    char *directory;
    resource **resources; /* ascending by id, each on its own */
    size_t count, capacity;
    bool catalog_known;
    alto_tree *catalog; /* as on the disk, when known */
    snapshot background;
    atomic_uint_least64_t written;
};

/* ---- the list of resources ---- */

/* The place of `id`, or where it would be. */
static size_t place_of(const alto_book *self, const alto_hash *id, bool *found)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(self->resources[middle]->id.bytes, id->bytes, ALTO_HASH_SIZE);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static resource *find(const alto_book *self, const alto_hash *id)
{
    bool found;
    size_t place = place_of(self, id, &found);
    return found ? self->resources[place] : NULL;
}

/* Find or add; NULL: out of memory. */
static resource *enter(alto_book *self, const alto_hash *id)
{
    bool found;
    size_t place = place_of(self, id, &found);
    if (found)
        return self->resources[place];
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 64;
        resource **grown = realloc(self->resources, capacity * sizeof(resource *));
        if (!grown)
            return NULL;
        self->resources = grown;
        self->capacity = capacity;
    }
    resource *added = calloc(1, sizeof *added);
    if (!added)
        return NULL;
    added->id = *id;
    memmove(self->resources + place + 1, self->resources + place, (self->count - place) * sizeof(resource *));
    self->resources[place] = added;
    self->count++;
    return added;
}

static void forget_resources(alto_book *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->resources[i]);
    self->count = 0;
}

/* ---- reading what is there ---- */

static resource *enter_scanned(alto_book *self, const alto_hash *id)
{
    resource *entered = enter(self, id);
    if (!entered)
        alto_disk_fail(self->disk, ALTO_NO_MEMORY);
    return entered;
}

static bool scan_head(void *context, alto_slice bytes, alto_slice value)
{
    alto_book *self = context;
    alto_hash id;
    alto_record_head head;
    if (bytes.size != ALTO_HASH_SIZE)
        return true;
    memcpy(id.bytes, bytes.data, ALTO_HASH_SIZE);
    resource *at = enter_scanned(self, &id);
    if (at)
        at->held = alto_record_read_head(value, &head);
    if (at && at->held) {
        at->root = head.root;
        at->number = at->snapshot_number = head.number;
        at->snapshot_size = head.size;
    }
    return at != NULL;
}

static bool scan_log(void *context, alto_slice bytes, alto_slice value)
{
    alto_book *self = context;
    alto_hash id;
    uint64_t number;
    if (!alto_record_read_log_key(bytes, &id, &number))
        return true;
    resource *at = enter_scanned(self, &id);
    if (!at)
        return false;
    at->number = number > at->number ? number : at->number;
    if (!at->held || number <= at->snapshot_number || value.size < ALTO_HASH_SIZE) {
        at->litter = true;
        return true;
    }
    memcpy(at->root.bytes, value.data, ALTO_HASH_SIZE);
    at->log_bytes += value.size;
    at->log_count++;
    return true;
}

static bool scan_piece(void *context, alto_slice bytes, alto_slice value)
{
    (void)value;
    alto_book *self = context;
    alto_hash id;
    uint64_t number;
    if (!alto_record_read_piece_key(bytes, &id, &number))
        return true;
    resource *at = enter_scanned(self, &id);
    if (at && (!at->held || number != at->snapshot_number)) {
        at->litter = true;
        if (number > at->number)
            at->number = number; /* never use it again */
    }
    return at != NULL;
}

/* Learn from the disk what it holds; in a transaction. */
static void scan(alto_book *self)
{
    static const alto_slice all = {NULL, 0};
    forget_resources(self);
    alto_disk_walk(self->disk, ALTO_DISK_HEADS, all, scan_head, self);
    alto_disk_walk(self->disk, ALTO_DISK_LOG, all, scan_log, self);
    alto_disk_walk(self->disk, ALTO_DISK_PIECES, all, scan_piece, self);
}

/* ---- changing what is there; in a transaction ---- */

/* Puts and ends a value, whose failure is the transaction's. */
static void put_value(alto_book *self, alto_disk_table table, alto_record_key at, alto_buffer *value)
{
    if (value->status != ALTO_OK)
        alto_disk_fail(self->disk, value->status);
    alto_disk_put(self->disk, table, alto_record_key_slice(&at), alto_buffer_slice(value));
    alto_buffer_fini(value);
}

static void delete_numbers(alto_book *self, alto_disk_table table, const alto_hash *id, uint64_t first, uint64_t last)
{
    if (first > last)
        return;
    alto_record_key from = alto_record_key_numbered(id, first), to = alto_record_key_of_piece(id, last, UINT32_MAX);
    alto_disk_delete_range(self->disk, table, alto_record_key_slice(&from), alto_record_key_slice(&to));
}

static void drop_snapshot(snapshot *self)
{
    alto_snapshot_writer_destroy(&self->writer);
    alto_buffer_fini(&self->bytes);
    *self = (snapshot){0};
}

/* Delete all pieces and log entries that the snapshot in use does not need. */
static void sweep(alto_book *self, resource *of)
{
    if (self->background.of == of && (!of->held || self->background.number <= of->snapshot_number))
        drop_snapshot(&self->background);
    uint64_t stands = of->held ? of->snapshot_number : 0;
    bool keep_newer = self->background.of == of;
    if (stands > 0)
        delete_numbers(self, ALTO_DISK_PIECES, &of->id, 0, stands - 1);
    if (!keep_newer)
        delete_numbers(self, ALTO_DISK_PIECES, &of->id, of->held ? stands + 1 : 0, UINT64_MAX);
    delete_numbers(self, ALTO_DISK_LOG, &of->id, 0, of->held ? stands : UINT64_MAX);
    of->litter = false;
}

static void erase(alto_book *self, resource *of)
{
    if (!of->held && !of->litter)
        return;
    alto_record_key at = alto_record_key_of(&of->id);
    of->held = false;
    of->log_bytes = of->log_count = of->snapshot_size = 0;
    sweep(self, of);
    alto_disk_delete(self->disk, ALTO_DISK_HEADS, alto_record_key_slice(&at));
}

/* From here on the snapshot whose pieces stand at `number` is the one in use. */
static void publish(alto_book *self, resource *of, alto_kind kind, const alto_hash *root, uint64_t number,
                    uint64_t size)
{
    const alto_record_head head = {.kind = kind, .root = *root, .number = number, .size = size};
    alto_buffer value = alto_buffer_make(SIZE_MAX / 2);
    alto_record_write_head(&head, &value);
    put_value(self, ALTO_DISK_HEADS, alto_record_key_of(&of->id), &value);
    of->held = true;
    of->snapshot_number = number;
    of->snapshot_size = size;
    sweep(self, of);
}

/* ---- writing snapshots ---- */

static alto_status begin_snapshot(snapshot *self, resource *of, const alto_version *version, uint64_t number)
{
    *self = (snapshot){.of = of, .number = number, .root = *alto_version_root(version)};
    self->kind = alto_version_kind(version);
    self->bytes = alto_buffer_make(SIZE_MAX / 2);
    self->writer = alto_snapshot_writer_new(version);
    return self->writer ? ALTO_OK : ALTO_NO_MEMORY;
}

/* Put the next piece; false when that was the last one, or on an error. */
static bool put_piece(alto_book *self, snapshot *of)
{
    while (!of->all && of->bytes.size < PIECE_SIZE) {
        alto_status status = alto_snapshot_write(of->writer, &of->bytes, &of->all);
        if (status != ALTO_OK) {
            alto_disk_fail(self->disk, status);
            return false;
        }
    }
    size_t size = of->bytes.size < PIECE_SIZE ? of->bytes.size : PIECE_SIZE;
    if (size) {
        alto_record_key at = alto_record_key_of_piece(&of->of->id, of->number, of->pieces++);
        alto_disk_put(self->disk, ALTO_DISK_PIECES, alto_record_key_slice(&at), alto_slice_of(of->bytes.data, size));
        memmove(of->bytes.data, of->bytes.data + size, of->bytes.size - size);
        of->bytes.size -= size;
        of->size += size;
    }
    return !of->all || of->bytes.size > 0;
}

/* End the transaction and begin another one, so that none is large. */
static void next_transaction(alto_book *self)
{
    atomic_fetch_add(&self->written, alto_disk_put_bytes(self->disk));
    alto_status status = alto_disk_end(self->disk);
    if (status == ALTO_OK)
        status = alto_disk_begin(self->disk, true);
    if (status != ALTO_OK)
        alto_disk_fail(self->disk, status);
}

/* ---- writing steps ---- */

/* Is the change's delta a way from what is there? */
static bool follows(const alto_stored_change *change, bool held, const alto_hash *root)
{
    return held && change->has_from && change->delta.size > 0 && alto_hash_equal(&change->from_root, root);
}

static void plan_change(resource *of, const alto_stored_change *change)
{
    if (!of->planned) {
        of->planned = true;
        of->wants_snapshot = false;
        of->plan_held = of->held;
        of->plan_root = of->root;
    }
    of->version = change->version;
    if (!change->version) {
        of->plan_held = of->wants_snapshot = false;
        return;
    }
    const alto_hash *root = alto_version_root(change->version);
    bool same = of->plan_held && alto_hash_equal(root, &of->plan_root);
    if (!same && !follows(change, of->plan_held, &of->plan_root))
        of->wants_snapshot = true;
    of->plan_held = true;
    of->plan_root = *root;
}

/* Find out for each resource whether deltas will do. */
static alto_status plan(alto_book *self, const alto_step *first)
{
    for (size_t i = 0; i < self->count; i++)
        self->resources[i]->planned = false;
    for (const alto_step *step = first; step; step = step->next)
        for (size_t i = 0; step->has_statement && i < step->count; i++) {
            alto_hash id = alto_record_id(step->changes[i].catalog_key);
            resource *of = enter(self, &id);
            if (!of)
                return ALTO_NO_MEMORY;
            plan_change(of, &step->changes[i]);
        }
    return ALTO_OK;
}

/* Write the pieces of a new snapshot; nothing points to them yet. */
static void stage(alto_book *self, resource *of)
{
    snapshot made;
    alto_status status = begin_snapshot(&made, of, of->version, of->number + 1);
    if (status != ALTO_OK)
        alto_disk_fail(self->disk, status);
    while (status == ALTO_OK && put_piece(self, &made))
        if (alto_disk_put_bytes(self->disk) > TRANSACTION_BYTES)
            next_transaction(self);
    of->staged_number = made.number;
    of->staged_size = made.size;
    drop_snapshot(&made);
}

static void log_change(alto_book *self, resource *of, const alto_stored_change *change)
{
    const alto_hash *root = alto_version_root(change->version);
    if (alto_hash_equal(root, &of->root))
        return; /* only its entry changed */
    const alto_record_step step = {*root, change->implied_vtag, change->implied_dependencies, change->delta};
    alto_buffer value = alto_buffer_make(SIZE_MAX / 2);
    alto_record_write_step(&step, &value);
    of->root = *root;
    of->log_bytes += value.size;
    of->log_count++;
    put_value(self, ALTO_DISK_LOG, alto_record_key_numbered(&of->id, ++of->number), &value);
}

static void write_logs(alto_book *self, const alto_step *first)
{
    for (const alto_step *step = first; step; step = step->next)
        for (size_t i = 0; step->has_statement && i < step->count; i++) {
            alto_hash id = alto_record_id(step->changes[i].catalog_key);
            resource *of = find(self, &id);
            if (of->version && !of->wants_snapshot)
                log_change(self, of, &step->changes[i]);
        }
}

static void publish_staged(alto_book *self, resource *of)
{
    of->number = of->staged_number;
    of->root = *alto_version_root(of->version);
    of->log_bytes = of->log_count = 0;
    publish(self, of, alto_version_kind(of->version), &of->root, of->staged_number, of->staged_size);
}

/* ---- the catalog ---- */

static void put_entry(alto_book *self, alto_slice catalog_key, alto_slice entry)
{
    alto_hash id = alto_record_id(catalog_key);
    alto_buffer value = alto_buffer_make(SIZE_MAX / 2);
    alto_record_write_entry(catalog_key, entry, &value);
    put_value(self, ALTO_DISK_ENTRIES, alto_record_key_of(&id), &value);
}

static alto_status write_entry(void *context, alto_slice catalog_key, const alto_value *before, const alto_value *after,
                               uint64_t rank_before, uint64_t rank_after)
{
    (void)before, (void)rank_before, (void)rank_after;
    alto_book *self = context;
    if (after) {
        put_entry(self, catalog_key, after->text);
        return ALTO_OK;
    }
    alto_hash id = alto_record_id(catalog_key);
    alto_record_key at = alto_record_key_of(&id);
    alto_disk_delete(self->disk, ALTO_DISK_ENTRIES, alto_record_key_slice(&at));
    resource *gone = find(self, &id);
    if (gone)
        erase(self, gone);
    return ALTO_OK;
}

static void write_catalog(alto_book *self, const alto_tree *catalog)
{
    uint8_t last[ALTO_HASH_SIZE];
    memset(last, 0xff, sizeof last);
    if (!self->catalog_known)
        alto_disk_delete_range(self->disk, ALTO_DISK_ENTRIES, alto_slice_text(""), alto_slice_of(last, sizeof last));
    alto_status status = alto_tree_diff(self->catalog_known ? self->catalog : NULL, catalog, write_entry, self);
    if (status != ALTO_OK)
        alto_disk_fail(self->disk, status);
}

static void keep_catalog(alto_book *self, const alto_tree *catalog)
{
    alto_tree *kept = alto_tree_retain(catalog);
    alto_tree_release(self->catalog);
    self->catalog = kept;
    self->catalog_known = true;
}

/* ---- snapshots in the background ---- */

static bool log_too_long(const resource *of)
{
    uint64_t allowed = of->snapshot_size / 2 > LOG_BYTES_MIN ? of->snapshot_size / 2 : LOG_BYTES_MIN;
    return of->held && (of->log_bytes > allowed || of->log_count > LOG_COUNT_MAX);
}

/* One at a time; whoever is not chosen is looked at again when it changes again. */
static void choose_background(alto_book *self)
{
    for (size_t i = 0; !self->background.of && i < self->count; i++) {
        resource *of = self->resources[i];
        if (of->planned && of->version && log_too_long(of) &&
            begin_snapshot(&self->background, of, of->version, of->number) != ALTO_OK)
            drop_snapshot(&self->background);
    }
}

/* What the log holds behind a number. */
typedef struct {
    uint64_t after, bytes, count;
} log_tail;

static bool measure(void *context, alto_slice bytes, alto_slice value)
{
    log_tail *self = context;
    alto_hash id;
    uint64_t number;
    if (alto_record_read_log_key(bytes, &id, &number) && number > self->after) {
        self->bytes += value.size;
        self->count++;
    }
    return true;
}

static void publish_background(alto_book *self)
{
    const snapshot *made = &self->background;
    resource *of = made->of;
    log_tail tail = {.after = made->number};
    alto_record_key prefix = alto_record_key_of(&of->id);
    publish(self, of, made->kind, &made->root, made->number, made->size);
    alto_disk_walk(self->disk, ALTO_DISK_LOG, alto_record_key_slice(&prefix), measure, &tail);
    of->log_bytes = tail.bytes;
    of->log_count = tail.count;
}

/* ---- loading ---- */

typedef struct {
    alto_edit *edits; /* keys and values point into the disk's memory */
    size_t count, capacity;
    alto_status status;
} listing;

static bool list_entry(void *context, alto_slice bytes, alto_slice value)
{
    (void)bytes;
    listing *self = context;
    alto_slice name, entry;
    self->status = alto_record_read_entry(value, &name, &entry);
    if (self->status != ALTO_OK)
        return false;
    if (self->count == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 64;
        alto_edit *grown = realloc(self->edits, capacity * sizeof *grown);
        if (!grown) {
            self->status = ALTO_NO_MEMORY;
            return false;
        }
        self->edits = grown;
        self->capacity = capacity;
    }
    self->edits[self->count++] = (alto_edit){.key = name, .value = {.text = entry}};
    return true;
}

static int by_key(const void *a, const void *b)
{
    return alto_slice_compare(((const alto_edit *)a)->key, ((const alto_edit *)b)->key);
}

static bool ascending(const listing *entries)
{
    for (size_t i = 1; i < entries->count; i++)
        if (alto_slice_compare(entries->edits[i - 1].key, entries->edits[i].key) >= 0)
            return false;
    return true;
}

static alto_status load_catalog(alto_book *self, alto_pool *pool, alto_tree **catalog)
{
    listing entries = {.status = ALTO_OK};
    alto_disk_walk(self->disk, ALTO_DISK_ENTRIES, alto_slice_text(""), list_entry, &entries);
    alto_status status = entries.status;
    if (status == ALTO_OK && entries.count) {
        qsort(entries.edits, entries.count, sizeof *entries.edits, by_key);
        status = ascending(&entries)
                     ? alto_tree_edit(pool, ALTO_VALUE_TEXT, NULL, entries.edits, entries.count, catalog)
                     : ALTO_MALFORMED;
    }
    free(entries.edits);
    return status;
}

/* Look at the statement; does it speak of this catalog? */
static bool signed_catalog(alto_stored_state *state)
{
    alto_slice object;
    alto_signature signature;
    alto_statement statement;
    if (alto_signed_split(alto_buffer_slice(&state->statement), &object, &signature) != ALTO_OK ||
        alto_statement_decode(object, &statement) != ALTO_OK)
        return false;
    alto_hash root = alto_state_root(state->catalog);
    bool same = alto_hash_equal(&root, &statement.state_root);
    state->position = statement.position;
    state->issued_at_ms = statement.issued_at_ms;
    alto_statement_fini(&statement);
    return same;
}

/* What the disk holds of an entry, checked; ALTO_NOT_FOUND: nothing, or nothing that fits. */
static alto_status load_version(alto_book *self, alto_pool *pool, alto_slice entry_bytes, alto_stored_resource *out)
{
    alto_entry entry;
    alto_hash id = alto_record_id(out->catalog_key);
    resource *of = find(self, &id);
    if (!of || !of->held || alto_entry_decode(entry_bytes, &entry) != ALTO_OK)
        return ALTO_NOT_FOUND;
    alto_status status = alto_stored_read(self->disk, pool, &id, &entry.root, out);
    if (status == ALTO_OK || status == ALTO_NO_MEMORY)
        return status;
    of->root = (alto_hash){{0}}; /* what comes next is written whole */
    const char *name = (const char *)out->catalog_key.data;
    alto_log(ALTO_LOG_WARN, "state-dropped", "directory=%s resource=%.*s status=%s", self->directory,
             (int)strnlen(name, out->catalog_key.size), name, alto_status_name(status));
    return ALTO_NOT_FOUND;
}

static alto_status load_versions(alto_book *self, alto_pool *pool, alto_stored_state *state)
{
    state->resources = calloc(alto_tree_entries(state->catalog) + 1, sizeof *state->resources);
    if (!state->resources)
        return ALTO_NO_MEMORY;
    alto_cursor cursor;
    for (alto_cursor_first(&cursor, state->catalog); alto_cursor_valid(&cursor); alto_cursor_next(&cursor)) {
        alto_stored_resource *next = &state->resources[state->count];
        next->catalog_key = alto_cursor_key(&cursor);
        alto_status status = load_version(self, pool, alto_cursor_value(&cursor).text, next);
        if (status == ALTO_NO_MEMORY)
            return status;
        state->count += status == ALTO_OK;
    }
    return ALTO_OK;
}

static void copy_meta(alto_book *self, const char *name, alto_buffer *out)
{
    alto_slice value;
    if (alto_disk_get(self->disk, ALTO_DISK_META, alto_slice_text(name), &value))
        alto_buffer_add_slice(out, value);
}

static alto_status load(alto_book *self, alto_pool *pool, alto_stored_state *state)
{
    copy_meta(self, "manifest", &state->manifest);
    copy_meta(self, "roots", &state->roots);
    copy_meta(self, "statement", &state->statement);
    if (state->manifest.status != ALTO_OK || state->roots.status != ALTO_OK || state->statement.status != ALTO_OK)
        return ALTO_NO_MEMORY;
    state->has_statement = state->statement.size > 0;
    if (!state->has_statement)
        return ALTO_OK;
    alto_status status = load_catalog(self, pool, &state->catalog);
    if (status == ALTO_MALFORMED || (status == ALTO_OK && !signed_catalog(state))) {
        alto_log(ALTO_LOG_WARN, "state-dropped", "directory=%s why=statement-and-catalog-differ", self->directory);
        state->has_statement = false;
        alto_buffer_clear(&state->statement);
        alto_tree_release(state->catalog);
        state->catalog = NULL;
        return ALTO_OK;
    }
    if (status == ALTO_OK)
        status = load_versions(self, pool, state);
    if (status == ALTO_OK)
        keep_catalog(self, state->catalog);
    return status;
}

/* ---- public ---- */

static alto_status take_over(alto_book *self, const alto_origin *origin, alto_error *error)
{
    alto_status status = alto_meta_begin(self->disk, self->directory, origin, error);
    if (status != ALTO_OK)
        return status;
    scan(self);
    for (size_t i = 0; i < self->count; i++)
        if (self->resources[i]->litter)
            sweep(self, self->resources[i]);
    status = alto_disk_end(self->disk);
    return status == ALTO_OK
               ? ALTO_OK
               : alto_fail(error, status, self->directory, "cannot write to it: %s", alto_disk_why(self->disk));
}

alto_status alto_book_open(const char *directory, const alto_origin *origin, alto_book **out, alto_error *error)
{
    alto_book *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, directory, "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    self->directory = strdup(directory);
    alto_status status = self->directory ? alto_disk_open(directory, &self->disk, error)
                                         : alto_fail(error, ALTO_NO_MEMORY, directory, "out of memory");
    if (status == ALTO_OK)
        status = take_over(self, origin, error);
    if (status != ALTO_OK) {
        alto_book_close(&self);
        return status;
    }
    *out = self;
    return ALTO_OK;
}

void alto_book_close(alto_book **self)
{
    if (!*self)
        return;
    alto_book *book = *self;
    drop_snapshot(&book->background);
    alto_tree_release(book->catalog);
    forget_resources(book);
    free(book->resources);
    alto_disk_close(&book->disk);
    pthread_mutex_destroy(&book->lock);
    free(book->directory);
    free(book);
    *self = NULL;
}

alto_status alto_book_load(alto_book *self, alto_pool *pool, alto_stored_state *state)
{
    *state = (alto_stored_state){.statement = alto_buffer_make(SIZE_MAX / 2),
                                 .manifest = alto_buffer_make(SIZE_MAX / 2),
                                 .roots = alto_buffer_make(SIZE_MAX / 2)};
    pthread_mutex_lock(&self->lock);
    alto_status status = alto_disk_begin(self->disk, false);
    if (status == ALTO_OK) {
        status = load(self, pool, state);
        alto_status end = alto_disk_end(self->disk);
        if (status == ALTO_OK)
            status = end;
    }
    pthread_mutex_unlock(&self->lock);
    if (status != ALTO_OK)
        alto_stored_state_fini(state);
    return status;
}

alto_status alto_book_next_chain(alto_book *self, uint64_t now_ms, uint64_t *chain)
{
    pthread_mutex_lock(&self->lock);
    alto_status status = alto_disk_begin(self->disk, true);
    if (status == ALTO_OK) {
        uint64_t last = alto_meta_last_chain(self->disk, self->directory), next = now_ms > last ? now_ms : last + 1;
        alto_meta_put_chain(self->disk, next);
        status = alto_disk_end(self->disk);
        if (status == ALTO_OK)
            *chain = next;
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

/* The part of a write that becomes visible at once. */
static void write_visible(alto_book *self, const alto_step *first, const alto_step *newest)
{
    write_logs(self, first);
    for (size_t i = 0; i < self->count; i++) {
        resource *of = self->resources[i];
        if (of->planned && !of->version)
            erase(self, of);
        else if (of->planned && of->wants_snapshot)
            publish_staged(self, of);
    }
    for (const alto_step *step = first; step; step = step->next)
        if (step->has_manifest) {
            alto_disk_put(self->disk, ALTO_DISK_META, alto_slice_text("manifest"), step->manifest);
            alto_disk_put(self->disk, ALTO_DISK_META, alto_slice_text("roots"), step->roots);
        }
    if (newest) {
        write_catalog(self, newest->catalog);
        alto_disk_put(self->disk, ALTO_DISK_META, alto_slice_text("statement"), newest->statement);
    }
}

static alto_status write_steps(alto_book *self, const alto_step *first)
{
    const alto_step *newest = NULL;
    for (const alto_step *step = first; step; step = step->next)
        if (step->has_statement)
            newest = step;
    alto_status status = plan(self, first);
    if (status == ALTO_OK)
        status = alto_disk_begin(self->disk, true);
    if (status != ALTO_OK)
        return status;
    for (size_t i = 0; i < self->count; i++)
        if (self->resources[i]->planned && self->resources[i]->version && self->resources[i]->wants_snapshot)
            stage(self, self->resources[i]);
    write_visible(self, first, newest);
    uint64_t bytes = alto_disk_put_bytes(self->disk);
    status = alto_disk_end(self->disk);
    if (status != ALTO_OK)
        return status;
    atomic_fetch_add(&self->written, bytes);
    if (newest)
        keep_catalog(self, newest->catalog);
    choose_background(self);
    return ALTO_OK;
}

alto_status alto_book_write(alto_book *self, const alto_step *first)
{
    pthread_mutex_lock(&self->lock);
    alto_status status = write_steps(self, first);
    pthread_mutex_unlock(&self->lock);
    return status;
}

alto_status alto_book_recover(alto_book *self)
{
    pthread_mutex_lock(&self->lock);
    drop_snapshot(&self->background);
    /* A transaction that failed at its very end may stand on the disk all the same: nothing is known of it any more. */
    alto_tree_release(self->catalog);
    self->catalog = NULL;
    self->catalog_known = false;
    alto_status status = alto_disk_reopen(self->disk);
    if (status == ALTO_OK)
        status = alto_disk_begin(self->disk, false);
    if (status == ALTO_OK) {
        scan(self);
        status = alto_disk_end(self->disk);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

bool alto_book_busy(alto_book *self)
{
    pthread_mutex_lock(&self->lock);
    bool busy = self->background.of != NULL;
    pthread_mutex_unlock(&self->lock);
    return busy;
}

static alto_status work(alto_book *self)
{
    alto_status status = alto_disk_begin(self->disk, true);
    if (status != ALTO_OK)
        return status;
    bool more = true;
    while (more && alto_disk_put_bytes(self->disk) < TRANSACTION_BYTES)
        more = put_piece(self, &self->background);
    if (!more)
        publish_background(self);
    uint64_t bytes = alto_disk_put_bytes(self->disk);
    status = alto_disk_end(self->disk);
    if (status == ALTO_OK)
        atomic_fetch_add(&self->written, bytes);
    return status;
}

alto_status alto_book_work(alto_book *self)
{
    pthread_mutex_lock(&self->lock);
    alto_status status = self->background.of ? work(self) : ALTO_OK;
    pthread_mutex_unlock(&self->lock);
    return status;
}

uint64_t alto_book_written(alto_book *self)
{
    return atomic_load(&self->written);
}

void alto_book_why(alto_book *self, char *words, size_t room)
{
    pthread_mutex_lock(&self->lock);
    snprintf(words, room, "%s", alto_disk_why(self->disk));
    pthread_mutex_unlock(&self->lock);
}
