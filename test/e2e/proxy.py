#!/usr/bin/python3
"""
app/proxy and the HTTP client beneath it, against servers of others: nginx and Python's.

    namespace:  curl, nginx and Python servers on 10.9.0.1 --- tap === proxy on 10.9.0.2
"""
import base64
import os
import re
import time

import lib

NGINX = """
worker_processes 1;
master_process off;
daemon off;
user root;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  log_format seen '$request|$host|$http_x_forwarded_for|$http_forwarded|$http_via|$http_connection|'
                  '$http_x_hop|$connection_requests';
  access_log {directory}/access.log seen;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen {address}:{port};
    root {directory}/site;
    location /put/ {{ dav_methods PUT; create_full_put_path on; client_max_body_size 64m; }}
    location /text {{ return 200 "from {port}\\n"; }}
    location /gone {{ return 410; }}
    location /broken {{ return 500; }}
  }}
}}
"""

# One that answers what no good server would.
ODD = r"""
import socket, sys, time
l = socket.create_server((sys.argv[1], int(sys.argv[2])))
while True:
    s, _ = l.accept()
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
            b"/nothing": b""}.items():
        if path == case:
            s.sendall(reply)
    s.close()
"""


def start_nginx(lab, net, port, name="nginx"):
    lib.need("nginx")
    directory = lab.path(f"{name}{port}{time.monotonic_ns()}")
    os.makedirs(os.path.join(directory, "site", "put"))
    os.chmod(lab.directory, 0o755)
    os.chmod(directory, 0o777)
    with open(os.path.join(directory, "site", "big.bin"), "wb") as file:
        file.write(os.urandom(5 << 20))
    conf = os.path.join(directory, "conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write(NGINX.format(directory=directory, port=port, address=net.host))
    server = lab.start(["nginx", "-p", directory, "-c", conf], inside=net)
    server.directory = directory
    lib.until(lambda: os.path.exists(os.path.join(directory, "pid")), 5, "nginx")
    return server


def start_odd(lab, net, port):
    server = lab.start(["/usr/bin/python3", "-c", ODD, net.host, str(port)], inside=net)
    lib.until(lambda: lab.run(["curl", "-s", "-m", "1", f"http://{net.host}:{port}/"],
                              inside=net).code == 0, 5, "the odd server")
    return server


def start_proxy(lab, net, *ports, target="process"):
    proxy = lab.boot("proxy", *[f"{net.host}:{p}" for p in ports], target=target, net=net, mem=64,
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
    with open(out, "rb") as got, open(f"{nginx.directory}/site/big.bin", "rb") as wanted:
        lib.check(got.read() == wanted.read(), "5 MiB came back changed")
    data = os.urandom(3 << 20)
    for name, options in (("length", []), ("chunked", ["-H", "Transfer-Encoding: chunked"]),
                          ("continue", ["-H", "Expect: 100-continue"])):
        code = code_of(lab, net, f"/put/{name}", "-T", lab.path("data", data), *options)
        lib.equal(code, 201, f"PUT {name}")
        with open(f"{nginx.directory}/site/put/{name}", "rb") as file:
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
    with open(f"{nginx.directory}/access.log", encoding="ascii") as file:
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
    lib.equal(code_of(lab, net, "/text"), 502, "with nobody behind")
    start_nginx(lab, net, 8001, name="again")
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
    for path in ("/garbage", "/two", "/both", "/long", "/nothing"):
        lib.equal(code_of(lab, net, path), 502, path)
    for path in ("/short", "/cut"):
        done = lab.run(["curl", "-s", "-m", "5", f"http://{net.body}{path}"], inside=net)
        lib.check(done.code in (18, 56), f"{path}: curl ended with {done.code}, as if it were whole")
    lib.check(proxy.alive(), proxy.describe())


@lib.test
def names_of_servers(lab):
    net = lab.network()
    for words in ([], ["10.9.0.1:0"], ["10.9.0.1:99999"], ["nowhere"], ["[::1"], ["::1:x"]):
        done = lab.boot_and_wait("proxy", *words, target="process", net=net)
        lib.equal(done.code, 2, f"exit code for {words}")


lib.main()
