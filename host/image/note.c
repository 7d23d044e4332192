/* Notes: see note.h. */
#include "host/image/note.h"

#include <string.h>

#define NOTE_HEADER_BYTES 12

static uint64_t pad(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

uint64_t note_read(const uint8_t *at, uint64_t length, uint64_t alignment, struct note *note)
{
	uint64_t desc_at, end;

	if (length < NOTE_HEADER_BYTES)
		return 0;
	memcpy(&note->owner_bytes, at, 4);
	memcpy(&note->desc_bytes, at + 4, 4);
	memcpy(&note->type, at + 8, 4);
	desc_at = pad(NOTE_HEADER_BYTES + (uint64_t)note->owner_bytes, alignment);
	end = desc_at + note->desc_bytes;
	if (end > length)
		return 0;
	note->owner = at + NOTE_HEADER_BYTES;
	note->desc = at + desc_at;
	note->virtual = desc_at;
	/* The last note may do without padding. */
	return pad(end, alignment) < length ? pad(end, alignment) : length;
}

bool note_is_of(const struct note *note, const char *owner)
{
	return note->owner_bytes == strlen(owner) + 1 &&
	       memcmp(note->owner, owner, note->owner_bytes) == 0;
}
