# SPDX-License-Identifier: Apache-2.0
"""Chapters 3 and 4: the directory, and the data types of names, addresses and cost types."""
import alto
from questions import good_request
from suite import expect, item, shorten, some


@item("I-01", "MUST", "7285 9.2, 9.2.1", "a directory is got by GET, of its media type")
def directory(suite):
    for url in suite.directories:
        answer = suite.request("GET", url, None, {"Accept": alto.DIRECTORY})
        expect(answer.status == 200 and answer.media_type == alto.DIRECTORY,
               "GET %s answers %d (%s)" % (url, answer.status, answer.media_type))


@item("I-02", "MUST", "7285 9.2.2", "the root directory names a default network map")
def default_map(suite):
    suite.default_map()


@item("I-03", "TEXT", "7285 9.2.2", "cost-types of a directory: name to cost type")
def cost_types(suite):
    for url, name, cost_type in all_cost_types(suite):
        expect(isinstance(cost_type, dict) and isinstance(cost_type.get("cost-metric"), str)
               and isinstance(cost_type.get("cost-mode"), str), "%s: cost type %s is" % (url, name), cost_type)


def all_cost_types(suite):
    for url, document in suite.directories.items():
        for name, cost_type in alto.members(alto.members(document.get("meta")).get("cost-types")).items():
            yield url, name, cost_type


@item("I-04", "TEXT", "7285 9.2.2", "entries of a directory have their members, of the right types")
def entries(suite):
    for entry in suite.entries:
        raw = entry.raw
        for name in ("uri", "media-type"):
            expect(isinstance(raw.get(name), str) and raw[name], "%s: %s is" % (entry.id, name), raw.get(name))
        expect(isinstance(raw.get("accepts", ""), str), "%s: accepts is" % entry.id, raw.get("accepts"))
        expect(isinstance(raw.get("capabilities", {}), dict), "%s: capabilities is" % entry.id, raw.get("capabilities"))
        expect(all(isinstance(name, str) for name in alto.items(raw.get("uses", []))) and isinstance(raw.get("uses", []), list),
               "%s: uses is" % entry.id, raw.get("uses"))


@item("I-08", "MUST", "7285 9.2.2", "an entry without accepts is got by GET, one with accepts asked by POST")
def get_or_post(suite):
    for entry in suite.full_resources:
        answer = suite.fetch(entry)
        expect(answer.status == 200, "GET %s answers %d" % (entry.uri, answer.status))
    for entry in suite.offered_services:
        answer = suite.post(entry, good_request(suite, entry))
        expect(answer.status == 200, "POST %s answers %d" % (entry.uri, answer.status))


@item("I-09", "SHOULD", "7285 9.2.2", "uses names what is needed to read the resource, and all of it is there")
def uses(suite):
    for entry in suite.entries:
        for name in entry.uses:
            expect(suite.named(name), "%s uses %s, which no directory has" % (entry.id, name))
    for entry in suite.kind(alto.COST_MAP) + suite.kind(alto.COST_MAP, alto.COST_MAP_FILTER):
        expect(entry.uses, "%s does not say which network map it uses" % entry.id)


@item("I-10", "MUST", "7285 9.1.1", "a resource ID stands for one resource in all linked directories")
def unique_ids(suite):
    seen = {}
    for entry in suite.entries:
        first = seen.setdefault(entry.id, entry)
        expect((first.uri, first.accepts) == (entry.uri, entry.accepts), "%s is both %s and %s" % (entry.id, first.uri, entry.uri))
    for url in suite.directories:
        found = alto.duplicates(suite.request("GET", url, None, {"Accept": alto.DIRECTORY}).body)
        expect(not found, url, "has twice", found[:3])


@item("I-13", "MUST", "7285 11.2.1, 11.2.3, 11.4.1.4, 6.1.2",
      "there are a network map, a cost map for routingcost, and the pid property of every network map")
def least_offer(suite):
    maps = suite.kind(alto.NETWORK_MAP)
    expect(maps, "no network map is offered")
    keys = [key for entry in suite.kind(alto.COST_MAP) for key in entry.cost_types]
    expect(any(metric == "routingcost" for metric, _ in keys), "no cost map for routingcost, only", keys)
    expect(any(mode in ("numerical", "ordinal") for _, mode in keys), "no cost map is numerical or ordinal, only", keys)
    services = suite.kind(alto.PROPERTIES, alto.PROPERTIES_PARAMETERS)
    names = {name for entry in services for name in alto.items(entry.capabilities.get("prop-types"))}
    for entry in maps:
        expect(entry.id + ".pid" in names, "no endpoint property service offers %s.pid" % entry.id)


