/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - CPU per request that asks for a part of a map, beside a GET of about as many bytes that are ready. */
#include "child.h"
#include "core/mapjson.h"
#include "load.h"
#include "serving.h"

#include <stdio.h>

enum {
    PIDS = 3000,
    STATIC_PIDS = 23,
    BLOCKS = 25,
    QUICK_BLOCKS = 3,
    REQUESTS = 16,
    POSTS = 3, /* of each request on each connection */
    GETS = 40,
    COPIES = BENCH_CONNECTIONS * POSTS,
    NUMBER = 8, /* digits */
    MAX_NUMBER = 100000000,
    MAX_TEXT = 1 << 20
};

/* What is asked for. */
typedef struct {
    const char *title;
    size_t sources, destinations;
    const char *coding; /* that the client takes */
} shape;

static const shape shapes[] = {{"1 x 10", 1, 10, "identity"},
                               {"20 x 50", 20, 50, "identity"},
                               {"20 x 50, packed,", 20, 50, "gzip"},
                               {"100 x 100", 100, 100, "identity"}};

static alto_version *network_map(alto_pool *pool)
{
    alto_buffer text = alto_buffer_make(MAX_TEXT);
    alto_version *made = NULL;
    alto_buffer_add_text(&text, "{\"meta\":{\"vtag\":" BENCH_COSTS_DEPEND_ON "},\"network-map\":{");
    for (size_t i = 0; i < PIDS; i++) {
        char name[BENCH_PID_TEXT];
        bench_pid_name(i, name);
        alto_buffer_print(&text, "%s\"%s\":{}", i ? "," : "", name);
    }
    alto_buffer_add_text(&text, "}}");
    bench_must(alto_map_read(pool, alto_buffer_slice(&text), NULL, NULL, &made, NULL), "network map");
    alto_buffer_fini(&text);
    return made;
}

static void commit_maps(bench_origin *origin)
{
    sim_random random = {1};
    alto_version *whole = bench_cost_map(origin->pool, PIDS, &random);
    alto_version *small = bench_cost_map(origin->pool, STATIC_PIDS, &random);
    bench_commit_maps(origin, whole, network_map(origin->pool), small);
}

/* ---- requests ---- */

/* One request for each time that it is put, alike but for a number in a member that says nothing: nobody asked it before. */
typedef struct {
    alto_buffer texts; /* as they are sent, one behind the other */
    alto_slice each[COPIES];
    size_t number_at; /* in each of them */
    uint64_t size;    /* of the answer's body */
} request;

static void add_pids(alto_buffer *body, size_t count, sim_random *random)
{
    for (size_t i = 0; i < count; i++) {
        char name[BENCH_PID_TEXT];
        bench_pid_name(sim_random_below(random, PIDS), name);
        alto_buffer_print(body, "%s\"%s\"", i ? "," : "", name);
    }
}

static void write_request(const shape *of, sim_random *random, alto_buffer *out)
{
    alto_buffer body = alto_buffer_make(MAX_TEXT);
    alto_buffer_add_text(&body, "{\"cost-type\":{\"cost-metric\":\"routingcost\",\"cost-mode\":\"numerical\"},"
                                "\"pids\":{\"srcs\":[");
    add_pids(&body, of->sources, random);
    alto_buffer_add_text(&body, "],\"dsts\":[");
    add_pids(&body, of->destinations, random);
    alto_buffer_print(&body, "]},\"number\":\"%0*u\"}", NUMBER, 0u);
    alto_buffer_print(out,
                      "POST /cost-filtered HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nAccept-Encoding: %s\r\n"
                      "Content-Type: application/alto-costmapfilter+json\r\nContent-Length: %zu\r\n\r\n",
                      of->coding, body.size);
    alto_buffer_add_slice(out, alto_buffer_slice(&body));
    alto_buffer_fini(&body);
}

