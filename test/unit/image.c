/*
 * Image files that are wrong in one way each. A good file is put together here:
 *
 *     0x0000  ELF header, program headers, notes, relocation tables    R--
 *     0x1000  text                                                      R-X
 *     0x2000  dynamic section, relro                                    RW-, then R--
 *     0x3000  data, and a page of zeros                                 RW-
 *
 * and each row changes it and names what the error must say.
 */
#include "host/image/image.h"

#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi/call.h"
#include "abi/shim_image.h"
#include "host/image/elf.h"
#include "test/check.h"

#define FILE_BYTES   0x4000
#define NOTES_AT     0xcc0
#define RELA_AT	     0x600
#define RELR_AT	     0x680
#define DYNAMIC_AT   0x2000
#define NOTES_MAX    0x340
#define HEADER_COUNT 7

enum header { R, RX, RELRO, RW, DYNAMIC, GNU_RELRO, NOTE };

struct file {
	union {
		uint8_t bytes[FILE_BYTES];
		Elf64_Ehdr ehdr;
	};
	uint64_t length;
	uint32_t notes_used;
};

static Elf64_Phdr *header(struct file *f, enum header i)
{
	return (Elf64_Phdr *)(f->bytes + sizeof(Elf64_Ehdr)) + i;
}

static Elf64_Dyn *dynamic(struct file *f, unsigned i)
{
	return (Elf64_Dyn *)(f->bytes + DYNAMIC_AT) + i;
}

static Elf64_Rela *rela(struct file *f)
{
	return (Elf64_Rela *)(f->bytes + RELA_AT);
}

static uint64_t *relr(struct file *f)
{
	return (uint64_t *)(f->bytes + RELR_AT);
}

static void set_header(struct file *f, enum header i, uint32_t type, uint32_t flags, uint64_t at,
	uint64_t in_file, uint64_t in_memory)
{
	*header(f, i) = (Elf64_Phdr){ .p_type = type,
		.p_flags = flags,
		.p_offset = at,
		.p_vaddr = at,
		.p_paddr = at,
		.p_filesz = in_file,
		.p_memsz = in_memory,
		.p_align = type == PT_LOAD ? 0x1000 : 4 };
}

/* Appends a note; returns its descriptor. */
static void *add_note(struct file *f, uint32_t type, const void *desc, uint32_t bytes)
{
	uint8_t *at = f->bytes + NOTES_AT + f->notes_used;
	uint32_t head[3] = { 7, bytes, type };

	memcpy(at, head, sizeof(head));
	memcpy(at + 12, "Diatom\0", 8);
	memcpy(at + 20, desc, bytes);
	f->notes_used += 20 + bytes;
	header(f, NOTE)->p_filesz = header(f, NOTE)->p_memsz = f->notes_used;
	return at + 20;
}

static void *add_net6(struct file *f, const char *ip6, const char *gateway6)
{
	struct manifest_net net = { .name = "six" };

	snprintf(net.ip6, sizeof(net.ip6), "%s", ip6);
	snprintf(net.gateway6, sizeof(net.gateway6), "%s", gateway6);
	return add_note(f, MANIFEST_NET, &net, sizeof(net));
}

static void *add_net(struct file *f, const char *name, const char *ip, const char *gateway)
{
	struct manifest_net net = { 0 };

	snprintf(net.name, sizeof(net.name), "%s", name);
	snprintf(net.ip, sizeof(net.ip), "%s", ip);
	snprintf(net.gateway, sizeof(net.gateway), "%s", gateway);
	return add_note(f, MANIFEST_NET, &net, sizeof(net));
}

/* An inside that lies at [start, end) of the image. */
static void add_inside(struct file *f, const char *name, uint64_t start, uint64_t end)
{
	struct manifest_inside inside = { 0 };
	uint64_t at = NOTES_AT + f->notes_used + 20;

	memcpy(inside.name, name, strnlen(name, sizeof(inside.name)));
	inside.start = (int32_t)(start - (at + offsetof(struct manifest_inside, start)));
	inside.end = (int32_t)(end - (at + offsetof(struct manifest_inside, end)));
	add_note(f, MANIFEST_INSIDE, &inside, sizeof(inside));
}