@item("I-14", "MUST NOT", "7285 6.1, 11.2.3.5", "two cost maps of one cost type over one network map")
def one_map_a_type(suite):
    seen = {}
    for entry in suite.cost_maps:
        for key in entry.cost_types:
            first = seen.setdefault((key, tuple(entry.uses)), entry)
            expect(first.id == entry.id, "%s and %s are both of" % (first.id, entry.id), key, "over", entry.uses)


@item("I-15", "MUST", "7285 11.2.3.4, 11.3.2.4", "a cost map has one cost type, other services at least one, all of them known")
def type_names(suite):
    for entry in suite.entries:
        if entry.media_type in (alto.COST_MAP, alto.ENDPOINT_COST):
            names = entry.type_names
            expect(names and (entry.accepts or len(names) == 1), "%s: cost-type-names is" % entry.id, names)
            for name, (metric, _) in zip(names, entry.cost_types):
                expect(metric is not None, "%s: no cost type is called %s" % (entry.id, name))


@item("I-17", "TEXT", "7285 11.4.1.4", "an endpoint property service names the properties that it has")
def property_names(suite):
    for entry in suite.property_services:
        names = entry.capabilities.get("prop-types")
        expect(isinstance(names, list) and names and all(isinstance(name, str) for name in names),
               "%s: prop-types is" % entry.id, names)


@item("I-18", "MUST NOT", "7285 11.5.1.5, 11.4.1.5", "uses of endpoint services")
def no_uses(suite):
    for entry in suite.kind(alto.PROPERTIES, alto.PROPERTIES_PARAMETERS) + suite.cost_services:
        expect(not entry.uses, "%s uses" % entry.id, entry.uses)


@item("I-19", "TEXT", "7285 8.3.1, 9.2.4", "a linked directory is there")
def linked(suite):
    for entry in some(suite.kind(alto.DIRECTORY), "no directory is linked"):
        expect(entry.uri not in suite.broken, "%s: %s" % (entry.id, suite.broken.get(entry.uri)))


# ---- data types ----


@item("T-01", "MUST", "7285 10.1", "names of PIDs: at most 64 of the characters allowed")
def pid_names(suite):
    for entry in suite.network_maps:
        for name in suite.data(entry):
            expect(alto.is_format(alto.PID_NAME, name) and "." not in name, "%s has a PID called" % entry.id, name)


@item("T-02", "MUST", "7285 10.2", "resource IDs: at most 64 of the characters allowed")
def resource_ids(suite):
    for entry in suite.entries:
        expect(alto.is_format(alto.PID_NAME, entry.id) and "." not in entry.id, "there is a resource called", entry.id)


def version_tags(suite):
    """(resource, version tag) of all full maps."""
    for entry in suite.network_maps + suite.kind(alto.COST_MAP):
        meta = alto.members(suite.document(entry).get("meta"))
        for tag in alto.items(meta.get("dependent-vtags")) + ([meta["vtag"]] if "vtag" in meta else []):
            yield entry, tag


@item("T-03", "TEXT", "7285 10.3", "a version tag has a resource-id and a tag")
def tag_members(suite):
    for entry, tag in version_tags(suite):
        expect(isinstance(tag, dict) and isinstance(tag.get("resource-id"), str) and isinstance(tag.get("tag"), str),
               "%s has the version tag" % entry.id, tag)


@item("T-04", "MUST", "7285 10.3", "tags: at most 64 characters from ! to ~")
def tags(suite):
    for entry, tag in version_tags(suite):
        text = alto.members(tag).get("tag")
        expect(alto.is_format(alto.TAG, text), "%s has the tag" % entry.id, text)


def address_groups(suite):
    for entry in suite.network_maps:
        for pid, group in suite.data(entry).items():
            yield entry, pid, group


@item("T-07", "MUST", "7285 10.4.2", "address types: letters and digits")
def address_types(suite):
    for entry, pid, group in address_groups(suite):
        for kind in alto.members(group):
            expect(alto.is_format(alto.ADDRESS_TYPE, kind), "%s: %s has addresses of type" % (entry.id, pid), kind)


