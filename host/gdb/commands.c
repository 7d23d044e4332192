/*
 * Commands but for queries and going on: registers, memory, points, threads. Arguments are read in
 * full before anything is done.
 */
#include "host/gdb/commands.h"

#include <string.h>

#include "host/gdb/resume.h"
#include "host/gdb/threads.h"

#define MEMORY_MAX ((uint64_t)(GDB_PAYLOAD_MAX / 2)) /* two digits a byte */

/* --- registers --- */

/* Those of the thread that gdb is at. False after an error was said. */
static bool get_registers(struct gdb_server *server, struct gdb_registers *registers)
{
	struct gdb_thread thread;

	if (threads_find(server, server->thread, &thread) &&
		threads_registers(server, &thread, registers))
		return true;
	reply_error(server);
	return false;
}

/* A fiber that does not run has no registers to set. False after an error was said. */
static bool is_at_running(struct gdb_server *server)
{
	if (server->thread == threads_running(server))
		return true;
	reply_error(server);
	return false;
}

static void read_registers(struct gdb_server *server, struct gdb_words *words)
{
	struct gdb_registers registers;

	if (get_registers(server, &registers))
		gdb_reply_bytes(&server->reply, &registers, sizeof(registers));
}

static void write_registers(struct gdb_server *server, struct gdb_words *words)
{
	struct gdb_registers registers;

	if (!is_at_running(server))
		return;
	if (!gdb_words_bytes(words, &registers, sizeof(registers))) {
		reply_error(server);
		return;
	}
	server->target->ops->set_registers(server->target, &registers);
	reply_ok(server);
}

static void read_register(struct gdb_server *server, struct gdb_words *words)
{
	struct gdb_registers registers;
	uint64_t number;
	size_t at, length;

	if (!gdb_words_number(words, &number) || (length = gdb_registers_find(number, &at)) == 0) {
		reply_error(server);
		return;
	}
	if (get_registers(server, &registers))
		gdb_reply_bytes(&server->reply, (const uint8_t *)&registers + at, length);
}

static void write_register(struct gdb_server *server, struct gdb_words *words)
{
	struct gdb_registers registers;
	uint64_t number;
	size_t at = 0, length = 0;

	if (!is_at_running(server))
		return;
	server->target->ops->get_registers(server->target, &registers);
	if (gdb_words_number(words, &number) && gdb_words_skip(words, "="))
		length = gdb_registers_find(number, &at);
	if (length == 0 || !gdb_words_bytes(words, (uint8_t *)&registers + at, length)) {
		reply_error(server);
		return;
	}
	server->target->ops->set_registers(server->target, &registers);
	reply_ok(server);
}

/* --- memory --- */

static bool read_range(struct gdb_words *words, uint64_t *address, uint64_t *length)
{
	return gdb_words_number(words, address) && gdb_words_skip(words, ",") &&
	       gdb_words_number(words, length);
}

static void read_memory(struct gdb_server *server, struct gdb_words *words)
{
	static uint8_t bytes[MEMORY_MAX];
	uint64_t address, length;

	if (!read_range(words, &address, &length)) {
		reply_error(server);
		return;
	}
	length = length < MEMORY_MAX ? length : MEMORY_MAX;
	length = points_read(&server->points, address, bytes, length);
	if (length == 0)
		reply_error(server);
	else
		gdb_reply_bytes(&server->reply, bytes, length);
}

static void write_bytes(
	struct gdb_server *server, uint64_t address, const void *bytes, uint64_t length)
{
	if (points_write(&server->points, address, bytes, length) == length)
		reply_ok(server);
	else
		reply_error(server);
}

static void write_memory(struct gdb_server *server, struct gdb_words *words)
{
	static uint8_t bytes[MEMORY_MAX];
	uint64_t address, length;

	if (read_range(words, &address, &length) && gdb_words_skip(words, ":") &&
		length <= MEMORY_MAX && gdb_words_bytes(words, bytes, length))
		write_bytes(server, address, bytes, length);
	else
		reply_error(server);
}

/* X: the same, bytes as they are (the packet's escapes are gone already). */
static void write_binary(struct gdb_server *server, struct gdb_words *words)
{
	uint64_t address, length;

	if (read_range(words, &address, &length) && gdb_words_skip(words, ":") &&
		gdb_words_left(words) == length)
		write_bytes(server, address, words->at, length);
	else
		reply_error(server);
}

/* --- break- and watchpoints --- */

struct point {
	uint64_t kind, address, length;
};

static bool read_point(struct gdb_words *words, struct point *point)
{
	return gdb_words_number(words, &point->kind) && gdb_words_skip(words, ",") &&
	       read_range(words, &point->address, &point->length);
}

static void add_point(struct gdb_server *server, struct gdb_words *words)
{
	struct point p;
	bool is_good;

	if (!read_point(words, &p)) {
		reply_error(server);
		return;
	}
	if (p.kind > WATCH_ACCESS)
		return;
	if (p.kind < WATCH_WRITE)
		is_good = points_add_break(&server->points, p.address);
	else
		is_good = points_add_watch(
			&server->points, (enum watch_kind)p.kind, p.address, p.length);
	if (is_good)
		reply_ok(server);
	else
		reply_error(server);
}

