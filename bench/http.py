"""
HTTP/1.1: requests a second and CPU time per request, beside nginx with one worker.

    client (core B): wrk -t1         server (core A)
    diatom: app/web's program with another site, on a tap, as process and VM     nginx: over veth

Workloads: a page of 1 KiB kept alive on 64 connections; the same with a connection for each request; a
file of 64 KiB kept alive on 16 connections. CPU per request is counted two ways, as in dns.py.
"""
import os
import re
import time

from harness import CORES, SCRATCH, Busy, Report, cpu_of, interleave, lib

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
ADDRESS = "10.9.0.2"
WORKLOADS = {
    "1 KiB, keep-alive": ("/page.html", ["-c64"]),
    "1 KiB, a connection each": ("/page.html", ["-c64", "-H", "Connection: close"]),
    "64 KiB, keep-alive": ("/file.bin", ["-c16"]),
}


def make_site():
    """The files, and an image that serves them: the same bytes for everybody."""
    site = os.path.join(SCRATCH, "site")
    os.makedirs(site, exist_ok=True)
    for name, length in (("page.html", 1024), ("file.bin", 65536)):
        with open(os.path.join(site, name), "wb") as file:
            file.write((b"0123456789abcdefghijklmnopqrstuv" * (length // 32 + 1))[:length])
    source = os.path.join(SCRATCH, "web.c")
    with open(os.path.join(lib.ROOT, "app", "web", "main.c")) as file:
        text = file.read().replace('"public"', f'"{site}"')
    with open(source, "w") as file:
        file.write(text)
    return site, source


def build_image(lab, source):
    image = os.path.join(SCRATCH, "web")
    done = lab.run([lib.DIATOM, "build", source, "-o", image], timeout=120)
    lib.equal(done.code, 0, f"{done.err}diatom build")
    return image


def start_diatom(lab, net, image, target, options=()):
    return lab.boot(image, target=target, net=net, cpu=CORES[0], mem=256,
                    options=["--log", "warning", *options])


def start_nginx(lab, net, site):
    return lib.start_nginx(lab, net, f"""
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=100;
  default_type text/html;
  server {{ listen {ADDRESS}:80 backlog=4096; root {site}; }}
""", cpu=CORES[0])


def ask(lab, net, path, options, seconds=SECONDS):
    """wrk for so long: requests a second, requests, errors, latency p50 and p99 in us."""
    done = lab.run(["wrk", "-t1", f"-d{seconds:.0f}s", "--latency", *options,
                    f"http://{ADDRESS}{path}"], inside=net, cpu=CORES[1], timeout=seconds + 30)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.out)
    count = re.search(r"(\d+) requests in", done.out)
    if not rate or not count or int(count[1]) == 0:
        raise lib.Failure(f"wrk: {done.out[-300:]} {done.err[-300:]}")
    errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", done.out))
    errors += int((re.search(r"Non-2xx or 3xx responses: (\d+)", done.out) or [0, 0])[1])
    scale = {"us": 1, "ms": 1e3, "s": 1e6}
    latency = {p: float(v) * scale[u]
               for p, v, u in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)\b", done.out)}
    return float(rate[1]), int(count[1]), errors, latency.get("50"), latency.get("99")


def wait_for_answer(lab, server, net):
    def answers():
        lib.check(server.alive(), f"ended: {server.describe()}")
        done = lab.run(["curl", "-s", "-o", "/dev/null", "-m", "1", "-w", "%{http_code}",
                        f"http://{ADDRESS}/page.html"], inside=net, timeout=5)
        return done.out == "200"
    lib.until(answers, 15, f"an answer from {server.argv[0]}")


def measure(lab, start, inside, asker, path, options):
    server = start(inside)
    try:
        wait_for_answer(lab, server, asker)
        before, busy = cpu_of(server), Busy()
        rate, count, errors, p50, p99 = ask(lab, asker, path, options)
        return {"rate": rate / 1000, "cpu": (cpu_of(server) - before) / count * 1e6,
                "machine": busy.seconds() / count * 1e6, "p50": p50, "p99": p99,
                "errors": errors}
    finally:
        server.kill()


def run():
    lib.need("wrk", "nginx", "curl")
    report = Report(
        "http", "HTTP requests per second",
        {"rate": ("requests", "k/s"), "cpu": ("server CPU", "µs a request"),
         "machine": ("both cores", "µs a request"), "p50": ("p50", "µs"), "p99": ("p99", "µs"),
         "errors": ("errors", "")},
        "One core for the server, one for wrk with one thread. nginx over veth with one worker, diatom on "
        "a tap.")
    with lib.Lab() as lab:
        os.chmod(lab.directory, 0o755)
        site, source = make_site()
        image = build_image(lab, source)
        client, server = lab.namespace(), lab.namespace()
        lab.veth(client, "10.9.0.1/24", server, f"{ADDRESS}/24")
        jobs = {}
        for workload, (path, options) in WORKLOADS.items():
            for target in ("process", "vm"):
                name = f"diatom {'VM' if target == 'vm' else 'process'}, {workload}"
                net = lab.network()
                jobs[name] = (lambda net=net, target=target, path=path, options=options: measure(
                    lab, lambda at: start_diatom(lab, at, image, target), net, net, path, options))
            jobs[f"nginx, {workload}"] = lambda path=path, options=options: measure(
                lab, lambda at: start_nginx(lab, at, site), server, client, path, options)
        for name, runs in interleave(jobs).items():
            report.add(name, runs)
    for workload in WORKLOADS:
        nginx = report.median(f"nginx, {workload}")
        report.claim(f"{workload}: process at least 1.4 times nginx",
                     report.median(f"diatom process, {workload}"), nginx and 1.4 * nginx,
                     at_most=False)
        report.claim(f"{workload}: VM at least 0.9 times nginx",
                     report.median(f"diatom VM, {workload}"), nginx and 0.9 * nginx, at_most=False)
    for workload in WORKLOADS:
        report.plot_bars(only=f", {workload}", suffix=f"-{list(WORKLOADS).index(workload) + 1}")
    return report


if __name__ == "__main__":
    print(run().write())
