/* SPDX-License-Identifier: Apache-2.0 */
/* stalled.c - what one subscriber that stands still costs the publisher in memory, beside libzmq's own bounds. The
 * publisher is a process of its own, so that nothing of others is counted; so is the subscriber, which stops itself. */
#include "io/push.h"

#include "bare.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLE = 32 /* messages between two looks at the memory */ };
static const double most_mb = 12;            /* docs/operations.md: 10 MiB of messages, and what holds them */
static const uint64_t in_kernels = 33554432; /* bytes that surely fill the buffers of both kernels */

/* A publisher of either kind. */
typedef struct {
    alto_loop *loop;
    alto_push_sender *ours;
    bench_bare_pub *bare;
} publisher;

static void publisher_init(publisher *self, bool bare)
{
    alto_error error = {.why = "out of memory"};
    *self = (publisher){0};
    if (bare) {
        self->bare = bench_bare_pub_new();
        return;
    }
    self->loop = alto_loop_new();
    if (!self->loop || alto_push_sender_new(self->loop, &(const char *){"tcp://127.0.0.1:*"}, 1,
                                            ALTO_PUSH_MULTICAST_MBIT, NULL, &self->ours, &error) != ALTO_OK)
        bench_die("publisher: %s", error.why);
}

static void publish(publisher *self, const bench_message *message)
{
    if (self->bare) {
        bench_bare_pub_send(self->bare, message);
        return;
    }
    bench_must(alto_push_send(self->ours, message->frames, message->count), "send");
    alto_loop_step(self->loop, 0);
}

/* ---- the subscriber ---- */

static void on_message(void *context, const alto_slice *frames, size_t count)
{
    (void)frames, (void)count;
    *(bool *)context = true;
}

/* Subscribe to what the pipe names, and stand still from the first message on. */
static _Noreturn void subscribe(int from)
{
    char endpoint[64] = "";
    alto_loop *loop = alto_loop_new();
    alto_push_receiver *receiver = NULL;
    alto_error error = {.why = "out of memory"};
    bool heard = false;
    if (read(from, endpoint, sizeof endpoint) <= 0 || !loop ||
        alto_push_receiver_new(loop, endpoint, NULL, on_message, &heard, &receiver, &error) != ALTO_OK)
        bench_die("subscriber: %s", error.why);
    bench_must(alto_push_subscribe(receiver, alto_slice_text("")), "subscribe");
    while (!heard)
        alto_loop_step(loop, -1);
    raise(SIGSTOP);
    _exit(0);
}

/* The process, which tells by stopping that it is subscribed. */
static void wait_until_stopped(publisher *self, pid_t subscriber)
{
    const bench_message probe = {.frames = {alto_slice_text("probe")}, .count = 1};
    int status = 0;
    while (waitpid(subscriber, &status, WUNTRACED | WNOHANG) == 0) {
        publish(self, &probe);
        usleep(10000);
    }
    if (!WIFSTOPPED(status))
        bench_die("the subscriber ended");
}

/* ---- the publisher ---- */

/* The most memory that sending took while the subscriber stood still. */
static uint64_t send_all(publisher *self, size_t size)
{
    uint8_t *bytes = bench_alloc(size);
    bench_message message = {.frames = {alto_slice_text("p"), alto_slice_of(bytes, size)}, .count = 2};
    uint64_t before = bench_resident(), most = before, count = in_kernels / size + 2000;
    for (uint64_t i = 0; i < count; i++) {
        publish(self, &message);
        uint64_t now = i % SAMPLE == 0 ? bench_resident() : 0;
        most = now > most ? now : most;
    }
    free(bytes);
    return most - before;
}

static uint64_t measure(bool bare, size_t size)
{
    publisher made;
    int ends[2];
    if (pipe(ends) != 0)
        bench_die("no pipe");
    pid_t subscriber = fork(); /* before there are threads */
    if (subscriber < 0)
        bench_die("no process");
    if (subscriber == 0)
        subscribe(ends[0]);
    publisher_init(&made, bare);
    const char *endpoint = bare ? bench_bare_pub_endpoint(made.bare) : alto_push_sender_endpoint(made.ours, 0);
    if (write(ends[1], endpoint, strlen(endpoint) + 1) < 0)
        bench_die("no pipe");
    wait_until_stopped(&made, subscriber);
    uint64_t bytes = send_all(&made, size);
    kill(subscriber, SIGKILL);
    waitpid(subscriber, NULL, 0);
    return bytes;
}

static double measure_in_child(bool bare, size_t size)
{
    uint64_t *result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (result == MAP_FAILED)
        bench_die("no shared memory");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        *result = measure(bare, size);
        _exit(0);
    }
    bench_wait_for(child);
    double mb = (double)*result / 1048576;
    munmap(result, sizeof *result);
    return mb;
}

void bench_stalled(const bench_options *options)
{
    static const size_t sizes[] = {2048, 20480, 204800};
    (void)options;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char name[96];
        snprintf(name, sizeof name, "stalled: memory for a subscriber that stands still, messages of %zu KB",
                 sizes[i] / 1024);
        bench_add(&(bench_row){.name = name,
                               .unit = "MB",
                               .value = measure_in_child(false, sizes[i]),
                               .peer = "plain libzmq PUB",
                               .peer_value = measure_in_child(true, sizes[i]),
                               .bar_of = BENCH_VALUE,
                               .bar = most_mb});
    }
}
