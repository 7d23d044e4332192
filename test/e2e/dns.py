#!/usr/bin/python3
"""
Answers compared field by field with NSD's and BIND's, on the same zones.

Our answers come from lib/dns behind an ordinary socket (test/tools/dns_answerer.c, sanitizers on), and
from the dns image where this machine can run it. A few thousand queries are made from the zone: each
of its names, names above, below and beside them, in random case, with many types and EDNS sizes, and
malformed ones.

All three are told to give minimal responses. What still differs with good reason is listed in
`excuse`, and nothing else is let through.
"""
import collections
import os
import random
import socket
import struct
import subprocess
import sys
import time

import lib

ORIGIN = "example.org"
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
         "DNAME": 39, "DS": 43, "HTTPS": 65, "CAA": 257, "NONE": 65300}
NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 3, 4, 5

# Data of a record that is names: bytes before the first, how many names.
NAMES_IN = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 14: (0, 2), 15: (2, 1), 17: (0, 2),
            18: (2, 1), 21: (2, 1), 26: (2, 2), 33: (6, 1), 36: (2, 1), 39: (0, 1), 107: (2, 1)}

Answer = collections.namedtuple("Answer", "rcode aa tc rd question answer authority additional opt size")


def wire_name(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_name(message, at):
    """The labels at that place, and the place behind them."""
    labels, end, jumps = [], None, 0
    while True:
        length = message[at]
        if length >= 0xc0:
            end = end or at + 2
            target = struct.unpack_from(">H", message, at)[0] & 0x3fff
            assert target < at, "a pointer that does not point back"
            at, jumps = target, jumps + 1
            assert jumps < 128
        elif length == 0:
            return labels, end or at + 1
        else:
            labels.append(message[at + 1:at + 1 + length])
            at += 1 + length


def lower(labels):
    return tuple(label.lower() for label in labels)


def read_record(message, at):
    owner, at = read_name(message, at)
    kind, _, ttl, length = struct.unpack_from(">HHIH", message, at)
    at += 10
    end = at + length
    assert end <= len(message)
    data = message[at:end]
    if kind in NAMES_IN and length:
        skip, count = NAMES_IN[kind]
        parts, at = [message[at:at + skip]], at + skip
        for _ in range(count):
            name, at = read_name(message, at)
            parts.append(lower(name))
        data = tuple(parts) + (message[at:end],)
    return (lower(owner), kind, ttl, data), end


def read_answer(message):
    """The message as sets of records, so that order and compression don't count."""
    _, flags, questions, *counts = struct.unpack_from(">6H", message)
    at, question = 12, None
    if questions:
        start = at
        _, at = read_name(message, at)
        at += 4
        question = message[start:at]
    sections, opt = [], None
    for count in counts:
        section = []
        for _ in range(count):
            record, at = read_record(message, at)
            if record[1] == 41:
                opt = record[2]
            else:
                section.append(record)
        assert len(section) == len(set(section)), f"a record twice: {section}"
        sections.append(frozenset(section))
    assert at == len(message), f"bytes behind the last record: {message.hex()}"
    rcode = (flags & 15) | ((opt >> 24) << 4 if opt is not None else 0)
    return Answer(rcode, bool(flags & 0x400), bool(flags & 0x200), bool(flags & 0x100), question,
                  *sections, opt is not None, len(message))


class Query(collections.namedtuple("Query", "labels type edns do klass flags extra")):
    """extra: bytes behind all else."""

    def message(self, number):
        opt = b""
        if self.edns:
            opt = b"\0" + struct.pack(">HHIH", 41, self.edns, 0x8000 if self.do else 0, 0)
        return struct.pack(">6H", number, self.flags, 1, 0, 0, 1 if opt else 0) + \
            wire_name(self.labels) + struct.pack(">HH", self.type, self.klass) + opt + self.extra

    def __str__(self):
        name = ".".join(repr(label)[2:-1] for label in self.labels)
        return f"{name}. type {self.type} edns {self.edns}{' do' if self.do else ''} class {self.klass}"


def query(labels, kind, edns=1232, do=False, klass=1, flags=0, extra=b""):
    return Query(tuple(labels), kind, edns, do, klass, flags, extra)


class Server:
    """One of the servers, asked over a socket of its own."""

    def __init__(self, name, address, process=None):
        self.name, self.process = name, process
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)
        self.number = random.randrange(65536)

    def exchange(self, message, timeout):
        """Raw bytes there and back; None: no answer in time."""
        self.socket.settimeout(timeout)
        try:
            self.socket.send(message)
            while True:
                answer = self.socket.recv(65536)
                if answer[:2] == message[:2]:
                    return answer
        except (socket.timeout, ConnectionRefusedError):
            return None

    def ask(self, question, timeout=2, tries=2):
        for _ in range(tries):
            self.number = (self.number + 1) & 0xffff
            answer = self.exchange(question.message(self.number), timeout)
            if answer is not None:
                return read_answer(answer)
        raise lib.Failure(f"{self.name} does not answer {question}")

    def wait(self):
        probe = query([b"example", b"org"], 6)
        lib.until(lambda: self.exchange(probe.message(1), 0.2), 15, f"an answer from {self.name}")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_nsd(lab, zones):
    port = free_port()
    config = f"""server:
    ip-address: 127.0.0.1@{port}
    port: {port}
    server-count: 1
    username: ""
    database: ""
    pidfile: "{lab.path("nsd.pid")}"
    xfrdfile: "{lab.path("xfrd.state")}"
    zonelistfile: "{lab.path("zone.list")}"
    zonesdir: "{lab.directory}"
    minimal-responses: yes
    refuse-any: no
    ipv4-edns-size: 1232
    do-ip6: no
remote-control:
    control-enable: no
""" + "".join(f"zone:\n    name: {o}\n    zonefile: {p}\n" for o, p in zones)
    process = lab.start(["nsd", "-d", "-c", lab.path("nsd.conf", config)])
    return Server("NSD", ("127.0.0.1", port), process)


