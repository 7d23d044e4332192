"""
Bulk TCP, beside Linux to Linux over a veth pair with its offloads.

    client (core B): the kernel's TCP, bench/peers/tcp-bulk.c         server (core A)
    diatom: test/images/tcp_stream.c on a tap, process and VM         Linux: the same program as a server

"out" is from the server to the client, "in" the other way; 1 and 10 flows, Jain's index of the flows' shares
(1: all equal). CPU per gigabit is counted two ways, as in dns.py.
"""
import os

from harness import CORES, SCRATCH, Busy, Report, compile_peer, cpu_of, interleave, lib

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
ADDRESS = "10.9.0.2"
WORKLOADS = {"1 flow out": ("out", 1), "1 flow in": ("in", 1), "10 flows out": ("out", 10),
             "10 flows in": ("in", 10)}
METRICS = {"rate": ("throughput", "Gbit/s"), "cpu": ("server CPU", "ms a Gbit"),
           "machine": ("both cores", "ms a Gbit"), "fairness": ("fairness", "")}


def build_image(lab):
    os.makedirs(SCRATCH, exist_ok=True)
    image = os.path.join(SCRATCH, "tcp_stream")
    done = lab.run([lib.DIATOM, "build", os.path.join(lib.ROOT, "test/images/tcp_stream.c"), "-o",
                    image], timeout=120)
    lib.equal(done.code, 0, f"{done.err}diatom build")
    return image


def measure(lab, start, inside, asker, way, flows):
    server = start(inside)
    client = [compile_peer("tcp-bulk"), way, ADDRESS, flows]
    try:
        def answers():
            lib.check(server.alive(), f"ended: {server.describe()}")
            return lab.run([*client, 0.05], inside=asker, timeout=5).code == 0
        lib.until(answers, 15, "a connection")
        before, busy = cpu_of(server), Busy()
        done = lab.run([*client, SECONDS], inside=asker, cpu=CORES[1], timeout=SECONDS + 30)
        lib.equal(done.code, 0, f"{done.err}client")
        took, *shares = (float(word) for word in done.out.split())
        gigabits = sum(shares) * 8 / 1e9
        return {"rate": gigabits / took, "cpu": (cpu_of(server) - before) / gigabits * 1e3,
                "machine": busy.seconds() / gigabits * 1e3,
                "fairness": sum(shares) ** 2 / (len(shares) * sum(s * s for s in shares))}
    finally:
        server.kill()


def jobs_of(lab, image, workload, way, flows, server, client, keys=""):
    """What is measured of a workload; server and client: Linux's two ends. keys: of our --net."""
    jobs = {}
    for target in ("process", "vm"):
        net = lab.network()
        jobs[f"diatom {'VM' if target == 'vm' else 'process'}, {workload}"] = (
            lambda net=net, target=target: measure(
                lab, lambda at: lab.boot(image, target=target, net=at, cpu=CORES[0], mem=256, keys=keys),
                net, net, way, flows))
    jobs[f"Linux, {workload}"] = lambda: measure(
        lab, lambda at: lab.start([compile_peer("tcp-bulk"), "serve"], inside=at, cpu=CORES[0]),
        server, client, way, flows)
    return jobs


def run():
    report = Report(
        "tcp", "Bulk TCP", METRICS,
        "One core for the server, one for the client, which is the kernel's in each case. Linux over veth "
        "with offloads, diatom on a tap.")
    with lib.Lab() as lab:
        image = build_image(lab)
        client, server = lab.namespace(), lab.namespace()
        lab.veth(client, "10.9.0.1/24", server, f"{ADDRESS}/24")
        jobs = {}
        for workload, (way, flows) in WORKLOADS.items():
            jobs.update(jobs_of(lab, image, workload, way, flows, server, client))
        for name, runs in interleave(jobs).items():
            report.add(name, runs)
    for workload, process, vm in (("1 flow out", 2, 1), ("1 flow in", 1, 0.7)):
        linux = report.median(f"Linux, {workload}")
        for target, factor in (("process", process), ("VM", vm)):
            report.claim(f"{workload}: {target} at least {factor} times Linux",
                         report.median(f"diatom {target}, {workload}"), linux and factor * linux,
                         at_most=False)
    for workload in ("10 flows out", "10 flows in"):
        linux = report.median(f"Linux, {workload}", "fairness")
        for target in ("process", "VM"):
            report.claim(f"{workload}: {target} as fair as Linux",
                         report.median(f"diatom {target}, {workload}", "fairness"), linux, at_most=False)
    for number, workload in enumerate(WORKLOADS):
        report.plot_bars(only=f", {workload}", suffix=f"-{number + 1}")
    return report


if __name__ == "__main__":
    print(run().write())
