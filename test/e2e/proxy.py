#!/usr/bin/python3
"""
app/proxy and the HTTP client beneath it, against servers of others: nginx and Python's.

    namespace:  curl, nginx and Python servers on 10.9.0.1 --- tap === proxy on 10.9.0.2
"""
import os
import re
import time

import lib
from talk import statuses, talk

NGINX = """
  log_format seen '$request|$host|$http_x_forwarded_for|$http_forwarded|$http_via|$http_connection|'
                  '$http_x_hop|$connection_requests';
  access_log FOLDER/access.log seen;
  server {{
    listen {address}:{port};
    root FOLDER/site;
    location /put/ {{ dav_methods PUT; create_full_put_path on; client_max_body_size 64m; }}
    location /text {{ return 200 "from {port}\\n"; }}
    location /gone {{ return 410; }}
    location /broken {{ return 500; }}
  }}
"""

# One that answers what no good server would.
ODD = r"""
import socket, sys, threading, time
def serve(s):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        part = s.recv(1)
        if not part:
            break
        head += part
    path = head.split(b" ")[1] if head else b""
    for case, reply in {
            b"/": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"/interim": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
                         b"Content-Length: 2\r\n\r\nok",
            b"/close": b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
            b"/garbage": b"SSH-2.0-x\r\n\r\n",
            b"/two": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"/both": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"/long": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
            b"/short": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            b"/cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
                        b"X-Stay: 2\r\n\r\n3;e\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Late: z\r\n\r\n",
            b"/999": b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
            b"/fields": b"HTTP/1.1 200 OK\r\nConnection: X-A\r\nConnection: x-b\r\nX-A: 1\r\nX-B: 2\r\n"
                        b"X-C: 3\r\nContent-Length: 0\r\n\r\n",
            b"/late": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Late: z\r\n"
                      b"Content-Length: 77\r\nX-Later:  y \r\n\r\n",
            b"/nothing": b""}.items():
        if path == case:
            s.sendall(reply)
    if path == b"/silent":
        time.sleep(20)
    if path == b"/seen":
        body = head.replace(b"\r\n", b"|")
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    if path == b"/upload":
        rest = b""
        while not rest.endswith(b"\r\n\r\n"):
            rest += s.recv(65536)
        body = rest.replace(b"\r\n", b"|")
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    if path in (b"/shout", b"/uninvited"):
        # What comes behind the 101, in the same segment, is the new protocol's.
        s.sendall(b"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  b"Sec-WebSocket-Accept: yes\r\n\r\nREADY")
        while True:
            part = s.recv(65536)
            if not part:
                break
            s.sendall(part.upper())
        s.sendall(b"BYE")
    s.close()
l = socket.create_server((sys.argv[1], int(sys.argv[2])))
while True:
    threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
"""


def start_nginx(lab, net, port):
    server = lib.start_nginx(lab, net, NGINX.format(port=port, address=net.host))
    os.makedirs(f"{server.folder}/site/put")
    with open(f"{server.folder}/site/big.bin", "wb") as file:
        file.write(os.urandom(5 << 20))
    return server


def start_odd(lab, net, port):
    server = lab.start(["/usr/bin/python3", "-c", ODD, net.host, str(port)], inside=net)
    lib.until(lambda: lab.run(["curl", "-s", "-m", "1", f"http://{net.host}:{port}/"],
                              inside=net).code == 0, 5, "the odd server")
    return server


def start_proxy(lab, net, *ports, target="process", words=()):
    proxy = lab.boot("proxy", *words, *[f"{net.host}:{p}" for p in ports], target=target, net=net, mem=64,
                     options=["--log", "info"])
    proxy.wait_for_ping()
    return proxy


def curl(lab, net, path, *options, code=0):
    done = lab.run(["curl", "-s", "-S", "-m", "10", *options, f"http://{net.body}{path}"], inside=net,
                   timeout=20)
    lib.equal(done.code, code, f"{done.err}curl {path}: its code")
    return done.out


