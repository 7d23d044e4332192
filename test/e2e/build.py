"""
What `diatom build` makes: files that can be reproduced, are laid out anew by each seed, are sealed,
small, and can't leave the body; and what it says when a program doesn't build.
"""
import os
import re
import struct
import subprocess
import time

import lib

HELLO = """#include <stdio.h>
int main(void) { puts("hello"); return 0; }
"""

# Uses a good part of the C library and exits with a number that only right answers give.
LIBRARY = r"""
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static _Thread_local int counted = 40;
static _Thread_local char large[4096];
static int constructed;
__attribute__((constructor)) static void construct(void) { constructed = 1; }

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

#define NEED(claim) do { if (!(claim)) { printf("broken: %s, errno %d\n", #claim, errno); return 1; } } while (0)

int main(int argc, char **argv)
{
	int numbers[] = { 5, 3, 9, 1 };
	char text[64], *end, *big;
	unsigned char random[2][32];
	struct timespec before, after, pause = { 0, 20000000 };
	struct stat stat;
	char *pieces[200];
	void *volatile refused;

	NEED(argc == 3 && strcmp(argv[1], "one") == 0 && strcmp(argv[2], "two words") == 0);
	NEED(constructed == 1 && counted++ == 40 && counted == 41 && large[4095] == 0);
	large[4095] = 1;
	qsort(numbers, 4, sizeof(int), ascending);
	NEED(numbers[0] == 1 && numbers[3] == 9);
	snprintf(text, sizeof(text), "%d %s %.3f %lx", -7, "x", 3.14159, 0xffL);
	NEED(strcmp(text, "-7 x 3.142 ff") == 0);
	NEED(strtod("2.5e3", &end) == 2500 && !*end && fabs(sqrt(2) - 1.41421356) < 1e-6);
	for (int i = 0; i < 200; i++) {
		NEED((pieces[i] = malloc(100 + 1000 * i)) != NULL);
		memset(pieces[i], i, 100 + 1000 * i);
	}
	for (int i = 0; i < 200; i++) {
		NEED(pieces[i][99] == (char)i && pieces[i][99 + 1000 * i] == (char)i);
		free(pieces[i]);
	}
	NEED((big = calloc(3, 1 << 20)) && big[12345] == 0 && (big = realloc(big, 5 << 20)));
	free(big);
	refused = malloc((size_t)1 << 40); /* volatile, or the compiler believes in it */
	NEED(refused == NULL && errno == ENOMEM);
	NEED((big = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED);
	NEED(munmap(big, 1 << 19) == 0 && big[1 << 19] == 0 && munmap(big + (1 << 19), 1 << 19) == 0);
	NEED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	NEED(getrandom(random[0], 32, 0) == 32 && getrandom(random[1], 32, 0) == 32);
	NEED(memcmp(random[0], random[1], 32) != 0);
	NEED(clock_gettime(CLOCK_MONOTONIC, &before) == 0 && nanosleep(&pause, NULL) == 0);
	NEED(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
	NEED((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 20000000);
	NEED(time(NULL) > 1700000000);
	NEED(getpid() == 1 && !isatty(1) && fstat(1, &stat) == 0 && S_ISCHR(stat.st_mode));
	NEED(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == ENOSYS);
	NEED(fopen("/etc/passwd", "r") == NULL);
	NEED(getchar() == EOF && fork() == -1);
	NEED(write(1, "written\n", 8) == 8 && write(7, "x", 1) == -1 && errno == EBADF);
	printf("all %s", "good\n");
	return 42;
}
"""

FILE = """#include <diatom/app.h>
#include <stdio.h>
DIATOM_FILE(text, "words.txt");
DIATOM_IMAGE(.name = "declared");
int main(void) { printf("%zu %s", text.length, (const char *)text.data); return 0; }
"""

COMPILERS = ("clang", "gcc")


def write(directory, name, text):
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


def build(lab, *words, diatom=None, cwd=None, good=True):
    result = subprocess.run([diatom or lib.DIATOM, "build", *words], cwd=cwd or lab.directory,
                            capture_output=True, text=True, timeout=120)
    if good and result.returncode != 0:
        raise lib.Failure(f"build {' '.join(words)}: exit {result.returncode}: {result.stderr}")
    return result


