# SPDX-License-Identifier: Apache-2.0
"""Chapters 9, 10 and 11: the endpoint services, and what HTTP caches are told."""
import gzip

import alto
from checks_maps import dependencies, vtag
from questions import BAD_ADDRESSES, error_meta, good_request, some_addresses, some_endpoints, without
from suite import Failed, NotApplicable, cells, expect, item, same_cells, same_costs, some


@item("P-EPS-01", "TEXT", "7285 11.4.1.3", "properties and endpoints are both required")
def both_required(suite):
    for entry in suite.property_services:
        for name in ("properties", "endpoints"):
            answer = suite.post(entry, without(good_request(suite, entry), name))
            meta = error_meta(answer)
            expect(answer.status >= 400 and meta.get("code", "E_MISSING_FIELD") == "E_MISSING_FIELD",
                   "%s answers %d without %s" % (entry.id, answer.status, name), meta)


@item("P-EPS-02", "MUST", "7285 11.4.1.3", "every property offered is answered; any other, and what is no address, is refused")
def properties_offered(suite):
    for entry in suite.property_services:
        good = good_request(suite, entry)
        for name in entry.capabilities["prop-types"]:
            suite.ask(entry, {**good, "properties": [name]})
        bad = [{**good, "properties": ["no-such-property"]}, {**good, "properties": ["no-such-map.pid"]}]
        for request in bad + [{**good, "endpoints": [text]} for text in BAD_ADDRESSES]:
            answer = suite.post(entry, request)
            expect(400 <= answer.status < 500, "%s answers %d to" % (entry.id, answer.status), request)


@item("P-EPS-03", "MUST", "7285 11.4.1.3", "properties and endpoints that come twice count once")
def duplicates_once(suite):
    for entry in suite.property_services:
        good = good_request(suite, entry)
        wanted = suite.ask_data(entry, good)
        got = suite.ask_data(entry, {name: values * 2 for name, values in good.items()})
        expect(got == wanted, "%s answers something else to duplicates:" % entry.id, got)


@item("P-EPS-04", "MUST", "7285 11.4.1.6", "dependent-vtags are the version tags of the network maps whose pid was asked for")
def property_tags(suite):
    for entry, name, network_map in suite.pid_properties():
        got = dependencies(suite.ask(entry, {"properties": [name], "endpoints": some_endpoints(suite)[:1]}))
        wanted = [vtag(suite.document(network_map))]
        expect(got == wanted, "%s asked for %s depends on" % (entry.id, name), got, "and not", wanted)


@item("P-EPS-05", "TEXT", "7285 11.4.1.6", "an object of properties for every endpoint asked for, and for no other")
def one_each(suite):
    for entry in suite.property_services:
        good = {**good_request(suite, entry), "endpoints": some_endpoints(suite)}
        found = suite.ask_data(entry, good)
        got, wanted = ({alto.address(key) for key in keys} for keys in (found, good["endpoints"]))
        expect(got == wanted, entry.id, "lacks", sorted(map(str, wanted - got))[:3], "and has", sorted(map(str, got - wanted))[:3])
        for key, properties in found.items():
            expect(isinstance(properties, dict) and properties.keys() <= set(good["properties"]),
                   "%s: %s is" % (entry.id, key), properties)


@item("P-EPS-06", "MUST", "7285 11.4.1.6", "a property without value is left out, while its endpoint stays")
def without_value(suite):
    checked = False
    for entry, name, network_map in suite.pid_properties():
        table = alto.Lookup(suite.data(network_map))
        nowhere = [alto.typed(each) for each in some_addresses(suite) if table.pid(each) is None][:3]
        if nowhere:
            checked = True
            found = suite.ask_data(entry, {"properties": [name], "endpoints": nowhere})
            expect({alto.address(key) for key in found} == {alto.address(key) for key in nowhere}
                   and not any(found.values()), "%s for addresses without %s:" % (entry.id, name), found)
    some(checked, "every address has a PID in every network map")


# ---- endpoint cost ----


def cost_pairs(found):
    """{(address, address): cost}: clients must cope with another text for an address (7285 10.4)."""
    return {(alto.address(source), alto.address(destination)): cost for (source, destination), cost in cells(found).items()}


@item("X-01", "TEXT", "7285 11.5.1.3", "cost-type and endpoints are both required")
def endpoints_required(suite):
    for entry in suite.cost_services:
        for name in ("cost-type", "endpoints"):
            answer = suite.post(entry, without(good_request(suite, entry), name))
            meta = error_meta(answer)
            expect(answer.status >= 400 and meta.get("code", "E_MISSING_FIELD") == "E_MISSING_FIELD",
                   "%s answers %d without %s" % (entry.id, answer.status, name), meta)


