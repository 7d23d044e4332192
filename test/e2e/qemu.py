"""
What is QEMU's alone: the command that --print shows, what gets through the kernel command line, exit
codes, devices that the shim must refuse, and that an idle image lets the CPU be. The scripts beside this
one run the same tests in QEMU as elsewhere.
"""
import os
import shlex
import socket
import subprocess
import time

import lib

ARGUMENTS = """
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("[%s]", argv[i]);
	puts("");
	return argc > 1 ? atoi(argv[1]) : 0;
}
"""

TRICKY = ["7", "two words", "it's", 'say "so"', "a,b,,c", "%41%", "back\\slash", "", "$HOME `id`", "--",
          "net=eth9", "virtio_mmio.device=512@0xfeb00000:5", "tab\tand\nline", "grün", "-kernel"]
MACHINES = {"qemu": "microvm", "q35": "q35"}


class Built:
    """Programs of this script, built once."""
    paths = {}


def build(lab, name, source):
    if name not in Built.paths:
        path = os.path.join(lib.BUILD, "test", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        done = lab.run([lib.DIATOM, "build", lab.path(name + ".c", source.encode()), "-o", path],
                       timeout=120)
        lib.equal(done.code, 0, f"{done.err}exit code of diatom build")
        Built.paths[name] = path
    return Built.paths[name]


def printed(lab, *words, machine="microvm"):
    """The command that diatom shows, as a shell understands it."""
    done = lab.run([lib.DIATOM, "run", "--as", "qemu", "--accel", "tcg", "--machine", machine,
                    "--print", *words])
    lib.equal((done.code, done.err), (0, ""), "exit code and errors of --print")
    shown = lab.run(["sh", "-c", f'show() {{ printf "%s\\0" "$@"; }}\nshow {done.out}'])
    lib.equal(shown.code, 0, f"{shown.err}the shell's exit code")
    return shown.out.split("\0")[:-1]


def after(words, option):
    """The value of an option."""
    lib.check(option in words, f"no {option} in {shlex.join(words)}")
    return words[words.index(option) + 1]


@lib.test_each(*MACHINES)
def printed_command_runs(lab, target):
    """What --print shows, run by hand: QEMU's status is main's result, doubled, and one."""
    lib.target_options(target)
    image = build(lab, "arguments", ARGUMENTS)
    command = printed(lab, image, "6", "x y", machine=MACHINES[target])
    done = lab.run(command, timeout=20)
    lib.equal((done.code, done.out.replace("\r", "")), (13, "[6][x y]\n"), f"{done.err}what came")


ZONE = """$ORIGIN example.org.
$TTL 60
@ IN SOA ns1 admin 7 2 3 4 5
@ IN NS ns1
ns1 IN A 192.0.2.53
by-hand IN A 192.0.2.78
"""


@lib.test
def printed_command_hands_a_file_over(lab):
    lib.need("qemu-system-x86_64", "dig")
    net = lab.network()
    command = printed(lab, "--net", f"eth0=tap:{net.tap},ip={net.body}/{net.prefix}", "--file",
                      "zone=" + lab.path("a,b c.zone", ZONE), lib.image("dns"))
    lab.start(command, inside=net).wait_for_ping(net.body, seconds=20)
    answer = lab.run(["dig", "+short", "+norecurse", f"@{net.body}", "by-hand.example.org", "A"],
                     inside=net)
    lib.equal(answer.out, "192.0.2.78\n", "the answer")


FILES = """
#include <stdio.h>
#include <diatom/app.h>

DIATOM_BLOB(first);
DIATOM_BLOB(second);
DIATOM_BLOB(third);

static void show(struct view v)
{
	unsigned sum = 0;

	for (size_t i = 0; i < v.length; i++)
		sum = sum * 31 + v.data[i];
	printf("%zu %u\\n", v.length, sum);
}

int main(void)
{
	show(blob_view(&first));
	show(blob_view(&second));
	show(blob_view(&third));
	return 0;
}
"""


@lib.test_each("process", *MACHINES)
def files_come_through(lab, target):
    """Of every length, an empty one among them, in any order of the options."""
    contents = {"first": b"", "second": b"x" * 4096, "third": bytes(range(256)) * 20000 + b"end"}
    options = [word for name in ("third", "first", "second")
               for word in ("--file", f"{name}={lab.path(name, contents[name])}")]
    result = lab.boot_and_wait(build(lab, "files", FILES), target=target, options=options)
    wanted = ""
    for data in contents.values():
        total = 0
        for byte in data:
            total = (total * 31 + byte) & 0xffffffff
        wanted += f"{len(data)} {total}\n"
    lib.equal((result.code, result.out), (0, wanted), f"{result.err}code and output")


@lib.test
def qemu_is_jailed(lab):
    """Started as root, the emulator is nobody, can do nothing of root's, and has its sandbox on."""
    lib.need("root")
    body = lab.boot("echo", target="qemu", net=lab.network())
    body.wait_for_ping()
    names = {}
    for pid in body.children():
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        names[status["Name"]] = status
        if status["Name"] == "qemu-system-x86":
            with open(f"/proc/{pid}/environ") as file:
                lib.equal(file.read(), "", "QEMU's environment")
    qemu = names["qemu-system-x86"]
    lib.equal((qemu["Uid"].split(), qemu["CapEff"], qemu["CapPrm"], qemu["Seccomp"]),
              (["65534"] * 4, "0" * 16, "0" * 16, "2"), "user, capabilities, seccomp")
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test
def kvm_missing(lab):
    lib.need("root", "unshare", "qemu-system-x86_64")
    result = lab.run(["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev && exec "$0" "$@"',
                      lib.DIATOM, "run", "--as", "qemu", "--accel", "kvm", lib.image("hello")])
    lib.equal((result.code, result.out), (lib.EXIT_HOST_LACKS, ""), f"{result.err}code and output")
    lib.contains(result.err, "--accel tcg")


@lib.test
def q35_by_its_own_firmware(lab):
    """SeaBIOS, which gives the PCI devices their addresses, instead of qboot, which doesn't."""
    lib.need("qemu-system-x86_64", "dig")
    net = lab.network()
    command = printed(lab, "--net", f"eth0=tap:{net.tap},ip={net.body}/{net.prefix}",
                      lib.image("dns"), machine="q35")
    at = command.index("-bios")
    del command[at:at + 2]
    body = lab.start(command, inside=net)
    body.wait_for_ping(net.body, seconds=20)
    answer = lab.run(["dig", "+short", "+norecurse", f"@{net.body}", "example.org", "SOA"], inside=net)
    lib.contains(answer.out, "ns1.example.org.", "the answer")


# How the network device is put into q35 by hand, with SeaBIOS: words in its place, words behind, and what
# QEMU then says of the device's memory.
PLACES = {
    "behind_a_bridge": (["-device", "pcie-root-port,id=root-port"], ",bus=root-port", [], "Bus  1, device   0"),
    # A neighbour so large that firmware puts all 64-bit BARs above 4 GiB: ours is moved below again.
    "above_4_gib": ([], "", ["-object", "memory-backend-ram,id=ram,size=2G",
                             "-device", "ivshmem-plain,memdev=ram"], "memory at 0xe0000000"),
}


@lib.test_each(*PLACES)
def device_elsewhere(lab, name):
    lib.need("qemu-system-x86_64")
    before, more, behind, seen = PLACES[name]
    net = lab.network()
    command = printed(lab, "--net", f"eth0=tap:{net.tap},ip={net.body}/{net.prefix}",
                      lib.image("echo"), machine="q35")
    at = command.index("-bios")
    del command[at:at + 2]
    at = command.index("-netdev")
    command[at + 3] += more
    command[at:at] = before
    path = lab.path("monitor")
    command += behind + ["-monitor", f"unix:{path},server=on,wait=off"]
    lab.start(command, inside=net).wait_for_ping(net.body, seconds=20)
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(5)
        monitor.connect(path)
        monitor.sendall(b"info pci\n")
        told = ""
        while seen not in told:
            told += monitor.recv(65536).decode(errors="replace")


@lib.test
def least_command(lab):
    """The one in doc/everywhere.md."""
    lib.need("qemu-system-x86_64")
    with open(os.path.join(lib.ROOT, "doc", "everywhere.md")) as file:
        text = file.read()
    start = text.index("$ qemu-system-x86_64 -M microvm")
    command = text[start + 2:text.index(" </dev/null", start)]
    words = shlex.split(command.replace("\\\n>", " "))
    lib.equal(words[-2:], ["-kernel", "hello"], "the command's end")
    done = lab.run(words[:-1] + [lib.image("hello")], timeout=20)
    lib.equal((done.code, done.out), (1, "hello\n"), f"{done.err}what came")


@lib.test_each(*MACHINES)
def crash_by_hand(lab, target):
    """Nobody looks into the memory: the shim tells, and `diatom symbolize` names what it tells."""
    lib.need("qemu-system-x86_64")
    with open(os.path.join(lib.ROOT, "test/images/crash.c")) as file:
        path = build(lab, "by-hand", file.read())
    for cause, words in (("null_read", "read of unmapped memory: NULL"), ("assertion", "by-hand.c:83: broken"),
                         ("write_constant", "write to read-only image constants")):
        done = lab.run(printed(lab, path, cause, machine=MACHINES[target]), timeout=20)
        lib.equal(done.code, (lib.EXIT_CRASHED << 1 | 1) & 255, f"{done.out}{done.err}QEMU's status")
        lib.contains(done.out, f"crashed: {words}", "the report")
        lib.contains(done.out, "called by (likely) image+0x", "the report")
        named = subprocess.run([lib.DIATOM, "symbolize", path], input=done.out, capture_output=True,
                               text=True, timeout=20)
        lib.contains(named.stdout, "perform+0x", "the report with names")


@lib.test_each(8, 2048, 5000)
def memory_mib(lab, mib):
    """From little to more than lies below 4 GiB."""
    result = lab.boot_and_wait("hello", target="qemu", mem=mib)
    lib.equal((result.code, result.out), (0, "hello\n"), f"{result.err}code and output")


TWO_NETS = """
#include <diatom/udp.h>

DIATOM_NET(one);
DIATOM_NET(two);

int main(void)
{
	struct udp_datagram d;
	struct udp_socket *s;

	if (net_up(&one) != OK)
		return 1;
	s = udp_open(&two, 7);
	while (s && udp_receive(s, &d, FOREVER) == OK)
		udp_reply(s, &d, d.payload);
	return 0;
}
"""


@lib.test_each(*MACHINES)
def two_interfaces(lab, target):
    """Each is on its own tap, whatever the order in which QEMU's devices are found."""
    net = lab.network()
    net.ip("tuntap", "add", "tap1", "mode", "tap", "vnet_hdr")
    net.ip("addr", "add", "10.9.7.1/24", "dev", "tap1")
    net.ip("link", "set", "tap1", "up")
    body = lab.start([lib.DIATOM, "run", *lib.target_options(target),
                      "--net", f"one=tap:{net.tap},ip={net.body}/24",
                      "--net", "two=tap:tap1,ip=10.9.7.2/24", build(lab, "two-nets", TWO_NETS)],
                     inside=net)
    body.wait_for_ping("10.9.7.2")
    body.wait_for_ping(net.body)
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test
def print_needs_no_tap(lab):
    """The command may be for another machine. Paths with commas and blanks stay one word."""
    odd = lab.path("a,b c.pcap")
    words = printed(lab, "--net", "eth0=tap:nothere,ip=10.0.0.2/24,gw=10.0.0.1", "--pcap", odd, "--mem",
                    "128", "--log", "debug", lib.image("echo"))
    lib.contains(after(words, "-netdev"), "ifname=nothere", "-netdev")
    lib.contains(after(words, "-object"), "file=" + odd.replace(",", ",,"), "-object")
    lib.equal(after(words, "-m"), "128M", "-m")
    line = after(words, "-append")
    for part in ("net=eth0,mac=", ",ip=10.0.0.2/24,gw=10.0.0.1", "log=debug"):
        lib.contains(line, part, "-append")
    lib.equal(after(words, "-kernel"), lib.image("echo"), "-kernel")
    lib.check(not os.path.exists(odd), "--print made the capture's file")


@lib.test_each(*MACHINES)
def arguments_come_through(lab, target):
    result = lab.boot_and_wait(build(lab, "arguments", ARGUMENTS), *TRICKY, target=target)
    lib.equal(result.out, "".join(f"[{word}]" for word in TRICKY) + "\n", f"{result.err}arguments")
    lib.equal(result.code, 7, "exit code")


@lib.test
def too_many_arguments_for_the_line(lab):
    lib.need("qemu-system-x86_64")
    result = lab.boot_and_wait("hello", "x" * 5000, target="qemu")
    lib.equal((result.code, result.out), (lib.EXIT_USAGE, ""), "code and output")
    lib.contains(result.err, "don't fit a kernel command line")


@lib.test_each(0, 1, 119, 127, 128, 200, 255)
def exit_code(lab, code):
    """All eight bits of it, though QEMU's own status has room for seven."""
    result = lab.boot_and_wait(build(lab, "arguments", ARGUMENTS), str(code), target="qemu",
                               options=["--quiet"])
    lib.equal((result.code, result.out, result.err), (code, f"[{code}]\n", ""), "code, output, errors")


@lib.test
def qemu_missing(lab):
    result = lab.run([lib.DIATOM, "run", "--as", "qemu", lib.image("hello")],
                     environment={"PATH": lab.directory})
    lib.equal((result.code, result.out), (lib.EXIT_HOST_LACKS, ""), f"{result.err}code and output")
    lib.contains(result.err, "apt-get install qemu-system-x86")
    lib.equal(len(result.err.splitlines()), 2, f"lines of {result.err!r}")


@lib.test
def qemu_refuses(lab):
    """A CPU that QEMU doesn't know: its words, then ours."""
    lib.need("qemu-system-x86_64")
    result = lab.boot_and_wait("hello", target="qemu", options=["--cpu", "abacus"])
    lib.equal(result.code, lib.EXIT_HOST_LACKS, f"{result.err}exit code")
    lib.contains(result.err, "abacus")
    lib.contains(result.err, "QEMU did not start it")


@lib.test
def tap_in_use(lab):
    net = lab.network()
    lab.boot("echo", target="process", net=net).wait_for_ping()
    result = lab.boot_and_wait("echo", target="qemu", net=net)
    lib.equal(result.code, lib.EXIT_HOST_LACKS, f"{result.err}exit code")
    lib.contains(result.err, "in use by another program")


@lib.test
def old_cpu_is_refused(lab):
    """A CPU without no-execute pages can't hold the seal."""
    lib.need("qemu-system-x86_64")
    result = lab.boot_and_wait("hello", target="qemu",
                               options=["--cpu", "qemu64,-nx", "--timeout", "5"])
    lib.contains(result.out + result.err, "no-execute pages", "what it says")
    lib.check("hello\n" not in result.out, "it ran all the same")


@lib.test
def second_signal_ends_it(lab):
    body = lab.boot("echo", target="qemu", net=lab.network())
    body.wait_for_ping()
    family = body.children()
    body.signal(19)                        # STOP: both signals come at once
    body.signal(15)
    body.signal(2)
    body.signal(18)
    lib.check(body.wait(10) in (130, 143), f"{body.err()}exit code")
    lib.until(lambda: not [p for p in family if os.path.exists(f"/proc/{p}")], 5, "processes gone")


@lib.test
def early_signal_is_kept(lab):
    """TERM before the image starts: it is asked once it does."""
    body = lab.boot("echo", target="q35", net=lab.network())
    lib.until(lambda: len(body.children()) > 1, 10, "QEMU's start", pause=0.001)
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


# A program in QEMU's place: `console` and `report` are its ends of the streams.
PRETENDER = """#!/usr/bin/python3
import os, re, socket, sys, time
ends = dict(re.findall(r"socket,id=(\\w+),fd=(\\d+)", " ".join(sys.argv)))
console, report = (socket.socket(fileno=int(ends[name])) for name in ("console", "report"))
memory = int(re.search(r"mem-path=/proc/self/fd/(\\d+)", " ".join(sys.argv))[1])
crash = lambda: report.send(b"\\1\\2the shim's words\\n\\0\\x7b")
%s
"""

# What it does; code, output, a part of the errors.
PRETENCES = {
    "ends_with_marks": (r"console.send(b'out\n'); report.send(b'\1err\n\0\xc8'); sys.exit(1)",
                        200, "out\n", "err\n"),
    "mark_cut_in_two": (r"report.send(b'\1\0'); time.sleep(0.1); report.send(b'\5')", 5, "", "up in"),
    "reset": (r"report.send(b'\1')", lib.EXIT_CRASHED, "", "reset itself while the image ran"),
    "early_reset": ("pass", lib.EXIT_CRASHED, "", "reset itself before the image ran"),
    "no_start": ("sys.exit(1)", lib.EXIT_HOST_LACKS, "", "QEMU did not start it"),
    "strange_status": (r"report.send(b'\1'); sys.exit(9)", lib.EXIT_INTERNAL, "", "status 9"),
    "killed": ("os.kill(os.getpid(), 9)", lib.EXIT_INTERNAL, "", "died of signal 9"),
    "much_output": (r"console.sendall(b'x' * 300000); report.send(b'\1\0\0')", 0, "x" * 300000, ""),
    "asked_to_finish": (r"report.send(b'\1'); os.kill(os.getppid(), 15); report.send(b'\0' + "
                        r"console.recv(9) + b'')", 3, "", "finished, exit 3"),
    "asked_too_early": (r"os.kill(os.getppid(), 2); time.sleep(0.2); report.send(b'\1'); "
                        r"report.send(b'\0' + console.recv(9))", 3, "", "finished, exit 3"),
    "asked_twice": (r"report.send(b'\1'); os.kill(os.getppid(), 2); console.recv(1); "
                    r"os.kill(os.getppid(), 15); time.sleep(60)", 143, "", ""),
    # A crash that memory doesn't show: nothing there, noise, tables that are their own entries, a file
    # that can't be made shorter under the reader's feet. The shim's own words are all there is.
    "crash_of_nothing": ("crash()", lib.EXIT_CRASHED, "", "the shim's words"),
    "crash_of_noise": ("os.pwrite(memory, os.urandom(0x300000), 0x100000); crash()", lib.EXIT_CRASHED, "",
                       "the shim's words"),
    "crash_of_loops": (r"os.pwrite(memory, b'\7\0\x20\0\0\0\0\0' * 512, 0x200000); "
                       r"os.pwrite(memory, (0x200000).to_bytes(8, 'little') * 7, 0x10f000); crash()",
                       lib.EXIT_CRASHED, "", "the shim's words"),
    "crash_and_no_memory": ("""
try: os.ftruncate(memory, 4096)
except PermissionError: report.send(b'it is sealed\\n')
crash()""", lib.EXIT_CRASHED, "", "it is sealed"),
    "crash_with_many_words": (r"report.sendall(b'\1\2' + b'w' * 100000 + b'\0\x7b')", lib.EXIT_CRASHED, "",
                              "w" * 8192),
}


@lib.test_each(*PRETENCES)
def pretender(lab, name):
    """QEMU as diatom sees it: marks, streams, and each way to end."""
    acts, code, out, err = PRETENCES[name]
    program = lab.path("qemu-system-x86_64", PRETENDER % acts)
    os.chmod(program, 0o755)
    result = lab.run([lib.DIATOM, "run", "--as", "qemu", "--accel", "tcg", lib.image("hello")],
                     environment={"PATH": f"{lab.directory}:{os.environ['PATH']}"}, timeout=20)
    lib.equal((result.code, result.out), (code, out), f"{result.err}code and output")
    lib.contains(result.err, err, "standard error")


# What it does at its gdb server; code, a part of the errors.
DECEITS = {
    "hangs_up": ("gdb.close(); report.send(b'\\1\\0\\5')", 5, "up in"),
    "nonsense": ("gdb.sendall(b'$T05#00' * 99); time.sleep(60)", lib.EXIT_INTERNAL, "gdb server does not do"),
    "no_end": ("gdb.sendall(b'+' * 200000); time.sleep(60)", lib.EXIT_INTERNAL, "gdb server does not do"),
    "all_is_well": ('''
def packet(text): gdb.sendall(b'+$%s#%02x' % (text, sum(text) & 255))
asked = b''
while True:
    got = gdb.recv(4096)
    if not got: sys.exit(9)
    for word in re.findall(rb"\\$([^#]*)#", got):
        if word == b'c': packet(b'T05watch:0000000000010f008;')
        elif word == b'g': packet(b'0' * 1216)
        else: packet(b'OK')''', lib.EXIT_INTERNAL, "gdb server does not do"),
}


@lib.test_each(*DECEITS)
def pretender_under_gdb(lab, name):
    """QEMU's gdb server as diatom's sees it."""
    acts, code, err = DECEITS[name]
    program = lab.path("qemu-system-x86_64", PRETENDER % (
        "gdb = socket.socket(fileno=int(ends['gdb']))\n" + acts))
    os.chmod(program, 0o755)
    result = lab.run([lib.DIATOM, "run", "--as", "qemu", "--gdb", "0", "--timeout", "20", lib.image("hello")],
                     environment={"PATH": f"{lab.directory}:{os.environ['PATH']}"}, timeout=30)
    lib.equal(result.code, code, f"{result.err}exit code")
    lib.contains(result.err, err, "standard error")


@lib.test
def what_does_not_go(lab):
    for words, part in ((["--gdb", "0", "--accel", "kvm"], "say --accel tcg"),
                        (["--print", "--gdb", "0"], "--gdb does not go with --print"),
                        (["--print", "--core", "/nonexistent/c"], "--core does not go with --print"),
                        (["--print", "--name", "a"], "--name does not go with --print"),
                        (["--print", "--detach"], "--detach does not go with --print")):
        result = lab.run([lib.DIATOM, "run", "--as", "qemu", *words, lib.image("hello")])
        lib.equal(result.code, lib.EXIT_USAGE, f"{result.err}exit code")
        lib.contains(result.err, part, "the error")


@lib.test_each("qemu", "q35")
def idle_is_idle(lab, target):
    """An echo server that waits: a spinning guest would take a whole core (bench/qemu.py measures)."""
    body = lab.boot("echo", target=target, net=lab.network())
    body.wait_for_ping()
    before = body.cpu_seconds()
    time.sleep(2)
    lib.check(body.cpu_seconds() - before < 0.5, f"{body.cpu_seconds() - before} s of CPU in 2 s")
    lib.equal(body.stop(), 0, f"{body.err()}exit code")


@lib.test
def device_without_interrupts(lab):
    """virtio-pci that can't wake the CPU: refused by name, not slept through."""
    lib.need("qemu-system-x86_64")
    net = lab.network()
    command = printed(lab, "--net", f"eth0=tap:{net.tap},ip={net.body}/{net.prefix}",
                      lib.image("echo"), machine="q35")
    command[command.index("-device", command.index("-netdev")) + 1] += ",vectors=0"
    done = lab.run(command, inside=net, timeout=20)
    lib.equal(done.code, (lib.EXIT_REFUSED << 1 | 1) & 255, f"{done.out}{done.err}QEMU's status")
    lib.contains(done.out, "no MSI-X interrupts")


lib.main()
