/*
 * Frames in a byte stream, and which of a body's frames may go to passt.
 */
#include <string.h>

#include "host/net/frames.h"
#include "host/net/gate.h"
#include "test/check.h"

static struct frames frames;
static struct gate gate;

static void feed(const uint8_t *bytes, size_t length)
{
	size_t room;
	uint8_t *at = frames_room(&frames, false, &room);

	CHECK(length <= room);
	memcpy(at, bytes, length);
	frames_add(&frames, length);
}

static void put_frame(uint8_t *out, size_t length, uint8_t fill)
{
	frames_put_lead(out, length);
	memset(out + FRAMES_LEAD, fill, length);
}

/* Two frames, fed in pieces of every length. */
static void cut_anywhere(void)
{
	uint8_t stream[4 + 14 + 4 + 60];

	put_frame(stream, 14, 1);
	put_frame(stream + 18, 60, 2);
	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		size_t got = 0, length;
		const uint8_t *frame;

		memset(&frames, 0, sizeof(frames));
		for (size_t at = 0; at < sizeof(stream); at += piece) {
			feed(stream + at,
				sizeof(stream) - at < piece ? sizeof(stream) - at : piece);
			while ((frame = frames_next(&frames, &length)) != NULL) {
				got++;
				CHECK_EQUAL(length, got == 1 ? 14 : 60);
				CHECK(frame[0] == got && frame[length - 1] == got);
			}
		}
		CHECK_EQUAL(got, 2);
		CHECK(!frames.is_broken);
	}
}

/* The longest frames, more than the buffer holds: there is always room once they are taken. */
static void longest_frames(void)
{
	static uint8_t stream[FRAMES_LEAD + FRAMES_LENGTH_MAX];
	size_t sent = 0, got = 0, length, room;

	memset(&frames, 0, sizeof(frames));
	put_frame(stream, FRAMES_LENGTH_MAX, 7);
	while (got < 20) {
		uint8_t *at = frames_room(&frames, false, &room);

		CHECK(room > 0);
		for (size_t i = 0; i < room; i++)
			at[i] = stream[sent++ % sizeof(stream)];
		frames_add(&frames, room);
		while (frames_next(&frames, &length) != NULL) {
			CHECK_EQUAL(length, FRAMES_LENGTH_MAX);
			got++;
		}
	}
	CHECK(!frames.is_broken);
}

static void wrong_lengths(void)
{
	static const uint8_t rows[][4] = { { 0, 0, 0, 0 }, { 0, 0, 0, 13 }, { 0, 1, 0, 18 },
		{ 0xff, 0xff, 0xff, 0xff } };
	uint8_t good[FRAMES_LEAD + 14];
	size_t length;

	put_frame(good, 14, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&frames, 0, sizeof(frames));
		feed(good, sizeof(good));
		feed(rows[i], 4);
		feed(good, sizeof(good));
		CHECK(frames_next(&frames, &length) != NULL);
		CHECK(frames_next(&frames, &length) == NULL && frames.is_broken);
		CHECK(frames_next(&frames, &length) == NULL);
	}
}

struct packet {
	uint8_t protocol;
	uint8_t source[4], destination[4];
	uint16_t from, to;
	uint16_t fragment; /* flags and offset */
};

static size_t build(uint8_t frame[64], const struct packet *p)
{
	memset(frame, 0, 64);
	frame[12] = 8;
	frame[14] = 0x45;
	frame[20] = (uint8_t)(p->fragment >> 8);
	frame[21] = (uint8_t)p->fragment;
	frame[23] = p->protocol;
	memcpy(frame + 26, p->source, 4);
	memcpy(frame + 30, p->destination, 4);
	frame[34] = (uint8_t)(p->from >> 8);
	frame[35] = (uint8_t)p->from;
	frame[36] = (uint8_t)(p->to >> 8);
	frame[37] = (uint8_t)p->to;
	return 60;
}

#define BODY  { 10, 0, 2, 15 }
#define GATE  { 10, 0, 2, 2 }
#define OTHER { 192, 0, 2, 1 }

/* A client at the gateway asked from UDP port 4000 and TCP port 5000. */
static void only_answers_to_the_gateway(void)
{
	static const struct packet asked[] = {
		{ 17, GATE, BODY, 4000, 53, 0 },
		{ 6, GATE, BODY, 5000, 80, 0 },
		{ 17, OTHER, BODY, 6000, 53, 0 },
	};
	static const struct {
		struct packet packet;
		bool is_let;
	} rows[] = {
		{ { 17, BODY, GATE, 53, 4000, 0 }, true },
		{ { 17, BODY, GATE, 53, 4001, 0 }, false },
		{ { 17, BODY, GATE, 53, 5000, 0 }, false },
		{ { 17, BODY, GATE, 53, 6000, 0 }, false },
		{ { 6, BODY, GATE, 80, 5000, 0 }, true },
		{ { 6, BODY, GATE, 80, 4000, 0 }, false },
		{ { 6, BODY, GATE, 1234, 22, 0 }, false },
		{ { 1, BODY, GATE, 0, 0, 0 }, true },		 /* a ping */
		{ { 132, BODY, GATE, 1, 4000, 0 }, false },	 /* SCTP */
		{ { 17, BODY, GATE, 53, 4000, 0x2000 }, false }, /* a first fragment */
		{ { 17, BODY, GATE, 53, 4000, 0x0001 }, false }, /* a later one */
		{ { 17, BODY, GATE, 53, 4000, 0x4000 }, true },	 /* "don't fragment" is none */
		{ { 17, BODY, OTHER, 1, 22, 0 }, true },
		{ { 6, BODY, OTHER, 1, 22, 0x2000 }, true },
		{ { 17, BODY, { 127, 0, 0, 1 }, 53, 4000, 0 }, false },
		{ { 6, BODY, { 127, 9, 9, 9 }, 80, 5000, 0 }, false },
		{ { 1, BODY, { 0, 0, 0, 0 }, 0, 0, 0 }, false },
	};
	uint8_t frame[64];

	memset(&gate, 0, sizeof(gate));
	memcpy(gate.gateway, (uint8_t[])GATE, 4);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		gate_note(&gate, frame, build(frame, &asked[i]));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (gate_lets(&gate, frame, build(frame, &rows[i].packet)) != rows[i].is_let)
			CHECK_EQUAL(i, 999); /* the row */
	CHECK_EQUAL(gate.refused, 11);
}

