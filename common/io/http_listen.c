/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 511 };

typedef struct {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
    socklen_t size;
} endpoint;

static bool parse_port(const char *text, in_port_t *port)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || value > 65535)
        return false;
    *port = htons((uint16_t)value);
    return true;
}

static bool parse_address(const char *address, endpoint *out)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(address, ':');
    *out = (endpoint){.size = 0};
    if (!colon || address == colon)
        return false;
    bool six = address[0] == '[' && colon[-1] == ']';
    const char *begin = address + six, *end = colon - six;
    if (end <= begin || (size_t)(end - begin) >= sizeof host)
        return false;
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = 0;
    if (six) {
        out->in6.sin6_family = AF_INET6;
        out->size = sizeof out->in6;
        return inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1 && parse_port(colon + 1, &out->in6.sin6_port);
    }
    out->in.sin_family = AF_INET;
    out->size = sizeof out->in;
    return inet_pton(AF_INET, host, &out->in.sin_addr) == 1 && parse_port(colon + 1, &out->in.sin_port);
}

static int set_option(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on);
}

/* A listening socket, or -1 with errno. The first one is bound alone, so that a process that has the port already
 * makes it fail; only then others of ours may join. */
static int listen_at(const endpoint *at, bool first)
{
    int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR) == 0 &&
        (at->any.sa_family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0) &&
        (first || set_option(fd, SOL_SOCKET, SO_REUSEPORT) == 0) && bind(fd, &at->any, at->size) == 0 &&
        listen(fd, BACKLOG) == 0 && (!first || set_option(fd, SOL_SOCKET, SO_REUSEPORT) == 0))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static alto_status fail_to_listen(alto_error *error, const char *address, int number)
{
    const char *advice = "";
    switch (number) {
    case EADDRINUSE:
        advice = ": another process listens there; stop it, or choose another port (0 picks a free one)";
        break;
    case EACCES:
        advice = ": ports below 1024 are for privileged processes; choose a higher one";
        break;
    case EADDRNOTAVAIL:
        advice = ": this machine has no such address; choose one of its own, or 0.0.0.0 or [::] for all";
        break;
    case EAFNOSUPPORT:
        advice = ": this machine has no IPv6; choose an IPv4 address";
        break;
    case EMFILE:
    case ENFILE:
        advice = ": raise the limit of open files (ulimit -n)";
        break;
    default:
        break;
    }
    return alto_fail(error, ALTO_IO, address, "cannot listen: %s%s", strerror(number), advice);
}

static bool learn_address(int fd, endpoint *at, char text[ALTO_HTTP_PEER_TEXT])
{
    at->size = sizeof at->in6;
    if (getsockname(fd, &at->any, &at->size) != 0)
        return false;
    alto_http_peer_text(&at->any, text);
    return true;
}

alto_status alto_http_listen(const char *address, int *fds, size_t count, char text[ALTO_HTTP_PEER_TEXT],
                             alto_error *error)
{
    endpoint at;
    for (size_t i = 0; i < count; i++)
        fds[i] = -1;
    if (!parse_address(address, &at))
        return alto_fail(error, ALTO_CONFIG, address, "not an address: write 127.0.0.1:8670 or [::1]:8670");
    for (size_t i = 0; i < count; i++) {
        fds[i] = listen_at(&at, i == 0);
        if (fds[i] < 0 || (i == 0 && !learn_address(fds[0], &at, text)))
            return fail_to_listen(error, address, errno);
    }
    return ALTO_OK;
}