@item("X-02", "MUST", "7285 11.5.1.3", "no srcs, or no dsts, is the address of the client")
def client_address(suite):
    for entry in suite.cost_services:
        key = alto.cost_type(entry.cost_types[0])
        others = some_endpoints(suite)[:6]
        for name, other in (("srcs", "dsts"), ("dsts", "srcs")):
            bodies = [{"cost-type": key, "endpoints": endpoints} for endpoints in ({other: others}, {other: others, name: []})]
            answers = [suite.post(entry, body) for body in bodies]
            expect(answers[0].status == answers[1].status == 200, "%s answers %d and %d to requests without %s"
                   % (entry.id, answers[0].status, answers[1].status, name))
            wanted = cost_pairs(suite.ask_data(entry, with_client(bodies[0], name, answers[0].own_address)))
            for answer in answers:
                found = cost_pairs(alto.members(answer.json().get("endpoint-cost-map")))
                check_client(suite, found, wanted, 0 if name == "srcs" else 1, "%s without %s" % (entry.id, name))


def with_client(body, name, own_address):
    kind = "ipv6" if ":" in own_address else "ipv4"
    return {**body, "endpoints": {**body["endpoints"], name: ["%s:%s" % (kind, own_address)]}}


def check_client(suite, found, wanted, side, what):
    """Behind an address translator the server sees another address than we do: then only that there is one."""
    clients = {pair[side] for pair in found}
    expect(len(clients) <= 1, what, "is about several addresses:", sorted(map(str, clients)))
    if not clients or clients == {pair[side] for pair in wanted} or "127.0.0.1" in suite.root or "[::1]" in suite.root:
        same_cells(found, wanted, what)


@item("X-03", "GAP", "7285 11.5.1.3", "neither srcs nor dsts is refused with 400")
def both_empty(suite):
    for entry in suite.cost_services:
        for endpoints in ({}, {"srcs": [], "dsts": []}):
            request = {**good_request(suite, entry), "endpoints": endpoints}
            answer = suite.post(entry, request)
            expect(answer.status == 400, "%s answers %d to endpoints" % (entry.id, answer.status), endpoints)


@item("X-04", "MUST", "7285 11.5.1.6", "an endpoint cost map has the cost type asked for")
def endpoint_cost_type(suite):
    for entry in suite.cost_services:
        for key in entry.cost_types:
            meta = suite.ask(entry, {**good_request(suite, entry), "cost-type": alto.cost_type(key)}).get("meta")
            got = alto.cost_key(alto.members(alto.members(meta).get("cost-type")))
            expect(got == key, entry.id, "asked for", key, "answers with cost type", got)


@item("X-05", "TEXT", "7285 11.5.1.6", "an endpoint cost map has numbers, for pairs asked for alone")
def endpoint_costs(suite):
    for entry in suite.cost_services:
        request = good_request(suite, entry)
        sources, destinations = ({alto.address(text) for text in request["endpoints"][name]} for name in ("srcs", "dsts"))
        found = suite.ask_data(entry, request)
        expect(all(isinstance(row, dict) for row in found.values()), entry.id, "has rows that are no objects:", found)
        for (source, destination), cost in cost_pairs(found).items():
            expect(source in sources and destination in destinations, "%s has %s -> %s, which was not asked for"
                   % (entry.id, source, destination))
            expect(alto.is_number(cost) or entry.cost_types[0][1] not in ("numerical", "ordinal"),
                   "%s: %s -> %s is" % (entry.id, source, destination), cost)


@item("X-06", "DERIVED", "7285 11.5.1", "endpoint costs are those of the PIDs of one network map (only with --ecs-from-maps)")
def costs_of_pids(suite):
    if not suite.ecs_from_maps:
        raise NotApplicable("a server may know finer costs than those of its maps; compared with --ecs-from-maps")
    checked = False
    addresses = some_addresses(suite)
    texts = [alto.typed(each) for each in addresses]
    for entry in suite.cost_services:
        for key in entry.cost_types:
            full = [found for found in suite.cost_maps if found.cost_types == [key]]
            if full:
                checked = True
                found = suite.ask_data(entry, {"cost-type": alto.cost_type(key), "endpoints": {"srcs": texts, "dsts": texts}})
                check_one_map(suite, key, full, addresses, cost_pairs(found))
    some(checked, "no cost type of an endpoint cost service has a cost map")


def check_one_map(suite, key, full, addresses, found):
    """Where several network maps have the cost type, any of them will do."""
    failures = []
    for entry in full:
        wanted = costs_by_pid(alto.Lookup(suite.data(suite.base(entry))), cells(suite.data(entry)), addresses)
        try:
            same_costs(key, found, wanted, "%s, %s, by %s:" % (*key, entry.id))
            return
        except Failed as failure:
            failures.append(str(failure))
    raise Failed("; ".join(failures))


