/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include "io/loop.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

struct bench_bare_pub {
    void *context, *socket;
    char endpoint[64]; /* bound */
};

struct bench_bare {
    bench_bare_pub *pub;
    void *sub;
    pthread_t thread;
    sem_t received;           /* posted for each whole message */
    _Atomic uint64_t last_ns; /* when the last frame of it came */
};

bench_bare_pub *bench_bare_pub_new(void)
{
    bench_bare_pub *self = bench_alloc(sizeof *self);
    size_t size = sizeof self->endpoint;
    int none = 0;
    self->context = zmq_ctx_new();
    self->socket = self->context ? zmq_socket(self->context, ZMQ_PUB) : NULL;
    if (!self->socket || zmq_bind(self->socket, "tcp://127.0.0.1:*") < 0 ||
        zmq_setsockopt(self->socket, ZMQ_LINGER, &none, sizeof none) < 0 ||
        zmq_getsockopt(self->socket, ZMQ_LAST_ENDPOINT, self->endpoint, &size) < 0)
        bench_die("libzmq: %s", zmq_strerror(zmq_errno()));
    return self;
}

void bench_bare_pub_destroy(bench_bare_pub **self)
{
    zmq_close((*self)->socket);
    zmq_ctx_term((*self)->context);
    free(*self);
    *self = NULL;
}

const char *bench_bare_pub_endpoint(const bench_bare_pub *self)
{
    return self->endpoint;
}

void bench_bare_pub_send(bench_bare_pub *self, const bench_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        if (zmq_send(self->socket, message->frames[i].data, message->frames[i].size,
                     i + 1 < message->count ? ZMQ_SNDMORE : 0) < 0)
            bench_die("libzmq: %s", zmq_strerror(zmq_errno()));
}

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

/* Send until one comes through. */
static void wait_for_subscription(bench_bare *self)
{
    const bench_message probe = {.frames = {alto_slice_text("probe")}, .count = 1};
    for (int i = 0; i < 500; i++) {
        bench_bare_pub_send(self->pub, &probe);
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
    self->pub = bench_bare_pub_new();
    self->sub = zmq_socket(self->pub->context, ZMQ_SUB);
    if (!self->sub || zmq_connect(self->sub, self->pub->endpoint) < 0 ||
        zmq_setsockopt(self->sub, ZMQ_SUBSCRIBE, "", 0) < 0 || sem_init(&self->received, 0, 0) != 0 ||
        pthread_create(&self->thread, NULL, receive, self) != 0)
        bench_die("libzmq: %s", zmq_strerror(zmq_errno()));
    wait_for_subscription(self);
    return self;
}

void bench_bare_destroy(bench_bare **self)
{
    bench_bare_pub_destroy(&(*self)->pub); /* ends the receiver's call, which closes its socket */
    pthread_join((*self)->thread, NULL);
    sem_destroy(&(*self)->received);
    free(*self);
    *self = NULL;
}

double bench_bare_send(bench_bare *self, const bench_message *messages, size_t count)
{
    uint64_t begin_ns = alto_monotonic_ns();
    for (size_t i = 0; i < count; i++)
        bench_bare_pub_send(self->pub, &messages[i]);
    for (size_t i = 0; i < count; i++)
        while (sem_wait(&self->received) != 0)
            ;
    return (double)(atomic_load(&self->last_ns) - begin_ns) / 1000;
}
