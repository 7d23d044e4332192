/* See resume.h. Arguments are read in full before the state changes. */
#include "host/gdb/resume.h"

#include "host/gdb/commands.h"
#include "host/gdb/threads.h"

struct resumption {
	bool is_step;
	uint64_t signal, range_start, range_end;
};

static void go(struct gdb_server *server, const struct resumption *how)
{
	points_arm(&server->points);
	server->resume_signal = (unsigned)(how->signal & 0xff);
	server->is_continuing = !how->is_step;
	server->range_start = how->range_start;
	server->range_end = how->range_end;
	server->state = how->is_step || server->points.is_stepping ? GDB_STEPPING : GDB_RUNNING;
}

bool resume_plainly(struct gdb_server *server, struct gdb_words *words, char letter)
{
	struct resumption how = { .is_step = letter == 's' || letter == 'S' };
	struct gdb_registers registers;
	uint64_t address;
	bool has_address;

	if (letter == 'C' || letter == 'S') {
		if (!gdb_words_number(words, &how.signal))
			return false;
		has_address = gdb_words_skip(words, ";");
	} else {
		has_address = gdb_words_left(words) > 0;
	}
	if (has_address) {
		if (!gdb_words_number(words, &address))
			return false;
		server->target->ops->get_registers(server->target, &registers);
		registers.rip = address;
		server->target->ops->set_registers(server->target, &registers);
	}
	go(server, &how);
	return true;
}

/* One action of vCont: c, C sig, s, S sig, r start,end. */
static bool read_action(struct gdb_words *words, struct resumption *how)
{
	if (gdb_words_skip(words, "c"))
		return true;
	if (gdb_words_skip(words, "C"))
		return gdb_words_number(words, &how->signal);
	how->is_step = true;
	if (gdb_words_skip(words, "s"))
		return true;
	if (gdb_words_skip(words, "S"))
		return gdb_words_number(words, &how->signal);
	return gdb_words_skip(words, "r") && gdb_words_number(words, &how->range_start) &&
	       gdb_words_skip(words, ",") && gdb_words_number(words, &how->range_end);
}

bool resume_by_actions(struct gdb_server *server, struct gdb_words *words)
{
	struct resumption chosen = { .is_step = false };
	uint64_t running = threads_running(server);
	bool is_first = true;

	while (gdb_words_skip(words, ";")) {
		struct resumption how = { .is_step = false };
		uint64_t thread = 0;

		if (!read_action(words, &how))
			return false;
		if (gdb_words_skip(words, ":") && !commands_read_thread(words, &thread))
			return false;
		if (how.is_step && thread != 0 && thread != running)
			return false;
		if (is_first || (how.is_step && !chosen.is_step))
			chosen = how;
		is_first = false;
	}
	if (is_first || gdb_words_left(words) > 0)
		return false;
	go(server, &chosen);
	return true;
}
