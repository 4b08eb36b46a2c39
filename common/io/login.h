/* SPDX-License-Identifier: Apache-2.0 */
/* login.h - how we get in at an ALTO server: whom we believe that it is that, and who we say we are. Who we are is said to that
 * server alone, by scheme, host and port, wherever its directory or a redirect leads.
 *
 * Threads: belongs to one thread. */
#ifndef ALTO_LOGIN_H
#define ALTO_LOGIN_H

#include "io/options.h"
#include "io/pull.h"

/* What the command line says of it. */
typedef struct {
    const char *credentials; /* file; NULL: none */
    alto_pull_trust trust;
} alto_login_files;

/* Is anything said? */
static inline bool alto_login_files_given(const alto_login_files *files)
{
    return files->credentials || files->trust.ca_file || files->trust.cert_file || files->trust.key_file;
}

/* Their rows in the table of a command line. files: an alto_login_files; then the names of the options, literals. */
/* clang-format off */
#define ALTO_LOGIN_OPTIONS(files, login, ca, cert, key)                                                                \
    {login, ALTO_OPTION_TEXT, &(files)->credentials, "FILE",                                                           \
     .help = "USER:PASSWORD for the ALTO server (Basic, Digest), first line of this file; SIGHUP reads it anew"},      \
    {ca, ALTO_OPTION_TEXT, &(files)->trust.ca_file, "FILE",                                                            \
     .help = "certificates (PEM) to believe the ALTO server by, instead of the system's"},                             \
    {cert, ALTO_OPTION_TEXT, &(files)->trust.cert_file, "FILE",                                                        \
     .help = "certificate (PEM) to show to the ALTO server when it asks for one"},                                     \
    {key, ALTO_OPTION_TEXT, &(files)->trust.key_file, "FILE", .help = "its private key"}
/* clang-format on */

typedef struct alto_login alto_login;

/* For the ALTO server at that URL, read the credentials, and look whether the other files can be read, which happens with each
 * connection. Texts are borrowed as long as this lives. Errors: ALTO_CONFIG (the URL has a password, which logs would tell),
 * those of alto_keyring_read_secret and alto_pull_trust_check; ALTO_NO_MEMORY. */
alto_status alto_login_new(const char *server, const alto_login_files *files, alto_login **out, alto_error *error);
void alto_login_destroy(alto_login **self); /* wipes them */
/* Read the credentials anew, for requests from now on; the log says what became of it. What is no good changes nothing. */
void alto_login_reload(alto_login *self);

/* Complete a request for something that the ALTO server named. What is put into it is borrowed, until the next reload. */
void alto_login_use(const alto_login *self, alto_pull_request *request);

#endif
