/* SPDX-License-Identifier: Apache-2.0 */
/* user.h - the unprivileged user that a process started as root becomes.
 *
 * Between alto_user_take and alto_user_become files are still opened and ports bound as root, but for what lies between
 * alto_user_lend and alto_user_return.
 *
 * Threads: one; what it does holds for all threads of the process. */
#ifndef ALTO_USER_H
#define ALTO_USER_H

#include "core/status.h"

#include <sys/types.h>

typedef struct {
    bool changes; /* false: the process stays who it is, and the functions below do nothing */
    uid_t uid;
    gid_t gid;
    int dumpable; /* whether there may be core dumps: as it was before, which the kernel would forget */
} alto_user;

/* NAME or NAME:GROUP (otherwise the user's own group), with the user's other groups: those are taken at once.
 * Errors, each with what to do: ALTO_CONFIG (unknown, or root itself; not root and somebody else), ALTO_IO. */
alto_status alto_user_take(const char *text, alto_user *out, alto_error *error);

/* Have no rights but the user's for a while: what the user could have prepared is opened with them. Errors: ALTO_IO. */
alto_status alto_user_lend(const alto_user *self, alto_error *error);
alto_status alto_user_return(const alto_user *self, alto_error *error);

/* Be the user from now on, without capabilities and without a way back: that is tried. Errors: ALTO_IO. */
alto_status alto_user_become(const alto_user *self, alto_error *error);

#endif
