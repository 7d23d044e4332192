"""
User networking: passt between a body and the sockets of its host, without root.

    client --- 127.0.0.1:PORT  passt --- relay --- body 10.0.2.15        in a namespace of its own
    server 10.8.0.2 --- veth --- 10.8.0.1

Each test has a namespace, so ports are free and tests don't meet.
"""
import os
import signal

import lib

TARGETS = ("vm", "process")

ASK = """
import socket, sys
port, sizes = int(sys.argv[1]), [int(n) for n in sys.argv[2:]]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(("127.0.0.1", port))
for size in sizes:
    data = bytes(i * 7 & 255 for i in range(size))
    s.send(data)
    got = s.recv(65536)
    assert got == data, f"{size} bytes came back as {len(got)}"
print("all sizes")
"""

# Prints what comes, and answers with it in capitals.
SERVE = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    data, sender = s.recvfrom(65536)
    print(data.decode(), flush=True)
    s.sendto(data.upper(), sender)
"""

# Occupies ports.
HOLD = """
import socket, sys, time
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
s = socket.socket(socket.AF_INET, kind)
s.bind(("127.0.0.1", int(sys.argv[2])))
kind == socket.SOCK_STREAM and s.listen()
print("ready", flush=True)
time.sleep(60)
"""


def run(lab, inside, target, *words, image="echo", arguments=(), path=None):
    """`diatom run` in a namespace, with another PATH if need be."""
    lib.need("passt")
    if target == "vm":
        lib.need("kvm")
    prefix = ["env", f"PATH={path}"] if path else []
    return lab.start([*prefix, lib.DIATOM, "run", "--as", target, *words, lib.image(image),
                      *arguments], inside=inside)


def server(lab, inside, program, *words):
    process = lab.start(["/usr/bin/python3", "-c", program, *words], inside=inside)
    process.wait_for_text("ready")
    return process


def helpers_of(process):
    """The processes that carry its network: relay and passt."""
    return process.children()[1:]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"  # init may be slow to reap
    except OSError:
        return False


def all_gone(pids, seconds=3):
    lib.until(lambda: not any(map(is_running, pids)), seconds, f"the end of {pids}")


@lib.test_each(*TARGETS)
def echo_of_every_size(lab, target):
    """Datagrams come and go whole, up to passt's largest."""
    ns = lab.namespace()
    body = run(lab, ns, target, "-p", "7007:7")
    body.wait_for_text("up in")
    lib.contains(body.err(), "eth0: 10.0.2.15/24", "the start lines")
    lib.contains(body.err(), "by passt, 127.0.0.1:7007 -> 7", "the start lines")
    sizes = [0, 1, 64, 1472, 1473, 4000, 9000, 40000, 65000]
    done = lab.run(["/usr/bin/python3", "-c", ASK, "7007", *map(str, sizes)], inside=ns)
    lib.equal((done.code, done.out.strip()), (0, "all sizes"), f"{done.err}echo")
    helpers = helpers_of(body)
    lib.equal(len(helpers), 2, "processes that carry the network")
    lib.equal(body.stop(), 0, "exit code")
    all_gone(helpers)


TCP_ASK = """
import socket
for size in (1, 1000, 20000, 60000):
    s = socket.create_connection(("127.0.0.1", 7007), timeout=20)
    data = bytes(i * 7 & 255 for i in range(size))
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    got = b""
    while part := s.recv(65536):
        got += part
    assert got == data, f"{size} bytes came back as {len(got)}"
    s.close()
print("all sizes")
"""


@lib.test_each(*TARGETS)
def tcp_echo(lab, target):
    """Connections to a forwarded port, opened and closed by the client."""
    ns = lab.namespace()
    body = run(lab, ns, target, "-p", "7007:7/tcp", image="tcp-echo")
    body.wait_for_text("up in")
    done = lab.run(["/usr/bin/python3", "-c", TCP_ASK], inside=ns, timeout=90)
    lib.equal((done.code, done.out.strip()), (0, "all sizes"), f"{done.err}echo")
    lib.equal(body.stop(), 0, "exit code")


