/* SPDX-License-Identifier: Apache-2.0 */
/* alto-bench: measures what altocast promises, beside what others need for the same; table and JSON. */
#include "bench.h"

#include "core/crypto.h"
#include "core/mapjson.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/options.h"
#include "network.h"

#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char about[] =
    "Measures altocast: table on standard output, figures in a JSON file. Peers are measured in\n"
    "the same run. Exit code 1 when a bar is missed.\n"
    "Groups: update, reread, payload, push, memory, start, stalled, http, answer, recovery, query, lookup, verify, "
    "endpoint, flood.";

enum { MAX_JSON = 1048576 };

static alto_buffer json; /* the rows so far */
static size_t rows, failed, skipped;
static pid_t own_process;

/* ---- rows ---- */

static void add_json(const char *name, const char *unit)
{
    alto_buffer_add_text(&json, rows++ ? ",\n  {\"name\":" : "\n  {\"name\":");
    alto_json_string(&json, alto_slice_text(name));
    alto_buffer_add_text(&json, ",\"unit\":");
    alto_json_string(&json, alto_slice_text(unit));
}

static void add_json_number(const char *name, bool there, double value)
{
    alto_buffer_print(&json, there ? ",\"%s\":%.6g" : ",\"%s\":null", name, value);
}

static void print_cell(bool there, const char *format, double value)
{
    char text[32] = "";
    if (there)
        snprintf(text, sizeof text, format, value);
    printf(" %10s", text);
}

void bench_add(const bench_row *row)
{
    double ratio = row->peer && row->peer_value > 0 ? row->value / row->peer_value : 0;
    double judged = row->bar_of == BENCH_RATIO ? ratio : row->value;
    bool barred = row->bar_of != BENCH_NO_BAR, pass = !barred || judged <= row->bar;
    failed += !pass;
    add_json(row->name, row->unit);
    add_json_number("value", true, row->value);
    alto_buffer_add_text(&json, ",\"peer\":");
    if (row->peer)
        alto_json_string(&json, alto_slice_text(row->peer));
    else
        alto_buffer_add_text(&json, "null");
    add_json_number("peer_value", row->peer, row->peer_value);
    add_json_number("ratio", row->peer, ratio);
    add_json_number("bar", barred, row->bar);
    alto_buffer_print(&json, ",\"pass\":%s}", pass ? "true" : "false");
    printf("%-84s", row->name);
    print_cell(true, row->value < 100 ? "%.2f" : "%.0f", row->value);
    printf(" %-8s", row->unit);
    print_cell(row->peer, row->peer_value < 100 ? "%.2f" : "%.0f", row->peer_value);
    print_cell(row->peer, "%.3f", ratio);
    print_cell(barred, "%g", row->bar);
    printf("  %-4s %s\n", barred ? (pass ? "pass" : "FAIL") : "", row->peer ? row->peer : "");
    fflush(stdout);
}

void bench_skip(const char *name, const char *why)
{
    skipped++;
    add_json(name, "");
    alto_buffer_add_text(
        &json,
        ",\"value\":null,\"peer\":null,\"peer_value\":null,\"ratio\":null,\"bar\":null,\"pass\":null,\"skipped\":");
    alto_json_string(&json, alto_slice_text(why));
    alto_buffer_add_text(&json, "}");
    printf("%-84s skipped: %s\n", name, why);
    fflush(stdout);
}

static void print_heading(void)
{
    printf("%-84s %10s %-8s %10s %10s %10s\n", "measurement (medians)", "value", "unit", "peer", "ratio", "bar");
}

static void write_json(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file || json.status != ALTO_OK || fprintf(file, "[%.*s\n]\n", (int)json.size, json.data) < 0 ||
        fclose(file) != 0)
        bench_die("%s: cannot write the figures; does its directory exist?", path);
}

/* ---- for all groups ---- */

void bench_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("alto-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    if (getpid() != own_process)
        _exit(2);
    exit(2);
}

void bench_must(alto_status status, const char *what)
{
    if (status != ALTO_OK)
        bench_die("%s: %s", what, alto_status_text(status));
}

void *bench_alloc(size_t size)
{
    void *made = calloc(1, size ? size : 1);
    if (!made)
        bench_die("out of memory");
    return made;
}

