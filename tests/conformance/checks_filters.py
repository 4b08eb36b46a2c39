# SPDX-License-Identifier: Apache-2.0
"""Chapters 7 and 8, and RFC 8189: filtered maps, compared with the full maps of the same server."""
import operator

import alto
from checks_maps import dependencies, vtag
from questions import error_meta, good_request
from suite import cells, expect, groups, item, same_cells, same_costs, same_groups, some

NOBODY = "no-such-pid"


def full_groups(suite, entry):
    return groups(suite.data(suite.base(entry)))


def only(all_groups, pids=None, kinds=None):
    """The part of groups() with these PIDs and address types; None: all."""
    return {(pid, kind): networks for (pid, kind), networks in all_groups.items()
            if (pids is None or pid in pids) and (kind is None or kinds is None or kind in kinds)}


def filtered(suite, entry, **request):
    return groups(suite.ask_data(entry, {name.replace("_", "-"): value for name, value in request.items()}))


def few_pids(suite, entry):
    """Some PIDs of a network map: those with addresses of both types first."""
    network_map = suite.data(suite.base(entry))
    return sorted(network_map, key=lambda pid: (-len(alto.members(network_map[pid])), pid))[:3]


def used_kinds(found):
    return sorted({kind for _, kind in found if kind})


@item("F-01", "TEXT", "7285 11.3.1.3", "a filter without pids is refused")
def pids_needed(suite):
    for entry in suite.map_filters:
        answer = suite.post(entry, {"address-types": ["ipv4"]})
        meta = error_meta(answer)
        expect(answer.status >= 400 and meta.get("code", "E_MISSING_FIELD") == "E_MISSING_FIELD",
               "%s answers %d" % (entry.id, answer.status), meta)


@item("F-02", "MUST", "7285 11.3.1.3", "no pids is all PIDs, no address-types all types, and duplicates count once")
def empty_filter(suite):
    for entry in suite.map_filters:
        full = full_groups(suite, entry)
        same_groups(filtered(suite, entry, pids=[]), full, entry.id + " with pids []")
        same_groups(filtered(suite, entry, pids=[], address_types=[]), full, entry.id + " with pids [] and address-types []")
        pids = few_pids(suite, entry)
        same_groups(filtered(suite, entry, pids=pids + pids), only(full, pids), entry.id + " with duplicates")


@item("F-03", "MUST", "7285 11.3.1.6", "unknown PIDs and address types are as if they were not there")
def unknown_names(suite):
    for entry in suite.map_filters:
        full, pids = full_groups(suite, entry), few_pids(suite, entry)
        same_groups(filtered(suite, entry, pids=pids[:1] + [NOBODY]), only(full, pids[:1]), entry.id + " with an unknown PID")
        same_groups(filtered(suite, entry, pids=[NOBODY]), {}, entry.id + " with only unknown PIDs")
        kind = used_kinds(only(full, pids[:1]))[:1]
        got = filtered(suite, entry, pids=pids[:1], address_types=kind + ["nosuchtype"])
        same_groups(got, only(full, pids[:1], kind), entry.id + " with an unknown address type")


@item("F-04", "MUST", "7285 11.3.1.6", "only the PIDs and address types asked for")
def asked_only(suite):
    for entry in suite.map_filters:
        full, pids = full_groups(suite, entry), few_pids(suite, entry)
        same_groups(filtered(suite, entry, pids=pids), only(full, pids), entry.id + " with some PIDs")
        for kind in used_kinds(only(full, pids)):
            got, wanted = filtered(suite, entry, pids=pids, address_types=[kind]), only(full, pids, [kind])
            got, wanted = ({key: value for key, value in each.items() if key[1]} for each in (got, wanted))
            same_groups(got, wanted, "%s with address type %s" % (entry.id, kind))


