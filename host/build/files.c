/*
 * DIATOM_FILE(symbol, "path"): a file that becomes read-only bytes of the image. DIATOM_DIR does so with all
 * files of a folder (folder.c).
 *
 * The linker compiles (ThinLTO), and what it compiles may not depend on files that it doesn't know:
 * its cache would hand out yesterday's zone. So the compiler only declares the symbol, and here the
 * preprocessor is asked which files there are:
 *
 *     source that says DIATOM_FILE --cc -E--> DIATOM_FILE_IS zone "example.zone"   with its place
 *                                         --> files.S: .incbin of its absolute path --> files.o
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/build/compile.h"
#include "host/build/folder.h"
#include "host/build/path.h"
#include "host/build/work.h"
#include "host/report.h"

#define FILE_MARK "DIATOM_FILE_IS"
#define DIR_MARK  "DIATOM_DIR_IS"

/* Where the preprocessor's output stands. */
struct place {
	char file[PATH_MAX];
	unsigned line;
};

static bool contains(const char *path, const char *word)
{
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *file = fopen(path, "r");

	while (file && !found && getline(&line, &room, file) > 0)
		found = strstr(line, word) != NULL;
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* Whether the source, or a header that it includes, speaks of DIATOM_FILE or DIATOM_DIR. Its names are in the
 * dependency file that the compiler left, relative to the root. */
static bool embeds(const struct work *work, int source)
{
	char path[2 * PATH_MAX + 64], name[PATH_MAX];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d.d", work->folder, source);
	file = fopen(path, "r");
	while (file && !found && fscanf(file, "%4095s", name) == 1) {
		if (strcmp(name, "\\") == 0 || name[strlen(name) - 1] == ':')
			continue;
		snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : work->root,
			name[0] == '/' ? "" : "/", name);
		found = !strstr(name, "diatom/app.h") &&
			(contains(path, "DIATOM_FILE") || contains(path, "DIATOM_DIR"));
	}
	if (file)
		fclose(file);
	return found;
}

/* Looks as #include "" does: beside the source that asks, then in each -I folder. */
static bool find_file(
	const struct work *work, const char *asker, const char *name, char found[PATH_MAX])
{
	const struct request *request = work->request;
	char path[3 * PATH_MAX], folder[PATH_MAX] = "";
	const char *slash = strrchr(asker, '/');

	if (slash)
		snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - asker), asker);
	if (name[0] == '/')
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "%s%s%s%s", folder[0] == '/' ? "" : work->root,
			folder[0] == '/' ? "" : "/", folder, name);
	if (access(path, R_OK) == 0)
		return realpath(path, found) != NULL;
	for (int i = 0; i < request->flag_count && name[0] != '/'; i++) {
		const char *flag = request->flags[i];

		if (strncmp(flag, "-I", 2) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", flag[2] ? flag + 2 : request->flags[++i],
			name);
		if (access(path, R_OK) == 0)
			return realpath(path, found) != NULL;
	}
	return false;
}

static void write_bytes(FILE *out, const char *symbol, const char *path)
{
	fprintf(out,
		"\t.section .rodata.file.%1$s, \"a\", @progbits\n"
		"\t.balign 16\n"
		"1:\t.incbin \"%2$s\"\n"
		"2:\t.byte 0\n" /* text files end in a NUL */
		"\t.section .data.rel.ro.file.%1$s, \"aw\", @progbits\n"
		"\t.balign 8\n"
		"\t.globl %1$s\n"
		"\t.hidden %1$s\n"
		"%1$s:\t.quad 1b, 2b - 1b\n",
		symbol, path);
}

/* # 12 "main.c" 2 */
static void follow(struct place *place, const char *line)
{
	unsigned number;
	char file[PATH_MAX];

	if (sscanf(line, "# %u \"%4095[^\"]\"", &number, file) == 2) {
		place->line = number - 1;
		snprintf(place->file, sizeof(place->file), "%s", file);
	}
}