TCP_BULK = """
import socket, time
SIZE = 20000000
start = time.monotonic()
s = socket.create_connection(("127.0.0.1", 7009), timeout=40)
s.sendall(bytes(SIZE))
s.shutdown(socket.SHUT_WR)
assert s.recv(1) == b""     # it has read all
s.close()
between = time.monotonic()
s = socket.create_connection(("127.0.0.1", 7019), timeout=40)
s.sendall(b"go")            # passt acknowledges the body's SYN-ACK only with the client's first bytes
got = 0
while got < SIZE:
    part = s.recv(1 << 18)
    assert part.strip(b"x") == b"", f"after {got} bytes: {part.strip(b'x')[:20]}"
    assert part, f"ends after {got} bytes"
    got += len(part)
s.close()
print(f"well: in {between - start:.2f} s, out {time.monotonic() - between:.2f} s")
"""


@lib.test_each(*TARGETS)
def tcp_bulk(lab, target):
    """20 MB each way, in segments of 64 KB; every byte arrives."""
    ns = lab.namespace()
    body = run(lab, ns, target, "-p", "7009:9/tcp", "-p", "7019:19/tcp", image=lib.test_image("tcp_stream"))
    body.wait_for_text("up in")
    done = lab.run(["/usr/bin/python3", "-c", TCP_BULK], inside=ns, timeout=100)
    lib.equal((done.code, done.out[:5]), (0, "well:"), f"{done.err}{body.describe()}bulk")
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each(*TARGETS)
def many_queries(lab, target):
    lib.need("dnsperf")
    ns = lab.namespace()
    body = run(lab, ns, target, "-p", "5353:53/udp", image="dns")
    body.wait_for_text("up in")
    queries = lab.path("queries", "example.org SOA\nexample.org NS\nwww.example.org A\n")
    done = lab.run(["dnsperf", "-s", "127.0.0.1", "-p", "5353", "-d", queries, "-n", "5000",
                    "-c4", "-T1", "-q50"], inside=ns, timeout=60)
    lib.contains(done.out, "Queries completed:    15000 (100.00%)", "dnsperf's summary")
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each(*TARGETS)
def manifest_address(lab, target):
    """Addresses of the command line (as those of a manifest) are passt's, too."""
    ns = lab.namespace()
    body = run(lab, ns, target, "--net", "eth0=user,ip=192.0.2.53/24", "-p", "0.0.0.0:7007:7/udp")
    body.wait_for_text("up in")
    lib.contains(body.err(), "eth0: 192.0.2.53/24", "the start lines")
    done = lab.run(["/usr/bin/python3", "-c", ASK, "7007", "100"], inside=ns)
    lib.equal(done.out.strip(), "all sizes", f"{done.err}echo")
    lib.equal(body.stop(), 0, "exit code")


def outside(lab):
    """(namespace of the run, namespace beyond it)"""
    ns, world = lab.namespace(), lab.namespace()
    lab.veth(ns, "10.8.0.1/24", world, "10.8.0.2/24")
    return ns, world


@lib.test_each(*TARGETS)
def outgoing(lab, target):
    """The body asks a server in the world, by the default network, and gets its answer."""
    path = lib.test_image("udp_client")
    ns, world = outside(lab)
    served = server(lab, world, SERVE, "10.8.0.2", "9999")
    body = run(lab, ns, target, image=path, arguments=["10.8.0.2", "9999"])
    lib.equal((body.wait(), body.out()), (0, "HELLO\n"), f"{body.err()}exit code and answer")
    lib.contains(served.out(), "hello", "what the server got")


@lib.test
def host_loopback_is_out_of_reach(lab):
    """The gateway's address is the host's loopback to passt: only answers get there."""
    path = lib.test_image("udp_client")
    ns = lab.namespace()
    served = server(lab, ns, SERVE, "127.0.0.1", "9999")
    for address in ("10.0.2.2", "127.0.0.1"):
        body = run(lab, ns, "process", image=path, arguments=[address, "9999"])
        lib.equal(body.wait(), 3, f"{body.err()}exit code")
    lib.equal(served.out(), "ready\n", "what the server on the loopback got")


