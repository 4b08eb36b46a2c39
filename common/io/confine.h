/* SPDX-License-Identifier: Apache-2.0 */
/* confine.h - what a process gives up at its start: being root (user.h), files that it does not need (sandbox.h), core dumps,
 * files that others may read.
 *
 * Threads: before there are others. */
#ifndef ALTO_CONFINE_H
#define ALTO_CONFINE_H

#include "io/options.h"
#include "io/user.h"

/* What the command line says of it. */
typedef struct {
    const char *user; /* NULL: nobody else */
    bool no_sandbox, core_dumps;
} alto_confine_words;

/* The rows of a table of options for it. */
/* clang-format off */
#define ALTO_CONFINE_OPTIONS(words)                                                                                    \
    {"user", ALTO_OPTION_TEXT, &(words)->user, "NAME[:GROUP]",                                                         \
     .help = "started as root: become this user when ports are bound and keys are read"},                              \
    {"no-sandbox", ALTO_OPTION_FLAG, &(words)->no_sandbox, NULL,                                                       \
     .help = "do not have the kernel (Landlock) refuse all files but those named here and the system's"},              \
    {"core-dumps", ALTO_OPTION_FLAG, &(words)->core_dumps, NULL,                                                       \
     .help = "allow them, though keys are in them: for developers"}
/* clang-format on */

typedef struct {
    alto_confine_words words;
    const alto_option *table; /* parsed: what it calls FILE and DIR may be read */
    const char *state;        /* directory that may be written, made when absent, for the user; NULL: none */
    const char *const *push;  /* endpoints: those with a path (ipc://) may be made */
    size_t push_count;
} alto_confine_options;

typedef struct {
    alto_user user;  /* to be become when ports are bound and keys are read (alto_user_become) */
    bool in_sandbox; /* false: it is not wanted, or this kernel has none */
} alto_confined;

/* No core dumps of this process, and nobody but root looks into its memory. False: the system refuses. */
bool alto_confine_memory(void);

/* Give up what can be given up before that. Errors, each with what to do: those of alto_user_take; ALTO_IO. */
alto_status alto_confine(const alto_confine_options *options, alto_confined *out, alto_error *error);
/* Say in the log how far that went. */
void alto_confine_log(const alto_confine_options *options, const alto_confined *confined);

#endif
