"""
HTTP latency under a constant load: the page of 1 KiB, kept alive, at half of the rate that nginx reaches.

    client (core B): bench/peers/http-load.c          server (core A), as in http.py

First wrk finds nginx's peak on 64 connections, then everybody gets half of that. An open loop: a request's
time runs from when it was due, not from when the client came to sending it, so what a stall makes others
wait is counted (coordinated omission). wrk2 does the same, and is not in Debian.
"""
import os

import http
from harness import CORES, Busy, Report, compile_peer, cpu_of, interleave, lib, number, quartiles

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
CONNECTIONS = 64
PAGE = "/page.html"


def find_peak(lab, start, inside, asker):
    """Requests a second, the median of three."""
    server = start(inside)
    try:
        http.wait_for_answer(lab, server, asker)
        return quartiles([http.ask(lab, asker, PAGE, [f"-c{CONNECTIONS}"])[0] for _ in range(3)])[1]
    finally:
        server.kill()


def measure(lab, start, inside, asker, rate):
    server = start(inside)
    try:
        http.wait_for_answer(lab, server, asker)
        before, busy = cpu_of(server), Busy([CORES[0]])
        asked = lab.run([compile_peer("http-load"), http.ADDRESS, PAGE, f"{rate:.0f}", SECONDS, CONNECTIONS],
                        inside=asker, cpu=CORES[1], timeout=SECONDS + 30)
        lib.equal(asked.code, 0, f"{asked.err}{asked.out}http-load")
        count, errors, *times = (float(word) for word in asked.out.split())
        asked_all = rate * SECONDS  # its warm-up, which it doesn't count, included
        return {**dict(zip(("p50", "p90", "p99", "p999", "max"), times)), "errors": errors,
                "cpu": (cpu_of(server) - before) / asked_all * 1e6,
                "core": busy.seconds() / asked_all * 1e6, "rate": count / (0.9 * SECONDS) / 1e3}
    finally:
        server.kill()


def run():
    lib.need("wrk", "nginx", "curl")
    report = Report(
        "latency", "HTTP latency at half of nginx's peak",
        {"p50": ("p50", "µs"), "p90": ("p90", "µs"), "p99": ("p99", "µs"), "p999": ("p99.9", "µs"),
         "max": ("most", "µs"), "rate": ("answered", "k/s"), "cpu": ("server CPU", "µs a request"),
         "core": ("the server's core", "µs a request"), "errors": ("errors", "")})
    with lib.Lab() as lab:
        os.chmod(lab.directory, 0o755)
        site, source = http.make_site()
        image = http.build_image(lab, source)
        client, server = lab.namespace(), lab.namespace()
        lab.veth(client, "10.9.0.1/24", server, f"{http.ADDRESS}/24")

        def nginx(at):
            return http.start_nginx(lab, at, site)
        peak = find_peak(lab, nginx, server, client)
        report.conditions = (
            f"1 KiB, {CONNECTIONS} connections kept alive, {peak / 2000:.1f} k requests/s: half of what nginx "
            f"reached in this run ({peak / 1000:.1f} k/s), sent at even distances whatever the server does; "
            "times run from when a request was due. One core for the server, one for the client, which spins.")
        jobs = {}
        for target in ("process", "vm"):
            net = lab.network()
            jobs[f"diatom {'VM' if target == 'vm' else 'process'}"] = (
                lambda net=net, target=target: measure(
                    lab, lambda at: http.start_diatom(lab, at, image, target), net, net, peak / 2))
        jobs["nginx"] = lambda: measure(lab, nginx, server, client, peak / 2)
        for name, runs in interleave(jobs).items():
            report.add(name, runs)
    for key, name in (("p50", "median"), ("p99", "p99")):
        ours, theirs = (report.median(who, key) for who in ("diatom process", "nginx"))
        report.claim(f"{name}: process at most nginx's", ours, theirs)
        vm = report.median("diatom VM", key)
        if vm and theirs:
            report.note(f"{name}: VM {number(vm / theirs)} times nginx's (no target)")
    report.plot_bars("p50", suffix="-1")
    report.plot_bars("p99", suffix="-2")
    return report


if __name__ == "__main__":
    print(run().write())
