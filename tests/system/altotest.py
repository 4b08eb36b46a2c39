# SPDX-License-Identifier: Apache-2.0
"""What the system tests share: real processes, deadlines, HTTP, and the comparison of ALTO documents.

A test file defines functions that take a World, and ends with altotest.main(...). Every wait has a deadline; when a
test fails, the logs of all its processes are printed. Everything that was started is stopped, and a program that did
not end as it should, or about which a sanitizer complained, fails the test.
"""
import collections
import gzip
import hashlib
import http.client
import http.server
import ipaddress
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ALTO_BIN") or ROOT / "build" / "bin").resolve()
SHARED = ROOT.parent / "shared"
QUICK = os.environ.get("ALTO_QUICK") == "1"
PATIENCE = 6 if QUICK else 1  # the quick form runs under sanitizers, which are slow
# Times PATIENCE, for what surely comes: an upstream that failed again and again is left alone for up to 30 s. scripts/test.sh waits for 300 s.
WAIT_S = 20 if QUICK else 45

SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: ")
FIELD = re.compile(r'([A-Za-z_.\-]+)=("(?:\\.|[^"\\])*"|\S*)')


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def check(condition, message, *more):
    if not condition:
        raise Failure(" ".join(str(part) for part in (message, *more)))


def equal(got, wanted, what):
    if got != wanted:
        raise Failure("%s: got %s, wanted %s" % (what, shorten(got), shorten(wanted)))


def shorten(value, size=400):
    text = repr(value)
    return text if len(text) <= size else "%s... (%d characters)" % (text[:size], len(text))


def need_shared(*names):
    for name in names:
        if not (SHARED / name).exists():
            raise Skip("needs ../shared/%s beside the checkout" % name)


def eventually(what, probe, seconds=WAIT_S):
    """Wait until probe() gives something true, and return that. A Failure that it raises counts as not yet."""
    until = time.monotonic() + seconds * PATIENCE
    pause, last = 0.002, None
    while True:
        late = time.monotonic() > until  # and asked once more, since we may have stood still
        try:
            answer = probe()
            if answer:
                return answer
        except Failure as failure:
            last = failure
        if late:
            raise Failure("not within %g s: %s%s" % (seconds * PATIENCE, what, "; last: %s" % last if last else ""))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


KEPT = []  # sockets; the system gives their ports to nobody else, but to servers that name them (SO_REUSEADDR), again and again


def free_port(host="127.0.0.1"):
    """A port that is ours until the test ends, also while a server that comes back to it is away."""
    kept = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind((host, 0))
    KEPT.append(kept)
    return kept.getsockname()[1]


def address():
    return "127.0.0.1:%d" % free_port()


def has_ipv6():
    try:
        free_port("::1")
        return True
    except OSError:
        return False


# ---- processes ----


