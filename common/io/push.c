/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push.h"

#include "io/log.h"

#include <assert.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <zmq.h>

enum {
    SEND_HIGH_WATER = 1000,      /* messages waiting for one slow peer; more are dropped for it */
    RECEIVE_HIGH_WATER = 10000,  /* messages waiting for us */
    LINGER_MS = 500,             /* what a sender still tries to deliver when it is destroyed */
    HEARTBEAT_MS = 2000,         /* a silent peer is asked that often ... */
    HEARTBEAT_TIMEOUT_MS = 6000, /* ... and given up after this */
    HANDSHAKE_MS = 10000,        /* from accepted to the end of the ZMTP handshake */
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 5000,
    BACKLOG = 1024,
    BUDGET = 256,           /* messages handled in a turn of the loop */
    MAX_FROM_PEER = 1024,   /* bytes of a frame that a subscriber sends: subscriptions, and handshakes of CURVE */
    GUARD_MS = 250,         /* how often the bytes that peers send are looked at */
    MAX_ENDPOINTS = 16,     /* of one sender */
    MAX_ENDPOINT_SIZE = 256 /* with NUL */
};

/* What one peer, and all together, may cost. libzmq holds a subscription in about 40 bytes of memory for each byte
 * of its topic, also when it is refused with ZMQ_XPUB_MANUAL; so whoever asks for too much is cut off. */
static const uint64_t max_peer_subscription_bytes = 163840; /* 8,192 topics */
static const uint64_t max_all_subscription_bytes = 4194304; /* 220,000 topics */
static const uint64_t max_received = 1048576;               /* bytes of anything from a subscriber ... */
static const uint64_t max_received_per_s = 1024;            /* ... and what is added to that with time */

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
    void *context; /* taken, NULL when not */
    void *socket;  /* NULL when not made */
    void *monitor; /* PAIR that gets the events of `socket` */
    int fds[2];    /* watched: of socket and monitor; -1 when not */
    alto_timer *again;
} channel;

static void set_int(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(failed == 0);
    (void)failed;
}

static void set_max_frame(void *socket, int64_t size)
{
    int failed = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size, sizeof size);
    assert(failed == 0);
    (void)failed;
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

