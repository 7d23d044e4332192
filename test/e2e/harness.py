"""The benchmarks' own arithmetic: statistics, order of rounds, tables and plots, by rows."""
import json
import os
import sys
import xml.etree.ElementTree

import lib

os.environ.setdefault("BENCH_RESULTS", os.path.join(lib.BUILD, "bench"))
# Before this folder, where a file bears the same name: this one.
sys.path.insert(0, os.path.join(lib.ROOT, "bench"))
import harness  # noqa: E402
import svg  # noqa: E402


@lib.test
def bench_quartiles(lab):
    for values, wanted in (([5], (5, 5, 5)), ([1, 3], (1.5, 2, 2.5)), ([3, 1, 2], (1.5, 2, 2.5)),
                           ([1, 2, 3, 4, 100], (2, 3, 4))):
        lib.equal(harness.quartiles(values), wanted, f"quartiles of {values}")


@lib.test
def bench_numbers(lab):
    for value, wanted in ((None, "–"), (0, "0"), (1.2345, "1.23"), (0.012345, "0.0123"),
                          (99.96, "100.0"), (203456, "203,456"), (12.345, "12.3")):
        lib.equal(harness.number(value), wanted, f"{value} as text")


@lib.test
def bench_rounds_are_interleaved(lab):
    order = []

    def subject(name):
        def measure():
            order.append(name)
            if name == "c" and len(order) > 4:
                raise lib.Failure("broke")
            return {"x": len(order)}
        return measure
    harness.say = lambda text: None
    kept = harness.interleave({n: subject(n) for n in "abc"}, rounds=2, warm_up=1)
    lib.equal("".join(order), "abcabcab", "order")
    lib.equal(kept, {"a": [{"x": 4}, {"x": 7}], "b": [{"x": 5}, {"x": 8}], "c": "broke"}, "kept")


@lib.test
def bench_report(lab):
    harness.RESULTS = lab.path("results")
    report = harness.Report("sample", "A sample", {"x": ("time", "ms")})
    report.add("diatom", [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}])
    report.add("peer", "no program peer")
    report.claim("at most 2.5", report.median("diatom"), 2.5)
    report.claim("at most 1.5", report.median("diatom"), 1.5)
    report.claim("not there", report.median("peer"), 1)
    report.plot_bars()
    text = report.write()
    for part in ("| diatom | **2.00** (1.50–2.50) |", "no result: no program peer",
                 "- reached: at most 2.5", "- **missed**: at most 1.5", "- not measured: not there"):
        lib.contains(text, part, "table")
    with open(os.path.join(harness.RESULTS, "sample.json")) as file:
        stored = json.load(file)
    lib.equal(stored["rows"][0]["metrics"]["x"]["values"], [1.0, 2.0, 3.0], "stored values")
    lib.check(stored["machine"]["kernel"] and stored["machine"]["cpu"], "no machine")


@lib.test
def bench_plots_are_xml(lab):
    for text in (svg.bars("a < b & c", "ms", [("diatom", 1, 0.5, 2), ("peer", 3, 3, 3)]),
                 svg.bars("wide", "ms", [("diatom", 0.08, 0.07, 0.09), ("peer", 700, 600, 800)]),
                 svg.bars("one", "kB", [("diatom", 20, 20, 20)]),
                 svg.lines("l", "k/s", "x", {"a": [(100, 1, 1, 2), (1000, 3, 2, 4)], "b": []}),
                 svg.lines("one point", "k/s", "x", {"a": [(100, 1, 1, 1)]})):
        root = xml.etree.ElementTree.fromstring(text)
        for shape in root.iter("{http://www.w3.org/2000/svg}rect"):
            lib.check(float(shape.get("width", 0)) >= 0, f"a negative width: {text}")


lib.main()
