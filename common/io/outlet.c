/* SPDX-License-Identifier: Apache-2.0 */
#include "io/outlet.h"

#include "io/log.h"

#include <stdlib.h>

enum { MAX_ENDPOINTS = 16 };

struct alto_outlet {
    alto_outlet_options options;
    alto_push_gate *gate;     /* NULL: push is not encrypted */
    alto_push_sender *sender; /* NULL: no push endpoints */
    alto_site *site;
    alto_http_side *http; /* NULL: HTTP is not answered */
    alto_publisher *publishers[ALTO_MAX_ORIGINS];
    size_t count;
};

static void on_hangup(void *context)
{
    alto_outlet *self = context;
    alto_error error;
    alto_push_gate_news news = alto_push_gate_reload(self->gate);
    if (news.pair && alto_push_sender_rekey(self->sender, &error) != ALTO_OK)
        alto_log_error(ALTO_LOG_ERROR, "push", &error);
    if (news.peers)
        alto_push_sender_recheck(self->sender);
}

static alto_status start_gate(alto_outlet *self, alto_loop *loop, alto_error *error)
{
    alto_status status = alto_push_gate_new(&self->options.gate, &self->gate, error);
    if (status != ALTO_OK)
        return status;
    status = alto_loop_on_hangup(loop, on_hangup, self);
    return status == ALTO_OK ? ALTO_OK : alto_fail(error, status, "SIGHUP", "cannot be watched for");
}

/* An option that would have no effect, although it sounds as if it kept somebody out; NULL: none. */
static const char *pointless(const alto_outlet_options *options)
{
    const alto_push_gate_options *gate = &options->gate;
    if (gate->key && options->push_count)
        return NULL;
    return gate->allow ? "--curve-allow" : gate->cleartext_multicast ? "--cleartext-multicast" : NULL;
}

static alto_status start_push(alto_outlet *self, alto_loop *loop, alto_error *error)
{
    const alto_outlet_options *options = &self->options;
    alto_status status = ALTO_OK;
    if (pointless(options))
        return alto_fail(error, ALTO_CONFIG, pointless(options), "needs --curve-key, and a --push to encrypt");
    if (options->push_count == 0)
        return ALTO_OK;
    if (options->gate.key)
        status = start_gate(self, loop, error);
    unsigned mbit = options->multicast_mbit ? options->multicast_mbit : ALTO_PUSH_MULTICAST_MBIT;
    if (status == ALTO_OK)
        status = alto_push_sender_new(loop, options->push, options->push_count, mbit, self->gate, &self->sender, error);
    if (status == ALTO_OK && self->gate)
        alto_push_gate_log(self->gate);
    return status;
}

static alto_status start_site(alto_outlet *self, alto_error *error)
{
    const char *endpoints[MAX_ENDPOINTS];
    const char *const *named = self->options.advertise;
    size_t count = self->options.advertise_count;
    if (count == 0) {
        for (; count < self->options.push_count && count < MAX_ENDPOINTS; count++)
            endpoints[count] = alto_push_sender_endpoint(self->sender, count);
        named = endpoints;
    }
    self->site = alto_site_new(named, count, self->gate);
    if (!self->site)
        return alto_fail(error, ALTO_NO_MEMORY, "outlet", "out of memory");
    if (self->http)
        alto_site_tell(self->site, alto_http_side_info, self->http);
    return ALTO_OK;
}

alto_status alto_outlet_new(alto_loop *loop, const alto_outlet_options *options, alto_outlet **out, alto_error *error)
{
    alto_outlet *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, "outlet", "out of memory");
    self->options = *options;
    alto_status status = options->http ? alto_http_side_new(loop, options->http, &self->http, error) : ALTO_OK;
    if (status == ALTO_OK)
        status = start_push(self, loop, error);
    if (status == ALTO_OK)
        status = start_site(self, error);
    if (status == ALTO_OK)
        *out = self;
    else
        alto_outlet_destroy(&self);
    return status;
}

void alto_outlet_destroy(alto_outlet **self)
{
    alto_outlet *dying = *self;
    if (!dying)
        return;
    alto_push_sender_destroy(&dying->sender); /* first: followers see it at once, and look elsewhere */
    if (dying->http)
        alto_http_side_close(dying->http);
    alto_site_destroy(&dying->site);
    alto_push_gate_destroy(&dying->gate); /* which the site told of */
    alto_http_side_destroy(&dying->http);
    for (size_t i = 0; i < dying->count; i++)
        alto_publisher_destroy(&dying->publishers[i]);
    free(dying);
    *self = NULL;
}

alto_status alto_outlet_publish(alto_outlet *self, const alto_origin *origin, const alto_site_options *options,
                                alto_publisher **publisher, alto_error *error)
{
    alto_status status = alto_publisher_new(origin, options, self->site, self->sender, publisher, error);
    if (status == ALTO_OK)
        self->publishers[self->count++] = *publisher; /* the site takes no more than there is room for */
    return status;
}

alto_status alto_outlet_open(alto_outlet *self, alto_error *error)
{
    return self->http ? alto_http_side_open(self->http, alto_site_answer, self->site, error) : ALTO_OK;
}

alto_http_server *alto_outlet_http(const alto_outlet *self)
{
    return self->http ? alto_http_side_server(self->http) : NULL;
}

const char *alto_outlet_http_address(const alto_outlet *self)
{
    return self->http ? alto_http_side_address(self->http) : ALTO_HTTP_SIDE_NONE;
}

const char *alto_outlet_https_address(const alto_outlet *self)
{
    return self->http ? alto_http_side_tls_address(self->http) : ALTO_HTTP_SIDE_NONE;
}

const char *alto_outlet_push_endpoint(const alto_outlet *self, size_t index)
{
    return index < self->options.push_count ? alto_push_sender_endpoint(self->sender, index) : NULL;
}