def need_compiler(name):
    if not os.path.exists(os.path.join(lib.BUILD, f"body-{name}", "libdiatom.a")):
        lib.skip(f"the {name} body is not built")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def segments(image):
    """(type, flags, offset, vaddr, filesz, memsz) of each program header."""
    offset, = struct.unpack_from("<Q", image, 32)
    count, = struct.unpack_from("<H", image, 56)
    for i in range(count):
        kind, flags, at, vaddr, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", image,
                                                                         offset + 56 * i)
        yield kind, flags, at, vaddr, filesz, memsz


def build_id(path):
    text = subprocess.run(["readelf", "-n", path], capture_output=True, text=True).stdout
    return re.search(r"Build ID: (\w+)", text).group(1)


@lib.test_each(*COMPILERS)
def same_seed_same_file(lab, compiler):
    need_compiler(compiler)
    here, there = os.path.join(lab.directory, "here"), os.path.join(lab.directory, "far/away")
    for place in (here, there):
        write(place, "main.c", '#include "own/part.h"\nint main(void) { return part(); }\n')
        write(place, "own/part.h", "int part(void);\n")
        write(place, "own/part.c", '#include <stdio.h>\n#include "part.h"\n'
                                   'int part(void) { return puts(__FILE__) < 0; }\n')
    options = ["--seed", "7", "--cc", compiler]
    build(lab, "main.c", "own/part.c", "-o", "x", *options, cwd=here)
    build(lab, f"{there}/main.c", f"{there}/own/part.c", "-o", f"{there}/x", *options, cwd="/")
    lib.check(read(f"{here}/x") == read(f"{there}/x"), "the images differ")
    lib.check(read(f"{here}/x.debug") == read(f"{there}/x.debug"), "the debug files differ")


@lib.test_each(*COMPILERS)
def seeds_change_the_layout(lab, compiler):
    need_compiler(compiler)
    write(lab.directory, "main.c", HELLO)
    orders = set()
    for seed in ("1", "2", None, None):
        words = ["main.c", "-o", "x", "--cc", compiler] + (["--seed", seed] if seed else [])
        build(lab, *words)
        symbols = subprocess.run(["nm", "-n", os.path.join(lab.directory, "x.debug")],
                                 capture_output=True, text=True).stdout
        orders.add(tuple(line.split()[2] for line in symbols.splitlines()
                         if len(line.split()) == 3 and line.split()[1] in "tT"))
        lib.equal(lab.boot_and_wait(os.path.join(lab.directory, "x"), target="process").out,
                  "hello\n")
    lib.equal(len(orders), 4, "the number of different layouts")


@lib.test_each(*COMPILERS)
def image_is_sealed(lab, compiler):
    need_compiler(compiler)
    write(lab.directory, "main.c", LIBRARY)
    build(lab, "main.c", "-o", "x", "--cc", compiler)
    path = os.path.join(lab.directory, "x")
    kinds = {}
    for kind, flags, *rest in segments(read(path)):
        kinds.setdefault(kind, []).append((flags, *rest))
    load, relro, stack, interp = 1, 0x6474e552, 0x6474e551, 3
    lib.check(interp not in kinds, "it has an interpreter")
    # But the shim: ring 0's, for other hypervisors, and not loaded by our own targets (abi/shim_image.h).
    shim = [flags for flags, *_ in kinds[load] if flags & 0x00100000]
    lib.equal(len(shim), 1, "shims")
    lib.check(all(flags & 3 != 3 for flags, *_ in kinds[load] if not flags & 0x00100000),
              "a segment is writable and executable")
    lib.check(all(flags & 1 == 0 for flags, *_ in kinds.get(stack, [])), "its stack is executable")
    lib.check(relro in kinds, "it has no relro")
    text = subprocess.run(["readelf", "-rW", path + ".debug"], capture_output=True, text=True).stdout
    others = set(re.findall(r"R_X86_64_\w+", text)) - {"R_X86_64_RELATIVE"}
    lib.equal(others, set(), "relocations that are not relative")
    lib.equal(build_id(path), build_id(path + ".debug"), "the build id")


