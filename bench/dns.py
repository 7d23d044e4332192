"""
DNS over UDP, authoritative: queries a second and CPU time per query, zones of 100 to 10,000 names.

    client (core B): dnsperf -T1 -c2 -q100      server (core A): one worker
    diatom: app/dns on a tap, as process and VM         NSD, Knot, BIND: over veth

Larger windows overflow default socket buffers, and each loss then stalls dnsperf for seconds; losses
are shown. BENCH_CLIENT changes dnsperf's options. CPU per query is counted two ways, see harness.py: what the server's
processes are charged, and what both cores did in all, dnsperf included. The second is fair to all:
behind a tap the server's write also does the receiving for the client, on a veth it is the client
that does half of the server's.
"""
import os
import random
import re
import time

from harness import CORES, Busy, Report, cpu_of, interleave, lib, say

SIZES = [int(s) for s in os.environ.get("BENCH_ZONES", "100,1000,10000").split(",")]
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
CLIENT = os.environ.get("BENCH_CLIENT", "-T1 -c2 -q100").split()
ADDRESS = "10.9.0.2"
ORIGIN = "example.org"


def zone_text(names):
    """The same zone for everybody: one A record a name, as in the paper."""
    lines = [f"$ORIGIN {ORIGIN}.", "$TTL 3600",
             "@ IN SOA ns1 hostmaster 1 7200 900 1209600 3600", "@ IN NS ns1",
             f"ns1 IN A {ADDRESS}"]
    lines += [f"host{i} IN A 192.0.{i // 250 % 250}.{i % 250 + 1}" for i in range(names)]
    return "\n".join(lines) + "\n"


def queries_text(names):
    order = [i % names for i in range(max(names, 10000))]
    random.Random(7).shuffle(order)
    return "".join(f"host{i}.{ORIGIN} A\n" for i in order)


# The peers

def start_nsd(lab, net, zone):
    lib.need("nsd")
    directory = lab.path(f"nsd{time.monotonic_ns()}")
    os.mkdir(directory)
    conf = lab.path("nsd.conf", f"""
server:
  server-count: 1
  ip-address: {ADDRESS}
  do-ip6: no
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: "{directory}/pid"
  xfrdfile: "{directory}/xfrd"
  xfrdir: "{directory}"
  zonelistfile: "{directory}/list"
remote-control:
  control-enable: no
zone:
  name: {ORIGIN}
  zonefile: {zone}
  provide-xfr: 10.9.0.0/24 NOKEY
""")
    return lab.start(["nsd", "-d", "-c", conf], inside=net, cpu=CORES[0])


def start_knot(lab, net, zone):
    lib.need("knotd")
    directory = lab.path(f"knot{time.monotonic_ns()}")
    os.mkdir(directory)
    conf = lab.path("knot.conf", f"""
server:
    rundir: {directory}
    listen: {ADDRESS}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {directory}
acl:
  - id: all
    address: 10.9.0.0/24
    action: transfer
zone:
  - domain: {ORIGIN}
    file: {zone}
    acl: all
""")
    return lab.start(["knotd", "-c", conf], inside=net, cpu=CORES[0])


def start_bind(lab, net, zone):
    lib.need("named")
    directory = lab.path(f"bind{time.monotonic_ns()}")
    os.mkdir(directory)
    conf = lab.path("named.conf", f"""
options {{
  directory "{directory}"; pid-file none; session-keyfile none; managed-keys-directory "{directory}";
  listen-on {{ {ADDRESS}; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no;
  minimal-responses yes;
}};
controls {{ }};
zone "{ORIGIN}" {{ type master; file "{zone}"; }};
""")
    return lab.start(["named", "-f", "-n", "1", "-U", "1", "-c", conf], inside=net, cpu=CORES[0])


def start_diatom(lab, net, zone, target):
    return lab.boot("dns", ORIGIN, "allow-transfer=10.9.0.0/24", "notify-listed-only", target=target, net=net,
                    cpu=CORES[0],
                    mem=64 if target == "vm" else None,
                    options=["--log", "warning", "--file", f"zone={zone}"])


