"""
Round trips, one at a time: UDP echo and ping, host to body on a tap, beside the kernel and the floor.

    diatom process/VM       app/echo on a tap
    kernel, veth            a UDP socket echo; the kernel's own answer to a ping
    floor: tap responder    read a frame, answer it in place, write it: no stack at all

in four arrangements of cores: both ends on one, blocking; apart, blocking; apart, the server spins;
apart, both spin. (A server that spins on the client's own core only delays it.)
"""
import re

from harness import (CORES, Report, compile_peer, cpu_of, interleave, lib, say)

SECONDS = 1.0
# name: (server spins, client spins, on one core)
ARRANGEMENTS = {
    "one core, blocking": (False, False, True),
    "two cores, blocking": (False, False, False),
    "two cores, server spins": (True, False, False),
    "two cores, both spin": (True, True, False),
}
SPIN_US = 1000000


def subjects(lab, server_spins):
    """{name: (start the server, client's namespace, server's address, what can be asked)}"""
    echo, responder = compile_peer("udp-echo"), compile_peer("tap-responder")
    spin = ["--spin"] if server_spins else []
    client, server = lab.namespace(), lab.namespace()
    lab.veth(client, "10.9.0.1/24", server, "10.9.0.2/24")
    found = {
        "kernel, veth": (
            lambda: lab.start([echo, "7", *spin], inside=server, cpu=CORES[0]), client),
    }
    floor = lab.network()
    found["floor: tap responder"] = (
        lambda: lab.start([responder, "tap0", "10.9.0.2", *spin], inside=floor, cpu=CORES[0]),
        floor)
    for target in ("process", "vm"):
        if target == "vm" and not lib.has("kvm"):
            continue
        net = lab.network()
        options = ["--spin", SPIN_US] if server_spins else []
        found[f"diatom {'VM' if target == 'vm' else 'process'}"] = (
            lambda net=net, target=target, options=options: lab.boot(
                "echo", target=target, net=net, options=["--log", "debug", *options], cpu=CORES[0]),
            net)
    return found


def measure(lab, start, net, kind, client_spins, core):
    """One run: the server started, asked for a second, and stopped."""
    server = start()
    try:
        server.inside, server.address = net, "10.9.0.2"
        server.wait_for_ping()
        argv = [compile_peer("rtt"), kind, "10.9.0.2", "7", SECONDS]
        before = cpu_of(server)
        asked = lab.run(argv + (["--spin"] if client_spins else []), inside=net, cpu=core,
                        timeout=SECONDS + 20)
        if asked.code != 0:
            raise lib.Failure(f"{asked.err.strip()} {server.err()[-300:]}")
        count, p50, p99, mean, lost = asked.out.split()
        cpu = (cpu_of(server) - before) / int(count) * 1e6
        return {"p50": float(p50), "p99": float(p99), "lost": int(lost), "cpu": cpu,
                "exits": exits_of(server, int(count))}
    finally:
        server.kill()


def exits_of(server, count):
    """A VM's exits for each packet, as the monitor tells at its end; None for others."""
    if lib.DIATOM not in server.argv:
        return None
    server.stop()
    found = re.search(r"(\d+) exits", server.err())
    return int(found[1]) / count if found else None


def run():
    report = Report(
        "roundtrip", "Round trips, host to body",
        {"p50": ("median", "µs"), "p99": ("99 %", "µs"), "cpu": ("server CPU", "µs"),
         "exits": ("exits", "a packet")},
        "64-byte payload, one at a time, from a program in the host's side of the same namespace.")
    for name, (server_spins, client_spins, is_one_core) in ARRANGEMENTS.items():
        for kind in ("udp", "ping"):
            say(f"{kind}, {name}")
            with lib.Lab() as lab:
                core = CORES[0 if is_one_core else 1]
                samples = interleave({
                    subject: (lambda start=start, net=net: measure(
                        lab, start, net, kind, client_spins, core))
                    for subject, (start, net) in subjects(lab, server_spins).items()})
            for subject, runs in samples.items():
                report.add(f"{subject}, {kind}: {name}", runs)
    claims(report)
    for number, name in enumerate(ARRANGEMENTS):
        report.plot_bars("p50", only=f": {name}", suffix=f"-{number + 1}")
    return report


def claims(report):
    def of(subject, kind, name):
        return report.median(f"{subject}, {kind}: {name}")
    one = "one core, blocking"
    report.claim("UDP echo, blocking, process target, both on one core: at most the kernel's socket "
                 "echo over veth", of("diatom process", "udp", one), of("kernel, veth", "udp", one))
    floor = of("floor: tap responder", "ping", one)
    report.claim("ping, blocking, process target, both on one core: within 1.2 times the tap "
                 "responder", of("diatom process", "ping", one), floor and 1.2 * floor)
    spin = "two cores, both spin"
    kernel = of("kernel, veth", "ping", spin)
    report.claim("ping, spinning, process target: within 1.7 times the kernel's own answer",
                 of("diatom process", "ping", spin), kernel and 1.7 * kernel)
    report.note("The kernel answers a ping inside the client's own system call, without a context "
                "switch; no program can.")


if __name__ == "__main__":
    print(run().write())
