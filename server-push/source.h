/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - where the documents come from: a directory of files (source_dir.h) or an ALTO server (source_alto.h), which look alike
 * from here.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef SOURCE_H
#define SOURCE_H

#include "source_alto.h"

typedef struct source source;

typedef struct {
    const char *maps;                /* the directory; NULL: the ALTO server */
    uint64_t quiet_ms, max_quiet_ms; /* of the directory: source_dir.h */
    source_alto_options alto;        /* its url NULL: the directory */
} source_options;

#define SOURCE_FIELD 600 /* bytes, NUL included */

/* The first look happens from the loop, soon after this. The texts of the options stay the caller's and must last.
 * Errors: those of source_dir_new() and source_alto_new(). */
alto_status source_new(alto_loop *loop, const source_options *options, const source_events *events, source **out,
                       alto_error *error);
void source_destroy(source **self);

/* Look at everything at once, which is told in the log; nothing where files are watched anyway. */
void source_look(source *self, const char *why);
/* What was read does not fit together: it has changed between two answers, or it contradicts itself. */
void source_doubt(source *self);
/* Report that document anew, even if it does not change; nothing when there is none. */
void source_again(source *self, const char *name);
/* Where a document comes from, as a field of a log line: file="maps/net.json", or url=... */
void source_where(const source *self, const char *name, char field[SOURCE_FIELD]);

#endif
