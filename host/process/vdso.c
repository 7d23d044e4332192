/*
 * An ELF file in memory: its dynamic section leads to the symbols, whose number the hash table knows.
 * This file comes from our kernel and is trusted.
 */
#include "host/process/vdso.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

struct vdso {
	uint64_t base; /* to be added to its addresses */
	const Elf64_Dyn *dynamic;
	const Elf64_Sym *symbols;
	const char *strings;
	const uint32_t *hash, *gnu_hash;
};

static void find_parts(struct vdso *vdso, uint64_t start)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)start;
	const Elf64_Phdr *p = (const Elf64_Phdr *)(start + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD)
			vdso->base = start + p[i].p_offset - p[i].p_vaddr;
		else if (p[i].p_type == PT_DYNAMIC)
			vdso->dynamic = (const Elf64_Dyn *)(start + p[i].p_offset);
	}
	for (const Elf64_Dyn *d = vdso->dynamic; d != NULL && d->d_tag != DT_NULL; d++) {
		uint64_t at = vdso->base + d->d_un.d_ptr;

		if (d->d_tag == DT_SYMTAB)
			vdso->symbols = (const Elf64_Sym *)at;
		else if (d->d_tag == DT_STRTAB)
			vdso->strings = (const char *)at;
		else if (d->d_tag == DT_HASH)
			vdso->hash = (const uint32_t *)at;
		else if (d->d_tag == DT_GNU_HASH)
			vdso->gnu_hash = (const uint32_t *)at;
	}
}

/* By the GNU hash table: the end of the last chain. */
static uint32_t count_by_gnu_hash(const uint32_t *table)
{
	uint32_t bucket_count = table[0], first = table[1], bloom_words = table[2], last = 0;
	const uint32_t *buckets = table + 4 + 2 * (size_t)bloom_words;
	const uint32_t *chains = buckets + bucket_count;

	for (uint32_t i = 0; i < bucket_count; i++)
		last = buckets[i] > last ? buckets[i] : last;
	if (last < first)
		return 0;
	while ((chains[last - first] & 1) == 0)
		last++;
	return last + 1;
}

uint64_t vdso_function(const char *name)
{
	struct vdso vdso = { 0 };
	uint64_t start = getauxval(AT_SYSINFO_EHDR);
	uint32_t count = 0;

	if (start == 0)
		return 0;
	find_parts(&vdso, start);
	if (vdso.symbols == NULL || vdso.strings == NULL)
		return 0;
	if (vdso.hash != NULL)
		count = vdso.hash[1];
	else if (vdso.gnu_hash != NULL)
		count = count_by_gnu_hash(vdso.gnu_hash);
	for (uint32_t i = 0; i < count; i++) {
		const Elf64_Sym *symbol = &vdso.symbols[i];

		if (symbol->st_shndx != SHN_UNDEF &&
			strcmp(vdso.strings + symbol->st_name, name) == 0)
			return vdso.base + symbol->st_value;
	}
	return 0;
}
