/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h - does an operation survive the failure of each of its allocations?
 *
 * What is counted and made to fail are the calls of malloc, calloc and realloc in our own code, and those in which
 * it asks outside libraries for an object (the linker leads them here: tests/CMakeLists.txt). A sanitizer finds
 * what leaks. Fails the test rather than returning an error. Needs cmocka_all.h before it.
 *
 * Threads: only allocations of the thread that sweeps are counted and fail. */
#ifndef TEST_SWEEP_H
#define TEST_SWEEP_H

#include "core/status.h"

typedef struct {
    const char *label;
    /* What is tried. It may end with ALTO_OK in spite of a failure (something optional was left out), or with
     * ALTO_NO_MEMORY. Test code in it that must not fail runs between test_sweep_pause and test_sweep_resume. */
    alto_status (*attempt)(void *context);
    /* Called after each attempt, when nothing fails any more: asserts that a refused attempt changed nothing, that
     * one that was not did all, and makes everything ready for the next. */
    void (*settle)(void *context, alto_status status);
    size_t step; /* every step-th allocation is made to fail; 1: each */
} test_sweep;

/* Attempt once with all allocations, counting them; then for every step-th of them twice: with that one failing alone,
 * and with all from it on. */
void test_sweep_run(const test_sweep *sweep, void *context);

/* Nothing fails, and nothing is counted, until resumed. Returns what resume needs; nests. */
bool test_sweep_pause(void);
void test_sweep_resume(bool was_active);

#endif
