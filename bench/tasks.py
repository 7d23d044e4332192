"""
Many sleepers: 10^6 tasks and 10^5 fibers that each sleep 0.5–1.5 s and end (creation, the paper's
figure), then 1–4 s (how late each wakes). app/sleepers measures itself, as VM and as process.
"""
import re

from harness import CORES, ROUNDS, Report, interleave, lib

COUNTS = {"tasks": 1000000, "fibers": 100000}
# What other systems reach, from the project's notes: not measured in this run.
NOTE = ("Measured elsewhere on this kind of machine, not in this run: creating 10^6 sleepers takes "
        "Lwt 3.6 s (836 MB), MirageOS on Solo5 spt 2.0 s (568 MB), Go 1.19 4.8 s (1.0 GB); their "
        "wake-ups are late by 558, 1147 and 0.39 ms (median).")


def measure(lab, target, kind):
    done = lab.boot_and_wait("sleepers", kind, str(COUNTS[kind]), target=target, mem=2048,
                             options=["--quiet"], cpu=CORES[0], timeout=60)
    created = re.search(r"create: created \d+ in ([\d.]+) ms, (\d+) ns each, ([\d.]+) MB", done.out)
    late = re.search(r"jitter: late by p50 (\d+) us, p99 (\d+) us, max (\d+) us", done.out)
    if done.code != 0 or not created or not late:
        raise lib.Failure(f"exit {done.code}: {done.out[-200:]} {done.err[-200:]}")
    return {"create": float(created[1]), "each": float(created[2]), "memory": float(created[3]),
            "p50": float(late[1]), "p99": float(late[2]), "max": float(late[3])}


def run():
    report = Report("tasks", "Many sleepers",
                    {"create": ("created in", "ms"), "each": ("each", "ns"), "memory": ("memory", "MB"),
                     "p50": ("late by, median", "µs"), "p99": ("99 %", "µs"),
                     "max": ("most", "µs")})
    with lib.Lab() as lab:
        jobs = {}
        for kind, count in COUNTS.items():
            for target in ("vm", "process"):
                name = f"diatom {'VM' if target == 'vm' else 'process'}, {count:,} {kind}"
                jobs[name] = lambda target=target, kind=kind: measure(lab, target, kind)
        for name, runs in interleave(jobs, rounds=min(ROUNDS, 3), warm_up=0).items():
            report.add(name, runs)
    report.note(NOTE)
    report.plot_bars("each")
    return report


if __name__ == "__main__":
    print(run().write())
