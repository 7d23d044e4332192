"""
Bulk TCP without offloads: every frame has at most 1,500 bytes of IP, on both sides.

    diatom: a tap with offload=off, so frames are read and written one by one, and we compute their checksums
    Linux: veth with segmentation and receive offloads off (ethtool -K tso off gso off gro off), the same client
    Linux, iperf3: the same veth, iperf3 at both ends

What the kernel still has is its own: TCP hands large segments down to the device, where they are cut
(since 4.17 that can't be switched off), and a veth's checksums are not computed. A program behind a tap pays a
system call a frame, in which the kernel's receiving is done, too: bench/peers/tap-writer.c does nothing else,
and shows that floor.
"""
import json
import os

import tcp
from harness import CORES, Busy, Report, compile_peer, cpu_of, interleave, lib

OFF = ["tso", "off", "gso", "off", "gro", "off"]
WORKLOADS = {"1 flow out": "out", "1 flow in": "in"}


def switch_off(lab, namespace):
    done = lab.run(["ethtool", "-K", "veth0", *OFF], inside=namespace)
    lib.equal(done.code, 0, f"{done.err}ethtool")


def measure_iperf(lab, server_at, client_at, way):
    server = lab.start(["iperf3", "-s", "--forceflush"], inside=server_at, cpu=CORES[0])
    try:
        server.wait_for_text("listening")
        before, busy = cpu_of(server), Busy()
        done = lab.run(["iperf3", "-J", "-c", tcp.ADDRESS, "-t", f"{max(1, tcp.SECONDS):.0f}",
                        *(["-R"] if way == "out" else [])], inside=client_at, cpu=CORES[1],
                       timeout=tcp.SECONDS + 30)
        lib.equal(done.code, 0, f"{done.err}{done.out[-300:]}iperf3")
        received = json.loads(done.out)["end"]["sum_received"]
        gigabits = received["bytes"] * 8 / 1e9
        return {"rate": received["bits_per_second"] / 1e9,
                "cpu": (cpu_of(server) - before) / gigabits * 1e3, "machine": busy.seconds() / gigabits * 1e3}
    finally:
        server.kill()


def run():
    lib.need("ethtool", "iperf3")
    report = Report(
        "tcp_plain", "Bulk TCP without offloads",
        {key: words for key, words in tcp.METRICS.items() if key != "fairness"},
        "1,500-byte frames. One core for the server, one for the client, which is the kernel's in each case. "
        "Linux over veth with tso, gso and gro off, diatom on a tap without offloads.")
    with lib.Lab() as lab:
        image = tcp.build_image(lab)
        client, server = lab.namespace(), lab.namespace()
        lab.veth(client, "10.9.0.1/24", server, f"{tcp.ADDRESS}/24")
        for namespace in (client, server):
            switch_off(lab, namespace)
        jobs = {}
        for workload, way in WORKLOADS.items():
            jobs.update(tcp.jobs_of(lab, image, workload, way, 1, server, client, ",offload=off"))
            jobs[f"Linux with iperf3, {workload}"] = lambda way=way: measure_iperf(lab, server, client, way)
        floor = lab.network()
        jobs["floor: tap writer, 1 flow out"] = lambda: tcp.measure(
            lab, lambda at: lab.start([compile_peer("tap-writer"), "tap0", tcp.ADDRESS], inside=at, cpu=CORES[0]),
            floor, floor, "out", 1)
        for name, runs in interleave(jobs).items():
            report.add(name, runs)
    for workload, factor in (("1 flow out", 0.8), ("1 flow in", 1)):
        ours = report.median(f"diatom process, {workload}")
        for peer in ("Linux", "Linux with iperf3"):
            theirs = report.median(f"{peer}, {workload}")
            report.claim(f"{workload}: process at least {factor} times {peer}", ours, theirs and factor * theirs,
                         at_most=False)
    floor, ours = report.median("floor: tap writer, 1 flow out"), report.median("diatom process, 1 flow out")
    report.claim("1 flow out: process at least 0.8 times the floor", ours, floor and 0.8 * floor, at_most=False)
    for number, workload in enumerate(WORKLOADS):
        report.plot_bars(only=f", {workload}", suffix=f"-{number + 1}")
    return report


if __name__ == "__main__":
    print(run().write())
