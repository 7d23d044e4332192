/*
 * The C library's calls at their edges: each row prints what a call with absurd arguments gave, -1 with
 * errno, 0, or 1 for anything else. test/e2e/libc.py knows what Linux would.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096
#define BLOCK 100000

static void show(const char *name, long result)
{
	printf("%s %d %d\n", name,
		result == 0    ? 0
		: result == -1 ? -1
			       : 1,
		result == -1 ? errno : 0);
}

static char *map(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_sizes(void)
{
	char *p = map(4 * PAGE);

	show("mmap_zero", (long)map(0));
	show("mmap_all", (long)map(SIZE_MAX));
	show("mmap_half", (long)map(LONG_MAX));
	show("mmap_much", (long)map((size_t)1 << 40));
	show("mmap_executable",
		(long)mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	show("mprotect_executable", mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	show("munmap_zero", munmap(p, 0));
	show("munmap_odd", munmap(p + 1, PAGE));
	show("munmap_all", munmap(p, SIZE_MAX));
	show("munmap_half", munmap(p, LONG_MAX));
	show("madvise_all", madvise(p, SIZE_MAX, MADV_DONTNEED));
	show("madvise_half", madvise(p, LONG_MAX, MADV_DONTNEED));
	show("madvise_wild", madvise((void *)PAGE, PAGE, MADV_DONTNEED));
	show("mremap", (long)mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
	show("munmap", munmap(p, 4 * PAGE));
}

/* What is unmapped twice, or has holes, is not handed out while any of it is in use. */
static void try_holes(void)
{
	char *p = map(4 * PAGE), *q;

	memset(p, 1, 4 * PAGE);
	show("zeroed", madvise(p, PAGE, MADV_DONTNEED));
	show("is_zero", p[0] || p[PAGE - 1] || p[PAGE] != 1);
	munmap(p, 2 * PAGE);
	munmap(p, 2 * PAGE);
	q = map(4 * PAGE);
	show("unmapped_twice", q == p);
	munmap(q, 4 * PAGE);
	munmap(p + 2 * PAGE, 2 * PAGE);
	q = map(4 * PAGE);
	show("comes_back", q != p);
}

static void try_malloc(void)
{
	show("malloc_all", (long)malloc(SIZE_MAX));
	show("malloc_half", (long)malloc(PTRDIFF_MAX));
	show("calloc_wraps", (long)calloc(SIZE_MAX / 2, 3));
	show("realloc_much", (long)realloc(malloc(10), (size_t)1 << 40));
}

/* A list of blocks until there are no more. */
static size_t fill(void **list)
{
	size_t count = 0;
	void **block;

	for (; (block = malloc(BLOCK)) != NULL; count++) {
		*block = *list;
		*list = block;
	}
	return count;
}

static void try_end_of_memory(void)
{
	void *list = NULL, *next;
	size_t first = fill(&list);

	show("some_blocks", first > 0);
	for (; list; list = next) {
		next = *(void **)list;
		free(list);
	}
	show("as_many_again", fill(&list) == first);
}

static void try_calls(void)
{
	struct timespec odd = { 0, 1000000000 }, wild = { -1, 0 };

	show("socket", socket(AF_INET, SOCK_STREAM, 0));
	show("open", open("/etc/passwd", O_RDONLY));
	show("no_call", syscall(9999));
	show("fork", fork());
	show("write_negative", write(1, "", SIZE_MAX));
	show("write_to_3", write(3, "", 1));
	show("writev_negative", writev(1, NULL, -1));
	show("nanosleep_odd", nanosleep(&odd, NULL));
	show("nanosleep_wild", nanosleep(&wild, NULL));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	try_sizes();
	try_holes();
	try_malloc();
	try_calls();
	try_end_of_memory();
	return 0;
}
