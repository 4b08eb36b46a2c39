/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push_zap.h"

#include "io/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

/* A request, in the order of its frames; more than these are credentials of no mechanism that we know. */
enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS, REQUEST_FRAMES };
enum { ADDRESS_SIZE = 64 };

static const char version[] = "1.0", endpoint[] = "inproc://zeromq.zap.01";

struct alto_push_zap {
    alto_push_gate *gate;
    void *context, *socket; /* REP, of the thread once that runs */
    pthread_t thread;
    bool runs;
};

typedef struct {
    zmq_msg_t frames[REQUEST_FRAMES];
    size_t count; /* of all that came, those beyond REQUEST_FRAMES not kept */
} request;

static alto_slice frame(request *self, size_t index)
{
    return alto_slice_of(zmq_msg_data(&self->frames[index]), zmq_msg_size(&self->frames[index]));
}

static bool frame_is(request *self, size_t index, const char *text)
{
    return alto_slice_equal(frame(self, index), alto_slice_text(text));
}

/* False: the context ends. */
static bool take_request(void *socket, request *self)
{
    zmq_msg_t surplus;
    bool more = true;
    zmq_msg_init(&surplus);
    for (; more; self->count++) {
        zmq_msg_t *into = self->count < REQUEST_FRAMES ? &self->frames[self->count] : &surplus;
        while (zmq_msg_recv(into, socket, 0) < 0)
            if (zmq_errno() != EINTR)
                return false;
        more = zmq_msg_more(into);
    }
    zmq_msg_close(&surplus);
    return true;
}

/* The key of whoever is to be let in; "" when nobody is. */
static void judge(alto_push_gate *gate, request *asked, char user[ALTO_CURVE_KEY_TEXT])
{
    alto_curve_key peer;
    char address[ADDRESS_SIZE];
    user[0] = 0;
    if (asked->count != REQUEST_FRAMES || !frame_is(asked, VERSION, version) || !frame_is(asked, MECHANISM, "CURVE") ||
        frame(asked, CREDENTIALS).size != sizeof peer.bytes)
        return;
    alto_slice from = frame(asked, ADDRESS);
    memcpy(peer.bytes, frame(asked, CREDENTIALS).data, sizeof peer.bytes);
    snprintf(address, sizeof address, "%.*s", (int)from.size, from.size ? (const char *)from.data : "");
    if (alto_push_gate_admit(gate, &peer, address[0] ? address : "ipc"))
        alto_z85_write(peer.bytes, user);
}

static void answer(void *socket, request *asked, const char *user)
{
    const char *code = user[0] ? "200" : "400", *text = user[0] ? "" : "not on the list";
    alto_slice id = frame(asked, REQUEST_ID);
    zmq_send(socket, version, strlen(version), ZMQ_SNDMORE);
    zmq_send(socket, id.data, id.size, ZMQ_SNDMORE);
    zmq_send(socket, code, strlen(code), ZMQ_SNDMORE);
    zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
    zmq_send(socket, user, strlen(user), ZMQ_SNDMORE);
    zmq_send(socket, "", 0, 0);
}

static void *run(void *context)
{
    alto_push_zap *self = context;
    bool goes_on = true;
    while (goes_on) {
        request asked = {.count = 0};
        char user[ALTO_CURVE_KEY_TEXT];
        for (size_t i = 0; i < REQUEST_FRAMES; i++)
            zmq_msg_init(&asked.frames[i]);
        goes_on = take_request(self->socket, &asked);
        if (goes_on) {
            judge(self->gate, &asked, user);
            answer(self->socket, &asked, user);
        }
        for (size_t i = 0; i < REQUEST_FRAMES; i++)
            zmq_msg_close(&asked.frames[i]);
    }
    zmq_close(self->socket);
    return NULL;
}

alto_push_zap *alto_push_zap_new(alto_push_gate *gate)
{
    alto_push_zap *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->gate = gate;
    self->context = zmq_ctx_new();
    self->socket = self->context ? zmq_socket(self->context, ZMQ_REP) : NULL;
    int none = 0;
    if (self->socket && zmq_setsockopt(self->socket, ZMQ_LINGER, &none, sizeof none) == 0 &&
        zmq_bind(self->socket, endpoint) == 0)
        self->runs = alto_thread_start(&self->thread, run, self) == 0;
    if (!self->runs)
        alto_push_zap_destroy(&self);
    return self;
}

void alto_push_zap_destroy(alto_push_zap **self)
{
    alto_push_zap *dying = *self;
    if (!dying)
        return;
    if (dying->context)
        zmq_ctx_shutdown(dying->context); /* wakes the thread */
    if (dying->runs)
        pthread_join(dying->thread, NULL);
    else if (dying->socket)
        zmq_close(dying->socket);
    while (dying->context && zmq_ctx_term(dying->context) < 0 && zmq_errno() == EINTR)
        ;
    free(dying);
    *self = NULL;
}

void *alto_push_zap_context(const alto_push_zap *self)
{
    return self->context;
}
