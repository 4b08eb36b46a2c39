/* SPDX-License-Identifier: Apache-2.0 */
/* front_pull.h - the pull side of a front: what stands below /redistribution/v1/<origin>/ (docs/wire-format.md, HTTP paths).
 *
 * Threads: alto_front_pull_answer may run in several threads at once. */
#ifndef ALTO_FRONT_PULL_H
#define ALTO_FRONT_PULL_H

#include "io/admission.h"
#include "io/archive.h"
#include "io/http.h"

typedef struct alto_front_pull alto_front_pull;

/* Answers from `archive`; large transfers ask for admission, as may those of others. Both must outlive it. NULL: out of memory. */
alto_front_pull *alto_front_pull_new(alto_archive *archive, alto_admission *admission);
void alto_front_pull_destroy(alto_front_pull **self);

/* Answer GET or HEAD of "/redistribution/v1/<origin>/" and then `path`. */
void alto_front_pull_answer(alto_front_pull *self, const char *path, const alto_http_request *request,
                            alto_http_answer *answer);

#endif
