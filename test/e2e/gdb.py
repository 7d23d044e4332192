"""
gdb on a running image, as VM and as process: the ten operations that an engineer uses most, from a
recorded session (gdb/session.gdb, gdb/session.expected); `diatom gdb`; doc/debugging.md. What a hostile
or clumsy peer can do is in gdb_peer.py.

DIATOM_RECORD=1 test/e2e/gdb.py 'session_vm' writes session.expected anew.
"""
import os
import re
import socket

import lib
from gdb_client import TARGETS, KILLED, Body, build

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gdb")


def normal(text):
    """Without what differs from run to run: addresses, and where exactly an interrupt came."""
    text = re.sub(r"(0x[0-9a-f]+ in )?spin \(\) at .*\n.*", "spin ()", text)
    text = re.sub(r"0x[0-9a-f]+", "ADDRESS", text)
    text = re.sub(r"<add\+\d+>", "<add+N>", text)
    text = re.sub(r"\t.*diatom/\w+/\w+\.c: No such file or directory\.\n", "", text)
    text = re.sub(r"(?m)^\d+\t(in )?diatom/.*\n", "", text)
    text = re.sub(r"at (\S*/)?(diatom/\S+\.c):\d+", r"at \2", text)
    text = re.sub(r"file (\S*/)?(diatom/\S+\.c), line \d+", r"file \2", text)
    # How often the core's functions are inlined, each build decides.
    text = re.sub(r"(?m)^(Breakpoint \d+ at ADDRESS): (\w+\. \(\d+ locations\)|file diatom/\S+)$",
                  r"\1 in the core", text)
    text = re.sub(r"Breakpoint (\d+)\.\d+, ", r"Breakpoint \1, ", text)
    text = re.sub(r"(?m)^[a-z.]+_?\w+ +\d+$", "COUNTER", text)
    text = re.sub(r"(?m)(, waiting\)).*$", r"\1", text)
    text = re.sub(r"(?m)^#0 .* at diatom/core/.*$", "#0 in the core", text)
    text = re.sub(r"(?m)^#\d+ +ADDRESS in wait_for_news", "#N wait_for_news", text)
    text = re.sub(r"(?m)^eflags .*$", "eflags", text)
    return re.sub(r"(COUNTER\n)+", "COUNTERS\n", text)


@lib.test_each(*TARGETS, "q35")
def session(lab, target):
    lib.need("gdb")
    body = Body(lab, target)
    result = lab.run(["gdb", "-q", "-nx", "-batch", build(lab) + ".debug",
                      "-ex", f"directory {lib.ROOT}/test/images",
                      "-ex", f"target remote 127.0.0.1:{body.port}",
                      "-x", os.path.join(HERE, "session.gdb")], timeout=60)
    got = normal(result.out)
    expected = os.path.join(HERE, "session.expected")
    if os.environ.get("DIATOM_RECORD"):
        with open(expected, "w") as file:
            file.write(got)
    with open(expected) as file:
        wanted = file.read()
    for line, other in zip(got.splitlines(), wanted.splitlines()):
        lib.equal(line, other, f"{result.err}in\n{got}\na line")
    lib.equal(len(got.splitlines()), len(wanted.splitlines()), f"{result.err}{got}\nlines")
    lib.equal(body.run.wait(10), 3, f"{body.run.describe()}exit code after detach")
    lib.contains(body.run.out(), "origin: sum ", "standard output")
    lib.contains(result.err, "fiber.refused ", "what `monitor counters` says")


@lib.test_each(*TARGETS)
def command(lab, target):
    """diatom gdb: the image, gdb, and the two connected; nothing is left of either."""
    lib.need("gdb")
    script = lab.path("script", "break add\ncontinue\nbacktrace 1\nkill\n")
    with open(script) as stdin:
        result = lab.run([lib.DIATOM, "gdb", "--as", target, build(lab)], stdin=stdin,
                         environment={"XDG_RUNTIME_DIR": lab.directory})
    lib.equal(result.code, 0, f"{result}exit code")
    lib.contains(result.out, "#0  add (number=1) at")
    lib.equal([name for name in os.listdir(lab.directory) if name.startswith("diatom-gdb")], [],
              "sockets left")


@lib.test
def command_port(lab):
    """diatom gdb --port: to an image that waits."""
    lib.need("gdb")
    body = Body(lab, "process")
    script = lab.path("script", "print total\ndelete\nset var is_spinning = 0\ndetach\n")
    with open(script) as stdin:
        result = lab.run([lib.DIATOM, "gdb", "--port", body.port, build(lab)], stdin=stdin)
    lib.contains(result.out, "$1 = 0")
    lib.equal(body.run.wait(10), 3, "exit code")


def refusal(lab, words, code, *texts, environment=None):
    result = lab.run([lib.DIATOM, *words], environment=environment)
    lib.equal(result.code, code, f"{result}exit code")
    for text in texts:
        lib.contains(result.err, text, "the error")


