/* SPDX-License-Identifier: Apache-2.0 */
/* push.h - ZeroMQ publish and subscribe; push.c is the only file that knows libzmq, with push_zap.c.
 *
 * Messages are lists of frames; the first is the topic. PUB drops for a slow peer, and that is right: pull repairs.
 * Never XPUB_NODROP, never CONFLATE. What others may cost us:
 *
 *   sender, each TCP peer   push_peers.h: bytes that wait for it, bytes and subscriptions from it; and how many there are
 *   sender, each ipc peer   1,000 messages that wait for it
 *   sender, multicast       1,000 messages that wait for the rate; one second of the rate, kept to be repeated
 *   receiver                8 MiB that wait to be handled, then all of it is dropped; 2.2 MB of a message that does not end;
 *                           of multicast 10,000 messages
 *   both                    64 bytes of a frame from a subscriber (1,024 where it is encrypted), ALTO_MAX_FRAME from a
 *                           publisher; a peer that answers no heartbeat for 6 s (asked every 2 s) is gone
 *
 * One libzmq context serves the whole process; it is made for the first object and ends with the last. A sender with a list
 * of its peers has a context and a thread of its own beside that (push_zap.h).
 *
 * Encrypted (CURVE) is what tcp:// and ipc:// carry, where a key is given: then nobody gets anything in the clear, or is told
 * anything by somebody else. The reader of a group has no such means: epgm:// is never encrypted.
 *
 * Threads: each object belongs to the thread of its loop. Each has a thread of its own inside, which looks at connections
 * also while that of the loop is busy, and calls nobody (but the log). */
#ifndef ALTO_PUSH_H
#define ALTO_PUSH_H

#include "core/bytes.h"
#include "core/limits.h"
#include "io/loop.h"
#include "io/push_endpoint.h"
#include "io/push_gate.h"

#define ALTO_PUSH_FRAMES 4           /* most frames in a message */
#define ALTO_PUSH_MULTICAST_MBIT 100 /* unless said otherwise */
#define ALTO_PUSH_MAX_MBIT 1000      /* of multicast */
#define ALTO_PUSH_SILENCE_MS 16000   /* multicast without a message for so long, three heads, is taken for lost */

/* ---- sending ---- */
typedef struct alto_push_sender alto_push_sender;
/* Bind to one or more endpoints ("tcp://127.0.0.1:5670", "tcp://[::1]:5670", "ipc://path"; port 0 or * picks a free one;
 * "epgm://192.0.2.1;239.192.1.1:5670": from that address of this machine to that IPv4 group).
 * multicast_mbit  Mbit/s for each group, 1 to ALTO_PUSH_MAX_MBIT; what exceeds it waits, then is dropped.
 * gate            encrypt, for those whom it lets in; it must outlive the sender. NULL: in the clear
 * Errors: ALTO_CONFIG (not an endpoint, libzmq lacks multicast or CURVE, or a group that the gate does not allow), ALTO_IO (cannot bind; the error says why and what to
 * do), ALTO_NO_MEMORY. */
alto_status alto_push_sender_new(alto_loop *loop, const char *const *endpoints, size_t count, unsigned multicast_mbit,
                                 alto_push_gate *gate, alto_push_sender **out, alto_error *error);
void alto_push_sender_destroy(alto_push_sender **self); /* lingers at most 500 ms for what is under way */
/* The endpoint bound for endpoints[index], with the real port. */
const char *alto_push_sender_endpoint(const alto_push_sender *self, size_t index);
/* Send to whoever subscribed to a prefix of frames[0]. Copies. Never blocks. */
alto_status alto_push_send(alto_push_sender *self, const alto_slice *frames, size_t count);
/* The gate lists others now: connections of those who are not listed any more are cut off, and those that have not subscribed
 * yet (it is not known whose they are), which may come again. */
void alto_push_sender_recheck(alto_push_sender *self);
/* The gate has another key pair now: all endpoints are bound anew with that, at the same addresses, and whoever came with the
 * old one is cut off, and may come again. A TCP port goes on listening meanwhile. Blocks until they are gone,
 * mostly for some ms, and for 1.1 s at most. Errors: ALTO_IO (an endpoint cannot be bound anew, and nobody can come there; the others are). */
alto_status alto_push_sender_rekey(alto_push_sender *self, alto_error *error);
/* Messages and bytes handed to libzmq; TCP and ipc connections now, and those cut off so far, for whatever reason; the
 * subscriptions of all peers now (one topic of two peers is two); how many were one too many, for one peer or for all
 * together: such a peer is cut off (it may connect again), for libzmq has no cheap way to refuse. */
typedef struct {
    uint64_t messages_sent, bytes_sent, peers, peers_cut_off, subscriptions, subscriptions_refused;
} alto_push_counts;
alto_push_counts alto_push_sender_counts(alto_push_sender *self);

/* ---- receiving ---- */
typedef struct alto_push_receiver alto_push_receiver;
typedef void alto_push_fn(void *context, const alto_slice *frames, size_t count); /* frames borrowed during the call */
/* For whom an encrypted publisher is to take us, and whom we believe to be it. */
typedef struct {
    const alto_curve_pair *own; /* must outlive the receiver */
    alto_curve_key publisher;
} alto_push_curve;
/* Can a receiver be made for this endpoint? Errors: ALTO_CONFIG (not an endpoint, a group that is to be encrypted, or libzmq
 * lacks multicast or CURVE), ALTO_IO (this machine has no such address now). */
alto_status alto_push_check_endpoint(const char *endpoint, bool encrypted, alto_error *error);
/* Connect to one endpoint, or listen to a group; libzmq reconnects by itself. A host name that has IPv4 and IPv6 addresses
 * means IPv6 ("localhost": IPv4). `received` is called in the loop's thread for each whole message of at most
 * ALTO_PUSH_FRAMES frames; others are dropped and counted. Only some messages are handled in a turn of the loop, so that
 * other events get theirs. A publisher whose message does not end, or that sends 8 MiB more than is handled, is cut off,
 * with a line of log, and tried again; what waits then is dropped.
 * curve  only from that publisher, encrypted, so never of a group; copied. NULL: in the clear
 * Errors: as alto_push_check_endpoint; ALTO_NO_MEMORY. */
alto_status alto_push_receiver_new(alto_loop *loop, const char *endpoint, const alto_push_curve *curve,
                                   alto_push_fn *received, void *context, alto_push_receiver **out, alto_error *error);
void alto_push_receiver_destroy(alto_push_receiver **self); /* not from inside `received` */
alto_status alto_push_subscribe(alto_push_receiver *self, alto_slice topic);
alto_status alto_push_unsubscribe(alto_push_receiver *self, alto_slice topic);
/* Is there a ZMTP connection now? Known from a socket monitor. A multicast group has no connection: was a message heard in
 * the last ALTO_PUSH_SILENCE_MS? What was lost for longer than libzmq can repeat it may end reception for good, so a
 * receiver that is not connected after it was is best made anew. */
bool alto_push_connected(const alto_push_receiver *self);
/* Has the publisher refused us, or does it encrypt where we do not, or we where it does not? True from the first handshake
 * that failed to the next one that did not. */
bool alto_push_refused(const alto_push_receiver *self);
/* How many connections there have been, this one included: between two of them messages were lost. 0 for multicast. */
uint64_t alto_push_connections(const alto_push_receiver *self);
/* Messages dropped because they had more than ALTO_PUSH_FRAMES frames, or too much waited. */
uint64_t alto_push_dropped(const alto_push_receiver *self);

#endif
