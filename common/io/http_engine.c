/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_engine.h"

#include "io/http_guests.h"
#include "io/http_upload.h"
#include "io/log.h"
#include "io/loop.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#if MHD_VERSION < 0x00097302
#error "libmicrohttpd 0.9.74 or newer is needed"
#endif

/* An engine is used by one thread at a time. Since 1.0 libmicrohttpd wants to be told so, in order to begin with a connection in
 * MHD_add_connection() itself, which alto_http_engines_take() relies on. */
#if MHD_VERSION >= 0x00097707
#define ONE_THREAD MHD_USE_NO_THREAD_SAFETY
#else
#define ONE_THREAD MHD_NO_FLAG
#endif

enum {
    LOOK_MS = 1000,              /* how often it is looked for those that are late */
    TURNS = 4,                   /* in which libmicrohttpd has done what is there to be done before any request */
    CONNECTION_MEMORY = 32768,   /* bytes: a request's headers, or the list of an answer's pieces */
    LAST_WORDS = 16384,          /* bytes that are read of a connection whose handshake failed */
    MAX_PIECES = 1024,           /* of an answer sent without copying: IOV_MAX, above it libmicrohttpd can miss that
                                   a socket is still writable */
    COMMON_HEADERS_BYTES = 4096, /* a request beyond either of these leaves too little of CONNECTION_MEMORY */
    COMMON_HEADERS = 64,         /* for MAX_PIECES pieces */
    BLOCK = 65536,               /* bytes copied at a time */
};

typedef struct request request;

typedef alto_http_engine engine;

struct alto_http_engine {
    alto_http_engines *owner;
    struct MHD_Daemon *daemon;
    const alto_tls *tls; /* retained; NULL: without TLS */
    size_t connections;
    engine *older;
};

struct alto_http_engines {
    alto_http_engines_options options;
    engine *plain, *secure;        /* those with TLS, newest first */
    _Atomic(engine *) next_secure; /* one that is offered */
    alto_http_guests guests;       /* the connections */
    alto_http_client *arriving;    /* whose connection an engine is given just now */
    uint64_t look_ms;              /* when guests that are late are looked for */
    request *waiting;              /* their connections suspended */
    bool stopped;
    unsigned turns;                      /* without news of any connection */
    size_t begun;                        /* requests: from their first line on */
    size_t open;                         /* answers under way */
    size_t uploads;                      /* bytes of all bodies held */
    struct MHD_IoVec vector[MAX_PIECES]; /* scratch for one answer; libmicrohttpd copies it */
};

/* One request, from its first line until its answer is sent. */
struct request {
    alto_http_upload upload;
    bool head;    /* its method is HEAD */
    bool judged;  /* its headers were looked at */
    bool counted; /* its answer is in engines.open */
    bool put;     /* it was put to the handler, and may be so again */
    bool corked;  /* the connection gathers what is written into whole packets */
    alto_http_held held;
    struct MHD_Connection *connection; /* while it waits */
    request *next;                     /* likewise, in engines.waiting */
    char query[];                      /* raw, "" when there is none */
};

/* ---- answers ---- */

/* An answer that is copied to the connection block by block: it has more pieces than one system call takes, or goes by TLS, where
 * libmicrohttpd makes a record of each piece, or of 4 KiB of a file, and a record costs about as much as two kilobytes in it. */
typedef struct {
    alto_http_answer answer;
    size_t index;   /* the piece that the next byte is in */
    uint64_t begin; /* bytes before it */
} reader;