void bench_series_add(bench_series *self, double value)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? 2 * self->capacity : 64;
        self->values = realloc(self->values, self->capacity * sizeof *self->values);
        if (!self->values)
            bench_die("out of memory");
    }
    self->values[self->count++] = value;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_median(const bench_series *self)
{
    if (self->count == 0)
        return 0;
    qsort(self->values, self->count, sizeof *self->values, by_value);
    size_t middle = self->count / 2;
    return self->count % 2 ? self->values[middle] : (self->values[middle - 1] + self->values[middle]) / 2;
}

double bench_percentile(const bench_series *self, unsigned percent)
{
    if (self->count == 0)
        return 0;
    qsort(self->values, self->count, sizeof *self->values, by_value);
    return self->values[(self->count - 1) * percent / 100];
}

void bench_series_fini(bench_series *self)
{
    free(self->values);
    *self = (bench_series){0};
}

uint64_t bench_resident(void)
{
    char line[256];
    unsigned long long kilobytes = 0;
    malloc_trim(0);
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %llu", &kilobytes) == 1) /* NOLINT(cert-err34-c): the kernel wrote the number */
            break;
    if (!file || kilobytes == 0)
        bench_die("/proc/self/status has no RssAnon");
    fclose(file);
    return kilobytes * 1024;
}

void bench_wait_for(pid_t child)
{
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        bench_die("a child process failed");
}

double bench_us_since(uint64_t from_ns)
{
    return (double)(alto_monotonic_ns() - from_ns) / 1000;
}

double bench_thread_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(const bench_options *options);
    } groups[] = {{"update", bench_update},     {"reread", bench_reread},     {"payload", bench_payload},
                  {"push", bench_push},         {"memory", bench_memory},     {"start", bench_start},
                  {"stalled", bench_stalled},   {"http", bench_http},         {"answer", bench_answer},
                  {"recovery", bench_recovery}, {"query", bench_query},       {"lookup", bench_lookup},
                  {"verify", bench_verify},     {"endpoint", bench_endpoint}, {"flood", bench_flood}};
    const size_t group_count = sizeof groups / sizeof groups[0];
    bench_options options = {.data = "../shared/data", .helper = "bench/traces.py"};
    const char *only = NULL, *out = "build/bench.json";
    char network[160] = "this machine's loopback";
    bool host_network = false;
    const alto_option table[] = {
        {"only", ALTO_OPTION_TEXT, &only, "GROUP", .help = "measure this group alone (default: all)"},
        {"out", ALTO_OPTION_TEXT, &out, "FILE", .help = "where to write the figures (default build/bench.json)"},
        {"data", ALTO_OPTION_TEXT, &options.data, "DIR", .help = "the real maps (default ../shared/data)"},
        {"helper", ALTO_OPTION_TEXT, &options.helper, "FILE", .help = "what reads them (default bench/traces.py)"},
        {"host-network", ALTO_OPTION_FLAG, &host_network, NULL,
         .help = "measure over this machine's loopback as it is (default: one apart, whose TCP does not pace)"},
        {"quick", ALTO_OPTION_FLAG, &options.quick, NULL, .help = "fewer repetitions: for trying, not for figures"},
        {.name = NULL}};
    int operands;
    alto_options_parse(argc, argv, table, "[options]", about, &operands);
    bool known = !only;
    for (size_t i = 0; only && i < group_count; i++)
        known = known || strcmp(only, groups[i].name) == 0;
    if (operands || !known) {
        fprintf(stderr, "alto-bench: %s: not understood; see --help\n", operands ? argv[1] : only);
        return 2;
    }
    own_process = getpid();
    signal(SIGPIPE, SIG_IGN);
    alto_log_set_level(ALTO_LOG_ERROR);
    bench_must(alto_crypto_init(), "libsodium");
    json = alto_buffer_make(MAX_JSON);
    if (!host_network)
        bench_network_apart(network, sizeof network);
    printf("network: %s\n", network);
    print_heading();
    for (size_t i = 0; i < group_count; i++)
        if (!only || strcmp(only, groups[i].name) == 0)
            groups[i].run(&options);
    write_json(out);
    printf("%zu measurements, %zu missed their bar, %zu skipped\n", rows, failed, skipped);
    alto_buffer_fini(&json);
    return failed ? 1 : 0;
}