static request make_request(const shape *of, bench_load *load, sim_random *random)
{
    alto_buffer text = alto_buffer_make(MAX_TEXT), answer = alto_buffer_make(MAX_TEXT);
    request made = {.texts = alto_buffer_make(COPIES * MAX_TEXT)};
    write_request(of, random, &text);
    for (size_t i = 0; i < COPIES; i++)
        alto_buffer_add_slice(&made.texts, alto_buffer_slice(&text));
    bench_must(made.texts.status, "request");
    for (size_t i = 0; i < COPIES; i++)
        made.each[i] = alto_slice_of(made.texts.data + i * text.size, text.size);
    made.number_at = text.size - NUMBER - 2; /* before "} */
    bench_load_once(load, made.each[0], &answer);
    made.size = answer.size;
    alto_buffer_fini(&text);
    alto_buffer_fini(&answer);
    return made;
}

/* Make others of them. */
static void renew(request *self)
{
    static unsigned number;
    for (size_t i = 0; i < COPIES; i++) {
        char text[NUMBER + 1];
        snprintf(text, sizeof text, "%0*u", NUMBER, ++number % MAX_NUMBER);
        memcpy(self->texts.data + i * self->each[i].size + self->number_at, text, NUMBER);
    }
}

/* ---- measuring ---- */

static double us_per_post(const bench_serving *server, bench_load *load, request *requests, bool again)
{
    for (size_t i = 0; i < REQUESTS && !again; i++)
        renew(&requests[i]);
    double before = bench_cpu_us(server->process);
    for (size_t i = 0; i < REQUESTS; i++)
        bench_load_ask(load, requests[i].each, again ? 1 : COPIES, requests[i].size, POSTS);
    return (bench_cpu_us(server->process) - before) / (double)(REQUESTS * POSTS * load->count);
}

static double us_per_get(const bench_serving *server, bench_load *load, uint64_t size)
{
    double before = bench_cpu_us(server->process);
    bench_load_run(load, "/small", size, GETS);
    return (bench_cpu_us(server->process) - before) / (double)(GETS * load->count);
}

static void report(const shape *of, const char *when, const bench_series *own, const bench_series *peer, bool barred)
{
    char name[96];
    snprintf(name, sizeof name, "query: CPU per filtered cost map, %s of %d PIDs%s", of->title, PIDS, when);
    bench_add(&(bench_row){.name = name,
                           .unit = "us",
                           .value = bench_median(own),
                           .peer = "the same server, a GET of a map of 10 KB",
                           .peer_value = bench_median(peer),
                           .bar_of = barred ? BENCH_RATIO : BENCH_NO_BAR,
                           .bar = 2});
}

static void measure(const bench_serving *server, const shape *of, int blocks, bool barred)
{
    bench_load posts = bench_load_open(server->port, BENCH_CONNECTIONS);
    bench_load gets = bench_load_open(server->port, BENCH_CONNECTIONS);
    bench_series own = {0}, again = {0}, peer = {0};
    posts.restless = gets.restless = true;
    alto_buffer small = alto_buffer_make(MAX_TEXT);
    sim_random random = {2};
    request requests[REQUESTS];
    bench_load_get(&gets, "/small", &small);
    for (size_t i = 0; i < REQUESTS; i++)
        requests[i] = make_request(of, &posts, &random);
    us_per_post(server, &posts, requests, false);
    us_per_get(server, &gets, small.size);
    for (int i = 0; i < blocks; i++) {
        bench_series_add(&own, us_per_post(server, &posts, requests, false));
        us_per_post(server, &posts, requests, true); /* from now on they were asked before */
        bench_series_add(&again, us_per_post(server, &posts, requests, true));
        bench_series_add(&peer, us_per_get(server, &gets, small.size));
    }
    report(of, "", &own, &peer, barred);
    report(of, ", asked before", &again, &peer, barred);
    for (size_t i = 0; i < REQUESTS; i++)
        alto_buffer_fini(&requests[i].texts);
    alto_buffer_fini(&small);
    bench_series_fini(&own);
    bench_series_fini(&again);
    bench_series_fini(&peer);
    bench_load_close(&posts);
    bench_load_close(&gets);
}

void bench_query(const bench_options *options)
{
    bench_processors on = bench_processors_divide();
    bench_run_on(&on.one);
    bench_serving server = bench_serve(&on.other, commit_maps, NULL);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        measure(&server, &shapes[i], options->quick ? QUICK_BLOCKS : BLOCKS, i == 1);
    bench_child_stop(server.process);
    bench_run_on(&on.all);
}
