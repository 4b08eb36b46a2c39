# SPDX-License-Identifier: Apache-2.0
"""The hosts of the hammer: a network namespace each, and the process that runs there.

    p            alto-server-push, and beside it alto-tap, which nothing disturbs
    r1 r2 r3     alto-rproxy
    l            liar.py, which passes on what r1 says
    w1 .. w4     alto-witness

and, where the hammer itself is, stranger.py.

All namespaces hang on one bridge, in the namespace where the hammer itself lives. They have no names: when the
hammer ends, however it ends, its processes die with it (PR_SET_PDEATHSIG) and the kernel removes the namespaces. Without
root, ip and nft there is one loopback for all; each host has an address of its own there, and networks have no faults.
"""
import ctypes
import os
import pathlib
import re
import selectors
import shutil
import signal
import subprocess

import altotest
import plan
from altotest import Failure, check

HERE = pathlib.Path(__file__).resolve().parent
TESTS = altotest.BIN.parent / "tests"
HTTP_PORTS, PUSH_PORTS = {plan.PUBLISHER: 8670}, {plan.PUBLISHER: 5670}
HTTP_PORT, PUSH_PORT = 8671, 5671
CLONE_NEWNET = 0x40000000
ENDS_WITHIN = 5 * altotest.PATIENCE  # seconds after SIGTERM


class Program:
    """One process: its standard error goes to a log, its standard output is read line by line."""

    def __init__(self, name, command, log_path, env=None):
        self.name, self.log_path, self.rest, self.spoke = name, log_path, b"", False
        with open(log_path, "ab") as log:
            self.log_from = log.tell()
            self.popen = subprocess.Popen(["setpriv", "--pdeathsig", "KILL"] + command, stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=log, start_new_session=True,
                                          env=dict(os.environ, **(env or {})))
        os.set_blocking(self.popen.stdout.fileno(), False)

    def read_lines(self):
        """What it has said since; None when it says nothing any more."""
        data = self.popen.stdout.read()
        if not data:
            return None
        self.spoke = True
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line.decode() for line in lines]

    def say(self, line):
        try:
            self.popen.stdin.write(line.encode() + b"\n")
            self.popen.stdin.flush()
        except OSError:
            pass  # it has ended, which is noticed elsewhere

    def signal(self, number):
        self.popen.send_signal(number)

    def running(self):
        return self.popen.poll() is None

    def begun(self):
        """Has it said anything? Before that, SIGTERM may meet what is not our program yet."""
        return self.spoke or os.path.getsize(self.log_path) > self.log_from

    def has_told(self, event):
        with open(self.log_path, "rb") as log:
            log.seek(self.log_from)
            return b" event=%s " % event.encode() in log.read()

    def wait(self, seconds=None):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure("%s has not ended %d s after SIGTERM" % (self.name, seconds))

    def memory(self):
        """MB in use now."""
        with open("/proc/%d/status" % self.popen.pid) as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) // 1024

    def log_tail(self, count):
        with open(self.log_path, errors="replace") as log:
            return log.readlines()[-count:]


class Network:
    """The namespaces, and what is done to packets in them. The caller's own becomes that of the bridge."""

    def __init__(self, hosts):
        self.files = {}
        libc = ctypes.CDLL(None, use_errno=True)
        for host in hosts + ("bridge",):
            check(libc.unshare(CLONE_NEWNET) == 0, "unshare:", os.strerror(ctypes.get_errno()))
            self.files[host] = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.command("bridge", "ip link set lo up", "ip link add br0 type bridge", "ip link set br0 up",
                     "ip addr add 10.77.0.254/24 dev br0")
        for host in hosts:
            self.command("bridge", "ip link add to-%s type veth peer name eth0 netns %s" % (host, self.path(host)),
                         "ip link set to-%s master br0 up" % host)
            self.command(host, "ip link set lo up", "ip addr add %s/24 dev eth0" % self.address(host), "ip link set eth0 up")

    @staticmethod
    def possible():
        """Are there the tools, and may we? Tried in a namespace that goes away at once."""
        tools = all(map(shutil.which, ("ip", "nft", "tc", "nsenter", "unshare")))
        trial = "unshare --net nft add table inet hammer"
        return tools and subprocess.run(trial.split(), stderr=subprocess.DEVNULL).returncode == 0

    @staticmethod
    def address(host):
        return "10.77.0.%d" % (plan.HOSTS.index(host) + 1)

    def path(self, host):
        return "/proc/%d/fd/%d" % (os.getpid(), self.files[host])

    def inside(self, host):
        """What to put before a command that runs there."""
        return ["nsenter", "--net=" + self.path(host)]

    def command(self, host, *lines, stdin=""):
        for line in lines:
            done = subprocess.run(self.inside(host) + line.split(), input=stdin, capture_output=True, text=True)
            check(done.returncode == 0, "%s on %s:" % (line, host), done.stderr)

    def filter(self, host, *rules):
        """Rules for what comes in; the loopback, where the tap listens, is let through."""
        chain = "type filter hook input priority 0;\n iif lo accept\n" + "\n".join(rules)
        self.command(host, "nft -f -", stdin="flush ruleset\ntable inet hammer {\n chain input {\n%s\n }\n}\n" % chain)

    def begin(self, what, host, argument):
        if what == "slow":
            self.command(host, "tc qdisc replace dev eth0 root tbf rate %dkbit burst 3kb latency 500ms" % argument)
        else:
            self.filter(host, {"drop": "numgen inc mod %s 0 drop" % argument, "cut": "drop",
                               "deaf": "ip saddr %s drop" % (self.address(argument) if what == "deaf" else ""),
                               "reset": "meta l4proto tcp reject with tcp reset"}[what])

    def heal(self, host):
        self.command(host, "nft flush ruleset")
        subprocess.run(self.inside(host) + "tc qdisc del dev eth0 root".split(), stderr=subprocess.DEVNULL)


