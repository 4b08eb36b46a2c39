# SPDX-License-Identifier: Apache-2.0
"""A small ALTO server, correct on purpose, so that the checks themselves can be tested.

What it answers passes through two hooks, `on_answer(request, answer)` on documents and `on_sent(request, answer)` on what
goes out; mistakes.py makes a wrong server of it there.
"""
import gzip
import hashlib
import http.server
import ipaddress
import json
import operator
import re
import threading
import traceback

import alto

OPERATORS = {"gt": operator.gt, "lt": operator.lt, "ge": operator.ge, "le": operator.le, "eq": operator.eq}


class Refused(Exception):
    """An error of ALTO."""

    def __init__(self, code, field=None, value=None):
        super().__init__(code)
        self.meta = {"code": code, **({"field": field} if field else {})}
        if value is not None:
            self.meta["value"] = value if isinstance(value, str) else json.dumps(value)
        if code == "E_SYNTAX":
            self.meta["syntax-error"] = "no JSON object"


class Answer:
    def __init__(self, status, media_type=None, document=None, **headers):
        self.status, self.media_type, self.document = status, media_type, document
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.body, self.version = b"", Handler.protocol_version


class Request:
    def __init__(self, method, path, headers, body, client):
        self.method, self.path, self.headers, self.body, self.client = method, path, headers, body, client
        self.entry = None  # of the directory
        self.document = None

    @property
    def service(self):
        return self.entry.accepts if self.entry else ""


# ---- reading requests ----


def is_kind(value, kind):
    return isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))


def member(document, path, kind, needed=True):
    """A member of a request by its path; None when it may be missing and is."""
    name = path.rpartition("/")[2]
    if name not in document:
        if needed:
            raise Refused("E_MISSING_FIELD", path)
        return None
    if not is_kind(document[name], kind):
        raise Refused("E_INVALID_FIELD_TYPE", path)
    return document[name]


def strings(document, path, needed=True):
    found = member(document, path, list, needed)
    for each in found or []:
        if not isinstance(each, str):
            raise Refused("E_INVALID_FIELD_VALUE", path, each)
    return found


def endpoints(document, path, needed=True):
    found = strings(document, path, needed) or []
    for each in found:
        if alto.address(each) is None:
            raise Refused("E_INVALID_FIELD_VALUE", path, each)
    return list(dict.fromkeys(found))


def cost_key(entry, document, path):
    """The cost type in a request: one that the entry offers."""
    metric, mode = (member(document, path + "/" + name, str) for name in ("cost-metric", "cost-mode"))
    if (metric, mode) not in entry.cost_types:
        known = metric in [each for each, _ in entry.cost_types]
        raise Refused("E_INVALID_FIELD_VALUE", path + ("/cost-mode" if known else "/cost-metric"), mode if known else metric)
    return metric, mode


def cost_keys(entry, document):
    """The cost types asked for, and whether as multi-cost."""
    most = entry.max_cost_types
    if most and "multi-cost-types" in document:
        if "cost-type" in document:
            raise Refused("E_INVALID_FIELD_VALUE", "multi-cost-types")
        found = member(document, "multi-cost-types", list)
        if not 0 < len(found) <= most:
            raise Refused("E_INVALID_FIELD_VALUE", "multi-cost-types")
        return [cost_key(entry, alto.members(each), "multi-cost-types") for each in found], True
    return [cost_key(entry, member(document, "cost-type", dict), "cost-type")], False


def read_constraints(entry, document, width):
    """Alternatives of lists of (column, operator, number)."""
    for name in ("constraints", "or-constraints"):
        if name in document and (not entry.constraints or name[0] == "o" and not entry.max_cost_types):
            raise Refused("E_INVALID_FIELD_VALUE", name)
    if "or-constraints" in document:
        return [[constraint(text, width, "or-constraints") for text in alternative]
                for alternative in member(document, "or-constraints", list)]
    return [[constraint(text, width, "constraints") for text in strings(document, "constraints", False) or []]]


def constraint(text, width, field):
    found = re.fullmatch(r"(?:\[([0-9]+)\]\s+)?(gt|lt|ge|le|eq)\s+(\S+)", text)
    try:
        column = int(found.group(1) or 0)
        if column < width:
            return column, OPERATORS[found.group(2)], float(found.group(3))
    except (AttributeError, ValueError):
        pass
    raise Refused("E_INVALID_FIELD_VALUE", field, text)


def holds(alternatives, costs):
    return any(all(costs[column] is not None and test(costs[column], number) for column, test, number in tests)
               for tests in alternatives)


# ---- the server ----


