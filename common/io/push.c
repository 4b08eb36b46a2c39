/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push.h"

#include "io/log.h"
#include "io/push_peers.h"
#include "io/push_waiting.h"
#include "io/push_zap.h"
#include "io/ticker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum {
    SEND_HIGH_WATER = 1000,       /* messages waiting for one slow peer; more are dropped for it */
    MULTICAST_HIGH_WATER = 10000, /* messages of a group waiting for us; of connections: see set_never_full */
    LINGER_MS = 500,              /* what a sender still tries to deliver when it is destroyed */
    CUT_MS = 100,                 /* and how long until libzmq has left those who did not take it ... */
    STEP_MS = 5,                  /* ... looked at so often */
    UNBIND_MS = 1000,             /* until libzmq has closed what was bound, at most */
    HEARTBEAT_MS = 2000,          /* a silent peer is asked that often ... */
    HEARTBEAT_TIMEOUT_MS = 6000,  /* ... and given up after this */
    HANDSHAKE_MS = 10000,         /* from accepted to the end of the ZMTP handshake */
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 5000,
    BACKLOG = 1024,
    DROP_BUDGET = 4096,    /* messages dropped before connections are looked at again */
    BUDGET = 256,          /* messages handled in a turn of the loop */
    IDLE_MS = 100,         /* a socket without events is looked into that often, so that its watch hears of it */
    MAX_FROM_PEER = 64,    /* bytes of a frame that a subscriber sends: a topic has 17, a handshake 27 ... */
    MAX_ENCRYPTED = 1024,  /* ... but one of CURVE some hundred */
    RECEIVE_BUFFER = 8192, /* bytes: subscribers have little to say, and a flood of theirs comes slower so */
    GUARD_MS = 20,         /* how often subscribers' connections are looked at ... */
    PEERS_PER_MS = 16,     /* ... and that much less often with many, so that it costs some % of a core at most */
    UPSTREAM_MS = 25,      /* how often an upstream's is looked at */
    FRAME_HEAD = 2,        /* bytes of a frame beside its content, at least ... */
    CURVE_HEAD = 33,       /* ... and what encrypting it adds */
    RECOVERY_MS = 1000,    /* multicast: how long what was sent can be repeated */
    KBIT = 1000            /* of a Mbit */
};

/* ---- one libzmq context for the process ---- */

static pthread_mutex_t context_lock = PTHREAD_MUTEX_INITIALIZER;
static void *context;             /* NULL while nobody uses it */
static unsigned context_users;    /* senders and receivers */
static unsigned context_monitors; /* ever made, for their names */

static void *context_take(void)
{
    pthread_mutex_lock(&context_lock);
    if (!context && (context = zmq_ctx_new())) {
        zmq_ctx_set(context, ZMQ_IO_THREADS, 1);
        zmq_ctx_set(context, ZMQ_MAX_SOCKETS, zmq_ctx_get(context, ZMQ_SOCKET_LIMIT));
    }
    void *taken = context;
    if (taken)
        context_users++;
    pthread_mutex_unlock(&context_lock);
    return taken;
}

static void context_give_back(void)
{
    void *unused = NULL;
    pthread_mutex_lock(&context_lock);
    if (--context_users == 0) {
        unused = context;
        context = NULL;
    }
    pthread_mutex_unlock(&context_lock);
    while (unused && zmq_ctx_term(unused) < 0 && zmq_errno() == EINTR)
        ;
}

static unsigned next_monitor(void)
{
    pthread_mutex_lock(&context_lock);
    unsigned number = ++context_monitors;
    pthread_mutex_unlock(&context_lock);
    return number;
}

/* ---- a socket with its monitor on a loop ---- */

/* The descriptor of a libzmq socket is edge-triggered: it may be silent while there is something to read. So
 * `pump` reads until nothing is left, or its budget is used up and `again` is armed. */
typedef struct {
    alto_loop *loop;
    bool shares;   /* it has taken the context of the process */
    void *context; /* NULL when there is none */
    void *socket;  /* NULL when not made */
    void *monitor; /* PAIR that gets the events of `socket` */
    int fds[2];    /* watched: of socket and monitor; -1 when not */
    alto_timer *again;
} channel;

static void set_bytes(void *socket, int option, const void *bytes, size_t size)
{
    int failed = zmq_setsockopt(socket, option, bytes, size);
    assert(failed == 0);
    (void)failed;
}

static void set_key(void *socket, int option, const uint8_t key[ALTO_CURVE_KEY_SIZE])
{
    set_bytes(socket, option, key, ALTO_CURVE_KEY_SIZE);
}

static void set_int(void *socket, int option, int value)
{
    set_bytes(socket, option, &value, sizeof value);
}

