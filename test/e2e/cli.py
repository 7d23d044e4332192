"""
What `diatom` says when something is wrong: each error names what, where, and what to do, and has the
exit code of abi/call.h. Nothing here starts a VM; images are refused, or run as processes.
"""
import os
import shutil
import struct

import lib

USAGE, REFUSED, LACKS = lib.EXIT_USAGE, lib.EXIT_REFUSED, lib.EXIT_HOST_LACKS

# Words after `diatom`; exit code; what standard error must contain. IMAGE: hello, NET: declares eth0
# and a file "zone", PATH: an existing file.
ERRORS = {
    "no_command": ([], USAGE, ["diatom build", "diatom run"]),
    "unknown_command": (["frobnicate"], USAGE, ['no command "frobnicate"', "diatom --help"]),
    "near_command": (["rnu"], USAGE, ['did you mean "run"']),
    "image_as_command": (["IMAGE"], USAGE, ["did you mean:  diatom run"]),
    "no_image": (["run"], USAGE, ["which image"]),
    "unknown_option": (["run", "--frobnicate", "IMAGE"], USAGE, ['no option "--frobnicate"']),
    "near_option": (["run", "--tiemout", "3", "IMAGE"], USAGE, ["did you mean --timeout"]),
    "option_without_value": (["run", "--mem"], USAGE, ["--mem needs a value"]),
    "value_without_need": (["run", "--quiet=yes", "IMAGE"], USAGE, ["--quiet takes no value"]),
    "short_option": (["run", "-x", "IMAGE"], USAGE, ['no option "-x"']),
    "as": (["run", "--as", "container", "IMAGE"], USAGE, ["--as: \"container\"", "--as vm"]),
    "machine": (["run", "--as", "qemu", "--machine", "pc", "IMAGE"], USAGE, ["--machine q35"]),
    "accel": (["run", "--as", "qemu", "--accel", "xen", "IMAGE"], USAGE, ["--accel tcg"]),
    "cpu": (["run", "--as", "qemu", "--cpu", "", "IMAGE"], USAGE, ["-cpu help"]),
    "machine_alone": (["run", "--machine", "q35", "IMAGE"], USAGE, ["--machine is for QEMU", "--as qemu"]),
    "print_alone": (["run", "--as", "vm", "--print", "IMAGE"], USAGE, ["--print is for QEMU"]),
    "mem_text": (["run", "--mem", "lots", "IMAGE"], USAGE, ['--mem: "lots"', "MiB"]),
    "mem_unit": (["run", "--mem", "64M", "IMAGE"], USAGE, ['--mem: "64M"', "MiB"]),
    "mem_zero": (["run", "--mem", "0", "IMAGE"], USAGE, ['--mem: "0"']),
    "mem_huge": (["run", "--mem", "99999999999999999999", "IMAGE"], USAGE, ["--mem:"]),
    "timeout_text": (["run", "--timeout", "soon", "IMAGE"], USAGE, ["--timeout:", "seconds"]),
    "timeout_zero": (["run", "--timeout", "0", "IMAGE"], USAGE, ["--timeout:"]),
    "timeout_negative": (["run", "--timeout", "-1", "IMAGE"], USAGE, ["--timeout:"]),
    "timeout_point": (["run", "--timeout", "1.", "IMAGE"], USAGE, ["--timeout:"]),
    "core_empty": (["run", "--core", "", "IMAGE"], USAGE, ["--core:", "name the file"]),
    "core_nowhere": (["run", "--core", "/nonexistent/core", "IMAGE"], USAGE, ["/nonexistent/core"]),
    "symbolize_nothing": (["symbolize"], USAGE, ["which image?"]),
    "symbolize_absent": (["symbolize", "/nonexistent/image"], 120, ["/nonexistent/image: No such"]),
    "symbolize_folder": (["symbolize", "/tmp"], 120, ["/tmp"]),
    "symbolize_offset": (["symbolize", "IMAGE", "12x"], USAGE, ["no offset", "0x1a30"]),
    "spin_text": (["run", "--spin", "fast", "IMAGE"], USAGE, ["--spin:", "microseconds"]),
    "log": (["run", "--log", "all", "IMAGE"], USAGE, ["--log:", "error, warning, info or debug"]),
    "net_form": (["run", "--net", "eth0", "NET"], USAGE, ["tap:TAP|packet:INTERFACE"]),
    "net_kind": (["run", "--net", "eth0=vde:x", "NET"], USAGE, ["tap:TAP|packet:INTERFACE"]),
    "net_no_tap": (["run", "--net", "eth0=tap:", "NET"], USAGE, ["tap's name"]),
    "net_long_tap": (["run", "--net", "eth0=tap:abcdefghijklmnop", "NET"], USAGE, ["tap's name"]),
    "net_long_name": (["run", "--net", "abcdefghijklmnop=tap:t", "NET"], USAGE, ["--net [NAME=]user"]),
    "net_key": (["run", "--net", "eth0=tap:t,mtu=3", "NET"], USAGE, ["tap:TAP|packet:INTERFACE"]),
    "net_ip": (["run", "--net", "eth0=tap:t,ip=10.0.0.2", "NET"], USAGE, ["ip=10.0.0.2/24"]),
    "net_ip_number": (["run", "--net", "eth0=tap:t,ip=10.0.0.256/24", "NET"], USAGE, ["ip="]),
    "net_ip_bits": (["run", "--net", "eth0=tap:t,ip=10.0.0.2/33", "NET"], USAGE, ["ip="]),
    "net_ip_zeros": (["run", "--net", "eth0=tap:t,ip=10.0.0.02/24", "NET"], USAGE, ["ip="]),
    "net_gw": (["run", "--net", "eth0=tap:t,gw=10.0.0.1/24", "NET"], USAGE, ["gw=10.0.0.1"]),
    "net_mac": (["run", "--net", "eth0=tap:t,mac=52:54:00", "NET"], USAGE, ["mac=52:54:00:12:34:56"]),
    "net_mac_multicast": (["run", "--net", "eth0=tap:t,mac=01:00:5e:00:00:01", "NET"], USAGE, ["mac="]),
    "net_offload": (["run", "--net", "eth0=tap:t,offload=tso", "NET"], USAGE, ["on or off"]),
    "net_offload_user": (["run", "--net", "user,offload=off", "NET"], USAGE, ["is for a tap"]),
    "net_twice": (["run", "--net", "eth0=tap:a", "--net", "eth0=tap:b", "NET"], USAGE,
                  ['"eth0" is given twice']),
    "file_form": (["run", "--file", "zone", "NET"], USAGE, ["--file NAME=PATH"]),
    "file_empty": (["run", "--file", "zone=", "NET"], USAGE, ["--file NAME=PATH"]),
    "file_twice": (["run", "--file", "zone=a", "--file", "zone=b", "NET"], USAGE, ["given twice"]),
    "net_interface": (["run", "--net", "packet:", "NET"], USAGE, ["interface's name"]),
    "net_fd": (["run", "--net", "fd:two", "NET"], USAGE, ["fd:3"]),
    "net_fd_standard": (["run", "--net", "eth0=fd:2", "NET"], USAGE, ["from 3 on"]),
    "net_user_key": (["run", "--net", "user,port=3", "NET"], USAGE, ["user|tap:TAP"]),
    "net_two_nameless": (["run", "--net", "user", "--net", "tap:t", "NET"], USAGE, ["twice"]),
    "net_nameless": (["run", "--net", "user", "IMAGE"], REFUSED, ["leave --net out"]),
    "net_user_ipv6": (["run", "--as", "qemu", "--net", "user,ip6=fd00::2/64", "--file", "zone=PATH", "NET"],
                      REFUSED, ["IPv4 only", "--net tap:TAP"]),
    "forward_half_bracket": (["run", "-p", "[::1:8080:80", "NET"], USAGE, ["[::1]"]),
    "forward_wrong_bracket": (["run", "-p", "[10.0.0.1]:8080:80", "NET"], USAGE, ["[::1]"]),
    "net_user_narrow": (["run", "--net", "user,ip=10.0.0.1/32", "--file", "zone=PATH", "NET"],
                        REFUSED, ["no address for a gateway", "gw=ADDRESS"]),
    "forward_form": (["run", "-p", "80", "NET"], USAGE, ["-p [ADDRESS:]HOSTPORT:PORT"]),
    "forward_zero": (["run", "-p", "0:80", "NET"], USAGE, ["HOSTPORT:PORT"]),
    "forward_large": (["run", "-p", "8080:65536", "NET"], USAGE, ["HOSTPORT:PORT"]),
    "forward_text": (["run", "--publish", "http:80", "NET"], USAGE, ["HOSTPORT:PORT"]),
    "forward_parts": (["run", "-p", "127.0.0.1:8080:80:1", "NET"], USAGE, ["HOSTPORT:PORT"]),
    "forward_address": (["run", "-p", "localhost:8080:80", "NET"], USAGE, ["127.0.0.1"]),
    "forward_protocol": (["run", "-p", "8080:80/sctp", "NET"], USAGE, ["/tcp or /udp"]),
    "forward_twice": (["run", "-p", "8080:80/tcp", "-p", "0.0.0.0:8080:81", "NET"], USAGE,
                      ["8080 is given twice"]),
    "forward_without_value": (["run", "-p"], USAGE, ["--publish needs a value"]),
    "forward_of_tap": (["run", "-p", "8080:80", "--net", "tap:t", "NET"], USAGE, ["kind user"]),
    "forward_of_nothing": (["run", "-p", "8080:80", "IMAGE"], USAGE, ["kind user"]),
    "missing_file": (["run", "--net", "eth0=tap:nothere", "NET"], REFUSED,
                     ['needs a file "zone" that nothing provides', "diatom run --file zone=PATH"]),
    "extra_net": (["run", "--net", "eth0=tap:t", "IMAGE"], REFUSED,
                  ["--net eth0: hello has nothing of that name", "leave --net out"]),
    "other_net": (["run", "--net", "eth0=tap:t", "--net", "eth9=tap:t", "--file", "zone=PATH", "NET"],
                  REFUSED, ["--net eth9:", "it declares: eth0"]),
    "extra_file": (["run", "--file", "a=PATH", "IMAGE"], REFUSED, ["--file a:", "leave --file out"]),
    "no_such_tap": (["run", "--net", "eth0=tap:nothere", "--file", "zone=PATH", "NET"], LACKS,
                    ['no interface "nothere"', "ip tuntap add nothere mode tap"]),
    "not_a_tap": (["run", "--net", "eth0=tap:lo", "--file", "zone=PATH", "NET"], LACKS, ["lo"]),
    "pcap": (["run", "--as", "process", "--pcap", "/nonexistent/x", "IMAGE"], USAGE,
             ["--pcap: /nonexistent/x: No such file"]),
    "small_memory": (["run", "--as", "process", "--mem", "1", "IMAGE"], lib.EXIT_OUT_OF_MEMORY,
                     ["needs at least", "give it more:  --mem"]),
    "no_such_image": (["run", "/nonexistent"], REFUSED, ["there is no such file", "diatom build"]),
    "directory": (["run", "/tmp"], REFUSED, ["is a directory"]),
    "linux_program": (["run", "/bin/ls"], REFUSED, ["not a Diatom image", "diatom build"]),
    "script": (["run", __file__], REFUSED, ["not a Diatom image (no ELF file)"]),
    "device_file": (["run", "/dev/zero"], REFUSED, ["is not a regular file"]),
    "too_many_arguments": (["run", "IMAGE"] + ["x"] * 64, USAGE, ["more than 63 arguments"]),
}

