/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include "io/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, REQUEST = 512, SCRATCH = 262144, TRIES = 500, TRY_NS = 10000000, PATIENCE_MS = 10000 };

/* The answer that one connection is receiving. */
typedef struct {
    char head[HEAD_MAX];
    size_t head_size;
    bool in_body;
    uint64_t size, left; /* of the body */
} answer;

static int connect_to(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < TRIES; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
        if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0)
            return fd;
        if (fd >= 0)
            close(fd);
        nanosleep(&(struct timespec){.tv_nsec = TRY_NS}, NULL);
    }
    bench_die("nobody listens at 127.0.0.1:%u", port);
}

bench_load bench_load_open(unsigned port, size_t count)
{
    bench_load made = {.count = count};
    for (size_t i = 0; i < count; i++)
        made.fds[i] = connect_to(port);
    return made;
}

void bench_load_close(bench_load *self)
{
    for (size_t i = 0; i < self->count; i++)
        close(self->fds[i]);
    self->count = 0;
}

/* A GET of `path` as it is sent, in `text`. */
static alto_slice get_of(const char *path, char text[REQUEST])
{
    int size = snprintf(text, REQUEST, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n", path);
    if (size < 0 || size >= REQUEST)
        bench_die("the path is too long: %s", path);
    return alto_slice_of(text, (size_t)size);
}

static void ask(int fd, alto_slice request)
{
    if (write(fd, request.data, request.size) != (ssize_t)request.size)
        bench_die("cannot send a request: %s", strerror(errno));
}

/* The head is whole: look at it. */
static void begin_body(answer *self)
{
    if (strncmp(self->head, "HTTP/1.1 200 ", 13) != 0)
        bench_die("not a 200: %.*s", (int)strcspn(self->head, "\r"), self->head);
    const char *at = self->head;
    while ((at = strchr(at, '\n'))) {
        at++;
        if (strncasecmp(at, "Content-Length:", 15) == 0) {
            self->size = self->left = strtoull(at + 15, NULL, 10);
            self->in_body = true;
            return;
        }
    }
    bench_die("an answer without Content-Length");
}

/* Take what came; true once the answer is whole. Body bytes go to `out` unless it is NULL. */
static bool take(answer *self, const char *bytes, size_t size, alto_buffer *out)
{
    size_t at = 0;
    while (!self->in_body && at < size) {
        if (self->head_size == HEAD_MAX - 1)
            bench_die("the head of an answer is too long");
        self->head[self->head_size++] = bytes[at++];
        if (self->head_size >= 4 && memcmp(self->head + self->head_size - 4, "\r\n\r\n", 4) == 0) {
            self->head[self->head_size] = 0;
            begin_body(self);
        }
    }
    if (size - at > self->left)
        bench_die("more bytes than Content-Length says");
    self->left -= size - at;
    if (out)
        alto_buffer_add(out, bytes + at, size - at);
    return self->in_body && self->left == 0;
}

static size_t receive(int fd, char *scratch)
{
    ssize_t size = read(fd, scratch, SCRATCH);
    if (size <= 0)
        bench_die("a connection ended: %s", size < 0 ? strerror(errno) : "closed");
    return (size_t)size;
}

void bench_load_run(bench_load *self, const char *path, uint64_t size, size_t rounds)
{
    char text[REQUEST];
    const alto_slice get = get_of(path, text);
    bench_load_ask(self, &get, 1, size, rounds);
}

/* Wait until one of the connections has something. */
static void wait_for_some(const bench_load *self, struct pollfd *ready)
{
    uint64_t begin_ns = alto_monotonic_ns();
    int found;
    do
        found = poll(ready, (nfds_t)self->count, self->restless ? 0 : PATIENCE_MS);
    while (found == 0 && self->restless && bench_us_since(begin_ns) < (double)PATIENCE_MS * 1000);
    if (found <= 0)
        bench_die("no answer for %d ms", PATIENCE_MS);
}

void bench_load_ask(bench_load *self, const alto_slice *requests, size_t count, uint64_t size, size_t rounds)
{
    static char scratch[SCRATCH];
    size_t next = 0;
    answer *answers = bench_alloc(self->count * sizeof *answers);
    struct pollfd ready[BENCH_CONNECTIONS];
    for (size_t round = 0; round < rounds; round++) {
        size_t open = self->count;
        for (size_t i = 0; i < self->count; i++) {
            answers[i].head_size = 0;
            answers[i].in_body = false;
            ready[i] = (struct pollfd){.fd = self->fds[i], .events = POLLIN};
            ask(self->fds[i], requests[next++ % count]);
        }
        while (open > 0) {
            wait_for_some(self, ready);
            for (size_t i = 0; i < self->count; i++) {
                if (!ready[i].revents)
                    continue;
                bool began = answers[i].in_body;
                bool whole = take(&answers[i], scratch, receive(self->fds[i], scratch), NULL);
                if (!began && answers[i].in_body && answers[i].size != size)
                    bench_die("an answer of another size");
                if (whole) {
                    ready[i].fd = -1;
                    open--;
                }
            }
        }
    }
    free(answers);
}

/* ---- at a rate ---- */

/* Requests that fall due one by one; those for which no connection is free wait their turn. */
typedef struct {
    const bench_load *load;
    struct pollfd ready[BENCH_CONNECTIONS]; /* those that are waited for; of the others fd is -1 */
    answer answers[BENCH_CONNECTIONS];
    uint64_t due_ns[BENCH_CONNECTIONS]; /* of the request under way */
    uint64_t begin_ns, step_ns;
    uint64_t moved_ns; /* when something was sent, or came, for the last time */
    size_t sent, done;
} pace;

static uint64_t next_due(const pace *self)
{
    return self->begin_ns + self->sent * self->step_ns;
}

/* Send what is due. */
static void send_due(pace *self, const alto_slice *requests, size_t count, size_t total)
{
    for (size_t i = 0; i < self->load->count && self->sent < total && next_due(self) <= alto_monotonic_ns(); i++) {
        if (self->ready[i].fd >= 0)
            continue;
        ask(self->load->fds[i], requests[self->sent % count]);
        self->due_ns[i] = next_due(self);
        self->answers[i].head_size = 0;
        self->answers[i].in_body = false;
        self->ready[i] = (struct pollfd){.fd = self->load->fds[i], .events = POLLIN};
        self->sent++;
        self->moved_ns = alto_monotonic_ns();
    }
}

/* Wait for answers, at most until the next request is due and may be sent. */
static void wait_for_answers(pace *self, size_t total)
{
    uint64_t now_ns = alto_monotonic_ns(), due_ns = next_due(self), wait_ns = (uint64_t)PATIENCE_MS * 1000000;
    if (now_ns - self->moved_ns > wait_ns)
        bench_die("no answer for %d ms", PATIENCE_MS);
    if (self->sent < total && self->sent - self->done < self->load->count)
        wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    if (self->load->restless)
        wait_ns = 0;
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000), .tv_nsec = (long)(wait_ns % 1000000000)};
    if (ppoll(self->ready, self->load->count, &wait, NULL) < 0)
        bench_die("cannot wait for answers: %s", strerror(errno));
}

