/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_lane.h"

#include "core/http_plain.h"
#include "io/log.h"
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_ROOM = 16384, /* bytes of a plain request, its body included */
    HEAD_ROOM = 256 + ALTO_HTTP_HEADERS * (ALTO_HTTP_VALUE + 40),
    VECTOR = 64,    /* pieces of one system call */
    TURN = 2097152, /* bytes to one connection before it is the others' turn */
    EVENTS = 128,   /* taken at a time */
    ACCEPTS = 64,   /* likewise */
    PAUSE_MS = 100, /* without accepting, when there is no room for another connection */
    AGAIN_MS = 20,  /* until a request is put again whose answer is being made */
    LISTENERS = 2,  /* plain, TLS */
    DATE_TEXT = 32  /* "Thu, 01 Jan 1970 00:00:00 GMT" */
};

typedef struct connection {
    struct connection *older, *newer; /* by last use; newer also links the unused */
    uint64_t used_ms;
    int fd;
    bool blocked; /* waits for room to send, not for a request */
    bool waits;   /* for an answer that is being made; its request is still in the socket, `answer` says what for */
    uint64_t waits_since_ms;
    size_t head_size;       /* bytes of head; 0: no answer is under way */
    size_t head_sent;       /* of them */
    uint64_t sent, to_send; /* bytes of the body */
    size_t piece, offset;   /* the next byte of the body, unless it is in a file */
    uint64_t answer_by_ms;  /* when it must have been taken */
    alto_http_answer answer;
    alto_http_client *client;
    struct sockaddr_storage peer;
    socklen_t peer_size;
    char peer_text[ALTO_HTTP_PEER_TEXT];
    char head[HEAD_ROOM];
} connection;

typedef struct {
    int fd; /* -1: none */
    bool secure, ready;
} listener;

struct alto_http_lane {
    alto_http_lane_options options;
    int epoll;
    listener listeners[LISTENERS];
    bool listening, stopped;
    bool others; /* have work */
    uint64_t now_ms, listen_again_ms;
    size_t count, elsewhere;     /* connections */
    size_t answering, waiting;   /* of count */
    uint64_t again_ms;           /* when those that wait are asked for again */
    connection *slots;           /* max_connections; memory that was never used costs nothing */
    size_t fresh;                /* the first slot that was never used */
    connection *unused;          /* slots that were */
    connection *oldest, *newest; /* by last use */
    uint64_t date_s;             /* what `date` says */
    char date[DATE_TEXT];
};

/* ---- connections ---- */

/* NULL: all are in use. */
static connection *take_slot(alto_http_lane *self)
{
    connection *slot = self->unused;
    if (slot)
        self->unused = slot->newer;
    else if (self->fresh < self->options.max_connections)
        slot = &self->slots[self->fresh++];
    return slot;
}

static void give_slot(alto_http_lane *self, connection *slot)
{
    slot->newer = self->unused;
    self->unused = slot;
}

static void unlink_connection(alto_http_lane *self, connection *one)
{
    *(one->older ? &one->older->newer : &self->oldest) = one->newer;
    *(one->newer ? &one->newer->older : &self->newest) = one->older;
}

static void link_newest(alto_http_lane *self, connection *one)
{
    one->used_ms = self->now_ms;
    one->newer = NULL;
    one->older = self->newest;
    *(self->newest ? &self->newest->newer : &self->oldest) = one;
    self->newest = one;
}

static void touch(alto_http_lane *self, connection *one)
{
    unlink_connection(self, one);
    link_newest(self, one);
}

/* The answer is sent, or will not be. */
static void end_answer(alto_http_lane *self, connection *one)
{
    if (one->head_size == 0)
        return;
    alto_http_answer_release(&one->answer);
    one->head_size = 0;
    self->answering--;
}

static void forget(alto_http_lane *self, connection *one)
{
    end_answer(self, one);
    if (one->waits)
        alto_http_answer_release(&one->answer);
    self->waiting -= one->waits;
    unlink_connection(self, one);
    self->count--;
    give_slot(self, one);
}

static void drop(alto_http_lane *self, connection *one)
{
    close(one->fd);
    alto_http_limits_leave(self->options.limits, one->client);
    forget(self, one);
}

static bool set_events(const alto_http_lane *self, int operation, int fd, uint32_t events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    return epoll_ctl(self->epoll, operation, fd, &event) == 0;
}

