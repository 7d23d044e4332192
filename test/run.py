#!/usr/bin/python3
"""
Builds what the tests need, runs every test program, and says how it went.

    test/run.py [--soak] [--jobs N] [--build DIR] [PATTERN ...]      (make test, make soak)

A test program is one of
    build/test/unit/NAME, build/test/sim/NAME   C, hosted, under sanitizers
    build/test/fuzz/NAME                        libFuzzer; its corpus is test/corpus/NAME
    test/e2e/NAME.py                            images on this machine, by test/e2e/lib.py
and prints a line "ok NAME", "FAIL NAME: why" or "skip NAME: why" for each test. One that dies,
hangs or prints nothing is a failure under its own name: a test can't be lost. Steps of the build
count as tests too, so that what doesn't compile is a failure and not silence.

Programs run two at a time. Those whose text has a line "Runs alone." (they measure time) run by
themselves, after the others. The last line is always "N passed, N failed, N skipped".
"""
import argparse
import ctypes
import fcntl
import fnmatch
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULT = re.compile(r"^(ok|FAIL|skip) (\S.*)$")
OUTPUT_MAX = 60000  # of a failing program, bytes shown
E2E_LIBRARIES = ("lib.py", "packets.py", "gdb_client.py", "talk.py")  # what stands in test/e2e and is no test

_libc = ctypes.CDLL(None)

E2E_ALSO_GCC = ("boot", "dig", "sleepers")  # run with the images of both compilers


class Program:
    """A test program and what came of it."""

    def __init__(self, name, argv, timeout, is_alone=False, environment=None, is_build=False):
        self.name, self.argv, self.timeout = name, argv, timeout
        self.is_alone, self.is_build = is_alone, is_build
        self.environment = environment or {}
        self.passed, self.failed, self.skipped = [], [], []
        self.output, self.seconds = "", 0.0

    def run(self, runner):
        started = time.monotonic()
        with tempfile.TemporaryFile() as file:
            process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                cwd=ROOT, env=dict(os.environ, **self.environment), start_new_session=True,
                preexec_fn=lambda: _libc.prctl(1, signal.SIGTERM))  # die with the runner
            runner.processes.append(process)
            try:
                code = process.wait(self.timeout)
            except subprocess.TimeoutExpired:
                code = None
            # Also what it left running: its whole session.
            end_session(process)
            runner.processes.remove(process)
            file.seek(0)
            self.output = file.read().decode(errors="replace")
        self.seconds = time.monotonic() - started
        self.judge(code)

    def judge(self, code):
        if not self.is_build:
            for line in self.output.splitlines():
                match = RESULT.match(line)
                if match:
                    {"ok": self.passed, "FAIL": self.failed, "skip": self.skipped}[
                        match[1]].append(match[2])
        if code is None:
            self.failed.append(f"{self.name}: did not end within {self.timeout} s")
        elif code < 0:
            self.failed.append(f"{self.name}: ended by {signal.Signals(-code).name}")
        elif code != 0 and not self.failed:
            self.failed.append(f"{self.name}: exit {code}")
        elif code == 0 and not (self.passed or self.failed or self.skipped):
            self.passed.append(self.name)
            if self.reports_each():
                self.passed.clear()
                self.failed.append(f"{self.name}: printed no result")

    def reports_each(self):
        """False for builds and fuzzers, whose exit code is the result."""
        return not self.is_build and not self.name.startswith("fuzz/")


def end_session(process):
    """Ends the process and all that it started: gently, since an e2e script cleans up on TERM."""
    for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        except PermissionError:
            pass
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        break
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()


