/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include "io/log.h"

#include <stdlib.h>

struct proxy {
    alto_loop *loop;
    alto_outlet *outlet;
    relay *relays[ALTO_MAX_ORIGINS];
    size_t count;
};

bool proxy_hopeless(const proxy *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (!relay_hopeless(self->relays[i]))
            return false;
    return true;
}

/* With one origin that can be had there is something to do; without any there is no sense in going on. */
static void on_hopeless(void *context)
{
    const proxy *self = context;
    if (proxy_hopeless(self))
        alto_loop_stop(self->loop);
}

static void on_hangup(void *context)
{
    proxy *self = context;
    for (size_t i = 0; i < self->count; i++)
        relay_reload(self->relays[i]);
}

static alto_status add_relay(proxy *self, const char *state, const relay_options *options, alto_error *error)
{
    relay_options own = *options;
    own.state = state;
    own.hopeless = on_hopeless;
    own.context = self;
    alto_status status = relay_new(self->loop, self->outlet, &own, &self->relays[self->count], error);
    self->count += status == ALTO_OK;
    return status;
}

static alto_status open_all(proxy *self, const proxy_options *options, alto_error *error)
{
    alto_status status = alto_outlet_new(self->loop, &options->outlet, &self->outlet, error);
    if (status == ALTO_OK && alto_loop_on_hangup(self->loop, on_hangup, self) != ALTO_OK)
        status = alto_fail(error, ALTO_IO, "SIGHUP", "cannot be watched for");
    for (size_t i = 0; status == ALTO_OK && i < options->count; i++)
        status = add_relay(self, options->state, &options->origins[i], error);
    if (status == ALTO_OK)
        status = alto_outlet_open(self->outlet, error);
    if (status == ALTO_OK)
        status = alto_user_become(&options->user, error);
    for (size_t i = 0; status == ALTO_OK && i < self->count; i++)
        status = relay_start(self->relays[i], error);
    return status;
}

alto_status proxy_new(alto_loop *loop, const proxy_options *options, proxy **out, alto_error *error)
{
    proxy *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "", "out of memory");
    self->loop = loop;
    alto_status status = open_all(self, options, error);
    if (status != ALTO_OK) {
        proxy_destroy(&self);
        return status;
    }
    const char *push = alto_outlet_push_endpoint(self->outlet, 0);
    alto_log(ALTO_LOG_INFO, "ready", "origins=%zu http=%s https=%s push=%s", self->count,
             alto_outlet_http_address(self->outlet), alto_outlet_https_address(self->outlet), push ? push : "none");
    *out = self;
    return ALTO_OK;
}

void proxy_destroy(proxy **self)
{
    proxy *dying = *self;
    if (!dying)
        return;
    alto_outlet_destroy(&dying->outlet); /* reads what the relays count until here */
    for (size_t i = 0; i < dying->count; i++)
        relay_destroy(&dying->relays[i]);
    free(dying);
    *self = NULL;
}
