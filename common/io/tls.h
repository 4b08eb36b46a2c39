/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - what an HTTPS server shows and asks for: certificate, private key, and whose clients are let in. tls.c is the only
 * file that knows GnuTLS, which libmicrohttpd speaks TLS with.
 *
 * Threads: a bundle is immutable; it may be retained, released and read anywhere. */
#ifndef ALTO_TLS_H
#define ALTO_TLS_H

#include "core/status.h"

#include <stdint.h>

#define ALTO_TLS_NAME 256 /* bytes of the name that a certificate is made for, NUL included */

typedef struct {
    const char *cert;    /* PEM: the server's certificate, then those of the authorities between it and the root */
    const char *key;     /* PEM: its private key */
    const char *clients; /* PEM: only clients with a certificate of these authorities are let in; NULL: all are */
} alto_tls_files;

typedef struct {
    char name[ALTO_TLS_NAME];                     /* the first DNS name or address that the certificate is for */
    uint64_t not_before_ms, not_after_ms;         /* when it is valid, of the whole chain */
    const char *cert_pem, *key_pem, *clients_pem; /* the files; clients_pem may be NULL */
} alto_tls;

/* Read the files. Errors, all with the file in `where`: ALTO_NOT_FOUND, ALTO_IO, ALTO_TOO_LARGE (cannot be read);
 * ALTO_CONFIG (not what they should be, the key is another certificate's, others may read the key); ALTO_NO_MEMORY. That the certificate
 * is expired, or not valid yet, is no error. */
alto_status alto_tls_read(const alto_tls_files *files, const alto_tls **out, alto_error *error);
const alto_tls *alto_tls_retain(const alto_tls *tls);
void alto_tls_release(const alto_tls *tls); /* NULL is accepted; the last one wipes the key */

/* Versions and ciphers, as GnuTLS writes them: TLS 1.2 and 1.3, nothing without forward secrecy. */
extern const char alto_tls_priorities[];
/* Let this session (gnutls_session_t), not begun yet, end in its handshake when the client has no certificate of the
 * authorities in clients_pem. */
void alto_tls_require_client(void *session);

#endif
