# SPDX-License-Identifier: Apache-2.0
"""Certificates for the system tests, made with openssl: an authority and what it signs, in files of a World."""
import pathlib
import subprocess

from altotest import equal


class Authority:
    def __init__(self, world, name):
        self.world, self.name = world, name
        self.key, self.cert = world.path(name + ".key"), world.path(name + ".pem")
        self.openssl("req", "-x509", *self.new_key(self.key), "-out", self.cert, "-subj", "/CN=" + name, "-days", "30", "-addext",
                     "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 wants it

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], capture_output=True)
        equal(done.returncode, 0, "openssl %s (%s)" % (words[0], done.stderr.decode()))

    @staticmethod
    def new_key(path):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]

    def issue(self, name, days=60, names="DNS:localhost,IP:127.0.0.1"):
        """Make name.pem and name.key anew; what is there is replaced at once, as an operator's tool would. days: may be past."""
        cert, key = self.world.path(name + ".pem"), self.world.path(name + ".key")
        fresh, fresh_key, request = (self.world.path(name + end) for end in (".new.pem", ".new.key", ".csr"))
        self.openssl("req", *self.new_key(fresh_key), "-out", request, "-subj", "/CN=" + name)
        extensions = self.world.path(name + ".ext")
        pathlib.Path(extensions).write_text("subjectAltName=" + names)
        self.openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days",
                     str(days), "-extfile", extensions, "-out", fresh)
        pathlib.Path(fresh_key).rename(key)
        pathlib.Path(fresh).rename(cert)
        return cert, key
