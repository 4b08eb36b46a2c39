/* SPDX-License-Identifier: Apache-2.0 */
/* push_peers.h - the connections of subscribers to a push sender: what each has asked for, what it sends, what it does not
 * take, and who is cut off for it. push.c tells of them by descriptor; this module asks the kernel and knows no libzmq.
 *
 * What one TCP peer may cost (docs/operations.md, "Push: limits"): subscriptions of 32 KiB (1,820 topics), and 4 MiB of all
 * together; 1 MiB sent to us and 1 KiB more each second, 1 MiB of all together not handled yet; 8 MiB of messages waiting for it, none of it taken for 10 s.
 * Of peers that have never asked for anything a quarter of the connections is enough: they may be half-open.
 * Peers on ipc:// are of this machine: only their subscriptions are counted.
 *
 * Threads: none inside. */
#ifndef ALTO_PUSH_PEERS_H
#define ALTO_PUSH_PEERS_H

#include "io/push_endpoint.h"

#include <stdint.h>

#define ALTO_PUSH_MAX_WAITING 8388608 /* bytes that may wait for one peer */
#define ALTO_PUSH_STALLED_MS 10000    /* a peer that takes nothing of what waits for so long is given up */
#define ALTO_PUSH_MAX_PEERS 8192      /* and at most half of the descriptors that the process may have */

typedef struct alto_push_peers alto_push_peers;

/* `endpoints` (borrowed) tells descriptors of ours from others. Raises the process's soft limit of descriptors to the hard
 * one. NULL: out of memory. */
alto_push_peers *alto_push_peers_new(const alto_push_endpoints *endpoints);
void alto_push_peers_destroy(alto_push_peers **self); /* closes nothing */

/* A connection was accepted, has ended. A peer too many is cut off. So is, when there are many that never subscribed, the
 * one of these that has been there longest, unless that is less than a second. */
void alto_push_peers_accepted(alto_push_peers *self, int fd, uint64_t now_ms);
void alto_push_peers_gone(alto_push_peers *self, int fd);

/* A peer subscribed, unsubscribed; `size` bytes of topic. -1 and strangers are ignored. */
void alto_push_peers_subscribed(alto_push_peers *self, int fd, size_t size);
void alto_push_peers_unsubscribed(alto_push_peers *self, int fd, size_t size);

/* It proved to be that user: a name as ALTO_CURVE_KEY_TEXT has room for. */
#define ALTO_PUSH_USER_SIZE 41 /* with NUL */
void alto_push_peers_is(alto_push_peers *self, int fd, const char *user);
/* Cut off whoever is not allowed any more, and whoever has not said yet who it is: it may come again. */
typedef bool alto_push_peers_allowed_fn(void *context, const char *user);
void alto_push_peers_recheck(alto_push_peers *self, alto_push_peers_allowed_fn *allowed, void *context);
/* Cut off everybody who is there; all may come again. How many are there still. */
uint64_t alto_push_peers_cut_all(alto_push_peers *self, const char *why);

/* End a connection, with a line of log. Whoever owns the descriptor notices, and alto_push_peers_gone follows. */
void alto_push_peers_cut(alto_push_peers *self, int fd, const char *why);

/* All that came from them so far has been handled. To be said each time that it is so, and 10 times a second. */
void alto_push_peers_handled(alto_push_peers *self);
/* Do more than 1 MiB from all together wait to be handled? Then nobody new is let in, and alto_push_peers_guard, to be called
 * each ms, cuts off whoever had a share in it. */
bool alto_push_peers_flood(const alto_push_peers *self);

/* Cut off whoever sends too much or takes too little. sent_bytes: all that was handed to the sender so far; each peer is
 * judged as if it followed all of it. To be called some 50 times a second, and each time that a quarter of
 * ALTO_PUSH_MAX_WAITING was sent. */
void alto_push_peers_guard(alto_push_peers *self, uint64_t now_ms, uint64_t sent_bytes);

/* How many peers over TCP have not taken all that the kernel holds for them? cut: end their connections. */
uint64_t alto_push_peers_behind(alto_push_peers *self, bool cut);

typedef struct {
    uint64_t open, subscriptions, subscriptions_refused, cut_off;
} alto_push_peer_counts;
alto_push_peer_counts alto_push_peers_counts(const alto_push_peers *self);

/* Reset a connection that libzmq owns, with a line of log: libzmq notices, and closes the descriptor. */
void alto_push_cut(int fd, const char *event, const char *why);

#endif
