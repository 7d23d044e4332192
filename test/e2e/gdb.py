"""
gdb on a running image, as VM and as process: the ten operations that an engineer uses most, from a
recorded session (gdb/session.gdb, gdb/session.expected); then what a hostile or clumsy peer on that
socket can do, and how each run ends.

DIATOM_RECORD=1 test/e2e/gdb.py 'session_vm' writes session.expected anew.
"""
import atexit
import os
import re
import shutil
import signal
import socket
import stat
import tempfile
import time

import lib

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gdb")
KILLED = 128 + signal.SIGKILL
BOTH = ("vm", "process")
_built = {}


def build(lab):
    """test/images/debugged.c, once, in a directory of this process's own."""
    if "debugged" not in _built:
        directory = tempfile.mkdtemp(prefix=f"dt{os.getpid()}.gdb.")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "debugged")
        built = lab.run([lib.DIATOM, "build", "-O0",
                         os.path.join(lib.ROOT, "test/images/debugged.c"), "-o", path], timeout=120)
        lib.equal(built.code, 0, f"{built.err}exit code of diatom build")
        _built["debugged"] = path
    return _built["debugged"]


class Body:
    """A `diatom run --gdb 0` and the port that it waits on."""

    def __init__(self, lab, target, *words, options=()):
        self.run = lab.boot(build(lab), *words, target=target,
                            options=["--gdb", "0", *options])
        self.run.wait_for_text("waiting for gdb on")
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", self.run.err())[1])

    def connect(self):
        return Client(self.port)


