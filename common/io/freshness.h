/* SPDX-License-Identifier: Apache-2.0 */
/* freshness.h - how old the state is that a server answers from, and whether it may still answer.
 *
 * Threads: one thread sets, any thread reads. */
#ifndef ALTO_FRESHNESS_H
#define ALTO_FRESHNESS_H

#include "core/replica.h"

/* What becomes of answers while nothing fresh is heard from the origin. */
typedef enum {
    ALTO_STALE_UNTIL_VALID, /* marked; refused once the newest statement is no longer valid */
    ALTO_STALE_MARK,        /* marked, for ever */
    ALTO_STALE_REFUSE       /* refused at once */
} alto_stale_policy;
/* "until-valid", "mark", "refuse"; false: something else. */
bool alto_stale_policy_parse(const char *text, alto_stale_policy *out);

/* The newest statement of the state that is served; all zero: there is none. */
typedef struct {
    alto_replica_state state;
    uint64_t issued_at_ms, valid_until_ms; /* since 1970; UINT64_MAX: for ever, at the origin itself */
} alto_freshness;

typedef enum { ALTO_ANSWER_PLAIN, ALTO_ANSWER_MARKED, ALTO_ANSWER_REFUSED } alto_stale_verdict;
alto_stale_verdict alto_stale_judge(alto_stale_policy policy, const alto_freshness *freshness, uint64_t now_ms);

/* Time since the newest statement was issued; 0 when it is of the future, or there is none. */
uint64_t alto_freshness_age_ms(const alto_freshness *freshness, uint64_t now_ms);

/* The same where threads share it. A reader may see parts of two that were set one after the other. */
typedef struct {
    _Atomic int state;
    _Atomic uint64_t issued_at_ms, valid_until_ms;
} alto_shared_freshness;
void alto_freshness_share(alto_shared_freshness *shared, const alto_freshness *freshness);
alto_freshness alto_freshness_now(const alto_shared_freshness *shared);

#endif
