/* A build's folder: see work.h. */
#include "host/build/work.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "host/build/path.h"
#include "host/report.h"

/* Spreads a seed over the linker's 32 bits (the finisher of SplitMix64), but for its two special
 * values. */
static uint32_t layout_seed(uint64_t seed)
{
	uint32_t folded;

	seed += UINT64_C(0x9e3779b97f4a7c15);
	seed = (seed ^ (seed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	seed = (seed ^ (seed >> 27)) * UINT64_C(0x94d049bb133111eb);
	folded = (uint32_t)(seed ^ (seed >> 31));
	return folded == 0 || folded == UINT32_MAX ? 1 : folded;
}

static uint64_t choose_seed(const struct request *request)
{
	uint32_t random;

	if (request->has_seed)
		return request->seed;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (uint32_t)getpid();
	return random;
}

bool work_begin(struct work *work, const struct request *request)
{
	const char *parent = getenv("TMPDIR");

	memset(work, 0, sizeof(*work));
	work->request = request;
	work->seed = choose_seed(request);
	work->layout_seed = layout_seed(work->seed);
	if (request->is_verbose)
		report_line("seed %llu\n", (unsigned long long)work->seed);
	if (!path_folder(request->sources[0], work->root)) {
		report_error(1, NULL, "%s: %m", request->sources[0]);
		return false;
	}
	if (!toolchain_find(&work->toolchain, request->compiler))
		return false;
	if (!parent || strlen(parent) > sizeof(work->folder) - 24)
		parent = "/tmp";
	snprintf(work->folder, sizeof(work->folder), "%s/diatom-build-XXXXXX", parent);
	if (!mkdtemp(work->folder)) {
		report_error(1, "TMPDIR names another", "no temporary folder in %s: %m", parent);
		return false;
	}
	return true;
}

void work_end(struct work *work)
{
	DIR *folder = opendir(work->folder);
	char path[sizeof(work->folder) + 300];
	struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", work->folder, entry->d_name);
		unlink(path);
	}
	if (folder)
		closedir(folder);
	rmdir(work->folder);
}
