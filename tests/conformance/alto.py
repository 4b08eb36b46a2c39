# SPDX-License-Identifier: Apache-2.0
"""As much of an ALTO client as the checks need: HTTP, strict JSON, the directory, addresses and prefixes."""
import http.client
import ipaddress
import json
import re
import ssl
import urllib.parse

DIRECTORY = "application/alto-directory+json"
NETWORK_MAP = "application/alto-networkmap+json"
NETWORK_MAP_FILTER = "application/alto-networkmapfilter+json"
COST_MAP = "application/alto-costmap+json"
COST_MAP_FILTER = "application/alto-costmapfilter+json"
PROPERTIES = "application/alto-endpointprop+json"
PROPERTIES_PARAMETERS = "application/alto-endpointpropparams+json"
ENDPOINT_COST = "application/alto-endpointcost+json"
ENDPOINT_COST_PARAMETERS = "application/alto-endpointcostparams+json"
ERROR = "application/alto-error+json"

DATA_FIELD = {DIRECTORY: "resources", NETWORK_MAP: "network-map", COST_MAP: "cost-map", PROPERTIES: "endpoint-properties",
              ENDPOINT_COST: "endpoint-cost-map"}

PID_NAME = re.compile(r"[0-9A-Za-z\-:@_.]{1,64}")  # also of resource IDs
TAG = re.compile(r"[\x21-\x7e]{1,64}")
ADDRESS_TYPE = re.compile(r"[0-9A-Za-z]+")
COST_METRIC = re.compile(r"(?!priv:$)[0-9A-Za-z\-:_.]{1,32}")
COST_MODE = re.compile(r"(?!priv:$)[0-9A-Za-z\-:_]{1,32}")
PROPERTY = re.compile(r"(?!priv:$)[0-9A-Za-z\-:_]{1,32}")  # without the map that it is of


def is_format(pattern, value):
    return isinstance(value, str) and pattern.fullmatch(value) is not None


# ---- HTTP ----


class Unreachable(Exception):
    """No answer, or one that is no HTTP."""


class Answer:
    def __init__(self, response, body, url, own_address):
        self.status, self.version, self.headers = response.status, response.version, response.headers
        self.body, self.url, self.own_address = body, url, own_address

    def header(self, name):
        """The value of a field, all of its lines together; '' when it is not there."""
        return ", ".join(self.headers.get_all(name) or [])

    @property
    def media_type(self):
        return self.header("Content-Type").partition(";")[0].strip().lower()

    def json(self):
        """Raises ValueError. Names that come twice are seen by duplicates() alone."""
        return parse(self.body)


class Web:
    """Requests, each on a connection of its own."""

    def __init__(self, timeout=20, tls=None):
        self.timeout, self.tls = timeout, tls or ssl.create_default_context()

    def request(self, method, url, body=None, headers=None, follow=True):
        """Redirects are followed when wanted. Raises Unreachable."""
        for _ in range(6):
            answer = self._once(method, url, body, headers or {})
            target = answer.header("Location")
            if not follow or answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            url = urllib.parse.urljoin(url, target)
            if answer.status == 303:
                method, body = "GET", None
        raise Unreachable("%s redirects without end" % url)

    def _once(self, method, url, body, headers):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreachable("%s is no http URL" % url)
        more = {"context": self.tls} if parts.scheme == "https" else {}
        kind = http.client.HTTPSConnection if more else http.client.HTTPConnection
        try:
            connection = kind(parts.hostname, parts.port, timeout=self.timeout, **more)
            try:
                path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
                connection.request(method, path, body, {"Accept-Encoding": "identity", **headers})
                response = connection.getresponse()
                own_address = connection.sock.getsockname()[0] if connection.sock else None
                return Answer(response, response.read(), url, own_address)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable("%s %s: %r" % (method, url, error))


# ---- JSON ----


def parse(body, pairs=None):
    """RFC 8259 to the letter: UTF-8, no byte order mark, no NaN. Raises ValueError."""
    def refuse(name):
        raise ValueError("%s is no JSON" % name)
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=pairs, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deep")


