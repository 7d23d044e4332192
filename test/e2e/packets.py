"""Packets that no honest sender sends, made with scapy, for the scripts beside this file."""
import lib

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


def need_scapy():
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
