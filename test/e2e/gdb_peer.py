"""
gdb's socket, by hand: what a hostile or clumsy peer can do, how a body is stopped and crashes, and how
each run ends. Every test is for VM and process.
"""
import os
import signal
import socket
import stat
import time

import lib
from gdb_client import TARGETS, KILLED, Body, build


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


@lib.test_each(*TARGETS)
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


@lib.test_each(*TARGETS)
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


@lib.test_each(*TARGETS)
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


@lib.test_each(*TARGETS)
def vanishes_while_it_runs(lab, target):
    body = Body(lab, target, "sleep")
    client = body.connect()
    client.go("vCont;c")
    time.sleep(0.2)
    client.socket.close()
    time.sleep(0.2)
    lib.check(body.run.alive(), "it ended with gdb")
    lib.equal(body.run.stop(), 0, f"{body.run.describe()}exit code")


@lib.test_each(*TARGETS)
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


@lib.test_each(*TARGETS)
def steps_through(lab, target):
    """Instruction by instruction from the first to the last, platform and system calls too."""
    body = Body(lab, target, "steps")
    client = body.connect()
    client.ask("QStartNoAckMode")
    client.packet("vCont;r0,7fffffffffff:1")
    lib.equal(client.read(), "W04", f"{body.run.describe()}the last packet")
    lib.equal(body.run.out(), "step 0\nstep 1\nstep 2\n", "standard output")
    lib.equal(body.run.wait(10), 4, "exit code")


@lib.test_each(*[f"{target}_{how}" for target in TARGETS for how in ("sleep", "spin")])
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


@lib.test_each(*TARGETS)
def kills(lab, target):
    body = Body(lab, target)
    lib.equal(body.connect().ask("vKill;1"), "OK", "vKill")
    lib.equal(body.run.wait(10), KILLED, "exit code")


# How the body crashes: gdb's signal, what the report says then.
CRASHES = {"fault": ("0b", "write to unmapped memory"), "divide": ("08", "division by zero"),
           "invalid": ("04", "invalid instruction"), "trap": ("05", "breakpoint"),
           "told": ("06", "as I was told")}


@lib.test_each(*[f"{target}_{how}" for target in TARGETS for how in CRASHES])
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


@lib.test_each(*TARGETS)
def mends(lab, target):
    """gdb takes the fault away: the body goes on behind it."""
    body = Body(lab, target, "trap")
    client = body.connect()
    client.go("vCont;c")
    lib.equal(client.read()[:3], "T05", "the stop")
    client.go("vCont;c")
    lib.equal(client.read(), "W05", "the end")
    lib.equal(body.run.wait(10), 5, "exit code")


@lib.test_each(*TARGETS)
def writes_sealed_memory(lab, target):
    """What the body itself can't: text, and back."""
    client = Body(lab, target, "steps").connect()
    pc = client.register(16)
    old = client.ask(f"m{pc:x},8")
    lib.equal(client.ask(f"M{pc:x},8:" + "90" * 8), "OK", "writing text")
    lib.equal(client.ask(f"m{pc:x},8"), "90" * 8, "text")
    lib.equal(client.ask(f"M{pc:x},8:{old}"), "OK", "writing text")


@lib.test_each(*TARGETS)
def term_while_it_stands(lab, target):
    body = Body(lab, target)
    client = body.connect()
    lib.check(client.is_alive(), "no answer")
    body.run.signal(signal.SIGTERM)
    lib.equal(body.run.wait(10), 128 + signal.SIGTERM, f"{body.run.describe()}exit code")


@lib.test_each(*TARGETS)
def term_while_it_runs(lab, target):
    """Asks the body to finish, as ever; gdb hears of the end."""
    body = Body(lab, target, "sleep")
    client = body.connect()
    client.go("vCont;c")
    time.sleep(0.2)
    body.run.signal(signal.SIGTERM)
    lib.equal(client.read(), "W00", f"{body.run.describe()}the last packet")
    lib.equal(body.run.wait(10), 0, "exit code")


@lib.test_each(*TARGETS)
def term_while_it_steps(lab, target):
    """The same with a watchpoint that is kept by steps."""
    body = Body(lab, target, "sleep")
    client = body.connect()
    lib.equal(client.ask(f"Z2,{client.register(7) - 16384:x},40"), "OK", "Z2")
    client.go("vCont;c")
    body.run.wait_for_text("up in")
    time.sleep(0.5)
    body.run.signal(signal.SIGTERM)
    lib.equal(client.read(), "W00", f"{body.run.describe()}the last packet")
    lib.equal(body.run.wait(10), 0, "exit code")


@lib.test_each(*[f"{target}_{when}" for target in TARGETS for when in ("waiting", "standing", "running")])
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


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


@lib.test_each("vm", "process")
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
