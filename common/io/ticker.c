/* SPDX-License-Identifier: Apache-2.0 */
#include "io/ticker.h"

#include "io/loop.h"
#include "io/thread.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct alto_ticker {
    alto_ticker_fn *look;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool end; /* under the lock */
};

/* False: it is to end. */
static bool wait_for_turn(alto_ticker *self, uint64_t delay_ms)
{
    uint64_t at = alto_monotonic_ms() + delay_ms;
    struct timespec until = {.tv_sec = (time_t)(at / 1000), .tv_nsec = (long)(at % 1000) * 1000000};
    pthread_mutex_lock(&self->lock);
    while (!self->end && pthread_cond_timedwait(&self->ended, &self->lock, &until) == 0)
        ;
    bool end = self->end;
    pthread_mutex_unlock(&self->lock);
    return !end;
}

static void *run_ticker(void *context)
{
    alto_ticker *self = context;
    while (wait_for_turn(self, self->look(self->context)))
        ;
    return NULL;
}

static void free_ticker(alto_ticker *self)
{
    pthread_cond_destroy(&self->ended);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

alto_ticker *alto_ticker_new(alto_ticker_fn *look, void *context)
{
    alto_ticker *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->look = look;
    self->context = context;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&self->lock, NULL);
    if (alto_thread_start(&self->thread, run_ticker, self) == 0)
        return self;
    free_ticker(self);
    return NULL;
}

void alto_ticker_destroy(alto_ticker **self)
{
    if (!*self)
        return;
    pthread_mutex_lock(&(*self)->lock);
    (*self)->end = true;
    pthread_cond_signal(&(*self)->ended);
    pthread_mutex_unlock(&(*self)->lock);
    pthread_join((*self)->thread, NULL);
    free_ticker(*self);
    *self = NULL;
}
