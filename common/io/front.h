/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - what an altocast server answers over HTTP, from an archive: the ALTO side (directory and full maps)
 * and the pull side (/redistribution/v1/...).
 *
 * Threads: alto_front_answer may run in several threads at once. */
#ifndef ALTO_FRONT_H
#define ALTO_FRONT_H

#include "io/archive.h"
#include "io/http.h"

typedef struct alto_front alto_front;

/* Answers from `archive`, which must outlive it, as must `counts`.
 * push    endpoints to be named in info; copied
 * counts  refusals to be shown in info
 * NULL: out of memory. */
alto_front *alto_front_new(alto_archive *archive, const char *const *push, size_t count, const alto_counts *counts);
void alto_front_destroy(alto_front **self);

/* The alto_http_fn; context is an alto_front. */
void alto_front_answer(void *context, const alto_http_request *request, alto_http_answer *answer);

#endif