class Server:
    """data: see data.py. `documents`: the full maps by resource ID. Threads: any may ask; what it holds never changes."""

    def __init__(self, data):
        self.data = data
        self.on_answer = self.on_sent = lambda request, answer: None
        self.directories = {path: self._directory(path) for path in data.directories}
        self.entries = {}
        for path, document in self.directories.items():
            names = document["meta"]["cost-types"]
            for name, raw in document["resources"].items():
                entry = alto.Entry(name, raw, path, names)
                self.entries[entry.uri] = entry
        self.documents = {entry.id: self._document(entry) for entry in self.entries.values()
                          if entry.media_type in (alto.NETWORK_MAP, alto.COST_MAP) and not entry.accepts}
        self.lookups = {name: alto.Lookup(found) for name, found in data.network_maps.items()}

    def _directory(self, path):
        resources = self.data.directories[path]
        names = {name for raw in resources.values() for name in raw.get("capabilities", {}).get("cost-type-names", [])}
        meta = {"cost-types": {name: alto.cost_type(self.data.cost_types[name]) for name in sorted(names)}}
        if path == "/directory":
            meta["default-alto-network-map"] = self.data.default_map
        return {"meta": meta, "resources": resources}

    def answer(self, request):
        answer = self._answer(request)
        self.on_answer(request, answer)
        self._encode(request, answer)
        self.on_sent(request, answer)
        return answer

    def _answer(self, request):
        if request.path in self.directories:
            allowed, media_type = "GET, HEAD, OPTIONS", alto.DIRECTORY
        elif request.path in self.entries:
            request.entry = self.entries[request.path]
            allowed = "POST, OPTIONS" if request.entry.accepts else "GET, HEAD, OPTIONS"
            media_type = request.entry.media_type
        else:
            return Answer(404)
        if request.method == "OPTIONS":
            return Answer(204, Allow=allowed)
        if request.method not in allowed.split(", "):
            return Answer(405, Allow=allowed)
        if not accepted(request.headers.get("Accept"), media_type):
            return Answer(406)
        if request.method == "POST":
            return self._asked(request, media_type)
        return Answer(200, media_type, self._full(request), Cache_Control="max-age=60")

    def _full(self, request):
        return self.directories.get(request.path) or self.documents[request.entry.id]

    def _document(self, entry):
        """A full map."""
        if entry.media_type == alto.NETWORK_MAP:
            return {"meta": {"vtag": self._tag(entry.id)}, "network-map": self.data.network_maps[entry.id]}
        meta = {"dependent-vtags": [self._tag(entry.uses[0])], "cost-type": alto.cost_type(entry.cost_types[0])}
        return {"meta": meta, "cost-map": self.data.cost_maps[entry.id]}

    def _tag(self, name):
        text = json.dumps(self.data.network_maps[name], sort_keys=True)
        return {"resource-id": name, "tag": hashlib.sha256(text.encode()).hexdigest()}

    # services

    def _asked(self, request, media_type):
        entry = request.entry
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != entry.accepts:
            return Answer(415)
        kinds = {alto.NETWORK_MAP_FILTER: self._filter_map, alto.COST_MAP_FILTER: self._filter_costs,
                 alto.PROPERTIES_PARAMETERS: self._properties, alto.ENDPOINT_COST_PARAMETERS: self._endpoint_costs}
        try:
            try:
                request.document = alto.parse(request.body)
            except ValueError:
                request.document = None
            if not isinstance(request.document, dict):
                raise Refused("E_SYNTAX")
            return Answer(200, media_type, kinds[entry.accepts](request), Cache_Control="no-store")
        except Refused as error:
            return Answer(400, alto.ERROR, {"meta": error.meta}, Cache_Control="no-store")

    def _filter_map(self, request):
        pids = strings(request.document, "pids")
        kinds = strings(request.document, "address-types", False)
        base = request.entry.uses[0]
        found = {}
        for pid, group in self.data.network_maps[base].items():
            kept = {kind: prefixes for kind, prefixes in group.items() if not kinds or kind in kinds}
            if pid in pids or not pids and (kept or not kinds):
                found[pid] = kept
        return {"meta": {"vtag": self._tag(base)}, "network-map": found}

    def _columns(self, keys, base):
        """The cost maps of these cost types over a network map."""
        found = {}
        for entry in self.entries.values():
            if entry.media_type == alto.COST_MAP and not entry.accepts and entry.uses == [base]:
                found[entry.cost_types[0]] = self.data.cost_maps[entry.id]
        return [found[key] for key in keys]

    def _costs(self, request, pairs, pid, base):
        """(meta, rows) for pairs of names, of which pid() makes PIDs."""
        keys, many = cost_keys(request.entry, request.document)
        alternatives = read_constraints(request.entry, request.document, len(keys))
        columns = self._columns(keys, base)
        rows = {}
        for source, destination in pairs:
            costs = [column.get(pid(source), {}).get(pid(destination)) for column in columns]
            if any(cost is not None for cost in costs) and holds(alternatives, costs):
                rows.setdefault(source, {})[destination] = costs if many else costs[0]
        if many:
            return {"cost-type": {}, "multi-cost-types": [alto.cost_type(key) for key in keys]}, rows
        return {"cost-type": alto.cost_type(keys[0])}, rows

    def _filter_costs(self, request):
        base = request.entry.uses[0]
        all_pids = list(self.data.network_maps[base])
        cost_keys(request.entry, request.document)  # an error in these comes first
        pids = member(request.document, "pids", dict, False)
        asked = [[], []] if pids is None else [strings(pids, "pids/" + name) for name in ("srcs", "dsts")]
        sources, destinations = ([pid for pid in all_pids if pid in each or not each] for each in asked)
        pairs = ((source, destination) for source in sources for destination in destinations)
        meta, rows = self._costs(request, pairs, lambda pid: pid, base)
        return {"meta": {"dependent-vtags": [self._tag(base)], **meta}, "cost-map": rows}

    def _properties(self, request):
        offered = request.entry.capabilities["prop-types"]
        properties = strings(request.document, "properties")
        addresses = endpoints(request.document, "endpoints")
        for name, found in (("properties", properties), ("endpoints", addresses)):
            if not found:
                raise Refused("E_INVALID_FIELD_VALUE", name)
        for name in properties:
            if name not in offered:
                raise Refused("E_INVALID_FIELD_VALUE", "properties", name)
        maps = [name.rpartition(".")[0] for name in dict.fromkeys(properties) if name.endswith(".pid")]
        found = {each: {name: self._property(name, each) for name in properties} for each in addresses}
        return {"meta": {"dependent-vtags": [self._tag(name) for name in maps]},
                "endpoint-properties": {each: {name: value for name, value in values.items() if value is not None}
                                        for each, values in found.items()}}

    def _property(self, name, endpoint):
        identity, _, last = name.rpartition(".")
        if last == "pid":
            return self.lookups[identity].pid(alto.address(endpoint))
        return self.data.properties[name].get(self.lookups[self.data.default_map].pid(alto.address(endpoint)))

    def _endpoint_costs(self, request):
        cost_keys(request.entry, request.document)  # an error in these comes first
        asked = member(request.document, "endpoints", dict)
        sources, destinations = (endpoints(asked, "endpoints/" + name, False) for name in ("srcs", "dsts"))
        if not sources and not destinations:
            raise Refused("E_INVALID_FIELD_VALUE", "endpoints")
        client = [alto.typed(ipaddress.ip_address(request.client))]
        pairs = ((source, destination) for source in sources or client for destination in destinations or client)
        lookup = self.lookups[self.data.default_map]
        meta, rows = self._costs(request, pairs, lambda text: lookup.pid(alto.address(text)), self.data.default_map)
        return {"meta": meta, "endpoint-cost-map": rows}

    # what goes out

    def _encode(self, request, answer):
        if answer.document is None:
            return
        answer.headers["Content-Type"] = answer.media_type
        answer.body = json.dumps(answer.document, sort_keys=True).encode()
        if answer.status != 200 or request.method == "POST":
            return
        answer.headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            answer.body = gzip.compress(answer.body, mtime=0)
            answer.headers["Content-Encoding"] = "gzip"
        answer.headers["ETag"] = '"%s"' % hashlib.sha256(answer.body).hexdigest()
        wanted = [text.strip().removeprefix("W/") for text in request.headers.get("If-None-Match", "").split(",")]
        if answer.headers["ETag"] in wanted or "*" in wanted:
            answer.status, answer.body = 304, b""
            del answer.headers["Content-Type"]