static void remove_point(struct gdb_server *server, struct gdb_words *words)
{
	struct point p;
	bool is_good = true;

	if (!read_point(words, &p)) {
		reply_error(server);
		return;
	}
	if (p.kind > WATCH_ACCESS)
		return;
	if (p.kind < WATCH_WRITE)
		is_good = points_remove_break(&server->points, p.address);
	else
		points_remove_watch(&server->points, (enum watch_kind)p.kind, p.address, p.length);
	if (is_good)
		reply_ok(server);
	else
		reply_error(server);
}

/* --- threads and stops --- */

bool commands_read_thread(struct gdb_words *words, uint64_t *id)
{
	uint64_t process;

	*id = 0;
	if (gdb_words_skip(words, "-1"))
		return true;
	if (gdb_words_skip(words, "p") &&
		(!gdb_words_number(words, &process) || !gdb_words_skip(words, ".")))
		return false;
	return gdb_words_skip(words, "-1") || gdb_words_number(words, id);
}

/* True: there is an answer. */
static bool act_on_v(struct gdb_server *server, struct gdb_words *words)
{
	if (gdb_words_skip(words, "Cont?")) {
		gdb_reply_text(&server->reply, "vCont;c;C;s;S;r");
	} else if (gdb_words_skip(words, "Cont")) {
		if (resume_by_actions(server, words))
			return false;
		reply_error(server);
	} else if (gdb_words_skip(words, "Kill")) {
		server->state = GDB_KILLED;
		reply_ok(server);
	}
	return true;
}

void commands_put_stop(struct gdb_server *server, const char *reason, uint64_t address)
{
	/* What gdb asks for next in any case. */
	static const uint8_t shown[] = { GDB_RBP, GDB_RSP, 16 };
	const uint8_t signal = (uint8_t)server->stop.signal;
	struct gdb_reply *reply = &server->reply;
	struct gdb_registers registers;

	server->target->ops->get_registers(server->target, &registers);
	gdb_reply_text(reply, "T");
	gdb_reply_bytes(reply, &signal, 1);
	for (size_t i = 0; i < sizeof(shown); i++) {
		size_t at, length = gdb_registers_find(shown[i], &at);

		gdb_reply_bytes(reply, &shown[i], 1);
		gdb_reply_text(reply, ":");
		gdb_reply_bytes(reply, (const uint8_t *)&registers + at, length);
		gdb_reply_text(reply, ";");
	}
	gdb_reply_text(reply, "thread:");
	gdb_reply_number(reply, threads_running(server));
	gdb_reply_text(reply, ";");
	if (reason == NULL)
		return;
	gdb_reply_text(reply, reason);
	gdb_reply_text(reply, ":");
	if (address != 0)
		gdb_reply_number(reply, address);
	gdb_reply_text(reply, ";");
}

static void say_stop(struct gdb_server *server, struct gdb_words *words)
{
	server->thread = threads_running(server);
	commands_put_stop(server, NULL, 0);
}

static void detach(struct gdb_server *server, struct gdb_words *words)
{
	gdb_server_detach(server);
	reply_ok(server);
}

/* Hg: the thread that the next commands are about. Hc is of old: what goes on is the CPU. */
static void take_thread(struct gdb_server *server, struct gdb_words *words)
{
	bool is_general = gdb_words_skip(words, "g");
	uint64_t id;

	if (!is_general && !gdb_words_skip(words, "c"))
		return;
	if (!commands_read_thread(words, &id)) {
		reply_error(server);
		return;
	}
	if (is_general)
		server->thread = id != 0 ? id : threads_running(server);
	reply_ok(server);
}

static void say_alive(struct gdb_server *server, struct gdb_words *words)
{
	struct gdb_thread thread;
	uint64_t id;

	if (commands_read_thread(words, &id) && threads_find(server, id, &thread))
		reply_ok(server);
	else
		reply_error(server);
}

static const struct command {
	char letter;
	void (*act)(struct gdb_server *server, struct gdb_words *words);
} commands[] = {
	{ 'g', read_registers },
	{ 'G', write_registers },
	{ 'p', read_register },
	{ 'P', write_register },
	{ 'm', read_memory },
	{ 'M', write_memory },
	{ 'X', write_binary },
	{ 'Z', add_point },
	{ 'z', remove_point },
	{ '?', say_stop },
	{ 'D', detach },
	{ 'H', take_thread },
	{ 'T', say_alive },
};

bool commands_act(struct gdb_server *server, struct gdb_words *words)
{
	char letter = gdb_words_left(words) > 0 ? *words->at++ : '\0';

	switch (letter) {
	case 'c':
	case 'C':
	case 's':
	case 'S':
		if (resume_plainly(server, words, letter))
			return false;
		reply_error(server);
		return true;
	case 'v':
		return act_on_v(server, words);
	case 'k':
		server->state = GDB_KILLED;
		return false;
	case 'q':
	case 'Q':
		words->at--;
		queries_act(server, words);
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].letter == letter)
			commands[i].act(server, words);
	return true;
}
