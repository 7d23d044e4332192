"""
gdb's side of its remote protocol, by hand, and images that wait for it. A library of gdb.py and
gdb_peer.py.
"""
import atexit
import os
import re
import shutil
import signal
import socket
import tempfile

import lib

KILLED = 128 + signal.SIGKILL
TARGETS = ("vm", "process", "qemu")
_built = {}


def build(lab):
    """test/images/debugged.c, once, in a directory of this process's own."""
    if "debugged" not in _built:
        directory = tempfile.mkdtemp(prefix=f"dt{os.getpid()}.gdb.")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "debugged")
        built = lab.run([lib.DIATOM, "build", "-O0",
                         os.path.join(lib.ROOT, "test/images/debugged.c"), "-o", path], timeout=120)
        lib.equal(built.code, 0, f"{built.err}exit code of diatom build")
        _built["debugged"] = path
    return _built["debugged"]


class Body:
    """A `diatom run --gdb 0` and the port that it waits on."""

    def __init__(self, lab, target, *words, options=()):
        self.run = lab.boot(build(lab), *words, target=target,
                            options=["--gdb", "0", *options])
        self.run.wait_for_text("waiting for gdb on")
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", self.run.err())[1])

    def connect(self):
        return Client(self.port)


class Client:
    """gdb's side of the protocol, by hand."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.got = b""

    def send(self, data):
        self.socket.sendall(data)

    def packet(self, payload):
        payload = payload.encode() if isinstance(payload, str) else payload
        self.send(b"$%s#%02x" % (payload, sum(payload) & 255))

    def read(self):
        """One acknowledgement or packet; its checksum is checked. '' at the end."""
        while True:
            if self.got[:1] in (b"+", b"-"):
                found, self.got = self.got[:1], self.got[1:]
                return found.decode()
            match = re.match(rb"\$([^#]*)#([0-9a-f]{2})", self.got)
            if match:
                self.got = self.got[match.end():]
                lib.equal(sum(match[1]) & 255, int(match[2], 16), "checksum")
                return match[1].decode("latin-1")
            more = self.socket.recv(65536)
            if not more:
                return ""
            self.got += more

    def ask(self, payload):
        """The answer to a packet, its acknowledgement checked."""
        self.packet(payload)
        lib.equal(self.read(), "+", f"the acknowledgement of {payload!r}")
        return self.read()

    def go(self, payload):
        """A packet that lets the body run: there is no answer but the stop."""
        self.packet(payload)
        lib.equal(self.read(), "+", f"the acknowledgement of {payload!r}")

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def is_alive(self):
        return self.ask("?").startswith("T05")
