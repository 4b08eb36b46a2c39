/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - a loopback of one's own for what is measured over TCP. */
#ifndef BENCH_NETWORK_H
#define BENCH_NETWORK_H

#include <stddef.h>

/* Where a machine's TCP paces what it sends (bbr), each packet waits for a timer of its own: in a virtual machine that costs more than
 * all that is compared, and how often it happens is chance. So this process and its children get a network namespace
 * whose TCP does not pace, if they may. `words`: what it is measured over, for people. Before there are other threads. */
void bench_network_apart(char *words, size_t room);

#endif
