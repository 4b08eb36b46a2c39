/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lpm_costs.h"

#include "core/lpm_trie.h"

#include <math.h>

enum { PAIRS = 2 * ALTO_TRIE_AT_ONCE }; /* at a time */

/* As alto_lpm_costs, of up to PAIRS pairs. */
static void look_up(const alto_lpm *lpm, const alto_version *map, const alto_endpoint *sources,
                    const alto_endpoint *destinations, size_t count, double *costs)
{
    alto_endpoint addresses[2 * PAIRS];
    const alto_pid *pids[2 * PAIRS], **from = pids, **to = pids + count;
    const alto_tree *rows[PAIRS];
    memcpy(addresses, sources, count * sizeof addresses[0]);
    memcpy(addresses + count, destinations, count * sizeof addresses[0]);
    alto_lpm_pids(lpm, addresses, 2 * count, pids);
    for (size_t i = 0; i < count; i++) {
        if (!from[i] || !to[i] || !alto_pid_row(from[i], map, &rows[i]))
            rows[i] = NULL;
        if (rows[i])
            alto_pid_expect(to[i], rows[i], ALTO_EXPECT_ROW);
    }
    for (size_t i = 0; i < count; i++)
        if (rows[i])
            alto_pid_expect(to[i], rows[i], ALTO_EXPECT_CELL);
    for (size_t i = 0; i < count; i++)
        if (!rows[i] || !alto_pid_cell(to[i], rows[i], &costs[i]))
            costs[i] = NAN;
}

void alto_lpm_costs(const alto_lpm *lpm, const alto_version *map, const alto_endpoint *sources,
                    const alto_endpoint *destinations, size_t count, double *costs)
{
    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < PAIRS ? count - done : PAIRS;
        look_up(lpm, map, sources + done, destinations + done, some, costs + done);
    }
}
