# SPDX-License-Identifier: Apache-2.0
"""What a server does that wants to know who asks: me, with the password se:cret. Of an http.server handler and the headers of
the answer that it will get; true: it may have what it asks for."""
import base64
import hashlib


def basic(handler, headers):
    headers["WWW-Authenticate"] = 'Basic realm="alto"'
    return handler.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:se:cret").decode()


def digest(handler, headers):
    def md5(*parts):
        return hashlib.md5(":".join(parts).encode()).hexdigest()
    headers["WWW-Authenticate"] = 'Digest realm="alto", qop="auth", nonce="n1"'
    said = dict(part.split("=", 1) for part in handler.headers.get("Authorization", "").removeprefix("Digest ").split(", ") if "=" in part)
    said = {name: value.strip('"') for name, value in said.items()}
    if said.get("nonce") != "n1" or said["uri"] != handler.path:
        return False
    return said["response"] == md5(md5("me", "alto", "se:cret"), "n1", said["nc"], said["cnonce"], "auth",
                                   md5(handler.command, handler.path))