class Loopback:
    """No namespaces: every host has an address of its own on the loopback."""

    @staticmethod
    def address(host):
        return "127.77.%d.%d" % (os.getpid() % 250 + 1, plan.HOSTS.index(host) + 1)

    def inside(self, host):
        return []


class Cluster:
    """World (altotest) with one process a host. `events` is told what they say: on_line(host, line), on_end(host)."""

    def __init__(self, world, sources):
        self.world, self.sources = world, dict(sources)
        self.network = Network(plan.HOSTS) if Network.possible() else Loopback()
        self.programs = {}   # host -> Program; also "tap"
        self.down = set()    # hosts whose process was ended on purpose
        self.frozen = set()  # hosts whose process was stopped
        self.lives = dict.fromkeys(plan.HOSTS, 0)
        self.selector = selectors.DefaultSelector()
        self.offset_s = 0    # of the publisher's clock
        self.moved = world.moved_clock(0)
        world.keys()
        world.directory("maps")

    def possible(self):
        return {"process", "lie", "strangers"} | ({"network"} if isinstance(self.network, Network) else set())

    # ---- addresses ----

    def url(self, host):
        return "http://%s:%d" % (self.network.address(host), HTTP_PORTS.get(host, HTTP_PORT))

    def push(self, host):
        return "tcp://%s:%d" % (self.network.address(host), PUSH_PORTS.get(host, PUSH_PORT))

    def subscribers(self, host):
        return ["%s.%d" % (host, i) for i in range(len(plan.SUBSCRIBERS))]

    # ---- processes ----

    def command(self, host):
        world, address = self.world, self.network.address(host)
        serving = ["--http", self.url(host)[len("http://"):], "--push", self.push(host), "--state", self.state(host)]
        if host == plan.PUBLISHER:
            return [altotest.BIN / "alto-server-push", "--maps", world.path("maps"), "--keys", world.keys(),
                    "--quiet-ms", "5", "--head-ms", "1000", "--hold", "1"] + serving
        if host in plan.RELAYS:
            upstreams = [word for name in self.sources[host] for word in ("--upstream", self.url(name))]
            return [altotest.BIN / "alto-rproxy", "--root-key", world.anchor] + upstreams + serving
        if host == plan.LIAR:
            return [HERE / "liar.py", self.network.address(plan.LIED_ABOUT), address]
        words = [TESTS / "alto-witness", "--root-key", world.anchor]
        for name, mode, upstreams in zip(self.subscribers(host), plan.SUBSCRIBERS, self.sources[host]):
            words += ["--subscriber", "%s=%s=%s" % (name, mode, ",".join(map(self.url, upstreams)))]
        return words

    def run(self, name, host, command):
        """host None: where the hammer is."""
        words = (self.network.inside(host) if host else []) + [str(word) for word in command]
        env = dict(self.moved, ALTO_TEST_OFFSET=str(self.offset_s)) if name == plan.PUBLISHER and self.offset_s else None
        self.programs[name] = Program(name, words, self.world.path("%s.err" % name), env)
        self.selector.register(self.programs[name].popen.stdout, selectors.EVENT_READ, name)

    def start(self, host):
        self.lives[host] += 1
        self.down.discard(host)
        self.frozen.discard(host)
        self.run(host, host, self.command(host))

    def start_tap(self):
        self.run("tap", plan.PUBLISHER, [TESTS / "alto-tap", "--keys", self.world.keys(), "--push", self.push(plan.PUBLISHER)])

    def start_stranger(self):
        self.run("stranger", None, [HERE / "stranger.py"])

    def end(self, host, number):
        """Kill, or ask to end and see that it ends well."""
        program = self.programs[host]
        well = number == signal.SIGTERM and host != plan.LIAR and program.begun()
        self.down.add(host)
        program.signal(number)
        code = program.wait(ENDS_WITHIN if well else None)
        check(code == 0 or not well, "%s ended with %d on SIGTERM" % (host, code))

    def signing(self):
        """Is there a publisher that can sign?"""
        return plan.PUBLISHER not in self.down | self.frozen

    def check_running(self):
        for name, program in self.programs.items():
            if name not in self.down:
                check(program.running(), "%s ended by itself, with %s" % (name, program.popen.returncode))

    def lines(self, seconds):
        """(name, line) of what all of them say, waiting at most so long for something."""
        for key, _ in self.selector.select(seconds):
            program = self.programs[key.data]
            said = program.read_lines() if program.popen.stdout is key.fileobj else None
            if said is None:
                self.selector.unregister(key.fileobj)
                key.fileobj.close()
            for line in said or ():
                yield key.data, line

    # ---- state directories ----

    def state(self, host):
        return self.world.path("state-" + host)

    def keep_state(self, host):
        """While its process does not run."""
        if os.path.isdir(self.state(host)):
            shutil.rmtree(self.state(host) + ".old", ignore_errors=True)
            subprocess.run(["cp", "-a", "--sparse=always", self.state(host), self.state(host) + ".old"], check=True)

    def change_state(self, host, to):
        old = self.state(host) + ".old"
        if to == "lost" or to == "old" and os.path.isdir(old):
            shutil.rmtree(self.state(host), ignore_errors=True)
        if to == "old" and os.path.isdir(old):
            subprocess.run(["cp", "-a", "--sparse=always", old, self.state(host)], check=True)

    def start_again(self, host, state, sources, renew):
        self.change_state(host, state)
        if host == plan.PUBLISHER and renew:
            self.renew()
        self.sources[host] = sources or self.sources[host]
        self.start(host)

    # ---- keys ----

    def renew(self, *more):
        altotest.equal(self.world.run("alto-keys", "renew", "--keys", self.world.keys(), *more).code, 0, "alto-keys renew")

    def raise_epoch(self, new_key):
        if new_key:
            os.unlink(os.path.join(self.world.keys(), "signing.pem"))
        self.renew("--raise-epoch")

    # ---- faults ----

    def perform(self, action):
        """One action of the plan."""
        what, host = action.what, action.host
        if what == "raise":
            self.end(host, signal.SIGTERM)
            self.raise_epoch(action.argument)
        elif what in ("kill", "end"):
            self.end(host, signal.SIGKILL if what == "kill" else signal.SIGTERM)
            if action.argument:
                self.keep_state(host)
        elif what == "clock":
            self.offset_s, state = action.argument
            self.end(host, signal.SIGTERM)
            self.change_state(host, state)
            self.start(host)
        elif what == "set":
            self.offset_s = 0
            self.end(host, signal.SIGTERM)
            self.start_again(host, **action.argument)
        elif what == "start":
            self.start_again(host, **action.argument)
        elif what == "freeze":
            self.frozen.add(host)
            self.programs[host].signal(signal.SIGSTOP)
        elif what == "thaw":
            self.frozen.discard(host)
            self.programs[host].signal(signal.SIGCONT)
        elif what == "lie":
            self.programs[host].say("lie " + action.argument)
        elif what == "honest":
            self.programs[host].say("honest")
        elif what == "abuse":
            self.programs["stranger"].say("abuse %s %d %d %s" % (self.network.address(host), PUSH_PORTS.get(host, PUSH_PORT),
                                                                 HTTP_PORTS.get(host, HTTP_PORT), action.argument))
        elif what == "leave":
            self.programs["stranger"].say("leave " + self.network.address(host))
        elif what == "heal":
            self.network.heal(host)
        else:
            self.network.begin(what, host, action.argument)

    # ---- the end ----

    def close(self):
        for program in self.programs.values():
            if program.running():
                program.popen.kill()
            program.popen.wait()
