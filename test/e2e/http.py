#!/usr/bin/python3
"""
lib/http in an image, against real clients (curl, chains of raw bytes): what RFC 9110 and 9112 demand of a
server, and what attackers send. The server is test/images/http_test.c, as VM and process.

    namespace:  curl, or a script of ours that sends bytes --- tap === http_test
"""
import os
import re

import lib
from talk import statuses, talk


def curl(lab, net, path, *options):
    done = lab.run(["curl", "-s", "-S", "-m", "10", *options, f"http://{net.body}{path}"], inside=net,
                   timeout=20)
    lib.equal(done.code, 0, f"{done.err}curl {path}")
    return done.out


def start(lab, target="process"):
    lib.need("curl")
    net = lab.network()
    server = lab.boot(lib.test_image("http_test"), target=target, net=net, mem=128, options=["--log", "info"])
    server.wait_for_ping()
    return net, server


@lib.test_each("vm", "process")
def curl_gets_and_posts(lab, target):
    net, server = start(lab, target)
    lib.equal(curl(lab, net, "/users/ann?q=a%20b+c", "-b", "x=1; c=2"),
              f"path=/users/ann user=ann q=a b c c=2 host={net.body}\n", "what the handler saw")
    lib.equal(curl(lab, net, "/echo", "-d", "hello", "-H", "Content-Type: text/x"), "hello", "echo")
    big = lab.path("big", os.urandom(900000))
    out = lab.path("out")
    curl(lab, net, "/echo", "-T", big, "-o", out)
    lib.check(open(big, "rb").read() == open(out, "rb").read(), "900 kB came back changed")
    lib.equal(len(curl(lab, net, "/stream").splitlines()), 1000, "lines of a chunked reply")
    lib.contains(curl(lab, net, "/away", "-D", "-"), "Location: /there")
    lib.equal(server.stop(), 0, f"{server.describe()}exit code")


@lib.test_each("vm", "process")
def few_frames(lab, target):
    """A connection with one request: SYN-ACK, the reply with our FIN, the ACK of the client's FIN."""
    lib.need("curl", "tshark")
    net, capture = lab.network(), lab.path("c.pcap")
    server = lab.boot(lib.test_image("http_test"), target=target, net=net, mem=128, options=["--pcap", capture])
    server.wait_for_ping()
    lib.contains(curl(lab, net, "/users/ann", "-H", "Connection: close"), "user=ann")
    server.stop()
    sent = lab.run(["tshark", "-r", capture, "-Y", f"tcp and ip.src == {net.body}", "-T", "fields",
                    "-e", "tcp.flags.fin", "-e", "tcp.len"], timeout=60).out.split("\n")
    ends = [line.split("\t") for line in sent if line.startswith(("1", "True"))]
    lib.equal((len(sent) - 1, len(ends)), (3, 1), f"segments, FINs of {sent}: number")
    lib.check(int(ends[0][1]) > 100, f"the FIN carries the reply: {sent}")


@lib.test
def uploads_of_every_kind(lab):
    net, server = start(lab)
    data = os.urandom(3 << 20)
    path = lab.path("data", data)
    wanted = f"{len(data)} {sum(data)}\n"
    for name, options in (("length", []), ("chunked", ["-H", "Transfer-Encoding: chunked"]),
                          ("continue", ["-H", "Expect: 100-continue"])):
        lib.equal(curl(lab, net, "/count", "-X", "POST", "-T", path, *options), wanted, name)
    lib.equal(curl(lab, net, "/ignore", "--data-binary", f"@{path}"), "not read\n", "unread body")
    lib.check(server.alive(), server.describe())


@lib.test
def statuses_for_what_is_not_there(lab):
    net, server = start(lab)
    head = "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for line, wanted in (("GET /nothing ", 404), ("POST /stream ", 405), ("GET /silent ", 500),
                         ("GET /users// ", 404), ("OPTIONS * ", 404), ("CONNECT a:1 ", 501),
                         ("GET /files/../../x ", 400), ("GET /%zz ", 400), ("BREW /pot ", 404)):
        reply, end = talk(lab, net, line + head)
        lib.equal((statuses(reply), end), ([wanted], "closed"), line)
    reply, _ = talk(lab, net, "PATCH /echo " + head)
    lib.contains(reply.decode(), "Allow: POST, PUT\r\n")
    lib.check(server.alive(), server.describe())


