/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c - how long it takes to be told the costs between many addresses, of a server that is asked a thousand times a second and
 * finds their PIDs among 600,000 prefixes. Beside it a GET of about as many bytes that are ready, at the same rate: what of the time
 * is the machine's. */
#include "child.h"
#include "load.h"
#include "prefixes.h"
#include "serving.h"

#include <stdlib.h>

enum {
    PIDS = 3000,
    SMALL_PIDS = 23,
    PREFIXES = 640000, /* drawn at random; some 5 % are drawn twice */
    LEAST_PREFIXES = 600000,
    ADDRESSES = 20,   /* on either side */
    REQUESTS = 10000, /* each is put once, or too seldom to be remembered by the server */
    CONNECTIONS = 8,
    PER_SECOND = 1000,
    SECONDS = 10,
    QUICK_SECONDS = 2,
    MAX_TEXT = 1 << 20
};

static const double most_us = 1000;

/* The same prefixes each time. */
static bench_prefix *draw_prefixes(size_t *count)
{
    sim_random random = {3};
    bench_prefix *made = bench_alloc(PREFIXES * sizeof *made);
    *count = bench_prefixes_draw(&random, PREFIXES, PIDS, made);
    if (*count < LEAST_PREFIXES)
        bench_die("less than %d prefixes", LEAST_PREFIXES);
    return made;
}

static void commit_maps(bench_origin *origin)
{
    size_t count;
    sim_random random = {1};
    bench_prefix *prefixes = draw_prefixes(&count);
    alto_version *network = bench_prefixes_map(origin->pool, prefixes, count, PIDS);
    alto_version *costs = bench_cost_map(origin->pool, PIDS, &random);
    bench_commit_maps(origin, costs, network, bench_cost_map(origin->pool, SMALL_PIDS, &random));
    free(prefixes);
}

/* ---- requests ---- */

static void add_addresses(alto_buffer *body, const bench_prefix *prefixes, size_t count, sim_random *random)
{
    for (size_t i = 0; i < ADDRESSES; i++) {
        char text[ALTO_ENDPOINT_TEXT];
        alto_endpoint address = bench_address(random, prefixes, count);
        alto_endpoint_format(&address, text);
        alto_buffer_print(body, "%s\"%s\"", i ? "," : "", text);
    }
}

static alto_buffer make_request(const bench_prefix *prefixes, size_t count, sim_random *random)
{
    alto_buffer body = alto_buffer_make(MAX_TEXT), made = alto_buffer_make(MAX_TEXT);
    alto_buffer_add_text(&body, "{\"cost-type\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\"},"
                                "\"endpoints\":{\"srcs\":[");
    add_addresses(&body, prefixes, count, random);
    alto_buffer_add_text(&body, "],\"dsts\":[");
    add_addresses(&body, prefixes, count, random);
    alto_buffer_add_text(&body, "]}}");
    alto_buffer_print(&made,
                      "POST /endpoint-cost HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
                      "Content-Type: application/alto-endpointcostparams+json\r\nContent-Length: %zu\r\n\r\n",
                      body.size);
    alto_buffer_add_slice(&made, alto_buffer_slice(&body));
    bench_must(made.status, "request");
    alto_buffer_fini(&body);
    return made;
}

/* ---- measuring ---- */

static void report(const char *name, unsigned percent, const bench_series *posts, const bench_series *gets,
                   double bar_us)
{
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_percentile(posts, percent),
                           .peer = "a GET of 10 KB, as often",
                           .peer_value = bench_percentile(gets, percent),
                           .bar_of = bar_us > 0 ? BENCH_VALUE : BENCH_NO_BAR,
                           .bar = bar_us});
}

static void measure(bench_load *load, const alto_slice *requests, unsigned seconds)
{
    const alto_slice get = alto_slice_text("GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n");
    bench_series posts = {0}, gets = {0};
    bench_load_pace(load, requests, REQUESTS, PER_SECOND, seconds, &posts);
    bench_load_pace(load, &get, 1, PER_SECOND, seconds, &gets);
    report("endpoint: time to 20 x 20 costs, 600,000 prefixes, 1,000 times a second", 50, &posts, &gets, 0);
    report("endpoint: the same, 99th percentile", 99, &posts, &gets, most_us);
    bench_series_fini(&posts);
    bench_series_fini(&gets);
}

void bench_endpoint(const bench_options *options)
{
    size_t count;
    sim_random random = {4};
    bench_processors on = bench_processors_divide();
    bench_prefix *prefixes = draw_prefixes(&count);
    alto_buffer *texts = bench_alloc(REQUESTS * sizeof *texts), answer = alto_buffer_make(MAX_TEXT);
    alto_slice *requests = bench_alloc(REQUESTS * sizeof *requests);
    bench_run_on(&on.one);
    bench_serving server = bench_serve(&on.other, commit_maps, NULL);
    bench_load load = bench_load_open(server.port, CONNECTIONS);
    load.restless = true;
    for (size_t i = 0; i < REQUESTS; i++) {
        texts[i] = make_request(prefixes, count, &random);
        requests[i] = alto_buffer_slice(&texts[i]);
    }
    bench_load_once(&load, requests[0], &answer); /* the first answer waits until the prefixes are made ready */
    measure(&load, requests, options->quick ? QUICK_SECONDS : SECONDS);
    bench_load_close(&load);
    bench_child_stop(server.process);
    bench_run_on(&on.all);
    for (size_t i = 0; i < REQUESTS; i++)
        alto_buffer_fini(&texts[i]);
    alto_buffer_fini(&answer);
    free(texts);
    free(requests);
    free(prefixes);
}
