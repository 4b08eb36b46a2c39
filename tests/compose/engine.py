# SPDX-License-Identifier: Apache-2.0
"""A container engine of our own: dockerd in a network namespace of its own, with its files in a folder of its own.

It has no way out, so the base image is made with debootstrap and brings along, as a repository for apt, the packages
that the Dockerfile installs. A machine's own engine is neither used nor touched."""
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from altotest import ROOT, check, eventually

BASE = "debian:bookworm-slim"  # what the Dockerfile begins from
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
REPOSITORY = "srv/packages"  # in the base image


def run(*words, seconds=900, **more):
    """Run to the end; its output is told when it fails."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds, check=False, **more)
    output = done.stdout.decode("utf-8", "replace")
    check(done.returncode == 0, "%s ended with %d:\n%s" % (" ".join(str(word) for word in words), done.returncode,
                                                         "\n".join(output.splitlines()[-40:])))
    return output


# ---- the base image ----


def installed_by(dockerfile):
    """The packages that its RUN lines name, one list for each."""
    joined = dockerfile.replace("\\\n", " ")
    return [found.split() for found in re.findall(r"apt-get install -y --no-install-recommends ([a-z0-9 .+-]+)", joined)]


def download(root, dockerfile):
    """All packages that a build will ask for, into the folder of the base that is to be their repository."""
    chroot = ["chroot", root]
    only = pathlib.Path(root, "etc/apt/apt.conf.d/99download-only")
    only.write_text('APT::Get::Download-Only "true";\nBinary::apt-get::APT::Keep-Downloaded-Packages "true";\n')
    shutil.copy(ROOT / "scripts/deps.sh", pathlib.Path(root, "tmp/deps.sh"))
    run(*chroot, "apt-get", "update")
    run(*chroot, "/tmp/deps.sh", "the image", "build")
    for packages in installed_by(dockerfile):
        run(*chroot, "apt-get", "install", "-y", "--no-install-recommends", *packages)
    only.unlink()
    packages = pathlib.Path(root, REPOSITORY)
    packages.mkdir()
    for archive in pathlib.Path(root, "var/cache/apt/archives").glob("*.deb"):
        archive.rename(packages / archive.name.replace("%3a", "."))  # apt would take it for an escape
    listing = subprocess.run(["dpkg-scanpackages", "."], cwd=packages, capture_output=True, check=True)
    (packages / "Packages").write_bytes(listing.stdout)


def make_base(archive, dockerfile):
    """The base image as a tar file; takes a minute or two and what it needs from Debian's mirror."""
    root = tempfile.mkdtemp(prefix="altocast-base-", dir=archive.parent)
    try:
        run("debootstrap", "--variant=minbase", SUITE, root, MIRROR)
        download(root, dockerfile)
        for leftover in ("var/lib/apt/lists", "var/cache/apt"):
            shutil.rmtree(os.path.join(root, leftover))
        shutil.rmtree(os.path.join(root, "etc/apt/sources.list.d"), ignore_errors=True)
        pathlib.Path(root, "etc/apt/sources.list").write_text("deb [trusted=yes] file:/%s ./\n" % REPOSITORY)
        run("tar", "-C", root, "-cf", str(archive) + ".new", ".")
        os.rename(str(archive) + ".new", archive)
    finally:
        shutil.rmtree(root)


def base_image():
    """The tar file of the base image, kept in build/ for the next time."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    wanted = repr(installed_by(dockerfile)) + (ROOT / "scripts/deps.sh").read_text()
    name = "compose-base-%s.tar" % hashlib.sha256(wanted.encode()).hexdigest()[:16]
    archive = ROOT / "build" / name
    archive.parent.mkdir(exist_ok=True)
    if not archive.exists():
        print("making the base image with debootstrap", flush=True)
        for old in archive.parent.glob("compose-base-*"):
            old.unlink()
        make_base(archive, dockerfile)
    return archive


# ---- the engine ----


class Connection(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def __init__(self, path):
        super().__init__("engine", timeout=600)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Engine:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="altocast-engine-", dir="/var/tmp")
        self.space = os.path.basename(self.home)
        self.socket = os.path.join(self.home, "socket")
        self.daemon = None

    def at(self, name):
        return os.path.join(self.home, name)

    def start(self):
        run("ip", "netns", "add", self.space)
        run("ip", "-n", self.space, "link", "set", "lo", "up")
        pathlib.Path(self.at("config.json")).write_text("{}")
        with open(self.at("log"), "wb") as log:
            self.daemon = subprocess.Popen(
                self.inside("dockerd", "--data-root", self.at("data"), "--exec-root", self.at("exec"), "-p", self.at("pid"),
                            "-H", "unix://" + self.socket, "--config-file", self.at("config.json"),
                            "--storage-driver", "overlay2"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        eventually("the engine answers", self.answers, 60)
        print("engine %s" % self.look("/version")["Version"], flush=True)

    def inside(self, *words):
        """These words, to be run in the engine's network namespace."""
        return ["nsenter", "--net=/run/netns/" + self.space, *words]

    def answers(self):
        if self.daemon.poll() is not None:
            with open(self.at("log"), encoding="utf-8", errors="replace") as log:
                print("".join(log.readlines()[-20:]))
            raise SystemExit("dockerd ended with %d" % self.daemon.returncode)
        try:
            return self.ask("GET", "/version")
        except OSError:
            return None

    def ask(self, method, path, body=None, **headers):
        """One request of the engine's API: the body of the answer."""
        connection = Connection(self.socket)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            answer = response.read()
            check(response.status < 300, "%s %s: %d %s" % (method, path, response.status, answer[:300]))
            return answer
        finally:
            connection.close()

    def look(self, path):
        return json.loads(self.ask("GET", path))

    def take_base(self, archive):
        name, tag = BASE.split(":")
        with open(archive, "rb") as file:
            answer = self.ask("POST", "/images/create?fromSrc=-&repo=%s&tag=%s" % (name, tag), file,
                              Content_Type="application/x-tar", Content_Length=str(os.path.getsize(archive)))
        check(b'"error"' not in answer, "import of the base image:", answer)

    def stop(self):
        """End it and remove all of it; what should be gone by itself and is not is a failure."""
        complaint = None
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(60)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
                complaint = "dockerd does not end on SIGTERM"
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            left = [line.split()[1] for line in mounts if self.home in line]
        for place in reversed(left):
            subprocess.run(["umount", place], check=False)
        subprocess.run(["ip", "netns", "del", self.space], check=False)
        shutil.rmtree(self.home)
        check(not complaint, complaint)
