/*
 * States and stops. What the commands do is in commands.c and queries.c.
 */
#include "host/gdb/server.h"

#include <string.h>

#include "host/gdb/commands.h"
#include "host/gdb/threads.h"

/* struct body's way to memory. */
static bool read_all(void *self, uint64_t address, void *to, size_t bytes)
{
	struct gdb_target *target = self;

	return target->ops->read(target, address, to, bytes) == bytes;
}

void gdb_server_init(struct gdb_server *server, struct gdb_target *target,
	const struct image *image, const struct boot_info *boot)
{
	*server = (struct gdb_server){ .target = target,
		.body = { .image = image, .boot = boot, .read = read_all, .self = target },
		.state = GDB_STOPPED,
		.acks = true,
		.thread = 1,
		.points = { .target = target },
		.stop = { .kind = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_TRAP } };
}

static void put_output(struct gdb_server *server, const char *bytes, size_t length)
{
	server->output = bytes;
	server->output_length = length;
}

/* Sends the reply as a packet, an acknowledgement of gdb's first if `has_ack`. */
static void send_reply(struct gdb_server *server, bool has_ack)
{
	server->frame[0] = '+';
	server->frame_length = gdb_frame(&server->reply, server->frame + 1);
	put_output(server, has_ack ? server->frame : server->frame + 1,
		server->frame_length + has_ack);
}

static void begin_reply(struct gdb_server *server)
{
	server->reply.length = 0;
	server->reply.is_full = false;
}

static void take_packet(struct gdb_server *server)
{
	struct gdb_words words = { server->decoder.payload,
		server->decoder.payload + server->decoder.length };
	bool acks = server->acks; /* QStartNoAckMode is still acknowledged itself */

	/* While the target runs gdb has nothing to ask. */
	if (server->state != GDB_STOPPED) {
		server->bad_packets++;
		return;
	}
	begin_reply(server);
	if (commands_act(server, &words)) {
		if (server->reply.is_full) {
			begin_reply(server);
			reply_error(server);
		}
		send_reply(server, acks);
	} else if (acks) {
		put_output(server, "+", 1);
	}
}

static void take_bad_packet(struct gdb_server *server)
{
	server->bad_packets++;
	if (server->acks) {
		put_output(server, "-", 1);
	} else if (server->state == GDB_STOPPED) {
		begin_reply(server);
		reply_error(server);
		send_reply(server, false);
	}
}

static void take_event(struct gdb_server *server, enum gdb_event event)
{
	switch (event) {
	case GDB_PACKET:
		take_packet(server);
		break;
	case GDB_BAD_PACKET:
		take_bad_packet(server);
		break;
	case GDB_AGAIN:
		if (server->frame_length > 0)
			put_output(server, server->frame + 1, server->frame_length);
		break;
	case GDB_INTERRUPT:
		server->is_interrupted |=
			server->state == GDB_RUNNING || server->state == GDB_STEPPING;
		break;
	case GDB_TAKEN:
	case GDB_NOTHING:
		break;
	}
}

size_t gdb_server_take(struct gdb_server *server, const char *bytes, size_t length)
{
	size_t taken = 0;

	while (taken < length && server->output_length == 0 && server->state != GDB_DETACHED &&
		server->state != GDB_KILLED)
		take_event(server, gdb_decode(&server->decoder, (uint8_t)bytes[taken++]));
	return taken;
}

static void report(struct gdb_server *server, const char *reason, uint64_t address)
{
	server->state = GDB_STOPPED;
	server->is_interrupted = false;
	server->thread = threads_running(server);
	begin_reply(server);
	commands_put_stop(server, reason, address);
	send_reply(server, false);
}

static void report_watch(struct gdb_server *server, const struct watch *watch, uint64_t address)
{
	static const char *const reasons[] = {
		[WATCH_WRITE] = "watch",
		[WATCH_READ] = "rwatch",
		[WATCH_ACCESS] = "awatch",
	};

	report(server, watch != NULL ? reasons[watch->kind] : NULL, address);
}

/* Leaves rip on the breakpoint, where gdb set it. */
static void report_break(struct gdb_server *server)
{
	struct gdb_registers registers;

	server->target->ops->get_registers(server->target, &registers);
	if (!server->has_swbreak || !points_has_break(&server->points, registers.rip - 1)) {
		report(server, NULL, 0);
		return;
	}
	registers.rip--;
	server->target->ops->set_registers(server->target, &registers);
	report(server, "swbreak", 0);
}

/* After one instruction: is gdb to hear of it? */
static void take_step(struct gdb_server *server)
{
	struct gdb_registers registers;
	uint64_t address = 0;
	const struct watch *changed = points_changed(&server->points, &address);

	if (changed != NULL) {
		report_watch(server, changed, address);
		return;
	}
	/* An interrupt is the driver's to report, before the next step. */
	if (server->is_continuing)
		return;
	if (server->range_end > server->range_start) {
		server->target->ops->get_registers(server->target, &registers);
		if (registers.rip >= server->range_start && registers.rip < server->range_end)
			return;
	}
	report(server, NULL, 0);
}

void gdb_server_stopped(struct gdb_server *server, const struct gdb_stop *stop)
{
	const struct watch *hit;
	uint64_t address = 0;

	server->stop = *stop;
	switch (stop->kind) {
	case GDB_STOP_SIGNAL:
		report(server, NULL, 0);
		break;
	case GDB_STOP_STEP:
		take_step(server);
		break;
	case GDB_STOP_BREAKPOINT:
		report_break(server);
		break;
	case GDB_STOP_WATCH:
		hit = points_hit(&server->points, stop->dr6, &address);
		report_watch(server, hit, address);
		break;
	}
}

void gdb_server_ended(struct gdb_server *server, unsigned code, bool is_signal)
{
	const uint8_t byte = (uint8_t)code;

	if (server->state == GDB_DETACHED || server->state == GDB_KILLED)
		return;
	server->state = GDB_KILLED;
	begin_reply(server);
	gdb_reply_text(&server->reply, is_signal ? "X" : "W");
	gdb_reply_bytes(&server->reply, &byte, 1);
	send_reply(server, false);
}

void gdb_server_detach(struct gdb_server *server)
{
	if (server->state == GDB_DETACHED)
		return;
	points_clear(&server->points);
	server->state = GDB_DETACHED;
}
