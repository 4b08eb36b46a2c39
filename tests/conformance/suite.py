# SPDX-License-Identifier: Apache-2.0
"""The frame of the checks: what an item is, what a check may ask, and how all of them are run."""
import collections
import functools
import json

import alto

Item = collections.namedtuple("Item", "id level source title check")
Result = collections.namedtuple("Result", "item outcome seen")

SERVICES = {(alto.NETWORK_MAP, alto.NETWORK_MAP_FILTER), (alto.COST_MAP, alto.COST_MAP_FILTER),
            (alto.PROPERTIES, alto.PROPERTIES_PARAMETERS), (alto.ENDPOINT_COST, alto.ENDPOINT_COST_PARAMETERS)}
UNREADABLE = "something of an unexpected shape was answered:"
ITEMS = []  # in the order of the chapters


class Failed(Exception):
    """The text says what was seen."""


class NotApplicable(Exception):
    """The text says why."""


def item(identity, level, source, title, among=ITEMS):
    """Make a function of a Suite the check of an item. It returns when all is well."""
    def add(check):
        among.append(Item(identity, level, source, title, check))
        return check
    return add


def expect(condition, *seen):
    if not condition:
        raise Failed(" ".join(part if isinstance(part, str) else shorten(part) for part in seen))


def shorten(value, size=160):
    text = json.dumps(value, default=repr, sort_keys=True)
    return text if len(text) <= size else text[:size] + "..."


def some(found, what):
    """A list that is not empty, or nothing to check."""
    if not found:
        raise NotApplicable(what)
    return found