static void hand_over(alto_http_lane *self, connection *one)
{
    set_events(self, EPOLL_CTL_DEL, one->fd, 0, NULL);
    const alto_http_arrival arrival = {
        .fd = one->fd, .peer = (const struct sockaddr *)&one->peer, .peer_size = one->peer_size, .client = one->client};
    self->options.hand_over(self->options.owner, &arrival);
    self->others = true;
    forget(self, one);
}

/* ---- sending ---- */

static const char *reason(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 410:
        return "Gone";
    case 415:
        return "Unsupported Media Type";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal Server Error";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return ""; /* it may be empty (RFC 9112 4) */
    }
}

/* The time as RFC 9110 5.6.7 wants it, whatever the locale. */
static const char *date(alto_http_lane *self)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint64_t now_s = alto_clock_ms() / 1000;
    time_t time = (time_t)now_s;
    struct tm at;
    if (now_s != self->date_s && gmtime_r(&time, &at)) {
        snprintf(self->date, sizeof self->date, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[at.tm_wday],
                 (unsigned)at.tm_mday % 100, months[at.tm_mon], (unsigned)(at.tm_year + 1900) % 10000,
                 (unsigned)at.tm_hour % 100, (unsigned)at.tm_min % 100, (unsigned)at.tm_sec % 100);
        self->date_s = now_s;
    }
    return self->date;
}

static void write_text(connection *to, const char *text)
{
    size_t size = strlen(text);
    assert(size < HEAD_ROOM - to->head_size);
    memcpy(to->head + to->head_size, text, size);
    to->head_size += size;
}

static void write_header(connection *to, const char *name, const char *value)
{
    write_text(to, name);
    write_text(to, ": ");
    write_text(to, value);
    write_text(to, "\r\n");
}

static void write_head(alto_http_lane *self, connection *to)
{
    const alto_http_answer *answer = &to->answer;
    char text[64];
    snprintf(text, sizeof text, "HTTP/1.1 %u %s\r\n", answer->status, reason(answer->status));
    write_text(to, text);
    write_header(to, "Date", date(self));
    for (size_t i = 0; i < answer->header_count; i++)
        write_header(to, answer->headers[i].name, answer->headers[i].value);
    /* A 304 that said "Content-Length: 0" would tell caches that the 200 is empty. */
    snprintf(text, sizeof text, "%llu", (unsigned long long)answer->size);
    if (answer->status != 204 && (answer->size > 0 || answer->status != 304))
        write_header(to, "Content-Length", text);
    if (self->stopped)
        write_header(to, "Connection", "close");
    write_text(to, "\r\n");
}

/* What is left of the head, and pieces of the body behind it. *asked: bytes. */
static ssize_t send_pieces(const connection *to, size_t *asked)
{
    struct iovec vector[VECTOR];
    size_t count = 0, piece = to->piece, offset = to->offset;
    uint64_t left = to->answer.has_file ? 0 : to->to_send - to->sent;
    *asked = to->head_size - to->head_sent;
    if (*asked)
        vector[count++] = (struct iovec){(void *)(uintptr_t)(to->head + to->head_sent), *asked};
    for (; left && count < VECTOR && piece < to->answer.piece_count; piece++, offset = 0) {
        alto_slice bytes = to->answer.piece(to->answer.owner, piece);
        size_t size = bytes.size - offset < left ? bytes.size - offset : (size_t)left;
        vector[count++] = (struct iovec){(void *)(uintptr_t)(bytes.data + offset), size};
        *asked += size;
        left -= size;
    }
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};
    bool more = left || (to->answer.has_file && to->to_send);
    return *asked ? sendmsg(to->fd, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0)) : 0;
}

static ssize_t send_file(const connection *to, size_t *asked)
{
    off_t at = (off_t)to->sent;
    uint64_t left = to->to_send - to->sent;
    *asked = left < TURN ? (size_t)left : TURN;
    return sendfile(to->fd, to->answer.file, &at, *asked);
}

static void advance(connection *to, size_t size)
{
    size_t of_head = to->head_size - to->head_sent < size ? to->head_size - to->head_sent : size;
    to->head_sent += of_head;
    size -= of_head;
    to->sent += size;
    while (size && !to->answer.has_file) {
        size_t left = to->answer.piece(to->answer.owner, to->piece).size - to->offset;
        if (size < left) {
            to->offset += size;
            return;
        }
        size -= left;
        to->piece++;
        to->offset = 0;
    }
}