SOURCE = """
#include <stdio.h>
#include <diatom/app.h>
#include <diatom/net.h>

DIATOM_IMAGE(.name = "needy", .version = "1.2", .memory_min_mib = 12);
DIATOM_NET(eth0);
DIATOM_BLOB(zone);

int main(int argc, char **argv)
{
	struct view bytes = blob_view(&zone);

	printf("%.*s|%zu|", (int)bytes.length, (const char *)bytes.data, bytes.length);
	for (int i = 1; i < argc; i++)
		printf("%s|", argv[i]);
	printf("\\n");
	return net_up(&eth0) == OK ? 7 : 8;
}
"""


class Needy:
    path = None


def needy(lab):
    if Needy.path is None:
        source = lab.path("needy.c", SOURCE)
        Needy.path = os.path.join(lib.BUILD, "test", "needy")
        os.makedirs(os.path.dirname(Needy.path), exist_ok=True)
        built = lab.run([lib.DIATOM, "build", source, "-o", Needy.path], timeout=120)
        lib.equal(built.code, 0, f"{built.err}exit code of diatom build")
    return Needy.path


def place(lab, words):
    """IMAGE, NET and PATH become paths."""
    argv = []
    for word in words:
        if word == "IMAGE":
            word = lib.image("hello")
        elif word == "NET":
            word = needy(lab)
        elif word.endswith("=PATH"):
            word = word[:-len("PATH")] + lab.path("file", "contents")
        argv.append(word)
    return argv


