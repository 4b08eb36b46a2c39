# SPDX-License-Identifier: Apache-2.0
"""Chapters 5 and 6: full network maps and full cost maps."""
import ipaddress

import alto
from questions import some_addresses
from suite import NotApplicable, cells, data_of, expect, groups, item, read, same_cells, same_groups, some


@item("N-01", "TEXT", "7285 11.2.1", "a network map has no capabilities and uses nothing")
def network_map_entry(suite):
    for entry in suite.network_maps:
        expect(not entry.capabilities and not entry.uses, "%s has" % entry.id, entry.raw)


@item("N-02", "MUST", "7285 11.2.1.6", "a network map has a version tag with its own resource ID")
def network_map_tag(suite):
    for entry in suite.network_maps:
        tag = vtag(suite.document(entry))
        expect(alto.members(tag).get("resource-id") == entry.id, "%s has the version tag" % entry.id, tag)


def vtag(document):
    return alto.members(document.get("meta")).get("vtag")


@item("N-03", "MUST", "7285 11.2.1.6", "a network map maps PIDs to address groups")
def network_map_data(suite):
    for entry in suite.network_maps:
        for pid, group in suite.data(entry).items():
            expect(isinstance(group, dict), "%s: %s is" % (entry.id, pid), group)


@item("N-04", "MUST", "7285 6.3", "the same version tag is the same map")
def same_tag(suite):
    for entry in suite.network_maps:
        again = read(suite.fetch(entry), entry)
        if vtag(again) == vtag(suite.document(entry)):
            same_groups(groups(data_of(again, entry)), groups(suite.data(entry)), "%s, fetched twice with one tag," % entry.id)


@item("N-07", "MUST", "7285 11.2.2", "an address belongs to the PID of its longest prefix")
def longest_prefix(suite):
    check_pids(suite, some_addresses(suite))


def check_pids(suite, addresses):
    for service, name, network_map in suite.pid_properties():
        table = alto.Lookup(suite.data(network_map))
        found = suite.ask_data(service, {"properties": [name], "endpoints": [alto.typed(each) for each in addresses]})
        got = {alto.address(key): alto.members(properties).get(name) for key, properties in found.items()}
        for each in addresses:
            wanted = table.pid(each)
            expect(got.get(each) == wanted, "%s of %s: got" % (name, alto.typed(each)), got.get(each), "wanted", wanted)


@item("N-08", "MUST", "7285 11.2.2", "a network map covers every address of the types that it contains")
def complete(suite):
    for entry in suite.network_maps:
        for version in (4, 6):
            if alto.has_family(suite.data(entry), version):
                hole = alto.uncovered(suite.data(entry), version)
                expect(hole is None, "%s: no PID has %s" % (entry.id, hole))


@item("N-09", "MUST NOT", "7285 11.2.2", "an identical prefix in two PIDs")
def identical_prefix(suite):
    for entry in suite.network_maps:
        owner = {}
        for pid, network in alto.prefixes(suite.data(entry)):
            first = owner.setdefault(network, pid)
            expect(first == pid, "%s: %s is in %s and in %s" % (entry.id, network, first, pid))


@item("N-12", "DERIVED", "7285 11.2.2", "an IPv4 address inside an IPv6 address is an IPv6 address")
def mapped_addresses(suite):
    check_pids(suite, [ipaddress.IPv6Address("::ffff:%s" % each) for each in some_addresses(suite) if each.version == 4][:10])


# ---- cost maps ----


@item("C-01", "TEXT", "7285 11.2.3.5", "a cost map uses one network map")
def cost_map_uses(suite):
    for entry in suite.cost_maps:
        used = [suite.named(name) for name in entry.uses]
        expect(len(used) == 1 and used[0] in suite.kind(alto.NETWORK_MAP), "%s uses" % entry.id, entry.uses)


@item("C-02", "MUST", "7285 11.2.3.6", "a cost map depends on one version of the network map that it uses")
def cost_map_tags(suite):
    for entry in suite.cost_maps:
        tags = dependencies(suite.document(entry))
        expect(isinstance(tags, list) and len(tags) == 1 and alto.members(tags[0]).get("resource-id") == suite.base(entry).id,
               "%s has dependent-vtags" % entry.id, tags)


def dependencies(document):
    return alto.members(document.get("meta")).get("dependent-vtags")


@item("C-03", "MUST", "7285 11.2.3.6", "a cost map has the cost type that its entry in the directory names")
def cost_map_type(suite):
    for entry in suite.cost_maps:
        got = alto.members(alto.members(suite.document(entry).get("meta")).get("cost-type"))
        expect([alto.cost_key(got)] == entry.cost_types, "%s is of cost type" % entry.id, got)


@item("C-04", "MUST", "7285 11.2.3.6", "a cost map maps source PIDs to destination PIDs to numbers")
def cost_map_data(suite):
    for entry in suite.cost_maps:
        if entry.cost_types[:1] and entry.cost_types[0][1] not in ("numerical", "ordinal"):
            continue  # other modes have costs of other types
        for source, row in suite.data(entry).items():
            expect(isinstance(row, dict), "%s: the row of %s is" % (entry.id, source), row)
        for (source, destination), cost in cells(suite.data(entry)).items():
            expect(alto.is_number(cost), "%s: %s -> %s is" % (entry.id, source, destination), cost)


@item("C-08", "TEXT", "7285 6.1.2.2", "ordinal costs are integers from 0")
def ordinal_costs(suite):
    ordinal = [entry for entry in suite.cost_maps if entry.cost_types and entry.cost_types[0][1] == "ordinal"]
    for entry in some(ordinal, "no ordinal cost map is offered"):
        for pair, cost in cells(suite.data(entry)).items():
            expect(alto.is_number(cost) and cost >= 0 and cost == int(cost), "%s: %s -> %s is" % (entry.id, *pair), cost)


@item("C-10", "DERIVED", "7285 6.4", "a cost map fetched twice is the same while nothing changes")
def resting_costs(suite):
    for entry in suite.cost_maps:
        same_cells(cells(data_of(read(suite.fetch(entry), entry), entry)), cells(suite.data(entry)), entry.id + ", fetched twice,")


@item("C-13", "DERIVED", "7285 6.3", "the network map that a cost map depends on is the one that is served")
def consistent(suite):
    for entry in suite.cost_maps:
        base = suite.base(entry)
        for _ in range(3):  # it may have changed between two answers
            before = vtag(read(suite.fetch(base), base))
            tags = dependencies(read(suite.fetch(entry), entry))
            if before == vtag(read(suite.fetch(base), base)):
                break
        else:
            raise NotApplicable("%s never rests" % base.id)
        expect(before in alto.items(tags), "%s depends on" % entry.id, tags, "while %s is" % base.id, before)


@item("C-14", "TEXT", "7285 6", "the PIDs of a cost map are those of its network map")
def known_pids(suite):
    for entry in suite.cost_maps:
        pids = suite.data(suite.base(entry))
        for pair in cells(suite.data(entry)):
            for pid in pair:
                expect(pid in pids, "%s: %s is no PID of %s" % (entry.id, pid, suite.base(entry).id))
