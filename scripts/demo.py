#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo: a simulated ISP, its publisher, two relays in a chain and a follower at each of the three, live.

Starts the programs, reads what the simulation and the followers say, and prints one line per commit. Everything lives
in a temporary directory and ends with this process."""

import argparse
import ctypes
import gzip
import json
import os
import queue
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

OPENING = """
{bold}altocast: applications learn what an ISP's network costs, at the moment when it changes{plain}

  An ALTO server (RFC 7285) publishes maps: which addresses belong together (PIDs), and what traffic
  costs from each PID to each other. Peer-to-peer systems and CDNs use them to choose well. Polling
  means to fetch whole maps again and again, and to be late all the same. altocast pushes just what
  changed, signed by the ISP, through relays that can withhold but never forge.

    simulated ISP --> alto-server-push --> alto-rproxy tier 1 --> alto-rproxy tier 2
                             |                     |                     |
                         follower              follower              follower
"""

TIERS = ("publisher", "tier 1", "tier 2")
START_SECONDS = 30   # for one program to answer
STRAGGLER_SECONDS = 2  # a commit is shown when all tiers have it, or after this
STOP_SECONDS = 5     # for one program to end


class Failure(Exception):
    """Why the demo cannot go on, in words."""


class Stopped(Exception):
    """Ctrl-C, or a signal that means the same."""


def die_with_parent():
    """In a child, before exec: end when the demo itself is killed (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Programs:
    """Child processes, in the order in which they were started."""

    def __init__(self, bin_dir, log_dir):
        self.bin_dir, self.log_dir = bin_dir, log_dir
        self.running = []

    def path(self, program):
        return os.path.join(self.bin_dir, program)

    def log_of(self, name):
        return os.path.join(self.log_dir, name.replace(" ", "-") + ".log")

    def start(self, name, program, *words, lines=None):
        """lines: a queue that gets (name, line) for each line of its standard output."""
        with open(self.log_of(name), "ab") as log:
            child = subprocess.Popen(
                [self.path(program), *words], stdin=subprocess.DEVNULL, stderr=log,
                stdout=log if lines is None else subprocess.PIPE, start_new_session=True, preexec_fn=die_with_parent)
        if lines is not None:
            threading.Thread(target=self.read, args=(name, child, lines), daemon=True).start()
        self.running.append((name, child))

    @staticmethod
    def read(name, child, lines):
        for line in child.stdout:
            lines.put((name, line.decode("utf-8", "replace").rstrip("\n")))

    def last_words(self, name):
        try:
            with open(self.log_of(name), encoding="utf-8", errors="replace") as log:
                return "".join("    | " + line for line in log.readlines()[-8:])
        except OSError:
            return ""

    def check(self):
        for name, child in self.running:
            if child.poll() is not None:
                raise Failure(f"{name} ended by itself with {child.returncode}; its last words:\n{self.last_words(name)}")

    def stop(self):
        """End all, the newest first. Returns the complaints."""
        complaints = []
        while self.running:
            name, child = self.running.pop()
            if child.poll() is None:
                child.terminate()
            try:
                code = child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                complaints.append(f"{name} did not stop in {STOP_SECONDS} s and was killed")
                continue
            if code not in (0, -signal.SIGTERM):
                complaints.append(f"{name} ended with {code}; its last words:\n{self.last_words(name)}")
        return complaints


class Ports:
    """Free TCP ports on 127.0.0.1, the usual ones if possible."""

    def __init__(self):
        self.taken = set()

    def free(self, port):
        if port in self.taken:
            return False
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
        return True

    def pick(self, usual):
        for port in range(usual, usual + 500, 10):
            if self.free(port):
                if port != usual:
                    print(f"  port {usual} is in use: taking {port}")
                self.taken.add(port)
                return port
        raise Failure(f"no free port found from {usual} upwards")


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def wait_for(programs, what, test):
    """Until test() is true; a program that ends meanwhile is a failure."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        programs.check()
        try:
            if test():
                return
        except (OSError, ValueError) as error:
            last = error
        else:
            last = "not yet"
        if time.monotonic() > deadline:
            raise Failure(f"{what}: no answer after {START_SECONDS} s ({last})")
        time.sleep(0.05)


def size(count):
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.5 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def plural(count, word, words):
    return f"{count} {word if count == 1 else words}"


def changed(changes):
    """What changed, counted over all resources of a commit: "1 PID, 2 prefixes, 428 cells"."""
    pids = prefixes = cells = others = 0
    for change in changes:
        items = change.get("items_changed", 0)
        added, removed = change.get("items_added", 0), change.get("items_removed", 0)
        if change.get("kind") == "cost map":
            cells += items + added + removed
        elif change.get("kind") == "network map":
            prefixes += items + max(added, removed)  # a moved one is removed here and added there
            pids += change.get("rows_added", 0) + change.get("rows_removed", 0)
        else:
            others += 1
    words = [plural(pids, "PID", "PIDs")] if pids else []
    words += [plural(prefixes, "prefix", "prefixes")] if prefixes else []
    words += [plural(cells, "cell", "cells")] if cells else []
    words += [plural(others, "document", "documents")] if others else []
    return ", ".join(words) or "tags"


class Story:
    """Brings together what the simulation said and what the followers saw."""

    def __init__(self, maps_dir):
        self.maps_dir = maps_dir
        self.events = []   # (ms, words) of the simulation that no commit has answered yet
        self.idle = 0      # events that changed nothing
        self.open = {}     # position -> {"seen": monotonic, "tiers": {name: commit}}
        self.told = set()  # positions that were shown
        self.live_since = None  # ms; what was signed earlier is not shown
        self.founded = False    # the first line of the simulation is no event
        self.met = set()   # followers that have said something
        self.commits = self.pushed = self.whole = self.zipped = 0
        self.delays = {"signed": [], **{tier: [] for tier in TIERS}}

    def hear(self, source, line):
        if source == "simulated ISP":
            stamp, _, words = line.partition(" ")
            if self.live_since is None or not stamp.isdigit():
                return
            if not self.founded:
                self.founded = True
            elif words.endswith("nothing changes"):
                self.idle += 1
            else:
                self.events.append((int(stamp), words.partition(": ")[0]))
            return
        self.met.add(source)
        try:
            commit = json.loads(line)
            position, issued = (commit["epoch"], commit["chain"], commit["seq"]), commit["issued_at_ms"]
        except (ValueError, KeyError, TypeError):
            return
        if commit.get("event") != "commit" or position in self.told or self.live_since is None or issued < self.live_since:
            return
        entry = self.open.setdefault(position, {"seen": time.monotonic(), "tiers": {}})
        entry["tiers"][source] = commit

    def ready(self):
        """Positions to show now, in order."""
        now = time.monotonic()
        for position in sorted(self.open):
            entry = self.open[position]
            if len(entry["tiers"]) < len(TIERS) and now - entry["seen"] < STRAGGLER_SECONDS:
                return
            yield position, self.open.pop(position)["tiers"]

    def cause(self, issued):
        """Events up to the moment of signing: (ms of the last one, or None, and their words)."""
        mine = [event for event in self.events if event[0] <= issued + 1]
        self.events = self.events[len(mine):]
        if not mine:
            return None, "(nothing that the simulation told)"
        return mine[-1][0], "; ".join(words for _, words in mine)

    def measure(self, begin, issued, tiers):
        """The columns of milliseconds."""
        columns = [str(max(0, issued - begin))]
        self.delays["signed"].append(max(0, issued - begin))
        for tier in TIERS:
            if tier not in tiers:
                columns.append("-")
                continue
            delay = max(0, tiers[tier]["applied_at_ms"] - begin)
            self.delays[tier].append(delay)
            columns.append(str(delay))
        return columns

    def count_zipped(self, changes):
        for change in changes:
            name = {"network map": "isp-network-map"}.get(change.get("kind"), str(change.get("resource")))
            try:
                with open(os.path.join(self.maps_dir, os.path.basename(name) + ".json"), "rb") as file:
                    self.zipped += len(gzip.compress(file.read(), 6))
            except OSError:
                pass  # not a file of the simulation: the directory of resources, for one

    def tell(self, position, tiers):
        self.told.add(position)
        commit = next(iter(tiers[tier] for tier in TIERS if tier in tiers))
        changes = commit.get("changes", [])
        begin, words = self.cause(commit["issued_at_ms"])
        columns = self.measure(begin, commit["issued_at_ms"], tiers) if begin is not None else ["-"] * 4
        whole = sum(change.get("text_bytes", 0) for change in changes)
        pushed = commit.get("push_bytes", 0)
        self.commits += 1
        self.whole += whole
        self.pushed += pushed
        ratio = f"1:{whole / pushed:.0f}" if pushed and whole else ""
        print(f"{position[2]:5d} {size(pushed):>8} {size(whole):>9} {ratio:>7}  {columns[0]:>7} {columns[1]:>9} {columns[2]:>6}"
              f" {columns[3]:>6}   {words}: {changed(changes)}", flush=True)
        self.count_zipped(changes)

    def heading(self):
        print("\n         bytes     whole               milliseconds from the file to")
        print(f"  seq   pushed      maps   ratio   {'signed':>6} {TIERS[0]:>9} {TIERS[1]:>6} {TIERS[2]:>6}"
              "   what happened in the network: what changed", flush=True)

    def close(self, seconds):
        print(f"\n{plural(self.commits, 'commit', 'commits')} in {seconds:.0f} s"
              + (f" ({plural(self.idle, 'event', 'events')} touched no best path)" if self.idle else ""))
        if not self.commits:
            return
        print(f"  pushed to each follower          {size(self.pushed)}")
        if self.pushed:
            zipped = f"; with gzip {size(self.zipped)}, {self.zipped / self.pushed:.0f} times" if self.zipped else ""
            print(f"  polling whole maps, at best      {size(self.whole)}, {self.whole / self.pushed:.0f} times as much{zipped}")
        medians = [f"{name} {statistics.median(delays):.0f}" for name, delays in self.delays.items() if delays]
        if medians:
            print(f"  median ms from the file to       {', '.join(medians)}")


class Demo:
    def __init__(self, options):
        self.options = options
        self.home = tempfile.mkdtemp(prefix="altocast-demo-")
        os.mkdir(self.at("log"))
        self.programs = Programs(options.bin, self.at("log"))
        self.lines = queue.Queue()
        self.story = Story(self.at("maps"))
        self.urls = []
        self.origin = None

    def at(self, name):
        return os.path.join(self.home, name)

    def once(self, program, *words):
        done = subprocess.run([self.programs.path(program), *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise Failure(f"{program} {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def simulation(self, *words):
        return ["--out", self.at("maps"), "--seed", str(self.options.seed), *words]

    def serving(self, tier):
        """Is there a directory at this tier?"""
        return b"resources" in fetch(self.urls[tier] + "/directory")

    def start(self):
        root_key = self.at("keys/root.pub.pem")
        http = [Ports.pick(self.ports, port) for port in (8670, 8671, 8672)]
        push = [Ports.pick(self.ports, port) for port in (5670, 5671, 5672)]
        self.urls = [f"http://127.0.0.1:{port}" for port in http]
        origins = re.findall(r"\b[0-9a-f]{64}\b", self.once("alto-keys", "init", "--out", self.at("keys")))
        self.origin = origins[0] if origins else None
        self.first = self.once("alto-sim", *self.simulation("--once")).strip()
        self.programs.start(
            "server-push", "alto-server-push", "--maps", self.at("maps"), "--keys", self.at("keys"), "--state",
            self.at("state-push"), "--push", f"tcp://127.0.0.1:{push[0]}", "--http", f"127.0.0.1:{http[0]}")
        wait_for(self.programs, "alto-server-push", lambda: self.serving(0))
        for tier in (1, 2):
            self.programs.start(
                f"rproxy tier {tier}", "alto-rproxy", "--upstream", self.urls[tier - 1], "--root-key", root_key, "--state",
                self.at(f"state-r{tier}"), "--http", f"127.0.0.1:{http[tier]}", "--push", f"tcp://127.0.0.1:{push[tier]}")
            wait_for(self.programs, f"alto-rproxy tier {tier}", lambda tier=tier: self.serving(tier))
        for tier, url in zip(TIERS, self.urls):
            self.programs.start(tier, "alto-subscriber", "watch", "--upstream", url, "--root-key", root_key, "--json",
                                lines=self.lines)
        self.gather(3, lambda: len(self.story.met) == len(TIERS))

    def gather(self, seconds, enough):
        """Hear what is said, for so long or until it is enough."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not enough():
            try:
                self.story.hear(*self.lines.get(timeout=0.1))
            except queue.Empty:
                self.programs.check()

    def uri_of(self, resource):
        try:
            directory = json.loads(fetch(self.urls[2] + "/directory"))
            return urllib.parse.urljoin(self.urls[2] + "/directory", directory["resources"][resource]["uri"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def explain(self):
        print(f"\nThe ISP: {self.first}")
        print(f"\n{BOLD}Everything is up. From another terminal:{PLAIN}")
        print(f"  the directory, from tier 2   curl -s {self.urls[2]}/directory")
        for words, resource in (("what traffic costs", "routingcost"), ("who is where", "isp-network-map")):
            uri = self.uri_of(resource)
            if uri:
                print(f"  {words:<27}  curl -s --compressed {uri}")
        if self.origin:
            print(f"  the signed head              curl -s {self.urls[2]}/redistribution/v1/{self.origin}/head | od -c | head")
        subscriber = os.path.relpath(self.programs.path("alto-subscriber"))
        print(f"  a verified copy              {subscriber} get routingcost --upstream {self.urls[2]}"
              f" --root-key {self.at('keys/root.pub.pem')}")
        print(f"  maps, keys, states, logs     ls {self.home}")
        rest = f"stops by itself after {self.options.seconds:g} s" if self.options.seconds else "Ctrl-C stops it"
        print(f"  ({rest}, and removes all of it)")

    def live(self):
        self.story.live_since = int(time.time() * 1000)
        self.programs.start("simulated ISP", "alto-sim", *self.simulation("--stamps", "--every-ms", str(self.options.every_ms)),
                            lines=self.lines)
        self.story.heading()
        deadline = time.monotonic() + self.options.seconds if self.options.seconds else None
        while deadline is None or time.monotonic() < deadline:
            self.gather(0.2, self.lines.empty)
            for position, tiers in self.story.ready():
                self.story.tell(position, tiers)
            self.programs.check()
            time.sleep(0.02)

    def run(self):
        self.ports = Ports()
        failed, began = False, None
        try:
            print(OPENING.format(bold=BOLD, plain=PLAIN), flush=True)
            self.start()
            self.explain()
            began = time.monotonic()
            self.live()
        except Stopped:
            pass
        except Failure as failure:
            failed = True
            print(f"demo: {failure}", file=sys.stderr)
        finally:
            ignore_signals()
            seconds = time.monotonic() - began if began else 0
            for complaint in self.programs.stop():
                failed = True
                print(f"demo: {complaint}", file=sys.stderr)
            shutil.rmtree(self.home, ignore_errors=True)
        if began:
            self.story.close(seconds)
            print("Everything is stopped and removed.", flush=True)
        return 1 if failed or (self.options.seconds and not self.story.commits) else 0


def stop_on_signals():
    def stop(number, frame):
        ignore_signals()  # once is enough: nothing shall disturb the cleaning up
        raise Stopped
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main():
    parser = argparse.ArgumentParser(prog="./run demo", description="A simulated ISP and its followers, live.")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="stop by itself (default: on Ctrl-C)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another ISP (1)")
    parser.add_argument("--every-ms", type=int, default=2000, metavar="MS", help="time between two events (2000)")
    parser.add_argument("--bin", default="build/bin", metavar="DIR", help="folder of the programs (build/bin)")
    options = parser.parse_args()
    stop_on_signals()
    return Demo(options).run()


BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")

if __name__ == "__main__":
    sys.exit(main())
