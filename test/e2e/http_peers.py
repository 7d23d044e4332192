#!/usr/bin/python3
"""
The web server and what others ask it with: load generators, a WebSocket library, nginx in front of it, and a browser. The
server is test/images/http_test.c.

    namespace:  ab, httperf, h2load, siege, websockets, nginx, Chromium --- tap === http_test

Takes up to 200 s.
"""
import os
import re
import subprocess

import lib

FILE = "/files/a.css"


def start(lab, target="process", options=()):
    net = lab.network()
    # Limits that a busy machine doesn't meet.
    server = lab.boot(lib.test_image("http_test"), "20000", target=target, net=net, device=None if options else "eth0", mem=128, options=options)
    server.wait_for_ping()
    return net, server


def ask(lab, net, argv, timeout=60):
    done = lab.run(argv, inside=net, timeout=timeout, environment={"HOME": lab.directory})
    lib.equal(done.code, 0, f"{done}\n{argv[0]}'s code")
    return done.out + done.err


def number(text, pattern):
    found = re.search(pattern, text)
    lib.check(found, f"no {pattern!r} in {text}")
    return found[1]


@lib.test_each("vm", "process")
def apache_bench(lab, target):
    lib.need("ab")
    net, server = start(lab, target)
    for options, kept in ((["-k"], "1000"), ([], None)):
        out = ask(lab, net, ["ab", "-q", "-n", "1000", "-c", "16", *options, f"http://{net.body}{FILE}"])
        lib.equal(number(out, r"Complete requests:\s+(\d+)"), "1000", "complete")
        lib.equal(number(out, r"Failed requests:\s+(\d+)"), "0", "failed")
        lib.check("Non-2xx" not in out, out)
        if kept:  # ab speaks HTTP/1.0 and asks for it
            lib.equal(number(out, r"Keep-Alive requests:\s+(\d+)"), kept, "kept alive")
    data = lab.path("data", b"x" * 10000)
    out = ask(lab, net, ["ab", "-q", "-n", "200", "-c", "4", "-k", "-p", data, "-T", "text/plain",
                         f"http://{net.body}/echo"])
    lib.equal(number(out, r"Failed requests:\s+(\d+)"), "0", "failed uploads")
    lib.check(server.alive(), server.describe())


@lib.test
def httperf(lab):
    lib.need("httperf")
    net, server = start(lab)
    for more in ([], ["--burst-length", "5"]):  # one by one, and pipelined
        out = ask(lab, net, ["httperf", "--server", net.body, "--uri", FILE, "--num-conns", "100",
                             "--num-calls", "20", "--rate", "200", "--timeout", "5", *more])
        lib.contains(out, "requests 2000 replies 2000")
        lib.contains(out, "Reply status: 1xx=0 2xx=2000 3xx=0 4xx=0 5xx=0")
        lib.contains(out, "Errors: total 0")
    lib.check(server.alive(), server.describe())


@lib.test
def h2load_in_http_1(lab):
    lib.need("h2load")
    net, server = start(lab)
    out = ask(lab, net, ["h2load", "--h1", "-n", "2000", "-c", "16", "-m", "8",
                         f"http://{net.body}{FILE}", f"http://{net.body}/stream"])
    lib.contains(out, "2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout")
    lib.contains(out, "2000 2xx")
    lib.check(server.alive(), server.describe())


@lib.test
def siege(lab):
    lib.need("siege")
    net, server = start(lab)
    urls = lab.path("urls", "".join(f"http://{net.body}{p}\n" for p in (
        FILE, "/users/a", "/stream", "/echo POST hello=x")))
    out = ask(lab, net, ["siege", "-b", "-c", "8", "-r", "40", "-f", urls, "--no-parser"])
    lib.equal(number(out, r'"?[Aa]vailability"?:\s+([\d.]+)'), "100.00", "availability")
    lib.equal(number(out, r'[Ff]ailed[_ ]transactions"?:\s+(\d+)'), "0", "failed")
    lib.check(server.alive(), server.describe())


WEBSOCKETS = r"""
import asyncio, os, sys, websockets
async def main():
    async with websockets.connect(f"ws://{sys.argv[1]}/chat", max_size=None) as ws:
        for message in ("", "h\u00e9llo", "x" * 65536, os.urandom(65536), b""):
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(["frag", "ment", "ed"])
        assert await ws.recv() == "fragmented"
        await (await ws.ping(b"are you there"))
        await ws.close(4001, "enough")
        assert ws.close_code == 4001, ws.close_code
    async with websockets.connect(f"ws://{sys.argv[1]}/chat", max_size=None) as ws:
        await ws.send(b"x" * 65537)
        try:
            await ws.recv()
        except websockets.ConnectionClosedError as e:
            assert e.code == 1009, e
    try:
        await websockets.connect(f"ws://{sys.argv[1]}/users/x")
        raise AssertionError("a handshake with what is no WebSocket")
    except websockets.InvalidStatusCode as e:
        assert e.status_code == 200, e
    print("done")
asyncio.run(main())
"""


