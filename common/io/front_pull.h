/* SPDX-License-Identifier: Apache-2.0 */
/* front_pull.h - the pull side of a front: what stands below /redistribution/v1/ (docs/wire-format.md, HTTP paths).
 *
 * Threads: alto_front_pull_answer may run in several threads at once. */
#ifndef ALTO_FRONT_PULL_H
#define ALTO_FRONT_PULL_H

#include "io/answer.h"
#include "io/archive.h"
#include "io/freshness.h"
#include "io/http.h"

typedef struct alto_front_pull alto_front_pull;

/* As alto_front_new; freshness, which must outlive it, is told in info. */
alto_front_pull *alto_front_pull_new(alto_archive *archive, const char *const *push, size_t count,
                                     const alto_counts *counts, const alto_shared_freshness *freshness);
void alto_front_pull_destroy(alto_front_pull **self);

/* Who answers for what is not held, told in info as "alto-server"; before the first request. */
void alto_front_pull_set_behind(alto_front_pull *self, const alto_behind *behind);

/* Answer GET or HEAD of "/redistribution/v1/" and then `path`. */
void alto_front_pull_answer(alto_front_pull *self, const char *path, const alto_http_request *request,
                            alto_http_answer *answer);

#endif
