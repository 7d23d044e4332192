/*
 * A folder is walked, its files sorted by path (the image looks them up by halving), and each becomes a row
 * of pointers:
 *
 *     public/index.html       row: "/index.html" type tag  bytes  gzip  brotli
 *     public/index.html.gz             a variant of the row above, not a row of its own
 *     public/.git/...                  hidden names are left out, but .well-known (RFC 8615)
 *
 * The tag is a hash of the bytes: it changes when they do, and only then.
 */
#define _GNU_SOURCE /* asprintf */
#include "host/build/folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/build/media.h"
#include "host/report.h"

#define DEPTH_MAX 32
#define FILES_MAX 65536

struct found {
	char *path; /* of the file */
	char *name; /* in the image: "/css/a.css" */
};

struct listing {
	struct found *files;
	size_t count, room;
	const char *asker;
	unsigned line;
};

static bool complain(const struct listing *l, const char *path, const char *why)
{
	report_error(1, NULL, "%s:%u: DIATOM_DIR: %s: %s", l->asker, l->line, path, why);
	return false;
}

/* What stands inside quotes of assembly. */
static bool is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
			return false;
	return true;
}

static bool add(struct listing *l, const char *path, const char *name)
{
	if (!is_plain(path))
		return complain(l, path, "a quote, backslash or control character in its name");
	if (l->count == FILES_MAX)
		return complain(l, path, "more than 65,536 files");
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct found *files = realloc(l->files, room * sizeof(l->files[0]));

		if (files == NULL)
			return complain(l, path, strerror(ENOMEM));
		l->files = files;
		l->room = room;
	}
	l->files[l->count].path = strdup(path);
	l->files[l->count++].name = strdup(name);
	return true;
}

static bool walk(struct listing *l, const char *path, const char *name, unsigned depth);

static bool visit(struct listing *l, const char *path, const char *name, unsigned depth)
{
	struct stat about;

	if (stat(path, &about) != 0)
		return complain(l, path, strerror(errno));
	if (S_ISDIR(about.st_mode))
		return walk(l, path, name, depth + 1);
	if (S_ISREG(about.st_mode))
		return add(l, path, name);
	return complain(l, path, "neither file nor folder");
}

static bool walk(struct listing *l, const char *path, const char *name, unsigned depth)
{
	struct dirent *entry;
	bool is_good = true;
	DIR *folder;

	if (depth > DEPTH_MAX)
		return complain(l, path, "folders too deep in one another");
	folder = opendir(path);
	if (folder == NULL)
		return complain(l, path, strerror(errno));
	while (is_good && (entry = readdir(folder)) != NULL) {
		char *child = NULL, *child_name = NULL;

		if (entry->d_name[0] == '.' && strcmp(entry->d_name, ".well-known") != 0)
			continue;
		is_good = asprintf(&child, "%s/%s", path, entry->d_name) > 0 &&
			  asprintf(&child_name, "%s/%s", name, entry->d_name) > 0 &&
			  visit(l, child, child_name, depth);
		free(child);
		free(child_name);
	}
	closedir(folder);
	return is_good;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

static const struct found *find(const struct listing *l, const char *name)
{
	struct found key = { .name = (char *)(uintptr_t)name };

	return bsearch(&key, l->files, l->count, sizeof(key), compare);
}

static const struct found *variant_of(
	const struct listing *l, const struct found *file, const char *ending)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s", file->name, ending);
	return find(l, name);
}

/* Is it a compressed form of a file that is there, too? */
static bool is_variant(const struct listing *l, const struct found *file)
{
	static const char *const endings[] = { ".gz", ".br" };
	size_t length = strlen(file->name);

	for (unsigned i = 0; i < 2; i++) {
		char name[PATH_MAX];

		if (length < 4 || strcmp(file->name + length - 3, endings[i]) != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(length - 3), file->name);
		return find(l, name) != NULL;
	}
	return false;
}

/* 128 bits of FNV-1a, as two halves with different starts. */
static bool hash_file(const char *path, uint64_t hash[2])
{
	FILE *file = fopen(path, "rb");
	int c;

	hash[0] = UINT64_C(0xcbf29ce484222325);
	hash[1] = UINT64_C(0x6c62272e07bb0142);
	if (file == NULL)
		return false;
	while ((c = getc_unlocked(file)) != EOF)
		for (unsigned i = 0; i < 2; i++)
			hash[i] = (hash[i] ^ (unsigned)c ^ i << 7) * UINT64_C(0x100000001b3);
	c = ferror(file);
	fclose(file);
	return c == 0;
}

/* Bytes between the labels NUMBERs and NUMBERe. */
static void write_bytes(FILE *out, const struct found *file, unsigned label)
{
	fprintf(out, "\t.balign 16\n.Lf%us:\t.incbin \"%s\"\n.Lf%ue:\n", label, file->path, label);
}

static void write_view(FILE *out, const struct found *file, unsigned label)
{
	if (file != NULL)
		fprintf(out, "\t.quad .Lf%us, .Lf%ue - .Lf%us\n", label, label, label);
	else
		fprintf(out, "\t.quad 0, 0\n");
}

static bool write_row(FILE *out, const struct listing *l, const struct found *file, unsigned *label)
{
	const struct found *gzip = variant_of(l, file, ".gz"), *brotli = variant_of(l, file, ".br");
	unsigned n = *label;
	uint64_t hash[2];

	*label += 3;
	if (!hash_file(file->path, hash))
		return complain(l, file->path, strerror(errno));
	fprintf(out, "\t.pushsection .rodata.folder, \"a\", @progbits\n");
	write_bytes(out, file, n);
	if (gzip != NULL)
		write_bytes(out, gzip, n + 1);
	if (brotli != NULL)
		write_bytes(out, brotli, n + 2);
	fprintf(out,
		".Lp%u:\t.asciz \"%s\"\n.Lm%u:\t.asciz \"%s\"\n"
		".Lt%u:\t.asciz \"\\\"%016llx%016llx\\\"\"\n\t.popsection\n",
		n, file->name, n, media_type(file->name), n, (unsigned long long)hash[0],
		(unsigned long long)hash[1]);
	fprintf(out, "\t.quad .Lp%u, .Lm%u, .Lt%u\n", n, n, n);
	write_view(out, file, n);
	write_view(out, gzip, n + 1);
	write_view(out, brotli, n + 2);
	return true;
}

static bool write_rows(FILE *out, const struct listing *l, const char *symbol)
{
	static unsigned label; /* unique in the file of all folders */
	unsigned rows = 0;

	fprintf(out,
		"\t.section .data.rel.ro.folder.%1$s, \"aw\", @progbits\n\t.balign 8\n"
		".Lfolder_%1$s:\n",
		symbol);
	for (size_t i = 0; i < l->count; i++) {
		if (is_variant(l, &l->files[i]))
			continue;
		if (!write_row(out, l, &l->files[i], &label))
			return false;
		rows++;
	}
	fprintf(out, "\t.globl %1$s\n\t.hidden %1$s\n%1$s:\t.quad .Lfolder_%1$s", symbol);
	fprintf(out, ", %u\n", rows);
	return true;
}

bool folder_write(FILE *out, const char *symbol, const char *path, const char *asker, unsigned line)
{
	struct listing l = { .asker = asker, .line = line };
	bool is_good = walk(&l, path, "", 0);

	if (is_good) {
		qsort(l.files, l.count, sizeof(l.files[0]), compare);
		is_good = write_rows(out, &l, symbol);
	}
	for (size_t i = 0; i < l.count; i++) {
		free(l.files[i].path);
		free(l.files[i].name);
	}
	free(l.files);
	return is_good;
}