static ssize_t read_pieces(void *context, uint64_t position, char *buffer, size_t room)
{
    reader *self = context;
    size_t done = 0;
    while (done < room && self->index < self->answer.piece_count) {
        alto_slice piece = self->answer.piece(self->answer.owner, self->index);
        size_t offset = (size_t)(position + done - self->begin);
        size_t left = piece.size - offset;
        size_t part = left < room - done ? left : room - done;
        memcpy(buffer + done, piece.data + offset, part);
        done += part;
        if (part == left) {
            self->begin += piece.size;
            self->index++;
        }
    }
    return done ? (ssize_t)done : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_reader(void *context)
{
    reader *self = context;
    alto_http_answer_release(&self->answer);
    free(self);
}

static struct MHD_Response *copied_response(const alto_http_answer *answer)
{
    reader *made = malloc(sizeof *made);
    if (!made)
        return NULL;
    *made = (reader){.answer = *answer};
    struct MHD_Response *response =
        MHD_create_response_from_callback(answer->size, BLOCK, read_pieces, made, free_reader);
    if (!response)
        free(made);
    return response;
}

static struct MHD_Response *borrowed_response(alto_http_engines *self, const alto_http_answer *answer)
{
    for (size_t i = 0; i < answer->piece_count; i++) {
        alto_slice piece = answer->piece(answer->owner, i);
        self->vector[i] = (struct MHD_IoVec){.iov_base = piece.data, .iov_len = piece.size};
    }
    return MHD_create_response_from_iovec(self->vector, (unsigned)answer->piece_count, answer->release, answer->owner);
}

/* libmicrohttpd closes what it is given. NULL: there is no descriptor or no memory for it. */
static struct MHD_Response *file_response(const alto_http_answer *answer)
{
    int file = fcntl(answer->file, F_DUPFD_CLOEXEC, 0);
    struct MHD_Response *response = file >= 0 ? MHD_create_response_from_fd64(answer->size, file) : NULL;
    if (!response && file >= 0)
        close(file);
    return response;
}

/* Only the length of a body, for answers that tell it and have none: to HEAD, and 304. */
static struct MHD_Response *bodiless_response(const alto_http_answer *answer)
{
    static const reader no_pieces; /* should it be read all the same: an error */
    void *nothing = (void *)(uintptr_t)&no_pieces;
    if (answer->size > 0 || answer->status != 304)
        return MHD_create_response_from_callback(answer->size, 1, read_pieces, nothing, NULL);
    /* A 304 that said "Content-Length: 0" would tell caches that the 200 is empty; saying nothing costs the connection. */
    struct MHD_Response *made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_pieces, nothing, NULL);
    if (made)
        MHD_set_response_options(made, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return made;
}

/* The answer as libmicrohttpd takes it. Whatever happens, its body is released once. */
static struct MHD_Response *make_response(alto_http_engines *self, alto_http_answer *answer, const request *asked,
                                          bool secure, bool room_for_vector)
{
    struct MHD_Response *response;
    const bool several = answer->piece_count > 1;
    if (asked->head || answer->status == 304 || answer->piece_count == 0) {
        response = bodiless_response(answer);
        alto_http_answer_release(answer);
        return response;
    }
    if (answer->has_file && !secure && (response = file_response(answer))) {
        alto_http_answer_release(answer);
        return response;
    }
    if (answer->has_file || (several && (secure || answer->piece_count > MAX_PIECES || !room_for_vector))) {
        response = copied_response(answer);
    } else if (several) {
        response = borrowed_response(self, answer);
    } else {
        alto_slice piece = answer->piece(answer->owner, 0);
        void *data = (void *)(uintptr_t)piece.data;
        response =
            MHD_create_response_from_buffer_with_free_callback_cls(piece.size, data, answer->release, answer->owner);
    }
    if (!response)
        alto_http_answer_release(answer);
    return response;
}

static bool add_headers(struct MHD_Response *response, const alto_http_answer *answer, bool close_after)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value) != MHD_YES)
            return false;
    return !close_after || MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
}

/* libmicrohttpd writes the headers before a list of pieces on their own; corked, they travel in one packet with the
 * first of them. */
static void cork(struct MHD_Connection *connection, request *asked, bool corked)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int on = corked;
    if (info && setsockopt(info->connect_fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0)
        asked->corked = corked;
}

/* NULL: there was no memory for it; it was ended. */
static alto_http_guest *guest_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* The client has to do something within limit_ms. */
static void expect(alto_http_engines *self, struct MHD_Connection *connection, alto_http_limit late, uint64_t limit_ms)
{
    alto_http_guest *guest = guest_of(connection);
    if (guest)
        alto_http_guests_expect(&self->guests, guest, late, alto_monotonic_ms(), limit_ms);
}

static bool is_secure(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info && info->tls_session;
}

