#!/usr/bin/python3
"""
The dns image over TCP: dig, pipelines, hostile framing, slow readers, and zones by AXFR, compared record
by record with what BIND's named-checkzone reads in the same file.
"""
import os
import subprocess

import lib

ORIGIN = "example.org"
SERVER = "10.9.0.2"

CLIENT = r"""
import socket, struct, sys, time
what = sys.argv[1]

def connect():
    s = socket.create_connection(("10.9.0.2", 53), 10)
    s.settimeout(15)
    return s

def query(number, kind=6, opt=b""):
    return struct.pack(">6H", number, 0, 1, 0, 0, 1 if opt else 0) + b"\7example\3org\0" + \
        struct.pack(">HH", kind, 1) + opt

def framed(message):
    return struct.pack(">H", len(message)) + message

def read(s, n):
    got = b""
    while len(got) < n:
        part = s.recv(n - len(got))
        assert part, f"the stream ended after {len(got)} of {n} bytes"
        got += part
    return got

def answer(s):
    return read(s, struct.unpack(">H", read(s, 2))[0])

def ends(s):
    try:
        while s.recv(65536):
            pass
    except ConnectionResetError:
        pass

def lives():
    s = connect()
    s.sendall(framed(query(77)))
    assert answer(s)[:2] == b"\0\x4d"

if what == "pipeline":
    s = connect()
    s.sendall(b"".join(framed(query(i)) for i in range(2000)))
    for i in range(2000):
        got = answer(s)
        assert struct.unpack(">H", got[:2])[0] == i and got[3] & 15 == 0
elif what == "dribble":
    s = connect()
    for i in range(3):
        for byte in framed(query(i)):
            s.sendall(bytes([byte]))
            time.sleep(0.002)
        assert answer(s)[:2] == struct.pack(">H", i)
    s.sendall(framed(query(9)))
    s.shutdown(socket.SHUT_WR)              # half-closed: answered all the same, then the end
    assert answer(s)[:2] == b"\0\x09" and s.recv(1) == b""
elif what == "keepalive":
    s = connect()
    s.sendall(framed(query(1, opt=b"\0" + struct.pack(">HHIH", 41, 1232, 0, 4) + b"\0\x0b\0\0")))
    assert answer(s)[-6:] == struct.pack(">HHH", 11, 2, 300)
    s.sendall(framed(query(2, opt=b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0))))
    assert answer(s)[-2:] == b"\0\0"        # not asked for, not told
elif what == "hostile":
    for bad in (b"\0\0", b"\0\x0b" + bytes(11), b"\xff\xff", b"\x20\0" + bytes(100),
                framed(struct.pack(">6H", 1, 0x8000, 1, 0, 0, 0)), framed(query(1))[:-3]):
        s = connect()
        s.sendall(bad)
        if len(bad) > 20 and bad[:2] != b"\x20\0":
            s.shutdown(socket.SHUT_WR)
        ends(s)
        lives()
elif what == "slow_query":
    s = connect()
    start = time.monotonic()
    try:
        for byte in framed(query(1))[:-1] * 3:
            s.sendall(bytes([byte]))
            time.sleep(0.5)
    except (ConnectionResetError, BrokenPipeError):
        pass
    assert time.monotonic() - start < 12, "a dribbled query is waited for"
    lives()
elif what == "many":
    idle = [connect() for _ in range(int(sys.argv[2]))]
    for i in (0, len(idle) // 2, -1):
        idle[i].sendall(framed(query(5)))
        assert answer(idle[i])[:2] == b"\0\5"
    lives()
elif what == "slow_readers":
    slow = []
    for _ in range(100):
        s = connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        try:
            for _ in range(200):
                s.send(b"".join(framed(query(i, 252)) for i in range(20)))
        except (BlockingIOError, ConnectionResetError, BrokenPipeError):
            pass
        slow.append(s)
        if len(slow) % 20 == 0:
            lives()
elif what == "parallel_transfers":
    def zone_bytes(s):
        # To the second SOA: its bytes, or the rcode that refuses it.
        s.sendall(framed(query(1, 252)))
        soas = size = 0
        while soas < 2:
            got = answer(s)
            if got[3] & 15:
                return -(got[3] & 15)
            size += len(got)
            soas += got.count(b"\0\6\0\1")   # type SOA, class IN: nowhere else in this zone
        return size
    import threading
    sizes = [0] * int(sys.argv[2])
    def run(i):
        s = connect()
        while True:
            sizes[i] = zone_bytes(s)
            if sizes[i] != -2:      # SERVFAIL: too many at once; the connection is as good as before
                break
            time.sleep(0.05)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(sizes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(sizes)) == 1 and sizes[0] > 100000, sizes
elif what == "stalled_transfer":
    s = connect()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.sendall(framed(query(1, 252)))
    read(s, 100)
    print("stalled", flush=True)
    time.sleep(60)
"""


def start(lab, target, *words, names=None):
    lib.need("tun", "netns", *(["kvm"] if target == "vm" else []))
    lib.image("dns")
    options = ["--names", str(names)] if names else ["--rich"]
    text = subprocess.run([os.path.join(lib.ROOT, "tools", "make-zone"), "--origin", ORIGIN, *options],
                          check=True, capture_output=True, text=True).stdout
    path = lab.path("served.zone", text)
    net = lab.network()
    body = lab.boot("dns", ORIGIN, *words, target=target, net=net, options=["--file", f"zone={path}"])
    body.wait_for_ping()
    return net, body, path


