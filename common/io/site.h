/* SPDX-License-Identifier: Apache-2.0 */
/* site.h - all that one HTTP server answers, for one origin or several, each of which has a front of its own:
 *
 *   /<name>/...                       the ALTO side of the origin of that name; of the first one, also without its name
 *   /redistribution/v1/<origin>/...   the pull side of that origin
 *   /redistribution/v1/info           what is local to this hop
 *
 * Threads: alto_site_answer may run in several threads at once, and only after the last alto_site_add. */
#ifndef ALTO_SITE_H
#define ALTO_SITE_H

#include "io/answer.h"
#include "io/evidence.h"
#include "io/front.h"
#include "io/push_gate.h"

#define ALTO_MAX_ORIGINS 32 /* of one site: its info stays below what followers take (upstream.c) */

typedef struct alto_site alto_site;

/* What is served of one origin. */
typedef struct {
    const char *name; /* its first path segment (alto_site_is_name); NULL: a site of one origin without a name */
    const alto_counts *counts;     /* refusals, shown in info; must outlive the site */
    const alto_evidence *evidence; /* forks, shown in info; must outlive the site. NULL: who signs finds none */
    alto_stale_policy stale;       /* of ALTO answers */
    alto_behind behind;            /* who answers for what is not held, and is told in info; all NULL: nobody */
    const alto_notify *notify;     /* answers POST /notify; must outlive the site. NULL: nobody does */
} alto_site_options;

/* push: endpoints to be named in info; copied. gate: whom they let in, told in info too; must outlive the site. NULL: whom they
 * like. Returns NULL when out of memory. */
alto_site *alto_site_new(const char *const *push, size_t count, alto_push_gate *gate);
void alto_site_destroy(alto_site **self);
/* Let `info` append members, each after a comma, to what this hop tells of itself: ALTO_SITE_TOLD bytes at most. Before the
 * first answer; `context` must outlive the site, and `info` runs in any thread. */
void alto_site_tell(alto_site *self, void (*info)(const void *context, alto_buffer *out), const void *context);
#define ALTO_SITE_TOLD 1024

/* May an origin have this name: one segment of a path and no other segment that begins a path here, and one file name? */
bool alto_site_is_name(const char *name);

/* Serve what `archive`, which must outlive the site, holds; the front is the site's. Errors: ALTO_CONFIG (the same origin
 * or name twice, no name for one of several), ALTO_TOO_LARGE (too many), ALTO_NO_MEMORY. */
alto_status alto_site_add(alto_site *self, alto_archive *archive, const alto_site_options *options, alto_front **front,
                          alto_error *error);

/* The alto_http_fn; context is an alto_site. */
void alto_site_answer(void *context, const alto_http_request *request, alto_http_answer *answer);

#endif