static void add_insides(struct file *f, unsigned count)
{
	char name[8];

	/* So many fill the place of the relocation tables. */
	dynamic(f, 0)->d_tag = DT_NULL;
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "i%u", i);
		add_inside(f, name, 0x3000, 0x3010);
	}
}

static void make_good(struct file *f)
{
	struct manifest_abi abi = { MANIFEST_ABI_VERSION };

	memset(f, 0, sizeof(*f));
	f->length = FILE_BYTES;
	memcpy(f->ehdr.e_ident, ELFMAG, SELFMAG);
	f->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	f->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	f->ehdr.e_type = ET_DYN;
	f->ehdr.e_machine = EM_X86_64;
	f->ehdr.e_entry = 0x1010;
	f->ehdr.e_phoff = sizeof(Elf64_Ehdr);
	f->ehdr.e_phentsize = sizeof(Elf64_Phdr);
	f->ehdr.e_phnum = HEADER_COUNT;
	set_header(f, R, PT_LOAD, PF_R, 0, 0x1000, 0x1000);
	set_header(f, RX, PT_LOAD, PF_R | PF_X, 0x1000, 0x100, 0x100);
	set_header(f, RELRO, PT_LOAD, PF_R | PF_W, 0x2000, 0x1000, 0x1000);
	set_header(f, RW, PT_LOAD, PF_R | PF_W, 0x3000, 0x100, 0x1800);
	set_header(f, DYNAMIC, PT_DYNAMIC, PF_R | PF_W, DYNAMIC_AT, 7 * 16, 7 * 16);
	set_header(f, GNU_RELRO, PT_GNU_RELRO, PF_R, 0x2000, 0x1000, 0x1000);
	set_header(f, NOTE, PT_NOTE, PF_R, NOTES_AT, 0, 0);
	add_note(f, MANIFEST_ABI, &abi, sizeof(abi));
	*dynamic(f, 0) = (Elf64_Dyn){ DT_RELA, { RELA_AT } };
	*dynamic(f, 1) = (Elf64_Dyn){ DT_RELASZ, { 24 } };
	*dynamic(f, 2) = (Elf64_Dyn){ DT_RELAENT, { 24 } };
	*dynamic(f, 3) = (Elf64_Dyn){ 36 /* RELR */, { RELR_AT } };
	*dynamic(f, 4) = (Elf64_Dyn){ 35, { 16 } };
	*dynamic(f, 5) = (Elf64_Dyn){ 37, { 8 } };
	*rela(f) = (Elf64_Rela){ 0x2800, R_X86_64_RELATIVE, 0x1020 };
	relr(f)[0] = 0x3000;
	relr(f)[1] = 3; /* and the word behind it */
	memcpy(f->bytes + 0x3000, &(uint64_t[]){ 0x1030, 0x1040 }, 16);
}

/* What is wrong, and the words of the error. */
struct row {
	const char *name;
	void (*change)(struct file *f);
	const char *words;
};

static void check_row(const struct row *row)
{
	static struct file f;
	struct image image;
	struct image_error error = { 0 };

	make_good(&f);
	row->change(&f);
	/* On the heap with its exact length, so that the sanitizer sees an overread. */
	uint8_t *bytes = malloc(f.length + 1);

	memcpy(bytes, f.bytes, f.length);
	if (image_decode(&image, bytes, f.length, &error))
		CHECK_FAIL("%s: accepted", row->name);
	else if (strstr(error.what, row->words) == NULL)
		CHECK_FAIL("%s: \"%s\" lacks \"%s\"", row->name, error.what, row->words);
	else
		CHECK_EQUAL(error.code, EXIT_REFUSED);
	free(bytes);
}

#define CHANGE(name, statement)                                                                    \
	static void name(struct file *f)                                                           \
	{                                                                                          \
		statement;                                                                         \
	}