def duplicates(body):
    """Names that come twice in one object."""
    found = []

    def pairs(members):
        names = [name for name, _ in members]
        found.extend(name for name in set(names) if names.count(name) > 1)
        return dict(members)
    parse(body, pairs)
    return found


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) != float("inf")


def members(value):
    """The members of an object, none of anything else."""
    return value if isinstance(value, dict) else {}


def items(value):
    return value if isinstance(value, list) else []


# ---- the directory ----


class Entry:
    """One resource of a directory. `accepts` is '' when it is asked by GET; `cost_types` are pairs of metric and mode."""

    def __init__(self, identity, raw, base, names):
        self.id, self.raw = identity, raw
        self.uri = urllib.parse.urljoin(base, str(raw.get("uri", "")))
        self.media_type = str(raw.get("media-type", ""))
        self.accepts = str(raw.get("accepts", ""))
        self.capabilities = members(raw.get("capabilities"))
        self.uses = items(raw.get("uses"))
        self.type_names = items(self.capabilities.get("cost-type-names"))
        self.whole_types = [members(names.get(name)) for name in self.type_names if isinstance(name, str)]
        self.cost_types = [cost_key(whole) for whole in self.whole_types]

    @property
    def constraints(self):
        return self.capabilities.get("cost-constraints") is True

    @property
    def max_cost_types(self):
        most = self.capabilities.get("max-cost-types", 0)
        return most if isinstance(most, int) else 0


def cost_key(cost_type):
    return cost_type.get("cost-metric"), cost_type.get("cost-mode")


def cost_type(key):
    return {"cost-metric": key[0], "cost-mode": key[1]}


# ---- addresses ----


def address(typed):
    """The address in 'ipv4:...' or 'ipv6:...'; None when it is none."""
    kind, colon, text = typed.partition(":")
    try:
        if colon and kind in ("ipv4", "ipv6") and "%" not in text:
            return (ipaddress.IPv4Address if kind == "ipv4" else ipaddress.IPv6Address)(text)
    except ValueError:
        pass
    return None


def typed(address_):
    return "ipv%d:%s" % (address_.version, address_)


def prefix(kind, text):
    """(network, are bits set beyond its length) of a prefix of an address type; raises ValueError when it is none."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9A-Fa-f:.]+/[0-9]{1,3}", text):
        raise ValueError("%r is no prefix" % (text,))
    make = {"ipv4": ipaddress.IPv4Interface, "ipv6": ipaddress.IPv6Interface}[kind]
    interface = make(text)
    return interface.network, interface.ip != interface.network.network_address


def prefixes(network_map):
    """(PID, network) of all prefixes of both families that can be read."""
    for pid, groups in network_map.items():
        for kind in ("ipv4", "ipv6"):
            for text in items(members(groups).get(kind)):
                try:
                    yield pid, prefix(kind, text)[0]
                except ValueError:
                    pass


class Lookup:
    """Longest-prefix match over a network map: one table a length, asked from the longest to the shortest."""

    def __init__(self, network_map):
        self.tables = {4: {}, 6: {}}
        for pid, network in prefixes(network_map):
            self.tables[network.version].setdefault(network.prefixlen, {})[int(network.network_address)] = pid

    def pid(self, address_):
        """None when no prefix covers it."""
        bits = address_.max_prefixlen
        for length in sorted(self.tables[address_.version], reverse=True):
            key = int(address_) >> (bits - length) << (bits - length)
            if key in self.tables[address_.version][length]:
                return self.tables[address_.version][length][key]
        return None


def uncovered(network_map, version):
    """An address of that family that no prefix covers; None when all are covered."""
    at, end = 0, 1 << (32 if version == 4 else 128)
    ranges = sorted((int(network.network_address), int(network.broadcast_address) + 1)
                    for _, network in prefixes(network_map) if network.version == version)
    for begin, after in ranges:
        if begin > at:
            break
        at = max(at, after)
    return None if at >= end else (ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(at)


def has_family(network_map, version):
    return any(network.version == version for _, network in prefixes(network_map))
