/*
 * The C library's start: lays out what Linux would have put on the stack, and lets musl go on.
 *
 *     arguments ... NULL | environment: NULL | auxiliary vector ... AT_NULL
 *
 * The block for thread variables is musl's own small one, or is taken from the main stack here: the
 * heap isn't linked into an image for that.
 */
#include <elf.h>
#include <stddef.h>

#include "abi/call.h"
#include "libc/calls.h"
#include "libc/wide.h"
#include "plat/start.h"

/* libc/musl/__set_thread_area.s has these as numbers. */
_Static_assert(offsetof(struct boot_info, call) == 16 &&
		       offsetof(struct boot_info, cpu_features) == 40 &&
		       BOOT_CPU_NO_FSGSBASE == 16 && CALL_THREAD == 8,
	"__set_thread_area.s knows boot info and the call");

/* Linux allows more; these are what musl reads. */
struct start_vector {
	char *arguments[BOOT_ARGUMENTS_MAX + 1];
	char *environment_end;
	Elf64_auxv_t auxiliary[6];
};

/* The image's own header, at its base: put there by the linker. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

int main(int argc, char **argv);
int __libc_start_main(int (*main)(int, char **), int argc, char **argv, void (*init)(void),
	void (*fini)(void), void (*unload)(void));

static uint8_t *tls_block;
static size_t tls_block_bytes;

static const Elf64_Phdr *program_headers(void)
{
	return (const Elf64_Phdr *)((const uint8_t *)&__ehdr_start + __ehdr_start.e_phoff);
}

/* Bytes that thread variables may need, with musl's own part and any alignment. */
static size_t tls_size(void)
{
	const Elf64_Phdr *header = program_headers();

	for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
		if (header[i].p_type == PT_TLS)
			return header[i].p_memsz + 2 * header[i].p_align + 1024;
	return 0;
}

void *libc_tls_memory(unsigned long bytes)
{
	if (bytes > tls_block_bytes)
		__builtin_trap();
	return tls_block;
}

static void fill_auxiliary(Elf64_auxv_t *entry, const struct boot_info *boot)
{
	entry[0] = (Elf64_auxv_t){ AT_PHDR, { (uint64_t)program_headers() } };
	entry[1] = (Elf64_auxv_t){ AT_PHENT, { __ehdr_start.e_phentsize } };
	entry[2] = (Elf64_auxv_t){ AT_PHNUM, { __ehdr_start.e_phnum } };
	entry[3] = (Elf64_auxv_t){ AT_PAGESZ, { BOOT_PAGE_BYTES } };
	/* The last 16 bytes of the seed are the C library's: canary and heap secret. */
	entry[4] = (Elf64_auxv_t){ AT_RANDOM, { (uint64_t)&boot->seed[BOOT_SEED_BYTES - 16] } };
	entry[5] = (Elf64_auxv_t){ AT_NULL, { 0 } };
}

_Noreturn void libc_start(const struct boot_info *boot)
{
	struct start_vector vector;
	uint32_t count = boot->argument_count;
	char **arguments = &vector.arguments[BOOT_ARGUMENTS_MAX - count];

	wide_choose(boot->cpu_features);
	for (uint32_t i = 0; i < count; i++)
		arguments[i] = (char *)boot->arguments[i];
	vector.arguments[BOOT_ARGUMENTS_MAX] = NULL;
	vector.environment_end = NULL;
	fill_auxiliary(vector.auxiliary, boot);
	tls_block_bytes = tls_size();
	tls_block = (uint8_t *)__builtin_alloca_with_align(tls_block_bytes, 64 * 8);
	__libc_start_main(main, (int)count, arguments, NULL, NULL, NULL);
	__builtin_trap();
}
