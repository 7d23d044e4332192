"""
What good clients keep while a flood fills half the link.

    wrk -t1, flood (core B)  ---- tap ----  app/web's program (core A), as process and VM

A tap has no wire's rate. The link's is what the sender alone brings to the body in a second, as fast as it can, in
60-byte frames of the flood's kind, which the body reads and answers or refuses; it is measured anew in each
round, right before, so that a machine that slows down slows flood and clients alike. The flood is half of that,
frames that the tap's queue has no room for included, and those are shown: SYNs to the listening port, ACKs of no
connection, UDP to no socket, from 65536 addresses behind a gateway, four times what may be half-open, so that most
SYNs are answered with cookies. In the quiet rounds the same sender floods a veth that leads nowhere as fast as
the SYNs would come, so that it takes as much of wrk's core.
"""
import json
import os
import time

import http as web
from harness import CORES, Report, compile_peer, cpu_of, interleave, lib

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
LINK_SECONDS = 0.5
KINDS = {"SYN": "syn", "ACK": "ack", "UDP": "udp"}
WORKLOADS = {
    "keep-alive": ("/page.html", ["-c64"]),
    "a connection each": ("/page.html", ["-c64", "-H", "Connection: close"]),
}


def hardware_address(net):
    for line in net.ip("neigh").splitlines():
        words = line.split()
        if words[0] == net.body and "lladdr" in words:
            return words[words.index("lladdr") + 1]
    raise lib.Failure("the body's hardware address is not known")


def flooder(kind, rate, seconds, interface, net):
    port = "9" if kind == "udp" else "80"
    return [compile_peer("flood"), interface, kind, f"{rate:.0f}", f"{seconds:.1f}",
            hardware_address(net), net.body, port]


def counted(net):
    """Frames that the tap has handed to the body, and those that its queue had no room for."""
    link = json.loads(net.ip("-s", "-j", "link", "show", net.tap))[0]
    return link["stats64"]["tx"]["packets"], link["stats64"]["tx"]["dropped"]


def link_rate(lab, start, net, kind):
    """Frames a second that come through when the sender does nothing else."""
    server = start(net)
    try:
        web.wait_for_answer(lab, server, net)
        before = counted(net)[0]
        sent = lab.run(flooder(kind, 0, LINK_SECONDS, net.tap, net), inside=net, cpu=CORES[1])
        lib.equal(sent.code, 0, f"{sent.err}flood")
        return (counted(net)[0] - before) / LINK_SECONDS
    finally:
        server.kill()


def measure(lab, start, net, kind, workload, is_quiet):
    path, options = WORKLOADS[workload]
    rate = link_rate(lab, start, net, kind) / 2
    server = start(net)
    try:
        web.wait_for_answer(lab, server, net)
        sender = lab.start(flooder(kind, rate, SECONDS + 1, "veth0" if is_quiet else net.tap, net),
                           inside=net, cpu=CORES[1])
        time.sleep(0.2)
        before, then, began = cpu_of(server), counted(net), time.monotonic()
        got, count, errors, _, p99 = web.ask(lab, net, path, options)
        taken = (time.monotonic() - began) * 1000
        frames, lost = (after - earlier for after, earlier in zip(counted(net), then))
        cpu = cpu_of(server) - before
        lib.equal(sender.wait(), 0, f"{sender.err()}flood")
        flood = 0 if is_quiet else int(sender.out()) / (SECONDS + 1) / 1000
        return {"rate": got / 1000, "flood": flood, "frames": frames / taken, "lost": lost / taken,
                "cpu": cpu / count * 1e6, "p99": p99, "errors": errors}
    finally:
        server.kill()


def run():
    lib.need("wrk", "curl")
    report = Report(
        "flood", "Requests per second during a flood",
        {"rate": ("requests", "k/s"), "flood": ("flood", "k/s"), "frames": ("frames to the body", "k/s"),
         "lost": ("frames lost at the tap", "k/s"),
         "cpu": ("server CPU", "µs a request"), "p99": ("p99", "µs"), "errors": ("errors", "")},
        "A page of 1 KiB from app/web, wrk with 64 connections. The flood is half of what the body "
        "takes of such frames when it does nothing else.")
    ratios = {}
    with lib.Lab() as lab:
        os.chmod(lab.directory, 0o755)
        _, source = web.make_site()
        image = web.build_image(lab, source)
        jobs = {}
        for target in ("process", "vm"):
            name = "VM" if target == "vm" else "process"
            net, sink = lab.network(), lab.namespace()
            lab.veth(net, "10.8.0.1/24", sink, "10.8.0.2/24")

            def start(at, target=target):
                return lab.boot(image, target=target, net=at, cpu=CORES[0], mem=256,
                                ip=f"{at.body}/{at.prefix},gw={at.host}", options=["--log", "warning"])
            for kind, code in KINDS.items():
                for workload in WORKLOADS:
                    if workload != "keep-alive" and kind != "SYN":
                        continue
                    for is_quiet in (True, False):
                        row = f"{name}, {workload}, {'no flood' if is_quiet else kind}"
                        if row in jobs:
                            continue
                        jobs[row] = (lambda start=start, net=net, code=code, workload=workload,
                                     is_quiet=is_quiet: measure(lab, start, net, code, workload, is_quiet))
                    ratios[f"{name}, {workload}, {kind}"] = f"{name}, {workload}, no flood"
        for row, runs in interleave(jobs).items():
            report.add(row, runs)
    for flooded, quiet in ratios.items():
        base = report.median(quiet)
        report.claim(f"{flooded}: at least 0.7 times as without", report.median(flooded),
                     base and 0.7 * base, at_most=False)
    return report


if __name__ == "__main__":
    print(run().write())