@item("F-05", "GAP", "interop 4.1", "a PID without addresses of the types asked for stays when it was named, and goes otherwise")
def pids_without_addresses(suite):
    checked = False
    for entry in suite.map_filters:
        full = full_groups(suite, entry)
        for kind in used_kinds(full):
            having = {pid for pid, each in full if each == kind}
            lacking = sorted({pid for pid, _ in full} - having)
            if lacking:
                checked = True
                same_groups(filtered(suite, entry, pids=[], address_types=[kind]), only(full, having, [kind]),
                            "%s with pids [] and %s" % (entry.id, kind))
                same_groups(filtered(suite, entry, pids=lacking[:2], address_types=[kind]), only(full, lacking[:2], []),
                            "%s with PIDs that have no %s" % (entry.id, kind))
    some(checked, "every PID has addresses of every type")


@item("F-06", "MUST", "7285 11.3.1.6", "the version tag of a filtered network map is that of the full map")
def filter_tag(suite):
    for entry in suite.map_filters:
        got = vtag(suite.ask(entry, {"pids": few_pids(suite, entry)}))
        wanted = vtag(suite.document(suite.base(entry)))
        expect(got == wanted, entry.id, "has the version tag", got, "and its full map", wanted)


# ---- filtered cost maps ----


def cost_request(key, sources=None, destinations=None, **more):
    pids = {} if sources is None else {"pids": {"srcs": sources, "dsts": destinations}}
    return {"cost-type": alto.cost_type(key), **pids, **more}


def ask_cells(suite, entry, request):
    return cells(suite.ask_data(entry, request))


def compare(suite, entry, key, request, wanted, what):
    got = ask_cells(suite, entry, request)
    same_costs(key, got, wanted, "%s (%s, %s) %s" % (entry.id, *key, what))


def part(full, sources=None, destinations=None):
    return {pair: cost for pair, cost in full.items()
            if (sources is None or pair[0] in sources) and (destinations is None or pair[1] in destinations)}


def few_rows(full):
    return sorted({source for source, _ in full})[:3], sorted({destination for _, destination in full})[1:4]


@item("K-01", "TEXT", "7285 11.3.2.3", "a cost filter without cost type is refused")
def cost_type_needed(suite):
    for entry in suite.cost_filters:
        answer = suite.post(entry, {"pids": {"srcs": [], "dsts": []}})
        meta = error_meta(answer)
        expect(answer.status >= 400 and meta.get("code", "E_MISSING_FIELD") == "E_MISSING_FIELD",
               "%s answers %d" % (entry.id, answer.status), meta)


@item("K-02", "MUST", "7285 11.3.2.3", "every cost type offered is answered, any other refused")
def offered_types(suite):
    for entry in suite.cost_filters + suite.kind(alto.ENDPOINT_COST, alto.ENDPOINT_COST_PARAMETERS):
        good = good_request(suite, entry)
        for key in entry.cost_types:
            suite.ask(entry, {**good, "cost-type": alto.cost_type(key)})
        metrics, modes = zip(*entry.cost_types)
        for key in {(metric, mode) for metric in metrics + ("no-such-cost",) for mode in modes + ("no-such-mode",)}:
            if key not in entry.cost_types:
                answer = suite.post(entry, {**good, "cost-type": alto.cost_type(key)})
                meta = error_meta(answer)
                expect(400 <= answer.status < 500 and meta.get("code", "E_INVALID_FIELD_VALUE") == "E_INVALID_FIELD_VALUE",
                       "%s answers %d to cost type" % (entry.id, answer.status), key, meta)


@item("K-03", "MUST", "7285 11.3.2.3", "the description of a cost type is ignored")
def description(suite):
    for entry in suite.cost_filters:
        request = good_request(suite, entry)
        wanted = ask_cells(suite, entry, request)
        got = ask_cells(suite, entry, {**request, "cost-type": {**request["cost-type"], "description": "of another cost type"}})
        same_cells(got, wanted, entry.id + " with a description")