class Line(dict):
    """One line of a log: its fields; `level` and `event` are fields too."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        for key, value in FIELD.findall(text):
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            self[key] = value


def whole_lines(text):
    """Without one that is being written."""
    return text[:text.rfind("\n") + 1].splitlines()


class Process:
    def __init__(self, world, name, arguments, env=None):
        self.name, self.world = name, world
        self.arguments = [str(part) for part in arguments]
        self.err_path = world.path("%s.err" % name)
        self.out_path = world.path("%s.out" % name)
        with open(self.err_path, "ab") as err, open(self.out_path, "ab") as out:
            self.log_from = err.tell()
            self.popen = subprocess.Popen([str(BIN / self.arguments[0])] + self.arguments[1:], stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=err, env=dict(os.environ, **(env or {})),
                                          start_new_session=True)
        self.killed = False

    def log_text(self):
        with open(self.err_path, "rb") as file:
            file.seek(self.log_from)
            return file.read().decode("utf-8", "replace")

    def lines(self, event=None, **fields):
        found = [Line(text) for text in whole_lines(self.log_text())]
        return [line for line in found if (event is None or line.get("event") == event)
                and all(line.get(key) == value for key, value in fields.items())]

    def output(self):
        return pathlib.Path(self.out_path).read_text("utf-8", "replace")

    def json_lines(self):
        """The lines of standard output, as JSON."""
        return [json.loads(line) for line in whole_lines(self.output())]

    def running(self):
        return self.popen.poll() is None

    def wait_line(self, event, seconds=WAIT_S, after=0, **fields):
        """Wait for the first such line behind the first `after` ones."""
        def probe():
            found = self.lines(event, **fields)
            if len(found) > after:
                return found[after]
            check(self.running(), "%s ended with %s" % (self.name, self.popen.returncode))
            return None
        return eventually("%s says event=%s %s" % (self.name, event, fields or ""), probe, seconds)

    def stop(self):
        """Ask it to end, and check that it ends well."""
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(10 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failure("%s does not end on SIGTERM" % self.name)
        self.check_end()

    def check_end(self):
        check(not SANITIZER.search(self.log_text()), "a sanitizer complains about %s" % self.name)
        if not self.killed:
            equal(self.popen.returncode, 0, "exit code of %s" % self.name)

    def kill(self):
        self.killed = True
        if self.running():
            self.popen.kill()
        self.popen.wait()

    def wait_end(self, seconds=30):
        try:
            return self.popen.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure("%s has not ended within %g s" % (self.name, seconds * PATIENCE))

    def memory(self):
        """Bytes in use now."""
        with open("/proc/%d/status" % self.popen.pid) as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) * 1024


class Node(Process):
    """A program that answers HTTP."""

    def wait_ready(self, seconds=WAIT_S):
        self.ready = self.wait_line("ready", seconds)
        self.http = self.ready["http"]
        self.url = self.http if self.http.startswith("http") else "http://" + self.http
        self.push = self.ready["push"]
        return self

    def get(self, path, **more):
        return fetch(self.url + path, **more)

    def resource(self, name):
        answer = self.get("/" + name)
        check(answer.status == 200, "%s: GET /%s answers %d: %s" % (self.name, name, answer.status, answer.body[:200]))
        return answer

    def info(self):
        return self.get("/redistribution/v1/info").json()

    def steps(self):
        """The log lines of all commits (a server) or applied steps (a relay), up to what it serves now."""
        event = "commit" if "server" in self.name else "applied"

        def probe():
            origin = self.info()["origins"][0]["origin"]
            head = unpack_all(self.get("/redistribution/v1/%s/head" % origin).body[:-64])
            found = self.lines(event)
            return found if found and (found[-1].get("chain"), found[-1].get("seq")) == (str(head[4]), str(head[5])) else None
        return eventually("%s tells of what it serves" % self.name, probe)


MOVED_CLOCK = """
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME)
        now->tv_sec += atol(getenv("ALTO_TEST_OFFSET"));
    return failed;
}
"""


class World:
    """A temporary directory, the processes that live in it, and keys."""

    def __init__(self, name):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="altocast-%s-" % name))
        self.processes = []
        self.wrapper, self.env = [], {}  # of servers and relays: words before the program, variables
        self.counter = collections.Counter()
        self.cleanups = []

    def path(self, *names):
        return str(self.root.joinpath(*names))

    def directory(self, name):
        made = self.root / name
        made.mkdir(parents=True, exist_ok=True)
        return str(made)

    # starting

    def name_for(self, kind):
        self.counter[kind] += 1
        return "%s-%d" % (kind, self.counter[kind])

    def keys(self, name="keys"):
        """The key directory, made when it is not there."""
        if not os.path.exists(self.path(name, "manifest")):
            done = self.run("alto-keys", "init", "--out", self.path(name))
            equal(done.code, 0, "alto-keys init (%s)" % done.err)
        return self.path(name)

    @property
    def anchor(self):
        return os.path.join(self.keys(), "root.pub.pem")

    def origin(self, name="keys"):
        with open(os.path.join(self.keys(name), "root.pub.pem")) as file:
            return re.search(r"altocast-origin: ([0-9a-f]{64})", file.read()).group(1)

    def node(self, kind, arguments, wait=True):
        made = Node(self, self.name_for(kind.replace("alto-", "")), self.wrapper + [str(BIN / kind)] + arguments, self.env)
        self.processes.append(made)
        return made.wait_ready() if wait else made

    def server(self, *more, maps=None, state=None, keys=None, http=None, push="kept", wait=True):
        """http, push: at ports that are kept, unless they are given. push None: it does not push."""
        arguments = ["--maps", maps or self.directory("maps"), "--keys", keys or self.keys(),
                     "--state", state or self.path("server-state"), "--http", http or address(), "--log", "debug"]
        return self.node("alto-server-push", arguments + self.pushing(push) + list(more), wait)

    def rproxy(self, upstream, *more, state=None, anchor=None, http=None, push="kept", wait=True):
        url = upstream if isinstance(upstream, str) else upstream.url
        arguments = ["--upstream", url, "--root-key", anchor or self.anchor, "--http", http or address(),
                     "--state", state or self.path("rproxy-state-%d" % (self.counter["rproxy"] + 1))]
        return self.node("alto-rproxy", arguments + self.pushing(push) + list(more), wait)

    @staticmethod
    def pushing(push):
        """The words for a push endpoint."""
        return ["--push", "tcp://" + address() if push == "kept" else push] if push else []

    def watch(self, upstream, *more):
        made = Process(self, self.name_for("watch"),
                       ["alto-subscriber", "watch", "--upstream", upstream.url, "--root-key", self.anchor,
                        "--log", "info"] + list(more))
        self.processes.append(made)
        return made

    def interposed(self, name, source):
        """The variables with which a program has some functions of the C library replaced by these."""
        with open(self.path(name + ".c"), "w") as file:
            file.write(source)
        done = subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", self.path(name + ".so"), self.path(name + ".c")],
                              capture_output=True)
        equal(done.returncode, 0, "compiling %s (%s)" % (name, done.stderr))
        return {"LD_PRELOAD": self.path(name + ".so")}

    def sign(self, key, data):
        """The signature by a key in a file, made by openssl."""
        with open(self.path("to-sign"), "wb") as file:
            file.write(data)
        done = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", self.path("to-sign")], capture_output=True)
        equal(done.returncode, 0, "openssl signs (%s)" % done.stderr)
        return done.stdout

    def moved_clock(self, offset_s):
        """The variables with which a program has a wall clock that is so much ahead, or behind."""
        asan = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")
        return dict(self.interposed("moved", MOVED_CLOCK), ALTO_TEST_OFFSET=str(offset_s), ASAN_OPTIONS=asan)

    # running to the end

    def run(self, *arguments, seconds=40):
        """Run a program to its end: .code, .out (bytes), .err."""
        command = [str(BIN / arguments[0])] + [str(part) for part in arguments[1:]]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure("%s has not ended within %g s" % (" ".join(command), seconds * PATIENCE))
        err = done.stderr.decode("utf-8", "replace")
        check(not SANITIZER.search(err), "a sanitizer complains:", err)
        check(done.returncode >= 0, "%s died of signal %d" % (arguments[0], -done.returncode), err)
        return collections.namedtuple("Done", "code out err")(done.returncode, done.stdout, err)

    def subscriber(self, command, upstream, *more, anchor=None):
        url = upstream if isinstance(upstream, str) else upstream.url
        words = command.split()
        return self.run("alto-subscriber", *words, "--upstream", url, "--root-key", anchor or self.anchor, *more)

    def subscribed(self, command, upstream, *more):
        done = self.subscriber(command, upstream, *more)
        equal(done.code, 0, "alto-subscriber %s (%s)" % (command, done.err.strip()))
        return done.out

    def status(self, upstream):
        return json.loads(self.subscribed("status", upstream, "--json"))

    def roots(self, upstream):
        """Of the maps: `.capability` and its like belong to altocast."""
        return {each["id"]: each["root"] for each in self.status(upstream)["resources"] if each["id"][0] != "."}

    def until_pushed(self, *relays):
        """Until push carries what comes next to all of these: until a document that is changed for this comes so. Whoever says that it is
        connected may have its subscriptions on their way still, and asks for the head once more; and what is pulled may come in ways after
        which a relay does not hold it as it was signed."""
        def probe():
            self.counter["pushed"] += 1
            document = {"meta": {}, "n": self.counter["pushed"]}
            self.put("pushed", document)
            for relay in relays:
                serves(relay, "pushed", document)
            return all(relay.steps()[-1]["via"] == "push" for relay in relays)
        eventually("push comes to %s" % ", ".join(relay.name for relay in relays), probe)

    # files

    def put(self, name, content, maps="maps"):
        """Write a map as its users should: beside, then renamed into place."""
        text = content if isinstance(content, (bytes, str)) else json.dumps(content, separators=(",", ":"))
        data = text.encode("utf-8") if isinstance(text, str) else text
        directory = self.directory(maps)
        beside = os.path.join(directory, ".%s.tmp" % name)
        with open(beside, "wb") as file:
            file.write(data)
        os.rename(beside, os.path.join(directory, name + ".json"))

    def remove(self, name, maps="maps"):
        os.unlink(self.path(maps, name + ".json"))

    # the end

    def stop_all(self):
        """Stop what still runs; the first complaint is raised when all have ended."""
        complaint = None
        for process in reversed(self.processes):
            try:
                if process.running() or not process.killed:
                    process.stop()
            except Failure as failure:
                complaint = complaint or failure
        if complaint:
            raise complaint

    def show_logs(self):
        for path in sorted(self.root.glob("*.err")) + sorted(self.root.glob("*.out")):
            text = path.read_text("utf-8", "replace").splitlines()
            print("---- %s (%d lines)" % (path.name, len(text)))
            for line in text[-60:]:
                print("  " + line[:600])

    def close(self):
        for process in self.processes:
            if process.running():
                process.kill()
        for cleanup in reversed(self.cleanups):
            cleanup()
        if not os.environ.get("ALTO_KEEP"):
            shutil.rmtree(self.root, ignore_errors=True)


# ---- HTTP ----


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name, otherwise=None):
        return self.headers.get(name, otherwise)

    def plain(self):
        return gzip.decompress(self.body) if self.header("Content-Encoding") == "gzip" else self.body

    def json(self):
        check(self.status == 200, "status %d: %s" % (self.status, self.body[:200]))
        return json.loads(self.plain())


def fetch(url, method="GET", seconds=30, body=None, **headers):
    """One request. Headers as words: if_none_match='"x"'. Nothing is decoded and nothing followed."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds * PATIENCE)
    try:
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body,
                           headers={"Accept-Encoding": "identity",
                                    **{name.replace("_", "-").title(): value for name, value in headers.items()}})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    except (OSError, http.client.HTTPException) as error:
        raise Failure("%s %s: %r" % (method, url, error))
    finally:
        connection.close()


