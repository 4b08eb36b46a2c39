/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - the commands of alto-subscriber, each on the public library alone. */
#ifndef COMMAND_H
#define COMMAND_H

#include "altocast.h"

typedef struct {
    const char *const *upstreams; /* at least one */
    size_t upstream_count;
    const char *const *curve_keys; /* of the first so many upstreams */
    size_t curve_key_count;
    const char *curve_id, *upstream_push, *root_key, *notify_key; /* NULL: not given */
    const char *operand, *second_operand;                         /* NULL: not given */
    altocast_tls tls;
    bool json, no_push;
    uint64_t count, timeout_s, poll_ms;
} command_options;

/* Exit code: 0, or 1 with one line on standard error. */
typedef int command_fn(const command_options *options);
command_fn command_watch, command_get, command_lookup, command_status, command_notify;

/* What needs no upstream, with options of its own; argv[0]: "alto-subscriber verify". Exit code: 0, 1, or 2 for wrong usage. */
int command_verify(int argc, char **argv);

/* A session of a command: opened, stopped by SIGINT and SIGTERM, and by a wrong origin (which is then reported). SIGHUP
 * has it read keys of CURVE again, where there are some. */
typedef struct {
    altocast *maps;
    bool wrong_origin;
} session;
/* false: one line was printed. on_commit's context is `context`. follow: one resource ID, or NULL for all. */
bool session_open(session *self, const command_options *options, const char *follow,
                  void (*on_commit)(void *context, const altocast_commit *commit), void *context);
/* Until a view is there: 0; else 1, one line was printed. */
int session_wait(session *self, const command_options *options);
/* Then, until each upstream has told what it has, or 3 s at most. */
void session_settle(session *self);
/* Closes; `code`, or 1 after a wrong origin (one line was printed). */
int session_close(session *self, const command_options *options, int code);

/* "network map", "cost map", "document". */
const char *kind_name(altocast_kind kind);

/* A JSON string literal on standard output. */
void print_json_text(const char *text);

#endif
