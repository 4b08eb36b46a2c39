/* SPDX-License-Identifier: Apache-2.0 */
#include "processors.h"

#include "bench.h"

#include <errno.h>
#include <string.h>

bench_processors bench_processors_divide(void)
{
    bench_processors made;
    if (sched_getaffinity(0, sizeof made.all, &made.all) != 0)
        bench_die("which processors are ours: %s", strerror(errno));
    made.one = made.other = made.all;
    if (CPU_COUNT(&made.all) < 2)
        return made;
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &made.all))
        cpu++;
    CPU_ZERO(&made.one);
    CPU_SET(cpu, &made.one);
    do
        cpu++;
    while (!CPU_ISSET(cpu, &made.all));
    CPU_ZERO(&made.other);
    CPU_SET(cpu, &made.other);
    return made;
}

void bench_run_on(const cpu_set_t *which)
{
    if (sched_setaffinity(0, sizeof *which, which) != 0)
        bench_die("cannot choose a processor: %s", strerror(errno));
}