@lib.test
def command_errors(lab):
    image = lab.path("image", open(build(lab), "rb").read())
    words = ["gdb", image]
    refusal(lab, words, lib.EXIT_REFUSED, "image.debug", "diatom build puts it beside")
    lab.path("image.debug", open(lib.image("hello") + ".debug", "rb").read())
    refusal(lab, words, lib.EXIT_REFUSED, "image.debug: ", "build the image again")
    lab.path("image.debug", b"\x7fELF" + b"\xff" * 3000)
    refusal(lab, words, lib.EXIT_REFUSED, "image.debug: ")
    refusal(lab, words, lib.EXIT_HOST_LACKS, "there is no gdb", "apt-get install gdb",
            environment={"PATH": lab.directory})
    refusal(lab, ["gdb", "/bin/true"], lib.EXIT_REFUSED, "not a Diatom image")
    refusal(lab, ["gdb"], lib.EXIT_USAGE, "which image?")
    refusal(lab, ["gdb", "--port", "x", image], lib.EXIT_USAGE, '--port: "x"')
    refusal(lab, ["gdb", "--port"], lib.EXIT_USAGE, "--port needs a value")
    refusal(lab, ["run", "--gdb", "65536", image], lib.EXIT_USAGE, '--gdb: "65536"', "--gdb 1234")
    refusal(lab, ["run", "--detach", "--gdb", "0", image], lib.EXIT_USAGE, "leave --detach out")
    refusal(lab, ["gdb", "--detach", image], lib.EXIT_USAGE, "leave --detach out")
    refusal(lab, ["run", "--gdb", "unix:", image], lib.EXIT_USAGE, '--gdb: "unix:"')
    refusal(lab, ["run", "--gdb", "unix:/nonexistent/x", image], lib.EXIT_HOST_LACKS,
            "/nonexistent/x")
    if lib.has("gdb"):
        # The run's own refusal comes through, and gdb is not started.
        refusal(lab, ["gdb", "--net", "eth0=tap:x", build(lab)], lib.EXIT_REFUSED,
                "has nothing of that name")


@lib.test
def port_in_use(lab):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refusal(lab, ["run", "--gdb", port, build(lab)], lib.EXIT_HOST_LACKS,
                f"127.0.0.1:{port} is in use", "--gdb 0")
    path = lab.path("socket", "")
    refusal(lab, ["run", "--gdb", f"unix:{path}", build(lab)], lib.EXIT_HOST_LACKS,
            "is in use", "remove that file")


@lib.test_each(*TARGETS)
def calls_functions(lab, target):
    """In an image of gcc's: clang's whole-program optimisation takes the calling convention away."""
    lib.need("gdb")
    path = lab.path("debugged")
    built = lab.run([lib.DIATOM, "build", "--cc", "gcc", "-O0",
                     os.path.join(lib.ROOT, "test/images/debugged.c"), "-o", path], timeout=120)
    lib.equal(built.code, 0, f"{built.err}exit code of diatom build")
    script = lab.path("script", "break add\ncontinue\nfinish\ndelete\nprint add(7)\nkill\n")
    with open(script) as stdin:
        result = lab.run([lib.DIATOM, "gdb", "--as", target, path], stdin=stdin)
    lib.contains(result.out, "Value returned is $1 = 2")
    lib.contains(result.out, "$2 = 16")


@lib.test_each("process", "qemu")
def reads_are_watched(lab, target):
    """Where there are debug registers, or QEMU's like of them."""
    lib.need("gdb")
    script = lab.path("script", "break add\ncontinue\ndelete\nrwatch total\ncontinue\nkill\n")
    with open(script) as stdin:
        result = lab.run([lib.DIATOM, "gdb", "--as", target, build(lab)], stdin=stdin)
    lib.contains(result.out, "Hardware read watchpoint 2: total\n\nValue = 0\n")
    lib.contains(result.out, "in add (number=1)")


def commands_of(block):
    """[(command, what it is followed by, gdb's commands with what each prints)] of a console block."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:].split(), [], []))
        elif line.startswith("(gdb) "):
            found[-1][1].append(line[len("(gdb) "):])
        elif line.strip():
            found[-1][2].append(line)
    return found


def squeezed(text):
    return re.sub(r"[ \t]+", " ", re.sub(r"0x[0-9a-f]+", "ADDRESS", text)).strip()


def in_order(lines, text):
    """Each line is somewhere in the text, behind the one before."""
    at = 0
    for line in lines:
        found = squeezed(text).find(squeezed(line), at)
        lib.check(found >= 0, f"the page says {line!r}, gdb: {text}")
        at = found


@lib.test_each(*TARGETS)
def page(lab, target):
    """doc/debugging.md does what it says."""
    lib.need("gdb", *{"vm": ["kvm"], "qemu": ["qemu-system-x86_64"]}.get(target, []))
    with open(os.path.join(lib.ROOT, "doc/debugging.md")) as file:
        text = file.read()
    with socket.create_server(("127.0.0.1", 0)) as free:
        text = text.replace("1234", str(free.getsockname()[1]))
    lab.path("count.c", re.search(r"(?s)`count\.c`:\n```c\n(.*?)```", text)[1])
    waiting, count = [], 0
    for block in re.findall(r"(?s)```console\n(.*?)```", text):
        for words, said, printed in commands_of(block):
            argv = [lib.DIATOM, *words[1:]]
            if words[1] != "build" and "--port" not in words:
                argv[2:2] = ["--as", target]
            count += 1
            if words[1] == "run":
                waiting.append(lab.start(argv))
                waiting[-1].wait_for_text(printed[0])
                continue
            with open(lab.path("script", "\n".join(said) + "\n")) as stdin:
                result = lab.run(argv, stdin=stdin, timeout=60)
            lib.equal(result.code, 0, f"{result}exit code of {words}")
            in_order(printed, result.out)
    lib.equal(count, 4, "commands of the page")
    lib.equal([run.wait(10) for run in waiting], [KILLED], "exit codes")


lib.main()
