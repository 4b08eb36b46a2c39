/* SPDX-License-Identifier: Apache-2.0 */
/* memory_file.h - bytes in a file that is memory and has no name. The kernel sends it to a socket without copying
 * it first; and once sent, the file may be closed at any time, while memory of our own would have to stay until the
 * peer has it.
 *
 * Threads: any. */
#ifndef ALTO_MEMORY_FILE_H
#define ALTO_MEMORY_FILE_H

#include "core/bytes.h"

/* How much memory the file of a body of `size` bytes takes at most: whole huge pages of 2 MB. */
uint64_t alto_memory_file_room(uint64_t size);

/* A file of `size` bytes (it may be longer), which `piece` gives one after the other: index 0 to count - 1. Returns its descriptor
 * (close-on-exec), or -1 when there is no memory or no descriptor for it. */
int alto_memory_file(uint64_t size, size_t count, alto_slice (*piece)(void *owner, size_t index), void *owner);

#endif
