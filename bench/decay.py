"""
Does a server get slower or larger with what it has served?

    repeated        ten runs of wrk, 1 KiB kept alive on 64 connections, against servers that were started
                    once; all servers in turn, so that a machine that gets slower is seen in all of them
    a million       10^6 connections with one request each, in parts of three seconds, process and VM in turn

A result is the median of the last three parts over that of the first three, and the slope of the line through all,
in percent of the median a part; the same for the server's CPU time a request, which a busy machine hurts less. Memory (proportional set size of all processes) is read after the third part, when
all pools have found their size (TIME-WAIT's too), and at the end; and `diatom stats` tells what was refused or lost.
"""
import json
import os

import http
import idle
from harness import Report, cpu_of, lib, quartiles, say

RUNS = 10
CONNECTIONS = int(os.environ.get("BENCH_DECAY_CONNECTIONS", "1000000"))
KEPT = ["-c64"]
CLOSED = ["-c64", "-H", "Connection: close"]
EDGE = 3  # parts at either end
LEAST = 0.97
# Counters that say that something was short; all others may count.
SHORT = ("refused", "refused_limit", "no_buffer", "no_memory", "no_worker", "backlog_full", "died_timeout", "ring_full")


class Subject:
    """A server that stays, and what each part measured."""

    def __init__(self, lab, name, server, asker, run_name=None):
        self.lab, self.name, self.server, self.asker = lab, name, server, asker
        self.run_name = run_name
        self.rates, self.costs, self.memory, self.requests, self.errors = [], [], [], 0, 0

    def part(self, options, seconds):
        before = cpu_of(self.server)
        rate, count, errors, *_ = http.ask(self.lab, self.asker, "/page.html", options, seconds)
        self.rates.append(rate / 1000)
        self.costs.append((cpu_of(self.server) - before) / count * 1e6)
        self.memory.append(idle.user_bytes(self.server) / 1e6)
        self.requests += count
        self.errors += errors

    def counters(self):
        done = self.lab.run([lib.DIATOM, "stats", "--json", self.run_name])
        lib.equal(done.code, 0, f"{done.err}diatom stats")
        return json.loads(done.out)

    def result(self):
        middle = quartiles(self.rates)[1]
        settled = self.memory[min(EDGE, len(self.memory)) - 1]
        return {"rate": middle, "ratio": growth(self.rates), "cost": growth(self.costs),
                "slope": slope(self.rates) / middle * 100, "requests": self.requests / 1e6,
                "settled": settled, "memory": self.memory[-1], "errors": self.errors}


def growth(values):
    """The end over the start."""
    return quartiles(values[-EDGE:])[1] / quartiles(values[:EDGE])[1]


def slope(values):
    """Of the line of least squares, a step."""
    n, mean = len(values), sum(values) / len(values)
    away = [i - (n - 1) / 2 for i in range(n)]
    return sum(a * (v - mean) for a, v in zip(away, values)) / sum(a * a for a in away)


def short_of(counters):
    """{counter: value} of those that should have stayed zero."""
    return {name: value for name, value in counters.items() if value > 0 and name.endswith(SHORT)}


def start_all(lab, image, site=None):
    """The subjects, each with a server that answers; nginx too if there is a site for it."""
    subjects = []
    for target in ("process", "vm"):
        net, run_name = lab.network(), f"decay{os.getpid()}{target}{len(lab.namespaces)}"
        server = http.start_diatom(lab, net, image, target, ["--name", run_name])
        subjects.append(Subject(lab, f"diatom {'VM' if target == 'vm' else 'process'}", server, net, run_name))
    if site:
        client, inside = lab.namespace(), lab.namespace()
        lab.veth(client, "10.9.0.1/24", inside, f"{http.ADDRESS}/24")
        subjects.append(Subject(lab, "nginx", http.start_nginx(lab, inside, site), client))
    for subject in subjects:
        http.wait_for_answer(lab, subject.server, subject.asker)
    return subjects


def end_all(subjects):
    """What ours were short of, by subject; and all of them ended."""
    short = {s.name: short_of(s.counters()) for s in subjects if s.run_name}
    for subject in subjects:
        subject.server.stop()
    return short


def repeat(lab, image, site):
    subjects = start_all(lab, image, site)
    for number in range(RUNS):
        say(f"  run {number + 1} of {RUNS}")
        for subject in subjects:
            subject.part(KEPT, 1)
    return subjects, end_all(subjects)


def wants_more(subject):
    return subject.requests < CONNECTIONS or len(subject.rates) < 2 * EDGE


def serve_a_million(lab, image):
    subjects = start_all(lab, image)
    while any(wants_more(s) for s in subjects):
        for subject in subjects:
            if wants_more(subject):
                subject.part(CLOSED, 3)
                say(f"  {subject.name}: {subject.requests:,} connections")
    return subjects, end_all(subjects)


def run():
    lib.need("wrk", "nginx", "curl", "root")
    report = Report(
        "decay", "After much work",
        {"ratio": ("rate at the end over that at the start", ""), "cost": ("CPU a request, the same", ""),
         "slope": ("slope", "% a part"),
         "rate": ("requests", "k/s"), "requests": ("served", "millions"),
         "settled": ("memory after three parts", "MB"), "memory": ("at the end", "MB"), "errors": ("errors", "")},
        f"Ten runs of wrk (a second each) against the same servers, in turn; then {CONNECTIONS:,} connections with a "
        "request each. At the end, at the start: medians of three parts.")
    with lib.Lab() as lab:
        os.chmod(lab.directory, 0o755)
        os.environ["DIATOM_STATE"] = lab.path("state")
        try:
            site, source = http.make_site()
            image = http.build_image(lab, source)
            for what, (subjects, short) in (("ten runs", repeat(lab, image, site)),
                                            ("a connection each", serve_a_million(lab, image))):
                judge(report, what, subjects, short)
        finally:
            del os.environ["DIATOM_STATE"]
    return report


def judge(report, what, subjects, short):
    for subject in subjects:
        name = f"{subject.name}, {what}"
        report.add(name, [subject.result()])
        if subject.run_name:
            report.claim(f"{name}: at least {LEAST} of the rate at the start", report.median(name), LEAST,
                         at_most=False)
            report.claim(f"{name}: CPU a request at most {1 / LEAST:.3f} times that at the start",
                         report.median(name, "cost"), 1 / LEAST)
            settled, memory = (report.median(name, key) for key in ("settled", "memory"))
            report.claim(f"{name}: memory stays (MB)", memory, 1.02 * settled)
            report.claim(f"{name}: short of nothing {short[subject.name] or ''}", len(short[subject.name]), 0)


if __name__ == "__main__":
    print(run().write())
