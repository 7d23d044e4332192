"""Tasks, fibers and a scheduler of the program's own, in the images that have them."""
import re

import lib


@lib.test_each("tasks vm", "tasks process", "fibers vm", "fibers process")
def sleepers(lab, what):
    """20,000 sleep and all wake, the median less than 20 ms late on a busy machine."""
    kind, target = what.split()
    result = lab.boot_and_wait("sleepers", kind, "20000", target=target, mem=512, timeout=40)
    lib.equal(result.code, 0, f"{result.out}{result.err}exit code")
    late = re.search(r"jitter: late by p50 (\d+) us", result.out)
    lib.check(late, f"no jitter: {result.out}")
    lib.check(int(late[1]) < 20000, f"late by {late[1]} us")


@lib.test_each("vm", "process")
def too_many_sleepers(lab, target):
    """More than the memory holds: a line that says so and exit 1, no crash and no hang."""
    result = lab.boot_and_wait("sleepers", "tasks", "100000000", target=target, mem=64)
    lib.equal(result.code, 1, f"{result.out}{result.err}exit code")
    lib.contains(result.out, "--mem")


@lib.test_each("vm", "process", "qemu", "q35")
def own_scheduler(lab, target):
    """edf starts its jobs in the wrong order; they run by deadline."""
    result = lab.boot_and_wait("edf", target=target)
    lib.equal(result.code, 0, f"{result.err}exit code")
    names = [line.split(":")[0] for line in result.out.splitlines()]
    lib.equal(names, ["control", "audio", "video", "report", "archive"], "order")


lib.main()