static void set_max_frame(void *socket, int64_t size)
{
    set_bytes(socket, ZMQ_MAXMSGSIZE, &size, sizeof size);
}

/* libzmq 4.3 aborts the process when a connection is reset while a full pipe holds up what came by it, and then a heartbeat
 * is due or the peer has asked for one: whoever connects could have that. So pipes that take from a connection are never
 * full, and what waits in them is bounded by those who look at connections (watch_peers, watch_upstream), each in a thread
 * of its own, for the thread of the loop may be busy. */
static void set_never_full(void *socket)
{
    set_int(socket, ZMQ_RCVHWM, 0);
}

static void set_common(void *socket)
{
    set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS);
    set_int(socket, ZMQ_HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS);
    set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
}

static bool readable(void *socket)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
}

static alto_status watch_socket(channel *self, int index, void *socket, alto_loop_fn *pump, void *owner)
{
    int fd = -1;
    size_t size = sizeof fd;
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) < 0)
        return ALTO_IO;
    alto_status status = alto_loop_watch(self->loop, fd, pump, owner);
    if (status == ALTO_OK)
        self->fds[index] = fd;
    return status;
}

static alto_status open_monitor(channel *self, int events)
{
    char name[64];
    snprintf(name, sizeof name, "inproc://altocast-monitor-%u", next_monitor());
    self->monitor = zmq_socket(self->context, ZMQ_PAIR);
    if (!self->monitor)
        return ALTO_NO_MEMORY;
    set_int(self->monitor, ZMQ_LINGER, 0);
    if (zmq_socket_monitor(self->socket, name, events) < 0 || zmq_connect(self->monitor, name) < 0)
        return ALTO_IO;
    return ALTO_OK;
}

/* Make the sockets; `pump` is called when there is something to read. own: the context to use; NULL: that of the process. */
static alto_status channel_open(channel *self, alto_loop *loop, void *own, int type, int events, alto_loop_fn *pump,
                                void *owner)
{
    *self = (channel){.loop = loop, .shares = !own, .fds = {-1, -1}};
    self->context = own ? own : context_take();
    if (!self->context)
        return ALTO_NO_MEMORY;
    self->socket = zmq_socket(self->context, type);
    self->again = alto_timer_new(loop, pump, owner);
    if (!self->socket || !self->again)
        return ALTO_NO_MEMORY;
    set_common(self->socket);
    alto_status status = open_monitor(self, events);
    if (status == ALTO_OK)
        status = watch_socket(self, 0, self->socket, pump, owner);
    if (status == ALTO_OK)
        status = watch_socket(self, 1, self->monitor, pump, owner);
    if (status == ALTO_OK)
        alto_timer_arm(self->again, 0); /* what came before the watch made no edge for it */
    return status;
}

static void channel_close(channel *self)
{
    for (int i = 0; i < 2; i++)
        if (self->context && self->fds[i] >= 0)
            alto_loop_unwatch(self->loop, self->fds[i]);
    alto_timer_destroy(&self->again);
    if (self->monitor) {
        zmq_socket_monitor(self->socket, NULL, 0);
        zmq_close(self->monitor);
    }
    if (self->socket)
        zmq_close(self->socket);
    if (self->context && self->shares)
        context_give_back();
    *self = (channel){.fds = {-1, -1}};
}

typedef struct {
    int event;
    int fd; /* for those events that carry one */
} monitor_event;

static bool next_event(channel *self, monitor_event *out)
{
    uint8_t bytes[6];
    char address[ALTO_PUSH_ENDPOINT_SIZE];
    int size = zmq_recv(self->monitor, bytes, sizeof bytes, ZMQ_DONTWAIT);
    if (size != (int)sizeof bytes)
        return false;
    zmq_recv(self->monitor, address, sizeof address, ZMQ_DONTWAIT);
    uint16_t event;
    uint32_t value;
    memcpy(&event, bytes, sizeof event);
    memcpy(&value, bytes + sizeof event, sizeof value);
    *out = (monitor_event){.event = event, .fd = (int)value};
    return true;
}

/* ---- endpoints ---- */

static alto_status no_such_address(const char *endpoint, alto_error *error)
{
    return alto_fail(error, ALTO_IO, endpoint, "this machine has no such address; choose another");
}

static alto_status check_endpoint(const char *endpoint, bool to_bind, alto_error *error)
{
    if (!alto_push_endpoint_valid(endpoint, to_bind))
        return alto_fail(error, ALTO_CONFIG, endpoint,
                         "not an endpoint; write tcp://ADDRESS:PORT, ipc://PATH or 'epgm://LOCAL-ADDRESS;GROUP:PORT'");
    if (!alto_push_is_multicast(endpoint))
        return ALTO_OK;
    if (!zmq_has("pgm"))
        return alto_fail(error, ALTO_CONFIG, endpoint, "the libzmq of this machine was built without multicast (PGM)");
    /* of others libzmq would say less, and lose memory */
    return alto_push_endpoint_is_local(endpoint) ? ALTO_OK : no_such_address(endpoint, error);
}

