"""
`diatom profile` and `diatom trace` on programs whose doings are known (test/images/observed.c), built
with both compilers, in a VM and as a process; and on a body that lies about itself.
"""
import json
import os
import re
import signal
import time
import xml.etree.ElementTree

import lib

SVG = "{http://www.w3.org/2000/svg}"
WHERE = ("vm clang", "process clang", "vm gcc", "process gcc")


def observe(lab, command, target, image, *arguments, options=(), timeout=40):
    if target == "vm":
        lib.need("kvm")
    return lab.run([lib.DIATOM, command, "--as", target, *options, image, *arguments],
                   timeout=timeout)


# Profiles

def read_folded(path):
    """[(list of functions, samples)]"""
    stacks = []
    with open(path) as file:
        for line in file:
            names, count = line.rsplit(" ", 1)
            stacks.append((names.split(";"), int(count)))
    return stacks


def share(stacks, holds):
    return 100 * sum(n for names, n in stacks if holds(names)) / sum(n for _, n in stacks)


def check_flame_graph(path, samples):
    """It parses, needs nothing from elsewhere, and its frames lie upon their callers."""
    root = xml.etree.ElementTree.parse(path).getroot()
    with open(path) as file:
        text = file.read()
    lib.equal(re.findall(r'(?:href|src)=|url\(|@import', text), [], "references to elsewhere")
    frames = [(float(g.get("data-x")), float(g.get("data-w")), int(g.get("data-y")),
               g.find(SVG + "title").text) for g in root.iter(SVG + "g")]
    lib.equal(frames[0][3], f"all ({samples} samples, 100.00 %)")
    for x, width, y, title in frames[1:]:
        lib.check(any(fy == y + 18 and fx <= x + 0.01 and x + width <= fx + fw + 0.01
                      for fx, fw, fy, _ in frames), f"{title} lies on no caller")


@lib.test_each(*WHERE)
def profile_shares(lab, where):
    """70, 20 and 10 %, within 6 points: four standard deviations of a thousand samples. Each stack is complete,
    from _start or the fiber's entry."""
    target, compiler = where.split()
    folded, svg = lab.path("folded"), lab.path("flame.svg")
    result = observe(lab, "profile", target, lib.test_image("observed", compiler), "shares", "240000",
                     options=["--folded", folded, "-o", svg])
    lib.equal(result.code, 0, f"{result.err}exit code")
    stacks = read_folded(folded)
    samples = sum(n for _, n in stacks)
    lib.check(samples > 800, f"only {samples} samples")
    for name, wanted in (("large", 70), ("medium", 20), ("small", 10)):
        got = share(stacks, lambda names, name=name: name in names)
        lib.check(abs(got - wanted) < 6, f"{name} has {got:.1f} %, not {wanted}: {stacks}")
    whole = share(stacks, lambda names: names[0] == "_start" and "main" in names or
                  names[0] == "fiber_enter" and "worker" in names)
    lib.check(whole > 98, f"only {whole:.1f} % of the stacks are whole: {stacks}")
    nested = share(stacks, lambda names: "nested" in names and names[-1] in ("large", "medium"))
    lib.check(abs(nested - 90) < 6, f"nested has {nested:.1f} %, not 90")
    fibers = share(stacks, lambda names: names[0] == "fiber_enter")
    lib.check(abs(fibers - 50) < 12, f"fibers have {fibers:.1f} %, not 50")
    check_flame_graph(svg, samples)
    lib.contains(result.err, "large")


@lib.test_each("vm", "process")
def profile_sleep(lab, target):
    """A second asleep is no CPU time, and is said; nothing wakes the sleeper early or late."""
    folded = lab.path("folded")
    result = observe(lab, "profile", target, lib.test_image("observed"), "sleeps",
                     options=["--folded", folded, "-o", lab.path("x.svg")])
    lib.equal(result.code, 0, f"{result.err}exit code")
    asleep = re.search(r"asleep (\d+) % of the time", result.err)
    lib.check(asleep and int(asleep[1]) >= 60, result.err)
    lib.check(sum(n for _, n in read_folded(folded)) < 700, "samples of the sleep")
    lib.check(result.seconds > 1, "the sleep was cut short")


@lib.test
def profile_deep(lab):
    """A stack deeper than a sample: what fits, under [truncated] or a whole one; never lost."""
    folded = lab.path("folded")
    observe(lab, "profile", "process", lib.test_image("observed"), "deep",
            options=["--folded", folded, "-o", lab.path("x.svg")])
    stacks = read_folded(folded)
    lib.check(share(stacks, lambda names: names.count("descend") > 20) > 90, str(stacks)[:2000])


