/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - one thread's event loop: descriptors and timers on one epoll
 * descriptor, which can itself be waited for in somebody else's loop.
 *
 * Threads: a loop belongs to one thread; alto_loop_wake() and alto_loop_stop() may be called from any
 * thread, and from a signal handler. */
#ifndef ALTO_LOOP_H
#define ALTO_LOOP_H

#include "core/status.h"

#include <stdint.h>

typedef struct alto_loop alto_loop;
typedef void alto_loop_fn(void *context);

alto_loop *alto_loop_new(void); /* NULL: out of memory or descriptors */
void alto_loop_destroy(alto_loop **self);

/* Call `ready` while `fd` is readable (level-triggered). Errors: ALTO_IO, ALTO_NO_MEMORY. */
alto_status alto_loop_watch(alto_loop *self, int fd, alto_loop_fn *ready, void *context);
void alto_loop_unwatch(alto_loop *self, int fd); /* from inside a callback too */

/* A timer, single-shot, made once and armed as often as wanted. */
typedef struct alto_timer alto_timer;
alto_timer *alto_timer_new(alto_loop *loop, alto_loop_fn *expired, void *context);
void alto_timer_destroy(alto_timer **self);
void alto_timer_arm(alto_timer *self, uint64_t delay_ms); /* moves it when armed already */
void alto_timer_disarm(alto_timer *self);
bool alto_timer_armed(const alto_timer *self);

/* Call `called` in the loop's thread after each alto_loop_wake (several wakes may become one call). */
void alto_loop_on_wake(alto_loop *self, alto_loop_fn *called, void *context);
void alto_loop_wake(alto_loop *self);

/* Handle what is ready, waiting at most timeout_ms for it (-1: as long as it takes). */
alto_status alto_loop_step(alto_loop *self, int timeout_ms);
/* Step until alto_loop_stop(). */
alto_status alto_loop_run(alto_loop *self);
void alto_loop_stop(alto_loop *self);
bool alto_loop_stopped(const alto_loop *self);
/* Readable when alto_loop_step(self, 0) has something to do. */
int alto_loop_fd(const alto_loop *self);

/* Stop the loop on SIGINT and SIGTERM (signalfd; blocks them for the process). */
alto_status alto_loop_stop_on_signals(alto_loop *self);

/* Add to what is read anew on SIGHUP: `called` runs in the loop's thread after one (blocks it for the process), behind
 * those that were added before, as long as the loop is stepped. Errors: ALTO_TOO_LARGE (8 are there), ALTO_IO. */
alto_status alto_loop_on_hangup(alto_loop *self, alto_loop_fn *called, void *context);

/* Clocks, read nowhere else. */
uint64_t alto_clock_ms(void); /* wall clock, ms since 1970 */
uint64_t alto_monotonic_ms(void);
uint64_t alto_monotonic_ns(void);

#endif