def costs_by_pid(table, full, addresses):
    pids = {each: table.pid(each) for each in addresses}
    return {(source, destination): full[pids[source], pids[destination]] for source in addresses for destination in addresses
            if (pids[source], pids[destination]) in full}


@item("X-08", "DERIVED", "7285 11.5.1.3, 9111 5.2.2", "what depends on who asks is not for shared caches")
def not_for_caches(suite):
    for entry in suite.cost_services:
        request = {"cost-type": alto.cost_type(entry.cost_types[0]), "endpoints": {"dsts": some_endpoints(suite)[:2]}}
        control = suite.post(entry, request).header("Cache-Control").lower()
        expect("no-store" in control or "private" in control, "%s without srcs: Cache-Control is" % entry.id, control)


# ---- caching ----


def tagged(suite):
    """(entry, answer) of full resources that have an entity tag."""
    found = [(entry, suite.fetch(entry)) for entry in suite.full_resources]
    return some([(entry, answer) for entry, answer in found if answer.header("ETag")], "nothing has an ETag")


@item("H-02", "SHOULD", "9110 8.8.3.1", "what is got by GET has an entity tag")
def has_etag(suite):
    for entry in suite.full_resources:
        text = suite.fetch(entry).header("ETag")
        expect(text.removeprefix("W/").strip('"') and text.endswith('"'), "GET %s: ETag is" % entry.uri, text)


@item("H-03", "DERIVED", "9110 8.8.1", "a strong entity tag is of one representation: not of gzip and identity both")
def etag_of_representation(suite):
    checked = False
    for entry, identity in tagged(suite):
        packed = suite.fetch(entry, accept_encoding="gzip")
        if packed.header("Content-Encoding") == "gzip":
            checked = True
            one, other = identity.header("ETag"), packed.header("ETag")
            expect(one != other or one.startswith("W/"), "GET %s: gzip and identity both have" % entry.uri, one)
            try:
                plain = gzip.decompress(packed.body)
            except (OSError, EOFError) as error:
                raise Failed("GET %s: %s" % (entry.uri, error))
            expect(plain == suite.fetch(entry).body, "GET %s: gzip is not of what is sent without" % entry.uri)
    some(checked, "nothing is sent as gzip")


@item("H-04", "MUST", "9110 13.1.2", "If-None-Match: 304 when a tag matches, also weakly or in a list, or is *")
def not_modified(suite):
    for entry, answer in tagged(suite):
        tag = answer.header("ETag")
        weak = "W/" + tag.removeprefix("W/")
        for text in (tag, weak, '"another", %s' % tag, "*"):
            again = suite.fetch(entry, if_none_match=text)
            expect(again.status == 304, "GET %s with If-None-Match: %s answers %d" % (entry.uri, text, again.status))
        again = suite.fetch(entry, if_none_match='"no-such-tag"')
        expect(again.status == 200, "GET %s with another tag answers %d" % (entry.uri, again.status))


@item("H-05", "MUST", "9110 15.4.5", "304 has the ETag, Cache-Control and Vary of the 200, and no content")
def headers_of_304(suite):
    for entry, answer in tagged(suite):
        again = suite.fetch(entry, if_none_match=answer.header("ETag"))
        if again.status != 304:
            continue  # that is H-04
        expect(not again.body, "GET %s: 304 has content" % entry.uri)
        for name in ("ETag", "Cache-Control", "Vary", "Content-Location"):
            expect(again.header(name) == answer.header(name), "GET %s: %s of the 304 is" % (entry.uri, name),
                   again.header(name), "and not", answer.header(name))


@item("H-06", "SHOULD", "9110 12.5.5", "Vary names Accept-Encoding where the coding depends on it")
def vary(suite):
    checked = False
    for entry in suite.full_resources:
        packed = suite.fetch(entry, accept_encoding="gzip")
        if packed.header("Content-Encoding"):
            checked = True
            for answer in (packed, suite.fetch(entry)):
                expect("accept-encoding" in answer.header("Vary").lower(), "GET %s: Vary is" % entry.uri, answer.header("Vary"))
    some(checked, "nothing is sent compressed")


@item("H-07", "TEXT", "9110 9.3.3", "an answer to POST has no freshness, unless Content-Location names the URI")
def fresh_post(suite):
    for entry in suite.services:
        answer = suite.post(entry, good_request(suite, entry))
        control = answer.header("Cache-Control").lower().replace(" ", "")
        parts = dict(part.partition("=")[::2] for part in control.split(","))
        fresh = any(parts.get(name, "0") != "0" for name in ("max-age", "s-maxage")) or answer.header("Expires") not in ("", "0", "-1")
        expect(not fresh or answer.header("Content-Location") or {"no-store", "private", "no-cache"} & parts.keys(),
               "%s: Cache-Control is" % entry.id, control)
