# SPDX-License-Identifier: Apache-2.0
"""Certificates for the system tests, made with openssl: an authority and what it signs, in files of a World."""
import datetime
import pathlib
import subprocess

from altotest import equal

# Of `openssl ca`, which signs for a time in the past, too, in all versions; `openssl x509` does so in none or some.
SETTINGS = """
[ca]
default_ca = this
[this]
database = %s
new_certs_dir = %s
rand_serial = yes
unique_subject = no
policy = names
[names]
commonName = supplied
"""
EXTENSIONS = """
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = %s
"""


class Authority:
    def __init__(self, world, name):
        self.world, self.name = world, name
        self.key, self.cert = world.path(name + ".key"), world.path(name + ".pem")
        self.openssl("req", "-x509", *self.new_key(self.key), "-out", self.cert, "-subj", "/CN=" + name, "-days", "30", "-addext",
                     "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 wants it
        database = self.file(name + ".issued", "")
        self.settings = self.file(name + ".conf", SETTINGS % (database, world.directory(name + ".certificates")))

    def file(self, name, text):
        path = self.world.path(name)
        pathlib.Path(path).write_text(text)
        return path

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
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        start, end = (time.strftime("%Y%m%d%H%M%SZ") for time in (until - datetime.timedelta(days=90), until))
        self.openssl("ca", "-batch", "-config", self.settings, "-cert", self.cert, "-keyfile", self.key, "-md", "sha256",
                     "-startdate", start, "-enddate", end, "-extfile", self.file(name + ".ext", EXTENSIONS % names), "-notext",
                     "-in", request, "-out", fresh)
        pathlib.Path(fresh_key).rename(key)
        pathlib.Path(fresh).rename(cert)
        return cert, key
