/* SPDX-License-Identifier: Apache-2.0 */
/* processors.h - which processor a thread runs on: where the scheduler happens to put two that talk to each other is
 * worth more than what is compared. */
#ifndef BENCH_PROCESSORS_H
#define BENCH_PROCESSORS_H

#include <sched.h>

/* Two different ones of those that are ours, each alone, where there are two; else all three sets are the same. */
typedef struct {
    cpu_set_t all, one, other;
} bench_processors;
bench_processors bench_processors_divide(void);
/* This thread, and those that it starts from now on. */
void bench_run_on(const cpu_set_t *which);

#endif