def start_bind(lab, zones):
    port = free_port()
    config = f"""options {{
    directory "{lab.directory}"; pid-file none; session-keyfile none; listen-on-v6 {{ none; }};
    listen-on port {port} {{ 127.0.0.1; }}; recursion no; minimal-responses yes;
    max-udp-size 1232; edns-udp-size 1232; dnssec-validation no; minimal-any yes;
    check-names primary ignore; notify no; empty-zones-enable no; managed-keys-directory "{lab.directory}";
    check-integrity no; answer-cookie no; max-records-per-type 0; zero-no-soa-ttl no;
}};
controls {{ }};
""" + "".join(f'zone "{o}" {{ type primary; file "{p}"; check-names ignore; }};\n' for o, p in zones)
    os.chmod(lab.directory, 0o777)
    process = lab.start(["named", "-g", "-n", "1", "-c", lab.path("named.conf", config)])
    return Server("BIND", ("127.0.0.1", port), process)


def answerer():
    """The hosted build behind a socket; built here, since nothing else needs it."""
    archive = os.path.join(lib.BUILD, "hosted", "libdiatom.a")
    program = os.path.join(lib.BUILD, "test", "dns_answerer")
    source = os.path.join(lib.ROOT, "test", "tools", "dns_answerer.c")
    lib.need("clang-19")
    if not os.path.exists(archive):
        lib.skip("the hosted build is not there: make hosted")
    if not os.path.exists(program) or os.path.getmtime(program) < max(
            os.path.getmtime(archive), os.path.getmtime(source)):
        os.makedirs(os.path.dirname(program), exist_ok=True)
        subprocess.run(["clang-19", "-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined",
                        "-fno-sanitize-recover=all", "-fsanitize=fuzzer-no-link", "-Iinclude", "-I.",
                        source, archive, "-o", f"{program}.{os.getpid()}"], cwd=lib.ROOT, check=True)
        os.rename(f"{program}.{os.getpid()}", program)
    return program


def start_ours(lab, zones):
    port = free_port()
    process = lab.start([answerer(), str(port)] + [f"{o}={p}" for o, p in zones])
    return Server("ours", ("127.0.0.1", port), process)


