# SPDX-License-Identifier: Apache-2.0
"""An ALTO client of a page, written from RFC 7285 with requests alone. It knows nothing of altocast."""
import ipaddress
import urllib.parse

import requests


class AltoClient:
    def __init__(self, url, **options):
        self.session, self.options = requests.Session(), options
        self.resources, self.cost_types = {}, {}
        self.default_map = self._read(url)["meta"]["default-alto-network-map"]

    def _read(self, url):
        """A directory, and those that it links to (9.2)."""
        directory = self._get(url, "application/alto-directory+json")
        self.cost_types.update(directory["meta"].get("cost-types", {}))
        for name, entry in directory["resources"].items():
            entry["uri"] = urllib.parse.urljoin(url, entry["uri"])
            if self.resources.setdefault(name, entry) is entry and entry["media-type"] == "application/alto-directory+json":
                self._read(entry["uri"])
        return directory

    def _get(self, url, media_type, **request):
        headers = {"Accept": media_type + ",application/alto-error+json"}
        if "json" in request:
            headers["Content-Type"] = request.pop("accepts")
        response = self.session.request("POST" if "json" in request else "GET", url, headers=headers, timeout=20, **request,
                                        **self.options)
        if response.status_code != 200 or response.headers["Content-Type"] != media_type:
            raise ValueError("%s: %d %s" % (url, response.status_code, response.text[:200]))
        return response.json()

    def get(self, name):
        entry = self.resources[name]
        return self._get(entry["uri"], entry["media-type"])

    def ask(self, name, **parameters):
        """POST (8.3.2): parameter names with _ for -."""
        entry = self.resources[name]
        parameters = {word.replace("_", "-"): value for word, value in parameters.items()}
        return self._get(entry["uri"], entry["media-type"], json=parameters, accepts=entry["accepts"])

    def find(self, kind, metric=None, asked=False):
        """The ID of a resource by its media type, the cost metric that it offers, and whether it is asked by POST."""
        for name, entry in self.resources.items():
            types = entry.get("capabilities", {}).get("cost-type-names", [])
            if entry["media-type"] == "application/alto-%s+json" % kind and asked == ("accepts" in entry) and (
                    metric is None or metric in [self.cost_types[each]["cost-metric"] for each in types]):
                return name
        raise KeyError(kind)

    def pid(self, address):
        """Longest-prefix match (11.2.2)."""
        address = ipaddress.ip_address(address)
        found = [(ipaddress.ip_network(prefix), pid) for pid, group in self.get(self.default_map)["network-map"].items()
                 for prefix in group.get("ipv%d" % address.version, [])]
        return max((network.prefixlen, pid) for network, pid in found if address in network)[1]

    def cost(self, source, destination, metric="routingcost"):
        """From address to address, by the maps; None when it is not defined."""
        costs = self.get(self.find("costmap", metric))
        if costs["meta"]["dependent-vtags"] != [self.get(self.default_map)["meta"]["vtag"]]:
            raise ValueError("the cost map is of another network map")
        return costs["cost-map"].get(self.pid(source), {}).get(self.pid(destination))
