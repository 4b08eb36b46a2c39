/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - threads of the library's own.
 *
 * Threads: any. */
#ifndef ALTO_THREAD_H
#define ALTO_THREAD_H

#include <pthread.h>

/* pthread_create of a thread that takes no signals: those are for the threads of whoever uses us, and writing to a socket
 * that its peer closed must not be one. Returns what pthread_create does. */
int alto_thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
