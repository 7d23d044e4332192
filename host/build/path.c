/* Paths: see path.h. */
#include "host/build/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool path_folder(const char *file, char folder[PATH_MAX])
{
	char *slash;

	if (!realpath(file, folder))
		return false;
	slash = strrchr(folder, '/');
	slash[slash == folder] = '\0';
	return true;
}

/* Bytes of the longest common leading part that ends at a slash of both. */
static size_t common_part(const char *a, const char *b)
{
	size_t common = 0;

	for (size_t i = 0; a[i] == b[i] || (!a[i] && b[i] == '/') || (a[i] == '/' && !b[i]); i++) {
		if (!a[i] || a[i] == '/')
			common = i;
		if (!a[i] || !b[i])
			break;
	}
	return common;
}

bool path_seen_from(const char *folder, const char *file, char seen[PATH_MAX])
{
	char real[PATH_MAX];
	size_t common, length = 0;
	const char *rest;

	if (!realpath(file, real))
		return false;
	if (strcmp(folder, "/") == 0)
		folder = "";
	common = common_part(folder, real);
	for (const char *at = folder + common; *at; at++)
		if (*at == '/' && length + 4 < PATH_MAX)
			length += (size_t)sprintf(seen + length, "../");
	rest = real[common] ? real + common + 1 : "";
	if (length == 0 && !*rest)
		rest = ".";
	if (snprintf(seen + length, PATH_MAX - length, "%s", rest) >= (int)(PATH_MAX - length)) {
		errno = ENAMETOOLONG;
		return false;
	}
	return true;
}