# ---- ALTO documents ----


def network_map(resource_id, tag, pids, **more):
    return {"meta": {"vtag": {"resource-id": resource_id, "tag": tag}}, "network-map": pids, **more}


def cost_map(depends, costs, metric="routingcost", mode="numerical", **more):
    """depends: pairs of (resource ID, tag)."""
    return {"meta": {"dependent-vtags": [{"resource-id": name, "tag": tag} for name, tag in depends],
                     "cost-type": {"cost-mode": mode, "cost-metric": metric}}, "cost-map": costs, **more}


def prefix_set(prefixes):
    return {ipaddress.ip_network(prefix, strict=False) for prefix in prefixes}


def same_prefixes(got, wanted):
    """Prefix lists are sets, and an address may be written in many ways."""
    if not isinstance(got, list) or not isinstance(wanted, list):
        return False
    if got == wanted:
        return True
    one, other = set(got), set(wanted)
    return prefix_set(one - other) == prefix_set(other - one) or prefix_set(got) == prefix_set(wanted)


def difference(got, wanted, path="", lists=None):
    """Where two documents differ, in words; None when they do not. Numbers are equal when their values are."""
    if isinstance(wanted, dict):
        if not isinstance(got, dict):
            return "%s is no object" % (path or "/")
        if got.keys() != wanted.keys():
            missing, extra = sorted(wanted.keys() - got.keys()), sorted(got.keys() - wanted.keys())
            return "%s lacks %s and has %s besides" % (path or "/", missing[:5], extra[:5])
        for name in wanted:
            inner = "group" if path == "/network-map" else lists
            found = difference(got[name], wanted[name], path + "/" + name, inner)
            if found:
                return found
        return None
    if lists == "group" and path.rsplit("/", 1)[-1] in ("ipv4", "ipv6") and path.startswith("/network-map/"):
        if not same_prefixes(got, wanted):
            only = sorted(set(got) ^ set(wanted))[:6] if isinstance(got, list) else got
            return "%s: not the same prefixes, e.g. %s" % (path, only)
        return None
    if isinstance(wanted, list):
        if not isinstance(got, list) or len(got) != len(wanted):
            return "%s: another list" % path
        for i, (one, other) in enumerate(zip(got, wanted)):
            found = difference(one, other, "%s/%d" % (path, i))
            if found:
                return found
        return None
    if isinstance(got, bool) == isinstance(wanted, bool) and (got == wanted or same_double(got, wanted)):
        return None
    return "%s: got %r, wanted %r" % (path, got, wanted)


