# SPDX-License-Identifier: Apache-2.0
"""The data set of the interoperability event at IETF 93 (draft-roome-alto-interop-ietf93-01): to serve, and to check.

The draft has a server offer two network maps, `default` and `alternate`, and cost maps of routingcost and hopcount over
both. Its slips are corrected in the files as their notes say. Costs may differ by 0.001 (section 4).
"""
import functools
import json
import pathlib

import alto
import data
from suite import NotApplicable, cells, expect, groups, item, same_groups, some
from questions import error_meta

ITEMS = []
MAPS = {"default": "default", "alternate": "alt"}  # resource ID -> in the name of its files
METRICS = ("routingcost", "hopcount")
BESIDE = pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "examples"


class Files:
    """The files interop93-*.json of a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.there = (self.folder / "interop93-default-networkmap.json").exists()

    @functools.lru_cache(maxsize=None)
    def read(self, name):
        return json.loads((self.folder / ("interop93-%s.json" % name)).read_text())


def served(files, names=tuple(MAPS)):
    """What the small server has to serve: both network maps and what belongs to them, or one."""
    resources, cost_maps = {}, {}
    for name in names:
        file = MAPS[name]
        resources[name] = data.get(name, alto.NETWORK_MAP)
        resources[name + "-filtered"] = data.post(name + "-filtered", alto.NETWORK_MAP, alto.NETWORK_MAP_FILTER, uses=[name])
        for metric in METRICS:
            costs = "%s-%s" % (name, metric)
            resources[costs] = data.get(costs, alto.COST_MAP, uses=[name], **data.types(metric))
            cost_maps[costs] = files.read("%s-%s" % (file, metric))["cost-map"]
        resources[name + "-costs-filtered"] = data.post(name + "-costs-filtered", alto.COST_MAP, alto.COST_MAP_FILTER, uses=[name],
                                                        **data.types(*METRICS, cost_constraints=True))
    resources["properties"] = data.post("properties", alto.PROPERTIES, alto.PROPERTIES_PARAMETERS,
                                        capabilities={"prop-types": [name + ".pid" for name in names]})
    resources["endpoint-cost"] = data.post("endpoint-cost", alto.ENDPOINT_COST, alto.ENDPOINT_COST_PARAMETERS,
                                           **data.types(*METRICS))
    network_maps = {name: files.read(MAPS[name] + "-networkmap")["network-map"] for name in names}
    return data.Data({"/directory": resources}, "default", network_maps, cost_maps,
                     {metric: (metric, "numerical") for metric in METRICS}, {})


# ---- checks: suite.interop holds the Files ----


def near_cells(got, wanted, what):
    expect(got.keys() == wanted.keys(), what, "differs in the pairs",
           sorted(map(str, got.keys() ^ wanted.keys()))[:3])
    for pair, cost in wanted.items():
        expect(alto.is_number(got[pair]) and abs(got[pair] - cost) <= 0.001, what, "%s -> %s: got" % pair, got[pair], "wanted", cost)


def network_map(suite, name):
    entry = suite.named(name)
    expect(entry in suite.network_maps, "there is no network map called", name)
    return entry


def service(suite, found, name, offers=None):
    """The filter over a network map that offers a cost type."""
    for entry in found:
        if suite.base(entry) is network_map(suite, name) and (offers is None or offers in entry.cost_types):
            return entry
    raise NotApplicable("no such service over %s is offered" % name)


@item("IOP-A", "TEXT", "interop A.1-A.6", "the maps are those of the draft", ITEMS)
def maps(suite):
    for name, file in MAPS.items():
        entry = network_map(suite, name)
        same_groups(groups(suite.data(entry)), groups(suite.interop.read(file + "-networkmap")["network-map"]), name)
        for metric in METRICS:
            full = suite.full_cost_map((metric, "numerical"), entry)
            expect(full, "no cost map of %s over %s" % (metric, name))
            wanted = cells(suite.interop.read("%s-%s" % (file, metric))["cost-map"])
            near_cells(cells(suite.data(full)), wanted, full.id)


@item("IOP-4.1", "TEXT", "interop 4.1", "filtered network maps", ITEMS)
def filtered_maps(suite):
    entry = service(suite, suite.map_filters, "default")
    full = groups(suite.data(network_map(suite, "default")))
    for test in suite.interop.read("filtered-networkmap-tests"):
        request = test["request"]
        pids = test.get("pids") or request["pids"] or {pid for pid, _ in full}
        wanted = {(pid, kind): value for (pid, kind), value in full.items()
                  if pid in pids and (kind is None or kind in request.get("address-types", [kind]))}
        same_groups(groups(suite.ask_data(entry, request)), wanted, "%s asked %s" % (entry.id, json.dumps(request)))


@item("IOP-4.2", "TEXT", "interop 4.2", "routing costs from 20 to 30", ITEMS)
def constraints(suite):
    entry = service(suite, suite.cost_filters, "default", ("routingcost", "numerical"))
    if not entry.constraints:
        raise NotApplicable("%s offers no constraints" % entry.id)
    test = suite.interop.read("filter-constraint-20-30")
    near_cells(cells(suite.ask_data(entry, test["request"])), cells(test["expected-cost-map"]), entry.id)


@item("IOP-4.3", "TEXT", "interop 4.3", "endpoint properties", ITEMS)
def properties(suite):
    table = suite.interop.read("eps-expected")
    for entry in suite.property_services:
        names = [name for name in ("default.pid", "alternate.pid", "priv:ietf-type")
                 if name in entry.capabilities.get("prop-types", [])]
        found = suite.ask_data(entry, {"properties": some(names, "%s has none of the properties" % entry.id),
                                       "endpoints": [row["endpoint"] for row in table]})
        got = {alto.address(key): value for key, value in found.items()}
        for row in table:
            for name in names:
                value = got.get(alto.address(row["endpoint"]), {}).get(name)
                expect(value == row[name], "%s of %s: got" % (name, row["endpoint"]), value, "wanted", row[name])


@item("IOP-4.4", "TEXT", "interop 4.4", "endpoint costs", ITEMS)
def endpoint_costs(suite):
    tests = suite.interop.read("ecs-expected")
    for entry in suite.cost_services:
        for column, metric in enumerate(METRICS):
            key = metric, "numerical"
            for name in ("test1", "test2", "test3") if key in entry.cost_types else ():
                test = tests[name]
                request = {"cost-type": alto.cost_type(key), "endpoints": {side: test[side] for side in ("srcs", "dsts")}}
                wanted = {(alto.address(source), alto.address(destination)): cell[column] for (source, destination), cell
                          in cells(test.get("computed-from-maps") or test["expected"]).items()}
                got = {(alto.address(source), alto.address(destination)): cost for (source, destination), cost
                       in cells(suite.ask_data(entry, request)).items()}
                near_cells(got, wanted, "%s of %s (%s)" % (metric, entry.id, name))


@item("IOP-5", "TEXT", "interop 5", "errors", ITEMS)
def errors(suite):
    offered = {"EPS": suite.property_services[0], "FCM": service(suite, suite.cost_filters, "default", ("routingcost", "numerical")),
               "network map": network_map(suite, "default")}
    offered["FCM with cost-constraints"] = offered["FCM"]
    for test in suite.interop.read("error-tests"):
        entry, what = offered[test["resource"]], "interop %s (%s)" % (test["section"], test["test"])
        if test["resource"].endswith("constraints") and not entry.constraints:
            continue
        body = test["raw-body"].encode() if "raw-body" in test else json.dumps(test.get("body")).encode()
        if test["content-type"]:
            answer = suite.request("POST", entry.uri, body, {"Content-Type": test["content-type"], "Accept": test["accept"]})
        else:
            answer = suite.request("GET", entry.uri, None, {"Accept": test["accept"]})
        allowed = {406: (406, 200), 415: (415, 404, 400)}.get(test["status"], (test["status"],))
        expect(answer.status in allowed, what, "answers %d" % answer.status)
        meta = error_meta(answer)
        for name in ("code", "field", "value"):
            if "code" in test and name in test and (name == "code" or name in meta):
                expect(meta.get(name) == test[name], what, "has %s" % name, meta.get(name), "and not", test[name])
