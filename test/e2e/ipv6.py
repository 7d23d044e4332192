"""
IPv6 against Linux: addresses, neighbours, routers, datagrams, streams, narrow paths.

    namespace:  ip stack --- tap0 === body              router, radvd: in the same namespace, or one behind
                2001:db8:9::1         2001:db8:9::2

Each capture is read by tshark at the end: nothing malformed, no wrong checksum.
"""
import os
import re
import subprocess
import time

import lib

UDP_SIZES = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], 7))
for size in (0, 1, 63, 64, 1000, 1452, 1453, 4000, 9000, 40000, 65507):
    data = bytes(i * 7 & 255 for i in range(size))
    s.send(data)
    got = s.recv(65536)
    assert got == data, f"{size} bytes came back as {len(got)}"
print("well")
"""

TCP_ECHO = """
import os, socket, sys, threading
for size in (0, 1, 1427, 1428, 1429, 65536, 1000000, 10000000):
    data = os.urandom(size)
    s = socket.create_connection((sys.argv[1], 7), 10)
    s.settimeout(20)
    writer = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
    writer.start()
    parts = []
    while part := s.recv(1 << 16):
        parts.append(part)
    writer.join()
    assert b"".join(parts) == data, f"{size} bytes came back wrong"
print("well")
"""

REFUSED = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], 9999))
s.send(b"x")
try:
    s.recv(10)
except ConnectionRefusedError:
    print("datagram refused")
try:
    socket.create_connection((sys.argv[1], 9999), 2)
except ConnectionRefusedError:
    print("connection refused")
"""

STREAM = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
s.settimeout(20)
left = int(sys.argv[3])
while left > 0:
    left -= s.send(b"x" * min(left, 1 << 20)) if sys.argv[2] == "9" else len(s.recv(1 << 20))
print("well")
"""


def network(lab, mtu=None):
    net = lab.network(address6="2001:db8:9::1/64")
    if mtu:
        net.ip("link", "set", net.tap, "mtu", str(mtu))
    return net


def script(lab, net, text, *words, timeout=60):
    return lab.run(["/usr/bin/python3", "-c", text, *words], inside=net, timeout=timeout)


def ping(lab, net, address, *options, count=1):
    return lab.run(["ping", "-6", f"-c{count}", "-i0.05", "-W2", *options, address], inside=net)


def capture(lab, net):
    """Starts tcpdump; returns what stops it and judges all frames."""
    lib.need("tcpdump", "tshark")
    os.chmod(lab.directory, 0o777)
    file = lab.path("traffic.pcap")
    dump = lab.start(["tcpdump", "-U", "-s0", "-i", net.tap, "-w", file], inside=net)
    dump.wait_for_text("listening on")

    def judge(mac):
        lib.until(lambda: os.path.getsize(file) > 24, what="a capture")
        dump.stop()
        # The namespace's own frames have partial checksums: only the body's are judged. What tcpdump saw
        # before the offloads of the other side were done is not on a wire.
        bad = lab.run(["tshark", "-r", file, "-o", "udp.check_checksum:TRUE", "-o",
                       "tcp.check_checksum:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE", "-Y",
                       f"eth.src == {mac} && (_ws.malformed || icmpv6.checksum.status == 0)"],
                      environment={"HOME": lab.directory})
        lib.equal((bad.code, bad.out), (0, ""), "what tshark finds wrong")
        return file
    return judge


def mac_of(body):
    return re.search(r"\((([0-9a-f]{2}:){5}[0-9a-f]{2})\)", body.err())[1]


@lib.test_each("vm", "process", "qemu", "q35")
def pings_of_every_size(lab, target):
    lib.need("ping")
    net = network(lab)
    judge = capture(lab, net)
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping(net.body6)
    for size in (0, 56, 1452, 1453, 8000, 65000):
        result = ping(lab, net, net.body6, "-s", str(size), count=3)
        lib.equal(result.code, 0, f"{size} bytes: {result.out}exit")
    judge(mac_of(body))
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process", "qemu")
def datagrams_of_every_size(lab, target):
    net = network(lab)
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping(net.body6)
    result = script(lab, net, UDP_SIZES, net.body6)
    lib.equal(result.out, "well\n", result.err)
    result = script(lab, net, REFUSED, net.body6)
    lib.contains(result.out, "datagram refused", result.err)
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process", "qemu")
def connections(lab, target):
    net = network(lab)
    judge = capture(lab, net)
    body = lab.boot("tcp-echo", target=target, net=net)
    body.wait_for_ping(net.body6)
    result = script(lab, net, TCP_ECHO, net.body6)
    lib.equal(result.out, "well\n", result.err)
    result = script(lab, net, REFUSED, net.body6)
    lib.equal(result.out, "datagram refused\nconnection refused\n", result.err)
    judge(mac_of(body))
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def bulk_both_ways(lab, target):
    """200 MB out and in, in frames that the tap's other side cuts and joins (TSO6): few packets."""
    net = network(lab)
    body = lab.boot(lib.test_image("tcp_stream"), target=target, net=net)
    body.wait_for_ping(net.body6)
    for port in ("19", "9"):
        before = frames(net)
        result = script(lab, net, STREAM, net.body6, port, "200000000")
        lib.equal(result.out, "well\n", result.err)
        large = frames(net)[port == "9"] - before[port == "9"]
        lib.check(large < 200000000 / 1428 / 4, f"{large} frames for 200 MB: they were not joined")
    lib.equal(body.stop(), 0, "exit code")