class Client:
    """gdb's side of the protocol, by hand."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.got = b""

    def send(self, data):
        self.socket.sendall(data)

    def packet(self, payload):
        payload = payload.encode() if isinstance(payload, str) else payload
        self.send(b"$%s#%02x" % (payload, sum(payload) & 255))

    def read(self):
        """One acknowledgement or packet; its checksum is checked. '' at the end."""
        while True:
            if self.got[:1] in (b"+", b"-"):
                found, self.got = self.got[:1], self.got[1:]
                return found.decode()
            match = re.match(rb"\$([^#]*)#([0-9a-f]{2})", self.got)
            if match:
                self.got = self.got[match.end():]
                lib.equal(sum(match[1]) & 255, int(match[2], 16), "checksum")
                return match[1].decode("latin-1")
            more = self.socket.recv(65536)
            if not more:
                return ""
            self.got += more

    def ask(self, payload):
        """The answer to a packet, its acknowledgement checked."""
        self.packet(payload)
        lib.equal(self.read(), "+", f"the acknowledgement of {payload!r}")
        return self.read()

    def go(self, payload):
        """A packet that lets the body run: there is no answer but the stop."""
        self.packet(payload)
        lib.equal(self.read(), "+", f"the acknowledgement of {payload!r}")

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def is_alive(self):
        return self.ask("?").startswith("T05")


def normal(text):
    """Without what differs from run to run: addresses, and where exactly an interrupt came."""
    text = re.sub(r"(0x[0-9a-f]+ in )?spin \(\) at .*\n.*", "spin ()", text)
    text = re.sub(r"0x[0-9a-f]+", "ADDRESS", text)
    text = re.sub(r"\t.*diatom/\w+/\w+\.c: No such file or directory\.\n", "", text)
    text = re.sub(r"(?m)^\d+\t(in )?diatom/.*\n", "", text)
    text = re.sub(r"at (\S*/)?(diatom/\S+\.c):\d+", r"at \2", text)
    text = re.sub(r"file (\S*/)?(diatom/\S+\.c), line \d+", r"file \2", text)
    text = re.sub(r"(?m)^[a-z.]+_?\w+ +\d+$", "COUNTER", text)
    text = re.sub(r"(?m)(, waiting\)).*$", r"\1", text)
    text = re.sub(r"(?m)^#0 .* at diatom/core/.*$", "#0 in the core", text)
    text = re.sub(r"(?m)^#\d+ +ADDRESS in wait_for_news", "#N wait_for_news", text)
    text = re.sub(r"(?m)^eflags .*$", "eflags", text)
    return re.sub(r"(COUNTER\n)+", "COUNTERS\n", text)


@lib.test_each(*BOTH)
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


@lib.test_each(*BOTH)
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


@lib.test
def unix_socket(lab):
    """For its owner only, and gone once gdb is there."""
    path = lab.path("debug.socket")
    run = lab.boot(build(lab), "steps", target="process", options=["--gdb", f"unix:{path}"])
    run.wait_for_text("waiting for gdb on")
    lib.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "the socket's mode")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        lib.until(lambda: not os.path.exists(path), 5, "the socket's removal")
    lib.equal(run.wait(10), 4, "exit code after gdb vanished")


@lib.test_each("INT", "TERM")
def ends_while_it_waits(lab, name):
    """And leaves no socket behind."""
    path, number = lab.path("debug.socket"), getattr(signal, "SIG" + name)
    run = lab.boot(build(lab), target="process", options=["--gdb", f"unix:{path}"])
    run.wait_for_text("waiting for gdb on")
    run.signal(number)
    lib.equal(run.wait(10), 128 + number, f"{run.describe()}exit code")
    lib.check(not os.path.exists(path), "the socket is still there")


@lib.test_each(*BOTH)
def second_client(lab, target):
    body = Body(lab, target)
    client = body.connect()
    lib.check(client.is_alive(), "no answer")
    try:
        body.connect()
        lib.check(False, "a second client was let in")
    except ConnectionRefusedError:
        pass
    lib.check(client.is_alive(), "the first client is gone")


MALFORMED = [
    b"", b"garbage\0\xff", b"$", b"$#", b"#00", b"$g#zz", b"$}#7d", b"$$$$", b"----", b"++++",
    b"\x03\x03\x03", b"$mffffffffffffffff,ffffffffffffffff#00", b"$" + b"A" * 100000,
]
WRONG = ["m", "m1", "m,", "m1,2,3:", "mfffffffffffffffff,1", "M0,1:00", "M0,ffffffffffffffff:00",
         "X0,8:abc", "Z0", "Z0,,", "Z0,0,1", "Z2,0,0", "z2,zz,1", "P", "P=", "P10", "Pffff=00", "G",
         "Gzz", "p", "p999999", "Hg", "HgQ", "Tzz", "vCont;", "vCont;q", "vCont;r1",
         "qXfer:features:read:target.xml:", "qXfer:features:read:target.xml:ffffffffffffffff,1"]


@lib.test_each(*BOTH)
def malformed(lab, target):
    body = Body(lab, target, "steps")
    client = body.connect()
    for data in MALFORMED:
        # A packet's start ends whatever was begun; a negative answer to it may come first.
        client.send(data)
        client.packet("vMustReplyEmpty")
        client.packet("vMustReplyEmpty")
        time.sleep(0.02)
        while client.read() != "+":
            pass
        client.got = b""
        lib.check(body.run.alive(), f"{data[:40]!r} ended it: {body.run.describe()}")
    client.socket.settimeout(0.2)
    try:
        while client.read() is not None:
            pass
    except socket.timeout:
        client.socket.settimeout(10)
    client.packet("vMustReplyEmpty")
    lib.equal((client.read(), client.read()), ("+", ""), "the answer")
    for payload in WRONG:
        lib.equal(client.ask(payload)[:1], "E", f"the answer to {payload}")
    client.send(b"$?#00")
    lib.equal(client.read(), "-", "the answer to a wrong checksum")
    lib.check(client.is_alive(), "no answer")
    # Largest answers.
    lib.check(len(client.ask(f"m{client.register(16):x},ffffff")) <= 16384, "too long an answer")
    lib.equal(client.ask("D"), "OK", "detach")
    lib.equal(body.run.wait(10), 4, f"{body.run.describe()}exit code")


@lib.test_each(*BOTH)
def vanishes(lab, target):
    """gdb dies within a packet, with a breakpoint set: as if it had detached."""
    body = Body(lab, target, "steps")
    client = body.connect()
    pc = client.register(16)
    lib.equal(client.ask(f"Z0,{pc:x},1"), "OK", "Z0")
    client.send(b"$m10")
    client.socket.close()
    lib.equal(body.run.wait(10), 4, f"{body.run.describe()}exit code")
    lib.equal(body.run.out(), "step 0\nstep 1\nstep 2\n", "standard output")


@lib.test_each(*BOTH)
def vanishes_while_it_runs(lab, target):
    body = Body(lab, target, "sleep")
    client = body.connect()
    client.go("vCont;c")
    time.sleep(0.2)
    client.socket.close()
    time.sleep(0.2)
    lib.check(body.run.alive(), "it ended with gdb")
    lib.equal(body.run.stop(), 0, f"{body.run.describe()}exit code")


@lib.test_each(*BOTH)
def vanishes_while_it_steps(lab, target):
    """No trap of gdb's is left behind to crash the body."""
    bodies = [Body(lab, target, "spin") for _ in range(3)]
    for body in bodies:
        client = body.connect()
        lib.equal(client.ask(f"Z2,{client.register(7):x},20"), "OK", "Z2")
        lib.equal(client.ask(f"Z2,{client.register(7) - 128:x},40"), "OK", "Z2")
        client.go("vCont;c")
        time.sleep(0.1)
        client.socket.close()
    time.sleep(0.3)
    for body in bodies:
        lib.check(body.run.alive(), f"it ended with gdb: {body.run.describe()}")
        body.run.signal(signal.SIGTERM)
        time.sleep(0.1)
        body.run.signal(signal.SIGTERM)
        lib.equal(body.run.wait(10), 128 + signal.SIGTERM, f"{body.run.describe()}exit code")