CHANGE(is_empty, f->length = 0)
CHANGE(ends_in_header, f->length = 63)
CHANGE(is_text, memcpy(f->bytes, "#!/bin/sh", 9))
CHANGE(is_32_bit, f->ehdr.e_ident[EI_CLASS] = ELFCLASS32)
CHANGE(is_big_endian, f->ehdr.e_ident[EI_DATA] = ELFDATA2MSB)
CHANGE(is_arm, f->ehdr.e_machine = EM_AARCH64)
CHANGE(is_fixed, f->ehdr.e_type = ET_EXEC)
CHANGE(has_no_headers, f->ehdr.e_phnum = 0)
CHANGE(has_many_headers, f->ehdr.e_phnum = 65535)
CHANGE(has_odd_headers, f->ehdr.e_phentsize = 55)
CHANGE(headers_beyond, f->ehdr.e_phoff = FILE_BYTES - 8)
CHANGE(headers_wrap, f->ehdr.e_phoff = UINT64_MAX - 8)
CHANGE(is_cut, f->length = 0x2800)
CHANGE(segment_wraps, header(f, RW)->p_offset = UINT64_MAX - 0xfff)
CHANGE(segment_is_short, header(f, RW)->p_memsz = 0x80)
CHANGE(segment_is_huge, header(f, RW)->p_memsz = UINT64_C(1) << 40)
CHANGE(segment_is_far, header(f, RW)->p_vaddr = UINT64_MAX - 0xfff)
CHANGE(segment_is_unaligned, header(f, RX)->p_vaddr += 8)
CHANGE(segment_aligns_to_word, header(f, RX)->p_align = 8)
CHANGE(segment_aligns_to_three, header(f, RX)->p_align = 0x3000)
CHANGE(segment_is_wx, header(f, RX)->p_flags |= PF_W)
CHANGE(segment_is_hidden, header(f, RX)->p_flags = PF_X)
CHANGE(segment_has_odd_flags, header(f, RX)->p_flags |= 0x200000)
CHANGE(segments_overlap, header(f, RELRO)->p_memsz = 0x1001)
CHANGE(segments_share_a_page, header(f, RX)->p_vaddr = header(f, RX)->p_offset = 0x800)
CHANGE(segments_are_unordered, *header(f, R) = *header(f, RW))
CHANGE(nothing_to_load, f->ehdr.e_phnum = 1; header(f, R)->p_type = PT_NULL)
CHANGE(interpreter, header(f, DYNAMIC)->p_type = PT_INTERP)
CHANGE(stack_executable, header(f, DYNAMIC)->p_type = PT_GNU_STACK; header(f, DYNAMIC)->p_flags = 7)
CHANGE(two_dynamic, header(f, GNU_RELRO)->p_type = PT_DYNAMIC)
CHANGE(entry_in_data, f->ehdr.e_entry = 0x3000)
CHANGE(entry_beyond, f->ehdr.e_entry = UINT64_MAX)
CHANGE(entry_behind_text, f->ehdr.e_entry = 0x1100)
CHANGE(relro_in_text, header(f, GNU_RELRO)->p_vaddr = 0x1000)
CHANGE(relro_too_long, header(f, GNU_RELRO)->p_memsz = 0x1800)
CHANGE(relro_wraps, header(f, GNU_RELRO)->p_memsz = UINT64_MAX)
CHANGE(relro_unaligned, header(f, GNU_RELRO)->p_memsz = 0x800)
CHANGE(tls_too_large, header(f, GNU_RELRO)->p_type = PT_TLS; header(f, GNU_RELRO)->p_memsz = 1)
CHANGE(tls_nowhere, header(f, GNU_RELRO)->p_type = PT_TLS; header(f, GNU_RELRO)->p_vaddr = 0x9000)
CHANGE(dynamic_nowhere, header(f, DYNAMIC)->p_vaddr = 0x8000)
CHANGE(dynamic_wraps, header(f, DYNAMIC)->p_filesz = UINT64_MAX - 0x1000)
CHANGE(needs_library, dynamic(f, 0)->d_tag = DT_NEEDED)
CHANGE(text_relocations, dynamic(f, 0)->d_tag = DT_TEXTREL)
CHANGE(rela_beyond, dynamic(f, 1)->d_un.d_val = 24 * 100000)
CHANGE(rela_wraps, dynamic(f, 0)->d_un.d_val = UINT64_MAX - 23)
CHANGE(rela_in_data, dynamic(f, 0)->d_un.d_val = 0x3000)
CHANGE(rela_odd_size, dynamic(f, 1)->d_un.d_val = 25)
CHANGE(rela_odd_entry, dynamic(f, 2)->d_un.d_val = 8)
CHANGE(rela_absolute, rela(f)->r_info = R_X86_64_64)
CHANGE(rela_of_symbol, rela(f)->r_info |= UINT64_C(1) << 32)
CHANGE(rela_in_text, rela(f)->r_offset = 0x1000)
CHANGE(rela_in_headers, rela(f)->r_offset = 0)
CHANGE(rela_across_end, rela(f)->r_offset = 0x3000 + 0x1800 - 7)
CHANGE(rela_far, rela(f)->r_offset = UINT64_MAX - 3)
CHANGE(relr_first_bitmap, relr(f)[0] = 3)
CHANGE(relr_in_text, relr(f)[0] = 0x1000)
CHANGE(relr_bitmap_beyond, relr(f)[0] = 0x4700; relr(f)[1] = UINT64_MAX)
CHANGE(relr_many, for (unsigned i = 0; i < 200; i++) relr(f)[i] = i % 2 ? UINT64_MAX : 0x3000;
	header(f, R)->p_filesz = header(f, R)->p_memsz = 0x1000;
	dynamic(f, 4)->d_un.d_val = 200 * 8)
