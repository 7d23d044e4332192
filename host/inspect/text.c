/*
 * The tables of `diatom inspect`.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "host/inspect/show.h"

#define NUMBER_BYTES 32
#define WHY_BYTES    160

/* 118,336 */
static const char *number(char text[NUMBER_BYTES], uint64_t value)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value), to = 0;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	text[to] = '\0';
	return text;
}

static void rights(char text[4], unsigned rights)
{
	text[0] = (rights & IMAGE_READ) != 0 ? 'R' : '-';
	text[1] = (rights & IMAGE_WRITE) != 0 ? 'W' : '-';
	text[2] = (rights & IMAGE_EXECUTE) != 0 ? 'X' : '-';
	text[3] = '\0';
}

static void show_head(const struct inspection *inspection, FILE *out)
{
	const struct manifest_image *about = &inspection->image.about;
	const char *slash = strrchr(inspection->path, '/');
	char bytes[NUMBER_BYTES];

	fprintf(out, "%s", about->name[0] ? about->name : slash ? slash + 1 : inspection->path);
	if (about->version[0])
		fprintf(out, " %s", about->version);
	fprintf(out, ": %s bytes", number(bytes, inspection->image.length));
	if (inspection->image.build_id_bytes > 0)
		fprintf(out, ", build ");
	for (unsigned i = 0; i < inspection->image.build_id_bytes && i < 6; i++)
		fprintf(out, "%02x", inspection->image.build_id[i]);
	if (inspection->has_hardening)
		fprintf(out, ", by %s",
			inspection->hardening.compiler == HARDENING_GCC ? "gcc" : "clang");
	fprintf(out, "\n");
}

static void show_entries(const struct inspection *inspection, FILE *out)
{
	fprintf(out, "\nentry points\n  %#-10llx  own monitor, process: ring 3\n",
		(unsigned long long)inspection->image.entry);
	if (inspection->has_pvh)
		fprintf(out, "  %#-10x  PVH: QEMU, Firecracker, Cloud Hypervisor, Xen\n",
			inspection->pvh_entry);
}

static void show_nets(const struct image *image, FILE *out)
{
	for (unsigned i = 0; i < image->net_count; i++) {
		const struct manifest_net *net = &image->nets[i];

		fprintf(out, "  net      %-15s %s%s%s", net->name,
			net->ip[0] ? net->ip : "address from --net",
			net->gateway[0] ? ", gateway " : "", net->gateway);
		if (net->ip6[0])
			fprintf(out, ", IPv6 %s%s%s", net->ip6, net->gateway6[0] ? " by " : "",
				net->gateway6);
		if (net->mtu)
			fprintf(out, ", MTU %u", net->mtu);
		fprintf(out, "%s%s\n", net->dhcp ? ", else DHCP" : "",
			net->optional ? ", optional" : "");
	}
}

static void show_needs(const struct image *image, FILE *out)
{
	fprintf(out, "\nasks for\n  memory   ");
	if (image->about.memory_mib)
		fprintf(out, "%u MiB", image->about.memory_mib);
	else
		fprintf(out, "the host's default, 64 MiB");
	if (image->about.memory_min_mib)
		fprintf(out, ", at least %u MiB", image->about.memory_min_mib);
	fprintf(out, "\n");
	show_nets(image, out);
	for (unsigned i = 0; i < image->block_count; i++)
		fprintf(out, "  block    %-15s %s%s\n", image->blocks[i].name,
			image->blocks[i].read_only ? "read-only" : "read and written",
			image->blocks[i].optional ? ", optional" : "");
	for (unsigned i = 0; i < image->blob_count; i++)
		fprintf(out, "  file     %-15s %s\n", image->blobs[i].name,
			image->blobs[i].optional ? "optional" : "by --file");
	if (image->console.name[0])
		fprintf(out, "  console  %-15s input and output\n", image->console.name);
	if (image->entropy.name[0])
		fprintf(out, "  entropy  %-15s while it runs\n", image->entropy.name);
	if (image->has_stacks)
		fprintf(out, "  fibers   %-15u at most, stacks of %u KiB\n", image->stack_count_max,
			image->stack_bytes / 1024);
}

static void show_regions(const struct image *image, FILE *out)
{
	fprintf(out, "\nmemory, once sealed   in the file\n");
	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];
		char letters[4], bytes[NUMBER_BYTES], file[NUMBER_BYTES] = "";

		rights(letters, r->rights);
		for (unsigned s = 0; s < image->segment_count; s++)
			if ((image->segments[s].virtual & ~UINT64_C(4095)) == r->virtual)
				number(file, image->segments[s].file_bytes);
		fprintf(out, "  %s  %11s  %11s  at %#-9llx %s\n", letters, number(bytes, r->bytes),
			file, (unsigned long long)r->virtual, inspection_region(r));
	}
}

