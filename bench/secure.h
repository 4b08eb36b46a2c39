/* SPDX-License-Identifier: Apache-2.0 */
/* secure.h - a bounded HTTPS load over loopback, made with our own client (io/pull.h): what it costs itself is not looked at.
 * All functions end the program rather than fail.
 *
 * Threads: none inside. */
#ifndef BENCH_SECURE_H
#define BENCH_SECURE_H

#include "bench.h"
#include "io/pull.h"

typedef struct {
    alto_loop *loop;
    alto_puller *puller;
    alto_pull_trust trust;
    unsigned port;
    char url[128];          /* what is asked for now */
    size_t to_ask, to_come; /* requests */
    uint64_t came;          /* bytes of bodies */
} bench_secure;

/* For 127.0.0.1:port, whose certificate is that in the file (borrowed); connects when there is something to ask. */
bench_secure bench_secure_open(unsigned port, const char *certificate);
void bench_secure_close(bench_secure *self);
/* GET `path` so many times, over 8 kept connections at most; every answer must be a 200, of `size` bytes. */
void bench_secure_run(bench_secure *self, const char *path, uint64_t size, size_t count);

#endif
