/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - files and keys that tests begin with. Needs cmocka_all.h before it. */
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include "core/crypto.h"

/* The whole file of at most 1 MiB, for the caller to end; empty when it is not there. */
alto_buffer test_file(const char *path);
/* The example of a standard with that name; empty, and said so, where the examples are not. */
alto_buffer test_example(const char *name);

/* The key whose seed is 32 times that byte, for the caller to destroy; fails the test rather than returning NULL. */
alto_signing_key *test_key(uint8_t byte);

#endif