@lib.test
def pipelines(lab):
    net, _ = start(lab)
    one = "GET /users/{} HTTP/1.1\r\nHost: a\r\n\r\n"
    text = "".join(one.format(i) for i in range(200)) + \
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + \
        "HEAD /users/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    reply, end = talk(lab, net, text)
    lib.equal((statuses(reply), end), ([200] * 202, "closed"), "replies")
    lib.equal(re.findall(rb"user=(\d+)", reply), [b"%d" % i for i in range(200)], "order")
    # The same, cut at awkward places.
    data = text.encode()
    steps = []
    for at in range(0, len(data), 997):
        steps += [data[at:at + 997], 0.002]
    reply, end = talk(lab, net, *steps)
    lib.equal((statuses(reply), end), ([200] * 202, "closed"), "replies to pieces")


@lib.test
def versions_and_persistence(lab):
    net, _ = start(lab)
    for head, wanted_end, field in (
            ("GET /users/a HTTP/1.1\r\nHost: a\r\n\r\n", "open", None),
            ("GET /users/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "closed", "close"),
            ("GET /users/a HTTP/1.0\r\n\r\n", "closed", "close"),
            ("GET /users/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "open", "keep-alive"),
            ("GET /stream HTTP/1.0\r\n\r\n", "closed", "close")):
        reply, end = talk(lab, net, head, patience=0.5)
        lib.equal((statuses(reply), end), ([200], wanted_end), head)
        found = re.search(rb"\r\nConnection: (\S+)\r\n", reply)
        lib.equal(found and found[1].decode(), field, f"Connection for {head!r}")
    lib.check(b"Transfer-Encoding" not in reply, "chunks for HTTP/1.0")
    lib.check(reply.endswith(b"line 999\n"), "the end of an HTTP/1.0 stream")


@lib.test
def head_is_get_without_a_body(lab):
    net, _ = start(lab)
    for path in ("/users/a", "/stream", "/files/a.css"):
        get, _ = talk(lab, net, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, _ = talk(lab, net, f"HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

        def fields(reply):
            return [f for f in reply.split(b"\r\n\r\n")[0].split(b"\r\n") if not f.startswith(b"Date")]
        lib.equal(fields(head), fields(get), f"fields of {path}")
        lib.equal(head.split(b"\r\n\r\n", 1)[1], b"", "body")


@lib.test
def static_files(lab):
    net, _ = start(lab)
    site = os.path.join(lib.ROOT, "test/images/http_site")
    for path, name, kind in (("/files/", "index.html", "text/html; charset=utf-8"),
                             ("/files/index.html", "index.html", "text/html; charset=utf-8"),
                             ("/files/sub/", "sub/index.html", "text/html; charset=utf-8"),
                             ("/files/a.css", "a.css", "text/css; charset=utf-8"),
                             ("/files/%61.css", "a.css", "text/css; charset=utf-8"),
                             ("/files/data.bin", "data.bin", "application/octet-stream")):
        out = lab.path("out")
        fields = curl(lab, net, path, "-o", out, "-D", "-")
        lib.contains(fields, f"Content-Type: {kind}\n")
        lib.check(open(out, "rb").read() == open(os.path.join(site, name), "rb").read(),
                  f"{path} differs from {name}")
    lib.contains(curl(lab, net, "/files/sub?x=y", "-D", "-"), "Location: /files/sub/?x=y\n")
    for path in ("/files/none", "/files/.hidden/secret", "/files/a.css.gz", "/files/a.css/"):
        lib.equal(curl(lab, net, path, "-o", "/dev/null", "-w", "%{http_code}"), "404", path)
    fields = curl(lab, net, "/files/a.css", "-o", lab.path("gz"), "-D", "-", "-H",
                  "Accept-Encoding: gzip")
    lib.contains(fields, "Content-Encoding: gzip\n")
    lib.contains(fields, "Vary: Accept-Encoding\n")
    lib.check(open(lab.path("gz"), "rb").read() == open(os.path.join(site, "a.css.gz"), "rb").read(),
              "the compressed variant")


@lib.test
def conditions_and_ranges(lab):
    net, _ = start(lab)
    tag = re.search(r"ETag: (\S+)", curl(lab, net, "/files/data.bin", "-o", "/dev/null", "-D", "-"))[1]
    data = open(os.path.join(lib.ROOT, "test/images/http_site/data.bin"), "rb").read()

    def get(*fields):
        out = lab.path("out")
        code = curl(lab, net, "/files/data.bin", "-o", out, "-w", "%{http_code}",
                    *[x for f in fields for x in ("-H", f)])
        return int(code), open(out, "rb").read() if os.path.exists(out) else b""
    lib.equal(get(f"If-None-Match: {tag}")[0], 304, "its own tag")
    lib.equal(get('If-None-Match: "other"')[0], 200, "another tag")
    lib.equal(get('If-Match: "other"')[0], 412, "If-Match")
    for spec, part in (("0-9", data[:10]), ("99990-", data[99990:]), ("-5", data[-5:]),
                       ("50000-50000", data[50000:50001])):
        lib.equal(get(f"Range: bytes={spec}"), (206, part), f"range {spec}")
    lib.equal(get("Range: bytes=100000-")[0], 416, "beyond the end")
    lib.equal(get("Range: bytes=0-1", 'If-Range: "other"'), (200, data), "If-Range")


@lib.test
def malformed_requests_are_refused(lab):
    """Each by its status, and the connection closes: nothing behind it is taken for a request."""
    net, server = start(lab)
    tail = "GET /users/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    for head, wanted in (
            ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
            ("GET / HTTP/1.1\nHost: a\n\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\n", 400),
            ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
             400),
            ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
            ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n", 417),
            ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n", 400),
            ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
             400),
            ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", 413),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: " + "y" * 9000 + "\r\n\r\n", 431),
            ("GET / HTTP/1.1\r\n" + "X: y\r\n" * 100 + "\r\n", 431),
            ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400)):
        reply, end = talk(lab, net, head + tail, patience=4)
        lib.equal((statuses(reply), end), ([wanted], "closed"), repr(head[:90]))
        lib.check(b"smuggled" not in reply, f"a second request was seen behind {head!r}")
    lib.check(server.alive(), server.describe())
    lib.contains(curl(lab, net, "/users/b"), "user=b")


