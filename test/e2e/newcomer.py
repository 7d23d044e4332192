#!/usr/bin/python3
"""
A newcomer's first hour: install, new, build, run, change, rebuild, look inside, crash, read the report,
debug. From an empty folder, with nothing but an installed prefix and the system on the PATH; each
step is what the one before it told him to do.
"""
import os
import re
import subprocess

import lib

BUG = "\tstatic int seats[4];\n\n\tfor (int i = 0; i < argc; i++)\n\t\tseats[i * 4] = i;\n"


class Newcomer:
    """Somebody at a shell."""

    def __init__(self, lab):
        self.prefix = lib.install(lab.path("prefix"))
        self.directory = lab.path("home")
        os.mkdir(self.directory)
        self.environment = dict(PATH=f"{self.prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                HOME=self.directory, LC_ALL="C.UTF-8")

    def types(self, command, code=0, timeout=60):
        """What it printed, on both streams."""
        result = subprocess.run(["bash", "-c", command], cwd=self.directory, text=True,
                                env=self.environment, stdin=subprocess.DEVNULL, timeout=timeout,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lib.equal(result.returncode, code, f"{command}: {result.stdout}: exit code")
        return result.stdout

    def knows(self, command):
        return re.search(rf"^  diatom {command}\b", self.types("diatom --help"), re.MULTILINE)

    def reads(self, name):
        with open(os.path.join(self.directory, name)) as file:
            return file.read()

    def edits(self, name, old, new):
        text = self.reads(name)
        lib.contains(text, old, name)
        with open(os.path.join(self.directory, name), "w") as file:
            file.write(text.replace(old, new))


def place_in_report(me, report):
    """The source line that the report names; if it has only an offset, by the way that man tells."""
    named = re.search(r"main\.c:(\d+)", report)
    if named:
        return int(named[1])
    offset = re.search(r"image\+(0x[0-9a-f]+)", report)
    lib.check(offset, f"the report names no place: {report}")
    named = re.search(r"main\.c:(\d+)", me.types(f"addr2line -pfe app.debug {offset[1]}"))
    lib.check(named, f"addr2line finds no line for {offset[1]}")
    return int(named[1])


def first_hour(lab, target):
    lib.need("addr2line", "make")
    if target == "vm":
        lib.need("kvm")
    me = Newcomer(lab)
    run = f"diatom run --as {target}"

    lib.contains(me.types("diatom --help"), "diatom new NAME")
    told = me.types("diatom new app")
    me.types(re.search(r"next:  (.*)", told)[1])
    me.directory = os.path.join(me.directory, "app")
    lib.contains(me.types(f"{run} app"), "hello, world\n")

    # Change, rebuild, run.
    me.edits("main.c", "hello, world", "hello, Venus")
    me.types("make")
    lib.contains(me.types(f"{run} app"), "hello, Venus\n")
    lib.contains(me.types("make", code=0), "up to date")
    lib.contains(me.types("make test", code=2), "FAILED")
    lib.contains(me.types("diatom inspect app"), ", for main.c")

    # A slip of the pen is answered with its place.
    me.edits("main.c", "puts(\"hello, Venus\");", "puts(hello);")
    lib.contains(me.types("make", code=2), "main.c:")
    me.edits("main.c", "puts(hello);", "puts(\"hello, Mars\");")

    # A bug is caught where it is.
    me.edits("main.c", "\tif (argc < 2)\n", BUG + "\tif (argc < 2)\n")
    line = me.reads("main.c")[:me.reads("main.c").index("seats[i * 4]")].count("\n") + 1
    me.types("make")
    lib.contains(me.types(f"{run} app"), "hello, Mars\n")
    report = me.types(f"{run} app one", code=lib.EXIT_CRASHED)
    lib.contains(report, "app crashed")
    lib.equal(place_in_report(me, report), line, f"{report}: the line in the report")

    debug(me, run, line)
    me.edits("main.c", "seats[i * 4]", "seats[i % 4]")
    me.types("make")
    lib.contains(me.types(f"{run} app one"), "hello, one\n")


def debug(me, run, line):
    """Looks at the bug with gdb, the way that diatom of this version has."""
    if not me.knows("gdb"):
        # An image's addresses are those of the file with its symbols.
        code = me.types(f"gdb -batch -ex 'info line main.c:{line}' app.debug")
        lib.contains(code, f'Line {line} of')
        return
    target = run.split(" --as ")[1]
    text = me.types(f"printf '%s\\n' continue backtrace 'print argc' kill | "
                    f"timeout 50 diatom gdb --as {target} app one")
    lib.contains(text, f"main.c:{line}", "gdb")


@lib.test_each("vm", "process")
def newcomer(lab, target):
    lib.need("gdb")
    first_hour(lab, target)


@lib.test
def help_names_only_what_there_is(lab):
    """Each command in the help has help of its own and a manual page, and they agree on options."""
    me = Newcomer(lab)
    pages = {}  # command: the page that it is on, its own or that of the line's first
    for line in re.findall(r"^  diatom (.*?)(?:   *.*)?$", me.types("diatom --help"), re.MULTILINE):
        names = [part.split()[0] for part in re.split(r" *\| *", line)]
        pages.update({name: names[0] for name in names})
    lib.check({"build", "inspect", "new", "run"} <= set(pages), pages)
    for name in set(pages) - {"version", "help"}:
        options = re.findall(r"^  +(-.*?)(?:   *.*)?$", me.types(f"diatom {name} --help"),
                             re.MULTILINE)
        page = os.path.join(me.prefix, "share/man/man1", f"diatom-{pages[name]}.1")
        lib.check(os.path.exists(page), f"diatom-{pages[name]}.1 is missing")
        with open(page) as file:
            text = file.read().replace("\\-", "-")
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", " ".join(options)):
            lib.check(f"Fl {option[1:]}" in text, f"diatom-{pages[name]}.1 does not know {option}")
    main = me.reads(os.path.join(me.prefix, "share/man/man1/diatom.1"))
    for name in pages:
        lib.check(re.search(rf"\b{name}\b", main), f"diatom.1 does not know {name}")


lib.main()
