/* SPDX-License-Identifier: Apache-2.0 */
/* key_file.h - memory for the text of keys; writing files that hold them: never over another one, or whole and at once;
 * durable. For keyring.c, keyring_change.c and tls.c.
 *
 * Threads: one. */
#ifndef ALTO_KEY_FILE_H
#define ALTO_KEY_FILE_H

#include "core/bytes.h"

#include <limits.h>
#include <sys/types.h>

enum { ALTO_KEY_PRIVATE = 0600, ALTO_KEY_PUBLIC = 0644, ALTO_PEM_ROOM = 65536 };

/* A buffer for the text of a key, which never moves, so that wiping it leaves no copy behind. */
alto_buffer alto_key_buffer(void);
/* Wipe and free it. */
void alto_key_buffer_fini(alto_buffer *buffer);

typedef struct {
    char text[PATH_MAX];
} alto_key_path;
/* directory: NULL when `name` is the path. */
alto_key_path alto_key_path_of(const char *directory, const char *name);

/* What errno says, as an error: ALTO_NOT_FOUND or ALTO_IO. */
alto_status alto_key_refuse_io(alto_error *error, const char *where, const char *what);

/* Make a file that is not there. Errors: ALTO_DUPLICATE (it is), ALTO_IO, ALTO_NOT_FOUND (its directory is not). */
alto_status alto_key_file_new(const char *to, mode_t mode, alto_slice content, alto_error *error);
/* Make or replace a public file: whoever reads it meanwhile sees the old one or the new one, whole. Errors: ALTO_IO. */
alto_status alto_key_file_replace(const char *to, alto_slice content, alto_error *error);

#endif
