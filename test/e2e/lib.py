"""
The laboratory of the end-to-end tests and benchmarks: networks of their own, images that run in
them, and nothing left behind.

A test script is a list of functions; each gets a Lab, whose networks and processes end with it:

    import lib

    @lib.test
    def answers_ping(lab):
        net = lab.network()                       # namespace + tap, 10.9.0.1/24 on the host's side
        body = lab.boot("echo", target="vm", net=net)        # the body is 10.9.0.2
        body.wait_for_ping()
        ...
        body.stop()                               # TERM, then its exit code

    @lib.test_each("vm", "process", "qemu")       # becomes hello_vm, hello_process, hello_qemu
    def hello(lab, target):
        result = lab.boot_and_wait("hello", target=target)
        lib.equal(result.code, 0)
        lib.equal(result.out, "hello\\n")

    lib.main()                                    # prints "ok NAME", "FAIL NAME: why", "skip NAME: why"

Skipping:   lib.need("kvm", "tun", "netns", "dig", ...)   features, else names of programs
            lib.skip("why")
Claims:     lib.check(claim, why)  lib.equal(got, wanted, what)  lib.contains(text, part)
            lib.until(function, seconds, what)    polls until it returns something true
Where:      lib.ROOT, lib.BUILD, lib.DIATOM, lib.image("dns"), lab.directory (removed afterwards)
Lab:        lab.network(address="10.9.0.1/24")          -> Network: a namespace with one tap
            lab.namespace()                             -> Namespace without devices
            lab.veth(a, "10.8.0.1/24", b, "10.8.0.2/24")   joins two namespaces
            lab.bad_network(forth, back, seed=1)        -> BadNetwork: two namespaces, the relay between
            lab.start(argv, inside=net, ...)            -> Process, running
            lab.run(argv, inside=net, timeout=30)       -> Result(code, out, err, seconds), ended
            lab.boot(image, *args, target=, mem=, net=, ip=, keys=, options=[])   -> Process (diatom run)
                target: vm, process, qemu (microvm, emulated), q35 (emulated), qemu-kvm (microvm)
            lab.boot_and_wait(... the same, timeout=30)                    -> Result
Process:    .pid .out() .err() .wait(seconds) -> code  .signal(n) .stop() -> code  .alive()
            .cpu_seconds() .wait_for_ping() .wait_for_text("up in")

Names are unique (dt<pid>l<n>), so scripts may run side by side. Children die with the script even
when it is killed; namespaces of scripts that were killed are removed by the next one.
"""
import ctypes
import fnmatch
import json
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("DIATOM_BUILD", os.path.join(ROOT, "build")))
DIATOM = os.environ.get("DIATOM", os.path.join(BUILD, "diatom"))
IMAGES = os.environ.get("DIATOM_IMAGES", os.path.join(BUILD, "images"))

# Exit codes of `diatom run` that are not main's (abi/call.h).
EXIT_USAGE, EXIT_REFUSED, EXIT_HOST_LACKS = 2, 120, 121
EXIT_OUT_OF_MEMORY, EXIT_CRASHED, EXIT_TIMED_OUT, EXIT_INTERNAL = 122, 123, 124, 125


class Skip(Exception):
    """The machine lacks what the test needs."""


class Failure(Exception):
    """A claim of a test did not hold."""


def skip(why):
    raise Skip(why)


def check(claim, why="a claim did not hold"):
    if not claim:
        raise Failure(why)


def equal(got, wanted, what="value"):
    if got != wanted:
        raise Failure(f"{what} is {got!r}, not {wanted!r}")


def contains(text, part, what="text"):
    if part not in text:
        raise Failure(f"{what} lacks {part!r}: {text!r}")


def until(function, seconds=10, what="a condition", pause=0.02):
    """Polls until the function returns something true, which is returned."""
    end = time.monotonic() + seconds
    while True:
        value = function()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(pause)


def image(name):
    """The path of an image: one of build/images, or a path as it is."""
    path = name if "/" in name else os.path.join(IMAGES, name)
    if not os.path.exists(path):
        raise Failure(f"{path} is not built: run make")
    return path


