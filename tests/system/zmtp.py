# SPDX-License-Identifier: Apache-2.0
"""Peers of push endpoints made by hand, byte by byte: what libzmq would never send."""
import socket
import struct

import altotest
from altotest import check

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + bytes(32)
PING = b"\x04\x07\x04PING\x00\x00"


def greeted(peer, kind):
    """Be a socket of that kind to libzmq at the other end."""
    peer.settimeout(20 * altotest.PATIENCE)
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">L", len(kind)) + kind
    peer.sendall(GREETING + b"\x04" + bytes([len(ready)]) + ready)
    got = b""
    while len(got) < 66 or len(got) < 66 + got[65]:
        more = peer.recv(1024)
        check(more, "no greeting")
        got += more
    return peer


def subscribe(topic):
    return b"\x00" + bytes([1 + len(topic)]) + b"\x01" + topic


def send_all_or_be_cut(peer, data):
    """True: it was taken whole."""
    try:
        peer.sendall(data)
        return True
    except OSError:
        return False


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
