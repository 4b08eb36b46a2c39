/* SPDX-License-Identifier: Apache-2.0 */
/* topology.h - the core of the simulated ISP: POPs in cities, links between
 * neighbours, an IGP-like weight per direction, and the shortest paths.
 *
 * Weights are in tenths of a cost unit; an untouched link weighs a tenth for each
 * kilometre, so that 218 km read as 21.8. Threads: none inside. */
#ifndef SIM_TOPOLOGY_H
#define SIM_TOPOLOGY_H

#include "random.h"

#include <stdbool.h>

#define SIM_MAX_POPS 512 /* all-pairs paths cost POPs cubed */
#define SIM_CITY_NAME 28 /* bytes, NUL included */

typedef struct {
    char name[SIM_CITY_NAME]; /* "Zurich" */
    char key[SIM_CITY_NAME];  /* "zurich", how names of PIDs begin */
    double latitude, longitude;
} sim_pop;

typedef struct {
    size_t a, b;     /* POPs, a < b */
    int32_t base;    /* weight without traffic engineering */
    int32_t forward; /* weight from a to b */
    int32_t reverse; /* weight from b to a */
    bool up;
} sim_link;

typedef struct {
    sim_pop *pops;
    size_t pop_count;
    sim_link *links;
    size_t link_count;
    int32_t *distance; /* [from * pop_count + to], by topology_route() */
    int32_t *hops;     /* links on that path */
} topology;

/* A connected core of 2 to SIM_MAX_POPS POPs in which all links are up and routed; NULL when out of memory.
 * The first cities are real ones, more are made up with `random`. */
topology *topology_new(size_t pops, sim_random *random);
/* Free it and set it to NULL; NULL is accepted. */
void topology_destroy(topology **self);

/* Would every POP still reach every other if `without` (a link, or link_count for none) were down? */
bool topology_survives(const topology *self, size_t without);

/* Find all shortest paths again, after links changed. Every POP must be reachable. */
void topology_route(topology *self);

#endif
