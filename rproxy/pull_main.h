/* SPDX-License-Identifier: Apache-2.0 */
/* pull_main.h - alto-rproxy --pull URL: its command line, beside that of an rproxy which follows something signed.
 *
 * Threads: the main thread. */
#ifndef PULL_MAIN_H
#define PULL_MAIN_H

#include <stdbool.h>

/* Is there a --pull on the command line? */
bool pull_main_wanted(int argc, char **argv);
/* Run until a signal; the exit code. */
int pull_main(int argc, char **argv);

#endif
