"""
The DNS appliance asked by real clients, as a VM (8 MiB too), as a process and in QEMU. What it answers is
compared with other servers field by field elsewhere; here it is that it answers, goes on answering
under load and malformed packets, and ends when asked.
"""
import os
import re

import lib
import packets

SMALLEST_MIB = 8
ORIGIN = "example.org"


def dig(lab, net, *words):
    return lab.run(["dig", "+norecurse", "+tries=2", "+time=1", f"@{net.body}", *words], inside=net)


def status_of(result):
    match = re.search(r"status: (\w+)", result.out)
    return match[1] if match else f"no answer: {result.out[-300:]}"


def serve(lab, target, **options):
    lib.need("dig")
    net = lab.network()
    body = lab.boot("dns", target=target, net=net, **options)
    body.wait_for_ping()
    return net, body


def is_answering(lab, net):
    result = dig(lab, net, ORIGIN, "SOA")
    lib.equal(status_of(result), "NOERROR", "status")
    lib.check(re.search(r"flags: [a-z ]*\baa\b", result.out), f"not authoritative: {result.out}")
    lib.contains(result.out, "\tSOA\t", "answer")


@lib.test_each("vm", "process", "qemu", "q35", "qemu-kvm")
def answers(lab, target):
    net, body = serve(lab, target)
    is_answering(lab, net)
    lib.equal(status_of(dig(lab, net, "does-not-exist." + ORIGIN, "A")), "NXDOMAIN", "status")
    lib.equal(status_of(dig(lab, net, ORIGIN, "TYPE4711")), "NOERROR", "status of NODATA")
    lib.equal(status_of(dig(lab, net, "elsewhere.test", "A")), "REFUSED", "status")
    lib.equal(status_of(dig(lab, net, "+noedns", ORIGIN, "NS")), "NOERROR", "status without EDNS")
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test
def serves_in_8_mib(lab):
    net, body = serve(lab, "vm", mem=SMALLEST_MIB)
    is_answering(lab, net)
    lib.contains(body.err(), f"{SMALLEST_MIB} MiB", "boot line")
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test_each("vm", "process")
def load_loses_nothing(lab, target):
    """dnsperf as fast as it gets for two seconds: every query answered, in 8 MiB."""
    lib.need("dnsperf")
    net, body = serve(lab, target, mem=SMALLEST_MIB if target == "vm" else None)
    queries = lab.path("queries", f"{ORIGIN} SOA\n{ORIGIN} NS\nwww.{ORIGIN} A\nnone.{ORIGIN} A\n")
    result = lab.run(["dnsperf", "-s", net.body, "-d", queries, "-T1", "-c2", "-q50", "-l2"],
                     inside=net)
    lost = re.search(r"Queries lost:\s+(\d+)", result.out)
    done = re.search(r"Queries completed:\s+(\d+)", result.out)
    lib.check(lost and done, f"dnsperf said {result.out} {result.err}")
    lib.equal(int(lost[1]), 0, f"of {done[1]} queries, the number lost")
    lib.check(int(done[1]) > 1000, f"only {done[1]} queries in two seconds")
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test_each("vm", "process")
def malformed_queries(lab, target):
    """Broken frames, datagrams and messages by the hundred; dig still gets its answer."""
    packets.need_scapy()
    net, body = serve(lab, target)
    for seed in (2, 3):
        packets.send_malformed(lab, net, 53, seed)
        is_answering(lab, net)
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test_each("vm", "process", "qemu", "q35")
def zone_handed_over(lab, target):
    """--file: another zone than the one compiled in."""
    zone = lab.path("other.zone", f"""$ORIGIN {ORIGIN}.
$TTL 60
@ IN SOA ns1 admin 7 2 3 4 5
@ IN NS ns1
ns1 IN A 192.0.2.53
handed-over IN A 192.0.2.77
""")
    os.chmod(lab.directory, 0o755)
    net, body = serve(lab, target, options=["--file", f"zone={zone}"])
    result = dig(lab, net, "+short", "handed-over." + ORIGIN, "A")
    lib.equal(result.out, "192.0.2.77\n", f"{body.err()}answer")
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test_each("vm", "process")
def broken_zone_is_named(lab, target):
    """An error on line 5: file or zone, line and column are named, and nothing is served."""
    zone = lab.path("broken.zone", f"""$ORIGIN {ORIGIN}.
$TTL 60
@ IN SOA ns1 admin 7 2 3 4 5
@ IN NS ns1
ns1 IN A 192.0.2.530
""")
    os.chmod(lab.directory, 0o755)
    net = lab.network()
    result = lab.boot_and_wait("dns", target=target, net=net, options=["--file", f"zone={zone}"])
    lib.equal(result.code, 1, f"{result.err}exit code")
    lib.check(re.search(r"\b5\b", result.out + result.err), f"no line 5: {result.out}{result.err}")


lib.main()