class Progress:
    """One moving line on a terminal; one line a program elsewhere. Failures in full, at once."""

    def __init__(self):
        self.is_terminal = sys.stdout.isatty()
        self.lock = threading.Lock()
        self.running, self.done, self.failed, self.total = [], 0, 0, 0
        self.colour = self.is_terminal and "NO_COLOR" not in os.environ

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def show(self):
        if self.is_terminal:
            width = shutil.get_terminal_size().columns - 1
            line = f"[{self.done}/{self.total}] " + (f"{self.failed} FAILED  " if self.failed else "")
            print("\r\033[K" + (line + ", ".join(self.running))[:width], end="", flush=True)

    def clear(self):
        if self.is_terminal:
            print("\r\033[K", end="", flush=True)

    def begin(self, program):
        with self.lock:
            self.running.append(program.name)
            self.show()

    def end(self, program):
        with self.lock:
            self.running.remove(program.name)
            self.done += 1
            self.failed += bool(program.failed)
            self.clear()
            if program.failed:
                print(self.paint(31, f"FAIL {program.name} ({program.seconds:.1f} s)"))
                print(program.output[-OUTPUT_MAX:].rstrip() or "(no output)")
                for failure in program.failed:
                    print(self.paint(31, f"  failed: {failure}"))
                print("", flush=True)
            elif not self.is_terminal:
                skips = f", {len(program.skipped)} skipped" if program.skipped else ""
                print(f"ok   {program.name}: {len(program.passed)} passed{skips} "
                      f"({program.seconds:.1f} s)", flush=True)
            self.show()


class Runner:
    def __init__(self, jobs):
        self.jobs, self.processes, self.programs = jobs, [], []
        self.progress = Progress()

    def run(self, programs):
        """All programs, `jobs` at a time; those that want to be alone afterwards, one by one."""
        self.programs += programs
        self.progress.total += len(programs)
        together = [p for p in programs if not p.is_alone]
        self.run_queue(together, self.jobs)
        self.run_queue([p for p in programs if p.is_alone], 1)

    def run_queue(self, programs, jobs):
        queue, lock = list(programs), threading.Lock()

        def work():
            while True:
                with lock:
                    if not queue:
                        return
                    program = queue.pop(0)
                self.progress.begin(program)
                try:
                    program.run(self)
                except FileNotFoundError:
                    program.failed.append(f"{program.name}: was not built: {program.argv[0]}")
                except OSError as why:  # a full disk, no more processes
                    program.failed.append(f"{program.name}: {why}")
                self.progress.end(program)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)

    def summary(self):
        passed = sum(len(p.passed) for p in self.programs)
        failed = [(p, f) for p in self.programs for f in p.failed]
        skipped = [(p, s) for p in self.programs for s in p.skipped]
        self.progress.clear()
        for program, why in skipped:
            print(f"skip {program.name}: {why}")
        for program, why in failed:
            print(f"FAIL {program.name}: {why}")
        print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped", flush=True)
        return 1 if failed else 0


# What there is to run

def build_steps(options):
    make = [os.environ.get("MAKE", "make"), "--no-print-directory", "-j2",
            f"BUILD={options.build}"]
    steps = [
        ("build/host", ["host"]),
        ("build/images", ["images"]),
        ("build/images-gcc", ["BODY=gcc", "images"]),
        ("build/hosted", ["-k", "hosted"]),
        ("check-layers", ["check-layers"]),
    ]
    # The words of an outer make's command line stand in MAKEFLAGS and would come twice.
    return [Program(name, make + words, 1200, is_build=True, environment={"MAKEFLAGS": ""})
            for name, words in steps]


def fuzzer(path, options, scratch):
    name = os.path.basename(path)
    found = os.path.join(scratch, name)
    crashes = os.path.join(options.build, "test", "crashes")
    os.makedirs(found, exist_ok=True)
    os.makedirs(crashes, exist_ok=True)
    corpus = os.path.join(ROOT, "test", "corpus", name)
    seconds = options.fuzz_seconds
    # New inputs go to the first directory; the committed corpus is only read, but for soak.
    folders = ([corpus] if options.soak and os.path.isdir(corpus) else
               [found] + ([corpus] if os.path.isdir(corpus) else []))
    argv = [path, *folders, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=3000",
            f"-artifact_prefix={crashes}/{name}-", "-print_final_stats=1", "-verbosity=1"]
    return Program(f"fuzz/{name}", argv, seconds + 180)