def test_image(name, compiler="clang"):
    """The path of the image of test/images/NAME.c: built by whoever comes first, also of two runs at once."""
    folder = os.path.join(ROOT, "test", "images")
    path = os.path.join(BUILD, "test", f"{name}-{compiler}")
    sources = [os.path.join(at, file) for at, _, files in os.walk(folder) for file in files]
    sources += [DIATOM, os.path.join(BUILD, f"body-{compiler}", "libdiatom.a")]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path) or os.path.getmtime(path) < max(map(os.path.getmtime, sources)):
            done = subprocess.run([DIATOM, "build", "--cc", compiler, os.path.join(folder, name + ".c"), "-o", path],
                                  capture_output=True, text=True, timeout=120)
            equal(done.returncode, 0, f"{done.stderr}exit code of diatom build")
    return path


NGINX = """
master_process off;  # its worker, alone
daemon off;
user root;
pid FOLDER/pid;
error_log FOLDER/error.log;
events { worker_connections 16384; }
http {
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
HTTP}
"""


def start_nginx(lab, inside, http, cpu=None):
    """nginx with one worker, up, and what its http block has; FOLDER in it is .folder, its own."""
    need("nginx")
    folder = lab.path(f"nginx{time.monotonic_ns()}")
    os.mkdir(folder)
    os.chmod(lab.directory, 0o755)
    os.chmod(folder, 0o777)
    with open(os.path.join(folder, "conf"), "w", encoding="ascii") as file:
        file.write(NGINX.replace("HTTP", http, 1).replace("FOLDER", folder))
    server = lab.start(["nginx", "-p", folder, "-c", f"{folder}/conf"], inside=inside, cpu=cpu)
    server.folder = folder
    until(lambda: os.path.exists(f"{folder}/pid") or not server.alive(), 5, "nginx")
    check(server.alive(), f"nginx: {server.describe()}")
    return server


def make(*words):
    """A target of the project's own Makefile; a failure if it fails."""
    done = subprocess.run(["make", "-s", "-C", ROOT, f"BUILD={BUILD}", *words], timeout=300,
                          capture_output=True, text=True, env=dict(os.environ, MAKEFLAGS=""))
    if done.returncode != 0:
        raise Failure(f"make {' '.join(words)}: {done.stderr}")


def install(prefix):
    """make install, of the bodies of both compilers."""
    for compiler in ("clang", "gcc"):
        if not os.path.exists(os.path.join(BUILD, f"body-{compiler}", "libdiatom.a")):
            skip(f"the {compiler} body is not built")
    make("install", f"PREFIX={prefix}")
    return prefix


# What a machine can lack

_known = {}


def _has_kvm():
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
        return True
    except OSError:
        return False


def _has_tun():
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
        return True
    except OSError:
        return False


def _has_netns():
    name = f"dt{os.getpid()}lx"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode != 0:
        return False
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return True


# What a target needs of the machine, and the options that choose it.
_TARGETS = {
    "vm": (["kvm"], ["--as", "vm"]),
    "process": ([], ["--as", "process"]),
    "qemu": (["qemu-system-x86_64"], ["--as", "qemu", "--accel", "tcg"]),
    "q35": (["qemu-system-x86_64"], ["--as", "qemu", "--accel", "tcg", "--machine", "q35"]),
    "qemu-kvm": (["qemu-system-x86_64", "kvm"], ["--as", "qemu", "--accel", "kvm"]),
}


def target_options(target):
    """The options of `diatom run` that choose a target; skips the test if the machine lacks it."""
    needs, options = _TARGETS[target]
    need(*needs)
    return list(options)


_FEATURES = {
    "kvm": (_has_kvm, "no usable /dev/kvm"),
    "tun": (_has_tun, "no usable /dev/net/tun"),
    "netns": (_has_netns, "network namespaces can't be made here"),
    "root": (lambda: os.geteuid() == 0, "not root"),
}


def has(feature):
    if feature not in _known:
        _known[feature] = bool(
            _FEATURES[feature][0]() if feature in _FEATURES else shutil.which(feature))
    return _known[feature]