/* MHD_NO makes libmicrohttpd close the connection. */
static enum MHD_Result send_answer(alto_http_engines *self, struct MHD_Connection *connection, request *asked,
                                   alto_http_answer *answer, bool room_for_vector)
{
    struct MHD_Response *response = make_response(self, answer, asked, is_secure(connection), room_for_vector);
    if (!response)
        return MHD_NO;
    bool close_after = asked->upload.refused || self->stopped;
    enum MHD_Result result = MHD_NO;
    if (add_headers(response, answer, close_after))
        result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response); /* the connection has its own reference */
    if (result == MHD_YES && answer->piece_count > 1 && !asked->head)
        cork(connection, asked, true);
    if (result == MHD_YES)
        expect(self, connection, ALTO_HTTP_ANSWER_TIME, alto_http_limits_answer_ms(answer->size));
    if (result == MHD_YES && !asked->counted) {
        asked->counted = true;
        self->open++;
    }
    return result;
}

/* ---- requests ---- */

static enum MHD_Result on_field(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    alto_http_fields_add(context, name, value);
    return MHD_YES;
}

/* Does %00 occur in the path? Decoded it would end the path early. */
static bool hides_nul(const char *uri, const char *end)
{
    for (; uri < end; uri++)
        if (uri[0] == '%' && end - uri >= 3) {
            if (uri[1] == '0' && uri[2] == '0')
                return true;
            uri += 2;
        }
    return false;
}

/* The first thing libmicrohttpd tells of a request: the only time that its query is whole. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    (void)connection;
    ((engine *)context)->owner->begun++;
    const char *end = strchrnul(uri, '?');
    const char *query = *end ? end + 1 : end;
    size_t size = strlen(query) + 1;
    request *made = malloc(sizeof *made + size);
    if (!made)
        return NULL;
    *made = (request){.upload = alto_http_upload_make()};
    if (hides_nul(uri, end))
        made->upload.refused = 400;
    memcpy(made->query, query, size);
    return made;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)code;
    alto_http_engines *self = ((engine *)context)->owner;
    request *asked = *state;
    if (asked && asked->corked)
        cork(connection, asked, false); /* sends the rest */
    self->begun--;
    if (asked && asked->counted)
        self->open--;
    if (asked) {
        alto_http_held_release(&asked->held);
        alto_http_upload_fini(&asked->upload, &self->uploads);
    }
    free(asked);
    *state = NULL;
    expect(self, connection, ALTO_HTTP_HEAD_TIME, self->options.times.idle_ms);
}

static void require_client(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info)
        alto_tls_require_client(info->tls_session);
}

/* Where there is no memory the connection ends at once. What libmicrohttpd tells of a connection is good until it is asked
 * again: 1.0 has one place for all of it. */
static void begin_guest(alto_http_engines *self, struct MHD_Connection *connection, void **socket_context)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int fd = info ? info->connect_fd : -1;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    alto_http_guest *made = fd >= 0 && info ? calloc(1, sizeof *made) : NULL;
    *socket_context = made;
    if (!made) {
        if (fd >= 0)
            shutdown(fd, SHUT_RDWR);
        return;
    }
    made->fd = fd;
    made->client = self->arriving;
    self->arriving = NULL;
    alto_http_peer_text(info->client_addr, made->peer);
    alto_http_guests_add(&self->guests, made);
    alto_http_guests_expect(&self->guests, made, ALTO_HTTP_HEAD_TIME, alto_monotonic_ms(),
                            self->options.times.first_ms);
}

/* What is closed with something left to be read is reset by the system, and the other end may never see why it was (the alert): it has said
 * the end of its handshake by then, and its first request. */
static void read_away(int fd)
{
    char some[LAST_WORDS];
    recv(fd, some, sizeof some, MSG_DONTWAIT);
}

