/* SPDX-License-Identifier: Apache-2.0 */
#include "io/archive_made.h"

#include "io/archive_history.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 4096, ENTRY_BYTES = 256 };

typedef struct entry {
    const alto_blob *blob; /* retained; NULL: it cannot be made */
    alto_status status;
    uint64_t since_ms;
    struct entry *next_in_slot, *newer;
    char path[ALTO_MADE_PATH];
} entry;

struct alto_made {
    entry *slots[SLOTS];
    entry *oldest, *newest;
    uint64_t bytes;
};

alto_made *alto_made_new(void)
{
    return calloc(1, sizeof(alto_made));
}

static entry **slot_of(alto_made *self, const char *path)
{
    return &self->slots[alto_short_hash(alto_slice_text(path)) % SLOTS];
}

static uint64_t bytes_of(const entry *at)
{
    return ENTRY_BYTES + (at->blob ? at->blob->size : 0);
}

static void drop_oldest(alto_made *self)
{
    entry *gone = self->oldest, **link = slot_of(self, gone->path);
    while (*link != gone)
        link = &(*link)->next_in_slot;
    *link = gone->next_in_slot;
    self->oldest = gone->newer;
    if (!self->oldest)
        self->newest = NULL;
    self->bytes -= bytes_of(gone);
    alto_blob_release(gone->blob);
    free(gone);
}

void alto_made_destroy(alto_made **self)
{
    while (*self && (*self)->oldest)
        drop_oldest(*self);
    free(*self);
    *self = NULL;
}

const alto_blob *alto_made_find(const alto_made *self, const char *path, alto_status *status)
{
    const entry *at = *slot_of((alto_made *)(uintptr_t)self, path);
    while (at && strcmp(at->path, path) != 0)
        at = at->next_in_slot;
    *status = at ? at->status : ALTO_NOT_FOUND;
    return at ? at->blob : NULL;
}

void alto_made_forget(alto_made *self, uint64_t now_ms)
{
    while (self->oldest && now_ms > self->oldest->since_ms + ALTO_KEEP_MS)
        drop_oldest(self);
}

alto_status alto_made_add(alto_made *self, const char *path, const alto_blob *blob, alto_status status, uint64_t now_ms)
{
    entry *added = malloc(sizeof *added);
    if (!added)
        return ALTO_NO_MEMORY;
    entry **slot = slot_of(self, path);
    *added = (entry){.blob = alto_blob_retain(blob), .status = status, .since_ms = now_ms, .next_in_slot = *slot};
    snprintf(added->path, sizeof added->path, "%s", path);
    *slot = added;
    *(self->newest ? &self->newest->newer : &self->oldest) = added;
    self->newest = added;
    self->bytes += bytes_of(added);
    alto_made_forget(self, now_ms);
    while (self->oldest != added && self->bytes > ALTO_KEEP_MADE)
        drop_oldest(self);
    return ALTO_OK;
}
