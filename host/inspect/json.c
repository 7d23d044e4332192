/*
 * The inspection as one object.
 */
#include <string.h>

#include "host/inspect/show.h"
#include "host/json.h"

static void put_head(struct json *json, const struct inspection *inspection)
{
	const struct image *image = &inspection->image;
	char id[2 * IMAGE_BUILD_ID_MAX + 1] = "";

	for (unsigned i = 0; i < image->build_id_bytes; i++)
		snprintf(id + (size_t)i * 2, 3, "%02x", image->build_id[i]);
	json_text(json, "path", inspection->path);
	json_text(json, "name", inspection->image.about.name);
	json_text(json, "version", inspection->image.about.version);
	json_text(json, "build_id", id);
	json_number(json, "file_bytes", inspection->image.length);
	json_number(json, "memory_mib", inspection->image.about.memory_mib);
	json_number(json, "memory_min_mib", inspection->image.about.memory_min_mib);
	json_open(json, "entries", '{');
	json_number(json, "elf", inspection->image.entry);
	if (inspection->has_pvh)
		json_number(json, "pvh", inspection->pvh_entry);
	json_close(json, '}');
}

static void put_nets(struct json *json, const struct image *image)
{
	json_open(json, "nets", '[');
	for (unsigned i = 0; i < image->net_count; i++) {
		const struct manifest_net *net = &image->nets[i];

		json_open(json, NULL, '{');
		json_text(json, "name", net->name);
		json_text(json, "ip", net->ip);
		json_text(json, "gateway", net->gateway);
		json_text(json, "ip6", net->ip6);
		json_text(json, "gateway6", net->gateway6);
		json_number(json, "mtu", net->mtu);
		json_claim(json, "dhcp", net->dhcp != 0);
		json_claim(json, "optional", net->optional != 0);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_needs(struct json *json, const struct image *image)
{
	put_nets(json, image);
	json_open(json, "blocks", '[');
	for (unsigned i = 0; i < image->block_count; i++) {
		json_open(json, NULL, '{');
		json_text(json, "name", image->blocks[i].name);
		json_claim(json, "read_only", image->blocks[i].read_only != 0);
		json_claim(json, "optional", image->blocks[i].optional != 0);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "files", '[');
	for (unsigned i = 0; i < image->blob_count; i++) {
		json_open(json, NULL, '{');
		json_text(json, "name", image->blobs[i].name);
		json_claim(json, "optional", image->blobs[i].optional != 0);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_claim(json, "console", image->console.name[0] != '\0');
	json_claim(json, "entropy", image->entropy.name[0] != '\0');
	if (!image->has_stacks)
		return;
	json_open(json, "fibers", '{');
	json_number(json, "stack_bytes", image->stack_bytes);
	json_number(json, "count_max", image->stack_count_max);
	json_close(json, '}');
}

static void put_regions(struct json *json, const struct image *image)
{
	json_open(json, "regions", '[');
	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];
		char letters[4] = { (r->rights & IMAGE_READ) != 0 ? 'R' : '-',
			(r->rights & IMAGE_WRITE) != 0 ? 'W' : '-',
			(r->rights & IMAGE_EXECUTE) != 0 ? 'X' : '-', '\0' };

		json_open(json, NULL, '{');
		json_number(json, "address", r->virtual);
		json_number(json, "bytes", r->bytes);
		json_text(json, "rights", letters);
		json_claim(json, "relro", r->is_relro);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_hardening(struct json *json, const struct inspection *inspection)
{
	static const char *const compilers[] = { "unknown", "clang", "gcc" };
	uint32_t compiler = inspection->has_hardening ? inspection->hardening.compiler : 0;
	const char *name;
	char seen[64];
	bool is_on;

	json_open(json, "hardening", '{');
	json_text(json, "compiler", compilers[compiler < 3 ? compiler : 0]);
	json_open(json, "measures", '{');
	for (unsigned i = 0; (name = inspection_measure(inspection, i, &is_on, seen)); i++)
		json_claim(json, name, is_on);
	json_close(json, '}');
	json_number(json, "canary_uses", inspection->canary_uses);
	json_number(json, "traps", inspection->traps);
	json_number(json, "cfi_checks", inspection->cfi_checks);
	json_number(json, "relocation_bytes", inspection->relocations);
	json_close(json, '}');
}

static void put_sizes(struct json *json, const uint64_t bytes[PARTS_KINDS])
{
	json_number(json, "file_bytes", parts_file_bytes(bytes));
	json_number(json, "code", bytes[PARTS_TEXT]);
	json_number(json, "constants", bytes[PARTS_RODATA]);
	json_number(json, "data", bytes[PARTS_DATA]);
	json_number(json, "zeros", bytes[PARTS_BSS]);
}

static void put_object(struct json *json, const struct parts_object *object)
{
	json_open(json, NULL, '{');
	json_text(json, "name", object->name);
	put_sizes(json, object->bytes);
	if (object->why_symbol) {
		json_open(json, "why", '{');
		json_text(json, "symbol", object->why_symbol);
		json_text(json, "library", object->why_library);
		json_text(json, "object", object->why_name);
		json_close(json, '}');
	}
	json_close(json, '}');
}

static void put_libraries(struct json *json, const struct inspection *inspection)
{
	const struct parts *parts = &inspection->parts;

	if (inspection->list != LIST_GOOD)
		return;
	json_text(json, "seed", parts->seed ? parts->seed : "");
	json_open(json, "libraries", '[');
	for (unsigned i = 0; i < parts->library_count; i++) {
		json_open(json, NULL, '{');
		json_text(json, "name", parts->libraries[i].name);
		put_sizes(json, parts->libraries[i].bytes);
		json_open(json, "objects", '[');
		for (unsigned o = 0; o < parts->object_count; o++)
			if (strcmp(parts->objects[o].library, parts->libraries[i].name) == 0)
				put_object(json, &parts->objects[o]);
		json_close(json, ']');
		json_close(json, '}');
	}
	json_close(json, ']');
	json_number(json, "header_bytes", inspection->header_bytes);
	json_number(json, "padding_bytes", inspection->padding_bytes);
}

void show_json(const struct inspection *inspection, FILE *out)
{
	struct json json;

	json_begin_stream(&json, out);
	json_open(&json, NULL, '{');
	put_head(&json, inspection);
	put_needs(&json, &inspection->image);
	put_regions(&json, &inspection->image);
	put_hardening(&json, inspection);
	put_libraries(&json, inspection);
	json_number(&json, "shim_bytes", inspection->shim_bytes);
	json_number(&json, "unloaded_bytes", inspection->unloaded_bytes);
	json_open(&json, "warnings", '[');
	for (unsigned i = 0; i < inspection->warning_count; i++) {
		json_open(&json, NULL, '{');
		json_text(&json, "text", inspection->warnings[i].text);
		json_text(&json, "remedy", inspection->warnings[i].remedy);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
	fputc('\n', out);
}
