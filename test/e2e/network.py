"""
A body on a tap, from the network's side: ping, echo, captures, hostile packets, and what it leaves.
"""
import os
import subprocess

import lib

SOCKET_HELPER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], 7))
for size in (0, 1, 2, 63, 64, 1000, 1472, 1473, 4000, 9000):
    data = bytes(i * 7 & 255 for i in range(size))
    s.send(data)
    got = s.recv(65536)
    assert got == data, f"{size} bytes came back as {len(got)}"
print("all sizes")
"""


def echo_sizes(lab, net):
    result = lab.run(["/usr/bin/python3", "-c", SOCKET_HELPER, net.body], inside=net)
    lib.equal((result.code, result.out.strip()), (0, "all sizes"), f"{result.err}echo")


@lib.test_each("vm", "process")
def ping(lab, target):
    lib.need("ping")
    net = lab.network()
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping()
    for size in (0, 56, 1472, 1473, 8000):
        result = lab.run(["ping", "-c3", "-i0.05", "-W2", "-s", str(size), net.body], inside=net)
        lib.equal(result.code, 0, f"{size} bytes: {result.out}exit")
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def ping_flood(lab, target):
    """10,000 pings as fast as answers come; none is lost."""
    lib.need("ping")
    net = lab.network()
    lab.boot("echo", target=target, net=net).wait_for_ping()
    result = lab.run(["ping", "-f", "-q", "-c10000", net.body], inside=net, timeout=60)
    lib.contains(result.out, "10000 received", "ping's summary")


@lib.test_each("vm", "process")
def echo_of_every_size(lab, target):
    """Up to fragments that the stack puts together again."""
    net = lab.network()
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping()
    echo_sizes(lab, net)
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def closed_port_is_refused(lab, target):
    """A datagram to a port that nobody opened: ICMP port unreachable, seen by the sender."""
    net = lab.network()
    lab.boot("echo", target=target, net=net).wait_for_ping()
    result = lab.run(["/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect(("{net.body}", 9999))
s.send(b"x")
try:
    s.recv(10)
except ConnectionRefusedError:
    print("refused")
"""], inside=net)
    lib.equal(result.out, "refused\n", f"{result.err}outcome")


@lib.test_each("vm", "process")
def capture_is_readable(lab, target):
    """--pcap writes what tcpdump (and tshark) read, both directions, in order."""
    lib.need("tcpdump", "ping")
    net = lab.network()
    os.chmod(lab.directory, 0o777)
    file = lab.path("traffic.pcap")
    body = lab.boot("echo", target=target, net=net, options=["--pcap", file])
    body.wait_for_ping()
    lab.run(["ping", "-c3", "-i0.05", net.body], inside=net)
    lib.equal(body.stop(), 0, "exit code")
    result = lab.run(["tcpdump", "-nn", "-r", file, "icmp"])
    lib.equal(result.code, 0, f"{result.err}tcpdump's exit")
    lib.contains(result.out, f"{net.host} > {net.body}: ICMP echo request")
    lib.contains(result.out, f"{net.body} > {net.host}: ICMP echo reply")
    if lib.has("tshark"):
        result = lab.run(["tshark", "-r", file, "-Y", "icmp.type == 0", "-T", "fields", "-e",
                          "icmp.checksum.status"], environment={"HOME": lab.directory})
        lib.equal(result.code, 0, f"{result.err}tshark's exit")
        lib.check(len(result.out.split()) >= 3, f"tshark saw {result.out!r}")


@lib.test_each("vm", "process")
def nothing_left_behind(lab, target):
    """After the end: no process of its own, and the tap free for the next one."""
    net = lab.network()
    for _ in range(3):
        body = lab.boot("echo", target=target, net=net)
        body.wait_for_ping()
        family = body.children()
        lib.equal(body.stop(), 0, "exit code")
        left = [pid for pid in family if os.path.exists(f"/proc/{pid}")]
        lib.equal(left, [], "processes left")
    pids = subprocess.run(["ip", "netns", "pids", net.name], capture_output=True, text=True).stdout
    lib.equal(pids.strip(), "", "processes left in the namespace")
    lib.check("tap0" in net.ip("link"), "the user's tap is gone")


@lib.test_each("vm", "process")
def nothing_left_after_a_kill(lab, target):
    """Even when diatom itself is killed."""
    net = lab.network()
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping()
    family = body.children()
    body.kill()
    lib.until(lambda: not [p for p in family if os.path.exists(f"/proc/{p}")], 5,
              "all processes gone")
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping()


