"""
A compromised body in the process target. test/images/attack.c tries what a body can try anywhere,
test/images/process_attack.c what only a process can: system calls, the loader that it shares an
address space with. Each must be caught and named (exit 123), and the jail must be what it claims.
"""
import os
import pty
import re
import signal
import subprocess
import time

import lib

READ_ONLY = "write to read-only "
NOT_CODE = "execution of non-executable memory: "

# Attacks of attack.c, and what the report must say.
CAUGHT = {
    "write_text": READ_ONLY + "image text",
    "write_rodata": READ_ONLY + "image constants",
    "write_boot_info": READ_ONLY + "boot information",
    "execute_data": NOT_CODE + "image data",
    "execute_heap": NOT_CODE + "the heap",
    "null_read": "read of unmapped memory: NULL",
    "null_jump": "jump to NULL",
    "non_canonical": "non-canonical",
    "lgdt": "privileged instruction lgdt",
    "hlt": "privileged instruction hlt",
    "cli": "privileged instruction cli",
    "wrmsr": "privileged instruction wrmsr",
    "mov_cr3": "privileged instruction mov to cr",
    "out": "port 0x80 not granted",
    "in": "port 0x60 not granted",
    "int80": "system call",
    "syscall": "system call 39 (getpid) is not allowed from there",
    "ud2": "invalid instruction",
    "divide": "division by zero",
    "int3": "breakpoint",
    "stack_overflow": "stack overflow of",
    "fiber_overflow": "stack overflow of fiber stack",
}

# System calls through the stub, by number.
FORBIDDEN = {
    "open": 2, "close": 3, "mmap": 9, "munmap": 11, "ioctl": 16, "socket": 41, "clone": 56, "fork": 57,
    "execve": 59, "kill": 62, "ptrace": 101, "prctl": 157, "arch_prctl": 158, "io_uring_setup": 425,
    "openat": 257, "process_vm_writev": 311, "seccomp": 317, "bpf": 321, "execveat": 322,
    "memfd_create": 319, "mremap": 25, "dup": 32, "sendmsg": 46, "rt_sigaction": 13,
}

_built = {}


def build(lab, name):
    if name not in _built:
        path = os.path.join(lib.BUILD, "test", name + "_for_process")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        source = os.path.join(lib.ROOT, "test/images", name + ".c")
        built = lab.run([lib.DIATOM, "build", source, "-o", path], timeout=120)
        lib.equal(built.code, 0, f"{built.err}exit code of diatom build")
        os.unlink(path + ".debug")  # a run would keep it open
        _built[name] = path
    return _built[name]


def attack(lab, *words, options=(), image="process_attack"):
    return lab.boot_and_wait(build(lab, image), *words, target="process", options=list(options))


def caught_with(result, text):
    lib.equal(result.code, lib.EXIT_CRASHED, f"{result.out}{result.err}exit code")
    lib.contains(result.err, text, "the report")


@lib.test_each(*CAUGHT)
def caught(lab, name):
    caught_with(attack(lab, name, image="attack"), CAUGHT[name])


@lib.test_each(*FORBIDDEN)
def call(lab, name):
    number = FORBIDDEN[name]
    caught_with(attack(lab, "call", number), f"system call {number} ({name}) is not allowed\n")


@lib.test_each("write", "exit_group", "mprotect", "madvise")
def own_instruction(lab, name):
    number = {"write": 1, "exit_group": 231, "mprotect": 10, "madvise": 28}[name]
    caught_with(attack(lab, "own_instruction", number),
                f"system call {number} ({name}) is not allowed from there")


@lib.test
def unknown_call(lab):
    caught_with(attack(lab, "call", 9999), "system call 9999 (no known call) is not allowed")


@lib.test_each("make_text_writable", "make_heap_executable")
def seal(lab, name):
    caught_with(attack(lab, name), "system call 10 (mprotect) is not allowed")


@lib.test_each(4, 10, 12, 14)
def advice(lab, number):
    """DONTNEED, DONTFORK, MERGEABLE, HUGEPAGE."""
    caught_with(attack(lab, "advise", number), "system call 28 (madvise) is not allowed")


@lib.test
def descriptors(lab):
    """None but standard output and error is open, whatever diatom was started with."""
    result = attack(lab, "read_descriptor")
    lib.equal((result.code, result.out), (0, "done\n"), f"{result.err}code and output")


@lib.test
def report_survives_registers(lab):
    """The thread pointer and the stack pointer lead nowhere."""
    caught_with(attack(lab, "break_report"), "invalid instruction")


@lib.test
def report_survives_words(lab):
    caught_with(attack(lab, "wild_words"), "platform call with memory that is not the body's")


@lib.test
def sigreturn(lab):
    """Sets registers to what the body could set them to anyway; no way out follows from it."""
    result = attack(lab, "sigreturn")
    lib.check(result.code in (lib.EXIT_CRASHED, -signal.SIGSEGV, 128 + signal.SIGSEGV),
              f"exit code {result.code}\n{result.err}")