/* Make the sockets; `pump` is called when there is something to read. */
static alto_status channel_open(channel *self, alto_loop *loop, int type, int events, alto_loop_fn *pump, void *owner)
{
    *self = (channel){.loop = loop, .fds = {-1, -1}};
    self->context = context_take();
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
    if (self->context)
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
    char address[MAX_ENDPOINT_SIZE];
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

/* libzmq takes "tcp://h:70000" for port 4464. */
static bool valid_tcp(const char *address, bool to_bind)
{
    const char *colon = strrchr(address, ':');
    if (!colon || colon == address)
        return false;
    const char *port = colon + 1;
    if (strcmp(port, "*") == 0)
        return to_bind;
    size_t digits = strspn(port, "0123456789");
    if (digits == 0 || digits > 5 || port[digits])
        return false;
    long number = strtol(port, NULL, 10);
    return number <= UINT16_MAX && (number > 0 || to_bind);
}

static bool valid_endpoint(const char *endpoint, bool to_bind)
{
    if (strlen(endpoint) >= MAX_ENDPOINT_SIZE)
        return false;
    if (strncmp(endpoint, "tcp://", 6) == 0)
        return valid_tcp(endpoint + 6, to_bind);
    return strncmp(endpoint, "ipc://", 6) == 0 && endpoint[6];
}

/* With ZMQ_IPV6 an IPv4 address becomes a mapped one, which other programs do not expect to see, and a name that has
 * addresses of both kinds means the IPv6 one. */
static void choose_family(void *socket, const char *endpoint, bool to_bind)
{
    const char *address = endpoint + strlen("tcp://");
    bool literal = address[0] == '[';
    bool name =
        !to_bind && strspn(address, "0123456789.:") < strlen(address) && strncmp(address, "localhost:", 10) != 0;
    set_int(socket, ZMQ_IPV6, literal || name || address[0] == '*');
}

/* ---- sending ---- */

/* A subscriber's connection. */
typedef struct {
    bool open, cut;
    uint64_t since_ms; /* monotonic */
    uint64_t subscriptions, bytes;
} peer;

struct alto_push_sender {
    channel channel;
    size_t count;
    char endpoints[MAX_ENDPOINTS][MAX_ENDPOINT_SIZE];
    peer *peers; /* by descriptor */
    size_t peer_capacity, peers_open;
    uint64_t subscription_bytes; /* of all peers */
    alto_timer *guard;           /* armed while there are peers */
    alto_push_counts counts;
};

static peer *peer_of(alto_push_sender *self, int fd)
{
    return fd >= 0 && (size_t)fd < self->peer_capacity && self->peers[fd].open ? &self->peers[fd] : NULL;
}

static bool make_room_for_peer(alto_push_sender *self, size_t fd)
{
    if (fd < self->peer_capacity)
        return true;
    size_t capacity = 2 * fd + 64;
    peer *peers = realloc(self->peers, capacity * sizeof *peers);
    if (!peers)
        return false;
    memset(peers + self->peer_capacity, 0, (capacity - self->peer_capacity) * sizeof *peers);
    self->peers = peers;
    self->peer_capacity = capacity;
    return true;
}

/* Take a peer's subscriptions out of what is counted. */
static void discount(alto_push_sender *self, peer *gone)
{
    self->counts.subscriptions -= gone->subscriptions;
    self->subscription_bytes -= gone->bytes;
    gone->subscriptions = gone->bytes = 0;
}

static void forget_peer(alto_push_sender *self, int fd)
{
    peer *gone = peer_of(self, fd);
    if (!gone)
        return;
    discount(self, gone);
    self->peers_open--;
    *gone = (peer){0};
}

static void on_sender_event(alto_push_sender *self, const monitor_event *event)
{
    if (event->fd < 0)
        return;
    forget_peer(self, event->fd); /* a descriptor used anew is another peer */
    if (event->event != ZMQ_EVENT_ACCEPTED || !make_room_for_peer(self, (size_t)event->fd))
        return;
    self->peers[event->fd] = (peer){.open = true, .since_ms = alto_monotonic_ms()};
    self->peers_open++;
    if (!alto_timer_armed(self->guard))
        alto_timer_arm(self->guard, GUARD_MS);
}

/* Is the descriptor still one of ours? libzmq may have closed it, and somebody else in the process opened it anew. */
static bool belongs_to_sender(const alto_push_sender *self, int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return false;
    char tail[MAX_ENDPOINT_SIZE];
    if (address.ss_family == AF_INET)
        snprintf(tail, sizeof tail, ":%u", ntohs(((struct sockaddr_in *)&address)->sin_port));
    else if (address.ss_family == AF_INET6)
        snprintf(tail, sizeof tail, ":%u", ntohs(((struct sockaddr_in6 *)&address)->sin6_port));
    else if (address.ss_family == AF_UNIX)
        snprintf(tail, sizeof tail, "ipc://%.108s", ((struct sockaddr_un *)&address)->sun_path);
    else
        return false;
    for (size_t i = 0; i < self->count; i++) {
        size_t length = strlen(self->endpoints[i]), wanted = strlen(tail);
        if (length >= wanted && strcmp(self->endpoints[i] + length - wanted, tail) == 0)
            return true;
    }
    return false;
}

/* End a connection. libzmq has no call for that, but it notices. */
static void cut_off(alto_push_sender *self, int fd, const char *why)
{
    peer *found = peer_of(self, fd);
    if (!found || found->cut || !belongs_to_sender(self, fd))
        return;
    alto_log(ALTO_LOG_WARN, "push-peer-cut", "why=%s subscriptions=%llu", why,
             (unsigned long long)found->subscriptions);
    /* Reset it when libzmq closes it: a peer whose window is full would keep the kernel busy for a minute. */
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    shutdown(fd, SHUT_RDWR);
    found->cut = true;
    discount(self, found);
}

static int greediest_peer(const alto_push_sender *self)
{
    int greediest = -1;
    uint64_t most = 0;
    for (size_t fd = 0; fd < self->peer_capacity; fd++) {
        const peer *at = &self->peers[fd];
        if (at->open && !at->cut && at->bytes > most) {
            most = at->bytes;
            greediest = (int)fd;
        }
    }
    return greediest;
}

static void on_subscribed(alto_push_sender *self, int fd, uint64_t size)
{
    peer *from = peer_of(self, fd);
    if (!from)
        return;
    if (from->cut) {
        self->counts.subscriptions_refused++;
        return;
    }
    from->subscriptions++;
    from->bytes += size;
    self->counts.subscriptions++;
    self->subscription_bytes += size;
    if (from->bytes > max_peer_subscription_bytes) {
        self->counts.subscriptions_refused++;
        cut_off(self, fd, "too-many-subscriptions");
    } else if (self->subscription_bytes > max_all_subscription_bytes) {
        self->counts.subscriptions_refused++;
        cut_off(self, greediest_peer(self), "too-many-subscriptions-together");
    }
}

static void on_unsubscribed(alto_push_sender *self, int fd, uint64_t size)
{
    peer *from = peer_of(self, fd);
    if (!from || from->subscriptions == 0 || from->bytes < size)
        return; /* of something that was never asked for */
    from->subscriptions--;
    from->bytes -= size;
    self->counts.subscriptions--;
    self->subscription_bytes -= size;
}

static void take_events(alto_push_sender *self)
{
    monitor_event event;
    while (readable(self->channel.monitor) && next_event(&self->channel, &event))
        on_sender_event(self, &event);
}

static void on_subscription(alto_push_sender *self, zmq_msg_t *message)
{
    size_t size = zmq_msg_size(message);
    const uint8_t *bytes = zmq_msg_data(message);
    take_events(self);                        /* its connection may be new */
    int fd = zmq_msg_get(message, ZMQ_SRCFD); /* -1 for what libzmq itself takes back for a peer that is gone */
    if (size > 0 && bytes[0] == 1)
        on_subscribed(self, fd, size);
    else if (size > 0 && bytes[0] == 0)
        on_unsubscribed(self, fd, size);
    else
        cut_off(self, fd, "talks-to-publisher");
}

static void pump_sender(void *owner)
{
    alto_push_sender *self = owner;
    take_events(self);
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
}

/* The bytes that a peer may have sent by now: a message that never ends is seen by nobody but the kernel. */
static void guard_peer(alto_push_sender *self, int fd, uint64_t now_ms)
{
    const peer *watched = &self->peers[fd];
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return;
    uint64_t allowed = max_received + (now_ms - watched->since_ms) * max_received_per_s / 1000;
    if (info.tcpi_bytes_received > allowed)
        cut_off(self, fd, "sends-too-much");
}

static void on_guard(void *owner)
{
    alto_push_sender *self = owner;
    uint64_t now_ms = alto_monotonic_ms();
    for (size_t fd = 0; fd < self->peer_capacity; fd++)
        if (self->peers[fd].open)
            guard_peer(self, (int)fd, now_ms);
    if (self->peers_open)
        alto_timer_arm(self->guard, GUARD_MS);
}

static alto_status not_an_endpoint(const char *endpoint, alto_error *error)
{
    return alto_fail(error, ALTO_CONFIG, endpoint, "not an endpoint; write tcp://ADDRESS:PORT or ipc://PATH");
}

static alto_status why_not_bound(const char *endpoint, alto_error *error)
{
    int reason = zmq_errno();
    switch (reason) {
    case EADDRINUSE:
        return alto_fail(error, ALTO_IO, endpoint, "the port is in use; choose another with --push");
    case EADDRNOTAVAIL:
    case ENODEV:
        return alto_fail(error, ALTO_IO, endpoint, "this machine has no such address; choose another with --push");
    case EACCES:
    case EPERM:
        return alto_fail(error, ALTO_IO, endpoint, "not permitted; choose a port above 1023, or a path of your own");
    case EINVAL:
    case EPROTONOSUPPORT:
    case ENOCOMPATPROTO:
        return not_an_endpoint(endpoint, error);
    default:
        return alto_fail(error, ALTO_IO, endpoint, "cannot bind: %s", zmq_strerror(reason));
    }
}

static alto_status bind_endpoint(alto_push_sender *self, const char *endpoint, alto_error *error)
{
    if (!valid_endpoint(endpoint, true))
        return not_an_endpoint(endpoint, error);
    choose_family(self->channel.socket, endpoint, true);
    if (zmq_bind(self->channel.socket, endpoint) < 0)
        return why_not_bound(endpoint, error);
    char *bound = self->endpoints[self->count];
    size_t size = MAX_ENDPOINT_SIZE;
    if (zmq_getsockopt(self->channel.socket, ZMQ_LAST_ENDPOINT, bound, &size) < 0)
        return alto_fail(error, ALTO_CONFIG, endpoint, "the endpoint is too long");
    self->count++;
    return ALTO_OK;
}

alto_status alto_push_sender_new(alto_loop *loop, const char *const *endpoints, size_t count, alto_push_sender **out,
                                 alto_error *error)
{
    if (count == 0 || count > MAX_ENDPOINTS)
        return alto_fail(error, ALTO_CONFIG, "--push", "from 1 to %d endpoints are possible", MAX_ENDPOINTS);
    alto_push_sender *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, endpoints[0], "out of memory");
    alto_status status =
        channel_open(&self->channel, loop, ZMQ_XPUB, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED, pump_sender, self);
    if (status == ALTO_OK && !(self->guard = alto_timer_new(loop, on_guard, self)))
        status = ALTO_NO_MEMORY;
    if (status != ALTO_OK) {
        alto_fail(error, status, endpoints[0], "cannot make a ZeroMQ socket: %s", zmq_strerror(zmq_errno()));
        goto fail;
    }
    void *socket = self->channel.socket;
    set_int(socket, ZMQ_SNDHWM, SEND_HIGH_WATER);
    set_int(socket, ZMQ_LINGER, LINGER_MS);
    set_int(socket, ZMQ_BACKLOG, BACKLOG);
    set_int(socket, ZMQ_XPUB_VERBOSER, 1); /* every subscription of every peer, so that they can be counted */
    set_max_frame(socket, MAX_FROM_PEER);
    for (size_t i = 0; i < count && status == ALTO_OK; i++)
        status = bind_endpoint(self, endpoints[i], error);
    if (status != ALTO_OK)
        goto fail;
    *out = self;
    return ALTO_OK;
fail:
    alto_push_sender_destroy(&self);
    return status;
}

