/* SPDX-License-Identifier: Apache-2.0 */
/* source_dir.h - watches a directory of *.json files.
 *
 * inotify says at once what was written, renamed into place or removed; a look at sizes and times every
 * second finds what inotify cannot say (an overflowed queue, a directory that was replaced, a network file system).
 * Names that begin with '.' and anything that does not end in ".json" are nobody's business: write there, then rename.
 *
 * Threads: belongs to the thread of its loop. */
#ifndef SOURCE_DIR_H
#define SOURCE_DIR_H

#include "io/loop.h"
#include "source_events.h"

typedef struct source_dir source_dir;

/* Calls come after quiet_ms without further changes, but at most max_quiet_ms after the first of them; `enough` never does.
 * The first look happens from the loop, soon after this. Errors: ALTO_IO, ALTO_NO_MEMORY; the error says what to do. */
alto_status source_dir_new(alto_loop *loop, const char *path, uint64_t quiet_ms, uint64_t max_quiet_ms,
                           const source_events *events, source_dir **out, alto_error *error);
void source_dir_destroy(source_dir **self);
/* Report that document anew, though its file did not change; from inside `removed`, together with it. Nothing when
 * there is no such file. */
void source_dir_again(source_dir *self, const char *name);

#endif
