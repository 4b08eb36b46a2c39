/* SPDX-License-Identifier: Apache-2.0 */
#include "io/push_waiting.h"

#include "core/limits.h"
#include "io/push_peers.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { MAX_UNFINISHED = 2 * ALTO_MAX_FRAME }; /* bytes of a message that has not ended */

/* Bytes that libzmq has read from a connection so far; 0 when the kernel does not tell. */
static uint64_t bytes_read(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int unread = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 || ioctl(fd, FIONREAD, &unread) < 0)
        return 0;
    uint64_t received = info.tcpi_bytes_received, waiting = (uint64_t)unread;
    return received > waiting ? received - waiting : 0;
}

void alto_push_waiting_begin(alto_push_waiting *self, int fd)
{
    self->fd = fd;
    self->came = self->bytes_mark = 0;
}

void alto_push_waiting_look(alto_push_waiting *self, uint64_t now_ms)
{
    uint64_t bytes = self->fd >= 0 ? bytes_read(self->fd) : 0, before = self->came;
    if (self->messages != self->messages_seen) {
        self->messages_seen = self->messages;
        self->bytes_mark = bytes;
    }
    self->came = bytes > before ? bytes : before;
    self->waiting += self->came - before;
    self->waiting = self->waiting > self->taken ? self->waiting - self->taken : 0;
    self->taken = 0;
    if (self->emptied) {
        self->waiting = 0;
        self->emptied_ms = now_ms;
    }
    self->emptied = false;
}

bool alto_push_waiting_is_unfinished(const alto_push_waiting *self)
{
    return self->came > self->bytes_mark + MAX_UNFINISHED;
}

bool alto_push_waiting_is_too_much(const alto_push_waiting *self, uint64_t now_ms)
{
    bool counted = self->fd < 0 || self->came; /* not over ipc */
    return self->waiting > ALTO_PUSH_MAX_WAITING || (!counted && now_ms - self->emptied_ms > ALTO_PUSH_STALLED_MS);
}
