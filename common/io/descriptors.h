/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.h - how many files and sockets the process may have open. Threads: any. */
#ifndef ALTO_DESCRIPTORS_H
#define ALTO_DESCRIPTORS_H

#include <stdint.h>

/* So many at a time. The soft limit is raised to the hard one by that. */
uint64_t alto_descriptors(void);

#endif
