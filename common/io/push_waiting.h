/* SPDX-License-Identifier: Apache-2.0 */
/* push_waiting.h - how much came from a publisher and was not taken yet. libzmq does not tell, so it is reckoned: the kernel says what was
 * read from the connection, the receiver what it took.
 *
 * Threads: none inside. */
#ifndef ALTO_PUSH_WAITING_H
#define ALTO_PUSH_WAITING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int fd;                 /* of the connection; -1 when there is none */
    bool emptied;           /* nothing waited, at a time after the last look ... */
    uint64_t emptied_ms;    /* ... and when that look heard of it */
    uint64_t messages;      /* taken, whole */
    uint64_t taken;         /* bytes of messages taken since the last look */
    uint64_t came;          /* bytes that had come by this connection at that look */
    uint64_t messages_seen; /* `messages` at that look */
    uint64_t bytes_mark;    /* bytes that had come when a message was last seen to have been taken */
    uint64_t waiting;       /* bytes that came and were not taken, at most; by this connection and those before */
} alto_push_waiting;

/* There is a connection. At first there is none (fd -1), and nothing waits (emptied). */
void alto_push_waiting_begin(alto_push_waiting *self, int fd);
/* Bring up to date what may wait. */
void alto_push_waiting_look(alto_push_waiting *self, uint64_t now_ms);
/* Did so much come since a message was taken that, if there is none, one does not end? */
bool alto_push_waiting_is_unfinished(const alto_push_waiting *self);
/* Does more wait than may? */
bool alto_push_waiting_is_too_much(const alto_push_waiting *self, uint64_t now_ms);

#endif