@lib.test
def blocked_signals(lab):
    """A body that blocks every signal takes no TERM, but --timeout still ends it."""
    result = attack(lab, "block_signals", options=["--timeout", "0.5"])
    lib.equal(result.code, -signal.SIGKILL, f"{result.err}exit code")
    lib.check(result.seconds < 5, f"took {result.seconds} s")


@lib.test
def report_survives_flags(lab):
    """Alignment checks, the direction flag and a full FPU stack are not the handlers'."""
    caught_with(attack(lab, "flags"), "invalid instruction")


@lib.test
def terminal_is_not_read(lab):
    """A terminal is open for reading, too; what the user types is not the body's."""
    ours, theirs = pty.openpty()
    os.write(ours, b"secret\n")
    run = subprocess.Popen([lib.DIATOM, "run", "-q", "--as", "process", "--timeout", "3",
                            build(lab, "process_attack"), "read_output"], stdin=theirs,
                           stdout=theirs, stderr=theirs)
    try:
        lib.equal(run.wait(10), 0, "exit code")
        lib.equal(os.read(ours, 200).split()[-2:], [b"-9", b"-9"], "what reading gave")
    finally:
        run.kill()
        run.wait()
        os.close(ours)
        os.close(theirs)


@lib.test
def memory_has_an_end(lab):
    result = attack(lab, "out_of_memory", options=["--mem", 16])
    lib.check(result.code == lib.EXIT_OUT_OF_MEMORY or result.out == "refused\n",
              f"exit code {result.code}: {result.out}{result.err}")


def start(lab, *words, **options):
    process = lab.boot(build(lab, "process_attack"), *words, target="process", **options)
    process.wait_for_text("up in")
    lib.until(lambda: status(process).get("Seccomp") == "2", 5, "the filter")
    return process


def status(process):
    with open(f"/proc/{process.pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@lib.test
def jail(lab):
    process = start(lab, "wait")
    now = status(process)
    lib.equal(now["NoNewPrivs"], "1", "NoNewPrivs")
    for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        lib.equal(int(now[name], 16), 0, name)
    if os.geteuid() == 0:
        lib.equal(now["Uid"].split(), ["65534"] * 4, "user")
        lib.equal(now["Gid"].split(), ["65534"] * 4, "group")
        lib.equal(now["Groups"].strip(), "", "groups")
    lib.equal(sorted(os.listdir(f"/proc/{process.pid}/fd")), ["1", "2"], "descriptors")
    lib.equal(process.stop(), 0, f"{process.describe()}exit code")


@lib.test
def nothing_writable_and_executable(lab):
    process = start(lab, "wait")
    with open(f"/proc/{process.pid}/maps") as file:
        bad = [line for line in file if re.match(r"\S+ \S*w\S*x", line)]
    lib.equal(bad, [], "mappings")
    lib.equal(process.stop(), 0, "exit code")


@lib.test
def environment_is_wiped(lab):
    process = lab.start([lib.DIATOM, "run", "--as", "process", build(lab, "process_attack"), "wait"],
                        environment={"DIATOM_TEST_SECRET": "swordfish"})
    process.wait_for_text("up in")
    with open(f"/proc/{process.pid}/environ", "rb") as file:
        lib.check(b"swordfish" not in file.read(), "the environment is still there")
    lib.equal(process.stop(), 0, "exit code")


@lib.test
def layout_is_random(lab):
    seen = [attack(lab, "show").out.split() for _ in range(4)]
    for region in range(4):
        lib.equal(len({words[region] for words in seen}), 4, f"places of region {region}")
    # Nor is one region's place known from another's.
    lib.equal(len({int(w[0], 16) - int(w[1], 16) for w in seen}), 4, "distances")


@lib.test_each("INT", "TERM")
def asks_to_finish(lab, name):
    process = start(lab, "wait")
    process.signal(getattr(signal, "SIG" + name))
    lib.equal(process.wait(5), 0, "exit code")
    lib.contains(process.out(), "finish: 0", "standard output")
    lib.contains(process.err(), "finished, exit 0", "standard error")


@lib.test_each("INT", "TERM")
def second_signal_ends(lab, name):
    number = getattr(signal, "SIG" + name)
    process = start(lab, "spin")
    process.signal(number)
    time.sleep(0.1)
    lib.check(process.alive(), "the first signal only asks")
    process.signal(number)
    lib.equal(process.wait(5), 128 + number, "exit code")


@lib.test
def timeout_ends_a_busy_body(lab):
    result = attack(lab, "spin", options=["--timeout", "0.5"])
    lib.equal(result.code, lib.EXIT_TIMED_OUT, f"{result.err}exit code")
    lib.contains(result.err, "time is up", "standard error")
    lib.check(0.4 < result.seconds < 3, f"took {result.seconds} s")


@lib.test
def no_request_is_slept_through(lab):
    """A signal at any moment of the start wakes the body."""
    for delay in range(40):
        process = lab.boot(build(lab, "process_attack"), "wait", target="process")
        lib.until(lambda: "up in" in process.err(), 5, "the start", pause=0)
        time.sleep(delay * 1e-5)
        process.signal(signal.SIGTERM)
        lib.equal(process.wait(5), 0, f"{delay}: {process.describe()}exit code")


lib.main()