def same_double(got, wanted):
    """ALTO's numbers are doubles (RFC 7285 11.3.2.3), while Python's integers have no end."""
    numbers = (int, float)
    return isinstance(got, numbers) and isinstance(wanted, numbers) and float(got) == float(wanted)


def same(got, wanted, what):
    """Compare a body (bytes) or a document with a document, member by member."""
    document = json.loads(got) if isinstance(got, (bytes, str)) else got
    found = difference(document, wanted)
    if found:
        raise Failure("%s: %s" % (what, found))


def serves(node, name, document, seconds=WAIT_S):
    """Wait until a node serves a resource with that content."""
    def probe():
        same(node.resource(name).body, document, "%s at %s" % (name, node.name))
        return True
    return eventually("%s serves the new %s" % (node.name, name), probe, seconds)


# ---- an upstream that does what it likes ----


class Liar:
    """An HTTP server that passes everything on from `node`, through `twist(path, answer)`, which may change the answer."""

    def __init__(self, world, node):
        self.node, self.twist, self.seen = node, None, []
        liar = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                liar.seen.append(self.path)
                try:
                    answer = fetch(liar.node.url + self.path)
                except Failure:
                    self.send_error(502)
                    return
                if liar.twist:
                    liar.twist(self.path, answer)
                if answer.status == 0:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Length", str(getattr(answer, "claims", len(answer.body))))
                for name, value in getattr(answer, "more", {}).items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(answer.body)
                except OSError:
                    pass
                self.close_connection = hasattr(answer, "claims")

            def log_message(self, *parts):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda request, address: None  # clients go away as they like
        self.url = "http://127.0.0.1:%d" % self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        world.cleanups.append(self.http.shutdown)

    def about(self, part, change):
        """Lie about paths with this part: change(body) gives another body."""
        def twist(path, answer):
            if part in path and answer.status == 200:
                answer.body = change(answer.body)
            elif part == "/snapshots/" and ("/payloads/" in path or "/deltas/" in path):
                answer.status, answer.body = 404, b""  # so that snapshots are asked for
        self.twist = twist

    def honest(self):
        self.twist = None