def need(*features):
    """Skips the test unless the machine has all of them: kvm, tun, netns, root, or programs."""
    for feature in features:
        if not has(feature):
            skip(_FEATURES[feature][1] if feature in _FEATURES else f"no program {feature}")


# Processes

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
TICKS = os.sysconf("SC_CLK_TCK")


class Result:
    """A command that ended."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __repr__(self):
        return f"exit {self.code} after {self.seconds:.2f} s\nout: {self.out}\nerr: {self.err}"


class Process:
    """A running command, its output in files, so that nothing ever blocks on a pipe."""

    def __init__(self, lab, argv, inside=None, cpu=None, stdin=None, environment=None):
        self.lab, self.inside = lab, inside
        self.address = None
        prefix = ["taskset", "-c", str(cpu)] if cpu is not None else []
        # `ip netns exec` and taskset replace themselves: the pid stays the command's.
        if inside is not None:
            prefix = ["ip", "netns", "exec", inside.name] + prefix
        self.argv = [str(a) for a in argv]
        base = os.path.join(lab.directory, f"process{len(lab.processes)}")
        self.out_path, self.err_path = base + ".out", base + ".err"
        self.started = time.monotonic()
        parent = os.getpid()

        def die_with_parent():
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])

        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(
                prefix + self.argv, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err,
                env=dict(os.environ, **(environment or {})), preexec_fn=die_with_parent,
                cwd=lab.directory)
        self.pid = self.popen.pid

    def out(self):
        with open(self.out_path, errors="replace") as file:
            return file.read()

    def err(self):
        with open(self.err_path, errors="replace") as file:
            return file.read()

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.alive():
            self.popen.send_signal(number)

    def wait(self, seconds=30):
        """Its exit code (negative: the signal that ended it); a failure if it doesn't end."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.describe()} did not end within {seconds} s") from None

    def stop(self, seconds=10):
        """Asks it to finish (TERM) and returns its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self):
        if self.alive():
            self.popen.kill()
        self.popen.wait()

    def result(self):
        return Result(self.popen.returncode, self.out(), self.err(),
                      time.monotonic() - self.started)

    def describe(self):
        return f"{' '.join(self.argv)}\nout: {self.out()[-2000:]}\nerr: {self.err()[-2000:]}"

    def children(self):
        """Its pid and those of all that it started."""
        found = [self.pid]
        for pid in found:
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/children") as file:
                        found += [int(child) for child in file.read().split()]
            except OSError:
                pass
        return found

    def cpu_seconds(self):
        """CPU time of the process and its living children so far, user and system, to 10 ms."""
        ticks = 0
        for pid in self.children():
            try:
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                    ticks += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return ticks / TICKS

    def wait_for_text(self, part, seconds=10):
        """Until what it printed, on either stream, contains the text."""
        def seen():
            if part in self.out() + self.err():
                return True
            check(self.alive(), f"ended before it said {part!r}: {self.describe()}")
            return False
        until(seen, seconds, f"{part!r} from {' '.join(self.argv)}")

    def wait_for_ping(self, address=None, seconds=10):
        """Until it answers a ping from its network."""
        target = address or self.address

        def answers():
            if not self.alive():
                raise Failure(f"ended before it answered: {self.describe()}")
            return self.lab.run(["ping", "-c1", "-W1", "-q", target], inside=self.inside,
                                timeout=5).code == 0
        try:
            until(answers, seconds, f"ping {target}")
        except Failure as failure:
            raise Failure(f"{failure}: {self.describe()}") from None


# Networks

def _ip(*words, inside=None):
    argv = ["ip"] + (["-n", inside.name] if inside else []) + [str(w) for w in words]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def _remove_stale_namespaces():
    """Those of labs that were killed: their pid is gone."""
    try:
        names = os.listdir("/run/netns")
    except OSError:
        return
    for name in names:
        match = re.fullmatch(r"dt(\d+)l\w+", name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Namespace:
    count = 0

    def __init__(self):
        Namespace.count += 1
        self.name = f"dt{os.getpid()}l{Namespace.count}"
        _ip("netns", "add", self.name)
        _ip("link", "set", "lo", "up", inside=self)

    def ip(self, *words):
        return _ip(*words, inside=self)

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Network(Namespace):
    """
    A namespace with one tap. The host's side has `address`; the body's is one higher. With `address6`
    ("2001:db8:9::1/64") there is IPv6, too: the body's is ...2.

        namespace:  ip stack --- tap0 === body
                    10.9.0.1              10.9.0.2
    """

    def __init__(self, address="10.9.0.1/24", tap="tap0", multi_queue=False, address6=None):
        super().__init__()
        self.tap = tap
        self.host, self.prefix = address.split("/")
        self.body = re.sub(r"(\d+)$", lambda m: str(int(m[1]) + 1), self.host)
        # Without an IPv6 address: neighbour discovery would add frames that no test asked for.
        self.host6 = address6.split("/")[0] if address6 else None
        self.body6 = re.sub(r"1/\d+$", "2", address6) if address6 else None
        self.exec("sysctl", "-q", "-w", f"net.ipv6.conf.default.disable_ipv6={0 if address6 else 1}")
        mode = ["mode", "tap"] + (["multi_queue"] if multi_queue else [])
        self.ip("tuntap", "add", tap, *mode, "vnet_hdr")
        self.ip("addr", "add", address, "dev", tap)
        self.ip("link", "set", tap, "up")
        if address6:
            self.ip("-6", "addr", "add", address6, "dev", tap, "nodad")

    def exec(self, *argv):
        return subprocess.run(["ip", "netns", "exec", self.name, *argv], capture_output=True,
                              text=True)


class BadNetwork:
    """
    The relay of test/impair between the kernel and a body, or between two kernels.

        near:  ip stack --- tap0 == relay == tap0 === body           boot the body with net=far; ask from near
               10.9.0.1                      10.9.0.2
        near:  ip stack --- tap0 == relay == tap0 --- ip stack :far  when with_kernel

    The kernel cuts for a tap without offloads, the relay for the body: losses hit segments of MTU size.
    """

    def __init__(self, lab, forth, back, seed, with_kernel):
        self.lab = lab
        self.near, self.far = lab.network("10.9.0.1/24"), lab.network("10.9.0.2/24")
        self.body = self.far.host
        if not with_kernel:  # else it would answer for the body
            self.far.ip("addr", "flush", "dev", self.far.tap)
        self.far.body = self.body
        for side in (self.near, self.far):
            # Each run starts anew: no window remembered of the one before.
            side.exec("sysctl", "-q", "-w", "net.ipv4.tcp_no_metrics_save=1")
        end = "tap" if with_kernel else "packet"
        self.relay = lab.start([relay_program(), seed, f"tap:{self.near.name}/{self.near.tap}",
                                f"{end}:{self.far.name}/{self.far.tap}", forth, back])
        self.relay.wait_for_text("ready")

    def boot(self, image_name, *args, **options):
        body = self.lab.boot(image_name, *args, net=self.far, **options)
        body.inside = self.near  # who pings it
        return body

    def stop(self):
        """What the relay did: {"forth": {"lost": ...}, "back": ...}, forth being from near to far."""
        equal(self.relay.stop(), 0, "the relay's exit code")
        return json.loads(self.relay.out().splitlines()[-1])

    def remove(self):
        """Before the lab's end: for benchmarks, which make many."""
        self.relay.kill()
        for side in (self.near, self.far):
            side.remove()


