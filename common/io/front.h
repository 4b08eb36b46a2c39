/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - the ALTO side of one origin over HTTP, from an archive: directory and full maps.
 *
 * Threads: alto_front_answer may run in several threads at once. */
#ifndef ALTO_FRONT_H
#define ALTO_FRONT_H

#include "io/answer.h"
#include "io/archive.h"
#include "io/freshness.h"
#include "io/http.h"
#include "io/notify.h"

typedef struct alto_front alto_front;

/* Answers from `archive`, which must outlive it.
 * stale   what becomes of answers while the state is stale
 * NULL: out of memory. */
alto_front *alto_front_new(alto_archive *archive, alto_stale_policy stale);
void alto_front_destroy(alto_front **self);

/* Let somebody answer for what is not held, fresh or not; before the first request. */
void alto_front_set_behind(alto_front *self, const alto_behind *behind);

/* Answer POST /notify, too; before the first request. `notify` must outlive it. */
void alto_front_set_notify(alto_front *self, const alto_notify *notify);

/* How fresh the state is that is answered from; until this was called nothing is marked. One thread. */
void alto_front_freshness(alto_front *self, const alto_freshness *freshness);
alto_freshness alto_front_freshness_now(const alto_front *self);

/* Answer a request whose path is what stands behind its base. */
void alto_front_answer(alto_front *self, const alto_http_request *request, alto_http_answer *answer);

#endif
