/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_book.h"

#include "core/delta.h"
#include "core/snapshot.h"
#include "io/log.h"
#include "io/store_disk.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FORMAT = 1,
    PIECE_SIZE = 8 * 4096 - 16,      /* fills whole pages of the disk with their header */
    TRANSACTION_BYTES = 8 << 20,     /* of a snapshot, written at once */
    LOG_BYTES_MIN = 1 << 20,         /* a log may always grow that far ... */
    LOG_COUNT_MAX = 4096,            /* ... but not beyond so many deltas: reading them again costs time each */
    KEY_MAX = ALTO_HASH_SIZE + 8 + 4 /* of any table */
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
    bool planned;                /* it occurs in them */
    bool wants_snapshot;         /* some delta is missing, so `version` is written whole */
    bool plan_held;              /* `held` and `root` as the plan goes on */
    alto_hash plan_root;
    const alto_version *version; /* after all the steps, borrowed; NULL: withdrawn */
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

/* ---- keys ---- */

typedef struct {
    uint8_t bytes[KEY_MAX];
    size_t size;
} key;

static void key_add(key *self, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        self->bytes[self->size++] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static key key_of(const alto_hash *id)
{
    key made = {.size = ALTO_HASH_SIZE};
    memcpy(made.bytes, id->bytes, ALTO_HASH_SIZE);
    return made;
}

static key numbered(const alto_hash *id, uint64_t number)
{
    key made = key_of(id);
    key_add(&made, number, 8);
    return made;
}

static key piece_key(const alto_hash *id, uint64_t number, uint32_t index)
{
    key made = numbered(id, number);
    key_add(&made, index, 4);
    return made;
}

static alto_slice slice_of(const key *self)
{
    return alto_slice_of(self->bytes, self->size);
}

/* The ID and number at the beginning of a key; false when it is not of that size. */
static bool read_key(alto_slice bytes, size_t size, alto_hash *id, uint64_t *number)
{
    if (bytes.size != size)
        return false;
    memcpy(id->bytes, bytes.data, ALTO_HASH_SIZE);
    alto_reader reader = alto_reader_make(alto_slice_of(bytes.data + ALTO_HASH_SIZE, 8));
    *number = alto_reader_u64(&reader);
    return true;
}

static alto_hash id_of(alto_slice catalog_key)
{
    return alto_hash_of("altocast-store-1", catalog_key);
}

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

static bool read_head(alto_slice value, alto_kind *kind, alto_hash *root, uint64_t *number, uint64_t *size)
{
    alto_reader reader = alto_reader_make(value);
    uint8_t raw_kind = alto_reader_u8(&reader);
    alto_slice bytes = alto_reader_slice(&reader, ALTO_HASH_SIZE);
    *number = alto_reader_u64(&reader);
    *size = alto_reader_u64(&reader);
    if (alto_reader_finish(&reader) != ALTO_OK || raw_kind < ALTO_NETWORK_MAP || raw_kind > ALTO_DOCUMENT)
        return false;
    *kind = (alto_kind)raw_kind;
    memcpy(root->bytes, bytes.data, ALTO_HASH_SIZE);
    return true;
}

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
    alto_kind kind;
    if (bytes.size != ALTO_HASH_SIZE)
        return true;
    memcpy(id.bytes, bytes.data, ALTO_HASH_SIZE);
    resource *at = enter_scanned(self, &id);
    if (at)
        at->held = read_head(value, &kind, &at->root, &at->snapshot_number, &at->snapshot_size);
    if (at && at->held)
        at->number = at->snapshot_number;
    return at != NULL;
}

static bool scan_log(void *context, alto_slice bytes, alto_slice value)
{
    alto_book *self = context;
    alto_hash id;
    uint64_t number;
    if (!read_key(bytes, ALTO_HASH_SIZE + 8, &id, &number))
        return true;
    resource *at = enter_scanned(self, &id);
    if (!at)
        return false;
    if (!at->held || number <= at->snapshot_number || value.size < ALTO_HASH_SIZE) {
        at->litter = true;
        return true;
    }
    memcpy(at->root.bytes, value.data, ALTO_HASH_SIZE);
    at->number = number;
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
    if (!read_key(bytes, KEY_MAX, &id, &number))
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

static void delete_numbers(alto_book *self, alto_disk_table table, const alto_hash *id, uint64_t first, uint64_t last)
{
    if (first > last)
        return;
    key from = numbered(id, first), to = piece_key(id, last, UINT32_MAX);
    alto_disk_delete_range(self->disk, table, slice_of(&from), slice_of(&to));
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
    key at = key_of(&of->id);
    of->held = false;
    of->log_bytes = of->log_count = of->snapshot_size = 0;
    sweep(self, of);
    alto_disk_delete(self->disk, ALTO_DISK_HEADS, slice_of(&at));
}

/* From here on the snapshot is the one in use. */
static void publish(alto_book *self, snapshot *made)
{
    resource *of = made->of;
    alto_buffer head = alto_buffer_make(1 + ALTO_HASH_SIZE + 8 + 8);
    alto_buffer_add_u8(&head, (uint8_t)made->kind);
    alto_buffer_add(&head, made->root.bytes, ALTO_HASH_SIZE);
    alto_buffer_add_u64(&head, made->number);
    alto_buffer_add_u64(&head, made->size);
    if (head.status != ALTO_OK)
        alto_disk_fail(self->disk, head.status);
    key at = key_of(&of->id);
    alto_disk_put(self->disk, ALTO_DISK_HEADS, slice_of(&at), alto_buffer_slice(&head));
    alto_buffer_fini(&head);
    of->held = true;
    of->snapshot_number = made->number;
    of->snapshot_size = made->size;
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
        key at = piece_key(&of->of->id, of->number, of->pieces++);
        alto_disk_put(self->disk, ALTO_DISK_PIECES, slice_of(&at), alto_slice_of(of->bytes.data, size));
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
            alto_hash id = id_of(step->changes[i].catalog_key);
            resource *of = enter(self, &id);
            if (!of)
                return ALTO_NO_MEMORY;
            plan_change(of, &step->changes[i]);
        }
    return ALTO_OK;
}

static void write_snapshot(alto_book *self, resource *of)
{
    snapshot made;
    alto_status status = begin_snapshot(&made, of, of->version, of->number + 1);
    if (status != ALTO_OK)
        alto_disk_fail(self->disk, status);
    else
        while (put_piece(self, &made))
            if (alto_disk_put_bytes(self->disk) > TRANSACTION_BYTES)
                next_transaction(self);
    of->number = made.number;
    of->root = made.root;
    of->log_bytes = of->log_count = 0;
    of->snapshot_size = made.size;
    drop_snapshot(&made);
}
