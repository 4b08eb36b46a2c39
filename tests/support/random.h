/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - repeatable randomness for tests: the seed is printed, and ALTO_SEED sets it. */
#ifndef TEST_RANDOM_H
#define TEST_RANDOM_H

#include <stdint.h>

typedef struct {
    uint64_t state;
} test_random;

/* From ALTO_SEED, else `fallback`; prints "seed N". */
test_random test_random_make(uint64_t fallback);
uint64_t test_random_next(test_random *self);
/* 0 <= result < bound; bound > 0. */
uint64_t test_random_below(test_random *self, uint64_t bound);

#endif
