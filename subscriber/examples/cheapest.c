/* SPDX-License-Identifier: Apache-2.0 */
/* cheapest: an application in one page. Follows a cost map and prints, at the beginning and whenever it changes, which PID is
 * cheapest to reach from a given one.
 *
 *     cheapest URL root.pub.pem COST-MAP PID [ROUNDS]
 *
 * Built outside of altocast: cc cheapest.c $(pkg-config --cflags --libs altocast) */
#include <altocast.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    altocast *maps;
    const char *cost_map, *from;
    unsigned long rounds; /* commits still to be looked at; 0: no end */
} application;

typedef struct {
    char pid[65];
    double cost;
} candidate;

static bool compare(void *context, const char *pid, size_t size, double cost)
{
    candidate *best = context;
    if (!best->pid[0] || cost < best->cost) {
        snprintf(best->pid, sizeof best->pid, "%.*s", (int)size, pid);
        best->cost = cost;
    }
    return true;
}

static void on_commit(void *context, const altocast_commit *commit)
{
    application *self = context;
    candidate best = {.pid = ""};
    altocast_view *view = altocast_acquire(self->maps); /* stays as it is until it is released */
    const altocast_resource *map = altocast_find(view, self->cost_map);
    if (map && altocast_each_cost(map, self->from, compare, &best) == ALTOCAST_OK)
        printf("commit %llu: from %s the cheapest is %s, cost %g\n", (unsigned long long)commit->seq, self->from,
               best.pid, best.cost);
    else
        printf("commit %llu: %s says nothing about %s\n", (unsigned long long)commit->seq, self->cost_map, self->from);
    fflush(stdout);
    altocast_release(view);
    if (self->rounds && --self->rounds == 0)
        altocast_stop(self->maps);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: cheapest URL root.pub.pem COST-MAP PID [ROUNDS]\n");
        return 2;
    }
    char error[512];
    application self = {.cost_map = argv[3], .from = argv[4], .rounds = argc > 5 ? strtoul(argv[5], NULL, 10) : 0};
    const char *wanted[] = {argv[3]};
    altocast_options options = {.upstream = argv[1],
                                .root_key_file = argv[2],
                                .resources = wanted,
                                .resource_count = 1,
                                .on_commit = on_commit,
                                .context = &self};
    self.maps = altocast_open(&options, error, sizeof error);
    if (!self.maps) {
        fprintf(stderr, "cheapest: %s\n", error);
        return 1;
    }
    int result = altocast_run(self.maps);
    altocast_close(self.maps);
    return result == 0 ? 0 : 1;
}
