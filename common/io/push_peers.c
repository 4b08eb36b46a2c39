/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push_peers.h"

#include "io/descriptors.h"
#include "io/log.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* libzmq holds a subscription in about 40 bytes of memory for each byte of its topic, also when it is refused with
 * ZMQ_XPUB_MANUAL; so whoever asks for too much is cut off. */
static const uint64_t max_peer_subscription_bytes = 32768;  /* 1,820 topics */
static const uint64_t max_all_subscription_bytes = 4194304; /* 220,000 topics */
static const uint64_t max_received = 1048576;               /* bytes of anything from a subscriber ... */
static const uint64_t max_received_per_s = 1024;            /* ... and what is added to that with time */
static const uint64_t max_unhandled = 1048576;              /* bytes from all of them that wait to be handled ... */
static const uint64_t max_share = 1024;                     /* ... and, when there are more, from each */
static const uint64_t short_visit = 32768; /* bytes that somebody may have left who came and went since */
static const uint64_t silent_ms = 1000;    /* whoever never subscribed for so long makes room for others */

typedef struct {
    bool open, cut;
    bool silent; /* it has never subscribed */
    char user[ALTO_PUSH_USER_SIZE];
    uint64_t since_ms;             /* when it was accepted */
    uint64_t subscriptions, bytes; /* bytes: of its topics */
    /* When nothing waited for it for the last time: what the sender had sent, what the peer had taken. */
    uint64_t sent_mark, taken_mark;
    uint64_t taken;       /* bytes that its kernel has acknowledged */
    uint64_t progress_ms; /* when it last took something, or nothing waited */
    uint64_t received;    /* bytes that came from it */
    uint64_t first_turn;  /* when it was accepted */
    uint64_t turn, share; /* bytes that came from it in that turn */
} peer;

struct alto_push_peers {
    const alto_push_endpoints *endpoints;
    peer *peers; /* by descriptor */
    size_t capacity;
    uint64_t max_open;
    uint64_t silent;             /* peers that are, and were not cut off */
    uint64_t subscription_bytes; /* of all peers */
    uint64_t turn;               /* how often all that had come was handled */
    uint64_t unhandled;          /* bytes that came since then, from those who are gone too */
    alto_push_peer_counts counts;
};

static peer *peer_of(alto_push_peers *self, int fd)
{
    return fd >= 0 && (size_t)fd < self->capacity && self->peers[fd].open ? &self->peers[fd] : NULL;
}

static bool make_room(alto_push_peers *self, size_t fd)
{
    if (fd < self->capacity)
        return true;
    size_t capacity = 2 * fd + 64;
    peer *peers = realloc(self->peers, capacity * sizeof *peers);
    if (!peers)
        return false;
    memset(peers + self->capacity, 0, (capacity - self->capacity) * sizeof *peers);
    self->peers = peers;
    self->capacity = capacity;
    return true;
}

static void end_silence(alto_push_peers *self, peer *of)
{
    self->silent -= of->silent;
    of->silent = false;
}

/* Take a peer's subscriptions, or its silence, out of what is counted. */
static void discount(alto_push_peers *self, peer *gone)
{
    end_silence(self, gone);
    self->counts.subscriptions -= gone->subscriptions;
    self->subscription_bytes -= gone->bytes;
    gone->subscriptions = gone->bytes = 0;
}

/* Is the descriptor still one of ours? libzmq may have closed it, and somebody else in the process opened it anew. */
static bool is_ours(const alto_push_peers *self, int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return false;
    char tail[ALTO_PUSH_ENDPOINT_SIZE];
    if (address.ss_family == AF_INET)
        snprintf(tail, sizeof tail, ":%u", ntohs(((struct sockaddr_in *)&address)->sin_port));
    else if (address.ss_family == AF_INET6)
        snprintf(tail, sizeof tail, ":%u", ntohs(((struct sockaddr_in6 *)&address)->sin6_port));
    else if (address.ss_family == AF_UNIX)
        snprintf(tail, sizeof tail, "ipc://%.108s", ((struct sockaddr_un *)&address)->sun_path);
    else
        return false;
    for (size_t i = 0; i < self->endpoints->count; i++) {
        const char *endpoint = self->endpoints->text[i];
        size_t length = strlen(endpoint), wanted = strlen(tail);
        if (length >= wanted && strcmp(endpoint + length - wanted, tail) == 0)
            return true;
    }
    return false;
}

/* "192.0.2.7:43210", "[2001:db8::7]:43210", "ipc". */
static const char *name_of(int fd, char *out, size_t room)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN];
    getpeername(fd, (struct sockaddr *)&address, &size);
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&address;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&address;
    if (address.ss_family == AF_INET && inet_ntop(AF_INET, &ipv4->sin_addr, host, sizeof host))
        snprintf(out, room, "%s:%u", host, ntohs(ipv4->sin_port));
    else if (address.ss_family == AF_INET6 && inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof host))
        snprintf(out, room, "[%s]:%u", host, ntohs(ipv6->sin6_port));
    else
        snprintf(out, room, "%s", address.ss_family == AF_UNIX ? "ipc" : "gone");
    return out;
}

