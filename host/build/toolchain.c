/* The parts of an image, found: see toolchain.h. */
#include "host/build/toolchain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/report.h"

const char *const toolchain_library_names[3] = { "libdiatom.a", "libc.a", "libgcc.a" };

__attribute__((format(printf, 2, 3))) static bool join(char path[PATH_MAX], const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(path, PATH_MAX, format, arguments);
	va_end(arguments);
	return length > 0 && length < PATH_MAX;
}

static bool is_there(const char *path)
{
	return access(path, R_OK) == 0;
}

/* The folder of this program's file; false if the kernel doesn't say. */
static bool own_folder(char folder[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	char *slash;

	if (length <= 0)
		return false;
	folder[length] = '\0';
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return true;
}

/* Makes the folder and its parent, as far as they are missing. */
static bool make_folder(const char *path)
{
	char parent[PATH_MAX];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash) {
		*slash = '\0';
		mkdir(parent, 0777);
	}
	mkdir(path, 0777);
	return access(path, W_OK) == 0;
}

/* Without a cache the linker only takes longer. */
static void find_cache(struct toolchain *t, const char *build_folder)
{
	const char *own = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (build_folder)
		join(t->cache, "%s/cache/thinlto", build_folder);
	else if (own && own[0] == '/')
		join(t->cache, "%s/diatom", own);
	else if (home && home[0] == '/')
		join(t->cache, "%s/.cache/diatom", home);
	if (t->cache[0] && !make_folder(t->cache))
		t->cache[0] = '\0';
}

static bool in_build_tree(struct toolchain *t, const char *own)
{
	char root[PATH_MAX], mark[PATH_MAX];
	char *slash;

	snprintf(root, sizeof(root), "%s", own);
	for (unsigned up = 0; up < 3; up++) {
		slash = strrchr(root, '/');
		if (slash == NULL)
			return false;
		*slash = '\0';
		if (join(mark, "%s/mk/body.ldflags", root) && is_there(mark))
			break;
	}
	if (!is_there(mark))
		return false;
	find_cache(t, own);
	return join(t->shim, "%s/shim.bin", own) &&
	       join(t->cflags, "%s/mk/body-%s.cflags", root, t->compiler) &&
	       join(t->ldflags, "%s/mk/body.ldflags", root) &&
	       join(t->includes[0], "%s/include", root) && join(t->includes[1], "%s", root) &&
	       join(t->libc_include, "%s/build/sysroot-%s/include", root, t->compiler) &&
	       join(t->libraries[0], "%s/body-%s/libdiatom.a", own, t->compiler) &&
	       join(t->libraries[1], "%s/build/sysroot-%s/lib/libc.a", root, t->compiler) &&
	       join(t->libraries[2], "%s/build/sysroot-%s/lib/libgcc.a", root, t->compiler);
}

static bool in_prefix(struct toolchain *t, const char *own)
{
	char prefix[PATH_MAX];
	char *slash;

	snprintf(prefix, sizeof(prefix), "%s", own);
	slash = strrchr(prefix, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	find_cache(t, NULL);
	for (unsigned i = 0; i < 3; i++)
		if (!join(t->libraries[i], "%s/lib/diatom/%s/%s", prefix, t->compiler,
			    toolchain_library_names[i]))
			return false;
	return join(t->shim, "%s/lib/diatom/shim.bin", prefix) &&
	       join(t->cflags, "%s/share/diatom/body-%s.cflags", prefix, t->compiler) &&
	       join(t->ldflags, "%s/share/diatom/body.ldflags", prefix) &&
	       join(t->includes[0], "%s/share/diatom/include", prefix) &&
	       join(t->libc_include, "%s/lib/diatom/%s/include", prefix, t->compiler);
}

static bool find_gcc_include(struct toolchain *t)
{
	struct command ask = { 0 };

	command_add(&ask, "gcc");
	command_add(&ask, "-print-file-name=include");
	if (!command_read(&ask, t->compiler_include, PATH_MAX))
		return false;
	t->compiler_include[strcspn(t->compiler_include, "\n")] = '\0';
	return true;
}

bool toolchain_find(struct toolchain *t, const char *compiler)
{
	bool is_gcc = strcmp(compiler, "gcc") == 0;
	char own[PATH_MAX];

	memset(t, 0, sizeof(*t));
	t->compiler = compiler;
	if (!own_folder(own) || !(in_build_tree(t, own) || in_prefix(t, own))) {
		report_error(1, NULL, "can't tell where diatom is installed");
		return false;
	}
	for (unsigned i = 0; i < 3; i++)
		if (!is_there(t->libraries[i])) {
			report_error(1,
				is_gcc ? "build it:  make BODY=gcc body" : "build it:  make body",
				"%s is missing", t->libraries[i]);
			return false;
		}
	if (!is_there(t->shim)) {
		report_error(1, "build it:  make shim", "%s is missing", t->shim);
		return false;
	}
	return !is_gcc || find_gcc_include(t);
}

/* The last map that fits is the compiler's choice, so the outer folder of two comes first: the root
 * may lie in the tree of Diatom, or a prefix in the root. */
static void map_prefixes(const struct toolchain *t, const char *root, struct command *command)
{
	const char *const to[] = { "diatom", "diatom", "libc", "." };
	const char *from[] = { t->includes[1], t->includes[0], t->libc_include, root };

	for (unsigned done = 0; done < 4; done++) {
		unsigned outer = 0;

		for (unsigned i = 1; i < 4; i++)
			if (from[i] && (!from[outer] || strlen(from[i]) < strlen(from[outer])))
				outer = i;
		if (from[outer][0])
			command_add(command, "-ffile-prefix-map=%s=%s", from[outer], to[outer]);
		from[outer] = NULL;
	}
}

void toolchain_compile(const struct toolchain *t, const char *root, struct command *command)
{
	bool is_gcc = strcmp(t->compiler, "gcc") == 0;

	command_add(command, "%s", is_gcc ? "gcc" : "clang-19");
	command_add(command, "@%s", t->cflags);
	/* How strict a program is with itself is its author's choice. */
	command_add(command, "-Wno-error");
	command_add(command, "-Wno-missing-prototypes");
	command_add(command, "-Wno-strict-prototypes");
	if (!is_gcc) {
		/* A trap for each check of the program, not one for all of a function: so that a
		 * crash names the line. The libraries do without, for size. */
		command_add(command, "-mllvm");
		command_add(command, "-ubsan-unique-traps");
	}
	command_add(command, is_gcc ? "-nostdinc" : "-nostdlibinc");
	command_add(command, "-isystem%s", t->libc_include);
	if (is_gcc)
		command_add(command, "-isystem%s", t->compiler_include);
	for (unsigned i = 0; i < 2; i++)
		if (t->includes[i][0])
			command_add(command, "-I%s", t->includes[i]);
	map_prefixes(t, root, command);
}