class Megaphone:
    """A push endpoint at which the test says what it likes, and an ear at the real one."""

    def __init__(self, world, server):
        try:
            import zmq
        except ImportError:
            raise Skip("needs python3-zmq")
        self.context = zmq.Context()
        world.cleanups.append(lambda: self.context.destroy(linger=0))
        self.out = self.context.socket(zmq.XPUB)
        self.out.setsockopt(zmq.LINGER, 0)
        self.out.setsockopt(zmq.XPUB_VERBOSE, 1)  # each subscription is heard of, also the second of the same
        port = self.out.bind_to_random_port("tcp://127.0.0.1")
        self.endpoint = "tcp://127.0.0.1:%d" % port
        self.ear = self.context.socket(zmq.SUB)
        self.ear.setsockopt(zmq.LINGER, 0)
        self.ear.setsockopt(zmq.SUBSCRIBE, b"")
        self.ear.connect(server.push)

    def wait_subscriptions(self, count):
        while count > 0:
            check(self.out.poll(1000 * WAIT_S * PATIENCE), "no subscription came")
            count -= self.out.recv()[:1] == b"\1"  # the rest are goodbyes

    def say(self, *frames):
        self.out.send_multipart(list(frames))

    def hear(self):
        """The next message of the real server."""
        check(self.ear.poll(1000 * WAIT_S * PATIENCE), "the server does not push")
        return self.ear.recv_multipart()

    def hear_commit(self):
        """The next commit and its payloads."""
        while True:
            frames = self.hear()
            if frames[0][:1] == b"h" and unpack_all(frames[1])[0] == "altocast-commit-1":
                changes = unpack_all(frames[1])[10]
                return frames, [self.hear() for change in changes if change[5]]


# ---- hashes and msgpack, as docs/wire-format.md has them ----


def digest(domain, data):
    return hashlib.blake2b(domain.encode("ascii") + b"\0" + data, digest_size=32).digest()