static void end_guest(alto_http_engines *self, alto_http_guest *guest, bool secure)
{
    if (!guest)
        return;
    if (secure && guest->silent && !guest->ended && !self->stopped) {
        alto_http_limits_count(self->options.limits, ALTO_HTTP_TLS, guest->peer, alto_monotonic_ms());
        read_away(guest->fd);
    }
    alto_http_guests_remove(&self->guests, guest);
    alto_http_limits_leave(self->options.limits, guest->client);
    free(guest);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    engine *self = context;
    int change = code == MHD_CONNECTION_NOTIFY_CLOSED ? -1 : 1;
    alto_http_lane_elsewhere(self->owner->options.lane, change);
    self->connections += (size_t)change;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        end_guest(self->owner, *socket_context, self->tls);
        *socket_context = NULL;
        return;
    }
    begin_guest(self->owner, connection, socket_context);
    if (self->tls && self->tls->clients_pem)
        require_client(connection);
}

static const char *peer_of(struct MHD_Connection *connection)
{
    const alto_http_guest *guest = guest_of(connection);
    return guest ? guest->peer : "";
}

static bool common_size(struct MHD_Connection *connection, const request *asked, const alto_http_fields *found)
{
    if (asked->query[0] || found->count > COMMON_HEADERS)
        return false;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info && info->header_size <= COMMON_HEADERS_BYTES;
}

static void count_large_body(alto_http_engines *self, struct MHD_Connection *connection)
{
    alto_http_limits_count(self->options.limits, ALTO_HTTP_BODY_SIZE, peer_of(connection), alto_monotonic_ms());
}

