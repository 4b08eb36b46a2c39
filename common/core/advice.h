/* SPDX-License-Identifier: Apache-2.0 */
/* advice.h - what a server says of the ways from one position to its newest state, and what each of them costs in bytes
 * (docs/wire-format.md, `since`). Advice is not signed: a lie costs bytes, never truth.
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_ADVICE_H
#define ALTO_ADVICE_H

#include "core/wire.h"

/* A resource that differs between the two states. */
typedef struct {
    char id[ALTO_MAX_NAME + 2];
    alto_hash to;            /* its newest root */
    bool has_delta;          /* a delta to it can be had */
    uint64_t delta_bytes;    /* its size */
    uint64_t snapshot_bytes; /* size of the whole, perhaps an estimate */
} alto_advice_resource;

typedef struct {
    alto_position head;     /* the newest that the server holds */
    bool has_commits;       /* all commits up to it can be had in one bundle */
    uint64_t commits_bytes; /* size of that */
    uint64_t catalog_bytes;
    size_t resource_count;
    alto_advice_resource *resources; /* owned */
} alto_advice;

/* Read an answer. Errors: ALTO_MALFORMED, ALTO_TOO_LARGE (more than ALTO_MAX_RESOURCES), ALTO_NO_MEMORY. End with
 * alto_advice_fini, also after an error. */
alto_status alto_advice_read(alto_slice text, alto_advice *out);
void alto_advice_fini(alto_advice *advice);

#endif
