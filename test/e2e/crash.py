"""
Crashes explain themselves: test/images/crash.c dies in known ways, on main's stack and on a fiber's,
in a VM, in a process and in QEMU, built by both compilers; then

    report       cause, fiber, frames with function and line, last log lines, build id
    core file    gdb IMAGE.debug CORE has the same frames, and a thread for each fiber
    no debug file, one of another build, a damaged one: the report says so, and stays a report
    diatom symbolize explains a stripped image's report, and agrees with llvm-symbolizer
"""
import os
import random
import re
import shutil
import subprocess

import lib

# CAUSE: what the report says, the innermost frames of the program.
CAUSES = {
    "null_read": ("read of unmapped memory: NULL", ["inner_null", "null_read"]),
    "null_call": (None, ["null_call"]),
    "write_constant": ("write to read-only image constants", ["write_constant"]),
    "overflow": ("stack overflow of", ["inner_overflow", "overflow"]),
    "assertion": ("crash.c:", ["image_crash", "inner_assertion", "assertion"]),
    "memory": ("out of memory", ["image_crash", "inner_memory", "memory"]),
    "bounds": ("a check in the code failed", ["bounds"]),
    "divide": ("division by zero", ["divide"]),
    "aborted": ("", ["abort", "aborted"]),
}
TARGETS = ("vm", "process", "qemu", "q35")
OTHER_CODE = {"memory": lib.EXIT_OUT_OF_MEMORY}
FRAME = re.compile(r"^  #(\d+) +(?:image\+)?(0x[0-9a-f]+) +(.*)$")
NAME = re.compile(r"^(\w+)(?:\+0x[0-9a-f]+)?(?: \(([^():]+)(?::(\d+))?\))?")


class Built:
    """The images, one for each compiler, built once."""
    images = {}


def image_by(lab, compiler):
    if compiler not in Built.images:
        path = os.path.join(lib.BUILD, "test", f"crash-{compiler}.{os.getpid()}")
        done = lab.run([lib.DIATOM, "build", "--cc", compiler, "-Werror",
                        os.path.join(lib.ROOT, "test/images/crash.c"), "-o", path], timeout=120)
        lib.equal(done.code, 0, f"{done.err}exit code of diatom build")
        Built.images[compiler] = path
    return Built.images[compiler]


def remove_images():
    for path in Built.images.values():
        for end in ("", ".debug"):
            if os.path.exists(path + end):
                os.unlink(path + end)


def crash(lab, path, target, *words, options=()):
    return lab.boot_and_wait(path, *words, target=target, options=["-q", *options])


def frames_of(report):
    """[(number, offset, [(function, file, line)])] of a report; inlined calls come first."""
    frames = []
    for line in report.splitlines():
        match = FRAME.match(line)
        if match:
            frames.append((int(match[1]), int(match[2], 16), []))
        if frames and (match or line.startswith(" " * 24)):
            name = NAME.match(match[3] if match else line.strip())
            if name:
                frames[-1][2].append((name[1], name[2], int(name[3] or 0)))
    return frames


def functions_of(report):
    return [name for _, _, places in frames_of(report) for name, _, _ in places]


def is_in_order(names, among):
    rest = iter(among)
    return all(name in rest for name in names)


def check_report(result, cause, on_fiber):
    words, inner = CAUSES[cause]
    functions = functions_of(result.err)
    outer = ["perform", "run", "fiber_enter"] if on_fiber else ["perform", "_start"]
    lib.equal(result.code, OTHER_CODE.get(cause, lib.EXIT_CRASHED), f"{result.err}exit code")
    if words:
        lib.contains(result.err.splitlines()[0], words, "the first line")
    lib.check(is_in_order(inner + outer, functions),
              f"frames {functions} lack {inner + outer}:\n{result.err}")
    lib.check("(likely)" not in result.err, f"frames were guessed:\n{result.err}")
    fiber = '"crasher" on fiber stack 1' if on_fiber else '"main" on the main stack'
    lib.contains(result.err, f"  fiber   {fiber}", "the report")
    lib.check("; 3 other fibers\n" in result.err or not on_fiber, result.err)
    lib.contains(result.err, f"  log     warning crash: about to crash by {cause}\n", "the report")
    lib.check("\x1b" not in result.err, "a control character reached the terminal")
    lib.check(re.search(r"\n  build   [0-9a-f]{40}\n", result.err), f"no build id:\n{result.err}")
    lines = dict((name, (file, line)) for _, _, places in frames_of(result.err)
                 for name, file, line in places)
    with open(os.path.join(lib.ROOT, "test/images/crash.c")) as file:
        source = file.read().splitlines()
    lib.equal(lines["perform"][0], "crash.c", "the file of perform")
    lib.contains(source[lines["perform"][1] - 1], "causes[i].run", "the line of perform's call")


