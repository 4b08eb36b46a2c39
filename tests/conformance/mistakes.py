# SPDX-License-Identifier: Apache-2.0
"""Mistakes that the small server can be made to make, one at a time, and the item that has to fail then.

Each is a function of (request, answer): `answered` change the document, or put another answer in its place; `sent` change
what goes out over HTTP. Several mistakes may belong to one item.
"""
import collections
import gzip
import json
import struct

import alto
import data

Mistake = collections.namedtuple("Mistake", "item text hook change")

MISTAKES = []


def mistake(hook, item, text):
    def add(change):
        MISTAKES.append(Mistake(item, text, hook, change))
        return change
    return add


def answered(item, text):
    return mistake("on_answer", item, text)


def sent(item, text):
    return mistake("on_sent", item, text)


def good(answer, media_type):
    return answer.status == 200 and answer.media_type == media_type


def full(request, answer, media_type):
    return good(answer, media_type) and not request.service


def filtered(request, answer, media_type):
    return good(answer, media_type) and request.service != ""


def is_error(answer, code=None):
    return answer.media_type == alto.ERROR and code in (None, answer.document["meta"]["code"])


def fail(answer, code, field=None, value=None, status=400):
    answer.status, answer.media_type = status, alto.ERROR
    answer.document = {"meta": {name: text for name, text in (("code", code), ("field", field), ("value", value))
                                if text is not None}}


def copy(answer):
    """The documents of the server are its own: change a copy."""
    if answer.document is not None:
        answer.document = json.loads(json.dumps(answer.document))
    return answer.document


def change_meta(media_type, service, name, value):
    def change(request, answer):
        if good(answer, media_type) and bool(request.service) == service:
            copy(answer)["meta"][name] = value
    return change


def drop_meta(media_type, service, name):
    def change(request, answer):
        if good(answer, media_type) and bool(request.service) == service:
            copy(answer)["meta"].pop(name, None)
    return change


def directory(change):
    """A mistake in the resources (and meta) of the root directory."""
    def change_directory(request, answer):
        if request.path == "/directory" and answer.status == 200:
            document = copy(answer)
            change(document["resources"], document["meta"])
    return change_directory


def in_map(change):
    """A mistake in the PIDs of the full network map."""
    def change_map(request, answer):
        if request.path == "/maps/net" and answer.status == 200:
            change(copy(answer)["network-map"])
    return change_map


def in_costs(path, change):
    def change_costs(request, answer):
        if request.path == path and answer.status == 200:
            change(copy(answer)["cost-map"])
    return change_costs


def asked(service, condition, change):
    """A mistake in the answers to requests to a service that fulfil a condition."""
    def change_asked(request, answer):
        if request.service == service and isinstance(request.document, dict) and condition(request.document):
            copy(answer)
            change(request, answer)
    return change_asked


def add(item, text, change, hook="on_answer"):
    MISTAKES.append(Mistake(item, text, hook, change))


# ---- 1: general ----


@sent("G-01", "HTTP/1.0")
def _(request, answer):
    answer.version = "HTTP/1.0"


@sent("G-05", "no Content-Type on maps")
def _(request, answer):
    if request.method == "GET" and request.entry:
        answer.headers.pop("Content-Type", None)


@sent("G-05", "no Content-Type on answers to POST")
def _(request, answer):
    if request.method == "POST":
        answer.headers.pop("Content-Type", None)


@answered("G-09", "an unknown field is an error")
def _(request, answer):
    if request.document and "no-such-field" in request.document:
        fail(answer, "E_INVALID_FIELD_VALUE", "no-such-field")


@answered("G-09", "an unknown field changes the answer")
def _(request, answer):
    if request.document and "no-such-field" in request.document and answer.status == 200:
        copy(answer)[alto.DATA_FIELD[answer.media_type]].clear()


@answered("G-11", "names in capitals are taken")
def _(request, answer):
    if request.document and any(name[0].isupper() for name in request.document):
        answer.status, answer.media_type = 200, request.entry.media_type
        answer.document = {"meta": {}, alto.DATA_FIELD[answer.media_type]: {}}


@answered("G-12", "no meta in answers to POST")
def _(request, answer):
    if request.method == "POST" and answer.status == 200:
        copy(answer).pop("meta")


@answered("G-12", "another data field beside it")
def _(request, answer):
    if full(request, answer, alto.COST_MAP):
        copy(answer)["network-map"] = {}


@answered("G-12", "the data is in a field of another name")
def _(request, answer):
    if full(request, answer, alto.NETWORK_MAP):
        copy(answer)["map"] = answer.document.pop("network-map")


@sent("G-13", "a name comes twice")
def _(request, answer):
    if full(request, answer, alto.NETWORK_MAP):
        answer.body = answer.body.replace(b'{"meta":', b'{"meta": {}, "meta":')
        answer.body = b'{"x": 1, "x": 2, ' + answer.body[1:]


