/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.h - the life of an HTTP server's certificate: read at start and again after each SIGHUP, watched for its end.
 *
 * Threads: belongs to the thread of its loop, but where it says more. */
#ifndef ALTO_CERTIFICATE_H
#define ALTO_CERTIFICATE_H

#include "core/bytes.h"
#include "io/http.h"
#include "io/loop.h"

typedef struct alto_certificate alto_certificate;

/* Read it. `files` is copied, its texts are borrowed as long as this lives. Errors: those of alto_tls_read. */
alto_status alto_certificate_new(alto_loop *loop, const alto_tls_files *files, alto_certificate **out,
                                 alto_error *error);
/* The loop must not run any more. */
void alto_certificate_destroy(alto_certificate **self);
/* What to begin with. */
const alto_tls *alto_certificate_tls(const alto_certificate *self);
/* After a SIGHUP this server gets what is in the files then; when that is no good, or expired, the log says so and the server
 * keeps what it has. Logs what is used, and once a day that it ends within 30 days, or has. */
void alto_certificate_serve(alto_certificate *self, alto_http_server *server);
/* Append ,"certificate":{...} for info (docs/wire-format.md). Any thread. */
void alto_certificate_info(const alto_certificate *self, alto_buffer *out);

#endif