@lib.test_each("vm", "process")
def profile_ends(lab, target):
    """--seconds asks it to finish; INT to diatom alone does, too; both write the graph."""
    image = lib.test_image("observed")
    result = observe(lab, "profile", target, image, "forever",
                     options=["--seconds", "0.5", "-o", lab.path("a.svg")])
    lib.equal(result.code, 0, f"{result.err}exit code")
    check_flame_graph(lab.path("a.svg"), int(re.search(r"(\d+) samples", result.err)[1]))
    if target == "vm":
        lib.need("kvm")
    process = lab.start([lib.DIATOM, "profile", "--as", target, "-o", lab.path("b.svg"), image,
                         "forever"])
    process.wait_for_text("up in")
    time.sleep(0.3)
    process.signal(signal.SIGINT)
    lib.equal(process.wait(10), 0, f"{process.err()}exit code")
    check_flame_graph(lab.path("b.svg"), int(re.search(r"(\d+) samples", process.err())[1]))


@lib.test
def killed_with_parent(lab):
    """KILL to diatom leaves no body behind."""
    process = lab.start([lib.DIATOM, "profile", "--as", "process", "-o", lab.path("x.svg"),
                         lib.test_image("observed"), "forever"])
    process.wait_for_text("up in")
    children = process.children()[1:]
    lib.equal(len(children), 1, "children")
    process.kill()
    lib.until(lambda: not os.path.exists(f"/proc/{children[0]}"), 5, "the body's end")


@lib.test
def profile_without_names(lab):
    """An image that was moved away from its debug file: addresses, and a word about it."""
    with open(lib.test_image("observed"), "rb") as file:
        image = lab.path("moved", file.read())
    folded = lab.path("folded")
    result = observe(lab, "profile", "process", image, "sleeps",
                     options=["--folded", folded, "-o", lab.path("x.svg")])
    lib.equal(result.code, 0, f"{result.err}exit code")
    lib.contains(result.err, "moved.debug is not there")
    lib.check(all(re.fullmatch(r"image\+0x[0-9a-f]+|\[\w+\]", names[0])
                  for names, _ in read_folded(folded)), "names out of nothing")


@lib.test
def words(lab):
    """What is wrong on the command line is said; the run's own options and exit codes pass through."""
    image = lib.test_image("observed")
    for argv, code, text in (
            (["profile", "--hz", "0", image], 2, "--hz"),
            (["profile", "--seconds", "soon", image], 2, "--seconds"),
            (["profile", "--folded"], 2, "--folded needs a value"),
            (["profile", "--nett", "x", image], 2, "--nett"),
            (["profile", "-o", "/nowhere/x.svg", "--as", "process", image], 2, "/nowhere/x.svg"),
            (["trace", "-o", "/nowhere/x.json", image], 2, "/nowhere/x.json"),
            (["trace", "--size", "0", image], 2, "--size"),
            (["trace"], 2, "which image"),
            (["profile", "/dev/null"], 120, "/dev/null"),
            (["trace", "--net", "eth9=tap:none", image], 120, "eth9"),
            (["trace", "--as", "process", "--mem", "64", "-q", image, "fibers", "--mem"], 0, "")):
        result = lab.run([lib.DIATOM, *argv])
        lib.equal(result.code, code, f"{argv}: {result.err}exit code")
        lib.contains(result.err, text)


# Traces

def check_trace(path):
    """The rules of the format that Perfetto and chrome://tracing rely on; returns the events."""
    with open(path) as file:
        data = json.load(file)
    events = data["traceEvents"]
    threads, flows = {}, {}
    for event in events:
        phase = event["ph"]
        lib.check(phase in "XiCsfM" and isinstance(event["name"], str) and event["name"], str(event))
        if phase == "M":
            continue
        lib.check(event["ts"] >= 0, f"before the start: {event}")
        key = event["pid"], event["tid"]
        if phase == "X":
            lib.check(event["dur"] >= 0, str(event))
            threads.setdefault(key, []).append((event["ts"], event["ts"] + event["dur"], event))
        elif phase == "C":
            lib.check(isinstance(event["args"]["value"], int), str(event))
        elif phase in "sf":
            flows.setdefault(event["id"], []).append(event)
    named = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    lib.check(set(threads) <= named, f"threads without names: {set(threads) - named}")
    for key, slices in threads.items():
        check_nesting(key, slices)
    for ends in flows.values():
        lib.equal([e["ph"] for e in ends], ["s", "f"], "ends of a flow")
        lib.check(ends[0]["ts"] <= ends[1]["ts"], f"a flow into the past: {ends}")
    return events, data["otherData"]