@sent("G-15", "a byte order mark")
def _(request, answer):
    if full(request, answer, alto.NETWORK_MAP):
        answer.body = b"\xef\xbb\xbf" + answer.body


@sent("G-15", "Latin-1")
def _(request, answer):
    if full(request, answer, alto.NETWORK_MAP):
        answer.body = answer.body[:-1] + b', "\xe9": 1}'


@sent("G-16", "charset behind the media type")
def _(request, answer):
    if answer.body:
        answer.headers["Content-Type"] += "; charset=utf-8"


@answered("G-16", "a request with charset is refused")
def _(request, answer):
    if "charset" in request.headers.get("Content-Type", ""):
        fail(answer, "E_SYNTAX", status=415)


@answered("G-17", "an unknown URI is answered with an empty 200")
def _(request, answer):
    if answer.status == 404:
        answer.status = 200


@answered("G-17", "no Allow with 405")
def _(request, answer):
    answer.headers.pop("Allow", None)


@answered("G-17", "GET of a service is an error of the server")
def _(request, answer):
    if answer.status == 405 and request.method == "GET":
        answer.status = 500


@sent("G-17", "HEAD has another ETag")
def _(request, answer):
    if request.method == "HEAD":
        answer.headers["ETag"] = '"head"'


@answered("G-18", "OPTIONS is not known")
def _(request, answer):
    if request.method == "OPTIONS":
        answer.status = 405


@answered("G-18", "OPTIONS without Allow")
def _(request, answer):
    if request.method == "OPTIONS":
        answer.headers.clear()


@answered("G-19", "Accept that matches nothing is an error of the server")
def _(request, answer):
    if answer.status == 406:
        answer.status = 500


@answered("G-19", "without Accept nothing is acceptable")
def _(request, answer):
    if "Accept" not in request.headers:
        answer.status, answer.document = 406, None


@answered("G-20", "Accept is compared as a whole")
def _(request, answer):
    if answer.media_type and request.headers.get("Accept") not in (answer.media_type, answer.media_type + "," + alto.ERROR):
        answer.status, answer.document = 406, None


@answered("G-20", "Accept has to name the type itself")
def _(request, answer):
    if answer.media_type and answer.media_type not in request.headers.get("Accept", answer.media_type).lower():
        answer.status, answer.document = 406, None


@answered("G-21", "any Content-Type will do")
def _(request, answer):
    if answer.status == 415:
        answer.status, answer.media_type = 200, request.entry.media_type
        answer.document = {"meta": {}, alto.DATA_FIELD[answer.media_type]: {}}


# ---- 2: errors ----


@answered("E-01", "errors come with status 200")
def _(request, answer):
    if is_error(answer):
        answer.status = 200


@answered("E-01", "errors of syntax are errors of the server")
def _(request, answer):
    if is_error(answer, "E_SYNTAX"):
        answer.status = 500


@answered("E-02", "errors are application/json")
def _(request, answer):
    if is_error(answer):
        answer.media_type = "application/json"


@answered("E-03", "a code of its own")
def _(request, answer):
    if is_error(answer, "E_MISSING_FIELD"):
        copy(answer)["meta"]["code"] = "E_MISSING"


@answered("E-03", "no code")
def _(request, answer):
    if is_error(answer, "E_SYNTAX"):
        answer.document = {"meta": {}}


@answered("E-03", "data beside the error")
def _(request, answer):
    if is_error(answer):
        copy(answer)["cost-map"] = {}


def wrong_code(is_now, becomes):
    def change(request, answer):
        if is_error(answer, is_now):
            copy(answer)["meta"]["code"] = becomes
    return change


add("E-04", "bad syntax is a missing field", wrong_code("E_SYNTAX", "E_MISSING_FIELD"))
add("E-04", "a missing field is an invalid value", wrong_code("E_MISSING_FIELD", "E_INVALID_FIELD_VALUE"))
add("E-04", "a wrong type is an invalid value", wrong_code("E_INVALID_FIELD_TYPE", "E_INVALID_FIELD_VALUE"))
add("E-04", "an invalid value is a wrong type", wrong_code("E_INVALID_FIELD_VALUE", "E_INVALID_FIELD_TYPE"))


@answered("E-05", "syntax-error is a number")
def _(request, answer):
    if is_error(answer, "E_SYNTAX"):
        copy(answer)["meta"]["syntax-error"] = 17


@answered("E-06", "field is not the field")
def _(request, answer):
    if is_error(answer, "E_MISSING_FIELD"):
        copy(answer)["meta"]["field"] = "something"


@answered("E-07", "value without field")
def _(request, answer):
    if is_error(answer) and "value" in answer.document["meta"]:
        copy(answer)["meta"].pop("field")


@answered("E-07", "value is a number")
def _(request, answer):
    if is_error(answer) and answer.document["meta"].get("value") == "5":
        copy(answer)["meta"]["value"] = 5


@answered("E-08", "a subfield is named without its path")
def _(request, answer):
    if is_error(answer) and "field" in answer.document["meta"]:
        copy(answer)["meta"]["field"] = answer.document["meta"]["field"].rpartition("/")[2]


