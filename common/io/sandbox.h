/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - what of the file system this process may still use (Landlock; sandbox.c is the only file that knows it).
 *
 * What is not allowed is refused by the kernel, to root too and for ever: opening, making, removing and renaming files, executing any of
 * them, changing mounts, looking into processes outside (ptrace) and, where the kernel is new enough, signals to them. What is open
 * already stays usable. Sockets other than those with a path are not touched.
 *
 * Threads: it binds the thread that enters it and those that come of that: enter before there are others. */
#ifndef ALTO_SANDBOX_H
#define ALTO_SANDBOX_H

#include "core/status.h"

#include <stdint.h>

typedef struct {
    int rules;        /* descriptor */
    uint64_t handled; /* what is refused unless allowed */
} alto_sandbox;

typedef enum {
    ALTO_SANDBOX_READ,    /* files, and what is in directories */
    ALTO_SANDBOX_SOCKETS, /* in a directory: make and remove sockets with a path */
    ALTO_SANDBOX_WRITE    /* in a directory: make, read, change, rename and remove files; make directories */
} alto_sandbox_right;

/* Begin a list of what is allowed. Errors: ALTO_NOT_FOUND (this kernel has no Landlock, or somebody forbids it); ALTO_IO. */
alto_status alto_sandbox_begin(alto_sandbox *self);
/* Allow it at `path` and below; links are followed now. A path that is not there is passed over: nothing is allowed then.
 * Errors: ALTO_IO. */
alto_status alto_sandbox_allow(alto_sandbox *self, const char *path, alto_sandbox_right right);
/* Allow no more than that from now on, also to what is executed: there is no new privilege by that either. Errors: ALTO_IO. */
alto_status alto_sandbox_enter(alto_sandbox *self);
/* Forget the list, entered or not. */
void alto_sandbox_end(alto_sandbox *self);

#endif
