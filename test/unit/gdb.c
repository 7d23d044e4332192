/*
 * gdb's protocol, command by command: a packet, the answer, by a target of two pages.
 */
#include <stdlib.h>
#include <string.h>

#include "host/gdb/server.h"
#include "host/image/image.h"
#include "test/check.h"

#define MEMORY	     0x1000
#define MEMORY_BYTES 8192

static struct {
	struct gdb_target target; /* first */
	struct gdb_registers registers;
	uint8_t memory[MEMORY_BYTES];
	bool has_debug;
	uint64_t control; /* DR7 */
} body;

static void get_registers(struct gdb_target *target, struct gdb_registers *registers)
{
	*registers = body.registers;
}

static void set_registers(struct gdb_target *target, const struct gdb_registers *registers)
{
	body.registers = *registers;
}

static uint64_t within(uint64_t address, uint64_t length)
{
	uint64_t left = address - MEMORY < MEMORY_BYTES ? MEMORY + MEMORY_BYTES - address : 0;

	return length < left ? length : left;
}

static uint64_t read_memory(
	struct gdb_target *target, uint64_t address, void *bytes, uint64_t length)
{
	length = within(address, length);
	if (length > 0)
		memcpy(bytes, body.memory + (address - MEMORY), length);
	return length;
}

static uint64_t write_memory(
	struct gdb_target *target, uint64_t address, const void *bytes, uint64_t length)
{
	length = within(address, length);
	if (length > 0)
		memcpy(body.memory + (address - MEMORY), bytes, length);
	return length;
}

static bool set_debug(struct gdb_target *target, const uint64_t *addresses, uint64_t control)
{
	body.control = control;
	return body.has_debug;
}

static const struct gdb_target_ops ops = { get_registers, set_registers, read_memory, write_memory,
	set_debug };

static struct gdb_server server;
static char answer[2 * GDB_PAYLOAD_MAX];

static void begin(bool has_debug)
{
	static const struct image image = { .entry = 0x234 };
	static const struct boot_info boot = { .memory = { .image = MEMORY } };

	memset(&body, 0, sizeof(body));
	for (unsigned i = 0; i < MEMORY_BYTES; i++)
		body.memory[i] = (uint8_t)i;
	body.target.ops = &ops;
	body.has_debug = has_debug;
	gdb_server_init(&server, &body.target, &image, &boot);
}

/* What the server has to say, with acknowledgements. */
static const char *said(void)
{
	if (server.output_length > 0)
		memcpy(answer, server.output, server.output_length);
	answer[server.output_length] = '\0';
	server.output_length = 0;
	return answer;
}

static const char *send_raw(const char *bytes)
{
	gdb_server_take(&server, bytes, strlen(bytes));
	return said();
}

/* Sends a payload; the payload of the answer, "" for none. */
static const char *ask(const char *payload)
{
	static struct gdb_reply reply;
	static char frame[GDB_FRAME_MAX + 1];
	char *start;

	reply.length = 0;
	gdb_reply_text(&reply, payload);
	frame[gdb_frame(&reply, frame)] = '\0';
	send_raw(frame);
	start = strchr(answer, '$');
	if (start == NULL)
		return "";
	*strrchr(answer, '#') = '\0';
	return start + 1;
}

#define CHECK_ANSWER(payload, wanted)                                                              \
	do {                                                                                       \
		const char *got = ask(payload);                                                    \
		if (strcmp(got, wanted) != 0)                                                      \
			CHECK_FAIL("%s: %.60s, not %s", payload, got, wanted);                     \
	} while (0)

static void stop_by(enum gdb_stop_kind kind, uint64_t dr6)
{
	const struct gdb_stop stop = { .kind = kind, .signal = GDB_SIGNAL_TRAP, .dr6 = dr6 };

	gdb_server_stopped(&server, &stop);
}

static void frames(void)
{
	begin(false);
	CHECK(strcmp(send_raw("$vMustReplyEmpty#3a"), "+$#00") == 0);
	CHECK(strcmp(send_raw("$vMustReplyEmpty#3b"), "-") == 0);
	CHECK(strcmp(send_raw("-"), "$#00") == 0); /* the last one again */
	CHECK(strcmp(send_raw("noise$m1000,$m1000,1#8b"), "+$00#60") == 0);
	CHECK(strcmp(send_raw("$QStartNoAckMode#b0"), "+$OK#9a") == 0);
	CHECK(strcmp(send_raw("$m1000,1#8b"), "$00#60") == 0);
	CHECK(strcmp(send_raw("$m1000,1#8c"), "$E01#a6") == 0);
	CHECK_EQUAL(server.bad_packets, 2);
}

static void a_packet_that_is_too_long(void)
{
	static char packet[GDB_PAYLOAD_MAX + 32];

	begin(false);
	memset(packet, 'A', sizeof(packet) - 1);
	packet[0] = '$';
	packet[sizeof(packet) - 4] = '#';
	CHECK(strcmp(send_raw(packet), "-") == 0);
	CHECK_ANSWER("m1001,2", "0102");
}

static void memory(void)
{
	begin(false);
	CHECK_ANSWER("m1010,4", "10111213");
	CHECK_ANSWER("m2ffe,10", "feff"); /* as far as it goes */
	CHECK_ANSWER("m3000,1", "E01");
	CHECK_ANSWER("mffffffffffffffff,ffffffffffffffff", "E01");
	CHECK_ANSWER("m1010", "E01");
	CHECK_ANSWER("m11112222333344445,1", "E01");
	CHECK_ANSWER("M1010,2:abcd", "OK");
	CHECK_ANSWER("X1012,2:}\x03x", "OK"); /* '#' and 'x' */
	CHECK_ANSWER("m1010,4", "abcd2378");
	CHECK_ANSWER("M1010,3:abcd", "E01");
	CHECK_ANSWER("M2fff,2:abcd", "E01");
	CHECK_ANSWER("X1010,3:ab", "E01");
	CHECK_EQUAL(strlen(ask("m1000,ffffffffffff")), GDB_PAYLOAD_MAX);
}