@answered("E-08", "the value of another subfield")
def _(request, answer):
    if is_error(answer) and answer.document["meta"].get("value") == "no-such-mode":
        copy(answer)["meta"]["value"] = "no-such-metric"


@answered("E-09", "an element of a wrong type is a field of a wrong type")
def _(request, answer):
    if is_error(answer) and answer.document["meta"].get("value") == "5":
        copy(answer)["meta"]["code"] = "E_INVALID_FIELD_TYPE"


@answered("E-09", "an invalid element is named by its index")
def _(request, answer):
    if is_error(answer) and "value" in answer.document["meta"]:
        copy(answer)["meta"]["field"] += "/1"


@answered("E-10", "all errors are reported")
def _(request, answer):
    if is_error(answer):
        copy(answer)["meta"]["code"] = [answer.document["meta"]["code"]] * 2


@answered("E-11", "errors are 422")
def _(request, answer):
    if is_error(answer):
        answer.status = 422


add("E-12", "no endpoints are fine", asked(
    alto.PROPERTIES_PARAMETERS, lambda document: document.get("endpoints") == [],
    lambda request, answer: answer.__dict__.update(status=200, media_type=alto.PROPERTIES,
                                                   document={"meta": {}, "endpoint-properties": {}})))


@answered("E-13", "constraints are ignored where they are not offered")
def _(request, answer):
    if is_error(answer) and answer.document["meta"].get("field") == "constraints" and not request.entry.constraints:
        answer.status, answer.media_type, answer.document = 200, alto.COST_MAP, {"meta": {}, "cost-map": {}}


# ---- 3: directory ----


@sent("I-01", "the linked directory comes in another type the second time")
def _(request, answer):
    if request.path == "/more/directory" and request.headers.get("Accept") == alto.DIRECTORY:
        answer.headers["Content-Type"] = "application/json"


add("I-02", "no default network map", directory(lambda resources, meta: meta.pop("default-alto-network-map")))
add("I-02", "the default network map is a cost map",
    directory(lambda resources, meta: meta.update({"default-alto-network-map": "costs"})))
add("I-03", "a cost type is a string", directory(lambda resources, meta: meta["cost-types"].update(other="routingcost")))
add("I-03", "a cost type without mode",
    directory(lambda resources, meta: meta["cost-types"].update(other={"cost-metric": "routingcost"})))
add("I-04", "uses is a string", directory(lambda resources, meta: resources["costs"].update(uses="net")))
add("I-04", "an entry without uri", directory(lambda resources, meta: resources["properties"].pop("uri")))
add("I-04", "media-type is a list", directory(lambda resources, meta: resources["net"].update({"media-type": [alto.NETWORK_MAP]})))


@answered("I-08", "an advertised map is not there")
def _(request, answer):
    if request.path == "/maps/hops":
        answer.status, answer.document = 404, None


@answered("I-08", "an advertised service is not there")
def _(request, answer):
    if request.path == "/net-filtered":
        answer.status, answer.document = 404, None


add("I-09", "uses names what is not there", directory(lambda resources, meta: resources["costs"].update(uses=["gone"])))
add("I-09", "a cost map uses nothing", directory(lambda resources, meta: resources["costs-filtered"].pop("uses")))
add("I-10", "a resource ID is used again in a linked directory",
    directory(lambda resources, meta: resources.update({"costs-of-fours": resources["costs"]})))


@sent("I-10", "a resource ID is twice in one directory")
def _(request, answer):
    if request.path == "/directory":
        answer.body = answer.body.replace(b'"resources": {', b'"resources": {"hops": {}, ', 1)


add("I-13", "no pid of a network map", directory(lambda resources, meta: resources["properties"]["capabilities"].update(
    {"prop-types": ["net.pid"]})))
add("I-13", "no cost map of routingcost", directory(lambda resources, meta: meta["cost-types"].update(
    {"num-routing": alto.cost_type(("priv:other", "numerical")), "ord-routing": alto.cost_type(("priv:other", "ordinal")),
     "more": resources.pop("more")})))
add("I-14", "a cost map under a second name", directory(lambda resources, meta: resources.update(again=resources["costs"])))
add("I-15", "a cost map of two cost types", directory(lambda resources, meta: resources["costs"]["capabilities"].update(
    {"cost-type-names": ["num-routing", "num-hops"]})))
add("I-15", "a cost type that the directory lacks", directory(lambda resources, meta: meta["cost-types"].pop("num-hops")))
add("I-15", "an endpoint cost service without cost types",
    directory(lambda resources, meta: resources["endpoint-cost"]["capabilities"].pop("cost-type-names")))
add("I-17", "no names of properties", directory(lambda resources, meta: resources["properties"].pop("capabilities")))
add("I-18", "the endpoint cost service uses a map", directory(lambda resources, meta: resources["endpoint-cost"].update(uses=["net"])))
add("I-18", "the property service uses a map", directory(lambda resources, meta: resources["properties"].update(uses=["net"])))


