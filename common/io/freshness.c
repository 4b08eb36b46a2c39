/* SPDX-License-Identifier: Apache-2.0 */
#include "io/freshness.h"

#include <stdatomic.h>

bool alto_stale_policy_parse(const char *text, alto_stale_policy *out)
{
    static const char *const names[] = {
        [ALTO_STALE_UNTIL_VALID] = "until-valid", [ALTO_STALE_MARK] = "mark", [ALTO_STALE_REFUSE] = "refuse"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (alto_stale_policy)i;
            return true;
        }
    return false;
}

alto_stale_verdict alto_stale_judge(alto_stale_policy policy, const alto_freshness *freshness, uint64_t now_ms)
{
    bool over = now_ms > freshness->valid_until_ms;
    bool stale = freshness->state == ALTO_REPLICA_STALE || over;
    if (freshness->issued_at_ms == 0 || !stale)
        return ALTO_ANSWER_PLAIN;
    bool refused = policy == ALTO_STALE_REFUSE || (policy == ALTO_STALE_UNTIL_VALID && over);
    return refused ? ALTO_ANSWER_REFUSED : ALTO_ANSWER_MARKED;
}

uint64_t alto_freshness_age_ms(const alto_freshness *freshness, uint64_t now_ms)
{
    bool aged = freshness->issued_at_ms && now_ms > freshness->issued_at_ms;
    return aged ? now_ms - freshness->issued_at_ms : 0;
}

void alto_freshness_share(alto_shared_freshness *shared, const alto_freshness *freshness)
{
    atomic_store_explicit(&shared->issued_at_ms, freshness->issued_at_ms, memory_order_relaxed);
    atomic_store_explicit(&shared->valid_until_ms, freshness->valid_until_ms, memory_order_relaxed);
    atomic_store_explicit(&shared->state, (int)freshness->state, memory_order_relaxed);
}

alto_freshness alto_freshness_now(const alto_shared_freshness *shared)
{
    alto_shared_freshness *self = (alto_shared_freshness *)(uintptr_t)shared;
    return (alto_freshness){.state = (alto_replica_state)atomic_load_explicit(&self->state, memory_order_relaxed),
                            .issued_at_ms = atomic_load_explicit(&self->issued_at_ms, memory_order_relaxed),
                            .valid_until_ms = atomic_load_explicit(&self->valid_until_ms, memory_order_relaxed)};
}
