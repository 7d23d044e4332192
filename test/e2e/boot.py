"""
`diatom run` as a user meets it: output, exit codes, what it says, time limits, signals, memory sizes;
each as a VM and as a process, some in QEMU. hello prints a line and ends; echo serves until it is asked
to finish.
"""
import os
import re
import signal
import time

import lib


BOOT_LINES = {"vm": "VM", "process": "process", "qemu": "QEMU microvm (TCG)", "q35": "QEMU q35 (TCG)",
              "qemu-kvm": "QEMU microvm (KVM)"}


@lib.test_each(*BOOT_LINES)
def hello(lab, target):
    result = lab.boot_and_wait("hello", target=target)
    lib.equal(result.out, "hello\n", "standard output")
    lib.equal(result.code, 0, "exit code")
    lib.contains(result.err, f"hello: {BOOT_LINES[target]}, 64 MiB, sealed", "boot line")
    lib.check(re.search(r"up in [\d.]+ m?s", result.err), f"no time in the boot line: {result.err}")


@lib.test_each("vm", "process", "qemu")
def quiet_says_nothing(lab, target):
    result = lab.boot_and_wait("hello", target=target, options=["--quiet"])
    lib.equal((result.code, result.out, result.err), (0, "hello\n", ""), "code, output, errors")


@lib.test
def hello_without_a_target(lab):
    """No --as: KVM if usable, else process; it says which."""
    result = lab.run([lib.DIATOM, "run", lib.image("hello")])
    lib.equal((result.code, result.out), (0, "hello\n"), "code and output")
    lib.contains(result.err, "VM" if lib.has("kvm") else "process", "boot line")


@lib.test_each("vm", "process")
def hello_is_quick(lab, target):
    """A hundred times slower than the goal is a failure on any machine; bench/boot.py measures."""
    lab.boot_and_wait("hello", target=target)
    best = min(lab.boot_and_wait("hello", target=target).seconds for _ in range(5))
    lib.check(best < 0.2, f"the best of five boots took {best * 1000:.0f} ms")


# A start is made of these; a count that grows is time lost at each start. Kernels differ by a few.
START_CALLS = {"vm": 64, "process": 64}
START_FAULTS = {"vm": 56, "process": 32}


@lib.test_each("vm", "process")
def hello_takes_few_system_calls(lab, target):
    lib.need("strace", *["kvm"] * (target == "vm"))
    counted = lab.path("calls")
    lab.run(["strace", "-f", "-o", counted, lib.DIATOM, "run", "--quiet", "--as", target,
             lib.image("hello")])
    with open(counted) as file:
        calls = re.findall(r"^\d+ +(\w+)\(", file.read(), re.MULTILINE)
    lib.equal(calls[-1:], ["exit_group"], "the last call")
    lib.check(len(calls) <= START_CALLS[target], f"{len(calls)}: {' '.join(calls)}")