@lib.test_each(*BOTH)
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


@lib.test_each(*BOTH)
def steps_through(lab, target):
    """Instruction by instruction from the first to the last, platform and system calls too."""
    body = Body(lab, target, "steps")
    client = body.connect()
    client.ask("QStartNoAckMode")
    client.packet("vCont;r0,7fffffffffff:1")
    lib.equal(client.read(), "W04", f"{body.run.describe()}the last packet")
    lib.equal(body.run.out(), "step 0\nstep 1\nstep 2\n", "standard output")
    lib.equal(body.run.wait(10), 4, "exit code")


@lib.test_each(*[f"{target}_{how}" for target in BOTH for how in ("sleep", "spin")])
def interrupts(lab, name):
    """A body that sleeps without end, and one that never leaves its loop; stepped through, too."""
    target, how = name.split("_")
    body = Body(lab, target, how)
    client = body.connect()
    for i in range(30):
        if i == 10:
            # More than debug registers hold, where nobody writes.
            lib.equal(client.ask(f"Z2,{client.register(7) - 8192:x},40"), "OK", "Z2")
        client.go("vCont;c")
        time.sleep(0.001 * (i % 5))
        client.send(b"\x03")
        lib.equal(client.read()[:3], "T02", "the stop")
        lib.equal(client.register(18) & 3, 3, "the ring")
        lib.equal(client.register(17) & 0x100, 0, "the trap flag")
    lib.equal(client.ask("D"), "OK", "detach")
    time.sleep(0.2)
    lib.check(body.run.alive(), f"it ended: {body.run.describe()}")


@lib.test_each(*BOTH)
def kills(lab, target):
    body = Body(lab, target)
    lib.equal(body.connect().ask("vKill;1"), "OK", "vKill")
    lib.equal(body.run.wait(10), KILLED, "exit code")


# How the body crashes: gdb's signal, what the report says then.
CRASHES = {"fault": ("0b", "write to unmapped memory"), "divide": ("08", "division by zero"),
           "invalid": ("04", "invalid instruction"), "trap": ("05", "breakpoint"),
           "told": ("06", "as I was told")}


@lib.test_each(*[f"{target}_{how}" for target in BOTH for how in CRASHES])
def crashes(lab, name):
    """It stands where it crashed, before the report; with the signal, it goes on to the report."""
    target, how = name.split("_")
    sign, text = CRASHES[how]
    body = Body(lab, target, how)
    client = body.connect()
    client.go("vCont;c")
    lib.equal(client.read()[:3], "T" + sign, f"{body.run.describe()}the stop")
    lib.check("crashed" not in body.run.err(), "the report came first")
    client.go(f"vCont;C{sign}")
    lib.equal(client.read(), "W7b", "the end")
    lib.equal(body.run.wait(10), lib.EXIT_CRASHED, "exit code")
    lib.contains(body.run.err(), text, "the report")


