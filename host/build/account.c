/*
 * Two of the linker's files become one list.
 *
 *     map   address  address  size  align  .text
 *           address  address  size  align          image.lto.libdiatom.a(net-arp.o at 612).o:(.text.arp_input)
 *     why   0.o \t libdiatom.a(lib-dns-serve.o) \t dns_serve
 *
 * In the map the depth of a line tells what it is: an output section, an input section in it, or a
 * symbol, which we don't need: code and data have a section each. Archive members carry their folder
 * in their name (mk/body.mk).
 */
#include "host/build/account.h"

#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/call.h"
#include "host/build/path.h"
#include "host/inspect/parts.h"
#include "host/report.h"

#define NAME_BYTES   512
#define HASH_DIGITS  32 /* LLVM's suffix of local names that it made global */
#define INPUT_DEPTH  8
#define SYMBOL_DEPTH 16

struct object {
	char library[64];
	char name[NAME_BYTES];
};

struct reason {
	struct object wanted, by;
	char symbol[NAME_BYTES];
};

struct piece {
	unsigned object;
	char kind;
	unsigned long long bytes;
	char name[NAME_BYTES];
};

struct account {
	const struct work *work;
	const uint8_t *linked;
	struct object *objects;
	unsigned object_count;
	struct reason *reasons;
	unsigned reason_count;
	struct piece *pieces;
	unsigned piece_count;
	char kind; /* of the output section that the map is at; 0: not loaded */
};

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void cut_end(char *text, const char *end)
{
	if (ends_with(text, end))
		text[strlen(text) - strlen(end)] = '\0';
}

/* One more element in a list that grows; memory's end ends the build. */
static void *grow(void *list, unsigned count, size_t each)
{
	void *larger;

	/* Doubles at powers of two. */
	if ((count & (count - 1)) != 0)
		return list;
	larger = realloc(list, (count ? 2 * (size_t)count : 1) * each);
	if (!larger)
		exit(report_error(EXIT_OUT_OF_MEMORY, NULL, "the build ran out of memory"));
	return larger;
}

/* lib-dns-answer.o: the folder is part of the name. */
static void name_member(struct object *object, const char *archive, char *member)
{
	char *dash = strrchr(member, '-');

	cut_end(member, ".o");
	cut_end(member, ".lo");
	cut_end(member, ".S");
	if (strcmp(archive, "libc.a") == 0) {
		snprintf(object->library, sizeof(object->library), PARTS_LIBC);
	} else if (strcmp(archive, "libdiatom.a") == 0 && dash) {
		*dash = '\0';
		snprintf(object->library, sizeof(object->library), "%.60s", member);
		for (char *at = object->library; *at; at++)
			*at = *at == '-' ? '/' : *at;
		member = dash + 1;
	} else {
		snprintf(object->library, sizeof(object->library), "%.*s",
			(int)strcspn(archive, "."), archive);
	}
	snprintf(object->name, sizeof(object->name), "%s", member);
}

/* 3.o is the fourth source. */
static void name_source(const struct work *work, struct object *object, unsigned long number)
{
	const struct request *request = work->request;
	char seen[PATH_MAX] = "";

	snprintf(object->library, sizeof(object->library), PARTS_APP);
	if (number < (unsigned long)request->source_count)
		path_seen_from(work->root, request->sources[number], seen);
	snprintf(object->name, sizeof(object->name), "%.*s", NAME_BYTES - 1, seen);
}

/* The linker's name of an object, in any of its forms. */
static struct object name_object(const struct work *work, const char *given)
{
	struct object object = { .library = PARTS_LINKER };
	char text[NAME_BYTES], *open;

	if (strncmp(given, "image.lto.", 10) == 0 && strcmp(given, "image.lto.o") != 0)
		given += 10;
	snprintf(text, sizeof(text), "%s", given);
	if (ends_with(text, ").o"))
		cut_end(text, ".o");
	open = strchr(text, '(');
	if (open) {
		*open = '\0';
		open[1 + strcspn(open + 1, " )")] = '\0';
		name_member(&object, text, open + 1);
	} else if (isdigit((unsigned char)text[0])) {
		name_source(work, &object, strtoul(text, NULL, 10));
	} else if (strcmp(text, "files.o") == 0) {
		object = (struct object){ .library = PARTS_FILES, .name = "DIATOM_FILE" };
	} else if (strcmp(text, "about.o") == 0) {
		object = (struct object){ .library = PARTS_APP, .name = "--name" };
	} else {
		snprintf(object.name, sizeof(object.name), "%s",
			strcmp(text, "image.lto.o") == 0 ? "cfi" : "tables");
	}
	return object;
}

