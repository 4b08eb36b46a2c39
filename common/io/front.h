/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - what an altocast server answers over HTTP, from an archive: the ALTO side (directory and full maps)
 * and the pull side (/redistribution/v1/...).
 *
 * Threads: alto_front_answer may run in several threads at once. */
#ifndef ALTO_FRONT_H
#define ALTO_FRONT_H

#include "io/answer.h"
#include "io/archive.h"
#include "io/freshness.h"
#include "io/http.h"

typedef struct alto_front alto_front;

/* Answers from `archive`, which must outlive it, as must `counts`.
 * push    endpoints to be named in info; copied
 * counts  refusals to be shown in info
 * stale   what becomes of ALTO answers while the state is stale; what is pulled proves itself and is always given
 * NULL: out of memory. */
alto_front *alto_front_new(alto_archive *archive, const char *const *push, size_t count, const alto_counts *counts,
                           alto_stale_policy stale);
void alto_front_destroy(alto_front **self);

/* Let somebody answer for what is not held, fresh or not; before the first request. */
void alto_front_set_behind(alto_front *self, const alto_behind *behind);

/* How fresh the state is that is answered from; until this was called nothing is marked. One thread. */
void alto_front_freshness(alto_front *self, const alto_freshness *freshness);

/* The alto_http_fn; context is an alto_front. */
void alto_front_answer(void *context, const alto_http_request *request, alto_http_answer *answer);

#endif