def check_nesting(key, slices):
    """Slices of a thread are apart or within each other."""
    open_ends = []
    for start, end, event in sorted(slices, key=lambda s: (s[0], -s[1])):
        while open_ends and open_ends[-1] <= start + 0.0005:
            open_ends.pop()
        lib.check(not open_ends or end <= open_ends[-1] + 0.0005, f"{key}: overlaps: {event}")
        open_ends.append(end)


@lib.test_each(*WHERE)
def trace_fibers(lab, where):
    """Every lane, span, wake-up and counter value of a program that is known."""
    target, compiler = where.split()
    path, svg = lab.path("trace.json"), lab.path("trace.svg")
    result = observe(lab, "trace", target, lib.test_image("observed", compiler), "fibers",
                     options=["-o", path, "--svg", svg])
    lib.equal(result.code, 0, f"{result.err}exit code")
    events, other = check_trace(path)
    lib.equal(other, {"dropped": 0, "left_out": 0})
    lanes = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
    for name in ("loop", "main", "producer", "consumer <a>", "consumer \\b", "producer: spans"):
        lib.check(name in lanes, f"no lane {name!r} in {lanes}")
    spans = [e["name"] for e in events if e.get("cat") == "span"]
    lib.equal({name: spans.count(name) for name in set(spans)},
              {"produce": 10, "pack": 10, "request": 20})
    lib.equal(sum(e["name"] == 'item "done"' for e in events), 20, "instants")
    values = [e["args"]["value"] for e in events if e["ph"] == "C"]
    lib.equal((len(values), sum(v == 0 for v in values) > 0, values[0]), (30, True, 2), "counter")
    lib.check(sum(e["ph"] == "s" for e in events) > 20, "wake-ups")
    sleeps = [e["dur"] for e in events if e.get("cat") == "sleep" and e["pid"] == 1]
    lib.check(len(sleeps) >= 9 and max(sleeps) > 500, f"sleeps of the loop: {sleeps}")
    monitor = {e["name"] for e in events if e["pid"] == 2 and e["ph"] == "X"}
    lib.equal(monitor, {"exit", "wait"} if target == "vm" else set(), "the monitor's")
    lib.contains("".join(xml.etree.ElementTree.parse(svg).getroot().itertext()), "consumer <a>")


@lib.test_each("vm", "process")
def trace_network(lab, target):
    """Frames in and out of a device; the monitor at work in a VM."""
    net = lab.network()
    path = lab.path("trace.json")
    if target == "vm":
        lib.need("kvm")
    process = lab.start([lib.DIATOM, "trace", "--as", target, "-o", path, "--net",
                         f"eth0=tap:{net.tap},ip={net.body}/24", lib.image("echo")], inside=net)
    process.address = net.body
    process.wait_for_ping()
    lib.equal(process.stop(), 0, f"{process.err()}exit code")
    events, _ = check_trace(path)
    instants = {e["name"] for e in events if e["ph"] == "i"}
    lib.check({"receive", "transmit"} <= instants, f"instants: {instants}")
    lib.check(any(e["name"] == "turn" for e in events), "no turns")
    if target == "vm":
        lib.check(any(e["name"] == "devices" for e in events), "no device work")


@lib.test_each("vm", "process")
def trace_flood(lab, target):
    """More than the ring and the file hold: counted, said, and still a whole file."""
    path = lab.path("trace.json")
    result = observe(lab, "trace", target, lib.test_image("observed"), "flood",
                     options=["-o", path, "--size", "1", "--svg", lab.path("x.svg")])
    lib.equal(result.code, 0, f"{result.err}exit code")
    _, other = check_trace(path)
    lib.check(other["left_out"] > 0, str(other))
    lib.check(os.path.getsize(path) < 3 << 20, f"{os.path.getsize(path)} bytes")
    lib.contains(result.err, "left out")


@lib.test_each("vm", "process")
def trace_of_a_liar(lab, target):
    """A body that writes junk into its ring: diatom goes on, and what it writes is well-formed."""
    path, svg = lab.path("trace.json"), lab.path("trace.svg")
    result = observe(lab, "trace", target, lib.test_image("trace_liar"),
                     options=["-o", path, "--size", "1", "--svg", svg])
    lib.equal(result.code, 0, f"{result.err}exit code")
    with open(path) as file:
        json.load(file)
    xml.etree.ElementTree.parse(svg)
    lib.check(os.path.getsize(path) < 3 << 20, f"{os.path.getsize(path)} bytes")
    lib.contains(result.err, "without a place")


lib.main()