class Suite:
    """One server: its directory, found once, its full maps, read once, and questions to its services."""

    def __init__(self, url, web, ecs_from_maps=False, interop=None):
        self.url, self.web, self.ecs_from_maps, self.interop = url, web, ecs_from_maps, interop
        self.directories = {}  # URL -> document
        self.entries = []      # of all directories
        self.broken = {}       # URI of a linked directory -> why it is none

    # HTTP

    def request(self, method, url, body=None, headers=None, follow=True):
        try:
            return self.web.request(method, url, body, headers, follow)
        except alto.Unreachable as error:
            raise Failed(str(error))

    def fetch(self, entry, **headers):
        """GET without asking whether it went well. Headers as words: if_none_match='*'."""
        return self.request("GET", entry.uri, None, {"Accept": accepting(entry.media_type), **header_names(headers)})

    @functools.lru_cache(maxsize=None)
    def answer(self, entry):
        """A full resource: asked once, 200 and of its media type."""
        answer = self.fetch(entry)
        expect(answer.status == 200, "GET %s answers %d" % (entry.uri, answer.status))
        expect(answer.media_type == entry.media_type, "GET %s is of type %r" % (entry.uri, answer.media_type))
        return answer

    @functools.lru_cache(maxsize=None)
    def document(self, entry):
        return read(self.answer(entry), entry)

    def data(self, entry):
        """What is in the data field of a full resource."""
        return data_of(self.document(entry), entry)

    def post(self, entry, request, **headers):
        """POST without asking whether it went well; request: an object, or bytes."""
        body = request if isinstance(request, bytes) else json.dumps(request).encode("utf-8")
        return self.request("POST", entry.uri, body, {"Content-Type": entry.accepts, "Accept": accepting(entry.media_type),
                                                      **header_names(headers)})

    def ask(self, entry, request, **headers):
        """The document that answers a good request."""
        answer = self.post(entry, request, **headers)
        expect(answer.status == 200 and answer.media_type == entry.media_type,
               "%s answers %d (%s) to" % (entry.id, answer.status, answer.media_type), request, beginning(answer))
        return read(answer, entry)

    def ask_data(self, entry, request, **headers):
        return data_of(self.ask(entry, request, **headers), entry)

    # discovery

    def discover(self):
        """Read the directory at the URL, or at /directory below it, and all that it links to. Raises Failed."""
        places = [self.url, self.url.rstrip("/") + "/directory"]
        answers = []
        for place in places:
            answers.append(self.request("GET", place, None, {"Accept": accepting(alto.DIRECTORY)}))
            if answers[-1].status == 200 and answers[-1].media_type == alto.DIRECTORY:
                self.root = answers[-1].url
                self._read_directories(answers[-1])
                return
        raise Failed("; ".join("GET %s answers %d (%s)" % (place, answer.status, answer.media_type)
                               for place, answer in zip(places, answers)))

    def _read_directories(self, answer):
        self._add_directory(answer)
        for entry in self.entries:  # which grow meanwhile
            if entry.media_type == alto.DIRECTORY and not entry.accepts and len(self.directories) < 50:
                try:
                    self._add_directory(self.answer(entry))
                except Failed as failure:
                    self.broken[entry.uri] = str(failure)

    def _add_directory(self, answer):
        if answer.url not in self.directories:
            document = read(answer)
            resources = data_of(document)
            self.directories[answer.url] = document
            names = alto.members(alto.members(document.get("meta")).get("cost-types"))
            self.entries += [alto.Entry(name, alto.members(raw), answer.url, names) for name, raw in resources.items()]

    # what is offered

    def kind(self, media_type, accepts=""):
        return [entry for entry in self.entries if (entry.media_type, entry.accepts) == (media_type, accepts)]

    @property
    def network_maps(self):
        return some(self.kind(alto.NETWORK_MAP), "no network map is offered")

    @property
    def cost_maps(self):
        return some(self.kind(alto.COST_MAP), "no cost map is offered")

    @property
    def map_filters(self):
        return some(self.kind(alto.NETWORK_MAP, alto.NETWORK_MAP_FILTER), "no filtered network map is offered")

    @property
    def cost_filters(self):
        return some(self.kind(alto.COST_MAP, alto.COST_MAP_FILTER), "no filtered cost map is offered")

    @property
    def property_services(self):
        return some(self.kind(alto.PROPERTIES, alto.PROPERTIES_PARAMETERS), "no endpoint property service is offered")

    @property
    def cost_services(self):
        return some(self.kind(alto.ENDPOINT_COST, alto.ENDPOINT_COST_PARAMETERS), "no endpoint cost service is offered")

    @property
    def offered_services(self):
        """All that is asked by POST and that the checks know how to ask; may be none."""
        return [entry for entry in self.entries if (entry.media_type, entry.accepts) in SERVICES]

    @property
    def services(self):
        return some(self.offered_services, "no service is asked by POST")

    @property
    def full_resources(self):
        """Directory and maps: what is fetched by GET."""
        return [entry for entry in self.entries if not entry.accepts and entry.media_type in alto.DATA_FIELD]

    def named(self, identity):
        for entry in self.entries:
            if entry.id == identity:
                return entry
        return None

    def base(self, entry):
        """The full network map behind a filter or a cost map."""
        for name in entry.uses:
            found = self.named(name) if isinstance(name, str) else None
            if found and found.media_type == alto.NETWORK_MAP and not found.accepts:
                return found
        maps = self.network_maps
        if len(maps) == 1:
            return maps[0]
        raise NotApplicable("%s does not say which network map it uses" % entry.id)

    def default_map(self):
        meta = alto.members(self.directories[self.root].get("meta"))
        found = self.named(meta.get("default-alto-network-map"))
        expect(found in self.network_maps, "default-alto-network-map names no network map")
        return found

    def full_cost_map(self, key, network_map):
        """The full cost map of a cost type over a network map; None when none is offered."""
        for entry in self.kind(alto.COST_MAP):
            if entry.cost_types == [key] and self.base(entry) is network_map:
                return entry
        return None

    def filtered_types(self):
        """(filter, cost type, cells of the full cost map) wherever a filter can be compared with its full map."""
        found = []
        for entry in self.cost_filters:
            for key in entry.cost_types:
                full = self.full_cost_map(key, self.base(entry))
                if full:
                    found.append((entry, key, cells(self.data(full))))
        return some(found, "no filtered cost map has a full cost map beside it")

    def pid_properties(self):
        """(service, property, network map) for every PID property offered."""
        found = []
        for entry in self.property_services:
            for name in alto.items(entry.capabilities.get("prop-types")):
                identity, _, last = str(name).rpartition(".")
                network_map = self.named(identity)
                if last == "pid" and network_map in self.kind(alto.NETWORK_MAP):
                    found.append((entry, name, network_map))
        return some(found, "no pid property is offered")

    def run(self, chosen):
        for each in chosen:
            try:
                each.check(self)
                yield Result(each, "passed", "")
            except Failed as failure:
                yield Result(each, "failed", str(failure))
            except NotApplicable as reason:
                yield Result(each, "not applicable", str(reason))
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                yield Result(each, "failed", "%s %r" % (UNREADABLE, error))