/* Wait for room to send, or for a request again. */
static void block(alto_http_lane *self, connection *one, bool blocked)
{
    if (one->blocked == blocked)
        return;
    one->blocked = blocked;
    if (!set_events(self, EPOLL_CTL_MOD, one->fd, blocked ? EPOLLOUT : EPOLLIN, one))
        drop(self, one);
}

/* Go on with the answer. The connection may be gone afterwards. */
static void send_some(alto_http_lane *self, connection *to)
{
    size_t asked, turn = 0;
    if (self->now_ms >= to->answer_by_ms) {
        alto_http_limits_count(self->options.limits, ALTO_HTTP_ANSWER_TIME, to->peer_text, self->now_ms);
        drop(self, to);
        return;
    }
    while (to->head_sent < to->head_size || to->sent < to->to_send) {
        bool file = to->answer.has_file && to->head_sent == to->head_size;
        ssize_t size = file ? send_file(to, &asked) : send_pieces(to, &asked);
        if (size < 0 && errno == EAGAIN)
            size = 0;
        else if (size <= 0) { /* gone, or a body that ends early */
            drop(self, to);
            return;
        }
        advance(to, (size_t)size);
        turn += (size_t)size;
        if ((size_t)size < asked || turn >= TURN) {
            block(self, to, true);
            return;
        }
    }
    end_answer(self, to);
    if (self->stopped)
        drop(self, to);
    else
        block(self, to, false);
}

/* ---- receiving ---- */

/* While it waits, nothing of its socket is listened to but its end. */
static void set_waits(alto_http_lane *self, connection *one, bool waits, uint64_t since_ms)
{
    if (!self->waiting)
        self->again_ms = self->now_ms + AGAIN_MS;
    self->waiting -= one->waits;
    self->waiting += waits;
    one->waits = waits;
    one->waits_since_ms = since_ms;
    set_events(self, EPOLL_CTL_MOD, one->fd, waits ? 0 : EPOLLIN, one);
}

/* Put the request to the handler. False: the answer is not there yet, and the connection waits for it. */
static bool ask(alto_http_lane *self, connection *one, const alto_http_plain *plain)
{
    uint64_t since_ms = one->waits ? one->waits_since_ms : self->now_ms;
    if (!one->waits && !alto_http_limits_ask(self->options.limits, one->client, one->peer_text, since_ms, &one->answer))
        return true;
    alto_http_held held = {.owner = NULL};
    if (one->waits)
        held = alto_http_held_take(&one->answer);
    alto_http_request told = {.method = plain->method,
                              .path = plain->path,
                              .query = "",
                              .if_none_match = plain->if_none_match,
                              .accept = plain->accept,
                              .accept_encoding = plain->accept_encoding,
                              .content_type = plain->content_type,
                              .authorization = plain->authorization,
                              .body = plain->body,
                              .peer = one->peer_text,
                              .can_wait = !self->stopped && self->now_ms - since_ms < self->options.patience_ms,
                              .can_hold = !self->stopped,
                              .awaited = held.owner};
    alto_http_answer_init(&one->answer, 500);
    self->options.handler(self->options.context, &told, &one->answer);
    alto_http_held_release(&held);
    if (one->answer.later != one->waits)
        set_waits(self, one, one->answer.later, since_ms);
    return !one->waits;
}

/* The answer is there: begin to send it. The connection may be gone afterwards. */
static void answer(alto_http_lane *self, connection *one, const alto_http_plain *plain)
{
    bool body = strcmp(plain->method, "HEAD") != 0 && one->answer.status != 304 && one->answer.piece_count > 0;
    one->head_sent = one->piece = one->offset = 0;
    one->sent = 0;
    one->to_send = body ? one->answer.size : 0;
    one->answer_by_ms = self->now_ms + alto_http_limits_answer_ms(one->to_send);
    write_head(self, one);
    self->answering++;
    send_some(self, one);
}

/* Take a request out of the socket that was only looked at. */
static bool take(const connection *one, size_t size)
{
    char same[REQUEST_ROOM];
    return recv(one->fd, same, size, 0) == (ssize_t)size;
}

/* A request is there, or the end. The connection may be gone afterwards. */
static void on_readable(alto_http_lane *self, connection *one)
{
    char text[REQUEST_ROOM];
    alto_http_plain plain;
    ssize_t size = recv(one->fd, text, sizeof text, MSG_PEEK);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool is_plain = size > 0 && (size_t)size < sizeof text && alto_http_plain_parse(text, (size_t)size, &plain);
    if (size > 0 && !is_plain)
        hand_over(self, one);
    else if (!is_plain) /* the end, or an error */
        drop(self, one);
    else if (!ask(self, one, &plain))
        return;
    else if (take(one, (size_t)size))
        answer(self, one, &plain);
    else {
        alto_http_answer_release(&one->answer);
        drop(self, one);
    }
}