void alto_push_sender_destroy(alto_push_sender **self)
{
    if (!*self)
        return;
    channel_close(&(*self)->channel);
    alto_timer_destroy(&(*self)->guard);
    free((*self)->peers);
    free(*self);
    *self = NULL;
}

const char *alto_push_sender_endpoint(const alto_push_sender *self, size_t index)
{
    assert(index < self->count);
    return self->endpoints[index];
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
        self->counts.messages_sent++;
        self->counts.bytes_sent += bytes;
    }
    return status;
}

alto_push_counts alto_push_sender_counts(const alto_push_sender *self)
{
    return self->counts;
}

/* ---- receiving ---- */

struct alto_push_receiver {
    channel channel;
    alto_push_fn *received;
    void *context;
    bool connected;
    uint64_t dropped; /* messages of too many frames */
};

static bool more_frames(void *socket)
{
    int more = 0;
    size_t size = sizeof more;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

/* Take one whole message; false when there is none. */
static bool receive_message(alto_push_receiver *self)
{
    zmq_msg_t frames[ALTO_PUSH_FRAMES], surplus;
    alto_slice slices[ALTO_PUSH_FRAMES];
    size_t count = 0;
    bool any = false, whole = true, more = true;
    zmq_msg_init(&surplus);
    while (more) {
        zmq_msg_t *into = count < ALTO_PUSH_FRAMES ? &frames[count] : &surplus;
        if (into != &surplus)
            zmq_msg_init(into);
        if (zmq_msg_recv(into, self->channel.socket, ZMQ_DONTWAIT) < 0) {
            if (into != &surplus)
                zmq_msg_close(into);
            whole = false;
            break;
        }
        any = true;
        whole = into != &surplus;
        if (whole) {
            slices[count] = alto_slice_of(zmq_msg_data(into), zmq_msg_size(into));
            count++;
        }
        more = more_frames(self->channel.socket);
    }
    if (any && whole)
        self->received(self->context, slices, count);
    else if (any)
        self->dropped++;
    for (size_t i = 0; i < count; i++)
        zmq_msg_close(&frames[i]);
    zmq_msg_close(&surplus);
    return any;
}

static void pump_receiver(void *owner)
{
    alto_push_receiver *self = owner;
    monitor_event event;
    while (readable(self->channel.monitor) && next_event(&self->channel, &event))
        self->connected = event.event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    for (int i = 0; readable(self->channel.socket); i++) {
        if (i == BUDGET) {
            alto_timer_arm(self->channel.again, 0);
            return;
        }
        if (!receive_message(self))
            return;
    }
}

alto_status alto_push_receiver_new(alto_loop *loop, const char *endpoint, alto_push_fn *received, void *owner,
                                   alto_push_receiver **out, alto_error *error)
{
    assert(received);
    if (!valid_endpoint(endpoint, false))
        return not_an_endpoint(endpoint, error);
    alto_push_receiver *self = calloc(1, sizeof *self);
    if (!self)
        return alto_fail(error, ALTO_NO_MEMORY, endpoint, "out of memory");
    self->received = received;
    self->context = owner;
    int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
    alto_status status = channel_open(&self->channel, loop, ZMQ_SUB, events, pump_receiver, self);
    if (status != ALTO_OK) {
        alto_fail(error, status, endpoint, "cannot make a ZeroMQ socket: %s", zmq_strerror(zmq_errno()));
        goto fail;
    }
    void *socket = self->channel.socket;
    set_int(socket, ZMQ_RCVHWM, RECEIVE_HIGH_WATER);
    set_int(socket, ZMQ_SNDHWM, 0); /* subscriptions beyond it would be lost without a word */
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set_max_frame(socket, ALTO_MAX_FRAME);
    choose_family(socket, endpoint, false);
    if (zmq_connect(socket, endpoint) < 0) {
        status = zmq_errno() == EINVAL
                     ? not_an_endpoint(endpoint, error)
                     : alto_fail(error, ALTO_IO, endpoint, "cannot connect: %s", zmq_strerror(zmq_errno()));
        goto fail;
    }
    *out = self;
    return ALTO_OK;
fail:
    alto_push_receiver_destroy(&self);
    return status;
}

void alto_push_receiver_destroy(alto_push_receiver **self)
{
    if (!*self)
        return;
    channel_close(&(*self)->channel);
    free(*self);
    *self = NULL;
}

static alto_status set_topic(alto_push_receiver *self, int option, alto_slice topic)
{
    int failed = zmq_setsockopt(self->channel.socket, option, topic.data, topic.size);
    int reason = failed ? zmq_errno() : 0;
    /* This call may have taken the edge that told of a message. */
    if (readable(self->channel.socket))
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
    return self->connected;
}

uint64_t alto_push_dropped(const alto_push_receiver *self)
{
    return self->dropped;
}
