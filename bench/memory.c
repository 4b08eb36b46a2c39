/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - what a replica of a cost map of 9 million cells costs in memory. One child process makes the map, another
 * one holds it, so that nothing of the making is counted. */
#include "core/snapshot.h"
#include "io/loop.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIDS = 3000, PARTS = 4 /* manifest, statement, catalog, snapshot */ };

static const char resource_id[] = "my-cost-map-0001";
static const double most_per_cell = 12;

/* Everything a joining replica pulls, in one file in memory: lengths, then bytes. */
typedef struct {
    uint64_t sizes[PARTS];
    alto_anchor anchor;
} bundle_header;

static void write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t done = write(fd, at, size);
        if (done <= 0)
            bench_die("cannot write to memory");
        at += done;
        size -= (size_t)done;
    }
}

static void produce(int fd)
{
    bench_origin *origin = bench_alloc(sizeof *origin);
    sim_random random = {PIDS};
    bench_origin_init(origin);
    origin->archived = true;
    alto_version *version = bench_cost_map(origin->pool, PIDS, &random);
    bench_origin_commit(origin, resource_id, version);
    alto_buffer catalog = alto_buffer_make(ALTO_MAX_CATALOG), snapshot = alto_buffer_make(ALTO_MAX_PAYLOAD);
    const alto_view *view = alto_committer_view(origin->committer);
    bench_must(alto_catalog_encode(&view->origin, view->catalog, &catalog), "catalog");
    bench_must(alto_snapshot_encode(version, &snapshot), "snapshot");
    bool lasting;
    alto_status status;
    const alto_blob *head = alto_archive_get(origin->archive, "head", &lasting, &status);
    bench_must(status, "head");
    const alto_slice parts[PARTS] = {alto_buffer_slice(&origin->manifest_file), alto_slice_of(head->data, head->size),
                                     alto_buffer_slice(&catalog), alto_buffer_slice(&snapshot)};
    bundle_header header = {.anchor = origin->anchor};
    for (int i = 0; i < PARTS; i++)
        header.sizes[i] = parts[i].size;
    write_all(fd, &header, sizeof header);
    for (int i = 0; i < PARTS; i++)
        write_all(fd, parts[i].data, parts[i].size);
}

static alto_slice part_of(const bundle_header *bundle, int wanted)
{
    const uint8_t *at = (const uint8_t *)(bundle + 1);
    for (int i = 0; i < wanted; i++)
        at += bundle->sizes[i];
    return alto_slice_of(at, (size_t)bundle->sizes[wanted]);
}

static int part_for(alto_want_type type)
{
    return type == ALTO_WANT_HEAD ? 1 : type == ALTO_WANT_CATALOG ? 2 : 3;
}

/* Bytes that a replica takes which joins with what the bundle holds. */
static uint64_t hold(const bundle_header *bundle)
{
    uint64_t before = bench_resident();
    alto_want want;
    alto_replica *replica = alto_replica_new(&bundle->anchor, NULL, 0, &(alto_replica_events){0});
    if (!replica)
        bench_die("out of memory");
    bench_must(alto_replica_on_manifest(replica, part_of(bundle, 0), alto_clock_ms()), "manifest");
    alto_replica_want_head(replica);
    while (alto_replica_wants(replica, &want, 1, alto_clock_ms()) == 1)
        bench_must(alto_replica_pulled(replica, &want, part_of(bundle, part_for(want.type)), alto_clock_ms()), "pull");
    const alto_view *view = alto_replica_view(replica);
    if (!view || view->count != 1 || view->resources[0]->entry.items < (uint64_t)PIDS * PIDS)
        bench_die("the replica does not hold the map");
    return bench_resident() - before;
}

static uint64_t hold_in_child(int fd)
{
    struct stat about;
    uint64_t *result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (result == MAP_FAILED || fstat(fd, &about) != 0)
        bench_die("no shared memory");
    pid_t child = fork();
    if (child == 0) {
        void *bundle = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (bundle == MAP_FAILED)
            bench_die("no shared memory");
        *result = hold(bundle);
        _exit(0);
    }
    bench_wait_for(child);
    uint64_t bytes = *result;
    munmap(result, sizeof *result);
    return bytes;
}

void bench_memory(const bench_options *options)
{
    (void)options;
    int fd = memfd_create("altocast-bench", MFD_CLOEXEC);
    if (fd < 0)
        bench_die("no shared memory");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        produce(fd);
        _exit(0);
    }
    bench_wait_for(child);
    double bytes = (double)hold_in_child(fd);
    close(fd);
    bench_add(&(bench_row){.name = "memory: a replica of 9 million cells, per cell",
                           .unit = "bytes",
                           .value = bytes / (double)(PIDS * PIDS),
                           .bar_of = BENCH_VALUE,
                           .bar = most_per_cell});
}
