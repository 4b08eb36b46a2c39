#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""liar.py TARGET ADDRESS: a relay in front of a relay, at the same ports, that lies when it is told to.

On standard input, one line each: "lie KIND SEED" and "honest". Without a lie it passes on what the target says.

    flip      some bit is another         mute     what is pushed is kept
    short     the end is missing          shuffle  what is pushed comes in another order
    old       what was said earlier       twice    what is pushed comes twice
    error     HTTP answers 404 or 500     cut      HTTP answers end before they should
    empty     nothing in it
"""
import http.client
import http.server
import random
import sys
import threading

import zmq

HTTP_PORT, PUSH_PORT = 8671, 5671
REMEMBERED = 50


class Mood:
    """What the lie is; shared by all threads."""

    def __init__(self):
        self.kind, self.dice = None, random.Random(0)

    def listen(self):
        for line in sys.stdin:
            words = line.split()
            self.kind, self.dice = (words[1], random.Random(int(words[2]))) if words[0] == "lie" else (None, self.dice)

    def now(self):
        """The lie of this moment, or None: a liar is most convincing when half of it is true."""
        return self.kind if self.kind and self.dice.random() < 0.5 else None

    def flipped(self, data):
        if not data:
            return data
        changed = bytearray(data)
        changed[self.dice.randrange(len(changed))] ^= 1 << self.dice.randrange(8)
        return bytes(changed)

    def shortened(self, data):
        return data[:self.dice.randrange(len(data))] if data else data


def twist_answer(mood, heads, path, status, body):
    """An answer to tell instead: status, body, and how many bytes are claimed."""
    kind = mood.now()
    if path.endswith("/head") and status == 200:
        heads.append(body)
        del heads[:-REMEMBERED]
        if kind == "old":
            body = mood.dice.choice(heads)
    if body[:1] == b"{" or kind is None:  # info says nothing that is signed: which origin it is, all believe
        return status, body, len(body)
    if kind == "error":
        return mood.dice.choice((404, 500)), b"", 0
    if kind == "cut":
        return status, mood.shortened(body), len(body)
    body = {"flip": mood.flipped, "short": mood.shortened, "empty": lambda _: b""}.get(kind, lambda same: same)(body)
    return status, body, len(body)


def serve_http(mood, target, address):
    heads = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, body, claimed = twist_answer(mood, heads, self.path, *self.ask())
            self.send_response(status)
            self.send_header("Content-Length", str(claimed))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass
            self.close_connection = claimed != len(body)

        def ask(self):
            connection = http.client.HTTPConnection(target, HTTP_PORT, timeout=5)
            try:
                connection.request("GET", self.path)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                return 502, b""
            finally:
                connection.close()

        def log_message(self, *parts):
            pass

    server = http.server.ThreadingHTTPServer((address, HTTP_PORT), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, client: None  # clients go away as they like
    server.serve_forever(poll_interval=1)


def socket_of(context, kind):
    made = context.socket(kind)
    made.linger, made.heartbeat_ivl, made.heartbeat_timeout = 0, 500, 2000
    return made


def twist_message(mood, said, frames):
    """The messages to send instead of one."""
    kind, part = mood.now(), mood.dice.randrange(1, len(frames)) if len(frames) > 1 else 0
    said.append(frames)
    del said[:-REMEMBERED]
    if kind in ("flip", "short", "empty"):
        change = {"flip": mood.flipped, "short": mood.shortened, "empty": lambda _: b""}[kind]
        return [frames[:part] + [change(frames[part])] + frames[part + 1:]]
    if kind == "old":
        return [mood.dice.choice(said)]
    if kind == "mute":
        return []
    if kind == "shuffle":
        return mood.dice.sample(said[-3:], min(3, len(said)))
    return [frames, frames] if kind == "twice" else [frames]


def serve_push(mood, target, address):
    context, said = zmq.Context(), []
    front, back = socket_of(context, zmq.XPUB), socket_of(context, zmq.XSUB)
    front.bind("tcp://%s:%d" % (address, PUSH_PORT))
    back.connect("tcp://%s:%d" % (target, PUSH_PORT))
    poller = zmq.Poller()
    poller.register(front, zmq.POLLIN)
    poller.register(back, zmq.POLLIN)
    while True:
        for ready, _ in poller.poll():
            if ready is front:
                back.send(front.recv())  # subscriptions go up
            else:
                for frames in twist_message(mood, said, back.recv_multipart()):
                    front.send_multipart(frames)


def main():
    target, address = sys.argv[1:3]
    mood = Mood()
    for work in (mood.listen, lambda: serve_push(mood, target, address)):
        threading.Thread(target=work, daemon=True).start()
    serve_http(mood, target, address)


if __name__ == "__main__":
    main()