@lib.test
def missing_net(lab):
    """Where there is no passt, an interface is missing; and of several, none is chosen."""
    result = lab.run(["env", "PATH=/nonexistent", lib.DIATOM] +
                     place(lab, ["run", "--file", "zone=PATH", "NET"]))
    lib.equal(result.code, REFUSED, f"{result.err}exit code")
    for part in ('needs a network interface "eth0" that nothing provides',
                 "diatom run --net eth0=tap:TAP", "install passt"):
        lib.contains(result.err, part, "standard error")


@lib.test_each(*ERRORS)
def error(lab, name):
    words, code, parts = ERRORS[name]
    result = lab.run([lib.DIATOM] + place(lab, words))
    lib.equal((result.code, result.out), (code, ""), f"{result.err}code and output")
    for part in parts:
        lib.contains(result.err, part, "standard error")
    lib.check(len(result.err.splitlines()) <= 2 or not words, f"more than two lines:\n{result.err}")


@lib.test
def less_than_the_image_wants(lab):
    """The manifest's least memory is kept, and used when nothing is said."""
    result = lab.run([lib.DIATOM, "run", "--mem", "11", "--net", "eth0=tap:nothere", "--file",
                      "zone=" + lab.path("zone", "z"), needy(lab)])
    lib.equal(result.code, REFUSED, "exit code")
    lib.contains(result.err, "needs at least 12 MiB of memory, not 11\n  give it more:  --mem 12")