@lib.test_each("vm", "process")
def two_side_by_side(lab, target):
    """The same image twice, on two networks; one ends, the other doesn't notice."""
    one, two = lab.network(), lab.network("10.9.1.1/24")
    first = lab.boot("echo", target=target, net=one)
    second = lab.boot("echo", target=target, net=two)
    first.wait_for_ping()
    second.wait_for_ping()
    echo_sizes(lab, one)
    lib.equal(first.stop(), 0, "exit code")
    echo_sizes(lab, two)
    lib.equal(second.stop(), 0, "exit code")


# Packets that no honest sender sends

SCAPY = """
import random, sys
from scapy.all import (ARP, DNS, DNSQR, DNSRR, Ether, ICMP, IP, Raw, UDP, IPOption_RR, conf,
                       fragment, sendp)
conf.verb = 0
target, port, hardware, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
random.seed(seed)
noise = lambda n: bytes(random.randrange(256) for _ in range(n))
e = Ether(dst=hardware)
ip = lambda **k: IP(dst=target, **k)
u = UDP(sport=4444, dport=port)
frames = [
    Ether(dst=hardware, type=0x0800) / Raw(b""), Ether(dst=hardware, type=0x0800) / Raw(b"E"),
    Ether(dst=hardware, type=3) / Raw(noise(40)), Raw(noise(5)), Raw(noise(14)),
    e / ip(version=5) / u, e / ip(ihl=0) / u, e / ip(ihl=15) / u, e / ip(len=10) / u,
    e / ip(len=65535) / u, e / ip(chksum=1) / u, e / ip(ttl=0) / u, e / ip(proto=255) / Raw(noise(50)),
    e / ip(options=[IPOption_RR(length=255)]) / u, e / ip(src="255.255.255.255") / u,
    e / ip(src=target) / u, e / ip(src="127.0.0.1") / u, e / ip(src="224.0.0.1") / u,
    e / ip() / UDP(sport=0, dport=port) / b"x", e / ip() / UDP(sport=1, dport=port, len=3) / b"x",
    e / ip() / UDP(sport=1, dport=port, len=65535) / b"x",
    e / ip() / UDP(sport=1, dport=port, chksum=7) / b"x", e / ip(proto=17) / Raw(b"\\0\\1"),
    e / ip(frag=8191, flags="MF") / Raw(noise(1400)), e / ip(frag=8191) / Raw(noise(1400)),
    e / ip(flags="MF") / Raw(noise(7)), e / ip(frag=1, proto=17) / Raw(noise(100)),
    e / ip() / ICMP(type=3, code=3) / Raw(noise(3)), e / ip() / ICMP(type=3, code=4) / ip(ihl=15),
    e / ip() / ICMP(type=5, code=1) / ip() / u, e / ip() / ICMP(type=8, chksum=0) / b"x",
    e / ip() / ICMP(type=255) / Raw(noise(80)), e / ip(proto=1) / Raw(b"\\x08"),
    e / ARP(op=1, pdst=target, psrc="0.0.0.0"), e / ARP(op=2, psrc=target, hwsrc="ff:ff:ff:ff:ff:ff"),
    e / ARP(op=77, hwlen=255, plen=255, pdst=target), e / ARP(op=1, hwtype=9, pdst=target),
]
q = DNSQR(qname="example.org")
dns = [
    DNS(qd=q), DNS(qd=q, qr=1), DNS(qd=q, opcode=15), DNS(qd=None, qdcount=1),
    DNS(qd=q, qdcount=65535), DNS(qd=q, ancount=65535), DNS(qd=q, arcount=9),
    DNS(qd=DNSQR(qname="a" * 63 + "." + "b" * 63)), DNS(qd=DNSQR(qname="x", qtype=0, qclass=0)),
    DNS(qd=DNSQR(qname="x", qtype=65535, qclass=65535)),
    DNS(qd=q, ar=DNSRR(type=41, rdlen=65535)), DNS(qd=q, ar=[DNSRR(type=41), DNSRR(type=41)]),
]
header = lambda qd=1: b"\\x12\\x34\\1\\0" + bytes([0, qd]) + bytes(6)
raw = [
    b"", b"\\0", bytes(11), bytes(12), header(), header() + b"\\xc0\\x0c\\0\\1\\0\\1",
    header() + b"\\xc0\\x0e\\xc0\\x0c\\0\\1\\0\\1", header() + b"\\xc0\\xff\\0\\1\\0\\1",
    header() + b"\\x3f" + b"a" * 10, header() + (b"\\x3f" + b"a" * 63) * 5 + b"\\0\\0\\1\\0\\1",
    header() + b"\\x80a\\0\\0\\1\\0\\1", header() + b"\\x41a\\0\\0\\1\\0\\1",
    header() + b"\\1a" * 127 + b"\\1b\\0\\0\\1\\0\\1", header() + b"\\1a\\0\\0\\1", header(255) + b"\\0",
    noise(1472),
]
frames += [e / ip() / u / d for d in dns] + [e / ip() / u / Raw(r) for r in raw]
good = bytes(e / ip() / u / DNS(qd=q))
for _ in range(300):                     # a good query with a few bytes changed, or cut
    changed = bytearray(good)
    for _ in range(random.randrange(1, 6)):
        changed[random.randrange(12, len(changed))] = random.randrange(256)
    frames.append(Raw(bytes(changed[:random.choice((len(changed), random.randrange(14, len(changed))))])))
for _ in range(50):                      # fragments: missing, overlapping, out of order
    parts = fragment(ip(id=random.randrange(65536)) / u / Raw(noise(3000)), 500)
    random.shuffle(parts)
    frames += [e / p for p in parts[:random.randrange(1, len(parts) + 1)]]
sent = 0
for frame in frames:
    try:
        data = bytes(frame)
    except Exception:                    # scapy can't build it
        continue
    sendp(Raw(data), iface="tap0")
    sent += 1
print(sent)
"""


