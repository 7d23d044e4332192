#!/usr/bin/python3
"""
Every command in README.md and doc/*.md is run, and does what the page says.

Takes up to 400 s.

Each page is one test, in a folder and a network of its own, with an installed diatom on the PATH. Its
blocks of code are taken in order; what they mean is told for authors in doc/README.md:

    ```c main.c                    a second word is a file's name: the block is written there; so it is
                                   with `main.c`: alone on the line before
    ```c                           with a main() in it: must build
    $ command                      is run by one bash for the whole page
    output                         must come; "..." is any text, or any lines; times and MACs may differ
    > more of the command          also the lines after one that ends in a backslash, or in a <<
    $ cat NAME                     a file that isn't there yet: it is written as shown
    ^C                             in the output: the command gets SIGINT there
    (gdb) command                  goes to the command's input; what is shown must come, in that order
    <!-- not run: why -->          before a block: its commands are not run

A command may end with another code than 0 only if its output is shown.
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import lib

FENCE = re.compile(r"^```(\w*) ?(\S*)$")
FILE_NAME = re.compile(r"^`([\w.-]+)`:$")
NOT_RUN = re.compile(r"^<!-- not run: (.+) -->$")
MAC = re.compile(r"\b52(:[0-9a-f]{2}){5}\b")
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
TIME = re.compile(r"\d[\d,.]* ?(ns|us|µs|ms|s)\b")
PATIENCE = 60
CONTEXT = 12  # lines of output shown when it isn't what the page says


class Block:
    def __init__(self, line, language, file, why_not):
        self.line, self.language, self.file, self.why_not = line, language, file, why_not
        self.lines = []

    def text(self):
        return "".join(line + "\n" for line in self.lines)


class Command:
    def __init__(self, line, text):
        self.line, self.text, self.output = line, text, []


def blocks(path):
    found, block, why_not, name = [], None, None, ""
    with open(path) as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            fence = FENCE.match(line)
            if block is not None and line == "```":
                found.append(block)
                block = None
            elif block is not None:
                block.lines.append(line)
            elif fence:
                block = Block(number, fence[1], fence[2] or name, why_not)
                why_not, name = None, ""
            elif NOT_RUN.match(line):
                why_not = NOT_RUN.match(line)[1]
            elif line.strip():
                why_not = None
                name = FILE_NAME.match(line)[1] if FILE_NAME.match(line) else ""
    lib.check(block is None, f"{path}: a block of code does not end")
    return found


def is_unfinished(text):
    heredoc = re.search(r"<<-?\s*'?(\w+)'?", text.split("\n")[0])
    return text.endswith("\\") or (heredoc and text.split("\n")[-1].strip() != heredoc[1])


def commands(block):
    found = []
    for offset, line in enumerate(block.lines, 1):
        if line.startswith("$ "):
            # A comment is for the reader.
            found.append(Command(block.line + offset, line[2:]))
        elif found and not found[-1].output and line.startswith("> "):
            found[-1].text += "\n" + line[2:]
        elif found and not found[-1].output and is_unfinished(found[-1].text):
            found[-1].text += "\n" + line
        elif found:
            found[-1].output.append(line)
    return found


def wanted_lines(lines):
    """Without what only an interactive shell says, and blank lines at the end."""
    kept = [line for line in lines if not re.match(r"\[\d+\]", line)]
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def plain(line):
    """Without what differs from run to run."""
    line = ADDRESS.sub("ADDRESS", MAC.sub("MAC", TIME.sub("TIME", line.strip())))
    return re.sub(r"[\t ]+", " ", line)


def matches(wanted, got):
    """Line by line; "..." alone is any number of lines."""
    if not wanted:
        return not got
    if wanted[0].strip() == "...":
        return any(matches(wanted[1:], got[i:]) for i in range(len(got) + 1))
    if not got:
        return False
    parts = [re.escape(plain(part)) for part in wanted[0].split("...")]
    if not re.fullmatch(".*".join(parts), plain(got[0])):
        return False
    return matches(wanted[1:], got[1:])


class Shell:
    """One bash that gets command after command; what they print goes to a file."""

    def __init__(self, lab, inside, environment):
        self.lab, self.inside, self.environment = lab, inside, environment
        self.directory = lab.path("page")
        os.mkdir(self.directory)
        self.path = lab.path("output")
        self.read, self.count = 0, 0
        # What an interactive shell's user would see, in order: both streams in one file.
        self.popen = subprocess.Popen(
            ["ip", "netns", "exec", inside.name, "bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE, stdout=open(self.path, "wb"), stderr=subprocess.STDOUT,
            cwd=self.directory, env=environment, text=True, start_new_session=True)

    def close(self):
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()

    def fresh(self):
        with open(self.path, errors="replace") as file:
            return file.read()[self.read:]

    def take(self):
        text = self.fresh()
        self.read += len(text)
        return text

    def run(self, text):
        """The exit code, and what was printed meanwhile."""
        self.count += 1
        mark = f"--end-of-command-{self.count}--"
        self.popen.stdin.write(f"{text}\necho {mark} $?\n")
        self.popen.stdin.flush()
        end = re.compile(rf"{mark} (\d+)\n")
        lib.until(lambda: end.search(self.fresh()) or self.popen.poll() is not None, PATIENCE,
                  f"the end of: {text}")
        out = self.take()
        match = end.search(out)
        lib.check(match, f"the shell ended at: {text}\n{out}")
        return int(match[1]), out[:match.start()] + out[match.end():]

    def where(self):
        return self.run("pwd")[1].strip()


def lines_of(text):
    return [line for line in text.rstrip("\n").split("\n")] if text.strip() else []


def must_match(page, command, wanted, got):
    if not matches(wanted, lines_of(got)):
        shown = "\n    ".join(lines_of(got)[-CONTEXT:] or ["(nothing)"])
        raise lib.Failure(f"{page}:{command.line}: $ {command.text}\n  the page says\n    "
                          + "\n    ".join(wanted) + f"\n  it printed\n    {shown}")


def interrupt(shell, page, command, wanted):
    """Runs it aside, waits for what comes before ^C, sends the signal, looks at the rest."""
    at = wanted.index(next(line for line in wanted if line.startswith("^C")))
    rest = ([wanted[at][2:].strip()] if wanted[at][2:].strip() else []) + wanted[at + 1:]
    process = shell.lab.start(["bash", "-c", f"cd '{shell.where()}' && exec {command.text}"],
                              inside=shell.inside, environment=shell.environment)
    lib.until(lambda: matches(wanted[:at] + ["..."], lines_of(process.out() + process.err())),
              10, f"{page}:{command.line}: {wanted[:at]} from {process.describe()}")
    process.signal(signal.SIGINT)
    process.wait(10)
    must_match(page, command, wanted[:at] + rest, process.out() + process.err())


def gdb_session(shell, page, command, wanted):
    """The lines after "(gdb)" are its input; what else is shown must come, in that order."""
    said = [line[len("(gdb) "):] for line in wanted if line.startswith("(gdb) ")]
    _, got = shell.run(command.text + " <<'END-OF-SESSION'\n" + "\n".join(said) +
                       "\nEND-OF-SESSION")
    shown, at = plain(got.replace("\n", " ")), 0
    for line in wanted:
        if line.startswith("(gdb) "):
            continue
        found = shown.find(plain(line), at)
        lib.check(found >= 0, f"{page}:{command.line}: {line!r} is not in: {got}")
        at = found


def run_command(shell, page, command):
    wanted = wanted_lines(command.output)
    shown = re.fullmatch(r"cat ([\w.-]+)", command.text)
    if shown and not os.path.exists(os.path.join(shell.where(), shown[1])):
        with open(os.path.join(shell.where(), shown[1]), "w") as file:
            file.write("".join(line + "\n" for line in command.output))
    if any(line.startswith("^C") for line in wanted):
        interrupt(shell, page, command, wanted)
        return
    if any(line.startswith("(gdb) ") for line in wanted):
        gdb_session(shell, page, command, wanted)
        return
    code, got = shell.run(command.text)
    if wanted and not matches(wanted, lines_of(got)) and "&" in command.text:
        def came():
            nonlocal got
            got += shell.take()
            return matches(wanted, lines_of(got))
        try:
            lib.until(came, 10)
        except lib.Failure:
            pass
    if wanted:
        must_match(page, command, wanted, got)
    else:
        lib.check(code == 0, f"{page}:{command.line}: $ {command.text}\n  exit {code}: {got}")


def build_program(shell, page, block):
    """A whole program without a file's name: it must at least build."""
    with open(os.path.join(shell.where(), f"block-{block.line}.c"), "w") as file:
        file.write(block.text())
    code, out = shell.run(f"diatom build block-{block.line}.c -o block-{block.line}")
    lib.check(code == 0, f"{page}:{block.line}: does not build: {out}")


