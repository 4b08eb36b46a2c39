/* SPDX-License-Identifier: Apache-2.0 */
/* site_info.h - the text of /redistribution/v1/info (docs/wire-format.md, HTTP paths).
 *
 * Threads: any. */
#ifndef ALTO_SITE_INFO_H
#define ALTO_SITE_INFO_H

#include "io/answer.h"
#include "io/archive.h"
#include "io/evidence.h"
#include "io/freshness.h"
#include "io/push_gate.h"

/* What is told of one origin. */
typedef struct {
    const char *name; /* NULL: it has none */
    alto_archive *archive;
    const alto_counts *counts;     /* refusals */
    const alto_evidence *evidence; /* NULL: none */
    const alto_behind *behind;     /* told as "alto-server" */
    alto_freshness freshness;
} alto_site_origin;

/* Append the text.
 * push      list of the endpoints, as JSON
 * gate      whom they let in, encrypted; NULL: they are not
 * refused   how many requests were told to come again
 * Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_site_info(alto_slice push, alto_push_gate *gate, const alto_site_origin *origins, size_t count,
                           uint64_t refused, alto_buffer *out);

#endif
