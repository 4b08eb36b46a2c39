# SPDX-License-Identifier: Apache-2.0
"""The maps of the publisher: written anew at each step, as a pure function of the seed.

Every document carries the member "step", which says when it was written; so whoever finds it anywhere can be
told whether it is what was written then.
"""
import base64
import copy
import hashlib
import json
import os
import pathlib
import random

import altotest

COSTS = {"cost-a": "net", "cost-b": "net", "cost-c": "alt"}  # each with its network map
MOST_KEPT = 8     # earlier states to which the maps may return
FEWEST, MOST = 12, 40  # PIDs of "net"
LARGE = 300000         # bytes that cannot be compressed: more than is pushed

# What a step may be, and how often.
EDITS = {"cells": 50, "row": 10, "move": 10, "pids": 8, "apart": 5, "document": 7, "large": 2, "withdraw": 4, "back": 6,
         "burst": 4, "bad": 3}


def fingerprint(document):
    """Equal for equal documents: numbers are doubles, prefixes are a set."""
    document = json.loads(json.dumps(document), parse_int=float)
    if "network-map" in document:
        for group in document["network-map"].values():
            for prefixes in group.values():
                prefixes.sort()
    return hashlib.blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).digest()


class Maps:
    def __init__(self, seed, directory):
        self.dice = random.Random("%d maps" % seed)
        self.directory, self.step = directory, 0
        self.written = set()  # (resource ID, step, fingerprint)
        self.kept = []     # earlier states
        self.fresh_prefix = 0
        self.networks = {"net": {}, "alt": {}}
        for network, count in (("net", 24), ("alt", 6)):
            for _ in range(count):
                self.add_pid(network)
        self.costs = {name: {} for name in COSTS}
        self.documents = {}
        self.withdrawn = set()
        self.late = {}     # cost map -> step at which its file follows the others
        for network in self.networks:
            self.say_network(network)
        self.say_property()
        self.say_large()
        self.flush(list(self.documents))

    # ---- the network ----

    def new_prefix(self):
        self.fresh_prefix += 1
        return "10.%d.%d.0/24" % (self.fresh_prefix // 256 % 256, self.fresh_prefix % 256)

    def add_pid(self, network):
        """Under a number that is free: PIDs of the past may come back."""
        pids = self.networks[network]
        name = next(name for name in ("%s%d" % (network, i) for i in range(1000)) if name not in pids)
        pids[name] = [self.new_prefix() for _ in range(self.dice.randint(1, 4))]

    def say_network(self, network):
        """The network map under a new tag, and the cost maps that have to name it."""
        tag = "t%d" % self.step
        groups = {pid: {"ipv4": sorted(prefixes)} for pid, prefixes in self.networks[network].items()}
        self.documents[network] = altotest.network_map(network, tag, groups, step=self.step)
        for name in COSTS:
            if COSTS[name] == network:
                self.say_costs(name)

    def say_costs(self, name):
        """The cost map: the costs that there are, for the PIDs that there are."""
        network, costs = COSTS[name], self.costs[name]
        pids = list(self.networks[network])
        for one in pids:
            row = costs.setdefault(one, {})
            for other in pids:
                row.setdefault(other, self.cost())
        shown = {one: {other: costs[one][other] for other in pids} for one in pids}
        tag = self.documents[network]["meta"]["vtag"]["tag"]
        self.documents[name] = altotest.cost_map([(network, tag)], shown, metric=name, step=self.step)

    def say_property(self):
        self.documents["props"] = {"meta": {}, "property-map": {"pid:net%d" % self.dice.randrange(MOST): {"x": self.step}},
                                   "step": self.step}

    def say_large(self):
        self.documents["large"] = {"meta": {}, "noise": base64.b64encode(self.dice.randbytes(LARGE)).decode(), "step": self.step}

    def cost(self):
        return self.dice.randint(1, 200) / 2

    # ---- steps ----

    def edit(self):
        """One step: change something and write the files that changed."""
        self.step += 1
        for name in [name for name, step in self.late.items() if step <= self.step]:
            del self.late[name]
            self.write(name)
        what = self.dice.choices(list(EDITS), list(EDITS.values()))[0]
        if self.dice.random() < 0.1:
            self.keep()
        before = dict(self.documents)
        getattr(self, "edit_" + what)()
        changed = [name for name in self.documents if self.documents[name] is not before.get(name)]
        self.dice.shuffle(changed)
        self.flush(changed)

    def renew(self):
        """A step that nobody can have seen before."""
        self.step += 1
        self.late.clear()
        for name in COSTS:
            self.say_costs(name)
        self.flush(COSTS)

    def edit_cells(self):
        name = self.dice.choice(list(COSTS))
        pids = list(self.networks[COSTS[name]])
        for _ in range(self.dice.choice((1, 1, 2, 5, 60))):
            self.costs[name][self.dice.choice(pids)][self.dice.choice(pids)] = self.cost()
        self.say_costs(name)

    def edit_row(self):
        name = self.dice.choice(list(COSTS))
        pids = list(self.networks[COSTS[name]])
        one, by = self.dice.choice(pids), self.cost()
        for other in pids:
            self.costs[name][one][other] += by
        self.say_costs(name)

    def edit_move(self):
        network = self.dice.choice(("net", "net", "alt"))
        one, other = self.dice.sample(list(self.networks[network]), 2)
        prefixes = self.networks[network][one]
        moved = prefixes.pop(self.dice.randrange(len(prefixes))) if len(prefixes) > 1 else self.new_prefix()
        self.networks[network][other].append(moved)
        self.say_network(network)

    def edit_pids(self):
        pids = self.networks["net"]
        for _ in range(self.dice.choice((1, 1, 4))):
            if len(pids) <= FEWEST or len(pids) < MOST and self.dice.random() < 0.5:
                self.add_pid("net")
            else:
                del pids[self.dice.choice(list(pids))]
        self.say_network("net")

    def edit_apart(self):
        """A network map, and cost maps that follow later: soon, or when the publisher has lost patience."""
        self.edit_move()
        for name in COSTS:
            if self.dice.random() < 0.7:
                self.late[name] = self.step + self.dice.choice((1, 5, 60))

    def edit_document(self):
        self.say_property()

    def edit_large(self):
        """What every follower has to pull."""
        self.say_large()

    def edit_withdraw(self):
        """One resource goes, or comes back."""
        name = self.dice.choice(("cost-b", "props"))
        if name in self.withdrawn:
            self.withdrawn.discard(name)
            self.write(name)
        else:
            self.withdrawn.add(name)
            pathlib.Path(self.directory, name + ".json").unlink(missing_ok=True)  # it may be late

    def keep(self):
        self.kept.append(copy.deepcopy((self.networks, self.costs, self.documents)))
        del self.kept[:-MOST_KEPT]

    def edit_back(self):
        """All as it was before, tags and all: versions that some may still hold."""
        if self.kept:
            self.networks, self.costs, self.documents = copy.deepcopy(self.dice.choice(self.kept))

    def edit_burst(self):
        """Some files, faster than they are read."""
        for _ in range(self.dice.randint(2, 5)):
            self.edit_cells()
            self.write("cost-a")
            self.write("cost-c")

    def edit_bad(self):
        """A file that cannot be believed; the next edit of that map mends it."""
        text = json.dumps(self.documents["cost-c"])
        self.put("cost-c", text[:self.dice.randrange(len(text))])

    # ---- files ----

    def flush(self, names):
        for name in names:
            self.write(name)

    def write(self, name):
        document = self.documents[name]
        if name not in self.withdrawn and name not in self.late:
            self.written.add((name, document["step"], fingerprint(document)))
            self.put(name, json.dumps(document, separators=(",", ":")))

    def put(self, name, text):
        """As users should: beside, then renamed into place."""
        beside = os.path.join(self.directory, ".%s.tmp" % name)
        with open(beside, "w") as file:
            file.write(text)
        os.rename(beside, os.path.join(self.directory, name + ".json"))
