/* The image lies in physical memory as the build laid it out, wherever the body sees it. */
#include "host/qemu/mirror.h"

#include <unistd.h>

#include "abi/shim_image.h"
#include "host/named/counters.h"
#include "host/named/start.h"

#define PERIOD_NS   INT64_C(1000000000)
#define PIECE_BYTES 4096

void mirror_init(struct mirror *mirror, const struct memory *memory,
	const struct run_config *config, const struct image *image)
{
	*mirror = (struct mirror){ .memory = memory, .data = -1 };
	if (config->named == NULL)
		return;
	mirror->bytes = counters_span(image, &mirror->at);
	if (mirror->bytes > 0)
		mirror->data = config->named->data;
}

int64_t mirror_left_ns(const struct mirror *mirror, int64_t now_ns)
{
	if (mirror->data < 0)
		return INT64_MAX;
	return mirror->next_ns > now_ns ? mirror->next_ns - now_ns : 0;
}

void mirror_copy(struct mirror *mirror, int64_t now_ns)
{
	char piece[PIECE_BYTES];

	mirror->next_ns = now_ns + PERIOD_NS;
	if (mirror->data < 0)
		return;
	for (uint64_t done = 0; done < mirror->bytes; done += sizeof(piece)) {
		uint64_t left = mirror->bytes - done;
		size_t length = left < sizeof(piece) ? left : sizeof(piece);

		if (!memory_read(mirror->memory, SHIM_BODY_PHYSICAL + mirror->at + done, piece,
			    length) ||
			pwrite(mirror->data, piece, length, (off_t)(mirror->at + done)) < 0)
			return; /* others see what was there before */
	}
}
