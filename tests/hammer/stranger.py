#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""stranger.py: whoever reaches a port and means no good.

On standard input, one line each: "abuse ADDRESS PUSH-PORT HTTP-PORT KIND SEED" and "leave ADDRESS". Until told to leave, it
comes again and again; each visit is short, and what it sends is bounded. At the push port:

    topics    more subscriptions than are allowed      garbage   no greeting, or nothing sensible behind it
    giant     a frame that claims up to 4 EiB          pings     subscriptions and heartbeats, then a reset
    endless   a message without an end                 crowd     connections that say half of a greeting, or nothing

and at the HTTP port:

    noise     no requests, or ones beyond all bounds   drip      requests that come byte by byte
    sip       answers that are hardly read             hurry     many requests at once, and nobody to hear the answers
"""
import os
import pathlib
import random
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import altotest
from zmtp import GREETING, PING, greeted, reset, send_all_or_be_cut, subscribe

PAUSE = 0.02   # seconds between two visits
STAYS = 1.0    # seconds that it waits for what comes of it
LARGEST = 2 << 20  # bytes sent in one visit
GUESTS = 40    # connections of a visit that has many


class Visit:
    """Connections that are gone when it ends, whatever happened."""

    def __init__(self, address, push_port, http_port, dice, over):
        self.push_at, self.http_at, self.dice, self.over = (address, push_port), (address, http_port), dice, over
        self.peers = []

    def connect(self, at, room=None):
        peer = socket.socket()
        self.peers.append(peer)
        peer.settimeout(STAYS)
        if room:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        peer.connect(at)
        return peer

    def subscriber(self):
        peer = greeted(self.connect(self.push_at), b"SUB")
        peer.settimeout(STAYS)
        return peer

    def close(self):
        for peer in self.peers:
            reset(peer) if self.dice.random() < 0.5 else peer.close()

    # ---- at the push port ----

    def topics(self):
        first = self.dice.randrange(1 << 40)
        send_all_or_be_cut(self.subscriber(), b"".join(subscribe(struct.pack(">cQQ", b"p", 1, first + i)) for i in range(20000)))

    def giant(self):
        peer = self.subscriber()
        peer.sendall(struct.pack(">BQ", self.dice.choice((2, 3, 6)), 1 << self.dice.randint(11, 62)) + bytes(1000))
        peer.recv(1 << 16)

    def endless(self):
        frame = self.dice.choice((b"\x01\x00", b"\x03" + struct.pack(">Q", 1000) + bytes(1000)))
        send_all_or_be_cut(self.subscriber(), frame * (LARGEST // len(frame)))

    def garbage(self):
        peer = self.connect(self.push_at)
        peer.sendall((b"" if self.dice.random() < 0.5 else GREETING) + self.dice.randbytes(self.dice.randint(1, 4096)))
        peer.recv(1 << 16)

    def pings(self):
        send_all_or_be_cut(self.subscriber(), (subscribe(b"h") + PING) * 3000)
        reset(self.peers.pop())

    def crowd(self):
        for _ in range(GUESTS):
            self.connect(self.push_at).sendall(GREETING[:self.dice.choice((0, 1, 10, 64))])
        self.over.wait(STAYS)

    # ---- at the HTTP port ----

    def noise(self):
        peer = self.connect(self.http_at)
        peer.sendall(self.dice.choice((
            self.dice.randbytes(self.dice.randint(1, 65536)),
            b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
            b"GET /directory HTTP/1.1\r\n" + b"x: y\r\n" * 20000 + b"\r\n",
            b"POST /directory HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n" + bytes(LARGEST),
            b"GET /directory HTTP/1.1\r\nContent-Length: -1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n")))
        peer.recv(1 << 16)

    def drip(self):
        request = b"GET /directory HTTP/1.1\r\nHost: somebody\r\n\r\n"
        peers = [self.connect(self.http_at) for _ in range(GUESTS)]
        for at in range(len(request)):
            for peer in peers:
                peer.sendall(request[at:at + 1])
            if self.over.wait(PAUSE):
                return

    def sip(self):
        peers = [self.connect(self.http_at, room=4096) for _ in range(GUESTS // 2)]
        for peer in peers:
            peer.sendall(b"GET /large HTTP/1.1\r\nHost: somebody\r\n\r\n")
        while not self.over.wait(STAYS / 4) and self.dice.random() < 0.9:
            for peer in peers:
                peer.recv(1)

    def hurry(self):
        paths = ("large", "directory", "net", "redistribution/v1/info", "redistribution/v1/" + "0" * 64 + "/head")
        send_all_or_be_cut(self.connect(self.http_at), b"".join(
            b"GET /%s HTTP/1.1\r\nHost: somebody\r\n\r\n" % self.dice.choice(paths).encode() for _ in range(200)))


def abuse(address, push_port, http_port, kind, seed, over):
    dice = random.Random(seed)
    while not over.wait(PAUSE):
        visit = Visit(address, push_port, http_port, dice, over)
        try:
            getattr(visit, kind)()
        except (OSError, altotest.Failure):
            pass  # turned away, or nobody is there just now
        finally:
            visit.close()


def end(failure):
    """What goes wrong in a thread is not to be overlooked: the hammer sees that we have ended."""
    sys.__excepthook__(failure.exc_type, failure.exc_value, failure.exc_traceback)
    os._exit(1)


def main():
    threading.excepthook = end
    guests = {}  # address -> event that ends the abuse of it
    for line in sys.stdin:
        words = line.split()
        if words[0] == "leave":
            guests.pop(words[1]).set()
        else:
            over = guests[words[1]] = threading.Event()
            threading.Thread(target=abuse, daemon=True, args=(words[1], int(words[2]), int(words[3]), words[4], int(words[5]),
                                                              over)).start()


if __name__ == "__main__":
    main()
