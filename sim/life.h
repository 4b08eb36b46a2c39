/* SPDX-License-Identifier: Apache-2.0 */
/* life.h - what happens in the simulated ISP, one event at a time: links fail,
 * recover and are reweighted, aggregation gets congested, prefixes are renumbered, PIDs
 * appear and disappear. The core is never cut in two. Threads: none inside. */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include "isp.h"

#define LIFE_WORDS 256 /* bytes of an event in words, NUL included */

/* Let the next event happen, settle the costs, and say in words what it was ("link
 * Zurich-Milan fails"). The same seed gives the same life. */
void life_step(isp *self, char words[LIFE_WORDS]);

#endif
