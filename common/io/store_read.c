/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store_read.h"

#include "core/delta.h"
#include "core/snapshot.h"
#include "io/store_record.h"

#include <stdlib.h>

/* One resource on its way from the disk. */
typedef struct {
    alto_pool *pool;
    alto_snapshot_reader *reader;
    alto_kind kind;
    uint64_t number; /* of the snapshot */
    alto_version *version;
    alto_stored_older older[ALTO_STORED_OLDER]; /* a ring: the newest of them at (replayed - 1) % ALTO_STORED_OLDER */
    size_t replayed;
    alto_status status;
} reading;

static bool read_piece(void *context, alto_slice bytes, alto_slice value)
{
    (void)bytes;
    reading *self = context;
    self->status = alto_snapshot_read(self->reader, value);
    return self->status == ALTO_OK;
}

static bool replay(void *context, alto_slice key, alto_slice value)
{
    reading *self = context;
    alto_hash id;
    uint64_t number;
    if (!alto_record_read_log_key(key, &id, &number) || number <= self->number)
        return true;
    alto_record_step step;
    self->status = alto_record_read_step(value, &step);
    if (self->status != ALTO_OK)
        return false;
    /* of what we wrote nothing has to be bounded */
    alto_implied implied = {.vtag = step.vtag, .dependencies = step.dependencies};
    alto_version *next = NULL;
    self->status = alto_delta_apply(self->pool, self->kind, self->version, step.delta, &implied, &step.root, &next);
    if (self->status != ALTO_OK)
        return false;
    alto_stored_older *older = &self->older[self->replayed++ % ALTO_STORED_OLDER];
    alto_version_release(older->version);
    *older = (alto_stored_older){self->version, step.delta.size};
    self->version = next;
    return true;
}

static size_t count_older(const reading *self)
{
    return self->replayed < ALTO_STORED_OLDER ? self->replayed : ALTO_STORED_OLDER;
}

static void reading_fini(reading *self)
{
    alto_version_release(self->version);
    for (size_t i = 0; i < count_older(self); i++)
        alto_version_release(self->older[i].version);
}

/* Hand over what was read. Errors: ALTO_NO_MEMORY. */
static alto_status take_read(reading *self, alto_stored_resource *out)
{
    size_t count = count_older(self);
    out->older = calloc(count + 1, sizeof *out->older);
    if (!out->older)
        return ALTO_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        out->older[i] = self->older[(self->replayed - count + i) % ALTO_STORED_OLDER];
    out->older_count = count;
    out->version = self->version;
    self->version = NULL;
    self->replayed = 0;
    return ALTO_OK;
}

static void read_resource(alto_disk *disk, const alto_hash *id, reading *into)
{
    alto_record_key at = alto_record_key_of(id);
    alto_slice value;
    alto_record_head head;
    into->status = ALTO_NOT_FOUND;
    if (!alto_disk_get(disk, ALTO_DISK_HEADS, alto_record_key_slice(&at), &value) ||
        !alto_record_read_head(value, &head))
        return;
    into->kind = head.kind;
    into->number = head.number;
    into->reader = alto_snapshot_reader_new(into->pool, head.kind, &head.root);
    into->status = into->reader ? ALTO_OK : ALTO_NO_MEMORY;
    alto_record_key pieces = alto_record_key_numbered(id, head.number);
    if (into->status == ALTO_OK)
        alto_disk_walk(disk, ALTO_DISK_PIECES, alto_record_key_slice(&pieces), read_piece, into);
    if (into->status == ALTO_OK)
        into->status = alto_snapshot_finish(into->reader, &into->version);
    alto_snapshot_reader_destroy(&into->reader);
    if (into->status == ALTO_OK)
        alto_disk_walk(disk, ALTO_DISK_LOG, alto_record_key_slice(&at), replay, into);
}

alto_status alto_stored_read(alto_disk *disk, alto_pool *pool, const alto_hash *id, const alto_hash *root,
                             alto_stored_resource *out)
{
    reading from = {.pool = pool};
    read_resource(disk, id, &from);
    if (from.status == ALTO_OK && !alto_hash_equal(alto_version_root(from.version), root))
        from.status = ALTO_ROOT_MISMATCH;
    if (from.status == ALTO_OK)
        from.status = take_read(&from, out);
    reading_fini(&from);
    return from.status;
}
