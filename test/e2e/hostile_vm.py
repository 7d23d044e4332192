"""
A compromised body against its shell and its monitor, or in QEMU its shim. test/images/attack.c tries one
way out at each start; each must be caught and named (exit 123), or the device stops and the body goes on
(exit 0). Monitor and shim must never crash. attack_shim.c has what only the shim's devices offer.

    attack ---- writes, jumps, privileged instructions ----> the seal        crash report, exit 123
           ---- platform calls with wild memory -----------> the monitor     crash report, exit 123
           ---- rings and buffers out of bounds -----------> the devices     "stopped", exit 0
"""
import os

import lib

READ_ONLY = "write to read-only "
NOT_CODE = "execution of non-executable memory: "
PRIVILEGED = "privileged instruction "

# What the report must say. Several words: one of them, where CPUs and hypervisors differ.
CAUGHT = {
    "write_text": [READ_ONLY + "image text"],
    "write_rodata": [READ_ONLY + "image constants"],
    "write_boot_info": [READ_ONLY],
    "write_call_page": [READ_ONLY],
    "execute_data": [NOT_CODE + "image data"],
    "execute_stack": [NOT_CODE + "the main stack", NOT_CODE + "fiber stack"],
    "execute_heap": [NOT_CODE + "the heap"],
    "null_read": ["read of unmapped memory: NULL"],
    "null_jump": ["jump to NULL"],
    "non_canonical": ["non-canonical"],
    "guess_tables": ["write to unmapped memory", READ_ONLY],
    "sgdt": [PRIVILEGED + "sgdt", PRIVILEGED + "lgdt", "write to unmapped", READ_ONLY],
    "lgdt": [PRIVILEGED + "lgdt"],
    "lidt": [PRIVILEGED + "lidt"],
    "hlt": [PRIVILEGED + "hlt"],
    "cli": [PRIVILEGED + "cli"],
    "wrmsr": [PRIVILEGED + "wrmsr"],
    "rdmsr": [PRIVILEGED + "rdmsr"],
    "mov_cr3": [PRIVILEGED + "mov to cr"],
    "mov_cr0": [PRIVILEGED + "mov to cr"],
    "invlpg": [PRIVILEGED + "invlpg"],
    "int80": ["software interrupt 0x80", "invalid instruction"],
    "syscall": ["invalid instruction", "jump to NULL", "non-executable"],
    "out": ["port 0x80 not granted"],
    "out_byte": ["port access other than a platform call"],
    "out_neighbour": ["port access other than a platform call"],
    "out_string": ["platform call that does not exist", "port access other than a platform call"],
    "in_call_port": ["port access other than a platform call"],
    "single_step": ["debug trap"],
    "unaligned": ["unaligned access"],
    "out_fault_port": ["port 0xf8 not granted"],
    "in": ["port 0x60 not granted"],
    "ud2": ["invalid instruction"],
    "divide": ["division by zero"],
    "int3": ["breakpoint"],
    "stack_overflow": ["stack overflow of the main stack", "stack overflow of fiber stack"],
    "fiber_overflow": ["stack overflow of fiber stack"],
    "call_unknown": ["platform call that does not exist"],
    "call_console_wild": ["memory that is not the body's"],
    "call_console_wraps": ["memory that is not the body's"],
    "call_console_beyond": ["memory that is not the body's"],
    "call_crash_wild": ["memory that is not the body's"],
}

# Why the device stopped.
STOPPED = {
    "dma_write_zero": "buffer outside the heap",
    "dma_write_text": "buffer outside the heap",
    "dma_write_tables": "buffer outside the heap",
    "dma_write_beyond": "buffer outside the heap",
    "dma_wraps": "buffer outside the heap",
    "dma_read_zero": "buffer outside heap and image",
    "dma_read_tables": "buffer outside heap and image",
    "dma_length": "chain of more than 2 GiB",
    "ring_in_tables": "ring is outside the heap",
    "ring_loops": "chain that loops",
    "ring_next": "descriptor index beyond the queue",
    "ring_head": "descriptor index beyond the queue",
    "ring_index": "available index runs ahead",
    "ring_indirect": "indirect descriptor",
}


# In QEMU no port is the body's, so that the report speaks of the port.
NOT_GRANTED = {name: [f"port {port} not granted"] for name, port in (
    ("out_byte", "0xf0"), ("out_neighbour", "0xf1"), ("out_string", "0xf0"), ("in_call_port", "0xf0"))}

# QEMU's emulation doesn't check alignment, whatever the flags say.
NOT_IN_QEMU = ["unaligned"]

