/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over a connection, with its two parsers: our own for what is plain and whole, libmicrohttpd's for all else. What the
 * first one takes is understood by the other in the same way, when it comes in two parts; whatever comes, what is answered is HTTP, and
 * the next one is served.
 *
 * Longest input: 1024. Dictionary: http. */
#include "core/http_plain.h"
#include "fuzz.h"
#include "io/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 5, SHORT_MS = 5, ROOM = 65536 };

static alto_http_server *server; /* made once */
static struct sockaddr_in address;

/* Tell what was understood. */
static void answer_request(void *context, const alto_http_request *request, alto_http_answer *answer)
{
    (void)context;
    alto_buffer text = alto_buffer_make(ROOM);
    const char *const heard[] = {request->method,        request->path,   request->query,
                                 request->if_none_match, request->accept, request->accept_encoding,
                                 request->content_type};
    for (size_t i = 0; i < sizeof heard / sizeof heard[0]; i++)
        alto_buffer_print(&text, "%s|", heard[i] ? heard[i] : "(none)");
    bool post = strcmp(request->method, "POST") == 0;
    alto_buffer_print(&text, "%s|", post && request->authorization ? request->authorization : "(none)");
    alto_buffer_add_slice(&text, request->body);
    answer->status = 200;
    alto_http_take_body(answer, &text);
}

static void prepare(void)
{
    if (server)
        return;
    alto_error error;
    const alto_http_options options = {.address = "127.0.0.1:0", .threads = 1};
    fuzz_check(alto_http_server_new(&options, answer_request, NULL, &server, &error) == ALTO_OK);
    const char *port = strrchr(alto_http_server_address(server), ':');
    address = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10)),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int dial(void)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const struct linger reset = {.l_onoff = 1}; /* no port is to wait for what may still come */
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fuzz_check(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void say(int fd, alto_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t size = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (size <= 0)
            return; /* it has ended the connection */
        bytes = alto_slice_of(bytes.data + size, bytes.size - (size_t)size);
    }
}

/* Hear until `whole` says that it is enough, or the end. */
typedef bool whole_fn(const alto_buffer *heard);

static void hear(int fd, whole_fn *whole, alto_buffer *heard)
{
    char bytes[4096];
    while (!whole(heard)) {
        ssize_t size = recv(fd, bytes, sizeof bytes, 0);
        fuzz_check(size >= 0 || errno == ECONNRESET); /* not: it took too long */
        if (size <= 0)
            return;
        alto_buffer_add(heard, bytes, (size_t)size);
    }
}

/* The body of an answer; false: it is not whole. */
static bool body_of(const alto_buffer *heard, alto_slice *body)
{
    const char *end = heard->size > 0 ? memmem(heard->data, heard->size, "\r\n\r\n", 4) : NULL;
    const char *length = end ? memmem(heard->data, heard->size, "\r\nContent-Length: ", 18) : NULL;
    if (!end || !length || length > end)
        return false;
    size_t begin = (size_t)(end + 4 - (const char *)heard->data), size = strtoul(length + 18, NULL, 10);
    *body = alto_slice_of(heard->data + begin, size);
    return heard->size - begin >= size;
}

static bool is_whole(const alto_buffer *heard)
{
    alto_slice body;
    return body_of(heard, &body);
}

static bool head_is_whole(const alto_buffer *heard)
{
    return heard->size > 0 && memmem(heard->data, heard->size, "\r\n\r\n", 4);
}

/* ---- what has to be so ---- */

static bool is_plain(alto_slice bytes, bool *head)
{
    alto_reader copy = alto_reader_make(bytes);
    alto_slice own = fuzz_rest(&copy);
    alto_http_plain plain;
    bool found = alto_http_plain_parse((char *)(uintptr_t)own.data, own.size, &plain);
    *head = found && strcmp(plain.method, "HEAD") == 0;
    return found;
}

static void ask(alto_slice bytes, size_t cut, bool head, alto_buffer *heard)
{
    int fd = dial();
    say(fd, alto_slice_of(bytes.data, cut));
    if (cut < bytes.size) {
        usleep(200); /* most of the time it has looked by then; if not, the test is an easier one */
        say(fd, alto_slice_of(bytes.data + cut, bytes.size - cut));
    }
    hear(fd, head ? head_is_whole : is_whole, heard);
    close(fd);
}

static size_t told_size(const alto_buffer *heard)
{
    const char *length = memmem(heard->data, heard->size, "\r\nContent-Length: ", 18);
    return length ? strtoul(length + 18, NULL, 10) : 0;
}

static void check_plain(alto_slice bytes, size_t cut, bool head)
{
    alto_buffer whole = alto_buffer_make(ROOM), parts = alto_buffer_make(ROOM);
    alto_slice one = {NULL, 0}, other = {NULL, 0};
    ask(bytes, bytes.size, head, &whole);
    ask(bytes, cut, head, &parts);
    fuzz_check(whole.size > 12 && parts.size > 12 && memcmp(whole.data, parts.data, 12) == 0); /* HTTP/1.1 200 */
    if (head)
        fuzz_check(told_size(&whole) == told_size(&parts));
    else
        fuzz_check(body_of(&whole, &one) && body_of(&parts, &other) && alto_slice_equal(one, other));
    alto_buffer_fini(&whole);
    alto_buffer_fini(&parts);
}

/* Nobody knows whether it is a whole request, so the answer is not waited for for long. */
static void check_any(alto_slice bytes, size_t cut)
{
    char heard[4096];
    int fd = dial();
    say(fd, alto_slice_of(bytes.data, cut));
    say(fd, alto_slice_of(bytes.data + cut, bytes.size - cut));
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    ssize_t size = poll(&ready, 1, SHORT_MS) == 1 ? recv(fd, heard, sizeof heard, 0) : 0;
    fuzz_check(size <= 0 || (size > 8 && memcmp(heard, "HTTP/1.", 7) == 0));
    close(fd);
}

void fuzz_one(alto_slice input)
{
    prepare();
    alto_reader in = alto_reader_make(input);
    size_t cut = fuzz_below(&in, 65536);
    alto_slice bytes = fuzz_rest(&in);
    bool head;
    if (is_plain(bytes, &head))
        check_plain(bytes, 1 + cut % (bytes.size - 1), head);
    else
        check_any(bytes, cut % (bytes.size + 1));
}