@item("K-04", "MUST", "7285 11.3.2.3, 11.3.2.6", "no pids is all pairs, an empty list all PIDs, unknown PIDs are as if absent")
def pid_lists(suite):
    for entry, key, full in suite.filtered_types():
        sources, destinations = few_rows(full)
        for request, wanted, what in (
                (cost_request(key), full, "without pids"),
                (cost_request(key, [], []), full, "with empty lists"),
                (cost_request(key, sources, []), part(full, sources), "with no dsts"),
                (cost_request(key, [], destinations), part(full, None, destinations), "with no srcs"),
                (cost_request(key, sources * 2, destinations * 2), part(full, sources, destinations), "with duplicates"),
                (cost_request(key, sources + [NOBODY], []), part(full, sources), "with an unknown PID"),
                (cost_request(key, [NOBODY], []), {}, "with only unknown PIDs")):
            compare(suite, entry, key, request, wanted, what)


@item("K-05", "MUST", "7285 11.3.2.6", "only the pairs asked for, and of these all, at their costs")
def pairs(suite):
    for entry, key, full in suite.filtered_types():
        sources, destinations = few_rows(full)
        compare(suite, entry, key, cost_request(key, sources, destinations), part(full, sources, destinations), "with some PIDs")
        compare(suite, entry, key, cost_request(key, sources[:1], sources[:1]), part(full, sources[:1], sources[:1]),
                "with one PID")


OPERATORS = {"gt": operator.gt, "lt": operator.lt, "ge": operator.ge, "le": operator.le, "eq": operator.eq}


def holds(constraint, cost):
    name, number = constraint.split()
    return OPERATORS[name](cost, float(number))


def constrained_types(suite):
    """Only numerical costs: ordinal ones may be ranked anew."""
    return some([each for each in suite.filtered_types() if each[0].constraints and each[1][1] == "numerical" and each[2]],
                "no filtered cost map that can be compared offers constraints")