@lib.test
def slow_clients_hold_nothing(lab):
    net, server = start(lab)
    # The head must be complete in 1.5 s, however its bytes drip.
    reply, end = talk(lab, net, "GET /users/a HT", *([0.4, "x"] * 8), patience=3)
    lib.equal((statuses(reply), end), ([408], "closed"), "a dripping head")
    reply, end = talk(lab, net, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe",
                      patience=4)
    lib.equal((statuses(reply), end), ([400], "closed"), "a body that does not come")
    reply, end = talk(lab, net, "", patience=5)
    lib.equal((reply, end), (b"", "closed"), "a connection without a request")
    lib.check(server.alive(), server.describe())


@lib.test
def events(lab):
    net, _ = start(lab)
    lib.equal(curl(lab, net, "/events"),
              "data: one\n\nevent: second\ndata: two\ndata: lines\n\n", "events")


@lib.test
def nothing_of_the_client_becomes_a_field(lab):
    net, _ = start(lab)
    reply = curl(lab, net, "/jump?to=/a%0d%0aSet-Cookie:%20x=y", "-D", "-")
    lib.contains(reply, "no such place")
    lib.check("Set-Cookie" not in reply, "a field was smuggled into the reply")
    lib.contains(curl(lab, net, "/jump?to=/a%20b", "-D", "-"), "Location: /a b\n")
    lib.equal(curl(lab, net, "/tell?what=x%0devent:%20y%0d%0a%0az"),
              "event: a\ndata: x\ndata: event: y\ndata: \ndata: z\n\n", "an event with line ends")


@lib.test
def forms(lab):
    net, _ = start(lab)
    lib.equal(curl(lab, net, "/form", "-d", "a=b&full+name=Ann+B%C3%A9&c"), "[Ann B\u00e9]\n", "a form")
    lib.equal(curl(lab, net, "/form", "-d", "full%20name=", "-o", "/dev/null", "-w", "%{http_code}"),
              "200", "an empty value")
    lib.equal(curl(lab, net, "/form", "-d", "x", "-H", "Content-Type: text/plain", "-o", "/dev/null",
                   "-w", "%{http_code}"), "415", "another type")
    lib.equal(curl(lab, net, "/form", "-d", "full+name=%zz", "-o", "/dev/null", "-w", "%{http_code}"),
              "500", "malformed encoding")