def unpack(data, at=0):
    """One msgpack value at `at`: the value and where it ends. Of the types that the wire format uses."""
    first = data[at]
    at += 1
    if first <= 0x7f:
        return first, at
    if 0x80 <= first <= 0x8f:
        return unpack_map(data, at, first & 15)
    if 0x90 <= first <= 0x9f:
        return unpack_array(data, at, first & 15)
    if 0xa0 <= first <= 0xbf:
        return data[at:at + (first & 31)].decode("utf-8"), at + (first & 31)
    if first == 0xc0:
        return None, at
    widths = {0xc4: 1, 0xc5: 2, 0xc6: 4, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2,
              0xdd: 4}
    check(first in widths, "msgpack: a type that does not appear here: %#x" % first)
    width = widths[first]
    number = int.from_bytes(data[at:at + width], "big")
    at += width
    if first in (0xc4, 0xc5, 0xc6):
        return bytes(data[at:at + number]), at + number
    if first in (0xd9, 0xda, 0xdb):
        return data[at:at + number].decode("utf-8"), at + number
    if first in (0xdc, 0xdd):
        return unpack_array(data, at, number)
    return number, at


def unpack_array(data, at, count):
    values = []
    for _ in range(count):
        value, at = unpack(data, at)
        values.append(value)
    return values, at


def unpack_map(data, at, count):
    values = {}
    for _ in range(count):
        key, at = unpack(data, at)
        values[key], at = unpack(data, at)
    return values, at


def packed_length(size, first, widths):
    """The shortest head of something of that size: first type byte for each width."""
    for width, code in zip(widths, range(first, first + len(widths))):
        if size < 1 << 8 * width:
            return bytes([code]) + size.to_bytes(width, "big")
    raise Failure("too large for msgpack: %d" % size)


def pack(value):
    """The inverse of unpack: each value in its shortest form. Maps are empty."""
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        return bytes([value]) if value < 0x80 else packed_length(value, 0xcc, (1, 2, 4, 8))
    if isinstance(value, bytes):
        return packed_length(len(value), 0xc4, (1, 2, 4)) + value
    if isinstance(value, str):
        text = value.encode("utf-8")
        return (bytes([0xa0 | len(text)]) if len(text) < 32 else packed_length(len(text), 0xd9, (1, 2, 4))) + text
    if isinstance(value, list):
        head = bytes([0x90 | len(value)]) if len(value) < 16 else packed_length(len(value), 0xdc, (2, 4))
        return head + b"".join(pack(each) for each in value)
    equal(value, {}, "what is to be packed")
    return b"\x80"


def unpack_all(data):
    value, end = unpack(data)
    equal(end, len(data), "end of a msgpack object")
    return value


# ---- running ----


def main(tests):
    """Run the tests (or those named on the command line), each in a world of its own, and exit."""
    names = sys.argv[1:]
    chosen = [test for test in tests if not names or test.__name__ in names]
    failed, skipped = [], 0
    sys.stdout.reconfigure(line_buffering=True)
    if not (BIN / "alto-server-push").exists():
        print("no programs in %s; build first, or set ALTO_BIN" % BIN)
        sys.exit(1)
    for test in chosen:
        begin = time.monotonic()
        title = test.__name__.replace("_", " ")
        world = World(test.__name__[:24])
        try:
            test(world)
            world.stop_all()
            print("ok      %-60s %6.1f s" % (title, time.monotonic() - begin))
        except Skip as reason:
            skipped += 1
            print("skipped %s: %s" % (title, reason))
        except Exception as error:  # whatever it is: tell all there is to know
            failed.append("%s: %s" % (title, error))
            print("FAILED  %s after %.1f s" % (title, time.monotonic() - begin))
            if isinstance(error, Failure):
                print("  " + str(error))
                where = [frame for frame in traceback.extract_tb(error.__traceback__) if "altotest" not in frame.filename]
                print("  at line %d: %s" % (where[-1].lineno, where[-1].line) if where else "")
            else:
                traceback.print_exc(file=sys.stdout)
            world.show_logs()
        finally:
            world.close()
    for each in failed:  # once more, behind the logs
        print("FAILED  " + each)
    if failed:
        sys.exit(1)
    sys.exit(77 if skipped == len(chosen) and chosen else 0)
