"""
Runs with a name: --name, --detach, and the commands that find them again.

    this script --- diatom run --detach ---> supervisor --- run        state in a folder of the test's
                \\-- diatom ps, logs, stop, stats, rm
"""
import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import time

import lib

TARGETS = ("vm", "process", "qemu")
NEEDS = {"vm": ["kvm", "passt"], "process": ["passt"], "qemu": ["qemu-system-x86_64"]}
SHOWN = {"vm": "VM", "process": "process", "qemu": "QEMU"}


class Runs:
    """The runs of one test: their state is in its folder; all end with the `with`."""

    def __init__(self, lab):
        self.lab, self.namespace = lab, None
        self.environment = {"DIATOM_STATE": lab.path("state")}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for run in self.list():
            if run["status"] == "running":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(run["pid"], signal.SIGKILL)

    def command(self, *words, timeout=30):
        return self.lab.run([lib.DIATOM, *words], inside=self.namespace, timeout=timeout,
                            environment=self.environment)

    def good(self, *words):
        done = self.command(*words)
        lib.equal(done.code, 0, f"{done.err}exit code of diatom {' '.join(words)}")
        return done

    def detach(self, target, *words):
        if target == "vm":
            lib.need("kvm")
        return self.command("run", "--as", target, "--detach", *words)

    def list(self):
        return json.loads(self.good("ps", "--all", "--json").out)

    def state(self, name):
        return {run["name"]: run for run in self.list()}.get(name)

    def supervisor(self, name):
        with open(f"/proc/{self.state(name)['pid']}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])

    def stats(self, name):
        return json.loads(self.good("stats", "--json", name).out)

    def folder(self, name):
        return os.path.join(self.environment["DIATOM_STATE"], name)


def ask(namespace, port, count=1):
    """Asks an echo server in a namespace, some times."""
    program = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(("127.0.0.1", {port}))
for i in range({count}):
    s.send(b"x")
    s.recv(100)
"""
    done = subprocess.run(["ip", "netns", "exec", namespace.name, "/usr/bin/python3", "-c", program],
                          capture_output=True, text=True, timeout=30)
    lib.equal(done.returncode, 0, f"{done.stderr}exit code of the client")


@lib.test_each(*TARGETS)
def life(lab, target):
    """Up, listed, counted, stopped; its exit code, log and counters stay."""
    lib.need(*NEEDS[target])
    with Runs(lab) as runs:
        runs.namespace = lab.namespace()
        done = runs.detach(target, "--name", "e1", "-p", "7007:7/udp", lib.image("echo"))
        lib.equal(done.code, 0, f"{done.err}exit code")
        lib.contains(done.err, "up in", "what --detach shows")
        ask(runs.namespace, 7007, 5)
        state = runs.state("e1")
        lib.equal((state["status"], state["program"], state["target"]),
                  ("running", "echo", SHOWN[target]), "its state")
        lib.contains(state["network"], "127.0.0.1:7007 -> 7/udp", "its network")
        table = runs.good("ps").out
        for part in ("e1", "up ", lib.image("echo"), str(state["pid"])):
            lib.contains(table, part, "diatom ps")
        # In QEMU counters are up to a second old.
        lib.until(lambda: runs.stats("e1")["udp.rx_datagrams"] == 5, 3, "datagrams counted")
        done = runs.good("stop", "e1")
        lib.contains(done.err, "e1: exit 0", "diatom stop")
        state = runs.state("e1")
        lib.equal((state["status"], state["exit_code"]), ("ended", 0), "its state")
        lib.check("e1" not in runs.good("ps").out, "diatom ps shows what ended")
        lib.contains(runs.good("ps", "-a").out, "exit 0", "diatom ps -a")
        lib.contains(runs.good("logs", "e1").out, "finished, exit 0", "its log")
        lib.equal(runs.stats("e1")["udp.rx_datagrams"], 5, "datagrams counted, afterwards")
        lib.equal(runs.command("stop", "e1").code, lib.EXIT_REFUSED, "exit code of stop")


METRIC = re.compile(r'[a-z][a-z0-9_]*\{run="[^"]*"\} [0-9]+')


@lib.test
def prometheus(lab):
    """Each metric has help, type and one sample, in the text format 0.0.4."""
    lib.need("passt")
    with Runs(lab) as runs:
        runs.namespace = lab.namespace()
        runs.detach("process", "--name", "e1", "-p", "7007:7/udp", lib.image("echo"))
        ask(runs.namespace, 7007, 3)
        lines = runs.good("stats", "--prometheus", "e1").out.splitlines()
        lib.equal(len(lines) % 3, 0, "lines")
        names = []
        for about, kind, sample in zip(lines[::3], lines[1::3], lines[2::3]):
            names.append(sample.split("{")[0])
            lib.check(METRIC.fullmatch(sample), f"no sample: {sample}")
            lib.check(about.startswith(f"# HELP {names[-1]} "), about)
            lib.check(kind in (f"# TYPE {names[-1]} counter", f"# TYPE {names[-1]} gauge"), kind)
        lib.equal(len(names), len(set(names)), "names")
        lib.contains(lines, 'diatom_udp_rx_datagrams_total{run="e1"} 3', "samples")
        lib.contains(lines, 'diatom_up{run="e1"} 1', "samples")
        text = runs.good("stats", "e1").out
        lib.contains(text, "udp.rx_datagrams", "text")
        lib.check("tap.rx_short" not in text and "tap.rx_short" in
                  runs.good("stats", "--all", "e1").out, "zeros are shown with --all only")
        runs.good("stop", "e1")
        lib.contains(runs.good("stats", "--prometheus", "e1").out, 'diatom_up{run="e1"} 0', "samples")


@lib.test_each(*TARGETS)
def start_that_fails(lab, target):
    """Its words and its exit code come to whoever detached it."""
    lib.need("passt")
    with Runs(lab) as runs:
        done = runs.detach(target, "--name", "e1", "--net", "tap:nothere", lib.image("echo"))
        lib.equal(done.code, lib.EXIT_HOST_LACKS, "exit code")
        lib.contains(done.err, 'no interface "nothere"', "standard error")
        lib.equal(runs.state("e1")["exit_code"], lib.EXIT_HOST_LACKS, "its state")
        done = runs.detach(target, lib.image("hello"))
        lib.equal(done.code, 0, f"{done.err}the next's exit code")


@lib.test_each(*TARGETS)
def output_and_exit_code(lab, target):
    """An image that ends by itself; its name is its file's."""
    with Runs(lab) as runs:
        lib.equal(runs.detach(target, lib.image("hello")).code, 0, "exit code")
        state = lib.until(lambda: runs.state("hello").get("exit_code") is not None and
                          runs.state("hello"), 5, "its end")
        lib.equal((state["status"], state["exit_code"]), ("ended", 0), "its state")
        lib.contains(runs.good("logs", "hello").out, "hello\n", "its log")


@lib.test
def name_is_taken(lab):
    """Of eight that start at once under one name, one runs; the others are told why."""
    path = lib.test_image("stubborn")
    with Runs(lab) as runs:
        starts = [subprocess.Popen([lib.DIATOM, "run", "--as", "process", "--detach", "--name", "a",
                                    path, "compute"], env=dict(os.environ, **runs.environment),
                                   stderr=subprocess.PIPE, text=True) for _ in range(8)]
        said = [start.communicate(timeout=30)[1] for start in starts]
        codes = [start.returncode for start in starts]
        lib.equal(sorted(codes), [0] + 7 * [lib.EXIT_REFUSED], "exit codes")
        for code, text in zip(codes, said):
            if code != 0:
                lib.contains(text, 'a run named "a" is going on', "standard error")
                lib.contains(text, "diatom stop a", "standard error")
        lib.contains(runs.good("stop", "--time", "1", "a").err, "ended by force", "diatom stop")
        lib.equal(runs.state("a")["exit_code"], 128 + signal.SIGKILL, "exit code")


@lib.test
def removed(lab):
    """What lives is refused; what ended is forgotten, and its name is free."""
    with Runs(lab) as runs:
        runs.detach("process", "--name", "lives", lib.test_image("stubborn"), "compute")
        for name in ("a", "b", "c"):
            runs.good("run", "--as", "process", "--name", name, lib.image("hello"))
        done = runs.command("rm", "lives")
        lib.equal(done.code, lib.EXIT_REFUSED, f"{done.err}exit code")
        lib.contains(done.err, "diatom stop lives", "standard error")
        runs.good("rm", "a", "c")
        lib.equal(sorted(os.listdir(runs.environment["DIATOM_STATE"])), ["b", "lives"], "folders")
        lib.equal(runs.command("rm", "a").code, lib.EXIT_REFUSED, "exit code for what is gone")
        runs.good("run", "--as", "process", "--name", "a", lib.image("hello"))
        runs.good("rm", "--all-ended")
        lib.equal([(run["name"], run["status"]) for run in runs.list()], [("lives", "running")], "runs")
        runs.good("stop", "--time", "1", "lives")
        runs.good("rm", "lives")
        lib.equal(os.listdir(runs.environment["DIATOM_STATE"]), [], "folders")


@lib.test
def removed_while_it_starts(lab):
    """A run that takes a name just as it is removed keeps its own state, or is told that it is taken."""
    with Runs(lab) as runs:
        environment = dict(os.environ, **runs.environment)
        remover = subprocess.Popen(["sh", "-c", 'while :; do "$0" rm --all-ended; done', lib.DIATOM],
                                   env=environment, stderr=subprocess.DEVNULL)
        try:
            for _ in range(40):
                done = runs.command("run", "--as", "process", "--name", "a", lib.image("hello"))
                lib.check(done.code == 0 and done.out == "hello\n" or "is going on" in done.err,
                          f"exit {done.code}: {done.err}")
        finally:
            remover.kill()
            remover.wait()


@lib.test_each(*TARGETS)
def killed(lab, target):
    """The run is killed: its exit code says so. Both are: the name is free, and its state says lost."""
    path = lib.test_image("stubborn")
    with Runs(lab) as runs:
        lib.equal(runs.detach(target, "--name", "a", path, "compute").code, 0, "exit code")
        os.kill(runs.state("a")["pid"], signal.SIGKILL)
        lib.until(lambda: runs.state("a").get("exit_code") == 137, 5, "exit code 137")
        lib.equal(runs.detach(target, "--name", "a", path, "compute").code, 0, "exit code")
        pid, supervisor = runs.state("a")["pid"], runs.supervisor("a")
        os.kill(supervisor, signal.SIGKILL)
        lib.equal(runs.state("a")["status"], "running", "its state without a supervisor")
        os.kill(pid, signal.SIGKILL)
        lib.until(lambda: runs.state("a")["status"] == "ended", 5, "its end")
        lib.contains(runs.good("ps", "-a").out, "lost", "diatom ps -a")
        lib.equal(runs.detach(target, "--name", "a", lib.image("hello")).code, 0, "the next's exit")


@lib.test
def stopped_without_supervisor(lab):
    lib.need("passt")
    with Runs(lab) as runs:
        runs.namespace = lab.namespace()
        runs.detach("process", "--name", "e1", "-p", "7007:7", lib.image("echo"))
        os.kill(runs.supervisor("e1"), signal.SIGKILL)
        lib.contains(runs.good("stop", "e1").err, "e1: ended", "diatom stop")


@lib.test
def another_process_has_the_id(lab):
    """A state that names a process which is not the run's: it is let alone."""
    path = lib.test_image("stubborn")
    with Runs(lab) as runs:
        runs.detach("process", "--name", "a", path, "compute")
        file = os.path.join(runs.folder("a"), "state.json")
        with open(file) as opened:
            text = opened.read()
        pid = runs.state("a")["pid"]
        victim = lab.start(["sleep", "20"])
        with open(file, "w") as opened:
            opened.write(text.replace(f'"pid": {pid},', f'"pid": {victim.pid},'))
        lib.equal(runs.command("stop", "--time", "1", "a").code, lib.EXIT_REFUSED, "exit code")
        lib.check(victim.alive(), "another process was ended")
        os.kill(pid, signal.SIGKILL)


@lib.test_each(*TARGETS)
def foreground(lab, target):
    """Same output, same exit code; TERM to the command reaches the run, once."""
    lib.need(*NEEDS[target])
    with Runs(lab) as runs:
        done = runs.command("run", "--as", target, "--name", "h", lib.image("hello"))
        lib.equal((done.code, done.out), (0, "hello\n"), f"{done.err}exit code and output")
        lib.equal(runs.state("h")["exit_code"], 0, "its state")
        lib.contains(runs.command("logs", "h").err, "went to its terminal", "diatom logs")
        body = lab.start([lib.DIATOM, "run", "--as", target, "--name", "e", lib.image("echo")],
                         environment=runs.environment)
        body.wait_for_text("up in")
        lib.equal(body.stop(), 0, f"{body.err()}exit code after TERM")
        lib.contains(body.err(), "finished, exit 0", "standard error")


@lib.test
def interrupt_of_a_terminal(lab):
    """One ^C asks the run to finish, and does not count twice."""
    lib.need("passt")
    with Runs(lab) as runs:
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(runs.environment)
            os.execv(lib.DIATOM, [lib.DIATOM, "run", "--as", "process", "--name", "e",
                                  lib.image("echo")])
        said = b""
        while b"eth0:" not in said:
            said += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        lib.equal(status, 0, "exit code")


@lib.test
def log_has_an_end(lab):
    """What prints without end keeps a bounded log, whose last part is there; --follow ends with it."""
    path = lib.test_image("stubborn")
    with Runs(lab) as runs:
        runs.detach("process", "--name", "a", path, "print")
        folder = runs.folder("a")
        lib.until(lambda: os.path.exists(os.path.join(folder, "log.1")), 20, "a second log file")
        follower = lab.start([lib.DIATOM, "logs", "--follow", "a"], environment=runs.environment)
        time.sleep(0.2)
        os.kill(runs.state("a")["pid"], signal.SIGKILL)
        lib.equal(follower.wait(20), 0, "exit code of logs --follow")
        sizes = [os.path.getsize(os.path.join(folder, name)) for name in ("log", "log.1")]
        lib.check(max(sizes) <= 4 << 20 and sum(sizes) > 4 << 20, f"sizes: {sizes}")
        lib.check(len(runs.good("logs", "a").out) == sum(sizes), "the log is not all there")


ERRORS = {
    "bad_name": (["run", "--name", "../x", "IMAGE"], lib.EXIT_USAGE, "63 letters"),
    "dot_name": (["run", "--name", ".x", "IMAGE"], lib.EXIT_USAGE, "63 letters"),
    "long_name": (["run", "--name", "x" * 64, "IMAGE"], lib.EXIT_USAGE, "63 letters"),
    "logs_of_none": (["logs", "x"], lib.EXIT_REFUSED, 'no run named "x"'),
    "logs_of_path": (["logs", "../../etc"], lib.EXIT_REFUSED, "no run named"),
    "logs_nameless": (["logs"], lib.EXIT_USAGE, "diatom logs NAME"),
    "stop_of_none": (["stop", "x"], lib.EXIT_REFUSED, 'no run named "x"'),
    "stop_time": (["stop", "--time", "soon", "x"], lib.EXIT_USAGE, "--time"),
    "stop_nameless": (["stop"], lib.EXIT_USAGE, "diatom stop NAME"),
    "stats_of_none": (["stats", "x"], lib.EXIT_REFUSED, 'no run named "x"'),
    "stats_option": (["stats", "--xml", "x"], lib.EXIT_USAGE, "--xml"),
    "stats_watch": (["stats", "x", "--watch", "0"], lib.EXIT_USAGE, "--watch"),
    "rm_of_none": (["rm", "x"], lib.EXIT_REFUSED, 'no run named "x"'),
    "rm_nameless": (["rm"], lib.EXIT_USAGE, "diatom rm NAME"),
    "rm_option": (["rm", "x", "--all-ended"], lib.EXIT_USAGE, "--all-ended"),
    "ps_word": (["ps", "x"], lib.EXIT_USAGE, "diatom ps --help"),
}


@lib.test_each(*ERRORS)
def error(lab, name):
    words, code, part = ERRORS[name]
    with Runs(lab) as runs:
        done = runs.command(*[lib.image("hello") if word == "IMAGE" else word for word in words])
        lib.equal((done.code, done.out), (code, ""), f"{done.err}exit code and output")
        lib.contains(done.err, part, "standard error")


@lib.test
def damaged_state(lab):
    """Files that are not ours: shown as far as they can be, and nothing crashes."""
    with Runs(lab) as runs:
        runs.detach("process", "--name", "a", lib.image("hello"))
        lib.until(lambda: runs.state("a")["status"] == "ended", 5, "its end")
        for content in (b"", b"{", b"\xff" * 50000, b'{\n\t"image": "x', b'{\n\t"pid": 99999999999\n}\n'):
            for name in ("state.json", "exit", "counters", "data"):
                with open(os.path.join(runs.folder("a"), name), "wb") as file:
                    file.write(content)
            for words in (["ps", "-a"], ["ps", "-a", "--json"], ["stats", "a"], ["stop", "a"],
                          ["logs", "a"]):
                code = runs.command(*words).code
                lib.check(code in (0, lib.EXIT_REFUSED), f"{words}: exit {code}")
        for entry in os.listdir(runs.folder("a")):
            os.unlink(os.path.join(runs.folder("a"), entry))
        lib.equal(runs.good("ps", "-a").out, "", "runs")
        runs.good("run", "--as", "process", "--name", "a", lib.image("hello"))


@lib.test
def odd_counters(lab):
    """Counters of one name count as one; a name that is none is not shown; texts stay one line."""
    path = lib.test_image("odd_counters")
    with Runs(lab) as runs:
        runs.good("run", "--as", "process", "--name", "a", path)
        stats = runs.stats("a")
        lib.equal((stats["odd.same"], stats["odd.escapes"]), (3, 2**64 - 1), "values")
        lib.check(not [name for name in stats if not re.fullmatch(r"[\w.-]+", name)],
                  f"names: {list(stats)}")
        lines = runs.good("stats", "--prometheus", "a").out.splitlines()
        lib.contains(lines, "# HELP diatom_odd_escapes_total a\\\\b?c?", "help")


@lib.test
def odd_path(lab):
    """An image whose path has what JSON and terminals must not get as it is."""
    folder = lab.path('a"b\\c\n\x1b[1m é')
    os.mkdir(folder)
    path = os.path.join(folder, "-x")
    with open(lib.image("hello"), "rb") as file, open(path, "wb") as copy:
        copy.write(file.read())
    with Runs(lab) as runs:
        runs.good("run", "--as", "process", "--name", "a", path)
        lib.equal(runs.state("a")["image"], path, "the path in --json")
        table = runs.good("ps", "--all").out
        lib.check("\x1b" not in table and len(table.splitlines()) == 2, f"the table: {table!r}")
        done = runs.command("run", "--as", "process", "--detach", path)
        lib.equal(done.code, lib.EXIT_USAGE, "exit code")
        lib.contains(done.err, "--name NAME", "standard error")


@lib.test
def place_of_others(lab):
    """A folder that others may write to is refused."""
    with Runs(lab) as runs:
        os.mkdir(runs.environment["DIATOM_STATE"], 0o700)
        os.chmod(runs.environment["DIATOM_STATE"], 0o777)
        done = runs.command("run", "--name", "a", lib.image("hello"))
        lib.equal(done.code, lib.EXIT_HOST_LACKS, "exit code")
        lib.contains(done.err, "others may write there", "standard error")
        os.chmod(runs.environment["DIATOM_STATE"], 0o700)


@lib.test
def ordinary_user(lab):
    """Without root: a state of one's own, or an error that says how to have one."""
    lib.need("root", "setpriv")
    os.chmod(lab.directory, 0o755)
    for name in (lib.DIATOM, lib.image("hello")):
        with open(name, "rb") as file:
            path = lab.path(os.path.basename(name), file.read())
        os.chmod(path, 0o755)
    runtime = lab.path("runtime")
    os.mkdir(runtime)
    os.chown(runtime, 65534, 65534)

    def as_user(*words):
        return lab.run(["env", "-u", "DIATOM_STATE", "-u", "XDG_RUNTIME_DIR", "setpriv", "--reuid",
                        "65534", "--regid", "65534", "--clear-groups", *words])
    diatom, hello = lab.path("diatom"), lab.path("hello")
    done = as_user(diatom, "run", "--name", "a", hello)
    lib.equal(done.code, lib.EXIT_HOST_LACKS, "exit code")
    lib.contains(done.err, "DIATOM_STATE=FOLDER", "standard error")
    mine = ["env", f"XDG_RUNTIME_DIR={runtime}", diatom]
    done = as_user(*mine, "run", "--as", "process", "--detach", hello)
    lib.equal(done.code, 0, f"{done.err}exit code")
    lib.until(lambda: "exit 0" in as_user(*mine, "ps", "--all").out, 5, "its end")


lib.main()