static void show_hardening(const struct inspection *inspection, FILE *out)
{
	const char *name;
	char seen[64];
	bool is_on;

	fprintf(out,
		"\nhardening\n"
		"  on   nothing writable is executable, and no stack; only relative relocations\n");
	for (unsigned i = 0; (name = inspection_measure(inspection, i, &is_on, seen)); i++)
		fprintf(out, "  %s  %s%s%s\n", is_on ? "on " : "OFF", name, seen[0] ? ": " : "",
			seen);
}

static void show_row(const char *name, const uint64_t bytes[PARTS_KINDS], uint64_t file,
	const char *why, FILE *out)
{
	char columns[PARTS_KINDS + 1][NUMBER_BYTES];

	for (unsigned i = 0; i < PARTS_KINDS; i++)
		number(columns[i], bytes[i]);
	number(columns[PARTS_KINDS], file);
	fprintf(out, "  %-12s %9s %9s %9s %9s %10s%s%s\n", name, columns[PARTS_KINDS],
		columns[PARTS_TEXT], columns[PARTS_RODATA], columns[PARTS_DATA], columns[PARTS_BSS],
		why[0] ? "  " : "", why);
}

static const char *why(
	const struct parts *parts, const struct parts_library *library, char text[WHY_BYTES])
{
	const struct parts_object *o;

	text[0] = '\0';
	if (strcmp(library->name, PARTS_APP) == 0)
		return "the program";
	if (strcmp(library->name, PARTS_FILES) == 0)
		return "DIATOM_FILE";
	if (strcmp(library->name, PARTS_LINKER) == 0)
		return "strings of all, tables";
	if (library->first_reason == UINT_MAX)
		return text;
	o = &parts->objects[library->first_reason];
	if (strcmp(o->why_library, PARTS_LINKER) == 0)
		snprintf(text, WHY_BYTES, "%.60s, for what the compiler makes", o->why_symbol);
	else if (strcmp(o->why_library, PARTS_APP) == 0)
		snprintf(text, WHY_BYTES, "%.60s, for %.40s", o->why_symbol, o->why_name);
	else
		snprintf(text, WHY_BYTES, "%.60s, for %.30s/%.40s", o->why_symbol, o->why_library,
			o->why_name);
	return text;
}

static void show_libraries(const struct inspection *inspection, FILE *out)
{
	const struct parts *parts = &inspection->parts;
	uint64_t total[PARTS_KINDS] = { 0 };
	const uint64_t none[PARTS_KINDS] = { 0 };
	char text[WHY_BYTES];

	if (inspection->list != LIST_GOOD)
		return;
	fprintf(out, "\n%-14s %9s %9s %9s %9s %10s  %s\n", "libraries", "in file", "code",
		"constants", "data", "zeros", "why it is there");
	for (unsigned i = 0; i < parts->library_count; i++) {
		const struct parts_library *l = &parts->libraries[i];
		uint64_t any = l->file_bytes + l->bytes[PARTS_BSS];

		for (unsigned kind = 0; kind < PARTS_KINDS; kind++)
			total[kind] += l->bytes[kind];
		if (any > 0)
			show_row(l->name, l->bytes, l->file_bytes, why(parts, l, text), out);
	}
	show_row("headers", none, inspection->header_bytes, "ELF", out);
	if (inspection->shim_bytes)
		show_row("shim", none, inspection->shim_bytes, "for other hypervisors", out);
	if (inspection->unloaded_bytes)
		show_row("not loaded", none, inspection->unloaded_bytes, "", out);
	show_row("padding", none, inspection->padding_bytes, "between functions, objects, segments",
		out);
	show_row("total", total, inspection->image.length, "", out);
}

static void show_warnings(const struct inspection *inspection, FILE *out)
{
	if (inspection->warning_count > 0)
		fprintf(out, "\nwarnings\n");
	for (unsigned i = 0; i < inspection->warning_count; i++)
		fprintf(out, "  %s\n    %s\n", inspection->warnings[i].text,
			inspection->warnings[i].remedy);
}

void show_text(const struct inspection *inspection, FILE *out)
{
	show_head(inspection, out);
	show_needs(&inspection->image, out);
	show_entries(inspection, out);
	show_regions(&inspection->image, out);
	show_hardening(inspection, out);
	show_libraries(inspection, out);
	show_warnings(inspection, out);
}