@lib.test_each("--help", "help", "-h")
def help(lab, word):
    result = lab.run([lib.DIATOM, word])
    lib.equal((result.code, result.err), (0, ""), "code and errors")
    lib.contains(result.out, "diatom run IMAGE")


@lib.test
def run_help_names_every_option(lab):
    result = lab.run([lib.DIATOM, "run", "--help"])
    lib.equal((result.code, result.err), (0, ""), "code and errors")
    for option in ("as", "mem", "net", "file", "pcap", "timeout", "spin", "log", "quiet"):
        lib.contains(result.out, f"--{option}")


@lib.test
def version(lab):
    result = lab.run([lib.DIATOM, "version"])
    lib.equal(result.code, 0, "exit code")
    lib.check(result.out.startswith("diatom "), result.out)


@lib.test
def needs_no_kvm(lab):
    """Where /dev/kvm is missing, it says so and runs as a process."""
    lib.need("root", "unshare")
    command = f"mount -t tmpfs none /dev && exec {lib.DIATOM} run {lib.image('hello')}"
    result = lab.run(["unshare", "-m", "sh", "-c", command])
    lib.equal((result.code, result.out), (0, "hello\n"), f"{result.err}code and output")
    lib.contains(result.err, "no /dev/kvm: running as process\n")
    lib.contains(result.err, "hello: process, ")


