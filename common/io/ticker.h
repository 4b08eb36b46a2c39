/* SPDX-License-Identifier: Apache-2.0 */
/* ticker.h - a thread that looks at something again and again, also while the thread of the loop is busy.
 *
 * Threads: made and destroyed in one thread; `look` is called in the ticker's own, which takes no signals. */
#ifndef ALTO_TICKER_H
#define ALTO_TICKER_H

#include <stdint.h>

typedef struct alto_ticker alto_ticker;
typedef uint64_t alto_ticker_fn(void *context); /* ms until it is to be called again */

alto_ticker *alto_ticker_new(alto_ticker_fn *look, void *context); /* calls at once; NULL: out of memory or threads */
/* Returns when `look` runs no more; so hold no lock that it takes. NULL is accepted. */
void alto_ticker_destroy(alto_ticker **self);

#endif
