"""
A body on a tap, from the network's side: ping, echo, captures, hostile packets, and what it leaves.
"""
import os
import subprocess

import lib
import packets

SOCKET_HELPER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], 7))
for size in (0, 1, 2, 63, 64, 1000, 1472, 1473, 4000, 9000, 40000, 65507):
    data = bytes(i * 7 & 255 for i in range(size))
    s.send(data)
    got = s.recv(65536)
    assert got == data, f"{size} bytes came back as {len(got)}"
print("all sizes")
"""


def echo_sizes(lab, net):
    result = lab.run(["/usr/bin/python3", "-c", SOCKET_HELPER, net.body], inside=net)
    lib.equal((result.code, result.out.strip()), (0, "all sizes"), f"{result.err}echo")


@lib.test_each("vm", "process", "qemu", "q35")
def ping(lab, target):
    lib.need("ping")
    net = lab.network()
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping()
    for size in (0, 56, 1472, 1473, 8000, 65507):
        result = lab.run(["ping", "-c3", "-i0.05", "-W2", "-s", str(size), net.body], inside=net)
        lib.equal(result.code, 0, f"{size} bytes: {result.out}exit")
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def answers_arp(lab, target):
    """Requests and the probe of a host that wants our address (RFC 5227 2.1.1) are answered."""
    lib.need("arping")
    net = lab.network()
    lab.boot("echo", target=target, net=net).wait_for_ping()
    for kind in ([], ["-D"]):
        result = lab.run(["arping", *kind, "-c2", "-w3", "-I", net.tap, net.body], inside=net)
        lib.contains(result.out, "Unicast reply from", f"arping {kind}")


@lib.test_each("vm", "process")
def ping_flood(lab, target):
    """10,000 pings as fast as answers come; none is lost."""
    lib.need("ping")
    net = lab.network()
    lab.boot("echo", target=target, net=net).wait_for_ping()
    result = lab.run(["ping", "-f", "-q", "-c10000", net.body], inside=net, timeout=60)
    lib.contains(result.out, "10000 received", "ping's summary")


@lib.test_each("vm", "process", "qemu", "q35", "qemu-kvm")
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


@lib.test_each("vm", "process", "qemu")
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


@lib.test_each("vm", "process", "qemu")
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


@lib.test_each("vm", "process", "qemu")
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


@lib.test_each("vm", "process", "qemu")
def malformed_packets_to_echo(lab, target):
    packets.need_scapy()
    net = lab.network()
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping()
    packets.send_malformed(lab, net, 7, 1)
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
    result = lab.run(["/usr/bin/python3", "-c", FLOOD, net.body, packets.hardware_address(net), kind,
                      "50000"], inside=net, timeout=90)
    lib.equal(result.code, 0, f"{result.err}exit of the flood")
    body.wait_for_ping(seconds=5)
    echo_sizes(lab, net)
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


lib.main()