static enum MHD_Result refuse(alto_http_engines *self, struct MHD_Connection *connection, request *asked,
                              unsigned status)
{
    const char *why = status == 413   ? "The body of the request is too large.\n"
                      : status == 500 ? "The server is out of memory.\n"
                      : status == 503 ? "Too many requests with bodies at a time.\n"
                                      : "The request is not well-formed HTTP.\n";
    asked->upload.refused = status;
    if (status == 413)
        count_large_body(self, connection);
    alto_http_answer answer;
    alto_http_answer_init(&answer, status);
    alto_http_header(&answer, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
    alto_http_header(&answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    alto_http_body(&answer, alto_slice_text(why));
    return send_answer(self, connection, asked, &answer, false);
}

/* The answer comes later: nothing happens on the connection until it is put again. */
static enum MHD_Result hold(alto_http_engines *self, struct MHD_Connection *connection, request *asked,
                            alto_http_answer *answer)
{
    asked->held = alto_http_held_take(answer);
    asked->connection = connection;
    asked->next = self->waiting;
    self->waiting = asked;
    if (guest_of(connection))
        alto_http_guests_wait(guest_of(connection));
    MHD_suspend_connection(connection);
    return MHD_YES;
}

/* May it be put to the handler? False: *answer says why not. */
static bool admit(alto_http_engines *self, struct MHD_Connection *connection, request *asked, alto_http_answer *answer)
{
    alto_http_guest *guest = guest_of(connection);
    bool again = asked->put;
    asked->put = true;
    return again || !guest ||
           alto_http_limits_ask(self->options.limits, guest->client, guest->peer, alto_monotonic_ms(), answer);
}

static enum MHD_Result answer_request(alto_http_engines *self, struct MHD_Connection *connection, const char *path,
                                      const char *method, request *asked, const alto_http_fields *found)
{
    alto_http_request told = {.method = method,
                              .path = path,
                              .query = asked->query,
                              .if_none_match = found->if_none_match.text,
                              .accept = found->accept.text,
                              .accept_encoding = found->accept_encoding.text,
                              .content_type = found->content_type.text,
                              .authorization = asked->upload.posts ? found->authorization.text : NULL,
                              .body = alto_buffer_slice(&asked->upload.body),
                              .peer = peer_of(connection),
                              .can_hold = !self->stopped,
                              .awaited = asked->held.owner};
    alto_http_answer answer;
    if (!admit(self, connection, asked, &answer))
        return send_answer(self, connection, asked, &answer, false);
    alto_http_held held = asked->held;
    asked->held = (alto_http_held){.owner = NULL};
    alto_http_answer_init(&answer, 500);
    self->options.handler(self->options.context, &told, &answer);
    alto_http_held_release(&held);
    if (answer.later)
        return hold(self, connection, asked, &answer);
    return send_answer(self, connection, asked, &answer, common_size(connection, asked, found));
}

/* Called once when the headers are there, then for each part of the body, then once at the end of the request. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *part, size_t *part_size,
                                  void **state)
{
    (void)version;
    alto_http_engines *self = ((engine *)context)->owner;
    request *asked = *state;
    if (!asked)
        return MHD_NO; /* out of memory in on_uri */
    if (*part_size > 0) {
        size_t size = *part_size;
        *part_size = 0;
        if (alto_http_upload_take(&asked->upload, part, size, &self->uploads))
            return MHD_YES;
        count_large_body(self, connection);
        return MHD_NO;
    }
    asked->upload.posts = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    asked->head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    alto_http_fields found = {.count = 0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, on_field, &found);
    enum MHD_Result result = MHD_YES;
    unsigned wrong = asked->judged ? asked->upload.refused : alto_http_upload_begin(&asked->upload, &found);
    if (!asked->judged)
        expect(self, connection, ALTO_HTTP_BODY_TIME, self->options.times.body_ms);
    if (wrong)
        result = refuse(self, connection, asked, wrong);
    else if (asked->judged)
        result = answer_request(self, connection, path, method, asked, &found);
    asked->judged = true;
    alto_http_fields_fini(&found);
    return result;
}

/* ---- engines ---- */

/* What libmicrohttpd has to say. What a client can cause is for debugging only; running out of descriptors is for
 * the operator. */
__attribute__((format(printf, 2, 0))) static void on_message(void *context, const char *format, va_list arguments)
{
    (void)context;
    char line[240], quoted[2 * sizeof line + 3];
    vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = 0;
    bool ours = strstr(line, "accept") || strstr(line, "resource limit");
    alto_log(ours ? ALTO_LOG_WARN : ALTO_LOG_DEBUG, "http", "why=%s", alto_log_value(line, quoted, sizeof quoted));
}

static int engine_fd(const engine *self)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

void alto_http_engine_destroy(alto_http_engine **self)
{
    engine *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    if (gone->daemon)
        MHD_stop_daemon(gone->daemon);
    alto_tls_release(gone->tls);
    free(gone);
}

static unsigned whole_seconds(unsigned ms)
{
    return (ms + 999) / 1000;
}

static struct MHD_Daemon *start_daemon(engine *self, const alto_http_engines_options *options)
{
    const alto_tls *tls = self->tls;
    struct MHD_OptionItem secure[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)(tls ? tls->cert_pem : NULL)},
                                      {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)(tls ? tls->key_pem : NULL)},
                                      {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)alto_tls_priorities},
                                      {tls && tls->clients_pem ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
                                       (void *)(uintptr_t)(tls ? tls->clients_pem : NULL)},
                                      {MHD_OPTION_END, 0, NULL}};
    if (!tls)
        secure[0].option = MHD_OPTION_END;
    unsigned flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME | ONE_THREAD;
    return MHD_start_daemon(
        flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, self, MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
        whole_seconds(options->times.idle_ms), MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_URI_LOG_CALLBACK, on_uri, self, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, self, MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_ARRAY, secure,
        MHD_OPTION_END);
}

alto_http_engine *alto_http_engine_new(alto_http_engines *owner, const alto_tls *tls)
{
    engine *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->owner = owner;
    self->tls = tls ? alto_tls_retain(tls) : NULL;
    self->daemon = start_daemon(self, &owner->options);
    if (!self->daemon || engine_fd(self) < 0)
        alto_http_engine_destroy(&self);
    return self;
}

/* ---- those of a worker ---- */

alto_http_engines *alto_http_engines_new(const alto_http_engines_options *options)
{
    alto_http_engines *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->options = *options;
    self->guests.limits = options->limits;
    return self;
}

void alto_http_engines_destroy(alto_http_engines **self)
{
    alto_http_engines *gone = *self;
    if (!gone)
        return;
    *self = NULL;
    engine *missed = atomic_load(&gone->next_secure);
    alto_http_engine_destroy(&missed);
    alto_http_engine_destroy(&gone->plain);
    for (engine *older; gone->secure; gone->secure = older) {
        older = gone->secure->older;
        alto_http_engine_destroy(&gone->secure);
    }
    free(gone);
}