void alto_push_cut(int fd, const char *event, const char *why)
{
    /* Reset it when libzmq closes it: a peer whose window is full would keep the kernel busy for a minute. */
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    char name[INET6_ADDRSTRLEN + 16];
    alto_log(ALTO_LOG_WARN, event, "peer=%s why=%s", name_of(fd, name, sizeof name), why);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    shutdown(fd, SHUT_RDWR);
}

void alto_push_peers_cut(alto_push_peers *self, int fd, const char *why)
{
    peer *found = peer_of(self, fd);
    if (!found || found->cut || !is_ours(self, fd))
        return;
    alto_push_cut(fd, "push-peer-cut", why);
    found->cut = true;
    self->counts.cut_off++;
    discount(self, found);
}

/* ---- who is there ---- */

alto_push_peers *alto_push_peers_new(const alto_push_endpoints *endpoints)
{
    alto_push_peers *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->endpoints = endpoints;
    /* Without descriptors libzmq would try to accept in a busy loop, and HTTP could not answer. */
    uint64_t half = alto_descriptors() / 2;
    self->max_open = half < ALTO_PUSH_MAX_PEERS ? half : ALTO_PUSH_MAX_PEERS;
    return self;
}

void alto_push_peers_destroy(alto_push_peers **self)
{
    if (!*self)
        return;
    free((*self)->peers);
    free(*self);
    *self = NULL;
}

static int longest_silent(const alto_push_peers *self)
{
    int found = -1;
    for (size_t fd = 0; fd < self->capacity; fd++) {
        const peer *at = &self->peers[fd];
        if (at->open && at->silent && (found < 0 || at->since_ms < self->peers[found].since_ms))
            found = (int)fd;
    }
    return found;
}

/* Handshakes that are never ended keep nobody out. */
static void make_place(alto_push_peers *self, uint64_t now_ms)
{
    if (self->silent < self->max_open / 4)
        return;
    int fd = longest_silent(self);
    if (fd >= 0 && now_ms - self->peers[fd].since_ms >= silent_ms)
        alto_push_peers_cut(self, fd, "half-open");
}

void alto_push_peers_accepted(alto_push_peers *self, int fd, uint64_t now_ms)
{
    alto_push_peers_gone(self, fd); /* a descriptor used anew is another peer */
    if (fd < 0 || !make_room(self, (size_t)fd))
        return;
    make_place(self, now_ms);
    self->silent++;
    self->peers[fd] = (peer){.open = true,
                             .silent = true,
                             .since_ms = now_ms,
                             .progress_ms = now_ms,
                             .turn = self->turn,
                             .first_turn = self->turn};
    if (++self->counts.open > self->max_open)
        alto_push_peers_cut(self, fd, "too-many-peers");
    else if (alto_push_peers_flood(self))
        alto_push_peers_cut(self, fd, "flood");
}

void alto_push_peers_gone(alto_push_peers *self, int fd)
{
    peer *gone = peer_of(self, fd);
    if (!gone)
        return;
    discount(self, gone);
    if (gone->first_turn == self->turn)
        self->unhandled += short_visit;
    self->counts.open--;
    *gone = (peer){0};
}

alto_push_peer_counts alto_push_peers_counts(const alto_push_peers *self)
{
    return self->counts;
}

/* ---- who they are ---- */

void alto_push_peers_is(alto_push_peers *self, int fd, const char *user)
{
    peer *found = peer_of(self, fd);
    if (found)
        snprintf(found->user, sizeof found->user, "%s", user);
}

void alto_push_peers_recheck(alto_push_peers *self, alto_push_peers_allowed_fn *allowed, void *context)
{
    for (size_t fd = 0; fd < self->capacity; fd++) {
        const peer *at = &self->peers[fd];
        if (at->open && !(at->user[0] && allowed(context, at->user)))
            alto_push_peers_cut(self, (int)fd, at->user[0] ? "revoked" : "not-known-yet");
    }
}

uint64_t alto_push_peers_cut_all(alto_push_peers *self, const char *why)
{
    for (size_t fd = 0; fd < self->capacity; fd++)
        alto_push_peers_cut(self, (int)fd, why);
    return self->counts.open;
}

/* ---- what they ask for ---- */

static int greediest(const alto_push_peers *self)
{
    int found = -1;
    uint64_t most = 0;
    for (size_t fd = 0; fd < self->capacity; fd++) {
        const peer *at = &self->peers[fd];
        if (at->open && !at->cut && at->bytes > most) {
            most = at->bytes;
            found = (int)fd;
        }
    }
    return found;
}

