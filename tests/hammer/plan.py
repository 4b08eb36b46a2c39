# SPDX-License-Identifier: Apache-2.0
"""What happens to whom, and when: a pure function of the seed.

Time is counted in steps, and a step is one edit of the maps; the clock has no part in it. A round is STEPS steps, at the
end of which every fault has ended. Each round has dice of its own, so that it can be repeated alone.
"""
import collections
import random

STEPS = 200
PUBLISHER, LIAR = "p", "l"
RELAYS = ("r1", "r2", "r3")
WITNESSES = ("w1", "w2", "w3", "w4")
SUBSCRIBERS = ("all", "all", "all", "all", "some", "poll")  # of each witness, as alto-witness has them
HOSTS = (PUBLISHER,) + RELAYS + (LIAR,) + WITNESSES
LIED_ABOUT = "r1"  # what the liar passes on is this relay's

# Where each may get its news from, two at a time; the publisher and the liar have no choice.
CHOICES = {"r1": ("p", "r2"), "r2": ("p", "r1"), "r3": ("r1", "r2", "l"),
           **{name: ("r1", "r2", "r3", "l", "p") for name in WITNESSES}}

ABUSES = ("topics", "giant", "endless", "garbage", "pings", "crowd", "noise", "drip", "sip", "hurry")  # as in stranger.py
LIES = ("flip", "short", "old", "mute", "shuffle", "twice", "error", "cut", "empty")

# How often each fault, how long it takes (steps), and what it is about: a process or the network of a host.
Fault = collections.namedtuple("Fault", "weight shortest longest about")
FAULTS = {
    "kill": Fault(6, 1, 40, "process"),    # SIGKILL, and a new one
    "end": Fault(2, 1, 20, "process"),     # SIGTERM, and a new one
    "raise": Fault(1, 1, 20, "process"),   # the publisher ends, and comes back in a new epoch
    "clock": Fault(2, 5, 60, "process"),   # the publisher ends, and comes back with a clock that is wrong
    "freeze": Fault(4, 2, 60, "process"),  # SIGSTOP, SIGCONT
    "lie": Fault(5, 10, 60, "lie"),
    "abuse": Fault(5, 10, 60, "strangers"),
    "drop": Fault(4, 10, 80, "network"),   # one packet of so many is lost
    "slow": Fault(2, 10, 60, "network"),   # a thin wire, with a queue before it
    "cut": Fault(3, 5, 60, "network"),     # no packet at all
    "deaf": Fault(3, 5, 60, "network"),    # no packet from one other host
    "reset": Fault(2, 2, 20, "network"),   # every packet is answered by a reset
}

DAY = 86400
FAR_AHEAD = DAY / 2  # seconds (half of --valid-for): a publisher goes on to date what it signs from there
CLOCKS = (-60, -300 * DAY, 60, 3600, 72000)  # seconds: behind; before all that was signed; ahead; further than followers accept; far

# step: when; what: a name in FAULTS, or what ends one ("start", "set", "thaw", "heal", "honest", "leave"); argument: depends on what;
# fault: a number that both have in common.
Action = collections.namedtuple("Action", "step what host argument fault")


def sources(dice, host):
    """New upstreams: for a relay one list, for a witness one for each of its subscribers, first choice first."""
    def some():
        return tuple(dice.sample(CHOICES[host], 2))
    if host in WITNESSES:
        return tuple(some() for _ in SUBSCRIBERS)
    return some() if host in CHOICES else ()


def first_sources(seed):
    """Upstreams at the beginning."""
    dice = random.Random("%d sources" % seed)
    return {host: sources(dice, host) for host in HOSTS}


def victims(dice, what):
    """Whom a fault meets: mostly one; now and then everybody who serves loses power at once."""
    if what == "lie":
        return (LIAR,)
    if what in ("raise", "clock"):
        return (PUBLISHER,)
    if what == "abuse":
        return (dice.choice((PUBLISHER,) + RELAYS),)
    if what == "kill" and dice.random() < 0.1:
        return (PUBLISHER,) + RELAYS
    return (dice.choice(HOSTS),)


def argument(dice, what, host):
    """What else there is to say about a fault."""
    if what == "drop":
        return dice.choice((2, 3, 5, 10, 20))
    if what == "slow":
        return dice.choice((64, 256, 1024))  # kbit/s
    if what == "deaf":
        return dice.choice([other for other in HOSTS if other != host])
    if what == "lie":
        return "%s %d" % (dice.choice(LIES), dice.randrange(1 << 30))
    if what == "abuse":
        return "%s %d" % (dice.choice(ABUSES), dice.randrange(1 << 30))
    if what in ("kill", "end"):
        return dice.random() < 0.3  # keep a copy of its state
    if what == "raise":
        return dice.random() < 0.5  # with a new online key
    if what == "clock":
        offset = dice.choice(CLOCKS)
        return offset, "lost" if dice.random() < 0.3 and abs(offset) < DAY else "kept"
    return None


def loses_state(action):
    """Does a process begin there without the state that the last one left?"""
    if action.what == "clock":
        return action.argument[1] != "kept"
    return action.what in ("start", "set") and action.argument["state"] != "kept"


def ending(dice, what, host):
    """The action that ends a fault."""
    if what in ("kill", "end", "raise", "clock"):
        state = dice.choices(("kept", "lost", "old"), (6, 2, 2))[0]
        return "set" if what == "clock" else "start", {
            "state": state, "sources": sources(dice, host) if dice.random() < 0.5 else None, "renew": dice.random() < 0.3}
    return {"freeze": "thaw", "lie": "honest", "abuse": "leave"}.get(what, "heal"), None


def round_of(seed, number, possible):
    """The actions of a round, in order. `possible`: which of "process", "network", "lie", "strangers" this machine can do."""
    dice = random.Random("%d round %d" % (seed, number))
    names = [name for name, fault in FAULTS.items() if fault.about in possible]
    weights = [FAULTS[name].weight for name in names]
    actions, busy, step = [], {}, dice.randint(1, 10)
    while step < STEPS - 1:
        what = dice.choices(names, weights)[0]
        fault = FAULTS[what]
        for host in victims(dice, what):
            until = min(step + dice.randint(fault.shortest, fault.longest), STEPS)
            begin, end = argument(dice, what, host), ending(dice, what, host)
            if busy.get((host, fault.about), 0) < step:
                busy[host, fault.about] = until
                actions.append(Action(step, what, host, begin, len(actions) // 2))
                actions.append(Action(until, end[0], host, end[1], len(actions) // 2))
        step += dice.randint(1, 14)
    return sorted(actions, key=lambda action: action.step)