static unsigned find_object(struct account *account, const struct object *wanted)
{
	/* Backwards: neighbours in the map are seldom of one object, but some are. */
	for (unsigned i = account->object_count; i-- > 0;)
		if (strcmp(account->objects[i].name, wanted->name) == 0 &&
			strcmp(account->objects[i].library, wanted->library) == 0)
			return i;
	account->objects = grow(account->objects, account->object_count, sizeof(*wanted));
	account->objects[account->object_count] = *wanted;
	return account->object_count++;
}

/* The kind of an output section, by its header in the linked file; 0 for what is not loaded. */
static char kind_of_section(const uint8_t *linked, const char *name)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)linked;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(linked + header->e_shoff);
	const char *names = (const char *)linked + sections[header->e_shstrndx].sh_offset;

	for (unsigned i = 1; i < header->e_shnum; i++) {
		if (strcmp(names + sections[i].sh_name, name) != 0)
			continue;
		if ((sections[i].sh_flags & SHF_ALLOC) == 0)
			return 0;
		if (sections[i].sh_type == SHT_NOBITS)
			return PARTS_LETTERS[PARTS_BSS];
		if ((sections[i].sh_flags & SHF_EXECINSTR) != 0)
			return PARTS_LETTERS[PARTS_TEXT];
		return PARTS_LETTERS[(sections[i].sh_flags & SHF_WRITE) != 0 ? PARTS_DATA
									     : PARTS_RODATA];
	}
	return 0;
}

