/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands of alto-keys, each in the file of its kind, and what they print alike.
 *
 * Threads: one. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "io/keyring.h"
#include "io/loop.h"
#include "io/options.h"

enum { EXIT_USAGE = 2, DEFAULT_DAYS = 90, MAX_DAYS = 3650 };

/* argv[0]: "alto-keys" and the command. Return exit statuses. */
int run_init(int argc, char **argv);    /* make.c */
int run_new_key(int argc, char **argv); /* make.c */
int run_show(int argc, char **argv);    /* show.c */
int run_renew(int argc, char **argv);   /* change.c */
int run_rotate(int argc, char **argv);  /* change.c */
int run_revoke(int argc, char **argv);  /* change.c */
int run_roots(int argc, char **argv);   /* change.c */
int run_sign(int argc, char **argv);    /* sign.c */
int run_combine(int argc, char **argv); /* sign.c */
int run_curve(int argc, char **argv);   /* curve.c */

/* ---- say.c ---- */

/* One line on standard error; EXIT_FAILURE. */
int complain(const alto_error *error);
/* One line on standard error, and where help is; EXIT_USAGE. */
int misused(const char *command, const char *why);
/* Parse a command line that has options alone, as alto_options_parse() does. False: it has other words, which was said; EXIT_USAGE. */
bool parse_alone(int argc, char **argv, const alto_option *options, const char *usage, const char *about);
/* What was printed must have arrived: a full disk behind a redirection is an error. */
int finish(void);

void print_hex(const char *before, const void *data, size_t size, const char *after);
void print_key(const char *what, const alto_public_key *key, const char *after); /* its ID */
void print_anchor(const alto_anchor *anchor);
/* Numbers, dates, online keys, and warnings where something ends soon. */
void print_manifest(const alto_manifest *manifest, uint64_t now_ms);
/* The same with origin and root keys: of a manifest by itself. */
void print_whole_manifest(const alto_manifest *manifest);
/* A date in words, in memory that the next call writes over. */
const char *date_of(uint64_t time_ms);

/* The keys in these files, one or more in each. Errors: those of reading; ALTO_MALFORMED, ALTO_TOO_LARGE. */
alto_status read_public_keys(const char *const *files, size_t count, alto_public_key keys[ALTO_MAX_KEYS], size_t *found,
                             alto_error *error);

#endif