void alto_push_peers_subscribed(alto_push_peers *self, int fd, size_t size)
{
    peer *from = peer_of(self, fd);
    if (!from)
        return;
    if (from->cut) {
        self->counts.subscriptions_refused++;
        return;
    }
    end_silence(self, from);
    from->subscriptions++;
    from->bytes += size;
    self->counts.subscriptions++;
    self->subscription_bytes += size;
    if (from->bytes > max_peer_subscription_bytes) {
        self->counts.subscriptions_refused++;
        alto_push_peers_cut(self, fd, "too-many-subscriptions");
    } else if (self->subscription_bytes > max_all_subscription_bytes) {
        self->counts.subscriptions_refused++;
        alto_push_peers_cut(self, greediest(self), "too-many-subscriptions-together");
    }
}

void alto_push_peers_unsubscribed(alto_push_peers *self, int fd, size_t size)
{
    peer *from = peer_of(self, fd);
    if (!from || from->subscriptions == 0 || from->bytes < size)
        return; /* of something that was never asked for */
    from->subscriptions--;
    from->bytes -= size;
    self->counts.subscriptions--;
    self->subscription_bytes -= size;
}

/* ---- what they send and take ---- */

/* The bytes that a peer may have sent by now: a message that never ends is seen by nobody but the kernel. */
static bool sends_too_much(const peer *watched, const struct tcp_info *info, uint64_t now_ms)
{
    return info->tcpi_bytes_received > max_received + (now_ms - watched->since_ms) * max_received_per_s / 1000;
}

/* Why a peer is to be given up; NULL: it takes what it is sent. Nothing waits in libzmq for a peer whose kernel buffer has
 * been emptied; what was sent since then and not acknowledged waits in one or the other. */
static const char *takes_too_little(peer *watched, const struct tcp_info *info, uint64_t now_ms, uint64_t sent_bytes)
{
    bool nothing_waits = info->tcpi_notsent_bytes == 0;
    if (info->tcpi_bytes_acked != watched->taken || (nothing_waits && info->tcpi_unacked == 0))
        watched->progress_ms = now_ms;
    watched->taken = info->tcpi_bytes_acked;
    if (nothing_waits) {
        watched->sent_mark = sent_bytes;
        watched->taken_mark = watched->taken;
    }
    uint64_t sent = sent_bytes - watched->sent_mark, taken = watched->taken - watched->taken_mark;
    if (sent > taken && sent - taken > ALTO_PUSH_MAX_WAITING)
        return "too-slow";
    return now_ms - watched->progress_ms > ALTO_PUSH_STALLED_MS ? "stalled" : NULL;
}

static void count_received(alto_push_peers *self, peer *from, uint64_t received)
{
    uint64_t came = received - from->received;
    from->received = received;
    from->share = from->turn == self->turn ? from->share + came : came;
    from->turn = self->turn;
    self->unhandled += came;
}

static void guard_peer(alto_push_peers *self, int fd, uint64_t now_ms, uint64_t sent_bytes)
{
    peer *watched = &self->peers[fd];
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return;
    count_received(self, watched, info.tcpi_bytes_received);
    const char *why = takes_too_little(watched, &info, now_ms, sent_bytes);
    if (sends_too_much(watched, &info, now_ms))
        why = "sends-too-much";
    if (why)
        alto_push_peers_cut(self, fd, why);
}

void alto_push_peers_guard(alto_push_peers *self, uint64_t now_ms, uint64_t sent_bytes)
{
    for (size_t fd = 0; fd < self->capacity; fd++)
        if (self->peers[fd].open && !self->peers[fd].cut)
            guard_peer(self, (int)fd, now_ms, sent_bytes);
    for (size_t fd = 0; fd < self->capacity && alto_push_peers_flood(self); fd++)
        if (self->peers[fd].turn == self->turn && self->peers[fd].share > max_share)
            alto_push_peers_cut(self, (int)fd, "flood");
}

void alto_push_peers_handled(alto_push_peers *self)
{
    self->turn++;
    self->unhandled = 0;
}

bool alto_push_peers_flood(const alto_push_peers *self)
{
    return self->unhandled > max_unhandled;
}

uint64_t alto_push_peers_behind(alto_push_peers *self, bool cut)
{
    uint64_t behind = 0;
    for (size_t fd = 0; fd < self->capacity; fd++) {
        struct tcp_info info = {0};
        socklen_t size = sizeof info;
        if (!self->peers[fd].open || getsockopt((int)fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
            continue;
        if (info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0)
            continue;
        behind++;
        if (cut)
            alto_push_peers_cut(self, (int)fd, "ending");
    }
    return behind;
}