def each(*lists):
    values = [""]
    for one in lists:
        values = [f"{value} {item}".strip() for value in values for item in one]
    return values


@lib.test_each(*each(TARGETS, ("clang", "gcc")))
def reports(lab, which):
    target, compiler = which.split()
    path = image_by(lab, compiler)
    for cause in CAUSES:
        for words in ([cause], [cause, "fiber"]):
            check_report(crash(lab, path, target, *words), cause, len(words) > 1)


@lib.test_each("vm", "qemu", "q35")
def looks_like_a_process(lab, machine):
    path = image_by(lab, "clang")
    shapes = []
    for target in (machine, "process"):
        text = crash(lab, path, target, "null_read", "fiber").err
        text = re.sub(r"0x[0-9a-f]{9,}", "0xADDRESS", text)
        shapes.append(re.sub(r"\b[0-9a-f]{16}\b", "REGISTER", text))
    lib.equal(shapes[0], shapes[1], f"the reports of {machine} and process")


# What clang's checks and the C library's ends mean. Which check it was, its line says: with a trap for each
# (host/build/toolchain.c) clang 19 does not number them by kind.
CHECK = "a check in the code failed (bounds, overflow, call target)"
CHECKS = {
    "bounds": CHECK,
    "adds": CHECK,
    "wrong_type": CHECK,
    "smashed": "a buffer on the stack overflowed (stack protector)",
}


@lib.test_each(*TARGETS)
def checks_are_named(lab, target):
    path = image_by(lab, "clang")
    for cause, words in CHECKS.items():
        result = crash(lab, path, target, cause)
        lib.equal(result.code, lib.EXIT_CRASHED, f"{result.err}exit code")
        lib.contains(result.err.splitlines()[0], words, "the first line")
        lib.contains("\n".join(functions_of(result.err)), cause, "the frames")
        if words == CHECK:
            lib.check(re.search(rf"^  #0 .* {cause}\+\S+ \(\S*crash\.c:[1-9]\d*\)", result.err, re.M),
                      f"no line in the first frame:\n{result.err}")


@lib.test_each(*TARGETS)
def lies_do_no_harm(lab, target):
    core, path = lab.path("core"), image_by(lab, "clang")
    result = crash(lab, path, target, "lies", "fiber", options=["--core", core])
    lib.equal(result.code, lib.EXIT_CRASHED, f"{result.err}exit code")
    lib.contains(result.err, "  fiber   its record is damaged\n", "the report")
    lib.check(re.fullmatch(r"[\n -~]*", result.err), "a byte that is not printable was shown")
    lib.check(is_in_order(["inner_null", "lies", "perform"], functions_of(result.err)), result.err)
    lib.check(is_in_order(["inner_null", "lies", "perform"],
                          gdb_frames(gdb(path + ".debug", core, "bt"))), "gdb's frames")


@lib.test
def unreadable_memory_does_no_harm(lab):
    core = lab.path("core")
    result = crash(lab, image_by(lab, "clang"), "process", "guards", "fiber",
                   options=["--core", core])
    lib.equal(result.code, lib.EXIT_CRASHED, f"{result.err}exit code")
    lib.contains(result.err, "inner_null", "the report")
    lib.contains(result.err, "  core    ", "the report")


# Core files

def gdb(debug, core, *commands):
    lib.need("gdb")
    argv = ["gdb", "-nx", "-batch"]
    for command in commands:
        argv += ["-ex", command]
    done = subprocess.run(argv + [debug, core], capture_output=True, text=True, timeout=60)
    lib.check("match" not in done.stderr, f"gdb doubts the core file: {done.stderr}")
    return done.stdout


