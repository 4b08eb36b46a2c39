/* SPDX-License-Identifier: Apache-2.0 */
/* counts.h - how often each status was the answer to something from outside.
 * Threads: one thread adds, any thread reads. */
#ifndef ALTO_COUNTS_H
#define ALTO_COUNTS_H

#include "core/status.h"

#include <stdatomic.h>
#include <stdint.h>

typedef struct {
    _Atomic uint64_t of[ALTO_STATUS_COUNT];
} alto_counts;

static inline void alto_counts_add(alto_counts *self, alto_status status)
{
    atomic_fetch_add_explicit(&self->of[status], 1, memory_order_relaxed);
}

/* Was it refused? What is held already, or concerns others, was not. */
static inline bool alto_is_refusal(alto_status status)
{
    return status != ALTO_OK && status != ALTO_KNOWN && status != ALTO_NOT_WANTED;
}

static inline uint64_t alto_counts_get(const alto_counts *self, alto_status status)
{
    return atomic_load_explicit(&((alto_counts *)(uintptr_t)self)->of[status], memory_order_relaxed);
}

#endif
