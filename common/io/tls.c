/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tls.h"

#include "io/key_file.h"
#include "io/keyring.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 1048576, CHAIN_MAX = 16, OTHERS = 0007, GROUP_WRITES = 0020, MS_PER_S = 1000 };

/* X25519 first: it is what clients guess, so that the handshake is not begun again with another group. */
const char alto_tls_priorities[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-GROUP-ALL:+GROUP-"
                                   "X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
                                   "+GROUP-SECP521R1:%SERVER_PRECEDENCE";

/* A bundle, and what it is made of. */
typedef struct {
    alto_tls told; /* first: a bundle is this */
    atomic_size_t owners;
    alto_buffer cert, key, clients; /* NUL-terminated */
} bundle;

/* ---- files ---- */

static alto_status read_pem(const char *file, alto_buffer *out, alto_error *error)
{
    alto_status status = alto_keyring_read(NULL, file, out, error);
    if (status != ALTO_OK)
        return status;
    if (out->size == 0 || memchr(out->data, 0, out->size))
        return alto_fail(error, ALTO_CONFIG, file, "not PEM");
    alto_buffer_add_u8(out, 0);
    return out->status == ALTO_OK ? ALTO_OK : alto_fail(error, out->status, file, "out of memory");
}

/* A key may be read by a group, as is customary for those of servers, and by nobody else. */
static alto_status check_mode(const char *file, alto_error *error)
{
    struct stat about;
    if (stat(file, &about) == 0 && (about.st_mode & (OTHERS | GROUP_WRITES)))
        return alto_fail(error, ALTO_CONFIG, file, "a private key that others may use (mode %04o): chmod 600 it",
                         (unsigned)about.st_mode & 07777);
    return ALTO_OK;
}

static alto_status read_all(bundle *self, const alto_tls_files *files, alto_error *error)
{
    alto_status status = read_pem(files->cert, &self->cert, error);
    if (status == ALTO_OK)
        status = check_mode(files->key, error);
    if (status == ALTO_OK)
        status = read_pem(files->key, &self->key, error);
    if (status == ALTO_OK && files->clients)
        status = read_pem(files->clients, &self->clients, error);
    return status;
}

/* ---- what is in them ---- */

static gnutls_datum_t datum(const alto_buffer *pem)
{
    return (gnutls_datum_t){.data = pem->data, .size = (unsigned)pem->size - 1};
}

static void read_name(gnutls_x509_crt_t certificate, char name[ALTO_TLS_NAME])
{
    size_t size = ALTO_TLS_NAME;
    name[0] = 0;
    if (gnutls_x509_crt_get_subject_alt_name(certificate, 0, name, &size, NULL) == GNUTLS_SAN_DNSNAME)
        return;
    size = ALTO_TLS_NAME;
    if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) < 0)
        name[0] = 0;
}

static void read_validity(alto_tls *told, gnutls_x509_crt_t certificate)
{
    uint64_t from_ms = (uint64_t)gnutls_x509_crt_get_activation_time(certificate) * MS_PER_S;
    uint64_t to_ms = (uint64_t)gnutls_x509_crt_get_expiration_time(certificate) * MS_PER_S;
    told->not_before_ms = from_ms > told->not_before_ms ? from_ms : told->not_before_ms;
    told->not_after_ms = to_ms < told->not_after_ms ? to_ms : told->not_after_ms;
}

static alto_status read_chain(alto_tls *told, const alto_buffer *pem, const char *file, alto_error *error)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned count = CHAIN_MAX;
    gnutls_datum_t text = datum(pem);
    int code = gnutls_x509_crt_list_import(chain, &count, &text, GNUTLS_X509_FMT_PEM,
                                           GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (code < 0)
        return alto_fail(error, ALTO_CONFIG, file, "no certificate in PEM: %s", gnutls_strerror(code));
    told->not_after_ms = UINT64_MAX;
    read_name(chain[0], told->name);
    for (unsigned i = 0; i < count; i++) {
        read_validity(told, chain[i]);
        gnutls_x509_crt_deinit(chain[i]);
    }
    return ALTO_OK;
}

/* As libmicrohttpd will take them: so whatever is wrong is found here, with its words. */
static int try_credentials(gnutls_certificate_credentials_t into, const bundle *self, const alto_tls_files *files,
                           const char **where)
{
    gnutls_datum_t cert = datum(&self->cert), key = datum(&self->key);
    *where = files->key;
    int code = gnutls_certificate_set_x509_key_mem(into, &cert, &key, GNUTLS_X509_FMT_PEM);
    if (code < 0 || !files->clients)
        return code;
    gnutls_datum_t clients = datum(&self->clients);
    *where = files->clients;
    code = gnutls_certificate_set_x509_trust_mem(into, &clients, GNUTLS_X509_FMT_PEM);
    return code == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : code;
}

static alto_status check_pair(const bundle *self, const alto_tls_files *files, alto_error *error)
{
    gnutls_certificate_credentials_t credentials;
    const char *where = files->cert;
    int code = gnutls_certificate_allocate_credentials(&credentials);
    if (code >= 0) {
        code = try_credentials(credentials, self, files, &where);
        gnutls_certificate_free_credentials(credentials);
    }
    if (code >= 0)
        return ALTO_OK;
    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return alto_fail(error, ALTO_CONFIG, where, "not the key of the certificate in %s", files->cert);
    if (where == files->clients)
        return alto_fail(error, ALTO_CONFIG, where, "no certificate in PEM: %s", gnutls_strerror(code));
    return alto_fail(error, ALTO_CONFIG, where, "no private key without password in PEM: %s", gnutls_strerror(code));
}

/* ---- bundles ---- */

static void destroy(bundle *self)
{
    alto_key_buffer_fini(&self->key);
    alto_buffer_fini(&self->cert);
    alto_buffer_fini(&self->clients);
    free(self);
}

alto_status alto_tls_read(const alto_tls_files *files, const alto_tls **out, alto_error *error)
{
    bundle *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, files->cert, "out of memory");
    atomic_init(&self->owners, 1);
    self->cert = self->clients = alto_buffer_make(FILE_MAX);
    self->key = alto_key_buffer();
    alto_status status = read_all(self, files, error);
    if (status == ALTO_OK)
        status = read_chain(&self->told, &self->cert, files->cert, error);
    if (status == ALTO_OK)
        status = check_pair(self, files, error);
    if (status != ALTO_OK) {
        destroy(self);
        return status;
    }
    self->told.cert_pem = (const char *)self->cert.data;
    self->told.key_pem = (const char *)self->key.data;
    self->told.clients_pem = files->clients ? (const char *)self->clients.data : NULL;
    *out = &self->told;
    return ALTO_OK;
}

static bundle *bundle_of(const alto_tls *tls)
{
    return (bundle *)(uintptr_t)tls;
}

const alto_tls *alto_tls_retain(const alto_tls *tls)
{
    atomic_fetch_add_explicit(&bundle_of(tls)->owners, 1, memory_order_relaxed);
    return tls;
}

void alto_tls_release(const alto_tls *tls)
{
    if (tls && atomic_fetch_sub_explicit(&bundle_of(tls)->owners, 1, memory_order_acq_rel) == 1)
        destroy(bundle_of(tls));
}

/* ---- sessions ---- */

void alto_tls_require_client(void *session)
{
    static unsigned char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    static gnutls_typed_vdata_st wanted = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = purpose};
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_cert2(session, &wanted, 1, 0);
}
