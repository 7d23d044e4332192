#!/usr/bin/python3
"""
make install: a tree that works wherever it is moved, and that make uninstall takes away again. Shell
completion is asked of the shells themselves.
"""
import os
import subprocess

import lib


def install(lab):
    return lib.install(lab.path("a prefix"))


def files(folder):
    return sorted(os.path.relpath(os.path.join(top, name), folder)
                  for top, _, names in os.walk(folder) for name in names)


@lib.test
def a_moved_tree_builds(lab):
    moved = lab.path("moved here")
    os.rename(install(lab), moved)
    environment = dict(PATH=f"{moved}/bin:/usr/bin:/bin", HOME=lab.directory)
    for compiler in ("clang", "gcc"):
        name = f"app-{compiler}"
        for argv in (["diatom", "new", name], ["make", "-s", "-C", name, f"BUILD_OPTIONS=--cc {compiler}",
                                               "test"]):
            result = subprocess.run(argv, cwd=lab.directory, env=environment, capture_output=True,
                                    text=True, timeout=120)
            lib.equal(result.returncode, 0, f"{argv}: {result.stdout}{result.stderr}: exit code")
    # Nobody needs to know where it was built: neither what is installed (the C library's bitcode
    # has its sources' paths) nor what is made with it.
    apps = [lab.path(f"app-{c}/app-{c}{end}") for c in ("clang", "gcc") for end in ("", ".debug")]
    for path in [os.path.join(moved, path) for path in files(moved)] + apps:
        with open(path, "rb") as file:
            is_named = lib.ROOT.encode() in file.read()
        lib.check(not is_named or path.endswith(("bin/diatom", "libc.a")),
                  f"{path} names the folder that it was built in")


@lib.test
def uninstall_leaves_what_others_have(lab):
    prefix = install(lab)
    os.makedirs(os.path.join(prefix, "share/man/man1"), exist_ok=True)
    lab.path("a prefix/share/man/man1/other.1", "x\n")
    lib.make("uninstall", f"PREFIX={prefix}")
    lib.equal(files(prefix), ["share/man/man1/other.1"])


@lib.test
def destdir_stands_before_the_prefix(lab):
    lib.make("install", f"DESTDIR={lab.path('stage')}", "PREFIX=/opt/diatom")
    lib.check(os.access(lab.path("stage/opt/diatom/bin/diatom"), os.X_OK), "no bin/diatom")
    with open(lab.path("stage/opt/diatom/lib/pkgconfig/diatom.pc")) as file:
        lib.check("stage" not in file.read(), "diatom.pc knows the stage")
    for page in os.listdir(os.path.join(lib.ROOT, "man")):
        lib.check(os.path.exists(lab.path(f"stage/opt/diatom/share/man/man1/{page}")), page)


@lib.test
def pkg_config_knows_the_headers(lab):
    lib.need("pkg-config", "clang-19")
    lib.make("install", f"PREFIX={lab.path('prefix')}")
    environment = dict(os.environ, PKG_CONFIG_PATH=lab.path("prefix/lib/pkgconfig"))
    flags = subprocess.run(["pkg-config", "--cflags", "diatom"], env=environment, check=True,
                           capture_output=True, text=True).stdout.split()
    version = subprocess.run(["pkg-config", "--modversion", "diatom"], env=environment,
                             capture_output=True, text=True).stdout.strip()
    lib.contains(lab.run([lib.DIATOM, "version"]).out, version)
    source = lab.path("main.c", "#include <stdio.h>\n#include <diatom/udp.h>\nDIATOM_NET(eth0);\n"
                                "int main(void) { return udp_open(&eth0, 7) == NULL; }\n")
    result = lab.run(["clang-19", "-Wall", "-Werror", "-fsyntax-only", *flags, source])
    lib.equal(result.code, 0, result.err)


COMPLETIONS = [  # what is typed, what must be offered, what must not
    ("diatom ", {"build", "run", "inspect", "new", "logs", "stats"}, {"--help"}),
    ("diatom in", {"inspect"}, {"run"}),
    ("diatom run --", {"--net", "--mem", "--timeout"}, {"--svg"}),
    ("diatom inspect --", {"--json", "--svg"}, {"--net"}),
    ("diatom run --as ", {"vm", "process"}, set()),
    ("diatom build --cc ", {"clang", "gcc"}, set()),
    ("diatom new --template ", {"hello", "echo", "dns"}, set()),
]

BASH = """source share/completion/diatom.bash
COMP_WORDS=($1); [[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_diatom diatom
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """compadd() { shift; print -l -- $@ }; _files() { : }
complete_it() { local words=(${(z)1}) CURRENT PREFIX
[[ $1 == *' ' ]] && words+=(''); CURRENT=$#words; PREFIX=$words[CURRENT]
source share/completion/_diatom }
complete_it "$1"
"""


def ask(lab, shell, typed):
    argv = {"bash": ["bash", "-c", BASH, "bash", typed],
            "zsh": ["zsh", "-f", "-c", ZSH, "zsh", typed],
            "fish": ["fish", "--no-config", "-c",
                     f"source share/completion/diatom.fish; complete -C '{typed}'"]}[shell]
    environment = dict(os.environ, PATH=f"{os.path.dirname(lib.DIATOM)}:{os.environ['PATH']}",
                       HOME=lab.directory)
    result = subprocess.run(argv, cwd=lib.ROOT, env=environment, capture_output=True, text=True,
                            timeout=30)
    return {line.split("\t")[0] for line in result.stdout.split("\n") if line}


@lib.test_each("bash", "zsh", "fish")
def completion(lab, shell):
    lib.need(shell)
    for typed, wanted, unwanted in COMPLETIONS:
        got = ask(lab, shell, typed)
        if shell == "zsh":  # it is compadd that would match the prefix
            got = {word for word in got if word.startswith(typed.split(" ")[-1])}
        lib.check(wanted <= got, f"{typed!r}: {sorted(got)} lacks {sorted(wanted - got)}")
        lib.check(not unwanted & got, f"{typed!r}: {sorted(unwanted & got)} is offered")


lib.main()
