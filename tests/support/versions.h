/* SPDX-License-Identifier: Apache-2.0 */
/* versions.h - versions for tests: small ones by hand, random ones of every kind. All fail the test
 * rather than returning an error. Needs cmocka_all.h before it. */
#ifndef TEST_VERSIONS_H
#define TEST_VERSIONS_H

#include "core/version.h"
#include "random.h"

/* A test's state is a pool. */
int test_pool_set_up(void **state);
int test_pool_tear_down(void **state);

/* An empty version. */
alto_version *test_version(alto_pool *pool, alto_kind kind);
/* `base`, which is released, with items of one payload row. */
alto_version *test_version_row(alto_pool *pool, alto_version *base, const char *pid, const alto_edit *edits,
                               size_t count);
/* `base`, which stays, with one text of a member row. */
alto_version *test_version_text(alto_pool *pool, const alto_version *base, const char *row, const char *member,
                                const char *text);
/* `base`, which stays, after random edits fit for its kind: rows added, removed, emptied; prefixes of both
 * families added, removed, moved; other items; cells with plain and odd costs; texts. */
alto_version *test_version_step(test_random *random, alto_pool *pool, const alto_version *base);

#endif