def run_page(lab, page, environment):
    found = blocks(page)
    name = os.path.relpath(page, lib.ROOT)
    if not any(commands(block) or block.file or "int main(" in block.text() for block in found):
        return
    environment = dict(environment, DIATOM_STATE=lab.path("state"))
    shell = Shell(lab, namespace(lab), environment)
    try:
        for block in found:
            if block.why_not:
                print(f"{name}:{block.line}: not run: {block.why_not}")
                continue
            if block.file:
                path = os.path.join(shell.where(), block.file)
                with open(path, "w") as file:
                    file.write(block.text())
            elif block.language == "c" and "int main(" in block.text():
                build_program(shell, name, block)
            for command in commands(block) if not block.file else ():
                run_command(shell, name, command)
    finally:
        shell.close()
        end_runs(lab, environment)


def end_runs(lab, environment):
    """Those that a page started with --detach and, since it failed, did not stop."""
    listed = lab.run(["env", f"DIATOM_STATE={environment['DIATOM_STATE']}", lib.DIATOM, "ps",
                      "--json"])
    for run in json.loads(listed.out):
        try:
            os.kill(run["pid"], signal.SIGKILL)
        except ProcessLookupError:
            pass


def namespace(lab):
    inside = lab.namespace()
    subprocess.run(["ip", "netns", "exec", inside.name, "sysctl", "-q", "-w",
                    "net.ipv6.conf.default.disable_ipv6=1"], check=False)
    return inside


