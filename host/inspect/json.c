/*
 * JSON by RFC 8259: a writer of a few functions, which keeps track of commas, and the inspection as
 * one object.
 */
#include <string.h>

#include "host/inspect/show.h"

struct json {
	FILE *out;
	bool needs_comma;
};

static void escape(struct json *json, const char *text)
{
	fputc('"', json->out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(json->out, "\\%c", c);
		else if (c < ' ' || c >= 0x7f) /* whatever encoding a path is in */
			fprintf(json->out, "\\u%04x", c);
		else
			fputc(c, json->out);
	}
	fputc('"', json->out);
}

/* NULL: an element of an array. */
static void key(struct json *json, const char *name)
{
	if (json->needs_comma)
		fputc(',', json->out);
	if (name) {
		escape(json, name);
		fputc(':', json->out);
	}
	json->needs_comma = true;
}

static void open_with(struct json *json, const char *name, char bracket)
{
	key(json, name);
	fputc(bracket, json->out);
	json->needs_comma = false;
}

static void close_with(struct json *json, char bracket)
{
	fputc(bracket, json->out);
	json->needs_comma = true;
}

static void put_text(struct json *json, const char *name, const char *value)
{
	key(json, name);
	escape(json, value);
}

static void put_number(struct json *json, const char *name, uint64_t value)
{
	key(json, name);
	fprintf(json->out, "%llu", (unsigned long long)value);
}

static void put_claim(struct json *json, const char *name, bool value)
{
	key(json, name);
	fputs(value ? "true" : "false", json->out);
}

static void put_head(struct json *json, const struct inspection *inspection)
{
	const struct image *image = &inspection->image;
	char id[2 * IMAGE_BUILD_ID_MAX + 1] = "";

	for (unsigned i = 0; i < image->build_id_bytes; i++)
		snprintf(id + (size_t)i * 2, 3, "%02x", image->build_id[i]);
	put_text(json, "path", inspection->path);
	put_text(json, "name", inspection->image.about.name);
	put_text(json, "version", inspection->image.about.version);
	put_text(json, "build_id", id);
	put_number(json, "file_bytes", inspection->image.length);
	put_number(json, "memory_mib", inspection->image.about.memory_mib);
	put_number(json, "memory_min_mib", inspection->image.about.memory_min_mib);
	open_with(json, "entries", '{');
	put_number(json, "elf", inspection->image.entry);
	if (inspection->has_pvh)
		put_number(json, "pvh", inspection->pvh_entry);
	close_with(json, '}');
}

static void put_nets(struct json *json, const struct image *image)
{
	open_with(json, "nets", '[');
	for (unsigned i = 0; i < image->net_count; i++) {
		const struct manifest_net *net = &image->nets[i];

		open_with(json, NULL, '{');
		put_text(json, "name", net->name);
		put_text(json, "ip", net->ip);
		put_text(json, "gateway", net->gateway);
		put_text(json, "ip6", net->ip6);
		put_text(json, "gateway6", net->gateway6);
		put_number(json, "mtu", net->mtu);
		put_claim(json, "dhcp", net->dhcp != 0);
		put_claim(json, "optional", net->optional != 0);
		close_with(json, '}');
	}
	close_with(json, ']');
}

static void put_needs(struct json *json, const struct image *image)
{
	put_nets(json, image);
	open_with(json, "blocks", '[');
	for (unsigned i = 0; i < image->block_count; i++) {
		open_with(json, NULL, '{');
		put_text(json, "name", image->blocks[i].name);
		put_claim(json, "read_only", image->blocks[i].read_only != 0);
		put_claim(json, "optional", image->blocks[i].optional != 0);
		close_with(json, '}');
	}
	close_with(json, ']');
	open_with(json, "files", '[');
	for (unsigned i = 0; i < image->blob_count; i++) {
		open_with(json, NULL, '{');
		put_text(json, "name", image->blobs[i].name);
		put_claim(json, "optional", image->blobs[i].optional != 0);
		close_with(json, '}');
	}
	close_with(json, ']');
	put_claim(json, "console", image->console.name[0] != '\0');
	put_claim(json, "entropy", image->entropy.name[0] != '\0');
	if (!image->has_stacks)
		return;
	open_with(json, "fibers", '{');
	put_number(json, "stack_bytes", image->stack_bytes);
	put_number(json, "count_max", image->stack_count_max);
	close_with(json, '}');
}

