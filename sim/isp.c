/* SPDX-License-Identifier: Apache-2.0 */
#include "isp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POPS_PER_EXCHANGE = 3,
    EXCHANGES_MAX = 64,
    PROVIDERS = 2,
    PREFIXES_MAX = 12,   /* of one PID at its beginning, both families */
    BEYOND_PROVIDER = 80 /* what the default PID costs more than the provider's own networks */
};

/* What is found at a POP; the first --pids-per-pop of them, then again with a number. */
static const struct {
    const char *name;
    int32_t out, in, hops;
    int32_t min_v4, max_v4; /* prefixes; the number of /48 is half of it, rounded up */
} kinds[] = {
    {"access", 30, 40, 3, 3, 8},     {"mobile", 60, 70, 4, 2, 6}, {"business", 20, 20, 2, 2, 5},
    {"datacenter", 10, 10, 1, 1, 4}, {"cdn", 5, 5, 1, 1, 2},      {"iot", 90, 95, 4, 1, 2},
    {"wholesale", 25, 25, 2, 1, 4},  {"campus", 15, 20, 2, 1, 3},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void add_prefix_v4(isp *self, size_t pid, sim_space *space, unsigned size_log2)
{
    uint32_t size = 1U << size_log2;
    space->v4 = (space->v4 + size - 1) / size * size;
    sim_prefix *prefix = &self->prefixes[self->prefix_count++];
    prefix->family = 4;
    prefix->pid = pid;
    (void)snprintf(prefix->text, sizeof prefix->text, "%u.%u.%u.0/%u", (space->v4 >> 16) & 255, (space->v4 >> 8) & 255,
                   space->v4 & 255, 24 - size_log2);
    space->v4 += size;
}

/* block: the first 32 bits of the documentation prefixes 2001:db8::/32 or 3fff::/20. */
static void add_prefix_v6(isp *self, size_t pid, sim_space *space, const char *block)
{
    sim_prefix *prefix = &self->prefixes[self->prefix_count++];
    prefix->family = 6;
    prefix->pid = pid;
    (void)snprintf(prefix->text, sizeof prefix->text, "%s:%x::/48", block, space->v6++ & 0xffff);
}

static void add_prefixes(isp *self, size_t pid, int32_t min_v4, int32_t max_v4)
{
    bool own = self->pids[pid].place == SIM_INSIDE;
    sim_space *space = own ? &self->own : &self->foreign;
    int32_t count = sim_random_between(&self->random, min_v4, max_v4);
    for (int32_t i = 0; i < count; i++) /* half of them /24, then /23 and /22 */
        add_prefix_v4(self, pid, space, own ? (unsigned)sim_random_below(&self->random, 4) * 2 / 3 : 0);
    for (int32_t i = 0; i < (count + 1) / 2; i++)
        add_prefix_v6(self, pid, space, own ? "2001:db8" : "3fff:1");
}

static sim_pid *add_pid(isp *self, size_t slot, sim_place place, size_t pop, int32_t out, int32_t in, int32_t hops)
{
    self->pids[slot] = (sim_pid){
        .alive = true, .place = place, .pop = pop, .parent = slot, .out = out, .in = in, .base = out, .hops = hops};
    return &self->pids[slot];
}

static void found_pids_at(isp *self, size_t *slot, size_t pop, size_t pids_per_pop)
{
    const char *city = self->core->pops[pop].key;
    for (size_t i = 0; i < pids_per_pop; i++, (*slot)++) {
        size_t kind = i % KINDS;
        int32_t local = sim_random_between(&self->random, 0, 9);
        sim_pid *pid =
            add_pid(self, *slot, SIM_INSIDE, pop, kinds[kind].out + local, kinds[kind].in + local, kinds[kind].hops);
        if (i < KINDS)
            (void)snprintf(pid->name, sizeof pid->name, "%s-%s", city, kinds[kind].name);
        else
            (void)snprintf(pid->name, sizeof pid->name, "%s-%s-%zu", city, kinds[kind].name, i / KINDS + 1);
        add_prefixes(self, *slot, kinds[kind].min_v4, kinds[kind].max_v4);
    }
}

static void found_outside(isp *self, size_t *slot)
{
    size_t pops = self->core->pop_count;
    for (size_t pop = 0; pop < pops && pop < (size_t)POPS_PER_EXCHANGE * EXCHANGES_MAX; pop += POPS_PER_EXCHANGE) {
        sim_pid *pid = add_pid(self, *slot, SIM_EXCHANGE, pop, 50, 50, 1);
        (void)snprintf(pid->name, sizeof pid->name, "exchange-%s", self->core->pops[pop].key);
        add_prefixes(self, (*slot)++, 2, 6);
    }
    for (size_t i = 0; i < PROVIDERS; i++) {
        size_t pop = i * (pops - 1) / (PROVIDERS - 1);
        sim_pid *pid = add_pid(self, *slot, SIM_TRANSIT, pop, 180 + 20 * (int32_t)i, 200, 2);
        (void)snprintf(pid->name, sizeof pid->name, "transit-%s", self->core->pops[pop].key);
        add_prefixes(self, (*slot)++, 3, 6);
    }
    sim_pid *rest = add_pid(self, *slot, SIM_DEFAULT, 0, BEYOND_PROVIDER, BEYOND_PROVIDER, 3);
    (void)snprintf(rest->name, sizeof rest->name, "default");
    self->prefixes[self->prefix_count++] = (sim_prefix){"0.0.0.0/0", 4, *slot};
    self->prefixes[self->prefix_count++] = (sim_prefix){"::/0", 6, (*slot)++};
}

static size_t outside_count(size_t pops)
{
    size_t exchanges = (pops + POPS_PER_EXCHANGE - 1) / POPS_PER_EXCHANGE;
    return (exchanges < EXCHANGES_MAX ? exchanges : EXCHANGES_MAX) + PROVIDERS + 1;
}

static bool make_room(isp *self, size_t pops, size_t pids)
{
    self->slots = pids + pops; /* as many may appear as there are POPs */
    self->prefix_room = pids * PREFIXES_MAX;
    self->pids = calloc(self->slots, sizeof *self->pids);
    self->prefixes = calloc(self->prefix_room, sizeof *self->prefixes);
    self->cost = calloc(self->slots * self->slots, sizeof *self->cost);
    self->hops = calloc(self->slots * self->slots, sizeof *self->hops);
    self->before = calloc(self->slots * self->slots, sizeof *self->before);
    return self->pids && self->prefixes && self->cost && self->hops && self->before;
}

isp *isp_new(size_t pops, size_t pids_per_pop, uint64_t seed)
{
    assert(pops >= 2 && pops <= SIM_MAX_POPS && pids_per_pop >= 1 && pids_per_pop <= SIM_MAX_PIDS_PER_POP);
    assert(pops * pids_per_pop <= SIM_MAX_PIDS);
    isp *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->random.state = seed;
    self->own = (sim_space){10U << 16, 1};                     /* 10.0.0.0/8 */
    self->foreign = (sim_space){(198U << 16) | (18U << 8), 1}; /* 198.18.0.0/15 */
    self->core = topology_new(pops, &self->random);
    if (!self->core || !make_room(self, pops, pops * pids_per_pop + outside_count(pops))) {
        isp_destroy(&self);
        return NULL;
    }
    size_t slot = 0;
    for (size_t pop = 0; pop < pops; pop++)
        found_pids_at(self, &slot, pop, pids_per_pop);
    found_outside(self, &slot);
    isp_settle(self);
    return self;
}

void isp_destroy(isp **self)
{
    if (!*self)
        return;
    topology_destroy(&(*self)->core);
    free((*self)->pids);
    free((*self)->prefixes);
    free((*self)->cost);
    free((*self)->hops);
    free((*self)->before);
    free(*self);
    *self = NULL;
}

/* Both ends are at a POP: up to the core, across, and down. */
static void settle_across(isp *self, size_t from, size_t to)
{
    const sim_pid *a = &self->pids[from], *b = &self->pids[to];
    size_t path = a->pop * self->core->pop_count + b->pop, cell = from * self->slots + to;
    self->cost[cell] = a->out + self->core->distance[path] + b->in;
    self->hops[cell] = a->hops + self->core->hops[path] + b->hops;
}

/* The best way between `pid` and the default PID goes through one of the providers. */
static void settle_default(isp *self, size_t pid, size_t rest, bool outwards)
{
    size_t cell = outwards ? pid * self->slots + rest : rest * self->slots + pid;
    for (size_t i = 0; i < self->slots; i++) {
        if (!self->pids[i].alive || self->pids[i].place != SIM_TRANSIT)
            continue;
        size_t way = outwards ? pid * self->slots + i : i * self->slots + pid;
        int32_t cost = self->cost[way] + (outwards ? self->pids[rest].in : self->pids[rest].out);
        if (self->cost[cell] == SIM_NO_COST || cost < self->cost[cell]) {
            self->cost[cell] = cost;
            self->hops[cell] = self->hops[way] + self->pids[rest].hops;
        }
    }
}

static void settle_cell(isp *self, size_t from, size_t to)
{
    const sim_pid *a = &self->pids[from], *b = &self->pids[to];
    size_t cell = from * self->slots + to;
    self->cost[cell] = SIM_NO_COST;
    self->hops[cell] = 0;
    if (!a->alive || !b->alive || (a->place != SIM_INSIDE && b->place != SIM_INSIDE))
        return;
    if (from == to) {
        self->cost[cell] = a->out / 2;
        self->hops[cell] = 1;
    } else if (a->place != SIM_DEFAULT && b->place != SIM_DEFAULT) {
        settle_across(self, from, to);
    }
}

void isp_settle(isp *self)
{
    memcpy(self->before, self->cost, self->slots * self->slots * sizeof *self->cost);
    topology_route(self->core);
    for (size_t from = 0; from < self->slots; from++)
        for (size_t to = 0; to < self->slots; to++)
            settle_cell(self, from, to);
    for (size_t rest = 0; rest < self->slots; rest++) {
        if (!self->pids[rest].alive || self->pids[rest].place != SIM_DEFAULT)
            continue;
        for (size_t pid = 0; pid < self->slots; pid++) {
            if (!self->pids[pid].alive || self->pids[pid].place != SIM_INSIDE)
                continue;
            settle_default(self, pid, rest, true);
            settle_default(self, pid, rest, false);
        }
    }
}

size_t isp_cells_changed(const isp *self)
{
    size_t changed = 0;
    for (size_t i = 0; i < self->slots * self->slots; i++)
        changed += self->cost[i] != self->before[i];
    return changed;
}

size_t isp_pid_count(const isp *self)
{
    size_t count = 0;
    for (size_t i = 0; i < self->slots; i++)
        count += self->pids[i].alive;
    return count;
}

size_t isp_prefixes_of(const isp *self, size_t pid)
{
    size_t count = 0;
    for (size_t i = 0; i < self->prefix_count; i++)
        count += self->prefixes[i].pid == pid;
    return count;
}
