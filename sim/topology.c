/* SPDX-License-Identifier: Apache-2.0 */
#include "topology.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define UNREACHED (INT32_MAX / 4) /* two of them still add up without overflow */

static const struct {
    const char *name, *key;
    double latitude, longitude;
} cities[] = {
    {"Zurich", "zurich", 47.38, 8.54},        {"Milan", "milan", 45.46, 9.19},
    {"Geneva", "geneva", 46.20, 6.15},        {"Basel", "basel", 47.56, 7.59},
    {"Munich", "munich", 48.14, 11.58},       {"Stuttgart", "stuttgart", 48.78, 9.18},
    {"Frankfurt", "frankfurt", 50.11, 8.68},  {"Lyon", "lyon", 45.76, 4.84},
    {"Turin", "turin", 45.07, 7.69},          {"Strasbourg", "strasbourg", 48.57, 7.75},
    {"Innsbruck", "innsbruck", 47.27, 11.39}, {"Lugano", "lugano", 46.00, 8.95},
    {"Vienna", "vienna", 48.21, 16.37},       {"Genoa", "genoa", 44.41, 8.93},
    {"Nuremberg", "nuremberg", 49.45, 11.08}, {"Venice", "venice", 45.44, 12.32},
    {"Paris", "paris", 48.86, 2.35},          {"Cologne", "cologne", 50.94, 6.96},
    {"Salzburg", "salzburg", 47.81, 13.04},   {"Marseille", "marseille", 43.30, 5.37},
    {"Bologna", "bologna", 44.49, 11.34},     {"Dijon", "dijon", 47.32, 5.04},
    {"Leipzig", "leipzig", 51.34, 12.37},     {"Prague", "prague", 50.08, 14.44},
    {"Brussels", "brussels", 50.85, 4.35},    {"Graz", "graz", 47.07, 15.44},
    {"Florence", "florence", 43.77, 11.26},   {"Luxembourg", "luxembourg", 49.61, 6.13},
    {"Berlin", "berlin", 52.52, 13.40},       {"Amsterdam", "amsterdam", 52.37, 4.90},
    {"Hamburg", "hamburg", 53.55, 9.99},      {"Ljubljana", "ljubljana", 46.06, 14.51},
    {"Rome", "rome", 41.90, 12.50},           {"Toulouse", "toulouse", 43.60, 1.44},
    {"Budapest", "budapest", 47.50, 19.04},   {"Bordeaux", "bordeaux", 44.84, -0.58},
    {"Zagreb", "zagreb", 45.81, 15.98},       {"Barcelona", "barcelona", 41.39, 2.17},
    {"Naples", "naples", 40.85, 14.27},       {"Copenhagen", "copenhagen", 55.68, 12.57},
};

enum { CITIES = sizeof cities / sizeof cities[0] };

static void found_pops(topology *self, sim_random *random)
{
    for (size_t i = 0; i < self->pop_count; i++) {
        sim_pop *pop = &self->pops[i];
        if (i < CITIES) {
            (void)snprintf(pop->name, sizeof pop->name, "%s", cities[i].name);
            (void)snprintf(pop->key, sizeof pop->key, "%s", cities[i].key);
            pop->latitude = cities[i].latitude;
            pop->longitude = cities[i].longitude;
            continue;
        }
        (void)snprintf(pop->name, sizeof pop->name, "Town%zu", i + 1);
        (void)snprintf(pop->key, sizeof pop->key, "town%zu", i + 1);
        pop->latitude = sim_random_between(random, 41000, 55000) / 1000.0;
        pop->longitude = sim_random_between(random, -1000, 19000) / 1000.0;
    }
}

/* Kilometres as the crow flies, on a plane: good enough for a region. */
static double kilometres(const sim_pop *a, const sim_pop *b)
{
    const double degree = 111.2, radian = 0.0174533;
    double north = (a->latitude - b->latitude) * degree;
    double east = (a->longitude - b->longitude) * degree * cos((a->latitude + b->latitude) / 2 * radian);
    return hypot(north, east);
}

/* Neighbours are two POPs with no third one in the circle between them (a Gabriel graph): planar,
 * connected, and about two links a POP, much like a fibre map. */
static bool neighbours(const topology *self, size_t a, size_t b)
{
    double direct = kilometres(&self->pops[a], &self->pops[b]);
    for (size_t c = 0; c < self->pop_count; c++) {
        double first = kilometres(&self->pops[a], &self->pops[c]), second = kilometres(&self->pops[b], &self->pops[c]);
        if (c != a && c != b && first * first + second * second < direct * direct)
            return false;
    }
    return true;
}