def middle(full):
    costs = sorted(full.values())
    return costs[len(costs) // 2]


@item("K-06", "TEXT", "7285 11.3.2.3", "the five operators of constraints, joined by and")
def operators(suite):
    for entry, key, full in constrained_types(suite):
        half = repr(middle(full))
        lists = [["%s %s" % (name, half)] for name in sorted(OPERATORS)]
        lists += [["ge %r" % min(full.values()), "lt " + half], ["gt " + half, "lt " + half], ["ge  \t" + half], []]
        for constraints in lists:
            wanted = {pair: cost for pair, cost in full.items() if all(holds(each, cost) for each in constraints)}
            compare(suite, entry, key, cost_request(key, [], [], constraints=constraints), wanted, "with %s" % constraints)


@item("K-07", "MUST", "7285 11.5.1.3", "the endpoint cost service knows constraints when it says so")
def endpoint_constraints(suite):
    found = [entry for entry in suite.cost_services if entry.constraints]
    for entry in some(found, "no endpoint cost service offers constraints"):
        for key in entry.cost_types:
            request = {**good_request(suite, entry), "cost-type": alto.cost_type(key)}
            full = ask_cells(suite, entry, request)
            if key[1] != "numerical" or not full:
                continue
            for constraint in ("le %r" % middle(full), "gt %r" % middle(full)):
                wanted = {pair: cost for pair, cost in full.items() if holds(constraint, cost)}
                same_cells(ask_cells(suite, entry, {**request, "constraints": [constraint]}), wanted,
                           "%s with %s" % (entry.id, constraint))


@item("K-08", "MUST", "7285 11.3.2.6", "dependent-vtags and cost type of a filtered cost map are those of the full map")
def filter_meta(suite):
    for entry, key, full in suite.filtered_types():
        document = suite.ask(entry, cost_request(key, few_rows(full)[0], []))
        wanted = [vtag(suite.document(suite.base(entry)))]
        expect(dependencies(document) == wanted, entry.id, "depends on", dependencies(document), "and not", wanted)
        got = alto.cost_key(alto.members(alto.members(document.get("meta")).get("cost-type")))
        expect(got == key, entry.id, "asked for", key, "answers with cost type", got)


@item("T-19", "SHOULD", "7285 11.3.2.3", "costs are held and compared as doubles")
def doubles(suite):
    for entry, key, full in constrained_types(suite):
        finest = sorted({cost for cost in full.values()}, key=lambda cost: len(repr(cost)))[-3:]
        for cost in finest:
            wanted = {pair: each for pair, each in full.items() if each == cost}
            compare(suite, entry, key, cost_request(key, [], [], constraints=["eq %r" % cost]), wanted, "with eq %r" % cost)


# ---- multi-cost ----


def multi_filters(suite):
    """(filter, its cost types that have a full map, the cells of these)."""
    found = []
    for entry in suite.cost_filters:
        full = {key: cells(suite.data(suite.full_cost_map(key, suite.base(entry)))) for key in entry.cost_types
                if suite.full_cost_map(key, suite.base(entry))}
        if entry.max_cost_types and full:
            keys = list(full)[:entry.max_cost_types]
            found.append((entry, keys, [full[key] for key in keys]))
    return some(found, "no filtered cost map offers multi-cost")


def joined(columns):
    pairs_ = set().union(*columns)
    return {pair: [column.get(pair) for column in columns] for pair in pairs_}


def multi_request(keys, **more):
    return {"multi-cost-types": [alto.cost_type(key) for key in keys], "pids": {"srcs": [], "dsts": []}, **more}


def without_nothing(found):
    """A pair without any cost may be there or not."""
    return {pair: costs for pair, costs in found.items() if not isinstance(costs, list) or any(each is not None for each in costs)}


def compare_multi(suite, entry, keys, request, wanted, what):
    got = without_nothing(ask_cells(suite, entry, request))
    for column, key in enumerate(keys):
        if key[1] == "ordinal":  # may be ranked anew
            got, wanted = ({pair: costs[:column] + [costs[column] is None] + costs[column + 1:] for pair, costs in each.items()
                            if isinstance(costs, list) and len(costs) == len(keys)} for each in (got, wanted))
    same_cells(got, wanted, "%s %s" % (entry.id, what))


@item("Z-01", "MUST", "8189 4.1.2, 4.1.3", "multi-cost: arrays of costs in the order asked for, null where there is none")
def multi_cost(suite):
    for entry, keys, columns in multi_filters(suite):
        for order in (1, -1):
            asked = keys[::order]
            compare_multi(suite, entry, asked, multi_request(asked), joined(columns[::order]), "with multi-cost-types")
        compare_multi(suite, entry, keys[:1], multi_request(keys[:1]), joined(columns[:1]), "with one of multi-cost-types")
        meta = alto.members(suite.ask(entry, multi_request(keys)).get("meta"))
        got = [alto.cost_key(alto.members(each)) for each in alto.items(meta.get("multi-cost-types"))]
        expect(got == keys and meta.get("cost-type") == {}, "%s: meta is" % entry.id, meta)


@item("Z-01b", "MUST", "8189 4.1.2", "multi-cost: or-constraints, and constraints on a cost type by its index")
def multi_constraints(suite):
    checked = False
    for entry, keys, columns in multi_filters(suite):
        if entry.constraints and len(keys) > 1 and keys[0][1] == keys[1][1] == "numerical":
            checked = True
            table = joined(columns)
            low, high = middle(columns[0]), middle(columns[1])
            one = {pair: costs for pair, costs in table.items() if costs[1] is not None and costs[1] <= high}
            compare_multi(suite, entry, keys, multi_request(keys, constraints=["[1] le %r" % high]), one, "with [1] le")
            other = {pair: costs for pair, costs in table.items() if costs[0] is not None and costs[0] > low}
            request = multi_request(keys, **{"or-constraints": [["[1] le %r" % high], ["[0] gt %r" % low]]})
            compare_multi(suite, entry, keys, request, {**one, **other}, "with or-constraints")
    some(checked, "no filtered cost map offers multi-cost with constraints on two numerical cost types")


@item("Z-01c", "GAP", "8189 4.1.2", "cost-type with multi-cost-types, or more of these than offered, is refused")
def multi_refused(suite):
    for entry, keys, _ in multi_filters(suite):
        both = {**multi_request(keys), "cost-type": alto.cost_type(keys[0])}
        many = multi_request((keys * (entry.max_cost_types + 1))[:entry.max_cost_types + 1])
        for request in (both, many):
            answer = suite.post(entry, request)
            expect(400 <= answer.status < 500, "%s answers %d to" % (entry.id, answer.status), request)
