/*
 * `diatom rm`: forgets runs that ended.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/named/commands.h"
#include "host/named/place.h"
#include "host/report.h"

static const char help[] = "diatom rm NAME ...\n"
			   "diatom rm --all-ended\n"
			   "\n"
			   "Forgets runs that ended: their state, their log, their counters.\n";

static int complain_running(const char *name)
{
	char remedy[PLACE_NAME_BYTES + 32];

	snprintf(remedy, sizeof(remedy), "end it first:  diatom stop %s", name);
	return report_error(EXIT_REFUSED, remedy, "\"%s\" is running", name);
}

static int remove_run(const char *name, bool may_run)
{
	struct place place;
	int code = place_find(&place, name);

	if (code != 0)
		return code;
	if (!place_remove(&place)) {
		if (errno != EWOULDBLOCK)
			code = report_error(EXIT_HOST_LACKS, "look into its folder",
				"\"%s\" can't be removed: %s", name, strerror(errno));
		else if (!may_run)
			code = complain_running(name);
	}
	place_close(&place);
	return code;
}

static int remove_ended(const char *name, void *unused)
{
	return remove_run(name, true);
}

int rm_command(int argc, char **argv)
{
	int code = 0;

	if (argc == 0)
		return report_error(EXIT_USAGE, "all of them:  diatom ps --all",
			"which one? say:  diatom rm NAME");
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
		report_write(STDOUT_FILENO, help, sizeof(help) - 1);
		return 0;
	}
	if (argc == 1 && strcmp(argv[0], "--all-ended") == 0)
		return place_each(remove_ended, NULL);
	for (int i = 0; i < argc; i++)
		if (argv[i][0] == '-')
			return report_error(EXIT_USAGE, "all options:  diatom rm --help",
				"rm does not take \"%s\" here", argv[i]);
	for (int i = 0; i < argc && code == 0; i++)
		code = remove_run(argv[i], false);
	return code;
}
