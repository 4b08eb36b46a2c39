/* SPDX-License-Identifier: Apache-2.0 */
/* admission.h - how many large transfers go out at a time, in number and in bytes; who comes beyond that is told to come again.
 *
 * A transfer counts until it ends, but no longer than it would take at ALTO_ADMIT_PACE: so slow readers cannot keep all others out.
 *
 * Threads: any. */
#ifndef ALTO_ADMISSION_H
#define ALTO_ADMISSION_H

#include <stdint.h>

#define ALTO_ADMIT_TRANSFERS 64
#define ALTO_ADMIT_BYTES 2147483648 /* of all together; one alone is always admitted */
#define ALTO_ADMIT_PACE 262144      /* bytes a second; below it a transfer counts for */
#define ALTO_ADMIT_GRACE_MS 5000    /* so long, and its size at that pace */

typedef struct alto_admission alto_admission;

alto_admission *alto_admission_new(void); /* NULL: out of memory */
void alto_admission_destroy(alto_admission **self);

/* Ask for a transfer of so many bytes. Returns a ticket for alto_admission_leave; 0: come again. */
uint64_t alto_admission_enter(alto_admission *self, uint64_t bytes, uint64_t now_ms);
void alto_admission_leave(alto_admission *self, uint64_t ticket);

/* Somebody was told to come again; how often that was so. */
void alto_admission_count_refused(alto_admission *self);
uint64_t alto_admission_refused(const alto_admission *self);

#endif
