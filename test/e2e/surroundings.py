"""
`diatom run` in unfriendly surroundings: output that nobody reads, descriptors that are closed,
signals that are blocked, a terminal, stops in the middle. Whatever they are, --timeout and a second
INT end it, the body's output goes to standard output or nowhere, and nothing is lost on the way.

    parent ---- closed, blocked, ignored, non-blocking ----> diatom run ---- full pipe, terminal ---->
"""
import fcntl
import os
import pty
import signal
import subprocess
import time

import lib

TARGETS = ("vm", "process")


class Run:
    """A `diatom run` with surroundings of the test's choice; it ends with the `with`."""

    def __init__(self, lab, target, how, options=(), prepare=None, stdout=subprocess.PIPE,
                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **more):
        if target == "vm":
            lib.need("kvm")
        self.popen = subprocess.Popen(
            [lib.DIATOM, "run", "--as", target, *options, lib.test_image("stubborn"), how], stdin=stdin,
            stdout=stdout, stderr=stderr, preexec_fn=prepare, **more)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.popen.kill()
        self.popen.wait()
        for stream in (self.popen.stdout, self.popen.stderr):
            if stream is not None:
                stream.close()

    def signal(self, number):
        self.popen.send_signal(number)

    def code(self, seconds=10):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise lib.Failure(f"it did not end within {seconds} s") from None


def interrupt_twice(run):
    for _ in range(2):
        time.sleep(0.3)
        run.signal(signal.SIGINT)


@lib.test_each(*TARGETS)
def timeout_with_full_pipe(lab, target):
    with Run(lab, target, "print", ["--timeout", "0.5"]) as run:
        lib.equal(run.code(), lib.EXIT_TIMED_OUT, "exit code")
        lib.contains(run.popen.stderr.read().decode(), "time is up", "standard error")


@lib.test_each(*TARGETS)
def second_int_with_full_pipe(lab, target):
    with Run(lab, target, "print") as run:
        interrupt_twice(run)
        lib.equal(run.code(), 128 + signal.SIGINT, "exit code")


@lib.test_each(*TARGETS)
def timeout_while_stopped(lab, target):
    with Run(lab, target, "compute", ["--timeout", "0.5"]) as run:
        run.signal(signal.SIGSTOP)
        time.sleep(0.7)
        run.signal(signal.SIGCONT)
        lib.equal(run.code(), lib.EXIT_TIMED_OUT, "exit code")


@lib.test_each(*TARGETS)
def reader_that_left(lab, target):
    """No death by PIPE: the body goes on, its output goes nowhere."""
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        with Run(lab, target, "once", stdout=theirs) as run:
            lib.equal(run.code(), 0, "exit code")
    finally:
        os.close(theirs)


@lib.test_each(*TARGETS)
def non_blocking_output(lab, target):
    """Somebody else made the pipe non-blocking: all bytes still arrive."""
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETFL, os.O_NONBLOCK)
    with Run(lab, target, "once", stdout=theirs) as run, os.fdopen(ours, "rb") as reader:
        os.close(theirs)
        time.sleep(0.2)
        lib.equal(len(reader.read()), 1 << 20, "bytes that arrived")
        lib.equal(run.code(), 0, "exit code")


@lib.test_each(*TARGETS)
def blocked_signals(lab, target):
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    with Run(lab, target, "compute", ["--timeout", "0.5"], prepare=block) as run:
        lib.equal(run.code(), lib.EXIT_TIMED_OUT, "exit code")
    with Run(lab, target, "compute", prepare=block) as run:
        interrupt_twice(run)
        lib.equal(run.code(), 128 + signal.SIGINT, "exit code")


@lib.test_each(*TARGETS)
def closed_descriptors(lab, target):
    """With 0 to 2 closed, the capture file must not become one of them and get the console."""
    net = lab.network()
    pcap = lab.path("frames")
    code = subprocess.run(
        ["ip", "netns", "exec", net.name, "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", lib.DIATOM,
         "run", "--as", target, "--timeout", "0.5", "--pcap", pcap, "--net",
         f"eth0=tap:{net.tap},ip={net.body}/{net.prefix}", lib.image("echo")], timeout=20).returncode
    lib.equal(code, lib.EXIT_TIMED_OUT, "exit code")
    with open(pcap, "rb") as file:
        content = file.read()
    lib.check(b"10.9.0" not in content and content[:4] == b"\x4d\x3c\xb2\xa1",
              f"the capture has more than frames: {content[:200]}")


@lib.test_each(*TARGETS)
def terminal_is_not_read(lab, target):
    """A terminal is open for reading too; what the user types is not the body's."""
    ours, theirs = pty.openpty()
    try:
        with Run(lab, target, "compute", stdin=theirs, stdout=theirs, stderr=theirs) as run:
            lib.contains(os.read(ours, 200).decode(), "up in", "the terminal")
            # A child of ours that is not dumpable: as root, its files can be looked at all the same.
            for fd in ("1", "2"):
                with open(f"/proc/{run.popen.pid}/fdinfo/{fd}") as file:
                    flags = next(int(line.split()[1], 8) for line in file if "flags" in line)
                lib.equal(flags & os.O_ACCMODE, os.O_WRONLY, f"access mode of descriptor {fd}")
            lib.check(not os.path.lexists(f"/proc/{run.popen.pid}/fd/0"), "0 is open")
    finally:
        os.close(ours)
        os.close(theirs)


@lib.test_each(*TARGETS)
def environment_is_wiped(lab, target):
    secret = dict(os.environ, DIATOM_TEST_SECRET="swordfish")
    with Run(lab, target, "compute", env=secret) as run:
        lib.contains(run.popen.stderr.readline().decode(), "up in", "standard error")
        with open(f"/proc/{run.popen.pid}/environ", "rb") as file:
            lib.check(b"swordfish" not in file.read(), "the environment is still there")


@lib.test
def no_kvm_permission(lab):
    """A user who may not open /dev/kvm is told so."""
    lib.need("root", "setpriv", "kvm")
    if os.stat("/dev/kvm").st_mode & 0o006:
        lib.skip("everybody may open /dev/kvm")
    image = lib.test_image("stubborn")
    result = lab.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                      lib.DIATOM, "run", "--as", "vm", image])
    lib.equal(result.code, lib.EXIT_HOST_LACKS, f"{result.err}exit code")
    lib.contains(result.err, "--as process", "standard error")
    result = lab.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                      lib.DIATOM, "run", image])
    lib.equal((result.code, len(result.out)), (0, 1 << 20), f"{result.err}code and bytes")
    lib.contains(result.err, "no permission for /dev/kvm: running as process", "standard error")


@lib.test
def children_are_awaited(lab):
    """Built by a parent that ignores CHLD, as some supervisors do."""
    result = subprocess.run(
        [lib.DIATOM, "build", os.path.join(lib.ROOT, "test/images/stubborn.c"), "-o",
         lab.path("image")], preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        capture_output=True, text=True)
    lib.equal(result.returncode, 0, f"{result.stderr}exit code")


lib.main()