@lib.test_each("tcp", "udp")
def port_in_use(lab, protocol):
    ns = lab.namespace()
    server(lab, ns, HOLD, protocol, "7007")
    body = run(lab, ns, "process", "-p", "7007:7")
    lib.equal(body.wait(), lib.EXIT_HOST_LACKS, "exit code")
    for part in (f"{protocol.upper()} port 7007 at 127.0.0.1", "in use", "ss -"):
        lib.contains(body.err(), part, "standard error")


@lib.test
def wrong_address(lab):
    body = run(lab, lab.namespace(), "process", "-p", "10.77.0.1:7007:7")
    lib.equal(body.wait(), lib.EXIT_HOST_LACKS, "exit code")
    lib.contains(body.err(), "no such address", "standard error")


@lib.test
def without_passt(lab):
    """The default is an error then, which names both ways out; asked for, it names passt."""
    ns = lab.namespace()
    empty = lab.path("empty")
    os.mkdir(empty)
    for words, code in (((), lib.EXIT_REFUSED), (("--net", "user"), lib.EXIT_HOST_LACKS)):
        body = run(lab, ns, "process", *words, path=empty)
        lib.equal(body.wait(), code, f"{body.err()}exit code")
        lib.contains(body.err(), "passt", "standard error")
        lib.contains(body.err(), "tap:TAP", "standard error")


def with_false_passt(lab, script):
    folder = lab.path("bin")
    os.mkdir(folder)
    path = os.path.join(folder, "passt")
    with open(path, "w") as file:
        file.write(script)
    os.chmod(path, 0o755)
    return folder + ":" + os.environ["PATH"]


@lib.test
def passt_that_fails(lab):
    """Its own words are shown."""
    path = with_false_passt(lab, "#!/bin/sh\necho 'no such luck' >&2\nexit 1\n")
    body = run(lab, lab.namespace(), "process", path=path)
    lib.equal(body.wait(), lib.EXIT_HOST_LACKS, "exit code")
    lib.contains(body.err(), "passt did not start: no such luck", "standard error")


NONSENSE = """#!/usr/bin/python3
import os, socket, struct, sys, time
if os.getuid() == 0:
    os.setuid(65534)  # as passt does
s = socket.socket(fileno=3)
s.recv(4096)
s.send(struct.pack(">I", 60) + bytes(60))
time.sleep(0.3)
s.send(bytes.fromhex(%r))
time.sleep(20)
"""


STREAMS = {"zero": "00000000", "huge": "ffffffff" + "00" * 64, "short": "0000000d" + "00" * 13,
           "long": "00010012"}


@lib.test_each(*STREAMS)
def hostile_passt(lab, name):
    """Lengths that no frame has end the run, with a reason, and the process that sent them."""
    path = with_false_passt(lab, NONSENSE % STREAMS[name])
    body = run(lab, lab.namespace(), "process", path=path)
    body.wait_for_text("up in")
    helpers = helpers_of(body)
    lib.equal(body.wait(), lib.EXIT_HOST_LACKS, "exit code")
    lib.contains(body.err(), "are no frames", "standard error")
    all_gone(helpers)