bool alto_http_engines_use(alto_http_engines *self, alto_http_engine *fresh)
{
    engine **newest = fresh->tls ? &self->secure : &self->plain;
    if (alto_http_lane_watch(self->options.lane, engine_fd(fresh)) != ALTO_OK) {
        alto_http_engine_destroy(&fresh);
        return false;
    }
    fresh->older = *newest;
    *newest = fresh;
    return true;
}

void alto_http_engines_offer(alto_http_engines *self, alto_http_engine *fresh)
{
    engine *missed = atomic_exchange(&self->next_secure, fresh);
    alto_http_engine_destroy(&missed);
}

/* MHD_add_connection() closes the descriptor when it cannot. */
void alto_http_engines_take(alto_http_engines *self, const alto_http_arrival *arrival)
{
    engine *to = arrival->secure ? self->secure : self->plain;
    self->arriving = arrival->client;
    MHD_add_connection(to->daemon, arrival->fd, arrival->peer, arrival->peer_size);
    alto_http_limits_leave(self->options.limits, self->arriving); /* it became no guest */
    self->arriving = NULL;
}

bool alto_http_engines_make_room(alto_http_engines *self, alto_http_limit why, uint64_t before_ms, uint64_t now_ms)
{
    return alto_http_guests_make_room(&self->guests, why, before_ms, now_ms);
}

/* How long libmicrohttpd lets us sleep: -1 for ever. */
static int engine_sleep_ms(const engine *self)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    return MHD_get_timeout(self->daemon, &timeout) != MHD_YES ? -1 : timeout > 60000 ? 60000 : (int)timeout;
}

static int sooner(int one, int other)
{
    return one < 0 || (other >= 0 && other < one) ? other : one;
}

int alto_http_engines_sleep_ms(const alto_http_engines *self)
{
    int wait = self->plain ? engine_sleep_ms(self->plain) : -1;
    for (const engine *at = self->secure; at; at = at->older)
        wait = sooner(wait, engine_sleep_ms(at));
    if (wait == 0 && self->begun == 0 && self->turns >= TURNS)
        return ALTO_HTTP_ENGINES_PAUSE_MS;
    return self->guests.oldest ? sooner(wait, LOOK_MS) : wait;
}

/* Engines with an old certificate and no connection any more. */
static void drop_unused(alto_http_engines *self)
{
    engine **link = self->secure ? &self->secure->older : &self->secure;
    while (*link) {
        engine *at = *link;
        if (at->connections) {
            link = &at->older;
            continue;
        }
        *link = at->older;
        alto_http_lane_unwatch(self->options.lane, engine_fd(at));
        alto_http_engine_destroy(&at);
    }
}

void alto_http_engines_run(alto_http_engines *self, bool news)
{
    self->turns = news ? 0 : self->turns + 1;
    if (self->plain)
        MHD_run(self->plain->daemon);
    for (engine *at = self->secure; at; at = at->older)
        MHD_run(at->daemon);
    drop_unused(self);
}

void alto_http_engines_end_late(alto_http_engines *self)
{
    uint64_t now_ms = self->guests.oldest ? alto_monotonic_ms() : 0;
    if (now_ms < self->look_ms)
        return;
    self->look_ms = now_ms + LOOK_MS;
    alto_http_guests_end_late(&self->guests, now_ms);
}

/* MHD_run() then puts them again. */
static void resume_waiting(alto_http_engines *self)
{
    for (request *next; self->waiting; self->waiting = next) {
        next = self->waiting->next;
        MHD_resume_connection(self->waiting->connection);
    }
}

void alto_http_engines_wake(alto_http_engines *self)
{
    engine *fresh = atomic_exchange(&self->next_secure, NULL);
    if (fresh && !alto_http_engines_use(self, fresh))
        alto_log(ALTO_LOG_ERROR, "http", "why=\"no memory for the new certificate\"");
    resume_waiting(self);
}

void alto_http_engines_stop(alto_http_engines *self)
{
    self->stopped = true;
    resume_waiting(self);
    alto_http_engines_run(self, true); /* also what was taken last */
}

size_t alto_http_engines_answering(const alto_http_engines *self)
{
    return self->open;
}