static bool can_encrypt(const char *endpoint, alto_error *error)
{
    if (!zmq_has("curve"))
        alto_fail(error, ALTO_CONFIG, endpoint, "the libzmq of this machine was built without encryption (CURVE)");
    return zmq_has("curve");
}

/* What an endpoint needs before it is bound or connected to. */
static void prepare_for(void *socket, const char *endpoint, bool to_bind, unsigned multicast_mbit)
{
    set_int(socket, ZMQ_IPV6, alto_push_endpoint_wants_ipv6(endpoint, to_bind));
    set_int(socket, ZMQ_RATE, (int)multicast_mbit * KBIT);
    set_int(socket, ZMQ_RECOVERY_IVL, RECOVERY_MS);
}

/* ---- sending ---- */

struct alto_push_sender {
    channel channel;
    alto_push_gate *gate; /* NULL: in the clear */
    alto_push_zap *zap;   /* NULL: nobody is listed */
    alto_push_endpoints endpoints;
    int kept[ALTO_PUSH_ENDPOINTS]; /* what TCP endpoints listen with, held by us too; -1: none */
    int listener;                  /* what the endpoint bound last listens with, libzmq's */
    size_t listeners;              /* how many of these libzmq has */
    pthread_mutex_t lock;          /* of the peers and the monitor, which the watch's thread uses too */
    alto_push_peers *peers;        /* under the lock */
    bool shut;                     /* likewise: the kernel lets in nobody new */
    alto_ticker *watch;
    _Atomic uint64_t bytes;           /* handed to libzmq */
    uint64_t messages, guarded_bytes; /* likewise; `bytes` when sending last looked at the peers */
};

static void on_sender_event(alto_push_sender *self, const monitor_event *event)
{
    switch (event->event) {
    case ZMQ_EVENT_ACCEPTED:
        alto_push_peers_accepted(self->peers, event->fd, alto_monotonic_ms());
        return;
    case ZMQ_EVENT_LISTENING:
        self->listener = event->fd;
        self->listeners++;
        return;
    case ZMQ_EVENT_DISCONNECTED:
        alto_push_peers_gone(self->peers, event->fd);
        return;
    default: /* a listener was closed */
        self->listeners--;
    }
}

/* Under the lock. */
static void take_sender_events(alto_push_sender *self)
{
    monitor_event event;
    while (readable(self->channel.monitor) && next_event(&self->channel, &event))
        on_sender_event(self, &event);
}

static void guard_peers(alto_push_sender *self)
{
    pthread_mutex_lock(&self->lock);
    take_sender_events(self);
    alto_push_peers_guard(self->peers, alto_monotonic_ms(), self->bytes);
    pthread_mutex_unlock(&self->lock);
}

/* While more waits than is handled the kernel forgets who comes: each that libzmq accepts costs memory until the thread of the
 * loop has handled its end, however soon it is cut off. Clients try again after a second. Under the lock. */
static void shut_out(alto_push_sender *self, bool shut)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog filter = {.len = 1, .filter = &nothing};
    for (size_t i = 0; i < ALTO_PUSH_ENDPOINTS && shut != self->shut; i++)
        if (self->kept[i] >= 0)
            setsockopt(self->kept[i], SOL_SOCKET, shut ? SO_ATTACH_FILTER : SO_DETACH_FILTER, &filter, sizeof filter);
    self->shut = shut;
}

/* In a thread of its own: libzmq has the thread of the loop handle subscriptions for as long as they come. */
static uint64_t watch_peers(void *owner)
{
    alto_push_sender *self = owner;
    guard_peers(self);
    pthread_mutex_lock(&self->lock);
    bool flood = alto_push_peers_flood(self->peers);
    shut_out(self, flood);
    uint64_t delay_ms = flood ? 1 : GUARD_MS;
    delay_ms += alto_push_peers_counts(self->peers).open / PEERS_PER_MS;
    pthread_mutex_unlock(&self->lock);
    return delay_ms;
}

static void on_subscription(alto_push_sender *self, zmq_msg_t *message)
{
    size_t size = zmq_msg_size(message);
    const uint8_t *bytes = zmq_msg_data(message);
    pthread_mutex_lock(&self->lock);
    take_sender_events(self);                 /* its connection may be new */
    int fd = zmq_msg_get(message, ZMQ_SRCFD); /* -1 for what libzmq itself takes back for a peer that is gone */
    const char *user = self->zap ? zmq_msg_gets(message, "User-Id") : NULL;
    if (user)
        alto_push_peers_is(self->peers, fd, user);
    if (size > 0 && bytes[0] == 1)
        alto_push_peers_subscribed(self->peers, fd, size);
    else if (size > 0 && bytes[0] == 0)
        alto_push_peers_unsubscribed(self->peers, fd, size);
    else
        alto_push_peers_cut(self->peers, fd, "talks-to-publisher");
    pthread_mutex_unlock(&self->lock);
}

