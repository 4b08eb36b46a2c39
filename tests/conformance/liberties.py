# SPDX-License-Identifier: Apache-2.0
"""What a correct server may do otherwise than the small one does: the checks have to take it."""
import alto
import data
import server
from mistakes import copy, good

HOPS = server.Server(data.SMALL).documents["hops"]
LIBERTIES = []


def liberty(change):
    """A function of (request, answer) that changes the document."""
    LIBERTIES.append(change)
    return change


def rows_of(answer):
    return copy(answer).get("cost-map") or answer.document.get("endpoint-cost-map") or {}


def is_costs(answer):
    return good(answer, alto.COST_MAP) or good(answer, alto.ENDPOINT_COST)


@liberty
def costs_are_written_as_floating_point(request, answer):
    if is_costs(answer):
        for row in rows_of(answer).values():
            row.update({name: float(cost) for name, cost in row.items() if isinstance(cost, int)})


@liberty
def ranks_are_made_anew(request, answer):
    if request.service and is_costs(answer) and answer.document["meta"]["cost-type"].get("cost-mode") == "ordinal":
        for row in rows_of(answer).values():
            row.update({name: 2 * int(rank) + 1 for name, rank in row.items()})


@liberty
def a_source_without_costs_is_an_empty_row(request, answer):
    if request.service == alto.COST_MAP_FILTER and answer.status == 200:
        for pid in alto.members(request.document.get("pids")).get("srcs", []):
            if pid != "no-such-pid":
                copy(answer)["cost-map"].setdefault(pid, {})


def other_text(endpoint):
    address = alto.address(endpoint)
    return "ipv6:" + address.exploded.upper() if address.version == 6 else endpoint


@liberty
def addresses_are_echoed_in_another_form(request, answer):
    """RFC 7285 10.4"""
    field = alto.DATA_FIELD.get(answer.media_type)
    if field in ("endpoint-properties", "endpoint-cost-map") and answer.status == 200:
        found = copy(answer)[field]
        if field == "endpoint-cost-map":
            found = {name: {other_text(each): cost for each, cost in row.items()} for name, row in found.items()}
        answer.document[field] = {other_text(name): value for name, value in found.items()}


@liberty
def errors_have_a_code_alone(request, answer):
    if answer.media_type == alto.ERROR:
        answer.document = {"meta": {"code": answer.document["meta"]["code"]}}


@liberty
def members_of_extensions_are_everywhere(request, answer):
    if answer.document is not None:
        copy(answer)["priv:more"] = {"a": None}
        answer.document["meta"]["priv:more"] = [1]
    if request.path == "/directory" and answer.status == 200:
        answer.document["resources"]["stream"] = {"uri": "stream", "media-type": "text/event-stream", "accepts": "x/y", "more": 1}


@liberty
def addresses_of_other_types_are_in_the_map(request, answer):
    if good(answer, alto.NETWORK_MAP) and "nobody" in answer.document["network-map"]:
        copy(answer)["network-map"]["nobody"]["eui48"] = ["00-00-5e-00-53-00"]


@liberty
def a_map_is_somewhere_else(request, answer):
    if request.path == "/maps/hops" and answer.status == 200:
        answer.headers["Location"], answer.status, answer.document = "/maps/ranks?of=hops", 307, None
    if request.path == "/maps/ranks?of=hops":
        answer.status, answer.media_type, answer.document = 200, alto.COST_MAP, HOPS
        answer.headers["Cache-Control"] = "max-age=60"


@liberty
def accept_is_disregarded(request, answer):
    if answer.status == 406 and request.method == "GET" and request.entry is None:
        answer.status, answer.media_type, answer.document = 200, alto.DIRECTORY, {"meta": {}, "resources": {}}
