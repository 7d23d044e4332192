/*
 * What is left of a frame moves to the front of the buffer when a read could otherwise bring little.
 */
#include "host/net/frames.h"

#include <string.h>

static size_t length_at(const uint8_t *lead)
{
	return (size_t)lead[0] << 24 | (size_t)lead[1] << 16 | (size_t)lead[2] << 8 | lead[3];
}

uint8_t *frames_room(struct frames *frames, bool is_in_use, size_t *room)
{
	if (!is_in_use && frames->start == frames->end)
		frames->start = frames->end = 0;
	if (!is_in_use && FRAMES_BYTES - frames->end < FRAMES_LEAD + FRAMES_LENGTH_MAX) {
		memmove(frames->buffer, frames->buffer + frames->start,
			frames->end - frames->start);
		frames->end -= frames->start;
		frames->start = 0;
	}
	*room = FRAMES_BYTES - frames->end;
	return frames->buffer + frames->end;
}

void frames_add(struct frames *frames, size_t length)
{
	frames->end += length;
}

const uint8_t *frames_next(struct frames *frames, size_t *length)
{
	size_t waiting = frames->end - frames->start;
	const uint8_t *at = frames->buffer + frames->start;

	if (frames->is_broken || waiting < FRAMES_LEAD)
		return NULL;
	*length = length_at(at);
	if (*length < FRAMES_LENGTH_MIN || *length > FRAMES_LENGTH_MAX) {
		frames->is_broken = true;
		return NULL;
	}
	if (waiting - FRAMES_LEAD < *length)
		return NULL;
	frames->start += FRAMES_LEAD + *length;
	return at + FRAMES_LEAD;
}

void frames_put_lead(uint8_t lead[FRAMES_LEAD], size_t length)
{
	lead[0] = (uint8_t)(length >> 24);
	lead[1] = (uint8_t)(length >> 16);
	lead[2] = (uint8_t)(length >> 8);
	lead[3] = (uint8_t)length;
}