def accepted(text, media_type):
    """Does an Accept field take this type? The most specific range decides."""
    if text is None:
        return True
    best = (0, 0.0)
    for part in text.lower().split(","):
        words = [word.strip() for word in part.split(";")]
        specific = {media_type: 3, media_type.partition("/")[0] + "/*": 2, "*/*": 1}.get(words[0], 0)
        weight = next((float(word[2:]) for word in words[1:] if word.startswith("q=")), 1.0)
        best = max(best, (specific, weight)) if specific else best
    return best[1] > 0


# ---- over HTTP ----


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body together

    def _serve(self):
        length = int(self.headers.get("Content-Length", 0))
        request = Request(self.command, self.path, self.headers, self.rfile.read(length), self.client_address[0])
        answer = self.server.alto.answer(request)
        self.protocol_version = answer.version
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_OPTIONS = _serve

    def send_response(self, code, message=None):
        self.log_request(code)
        self.send_response_only(code, message)

    def log_message(self, *parts):
        pass


class Listener(http.server.ThreadingHTTPServer):
    """Serves from construction until stop(). `errors`: what went wrong inside; there should be none."""
    daemon_threads = True

    def __init__(self, alto_server, address=("127.0.0.1", 0)):
        super().__init__(address, type("OneHandler", (Handler,), {}))
        self.alto, self.errors = alto_server, []
        self.url = "http://%s:%d" % self.server_address[:2]
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def handle_error(self, request, client_address):
        self.errors.append(traceback.format_exc())

    def stop(self):
        self.shutdown()
        self.server_close()
        self.thread.join()
