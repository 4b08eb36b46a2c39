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

/* What is told of this hop. */
typedef struct {
    alto_slice push;                                     /* list of the endpoints, as JSON */
    alto_push_gate *gate;                                /* whom they let in, encrypted; NULL: they are not */
    uint64_t refused;                                    /* how many requests were told to come again */
    void (*more)(const void *context, alto_buffer *out); /* appends members, each after a comma; NULL: there are none */
    const void *context;
} alto_site_hop;

/* Append the text. Errors: ALTO_NO_MEMORY, ALTO_TOO_LARGE. */
alto_status alto_site_info(const alto_site_hop *hop, const alto_site_origin *origins, size_t count, alto_buffer *out);

#endif