CHANGE(relr_far, relr(f)[0] = UINT64_MAX - 7)
CHANGE(notes_beyond, header(f, NOTE)->p_filesz = FILE_BYTES)
CHANGE(notes_wrap, header(f, NOTE)->p_offset = UINT64_MAX)
CHANGE(note_cut, header(f, NOTE)->p_filesz = 23)
CHANGE(note_head_cut, header(f, NOTE)->p_filesz = 11)
CHANGE(note_long_owner, memset(f->bytes + NOTES_AT, 0xff, 4))
CHANGE(note_long, memset(f->bytes + NOTES_AT + 4, 0xff, 4))
CHANGE(no_abi, f->bytes[NOTES_AT + 12] = 'X')
CHANGE(other_abi, f->bytes[NOTES_AT + 20] = 9)
CHANGE(two_abis, add_note(f, MANIFEST_ABI, &(uint32_t){ 1 }, 4))
CHANGE(unknown_note, add_note(f, 77, "abcd", 4))
CHANGE(note_type_zero, add_note(f, 0, "abcd", 4))
CHANGE(note_short, add_note(f, MANIFEST_NET, "abcd", 4))
CHANGE(name_without_end, memset(add_net(f, "a", "", ""), 'a', 16))
CHANGE(name_empty, add_net(f, "", "", ""))
CHANGE(name_escapes, add_net(f, "eth\033[2J", "", ""))
CHANGE(name_twice, add_net(f, "eth0", "", ""); add_net(f, "eth0", "", ""))
CHANGE(name_of_two_kinds, add_net(f, "x", "", "");
	add_note(f, MANIFEST_BLOB, &(struct manifest_blob){ .name = "x" }, 20))
CHANGE(ip_without_end, memset((char *)add_net(f, "a", "", "") + 16, '1', 56))
CHANGE(ip_without_prefix, add_net(f, "a", "10.0.0.1", ""))
CHANGE(ip_wrong, add_net(f, "a", "10.0.0.256/24", ""))
CHANGE(ip_long_prefix, add_net(f, "a", "10.0.0.1/33", ""))
CHANGE(ip_of_six, add_net(f, "a", "2001:db8::1/64", ""))
CHANGE(gateway_wrong, add_net(f, "a", "", "here"))
CHANGE(ip6_without_end, memset(((struct manifest_net *)add_net6(f, "", ""))->ip6, '1', 56))
CHANGE(ip6_without_prefix, add_net6(f, "2001:db8::1", ""))
CHANGE(ip6_of_four, add_net6(f, "10.0.0.1/24", ""))
CHANGE(ip6_word, add_net6(f, "on", ""))
CHANGE(ip6_long_prefix, add_net6(f, "2001:db8::1/129", ""))
CHANGE(gateway6_wrong, add_net6(f, "auto", "10.0.0.1"))
CHANGE(gateway6_without_end,
	memset(((struct manifest_net *)add_net6(f, "", ""))->gateway6, '1', 56))
CHANGE(net_long, add_note(f, MANIFEST_NET, &(char[253]){ "a" }, 253))
CHANGE(mtu_small, ((struct manifest_net *)add_net(f, "a", "", ""))->mtu = 67)
CHANGE(memory_absurd,
	add_note(f, MANIFEST_IMAGE, &(struct manifest_image){ .memory_mib = UINT32_MAX }, 72))
