"""
Boot and idleness in QEMU: hello beside the least kernel that is in the shape of ours (peers/pvh.S: PVH
entry, long mode, ring 3, one byte, exit), each by the same QEMU command but for -kernel.

    first byte   exec of QEMU until the guest's first byte of output came: kernel start to main, and
                 what QEMU itself and its firmware take before
    in all       exec until QEMU's exit

A machine's noise and QEMU's share are in both, so the ratio is what the image and its shim add. Idle:
CPU time of QEMU's threads over a while in which an echo server waits for packets that don't come,
beside a kernel that does nothing but halt.
"""
import os
import shlex
import subprocess
import time

from boot import time_command
from harness import SCRATCH, Report, cpu_of, interleave, lib, say

RUNS = 10
IDLE_SECONDS = int(os.environ.get("BENCH_SECONDS", "10"))
RATIO = 1.3
EXIT_0 = 1  # QEMU's status when isa-debug-exit is written 0

# Name: options of diatom run, and whether q35's own firmware (SeaBIOS) takes the place of qboot.
MACHINES = {
    "microvm TCG": (["--machine", "microvm", "--accel", "tcg"], False),
    "microvm KVM": (["--machine", "microvm", "--accel", "kvm"], False),
    "q35 TCG": (["--machine", "q35", "--accel", "tcg"], False),
    "q35 TCG, SeaBIOS": (["--machine", "q35", "--accel", "tcg"], True),
}


def link_peer():
    target = os.path.join(SCRATCH, "pvh")
    os.makedirs(SCRATCH, exist_ok=True)
    subprocess.run(["gcc", "-nostdlib", "-static", "-no-pie", "-Wl,-Ttext=0x100000,--build-id=none",
                    os.path.join(lib.ROOT, "bench", "peers", "pvh.S"), "-o", target], check=True)
    return target


def command(lab, machine, kernel):
    """QEMU's words for hello on that machine, with another kernel instead."""
    options, is_seabios = MACHINES[machine]
    done = lab.run([lib.DIATOM, "run", "--as", "qemu", "--print", *options, lib.image("hello")])
    if done.code != 0:
        raise lib.Failure(done.err)
    words = shlex.split(done.out.replace("\\\n", " "))
    words[words.index("-kernel") + 1] = kernel
    if is_seabios:
        at = words.index("-bios")
        del words[at:at + 2]
    return words


def measure(lab, machine, kernel, first):
    words = command(lab, machine, kernel)
    until = time_command(lab, words, RUNS, until=first)
    whole = time_command(lab, words, RUNS, status=EXIT_0)
    return {"first": until["wall"], "all": whole["wall"], "cpu": whole["cpu"]}


def measure_run(lab, machine):
    """The whole of `diatom run`."""
    options, _ = MACHINES[machine]
    words = [lib.DIATOM, "run", "--quiet", "--as", "qemu", *options, lib.image("hello")]
    whole = time_command(lab, words, RUNS)
    return {"first": time_command(lab, words, RUNS, until="hello")["wall"], "all": whole["wall"],
            "cpu": whole["cpu"]}


def idle(process):
    """Percent of one core that the process took while nothing happened."""
    time.sleep(2)  # the start is over
    before, since = cpu_of(process), time.monotonic()
    time.sleep(IDLE_SECONDS)
    lib.check(process.alive(), f"ended while idle: {process.describe()}")
    return {"idle": 100 * (cpu_of(process) - before) / (time.monotonic() - since)}


def idle_echo(machine):
    with lib.Lab() as lab:
        options, _ = MACHINES[machine]
        body = lab.boot("echo", target="qemu", net=lab.network(), options=options)
        body.wait_for_ping(seconds=30)
        return idle(body)


def idle_peer(machine, peer):
    with lib.Lab() as lab:
        words = command(lab, machine, peer)
        words[words.index("-append") + 1] = "idle"
        return idle(lab.start(words))


def boot_jobs(lab, peer):
    jobs = {}
    for machine in MACHINES:
        if "KVM" in machine and not lib.has("kvm"):
            say(f"  {machine}: no usable /dev/kvm")
            continue
        jobs[f"{machine}: bare"] = lambda m=machine: measure(lab, m, peer, "!")
        jobs[f"{machine}: hello"] = lambda m=machine: measure(lab, m, lib.image("hello"), "hello")
        if not MACHINES[machine][1]:
            jobs[f"{machine}: diatom run hello"] = lambda m=machine: measure_run(lab, m)
    return jobs


def run():
    report = Report("qemu", "QEMU: hello, beside the least PVH kernel",
                    {"first": ("first byte", "ms"), "all": ("in all", "ms"), "cpu": ("CPU", "ms"),
                     "idle": ("idle", "% of a core")})
    lib.need("qemu-system-x86_64")
    peer = link_peer()
    with lib.Lab() as lab:
        for name, runs in interleave(boot_jobs(lab, peer)).items():
            report.add(name, runs)
    for machine in MACHINES:
        for key, what in (("first", "first byte"), ("cpu", "CPU")):
            ours, bare = (report.median(f"{machine}: {who}", key) for who in ("hello", "bare"))
            times = ours / bare if ours and bare else None
            if "TCG" in machine:
                report.claim(f"{machine}: hello's {what}, times the bare kernel's", times, RATIO)
            elif times:
                report.note(f"{machine}: hello's {what} is {times:.2f} times the bare kernel's. (Where "
                            "KVM is software, ring 0 is emulated: an instruction costs a microsecond.)")
    jobs = {}
    for machine in ("microvm TCG", "q35 TCG"):
        jobs[f"{machine}: idle bare kernel"] = lambda m=machine: idle_peer(m, peer)
        jobs[f"{machine}: idle echo"] = lambda m=machine: idle_echo(m)
    for name, runs in interleave(jobs, rounds=2, warm_up=0).items():
        report.add(name, runs)
        if name.endswith("echo"):
            report.claim(f"{name}: percent of a core", report.median(name, "idle"), 1)
    report.note(f"Each round takes the median of {RUNS} starts; idle is over {IDLE_SECONDS} s.")
    report.plot_bars("first", only=": hello")
    return report


if __name__ == "__main__":
    print(run().write())