def code_of(lab, net, path, *options):
    return int(curl(lab, net, path, "-o", "/dev/null", "-w", "%{http_code}", *options))


@lib.test_each("vm", "process")
def forwards_both_ways(lab, target):
    lib.need("curl")
    net = lab.network()
    nginx = start_nginx(lab, net, 8001)
    proxy = start_proxy(lab, net, 8001, target=target)
    out = lab.path("out")
    curl(lab, net, "/big.bin", "-o", out)
    with open(out, "rb") as got, open(f"{nginx.folder}/site/big.bin", "rb") as wanted:
        lib.check(got.read() == wanted.read(), "5 MiB came back changed")
    data = os.urandom(3 << 20)
    for name, options in (("length", []), ("chunked", ["-H", "Transfer-Encoding: chunked"]),
                          ("continue", ["-H", "Expect: 100-continue"])):
        code = code_of(lab, net, f"/put/{name}", "-T", lab.path("data", data), *options)
        lib.equal(code, 201, f"PUT {name}")
        with open(f"{nginx.folder}/site/put/{name}", "rb") as file:
            lib.check(file.read() == data, f"PUT {name} arrived changed")
    lib.equal(code_of(lab, net, "/gone"), 410, "/gone")
    lib.contains(curl(lab, net, "/big.bin", "-I"), "Content-Length: 5242880\n")
    lib.equal(code_of(lab, net, "/big.bin", "-r", "10-19"), 206, "a range")
    lib.equal(proxy.stop(), 0, f"{proxy.describe()}exit code")


@lib.test
def translates_heads(lab):
    lib.need("curl")
    net = lab.network()
    nginx = start_nginx(lab, net, 8001)
    start_proxy(lab, net, 8001)
    got = curl(lab, net, "/text?a=b%20c", "-D", "-", "-H", "Connection: X-Hop, keep-alive", "-H",
               "X-Hop: secret", "-H", "X-Forwarded-For: 192.0.2.7", "-H", "Host: example.org")
    lib.contains(got, "from 8001\n")
    lib.contains(got, "Via: 1.1 diatom\n")
    lib.equal(len(re.findall("(?m)^Date:", got)), 1, "Date fields")
    curl(lab, net, "/text")
    with open(f"{nginx.folder}/access.log", encoding="ascii") as file:
        lines = [line for line in file.read().splitlines() if line.startswith("GET /text")]
    lib.equal(lines[0].split("|")[:-1],
              ["GET /text?a=b%20c HTTP/1.1", "example.org", "192.0.2.7, 10.9.0.1", "for=10.9.0.1",
               "1.1 diatom", "-", "-"], "what nginx saw")
    lib.check(int(lines[1].split("|")[-1]) > 1, "the connection was not used again")


@lib.test
def takes_turns_and_fails_over(lab):
    lib.need("curl")
    net = lab.network()
    one, two = start_nginx(lab, net, 8001), start_nginx(lab, net, 8002)
    proxy = start_proxy(lab, net, 8001, 8002)
    seen = {curl(lab, net, "/text") for _ in range(4)}
    lib.equal(seen, {"from 8001\n", "from 8002\n"}, "who answered")
    one.kill()
    for _ in range(6):
        lib.equal(curl(lab, net, "/text"), "from 8002\n", "after the first died")
    lib.until(lambda: "8001 is down" in proxy.err() + proxy.out(), 8, "the health check")
    two.kill()
    lib.equal(code_of(lab, net, "/text"), 502, "with nobody behind, before that is known")
    lib.until(lambda: "8002 is down" in proxy.err() + proxy.out(), 8, "the health check")
    lib.equal(code_of(lab, net, "/text"), 503, "with nobody behind")
    start_nginx(lab, net, 8001)
    lib.until(lambda: "8001 is up" in proxy.err() + proxy.out(), 8, "up again")
    lib.equal(curl(lab, net, "/text"), "from 8001\n", "after it came back")