@lib.test_each("vm", "process")
def hello_takes_few_page_faults(lab, target):
    """Of the best of three: the first run may find the file out of the page cache."""
    if target == "vm":
        lib.need("kvm")

    def faults():
        child = os.posix_spawn(lib.DIATOM, [lib.DIATOM, "run", "--quiet", "--as", target,
                               lib.image("hello")], os.environ, file_actions=[
                                   (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
        return os.wait4(child, 0)[2].ru_minflt
    least = min(faults() for _ in range(3))
    lib.check(least <= START_FAULTS[target], f"{least} page faults")


@lib.test_each(8, 64, 256, 1024, 2048)
def memory_mib(lab, mib):
    result = lab.boot_and_wait("hello", target="vm", mem=mib)
    lib.equal((result.code, result.out), (0, "hello\n"), "code and output")
    size = f"{mib} MiB" if mib < 1024 else rf"({mib} MiB|{mib // 1024} GiB)"
    lib.check(re.search(size, result.err), f"the boot line lacks {mib} MiB: {result.err}")


@lib.test_each("vm", "process", "qemu")
def timeout_ends_it(lab, target):
    net = lab.network()
    started = time.monotonic()
    result = lab.boot_and_wait("echo", target=target, net=net, options=["--timeout", 1])
    lib.equal(result.code, lib.EXIT_TIMED_OUT, f"{result.err}exit code")
    lib.check(0.9 < time.monotonic() - started < 5, f"took {result.seconds:.1f} s")


@lib.test_each("vm", "process", "qemu", "q35")
def term_asks_to_finish(lab, target):
    """TERM closes the socket, echo's loop ends, main returns 0."""
    body = lab.boot("echo", target=target, net=lab.network())
    body.wait_for_ping()
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test_each("vm", "process", "qemu")
def interrupt_asks_to_finish(lab, target):
    body = lab.boot("echo", target=target, net=lab.network())
    body.wait_for_ping()
    body.signal(signal.SIGINT)
    lib.equal(body.wait(10), 0, f"{body.err()}exit code")


@lib.test_each("vm", "process")  # in QEMU it is not diatom that serves
def stopped_and_continued(lab, target):
    """A body that the host stops for a while (^Z) goes on serving."""
    body = lab.boot("echo", target=target, net=lab.network())
    body.wait_for_ping()
    body.signal(signal.SIGSTOP)
    time.sleep(0.3)
    body.signal(signal.SIGCONT)
    body.wait_for_ping()
    lib.equal(body.stop(), 0, "exit code")


@lib.test
def missing_image(lab):
    result = lab.run([lib.DIATOM, "run", lab.path("nothing")])
    lib.check(result.code in (lib.EXIT_USAGE, lib.EXIT_REFUSED), f"exit {result.code}")
    lib.contains(result.err, "nothing")


@lib.test
def not_an_image(lab):
    for content in (b"", b"hello", b"\x7fELF", b"\x7fELF" + bytes(60), bytes(100000)):
        result = lab.run([lib.DIATOM, "run", lab.path("file", content)], timeout=10)
        lib.equal(result.code, lib.EXIT_REFUSED, f"{content[:8]}: {result.err}exit code")
        lib.check(result.err.strip(), "says nothing")


@lib.test_each("vm", "process")
def network_not_given(lab, target):
    """echo declares eth0: without --net and without passt it is refused, with a line that says what to
    do."""
    result = lab.run(["env", "PATH=/nonexistent", lib.DIATOM, "run", "--as", target,
                      lib.image("echo")])
    lib.equal(result.code, lib.EXIT_REFUSED, f"{result.err}exit code")
    lib.contains(result.err, "eth0")
    lib.contains(result.err, "--net")


@lib.test_each("vm", "process")
def tap_missing(lab, target):
    """A tap that does not exist and can't be made, or an unusable name: named, not a crash."""
    net = lab.network()
    net.tap = "x" * 40
    result = lab.boot_and_wait("echo", target=target, net=net)
    lib.check(result.code in (lib.EXIT_USAGE, lib.EXIT_HOST_LACKS, lib.EXIT_REFUSED),
              f"exit {result.code}: {result.err}")
    lib.contains(result.err, "x" * 10)


@lib.test
def wrong_words(lab):
    hello = lib.image("hello")
    for words in (["run"], ["run", "--mem", "none", hello], ["run", "--as", "ghost", hello],
                  ["run", "--nonsense", hello], ["nonsense"], ["run", "--net", "eth0", hello],
                  ["run", "--timeout", "-1", hello], ["run", "--mem", "99999999999", hello]):
        result = lab.run([lib.DIATOM, *words], timeout=10)
        lib.check(result.code in (lib.EXIT_USAGE, lib.EXIT_REFUSED, lib.EXIT_OUT_OF_MEMORY),
                  f"{' '.join(words)}: exit {result.code}: {result.err}")
        lib.check(result.err.strip(), f"{' '.join(words)}: says nothing")


lib.main()
