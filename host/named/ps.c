/*
 * `diatom ps`: the runs that have a name.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/named/commands.h"
#include "host/named/state.h"
#include "host/report.h"

static const char help[] =
	"diatom ps [--all] [--json]\n"
	"\n"
	"  --all, -a   those that ended, too, as long as their name was not used again\n"
	"  --json      a JSON array with all that is known of each\n"
	"\n"
	"Lists the images that run under a name (diatom run --name NAME).\n";

struct listing {
	bool wants_all, wants_json;
	unsigned count;
};

/* "12 s", "3 min", "5 h", "2 d" */
static void put_age(char text[24], int64_t seconds)
{
	if (seconds < 120)
		snprintf(text, 24, "%lld s", (long long)seconds);
	else if (seconds < 120 * 60)
		snprintf(text, 24, "%lld min", (long long)seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(text, 24, "%lld h", (long long)seconds / 3600);
	else
		snprintf(text, 24, "%lld d", (long long)seconds / 86400);
}

static void print_row(const struct place *place, const struct state *state)
{
	char image[STATE_TEXT_BYTES], target[16], network[STATE_TEXT_BYTES], age[24], line[2400];
	char status[32] = "lost", pid[16] = "-";
	int64_t started = state_number(state, "started_at");
	int length;

	state_text(state, "image", image, sizeof(image));
	state_text(state, "target", target, sizeof(target));
	state_text(state, "network", network, sizeof(network));
	put_age(age, started >= 0 ? (int64_t)time(NULL) - started : 0);
	if (state->is_alive && started < 0) {
		snprintf(status, sizeof(status), "starting");
	} else if (state->is_alive) {
		snprintf(status, sizeof(status), "up %s", age);
		snprintf(pid, sizeof(pid), "%lld", (long long)state_number(state, "pid"));
	} else if (state->has_exit) {
		snprintf(status, sizeof(status), "exit %d", state->exit_code);
	}
	length = snprintf(line, sizeof(line), "%-16s %-10s %8s %-8s %4lld  %s%s%s\n", place->name,
		status, pid, target, (long long)state_number(state, "memory_mib"), image,
		network[0] != '\0' ? "  " : "", network);
	report_write(STDOUT_FILENO, line,
		(size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

static int list(const char *name, void *argument)
{
	static const char header[] =
		"NAME             STATUS          PID TARGET    MIB  IMAGE  NETWORK\n";
	static struct state state;
	struct listing *listing = argument;
	struct place place;

	if (place_find(&place, name) != 0)
		return 0;
	state_read(&place, &state);
	if (state.is_alive || listing->wants_all) {
		if (listing->wants_json) {
			report_write(STDOUT_FILENO, listing->count == 0 ? "[\n" : ",\n", 2);
			state_print_json(&place, &state);
		} else {
			if (listing->count == 0)
				report_write(STDOUT_FILENO, header, sizeof(header) - 1);
			print_row(&place, &state);
		}
		listing->count++;
	}
	place_close(&place);
	return 0;
}

int ps_command(int argc, char **argv)
{
	struct listing listing = { 0 };
	int code;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--all") == 0 || strcmp(argv[i], "-a") == 0) {
			listing.wants_all = true;
		} else if (strcmp(argv[i], "--json") == 0) {
			listing.wants_json = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			report_write(STDOUT_FILENO, help, sizeof(help) - 1);
			return 0;
		} else {
			return report_error(EXIT_USAGE, "all options:  diatom ps --help",
				"ps takes no \"%s\"", argv[i]);
		}
	}
	code = place_each(list, &listing);
	if (code == 0 && listing.wants_json)
		report_write(STDOUT_FILENO, listing.count == 0 ? "[]\n" : "\n]\n", 3);
	return code;
}