CHANGE(image_name, add_note(f, MANIFEST_IMAGE, &(struct manifest_image){ .name = "a\tb" }, 72))
CHANGE(stacks_odd, add_note(f, MANIFEST_STACKS, &(struct manifest_stacks){ 5000, 0 }, 8))
CHANGE(stacks_large, add_note(f, MANIFEST_STACKS, &(struct manifest_stacks){ 1 << 21, 0 }, 8))
CHANGE(stacks_many, add_note(f, MANIFEST_STACKS, &(struct manifest_stacks){ 0, UINT32_MAX }, 8))
CHANGE(inside_beyond, add_inside(f, "log", 0x5000, 0x5001))
CHANGE(inside_across_end, add_inside(f, "log", 0x4fff, 0x5001))
CHANGE(inside_of_two_regions, add_inside(f, "log", 0x2ff8, 0x3008))
CHANGE(inside_backwards, add_inside(f, "log", 0x3010, 0x3008))
CHANGE(inside_before, add_inside(f, "log", UINT64_MAX - 0xfff, 0))
CHANGE(inside_far, add_inside(f, "log", 0x7fffffff, 0x7fffffff))
CHANGE(inside_nameless, add_inside(f, "", 0x3000, 0x3010))
CHANGE(inside_endless, add_inside(f, "abcdefghijklmnop", 0x3000, 0x3010))
CHANGE(inside_twice, add_inside(f, "log", 0x3000, 0x3010); add_inside(f, "log", 0x3000, 0x3010))
CHANGE(inside_many, add_insides(f, MANIFEST_INSIDE_MAX + 1))
CHANGE(inside_wraps, header(f, NOTE)->p_vaddr = UINT64_MAX - 8; add_inside(f, "log", 0, 0))

#define ROW(change, words) { #change, change, words }

