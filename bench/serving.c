/* SPDX-License-Identifier: Apache-2.0 */
#include "serving.h"

#include "child.h"
#include "io/loop.h"
#include "io/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void publish(void *context, const alto_applied *applied)
{
    alto_publisher_step(context, applied, ALTO_MAX_PUSHED_PAYLOAD);
}

static unsigned port_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

/* Until it is killed. Writes its ports to `out`. */
_Noreturn static void serve(int out, void (*commit)(bench_origin *origin), const alto_tls_files *tls)
{
    static const alto_counts counts;
    alto_http_side_options http = {.http = "127.0.0.1:0", .threads = 1};
    alto_outlet_options options = {.http = &http};
    alto_site_options site = {.counts = &counts};
    bench_origin *origin = bench_alloc(sizeof *origin);
    alto_error error = {.why = ""};
    alto_outlet *outlet = NULL;
    alto_publisher *publisher = NULL;
    alto_loop *loop = alto_loop_new();
    bench_origin_init(origin);
    if (tls) {
        http.https = "127.0.0.1:0";
        http.tls = *tls;
    }
    if (!loop || alto_outlet_new(loop, &options, &outlet, &error) != ALTO_OK ||
        alto_outlet_publish(outlet, &origin->anchor.origin, &site, &publisher, &error) != ALTO_OK ||
        alto_outlet_open(outlet, &error) != ALTO_OK)
        bench_die("server: %s", error.why);
    origin->applied = publish;
    origin->context = publisher;
    commit(origin);
    unsigned ports[2] = {port_of(alto_outlet_http_address(outlet)), port_of(alto_outlet_https_address(outlet))};
    if (write(out, ports, sizeof ports) != sizeof ports)
        bench_die("server: %s", strerror(errno));
    alto_loop_run(loop);
    _exit(0);
}

bench_serving bench_serve(const cpu_set_t *where, void (*commit)(bench_origin *origin), const alto_tls_files *tls)
{
    int channel[2];
    unsigned ports[2];
    bench_serving made = {.process = -1};
    if (pipe2(channel, O_CLOEXEC) != 0)
        bench_die("no pipe: %s", strerror(errno));
    made.process = bench_child_start();
    if (made.process == 0) {
        bench_run_on(where);
        serve(channel[1], commit, tls);
    }
    close(channel[1]);
    if (read(channel[0], ports, sizeof ports) != sizeof ports)
        bench_die("our server did not start");
    made.port = ports[0];
    made.tls_port = ports[1];
    close(channel[0]);
    return made;
}
