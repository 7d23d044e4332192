/*
 * Linking: objects and libraries in the build's folder under names that never change (ThinLTO names
 * what it makes after them), sections in an order that the seed decides.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/build/work.h"
#include "host/report.h"

/* What is laid out by the seed: code and data, one section a function or object. */
static const char *const shuffled[] = { ".text*", ".rodata*", ".data*", ".bss*" };

static bool bring_libraries(const struct work *work)
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", work->folder, toolchain_library_names[i]);
		if (symlink(work->toolchain.libraries[i], path) != 0) {
			report_error(1, NULL, "%s: %m", path);
			return false;
		}
	}
	return true;
}

bool link_image(struct work *work)
{
	struct command command = { .directory = work->folder,
		.is_shown = work->request->is_verbose };

	if (!bring_libraries(work))
		return false;
	command_add(&command, "ld.lld-19");
	command_add(&command, "@%s", work->toolchain.ldflags);
	for (unsigned i = 0; i < sizeof(shuffled) / sizeof(shuffled[0]); i++)
		command_add(&command, "--shuffle-sections=%s=%u", shuffled[i], work->layout_seed);
	if (work->toolchain.cache[0]) {
		command_add(&command, "--thinlto-cache-dir=%s", work->toolchain.cache);
		command_add(
			&command, "--thinlto-cache-policy=prune_after=168h:cache_size_bytes=200m");
	}
	for (int i = 0; i < work->request->source_count; i++)
		command_add(&command, "%d.o", i);
	if (work->has_files)
		command_add(&command, "files.o");
	if (work->has_about) {
		/* Linked only where the program doesn't declare an image itself; seal_image then
		 * writes the name and version into its declaration. */
		command_add(&command, "--undefined=diatom_image_note");
		command_add(&command, "--start-lib");
		command_add(&command, "about.o");
		command_add(&command, "--end-lib");
	}
	for (unsigned i = 0; i < 3; i++)
		command_add(&command, "%s", toolchain_library_names[i]);
	command_add(&command, "-Map=map");
	command_add(&command, "--why-extract=why");
	command_add(&command, "-o");
	command_add(&command, "image");
	if (command_run(&command))
		return true;
	report_error(1, NULL, "linking failed; undefined symbols are what an image doesn't have");
	return false;
}
