/* SPDX-License-Identifier: Apache-2.0 */
#include "secure.h"

#include <stdio.h>

enum { AT_ONCE = 8, PATIENCE_MS = 10000 };

bench_secure bench_secure_open(unsigned port, const char *certificate)
{
    bench_secure made = {.loop = alto_loop_new(), .trust = {.ca_file = certificate}, .port = port};
    made.puller = made.loop ? alto_puller_new(made.loop) : NULL;
    if (!made.puller)
        bench_die("no memory for an HTTPS client");
    return made;
}

void bench_secure_close(bench_secure *self)
{
    alto_puller_destroy(&self->puller);
    alto_loop_destroy(&self->loop);
}

static alto_status on_data(void *context, alto_slice bytes)
{
    bench_secure *self = context;
    self->came += bytes.size;
    return ALTO_OK;
}

static void on_done(void *context, const alto_pull_result *result);

static void ask(bench_secure *self)
{
    const alto_pull_request request = {.url = self->url, .trust = self->trust, .max_size = SIZE_MAX};
    self->to_ask--;
    if (!alto_pull_start(self->puller, &request, on_data, on_done, self))
        bench_die("cannot ask for %s", self->url);
}

static void on_done(void *context, const alto_pull_result *result)
{
    bench_secure *self = context;
    if (result->status != ALTO_OK)
        bench_die("%s: %s", self->url, result->why);
    self->to_come--;
    if (self->to_ask > 0)
        ask(self);
}

void bench_secure_run(bench_secure *self, const char *path, uint64_t size, size_t count)
{
    snprintf(self->url, sizeof self->url, "https://127.0.0.1:%u%s", self->port, path);
    self->to_ask = self->to_come = count;
    self->came = 0;
    for (int i = 0; i < AT_ONCE && self->to_ask > 0; i++)
        ask(self);
    while (self->to_come > 0)
        bench_must(alto_loop_step(self->loop, PATIENCE_MS), "HTTPS");
    if (self->came != size * count)
        bench_die("%s: answers of another size", self->url);
}