@answered("I-19", "a linked directory is not there")
def _(request, answer):
    if request.path == "/more/directory":
        answer.status, answer.document = 404, None


@answered("I-19", "what is linked is no directory")
def _(request, answer):
    if request.path == "/more/directory":
        copy(answer).pop("resources")


# ---- 4: data types ----

add("T-01", "a PID with a space", in_map(lambda pids: pids.update({"the west": pids.pop("west")})))
add("T-01", "a PID with a dot", in_map(lambda pids: pids.update({"the.west": pids.pop("west")})))
add("T-01", "a PID of 65 characters", in_map(lambda pids: pids.update({"w" * 65: pids.pop("west")})))
add("T-02", "a resource ID with a slash", directory(lambda resources, meta: resources.update({"the/hops": resources.pop("hops")})))
add("T-03", "a tag is a number", change_meta(alto.NETWORK_MAP, False, "vtag", {"resource-id": "net", "tag": 7}))
add("T-03", "dependent-vtags are tags alone", change_meta(alto.COST_MAP, False, "dependent-vtags", ["abc"]))
add("T-04", "a tag of 65 characters", change_meta(alto.NETWORK_MAP, False, "vtag", {"resource-id": "net", "tag": "t" * 65}))
add("T-04", "a tag with a space", change_meta(alto.NETWORK_MAP, False, "vtag", {"resource-id": "net", "tag": "a b"}))
add("T-07", "an address type with a dash", in_map(lambda pids: pids["west"].update({"mac-48": ["00:00:5e:00:53:00"]})))
add("T-09", "IPv6 in capitals", in_map(lambda pids: pids["west"].update(ipv6=["2001:DB8:8000::/33", "::1/128"])))
add("T-09", "IPv6 without ::", in_map(lambda pids: pids["sixes"].update(ipv6=["fe80:0:0:0:0:0:0:0/10"])))
add("T-09", "only canonical IPv6 is known", asked(
    alto.PROPERTIES_PARAMETERS, lambda document: "DB8" in str(document),
    lambda request, answer: fail(answer, "E_INVALID_FIELD_VALUE", "endpoints")))
add("T-10", "a prefix without length", in_map(lambda pids: pids["host"].update(ipv4=["192.0.2.77"])))
add("T-10", "a prefix with leading zeros", in_map(lambda pids: pids["host"].update(ipv4=["192.000.002.077/32"])))
add("T-10", "an IPv6 prefix among ipv4", in_map(lambda pids: pids["host"].update(ipv4=["2001:db8::7/128"])))
add("T-11", "bits beyond the length", in_map(lambda pids: pids["east"].update(ipv4=["192.0.2.1/24", "198.51.100.0/25"])))
add("T-13", "one prefix that is no array", in_map(lambda pids: pids["host"].update(ipv4="192.0.2.77/32")))
add("T-14", "a cost mode with a dot", directory(lambda resources, meta: meta["cost-types"].update(
    other=alto.cost_type(("routingcost", "a.b")))))
add("T-15", "a cost metric of 33 characters", directory(lambda resources, meta: meta["cost-types"].update(
    other=alto.cost_type(("m" * 33, "numerical")))))
add("T-15", "a cost metric that is only priv:", directory(lambda resources, meta: meta["cost-types"].update(
    other=alto.cost_type(("priv:", "numerical")))))
add("T-16", "one cost type under two names in one service", directory(lambda resources, meta: (
    meta["cost-types"].update(again=meta["cost-types"]["num-hops"]),
    resources["endpoint-cost"]["capabilities"]["cost-type-names"].append("again"))))
add("T-17", "a property with a space", directory(lambda resources, meta: resources["properties"]["capabilities"]["prop-types"].append(
    "net.p id")))
add("T-18", "a property of a map that is not there", directory(
    lambda resources, meta: resources["properties"]["capabilities"]["prop-types"].append("gone.pid")))

# ---- 5: network map ----

add("N-01", "a network map has capabilities", directory(lambda resources, meta: resources["net"].update(capabilities={"x": 1})))
add("N-01", "a network map uses another", directory(lambda resources, meta: resources["net"].update(uses=["only-fours"])))
add("N-02", "no version tag", drop_meta(alto.NETWORK_MAP, False, "vtag"))
add("N-02", "the version tag of another resource", change_meta(alto.NETWORK_MAP, False, "vtag", {"resource-id": "map", "tag": "t"}))
add("N-03", "a PID is an array of prefixes", in_map(lambda pids: pids.update(host=["192.0.2.77/32"])))


class Alternating:
    """Something else every second time."""

    def __init__(self, path, change):
        self.path, self.change, self.count = path, change, 0

    def __call__(self, request, answer):
        if request.path == self.path and answer.status == 200:
            self.count += 1
            if self.count % 2:
                self.change(copy(answer))


add("N-04", "a map changes under its tag", Alternating("/maps/net", lambda document: document["network-map"].pop("sixes")))