def gdb_frames(text):
    """Function names of a backtrace, without frames that have none."""
    return [match[1] for match in re.finditer(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\w+) \(", text, re.M)]


def check_core(lab, path, target, *words):
    core = lab.path("core")
    result = crash(lab, path, target, *words, options=["--core", core])
    lib.contains(result.err, f"  core    ", f"{words}: the report")
    lib.equal(os.stat(core).st_mode & 0o777, 0o600, "the mode of the core file")
    text = gdb(path + ".debug", core, "bt", "info threads", "p log_ring.next", "thread 2", "bt")
    lib.contains(text.split("Switching to thread 2")[-1], "fiber_join", "main's frames")
    trace = text.split("  Id ")[0]
    trace = trace[trace.rindex("#0 "):]
    mine = functions_of(result.err)
    theirs = gdb_frames(trace)
    if words[0] == "overflow":
        mine, theirs = sorted(set(mine)), sorted(set(theirs))
    lib.equal(mine, theirs, f"{target} {words}: frames of the report and of gdb")
    lib.contains(text, "$1 = 2", "a variable in gdb")
    return text


@lib.test_each(*each(TARGETS, ("clang", "gcc")))
def core_opens_in_gdb(lab, which):
    target, compiler = which.split()
    path = image_by(lab, compiler)
    for cause in ("null_read", "null_call", "overflow", "assertion", "memory"):
        text = check_core(lab, path, target, cause, "fiber")
        lib.equal(len(re.findall(r"^[* ] +\d+ +LWP", text, re.M)), 4, f"threads in {text}")
    check_core_of_main(lab, path, target)


def check_core_of_main(lab, path, target):
    core = lab.path("core")
    result = crash(lab, path, target, "assertion", options=["--core", core])
    frames = gdb_frames(gdb(path + ".debug", core, "bt"))
    lib.check(is_in_order(["image_crash", "inner_assertion", "assertion", "perform"], frames),
              f"{result.err}{frames}")


@lib.test
def core_that_cannot_be_written(lab):
    path = image_by(lab, "clang")
    result = crash(lab, path, "process", "assertion", options=["--core", "/nonexistent/core"])
    lib.equal(result.code, lib.EXIT_USAGE, f"{result.err}exit code")
    lib.contains(result.err, "--core: /nonexistent/core: No such file", "the error")
    result = crash(lab, path, "process", "assertion", options=["--core", "/dev/full"])
    lib.equal(result.code, lib.EXIT_CRASHED, f"{result.err}exit code")
    lib.contains(result.err, "can't be written: No space left", "the error")


# Debug files that don't help

@lib.test_each(*TARGETS)
def without_debug_file(lab, target):
    path = lab.path("stripped")
    shutil.copy(image_by(lab, "clang"), path)
    result = crash(lab, path, target, "null_read", "fiber")
    lib.equal(result.code, lib.EXIT_CRASHED, f"{result.err}exit code")
    lib.contains(result.err, "diatom symbolize IMAGE.debug < REPORT", "the report")
    lib.check("(likely)" in result.err and "inner_null" not in result.err, result.err)
    done = lab_symbolize(lab, image_by(lab, "clang"), result.err)
    lib.check(is_in_order(["inner_null", "null_read", "perform", "run"], functions_of(done.stdout)),
              f"explained:\n{done.stdout}")
    other = lab_symbolize(lab, image_by(lab, "gcc") + ".debug", result.err)
    lib.equal(other.returncode, lib.EXIT_REFUSED, "exit code with the debug file of another build")
    lib.contains(other.stderr, "the report is of another build", "the error")


def lab_symbolize(lab, path, report):
    return subprocess.run([lib.DIATOM, "symbolize", path], input=report, capture_output=True,
                          text=True, timeout=20)


def spoil(name, bytes_of_debug):
    """Contents of a debug file that must do no harm, and what the report says."""
    return {
        "empty": (b"", "1 byte"),
        "text": (b"#!/bin/sh\n", "no ELF file"),
        "cut": (bytes_of_debug[:len(bytes_of_debug) // 2], "cut off"),
        "stripped": (None, "stripped image"),
        "zeroed": (bytes_of_debug[:0x3000] + bytes(len(bytes_of_debug) - 0x3000), None),
    }[name]


@lib.test_each("empty", "text", "cut", "stripped", "zeroed")
def spoiled_debug_file(lab, name):
    path = lab.path("image")
    shutil.copy(image_by(lab, "clang"), path)
    with open(image_by(lab, "clang") + ".debug", "rb") as file:
        content, words = spoil(name, file.read())
    if content is None:
        shutil.copy(path, path + ".debug")
    else:
        lab.path("image.debug", content)
    result = crash(lab, path, "process", "null_read")
    lib.equal(result.code, lib.EXIT_CRASHED, f"{result.err}exit code")
    if words:
        lib.contains(result.err, "image.debug is not used: ", "the report")
        lib.contains(result.err, words, "the report")


@lib.test
def debug_file_of_another_build(lab):
    path = lab.path("image")
    shutil.copy(image_by(lab, "clang"), path)
    shutil.copy(image_by(lab, "gcc") + ".debug", path + ".debug")
    result = crash(lab, path, "process", "null_read")
    lib.contains(result.err, "image.debug is not used: it is of another build", "the report")
    done = lab_symbolize(lab, path, "")
    lib.equal(done.returncode, lib.EXIT_REFUSED, "exit code of symbolize")
    lib.contains(done.stderr, "is of another build", "the error")


@lib.test
def debug_file_by_build_id(lab):
    path, source = lab.path("image"), image_by(lab, "clang")
    shutil.copy(source, path)
    report = crash(lab, path, "process", "null_read").err
    build = re.search(r"\n  build   ([0-9a-f]{40})\n", report)[1]
    folder = lab.path("debug")
    os.makedirs(os.path.join(folder, ".build-id", build[:2]))
    shutil.copy(source + ".debug", os.path.join(folder, ".build-id", build[:2], f"{build[2:]}.debug"))
    result = lab.run([lib.DIATOM, "run", "-q", "--as", "process", path, "null_read"],
                     environment={"DIATOM_DEBUG_DIR": folder})
    lib.contains(result.err, "inner_null", "the report")


# Against another reader of the same debug files

def text_of(path):
    out = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True).stdout
    words = next(line.split() for line in out.splitlines() if " R E " in line)
    return int(words[2], 16), int(words[5], 16)


def names_by_address(path):
    """{address: {names}}: functions that were folded into one have several."""
    out = subprocess.run(["nm", path], capture_output=True, text=True).stdout
    names, by_name = {}, {}
    for line in out.splitlines():
        words = line.split()
        if len(words) == 3:
            names.setdefault(words[0], set()).add(words[2].split(".")[0])
    for group in names.values():
        for name in group:
            by_name.setdefault(name, set()).update(group)
    return by_name


def their_places(path, offsets):
    out = subprocess.run(["llvm-symbolizer-19", f"--obj={path}", "--inlines", "--relativenames",
                          *map(hex, offsets)], capture_output=True, text=True, timeout=60).stdout
    blocks = [block.splitlines() for block in out.strip().split("\n\n")]
    return [[(name.split(".")[0], *where.rsplit(":", 2)[:2])
             for name, where in zip(block[::2], block[1::2])] for block in blocks]


@lib.test_each("images/dns", "images-gcc/dns", "images/sleepers", "images-gcc/sleepers")
def agrees_with_llvm_symbolizer(lab, name):
    path = os.path.join(lib.BUILD, name + ".debug")
    lib.need("llvm-symbolizer-19", "readelf", "nm")
    if not os.path.exists(path):
        lib.skip(f"{name} is not built")
    start, length = text_of(path)
    pick = random.Random(1)
    offsets = [start + pick.randrange(length) for _ in range(1000)]
    done = lab.run([lib.DIATOM, "symbolize", path, *map(hex, offsets)], timeout=60)
    mine, theirs = frames_of(done.out), their_places(path, offsets)
    same_code = names_by_address(path)
    lib.equal((len(mine), len(theirs)), (len(offsets), len(offsets)), "answers")
    for (_, offset, places), wanted in zip(mine, theirs):
        if wanted[0][0] == "??":
            continue
        what = f"{offset:#x}: {places} instead of {wanted}"
        lib.equal(len(places), len(wanted), what)
        for (function, file, line), (their_function, their_file, their_line) in zip(places, wanted):
            lib.check(function == their_function or
                      function in same_code.get(their_function, ()), what)
            if their_line == "0":  # it doesn't look at assembly's lines; for the rest we have 0, too
                lib.check(line == 0 or file.endswith((".s", ".S")), what)
                continue
            lib.check(file and their_file.endswith(file), what)
            lib.equal(line, int(their_line), what)


try:
    lib.main()
finally:
    remove_images()