def need_websockets():
    if subprocess.run(["/usr/bin/python3", "-c", "import websockets"], capture_output=True).returncode != 0:
        lib.skip("no python3-websockets")


@lib.test_each("vm", "process")
def a_websocket_library(lab, target):
    need_websockets()
    net, server = start(lab, target)
    lib.contains(ask(lab, net, ["/usr/bin/python3", "-c", WEBSOCKETS, net.body]), "done")
    lib.check(server.alive(), server.describe())


@lib.test
def through_the_proxy(lab):
    """Two images: clients --- tap1 === proxy === tap1 --- the namespace forwards --- tap0 === http_test."""
    need_websockets()
    lib.need("h2load")
    net, server = start(lab, options=["--net", "eth0=tap:tap0,ip=10.9.0.2/24,gw=10.9.0.1"])
    net.exec("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    net.ip("tuntap", "add", "tap1", "mode", "tap", "vnet_hdr")
    net.ip("addr", "add", "10.9.1.1/24", "dev", "tap1")
    net.ip("link", "set", "tap1", "up")
    proxy = lab.boot("proxy", "10.9.0.2", target="process", net=net, device=None, options=[
        "--net", "eth0=tap:tap1,ip=10.9.1.2/24,gw=10.9.1.1"])
    proxy.wait_for_ping("10.9.1.2")
    lib.contains(ask(lab, net, ["/usr/bin/python3", "-c", WEBSOCKETS, "10.9.1.2"]), "done")
    out = ask(lab, net, ["h2load", "--h1", "-n", "1000", "-c", "8", "-m", "1", f"http://10.9.1.2{FILE}",
                         "http://10.9.1.2/stream"])
    lib.contains(out, "1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout")
    lib.contains(out, "1000 2xx")
    lib.check(server.alive() and proxy.alive(), f"{server.describe()}{proxy.describe()}")


NGINX = """
  access_log off;
  upstream us {{ server {body}:80; keepalive 4; }}
  server {{
    listen {host}:8080;
    client_max_body_size 64m;
    proxy_http_version 1.1;
    proxy_request_buffering off;
    proxy_set_header Connection "";
    location / {{ proxy_pass http://us; }}
    location /chat {{
      proxy_pass http://us;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }}
  }}
"""


@lib.test
def behind_nginx(lab):
    lib.need("nginx", "curl")
    net, server = start(lab)
    lib.start_nginx(lab, net, NGINX.format(host=net.host, body=net.body))
    at = f"http://{net.host}:8080"
    lib.equal(len(ask(lab, net, ["curl", "-sS", f"{at}/stream"]).splitlines()), 1000, "lines")
    data = os.urandom(1 << 20)
    wanted = f"{len(data)} {sum(data)}\n"
    for options in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
        lib.equal(ask(lab, net, ["curl", "-sS", "-X", "POST", "-T", lab.path("data", data), *options,
                                 f"{at}/count"]), wanted, f"an upload {options}")
    lib.contains(ask(lab, net, ["curl", "-sSI", f"{at}{FILE}"]), "200 OK")
    lib.contains(ask(lab, net, ["curl", "-sS", "-D", "-", "-r", "5-9", f"{at}/files/data.bin", "-o",
                                "/dev/null"]), "206 Partial Content")
    if subprocess.run(["/usr/bin/python3", "-c", "import websockets"], capture_output=True).returncode == 0:
        script = WEBSOCKETS.replace("ws://{sys.argv[1]}/users/x", "ws://{sys.argv[1]}/files/a.css")
        lib.contains(ask(lab, net, ["/usr/bin/python3", "-c", script, f"{net.host}:8080"]), "done")
    lib.check(server.alive(), server.describe())


@lib.test
def a_browser(lab):
    """Chromium loads a page, its style, data; posts; hears events; and talks over a WebSocket."""
    lib.need("chromium")
    net, server = start(lab)
    out = ask(lab, net, ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-extensions",
                         "--no-first-run", "--disable-background-networking", f"--user-data-dir={lab.path('profile')}",
                         "--virtual-time-budget=8000", "--dump-dom", f"http://{net.body}/files/browser.html"],
              timeout=90)
    said = re.findall(r"<li>([^<]*)</li>", out)
    lib.equal(sorted(said), sorted(["style: 1", "data: 100000", "sum: 3 294", "event: one", "second: two|lines",
                                    "text: h\u00e9llo", "binary: 60000", "closed: 4000 true"]), "what the page says")
    lib.check(server.alive(), server.describe())


lib.main()
