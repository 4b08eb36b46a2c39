/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - a small generator of numbers that are the same on every machine
 * for the same seed. Not for secrets. Threads: none inside. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} sim_random;

/* The next 64 bits (a Weyl sequence, scrambled by two multiplications). */
static inline uint64_t sim_random_next(sim_random *self)
{
    self->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = self->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* 0 .. bound - 1; bound is not 0. The bias is beyond what a simulation sees. */
static inline size_t sim_random_below(sim_random *self, size_t bound)
{
    return (size_t)(sim_random_next(self) % bound);
}

/* low .. high, both included. */
static inline int32_t sim_random_between(sim_random *self, int32_t low, int32_t high)
{
    return low + (int32_t)sim_random_below(self, (size_t)(high - low) + 1);
}

#endif