@item("T-09", "TEXT", "7285 10.4.3.2, 5952 4", "IPv6 is written in the canonical form, and taken in any legal form")
def ipv6_texts(suite):
    for entry, pid, group in address_groups(suite):
        for text in alto.items(alto.members(group).get("ipv6")):
            address = alto.address("ipv6:" + str(text).partition("/")[0])
            expect(address is None or str(address) == text.partition("/")[0],
                   "%s: %s has an IPv6 prefix that is not canonical:" % (entry.id, pid), text)
    for entry in suite.kind(alto.PROPERTIES, alto.PROPERTIES_PARAMETERS):
        for text in ("ipv6:2001:0DB8:0:0:0::1", "ipv6:2001:DB8:0000:0000:0000:0000:192.0.2.1"):
            request = {"properties": entry.capabilities["prop-types"][:1], "endpoints": [text]}
            found = suite.ask_data(entry, request)
            expect([alto.address(key) for key in found] == [alto.address(text)], entry.id, "asked", request, "answers", found)


@item("T-10", "TEXT", "7285 10.4.4", "prefixes are prefixes of their address type")
def prefix_texts(suite):
    for entry, pid, group in address_groups(suite):
        for kind in ("ipv4", "ipv6"):
            for text in alto.items(alto.members(group).get(kind)):
                try:
                    alto.prefix(kind, text)
                except ValueError as error:
                    expect(False, "%s: %s: %s" % (entry.id, pid, error))


@item("T-11", "GAP", "7285 10.4.4", "a prefix has no bits set beyond its length")
def host_bits(suite):
    for entry, pid, group in address_groups(suite):
        for kind in ("ipv4", "ipv6"):
            for text in alto.items(alto.members(group).get(kind)):
                try:
                    beyond = alto.prefix(kind, text)[1]
                except ValueError:
                    continue  # that is T-10
                expect(not beyond, "%s: %s has" % (entry.id, pid), text)


@item("T-13", "TEXT", "7285 10.4.5", "an address group maps address types to arrays of prefixes")
def group_members(suite):
    for entry, pid, group in address_groups(suite):
        expect(isinstance(group, dict) and all(isinstance(prefixes, list) for prefixes in group.values()),
               "%s: %s is" % (entry.id, pid), group)


@item("T-14", "MUST", "9274 3.2", "cost modes: at most 32 of the characters allowed")
def cost_modes(suite):
    for url, name, cost_type in all_cost_types(suite):
        mode = alto.members(cost_type).get("cost-mode")
        expect(alto.is_format(alto.COST_MODE, mode), "%s: the mode of %s is" % (url, name), mode)


@item("T-15", "MUST", "7285 10.6", "cost metrics: at most 32 of the characters allowed")
def cost_metrics(suite):
    for url, name, cost_type in all_cost_types(suite):
        metric = alto.members(cost_type).get("cost-metric")
        expect(alto.is_format(alto.COST_METRIC, metric), "%s: the metric of %s is" % (url, name), metric)


@item("T-16", "MUST NOT", "9439 3.1", "one resource with two cost types of the same metric, mode and context")
def equal_types(suite):
    for entry in suite.entries:
        known = [(alto.cost_key(whole), shorten(whole.get("cost-context"))) for whole in entry.whole_types if whole]
        expect(len(set(known)) == len(known), "%s has equal cost types among" % entry.id, entry.type_names)


@item("T-17", "MUST", "7285 10.8.2", "endpoint properties: at most 32 of the characters allowed")
def property_formats(suite):
    for entry in suite.property_services:
        for name in alto.items(entry.capabilities.get("prop-types")):
            expect(alto.is_format(alto.PROPERTY, str(name).rpartition(".")[2]), "%s offers the property" % entry.id, name)


@item("T-18", "MUST", "7285 10.8.1", "a property of a resource begins with the ID of one that is there")
def property_resources(suite):
    for entry in suite.property_services:
        for name in alto.items(entry.capabilities.get("prop-types")):
            identity, dot, _ = str(name).rpartition(".")
            expect(not dot or suite.named(identity), "%s offers %s, and there is no %s" % (entry.id, name, identity))
