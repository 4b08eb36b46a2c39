/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - processes to measure with, which end when the benchmark does.
 *
 * Threads: from the thread that ends last only: a child ends with the thread that started it. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include "bench.h"

#include <sys/types.h>

/* Fork: 0 in the child, which ends with us whatever happens; its process ID here. */
pid_t bench_child_start(void);
/* Kill it, and wait until it is gone. */
void bench_child_stop(pid_t child);

#endif
