"""
Networks that are neither taps nor passt: packet sockets on an interface, and inherited descriptors.

    packet:   client 10.8.0.2 --- veth --- veth0 (10.8.0.1 is the host's) + body 10.8.0.3
    fd:       this script === socket pair === body
"""
import os
import signal
import socket
import struct
import subprocess
import time

import lib

TARGETS = ("vm", "process")
OUR_MAC, BODY_MAC = bytes.fromhex("020000000001"), bytes.fromhex("525400123456")
OURS, BODY = "10.9.0.1", "10.9.0.2"


def echo_frame(payload, port=7):
    """An Ethernet frame with a datagram for the body's echo port."""
    udp = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                     socket.inet_aton(OURS), socket.inet_aton(BODY))
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return BODY_MAC + OUR_MAC + b"\x08\x00" + ip + udp


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def arp_reply(request):
    """Who has 10.9.0.1? We."""
    return (request[6:12] + OUR_MAC + bytes.fromhex("08060001080006040002") + OUR_MAC +
            socket.inet_aton(OURS) + request[22:32])


class Station:
    """This script as the body's network: frames by a function each way."""

    def __init__(self, receive, send):
        self.receive, self.send = receive, send

    def echo(self, payload):
        """Sends a datagram to the echo port; the answer's payload."""
        self.send(echo_frame(payload))
        while True:
            frame = self.receive()
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1":
                self.send(arp_reply(frame))
            elif frame[12:14] == b"\x08\x00" and frame[23] == 17:
                return frame[42:]


def receive_exactly(ours, length):
    data = b""
    while len(data) < length:
        part = ours.recv(length - len(data))
        lib.check(part, "the body closed its end")
        data += part
    return data


def station(kind):
    """(station, the body's end)"""
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    ours.settimeout(5)
    if kind != socket.SOCK_STREAM:
        return Station(lambda: ours.recv(70000), ours.send), ours, theirs

    def receive():
        return receive_exactly(ours, *struct.unpack(">I", receive_exactly(ours, 4)))
    return Station(receive, lambda f: ours.sendall(struct.pack(">I", len(f)) + f)), ours, theirs


class Run:
    """`diatom run` with an inherited descriptor; it ends with the `with`."""

    def __init__(self, lab, target, fd, image="echo"):
        if target == "vm":
            lib.need("kvm")
        self.path = lab.path("err")
        with open(self.path, "wb") as err:
            self.popen = subprocess.Popen(
                [lib.DIATOM, "run", "--as", target, "--net",
                 f"fd:{fd},ip={BODY}/24,mac=52:54:00:12:34:56", lib.image(image)],
                stdin=subprocess.DEVNULL, stdout=err, stderr=err, pass_fds=[fd])

    def __enter__(self):
        lib.until(lambda: "up in" in self.err() or self.popen.poll() is not None, 10, "the start")
        return self

    def __exit__(self, *unused):
        self.popen.kill()
        self.popen.wait()

    def err(self):
        with open(self.path) as file:
            return file.read()


KINDS = {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET,
         "datagram": socket.SOCK_DGRAM}


@lib.test_each(*[f"{kind} {target}" for kind in KINDS for target in TARGETS])
def descriptor(lab, how):
    kind, target = how.split()
    network, ours, theirs = station(KINDS[kind])
    with ours, theirs, Run(lab, target, theirs.fileno()) as run:
        theirs.close()
        for size in (0, 1, 18, 1000, 1472):
            payload = bytes(i & 255 for i in range(size))
            lib.equal(network.echo(payload)[:size], payload, f"{size} bytes by {kind}")
        run.popen.send_signal(signal.SIGTERM)
        lib.equal(run.popen.wait(10), 0, f"{run.err()}exit code")


@lib.test_each(*TARGETS)
def stream_in_pieces(lab, target):
    """Frames cut anywhere, and several at once."""
    network, ours, theirs = station(socket.SOCK_STREAM)
    with ours, theirs, Run(lab, target, theirs.fileno()) as run:
        theirs.close()
        network.echo(b"first")
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        frames = [echo_frame(b"%06d" % i) for i in range(200)]
        stream = b"".join(struct.pack(">I", len(f)) + f for f in frames)
        for start in range(0, 400, 7):
            ours.sendall(stream[start:start + 7])
        ours.sendall(stream[406:])
        for i in range(200):
            lib.equal(network.receive()[42:48], b"%06d" % i, "the answer")
        lib.check(run.popen.poll() is None, run.err())


