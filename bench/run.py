#!/usr/bin/python3
"""
Runs the benchmarks and writes bench/results/: JSON, Markdown and SVG of each, and README.md of all.

    bench/run.py [TOPIC ...]     make bench; topics are named in ALL, and without one all are run

BENCH_ROUNDS (5), BENCH_CORES ("0,1": server, client), BENCH_SECONDS, BENCH_ZONES, BENCH_RESULTS
change how. Nothing else should run on the machine meanwhile.
"""
import importlib
import os
import sys

import harness
from harness import lib, say

ALL = ["size", "boot", "qemu", "roundtrip", "dns", "dns_tcp", "tcp", "loss", "http", "latency", "idle",
       "decay", "flood", "tasks", "profile", "tcp_plain"]


def write_readme():
    """README.md: the machine, then each result that there is, in order."""
    facts = harness.machine()
    packages = ", ".join(f"{name} {version}" for name, version in facts.pop("packages").items())
    lines = ["# Results", "", "Written by `make bench`; medians (quartiles) of interleaved rounds.",
             "", "| machine | |", "|---|---|"]
    lines += [f"| {key.replace('_', ' ')} | {value} |" for key, value in facts.items()]
    lines += [f"| packages | {packages} |", ""]
    for name in ALL:
        path = os.path.join(harness.RESULTS, name + ".md")
        if os.path.exists(path):
            with open(path) as file:
                lines += [file.read().replace("### ", "## ", 1), ""]
    with open(os.path.join(harness.RESULTS, "README.md"), "w") as file:
        file.write("\n".join(lines).rstrip() + "\n")


def main():
    lib.end_cleanly_on_signals()
    names = sys.argv[1:] or ALL
    unknown = set(names) - set(ALL)
    if unknown:
        sys.exit(f"no benchmark {' '.join(sorted(unknown))}; there are {' '.join(ALL)}")
    for name in names:
        say(f"== {name}")
        print(importlib.import_module(name).run().write(), flush=True)
    write_readme()
    say(f"written to {os.path.relpath(harness.RESULTS, lib.ROOT)}/")


if __name__ == "__main__":
    main()
