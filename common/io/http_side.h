/* SPDX-License-Identifier: Apache-2.0 */
/* http_side.h - where a process answers HTTP and HTTPS: the HTTP server with its certificate and its limits, as the command
 * line wants them.
 *
 * Threads: belongs to the thread of its loop, but where it says more. */
#ifndef ALTO_HTTP_SIDE_H
#define ALTO_HTTP_SIDE_H

#include "io/certificate.h"
#include "io/options.h"

#define ALTO_HTTP_SIDE_NONE "none" /* for `http`: only HTTPS */

typedef struct {
    const char *http, *https;        /* addresses; NULL: none */
    alto_tls_files tls;              /* all NULL: no HTTPS */
    uint64_t threads;                /* that answer */
    alto_http_limits_options limits; /* `unlimited` is filled */
    alto_list unlimited;
} alto_http_side_options;

/* What they are when nothing is said, but for `http`. */
#define ALTO_HTTP_SIDE_DEFAULTS .threads = 2, .limits = {ALTO_HTTP_LIMITS_DEFAULTS}

/* Their rows in the table of a command line. side: an alto_http_side_options; address: the default of its http, a literal. */
/* clang-format off */
#define ALTO_HTTP_SIDE_OPTIONS(side, address)                                                                          \
    {"http", ALTO_OPTION_TEXT, &(side)->http, "ADDR:PORT",                                                             \
     .help = "where to answer HTTP; none: over HTTPS alone (default " address ")"},                                    \
    {"https", ALTO_OPTION_TEXT, &(side)->https, "ADDR:PORT",                                                           \
     .help = "where to answer HTTPS (default: nowhere); needs --tls-cert and --tls-key"},                              \
    {"tls-cert", ALTO_OPTION_TEXT, &(side)->tls.cert, "FILE",                                                          \
     .help = "PEM of the server's certificate and its chain; read again on SIGHUP"},                                   \
    {"tls-key", ALTO_OPTION_TEXT, &(side)->tls.key, "FILE", .help = "PEM of its private key; likewise"},               \
    {"tls-clients", ALTO_OPTION_TEXT, &(side)->tls.clients, "FILE",                                                    \
     .help = "PEM of authorities: over HTTPS only clients with a certificate of theirs are served"},                   \
    {"http-threads", ALTO_OPTION_NUMBER, &(side)->threads, "N", .help = "threads that answer HTTP (default 2)",        \
     .min = 1, .max = 64},                                                                                             \
    {"http-connections", ALTO_OPTION_NUMBER, &(side)->limits.connections, "N",                                         \
     .help = "connections of HTTP clients at a time (default 8192; at most a quarter of the open files allowed)",      \
     .min = 16, .max = 1000000},                                                                                       \
    {"client-connections", ALTO_OPTION_NUMBER, &(side)->limits.client_connections, "N",                                \
     .help = "of one client, by address, IPv6 by /64 (default 256; 0: no limit)", .max = 1000000},                     \
    {"client-requests", ALTO_OPTION_NUMBER, &(side)->limits.client_requests, "N",                                      \
     .help = "of one client each second (default 1000; 0: no limit)", .max = 1000000},                                 \
    {"unlimited", ALTO_OPTION_LIST, &(side)->unlimited, "ADDRESS[/BITS]",                                              \
     .help = "client without these two limits, as a proxy in front; may be repeated (default 127.0.0.1 and ::1)"}
/* clang-format on */

typedef struct alto_http_side alto_http_side;

/* Read the certificate; nothing is answered yet. Options: texts are borrowed as long as this lives. Errors: those of
 * alto_certificate_new, ALTO_CONFIG (options that do not fit together; they name them). */
alto_status alto_http_side_new(alto_loop *loop, const alto_http_side_options *options, alto_http_side **out,
                               alto_error *error);
/* Begin to answer. Errors: those of alto_http_server_new. */
alto_status alto_http_side_open(alto_http_side *self, alto_http_fn *handler, void *context, alto_error *error);
/* No longer answers, after at most 2.5 s for answers under way; destroy it later, when nobody asks for its info. */
void alto_http_side_close(alto_http_side *self);
void alto_http_side_destroy(alto_http_side **self);

/* The server, for those who answer later (alto_http_server_wake); NULL: not open. */
alto_http_server *alto_http_side_server(const alto_http_side *self);
/* The address really bound, without TLS and with it; "none". */
const char *alto_http_side_address(const alto_http_side *self);
const char *alto_http_side_tls_address(const alto_http_side *self);
/* Append what info tells of it (docs/wire-format.md): nothing, or members that begin with a comma. Any thread. */
void alto_http_side_info(const void *side, alto_buffer *out);

#endif
