/*
 * Compiling. Compilers run in the folder of the first source (path.h); so do relative -I options,
 * which are made relative to it here.
 */
#include <stdio.h>
#include <string.h>

#include "host/build/compile.h"
#include "host/build/path.h"
#include "host/build/work.h"
#include "host/report.h"

/* -IDIR as seen from the root. */
static bool add_include(struct work *work, struct command *command, const char *folder)
{
	char seen[PATH_MAX];

	if (!path_seen_from(work->root, folder, seen)) {
		report_error(1, NULL, "-I %s: %m", folder);
		return false;
	}
	command_add(command, "-I%s", seen);
	return true;
}

static bool add_flags(struct work *work, struct command *command)
{
	const struct request *request = work->request;

	for (int i = 0; i < request->flag_count; i++) {
		const char *flag = request->flags[i];

		if (strncmp(flag, "-I", 2) != 0)
			command_add(command, "%s", flag);
		else if (!add_include(work, command, flag[2] ? flag + 2 : request->flags[++i]))
			return false;
	}
	return true;
}

/* All but the source and what is to become of it. */
bool compile_begin(struct work *work, struct command *command)
{
	memset(command, 0, sizeof(*command));
	command->directory = work->root;
	command->is_shown = work->request->is_verbose;
	toolchain_compile(&work->toolchain, work->root, command);
	return add_flags(work, command);
}

bool compile_sources(struct work *work)
{
	for (int i = 0; i < work->request->source_count; i++) {
		struct command command;
		char seen[PATH_MAX];

		if (!path_seen_from(work->root, work->request->sources[i], seen)) {
			report_error(1, NULL, "%s: %m", work->request->sources[i]);
			return false;
		}
		if (!compile_begin(work, &command))
			return false;
		command_add(&command, "-MMD");
		command_add(&command, "-MF");
		command_add(&command, "%s/%d.d", work->folder, i);
		command_add(&command, "-DDIATOM_FILE_BY_BUILD");
		command_add(&command, "-c");
		command_add(&command, "%s%s", seen[0] == '-' ? "./" : "", seen);
		command_add(&command, "-o");
		command_add(&command, "%s/%d.o", work->folder, i);
		if (!command_run(&command))
			return false;
	}
	return true;
}

bool compile_about(struct work *work)
{
	const struct request *request = work->request;
	struct command command = { .directory = work->folder, .is_shown = request->is_verbose };
	char path[PATH_MAX];
	FILE *file;

	if (!request->name && !request->version)
		return true;
	snprintf(path, sizeof(path), "%s/about.c", work->folder);
	file = fopen(path, "w");
	if (!file ||
		fprintf(file,
			"#include <diatom/app.h>\nDIATOM_IMAGE(.name = \"%s\", "
			".version = \"%s\");\n",
			request->name ? request->name : "",
			request->version ? request->version : "") < 0 ||
		fclose(file) != 0) {
		report_error(1, NULL, "%s: %m", path);
		return false;
	}
	toolchain_compile(&work->toolchain, work->folder, &command);
	command_add(&command, "-c");
	command_add(&command, "about.c");
	work->has_about = true;
	return command_run(&command);
}
