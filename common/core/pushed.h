/* SPDX-License-Identifier: Apache-2.0 */
/* pushed.h - what the frames of a push message say (docs/wire-format.md, topics and push frames).
 *
 * Threads: none inside. Pure. */
#ifndef ALTO_PUSHED_H
#define ALTO_PUSHED_H

#include "core/crypto.h"

typedef struct {
    bool is_statement;
    alto_slice object;        /* the statement, or the payload; borrowed from the frames */
    alto_signature signature; /* of a statement */
    alto_hash commit_hash;    /* of the commit that a payload belongs to, */
    size_t index;             /* and of which of its changes it is */
} alto_pushed;

/* Says nothing about whether any of it is true. Errors: ALTO_MALFORMED (frames too many, too few or of a wrong size; *out has no
 * meaning then). */
alto_status alto_pushed_read(const alto_slice *frames, size_t count, alto_pushed *out);

#endif