/* Put the requests again that wait for their answers; the held ones only when that was said. */
static void ask_again(alto_http_lane *self, bool held)
{
    self->again_ms = self->now_ms + AGAIN_MS;
    for (connection *one = self->oldest, *newer; one && self->waiting; one = newer) {
        newer = one->newer;
        if (one->waits && (held || !one->answer.release))
            on_readable(self, one);
    }
}

void alto_http_lane_wake(alto_http_lane *self)
{
    self->now_ms = alto_monotonic_ms();
    ask_again(self, true);
}

/* ---- accepting ---- */

static bool is_full(const alto_http_lane *self)
{
    return self->count + self->elsewhere >= self->options.max_connections;
}

static bool set_listening(const alto_http_lane *self, bool listening)
{
    bool set = true;
    for (size_t i = 0; i < LISTENERS; i++) {
        const listener *at = &self->listeners[i];
        if (at->fd >= 0)
            set = set_events(self, EPOLL_CTL_MOD, at->fd, listening ? EPOLLIN : 0, (void *)(uintptr_t)at) && set;
    }
    return set;
}

static void listen_or_pause(alto_http_lane *self, bool listening)
{
    if (self->listening != listening && set_listening(self, listening))
        self->listening = listening;
    if (!listening)
        self->listen_again_ms = self->now_ms + PAUSE_MS;
}

/* Takes over what the arrival is of. */
static void add_connection(alto_http_lane *self, const alto_http_arrival *arrival)
{
    connection *made = take_slot(self);
    if (!made || !set_events(self, EPOLL_CTL_ADD, arrival->fd, EPOLLIN, made)) {
        if (made)
            give_slot(self, made);
        close(arrival->fd);
        alto_http_limits_leave(self->options.limits, arrival->client);
        return;
    }
    made->fd = arrival->fd;
    made->client = arrival->client;
    made->blocked = made->waits = false;
    made->head_size = 0;
    memcpy(&made->peer, arrival->peer, arrival->peer_size);
    made->peer_size = arrival->peer_size;
    alto_http_peer_text(arrival->peer, made->peer_text);
    link_newest(self, made);
    self->count++;
}

/* Takes fd. */
static void welcome(alto_http_lane *self, int fd, const struct sockaddr_storage *peer, socklen_t size, bool secure)
{
    int on = 1;
    alto_http_arrival arrival = {.fd = fd, .peer = (const struct sockaddr *)peer, .peer_size = size, .secure = secure};
    if (!alto_http_limits_enter(self->options.limits, arrival.peer, self->now_ms, &arrival.client)) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!secure) {
        add_connection(self, &arrival);
        return;
    }
    self->options.hand_over(self->options.owner, &arrival);
    self->others = true;
}

/* The connection that waits for a request for longest. */
static connection *oldest_idle(const alto_http_lane *self)
{
    connection *one = self->oldest;
    while (one && (one->head_size || one->waits))
        one = one->newer;
    return one;
}

/* Have the one go that waits for a request for longest. False: not yet, or nobody does. */
static bool make_room(alto_http_lane *self, alto_http_limit why)
{
    connection *idle = oldest_idle(self);
    if (self->options.make_room(self->options.owner, why, idle ? idle->used_ms : UINT64_MAX, self->now_ms)) {
        self->others = true; /* which closes it */
        return false;
    }
    if (!idle && why == ALTO_HTTP_CONNECTIONS)
        why = ALTO_HTTP_BUSY;
    alto_http_limits_count(self->options.limits, why, idle ? idle->peer_text : "", self->now_ms);
    if (idle)
        drop(self, idle);
    else
        listen_or_pause(self, false);
    return idle;
}

static void on_accept_error(alto_http_lane *self)
{
    char text[128];
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
        return;
    if (errno == EMFILE || errno == ENFILE)
        make_room(self, ALTO_HTTP_DESCRIPTORS);
    else
        alto_log(ALTO_LOG_WARN, "http", "why=%s", alto_log_value(strerror(errno), text, sizeof text));
    listen_or_pause(self, false);
}