@lib.test_each(*TARGETS)
def stream_that_ends(lab, target):
    """Without its network's other side the run ends, and says so."""
    network, ours, theirs = station(socket.SOCK_STREAM)
    with ours, theirs, Run(lab, target, theirs.fileno()) as run:
        theirs.close()
        network.echo(b"first")
        ours.close()
        lib.equal(run.popen.wait(10), lib.EXIT_HOST_LACKS, "exit code")
        lib.contains(run.err(), "the other side closed", "standard error")


@lib.test_each(*TARGETS)
def messages_that_end(lab, target):
    """A socket that keeps messages apart and closes: nothing more comes, and nobody spins."""
    network, ours, theirs = station(socket.SOCK_SEQPACKET)
    with ours, theirs, Run(lab, target, theirs.fileno()) as run:
        theirs.close()
        network.echo(b"first")
        ours.close()
        lib.check(cpu_growth(run.popen.pid, 0.5) < 0.2, "it spins")
        run.popen.send_signal(signal.SIGTERM)
        lib.equal(run.popen.wait(10), 0, f"{run.err()}exit code")


def cpu_growth(pid, seconds):
    def ticks():
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / lib.TICKS
    before = ticks()
    time.sleep(seconds)
    return ticks() - before


@lib.test
def what_is_no_network(lab):
    """Each other kind of descriptor is refused by name."""
    with open(lab.path("file", "x")) as file, socket.socket() as lonely, \
            open("/dev/null") as null:
        for fd, what in ((file.fileno(), "is a file"), (lonely.fileno(), "not connected"),
                         (null.fileno(), "no tap")):
            with Run(lab, "process", fd) as run:
                lib.equal(run.popen.wait(10), lib.EXIT_HOST_LACKS, "exit code")
                lib.contains(run.err(), what, "standard error")
    result = lab.run([lib.DIATOM, "run", "--net", "fd:77", lib.image("echo")])
    lib.equal(result.code, lib.EXIT_HOST_LACKS, "exit code")
    lib.contains(result.err, "no descriptor 77", "standard error")


INHERIT = """
import fcntl, os, struct, sys
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", sys.argv[1].encode(), int(sys.argv[2], 16)))
os.dup2(fd, 9)
os.execv(sys.argv[3], sys.argv[3:])
"""


@lib.test_each(*[f"{header} {target}" for header in ("plain", "header") for target in TARGETS])
def inherited_tap(lab, how):
    header, target = how.split()
    if target == "vm":
        lib.need("kvm")
    net = lab.network()
    net.ip("link", "del", net.tap)
    net.ip("tuntap", "add", net.tap, "mode", "tap", *(["vnet_hdr"] if header == "header" else []))
    net.ip("addr", "add", f"{net.host}/{net.prefix}", "dev", net.tap)
    net.ip("link", "set", net.tap, "up")
    body = lab.start(["/usr/bin/python3", "-c", INHERIT, net.tap,
                      "5002" if header == "header" else "1002", lib.DIATOM, "run", "--as", target,
                      "--net", f"fd:9,ip={net.body}/24", lib.image("echo")], inside=net)
    body.address = net.body
    body.wait_for_ping()
    result = lab.run(["ping", "-c2", "-i0.1", "-s", "4000", net.body], inside=net)
    lib.equal(result.code, 0, f"{result.out}exit code of ping")
    lib.equal(body.stop(), 0, "exit code")


# Packet sockets

@lib.test_each(*TARGETS)
def packet(lab, target):
    """A station of its own beside the host's; the host's own address goes on working."""
    lib.need("ping", "dig")
    if target == "vm":
        lib.need("kvm")
    ns, other = lab.namespace(), lab.namespace()
    lab.veth(ns, "10.8.0.1/24", other, "10.8.0.2/24")
    body = lab.start([lib.DIATOM, "run", "--as", target, "--net",
                      "eth0=packet:veth0,ip=10.8.0.3/24", lib.image("dns")], inside=ns)
    body.inside = other
    body.wait_for_ping("10.8.0.3")
    for size in (56, 1473, 8000):
        done = lab.run(["ping", "-c2", "-i0.1", "-s", str(size), "10.8.0.3"], inside=other)
        lib.equal(done.code, 0, f"{size} bytes: {done.out}exit code of ping")
    done = lab.run(["dig", "@10.8.0.3", "example.org", "SOA", "+short", "+tries=1"], inside=other)
    lib.contains(done.out, "ns1.example.org.", "dig's answer")
    done = lab.run(["ping", "-c1", "10.8.0.1"], inside=other)
    lib.equal(done.code, 0, f"{done.out}ping of the host")
    lib.equal(body.stop(), 0, "exit code")