static const struct row rows[] = {
	ROW(is_empty, "not a Diatom image"),
	ROW(ends_in_header, "not a Diatom image"),
	ROW(is_text, "not a Diatom image"),
	ROW(is_32_bit, "not an ELF file for x86-64"),
	ROW(is_big_endian, "not an ELF file for x86-64"),
	ROW(is_arm, "not an ELF file for x86-64"),
	ROW(is_fixed, "not position-independent"),
	ROW(has_no_headers, "program headers"),
	ROW(has_many_headers, "program headers"),
	ROW(has_odd_headers, "program headers"),
	ROW(headers_beyond, "cut off"),
	ROW(headers_wrap, "cut off"),
	ROW(is_cut, "cut off: segment 2"),
	ROW(segment_wraps, "cut off: segment 3"),
	ROW(segment_is_short, "segment 3 is larger in the file than in memory"),
	ROW(segment_is_huge, "segment 3 lies beyond 1 GiB"),
	ROW(segment_is_far, "segment 3 lies beyond 1 GiB"),
	ROW(segment_is_unaligned, "segment 1 is not aligned"),
	ROW(segment_aligns_to_word, "segment 1 is not aligned"),
	ROW(segment_aligns_to_three, "segment 1 is not aligned"),
	ROW(segment_is_wx, "segment 1 is writable and executable"),
	ROW(segment_is_hidden, "segment 1 has odd permissions"),
	ROW(segment_has_odd_flags, "segment 1 has odd permissions"),
	ROW(segments_overlap, "segment 3 overlaps"),
	ROW(segments_share_a_page, "segment 1 overlaps"),
	ROW(segments_are_unordered, "does not begin with its ELF header"),
	ROW(nothing_to_load, "nothing to load"),
	ROW(interpreter, "dynamic linker"),
	ROW(stack_executable, "executable stack"),
	ROW(two_dynamic, "more than one dynamic"),
	ROW(entry_in_data, "entry point"),
	ROW(entry_beyond, "entry point"),
	ROW(entry_behind_text, "entry point"),
	ROW(relro_in_text, "relro segment is not inside"),
	ROW(relro_too_long, "relro segment is not inside"),
	ROW(relro_wraps, "relro segment is not inside"),
	ROW(relro_unaligned, "does not fill pages"),
	ROW(tls_too_large, "thread-local"),
	ROW(tls_nowhere, "thread-local"),
	ROW(dynamic_nowhere, "dynamic section"),
	ROW(dynamic_wraps, "dynamic section"),
	ROW(needs_library, "shared libraries"),
	ROW(text_relocations, "must not have"),
	ROW(rela_beyond, "not in a read-only segment"),
	ROW(rela_wraps, "not in a read-only segment"),
	ROW(rela_in_data, "not in a read-only segment"),
	ROW(rela_odd_size, "odd sizes"),
	ROW(rela_odd_entry, "odd sizes"),
	ROW(rela_absolute, "relocation 0 is of type 1"),
	ROW(rela_of_symbol, "relocation 0 is of type 8"),
	ROW(rela_in_text, "not writable data"),
	ROW(rela_in_headers, "not writable data"),
	ROW(rela_across_end, "not writable data"),
	ROW(rela_far, "not writable data"),
	ROW(relr_first_bitmap, "begins with a bitmap"),
	ROW(relr_in_text, "not writable data"),
	ROW(relr_bitmap_beyond, "not writable data"),
	ROW(relr_far, "not writable data"),
	ROW(relr_many, "more relocations than words"),
	ROW(notes_beyond, "note segment"),
	ROW(notes_wrap, "note segment"),
	ROW(note_cut, "cut off or malformed"),
	ROW(note_head_cut, "cut off or malformed"),
	ROW(note_long_owner, "cut off or malformed"),
	ROW(note_long, "cut off or malformed"),
	ROW(no_abi, "does not name an ABI"),
	ROW(other_abi, "is made for ABI 9"),
	ROW(two_abis, "two notes of type 1"),
	ROW(unknown_note, "type 77"),
	ROW(note_type_zero, "type 0"),
	ROW(note_short, "with 4 bytes instead of 252"),
	ROW(name_without_end, "name is malformed"),
	ROW(name_empty, "name is malformed"),
	ROW(name_escapes, "name is malformed"),
	ROW(name_twice, "declares \"eth0\" twice"),
	ROW(name_of_two_kinds, "declares \"x\" twice"),
	ROW(ip_without_end, "address is not of the form"),
	ROW(ip_without_prefix, "address is not of the form"),
	ROW(ip_wrong, "address is not of the form"),
	ROW(ip_long_prefix, "address is not of the form"),
	ROW(ip_of_six, "address is not of the form"),
	ROW(gateway_wrong, "gateway is not an address"),
	ROW(ip6_without_end, "IPv6 address is not of the form"),
	ROW(ip6_without_prefix, "IPv6 address is not of the form"),
	ROW(ip6_of_four, "IPv6 address is not of the form"),
	ROW(ip6_word, "IPv6 address is not of the form"),
	ROW(ip6_long_prefix, "IPv6 address is not of the form"),
	ROW(gateway6_wrong, "IPv6 gateway is not"),
	ROW(gateway6_without_end, "IPv6 gateway is not"),
	ROW(net_long, "with 253 bytes instead of 252"),
	ROW(mtu_small, "MTU of 67"),
	ROW(memory_absurd, "more than 1 TiB"),
	ROW(image_name, "name or version is malformed"),
	ROW(stacks_odd, "fiber stacks of 5000"),
	ROW(stacks_large, "fiber stacks of 2097152"),
	ROW(stacks_many, "fiber stacks"),
	ROW(inside_beyond, "\"log\" lies outside"),
	ROW(inside_across_end, "\"log\" lies outside"),
	ROW(inside_of_two_regions, "\"log\" lies outside"),
	ROW(inside_backwards, "\"log\" lies outside"),
	ROW(inside_before, "\"log\" lies outside"),
	ROW(inside_far, "\"log\" lies outside"),
	ROW(inside_nameless, "inside's name"),
	ROW(inside_endless, "inside's name"),
	ROW(inside_twice, "\"log\" twice"),
	ROW(inside_many, "more than 16 insides"),
	ROW(inside_wraps, "\"log\" lies outside"),
};

