"""
The harness of every benchmark: fair rounds, honest statistics, one form of result.

    report = Report("dns", "DNS queries per second")
    samples = interleave({"ours": measure_ours, "nsd": measure_nsd}, rounds=5, warm_up=1)
    for name, runs in samples.items():           # runs: a list of {metric: value}
        report.add(name, runs)
    report.write()                               # bench/results/dns.json, dns.md, dns.svg

Fair: all subjects are measured in every round, A B C A B C, so that a machine that slows down slows
them all. Each is pinned: servers on CORES[0], clients on CORES[1]. Honest: medians with quartiles,
never the best; a run that fails is shown as failed. CPU time stands beside throughput, measured two
ways, for a server on a veth has part of its work done on the client's core: `cpu_of` counts what
the kernel charges to a process tree, `Busy` what the whole machine did.
"""
import json
import math
import os
import platform
import subprocess
import sys
import time

# Only lib comes from there: its neighbours have the names of our own files.
_e2e = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "test", "e2e")
sys.path.insert(0, _e2e)
sys.dont_write_bytecode = True
import lib  # noqa: E402
sys.path.remove(_e2e)

import svg  # noqa: E402

RESULTS = os.environ.get("BENCH_RESULTS", os.path.join(lib.ROOT, "bench", "results"))
SCRATCH = os.path.join(lib.BUILD, "bench")
_cores = sorted(os.sched_getaffinity(0))
CORES = [int(c) for c in os.environ.get("BENCH_CORES", "").split(",") if c] or \
    [_cores[0], _cores[-1]]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))


# Measuring

def interleave(subjects, rounds=None, warm_up=1):
    """
    Calls each subject's function once a round: {name: [result of each round]}. The first `warm_up`
    rounds are not kept. A subject that raises lib.Failure has the text of it as its result, once.
    """
    kept = {name: [] for name in subjects}
    dead = set()
    for number in range(-warm_up, rounds or ROUNDS):
        for name, measure in subjects.items():
            if name in dead:
                continue
            say(f"  {'warm-up' if number < 0 else f'round {number + 1}'}: {name}")
            try:
                result = measure()
                if number >= 0:
                    kept[name].append(result)
            except (lib.Failure, lib.Skip) as why:
                dead.add(name)
                kept[name] = str(why) or "failed"
                say(f"    {name}: {why}")
    return kept


def say(text):
    print(text, file=sys.stderr, flush=True)


def cpu_of(process):
    """CPU seconds of a process tree so far, to the nanosecond as the scheduler counts it."""
    total = 0
    for pid in process.children():
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
        except OSError:
            pass
    return total / 1e9


class Busy:
    """Seconds that the cores in use were not idle, since this was made."""

    def __init__(self, cores=None):
        self.cores = cores or CORES
        self.start, self.at = self.idle(), time.monotonic()

    def idle(self):
        total = 0
        with open("/proc/stat") as file:
            for line in file:
                fields = line.split()
                if fields[0] in [f"cpu{c}" for c in self.cores]:
                    total += int(fields[4]) + int(fields[5])
        return total / lib.TICKS

    def seconds(self):
        passed = (time.monotonic() - self.at) * len(set(self.cores))
        return max(0.0, passed - (self.idle() - self.start))


def quartiles(values):
    """(lower quartile, median, upper quartile), by linear interpolation."""
    ordered = sorted(values)

    def at(share):
        place = share * (len(ordered) - 1)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
    return at(0.25), at(0.5), at(0.75)


def compile_peer(name, *flags):
    """build/bench/NAME from bench/peers/NAME.c: the small programs that we are measured beside."""
    os.makedirs(SCRATCH, exist_ok=True)
    source = os.path.join(lib.ROOT, "bench", "peers", name + ".c")
    target = os.path.join(SCRATCH, name)
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", source, "-o", target, *flags],
                       check=True)
    return target


# What was measured on

