#!/usr/bin/python3
"""
NSD and BIND as secondaries of the dns image: told by NOTIFY, they fetch the zone over TCP and answer as the image
does. And NOTIFY to a secondary that is deaf at first, or lied to.

    namespace: NSD 10.9.0.1, BIND 10.9.0.3 --- tap0 === dns 10.9.0.2
"""
import os
import re
import socket
import struct
import subprocess

import lib

ORIGIN = "example.org"
PRIMARY, NSD, BIND = "10.9.0.2", "10.9.0.1", "10.9.0.3"
TYPES = "A NS CNAME SOA MX TXT AAAA SRV DNAME DS CAA HTTPS".split()

DEAF = r"""
import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.9.0.3", 53))
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other.bind(("10.9.0.3", 5353))
wanted = b"\7example\3org\0" + struct.pack(">HH", 6, 1)
ids, times = set(), []
began = time.monotonic()
print("ready", flush=True)
for round in range(3):
    request, source = s.recvfrom(2000)
    times.append(time.monotonic())
    number, flags, questions, answers = struct.unpack(">4H", request[:8])
    ids.add(number)
    assert (flags, questions, answers) == (0x2400, 1, 1), request.hex()
    assert request[12:12 + len(wanted)] == wanted, request.hex()
    assert struct.pack(">I", 41) in request[12 + len(wanted):], "the SOA's serial is not in it"
    answer = struct.pack(">6H", number, 0xa400, 1, 0, 0, 0) + wanted
    if round == 1:      # lies: another port, id, opcode, zone; a request; cut short
        other.sendto(answer, source)
        for lie in (struct.pack(">H", number ^ 1) + answer[2:], answer[:2] + b"\x84" + answer[3:],
                    answer[:2] + b"\x24" + answer[3:], answer[:12] + b"\7exbmple" + answer[20:],
                    answer[:-3], answer[:11], b""):
            s.sendto(lie, source)
    if round == 2:
        s.sendto(answer, source)
assert len(ids) == 1, "an id for each try"
# The first may have waited a second for a neighbour: a tap that was just opened loses what it is sent.
assert 2.5 < times[1] - began < 6.5 and 5 < times[2] - times[1] < 9, f"began at {began}, tries at {times}"
s.settimeout(2)
try:
    s.recvfrom(2000)
    sys.exit("told again after it answered")
except TimeoutError:
    pass
"""

LISTENER = r"""
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 53))
print("ready", flush=True)
for word in ("heard NOTIFY", "again"):
    assert s.recv(2000)[2] == 0x24
    print(word, flush=True)
s.recv(2000)
"""


def zone(lab, serial, name_server=BIND):
    """The zone with every structure. Its second name server is BIND, or nobody here."""
    text = subprocess.run([os.path.join(lib.ROOT, "tools", "make-zone"), "--origin", ORIGIN, "--rich"],
                          check=True, capture_output=True, text=True).stdout
    text = text.replace("( 2026112301 7200", f"( {serial} 86400")
    text = text.replace("ns2 IN A 192.0.2.2", f"ns2 IN A {name_server}")
    return lab.path(f"zone{serial}", text + f"serial{serial} IN A 192.0.2.200\n")


def start_nsd(lab, net, how):
    directory = lab.path("nsd")
    os.mkdir(directory)
    return lab.start(["nsd", "-d", "-c", lab.path("nsd.conf", f"""server:
    ip-address: {NSD}
    server-count: 1
    username: ""
    database: ""
    pidfile: "{directory}/pid"
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    zonelistfile: "{directory}/zone.list"
    zonesdir: "{directory}"
    minimal-responses: yes
    do-ip6: no
remote-control:
    control-enable: no
zone:
    name: {ORIGIN}
    zonefile: copy
    allow-notify: {PRIMARY} NOKEY
    request-xfr: {how} {PRIMARY} NOKEY
    provide-xfr: 10.9.0.0/24 NOKEY
""")], inside=net)


def start_bind(lab, net):
    os.chmod(lab.directory, 0o777)
    return lab.start(["named", "-g", "-n", "1", "-c", lab.path("named.conf", f"""options {{
    directory "{lab.directory}"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};
    listen-on {{ {BIND}; }}; recursion no; minimal-responses yes; dnssec-validation no; notify no;
    managed-keys-directory "{lab.directory}"; check-names secondary ignore; empty-zones-enable no;
    allow-transfer {{ any; }}; max-records-per-type 0;
}};
controls {{ }};
zone "{ORIGIN}" {{
    type secondary; primaries {{ {PRIMARY}; }}; file "copy"; masterfile-format text;
    transfer-source {BIND};
}};
""")], inside=net)


def start(lab, net, target, serial, *words):
    body = lab.boot("dns", ORIGIN, *words, target=target, net=net,
                    options=["--log", "info", "--file", f"zone={zone(lab, serial)}"])
    body.wait_for_ping()
    return body


