/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - a bounded HTTP load over loopback: a few keep-alive connections that ask again and again, as fast as they are answered or
 * at a rate.
 *
 * Threads: none inside. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench.h"

#include <sys/types.h>

enum { BENCH_CONNECTIONS = 16 };

typedef struct {
    int fds[BENCH_CONNECTIONS];
    size_t count;
    /* Never sleep while waiting. Waking a sleeper on another processor is work of who answers, and may be more than the answer; and it
     * is work that a server does only as long as it is slower than its load. And how late this load wakes is no time of the server's. */
    bool restless;
} bench_load;

/* Connect `count` times to 127.0.0.1:port, waiting for somebody to listen there. */
bench_load bench_load_open(unsigned port, size_t count);
void bench_load_close(bench_load *self);
/* Ask for `path` on every connection at once, `rounds` times; every answer must be a 200 with `size` bytes. */
void bench_load_run(bench_load *self, const char *path, uint64_t size, size_t rounds);
/* The same with other requests, each whole as it is sent: every connection puts the next of `count`, and after the last the first
 * again. */
void bench_load_ask(bench_load *self, const alto_slice *requests, size_t count, uint64_t size, size_t rounds);
/* Put it once, on one connection; the body goes to `out`. */
void bench_load_once(bench_load *self, alto_slice request, alto_buffer *out);
/* Put `count` requests, each whole as it is sent, one after the other and from the first again, `per_second` for `seconds`, however
 * long their answers take. To `us` go the times from when each was due, not from when a connection was free for it, until its answer
 * was whole: a 200. */
void bench_load_pace(bench_load *self, const alto_slice *requests, size_t count, unsigned per_second, unsigned seconds,
                     bench_series *us);
/* One GET; the body goes to `out`. */
void bench_load_get(bench_load *self, const char *path, alto_buffer *out);

/* CPU time that a process has used, all its threads together, in microseconds. */
double bench_cpu_us(pid_t process);

#endif