@lib.test
def trailers_both_ways(lab):
    net, server = start(lab)
    head = "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{}\r\n2\r\nab\r\n0\r\n"
    one = head.format("TE: trailers\r\n") + "X-Sum: 195\r\n\r\n"
    two = head.format("") + "\r\n"
    last = "GET /users/z HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    reply, end = talk(lab, net, one + two + last)
    lib.equal((statuses(reply), end), ([200] * 3, "closed"), "replies")
    lib.contains(reply, b"2\r\nab\r\n3\r\n195\r\n0\r\nX-Sum: 195\r\n\r\nHTTP/1.1 200")
    lib.contains(reply, b"2\r\nab\r\n1\r\n-\r\n0\r\n\r\nHTTP/1.1 200")
    reply, end = talk(lab, net, head.format("") + "Bad name: x\r\n\r\n" + last, patience=3)
    lib.equal((len(statuses(reply)), end), (1, "closed"), "malformed trailers")
    lib.check(server.alive(), server.describe())


@lib.test
def who_does_not_read_is_left_behind(lab):
    """A client whose window stays shut: the handler's write ends, and so does its connection."""
    net, server = start(lab)
    reader = lab.start(["/usr/bin/python3", "-c", "import socket, sys, time\n"
                        f"s = socket.create_connection(('{net.body}', 80))\n"
                        "s.sendall(b'GET /flood HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')\n"
                        "time.sleep(20)"], inside=net)
    lib.until(lambda: "flood ended: timed out" in server.out() + server.err(), 10, "the write's end")
    lib.contains(curl(lab, net, "/users/b"), "user=b")
    reader.kill()


PAIR = r"""
import os, select, signal, socket, sys, time
def ask(s, path):
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
one, two = (socket.create_connection((sys.argv[1], 80), 5) for _ in range(2))
for _ in range(3):
    ask(one, "/users/w")
    one.recv(65536)
server = int(sys.argv[2])
os.kill(server, signal.SIGSTOP)
ask(one, "/slow")
ask(two, "/users/q")
time.sleep(0.05)
os.kill(server, signal.SIGCONT)
two.settimeout(5)
assert b"user=q" in two.recv(65536)
print(select.select([one], [], [], 0)[0] == [])
"""


@lib.test
def a_blocked_handler_holds_up_nobody(lab):
    """Two requests that come in one batch, the first of which blocks: the second is answered before it."""
    net, server = start(lab)
    done = lab.run(["/usr/bin/python3", "-c", PAIR, net.body, str(server.pid)], inside=net, timeout=20)
    lib.equal((done.code, done.out), (0, "True\n"), f"{done.err}the second came first")


@lib.test
def access_log(lab):
    net, server = start(lab)
    curl(lab, net, "/users/ann?x=y")
    curl(lab, net, "/nothing", "-o", "/dev/null")
    done = lab.run(["/usr/bin/python3", "-c", WEBSOCKET, net.body, "echo"], inside=net, timeout=30)
    lib.equal(done.code, 0, f"{done.err}client")

    def logged(line):
        return re.search(line, server.out() + server.err())
    for line in (r"10\.9\.0\.1 GET /users/ann\?x=y 200 \d+ \d+ us", r"GET /nothing 404 10 \d+ us",
                 r"GET /chat 101 "):
        lib.until(lambda line=line: logged(line), 3, f"a line {line}")


IDLE = r"""
import resource, socket, sys
n = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (n + 100, n + 100))
all = [socket.create_connection((sys.argv[1], 80), 5) for _ in range(n)]
for s in all:
    s.sendall(b"GET /users/i HTTP/1.1\r\nHost: a\r\n\r\n")
for s in all:
    assert b"user=i" in s.recv(65536)
for s in all[::97]:
    s.sendall(b"GET /users/j HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"user=j" in s.recv(65536)
print("done")
"""


@lib.test
def many_idle_connections(lab):
    """Each kept alive, with 256 stacks and 128 MiB for all of them."""
    net, server = start(lab)
    done = lab.run(["/usr/bin/python3", "-c", IDLE, net.body, "900"], inside=net, timeout=30)
    lib.equal((done.code, done.out), (0, "done\n"), f"{done.err}client")
    lib.check(server.alive(), server.describe())


