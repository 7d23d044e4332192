#!/usr/bin/python3
"""
What attackers do to a web server and to a proxy: requests that two readers could take for different ones, heads that
never end, clients that don't read, ten thousand that say nothing. The good client is served meanwhile.

    namespace:  attackers, a good client, a server that notes what it sees --- tap === http_test, or proxy

Takes up to 200 s.
"""
import os
import re
import time

import lib
from talk import statuses, talk, talk_rows

HEAD = "POST /echo HTTP/1.1\r\nHost: a\r\n"
GET = "GET /users/u HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n"
# Behind each row: taken for a request, it would be seen.
SMUGGLED = "GET /users/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

# What is sent; the status that refuses it.
CORPUS = (
    # lengths that contradict each other, or are none
    (HEAD + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    (HEAD + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
    (HEAD + "Content-Length: 5, 5\r\n\r\nhello", 400),
    (HEAD + "Content-Length: 5;x\r\n\r\nhello", 400),
    (HEAD + "Content-Length: +5\r\n\r\nhello", 400),
    (HEAD + "Content-Length: -1\r\n\r\n", 400),
    (HEAD + "Content-Length: 0x5\r\n\r\nhello", 400),
    (HEAD + "Content-Length: 5 \x0b\r\n\r\nhello", 400),
    (HEAD + "Content-Length: \r\n\r\n", 400),
    (HEAD + "Content-Length: 18446744073709551621\r\n\r\nhello", 400),
    (HEAD + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    # transfer codings, as a list, twice, disguised
    (HEAD + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", 501),
    (HEAD + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "Transfer-Encoding: chun\r\n ked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "Transfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n", 400),
    (HEAD + "\xa0Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    # lines
    ("POST /echo HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("POST /echo HTTP/1.1\r\nHost: a\r\n\n", 400),
    (HEAD + "X: y\r\r\n\r\n", 400),
    (HEAD + "\x00: y\r\n\r\n", 400),
    (HEAD + " X: y\r\n\r\n", 400),
    (HEAD + "X\r\n\r\n", 400),
    (HEAD + ": y\r\n\r\n", 400),
    ("\r\n\r\n\r\n\r\n\r\n" + GET + "\r\n", 400),
    ("GET  /users/u HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /users/u\tHTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /users/u HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("GET /users/u HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    ("GET /users/u HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("GET /users/u\r\n\r\n", 400),
    ("GET /users/\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /users/u#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    # Host
    ("GET /users/u HTTP/1.1\r\n\r\n", 400),
    ("GET /users/u HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("GET /users/u HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("GET /users/u HTTP/1.1\r\nHost: a/../b\r\n\r\n", 400),
    ("GET /users/u HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("GET http:///users/u HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET http://u@b/users/u HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET //b/users/u#@ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    # chunks
    (CHUNKED + "5\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "5\r\nhello\n0\r\n\r\n", 400),
    (CHUNKED + "5\r\nhello0\r\n\r\n", 400),
    (CHUNKED + "0x5\r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "-5\r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + " 5\r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "5 \r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "10000000000000005\r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "5;x=\ny\r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "5;x=\ry\r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "5;" + "x" * 300 + "\r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "\r\n5\r\nhello\r\n0\r\n\r\n", 400),
    (CHUNKED + "0\r\nX : y\r\n\r\n", 400),
    (CHUNKED + "0\r\nX: y\n\r\n", 400),
    (CHUNKED + "0\r\n X: y\r\n\r\n", 400),
    (CHUNKED + "0\n\n", 400),
)

# Unusual, but nobody can take them for something else: status, and what the handler saw.
GOOD = (
    (CHUNKED + "005\r\nhello\r\n0\r\n\r\n", 200, b"hello"),
    (CHUNKED + "5;a=\"b;c\"\r\nhello\r\n000;x\r\nX: y\r\n\r\n", 200, b"hello"),
    (HEAD + "tRANSFER-eNCODING: \t CHUNKED \t\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, b"hello"),
    (HEAD + "Content-Length: 00005\r\n\r\nhello", 200, b"hello"),
    (HEAD + "Content-Length: 5\r\n\r\nhello\r\n", 200, b"hello"),
    ("\r\n" + GET + "\r\n", 200, b"user=u"),
    ("GET http://b.example:81/users/u HTTP/1.1\r\nHost: a\r\n\r\n", 200, b"host=b.example:81"),
    ("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", 404, b"not found"),
    ("GET /users/%75 HTTP/1.1\r\nHost:\r\n\r\n", 200, b"user=u"),
)


def start(lab, target="process", limit_ms=0):
    net = lab.network()
    server = lab.boot(lib.test_image("http_test"), str(limit_ms), target=target, net=net, mem=128)
    server.wait_for_ping()
    return net, server


@lib.test
def a_server_is_not_smuggled_into(lab):
    net, server = start(lab)
    rows = talk_rows(lab, net, [(sent + SMUGGLED,) for sent, _ in CORPUS], patience=4)
    for (sent, wanted), (reply, end) in zip(CORPUS, rows):
        lib.equal((statuses(reply), end), ([wanted], "closed"), repr(sent[:120]))
        lib.check(b"smuggled" not in reply, f"a request was seen behind {sent!r}")
    last = GET.replace("/users/u", "/users/last") + "Connection: close\r\n\r\n"
    rows = talk_rows(lab, net, [(sent + last,) for sent, _, _ in GOOD], patience=4)
    for (sent, wanted, part), (reply, end) in zip(GOOD, rows):
        lib.equal((statuses(reply), end), ([wanted, 200], "closed"), repr(sent[:120]))
        lib.contains(reply, part, sent)
        lib.contains(reply, b"user=last", sent)
    lib.check(server.alive(), server.describe())


# Notes each request as it takes it: Python's own parser, which is more lenient than ours.
SEES = r"""
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                while self.rfile.readline() != b"\r\n":
                    pass
                if size == 0:
                    break
        print(f"{self.command} {self.path} {self.headers['Host']} {body!r}", flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"seen")
    do_POST = do_GET
    def log_message(self, *unused):
        pass
http.server.ThreadingHTTPServer((sys.argv[1], 8080), Handler).serve_forever()
"""


@lib.test
def nothing_is_smuggled_through_the_proxy(lab):
    net = lab.network()
    server = lab.start(["/usr/bin/python3", "-c", SEES, net.host], inside=net)
    proxy = lab.boot("proxy", f"{net.host}:8080", target="process", net=net, mem=64)
    proxy.wait_for_ping()
    lib.until(lambda: "GET /" in server.out(), 8, "the first health check")
    rows = talk_rows(lab, net, [(sent + SMUGGLED,) for sent, _ in CORPUS], patience=4)
    for (sent, wanted), (reply, end) in zip(CORPUS, rows):
        lib.equal((statuses(reply), end), ([wanted], "closed"), repr(sent[:120]))
    rows = talk_rows(lab, net, [(sent, GET.replace("/users/u", "/last") + "Connection: close\r\n\r\n")
                                for sent, _, _ in GOOD], patience=4)
    for (sent, _, _), (reply, end) in zip(GOOD, rows):
        lib.equal((statuses(reply), end), ([200, 200], "closed"), repr(sent[:120]))
    seen = server.out().splitlines()
    lib.check(not any("smuggled" in line for line in seen), f"the server saw {seen}")
    lib.equal([line for line in seen if line.startswith("POST")], ["POST /echo a b'hello'"] * 5, "bodies")
    lib.equal(sum("GET /last a b''" == line for line in seen), len(GOOD), "requests behind them")
    lib.contains(seen, "GET /users/u b.example:81 b''")
    lib.check(proxy.alive(), proxy.describe())


@lib.test
def limits_of_heads(lab):
    """8 KiB are taken, a byte more is refused; so are a long target, and the 65th field."""
    net, _ = start(lab)
    close = "Connection: close\r\n\r\n"

    def padded(start, end, total):
        return start + "x" * (total - len(start) - len(end)) + end
    for sent, wanted in ((padded(GET + "X: ", "\r\n" + close, 8192), 200),
                         (padded(GET + "X: ", "\r\n" + close, 8193), 431),
                         (padded("GET /users/", " HTTP/1.1\r\nHost: a\r\n" + close, 8192), 200),
                         (padded("GET /users/", " HTTP/1.1\r\nHost: a\r\n" + close, 8300), 414),
                         ("G" * 9000, 414), (GET + "X: y\r\n" * 62 + close, 200),
                         (GET + "X: y\r\n" * 63 + close, 431)):
        reply, end = talk(lab, net, sent, patience=3)
        lib.equal((statuses(reply), end), ([wanted], "closed"), f"{sent[:20]}... of {len(sent)} bytes")


GOOD_CLIENT = r"""
import socket, sys, time
until = time.monotonic() + float(sys.argv[2])
longest = count = 0
while time.monotonic() < until:
    started = time.monotonic()
    s = socket.create_connection((sys.argv[1], 80), 5)
    s.settimeout(5)
    s.sendall(b"GET /users/good HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    got = b""
    while part := s.recv(65536):
        got += part
    assert b"user=good" in got, got
    longest, count = max(longest, time.monotonic() - started), count + 1
    time.sleep(0.02)
print(count, longest)
"""


def good_client(lab, net, seconds):
    return lab.start(["/usr/bin/python3", "-c", GOOD_CLIENT, net.body, str(seconds)], inside=net)


def check_was_served(client):
    lib.equal(client.wait(30), 0, f"{client.describe()}the good client")
    count, longest = client.out().split()
    lib.check(int(count) >= 10 and float(longest) < 2, f"{count} requests, the longest {longest} s")


SLOWLORIS = r"""
import select, socket, sys, time
address, count = sys.argv[1], int(sys.argv[2])
all = [socket.create_connection((address, 80), 5) for _ in range(count)]
started = time.monotonic()
for s in all:
    s.sendall(b"GET /users/slow HTTP/1.1\r\nHost: a\r\n")
left, got = set(all), {s: b"" for s in all}
while left and time.monotonic() - started < 8:
    time.sleep(0.25)
    for s in list(left):
        try:
            s.sendall(b"X")
        except OSError:
            pass
    for s in select.select(list(left), [], [], 0)[0]:
        try:
            part = s.recv(65536)
        except OSError:
            part = b""
        got[s] += part
        if not part:
            left.remove(s)
print(sum(b" 408 " in g for g in got.values()), len(left), time.monotonic() - started)
"""


@lib.test_each("vm", "process")
def slowloris(lab, target):
    """Heads that drip have 1.5 s in all. 600 of them hold no fiber of 256, and the good client is served."""
    net, server = start(lab, target)
    good = good_client(lab, net, 2.5)
    slow = lab.run(["/usr/bin/python3", "-c", SLOWLORIS, net.body, "600"], inside=net, timeout=30)
    lib.equal(slow.code, 0, f"{slow.err}slowloris")
    told, left, seconds = slow.out.split()
    lib.equal((int(told), int(left)), (600, 0), "told 408, and left")
    lib.check(float(seconds) < 6, f"it took {seconds} s")
    check_was_served(good)
    lib.check(server.alive(), server.describe())


SLOW_READERS = r"""
import socket, sys, time
all = []
for _ in range(int(sys.argv[2])):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((sys.argv[1], 80))
    s.sendall(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
    all.append(s)
started = time.monotonic()
left = set(all)
while left and time.monotonic() - started < 12:
    time.sleep(0.1)
    for s in list(left):
        try:
            s.recv(1, socket.MSG_DONTWAIT)  # a byte each time: no more than enough to be alive
            s.send(b"x", socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError:
            left.remove(s)
print(len(left), time.monotonic() - started)
"""


@lib.test_each("vm", "process")
def slow_readers(lab, target):
    """Each wants 64 MiB and takes ten bytes a second: after 1.5 s of waiting for 256 KiB its connection is reset."""
    net, server = start(lab, target)
    good = good_client(lab, net, 2.5)
    slow = lab.run(["/usr/bin/python3", "-c", SLOW_READERS, net.body, "60"], inside=net, timeout=30)
    lib.equal(slow.code, 0, f"{slow.err}slow readers")
    left, seconds = slow.out.split()
    lib.equal(int(left), 0, "connections left")
    lib.check(float(seconds) < 10, f"it took {seconds} s")
    check_was_served(good)
    lib.check(server.alive(), server.describe())


IDLE = r"""
import os, resource, socket, sys
n = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (n + 100, n + 100))
ask = b"GET /users/i HTTP/1.1\r\nHost: a\r\n\r\n"
all = []
def use(s):
    s.sendall(ask)
    got = s.recv(65536)
    assert b"user=i" in got, got
for i in range(n):
    s = socket.create_connection((sys.argv[1], 80), 5)
    s.settimeout(5)
    use(s)
    all.append(s)
print("open", flush=True)
sys.stdin.readline()
for s in all[::100]:
    use(s)
print("used", flush=True)
"""


def resident_bytes(process):
    total = 0
    for pid in process.children():
        with open(f"/proc/{pid}/status") as file:
            total += int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024
    return total


@lib.test_each("vm", "process")
def ten_thousand_idle(lab, target):
    """Kept alive, each has had its answer: what stays of one is a TCP connection and a timer, no fiber, no buffer."""
    count = 10000
    net, server = start(lab, target, limit_ms=60000)
    # What comes with the first requests is no connection's.
    talk_rows(lab, net, [(GET + "Connection: close\r\n\r\n",)] * 50)
    before = resident_bytes(server)
    read, write = os.pipe()
    client = lab.start(["/usr/bin/python3", "-c", IDLE, net.body, str(count)], inside=net, stdin=read)
    os.close(read)
    lib.until(lambda: "open" in client.out() or not client.alive(), 20, "the connections")
    each = (resident_bytes(server) - before) / count
    os.write(write, b"\n")
    os.close(write)
    lib.equal((client.wait(10), client.out()), (0, "open\nused\n"), f"{client.err()}the client")
    print(f"{count} idle connections: {each:.0f} bytes of the whole server for each")
    lib.check(each < 1024, f"{each:.0f} bytes a connection")
    lib.check(server.alive(), server.describe())


HALF_READER = r"""
import socket, sys
s = socket.create_connection((sys.argv[1], 80), 5)
s.settimeout(5)
s.sendall(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
got = len(s.recv(65536))
print("begun", flush=True)
sys.stdin.readline()
last = b""
while part := s.recv(1 << 20):
    got, last = got + len(part), (last + part)[-16:]
print(got >= 64 << 20, last.endswith(b"\r\n0\r\n\r\n"))
"""


@lib.test_each("vm", "process")
def finish_in_the_middle_of_a_reply(lab, target):
    """TERM: what is being sent is sent to its end, nobody new is let in."""
    net, server = start(lab, target)
    read, write = os.pipe()
    reader = lab.start(["/usr/bin/python3", "-c", HALF_READER, net.body], inside=net, stdin=read)
    os.close(read)
    lib.until(lambda: "begun" in reader.out(), 5, "the reply's beginning")
    server.signal(15)
    time.sleep(0.2)
    late = lab.run(["curl", "-s", "-m", "2", f"http://{net.body}/users/late"], inside=net)
    lib.equal(late.code, 7, f"{late.out}{late.err}curl's code, refused")
    os.write(write, b"\n")
    os.close(write)
    lib.equal((reader.wait(10), reader.out()), (0, "begun\nTrue True\n"), f"{reader.err()}the reply")
    lib.equal(server.wait(10), 0, f"{server.describe()}exit code")


lib.main()
