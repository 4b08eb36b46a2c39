/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - requests with a body, and what has to be answered to them. Needs cmocka_all.h before it. */
#ifndef TEST_REQUEST_H
#define TEST_REQUEST_H

#include "core/query.h"

/* A copy, to be freed, with " for each '. */
char *test_quoted(const char *text);

/* Is this what was answered: `wanted`, with ' for ", which has to be JSON too; or "CODE field value" of the error? `out` is
 * used up. */
void test_assert_answered(alto_status status, const alto_query_error *error, alto_buffer *out, const char *wanted);

#endif
