/*
 * Frames are at most 64 KiB, a quarter of the buffer, so one flush always makes room.
 */
#include "host/monitor/pcap.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 65536

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy;
	uint32_t length_max, link_type;
};

struct record_header {
	uint32_t seconds, nanoseconds;
	uint32_t stored, length;
};

_Static_assert(sizeof(struct file_header) == 24, "pcap file format");
_Static_assert(sizeof(struct record_header) == 16, "pcap file format");

void pcap_begin(struct pcap *pcap, int fd)
{
	const struct file_header header = { 0xa1b23c4d, 2, 4, 0, 0, FRAME_MAX, 1 };

	pcap->fd = fd;
	pcap->lost = 0;
	pcap->used = sizeof(header);
	memcpy(pcap->buffer, &header, sizeof(header));
}

void pcap_flush(struct pcap *pcap)
{
	size_t done = 0;

	while (done < pcap->used) {
		ssize_t n = write(pcap->fd, pcap->buffer + done, pcap->used - done);

		if (n <= 0) {
			pcap->lost++;
			break;
		}
		done += (size_t)n;
	}
	pcap->used = 0;
}

void pcap_write(
	struct pcap *pcap, const struct iovec *parts, unsigned count, size_t length, size_t skip)
{
	struct record_header header;
	struct timespec now;
	size_t frame = length - skip, left;

	if (frame > FRAME_MAX)
		frame = FRAME_MAX;
	if (pcap->used + sizeof(header) + frame > sizeof(pcap->buffer))
		pcap_flush(pcap);
	clock_gettime(CLOCK_REALTIME, &now);
	header = (struct record_header){ (uint32_t)now.tv_sec, (uint32_t)now.tv_nsec,
		(uint32_t)frame, (uint32_t)(length - skip) };
	memcpy(pcap->buffer + pcap->used, &header, sizeof(header));
	pcap->used += sizeof(header);
	left = frame;
	for (unsigned i = 0; i < count && left > 0; i++) {
		size_t n = parts[i].iov_len;

		if (skip >= n) {
			skip -= n;
			continue;
		}
		n = n - skip < left ? n - skip : left;
		memcpy(pcap->buffer + pcap->used, (uint8_t *)parts[i].iov_base + skip, n);
		pcap->used += n;
		left -= n;
		skip = 0;
	}
}
