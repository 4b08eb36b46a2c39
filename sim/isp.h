/* SPDX-License-Identifier: Apache-2.0 */
/* isp.h - the simulated ISP: customers' PIDs at every POP, exchange points,
 * transit and the rest of the Internet, their prefixes, and what it costs from
 * each to each. What happens to it is life.h.
 *
 * Costs are in tenths of a cost unit. Between two outside networks there is none: the
 * ISP carries no traffic between its peers. Threads: none inside. */
#ifndef SIM_ISP_H
#define SIM_ISP_H

#include "topology.h"

#define SIM_MAX_PIDS_PER_POP 16
#define SIM_MAX_PIDS 4096 /* at the POPs together: their cost map has 16 million cells */
#define SIM_PID_NAME 65   /* bytes, NUL included: RFC 7285 10.1 */
#define SIM_PREFIX_TEXT 44
#define SIM_NO_COST (-1)

typedef enum {
    SIM_INSIDE,   /* customers and machines at a POP */
    SIM_EXCHANGE, /* networks met by peering at a POP */
    SIM_TRANSIT,  /* networks reached through a provider at a POP */
    SIM_DEFAULT   /* all others: through the cheapest provider */
} sim_place;

typedef struct {
    bool alive; /* otherwise the slot is free */
    sim_place place;
    char name[SIM_PID_NAME];
    size_t pop;
    size_t parent;   /* slot of the PID it was split from, or its own */
    int32_t out, in; /* cost from it to its POP's core router, and back */
    int32_t base;    /* `out` without congestion */
    int32_t hops;    /* between it and the core router */
} sim_pid;

typedef struct {
    char text[SIM_PREFIX_TEXT]; /* "10.0.12.0/24" */
    int family;                 /* 4 or 6 */
    size_t pid;                 /* slot that holds it */
} sim_prefix;

/* Address space not yet given to anyone. */
typedef struct {
    uint32_t v4; /* next /24 */
    uint32_t v6; /* next /48, counted from the beginning of the block */
} sim_space;

typedef struct {
    topology *core;
    sim_random random;
    sim_pid *pids; /* slots; a PID keeps its slot, one that appears takes a free one */
    size_t slots;
    sim_prefix *prefixes; /* they move between PIDs, but are neither made nor lost */
    size_t prefix_count, prefix_room;
    int32_t *cost; /* [from * slots + to], or SIM_NO_COST */
    int32_t *hops;
    int32_t *before; /* `cost` as it was at the last isp_settle() but one */
    sim_space own, foreign;
} isp;

/* pops 2..SIM_MAX_POPS, pids_per_pop 1..SIM_MAX_PIDS_PER_POP, at most SIM_MAX_PIDS together. The same
 * seed gives the same ISP on every machine. NULL: out of memory. */
isp *isp_new(size_t pops, size_t pids_per_pop, uint64_t seed);
/* Free it and set it to NULL; NULL is accepted. */
void isp_destroy(isp **self);

/* Work out all costs again, after links or PIDs changed. */
void isp_settle(isp *self);
/* Cells of the cost map that the last isp_settle() added, removed or changed. */
size_t isp_cells_changed(const isp *self);

size_t isp_pid_count(const isp *self);
/* Prefixes of one PID. */
size_t isp_prefixes_of(const isp *self, size_t pid);

#endif
