/* SPDX-License-Identifier: Apache-2.0 */
#include "io/admission.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct {
    uint64_t ticket; /* 0: free */
    uint64_t bytes, until_ms;
} place;

struct alto_admission {
    pthread_mutex_t lock; /* all below */
    place places[ALTO_ADMIT_TRANSFERS];
    uint64_t bytes; /* of all places taken */
    uint64_t turns; /* how many were admitted */
    _Atomic uint64_t refused;
};

alto_admission *alto_admission_new(void)
{
    alto_admission *self = calloc(1, sizeof *self);
    if (self)
        pthread_mutex_init(&self->lock, NULL);
    return self;
}

void alto_admission_destroy(alto_admission **self)
{
    if (*self)
        pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

static void free_place(alto_admission *self, place *at)
{
    self->bytes -= at->bytes;
    *at = (place){.ticket = 0};
}

/* A free place; those that have been taken for too long are free. NULL: none. */
static place *find_place(alto_admission *self, uint64_t now_ms)
{
    place *found = NULL;
    for (place *at = self->places; at < self->places + ALTO_ADMIT_TRANSFERS; at++) {
        if (at->ticket && now_ms > at->until_ms)
            free_place(self, at);
        if (!at->ticket)
            found = at;
    }
    return found;
}

uint64_t alto_admission_enter(alto_admission *self, uint64_t bytes, uint64_t now_ms)
{
    uint64_t ticket = 0;
    pthread_mutex_lock(&self->lock);
    place *at = find_place(self, now_ms);
    if (at && (self->bytes == 0 || self->bytes + bytes <= ALTO_ADMIT_BYTES)) {
        ticket = ++self->turns * ALTO_ADMIT_TRANSFERS + (uint64_t)(at - self->places);
        *at = (place){ticket, bytes, now_ms + ALTO_ADMIT_GRACE_MS + bytes * 1000 / ALTO_ADMIT_PACE};
        self->bytes += bytes;
    }
    pthread_mutex_unlock(&self->lock);
    return ticket;
}

void alto_admission_leave(alto_admission *self, uint64_t ticket)
{
    pthread_mutex_lock(&self->lock);
    place *at = &self->places[ticket % ALTO_ADMIT_TRANSFERS];
    if (at->ticket == ticket) /* else it counts no more */
        free_place(self, at);
    pthread_mutex_unlock(&self->lock);
}

void alto_admission_count_refused(alto_admission *self)
{
    atomic_fetch_add_explicit(&self->refused, 1, memory_order_relaxed);
}

uint64_t alto_admission_refused(const alto_admission *self)
{
    return atomic_load_explicit(&((alto_admission *)(uintptr_t)self)->refused, memory_order_relaxed);
}
