# SPDX-License-Identifier: Apache-2.0
"""Good and bad requests to the services of a server, made from what it offers."""
import collections
import ipaddress

import alto
from suite import NotApplicable

# A request with one mistake: the code that it deserves; the field and the value that the error may name.
# about: "field", "subfield" (a member further down) or "element" (of an array).
Bad = collections.namedtuple("Bad", "entry request code field value about")

DOCUMENTATION = [ipaddress.ip_address(text) for text in ("192.0.2.1", "198.51.100.77", "2001:db8::1")]


def good_request(suite, entry):
    """One that every server answers with 200."""
    if entry.accepts == alto.NETWORK_MAP_FILTER:
        return {"pids": []}
    if entry.accepts == alto.COST_MAP_FILTER:
        return {"cost-type": alto.cost_type(entry.cost_types[0]), "pids": {"srcs": [], "dsts": []}}
    if entry.accepts == alto.PROPERTIES_PARAMETERS:
        return {"properties": entry.capabilities["prop-types"][:1], "endpoints": some_endpoints(suite)[:3]}
    endpoints = some_endpoints(suite)
    return {"cost-type": alto.cost_type(entry.cost_types[0]), "endpoints": {"srcs": endpoints[:2], "dsts": endpoints[1:5]}}


def some_addresses(suite, most=60):
    """Addresses at the edges of prefixes, where mistakes of a longest-prefix match show, of all network maps."""
    found = dict.fromkeys(DOCUMENTATION)
    for entry in suite.network_maps:
        networks = sorted({network for _, network in alto.prefixes(suite.data(entry))}, key=order)
        for network in networks[:most // 2] + networks[-most // 4:]:
            found[network[0]] = found[network[-1]] = None
            if int(network[-1]) + 1 < 1 << network.max_prefixlen:
                found[network[-1] + 1] = None
    both = [[each for each in found if each.version == version] for version in (4, 6)]
    return both[0][:most] + both[1][:most]


def order(network):
    return -network.prefixlen, network.version, int(network.network_address)


def some_endpoints(suite):
    """A few of both families, mixed."""
    addresses = some_addresses(suite)
    four = [each for each in addresses if each.version == 4]
    six = [each for each in addresses if each.version == 6]
    return [alto.typed(each) for pair in zip(four, six) for each in pair][:12]


def bad_requests(suite):
    """All that have one mistake."""
    for entry in suite.services:
        yield Bad(entry, b'{ "pids": , }', "E_SYNTAX", None, None, None)
        yield Bad(entry, b'{"pids": []', "E_SYNTAX", None, None, None)
        yield from MAKERS[entry.accepts](suite, entry)


def bad_map_filters(suite, entry):
    yield Bad(entry, {"address-types": []}, "E_MISSING_FIELD", "pids", None, "field")
    yield Bad(entry, {"pids": "a"}, "E_INVALID_FIELD_TYPE", "pids", None, "field")
    yield Bad(entry, {"pids": [], "address-types": {}}, "E_INVALID_FIELD_TYPE", "address-types", None, "field")
    yield Bad(entry, {"pids": ["a", 5]}, "E_INVALID_FIELD_VALUE", "pids", "5", "element")


def bad_cost_type(entry, good):
    yield Bad(entry, without(good, "cost-type"), "E_MISSING_FIELD", "cost-type", None, "field")
    yield Bad(entry, {**good, "cost-type": "routingcost"}, "E_INVALID_FIELD_TYPE", "cost-type", None, "field")
    metric, mode = entry.cost_types[0]
    for broken, code, field, value in (
            ({"cost-mode": mode}, "E_MISSING_FIELD", "cost-type/cost-metric", None),
            ({"cost-metric": metric, "cost-mode": 7}, "E_INVALID_FIELD_TYPE", "cost-type/cost-mode", None),
            (alto.cost_type(("no-such-cost", mode)), "E_INVALID_FIELD_VALUE", "cost-type/cost-metric", "no-such-cost"),
            (alto.cost_type((metric, "no-such-mode")), "E_INVALID_FIELD_VALUE", "cost-type/cost-mode", "no-such-mode")):
        yield Bad(entry, {**good, "cost-type": broken}, code, field, value, "subfield")


def bad_constraints(entry, good):
    if entry.constraints:
        for text in ("ne 10", "gt", "gt ten", "10 gt", ""):
            yield Bad(entry, {**good, "constraints": ["ge 0", text]}, "E_INVALID_FIELD_VALUE", "constraints", text, "element")
        yield Bad(entry, {**good, "constraints": "ge 0"}, "E_INVALID_FIELD_TYPE", "constraints", None, "field")


def bad_cost_filters(suite, entry):
    good = good_request(suite, entry)
    yield from bad_cost_type(entry, good)
    yield from bad_constraints(entry, good)
    yield Bad(entry, {**good, "pids": []}, "E_INVALID_FIELD_TYPE", "pids", None, "field")
    yield Bad(entry, {**good, "pids": {"srcs": []}}, "E_MISSING_FIELD", "pids/dsts", None, "subfield")
    yield Bad(entry, {**good, "pids": {"srcs": "a", "dsts": []}}, "E_INVALID_FIELD_TYPE", "pids/srcs", None, "subfield")
    yield Bad(entry, {**good, "pids": {"srcs": [], "dsts": [5]}}, "E_INVALID_FIELD_VALUE", "pids/dsts", "5", "element")


BAD_ADDRESSES = ("ipv4:1.2.3.256", "ipv4:1.2.3", "ipv6:2001:db800::", "ipv4:2001:db8::", "ipv6:1.2.3.4", "192.0.2.1",
                 "nosuchtype:1")


def bad_properties(suite, entry):
    good = good_request(suite, entry)
    for name in ("properties", "endpoints"):
        yield Bad(entry, without(good, name), "E_MISSING_FIELD", name, None, "field")
        yield Bad(entry, {**good, name: good[name][0]}, "E_INVALID_FIELD_TYPE", name, None, "field")
        yield Bad(entry, {**good, name: good[name][:1] + [5]}, "E_INVALID_FIELD_VALUE", name, "5", "element")
    yield Bad(entry, {**good, "properties": ["no-such-property"]}, "E_INVALID_FIELD_VALUE", "properties", "no-such-property",
              "element")
    for text in BAD_ADDRESSES:
        yield Bad(entry, {**good, "endpoints": good["endpoints"][:1] + [text]}, "E_INVALID_FIELD_VALUE", "endpoints", text,
                  "element")


def bad_endpoint_costs(suite, entry):
    good = good_request(suite, entry)
    yield from bad_cost_type(entry, good)
    yield from bad_constraints(entry, good)
    yield Bad(entry, without(good, "endpoints"), "E_MISSING_FIELD", "endpoints", None, "field")
    yield Bad(entry, {**good, "endpoints": []}, "E_INVALID_FIELD_TYPE", "endpoints", None, "field")
    for name in ("srcs", "dsts"):
        field = "endpoints/" + name
        yield Bad(entry, {**good, "endpoints": {**good["endpoints"], name: "ipv4:192.0.2.1"}}, "E_INVALID_FIELD_TYPE", field,
                  None, "subfield")
        for text in BAD_ADDRESSES[:3]:
            yield Bad(entry, {**good, "endpoints": {**good["endpoints"], name: [text]}}, "E_INVALID_FIELD_VALUE", field, text,
                      "element")


MAKERS = {alto.NETWORK_MAP_FILTER: bad_map_filters, alto.COST_MAP_FILTER: bad_cost_filters,
          alto.PROPERTIES_PARAMETERS: bad_properties, alto.ENDPOINT_COST_PARAMETERS: bad_endpoint_costs}


def bad_answers(suite, about=None):
    """(bad request, answer, its meta) of all bad requests, or of those about one kind of place."""
    found = False
    for bad in bad_requests(suite):
        if about in (None, bad.about):
            found = True
            answer = suite.post(bad.entry, bad.request)
            yield bad, answer, error_meta(answer)
    if not found:
        raise NotApplicable("no service that such an error could come from is offered")


def error_meta(answer):
    """{} when it is no error of ALTO."""
    if answer.media_type != alto.ERROR:
        return {}
    try:
        return alto.members(alto.members(answer.json()).get("meta"))
    except ValueError:
        return {}


def without(request, name):
    return {field: value for field, value in request.items() if field != name}