/* .text.socket_ready.48e0f87abbd147dcf3f70b9e669e3720.cfi is socket_ready. */
static void clean_name(const char *section, char *name)
{
	static const char *const leads[] = { ".text.unlikely.", ".text.startup.", ".text.",
		".rodata.file.", ".rodata.", ".data.rel.ro.", ".data.", ".bss." };
	char *end;

	for (unsigned i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (strncmp(section, leads[i], strlen(leads[i])) == 0) {
			section += strlen(leads[i]);
			break;
		}
	snprintf(name, NAME_BYTES, "%s", section);
	end = strstr(name, ".llvm.");
	if (end)
		*end = '\0';
	for (char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if (strspn(dot + 1, "0123456789abcdef") == HASH_DIGITS)
			*dot = '\0';
}

static void take_input(struct account *account, unsigned long long bytes, char *place)
{
	char *section = strstr(place, ":(");
	struct object object;
	struct piece *piece;

	if (!account->kind || bytes == 0 || !section)
		return;
	for (char *next; (next = strstr(section + 2, ":(")) != NULL;)
		section = next;
	*section = '\0';
	section += 2;
	section[strcspn(section, ")+")] = '\0';
	object = name_object(account->work, place);
	/* Constants and strings that are alike stand in the file once, for all. */
	if (strcmp(object.name, "tables") == 0 && strncmp(section, ".rodata.", 8) == 0)
		snprintf(object.name, sizeof(object.name), "shared strings and constants");
	account->pieces = grow(account->pieces, account->piece_count, sizeof(*piece));
	piece = &account->pieces[account->piece_count++];
	piece->object = find_object(account, &object);
	piece->kind = account->kind;
	piece->bytes = bytes;
	clean_name(section, piece->name);
	if (!piece->name[0])
		snprintf(piece->name, NAME_BYTES, "%s", section);
}

static void take_map_line(struct account *account, char *line)
{
	unsigned long long address, bytes;
	int at = 0, depth;

	line[strcspn(line, "\n")] = '\0';
	/* The number of blanks after the fourth number is the depth, and one more. */
	if (sscanf(line, "%llx %*x %llx %*u%n", &address, &bytes, &at) != 2 || at == 0)
		return;
	depth = (int)strspn(line + at, " ") - 1;
	if (depth < INPUT_DEPTH)
		account->kind = kind_of_section(account->linked, line + at + depth + 1);
	else if (depth < SYMBOL_DEPTH)
		take_input(account, bytes, line + at + depth + 1);
}

static void take_why_line(struct account *account, char *line)
{
	char *by = strtok(line, "\t"), *wanted = strtok(NULL, "\t"), *symbol = strtok(NULL, "\n");
	struct reason *reason;

	if (!by || !wanted || !symbol || !strchr(wanted, '('))
		return;
	account->reasons = grow(account->reasons, account->reason_count, sizeof(*reason));
	reason = &account->reasons[account->reason_count++];
	reason->by = name_object(account->work, by);
	reason->wanted = name_object(account->work, wanted);
	snprintf(reason->symbol, sizeof(reason->symbol), "%s", symbol);
}

static bool each_line(struct account *account, const char *name,
	void (*take)(struct account *account, char *line))
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", account->work->folder, name);
	file = fopen(path, "r");
	if (!file)
		return false;
	while (getline(&line, &room, file) > 0)
		take(account, line);
	free(line);
	fclose(file);
	return true;
}

static void write_object(const struct account *account, unsigned number, FILE *out)
{
	const struct object *object = &account->objects[number];

	fprintf(out, "o\t%s\t%s\n", object->library, object->name);
	for (unsigned i = 0; i < account->reason_count; i++) {
		const struct reason *reason = &account->reasons[i];

		if (strcmp(reason->wanted.name, object->name) != 0 ||
			strcmp(reason->wanted.library, object->library) != 0)
			continue;
		fprintf(out, "w\t%s\t%s\t%s\n", reason->symbol, reason->by.library,
			reason->by.name);
		break;
	}
	for (unsigned i = 0; i < account->piece_count; i++)
		if (account->pieces[i].object == number)
			fprintf(out, "%c\t%llu\t%s\n", account->pieces[i].kind,
				account->pieces[i].bytes, account->pieces[i].name);
}

/* Reasons lead from object to object to the program; those in between may have left no piece. */
static void add_reasons_without_pieces(struct account *account)
{
	for (unsigned i = 0; i < account->reason_count; i++)
		(void)find_object(account, &account->reasons[i].wanted);
}

char *account_make(const struct work *work, const uint8_t *linked, size_t *length)
{
	static struct account account;
	char *text = NULL;
	FILE *out;

	account.work = work;
	account.linked = linked;
	if (!each_line(&account, "map", take_map_line) ||
		!each_line(&account, "why", take_why_line))
		return NULL;
	add_reasons_without_pieces(&account);
	out = open_memstream(&text, length);
	if (!out)
		return NULL;
	fprintf(out, PARTS_HEAD "\nseed\t%llu\ncompiler\t%s\n", (unsigned long long)work->seed,
		work->request->compiler);
	for (unsigned i = 0; i < account.object_count; i++)
		write_object(&account, i, out);
	return fclose(out) == 0 ? text : NULL;
}

/*
 *     linked   ... .shstrtab .strtab | section headers
 *     copy     ... .shstrtab .strtab | data | names, one more | section headers, one more
 */
uint8_t *account_append(const uint8_t *linked, uint64_t bytes, const char *name, const char *data,
	size_t data_bytes, uint64_t *out_bytes)
{
	const Elf64_Ehdr *old = (const Elf64_Ehdr *)linked;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(linked + old->e_shoff);
	const Elf64_Shdr *names = &sections[old->e_shstrndx];
	uint64_t names_at = bytes + data_bytes, names_bytes = names->sh_size + strlen(name) + 1;
	uint64_t headers_at = (names_at + names_bytes + 7) & ~UINT64_C(7);
	Elf64_Shdr *headers;
	uint8_t *out;

	*out_bytes = headers_at + (old->e_shnum + 1) * sizeof(Elf64_Shdr);
	out = calloc(1, *out_bytes);
	if (!out)
		return NULL;
	memcpy(out, linked, bytes);
	memcpy(out + bytes, data, data_bytes);
	memcpy(out + names_at, linked + names->sh_offset, names->sh_size);
	memcpy(out + names_at + names->sh_size, name, strlen(name));
	headers = (Elf64_Shdr *)(out + headers_at);
	memcpy(headers, sections, old->e_shnum * sizeof(Elf64_Shdr));
	headers[old->e_shnum] = (Elf64_Shdr){ .sh_name = (Elf64_Word)names->sh_size,
		.sh_type = SHT_PROGBITS,
		.sh_offset = bytes,
		.sh_size = data_bytes,
		.sh_addralign = 1 };
	headers[old->e_shstrndx].sh_offset = names_at;
	headers[old->e_shstrndx].sh_size = names_bytes;
	((Elf64_Ehdr *)out)->e_shoff = headers_at;
	((Elf64_Ehdr *)out)->e_shnum = (Elf64_Half)(old->e_shnum + 1);
	return out;
}
