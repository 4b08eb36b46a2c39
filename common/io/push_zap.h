/* SPDX-License-Identifier: Apache-2.0 */
/* push_zap.h - ZAP (ZeroMQ RFC 27): libzmq asks for each handshake whether the peer may come, and a gate answers. Knows
 * libzmq, as push.c does, and nothing else does.
 *
 * Threads: one of its own, which answers also while that of the loop is busy; the functions belong to the loop's. */
#ifndef ALTO_PUSH_ZAP_H
#define ALTO_PUSH_ZAP_H

#include "io/push_gate.h"

/* A libzmq context of its own, for one socket whose peers the gate judges: a context has one such place only. */
typedef struct alto_push_zap alto_push_zap;
alto_push_zap *alto_push_zap_new(alto_push_gate *gate); /* the gate must outlive it. NULL: out of memory or threads */
/* Ends the context, whose sockets must have been closed; lingers as these want. NULL is accepted. */
void alto_push_zap_destroy(alto_push_zap **self);
void *alto_push_zap_context(const alto_push_zap *self);
#define ALTO_PUSH_ZAP_DOMAIN "altocast" /* what the socket has to have for ZMQ_ZAP_DOMAIN */

#endif
