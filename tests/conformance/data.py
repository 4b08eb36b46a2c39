# SPDX-License-Identifier: Apache-2.0
"""What the small server serves: as little as lets every check find something to look at."""
import collections

import alto

# directories: path -> {resource ID: entry}; cost_types: name -> (metric, mode); properties: name -> {PID: value}
Data = collections.namedtuple("Data", "directories default_map network_maps cost_maps cost_types properties")

NETWORK = {
    "everybody": {"ipv4": ["0.0.0.0/0"], "ipv6": ["::/0"]},
    "east": {"ipv4": ["192.0.2.0/24", "198.51.100.0/25"], "ipv6": ["2001:db8::/33"]},
    "east-centre": {"ipv4": ["192.0.2.64/26"], "ipv6": ["2001:db8:0:1::/64"]},
    "host": {"ipv4": ["192.0.2.77/32"]},
    "west": {"ipv4": ["198.51.100.128/25", "127.0.0.0/8"], "ipv6": ["2001:db8:8000::/33", "::1/128"]},
    "sixes": {"ipv6": ["fe80::/10"]},
    "nobody": {},
}
FOURS = {"all": {"ipv4": ["0.0.0.0/0"]}, "few": {"ipv4": ["203.0.113.0/24"]}}

COSTS = {
    "everybody": {"everybody": 0, "east": 10.5, "east-centre": 11, "host": 12, "west": 9.25, "sixes": 30},
    "east": {"everybody": 10, "east": 0, "east-centre": 0.1, "host": 0.30000000000000004, "west": 3.75},
    "east-centre": {"everybody": 11, "east": 0.2, "east-centre": 0, "host": 1e-7, "west": 3.25},
    "host": {"everybody": 1e21, "east": 1, "east-centre": 0.3, "host": 0},
    "west": {"everybody": 9, "east": 4, "east-centre": 5, "host": 16777217, "west": 0, "nobody": 7},
}
HOPS = {source: {destination: len(source) + len(destination) for destination in row if destination != "west"}
        for source, row in COSTS.items()}
_order = sorted({cost for row in COSTS.values() for cost in row.values()})
RANKS = {source: {destination: _order.index(cost) for destination, cost in row.items()} for source, row in COSTS.items()}


def get(uri, media_type, **more):
    return {"uri": uri, "media-type": media_type, **more}


def post(uri, media_type, accepts, **more):
    return get(uri, media_type, accepts=accepts, **more)


def types(*names, **more):
    return {"capabilities": {"cost-type-names": list(names), **{name.replace("_", "-"): value for name, value in more.items()}}}


ROOT = {
    "net": get("maps/net", alto.NETWORK_MAP),
    "costs": get("maps/costs", alto.COST_MAP, uses=["net"], **types("num-routing")),
    "hops": get("maps/hops", alto.COST_MAP, uses=["net"], **types("num-hops")),
    "ranks": get("maps/ranks", alto.COST_MAP, uses=["net"], **types("ord-routing")),
    "net-filtered": post("net-filtered", alto.NETWORK_MAP, alto.NETWORK_MAP_FILTER, uses=["net"]),
    "costs-filtered": post("costs-filtered", alto.COST_MAP, alto.COST_MAP_FILTER, uses=["net"],
                           **types("num-routing", "num-hops", "ord-routing", cost_constraints=True, max_cost_types=2)),
    "properties": post("properties", alto.PROPERTIES, alto.PROPERTIES_PARAMETERS,
                       capabilities={"prop-types": ["net.pid", "only-fours.pid", "priv:role"]}),
    "endpoint-cost": post("endpoint-cost", alto.ENDPOINT_COST, alto.ENDPOINT_COST_PARAMETERS,
                          **types("num-routing", "num-hops", "ord-routing", cost_constraints=True)),
    "more": get("more/directory", alto.DIRECTORY),
}
MORE = {
    "only-fours": get("only-fours", alto.NETWORK_MAP),
    "costs-of-fours": get("costs", alto.COST_MAP, uses=["only-fours"], **types("num-routing")),
    "costs-of-fours-filtered": post("filtered", alto.COST_MAP, alto.COST_MAP_FILTER, uses=["only-fours"], **types("num-routing")),
}

SMALL = Data({"/directory": ROOT, "/more/directory": MORE}, "net", {"net": NETWORK, "only-fours": FOURS},
             {"costs": COSTS, "hops": HOPS, "ranks": RANKS, "costs-of-fours": {"all": {"few": 2, "all": 0}, "few": {"all": 3}}},
             {"num-routing": ("routingcost", "numerical"), "num-hops": ("hopcount", "numerical"),
              "ord-routing": ("routingcost", "ordinal")},
             {"priv:role": {"east": "client", "west": "server"}})

# No services: most items find nothing to look at.
MAPS_ONLY = SMALL._replace(directories={"/directory": {name: ROOT[name] for name in ("net", "costs")}})