def ask(lab, net, queries, words=tuple(CLIENT)):
    """dnsperf for SECONDS: queries a second, lost, mean latency in us."""
    done = lab.run(["dnsperf", "-s", ADDRESS, "-d", queries, *words, "-l",
                    f"{SECONDS:.0f}"], inside=net, cpu=CORES[1], timeout=SECONDS + 30)
    rate = re.search(r"Queries per second:\s+([\d.]+)", done.out)
    completed = re.search(r"Queries completed:\s+(\d+)", done.out)
    if not rate or not completed or int(completed[1]) == 0:
        raise lib.Failure(f"dnsperf: {done.out[-300:]} {done.err[-300:]}")
    codes = re.search(r"Response codes:\s+(.*)", done.out)
    if not codes or "NOERROR" not in codes[1] or "100.00%" not in codes[1]:
        raise lib.Failure(f"answers are not all NOERROR: {codes and codes[1]}")
    lost = int(re.search(r"Queries lost:\s+(\d+)", done.out)[1])
    latency = float(re.search(r"Average Latency \(s\):\s+([\d.]+)", done.out)[1])
    return float(rate[1]), int(completed[1]), lost, latency * 1e6


def wait_for_answer(lab, server, net):
    def answers():
        lib.check(server.alive(), f"ended: {server.describe()}")
        done = lab.run(["dig", "+short", "+time=1", "+tries=1", f"@{ADDRESS}", f"ns1.{ORIGIN}"],
                       inside=net, timeout=5)
        return ADDRESS in done.out
    lib.until(answers, 15, f"an answer from {server.argv[0]}")


def measure(lab, start, inside, asker, queries, words=tuple(CLIENT)):
    server = start(inside)
    try:
        wait_for_answer(lab, server, asker)
        before, busy = cpu_of(server), Busy()
        rate, completed, lost, latency = ask(lab, asker, queries, words)
        return {"rate": rate / 1000, "cpu": (cpu_of(server) - before) / completed * 1e6,
                "machine": busy.seconds() / completed * 1e6, "latency": latency, "lost": lost}
    finally:
        server.kill()


def measure_zone(names):
    with lib.Lab() as lab:
        zone = lab.path("zone", zone_text(names))
        os.chmod(lab.directory, 0o755)
        queries = lab.path("queries", queries_text(names))
        client, server = lab.namespace(), lab.namespace()
        lab.veth(client, "10.9.0.1/24", server, f"{ADDRESS}/24")
        jobs = {}
        for target in ("process", "vm"):
            net = lab.network()
            jobs[f"diatom {'VM' if target == 'vm' else 'process'}"] = (
                lambda net=net, target=target: measure(
                    lab, lambda at: start_diatom(lab, at, zone, target), net, net, queries))
        for name, start in (("NSD", start_nsd), ("Knot", start_knot), ("BIND", start_bind)):
            jobs[name] = lambda start=start: measure(
                lab, lambda at: start(lab, at, zone), server, client, queries)
        return interleave(jobs)


def run():
    report = Report(
        "dns", "DNS queries per second",
        {"rate": ("queries", "k/s"), "cpu": ("server CPU", "µs a query"),
         "machine": ("both cores", "µs a query"), "latency": ("mean latency", "µs"),
         "lost": ("lost", "")},
        f"One core for the server, one for dnsperf ({' '.join(CLIENT)}). Peers over veth with one worker, "
        "diatom on a tap.")
    series = {}
    for names in SIZES:
        say(f"zone of {names:,} names")
        for subject, runs in measure_zone(names).items():
            row = report.add(f"{subject}, {names:,} names", runs)
            if "rate" in row["metrics"]:
                m = row["metrics"]["rate"]
                series.setdefault(subject, []).append((names, m["median"], m["q1"], m["q3"]))
    for names in SIZES:
        nsd, nsd_cpu = (report.median(f"NSD, {names:,} names", k) for k in ("rate", "cpu"))
        ours, cpu = (report.median(f"diatom process, {names:,} names", k) for k in ("rate", "cpu"))
        vm = report.median(f"diatom VM, {names:,} names")
        report.claim(f"{names:,} names: process at least 1.2 times NSD", ours, nsd and 1.2 * nsd,
                     at_most=False)
        report.claim(f"{names:,} names: process takes less CPU a query than NSD", cpu, nsd_cpu)
        report.claim(f"{names:,} names: VM at least 0.9 times NSD", vm, nsd and 0.9 * nsd,
                     at_most=False)
    report.note("NSD's rate limiting is off. Spreading a veth's receive work to the server's core (RPS) "
                "made the peers slower by a third, so it is left to the client's.")
    report.plot_lines("DNS, one core", "thousand queries/s", "names in the zone", series)
    return report


if __name__ == "__main__":
    print(run().write())
