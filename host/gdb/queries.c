/*
 * Queries: what the target is and can do. gdb's manual, "General Query Packets".
 */
#include <stdio.h>
#include <string.h>

#include "abi/inside.h"
#include "host/gdb/commands.h"
#include "host/gdb/threads.h"
#include "host/image/image.h"

#define AUXV_PAGE_SIZE 6 /* AT_PAGESZ and AT_ENTRY of Linux's linux/auxvec.h */
#define AUXV_ENTRY     9

static void say_features(struct gdb_server *server, struct gdb_words *words)
{
	char text[160];

	while (gdb_words_left(words) > 0) {
		if (gdb_words_skip(words, "swbreak+"))
			server->has_swbreak = true;
		else
			words->at++;
	}
	snprintf(text, sizeof(text),
		"PacketSize=%x;QStartNoAckMode+;swbreak+;vContSupported+;"
		"qXfer:features:read+;qXfer:auxv:read+",
		GDB_PAYLOAD_MAX);
	gdb_reply_text(&server->reply, text);
}

/* A piece of an object: "offset,length" in, "m" (more) or "l" (last) and the bytes out. */
static void say_piece(
	struct gdb_server *server, struct gdb_words *words, const void *object, size_t size)
{
	uint64_t offset, length;
	size_t put;

	if (!gdb_words_number(words, &offset) || !gdb_words_skip(words, ",") ||
		!gdb_words_number(words, &length) || offset > size) {
		reply_error(server);
		return;
	}
	if (length > size - offset)
		length = size - offset;
	gdb_reply_text(&server->reply, "l");
	put = gdb_reply_binary(&server->reply, (const char *)object + offset, length);
	if (offset + put < size)
		server->reply.payload[0] = 'm';
}

static void say_description(struct gdb_server *server, struct gdb_words *words)
{
	static char text[GDB_DESCRIPTION_BYTES];

	say_piece(server, words, text, gdb_registers_describe(text, sizeof(text)));
}

/* Where the image was put: gdb compares the entry with that of the file, and knows the distance. */
static void say_auxv(struct gdb_server *server, struct gdb_words *words)
{
	const uint64_t auxv[] = { AUXV_PAGE_SIZE, BOOT_PAGE_BYTES, AUXV_ENTRY,
		server->body.boot->memory.image + server->body.image->entry, 0, 0 };

	say_piece(server, words, auxv, sizeof(auxv));
}

static void start_no_acks(struct gdb_server *server, struct gdb_words *words)
{
	server->acks = false;
	reply_ok(server);
}

static void list_threads(struct gdb_server *server, struct gdb_words *words)
{
	static uint64_t ids[GDB_THREADS_MAX];
	unsigned count = threads_list(server, ids);

	for (unsigned i = 0; i < count; i++) {
		gdb_reply_text(&server->reply, i == 0 ? "m" : ",");
		gdb_reply_number(&server->reply, ids[i]);
	}
}

static void end_threads(struct gdb_server *server, struct gdb_words *words)
{
	gdb_reply_text(&server->reply, "l");
}

static void say_thread(struct gdb_server *server, struct gdb_words *words)
{
	if (gdb_words_left(words) > 0)
		return; /* another query, qCRC */
	gdb_reply_text(&server->reply, "QC");
	gdb_reply_number(&server->reply, threads_running(server));
}

static void put_line(struct gdb_server *server, const char *text)
{
	gdb_reply_bytes(&server->reply, text, strlen(text));
}

static void describe_thread(struct gdb_server *server, struct gdb_words *words)
{
	struct gdb_thread thread;
	uint64_t id;

	if (!commands_read_thread(words, &id) || !threads_find(server, id, &thread)) {
		reply_error(server);
		return;
	}
	put_line(server, thread.fiber.name);
	put_line(server, ", ");
	put_line(server, thread.state);
}

/* "0": we started it, so gdb kills it when it quits. */
static void say_attached(struct gdb_server *server, struct gdb_words *words)
{
	gdb_reply_text(&server->reply, "0");
}

static void put_region(struct gdb_server *server, const char *name, uint64_t start, uint64_t bytes)
{
	char line[96];

	if (bytes == 0)
		return;
	snprintf(line, sizeof(line), "%-11s 0x%012llx - 0x%012llx\n", name,
		(unsigned long long)start, (unsigned long long)(start + bytes));
	put_line(server, line);
}

static void show_regions(struct gdb_server *server)
{
	const struct boot_memory *m = &server->body.boot->memory;

	put_region(server, "image", m->image, m->image_bytes);
	put_region(server, "heap", m->heap, m->heap_bytes);
	put_region(server, "main stack", m->main_stack, m->main_stack_bytes);
	put_region(
		server, "stacks", m->stacks, m->stack_count * (m->stack_bytes + BOOT_PAGE_BYTES));
}

static void show_counters(struct gdb_server *server)
{
	const struct image_inside *inside = image_inside_find(server->body.image, INSIDE_COUNTERS);
	uint64_t at = body_inside(&server->body, INSIDE_COUNTERS, 0);
	struct inside_counter counter;
	char name[40], line[64 + sizeof(name)];
	uint64_t value;

	for (uint64_t left = inside != NULL ? inside->bytes : 0; left >= sizeof(counter);
		left -= sizeof(counter), at += sizeof(counter)) {
		if (!server->body.read(server->body.self, at, &counter, sizeof(counter)) ||
			!server->body.read(server->body.self,
				at + offsetof(struct inside_counter, value) +
					(uint64_t)counter.value,
				&value, sizeof(value)))
			return;
		(void)body_text(&server->body, at + (uint64_t)counter.name, name, sizeof(name));
		snprintf(line, sizeof(line), "%-32s %llu\n", name, (unsigned long long)value);
		put_line(server, line);
	}
}

static void show_log(struct gdb_server *server)
{
	static char lines[INSIDE_LINES][BODY_LINE_BYTES];
	unsigned count = body_log(&server->body, lines);

	for (unsigned i = 0; i < count; i++) {
		put_line(server, lines[i]);
		put_line(server, "\n");
	}
}

/* gdb's `monitor WORDS`. */
static void act_on_monitor(struct gdb_server *server, struct gdb_words *words)
{
	char line[32] = "";
	size_t length = gdb_words_left(words) / 2;

	if (length >= sizeof(line) || !gdb_words_bytes(words, line, length))
		line[0] = '\0';
	if (strcmp(line, "regions") == 0)
		show_regions(server);
	else if (strcmp(line, "counters") == 0)
		show_counters(server);
	else if (strcmp(line, "log") == 0)
		show_log(server);
	else
		put_line(server, "monitor regions     where the body's memory lies\n"
				 "monitor counters    what its libraries counted\n"
				 "monitor log         the last lines that it logged\n");
}

static const struct query {
	const char *name;
	void (*act)(struct gdb_server *server, struct gdb_words *words);
} queries[] = {
	{ "qSupported", say_features },
	{ "qXfer:features:read:target.xml:", say_description },
	{ "qXfer:auxv:read::", say_auxv },
	{ "QStartNoAckMode", start_no_acks },
	{ "qfThreadInfo", list_threads },
	{ "qsThreadInfo", end_threads },
	{ "qThreadExtraInfo,", describe_thread },
	{ "qAttached", say_attached },
	{ "qRcmd,", act_on_monitor },
	{ "qC", say_thread },
};

void queries_act(struct gdb_server *server, struct gdb_words *words)
{
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		if (!gdb_words_skip(words, queries[i].name))
			continue;
		queries[i].act(server, words);
		return;
	}
}
