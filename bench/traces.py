#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stream a case of the real maps to alto-bench.

  traces.py DATA CASE VERSIONS

On standard output, frames "KIND PEER SIZE\\n" and SIZE bytes:
  document  the whole resource as ALTO JSON: the first version, and, where the case is a matrix, each further one
  changes   of a network map: "+PID PREFIX", "-PID PREFIX", ">OLD NEW PREFIX" lines that lead to the next version
  final     the whole network map after the last changes, to compare with
PEER is the size of what others would send for that step: the gzip -6 RFC 7396 merge patch of a cost map, the gzip -6
difference lines of a network map; 0 for the first.
"""
import argparse
import os
import sys


def send(kind, peer, body):
    out = sys.stdout.buffer
    out.write(b"%s %d %d\n" % (kind.encode(), peer, len(body)))
    out.write(body)


def matrix(maps, data, case, spec, count):
    options = argparse.Namespace(first=0, last=count - 1, resource_id="my-network-map-1", quantum=None,
                                 metric="routingcost", mode="numerical")
    before = None
    for _, _, _, _, cost_map, _ in maps.versions(data, case, spec, options):
        patch = maps.gz6(maps.dumps(maps.merge_patch(before, cost_map))) if before else 0
        send("document", patch, maps.dumps(cost_map))
        before = cost_map


def line(old, new, prefix):
    if old is None:
        return "+%s %s\n" % (new, prefix)
    if new is None:
        return "-%s %s\n" % (old, prefix)
    return ">%s %s %s\n" % (old, new, prefix)


def net(maps, data, spec, count):
    trace = maps.NetTrace(data, spec)
    for number, changes, _ in trace.each(0, count - 1):
        if number == 0:
            send("document", 0, maps.dumps(maps.network_map(trace.snapshot(), "my-network-map-1")))
            continue
        lines = "".join(line(*change) for change in changes).encode()
        send("changes", maps.gz6(lines), lines)
    send("final", 0, maps.dumps(maps.network_map(trace.snapshot(), "my-network-map-1")))


def main():
    data, case, count = os.path.abspath(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    sys.path.insert(0, data)
    sys.dont_write_bytecode = True
    import make_maps as maps
    spec = maps.load_cases(data)[case]
    if spec["kind"] == "matrix":
        matrix(maps, data, case, spec, count)
    else:
        net(maps, data, spec, count)


if __name__ == "__main__":
    main()
