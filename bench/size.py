"""Sizes of the images as `diatom build` ships them: stripped, what is compiled in included."""
import os
import subprocess

from harness import Report, lib

# What the paper has for its DNS appliance after dead-code elimination, kB.
PAPER_DNS = 184
LIMITS = {"hello": 24, "dns": 120}


def segments(path):
    """Bytes of each kind that are loaded: text (executable), read-only, writable."""
    done = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True)
    sizes = {"text": 0, "constant": 0, "writable": 0}
    for line in done.stdout.splitlines():
        words = line.split()
        if words and words[0] == "LOAD":
            flags = "".join(words[6:-1])
            kind = "text" if "E" in flags else "writable" if "W" in flags else "constant"
            sizes[kind] += int(words[4 if kind != "writable" else 5], 16)
    return sizes


def run():
    report = Report("size", "Image sizes, stripped",
                    {"file": ("file", "kB"), "text": ("text", "kB"), "constant": ("constant", "kB"),
                     "writable": ("writable", "kB")})
    names = sorted(os.listdir(lib.IMAGES)) if os.path.isdir(lib.IMAGES) else []
    for name in names:
        path = os.path.join(lib.IMAGES, name)
        with open(path, "rb") as file:
            if file.read(4) != b"\x7fELF" or name.endswith(".debug"):
                continue
        sizes = {k: v / 1000 for k, v in segments(path).items()}
        report.add(f"diatom {name}", [{"file": os.path.getsize(path) / 1000, **sizes}])
    for name, limit in LIMITS.items():
        report.claim(f"{name}: at most {limit} kB", report.median(f"diatom {name}"), limit)
    report.note(f"The paper's DNS appliance after dead-code elimination: {PAPER_DNS} kB.")
    report.plot_bars("file")
    return report


if __name__ == "__main__":
    print(run().write())