def relay_program():
    program = os.path.join(BUILD, "test", "impair")
    if not os.path.exists(program):
        make(program)
    return program


class Lab:
    """Owns what a test makes; leaves nothing behind."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix=f"dt{os.getpid()}.")
        self.processes, self.namespaces = [], []
        _remove_stale_namespaces()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        for process in reversed(self.processes):
            process.kill()
        for namespace in self.namespaces:
            namespace.remove()
        self.processes, self.namespaces = [], []
        shutil.rmtree(self.directory, ignore_errors=True)

    def network(self, address="10.9.0.1/24", **options):
        need("root", "tun", "netns", "ip")
        network = Network(address, **options)
        self.namespaces.append(network)
        return network

    def namespace(self):
        need("root", "netns", "ip")
        namespace = Namespace()
        self.namespaces.append(namespace)
        return namespace

    def veth(self, a, address_a, b, address_b):
        """Joins two namespaces by a veth pair; both ends are called veth0."""
        _ip("link", "add", "veth0", "netns", a.name, "type", "veth", "peer", "name", "veth0",
            "netns", b.name)
        for side, address in ((a, address_a), (b, address_b)):
            side.ip("addr", "add", address, "dev", "veth0")
            side.ip("link", "set", "veth0", "up")

    def bad_network(self, forth, back, seed=1, with_kernel=False):
        return BadNetwork(self, forth, back, seed, with_kernel)

    def path(self, name, content=None):
        """A file of the lab's directory, written if there is content."""
        path = os.path.join(self.directory, name)
        if content is not None:
            with open(path, "wb" if isinstance(content, bytes) else "w") as file:
                file.write(content)
        return path

    def start(self, argv, inside=None, cpu=None, **options):
        process = Process(self, argv, inside, cpu, **options)
        self.processes.append(process)
        return process

    def run(self, argv, inside=None, timeout=30, cpu=None, **options):
        process = self.start(argv, inside, cpu, **options)
        try:
            process.wait(timeout)
        finally:
            process.kill()
        return process.result()

    def boot(self, name, *args, target="vm", mem=None, net=None, device="eth0", ip=None,
             ip6=None, keys="", options=(), cpu=None):
        """`diatom run`; device=None: the network is only where it runs, not given to the body. keys: of
        --net, beyond ip= and ip6=: ",offload=off"."""
        argv = [DIATOM, "run"] + target_options(target)
        if mem:
            argv += ["--mem", mem]
        if net and device:
            ip6 = ip6 or (f"{net.body6}/64" if net.body6 else "off")
            argv += ["--net", f"{device}=tap:{net.tap},ip={ip or f'{net.body}/{net.prefix}'},ip6={ip6}{keys}"]
        process = self.start(argv + list(options) + [image(name)] + list(args), inside=net,
                             cpu=cpu)
        if net:
            process.address = (ip or net.body).split("/")[0]
        return process

    def boot_and_wait(self, name, *args, timeout=30, **options):
        process = self.boot(name, *args, **options)
        try:
            process.wait(timeout)
        finally:
            process.kill()
        return process.result()