static void registers(void)
{
	begin(false);
	CHECK_ANSWER("P10=8877665544332211", "OK");
	CHECK_EQUAL(body.registers.rip, 0x1122334455667788);
	CHECK_ANSWER("p10", "8877665544332211");
	CHECK_ANSWER("P10=88", "E01");
	CHECK_ANSWER("pffff", "E01");
	CHECK_EQUAL(strlen(ask("g")), 2 * sizeof(struct gdb_registers));
	CHECK_ANSWER("G00", "E01");
	CHECK_ANSWER("Hg5", "OK");
	CHECK_ANSWER("g", "E01"); /* no such thread */
	CHECK_ANSWER("T5", "E01");
}

/* gdb does not see the int3 that it asked for, nor loses it by writing there. */
static void breakpoints(void)
{
	begin(false);
	ask("qSupported:swbreak+");
	CHECK_ANSWER("Z0,1010,1", "OK");
	CHECK_ANSWER("Z1,1010,1", "OK");
	CHECK_EQUAL(body.memory[0x10], 0xcc);
	CHECK_ANSWER("m1010,2", "1011");
	CHECK_ANSWER("M1010,1:90", "OK");
	CHECK_EQUAL(body.memory[0x10], 0xcc);
	CHECK_ANSWER("vCont;c", "");
	CHECK_EQUAL(server.state, GDB_RUNNING);
	body.registers.rip = 0x1011;
	stop_by(GDB_STOP_BREAKPOINT, 0);
	CHECK(strstr(said(), "swbreak:;") != NULL);
	CHECK_EQUAL(body.registers.rip, 0x1010);
	CHECK_ANSWER("D", "OK");
	CHECK_EQUAL(server.state, GDB_DETACHED);
	CHECK_EQUAL(body.memory[0x10], 0x90);
}

/* Without debug registers, by steps that gdb does not hear of. */
static void watch_by_steps(void)
{
	begin(false);
	CHECK_ANSWER("Z3,1040,4", "E01");
	CHECK_ANSWER("Z2,1040,4", "OK");
	ask("vCont;c");
	CHECK_EQUAL(server.state, GDB_STEPPING);
	stop_by(GDB_STOP_STEP, 0);
	CHECK_EQUAL(server.state, GDB_STEPPING);
	CHECK_EQUAL(server.output_length, 0);
	body.memory[0x41] ^= 1;
	stop_by(GDB_STOP_STEP, 0);
	CHECK_EQUAL(server.state, GDB_STOPPED);
	CHECK(strstr(said(), "watch:1040;") != NULL);
	CHECK_ANSWER("z2,1040,4", "OK");
	ask("c");
	CHECK_EQUAL(server.state, GDB_RUNNING);
}

static void watch_by_registers(void)
{
	begin(true);
	CHECK_ANSWER("Z2,1040,4", "OK");
	CHECK_EQUAL(body.control, 0x100 | 1 | 0xdU << 16); /* Intel SDM 18.2.4 */
	CHECK_ANSWER("Z4,1048,8", "OK");
	ask("vCont;c");
	CHECK_EQUAL(server.state, GDB_RUNNING);
	stop_by(GDB_STOP_WATCH, 2);
	CHECK(strstr(said(), "awatch:1048;") != NULL);
	/* More than four registers hold: by steps, where that is possible. */
	CHECK_ANSWER("Z2,1051,7", "E01");
	CHECK_ANSWER("z4,1048,8", "OK");
	CHECK_ANSWER("Z2,1060,20", "OK");
	CHECK(server.points.is_stepping);
	CHECK_ANSWER("Z2,1060,ffff", "E01");
	CHECK_ANSWER("Z2,1060,0", "E01");
}

static void ranges(void)
{
	begin(false);
	body.registers.rip = 0x1000;
	ask("vCont;r1000,1010:1");
	CHECK_EQUAL(server.state, GDB_STEPPING);
	body.registers.rip = 0x100f;
	stop_by(GDB_STOP_STEP, 0);
	CHECK_EQUAL(server.state, GDB_STEPPING);
	body.registers.rip = 0x1010;
	stop_by(GDB_STOP_STEP, 0);
	CHECK_EQUAL(server.state, GDB_STOPPED);
	CHECK(strncmp(said(), "$T05", 4) == 0);
	CHECK_ANSWER("vCont;s:7", "E01"); /* not the running thread */
	CHECK_ANSWER("vCont;", "E01");
	CHECK_ANSWER("vCont", "E01");
}

static void interrupts(void)
{
	begin(false);
	send_raw("\x03");
	CHECK(!server.is_interrupted);
	ask("c");
	send_raw("\x03");
	CHECK(server.is_interrupted);
	/* A client that talks on while the target runs is not heard. */
	CHECK(strcmp(send_raw("$g#67"), "") == 0);
}

static void ends(void)
{
	begin(false);
	ask("c");
	gdb_server_ended(&server, 3, false);
	CHECK(strcmp(said(), "$W03#ba") == 0);
	begin(false);
	ask("k");
	CHECK_EQUAL(server.state, GDB_KILLED);
}

int main(void)
{
	return RUN(TEST(frames), TEST(a_packet_that_is_too_long), TEST(memory), TEST(registers),
		TEST(breakpoints), TEST(watch_by_steps), TEST(watch_by_registers), TEST(ranges),
		TEST(interrupts), TEST(ends));
}
