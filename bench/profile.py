"""
What being watched costs a body: CPU time of the body's own process (in a VM with the monitor's work for
it), without an observer, with `diatom profile` at 1 kHz, with `diatom trace`.

    compute      a fixed amount of work in functions and fibers: CPU time of all of it
    dns          dnsperf against app/dns, 100 names: CPU time of a query

Profiling should cost at most 5 %. The observer's own work is done by another process, mostly after the
run, and is not in these figures. All rows are interleaved; ratios are of medians.
"""
import os
import subprocess

import dns
from harness import CORES, SCRATCH, Report, cpu_of, interleave, lib

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
WORK = os.environ.get("BENCH_WORK", "150000")
COMMANDS = {"run": [], "profile": ["--hz", "1000"], "trace": ["--size", "64"]}
LIMIT = 1.05


class Body:
    """The process that a command runs the body in: its child, unless nobody watches."""

    def __init__(self, process, command):
        self.process, self.command = process, command

    def children(self):
        return self.process.children()[0 if self.command == "run" else 1:]


def start(lab, command, target, *words, net=None):
    if target == "vm":
        lib.need("kvm")
    output = [] if command == "run" else ["-o", lab.path(f"{command}.out")]
    return lab.start([lib.DIATOM, command, "--as", target, *COMMANDS[command], *output, *words],
                     inside=net, cpu=CORES[0])


def build_compute():
    os.makedirs(SCRATCH, exist_ok=True)
    path = os.path.join(SCRATCH, "observed")
    subprocess.run([lib.DIATOM, "build", os.path.join(lib.ROOT, "test/images/observed.c"), "-o",
                    path], check=True)
    return path


def measure_compute(image, command, target):
    with lib.Lab() as lab:
        process = start(lab, command, target, image, "measured", WORK)
        process.wait_for_text("done", 60)
        used = cpu_of(Body(process, command))
        process.stop()
        return {"cpu": used * 1e6}


def measure_dns(lab, net, zone, queries, command, target):
    process = start(lab, command, target, "--net", f"eth0=tap:{net.tap},ip={net.body}/24", "--file",
                    f"zone={zone}", lib.image("dns"), net=net)
    try:
        dns.wait_for_answer(lab, process, net)
        body = Body(process, command)
        before = cpu_of(body)
        _, completed, _, _ = dns.ask(lab, net, queries)
        return {"cpu": (cpu_of(body) - before) / completed * 1e6}
    finally:
        process.stop()


def targets():
    return ("process", "vm") if lib.has("kvm") else ("process",)


def run():
    report = Report("profile", "Cost of being watched", {
        "cpu": ("CPU time of the body: compute, or a query", "us")},
        "The same work without an observer, profiled at 1,000 samples a second, and traced.")
    image = build_compute()
    jobs = {}
    with lib.Lab() as lab:
        zone = lab.path("zone", dns.zone_text(100))
        queries = lab.path("queries", dns.queries_text(100))
        os.chmod(lab.directory, 0o755)
        for target in targets():
            net = lab.network()
            for command in COMMANDS:
                jobs[f"compute, {target}, {command}"] = (
                    lambda c=command, t=target: measure_compute(image, c, t))
                jobs[f"dns, {target}, {command}"] = (
                    lambda c=command, t=target, net=net: measure_dns(
                        lab, net, zone, queries, c, t))
        for name, runs in interleave(jobs, rounds=ROUNDS).items():
            report.add(name, runs)
    for target in targets():
        for work in ("compute", "dns"):
            plain = report.median(f"{work}, {target}, run")
            for command in ("profile", "trace"):
                watched = report.median(f"{work}, {target}, {command}")
                ratio = watched / plain if watched and plain else None
                text = f"{work}, {target}: {command} costs the body"
                if command == "profile":
                    report.claim(f"{text} at most 5 %", ratio, LIMIT)
                elif ratio:
                    report.note(f"{text} a factor of {ratio:.2f}")
    return report