def read(answer, entry=None):
    """The JSON object in an answer."""
    try:
        document = answer.json()
    except ValueError as error:
        raise Failed("%s is no JSON: %s" % (entry.id if entry else answer.url, error))
    expect(isinstance(document, dict), "%s is no JSON object" % answer.url)
    return document


def data_of(document, entry=None):
    field = alto.DATA_FIELD[entry.media_type if entry else alto.DIRECTORY]
    data = document.get(field)
    expect(isinstance(data, dict), "%s: no object %s" % (entry.id if entry else "directory", field))
    return data


def accepting(media_type):
    return media_type + "," + alto.ERROR


def header_names(words):
    return {word.replace("_", "-").title(): value for word, value in words.items()}


def beginning(answer):
    return answer.body[:160].decode("utf-8", "replace")


def cells(cost_map):
    """{(source, destination): cost} of a cost map or an endpoint cost map."""
    return {(source, destination): cost for source, row in cost_map.items() for destination, cost in alto.members(row).items()}


def same_cells(got, wanted, what):
    """Costs are doubles (RFC 7285 11.3.2.3), so 1 and 1.0 are one; those of a server that prints fewer digits pass."""
    missing, extra = wanted.keys() - got.keys(), got.keys() - wanted.keys()
    expect(not missing, what, "lacks %d pairs, e.g." % len(missing), min(missing, key=str, default=None))
    expect(not extra, what, "has %d pairs too many, e.g." % len(extra), min(extra, key=str, default=None))
    for pair, cost in wanted.items():
        expect(same_cost(got[pair], cost), what, "%s -> %s: got" % pair, got[pair], "wanted", cost)


def same_costs(key, got, wanted, what):
    """same_cells() of a cost type. Ordinal costs may be ranked anew among the pairs asked for: there the order counts."""
    if key[1] == "ordinal":
        got, wanted = ranks(got), ranks(wanted)
    same_cells(got, wanted, what)


def ranks(found):
    try:
        order = sorted(set(found.values()))
        return {pair: order.index(cost) for pair, cost in found.items()}
    except TypeError:  # not even numbers
        return found


def same_cost(one, other):
    if alto.is_number(one) and alto.is_number(other):
        return abs(one - other) <= 1e-9 * max(1, abs(one), abs(other))
    return one == other


def groups(network_map):
    """{(PID, address type): set of prefixes} without regard to how they are written; all PIDs as (PID, None)."""
    found = {(pid, None): None for pid in network_map}
    for pid, network in alto.prefixes(network_map):
        found.setdefault((pid, "ipv%d" % network.version), set()).add(network)
    return found


def same_groups(got, wanted, what):
    missing, extra = wanted.keys() - got.keys(), got.keys() - wanted.keys()
    expect(not missing and not extra, what, "lacks", sorted(map(str, missing))[:3], "and has besides", sorted(map(str, extra))[:3])
    for key, networks in wanted.items():
        expect(got[key] == networks, what, "%s: other %s prefixes" % key)
