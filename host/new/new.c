/*
 * The files are part of diatom itself (templates.S). In each, @NAME@ becomes the name and @RUN@ the
 * options that `make run` starts it with. A folder that is there is never touched; one that can't be
 * completed is removed again.
 */
#include "host/new/new.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/report.h"

#define NAME_MAX_BYTES 31 /* of a manifest, without NUL */
#define SEE_HELP       "all options:  diatom new --help"

static const char help[] =
	"diatom new [--template hello|echo|dns] NAME\n"
	"\n"
	"Makes the folder NAME: a small program, a Makefile that builds, runs and tests it, a test.\n"
	"\n"
	"  hello    prints a line; needs nothing (the default)\n"
	"  echo     a network service: UDP echo\n"
	"  dns      an authoritative name server with its zone\n";

extern const char template_makefile[], template_gitignore[], template_hello_main[],
	template_hello_test[], template_hello_readme[], template_echo_main[], template_echo_test[],
	template_echo_readme[], template_dns_main[], template_dns_test[], template_dns_readme[],
	template_dns_zone[];

#define FILES_MAX 6

struct file {
	const char *path; /* in the folder; NULL: no more */
	const char *text;
	mode_t mode;
};

static const struct template
{
	const char *name;
	const char *run; /* what @RUN@ becomes */
	struct file files[FILES_MAX + 1];
}
templates[] = {
	{ "hello", "",
		{ { "main.c", template_hello_main, 0666 }, { "test.sh", template_hello_test, 0777 },
			{ "README.md", template_hello_readme, 0666 },
			{ "Makefile", template_makefile, 0666 },
			{ ".gitignore", template_gitignore, 0666 } } },
	{ "echo", "-p 7007:7",
		{ { "main.c", template_echo_main, 0666 }, { "test.sh", template_echo_test, 0777 },
			{ "README.md", template_echo_readme, 0666 },
			{ "Makefile", template_makefile, 0666 },
			{ ".gitignore", template_gitignore, 0666 } } },
	{ "dns", "-p 5353:53",
		{ { "main.c", template_dns_main, 0666 }, { "@NAME@.zone", template_dns_zone, 0666 },
			{ "test.sh", template_dns_test, 0777 },
			{ "README.md", template_dns_readme, 0666 },
			{ "Makefile", template_makefile, 0666 },
			{ ".gitignore", template_gitignore, 0666 } } },
};

#define TEMPLATE_COUNT (sizeof(templates) / sizeof(templates[0]))

/* Writes text with its marks replaced; into a buffer that is large enough for every template. */
static size_t fill_in(const char *text, const char *name, const char *run, char *out, size_t room)
{
	size_t length = 0;

	while (*text && length < room - 1) {
		const char *value = strncmp(text, "@NAME@", 6) == 0  ? name
				    : strncmp(text, "@RUN@", 5) == 0 ? run
								     : NULL;

		if (value) {
			length += (size_t)snprintf(out + length, room - length, "%s", value);
			text += value == name ? 6 : 5;
		} else {
			out[length++] = *text++;
		}
	}
	if (length > room - 1)
		length = room - 1;
	out[length] = '\0';
	return length;
}

static bool write_file(const char *folder, const struct template *template, const struct file *file)
{
	char text[8192], relative[64], path[PATH_MAX];
	size_t length = fill_in(file->text, folder, template->run, text, sizeof(text));
	ssize_t written;
	int fd;

	fill_in(file->path, folder, "", relative, sizeof(relative));
	snprintf(path, sizeof(path), "%s/%s", folder, relative);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
	if (fd < 0)
		return false;
	written = write(fd, text, length);
	if (written >= 0 && (size_t)written < length)
		errno = ENOSPC;
	return (close(fd) == 0) & (written == (ssize_t)length);
}

static void remove_all(const char *folder, const struct template *template)
{
	char relative[64], path[PATH_MAX];

	for (const struct file *file = template->files; file->path; file++) {
		fill_in(file->path, folder, "", relative, sizeof(relative));
		snprintf(path, sizeof(path), "%s/%s", folder, relative);
		unlink(path);
	}
	rmdir(folder);
}

static int make(const char *folder, const struct template *template)
{
	if (mkdir(folder, 0777) != 0)
		return report_error(1,
			errno == EEXIST ? "nothing was changed; take another name" : NULL,
			"%s can't be made: %m", folder);
	for (const struct file *file = template->files; file->path; file++) {
		if (write_file(folder, template, file))
			continue;
		report_error(1, NULL, "%s/%s can't be written: %m", folder, file->path);
		remove_all(folder, template);
		return 1;
	}
	report_line("%s: made from the template \"%s\"\n  next:  cd %s && make && make test",
		folder, template->name, folder);
	return 0;
}

/* Targets of its Makefile, files beside it. */
static bool is_reserved(const char *name)
{
	static const char *const taken[] = { "run", "test", "clean", "test.sh" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(name, taken[i]) == 0)
			return true;
	return false;
}

static int check_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t length = strlen(name);

	if (length == 0 || length > NAME_MAX_BYTES || strspn(name, allowed) != length ||
		name[0] == '-')
		return report_error(EXIT_USAGE,
			"1 to 31 letters, digits, \"_\" and \"-\", for instance:  diatom new web",
			"\"%s\" can't be a program's name", name);
	if (is_reserved(name))
		return report_error(EXIT_USAGE, "take another name",
			"the name \"%s\" is a target of its Makefile", name);
	return 0;
}

static const struct template *find_template(const char *name)
{
	for (size_t i = 0; i < TEMPLATE_COUNT; i++)
		if (strcmp(templates[i].name, name) == 0)
			return &templates[i];
	report_error(EXIT_USAGE, "it takes one of:  hello echo dns", "there is no template \"%s\"",
		name);
	return NULL;
}

struct request {
	const struct template *template;
	const char *name;
	bool wants_help;
};

/* One word, and the next if it is an option's value: how many it took, 0 after an error. */
static int take_word(struct request *request, int left, char **words)
{
	const char *word = words[0];
	int taken = 1;

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		request->wants_help = true;
	} else if (strcmp(word, "--template") == 0 && left < 2) {
		report_error(EXIT_USAGE, SEE_HELP, "--template needs its name");
		taken = 0;
	} else if (strcmp(word, "--template") == 0) {
		request->template = find_template(words[1]);
		taken = request->template ? 2 : 0;
	} else if (strncmp(word, "--template=", 11) == 0) {
		request->template = find_template(word + 11);
		taken = request->template ? 1 : 0;
	} else if (word[0] == '-') {
		report_error(EXIT_USAGE, SEE_HELP, "new has no option \"%s\"", word);
		taken = 0;
	} else if (request->name) {
		report_error(EXIT_USAGE, SEE_HELP, "new takes one name, not also \"%s\"", word);
		taken = 0;
	} else {
		request->name = word;
	}
	return taken;
}

int new_command(int argc, char **argv)
{
	struct request request = { .template = &templates[0] };
	int taken, code;

	for (int i = 0; i < argc; i += taken) {
		taken = take_word(&request, argc - i, argv + i);
		if (taken == 0)
			return EXIT_USAGE;
	}
	if (request.wants_help) {
		report_write(STDOUT_FILENO, help, sizeof(help) - 1);
		return 0;
	}
	if (!request.name)
		return report_error(EXIT_USAGE, SEE_HELP, "new what? say:  diatom new NAME");
	code = check_name(request.name);
	return code != 0 ? code : make(request.name, request.template);
}