def dig(lab, net, server, *words):
    return lab.run(["dig", f"@{server}", "+time=2", "+tries=2", *words], inside=net, timeout=60)


def has_serial(lab, net, server, serial):
    return dig(lab, net, server, "+short", f"serial{serial}.{ORIGIN}").out == "192.0.2.200\n"


def records(lab, net, server):
    """The whole zone by AXFR, the SOA once, as a sorted list of lines."""
    out = dig(lab, net, server, "+noall", "+answer", "+onesoa", ORIGIN, "AXFR").out
    return sorted({" ".join(line.split()).lower() for line in out.splitlines()
                   if line and line[0] != ";"})


def answers(lab, net, server, questions):
    """What dig makes of each question: status and answer section, names in lower case."""
    out = dig(lab, net, server, "+norecurse", "+noall", "+comments", "+answer", "-f", questions).out
    return [(re.match(r"\w+", part)[0], sorted(" ".join(line.split()).lower()
             for line in part.splitlines()[1:] if line and line[0] != ";"))
            for part in out.split("status: ")[1:]]


def answers_alike(lab, net, server, wanted_records):
    names = sorted({line.split()[0] for line in wanted_records})
    asked = [f"{name} {kind}" for name in names for kind in TYPES]
    asked += [f"nobody-home.{name} A" for name in names if len(name) < 200]
    questions = lab.path("questions", "\n".join(asked) + "\n")
    ours, theirs = (answers(lab, net, s, questions) for s in (PRIMARY, server))
    lib.equal((len(ours), len(theirs)), (len(asked), len(asked)), "answers to all questions")
    for question, our, their in zip(asked, ours, theirs):
        if "loop" in question:  # a CNAME loop: BIND tells the same records, but calls it a failure
            our, their = our[1], their[1]
        lib.check(our == their, f"{question}: ours {our}, {server}'s {their}")


@lib.test_each("process AXFR", "vm", "process UDP")
def secondaries_follow(lab, how):
    """Serial 1 at their start; serial 2, a day before its refresh, because they are told."""
    lib.need("dig", "nsd", "named", *(["kvm"] if how == "vm" else []))
    target, how = (how.split() + [""])[:2]
    net = lab.network()
    net.ip("addr", "add", f"{BIND}/24", "dev", net.tap)
    options = ["allow-transfer=10.9.0.0/24", f"notify={NSD}"]
    body = start(lab, net, target, 1, *options)
    start_nsd(lab, net, how)
    start_bind(lab, net)
    for server in (NSD, BIND):
        lib.until(lambda server=server: has_serial(lab, net, server, 1), 20, f"serial 1 at {server}")
    lib.equal(body.stop(), 0, "exit code after TERM")
    body = start(lab, net, target, 2, *options)
    for server in (NSD, BIND):
        body.wait_for_text(f"{server} was told of {ORIGIN}, serial 2")
        lib.until(lambda server=server: has_serial(lab, net, server, 2), 20, f"serial 2 at {server}")
    wanted = records(lab, net, PRIMARY)
    lib.check(len(wanted) > 100, "the zone has records")
    for server in (NSD, BIND):
        got = records(lab, net, server)
        lib.check(got == wanted, f"{server} has {sorted(set(got) ^ set(wanted))[:4]}")
        answers_alike(lab, net, server, wanted)
    lib.equal(body.stop(), 0, "exit code after TERM")


@lib.test
def tells_until_it_is_answered(lab):
    net = lab.network()
    net.ip("addr", "add", f"{BIND}/24", "dev", net.tap)
    deaf = lab.start(["/usr/bin/python3", "-c", DEAF], inside=net)
    deaf.wait_for_text("ready")
    body = start(lab, net, "process", 41, "allow-transfer=10.9.0.3")
    lib.equal(deaf.wait(25), 0, f"the deaf secondary: {deaf.err()}")
    lib.contains(body.err() + body.out(), f"{BIND} was told of {ORIGIN}, serial 41", "log")
    lib.equal(body.stop(), 0, "exit code after TERM")


@lib.test
def tells_only_whom_it_should(lab):
    """The second name server may not have the zone, or only those listed are to be told: it hears nothing."""
    for words in (["allow-transfer=10.9.0.7"], ["allow-transfer=10.9.0.3", "notify-listed-only"]):
        net = lab.network()
        net.ip("addr", "add", f"{BIND}/24", "dev", net.tap)
        listed, other = (lab.start(["/usr/bin/python3", "-c", LISTENER, address], inside=net)
                         for address in (NSD, BIND))
        for listener in (listed, other):
            listener.wait_for_text("ready")
        body = start(lab, net, "process", 41, *words, f"notify={NSD}")
        listed.wait_for_text("heard NOTIFY")
        listed.wait_for_text("again")  # all that is told at once has been, and answered by nobody
        lib.equal(other.out(), "ready\n", f"{words}: what the other one heard")
        lib.equal(body.stop(), 0, "exit code after TERM, while it tells")


lib.main()