static void pump_sender(void *owner)
{
    alto_push_sender *self = owner;
    pthread_mutex_lock(&self->lock);
    take_sender_events(self);
    pthread_mutex_unlock(&self->lock);
    for (int i = 0; readable(self->channel.socket); i++) {
        if (i == BUDGET) {
            alto_timer_arm(self->channel.again, 0);
            return;
        }
        zmq_msg_t message;
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, self->channel.socket, ZMQ_DONTWAIT) >= 0)
            on_subscription(self, &message);
        zmq_msg_close(&message);
    }
    pthread_mutex_lock(&self->lock);
    alto_push_peers_handled(self->peers);
    pthread_mutex_unlock(&self->lock);
    alto_timer_arm(self->channel.again, IDLE_MS);
}

static alto_status why_not_bound(const char *endpoint, alto_error *error)
{
    int reason = zmq_errno();
    switch (reason) {
    case EADDRINUSE:
        return alto_fail(error, ALTO_IO, endpoint, "the port is in use; choose another with --push");
    case EADDRNOTAVAIL:
    case ENODEV:
        return no_such_address(endpoint, error);
    case EACCES:
    case EPERM:
        return alto_fail(error, ALTO_IO, endpoint, "not permitted; choose a port above 1023, or a path of your own");
    default:
        return alto_fail(error, ALTO_IO, endpoint, "cannot bind: %s", zmq_strerror(reason));
    }
}

/* Bind with what is kept of that endpoint, so that its port goes on listening while it is bound anew, and needs no right that
 * was given up since. */
static bool bind_with_kept(alto_push_sender *self, size_t index, const char *endpoint)
{
    void *socket = self->channel.socket;
    set_int(socket, ZMQ_USE_FD, self->kept[index]);
    bool bound = zmq_bind(socket, endpoint) == 0;
    int why = errno;
    set_int(socket, ZMQ_USE_FD, -1);
    errno = why; /* for who says it */
    if (!bound)
        return false;
    take_sender_events(self); /* libzmq has told by now what it listens with */
    self->kept[index] = alto_push_is_tcp(endpoint) ? fcntl(self->listener, F_DUPFD_CLOEXEC, 0) : -1;
    return true;
}

static alto_status bind_endpoint(alto_push_sender *self, const char *endpoint, unsigned multicast_mbit,
                                 alto_error *error)
{
    alto_status status = check_endpoint(endpoint, true, error);
    if (status != ALTO_OK)
        return status;
    if (self->gate && alto_push_is_multicast(endpoint) && !alto_push_gate_allows_multicast(self->gate))
        return alto_fail(error, ALTO_CONFIG, endpoint,
                         "a multicast group is never encrypted; add --cleartext-multicast if it may be so");
    prepare_for(self->channel.socket, endpoint, true, multicast_mbit);
    if (!bind_with_kept(self, self->endpoints.count, endpoint))
        return why_not_bound(endpoint, error);
    char *bound = self->endpoints.text[self->endpoints.count];
    size_t size = ALTO_PUSH_ENDPOINT_SIZE;
    if (zmq_getsockopt(self->channel.socket, ZMQ_LAST_ENDPOINT, bound, &size) < 0)
        return alto_fail(error, ALTO_CONFIG, endpoint, "the endpoint is too long");
    self->endpoints.count++;
    return ALTO_OK;
}

/* Be the one that others connect to, encrypted. */
static void encrypt_sender(const alto_push_sender *self)
{
    void *socket = self->channel.socket;
    set_int(socket, ZMQ_CURVE_SERVER, 1);
    set_key(socket, ZMQ_CURVE_SECRETKEY, alto_curve_pair_secret(alto_push_gate_pair(self->gate)));
    if (self->zap)
        set_bytes(socket, ZMQ_ZAP_DOMAIN, ALTO_PUSH_ZAP_DOMAIN, strlen(ALTO_PUSH_ZAP_DOMAIN));
}