def first_match(document):
    for properties in document["endpoint-properties"].values():
        for name in properties:
            if name == "net.pid" and properties[name] in ("host", "east-centre"):
                properties[name] = "east"


@answered("N-07", "the shortest of the prefixes wins")
def _(request, answer):
    if good(answer, alto.PROPERTIES):
        first_match(copy(answer))


@answered("N-07", "no PIDs for IPv6")
def _(request, answer):
    if good(answer, alto.PROPERTIES):
        for endpoint, properties in copy(answer)["endpoint-properties"].items():
            if endpoint.startswith("ipv6:"):
                properties.pop("net.pid", None)


add("N-08", "a hole in IPv4", in_map(lambda pids: pids["everybody"].update(ipv4=["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"])))
add("N-08", "a hole in IPv6", in_map(lambda pids: pids["everybody"].pop("ipv6")))
add("N-09", "a prefix in two PIDs", in_map(lambda pids: pids.update(nobody={"ipv4": ["192.0.2.0/24"]})))
add("N-09", "a prefix in two PIDs, written in two ways", in_map(lambda pids: pids.update(nobody={"ipv6": ["0:0::0/0"]})))


@answered("N-12", "an IPv4 address inside an IPv6 address has the PID of the IPv4 address")
def _(request, answer):
    if good(answer, alto.PROPERTIES):
        for endpoint, properties in copy(answer)["endpoint-properties"].items():
            if "::ffff:" in endpoint and "net.pid" in properties:
                properties["net.pid"] = "east"


# ---- 6: cost map ----

add("C-01", "a cost map uses two network maps", directory(lambda resources, meta: resources["costs"].update(uses=["net", "only-fours"])))
add("C-01", "a cost map uses a cost map", directory(lambda resources, meta: resources["costs"].update(uses=["hops"])))
add("C-02", "no dependent-vtags", drop_meta(alto.COST_MAP, False, "dependent-vtags"))
add("C-02", "dependent-vtags is no array", change_meta(alto.COST_MAP, False, "dependent-vtags", {"resource-id": "net", "tag": "t"}))
add("C-02", "two dependent-vtags", change_meta(alto.COST_MAP, False, "dependent-vtags", [{"resource-id": "net", "tag": "t"}] * 2))
add("C-03", "no cost type", drop_meta(alto.COST_MAP, False, "cost-type"))
add("C-03", "another cost type than announced", change_meta(alto.COST_MAP, False, "cost-type", alto.cost_type(("hopcount", "ordinal"))))
add("C-04", "null for a cost that is not defined", in_costs("/maps/costs", lambda rows: rows["west"].update(host=None)))
add("C-04", "costs as text", in_costs("/maps/costs", lambda rows: rows["west"].update(host="7")))
add("C-04", "a row is a list", in_costs("/maps/costs", lambda rows: rows.update(west=[0, 1])))
add("C-08", "an ordinal cost with a fraction", in_costs("/maps/ranks", lambda rows: rows["west"].update(host=0.5)))
add("C-08", "a negative ordinal cost", in_costs("/maps/ranks", lambda rows: rows["west"].update(host=-1)))
add("C-10", "costs come and go", Alternating("/maps/costs", lambda document: document["cost-map"].pop("west")))
add("C-13", "cost maps of an older network map",
    change_meta(alto.COST_MAP, False, "dependent-vtags", [{"resource-id": "net", "tag": "older"}]))
add("C-14", "a PID that the network map lacks", in_costs("/maps/costs", lambda rows: rows.update(gone={"west": 1})))
add("C-14", "a destination that the network map lacks", in_costs("/maps/costs", lambda rows: rows["west"].update(gone=1)))

# ---- 7: filtered network map ----

FNM, FCM, EPS, ECS = (alto.NETWORK_MAP_FILTER, alto.COST_MAP_FILTER, alto.PROPERTIES_PARAMETERS, alto.ENDPOINT_COST_PARAMETERS)


def empty_map(request, answer):
    answer.document["network-map"] = {}


def all_of_net(request, answer):
    answer.status, answer.media_type = 200, alto.NETWORK_MAP
    answer.document = {"meta": {}, "network-map": data.NETWORK}


add("F-01", "no pids is all PIDs", asked(FNM, lambda document: "pids" not in document, all_of_net))
add("F-02", "empty pids is no PID", asked(FNM, lambda document: document["pids"] == [], empty_map))
add("F-02", "empty address-types is no address", asked(FNM, lambda document: document.get("address-types") == [], empty_map))
add("F-02", "duplicates are an error", asked(FNM, lambda document: len(set(document["pids"])) < len(document["pids"]),
                                             lambda request, answer: fail(answer, "E_INVALID_FIELD_VALUE", "pids")))
add("F-03", "an unknown PID is an error", asked(FNM, lambda document: "no-such-pid" in document["pids"],
                                                lambda request, answer: fail(answer, "E_INVALID_FIELD_VALUE", "pids")))