static void wrong_files_are_refused(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static void every_cut_is_refused(void)
{
	static struct file f;
	struct image image;
	struct image_error error;

	make_good(&f);
	for (uint64_t length = 0; length < 0x3100; length += 7) {
		uint8_t *bytes = malloc(length + 1);

		memcpy(bytes, f.bytes, length);
		CHECK(!image_decode(&image, bytes, length, &error));
		free(bytes);
	}
}

static void good_file_is_understood(void)
{
	static const struct image_region expected[] = {
		{ 0, 0x1000, IMAGE_READ, false },
		{ 0x1000, 0x1000, IMAGE_READ | IMAGE_EXECUTE, false },
		{ 0x2000, 0x1000, IMAGE_READ, true },
		{ 0x3000, 0x2000, IMAGE_READ | IMAGE_WRITE, false },
	};
	static struct file f;
	struct image image;
	struct image_error error;

	make_good(&f);
	add_net(&f, "eth0", "192.0.2.53/24", "192.0.2.1");
	add_net6(&f, "2001:db8::1/64", "fe80::1");
	add_note(&f, MANIFEST_STACKS, &(struct manifest_stacks){ 8192, 10 }, 8);
	add_note(&f, MANIFEST_STACKS, &(struct manifest_stacks){ 4096, 20 }, 8);
	CHECK(image_decode(&image, f.bytes, f.length, &error));
	CHECK_EQUAL(image.span_bytes, 0x5000);
	CHECK_EQUAL(image.entry, 0x1010);
	CHECK_EQUAL(image.region_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQUAL(image.regions[i].virtual, expected[i].virtual);
		CHECK_EQUAL(image.regions[i].bytes, expected[i].bytes);
		CHECK_EQUAL(image.regions[i].rights, expected[i].rights);
		CHECK_EQUAL(image.regions[i].is_relro, expected[i].is_relro);
	}
	CHECK_EQUAL(image.net_count, 2);
	CHECK_TEXT(image.nets[0].ip, "192.0.2.53/24");
	CHECK_TEXT(image.nets[1].name, "six");
	CHECK_TEXT(image.nets[1].ip6, "2001:db8::1/64");
	CHECK_TEXT(image.nets[1].gateway6, "fe80::1");
	CHECK_EQUAL(image.stack_bytes, 8192);
	CHECK_EQUAL(image.stack_count_max, 20);
}

/* A note of an image from before there was IPv6: its body has none. */
static void old_net_is_understood(void)
{
	static struct file f;
	struct manifest_net net = { .name = "eth0", .ip = "192.0.2.53/24", .optional = 1 };
	struct image image;
	struct image_error error;

	make_good(&f);
	add_note(&f, MANIFEST_NET, &net, MANIFEST_NET_BYTES_V4);
	CHECK(image_decode(&image, f.bytes, f.length, &error));
	CHECK_EQUAL(image.net_count, 1);
	CHECK_TEXT(image.nets[0].ip, "192.0.2.53/24");
	CHECK_TEXT(image.nets[0].ip6, "off");
	CHECK_EQUAL(image.nets[0].optional, 1);
}

static void insides_are_found(void)
{
	static struct file f;
	struct image image;
	struct image_error error;
	const struct image_inside *inside;

	make_good(&f);
	add_inside(&f, "log", 0x3000, 0x5000);
	add_inside(&f, "fibers", 0x2ff0, 0x3000);
	add_inside(&f, "counters", 0, 0);
	CHECK(image_decode(&image, f.bytes, f.length, &error));
	CHECK_EQUAL(image.inside_count, 3);
	inside = image_inside_find(&image, "log");
	CHECK(inside != NULL && inside->virtual == 0x3000 && inside->bytes == 0x2000);
	inside = image_inside_find(&image, "fibers");
	CHECK(inside != NULL && inside->virtual == 0x2ff0 && inside->bytes == 16);
	inside = image_inside_find(&image, "counters");
	CHECK(inside != NULL && inside->virtual == 0 && inside->bytes == 0);
	CHECK(image_inside_find(&image, "trace") == NULL);
}

static void build_id_is_kept(void)
{
	static struct file f;
	struct image image;
	struct image_error error;
	uint8_t *at;

	make_good(&f);
	CHECK(image_decode(&image, f.bytes, f.length, &error));
	CHECK_EQUAL(image.build_id_bytes, 0);
	at = add_note(&f, 3, "0123456789abcdefghij....", 24);
	memcpy(at - 20, &(uint32_t[]){ 4, 20 }, 8);
	memcpy(at - 8,
		"GNU\0"
		"0123456789abcdefghij",
		24);
	f.notes_used -= 8;
	header(&f, NOTE)->p_filesz = f.notes_used;
	CHECK(image_decode(&image, f.bytes, f.length, &error));
	CHECK_EQUAL(image.build_id_bytes, 20);
	CHECK(memcmp(image.build_id, "0123456789abcdefghij", 20) == 0);
}

static void defaults_without_notes(void)
{
	static struct file f;
	struct image image;
	struct image_error error;

	make_good(&f);
	CHECK(image_decode(&image, f.bytes, f.length, &error));
	CHECK(!image.has_stacks);
	CHECK_EQUAL(image.stack_bytes, MANIFEST_STACK_BYTES_DEFAULT);
	CHECK_EQUAL(image.net_count, 0);
	CHECK_TEXT(image.console.name, "");
}

static uint64_t word_at(const uint8_t *loaded, uint64_t at)
{
	uint64_t word;

	memcpy(&word, loaded + at, sizeof(word));
	return word;
}

static void loads_and_relocates(void)
{
	const uint64_t base = 0x7f0000000000;
	static struct file f;
	struct image image;
	struct image_error error;
	uint8_t *loaded;

	make_good(&f);
	f.bytes[0x1010] = 0xcc;
	CHECK(image_decode(&image, f.bytes, f.length, &error));
	loaded = calloc(1, image.span_bytes);
	image_load(&image, loaded, base);
	CHECK_EQUAL(loaded[0x1010], 0xcc);
	CHECK_EQUAL(word_at(loaded, 0x2800), base + 0x1020);
	CHECK_EQUAL(word_at(loaded, 0x3000), base + 0x1030);
	CHECK_EQUAL(word_at(loaded, 0x3008), base + 0x1040);
	CHECK_EQUAL(word_at(loaded, 0x3010), 0);
	free(loaded);
}

/* Bytes behind the body that only other hypervisors load are not even read. */
static void shim_is_left_out(void)
{
	const uint64_t body = 0x1000, shim = 0x3000;
	char path[] = "/tmp/diatom-image-XXXXXX";
	int fd = mkstemp(path);
	static struct file f;
	struct image image;
	struct image_error error = { 0 };

	make_good(&f);
	f.ehdr.e_entry = SHIM_BODY_PHYSICAL + 0x1010;
	set_header(&f, RELRO, PT_LOAD, PF_R | SHIM_SEGMENT, shim, FILE_BYTES - shim, FILE_BYTES);
	header(&f, RELRO)->p_paddr = SHIM_PHYSICAL;
	for (enum header i = RW; i < NOTE; i++)
		*header(&f, i) = (Elf64_Phdr){ PT_NULL };
	memset(f.bytes + body, 0xaa, FILE_BYTES - body);
	CHECK_EQUAL(elf_needed(f.bytes, 0x1000, FILE_BYTES), 0x1100);
	CHECK_EQUAL(elf_needed(f.bytes, 0x10, FILE_BYTES), FILE_BYTES);
	CHECK(write(fd, f.bytes, FILE_BYTES) == FILE_BYTES);
	CHECK_TEXT(image_open(&image, path, &error) ? "" : error.what, "");
	CHECK_EQUAL(image.length, FILE_BYTES);
	CHECK_EQUAL(image.shim_bytes, FILE_BYTES - shim);
	if (image.bytes != NULL)
		CHECK(image.bytes[0x10ff] == 0xaa && image.bytes[0x1100] == 0 &&
			image.bytes[shim] == 0);
	image_close(&image);
	close(fd);
	unlink(path);
}

static void files_that_are_none(void)
{
	struct image image;
	struct image_error error;

	CHECK(!image_open(&image, "/nonexistent/image", &error));
	CHECK_TEXT(error.what, "there is no such file");
	CHECK(!image_open(&image, "/tmp", &error));
	CHECK_TEXT(error.what, "is a directory, not an image");
	CHECK(!image_open(&image, "/dev/null", &error));
	CHECK_TEXT(error.what, "is not a regular file");
}

int main(void)
{
	return RUN(TEST(wrong_files_are_refused), TEST(every_cut_is_refused),
		TEST(good_file_is_understood), TEST(old_net_is_understood), TEST(insides_are_found),
		TEST(build_id_is_kept), TEST(defaults_without_notes), TEST(loads_and_relocates),
		TEST(shim_is_left_out), TEST(files_that_are_none));
}