static void put_regions(struct json *json, const struct image *image)
{
	open_with(json, "regions", '[');
	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];
		char letters[4] = { (r->rights & IMAGE_READ) != 0 ? 'R' : '-',
			(r->rights & IMAGE_WRITE) != 0 ? 'W' : '-',
			(r->rights & IMAGE_EXECUTE) != 0 ? 'X' : '-', '\0' };

		open_with(json, NULL, '{');
		put_number(json, "address", r->virtual);
		put_number(json, "bytes", r->bytes);
		put_text(json, "rights", letters);
		put_claim(json, "relro", r->is_relro);
		close_with(json, '}');
	}
	close_with(json, ']');
}

static void put_hardening(struct json *json, const struct inspection *inspection)
{
	static const char *const compilers[] = { "unknown", "clang", "gcc" };
	uint32_t compiler = inspection->has_hardening ? inspection->hardening.compiler : 0;
	const char *name;
	char seen[64];
	bool is_on;

	open_with(json, "hardening", '{');
	put_text(json, "compiler", compilers[compiler < 3 ? compiler : 0]);
	open_with(json, "measures", '{');
	for (unsigned i = 0; (name = inspection_measure(inspection, i, &is_on, seen)); i++)
		put_claim(json, name, is_on);
	close_with(json, '}');
	put_number(json, "canary_uses", inspection->canary_uses);
	put_number(json, "traps", inspection->traps);
	put_number(json, "cfi_checks", inspection->cfi_checks);
	put_number(json, "relocation_bytes", inspection->relocations);
	close_with(json, '}');
}

static void put_sizes(struct json *json, const uint64_t bytes[PARTS_KINDS])
{
	put_number(json, "file_bytes", parts_file_bytes(bytes));
	put_number(json, "code", bytes[PARTS_TEXT]);
	put_number(json, "constants", bytes[PARTS_RODATA]);
	put_number(json, "data", bytes[PARTS_DATA]);
	put_number(json, "zeros", bytes[PARTS_BSS]);
}

static void put_object(struct json *json, const struct parts_object *object)
{
	open_with(json, NULL, '{');
	put_text(json, "name", object->name);
	put_sizes(json, object->bytes);
	if (object->why_symbol) {
		open_with(json, "why", '{');
		put_text(json, "symbol", object->why_symbol);
		put_text(json, "library", object->why_library);
		put_text(json, "object", object->why_name);
		close_with(json, '}');
	}
	close_with(json, '}');
}

static void put_libraries(struct json *json, const struct inspection *inspection)
{
	const struct parts *parts = &inspection->parts;

	if (inspection->list != LIST_GOOD)
		return;
	put_text(json, "seed", parts->seed ? parts->seed : "");
	open_with(json, "libraries", '[');
	for (unsigned i = 0; i < parts->library_count; i++) {
		open_with(json, NULL, '{');
		put_text(json, "name", parts->libraries[i].name);
		put_sizes(json, parts->libraries[i].bytes);
		open_with(json, "objects", '[');
		for (unsigned o = 0; o < parts->object_count; o++)
			if (strcmp(parts->objects[o].library, parts->libraries[i].name) == 0)
				put_object(json, &parts->objects[o]);
		close_with(json, ']');
		close_with(json, '}');
	}
	close_with(json, ']');
	put_number(json, "header_bytes", inspection->header_bytes);
	put_number(json, "padding_bytes", inspection->padding_bytes);
}

void show_json(const struct inspection *inspection, FILE *out)
{
	struct json json = { .out = out };

	open_with(&json, NULL, '{');
	put_head(&json, inspection);
	put_needs(&json, &inspection->image);
	put_regions(&json, &inspection->image);
	put_hardening(&json, inspection);
	put_libraries(&json, inspection);
	put_number(&json, "shim_bytes", inspection->shim_bytes);
	put_number(&json, "unloaded_bytes", inspection->unloaded_bytes);
	open_with(&json, "warnings", '[');
	for (unsigned i = 0; i < inspection->warning_count; i++) {
		open_with(&json, NULL, '{');
		put_text(&json, "text", inspection->warnings[i].text);
		put_text(&json, "remedy", inspection->warnings[i].remedy);
		close_with(&json, '}');
	}
	close_with(&json, ']');
	close_with(&json, '}');
	fputc('\n', out);
}