static bool linked(const topology *self, size_t a, size_t b)
{
    for (size_t i = 0; i < self->link_count; i++)
        if ((self->links[i].a == a && self->links[i].b == b) || (self->links[i].a == b && self->links[i].b == a))
            return true;
    return false;
}

static void add_link(topology *self, size_t a, size_t b)
{
    int32_t weight = (int32_t)lround(kilometres(&self->pops[a], &self->pops[b]));
    if (weight < 1)
        weight = 1;
    self->links[self->link_count++] = (sim_link){a < b ? a : b, a < b ? b : a, weight, weight, weight, true};
}

/* A POP on one link alone gets a second one, to the nearest POP that it has no link to. */
static void protect(topology *self, size_t pop)
{
    size_t degree = 0, best = self->pop_count;
    for (size_t i = 0; i < self->link_count; i++)
        degree += self->links[i].a == pop || self->links[i].b == pop;
    for (size_t other = 0; other < self->pop_count && degree < 2; other++) {
        if (other == pop || linked(self, pop, other))
            continue;
        if (best == self->pop_count ||
            kilometres(&self->pops[pop], &self->pops[other]) < kilometres(&self->pops[pop], &self->pops[best]))
            best = other;
    }
    if (best < self->pop_count)
        add_link(self, pop, best);
}

topology *topology_new(size_t pops, sim_random *random)
{
    assert(pops >= 2 && pops <= SIM_MAX_POPS);
    topology *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->pop_count = pops;
    self->pops = calloc(pops, sizeof *self->pops);
    self->links = calloc(4 * pops, sizeof *self->links); /* planar: below 3 a POP; protection: one more */
    self->distance = calloc(pops * pops, sizeof *self->distance);
    self->hops = calloc(pops * pops, sizeof *self->hops);
    if (!self->pops || !self->links || !self->distance || !self->hops) {
        topology_destroy(&self);
        return NULL;
    }
    found_pops(self, random);
    for (size_t a = 0; a < pops; a++)
        for (size_t b = a + 1; b < pops; b++)
            if (self->link_count < 3 * pops && neighbours(self, a, b))
                add_link(self, a, b);
    for (size_t pop = 0; pop < pops; pop++)
        protect(self, pop);
    topology_route(self);
    return self;
}

void topology_destroy(topology **self)
{
    if (!*self)
        return;
    free((*self)->pops);
    free((*self)->links);
    free((*self)->distance);
    free((*self)->hops);
    free(*self);
    *self = NULL;
}

bool topology_survives(const topology *self, size_t without)
{
    bool reached[SIM_MAX_POPS] = {true};
    for (bool grew = true; grew;) {
        grew = false;
        for (size_t i = 0; i < self->link_count; i++) {
            const sim_link *link = &self->links[i];
            if (i == without || !link->up || reached[link->a] == reached[link->b])
                continue;
            reached[link->a] = reached[link->b] = grew = true;
        }
    }
    for (size_t pop = 0; pop < self->pop_count; pop++)
        if (!reached[pop])
            return false;
    return true;
}

static void lay_links(topology *self)
{
    size_t count = self->pop_count;
    for (size_t i = 0; i < count * count; i++) {
        self->distance[i] = i % (count + 1) ? UNREACHED : 0;
        self->hops[i] = 0;
    }
    for (size_t i = 0; i < self->link_count; i++) {
        const sim_link *link = &self->links[i];
        if (!link->up)
            continue;
        self->distance[link->a * count + link->b] = link->forward;
        self->distance[link->b * count + link->a] = link->reverse;
        self->hops[link->a * count + link->b] = self->hops[link->b * count + link->a] = 1;
    }
}

void topology_route(topology *self)
{
    lay_links(self);
    size_t count = self->pop_count;
    for (size_t middle = 0; middle < count; middle++) {
        for (size_t from = 0; from < count; from++) {
            int32_t first = self->distance[from * count + middle], first_hops = self->hops[from * count + middle];
            for (size_t to = 0; to < count; to++) {
                int32_t *distance = &self->distance[from * count + to], *hops = &self->hops[from * count + to];
                int32_t through = first + self->distance[middle * count + to];
                int32_t through_hops = first_hops + self->hops[middle * count + to];
                if (through < *distance || (through == *distance && through_hops < *hops)) {
                    *distance = through;
                    *hops = through_hops;
                }
            }
        }
    }
}