def write_zone(lab, origin, *options):
    text = subprocess.run([os.path.join(lib.ROOT, "tools", "make-zone"), "--origin", origin, *options],
                          check=True, capture_output=True, text=True).stdout
    return origin, lab.path(origin + ".zone", text)


def zone_names(path, origin):
    """All owner names of the zone, by BIND's own reader."""
    out = subprocess.run(["named-checkzone", "-i", "none", "-k", "ignore", "-D", "-o", "-", origin, path],
                         capture_output=True, text=True).stdout
    names = set()
    for line in out.splitlines():
        if line and not line[0].isspace() and line[0] != ";":
            names.add(tuple(parse_labels(line.split()[0])))
    lib.check(len(names) > 50, "the generated zone has names")
    return sorted(names)


def parse_labels(text):
    labels, label, i = [], bytearray(), 0
    while i < len(text):
        if text[i] == "\\" and text[i + 1].isdigit():
            label.append(int(text[i + 1:i + 4]))
            i += 4
        elif text[i] == "\\":
            label.append(ord(text[i + 1]))
            i += 2
        elif text[i] == ".":
            labels.append(bytes(label))
            label = bytearray()
            i += 1
        else:
            label.append(ord(text[i]))
            i += 1
    return labels


def random_case(labels):
    return [bytes(random.choice((c, c ^ 0x20)) if chr(c).isalpha() and c < 128 else c for c in label)
            for label in labels]


def relatives(name):
    """The name and names around it: where RFC 4592 and delegations have their corners."""
    yield name
    yield (b"x",) + name
    yield (b"a", b"b") + name
    yield (b"*",) + name
    if len(name) > 2:
        yield (name[0] + b"x",) + name[1:]
        yield name[1:]
        yield (b"zz",) + name[1:]


def queries(names, count):
    """About `count` of them: every name with every type once, then random ones."""
    made = []
    for name in names:
        for relative in relatives(name):
            if sum(len(label) + 1 for label in relative) < 255:
                made.append(query(random_case(relative), random.choice(list(TYPES.values()))))
        for kind in (1, 28, 2, 5, 16, 43, 255):
            made.append(query(name, kind))
        if name[-3:-2] == (b"types",) and len(name) == 4:
            made += [query(name, kind) for kind in list(range(1, 66)) +
                     [99, 104, 105, 106, 107, 108, 109, 256, 257, 65280]
                     if kind not in (41, )]
    sizes = (0, 0, 512, 600, 1232, 4096)
    while len(made) < count:
        relative = random.choice(list(relatives(random.choice(names))))
        if sum(len(label) + 1 for label in relative) < 255:
            made.append(query(random_case(relative), random.choice(list(TYPES.values())),
                              edns=random.choice(sizes), do=random.random() < 0.3,
                              flags=random.choice((0, 0x100))))
    random.shuffle(made)
    return made


def chain_of(answer):
    return [r for r in answer.answer if r[1] in (5, 39)]


def is_loop(answer):
    """Does its chain of CNAMEs come back to a name that it was at?"""
    owners = {r[0] for r in answer.answer if r[1] == 5}
    return bool(owners) and {r[3][1] for r in answer.answer if r[1] == 5} <= owners