static alto_status open_sender(alto_push_sender *self, alto_loop *loop)
{
    bool listed = self->gate && alto_push_gate_is_listed(self->gate);
    for (size_t i = 0; i < ALTO_PUSH_ENDPOINTS; i++)
        self->kept[i] = -1;
    self->peers = alto_push_peers_new(&self->endpoints);
    if (listed)
        self->zap = alto_push_zap_new(self->gate);
    if (!self->peers || (listed && !self->zap))
        return ALTO_NO_MEMORY;
    int events =
        ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_LISTENING | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CLOSE_FAILED;
    alto_status status = channel_open(&self->channel, loop, self->zap ? alto_push_zap_context(self->zap) : NULL,
                                      ZMQ_XPUB, events, pump_sender, self);
    if (status != ALTO_OK)
        return status;
    void *socket = self->channel.socket;
    if (self->gate)
        encrypt_sender(self);
    set_never_full(socket);
    set_int(socket, ZMQ_SNDHWM, SEND_HIGH_WATER);
    set_int(socket, ZMQ_LINGER, LINGER_MS);
    set_int(socket, ZMQ_BACKLOG, BACKLOG);
    set_int(socket, ZMQ_RCVBUF, RECEIVE_BUFFER);
    set_int(socket, ZMQ_XPUB_VERBOSER, 1); /* every subscription of every peer, so that they can be counted */
    set_max_frame(socket, self->gate ? MAX_ENCRYPTED : MAX_FROM_PEER);
    return ALTO_OK;
}

alto_status alto_push_sender_new(alto_loop *loop, const char *const *endpoints, size_t count, unsigned multicast_mbit,
                                 alto_push_gate *gate, alto_push_sender **out, alto_error *error)
{
    assert(multicast_mbit > 0 && multicast_mbit <= ALTO_PUSH_MAX_MBIT);
    if (count == 0 || count > ALTO_PUSH_ENDPOINTS)
        return alto_fail(error, ALTO_CONFIG, "--push", "from 1 to %d endpoints are possible", ALTO_PUSH_ENDPOINTS);
    if (gate && !can_encrypt(endpoints[0], error))
        return ALTO_CONFIG;
    alto_push_sender *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, endpoints[0], "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    self->gate = gate;
    alto_status status = open_sender(self, loop);
    if (status != ALTO_OK)
        alto_fail(error, status, endpoints[0], "cannot make a ZeroMQ socket: %s", zmq_strerror(zmq_errno()));
    for (size_t i = 0; i < count && status == ALTO_OK; i++)
        status = bind_endpoint(self, endpoints[i], multicast_mbit, error);
    if (status == ALTO_OK && !(self->watch = alto_ticker_new(watch_peers, self)))
        status = alto_fail(error, ALTO_NO_MEMORY, endpoints[0], "cannot start a thread");
    if (status != ALTO_OK) {
        alto_push_sender_destroy(&self);
        return status;
    }
    *out = self;
    return ALTO_OK;
}

/* Pipes that are being closed hold up input like full ones do (set_never_full), until all in them has been sent. So nobody
 * may be behind by then. Blocks. */
static void wait_for_peers(alto_push_sender *self)
{
    for (int waited_ms = 0; waited_ms < LINGER_MS + CUT_MS; waited_ms += STEP_MS) {
        take_sender_events(self);
        if (alto_push_peers_behind(self->peers, waited_ms >= LINGER_MS) == 0)
            return;
        poll(NULL, 0, STEP_MS);
    }
}