def script(path, options, images="images"):
    with open(path, errors="replace") as file:
        text = file.read()
    limit = re.search(r"^Takes up to (\d+) s\.$", text, re.MULTILINE)
    seconds = int(limit[1]) if limit else 240
    name = "e2e/" + os.path.basename(path)[:-len(".py")]
    if images != "images":
        name += f" ({images.removeprefix('images-')})"
    return Program(name, ["/usr/bin/python3", path], seconds * (4 if options.soak else 1),
                   is_alone=bool(re.search(r"^Runs alone\.$", text, re.MULTILINE)),
                   environment={"DIATOM_BUILD": os.path.abspath(options.build),
                                "DIATOM_IMAGES": os.path.join(os.path.abspath(options.build), images),
                                "PYTHONDONTWRITEBYTECODE": "1"})


def programs(options, scratch):
    """Everything that the sources promise: what was not built fails by name, instead of missing."""
    environment = {"SIM_SOAK": "1"} if options.soak else {}
    hosted = os.path.join(os.path.abspath(options.build), "test")
    found = []
    for kind, timeout in (("unit", 120), ("sim", 240)):
        for source in sorted(glob.glob(os.path.join(ROOT, "test", kind, "*.c"))):
            name = os.path.basename(source)[:-len(".c")]
            if not name.startswith("sim_"):
                found.append(Program(f"{kind}/{name}", [os.path.join(hosted, kind, name)],
                                     timeout * (15 if options.soak else 1),
                                     environment=environment))
    # e2e scripts mostly wait, fuzzers compute: mixed, both cores stay busy.
    scripts = [script(path, options)
               for path in sorted(glob.glob(os.path.join(ROOT, "test", "e2e", "*.py")))
               if os.path.basename(path) not in E2E_LIBRARIES]
    scripts += [script(os.path.join(ROOT, "test", "e2e", name + ".py"), options, "images-gcc")
                for name in E2E_ALSO_GCC]
    fuzzers = [fuzzer(os.path.join(hosted, "fuzz", os.path.basename(source)[:-len(".c")]), options,
                      scratch)
               for source in sorted(glob.glob(os.path.join(ROOT, "test", "fuzz", "*.c")))]
    while scripts or fuzzers:
        found += scripts[:1] + fuzzers[:1]
        del scripts[:1], fuzzers[:1]
    return found


def wanted(found, patterns):
    return [p for p in found
            if not patterns or any(fnmatch.fnmatch(p.name, f"*{w}*") for w in patterns)]


def main():
    parser = argparse.ArgumentParser(description="Builds and runs the tests.")
    parser.add_argument("--build", default=os.environ.get("BUILD", os.path.join(ROOT, "build")))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--soak", action="store_true", help="fuzz and simulate for long")
    parser.add_argument("--fuzz-seconds", type=int, default=None)
    parser.add_argument("--no-build", action="store_true", help="only run what is built")
    parser.add_argument("patterns", nargs="*", help="names of programs, e.g. unit/timer or dns")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    if options.fuzz_seconds is None:
        options.fuzz_seconds = 600 if options.soak else 10
    patterns = options.patterns + os.environ.get("TESTS", "").split()
    runner = Runner(options.jobs)

    def interrupted(number, unused_frame):
        for process in list(runner.processes):
            end_session(process)
        runner.summary()
        os._exit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)

    if not options.no_build:
        os.makedirs(options.build, exist_ok=True)
        # Runs side by side share the build directory: one builds, the other waits and finds it done.
        with open(os.path.join(options.build, ".test-build"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for step in build_steps(options):
                runner.run([step])
    with tempfile.TemporaryDirectory(prefix=f"dt{os.getpid()}.fuzz.") as scratch:
        chosen = wanted(programs(options, scratch), patterns)
        if not chosen:
            print(f"no test matches {' '.join(patterns)}")
        runner.run(chosen)
    sys.exit(runner.summary() or (0 if chosen else 1))


if __name__ == "__main__":
    main()