def excuse(q, ours, theirs, name):
    """The reason for which these answers may differ, or None."""
    if ours.question != theirs.question:
        return None
    if q.type == 255 and ours[:3] == theirs[:3] and ours.authority == theirs.authority:
        if ours.answer <= theirs.answer or (theirs.answer and len({r[1] for r in theirs.answer}) == 1
                                            and ours.answer):
            return "RFC 8482: which RRset answers ANY is each server's choice"
    if name == "BIND" and q.type == 255 and ours[:3] == theirs[:3] and not theirs.answer and \
            {r[1] for r in ours.answer} <= {43, 46, 47, 48, 50, 51}:
        return "BIND leaves types of DNSSEC out of ANY"
    if ours.tc or theirs.tc:
        # Whether an answer is cut is no matter of choice; only whether missing glue counts is.
        if ours[:2] == theirs[:2] and (ours.tc == theirs.tc or not (ours.answer or theirs.answer)):
            return "RFC 2181 9: what stays in a truncated answer, and exactly when glue makes one " \
                "(RFC 9471), is each server's choice; clients ask again over TCP"
    if theirs.tc and not ours.tc and ours[:2] == theirs[:2] and ours.answer > theirs.answer and \
            any(record[1] == 39 for record in ours.answer):
        return "ours fits, since later names point into a DNAME's target"
    if name == "BIND" and theirs.rcode == 2 and is_loop(ours) and ours[1:8] == theirs[1:8]:
        return "BIND calls a loop of CNAMEs SERVFAIL; ours and NSD's answer is the loop"
    if ours[:7] == theirs[:7]:
        if ours.additional < theirs.additional and not ours.authority:
            return "additional addresses of a positive answer: ours is minimal"
        if not (ours.additional ^ theirs.additional) - frozenset(
                r for r in ours.additional | theirs.additional if r[1] in (1, 28)):
            if ours.additional and theirs.additional or ours.authority:
                return "which addresses beyond the glue below the cut a referral carries" \
                    if same_glue(ours, theirs) else None
    if name == "BIND" and chain_of(ours) and ours[:3] == theirs[:3] and ours.answer == theirs.answer \
            and not theirs.authority:
        return "BIND ends a chain into a delegation without the referral's NS"
    return None


def same_glue(ours, theirs):
    """Of the glue below the cut, none may be missing."""
    cuts = {r[0] for r in ours.authority if r[1] == 2}
    below = frozenset(r for r in ours.additional | theirs.additional
                      if any(r[0][-len(cut):] == cut for cut in cuts))
    return ours.additional & below == theirs.additional & below


def differences(ours, theirs):
    return [f"{field}: ours {a!r}, theirs {b!r}" for field, a, b in
            zip(Answer._fields[:9], ours, theirs) if a != b]


def compare(mine, peer, questions):
    excused, wrong = collections.Counter(), []
    for q in questions:
        ours, theirs = mine.ask(q), peer.ask(q)
        if ours[:9] == theirs[:9]:
            continue
        why = excuse(q, ours, theirs, peer.name)
        if why:
            excused[why] += 1
        else:
            wrong.append(f"{q}: " + "; ".join(differences(ours, theirs)))
    for why, count in sorted(excused.items()):
        print(f"# {peer.name}: {count} of {len(questions)}: {why}")
    for line in wrong[:int(os.environ.get("DNS_SHOW", 10))]:
        print("#", line)
    lib.check(not wrong, f"{len(wrong)} of {len(questions)} answers differ from {peer.name}'s; first: "
              f"{wrong[:1]}")


def compare_with(lab, start):
    random.seed(4)
    zones = [write_zone(lab, ORIGIN, "--rich"),
             write_zone(lab, "sub.more." + ORIGIN, "--names", "20"),
             write_zone(lab, "target.test", "--names", "20")]
    mine, peer = start_ours(lab, zones), start(lab, zones)
    mine.wait()
    peer.wait()
    questions = queries(zone_names(zones[0][1], ORIGIN), 5000)
    for origin, _ in zones[1:]:
        labels = parse_labels(origin + ".")
        questions += [query([b"host%d" % i] + labels, k) for i in range(25) for k in (1, 28, 16)]
        questions += [query(labels, k) for k in TYPES.values()]
    questions += [query(parse_labels(n), 1) for n in ("org.", "com.", "a.test.", "xexample.org.")]
    compare(mine, peer, questions)


@lib.test
def answers_as_nsd(lab):
    lib.need("nsd", "named-checkzone")
    compare_with(lab, start_nsd)


@lib.test
def answers_as_bind(lab):
    lib.need("named", "named-checkzone")
    compare_with(lab, start_bind)


