"""
TCP against Linux: echo, bulk both ways, half-close, resets, many connections, TERM. Bad networks: lossy.py.
"""
import os

import lib

CLIENT = r"""
import os, socket, sys, threading
host, what = sys.argv[1], sys.argv[2]

def connect(port=7):
    s = socket.create_connection((host, port), 10)
    s.settimeout(20)
    return s

def read_all(s):
    parts = []
    while part := s.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)

def echo(size):
    data = os.urandom(size)
    s = connect()
    def write():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)      # half-close: the answer still comes
    writer = threading.Thread(target=write)
    writer.start()
    got = read_all(s)
    writer.join()
    assert got == data, f"{size} bytes came back as {len(got)}"
    s.close()

if what == "sizes":
    for size in (0, 1, 100, 1447, 1448, 1449, 65536, 1000000, 20000000):
        echo(size)
elif what == "one":
    echo(int(sys.argv[3]))
elif what == "refused":
    try:
        connect(8)
    except ConnectionRefusedError:
        pass
    else:
        raise SystemExit("port 8 is open")
elif what == "many":
    rounds = [connect() for _ in range(int(sys.argv[3]))]
    for s in rounds:
        s.sendall(b"hello")
    for s in rounds:
        assert s.recv(5) == b"hello"
    for s in rounds:
        s.close()
elif what == "in_turn":
    for i in range(int(sys.argv[3])):
        s = connect()
        s.sendall(b"x%d" % i)
        assert s.recv(100) == b"x%d" % i
        s.close()
elif what == "reset":
    import struct
    for _ in range(100):
        s = connect()
        s.sendall(b"x" * 1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    echo(1000)
elif what == "urgent":
    s = connect()
    s.sendall(b"a")
    s.send(b"b", socket.MSG_OOB)
    s.sendall(b"c")
    s.shutdown(socket.SHUT_WR)
    got = read_all(s)
    assert got == b"abc", got
print("well")
"""

BULK = r"""
import socket, sys, time
s = socket.create_connection((sys.argv[1], 19 if sys.argv[2] == "out" else 9), 10)
buffer, total, start = bytearray(1 << 20), 0, time.monotonic()
chunk = bytes(1 << 20)
while time.monotonic() - start < float(sys.argv[3]):
    if sys.argv[2] == "out":
        n = s.recv_into(buffer)
        assert n > 0 and buffer[0] == 120 and buffer[n - 1] == 120
    else:
        n = s.send(chunk)
    total += n
print(f"{total * 8 / (time.monotonic() - start) / 1e9:.2f} Gbit/s")
"""


def client(lab, net, *args, timeout=60):
    result = lab.run(["/usr/bin/python3", "-c", CLIENT, net.body, *map(str, args)], inside=net,
                     timeout=timeout)
    lib.equal((result.code, result.out.strip()), (0, "well"), f"{args}: {result.err}client")


@lib.test_each("vm", "process")
def echo(lab, target):
    net = lab.network()
    body = lab.boot("tcp-echo", target=target, net=net)
    body.wait_for_ping()
    for what in ("sizes", "refused", "reset", "urgent"):
        client(lab, net, what)
    client(lab, net, "many", 500)
    client(lab, net, "in_turn", 1000)
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def bulk_both_ways(lab, target):
    """A second out of read-only memory, a second in; nothing is sent again without need."""
    net = lab.network()
    body = lab.boot(lib.test_image("tcp_stream"), target=target, net=net)
    body.wait_for_ping()
    for way in ("out", "in"):
        result = lab.run(["/usr/bin/python3", "-c", BULK, net.body, way, "1"], inside=net)
        lib.equal(result.code, 0, f"{way}: {result.err}client")
    lib.equal(body.stop(), 0, "exit code")


@lib.test
def captures_are_well_formed(lab):
    """What we send, as tshark reads it: no malformed packet, no wrong checksum."""
    lib.need("tshark")
    net = lab.network()
    capture = os.path.join(lab.directory, "c.pcap")
    body = lab.boot("tcp-echo", target="process", net=net, options=["--pcap", capture])
    body.wait_for_ping()
    for what in (("one", 100000), ("one", 0), ("reset",), ("refused",)):
        client(lab, net, *what)
    body.stop()
    bad = lab.run(["tshark", "-r", capture, "-o", "ip.check_checksum:TRUE", "-Y", f"ip.src == {net.body} and "
                   "(_ws.malformed or tcp.option.len.invalid or ip.checksum.status == 0)"], timeout=60)
    lib.equal((bad.code, bad.out), (0, ""), f"{bad.err}tshark's complaints")


@lib.test_each("vm", "process", "q35")
def without_offloads(lab, target):
    """offload=off: nothing on the tap, either way, is larger than its MTU or without its checksum."""
    lib.need("tcpdump", "tshark")
    net = lab.network()
    capture = lab.path("c.pcap")
    sniffer = lab.start(["tcpdump", "-i", net.tap, "-B", "65536", "-w", capture, "tcp"], inside=net)
    sniffer.wait_for_text("listening on")
    body = lab.boot("tcp-echo", target=target, net=net, keys=",offload=off")
    body.wait_for_ping()
    client(lab, net, "one", 300000)
    lib.equal(body.stop(), 0, "exit code")
    sniffer.stop()
    checked = ["tshark", "-r", capture, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y"]
    full = lab.run([*checked, "frame.len == 1514"], timeout=60)
    lib.check(len(full.out.splitlines()) >= 200, f"{full.err}full frames: {full.out[-300:]}")
    bad = lab.run([*checked, "frame.len > 1514 or tcp.checksum.status == 0 or ip.checksum.status == 0"],
                  timeout=60)
    lib.equal(bad.out, "", "too large, or a wrong checksum")


lib.main()
