/*
 * A hostile stream of frames, read in pieces, with the gate looking at each frame both ways.
 *
 *     input   first byte: the pieces' length | the stream
 *
 * A second reader, as simple as can be, must find the same frames.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/net/frames.h"
#include "host/net/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct frames frames;
static struct gate gate;

/* What must come next of the stream. */
struct expected {
	const uint8_t *at, *end;
};

static void check_frame(struct expected *expected, const uint8_t *frame, size_t length)
{
	const uint8_t *at = expected->at;
	size_t wanted = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];

	if (length != wanted || length < FRAMES_LENGTH_MIN || length > FRAMES_LENGTH_MAX ||
		(size_t)(expected->end - at) < FRAMES_LEAD + length ||
		memcmp(at + FRAMES_LEAD, frame, length) != 0)
		abort();
	expected->at += FRAMES_LEAD + length;
}

/* The gate sees a copy of just that length, so that the sanitizer sees an overread. */
static void pass_gate(const uint8_t *frame, size_t length)
{
	uint8_t *copy = malloc(length);

	memcpy(copy, frame, length);
	gate_note(&gate, copy, length);
	gate_lets(&gate, copy, length);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size > 0 ? data[0] + 1u : 1;
	struct expected expected = { data + 1, data + size };

	if (size < 2)
		return 0;
	frames.start = frames.end = 0;
	frames.is_broken = false;
	memcpy(gate.gateway, (uint8_t[]){ 10, 0, 2, 2 }, 4);
	gate.gateway6[0] = 0xfd;
	for (const uint8_t *at = data + 1; at < data + size;) {
		size_t room,
			n = (size_t)(data + size - at) < piece ? (size_t)(data + size - at) : piece;
		uint8_t *to = frames_room(&frames, false, &room);
		const uint8_t *frame;
		size_t length;

		if (n > room)
			n = room;
		if (n == 0)
			abort();
		memcpy(to, at, n);
		frames_add(&frames, n);
		at += n;
		while ((frame = frames_next(&frames, &length)) != NULL) {
			check_frame(&expected, frame, length);
			pass_gate(frame, length);
		}
		if (frames.is_broken)
			break;
	}
	return 0;
}