# What only the shim has: its own memory, and calls instead of registers.
CAUGHT_BY_SHIM = {
    "write_window": [READ_ONLY],
    "write_used_ring": [READ_ONLY],
    "thread_pointer": ["thread pointer that is not the body's"],
}
STOPPED_BY_SHIM = {
    "write_shim": "buffer outside the heap",
    "write_apic": "buffer outside the heap",
    "read_shim": "buffer outside heap and image",
    "second_of_two": "buffer outside the heap",
    "ring_at_the_end": "ring is outside the heap",
    "ring_crooked": "ring is outside the heap",
    "ring_odd": "its size is odd",
    "ring_large": "its size is odd",
}


def is_caught(lab, attack, target, reports, net=None):
    result = lab.boot_and_wait(lib.test_image("attack"), attack, target=target, net=net)
    lib.equal(result.code, lib.EXIT_CRASHED, f"{result.err}exit code")
    lib.check(any(words in result.err for words in reports),
              f"the report names none of {reports}:\n{result.err}")


@lib.test_each(*CAUGHT)
def caught(lab, attack):
    is_caught(lab, attack, "vm", CAUGHT[attack])


@lib.test_each(*(set(CAUGHT) - set(NOT_IN_QEMU)))
def caught_in_qemu(lab, attack):
    is_caught(lab, attack, "qemu", NOT_GRANTED.get(attack, CAUGHT[attack]))


@lib.test_each(*CAUGHT_BY_SHIM)
def caught_by_shim(lab, attack):
    is_caught(lab, attack, "qemu", CAUGHT_BY_SHIM[attack], net=lab.network())


def is_stopped(lab, image, attack, target, why):
    result = lab.boot_and_wait(image, attack, target=target, net=lab.network())
    lib.equal((result.code, result.out.splitlines()[-1:]), (0, ["stopped"]),
              f"{result.out}{result.err}code and end of output")
    lib.contains(result.err, why, "standard error")


@lib.test_each(*STOPPED_BY_SHIM)
def shim_stops_device(lab, attack):
    is_stopped(lab, lib.test_image("attack_shim"), attack, "qemu", STOPPED_BY_SHIM[attack])


@lib.test_each(*STOPPED, "ring_twice")
def device_stops_in_qemu(lab, attack):
    is_stopped(lab, lib.test_image("attack"), attack, "q35",
               STOPPED.get(attack, "descriptor that the device still has"))


@lib.test_each("doorbells", "registers")
def device_goes_on_in_qemu(lab, attack):
    result = lab.boot_and_wait(lib.test_image("attack"), attack, target="q35", net=lab.network())
    lib.equal((result.code, result.out), (0, "running\n"), f"{result.err}code and output")


@lib.test
def features_that_go_around(lab):
    """Indirect descriptors, packed rings and the like are not agreed on, whatever is asked for."""
    result = lab.boot_and_wait(lib.test_image("attack_shim"), "features", target="qemu",
                               net=lab.network())
    lib.equal((result.code, result.out), (0, "running\n"), f"{result.err}code and output")


@lib.test_each(*STOPPED)
def device_stops(lab, attack):
    is_stopped(lab, lib.test_image("attack"), attack, "vm", STOPPED[attack])


@lib.test_each("doorbells", "registers")
def device_goes_on(lab, attack):
    lib.need("kvm")
    net = lab.network()
    result = lab.boot_and_wait(lib.test_image("attack"), attack, target="vm", net=net)
    lib.equal((result.code, result.out), (0, "running\n"), f"{result.err}code and output")


@lib.test
def jail(lab):
    """What someone who took over the monitor would have."""
    lib.need("kvm")
    net = lab.network()
    process = lab.boot("echo", target="vm", net=net)
    process.wait_for_ping()
    with open(f"/proc/{process.pid}/status") as file:
        now = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    lib.equal((now["Seccomp"], now["NoNewPrivs"]), ("2", "1"), "Seccomp and NoNewPrivs")
    for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        lib.equal(int(now[name], 16), 0, name)
    lib.equal((now["Uid"].split(), now["Gid"].split(), now["Groups"].strip()),
              (["65534"] * 4, ["65534"] * 4, ""), "user and groups")
    folder = f"/proc/{process.pid}/fd"
    open_files = [os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder) if int(fd) > 2]
    lib.equal(sorted(open_files),
              sorted(["/dev/net/tun", "anon_inode:kvm-vcpu:0", lib.image("echo") + ".debug"]),
              "open descriptors")
    lib.check(not os.path.lexists(os.path.join(folder, "0")), "standard input is open")
    with open(f"/proc/{process.pid}/maps") as file:
        bad = [line for line in file if "w" in line.split()[1] and "x" in line.split()[1]]
    lib.equal(bad, [], "writable and executable mappings")
    lib.equal(process.stop(), 0, f"{process.describe()}exit code")


lib.main()
