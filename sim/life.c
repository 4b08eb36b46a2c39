/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include "core/number.h"

#include <stdio.h>
#include <string.h>

#define SPLIT_SUFFIX "-east"

/* A PID or link that fits, beginning the search at a random one; `count` when none does. */
typedef bool fits(const isp *self, size_t index);

static size_t choose(isp *self, size_t count, fits *fit)
{
    size_t start = sim_random_below(&self->random, count);
    for (size_t i = 0; i < count; i++)
        if (fit(self, (start + i) % count))
            return (start + i) % count;
    return count;
}

/* A cost in tenths as a person reads it. */
static const char *tenths(int32_t cost, char text[ALTO_NUMBER_TEXT])
{
    (void)alto_number_format(cost / 10.0, text);
    return text;
}

static bool may_fail(const isp *self, size_t link)
{
    return self->core->links[link].up && topology_survives(self->core, link);
}

static bool is_down(const isp *self, size_t link)
{
    return !self->core->links[link].up;
}

static bool is_up(const isp *self, size_t link)
{
    return self->core->links[link].up;
}

static bool switch_link(isp *self, char *words, fits *fit, bool up)
{
    size_t chosen = choose(self, self->core->link_count, fit);
    if (chosen == self->core->link_count)
        return false;
    sim_link *link = &self->core->links[chosen];
    link->up = up;
    (void)snprintf(words, LIFE_WORDS, "link %s-%s %s", self->core->pops[link->a].name, self->core->pops[link->b].name,
                   up ? "recovers" : "fails");
    return true;
}

static bool link_fails(isp *self, char *words)
{
    size_t down = 0;
    for (size_t i = 0; i < self->core->link_count; i++)
        down += !self->core->links[i].up;
    return down * 5 < self->core->link_count && switch_link(self, words, may_fail, false);
}

static bool link_recovers(isp *self, char *words)
{
    return switch_link(self, words, is_down, true);
}

/* Traffic engineering: a new weight for both directions or, one time in three, for one. A weight that was
 * engineered goes back to its base. */
static bool link_is_reweighted(isp *self, char *words)
{
    size_t chosen = choose(self, self->core->link_count, is_up);
    if (chosen == self->core->link_count)
        return false;
    sim_link *link = &self->core->links[chosen];
    int32_t old = link->forward;
    bool both = sim_random_below(&self->random, 3) != 0;
    int32_t weight = link->base * sim_random_between(&self->random, 6, 25) / 10;
    if (link->forward != link->base || link->reverse != link->base) {
        weight = link->base;
        both = true;
    }
    link->forward = weight > 0 ? weight : 1;
    if (both)
        link->reverse = link->forward;
    char from[ALTO_NUMBER_TEXT], to[ALTO_NUMBER_TEXT];
    (void)snprintf(words, LIFE_WORDS, "link %s%s%s reweighted from %s to %s", self->core->pops[link->a].name,
                   both ? "-" : "->", self->core->pops[link->b].name, tenths(old, from), tenths(link->forward, to));
    return true;
}

static bool is_inside(const isp *self, size_t pid)
{
    return self->pids[pid].alive && self->pids[pid].place == SIM_INSIDE;
}

static bool aggregation_changes(isp *self, char *words)
{
    size_t chosen = choose(self, self->slots, is_inside);
    if (chosen == self->slots)
        return false;
    sim_pid *pid = &self->pids[chosen];
    bool eases = pid->out != pid->base;
    pid->out = eases ? pid->base : pid->base + sim_random_between(&self->random, 5, 60);
    char cost[ALTO_NUMBER_TEXT];
    (void)snprintf(words, LIFE_WORDS, "%s %s: %s to the core", pid->name, eases ? "is clear again" : "gets congested",
                   tenths(pid->out, cost));
    return true;
}

