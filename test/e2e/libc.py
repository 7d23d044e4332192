"""
The C library of an image at its edges: absurd sizes, calls that an image does not have, memory that
ends. An error is answered, as Linux would; nothing crashes and nothing hangs.
"""
import errno
import os

import lib

# What test/images/libc_edges.c must print: 0, 1 for anything else, or an error.
WANTED = {
    "mmap_zero": errno.EINVAL,
    "mmap_all": errno.ENOMEM,
    "mmap_half": errno.ENOMEM,
    "mmap_much": errno.ENOMEM,
    "mmap_executable": errno.ENOMEM,  # musl takes EPERM for that
    "mprotect_executable": errno.EPERM,
    "munmap_zero": errno.EINVAL,
    "munmap_odd": errno.EINVAL,
    "munmap_all": errno.EINVAL,
    "munmap_half": errno.EINVAL,
    "madvise_all": errno.EINVAL,
    "madvise_half": errno.ENOMEM,
    "madvise_wild": errno.ENOMEM,
    "mremap": errno.ENOSYS,
    "munmap": 0,
    "zeroed": 0,
    "is_zero": 0,
    "unmapped_twice": 0,
    "comes_back": 0,
    "malloc_all": 0,
    "malloc_half": 0,
    "calloc_wraps": 0,
    "realloc_much": 0,
    "socket": errno.ENOSYS,
    "open": errno.ENOSYS,
    "no_call": errno.ENOSYS,
    "fork": errno.ENOSYS,
    "write_negative": errno.EINVAL,
    "write_to_3": errno.EBADF,
    "writev_negative": errno.EINVAL,
    "nanosleep_odd": errno.EINVAL,
    "nanosleep_wild": errno.EINVAL,
    "some_blocks": True,
    "as_many_again": True,
}


@lib.test_each("vm", "process")
def edges(lab, target):
    image = lab.path("libc_edges")
    built = lab.run([lib.DIATOM, "build", os.path.join(lib.ROOT, "test/images/libc_edges.c"), "-w",
                     "-o", image], timeout=120)
    lib.equal(built.code, 0, f"{built.err}exit code of diatom build")
    result = lab.boot_and_wait(image, target=target, mem=16)
    lib.equal(result.code, 0, f"{result.out}{result.err}exit code")
    for line, (name, wanted) in zip(result.out.splitlines(), WANTED.items(), strict=True):
        value = "1 0" if wanted is True else f"-1 {wanted}" if wanted else "0 0"
        lib.equal(line, f"{name} {value}", "a line")


lib.main()
