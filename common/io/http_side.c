/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_side.h"

#include <stdlib.h>
#include <string.h>

enum { GRACE_MS = 2500 };

struct alto_http_side {
    alto_http_side_options options;
    alto_http_limits *limits;
    alto_certificate *certificate; /* NULL: no HTTPS */
    alto_http_server *server;      /* NULL: not open */
};

static alto_status check(const alto_http_side_options *options, alto_error *error)
{
    bool files = options->tls.cert || options->tls.key || options->tls.clients;
    if (!options->http && !options->https)
        return alto_fail(error, ALTO_CONFIG, "--http none", "then --https must say where to answer");
    if (options->https && (!options->tls.cert || !options->tls.key))
        return alto_fail(error, ALTO_CONFIG, "--https", "needs --tls-cert and --tls-key");
    if (!options->https && files)
        return alto_fail(error, ALTO_CONFIG, "--tls-cert, --tls-key and --tls-clients", "are for --https");
    return ALTO_OK;
}

alto_status alto_http_side_new(alto_loop *loop, const alto_http_side_options *options, alto_http_side **out,
                               alto_error *error)
{
    alto_http_side *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "http", "out of memory");
    self->options = *options;
    if (options->http && strcmp(options->http, ALTO_HTTP_SIDE_NONE) == 0)
        self->options.http = NULL;
    alto_status status = check(&self->options, error);
    self->options.limits.unlimited = self->options.unlimited.items;
    self->options.limits.unlimited_count = self->options.unlimited.count;
    if (status == ALTO_OK)
        status = alto_http_limits_new(&self->options.limits, &self->limits, error);
    if (status == ALTO_OK && options->https)
        status = alto_certificate_new(loop, &options->tls, &self->certificate, error);
    if (status == ALTO_OK)
        *out = self;
    else
        alto_http_side_destroy(&self);
    return status;
}

alto_status alto_http_side_open(alto_http_side *self, alto_http_fn *handler, void *context, alto_error *error)
{
    const alto_http_options options = {.address = self->options.http,
                                       .tls_address = self->options.https,
                                       .tls = self->certificate ? alto_certificate_tls(self->certificate) : NULL,
                                       .threads = (unsigned)self->options.threads,
                                       .limits = self->limits};
    alto_status status = alto_http_server_new(&options, handler, context, &self->server, error);
    if (status == ALTO_OK && self->certificate)
        alto_certificate_serve(self->certificate, self->server);
    return status;
}

void alto_http_side_close(alto_http_side *self)
{
    alto_http_server_destroy(&self->server, GRACE_MS);
}

void alto_http_side_destroy(alto_http_side **self)
{
    if (!*self)
        return;
    alto_http_side_close(*self);
    alto_certificate_destroy(&(*self)->certificate);
    alto_http_limits_destroy(&(*self)->limits);
    free(*self);
    *self = NULL;
}

alto_http_server *alto_http_side_server(const alto_http_side *self)
{
    return self->server;
}

static const char *or_none(const char *address)
{
    return address ? address : ALTO_HTTP_SIDE_NONE;
}

const char *alto_http_side_address(const alto_http_side *self)
{
    return or_none(alto_http_server_address(self->server));
}

const char *alto_http_side_tls_address(const alto_http_side *self)
{
    return or_none(alto_http_server_tls_address(self->server));
}

void alto_http_side_info(const void *side, alto_buffer *out)
{
    const alto_http_side *self = side;
    alto_http_limits_info(self->limits, out);
    if (self->certificate)
        alto_certificate_info(self->certificate, out);
}
