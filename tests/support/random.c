/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

test_random test_random_make(uint64_t fallback)
{
    const char *text = getenv("ALTO_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : fallback;
    printf("  seed %llu\n", (unsigned long long)seed);
    return (test_random){seed};
}

/* splitmix64 */
uint64_t test_random_next(test_random *self)
{
    uint64_t mixed = self->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint64_t test_random_below(test_random *self, uint64_t bound)
{
    return test_random_next(self) % bound;
}
