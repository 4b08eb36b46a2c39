/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include "io/loop.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

struct bench_bare {
    void *context, *pub, *sub;
    pthread_t thread;
    sem_t received;           /* posted for each whole message */
    _Atomic uint64_t last_ns; /* when the last frame of it came */
};

static const char endpoint[] = "tcp://127.0.0.1:*";

static void *receive(void *context)
{
    bench_bare *self = context;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, self->sub, 0) >= 0) {
        if (zmq_msg_more(&frame))
            continue;
        atomic_store(&self->last_ns, alto_monotonic_ns());
        sem_post(&self->received);
    }
    zmq_msg_close(&frame);
    zmq_close(self->sub);
    return NULL;
}

static void send_message(bench_bare *self, const bench_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        if (zmq_send(self->pub, message->frames[i].data, message->frames[i].size,
                     i + 1 < message->count ? ZMQ_SNDMORE : 0) < 0)
            bench_die("libzmq: %s", zmq_strerror(zmq_errno()));
}

/* Send until one comes through. */
static void wait_for_subscription(bench_bare *self)
{
    const bench_message probe = {.frames = {alto_slice_text("probe")}, .count = 1};
    for (int i = 0; i < 500; i++) {
        send_message(self, &probe);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        if (sem_trywait(&self->received) == 0) {
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
            while (sem_trywait(&self->received) == 0)
                ;
            return;
        }
    }
    bench_die("libzmq: nothing comes through");
}

bench_bare *bench_bare_new(void)
{
    bench_bare *self = bench_alloc(sizeof *self);
    char bound[64];
    size_t size = sizeof bound;
    int none = 0;
    self->context = zmq_ctx_new();
    self->pub = self->context ? zmq_socket(self->context, ZMQ_PUB) : NULL;
    self->sub = self->context ? zmq_socket(self->context, ZMQ_SUB) : NULL;
    if (!self->pub || !self->sub || zmq_bind(self->pub, endpoint) < 0 ||
        zmq_setsockopt(self->pub, ZMQ_LINGER, &none, sizeof none) < 0 ||
        zmq_getsockopt(self->pub, ZMQ_LAST_ENDPOINT, bound, &size) < 0 || zmq_connect(self->sub, bound) < 0 ||
        zmq_setsockopt(self->sub, ZMQ_SUBSCRIBE, "", 0) < 0 || sem_init(&self->received, 0, 0) != 0 ||
        pthread_create(&self->thread, NULL, receive, self) != 0)
        bench_die("libzmq: %s", zmq_strerror(zmq_errno()));
    wait_for_subscription(self);
    return self;
}

void bench_bare_destroy(bench_bare **self)
{
    zmq_close((*self)->pub);
    zmq_ctx_term((*self)->context); /* ends the receiver's call, which closes its socket */
    pthread_join((*self)->thread, NULL);
    sem_destroy(&(*self)->received);
    free(*self);
    *self = NULL;
}

double bench_bare_send(bench_bare *self, const bench_message *messages, size_t count)
{
    uint64_t begin_ns = alto_monotonic_ns();
    for (size_t i = 0; i < count; i++)
        send_message(self, &messages[i]);
    for (size_t i = 0; i < count; i++)
        while (sem_wait(&self->received) != 0)
            ;
    return (double)(atomic_load(&self->last_ns) - begin_ns) / 1000;
}
