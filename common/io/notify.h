/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - POST /notify: whoever knows a key may have the source of an origin looked at at once.
 *
 * Threads: alto_notify_answer may run in several threads at once; all else belongs to the thread of the loop. */
#ifndef ALTO_NOTIFY_H
#define ALTO_NOTIFY_H

#include "io/http_message.h"
#include "io/loop.h"

#define ALTO_NOTIFY_PATH "/notify"

typedef struct alto_notify alto_notify;
/* `called` is called from the loop after requests that were accepted; several may become one call. Takes the loop's
 * alto_loop_on_wake. key: what a request has to bear ("Authorization: Bearer KEY"); not kept. NULL: out of memory. */
alto_notify *alto_notify_new(alto_loop *loop, alto_slice key, alto_loop_fn *called, void *context);
void alto_notify_destroy(alto_notify **self);

/* Answer a request to ALTO_NOTIFY_PATH: 202, or 401 without the key; its body does not count. */
void alto_notify_answer(const alto_notify *self, const alto_http_request *request, alto_http_answer *answer);

#endif