@lib.test
def odd_servers(lab):
    """Responses that no two readers may understand differently are not handed on."""
    lib.need("curl")
    net = lab.network()
    start_odd(lab, net, 8003)
    proxy = start_proxy(lab, net, 8003)
    lib.equal(curl(lab, net, "/interim"), "ok", "an interim response before")
    lib.equal(curl(lab, net, "/close"), "until the end", "a body until the connection's end")
    lib.equal(curl(lab, net, "/close", "-0"), "until the end", "the same for HTTP/1.0")
    got = curl(lab, net, "/chunks", "-D", "-")
    lib.contains(got, "abcdefg")
    lib.check("X-Hop" not in got and "X-Stay: 2" in got, f"fields of one hop: {got}")
    lib.contains(curl(lab, net, "/chunks", "-0", "-D", "-"), "abcdefg")
    got = curl(lab, net, "/fields", "-D", "-")
    lib.check("X-A" not in got and "X-B" not in got and "X-C: 3" in got, f"fields of one hop: {got}")
    for path in ("/garbage", "/two", "/both", "/long", "/nothing", "/999", "/uninvited"):
        lib.equal(code_of(lab, net, path), 502, path)
    for path in ("/short", "/cut"):
        done = lab.run(["curl", "-s", "-m", "5", f"http://{net.body}{path}"], inside=net)
        lib.check(done.code in (18, 56), f"{path}: curl ended with {done.code}, as if it were whole")
    lib.check(proxy.alive(), proxy.describe())