@lib.test_each(*[f"{kind} {target}" for kind in ("user", "tap") for target in TARGETS])
def capture_opens_in_tshark(lab, how):
    """--pcap of queries, answers and long datagrams: every frame is understood, none malformed."""
    lib.need("tshark", "dig")
    kind, target = how.split()
    pcap = lab.path("frames")
    if kind == "tap":
        net = lab.network()
        body = lab.boot("dns", target=target, net=net, options=["--pcap", pcap])
        body.wait_for_ping()
        server, port = net.body, "53"
    else:
        net, server, port = lab.namespace(), "127.0.0.1", "5353"
        body = run(lab, net, target, "--pcap", pcap, "-p", "5353:53", image="dns")
        body.wait_for_text("up in")
    for kind_of_record in ("SOA", "NS", "TXT", "ANY"):
        lab.run(["dig", f"@{server}", "-p", port, "example.org", kind_of_record, "+tries=1", "+notcp"],
                inside=net)
    lib.equal(body.stop(), 0, "exit code")
    home = {"HOME": lab.directory}
    bad = lab.run(["tshark", "-r", pcap, "-o", "ip.check_checksum:TRUE", "-Y",
                   "_ws.malformed || ip.checksum.status == 0 || _ws.short"], environment=home)
    lib.equal((bad.code, bad.out), (0, ""), f"{bad.err}frames that are wrong")
    good = lab.run(["tshark", "-r", pcap, "-Y", "dns", "-T", "fields", "-e", "dns.flags.response"],
                   environment=home)
    lib.equal(sorted(good.out.split()), ["0"] * 4 + ["1"] * 4, "queries and answers")


@lib.test
def tcp_arrives(lab):
    """A connection to a forwarded TCP port is a SYN at the body's, and at no UDP port."""
    lib.need("passt")
    ns, pcap = lab.namespace(), lab.path("frames")
    body = run(lab, ns, "process", "--pcap", pcap, "-p", "8080:80/tcp")
    body.wait_for_text("up in")
    sockets = lab.run(["ss", "-Hlntu"], inside=ns).out.split("\n")
    lib.equal([line.split()[0] for line in sockets if ":8080" in line], ["tcp"], "what listens")
    lab.run(["/usr/bin/python3", "-c", "import socket; s = socket.socket(); s.settimeout(0.3);"
             "s.connect_ex(('127.0.0.1', 8080)); s.close()"], inside=ns)
    lib.equal(body.stop(), 0, "exit code")
    with open(pcap, "rb") as file:
        frames = file.read()
    to_80 = bytes([10, 0, 2, 2, 10, 0, 2, 15])
    at = frames.find(to_80)
    while at >= 0 and (frames[at - 3] != 6 or frames[at + 10:at + 12] != b"\0\x50"):
        at = frames.find(to_80, at + 1)
    lib.check(at >= 0 and frames[at + 21] & 0x12 == 2, "no SYN for port 80 came")


@lib.test_each(*TARGETS)
def passt_killed(lab, target):
    """The run ends, and says why."""
    body = run(lab, lab.namespace(), target, "-p", "7007:7")
    body.wait_for_text("up in")
    helpers = helpers_of(body)
    os.kill(helpers[1], signal.SIGKILL)
    lib.equal(body.wait(), lib.EXIT_HOST_LACKS, "exit code")
    lib.contains(body.err(), "passt ended (signal 9)", "standard error")
    all_gone(helpers)


@lib.test_each(*TARGETS)
def relay_killed(lab, target):
    body = run(lab, lab.namespace(), target, "-p", "7007:7")
    body.wait_for_text("up in")
    helpers = helpers_of(body)
    os.kill(helpers[0], signal.SIGKILL)
    lib.equal(body.wait(), lib.EXIT_HOST_LACKS, "exit code")
    lib.contains(body.err(), "ended by signal 9", "standard error")
    all_gone(helpers)


@lib.test_each(*TARGETS)
def run_killed(lab, target):
    """Even then nothing is left, and the port is free for the next."""
    ns = lab.namespace()
    body = run(lab, ns, target, "-p", "7007:7")
    body.wait_for_text("up in")
    helpers = helpers_of(body)
    body.signal(signal.SIGKILL)
    body.wait()
    again = run(lab, ns, target, "-p", "7007:7")
    again.wait_for_text("up in")
    all_gone(helpers)
    lib.equal(again.stop(), 0, "exit code")