def scapy_or_skip():
    try:
        import scapy  # noqa: F401
    except ImportError:
        lib.skip("no python3-scapy")


def hardware_address(net):
    for line in net.ip("neigh").splitlines():
        words = line.split()
        if words[0] == net.body and "lladdr" in words:
            return words[words.index("lladdr") + 1]
    raise lib.Failure("the body's hardware address is not known after a ping")


def send_malformed(lab, net, port, seed):
    result = lab.run(["/usr/bin/python3", "-c", SCAPY, net.body, str(port), hardware_address(net),
                      str(seed)], inside=net, timeout=90)
    lib.equal(result.code, 0, f"{result.err[-500:]}scapy's exit")
    lib.check(int(result.out.split()[-1]) > 300, f"sent only {result.out}")


@lib.test_each("vm", "process")
def malformed_packets_to_echo(lab, target):
    scapy_or_skip()
    net = lab.network()
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping()
    send_malformed(lab, net, 7, 1)
    body.wait_for_ping(seconds=3)
    echo_sizes(lab, net)
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


FLOOD = """
import random, socket, struct, sys
random.seed(5)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("tap0", 0))
hardware = bytes.fromhex(sys.argv[2].replace(":", ""))
target = socket.inet_aton(sys.argv[1])
kind, count = sys.argv[3], int(sys.argv[4])
me = bytes.fromhex("02aabbccddee")
def checksum(h):
    total = sum(struct.unpack("!%dH" % (len(h) // 2), h))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff
for i in range(count):
    source = bytes([10, 9, 0, 3 + i % 250]) if kind == "arp" else random.randbytes(4)
    if kind == "arp":
        frame = hardware + me + b"\\x08\\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + \\
            random.randbytes(6) + source + bytes(6) + target
    else:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + 1400, i & 65535, 0x2000 | i % 40 * 175,
                             64, 17, 0, source, target)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        frame = hardware + me + b"\\x08\\0" + header + bytes(1400)
    try:
        s.send(frame)
    except OSError:
        pass
"""


@lib.test_each("arp", "fragments")
def flood_is_bounded(lab, kind):
    """50,000 ARP senders or first fragments without an end, at a VM of 16 MiB: it still answers."""
    net = lab.network()
    body = lab.boot("echo", target="vm", mem=16, net=net)
    body.wait_for_ping()
    result = lab.run(["/usr/bin/python3", "-c", FLOOD, net.body, hardware_address(net), kind,
                      "50000"], inside=net, timeout=90)
    lib.equal(result.code, 0, f"{result.err}exit of the flood")
    body.wait_for_ping(seconds=5)
    echo_sizes(lab, net)
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


lib.main()
