/* SPDX-License-Identifier: Apache-2.0 */
#include "io/login.h"

#include "core/crypto.h"
#include "io/keyring.h"
#include "io/log.h"

#include <stdlib.h>

struct alto_login {
    const char *server, *file; /* of the credentials; NULL: none */
    alto_buffer credentials;   /* "user:password" with NUL; nothing: none */
    alto_pull_trust trust;
};

static bool names_user(const char *url)
{
    const char *authority = strstr(url, "://");
    return authority && memchr(authority + 3, '@', strcspn(authority + 3, "/?#"));
}

alto_status alto_login_new(const char *server, const alto_login_files *files, alto_login **out, alto_error *error)
{
    if (names_user(server))
        return alto_fail(error, ALTO_CONFIG, "the URL of the ALTO server",
                         "has a user in it, whom logs would tell; put USER:PASSWORD into a file");
    alto_login *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "login", "out of memory");
    self->credentials = alto_buffer_make(ALTO_SECRET_MAX);
    self->server = server;
    self->file = files->credentials;
    self->trust = files->trust;
    alto_status status = alto_pull_trust_check(&files->trust, error);
    if (status == ALTO_OK && files->credentials)
        status = alto_keyring_read_secret(files->credentials, &self->credentials, error);
    if (status == ALTO_OK)
        *out = self;
    else
        alto_login_destroy(&self);
    return status;
}

static void forget(alto_buffer *secret)
{
    if (secret->data)
        alto_wipe(secret->data, secret->capacity);
    alto_buffer_fini(secret);
}

void alto_login_destroy(alto_login **self)
{
    if (!*self)
        return;
    forget(&(*self)->credentials);
    free(*self);
    *self = NULL;
}

void alto_login_reload(alto_login *self)
{
    alto_buffer read = alto_buffer_make(ALTO_SECRET_MAX);
    alto_error error;
    char where[300], why[300];
    if (!self->file)
        return;
    if (alto_keyring_read_secret(self->file, &read, &error) != ALTO_OK) {
        alto_log(ALTO_LOG_WARN, "login", "refused=%s why=%s", alto_log_value(error.where, where, sizeof where),
                 alto_log_value(error.why, why, sizeof why));
        forget(&read);
        return;
    }
    forget(&self->credentials);
    self->credentials = read;
    alto_log(ALTO_LOG_INFO, "login", "read=%s", alto_log_value(self->file, where, sizeof where));
}

void alto_login_use(const alto_login *self, alto_pull_request *request)
{
    bool theirs = alto_url_same_server(request->url, self->server);
    request->trust = theirs ? self->trust : (alto_pull_trust){.ca_file = self->trust.ca_file};
    request->credentials = theirs ? (const char *)self->credentials.data : NULL;
}