@lib.test_each(*COMPILERS)
def image_has_no_system_calls(lab, compiler):
    lib.need("objdump")
    need_compiler(compiler)
    write(lab.directory, "main.c", LIBRARY)
    build(lab, "main.c", "-o", "x", "--cc", compiler)
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn",
                           os.path.join(lab.directory, "x.debug")], capture_output=True, text=True)
    found = re.findall(r"\t(syscall|sysenter|int +\$0x80|in|out|hlt|wrmsr|cpuid)\b", code.stdout)
    # musl's a_crash is `hlt`, which traps in ring 3: that is its purpose.
    lib.equal(set(found) - {"hlt"}, set(), "instructions that leave the body")
    lib.check(len(code.stdout) > 100000, "objdump shows nothing")


# Each must end in a crash, where an ordinary build would print "alive".
BUGS = {
    "wrong_call": "void (*volatile f)(void) = (void (*)(void))strtol; f();",
    "bounds": "static int a[4]; volatile int i = 4; a[i] = 1;",
    "overflow": "volatile int i = 0x7fffffff; i = i + 1;",
    "shift": "volatile int i = 40; i = 1 << i;",
    "canary": "char text[16]; memset(text, 1, argc * 48); "
              '__asm__ volatile("" : : "r"(text) : "memory");',
}


def bugs_are_caught(lab, compiler, names):
    need_compiler(compiler)
    cases = "".join(f"\tif (!strcmp(argv[1], \"{name}\")) {{ {code} }}\n"
                    for name, code in BUGS.items())
    write(lab.directory, "main.c",
          "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
          "__attribute__((noinline)) static void bug(int argc, char **argv)\n{\n" + cases + "}\n"
          'int main(int argc, char **argv) { bug(argc, argv); puts("alive"); return 0; }\n')
    build(lab, "main.c", "-o", "x", "--cc", compiler, "-w")
    image = os.path.join(lab.directory, "x")
    lib.equal(lab.boot_and_wait(image, "none", target="process").out, "alive\n")
    for name in names:
        result = lab.boot_and_wait(image, name, target="process")
        lib.equal((result.code, result.out), (lib.EXIT_CRASHED, ""), name)


@lib.test
def bugs_are_caught_clang(lab):
    bugs_are_caught(lab, "clang", BUGS)


@lib.test
def bugs_are_caught_gcc(lab):
    bugs_are_caught(lab, "gcc", set(BUGS) - {"wrong_call"})  # gcc has no control-flow integrity


@lib.test_each(*COMPILERS)
def hello_is_small(lab, compiler):
    need_compiler(compiler)
    write(lab.directory, "main.c", HELLO)
    build(lab, "main.c", "-o", "x", "--cc", compiler)
    size = os.path.getsize(os.path.join(lab.directory, "x"))
    print(f"hello, {compiler}: {size} bytes")
    lib.check(size <= 24000, f"hello has {size} bytes, more than 24,000")


def runs_the_library(lab, compiler, target):
    need_compiler(compiler)
    write(lab.directory, "main.c", LIBRARY)
    build(lab, "main.c", "-o", "x", "--cc", compiler)
    result = lab.boot_and_wait(os.path.join(lab.directory, "x"), "one", "two words", target=target)
    lib.equal(result.out, "written\nall good\n")
    lib.equal(result.code, 42, "the exit code")


@lib.test_each(*COMPILERS)
def c_library_in_a_vm(lab, compiler):
    lib.need("kvm")
    runs_the_library(lab, compiler, "vm")


@lib.test_each(*COMPILERS)
def c_library_in_a_process(lab, compiler):
    runs_the_library(lab, compiler, "process")


@lib.test
def rebuild_is_quick(lab):
    write(lab.directory, "main.c", HELLO)
    build(lab, "main.c", "-o", "x")
    write(lab.directory, "main.c", HELLO.replace("hello", "hullo"))
    start = time.monotonic()
    build(lab, "main.c", "-o", "x")
    seconds = time.monotonic() - start
    print(f"rebuild of hello: {seconds:.2f} s")
    lib.check(seconds < 2, f"a rebuild took {seconds:.1f} s")