def run_needy(lab, target, *words, net="eth0=tap:tap0,ip=10.9.0.2/24", contents="zone!", options=()):
    if target == "vm":
        lib.need("kvm")
    network = lab.network()
    return lab.run([lib.DIATOM, "run", "--as", target, *options, "--net", net, "--file",
                    "zone=" + lab.path("zone", contents), needy(lab), *words], inside=network)


@lib.test_each("vm", "process")
def files_and_arguments(lab, target):
    result = run_needy(lab, target, "a", "--mem", "", "b c")
    lib.equal((result.code, result.out), (7, "zone!|5|a|--mem||b c|\n"), f"{result.err}code, output")
    lib.contains(result.err, "eth0: 10.9.0.2/24 (52:54:")
    lib.contains(result.err, ") on tap0\n")
    lib.contains(result.err, "needy: finished, exit 7 after ")


@lib.test_each("vm", "process")
def empty_file(lab, target):
    result = run_needy(lab, target, contents="")
    lib.equal((result.code, result.out), (7, "|0|\n"), f"{result.err}code and output")


@lib.test_each("vm", "process")
def large_file(lab, target):
    """Pages, not bytes, are what is mapped: lengths about a page's end."""
    for length in (4095, 4096, 4097):
        result = run_needy(lab, target, contents="y" * length)
        lib.equal((result.code, result.out), (7, "y" * length + f"|{length}|\n"), "code and output")


@lib.test
def mac_is_kept(lab):
    result = run_needy(lab, "process", net="eth0=tap:tap0,ip=10.9.0.2/24,mac=02:00:00:00:00:07")
    lib.contains(result.err, "eth0: 10.9.0.2/24 (02:00:00:00:00:07) on tap0")


@lib.test
def mac_stays_with_the_tap(lab):
    network = lab.network()
    argv = [lib.DIATOM, "run", "--as", "process", "--net", "eth0=tap:tap0,ip=10.9.0.2/24", "--file",
            "zone=" + lab.path("zone", "z"), needy(lab)]
    first, second = (lab.run(argv, inside=network).err.splitlines()[1] for _ in range(2))
    lib.equal(first, second, "the interface's line")


@lib.test
def tap_in_use(lab):
    network = lab.network()
    process = lab.boot("echo", target="process", net=network)
    process.wait_for_text("up in")
    result = lab.boot_and_wait("echo", target="process", net=network)
    lib.equal(result.code, LACKS, "exit code")
    lib.contains(result.err, "tap0 is in use by another program")
    process.stop()


@lib.test
def multi_queue_tap(lab):
    network = lab.network(multi_queue=True)
    lab.boot("echo", target="process", net=network).wait_for_ping()


@lib.test
def tap_that_is_down(lab):
    network = lab.network()
    network.ip("link", "set", network.tap, "down")
    result = lab.boot_and_wait("echo", target="process", net=network, options=["--timeout", "0.3"])
    lib.contains(result.err, "eth0: tap0 is down")
    lib.contains(result.err, "ip link set tap0 up")


def image_with(lab, **fields):
    """hello with fields of its ELF header overwritten: name -> (offset, format, value)."""
    path = lab.path("image")
    shutil.copy(lib.image("hello"), path)
    with open(path, "r+b") as file:
        for offset, form, value in fields.values():
            file.seek(offset)
            file.write(struct.pack(form, value))
    return path


@lib.test
def damaged_image(lab):
    result = lab.run([lib.DIATOM, "run", image_with(lab, entry=(24, "<Q", 0x40))])
    lib.equal(result.code, REFUSED, "exit code")
    lib.contains(result.err, "its entry point is not in its text\n  the file is damaged; build it again")


@lib.test
def truncated_images(lab):
    """Every cut is refused: never run, never a crash of diatom."""
    with open(lib.image("hello"), "rb") as file:
        whole = file.read()
    for length in list(range(0, 1024, 61)) + list(range(1024, len(whole) - 1024, 997)):
        result = lab.run([lib.DIATOM, "run", "--as", "process", lab.path("cut", whole[:length])])
        lib.equal((result.code, result.out), (REFUSED, ""), f"{length}: {result.err}code and output")


lib.main()
