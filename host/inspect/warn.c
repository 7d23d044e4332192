/*
 * What should be better, and how to make it so. Each concern is one function.
 */
#include <stdarg.h>
#include <stdio.h>

#include "host/inspect/inspection.h"

__attribute__((format(printf, 3, 4))) static void warn(
	struct inspection *inspection, const char *remedy, const char *format, ...)
{
	va_list arguments;

	if (inspection->warning_count == WARNINGS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(inspection->warnings[inspection->warning_count].text,
		sizeof(inspection->warnings[0].text), format, arguments);
	va_end(arguments);
	inspection->warnings[inspection->warning_count++].remedy = remedy;
}

/* What the build says. */
static void judge_measures(struct inspection *inspection)
{
	bool is_gcc = inspection->hardening.compiler == HARDENING_GCC, is_on;
	const char *name;
	char seen[64];

	if (!inspection->has_hardening) {
		warn(inspection, "build it with this diatom",
			"the image does not say what it was hardened with");
		return;
	}
	for (unsigned i = 0; (name = inspection_measure(inspection, i, &is_on, seen)); i++)
		if (!is_on && is_gcc && i == 0)
			warn(inspection, "build with --cc clang",
				"no %s: gcc has none; a corrupted function pointer goes anywhere",
				name);
		else if (!is_on)
			warn(inspection, "build without the flag that switches it off",
				"not in all of the image: %s", name);
}

/* What the build says against what the code shows. */
static void judge_claims(struct inspection *inspection)
{
	uint32_t claims = inspection->has_hardening ? inspection->hardening.measures : 0;
	const char *remedy =
		"build it again; an image that was changed afterwards can't be trusted";

	if ((claims & HARDENING_STACK_PROTECTOR) != 0 && inspection->canary_uses == 0)
		warn(inspection, remedy,
			"says that it has a stack protector, but no code uses one");
	if ((claims & HARDENING_BOUNDS) != 0 && inspection->traps == 0)
		warn(inspection, remedy, "says that bugs trap, but there is no trap in its code");
	if ((claims & HARDENING_CFI) != 0 && inspection->cfi_checks == 0)
		warn(inspection, remedy,
			"says that it has control-flow integrity, but no code checks a call");
}

static void judge_file(struct inspection *inspection)
{
	bool has_relro = false;

	for (unsigned i = 0; i < inspection->image.region_count; i++)
		has_relro |= inspection->image.regions[i].is_relro;
	if (!has_relro)
		warn(inspection, "link with -z relro, as diatom build does",
			"no relro: relocated pointers stay writable");
	if (inspection->image.build_id_bytes == 0)
		warn(inspection, "link with --build-id, as diatom build does",
			"no build id: no debug file can be matched with it");
	if (inspection->is_writable_by_all)
		warn(inspection, "chmod go-w", "anyone on this machine may change the image file");
	if (inspection->unloaded_bytes > 0)
		warn(inspection, "ship the file that diatom build makes, not the debug file",
			"%llu bytes of the file are never loaded",
			(unsigned long long)inspection->unloaded_bytes);
}

static void judge_manifest(struct inspection *inspection)
{
	const struct image *image = &inspection->image;
	const struct manifest_image *about = &image->about;

	if (about->memory_min_mib == 0 &&
		image->net_count + image->block_count + image->blob_count > 0)
		warn(inspection, "declare it:  DIATOM_IMAGE(.memory_min_mib = 8)",
			"no least memory: with too little it fails while it runs, not at start");
	if (about->memory_mib != 0 && about->memory_mib < about->memory_min_mib)
		warn(inspection, "put DIATOM_IMAGE right",
			"wants %u MiB of memory but needs at least %u", about->memory_mib,
			about->memory_min_mib);
}

static void judge_debug(struct inspection *inspection)
{
	static const char *const texts[] = {
		[LIST_NO_FILE] = "no debug file beside the image: no libraries, no symbols",
		[LIST_OF_OTHER] = "the debug file beside the image is of another build",
		[LIST_MISSING] = "the debug file has no list of parts",
		[LIST_UNREADABLE] = "the debug file can't be read: damaged, or not of this tool",
	};

	if (inspection->list != LIST_GOOD)
		warn(inspection, "keep IMAGE.debug, or build again", "%s", texts[inspection->list]);
}

void inspection_warn(struct inspection *inspection)
{
	judge_measures(inspection);
	judge_claims(inspection);
	judge_file(inspection);
	judge_manifest(inspection);
	judge_debug(inspection);
}