add("F-03", "only unknown PIDs is all PIDs", asked(FNM, lambda document: document["pids"] == ["no-such-pid"], all_of_net))
add("F-03", "an unknown address type is an error", asked(
    FNM, lambda document: "nosuchtype" in document.get("address-types", []),
    lambda request, answer: fail(answer, "E_INVALID_FIELD_VALUE", "address-types")))
add("F-04", "all PIDs whatever was asked", asked(FNM, lambda document: len(document.get("pids", [])) > 1, all_of_net))
add("F-04", "address-types are not looked at", asked(
    FNM, lambda document: document["pids"] and document.get("address-types") == ["ipv4"],
    lambda request, answer: answer.document["network-map"]["east"].update(ipv6=["2001:db8::/33"])))
add("F-05", "PIDs that were not named stay without addresses", asked(
    FNM, lambda document: document["pids"] == [] and document.get("address-types"),
    lambda request, answer: answer.document["network-map"].update(nobody={})))
add("F-05", "PIDs that were named go", asked(FNM, lambda document: document["pids"] and document.get("address-types"), empty_map))
add("F-06", "a version tag of the filter's own", change_meta(alto.NETWORK_MAP, True, "vtag", {"resource-id": "net-filtered", "tag": "t"}))
add("F-06", "no version tag", drop_meta(alto.NETWORK_MAP, True, "vtag"))

# ---- 8: filtered cost map ----


def cost_answer(change):
    def change_rows(request, answer):
        if answer.status == 200:
            change(answer.document["cost-map" if "cost-map" in answer.document else "endpoint-cost-map"])
    return change_rows


def any_costs(request, answer):
    answer.status, answer.media_type = 200, request.entry.media_type
    answer.document = {"meta": {}, alto.DATA_FIELD[answer.media_type]: {}}


def refuse(request, answer):
    fail(answer, "E_INVALID_FIELD_VALUE")


def has_pids(test):
    return lambda document: "pids" in document and test(document["pids"]["srcs"], document["pids"]["dsts"])


def has_constraint(part):
    return lambda document: part in str(document.get("constraints", ""))


no_rows = cost_answer(lambda rows: rows.clear())
one_row_less = cost_answer(lambda rows: rows and rows.pop(next(iter(rows))))
one_cost_else = cost_answer(lambda rows: [row.update({name: 123}) for row in rows.values() for name in list(row)[:1]])
one_cost_more = cost_answer(lambda rows: rows.setdefault("nobody", {}).update(nobody=1))

add("K-01", "no cost type is any cost type", asked(FCM, lambda document: "cost-type" not in document, any_costs))
add("K-02", "an unknown metric is answered", asked(FCM, lambda document: "no-such-cost" in str(document), any_costs))
add("K-02", "a known metric in a mode that it is not offered in is answered",
    asked(FCM, lambda document: document.get("cost-type") == alto.cost_type(("hopcount", "ordinal")), any_costs))
add("K-02", "a cost type offered is refused",
    asked(ECS, lambda document: document.get("cost-type") == alto.cost_type(("routingcost", "ordinal")), refuse))
add("K-03", "a description has to match", asked(FCM, lambda document: "description" in str(document), refuse))
add("K-03", "a description changes the answer", asked(FCM, lambda document: "description" in str(document), one_row_less))
add("K-04", "pids is required", asked(FCM, lambda document: "pids" not in document, refuse))
add("K-04", "an empty list is no PID", asked(FCM, has_pids(lambda sources, destinations: sources and not destinations), no_rows))
add("K-04", "an unknown PID is an error", asked(FCM, has_pids(lambda sources, destinations: "no-such-pid" in sources), refuse))
add("K-04", "only unknown PIDs is something", asked(FCM, has_pids(lambda sources, _: sources == ["no-such-pid"]), one_cost_more))
add("K-04", "duplicates are an error", asked(FCM, has_pids(lambda sources, _: len(set(sources)) < len(sources)), refuse))
add("K-05", "a pair that was not asked for", asked(FCM, has_pids(lambda sources, destinations: sources and destinations), one_cost_more))
add("K-05", "a row is missing", asked(FCM, has_pids(lambda sources, destinations: sources and destinations), one_row_less))
add("K-05", "a cost is wrong", asked(FCM, has_pids(lambda sources, destinations: sources and destinations), one_cost_else))
for name in ("gt", "lt", "ge", "le", "eq"):
    add("K-06", "%s is not known" % name, asked(FCM, has_constraint("'%s " % name), refuse))
add("K-06", "the second constraint is forgotten", asked(
    FCM, lambda document: len(document.get("constraints", [])) > 1, one_cost_more))