def frames(net):
    """Received from the body, sent to it."""
    def read(what):
        return int(net.exec("cat", f"/sys/class/net/{net.tap}/statistics/{what}_packets").stdout)
    return read("rx"), read("tx")


@lib.test_each("vm", "process")
def web_and_names(lab, target):
    """curl -6 and dig, by address; AAAA and A over both families alike."""
    lib.need("curl", "dig")
    net = network(lab)
    web = lab.boot("web", target=target, net=net)
    web.wait_for_ping(net.body6)
    result = lab.run(["curl", "-6", "-s", "-S", "-m", "10", "-o", "/dev/null", "-w", "%{http_code} %{remote_ip}",
                      f"http://[{net.body6}]/"], inside=net)
    lib.equal((result.code, result.out), (0, f"200 {net.body6}"), result.err)
    lib.equal(web.stop(), 0, "exit code")
    dns = lab.boot("dns", target=target, net=net, options=["--file", "zone=" + lab.path("zone", ZONE)])
    dns.wait_for_ping(net.body6)
    for kind, wanted in (("AAAA", "2001:db8::80"), ("A", "192.0.2.80")):
        for server in (net.body6, net.body):
            for way in ("+notcp", "+tcp"):
                result = lab.run(["dig", "+short", "+time=2", "+tries=2", way, f"@{server}",
                                  "www.example.org", kind], inside=net)
                lib.equal((result.code, result.out.strip()), (0, wanted), f"{kind} from {server} {way}")
    lib.equal(dns.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def proxy_of_both(lab, target):
    """Asked over IPv4, the proxy fetches over IPv6, and names its client by either."""
    lib.need("curl")
    net = network(lab)
    os.chmod(lab.directory, 0o755)
    lab.path("page", "from behind\n")
    server = lab.start(["/usr/bin/python3", "-u", "-m", "http.server", "--bind", net.host6, "--directory",
                        lab.directory, "8080"], inside=net)
    server.wait_for_text("Serving HTTP")
    proxy = lab.boot("proxy", f"[{net.host6}]:8080", target=target, net=net)
    proxy.wait_for_ping(net.body6)
    for address in (net.body, f"[{net.body6}]"):
        result = lab.run(["curl", "-s", "-S", "-m", "10", f"http://{address}/page"], inside=net)
        lib.equal((result.code, result.out), (0, "from behind\n"), result.err)
    lib.equal(proxy.stop(), 0, "exit code")


ZONE = """$ORIGIN example.org.
$TTL 300
@ SOA ns1 admin 1 3600 600 86400 300
@ NS ns1
ns1 A 192.0.2.53
ns1 AAAA 2001:db8::53
www A 192.0.2.80
www AAAA 2001:db8::80
"""


def link_local(body):
    return re.search(r"info eth0: (fe80::[0-9a-f:]+)/64", body.out() + body.err())[1]


@lib.test_each("vm", "process")
def link_local_alone(lab, target):
    """Nothing said: an address on the link, the same at each start."""
    net = network(lab)
    seen = set()
    for _ in range(2):
        body = lab.boot("tcp-echo", target=target, net=net, ip6="auto", options=["--log", "info"])
        lib.until(lambda: "fe80::" in body.out() + body.err(), what="a link-local address")
        address = link_local(body)
        seen.add(address)
        body.wait_for_ping(f"{address}%{net.tap}")
        result = script(lab, net, TCP_ECHO, f"{address}%{net.tap}")
        lib.equal(result.out, "well\n", result.err)
        lib.equal(body.stop(), 0, "exit code")
    lib.equal(len(seen), 1, "different addresses of two starts")


def radvd(lab, net, text):
    lib.need("radvd")
    net.exec("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
    config = lab.path("radvd.conf", f"interface {net.tap} {{\nAdvSendAdvert on;\nMinRtrAdvInterval 3;\n"
                                    f"MaxRtrAdvInterval 4;\n{text}\n}};\n")
    os.chmod(config, 0o644)
    os.chmod(lab.directory, 0o755)
    daemon = lab.start(["radvd", "-n", "-C", config, "-p", lab.path("radvd.pid"), "-m", "stderr", "-u",
                        "root"], inside=net)
    return daemon


@lib.test_each("vm", "process")
def addresses_from_a_router(lab, target):
    """A prefix makes an address (RFC 4862), the router leads to other networks."""
    net = network(lab)
    radvd(lab, net, "AdvLinkMTU 1400; prefix 2001:db8:9::/64 { AdvOnLink on; AdvAutonomous on; };\n"
                    "prefix 2001:db8:a::/56 { AdvOnLink off; AdvAutonomous on; };")  # not 64 bits: no address
    net.ip("-6", "addr", "add", "2001:db8:ffff::1/128", "dev", "lo")
    body = lab.boot("echo", target=target, net=net, ip6="auto", options=["--log", "info"])
    lib.until(lambda: "info eth0: 2001:db8:9:" in body.out() + body.err(), what="an address by the router")
    log = body.out() + body.err()
    address = re.search(r"info eth0: (2001:db8:9:[0-9a-f:]+)/64", log)[1]
    lib.check("2001:db8:a:" not in log, "an address of a prefix of 56 bits")
    lib.equal(ping(lab, net, address).code, 0, "ping")
    lib.equal(ping(lab, net, address, "-I", "2001:db8:ffff::1").code, 0, "ping from another network")
    result = script(lab, net, UDP_SIZES, address)
    lib.equal(result.out, "well\n", result.err)
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def a_taken_address_is_given_up(lab, target):
    """Linux has our address: it says so, we say it and don't use it; the link-local one still answers."""
    net = network(lab)
    net.ip("-6", "addr", "add", "2001:db8:9::2/64", "dev", net.tap, "nodad")
    body = lab.boot("echo", target=target, net=net, options=["--log", "info"])
    lib.until(lambda: "is also used by" in body.out() + body.err(), what="a word about it")
    lib.contains(body.out() + body.err(), "2001:db8:9::2 is also used by")
    net.ip("-6", "addr", "del", "2001:db8:9::2/64", "dev", net.tap)
    lib.check(ping(lab, net, "2001:db8:9::2").code != 0, "the address is used all the same")
    lib.equal(ping(lab, net, f"{link_local(body)}%{net.tap}").code, 0, "ping of the link-local address")
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def our_address_is_defended(lab, target):
    """Linux wants what we have: its duplicate address detection fails."""
    net = network(lab)
    body = lab.boot("echo", target=target, net=net)
    body.wait_for_ping(net.body6)
    time.sleep(2)  # until it is decided: before, both would give it up (RFC 4862 5.4.3)
    net.ip("-6", "addr", "add", "2001:db8:9::2/64", "dev", net.tap)
    lib.until(lambda: "dadfailed" in net.exec("ip", "-6", "addr", "show", "dev", net.tap).stdout,
              what="Linux to notice")
    lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def a_narrow_path(lab, target):
    """
    body === tap0 [router] veth0 --- veth0 [far]     MTU 1500, then 1300: the router tells (RFC 8201)
    """
    net, far = network(lab), lab.namespace()
    net.exec("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
    lab.veth(net, "10.8.0.1/24", far, "10.8.0.2/24")
    for side, address in ((net, "2001:db8:8::1/64"), (far, "2001:db8:8::2/64")):
        side.ip("-6", "addr", "add", address, "dev", "veth0", "nodad")
    for side in (net, far):
        side.ip("link", "set", "veth0", "mtu", "1300")
    far.ip("-6", "route", "add", "default", "via", "2001:db8:8::1")
    for image, text in ((lib.test_image("tcp_stream"), STREAM), ("echo", UDP_SIZES)):
        body = lab.boot(image, target=target, net=net, ip6="2001:db8:9::2/64,gw6=2001:db8:9::1")
        body.wait_for_ping(net.body6)
        words = [net.body6] + (["19", "3000000"] if text is STREAM else [])
        # A datagram that is too long is lost, once: what tells us comes for it.
        results = [script(lab, far, text, *words) for _ in range(1 if text is STREAM else 2)]
        lib.equal(results[-1].out, "well\n", results[-1].err)
        lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def without_ipv6(lab, target):
    """ip6=off, and an image that has no IPv6: not a frame of it."""
    net = network(lab)
    source = lab.path("four.c", b'#include <diatom/udp.h>\nDIATOM_NET_V4(eth0);\n'
                      b'int main(void) { struct udp_datagram d; struct udp_socket *s = udp_open(&eth0, 7);\n'
                      b'while (udp_receive(s, &d, FOREVER) == OK) udp_reply(s, &d, d.payload); return 0; }\n')
    four = lab.path("four")
    built = lab.run([lib.DIATOM, "build", source, "-o", four], timeout=120)
    lib.equal(built.code, 0, f"{built.err}build")
    for image, ip6 in (("echo", "off"), (four, "2001:db8:9::2/64")):
        before = int(net.exec("cat", "/proc/net/dev_snmp6/" + net.tap).stdout.split("Ip6InReceives")[1].split()[0])
        body = lab.boot(image, target=target, net=net, ip6=ip6)
        body.wait_for_ping()
        lib.check(ping(lab, net, net.body6).code != 0, "IPv6 is answered")
        after = int(net.exec("cat", "/proc/net/dev_snmp6/" + net.tap).stdout.split("Ip6InReceives")[1].split()[0])
        lib.equal(after, before, "IPv6 packets received")
        lib.equal(body.stop(), 0, "exit code")


@lib.test_each("vm", "process")
def through_passt(lab, target):
    """A port of the host's ::1 leads to the body; without an interface that has IPv6, there is a word."""
    lib.need("passt", "root", "netns")
    here, there = lab.namespace(), lab.namespace()
    argv = [lib.DIATOM, "run"] + lib.target_options(target) + ["-p", "[::1]:7006:7", "-p", "7007:7"]
    body = lab.start(argv + [lib.image("tcp-echo")], inside=here)
    lib.equal(body.wait(), lib.EXIT_HOST_LACKS, "exit code without IPv6")
    lib.contains(body.err(), "link-local address", "standard error")
    lab.veth(here, "10.8.0.1/24", there, "10.8.0.2/24")
    lib.until(lambda: "fe80" in open_in(here, "/proc/net/if_inet6"), what="a link-local address")
    body = lab.start(argv + [lib.image("tcp-echo")], inside=here)
    body.wait_for_text("up in")
    lib.contains(body.err(), "fd00:10:0:2::15/64", "its address")
    lib.contains(body.err(), "[::1]:7006 -> 7", "the port's way")
    for address, port in (("::1", 7006), ("127.0.0.1", 7007)):
        result = script(lab, here, TCP_ECHO.replace(", 7)", f", {port})"), address, timeout=60)
        lib.equal(result.out, "well\n", result.err)
    lib.equal(body.stop(), 0, "exit code")


def open_in(namespace, path):
    return subprocess.run(["ip", "netns", "exec", namespace.name, "cat", path], capture_output=True,
                          text=True).stdout


@lib.test
def wrong_words_are_refused(lab):
    for words, part in (("ip6=10.0.0.2/24", "ip6= takes an IPv6 address"), ("ip6=2001:db8::1", "ip6= takes"),
                        ("ip6=on", "auto, or off"), ("gw6=10.0.0.1", "gw6= takes an IPv6 address"),
                        ("ip=2001:db8::2/64", "(IPv6: ip6=)"), ("gw=fe80::1", "(IPv6: gw6=)")):
        result = lab.run([lib.DIATOM, "run", "--net", f"tap:tap0,{words}", lib.image("echo")])
        lib.equal(result.code, lib.EXIT_USAGE, f"{words}: exit")
        lib.contains(result.err, part, words)


lib.main()