@lib.test
def heads_are_read_whole(lab):
    """Fields of one hop and fields of the way may come in several lines."""
    lib.need("curl")
    net = lab.network()
    start_odd(lab, net, 8003)
    start_proxy(lab, net, 8003)
    fields = ("Connection: close", "Connection: X-Hop ,x-Leap", "X-Hop: 1", "X-Leap: 2", "X-Stay: 3",
              "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2", "Proxy-Connection: x",
              "Keep-Alive: x", "Forwarded: for=192.0.2.1", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings",
              "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "TE: trailers")
    got = curl(lab, net, "/seen", *[x for f in fields for x in ("-H", f)]).split("|")
    lib.equal([line for line in got if not line.startswith(("User-Agent", "Accept"))],
              ["GET /seen HTTP/1.1", f"Host: {net.body}", "X-Stay: 3", "TE: trailers", "Connection: TE",
               "X-Forwarded-For: 192.0.2.1, 192.0.2.2, 10.9.0.1", "Forwarded: for=192.0.2.1, for=10.9.0.1",
               "Via: 1.1 diatom", "", ""], "what the server saw")
    got, _ = talk(lab, net, "GET http://inner.example/seen HTTP/1.1\r\nHost: outer.example\r\n"
                                "Connection: close\r\n\r\n")
    lib.contains(got, b"GET /seen HTTP/1.1|Host: inner.example|")
    reply, _ = talk(lab, net, "TRACE /seen HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    lib.check(reply.startswith(b"HTTP/1.1 501 ") and b"Via" not in reply, f"TRACE: {reply}")
    options, _ = talk(lab, net, *("OPTIONS /seen HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n",
                               "OPTIONS /seen HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n"))
    lib.contains(options, b"|Max-Forwards: 2|")
    lib.equal((statuses(options), options.count(b"OPTIONS /seen")), ([200, 204], 1), "OPTIONS with Max-Forwards")
    lib.check(b"outer" not in got, f"the Host of a request with an absolute target: {got}")


@lib.test
def trailers_go_through(lab):
    net = lab.network()
    lib.need("curl")
    start_odd(lab, net, 8003)
    start_proxy(lab, net, 8003)
    head = "GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{}\r\n"
    got, _ = talk(lab, net, head.format("TE: trailers\r\n"))
    lib.check(got.endswith(b"1\r\na\r\n0\r\nX-Late: z\r\nX-Later:  y \r\n\r\n"), f"with trailers: {got}")
    got, _ = talk(lab, net, head.format(""))
    lib.check(got.endswith(b"1\r\na\r\n0\r\n\r\n"), f"without: {got}")
    got, _ = talk(lab, net, "PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                                "Connection: close\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 195\r\nHost: evil\r\n\r\n")
    lib.check(got.endswith(b"2|ab|0|X-Sum: 195||"), f"of a request: {got}")


@lib.test_each("vm", "process")
def upgrades_go_through(lab, target):
    lib.need("curl")
    net = lab.network()
    start_odd(lab, net, 8003)
    proxy = start_proxy(lab, net, 8003, target=target)
    head = "GET /shout HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
    got, end = talk(lab, net, head + "early", 0.2, "late", 0.1, "x" * 80000, 0.3, half=True)
    lib.check(got.startswith(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                             b"Upgrade: websocket\r\nSec-WebSocket-Accept: yes\r\nVia: 1.1 diatom\r\n\r\n"
                             b"READYEARLYLATEXXX"), f"the way there: {got[:300]}")
    lib.check(got.endswith(b"XXXBYE") and got.count(b"X") == 80000, f"{len(got)} bytes, then {got[-40:]}")
    lib.equal(end, "closed", "the end")
    lib.until(lambda: "GET /shout 101 800" in proxy.out() + proxy.err(), 3, "the line of the log")
    # TERM ends a tunnel in which nothing happens.
    talker = lab.start(["/usr/bin/python3", "-c", "import socket, sys\n"
                        f"s = socket.create_connection(('{net.body}', 80))\n"
                        f"s.sendall({head.encode()!r})\nwhile s.recv(999): pass\nprint('ended')"], inside=net)
    time.sleep(0.3)
    lib.equal(proxy.stop(), 0, f"{proxy.describe()}exit code")
    lib.equal((talker.wait(5), talker.out()), (0, "ended\n"), "the tunnel's end")


@lib.test
def who_does_not_answer(lab):
    """A response that does not begin is 504; a server that never answers is found to be down, then 503."""
    lib.need("curl")
    net = lab.network()
    start_odd(lab, net, 8003)
    hung = lab.start(["/usr/bin/python3", "-c", "import socket, time\n"
                      f"l = socket.create_server(('{net.host}', 8004))\ntime.sleep(60)"], inside=net)
    started = time.monotonic()
    proxy = start_proxy(lab, net, 8003, words=("wait=1",))
    lib.equal(code_of(lab, net, "/silent"), 504, "a slow answer")
    lib.equal(curl(lab, net, "/interim"), "ok", "the next request to the same server")
    lib.check("is down" not in proxy.err() + proxy.out(), "one client's slow request took a server away")
    proxy.stop()
    proxy = start_proxy(lab, net, 8004, words=("wait=1",))
    lib.until(lambda: "8004 is down" in proxy.err() + proxy.out(), 15, "the health check")
    got = curl(lab, net, "/", "-D", "-")
    lib.contains(got, "503 Service Unavailable")
    lib.contains(got, "Retry-After: 2")
    hung.kill()
    start_odd(lab, net, 8004)
    lib.until(lambda: "8004 is up" in proxy.err() + proxy.out(), 8, "up again")
    lib.equal(curl(lab, net, "/interim"), "ok", "after it came back")
    lib.check(time.monotonic() - started < 40, "this took too long")


@lib.test
def names_of_servers(lab):
    net = lab.network()
    for words in ([], ["10.9.0.1:0"], ["10.9.0.1:99999"], ["nowhere"], ["[::1"], ["::1:x"], ["wait=0", "10.9.0.1"], ["wait=x"]):
        done = lab.boot_and_wait("proxy", *words, target="process", net=net)
        lib.equal(done.code, 2, f"exit code for {words}")


lib.main()
