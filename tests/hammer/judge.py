# SPDX-License-Identifier: Apache-2.0
"""What must be true at every moment.

The judge hears what the publisher signs (from the tap), what every subscriber holds (from the witnesses) and what the
relays answer over HTTP. It raises Failure as soon as something cannot be right:

    a position that is signed twice, a chain whose links do not fit
    a state that is held or served, and that nobody signed
    a commit that comes before one that was there already
    a document that is not what was written
"""
import json
import time

import altotest
import maps
from altotest import Failure, check

GRACE = 30  # seconds in which it must be found out who signed what somebody holds
MOST_UNPROVEN = 10  # commits that only their holder has heard of
ETAG_DIGITS = 32  # of the root, in the ETag of a resource


def text_of(position):
    return "%d.%d.%d" % position


class Judge:
    def __init__(self, written):
        self.written = written       # (resource ID, step, fingerprint), of maps.Maps
        self.signed = {}             # position -> (commit hash, previous hash or "-", state root)
        self.newest_of = {}          # (epoch, chain) -> seq
        self.roots = set()           # (resource ID, root as in an ETag) of all signed entries
        self.wanted = {}             # position that is not known yet -> until when somebody must tell
        self.pending = []            # (until, position, hash, state root, who): held by somebody, signature not seen yet
        self.pending_roots = {}      # (resource ID, root) -> (until, who)
        self.holds = {}              # subscriber -> position
        self.state = {}              # subscriber -> "live", ...
        self.served = {}             # (server, life) -> newest position answered
        self.views = self.answers = 0
        self.lost = 0                # commits that nobody has any more
        self.unproven = 0            # of these, the ones that somebody holds and no successor names

    # ---- what is signed ----

    def on_tap(self, line):
        """Of standard output of alto-tap."""
        words = line.split()
        if words[0] == "refused":
            raise Failure("a statement that nobody signed: %s" % line)
        position = tuple(int(word) for word in words[1:4])
        commit_hash, prev, root = words[4:7]
        if words[0] == "head":
            self.know_or_ask(position, commit_hash, root, "a head")
        else:
            self.on_commit(position, (commit_hash, prev, root), words[8:])

    def on_commit(self, position, what, changes):
        known = self.signed.get(position)
        if known:
            check(known == what, "position %s was signed twice:" % text_of(position), known, what)
            return
        self.signed[position] = what
        self.wanted.pop(position, None)
        self.check_links(position)
        self.ask_for_holes(position)
        for change in changes:
            name, root = change.rsplit("=", 1)
            self.roots.add((name, root[:ETAG_DIGITS]))

    def check_links(self, position):
        epoch, chain, seq = position
        for later in (position, (epoch, chain, seq + 1)):
            before = (epoch, chain, later[2] - 1)
            if later in self.signed and before in self.signed:
                check(self.signed[later][1] == self.signed[before][0], "%s does not follow %s" %
                      (text_of(later), text_of(before)), self.signed[later], self.signed[before])
        if seq == 1:
            check(self.signed[position][1] == "-", "the first commit of a chain has a predecessor")

    def ask_for_holes(self, position):
        """What was pushed while nobody listened."""
        epoch, chain, seq = position
        newest = self.newest_of.get((epoch, chain), 0)
        for missing in range(newest + 1, seq):
            self.wanted.setdefault((epoch, chain, missing), time.monotonic() + GRACE)
        self.newest_of[epoch, chain] = max(newest, seq)

    def newest_chain(self):
        """Of the newest epoch."""
        return max(self.newest_of)[1]

    def know_or_ask(self, position, commit_hash, root, who):
        """Somebody holds this: it must have been signed, and when that is not known yet it must be found out."""
        known = self.signed.get(position)
        if known:
            check((known[0], known[2]) == (commit_hash, root), "%s holds another state at %s than was signed:" %
                  (who, text_of(position)), (commit_hash, root), known)
            return
        until = time.monotonic() + GRACE
        self.wanted.setdefault(position, until)
        self.pending.append((until, position, commit_hash, root, who))

    def settle_pending(self):
        """Look again at what could not be judged when it came."""
        now = time.monotonic()
        waiting, self.pending = self.pending, []
        for until, position, commit_hash, root, who in waiting:
            if position in self.signed:
                self.know_or_ask(position, commit_hash, root, who)
            elif now > until:
                self.judge_alone(position, commit_hash, who)
            else:
                self.pending.append((until, position, commit_hash, root, who))
        self.lost += sum(until <= now for until in self.wanted.values())
        self.wanted = {position: until for position, until in self.wanted.items() if until > now}
        self.pending_roots = {key: value for key, value in self.pending_roots.items() if key not in self.roots}
        for (name, root), (until, who) in self.pending_roots.items():  # may have come with a commit that was lost
            check(now < until or self.lost, "%s answered with a state of %s that nobody signed: %s" % (who, name, root))

    def judge_alone(self, position, commit_hash, who):
        """Nobody else has that commit any more: the publisher died soon after it. Its successor may name it."""
        epoch, chain, seq = position
        after = self.signed.get((epoch, chain, seq + 1))
        check((epoch, chain) in self.newest_of, "%s holds %s, of a chain that nobody signed" % (who, text_of(position)))
        check(not after or after[1] == commit_hash, "%s holds %s, which its successor does not name" % (who, text_of(position)))
        self.unproven += not after
        check(self.unproven <= MOST_UNPROVEN, "%s holds %s, of which nobody knows who signed it" % (who, text_of(position)))

    # ---- what is held ----

    def on_witness(self, host, line):
        """Of standard output of an alto-witness on that host."""
        words = line.split()
        check(words[0] != "wrong", "a subscriber on %s: %s" % (host, line))
        if words[0] == "state":
            self.state[words[1]] = words[2]
            return
        position = tuple(int(word) for word in words[2:5])
        self.views += 1
        self.holds[words[1]] = position
        self.know_or_ask(position, words[5], words[6], words[1])

    def forget(self, names):
        """Subscribers that end; those that begin under these names hold nothing yet."""
        for name in names:
            self.holds.pop(name, None)
            self.state.pop(name, None)

    # ---- what is answered ----

    def on_head(self, server, life, body):
        """The head of a server, as a signed-object file. Its signature is checked by the tap."""
        statement = altotest.unpack_all(body[:-64])
        commit = statement[0] == "altocast-commit-1"
        position = (statement[3][0], statement[4], statement[5])
        root = statement[9 if commit else 7].hex()
        commit_hash = altotest.digest("altocast-commit-hash-1", body[:-64]).hex() if commit else statement[6].hex()
        check(self.served.get((server, life), position) <= position, "%s went back from %s to %s" %
              (server, self.served.get((server, life)), position))
        self.served[server, life] = position
        self.answers += 1
        self.know_or_ask(position, commit_hash, root, server)
        return position

    def on_document(self, server, name, answer):
        """The answer of a server to GET of a resource. Its root; None when nothing is shown."""
        check(answer.status in (200, 404, 503), "%s answers %d for %s" % (server, answer.status, name))
        if answer.status != 200:
            return None
        self.answers += 1
        root = answer.header("ETag", "").strip('"')[:ETAG_DIGITS]
        if (name, root) not in self.roots:
            self.pending_roots.setdefault((name, root), (time.monotonic() + GRACE, server))
        document = json.loads(answer.plain())
        check((name, document.get("step"), maps.fingerprint(document)) in self.written,
              "%s answers for %s with what was never written: %s" % (server, name, altotest.shorten(answer.plain())))
        return root

    # ---- when all is calm ----

    def differs(self, subscribers, tip):
        """Which subscribers do not hold `tip`, or are not live, in words."""
        return ["%s holds %s, %s" % (name, self.holds.get(name) and text_of(self.holds[name]), self.state.get(name))
                for name in subscribers if self.holds.get(name) != tip or self.state.get(name) != "live"]
