#!/usr/bin/python3
"""
diatom new: what it makes builds, and passes its own test.
"""
import os
import re
import subprocess

import lib

FILES = {
    "hello": {"main.c", "Makefile", "README.md", "test.sh", ".gitignore"},
    "echo": {"main.c", "Makefile", "README.md", "test.sh", ".gitignore"},
    "dns": {"main.c", "Makefile", "README.md", "test.sh", ".gitignore", "app.zone"},
}


def new(lab, *words, code=0, cwd=None):
    result = subprocess.run([lib.DIATOM, "new", *words], cwd=cwd or lab.directory,
                            capture_output=True, text=True, timeout=30)
    lib.equal(result.returncode, code, f"new {words}: {result.stderr}: the exit code")
    return result


def make(lab, folder, *words, good=True):
    environment = dict(os.environ, DIATOM=lib.DIATOM, XDG_CACHE_HOME=lab.path("cache"),
                       MAKEFLAGS="")
    result = subprocess.run(["make", "-C", lab.path(folder), *words], env=environment,
                            capture_output=True, text=True, timeout=120)
    lib.equal(result.returncode == 0, good, f"make {words}: {result.stdout}{result.stderr}: good")
    return result.stdout + result.stderr


@lib.test_each(*FILES)
def template(lab, name):
    if name != "hello":
        lib.need("passt")
    if name == "dns":
        lib.need("dig")
    new(lab, "--template", name, "app")
    lib.equal(set(os.listdir(lab.path("app"))), FILES[name])
    for file in FILES[name]:
        with open(os.path.join(lab.path("app"), file)) as text:
            lib.check(not re.search("@[A-Z]+@", text.read()), f"{file}: a mark is left")
    make(lab, "app", "BUILD_OPTIONS=-Werror")
    lib.contains(make(lab, "app", "test"), "ok: ")
    result = lab.run([lib.DIATOM, "inspect", "--strict", os.path.join(lab.path("app"), "app")])
    lib.equal(result.code, 0, f"inspect: {result.out}")
    make(lab, "app", "clean")
    lib.equal(set(os.listdir(lab.path("app"))), FILES[name], "what is left after make clean")


@lib.test
def its_test_can_fail(lab):
    new(lab, "app")
    source = os.path.join(lab.path("app"), "main.c")
    with open(source) as file:
        text = file.read()
    with open(source, "w") as file:
        file.write(text.replace("hello, world", "hullo"))
    lib.contains(make(lab, "app", "test", good=False), 'FAILED: expected "hello, world"')


@lib.test
def make_run_starts_it(lab):
    new(lab, "app")
    lib.contains(make(lab, "app", "run"), "hello, world\n")
    environment = dict(os.environ, MAKEFLAGS="")
    result = subprocess.run(["make", "-B", "-C", lab.path("app"), "DIATOM=/no/diatom"],
                            env=environment, capture_output=True, text=True)
    lib.contains(result.stdout, "there is no /no/diatom on the PATH")


@lib.test
def overwrites_nothing(lab):
    os.mkdir(lab.path("folder"))
    lab.path("file", "mine\n")
    os.symlink("nowhere", lab.path("link"))
    for name in ("folder", "file", "link"):
        lib.contains(new(lab, name, code=1).stderr, "File exists")
    lib.equal(os.listdir(lab.path("folder")), [])
    with open(lab.path("file")) as file:
        lib.equal(file.read(), "mine\n")
    lib.check(not os.path.exists(lab.path("nowhere")), "it followed a link")


@lib.test
def wrong_words_are_explained(lab):
    for words, part in (([], "new what?"), (["a b"], "can't be a program's name"),
                        (["../up"], "can't be a program's name"), ([""], "can't be a program's"),
                        (["n" * 32], "1 to 31 letters"), (["-x"], "no option"),
                        (["run"], "a target of its Makefile"),
                        (["--template", "web", "x"], "hello echo dns"),
                        (["--template"], "needs its name"), (["a", "b"], "not also \"b\"")):
        lib.contains(new(lab, *words, code=lib.EXIT_USAGE).stderr, part)
    lib.equal(os.listdir(lab.directory), [])
    lib.contains(new(lab, "--help").stdout, "--template hello|echo|dns")
    lib.contains(new(lab, "x", cwd="/proc", code=1).stderr, "x can't be made")


lib.main()