/* What stands behind a mark: a symbol and the path of what it shall be. */
static bool take_mark(const struct work *work, const struct place *place, const char *words,
	bool is_folder, FILE *out)
{
	const char *macro = is_folder ? "DIATOM_DIR" : "DIATOM_FILE";
	char symbol[128], name[PATH_MAX], path[PATH_MAX], remedy[64];

	if (sscanf(words, " %127[A-Za-z0-9_] \"%4095[^\"]\"", symbol, name) != 2) {
		snprintf(remedy, sizeof(remedy), "the form is:  %s(symbol, \"path\");", macro);
		report_error(1, remedy, "%s:%u: %s takes a name and a string", place->file,
			place->line, macro);
		return false;
	}
	if (!find_file(work, place->file, name, path)) {
		report_error(1, "it is looked for beside the source and in each -I folder",
			"%s:%u: the %s \"%s\" can't be read: %s", place->file, place->line,
			is_folder ? "folder" : "file", name, strerror(errno));
		return false;
	}
	if (is_folder)
		return folder_write(out, symbol, path, place->file, place->line);
	if (strpbrk(path, "\"\\")) {
		report_error(1, NULL, "%s: a quote or backslash in its name", path);
		return false;
	}
	write_bytes(out, symbol, path);
	return true;
}

/* A line of the preprocessor's output, which may have several marks. */
static bool take_line(
	const struct work *work, const struct place *place, const char *line, FILE *out)
{
	const char *at;

	for (at = line; (at = strstr(at, FILE_MARK)) != NULL;) {
		at += strlen(FILE_MARK);
		if (!take_mark(work, place, at, false, out))
			return false;
	}
	for (at = line; (at = strstr(at, DIR_MARK)) != NULL;) {
		at += strlen(DIR_MARK);
		if (!take_mark(work, place, at, true, out))
			return false;
	}
	return true;
}

static bool scan(struct work *work, int source, FILE *out)
{
	char expanded[PATH_MAX], seen[PATH_MAX];
	struct place place = { .line = 0 };
	struct command command;
	char *line = NULL;
	size_t room = 0;
	bool is_good = true;
	FILE *file;

	snprintf(expanded, sizeof(expanded), "%s/expanded.i", work->folder);
	if (!path_seen_from(work->root, work->request->sources[source], seen) ||
		!compile_begin(work, &command))
		return false;
	command_add(&command, "-DDIATOM_FILE_SCAN");
	command_add(&command, "-E");
	command_add(&command, "./%s", seen);
	command_add(&command, "-o");
	command_add(&command, "%s", expanded);
	if (!command_run(&command) || !(file = fopen(expanded, "r")))
		return false;
	while (is_good && getline(&line, &room, file) > 0) {
		place.line++;
		if (line[0] == '#')
			follow(&place, line);
		else
			is_good = take_line(work, &place, line, out);
	}
	free(line);
	fclose(file);
	return is_good;
}

static bool assemble(struct work *work)
{
	struct command command = { .directory = work->folder,
		.is_shown = work->request->is_verbose };

	command_add(&command, "%s", strcmp(work->request->compiler, "gcc") ? "clang-19" : "gcc");
	command_add(&command, "-c");
	command_add(&command, "files.S");
	return command_run(&command);
}

bool files_embed(struct work *work)
{
	char path[PATH_MAX];
	FILE *out = NULL;
	bool is_good = true;

	snprintf(path, sizeof(path), "%s/files.S", work->folder);
	for (int i = 0; is_good && i < work->request->source_count; i++) {
		if (!embeds(work, i))
			continue;
		if (!out)
			out = fopen(path, "w");
		is_good = out && scan(work, i, out);
	}
	if (!out)
		return is_good;
	fprintf(out, "\t.section .note.GNU-stack, \"\", @progbits\n");
	work->has_files = true;
	return fclose(out) == 0 && is_good && assemble(work);
}
