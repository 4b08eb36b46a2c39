/* SPDX-License-Identifier: Apache-2.0 */
/* source_alto.h - polls an ALTO server (RFC 7285): its directories, and all maps and property maps in them that GET gives.
 *
 * A round asks for what is due: directories first, then network maps, then all the rest; when a network map is new, whatever
 * may depend on it is due too. An answer that cannot be believed leaves what was there, and is told.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef SOURCE_ALTO_H
#define SOURCE_ALTO_H

#include "io/login.h"
#include "io/loop.h"
#include "source_events.h"

typedef struct source_alto source_alto;

#define SOURCE_ALTO_DIRECTORY ".ird" /* the document that all directories make together */

typedef struct {
    const char *url;         /* of the root directory */
    const alto_login *login; /* there; must last */
    uint64_t poll_ms;        /* how often to ask for what does not say how long it is good */
    uint64_t max_wait_ms;    /* until `enough`, from the first news of a round */
    unsigned timeout_s;      /* for one answer */
} source_alto_options;

/* The first round happens from the loop, soon after this. The texts of the options stay the caller's and must last.
 * Errors: ALTO_CONFIG (not a URL), ALTO_NO_MEMORY; the error says what to do. */
alto_status source_alto_new(alto_loop *loop, const source_alto_options *options, const source_events *events,
                            source_alto **out, alto_error *error);
void source_alto_destroy(source_alto **self);

/* Ask for everything at once, past all caches; after the round that is under way, if one is. */
void source_alto_look(source_alto *self);
/* What was read does not fit together: ask for everything soon, with growing pauses while that goes on. From inside `enough` or `settled`, or later. */
void source_alto_doubt(source_alto *self);
/* Ask for that document anew, even if it does not change; nothing when there is none. */
void source_alto_again(source_alto *self, const char *name);
/* Where a document comes from: its URL; that of the root when it is not known. */
const char *source_alto_url(const source_alto *self, const char *name);

#endif