add("K-06", "only one space before the number", asked(FCM, has_constraint("\\t"), refuse))
add("K-07", "endpoint cost forgets constraints", asked(ECS, has_constraint("le"), one_cost_more))
add("K-08", "no dependent-vtags in filtered cost maps", drop_meta(alto.COST_MAP, True, "dependent-vtags"))
add("K-08", "the cost type of another map", change_meta(alto.COST_MAP, True, "cost-type", alto.cost_type(("hopcount", "ordinal"))))
add("K-08", "dependent-vtags of an older map", change_meta(alto.COST_MAP, True, "dependent-vtags", [{"resource-id": "net", "tag": "t"}]))


@answered("T-19", "costs are held as single precision")
def _(request, answer):
    constraints = (request.document or {}).get("constraints", [])
    if request.service == FCM and len(constraints) == 1 and constraints[0].startswith("eq "):
        number = float(constraints[0].split()[1])
        if number < 1e30 and struct.unpack("f", struct.pack("f", number))[0] != number:
            copy(answer)["cost-map"] = {}


def multi(test=lambda document: True):
    return lambda document: "multi-cost-types" in document and test(document)


def swap(rows):
    for row in rows.values():
        for name, costs in row.items():
            row[name] = costs[::-1]


def drop_nulls(rows):
    for row in rows.values():
        for name, costs in row.items():
            row[name] = [cost for cost in costs if cost is not None]


add("Z-01", "costs in an order of its own", asked(FCM, multi(), cost_answer(swap)))
add("Z-01", "no null for what is missing", asked(FCM, multi(), cost_answer(drop_nulls)))
add("Z-01", "one cost is no array", asked(FCM, multi(lambda document: len(document["multi-cost-types"]) == 1), cost_answer(
    lambda rows: [row.update({name: costs[0]}) for row in rows.values() for name, costs in list(row.items())])))
add("Z-01", "cost-type stays in meta", asked(FCM, multi(), lambda request, answer: answer.document["meta"].update(
    {"cost-type": {"cost-metric": "routingcost", "cost-mode": "numerical"}})))
add("Z-01b", "or-constraints are not known", asked(FCM, multi(lambda document: "or-constraints" in document), refuse))
add("Z-01b", "or-constraints are anded", asked(FCM, multi(lambda document: "or-constraints" in document), one_row_less))
add("Z-01b", "the index of a constraint is forgotten", asked(FCM, multi(has_constraint("[1]")), one_row_less))
add("Z-01c", "cost-type and multi-cost-types together", asked(FCM, multi(lambda document: "cost-type" in document), any_costs))
add("Z-01c", "more cost types than offered", asked(FCM, multi(lambda document: len(document["multi-cost-types"]) > 2), any_costs))

# ---- 9: endpoint properties ----


def property_answer(change):
    def change_properties(request, answer):
        if answer.status == 200:
            change(answer.document["endpoint-properties"])
    return change_properties


def any_properties(request, answer):
    answer.status, answer.media_type = 200, alto.PROPERTIES
    answer.document = {"meta": {}, "endpoint-properties": {}}


add("P-EPS-01", "endpoints are not required", asked(EPS, lambda document: "endpoints" not in document, any_properties))
add("P-EPS-01", "properties are not required", asked(EPS, lambda document: "properties" not in document, any_properties))
add("P-EPS-02", "unknown properties are ignored", asked(EPS, lambda document: "no-such-property" in str(document), any_properties))
add("P-EPS-02", "properties of unknown maps are ignored", asked(EPS, lambda document: "no-such-map" in str(document), any_properties))
add("P-EPS-02", "a property offered is refused", asked(EPS, lambda document: document.get("properties") == ["priv:role"], refuse))
for text in ("1.2.3.256", "1.2.3'", "db800", "ipv4:2001", "ipv6:1.2", "'192", "nosuchtype"):
    add("P-EPS-02", "no error for an address with %s" % text,
        asked(EPS, lambda document, text=text: text in str(document.get("endpoints")), any_properties))
add("P-EPS-03", "duplicates are an error", asked(EPS, lambda document: isinstance(document.get("endpoints"), list) and len(
    set(map(str, document["endpoints"]))) < len(document["endpoints"]), refuse))
add("P-EPS-04", "no dependent-vtags", drop_meta(alto.PROPERTIES, True, "dependent-vtags"))
add("P-EPS-04", "dependent-vtags of all maps", change_meta(alto.PROPERTIES, True, "dependent-vtags", [
    {"resource-id": "net", "tag": "t"}, {"resource-id": "only-fours", "tag": "t"}]))
add("P-EPS-05", "an endpoint is forgotten", asked(EPS, lambda document: True, property_answer(lambda found: found and found.popitem())))
add("P-EPS-05", "an endpoint that was not asked for",
    asked(EPS, lambda document: True, property_answer(lambda found: found.update({"ipv4:203.0.113.9": {}}))))
add("P-EPS-05", "a property that was not asked for",
    asked(EPS, lambda document: True, property_answer(lambda found: [each.update({"priv:more": "x"}) for each in found.values()])))
add("P-EPS-06", "null for a property without value", asked(EPS, lambda document: document.get("properties") == ["only-fours.pid"],
    property_answer(lambda found: [each.setdefault("only-fours.pid") for each in found.values()] and found.update(
        {name: {"only-fours.pid": "none"} for name, each in found.items() if each["only-fours.pid"] is None}))))
