"""
DNS over TCP: queries a second on a few connections, and whole zones by AXFR, beside NSD, Knot and BIND.

    client (core B): dnsperf -m tcp -T1 -c8 -q200; a reader of transfers       server (core A): one worker
    diatom: app/dns on a tap, as process and VM                NSD, Knot, BIND: over veth

A transfer is timed from its query to its last byte, many in a row on one connection; the reader counts bytes,
since reading records in Python would be what is measured. How many bytes a transfer has it learns from a first one,
after which the server falls silent.
"""
import os
import re

import dns
from dns import ADDRESS, ORIGIN, measure, queries_text, start_bind, start_diatom, start_knot, start_nsd, zone_text
from harness import CORES, Report, cpu_of, interleave, lib, say

NAMES = int(os.environ.get("BENCH_NAMES", "10000"))
CLIENT = os.environ.get("BENCH_CLIENT", "-m tcp -T1 -c8 -q200").split()
TRANSFERS = 400

READER = r"""
import socket, struct, sys, time
s = socket.create_connection((sys.argv[1], 53), 10)
name = b"".join(bytes([len(l)]) + l.encode() for l in sys.argv[2].split(".")) + b"\0"
query = struct.pack(">6H", 1, 0, 1, 0, 0, 0) + name + struct.pack(">HH", 252, 1)
query = struct.pack(">H", len(query)) + query
room = bytearray(1 << 20)

def transfer(most):
    s.sendall(query)
    got = 0
    while got < most:
        n = s.recv_into(room)
        assert n > 0, "the stream ended"
        got += n
    return got

s.settimeout(1)
size = 0
try:
    s.sendall(query)
    while True:
        size += len(s.recv(1 << 20))
except TimeoutError:
    pass
assert size > 50 * 1000, f"refused: {size} bytes"
s.settimeout(20)
start = time.monotonic()
for _ in range(int(sys.argv[3])):
    assert transfer(size) == size
print(size, time.monotonic() - start)
"""


def measure_transfers(lab, start, inside, asker):
    server = start(inside)
    try:
        dns.wait_for_answer(lab, server, asker)
        before = cpu_of(server)
        done = lab.run(["/usr/bin/python3", "-c", READER, ADDRESS, ORIGIN, str(TRANSFERS)], inside=asker,
                       cpu=CORES[1], timeout=60)
        if done.code != 0:
            raise lib.Failure(f"the reader: {done.err[-300:]}")
        size, seconds = (float(word) for word in done.out.split())
        records = (NAMES + 4) * TRANSFERS
        return {"rate": records / seconds / 1000, "megabytes": size * TRANSFERS / seconds / 1e6,
                "cpu": (cpu_of(server) - before) / (records + NAMES) * 1e6}
    finally:
        server.kill()


def run():
    report = Report(
        "dns_tcp", "DNS over TCP",
        {"rate": ("queries or records", "k/s"), "cpu": ("server CPU", "µs each"),
         "machine": ("both cores", "µs each"), "latency": ("mean latency", "µs"), "lost": ("lost", ""),
         "megabytes": ("transfer", "MB/s")},
        f"Zone of {NAMES:,} names. One core for the server, one for dnsperf ({' '.join(CLIENT)}) or the reader of "
        "transfers. Peers over veth with one worker, diatom on a tap.")
    with lib.Lab() as lab:
        zone = lab.path("zone", zone_text(NAMES))
        os.chmod(lab.directory, 0o755)
        queries = lab.path("queries", queries_text(NAMES))
        client, server = lab.namespace(), lab.namespace()
        lab.veth(client, "10.9.0.1/24", server, f"{ADDRESS}/24")
        subjects = {"NSD": (start_nsd, server, client), "Knot": (start_knot, server, client),
                    "BIND": (start_bind, server, client)}
        for target in ("VM", "process"):
            net = lab.network()
            subjects = {f"diatom {target}": (
                lambda lab, at, zone, target=target.lower(): start_diatom(lab, at, zone, target), net, net),
                **subjects}
        for what in ("queries", "transfers"):
            say(what)
            jobs = {}
            for name, (start, inside, asker) in subjects.items():
                def begin(at, start=start):
                    return start(lab, at, zone)
                if what == "queries":
                    jobs[name] = lambda begin=begin, inside=inside, asker=asker: measure(
                        lab, begin, inside, asker, queries, CLIENT)
                else:
                    jobs[name] = lambda begin=begin, inside=inside, asker=asker: measure_transfers(
                        lab, begin, inside, asker)
            for name, runs in interleave(jobs).items():
                report.add(f"{name}, {what}", runs)
    for what in ("queries", "transfers"):
        nsd = report.median(f"NSD, {what}")
        for target in ("process", "VM"):
            report.claim(f"{what}: {target} at least as fast as NSD", report.median(f"diatom {target}, {what}"), nsd,
                         at_most=False)
    return report


if __name__ == "__main__":
    print(run().write())