# Two broadcasts, one with a VLAN tag.
SEND_TAGGED = """
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("veth0", 0))
start = b"\\xff" * 6 + bytes.fromhex("020000000009")
s.send(start + bytes.fromhex("8100000588b5") + b"of VLAN 5".ljust(50))
s.send(start + bytes.fromhex("88b5") + b"of no VLAN".ljust(50))
"""


@lib.test
def packet_sees_its_own_frames_only(lab):
    """What is for others, and what is tagged for another network, is not captured: it never came."""
    lib.need("ping")
    ns, other = lab.namespace(), lab.namespace()
    lab.veth(ns, "10.8.0.1/24", other, "10.8.0.2/24")
    pcap = lab.path("frames")
    body = lab.start([lib.DIATOM, "run", "--as", "process", "--pcap", pcap, "--net",
                      "eth0=packet:veth0,ip=10.8.0.3/24", lib.image("echo")], inside=ns)
    body.inside = other
    body.wait_for_ping("10.8.0.3")
    lab.run(["ping", "-c3", "-i0.1", "10.8.0.1"], inside=other)
    lab.run(["/usr/bin/python3", "-c", SEND_TAGGED], inside=other)
    body.wait_for_ping("10.8.0.3")
    lib.equal(body.stop(), 0, "exit code")
    destinations = {frame[:6] for frame in captured(pcap)}
    mac = bytes.fromhex(body.err().split("(")[1].split(")")[0].replace(":", ""))
    strangers = [d.hex() for d in destinations
                 if d != mac and not d[0] & 1 and d != frame_mac(other)]
    lib.equal(strangers, [], "destinations of frames that came")
    lib.check(not [frame for frame in captured(pcap) if b"of VLAN 5" in frame],
              "a tagged frame came")
    lib.check([frame for frame in captured(pcap) if b"of no VLAN" in frame], "no other came")


def captured(path):
    """The frames of a pcap file."""
    with open(path, "rb") as file:
        data = file.read()
    at = 24
    while at < len(data):
        stored = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + stored]
        at += 16 + stored


def frame_mac(other):
    """The other station's address: where the body's own frames go."""
    text = other.ip("-brief", "link", "show", "veth0").split()[2]
    return bytes.fromhex(text.replace(":", ""))


# A packet socket as older kernels have it: an offload header of 10 bytes.
INHERIT_PACKETS = """
import os, socket, struct, sys
SOL_PACKET, ADD_MEMBERSHIP, VNET_HDR, IGNORE_OUTGOING = 263, 1, 15, 23
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.setsockopt(SOL_PACKET, VNET_HDR, 1)
s.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
s.bind(("veth0", 3))
s.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, struct.pack("iHH8s", socket.if_nametoindex("veth0"), 1, 0, b""))
os.dup2(s.fileno(), 9)
os.execv(sys.argv[1], sys.argv[1:])
"""


@lib.test_each(*TARGETS)
def inherited_packet_socket(lab, target):
    lib.need("ping")
    if target == "vm":
        lib.need("kvm")
    ns, other = lab.namespace(), lab.namespace()
    lab.veth(ns, "10.8.0.1/24", other, "10.8.0.2/24")
    body = lab.start(["/usr/bin/python3", "-c", INHERIT_PACKETS, lib.DIATOM, "run", "--as", target,
                      "--net", "fd:9,ip=10.8.0.3/24", lib.image("echo")], inside=ns)
    body.inside = other
    body.wait_for_ping("10.8.0.3")
    done = lab.run(["ping", "-c2", "-i0.1", "-s", "1473", "10.8.0.3"], inside=other)
    lib.equal(done.code, 0, f"{done.out}exit code of ping")
    lib.equal(body.stop(), 0, "exit code")


@lib.test
def packet_without_interface(lab):
    lib.need("root")
    result = lab.run([lib.DIATOM, "run", "--net", "packet:nothere", lib.image("echo")])
    lib.equal(result.code, lib.EXIT_HOST_LACKS, "exit code")
    lib.contains(result.err, 'no interface "nothere"', "standard error")


lib.main()
