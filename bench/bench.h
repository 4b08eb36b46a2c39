/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the groups of measurements share: rows of the report, clocks, medians, repeatable randomness.
 *
 * A measurement and its peer are taken in turns in one run, for the machine may be noisy; what counts is the ratio of
 * their medians. A failure that makes measuring senseless ends the program with one line.
 *
 * Threads: rows are added by one thread. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "core/bytes.h"
#include "sim/random.h"

#include <sys/types.h>

typedef struct {
    const char *data;   /* directory of the real maps */
    const char *helper; /* program that streams them */
    bool quick;         /* fewer repetitions */
} bench_options;

typedef enum { BENCH_NO_BAR, BENCH_RATIO, BENCH_VALUE } bench_bar_of;

/* One measurement. Texts are copied. */
typedef struct {
    const char *name, *unit;
    double value;
    const char *peer; /* NULL: none */
    double peer_value;
    bench_bar_of bar_of; /* what must not exceed `bar` */
    double bar;
} bench_row;

void bench_add(const bench_row *row);
/* A measurement that cannot be taken here, and why. */
void bench_skip(const char *name, const char *why);

/* The groups; each adds its rows. */
void bench_update(const bench_options *options);
void bench_reread(const bench_options *options);
void bench_payload(const bench_options *options);
void bench_push(const bench_options *options);
void bench_flood(const bench_options *options);
void bench_memory(const bench_options *options);
void bench_start(const bench_options *options);
void bench_stalled(const bench_options *options);
void bench_http(const bench_options *options);
void bench_answer(const bench_options *options);
void bench_query(const bench_options *options);
void bench_lookup(const bench_options *options);
void bench_verify(const bench_options *options);
void bench_endpoint(const bench_options *options);
void bench_recovery(const bench_options *options);

/* One line on standard error, exit code 2. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `what` names the step that must not fail. */
void bench_must(alto_status status, const char *what);
void *bench_alloc(size_t size);

/* Numbers measured one after another. */
typedef struct {
    double *values;
    size_t count, capacity;
} bench_series;
void bench_series_add(bench_series *self, double value);
double bench_median(const bench_series *self); /* 0 when empty */
/* What so many percent of them do not exceed; 0 when empty. */
double bench_percentile(const bench_series *self, unsigned percent);
void bench_series_fini(bench_series *self);

/* Bytes of anonymous memory of this process that are really there. */
uint64_t bench_resident(void);
/* Wait for a child process, which must end well. */
void bench_wait_for(pid_t child);

/* Microseconds since `from_ns` (alto_monotonic_ns). */
double bench_us_since(uint64_t from_ns);
/* Microseconds of processor time of this thread: for what takes so long that the machine does things for others, too. */
double bench_thread_us(void);

#endif