# Test scripts

_tests = []


def test(function):
    """A test: gets a Lab of its own."""
    _tests.append((function.__name__, lambda lab: function(lab)))
    return function


def test_each(*values):
    """One test for each value, named after it: function(lab, value)."""
    def decorate(function):
        for value in values:
            name = f"{function.__name__}_{value}".replace(" ", "_")
            _tests.append((name, lambda lab, value=value: function(lab, value)))
        return function
    return decorate


def _run(name, function):
    try:
        with Lab() as lab:
            function(lab)
        print(f"ok {name}", flush=True)
        return True
    except Skip as why:
        print(f"skip {name}: {why}", flush=True)
        return True
    except Failure as why:
        where = traceback.extract_tb(sys.exc_info()[2])
        mine = [frame for frame in where if frame.filename != os.path.abspath(__file__)]
        line = f"{os.path.basename(mine[-1].filename)}:{mine[-1].lineno}: " if mine else ""
        text = str(why).replace("\n", "\n  ")
        print(f"FAIL {name}: {line}{text}", flush=True)
    except Exception:
        text = traceback.format_exc().replace("\n", "\n  ")
        print(f"FAIL {name}: {text}", flush=True)
    return False


def _end(number, unused_frame):
    # Leaves through `with Lab()`, which cleans up.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def end_cleanly_on_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)


def main():
    """Runs the tests, or those named on the command line (patterns allowed)."""
    end_cleanly_on_signals()
    patterns = sys.argv[1:] or ["*"]
    good = True
    for name, function in _tests:
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            good &= _run(name, function)
    sys.exit(0 if good else 1)
