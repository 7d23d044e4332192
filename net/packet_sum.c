/*
 * Sums of bytes that never change (static files, say) are taken once, and remembered by place and length: the
 * same file leaves in the same pieces again and again. Where the device completes checksums none is taken
 * at all. A table of one line for each hash: what comes later takes the line.
 */
#include "net/packet_sum.h"

#include "diatom/counter.h"

#define LINES	    512
#define WORTH_BYTES 256 /* shorter: adding is as fast as looking */

COUNTER(sums_saved, "net.sums_saved", "checksums of constant data not taken again");

static struct line {
	const uint8_t *data;
	uint32_t length, sum;
} lines[LINES];

static uint64_t sum_of(const struct packet *packet)
{
	uintptr_t at = (uintptr_t)packet->data;
	struct line *line = &lines[(at ^ at >> 9 ^ packet->length) % LINES];

	if (!packet->is_constant || packet->length < WORTH_BYTES)
		return checksum_add(0, packet->data, packet->length);
	if (line->data == packet->data && line->length == packet->length) {
		count(&sums_saved);
		return line->sum;
	}
	*line = (struct line){ packet->data, packet->length,
		checksum_fold(checksum_add(0, packet->data, packet->length)) };
	return line->sum;
}

uint64_t packet_sum_constant(uint64_t sum, const struct packet *packet)
{
	size_t offset = 0;

	for (; packet != NULL; packet = packet->fragment) {
		sum = checksum_join(sum, sum_of(packet), offset);
		offset += packet->length;
	}
	return sum;
}
