"""
Boot: hello, from fork and exec to its exit, beside what else could print a line.

    diatom VM, diatom process      app/hello, the default command but for --quiet
    static musl, static glibc      the same source as an ordinary program: the floor
    Linux in a QEMU microvm        Debian's cloud kernel and an initramfs that is that same program;
                                   emulated (TCG), for Linux's ring 0 does not run at a usable speed
                                   on a software-virtualised KVM. It reboots once it has printed,
                                   which ends QEMU.

Everything is pinned to one core, client and all, like a command typed at a shell.
"""
import os
import subprocess

from harness import CORES, SCRATCH, Report, compile_peer, interleave, lib, say

HELLO = os.path.join(lib.ROOT, "app", "hello", "main.c")
RUNS = {"fast": 40, "slow": 1}
INIT = """
#include <stdio.h>
#include <sys/reboot.h>
int main(void) { puts("hello"); fflush(stdout); reboot(RB_AUTOBOOT); return 1; }
"""


def compile_hello(compiler, name):
    target = os.path.join(SCRATCH, name)
    os.makedirs(SCRATCH, exist_ok=True)
    subprocess.run([compiler, "-O2", "-static", HELLO, "-o", target], check=True)
    subprocess.run(["strip", target], check=True)
    return target


def cpio(entries):
    """An initramfs ("newc" archive): [(name, mode, bytes, device numbers)]."""
    archive = b""
    for number, (name, mode, data, device) in enumerate(entries + [("TRAILER!!!", 0, b"", (0, 0))]):
        path = name.encode() + b"\0"
        fields = (number + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        header = b"070701" + b"".join(b"%08x" % field for field in fields) + path
        archive += header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4)
    return archive


def linux_guest(lab):
    """QEMU's command line for a Linux whose init is hello; the kernel is fetched, not installed."""
    lib.need("qemu-system-x86_64")
    kernel = os.path.join(SCRATCH, "vmlinuz")
    if not os.path.exists(kernel):
        depends = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"],
                                 capture_output=True, text=True).stdout.split()
        package = next((word for word in depends if word.startswith("linux-image-")
                        and word != "linux-image-cloud-amd64"), None)
        if not package:
            lib.skip("Debian's cloud kernel is not in the package lists")
        done = subprocess.run(
            f"cd {lab.directory} && apt-get download -qq {package} && dpkg-deb -x {package}*.deb k "
            f"&& cp k/boot/vmlinuz-* {kernel}", shell=True, capture_output=True, text=True)
        if done.returncode != 0:
            lib.skip(f"the kernel package could not be fetched: {done.stderr[-200:]}")
    source, init = lab.path("init.c", INIT), lab.path("init")
    subprocess.run(["musl-gcc", "-O2", "-static", source, "-o", init], check=True)
    with open(init, "rb") as file:
        archive = cpio([("dev", 0o40755, b"", (0, 0)), ("dev/console", 0o20600, b"", (5, 1)),
                        ("init", 0o100755, file.read(), (0, 0))])
    initramfs = lab.path("initramfs", archive)
    return ["qemu-system-x86_64", "-M", "microvm,rtc=on", "-accel", "tcg", "-cpu", "qemu64",
            "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-serial", "stdio", "-kernel", kernel, "-initrd", initramfs,
            "-append", "console=ttyS0 quiet panic=-1 reboot=t"]


def time_command(lab, argv, runs, until=None, status=0, hangs=None):
    """Median of `runs` consecutive starts: ms in all, ms of CPU. hangs: a list that each start which hung for
    15 s, and was repeated, is told to."""
    words = (["--until", until] if until else []) + ["--status", status]
    if hangs is not None:
        words += ["--within", 15]
    done = lab.run([compile_peer("spawn"), runs, *words, *argv], cpu=CORES[0], timeout=120)
    if done.code != 0:
        raise lib.Failure(f"{done.err.strip()[-300:]}")
    if hangs is not None:
        hangs += [line for line in done.err.splitlines() if " hung " in line]
    pairs = sorted(tuple(map(float, line.split())) for line in done.out.splitlines())
    wall, cpu = pairs[len(pairs) // 2]
    return {"wall": wall / 1000, "cpu": cpu / 1000}


def run():
    report = Report("boot", "Boot: hello, fork+exec to exit", {"wall": ("time", "ms"),
                                                              "cpu": ("CPU", "ms")})
    with lib.Lab() as lab:
        image = lib.image("hello") if os.path.exists(os.path.join(lib.IMAGES, "hello")) else "hello"
        commands, hangs = {}, []

        def diatom(*options):
            return lambda: time_command(lab, [lib.DIATOM, "run", "--quiet", *options, image],
                                        RUNS["fast"])
        if lib.has("kvm"):
            for mem in (8, 64, 1024, 2048):
                name = f"{mem} MiB" if mem < 1024 else f"{mem // 1024} GiB"
                commands[f"diatom VM, {name}"] = diatom("--as", "vm", "--mem", str(mem))
        commands["diatom process"] = diatom("--as", "process")
        for compiler, name in (("musl-gcc", "static musl program"), ("gcc", "static glibc program")):
            if os.path.exists(HELLO):
                path = compile_hello(compiler, "hello-" + compiler)
                commands[name] = lambda path=path: time_command(lab, [path], RUNS["fast"])
        try:
            guest = linux_guest(lab)
            time_command(lab, guest, RUNS["slow"], until="hello", hangs=hangs)  # it does print
            commands["Linux, QEMU microvm TCG"] = lambda: time_command(lab, guest, RUNS["slow"], hangs=hangs)
        except (lib.Skip, lib.Failure) as why:
            say(f"  Linux guest: {why}")
            report.note(f"Linux guest: {why}")
        for name, runs in interleave(commands).items():
            report.add(name, runs)
    for name, limit in (("diatom VM, 64 MiB", 1.5), ("diatom VM, 1 GiB", 2), ("diatom process", 0.3)):
        report.claim(f"{name}: at most {limit} ms", report.median(name), limit)
    if hangs:
        report.note(f"{len(hangs)} starts of Linux under emulation hung early for 15 s, and were repeated.")
    report.note(f"Each round takes the median of {RUNS['fast']} starts (QEMU: one).")
    report.note("For comparison, measured elsewhere on this kind of machine and not in this run: "
                "Solo5 spt 0.7–0.9 ms, Solo5 hvt 12.5 ms.")
    report.plot_bars("wall")
    return report


if __name__ == "__main__":
    print(run().write())
