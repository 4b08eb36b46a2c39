/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push_endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

bool alto_push_is_tcp(const char *endpoint)
{
    return strncmp(endpoint, "tcp://", 6) == 0;
}

bool alto_push_is_multicast(const char *endpoint)
{
    return strncmp(endpoint, "epgm://", 7) == 0;
}

/* The IPv4 address in `size` bytes of text. */
static bool parse_ipv4(const char *text, size_t size, struct in_addr *out)
{
    char copy[INET_ADDRSTRLEN];
    if (size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = 0;
    return inet_pton(AF_INET, copy, out) == 1;
}

/* "ADDRESS;GROUP:PORT"; local: the address. */
static bool parse_multicast(const char *text, struct in_addr *local)
{
    const char *group = strchr(text, ';'), *colon = strrchr(text, ':');
    struct in_addr parsed;
    return group && colon > group && parse_ipv4(text, (size_t)(group - text), local) &&
           parse_ipv4(group + 1, (size_t)(colon - group) - 1, &parsed) && IN_MULTICAST(ntohl(parsed.s_addr)) &&
           valid_tcp(group + 1, false);
}

static bool is_address_of_ours(struct in_addr address)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr = address};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ours = fd >= 0 && address.s_addr != INADDR_ANY && bind(fd, (struct sockaddr *)&local, sizeof local) == 0;
    if (fd >= 0)
        close(fd);
    return ours;
}

bool alto_push_endpoint_is_local(const char *endpoint)
{
    struct in_addr local;
    return parse_multicast(endpoint + 7, &local) && is_address_of_ours(local);
}

bool alto_push_endpoint_valid(const char *endpoint, bool to_bind)
{
    if (strlen(endpoint) >= ALTO_PUSH_ENDPOINT_SIZE)
        return false;
    if (alto_push_is_tcp(endpoint))
        return valid_tcp(endpoint + 6, to_bind);
    if (alto_push_is_multicast(endpoint))
        return parse_multicast(endpoint + 7, &(struct in_addr){0});
    return strncmp(endpoint, "ipc://", 6) == 0 && endpoint[6];
}

bool alto_push_endpoint_wants_ipv6(const char *endpoint, bool to_bind)
{
    if (alto_push_is_multicast(endpoint))
        return false;
    const char *address = endpoint + strlen("tcp://");
    bool literal = address[0] == '[';
    bool name =
        !to_bind && strspn(address, "0123456789.:") < strlen(address) && strncmp(address, "localhost:", 10) != 0;
    return literal || name || address[0] == '*';
}
