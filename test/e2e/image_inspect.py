#!/usr/bin/python3
"""
diatom inspect: what it says is checked against what binutils say of the same files, against what the
image was built with, and against files that were tampered with.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree

import lib

SVG = "{http://www.w3.org/2000/svg}"
ECHO = """#include <diatom/udp.h>
DIATOM_NET(eth0, .ip = "192.0.2.7/24", .gateway = "192.0.2.1", .mtu = 1400);
int main(void)
{
	struct udp_socket *s = udp_open(&eth0, 7);
	struct udp_datagram d;
	while (s && udp_receive(s, &d, FOREVER) == OK)
		udp_reply(s, &d, d.payload);
	return 0;
}
"""


def build(lab, *flags, name="x", text=ECHO):
    source = lab.path(name + ".c", text)
    result = lab.run([lib.DIATOM, "build", source, "-o", lab.path(name), *flags], timeout=120)
    lib.equal(result.code, 0, f"building: {result.err}")
    return lab.path(name)


def inspect(lab, *words, code=0):
    result = lab.run([lib.DIATOM, "inspect", *words])
    lib.equal(result.code, code, f"inspect {words}: {result.err}: the exit code")
    return result


def as_json(lab, *words):
    return json.loads(inspect(lab, "--json", *words).out)


def warnings(lab, image, *words):
    return [warning["text"] for warning in as_json(lab, image, *words)["warnings"]]


def warns(lab, image, part):
    lib.check(any(part in text for text in warnings(lab, image)),
              f"no warning has {part!r}: {warnings(lab, image)}")


def sections(path):
    text = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True).stdout
    return {name: int(size, 16) for name, size in
            re.findall(r"\] (\S+) +\w+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", text)}


@lib.test_each("hello", "echo", "dns", "sleepers")
def bytes_add_up(lab, name):
    image = lib.image(name)
    facts = as_json(lab, image)
    libraries = facts["libraries"]
    lib.equal(sum(l["file_bytes"] for l in libraries) + facts["header_bytes"] +
              facts["padding_bytes"] + facts["shim_bytes"], os.path.getsize(image), "the sum of all parts")
    for library in libraries:
        for key in ("file_bytes", "code", "constants", "data", "zeros"):
            lib.equal(sum(o[key] for o in library["objects"]), library[key], library["name"])
    size = sections(image + ".debug")
    code = sum(l["code"] for l in libraries)
    lib.check(size[".text"] * 0.95 < code <= size[".text"], f"{code} bytes of code")
    zeros = sum(l["zeros"] for l in libraries)
    lib.check(size[".bss"] * 0.95 - 64 < zeros <= size[".bss"] + 4096, f"{zeros} zeros")
    lib.check(facts["padding_bytes"] < 0.05 * os.path.getsize(image), "much padding")
    total = re.search(r"^  total +([\d,]+)", inspect(lab, image).out, re.MULTILINE)
    lib.equal(int(total[1].replace(",", "")), os.path.getsize(image), "the table's total")


@lib.test_each("clang", "gcc")
def names_libraries_and_why(lab, compiler):
    image = build(lab, "--cc", compiler)
    libraries = {l["name"]: l for l in as_json(lab, image)["libraries"]}
    for name in ("app", "core", "drv", "libc", "musl", "net", "plat", "wire"):
        lib.check(libraries[name]["code"] > 0, f"{name} has no code")
    lib.check("lib/dns" not in libraries, "DNS in an echo server")
    lib.equal([o["name"] for o in libraries["app"]["objects"]], ["x.c"])
    objects = {(l["name"], o["name"]): o for l in libraries.values() for o in l["objects"]}
    for key in objects:  # each leads to the program, or to what the tools themselves ask for
        steps = 0
        while objects[key].get("why"):
            why = objects[key]["why"]
            key = (why["library"], why["object"])
            steps += 1
            lib.check(steps < 100, f"{key}: reasons without end")
            if key not in objects:
                break
        lib.check(key[0] in ("app", "linker"), f"{key} is the first reason")
    why = objects[("net", "udp_socket")]["why"]
    lib.equal((why["library"], why["object"]), ("app", "x.c"))
    lib.check(why["symbol"].startswith("udp_"), why["symbol"])
    lib.contains(inspect(lab, image).out, ", for x.c")


@lib.test
def tells_what_it_asks_for(lab):
    facts = as_json(lab, build(lab))
    lib.equal(facts["nets"], [{"name": "eth0", "ip": "192.0.2.7/24", "gateway": "192.0.2.1",
                               "ip6": "", "gateway6": "",
                               "mtu": 1400, "dhcp": False, "optional": False}])
    dns = as_json(lab, lib.image("dns"))
    lib.equal((dns["name"], dns["version"], dns["memory_mib"], dns["memory_min_mib"]),
              ("dns", "1.0", 16, 8))
    lib.equal(dns["files"], [{"name": "zone", "optional": True}])
    text = inspect(lab, lib.image("dns")).out
    for part in ("dns 1.0: ", "16 MiB, at least 8 MiB", "zone            optional"):
        lib.contains(text, part)
    # No right to write where there is one to execute, and they cover the image in order.
    end = 0
    for region in dns["regions"]:
        lib.check("W" not in region["rights"] or "X" not in region["rights"], region)
        lib.check(region["address"] >= end, region)
        end = region["address"] + region["bytes"]
    lib.equal([r["rights"] for r in dns["regions"]], ["R--", "R-X", "R--", "RW-"])


@lib.test
def a_good_image_has_no_warning(lab):
    lib.equal(warnings(lab, lib.image("dns")), [])
    inspect(lab, "--strict", lib.image("dns"))
    dns = as_json(lab, lib.image("dns"))["hardening"]
    lib.equal((dns["compiler"], all(dns["measures"].values())), ("clang", True))
    text = subprocess.run(["objdump", "-d", lib.image("dns") + ".debug"], capture_output=True,
                          text=True).stdout
    lib.equal(dns["canary_uses"], text.count("%fs:0x28"), "uses of the canary")
    # Counted without decoding: a constant may look like one.
    traps = len(re.findall(r"\tud[12]\b", text))
    lib.check(traps <= dns["traps"] <= traps + 5, f"{dns['traps']} traps instead of {traps}")


FLAGS = {
    "-fno-stack-protector": "not in all of the image: stack protector",
    # That flag alone does not even link.
    "-fno-sanitize=cfi-icall -fsplit-lto-unit": "not in all of the image: control-flow integrity",
    "-fno-sanitize=bounds": "not in all of the image: traps on array bounds",
    "-fwrapv": "not in all of the image: traps on signed overflow",
    "-ftrivial-auto-var-init=uninitialized": "not in all of the image: locals start as zero",
}


@lib.test
def warns_of_what_is_switched_off(lab):
    for flag, part in FLAGS.items():
        warns(lab, build(lab, *flag.split()), part)
    warns(lab, build(lab, "--cc", "gcc"), "no control-flow integrity")
    warns(lab, lab.path("x"), "no least memory")
    inspect(lab, "--strict", lab.path("x"), code=1)


def patch(path, old, new):
    with open(path, "rb") as file:
        data = file.read()
    lib.equal(data.count(old), 1, "places to patch")
    with open(path, "wb") as file:
        file.write(data.replace(old, new))


@lib.test
def warns_of_claims_that_the_code_denies(lab):
    image = build(lab, "--cc", "gcc", name="y", text="int main(void) { return 0; }\n")
    patch(image, struct.pack("<III8sI", 7, 8, 1, b"Harden", 2), struct.pack(
        "<III8sI", 7, 8, 1, b"Harden", 1))
    with open(image, "rb") as file:
        at = file.read().index(b"Harden\0")
    with open(image, "r+b") as file:
        file.seek(at + 12)
        file.write(struct.pack("<I", 0x7f))
    warns(lab, image, "no code checks a call")


@lib.test
def shows_a_pvh_entry(lab):
    image = build(lab)
    if "pvh" in as_json(lab, image)["entries"]:
        lib.contains(inspect(lab, image).out, "PVH")
        return
    with open(image, "rb") as file:
        data = file.read()
    at = data.index(struct.pack("<III8s", 7, 8, 1, b"Harden"))
    note = struct.pack("<III4sIII", 4, 12, 18, b"Xen", 0x1234, 0, 0)
    lab.path("pvh", data[:at] + note + data[at + 28:])
    lib.equal(as_json(lab, lab.path("pvh"))["entries"]["pvh"], 0x1234)
    lib.contains(inspect(lab, lab.path("pvh")).out, "0x1234      PVH")
    warns(lab, lab.path("pvh"), "does not say what it was hardened with")


@lib.test
def works_without_its_debug_file(lab):
    image = build(lab)
    shutil.move(image + ".debug", lab.path("elsewhere"))
    facts = as_json(lab, image)
    lib.check("libraries" not in facts and facts["nets"], "libraries out of nothing")
    warns(lab, image, "no debug file beside the image")
    lib.equal(as_json(lab, "--debug", lab.path("elsewhere"), image)["padding_bytes"] >= 0, True)
    inspect(lab, "--svg", lab.path("x.svg"), image)
    build(lab, "-O1", name="other")
    shutil.copy(lab.path("other.debug"), image + ".debug")
    warns(lab, image, "is of another build")
    for content, part in ((b"", "can't be read"), (os.urandom(5000), "can't be read")):
        lab.path("x.debug", content)
        warns(lab, image, part)
    shutil.copy(lab.path("elsewhere"), image + ".debug")
    subprocess.run(["objcopy", "--remove-section=.diatom.parts", image + ".debug"], check=True)
    warns(lab, image, "has no list of parts")


@lib.test
def warns_of_files_that_should_not_be_shipped(lab):
    image = build(lab)
    with open(image, "rb") as file:
        lab.path("long", file.read() + b"x" * 100)
    warns(lab, lab.path("long"), "never loaded")
    lib.equal(lab.run([lib.DIATOM, "run", image + ".debug"]).code, lib.EXIT_REFUSED, "a debug file's run")
    os.chmod(image, 0o777)
    warns(lab, image, "anyone on this machine may change")


@lib.test
def draws_a_treemap(lab):
    inspect(lab, "--svg", lab.path("dns.svg"), lib.image("dns"))
    root = xml.etree.ElementTree.parse(lab.path("dns.svg")).getroot()
    boxes = {}
    for rect in root.iter(SVG + "rect"):
        title = rect.find(SVG + "title")
        if title is not None:
            name, size = re.fullmatch(r"(.*): (\d+) bytes", title.text).groups()
            boxes.setdefault(name, []).append((rect, int(size)))
    facts = as_json(lab, lib.image("dns"))
    total, area = 0, 0
    for library in facts["libraries"] + [{"name": "padding", "file_bytes": facts["padding_bytes"]},
                                         {"name": "headers", "file_bytes": facts["header_bytes"]},
                                         {"name": "shim", "file_bytes": facts["shim_bytes"]}]:
        if not library["file_bytes"]:
            continue
        (rect, size), = boxes[library["name"]]
        lib.equal(size, library["file_bytes"], library["name"])
        total += size
        area += float(rect.get("width")) * float(rect.get("height"))
    lib.equal(total, facts["file_bytes"], "bytes drawn")
    lib.check(abs(area / (1200 * 716) - 1) < 0.01, f"the boxes cover {area} of {1200 * 716}")
    lib.check(any(name.startswith("lib/dns/") for name in boxes), "no box for an object")
    lib.check("base/format/format_text" in boxes, "no box for a function")


@lib.test
def names_are_escaped(lab):
    path = lab.path('a"<b>&\\\n\x1b')
    shutil.copy(lib.image("hello"), path)
    lib.equal(as_json(lab, path)["path"], path)
    inspect(lab, "--svg", lab.path("x.svg"), path)
    xml.etree.ElementTree.parse(lab.path("x.svg"))


@lib.test
def files_that_are_no_images_are_refused(lab):
    with open(lib.image("hello"), "rb") as file:
        good = file.read()
    rows = [(b"", "is empty"), (b"#!/bin/sh\n" * 9, "no ELF file"), (good[:3000], "is cut off")]
    for content, part in rows:
        result = inspect(lab, lab.path("bad", content), code=lib.EXIT_REFUSED)
        lib.contains(result.err, part)
    lib.contains(inspect(lab, "/bin/ls", code=lib.EXIT_REFUSED).err, "not a Diatom image")
    lib.contains(inspect(lab, lab.directory, code=lib.EXIT_REFUSED).err, "is a directory")
    lib.contains(inspect(lab, "absent", code=lib.EXIT_REFUSED).err, "there is no such file")


@lib.test
def wrong_words_are_explained(lab):
    hello = lib.image("hello")
    for words, part in (([], "which image?"), (["--jsn", hello], "did you mean --json?"),
                        (["--svg"], "--svg needs a file's name"), ([hello, hello], "one image"),
                        (["--json=1", hello], "--json takes no value")):
        lib.contains(inspect(lab, *words, code=lib.EXIT_USAGE).err, part)
    lib.contains(inspect(lab, "--svg", "/no/such/x.svg", hello, code=1).err, "can't be written")
    lib.contains(inspect(lab, "--debug", "absent", hello, code=1).err, "absent: No such file")
    lib.contains(inspect(lab, "--help").out, "--strict")


lib.main()