def _first_line(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
        lines = (done.stdout + done.stderr).strip().splitlines()
        return lines[0].strip() if lines else None
    except (OSError, subprocess.TimeoutExpired):
        return None


def _package(name):
    version = _first_line(["dpkg-query", "-W", "-f", "${Version}", name])
    return version if version and "no packages found" not in version else None


def machine():
    """Machine and versions, as a dictionary for the report."""
    with open("/proc/cpuinfo") as file:
        cpu = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    with open("/proc/meminfo") as file:
        memory_kib = int(file.readline().split()[1])
    hypervisor = os.path.exists("/dev/kvm")
    try:
        with open("/sys/devices/system/clocksource/clocksource0/current_clocksource") as file:
            clock = file.read().strip()
    except OSError:
        clock = "unknown"
    is_virtual = any("hypervisor" in line for line in open("/proc/cpuinfo")
                     if line.startswith("flags"))
    modules = [m for m in ("kvm_pvm", "kvm_amd", "kvm_intel") if os.path.exists(f"/sys/module/{m}")]
    return {
        "cpu": f"{cpu[0]}, {len(cpu)} cores",
        "memory_gib": round(memory_kib / 2**20, 1),
        "kernel": platform.release(),
        "virtual_machine": is_virtual,
        "kvm": (", ".join(modules) or "built in") if hypervisor else "none",
        "clock": clock,
        "debian": open("/etc/debian_version").read().strip(),
        "diatom": _first_line(["git", "-C", lib.ROOT, "log", "-1", "--format=%h"]) or "unknown",
        "packages": {p: v for p in ("clang-19", "nsd", "knot", "bind9", "dnsperf", "nginx-light", "wrk", "iperf3",
                                    "qemu-system-x86") if (v := _package(p))},
        "cores": f"servers on {CORES[0]}, clients on {CORES[1]}",
        "date": time.strftime("%Y-%m-%d"),
    }


# Reporting

def number(value):
    """Three significant digits, as a person writes them."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 2 - int(math.floor(math.log10(abs(value)))))
    return f"{round(value, digits):,.{min(digits, 4)}f}"


class Report:
    """One benchmark's result: rows of metrics, each a median with quartiles."""

    def __init__(self, name, title, metrics, conditions=""):
        """metrics: {key: (column title, unit)}; the first is the one that is plotted."""
        self.name, self.title, self.metrics, self.conditions = name, title, metrics, conditions
        self.rows, self.notes, self.plots = [], [], []

    def add(self, row, runs, stated=None):
        """runs: [{metric: value}], or a text that says why there is none. stated: text columns."""
        entry = {"name": row, "metrics": {}, "stated": stated or {}}
        if isinstance(runs, str) or not runs:
            entry["failed"] = (runs or "no result").splitlines()[0][:120]
        else:
            for key in self.metrics:
                values = [run[key] for run in runs if run.get(key) is not None]
                if values:
                    low, middle, high = quartiles(values)
                    entry["metrics"][key] = {"median": middle, "q1": low, "q3": high,
                                             "values": values}
        self.rows.append(entry)
        return entry

    def median(self, row, key=None):
        for entry in self.rows:
            if entry["name"] == row:
                found = entry["metrics"].get(key or next(iter(self.metrics)))
                return found["median"] if found else None
        return None

    def note(self, text):
        self.notes.append(text)

    def claim(self, text, got, limit, at_most=True):
        """A target, and whether this run reached it; said in the table's notes."""
        if got is None or limit is None:
            self.note(f"not measured: {text}")
            return
        is_met = got <= limit if at_most else got >= limit
        self.note(f"{'reached' if is_met else '**missed**'}: {text} "
                  f"(measured {number(got)}, {'at most' if at_most else 'at least'} {number(limit)})")

    def markdown(self):
        head = [""] + [f"{title}, {unit}" if unit else title for title, unit in
                       self.metrics.values()]
        lines = [f"### {self.title}", ""]
        if self.conditions:
            lines += [self.conditions, ""]
        lines += ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
        for row in self.rows:
            cells = [row["name"]]
            if "failed" in row:
                cells += [f"no result: {row['failed']}"] + [""] * (len(self.metrics) - 1)
            else:
                for key in self.metrics:
                    found = row["metrics"].get(key)
                    if not found:
                        cells.append(row["stated"].get(key, "–"))
                    elif found["q1"] == found["q3"]:
                        cells.append(number(found["median"]))
                    else:
                        cells.append(f"**{number(found['median'])}** "
                                     f"({number(found['q1'])}–{number(found['q3'])})")
            lines.append("| " + " | ".join(cells) + " |")
        lines += [""] + [f"- {note}" for note in self.notes]
        return "\n".join(lines).rstrip() + "\n"

    def plot_bars(self, key=None, only=None, suffix=""):
        """Of one metric, of all rows or of those whose name ends with `only` (left out then)."""
        key = key or next(iter(self.metrics))
        title, unit = self.metrics[key]
        bars = [(r["name"].removesuffix(only or ""), *(r["metrics"][key][q] for q in (
            "median", "q1", "q3"))) for r in self.rows
            if key in r["metrics"] and r["name"].endswith(only or "")]
        if bars:
            head = f"{self.title}: {only.strip(', :') if only else title}"
            self.plots.append((self.name + suffix, svg.bars(head, unit, bars)))

    def plot_lines(self, title, unit, x_title, series):
        """series: {name: [(x, median, q1, q3)]}"""
        if any(series.values()):
            self.plots.append((self.name, svg.lines(title, unit, x_title, series)))

    def write(self):
        os.makedirs(RESULTS, exist_ok=True)
        base = os.path.join(RESULTS, self.name)
        with open(base + ".json", "w") as file:
            json.dump({"name": self.name, "title": self.title, "machine": machine(),
                       "conditions": self.conditions, "rows": self.rows, "notes": self.notes},
                      file, indent=1, ensure_ascii=False)
            file.write("\n")
        text = self.markdown()
        for name, picture in self.plots:
            with open(os.path.join(RESULTS, name + ".svg"), "w") as file:
                file.write(picture)
            text += f"\n![{self.title}]({name}.svg)\n"
        with open(base + ".md", "w") as file:
            file.write(text)
        return text