@lib.test
def finishes_what_it_has_begun(lab):
    """TERM: a request in hand is answered, an idle connection ends, new ones are refused."""
    net, server = start(lab)
    slow = lab.start(["curl", "-s", "-S", "-m", "5", f"http://{net.body}/slow"], inside=net)
    lib.until(lambda: slow.alive(), 2)
    import time
    time.sleep(0.2)
    lib.equal(server.stop(), 0, f"{server.describe()}exit code")
    lib.equal((slow.wait(5), slow.out()), (0, "slow\n"), f"{slow.err()}the reply")


WEBSOCKET = r"""
import base64, hashlib, os, socket, struct, sys
s = socket.create_connection((sys.argv[1], 80), 5)
s.settimeout(5)
f = s.makefile("rb")
key = base64.b64encode(os.urandom(16)).decode()
s.sendall((f"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
           f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
head = b""
while not head.endswith(b"\r\n\r\n"):
    head += f.read(1)
accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
assert b" 101 " in head and accept in head, head

def send(opcode, payload, final=True, mask=True):
    key = os.urandom(4)
    n = len(payload)
    length = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else \
        b"\x7f" + struct.pack(">Q", n)
    first = bytes([opcode | (0x80 if final else 0), length[0] | (0x80 if mask else 0)])
    body = bytes(b ^ key[i % 4] for i, b in enumerate(payload)) if mask else payload
    s.sendall(first + length[1:] + (key if mask else b"") + body)

def receive():
    first, second = f.read(2)
    assert not second & 0x80, "a server's frame is not masked"
    n = second & 127
    if n == 126:
        n = struct.unpack(">H", f.read(2))[0]
    elif n == 127:
        n = struct.unpack(">Q", f.read(8))[0]
    return first, f.read(n)

case = sys.argv[2]
if case == "echo":
    for payload in (b"", b"hello", b"x" * 125, b"y" * 126, b"z" * 65535, b"\xce\xba" * 1000):
        send(1, payload)
        assert receive() == (0x81, payload)
    send(2, bytes(range(256)))
    assert receive() == (0x82, bytes(range(256)))
    send(1, b"frag", final=False)
    send(9, b"are you there")
    send(0, b"mented")
    assert receive() == (0x8a, b"are you there")
    assert receive() == (0x81, b"fragmented")
    send(8, struct.pack(">H", 1000))
    assert receive() == (0x88, struct.pack(">H", 1000))
else:
    {"unmasked": lambda: send(1, b"x", mask=False), "bad utf-8": lambda: send(1, b"\xc0\x80"),
     "too long": lambda: send(2, b"x" * 65537), "reserved": lambda: send(0x41, b"x"),
     "stray continuation": lambda: send(0, b"x"),
     "long ping": lambda: s.sendall(b"\x89\xfe\x01\x00" + b"\0" * 260)}[case]()
    first, payload = receive()
    print(first == 0x88 and struct.unpack(">H", payload)[0])
    assert f.read(1) == b""
print("done")
"""


@lib.test_each("vm", "process")
def websocket_echoes(lab, target):
    net, server = start(lab, target)
    done = lab.run(["/usr/bin/python3", "-c", WEBSOCKET, net.body, "echo"], inside=net, timeout=30)
    lib.equal((done.code, done.out), (0, "done\n"), f"{done.err}client")
    lib.check(server.alive(), server.describe())


@lib.test
def websocket_rules(lab):
    net, server = start(lab)
    for case, code in (("unmasked", 1002), ("bad utf-8", 1007), ("too long", 1009),
                       ("reserved", 1002), ("stray continuation", 1002), ("long ping", 1002)):
        done = lab.run(["/usr/bin/python3", "-c", WEBSOCKET, net.body, case], inside=net, timeout=30)
        lib.equal((done.code, done.out), (0, f"{code}\ndone\n"), f"{case}: {done.err}")
    head = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: close{}\r\n\r\n"
    for more, wanted in (("", 426), (", upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8", 426),
                         (", upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13", 400)):
        reply, _ = talk(lab, net, head.format(more))
        lib.equal(statuses(reply), [wanted], more)
    lib.check(server.alive(), server.describe())


lib.main()
