/* SPDX-License-Identifier: Apache-2.0 */
/* lpm_costs.h - what it costs from one address to another, for many pairs that have nothing to do with each other.
 *
 * Nearly all of the time of such a cost goes by while the memory is waited for, ten times one after the other; so several are looked up
 * side by side.
 *
 * Threads: any. Reading takes no locks. */
#ifndef ALTO_LPM_COSTS_H
#define ALTO_LPM_COSTS_H

#include "core/lpm.h"

/* The costs from sources[i] to destinations[i] in a cost map; NaN where there is none: an address is in no PID, or the cost is not
 * defined. The lpm is that of its network map. */
void alto_lpm_costs(const alto_lpm *lpm, const alto_version *map, const alto_endpoint *sources,
                    const alto_endpoint *destinations, size_t count, double *costs);

#endif
