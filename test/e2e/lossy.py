"""
TCP on the worst networks, with the kernel as peer: the relay of test/impair loses, reorders, doubles, damages and
delays, in both directions; what was sent comes back to the last byte.

    kernel, client of tcp-echo === relay === body

What the relay says that it did is part of each test: a network that was kind proves nothing.
"""
import os

import lib

MIB = 1 << 20

CLIENT = r"""
import hashlib, os, socket, sys, threading
size = int(sys.argv[2])
s = socket.create_connection((sys.argv[1], 7), 10)
s.settimeout(20)
data = os.urandom(size)
def write():
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=write).start()
got, total = hashlib.sha256(), 0
while part := s.recv(1 << 16):
    got.update(part)
    total += len(part)
assert total == size, f"{size} bytes came back as {total}"
assert got.digest() == hashlib.sha256(data).digest(), "other bytes came back"
print("well")
"""

# Settings of both directions, bytes to echo, and the relay's counters that must say that it happened.
NETWORKS = {
    "loss": ("delay_ms=2,loss=1", 2 * MIB, ["lost"]),
    "bursts": ("delay_ms=2,burst_begin=0.3,burst_end=30", MIB, ["lost_in_bursts"]),
    "reordering": ("delay_ms=2,reorder=5,reorder_ms=3", MIB, ["reordered"]),
    "jitter": ("delay_ms=1,jitter_ms=4", MIB, ["carried"]),
    "duplication": ("delay_ms=2,duplicate=5", 2 * MIB, ["duplicated"]),
    "corruption": ("delay_ms=2,corrupt=1", MIB, ["corrupted"]),
    "bottleneck": ("delay_ms=5,rate_mbit=20,queue_kib=48", MIB, ["queue_full"]),
    "all_at_once": ("delay_ms=2,jitter_ms=1,loss=1,burst_begin=0.1,burst_end=40,duplicate=1,corrupt=0.5,"
                    "reorder=1,reorder_ms=3", MIB, ["lost", "duplicated", "corrupted", "reordered"]),
}


def echo(lab, bad, size, timeout=25):
    done = lab.run(["/usr/bin/python3", "-c", CLIENT, bad.body, str(size)], inside=bad.near, timeout=timeout)
    lib.equal((done.code, done.out.strip()), (0, "well"), f"{done.err}client")


def boot(bad, target, **options):
    body = bad.boot("tcp-echo", target=target, **options)
    body.wait_for_ping()
    return body


@lib.test_each(*[f"{network} {target}" for network in NETWORKS for target in ("process", "vm")])
def comes_back(lab, case):
    network, target = case.split()
    settings, size, counters = NETWORKS[network]
    bad = lab.bad_network(settings, settings)
    body = boot(bad, target)
    echo(lab, bad, size)
    lib.equal(body.stop(), 0, "exit code")
    done = bad.stop()
    # Not both directions: a sender that hardly fills a bottleneck's queue is no mistake.
    for counter in counters:
        lib.check(done["forth"][counter] + done["back"][counter] > 0, f"nothing was {counter}: {done}")
    lib.equal((done["unsent"], done["odd"]), (0, 0), "frames that the relay couldn't handle")


@lib.test
def black_hole(lab):
    """Long packets of the body vanish, and nobody tells it."""
    bad = lab.bad_network("delay_ms=2", "delay_ms=2,mtu=1300")
    body = boot(bad, "process")
    echo(lab, bad, 100000)
    lib.equal(body.stop(), 0, "exit code")
    lib.check(bad.stop()["back"]["too_long"] > 0, "nothing was too long")


def tshark(lab, capture, wanted):
    done = lab.run(["tshark", "-r", capture, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
                    "-Y", wanted], timeout=60)
    lib.equal(done.code, 0, f"{done.err}tshark")
    return done.out


@lib.test_each("process", "vm")
def clean_link(lab, target):
    """A clean link with a delay, as tshark reads it: nothing malformed, no wrong sum, nothing sent again."""
    lib.need("tshark", "tcpdump")
    bad = lab.bad_network("delay_ms=25", "delay_ms=25")
    capture = os.path.join(lab.directory, "c.pcap")
    # Seen by the kernel's own end: the body's segments as the wire has them.
    tcpdump = lab.start(["tcpdump", "-i", bad.near.tap, "-w", capture, "-U", "-B", "65536", "tcp"],
                        inside=bad.near)
    tcpdump.wait_for_text("listening on")
    body = boot(bad, target)
    echo(lab, bad, 4 * MIB)
    lib.equal(body.stop(), 0, "exit code")
    tcpdump.stop()
    lib.contains(tcpdump.err(), "\n0 packets dropped by kernel", "tcpdump's last words")
    done = bad.stop()
    lib.check(tshark(lab, capture, f"ip.src == {bad.body} and tcp.len == 1448"), "no full segment was seen")
    lib.equal(tshark(lab, capture, f"ip.src == {bad.body} and (tcp.checksum.status != 1 or "
                                   "ip.checksum.status != 1)"), "", "wrong sums")
    lib.equal(tshark(lab, capture, "_ws.malformed or tcp.option.len.invalid"), "", "malformed packets")
    late_ms = max(done[way]["late_us_most"] for way in ("forth", "back")) // 1000
    again = tshark(lab, capture, "tcp.analysis.retransmission or tcp.analysis.out_of_order or "
                                 "tcp.analysis.lost_segment or tcp.analysis.zero_window_probe")
    if again and late_ms > 40:
        lib.skip(f"the machine stood still for {late_ms} ms, which explains what was sent again")
    lib.equal(again, "", "sent again")


lib.main()