_common = {}


def environment():
    """An installed diatom, a home, and a sudo for those who are root already; once for all pages."""
    if not _common:
        folder = tempfile.mkdtemp(prefix=f"dt{os.getpid()}.docs.")
        _common["folder"] = folder
        prefix = lib.install(os.path.join(folder, "prefix"))
        os.mkdir(os.path.join(folder, "home"))
        sudo = os.path.join(folder, "sudo")
        with open(sudo, "w") as file:
            file.write('#!/bin/sh\nexec "$@"\n')
        os.chmod(sudo, 0o755)
        _common["environment"] = dict(
            PATH=f"{prefix}/bin:{folder}:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C.UTF-8",
            HOME=os.path.join(folder, "home"), USER="root",
            DIATOM_STATE=os.path.join(folder, "state"), MANPATH=f"{prefix}/share/man:")
    return _common["environment"]


def page_test(page):
    def run(lab):
        lib.need("root", "netns", "ip", "tun", "kvm")
        run_page(lab, page, environment())
    run.__name__ = re.sub(r"\W", "_", os.path.relpath(page, lib.ROOT)[:-len(".md")]).lower()
    lib.test(run)


for path in [os.path.join(lib.ROOT, "README.md")] + sorted(
        glob.glob(os.path.join(lib.ROOT, "doc", "*.md"))):
    page_test(path)


@lib.test
def a_wrong_page_fails(lab):
    """What this script says is worth something only if it can say no."""
    lib.need("root", "netns", "ip", "kvm")
    rows = [
        ("```\n$ echo one\ntwo\n```\n", "it printed"),
        ("```\n$ echo one\n```\n```\n$ false\n```\n", "exit 1"),
        ("```c\nint main(void) { return nothing; }\n```\n", "does not build"),
        ("```\n$ printf 'a\\nb\\n'\na\n```\n", "it printed"),
        ("```\n$ echo 10 apples\n11 apples\n```\n", "it printed"),
        ("```\n$ no-such-command\n```\n", "exit 127"),
    ]
    good = ("```\n$ cat note\nline\n$ echo took 1.5 ms; echo 2; echo 3; echo end\ntook 99 ms\n...\nend\n"
            "$ cat <<E\nx\nE\nx\n```\n<!-- not run: it can't -->\n```\n$ false\n```\n"
            "```text file.txt\nwritten\n```\n```\n$ cat file.txt\nwr...en\n$ false; echo $?\n1\n```\n")
    for number, (text, why) in enumerate(rows + [(good, None)]):
        shutil.rmtree(lab.path("page"), ignore_errors=True)
        page = lab.path(f"page{number}.md", text)
        try:
            run_page(lab, page, environment())
        except lib.Failure as failure:
            lib.check(why, f"a good page fails: {failure}")
            lib.contains(str(failure), why)
        else:
            lib.check(not why, f"passes: {text}")


try:
    lib.main()
finally:
    if _common:
        shutil.rmtree(_common["folder"], ignore_errors=True)