static void take_answers(pace *self, bench_series *us)
{
    static char scratch[SCRATCH];
    for (size_t i = 0; i < self->load->count; i++) {
        if (self->ready[i].fd < 0 || !self->ready[i].revents)
            continue;
        if (!take(&self->answers[i], scratch, receive(self->ready[i].fd, scratch), NULL))
            continue;
        bench_series_add(us, bench_us_since(self->due_ns[i]));
        self->ready[i].fd = -1;
        self->done++;
        self->moved_ns = alto_monotonic_ns();
    }
}

void bench_load_pace(bench_load *self, const alto_slice *requests, size_t count, unsigned per_second, unsigned seconds,
                     bench_series *us)
{
    const size_t total = (size_t)per_second * seconds;
    pace *state = bench_alloc(sizeof *state);
    *state = (pace){.load = self, .begin_ns = alto_monotonic_ns(), .step_ns = 1000000000 / per_second};
    for (size_t i = 0; i < self->count; i++)
        state->ready[i].fd = -1;
    while (state->done < total) {
        send_due(state, requests, count, total);
        wait_for_answers(state, total);
        take_answers(state, us);
    }
    free(state);
}

void bench_load_get(bench_load *self, const char *path, alto_buffer *out)
{
    char text[REQUEST];
    bench_load_once(self, get_of(path, text), out);
}

void bench_load_once(bench_load *self, alto_slice request, alto_buffer *out)
{
    static char scratch[SCRATCH];
    answer *got = bench_alloc(sizeof *got);
    ask(self->fds[0], request);
    while (!take(got, scratch, receive(self->fds[0], scratch), out))
        ;
    free(got);
}

double bench_cpu_us(pid_t process)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &used) != 0)
        bench_die("cannot read the CPU time of a process");
    return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}