@lib.test_each(*COMPILERS)
def embeds_files(lab, compiler):
    need_compiler(compiler)
    write(lab.directory, "app/main.c", FILE)
    image = os.path.join(lab.directory, "x")
    for words in ("first\n", "second, longer\n"):  # the second must not come from a cache
        write(lab.directory, "app/words.txt", words)
        build(lab, "app/main.c", "-o", "x", "--cc", compiler)
        lib.equal(lab.boot_and_wait(image, target="process").out, f"{len(words)} {words}")
    os.rename(os.path.join(lab.directory, "app/words.txt"), os.path.join(lab.directory, "words.txt"))
    build(lab, "app/main.c", "-I", ".", "-o", "x", "--cc", compiler)
    lib.equal(lab.boot_and_wait(image, target="process").out, f"{len(words)} {words}")


@lib.test
def missing_embedded_file_is_named(lab):
    write(lab.directory, "app/main.c", FILE)
    result = build(lab, "app/main.c", "-o", "x", good=False)
    lib.equal(result.returncode, 1)
    lib.contains(result.stderr, 'main.c:3: the file "words.txt" can\'t be read')


@lib.test
def name_and_version(lab):
    write(lab.directory, "app/words.txt", "w\n")
    write(lab.directory, "app/main.c", FILE)
    write(lab.directory, "main.c", HELLO)
    for source in ("app/main.c", "main.c"):
        build(lab, source, "-o", "x", "--name", "given", "--version=1.2")
        image = read(os.path.join(lab.directory, "x"))
        lib.check(b"given\0" in image and b"1.2\0" in image and b"declared" not in image,
                  f"{source}: the image is not called so")
    result = lab.boot_and_wait(os.path.join(lab.directory, "x"), target="process")
    lib.contains(result.err, "given: ")


@lib.test
def compile_error_names_the_place(lab):
    write(lab.directory, "main.c", "int main(void)\n{\n\treturn nothing;\n}\n")
    result = build(lab, "main.c", "-o", "x", good=False)
    lib.equal(result.returncode, 1)
    lib.contains(result.stderr, "main.c:3:9: error")
    lib.check(not os.path.exists(os.path.join(lab.directory, "x")), "an image was left")


@lib.test
def undefined_function_is_named(lab):
    write(lab.directory, "main.c", "int other(void);\nint main(void) { return other(); }\n")
    result = build(lab, "main.c", "-o", "x", good=False)
    lib.equal(result.returncode, 1)
    lib.contains(result.stderr, "undefined symbol: other")


@lib.test
def wrong_words_are_explained(lab):
    write(lab.directory, "main.c", HELLO)
    rows = [
        (["absent.c"], 1, "absent.c can't be read: No such file"),
        ([], 2, "build needs a source"),
        (["main.c", "--seed", "x"], 2, '--seed: "x" won\'t do'),
        (["main.c", "--cc", "tcc"], 2, "--cc clang  or  --cc gcc"),
        (["main.c", "-o"], 2, "-o lacks its value"),
        (["main.c", "-o", "main.c"], 2, "would overwrite the source"),
        (["main.c", "--frobnicate"], 2, "no option --frobnicate"),
        (["main.o"], 2, "main.o is not a C source"),
        (["main.c", "-o", "no/such/folder/x"], 1, "can't be written: No such file"),
        (["main.c", "-I", "nowhere", "-o", "x"], 1, "-I nowhere: No such file"),
    ]
    for words, code, text in rows:
        result = build(lab, *words, good=False)
        lib.equal(result.returncode, code, f"the exit code of build {' '.join(words)}")
        lib.contains(result.stderr, text)
    lib.contains(build(lab, "--help").stdout, "diatom build SOURCE.c")


@lib.test
def builds_from_an_installed_prefix(lab):
    need_compiler("gcc")
    prefix = lib.install(os.path.join(lab.directory, "prefix"))
    write(lab.directory, "main.c", LIBRARY)
    environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(lab.directory, "cache"))
    for compiler in COMPILERS:
        subprocess.run([f"{prefix}/bin/diatom", "build", "main.c", "-o", compiler, "--cc", compiler,
                        "--seed", "3"], cwd=lab.directory, env=environment, check=True)
        build(lab, "main.c", "-o", "tree", "--cc", compiler, "--seed", "3")
        lib.check(read(os.path.join(lab.directory, compiler)) ==
                  read(os.path.join(lab.directory, "tree")), f"{compiler}: not as from the tree")


lib.main()