add("P-EPS-06", "endpoints without value go", asked(EPS, lambda document: True, property_answer(
    lambda found: [found.pop(name) for name in list(found) if not found[name]])))

# ---- 10: endpoint costs ----


def without_side(name):
    return lambda document: not document.get("endpoints", {}).get(name)


def one_side(document):
    asked_for = document.get("endpoints")
    return isinstance(asked_for, dict) and bool(asked_for.get("srcs")) != bool(asked_for.get("dsts"))


def both_sides(document):
    asked_for = document.get("endpoints")
    return isinstance(asked_for, dict) and bool(asked_for.get("srcs")) and bool(asked_for.get("dsts"))


add("X-01", "endpoints are not required", asked(ECS, lambda document: "endpoints" not in document, any_costs))
add("X-01", "cost-type is not required", asked(ECS, lambda document: "cost-type" not in document, any_costs))
add("X-02", "srcs is required", asked(ECS, lambda document: one_side(document) and "srcs" not in document["endpoints"], refuse))
add("X-02", "empty srcs is an error", asked(ECS, lambda document: one_side(document) and "srcs" in document["endpoints"], refuse))
add("X-02", "no srcs is nobody", asked(ECS, one_side, no_rows))
add("X-02", "the address of somebody else", asked(ECS, lambda document: one_side(document) and document["endpoints"].get("dsts"),
    cost_answer(lambda rows: rows.update({"ipv4:192.0.2.9": rows.popitem()[1]}) if rows else None)))
add("X-03", "no endpoints at all is the client to itself", asked(ECS, lambda document: document.get("endpoints") == {}, any_costs))
add("X-04", "no cost type", drop_meta(alto.ENDPOINT_COST, True, "cost-type"))
add("X-04", "another cost type", change_meta(alto.ENDPOINT_COST, True, "cost-type", alto.cost_type(("routingcost", "numerical"))))
add("X-05", "a cost is text", asked(ECS, both_sides, cost_answer(
    lambda rows: [row.update({name: "7"}) for row in rows.values() for name in row])))
add("X-05", "a pair that was not asked for", asked(ECS, both_sides, cost_answer(
    lambda rows: rows.update({"ipv4:203.0.113.9": {"ipv4:203.0.113.10": 1}}))))
add("X-06", "other costs than the maps have", asked(ECS, both_sides, one_cost_else))
add("X-06", "pairs without cost have the cost 0", asked(ECS, both_sides, cost_answer(
    lambda rows: rows.update({"ipv6:fe80::": {"ipv6:fe80::": 0}}))))


@answered("X-08", "an answer for one client may be kept")
def _(request, answer):
    if request.service == ECS:
        answer.headers["Cache-Control"] = "max-age=60"


# ---- 11: caching ----


@sent("H-02", "no ETag")
def _(request, answer):
    answer.headers.pop("ETag", None)


@sent("H-02", "an ETag without quotes")
def _(request, answer):
    if "ETag" in answer.headers:
        answer.headers["ETag"] = answer.headers["ETag"].strip('"')


@sent("H-03", "one ETag for gzip and identity")
def _(request, answer):
    if "ETag" in answer.headers:
        answer.headers["ETag"] = '"the same"'


@sent("H-03", "gzip is cut off")
def _(request, answer):
    if answer.headers.get("Content-Encoding") == "gzip":
        answer.body = answer.body[:-9]


@sent("H-03", "gzip is of something else")
def _(request, answer):
    if answer.headers.get("Content-Encoding") == "gzip" and answer.body:
        answer.body = gzip.compress(b"{}")


def modified(answer):
    if answer.status == 304:
        answer.status, answer.body = 200, b"{}"
        answer.headers["Content-Type"] = answer.media_type


@sent("H-04", "If-None-Match is not looked at")
def _(request, answer):
    modified(answer)


@sent("H-04", "If-None-Match is compared strongly")
def _(request, answer):
    if request.headers.get("If-None-Match", "").startswith("W/"):
        modified(answer)


@sent("H-04", "If-None-Match is compared as a whole")
def _(request, answer):
    if "," in request.headers.get("If-None-Match", ""):
        modified(answer)


@sent("H-04", "304 whatever the tag")
def _(request, answer):
    if "If-None-Match" in request.headers:
        answer.status, answer.body = 304, b""


@sent("H-05", "304 without ETag")
def _(request, answer):
    if answer.status == 304:
        answer.headers.pop("ETag")


@sent("H-05", "304 without Cache-Control")
def _(request, answer):
    if answer.status == 304:
        answer.headers.pop("Cache-Control")


@sent("H-06", "no Vary")
def _(request, answer):
    answer.headers.pop("Vary", None)


@answered("H-07", "answers to POST are fresh for a minute")
def _(request, answer):
    if request.method == "POST":
        answer.headers["Cache-Control"] = "max-age=60"