@lib.test_each(*TARGETS)
def stopped_all_at_once(lab, target):
    """As a service manager does it: TERM to the run and to its helpers. The run's own end counts."""
    body = run(lab, lab.namespace(), target, "-p", "7007:7")
    body.wait_for_text("up in")
    helpers = helpers_of(body)
    for pid in [body.pid, *helpers]:
        os.kill(pid, signal.SIGTERM)
    lib.equal(body.wait(), 0, f"{body.err()}exit code")
    all_gone(helpers)


@lib.test_each(*TARGETS)
def ordinary_user(lab, target):
    """No root, no capability, no tun: with access to /dev/kvm (here by a node of its own) it runs."""
    lib.need("root", "setpriv", "unshare")
    ns = lab.namespace()
    os.chmod(lab.directory, 0o755)
    for name in (lib.DIATOM, lib.image("echo")):
        with open(name, "rb") as file:
            path = lab.path(os.path.basename(name), file.read())
        os.chmod(path, 0o755)
    kvm = lab.path("kvm")
    script = (f"mknod -m 666 {kvm} c 10 232 && mount --bind {kvm} /dev/kvm && exec setpriv "
              "--reuid 65534 --regid 65534 --clear-groups --bounding-set -all --inh-caps -all "
              f"{lab.path('diatom')} run --as {target} -p 7007:7 {lab.path('echo')}")
    if target == "vm":
        lib.need("kvm")
    lib.need("passt")
    body = lab.start(["unshare", "-m", "sh", "-c", script], inside=ns)
    body.wait_for_text("up in")
    with open(f"/proc/{body.pid}/status") as file:
        lib.contains(file.read(), "Uid:\t65534\t65534\t65534", "whom it runs as")
    done = lab.run(["/usr/bin/python3", "-c", ASK, "7007", "100", "9000"], inside=ns)
    lib.equal(done.out.strip(), "all sizes", f"{done.err}echo")
    helpers = helpers_of(body)
    lib.equal(body.stop(), 0, "exit code")
    all_gone(helpers)


@lib.test
def ordinary_user_without_permission(lab):
    """What /dev/kvm, a packet socket and a low port forbid is said, with what to do."""
    lib.need("root", "setpriv", "passt")
    os.chmod(lab.directory, 0o755)
    for name in (lib.DIATOM, lib.image("echo")):
        with open(name, "rb") as file:
            path = lab.path(os.path.basename(name), file.read())
        os.chmod(path, 0o755)
    ns = lab.namespace()
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set",
            "-all", "--inh-caps", "-all"]
    cases = [(["--as", "process", "-p", "53:7"], ["port 53", "no permission", "1024"]),
             (["--as", "process", "--net", "packet:lo"], ["no permission", "CAP_NET_RAW"])]
    if os.path.exists("/dev/kvm") and os.stat("/dev/kvm").st_mode & 0o006 == 0:
        cases.append((["--as", "vm"], ["/dev/kvm", "group kvm"]))
    if os.path.exists("/dev/net/tun") and os.stat("/dev/net/tun").st_mode & 0o006 == 0:
        cases.append((["--as", "process", "--net", "tap:lo"], ["/dev/net/tun", "--net user"]))
    for words, parts in cases:
        done = lab.run([*user, lab.path("diatom"), "run", *words, lab.path("echo")], inside=ns)
        lib.equal(done.code, lib.EXIT_HOST_LACKS, f"{done.err}exit code of {words}")
        for part in parts:
            lib.contains(done.err, part, "standard error")


@lib.test
def relay_is_jailed(lab):
    """The relay has no capabilities, no root and a filter."""
    lib.need("root")
    body = run(lab, lab.namespace(), "process", "-p", "7007:7")
    body.wait_for_text("up in")
    with open(f"/proc/{helpers_of(body)[0]}/status") as file:
        status = file.read()
    for part in ("Uid:\t65534\t", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        lib.contains(status, part, "the relay's status")
    lib.equal(len(os.listdir(f"/proc/{helpers_of(body)[0]}/fd")), 4, "the relay's descriptors")


lib.main()