def ask(lab, net, what, *words, timeout=60):
    result = lab.run(["/usr/bin/python3", lab.path("client.py", CLIENT), what, *words], inside=net,
                     timeout=timeout)
    lib.equal(result.code, 0, f"{what}: {result.err}")


def dig(lab, net, *words):
    return lab.run(["dig", f"@{SERVER}", "+time=5", "+tries=1", *words], inside=net, timeout=60)


def canonical(lab, path):
    """The records of a master file, in one form and order, by BIND's reader."""
    result = lab.run(["named-checkzone", "-i", "none", "-k", "ignore", "-n", "ignore", "-m", "ignore",
                      "-M", "ignore", "-S", "ignore", "-s", "full", "-D", "-o", "-", ORIGIN, path],
                     timeout=60)
    lines = [" ".join(line.split()).lower() for line in result.out.splitlines()
             if line and not line.startswith((";", "zone ", "OK"))]
    lib.check(lines, f"named-checkzone reads {path}: {result.out} {result.err}")
    return sorted(lines)


def transfer(lab, net, kind="AXFR"):
    result = dig(lab, net, "+noall", "+answer", "+onesoa", ORIGIN, kind)
    lib.equal(result.code, 0, f"dig {kind}: {result.out} {result.err}")
    return result.out


@lib.test_each("vm", "process")
def answers_over_tcp(lab, target):
    lib.need("dig")
    net, body, _ = start(lab, target)
    over = dig(lab, net, "+tcp", "+short", ORIGIN, "SOA").out
    lib.check(over and over == dig(lab, net, "+short", ORIGIN, "SOA").out, "TCP answers as UDP does")
    lib.contains(dig(lab, net, ORIGIN, "AXFR").out, "Transfer failed", "AXFR for a stranger")
    for what in ("pipeline", "dribble", "keepalive", "hostile"):
        ask(lab, net, what)
    lib.equal(body.stop(), 0, "exit code after TERM")


@lib.test_each(10, 10000)
def transfers_whole_zones(lab, names):
    lib.need("dig", "named-checkzone")
    net, body, path = start(lab, "process", "allow-transfer=10.9.0.0/24", names=names)
    wanted = canonical(lab, path)
    for kind in ("AXFR", "IXFR=1"):
        got = canonical(lab, lab.path("got.zone", transfer(lab, net, kind)))
        lib.equal(len(got), len(wanted), f"records by {kind}")
        lib.check(got == wanted, f"{kind} differs: {sorted(set(got) ^ set(wanted))[:4]}")
    lib.equal(body.stop(), 0, "exit code after TERM")


@lib.test
def transfers_every_type(lab):
    lib.need("dig", "named-checkzone")
    net, body, path = start(lab, "process", "allow-transfer=10.9.0.1")
    got, wanted = canonical(lab, lab.path("got.zone", transfer(lab, net))), canonical(lab, path)
    lib.check(got == wanted, f"differs: {sorted(set(got) ^ set(wanted))[:4]}")
    lib.contains(dig(lab, net, "other.test", "AXFR").out, "Transfer failed", "a zone of others")
    lib.equal(body.stop(), 0, "exit code after TERM")


@lib.test
def many_transfers_at_once(lab):
    """40, of which 8 run at a time: each client gets the same bytes, at once or when it asks again."""
    net, body, _ = start(lab, "process", "allow-transfer=10.9.0.1", names=10000)
    ask(lab, net, "parallel_transfers", "40")
    lib.equal(body.stop(), 0, "exit code after TERM")


@lib.test
def truncated_answers_are_had_over_tcp(lab):
    """An RRset of 14 kB: dig is told so by TC and asks again over TCP, by itself."""
    lib.need("dig")
    net = lab.network()
    addresses = [f"192.0.{i // 200}.{i % 200}" for i in range(900)]
    zone = lab.path("big.zone", "@ 60 IN SOA ns1 admin 1 2 3 4 5\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.53\n"
                    + "".join(f"big 60 IN A {address}\n" for address in addresses))
    body = lab.boot("dns", ORIGIN, target="process", net=net, options=["--file", f"zone={zone}"])
    body.wait_for_ping()
    cut = dig(lab, net, "+ignore", f"big.{ORIGIN}", "A").out
    lib.contains(cut, " tc", "flags over UDP")
    whole = dig(lab, net, f"big.{ORIGIN}", "A").out
    lib.contains(whole, "retrying in TCP mode", "what dig says")
    lib.equal(sorted(line.split()[4] for line in whole.splitlines() if line.startswith("big.")), sorted(addresses),
              "addresses over TCP")
    lib.equal(body.stop(), 0, "exit code after TERM")


@lib.test
def many_and_slow_clients(lab):
    net, body, _ = start(lab, "process", "allow-transfer=10.9.0.1", names=1000)
    ask(lab, net, "many", "1000")
    ask(lab, net, "slow_query")
    ask(lab, net, "slow_readers")
    lib.check(body.alive(), "the server lives")
    lib.equal(body.stop(), 0, "exit code after TERM")


@lib.test
def ends_during_a_transfer(lab):
    net, body, _ = start(lab, "process", "allow-transfer=10.9.0.1", names=10000)
    client = lab.start(["/usr/bin/python3", lab.path("client.py", CLIENT), "stalled_transfer"], inside=net)
    client.wait_for_text("stalled")
    lib.equal(body.stop(), 0, "exit code after TERM")


lib.main()
