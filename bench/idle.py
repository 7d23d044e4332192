"""
Memory of a server with 10,000 idle keep-alive connections, all of it: user space and kernel.

    client: bench/peers/http-hold.c, from four addresses; one request on each connection, then nothing
    server: as in http.py

What is counted, in MB, once all connections are held and two seconds passed:
    user      proportional set size (smaps_rollup) of each process of the server, page tables (VmPTE) too. For a
              VM that is all guest memory that was touched, 2 MiB pages as a whole.
    kernel    what slab caches (/proc/slabinfo, whole slabs), socket buffers (the mem pages of
              /proc/net/sockstat) and KVM's page tables (SecPageTables of /proc/meminfo) grew by, from before the
              server was started. nginx and its client share one kernel, so from nginx's growth the client's is
              taken off: what the same client's growth was in the process target's run, where the server has no
              socket. Diatom's is what remains in a VM, and 0 in a process by this definition.
"""
import os
import re
import time

import http
from harness import CORES, ROUNDS, Report, compile_peer, interleave, lib

CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "10000"))
SOURCES = [f"10.9.0.{n}" for n in (1, 11, 12, 13)]
PAGE_BYTES = os.sysconf("SC_PAGESIZE")
# What sockets, files and virtual machines are made of; all other slabs belong to the rest of the machine.
CACHES = re.compile(r"(TCP|sock_inode_cache|request_sock_TCP|tw_sock_TCP|tcp_bind\w*|inet_peer_cache|eventpoll_\w+|"
                    r"skbuff_\w+|filp|kvm_\w+|kmalloc-cg-\w+|lsm_file_cache|ip_dst_cache|rtable) ")


def slab_bytes():
    """{cache: bytes of all its slabs}"""
    sizes = {}
    with open("/proc/slabinfo") as file:
        for line in file:
            if CACHES.match(line):
                fields = line.split()
                sizes[fields[0]] = int(fields[14]) * int(fields[5]) * PAGE_BYTES
    return sizes


def socket_bytes():
    """Of buffers: the kernel counts them for all namespaces together."""
    with open("/proc/net/sockstat") as file:
        return int(re.search(r"^TCP:.* mem (\d+)", file.read(), re.M)[1]) * PAGE_BYTES


def shadow_bytes():
    """Of KVM's own page tables, for all virtual machines."""
    with open("/proc/meminfo") as file:
        found = re.search(r"^SecPageTables:\s+(\d+) kB", file.read(), re.M)
    return int(found[1]) * 1024 if found else 0


def kernel_bytes():
    return sum(slab_bytes().values()) + socket_bytes() + shadow_bytes()


def user_bytes(process):
    """Proportional memory and page tables of a process tree."""
    total = 0
    for pid in process.children():
        for name, field in (("smaps_rollup", "Pss"), ("status", "VmPTE")):
            with open(f"/proc/{pid}/{name}") as file:
                total += int(re.search(rf"^{field}:\s+(\d+) kB", file.read(), re.M)[1]) * 1024
    return total


def measure(lab, start, inside, asker):
    kernel = kernel_bytes()
    server = start(inside)
    client = None
    try:
        http.wait_for_answer(lab, server, asker)
        time.sleep(0.5)
        empty = user_bytes(server)
        client = lab.start([compile_peer("http-hold"), http.ADDRESS, "/page.html", CONNECTIONS, *SOURCES],
                           inside=asker, cpu=CORES[1])
        client.wait_for_text(f"held {CONNECTIONS}", 60)
        time.sleep(2)
        full, kernel = user_bytes(server), kernel_bytes() - kernel
        client.stop()
        lib.contains(client.out(), f"alive {CONNECTIONS}")
        return {"user": full / 1e6, "empty": empty / 1e6, "grown": kernel / 1e6,
                "each": (full - empty) / CONNECTIONS}
    finally:
        if client:
            client.kill()
        server.kill()
        time.sleep(1)  # the kernel takes its sockets apart


def complete(samples):
    """The kernel's share of each, round by round, as this file's beginning says."""
    clients = samples["diatom process"]
    if isinstance(clients, str):
        return
    for runs in samples.values():
        for number, run in enumerate(runs if not isinstance(runs, str) else []):
            run["kernel"] = max(0.0, run["grown"] - clients[number]["grown"])
            run["total"] = run["user"] + run["kernel"]


def add_addresses(namespace, device):
    for source in SOURCES[1:]:
        namespace.ip("addr", "add", f"{source}/24", "dev", device)


def run():
    lib.need("nginx", "curl", "root")
    report = Report(
        "idle", f"{CONNECTIONS:,} idle keep-alive connections",
        {"total": ("memory", "MB"), "user": ("of it processes", "MB"), "kernel": ("of it the kernel's sockets", "MB"),
         "empty": ("processes without connections", "MB"), "each": ("a connection, in processes", "bytes"),
         "grown": ("kernel's growth, client included", "MB")},
        "All memory of the server, each process by its proportional set size, and the kernel's for it: growth of "
        "its slabs, socket buffers and KVM page tables, less the client's share, which is the growth in the run of the process "
        "target.")
    with lib.Lab() as lab:
        os.chmod(lab.directory, 0o755)
        site, source = http.make_site()
        image = http.build_image(lab, source)
        client, server = lab.namespace(), lab.namespace()
        lab.veth(client, "10.9.0.1/24", server, f"{http.ADDRESS}/24")
        add_addresses(client, "veth0")
        jobs = {}
        for target in ("process", "vm"):
            net = lab.network()
            add_addresses(net, net.tap)
            jobs[f"diatom {'VM' if target == 'vm' else 'process'}"] = (
                lambda net=net, target=target: measure(
                    lab, lambda at: http.start_diatom(lab, at, image, target), net, net))
        jobs["nginx"] = lambda: measure(lab, lambda at: http.start_nginx(lab, at, site), server, client)
        samples = interleave(jobs, rounds=min(ROUNDS, 3))
        complete(samples)
        for name, runs in samples.items():
            report.add(name, runs)
    nginx = report.median("nginx")
    for who in ("diatom process", "diatom VM"):
        report.claim(f"{who}: at most a quarter of nginx's memory", report.median(who), nginx and nginx / 4)
    report.plot_bars()
    return report


if __name__ == "__main__":
    print(run().write())