static bool may_give(const isp *self, size_t prefix)
{
    size_t pid = self->prefixes[prefix].pid;
    return is_inside(self, pid) && isp_prefixes_of(self, pid) > 1;
}

/* Renumbering: a prefix goes to the next PID of the same POP. */
static bool prefix_moves(isp *self, char *words)
{
    size_t chosen = choose(self, self->prefix_count, may_give);
    if (chosen == self->prefix_count)
        return false;
    sim_prefix *prefix = &self->prefixes[chosen];
    size_t to = prefix->pid;
    do
        to = (to + 1) % self->slots;
    while (!is_inside(self, to) || (self->pids[to].pop != self->pids[prefix->pid].pop && to != prefix->pid));
    if (to == prefix->pid)
        return false;
    (void)snprintf(words, LIFE_WORDS, "prefix %s moves from %s to %s", prefix->text, self->pids[prefix->pid].name,
                   self->pids[to].name);
    prefix->pid = to;
    return true;
}

static bool may_split(const isp *self, size_t pid)
{
    if (!is_inside(self, pid) || self->pids[pid].parent != pid || isp_prefixes_of(self, pid) < 2)
        return false;
    for (size_t i = 0; i < self->slots; i++)
        if (i != pid && self->pids[i].alive && self->pids[i].parent == pid)
            return false;
    return true;
}

static bool is_free(const isp *self, size_t pid)
{
    return !self->pids[pid].alive;
}

static bool was_split(const isp *self, size_t pid)
{
    return self->pids[pid].alive && self->pids[pid].parent != pid;
}

/* Hand over prefixes: all of them, or every second one. Returns how many. */
static size_t hand_over(isp *self, size_t from, size_t to, bool all)
{
    size_t seen = 0, moved = 0;
    for (size_t i = 0; i < self->prefix_count; i++) {
        if (self->prefixes[i].pid != from || (!all && seen++ % 2 == 0))
            continue;
        self->prefixes[i].pid = to;
        moved++;
    }
    return moved;
}

static bool pid_appears(isp *self, char *words)
{
    size_t parent = choose(self, self->slots, may_split), slot = choose(self, self->slots, is_free);
    if (parent == self->slots || slot == self->slots)
        return false;
    sim_pid *pid = &self->pids[slot];
    char name[SIM_PID_NAME];
    (void)snprintf(name, sizeof name, "%.50s" SPLIT_SUFFIX, self->pids[parent].name);
    *pid = self->pids[parent];
    memcpy(pid->name, name, sizeof name);
    pid->base += 5;
    pid->out = pid->base;
    pid->in += 5;
    size_t moved = hand_over(self, parent, slot, false);
    (void)snprintf(words, LIFE_WORDS, "PID %s appears with %zu prefix%s of %s", pid->name, moved,
                   moved == 1 ? "" : "es", self->pids[parent].name);
    return true;
}

static bool pid_disappears(isp *self, char *words)
{
    size_t slot = choose(self, self->slots, was_split);
    if (slot == self->slots)
        return false;
    sim_pid *pid = &self->pids[slot];
    (void)hand_over(self, slot, pid->parent, true);
    pid->alive = false;
    (void)snprintf(words, LIFE_WORDS, "PID %s disappears into %s", pid->name, self->pids[pid->parent].name);
    return true;
}

void life_step(isp *self, char words[LIFE_WORDS])
{
    static const struct {
        size_t weight; /* how often, of 100 */
        bool (*happen)(isp *self, char *words);
    } events[] = {
        {24, link_fails},   {22, link_recovers}, {16, link_is_reweighted}, {20, aggregation_changes},
        {10, prefix_moves}, {5, pid_appears},    {3, pid_disappears},
    };
    for (bool done = false; !done;) {
        size_t dice = sim_random_below(&self->random, 100), event = 0;
        while (dice >= events[event].weight)
            dice -= events[event++].weight;
        done = events[event].happen(self, words);
    }
    isp_settle(self);
}
