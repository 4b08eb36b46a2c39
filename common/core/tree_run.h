/* SPDX-License-Identifier: Apache-2.0 */
/* tree_run.h - runs of keys and the pool that holds equal ones once: for tree.c.
 *
 * Threads: a run may be retained and released in any thread; a pool belongs to one at a time. */
#ifndef ALTO_TREE_RUN_H
#define ALTO_TREE_RUN_H

#include "core/tree_node.h"

#include <stdlib.h>

/* A run with these keys: that of the hint (may be NULL), one of the pool (likewise), or a new one. A reference for the caller; NULL: out of
 * memory. */
alto_run *alto_run_make(alto_pool *pool, const alto_run *hint, const alto_slice *keys, uint32_t count);

static inline alto_run *alto_run_retain(alto_run *keys)
{
    atomic_fetch_add_explicit(&keys->refs, 1, memory_order_relaxed);
    return keys;
}

static inline void alto_run_release(alto_run *keys)
{
    if (atomic_fetch_sub_explicit(&keys->refs, 1, memory_order_acq_rel) == 1)
        free(keys);
}

#endif
