/* SPDX-License-Identifier: Apache-2.0 */
/* bare.h - plain libzmq PUB and SUB, as somebody writes them who sends bytes and nothing else: the peer of our push.
 * bare.c is the only file of the benchmark that knows libzmq.
 *
 * Threads: the owner sends; a thread of its own receives. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include "bench.h"

typedef struct bench_bare bench_bare;

/* PUB bound to a free port of 127.0.0.1, SUB connected to it and subscribed to everything. Returns once a message
 * came through. */
bench_bare *bench_bare_new(void);
void bench_bare_destroy(bench_bare **self);

/* A message: its frames. */
typedef struct {
    alto_slice frames[4];
    size_t count;
} bench_message;

/* Send messages; microseconds until the last frame of the last one was received. */
double bench_bare_send(bench_bare *self, const bench_message *messages, size_t count);

/* PUB alone, bound to a free port of 127.0.0.1, with the bounds that libzmq has by itself (1,000 messages a peer). */
typedef struct bench_bare_pub bench_bare_pub;
bench_bare_pub *bench_bare_pub_new(void);
void bench_bare_pub_destroy(bench_bare_pub **self);
const char *bench_bare_pub_endpoint(const bench_bare_pub *self);
void bench_bare_pub_send(bench_bare_pub *self, const bench_message *message);

#endif
