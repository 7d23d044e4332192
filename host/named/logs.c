/*
 * `diatom logs`: what a detached run printed.
 */
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/named/commands.h"
#include "host/named/log.h"
#include "host/report.h"

static const char help[] = "diatom logs [--follow] NAME\n"
			   "\n"
			   "  --follow, -f   go on with what is added, until the run ended\n"
			   "\n"
			   "Prints what a detached run printed: the last 4 to 8 MiB of it.\n";

int logs_command(int argc, char **argv)
{
	const char *name = NULL;
	bool wants_more = false, has_log;
	struct place place;
	int code;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--follow") == 0 || strcmp(argv[i], "-f") == 0) {
			wants_more = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			report_write(STDOUT_FILENO, help, sizeof(help) - 1);
			return 0;
		} else if (argv[i][0] == '-' || name != NULL) {
			return report_error(EXIT_USAGE, "all options:  diatom logs --help",
				"logs takes no \"%s\"", argv[i]);
		} else {
			name = argv[i];
		}
	}
	if (name == NULL)
		return report_error(EXIT_USAGE, "all of them:  diatom ps --all",
			"whose logs? say:  diatom logs NAME");
	code = place_find(&place, name);
	if (code != 0)
		return code;
	has_log = wants_more ? log_follow(&place) : log_copy(&place, STDOUT_FILENO);
	place_close(&place);
	if (has_log)
		return 0;
	return report_error(EXIT_REFUSED, "only runs with --detach have one",
		"\"%s\" has no log: what it printed went to its terminal", name);
}
