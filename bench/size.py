"""Sizes of the images as `diatom build` ships them: stripped, what is compiled in included."""
import os
import struct

from harness import Report, lib

# What the paper has for its DNS appliance after dead-code elimination, kB.
PAPER_DNS = 184
# dns has TCP, a duty of servers (RFC 7766); by dns_serve_udp it goes without.
LIMITS = {"hello": 24, "dns": PAPER_DNS, "web": 140}
SHIM_SEGMENT = 0x00100000  # abi/shim_image.h


def segments(path):
    """Bytes of each kind that are loaded: text (executable), read-only, writable; and the shim's."""
    sizes = {"text": 0, "constant": 0, "writable": 0, "shim": 0}
    with open(path, "rb") as file:
        data = file.read()
    at, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, flags, _, _, _, in_file, in_memory, _ = struct.unpack_from("<IIQQQQQQ", data, at + i * size)
        if kind != 1:
            continue
        if flags & SHIM_SEGMENT:
            sizes["shim"] += in_file
        else:
            sizes["text" if flags & 1 else "writable" if flags & 2 else "constant"] += \
                in_memory if flags & 2 else in_file
    return sizes


def run():
    report = Report("size", "Image sizes, stripped",
                    {"file": ("file", "kB"), "text": ("text", "kB"), "constant": ("constant", "kB"),
                     "writable": ("writable", "kB"), "shim": ("shim", "kB")})
    names = sorted(os.listdir(lib.IMAGES)) if os.path.isdir(lib.IMAGES) else []
    for name in names:
        path = os.path.join(lib.IMAGES, name)
        with open(path, "rb") as file:
            if file.read(4) != b"\x7fELF" or name.endswith(".debug"):
                continue
        sizes = {k: v / 1000 for k, v in segments(path).items()}
        report.add(f"diatom {name}", [{"file": os.path.getsize(path) / 1000, **sizes}])
    for name, limit in LIMITS.items():
        whole, shim = (report.median(f"diatom {name}", key) for key in ("file", "shim"))
        report.claim(f"{name}: at most {limit} kB, the shim included", whole, limit)
        report.claim(f"{name}: at most {limit} kB, what our own monitor loads", whole and whole - shim, limit)
    report.note(f"The paper's DNS appliance after dead-code elimination: {PAPER_DNS} kB.")
    report.plot_bars("file")
    return report


if __name__ == "__main__":
    print(run().write())