void alto_push_sender_destroy(alto_push_sender **self)
{
    if (!*self)
        return;
    alto_ticker_destroy(&(*self)->watch);
    if ((*self)->endpoints.count > 0)
        wait_for_peers(*self);
    for (size_t i = 0; i < (*self)->endpoints.count; i++)
        if ((*self)->kept[i] >= 0)
            close((*self)->kept[i]);
    channel_close(&(*self)->channel);
    alto_push_zap_destroy(&(*self)->zap);
    alto_push_peers_destroy(&(*self)->peers);
    pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

const char *alto_push_sender_endpoint(const alto_push_sender *self, size_t index)
{
    assert(index < self->endpoints.count);
    return self->endpoints.text[index];
}

alto_status alto_push_send(alto_push_sender *self, const alto_slice *frames, size_t count)
{
    assert(count > 0 && count <= ALTO_PUSH_FRAMES);
    alto_status status = ALTO_OK;
    uint64_t bytes = 0;
    for (size_t i = 0; i < count && status == ALTO_OK; i++) {
        int more = i + 1 < count ? ZMQ_SNDMORE : 0;
        while (zmq_send(self->channel.socket, frames[i].data, frames[i].size, ZMQ_DONTWAIT | more) < 0) {
            if (zmq_errno() == EINTR)
                continue;
            status = zmq_errno() == ENOMEM ? ALTO_NO_MEMORY : ALTO_IO;
            break;
        }
        bytes += frames[i].size;
    }
    /* Sending may have taken the edge that told of a subscription. */
    if (readable(self->channel.socket))
        alto_timer_arm(self->channel.again, 0);
    if (status == ALTO_OK) {
        self->messages++;
        self->bytes += bytes;
    }
    if (self->bytes - self->guarded_bytes >= ALTO_PUSH_MAX_WAITING / 4) {
        self->guarded_bytes = self->bytes;
        guard_peers(self);
    }
    return status;
}

static bool is_listed(void *gate, const char *user)
{
    return alto_push_gate_knows(gate, user);
}

/* Whoever was let in by the list as it was is among the connections by now: libzmq tells of one before its handshake. */
void alto_push_sender_recheck(alto_push_sender *self)
{
    if (!self->zap)
        return;
    pthread_mutex_lock(&self->lock);
    take_sender_events(self);
    alto_push_peers_recheck(self->peers, is_listed, self->gate);
    pthread_mutex_unlock(&self->lock);
}

/* Wait for events; false: for nothing. Under the lock. */
static bool wait_for_events(alto_push_sender *self, int most_ms)
{
    zmq_pollitem_t monitor = {.socket = self->channel.monitor, .events = ZMQ_POLLIN};
    bool any = zmq_poll(&monitor, 1, most_ms) > 0;
    take_sender_events(self);
    return any;
}

/* Have nobody who began with the old key. Closing what was bound, libzmq closes the connections that came by it: but for the
 * same reason as in wait_for_peers nobody may be behind then. Connections that wait in the kernel meanwhile begin with the new
 * key. Blocks. Under the lock. */
static void unbind_all(alto_push_sender *self)
{
    for (int waited_ms = 0; waited_ms < CUT_MS && alto_push_peers_cut_all(self->peers, "new-key"); waited_ms += STEP_MS)
        wait_for_events(self, STEP_MS);
    for (size_t i = 0; i < self->endpoints.count; i++)
        if (!alto_push_is_multicast(self->endpoints.text[i]))
            zmq_unbind(self->channel.socket, self->endpoints.text[i]);
    while (self->listeners > 0 && wait_for_events(self, UNBIND_MS))
        ;
}

alto_status alto_push_sender_rekey(alto_push_sender *self, alto_error *error)
{
    alto_status status = ALTO_OK;
    encrypt_sender(self); /* what is bound from now on */
    pthread_mutex_lock(&self->lock);
    take_sender_events(self);
    unbind_all(self);
    for (size_t i = 0; i < self->endpoints.count; i++) {
        const char *endpoint = self->endpoints.text[i];
        if (!alto_push_is_multicast(endpoint) && !bind_with_kept(self, i, endpoint))
            status = why_not_bound(endpoint, error);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

alto_push_counts alto_push_sender_counts(alto_push_sender *self)
{
    pthread_mutex_lock(&self->lock);
    alto_push_peer_counts peers = alto_push_peers_counts(self->peers);
    pthread_mutex_unlock(&self->lock);
    return (alto_push_counts){.messages_sent = self->messages,
                              .bytes_sent = self->bytes,
                              .peers = peers.open,
                              .peers_cut_off = peers.cut_off,
                              .subscriptions = peers.subscriptions,
                              .subscriptions_refused = peers.subscriptions_refused};
}

/* ---- receiving ---- */

struct alto_push_receiver {
    channel channel;
    alto_push_fn *received;
    void *context;
    bool multicast;
    uint64_t frame_head; /* bytes of a frame on the wire beside its content, at least */
    _Atomic bool refused;
    _Atomic bool connected;       /* not of multicast */
    _Atomic uint64_t connections; /* so far */
    uint64_t heard_ms;            /* multicast: when a whole message came, monotonic; 0: never */
    alto_ticker *watch;
    pthread_mutex_t lock; /* of the socket, the monitor and what follows, which the watch's thread uses too */
    alto_push_waiting waiting;
    _Atomic uint64_t dropped; /* messages of too many frames, and those that waited for too long */
    bool dropping;            /* until it is empty */
};

static bool more_frames(void *socket)
{
    int more = 0;
    size_t size = sizeof more;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

typedef struct {
    zmq_msg_t frames[ALTO_PUSH_FRAMES];
    size_t count; /* of frames kept */
    bool whole;   /* there were no more */
} message;

static void message_fini(message *self)
{
    for (size_t i = 0; i < self->count; i++)
        zmq_msg_close(&self->frames[i]);
}

/* Take one message; false when there is none. Under the lock. */
static bool take_message(alto_push_receiver *self, message *out)
{
    zmq_msg_t frame;
    *out = (message){.whole = true};
    do {
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, self->channel.socket, ZMQ_DONTWAIT) < 0)
            return false; /* which is before the first frame: a message is there whole or not at all */
        self->waiting.taken += self->frame_head + zmq_msg_size(&frame);
        if (out->count < ALTO_PUSH_FRAMES) {
            zmq_msg_init(&out->frames[out->count]);
            zmq_msg_move(&out->frames[out->count++], &frame);
        } else {
            out->whole = false;
        }
        zmq_msg_close(&frame);
    } while (more_frames(self->channel.socket));
    self->waiting.messages++;
    return true;
}

/* Take one message and hand it over; false when there is none. */
static bool receive_message(alto_push_receiver *self)
{
    message taken;
    pthread_mutex_lock(&self->lock);
    bool any = take_message(self, &taken);
    if (any && !taken.whole)
        self->dropped++;
    if (!any)
        self->waiting.emptied = true;
    pthread_mutex_unlock(&self->lock);
    if (!any)
        return false;
    self->heard_ms = alto_monotonic_ms();
    alto_slice slices[ALTO_PUSH_FRAMES];
    for (size_t i = 0; i < taken.count; i++)
        slices[i] = alto_slice_of(zmq_msg_data(&taken.frames[i]), zmq_msg_size(&taken.frames[i]));
    if (taken.whole)
        self->received(self->context, slices, taken.count);
    message_fini(&taken);
    return true;
}

enum {
    REFUSALS =
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
};

static void on_receiver_event(alto_push_receiver *self, const monitor_event *event)
{
    self->connected = event->event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    self->connections += self->connected;
    if (event->event & (REFUSALS | ZMQ_EVENT_HANDSHAKE_SUCCEEDED))
        self->refused = !self->connected;
    if (event->event == ZMQ_EVENT_DISCONNECTED)
        self->waiting.fd = -1;
    if (event->event == ZMQ_EVENT_CONNECTED)
        alto_push_waiting_begin(&self->waiting, event->fd);
}

/* Under the lock. */
static void take_receiver_events(alto_push_receiver *self)
{
    monitor_event event;
    while (readable(self->channel.monitor) && next_event(&self->channel, &event))
        on_receiver_event(self, &event);
}

static void pump_receiver(void *owner)
{
    alto_push_receiver *self = owner;
    pthread_mutex_lock(&self->lock);
    take_receiver_events(self);
    pthread_mutex_unlock(&self->lock);
    for (int i = 0; receive_message(self); i++) {
        if (i == BUDGET) {
            alto_timer_arm(self->channel.again, 0);
            return;
        }
    }
    alto_timer_arm(self->channel.again, IDLE_MS);
}

/* libzmq hands over whole messages only, and gathers the frames of one that does not end without a bound: much came, no
 * message was taken, and yet there is none. (Where there is one, asking has taken the edge that tells the loop of it; it
 * looks by itself after IDLE_MS.) Under the lock. */
static bool is_endless(alto_push_receiver *self)
{
    return alto_push_waiting_is_unfinished(&self->waiting) && !readable(self->channel.socket);
}

static void cut_upstream(alto_push_receiver *self, const char *why)
{
    if (self->waiting.fd >= 0)
        alto_push_cut(self->waiting.fd, "push-upstream-cut", why);
    self->waiting.fd = -1;
}

/* Drop some of what waits; pull repairs. The connection first, and each that follows, or it might never end. Under the
 * lock. */
static void drop_some(alto_push_receiver *self)
{
    message dropped;
    cut_upstream(self, "too-fast");
    for (int i = 0; i < DROP_BUDGET; i++) {
        self->waiting.emptied = !take_message(self, &dropped);
        if (self->waiting.emptied)
            return;
        message_fini(&dropped);
        self->dropped++;
    }
}

/* In a thread of its own: that of the loop may have applied a large snapshot for seconds. */
static uint64_t watch_upstream(void *owner)
{
    alto_push_receiver *self = owner;
    uint64_t now_ms = alto_monotonic_ms();
    pthread_mutex_lock(&self->lock);
    take_receiver_events(self);
    alto_push_waiting_look(&self->waiting, now_ms);
    if (self->waiting.fd >= 0 && is_endless(self))
        cut_upstream(self, "endless-message");
    if (alto_push_waiting_is_too_much(&self->waiting, now_ms))
        self->dropping = true;
    if (self->dropping)
        drop_some(self);
    self->dropping = self->dropping && !self->waiting.emptied;
    uint64_t delay_ms = self->dropping ? 0 : UPSTREAM_MS;
    pthread_mutex_unlock(&self->lock);
    return delay_ms;
}

static void encrypt_receiver(void *socket, const alto_push_curve *curve)
{
    set_key(socket, ZMQ_CURVE_PUBLICKEY, alto_curve_pair_public(curve->own)->bytes);
    set_key(socket, ZMQ_CURVE_SECRETKEY, alto_curve_pair_secret(curve->own));
    set_key(socket, ZMQ_CURVE_SERVERKEY, curve->publisher.bytes);
}

static alto_status open_receiver(alto_push_receiver *self, alto_loop *loop, const char *endpoint,
                                 const alto_push_curve *curve)
{
    pthread_mutex_init(&self->lock, NULL);
    int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | REFUSALS;
    alto_status status = channel_open(&self->channel, loop, NULL, ZMQ_SUB, events, pump_receiver, self);
    if (status != ALTO_OK)
        return status;
    void *socket = self->channel.socket;
    if (curve)
        encrypt_receiver(socket, curve);
    if (self->multicast)
        set_int(socket, ZMQ_RCVHWM, MULTICAST_HIGH_WATER);
    else
        set_never_full(socket);
    set_int(socket, ZMQ_SNDHWM, 0); /* subscriptions beyond it would be lost without a word */
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set_max_frame(socket, ALTO_MAX_FRAME + (curve ? CURVE_HEAD : 0));
    prepare_for(socket, endpoint, false, ALTO_PUSH_MAX_MBIT); /* room for what the fastest sender may repeat */
    return ALTO_OK;
}

alto_status alto_push_check_endpoint(const char *endpoint, bool encrypted, alto_error *error)
{
    alto_status status = check_endpoint(endpoint, false, error);
    if (status != ALTO_OK || !encrypted)
        return status;
    if (alto_push_is_multicast(endpoint))
        return alto_fail(error, ALTO_CONFIG, endpoint, "a multicast group is never encrypted, so no key belongs to it");
    return can_encrypt(endpoint, error) ? ALTO_OK : ALTO_CONFIG;
}

alto_status alto_push_receiver_new(alto_loop *loop, const char *endpoint, const alto_push_curve *curve,
                                   alto_push_fn *received, void *owner, alto_push_receiver **out, alto_error *error)
{
    assert(received);
    alto_status status = alto_push_check_endpoint(endpoint, curve != NULL, error);
    if (status != ALTO_OK)
        return status;
    alto_push_receiver *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, endpoint, "out of memory");
    self->received = received;
    self->context = owner;
    self->multicast = alto_push_is_multicast(endpoint);
    self->frame_head = FRAME_HEAD + (curve ? CURVE_HEAD : 0);
    self->waiting = (alto_push_waiting){.fd = -1, .emptied = true};
    status = open_receiver(self, loop, endpoint, curve);
    if (status != ALTO_OK)
        alto_fail(error, status, endpoint, "cannot make a ZeroMQ socket: %s", zmq_strerror(zmq_errno()));
    else if (zmq_connect(self->channel.socket, endpoint) < 0)
        status = alto_fail(error, ALTO_IO, endpoint, "cannot connect: %s", zmq_strerror(zmq_errno()));
    else if (!(self->watch = alto_ticker_new(watch_upstream, self)))
        status = alto_fail(error, ALTO_NO_MEMORY, endpoint, "cannot start a thread");
    if (status != ALTO_OK) {
        alto_push_receiver_destroy(&self);
        return status;
    }
    *out = self;
    return ALTO_OK;
}

void alto_push_receiver_destroy(alto_push_receiver **self)
{
    if (!*self)
        return;
    alto_ticker_destroy(&(*self)->watch);
    channel_close(&(*self)->channel);
    pthread_mutex_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

static alto_status set_topic(alto_push_receiver *self, int option, alto_slice topic)
{
    pthread_mutex_lock(&self->lock);
    int failed = zmq_setsockopt(self->channel.socket, option, topic.data, topic.size);
    int reason = failed ? zmq_errno() : 0;
    bool waits = readable(self->channel.socket);
    pthread_mutex_unlock(&self->lock);
    if (waits) /* this call may have taken the edge that told of a message */
        alto_timer_arm(self->channel.again, 0);
    if (!failed)
        return ALTO_OK;
    return reason == ENOMEM ? ALTO_NO_MEMORY : ALTO_IO;
}

alto_status alto_push_subscribe(alto_push_receiver *self, alto_slice topic)
{
    return set_topic(self, ZMQ_SUBSCRIBE, topic);
}

alto_status alto_push_unsubscribe(alto_push_receiver *self, alto_slice topic)
{
    return set_topic(self, ZMQ_UNSUBSCRIBE, topic);
}

bool alto_push_connected(const alto_push_receiver *self)
{
    if (!self->multicast)
        return self->connected;
    return self->heard_ms && alto_monotonic_ms() - self->heard_ms < ALTO_PUSH_SILENCE_MS;
}

bool alto_push_refused(const alto_push_receiver *self)
{
    return self->refused;
}

uint64_t alto_push_connections(const alto_push_receiver *self)
{
    return self->connections;
}

uint64_t alto_push_dropped(const alto_push_receiver *self)
{
    return self->dropped;
}