/* Options before the ports, a header that claims more than there is, and no IPv4 at all. */
static void odd_headers(void)
{
	const struct packet ask = { 17, GATE, BODY, 4000, 53, 0 };
	const struct packet answer = { 17, BODY, GATE, 53, 4000, 0 };
	uint8_t frame[64];

	memset(&gate, 0, sizeof(gate));
	memcpy(gate.gateway, (uint8_t[])GATE, 4);
	gate_note(&gate, frame, build(frame, &ask));
	build(frame, &answer);
	frame[14] = 0x46;
	memcpy(frame + 38, frame + 34, 4);
	CHECK(gate_lets(&gate, frame, 60));
	frame[40] = 1;
	CHECK(!gate_lets(&gate, frame, 60));
	build(frame, &answer);
	frame[14] = 0x4f;
	CHECK(!gate_lets(&gate, frame, 60));
	build(frame, &answer);
	frame[14] = 0x44;
	CHECK(!gate_lets(&gate, frame, 60));
	CHECK(!gate_lets(&gate, frame, 37));
	CHECK(gate_lets(&gate, frame, 33)); /* too short to be IPv4: passt drops it */
	frame[13] = 6;
	CHECK(gate_lets(&gate, frame, 60)); /* ARP */
}

/* The same for IPv6: what goes to the gateway answers, and the host itself is out of reach. */
static void gate_of_six(void)
{
	static const uint8_t body[16] = { 0xfd, [15] = 15 }, gateway[16] = { 0xfe, 0x80, [15] = 2 };
	static const struct {
		uint8_t to[16], next;
		uint16_t from_port, to_port;
		bool is_let;
	} rows[] = {
		{ { 0xfe, 0x80, [15] = 2 }, 17, 53, 4000, true },
		{ { 0xfe, 0x80, [15] = 2 }, 17, 53, 4001, false },
		{ { 0xfe, 0x80, [15] = 2 }, 6, 80, 4000, false },
		{ { 0xfe, 0x80, [15] = 2 }, 58, 0, 0, true },	   /* a ping, neighbour discovery */
		{ { 0xfe, 0x80, [15] = 2 }, 44, 53, 4000, false }, /* fragments, options */
		{ { 0xfe, 0x80, [15] = 2 }, 0, 53, 4000, false },
		{ { 0xfd, [15] = 3 }, 17, 53, 22, true },
		{ { 0xfe, 0x80, [15] = 3 }, 17, 53, 22, false },
		{ { 0xff, 2, [15] = 1 }, 58, 0, 0, true },
		{ { [15] = 1 }, 17, 53, 4000, false },			  /* ::1 */
		{ { 0 }, 17, 53, 4000, false },				  /* :: */
		{ { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 6, 1, 22, false }, /* mapped */
		{ { [12] = 127, 0, 0, 1 }, 6, 1, 22, false },
	};
	uint8_t frame[64] = { [12] = 0x86, 0xdd, 0x60 };

	memset(&gate, 0, sizeof(gate));
	memcpy(gate.gateway6, gateway, 16);
	frame[20] = 17;
	memcpy(frame + 22, gateway, 16);
	memcpy(frame + 38, body, 16);
	frame[54] = 4000 >> 8;
	frame[55] = 4000 & 255;
	gate_note(&gate, frame, sizeof(frame));
	memcpy(frame + 22, body, 16);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		frame[20] = rows[i].next;
		memcpy(frame + 38, rows[i].to, 16);
		frame[54] = (uint8_t)(rows[i].from_port >> 8);
		frame[55] = (uint8_t)rows[i].from_port;
		frame[56] = (uint8_t)(rows[i].to_port >> 8);
		frame[57] = (uint8_t)rows[i].to_port;
		if (gate_lets(&gate, frame, sizeof(frame)) != rows[i].is_let)
			CHECK_EQUAL(i, 999); /* the row */
	}
	CHECK(gate_lets(&gate, frame, 53)); /* too short to be IPv6: passt drops it */
}

int main(void)
{
	return RUN(TEST(cut_anywhere), TEST(longest_frames), TEST(wrong_lengths),
		TEST(only_answers_to_the_gateway), TEST(odd_headers), TEST(gate_of_six));
}