static void accept_some(alto_http_lane *self, const listener *at)
{
    if (is_full(self) && !make_room(self, ALTO_HTTP_CONNECTIONS))
        return;
    for (int i = 0; i < ACCEPTS && !is_full(self); i++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        int fd = accept4(at->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            on_accept_error(self);
            return;
        }
        welcome(self, fd, &peer, size, at->secure);
    }
}

/* ---- the lane ---- */

static bool begin_listening(alto_http_lane *self)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        listener *at = &self->listeners[i];
        if (at->fd >= 0 && !set_events(self, EPOLL_CTL_ADD, at->fd, EPOLLIN, at))
            return false;
    }
    return self->listening = true;
}

alto_http_lane *alto_http_lane_new(int plain, int secure, const alto_http_lane_options *options)
{
    alto_http_lane *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->options = *options;
    self->listeners[0] = (listener){.fd = plain};
    self->listeners[1] = (listener){.fd = secure, .secure = true};
    self->slots = calloc(options->max_connections, sizeof *self->slots);
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!self->slots || self->epoll < 0 || !begin_listening(self))
        alto_http_lane_destroy(&self);
    return self;
}

void alto_http_lane_destroy(alto_http_lane **self)
{
    alto_http_lane *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    while (gone->oldest)
        drop(gone, gone->oldest);
    if (gone->epoll >= 0)
        close(gone->epoll);
    free(gone->slots);
    free(gone);
}

alto_status alto_http_lane_watch(alto_http_lane *self, int fd)
{
    return set_events(self, EPOLL_CTL_ADD, fd, EPOLLIN, NULL) ? ALTO_OK : ALTO_IO;
}

void alto_http_lane_unwatch(alto_http_lane *self, int fd)
{
    set_events(self, EPOLL_CTL_DEL, fd, 0, NULL);
}

void alto_http_lane_elsewhere(alto_http_lane *self, int change)
{
    self->elsewhere += (size_t)change;
}

static void close_idle(alto_http_lane *self)
{
    while (self->oldest && self->now_ms - self->oldest->used_ms >= self->options.idle_ms)
        drop(self, self->oldest);
}

static int sooner(int wait_ms, uint64_t now_ms, uint64_t at_ms)
{
    int left = at_ms > now_ms ? (int)(at_ms - now_ms) : 0;
    return wait_ms < 0 || left < wait_ms ? left : wait_ms;
}

static int wait_for(const alto_http_lane *self, int wait_ms)
{
    if (wait_ms == 0)
        return 0;
    if (self->oldest)
        wait_ms = sooner(wait_ms, self->now_ms, self->oldest->used_ms + self->options.idle_ms);
    if (self->waiting)
        wait_ms = sooner(wait_ms, self->now_ms, self->again_ms);
    if (!self->listening && !self->stopped)
        wait_ms = sooner(wait_ms, self->now_ms, self->listen_again_ms);
    return wait_ms;
}

static void on_event(alto_http_lane *self, void *what)
{
    connection *one = what;
    if (!what) {
        self->others = true;
    } else if (what == &self->listeners[0] || what == &self->listeners[1]) {
        ((listener *)what)->ready = true;
    } else {
        touch(self, one);
        if (one->head_size)
            send_some(self, one);
        else
            on_readable(self, one);
    }
}

/* When all events are handled: it may end connections that some of them are of. */
static void accept_all(alto_http_lane *self)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        listener *at = &self->listeners[i];
        if (at->ready)
            accept_some(self, at);
        at->ready = false;
    }
}

bool alto_http_lane_run(alto_http_lane *self, int wait_ms)
{
    struct epoll_event events[EVENTS];
    self->others = false;
    int count = epoll_wait(self->epoll, events, EVENTS, wait_for(self, wait_ms));
    self->now_ms = alto_monotonic_ms();
    for (int i = 0; i < count; i++)
        on_event(self, events[i].data.ptr);
    accept_all(self);
    if (self->waiting && self->now_ms >= self->again_ms)
        ask_again(self, self->stopped);
    close_idle(self);
    if (!self->listening && !self->stopped && self->now_ms >= self->listen_again_ms)
        listen_or_pause(self, true);
    return self->others;
}

void alto_http_lane_stop(alto_http_lane *self)
{
    self->stopped = true;
    listen_or_pause(self, false);
    self->again_ms = 0;
    alto_http_lane_run(self, 0);
    for (connection *one = self->oldest, *newer; one; one = newer) {
        newer = one->newer;
        if (one->head_size == 0)
            drop(self, one);
    }
}

size_t alto_http_lane_answering(const alto_http_lane *self)
{
    return self->answering;
}