BAD = [  # message behind the id, rcode or None for no answer
    (b"", None),
    (b"\x01", None),
    (b"\x80\0" + b"\0\1" + b"\0" * 6 + b"\0\0\1\0\1", None),               # a reply
    (b"\0\0" + b"\0\0" + b"\0" * 6, FORMERR),                              # no question
    (b"\0\0" + b"\0\2" + b"\0" * 6 + b"\0\0\1\0\1" * 2, FORMERR),          # two
    (b"\0\0" + b"\0\1" + b"\0" * 6 + b"\3ab", FORMERR),                    # cut
    (b"\0\0" + b"\0\1" + b"\0" * 6 + b"\xc0\x0c\0\1\0\1", FORMERR),        # points to itself
    (b"\0\0" + b"\0\1" + b"\0" * 6 + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1", FORMERR),  # 257 bytes
    (b"\x10\0" + b"\0\1" + b"\0" * 6 + b"\0\0\1\0\1", NOTIMP),             # STATUS
    (b"\0\0" + b"\0\1" + b"\0\0\0\0\0\2" + b"\7example\3org\0\0\1\0\1" +
     b"\0\0\x29\x04\xd0\0\0\0\0\0\0" * 2, FORMERR),                        # two OPTs
    (b"\0\0" + b"\0\1" + b"\0\0\0\0\0\1" + b"\7example\3org\0\0\1\0\1" +
     b"\0\0\x29\x04\xd0\0\1\0\0\0\0", 16),                                 # EDNS version 1
    (b"\0\0" + b"\0\1" + b"\0\0\0\0\0\1" + b"\7example\3org\0\0\1\0\1" +
     b"\0\0\x29\x04\xd0\0\0\0\0\0\4\0\1\0\2", FORMERR),                    # option cut
    (b"\0\0" + b"\0\1" + b"\0" * 6 + b"\7example\3org\0\0\1\0\3", REFUSED),  # class CH
    (b"\0\0" + b"\0\1" + b"\0" * 6 + b"\7example\3org\0\0\xfc\0\1", REFUSED),  # AXFR over UDP
]


@lib.test
def malformed_queries(lab):
    mine = start_ours(lab, [write_zone(lab, ORIGIN, "--rich")])
    mine.wait()
    for i, (rest, rcode) in enumerate(BAD):
        answer = mine.exchange(struct.pack(">H", i) + rest, 0.2 if rcode is None else 2)
        got = read_answer(answer).rcode if answer else None
        lib.equal(got, rcode, f"rcode of malformed query {i}")
    lib.check(mine.process.alive(), "the server lives")


@lib.test
def plain_zones_load(lab):
    for names in (100, 1000, 10000):
        origin, path = write_zone(lab, ORIGIN, "--names", str(names))
        result = lab.run([answerer(), "check", f"{origin}={path}"])
        lib.equal(result.code, 0, f"exit code for {names} names: {result.err}")


@lib.test_each("vm", "process")
def image_answers_as_nsd(lab, target):
    lib.need("nsd", "named-checkzone", "tun", "netns", *(["kvm"] if target == "vm" else []))
    lib.image("dns")
    random.seed(5)
    zone = write_zone(lab, ORIGIN, "--rich")
    net = lab.network()
    body = lab.boot("dns", target=target, net=net, options=["--file", f"zone={zone[1]}"])
    body.wait_for_ping()
    names, peer = zone_names(zone[1], ORIGIN), start_nsd(lab, [zone])
    peer.wait()
    mine = inside(net, lambda: Server("ours", ("10.9.0.2", 53)))
    mine.wait()
    compare(mine, peer, random.sample(queries(names, 5000), 1500))
    lib.equal(body.stop(), 0, "exit code after TERM")


def inside(net, make):
    """Runs make() in the network's namespace: sockets stay in the one that they were made in."""
    with open("/proc/self/ns/net") as home, open(f"/run/netns/{net.name}") as there:
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        lib.check(libc.setns(there.fileno(), 0x40000000) == 0, "setns")
        try:
            return make()
        finally:
            libc.setns(home.fileno(), 0x40000000)


@lib.test_each("vm", "process")
def faulty_zone_is_refused(lab, target):
    lib.need("tun", "netns", *(["kvm"] if target == "vm" else []))
    lib.image("dns")
    path = lab.path("bad.zone", "$TTL 60\n@ SOA a b 1 2 3 4 5\n  NS a\nwww A 300.1.1.1\n")
    net = lab.network()
    result = lab.boot_and_wait("dns", target=target, net=net, options=["--file", f"zone={path}"])
    lib.equal(result.code, 1, "exit code")
    lib.contains(result.out + result.err, "zone:4:7:", "the message with file, line and column")


lib.main()
