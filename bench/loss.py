"""
Goodput on a link that loses 1 % of all segments, one flow, beside Linux with CUBIC.

    kernel, client === relay (test/impair): delay, loss of what carries data === server
                                                          diatom: test/images/tcp_stream.c, or the kernel

"out" is from the server to the client, "in" the other way. Each round has a seed of its own, the same for all
subjects, so all lose the same frames by number. The kernel's frames leave without offloads, diatom's are cut by the
relay: a loss hits one segment, whoever sends. The kernel's sockets are told to use CUBIC: the machine's default may
be another. The simulator (test/sim/goodput.c) says the same of diatom alone, in virtual time.
"""
import os
import subprocess
import time

from harness import CORES, ROUNDS, Report, compile_peer, interleave, lib
from tcp import build_image

SECONDS = max(10.0, float(os.environ.get("BENCH_SECONDS", "10")))
LOSS_PERCENT = 1
RTTS_MS = (20, 100)


def measure(lab, image, seed, rtt_ms, way):
    """Mbit/s; without an image the server is the kernel."""
    clean = f"delay_ms={rtt_ms / 2}"
    lossy = f"{clean},loss={LOSS_PERCENT}"
    forth, back = (lossy, clean) if way == "in" else (clean, lossy)
    bad = lab.bad_network(forth, back, seed, with_kernel=image is None)
    peer = compile_peer("tcp-bulk")
    if image:
        server = bad.boot(image, target="process", cpu=CORES[0])
        server.wait_for_text("eth0: ")
    else:
        server = lab.start([peer, "serve", "cubic"], inside=bad.far, cpu=CORES[0])
    time.sleep(0.3)  # a ping or a try would use up frames of the seed
    try:
        done = lab.run([peer, way, bad.body, 1, SECONDS, "cubic"], inside=bad.near, cpu=CORES[1],
                       timeout=SECONDS + 30)
        lib.equal(done.code, 0, f"{done.err}client")
        took, read = (float(word) for word in done.out.split())
        server.kill()
        relay = bad.stop()
        carried = relay["forth" if way == "in" else "back"]
        return {"rate": read * 8 / 1e6 / took, "lost": 100 * carried["lost"] / carried["frames"],
                "late": carried["late_us_mean"] / 1e3}
    finally:
        server.kill()
        bad.remove()


def simulate(rtt_ms):
    """Mbit/s in the simulator, a seed a round; None where it is not built."""
    program = os.path.join(lib.BUILD, "test", "sim", "goodput")
    lib.make(program)
    done = subprocess.run([program, str(rtt_ms), str(LOSS_PERCENT), str(ROUNDS)], capture_output=True, text=True,
                          timeout=600)
    lib.equal(done.returncode, 0, f"{done.stderr}simulator")
    return [{"rate": float(line)} for line in done.stdout.split()]


def run():
    report = Report("loss", f"Goodput at {LOSS_PERCENT} % loss",
                    {"rate": ("goodput", "Mbit/s"), "lost": ("lost", "%"), "late": ("late", "ms")},
                    "One flow through the relay, seeded, random loss of what carries data; process target. \"late\" "
                    "is how much longer than it should the relay kept a frame, in the mean.")
    with lib.Lab() as lab:
        image = build_image(lab)
        jobs = {}
        for rtt_ms in RTTS_MS:
            for way in ("out", "in"):
                for name, server in ((f"diatom, {way}, {rtt_ms} ms", image), (f"Linux CUBIC, {way}, {rtt_ms} ms", None)):
                    seeds = iter(range(1, 1000))
                    jobs[name] = lambda server=server, seeds=seeds, rtt_ms=rtt_ms, way=way: measure(
                        lab, server, next(seeds), rtt_ms, way)
        for name, runs in interleave(jobs, warm_up=0).items():
            report.add(name, runs)
    for rtt_ms in RTTS_MS:
        report.add(f"diatom in the simulator, {rtt_ms} ms", simulate(rtt_ms))
    for rtt_ms in RTTS_MS:
        report.claim(f"diatom sends at {rtt_ms} ms as fast as Linux CUBIC",
                     report.median(f"diatom, out, {rtt_ms} ms"), report.median(f"Linux CUBIC, out, {rtt_ms} ms"),
                     at_most=False)
    for number, rtt_ms in enumerate(RTTS_MS):
        report.plot_bars(only=f", {rtt_ms} ms", suffix=f"-{number + 1}")
    return report


if __name__ == "__main__":
    print(run().write())
