/* SPDX-License-Identifier: Apache-2.0 */
/* serving.h - what an rproxy answers with, as a process of its own with one thread that answers.
 *
 * Threads: as child.h says. */
#ifndef BENCH_SERVING_H
#define BENCH_SERVING_H

#include "io/tls.h"
#include "origin.h"
#include "processors.h"

typedef struct {
    pid_t process; /* end it with bench_child_stop */
    unsigned port;
    unsigned tls_port; /* 0: no HTTPS */
} bench_serving;

/* Start it on `where`, serving what `commit` commits in it. tls: by HTTPS too, with these; NULL: not. */
bench_serving bench_serve(const cpu_set_t *where, void (*commit)(bench_origin *origin), const alto_tls_files *tls);

#endif