@lib.test_each(*BOTH)
def mends(lab, target):
    """gdb takes the fault away: the body goes on behind it."""
    body = Body(lab, target, "trap")
    client = body.connect()
    client.go("vCont;c")
    lib.equal(client.read()[:3], "T05", "the stop")
    client.go("vCont;c")
    lib.equal(client.read(), "W05", "the end")
    lib.equal(body.run.wait(10), 5, "exit code")


@lib.test_each(*BOTH)
def writes_sealed_memory(lab, target):
    """What the body itself can't: text, and back."""
    client = Body(lab, target, "steps").connect()
    pc = client.register(16)
    old = client.ask(f"m{pc:x},8")
    lib.equal(client.ask(f"M{pc:x},8:" + "90" * 8), "OK", "writing text")
    lib.equal(client.ask(f"m{pc:x},8"), "90" * 8, "text")
    lib.equal(client.ask(f"M{pc:x},8:{old}"), "OK", "writing text")


@lib.test_each(*BOTH)
def term_while_it_stands(lab, target):
    body = Body(lab, target)
    client = body.connect()
    lib.check(client.is_alive(), "no answer")
    body.run.signal(signal.SIGTERM)
    lib.equal(body.run.wait(10), 128 + signal.SIGTERM, f"{body.run.describe()}exit code")


@lib.test_each(*BOTH)
def term_while_it_runs(lab, target):
    """Asks the body to finish, as ever; gdb hears of the end."""
    body = Body(lab, target, "sleep")
    client = body.connect()
    client.go("vCont;c")
    time.sleep(0.2)
    body.run.signal(signal.SIGTERM)
    lib.equal(client.read(), "W00", f"{body.run.describe()}the last packet")
    lib.equal(body.run.wait(10), 0, "exit code")


@lib.test_each(*[f"{target}_{when}" for target in BOTH for when in ("waiting", "standing", "running")])
def time_limit(lab, name):
    target, when = name.split("_")
    body = Body(lab, target, "spin", options=["--timeout", "0.6"])
    if when != "waiting":
        client = body.connect()
        lib.check(client.is_alive(), "no answer")
    if when == "running":
        client.go("vCont;c")
    lib.equal(body.run.wait(10), lib.EXIT_TIMED_OUT, f"{body.run.describe()}exit code")
    lib.contains(body.run.err(), "time is up")


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


@lib.test_each("vm", "process")
def page(lab, target):
    """doc/debugging.md does what it says."""
    lib.need("gdb", *(["kvm"] if target == "vm" else []))
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


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@lib.test_each(*BOTH)
def jail(lab, target):
    """Monitor, tracer and body are jailed as without gdb, but for the socket."""
    body = Body(lab, target, "sleep")
    client = body.connect()
    lib.check(client.is_alive(), "no answer")
    pids = body.run.children()
    lib.equal(len(pids), 1 if target == "vm" else 2, "processes")
    client.go("vCont;c")
    for pid in pids:
        lib.until(lambda pid=pid: status(pid)["Seccomp"] == "2", 5, "the filter")
        now = status(pid)
        lib.equal((now["NoNewPrivs"], int(now["CapEff"], 16), int(now["CapPrm"], 16)), ("1", 0, 0),
                  "privileges")
        if os.geteuid() == 0:
            lib.equal(now["Uid"].split(), ["65534"] * 4, "user")
        sockets = [fd for fd in os.listdir(f"/proc/{pid}/fd")
                   if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")]
        lib.equal(len(sockets), 1 if pid == pids[0] else 0, "sockets")


@lib.test
def dies_with_its_tracer(lab):
    body = Body(lab, "process", "spin")
    client = body.connect()
    lib.check(client.is_alive(), "no answer")
    child = body.run.children()[1]
    client.go("vCont;c")
    body.run.kill()
    lib.until(lambda: not os.path.exists(f"/proc/{child}"), 5, "the body's end")


lib.main()
