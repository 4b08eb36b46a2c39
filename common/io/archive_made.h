/* SPDX-License-Identifier: Apache-2.0 */
/* archive_made.h - what an archive made for those who asked, by its path, so that it is made once and shared.
 *
 * Kept for ALTO_KEEP_MS after it was made, unless that is more than ALTO_KEEP_MADE bytes: then the oldest goes first. The
 * newest stays however large it is.
 *
 * Threads: none inside; its owner locks. */
#ifndef ALTO_ARCHIVE_MADE_H
#define ALTO_ARCHIVE_MADE_H

#include "io/blob.h"

#define ALTO_KEEP_MADE 134217728 /* bytes */
#define ALTO_MADE_PATH 160       /* longest path, with its NUL */

typedef struct alto_made alto_made;

alto_made *alto_made_new(void); /* NULL: out of memory */
void alto_made_destroy(alto_made **self);

/* What stands at `path`, borrowed; NULL: nothing, or (*status) why it cannot be made. */
const alto_blob *alto_made_find(const alto_made *self, const char *path, alto_status *status);
/* Let go of what has become too old. */
void alto_made_forget(alto_made *self, uint64_t now_ms);
/* Keep it; retains `blob`. NULL with a status: it cannot be made, and whoever asks is told so.
 * Errors: ALTO_NO_MEMORY (then it is not kept). */
alto_status alto_made_add(alto_made *self, const char *path, const alto_blob *blob, alto_status status,
                          uint64_t now_ms);

#endif
