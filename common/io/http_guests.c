/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_guests.h"

#include <sys/socket.h>

static void link_newest(alto_http_guests *self, alto_http_guest *guest)
{
    guest->newer = NULL;
    guest->older = self->newest;
    *(self->newest ? &self->newest->newer : &self->oldest) = guest;
    self->newest = guest;
}

void alto_http_guests_add(alto_http_guests *self, alto_http_guest *guest)
{
    link_newest(self, guest);
    guest->silent = true;
    guest->ended = false;
    alto_http_guests_wait(guest);
}

void alto_http_guests_remove(alto_http_guests *self, alto_http_guest *guest)
{
    *(guest->older ? &guest->older->newer : &self->oldest) = guest->newer;
    *(guest->newer ? &guest->newer->older : &self->newest) = guest->older;
}

void alto_http_guests_expect(alto_http_guests *self, alto_http_guest *guest, alto_http_limit late, uint64_t now_ms,
                             uint64_t limit_ms)
{
    alto_http_guests_remove(self, guest);
    link_newest(self, guest);
    guest->late = late;
    guest->silent = guest->silent && late == ALTO_HTTP_HEAD_TIME;
    guest->since_ms = now_ms;
    guest->by_ms = now_ms + limit_ms;
}

void alto_http_guests_wait(alto_http_guest *guest)
{
    guest->by_ms = UINT64_MAX;
}

static bool idles(const alto_http_guest *guest)
{
    return !guest->ended && guest->by_ms != UINT64_MAX && guest->late == ALTO_HTTP_HEAD_TIME;
}

static void end(alto_http_guests *self, alto_http_guest *guest, alto_http_limit why, uint64_t now_ms)
{
    guest->ended = true;
    shutdown(guest->fd, SHUT_RDWR);
    alto_http_limits_count(self->limits, why, guest->peer, now_ms);
}

void alto_http_guests_end_late(alto_http_guests *self, uint64_t now_ms)
{
    for (alto_http_guest *at = self->oldest; at; at = at->newer)
        if (!at->ended && at->by_ms <= now_ms)
            end(self, at, at->late, now_ms);
}

bool alto_http_guests_make_room(alto_http_guests *self, alto_http_limit why, uint64_t before_ms, uint64_t now_ms)
{
    alto_http_guest *longest = self->oldest;
    while (longest && !idles(longest))
        longest = longest->newer;
    if (!longest || longest->since_ms >= before_ms)
        return false;
    end(self, longest, why, now_ms);
    return true;
}
