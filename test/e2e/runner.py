"""test/run.py can't lose a test: each way that a program can end, and what is made of it."""
import importlib.util
import os

import lib

_spec = importlib.util.spec_from_file_location("run", os.path.join(lib.ROOT, "test", "run.py"))
run = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(run)

# shell text: (passed, skipped, failures)
ROWS = [
    ("echo ok a; echo ok b", (["a", "b"], [], [])),
    ("echo ok a; echo 'FAIL b: why'; exit 1", (["a"], [], ["b: why"])),
    ("echo 'skip a: no kvm'", ([], ["a: no kvm"], [])),
    ("true", ([], [], ["unit/x: printed no result"])),
    ("echo ok a; exit 3", (["a"], [], ["unit/x: exit 3"])),
    ("echo ok a; kill -SEGV $$", (["a"], [], ["unit/x: ended by SIGSEGV"])),
    ("echo ok a; sleep 20", (["a"], [], ["unit/x: did not end within 1 s"])),
    ("trap '' TERM; echo ok a; (trap '' TERM; sleep 3) & exit 0", (["a"], [], [])),
    ("echo 'not ok'; echo okay; echo ' ok a'; echo FAIL", ([], [], ["unit/x: printed no result"])),
    ("echo 'FAIL a: why'", ([], [], ["a: why"])),
]


@lib.test
def runner_loses_nothing(lab):
    for text, wanted in ROWS:
        program = run.Program("unit/x", ["sh", "-c", text], timeout=1)
        program.run(run.Runner(1))
        lib.equal((program.passed, program.skipped, program.failed), wanted, text)


@lib.test
def runner_closing_line(lab):
    runner = run.Runner(1)
    runner.programs = [run.Program("unit/x", ["true"], 1) for _ in range(2)]
    runner.programs[0].passed, runner.programs[1].failed = ["a", "b"], ["c"]
    runner.programs[1].skipped = ["d", "e", "f"]
    lines = []
    run.print = lambda text, **unused: lines.append(text)
    lib.equal(runner.summary(), 1, "exit code")
    lib.equal(lines[-1], "2 passed, 1 failed, 3 skipped", "closing line")
    lib.equal(lines[0], "skip unit/x: d", "first line")


lib.main()
